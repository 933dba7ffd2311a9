# WazoOAuth2: a provider of OAuth2 and a relay for TAP tests, with an authority of their own
# (test/t/lib/oauth2_provider.py).
#
#   my $provider = WazoOAuth2->new($folder);   # port, relay_port, stranger_port, ca_file, settings(), conf()
#   $provider->ask('mode?slow');               # what the commands answer with, decoded
#   $provider->stop;
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoOAuth2;

use strict;
use warnings FATAL => 'all';
use HTTP::Tiny;
use JSON ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use WazoNode;
use WazoPort;

sub new
{
	my ($class, $folder) = @_;
	my $self = bless { folder => $folder, owner => $$, ca_file => "$folder/ca.pem" }, $class;
	mkdir $folder or die "$folder: $!";
	$self->certificates;
	$self->{$_} = WazoPort::free_port() foreach qw(port relay_port stranger_port control);
	$self->start;
	return $self;
}

sub certificates
{
	my ($self) = @_;
	my $f = $self->{folder};
	append_to_file("$f/san-$_->[0]", "subjectAltName=$_->[1]\n") foreach ['server', 'IP:127.0.0.1'], ['relay', 'DNS:localhost'], ['stranger', 'DNS:localhost,IP:127.0.0.1'];
	foreach my $ca (qw(ca other))
	{
		system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$f/$ca.key", '-out', "$f/$ca.pem",
			'-days', 30, '-subj', "/CN=authority $ca");
	}
	foreach my $case (['server', 'ca'], ['relay', 'ca'], ['stranger', 'other'])
	{
		my ($name, $ca) = @$case;
		system_or_bail('openssl', 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$f/$name.key", '-out', "$f/$name.csr", '-subj', "/CN=$name");
		system_or_bail('openssl', 'x509', '-req', '-in', "$f/$name.csr", '-CA', "$f/$ca.pem", '-CAkey', "$f/$ca.key", '-CAcreateserial',
			'-days', 30, '-extfile', "$f/san-$name", '-out', "$f/$name.pem");
	}
	return;
}

sub start
{
	my ($self) = @_;
	my $program = __FILE__ =~ s{lib/WazoOAuth2\.pm$}{t/lib/oauth2_provider.py}r;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open(STDOUT, '>', "$self->{folder}/log");
		open(STDERR, '>&', \*STDOUT);
		exec('python3', $program, $self->{folder}, @$self{qw(port relay_port stranger_port control)}) or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	until_true(sub { HTTP::Tiny->new->get("http://127.0.0.1:$self->{control}/counts")->{success} }) or die "no provider; see $self->{folder}/log";
	return;
}

# Settings of postgresql.conf under which it is reached.
sub conf
{
	my ($self) = @_;
	return "wazo_auth.oauth2_ca_file = '$self->{ca_file}'\nwazo_auth.oauth2_private_addresses = on\n";
}

# For wazo_auth.configure(): both kinds at this provider, with or without the relay.
sub settings
{
	my ($self, $relay) = @_;
	my $base = "https://127.0.0.1:$self->{port}";
	return JSON::encode_json({ map { $_ => {
		authorization_base_url => "$base/login", token_url => "$base/token", redirect_uri => "$base/$_/authorize",
		websocket_host => $relay ? "wss://localhost:$self->{relay_port}" : '' } } qw(google microsoft) });
}

sub ask
{
	my ($self, $command, $argument) = @_;
	my $escaped = ($argument // '') =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ger;
	my $answer = HTTP::Tiny->new->get("http://127.0.0.1:$self->{control}/$command" . (defined $argument ? "?$escaped" : ''));
	die "$command: $answer->{status} $answer->{content}" if !$answer->{success};
	return JSON::decode_json($answer->{content});
}

sub stop
{
	my ($self) = @_;
	return if $self->{owner} != $$ || !$self->{pid};
	kill 'KILL', $self->{pid};
	waitpid($self->{pid}, 0);
	$self->{pid} = 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local $?;
	$self->stop;
	return;
}

1;
