# The front and its database: lanes, lost connections, restarts, errors, limits.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep);
use WazoFront qw(wait_for);

my $t = WazoFront->new;
my $host = "Host: localhost\r\n";
my $r;

sub send_on
{
	my ($s, $method, $target, %opt) = @_;
	my $body = $opt{body} // '';
	syswrite($s, "$method $target HTTP/1.1\r\n$host" . join('', map { "$_\r\n" } @{$opt{headers} // []})
		. (length $body ? 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n$body");
	return $s;
}
sub send_on_new { return send_on($t->connect, @_) }

# The statuses of the answers, in the order of the connections.
sub statuses
{
	return join(' ', map { my $a = $t->read_answer($_, no_body => 1); $a ? $a->{status} : 'none' } @_);
}

# Whether nothing has come back so far.
sub silent
{
	return !IO::Select->new(@_)->can_read(0);
}

# The statements of the front that run in the database now.
sub active
{
	return $t->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wazo-auth' AND state = 'active'");
}

# The front answers before all of its connections are there.
sub has_connections
{
	my ($n, $which, $what) = @_;
	my $count = sub { return $t->psql("SELECT count(*) FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s USING (pid) WHERE $which") };
	wait_for(sub { $count->() >= $n });
	return is($count->(), $n, $what);
}

# What of the front's log matches, once it does.
sub logged
{
	my ($pattern) = @_;
	return wait_for(sub { $t->log =~ $pattern });
}

my @long = ('--request-timeout', 600, '--fast-timeout', 600, '--queue-wait', 600);	# no limit plays a part
$t->start_front('--workers', 1, '--reconnect-wait', 0.1, @long);

# ---- the session ----
has_connections(4, "a.application_name = 'wazo-auth'", 'two fast connections, one for logins, one slow');
is($t->psql("SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name <> 'psql' AND backend_type = 'client backend'"),
	'wazo-auth', 'application name');

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
	$t->hold_lock;
	my @slow = map { send_on_new('GET', '/echo?lock') } 1 .. 30;
	wait_for(sub { $t->waiting >= 4 });
	is(statuses(map { send_on_new('HEAD', "/0.1/token/$_") } 1 .. 50), '204 ' x 49 . '204', 'token checks behind slow requests');
	is($t->call('POST', '/0.1/token/x/scopes/check', body => '{}')->{status}, 200, 'scope check, too');
	my @basic = (headers => ['Authorization: Basic eDp4']);
	my @logins = map { send_on_new('POST', '/0.1/token?lock', @basic) } 1 .. 30;
	wait_for(sub { $t->waiting >= 8 });
	is($t->waiting, 8, 'four slow requests and four logins are in the database');
	is(statuses(send_on_new('HEAD', '/0.1/token/x')), 204, 'token check behind logins');
	is(statuses(send_on_new('GET', '/0.1/tenants')), 200, "somebody's tenants, too");
	my $long = send_on_new('GET', '/0.1/tenants', headers => ['X-Long: 1']);
	ok(silent(@slow, @logins), '... while none of the others is answered');
	$t->release_lock;
	is(statuses(@slow, @logins), '200 ' x 59 . '200', 'all are answered in the end');
	is(statuses($long), 200, '... and tenants that are not quick to tell, behind them');
	is($t->psql('SELECT count(*) FROM wazo_auth.done'), 60, '... each done once');

	$t->hold_lock;
	@logins = map { send_on_new(@$_) } map { (['POST', '/0.1/token?lock', @basic], ['PUT', '/0.1/users/u/password?lock'],
		['POST', '/0.1/users/password/reset?lock'], ['GET', '/0.1/users/password/reset?lock'], ['POST', '/0.1/users/register?lock']) } 1 .. 4;
	wait_for(sub { $t->waiting >= 4 });
	is($t->call('GET', '/echo')->{status}, 200, 'logins hold up no management');
	is($t->call('POST', '/0.1/token')->{status}, 200, '... nor a login without a password');
	ok(silent(@logins), '... and wait themselves');
	$t->release_lock;
	is(statuses(@logins), '200 ' x 19 . '200', '... and are answered');

	# what a caller can make large is not for the fast lane
	$t->hold_lock;
	my @large = map { send_on_new('POST', "/0.1/token/$_/scopes/check?lock", body => 'x' x 4097) } 1 .. 20;
	wait_for(sub { $t->waiting >= 4 });
	is(statuses(map { send_on_new('HEAD', "/0.1/token/$_") } 1 .. 50), '204 ' x 49 . '204', 'long scope checks hold up no token check');
	is($t->call('POST', '/0.1/token/x/scopes/check', body => 'x' x 4096)->{status}, 200, '... nor a short one');
	ok(silent(@large), '... and wait themselves');
	$t->release_lock;
	is(statuses(@large), '200 ' x 19 . '200', '... and are answered');

	# one that is held up in the pipeline has no others sent behind it
	$t->hold_lock;
	my @held = map { send_on_new('HEAD', '/0.1/token/x?lock') } 1 .. 2;
	wait_for(sub { $t->waiting >= 1 });
	Time::HiRes::sleep(0.2);	# longer than it takes to be seen as held up
	is(statuses(map { send_on_new('HEAD', "/0.1/token/$_") } 1 .. 50), '204 ' x 49 . '204', 'token checks held up: the others go over more connections');
	ok(silent(@held), '... while those wait');
	$t->release_lock;
	is(statuses(@held), '204 204', '... and are answered');
}
foreach my $other ('/0.1/token', '/0.1/token/', '/0.1/token/x/y', '/0.1/tokens/x', '/0.1/token/x/scopes/check')
{
	is(statuses(send_on_new('GET', "$other?backend")), 200, "GET $other is served");
}

# who is asked for what is quick only
foreach my $case ([ '/0.1/tenants', 1 ], [ '/0.1/tenants', 0, 'X-Long: 1' ], [ '/0.1/tenants?', 0 ], [ '/0.1/tenants/x', 0 ], [ '/0.1/users', 0 ],
	[ '/0.1/users', 0, 'Wazo-Auth-Quick-Only: 1' ], [ '/0.1/tenants', 0, 'wazo-auth-quick-only: 1', 'X-Long: 1' ])
{
	my ($target, $quick, @headers) = @$case;
	my $answer = $t->call('GET', $target, headers => \@headers);
	is($answer->{status}, 200, join(' ', $target, @headers) . ' is answered');
	is(scalar(() = $answer->{body} =~ /Wazo-Auth-Quick-Only/gi), $quick, $quick ? '... by who may refuse' : '... by who may not');
}

# ---- a backend is ended ----
$t->stop_front;
$t->start_front('--workers', 1, '--reconnect-wait', 600, @long);
{
	my $pid = $t->call('GET', '/?backend')->{body};
	$t->psql("SELECT pg_terminate_backend($pid)");
	is($t->call('GET', '/echo')->{status}, 200, 'idle connection ended: the next request is served') for 1 .. 3;

	my $end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wazo-auth'";
	$t->psql('TRUNCATE wazo_auth.done');
	$t->hold_lock;
	my $s = send_on_new('POST', '/echo?lock');
	wait_for(sub { $t->waiting >= 1 });
	$t->psql($end);
	$r = $t->read_answer($s);
	is($r->{status}, 503, 'a write under way on a lost connection: 503');
	is($r->{headers}{'retry-after'}, 1, '... Retry-After');
	$t->release_lock;
	is($t->call('GET', '/echo')->{status}, 200, '... service goes on');
	is($t->psql('SELECT count(*) FROM wazo_auth.done'), 0, '... and it is not sent again');

	foreach my $case (['GET', '/echo?lock', 1, 200], ['HEAD', '/0.1/token/x?lock', 5, 204], ['POST', '/0.1/token/x/scopes/check?lock', 5, 200],
		['GET', '/0.1/users/password/reset?lock', 1, 503])
	{
		my ($method, $target, $n, $status) = @$case;
		$t->hold_lock;
		my @s = map { send_on_new($method, $target) } 1 .. $n;
		wait_for(sub { $t->waiting >= 1 });
		my $before = $t->psql("SELECT min(backend_start) FROM pg_stat_activity WHERE application_name = 'wazo-auth' AND wait_event = 'advisory'");
		$t->psql($end);
		wait_for(sub { $t->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wazo-auth'
			AND wait_event = 'advisory' AND backend_start > '$before'") > 0 }) if $status != 503;
		$t->release_lock;
		is(statuses(@s), join(' ', ($status) x $n), "$method $target under way, $n of them: $status");
	}
}

# ---- the database goes and comes ----
$t->stop_front;
$t->start_front('--workers', 1, '--reconnect-wait', 0.1, @long);
foreach my $mode ('immediate', 'fast')
{
	# it waits for nothing that the end of another session sets free
	my $s = send_on_new('POST', '/sleep/600');
	wait_for(sub { active() == 1 });
	$t->stop_server($mode);
	is($t->read_answer($s)->{status}, 503, "stopped ($mode): a write under way gets 503");
	ok(logged(qr/the database is away \(fast lane\)/) && logged(qr/the database is away \(slow lane\)/), '... and the log tells');
	for my $target ('/echo', '/0.1/token/x')
	{
		$r = $t->call('GET', $target);
		is($r->{status}, 503, "$target: 503 while it is away");
		is($r->{headers}{'retry-after'}, 1, '... Retry-After');
		like($r->{body}, qr/\A\{"message": /, '... JSON');
		ok(!defined $r->{headers}{connection}, '... the connection stays');
	}
	$t->start_server;
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 && $t->call('GET', '/0.1/token/x')->{status} == 200 }), 'back');
}
$t->stop_front;

# ---- requests wait a moment for a database that is away, but not any number of them ----
$t->start_front('--workers', 1, '--reconnect-wait', 600, @long);
foreach my $mode ('fast', 'immediate')
{
	$t->stop_server($mode);
	my @s = map { send_on_new(@$_) } ['GET', '/echo'], ['POST', '/echo'], ['POST', '/0.1/token', headers => ['Authorization: Basic eDp4']], ['HEAD', '/0.1/token/x'];
	logged(qr/the database is away \($_ lane\)/) for qw(fast login slow);
	ok(silent(@s), "stopped ($mode): requests wait");
	$t->start_server;
	is(statuses(@s), '200 200 200 204', '... and are served when it is back');
	$t->stop_front;
	$t->start_front('--workers', 1, '--reconnect-wait', 600, @long);
}
{
	$t->stop_server;
	my @s = map { send_on_new('GET', '/echo') } 1 .. 100;
	my @refused;
	wait_for(sub { push @refused, IO::Select->new(grep { my $s = $_; !grep { $_ == $s } @refused } @s)->can_read(0.1); @refused >= 36 });
	is(scalar(@refused), 36, '64 of a hundred wait');
	is(statuses(@refused), '503 ' x 35 . '503', '... the others are refused at once');
	$t->start_server;
	my @waited = grep { my $s = $_; !grep { $_ == $s } @refused } @s;
	is(statuses(@waited), '200 ' x 63 . '200', '... those are served when it is back');
}
$t->stop_front;

# ---- the extension is replaced, dropped, created ----
$t->start_front('--workers', 1, '--slow-connections', 1, '--reconnect-wait', 0.1);
{
	my $definition = $t->psql("SELECT pg_get_functiondef('wazo_auth.http'::regproc)");
	my $batch = $t->psql("SELECT pg_get_functiondef('wazo_auth.http_batch'::regproc)");
	$t->psql("DROP FUNCTION wazo_auth.http; $definition");
	is($t->call('GET', $_)->{status}, 200, "function dropped and created: $_") for '/echo', '/0.1/token/x', '/echo', '/0.1/token/x';
	$t->psql("DROP FUNCTION wazo_auth.http, wazo_auth.http_batch; DROP TYPE wazo_auth.http_response;
		CREATE TYPE wazo_auth.http_response AS (status integer, headers text[], body bytea); $definition; $batch");
	sleep 1.1;
	is($t->call('GET', $_)->{status}, 200, "type, too: $_") for '/echo', '/0.1/token/x';
	$t->psql("DROP FUNCTION wazo_auth.http");
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 503 }), 'extension gone: 503');
	ok(logged(qr/cannot set up the database session.*function wazo_auth\.http\(.*\) does not exist/), '... and the log tells the reason');
	$t->psql($definition);
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 && $t->call('GET', '/0.1/token/x')->{status} == 200 }), 'extension back: served');
	$t->psql('ALTER TYPE wazo_auth.http_response ADD ATTRIBUTE more text');
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 500 }), 'a layout that is not known: 500');
	like($t->log, qr/layout/, '... and told in the log');
	$t->psql('ALTER TYPE wazo_auth.http_response DROP ATTRIBUTE more');
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), 'layout restored: served');
}
$t->stop_front;

