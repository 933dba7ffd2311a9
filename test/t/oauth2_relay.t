# OAuth2 whose answers come over WebSocket from a relay, to the relay worker and its program: many users at once, answers
# of all kinds, a relay that goes and comes back, and restarts in the middle. The provider itself: oauth2.t.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use JSON ();
use WazoNode;
use WazoOAuth2;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $provider = WazoOAuth2->new(abs_path(PostgreSQL::Test::Utils::tempdir()) . '/provider');
my $node = new_node('oauth2_relay',
	$provider->conf . "wazo_auth.token_cleanup_interval = 1\nwazo_auth.relay_interval = 1\nwazo_auth.relay_retry_pause = 100\nlog_statement = none\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
sub set_conf
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = $value");
	$node->reload;
	until_is($node, 'app', "SELECT current_setting('$name')", $value, "$name is $value");
	return;
}
my $north = '11111111-0000-4000-8000-000000000001';
sub user { return sprintf('22222222-0000-4000-8000-%012d', $_[0]) }
sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'North', uuid => '$north')");
sql("SELECT count(wazo_auth.create_user('$north', 'user-' || i, uuid => ('22222222-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid)) FROM generate_series(1, 50) i");
sql("SELECT wazo_auth.create_external_auth_config(t, '$north', '{\"client_id\": \"the client\", \"client_secret\": \"the:s3cret~\"}') FROM unnest('{google,microsoft}'::text[]) t");
sql("SELECT wazo_auth.configure('" . $provider->settings(1) . "')");

# From here on the server logs all that it can of what the worker does.
$node->append_conf('postgresql.conf', <<'EOC');
shared_preload_libraries = 'wazo_auth, auto_explain'
log_min_duration_statement = 0
log_min_messages = debug1
log_min_error_statement = debug1
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_verbose = on
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
debug_pretty_print = off
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
EOC
$node->restart;

