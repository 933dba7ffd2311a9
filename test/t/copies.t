# Copies of a live database: they send and delete nothing until they are told
# to; settings of one database; standbys; the recipe for logical replication in
# docs/replication.md.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX ();
use WazoNode;
use WazoSmtp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('copies', <<'EOC');
wazo_auth.token_cleanup_interval = 1
wazo_auth.relay_interval = 1
wazo_auth.relay_retry_pause = 100ms
wal_level = logical
fsync = off
EOC
$node->start;
add_database($node, 'app');
my $smtp = WazoSmtp->new($node->basedir . '/smtp');

sub states_are
{
	my ($on, $database, $want, $what) = @_;
	return until_is($on, $database, "SELECT string_agg(DISTINCT state, ',' ORDER BY state) FROM wazo_auth.worker_status", $want, $what);
}

# Waits until a worker of a database has had some turns.
sub let_turn
{
	my ($on, $database, $worker) = @_;
	my %seen;
	return ok(until_true(sub {
		my $start = $on->safe_psql('postgres', "SELECT query_start FROM pg_stat_activity WHERE datname = '$database' AND backend_type = 'wazo_auth $worker'");
		$seen{$start} = 1 if $start ne '';
		return keys %seen >= 4;
	}), "$worker of $database has turns");
}

# a mail that waits for its server, an event, an expired session
$node->safe_psql('app', <<"EOC");
SELECT wazo_auth.configure('{"smtp.hostname": "127.0.0.1", "smtp.port": $smtp->{port}, "amqp.uri": "amqp://guest:guest\@127.0.0.1:1/"}');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', 'jane\@example.org', authentication_method => 'native');
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'jane', 'localhost');
SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}');
EOC
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.mail_outbox WHERE recipient IS NOT NULL', '1', 'a mail is written and waits for the mail server');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
$node->safe_psql($_, "INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
	SELECT gen_random_uuid(), wazo_auth.top_tenant_uuid(), wazo_auth.store_acl('{a}'), now(), 'wazo-auth'") foreach qw(app copy);
until_is($node, 'app', "SELECT count(*) FROM wazo_auth.session WHERE auth_id IS NOT NULL AND expires_at <= now()", '0', 'the original deletes what has expired');
$smtp->start;
ok(until_true(sub { $smtp->mails >= 1 }), 'the original sends its mail');
let_turn($node, 'copy', $_) foreach qw(expiry relay);
is(scalar(my @sent = $smtp->mails), 1, 'the copy sends nothing');
is($node->safe_psql('copy', 'SELECT count(*), (SELECT count(*) FROM wazo_auth.session WHERE expires_at <= now()) FROM wazo_auth.mail_outbox'), '1|1', 'and deletes nothing');
is($node->safe_psql('copy', "SELECT string_agg(DISTINCT state, ',') FROM wazo_auth.worker_status"), 'held', 'its workers are held');
ok(!grep({ /broker/ && /copy/ } split /\n/, slurp_file($node->logfile)), 'it does not talk to the broker either');
is($node->safe_psql('copy', 'SELECT wazo_auth.go_live()'), 't', 'when the copy is said to be live');
ok(until_true(sub { $smtp->mails >= 2 }), 'it sends its mail');

# a front that finds its database says that it is live, one that comes back to it does not
sub restore_name
{
	# once the front has complained
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	$SIG{ALRM} = 'DEFAULT';
	alarm 120;
	select undef, undef, undef, 0.05 until grep { slurp_file($_) =~ /cannot connect to the database/ } glob($node->basedir . '/front.*.log');
	$node->safe_psql('postgres', 'ALTER DATABASE away RENAME TO copy');
	POSIX::_exit(0);
}
$node->safe_psql('copy', 'SELECT wazo_auth.hold()');
$node->safe_psql('postgres', 'ALTER DATABASE copy RENAME TO away');
my $renamer = restore_name();
my $front = start_front($node, 'copy', '--workers', 1);
waitpid($renamer, 0);
states_are($node, 'copy', 'held', 'a front that had to wait for its database leaves it held');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'copy' AND usename = 'front'});
ok(until_true(sub { call($front, 'HEAD', '/0.1/status')->{status} == 200 }), 'it connects again');
is($node->safe_psql('copy', 'SELECT count(*) FROM wazo_auth.live_database'), '0', 'and leaves it so again');
stop_front($front);
$front = start_front($node, 'copy', '--workers', 1);
# whether its events fail by then, for want of a broker, is another matter
until_is($node, 'copy', "SELECT count(*) FROM wazo_auth.worker_status WHERE state IN ('running', 'failing')", '3',
	'one that starts and finds it says that it is the live one');
stop_front($front);

# renamed: another database may take its place
$node->safe_psql('postgres', 'ALTER DATABASE copy RENAME TO old');
states_are($node, 'old', 'held', 'a renamed database is held');
$node->safe_psql('postgres', 'DROP DATABASE old');

