# POST /0.1/token: credentials, validation, sessions, refresh tokens
# (contract: semantics.md sections 1 and 9, schemas.md TokenRequest, errors.md sections 4 and 6).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use Digest::SHA qw(hmac_sha512);
use Encode qw(encode);
use JSON ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use WazoRest;

my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new(front => ['--num-proxies' => 1]);
my $tenant = $t->tenant($t->{top}, 'main');
my $user = $t->user($tenant, 'alice', 'a.#', '!a.b', 'auth.users.me.tokens.#');
my $r;

sub post
{
	my (%opt) = @_;
	return $t->ask('POST', '/0.1/token', %opt);
}

sub refused
{
	my ($r, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_token_error($r, 401, 'Authentication Failed', $name);
}

# ---- the answer ----
{
	$r = post(basic => 'alice:secret', json => {expiration => 3600}, headers => ['User-Agent: test/1 "é"', 'X-Forwarded-For: 192.0.2.7']);
	is($r->{status}, 200, 'login');
	is($r->{headers}{'wazo-sessions-revoked'}, '0', 'Wazo-Sessions-Revoked');
	my $d = $r->{json}{data};
	my $local = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?/;
	my $utc = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}/;
	like($r->{body}, qr/\A\{"data": \{"token": "$uuid", "auth_id": "$user", "xivo_user_uuid": "$user", "xivo_uuid": null, "issued_at": "$local", "expires_at": "$local", "utc_issued_at": "$utc", "utc_expires_at": "$utc", "acl": \["a.#", "!a.b", "auth.users.me.tokens.#"\], "metadata": \{"uuid": "$user", "tenant_uuid": "$tenant", "auth_id": "$user", "pbx_user_uuid": "$user", "xivo_uuid": null, "purpose": "user"\}, "session_uuid": "$uuid", "remote_addr": "192.0.2.7", "user_agent": "test\/1 \\"\\u00e9\\""\}\}\n\z/,
		'the whole answer');
	is($d->{token} =~ /^.{14}4.{4}[89ab]/ ? 1 : 0, 1, 'a random uuid');
	is($d->{issued_at}, $d->{utc_issued_at}, 'the server runs in UTC');
	is($t->psql("SELECT extract(epoch FROM timestamp '$d->{expires_at}' - '$d->{issued_at}')::int"), 3600, 'expiration');
	is($t->psql("SELECT count(*) FROM wazo_auth.session s WHERE s::text LIKE '%$d->{token}%'"), 0, 'the token is stored nowhere');
	my $show = $t->ask('GET', "/0.1/token/$d->{token}");
	(my $issued = $d->{issued_at}) =~ s/\..*//;
	is($show->{json}{data}{issued_at}, $issued, 'GET shows whole seconds');
	is($show->{json}{data}{utc_issued_at}, "$issued.000000", '... with six digits in UTC');
	foreach my $key (grep { !/_at$/ } keys %$d)
	{
		is_deeply($show->{json}{data}{$key}, $d->{$key}, "... and the same $key");
	}
	is(join(' ', $show->{body} =~ /"(\w+)": /g), join(' ', $r->{body} =~ /"(\w+)": /g), '... with keys in the same order');
}
is($t->login('alice', 'secret')->{user_agent}, '', 'no User-Agent');
is($t->login('alice', 'secret')->{remote_addr}, '127.0.0.1', 'no X-Forwarded-For');
is($t->login('alice', 'secret', headers => ['X-Forwarded-For: 10.0.0.1, 10.0.0.2'])->{remote_addr}, '10.0.0.2', 'the last entry counts, with one proxy');
is(length($t->login('alice', 'secret', headers => ['User-Agent: ' . 'é' x 3000])->{user_agent}), 1024, 'a long User-Agent is cut');
{
	my $d = $t->login('alice', 'secret');
	is($t->psql("SELECT extract(epoch FROM timestamp '$d->{expires_at}' - '$d->{issued_at}')::int"), 7200, 'the default lifetime');
	$t->psql(q(SELECT wazo_auth.configure('{"default_token_lifetime": 60}')));
	$d = $t->login('alice', 'secret');
	is($t->psql("SELECT extract(epoch FROM timestamp '$d->{expires_at}' - '$d->{issued_at}')::int"), 60, '... as configured');
	$t->psql(q(SELECT wazo_auth.configure('{"default_token_lifetime": null}')));
}
{
	my $external = $t->psql("SELECT wazo_auth.create_user('$tenant', 'daemon', 'secret', purpose => 'external_api')");
	my $d = $t->login('daemon', 'secret');
	is($d->{xivo_user_uuid}, undef, 'external_api: no xivo_user_uuid');
	is_deeply($d->{metadata}, {uuid => $external, tenant_uuid => $tenant, auth_id => $external, pbx_user_uuid => undef,
		xivo_uuid => undef, purpose => 'external_api'}, '... metadata');
	is_deeply($d->{acl}, [], 'a user without policies');
	$t->psql(q(SELECT wazo_auth.configure('{"purpose_metadata_mapping": {"external_api": ["user_admin_status"]}, "uuid": "the uuid"}')));
	$d = $t->login('daemon', 'secret');
	is($d->{metadata}{admin}, JSON::false, 'user_admin_status');
	is($d->{xivo_uuid}, 'the uuid', 'xivo_uuid is configured');
	$t->psql("SELECT wazo_auth.add_user_policy('$external', wazo_auth.create_policy('$tenant', 'wazo_default_admin_policy', '{admin}'))");
	$t->psql("SELECT wazo_auth.add_group_user(wazo_auth.create_group('$tenant', 'x', 'wazo_default_admin_group'), '$external')");
	is($t->login('daemon', 'secret')->{metadata}{admin}, JSON::false, '... not by a policy or group of the tenant with the slug');
	$t->psql("UPDATE wazo_auth.group SET slug = 'y' WHERE slug = 'wazo_default_admin_group'");
	$t->psql(q(SELECT wazo_auth.apply_configuration('{"default_policies": {"wazo_default_admin_policy": {"acl": ["admin"]}}, "tenant_default_groups": {"wazo_default_admin_group": {"policies": {"wazo_default_admin_policy": true}}}, "purpose_metadata_mapping": {"external_api": ["user_admin_status"]}}')));
	is($t->login('daemon', 'secret')->{metadata}{admin}, JSON::false, '... nor beside them');
	$t->psql("SELECT wazo_auth.add_group_user(g.uuid, '$external') FROM wazo_auth.group g WHERE g.slug = 'wazo_default_admin_group' AND g.tenant_uuid = '$tenant'");
	is($t->login('daemon', 'secret')->{metadata}{admin}, JSON::true, '... by the group that the configuration made');
	$t->psql("DELETE FROM wazo_auth.group WHERE slug = 'wazo_default_admin_group'");
	is($t->login('daemon', 'secret')->{metadata}{admin}, JSON::false, '... which is gone');
	$t->psql("SELECT wazo_auth.add_user_policy('$external', p.uuid) FROM wazo_auth.policy p WHERE p.slug = 'wazo_default_admin_policy' AND p.tenant_uuid = '$t->{top}'");
	is($t->login('daemon', 'secret')->{metadata}{admin}, JSON::true, '... by its policy');
	$t->psql(q(SELECT wazo_auth.configure('{"purpose_metadata_mapping": null, "uuid": null}')));
}

