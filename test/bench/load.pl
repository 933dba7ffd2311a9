# load.pl KIND PORT READY: what strangers can do to the front, until it is ended by TERM; makes the
# file READY when it has begun; at the end prints how many answers of
# which status it got, or how many connections it had.
#   checks  four clients with scope checks of 1 MB for tokens that nobody has
#   logins  64 wrong logins at a time
#   silent  as many connections without a byte as this process may have; those that are closed are opened again
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use IO::Select;
use IO::Socket;
use MIME::Base64;
use Socket qw(:DEFAULT IPPROTO_IP IPPROTO_TCP pack_sockaddr_in);
use Time::HiRes qw(sleep);

my ($kind, $port, $ready) = @ARGV;
my $host = "Host: localhost\r\n";
my %request = (
	checks => do {
		my $body = '{"x":[' . join(',', ('{}') x 349_000) . '],"scopes":["a"]}';
		"POST /0.1/token/00000000-0000-4000-8000-000000000000/scopes/check HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: "
			. length($body) . "\r\n\r\n$body";
	},
	logins => "POST /0.1/token HTTP/1.1\r\n${host}Authorization: Basic " . encode_base64('bench:wrong', '') . "\r\nContent-Length: 2\r\n\r\n{}");
my %clients = (checks => 4, logins => 64, silent => 9000);

my %answers;
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub {
	print join(', ', map { "$_: $answers{$_}" } sort keys %answers), "\n";
	exit 0;
};

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
my $wanted = $clients{$kind} // die "no such load: $kind\n";
# A bench that was killed leaves no load behind.
my $bench = getppid();
while (getppid() == $bench)
{
	while ($sockets->count < $wanted)
	{
		my $s = client() or last;
		$sockets->add($s);
		if ($request{$kind}) { send_all($s, $request{$kind}) }
		else { $answers{connections}++ }
	}
	if (defined $ready)
	{
		open(my $f, '>', $ready) or die "$ready: $!";
		undef $ready;
	}
	foreach my $s ($sockets->can_read(0.1))
	{
		my $n = sysread($s, my $answer, 65536);
		$answers{$1}++ if $n && $answer =~ m{^HTTP/1\.1 (\d+)};
		if (!$n || !send_all($s, $request{$kind} // ''))
		{
			$sockets->remove($s);
			close $s;
		}
	}
}
