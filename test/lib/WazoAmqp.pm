# WazoAmqp: as much of an AMQP 0-9-1 client as it takes to see what arrives at
# a broker, byte by byte and by no library that the relay uses too.
#
#   my $amqp = WazoAmqp->new(port => $port);
#   my $queue = $amqp->queue;                          exclusive, with a name of the broker's
#   $amqp->exchange('xivo', 'topic');                  fails if it is there in another form
#   $amqp->bind($queue, 'xivo', '#');
#   $amqp->consume($queue);                            or, to keep what is under way: ack => 1
#   my $message = $amqp->receive(5);                   or undef after so many seconds
#
# A message: exchange, routing_key, body, properties (name => value), headers
# (list of [name, type letter, value]), redelivered, and tag, for ack().
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoAmqp;

use strict;
use warnings FATAL => 'all';
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

my @property_names = qw(content_type content_encoding headers delivery_mode priority correlation_id reply_to
  expiration message_id timestamp type user_id app_id);

sub new
{
	my ($class, %args) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $args{port}, Timeout => 5)
	  or die "no broker on port $args{port}: $@";
	my $self = bless { socket => $socket, buffer => '', messages => [] }, $class;
	$socket->autoflush(1);
	print $socket "AMQP\0\0\x09\x01";
	$self->answer(10, 10);
	$self->method(0, 10, 11, pack('N', 0) . short('PLAIN') . long("\0guest\0guest") . short('en_US'));
	my ($channels, $frame) = unpack('nN', $self->answer(10, 30));
	$self->method(0, 10, 31, pack('nNn', $channels, $frame, 0));
	$self->method(0, 10, 40, short('/') . short('') . "\0");
	$self->answer(10, 41);
	$self->method(1, 20, 10, short(''));
	$self->answer(20, 11);
	return $self;
}

sub short { return pack('C/a', $_[0]) }
sub long { return pack('N/a', $_[0]) }

sub frame
{
	my ($self, $type, $channel, $payload) = @_;
	my $socket = $self->{socket};
	print $socket pack('CnN/a', $type, $channel, $payload) . "\xCE";
	return;
}

sub method
{
	my ($self, $channel, $class, $id, $args) = @_;
	return $self->frame(1, $channel, pack('nn', $class, $id) . $args);
}

# The next frame: type, channel and payload; nothing after the deadline.
sub next_frame
{
	my ($self, $deadline) = @_;
	for (;;)
	{
		if (length $self->{buffer} >= 7)
		{
			my ($type, $channel, $size) = unpack('CnN', $self->{buffer});
			if (length $self->{buffer} >= 8 + $size)
			{
				my $payload = substr($self->{buffer}, 7, $size);
				substr($self->{buffer}, 0, 8 + $size) = '';
				return ($type, $channel, $payload);
			}
		}
		my $left = $deadline - time;
		return if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
		sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer})
		  or die "the broker has closed the connection\n";
	}
}

# Waits for a method; keeps the messages that come meanwhile.
sub answer
{
	my ($self, $class, $id) = @_;
	my $deadline = time + 20;
	while (my ($type, $channel, $payload) = $self->next_frame($deadline))
	{
		next if $type != 1;
		my ($c, $i) = unpack('nn', $payload);
		return substr($payload, 4) if $c == $class && $i == $id;
		if ($c == 60 && $i == 60)
		{
			push @{ $self->{messages} }, $self->read_message($payload, $deadline);
			next;
		}
		my ($code, $text) = unpack('nC/a', substr($payload, 4));
		die "the broker says $code $text\n" if ($c == 20 && $i == 40) || ($c == 10 && $i == 50);
	}
	die "no answer $class.$id of the broker\n";
}

sub read_table
{
	my ($data) = @_;
	my @fields;
	while (length $data)
	{
		my ($name, $type, $rest) = unpack('C/a a a*', $data);
		my $value;
		if ($type eq 'S') { ($value, $data) = unpack('N/a a*', $rest); }
		elsif ($type eq 't') { ($value, $data) = unpack('C a*', $rest); }
		elsif ($type eq 'I') { ($value, $data) = unpack('N a*', $rest); }
		elsif ($type eq 'l' || $type eq 'T') { ($value, $data) = unpack('Q> a*', $rest); }
		else { die "header $name has the unexpected type $type\n"; }
		push @fields, [ $name, $type, $value ];
	}
	return \@fields;
}

