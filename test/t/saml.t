# Logins by SAML over the real front, with a real identity provider (pysaml2,
# which signs with xmlsec1) as the other side; and what nobody may get in with
# (contract: saml.md sections 3 to 6).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use HTTP::Tiny;
use IPC::Run ();
use JSON ();
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use WazoIdp;
use WazoNode;
use WazoSaml;

my $CLAIM = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name';
my ($entity_id, $acs) = ('https://stack.example.com/saml', 'https://stack.example.com/api/auth/0.1/saml/acs');
my $node = new_node('saml', "log_statement = none\nwazo_auth.saml_timeout = '60s'\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
my $folder = abs_path(PostgreSQL::Test::Utils::tempdir());
my (%tenant, %idp, %user);
foreach my $name (qw(north south))
{
	$tenant{$name} = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), '$name', '$name', domain_names => '{$name.example.com}')");
	$idp{$name} = WazoIdp->new("$folder/$name", entity_id => "https://idp-$name.example/metadata", url => "https://idp-$name.example");
}
$user{$_->[0]} = sql("SELECT wazo_auth.create_user('$tenant{$_->[1]}', '$_->[0]', '$_->[0]-password', authentication_method => '$_->[2]')")
  foreach ['alice', 'north', 'saml'], ['bob', 'north', 'native'], ['sam', 'south', 'saml'], ['admin', 'north', 'native'];
sql("SELECT wazo_auth.add_user_policy('$user{admin}', wazo_auth.create_policy('$tenant{north}', 'all', '{#}'))");
my $front = start_front($node, 'app', '--workers', 1);