my $seen = 0;
sub logged { my $text = slurp_file($node->logfile, $seen); return $text }
sub is_logged
{
	my ($pattern, $name) = @_;
	ok(until_true(sub { logged() =~ $pattern }), $name);
	$seen = -s $node->logfile;
	return;
}
# Of this session nothing is logged: it is not what the test is about, and types secrets.
sub quietly
{
	return sql(join(' ', map { "SET $_;" } 'debug_print_parse = off', 'debug_print_rewritten = off', 'debug_print_plan = off',
		'log_min_duration_statement = -1', 'auto_explain.log_min_duration = -1', 'log_min_error_statement = panic') . $_[0]);
}
# Begins for a user; returns the state and what the provider sends the user back with.
sub begun
{
	my ($user, $type) = @_;
	my $begun = JSON::decode_json(quietly("SELECT wazo_auth.oauth2_begin('" . user($user) . "', '" . ($type // 'google') . "', NULL)"));
	return ($begun->{state}, JSON::encode_json($provider->ask('authorize', $begun->{authorization_url})));
}
sub are_waiting
{
	my ($n, $name) = @_;
	my $got;
	until_true(sub { $got = @{ $provider->ask('waiting') }; $got == $n });
	is($got, $n, $name);
	return;
}
sub delivered
{
	my ($state, $message) = @_;
	my $done;
	until_true(sub { $done = $provider->ask('deliver', "$state&$message")->{delivered} }) or die 'nobody waits';
	return;
}
sub has_account
{
	my ($user, $name, $type) = @_;
	$type //= 'google';
	until_is($node, 'app', "SELECT count(*) FROM wazo_auth.external_auth_data WHERE user_uuid = '" . user($user) . "' AND type = '$type'", 1, $name);
	my $token = quietly("SELECT wazo_auth.external_auth('" . user($user) . "', '$type') ->> 'access_token'");
	ok($provider->ask('good', $token)->{good}, '... with a token of the provider\'s');
	return;
}
my $accounts = 'SELECT count(*) FROM wazo_auth.external_auth_data';
my $pending = 'SELECT count(*) FROM wazo_auth.oauth2_pending';
sub relay_pid { return sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'}) }
sub programs { my $pid = relay_pid() || return ''; chomp(my $got = `ps --ppid $pid -o comm= | sort`); return $got }    # 15 letters of each

# ---- one user ----
my ($state, $message) = begun(1);
are_waiting(1, 'the worker waits at the relay');
is($provider->ask('waiting')->[0], $state, '... for the state');
delivered($state, $message);
has_account(1, 'the answer connects the account');
until_is($node, 'app', "SELECT name FROM wazo_auth.event_stream WHERE name LIKE 'auth_user_external%'", 'auth_user_external_auth_added', 'its event');
is(sql($pending), 0, 'nothing is pending any more');
ok(until_true(sub { programs() eq '' }), 'nor does a program run');
($state, $message) = begun(2, 'microsoft');
delivered($state, $message);
has_account(2, 'microsoft', 'microsoft');

# ---- answers of other kinds ----
foreach my $case (['{"error": "access_denied", "state": "x"}', 'denied', 'a user who does not agree'],
	['hello', 'refused', 'no JSON'], ['[]', 'refused', 'no object'], ['{}', 'refused', 'no code'], ['{"code": 5}', 'refused', 'a code that is none'],
	['{"code": "x", "iss": "https://evil.example"}', 'other_issuer', 'another issuer'], ['{"code": "x"}', 'refused', 'a wrong code'])
{
	my ($text, $outcome, $name) = @$case;
	($state) = begun(3);
	delivered($state, $text);
	is_logged(qr/OAuth2 of user \S+003 with google: $outcome/, "$name: $outcome");
	until_is($node, 'app', $pending, 0, '... ends it');
}
($state) = begun(3);
delivered($state, '{"code": "' . ('x' x 9000) . '"}');
is_logged(qr/relay of OAuth2: the relay sent what is no message/, 'a message without end');
my ($old) = begun(3);
($state, $message) = begun(3);
ok(until_true(sub { my $w = $provider->ask('waiting'); @$w == 1 && $w->[0] eq $state }), 'what was begun anew takes the place of the old one');
sql("SELECT wazo_auth.delete_user('" . user(3) . "')");
are_waiting(0, 'nobody waits for a user that is gone');
is(sql($accounts), 2, 'nothing of all that is stored');

# ---- a kind that somebody has registered ----
sql(<<"EOC");
CREATE ROLE bar IN ROLE wazo_auth_plugin;
CREATE TABLE public.came (who text, message jsonb);
GRANT INSERT ON public.came TO bar;
CREATE FUNCTION public.came_back(uuid, jsonb, message jsonb) RETURNS void LANGUAGE sql AS
'INSERT INTO public.came VALUES (current_user, message)';
SELECT wazo_auth.add_external_auth_type('bar'), wazo_auth.register_oauth2_callback('bar', 'public.came_back', role => 'bar'),
  wazo_auth.configure('{"oauth2_synchronization_ws_url_template": "wss://localhost:$provider->{relay_port}/ws/{state}"}');
SELECT wazo_auth.wait_for_oauth2('bar', '@{[user(2)]}', 'a-state-that-nobody-guesses');
EOC
delivered('a-state-that-nobody-guesses', '{"code": "x"}');
until_is($node, 'app', q{SELECT who || ' ' || message FROM public.came}, 'bar {"code": "x"}', 'a registered function gets the answer, as its role');
until_is($node, 'app', "SELECT count(*) FROM wazo_auth.event_stream WHERE name = 'auth_user_external_auth_authorized'", 1, '... and its event is sent');

# ---- many users ----
my $connections = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type NOT LIKE 'autovacuum%'};
my $before = sql($connections);
my %wanted;
foreach my $user (4 .. 50)
{
	my ($of_user, $text) = begun($user);
	$wanted{$of_user} = $text;
}
foreach my $user (1, 2, 4)
{
	my ($of_user, $text) = begun($user, 'microsoft');
	$wanted{$of_user} = $text;
}
is(scalar(keys %wanted), 50, 'fifty');
are_waiting(50, '... wait at once');
is(sql($connections), $before, '... with no connection to the database more');
is(programs(), 'wazo-auth-oauth', '... and one process');

# ---- the relay goes and comes back; everything is restarted ----
$provider->ask('relay', 'down');
are_waiting(0, 'the relay sends everybody away');
is_logged(qr/relay of OAuth2: the relay closed the connection/, '... a line of the log tells');
$provider->ask('relay', 'up');
are_waiting(50, 'when it is back, all wait again');
$node->stop('immediate');
are_waiting(0, 'a crash of the server ends the program');
$node->start;
are_waiting(50, '... and after it all wait again');
system('pkill', '-KILL', '-P', relay_pid()) if relay_pid();
are_waiting(50, 'so they do when the program is killed');
sql('SELECT wazo_auth.hold()');
are_waiting(0, 'a database that is held waits for nobody');
sql('SELECT wazo_auth.go_live()');
are_waiting(50, '... until it is the live one');

# ---- an answer is dealt with whatever happens ----
my ($first) = sort keys %wanted;
$provider->ask('mode', 'silent');
delivered($first, delete $wanted{$first});
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.oauth2_pending WHERE sealed_message IS NOT NULL', 1, 'an answer is stored before the provider is asked');
ok(until_true(sub { ($provider->ask('counts')->{asked} // 0) > 3 }), 'a silent provider is asked');
is(sql(q{SELECT count(*) FROM wazo_auth.event_outbox}), 0, '... meanwhile events go on');
$node->stop('immediate');
# or what is delivered next gets lost in a connection of the old program
are_waiting(0, 'another crash');
$provider->ask('mode', 'good');
$node->start;
# not by the accounts: one of the fifty has one already
until_is($node, 'app', $pending, scalar(keys %wanted), 'after a crash it is dealt with');
delivered($_, $wanted{$_}) foreach keys %wanted;
until_is($node, 'app', $accounts, 51, 'all fifty are connected');
until_is($node, 'app', $pending, 0, 'and nothing is left');

# ---- where the relay is ----
foreach my $case (['private address', sub { set_conf('wazo_auth.oauth2_private_addresses', 'off') }, qr/relay of OAuth2: the relay has a private address/],
	['unknown authority', sub { set_conf('wazo_auth.oauth2_private_addresses', 'on'); sql("SELECT wazo_auth.configure('{\"google.websocket_host\": \"wss://localhost:$provider->{stranger_port}\"}')") },
		qr/relay of OAuth2: no TLS with the relay/],
	['another host', sub { sql("SELECT wazo_auth.configure('{\"google.websocket_host\": \"wss://127.0.0.1:$provider->{relay_port}\"}')") }, qr/relay of OAuth2: no TLS with the relay/])
{
	my ($name, $prepare, $pattern) = @$case;
	$prepare->();
	sql('DELETE FROM wazo_auth.oauth2_pending');
	# a new worker complains at once
	my $pid = relay_pid();
	sql("SELECT pg_terminate_backend($pid)");
	ok(until_true(sub { my $now = relay_pid(); $now && $now ne $pid }), 'a new worker');
	$seen = -s $node->logfile;
	begun(5);
	is_logged($pattern, "a relay with $name is not talked to");
}
are_waiting(0, 'none of them was told the state');
sql('UPDATE wazo_auth.oauth2_pending SET expires_at = clock_timestamp()');
until_is($node, 'app', $pending, 0, 'what nobody finishes is cleared away');
ok(until_true(sub { programs() eq '' }), '... and the program with it');
my $all = slurp_file($node->logfile);
like($all, qr/plan:|rewritten parse tree/, 'the log is full');
my %secret = map { $_ => 1 } 'the:s3cret~', 'the%3As3cret~', keys %wanted, map { JSON::decode_json($_)->{code} } values %wanted;
$secret{$_} = 1 foreach split /\n/, quietly("SELECT t FROM wazo_auth.external_auth_data d, jsonb_each_text(wazo_auth.unseal_external_auth(d)) e (k, t) WHERE k LIKE '%_token'");
cmp_ok(scalar(keys %secret), '>', 150, 'there are secrets to look for');
is(join(' ', grep { index($all, $_) >= 0 } sort keys %secret), '', '... of which none is in it');

$node->stop;
$provider->stop;
done_testing();
