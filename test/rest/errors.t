# The layers before every handler: paths, methods, tokens, accesses, tenants, cross-origin headers
# (contract: errors.md sections 2 and 3, responses.md section 1).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use Test::More;
use WazoRest;

binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new;
my $admin = $t->{admin_token};
my $unknown = '3f0b3c1e-6a51-4c8e-9d37-0e1f2a3b4c5d';
my $child = $t->tenant($t->{top}, 'child');
my $sibling = $t->tenant($t->{top}, 'sibling');
my $user = $t->user($child, 'plain', 'auth.users.me.tokens.read');
my $token = $t->login('plain', 'secret')->{token};
my $r;

# ---- what exists ----
$r = $t->ask('GET', '/0.1/backends');
is_answer($r, 200, '{"data": ["ldap_user", "wazo_user"]}', 'backends');
is($r->{headers}{'content-length'}, length $r->{body}, '... length');
is($r->{reason}, 'OK', '... reason');
$r = $t->ask('HEAD', '/0.1/backends');
is("$r->{status} $r->{headers}{'content-type'} $r->{headers}{'content-length'} [$r->{body}]",
	'200 application/json ' . length("{\"data\": [\"ldap_user\", \"wazo_user\"]}\n") . ' []', 'HEAD of a GET route');
$r = $t->ask('HEAD', '/0.1/status');
is("$r->{status} $r->{headers}{'content-type'} $r->{headers}{'content-length'}", '200 application/json 3', 'HEAD status');
is($t->ask('GET', '/0.1/backends', headers => ['Accept: text/html'])->{status}, 200, 'Accept is ignored');

# ---- paths ----
my $not_found = '{"message": "Not Found"}';
foreach my $path ('/', '/0.1', '/0.1/', '/0.2/backends', '/0.1/backends/', '//0.1/backends', '/0.1//backends', '/0.1/Backends',
	'/0.1/token/', '/0.1/token/abc', "/0.1/token/$unknown/", "/0.1/token/{$unknown}", "/0.1/token/" . $unknown =~ s/-//gr,
	"/0.1/token/${unknown}0", "/0.1/token/$unknown%00", "/0.1/token/$unknown%0A", '/0.1/users/me/tokens/', '/0.1/token/%ff', '/0.1%2Fbackends', "/0.1/token%2F$unknown",
	'/0.1/users/nobody/tokens', '/0.1/token/' . 'a' x 3000)
{
	is_answer($t->ask('GET', $path), 404, $not_found, "no such path: " . substr($path, 0, 60));
}
is($t->ask('GET', '/0.1/back%65nds')->{status}, 200, 'escapes in a path are decoded');
is($t->ask('GET', '/0.1/backends?')->{status}, 200, 'an empty query');
is($t->ask('GET', '/0.1/backends?a&b==&&%zz&%')->{status}, 200, 'a strange query');
is_answer($t->ask('GET', '/0.1/backends?a=%ff'), 200, '{"data": ["ldap_user", "wazo_user"]}', 'a query that is not UTF-8');
is_answer($t->ask('GET', '/0.1/backends?a=%00'), 400, '{"message": "The query string holds a null character."}', 'a query with a NUL');
is_answer($t->ask('GET', '/0.1/backends?' . '&a' x 65), 400, '{"message": "The query string has more than 64 parameters."}', 'a query of too many parameters');
is($t->ask('GET', '/0.1/backends?' . 'a=b&' x 2000)->{status}, 400, 'too many parameters');

# ---- methods ----
my $not_allowed = '{"message": "The method is not allowed for the requested URL."}';
foreach my $case (['POST', '/0.1/backends', 'GET, HEAD, OPTIONS'], ['GET', '/0.1/token', 'OPTIONS, POST'], ['GET', '/0.1/status', 'HEAD, OPTIONS'],
	['PUT', "/0.1/token/$unknown", 'DELETE, GET, HEAD, OPTIONS'], ['PATCH', '/0.1/tokens', 'GET, HEAD, OPTIONS'],
	['FOO', '/0.1/backends', 'GET, HEAD, OPTIONS'], ['A' x 30, '/0.1/backends', 'GET, HEAD, OPTIONS'],
	['POST', '/0.1/users/me/tokens/x', 'DELETE, OPTIONS'])
{
	my ($method, $path, $allow) = @$case;
	$r = $t->ask($method, $path);
	is_answer($r, 405, $not_allowed, "$method $path");
	is($r->{headers}{allow}, $allow, '... Allow');
}
$r = $t->ask('OPTIONS', '/0.1/tokens');
is("$r->{status} $r->{headers}{allow} $r->{headers}{'content-type'} $r->{headers}{'content-length'} [$r->{body}]",
	'200 GET, HEAD, OPTIONS text/html; charset=utf-8 0 []', 'OPTIONS needs no token');
