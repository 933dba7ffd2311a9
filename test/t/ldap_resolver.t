# A directory whose name nobody resolves: a name server that takes the question
# and never answers. It is the only one of a network of its own.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Temp ();
use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use WazoTree;

my $dir = File::Temp->newdir;
my $programs = program_folder();

# What the namespace does: its loopback is up, its resolver asks a server that tells what it was asked, once, and is silent.
my $inside = <<'EOP';
use strict; use warnings; use IO::Socket::INET; use IO::Select; use Socket qw(MSG_DONTWAIT);
my ($dir, $program) = @ARGV;
my $lo = IO::Socket::INET->new(Proto => 'udp') or die $!;
my $up = pack 'Z16 s x22', 'lo', 0x41;
ioctl($lo, 0x8914, $up) or die "lo: $!";
open my $conf, '>', "$dir/resolv.conf" or die $!;
print $conf "nameserver 127.0.0.1\n";
close $conf;
system('mount', '--bind', "$dir/resolv.conf", '/etc/resolv.conf') == 0 or die 'mount';
my $server = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 53) or die "port 53: $!";
# It may write no file: its answer goes through a pipe.
my $pid = open(my $answer, '-|') // die $!;
if ($pid == 0)
{
	open STDIN, '<', "$dir/job" or die $!;
	exec $program or die $!;
}
# Whichever comes first; the server's, where both are there.
my ($first) = IO::Select->new($server, $answer)->can_read;
recv $server, my $question, 512, MSG_DONTWAIT;
print $first != $server ? "asked nobody\n" : $question =~ /silent\x05wazoo/ ? "asked\n" : "asked something else\n";
print +(<$answer> // 'no answer') =~ s/\0/|/gr, "\n";
close $answer;
print "exit $?\n";
EOP
open my $job, '>:raw', "$dir/job" or die $!;
print $job map { "$_\0" } 'silent.wazoo', 389, 3, '', '/etc/ssl/certs/ca-certificates.crt', '', '', 'dc=x', 'cn', 'mail', '', 'somebody', 'secret';
close $job or die $!;
my ($out, $err) = ('', '');
my $late = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default, exception => "the program does not end\n");
$err .= $@ if !eval { IPC::Run::run([ 'unshare', '--map-root-user', '--mount', '--net', 'perl', '-e', $inside, "$dir", "$programs/wazo-auth-ldap" ], '<', \undef, '>', \$out, '2>', \$err, $late); 1 };
is($out . $err, "asked\ntimeout|binding as the user||\nexit 0\n", 'the name server is asked, and the program gives up as it does at every step');

done_testing();
