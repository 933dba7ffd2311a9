# WazoChaos: clients that change things through a front and note each answer,
# a consumer that notes what arrives at the broker, and the accidents.
#
#   my $chaos = WazoChaos->new(node => $node, front => $front, rabbit => $rabbit, dir => $dir);
#   $chaos->start_client($i, %user) ...; $chaos->start_consumer;
#   my @kinds = $chaos->kinds;
#   $chaos->accident($kind);
#   $chaos->stop_clients; $chaos->stop_consumer;
#
# Answers: DIR/answers.I, lines "number action status uuid" separated by tabs,
# where uuid is the session's, the tenant's or the user's. Events:
# DIR/events, lines "number message_id redelivered routing_key body".
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoChaos;

use strict;
use warnings FATAL => 'all';
use HTTP::Tiny;
use IO::Handle;
use JSON ();
use POSIX ();
use Time::HiRes qw(sleep time);
use WazoAmqp;
use WazoNode;
use PostgreSQL::Test::Utils ();

# How often each accident happens, in relation to the others. The broker takes
# long to come back; more of its ends would only make for fewer of the others.
my %weight = (server => 4, relay => 5, expiry => 3, backend => 5, front => 5, broker_stop => 1, broker_kill => 1);

sub new
{
	my ($class, %args) = @_;
	return bless { %args, clients => [], owner => $$ }, $class;
}

sub kinds { return sort keys %weight }

# One of them, by weight.
sub random_kind
{
	my $sum = 0;
	$sum += $_ for values %weight;
	my $at = rand $sum;
	for my $kind (kinds())
	{
		$at -= $weight{$kind};
		return $kind if $at < 0;
	}
	return (kinds())[0];
}

# Runs code in a process of its own, until it is told to stop: the code looks
# at ${$_[0]} for that.
sub spawn
{
	my ($code) = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	eval { $code->(\$stop); 1 } or print STDERR "# $@";
	POSIX::_exit($@ ? 1 : 0);
}

# A client with a user of its own. user: uuid, name, password, and an
# administrator's token for what the user may not.
sub start_client
{
	my ($self, $n, %user) = @_;
	push @{ $self->{clients} }, spawn(sub { client($self, $n, $_[0], %user) });
	return;
}