# ---- shares and turns ----
$t->start_front('--workers', 1, '--max-in-flight', 6, '--slow-connections', 1, '--num-proxies', 1, @long);
{
	my $from = sub { my ($peer, $n) = @_; return send_on_new('GET', "/echo?lock-$peer-$n", headers => ["X-Forwarded-For: $peer"]) };
	$t->psql('TRUNCATE wazo_auth.done');
	$t->hold_lock;
	my @a = map { $from->('192.0.2.1', $_) } 1 .. 3;
	my @over = map { $from->('192.0.2.1', $_) } 4 .. 6;
	is(statuses(@over), '503 503 503', 'one peer gets half of the room, what is more is refused at once');
	my $b = $from->('192.0.2.2', 1);
	is(statuses(send_on_new('GET', '/echo', headers => ['X-Forwarded-For: 192.0.2.1'])), 503, '... however often it asks');
	ok(silent($b), '... others find room');
	$t->release_lock;
	is(statuses(@a, $b), '200 200 200 200', '... and all that was taken is answered');
	is($t->psql("SELECT string_agg(substr(target, 12), ' ' ORDER BY at) FROM wazo_auth.done"),
		'192.0.2.1-1 192.0.2.1-2 192.0.2.2-1 192.0.2.1-3', '... in turns');
}
$t->stop_front;
$t->start_front('--workers', 1, '--slow-connections', 1, @long);
{
	my $of = sub { my ($tenant, $n) = @_; return send_on_new('GET', "/echo?lock-$tenant", headers => ["Wazo-Tenant: 00000000-0000-4000-8000-00000000000$tenant"]) };
	$t->psql('TRUNCATE wazo_auth.done');
	$t->hold_lock;
	my @s = $of->(1);
	wait_for(sub { $t->waiting >= 1 });
	push @s, $of->(1) for 1 .. 5;
	# answered after those before it have been read
	is(statuses(send_on_new('HEAD', '/0.1/token/x')), 204, 'five requests for a tenant wait');
	push @s, $of->(2);
	is(statuses(send_on_new('HEAD', '/0.1/token/x')), 204, '... and one for another, of the same peer');
	$t->release_lock;
	is(statuses(@s), '200 ' x 6 . '200', '... all are answered');
	is($t->psql("SELECT string_agg(substr(target, 12), ' ' ORDER BY at) FROM wazo_auth.done"), '1 1 2 1 1 1 1', '... in turns of the tenants');
}
$t->stop_front;

