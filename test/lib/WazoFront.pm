# WazoFront: a scratch PostgreSQL, the built front before it, and raw HTTP over sockets; for the tests front_*.t.
#
#   my $t = WazoFront->new;             a cluster with the echo function
#   $t->start_front('--workers' => 1);  the front, on a free port
#   my $r = $t->request("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
#
# Everything lives below one directory in /tmp and goes away with the object. The server runs as $SERVER_USER
# (postgres) when the test is run by root.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoFront;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON ();
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);
use WazoPort;

our @EXPORT_OK = qw(wait_for parse_answers);

my $top = abs_path(dirname(__FILE__) . '/../..');

# Polls until the code returns true, at most some minutes. Returns what it returned last. The limit is no measure of
# anything: it ends a test that has failed, on however slow a machine.
sub wait_for
{
	my ($code, $seconds) = @_;
	my $end = time() + ($seconds // 300);
	my $r;
	until ($r = $code->())
	{
		return $r if time() > $end;
		sleep 0.02;
	}
	return $r;
}

sub new
{
	my ($class, %args) = @_;
	my $bin = $ENV{PG_BINDIR};
	chomp($bin = `pg_config --bindir`) if !$bin;
	my $self = bless {
		bin => $bin,
		dir => tempdir('wazo_front.XXXXXX', TMPDIR => 1, CLEANUP => 0),
		user => $> == 0 ? ($ENV{SERVER_USER} || 'postgres') : undef,
		binary => $ENV{WAZO_AUTH_FRONT} || "$top/build/wazo-auth",
		pg_port => WazoPort::free_port(),
		owner => $$,
	}, $class;
	die "$self->{binary} is not built" if !-x $self->{binary};
	chmod 0755, $self->{dir};
	mkdir "$self->{dir}/pg";
	chmod 0755, "$self->{dir}/pg";
	chown((getpwnam($self->{user}))[2, 3], "$self->{dir}/pg") if $self->{user};
	$self->server_command('initdb', '-D', "$self->{dir}/pg/data", '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
		'--no-locale', '--no-sync');
	my $conf = "$self->{dir}/pg/data/postgresql.conf";
	open(my $f, '>>', $conf) or die "$conf: $!";
	print $f "listen_addresses = '127.0.0.1'\nport = $self->{pg_port}\nunix_socket_directories = '$self->{dir}/pg'\n",
		"fsync = off\nmax_connections = 60\nlog_min_messages = fatal\nlog_min_error_statement = panic\n", $args{conf} // '';
	close $f;
	$self->start_server;
	my $sql = $args{sql} // "$top/test/t/lib/front_echo.sql";
	open(my $s, '<', $sql) or die "$sql: $!";
	local $/;
	$self->psql(scalar(<$s>) // "");
	return $self;
}

# Runs a program of PostgreSQL as the server's user, quietly.
sub server_command
{
	my ($self, $program, @args) = @_;
	my @cmd = ("$self->{bin}/$program", @args);
	unshift @cmd, 'runuser', '-u', $self->{user}, '--' if $self->{user};
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		chdir '/';
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$self->{dir}/pg.out");
		open(STDERR, '>&', \*STDOUT);
		exec(@cmd) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	die "$program failed: " . $self->slurp('pg.out') if $?;
}

sub start_server
{
	my ($self) = @_;
	$self->server_command('pg_ctl', '-D', "$self->{dir}/pg/data", '-l', "$self->{dir}/pg/log", '-w', 'start');
}

sub stop_server
{
	my ($self, $mode) = @_;
	$self->server_command('pg_ctl', '-D', "$self->{dir}/pg/data", '-m', $mode // 'fast', '-w', 'stop');
}

sub conninfo
{
	my ($self, $role) = @_;
	return "host=$self->{dir}/pg port=$self->{pg_port} user=@{[$role // 'postgres']} dbname=postgres";
}

# Runs SQL, returns unaligned tuples.
sub psql
{
	my ($self, $sql, $role) = @_;
	my $file = "$self->{dir}/sql";
	open(my $f, '>', $file) or die $!;
	binmode $f, ':utf8' if utf8::is_utf8($sql);
	print $f $sql;
	close $f;
	my $out = `'$self->{bin}/psql' -X -q -A -t -v ON_ERROR_STOP=1 -d '@{[$self->conninfo($role)]}' -f '$file' 2>&1`;
	die "psql: $out" if $?;
	chomp $out;
	return $out;
}

# Holds what "?lock" requests wait for, until release_lock(). Needs a server that answers.
sub hold_lock
{
	my ($self) = @_;
	open($self->{lock}, '|-', "'$self->{bin}/psql' -X -q -A -t -d '@{[$self->conninfo]}' >/dev/null 2>&1") or die "psql: $!";
	$self->{lock}->autoflush(1);
	print {$self->{lock}} "SELECT pg_advisory_lock(7);\n";
	wait_for(sub { $self->psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted") })
		or die 'the lock is not to be had';
}

sub release_lock
{
	my ($self) = @_;
	close delete $self->{lock};
}

# How many requests wait for the lock in the database.
sub waiting
{
	my ($self) = @_;
	return $self->psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
}

sub slurp
{
	my ($self, $name) = @_;
	open(my $f, '<', "$self->{dir}/$name") or return '';
	local $/;
	return <$f> // '';
}

sub log { return $_[0]->slurp('front.log'); }

# Starts the front with further options and without a configuration file; its standard output and error go to front.log. Waits until it serves.
sub start_front
{
	my ($self, @options) = @_;
	$self->{port} = WazoPort::free_port();
	unlink "$self->{dir}/front.log";
	my @cmd = ($self->{binary}, '-c', '', '--listen-port', $self->{port}, '--database', $self->conninfo($self->{front_role}), @options);
	$self->{front} = fork() // die "fork: $!";
	if ($self->{front} == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$self->{dir}/front.log");
		open(STDERR, '>&', \*STDOUT);
		exec(@cmd) or POSIX::_exit(127);
	}
	wait_for(sub {
		die "the front ended: " . $self->log if waitpid($self->{front}, WNOHANG) == $self->{front};
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 1) or return 0;
		print $s "GET /started HTTP/1.0\r\n\r\n";
		return IO::Select->new($s)->can_read(30) && sysread($s, my $buf, 1);
	}) or die "the front does not start: " . $self->log;
}

# Sends a signal to the front's parent and waits for its end. Returns the wait status, undef when it does not end.
sub stop_front
{
	my ($self, $signal, $seconds) = @_;
	return if !$self->{front};
	kill $signal // 'TERM', $self->{front};
	my $status;
	wait_for(sub {
		return 0 if waitpid($self->{front}, WNOHANG) != $self->{front};
		$status = $?;
		return 1;
	}, $seconds) or return undef;
	delete $self->{front};
	return $status;
}

# Process ids of the workers.
sub workers
{
	my ($self) = @_;
	my @pids;
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		open(my $f, '<', $stat) or next;
		my $line = <$f> // next;
		push @pids, $1 if $line =~ /^(\d+) \(.*\) [^Z] $self->{front} /;
	}
	@pids = sort { $a <=> $b } @pids;
	return @pids;
}

sub connect
{
	my ($self) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 300)
		or die "cannot connect to the front: $!";
	$s->autoflush(1);
	binmode $s;
	return $s;
}

# Cuts the first answer off a buffer. Returns it as a hash, or nothing while it is incomplete. no_body: of HEAD.
sub take_answer
{
	my ($buf, $no_body) = @_;
	$$buf =~ /\A(HTTP\/1\.1 (\d{3}) ?([^\r\n]*)\r\n((?:[^\r\n]+\r\n)*)\r\n)/ or return;
	my ($head, $status, $reason, $lines) = ($1, $2, $3, $4);
	my (%headers, @list);
	foreach my $line (split /\r\n/, $lines)
	{
		my ($name, $value) = split /:\s*/, $line, 2;
		push @list, [$name, $value];
		$headers{lc $name} = exists $headers{lc $name} ? "$headers{lc $name}, $value" : $value;
	}
	my $length = $no_body || $status == 204 || $status < 200 ? 0 : $headers{'content-length'};
	return if defined $length && length($$buf) < length($head) + $length;
	my $body = substr($$buf, length $head, $length // length $$buf);
	substr($$buf, 0, length($head) + length $body) = '';
	return {status => $status, reason => $reason, headers => \%headers, list => \@list, body => $body};
}

# Reads one answer. Remembers in the socket what came after it. Returns undef at the end of the connection or time.
sub read_answer
{
	my ($self, $s, %opt) = @_;
	my $end = time() + ($opt{timeout} // 300);
	my $buf = \${*$s}{wazo_buffer};
	$$buf //= '';
	while (1)
	{
		my $r = take_answer($buf, $opt{no_body});
		return $r if $r;
		my $left = $end - time();
		return undef if $left <= 0 || !IO::Select->new($s)->can_read($left);
		my $n = sysread($s, $$buf, 65536, length $$buf);
		return undef if !$n;
	}
}

# Whether the front closes the connection, without sending anything more.
sub closed
{
	my ($self, $s, $seconds) = @_;
	my $end = time() + ($seconds // 300);
	return 0 if length(${*$s}{wazo_buffer} // '');
	return 0 if !IO::Select->new($s)->can_read($end - time());
	my $n = sysread($s, my $buf, 4096);
	return !$n;
}

# One request over a connection of its own. Returns the answer, with key "closed" when asked by closed => 1.
sub request
{
	my ($self, $bytes, %opt) = @_;
	my $s = $self->connect;
	syswrite($s, $bytes);
	my $r = $self->read_answer($s, no_body => scalar($bytes =~ /^HEAD /), %opt);
	$r->{closed} = $self->closed($s) if $r && $opt{closed};
	return $r;
}

# A well-formed request; returns the answer.
sub call
{
	my ($self, $method, $target, %opt) = @_;
	my $body = $opt{body};
	my $bytes = "$method $target HTTP/1.1\r\nHost: localhost\r\n"
		. join('', map { "$_\r\n" } @{$opt{headers} // []})
		. (defined $body ? 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n" . ($body // '');
	return $self->request($bytes, no_body => ($method eq "HEAD" ? 1 : 0), %opt);
}

# What the echo function was given.
sub echo
{
	my ($self, $answer) = @_;
	return {} if !$answer || $answer->{status} != 200;
	return JSON::decode_json($answer->{body});
}

sub DESTROY
{
	my ($self) = @_;
	return if $$ != $self->{owner};
	local ($?, $@);
	if ($self->{front})
	{
		kill 'KILL', $self->{front};
		waitpid($self->{front}, 0);
	}
	$self->release_lock if $self->{lock};
	kill 'KILL', @{$self->{others}} if $self->{others};	# fronts that a test started by itself
	eval { $self->stop_server('immediate') };
	system('rm', '-rf', $self->{dir}) if $self->{dir} =~ m{^/tmp/wazo_front\.};
}

1;
