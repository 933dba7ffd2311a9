# Who commits an event wakes the relay, but only the first one after its last
# look: no event may be left lying by that until the next regular look, which
# is an hour away here.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use WazoRabbit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('wake', <<'EOC');
fsync = off
wazo_auth.relay_interval = 3600
wazo_auth.token_cleanup_interval = 0
EOC
$node->start;
add_database($node, 'app');
until_is($node, 'app', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'), 1, 'the relay runs');
$node->safe_psql('app', <<'EOC');
CREATE FUNCTION change(i integer) RETURNS void LANGUAGE sql AS $$
  SELECT wazo_auth.emit_external_auth('added', u.uuid, 'name' || i) FROM wazo_auth.user u LIMIT 1
$$;
SELECT count(wazo_auth.bootstrap('somebody', 'secret'));
EOC
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', 0, 'what there is goes out');

# A commit wakes the relay; another one follows at any moment of its look, or of
# its pause after that.
$node->safe_psql('app', <<'EOC');
CREATE PROCEDURE probe(rounds integer, longest float) LANGUAGE plpgsql AS $$
DECLARE
  v_end timestamptz;
BEGIN
  FOR i IN 1 .. rounds LOOP
    PERFORM change(2 * i);
    COMMIT;
    PERFORM pg_sleep(random() * longest);
    PERFORM change(2 * i + 1);
    COMMIT;
    v_end := clock_timestamp() + '5 min';
    WHILE EXISTS (SELECT FROM wazo_auth.event_outbox) LOOP
      IF clock_timestamp() > v_end THEN
        RAISE EXCEPTION 'an event waits, in round %', i;
      END IF;
      PERFORM pg_sleep(0.002);
      COMMIT;
    END LOOP;
  END LOOP;
END
$$;
EOC
$node->command_ok([ 'psql', '-X', '-d', $node->connstr('app'), '-v', 'ON_ERROR_STOP=1', '-c', "CALL probe($_->[0], $_->[1])" ],
	"no event waits for the regular look: pauses of up to $_->[1] s") for [ 300, 0.003 ], [ 200, 0.03 ];
is($node->safe_psql('app', q(SELECT count(*) FROM wazo_auth.event_stream WHERE name = 'auth_user_external_auth_added')), 1000, 'all went out');

# What the relay waits for itself, a lock here, takes its latch; the wake-up
# that came meanwhile still counts, and so do later ones.
my $blocker = $node->background_psql('app');
$blocker->query_safe('BEGIN; LOCK TABLE wazo_auth.event_log IN EXCLUSIVE MODE');
$node->safe_psql('app', 'SELECT change(50001)');
until_is($node, 'app', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND wait_event_type = 'Lock'), 1, 'the relay waits for a lock');
$node->safe_psql('app', 'SELECT change(50002)');
# it looks for a deadlock after a second, and that wakes it, too
select(undef, undef, undef, 1.5);
$node->safe_psql('app', 'SELECT change(50003)');
$blocker->query_safe('COMMIT');
$blocker->quit;
for my $i (1 .. 5)
{
	until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', 0, 'what was committed meanwhile goes out, and what comes later');
	$node->safe_psql('app', 'SELECT change(50100 + ' . $i . ')');
	select(undef, undef, undef, 0.1);
}

# Nor does it miss any while it waits for a broker.
my $rabbit = WazoRabbit->new;
$rabbit->start;
$node->safe_psql('app', "SELECT wazo_auth.configure(jsonb_build_object('amqp.uri', '" . $rabbit->uri . "'))");
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', 0, 'a broker gets what there is');
$node->command_ok([ 'psql', '-X', '-d', $node->connstr('app'), '-v', 'ON_ERROR_STOP=1', '-c', 'CALL probe(200, 0.004)' ], 'no event waits with a broker');

# Turned off and on again, it finds what was committed meanwhile.
sub interval
{
	$node->safe_psql('app', "ALTER SYSTEM SET wazo_auth.relay_interval = $_[0]");
	$node->reload;
	return;
}
interval(0);
until_is($node, 'app', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND wait_event = 'Extension'), 1, 'the relay rests');
$node->safe_psql('app', 'SELECT change(100)');
select(undef, undef, undef, 0.3);
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.event_outbox'), 1, 'turned off, it leaves events where they are');
interval(3600);
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', 0, '... and sends them when it is turned on');
$node->safe_psql('app', 'SELECT change(101)');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', 0, '... and new ones, too');
$node->stop;
done_testing();