# ---- what would wait too long is refused at once ----
$t->start_front('--workers', 1, '--slow-connections', 1, '--request-timeout', 600, '--queue-wait', 2);
{
	# a few slow ones teach how long one takes
	is($t->call('GET', '/sleep/2')->{status}, 200, 'slow request') for 1 .. 4;
	$t->hold_lock;
	my $first = send_on_new('GET', '/echo?lock');
	wait_for(sub { $t->waiting >= 1 });
	my @s = map { send_on_new('GET', '/echo') } 1 .. 30;
	my @refused;
	ok(wait_for(sub { @refused = IO::Select->new(@s)->can_read(0.1); @refused > 0 }), 'with slow requests in work some are refused');
	my $early = grep { my $a = $t->read_answer($_); $a->{status} == 503 && $a->{headers}{'retry-after'} == 1 } @refused;
	is($early, scalar(@refused), '... with 503 and Retry-After');
	ok(silent($first), '... while the one before them is still in work');
	my @rest = grep { my $s = $_; !grep { $_ == $s } @refused } @s;
	is(statuses(@rest), join(' ', (503) x @rest), '... and so are the others, when they have waited long enough');
	$t->release_lock;
	is(statuses($first), 200, '... that one is answered');
}
$t->stop_front;

# ---- time limits ----
$t->start_front('--workers', 1, '--slow-connections', 2, '--request-timeout', 1.2);
{
	$t->psql('TRUNCATE wazo_auth.done');
	is($t->call('GET', '/sleep/600')->{status}, 504, 'deadline: 504');
	ok(wait_for(sub { active() == 0 }), '... and the query is cancelled');
	is($t->psql('SELECT count(*) FROM wazo_auth.done'), 0, '... not done');
	is($t->call('GET', '/echo')->{status}, 200, 'served again');

	# A server that does not answer at all.
	my $pid = $t->call('GET', '/?backend')->{body};
	kill 'STOP', $pid;
	is($t->call('GET', '/echo')->{status}, 504, 'a hanging backend: 504');
	is($t->call('GET', '/echo')->{status}, 200, '... over another connection it goes on');
	ok(logged(qr/does not answer in time/), '... that one is given up');
	kill 'CONT', $pid;
	ok(wait_for(sub { $t->psql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") == 0 }), '... and it ends when it can');
}
$t->stop_front;

# ---- what came in together goes together; an older extension takes one by one ----
# one loop turn of the worker: it has taken their connections before, and is stopped while they come in
sub together
{
	my (@requests) = @_;
	my ($worker) = $t->workers;
	my @s = map { send_on_new('HEAD', '/0.1/token/x') } @requests;
	$t->read_answer($_, no_body => 1) for @s;
	batches();
	kill 'STOP', $worker;
	send_on($s[$_], @{ $requests[$_] }) for 0 .. $#s;
	kill 'CONT', $worker;
	return @s;
}

sub batches
{
	return map { [split /\|/] } $t->psql('WITH d AS (DELETE FROM wazo_auth.batch RETURNING n) SELECT count(*), COALESCE(sum(n), 0) FROM d');
}

foreach my $how ('together', 'one by one')
{
	my $batch = $t->psql("SELECT pg_get_functiondef('wazo_auth.http_batch'::regproc)");
	$t->psql('DROP FUNCTION wazo_auth.http_batch') if $how eq 'one by one';
	my $together = $how eq 'together';

	$t->start_front('--workers', 1, '--fast-connections', 1, '--fast-timeout', 12, '--queue-wait', 600, '--reconnect-wait', 600);
	is($t->call('GET', '/0.1/token/x')->{status}, 200, "$how: a lone request");
	$t->psql('TRUNCATE wazo_auth.batch');
	my @s = together(map { ['GET', "/0.1/token/$_", headers => ["X-Number: $_"]] } 1 .. 30);
	is(join(' ', map { $t->read_answer($_)->{body} } @s), join(' ', map { "/0.1/token/$_" } 1 .. 30), '... each gets its own answer');
	my ($statements, $requests) = @{(batches())[0]};
	# the worker may have seen them come in several loop turns
	ok($together ? $statements < 8 && $requests > 20 : $statements == 0, "... $requests of them in $statements statements");
	@s = together(map { ['POST', '/0.1/token/x/scopes/check', body => 'b' x $_] } 1, 4000, 5000);
	is(statuses(@s), '200 200 200', '... with bodies');
	ok((batches())[0][1] <= 2, '... a large one goes alone');
	@s = together(map { ['HEAD', '/0.1/token/x', headers => ["X-Latin: \xe9"]] } 1 .. 3);
	is(statuses(@s), '204 204 204', '... headers that are no UTF-8');
	@s = together(['HEAD', '/0.1/token/x?raise'], map { ['HEAD', '/0.1/token/x'] } 1 .. 9);
	is(statuses(@s), '500' . ' 204' x 9, '... an error is the answer to its own request alone');

	# one that takes too long
	my $pid = $t->call('GET', '/0.1/token/x?backend')->{body};
	$t->hold_lock;
	@s = together(['HEAD', '/0.1/token/x?lock'], map { ['HEAD', "/0.1/token/$_"] } 1 .. 20);
	is(statuses(@s), '504' . ' 204' x 20, '... one takes too long: the others are answered');
	$t->release_lock;

	# a backend that hangs: all of those that went together go over another connection; of a pipeline the first is late
	my ($worker) = $t->workers;
	$pid = $t->call('GET', '/0.1/token/x?backend')->{body};
	kill 'STOP', $worker;
	@s = map { send_on_new('HEAD', "/0.1/token/$_") } 1 .. 20;
	kill 'STOP', $pid;
	kill 'CONT', $worker;
	# which one is the cause can be told where one alone was sent first
	like(join(' ', sort split(/ /, statuses(@s))) =~ s/204 ?//gr, $together ? qr/\A(504)?\z/ : qr/\A504\z/,
		'... a backend hangs: what was sent to it goes on over another connection') or diag($t->log);
	kill 'CONT', $pid;
	ok(wait_for(sub { $t->psql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") == 0 }), '... and it ends when it can');
	is(statuses(send_on_new('HEAD', '/0.1/token/x')), 204, '... service goes on');
	$t->stop_front;
	$t->psql($batch) if !$together;
}

# ---- what nobody waits for any more ends in the database ----
$t->start_front('--workers', 1);
{
	my $s = send_on_new('GET', '/sleep/600');
	wait_for(sub { active() == 1 });
	kill 'KILL', $t->workers;
	ok(wait_for(sub { active() == 0 }), 'a statement ends soon after its connection');
}
$t->stop_front;

# ---- TCP, and TLS off and on are libpq's; a name that needs no DNS ----
$t->start_front('--workers', 1, '--database', "host=127.0.0.1 port=$t->{pg_port} user=postgres dbname=postgres");
is($t->call('GET', '/echo')->{status}, 200, 'over TCP');
$t->stop_server('immediate');
$t->start_server;
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), '... again after a restart');
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
	$t->start_front('--workers', 1, '--reconnect-wait', 0.1, '--database', "host=127.0.0.1 port=$t->{pg_port} user=scram password=hunter2 dbname=postgres");
	is($t->call('GET', '/echo')->{status}, 200, 'TLS and SCRAM');
	has_connections(4, "s.ssl AND a.usename = 'scram'", '... all connections');
	is(length($t->call('GET', '/big/3000000')->{body}), 3000000, '... a long answer');
	is($t->call('POST', '/echo', body => 'x' x 500000)->{status}, 200, '... a long body');
	$t->stop_server('immediate');
	$t->start_server;
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), '... again after a restart');
	$t->psql("ALTER ROLE scram PASSWORD 'other'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scram'");
	ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 503 }), 'wrong password: 503');
	unlike($t->log, qr/hunter2/, '... and no password in the log');
	$t->stop_front;
}

# ---- no database from the start ----
$t->stop_server('immediate');
$t->start_front('--workers', 1, '--reconnect-wait', 0.1);
is($t->call('GET', '/echo')->{status}, 503, 'started without a database: 503');
$t->start_server;
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), '... served once it is there');
unlike($t->log, qr/ended by signal|ended with status/, 'no worker died');

done_testing();