sub client
{
	my ($self, $n, $stop, %user) = @_;
	open(my $out, '>', "$self->{dir}/answers.$n") or die "answers.$n: $!";
	$out->autoflush(1);
	srand($self->{seed} + $n);
	my $http = HTTP::Tiny->new(timeout => 30, keep_alive => 1);
	my ($count, $other, @live) = (0, undef);
	my $ask = sub {
		my ($action, $method, $path, $uuid, %opt) = @_;
		$opt{body} = JSON->new->canonical->encode($opt{body}) if $opt{body};
		my $answer = call($self->{front}, $method, $path, http => $http, %opt);
		my $json = $answer->{content} && eval { JSON::decode_json($answer->{content}) };
		$uuid = $uuid->($json) if ref $uuid && $answer->{success};
		print $out join("\t", ++$count, $action, $answer->{status}, ref $uuid ? '' : $uuid // ''), "\n";
		sleep 0.02 if $answer->{status} >= 500;
		return ($answer->{status}, $json);
	};
	until ($$stop)
	{
		my $what = rand;
		my ($status, $json) = $ask->('login', 'POST', '/0.1/token', sub { $_[0]{data}{session_uuid} },
			login => "$user{name}:$user{password}", body => { expiration => rand() < 0.2 ? 2 : 7200 });
		push @live, [ @{ $json->{data} }{qw(token session_uuid)} ] if $status == 200;
		# a change of the password without an answer may have been made, or not
		($user{password}, $other) = ($other, $user{password}) if $status == 401 && defined $other;
		if (@live && $what < 0.4)
		{
			my ($token, $session) = @{ splice(@live, rand @live, 1) };
			$ask->('logout', 'DELETE', "/0.1/token/$token", $session);
		}
		elsif ($what < 0.5)
		{
			$ask->('tenant', 'POST', '/0.1/tenants', sub { $_[0]{uuid} },
				headers => { 'X-Auth-Token' => $user{admin_token} }, body => { name => "chaos $n $count" });
		}
		elsif ($what < 0.55 && $status == 200)
		{
			my $new = "password $n $count";
			($status) = $ask->('password', 'PUT', "/0.1/users/$user{uuid}/password", $user{uuid},
				headers => { 'X-Auth-Token' => $user{admin_token} },
				body => { old_password => $user{password}, new_password => $new });
			# HTTP::Tiny sends a PUT again when the connection breaks, so 401 may mean that it was done
			($other, $user{password}) = ($user{password}, $new) if $status == 204 || $status == 401 || $status >= 500;
			@live = () if $status == 204;
		}
	}
	return;
}

sub wait_for_end
{
	my ($self, @pids) = @_;
	kill 'TERM', @pids;
	for my $pid (@pids)
	{
		until_true(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 60) or die "process $pid does not end";
	}
	return;
}

sub stop_clients
{
	my ($self) = @_;
	my @pids = @{ $self->{clients} };
	$self->{clients} = [];
	return $self->wait_for_end(@pids);
}

# How many changes have been acknowledged so far.
sub acknowledged
{
	my ($self) = @_;
	my $count = 0;
	for my $file (glob "$self->{dir}/answers.*")
	{
		my $from = \($self->{read}{$file} //= 0);
		my $text = PostgreSQL::Test::Utils::slurp_file($file, $$from);
		$text =~ s/[^\n]*\z//;
		$$from += length $text;
		$self->{acknowledged} += () = $text =~ /\t20[04]\t/g;
	}
	return $self->{acknowledged} // 0;
}

# The consumer, with a durable queue of which it takes a message off only when
# it has written it down. It comes back when the broker does.
sub start_consumer
{
	my ($self) = @_;
	$self->declare;
	$self->{consumer} = spawn(sub { consumer($self, $_[0]) });
	return;
}

sub declare
{
	my ($self) = @_;
	my $amqp = WazoAmqp->new(port => $self->{rabbit}{port});
	$amqp->exchange('xivo', 'topic');
	$amqp->queue('chaos');
	$amqp->bind('chaos', 'xivo', '#');
	return $amqp;
}

sub consumer
{
	my ($self, $stop) = @_;
	my $count = 0;
	open(my $out, '>', "$self->{dir}/events") or die "events: $!";
	$out->autoflush(1);
	until ($$stop)
	{
		eval {
			my $amqp = $self->declare;
			$amqp->consume('chaos', ack => 1);
			until ($$stop)
			{
				my $message = $amqp->receive(0.5) // next;
				print $out join("\t", ++$count, $message->{properties}{message_id}, $message->{redelivered},
					$message->{routing_key}, $message->{body}), "\n";
				$amqp->ack($message);
			}
		};
		sleep 0.2 if !$$stop;
	}
	return;
}

sub stop_consumer
{
	my ($self) = @_;
	my $pid = delete $self->{consumer} // return;
	return $self->wait_for_end($pid);
}

# A process id that the query answers, as soon as it does.
sub pid_of
{
	my ($self, $query) = @_;
	my $pid = '';
	until_true(sub { $self->{node}->psql('postgres', $query, stdout => \$pid); $pid =~ /^\d+$/ }, 30)
		or die "no process: $query\n";
	return $pid;
}

sub kill_worker
{
	my ($self, $type) = @_;
	return kill 'KILL', $self->pid_of("SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth $type' AND datname = 'app'");
}

# Does one; returns the name of what it did. A broker that is on its way up is
# left alone; something else happens then.
sub accident
{
	my ($self, $kind) = @_;
	if ($kind =~ /^broker/ && !$self->{rabbit}->serves)
	{
		$kind = (qw(relay front backend))[ rand 3 ];
	}
	if ($kind eq 'server')
	{
		$self->{node}->stop('immediate');
		sleep rand 0.3;
		$self->{node}->start;
	}
	elsif ($kind eq 'relay' || $kind eq 'expiry') { $self->kill_worker($kind); }
	elsif ($kind eq 'backend')
	{
		kill 'KILL', $self->pid_of("SELECT pid FROM pg_stat_activity WHERE application_name = 'wazo-auth' ORDER BY random() LIMIT 1");
	}
	elsif ($kind eq 'front')
	{
		my $pid = $self->{front}{pid};
		my @workers = split ' ', PostgreSQL::Test::Utils::slurp_file("/proc/$pid/task/$pid/children");
		kill 'KILL', $workers[ rand @workers ] if @workers;
	}
	elsif ($kind eq 'broker_stop') { $self->{rabbit}->stop; $self->{rabbit}->launch; }
	elsif ($kind eq 'broker_kill') { $self->{rabbit}->kill; $self->{rabbit}->launch; }
	else { die "no such accident: $kind"; }
	return $kind;
}

sub DESTROY
{
	my ($self) = @_;
	return if $$ != $self->{owner};
	local $?;
	kill 'KILL', @{ $self->{clients} }, grep { $_ } $self->{consumer};
	return;
}

1;
