# What the front makes of HTTP: arguments of the database's function, responses, CORS, proxies, the access log.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use Test::More;
use WazoFront qw(wait_for);

my $t = WazoFront->new;
$t->start_front('--workers', 1, '--num-proxies', 1);	# one worker: its log is in order
my $host = "Host: localhost\r\n";
my $r;

# ---- to the database ----
{
	my $e = $t->echo($t->call('POST', '/0.1/x%2Fy?a=%20b&c', headers => ['X-Script-Name: /api', 'A:b', 'A:   c  ', 'Empty:'], body => "{}\n"));
	is($e->{method}, 'POST', 'method');
	is($e->{target}, '/0.1/x%2Fy?a=%20b&c', 'target as sent');
	is_deeply($e->{headers}, ['Host', 'localhost', 'X-Script-Name', '/api', 'A', 'b', 'A', 'c', 'Empty', '', 'Content-Length', '3', 'Wazo-Auth-Tell-Route', '1'],
		'headers in order, doubled ones too, and the question for the route');
	is(scalar(grep { lc eq 'wazo-auth-tell-route' } @{ $t->echo($t->call('GET', '/echo', headers => ['wazo-auth-tell-route: x']))->{headers} }), 1, '... which is nobody else\'s to ask');
	is($e->{body}, '7b7d0a', 'body');
	is($e->{peer}, '127.0.0.1', 'peer');
	is($t->echo($t->call($_, '/echo'))->{method}, $_, "method $_") for qw(GET PUT DELETE PATCH OPTIONS FOO get PROPFIND M-SEARCH);
	is($t->echo($t->call('OPTIONS', '*'))->{target}, '*', 'OPTIONS *');
	is($t->echo($t->call('GET', '//a//b/?'))->{target}, '//a//b/?', 'slashes stay');

	my $latin = $t->echo($t->call('GET', '/echo', headers => ["X: caf\xe9"]))->{headers};
	is($latin->[3], "café", 'Latin-1 header value is transcoded');
	my $utf8 = $t->echo($t->call('GET', '/echo', headers => [encode('UTF-8', "X: café €")]))->{headers};
	is($utf8->[3], "café €", 'UTF-8 header value stays');
	foreach my $bad ("\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\x80")
	{
		$r = $t->call('GET', '/echo', headers => ["X: a${bad}b"]);
		is($t->echo($r)->{headers}[3], "a${bad}b", 'what is not UTF-8 is Latin-1: ' . unpack('H*', $bad));
	}
	my $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
	is($t->echo($t->call('GET', '/echo', headers => ["traceparent: $trace"]))->{headers}[3], $trace, 'traceparent');
}

# ---- from the database ----
foreach my $s ([200, 'OK'], [201, 'CREATED'], [400, 'BAD REQUEST'], [401, 'UNAUTHORIZED'], [403, 'FORBIDDEN'], [404, 'NOT FOUND'],
	[405, 'METHOD NOT ALLOWED'], [409, 'CONFLICT'], [429, 'TOO MANY REQUESTS'], [500, 'INTERNAL SERVER ERROR'], [299, ''])
{
	$r = $t->call('GET', "/status/$s->[0]");
	is("$r->{status} $r->{reason}", "$s->[0] $s->[1]", "status $s->[0]");
}
$r = $t->call('GET', '/status/204');
is($r->{status}, 204, 'status 204');
ok(!exists $r->{headers}{'content-length'}, '... without length');
is($r->{headers}{'content-type'}, 'application/json', '... with type');
{
	my $s = $t->connect;
	syswrite($s, join '', map { "$_ HTTP/1.1\r\n$host\r\n" } 'GET /status/204', 'HEAD /status/204', 'HEAD /big/100', 'GET /status/304', 'HEAD /0.1/token/x', 'GET /big/5');
	is($t->read_answer($s)->{status}, 204, 'framing: 204');
	is($t->read_answer($s, no_body => 1)->{status}, 204, 'HEAD 204');
	$r = $t->read_answer($s, no_body => 1);
	is($r->{headers}{'content-length'}, 100, 'HEAD: length of what GET would send');
	is($t->read_answer($s, no_body => 1)->{status}, 304, 'status 304');
	is($t->read_answer($s, no_body => 1)->{status}, 204, 'HEAD token');
	is($t->read_answer($s)->{body}, 'xxxxx', '... and the answer behind them is whole');
}
is(length($t->call('GET', '/big/5000000')->{body}), 5000000, 'long answer');
is(length($t->call('GET', '/big/0')->{body}), 0, 'empty answer');
is($t->call('GET', '/length/3')->{headers}{'content-length'}, 7, "the database's length is not believed");
is($t->call('HEAD', '/length/3')->{headers}{'content-length'}, 3, '... but for HEAD');
is($t->call('HEAD', '/length/3x')->{status}, 500, '... if it is one');
$r = $t->call('GET', '/headers');
is($r->{headers}{connection}, undef, 'framing headers of the database are dropped');
is($r->{headers}{'transfer-encoding'}, undef, '... all of them');
is($r->{headers}{'content-length'}, 2, '... length');
is($r->{headers}{'access-control-allow-origin'}, '*', '... and there is one cross-origin header');
is($r->{headers}{'x-kept'}, 'yes', '... others stay');
ok($r->{headers}{date}, 'Date');
ok(!$r->{headers}{server}, 'no Server');