# The header and body frames that follow a basic.deliver.
sub read_message
{
	my ($self, $payload, $deadline) = @_;
	my (undef, undef, undef, $tag, $redelivered, $exchange, $key) = unpack('nn C/a Q> C C/a C/a', $payload);
	my %message = (exchange => $exchange, routing_key => $key, body => '', properties => {}, headers => [],
		tag => $tag, redelivered => $redelivered);
	my ($type, undef, $header) = $self->next_frame($deadline);
	die "no header frame\n" if !defined $type || $type != 2;
	my (undef, undef, $size, $flags, $rest) = unpack('nn Q> n a*', $header);
	for my $bit (reverse 3 .. 15)
	{
		next unless $flags & (1 << $bit);
		my $name = $property_names[ 15 - $bit ];
		my $value;
		if ($name eq 'headers')
		{
			($value, $rest) = unpack('N/a a*', $rest);
			$message{headers} = read_table($value);
			next;
		}
		elsif ($name eq 'delivery_mode' || $name eq 'priority') { ($value, $rest) = unpack('C a*', $rest); }
		elsif ($name eq 'timestamp') { ($value, $rest) = unpack('Q> a*', $rest); }
		else { ($value, $rest) = unpack('C/a a*', $rest); }
		$message{properties}{$name} = $value;
	}
	while (length $message{body} < $size)
	{
		my ($body_type, undef, $body) = $self->next_frame($deadline);
		die "no body frame\n" if !defined $body_type || $body_type != 3;
		$message{body} .= $body;
	}
	return \%message;
}

sub receive
{
	my ($self, $seconds) = @_;
	return shift @{ $self->{messages} } if @{ $self->{messages} };
	my $deadline = time + $seconds;
	while (my ($type, $channel, $payload) = $self->next_frame($deadline))
	{
		next if $type != 1;
		my ($class, $id) = unpack('nn', $payload);
		return $self->read_message($payload, time + 20) if $class == 60 && $id == 60;
	}
	return;
}

# Table of text and number arguments: name => [type letter, value].
sub table
{
	my (%args) = @_;
	my $fields = '';
	for my $name (sort keys %args)
	{
		my ($type, $value) = @{ $args{$name} };
		$fields .= short($name) . $type . ($type eq 'S' ? long($value) : pack('N', $value));
	}
	return long($fields);
}

# Declares a queue, durable with a name, else exclusive; returns its name.
sub queue
{
	my ($self, $name, %args) = @_;
	$self->method(1, 50, 10, pack('n', 0) . short($name // '') . chr(defined $name ? 2 : 4) . table(%args));
	return unpack('C/a', $self->answer(50, 11));
}

sub delete_queue
{
	my ($self, $name) = @_;
	$self->method(1, 50, 40, pack('n', 0) . short($name) . "\0");
	$self->answer(50, 41);
	return;
}

# Declares an exchange as upstream and its consumers do: durable, not auto-delete.
sub exchange
{
	my ($self, $name, $type) = @_;
	$self->method(1, 40, 10, pack('n', 0) . short($name) . short($type) . chr(2) . table());
	$self->answer(40, 11);
	return;
}

sub delete_exchange
{
	my ($self, $name) = @_;
	$self->method(1, 40, 20, pack('n', 0) . short($name) . "\0");
	$self->answer(40, 21);
	return;
}

sub bind
{
	my ($self, $queue, $exchange, $key) = @_;
	$self->method(1, 50, 20, pack('n', 0) . short($queue) . short($exchange) . short($key) . "\0" . table());
	$self->answer(50, 21);
	return;
}

# With ack => 1 the broker keeps each message until ack(); else it forgets it
# when it has sent it.
sub consume
{
	my ($self, $queue, %opt) = @_;
	$self->method(1, 60, 20, pack('n', 0) . short($queue) . short('') . chr($opt{ack} ? 0 : 2) . table());
	$self->answer(60, 21);
	return;
}

sub ack
{
	my ($self, $message) = @_;
	$self->method(1, 60, 80, pack('Q> C', $message->{tag}, 0));
	return;
}

1;