# ---- credentials ----
refused(post(json => {}), 'no credentials');
refused(post(json => {login => 'alice', password => 'secret'}), 'credentials in the body do not count');
refused(post(basic => 'alice:wrong', json => {}), 'wrong password');
refused(post(basic => 'alice:secret ', json => {}), 'a blank more');
refused(post(basic => 'alice:Secret', json => {}), 'another case');
refused(post(basic => 'nobody:secret', json => {}), 'unknown login');
refused(post(basic => 'alice:', json => {}), 'empty password');
refused(post(basic => ':secret', json => {}), 'empty login');
refused(post(basic => ':', json => {}), 'both empty');
refused(post(basic => 'alice', json => {}), 'no colon');
refused(post(basic => '', json => {}), 'nothing');
refused(post(basic => 'alice:' . 's' x 5000, json => {}), 'a password that is too long');
refused(post(basic => 'a' x 5000 . ':secret', json => {}), 'a long login');
refused(post(basic => "alice\0:secret", json => {}), 'NUL in a login');
refused(post(basic => "alice:secret\0", json => {}), 'NUL in a password');
refused(post(basic => $_ . ':secret', json => {}), "login $_ is no pattern") foreach '%', 'alic_', 'alice%', "alice'--", 'alice ';
my $good = encode_base64('alice:secret', '');
refused(post(json => {}, headers => ["Authorization: $_"]), "scheme: $_")
	foreach "basic $good", "BASIC $good", $good, "Basic$good", "Digest $good", "Bearer $good", 'Basic';
