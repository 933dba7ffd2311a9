# The front's request reader, over raw sockets: sizes, bodies, split and pipelined input, time limits; nothing is lost or mixed up.
# Which rules of HTTP it keeps is in front_rfc9112.t.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WazoFront qw(wait_for);

my $t = WazoFront->new;
$t->start_front('--workers', 1, '--max-body', 20000, '--header-timeout', 600, '--body-timeout', 600, '--keepalive-timeout', 600);

my $host = "Host: localhost\r\n";

# Refused requests: status, JSON body, connection closed.
sub refused
{
	my ($name, $status, $bytes) = @_;
	my $r = $t->request($bytes, closed => 1);
	subtest $name => sub {
		is($r->{status}, $status, 'status');
		is($r->{headers}{'content-type'}, 'application/json', 'content type');
		is($r->{headers}{connection}, 'close', 'close is announced');
		is($r->{headers}{'access-control-allow-origin'}, '*', 'cross-origin header');
		ok($r->{closed}, 'connection closed');
		like($r->{body}, qr/\A\{"message": "[^"]+"\}\n\z/, 'body');
	};
}

refused('long body that is sent', 413, "POST /echo HTTP/1.1\r\n${host}Content-Length: 400000\r\n\r\n" . 'x' x 400000);

# The headers that the database got, without what the front asks of it in the last one.
sub headers_of
{
	my ($echo) = @_;
	my @headers = @{ $echo->{headers} // [] };
	return [ @headers[0 .. $#headers - 2] ];
}

# ---- sizes ----
is($t->call('GET', '/' . 'a' x 8191)->{status}, 200, 'target of 8192 bytes');
refused('target of 8193 bytes', 414, 'GET /' . 'a' x 8192 . " HTTP/1.1\r\n$host\r\n");
refused('endless request line', 414, 'GET /' . 'a' x 20000);
{
	my $r = $t->call('GET', '/echo', headers => [map { "X-$_: v$_" } 1 .. 99]);
	my $h = headers_of($t->echo($r));
	is(scalar(@$h), 200, '100 headers are passed on');
	is($h->[-2] . $h->[-1], 'X-99v99', '... up to the last');
	refused('101 headers', 431, "GET /echo HTTP/1.1\r\n$host" . join('', map { "X-$_: v\r\n" } 1 .. 100) . "\r\n");
	is($t->call('GET', '/echo', headers => ['X: ' . 'a' x 16000])->{status}, 200, 'long header');
	refused('header block over 16 KiB', 431, "GET /echo HTTP/1.1\r\n${host}X: " . 'a' x 17000 . "\r\n\r\n");
	refused('endless header', 431, "GET /echo HTTP/1.1\r\n${host}X: " . 'a' x 40000);
}

# ---- bodies ----
foreach my $method (qw(GET HEAD DELETE OPTIONS POST PUT PATCH FOO))
{
	# A body that were taken for a request would be answered, and would be seen as an answer too many.
	my $smuggled = "GET /smuggled HTTP/1.1\r\n$host\r\n";
	my $s = $t->connect;
	syswrite($s, "$method /echo HTTP/1.1\r\n${host}Content-Length: " . length($smuggled) . "\r\n\r\n$smuggled"
		. "GET /second HTTP/1.1\r\n$host\r\n");
	my $r1 = $t->read_answer($s, no_body => $method eq 'HEAD');
	my $r2 = $t->read_answer($s);
	is($r1->{status}, 200, "$method with a body");
	is($t->echo($r1)->{body}, unpack('H*', $smuggled), "... which reaches the database") if $method ne 'HEAD';
	is($t->echo($r2)->{target}, '/second', "... and is not read as a request");
}
{
	my $r = $t->call('POST', '/echo', body => join('', map { chr } 0 .. 255));
	is($t->echo($r)->{body}, unpack('H*', join('', map { chr } 0 .. 255)), 'every byte of a body');
	is($t->echo($t->call('POST', '/echo', body => 'x' x 20000))->{body}, '78' x 20000, 'longest body');
	is($t->echo($t->call('POST', '/echo', body => ''))->{body}, undef, 'empty body');
	is($t->echo($t->call('POST', '/echo'))->{body}, undef, 'no body, no length');
}

# ---- chunked bodies ----
sub chunks
{
	my ($body, $size) = @_;
	return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } unpack("(a$size)*", $body)) . "0\r\n\r\n";
}
foreach my $method (qw(GET DELETE OPTIONS POST PUT PATCH FOO))
{
	my $smuggled = "GET /smuggled HTTP/1.1\r\n$host\r\n";
	foreach my $size (1, 7, 1000)
	{
		my $s = $t->connect;
		syswrite($s, "$method /echo HTTP/1.1\r\n${host}Transfer-Encoding: Chunked\r\nX: y\r\nTrailer: A\r\n\r\n" . chunks($smuggled, $size)
			. "GET /second HTTP/1.1\r\n$host\r\n");
		my $e = $t->echo($t->read_answer($s));
		is($e->{body}, unpack('H*', $smuggled), "$method with a body in chunks of $size bytes");
		is_deeply(headers_of($e), ['Host', 'localhost', 'X', 'y'], '... the headers of the way are not handed on') if $size == 7;
		is($t->echo($t->read_answer($s))->{target}, '/second', '... and what comes after it is the next request');
	}
}
foreach my $case (['0', ''], ['000', ''], ["3\r\nabc\r\n0", 'abc'], ["A\r\n0123456789\r\n0", '0123456789'], ["0000000000000003\r\nabc\r\n0", 'abc'],
	["3;a\r\nabc\r\n0;b=c", 'abc'], ["3 ; a = \"b;\\\"c\" ;d\r\nabc\r\n0", 'abc'], ["3\r\n\r\n0\r\n0", "\r\n0"],
	["3\r\nabc\r\n0\r\nA: b\r\nContent-Length: 9", 'abc'])
{
	my ($chunks, $body) = @$case;
	my $e = $t->echo($t->request("POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n$chunks\r\n\r\n"));
	is($e->{body} // '', unpack('H*', $body), 'chunks ' . $chunks =~ s/\r\n/|/gr);
	is_deeply(headers_of($e), ['Host', 'localhost'], '... trailers are dropped');
}
{
	my $body = join('', map { chr($_ % 256) } 1 .. 20000);
	is($t->echo($t->request("POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n" . chunks($body, 333)))->{body}, unpack('H*', $body),
		'longest body, in chunks');
	my $s = $t->connect;
	foreach my $byte (split //, "POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n" . chunks('hello world', 4) . "GET /second HTTP/1.1\r\n$host\r\n")
	{
		syswrite($s, $byte);
		sleep 0.001;
	}
	is($t->echo($t->read_answer($s))->{body}, unpack('H*', 'hello world'), 'chunks byte by byte');
	is($t->echo($t->read_answer($s))->{target}, '/second', '... and the next request');
	$s = $t->connect;
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
	is($t->read_answer($s, no_body => 1)->{status}, 100, 'chunked with Expect: 100-continue');
	syswrite($s, "3\r\nabc\r\n0\r\n\r\n");
	is($t->echo($t->read_answer($s))->{body}, '616263', '... then the body');
	$s = $t->connect;
	syswrite($s, "HEAD /big/10 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /second HTTP/1.1\r\n$host\r\n");
	is($t->read_answer($s, no_body => 1)->{status}, 200, 'HEAD in chunks');
	is($t->echo($t->read_answer($s))->{target}, '/second', '... and the next request');
}

# A length smaller than the body: the rest is the next request, and malformed.
{
	my $s = $t->connect;
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabcdef\r\n\r\n");
	is($t->echo($t->read_answer($s))->{body}, unpack('H*', 'abc'), 'short length: the body ends there');
	is($t->read_answer($s)->{status}, 400, '... and the rest is refused, not waited for');
	ok($t->closed($s), '... and the connection closed');
}

# ---- 100-continue ----
{
	my $s = $t->connect;
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Content-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
	is($t->read_answer($s, no_body => 1)->{status}, 100, 'Expect: 100-continue');
	syswrite($s, 'abc');
	is($t->echo($t->read_answer($s))->{body}, '616263', '... then the body');
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
	is($t->read_answer($s)->{status}, 200, 'no 100 when the body is there');
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Content-Length: 0\r\nExpect: 100-continue\r\n\r\n");
	is($t->read_answer($s)->{status}, 200, 'no 100 for an empty body');
	refused('100-continue with a long body', 413,
		"POST /echo HTTP/1.1\r\n${host}Content-Length: 30000\r\nExpect: 100-continue\r\n\r\n");
	my $r = $t->request("POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
	is($r->{status}, 200, 'HTTP/1.0 never gets 100');
}

# ---- split and pipelined input ----
{
	my $s = $t->connect;
	my $bytes = "\r\nPOST /echo?x=1 HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello";
	foreach my $byte (split //, $bytes)
	{
		syswrite($s, $byte);
		sleep 0.001;
	}
	my $e = $t->echo($t->read_answer($s));
	is("$e->{method} $e->{target} $e->{body}", 'POST /echo?x=1 68656c6c6f', 'byte by byte');
}
{
	my $s = $t->connect;
	my $n = 60;
	syswrite($s, join '', map {
		$_ % 3 == 0 ? "GET /0.1/token/t$_ HTTP/1.1\r\n$host\r\n"
			: $_ % 3 == 1 ? "POST /echo?$_ HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nab"
			: "GET /echo?$_ HTTP/1.1\r\n$host\r\n"
	} 1 .. $n);
	my @seen = map { my $r = $t->read_answer($s); $r ? $r->{body} =~ /(\d+)"?,? ?"?headers|t(\d+)\z/ ? $1 // $2 : '?' : '-' } 1 .. $n;
	@seen = map { /(\d+)/ ? $1 : $_ } @seen;
	is("@seen", "@{[1 .. $n]}", 'sixty pipelined requests over both lanes are answered in order');
}
{
	my $s = $t->connect;
	syswrite($s, "GET /echo?first HTTP/1.1\r\n$host\r\nBROKEN\r\n\r\nGET /echo?third HTTP/1.1\r\n$host\r\n");
	is($t->echo($t->read_answer($s))->{target}, '/echo?first', 'pipelined: good one answered');
	is($t->read_answer($s)->{status}, 400, '... broken one refused');
	ok($t->closed($s), '... and nothing after it');
}
{
	my $s = $t->connect;
	syswrite($s, "GET /echo?first HTTP/1.1\r\n${host}Connection: close\r\n\r\nGET /echo?second HTTP/1.1\r\n$host\r\n");
	is($t->echo($t->read_answer($s))->{target}, '/echo?first', 'Connection: close: answered');
	ok($t->closed($s), '... and nothing after it');
}
{
	# More than any socket buffer: the client writes all before it reads.
	my $s = $t->connect;
	my $n = 300;
	if (my $pid = fork())
	{
		sleep 0.5;
		my $ok = 0;
		for (1 .. $n)
		{
			my $r = $t->read_answer($s) or last;
			$ok++ if $r->{status} == 200 && length($r->{body}) == 50000;
		}
		waitpid($pid, 0);
		is($ok, $n, 'a client that reads late gets every long answer');
	}
	else
	{
		syswrite($s, "GET /big/50000 HTTP/1.1\r\n$host\r\n") for 1 .. $n;
		POSIX::_exit(0);
	}
}

# ---- versions and keep-alive ----
{
	my $r = $t->request("GET /echo HTTP/1.0\r\n\r\n", closed => 1);
	is($r->{status}, 200, 'HTTP/1.0 without Host');
	ok($r->{closed}, '... closes');
	my $s = $t->connect;
	syswrite($s, "GET /echo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
	is($t->read_answer($s)->{headers}{connection}, 'keep-alive', 'HTTP/1.0 keep-alive');
	syswrite($s, "GET /echo HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n");
	is($t->read_answer($s)->{headers}{connection}, 'close', '... close wins');
	ok($t->closed($s), '... and closes');
	$s = $t->connect;
	for (1 .. 5)
	{
		syswrite($s, "GET /echo HTTP/1.1\r\n$host\r\n");
		is($t->read_answer($s)->{headers}{connection}, undef, 'HTTP/1.1 stays open');
	}
	syswrite($s, "GET /echo HTTP/1.1\r\n${host}Connection: foo, Close\r\n\r\n");
	is($t->read_answer($s)->{headers}{connection}, 'close', 'close in a list');
	ok($t->closed($s), '... closes');
}
{
	# The client has sent all it will, but still reads.
	my $s = $t->connect;
	syswrite($s, "GET /sleep/0.3 HTTP/1.1\r\n$host\r\n");
	shutdown($s, 1);
	is(($t->read_answer($s) // {})->{body}, 'slept', 'a half-closed client is answered');
	ok($t->closed($s), '... and closed');
	$s = $t->connect;
	syswrite($s, "GET /echo HTTP/1.1\r\nHo");
	shutdown($s, 1);
	ok($t->closed($s), 'half a request and the end');
}

# ---- time limits; the worker is idle meanwhile ----
is(scalar($t->workers), 1, 'still the worker');
unlike($t->log, qr/ended by signal|ended with status/, '... which never died');
$t->stop_front;
$t->start_front('--workers', 1, '--header-timeout', 1.5, '--body-timeout', 1.5, '--keepalive-timeout', 3);
{
	my $start = time;
	my @slow = map { $t->connect } 1 .. 4;
	syswrite($slow[0], "GET /echo HTTP/1.1\r\nHost");
	syswrite($slow[1], "POST /echo HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nabc");
	# $slow[2] sends nothing; $slow[3] keeps a handler busy for longer than any reading limit
	syswrite($slow[3], "GET /sleep/2.8 HTTP/1.1\r\n$host\r\n");
	is($t->read_answer($slow[0])->{status}, 408, 'slow header');
	ok($t->closed($slow[0]), '... closed');
	is($t->read_answer($slow[1])->{status}, 408, 'slow body');
	cmp_ok(time - $start, '>=', 1.4, '... after the limit');
	my $s = $t->connect;
	syswrite($s, "POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nab");
	is($t->read_answer($s)->{status}, 408, 'slow chunks');
	is($t->read_answer($slow[3])->{status}, 200, 'a slow handler is no 408');
	ok($t->closed($slow[2]), 'a silent connection is closed without a word');
	ok(!length(${*{$slow[2]}}{wazo_buffer} // ''), '... really');
	$s = $t->connect;
	syswrite($s, "GET /echo HTTP/1.1\r\n$host\r\n");
	$t->read_answer($s);
	$start = time;
	ok($t->closed($s), 'idle keep-alive connection is closed');
	cmp_ok(time - $start, '>', 2, '... at its limit');
	# slowly, but moving: the limit is for the whole header
	$s = $t->connect;
	my $drops = 0;
	local $SIG{PIPE} = 'IGNORE';
	until (IO::Select->new($s)->can_read(0.2) || $drops == 300)
	{
		$drops++;
		syswrite($s, 'a');
	}
	cmp_ok($drops, '<', 300, "drop by drop does not help ($drops drops)");
}
is($t->call('GET', '/echo')->{status}, 200, 'and it still serves');
is(scalar($t->workers), 1, 'by the worker');
unlike($t->log, qr/ended by signal|ended with status/, 'which never died');

done_testing();
