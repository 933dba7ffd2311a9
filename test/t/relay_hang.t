# A message broker that hangs, at each point where one can: nobody else waits
# for it. What is compared is not times but order: the broker hangs before and
# after, and what others wanted was done meanwhile.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket;
use WazoNode;
use WazoRabbit;
use WazoSmtp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rabbit = WazoRabbit->new;
$rabbit->start;
my $node = new_node('relay_hang', <<'EOC');
wazo_auth.relay_interval = 1
wazo_auth.relay_retry_pause = 10ms
wazo_auth.token_cleanup_interval = 0
fsync = off
EOC

# a library whose getaddrinfo() waits
my $dir = abs_path($node->basedir);
system('cc', '-shared', '-fPIC', '-o', "$dir/slow_lookup.so", "$FindBin::RealBin/lib/slow_lookup.c", '-ldl') == 0 or die 'cc fails';
sub start
{
	local $ENV{SLOW_LOOKUP} = "$dir/slow";
	local $ENV{LD_PRELOAD} = "$dir/slow_lookup.so";
	$node->start;
	return;
}

sub touch { open(my $file, '>', $_[0]) or die "$_[0]: $!"; close $file; return }

start();
add_database($node, 'app');
my $smtp = WazoSmtp->new("$dir/smtp");
$smtp->start;
$node->safe_psql('app', qq{SELECT wazo_auth.configure('{"smtp.hostname": "127.0.0.1", "smtp.port": $smtp->{port}}')});
$node->safe_psql('app', "SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'user' || i, 'secret', 'user' || i || '\@example.org', authentication_method => 'native')
	FROM generate_series(1, 200) i");
my $user = 0;

my @children;
my $main = $$;
END { my $status = $?; CORE::kill('KILL', map { -$_ } @children) if @children && $$ == $main; $? = $status; }

# A broker that answers with so many frames of the real one, and then says
# nothing any more. Returns its port.
sub stalling_broker
{
	my ($frames) = @_;
	my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no port: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid)
	{
		POSIX::setpgid($pid, $pid);
		push @children, $pid;
		return $listen->sockport;
	}
	# with all that it starts, it is ended by its group
	POSIX::setpgid(0, 0);
	open(STDOUT, '>', '/dev/null');
	$SIG{PIPE} = 'IGNORE';
	for (;;)
	{
		# interrupted when one of its children ends
		my $client = $listen->accept // next;
		next if fork();
		close $listen;
		sleep if $frames == 0;
		my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $rabbit->{port}) or POSIX::_exit(1);
		my ($from_server, $left) = ('', $frames);
		my $select = IO::Select->new($client, $server);
		while (my @ready = $select->can_read)
		{
			foreach my $socket (@ready)
			{
				sysread($socket, my $bytes, 65536) or POSIX::_exit(0);
				if ($socket == $client) { syswrite($server, $bytes); next }
				$from_server .= $bytes;
				while ($left > 0 && length $from_server >= 7)
				{
					my $size = unpack('x3N', $from_server) + 8;
					last if length $from_server < $size;
					syswrite($client, substr($from_server, 0, $size, ''));
					$left--;
				}
			}
		}
	}
	POSIX::_exit(0);
}

# A port whose queue of connections is full, so that it answers no more SYN.
my @fillers;
sub full_port
{
	my $listen = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no port: $!";
	listen($listen, 0);
	push @fillers, $listen;
	for (1 .. 16)
	{
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listen->sockport, Blocking => 0);
		push @fillers, $socket if $socket;
	}
	return $listen->sockport;
}

sub failures { my $n = () = slurp_file($node->logfile) =~ /LOG:  message broker: /g; return $n }
sub activity { return $node->safe_psql('postgres', "SELECT state, query FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'") }

# Does something while the relay hangs in one and the same attempt: says whether
# that was so once. An attempt has an end, and this machine may be slow.
sub while_it_hangs
{
	my ($what, $hangs, $do) = @_;
	my $done = 0;
	for (1 .. 6)
	{
		my $before;
		until_true(sub { $before = failures(); return activity() eq $hangs }) or last;
		$do->();
		$done = failures() == $before && activity() eq $hangs;
		last if $done;
	}
	return ok($done, $what);
}

my $connecting = 'active|wazo_auth: connecting to the message broker';
my $publishing = 'active|wazo_auth: publishing events';
my $deaf = stalling_broker(0);
my @cases = (
	[ 'a host that does not take the connection', 'amqp://guest:guest@127.0.0.1:' . full_port() . '/', $connecting ],
	[ 'a broker that says nothing', "amqp://guest:guest\@127.0.0.1:$deaf/", $connecting ],
	[ 'one that says nothing in TLS', "amqps://guest:guest\@127.0.0.1:$deaf/", $connecting ],
	[ 'one that does not answer a login', 'amqp://guest:guest@127.0.0.1:' . stalling_broker(1) . '/', $connecting ],
	[ 'one that opens no channel', 'amqp://guest:guest@127.0.0.1:' . stalling_broker(3) . '/', $connecting ],
	[ 'one that does not confirm', 'amqp://guest:guest@127.0.0.1:' . stalling_broker(6) . '/', $publishing ],
	[ 'a name server that does not answer', "amqp://guest:guest\@slow.test:$rabbit->{port}/", $connecting ]);
touch("$dir/slow");
foreach my $case (@cases)
{
	my ($what, $uri, $hangs) = @$case;
	$node->safe_psql('app', qq{SELECT wazo_auth.configure('{"amqp.uri": "$uri"}')});
	$node->safe_psql('app', "SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}')");
	while_it_hangs("$what: DROP DATABASE and ALTER DATABASE RENAME of another database", $hangs, sub {
		$node->safe_psql('postgres', 'CREATE DATABASE other');
		$node->safe_psql('postgres', 'ALTER DATABASE other RENAME TO another');
		$node->safe_psql('postgres', 'DROP DATABASE another');
	});
	while_it_hangs("$what: a mail goes out", $hangs, sub {
		my $seen = $smtp->mails;
		$user++;
		$node->safe_psql('app', "SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'user$user', 'localhost')");
		until_true(sub { $smtp->mails > $seen }) or die 'no mail';
	});
	my $before;
	while_it_hangs("$what: the relay ends when it is told to", $hangs, sub {
		$before = failures();
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'");
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		until_true(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") eq '0' });
		# its successor hangs in its turn
		until_true(sub { failures() > $before || activity() eq $hangs });
	});
	# likewise, but the server is not there to be asked
	my $stopped = 0;
	for (1 .. 6)
	{
		until_true(sub { $before = failures(); return activity() eq $hangs });
		$node->stop('fast');
		$stopped = failures() == $before;
		start();
		until_true(sub { $node->psql('postgres', 'SELECT 1') == 0 });
		last if $stopped;
	}
	ok($stopped, "$what: a fast stop does not wait for it");
}
unlink "$dir/slow";
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', '0', 'a name server that answers after all: the events go out');
$node->stop('fast');
done_testing();
