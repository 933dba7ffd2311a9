# WazoAsk: several requests at a time over raw connections, read and written in turns: who answers before it has read all
# of a request is heard, and who stops in the middle of an answer is told from who gave none.
#
#   my $ask = WazoAsk->new($port, keep => 1);    keep: connections are used again while the front keeps them
#   my @answers = $ask->all(@bytes);             one of each, as WazoFront::take_answer() has them
#
# What has no whole answer has the status 0, and says in "reason" what it had.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoAsk;

use strict;
use warnings FATAL => 'all';
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select;
use IO::Socket::INET;
use WazoFront ();

sub new
{
	my ($class, $port, %how) = @_;
	return bless { port => $port, keep => $how{keep}, kept => [] }, $class;
}

# A connection that the front has not ended meanwhile, or a new one.
sub connection
{
	my ($self, $i) = @_;
	my $socket = $self->{kept}[$i];
	return $socket if $socket && !IO::Select->new($socket)->can_read(0);
	$socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) // die "cannot connect to the front: $!";
	$socket->blocking(0);
	return $socket;
}

sub come_again { return $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} }

# Sends more of a request; what the front takes no more of it is left unsent.
sub send_more
{
	my ($one) = @_;
	my $n = syswrite($one->{socket}, $one->{bytes}, length($one->{bytes}) - $one->{sent}, $one->{sent});
	return if !defined $n && come_again();
	$one->{unsent} = defined $n ? '' : "$!";
	$one->{sent} = defined $n ? $one->{sent} + $n : length $one->{bytes};
	return;
}

# Reads more of an answer. Returns whether it is whole, or there will be no more.
sub read_more
{
	my ($one) = @_;
	my $n = sysread($one->{socket}, $one->{buffer}, 1 << 20, length $one->{buffer});
	return 0 if !defined $n && come_again();
	my $error = $n ? '' : defined $n ? 'the end' : "$!";
	my $has = length $one->{buffer};
	my $answer;
	do { $answer = WazoFront::take_answer(\$one->{buffer}, $one->{bytes} =~ /\AHEAD /) } while ($answer && $answer->{status} < 200);
	$one->{answer} = $answer;
	return 1 if $answer;
	return 0 if $n;
	my $unsent = $one->{unsent} ? ", of a request that was not taken in whole ($one->{unsent})" : '';
	$one->{answer} = { status => 0, reason => "$error after $has bytes of an answer$unsent", headers => {}, body => '' };
	return 1;
}

# Sends them all, and reads until each has its answer.
sub all
{
	my ($self, @bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my @all = map { { socket => $self->connection($_), bytes => $bytes[$_], sent => 0, buffer => '' } } 0 .. $#bytes;
	my %open = map { (fileno $_->{socket} => $_) } @all;
	my ($to_read, $to_write) = map { IO::Select->new(map { $_->{socket} } @all) } 1 .. 2;
	while (%open)
	{
		my ($can_read, $can_write) = IO::Select->select($to_read, $to_write, undef);
		foreach my $socket (@$can_write)
		{
			my $one = $open{ fileno $socket };
			send_more($one);
			$to_write->remove($socket) if $one->{sent} == length $one->{bytes};
		}
		foreach my $socket (grep { read_more($open{ fileno $_ }) } @$can_read)
		{
			$_->remove($socket) foreach $to_read, $to_write;
			delete $open{ fileno $socket };
		}
	}
	foreach my $i (0 .. $#all)
	{
		my $one = $all[$i];
		my $ends = !$self->{keep} || $one->{unsent} || $one->{sent} < length $one->{bytes} || lc($one->{answer}{headers}{connection} // '') eq 'close';
		$self->{kept}[$i] = $ends || !$one->{answer}{status} ? undef : $one->{socket};
	}
	return map { $_->{answer} } @all;
}

1;
