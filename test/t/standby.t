# A standby that answers token checks: what it does not know of yet, what a
# client can ask of it, what it does while the primary is away and when it is
# promoted (docs/scaling.md). STANDBY_RACES: how often a session is ended and
# then looked at, default 200.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use HTTP::Tiny;
use IPC::Run;
use POSIX ();
use Time::HiRes qw(sleep);
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $races = $ENV{STANDBY_RACES} || 200;
my $primary = new_node('primary', 'wal_receiver_status_interval = 1');
$primary->start;
add_database($primary, 'app');
$primary->safe_psql('app', q{SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', authentication_method => 'native')});
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;

# each connection string names both servers, as an operator would
sub both
{
	my ($first, $second, $attributes) = @_;
	return sprintf q(host='%s,%s' port='%s,%s' target_session_attrs=%s dbname=app user=front),
		$first->host, $second->host, $first->port, $second->port, $attributes;
}
$primary->safe_psql('postgres', 'CREATE ROLE front LOGIN IN ROLE wazo_auth_front');
$primary->wait_for_catchup('standby');
my $front = start_front($primary, 'app', '--workers', 1, '--database', both($primary, $standby, 'read-write'),
	'--read-database', both($standby, $primary, 'prefer-standby'));

sub login
{
	my $answer = call($front, 'POST', '/0.1/token', login => 'jane:secret', body => '{"expiration": 3600}');
	die "no token: $answer->{status} $answer->{content}" if $answer->{status} != 200;
	my ($token) = $answer->{content} =~ /"token": "([0-9a-f-]{36})"/;
	return ($token, $answer->{headers}{'wazo-auth-transaction'});
}
sub head
{
	my ($token, $transaction) = @_;
	return call($front, 'HEAD', "/0.1/token/$token", headers => { defined $transaction ? ('Wazo-Auth-Transaction' => $transaction) : () })->{status};
}
sub replay
{
	my ($what) = @_;
	$standby->safe_psql('postgres', "SELECT pg_wal_replay_$what()");
	return;
}

# ---- a standby that is behind ----
my ($token, $transaction) = login();
like($transaction, qr/^[0-9]+$/, 'who has written is told the transaction');
$primary->wait_for_catchup('standby');
is(head($token), 204, 'the standby knows the token');
is(head($token, $transaction), 204, '... and of the transaction');
is(call($front, 'GET', '/0.1/status')->{headers}{'wazo-auth-transaction'}, undef, 'who has not is told none');
replay('pause');
my ($late, $later) = login();
is(head($late), 404, 'behind, it does not know a new token');
is(head($late, $later), 204, '... but whoever names the transaction is answered by the primary');
like(call($front, 'GET', "/0.1/token/$late", headers => { 'wazo-auth-transaction' => $later })->{content}, qr/$late/, '... also to GET');
my $ended = call($front, 'DELETE', "/0.1/token/$token")->{headers}{'wazo-auth-transaction'};
is(head($token), 204, 'behind, it does not know that a session has ended');
is(head($token, $ended), 404, '... but whoever names the transaction is answered by the primary');
is(head($late, $_), 204, "what is no transaction ($_) is asked of the primary, too") foreach '', 'x', '-1', '9' x 19, '9' x 40;
is(head($token, 3), 204, 'an old one has been seen');
is($standby->safe_psql('app', "SELECT status FROM wazo_auth.http('HEAD', '/0.1/token/$token', ARRAY['Wazo-Auth-Transaction', '$ended'])"), '421', 'the standby itself says that it is behind');
is($primary->safe_psql('app', "SELECT status FROM wazo_auth.http('HEAD', '/0.1/token/$late', ARRAY['Wazo-Auth-Transaction', '9000000000000000000'])"), '204', 'the primary never is');
is($standby->safe_psql('app', "SELECT status FROM wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic ' || encode('jane:secret', 'base64')], '{}')"), '503', 'a login on a standby is none');

# ---- in SQL ----
is($standby->safe_psql('app', "SELECT wazo_auth.wait_for_transaction('$ended', '10 ms')"), 'f', 'wait_for_transaction() has an end');
is($standby->safe_psql('app', "SELECT wazo_auth.wait_for_transaction('3', '0')"), 't', '... and none where nothing is to be waited for');
is($primary->safe_psql('app', "SELECT wazo_auth.wait_for_transaction('$ended')"), 't', '... on the primary, too');
my ($rc, $out, $err) = $standby->psql('app', "SELECT wazo_auth.wait_for_transaction('$ended', '2 minutes')");
like($err, qr/patience must be from 0 to 60 seconds/, '... and a limit');
my ($waited, $errors) = ('', '');
my $waiter = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-d', $standby->connstr('app'), '-c', "SELECT wazo_auth.wait_for_transaction('$ended', '1 minute')", '-c', "SELECT wazo_auth.token_check('$token')" ],
	'<', \'', '>', \$waited, '2>', \$errors);
until_is($standby, 'app', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT wazo_auth.wait_for%' AND wait_event = 'Extension'}, '1', 'who waits is seen');
replay('resume');
$waiter->finish;
is("$waited$errors", "t\nunknown\n", 'once replayed, the next statement sees it');

# ---- revocations that are confirmed when the standby shows them ----
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\nwazo_auth.remote_apply_revocations = on");
$primary->reload;
until_is($primary, 'postgres', q{SELECT string_agg(sync_state, ',') FROM pg_stat_replication}, 'sync', 'the standby is synchronous');
replay('pause');
my ($other) = login();
ok($other, 'a login does not wait for replay');
my $pid = fork() // die "fork: $!";
if ($pid == 0)
{
	my $status = call($front, 'DELETE', "/0.1/token/$late")->{status};
	POSIX::_exit($status == 200 ? 0 : 1);
}
until_is($primary, 'app', q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'}, '1', 'the end of a session does');
replay('resume');
waitpid($pid, 0);
is($?, 0, '... and is confirmed then');
is($standby->safe_psql('app', "SELECT wazo_auth.token_check('$late')"), 'unknown', '... when the standby shows it');
$primary->append_conf('postgresql.conf', "synchronous_standby_names = ''\nwazo_auth.remote_apply_revocations = off");
$primary->reload;
until_is($primary, 'postgres', q{SELECT string_agg(sync_state, ',') FROM pg_stat_replication}, 'async', 'the standby is asynchronous again');

# ---- races between the end of a session and its check, on a standby that is kept behind ----
$standby->append_conf('postgresql.conf', 'recovery_min_apply_delay = 100ms');
$standby->reload;
my %seen = (stale => 0, wrong => 0, told => 0);
my $http = HTTP::Tiny->new;
my @tokens = split /\n/, $primary->safe_psql('app', "SELECT wazo_auth.open_session(u, 3600, '{a}', '{}', false, NULL, '', '') FROM wazo_auth.user u, generate_series(1, $races) WHERE u.username = 'jane'");
is(scalar @tokens, $races, "$races sessions");
until_is($standby, 'app', "SELECT wazo_auth.token_check('$tokens[-1]')", 'valid', 'the standby has them all');
foreach my $t (@tokens)
{
	my $answer = call($front, 'DELETE', "/0.1/token/$t", http => $http);
	my $xid = $answer->{headers}{'wazo-auth-transaction'};
	$seen{told}++ if $answer->{status} == 200 && defined $xid;
	$seen{wrong}++ if call($front, 'HEAD', "/0.1/token/$t", headers => { 'Wazo-Auth-Transaction' => $xid }, http => $http)->{status} != 404;
	$seen{stale}++ if call($front, 'HEAD', "/0.1/token/$t", http => $http)->{status} == 204;
}
is($seen{told}, $races, "$races sessions ended");
is($seen{wrong}, 0, 'with the transaction, none passes a check afterwards');
cmp_ok($seen{stale}, '>', 0, "without it some do ($seen{stale}), so this could be seen");
$standby->append_conf('postgresql.conf', 'recovery_min_apply_delay = 0');
$standby->reload;
$primary->wait_for_catchup('standby');

# ---- the primary goes away; the standby takes over ----
my ($live) = login();
$primary->wait_for_catchup('standby');
pipe(my $from, my $to) or die "pipe: $!";
my $checker = fork() // die "fork: $!";
if ($checker == 0)
{
	# checks until it is told to stop, and says how they went
	close $from;
	my ($stop, %count) = (0);
	local $SIG{TERM} = sub { $stop = 1 };
	until ($stop)
	{
		$count{ call($front, 'HEAD', "/0.1/token/$live", http => $http)->{status} }++;
		$count{ 'gone ' . call($front, 'HEAD', "/0.1/token/$token", http => $http)->{status} }++;
	}
	print $to join(',', sort keys %count), "\n";
	close $to;
	POSIX::_exit(0);
}
close $to;
$primary->stop('immediate');
is(call($front, 'POST', '/0.1/token', login => 'jane:secret', body => '{}')->{status}, 503, 'without the primary there is no login');
is(head($live), 204, 'but token checks');
$primary->start;
ok(until_true(sub { call($front, 'POST', '/0.1/token', login => 'jane:secret', body => '{}')->{status} == 200 }), 'the primary is back: logins');
$primary->stop('immediate');
$standby->promote;
my $answer;
ok(until_true(sub { ($answer = call($front, 'POST', '/0.1/token', login => 'jane:secret', body => '{"expiration": 60}'))->{status} == 200 }), 'the standby is promoted: logins');
$answer = call($front, 'DELETE', "/0.1/token/$other");
is(head($other, $answer->{headers}{'wazo-auth-transaction'}), 404, '... revocations');
kill 'TERM', $checker;
is(scalar <$from>, "204,gone 404\n", 'of all token checks meanwhile none failed and none was wrong');
waitpid($checker, 0);
is($standby->safe_psql('app', "SELECT string_agg(DISTINCT state, ',') FROM wazo_auth.worker_status"), 'running', 'it is the live one now');
stop_front($front);
$standby->stop('fast');
done_testing();
