# The front's processes: command line, signals, draining, dead workers, sandbox, log files.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use File::Basename;
use Test::More;
use Time::HiRes qw(sleep time);
use WazoFront qw(wait_for);
use WazoPort;

my $t = WazoFront->new;
my $host = "Host: localhost\r\n";
my $r;

# Runs the front to its end. Returns exit status and what it printed.
sub run
{
	my (@options) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		open(STDERR, '>&', \*STDOUT);
		exec($t->{binary}, @options) or POSIX::_exit(127);
	}
	local $/;
	my $text = <$out> // '';
	close $out;
	return ($? >> 8, $text);
}

sub running { my ($pid) = @_; return -d "/proc/$pid" && ($t->slurp_path("/proc/$pid/stat") !~ /\) Z /); }

sub WazoFront::slurp_path
{
	my ($self, $path) = @_;
	open(my $f, '<', $path) or return '';
	local $/;
	return <$f> // '';
}

# ---- command line ----
foreach my $wrong (['--nonsense'], ['--listen-port', '0'], ['--listen-port', '70000'], ['--listen-port', 'x'], ['--workers', '0'],
	['--workers', '1x'], ['-l', 'loud'], ['--max-body', '-1'], ['--request-timeout', '0'], ['--request-timeout', 'nan'], ['argument'], ['--log-file', 'relative.log'], ['--database'])
{
	my ($status, $text) = run(@$wrong);
	is($status, 2, "exit status 2 for @$wrong");
	like($text, qr/--help/, '... with a hint');
}
my ($status, $text) = run('--version');
is($status, 0, '--version');
my ($version) = $t->slurp_path(File::Basename::dirname(__FILE__) . '/../../wazo_auth.control') =~ /^default_version\s*=\s*'(.*)'/m;
is($text, "wazo-auth $version\n", '... is that of the control file');
($status, $text) = run('--help');
is($status, 0, '--help');
like($text, qr/--$_\b/, "... names --$_") for qw(config-file user debug log-level log-file listen-port listen-address database workers num-proxies no-cors max-body max-in-flight);

my $settings = $t->slurp_path(File::Basename::dirname(__FILE__) . '/../../docs/settings.md');
foreach my $option (grep { !/^--(version|help)$/ } $text =~ /^ .{6}(--[a-z-]+)/mg)
{
	like($settings, qr/^\| `$option` \|/m, "docs/settings.md has $option");
}

# ---- a taken port ----
{
	my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0);
	my $port = $taken->sockport;
	($status, $text) = run('-c', '', '--listen-port', $port, '--database', 'password=hunter2 host=/nonexistent');
	is($status, 1, 'a taken port: exit status 1');
	like($text, qr/cannot listen on 127\.0\.0\.1 port $port: Address already in use/, '... named in the message');
	unlike($text, qr/hunter2/, '... and no password');
	($status, $text) = run('-c', '', '--listen-port', $port, '--database', 'postgresql://u:hunter2@[/d');
	is($status, 2, 'a connection string that nobody can read: exit status 2');
	unlike($text, qr/hunter2/, '... and no password');
	($status, $text) = run('--listen-address', '192.0.2.1', '--listen-port', $port);
	is($status, 1, 'an address of another machine: exit status 1');
	like($text, qr/192\.0\.2\.1 port $port/, '... named');
	($status, $text) = run('-u', 'no-such-user', '--listen-port', WazoPort::free_port());
	is($status, 1, 'an unknown user: exit status 1');
}

