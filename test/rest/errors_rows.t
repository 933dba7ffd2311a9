# Every row of the contract's errors for each route (errors.md section 6), and their order: each error alone, and each
# two at once, of which the earlier one is answered. A route is a request that succeeds, and its checks in their order:
# what makes the check fail, and the answer to that. Routes without a row here make the test fail.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use JSON ();
use Test::More;
use WazoRest;

binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new;
my $json = JSON->new->ascii->allow_nonref->canonical;
my $top = $t->{top};
my $nobody = '99999999-9999-4999-8999-999999999999';

# ---- what the requests are about ----
my $child = $t->tenant($top, 'child');
my $below = $t->tenant($child, 'below');
my $childless = $t->psql("SELECT wazo_auth.create_tenant('$top', 'taken', 'taken', domain_names => '{taken.example.com}')");
my $user = $t->user($top, 'subject', 'a.b');
my $other = $t->user($top, 'other', 'a.b');
my $stranger = $t->user($child, 'stranger', 'a.b');
my $managed = $t->user($top, 'managed', 'a.b');
$t->psql("SELECT wazo_auth.replace_emails('$other', '{taken\@example.com}', 'taken\@example.com')");
$t->psql("SELECT wazo_auth.replace_emails('$user', '{subject\@example.com}', 'subject\@example.com')");
my $address = $t->psql("SELECT e.uuid FROM wazo_auth.email e WHERE e.user_uuid = '$user'");
$t->psql("SELECT wazo_auth.replace_emails('$stranger', '{stranger\@example.com}', 'stranger\@example.com', '{true}')");
my $confirmed = $t->psql("SELECT e.uuid FROM wazo_auth.email e WHERE e.user_uuid = '$stranger'");
my $limited = do { $t->user($top, 'limited', 'auth.#'); $t->login('limited', 'secret')->{token} };
my $powerless = do { $t->user($top, 'powerless', 'nothing'); $t->login('powerless', 'secret')->{token} };
my $child_token = do { $t->user($child, 'child admin', '#'); $t->login('child admin', 'secret')->{token} };
my $subject = $t->login('subject', 'secret')->{token};
$t->login('subject', 'secret', access_type => 'offline', client_id => 'mine');
$t->login($t->{admin}, $t->{password}, access_type => 'offline', client_id => 'mine');
my $group = $t->psql("SELECT wazo_auth.create_group('$top', 'group')");
$t->psql("SELECT wazo_auth.create_group('$top', 'taken')");
my $everybody = $t->psql("SELECT g.uuid FROM wazo_auth.group g WHERE g.system_managed AND g.tenant_uuid = '$top'");
my %policy = map { ($_->[0] => $t->psql("SELECT wazo_auth.create_policy('$top', '$_->[0]', '$_->[1]', config_managed => $_->[2])")) }
	['plain', '{}', 'false'], ['guarded', '{x.y}', 'false'], ['configured', '{}', 'true'], ['taken', '{}', 'false'], ['with', '{auth.ok}', 'false'];
$t->psql("SELECT wazo_auth.add_user_policy('$user', '$policy{guarded}'), wazo_auth.add_group_policy('$group', '$policy{guarded}')");
$t->psql("UPDATE wazo_auth.user SET authentication_method = 'saml' WHERE uuid = '$managed'");

# ---- answers ----
sub api
{
	my ($status, $message, $id, $details, $resource) = @_;
	return [$status, sprintf('{"message": %s, "error_id": "%s", "details": %s, "timestamp": T%s}', $json->encode($message), $id, $details,
		defined $resource ? ", \"resource\": \"$resource\"" : '')];
}
sub short { my ($status, $reason) = @_; return [$status, sprintf('{"reason": [%s], "timestamp": [T], "status_code": %d}', $json->encode($reason), $status)]; }
sub unknown { my ($what, $uuid) = @_; return api(404, "No such $what: \"$uuid\"", "unknown-$what", "{\"uuid\": \"$uuid\"}", "${what}s"); }
sub conflict { my ($field, $message, $resource) = @_; return api(409, 'Conflict detected', 'conflict', "{\"$field\": {\"constraint_id\": \"unique\", \"message\": " . $json->encode($message) . '}}', $resource); }
sub refused { my ($token, $access) = @_; return api(401, 'Unauthorized', 'unauthorized', "{\"invalid_token\": \"$token\", \"required_access\": \"$access\"}"); }
sub field { my ($resource, $name, $type) = @_; return api(400, "Not a valid $type.", 'invalid-data', "{\"$name\": {\"message\": \"Not a valid $type.\", \"constraint_id\": \"type\", \"constraint\": \"$type\"}}", $resource); }

