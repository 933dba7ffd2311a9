# OAuth2 with a provider that has a real TLS token endpoint: users that come back to this service, refreshes, and a
# provider in all its moods. With the relay: oauth2_relay.t.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use JSON ();
use POSIX qw(WNOHANG);
use WazoNode;
use WazoOAuth2;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $provider = WazoOAuth2->new(abs_path(PostgreSQL::Test::Utils::tempdir()) . '/provider');
my $node = new_node('oauth2', $provider->conf . "wazo_auth.token_cleanup_interval = 1\nlog_statement = none\nwazo_auth.oauth2_timeout = '1min'\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
sub set_conf
{
	$node->append_conf('postgresql.conf', $_[0]);
	$node->reload;
	my ($name, $value) = $_[0] =~ /^(\S+) = '?([^']*)'?$/ or die $_[0];
	until_is($node, 'app', "SELECT current_setting('$name')", $value, "$name is $value");
	return;
}
my %uuid = (north => '11111111-0000-4000-8000-000000000001', ann => '22222222-0000-4000-8000-000000000001', bob => '22222222-0000-4000-8000-000000000002');
sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'North', uuid => '$uuid{north}')");
sql("SELECT wazo_auth.create_user('$uuid{north}', '$_', 'secret-$_', uuid => '$uuid{$_}')") foreach qw(ann bob);
sql("SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'all', '{#}'); SELECT wazo_auth.configure('{\"default_user_policy\": \"all\"}')");
sql("SELECT wazo_auth.configure('" . $provider->settings(0) . "')");
sql("SELECT wazo_auth.create_external_auth_config(t, '$uuid{north}', '{\"client_id\": \"the client\", \"client_secret\": \"the:s3cret~\"}') FROM unnest('{google,microsoft}'::text[]) t");
my $front = start_front($node, 'app', '--workers', 1);
my %token = map { $_ => JSON::decode_json(call($front, 'POST', '/0.1/token', login => "$_:secret-$_", body => '{}')->{content})->{data}{token} } qw(ann bob);

