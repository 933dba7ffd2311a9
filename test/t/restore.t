# Restores into a server whose workers are on and have time to spare in the
# middle: whatever the format and the order, all sessions are there with their
# ACLs, and nothing was deleted or sent before somebody said that this is the
# live database.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# where the dump comes from: nothing moves
my $source = new_node('source', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$source->start;
add_database($source, 'app');
$source->safe_psql('app', <<'EOC');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', 'jane@example.org', authentication_method => 'native');
SELECT wazo_auth.register_access('my.access', 'mine');
-- ten sessions for each of 200 sets, of which one in ten has expired
INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
SELECT gen_random_uuid(), wazo_auth.top_tenant_uuid(), s.digest, now() + CASE WHEN i = 1 THEN interval '-1 s' ELSE '1 h' END, 'wazo-auth'
FROM (SELECT wazo_auth.store_acl(ARRAY['set.' || g]::wazo_auth.acl) AS digest FROM generate_series(1, 200) g OFFSET 0) s, generate_series(1, 10) i;
SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}') FROM generate_series(1, 5);
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'jane', 'localhost');
EOC

# where it goes to
my $node = new_node('target', <<'EOC');
wazo_auth.token_cleanup_interval = 1
wazo_auth.relay_interval = 1
fsync = off
EOC
$node->start;

my $dir = $source->basedir;
my @from = ('-h', $source->host, '-p', $source->port);
my @to = ('-h', $node->host, '-p', $node->port);
my @tables = qw(session acl_set event_outbox mail_outbox event_log user);

sub content
{
	my ($on, $database) = @_;
	return join "\n", map { $_ . ' ' . $on->safe_psql($database, qq{SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text COLLATE "C")) FROM wazo_auth."$_" t}) } @tables;
}

