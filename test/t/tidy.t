# Tables whose rows come and go are vacuumed without autovacuum, which looks
# once a minute only: see src/workers/tidy.c.
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

my $node = new_node('tidy', "fsync = off\nautovacuum = off\nwazo_auth.relay_interval = 0");
$node->start;
add_database($node, 'app');
sub sql { return scalar $node->safe_psql('app', $_[0]) }
sub vacuumed { return "SELECT vacuum_count FROM pg_stat_all_tables WHERE relid = 'wazo_auth.$_[0]'::regclass" }

sub wear
{
	my ($rows) = @_;
	sql("INSERT INTO wazo_auth.event_outbox (object_uuid, name, routing_key, data) SELECT gen_random_uuid(), 'n', 'r', '{}' FROM generate_series(1, $rows);
		DELETE FROM wazo_auth.event_outbox WHERE name = 'n'");
	return;
}
wear(2000);
my $size = sql("SELECT pg_relation_size('wazo_auth.event_outbox')");
select(undef, undef, undef, 12);
is(sql(vacuumed('event_outbox')), '0', 'a few dead rows are left to autovacuum');
wear(4000);
until_is($node, 'app', vacuumed('event_outbox'), '1', 'more of them are not');
is(sql(vacuumed('session')), '0', 'nor is a table vacuumed that has none');
my $worn = sql("SELECT pg_relation_size('wazo_auth.event_outbox')");
wear(4000);
is(sql("SELECT pg_relation_size('wazo_auth.event_outbox')"), $worn, 'their space is used again');

# An old snapshot keeps them: then it is tried once, and not all the time.
my $old = $node->background_psql('app');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM wazo_auth.tenant LIMIT 1');
wear(6000);
until_is($node, 'app', vacuumed('event_outbox'), '2', 'it is tried with an old snapshot');
wear(6000);
select(undef, undef, undef, 5);
is(sql(vacuumed('event_outbox')), '2', '... and not again at once');
$old->query_safe('COMMIT');
$old->quit;
until_is($node, 'app', vacuumed('event_outbox'), '3', '... but when it is gone');
is(sql("SELECT n_dead_tup FROM pg_stat_all_tables WHERE relid = 'wazo_auth.event_outbox'::regclass"), '0', '... with success');
$node->stop('fast');
unlike(slurp_file($node->logfile), qr/(?:ERROR|FATAL|PANIC|WARNING):(?!.*terminating (?:connection|background worker))/, 'nothing is logged as an error');
done_testing();
