# WazoNginx: an nginx of a test's own, before the front that the test has started.
#
#   my $nginx = WazoNginx->new($t);     $t: a WazoFront that serves
#   $nginx->port('whole');              reads a request whole, then hands it on
#   $nginx->port('passing');            hands a body on while it comes, and odd header names as well
#   $nginx->log('whole');               what it believes: a line for each request
#
# It keeps one connection to the front and sends all requests over it, one behind the other.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoNginx;

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use WazoFront qw(wait_for);
use WazoPort;

my %ways = (
	whole => '',
	passing => 'proxy_request_buffering off; ignore_invalid_headers off; underscores_in_headers on;',
);

sub new
{
	my ($class, $t) = @_;
	my $self = bless {
		dir => tempdir('wazo_nginx.XXXXXX', TMPDIR => 1, CLEANUP => 0),
		owner => $$,
	}, $class;
	$self->{port}{$_} = WazoPort::free_port() for keys %ways;
	my $temp = join(' ', map { "${_}_temp_path $self->{dir}/$_;" } qw(client_body proxy fastcgi uwsgi scgi));
	my $servers = join("\n", map { <<"CONF" } sort keys %ways);
	server {
		listen 127.0.0.1:$self->{port}{$_} backlog=1024;
		access_log $self->{dir}/$_.log side;
		merge_slashes off;
		$ways{$_}
		location / { proxy_pass http://front; }
	}
CONF
	open(my $f, '>', "$self->{dir}/nginx.conf") or die $!;
	print $f <<"CONF";
daemon off;
master_process off;
pid $self->{dir}/pid;
error_log $self->{dir}/error.log warn;
events { worker_connections 128; }
http {
	$temp
	log_format side escape=none '\$status \$upstream_status \$request_method \$request_uri';
	client_max_body_size 16k;
	client_header_timeout 600s;
	client_body_timeout 600s;
	keepalive_timeout 600s;
	upstream front { server 127.0.0.1:$t->{port}; keepalive 1; }
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_next_upstream off;
	proxy_ignore_client_abort on;
$servers}
CONF
	close $f;
	$self->{pid} = fork() // die "fork: $!";
	if ($self->{pid} == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', "$self->{dir}/error.log");
		open(STDERR, '>&', \*STDOUT);
		exec('nginx', '-p', $self->{dir}, '-c', "$self->{dir}/nginx.conf") or POSIX::_exit(127);
	}
	foreach my $port (values %{$self->{port}})
	{
		wait_for(sub {
			die 'nginx ended: ' . $self->slurp('error.log') if waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid};
			return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
		}) or die 'nginx does not start: ' . $self->slurp('error.log');
	}
	return $self;
}

sub port { return $_[0]{port}{$_[1]} }
sub log { return $_[0]->slurp("$_[1].log") }

sub slurp
{
	my ($self, $name) = @_;
	open(my $f, '<', "$self->{dir}/$name") or return '';
	binmode $f;
	local $/;
	return <$f> // '';
}

sub DESTROY
{
	my ($self) = @_;
	return if $$ != $self->{owner};
	local ($?, $@);
	kill 'KILL', $self->{pid};
	waitpid($self->{pid}, 0);
	system('rm', '-rf', $self->{dir}) if $self->{dir} =~ m{/wazo_nginx\.};
}

1;