is(post(json => {}, headers => ["Authorization: Basic    $good"])->{status}, 200, 'more blanks');
is(post(json => {}, headers => ["Authorization: Basic " . join('.', split //, $good)])->{status}, 200, 'characters outside the alphabet');
is(post(json => {}, headers => ["authorization: Basic $good"])->{status}, 200, 'the name of the header in lower case');
is(post(json => {}, headers => ["AUTHORIZATION: Basic $good"])->{status}, 200, '... in upper case');
foreach my $bad ('YQ', 'YWxpY2U6c2VjcmV0X', 'A', 'YQ=', 'YWI', 'AAAAA', 'YWxpY2U6c2VjcmV0MQ=')
{
	is_token_error(post(json => {}, headers => ["Authorization: Basic $bad"]), 400, 'Incorrect padding of the credentials', "bad padding: $bad");
}
is_token_error(post(json => {expiration => 0}, headers => ['Authorization: Basic A']), 400,
	"{'expiration': [{'constraint_id': 'range', 'constraint': {'min': 1, 'max': 315360000}, 'message': 'Must be greater than or equal to 1 and less than or equal to 315360000.'}]}",
	'the body is validated before the credentials are read');
{
	$t->user($tenant, 'colon', 'x');
	$t->psql("SELECT wazo_auth.set_password(wazo_auth.resolve_login('colon'), 'a:b:c')");
	is(post(basic => 'colon:a:b:c', json => {})->{status}, 200, 'colons in a password');
	$t->user($tenant, 'müller', 'x');
	$t->psql("SELECT wazo_auth.set_password(wazo_auth.resolve_login('müller'), 'pässwörd')");
	is(post(basic => 'müller:pässwörd', json => {})->{status}, 200, 'UTF-8');
	is(post(json => {}, headers => ['Authorization: Basic ' . encode_base64(encode('Latin-1', 'müller:pässwörd'), '')])->{status}, 200, 'Latin-1');
	$t->psql("SELECT wazo_auth.set_password(wazo_auth.resolve_login('colon'), E'pa\\u00c3\\u0028')");
	is(post(json => {}, headers => ['Authorization: Basic ' . encode_base64("colon:pa\xc3\x28", '')])->{status}, 200, 'almost UTF-8 is Latin-1');
}

# ---- logins ----
{
	my $id = $t->psql("SELECT wazo_auth.create_user('$tenant', 'ÉCOLE Straße Ωmega ЖУК', 'secret', 'Mixed.Case\@Example.com', authentication_method => 'native')");
	is($t->login($_, 'secret')->{auth_id}, $id, "login $_")
		foreach 'ÉCOLE Straße Ωmega ЖУК', 'école straße ωmega жук', 'École STRAßE ΩMEGA жуК', 'mixed.case@example.com', 'MIXED.CASE@EXAMPLE.COM';
	$t->psql("UPDATE wazo_auth.email SET confirmed = false WHERE user_uuid = '$id'");
	refused(post(basic => 'mixed.case@example.com:secret', json => {}), 'an unconfirmed address');
	is($t->login('école straße ωmega жук', 'secret')->{auth_id}, $id, '... the username still does');
	$t->psql("UPDATE wazo_auth.email SET confirmed = true WHERE user_uuid = '$id'");
	is($t->login('mixed.case@example.com', 'secret')->{auth_id}, $id, '... confirmed again');
	$t->psql("UPDATE wazo_auth.user SET enabled = false WHERE uuid = '$id'");
	refused(post(basic => 'mixed.case@example.com:secret', json => {}), 'a disabled user');
	my $nopassword = $t->psql("SELECT wazo_auth.create_user('$tenant', 'nopassword')");
	refused(post(basic => 'nopassword:x', json => {}), 'a user without a password');
	$t->psql("SELECT wazo_auth.set_password('$nopassword', 'secret')");
	is(post(basic => 'nopassword:secret', json => {})->{status}, 200, 'authentication_method default, of a native tenant');
	$t->psql("UPDATE wazo_auth.tenant SET default_authentication_method = 'ldap' WHERE uuid = '$tenant'");
	refused(post(basic => 'nopassword:secret', json => {}), '... of a tenant that uses ldap');
	$t->psql("UPDATE wazo_auth.tenant SET default_authentication_method = 'native' WHERE uuid = '$tenant'");
	$t->psql("UPDATE wazo_auth.user SET authentication_method = 'saml' WHERE uuid = '$nopassword'");
	refused(post(basic => 'nopassword:secret', json => {}), 'a user that uses saml');
}
refused(post(basic => 'alice:secret', json => $_), 'another identity provider: ' . join ' ', %$_)
	foreach {domain_name => 'example.com'}, {domain_name => ''}, {tenant_id => $tenant}, {tenant_id => 'nothing'}, {tenant_id => ''}, {saml_session_id => 'x'};
is(post(basic => 'alice:secret', json => {backend => 'whatever', unknown => {a => [1]}})->{status}, 200, 'any backend, and unknown keys');

# ---- upstream's hash ----
{
	my ($salt, $n) = ('s' x 64, 250000);
	my $id = $t->user($tenant, 'imported', 'x');
	# one block of PBKDF2-HMAC-SHA512
	my $u = hmac_sha512($salt . pack('N', 1), 'from upstream');
	my $sum = $u;
	for (2 .. $n)
	{
		$u = hmac_sha512($u, 'from upstream');
		$sum ^= $u;
	}
	my ($hex_hash, $hex_salt) = (unpack('H*', $sum), unpack('H*', $salt));
	$t->psql("SELECT wazo_auth.import_password('$id', '$hex_hash', '\\x$hex_salt')");
	like($t->psql("SELECT hash FROM wazo_auth.password WHERE user_uuid = '$id'"), qr/^\$pbkdf2-sha512\$/, 'imported as it is');
	refused(post(basic => 'imported:wrong', json => {}), 'a wrong password of an imported user');
	like($t->psql("SELECT hash FROM wazo_auth.password WHERE user_uuid = '$id'"), qr/^\$pbkdf2-sha512\$/, '... changes nothing');
	is(post(basic => 'imported:from upstream', json => {})->{status}, 200, 'the right one logs in');
	like($t->psql("SELECT hash FROM wazo_auth.password WHERE user_uuid = '$id'"), qr/^\$argon2id\$/, '... and is stored anew');
	is(post(basic => 'imported:from upstream', json => {})->{status}, 200, '... and logs in again');
}

# ---- validation ----
my $range = "{'constraint_id': 'range', 'constraint': {'min': 1, 'max': 315360000}, 'message': 'Must be greater than or equal to 1 and less than or equal to 315360000.'}";
my $not_integer = "{'message': 'Not a valid integer.', 'constraint_id': 'type', 'constraint': 'integer'}";
my $not_string = "{'message': 'Not a valid string.', 'constraint_id': 'type', 'constraint': 'string'}";
my $null = "{'message': 'Field may not be null.', 'constraint_id': 'not_null', 'constraint': 'not_null'}";
my $length = "{'constraint_id': 'length', 'constraint': {'min': 1, 'max': 1024}, 'message': 'Length must be between 1 and 1024.'}";
foreach my $case (
	['{"expiration": 0}', "{'expiration': [$range]}"],
	['{"expiration": -1}', "{'expiration': [$range]}"],
	['{"expiration": 315360001}', "{'expiration': [$range]}"],
	['{"expiration": 0.9}', "{'expiration': [$range]}"],
	['{"expiration": 1e30}', "{'expiration': [$range]}"],
	['{"expiration": "99999999999999999999999"}', "{'expiration': [$range]}"],
	['{"expiration": "10.0"}', "{'expiration': $not_integer}"],
	['{"expiration": ""}', "{'expiration': $not_integer}"],
	['{"expiration": "x"}', "{'expiration': $not_integer}"],
	['{"expiration": "1__0"}', "{'expiration': $not_integer}"],
	['{"expiration": true}', "{'expiration': $not_integer}"],
	['{"expiration": false}', "{'expiration': $not_integer}"],
	['{"expiration": []}', "{'expiration': $not_integer}"],
	['{"expiration": {}}', "{'expiration': $not_integer}"],
	['{"expiration": null}', "{'expiration': $null}"],
	['{"expiration": 1e400}', "{'expiration': ['Number too large.']}"],
	['{"expiration": -1e400}', "{'expiration': ['Number too large.']}"],
	['{"backend": 1}', "{'backend': $not_string}"],
	['{"backend": null}', "{'backend': $null}"],
	['{"access_type": "Online"}', "{'access_type': [{'constraint_id': 'enum', 'constraint': {'choices': ['online', 'offline']}, 'message': 'Must be one of: online, offline.'}]}"],
	['{"access_type": ""}', "{'access_type': [{'constraint_id': 'enum', 'constraint': {'choices': ['online', 'offline']}, 'message': 'Must be one of: online, offline.'}]}"],
	['{"access_type": 1}', "{'access_type': $not_string}"],
	['{"client_id": ""}', "{'client_id': [$length]}"],
	['{"client_id": "' . 'é' x 1025 . '"}', "{'client_id': [$length]}"],
	['{"client_id": ["a"]}', "{'client_id': $not_string}"],
	['{"saml_session_id": ""}', "{'saml_session_id': [$length]}"],
	['{"refresh_token": 5}', "{'refresh_token': $not_string}"],
	['{"refresh_token": null}', "{'refresh_token': $null}"],
	['{"tenant_id": {}}', "{'tenant_id': $not_string}"],
	['{"domain_name": true}', "{'domain_name': $not_string}"],
	['{"domain_name": 1, "expiration": "x", "backend": null, "client_id": ""}',
		"{'backend': $null, 'expiration': $not_integer, 'client_id': [$length], 'domain_name': $not_string}"],
	['{"access_type": "offline", "refresh_token": "x"}', q({'_schema': ['cannot use the "access_type" "offline" with a refresh token', '"client_id" must be specified when using a "refresh_token"']})],
	['{"access_type": "offline"}', q({'_schema': ['"client_id" must be specified when using "access_type" is "offline"']})],
	['{"access_type": "offline", "refresh_token": "x", "client_id": "c"}', q({'_schema': ['cannot use the "access_type" "offline" with a refresh token']})],
	['{"tenant_id": "a", "domain_name": "b"}', q({'_schema': ['"tenant_id" and "domain_name" must be mutually exclusive']})],
	['{"refresh_token": "x"}', q({'_schema': ['"client_id" must be specified when using a "refresh_token"']})],
	['{"refresh_token": "x", "client_id": "c", "saml_session_id": "s"}', q({'_schema': ['Cannot use a "saml_session_id" and a "refresh_token" at the same time']})],
	['{"refresh_token": "x", "access_type": "offline", "tenant_id": "a", "domain_name": "b", "saml_session_id": "s"}',
		q({'_schema': ['cannot use the "access_type" "offline" with a refresh token', '"tenant_id" and "domain_name" must be mutually exclusive', '"client_id" must be specified when using a "refresh_token"', 'Cannot use a "saml_session_id" and a "refresh_token" at the same time']})],
	['{"refresh_token": "x", "expiration": 0}', "{'expiration': [$range]}"],
	(map { [$_, "{'_schema': ['Invalid input type.']}"] } '[1]', '"x"', '1', 'true', '[[]]', '-0.5'),
)
{
	my ($body, $reason) = @$case;
	is_token_error(post(basic => 'alice:secret', body => encode('UTF-8', $body)), 400, $reason, 'body ' . substr($body, 0, 80));
}
foreach my $case (['1', 1], ['315360000', 315360000], ['10.9', 10], ['"12"', 12], ['" 12 "', 12], ['"+5"', 5], ['"1_0"', 10], ['"١٢"', 12], ['1e2', 100], ['1.0', 1], ['"0012"', 12])
{
	my ($value, $seconds) = @$case;
	my $d = post(basic => 'alice:secret', body => encode('UTF-8', "{\"expiration\": $value}"))->{json}{data};
	is($d && $t->psql("SELECT extract(epoch FROM timestamp '$d->{expires_at}' - '$d->{issued_at}')::int"), $seconds, "expiration $value");
}
$t->psql("DELETE FROM wazo_auth.session WHERE user_uuid = '$user'");

# ---- bodies ----
is(post(basic => 'alice:secret', body => $_)->{status}, 200, "body $_")
	foreach 'null', '[]', '""', '0', 'false', '{}', " \n{}\t", "\xef\xbb\xbf{}", '0.0', '-0', '{"backend": "x", "backend": "y"}';
is(post(basic => 'alice:secret', body => '{}', headers => ["Content-Type: $_"])->{status}, 200, "type $_")
	foreach 'text/plain', 'application/xml', 'application/json; charset=utf-8', 'x';
is(post(basic => 'alice:secret', body => '{"expiration": 0, "expiration": 5}')->{status}, 200, 'of doubled keys the last counts');
my $unreadable = '{"message": "The browser (or proxy) sent a request that this server could not understand."}';
is_answer(post(basic => 'alice:secret'), 400, $unreadable, 'no body');
is_answer(post(basic => 'alice:secret', body => $_->[1]), 400, $unreadable, "body: $_->[0]") foreach
	['empty', ''], ['blank', ' '], ['BOM only', "\xef\xbb\xbf"], ['half', '{'], ['trailing comma', '{"a": 1,}'], ['trailing data', '{} {}'], ['single quotes', "{'a': 1}"],
	['comment', '{} // x'], ['Latin-1', "{\"a\": \"\xe9\"}"], ['NUL in a text', '{"a": "\u0000"}'], ['a NUL byte', "{}\0"], ['lone surrogate', '{"a": "\ud800"}'], ['a surrogate as UTF-8', "{\"a\": \"\xed\xa0\x80\"}"],
	['control character', "{\"a\": \"\x01\"}"], ['NaN', '{"expiration": NaN}'], ['Infinity', '{"expiration": Infinity}'], ['-Infinity', '[-Infinity]'],
	['UTF-16', encode('UTF-16', '{}')], ['UTF-16LE', encode('UTF-16LE', '{}')], ['UTF-32', encode('UTF-32', '{}')], ['form', 'a=b'];
is_token_error(post(basic => 'alice:secret', body => $_), 400, "{'body': [{'constraint_id': 'depth', 'constraint': {'max': 16}, 'message': 'Nested deeper than 16 levels.'}]}", 'a deep body')
	foreach '[' x 17 . ']' x 17, '{"a":' x 3000;
is_token_error(post(basic => 'alice:secret', body => '[' . '0,' x 1024), 400, "{'body': [{'constraint_id': 'values', 'constraint': {'max': 1024}, 'message': 'More than 1024 values.'}]}", 'a body of many values');
is_answer(post(basic => 'alice:secret', body => '{}', headers => ["Content-Type: $_"]), 400, $unreadable, "type $_") foreach
	'application/x-www-form-urlencoded', 'Application/X-WWW-Form-URLEncoded; charset=utf-8', 'multipart/form-data; boundary=x';
is(post(basic => 'alice:secret', body => '{"a": "' . 'x' x (1024 * 1024 + 10) . '"}')->{status}, 413, 'a body that is too large');
is(post(basic => 'alice:secret', body => '{"a": "' . 'x' x (16 * 1024 - 9) . '"}')->{status}, 200, 'one that is not');
is(post(basic => 'alice:secret', body => '{"a": "' . 'x' x (16 * 1024 - 8) . '"}')->{status}, 413, 'one byte more');
is(post(basic => 'alice:secret', body => '{"a": 1e10000, "b": ' . '9' x 4000 . '}')->{status}, 200, 'numbers that nobody asked for');
$t->psql("DELETE FROM wazo_auth.session WHERE user_uuid = '$user'");

# ---- the default policy ----
$t->psql("SELECT wazo_auth.create_policy('$t->{top}', 'default one', '{d.1}'), wazo_auth.create_policy('$t->{top}', 'for mobiles', '{m.1}'), wazo_auth.create_policy('$tenant', 'of a tenant', '{#}')");
$t->psql(q(SELECT wazo_auth.configure('{"default_user_policy": "default one", "backend_policies": {"mob": "for mobiles", "evil": "of a tenant"}}')));
is_deeply($t->login('alice', 'secret')->{acl}, ['d.1', 'a.#', '!a.b', 'auth.users.me.tokens.#'], 'default_user_policy comes first');
is_deeply($t->login('alice', 'secret', backend => 'mob')->{acl}, ['m.1', 'a.#', '!a.b', 'auth.users.me.tokens.#'], "a backend's policy takes its place");
is_deeply($t->login('alice', 'secret', backend => 'evil')->{acl}, ['a.#', '!a.b', 'auth.users.me.tokens.#'], "another tenant's policy of that name does not");
$t->psql(q(SELECT wazo_auth.configure('{"default_user_policy": null, "backend_policies": null}')));

# ---- refresh tokens ----
sub sessions { return $t->psql("SELECT count(*) FROM wazo_auth.session WHERE user_uuid = '" . ($_[0] // $user) . "'"); }
sub offline { return post(basic => 'alice:secret', json => {access_type => 'offline', client_id => $_[0], @_[2 .. $#_]}, headers => [$_[1] ? 'Wazo-Session-Type: MoBiLe' : ()]); }
sub refresh { return post(json => {refresh_token => $_[0], client_id => $_[1]}, headers => $_[2] // []); }
{
	$t->psql("DELETE FROM wazo_auth.session WHERE user_uuid = '$user'");
	$r = offline('desk');
	like($r->{body}, qr/, "user_agent": "", "refresh_token": "$uuid"\}\}\n\z/, 'offline: the refresh token is the last key');
	my $desk = $r->{json}{data}{refresh_token};
	isnt($desk, $r->{json}{data}{token}, '... and not the token');
	is($t->psql("SELECT count(*) FROM wazo_auth.refresh_token r WHERE r::text LIKE '%$desk%' OR encode(sealed_token, 'escape') LIKE '%$desk%'"), 0, '... and stored nowhere in clear');
	unlike($t->ask('GET', "/0.1/token/$r->{json}{data}{token}")->{body}, qr/refresh/, '... and GET never shows it');
	is(offline('desk')->{json}{data}{refresh_token}, $desk, 'the same client gets the same one');
	isnt(offline('desk2')->{json}{data}{refresh_token}, $desk, 'another client another one');
	my $d = refresh($desk, 'desk')->{json}{data};
	is($d->{auth_id}, $user, 'a refresh token logs in');
	ok(!exists $d->{refresh_token}, '... without a new one');
	is(post(basic => 'alice:wrong', json => {refresh_token => $desk, client_id => 'desk'})->{status}, 200, '... whatever the password is');
	is(post(json => {refresh_token => $desk, client_id => 'desk', saml_session_id => undef})->{status}, 400, '... but the body must be right');
	is(post(json => {refresh_token => $desk, client_id => 'desk', domain_name => 'x'})->{status}, 200, '... and a domain does not matter');
	refused(refresh(@$_), "refused: @$_") foreach [$desk, 'desk2'], [$desk, 'DESK'], [uc $desk, 'desk'], [$desk =~ s/-//gr, 'desk'], ["{$desk}", 'desk'], [" $desk", 'desk'],
		['x', 'desk'], ['0' x 36, 'desk'], [$user, 'desk'], [$d->{token}, 'desk'];
	refused(post(basic => 'alice:secret', json => {refresh_token => '', client_id => 'desk'}), 'an empty refresh token is tried first');
	refused(post(basic => 'alice:secret', json => {refresh_token => '', client_id => 'desk', access_type => 'offline'}), '... offline too');
	is(post(basic => 'alice:secret', json => {refresh_token => ''})->{status}, 200, '... but not without client_id');
	is($t->ask('HEAD', "/0.1/token/$desk")->{status}, 404, 'a refresh token is no token');

	$t->psql("UPDATE wazo_auth.user SET enabled = false WHERE uuid = '$user'");
	refused(refresh($desk, 'desk'), 'a disabled user');
	$t->psql("UPDATE wazo_auth.user SET enabled = true WHERE uuid = '$user'");
	is(refresh($desk, 'desk')->{status}, 200, '... enabled again');
	$t->psql("UPDATE wazo_auth.login SET login = 'bob' WHERE user_uuid = '$user'; UPDATE wazo_auth.user SET username = 'bob' WHERE uuid = '$user'");
	is(refresh($desk, 'desk')->{status}, 200, 'a renamed user keeps it');
	is(post(basic => 'bob:secret', json => {access_type => 'offline', client_id => 'desk'})->{json}{data}{refresh_token}, $desk, '... and is given the same one, which works');
	my $other = $t->psql("SELECT wazo_auth.create_user('$tenant', 'alice', 'secret')");
	like(refresh($desk, 'desk')->{body}, qr/"auth_id": "$user"/, '... also when another one has the name');
	$t->psql("DELETE FROM wazo_auth.user WHERE uuid = '$other'");
	$t->psql("UPDATE wazo_auth.login SET login = 'alice' WHERE user_uuid = '$user'; UPDATE wazo_auth.user SET username = 'alice' WHERE uuid = '$user'");
	is(refresh($desk, 'desk')->{status}, 200, '... named as before');
	$t->psql("UPDATE wazo_auth.user SET authentication_method = 'saml' WHERE uuid = '$user'");
	is(refresh($desk, 'desk')->{status}, 200, 'the method may have changed to another loaded one');
	$t->psql("UPDATE wazo_auth.user SET authentication_method = 'native' WHERE uuid = '$user'");

	$t->psql(q(UPDATE wazo_auth.refresh_token SET metadata = '{"zzz": [1, "é"], "uuid": "over", "purpose": "x"}' WHERE client_id = 'desk'));
	like(refresh($desk, 'desk')->{body}, qr/"metadata": \{"zzz": \[1, "\\u00e9"\], "uuid": "$user", "purpose": "user", "tenant_uuid": "$tenant", "auth_id": "$user", "pbx_user_uuid": "$user", "xivo_uuid": null\}/,
		'stored metadata comes first, fresh values win');
}

# ---- mobile ----
{
	$t->psql("DELETE FROM wazo_auth.refresh_token WHERE user_uuid = '$user'; DELETE FROM wazo_auth.session WHERE user_uuid = '$user'");
	my $desk = offline('desk')->{json}{data};
	my $phone = offline('phone', 1)->{json}{data};
	my $refreshed = refresh($phone->{refresh_token}, 'phone', ['Wazo-Session-Type: mobile'])->{json}{data};
	is($t->psql("SELECT string_agg(client_id || ' ' || mobile, ', ' ORDER BY client_id) FROM wazo_auth.refresh_token WHERE user_uuid = '$user'"), 'desk false, phone true', 'mobile is stored');
	is(sessions(), 3, 'three sessions');
	$r = post(basic => 'alice:secret', json => {}, headers => ['Wazo-Session-Type: mobile']);
	is($r->{headers}{'wazo-sessions-revoked'}, 0, 'a mobile online login revokes nothing');
	$r = refresh($phone->{refresh_token}, 'phone', ['Wazo-Session-Type: mobile']);
	is($r->{headers}{'wazo-sessions-revoked'}, 0, '... nor does a refresh');
	$r = offline('phone', 1);
	is($r->{headers}{'wazo-sessions-revoked'}, 3, 'a mobile offline login of the same client revokes its sessions');
	isnt($r->{json}{data}{refresh_token}, $phone->{refresh_token}, '... and makes a new refresh token');
	refused(refresh($phone->{refresh_token}, 'phone'), '... the old one is dead');
	is($t->ask('HEAD', "/0.1/token/$_")->{status}, 404, '... and its sessions') foreach $phone->{token}, $refreshed->{token};
	is($t->ask('HEAD', "/0.1/token/$desk->{token}")->{status}, 204, '... others live');
	my $phone2 = $r->{json}{data};
	$r = offline('tablet', 1);
	is($r->{headers}{'wazo-sessions-revoked'}, 1, 'another mobile client revokes the sessions of all mobile ones');
	refused(refresh($phone2->{refresh_token}, 'phone'), '... and their refresh tokens');
	is(refresh($desk->{refresh_token}, 'desk')->{status}, 200, '... not those of others');
	my $tablet = $r->{json}{data}{refresh_token};
	is(offline('tablet')->{json}{data}{refresh_token}, $tablet, 'a mobile refresh token is given again to a login that is not mobile');
	is($t->psql("SELECT mobile FROM wazo_auth.refresh_token WHERE client_id = 'tablet'"), 't', '... and stays mobile');
	$r = offline('desk', 1);
	is($r->{headers}{'wazo-sessions-revoked'}, 4, 'a mobile login of a client that was not: its sessions and all mobile ones');
	is($t->psql("SELECT string_agg(client_id || ' ' || mobile, ', ') FROM wazo_auth.refresh_token WHERE user_uuid = '$user'"), 'desk true', '... one refresh token is left');
	is(post(basic => 'alice:secret', json => {access_type => 'offline', client_id => 'x'}, headers => ["Wazo-Session-Type: $_"])->{status}, 200, "session type $_") foreach 'desktop', 'mobile2', '';
}

# ---- the session cap ----
sub cap_message { return "User $_[0] has exceeded the maximum number of active sessions"; }
{
	$t->psql(q(SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 2}')));
	$t->psql("DELETE FROM wazo_auth.session WHERE user_uuid = '$user'; DELETE FROM wazo_auth.refresh_token");
	my $first = $t->login('alice', 'secret');
	my $refresh = offline('desk')->{json}{data}{refresh_token};
	is_token_error(post(basic => 'alice:secret', json => {}), 429, cap_message($user), 'the cap');
	is_token_error(refresh($refresh, 'desk'), 429, cap_message($user), '... for refresh tokens');
	is_token_error(offline('phone', 1), 429, cap_message($user), '... before the mobile purge');
	is($t->psql("SELECT count(*) FROM wazo_auth.refresh_token"), 1, '... which is rolled back');
	refused(post(basic => 'alice:wrong', json => {}), 'a wrong password does not tell');
	$t->psql("UPDATE wazo_auth.session SET expires_at = now() - interval '1 s' WHERE uuid = '$first->{session_uuid}'");
	is(post(basic => 'alice:secret', json => {})->{status}, 200, 'expired sessions do not count');
	$t->psql("SELECT wazo_auth.create_user('$tenant', 'internal', 'secret', purpose => 'internal')");
	is(post(basic => 'internal:secret', json => {})->{status}, 200, 'internal users have no cap') foreach 1 .. 3;
	$t->psql("SELECT wazo_auth.create_user('$tenant', 'odd', 'secret', purpose => 'external_api', uuid => '00000000-0000-1000-8000-000000000001')");
	is(join(',', map { post(basic => 'odd:secret', json => {})->{status} } 1 .. 3), '200,200,429', 'nor does the version of a uuid matter');

	# 200 at the same time, by password and by refresh token
	foreach my $kind ('password', 'refresh token')
	{
		$t->psql(q(SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 7}')));
		$t->psql("DELETE FROM wazo_auth.session WHERE user_uuid = '$user'");
		my $body = $kind eq 'password' ? '{}' : "{\"refresh_token\": \"$refresh\", \"client_id\": \"desk\"}";
		my $request = "POST /0.1/token HTTP/1.1\r\nHost: x\r\n" . ($kind eq 'password' ? 'Authorization: ' . basic('alice:secret') . "\r\n" : '')
			. 'Content-Length: ' . length($body) . "\r\n\r\n$body";
		my @sockets = map { $t->connect } 1 .. 200;
		syswrite($_, $request) foreach @sockets;
		my %count;
		$count{($t->read_answer($_) // {status => 'none'})->{status}}++ foreach @sockets;
		is_deeply(\%count, {200 => 7, 429 => 193}, "200 logins at a time by $kind: the cap is exact");
		is(sessions(), 7, '... in the table too');
	}
	$t->psql(q(SELECT wazo_auth.configure('{"max_user_concurrent_sessions": null}')));
}

# ---- nothing secret in the logs ----
my $log = $t->slurp('pg/log') . $t->log;
unlike($log, qr/\Q$_\E/, 'not in the logs') foreach 'from upstream', 'a:b:c', $good, $t->{password};
done_testing;