# A request of a user about its own account, as status and decoded body.
sub account
{
	my ($method, $user, $type, $body) = @_;
	my $answer = call($front, $method, "/0.1/users/$uuid{$user}/external/$type", headers => { 'X-Auth-Token' => $token{$user} }, body => $body);
	my $content = $answer->{content} // q{};
	return ($answer->{status}, $content =~ /^[\[{]/ ? JSON::decode_json($content) : undef);
}
# Begins, and agrees at the provider; returns what it sends the user back with.
sub agreed
{
	my ($user, $type) = @_;
	my ($status, $begun) = account('POST', $user, $type, '{}');
	die "POST: $status" if $status != 201;
	my $came = $provider->ask('authorize', $begun->{authorization_url});
	die 'another state' if $came->{state} ne $begun->{state};
	return "state=$came->{state}&code=$came->{code}";
}
# The user comes back: status and title of the page.
sub page
{
	my ($query, $type) = @_;
	my $answer = call($front, 'GET', '/0.1/external/' . ($type // 'google') . "/authorize?$query");
	my ($title, $text) = $answer->{content} =~ m{<h1>(.*)</h1>\n<p>(.*?)[.,]} or return "$answer->{status} $answer->{content}";
	return "$answer->{status} $title: $text";
}
sub good_token
{
	my ($user, $type, $name) = @_;
	my ($status, $data) = account('GET', $user, $type);
	is($status, 200, $name);
	ok($status == 200 && $provider->ask('good', $data->{access_token})->{good}, "$name: a token of the provider's");
	return $data;
}
sub expire { sql("UPDATE wazo_auth.external_auth_data d SET sealed_data = wazo_auth.seal_external_auth(d.user_uuid, d.type, wazo_auth.unseal_external_auth(d) || '{\"token_expiration\": 1}')"); return }
sub asked { return $provider->ask('counts')->{ $_[0] } // 0 }
my $seen = 0;
sub logged { my $text = slurp_file($node->logfile, $seen); $seen = -s $node->logfile; return $text }
my %page = (good => '200 Authorized: Your account is connected', unknown => '400 Not authorized: This address has been used already',
	refused => '502 Not authorized: The provider of your account refused', unreachable => '502 Not authorized: The provider of your account did not answer',
	denied => '400 Not authorized: You have not agreed', short => '502 Not authorized: The provider of your account gave access for a short time only');
my $events = q{SELECT string_agg(name, ' ' ORDER BY position) FROM wazo_auth.event_stream WHERE name LIKE 'auth_user_external%'};

# ---- the flow ----
my $back = agreed('ann', 'google');
is(page($back), $page{good}, 'connected');
my $data = good_token('ann', 'google', 'GET');
is_deeply($data->{scope}, [qw(contacts profile)], 'with the scope that was given');
is(asked('asked'), 1, 'the provider was asked once');
is(page($back), $page{unknown}, 'a state works once');
is(asked('asked'), 1, '... and the provider hears nothing of the second time');
is((account('GET', 'bob', 'google'))[0], 404, 'it is the account of who began');
is(page(agreed('ann', 'microsoft'), 'microsoft'), $page{good}, 'microsoft');
is(page(agreed('ann', 'google')), $page{good}, 'connected anew');
until_is($node, 'app', $events, join(' ', map { "auth_user_external_auth_$_" } qw(added added updated)), 'events');

# ---- states ----
my ($of_ann, $of_bob) = (agreed('ann', 'google'), agreed('bob', 'google'));
my ($state) = $of_bob =~ /state=(\w+)/;
is(page($of_ann =~ s/state=\w+/state=$state/r), $page{refused}, 'a code of another user is bound to another state');
is((account('GET', 'bob', 'google'))[0], 404, '... and connects nobody');
is(page($of_ann, 'microsoft'), $page{unknown}, 'a state is one of its kind');
is(page($of_ann =~ s/state=\w/state=x/r), $page{unknown}, 'a wrong state');
is(page("$of_ann&iss=https://evil.example"), $page{refused}, 'an answer of another provider');
is(page($of_ann), $page{unknown}, '... ends it');
is(page((agreed('ann', 'google') =~ s/code=.*/error=access_denied/r)), $page{denied}, 'denied');
$of_ann = agreed('ann', 'google');
agreed('ann', 'google');
is(page($of_ann), $page{unknown}, 'what was begun anew is another one');
is(page(agreed('ann', 'google') . "&iss=https://127.0.0.1:$provider->{port}/x"), $page{good}, 'the issuer may say who it is');

# ---- restart in the middle, and too late ----
$of_ann = agreed('ann', 'google');
$node->stop('immediate');
$node->start;
is(page($of_ann), $page{good}, 'begun before a crash, finished after it');
$of_ann = agreed('ann', 'google');
sql('UPDATE wazo_auth.oauth2_pending SET expires_at = clock_timestamp()');
is(page($of_ann), $page{unknown}, 'too late');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.oauth2_pending', 0, 'and cleared away');

# ---- refreshes ----
expire();
$data = good_token('ann', 'google', 'an expired one is refreshed');
cmp_ok($data->{token_expiration}, '>', time + 3000, 'for an hour');
is(asked('refresh_token'), 1, 'once');
expire();
$provider->ask('rotate', 'off');
good_token('ann', 'google', 'refreshed, without a new refresh token');
expire();
$provider->ask('rotate', 'on');
good_token('ann', 'google', '... the old one was kept');
expire();
$provider->ask('mode', 'slow');
my $before = asked('refresh_token');
my @children;
foreach (1 .. 2)
{
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		POSIX::_exit((account('GET', 'ann', 'google'))[0] == 200 ? 0 : 1);
	}
	push @children, $pid;
}
my @codes = map { waitpid($_, 0); $? } @children;
is("@codes", '0 0', 'two at a time are both answered');
is(asked('refresh_token') - $before, 1, '... and make one refresh');
expire();
$provider->ask('mode', 'held');
until_is($node, 'app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}, 0, 'nobody asks');
my $pid = fork() // die "fork: $!";
POSIX::_exit((account('GET', 'ann', 'google'))[0] == 200 ? 0 : 1) if $pid == 0;
until_is($node, 'app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}, 2, 'one asks');
is(sql(q{SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'external_auth_data' AND l.mode NOT IN ('AccessShareLock')}), 0, '... and has locked nothing meanwhile');
sql("SELECT wazo_auth.delete_external_auth('$uuid{ann}', 'google')");
$provider->ask('mode', 'good');
waitpid($pid, 0);
isnt($?, 0, 'an account that was deleted meanwhile');
is((account('GET', 'ann', 'google'))[0], 404, '... stays so');

# ---- a provider in all its moods ----
logged();
foreach my $case (['broken', 'unreachable'], ['redirect', 'refused'], ['html', 'refused'], ['binary', 'unreachable'], ['huge', 'unreachable'],
	['deep', 'refused'], ['no_refresh_token', 'short'])
{
	my ($mode, $want) = @$case;
	$provider->ask('mode', $mode);
	is(page(agreed('bob', 'google')), $page{$want}, "a provider that is $mode");
	like(logged(), qr/OAuth2 of user \S+ with google: /, '... a line of the log tells');
}
is(asked('redirected'), 0, 'no redirect was followed');
is((account('GET', 'bob', 'google'))[0], 404, 'nothing of that is stored');
$provider->ask('mode', 'good');
is(page(agreed('bob', 'google')), $page{good}, 'and good again');
expire();
foreach my $mode (qw(broken redirect html huge deep))
{
	$provider->ask('mode', $mode);
	my ($status, $error) = account('GET', 'bob', 'google');
	is("$status $error->{error_id}", '503 external-auth-unavailable', "a refresh by one that is $mode");
}
is((account('HEAD', 'bob', 'google'))[0], 200, 'HEAD asks nobody');
$provider->ask('mode', 'good');
good_token('bob', 'google', 'it was only for a while');
set_conf("wazo_auth.oauth2_timeout = '300ms'");
expire();
foreach my $mode (qw(silent drip))
{
	$provider->ask('mode', $mode);
	is((account('GET', 'bob', 'google'))[0], 503, "a refresh by one that is $mode");
	like(logged(), qr/the refresh failed: unreachable \(.*(timed out|timeout|longer)/i, '... a line of the log tells');
}
is(page(agreed('bob', 'microsoft'), 'microsoft'), $page{unreachable}, 'nor does a silent one hold up a page');
set_conf("wazo_auth.oauth2_timeout = '1min'");
$pid = fork() // die "fork: $!";
POSIX::_exit((account('GET', 'bob', 'google'))[0] == 200 ? 0 : 1) if $pid == 0;
my $waiting = q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' GROUP BY pid};
until_true(sub { sql($waiting) }) or die 'nobody waits';
sql("SELECT pg_cancel_backend(pid) FROM ($waiting) w");
waitpid($pid, 0);
pass('a cancel is answered while the provider is silent');
$provider->ask('mode', 'good');

# ---- where the endpoint is ----
sub with_endpoint
{
	my ($url, $pattern, $name) = @_;
	sql("SELECT wazo_auth.configure('{\"google.token_url\": \"$url\"}')");
	logged();
	is((account('GET', 'bob', 'google'))[0], 503, $name);
	like(logged(), $pattern, '... a line of the log tells');
	return;
}
with_endpoint("https://127.0.0.1:$provider->{stranger_port}/token", qr/unreachable \(.*certificate/i, 'a certificate of an unknown authority');
with_endpoint("https://localhost:$provider->{port}/token", qr/unreachable \(.*(subject|name|match)/i, '... of another host');
with_endpoint('https://127.0.0.1:1/token', qr/unreachable \(/, 'nobody there');
with_endpoint('https://nowhere.invalid/token', qr/unreachable \(.*resolve/i, 'no such host');
set_conf('wazo_auth.oauth2_private_addresses = off');
with_endpoint($_, qr/unreachable \(the endpoint has a private address/, "a private address: $_")
  foreach "https://127.0.0.1:$provider->{port}/token", "https://localhost:$provider->{port}/token", "https://[::1]:$provider->{port}/token", 'https://10.0.0.1/token';
set_conf('wazo_auth.oauth2_private_addresses = on');
sql("SELECT wazo_auth.configure('" . $provider->settings(0) . "')");
good_token('bob', 'google', 'and back');
sql("SELECT wazo_auth.replace_external_auth_config('google', '$uuid{north}', '{\"client_id\": \"the client\", \"client_secret\": \"wrong\"}')");
expire();
is((account('GET', 'bob', 'google'))[0], 503, 'a wrong client secret');
sql("SELECT wazo_auth.replace_external_auth_config('google', '$uuid{north}', '{\"client_id\": \"the client\", \"client_secret\": \"the:s3cret~\"}')");
good_token('bob', 'google', '... costs no refresh token');

# ---- few wait at a time, and token checks go on ----
set_conf('wazo_auth.max_oauth2_requests = 1');
page(agreed('ann', 'google'));
expire();
$provider->ask('mode', 'silent');
$pid = fork() // die "fork: $!";
POSIX::_exit((account('GET', 'bob', 'google'))[0] == 200 ? 0 : 1) if $pid == 0;
until_true(sub { sql($waiting) }) or die 'nobody waits';
is((account('GET', 'ann', 'google'))[0], 503, 'one more than may wait is refused');
is(call($front, 'HEAD', "/0.1/token/$token{ann}")->{status}, 204, 'and checks go on');
# not terminated: the front would ask again
sql("SELECT pg_cancel_backend(pid) FROM ($waiting) w");
waitpid($pid, 0);
$provider->ask('mode', 'good');

# ---- killed in the middle of a refresh ----
# Whatever the moment: afterwards there is a token that is good, or the user is told to authorize again.
sub direct
{
	my (undef, $out) = $node->psql('app', "SELECT a.status || ' ' || convert_from(a.body, 'UTF8')"
		  . " FROM wazo_auth.http('GET', '/0.1/users/$uuid{ann}/external/google', ARRAY['X-Auth-Token', '$token{ann}']) a");
	return $out // '';
}
my ($kept, $told, $missed) = (0, 0, 0);
$provider->ask('mode', 'late');
foreach my $round (1 .. 20)
{
	expire();
	my $asked = asked('asked');
	$pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		direct();
		POSIX::_exit(0);
	}
	my $seen;
	until_true(sub { ($seen = sql($waiting)) || waitpid($pid, POSIX::WNOHANG()) > 0 });
	# on a busy machine it may be over before it is seen
	if (!$seen)
	{
		++$missed < 20 or die 'nobody asks';
		redo;
	}
	# half of them when the provider has been asked for sure
	until_true(sub { asked('asked') > $asked }) if $round % 2;
	select(undef, undef, undef, ($round % 5) * 0.03);
	if ($round % 7 == 0) { $node->stop('immediate'); $node->start }
	else { sql("SELECT pg_terminate_backend(pid) FROM ($waiting) w") }
	waitpid($pid, 0);
	my $answer = direct();
	if ($answer =~ /^200 .*"access_token": "([^"]+)"/ && $provider->ask('good', $1)->{good})
	{
		$kept++;
		next;
	}
	$told++ if $answer =~ /^404 .*the user has to authorize again/;
	my $code = $provider->ask('authorize', sql("SELECT wazo_auth.oauth2_begin('$uuid{ann}', 'google', NULL) ->> 'authorization_url'"));
	sql("SELECT wazo_auth.oauth2_arrive('google', '" . JSON::encode_json($code) . "')") eq 'authorized' or die 'cannot authorize again';
}
is($kept + $told, 20, 'after each of 20 kills the token is good, or the user is told to authorize again');
note("good: $kept, told: $told");
$provider->ask('mode', 'good');
like(direct(), qr/^200 /, 'and all is well at the end');

# ---- secrets ----
my $all = slurp_file($node->logfile);
unlike($all, qr/s3cret~|s3cret%7E/, 'no client secret is in the log');
my ($token) = sql("SELECT wazo_auth.external_auth('$uuid{ann}', 'google') ->> 'refresh_token'");
unlike($all, qr/\Q$token\E/, 'nor a refresh token');
is(sql("SELECT count(*) FROM wazo_auth.event_stream e WHERE strpos(e.body::text, '$token') > 0"), 0, 'nor in an event');
$node->safe_psql('postgres', 'CHECKPOINT');
my $found = 0;
foreach my $file (glob($node->data_dir . '/pg_wal/0*'), glob($node->data_dir . '/base/*/*'))
{
	next if !-f $file;
	$found++ if index(slurp_file($file), $token) >= 0;
}
is($found, 0, 'nor in a file of the server');

stop_front($front);
$node->stop;
$provider->stop;
done_testing();
