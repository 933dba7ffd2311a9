# What wazo-auth-client sends, through the whole life of an installation: the first login, tenants, policies, groups,
# users, their logins and checks, changes, and the end of everything. Every answer is compared with the contract's
# (responses.md) to the letter: status, headers, keys and their order, separators, escapes, the final newline.
#
# In what is expected <name> stands for a UUID, the same one wherever the name is; the first one tells it.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use JSON ();
use Test::More;
use WazoRest;

binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new(conf => "timezone = 'UTC'\n");
my $base = '/0.1';
my %known = (top => $t->{top});
my %form = (time => '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}', second => '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', zone => '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00',
	utc => '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}', floor => '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000');

# One command of the client. token, tenant: who sends it; body: what the client encodes, as Python's json.dumps does.
sub command
{
	my ($what, $method, $path, %opt) = @_;
	$path =~ s/<(\w+)>/$known{$1} \/\/ die "<$1>"/ge;
	my @headers = ('Accept: application/json', 'User-Agent: wazo-auth-client');
	push @headers, 'Content-Type: ' . ($opt{encoding} // 'application/json') if exists $opt{body};
	push @headers, "Wazo-Session-Type: $opt{session_type}" if defined $opt{session_type};
	my $body = $opt{body};
	$body =~ s/<(\w+)>/$known{$1} \/\/ die "<$1>"/ge if defined $body;
	my $r = $t->ask($method, "$base$path", headers => \@headers, defined $body ? (body => $body) : (),
		defined $opt{token} ? (token => $known{$opt{token}} // die $opt{token}) : (),
		defined $opt{tenant} ? (tenant => $known{$opt{tenant}} // die $opt{tenant}) : (), defined $opt{login} ? (basic => $opt{login}) : ());
	my $status = $opt{status} // 200;
	is($r->{status}, $status, "$what: $status") or diag($r->{body});
	is($r->{headers}{'content-type'} // '', $opt{type} // 'application/json', '... type');
	is($r->{headers}{$_} // '', $opt{answer_headers}{$_}, "... $_") foreach sort keys %{$opt{answer_headers} // {}};
	if ($status == 204 || $method eq 'HEAD')
	{
		is($r->{body}, '', '... no body');
		ok(!defined $r->{headers}{'content-length'}, '... no length') if $status == 204;
		return $r;
	}
	is($r->{headers}{'content-length'}, length $r->{body}, '... length');
	return $r if !defined $opt{want};
	my $got = without_time($r->{body});
	my (%told, @names);
	my $pattern = join '', map {
		!/^<(\w+)>$/ ? quotemeta
		: $form{$1} ? $form{$1}
		: defined $known{$1} ? quotemeta $known{$1}
		: $told{$1}++ ? "\\k<$1>"
		: do { push @names, $1; "(?<$1>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})" }
	} split /(<\w+>)/, "$opt{want}\n";
	if (ok($got =~ /\A$pattern\z/, '... body'))
	{
		$known{$_} = $+{$_} foreach @names;
	}
	else
	{
		diag("     got: $got\nexpected: $opt{want}");
	}
	return $r;
}

sub token_answer
{
	my ($token, $user, $tenant, %opt) = @_;
	my ($issued, $utc) = $opt{stored} ? ('<second>', '<floor>') : ('<time>', '<utc>');
	my $refresh = $opt{refresh} ? ", \"refresh_token\": \"<$opt{refresh}>\"" : '';
	my $acl = join ', ', map { "\"$_\"" } @{$opt{acl}};
	return "{\"data\": {\"token\": \"<$token>\", \"auth_id\": \"<$user>\", \"xivo_user_uuid\": " . ($opt{internal} ? 'null' : "\"<$user>\"") . ", \"xivo_uuid\": null, "
		. "\"issued_at\": \"$issued\", \"expires_at\": \"$issued\", \"utc_issued_at\": \"$utc\", \"utc_expires_at\": \"$utc\", \"acl\": [$acl], "
		. "\"metadata\": {\"uuid\": \"<$user>\", \"tenant_uuid\": \"<$tenant>\", \"auth_id\": \"<$user>\", \"pbx_user_uuid\": " . ($opt{internal} ? 'null' : "\"<$user>\"")
		. ", \"xivo_uuid\": null, \"purpose\": \"" . ($opt{internal} ? 'internal' : 'user') . "\"}, \"session_uuid\": \"<session_$token>\", "
		. "\"remote_addr\": \"127.0.0.1\", \"user_agent\": \"wazo-auth-client\"$refresh}}";
}

sub tenant_item
{
	my ($name, $parent, $slug, %opt) = @_;
	my @address = map { "\"$_\": " . ($opt{$_} // 'null') } qw(line_1 line_2 city state country zip_code);
	return "{\"uuid\": \"<$name>\", \"parent_uuid\": \"<$parent>\", \"name\": " . ($opt{name} // "\"$slug\"") . ", \"slug\": \"$slug\", \"contact\": " . ($opt{contact} // 'null')
		. ', "phone": ' . ($opt{phone} // 'null') . ', "default_authentication_method": "native", "domain_names": [' . ($opt{domains} // '') . '], "address": {'
		. join(', ', @address) . '}}';
}

sub user_item
{
	my ($user, $tenant, %opt) = @_;
	my ($username, $first, $last, $emails, $enabled, $method) = @opt{qw(username first last emails enabled method)};
	$_ = defined $_ ? "\"$_\"" : 'null' foreach $username, $first, $last;
	$_ //= '' foreach $emails;
	$enabled //= 'true';
	$method //= 'default';
	return $opt{created}
		? "{\"uuid\": \"<$user>\", \"username\": $username, \"firstname\": $first, \"lastname\": $last, \"purpose\": \"user\", \"emails\": [$emails], "
			. "\"enabled\": $enabled, \"tenant_uuid\": \"<$tenant>\", \"authentication_method\": \"$method\"}"
		: "{\"username\": $username, \"uuid\": \"<$user>\", \"enabled\": $enabled, \"emails\": [$emails], \"firstname\": $first, \"lastname\": $last, "
			. "\"purpose\": \"user\", \"tenant_uuid\": \"<$tenant>\", \"authentication_method\": \"$method\"}";
}

# ---- status, backends, the first login ----
command('status.check', 'HEAD', '/status');
command('backends.list', 'GET', '/backends', want => '{"data": ["ldap_user", "wazo_user"]}');
command('token.new', 'POST', '/token', login => "$t->{admin}:$t->{password}", body => '{"backend": "wazo_user", "expiration": 3600}',
	want => token_answer('root', 'admin', 'top', acl => ['#'], internal => $t->psql("SELECT purpose = 'internal' FROM wazo_auth.user") eq 't'),
	answer_headers => {'wazo-sessions-revoked' => '0'});
command('token.new, refused', 'POST', '/token', login => "$t->{admin}:wrong", body => '{"backend": "wazo_user"}', status => 401,
	want => '{"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}');
command('idp.list', 'GET', '/idp', token => 'root', want => '{"total": 4, "filtered": 4, "items": ["native", "default", "saml", "ldap"]}');

# ---- tenants ----
command('tenants.new', 'POST', '/tenants', token => 'root', body => '{"name": "Soci\u00e9t\u00e9 \ud83d\ude00", "slug": "societe", "phone": "+1 418", "domain_names": ["b.example.com", "a.example.com"], '
	. '"address": {"line_1": "1 rue \"X\"", "city": "Qu\u00e9bec", "zip_code": "G1"}}',
	want => tenant_item('company', 'top', 'societe', name => '"Soci\u00e9t\u00e9 \ud83d\ude00"', phone => '"+1 418"', domains => '"a.example.com", "b.example.com"',
		line_1 => '"1 rue \"X\""', city => '"Qu\u00e9bec"', zip_code => '"G1"'));
command('tenants.new, below', 'POST', '/tenants', token => 'root', tenant => 'company', body => '{"name": "shop"}', want => tenant_item('shop', 'company', 'shop'));
command('tenants.new, beside', 'POST', '/tenants', token => 'root', body => '{"name": "beside"}', want => tenant_item('beside', 'top', 'beside'));
command('tenants.get', 'GET', '/tenants/<shop>', token => 'root', want => tenant_item('shop', 'company', 'shop'));
command('tenants.list', 'GET', '/tenants?order=name&direction=asc&limit=2&offset=1', token => 'root', tenant => 'company',
	want => '{"filtered": 2, "total": 2, "items": [' . tenant_item('shop', 'company', 'shop') . ']}');
command('tenants.get_domains', 'GET', '/tenants/<company>/domains', token => 'root',
	want => '{"total": 2, "items": [{"name": "a.example.com", "uuid": "<domain_a>"}, {"name": "b.example.com", "uuid": "<domain_b>"}]}');
command('tenants.edit', 'PUT', '/tenants/<beside>', token => 'root', body => '{"name": "moved", "domain_names": ["c.example.com"]}',
	want => tenant_item('beside', 'top', 'beside', name => '"moved"', domains => '"c.example.com"'));
command('tenants: another parent', 'PUT', '/tenants/<beside>/parent/<company>', token => 'root', status => 204);
command('tenants.list', 'GET', '/tenants?search=moved', token => 'root', want => '{"filtered": 1, "total": 4, "items": ['
	. tenant_item('beside', 'company', 'beside', name => '"moved"', domains => '"c.example.com"') . ']}');

# ---- policies ----
my $reader = '{"uuid": "<reader>", "tenant_uuid": "<company>", "name": "reader", "slug": "reader", "description": "d\u00e9", "acl": ["confd.users.read", "confd.users.me.#"], "read_only": false, "shared": false}';
command('policies.new', 'POST', '/policies', token => 'root', tenant => 'company', body => '{"name": "reader", "description": "d\u00e9", "acl": ["confd.users.read", "confd.users.me.#"], "shared": false}', want => $reader);
command('policies.new, shared', 'POST', '/policies', token => 'root', body => '{"name": "lent", "slug": "lent", "acl": ["dird.#"], "shared": true}',
	want => '{"uuid": "<lent>", "tenant_uuid": "<top>", "name": "lent", "slug": "lent", "description": null, "acl": ["dird.#"], "read_only": false, "shared": true}');
my $lent = '{"uuid": "<lent>", "tenant_uuid": "<company>", "name": "lent", "slug": "lent", "description": null, "acl": ["dird.#"], "read_only": true, "shared": false}';
command('policies.get', 'GET', '/policies/<reader>', token => 'root', want => $reader);
command('policies.get by slug', 'GET', '/policies/reader', token => 'root', tenant => 'company', want => $reader);
command('policies.list', 'GET', '/policies?name=lent', token => 'root', tenant => 'company',
	want => '{"items": [' . $lent . '], "total": ' . $t->psql("SELECT 1 + count(*) FROM wazo_auth.policy p WHERE p.config_managed OR p.name = 'reader'") . '}');
command('policies.edit', 'PUT', '/policies/<reader>', token => 'root', body => '{"name": "reader", "description": "new", "acl": ["confd.users.read"]}',
	want => $reader =~ s/d\\u00e9/new/r =~ s/, "confd.users.me.#"//r);
command('policies.add_access', 'PUT', '/policies/<reader>/acl/confd.users.me.%23', token => 'root', status => 204);
command('policies.get', 'GET', '/policies/<reader>', token => 'root', want => $reader =~ s/d\\u00e9/new/r);
command('policies.remove_access', 'DELETE', '/policies/<reader>/acl/confd.users.read', token => 'root', status => 204);
command('policies.edit, lent', 'PUT', '/policies/lent', token => 'root', tenant => 'company', body => '{"name": "x"}', status => 403,
	want => '{"reason": ["Forbidden policy deletion: \"<lent>\""], "timestamp": [T], "status_code": 403}');

# ---- groups ----
my $group = '{"uuid": "<group>", "tenant_uuid": "<company>", "name": "Les \u00e9lus", "slug": "Leslus", "read_only": false, "system_managed": false}';
my $group_item = '{"uuid": "<group>", "name": "Les \u00e9lus", "slug": "Leslus", "tenant_uuid": "<company>", "system_managed": false, "read_only": false}';
command('groups.new', 'POST', '/groups', token => 'root', tenant => 'company', body => '{"name": "Les \u00e9lus"}', want => $group);
command('groups.get', 'GET', '/groups/<group>', token => 'root', want => $group_item);
command('groups.add_policy', 'PUT', '/groups/<group>/policies/<reader>', token => 'root', status => 204);
command('groups.add_policy by slug', 'PUT', '/groups/<group>/policies/lent', token => 'root', tenant => 'company', status => 204);
command('groups.get_policies', 'GET', '/groups/<group>/policies?order=name', token => 'root', tenant => 'company', want => '{"items": [' . $lent . ', '
	. ($reader =~ s/d\\u00e9/new/r =~ s/"confd.users.read", //r) . '], "total": 2, "filtered": 2}');
command('groups.list', 'GET', '/groups?read_only=true', token => 'root', tenant => 'company',
	want => '{"filtered": 1, "total": 2, "items": [{"uuid": "<everybody>", "name": "wazo-all-users-tenant-<company>", "slug": "wazo-all-users-tenant-<company>", "tenant_uuid": "<company>", "system_managed": true, "read_only": true}]}');

# ---- users ----
my $main = '{"uuid": "<alice_mail>", "address": "alice@example.com", "main": true, "confirmed": true}';
my $main_created = '{"uuid": "<alice_mail>", "address": "alice@example.com", "confirmed": true, "main": true}';
command('users.new', 'POST', '/users', token => 'root', tenant => 'company', body => '{"username": "alice", "password": "wonderl\u00e4nd", "firstname": "Al\u00efce", "lastname": null, "email_address": "alice@example.com"}',
	want => user_item('alice', 'company', created => 1, username => 'alice', first => 'Al\u00efce', emails => $main_created));
command('users.new, bare', 'POST', '/users', token => 'root', tenant => 'shop', body => '{}', want => user_item('bare', 'shop', created => 1));
command('users.get', 'GET', '/users/<alice>', token => 'root', want => user_item('alice', 'company', username => 'alice', first => 'Al\u00efce', emails => $main));
command('users.list', 'GET', '/users?recurse=True&order=username', token => 'root', tenant => 'company', want => '{"filtered": 2, "total": 2, "items": ['
	. user_item('alice', 'company', username => 'alice', first => 'Al\u00efce', emails => $main) . ', ' . user_item('bare', 'shop') . ']}');
command('users.list, search', 'GET', '/users?search=AL%C3%8FCE', token => 'root', tenant => 'company', want => '{"filtered": 1, "total": 1, "items": ['
	. user_item('alice', 'company', username => 'alice', first => 'Al\u00efce', emails => $main) . ']}');
command('groups.add_user', 'PUT', '/groups/<group>/users/<alice>', token => 'root', status => 204);
command('groups.get_users', 'GET', '/groups/<group>/users', token => 'root', want => '{"filtered": 1, "total": 1, "items": ['
	. user_item('alice', 'company', username => 'alice', first => 'Al\u00efce', emails => $main) . ']}');
command('users.get_groups', 'GET', '/users/<alice>/groups?search=les', token => 'root', want => "{\"items\": [$group_item], \"total\": 2, \"filtered\": 1}");
command('policies.new, own', 'POST', '/policies', token => 'root', tenant => 'company', body => '{"name": "self", "acl": ["auth.users.me.#"]}',
	want => '{"uuid": "<self>", "tenant_uuid": "<company>", "name": "self", "slug": "self", "description": null, "acl": ["auth.users.me.#"], "read_only": false, "shared": false}');
command('users.add_policy', 'PUT', '/users/<alice>/policies/<self>', token => 'root', status => 204);
command('users.get_policies', 'GET', '/users/<alice>/policies', token => 'root',
	want => '{"items": [{"uuid": "<self>", "tenant_uuid": "<company>", "name": "self", "slug": "self", "description": null, "acl": ["auth.users.me.#"], "read_only": false, "shared": false}], "total": 1, "filtered": 1}');
command('admin: emails', 'PUT', '/admin/users/<alice>/emails', token => 'root', body => '{"emails": [{"address": "alice@example.com", "main": false}, {"address": "new@example.com", "main": true, "confirmed": true}]}',
	want => '[{"address": "alice@example.com", "confirmed": true, "main": false, "uuid": "<alice_mail>"}, {"address": "new@example.com", "confirmed": true, "main": true, "uuid": "<new_mail>"}]');

# ---- as a user ----
command('token.new', 'POST', '/token', login => 'Alice:wonderländ', body => '{"expiration": 60, "access_type": "offline", "client_id": "app"}', session_type => 'mobile',
	answer_headers => {'wazo-sessions-revoked' => '0'},
	want => token_answer('login', 'alice', 'company', acl => ['dird.#', 'confd.users.me.#', 'auth.users.me.#'], refresh => 'refresh'));
command('token.new, by address', 'POST', '/token', login => 'NEW@example.com:wonderländ', body => '{}', want => token_answer('login2', 'alice', 'company', acl => ['dird.#', 'confd.users.me.#', 'auth.users.me.#']));
command('token.new, by refresh token', 'POST', '/token', body => '{"refresh_token": "<refresh>", "client_id": "app"}',
	want => token_answer('login3', 'alice', 'company', acl => ['dird.#', 'confd.users.me.#', 'auth.users.me.#']));
command('token.is_valid', 'HEAD', '/token/<login>', status => 204);
command('token.is_valid, scope', 'HEAD', '/token/<login>?scope=confd.users.<alice>.read', status => 204);
command('token.is_valid, scope', 'HEAD', '/token/<login>?scope=confd.users.<bare>.read', status => 403);
command('token.is_valid, tenant', 'HEAD', '/token/<login>?scope=dird.x&tenant=<shop>', status => 204);
command('token.is_valid, tenant', 'HEAD', '/token/<login>?tenant=<top>', status => 403);
command('token.get', 'GET', '/token/<login>?scope=dird.x', want => token_answer('login', 'alice', 'company', stored => 1, acl => ['dird.#', 'confd.users.me.#', 'auth.users.me.#']));
command('token.get, refused', 'GET', '/token/<login>?scope=confd.%C3%A9', status => 403, want => '{"reason": ["Unauthorized for confd.e"], "timestamp": [T], "status_code": 403}');
command('token.check_scopes', 'POST', '/token/<login>/scopes/check', body => '{"scopes": ["dird.x", "confd.\u00e9"], "tenant_uuid": "<company>"}', want => '{"scopes": {"dird.x": true, "confd.\u00e9": false}}');
command('refresh_tokens.list', 'GET', '/users/me/tokens', token => 'login', want => '{"total": 1, "filtered": 1, "items": [{"client_id": "app", "created_at": "<zone>", "mobile": true, "user_uuid": "<alice>", "tenant_uuid": "<company>", "metadata": {}}]}');
command('users.get_sessions', 'GET', '/users/<alice>/sessions?order=mobile&direction=desc&limit=1', token => 'login',
	want => '{"items": [{"uuid": "<session_login>", "mobile": true, "tenant_uuid": "<company>", "user_uuid": "<alice>"}], "total": 3, "filtered": 3}');
command('sessions.list', 'GET', '/sessions?recurse=true&limit=0', token => 'root', want => '{"filtered": ' . (3 + 2) . ', "total": ' . (3 + 2) . ', "items": []}');
command('sessions.delete', 'DELETE', '/sessions/<session_login3>', token => 'root', status => 204);
command('token.is_valid, ended', 'HEAD', '/token/<login3>', status => 404);
command('users.remove_session', 'DELETE', '/users/<alice>/sessions/<session_login2>', token => 'login', status => 204);
command('users.update_emails', 'PUT', '/users/<alice>/emails', token => 'login', body => '{"emails": [{"address": "new@example.com", "main": true}, {"address": "third@example.com", "main": false}]}',
	want => '[{"address": "new@example.com", "main": true, "uuid": "<new_mail>", "confirmed": true}, {"address": "third@example.com", "main": false, "confirmed": false, "uuid": "<third_mail>"}]');
command('not hers', 'GET', '/users/<bare>', token => 'login', tenant => 'shop', status => 401,
	want => '{"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "<login>", "reason": "missing_permission_or_invalid_tenant", "required_access": "auth.users.<bare>.read", "tenant_uuid": "<shop>"}, "timestamp": T}');
command('users.change_password', 'PUT', '/users/<alice>/password', token => 'login', body => '{"old_password": "wonderl\u00e4nd", "new_password": "b"}', status => 204);
command('token.is_valid, after that', 'HEAD', '/token/<login>', status => 404);
command('token.new, by refresh token, after that', 'POST', '/token', body => '{"refresh_token": "<refresh>", "client_id": "app"}', status => 401,
	want => '{"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}');
command('token.new', 'POST', '/token', login => 'alice:b', body => '{"access_type": "offline", "client_id": "app"}',
	want => token_answer('again', 'alice', 'company', acl => ['dird.#', 'confd.users.me.#', 'auth.users.me.#'], refresh => 'refresh2'));
command('refresh_tokens.delete', 'DELETE', '/users/<alice>/tokens/app', token => 'again', status => 204);
command('token.revoke', 'DELETE', '/token/<again>', want => '{"data": {"message": "success"}}');
command('token.revoke again', 'DELETE', '/token/<again>', want => '{"data": {"message": "success"}}');

# ---- SAML: forms as requests makes them, fields first and then files ----
my $none = '{"message": "No SAML IDP config found for this tenant: \"<saml_tenant>\"", "error_id": "unknown-saml-config", "details": {"uuid": "<saml_tenant>"}, "timestamp": T, "resource": "saml_config"}';
$known{saml_tenant} = $t->psql("SELECT wazo_auth.create_tenant('$t->{top}', 'SAML', 'saml', domain_names => '{saml.example.com}')");
$known{domain} = $t->psql("SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'saml.example.com'");
my $certificate = $t->psql("SELECT regexp_replace(wazo_auth.saml_make_key('idp') ->> 'certificate', '-----[^-]*-----|\\s', '', 'g')");
my $metadata = '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.org"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
	. "<KeyDescriptor><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>$certificate</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
	. '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/sso"/></IDPSSODescriptor></EntityDescriptor>';
my $boundary = '0123456789abcdef0123456789abcdef';
my $form = join '', map { "--$boundary\r\nContent-Disposition: form-data; name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" }
	['acs_url', 'https://stack.wazo.local/api/0.1/saml/acs'], ['entity_id', 'wazo.dev'], ['domain_uuid', $known{domain}], ['metadata"; filename="metadata', $metadata];
my @saml = (token => 'root', tenant => 'saml_tenant');
my $config = '{"domain_uuid": "<domain>", "entity_id": "%s", "tenant_uuid": "<saml_tenant>", "acs_url": "https://stack.wazo.local/api/0.1/saml/acs"}';
command('saml_config.get_acs_template', 'GET', '/backends/saml/acs_url_template', token => 'root', want => '{"acs_url": "https://{{STACK_URL}}/api/auth/0.1/saml/acs"}');
command('saml_config.get, none', 'GET', '/backends/saml', @saml, status => 404, want => $none);
my $created = $t->ask('POST', '/0.1/backends/saml', token => $known{root}, tenant => $known{saml_tenant}, headers => ["Content-Type: multipart/form-data; boundary=$boundary"], body => "$form--$boundary--\r\n");
is("$created->{status} $created->{body}", "200 $config\n" =~ s/%s/wazo.dev/r =~ s/<(\w+)>/$known{$1}/gr, 'saml_config.create');
command('saml_config.get', 'GET', '/backends/saml', @saml, want => $config =~ s/%s/wazo.dev/r);
command('saml_config.update', 'PUT', '/backends/saml', @saml, encoding => 'application/x-www-form-urlencoded', body => 'entity_id=new_entity_id', want => '{}');
command('saml_config.get, updated', 'GET', '/backends/saml', @saml, want => $config =~ s/%s/new_entity_id/r);
is(command('saml_config.get_metadata', 'GET', '/backends/saml/metadata', @saml, type => 'application/xml')->{body}, $metadata, '... as uploaded');
my $sso = command('saml.sso', 'POST', '/saml/sso', body => '{"redirect_url": "https://saml.example.com/", "domain": "saml.example.com"}');
is(join(' ', sort keys %{$sso->{json}}), 'location saml_session_id', '... what it gives');
my ($state) = $sso->{json}{location} =~ /RelayState=([^&]+)/;
my $acs = command('saml.acs', 'POST', '/saml/acs', encoding => 'application/x-www-form-urlencoded', body => "RelayState=$state&SAMLResponse=eA%3D%3D", status => 302, type => '');
is($acs->{headers}{location}, 'https://saml.example.com/?login_failure_code=401', '... where a browser goes on');
command('token.new, saml_session_id', 'POST', '/token', body => "{\"saml_session_id\": \"$sso->{json}{saml_session_id}\"}", status => 401, want => '{"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}');
command('saml.logout', 'GET', '/saml/logout', token => 'root', status => 404,
	want => '{"message": "SAML processing failed", "error_id": "processing-error", "details": {"error": "Context not found"}, "timestamp": T, "resource": "saml"}');
command('saml_config.delete', 'DELETE', '/backends/saml', @saml, status => 204);
command('saml_config.get, deleted', 'GET', '/backends/saml', @saml, status => 404, want => $none);
command('tenants.delete', 'DELETE', '/tenants/<saml_tenant>', token => 'root', status => 204);

# ---- changes ----
command('idp.add_user', 'PUT', '/idp/ldap/users/<alice>', token => 'root', status => 204);
command('idp.update_users', 'PUT', '/idp/saml/users', token => 'root', body => '{"users": [{"uuid": "<alice>"}]}', status => 204);
command('idp.remove_user', 'DELETE', '/idp/saml/users/<alice>', token => 'root', status => 204);
command('users.edit', 'PUT', '/users/<alice>', token => 'root', body => '{"username": "alice2", "lastname": "L\u00f6", "enabled": false}',
	want => user_item('alice', 'company', username => 'alice2', last => 'L\u00f6', enabled => 'false',
		emails => '{"uuid": "<new_mail>", "address": "new@example.com", "main": true, "confirmed": true}, {"uuid": "<third_mail>", "address": "third@example.com", "main": false, "confirmed": false}'));
command('token.new, disabled', 'POST', '/token', login => 'alice2:b', body => '{}', status => 401, want => '{"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}');
command('groups.edit', 'PUT', '/groups/<group>', token => 'root', body => '{"name": "chosen"}', want => $group =~ s/Les \\u00e9lus/chosen/r);
command('groups.remove_user', 'DELETE', '/groups/<group>/users/<alice>', token => 'root', status => 204);
command('groups.remove_policy', 'DELETE', '/groups/<group>/policies/<reader>', token => 'root', status => 204);
command('users.remove_policy', 'DELETE', '/users/<alice>/policies/self', token => 'root', tenant => 'company', status => 204);
command('users.get_policies', 'GET', '/users/<alice>/policies', token => 'root', want => '{"items": [], "total": 0, "filtered": 0}');
command('tenants.edit, contact', 'PUT', '/tenants/<shop>', token => 'root', body => '{"name": "shop", "contact": "<bare>"}', want => tenant_item('shop', 'company', 'shop', contact => '"<bare>"'));
{
	my $r = command('config.patch', 'PATCH', '/config', token => 'root', body => '[{"op": "replace", "path": "/debug", "value": "True"}]');
	is($r->{json}{debug}, JSON::true, '... debug');
	$r = command('config.get', 'GET', '/config', token => 'root');
	is("$r->{json}{debug} $r->{json}{profiling_enabled}", '1 0', '... shows it');
	like($r->{body}, qr/\A\{(?:"\w+": .*)\}\n\z/, '... as one line');
	unlike($r->{body}, qr/\Q$t->{password}\E/, '... no password');
}

# ---- the end ----
command('users.delete', 'DELETE', '/users/<bare>', token => 'root', status => 204);
command('tenants.get', 'GET', '/tenants/<shop>', token => 'root', want => tenant_item('shop', 'company', 'shop'));
command('users.delete', 'DELETE', '/users/<alice>', token => 'root', status => 204);
command('users.get', 'GET', '/users/<alice>', token => 'root', status => 404,
	want => '{"message": "No such user: \"<alice>\"", "error_id": "unknown-user", "details": {"uuid": "<alice>"}, "timestamp": T, "resource": "users"}');
command('groups.delete', 'DELETE', '/groups/<group>', token => 'root', status => 204);
command('policies.delete', 'DELETE', '/policies/<reader>', token => 'root', status => 204);
command('policies.delete by slug', 'DELETE', '/policies/self', token => 'root', tenant => 'company', status => 204);
command('policies.delete', 'DELETE', '/policies/<lent>', token => 'root', status => 204);
command('tenants.delete, with children', 'DELETE', '/tenants/<company>', token => 'root', status => 400,
	want => '{"message": "Unauthorized delete of tenant : \"<company>\" ; since it has at least one child", "error_id": {"uuid": "<company>"}, "details": "tenants", "timestamp": T}');
command("tenants.delete $_", 'DELETE', "/tenants/<$_>", token => 'root', status => 204) foreach qw(shop beside company);
command('tenants.list', 'GET', '/tenants', token => 'root', want => '{"filtered": 1, "total": 1, "items": [' . tenant_item('top', 'top', 'master') . ']}');
command('token.revoke', 'DELETE', '/token/<root>', want => '{"data": {"message": "success"}}');
command('tenants.list, without a token', 'GET', '/tenants', token => 'root', status => 401,
	want => '{"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "<root>", "reason": "not_found_or_expired", "required_access": "auth.tenants.read"}, "timestamp": T}');
is($t->psql("SELECT (SELECT count(*) FROM wazo_auth.user) || ' ' || (SELECT count(*) FROM wazo_auth.email) || ' ' || (SELECT count(*) FROM wazo_auth.tenant) || ' ' || (SELECT count(*) FROM wazo_auth.refresh_token)"),
	'1 0 1 0', 'nothing is left but what was there at first');
done_testing;
