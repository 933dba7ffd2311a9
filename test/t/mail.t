# Mails over a real mail server: what they hold, that none is lost, and that
# their tokens are good for one use and are written down nowhere.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find ();
use IO::Socket::INET;
use JSON ();
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(sleep time);
use WazoNode;
use WazoSmtp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('mail', <<'EOC');
log_statement = 'all'
log_min_messages = debug1
log_min_error_statement = debug1
wazo_auth.relay_interval = '1s'
wazo_auth.relay_retry_pause = '100ms'
wazo_auth.relay_max_attempts = 3
EOC
$node->start;
add_database($node, 'app');
my $smtp = WazoSmtp->new($node->basedir . '/smtp');
my ($port, $dir) = @$smtp{qw(port dir)};
my %secret;
my $seen = 0;

# The next mail; dies when none comes. Its token is remembered as a secret.
sub next_mail
{
	my ($what) = @_;
	until_true(sub { return scalar($smtp->mails) > $seen }) or die "no mail: $what";
	my $mail = ($smtp->mails)[$seen++];
	my ($head, $body) = split /\r\n\r\n/, $mail->{text}, 2;
	$body = decode_base64($body) if $head =~ /^Content-Transfer-Encoding: base64\r$/m;
	@$mail{qw(head body)} = ($head =~ s/\r//gr, $body =~ s/\r//gr);
	($mail->{token}) = $mail->{body} =~ /token=([0-9a-f-]{36})/ or die "no token: $mail->{body}";
	($mail->{link}) = $mail->{body} =~ m{^(https://\S+)$}m;
	$secret{ $mail->{token} } = "the token of: $what";
	return $mail;
}
sub empty { return until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.mail_outbox', '0', $_[0]) }
sub sql { return $node->safe_psql('app', $_[0]) }

my $user = sql(q{SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'alice', NULL, 'alice@example.com', authentication_method => 'native')});
sql(qq{SELECT wazo_auth.configure('{"smtp.hostname": "127.0.0.1", "smtp.port": $port, "enabled_http_plugins": {"user_registration": true}, "mail_interval": 0}')});
my $front = start_front($node, 'app', '--workers', 1, '--log-level', 'debug');

# A request to another host than the front's own address, as proxies send it.
sub ask_host
{
	my ($method, $target, $body, @headers) = @_;
	my ($address) = $front->{url} =~ m{//(.*)};
	my $socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10) or die "$address: $!";
	print $socket join("\r\n", "$method $target HTTP/1.1", 'Host: PBX.example.com:8443', 'Connection: close', @headers,
		'Content-Length: ' . length($body), '', $body);
	local $/;
	return <$socket> =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0;
}
sub ask_reset { return ask_host('GET', '/0.1/users/password/reset?' . $_[0], '') }
sub reset_with { my ($token, $password, $of) = @_; return call($front, 'POST', '/0.1/users/password/reset?user_uuid=' . ($of // $user) . "&token=$token", body => qq{{"password": "$password"}})->{status} }
sub login { return call($front, 'POST', '/0.1/token', login => join(':', @_), body => '{"access_type": "offline", "client_id": "phone"}') }

# ---- a password reset ----
$smtp->start();
is(ask_reset('username=alice'), 204, 'a reset is asked for');
my $mail = next_mail('first reset');
is("$mail->{sender} $mail->{recipient} $mail->{tls}$mail->{auth}", 'noreply@wazo.community alice@example.com 00', 'the envelope');
like($mail->{head}, qr{\AContent-Type: text/plain; charset="us-ascii"\nMIME-Version: 1\.0\nContent-Transfer-Encoding: 7bit\nTo: alice <alice\@example\.com>\nFrom: wazo-auth <noreply\@wazo\.community>\nSubject: New password requested\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\nMessage-ID: <[0-9a-f]+\.[0-9a-f]+\@wazo\.community>\z}, 'the headers in their order');
is($mail->{link}, "https://app.wazo.io/reset-password?host=pbx.example.com:8443&token=$mail->{token}&user_uuid=$user", 'the link');
empty('it leaves the outbox');
is(sql(q{SELECT string_agg(concat_ws('|', s.auth_id, s.user_uuid, s.user_agent, s.remote_addr, s.mobile, s.metadata, a.acl, s.tenant_uuid = wazo_auth.top_tenant_uuid(), s.expires_at - s.issued_at), ',')
	FROM wazo_auth.session s JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest WHERE s.auth_id IS NOT NULL}),
	"wazo-auth|wazo-auth-email-reset||f|{}|{auth.users.password.reset.$user.create}|t|2 days", 'the session of its token');
is(sql('SELECT count(*) FROM wazo_auth.event_log'), '0', 'for which there is no event');

is(ask_reset('login=ALICE%40example.com'), 204, 'another one is asked for');
my $second = next_mail('second reset');
empty('and sent');
is(call($front, 'GET', "/0.1/token/$mail->{token}")->{status}, 200, 'it leaves the first one valid');
is(call($front, 'POST', "/0.1/users/password/reset?user_uuid=$user&token=$second->{token}", body => '{"password": ""}')->{status}, 400, 'a bad password');
is(reset_with($second->{token}, 'new-password'), 204, 'does not use it up');
is(reset_with($_->{token}, 'other-password'), 401, 'the reset does') foreach $second, $mail;
my $login = login('alice', 'new-password');
is($login->{status}, 200, 'the new password is good');
my $data = JSON::decode_json($login->{content})->{data};
is(ask_reset('email=alice@example.com'), 204, 'a reset by address');
$mail = next_mail('third reset');
is(call($front, 'POST', "/0.1/users/password/reset?user_uuid=$user", headers => { 'X-Auth-Token' => $mail->{token} }, body => '{"password": "newer"}')->{status}, 204, 'with the token in the header');
is(call($front, 'GET', "/0.1/token/$data->{token}")->{status}, 404, 'ends sessions');
is(call($front, 'POST', '/0.1/token', body => qq({"refresh_token": "$data->{refresh_token}", "client_id": "phone"}))->{status}, 401, 'and refresh tokens');

foreach my $unknown ('username=ALICE', 'email=Alice%40example.com', 'login=nobody', 'email=x%40y.com')
{
	is(ask_reset($unknown), 204, "$unknown: the same answer");
}
empty('nobody gets a mail');
is(scalar($smtp->mails), $seen, 'nor got one');

# ---- an account of one's own ----
is(ask_host('POST', '/0.1/users/register', qq({"username": "Zo\xc3\xab", "password": "geheim", "email_address": "zoe\@example.com"}),
	'Content-Type: application/json', 'X-Script-Name: /api/auth'), 200, 'a registration');
$mail = next_mail('registration');
like($mail->{head}, qr{^To: =\?utf-8\?b\?Wm/Dqw==\?= <zoe\@example\.com>$}m, 'a name that is not ASCII');
like($mail->{head}, qr{^Content-Type: text/plain; charset="utf-8"\nMIME-Version: 1\.0\nContent-Transfer-Encoding: base64$}m, 'nor is the text');
my $email = sql(q{SELECT e.uuid FROM wazo_auth.email e WHERE e.address = 'zoe@example.com'});
is($mail->{link}, "https://pbx.example.com:8443/api/auth/0.1/emails/$email/confirm?token=$mail->{token}", 'the link');
is(login('zoe@example.com', 'geheim')->{status}, 401, 'the address is not good for logging in');
is(call($front, 'GET', "/0.1/emails/$email/confirm?token=" . $second->{token})->{status}, 401, 'not every token confirms it');
my $answer = call($front, 'GET', "/0.1/emails/$email/confirm?token=$mail->{token}");
is("$answer->{status} $answer->{headers}{'content-type'} $answer->{content}", '200 text/html; charset=utf-8 Email address confirmed', 'the link confirms it');
is(login('zoe@example.com', 'geheim')->{status}, 200, 'now it is');
is(call($front, 'GET', "/0.1/emails/$email/confirm?token=$mail->{token}")->{status}, 200, 'the link can be opened again');
empty('the outbox is empty');

# ---- a server that is not there ----
$smtp->stop;
is(ask_reset('username=alice'), 204, 'without a mail server the answer is the same') foreach 1 .. 3;
until_is($node, 'app', 'SELECT count(*), count(sealed_message) FROM wazo_auth.mail_outbox', '1|1', 'one mail waits');
ok(until_true(sub { slurp_file($node->logfile) =~ /LOG:  mail server: Failed to connect/ }), 'the log says why');
is(sql('SELECT max(attempts) FROM wazo_auth.mail_outbox'), '0', 'which counts against no mail');
$smtp->start();
next_mail('after the pause');
empty('it goes out once the server is back');

# ---- a worker that dies between sending and noting ----
$smtp->mode('held');
is(ask_reset('username=alice'), 204, 'a mail to a slow server');
until_true(sub { $smtp->mails > $seen }) or die 'no mail';
my $worker = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'});
kill 'KILL', $worker;
$mail = next_mail('before the crash');
$smtp->mode('');
ok(until_true(sub { $smtp->mails > $seen }), 'it is sent once more');
is(next_mail('after the crash')->{token}, $mail->{token}, 'with the same token');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.mail_outbox', '0', 'and not again');
is(scalar($smtp->mails), $seen, 'there was one repetition');

# ---- a server that does not like the mail ----
foreach my $mode ('refuse', 'later')
{
	$smtp->mode($mode);
	is(ask_reset('username=alice'), 204, "$mode: a mail");
	until_is($node, 'app', 'SELECT attempts FROM wazo_auth.parked_mail', '3', 'is parked after some attempts');
	like(sql('SELECT error FROM wazo_auth.parked_mail'), qr/^the mail server refuses the mail with the reply \d{3} /, 'with the reason');
	$smtp->mode('');
	is(sql('SELECT wazo_auth.retry_parked_mails()'), '1', 'and can be sent again');
	next_mail("after $mode");
	empty('it leaves the outbox');
}

# ---- TLS and a password ----
$smtp->stop;
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-addext', 'subjectAltName=DNS:localhost', '-keyout', "$dir/key", '-out', "$dir/cert");
my $password = 'smtp-pa55word';
$secret{$password} = 'the password of the mail server';
$smtp->start('--tls', "$dir/cert", "$dir/key", '--auth', 'mailer', $password);
is(ask_reset('username=alice'), 204, 'a server that wants TLS');
ok(until_true(sub { sql('SELECT count(*) FROM wazo_auth.mail_outbox WHERE error IS NOT NULL') eq '1' }), 'refuses mail in clear');
sql(qq{SELECT wazo_auth.configure('{"smtp.hostname": "localhost", "smtp.tls": "starttls", "smtp.username": "mailer"}')});
# typed where nothing is logged
sub set_password { return sql("SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = panic; SELECT wazo_auth.configure('{\"smtp.password\": \"$_[0]\"}')") }
set_password('wrong-password');

# Is it said from now on? The mail may have had all of its attempts before: it gets others.
sub until_said
{
	my ($what) = @_;
	my $from = -s $node->logfile;
	return until_true(sub { sql('SELECT wazo_auth.retry_parked_mails()'); slurp_file($node->logfile, $from) =~ $what });
}
ok(until_said(qr/LOG:  mail server: .*certificate/), 'a certificate of nobody known is not trusted');
sql(qq{SELECT wazo_auth.configure('{"smtp.ca_file": "$dir/cert"}')});
ok(until_said(qr/LOG:  mail server: .*(Login denied|denied)/), 'a wrong password');
set_password($password);
until_true(sub { sql('SELECT wazo_auth.retry_parked_mails()'); $smtp->mails > $seen });
$mail = next_mail('TLS');
is("$mail->{tls} $mail->{auth}", '1 1', 'goes out over TLS, with the password');
empty('it leaves the outbox');
unlike(sql(q{SELECT string_agg(s.value::text, '') FROM wazo_auth.setting s}), qr/$password/, 'the setting is sealed');
$smtp->stop;

# ---- a sender in SQL ----
sql(<<'EOS');
CREATE TABLE sent (kind text, keys text);
CREATE ROLE postman IN ROLE wazo_auth_plugin;
GRANT SELECT, INSERT ON sent TO postman;
CREATE FUNCTION send_mail(kind text, context jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.sent s WHERE s.kind = 'fail') THEN
    RAISE EXCEPTION 'cannot send %', context ->> 'token';
  ELSIF EXISTS (SELECT FROM public.sent s WHERE s.kind = 'hang') THEN
    PERFORM pg_catalog.pg_sleep(3600);
  END IF;
  INSERT INTO public.sent VALUES (kind, (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(context) k));
END $$;
SELECT wazo_auth.register_mail_sender('mine', 'public.send_mail', role => 'postman');
SELECT wazo_auth.configure('{"email_notification_plugin": "mine"}');
EOS
is(ask_reset('username=alice'), 204, 'a mail by a function');
until_is($node, 'app', 'SELECT kind, keys FROM sent', 'password_reset|email_address,hostname,port,token,user_uuid,username', 'gets there');
empty('and leaves the outbox');
sql(q{INSERT INTO sent VALUES ('fail')});
is(ask_reset('username=alice'), 204, 'a function that fails');
until_is($node, 'app', 'SELECT attempts, error FROM wazo_auth.parked_mail', '3|the mail_sender "mine" (public.send_mail(text,jsonb)) failed: cannot send ***', 'has its mail parked, without the token');
sql(q{DELETE FROM sent; SELECT wazo_auth.retry_parked_mails()});
until_is($node, 'app', 'SELECT kind FROM sent', 'password_reset', 'and can send it later');

# the example of the documentation
my ($example) = slurp_file("$FindBin::Bin/../../docs/mail.md") =~ /^## A sender of your own.*?^```sql\n(.*?)^```$/ms;
sql($example);
is(ask_reset('username=alice'), 204, 'a mail by the function of docs/mail.md');
until_is($node, 'app', 'SELECT recipient, body FROM text_message', 'alice@example.com|You asked for a new password.', 'gets there');

# ---- a server that takes connections and says nothing ----
sql(qq{SELECT wazo_auth.configure('{"email_notification_plugin": null, "smtp": {"hostname": "127.0.0.1", "port": $port}}')});
my $log_size = -s $node->logfile;
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "listen: $!";
is(ask_reset('username=alice'), 204, 'a server that says nothing');
my $client = $silent->accept;
is(login('alice', 'newer')->{status}, 200, 'a login meanwhile');
until_is($node, 'app', q{SELECT count(*) FROM wazo_auth.event_outbox}, '0', 'its event is delivered');
$node->stop('fast');
# the time limit of the attempt would be told in the log
unlike(slurp_file($node->logfile, $log_size), qr/mail server: /, '... and the worker stops, while the attempt still waits for the server');
close $client;
close $silent;
$node->start;
$smtp->start();
next_mail('after a restart');
empty('the mail is still sent');

# ---- what is written down ----
$node->safe_psql('app', 'CHECKPOINT; SELECT pg_switch_wal()');
stop_front($front);
$smtp->stop;
$node->stop('fast');
cmp_ok(scalar keys %secret, '>=', 10, 'there are secrets to look for');
my %pattern;
foreach my $value (keys %secret)
{
	(my $hex = $value) =~ tr/-//d;
	$pattern{$_} = $secret{$value} foreach $value, unpack('H*', $value), $value =~ /^[0-9a-f-]{36}$/ ? ($hex, pack('H*', $hex)) : ();
}
# the access log shows requests with their tokens masked
my $any = join('|', map { quotemeta } sort keys %pattern);
my @found;
File::Find::find({ no_chdir => 1, wanted => sub {
	return if !-f || -p;
	open(my $in, '<:raw', $_) or die "$_: $!";
	local $/;
	my $text = <$in> // '';
	push @found, "$pattern{$1} in $_" while $text =~ /($any)/g;
} }, $node->data_dir, $node->logfile, $front->{log});
is(join("\n", @found), '', 'no token and no password is in tables, WAL or logs');

done_testing();
