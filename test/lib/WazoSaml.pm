# An identity provider made of text and the command xmlsec1: documents, signed
# and encrypted, and the program wazo-auth-xml that reads them.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoSaml;
use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use File::Temp ();
use IPC::Run ();
use POSIX ();

our @EXPORT = qw(new_key file_of content_of at response_xml template sign encrypt run_job job_of fields_of
  $SP $IDP $ACS $NOW);

our ($SP, $IDP, $ACS) = ('https://sp.example/metadata', 'https://idp.example/metadata', 'https://sp.example/acs');
# One moment for all documents, so that no verdict depends on how long a test takes.
our $NOW = time;
my $dir = File::Temp->newdir;
my $files = 0;

sub file_of
{
	my ($text) = @_;
	my $name = "$dir/" . ++$files;
	open my $out, '>:raw', $name or die "$name: $!";
	print $out $text;
	close $out or die $!;
	return $name;
}

sub content_of
{
	my ($name) = @_;
	open my $in, '<:raw', $name or die "$name: $!";
	local $/;
	return scalar <$in>;
}

# From 1.3 on xmlsec1 takes the key at hand, which has no name, only when told so.
sub lax
{
	my ($major, $minor) = `xmlsec1 --version` =~ /^xmlsec1 (\d+)\.(\d+)/ or die 'no xmlsec1';
	return $major > 1 || $minor >= 3 ? '--lax-key-search' : ();
}

sub command
{
	my @command = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err) or die "@command: $err";
	return $out;
}

# A private key and its certificate: { key => file, cert => file }.
sub new_key
{
	my @kind = @_ ? @_ : ('rsa:2048');
	my ($key, $cert) = ("$dir/" . ++$files, "$dir/" . ++$files);
	command('openssl', 'req', '-x509', '-newkey', @kind, '-nodes', '-keyout', $key, '-out', $cert, '-days', '30',
		'-subj', '/CN=idp.example');
	return { key => $key, cert => $cert };
}

# A moment as SAML writes it.
sub at
{
	my ($seconds) = @_;
	return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $seconds);
}

# An empty signature over the element of that ID, to be put into it.
sub template
{
	my ($id, %o) = @_;
	my $method = $o{method} // 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
	my $digest = $o{digest} // 'http://www.w3.org/2001/04/xmlenc#sha256';
	my $c14n = $o{c14n} // 'http://www.w3.org/2001/10/xml-exc-c14n#';
	my $transforms = $o{transforms}
	  // '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
	  . '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>';
	my $uri = $o{uri} // "#$id";
	my $key_info = $o{key_info} // '';
	my $more = $o{more} // '';
	return '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
	  . qq{<ds:CanonicalizationMethod Algorithm="$c14n"/><ds:SignatureMethod Algorithm="$method"/>}
	  . qq{<ds:Reference URI="$uri"><ds:Transforms>$transforms</ds:Transforms>}
	  . qq{<ds:DigestMethod Algorithm="$digest"/><ds:DigestValue/></ds:Reference>$more</ds:SignedInfo>}
	  . qq{<ds:SignatureValue/>$key_info</ds:Signature>};
}

