# The front and its database: lanes, lost connections, restarts, errors, limits.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WazoFront qw(wait_for);

my $t = WazoFront->new;
my $host = "Host: localhost\r\n";
my $r;

sub send_on_new
{
	my ($method, $target) = @_;
	my $s = $t->connect;
	syswrite($s, "$method $target HTTP/1.1\r\n$host\r\n");
	return $s;
}

# The statements of the front that run in the database now.
sub active
{
	return $t->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wazo-auth' AND state = 'active'");
}

$t->start_front('--workers', 1);

# ---- the session ----
is($t->psql("SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name <> 'psql' AND backend_type = 'client backend'"),
	'wazo-auth', 'application name');
is($t->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wazo-auth'"), 3, 'two fast connections and one slow');

# ---- errors of the database ----
foreach my $case (['P0001', 500], ['22P02', 500], ['XX000', 500], ['40001', 500], ['57P03', 503], ['08006', 503], ['53300', 503])
{
	my ($state, $status) = @$case;
	$r = $t->call('POST', "/raise/$state", body => 'x');
	is($r->{status}, $status, "SQLSTATE $state is $status");
	is($r->{headers}{'retry-after'}, $status == 503 ? 1 : undef, '... Retry-After');
	unlike($r->{body}, qr/secret|raise/, '... and tells no details');
}
is($t->call('GET', '/raise/P0001')->{body}, qq({"message": "Internal Server Error"}\n), 'body of a 500');
is($t->call('POST', '/raise/0A000')->{status}, 500, 'a stale-looking error from inside stays an error');
is($t->call('GET', '/echo')->{status}, 200, '... and service goes on');
$r = $t->call('POST', '/commit');
is($r->{status}, 500, 'an error at the commit is no success');
unlike($r->{body}, qr/not committed/, '... and the answer made before is not sent');
is($t->call('GET', '/echo')->{status}, 200, '... and service goes on');

# ---- the lanes ----
{
	my @slow = map { send_on_new('GET', '/sleep/1.5') } 1 .. 30;
	wait_for(sub { active() == 4 });
	my $start = time;
	my @took;
	for (1 .. 50)
	{
		my $before = time;
		is($t->call('HEAD', '/0.1/token/x')->{status}, 204, 'token check behind slow requests') if $_ % 10 == 0;
		$t->call('GET', '/0.1/token/x') if $_ % 10;
		push @took, time - $before;
	}
	is($t->call('POST', '/0.1/token/x/scopes/check', body => '{}')->{status}, 200, 'scope check, too');
	cmp_ok(time - $start, '<', 1.2, 'a flood of slow requests does not delay the fast lane');
	is(active(), 4, '... they are still running, four at a time');
	close $_ for @slow;
	wait_for(sub { active() == 0 }, 20);
	cmp_ok($t->psql('SELECT count(*) FROM wazo_auth.done'), '<=', 30, 'slow lane emptied');
}
foreach my $other ('/0.1/token', '/0.1/token/', '/0.1/token/x/y', '/0.1/tokens/x', '/0.1/token/x/scopes/check')
{
	my $s = send_on_new('GET', "/sleep/0?$other");
	$t->read_answer($s);
}

# ---- a backend is ended ----
{
	my $pid = $t->call('GET', '/backend')->{body};
	$t->psql("SELECT pg_terminate_backend($pid)");
	is($t->call('GET', '/echo')->{status}, 200, 'idle connection ended: the next request is served') for 1 .. 3;

	$t->psql('TRUNCATE wazo_auth.done');
	my $s = send_on_new('POST', '/sleep/2');
	wait_for(sub { active() == 1 });
	$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
	$r = $t->read_answer($s);
	is($r->{status}, 503, 'a write under way on a lost connection: 503');
	is($r->{headers}{'retry-after'}, 1, '... Retry-After');
	is($t->psql('SELECT count(*) FROM wazo_auth.done'), 0, '... and it is not sent again');

	$s = send_on_new('GET', '/sleep/0.7');
	wait_for(sub { active() == 1 });
	$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
	is($t->read_answer($s)->{status}, 200, 'a read under way is sent once more');

	my @s = map { send_on_new('GET', "/0.1/token/$_/../slow") } 1 .. 3;
	@s = map { send_on_new('HEAD', "/0.1/token/${_}slow") } 1 .. 5;
	wait_for(sub { active() >= 2 });
	$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'");
	my @status = map { my $a = $t->read_answer($_, no_body => 1); $a ? $a->{status} : 'none' } @s;
	is("@status", '204 204 204 204 204', 'pipelined token checks are sent once more');
}

# ---- the database goes and comes ----
foreach my $mode ('immediate', 'fast')
{
	my $s = send_on_new('POST', '/sleep/5');
	wait_for(sub { active() == 1 });
	$t->stop_server($mode);
	is($t->read_answer($s)->{status}, 503, "stopped ($mode): a write under way gets 503");
	wait_for(sub { $t->call('GET', '/echo')->{status} == 503 });
	my $start = time;
	for my $target ('/echo', '/0.1/token/x')
	{
		$r = $t->call('GET', $target);
		is($r->{status}, 503, "$target: 503 while it is away");
		is($r->{headers}{'retry-after'}, 1, '... Retry-After');
		like($r->{body}, qr/\A\{"message": /, '... JSON');
		ok(!defined $r->{headers}{connection}, '... the connection stays');
	}
	cmp_ok(time - $start, '<', 0.5, '... at once');
	$t->start_server;
	$start = time;
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 && $t->call('GET', '/0.1/token/x')->{status} == 200 }, 5), 'back');
	cmp_ok(time - $start, '<', 1, sprintf('... within a second (%.3f)', time - $start));
}
$t->stop_front;