is($t->ask('OPTIONS', '/0.1/nothing')->{status}, 404, 'OPTIONS of an unknown path');

# ---- tokens ----
my $access = 'auth.tokens.read';
is_unauthorized($t->ask('GET', '/0.1/tokens'), '', $access, 'no token');
is_unauthorized($t->ask('GET', '/0.1/tokens', token => ''), '', $access, 'an empty token');
foreach my $bad ($unknown, 'abc', uc $admin, $admin =~ s/-//gr, "{$admin}", "$admin ", 'a b')
{
	my $sent = $bad =~ s/ $//r;		# blanks around a header's value are not part of it
	next if $sent eq $admin;
	is_unauthorized($t->ask('GET', '/0.1/tokens', token => $bad), $sent, $access, "bad token $bad");
}
is_unauthorized($t->ask('GET', '/0.1/tokens', headers => ['X-Auth-Token: "\\<é>']), '\\"\\\\<\u00e9>', $access, 'a token is escaped in the answer');
$r = $t->ask('GET', '/0.1/tokens', headers => ['X-Auth-Token: ' . 'x' x 255 . "\xc3\xa9" . 'y' x 300]);
like($r->{body}, qr/"invalid_token": "x{255}", "reason"/, 'a long token is cut at a character');
is($t->ask('GET', '/0.1/tokens', headers => ["X-Auth-Token: $admin"])->{status}, 200, 'X-Auth-Token');
is($t->ask('GET', '/0.1/tokens', headers => ["x-auth-token: $admin"])->{status}, 200, '... in lower case');
is($t->ask('GET', '/0.1/tokens', headers => ["Authorization: Bearer $admin"])->{status}, 200, 'Bearer');
is($t->ask('GET', '/0.1/tokens', headers => ["Authorization: bearer $admin"])->{status}, 200, '... a scheme has no case');
is_unauthorized($t->ask('GET', '/0.1/tokens', headers => ["X-Auth-Token: $unknown", "Authorization: Bearer $admin"]), $unknown, $access,
	'X-Auth-Token comes before Bearer');
is($t->ask('GET', '/0.1/tokens', headers => ['X-Auth-Token:', "Authorization: Bearer $admin"])->{status}, 200, '... unless empty');
is_unauthorized($t->ask('GET', '/0.1/tokens', headers => ["Authorization: Basic $admin"]), '', $access, 'Basic is no token');
is_unauthorized($t->ask('GET', "/0.1/tokens?token=$admin"), '', $access, '?token= is ignored');
$r = $t->ask('HEAD', '/0.1/tokens');
is("$r->{status} [$r->{body}]", '401 []', 'HEAD without a token');

# ---- accesses ----
is_unauthorized($t->ask('GET', '/0.1/tokens', token => $token), $token, $access, 'missing access', undef);
is_unauthorized($t->ask('GET', '/0.1/tokens', token => $token, tenant => 'what ever'), $token, $access, '... the tenant is shown as sent', 'what ever');
is_unauthorized($t->ask('DELETE', '/0.1/users/me/tokens/a.b', token => $token), $token, 'auth.users.me.tokens.a_b.delete', 'dots of a parameter', undef);
is_unauthorized($t->ask('DELETE', '/0.1/users/me/tokens/a%23b%2Fc%20%2a!', token => $token), $token, 'auth.users.me.tokens.a#b/c *!.delete',
	'other characters of a parameter', undef);
is_unauthorized($t->ask('GET', '/0.1/users/' . uc($unknown) . '/tokens', token => $token), $token, "auth.users.$unknown.tokens.read",
	'a uuid in upper case', undef);
is($t->ask('GET', "/0.1/users/$user/tokens", token => $token)->{status}, 200, 'me covers the own uuid');
is($t->ask('GET', '/0.1/users/' . uc($user) . '/tokens', token => $token)->{status}, 200, '... in upper case');
is($t->ask('GET', '/0.1/users/me/tokens', token => $token)->{status}, 200, '... and the word');
my $literal = $t->user($child, 'literal', 'x');
$t->psql("SELECT wazo_auth.add_user_policy('$literal', wazo_auth.create_policy('$child', 'literal', '{auth.users.$literal.tokens.read}'))");
my $literal_token = $t->login('literal', 'secret')->{token};
is($t->ask('GET', "/0.1/users/$literal/tokens", token => $literal_token)->{status}, 200, 'an access with the uuid');
is_unauthorized($t->ask('GET', '/0.1/users/me/tokens', token => $literal_token), $literal_token, 'auth.users.me.tokens.read', '... does not cover the word me', undef);

# ---- order: access before tenant, tenant before body and query ----
is_api_error($t->ask('GET', '/0.1/tokens?limit=x', token => $admin, tenant => $unknown), 401, '"Unauthorized tenant"', 'unauthorized-tenant',
	"{\"tenant_uuid\": \"$unknown\"}", undef, 'tenant before query');
is_unauthorized($t->ask('GET', '/0.1/tokens?limit=x', token => $token, tenant => $unknown), $token, $access, 'access before tenant', $unknown);

# ---- tenants ----
my $child_admin = do { $t->user($child, 'child admin', '#'); $t->login('child admin', 'secret')->{token} };
foreach my $bad ($t->{top}, $sibling, $unknown, uc $child, 'abc', '-', $child =~ s/-//gr, "$child$child")
{
	is_api_error($t->ask('GET', '/0.1/tokens', token => $child_admin, tenant => $bad), 401, '"Unauthorized tenant"', 'unauthorized-tenant',
		"{\"tenant_uuid\": \"$bad\"}", undef, "tenant $bad");
}
is($t->ask('GET', '/0.1/tokens', token => $child_admin, tenant => $child)->{status}, 200, 'the own tenant');
is($t->ask('GET', '/0.1/tokens', token => $child_admin, tenant => '')->{status}, 200, 'an empty tenant is none');
is($t->ask('GET', '/0.1/tokens', token => $admin, tenant => $child)->{status}, 200, 'a tenant below');

# ---- what became of the caller ----
{
	my $gone = $t->user($child, 'gone', 'auth.#');
	my $gone_token = $t->login('gone', 'secret')->{token};
	$t->psql("DELETE FROM wazo_auth.user WHERE uuid = '$gone'");
	is_unauthorized($t->ask('GET', '/0.1/tokens', token => $gone_token), $gone_token, $access, "a deleted user's token");
	my $late = $t->login('plain', 'secret', expiration => 1)->{token};
	ok(wait_for(sub { $t->ask('HEAD', "/0.1/token/$late")->{status} == 404 }), 'a token of one second ends');
	is_unauthorized($t->ask('GET', '/0.1/users/me/tokens', token => $late), $late, 'auth.users.me.tokens.read', '... and grants nothing');
}
is($t->psql("SELECT count(*) FROM wazo_auth.session WHERE expires_at < now()"), 1, 'its row may still be there');

# ---- cross-origin ----
foreach my $case (['GET', '/0.1/backends', 200], ['GET', '/0.1/nothing', 404], ['POST', '/0.1/backends', 405], ['GET', '/0.1/tokens', 401],
	['HEAD', "/0.1/token/$admin", 204])
{
	my ($method, $path, $status) = @$case;
	$r = $t->ask($method, $path);
	is($r->{status} . $r->{headers}{'access-control-allow-origin'}, "$status*", "$status without Origin");
	ok(!exists $r->{headers}{vary}, '... no Vary');
	$r = $t->ask($method, $path, headers => ['Origin: https://a.example']);
	is("$r->{headers}{'access-control-allow-origin'} $r->{headers}{vary}", 'https://a.example Origin', '... and with');
}
$r = $t->ask('OPTIONS', '/0.1/tokens', headers => ['Origin: https://a.example', 'Access-Control-Request-Method: GET',
	'Access-Control-Request-Headers: x-auth-token, X-Evil, wazo-tenant, Content-Type']);
is($r->{headers}{'access-control-allow-methods'}, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT', 'preflight: methods');
is($r->{headers}{'access-control-allow-headers'}, 'Content-Type, wazo-tenant, x-auth-token', '... headers, as spelled, sorted');
ok(!exists $r->{headers}{$_}, "... no $_") foreach qw(access-control-allow-credentials access-control-max-age access-control-expose-headers);

# ---- plugins ----
$t->psql(q(SELECT wazo_auth.configure('{"enabled_http_plugins": {"backends": false}}')));
is_answer($t->ask('GET', '/0.1/backends'), 404, $not_found, 'a disabled plugin');
is($t->ask('OPTIONS', '/0.1/backends')->{status}, 404, '... for every method');
$t->psql(q(SELECT wazo_auth.configure('{"enabled_http_plugins": null, "enabled_backend_plugins": {"ldap_user": false}}')));
is_answer($t->ask('GET', '/0.1/backends'), 200, '{"data": ["wazo_user"]}', 'enabled again, with one backend less');

# ---- a route of one's own, without a restart ----
$t->psql(<<'EOF');
CREATE SCHEMA mine;
CREATE FUNCTION mine.teapot(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  IF request.query ? 'fail' THEN
    CREATE TABLE mine.left_over ();
    RAISE EXCEPTION 'secret detail %', request.query;
  END IF;
  RETURN CASE WHEN request.query ? 'null' THEN NULL WHEN request.query ? 'bad' THEN ROW(99, NULL, NULL)::wazo_auth.http_response
    ELSE wazo_auth.json_response(json_build_object('who', request.params ->> 'who', 'é', request.method), 418) END;
END $$;
SELECT wazo_auth.add_route('GET', '/0.1/teapot/{who}', 'mine.teapot', 'mine', public => true);
SELECT wazo_auth.add_route('GET', '/0.1/broken', 'mine.nothing', 'mine', public => true);
EOF
is_answer($t->ask('GET', '/0.1/teapot/caf%C3%A9%2F'), 418, '{"who": "caf\u00e9/", "\u00e9": "GET"}', "somebody's own route");
foreach my $bad ('teapot/x?fail', 'teapot/x?null', 'teapot/x?bad', 'broken')
{
	is_answer($t->ask('GET', "/0.1/$bad"), 500, '{"message": "Internal Server Error"}', "a broken handler: $bad");
}
is($t->psql("SELECT to_regclass('mine.left_over') IS NULL"), 't', '... leaves nothing behind');
is($t->ask('GET', '/0.1/teapot/x')->{status}, 418, '... and the next request is served');

# ---- routes are read as of now, also in a transaction with an old snapshot ----
{
	my $old = $t->psql(<<"EOF");
DELETE FROM wazo_auth.route WHERE path = '/0.1/broken';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT (wazo_auth.http('GET', '/0.1/backends')).status;
\\! '$t->{bin}/psql' -X -q -d '@{[$t->conninfo]}' -c "SELECT wazo_auth.add_route('GET', '/0.1/new', 'mine.teapot', 'mine', public => true)" >/dev/null
SELECT (wazo_auth.http('GET', '/0.1/teapot/x')).status;
COMMIT;
SELECT (wazo_auth.http('GET', '/0.1/new')).status;
EOF
	is($old, "200\n418\n418", 'a route that was added during a transaction is served after it');
}

# ---- a handler that changes the routes and calls the API again ----
$t->psql(<<'EOF');
CREATE FUNCTION mine.twice(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..3 LOOP
    PERFORM wazo_auth.add_route('GET', '/0.1/teapot/{who}', 'mine.teapot', 'mine', summary => 'changed ' || i, public => true, replaces => true);
    IF (wazo_auth.http('GET', '/0.1/teapot/x')).status <> 418 OR (wazo_auth.http('GET', '/0.1/nothing')).status <> 404 THEN
      RETURN NULL;
    END IF;
  END LOOP;
  RETURN wazo_auth.json_response('"done"');
END $$;
SELECT wazo_auth.add_route('GET', '/0.1/twice', 'mine.twice', 'mine', public => true);
EOF
is_answer($t->ask('GET', '/0.1/twice'), 200, '"done"', 'a nested call after a change of the routes') foreach 1 .. 3;

# ---- templates of the same form, all methods, and a check that is gone ----
$t->psql(<<'EOF');
INSERT INTO wazo_auth.route (method, path, handler, plugin, public)
SELECT m, '/0.1/many/{' || p || '}', 'mine.teapot', 'mine', true FROM unnest('{GET,HEAD,POST,PUT,PATCH,DELETE}'::text[]) m, unnest('{a,b,c,d}'::text[]) p;
SELECT wazo_auth.add_check('gone', 'mine.gone', '{404}', 'It is there');
SELECT wazo_auth.add_route('GET', '/0.1/unchecked', 'mine.teapot', 'mine', checks => '{gone}', public => true);
SELECT wazo_auth.add_route('GET', '/0.1/internal', 'pg_catalog.int4_avg_serialize', 'mine', public => true);
EOF
is($t->ask('OPTIONS', '/0.1/many/x')->{headers}{allow}, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT', 'each method once in Allow');
is($t->ask('GET', '/0.1/unchecked')->{status}, 500, 'a route with a check that cannot be done is not served');
is($t->ask('GET', '/0.1/internal')->{status}, 500, 'a C function that is no handler is not called');

# ---- nothing secret in the logs ----
my $log = $t->slurp('pg/log') . $t->log;
unlike($log, qr/\Q$_\E/, 'not in the logs') foreach $admin, $token, $t->{password}, $t->{admin_token};
done_testing;
