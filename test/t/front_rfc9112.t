# The front against RFC 9112 (HTTP/1.1) and what RFC 9110 says of the same: each rule that binds a server, by its section.
#
# A case is a row: section, what it is about, the bytes that are sent, what must come of them. "|" stands for CR LF. Behind every
# case comes another request on the same connection, which shows where the server believes that the case ended:
#
#   200         answered, and the request behind it as well, for itself
#   200 close   answered, the end announced and the connection closed; the request behind it is not looked at
#   400 (501..) refused, and closed likewise
#   nothing     no answer, since the client goes away (nothing is sent behind it)
#
# Several answers stand in their order: "100 200". At a "~" in the bytes the test waits for the 100, or for a moment. A fifth column
# says what the database was given, or what the answer has.
# At the end the access log must have exactly the requests that were answered: none was made of what was refused.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use WazoFront qw(wait_for);

my $t = WazoFront->new;
$t->start_front('--workers', 1, '--max-body', 20000, '--header-timeout', 600, '--body-timeout', 600, '--keepalive-timeout', 600);

my $get = 'GET /case HTTP/1.1|Host: a|';
my $post = 'POST /case HTTP/1.1|Host: a|';
my $chunked = "${post}Transfer-Encoding: chunked|";
my $five = 'Content-Length: 5||hello';
my $behind = 'GET /behind HTTP/1.1|Host: a|Connection: close||';
my $smuggled = 'GET /smuggled HTTP/1.1|Host: a||';
my $x600 = 'x' x 600;
my $z40 = '0' x 40;

