# WazoRabbit: a RabbitMQ server of the test's own: free ports, own folder, own
# name server; started as the account that runs the test, and stopped with it.
#
#   my $rabbit = WazoRabbit->new;
#   $rabbit->start; $rabbit->stop; $rabbit->kill;
#   $rabbit->launch; ... $rabbit->serves               start() without the wait
#   $rabbit->uri
#   $rabbit->major                                     the first number of its version
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoRabbit;

use strict;
use warnings FATAL => 'all';
use File::Temp ();
use POSIX ();
use Time::HiRes qw(sleep time);
use WazoAmqp;
use WazoPort;

sub new
{
	my ($class) = @_;
	my $dir = File::Temp->newdir('wazo_rabbit_XXXXXX', TMPDIR => 1);
	my $self = bless { dir => $dir, port => WazoPort::free_port(), dist => WazoPort::free_port(), names => WazoPort::free_port(), pids => [], owner => $$ }, $class;
	mkdir "$dir/$_" for qw(mnesia log);
	$self->write('plugins', "[].\n");
	# little memory, and no part of the machine's as a limit: others use it too
	$self->write('rabbit.conf', "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 1MB\nlog.console = false\n");
	return $self;
}

sub major
{
	my ($major) = map { m{/rabbitmq_server-(\d+)} } glob '/usr/lib/rabbitmq/lib/rabbitmq_server-*';
	return $major // die 'no RabbitMQ';
}

sub write
{
	my ($self, $name, $text) = @_;
	open(my $file, '>', "$self->{dir}/$name") or die "$name: $!";
	print $file $text;
	close $file or die "$name: $!";
	return;
}

# Lets the server, before it starts, serve TLS as well, with a certificate for
# localhost of an authority of its own. Returns the authority's file and a URI.
sub use_tls
{
	my ($self) = @_;
	my $dir = "$self->{dir}";
	$self->{tls_port} = WazoPort::free_port();
	$self->write('openssl.cnf', "[san]\nsubjectAltName = DNS:localhost\n");
	for my $command (
		"req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test authority' -keyout $dir/ca.key -out $dir/ca.crt",
		"req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout $dir/server.key -out $dir/server.csr",
		"x509 -req -days 2 -in $dir/server.csr -CA $dir/ca.crt -CAkey $dir/ca.key -CAcreateserial -extfile $dir/openssl.cnf -extensions san -out $dir/server.crt")
	{
		system("openssl $command >>$dir/output 2>&1") == 0 or die "openssl $command: " . $self->output;
	}
	open(my $file, '>>', "$dir/rabbit.conf") or die "rabbit.conf: $!";
	print $file "listeners.ssl.1 = 127.0.0.1:$self->{tls_port}\nssl_options.certfile = $dir/server.crt\n",
	  "ssl_options.keyfile = $dir/server.key\nssl_options.cacertfile = $dir/ca.crt\nssl_options.verify = verify_none\n";
	close $file or die "rabbit.conf: $!";
	return ("$dir/ca.crt", "amqps://guest:guest\@localhost:$self->{tls_port}/");
}

sub uri { return "amqp://guest:guest\@127.0.0.1:$_[0]{port}/" }

sub run
{
	my ($self, @command) = @_;
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		my $dir = "$self->{dir}";
		POSIX::setpgid(0, 0);
		%ENV = (
			PATH => $ENV{PATH}, HOME => $dir, LANG => 'C.UTF-8',
			ERL_EPMD_PORT => $self->{names}, ERL_EPMD_ADDRESS => '127.0.0.1',
			RABBITMQ_NODENAME => "wazo_auth_$self->{port}\@localhost",
			RABBITMQ_NODE_IP_ADDRESS => '127.0.0.1', RABBITMQ_NODE_PORT => $self->{port}, RABBITMQ_DIST_PORT => $self->{dist},
			RABBITMQ_MNESIA_BASE => "$dir/mnesia", RABBITMQ_LOG_BASE => "$dir/log", RABBITMQ_PID_FILE => "$dir/pid",
			RABBITMQ_CONF_ENV_FILE => "$dir/none", RABBITMQ_CONFIG_FILE => "$dir/rabbit",
			RABBITMQ_ENABLED_PLUGINS_FILE => "$dir/plugins", RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS => '+S 1:1 +sbwt none');
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$dir/output");
		open(STDERR, '>&', \*STDOUT);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	push @{ $self->{pids} }, $pid;
	return $pid;
}

sub launch
{
	my ($self) = @_;
	$self->{name_server} //= $self->run('/usr/bin/epmd', '-port', $self->{names}, '-address', '127.0.0.1');
	$self->{server} = $self->run('/usr/lib/rabbitmq/bin/rabbitmq-server');
	return;
}

sub serves
{
	my ($self) = @_;
	return defined eval { WazoAmqp->new(port => $self->{port}) };
}

# Starts it and waits until it serves.
sub start
{
	my ($self) = @_;
	$self->launch;
	my $end = time + 300;	# the machine may be busy
	until ($self->serves)
	{
		die "RabbitMQ does not start: " . $self->output if time > $end;
		sleep 0.2;
	}
	return;
}

sub output
{
	my ($self) = @_;
	open(my $file, '<', "$self->{dir}/output") or return '';
	local $/ = undef;
	return scalar <$file>;
}

# Its own process, as distinct from the script around it.
sub pid
{
	my ($self) = @_;
	open(my $file, '<', "$self->{dir}/pid") or return;
	my $pid = <$file>;
	return $pid && $pid =~ /^(\d+)/ ? $1 : undef;
}

sub end
{
	my ($self, $signal) = @_;
	my $server = delete $self->{server} // return;
	my $pid = $self->pid;
	CORE::kill($signal, $pid) if $pid;
	my $end = time + 30;
	until (waitpid($server, POSIX::WNOHANG()) != 0)
	{
		CORE::kill('KILL', -$server) if time > $end;
		sleep 0.05;
	}
	CORE::kill('KILL', -$server);
	unlink "$self->{dir}/pid";
	return;
}

sub stop { return $_[0]->end('TERM') }
sub kill { return $_[0]->end('KILL') }

sub DESTROY
{
	my ($self) = @_;
	return if $$ != $self->{owner};
	local $?;
	$self->kill;
	for my $pid (@{ $self->{pids} })
	{
		CORE::kill('KILL', -$pid);
		waitpid($pid, 0);
	}
	return;
}

1;
