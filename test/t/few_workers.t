# More databases than max_worker_processes has room for: which ones have
# workers does not change by chance, parallel queries go on, and everybody is
# told what to set.
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

my $node = new_node('few', "max_worker_processes = 8\nfsync = off");
$node->start;
my @databases = map { "d$_" } 1 .. 5;
add_database($node, $_) foreach @databases;

my $pairs = q{SELECT string_agg(datname || ' ' || n, ', ' ORDER BY datname) FROM (SELECT datname, count(*) AS n
	FROM pg_stat_activity WHERE backend_type IN ('wazo_auth expiry', 'wazo_auth relay') GROUP BY datname) x};

# How many processes a parallel query gets.
sub parallel
{
	my ($plan) = $node->safe_psql('postgres', q{
		SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		SET min_parallel_table_scan_size = 0;
		EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM pg_attribute}) =~ /Workers Launched: (\d+)/;
	return $plan // 0;
}

# The last database is known once the number of all is in the log.
ok(until_true(sub { slurp_file($node->logfile) =~ /too few background workers for the 5 databases with wazo_auth/ }),
	'the log says that there are too few');
like(slurp_file($node->logfile), qr/HINT:  Set max_worker_processes to at least 14 and restart/, 'and what to set');
until_is($node, 'postgres', $pairs, 'd1 2, d2 2', 'the first databases have both workers, the others none');
# a probe may have one just now
ok(until_true(sub { parallel() == 2 }), 'a parallel query has its processes');
is($node->safe_psql('d5', "SELECT string_agg(DISTINCT state || ': ' || reason, '') FROM wazo_auth.worker_status"),
	'stopped: there are too few background workers: set max_worker_processes to at least 14 and restart PostgreSQL',
	'worker_status of one without says what to set');
like($node->safe_psql('d5', 'SELECT wazo_auth.health()'), qr/"status" : "degraded".*max_worker_processes to at least 14/s, 'so does health()');
is($node->safe_psql('d1', "SELECT wazo_auth.health(false) ->> 'status'"), 'ok', 'the others are well');

# one that loses its workers for a moment gets them back, not another one
$node->safe_psql('postgres', 'CREATE DATABASE d6 TEMPLATE d1');
ok(until_true(sub { slurp_file($node->logfile) =~ /for the 6 databases/ }), 'a sixth database is seen');
until_is($node, 'postgres', $pairs, 'd1 2, d2 2', 'the same databases have workers');

$node->safe_psql('postgres', 'DROP DATABASE d6');
$node->append_conf('postgresql.conf', 'max_worker_processes = 14');
$node->restart;
until_is($node, 'postgres', $pairs, join(', ', map { "$_ 2" } @databases), 'with as many as it said, all have workers');
ok(until_true(sub { parallel() == 2 }), 'and a parallel query has its processes');
is($node->safe_psql('d5', "SELECT wazo_auth.health(false) ->> 'status'"), 'ok', 'all is well');
$node->stop('fast');
done_testing();
