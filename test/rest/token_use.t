# GET, HEAD, DELETE /0.1/token/{token_uuid} and scopes/check
# (contract: semantics.md section 2, acl.md section 1, errors.md section 6).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use JSON ();
use Test::More;
use WazoRest;

binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new;
my $unknown = '3f0b3c1e-6a51-4c8e-9d37-0e1f2a3b4c5d';
my $parent = $t->tenant($t->{top}, 'parent');
my $child = $t->tenant($parent, 'child');
my $grandchild = $t->tenant($child, 'grandchild');
my $sibling = $t->tenant($t->{top}, 'sibling');
my $user = $t->user($parent, 'alice', 'a.#', '!a.b.#', '*.x', 'users.me.read', 's.my_session.delete', 'policies.edit', 'é.#', 'literal.a+b');
my $login = $t->login('alice', 'secret');
my ($token, $session) = @$login{qw(token session_uuid)};
my $r;

sub escaped { return join '', map { sprintf '%%%02x', ord } split //, encode('UTF-8', $_[0]); }

# ---- without checks ----
$r = $t->ask('GET', "/0.1/token/$token");
is("$r->{status} $r->{headers}{'content-type'}", '200 application/json', 'GET');
is($r->{headers}{'wazo-sessions-revoked'}, undef, 'no Wazo-Sessions-Revoked');
is($r->{json}{data}{session_uuid}, $session, 'the session');
$r = $t->ask('HEAD', "/0.1/token/$token");
is("$r->{status} $r->{headers}{'content-type'} [$r->{body}]", '204 application/json []', 'HEAD');
is($r->{headers}{'content-length'}, undef, 'HEAD has no length');
is($t->ask('HEAD', '/0.1/token/' . uc $token)->{status}, 204, 'a path in upper case');
is($t->ask('GET', '/0.1/token/' . uc $token)->{json}{data}{token}, $token, '... is shown in lower case');
foreach my $method ('GET', 'HEAD')
{
	$r = $t->ask($method, "/0.1/token/$unknown");
	if ($method eq 'GET') { is_token_error($r, 404, 'No such token', 'unknown'); }
	else { is("$r->{status} [$r->{body}]", '404 []', 'HEAD of an unknown one'); }
}
is_token_error($t->ask('GET', "/0.1/token/$unknown?scope=a.x&tenant=$child"), 404, 'No such token', 'unknown comes before scope and tenant');
is($t->ask('GET', "/0.1/token/$user")->{status}, 404, 'a user is no token');
is($t->ask('GET', "/0.1/token/$session")->{status}, 404, 'a session uuid is no token');
is($t->ask('GET', '/0.1/token/' . $t->psql("SELECT token_digest FROM wazo_auth.session WHERE uuid = '$session'"))->{status}, 404, 'the stored digest is no token');

# ---- scopes ----
foreach my $case (['a.c', 1], ['a.', 1], ['a.c.d', 1], ['a', 0], ['A.c', 0], ['a.b.c', 0], ['a.b.', 0], ['a.b', 1], ['b.x', 1], ['.x', 1], ['b.c.x', 0],
	["users.$user.read", 1], ['users.me.read', 1], ['users.' . uc($user) . '.read', 0], ["users.$unknown.read", 0],
	["s.$session.delete", 1], ['s.my_session.delete', 1], ["s.$user.delete", 0],
	['policies.edit', 1], ['policies.update', 1], ['policies.read', 0], ['', 0], ['#', 0], ['*', 0], ['a.#', 1], ['a.*', 1], ["a.c\n", 0], ["policies.edit\n", 0],
	['é.z', 1], ['e.z', 0], ['literal.a+b', 1], ['literal.aab', 0], ['!a.b.c', 0], ['a.' . 'x' x 1000, 1])
{
	my ($scope, $granted) = @$case;
	my $q = escaped($scope);
	my $shown = substr($scope, 0, 50) =~ s/\n/\\n/r;
	is($t->ask('HEAD', "/0.1/token/$token?scope=$q")->{status}, $granted ? 204 : 403, "HEAD scope [$shown]");
	$r = $t->ask('GET', "/0.1/token/$token?scope=$q");
	if ($granted) { is($r->{status}, 200, '... GET'); }
	else { is_token_error($r, 403, "Unauthorized for $scope", '... GET'); }
	$r = $t->ask('POST', "/0.1/token/$token/scopes/check", json => {scopes => [$scope]});
	is($r->{status} == 200 && $r->{json}{scopes}{$scope}, $granted ? JSON::true : JSON::false, '... scopes/check');
	my $sql = encode('UTF-8', $scope) =~ s/'/''/gr;
	is($t->psql("SELECT wazo_auth.token_check('$token', '$sql')"), $granted ? 'valid' : 'access_denied', '... SQL');
}
is_token_error($t->ask('GET', "/0.1/token/$token?scope=" . escaped('éric.ñ')), 403, 'Unauthorized for eric.n', 'a refused scope is shown as ASCII');
is_token_error($t->ask('GET', "/0.1/token/$token?scope"), 403, 'Unauthorized for ', 'a scope without a value is the empty one');
is($t->ask('HEAD', "/0.1/token/$token?scope=a.c&scope=zzz")->{status}, 204, 'the first of two scopes counts');
is($t->ask('HEAD', "/0.1/token/$token?scope=zzz&scope=a.c")->{status}, 403, '... only');
is($t->ask('HEAD', "/0.1/token/$token?Scope=zzz")->{status}, 204, 'names of parameters have a case');
is($t->ask('HEAD', "/0.1/token/$token?scope=a.+x")->{status}, 204, 'plus is a blank');
is($t->ask('HEAD', "/0.1/token/$token?scope=%00")->{status}, 400, 'NUL in a scope');
is($t->ask('HEAD', "/0.1/token/$token?scope=%e9")->{status}, 403, 'Latin-1 in a scope');

# ---- tenants ----
foreach my $case ([$parent, 1], [$child, 1], [$grandchild, 1], [$sibling, 0], [$t->{top}, 0], [$unknown, 0], [uc $child, 0], ['abc', 0], [' ', 0], ['0', 0],
	['00000000-0000-0000-0000-000000000000', 0], [$child =~ s/-//gr, 0])
{
	my ($tenant, $granted) = @$case;
	my $q = escaped($tenant);
	is($t->ask('HEAD', "/0.1/token/$token?tenant=$q")->{status}, $granted ? 204 : 403, "tenant [$tenant]");
	$r = $t->ask('GET', "/0.1/token/$token?tenant=$q");
	if ($granted) { is($r->{status}, 200, '... GET'); }
	else { is_token_error($r, 403, "Unauthorized for tenant $tenant", '... GET'); }
	$r = $t->ask('POST', "/0.1/token/$token/scopes/check", json => {scopes => ['a.c'], tenant_uuid => $tenant});
	if ($granted) { is_answer($r, 200, '{"scopes": {"a.c": true}}', '... scopes/check'); }
	else { is_token_error($r, 403, "Unauthorized for tenant $tenant", '... scopes/check'); }
}
is($t->ask('HEAD', "/0.1/token/$token?tenant=")->{status}, 204, 'an empty tenant is none');
is_token_error($t->ask('GET', "/0.1/token/$token?scope=zzz&tenant=$sibling"), 403, 'Unauthorized for zzz', 'scope before tenant');
is_token_error($t->ask('GET', "/0.1/token/$token?tenant=$sibling&scope=zzz"), 403, 'Unauthorized for zzz', '... in any order');
is_token_error($t->ask('GET', "/0.1/token/$token?tenant=" . escaped('é')), 403, 'Unauthorized for tenant e', 'a refused tenant is shown as ASCII');
is_token_error($t->ask('POST', "/0.1/token/$token/scopes/check", json => {scopes => [], tenant_uuid => 'é'}), 403, 'Unauthorized for tenant e', '... by scopes/check too');
$t->psql("UPDATE wazo_auth.user SET tenant_uuid = '$sibling' WHERE uuid = '$user'");
is($t->ask('HEAD', "/0.1/token/$token?tenant=$_->[0]")->{status}, $_->[1], 'the owner moved: its present tenant counts') foreach [$sibling, 204], [$child, 403];
$t->psql("UPDATE wazo_auth.user SET tenant_uuid = '$parent' WHERE uuid = '$user'");
is($t->ask('HEAD', "/0.1/token/$t->{admin_token}?tenant=$_")->{status}, 204, 'the top tenant reaches all') foreach $t->{top}, $grandchild, $sibling;
is($t->ask('HEAD', "/0.1/token/$t->{admin_token}?tenant=$unknown")->{status}, 403, '... but not one that is not there');

# ---- tokens of the service itself ----
{
	my $service = '11111111-2222-4333-8444-555555555555';
	$t->psql("INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
		SELECT wazo_auth.token_digest('$service'), '$t->{top}', wazo_auth.store_acl('{a.me.b}'), now() + '1 hour', 'wazo-auth'");
	$r = $t->ask('GET', "/0.1/token/$service?tenant=$t->{top}&scope=a.wazo-auth.b");
	is($r->{status}, 200, "a service's token passes its tenant");
	like($r->{body}, qr/"auth_id": "wazo-auth", "xivo_user_uuid": null, "xivo_uuid": null, .*"metadata": \{\}, /, '... and has no user');
	is($t->ask('HEAD', "/0.1/token/$service?tenant=$_")->{status}, 403, "... not $_") foreach 'abc', $unknown;
	is($t->ask('POST', "/0.1/token/$service/scopes/check", json => {scopes => ['a.me.b'], tenant_uuid => 'abc'})->{status}, 403, '... by scopes/check');
	$t->psql("UPDATE wazo_auth.session SET tenant_uuid = '$child' WHERE auth_id = 'wazo-auth'");
	foreach my $case ([$child, 1], [$grandchild, 1], [$parent, 0], [$sibling, 0], [$t->{top}, 0])
	{
		my ($tenant, $reached) = @$case;
		is($t->ask('HEAD', "/0.1/token/$service?tenant=$tenant")->{status}, $reached ? 204 : 403, "... tenant $tenant");
		is($t->ask('POST', "/0.1/token/$service/scopes/check", json => {scopes => [], tenant_uuid => $tenant})->{status}, $reached ? 200 : 403, '... by scopes/check');
		is($t->psql("SELECT wazo_auth.token_check('$service', tenant => '$tenant')"), $reached ? 'valid' : 'tenant_denied', '... SQL');
		is($t->psql("SELECT wazo_auth.can_reach('$tenant') FROM wazo_auth.set_token('$service')"), $reached ? 't' : 'f', '... can_reach');
	}
	is($t->ask('HEAD', "/0.1/token/$service?scope=a.$user.b")->{status}, 403, '... me is itself');
	$t->psql("UPDATE wazo_auth.session SET auth_id = 'somebody' WHERE auth_id = 'wazo-auth'");
	is($t->ask('HEAD', "/0.1/token/$service?tenant=$t->{top}")->{status}, 403, 'nor does another service');
}

# ---- scopes/check ----
my $check = "/0.1/token/$token/scopes/check";
is_answer($t->ask('POST', $check, json => {scopes => ['b', 'a.c', 'b', '', 'é.1']}), 200,
	'{"scopes": {"b": false, "a.c": true, "": false, "\u00e9.1": true}}', 'each scope once');
is_answer($t->ask('POST', $check, json => {scopes => []}), 200, '{"scopes": {}}', 'no scopes');
is_answer($t->ask('POST', $check, json => {scopes => ['a.c'], tenant_uuid => $_}), 200, '{"scopes": {"a.c": true}}', 'no tenant') foreach undef, '';
my $not_string = "{'message': 'Not a valid string.', 'constraint_id': 'type', 'constraint': 'string'}";
foreach my $case (
	['{}', "{'scopes': {'message': 'Missing data for required field.', 'constraint_id': 'required', 'constraint': 'required'}}"],
	['null', "{'scopes': {'message': 'Missing data for required field.', 'constraint_id': 'required', 'constraint': 'required'}}"],
	['{"scopes": null}', "{'scopes': {'message': 'Field may not be null.', 'constraint_id': 'not_null', 'constraint': 'not_null'}}"],
	['{"scopes": "a"}', "{'scopes': {'message': 'Not a valid list.', 'constraint_id': 'type', 'constraint': 'list'}}"],
	['{"scopes": {"a": 1}}', "{'scopes': {'message': 'Not a valid list.', 'constraint_id': 'type', 'constraint': 'list'}}"],
	['{"scopes": [1, "a", {}, "b"]}', "{'scopes': {0: $not_string, 2: $not_string}}"],
	['{"scopes": [null]}', "{'scopes': {0: {'message': 'Field may not be null.', 'constraint_id': 'not_null', 'constraint': 'not_null'}}}"],
	['{"scopes": [], "tenant_uuid": 1}', "{'tenant_uuid': $not_string}"],
	['{"scopes": [1], "tenant_uuid": []}', "{'scopes': {0: $not_string}, 'tenant_uuid': $not_string}"],
	['[1]', "{'_schema': ['Invalid input type.']}"])
{
	is_token_error($t->ask('POST', $check, body => $case->[0]), 400, $case->[1], "body $case->[0]");
	is_token_error($t->ask('POST', "/0.1/token/$unknown/scopes/check", body => $case->[0]), 404, 'No such token', '... of a stranger is not read');
}
is_answer($t->ask('POST', $check, body => '{'), 400, '{"message": "The browser (or proxy) sent a request that this server could not understand."}', 'no JSON');
is_token_error($t->ask('POST', "/0.1/token/$unknown/scopes/check", json => {scopes => []}), 404, 'No such token', 'an unknown token');
is($t->ask('POST', '/0.1/token/abc/scopes/check', json => {scopes => []})->{status}, 404, 'no uuid');
is(scalar(keys %{$t->ask('POST', $check, json => {scopes => [map { "a.$_" } 1 .. 256]})->{json}{scopes}}), 256, 'many scopes');
is($t->ask('POST', $check, json => {scopes => [map { "a.$_" } 1 .. 257]})->{status}, 400, 'too many');

# ---- DELETE ----
my $success = '{"data": {"message": "success"}}';
is_answer($t->ask('DELETE', "/0.1/token/$unknown"), 200, $success, 'DELETE of an unknown token');
my $second = $t->login('alice', 'secret')->{token};
is_answer($t->ask('DELETE', '/0.1/token/' . uc $second), 200, $success, 'DELETE');
is_token_error($t->ask('GET', "/0.1/token/$second"), 404, 'No such token', '... ends it');
is($t->psql("SELECT wazo_auth.token_check('$second')"), 'unknown', '... in SQL too');
is($t->ask('HEAD', "/0.1/token/$token")->{status}, 204, '... and nothing else');
is_answer($t->ask('DELETE', "/0.1/token/$second"), 200, $success, '... and may be repeated');

# ---- what happens to the owner ----
$t->psql("UPDATE wazo_auth.policy SET acl = '{}'");
is($t->ask('HEAD', "/0.1/token/$token?scope=a.c")->{status}, 204, 'the ACL is that of the login');
my $late = $t->login('alice', 'secret')->{token};
$t->psql("UPDATE wazo_auth.session SET expires_at = now() - interval '1 s' WHERE token_digest = wazo_auth.token_digest('$late')");
is_token_error($t->ask('GET', "/0.1/token/$late"), 404, 'No such token', 'expired');
is_token_error($t->ask('POST', "/0.1/token/$late/scopes/check", json => {scopes => []}), 404, 'No such token', '... for scopes/check');
is_answer($t->ask('DELETE', "/0.1/token/$late"), 200, $success, '... DELETE');
$t->psql("DELETE FROM wazo_auth.user WHERE uuid = '$user'");
is_token_error($t->ask('GET', "/0.1/token/$token"), 404, 'No such token', 'a deleted user has no token');

# ---- the SQL API ----
$t->user($child, 'bob', 'a.#');
my $bob = $t->login('bob', 'secret')->{token};
is($t->psql("SELECT wazo_auth.token_check('$bob', 'a.b', '$grandchild')", 'wazo_auth_service'), 'valid', 'token_check as wazo_auth_service');
is($t->psql("SELECT wazo_auth.token_check('$bob', 'a.b', '$parent')", 'wazo_auth_service'), 'tenant_denied', '... tenant');
is($t->psql("SELECT wazo_auth.token_check('$bob', 'b', '$parent')", 'wazo_auth_service'), 'access_denied', '... access first');
is($t->psql("SELECT wazo_auth.token_check(NULL)", 'wazo_auth_service'), 'unknown', '... null');
(my $shown = $t->ask('GET', "/0.1/token/$bob")->{body}) =~ s/\A\{"data": (.*)\}\n\z/$1/s;
is($t->psql("SELECT wazo_auth.token_get('$bob', 'a.b', '$child')", 'wazo_auth_service'), $shown, 'token_get() is what GET shows');
foreach my $case (["'$unknown'", 'WA404', 'No such token'], ["'$bob', 'b'", 'WA403', 'Unauthorized for b'], ["'$bob', NULL, '$parent'", 'WA403', "Unauthorized for tenant $parent"])
{
	my ($args, $state, $message) = @$case;
	is($t->psql("DO \$\$ BEGIN PERFORM wazo_auth.token_get($args); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END \$\$", 'wazo_auth_service') =~ s/.*NOTICE:  //r,
		"$state $message", "token_get($args)");
}
my $log = $t->slurp('pg/log') . $t->log;
unlike($log, qr/\Q$_\E/, 'not in the logs') foreach $token, $bob, uc $token;
done_testing;