# ---- the extension is replaced, dropped, created ----
$t->start_front('--workers', 1, '--slow-connections', 1);
{
	my $definition = $t->psql("SELECT pg_get_functiondef('wazo_auth.http'::regproc)");
	$t->psql("DROP FUNCTION wazo_auth.http; $definition");
	is($t->call('GET', $_)->{status}, 200, "function dropped and created: $_") for '/echo', '/0.1/token/x', '/echo', '/0.1/token/x';
	$t->psql("DROP FUNCTION wazo_auth.http; DROP TYPE wazo_auth.http_response;
		CREATE TYPE wazo_auth.http_response AS (status integer, headers text[], body bytea); $definition");
	sleep 1.1;
	is($t->call('GET', $_)->{status}, 200, "type, too: $_") for '/echo', '/0.1/token/x';
	$t->psql("DROP FUNCTION wazo_auth.http");
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 503 }, 5), 'extension gone: 503');
	$t->psql($definition);
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 && $t->call('GET', '/0.1/token/x')->{status} == 200 }, 5), 'extension back: served');
	$t->psql('ALTER TYPE wazo_auth.http_response ADD ATTRIBUTE more text');
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 500 }, 5), 'a layout that is not known: 500');
	like($t->log, qr/layout/, '... and told in the log');
	$t->psql('ALTER TYPE wazo_auth.http_response DROP ATTRIBUTE more');
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }, 5), 'layout restored: served');
}
$t->stop_front;