# ---- what cannot be sent ----
foreach my $path ('/split', '/splitname', '/odd', '/status/99', '/status/600', '/status/100', '/null')
{
	my $s = $t->connect;
	syswrite($s, "GET $path HTTP/1.1\r\n$host\r\nGET /big/3 HTTP/1.1\r\n$host\r\n");
	$r = $t->read_answer($s);
	is($r->{status}, 500, "$path: refused");
	is($r->{body}, qq({"message": "Internal Server Error"}\n), '... with the usual body');
	ok(!exists $r->{headers}{'set-cookie'} && !exists $r->{headers}{'x-bad'}, '... and nothing injected');
	is($t->read_answer($s)->{body}, 'xxx', '... the connection goes on');
}

# ---- CORS ----
is($t->call('GET', '/status/404')->{headers}{'access-control-allow-origin'}, '*', 'no Origin: *');
foreach my $target ('/status/204', '/status/404', '/status/500', '/split')
{
	$r = $t->call('GET', $target, headers => ['Origin: https://a.example']);
	is($r->{headers}{'access-control-allow-origin'}, 'https://a.example', "$target: Origin is echoed");
	is($r->{headers}{vary}, 'Origin', '... with Vary');
	ok(!exists $r->{headers}{'access-control-allow-methods'}, '... and no more');
}
$r = $t->request("POST /echo HTTP/1.1\r\n${host}Origin: https://a.example\r\nContent-Length: 99999999\r\n\r\n");
is("$r->{status} $r->{headers}{'access-control-allow-origin'}", '413 https://a.example', "on the front's errors too");
my @preflight = ('Origin: https://a.example', 'Access-Control-Request-Method: put');
$r = $t->call('OPTIONS', '/echo', headers => [@preflight, 'Access-Control-Request-Headers: x-auth-token,evil, Content-Type ,WAZO-tenant']);
is($r->{status}, 200, 'preflight goes to the database');
is($r->{headers}{'access-control-allow-methods'}, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT', '... methods');
is($r->{headers}{'access-control-allow-headers'}, 'Content-Type, WAZO-tenant, x-auth-token', '... headers: allowed ones, as spelled, sorted');
ok(!exists $r->{headers}{'access-control-allow-credentials'} && !exists $r->{headers}{'access-control-max-age'}, '... no more');
$r = $t->call('OPTIONS', '/echo', headers => ['Access-Control-Request-Method: put', 'Access-Control-Request-Headers: x-auth-token,evil']);
is($r->{headers}{'access-control-allow-origin'}, '*', 'preflight without Origin: *');
is($r->{headers}{'access-control-allow-methods'}, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT', '... methods all the same');
is($r->{headers}{'access-control-allow-headers'}, 'x-auth-token', '... and headers');
ok(!exists $r->{headers}{vary}, '... no Vary');
$r = $t->call('OPTIONS', '/echo', headers => [@preflight, 'Access-Control-Request-Headers: evil']);
ok(!exists $r->{headers}{'access-control-allow-headers'}, 'no allowed header among them');
$r = $t->call('OPTIONS', '/echo', headers => ['Origin: https://a.example']);
ok(!exists $r->{headers}{'access-control-allow-methods'}, 'OPTIONS without a requested method');
$r = $t->call('OPTIONS', '/echo', headers => ['Origin: https://a.example', 'Access-Control-Request-Method: TRACE']);
ok(!exists $r->{headers}{'access-control-allow-methods'}, 'a method that is not offered');

# ---- proxies ----
sub peer { return $t->echo($t->call('GET', '/echo', headers => [map { "X-Forwarded-For: $_" } @_]))->{peer}; }
is(peer('192.0.2.1'), '192.0.2.1', 'one value');
is(peer('192.0.2.9, 192.0.2.1'), '192.0.2.1', 'the last of two');
is(peer('192.0.2.9', ' 192.0.2.1 '), '192.0.2.1', 'the last of two lines');
is(peer(''), '127.0.0.1', 'empty value');
is(peer('junk <b>'), 'junk <b>', 'no check of the form');
is(peer('é' x 300), 'é' x 256, 'cut to 256 characters') for 1;
is(peer("a\xe9b"), "a\xe9b", 'Latin-1');

# ---- access log ----
my $secret = 'c0ffee00-1111-2222-3333-444455556666';
$t->call('GET', "/0.1/token/$secret");
$t->call('POST', "/0.1/token/$secret/scopes/check?tenant=t1", body => qq({"scopes": ["$secret"]}));
$t->call('GET', "/0.1/%74oken/$secret");
$t->call('GET', "/0.1//TOKEN//$secret");
$t->call('GET', "/0.1/users?limit=7&token=$secret&refresh_token=$secret;x=y&%74oken=$secret&Access-Token=$secret&password=$secret");
$t->call('GET', "/0.1/x", headers => ["X-Auth-Token: $secret", "Authorization: Bearer $secret", "User-Agent: $secret", "Cookie: $secret"]);
$t->call('GET', '/0.1/traced', headers => ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']);
$t->call('GET', '/0.1/untraced', headers => ['traceparent: ' . 'z' x 55]);
$t->call('GET', '/0.1/forged', headers => ["X-Forwarded-For: 1.2.3.4 \"GET /fake\" 200"]);
$t->call('GET', "/raise/P0001?token=$secret");
$t->call('GET', '/' . 'l' x 3000 . "?token=$secret");
$t->request("\x00nonsense\r\n\r\n");
$t->call('GET', '/last');
wait_for(sub { $t->log =~ m{/last} });
my $log = $t->log;
unlike($log, qr/\Q$secret\E/, 'no secret in the log');
unlike($log, qr/a secret/, "nor the database's message, which may quote one");
like($log, qr/SQLSTATE P0001/, '... but its SQLSTATE');
like($log, qr{^\S+Z 127\.0\.0\.1 "GET /0\.1/token/\*\*\*" 200 \d+ \d+\.\d{3} -$}m, 'access line');
like($log, qr{"POST /0\.1/token/\*\*\*/scopes/check\?tenant=t1" 200}, 'masked inside a path');
like($log, qr{"GET /0\.1/%74oken/\*\*\*"}, 'masked behind an encoded name');
like($log, qr{"GET /0\.1//TOKEN//\*\*\*"}, 'masked behind doubled slashes');
like($log, qr{"GET /0\.1/users\?limit=7&token=\*\*\*&refresh_token=\*\*\*;x=y&%74oken=\*\*\*&Access-Token=\*\*\*&password=\*\*\*"},
	'masked in a query');
like($log, qr{/0\.1/traced" .* 0af7651916cd43dd8448eb211c80319c$}m, 'trace id');
like($log, qr{/0\.1/untraced" .* -$}m, 'ill-formed trace id');
like($log, qr{ 1\.2\.3\.4__GET__fake__200 "GET /0\.1/forged" 200}, 'the client cannot forge fields');
like($log, qr{^\S+ 127\.0\.0\.1 "-" 400 }m, 'unreadable request');
like($log, qr{/l{500,}\.\.\." }, 'a long target is cut');

# ---- other settings ----
$t->stop_front;
$t->start_front('--workers', 1, '--no-cors', '--num-proxies', 2, '--log-level', 'warning');
$r = $t->call('GET', '/echo', headers => ['Origin: https://a.example']);
ok(!exists $r->{headers}{'access-control-allow-origin'} && !exists $r->{headers}{vary}, '--no-cors');
$r = $t->call('GET', '/headers');
is($r->{headers}{'access-control-allow-origin'}, 'http://other', "... the database's own is sent");
is(peer('a, b, c'), 'b', '--num-proxies 2');
is(peer('a', 'b, c'), 'b', '... over lines');
is(peer('a, b', 'c'), 'b', '... over lines');
is(peer('c'), '127.0.0.1', '... too few');
unlike($t->log, qr{"GET }, 'no access log at level warning');
$t->stop_front;
$t->start_front('--workers', 1);
is(peer('a'), '127.0.0.1', 'no proxy is believed by default');

done_testing();
