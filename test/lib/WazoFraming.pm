# WazoFraming: requests whose end is in doubt, made up from a seed.
#
#   my $framing = WazoFraming->new($seed);
#   my $bytes = $framing->bytes($id);       one of them, with what comes behind it on the same connection
#
# Every target in it has the id in it. What comes behind is long enough for any length that is made up, and its last request asks
# for the connection's end, so whoever reads it all is never left waiting.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoFraming;

use strict;
use warnings;

# Of each list the first is what a plain client sends; how often it is another one is a matter of the case.
my @methods = qw(POST GET PUT DELETE OPTIONS PATCH HEAD FOO get);
my @versions = qw(HTTP/1.1 HTTP/1.0 HTTP/1.2 HTTP/1.10 HTTP/2.0 http/1.1);
my @line_ends = ("\r\n", "\n", "\r", "\r\r\n", "\n\r\n", " \r\n", "\t\r\n", "\0\r\n", "\r\n ", '');
my @targets = ('/r/%d', 'http://a/r/%d', 'https://b:1/r/%d?x', 'http://a', '//r/%d', '/r/%d?a=b%%20c', '/r/./%d', '/r/%d/../%d', '/r/%d#x', '/r%%2F%d',
	'/r/%d"<>{}^`', "/r/%d\xe9", '/r/%d;a=b', '/r/%d%%00', '/r/%d?a?b#c', 'r/%d', '*');
my @hosts = ('Host: a', 'Host:', 'host: a:80', 'Host: a/b', 'Host : a', "Host: a\r\nHost: a", 'Host: a@b', 'X-None: a', "Host: a\r\n b");
my @lengths = ('%d', '0%d', '+%d', ' %d ', "%d\t", '0x%x', '%d,%d', '%d, %d', '%d;', '-%d', '%d.0', '%d %d', "\x0b%d", '', '1844674407370955161%d');
my @codings = ('chunked', 'Chunked', ' chunked ', "chunked\t", 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'identity', 'xchunked', 'chunkedx',
	"\x0bchunked", 'chunked;a=b', '"chunked"', ', chunked', 'chunked,', '');
my @length_names = ('Content-Length', 'content-length', 'Content_Length', 'Content-Length ', "Content-Length\t", 'Content Length', ' Content-Length',
	'X-Content-Length', "Content-Length\0", "X: a\r\nContent-Length");
my @coding_names = ('Transfer-Encoding', 'transfer-encoding', 'Transfer_Encoding', 'Transfer-Encoding ', "Transfer-Encoding\t", ' Transfer-Encoding',
	"X: a\r\nTransfer-Encoding", 'X-Transfer-Encoding', "Transfer-Encoding\0");
my @noise = ('X: y', "X: \x01", "X: \xff", "X: a\r\n b", 'X', ': x', 'X Y: z', 'Connection: close', 'Connection: keep-alive', 'Connection: Transfer-Encoding',
	'Connection: Content-Length', 'Connection: close, keep-alive', 'Expect: 100-continue', 'Expect: tea', 'Upgrade: h2c', 'TE: trailers', 'Trailer: A',
	'Keep-Alive: 5', 'Content-Encoding: gzip', 'Range: bytes=0-1', "X: a\rY: b", "X: a\nY: b", 'X-Http-Method-Override: GET');
my @sizes = ('%x', '%X', '0%x', '000000%x', '0x%x', '+%x', '-%x', ' %x', '%x ', "%x\t", '1000000000000000%x', '10000000%x', '%x;a', '%x;a=b',
	'%x ; a="b;c"', '%x;', '%x;a="', "%x;a\n", 'g%x', '%x_0', '');