# ---- configuration file; what it says can be overridden ----
{
	my $port = WazoPort::free_port();
	my $file = "$t->{dir}/config.yml";
	my $log = "$t->{dir}/by-config.log";
	open(my $f, '>', $file) or die $!;
	print $f <<"YAML";
# as upstream's, with keys that are not the front's
user:
debug: false
log_level: debug
log_filename: $log
db_uri: "postgresql://postgres\@127.0.0.1:$t->{pg_port}/postgres?application_name=wazo-auth"
default_token_lifetime: 7200
enabled_http_plugins: {api: true, users: false}
rest_api:
  listen: 127.0.0.1
  port: $port
  max_threads: 25
  num_proxies: 2
  cors:
    enabled: true
    allow_headers: [X-One, "X-Two"]
  certificate: null
extra_config_files: $t->{dir}/conf.d
default_policies:
  p: {acl: ["a.b"]}
YAML
	close $f;
	my $pid = fork();
	if ($pid == 0)
	{
		open(STDERR, '>', "$t->{dir}/by-config.err");
		exec($t->{binary}, '-c', $file, '--workers', 1) or POSIX::_exit(127);
	}
	push @{$t->{others}}, $pid;
	local $t->{port} = $port;
	ok(wait_for(sub { -S "/proc/self/none" || IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }), 'address and port of the file')
		or diag $t->slurp('by-config.err');
	$r = $t->call('OPTIONS', '/echo', headers => ['Origin: http://a', 'Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: x-two, content-type', 'X-Forwarded-For: a, b']);
	is($r->{status}, 200, '... database');
	is($r->{headers}{'access-control-allow-headers'}, 'x-two', '... cross-origin headers');
	is($t->echo($r)->{peer}, 'a', '... proxies');
	kill 'TERM', $pid;
	waitpid($pid, 0);
	is($?, 0, '... ends with 0');
	like($t->slurp('by-config.log'), qr/debug: worker 1 ends/, '... log file and level');
	open($f, '>', $file) or die $!;
	print $f "rest_api: [unclosed\n";
	close $f;
	($status, $text) = run('-c', $file);
	is($status, 1, 'broken YAML: exit status 1');
	like($text, qr/config\.yml.*line/, '... with the place');
}

