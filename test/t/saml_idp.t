# A real identity provider as the other side of wazo-auth-xml: pysaml2 and
# xmlsec1 verify what we make, and we verify what they make, in both bindings.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Temp ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use WazoIdp;
use WazoSaml;

my $folder = File::Temp->newdir;
my $idp = WazoIdp->new("$folder/idp", entity_id => $IDP);
my ($sso, $slo, $sls) = ('https://idp.example/sso', 'https://idp.example/slo', 'https://sp.example/sls');

# The fields of a job's result, with its exit status as status.
sub job
{
	my (%fields) = @_;
	my ($status, $out) = run_job(job_of(now => time, map { ($_ => $fields{$_}) } sort keys %fields));
	return { fields_of($out), status => $status };
}

sub said { my ($r) = @_; return join ' ', grep { defined } @$r{qw(status refused kind name_id session_index relay_state)} }

# ---- metadata, ours and theirs
my $theirs = job(job => 'parse_metadata', document => $idp->metadata, issuer => $IDP);
is("$theirs->{status} $theirs->{sso_redirect} $theirs->{sso_post} $theirs->{slo_redirect} $theirs->{slo_post}", "0 $sso $sso $slo $slo", 'its metadata are read');
my ($key, $next) = map { job(job => 'make_key', common_name => 'sp.example', days => 30) } 1, 2;
my $ours = job(job => 'make_metadata', issuer => $SP, recipient => $ACS, logout_url => $sls, key => $key->{key},
	certificate => [ $key->{certificate}, $next->{certificate} ]);
$idp->trust($ours->{document});

# ---- logins
my %us = (issuer => $SP, key => $key->{key});
my %verify = (job => 'verify_response', issuer => $IDP, audience => $SP, destination => $ACS, recipient => $ACS, skew => 5, certificate => $theirs->{certificate});

sub request { return job(job => 'make_authn_request', %us, destination => $sso, recipient => $ACS, @_) }
my $claim = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name';
my $request = request(redirect => 1, relay_state => 'b&c=%/+');
my %asked = (message => { location => $request->{location} }, attributes => { $claim => ['alice'] });

sub login
{
	my ($answer, %o) = @_;
	return job(%verify, sign_response => 1, in_response_to => $request->{id}, base64 => $answer->{form}{SAMLResponse}, key => [ $next->{key}, $key->{key} ], %o);
}
my $answer = $idp->step('answer', %asked);
is("$answer->{id} $answer->{url} $answer->{form}{RelayState}", "$request->{id} $ACS b&c=%/+", 'it reads our request and takes RelayState along');
my $got = login($answer);
is(join(' ', @$got{qw(status name_id attribute attribute_value)}), "0 subject-1 $claim alice", 'and we read its answer');
is(said(login($answer, in_response_to => 'id-0')), '1 in_response_to', 'an answer to another request is refused');
is(said(login($answer, certificate => $key->{certificate})), '1 signature', 'so is one by another provider');
is(said(login($answer, key => undef, base64 => encode_base64(decode_base64($answer->{form}{SAMLResponse}) =~ s/alice/admin/r))), '1 signature', 'and one that was changed');
like(said(login($idp->step('answer', %asked, sign => 'assertion'), sign_response => 0, sign_assertion => 1)), qr/^0 subject-1 id-/, 'signed assertion');
like(said(login($idp->step('answer', %asked, sign => 'both', encrypt => 'gcm'), sign_assertion => 1)), qr/^0 subject-1 id-/, 'signed, encrypted, and signed again');
like(said(login($idp->step('answer', %asked, encrypt => 'cbc'))), qr/^0 subject-1 id-/, 'AES-CBC within a signed response');
is(said(login($idp->step('answer', %asked, sign => 'assertion', encrypt => 'cbc'), sign_response => 0, sign_assertion => 1)), '1 encryption_algorithm', '... not in one that anybody can change');
is(said(login($idp->step('answer', %asked, encrypt => '3des'))), '1 encryption_algorithm', 'pysaml2\'s own choice, triple DES, is refused');
my $posted = request();
is($idp->step('answer', message => { form => { SAMLRequest => $posted->{message} } })->{id}, $posted->{id}, 'a request by post');
my $after = request(redirect => 1, key => $next->{key});
is($idp->step('answer', message => { location => $after->{location} })->{id}, $after->{id}, 'a request signed with the next key');

# What does not verify must not pass there, or all of the above says nothing.
foreach my $case ([ 'another RelayState', { location => $request->{location} =~ s/RelayState=b/RelayState=c/r } ],
	[ 'a changed post', { form => { SAMLRequest => encode_base64(decode_base64($posted->{message}) =~ s/acs/evl/r, '') } } ])
{
	ok(!eval { $idp->step('answer', message => $case->[1]); 1 }, "it refuses $case->[0]");
}

# ---- logouts that we begin, and that it begins
foreach my $binding (qw(redirect post))
{
	my $redirect = $binding eq 'redirect' ? 1 : 0;
	my $leave = job(job => 'make_logout_request', %us, destination => $slo, name_id => $got->{name_id}, name_id_format => $got->{name_id_format},
		session_index => $got->{session_index}, redirect => $redirect, relay_state => 'r');
	my $left = $idp->step('logout_answer', message => $redirect ? { location => $leave->{location} } : { form => { SAMLRequest => $leave->{message}, RelayState => 'r' } },
		binding => $binding, destination => $sls);
	is("$left->{name_id} @{$left->{sessions}}", "subject-1 $got->{session_index}", "$binding: it reads our LogoutRequest");
	my %read = (job => 'verify_logout', issuer => $IDP, destination => $sls, skew => 5, certificate => $theirs->{certificate});
	my @message = $redirect ? (query => $left->{location} =~ s/^[^?]*\?//r) : (base64 => $left->{form}{SAMLResponse});
	is(said(job(%read, @message, in_response_to => $leave->{id})), $redirect ? '0 response r' : '0 response', '... and we its answer');
	is(said(job(%read, @message, in_response_to => 'id-0')), '1 in_response_to', '... which is to that request alone');

	my $asked = $idp->step('logout_request', name_id => 'alice', sessions => ['s1'], binding => $binding, destination => $sls, relay_state => 'x/y z');
	@message = $redirect ? (query => $asked->{location} =~ s/^[^?]*\?//r) : (base64 => $asked->{form}{SAMLRequest});
	is(said(job(%read, @message)), $redirect ? '0 request alice s1 x/y z' : '0 request alice s1', "$binding: we read its LogoutRequest");
	foreach my $failed (0, 1)
	{
		my $done = job(job => 'make_logout_response', %us, destination => $slo, in_response_to => $asked->{id}, redirect => $redirect, failed => $failed);
		my $read = $idp->step('logout_answered', message => $redirect ? { location => $done->{location} } : { form => { SAMLResponse => $done->{message} } });
		is($read->{in_response_to} . ($read->{success} ? ' done' : ' failed'), $asked->{id} . ($failed ? ' failed' : ' done'), '... and it our answer');
	}
}
{
	my $leave = job(job => 'make_logout_request', %us, destination => $slo, name_id => 'x', redirect => 1);
	my $left = $idp->step('logout_answer', message => { location => $leave->{location} }, destination => $sls, success => JSON::false());
	is(said(job(job => 'verify_logout', issuer => $IDP, destination => $sls, skew => 5, certificate => $theirs->{certificate},
			query => $left->{location} =~ s/^[^?]*\?//r, in_response_to => $leave->{id})), '1 status', 'a logout that failed there');
}

done_testing();
