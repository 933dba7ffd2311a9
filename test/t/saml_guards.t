# The reader of SAML documents has two guards against each of the worst attacks.
# Builds of it without one of them, and without both: each alone refuses, and
# only without both the attack passes, so that it is these that refuse.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Temp ();
use Test::More;
use WazoSaml;

my $dir = File::Temp->newdir;
my $sources = "$FindBin::RealBin/../../src/saml/xml";
chomp(my $cflags = `pkg-config --cflags xmlsec1-openssl zlib`);
chomp(my $libs = `pkg-config --libs xmlsec1-openssl zlib`);

sub run { my ($command) = @_; system($command) == 0 or die "$command: $?"; return }

sub compile
{
	my ($folder, @names) = @_;
	run("cc -std=gnu11 -D_GNU_SOURCE -I$sources $cflags -c -o $folder/$_.o $folder/$_.c") foreach @names;
	return;
}

my %text = map { m{([^/]+)\.c\z} ? ($1 => content_of($_)) : () } glob "$sources/*.c";
my @names = sort keys %text;

sub write_source
{
	my ($folder, $name, $text) = @_;
	open my $out, '>:raw', "$folder/$name.c" or die $!;
	print $out $text;
	close $out or die $!;
	return;
}
write_source($dir, $_, $text{$_}) foreach @names;
compile($dir, @names);

# The program with these edits: [source, text, text in its place], which must each be there once.
my $builds = 0;

sub built
{
	my (@edits) = @_;
	my $folder = "$dir/" . ++$builds;
	mkdir $folder or die $!;
	my %changed;
	foreach my $edit (@edits)
	{
		my ($name, $from, $to) = @$edit;
		$changed{$name} //= $text{$name};
		die "$name.c does not have this once: $from" if ($changed{$name} =~ s/\Q$from\E/$to/g) != 1;
	}
	write_source($folder, $_, $changed{$_}) foreach sort keys %changed;
	compile($folder, sort keys %changed);
	my $objects = join ' ', map { exists $changed{$_} ? "$folder/$_.o" : "$dir/$_.o" } @names;
	run("cc -o $folder/program $objects $libs -lseccomp");
	return "$folder/program";
}

my $idp = new_key();

sub verdict
{
	my ($program, $document) = @_;
	local $ENV{WAZO_AUTH_XML} = $program;
	my ($status, $out) = run_job(job_of(job => 'verify_response', document => $document, certificate => content_of($idp->{cert}), issuer => $IDP,
			audience => $SP, destination => $ACS, recipient => $ACS, in_response_to => 'id-1', now => $NOW, skew => 30, sign_response => 1));
	my %got = $status =~ /^[01]\z/ ? fields_of($out) : ();
	return join ' ', grep { defined } $status, $got{refused} // $got{name_id};
}

sub signed { my ($template, %o) = @_; return sign(response_xml(rsig => $template, %o), $idp) }
my $original = signed(template('_r1'));
(my $bare = $original) =~ s/^<\?xml[^>]*\?>\s*//;
my $accepted = '0 alice@example.com';
my $whole = built();
is(verdict($whole, $original), $accepted, 'the original is accepted');

my $ENVELOPED = '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>';
my $C14N = '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>';
my $XPATH = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>ancestor-or-self::node()</ds:XPath></ds:Transform>';
my @SAX = map { [ 'document', "ctxt->sax->${_}Subset = on_doctype;", '' ] } qw(internal external);
my $SUBSET = [ 'document', 'if (doc->intSubset != NULL || doc->extSubset != NULL)', 'if (0)' ];
my $CONTEXT = [ 'signature', 'ctx->signKey != NULL && restrict_context(ctx) &&', 'ctx->signKey != NULL &&' ];
my @CONTEXT = ($CONTEXT, [ 'signature', "static bool\nrestrict_context", "bool restrict_context(xmlSecDSigCtx *ctx);\nbool\nrestrict_context" ]);
my $SHA1 = 'http://www.w3.org/2000/09/xmldsig#';
foreach my $case (
	[ 'DOCTYPE', "<!DOCTYPE x>$bare", [@SAX], [$SUBSET] ],
	[ 'SHA-1', signed(template('_r1', method => "${SHA1}rsa-sha1", digest => "${SHA1}sha1")),
		[ [ 'signature', "static const char *const signature_methods[] = {", "static const char *const signature_methods[] = {\"${SHA1}rsa-sha1\"," ],
			[ 'signature', "static const char *const digest_methods[] = {", "static const char *const digest_methods[] = {\"${SHA1}sha1\"," ] ], [@CONTEXT] ],
	[ 'a transform by XPath', signed(template('_r1', transforms => "$ENVELOPED$XPATH$C14N")),
		[ [ 'signature', 'if (!transforms_are_good(w, transforms))', 'if (0 && !transforms_are_good(w, transforms))' ] ], [@CONTEXT] ],
	[ 'a reference to the whole document', signed(template('_r1', uri => '')),
		[ [ 'signature', 'if (!refers_to(w, reference, id))', 'if (0 && !refers_to(w, reference, id))' ] ], [@CONTEXT] ])
{
	my ($what, $document, $first, $second) = @$case;
	my $one = built(@$first);
	my $two = built(@$second);
	my $none = built(@$first, @$second);
	like(verdict($whole, $document), qr/^1 /, "$what: refused");
	like(verdict($one, $document), qr/^1 /, '... without the first guard');
	like(verdict($two, $document), qr/^1 /, '... without the second one');
	is(verdict($none, $document), $accepted, '... accepted without both');
	is(verdict($_, $original), $accepted, '... the original always') foreach $one, $two, $none;
}

# ---- behind the guards against a DOCTYPE: nothing is loaded, and the sandbox would not let it
my $open = built(@SAX, $SUBSET);
my $loading = built(@SAX, $SUBSET, [ 'document', 'XML_PARSE_NONET |', 'XML_PARSE_NOENT | XML_PARSE_DTDLOAD | XML_PARSE_DTDATTR |' ]);
my $file = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' . ($bare =~ s/>alice</>&e;</r);
my $dtd = "<!DOCTYPE x SYSTEM 'file:///etc/hostname'>$bare";
is(verdict($open, $file), '1 signature', 'an external entity is not read');
is(verdict($open, $dtd), $accepted, '... nor an external DTD');
is(verdict($loading, $_), 'signal 31', 'a parser that wants to is ended by the sandbox') foreach $file, $dtd;
my $ten = '<!ENTITY l0 "lol">' . join '', map { my $n = $_ - 1; qq{<!ENTITY l$_ "} . "&l$n;" x 10 . '">' } 1 .. 9;
like(verdict($_, "<!DOCTYPE x [$ten]>" . ($bare =~ s/>alice</>&l9;</r)), qr/^(?:1 (?:not_xml|signature)|signal (?:31|24|9|11))\z/, 'entities of entities end within the limits') foreach $open, $loading;

done_testing();
