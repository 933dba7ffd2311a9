# Processes are killed under a load of logins, checks and logouts: service
# comes back by itself, and what was acknowledged is there afterwards.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use HTTP::Tiny;
use IO::Handle;
use JSON ();
use POSIX ();
use Time::HiRes qw(sleep time);
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 4;
my $login = 'admin:a password';

# the workers run, too, and with a short interval
my $node = new_node('chaos', "wazo_auth.token_cleanup_interval = 1\nlog_min_messages = log");
$node->start;
add_database($node, 'app');
$node->safe_psql('app', "SELECT wazo_auth.bootstrap('admin', 'a password')");
my $front = start_front($node, 'app', '--workers', 2);

# A client: logs in, checks its token and some earlier ones, logs out now and
# then, and writes down every answer: action, status, token, Retry-After.
sub client
{
	my ($file) = @_;
	open(my $out, '>', $file) or POSIX::_exit(1);
	$out->autoflush(1);
	my $http = HTTP::Tiny->new(timeout => 30, keep_alive => 1);
	my @live;
	my $note = sub {
		my ($action, $answer, $token) = @_;
		print $out join(' ', $action, $answer->{status}, $token || '-', $answer->{headers}{'retry-after'} // '-'), "\n";
	};
	while (1)
	{
		my $answer = call($front, 'POST', '/0.1/token', http => $http, login => $login, body => '{"expiration": 3600}');
		my $token = $answer->{status} == 200 ? JSON::decode_json($answer->{content})->{data}{token} : undef;
		$note->('login', $answer, $token);
		push @live, $token if $token;
		foreach my $old (grep { $_ } $token, @live ? $live[ rand @live ] : undef)
		{
			$note->('check', call($front, 'HEAD', "/0.1/token/$old", http => $http), $old);
		}
		if (@live && rand() < 0.2)
		{
			my $old = pop @live;
			# whoever is killed before the answer may have ended it
			$note->('ending', {status => '-', headers => {}}, $old);
			$note->('logout', call($front, 'DELETE', "/0.1/token/$old", http => $http), $old);
		}
		sleep 0.02 if !$token;
	}
}

my @pids;
my @files = map { $node->basedir . "/client.$_" } 1 .. $clients;
foreach my $file (@files)
{
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		eval { client($file) };
		POSIX::_exit(1);
	}
	push @pids, $pid;
}
END { kill 'KILL', @pids }

sub answers { return map { chomp; [ split / / ] } map { split /^/, slurp_file($_) } @files }

sub acknowledged { return scalar grep { $_->[0] eq 'login' && $_->[1] == 200 } answers() }

# Waits until every client could log in since then.
sub served_again
{
	my ($what) = @_;
	my $start = time;
	my %seen = map { $_ => -s $_ } @files;
	ok(until_true(sub { !grep { slurp_file($_, $seen{$_}) !~ /^login 200 /m } @files }, 180), "$what: all clients are served again");
	diag(sprintf('%s: after %.2f s', $what, time - $start));
	# and some load before the next accident
	my $before = acknowledged();
	until_true(sub { acknowledged() >= $before + 40 });
	return;
}

ok(until_true(sub { -s $_ || return 0 for @files; acknowledged() >= 20 }), 'the load is on');

# a worker of the front
foreach my $round (1 .. 2)
{
	my @workers = grep { $_ } split /\s+/, slurp_file("/proc/$front->{pid}/task/$front->{pid}/children");
	kill 'KILL', $workers[-1];
	served_again("a worker of the front is killed ($round)");
}

# a backend; the server restarts all of them
my $pid = $node->safe_psql('postgres', "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
kill 'KILL', $pid;
served_again('a backend is killed');

# a polite end of all connections, which the front resends over
$node->safe_psql('postgres', "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
served_again('all connections are terminated');

# the expiry worker
ok(until_true(sub {
	my $out = '';
	$node->psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth expiry'", stdout => \$out);
	return $out ne '' && kill 'KILL', $out;
}), 'the expiry worker is killed');
served_again('the expiry worker is killed');

# the whole server
foreach my $round (1 .. 2)
{
	$node->stop('immediate');
	my $answer;
	ok(until_true(sub { ($answer = call($front, 'GET', '/0.1/token/00000000-0000-4000-8000-000000000000'))->{status} == 503 }, 5),
		"the server is away ($round): 503");
	cmp_ok($answer->{headers}{'retry-after'} // 0, '>', 0, 'with Retry-After');
	$answer = call($front, 'POST', '/0.1/token', login => $login, body => '{}');
	is($answer->{status}, 503, 'logins, too, though nobody starts it meanwhile');
	$node->start;
	served_again("the server was stopped immediately ($round)");
}

kill 'KILL', @pids;
waitpid($_, 0) for @pids;
@pids = ();

# what has been acknowledged
my (%status, %state, $bare_503, $lost);
$bare_503 = $lost = 0;
foreach my $answer (answers())
{
	my ($action, $status, $token, $retry) = @$answer;
	next if !defined $retry;    # the line that a client was killed over
	$state{$token} = 'unknown' if $action eq 'ending';
	next if $action eq 'ending';
	$status{"$action $status"}++;
	$bare_503++ if $status == 503 && $retry eq '-';
	$state{$token} = 'live' if $action eq 'login' && $status == 200;
	$state{$token} = $status == 200 ? 'ended' : 'unknown' if $action eq 'logout';
	$lost++ if $action eq 'check' && $status == 404;
}
diag(join(', ', map { "$_: $status{$_}" } sort keys %status));
is($lost, 0, 'no check ever found an acknowledged session missing');
is($bare_503, 0, 'every 503 came with Retry-After');
is(join(' ', grep { !/^(login 200|check 204|logout 200|\w+ 503|\w+ 599)$/ } sort keys %status), '', 'no other answers');

my $http = HTTP::Tiny->new(timeout => 20, keep_alive => 1);
my @live = grep { $state{$_} eq 'live' } keys %state;
my @ended = grep { $state{$_} eq 'ended' } keys %state;
cmp_ok(scalar @live, '>', 50, 'there are sessions to look for');
cmp_ok(scalar @ended, '>', 5, 'and ended ones');

# Statuses of checks of these tokens, as "status: count". A worker of the front
# that has not found the server again yet says 503, which is asked again.
sub check_all
{
	my %count;
	foreach my $token (@_)
	{
		my $status;
		until_true(sub { ($status = call($front, 'HEAD', "/0.1/token/$token", http => $http)->{status}) != 503 }, 5);
		$count{$status}++;
	}
	return join(', ', map { "$_: $count{$_}" } sort keys %count);
}
is(check_all(@live), '204: ' . @live, 'every acknowledged session is there');
is(check_all(@ended), '404: ' . @ended, 'no session comes back that ended');

stop_front($front);
$node->stop('fast');
done_testing();
