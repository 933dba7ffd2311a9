# The front's limits on clients: connections of one address, and that a slow client holds up nobody else. By counts, not by time.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use IO::Socket::INET;
use Test::More;
use WazoFront qw(wait_for);

my $t = WazoFront->new;
my $host = "Host: localhost\r\n";
my @long = ('--header-timeout', 600, '--body-timeout', 600, '--keepalive-timeout', 600, '--request-timeout', 600, '--queue-wait', 600);

# A connection from another address of this machine; 127.0.0.1 is not counted.
sub from
{
	my ($address) = @_;
	my $s = IO::Socket::INET->new(LocalAddr => $address, PeerAddr => '127.0.0.1', PeerPort => $t->{port}, Timeout => 300) or die "cannot connect: $!";
	$s->autoflush(1);
	return $s;
}

# The status that a request of this connection gets, or "closed".
sub ask
{
	my ($s) = @_;
	local $SIG{PIPE} = 'IGNORE';
	syswrite($s, "GET /0.1/token/x HTTP/1.1\r\n$host\r\n");
	my $answer = $t->read_answer($s);
	return $answer ? $answer->{status} : 'closed';
}

# ---- connections of one address ----
$t->start_front('--workers', 1, '--max-peer-connections', 5, @long);
{
	my @first = map { from('127.0.0.2') } 1 .. 8;
	is(join(' ', map { ask($_) } @first), '200 200 200 200 200 closed closed closed', 'an address has five connections, not eight');
	is(ask(from('127.0.0.3')), '200', 'another address has its own');
	my @silent = map { from('127.0.0.4') } 1 .. 5;
	is(ask(from('127.0.0.4')), 'closed', 'silent ones count as well');
	is(ask(from('127.0.0.3')), '200', '... for their address');
	close $silent[0];
	ok(wait_for(sub { ask(from('127.0.0.4')) eq '200' }), 'one that goes makes room for another');
	my @own = map { $t->connect } 1 .. 8;
	is(join(' ', map { ask($_) } @own), '200 ' x 7 . '200', 'from this machine, as from a proxy there, any number');
	is(scalar(() = $t->log =~ /127\.0\.0\.2 has 5 connections to this worker/g), 1, 'it is told once');
}
$t->stop_front;
$t->start_front('--workers', 1, '--max-peer-connections', 5, '--num-proxies', 1, @long);
{
	my @all = map { from('127.0.0.2') } 1 .. 8;
	is(join(' ', map { ask($_) } @all), '200 ' x 7 . '200', 'behind proxies nobody is counted');
}
$t->stop_front;

# ---- slow clients hold no lane: more of them than connections to the database and places in the lanes ----
$t->start_front('--workers', 1, '--max-in-flight', 8, '--fast-connections', 1, '--login-connections', 1, '--slow-connections', 1, @long);
{
	my $most = 40;
	my @served = (sub { ask($t->connect) }, sub { $t->call('GET', '/echo')->{status} }, sub { $t->call('POST', '/0.1/token')->{status} });
	my $serves = sub { is(join(' ', map { $_->() } @served), '200 200 200', "$_[0]: others are served in each lane") };
	my @heads = map { my $s = $t->connect; syswrite($s, "GET /echo HTTP/1.1\r\nHo"); $s } 1 .. $most;
	$serves->("$most clients within a header");
	my @bodies = map { my $s = $t->connect; syswrite($s, "POST /0.1/token HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhe"); $s } 1 .. $most;
	$serves->("$most within a body");
	my @chunks = map { my $s = $t->connect; syswrite($s, "POST /0.1/token HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhe"); $s } 1 .. $most;
	$serves->("$most within a chunk");
	# each answer is longer than all buffers between, and nobody reads
	my @readers = map { my $s = $t->connect; syswrite($s, "GET /big/6000000 HTTP/1.1\r\n$host\r\n"); $s } 1 .. 12;
	ok(wait_for(sub { (() = $t->log =~ m{/big/6000000}g) == 12 }), '12 answers that nobody reads were all made');
	$serves->('12 that do not read');
	syswrite($_, 'llo') for @bodies;
	syswrite($_, "llo\r\n0\r\n\r\n") for @chunks;
	syswrite($_, "st: a\r\n\r\n") for @heads;
	my %answers;
	$answers{($t->read_answer($_) // {status => 'none'})->{status}}++ for @heads, @bodies, @chunks;
	is_deeply([ grep { !/^(?:200|503)$/ } keys %answers ], [], 'those who end at last are answered, or told to come again');
	is(length(($t->read_answer($readers[0]) // {body => ''})->{body}), 6_000_000, 'and who reads at last gets it all');
}
is(scalar($t->workers), 1, 'still the worker');
unlike($t->log, qr/ended by signal|ended with status/, '... which never died');

done_testing();
