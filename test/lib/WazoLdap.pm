# WazoLdap: directories for TAP tests: a real slapd of one's own on a loopback
# port, and servers that misbehave.
#
#   my $ldap = WazoLdap->new($folder);   # slapd; port, tls_port, ca_file, expired_port
#   my $port = $ldap->hostile('silent'); # 'silent', 'drop', 'drip'
#   $ldap->stop;
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoLdap;

use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use WazoNode;
use WazoPort;

our $root = 'dc=wazo-auth,dc=wazo,dc=community';
our $people = "ou=people,$root";

sub new
{
	my ($class, $folder) = @_;
	my $self = bless { folder => $folder, owner => $$, pids => [] }, $class;
	mkdir $folder or die "$folder: $!";
	$self->certificates;
	$self->{$_} = WazoPort::free_port() foreach qw(port tls_port expired_port);
	$self->slapd('good', 'server', "ldap://127.0.0.1:$self->{port} ldaps://127.0.0.1:$self->{tls_port}");
	$self->slapd('expired', 'expired', "ldaps://127.0.0.1:$self->{expired_port}");
	return $self;
}

sub openssl { system_or_bail('openssl', @_); return }

# An authority, a certificate of 127.0.0.1, and one that has expired.
sub certificates
{
	my ($self) = @_;
	my $f = $self->{folder};
	$self->{ca_file} = "$f/ca.pem";
	append_to_file("$f/san", "subjectAltName=IP:127.0.0.1\n");
	openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$f/ca.key", '-out', "$f/ca.pem", '-days', 30, '-subj', '/CN=test authority');
	# OpenSSL takes a date of the past from 3.4 on, and a negative number of days before.
	my ($major, $minor) = `openssl version` =~ /^OpenSSL (\d+)\.(\d+)/ or die 'no openssl';
	my @past = $major > 3 || $minor >= 4 ? ('-not_before', '20200101000000Z', '-not_after', '20200102000000Z') : ('-days', -1);
	foreach my $case ([ 'server', '-days', 30 ], [ 'expired', @past ])
	{
		my ($name, @validity) = @$case;
		openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$f/$name.key", '-out', "$f/$name.csr", '-subj', '/CN=directory');
		openssl('x509', '-req', '-in', "$f/$name.csr", '-CA', "$f/ca.pem", '-CAkey', "$f/ca.key", '-CAcreateserial',
			@validity, '-extfile', "$f/san", '-out', "$f/$name.pem");
	}
	return;
}

# The tree of the contract (docs/contract/ldap.md section 5).
sub ldif
{
	my @people = (['Alice Wonderland', 'awonderland', 'awonderland@wazo-auth.com', 'human', 'ou=quebec,'],
		['Boba Fett', 'bfett', 'bobaFett@wazo-auth.com', 'human'], ['Humpty Dumpty', 'humptydumpty', undef, 'human'],
		['The Cheshire Cat', 'cheshirecat', 'cheshirecat@wazo-auth.com', 'animal'],
		['The White Queen', 'whitequeen', 'whitequeen@wazo-auth.com', 'human'],
		['Twin', 'twin', 'twin@wazo-auth.com', 'human'], ['Twin', 'twin', 'twin@wazo-auth.com', 'human', 'ou=quebec,'],
		['wazo_auth', 'wazo_auth', undef, 'service']);
	my $ldif = "dn: $root\nobjectClass: dcObject\nobjectClass: organization\no: wazo\n\n" .
	  join('', map { "dn: $_$root\nobjectClass: organizationalUnit\n\n" } 'ou=people,', 'ou=quebec,ou=people,');
	foreach my $p (@people)
	{
		my ($cn, $uid, $mail, $type, $ou) = @$p;
		$ldif .= "dn: cn=$cn," . ($ou // '') . "$people\nobjectClass: inetOrgPerson\ncn: $cn\nsn: $cn\nuid: $uid\nemployeeType: $type\n" .
		  "userPassword: ${uid}_password\n" . (defined $mail ? "mail: $mail\n" : '') . "\n";
	}
	return $ldif;
}

sub slapd
{
	my ($self, $name, $certificate, $urls) = @_;
	my $f = "$self->{folder}/$name";
	mkdir $f or die "$f: $!";
	append_to_file("$f/ldif", ldif());
	append_to_file("$f/slapd.conf", join("\n", (map { "include /etc/ldap/schema/$_.schema" } qw(core cosine inetorgperson)),
		'modulepath /usr/lib/ldap', 'moduleload back_mdb', "TLSCACertificateFile $self->{ca_file}",
		"TLSCertificateFile $self->{folder}/$certificate.pem", "TLSCertificateKeyFile $self->{folder}/$certificate.key",
		'database mdb', "directory $f", "suffix \"$root\"", "rootdn \"cn=admin,$root\"", 'rootpw wazopassword',
		"access to dn.base=\"cn=The White Queen,$people\" attrs=mail by self search by * read",
		'access to attrs=userPassword by anonymous auth by * none', 'access to * by * read') . "\n");
	system_or_bail('slapadd', '-f', "$f/slapd.conf", '-l', "$f/ldif");
	$self->child(sub {
		open(STDOUT, '>', "$f/log");
		open(STDERR, '>&', \*STDOUT);
		exec('slapd', '-f', "$f/slapd.conf", '-h', $urls, '-d', 0) or POSIX::_exit(127);
	});
	my ($port) = $urls =~ /:(\d+)/;
	until_true(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) }) or die "slapd does not start; see $f/log";
	return;
}

sub child
{
	my ($self, $code) = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		POSIX::setpgid(0, 0);
		$code->();
		POSIX::_exit(0);
	}
	push @{ $self->{pids} }, $pid;
	return;
}

# A server that accepts and then is silent, drops the connection, or sends the
# answer to a bind one byte a second. Returns its port.
sub hostile
{
	my ($self, $way) = @_;
	my $listener = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
	$self->child(sub {
		my @kept;
		$SIG{CHLD} = 'IGNORE';
		while (my $client = $listener->accept)
		{
			push @kept, $client if $way ne 'drop';
			next if $way ne 'drip' || fork();
			foreach my $byte (split //, "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00")
			{
				POSIX::_exit(0) if !$client->syswrite($byte);
				sleep 1;
			}
			POSIX::_exit(0);
		}
	});
	return $listener->sockport;
}

sub stop
{
	my ($self) = @_;
	return if $self->{owner} != $$;
	kill 'KILL', @{ $self->{pids} };
	waitpid($_, 0) foreach @{ $self->{pids} };
	$self->{pids} = [];
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
