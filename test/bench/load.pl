# load.pl KIND PORT READY [FILE]: what strangers can do to the front, until it is ended by TERM; makes the
# file READY when it has begun; at the end prints how many answers of
# which status it got, or how many connections it had.
#   checks  four clients with scope checks of 1 MB for tokens that nobody has
#   logins  64 wrong logins at a time
#   largest eight clients with the largest requests that the shapes let through, of all routes that change or list something;
#           FILE has what WazoShapes asks for, and with it "things" and a "token"
#   silent  as many connections without a byte as this process may have; those that are closed are opened again
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Encode qw(encode_utf8);
use IO::Select;
use IO::Socket;
use JSON ();
use MIME::Base64;
use Socket qw(:DEFAULT IPPROTO_IP IPPROTO_TCP pack_sockaddr_in);
use Time::HiRes qw(sleep);
use WazoFront ();
use WazoShapes qw(request_bytes);

my ($kind, $port, $ready, $file) = @ARGV;
my $host = "Host: localhost\r\n";
my %request = (
	checks => do {
		my $body = '{"x":[' . join(',', ('{}') x 349_000) . '],"scopes":["a"]}';
		"POST /0.1/token/00000000-0000-4000-8000-000000000000/scopes/check HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: "
			. length($body) . "\r\n\r\n$body";
	},
	logins => "POST /0.1/token HTTP/1.1\r\n${host}Authorization: Basic " . encode_base64('bench:wrong', '') . "\r\nContent-Length: 2\r\n\r\n{}");
my @largest = $kind eq 'largest' ? largest_requests($file) : ();
my %clients = (largest => 8, checks => 4, logins => 64, silent => 9000);

my %answers;
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub {
	print join(', ', map { "$_: $answers{$_}" } sort keys %answers), "\n";
	exit 0;
};

sub largest_requests
{
	my ($from) = @_;
	open(my $f, '<:encoding(UTF-8)', $from) or die "$from: $!";
	my $document = join '', <$f>;
	my $shapes = WazoShapes->of($document);
	my $with = JSON::decode_json(encode_utf8($document));
	$shapes->{things} = $with->{things};
	my @routes = grep { $_->{access} && $_->{method} !~ /^(?:DELETE|HEAD)$/ && ($_->{body_schema} || $_->{query_schema}) } @{ $shapes->{routes} };
	return map { my $route = $_; map { request_bytes($shapes->largest($route, $_, $with->{token}, 1, 0)) } qw(access wide) } @routes;
}
sub next_request
{
	return $kind eq 'largest' ? $largest[ rand @largest ] : $request{$kind};
}

# An address of its own, whose ports are no concern of other clients here: without the option the kernel keeps each
# of them from everybody until a minute after its connection has ended.
use constant IP_BIND_ADDRESS_NO_PORT => 24;

sub client
{
	my $s = IO::Socket->new;
	socket($s, PF_INET, SOCK_STREAM, IPPROTO_TCP) or return;
	setsockopt($s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, pack('i', 1)) or die "setsockopt: $!";
	bind($s, pack_sockaddr_in(0, inet_aton('127.0.0.2'))) or return;
	connect($s, pack_sockaddr_in($port, inet_aton('127.0.0.1'))) or return;
	return $s;
}

sub send_all
{
	my ($s, $data) = @_;
	for (my $sent = 0; $sent < length $data;)
	{
		my $n = syswrite($s, $data, 65536, $sent) or return 0;
		$sent += $n;
	}
	return 1;
}

my $sockets = IO::Select->new;
my %read;	# of answers that are not whole yet
my $wanted = $clients{$kind} // die "no such load: $kind\n";
# A bench that was killed leaves no load behind.
my $bench = getppid();
while (getppid() == $bench)
{
	while ($sockets->count < $wanted)
	{
		my $s = client() or last;
		$sockets->add($s);
		$read{$s} = '';
		if (next_request()) { send_all($s, next_request()) }
		else { $answers{connections}++ }
	}
	if (defined $ready)
	{
		open(my $f, '>', $ready) or die "$ready: $!";
		undef $ready;
	}
	foreach my $s ($sockets->can_read(0.1))
	{
		my $n = sysread($s, $read{$s}, 65536, length $read{$s});
		my $answer = WazoFront::take_answer(\$read{$s});
		$answers{ $answer->{status} }++ if $answer;
		next if $n && !$answer;
		if (!$n || !send_all($s, next_request()))
		{
			delete $read{$s};
			$sockets->remove($s);
			close $s;
		}
	}
}