# One request; redirects are answers.
sub ask
{
	my ($method, $target, $headers, $content) = @_;
	return HTTP::Tiny->new(timeout => 30, max_redirect => 0)->request($method, $front->{url} . $target,
		{ headers => $headers // {}, defined $content ? (content => $content) : () });
}
sub ask_json
{
	my ($method, $target, $body, %headers) = @_;
	return ask($method, $target, { 'Content-Type' => 'application/json', %headers }, defined $body ? JSON::encode_json($body) : undef);
}
sub data { return JSON::decode_json($_[0]->{content}) }
sub multipart
{
	my (%fields) = @_;
	my $body = join '', map { "--frontier\r\nContent-Disposition: form-data; name=\"$_\""
		  . ($_ eq 'metadata' ? "; filename=\"idp.xml\"\r\nContent-Type: text/xml" : '') . "\r\n\r\n$fields{$_}\r\n" } sort keys %fields;
	return "$body--frontier--\r\n";
}
my $seen = 0;
sub logged
{
	my $text = slurp_file($node->logfile, $seen);
	$seen = -s $node->logfile;
	return $text;
}

# ---- the configuration, as a client uploads it ----
my $token = data(ask_json('POST', '/0.1/token', {}, Authorization => 'Basic ' . encode_base64('admin:admin-password', '')))->{data}{token};
my $domain = sql("SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'north.example.com'");
my $answer = ask('POST', '/0.1/backends/saml', { 'X-Auth-Token' => $token, 'Content-Type' => 'multipart/form-data; boundary=frontier' },
	multipart(domain_uuid => $domain, entity_id => $entity_id, acs_url => $acs, metadata => $idp{north}->metadata));
is($answer->{status}, 200, 'the metadata of a real identity provider are stored') or diag($answer->{content});
$answer = ask('GET', '/0.1/backends/saml/metadata', { 'X-Auth-Token' => $token });
is($answer->{content}, $idp{north}->metadata, '... byte for byte');
sql("SELECT wazo_auth.create_saml_config('$tenant{south}', (SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'south.example.com'), '$entity_id', '$acs', \$\$"
	  . $idp{south}->metadata . '$$)');
sub exchange_metadata
{
	my ($name) = @_;
	my $ours = ask('GET', "/0.1/saml/metadata/$tenant{$name}");
	is($ours->{status}, 200, "our metadata for $name");
	$idp{$name}->trust($ours->{content});
	return;
}
exchange_metadata($_) foreach qw(north south);

# ---- steps of a login ----
sub begin
{
	my ($name) = @_;
	$name //= 'north';
	my $started = data(ask_json('POST', '/0.1/saml/sso', { redirect_url => 'https://north.example.com/app?x=1#top' =~ s/north/$name/r, domain => "$name.example.com" }));
	($started->{state}) = $started->{location} =~ /RelayState=([^&]+)/;
	$started->{request} = sql("SELECT request_id FROM wazo_auth.saml_session WHERE digest = '$started->{state}'");
	return $started;
}
sub answer_of
{
	my ($name, $started, %o) = @_;
	return $idp{$name}->step('answer', message => { location => $started->{location} }, attributes => { $CLAIM => ['alice'] }, %o)->{form};
}
sub deliver
{
	my ($form) = @_;
	return ask('POST', '/0.1/saml/acs', { 'Content-Type' => 'application/x-www-form-urlencoded' }, HTTP::Tiny->new->www_form_urlencode($form));
}
sub redeem
{
	my ($started, %body) = @_;
	return ask_json('POST', '/0.1/token', { saml_session_id => $started->{saml_session_id}, %body });
}
my ($good, $bad) = ('https://north.example.com/app?x=1#top', 'https://north.example.com/app?x=1&login_failure_code=401#top');
sub is_location
{
	my ($reply, $want, $what) = @_;
	return is("$reply->{status} " . ($reply->{headers}{location} // $reply->{content}), "302 $want", $what) || diag(logged());
}

# ---- happy paths ----
my $started = begin();
my $form = answer_of('north', $started);
is_location(deliver($form), $good, 'a signed response');
$answer = redeem($started);
is($answer->{status}, 200, '... gives a token');
is(data($answer)->{data}{auth_id}, $user{alice}, '... of the user that it names');
is(redeem($started)->{status}, 401, '... once');
is(redeem($started, access_type => 'offline', client_id => 'x')->{status}, 401, '... of any kind');
is(deliver($form)->{status}, 404, 'the same response again');
is(redeem($started)->{status}, 401, '... opens nothing');

$started = begin();
is_location(deliver(answer_of('north', $started, encrypt => 'gcm', sign => 'response')), $good, 'an encrypted assertion in a signed response');
is(redeem($started)->{status}, 200, '... gives a token');
sql('SELECT wazo_auth.configure(\'{"saml.signed": "both"}\')');
$started = begin();
is_location(deliver(answer_of('north', $started, sign => 'both')), $good, 'both signed, where both must be');
is(redeem($started)->{status}, 200, '... gives a token');
$started = begin();
is_location(deliver(answer_of('north', $started)), $bad, 'only one signed, where both must be');
sql('SELECT wazo_auth.configure(\'{"saml.signed": "assertion"}\')');
exchange_metadata('north');
$started = begin();
is_location(deliver(answer_of('north', $started, sign => 'assertion')), $good, 'a signed assertion, where that is asked for');
is(redeem($started)->{status}, 200, '... gives a token');
sql('SELECT wazo_auth.configure(\'{"saml.signed": null}\')');

# ---- what nobody gets in with ----
my %key = map { $_ => { key => "$folder/$_/idp.key", cert => "$folder/$_/idp.pem" } } qw(north south);
my $forger = new_key();
my %reason;
# A response to this login, made by hand; what is wrong with it is in %o.
sub made
{
	my ($session, $key, %o) = @_;
	my $id = 1 + ($reason{made}++ // 0);
	my $scd = qq{ Recipient="$acs" InResponseTo="$session->{request}" NotOnOrAfter="} . at($NOW + 300) . '"';
	my $assertion_signed = delete $o{sign_assertion};
	my $response_signed = delete $o{sign_response} // 1;
	my $xml = response_xml(rid => "_r$id", aid => "_a$id", issuer => "https://idp-north.example/metadata", assertion_issuer => "https://idp-north.example/metadata",
		destination => qq{ Destination="$acs"}, in_response_to => qq{ InResponseTo="$session->{request}"}, scd => $scd, name => $CLAIM, value => 'alice',
		audience => "<saml:AudienceRestriction><saml:Audience>$entity_id</saml:Audience></saml:AudienceRestriction>",
		rsig => $response_signed ? template("_r$id") : '', asig => $assertion_signed ? template("_a$id") : '', %o);
	$xml = sign($xml, $key) if $assertion_signed;
	$xml = sign($xml, $key) if $response_signed;
	return { RelayState => $session->{state}, SAMLResponse => encode_base64($xml, '') };
}
sub refused
{
	my ($why, $what, %o) = @_;
	my $session = begin();
	logged();
	my $raw = delete $o{raw};
	my $posted = $raw ? { RelayState => $session->{state}, SAMLResponse => encode_base64($raw, '') } : made($session, delete $o{with} // $key{north}, %o);
	is_location(deliver($posted), $bad, $what);
	my $log = logged();
	like($log, qr/SAML [a-z_ ]+ of tenant $tenant{north} was refused: $why/, '... with the reason in the log');
	unlike($log, qr/alice/, '... and not the assertion');
	is(redeem($session)->{status}, 401, '... and no token');
	return;
}
# The untouched original, made in the same way.
sub accepted
{
	my ($what, %o) = @_;
	my $session = begin();
	is_location(deliver(made($session, $key{north}, %o)), $good, $what);
	is(redeem($session)->{status}, 200, '... gives a token');
	return;
}
sub scd { my ($session, %o) = @_; return join '', map { qq{ $_="$o{$_}"} } sort keys %o }
accepted('a response made by hand');
refused('signature', "signed by a forger", with => $forger);
refused('signature', "signed by another tenant's identity provider", with => $key{south});
refused('issuer|signature', "of another tenant's identity provider", issuer => 'https://idp-south.example/metadata', assertion_issuer => 'https://idp-south.example/metadata', with => $key{south});
refused('issuer', 'an assertion of another issuer', assertion_issuer => 'https://idp-south.example/metadata');
refused('unsigned', 'unsigned', sign_response => 0);
refused('unsigned', 'a signed assertion in an unsigned response', sign_response => 0, sign_assertion => 1);
refused('audience', 'for another audience', audience => '<saml:AudienceRestriction><saml:Audience>https://other</saml:Audience></saml:AudienceRestriction>');
refused('audience', 'for no audience', audience => '');
refused('destination', 'for another address', destination => ' Destination="https://other/acs"');
refused('destination', 'for no address', destination => '');
refused('in_response_to', 'an answer to another login', in_response_to => ' InResponseTo="id-1"');
refused('in_response_to', 'an answer to nothing', in_response_to => '');
refused('expired', 'expired', until => at($NOW - 3600));
refused('not_yet_valid', 'not yet valid', from => at($NOW + 3600));
refused('status', 'a refusal', status => 'urn:oasis:names:tc:SAML:2.0:status:Responder');
refused('subject_confirmation', 'no bearer', method => 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches');
refused($_->[0], $_->[1], raw => $_->[2])
  foreach ['not_xml', 'no XML', '<wonder'], ['doctype', 'a document type', '<!DOCTYPE a><a/>'], ['not_a_response', 'another document', '<a/>'];
refused('no attribute', 'no name', name => 'mail');
refused('no attribute', 'an empty name', value => '');
refused('no attribute', 'a name that is XML, before one that is text', value => '<x>bob</x></saml:AttributeValue><saml:AttributeValue>alice');
refused('its name for the user is too long', 'an endless NameID', name_id => 'x' x 20000);
foreach my $case (['recipient', 'for another recipient', Recipient => 'https://other/acs'], ['recipient', 'for no recipient', Recipient => undef],
	['in_response_to', 'confirmed for another login', InResponseTo => 'id-1'], ['expired', 'confirmed until an hour ago', NotOnOrAfter => at($NOW - 3600)])
{
	my ($why, $what, $name, $value) = @$case;
	my $session = begin();
	my %scd = (Recipient => $acs, InResponseTo => $session->{request}, NotOnOrAfter => at($NOW + 300), $name => $value);
	delete $scd{$name} if !defined $value;
	logged();
	is_location(deliver(made($session, $key{north}, scd => scd($session, %scd))), $bad, $what);
	like(logged(), qr/was refused: $why/, '... with the reason in the log');
	is(redeem($session)->{status}, 401, '... and no token');
}
{
	my $session = begin();
	my $large = { RelayState => $session->{state}, SAMLResponse => encode_base64('<x>' . 'a' x 10_000_000 . '</x>', '') };
	is(deliver($large)->{status}, 413, 'a document of 10 MB');
	is_location(deliver(made($session, $key{north})), $good, '... does not end the login');
}
accepted('the untouched original, still');

# The provider says when its session ends.
{
	my $session = begin();
	my $authn = '<saml:AuthnStatement AuthnInstant="' . at($NOW - 5) . '" SessionNotOnOrAfter="' . at($NOW + 3000)
	  . '"><saml:AuthnContext><saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>';
	is_location(deliver(made($session, $key{north}, authn => $authn)), $good, 'a session that ends');
	my $data = data(redeem($session, access_type => 'offline', client_id => 'ends', expiration => 86400))->{data};
	my $skew = 60;
	is(sql("SELECT s.expires_at <= to_timestamp($NOW + 3000 + $skew) FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest('$data->{token}')"), 't', '... ends the token');
	is(sql("SELECT r.ends_at = to_timestamp($NOW + 3000 + $skew) FROM wazo_auth.refresh_token r WHERE r.client_id = 'ends'"), 't', '... and the refresh token');
}

# The user is one of the tenant whose identity provider signs, and of the method.
foreach my $name ('sam', 'bob', 'nosuch')
{
	my $session = begin();
	is_location(deliver(made($session, $key{north}, value => $name)), $good, "a response about $name");
	logged();
	is(redeem($session)->{status}, 401, '... and no token');
	like(logged(), qr/SAML login of tenant $tenant{north} was refused: no enabled user of the tenant has the login $name/, '... with the reason in the log') if $name ne 'bob';
}

# One login's answer with another's RelayState, and the other way round.
my ($one, $two) = (begin(), begin());
$form = made($one, $key{north});
is_location(deliver({ %$form, RelayState => $two->{state} }), $bad, "another login's RelayState");
is(redeem($_)->{status}, 401, '... and no token') foreach $one, $two;
is_location(deliver($form), $good, 'its own');
is(redeem($one)->{status}, 200, '... gives a token');
my $other = begin('south');
is_location(deliver({ %{ made($other, $key{north}) } }), $bad =~ s/north/south/r, "a login of one tenant with another's identity provider");
is(redeem($other)->{status}, 401, '... and no token');

# The clock of the provider: $skew seconds are forgiven, and no more.
sql('SELECT wazo_auth.configure(\'{"saml.clock_skew_seconds": 600}\')');
accepted('not yet valid for less than the skew', from => at($NOW + 300));
refused('not_yet_valid', 'for more than the skew', from => at($NOW + 3600));
sql('SELECT wazo_auth.configure(\'{"saml.clock_skew_seconds": null}\')');
refused('not_yet_valid', 'for more than the skew that is the default', from => at($NOW + 300));

# An assertion that came in another login's answer: its ID is remembered.
($one, $two) = (begin(), begin());
is_location(deliver(made($one, $key{north}, aid => '_same')), $good, 'an assertion');
logged();
is_location(deliver(made($two, $key{north}, aid => '_same')), $bad, 'another one with its ID');
like(logged(), qr/its assertion came before/, '... is taken for a replay');

# ---- bound to the browser ----
sql('SELECT wazo_auth.configure(\'{"saml.bind_to_browser": true}\')');
$answer = ask_json('POST', '/0.1/saml/sso', { redirect_url => 'https://north.example.com/app?x=1#top', domain => 'north.example.com' });
my ($cookie) = $answer->{headers}{'set-cookie'} =~ /^(saml_[0-9a-f-]{36}=[0-9a-f-]{36}); Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=None$/;
ok($cookie, 'a login sets a cookie') or diag($answer->{headers}{'set-cookie'});
sub begin_bound
{
	my $reply = ask_json('POST', '/0.1/saml/sso', { redirect_url => 'https://north.example.com/app?x=1#top', domain => 'north.example.com' });
	my $session = data($reply);
	($session->{cookie}) = $reply->{headers}{'set-cookie'} =~ /^([^;]*)/;
	($session->{state}) = $session->{location} =~ /RelayState=([^&]+)/;
	$session->{request} = sql("SELECT request_id FROM wazo_auth.saml_session WHERE digest = '$session->{state}'");
	return $session;
}
sub deliver_with
{
	my ($form_, $cookies) = @_;
	return ask('POST', '/0.1/saml/acs', { 'Content-Type' => 'application/x-www-form-urlencoded', defined $cookies ? (Cookie => $cookies) : () },
		HTTP::Tiny->new->www_form_urlencode($form_));
}
foreach my $case ([undef, 'without it'], [$cookie, "with another login's"], ['own', 'with its own', 1], ['among', 'with its own among others', 1], ['longer', 'with a longer one'])
{
	my ($cookies, $what, $taken) = @$case;
	my $session = begin_bound();
	$cookies = $cookies eq 'own' ? $session->{cookie} : $cookies eq 'among' ? "a=b; $session->{cookie}; c=d" : $cookies eq 'longer' ? "x$session->{cookie}0" : $cookies if defined $cookies;
	is_location(deliver_with(made($session, $key{north}), $cookies), $taken ? $good : $bad, "an answer $what");
	is(redeem($session)->{status}, $taken ? 200 : 401, $taken ? '... gives a token' : '... and no token');
}
sql('SELECT wazo_auth.configure(\'{"saml.bind_to_browser": null}\')');

# ---- two at the same moment ----
# One holds its transaction open; the other waits for it and is refused.
sub race
{
	my ($first, $second, $what) = @_;
	my ($in, $out) = ('', '');
	my $holder = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('app') ], '<', \$in, '>', \$out);
	$in = "BEGIN;\nSELECT 'first ' || (a).status FROM (SELECT $first AS a) x;\n";
	$holder->pump until $out =~ /first \d+\n/;
	my ($status) = $out =~ /first (\d+)/;
	my $pid = open(my $pipe, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		my $reply = $second->();
		print "$reply->{status} " . ($reply->{headers}{location} // '');
		close STDOUT;
		POSIX::_exit(0);
	}
	until_is($node, 'app', "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'front'", '1', "$what: the second one waits");
	$in = "COMMIT;\n\\q\n";
	$holder->finish;
	my $reply = do { local $/; <$pipe> };
	close $pipe;
	return ($status, $reply);
}
sub as_http
{
	my ($target, $type, $body) = @_;
	return "wazo_auth.http('POST', '$target', '{Content-Type,$type}', convert_to('" . ($body =~ s/'/''/gr) . "', 'UTF8'))";
}
$started = begin();
$form = made($started, $key{north});
my ($first, $second) = race(as_http('/0.1/saml/acs', 'application/x-www-form-urlencoded', HTTP::Tiny->new->www_form_urlencode($form)), sub { deliver($form) }, 'a response twice');
is("$first $second", "302 302 $bad", '... one is taken, the other is refused');
($first, $second) = race(as_http('/0.1/token', 'application/json', JSON::encode_json({ saml_session_id => $started->{saml_session_id} })), sub { redeem($started) }, 'a saml_session_id twice');
is("$first $second", '200 401 ', '... one gets a token, the other does not');

# ---- as many on their way as may be, also of two at the same moment ----
sql('SELECT wazo_auth.configure(\'{"saml.max_pending_logins_per_tenant": 2}\')');
begin() foreach 1 .. 2;
my %start = (redirect_url => 'https://north.example.com/', domain => 'north.example.com');
($first, $second) = race(as_http('/0.1/saml/sso', 'application/json', JSON::encode_json(\%start)), sub { ask_json('POST', '/0.1/saml/sso', \%start) }, 'two logins');
is("$first $second", '200 200 ', '... both begin');
is(sql("SELECT count(*) FROM wazo_auth.saml_session s WHERE s.tenant_uuid = '$tenant{north}' AND s.login IS NULL"), '2', '... and no more are on their way than may be');
sql('SELECT wazo_auth.configure(\'{"saml.max_pending_logins_per_tenant": null}\')');

# ---- refresh tokens and logout ----
sub alive { return ask('HEAD', "/0.1/token/$_[0]")->{status} == 204 }
sub offline_login
{
	my ($name_id) = @_;
	my $session = begin();
	is_location(deliver(answer_of('north', $session, name_id => $name_id)), $good, "a login of $name_id");
	return data(redeem($session, access_type => 'offline', client_id => "client-$name_id"))->{data};
}
my $login = offline_login('subject-7');
ok($login->{refresh_token}, 'an offline login has a refresh token');
my $refreshed = data(ask_json('POST', '/0.1/token', { refresh_token => $login->{refresh_token}, client_id => 'client-subject-7' }))->{data};
ok(alive($refreshed->{token}), '... which makes tokens');
my $beside = offline_login('subject-8');
$answer = ask('GET', '/0.1/saml/logout', { 'X-Auth-Token' => $refreshed->{token} });
is($answer->{status}, 200, 'a logout');
ok(!alive($_->{token}), '... ends the tokens') foreach $login, $refreshed;
is(ask_json('POST', '/0.1/token', { refresh_token => $login->{refresh_token}, client_id => 'client-subject-7' })->{status}, 401, '... and the refresh token');
ok(alive($beside->{token}), '... of this login alone');
my $said = $idp{north}->step('logout_answer', message => { location => data($answer)->{location} });
is($said->{name_id}, 'subject-7', 'the provider is asked for the right subject');
is(scalar @{ $said->{sessions} }, 1, '... and session');
my ($sls) = $said->{location} =~ m{^https://stack\.example\.com/api/auth(/0\.1/saml/sls\?.*)$};
my $signature = $sls =~ s/(Signature=.)./$1x/r;
is(ask('GET', $signature)->{status}, 401, 'an answer whose signature is not good');
is_location(ask('GET', $sls), 'https://north.example.com/app?x=1&logged_out=true#top', 'its answer');
is(ask('GET', $sls)->{status}, 404, '... once');

# A logout that the provider asks for.
my $asked = $idp{north}->step('logout_request', name_id => 'subject-8', destination => 'https://stack.example.com/api/auth/0.1/saml/sls', relay_state => 'theirs');
($sls) = $asked->{location} =~ m{(/0\.1/saml/sls\?.*)$};
$answer = ask('GET', $sls);
is($answer->{status}, 302, 'a logout that the provider asks for');
ok(!alive($beside->{token}), '... ends the token');
is(ask_json('POST', '/0.1/token', { refresh_token => $beside->{refresh_token}, client_id => 'client-subject-8' })->{status}, 401, '... and the refresh token');
is_deeply($idp{north}->step('logout_answered', message => { location => $answer->{headers}{location} }), { in_response_to => $asked->{id}, success => JSON::true }, '... and is answered');

# ---- a new key of ours: two for a while ----
sql("SELECT wazo_auth.add_saml_key('$tenant{north}')");
exchange_metadata('north');
$started = begin();
is_location(deliver(answer_of('north', $started, encrypt => 'gcm')), $good, 'a second key: encrypted for the first');
sql("SELECT wazo_auth.switch_saml_keys('$tenant{north}')");
$started = begin();
is_location(deliver(answer_of('north', $started, encrypt => 'gcm')), $good, 'the second one signs; who has both accepts it, and may encrypt for the first');
exchange_metadata('north');
sql("SELECT wazo_auth.drop_saml_key('$tenant{north}')");
$started = begin();
is_location(deliver(answer_of('north', $started, encrypt => 'gcm')), $good, 'the first one is gone');
is(redeem($started)->{status}, 200, '... and a login goes on');

# ---- a provider that takes and sends messages by HTTP-POST alone ----
$tenant{west} = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'west', 'west', domain_names => '{west.example.com}')");
$idp{west} = WazoIdp->new("$folder/west", entity_id => 'https://idp-west.example/metadata', url => 'https://idp-west.example', bindings => ['post']);
my $wanda = sql("SELECT wazo_auth.create_user('$tenant{west}', 'wanda', 'wanda-password', authentication_method => 'saml')");
sql("SELECT wazo_auth.create_saml_config('$tenant{west}', (SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'west.example.com'), '$entity_id', '$acs', \$\$"
	  . $idp{west}->metadata . '$$)');
exchange_metadata('west');
# What a browser posts that comes to this location, and where to.
sub posted
{
	my ($location) = @_;
	my ($target) = $location =~ m{^https://stack\.example\.com/api/auth(/0\.1/saml/post/[0-9a-f-]{36})$} or return { url => $location };
	return form_of(ask('GET', $target)->{content});
}
sub form_of
{
	my ($page) = @_;
	my ($url) = $page =~ /<form method="post" action="([^"]*)">/;
	return { url => $url, form => { $page =~ /<input type="hidden" name="(\w+)" value="([^"]*)">/g } };
}
sub begin_west { return data(ask_json('POST', '/0.1/saml/sso', { redirect_url => 'https://west.example.com/', domain => 'west.example.com' })) }
my $west = begin_west();
my $sent = posted($west->{location});
is($sent->{url}, 'https://idp-west.example/sso', 'a page posts our request to a provider that takes no redirect');
$form = $idp{west}->step('answer', message => $sent, attributes => { $CLAIM => ['wanda'] }, name_id => 'subject-w')->{form};
is_location(deliver($form), 'https://west.example.com/', '... which finds it signed, and answers');
$login = data(redeem($west))->{data};
is($login->{auth_id}, $wanda, '... for a token');
ok(!eval { $idp{west}->step('answer', message => { form => { %{ $sent->{form} }, SAMLRequest => encode_base64(decode_base64($sent->{form}{SAMLRequest}) =~ s/stack/stick/r, '') } }); 1 }, 'a request that was changed it refuses');
$sent = posted(data(ask('GET', '/0.1/saml/logout', { 'X-Auth-Token' => $login->{token} }))->{location});
is($sent->{url}, 'https://idp-west.example/slo', 'so goes our LogoutRequest');
ok(!alive($login->{token}), '... after the token has ended');
$said = $idp{west}->step('logout_answer', message => $sent, binding => 'post', destination => 'https://stack.example.com/api/auth/0.1/saml/sls');
is($said->{name_id}, 'subject-w', '... which it finds signed, and answers by post');
sub post_sls { return ask('POST', '/0.1/saml/sls', { 'Content-Type' => 'application/x-www-form-urlencoded' }, HTTP::Tiny->new->www_form_urlencode($_[0])) }
my %changed = (%{ $said->{form} }, SAMLResponse => encode_base64(decode_base64($said->{form}{SAMLResponse}) =~ s/ Version=/ Consent="x" Version=/r, ''));
is(post_sls(\%changed)->{status}, 401, '... an answer that was changed is refused');
is_location(post_sls($said->{form}), 'https://west.example.com/?logged_out=true', '... the answer is taken');
is(post_sls($said->{form})->{status}, 404, '... once');
$west = begin_west();
deliver($idp{west}->step('answer', message => posted($west->{location}), attributes => { $CLAIM => ['wanda'] }, name_id => 'subject-w')->{form});
$login = data(redeem($west))->{data};
$asked = $idp{west}->step('logout_request', binding => 'post', name_id => 'subject-w', destination => 'https://stack.example.com/api/auth/0.1/saml/sls', relay_state => '<theirs>');
$answer = post_sls($asked->{form});
is($answer->{status}, 200, 'a logout that it asks for by post');
ok(!alive($login->{token}), '... ends the token');
$sent = form_of($answer->{content});
is("$sent->{url} $sent->{form}{RelayState}", 'https://idp-west.example/slo &lt;theirs&gt;', '... and a page posts the answer');
is_deeply($idp{west}->step('logout_answered', message => $sent), { in_response_to => $asked->{id}, success => JSON::true }, '... which it finds signed');
is(post_sls($asked->{form})->{status}, 401, 'the same request again is refused');

# ---- what is in the logs ----
my $all = slurp_file($node->logfile) . slurp_file($front->{log});
unlike($all, qr/SAML(?:Request|Response)=(?!\*)[A-Za-z0-9+%]/, 'no message is in a log');
unlike($all, qr/\Q$started->{saml_session_id}\E|PRIVATE KEY|<saml/, 'nor a saml_session_id, a key or an assertion');

stop_front($front);
done_testing();
