# The background workers: where they run, what they do, and how they start,
# stop and come back.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $workers_of = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry' AND datname = '%s'};
my $pid_of = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry' AND datname = '%s'};

my $node = new_node('workers', "wazo_auth.token_cleanup_interval = 1\nlog_line_prefix = '%p %b: '\nautovacuum = off");
$node->start;

sub workers
{
	my ($database, $want, $what) = @_;
	return until_is($node, 'postgres', sprintf($workers_of, $database), $want, $what);
}

# So many sessions that expired so many seconds ago, with one ACL for each
# group of sessions.
sub add_sessions
{
	my ($on, $database, $count, $age, $groups) = @_;
	$on->safe_psql($database, <<"EOC");
WITH sets AS (
  SELECT g, wazo_auth.store_acl(ARRAY['group.' || g || '.' || gen_random_uuid()]::wazo_auth.acl) AS digest
  FROM generate_series(1, $groups) g)
INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
SELECT gen_random_uuid(), wazo_auth.top_tenant_uuid(), s.digest, now() - make_interval(secs => $age), 'wazo-auth'
FROM generate_series(1, $count) i JOIN sets s ON s.g = 1 + i % $groups
EOC
	return;
}

sub counts { return 'SELECT (SELECT count(*) FROM wazo_auth.session), (SELECT count(*) FROM wazo_auth.acl_set)' }

# where they run
until_is($node, 'postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth launcher'", '1',
	'the launcher runs');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
add_database($node, 'app');
workers('app', '1', 'CREATE EXTENSION brings a worker');
until_is($node, 'postgres', "SELECT application_name FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry'",
	'wazo_auth expiry', 'it names itself');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname IN ('plain', 'template1') AND backend_type ~ 'wazo_auth'"),
	'0', 'nobody stays in a database without the extension');
# a round holds some for its time
until_is($node, 'postgres', "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type ~ 'wazo_auth'",
	'0', 'and between rounds nobody holds a lock');

# expiry
add_sessions($node, 'app', 20, 1, 4);
add_sessions($node, 'app', 5, -3600, 1);
until_is($node, 'app', counts(), '5|1', 'expired sessions and the sets they leave behind are deleted');
until_is($node, 'postgres', "SELECT query FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry'",
	'wazo_auth: deleting authorizations that nobody finished', 'what it did last is shown');
until_is($node, 'app', "SELECT n_tup_del >= 20 FROM pg_stat_all_tables WHERE relid = 'wazo_auth.session'::regclass", 't',
	'autovacuum learns of it');

# batches: 12,000 sessions go in three transactions
$node->append_conf('postgresql.conf', 'wazo_auth.token_cleanup_interval = 0');
$node->reload;
until_is($node, 'app', "SELECT state FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry'", 'idle', 'the worker is idle');
$node->safe_psql('app', q{
	CREATE TABLE deleted (xid xid8, n bigint);
	CREATE FUNCTION note_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.deleted SELECT pg_current_xact_id(), count(*) FROM old_rows;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER DELETE ON wazo_auth.session REFERENCING OLD TABLE AS old_rows
	FOR EACH STATEMENT EXECUTE FUNCTION note_deleted()});
add_sessions($node, 'app', 12000, 10, 3);
$node->append_conf('postgresql.conf', 'wazo_auth.token_cleanup_interval = 1');
$node->reload;
until_is($node, 'app', counts(), '5|1', 'a reload turns the rounds on again');
is($node->safe_psql('app', 'SELECT count(*), count(DISTINCT xid), max(n) FROM deleted WHERE n > 0'), '3|3|5000',
	'12,000 sessions go in three transactions of at most 5,000');

# an error in a round
my $log_size = -s $node->logfile;
$node->safe_psql('app', 'ALTER TABLE deleted RENAME TO gone');
add_sessions($node, 'app', 10, 1, 1);
ok(until_true(sub { slurp_file($node->logfile, $log_size) =~ /ERROR:  relation "public.deleted" does not exist/ }),
	'an error in a round is logged');
