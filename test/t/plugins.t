# Plugins from outside: the examples of docs/plugins/, each installed as it
# stands and used over HTTP; and what goes on while one fails.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use JSON ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('plugins', "log_statement = none\nwazo_auth.relay_interval = '1s'\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
my $examples = "$FindBin::Bin/../../docs/plugins";
my %used;
# Installs an example as its file tells.
sub install
{
	my ($name) = @_;
	$used{$name} = 1;
	return sql(slurp_file("$examples/$name.sql"));
}
my $seen = 0;
sub logged
{
	my $text = slurp_file($node->logfile, $seen);
	$seen = -s $node->logfile;
	return $text;
}

my $admin = sql("SELECT wazo_auth.bootstrap('admin', 'admin')");
my %user = map { $_ => sql("SELECT wazo_auth.create_user('$admin', '$_', email_address => '$_\@example.com')") } qw(ada ben cleo);
my $front = start_front($node, 'app', '--workers', 1);
sub ask
{
	my ($method, $target, $token, $body) = @_;
	my $answer = call($front, $method, $target, headers => { defined $token ? ('X-Auth-Token' => $token) : () },
		defined $body ? (body => JSON::encode_json($body)) : ());
	return ($answer->{status}, ($answer->{content} // '') =~ /^[\[{]/ ? JSON::decode_json($answer->{content}) : undef);
}
sub login
{
	my ($login, %body) = @_;
	my $answer = call($front, 'POST', '/0.1/token', defined $login ? (login => $login) : (), body => JSON::encode_json(\%body));
	return $answer->{status} == 200 ? JSON::decode_json($answer->{content})->{data} : { status => $answer->{status} };
}
my $root = login('admin:admin')->{token};

# ---- a backend ----
install('legacy_backend');
sql("INSERT INTO legacy.account VALUES ('ada', 'salt', legacy.digest('old secret', 'salt'))");
is(login('ada:wrong')->{status}, 401, 'legacy passwords: a wrong one');
is(login('ben:old secret')->{status}, 401, 'one of somebody else');
ok(login('ada:old secret')->{token}, 'the right one');
is(sql("SELECT count(*) FROM wazo_auth.password p WHERE p.user_uuid = '$user{ada}' AND p.hash LIKE '\$argon2id\$%'"), 1, 'it is kept as argon2id from then on');
sql('DELETE FROM legacy.account');
ok(login('ada:old secret')->{token}, 'and counts without the old table');
is_deeply((ask('GET', '/0.1/backends'))[1]->{data}, [ 'ldap_user', 'legacy', 'wazo_user' ], 'GET /backends shows it');

# ---- a route and a check ----
install('route');
my $note = "/0.1/users/$user{ada}/note";
is((ask('GET', $note))[0], 401, 'a route asks for a token');
is((ask('PUT', $note, $root, { note => 'likes tea' }))[0], 204, 'a note is written');
is_deeply([ ask('GET', $note, $root) ], [ 200, { note => 'likes tea' } ], 'and read');
is((ask('PUT', $note, $root, { note => 7 }))[0], 400, 'its own errors are answers');
is((ask('GET', '/0.1/users/99999999-9999-4999-8999-999999999999/note', $root))[0], 404, 'the checks of the service go before it');
is((ask('GET', $note, login('ada:old secret')->{token}))[0], 401, 'so does its access');
sql("UPDATE note.office SET opens = '00:00', closes = '00:00'");
my ($status, $closed) = ask('GET', $note, $root);
is("$status $closed->{error_id}", '403 office-closed', 'its own check, too');
like(call($front, 'GET', '/0.1/api/api.yml')->{content}, qr{/users/\{user_uuid\}/note}, 'the description of the API has it');

# ---- metadata ----
install('metadata');
sql("INSERT INTO office.member VALUES ('$user{ada}', 'London')");
my $token = login('ada:old secret', access_type => 'offline', client_id => 'phone');
is($token->{metadata}{office}, 'London', 'metadata');
is($token->{metadata}{uuid}, $user{ada}, 'beside that of the service');
is(login(undef, refresh_token => $token->{refresh_token}, client_id => 'phone')->{metadata}{obtained_by}, 'phone', 'metadata of the refresh token');
install('initials_perl');
is(login('ada:old secret')->{metadata}{initials}, 'A', 'metadata by a function in Perl');
sql(q{CREATE OR REPLACE FUNCTION initials.metadata(login text, user_uuid uuid, args jsonb) RETURNS jsonb LANGUAGE plperl AS 'die "no initials for $_[0]"'});
logged();
is(login('ada:old secret')->{status}, 500, 'one that dies');
like(logged(), qr/POST \/0\.1\/token failed: the metadata "initials" \(initials\.metadata\(text,uuid,jsonb\)\) failed: no initials for ada/, 'is named in the log');
sql(q{CREATE OR REPLACE FUNCTION initials.metadata(login text, user_uuid uuid, args jsonb) RETURNS jsonb LANGUAGE plpgsql AS
	$$DECLARE v text[]; BEGIN LOOP v := v || repeat('x', 10000000); END LOOP; END$$});
sql(q{SELECT wazo_auth.register_metadata('initials', 'initials.metadata', role => 'initials', time_limit => '1 minute')});
is(login('ada:old secret')->{status}, 500, 'one that takes all memory');
like(logged(), qr/out of memory/i, 'gets no more than its share');
ok(login('admin:admin')->{token}, 'and others log in');
# Where Perl itself finds no memory, 5.42 ends the process; 5.36 leaves it to PostgreSQL.
sql(q{CREATE OR REPLACE FUNCTION initials.metadata(login text, user_uuid uuid, args jsonb) RETURNS jsonb LANGUAGE plperl AS
	$$my $n = 100_000_000; my @all; push @all, 'x' x $n while 1; return '"x"';$$});
like(login('ada:old secret')->{status}, qr/^50[03]\z/, 'one in Perl fails, and may lose its connection');
ok(login('admin:admin')->{token}, 'and others log in');
sql(q{SELECT wazo_auth.configure('{"purpose_metadata_mapping": null}')});

# ---- a mail sender ----
install('mail_sender');
is((ask('GET', '/0.1/users/password/reset?username=ada'))[0], 204, 'a mail is asked for');
until_is($node, 'app', 'SELECT kind, recipient FROM postbox.letter', 'password_reset|ada@example.com', 'and comes to the sender');

# ---- an identity provider ----
install('badge_idp');
sql("INSERT INTO badge.badge VALUES ('007', '$user{ben}')");
is(login(undef, badge => '007')->{status}, 401, 'a badge is for users of its method');
is((ask('PUT', "/0.1/idp/badge/users/$user{ben}", $root))[0], 204, 'which is set');
ok(login(undef, badge => '007')->{token}, 'a login by a badge');
is(login(undef, badge => '008')->{status}, 401, 'not by another');

# ---- external accounts ----
install('bar_external_auth');
my $bar = "/0.1/users/$user{cleo}/external/bar";
is((ask('GET', $bar, $root))[0], 404, 'no account of bar');
is((ask('POST', $bar, $root, { account => 'cleo', token => 'T0psecret' }))[0], 201, 'one is stored');
is((ask('POST', $bar, $root, { account => 'cleo', token => 'x' }))[0], 409, 'once');
is_deeply([ ask('GET', $bar, $root) ], [ 200, { account => 'cleo', token => 'T0psecret' } ], 'and read');
my (undef, $list) = ask('GET', "/0.1/users/$user{cleo}/external?type=bar", $root);
is_deeply($list->{items}, [ { type => 'bar', data => { account => 'cleo' }, enabled => JSON::true, plugin_info => { required_acl => ['bar.read'] } } ], 'the list shows what is safe');
my $data = sql('SELECT array_agg(d::text) FROM wazo_auth.external_auth_data d');
unlike($data, qr/T0psecret/, 'it is sealed');
is((ask('GET', '/0.1/external/bar/users', $root))[1]->{items}[0]{uuid}, $user{cleo}, 'its users are listed');
my ($begun, $authorization) = ask('POST', "$bar/authorization", $root);
is($begun, 201, 'an authorization begins');
like($authorization->{authorization_url}, qr{^https://bar\.example\.com/authorize\?state=$authorization->{state}&redirect_uri=https://oauth\.wazo\.io/bar/authorize$}, 'with where the provider sends the user back to');
is(call($front, 'GET', "/0.1/external/bar/authorize?state=$authorization->{state}x&code=c0de")->{status}, 400, 'another state is none');
is(call($front, 'GET', "/0.1/external/bar/authorize?state=$authorization->{state}&code=c0de")->{status}, 200, 'the user comes back');
is_deeply((ask('GET', $bar, $root))[1], { account => 'by OAuth2', token => 'c0de' }, 'and the callback has stored what came');
is(call($front, 'GET', "/0.1/external/bar/authorize?state=$authorization->{state}&code=again")->{status}, 400, 'once');
is(sql("SELECT count(*) FROM (SELECT name FROM wazo_auth.event_outbox UNION ALL SELECT name FROM wazo_auth.event_log) e
	WHERE e.name = 'auth_user_external_auth_authorized'"), 1, 'with its event');
is((ask('DELETE', $bar, $root))[0], 204, 'it is forgotten');
is((ask('GET', $bar, $root))[0], 404, 'and gone');

# ---- what fails ----
sql(<<'EOS');
CREATE ROLE evil IN ROLE wazo_auth_plugin;
CREATE SCHEMA evil AUTHORIZATION evil;
SET ROLE evil;
CREATE FUNCTION evil.stubborn(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    BEGIN
      LOOP END LOOP;
    EXCEPTION WHEN query_canceled THEN NULL;
    END;
  END LOOP;
END $$;
SELECT wazo_auth.register_route('GET', '/0.1/stubborn', 'evil.stubborn', public => true, time_limit => '100 ms');
CREATE FUNCTION evil.sleep(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep(600);
EXCEPTION WHEN query_canceled THEN
  RETURN wazo_auth.json_response('{}');
END $$;
SELECT wazo_auth.register_route('GET', '/0.1/sleep', 'evil.sleep', public => true, time_limit => '1 minute');
EOS
logged();
isnt(call($front, 'GET', '/0.1/stubborn')->{status}, 200, 'one that catches its cancel for ever has no answer');
until_true(sub { slurp_file($node->logfile, $seen) =~ /goes on although its time is over/ });
like(logged(), qr/the connection ends because a registered function goes on although its time is over/, 'and loses its connection');
is(call($front, 'HEAD', '/0.1/status')->{status}, 200, 'the front goes on with another');

# A cancel that comes from elsewhere is served, whatever the function makes of it.
my ($out, $err) = ('', '');
my $psql = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('app'), '-c', q{SELECT status FROM wazo_auth.http('GET', '/0.1/sleep')} ], '<', \'', '>', \$out, '2>', \$err);
until_is($node, 'app', q{SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}, 1, 'a cancel while a function runs');
$psql->finish;
like($err, qr/canceling statement due to user request/, 'ends the statement');
is($out, '', 'and not the function alone');
$psql = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('app'), '-c', q{SET statement_timeout = '1s'; SELECT status FROM wazo_auth.http('GET', '/0.1/sleep')} ], '<', \'', '>', \$out, '2>', \$err);
$psql->finish;
like($err, qr/canceling statement due to/, 'so does statement_timeout');
$psql = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('app'), '-c', q{SELECT status FROM wazo_auth.http('GET', '/0.1/sleep')} ], '<', \'', '>', \$out, '2>', \$err);
until_is($node, 'app', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}, 1, 'a termination');
$psql->finish;
like($err, qr/terminating connection due to administrator command/, 'ends the connection');

# The names are all here, so a new example is used, too.
is(join(' ', sort map { m{([^/]+)\.sql$} } glob "$examples/*.sql"), join(' ', sort keys %used), 'every example is installed and used');
stop_front($front);
done_testing();