# ---- checks: name, what is changed of the request, answer ----
my $tenant = ['tenant', {tenant => $nobody}, api(401, 'Unauthorized tenant', 'unauthorized-tenant', "{\"tenant_uuid\": \"$nobody\"}")];
my $no_json = ['JSON', {raw => '{'}, [400, '{"message": "The browser (or proxy) sent a request that this server could not understand."}']];
my $query = ['query', {query => 'limit=x'}, [400, '{"message": {"limit": {"message": "Not a valid integer.", "constraint_id": "type", "constraint": "integer"}}, '
	. '"error_id": "invalid-list-param", "details": {}, "timestamp": T, "resource": "users"}']];
my $unknown_user = ['unknown user', {user_uuid => $nobody}, unknown('user', $nobody)];
my $unknown_email = ['unknown address', {email_uuid => $nobody}, unknown('email', $nobody)];
my $unknown_group = ['unknown group', {group_uuid => $nobody}, unknown('group', $nobody)];
my $unknown_tenant = ['unknown tenant', {tenant_uuid => $nobody}, unknown('tenant', $nobody)];
my $unknown_policy = ['unknown policy', {policy_uuid => $nobody, policy_slug => "it's"}, undef];
my $unknown_refresh = ['unknown client', {client_id => 'else'}, api(404, 'unknown refresh_token for client_id "else"', 'cannot-find-refresh-token-matching-client-id', '{"client_id": "else"}', 'tokens')];
my $unknown_idp = ['unknown provider', {idp_type => 'else'}, api(404, 'No such IDP type: "else"', 'unknown-idp-type', '{"idp_type": "else"}', 'idp')];
my $bad_method = ['method', {json => {authentication_method => 'else'}}, api(400, 'Invalid authentication method else', 'invalid-data', '{"authentication_method": "else"}', 'users')];
my $login = ['username in use', {json => {username => 'OTHER'}}, conflict('username', 'The login "OTHER" is already used', 'users')];
my $system = ['group of all users', {group_uuid => $everybody}, api(403, "Forbidden group modification: \"$everybody\"", 'forbidden-group', "{\"uuid\": \"$everybody\"}", 'groups')];
my $group_taken = ['group in use', {json => {name => 'taken'}}, short(409, 'Group "taken" already exists')];
my $policy_taken = ['policy in use', {json => {name => 'taken'}}, short(409, 'Policy "taken" already exists')];
my $no_name = ['schema', {json => {name => 1}}, short(400, 'Invalid value supplied for field: name')];
my $read_only = ['read-only policy', {policy_uuid => $policy{configured}, policy_slug => 'configured'}, short(403, "Forbidden policy deletion: \"$policy{configured}\"")];
my $may_add_body = ['may add', {token => $limited, json => {acl => ['auth.ok', 'x.y']}}, refused($limited, 'x.y')];
my $may_add_policy = ['may add', {token => $limited, policy_uuid => $policy{guarded}, policy_slug => 'guarded'}, refused($limited, 'x.y')];
my $may_remove_policy = ['may remove', {token => $limited, policy_uuid => $policy{guarded}, policy_slug => 'guarded'}, refused($limited, 'x.y')];
my $may_access = ['may give or take', {token => $limited, access => 'x.y'}, refused($limited, 'x.y')];
my $access_there = ['access in it', {policy_uuid => $policy{with}, policy_slug => 'with'}, short(409, 'Policy already associated to auth.ok')];
sub sort_by { my ($column) = @_; return ['sort column', {query => "order=$column"}, short(400, "Invalid sort column: $column")]; }

