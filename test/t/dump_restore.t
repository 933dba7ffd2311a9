# A dump holds all that people put in, and restores: same users, same tokens,
# same refresh tokens; and a dump of the restored database is the same.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Tables of which a dump has nothing: which database is live is not for a dump
# to say, failed logins are of no use an hour later, and what follows routes comes with the extension.
my @not_dumped = ('wazo_auth.after_route', 'wazo_auth.live_database', 'wazo_auth.login_failure');

# without rounds that would delete rows between two dumps
my $node = new_node('dump', 'wazo_auth.token_cleanup_interval = 0');
$node->start;
add_database($node, 'app');

# Content, in all tables that can have some through the SQL API
$node->safe_psql('app', <<'EOC');
SELECT wazo_auth.bootstrap('admin', 'a password');
SELECT wazo_auth.configure('{"default_token_lifetime": 5000, "uuid": "5f3c9a70-58f2-4f4e-8a3b-9d0c55aa7711"}');
CREATE TEMP TABLE made AS SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'Tom''s "tenant"', 'toms') AS tenant;
ALTER TABLE made ADD lower uuid, ADD person uuid, ADD crowd uuid, ADD policy uuid;
UPDATE made SET lower = wazo_auth.create_tenant(tenant, 'below', 'below');
UPDATE made SET person = wazo_auth.create_user(lower, 'Größe', 'Ångström', 'Person@Example.org');
UPDATE made SET crowd = wazo_auth.create_group(lower, 'crowd'), policy = wazo_auth.create_policy(tenant, 'p', '{a.b.*,!a.b.c,"with \\ and , and \""}', 'p', 'what for', true);
SELECT wazo_auth.add_group_user(crowd, person), wazo_auth.add_group_policy(crowd, policy), wazo_auth.add_user_policy(person, policy) FROM made;
UPDATE wazo_auth.tenant t SET default_authentication_method = 'native' FROM made WHERE t.uuid = made.tenant;
INSERT INTO wazo_auth.tenant_contact SELECT tenant, person FROM made;
INSERT INTO wazo_auth.access (access, description) VALUES ('my.own.access', 'mine');