# settings of one database
$node->safe_psql('postgres', "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('other', 'CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap()');
states_are($node, 'other', 'running', 'two live databases');
my $pid = $node->safe_psql('app', "SELECT pid FROM wazo_auth.worker_status WHERE queue = 'events'");
$node->safe_psql('postgres', 'ALTER DATABASE other SET wazo_auth.relay_interval = 0; ALTER DATABASE other SET wazo_auth.token_cleanup_interval = 0');
states_are($node, 'other', 'off', 'intervals of one database are set to 0');
let_turn($node, 'app', 'expiry');
$node->safe_psql('other', "SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}')");
$node->reload;
let_turn($node, 'app', 'relay');
is($node->safe_psql('other', "SELECT count(*) > 0 FROM wazo_auth.event_outbox WHERE name = 'test'"), 't', 'its worker knows');
is($node->safe_psql('app', "SELECT pid FROM wazo_auth.worker_status WHERE queue = 'events'"), $pid, 'the others\' workers were left alone');
$node->safe_psql('postgres', 'BEGIN; ALTER DATABASE other RESET ALL; ROLLBACK');
$node->safe_psql('postgres', 'ALTER DATABASE other RESET ALL');
until_is($node, 'other', 'SELECT count(*) FROM wazo_auth.event_outbox', '0', 'reset, it works again');

# a standby
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
my ($rc, $out, $err) = $standby->psql('app', 'SELECT * FROM wazo_auth.tick()');
is("$rc $out $err", '0 0|0|0|0|0|0|0 ', 'tick() on a standby does nothing, and raises nothing');
is($standby->safe_psql('app', 'SELECT wazo_auth.go_live()'), 'f', 'nor does go_live()');
$standby->promote;
states_are($standby, 'other', 'running', 'promoted, it is the live one');
$standby->stop('fast');

# logical replication, as documented
sub recipe
{
	my ($name) = @_;
	slurp_file("$FindBin::RealBin/../../docs/replication.md") =~ /^```sql \Q$name\E\n(.*?)^```/ms or die "no recipe $name";
	return $1;
}
my $subscriber = new_node('subscriber', "wazo_auth.token_cleanup_interval = 1\nwazo_auth.relay_interval = 1\nfsync = off");
$subscriber->start;
$subscriber->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('app', q(SELECT wazo_auth.configure('{"amqp.uri": null}')));
$node->safe_psql('app', recipe('publisher'));
my $subscribe = recipe('subscriber');
ok($subscribe =~ s/CONNECTION '.*?'/"CONNECTION '" . $node->connstr('app') =~ s{'}{''}gr . "'"/e, 'the recipe names a publisher');
$subscriber->safe_psql('app', $subscribe);
$node->wait_for_catchup('wazo_auth');
until_is($subscriber, 'app', "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'", '0', 'all tables are there');
my $token = $node->safe_psql('app', "SELECT (wazo_auth.token_create('jane', 'secret')).token");
$node->wait_for_catchup('wazo_auth');
is($subscriber->safe_psql('app', "SELECT wazo_auth.token_check('$token')"), 'valid', 'a token of the publisher is valid on the subscriber');
is($subscriber->safe_psql('app', 'SELECT wazo_auth.go_live()'), 't', 'even if somebody says that the subscriber is live');
states_are($subscriber, 'app', 'held', 'its workers are held');
like($subscriber->safe_psql('app', 'SELECT DISTINCT reason FROM wazo_auth.worker_status'), qr/a subscription replicates/, 'for the subscription');
$node->safe_psql('postgres', 'ALTER DATABASE app SET wazo_auth.token_cleanup_interval = 0');
states_are($node, 'app', 'off,running', 'the publisher lets sessions lie');
$node->safe_psql('app', "UPDATE wazo_auth.session SET expires_at = now()");
$node->wait_for_catchup('wazo_auth');
let_turn($subscriber, 'app', 'expiry');
is($subscriber->safe_psql('app', 'SELECT count(*) > 0 FROM wazo_auth.session WHERE expires_at <= now()'), 't', 'then the subscriber does, too');
$node->safe_psql('postgres', 'ALTER DATABASE app RESET ALL');
until_is($subscriber, 'app', 'SELECT count(*) FROM wazo_auth.session', '0', 'and what the publisher deletes goes');
my $events = $node->safe_psql('app', 'SELECT max(id) FROM wazo_auth.event_log');
$node->wait_for_catchup('wazo_auth');
$node->stop('fast');
$subscriber->safe_psql('app', recipe('takeover'));
states_are($subscriber, 'app', 'running', 'taken over, its workers work');
$token = $subscriber->safe_psql('app', "SELECT (wazo_auth.token_create('jane', 'secret')).token");
is($subscriber->safe_psql('app', "SELECT wazo_auth.token_check('$token')"), 'valid', 'and logins do');
until_is($subscriber, 'app', "SELECT count(*) FROM wazo_auth.event_log WHERE id > $events AND name = 'auth_session_created'", '1', 'with an event of its own');
$subscriber->stop('fast');
done_testing();