my $pid = $node->safe_psql('postgres', sprintf($pid_of, 'app'));
ok(until_true(sub { () = slurp_file($node->logfile, $log_size) =~ /ERROR:  relation "public.deleted"/g; }) >= 1, 'it tries again');
$node->safe_psql('app', 'ALTER TABLE gone RENAME TO deleted');
until_is($node, 'app', counts(), '5|1', 'and works on once the cause is gone');
is($node->safe_psql('postgres', sprintf($pid_of, 'app')), $pid, 'in the same process');

# settings are checked
my ($rc, $out, $err) = $node->psql('postgres', 'ALTER SYSTEM SET wazo_auth.token_cleanup_batch_size = 0');
like($err, qr/0 is outside the valid range for parameter "wazo_auth.token_cleanup_batch_size" \(1 \.\. 100000\)/, 'a batch of 0 is refused');
($rc, $out, $err) = $node->psql('postgres', q{ALTER SYSTEM SET wazo_auth.token_cleanup_interval = '-1'});
like($err, qr/-1 s is outside the valid range/, 'a negative interval is refused');

# terminate
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
ok(until_true(sub {
	my $new = $node->safe_psql('postgres', sprintf($pid_of, 'app'));
	return $new ne '' && $new ne $pid;
}), 'a terminated worker comes back');
my $launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth launcher'";
my $launcher_pid = $node->safe_psql('postgres', $launcher);
$pid = $node->safe_psql('postgres', sprintf($pid_of, 'app'));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher_pid, 5000)");
ok(until_true(sub {
	my $new = $node->safe_psql('postgres', $launcher);
	return $new ne '' && $new ne $launcher_pid;
}), 'a terminated launcher comes back');
is($node->safe_psql('postgres', sprintf($pid_of, 'app')), $pid, 'and knows the worker that its predecessor started');

# DROP and CREATE EXTENSION. A worker at rest holds nothing that these would wait for.
until_is($node, 'app', "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE a.backend_type ~ '^wazo_auth' AND l.database = (SELECT oid FROM pg_database WHERE datname = 'app')", '0',
	'a worker at rest holds no lock');
is($node->psql('app', 'DROP EXTENSION wazo_auth CASCADE; DROP TABLE deleted'), 0, 'the worker does not keep the extension from being dropped');
workers('app', '0', 'and the worker leaves');
$node->safe_psql('app', 'CREATE EXTENSION wazo_auth; SELECT wazo_auth.bootstrap()');
workers('app', '1', 'CREATE EXTENSION brings it back');
$node->safe_psql('app', 'BEGIN; DROP EXTENSION wazo_auth; CREATE EXTENSION wazo_auth; SELECT wazo_auth.bootstrap(); COMMIT');
add_sessions($node, 'app', 10, 1, 1);
until_is($node, 'app', counts(), '0|0', 'an extension made anew is served');
$node->safe_psql('app', 'BEGIN; DROP EXTENSION wazo_auth; ROLLBACK');
workers('app', '1', 'a DROP EXTENSION rolled back changes nothing');

