# /metrics, the log as JSON, and what is told of a slow request.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use IO::Socket::INET;
use JSON ();
use PostgreSQL::Test::Utils;
use Test::More;
use WazoNode;

my $node = new_node('metrics', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0");
$node->start;
add_database($node, 'app');
$node->safe_psql('app', q{SELECT wazo_auth.bootstrap('boss', 'boss-s3cret')});
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $front = start_front($node, 'app', '--workers', 2, '--metrics-port', $port, '--log-format', 'json', '--slow-request', 0.1);
sub metrics { return HTTP::Tiny->new(timeout => 60)->get("http://127.0.0.1:$port/metrics") }
sub sample { my ($name) = @_; return metrics()->{content} =~ /^\Q$name\E (\S+)$/m ? $1 : undef }

# ---- what is counted, over both workers ----
my $token = JSON::decode_json(call($front, 'POST', '/0.1/token', login => 'boss:boss-s3cret', body => '{}')->{content})->{data}{token};
call($front, 'POST', '/0.1/token', login => 'boss:wrong', body => '{}') for 1 .. 2;
call($front, 'HEAD', "/0.1/token/$token") for 1 .. 20;
call($front, 'HEAD', '/0.1/token/7c0f2d6e-0000-4000-8000-0123456789ab') for 1 .. 3;
call($front, 'GET', '/0.1/users?search=s3cret', headers => { 'X-Auth-Token' => $token });
my $answer = metrics();
is($answer->{status}, 200, '/metrics answers');
like($answer->{headers}{'content-type'}, qr{^text/plain; version=0\.0\.4}, '... in the format of Prometheus');
is(sample('wazo_auth_logins_total{outcome="granted"}'), 1, 'logins');
is(sample('wazo_auth_logins_total{outcome="refused"}'), 2, '... refused');
is(sample('wazo_auth_checks_total{outcome="granted"}'), 20, 'token checks');
is(sample('wazo_auth_checks_total{outcome="unknown"}'), 3, '... of tokens that there are not');
is(sample('wazo_auth_request_seconds_count{lane="fast"}'), 23, 'times by lane');
is(sample('wazo_auth_requests_total{route="/users",method="GET",status="200"}'), 1, 'requests by route and status');
is(sample('wazo_auth_requests_total{route="/token/{token_uuid}",method="HEAD",status="404"}'), 3, '... also of the fast lane');
is(sample('wazo_auth_requests_total{route="/token",method="POST",status="401"}'), 2, '... and of logins');
cmp_ok(sample('wazo_auth_database_connections{lane="fast",state="ready"}'), '>=', 2, 'connections of all workers');
is(sample('wazo_auth_database_up'), 1, 'the database is there');
is(sample('wazo_auth_queue_parked{queue="events"}'), 0, '... with its queues');
is(sample('wazo_auth_database_worker_ok{worker="relay",queue="events"}'), 1, '... and its workers');
unlike($answer->{content}, qr/s3cret|boss|\Q$token\E|7c0f2d6e/, 'nothing about users');
is(HTTP::Tiny->new->get("http://127.0.0.1:$port/0.1/users")->{status}, 404, 'that port serves nothing else');
is(call($front, 'GET', '/metrics')->{status}, 404, "nor the API's the metrics");

# One that says nothing holds it up for seconds, not for ever.
my $silent = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
is(metrics()->{status}, 200, 'a silent client does not end it');
close $silent;

# ---- a slow request ----
my $held = $node->background_psql('app');
$held->query_safe('BEGIN; LOCK TABLE wazo_auth.policy IN ACCESS EXCLUSIVE MODE');
my $pid = fork() // die "fork: $!";
if ($pid == 0)
{
	call($front, 'GET', "/0.1/policies?x=1", headers => { 'X-Auth-Token' => $token, traceparent => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
	POSIX::_exit(0);
}
until_true(sub { (sample('wazo_auth_database_requests{lane="slow"}') // 0) == 1 }, 60);
is(sample('wazo_auth_database_requests{lane="slow"}'), 1, 'a request that the database is at');
$node->poll_query_until('app', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')});
is($node->safe_psql('app', q{SELECT application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock'}), 'wazo-auth 0af7651916cd43dd8448eb211c80319c',
	'the activity of the server tells whose it is');
$node->poll_query_until('app', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND clock_timestamp() - query_start > '0.2 s')});
$held->query_safe('ROLLBACK');
$held->quit;
waitpid($pid, 0);
until_true(sub { slurp_file($front->{log}) =~ m{slow request: GET /0\.1/policies} }, 60);
is($node->safe_psql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '0af7651916cd'}), '0', '... until it is over');

# ---- a client that is slow to take its answer ----
{
	# more than the buffers of both sockets take
	$node->safe_psql('app', q{SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'long' || p, array_agg(repeat('a', 90) || '.' || i)::wazo_auth.acl)
		FROM generate_series(1, 16) p, generate_series(1, 9000) i GROUP BY p});
	my $reader = IO::Socket::INET->new(Proto => 'tcp') or die $!;
	$reader->sockopt(Socket::SO_RCVBUF(), 4096);
	connect($reader, Socket::pack_sockaddr_in($front->{url} =~ /:(\d+)$/, Socket::inet_aton('127.0.0.1'))) or die $!;
	syswrite $reader, "GET /0.1/policies?limit=50 HTTP/1.0\r\nX-Auth-Token: $token\r\ntraceparent: 00-0000000000000000ffffffffffffffff-b7ad6b7169203331-00\r\n\r\n";
	until_true(sub { slurp_file($front->{log}) =~ m{policies\?limit=50} }, 60);
	select undef, undef, undef, 0.3;
	local $/;
	cmp_ok(length(<$reader> // ''), '>', 10_000_000, 'a long answer, in the end');
	ok(until_true(sub { slurp_file($front->{log}) =~ m{slow request: GET /0\.1/policies\S+ \(route /policies\), 200 after \d+ ms: \d+ ms in the queue of the slow lane, \d+ ms in the database, [1-9]\d{2,} ms to send, trace 0{16}f{16}} }, 60),
		'... whose client was slow') or diag(slurp_file($front->{log}));
}
my @lines = grep { /^\{/ } split /\n/, slurp_file($front->{log});
my @objects = map { JSON::decode_json($_) } @lines;
is(scalar(@objects), scalar(() = slurp_file($front->{log}) =~ /^(?!wazo-auth: ).+$/mg), 'each line of the log is an object');
my ($slow) = grep { ($_->{message} // '') =~ m{^slow request: GET /0\.1/policies\?x} } @objects;
like($slow->{message}, qr{^slow request: GET /0\.1/policies\?x=\S* \(route /policies\), 200 after \d+ ms: \d+ ms in the queue of the slow lane, \d{2,} ms in the database, \d+ ms to send, trace 0af7651916cd43dd8448eb211c80319c$}, 'where its time went')
  or diag($slow->{message} // 'none');
my ($access) = grep { ($_->{target} // '') =~ m{^/0\.1/policies\?x} } @objects;
is("$access->{method} $access->{route} $access->{status} $access->{peer} $access->{trace}", 'GET /policies 200 127.0.0.1 0af7651916cd43dd8448eb211c80319c', 'the access log has members');
unlike(slurp_file($front->{log}), qr/boss-s3cret|\Q$token\E/, 'and no secret');

# ---- a worker that is killed; the process for metrics that is; a database that is away ----
sub read_proc { open(my $f, '<', "/proc/$_[0]") or return ''; local $/; return <$f> // '' }
sub children { return grep { read_proc("$_/cmdline") ne '' } split ' ', read_proc("$front->{pid}/task/$front->{pid}/children") }
my $checks = sample('wazo_auth_checks_total{outcome="granted"}');
my ($worker) = grep { read_proc("$_/cmdline") !~ /metrics/ } children();
kill 'KILL', $worker;
ok(until_true(sub { (sample('wazo_auth_worker_restarts_total') // 0) == 1 }, 60), 'a killed worker is counted');
is(sample('wazo_auth_checks_total{outcome="granted"}'), $checks, '... and what it had counted stays');
my ($server) = grep { read_proc("$_/cmdline") =~ /metrics/ } children();
like(read_proc("$server/status"), qr/^Seccomp:\s+2$/m, 'the listener is in a sandbox');
kill 'KILL', $server;
ok(until_true(sub { metrics()->{status} == 200 }, 60), 'a killed listener comes back');
$node->stop;
is(sample('wazo_auth_database_up'), 0, 'a database that is away');
$node->start;
ok(until_true(sub { (sample('wazo_auth_database_up') // 0) == 1 }, 60), '... and back');
stop_front($front);
is(metrics()->{status}, 599, 'it ends with the front');

done_testing();
