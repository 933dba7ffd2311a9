# WazoIdp: a real identity provider for TAP tests, pysaml2 with xmlsec1, and the
# browser between it and us.
#
#   my $idp = WazoIdp->new($folder, entity_id => 'https://idp.example');
#   $idp->metadata                      # to be stored with us
#   $idp->trust($sp_metadata)           # ours, which it wants before all below
#   $idp->step('answer', message => { location => $url }, attributes => { name => ['alice'] }, ...)
#
# The steps and what they give: saml_idp.py. A form that is to be posted has url and form.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoIdp;

use strict;
use warnings FATAL => 'all';

use File::Basename ();
use IO::Handle ();
use IPC::Open2 ();
use IPC::Run ();
use JSON ();

my $program = File::Basename::dirname(__FILE__) . '/saml_idp.py';

sub write_file
{
	my ($name, $text) = @_;
	open my $out, '>:raw', $name or die "$name: $!";
	print $out $text;
	close $out or die "$name: $!";
	return;
}

# More: url, before its /sso and /slo; bindings, those that it offers: redirect, post.
sub new
{
	my ($class, $folder, %o) = @_;
	my $entity_id = $o{entity_id} // 'https://idp.example/metadata';
	my $self = bless { folder => $folder, entity_id => $entity_id, url => $o{url} // 'https://idp.example' }, $class;
	mkdir $folder or die "$folder: $!";
	my $err;
	IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/idp.key",
			'-out', "$folder/idp.pem", '-days', '30', '-subj', '/CN=idp.example' ], '2>', \$err) or die $err;
	write_file("$folder/settings.json", JSON::encode_json({ entity_id => $entity_id, url => $self->{url}, bindings => $o{bindings} }));
	return $self;
}

# Our metadata, by which it knows our keys and addresses.
sub trust
{
	my ($self, $metadata) = @_;
	write_file("$self->{folder}/sp.xml", $metadata);
	return;
}

# One step of the provider; dies of what it refuses.
sub step
{
	my ($self, $step, %arguments) = @_;
	$self->{pid} //= IPC::Open2::open2($self->{out}, $self->{in}, '/usr/bin/python3', $program, $self->{folder});
	print { $self->{in} } JSON::encode_json([ $step, \%arguments ]), "\n";
	my $line = readline($self->{out}) // die "identity provider, $step: it has ended";
	my $result = JSON::decode_json($line);
	die "identity provider, $step: $result->{refused}\n" if exists $result->{refused};
	return $result;
}

# It ends with its input.
sub DESTROY
{
	my ($self) = @_;
	return unless $self->{pid};
	local ($?, $!);
	close $self->{in};
	waitpid $self->{pid}, 0;
	return;
}

# Its metadata, as text of XML.
sub metadata
{
	my ($self) = @_;
	return $self->{metadata} //= $self->step('metadata')->{metadata};
}

1;