# A response; every part can be given, so that a test says what is wrong with it.
sub response_xml
{
	my (%o) = @_;
	my $now = $NOW;
	my %d = (
		rid => '_r1', aid => '_a1', issuer => $IDP, assertion_issuer => $IDP, destination => qq{ Destination="$ACS"},
		in_response_to => ' InResponseTo="id-1"', issued => at($now), version => '2.0', name_id => 'alice@example.com',
		status => 'urn:oasis:names:tc:SAML:2.0:status:Success', method => 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
		scd => qq{ Recipient="$ACS" InResponseTo="id-1" NotOnOrAfter="} . at($now + 300) . '"',
		from => at($now - 60), until => at($now + 300), value => 'alice', name => 'name', before => '', after => '',
		audience => "<saml:AudienceRestriction><saml:Audience>$SP</saml:Audience></saml:AudienceRestriction>",
		authn => '<saml:AuthnStatement AuthnInstant="' . at($now - 5) . '" SessionIndex="s1"><saml:AuthnContext>'
		  . '<saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>',
		rsig => '', asig => '', %o);
	$d{assertion} //= qq{<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="$d{aid}"}
	  . qq{ Version="$d{version}" IssueInstant="$d{issued}"><saml:Issuer>$d{assertion_issuer}</saml:Issuer>$d{asig}}
	  . qq{<saml:Subject><saml:NameID>$d{name_id}</saml:NameID><saml:SubjectConfirmation Method="$d{method}">}
	  . qq{<saml:SubjectConfirmationData$d{scd}/></saml:SubjectConfirmation></saml:Subject>}
	  . qq{<saml:Conditions NotBefore="$d{from}" NotOnOrAfter="$d{until}">$d{audience}</saml:Conditions>$d{authn}}
	  . qq{<saml:AttributeStatement><saml:Attribute Name="$d{name}"><saml:AttributeValue>$d{value}}
	  . qq{</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>};
	return qq{<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"}
	  . qq{ xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="$d{rid}" Version="$d{version}"}
	  . qq{ IssueInstant="$d{issued}"$d{destination}$d{in_response_to}><saml:Issuer>$d{issuer}</saml:Issuer>$d{rsig}}
	  . qq{<samlp:Status><samlp:StatusCode Value="$d{status}"/></samlp:Status>}
	  . qq{$d{before}$d{assertion}$d{after}</samlp:Response>};
}

# Fills the first empty signature of the document (or that below the element xpath) with a key.
sub sign
{
	my ($xml, $key, %o) = @_;
	my $in = file_of($xml);
	my @how = $o{hmac} ? ('--hmackey', $o{hmac}) : ('--privkey-pem', "$key->{key},$key->{cert}");
	my @ids = map { ('--id-attr:ID', "urn:oasis:names:tc:SAML:2.0:$_") }
	  qw(protocol:Response protocol:LogoutRequest protocol:LogoutResponse assertion:Assertion);
	my $xpath = $o{xpath} // q{(//*[local-name()='Signature'][.//*[local-name()='SignatureValue'][not(text())]])[last()]};
	command('xmlsec1', '--sign', lax(), @how, @ids, '--node-xpath', $xpath, '--output', "$in.signed", $in);
	return content_of("$in.signed");
}

# The assertion's text as an EncryptedAssertion for that certificate; with how => '--binary-data' any bytes.
sub encrypt
{
	my ($assertion, $key, %o) = @_;
	my $data = $o{data} // 'http://www.w3.org/2009/xmlenc11#aes256-gcm';
	my $transport = $o{transport} // 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
	my $session = $data =~ /tripledes/ ? 'des-192' : $data =~ /128/ ? 'aes-128' : 'aes-256';
	my $template = file_of('<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"'
		  . ' Type="http://www.w3.org/2001/04/xmlenc#Element">'
		  . qq{<xenc:EncryptionMethod Algorithm="$data"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">}
		  . qq{<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="$transport"/><xenc:CipherData><xenc:CipherValue/>}
		  . '</xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>'
		  . '</xenc:EncryptedData>');
	my $out = command('xmlsec1', '--encrypt', lax(), '--pubkey-cert-pem', $key->{cert}, '--session-key', $session,
		$o{how} // '--xml-data', file_of($assertion), $template);
	$out =~ s/^<\?xml.*?\?>\s*//s;
	return "<saml:EncryptedAssertion>$out</saml:EncryptedAssertion>";
}

# A job's bytes from name => value pairs; a value undef leaves the field out.
sub job_of
{
	my (@fields) = @_;
	my $job = '';
	while (my ($name, $value) = splice @fields, 0, 2)
	{
		next unless defined $value;
		foreach my $one (ref $value ? @$value : $value)
		{
			$job .= "$name " . length($one) . "\n$one\n";
		}
	}
	return $job;
}

# The fields of a result, in their order, as pairs.
sub fields_of
{
	my ($out) = @_;
	my @fields;
	while ($out =~ /\G([a-z_]+) ([0-9]+)\n/gc)
	{
		push @fields, $1, substr($out, pos($out), $2);
		pos($out) += $2 + 1;
	}
	return @fields;
}

# Runs the program: (exit status or "signal N", its output).
sub run_job
{
	my ($job) = @_;
	my ($out, $err) = ('', '');
	# From a file: it does not read to the end what is too large.
	IPC::Run::run([ $ENV{WAZO_AUTH_XML} // 'build/wazo-auth-xml' ], '<', file_of($job), '>', \$out, '2>', \$err);
	my $status = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	return ($status, $out . $err);
}

1;