-- what an operator adds to the API, and what he puts in the place of a shipped part
CREATE SCHEMA plugin;
CREATE FUNCTION plugin.hello(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE sql AS
$$ SELECT wazo_auth.json_response('{"hello": "you"}'::json) $$;
CREATE FUNCTION plugin.polite(request wazo_auth.http_request) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN IF request.query ? 'rude' THEN PERFORM wazo_auth.raise_error(404, 'not for you'); END IF; END $$;
SELECT wazo_auth.add_check('polite', 'plugin.polite', '{404}', 'The caller is polite');
SELECT wazo_auth.add_route('GET', '/0.1/hello', 'plugin.hello', 'hello', public => true, checks => '{polite}');
SELECT wazo_auth.add_route('GET', '/0.1/backends', 'plugin.hello', 'hello', public => true, replaces => true);
-- and what a role of its own has registered, whose functions are restored after the rows
CREATE ROLE plugin IN ROLE wazo_auth_plugin;
CREATE FUNCTION plugin.late(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS
$$ BEGIN RETURN wazo_auth.json_response(json_build_object('as', current_user)); END $$;
CREATE FUNCTION plugin.send(text, jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT wazo_auth.register_route('GET', '/0.1/late', 'plugin.late', public => true, role => 'plugin', time_limit => '20 s');
SELECT wazo_auth.register_mail_sender('slow', 'plugin.send', role => 'plugin', time_limit => '1 minute');
SELECT wazo_auth.configure('{"email_notification_plugin": "slow"}');
SELECT wazo_auth.declare_schema('hello', 'first_error', 'hello', '{"name": {"type": "string", "max": 80}}');
EOC

my $all_tables = q{
	SELECT c.oid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'wazo_auth') AND c.relkind %s
	ORDER BY c.oid::regclass::text COLLATE "C"};
my @tables = split /\n/, $node->safe_psql('app', sprintf($all_tables, "IN ('r', 'p', 'S')"));
cmp_ok(scalar @tables, '>=', 20, 'the extension has tables');
my @marked = split /\n/, $node->safe_psql('app', q{
	SELECT unnest(extconfig)::regclass AS c FROM pg_extension WHERE extname = 'wazo_auth'});
my %marked = map { $_ => 1 } @marked, @not_dumped;
is(join(' ', grep { !$marked{$_} } @tables), '', 'all tables and sequences are marked for dumps');
is($node->safe_psql('app', sprintf($all_tables, "= 'm'")), '', 'there is nothing else that holds data');
my @sequences = split /\n/, $node->safe_psql('app', sprintf($all_tables, "= 'S'"));

# A cycle of foreign keys between tables of an extension comes back empty.
is($node->safe_psql('app', q{
	WITH RECURSIVE reach (start, at) AS (
		SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
		UNION SELECT r.start, c.confrelid FROM reach r JOIN pg_constraint c ON c.conrelid = r.at AND c.contype = 'f' AND c.conrelid <> c.confrelid)
	SELECT start::regclass FROM reach WHERE start = at}), '', 'foreign keys form no cycle');

my $front = start_front($node, 'app', '--workers', 1);

sub login
{
	my ($on, %opt) = @_;
	my $answer = call($on, 'POST', '/0.1/token', %opt);
	return $answer->{status} == 200 ? JSON::decode_json($answer->{content})->{data} : { token => $answer->{status} };
}

my $uuid = qr/^[0-9a-f-]{36}$/;
my $offline = '{"access_type": "offline", "client_id": "%s", "expiration": 3600}';
my @people = ('admin:a password', 'größe:Ångström', 'person@example.org:Ångström');
my @given = map { login($front, login => $_, body => sprintf($offline, 'c')) } @people;
like($_->{token}, $uuid, 'a login') foreach @given;
like($given[1]{refresh_token}, $uuid, 'with a refresh token');
stop_front($front);

# what a restored database can do
sub check_database
{
	my ($database) = @_;
	my $on = start_front($node, $database, '--workers', 1);
	is(call($on, 'HEAD', "/0.1/token/$_->{token}")->{status}, 204, "$database: a token from before") foreach @given;
	my @shown = map { call($on, 'GET', "/0.1/token/$_->{token}")->{content} } @given;
	my $scope = "/0.1/token/$given[1]{token}?scope=a.b";
	is(call($on, 'HEAD', "$scope.d")->{status}, 204, "$database: its ACL");
	is(call($on, 'HEAD', "$scope.c")->{status}, 403, "$database: and what that refuses");
	like(login($on, login => $_, body => '{}')->{token}, $uuid, "$database: $_ logs in") foreach @people;
	is(login($on, login => 'admin:another', body => '{}')->{token}, 401, "$database: but not with another password");
	like(login($on, body => qq({"client_id": "c", "refresh_token": "$_->{refresh_token}"}))->{token}, $uuid,
		"$database: a refresh token") foreach @given;
	is(login($on, login => $people[0], body => sprintf($offline, 'c'))->{refresh_token}, $given[0]{refresh_token},
		"$database: which can still be shown");
	is(call($on, 'GET', '/0.1/hello')->{content}, qq({"hello": "you"}\n), "$database: an added route");
	is(call($on, 'GET', '/0.1/hello?rude')->{status}, 404, "$database: with its check");
	is(call($on, 'GET', '/0.1/backends')->{content}, qq({"hello": "you"}\n), "$database: one in place of a shipped one");
	is(call($on, 'HEAD', '/0.1/status')->{status}, 200, "$database: a shipped route");
	is(call($on, 'GET', '/0.1/late')->{content}, qq({"as": "plugin"}\n), "$database: a registered route");
	is($node->safe_psql($database, q{SELECT kind, role, time_limit, state FROM wazo_auth.registrations WHERE NOT shipped ORDER BY kind}),
		"mail_sender|plugin|00:01:00|ok\nroute|plugin|00:00:20|ok", "$database: what was registered");
	stop_front($on);
	return join('', @shown);
}

# Digest of all rows of all tables, and the state of all sequences.
sub content
{
	my ($database) = @_;
	my @parts = map { $node->safe_psql($database, "SELECT '$_', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM $_ t") }
		grep { my $t = $_; !grep { $_ eq $t } @sequences, @not_dumped } @tables;
	push @parts, map { $node->safe_psql($database, "SELECT '$_', last_value, is_called FROM $_") } @sequences;
	return join("\n", @parts);
}

my $dir = $node->basedir;
sub run_ok
{
	my ($what, @cmd) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(\@cmd, '<', \undef, '>', \$out, '2>', \$err);
	ok($ok, $what);
	is($err, '', "$what: without a word on stderr");
	return;
}

# A dump without the key words that newer versions of pg_dump draw each time, and without the order of its rows, which
# depends on where a page of their table had room.
sub dump_text
{
	my ($file) = @_;
	my $text = slurp_file($file);
	$text =~ s/^\\(un)?restrict .*$//mg;
	return join("\n", sort split(/\n/, $text));
}

my $before = content('app');
my @restored = ('second', 'third', 'fourth', 'fifth');
my @port = ('-h', $node->host, '-p', $node->port);

run_ok('pg_dump', 'pg_dump', @port, '-f', "$dir/1.sql", 'app');
run_ok('pg_dump, custom format', 'pg_dump', @port, '-Fc', '-f', "$dir/1.dump", 'app');
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0 ENCODING 'UTF8'") foreach @restored;
run_ok('psql', 'psql', @port, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/1.sql", 'second');
is(content('second'), $before, 'all rows are there');
run_ok('pg_dump of the restored', 'pg_dump', @port, '-f', "$dir/2.sql", 'second');
ok(dump_text("$dir/2.sql") eq dump_text("$dir/1.sql"), 'the same dump');
run_ok('psql again', 'psql', @port, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/2.sql", 'third');
is(content('third'), $before, 'all rows are there, still');
run_ok('pg_restore', 'pg_restore', @port, '-d', 'fourth', "$dir/1.dump");
is(content('fourth'), $before, 'all rows are there, too');
{
	# Jobs load the tables of an extension in no order, which foreign keys do
	# not bear; so their checks are off (docs/backup.md).
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	run_ok('pg_restore by two jobs', 'pg_restore', @port, '-j', 2, '-d', 'fifth', "$dir/1.dump");
}
is(content('fifth'), $before, 'all rows are there, whatever the order');

my $shown = check_database('app');
ok(check_database($_) eq $shown, "$_: tokens show the same as before") foreach @restored;

# bootstrap() finds what was restored
is($node->safe_psql('second', "SELECT wazo_auth.bootstrap('admin', 'a password')"),
	$node->safe_psql('app', 'SELECT wazo_auth.top_tenant_uuid()'), 'bootstrap() changes nothing');

$node->stop('fast');
done_testing();
