# Stopping `make run`: HUP, INT and TERM, once and twice, to its process group (as
# a terminal does) and to make alone (as a supervisor does). Each time the front and
# the cluster are gone, cleanly, and their data is there; also for who removes the
# folder of a clone, which the cluster is not in where the servers cannot enter it.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Test::More;
use WazoFront qw(wait_for);
use WazoTree;

my $top = abs_path(dirname(__FILE__) . '/../..');
my $home = tempdir('wazo_signals.XXXXXX', TMPDIR => 1, CLEANUP => 0);
chmod 0700, $home;
system('cp', '-a', (grep { -e } map { "$top/$_" } qw(Makefile wazo_auth.control sql src kore_front test tools debian build wazo_auth.so migrations)), $home) == 0 or die 'cp';
leave_private_tree();
system("make -C '$home' >'$home/make.log' 2>&1") == 0 or die "make: see $home/make.log";

my %runs;

sub slurp { open(my $f, '<', $_[0]) or return ''; local $/; return <$f> // '' }

# What still runs of a cluster or a front below a folder.
sub left
{
	my ($dir) = @_;
	return grep {
		my $command = slurp("/proc/$_/cmdline");
		$command =~ /\Q$dir\E/ && $command =~ /postgres|wazo-auth/
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}

sub start
{
	my ($name) = @_;
	my $port = do { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport };
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		setpgrp(0, 0);
		@SIG{qw(HUP INT TERM)} = ('DEFAULT') x 3;    # a test in the background ignores INT
		chdir $home;
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', "$home/$name.log");
		open(STDERR, '>&', \*STDOUT);
		exec('make', 'run', "PORT=$port", "RUN_DIR=$home/$name") or POSIX::_exit(127);
	}
	$runs{$name} = { pid => $pid, port => $port };
}

sub state_of { my ($name) = @_; return readlink("$home/$name/state") // "$home/$name" }

END
{
	local $?;
	foreach my $name (keys %runs)
	{
		kill 'KILL', -$runs{$name}{pid} if !$runs{$name}{ended};
		my $master = (split /\n/, slurp(state_of($name) . '/data/postmaster.pid'))[0];
		kill 'QUIT', $master if $master;
	}
	system('rm', '-rf', $home, map { state_of($_) } grep { -l "$home/$_/state" } keys %runs) if $home;
}

# Has it begun to serve?
sub serves
{
	my ($name) = @_;
	my $run = $runs{$name};
	return wait_for(sub {
		($run->{ended} ||= waitpid($run->{pid}, WNOHANG)) ||
		  slurp("$home/$name.log") =~ /Get a token/ && IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $run->{port}, Timeout => 1)
	}) && !$run->{ended};
}

sub has_ended { my ($run) = @_; return wait_for(sub { $run->{ended} ||= waitpid($run->{pid}, WNOHANG) }) }

my @cases;
foreach my $signal (qw(HUP INT TERM))
{
	push @cases, map { [ "$signal\L$_->[0]$_->[1]", $signal, @$_ ] }[ 'group', 1 ], [ 'group', 2 ], [ 'make', 1 ], [ 'make', 2 ];
}
# Four at a time: starting them is what takes long.
while (my @batch = splice(@cases, 0, 4))
{
	start($_->[0]) foreach @batch;
	foreach my $case (@batch)
	{
		my ($name, $signal, $to, $times) = @$case;
		my $run = $runs{$name};
		ok(serves($name), "$name: make run serves") or diag(slurp("$home/$name.log"));
		for (1 .. $times)
		{
			kill $signal, $to eq 'group' ? -$run->{pid} : $run->{pid};
			select(undef, undef, undef, 0.05);    # the second while it stops
		}
	}
	foreach my $case (@batch)
	{
		my ($name) = @$case;
		my $run = $runs{$name};
		ok(has_ended($run), "$name: it ends");
		my $state = state_of($name);
		ok(wait_for(sub { !left($state) }), "$name: nothing of it is left running") or diag(join ' ', left($state));
		ok(!-e "$state/data/postmaster.pid" && -s "$state/data/PG_VERSION", "$name: the cluster was stopped, its data stays");
		like(slurp("$state/postgresql.log"), qr/database system is shut down\s*\z/, "$name: ... properly");
	}
}

# ---- the folder is gone, and make run is started in it again ----
# A socket's path that is as long fits nowhere, so the cluster is elsewhere.
my $name = 'removed' x 12;
start($name);
ok(serves($name), 'a long path: make run serves') or diag(slurp("$home/$name.log"));
kill 'TERM', $runs{$name}{pid};
ok(has_ended($runs{$name}), '... and ends');
my $state = state_of($name);
my ($password) = slurp("$home/$name/env") =~ /^export PASSWORD=(.+)$/m;
isnt($state, "$home/$name", 'the cluster is elsewhere');
system('rm', '-rf', "$home/$name") == 0 or die 'rm';
start($name);
ok(serves($name), 'it serves again') or diag(slurp("$home/$name.log"));
is(state_of($name), $state, '... from the same cluster');
like(slurp("$home/$name/env"), qr/^export PASSWORD=\Q$password\E$/m, '... with its password');
is(HTTP::Tiny->new->post("http://wazo-auth-cli:$password\@127.0.0.1:$runs{$name}{port}/0.1/token", { headers => { 'Content-Type' => 'application/json' }, content => '{}' })->{status},
	200, '... which is good');
kill 'TERM', $runs{$name}{pid};
ok(has_ended($runs{$name}), '... and ends');
ok(wait_for(sub { !left($state) }), '... as a whole');
done_testing;