# ---- drain ----
$t->start_front('--workers', 2, '--log-level', 'debug', '--drain-timeout', 60, '--queue-wait', 600, '--body-timeout', 600);
{
	my @workers = $t->workers;
	is(scalar(@workers), 2, 'two workers');
	my $seccomp = 0;
	foreach my $pid (@workers)
	{
		$seccomp++ if $t->slurp_path("/proc/$pid/status") =~ /^Seccomp:\s+2$/m;
		unlike($t->slurp_path("/proc/$pid/cmdline"), qr/host=/, 'process title without the connection string');
		like($t->slurp_path("/proc/$pid/cmdline"), qr/wazo-auth \[wrk \d\]/, '... but with its role');
	}
	is($seccomp, 2, 'the sandbox is on in both');
	unlike($t->slurp_path("/proc/$t->{front}/cmdline"), qr/host=/, "nor in the parent's");

	$t->hold_lock;
	my @slow = map { my $s = $t->connect; syswrite($s, "GET /echo?lock HTTP/1.1\r\n$host\r\n"); $s } 1 .. 6;
	my $pipelined = $t->connect;
	syswrite($pipelined, "GET /echo?lock HTTP/1.1\r\n$host\r\nGET /echo?second HTTP/1.1\r\n$host\r\n");
	my $idle = $t->connect;
	syswrite($idle, "GET /0.1/token/x HTTP/1.1\r\n$host\r\n");
	$t->read_answer($idle);
	my $half = $t->connect;
	syswrite($half, "POST /echo HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\na");
	wait_for(sub { $t->waiting >= 4 });	# the others are in a queue
	kill 'TERM', $t->{front};
	ok($t->closed($idle), 'TERM: idle connection closed');
	ok(wait_for(sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->{port}, Timeout => 1) }), '... nothing is accepted any more');
	syswrite($half, 'bc');
	$t->release_lock;
	is(($t->read_answer($half) // {status => 'none'})->{status}, 200, '... a request that was begun is finished');
	is(join(' ', map { my $a = $t->read_answer($_); $a ? "$a->{status} $a->{headers}{connection}" : 'none' } @slow), join(' ', ('200 close') x 6),
		'... slow requests are answered, and the end is announced');
	is(($t->read_answer($pipelined) // {status => 'none'})->{status}, 200, '... a pipelined one, too');
	is($t->stop_front('TERM'), 0, '... exit status 0');
	ok(!(grep { running($_) } @workers), '... no worker is left');
}

# ---- a drain that takes too long is cut ----
foreach my $signal ('TERM', 'INT')
{
	$t->start_front('--workers', 1, '--drain-timeout', 1);
	my @workers = $t->workers;
	my $s = $t->connect;
	syswrite($s, "GET /sleep/600 HTTP/1.1\r\n$host\r\n");
	wait_for(sub { $t->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wazo-auth' AND state = 'active'") == 1 });
	my $start = time;
	is($t->stop_front($signal), 0, "$signal: exit status 0");
	cmp_ok(time - $start, '>', 0.8, '... after the limit');
	ok($t->closed($s), '... without an answer to what was under way');
	ok(!running($workers[0]), '... no worker is left');
	$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
}

# ---- a stopped worker cannot hold up the end ----
{
	$t->start_front('--workers', 1, '--drain-timeout', 0.5);
	my ($worker) = $t->workers;
	kill 'STOP', $worker;
	is($t->stop_front('TERM'), 0, 'a worker that hangs: exit status 0');
	ok(!running($worker), '... and it is gone');
}

# ---- connections go to all workers ----
$t->start_front('--workers', 2, '--fast-connections', 1);
{
	my (@open, %backend);
	# one by one: each finds all workers asleep
	my $ask = sub {
		my $s = $t->connect;
		push @open, $s;
		syswrite($s, "GET /0.1/token/x?backend HTTP/1.1\r\n$host\r\n");
		$backend{$t->read_answer($s)->{body}}++;
		return keys %backend;
	};
	ok(wait_for(sub { $ask->() == 2 }), 'both workers get connections');
	# not in strict turns: a worker that the machine lets wait is passed over
	%backend = ();
	ok(wait_for(sub { $ask->(); 2 == grep { $_ >= 8 } values %backend }), '... and each its share of them');
}
$t->stop_front;

# ---- kill -9 of a worker under load ----
$t->start_front('--workers', 2);
{
	my (@children, $killed);
	pipe(my $in, my $out);
	pipe(my $progress, my $step);
	for my $n (1 .. 4)
	{
		my $pid = fork();
		if ($pid == 0)
		{
			my ($ok, $cut, $end) = (0, 0, 0);
			my $s;
			local $SIG{PIPE} = 'IGNORE';
			local $SIG{TERM} = sub { $end = 1 };
			while (!$end)
			{
				$s = eval { $t->connect } if !$s;
				if (!$s) { $cut++; next; }
				my $a = syswrite($s, "GET /0.1/token/t$n HTTP/1.1\r\n$host\r\n") ? $t->read_answer($s) : undef;
				if ($a && $a->{status} == 200 && $a->{body} eq "/0.1/token/t$n") { syswrite($step, '.') if ++$ok % 100 == 0; }
				elsif ($a) { $cut += 1000000; }	# a wrong answer
				elsif (!$end) { $cut++; undef $s; }
			}
			syswrite($out, "$ok $cut\n");
			POSIX::_exit(0);
		}
		push @children, $pid;
	}
	close $step;
	# between two of them a thousand answers
	for (1 .. 4)
	{
		sysread($progress, my $dot, 1) for 1 .. 10;
		my @workers = $t->workers;
		$killed++ if @workers && kill 'KILL', $workers[0];
	}
	is($killed, 4, 'workers killed under load');
	sysread($progress, my $dot, 1) for 1 .. 10;
	kill 'TERM', @children;
	waitpid($_, 0) for @children;
	close $out;
	my ($ok, $cut) = (0, 0);
	while (<$in>) { my ($a, $b) = split; $ok += $a; $cut += $b; }
	cmp_ok($ok, '>=', 5000, "... service goes on ($ok answers)");
	cmp_ok($cut, '<=', 16, "... only what was open with them is cut ($cut)");
	ok(wait_for(sub { my @w = $t->workers; @w == 2 }), '... and there are two again');
	like($t->log, qr/worker \d was ended by signal 9/, '... told in the log');
}

# ---- a worker that dies again and again is started with pauses ----
{
	ok(wait_for(sub { kill 'KILL', $t->workers; $t->log =~ /worker 1 .*; starting another in 800 ms/ }), 'killed again and again');
	my @pauses = $t->log =~ /worker 1 .*; starting another in (\d+) ms/g;
	my @after = map { $_ == 0 ? 100 : 2 * $_ } @pauses[0 .. $#pauses - 1];
	is(scalar(grep { $pauses[$_ + 1] != $after[$_] && $pauses[$_ + 1] != 0 } 0 .. $#after), 0, "... each pause is twice the last one (@pauses ms)");
	ok(wait_for(sub { eval { $t->call('GET', '/echo')->{status} == 200 } }), '... and then serves again');
}

# ---- a worker ended politely is replaced as well ----
{
	ok(wait_for(sub { my @w = $t->workers; @w == 2 }), 'two workers');
	my ($worker) = $t->workers;
	kill 'TERM', $worker;
	ok(wait_for(sub { my @w = $t->workers; @w == 2 && $w[0] != $worker && $w[1] != $worker }), 'TERM to a worker: replaced');
	is($t->call('GET', '/echo')->{status}, 200, '... the front stays');
}

# ---- kill -9 of the parent ----
{
	my @workers = $t->workers;
	is(scalar(@workers), 2, 'two workers');
	my $parent = $t->{front};
	ok((grep { (split)[4] == $parent } split /\n/, $t->slurp_path('/proc/sysvipc/shm') =~ s/\A.*\n//r) > 0, 'shared memory is there');
	kill 'KILL', $parent;
	waitpid(delete $t->{front}, 0);
	ok(wait_for(sub { !grep { running($_) } @workers }), 'workers never outlive the parent');
	my $left = grep { (split)[4] == $parent } split /\n/, $t->slurp_path('/proc/sysvipc/shm') =~ s/\A.*\n//r;
	is($left, 0, 'no shared memory is left');
}

# ---- log file, rotated ----
{
	my $log = "$t->{dir}/front-file.log";
	$t->start_front('--workers', 2, '--log-file', $log);
	$t->call('GET', '/before');
	ok(wait_for(sub { $t->slurp('front-file.log') =~ m{/before} }), 'log file');
	rename $log, "$log.1";
	kill 'HUP', $t->{front};
	ok(wait_for(sub { -e $log }), 'HUP opens it again');
	# each opens it before its next line; one by one the kernel would give all requests to the same worker
	ok(wait_for(sub {
		my @s = map { my $s = $t->connect; syswrite($s, "GET /between HTTP/1.1\r\n$host\r\n"); $s } 1 .. 20;
		$t->read_answer($_) for @s;
		return !grep { (readlink($_) // '') eq "$log.1" } map { glob "/proc/$_/fd/*" } $t->workers;
	}), '... in every worker');
	$t->call('GET', "/after$_") for 1 .. 6;
	ok(wait_for(sub { $t->slurp('front-file.log') =~ m{/after6} }), '... by the workers, too');
	unlike($t->slurp('front-file.log.1'), qr{/after}, '... all of them');
	is($t->stop_front, 0, 'HUP did not hurt');
	like($t->slurp('front-file.log'), qr/info: stopped$/, 'the last line');
}

# ---- a log that nobody reads ----
{
	pipe(my $in, my $out);
	my $port = WazoPort::free_port();
	my $pid = fork();
	if ($pid == 0)
	{
		open(STDERR, '>&', $out);
		exec($t->{binary}, '-c', '', '--workers', 1, '--listen-port', $port, '--database', $t->conninfo) or POSIX::_exit(127);
	}
	push @{$t->{others}}, $pid;
	local $t->{port} = $port;
	wait_for(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });
	my $s = $t->connect;
	my $ok = 0;
	my $long = 'l' x 900;
	for (1 .. 400)
	{
		syswrite($s, "GET /0.1/token/x?$long HTTP/1.1\r\n$host\r\n");
		my $a = $t->read_answer($s) or last;
		$ok++;
	}
	is($ok, 400, 'a full log pipe stops no request');
	kill 'TERM', $pid;
	waitpid($pid, 0);
}

# ---- limits of connections ----
my @long = ('--header-timeout', 600, '--keepalive-timeout', 600, '--request-timeout', 600, '--queue-wait', 600);
$t->start_front('--workers', 1, '--max-connections', 10, @long);
{
	$t->hold_lock;
	my @s = map { my $s = $t->connect; syswrite($s, "GET /echo?lock HTTP/1.1\r\n$host\r\n"); $s } 1 .. 30;
	wait_for(sub { $t->waiting >= 4 });
	my ($worker) = $t->workers;
	my @before = split ' ', $t->slurp_path("/proc/$worker/stat");
	sleep 1;
	my @after = split ' ', $t->slurp_path("/proc/$worker/stat");
	cmp_ok($after[13] + $after[14] - $before[13] - $before[14], '<', 20, 'more clients than connections: the worker does not spin');
	$t->release_lock;
	my $ok = grep { my $a = $t->read_answer($_); $a && $a->{status} == 200 } @s;
	is($ok, 30, '... those above the limit wait, all are served');
}
$t->stop_front;

# ---- silent connections ----
$t->start_front('--workers', 1, '--max-connections', 40, @long);
{
	my $ask = sub { my ($s, $query) = @_; syswrite($s, "GET /0.1/token/x$query HTTP/1.1\r\n$host\r\n"); return $s };
	my $served = sub { my ($s) = @_; my $a = $t->read_answer($s); return $a ? $a->{status} : 'none' };
	local $SIG{PIPE} = 'IGNORE';
	my @known = map { $t->connect } 1 .. 10;
	is(join(' ', map { $served->($ask->($_, '')) } @known), '200 ' x 9 . '200', 'connections that have been of use');
	$t->hold_lock;
	my @busy = map { my $s = $t->connect; syswrite($s, "GET /echo?lock HTTP/1.1\r\n$host\r\n"); $s } 1 .. 10;
	wait_for(sub { $t->waiting >= 4 });
	my @silent = map { $t->connect } 1 .. 200;
	is($served->($ask->($t->connect, '')), 200, 'a flood of silent connections: a new client is served');
	my @half = map { my $s = $t->connect; syswrite($s, "GET /echo HTTP/1.1\r\nHo"); $s } 1 .. 200;
	is($served->($ask->($t->connect, '')), 200, '... and of connections that stop within a header');
	is(join(' ', map { $served->($ask->($_, '')) } @known), '200 ' x 9 . '200', '... those that were of use have stayed');
	$t->release_lock;
	is(join(' ', map { $served->($_) } @busy), '200 ' x 9 . '200', '... and those at work');
	ok($t->closed($silent[0]) && $t->closed($half[0]), '... the oldest silent ones have gone');
	# without a silent one the oldest between two requests goes
	close $_ for @silent, @half;
	my @more = map { my $s = $t->connect; $served->($ask->($s, '')); $s } 1 .. 60;
	is($served->($ask->($more[-1], '')), 200, 'idle connections beyond the limit: the newest stay');
	ok($t->closed($known[0]), '... the oldest go');
}
$t->stop_front;
# A flood that fills the table holds the place in the kernel's queue before a good client: room is made for many of
# it at once, not for a few in each turn of the loop.
$t->start_front('--workers', 1, '--max-connections', 640, @long);
{
	my @silent = map { $t->connect } 1 .. 640;
	my $s = $t->connect;
	syswrite($s, "GET /0.1/token/x HTTP/1.1\r\n$host\r\n");
	is($t->read_answer($s)->{status}, 200, 'one client more than the table holds is served');
	$_->blocking(0) for @silent;
	is(scalar(grep { defined sysread($_, my $none, 1) } @silent), 10, '... and a 64th of the silent ones has gone');
}
$t->stop_front;
$t->start_front('--workers', 1, '--header-timeout', 1, '--keepalive-timeout', 600);
ok($t->closed($t->connect), "a fresh connection has the header's time limit, not the one between two requests");
$t->stop_front;

# ---- root drops to a user ----
if ($> == 0)
{
	$t->start_front('--workers', 1, '-u', 'nobody');
	my $uid = getpwnam('nobody');
	like($t->slurp_path("/proc/$_/status"), qr/^Uid:\s+$uid\s+$uid\s+$uid\s+$uid$/m, "-u: process $_ runs as that user") for $t->{front}, $t->workers;
	is($t->call('GET', '/echo')->{status}, 200, '... and serves');
	is($t->stop_front, 0, '... and ends');
}

# ---- throughput, as a sanity check without a limit ----
$t->start_front('--workers', 2, '--log-level', 'warning');
{
	my $start = time;
	my $n = 5000;
	my $s = $t->connect;
	my $done = 0;
	for my $batch (1 .. $n / 50)
	{
		syswrite($s, "HEAD /0.1/token/x HTTP/1.1\r\n$host\r\n" x 50);
		for (1 .. 50) { my $a = $t->read_answer($s, no_body => 1) or last; $done++ if $a->{status} == 204; }
	}
	is($done, $n, sprintf('%d token checks over one connection (%.0f/s)', $n, $n / (time - $start)));
}
is($t->stop_front, 0, 'end');

done_testing();