# ---- limits ----
$t->start_front('--workers', 1, '--max-in-flight', 6, '--slow-connections', 2, '--request-timeout', 1.2);
{
	my @s = map { send_on_new('GET', '/sleep/0.5') } 1 .. 12;
	my %count;
	foreach my $s (@s)
	{
		$r = $t->read_answer($s);
		$count{$r->{status}}++;
		is($r->{headers}{'retry-after'}, 1, 'Retry-After') if $r->{status} == 503;
	}
	is($count{200} + $count{503}, 12, 'every request is answered');
	cmp_ok($count{503}, '>=', 6, '... those above the cap with 503');
	cmp_ok($count{200}, '>=', 4, '... the others served');
	my $start = time;
	is($t->call('GET', '/sleep/20')->{status}, 504, 'deadline: 504');
	my $took = time - $start;
	ok($took > 1 && $took < 4, "... in time ($took)");
	is(active(), 0, '... and the query is cancelled');
	is($t->call('GET', '/echo')->{status}, 200, 'served again');

	# A server that does not answer at all.
	my $pid = $t->call('GET', '/backend')->{body};
	kill 'STOP', $pid;
	$start = time;
	is($t->call('GET', '/echo')->{status}, 504, 'a hanging backend: 504');
	$took = time - $start;
	ok($took > 1 && $took < 5, "... in time ($took)");
	is($t->call('GET', '/echo')->{status}, 200, '... over another connection it goes on');
	kill 'CONT', $pid;
}
$t->stop_front;

# ---- TCP, and TLS off and on are libpq's; a name that needs no DNS ----
$t->start_front('--workers', 1, '--database', "host=127.0.0.1 port=$t->{pg_port} user=postgres dbname=postgres");
is($t->call('GET', '/echo')->{status}, 200, 'over TCP');
$t->stop_server('immediate');
$t->start_server;
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }, 5), '... again after a restart');
$t->stop_front;
$t->start_front('--workers', 1, '--database', "host=localhost port=$t->{pg_port} user=postgres dbname=postgres");
is($t->call('GET', '/echo')->{status}, 200, 'over a host name');
$t->stop_front;
$t->start_front('--workers', 1, '--database', "postgresql://postgres\@127.0.0.1:$t->{pg_port}/postgres",
	'--read-database', $t->conninfo);
is($t->call('GET', $_)->{status}, 200, "URI, and another database for reads: $_") for '/echo', '/0.1/token/x';
$t->stop_front;

# ---- TLS and a password, inside the sandbox ----
{
	my $data = "$t->{dir}/pg/data";
	my $key = "$t->{dir}/pg/server";
	system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout $key.key -out $key.crt 2>/dev/null") == 0 or die;
	chmod 0600, "$key.key";
	chown((getpwnam($t->{user}))[2, 3], "$key.key", "$key.crt") if $t->{user};
	$t->psql("CREATE ROLE scram LOGIN PASSWORD 'hunter2'; GRANT USAGE ON SCHEMA wazo_auth TO scram");
	open(my $f, '>>', "$data/postgresql.conf") or die $!;
	print $f "ssl = on\nssl_key_file = '$key.key'\nssl_cert_file = '$key.crt'\n";
	close $f;
	open($f, '>', "$data/pg_hba.conf") or die $!;
	print $f "hostssl all scram 127.0.0.1/32 scram-sha-256\nlocal all all trust\nhost all postgres 127.0.0.1/32 trust\n";
	close $f;
	$t->stop_server;
	$t->start_server;
	$t->start_front('--workers', 1, '--database', "host=127.0.0.1 port=$t->{pg_port} user=scram password=hunter2 dbname=postgres");
	is($t->call('GET', '/echo')->{status}, 200, 'TLS and SCRAM');
	is($t->psql("SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE ssl AND usename = 'scram'"), 3, '... all connections');
	is(length($t->call('GET', '/big/3000000')->{body}), 3000000, '... a long answer');
	is($t->call('POST', '/echo', body => 'x' x 500000)->{status}, 200, '... a long body');
	$t->stop_server('immediate');
	$t->start_server;
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }, 5), '... again after a restart');
	$t->psql("ALTER ROLE scram PASSWORD 'other'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scram'");
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 503 }, 5), 'wrong password: 503');
	unlike($t->log, qr/hunter2/, '... and no password in the log');
	$t->stop_front;
}

# ---- no database from the start ----
$t->stop_server('immediate');
$t->start_front('--workers', 1);
is($t->call('GET', '/echo')->{status}, 503, 'started without a database: 503');
$t->start_server;
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }, 3), '... served once it is there');
unlike($t->log, qr/ended by signal|ended with status/, 'no worker died');

done_testing();