my %email_body = (emails => [{address => 'a@example.com', main => JSON::true}]);
my @emails = ($no_json, ['schema', {json => {emails => 1}}, api(400, {emails => {message => 'Invalid type.', constraint_id => 'type', constraint => 'dict'}}, 'invalid-data', '{}', 'emails')],
	['address in use', {json => {emails => [{address => 'TAKEN@example.com', main => JSON::true}]}}, conflict('email_address', 'The login "TAKEN@example.com" is already used', 'users')],
	$unknown_user,
	['address twice', {json => {emails => [{address => 'a@example.com', main => JSON::true}, {address => 'A@example.com'}]}}, conflict('email_address', 'The email_address "None" is already used', 'users')]);
my @tenant_body = ($no_json, ['schema', {json => {name => 1}}, field('tenants', 'name', 'string')],
	['method', {json => {default_authentication_method => 'else'}}, api(400, 'Invalid default authentication method else', 'invalid-data', '{"default_authentication_method": "else"}', 'tenants')]);
my @tenant_conflicts = (['unknown contact', {json => {contact => $nobody}}, unknown('user', $nobody)],
	['domain in use', {tenant_uuid => $child, json => {domain_names => ['taken.example.com', 'a.example.com']}},
		api(409, 'Conflict detected', 'conflict', '{"domain_names": {"constraint-id": "unique", "message": "Domain name : \"[\'a.example.com\', \'taken.example.com\']\" is already in use, no duplicates allowed"}}', 'tenants')]);
my $tenant_uuid_taken = ['uuid in use', {json => {uuid => $child}}, api(409, 'Tenant Conflict detected', 'tenant-identity-conflict',
	"{\"uuid\": {\"constraint_id\": \"unique\", \"message\": \"A tenant with identity uuid=\\\"$child\\\" already exists\"}}", 'tenants')];
my $top_only = ['tenant of the caller', {token => $child_token}, api(401, 'Unauthorized', 'unauthorized', "{\"invalid_token\": \"$child_token\"}")];
my $no_token = ['unknown token', {token_uuid => $nobody}, short(404, 'No such token')];
my $token_tenant = ['tenant of the token', {query => "tenant=$nobody"}, short(403, "Unauthorized for tenant $nobody")];