my @cases = (
	# ---- 2.1, 2.2: lines ----
	['2.1', 'request line, headers, empty line', "$get|", '200', {method => 'GET', target => '/case', headers => ['Host', 'a'], body => undef}],
	['2.2', 'octets above ASCII in a value are text', "${get}A: \xc3\xa9|\|", '200', {headers => ['Host', 'a', 'A', "\x{e9}"]}],
	['2.2', 'the same in Latin-1', "${get}A: \xe9||", '200', {headers => ['Host', 'a', 'A', "\x{e9}"]}],
	['2.2', 'a bare LF may end a line: refused', "GET /case HTTP/1.1\nHost: a\n\n", '400'],
	['2.2', 'a bare LF behind a header', "${get}A: b\nC: d||", '400'],
	['2.2', 'a bare LF for the empty line', "$get\n", '400'],
	['2.2', 'a bare CR is invalid, in a value', "${get}A: b\rC: d||", '400'],
	['2.2', '... behind the request line', "GET /case HTTP/1.1\rHost: a||", '400'],
	['2.2', '... before CR LF', "${get}A: b\r||", '400'],
	['2.2', '... before the request line', "\r$get|", '400'],
	['2.2', 'an empty line before the request line is ignored', "|$get|", '200', {target => '/case'}],
	['2.2', 'but not any number of them', '|' x 8 . "$get|", '400'],
	['2.2', 'nor one of LF alone', "\n$get|", '400'],
	['2.2', 'white space before the first header', "GET /case HTTP/1.1| Host: a||", '400'],
	['2.2', '... a line of it', "GET /case HTTP/1.1| |Host: a||", '400'],
	['2.2', 'what is no HTTP: a TLS client', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03||", '400'],
	['2.2', '... the preface of HTTP/2', 'PRI * HTTP/2.0||SM||', '505'],

	# ---- 2.3: version ----
	['2.3', 'HTTP/1.0 is answered as HTTP/1.1', "GET /case HTTP/1.0|Connection: keep-alive||", '200', {target => '/case'}],
	['2.3', 'a later 1.x is read as 1.1 (RFC 9110, 2.5)', 'GET /case HTTP/1.2|Host: a||', '200', {target => '/case'}],
	['2.3', '... and needs its Host', 'GET /case HTTP/1.9||', '400'],
	['2.3', 'another major version', 'GET /case HTTP/2.0|Host: a||', '505'],
	['2.3', '... HTTP/0.9 in words', 'GET /case HTTP/0.9|Host: a||', '505'],
	['2.3', 'HTTP/0.9 as it was', 'GET /case|', '400'],
	['2.3', 'the name is in upper case', 'GET /case http/1.1|Host: a||', '400'],
	['2.3', 'one digit on either side', 'GET /case HTTP/1.10|Host: a||', '400'],
	['2.3', '... and digits', 'GET /case HTTP/1.x|Host: a||', '400'],

	# ---- 3: request line ----
	['3', 'one space between the parts', 'GET  /case HTTP/1.1|Host: a||', '400'],
	['3', '... no tab', "GET\t/case HTTP/1.1|Host: a||", '400'],
	['3', 'nothing before the method', ' GET /case HTTP/1.1|Host: a||', '400'],
	['3', 'nothing behind the version', 'GET /case HTTP/1.1 |Host: a||', '400'],
	['3', 'no space in the target', 'GET /a b HTTP/1.1|Host: a||', '400'],
	['3', 'no line of spaces', ' |Host: a||', '400'],
	['3', 'another protocol', 'GET /case HTTX/1.1|Host: a||', '400'],
	['3.1', 'a method is a token', 'G(T /case HTTP/1.1|Host: a||', '400'],
	['3.1', '... in either case', 'get /case HTTP/1.1|Host: a||', '200', {method => 'get'}],
	['3.1', 'longer than any method there is', 'G' x 33 . ' /case HTTP/1.1|Host: a||', '501'],
	['3', 'a target longer than any there is', 'GET /' . 'a' x 8192 . ' HTTP/1.1|Host: a||', '414'],
	['3', '... that does not end', 'GET /' . 'a' x 20000, '414'],
	['3', 'lines of 8000 octets are read', 'GET /' . 'a' x 8000 . ' HTTP/1.1|Host: a||', '200'],

	# ---- 3.2: target and Host ----
	['3.2', 'HTTP/1.1 without Host', 'GET /case HTTP/1.1|A: b||', '400'],
	['3.2', 'more than one Host', "${get}Host: a||", '400'],
	['3.2', '... apart, in other letters', "${get}A: b|hOsT: b||", '400'],
	['3.2', '... in HTTP/1.0', 'GET /case HTTP/1.0|Host: a|Host: b||', '400'],
	['3.2', 'a Host with a path', 'GET /case HTTP/1.1|Host: a/b||', '400'],
	['3.2', '... with a space', 'GET /case HTTP/1.1|Host: a b||', '400'],
	['3.2', '... with a user', 'GET /case HTTP/1.1|Host: a@b||', '400'],
	['3.2', '... as a list', 'GET /case HTTP/1.1|Host: a, b||', '400'],
	['3.2', 'an empty Host is allowed', 'GET /case HTTP/1.1|Host:||', '200', {headers => ['Host', '']}],
	['3.2', 'a Host with port', 'GET /case HTTP/1.1|Host: [::1]:80||', '200', {headers => ['Host', '[::1]:80']}],
	['3.2', 'HTTP/1.0 needs none', 'GET /case HTTP/1.0|Connection: keep-alive||', '200', {headers => ['Connection', 'keep-alive']}],
	['3.2.1', 'origin form goes on as it came', 'GET /case/%2F/a?b=c%20d&e HTTP/1.1|Host: a||', '200', {target => '/case/%2F/a?b=c%20d&e'}],
	['3.2.1', 'no fragment', 'GET /case#x HTTP/1.1|Host: a||', '400'],
	['3.2.1', 'no octets above ASCII', "GET /\xc3\xa9 HTTP/1.1|Host: a||", '400'],
	['3.2.1', 'no NUL', "GET /ca\0se HTTP/1.1|Host: a||", '400'],
	['3.2.1', 'no relative path', 'GET case HTTP/1.1|Host: a||', '400'],
	['3.2.2', 'absolute form must be accepted', 'GET http://a/case?x=1 HTTP/1.1|Host: a||', '200', {target => '/case?x=1', headers => ['Host', 'a']}],
	['3.2.2', '... and its host wins over Host', 'GET http://b:8/case HTTP/1.1|Host: a||', '200', {target => '/case', headers => ['Host', 'b:8']}],
	['3.2.2', '... wherever that stands', 'GET http://b/case HTTP/1.1|A: b|Host: a||', '200', {headers => ['A', 'b', 'Host', 'b']}],
	['3.2.2', '... and does not stand for it', 'GET http://b/case HTTP/1.1|A: b||', '400'],
	['3.2.2', '... without a path', 'GET HTTP://a HTTP/1.1|Host: a||', '200', {target => '/'}],
	['3.2.2', '... with a body', "POST https://a/case HTTP/1.1|Host: a|$five", '200', {target => '/case', body => 'hello'}],
	['3.2.2', '... no other scheme', 'GET ftp://a/case HTTP/1.1|Host: a||', '400'],
	['3.2.2', '... no user', 'GET http://u:p@a/case HTTP/1.1|Host: a||', '400'],
	['3.2.2', '... no empty host', 'GET http:///case HTTP/1.1|Host: a||', '400'],
	['3.2.3', 'authority form is for proxies', 'CONNECT a:80 HTTP/1.1|Host: a||', '501'],
	['3.2.3', '... whatever the target', 'CONNECT /case HTTP/1.1|Host: a||', '501'],
	['3.2.3', '... and for CONNECT', 'GET a:80 HTTP/1.1|Host: a||', '400'],
	['3.2.4', 'asterisk form', 'OPTIONS * HTTP/1.1|Host: a||', '200', {target => '*'}],
	['3.2.4', '... is for OPTIONS', 'GET * HTTP/1.1|Host: a||', '400'],

	# ---- 4: status line ----
	['4', 'the space behind the status stands without a phrase, too', 'GET /status/299 HTTP/1.1|Host: a||', '299', {reason => ''}],

	# ---- 5: header fields ----
	['5', 'names in any letters', 'POST /case HTTP/1.1|hOST: a|CONTENT-length: 5||hello', '200', {body => 'hello'}],
	['5', 'a name is a token', "${get}A(: b||", '400'],
	['5', '... without a space', "${get}A B: c||", '400'],
	['5', '... not empty', "${get}: b||", '400'],
	['5', 'a line has a colon', "${get}abc||", '400'],
	['5.1', 'white space before the colon must be refused', "${get}A : b||", '400'],
	['5.1', '... a tab', "${get}A\t: b||", '400'],
	['5.1', '... of a length', "${post}Content-Length : 5||hello", '400'],
	['5.1', '... of a coding', "${post}Transfer-Encoding : chunked||0||", '400'],
	['5.1', 'white space around the value is not of it', "${get}A: \t b c \t ||", '200', {headers => ['Host', 'a', 'A', 'b c']}],
	['5.1', 'no white space at all', "${get}A:b||", '200', {headers => ['Host', 'a', 'A', 'b']}],
	['5.2', 'a folded line is refused', "${get}A: b| c||", '400'],
	['5.2', '... by a tab', "${get}A: b|\tc: d||", '400'],
	['5.2', '... of a length', "${post}Content-Length:| 5||hello", '400'],
	['5.2', '... of a coding', "${post}Transfer-Encoding:| chunked||0||", '400'],
	['5.5 of 9110', 'NUL in a value', "${get}A: b\0c||", '400'],
	['5.5 of 9110', 'a control octet', "${get}A: b\x01c||", '400'],
	['5.5 of 9110', 'DEL', "${get}A: b\x7fc||", '400'],
	['5.4 of 9110', 'more headers than are read', $get . join('', map { "X-$_: v|" } 1 .. 100) . '|', '431'],
	['5.4 of 9110', 'a header block over 16 KiB', "${get}X: " . 'a' x 17000 . '||', '431'],
	['5.4 of 9110', '... that does not end', "${get}X: " . 'a' x 40000, '431'],

	# ---- 6.1: Transfer-Encoding ----
	['6.1', 'chunked must be read', "$chunked|5|hello|0||", '200', {body => 'hello', headers => ['Host', 'a']}],
	['6.1', '... with every method', "GET /case HTTP/1.1|Host: a|Transfer-Encoding: chunked||5|hello|0||", '200', {body => 'hello'}],
	['6.1', '... in any letters', "${post}Transfer-Encoding: CHUNKED||5|hello|0||", '200', {body => 'hello'}],
	['6.1', 'another coding before it', "${post}Transfer-Encoding: gzip, chunked||0||", '501'],
	['6.1', '... on a line of its own', "${post}Transfer-Encoding: gzip|Transfer-Encoding: chunked||0||", '400'],
	['6.1', 'in HTTP/1.0 it is faulty', 'POST /case HTTP/1.0|Transfer-Encoding: chunked||0||', '400'],
	['6.1', '... with a length, too', "POST /case HTTP/1.0|Transfer-Encoding: chunked|$five", '400'],
	['6.1', 'with a length: refused', "${chunked}Content-Length: 5||0||", '400'],
	['6.1', '... before it', "${post}Content-Length: 5|Transfer-Encoding: chunked||0||", '400'],
	['6.1', '... of nothing', "${chunked}Content-Length: 0||0||", '400'],
	(map { ['6.1', 'no well formed list that ends with chunked: <' . s/[^ -~]/?/gr . '>', "${post}Transfer-Encoding: $_||0||", '400'] }
		'', ',', 'chunked,', ', chunked', 'chunked, chunked', 'chunked, gzip', 'chun ked', '"chunked"', "\x0bchunked", "chunked\x0b", "chunked\0"),
	['6.1', 'two lines of it', "${chunked}Transfer-Encoding: chunked||0||", '400'],
	['6.1', '... one of another coding', "${chunked}Transfer-Encoding: identity||0||", '400'],
	['7', 'parameters of chunked are an error', "${post}Transfer-Encoding: chunked;q=1||0||", '400'],

	# ---- 6.2: Content-Length ----
	(map { ["6.3, 5", "no length: <$_>", "${post}Content-Length: $_||hello", '400'] }
		'', 'abc', '+5', '-5', '-0', '0x5', '5 5', '5;', '5.0', '5,5', '5, 6', '5,', '1e1', "5\t5", '"5"', "\xb25", "\x005", "5\x0b"),
	['6.3, 5', 'two lengths', "${post}Content-Length: 5|$five", '400'],
	['6.3, 5', '... that differ', "${post}Content-Length: 6|$five", '400'],
	['6.2', 'a length beyond 64 bits', "${post}Content-Length: 18446744073709551621||hello", '413'],
	['6.2', '... far beyond', "${post}Content-Length: 99999999999999999999999||hello", '413'],
	['6.2', 'a length beyond the limit', "${post}Content-Length: 20001||hello", '413'],
	['6.2', 'zeros in front', "${post}Content-Length: 005||hello", '200', {body => 'hello'}],

	# ---- 6.3: where a message ends ----
	['6.3, 1', 'an answer to HEAD has no body', 'HEAD /big/10 HTTP/1.1|Host: a||', '200', {length => 10}],
	['6.3, 1', '... nor has a refused one', "HEAD /case HTTP/1.1|Host: a|Transfer-Encoding: gzip, chunked||0||", '501', {body_of_answer => ''}],
	['6.3, 1', '204 has no body', 'GET /status/204 HTTP/1.1|Host: a||', '204', {length => undef}],
	['6.3, 1', '304 has none', 'GET /status/304 HTTP/1.1|Host: a||', '304', {length => undef}],
	['6.3, 1', 'no 1xx for a final answer', 'GET /status/101 HTTP/1.1|Host: a||', '500'],
	['6.3, 4', 'where chunked is not the last, nobody knows the end', "${post}Transfer-Encoding: gzip||hello", '400'],
	['6.3, 4', '... of identity', "${post}Transfer-Encoding: identity||hello", '400'],
	['6.3, 4', '... of what looks like it', "${post}Transfer-Encoding: xchunked||0||", '400'],
	['6.3, 4', '... or begins like it', "${post}Transfer-Encoding: chunkedx||0||", '400'],
	['6.3, 6', 'a length says it', "$post$five", '200', {body => 'hello'}],
	['6.3, 6', '... of a body that looks like a request', $post . 'Content-Length: ' . length($smuggled =~ s/\|/\r\n/gr) . "||$smuggled", '200', {target => '/case'}],
	(map { ['6.3, 6', "... with $_", "$_ /case HTTP/1.1|Host: a|$five", '200', {method => $_, body => 'hello'}] } qw(GET DELETE OPTIONS PUT PATCH FOO)),
	['6.3, 6', '... with HEAD', "HEAD /big/10 HTTP/1.1|Host: a|$five", '200'],
	['6.3, 6', 'what comes behind is the next request, malformed here', "${post}Content-Length: 3||hello||", '200 400', {body => 'hel'}],
	['6.3, 7', 'neither of them: no body', "$post|", '200', {body => undef}],
	['6.3, 7', '... and what comes is the next request', "$post|hello||", '200 400', {body => undef}],

	# ---- 7.1: chunked ----
	['7.1', 'the last chunk alone', "$chunked|0||", '200', {body => undef}],
	['7.1', '... in zeros', "$chunked|000||", '200', {body => undef}],
	['7.1', 'sizes are hexadecimal', "$chunked|A|0123456789|0||", '200', {body => '0123456789'}],
	['7.1', '... in small letters, with zeros in front', "$chunked|000a|0123456789|0||", '200', {body => '0123456789'}],
	['7.1', 'data may look like lines', "$chunked|7||0|||0||", '200', {body => "\r\n0\r\n\r\n"}],
	['7.1', 'data may look like a request', "$chunked|" . sprintf('%x', length($smuggled =~ s/\|/\r\n/gr)) . "|$smuggled|0||", '200', {target => '/case'}],
	['7.1', 'sizes must not overflow: 2^64 + 5', "$chunked|10000000000000005|hello|0||", '400'],
	['7.1', '... 2^64 - 1', "$chunked|ffffffffffffffff|hello|0||", '413'],
	['7.1', '... 2^32 + 5', "$chunked|100000005|hello|0||", '413'],
	['7.1', '... zeros without end', "$chunked|${z40}5|hello|0||", '400'],
	['7.1', 'a chunk beyond the limit', "$chunked|4e21|", '413'],
	['7.1', 'chunks beyond it', "$chunked|" . ('2710|' . 'x' x 10000 . '|') x 3, '413'],
	(map { ["7.1", "no size: <$_->[0]>", "$chunked|$_->[1]", '400'] }
		['none', '|hello|0||'], ['letters', 'xyz|hello|0||'], ['0x5', '0x5|hello|0||'], ['+5', '+5|hello|0||'], ['-5', '-5|hello|0||'],
		['blank before it', ' 5|hello|0||'], ['blank behind it', '5 |hello|0||'], ['tab behind it', "5\t|hello|0||"], ['0_5', '0_5|hello|0||'],
		['bare LF behind it', "5\nhello|0||"], ['bare CR behind it', "5\rhello|0||"], ['CR CR LF', "5\r|hello|0||"], ['NUL', "5\0|hello|0||"]),
	(map { ["7.1", "data and size do not agree: $_->[0]", "$chunked|$_->[1]", '400'] }
		['more data', '5|hellooo|0||'], ['less data', '7|hello|0||'], ['bare LF behind the data', "5|hello\n0||"],
		['bare CR behind the data', "5|hello\r0||"], ['bare LF behind the last size', "0\n|"], ['bare LF at the end', "0|\n"]),
	['7.1.1', 'extensions must be ignored', "$chunked|5;a|hello|0;b=c||", '200', {body => 'hello'}],
	['7.1.1', '... quoted, with blanks', "$chunked|5 ; a = \"b;\\\"c\" ;d|hello|0||", '200', {body => 'hello'}],
	['7.1.1', '... that look like sizes', "$chunked|5;6|hello|0;5||", '200', {body => 'hello'}],
	['7.1.1', '... a long one', "$chunked|5;$x600|hello|0||", '400'],
	['7.1.1', '... that does not end', "$chunked|5;$x600", '400'],
	['7.1.1', '... many', "$chunked|" . ('1;' . 'a' x 400 . '|x|') x 12 . '0||', '431'],
	(map { ['7.1.1', "... malformed: $_->[0]", "$chunked|5;$_->[1]hello|0||", '400'] }
		['no name', '|'], ['control octet', "a=\x01|"], ['bare LF', "a\n"], ['bare CR', "a\rb|"], ['open string', "a=\"b|"], ['bare LF in a string', "a=\"\n\"|"]),
	['7.1.2', 'trailers are not merged into the headers', "$chunked|5|hello|0|A: b|Content-Length: 9|Host: c||", '200', {body => 'hello', headers => ['Host', 'a']}],
	['7.1.2', '... a long one', "$chunked|0|A: " . 'b' x 5000 . '||', '431'],
	['7.1.2', '... many', "$chunked|0|" . 'A: b|' x 1000 . '|', '431'],
	(map { ['7.1.2', "... malformed: $_->[0]", "$chunked|0|$_->[1]", '400'] }
		['no colon', 'abc||'], ['blank before the colon', 'A : b||'], ['folded', 'A: b| c||'], ['bare LF', "A: b\n|"], ['bare CR', "A: b\rC: d||"],
		['a request', $smuggled]),

	# ---- 8: incomplete messages ----
	['8', 'half a request line', 'GET /ca', 'nothing'],
	['8', 'half a header', 'GET /case HTTP/1.1|Ho', 'nothing'],
	['8', 'headers without their end', $get, 'nothing'],
	['8', 'half a body', "${post}Content-Length: 5||hel", 'nothing'],
	['8', 'half a chunk', "$chunked|5|hel", 'nothing'],
	['8', 'half a size', "$chunked|5", 'nothing'],
	['8', 'no last chunk', "$chunked|5|hello|", 'nothing'],
	['8', 'no end of the trailers', "$chunked|5|hello|0|A: b|", 'nothing'],

	# ---- 9: connections ----
	['9.3', 'HTTP/1.1 stays open', "$get|", '200', {connection => undef}],
	['9.3', 'HTTP/1.0 does not', 'GET /case HTTP/1.0||', '200 close'],
	['9.3', '... unless it is asked to, and is told', 'GET /case HTTP/1.0|Connection: Keep-Alive||', '200', {connection => 'keep-alive'}],
	['9.3', '... and not by another word', 'GET /case HTTP/1.0|Connection: keep-alivex||', '200 close'],
	['9.3.2', 'pipelined requests are answered in their order', "$get|GET /sleep/0.05 HTTP/1.1|Host: a||GET /0.1/token/x HTTP/1.1|Host: a||$get|", '200 200 200 200'],
	['9.3.2', '... up to a malformed one', "$get|BROKEN||$get|", '200 400'],
	['9.6', 'close is obeyed', "${get}Connection: close||", '200 close'],
	['9.6', '... in a list, in any letters', "${get}Connection: a , CLOSE||", '200 close'],
	['9.6', '... on a line of several', "${get}Connection: a|Connection: close||", '200 close'],
	['9.6', '... and wins', 'GET /case HTTP/1.0|Connection: close, keep-alive||', '200 close'],
	['9.6', 'a name like it is no close', "${get}Connection: closed||", '200'],

	# ---- RFC 9110, 10.1.1: Expect ----
	['10.1.1 of 9110', 'who expects 100 gets it', "${post}Content-Length: 5|Expect: 100-continue||~hello", '100 200', {body => 'hello'}],
	['10.1.1 of 9110', '... in any letters, before chunks', "${chunked}Expect: 100-Continue||~5|hello|0||", '100 200', {body => 'hello'}],
	['10.1.1 of 9110', '... not when the body is there', "${post}Expect: 100-continue|$five", '200', {body => 'hello'}],
	['10.1.1 of 9110', '... not without a body', "${get}Expect: 100-continue||", '200'],
	['10.1.1 of 9110', '... not before a refusal', "${post}Content-Length: 20001|Expect: 100-continue||", '413'],
	['10.1.1 of 9110', '... never in HTTP/1.0', "POST /case HTTP/1.0|Connection: keep-alive|Expect: 100-continue|Content-Length: 5||~hello", '200', {body => 'hello'}],
	['10.1.1 of 9110', 'another expectation', "${post}Expect: tea|$five", '417'],
	['10.1.1 of 9110', '... beside it', "${post}Expect: 100-continue, tea|$five", '417'],
	['7.8 of 9110', 'an upgrade is not taken up', "${get}Connection: Upgrade|Upgrade: h2c||", '200'],
);

sub wire { return $_[0] =~ s/\|/\r\n/gr }

# What the database was given, or what the answer has.
sub check
{
	my ($answer, $expected) = @_;
	my $echo = exists $expected->{target} || exists $expected->{method} || exists $expected->{headers} || exists $expected->{body}
		? $t->echo($answer) : {};
	# without what the front asks of the database in the last one
	my @headers = @{ $echo->{headers} // [] };
	is_deeply([ @headers[0 .. $#headers - 2] ], $expected->{headers}, 'its headers') if $expected->{headers};
	is($echo->{$_}, $expected->{$_}, "its $_") for grep { exists $expected->{$_} } qw(method target);
	is($echo->{body}, defined $expected->{body} ? unpack('H*', $expected->{body}) : undef, 'its body') if exists $expected->{body};
	is($answer->{reason}, $expected->{reason}, 'the phrase') if exists $expected->{reason};
	is($answer->{headers}{connection}, $expected->{connection}, 'Connection') if exists $expected->{connection};
	is($answer->{headers}{'content-length'}, $expected->{length}, 'Content-Length') if exists $expected->{length};
	is($answer->{body}, $expected->{body_of_answer}, 'the body of the answer') if exists $expected->{body_of_answer};
}

# A refusal is JSON, says that it is the last answer, and may be read by a page of another origin.
sub check_refusal
{
	my ($answer, $head) = @_;
	is($answer->{headers}{'content-type'}, 'application/json', 'content type');
	is($answer->{headers}{'access-control-allow-origin'}, '*', 'cross-origin header');
	like($answer->{body}, qr/\A\{"message": "[^"]+"\}\n\z/, 'body') if !$head;
}

# Sends a case and looks at what comes. Returns how many requests the front has answered.
sub run_case
{
	my ($bytes, $outcome, $expected) = @_;
	my $s = $t->connect;
	my $head = $bytes =~ /^HEAD /;
	my ($first, $second) = split /~/, wire($bytes), 2;
	local $SIG{PIPE} = 'IGNORE';
	if ($outcome eq 'nothing')
	{
		syswrite($s, $first);
		shutdown($s, 1);
		ok($t->closed($s), 'closed without an answer');
		return 0;
	}
	my @statuses = split / /, $outcome;
	my $close = $statuses[-1] eq 'close' && pop @statuses;
	my $refused = $statuses[-1] >= 400 && $statuses[-1] != 500;
	syswrite($s, $first . (defined $second ? '' : wire($behind)));
	if (defined $second && $statuses[0] != 100)
	{
		sleep 0.1;
		syswrite($s, $second . wire($behind));
	}
	my $answers = 0;
	foreach my $status (@statuses)
	{
		my $answer = $t->read_answer($s, no_body => $head || $status == 304) // {status => 'none', headers => {}};
		is($answer->{status}, $status, 'status');
		if ($status == 100)
		{
			syswrite($s, $second . wire($behind));
			next;
		}
		$answers++;
		ok($answer->{headers}{date}, 'Date');
		check($answer, $expected) if $expected && $answers == 1;
		is($answer->{headers}{'transfer-encoding'}, undef, 'no coding');
		next if $answers < (grep { $_ != 100 } @statuses);
		check_refusal($answer, $head) if $refused;
		is($answer->{headers}{connection}, 'close', 'the end is announced') if $refused || $close;
	}
	if (!$refused && !$close)
	{
		is($t->echo($t->read_answer($s))->{target}, '/behind', 'what comes behind it is the next request');
		$answers++;
	}
	ok($t->closed($s), 'closed');
	return $answers;
}

# Lines of the access log, without those of the front's start.
sub logged { return scalar(grep { !m{/started} } $t->log =~ / "([^"]*)" \d{3} /g) }

my $lines = 0;
foreach my $case (@cases)
{
	my ($section, $what, $bytes, $outcome, $expected) = @$case;
	subtest "$section: $what" => sub { $lines += run_case($bytes, $outcome, $expected) };
}

wait_for(sub { logged() >= $lines });
is(logged(), $lines, 'the access log has what was answered and nothing else');
unlike($t->log, qr/smuggled/, 'no body was taken for a request');
is(scalar($t->workers), 1, 'still the worker');
unlike($t->log, qr/ended by signal|ended with status/, '... which never died');

done_testing();
