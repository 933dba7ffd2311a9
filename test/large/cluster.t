# The layout of docs/scaling.md for real: etcd, two servers under Patroni,
# HAProxy before them, a front before that. The leader is killed while token
# checks run, comes back as a replica, and takes over again.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/../lib";
use HTTP::Tiny;
use IPC::Run;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);
use WazoNode;
use WazoPort;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my %port = map { $_ => WazoPort::free_port() } qw(etcd etcd_peer writes reads a a_rest b b_rest);
my %pid;

# A program in a process group of its own, its output in a file.
sub start_program
{
	my ($name, @command) = @_;
	$pid{$name} = fork() // die "fork: $!";
	if ($pid{$name} == 0)
	{
		POSIX::setpgid(0, 0);
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$dir/$name.log");
		open(STDERR, '>&', \*STDOUT);
		exec(@command) or POSIX::_exit(127);
	}
	return;
}
sub kill_group
{
	my ($name, $signal) = @_;
	return if !$pid{$name};
	kill $signal, -$pid{$name};
	waitpid($pid{$name}, 0);
	delete $pid{$name};
	return;
}
sub rest { return HTTP::Tiny->new(timeout => 2)->get("http://127.0.0.1:$port{\"$_[0]_rest\"}/$_[1]")->{status} }

sub write_file
{
	my ($name, $text) = @_;
	open(my $f, '>', "$dir/$name") or die "$name: $!";
	print $f $text;
	close $f;
	return "$dir/$name";
}

sub start_member
{
	my ($name) = @_;
	my $file = write_file("$name.yml", <<"EOF");
scope: wazo
name: $name
restapi: {listen: "127.0.0.1:$port{"${name}_rest"}", connect_address: "127.0.0.1:$port{"${name}_rest"}"}
etcd3: {host: "127.0.0.1:$port{etcd}"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    postgresql:
      use_pg_rewind: true
      parameters:
        shared_preload_libraries: wazo_auth
        wazo_auth.secret_key_file: $ENV{WAZO_AUTH_SECRET_KEY_FILE}
        max_worker_processes: 16
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}]
postgresql:
  listen: "127.0.0.1:$port{$name}"
  connect_address: "127.0.0.1:$port{$name}"
  data_dir: $dir/$name
  bin_dir: $ENV{PG_BINDIR}
  pgpass: $dir/$name.pgpass
  parameters: {unix_socket_directories: "$dir"}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  authentication:
    superuser: {username: postgres, password: postgres}
    replication: {username: replicator, password: replicator}
    rewind: {username: postgres, password: postgres}
EOF
	start_program($name, 'patroni', $file);
	return;
}

start_program('etcd', 'etcd', '--data-dir', "$dir/etcd", '--listen-client-urls', "http://127.0.0.1:$port{etcd}", '--advertise-client-urls', "http://127.0.0.1:$port{etcd}",
	'--listen-peer-urls', "http://127.0.0.1:$port{etcd_peer}", '--initial-advertise-peer-urls', "http://127.0.0.1:$port{etcd_peer}", '--initial-cluster', "default=http://127.0.0.1:$port{etcd_peer}");
start_member('a');
ok(until_true(sub { rest('a', 'primary') == 200 }), 'the first member leads');
start_member('b');
ok(until_true(sub { rest('b', 'replica') == 200 }), 'the second one follows');

# /read-only is said by both: without a replica the leader answers checks
my $haproxy = write_file('haproxy.cfg', <<"EOF");
defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
listen writes
  bind 127.0.0.1:$port{writes}
  option httpchk GET /primary
  server a 127.0.0.1:$port{a} check port $port{a_rest}
  server b 127.0.0.1:$port{b} check port $port{b_rest}
backend leader_too
  option httpchk GET /read-only
  server a 127.0.0.1:$port{a} check port $port{a_rest}
  server b 127.0.0.1:$port{b} check port $port{b_rest}
backend replicas
  option httpchk GET /replica
  server a 127.0.0.1:$port{a} check port $port{a_rest}
  server b 127.0.0.1:$port{b} check port $port{b_rest}
frontend reads
  bind 127.0.0.1:$port{reads}
  use_backend leader_too if { nbsrv(replicas) eq 0 }
  default_backend replicas
EOF
start_program('haproxy', 'haproxy', '-db', '-f', $haproxy);
my $writes = "host=127.0.0.1 port=$port{writes} user=postgres";