# Route; body of the request that succeeds; checks.
my @rows = (
	['GET /tokens', undef, $tenant, $query],
	['GET /users/{user_uuid}/tokens', undef, $tenant, $unknown_user, $query],
	['GET /users/me/tokens', undef, $tenant, $query],
	['DELETE /users/{user_uuid}/tokens/{client_id}', undef, $tenant, $unknown_user, $unknown_refresh],
	['DELETE /users/me/tokens/{client_id}', undef, $tenant, $unknown_refresh],
	['GET /token/{token_uuid}', undef, $no_token, ['scope', {query => 'scope=n%C3%A9'}, short(403, 'Unauthorized for ne')], $token_tenant],
	['HEAD /token/{token_uuid}', undef, $no_token, ['scope', {query => 'scope=no'}, [403, '']], ['tenant', {query => "tenant=$nobody"}, [403, '']]],
	['DELETE /token/{token_uuid}', undef],
	['POST /token/{token_uuid}/scopes/check', {scopes => []}, $no_token, $no_json,
		['schema', {json => {scopes => 1}}, short(400, "{'scopes': {'message': 'Not a valid list.', 'constraint_id': 'type', 'constraint': 'list'}}")],
		['without scopes', {json => {scopes => undef}, drop => 'scopes'}, short(400, "{'scopes': {'message': 'Missing data for required field.', 'constraint_id': 'required', 'constraint': 'required'}}")],
		['tenant of the token', {json => {tenant_uuid => $nobody}}, short(403, "Unauthorized for tenant $nobody")]],
	['POST /token', {}, $no_json, ['schema', {json => {expiration => 'x'}}, short(400, "{'expiration': {'message': 'Not a valid integer.', 'constraint_id': 'type', 'constraint': 'integer'}}")],
		['rules between fields', {json => {refresh_token => 'x'}}, short(400, "{'_schema': ['\"client_id\" must be specified when using a \"refresh_token\"']}")],
		['password', {basic => 'subject:wrong'}, short(401, 'Authentication Failed')]],
	['GET /sessions', undef, $tenant, $query],
	['DELETE /sessions/{session_uuid}', undef, $tenant],
	['GET /users/{user_uuid}/sessions', undef, $tenant, $unknown_user, $query],
	['DELETE /users/{user_uuid}/sessions/{session_uuid}', undef, $tenant, $unknown_user],
	['GET /users', undef, $tenant, $query],
	['POST /users', {username => 'new'}, $tenant, $no_json, ['schema', {json => {firstname => 1}}, field('users', 'firstname', 'string')], $bad_method, $login,
		['address in use', {json => {email_address => 'Taken@example.com'}}, conflict('email_address', 'The login "Taken@example.com" is already used', 'users')],
		['uuid in use', {json => {uuid => $other}}, conflict('uuid', "The uuid \"$other\" is already used", 'users')]],
	['GET /users/{user_uuid}', undef, $tenant, $unknown_user],
	['PUT /users/{user_uuid}', {username => 'subject'}, $tenant, $no_json, ['schema', {json => {firstname => 1}}, field('users', 'firstname', 'string')], $bad_method, $unknown_user, $login],
	['DELETE /users/{user_uuid}/login_failures', undef, $tenant, $unknown_user],
	['DELETE /users/{user_uuid}', undef, $tenant, $unknown_user],
	['PUT /users/{user_uuid}/password', {old_password => 'secret', new_password => 'x'}, $no_json, ['schema', {json => {new_password => 1}}, field('users', 'new_password', 'string')],
		$unknown_user, ['old password', {json => {old_password => 'wrong'}}, short(401, 'Authentication Failed')],
		['managed elsewhere', {user_uuid => $managed}, api(405, "Unable to update externally managed password for user : \"$managed\"", 'password-managed-externally', "{\"uuid\": \"$managed\"}", 'users')]],
	['PUT /admin/users/{user_uuid}/emails', \%email_body, @emails],
	['PUT /users/{user_uuid}/emails', \%email_body, @emails],
	['GET /users/{user_uuid}/emails/{email_uuid}/confirm', undef, $tenant, $unknown_user, $unknown_email,
		['another\'s address', {user_uuid => $other, email_uuid => $address}, unknown('email', $address)],
		['confirmed', {user_uuid => $stranger, email_uuid => $confirmed}, api(409, "This email already confirmed: \"$confirmed\"", 'conflict', "{\"uuid\": \"$confirmed\"}", 'emails')]],
	['GET /emails/{email_uuid}/confirm', undef, $tenant, $unknown_email],
	['PUT /emails/{email_uuid}/confirm', undef, $tenant, $unknown_email],
	['GET /users/{user_uuid}/groups', undef, $tenant, $unknown_user, $query],
	['GET /groups', undef, $query, $tenant, sort_by('slug')],
	['POST /groups', {name => 'new'}, $no_json, ['schema', {json => {name => 1}}, field('groups', 'name', 'string')], $tenant, $group_taken],
	['GET /groups/{group_uuid}', undef, $tenant, $unknown_group],
	['PUT /groups/{group_uuid}', {name => 'new'}, $tenant, $unknown_group, $no_json, ['schema', {json => {name => 1}}, field('groups', 'name', 'string')], $system, $group_taken],
	['DELETE /groups/{group_uuid}', undef, $tenant, $unknown_group, $system],
	['GET /groups/{group_uuid}/users', undef, $query, $tenant, $unknown_group],
	['PUT /groups/{group_uuid}/users/{user_uuid}', undef, $tenant, $unknown_user, $unknown_group,
		['another tenant', {user_uuid => $stranger}, api(400, 'Ressources are not in the same tenant', 'missmatching-tenant', "{\"user_tenant_uuid\": \"$child\", \"group_tenant_uuid\": \"$top\"}", 'groups')], $system],
	['DELETE /groups/{group_uuid}/users/{user_uuid}', undef, $tenant, $unknown_group, $system, $unknown_user],
	['GET /groups/{group_uuid}/policies', undef, $tenant, $unknown_group, $query],
	['GET /users/{user_uuid}/policies', undef, $tenant, $unknown_user, $query],
	['PUT /groups/{group_uuid}/policies/{policy_uuid}', undef, $tenant, $unknown_group, $unknown_policy, $may_add_policy],
	['PUT /groups/{group_uuid}/policies/{policy_slug}', undef, $tenant, $unknown_policy, $unknown_group, $may_add_policy],
	['DELETE /groups/{group_uuid}/policies/{policy_uuid}', undef, $tenant, $unknown_group, $unknown_policy, $may_remove_policy],
	['DELETE /groups/{group_uuid}/policies/{policy_slug}', undef, $tenant, $unknown_policy, $unknown_group, $may_remove_policy],
	(map { (["PUT /users/{user_uuid}/policies/{$_}", undef, $tenant, $unknown_policy, $may_add_policy, $unknown_user],
		["DELETE /users/{user_uuid}/policies/{$_}", undef, $tenant, $unknown_policy, $may_remove_policy, $unknown_user],
		["GET /policies/{$_}", undef, $tenant, $unknown_policy],
		["DELETE /policies/{$_}", undef, $tenant, $unknown_policy, $may_remove_policy, $read_only]) } qw(policy_uuid policy_slug)),
	['GET /policies', undef, $query, $tenant, sort_by('read_only')],
	['POST /policies', {name => 'new'}, $no_json, $no_name, $tenant, $may_add_body, $policy_taken],
	['PUT /policies/{policy_uuid}', {name => 'plain'}, $tenant, $no_json, $no_name, $may_add_body, $unknown_policy, $may_remove_policy, $read_only, $policy_taken],
	['PUT /policies/{policy_slug}', {name => 'plain'}, $tenant, $unknown_policy, $no_json, $no_name, $may_add_body, $may_remove_policy, $read_only, $policy_taken],
	['PUT /policies/{policy_uuid}/acl/{access}', undef, $tenant, $may_access, $unknown_policy, $read_only, $access_there],
	['PUT /policies/{policy_slug}/acl/{access}', undef, $tenant, $unknown_policy, $may_access, $read_only, $access_there],
	['DELETE /policies/{policy_uuid}/acl/{access}', undef, $tenant, $may_access, $unknown_policy, $read_only],
	['DELETE /policies/{policy_slug}/acl/{access}', undef, $tenant, $unknown_policy, $may_access, $read_only],
	['GET /tenants', undef, $tenant, $query],
	['POST /tenants', {name => 'new'}, $tenant, @tenant_body,
		['uuid of the parent', {json => {uuid => $top}}, api(403, 'Conflict detected', 'conflict', '{"parent_uuid": {"constraint_id": "unique", "msg": "A master tenant already exist"}}', 'tenants')],
		$tenant_uuid_taken, ['slug in use', {json => {slug => 'taken'}}, conflict('slug', 'The slug "taken" is already used', 'tenants')], @tenant_conflicts],
	['GET /tenants/{tenant_uuid}', undef, $tenant, $unknown_tenant],
	['PUT /tenants/{tenant_uuid}', {name => 'child'}, $tenant, @tenant_body, $unknown_tenant, @tenant_conflicts],
	['DELETE /tenants/{tenant_uuid}', undef, $tenant,
		['own tenant', {tenant_uuid => $top}, api(403, "Deleting its own tenant is forbidden: \"$top\"", 'deleting-own-tenant-forbidden', "{\"tenant_uuid\": \"$top\"}", 'tenants')], $unknown_tenant,
		['has a child', {tenant_uuid => $child}, [400, "{\"message\": \"Unauthorized delete of tenant : \\\"$child\\\" ; since it has at least one child\", \"error_id\": {\"uuid\": \"$child\"}, \"details\": \"tenants\", \"timestamp\": T}"]]],
	['GET /tenants/{tenant_uuid}/domains', undef, $unknown_tenant],
	['PUT /tenants/{tenant_uuid}/parent/{parent_tenant_uuid}', undef, $tenant, $unknown_tenant, ['unknown parent', {parent_tenant_uuid => $nobody}, unknown('tenant', $nobody)],
		['below itself', {tenant_uuid => $child, parent_tenant_uuid => $below}, api(409, "Parent ($below) is a descendent of tenant: \"$child\"", 'conflict', "{\"uuid\": \"$child\", \"parent_uuid\": \"$below\"}", 'tenants')]],
	['GET /idp', undef],
	['PUT /idp/{idp_type}/users', {users => []}, $unknown_idp, $tenant, $no_json,
		['schema', {json => {users => 1}}, api(400, {users => {message => 'Invalid type.', constraint_id => 'type', constraint => 'dict'}}, 'invalid-list-param', '{}', 'users')],
		['unknown user', {json => {users => [{uuid => $user}, {uuid => 'nobody'}, {uuid => $nobody}]}}, unknown('user', 'nobody')]],
	(map { (["$_ /idp/{idp_type}/users/{user_uuid}", undef, $unknown_idp, $tenant, $unknown_user]) } qw(PUT DELETE)),
	['GET /config', undef, $top_only],
	['PATCH /config', [], $top_only, $no_json],
	['GET /backends', undef], ['HEAD /status', undef], ['GET /api/api.yml', undef],
);
# JSON of a nested message in the order of the answer
$emails[1][2][1] =~ s/"message": \{.*?\}\}/"message": {"emails": {"message": "Invalid type.", "constraint_id": "type", "constraint": "dict"}}/;
foreach my $row (@rows)
{
	foreach my $check (grep { ref $_ eq 'ARRAY' && $_->[0] eq 'schema' } @$row[2 .. $#$row])
	{
		$check->[2][1] =~ s/"message": \{.*?\}\}/"message": {"users": {"message": "Invalid type.", "constraint_id": "type", "constraint": "dict"}}/ if $row->[0] =~ m{/idp/.*users$};
	}
}

# ---- requests ----
my %params = (user_uuid => $user, group_uuid => $group, policy_uuid => $policy{plain}, policy_slug => 'plain', tenant_uuid => $childless, parent_tenant_uuid => $top,
	client_id => 'mine', session_uuid => $nobody, token_uuid => $subject, idp_type => 'native', access => 'auth.ok', email_uuid => $address);

# Asks with changes; of two that change the same the first counts.
sub ask_with
{
	my ($row, $access, @changes) = @_;
	my ($method, $path) = split / /, $row->[0];
	my %with = (%params, token => $t->{admin_token});
	my $body = ref $row->[1] eq 'HASH' ? {%{$row->[1]}} : $row->[1];
	foreach my $change (reverse @changes)
	{
		my %c = %$change;
		my $more = delete $c{json};
		my $drop = delete $c{drop};
		%with = (%with, %c);
		@$body{keys %$more} = values %$more if $more;
		delete $body->{$drop} if $drop;
	}
	$path =~ s/\{(\w+)\}/my $v = $with{$1}; $v =~ s{ }{%20}g; $v =~ s{'}{%27}g; $v/ge;
	$path .= "?$with{query}" if defined $with{query};
	my %opt = (token => $access ? $with{token} : undef, tenant => $with{tenant}, basic => $access ? undef : $with{basic} // 'subject:secret');
	$opt{body} = $with{raw} // (defined $body ? $json->encode($body) : undef);
	delete $opt{body} if !defined $opt{body};
	my $r = $t->ask($method, "/0.1$path", %opt);
	my $type = $r->{headers}{'content-type'} // 'none';
	return "$r->{status} $type\n" . without_time($r->{body});
}

my %access = map { split /\t/, $_, 2 } split /\n/, $t->psql(<<'EOF');
SELECT r.method || ' ' || substr(r.path, 5) || E'\t' || COALESCE(r.access, '')
FROM wazo_auth.route r
WHERE wazo_auth.plugin_enabled(r.plugin)
  AND r.plugin IN ('tokens', 'sessions', 'user_session', 'users', 'user_email', 'email_confirm', 'groups', 'user_group', 'group_policy', 'user_policy', 'policies',
                   'tenants', 'idp', 'config', 'status', 'backends', 'api')
  -- those of OAuth 2.0 answer as that says: test/pgtap/refresh_rotation.sql
  AND r.path !~ '^/0.1/(oauth2|[.]well-known)/'
ORDER BY 1
EOF
my %known = map { ($_->[0] => 1) } @rows;
ok($known{$_}, "$_ has a row here") foreach sort keys %access;

foreach my $row (@rows)
{
	my ($name, undef, @checks) = @$row;
	next if !ok(exists $access{$name}, "$name is served");
	my $access = $access{$name};
	if ($access ne '')
	{
		$access =~ s/\{(\w+)\}/$params{$1} =~ s{\.}{_}gr/ge;
		unshift @checks,
			['no token', {token => undef}, api(401, 'Unauthorized', 'unauthorized', "{\"invalid_token\": \"\", \"reason\": \"not_found_or_expired\", \"required_access\": \"$access\"}")],
			['unknown token', {token => $nobody}, api(401, 'Unauthorized', 'unauthorized', "{\"invalid_token\": \"$nobody\", \"reason\": \"not_found_or_expired\", \"required_access\": \"$access\"}")],
			['no access', {token => $powerless}, api(401, 'Unauthorized', 'unauthorized',
				"{\"invalid_token\": \"$powerless\", \"reason\": \"missing_permission_or_invalid_tenant\", \"required_access\": \"$access\", \"tenant_uuid\": null}")];
	}
	my @wrong;
	foreach my $i (0 .. $#checks)
	{
		# alone, and before each of those that come later
		foreach my $j ($i, $i + 1 .. $#checks)
		{
			my ($first, $second) = @checks[$i, $j];
			my $want = $first->[2] // short(404, 'No such policy ' . ($name =~ /slug/ ? "{'slug': \"it's\"}" : "{'uuid': '$nobody'}"));
			my $got = ask_with($row, $access ne '', $first->[1], $j > $i ? $second->[1] : ());
			# what the token lacked is told with the path's parameters, whatever they are, and the tenant as sent
			if ($i < 3 && $access ne '')
			{
				$got =~ s/"required_access": "[^"]*"/"required_access": "$access"/;
				$got =~ s/"tenant_uuid": "$nobody"/"tenant_uuid": null/;
			}
			my $text = "$want->[0] application/json\n" . (length $want->[1] && $name !~ /^HEAD/ ? "$want->[1]\n" : '');
			push @wrong, "$first->[0]" . ($j > $i ? " before $second->[0]" : '') . ": $got  instead of $text" if $got ne $text;
		}
	}
	my $n = @checks * (@checks + 1) / 2;
	ok(!@wrong, "$name: " . join(', ', map { $_->[0] } @checks) . ": $n requests") or diag(join "\n", @wrong);
}

# Without an error in it each request succeeds: what failed was the check and nothing else.
{
	my $sql = "BEGIN;\n";
	my @asked = grep { $_->[0] !~ /api\.yml/ } @rows;
	foreach my $row (@asked)
	{
		my ($method, $path) = split / /, $row->[0];
		my %with = (%params, session_uuid => $nobody);
		$path =~ s/\{(\w+)\}/$with{$1}/g;
		my $body = defined $row->[1] ? "convert_to('" . ($json->encode($row->[1]) =~ s/'/''/gr) . "', 'UTF8')" : 'NULL';
		my $login = basic('subject:secret');
		my $header = $access{$row->[0]} ne '' ? "X-Auth-Token,$t->{admin_token}" : "Authorization,$login";
		$sql .= "SAVEPOINT s; SELECT (wazo_auth.http('$method', '/0.1$path', '{$header}', $body)).status; ROLLBACK TO s;\n";
	}
	my @status = split /\n/, $t->psql("${sql}ROLLBACK;");
	is(scalar @status, scalar @asked, 'every request without an error is answered');
	like($status[$_], qr/\A20[04]\z/, "$asked[$_][0] succeeds") foreach 0 .. $#asked;
}
done_testing;