# databases: the server refuses these while a worker stays in them
is($node->psql('postgres', 'CREATE DATABASE copy TEMPLATE app'), 0, 'a database with a worker can be copied');
workers('copy', '1', 'the copy has a worker');
workers('app', '1', 'the original has one again');
is($node->psql('postgres', 'ALTER DATABASE copy RENAME TO renamed'), 0, 'it can be renamed');
workers('renamed', '1', 'and has a worker again');
is($node->psql('postgres', 'DROP DATABASE renamed'), 0, 'and dropped');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
workers('copy', '1', 'another copy');
$node->safe_psql('postgres', 'CREATE ROLE owner; ALTER DATABASE copy OWNER TO owner');
$node->safe_psql('postgres', 'SET ROLE owner; DROP DATABASE copy WITH (FORCE)');
pass('an owner who is no superuser drops it with FORCE');
($rc, $out, $err) = $node->psql('postgres', 'BEGIN; DROP DATABASE app; COMMIT');
like($err, qr/cannot run inside a transaction block/, 'a DROP DATABASE that cannot be');
$pid = $node->safe_psql('postgres', sprintf($pid_of, 'app'));
($rc, $out, $err) = $node->psql('postgres', 'SET ROLE owner; DROP DATABASE app');
like($err, qr/must be owner of database app/, 'or may not be');
is($node->safe_psql('postgres', sprintf($pid_of, 'app')), $pid, 'leaves the worker alone');
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS false');
workers('app', '0', 'a database that refuses connections loses its worker');
$node->safe_psql('postgres', 'ALTER DATABASE app ALLOW_CONNECTIONS true');
workers('app', '1', 'until it takes them again');

# kill -9: the postmaster restarts everything
$pid = $node->safe_psql('postgres', sprintf($pid_of, 'app'));
kill 'KILL', $pid;
ok(until_true(sub {
	my $new = '';
	$node->psql('postgres', sprintf($pid_of, 'app'), stdout => \$new);
	return $new ne '' && $new ne $pid;
}), 'after kill -9 there is a worker again');
add_sessions($node, 'app', 10, 1, 2);
until_is($node, 'app', counts(), '0|0', 'that works');

# stop
$log_size = -s $node->logfile;
ok($node->stop('fast', fail_ok => 1), 'a fast stop ends it');
unlike(slurp_file($node->logfile, $log_size), qr/FATAL:(?!.*terminating background worker).*wazo_auth|PANIC|WARNING/, 'and quiet');

# a standby
$node->start;
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
add_sessions($node, 'app', 1, -3600, 1);
$node->wait_for_catchup($standby);
is($standby->safe_psql('app', counts()), '1|1', 'the standby follows');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'wazo_auth'"), '0',
	'a standby has no workers');
$node->stop('fast');
$standby->promote;
until_is($standby, 'postgres', sprintf($workers_of, 'app'), '1', 'once promoted it has');
add_sessions($standby, 'app', 10, 1, 2);
until_is($standby, 'app', counts(), '1|1', 'that work');
$standby->stop('fast');

# few background workers
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$log_size = -s $node->logfile;
$node->start;
$node->safe_psql('postgres', 'SELECT 1');
ok(until_true(sub { slurp_file($node->logfile, $log_size) =~ /no free background worker.*max_worker_processes/s }),
	'too few background workers: it says so');
$node->stop('fast');

# without the library in shared_preload_libraries
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
add_sessions($node, 'app', 30, 1, 3);
is($node->safe_psql('app', 'SELECT sessions_deleted, acl_sets_deleted FROM wazo_auth.tick(20)'), '20|0', 'tick() does one bounded round');
is($node->safe_psql('app', 'SELECT sessions_deleted, acl_sets_deleted FROM wazo_auth.tick()'), '10|3', 'and the next one');
is($node->safe_psql('app', counts()), '1|1', 'leaving what lives');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'wazo_auth'"), '0', 'without a worker');
($rc, $out, $err) = $node->psql('app', 'SELECT wazo_auth.tick(0)');
like($err, qr/batch must be from 1 to 100000/, 'a batch of 0 is refused');
is($node->safe_psql('app', 'SET ROLE wazo_auth_admin; SELECT sessions_deleted, acl_sets_deleted FROM wazo_auth.tick()'), '0|0', 'the role of administrators may call it');
($rc, $out, $err) = $node->psql('app', 'SET ROLE wazo_auth_front; SELECT wazo_auth.tick()');
like($err, qr/permission denied/, 'the role of the front may not');
$node->safe_psql('app', 'DROP EXTENSION wazo_auth');
$node->safe_psql('postgres', 'DROP DATABASE app');
$node->stop('fast');

done_testing();
