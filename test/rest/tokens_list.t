# Lists of refresh tokens and their revocation: /0.1/tokens, /0.1/users/{user_uuid}/tokens, /0.1/users/me/tokens
# (contract: schemas.md section 3, semantics.md sections 3 and 4, responses.md section 3).
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
my $parent = $t->tenant($t->{top}, 'parent');
my $child = $t->tenant($parent, 'child');
my $sibling = $t->tenant($t->{top}, 'sibling');
my %user = (
	alice => $t->user($parent, 'alice', 'auth.#'),
	carol => $t->user($child, 'carol', 'auth.users.me.tokens.#'),
	sam => $t->user($sibling, 'sam', 'auth.#'),
);
my %refresh;
my $n = 0;
foreach my $case (['alice', 'desk'], ['alice', 'Web App', 1], ['carol', 'desk'], ['carol', 'zoo.1/é'], ['carol', 'mobile-app', 1], ['sam', 'desk'])
{
	my ($name, $client, $mobile) = @$case;
	$refresh{"$name $client"} = $t->login($name, 'secret', access_type => 'offline', client_id => $client,
		($mobile ? (headers => ['Wazo-Session-Type: mobile']) : ()))->{refresh_token};
	# whole seconds, a minute apart
	$n++;
	$t->psql("UPDATE wazo_auth.refresh_token SET created_at = '2026-01-01 00:0$n:00+00' WHERE client_id = '$client' AND user_uuid = '$user{$name}'");
}
my $alice = $t->login('alice', 'secret')->{token};
my $carol = $t->login('carol', 'secret')->{token};
my $r;

sub clients
{
	my ($path, %opt) = @_;
	my $r = $t->ask('GET', $path, token => $alice, %opt);
	return "$r->{status} $r->{body}" if $r->{status} != 200;
	return join ' ', $r->{json}{total}, $r->{json}{filtered}, map { $_->{client_id} } @{$r->{json}{items}};
}

# ---- the shape ----
$r = $t->ask('GET', '/0.1/tokens', token => $alice);
my @item = map { qq({"client_id": "$_->[0]", "created_at": "2026-01-01T00:0$_->[1]:00+00:00", "mobile": $_->[2], "user_uuid": "$user{alice}", "tenant_uuid": "$parent", "metadata": {}}) }
	['desk', 1, 'false'], ['Web App', 2, 'true'];
is_answer($r, 200, qq({"total": 2, "filtered": 2, "items": [$item[0], $item[1]]}), 'a list, to the letter');
unlike($r->{body}, qr/\Q$_\E/, 'no refresh token in it') foreach values %refresh;
my $head = $t->ask('HEAD', '/0.1/tokens', token => $alice);
is("$head->{status} $head->{headers}{'content-length'} [$head->{body}]", '200 ' . length($r->{body}) . ' []', 'HEAD');
$t->psql("UPDATE wazo_auth.refresh_token SET created_at = '2026-01-01 00:01:00.5+00', metadata = '{\"ü\":  [1]}' WHERE client_id = 'desk' AND user_uuid = '$user{alice}'");
like($t->ask('GET', '/0.1/tokens', token => $alice)->{body}, qr/"created_at": "2026-01-01T00:01:00.500000\+00:00".*?"metadata": \{"\\u00fc": \[1\]\}/, 'a fraction has six digits');
$t->psql("UPDATE wazo_auth.refresh_token SET created_at = '2026-01-01 00:01:00+00', metadata = '{}' WHERE client_id = 'desk' AND user_uuid = '$user{alice}'");

# ---- tenants ----
is(clients('/0.1/tokens'), '2 2 desk Web App', 'the own tenant');
is(clients('/0.1/tokens?recurse=true'), '5 5 desk Web App desk zoo.1/é mobile-app', 'and below');
is(clients("/0.1/tokens?recurse=$_"), '5 5 desk Web App desk zoo.1/é mobile-app', "recurse=$_") foreach qw(1 t T on Yes TRUE y);
is(clients("/0.1/tokens?recurse=$_"), '2 2 desk Web App', "recurse=$_") foreach qw(0 f off NO n False);
is(clients('/0.1/tokens', tenant => $child), '3 3 desk zoo.1/é mobile-app', 'a tenant below');
is(clients('/0.1/tokens?recurse=1', token => $admin), '6 6 desk Web App desk zoo.1/é mobile-app desk', 'the top tenant and all');
is(clients('/0.1/tokens', token => $admin), '0 0', 'the top tenant alone');
is(clients('/0.1/tokens?recurse=1', token => $admin, tenant => $sibling), '1 1 desk', 'a sibling, seen from above');

