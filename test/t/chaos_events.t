# Processes are killed at random under a load of logins, logouts, changes of
# passwords and new tenants, while a consumer reads the events at a broker.
# Afterwards what was committed is compared with what arrived, by message id:
# nothing lost, nothing invented, the order of each object kept. An event may
# arrive twice.
#
# What was committed is known from three sides: the answers that clients got,
# a trigger that copies each event in the transaction of its change, and the
# rows that are there in the end.
#
# CHAOS_KILLS (20): how many; CHAOS_SEED: for the same accidents again, at other
# moments; CHAOS_SECONDS: no more accidents after this time. SIGINT: likewise.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use List::Util qw(shuffle);
use POSIX ();
use Time::HiRes qw(sleep time);
use WazoChaos;
use WazoNode;
use WazoRabbit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Ctrl-C goes to all processes of the terminal, and would end what is started
# from here. It is held back in all of them but one, which notes it.
my $stop = PostgreSQL::Test::Utils::tempdir() . '/stop';
my $watcher = fork() // die "fork: $!";
if ($watcher == 0)
{
	my $parent = getppid;
	local $SIG{TERM} = 'DEFAULT';
	local $SIG{INT} = sub { open(my $file, '>', $stop); POSIX::_exit(0) };
	sleep 1 while getppid == $parent;
	POSIX::_exit(0);
}
POSIX::sigprocmask(POSIX::SIG_BLOCK, POSIX::SigSet->new(POSIX::SIGINT)) or die "sigprocmask: $!";

my $kills = $ENV{CHAOS_KILLS} || 20;
my $seed = $ENV{CHAOS_SEED} || int rand 1e9;
my $clients = 4;
diag("CHAOS_SEED=$seed CHAOS_KILLS=$kills");
srand $seed;

my $rabbit = WazoRabbit->new;
$rabbit->launch;
my $node = new_node('chaos_events', <<'EOC');
wazo_auth.relay_interval = 1
wazo_auth.relay_retry_pause = 100ms
wazo_auth.token_cleanup_interval = 1
log_min_messages = log
EOC
$node->start;
add_database($node, 'app');

sub sql { return scalar $node->safe_psql('app', $_[0]) }

sql(<<'EOS');
CREATE SCHEMA chaos;
CREATE TABLE chaos.committed (message_id text PRIMARY KEY, id bigint, name text, object_uuid uuid, uuid uuid, data jsonb,
  xid xid8 DEFAULT pg_current_xact_id(), snapshot pg_snapshot DEFAULT pg_current_snapshot());
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO chaos.committed (message_id, id, name, object_uuid, uuid, data)
  VALUES (wazo_auth.event_message_id(NEW.id, NEW.created_at), NEW.id, NEW.name, NEW.object_uuid, (NEW.data ->> 'uuid')::uuid, NEW.data)
  ON CONFLICT DO NOTHING;  -- an event from before there was a broker comes again
  RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER INSERT ON wazo_auth.event_outbox FOR EACH ROW EXECUTE FUNCTION chaos.note();
SELECT wazo_auth.bootstrap('admin', 'a password');
EOS
my $user_of = sub {
	return sql("SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'user$_[0]', 'secret', authentication_method => 'native')");
};
my @users = map { $user_of->($_) } 1 .. $clients;
my $token = sql("SELECT token FROM wazo_auth.token_create('admin', 'a password', 86400)");
ok(until_true(sub { $rabbit->serves }, 240), 'the broker serves') or die $rabbit->output;

my $dir = abs_path($node->basedir);
my $front = start_front($node, 'app', '--workers', 2);
my $chaos = WazoChaos->new(node => $node, front => $front, rabbit => $rabbit, dir => $dir, seed => $seed);
$chaos->start_consumer;
# events that are older than the broker are sent, too
sql("SELECT wazo_auth.configure('{\"amqp.uri\": \"@{[$rabbit->uri]}\", \"event_retention\": 864000, \"max_user_concurrent_sessions\": 1000000}')");
$chaos->start_client($_, uuid => $users[ $_ - 1 ], name => "user$_", password => 'secret', admin_token => $token) for 1 .. $clients;

# Some load between two accidents, for a random time at least.
sub load
{
	my ($least) = @_;
	my $before = $chaos->acknowledged;
	sleep rand 1.2;
	until_true(sub { $chaos->acknowledged >= $before + $least }, 60) or die 'nobody is served any more';
	return;
}

