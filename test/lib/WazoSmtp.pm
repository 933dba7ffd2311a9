# WazoSmtp: the mail server of test/t/lib/smtp_server.py on a free port, with a
# folder of its own, ended with the test.
#
#   my $smtp = WazoSmtp->new($folder);
#   $smtp->start('--auth', 'user', 'password'); $smtp->stop;
#   $smtp->mode('refuse');
#   my @mails = $smtp->mails;       each a hash, see smtp_server.py
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoSmtp;

use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use JSON ();
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

my $program = abs_path(dirname(__FILE__) . '/../t/lib/smtp_server.py');

# The folder is made.
sub new
{
	my ($class, $dir) = @_;
	mkdir $dir or die "$dir: $!";
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "no port: $!";
	return bless { dir => abs_path($dir), port => $socket->sockport, owner => $$ }, $class;
}

sub text
{
	my ($self, $name) = @_;
	open(my $file, '<', "$self->{dir}/$name") or return '';
	local $/;
	return <$file> // '';
}

sub start
{
	my ($self, @options) = @_;
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		open(STDOUT, '>>', "$self->{dir}/log");
		open(STDERR, '>&', \*STDOUT);
		exec('python3', $program, $self->{port}, $self->{dir}, @options) or POSIX::_exit(127);
	}
	my $end = time + 20;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}))
	{
		die 'the mail server ended: ' . $self->text('log') if waitpid($self->{pid}, WNOHANG) == $self->{pid};
		die 'the mail server does not start' if time > $end;
		sleep 0.05;
	}
	return;
}

sub stop
{
	my ($self) = @_;
	kill 'TERM', $self->{pid};
	waitpid($self->{pid}, 0);
	delete $self->{pid};
	return;
}

sub mode
{
	my ($self, $mode) = @_;
	unlink "$self->{dir}/mode";
	return if !$mode;
	open(my $file, '>', "$self->{dir}/mode") or die "mode: $!";
	print $file $mode;
	close $file or die "mode: $!";
	return;
}

sub mails
{
	my ($self) = @_;
	return map { JSON::decode_json($_) } split /\n/, $self->text('mails');
}

sub DESTROY
{
	my ($self) = @_;
	return if !$self->{pid} || $$ != $self->{owner};
	local ($?, $!);
	kill 'KILL', $self->{pid};
	waitpid($self->{pid}, 0);
	return;
}

1;