# Waits until both workers of a database have had some turns. They count by the
# times that pg_stat_activity shows, for whatever a turn finds to do.
sub let_workers_turn
{
	my ($database) = @_;
	my %seen;
	return until_true(sub {
		my $rows = $node->safe_psql('postgres', "SELECT backend_type, query_start FROM pg_stat_activity
			WHERE datname = '$database' AND backend_type IN ('wazo_auth expiry', 'wazo_auth relay') AND query_start IS NOT NULL");
		$seen{ (split /\|/, $_)[0] }{$_} = 1 foreach split /\n/, $rows;
		return 2 == grep { keys %{ $seen{$_} // {} } >= 4 } 'wazo_auth expiry', 'wazo_auth relay';
	});
}

sub run_ok
{
	my ($what, @cmd) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(\@cmd, '<', \undef, '>', \$out, '2>', \$err);
	ok($ok, $what);
	is($err, '', "$what: without a word on stderr");
	return $out;
}

my $before = content($source, 'app');
my %format = (custom => 'c', directory => 'd', tar => 't');
run_ok("pg_dump, $_", 'pg_dump', @from, '-F', $format{$_}, '-f', "$dir/dump.$_", 'app') foreach sort keys %format;
run_ok('pg_dump, plain', 'pg_dump', @from, '-f', "$dir/plain.sql", 'app');

sub check_restored
{
	my ($database, $what) = @_;
	ok(let_workers_turn($database), "$what: its workers have turns");
	is(content($node, $database), $before, "$what: they have left everything as it was");
	is($node->safe_psql($database, 'SELECT count(*) FROM wazo_auth.session s LEFT JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest WHERE a.digest IS NULL'),
		'0', "$what: every session has its ACL");
	return;
}

# plain, with a pause before the sessions
{
	my ($first, $rest) = split /(?=^COPY wazo_auth\.session )/m, slurp_file("$dir/plain.sql");
	ok(defined $rest, 'a pause in the middle of the plain dump');
	$node->safe_psql('postgres', "CREATE DATABASE plain TEMPLATE template0 ENCODING 'UTF8'");
	my ($in, $out, $err) = ($first, '', '');
	my $restore = IPC::Run::start([ 'psql', @to, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', 'plain' ], '<', \$in, '>', \$out, '2>', \$err);
	$restore->pump while length $in;
	ok(let_workers_turn('plain'), 'workers have turns in the middle of it');
	$in = $rest;
	ok($restore->finish, 'plain: restored');
	is($err, '', 'plain: without a word on stderr');
	check_restored('plain', 'plain');
}

# the formats of pg_restore, all but the sessions first
foreach my $format (sort keys %format)
{
	foreach my $jobs ($format eq 'tar' ? 1 : (1, 4))
	{
		my $database = $format . $jobs;
		my $what = "$format, $jobs job(s)";
		my @toc = split /\n/, run_ok("$what: list", 'pg_restore', '-l', "$dir/dump.$format");
		my %part = (first => [ grep { !/TABLE DATA wazo_auth session / } @toc ], rest => [ grep { /TABLE DATA wazo_auth session / } @toc ]);
		is(scalar @{ $part{rest} }, 1, "$what: sessions come apart");
		# a job may load a set after its session
		local $ENV{PGOPTIONS} = $jobs > 1 ? '-c session_replication_role=replica' : '';
		$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
		foreach my $part (qw(first rest))
		{
			open(my $file, '>', "$dir/list") or die "list: $!";
			print $file map { "$_\n" } @{ $part{$part} };
			close $file or die "list: $!";
			run_ok("$what: $part", 'pg_restore', @to, '-j', $jobs, '-L', "$dir/list", '-d', $database, "$dir/dump.$format");
			ok(let_workers_turn($database), "$what: workers have turns") if $part eq 'first';
		}
		check_restored($database, $what);
	}
}

# without a pause, as everybody does it
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$node->safe_psql('postgres', "CREATE DATABASE atonce TEMPLATE template0 ENCODING 'UTF8'");
	run_ok('at once, 4 jobs', 'pg_restore', @to, '-j', 4, '-d', 'atonce', "$dir/dump.custom");
	check_restored('atonce', 'at once, 4 jobs');
}

# it says so, and what to do
is($node->safe_psql('plain', "SELECT string_agg(queue || ' ' || state, ', ' ORDER BY queue) FROM wazo_auth.worker_status"),
	'events held, mails held, sessions held', 'worker_status shows that the workers are held');
like($node->safe_psql('plain', 'SELECT DISTINCT reason FROM wazo_auth.worker_status'), qr/wazo_auth\.go_live\(\)/, 'and what ends that');
is($node->safe_psql('plain', "SELECT wazo_auth.health() ->> 'status'"), 'degraded', 'health() minds');
like(slurp_file($node->logfile), qr/work at sessions is held in database "plain"\n.*DETAIL: .*wazo_auth\.go_live\(\)/, 'the log says it');
my ($rc, $out, $err) = $node->psql('plain', 'SELECT sessions_deleted, acl_sets_deleted, events_delivered FROM wazo_auth.tick()');
is($out, '0|0|0', 'tick() is held');
like($err, qr/WARNING:  work at sessions is held in database "plain"/, 'and says so');

# said that it is live
is($node->safe_psql('plain', 'SET ROLE wazo_auth_admin; SELECT wazo_auth.go_live()'), 't', 'an administrator says that it is the live one');
is($node->safe_psql('plain', 'SELECT wazo_auth.go_live()'), 'f', 'which is no news the second time');
until_is($node, 'plain', 'SELECT count(*), (SELECT count(*) FROM wazo_auth.event_outbox) FROM wazo_auth.session WHERE expires_at <= now()', '0|0',
	'then it works: expired sessions go, events go out');
is($node->safe_psql('plain', "SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest WHERE a.acl::text LIKE '{set.%'"),
	'1800', 'live sessions stay');
is($node->safe_psql('custom1', 'SELECT count(*) > 0 FROM wazo_auth.session WHERE expires_at <= now()'), 't', 'the others go on waiting');
$node->safe_psql('custom1', 'SELECT wazo_auth.bootstrap()');
until_is($node, 'custom1', 'SELECT count(*) FROM wazo_auth.session WHERE expires_at <= now()', '0', 'bootstrap() says it, too');

# a database that is held again
is($node->safe_psql('custom1', 'SELECT wazo_auth.hold()'), 't', 'held by hand');
until_is($node, 'custom1', "SELECT string_agg(DISTINCT state, ',') FROM wazo_auth.worker_status", 'held', 'it is held');

$node->stop('fast');
$source->stop('fast');
done_testing();