my @last_sizes = ('0', '00', '0;a', '-0', '', '0x0', '0 ', '0000000000000000000');
my @trailers = ('', "A: b\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "A : b\r\n", "GET /smuggled/0 HTTP/1.1\r\n", "A: b\n");
my @far = (0, 1, -1, 2, -2, 7);

sub new
{
	my ($class, $seed) = @_;
	return bless {state => ($seed & 0xffffffff) || 1}, $class;
}

# A number below n, by xorshift: Perl's own generator is not the same everywhere.
sub below
{
	my ($self, $n) = @_;
	my $x = $self->{state};
	$x ^= ($x << 13) & 0xffffffff;
	$x ^= $x >> 17;
	$x ^= ($x << 5) & 0xffffffff;
	$self->{state} = $x;
	return $x % $n;
}

# Any of them.
sub one_of { return $_[1 + $_[0]->below(@_ - 1)] }

# The first of them, or, as wild as the case is, any.
sub maybe { return $_[0]->below(100) < $_[0]{wild} ? $_[0]->one_of(@_[1 .. $#_]) : $_[1] }

# The format with the number wherever it has a place for one.
sub filled
{
	my ($format, $number) = @_;
	my $places = () = $format =~ /%[dxX]/g;
	return sprintf($format, ($number) x $places);
}

# A number, or one near it.
sub about
{
	my ($self, $n) = @_;
	my $other = $n + $self->maybe(@far);
	return $other < 0 ? 0 : $other;
}

sub chunks
{
	my ($self, $body) = @_;
	my $bytes = '';
	foreach my $piece (unpack('(a' . (4 + $self->below(200)) . ')*', $body))
	{
		$bytes .= filled($self->maybe(@sizes), $self->about(length $piece)) . $self->maybe(@line_ends) . $piece . $self->maybe(@line_ends);
	}
	return $bytes . $self->maybe(@last_sizes) . $self->maybe(@line_ends)
		. $self->one_of($self->one_of(@trailers), '', '') . $self->maybe(@line_ends);
}

# Header lines about a body of that length. kind: what they say of it.
sub headers
{
	my ($self, $kind, $length) = @_;
	my @lines = $self->maybe(@hosts);
	foreach (1 .. $kind =~ tr/l//)
	{
		push @lines, $self->maybe(@length_names) . ':' . $self->one_of(' ', '') . filled($self->maybe(@lengths), $self->about($length));
	}
	push @lines, $self->maybe(@coding_names) . ':' . $self->one_of(' ', '') . $self->maybe(@codings) for 1 .. $kind =~ tr/c//;
	push @lines, $self->one_of(@noise) for 1 .. $self->maybe(0, 1, 2);
	@lines = reverse @lines if $self->below(2);
	return join('', map { $_ . $self->maybe(@line_ends) } @lines);
}

# One octet is changed, taken away or put in.
sub damage
{
	my ($self, $bytes) = @_;
	my $at = $self->below(length $bytes);
	substr($bytes, $at, $self->below(2), $self->one_of("\r", "\n", "\r\n", "\0", ' ', "\t", ':', ';', ',', '0', '1', "\x80", "\x0b", ''));
	return $bytes;
}

sub bytes
{
	my ($self, $id) = @_;
	$self->{wild} = $self->one_of(2, 5, 15);
	my $inside = $self->one_of('hello', "GET /smuggled/$id HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\nGET /smuggled/$id HTTP/1.1\r\nHost: a\r\n\r\n", 'x' x 600, '');
	# what is said of the body's end: l for a length, c for a coding
	my $kind = $self->one_of('l', 'l', 'l', 'c', 'c', 'c', '', 'lc', 'll', 'cc');
	my $body = $self->maybe(($kind =~ /c/ ? $self->chunks($inside) : $inside), $self->chunks($inside), $inside);
	my $case = $self->one_of($self->one_of(@methods), 'POST') . ' ' . filled($self->maybe(@targets), $id) . ' ' . $self->maybe(@versions) . $self->maybe(@line_ends)
		. $self->headers($kind, length $body) . $self->maybe(@line_ends) . $body;
	$case = $self->damage($case) if $self->below(100) < 2 * $self->{wild};
	return $case . "GET /behind/$id HTTP/1.1\r\nHost: a\r\n\r\n"
		. "GET /pad/$id HTTP/1.1\r\nHost: a\r\nX: " . 'p' x 3000 . "\r\n\r\n"
		. "GET /last/$id HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" x 2;
}

1;
