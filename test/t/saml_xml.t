# What strangers may send for a SAML login, against the program wazo-auth-xml: a
# corpus of attacks of which none is accepted, each refused for its own reason,
# with the untouched original accepted in every round; what is accepted gives
# what was signed; and the program can do nothing but read and write.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use WazoSaml;
use Compress::Zlib ();
use Digest::SHA qw(sha256_base64);
use MIME::Base64 ();
use IPC::Run ();
use Test::More;

my ($idp, $stranger, $sp) = (new_key(), new_key(), new_key());
my $now = $NOW;
my $BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

# The job of a response; what a test asks for otherwise comes last.
sub response_job
{
	my ($document, %o) = @_;
	my %d = (job => 'verify_response', document => $document, certificate => content_of($idp->{cert}), issuer => $IDP,
		audience => $SP, destination => $ACS, recipient => $ACS, in_response_to => 'id-1', now => $now, skew => 30,
		sign_response => 1, %o);
	return job_of(map { ($_ => $d{$_}) } sort keys %d);
}

my $original = sign(response_xml(rsig => template('_r1')), $idp);
my ($accepted_status, $accepted) = run_job(response_job($original));
my $rounds = 0;
my $originals = 0;

# Refused by that name, and the original accepted right after with the same result.
sub refused
{
	my ($what, $document, $name, %o) = @_;
	my ($status, $out) = run_job(response_job($document, %o));
	my %got = $status eq '1' ? fields_of($out) : ();
	ok($status eq '1' && ($got{refused} // '') =~ /^(?:$name)\z/ && !exists $got{result}, "refused: $what")
	  or diag("status $status, wanted $name, got: $out");
	my ($again, $same) = run_job(response_job($original));
	$rounds++;
	$originals++ if $again eq '0' && $same eq $accepted;
}

sub accepted
{
	my ($what, $document, $want, %o) = @_;
	my ($status, $out) = run_job(response_job($document, %o));
	my %got = fields_of($out);
	is("$status " . ($got{$want->[0]} // "nothing: $out"), "0 $want->[1]", "accepted: $what");
}

sub signed_response { return sign(response_xml(rsig => template('_r1'), @_), $idp) }

# The response signed with this signature.
sub signed_as
{
	my ($template, $key, %o) = @_;
	return sign(response_xml(rsig => $template), $key // $idp, %o);
}

my $assertion_signed = sign(response_xml(asig => template('_a1')), $idp);
my %assertion_only = (sign_response => 0, sign_assertion => 1);
my ($signed_assertion) = $assertion_signed =~ m{(<saml:Assertion .*</saml:Assertion>)}s;
my ($signature) = $signed_assertion =~ m{(<ds:Signature .*</ds:Signature>)}s;
(my $bare = $signed_assertion) =~ s/\Q$signature\E//;
(my $evil = $bare) =~ s/alice/mallory/g;
$evil =~ s/ID="_a1"/ID="_evil"/;

# ---- what is good
is($accepted_status, '0', 'a signed response is accepted') or diag($accepted);
my @fields = fields_of($accepted);
is_deeply([ @fields[ 0 .. 5 ] ], [ result => 'verified', response_id => '_r1', assertion_id => '_a1' ], 'with its ids');
accepted('signed assertion', $assertion_signed, [ name_id => 'alice@example.com' ], %assertion_only);
accepted('both signed', sign(sign(response_xml(rsig => template('_r1'), asig => template('_a1')), $idp,
		xpath => '//*[local-name()="Assertion"]/*[local-name()="Signature"]'), $idp,
		xpath => '/*/*[local-name()="Signature"]'), [ name_id => 'alice@example.com' ], sign_assertion => 1);
accepted('the second of two certificates', $original, [ name_id => 'alice@example.com' ],
	certificate => [ content_of($stranger->{cert}), content_of($idp->{cert}) ]);
foreach my $bits (384, 512)
{
	my $digest = $bits == 384 ? 'http://www.w3.org/2001/04/xmldsig-more#sha384' : 'http://www.w3.org/2001/04/xmlenc#sha512';
	accepted("RSA-SHA$bits", signed_as(template('_r1', digest => $digest,
				method => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha$bits")), [ attribute_value => 'alice' ]);
}
my $ec = new_key('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1');
accepted('ECDSA', signed_as(template('_r1', method => 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'), $ec),
	[ attribute_value => 'alice' ], certificate => content_of($ec->{cert}));
accepted('a CDATA section is text', signed_response(value => 'al<![CDATA[<ice>]]>'), [ attribute_value => 'al<ice>' ]);
accepted('characters by number', signed_response(value => '&#97;lice&amp;'), [ attribute_value => 'alice&' ]);

# A comment is not part of what is signed: put in afterwards it changes nothing, least of all shortens a text.
foreach my $place ([ 'alice@example.com', 'alice@<!-- -->example.com' ], [ '>alice<', '>al<!---->ice<' ])
{
	(my $document = $original) =~ s/\Q$place->[0]\E/$place->[1]/;
	isnt($document, $original, 'a comment is in');
	my ($status, $out) = run_job(response_job($document));
	is("$status $out", "0 $accepted", "the text is whole: $place->[1]");
}
accepted('a comment before signing', signed_response(name_id => 'root@evil.example<!-- -->.example.com'),
	[ name_id => 'root@evil.example.example.com' ]);

# ---- prefixes
(my $prefixes = response_xml(rsig => template('_r1'))) =~ s/\bsamlp\b/p9/g;
$prefixes =~ s/<(\/?)saml:/<$1a:/g;
$prefixes =~ s/xmlns:saml=/xmlns:a=/g;
accepted('other prefixes for the same namespaces', sign($prefixes, $idp), [ attribute_value => 'alice' ]);
(my $wrong_ns = response_xml(rsig => template('_r1'))) =~ s/SAML:2.0:assertion"/SAML:1.0:assertion"/g;
refused('the usual prefix for another namespace', sign($wrong_ns, $idp), 'unexpected_element');

# ---- signature wrapping, by the numbers of Somorovsky et al.
sub with_body
{
	my ($body) = @_;
	return response_xml(assertion => $body);
}
(my $evil_response = $original) =~ s/alice/mallory/g;
my ($response_signature) = $original =~ m{(<ds:Signature .*?</ds:Signature>)}s;
(my $stripped = $original) =~ s/\Q$response_signature\E//;
(my $evil_stripped = $stripped) =~ s/alice/mallory/g;
$evil_stripped =~ s/ID="_r1"/ID="_evil"/;
$evil_stripped =~ s/ID="_a1"/ID="_evil2"/;
(my $xsw1 = $evil_stripped) =~ s{<samlp:Status>}{
	(my $s = $response_signature) =~ s!</ds:Signature>!<ds:Object>$stripped</ds:Object></ds:Signature>!; "$s<samlp:Status>"}e;
$xsw1 =~ s/(?<=.)<\?xml[^>]*\?>\s*//sg;
refused('wrapping 1: the original response inside the signature', $xsw1, 'assertion_count');
(my $inner = $stripped) =~ s/^<\?xml[^>]*\?>\s*//;
(my $xsw2 = $evil_stripped) =~ s{<samlp:Status>}{$inner$response_signature<samlp:Status>};
refused('wrapping 2: the original response beside its signature', $xsw2, 'unexpected_element|assertion_count');
refused('wrapping 3: the evil assertion before the signed one', with_body($evil . $signed_assertion),
	'unexpected_element|assertion_count', %assertion_only);
(my $xsw4 = $evil) =~ s{</saml:Assertion>\z}{$signed_assertion</saml:Assertion>};
refused('wrapping 4: the signed assertion inside the evil one', with_body($xsw4), 'assertion_count', %assertion_only);
(my $xsw5 = $evil) =~ s{</saml:Issuer>}{</saml:Issuer>$signature};
refused('wrapping 5: the signature moved to the evil one, the original after it', with_body($xsw5 . $bare),
	'unexpected_element|assertion_count', %assertion_only);
(my $with_original = $signature) =~ s{</ds:Signature>}{<ds:Object>$bare</ds:Object></ds:Signature>};
(my $xsw6 = $evil) =~ s{</saml:Issuer>}{</saml:Issuer>$with_original};
refused('wrapping 6: the original inside the signature of the evil one', with_body($xsw6), 'assertion_count', %assertion_only);
refused('wrapping 7: the signed assertion in Extensions',
	response_xml(before => "<samlp:Extensions>$signed_assertion</samlp:Extensions>", assertion => $evil), 'assertion_count',
	%assertion_only);
(my $xsw8 = $evil) =~ s{</saml:Issuer>}{</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>$signed_assertion</ds:Object></ds:Signature>};
refused('wrapping 8: the signed assertion in an Object', with_body($xsw8), 'assertion_count', %assertion_only);
(my $hidden = $bare) =~ s/saml:Assertion/saml:Advise/g;
(my $renamed = $evil) =~ s{</saml:Issuer>}{</saml:Issuer>$signature};
$renamed =~ s{</saml:Subject>}{</saml:Subject><saml:Advice>$hidden</saml:Advice>};
refused('signature over another element, of another name', with_body($renamed), 'signature_reference', %assertion_only);
refused('the evil assertion with the signed id', with_body($evil =~ s/_evil/_a1/r =~ s{</saml:Issuer>}{</saml:Issuer>$signature}r),
	'signature', %assertion_only);
refused('an id that occurs twice', signed_response(after => '', authn => '<saml:AuthnStatement ID="_a1"/>'), 'duplicate_id');
refused('an id that occurs twice, in other letters', signed_response(authn => '<saml:AuthnStatement Id="_r1"/>'), 'duplicate_id');
accepted('many ids', signed_response(before => '<samlp:Extensions>' . join('', map { qq{<x xmlns="urn:x" ID="x$_"/>} } 1 .. 2000) . '</samlp:Extensions>'), [ attribute_value => 'alice' ]);
refused('an xml:id', signed_response(authn => '<saml:AuthnStatement xml:id="_x"/>'), 'duplicate_id');

# ---- what is cheap to send and dear to read: anybody may send it
sub extended { my ($inside) = @_; return response_xml(rsig => template('_r1'), before => "<samlp:Extensions>$inside</samlp:Extensions>") }
my $many = join ' ', map { qq{a$_="1"} } 1 .. 30000;
my $prefixes_of_all = join ' ', map { qq{xmlns:p$_='u$_'} } 1 .. 20000;
refused('30000 attributes in a tag', extended(qq{<x xmlns="urn:x" $many/>}), 'too_many_nodes');
refused('20000 namespaces in a tag', extended(qq{<x xmlns="urn:x" $prefixes_of_all/>}), 'too_many_nodes');
refused("behind $_->[0]", extended("$_->[1]<x xmlns='urn:x' $prefixes_of_all/>"), 'too_many_nodes')
  foreach [ 'a comment with a quote in it', '<!-- <x a=" -->' ], [ 'a CDATA section', '<![CDATA[<x a=" -->]]>' ], [ 'a tag with signs in it', q{<y xmlns="urn:y" a=">" b='"<y'/>} ];
accepted('a comment and a CDATA section with many quotes', sign(extended('<x xmlns="urn:x"><!--<x ' . q{"" } x 500 . '--><![CDATA[<x ' . q{"" } x 500 . ']]></x>'), $idp), [ attribute_value => 'alice' ]);
accepted('100 attributes in a tag', sign(extended('<x xmlns="urn:x" ' . join(' ', map { qq{a$_="1"} } 1 .. 99) . '/>'), $idp), [ attribute_value => 'alice' ]);
refused('20000 prefixes for canonicalisation', response_xml(rsig => template('_r1', transforms => '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
		  . '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="' . join(' ', map { "p$_" } 1 .. 20000) . '"/></ds:Transform>')), 'signature_transform');

# ---- what was signed, and with what
refused('a changed text', $evil_response, 'signature');
refused('stripped signature', $stripped, 'unsigned');
refused('an unsigned response', response_xml(), 'unsigned');
refused('only the assertion is signed where the response must be', $assertion_signed, 'unsigned');
refused('only the response is signed where the assertion must be', $original, 'unsigned', sign_assertion => 1);
refused('a good response around an assertion with a bad signature',
	sign(response_xml(rsig => template('_r1'), assertion => $signed_assertion =~ s/alice/mallory/gr), $idp,
		xpath => '/*/*[local-name()="Signature"]'), 'signature');
refused("a stranger's key", sign(response_xml(rsig => template('_r1')), $stranger), 'signature');
refused("a stranger's key with its certificate in KeyInfo",
	sign(response_xml(rsig => template('_r1', key_info => '<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>')), $stranger), 'signature');
refused("a stranger's key with its value in KeyInfo",
	sign(response_xml(rsig => template('_r1', key_info => '<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>')), $stranger), 'signature');
refused('SHA-1 signature', signed_as(template('_r1', method => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1')), 'signature_algorithm');
refused('SHA-1 digest', signed_as(template('_r1', digest => 'http://www.w3.org/2000/09/xmldsig#sha1')), 'signature_algorithm');
refused('HMAC with the public key', signed_as(template('_r1', method => 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256'),
		undef, hmac => $idp->{cert}), 'signature_algorithm');
refused('inclusive canonicalisation', signed_as(template('_r1', c14n => 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315')),
	'signature_algorithm');
my $ENVELOPED = '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>';
my $C14N = '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>';
my %transforms = (
	'XPath' => "$ENVELOPED<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>self::node()</ds:XPath></ds:Transform>$C14N",
	'XSLT' => "$ENVELOPED<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">"
	  . '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><x/></xsl:template>'
	  . "</xsl:stylesheet></ds:Transform>$C14N",
	'base64' => "$ENVELOPED<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>",
	'no exclusive canonicalisation' => $ENVELOPED,
	'one too many' => "$ENVELOPED$C14N$C14N");
# The form is refused before anything is computed, so these need no true digest.
foreach my $name (sort keys %transforms)
{
	my $own = template('_r1', transforms => $transforms{$name});
	refused("transform: $name", response_xml(rsig => $own), 'signature_transform');
}
refused('reference to a file', response_xml(rsig => template('_r1', uri => 'file:///etc/hostname')), 'signature_reference');
refused('reference to the network', response_xml(rsig => template('_r1', uri => 'http://127.0.0.1:1/x')), 'signature_reference');
refused('reference to the whole document', signed_as(template('_r1', uri => '')), 'signature_reference');
refused('reference by a formula', signed_as(template('_r1', uri => "#xpointer(id('_r1'))")), 'signature_reference');
refused('two references', signed_as(template('_r1', more => '<ds:Reference URI=""><ds:Transforms>' . $ENVELOPED . $C14N
			. '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>')),
	'signature_form');
refused('two signatures', response_xml(rsig => $response_signature x 2), 'unexpected_element|signature_form');
refused('a signature elsewhere', signed_response(after => "<samlp:Extensions>$signature</samlp:Extensions>"), 'signature_form');
refused('an id that is a formula', response_xml(rid => "_r1') or ('", rsig => template("_r1') or ('")), 'id');
my $weak = new_key('rsa:1024');
refused('a trusted key of 1024 bits', sign(response_xml(rsig => template('_r1')), $weak), 'certificate',
	certificate => content_of($weak->{cert}));

# ---- for whom, from whom, when
refused('wrong audience', signed_response(audience => '<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>'), 'audience');
refused('audience that begins as ours', signed_response(audience => "<saml:AudienceRestriction><saml:Audience>$SP.evil</saml:Audience></saml:AudienceRestriction>"), 'audience');
refused('one restriction of two without us', signed_response(audience => "<saml:AudienceRestriction><saml:Audience>$SP</saml:Audience></saml:AudienceRestriction>"
		. '<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>'), 'audience');
refused('no audience', signed_response(audience => ''), 'audience');
refused('a condition nobody knows', signed_response(audience => '<saml:Condition/>'), 'conditions');
refused('wrong destination', signed_response(destination => ' Destination="https://other.example/acs"'), 'destination');
refused('no destination', signed_response(destination => ''), 'destination');
refused('wrong issuer of the response', signed_response(issuer => 'https://other.example'), 'issuer');
refused('wrong issuer of the assertion', signed_response(assertion_issuer => 'https://other.example'), 'issuer');
refused('answer to another request', signed_response(in_response_to => ' InResponseTo="id-2"'), 'in_response_to');
refused('answer to no request', signed_response(in_response_to => ''), 'in_response_to');
my $later = at($now + 300);
my %confirmations = (
	'wrong recipient' => [ qq{ Recipient="https://other.example" InResponseTo="id-1" NotOnOrAfter="$later"}, 'recipient' ],
	'no recipient' => [ qq{ InResponseTo="id-1" NotOnOrAfter="$later"}, 'recipient' ],
	'of another request' => [ qq{ Recipient="$ACS" InResponseTo="id-2" NotOnOrAfter="$later"}, 'in_response_to' ],
	'of no request' => [ qq{ Recipient="$ACS" NotOnOrAfter="$later"}, 'in_response_to' ],
	'expired' => [ qq{ Recipient="$ACS" InResponseTo="id-1" NotOnOrAfter="} . at($now - 31) . '"', 'expired' ],
	'without an end' => [ qq{ Recipient="$ACS" InResponseTo="id-1"}, 'expired' ],
	'with a begin' => [ qq{ Recipient="$ACS" InResponseTo="id-1" NotBefore="} . at($now) . qq{" NotOnOrAfter="$later"}, 'subject_confirmation' ]);
refused("confirmation $_", signed_response(scd => $confirmations{$_}[0]), $confirmations{$_}[1]) foreach sort keys %confirmations;
refused('confirmed by sender-vouches', signed_response(method => $BEARER =~ s/bearer/sender-vouches/r), 'subject_confirmation');
refused('expired', signed_response(until => at($now - 31)), 'expired');
accepted('expired within the skew', signed_response(until => at($now - 20)), [ attribute_value => 'alice' ]);
refused('expired, without skew', signed_response(until => at($now - 20)), 'expired', skew => 0);
refused('not yet valid', signed_response(from => at($now + 40)), 'not_yet_valid');
accepted('not yet valid within the skew', signed_response(from => at($now + 20)), [ attribute_value => 'alice' ]);
refused('a moment without zone', signed_response(until => '2036-01-01T00:00:00'), 'conditions');
refused('a day that is none', signed_response(until => '2036-02-30T00:00:00Z'), 'conditions');
refused('issued days ago', signed_response(issued => at($now - 90_000)), 'issue_instant');
refused('issued tomorrow', signed_response(issued => at($now + 90_000)), 'issue_instant');
refused('session over', signed_response(authn => '<saml:AuthnStatement AuthnInstant="' . at($now - 9) . '" SessionNotOnOrAfter="' . at($now - 31) . '"/>'), 'expired');
refused('no authentication', signed_response(authn => ''), 'authn_statement');
refused('status of failure', signed_response(status => 'urn:oasis:names:tc:SAML:2.0:status:Responder'), 'status');
refused('version 1.1', signed_response(version => '1.1'), 'version');
refused('no name', signed_response(name_id => ''), 'name_id');
refused('a name with an element inside', signed_response(name_id => 'alice<b/>@example.com'), 'name_id');
refused('two assertions', signed_response(after => $evil), 'unexpected_element|assertion_count');
refused('no assertion', signed_response(assertion => ''), 'assertion_count');

# ---- documents that are not for reading
(my $no_declaration = $original) =~ s/^<\?xml[^>]*\?>\s*//;
my $ten = '<!ENTITY l0 "lol">' . join '', map { my $n = $_ - 1; qq{<!ENTITY l$_ "} . "&l$n;" x 10 . '">' } 1 .. 9;
refused('DOCTYPE', "<!DOCTYPE x>$no_declaration", 'doctype');
refused('external DTD', "<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>$no_declaration", 'doctype');
refused('external entity', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' . ($no_declaration =~ s/>alice</>&e;</r), 'doctype');
refused('parameter entity', '<!DOCTYPE x [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;]>' . $no_declaration, 'doctype');
refused('entities of entities', "<!DOCTYPE x [$ten]>" . ($no_declaration =~ s/>alice</>&l9;</r), 'doctype');
refused('attribute by default', '<!DOCTYPE x [<!ATTLIST samlp:Response ID CDATA "_r1">]>' . $no_declaration, 'doctype');
refused('an entity nobody declared', $original =~ s/>alice</>&e;</r, 'not_xml');
refused('processing instruction', $original =~ s/>alice</>al<?x y?>ice</r, 'processing_instruction');
refused('style sheet', '<?xml-stylesheet href="x"?>' . $no_declaration, 'processing_instruction');
refused('deep nesting', $original =~ s{>alice<}{'>' . '<x>' x 5000 . '</x>' x 5000 . '<'}er, 'too_deep');
refused('many elements', $original =~ s{>alice<}{'>' . '<x/>' x 20000 . '<'}er, 'too_many_nodes');
refused('many attributes', $original =~ s{>alice<}{'><x ' . join(' ', map { "a$_=''" } 1 .. 50000) . '/><'}er, 'too_many_nodes');
refused('a document of 2 MB', $original =~ s{>alice<}{'>' . 'a' x 2_000_000 . '<'}er, 'too_large');
refused('not XML', 'hello', 'not_xml');
refused('empty', '', 'not_xml');
refused('cut off', substr($original, 0, -10), 'not_xml');
refused('two roots', $original . '<x/>', 'not_xml');
refused('undeclared prefix', $original =~ s/<saml:Subject>/<zz:Subject>/r =~ s/<\/saml:Subject>/<\/zz:Subject>/r, 'not_xml|unexpected_element|signature');
refused('an attribute twice', $original =~ s/ Destination=/ ID="_r2" Destination=/r, 'not_xml');
{
	my ($status, $out) = run_job(response_job($original =~ s{>alice<}{'>' . 'a' x 10_000_000 . '<'}er));
	is("$status " . join(' ', fields_of($out)), '2 bad_job too large', 'a job of 10 MB is not read to its end');
}

# ---- where two parsers could differ
refused('UTF-16', "\xFF\xFE" . join('', map { "$_\0" } split //, $no_declaration), 'encoding');
refused('another encoding declared', "<?xml version='1.0' encoding='UTF-7'?>$no_declaration", 'encoding');
refused('ISO-8859-1 declared', "<?xml version='1.0' encoding='ISO-8859-1'?>$no_declaration", 'encoding');
refused('a zero byte', $original =~ s/>alice</>alice\0</r, 'encoding');
refused('bytes that are not UTF-8', $original =~ s/>alice</>al\xC0\xAEice</r, 'not_xml');
refused('XML 1.1', "<?xml version='1.1'?>$no_declaration", 'not_xml');
refused('text before the root', "x$no_declaration", 'not_xml');
refused('ID in a namespace', $original =~ s/ ID="_r1"/ samlp:ID="_r1"/r, 'id');
refused('a digest split by a comment', $original =~ s{(<ds:DigestValue>)}{$1<x/>}r, 'signature_form');
refused('two SignedInfo', $original =~ s{(<ds:SignedInfo>.*?</ds:SignedInfo>)}{$1$1}sr, 'signature_form');
refused('SignedInfo of another namespace', $original =~ s{<ds:SignedInfo>}{<ds:SignedInfo xmlns:ds="urn:x">}r, 'signature_form|not_xml');
refused('CDATA around an element', $original =~ s{(<saml:Conditions .*</saml:Conditions>)}{<![CDATA[$1]]>}sr, 'signature');

# Two parsers of one document (CVE-2025-25291): what one takes for a comment, a DOCTYPE or text is an element to the other.
my $hidden_doctype = "<!DOCTYPE x [<!ENTITY % y '\"'> <!NOTATION z PUBLIC \"\" \"'>]><!-- \">]>";
refused('a DOCTYPE that two parsers end at different places', $hidden_doctype . $no_declaration . '<!-- -->', 'doctype');
refused('a DOCTYPE in lower case', "<!doctype x>$no_declaration", 'not_xml');
refused('a DOCTYPE after the root', "$no_declaration<!DOCTYPE x>", 'not_xml|doctype');
refused('a comment that is not closed', "$no_declaration<!-- x", 'not_xml');
refused('-- inside a comment', $original =~ s/>alice</><!-- a -- b -->alice</r, 'not_xml');
refused(']]> in a text', $original =~ s/>alice</>]]>alice</r, 'not_xml');
# Two signatures by the names of two namespaces (CVE-2025-25292): one is found, another verified.
(my $foreign = $response_signature) =~ s{http://www.w3.org/2000/09/xmldsig#"}{http://www.w3.org/2000/09/xmldsig"};
refused('a signature of a namespace that is almost it', $stripped =~ s{<samlp:Status>}{$foreign<samlp:Status>}r, 'unexpected_element');
refused('... beside the true one', $original =~ s{<samlp:Status>}{$foreign<samlp:Status>}r, 'unexpected_element');
refused('a signature in no namespace beside the true one', $original =~ s{<samlp:Status>}{<Signature><SignedInfo/></Signature><samlp:Status>}r, 'unexpected_element');
refused('a Reference of another namespace before the true one', $original =~ s{<ds:Reference }{<x:Reference xmlns:x="urn:x" URI="#_a1"/><ds:Reference }r, 'signature_form');
refused('a DigestValue of another namespace before the true one', $original =~ s{<ds:DigestValue>}{<x:DigestValue xmlns:x="urn:x">AAAA</x:DigestValue><ds:DigestValue>}r, 'signature_form');
refused('a text around the digest', $original =~ s{<ds:DigestValue>}{<ds:DigestValue>AAAA}r, 'signature');
# What cannot be canonicalised must not count as the digest of nothing.
my $nothing = sha256_base64('') . '=';
refused('a relative namespace, and the digest of nothing', ($original =~ s{ Version=}{ xmlns:ns="1" Version=}r) =~ s{<ds:DigestValue>[^<]*}{<ds:DigestValue>$nothing}r, 'signature');
refused('a relative namespace in what is signed', $original =~ s{<ds:SignedInfo>}{<ds:SignedInfo xmlns:ns="1">}r, 'signature');
refused('parameters of another namespace', response_xml(rsig => template('_r1', transforms => '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
		  . '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><x:InclusiveNamespaces xmlns:x="urn:x" PrefixList="xs"/></ds:Transform>')), 'signature_transform');
accepted('InclusiveNamespaces', signed_as(template('_r1', transforms => '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
		  . '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></ds:Transform>')),
	[ attribute_value => 'alice' ]);
# Declared anew, a prefix moves an element out of what was signed.
refused('a prefix declared anew on a signed element', $original =~ s{<saml:Subject>}{<saml:Subject xmlns:saml="urn:x">}r, 'signature|unexpected_element');
refused('a default namespace around a prefix', $original =~ s{<saml:NameID>}{<NameID xmlns="urn:x">admin</NameID><saml:NameID>}r, 'signature');

# ---- encrypted
my $key = content_of($sp->{key});
my $both = encrypt($signed_assertion, $sp);
accepted('an encrypted assertion, signed', response_xml(assertion => $both), [ name_id => 'alice@example.com' ], %assertion_only, key => $key);
accepted('an encrypted assertion in a signed response', signed_response(assertion => encrypt($bare, $sp)),
	[ name_id => 'alice@example.com' ], key => $key);
accepted('AES-128-GCM', response_xml(assertion => encrypt($signed_assertion, $sp, data => 'http://www.w3.org/2009/xmlenc11#aes128-gcm')),
	[ name_id => 'alice@example.com' ], %assertion_only, key => $key);
accepted('with the second of two keys', response_xml(assertion => $both), [ name_id => 'alice@example.com' ], %assertion_only,
	key => [ content_of($stranger->{key}), $key ]);
refused('encrypted, without a key', response_xml(assertion => $both), 'encrypted', %assertion_only);
refused('encrypted for somebody else', response_xml(assertion => $both), 'decryption', %assertion_only, key => content_of($stranger->{key}));
refused('an encrypted assertion that nobody signed', response_xml(assertion => encrypt($evil, $sp)), 'unsigned', %assertion_only, key => $key);
refused('AES-CBC', response_xml(assertion => encrypt($signed_assertion, $sp, data => 'http://www.w3.org/2001/04/xmlenc#aes256-cbc')),
	'encryption_algorithm', %assertion_only, key => $key);
refused('RSA with PKCS#1 1.5', response_xml(assertion => encrypt($signed_assertion, $sp, transport => 'http://www.w3.org/2001/04/xmlenc#rsa-1_5')),
	'encryption_algorithm', %assertion_only, key => $key);
refused('a changed cipher', response_xml(assertion => $both =~ s{(<xenc:CipherValue>\s*)(.)([^<]*</xenc:CipherValue>\s*</xenc:CipherData>\s*</xenc:EncryptedData>)}{$1 . ($2 eq 'A' ? 'B' : 'A') . $3}esr),
	'decryption', %assertion_only, key => $key);
refused('cipher by reference', response_xml(assertion => $both =~ s{<xenc:CipherValue>[^<]*</xenc:CipherValue>}{<xenc:CipherReference URI="file:///etc/hostname"/>}gr),
	'encryption_form', %assertion_only, key => $key);
refused('two assertions encrypted as one', response_xml(assertion => encrypt("<x>$signed_assertion$evil</x>", $sp)), 'encryption_form', %assertion_only, key => $key);
(my $nested = $evil) =~ s{</saml:Assertion>\z}{$signed_assertion</saml:Assertion>};
refused('wrapping inside the cipher', response_xml(assertion => encrypt($nested, $sp)), 'assertion_count', %assertion_only, key => $key);

accepted('AES-CBC within a response that is signed', signed_response(assertion => encrypt($bare, $sp, data => 'http://www.w3.org/2001/04/xmlenc#aes256-cbc')),
	[ name_id => 'alice@example.com' ], key => $key);
refused('triple DES within one', signed_response(assertion => encrypt($bare, $sp, data => 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc')), 'encryption_algorithm', key => $key);
refused('AES-CBC within a response with a bad signature', signed_response(assertion => encrypt($bare, $sp, data => 'http://www.w3.org/2001/04/xmlenc#aes256-cbc')) =~ s/Version="2.0"/Version="2.0" Consent="x"/r,
	'signature', key => $key);
foreach my $inside ([ 'a DOCTYPE', '<!DOCTYPE x>' . $signed_assertion, 'not_xml|doctype' ], [ 'no assertion', '<x/>', 'encryption_form' ], [ 'white space', ' ', 'encryption_form|decryption|not_xml' ],
	[ 'an end of what stands around it', "$signed_assertion</w><w>", 'not_xml' ], [ 'deep nesting', '<x>' x 100 . '</x>' x 100, 'too_deep' ])
{
	refused("encrypted: $inside->[0]", response_xml(assertion => encrypt($inside->[1], $sp, how => '--binary-data')), $inside->[2], %assertion_only, key => $key);
}
refused('an assertion whose id is that of the response', response_xml(aid => '_r1', asig => template('_r1')), 'duplicate_id', %assertion_only);
refused('the encrypted key twice', response_xml(assertion => $both =~ s{(<xenc:EncryptedKey>.*?</xenc:EncryptedKey>)}{$1$1}sr), 'encryption_form', %assertion_only, key => $key);
refused('two encrypted assertions', response_xml(assertion => $both . $both), 'unexpected_element|assertion_count', %assertion_only, key => $key);
refused('an encrypted one beside a plain one', response_xml(assertion => $both . $evil), 'assertion_count', %assertion_only, key => $key);

is($originals, $rounds, "the untouched original was accepted in all of $rounds rounds");

# ---- what holds the program while it waits for its job
{
	my ($in, $out) = ('', '');
	my $running = IPC::Run::start([ $ENV{WAZO_AUTH_XML} // 'build/wazo-auth-xml' ], '<', \$in, '>', \$out);
	my $pid = $running->{KIDS}[0]{PID};
	my $status = '';
	for (1 .. 6000)
	{
		$status = content_of("/proc/$pid/status");
		last if $status =~ /^Seccomp:\s*2$/m;
		select undef, undef, undef, 0.01;
	}
	like($status, qr/^Seccomp:\s*2$/m, 'its system calls are filtered');
	like($status, qr/^NoNewPrivs:\s*1$/m, 'it can gain no privilege');
	my $limits = content_of("/proc/$pid/limits");
	like($limits, qr/^Max address space\s+268435456\s+268435456\b/m, 'its memory is limited');
	like($limits, qr/^Max cpu time\s+5\s+5\b/m, 'its time is');
	like($limits, qr/^Max file size\s+0\s+0\b/m, 'it can write no file');
	like($limits, qr/^Max open files\s+3\s+3\b/m, 'nor open one');
	$running->kill_kill;
}

# ---- logout
sub logout_xml
{
	my ($kind, %o) = @_;
	my %d = (issuer => $IDP, destination => $ACS, in_response_to => ' InResponseTo="id-1"', sig => template('_l1'),
		status => 'Success', body => '<saml:NameID>alice</saml:NameID><samlp:SessionIndex>s1</samlp:SessionIndex>', %o);
	$d{body} = qq{<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:$d{status}"/></samlp:Status>}
	  if $kind eq 'LogoutResponse';
	$d{in_response_to} = '' if $kind eq 'LogoutRequest';
	return qq{<samlp:$kind xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"}
	  . qq{ xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_l1" Version="2.0" IssueInstant="} . at($now) . '"'
	  . qq{ Destination="$d{destination}"$d{in_response_to}><saml:Issuer>$d{issuer}</saml:Issuer>$d{sig}$d{body}</samlp:$kind>};
}

sub logout
{
	my ($document, @more) = @_;
	my ($status, $out) = run_job(job_of(job => 'verify_logout', document => $document, certificate => content_of($idp->{cert}),
			issuer => $IDP, destination => $ACS, now => $now, skew => 30, @more));
	return join ' ', $status, fields_of($out);
}
my @answer = (in_response_to => 'id-1');
is(logout(sign(logout_xml('LogoutResponse'), $idp), @answer), '0 result verified kind response id _l1', 'a logout is answered');
is(logout(sign(logout_xml('LogoutRequest'), $idp)), '0 result verified kind request id _l1 session_index s1 name_id alice', 'a logout is asked for');
like(logout(logout_xml('LogoutResponse', sig => ''), @answer), qr/^1 refused unsigned /, 'an unsigned answer is refused');
like(logout(sign(logout_xml('LogoutResponse'), $stranger), @answer), qr/^1 refused signature /, "so is a stranger's");
like(logout(sign(logout_xml('LogoutResponse', status => 'Requester'), $idp), @answer), qr/^1 refused status /, 'and one of failure');
like(logout(sign(logout_xml('LogoutResponse', issuer => 'x'), $idp), @answer), qr/^1 refused issuer /, 'of another issuer');
like(logout(sign(logout_xml('LogoutResponse', destination => 'x'), $idp), @answer), qr/^1 refused destination\z/, 'to another place');
like(logout(sign(logout_xml('LogoutResponse', in_response_to => ''), $idp), @answer), qr/^1 refused in_response_to /, 'to no request');
like(logout(sign(logout_xml('LogoutRequest'), $idp), @answer), qr/^1 refused not_a_logout /, 'a request is no answer');
like(logout(sign(logout_xml('LogoutResponse'), $idp)), qr/^1 refused not_a_logout /, 'an answer is no request');

# ---- query strings
sub query_of
{
	my ($bytes, $key) = @_;
	my ($d) = Compress::Zlib::deflateInit(-WindowBits => -Compress::Zlib::MAX_WBITS(), -Level => 9);
	my $packed = $d->deflate($bytes);
	$packed .= $d->flush;
	my $query = 'SAMLRequest=' . escaped(MIME::Base64::encode_base64($packed, ''))
	  . '&SigAlg=' . escaped('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
	my $signature;
	IPC::Run::run([ 'openssl', 'dgst', '-sha256', '-sign', $key->{key}, '-binary' ], '<', \$query, '>', \$signature) or die;
	return "$query&Signature=" . escaped(MIME::Base64::encode_base64($signature, ''));
}
sub escaped { return $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger }

sub queried
{
	my ($query, %o) = @_;
	my %d = (job => 'verify_logout', query => $query, certificate => content_of($idp->{cert}), issuer => $IDP, destination => $ACS, now => $now, %o);
	my ($status, $out) = run_job(job_of(map { ($_ => $d{$_}) } sort keys %d));
	return join ' ', $status, fields_of($out);
}
my $bare_request = logout_xml('LogoutRequest', sig => '');
is(queried(query_of($bare_request, $idp)), '0 result verified kind request id _l1 session_index s1 name_id alice', 'a LogoutRequest in a query string');
like(queried(query_of($bare_request, $stranger)), qr/^1 refused signature /, "a stranger's is refused");
like(queried(query_of(sign(logout_xml('LogoutRequest'), $idp), $idp)), qr/^1 refused signature_form /, 'a signature within it, too');
like(queried(query_of(logout_xml('LogoutResponse', sig => ''), $idp), in_response_to => 'id-1'), qr/^1 refused query /, 'an answer under the name of a request');
like(queried(query_of($bare_request =~ s/ ID="_l1"//r, $idp)), qr/^1 refused id /, 'one without ID');
like(queried(query_of("<!DOCTYPE x>$bare_request", $idp)), qr/^1 refused doctype/, 'a DOCTYPE');
# Of two parameters of a name another reader might take the other one.
{
	my $good = query_of($bare_request, $idp);
	my ($message, $algorithm, $signature_of) = split /&/, $good;
	my $evil_message = (split /&/, query_of($bare_request =~ s/alice/mallory/r, $stranger))[0];
	like(queried($_), qr/^1 refused query\b/, 'a parameter twice: ' . substr($_, 0, 20)) foreach "$evil_message&$good", "$good&$evil_message", "$good&$algorithm", "$good&$signature_of", "$good&RelayState=a&RelayState=b";
	like(queried("$good&RelayState=x"), qr/^1 refused signature\b/, 'a RelayState that was not signed');
	like(queried("$good&RelayState="), qr/^1 refused signature\b/, '... an empty one');
	like(queried($good =~ s/SAMLRequest/SAML%52equest/r), qr/^1 refused /, 'a name that is written in another way');
	is(queried("$signature_of&$algorithm&$message"), '0 result verified kind request id _l1 session_index s1 name_id alice', 'the order of the parameters does not matter: what is signed has its own');
	like(queried("$message&$algorithm=&$signature_of"), qr/^1 refused /, 'a changed algorithm');
}
my $ec_query = query_of($bare_request, $idp);
like(queried($ec_query, certificate => content_of($ec->{cert})), qr/^1 refused signature /, 'an elliptic key does not verify RSA');
foreach my $bomb ([ '100 MB of spaces', ' ' x 100_000_000 ], [ '2 MB', "<a>" . 'x' x 2_000_000 . '</a>' ])
{
	my $query = query_of($bomb->[1], $idp);
	like(queried($query), qr/^1 refused too_large/, "deflate bomb: $bomb->[0], signed");
	like(queried($query, job => 'peek_logout', certificate => undef, issuer => undef, destination => undef), qr/^1 refused too_large/, '... when it is only looked at');
	like(queried($query =~ s/&Signature=.*//r), qr/^1 refused unsigned/, '... unsigned it is not unpacked');
}

# ---- metadata
my ($base64) = content_of($idp->{cert}) =~ /-----\n(.*?)-----/s;
my ($weak_base64) = content_of($weak->{cert}) =~ /-----\n(.*?)-----/s;

sub metadata
{
	my (%o) = @_;
	my %d = (until => '', location => 'https://idp.example/sso', certificate => $base64, binding => 'HTTP-Redirect',
		protocol => 'urn:oasis:names:tc:SAML:2.0:protocol', role => 'IDPSSODescriptor', %o);
	my $document = qq{<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="$IDP"$d{until}>}
	  . qq{<md:$d{role} protocolSupportEnumeration="$d{protocol}"><md:KeyDescriptor use="signing">}
	  . qq{<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>$d{certificate}}
	  . qq{</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>}
	  . qq{<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:$d{binding}" Location="$d{location}"/>}
	  . qq{<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/slo"/>}
	  . "</md:$d{role}></md:EntityDescriptor>";
	my ($status, $out) = run_job(job_of(job => 'parse_metadata', document => $d{document} // $document, now => $now, skew => 30));
	return join ' ', $status, fields_of($out);
}
is(metadata(), "0 result verified entity_id $IDP certificate " . content_of($idp->{cert})
	  . ' sso_redirect https://idp.example/sso slo_post https://idp.example/slo', 'metadata give what a login needs');
like(metadata(until => ' validUntil="' . at($now + 99) . '"'), qr/ valid_until @{[ $now + 99 ]} /, 'and until when');
like(metadata(until => ' validUntil="' . at($now - 99) . '"'), qr/^1 refused expired /, 'expired metadata are refused');
like(metadata(location => 'javascript:alert(1)'), qr/^1 refused location /, 'so is a place that is no web address');
like(metadata(binding => 'SOAP'), qr/^1 refused location /, 'a binding that no browser can follow');
like(metadata(certificate => 'QUJD'), qr/^1 refused certificate /, 'a certificate that is none');
like(metadata(certificate => $weak_base64), qr/^1 refused certificate /, 'one of a weak key');
like(metadata(protocol => 'urn:oasis:names:tc:SAML:1.1:protocol'), qr/^1 refused not_metadata /, 'another protocol');
like(metadata(role => 'SPSSODescriptor'), qr/^1 refused not_metadata /, 'another role');
like(metadata(document => '<a/>'), qr/^1 refused not_metadata /, 'what is XML and nothing more');
like(metadata(document => '<a>'), qr/^1 refused not_xml/, 'what is not even XML');

# ---- the job itself
foreach my $field (qw(document certificate issuer audience destination recipient in_response_to now sign_response))
{
	my ($status, $out) = run_job(response_job($original, $field => undef));
	like("$status $out", qr/^2 bad_job \d+\n.*$field/s, "a job without $field is none");
}
foreach my $job ('', "job\n", "job 99\nverify_response\n", "job 15\nverify_response", "job -1\n\n", "job 99999999999999999999\n\n",
	response_job($original) . "unknown 1\nx\n", response_job($original) . "issuer 1\nx\n")
{
	my ($status, $out) = run_job($job);
	like("$status $out", qr/^2 bad_job /, 'a job that cannot be read is none: ' . ($job =~ s/\n/\\n/gr =~ s/^.*(.{20})/$1/sr));
}

done_testing();