sub sql
{
	my ($database, $sql) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', "$writes dbname=$database", '-f', '-' ], '<', \$sql, '>', \$out, '2>', \$err) or return "failed: $err";
	chomp $out;
	return $out;
}
# HAProxy takes servers for up until it has looked
my $right = 0;
ok(until_true(sub { $right = sql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' ? $right + 1 : 0; return $right >= 30 }), 'the way for writes leads to the leader');
is(sql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'"), '', 'a database');
is(sql('app', q{CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap() \g /dev/null
	SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', authentication_method => 'native') \g /dev/null
	CREATE ROLE front LOGIN IN ROLE wazo_auth_front}), '', '... with a user');
my $front = { url => "http://127.0.0.1:" . ($port{front} = WazoPort::free_port()) };
start_program('front', $ENV{WAZO_AUTH_FRONT}, '-c', '', '--listen-port', $port{front}, '--workers', 2,
	'--database', "host=127.0.0.1 port=$port{writes} user=front dbname=app", '--read-database', "host=127.0.0.1 port=$port{reads} user=front dbname=app");

sub login
{
	my $answer = call($front, 'POST', '/0.1/token', login => 'jane:secret', body => '{"expiration": 3600}');
	note "$answer->{status} $answer->{content}" if $answer->{status} != 200;
	my ($token) = ($answer->{content} // '') =~ /"token": "([0-9a-f-]{36})"/;
	return ($token, $answer->{headers}{'wazo-auth-transaction'});
}
my ($token, $gone);
ok(until_true(sub { ($token) = login(); return $token }), 'a login');
($gone) = login();
my $ended = call($front, 'DELETE', "/0.1/token/$gone")->{headers}{'wazo-auth-transaction'};
is(call($front, 'HEAD', "/0.1/token/$gone", headers => { 'Wazo-Auth-Transaction' => $ended })->{status}, 404, 'a revocation, seen at once');
ok(until_true(sub { call($front, 'HEAD', "/0.1/token/$gone")->{status} == 404 }), '... and soon by who does not ask for it');
is(sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'front' AND query LIKE '%http_batch%'}), '0', 'the leader is asked for no check');

# Checks a live and an ended token until it is told to stop; returns a function that does that and returns what the answers were.
sub checker
{
	pipe(my $from, my $to) or die "pipe: $!";
	my $child = fork() // die "fork: $!";
	if ($child == 0)
	{
		my ($stop, %count) = (0);
		local $SIG{TERM} = sub { $stop = 1 };
		my $http = HTTP::Tiny->new(timeout => 60);
		until ($stop)
		{
			$count{ 'live ' . call($front, 'HEAD', "/0.1/token/$token", http => $http)->{status} }++;
			$count{ 'ended ' . call($front, 'HEAD', "/0.1/token/$gone", http => $http)->{status} }++;
		}
		print $to join(',', map { "$_: $count{$_}" } sort keys %count), "\n";
		close $to;
		POSIX::_exit(0);
	}
	close $to;
	return sub { kill 'TERM', $child; my $line = <$from>; waitpid($child, 0); note $line; return $line };
}
sub during
{
	my ($what, $code) = @_;
	my @checkers = map { checker() } 1 .. 4;
	my $start = time;
	$code->();
	ok(until_true(sub { my ($new) = login(); return $new }), "$what: logins again");
	note sprintf '%s: logins after %.1f s', $what, time - $start;
	my %kinds = map { s/: \d+//gr => 1 } map { split /,/, $_->() =~ s/\n//r } @checkers;
	is(join(', ', sort keys %kinds), 'ended 404, live 204', "$what: no token check failed and none was wrong");
	return;
}
during('the leader is killed', sub {
	kill_group('a', 'KILL');
	my ($postmaster) = slurp_file("$dir/a/postmaster.pid") =~ /^(\d+)$/m;
	kill 'KILL', $postmaster;
	return;
});
is(rest('b', 'primary'), 200, 'the other leads');
start_member('a');
ok(until_true(sub { rest('a', 'replica') == 200 }), 'the killed one comes back and follows');
during('a switchover', sub {
	my $answer = HTTP::Tiny->new->post("http://127.0.0.1:$port{b_rest}/switchover", { content => '{"leader": "b", "candidate": "a"}', headers => { 'Content-Type' => 'application/json' } });
	is($answer->{status}, 200, 'a switchover is asked for');
});
is(rest('a', 'primary'), 200, 'the first one leads again');
ok(until_true(sub { sql('app', "SELECT string_agg(DISTINCT state, ',') FROM wazo_auth.worker_status") eq 'running' }), 'its workers work');

done_testing();

END
{
	my $status = $?;
	kill_group($_, 'TERM') foreach grep { defined $pid{$_} } qw(front haproxy);
	foreach my $member (grep { defined $pid{$_} } qw(a b)) { kill_group($member, 'KILL') }
	foreach my $data (qw(a b)) { system("$ENV{PG_BINDIR}/pg_ctl", '-s', '-D', "$dir/$data", '-m', 'immediate', 'stop') if -e "$dir/$data/postmaster.pid" }
	kill_group('etcd', 'TERM');
	$? = $status;
}