# ---- pages and order ----
my $all = '/0.1/tokens?recurse=1';
is(clients("$all&limit=2"), '5 5 desk Web App', 'limit');
is(clients("$all&limit=2&offset=3"), '5 5 zoo.1/é mobile-app', 'offset');
is(clients("$all&limit=0"), '5 5', 'limit 0');
is(clients("$all&offset=5"), '5 5', 'beyond the end');
is(clients("$all&offset=9223372036854775807&limit=9223372036854775807"), '5 5', 'the greatest numbers');
is(clients("$all&limit=+2&offset=0_0"), clients("$all&limit=2"), 'as Python reads numbers');
is(clients("$all&order=client_id"), '5 5 Web App desk desk mobile-app zoo.1/é', 'by client_id');
is(clients("$all&order=client_id&direction=desc"), '5 5 zoo.1/é mobile-app desk desk Web App', '... downwards');
is(clients("$all&order=created_at&direction=desc"), '5 5 mobile-app zoo.1/é desk Web App desk', 'by created_at downwards');
is(clients("$all&direction=desc"), '5 5 mobile-app zoo.1/é desk Web App desk', 'created_at is the default');
like(clients("$all&order=mobile"), qr/^5 5 (?!.*(Web App|mobile-app) .*desk)/, 'by mobile: false first');
like(clients("$all&order=mobile&direction=desc"), qr/^5 5 (Web App|mobile-app) (Web App|mobile-app) /, '... true first');
my $ties = clients("$all&order=mobile");
is(join(' ', '5 5', map { my $i = $_; clients("$all&order=mobile&limit=1&offset=$i") =~ s/^5 5 //r } 0 .. 4), $ties, 'pages of a list with ties are stable');
is(clients("$all&limit=1&limit=2"), '5 5 desk', 'of a repeated parameter the first counts');
is(clients("$all&unknown=1&Limit=x"), clients($all), 'unknown parameters');

# ---- search and filters ----
is(clients("$all&search=desk"), '5 2 desk desk', 'search');
is(clients("$all&search=DESK"), '5 2 desk desk', '... whatever the case');
is(clients("$all&search=%C3%89"), '5 1 zoo.1/é', '... also beyond ASCII');
is(clients("$all&search=web+app"), '5 1 Web App', '... words');
is(clients("$all&search=app+web"), '5 0', '... in their order');
is(clients("$all&search=e++a"), '5 2 Web App mobile-app', '... with anything between') ;
is(clients("$all&search="), '5 5 desk Web App desk zoo.1/é mobile-app', 'an empty search');
is(clients("$all&search=+++"), '5 5 desk Web App desk zoo.1/é mobile-app', 'a blank one');
is(clients("$all&search=d_sk"), '5 0', 'wildcards of SQL are letters: _');
is(clients("$all&search=w%25p"), '5 0', '... and %');
is(clients("$all&search=%5C"), '5 0', 'a backslash');
is(clients("$all&search=" . 'a%25' x 128), '5 0', 'many of them');
is(clients("$all&search=%27;DROP+TABLE+x"), '5 0', 'quotes');
is(clients("$all&client_id=desk"), '5 2 desk desk', 'filter client_id');
is(clients("$all&client_id=Desk"), '5 0', '... has a case');
is(clients("$all&client_id="), '5 0', '... empty is a value');
is(clients("$all&mobile=$_"), '5 2 Web App mobile-app', "filter mobile=$_") foreach qw(true t tr 1 on yes T), '+true+';
is(clients("$all&mobile=$_"), '5 3 desk desk zoo.1/é', "filter mobile=$_") foreach qw(false f 0 of OFF no);
is(clients("$all&created_at=2026-01-01T00:02:00%2B00:00"), '5 1 Web App', 'filter created_at');
is(clients("$all&created_at=2026-01-01+01:02:00%2B01"), '5 1 Web App', '... in another zone');
is(clients("$all&created_at=$_"), '5 0', "... $_") foreach qw(now infinity 2020-01-01 epoch);
is(clients("$all&search=desk&mobile=false&client_id=desk&limit=1"), '5 2 desk', 'all together');
foreach my $bad ('mobile=', 'mobile=2', 'mobile=o', 'mobile=xx', 'created_at=', 'created_at=junk', 'created_at=2026-13-01', 'created_at=99999999999-01-01')
{
	my ($name) = split /=/, $bad;
	is_api_error($t->ask('GET', "$all&$bad", token => $alice), 400, qq({"$name": {"message": "Not a valid filter.", "constraint_id": "type", "constraint": "filter"}}),
		'invalid-list-param', '{}', 'users', "a filter that cannot be read: $bad");
}

# ---- validation ----
my $integer = '{"message": "Not a valid integer.", "constraint_id": "type", "constraint": "integer"}';
my $boolean = '{"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"}';
sub range { return "[{\"constraint_id\": \"range\", \"constraint\": {\"min\": $_[0]}, \"message\": \"Must be greater than or equal to $_[0].\"}]"; }
sub enum
{
	my $choices = join ', ', map { "\"$_\"" } @_;
	my $text = join ', ', @_;
	return "[{\"constraint_id\": \"enum\", \"constraint\": {\"choices\": [$choices]}, \"message\": \"Must be one of: $text.\"}]";
}
foreach my $case (['limit=', "\"limit\": $integer"], ['limit=x', "\"limit\": $integer"], ['limit=1.0', "\"limit\": $integer"], ['limit=-1', '"limit": ' . range(0)],
	['offset=-1', '"offset": ' . range(0)], ['offset=', "\"offset\": $integer"],
	['order=', '"order": ' . enum(qw(created_at client_id mobile))], ['order=uuid', '"order": ' . enum(qw(created_at client_id mobile))], ['order=Mobile', '"order": ' . enum(qw(created_at client_id mobile))],
	['direction=ASC', '"direction": ' . enum(qw(asc desc))], ['direction=', '"direction": ' . enum(qw(asc desc))],
	['recurse=', "\"recurse\": $boolean"], ['recurse=tRUE', "\"recurse\": $boolean"],
	['recurse=x&direction=x&offset=x&limit=x', "\"limit\": $integer, \"offset\": $integer, \"direction\": " . enum(qw(asc desc)) . ", \"recurse\": $boolean"])
{
	foreach my $path ('/0.1/tokens', "/0.1/users/$user{carol}/tokens", '/0.1/users/me/tokens')
	{
		is_api_error($t->ask('GET', "$path?$case->[0]", token => $alice), 400, "{$case->[1]}", 'invalid-list-param', '{}', 'users', "$path?$case->[0]");
	}
}
foreach my $huge ('limit=9223372036854775808', 'offset=9223372036854775808', 'limit=' . '9' x 4000, 'limit=' . '9' x 5000)
{
	is($t->ask('GET', "/0.1/tokens?$huge", token => $alice)->{status}, 400, substr($huge, 0, 40));
}

# ---- of one user ----
is(clients("/0.1/users/$user{alice}/tokens"), '2 2 desk Web App', "a user's");
is(clients("/0.1/users/$user{carol}/tokens"), '3 3 desk zoo.1/é mobile-app', '... of a tenant below, without recurse');
is(clients("/0.1/users/$user{carol}/tokens?search=desk&recurse=false"), '3 1 desk', '... searched');
is(clients('/0.1/users/' . uc($user{carol}) . '/tokens?limit=1&order=client_id'), '3 3 desk', '... in upper case');
is(clients('/0.1/users/me/tokens'), '2 2 desk Web App', 'my own');
is(clients('/0.1/users/me/tokens', token => $carol), '3 3 desk zoo.1/é mobile-app', "... somebody else's own");
is(clients("/0.1/users/me/tokens", tenant => $child), '2 2 desk Web App', '... also while looking at a tenant below');
foreach my $id ($user{sam}, $unknown)
{
	is_api_error($t->ask('GET', "/0.1/users/$id/tokens?limit=x", token => $alice), 404, "\"No such user: \\\"$id\\\"\"", 'unknown-user', "{\"uuid\": \"$id\"}", 'users',
		'a user that is not visible, before the query');
}
is_api_error($t->ask('GET', "/0.1/users/$user{alice}/tokens", token => $admin, tenant => $child), 404, "\"No such user: \\\"$user{alice}\\\"\"", 'unknown-user', "{\"uuid\": \"$user{alice}\"}", 'users',
	'a user above the scoping tenant');
is(clients("/0.1/users/$user{alice}/tokens", tenant => $child), '2 2 desk Web App', '... but the owner reaches itself');
is_unauthorized($t->ask('GET', "/0.1/users/$user{alice}/tokens", token => $carol), $carol, "auth.users.$user{alice}.tokens.read", 'me is not everybody', undef);

# ---- revocation ----
sub unknown_client
{
	my ($r, $client, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_api_error($r, 404, "\"unknown refresh_token for client_id \\\"$client\\\"\"", 'cannot-find-refresh-token-matching-client-id', "{\"client_id\": \"$client\"}", 'tokens', $name);
}
unknown_client($t->ask('DELETE', "/0.1/users/$user{carol}/tokens/nothing", token => $alice), 'nothing', 'an unknown client');
unknown_client($t->ask('DELETE', "/0.1/users/$user{carol}/tokens/Desk", token => $alice), 'Desk', '... has a case');
unknown_client($t->ask('DELETE', '/0.1/users/me/tokens/x%22%C3%A9', token => $alice), 'x\"\u00e9', '... is escaped');
is_api_error($t->ask('DELETE', "/0.1/users/$user{sam}/tokens/desk", token => $alice), 404, "\"No such user: \\\"$user{sam}\\\"\"", 'unknown-user', "{\"uuid\": \"$user{sam}\"}", 'users', "a sibling's");
is($t->ask('DELETE', "/0.1/users/$user{carol}/tokens", token => $alice)->{status}, 405, 'all of them');
my $session = $t->ask('POST', '/0.1/token', json => {refresh_token => $refresh{'carol desk'}, client_id => 'desk'})->{json}{data}{token};
$r = $t->ask('DELETE', "/0.1/users/$user{carol}/tokens/desk", token => $alice);
is_answer($r, 204, '', 'DELETE');
is($r->{headers}{'content-length'}, undef, '... without length');
unknown_client($t->ask('DELETE', "/0.1/users/$user{carol}/tokens/desk", token => $alice), 'desk', '... once');
is_token_error($t->ask('POST', '/0.1/token', json => {refresh_token => $refresh{'carol desk'}, client_id => 'desk'}), 401, 'Authentication Failed', '... it is dead');
is($t->ask('HEAD', "/0.1/token/$session")->{status}, 204, '... its sessions live');
is($t->psql("SELECT refresh_token_digest IS NULL FROM wazo_auth.session WHERE token_digest = wazo_auth.token_digest('$session')"), 't', '... without it');
is(clients("/0.1/users/$user{carol}/tokens"), '2 2 zoo.1/é mobile-app', '... others stay');
is($t->ask('POST', '/0.1/token', json => {refresh_token => $refresh{'alice desk'}, client_id => 'desk'})->{status}, 200, '... also of the same client');
unknown_client($t->ask('DELETE', '/0.1/users/me/tokens/zoo.1%252F%C3%A9', token => $carol), 'zoo.1%2F\u00e9', 'decoded once');
is_answer($t->ask('DELETE', '/0.1/users/me/tokens/zoo.1%2F%C3%A9', token => $carol), 204, '', 'DELETE of my own, with an escaped slash');
is($t->ask('HEAD', "/0.1/token/$carol")->{status}, 204, '... my session lives');
is(clients('/0.1/users/me/tokens', token => $carol), '1 1 mobile-app', '... one is left');
is_answer($t->ask('DELETE', '/0.1/users/me/tokens/Web%20App', token => $alice, tenant => $child), 204, '', '... while looking at a tenant below');

# ---- a token of the service itself is nobody ----
$t->psql("INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
	SELECT wazo_auth.token_digest('$unknown'), '$t->{top}', wazo_auth.store_acl('{#}'), now() + '1 hour', 'wazo-auth'");
is_api_error($t->ask($_->[0], $_->[1], token => $unknown), 404, '"No such user: \"wazo-auth\""', 'unknown-user', '{"uuid": "wazo-auth"}', 'users', "$_->[0] $_->[1] of the service")
	foreach ['GET', '/0.1/users/me/tokens'], ['DELETE', '/0.1/users/me/tokens/x'];
done_testing;
