# WazoPort: ports for servers of a test's own.
#
# Below those that the kernel gives to outgoing connections (32768 and up): one
# of those may be taken between the look and the start, by any connection of the
# tests beside.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoPort;

use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;

# A port on which nobody listens, each time another one.
my %given;

sub free_port
{
	foreach (1 .. 1000)
	{
		my $port = 10_240 + int(rand(22_000));
		next if $given{$port}++;
		return $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0', LocalPort => $port);
	}
	die 'no free port';
}

1;