my $start = time;
my $end = $start + ($ENV{CHAOS_SECONDS} || 1e6);
my (%done, $done);
load(20);
# each kind at least once
my @next = shuffle($chaos->kinds);
for ($done = 0; $done < $kills && !-e $stop && time < $end; $done++)
{
	my $kind = $chaos->accident(shift @next // $chaos->random_kind);
	$done{$kind}++;
	load(20);
	diag(sprintf('%4d kills, %d changes acknowledged, %.0f s', $done + 1, $chaos->acknowledged, time - $start))
		if ($done + 1) % 10 == 0;
}
kill 'TERM', $watcher;
my $acknowledged = $chaos->acknowledged;
diag("$done kills: ", join(', ', map { "$_ $done{$_}" } sort keys %done));
cmp_ok(scalar keys %done, '>=', $done >= 20 ? 5 : 1, 'accidents of many kinds');
cmp_ok($acknowledged, '>=', 5 * $done, 'under load');

# everything drains
$chaos->stop_clients;
ok(until_true(sub { $rabbit->serves }, 240), 'the broker serves') or die $rabbit->output;
until_true(sub { $node->psql('app', 'SELECT 1') == 0 }, 60);

# What is there when this event is sent, which is the last that counts. The
# lock keeps the expiry worker from changing that meanwhile.
my $last = sql(<<'EOS');
BEGIN;
LOCK TABLE wazo_auth.session IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE chaos.session AS SELECT uuid FROM wazo_auth.session WHERE user_uuid IS NOT NULL;
CREATE TABLE chaos.tenant AS SELECT uuid FROM wazo_auth.tenant WHERE name LIKE 'chaos %';
SELECT FROM wazo_auth.emit_event('last', gen_random_uuid(), 'last', '{}') \g /dev/null
SELECT message_id FROM chaos.committed WHERE name = 'last';
COMMIT;
EOS
my $events = "$dir/events";
my $drain = time;
ok(until_true(sub { -s $events && slurp_file($events, (-s $events) > 100000 ? (-s $events) - 100000 : 0) =~ /\t$last\t/ }, 180), 'the last event arrives');
until_is($node, 'app', "SELECT count(*) FROM wazo_auth.event_outbox WHERE id <= (SELECT id FROM chaos.committed WHERE name = 'last')",
	'0', 'the outbox is empty', 60);
diag(sprintf('drained in %.1f s', time - $drain));
$chaos->stop_consumer;

sql("CREATE TABLE chaos.received (n bigint, message_id text, redelivered integer, routing_key text, body json);
	CREATE TABLE chaos.answer (client integer, n bigint, action text, status integer, uuid uuid);
	CREATE TABLE chaos.line (n bigint, action text, status integer, uuid text)");
# tabs and backslashes: JSON has no raw tab, and a quote character that never comes keeps backslashes
sql("COPY chaos.received FROM '$events' (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\b')");
for my $i (1 .. $clients)
{
	sql("COPY chaos.line FROM '$dir/answers.$i' (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\b', FORCE_NOT_NULL (uuid));
		INSERT INTO chaos.answer SELECT $i, n, action, status, NULLIF(uuid, '')::uuid FROM chaos.line; TRUNCATE chaos.line");
}
sql(<<'EOS');
CREATE VIEW chaos.counted AS SELECT * FROM chaos.committed WHERE id <= (SELECT id FROM chaos.committed WHERE name = 'last');
CREATE TABLE chaos.first AS SELECT c.*, r.n, r.body FROM chaos.committed c
  JOIN (SELECT DISTINCT ON (message_id) * FROM chaos.received ORDER BY message_id, n) r USING (message_id);
CREATE INDEX ON chaos.first (name, uuid);
CREATE INDEX ON chaos.first (object_uuid, n);
ANALYZE;
EOS
sub none { my ($query, $what) = @_; return is(sql("SELECT count(*) FROM ($query) q"), '0', $what) }

diag('statuses: ', sql("SELECT string_agg(action || ' ' || status || ': ' || c, ', ' ORDER BY 1) FROM (SELECT action, status, count(*) AS c FROM chaos.answer GROUP BY 1, 2 ORDER BY 1, 2) q"));
diag('committed, received, distinct, duplicates, of them by the broker, acknowledged, lost, invented: ', sql(<<'EOS'));
SELECT (SELECT count(*) FROM chaos.counted), count(*), count(DISTINCT message_id), count(*) - count(DISTINCT message_id),
  count(*) FILTER (WHERE redelivered = 1), (SELECT count(*) FROM chaos.answer WHERE status < 300),
  (SELECT count(*) FROM chaos.counted c WHERE NOT EXISTS (SELECT FROM chaos.received r WHERE r.message_id = c.message_id)),
  (SELECT count(*) FROM chaos.received r WHERE NOT EXISTS (SELECT FROM chaos.committed c WHERE c.message_id = r.message_id))
FROM chaos.received
EOS

none('SELECT message_id FROM chaos.counted EXCEPT SELECT message_id FROM chaos.received', 'no committed event is lost');
none('SELECT message_id FROM chaos.received EXCEPT SELECT message_id FROM chaos.committed', 'none is invented');
none('SELECT FROM chaos.received r JOIN chaos.committed c USING (message_id)
	WHERE r.body ->> \'name\' <> c.name OR (r.body -> \'data\')::jsonb <> c.data', 'each says what was committed');
none('(SELECT message_id FROM chaos.counted EXCEPT SELECT message_id FROM wazo_auth.event_stream)
	UNION (SELECT message_id FROM wazo_auth.event_stream EXCEPT SELECT message_id FROM chaos.committed)', 'the stream in the database has the same');
none('SELECT FROM wazo_auth.event_log WHERE NOT published', 'all of it is noted as published');
is(sql('SELECT count(*) FROM wazo_auth.parked_event'), '0', 'nothing is parked');

# What an event's transaction could see of its object's came before it. Of two
# transactions at the same time, either may be first.
none('SELECT FROM (SELECT f.*, max(id) OVER (PARTITION BY object_uuid ORDER BY n) AS highest FROM chaos.first f) late
	JOIN chaos.first early ON early.object_uuid = late.object_uuid AND early.n < late.n AND early.id > late.id
	WHERE late.id < late.highest AND pg_visible_in_snapshot(late.xid, early.snapshot)', 'the order of each object is kept');
none("SELECT FROM chaos.first d JOIN chaos.first c ON c.name = 'auth_session_created' AND c.uuid = d.uuid
	WHERE d.name IN ('auth_session_deleted', 'auth_session_expire_soon') AND d.n < c.n", 'no session ends before it begins');

sub acknowledged_without
{
	my ($action, $status, $name, $what) = @_;
	cmp_ok(sql("SELECT count(*) FROM chaos.answer WHERE action = '$action' AND status = $status"), '>', 0, "$what: there were some");
	return none("SELECT FROM chaos.answer a WHERE a.action = '$action' AND a.status = $status
		AND NOT EXISTS (SELECT FROM chaos.first f WHERE f.name = '$name' AND f.uuid = a.uuid)", "$what: each has its event");
}
acknowledged_without('login', 200, 'auth_session_created', 'acknowledged logins');
acknowledged_without('logout', 200, 'auth_session_deleted', 'acknowledged logouts');
acknowledged_without('tenant', 200, 'auth_tenant_added', 'acknowledged tenants');
none("SELECT FROM chaos.answer l JOIN chaos.answer p USING (client)
	WHERE l.action = 'login' AND l.status = 200 AND p.action = 'password' AND p.status = 204 AND l.n < p.n
	  AND NOT EXISTS (SELECT FROM chaos.first f WHERE f.name = 'auth_session_deleted' AND f.uuid = l.uuid)",
	'acknowledged changes of passwords: all earlier sessions have their end');
is(sql("SELECT string_agg(DISTINCT action || ' ' || status, ', ') FROM chaos.answer
	WHERE status NOT IN (200, 204, 503, 599) AND (action, status) NOT IN (('login', 401), ('password', 401))"), '', 'no other answers');

# the rows
none("SELECT FROM (SELECT c.uuid FROM chaos.first c WHERE c.name = 'auth_session_created'
	    AND c.uuid NOT IN (SELECT d.uuid FROM chaos.first d JOIN chaos.counted USING (message_id) WHERE d.name = 'auth_session_deleted' AND d.uuid IS NOT NULL)) told
	FULL JOIN chaos.session s USING (uuid) WHERE told.uuid IS NULL OR s.uuid IS NULL", 'the sessions that are there are those that were told of');
none("SELECT FROM (SELECT uuid FROM chaos.first WHERE name = 'auth_tenant_added' AND data ->> 'name' LIKE 'chaos %') told
	FULL JOIN chaos.tenant t USING (uuid) WHERE told.uuid IS NULL OR t.uuid IS NULL", 'so are the tenants');

stop_front($front);
$node->stop('fast');
done_testing();
