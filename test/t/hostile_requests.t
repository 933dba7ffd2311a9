# Requests at random from the route table, with hostile values, over the real front: no 500, no request without an answer, no
# process that ends, and none that grows. HOSTILE_REQUESTS (20,000) are sent, of the seed HOSTILE_SEED; `make hostile` sends a
# million.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use JSON ();
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use WazoAsk;
use WazoNode;
use WazoShapes qw(request_bytes);

my $requests = $ENV{HOSTILE_REQUESTS} || 20_000;
my $seed = $ENV{HOSTILE_SEED} || 4711;
srand $seed;
note("$requests requests of the seed $seed");

my $node = new_node('hostile_requests', <<'EOC');
fsync = off
wazo_auth.argon2_memory = '1MB'
wazo_auth.argon2_iterations = 1
wazo_auth.token_cleanup_interval = 0
wazo_auth.relay_interval = 0
log_line_prefix = '%p %e '
log_min_messages = warning
EOC
$node->start;
add_database($node, 'app');
$node->safe_psql('app', q{SELECT wazo_auth.bootstrap('admin', 'secret'), wazo_auth.configure('{"enabled_http_plugins.user_registration": true}')});
# few backends, of which each sees much
my $front = start_front($node, 'app', '--workers' => 1, '--fast-connections' => 1, '--login-connections' => 1, '--slow-connections' => 1, '--log-level' => 'error');
my $shapes = WazoShapes->new($node, 'app');

# ---- the world that they are sent into: it keeps its size, and there is always somebody with a token ----
$node->safe_psql('app', <<'EOC');
CREATE FUNCTION public.try(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
  NULL;
END $$;
-- Takes away what has become too much, adds what there must be, and tells what there is.
CREATE FUNCTION public.renew() RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_top uuid := wazo_auth.top_tenant_uuid();
  v_tenant uuid;
  v_users uuid[];
  v_tokens text[];
BEGIN
  DELETE FROM wazo_auth.event_outbox;
  DELETE FROM wazo_auth.mail_outbox;
  PERFORM public.try('DELETE FROM wazo_auth.audit');
  DELETE FROM wazo_auth.login_failure;
  PERFORM public.try(format('SELECT wazo_auth.delete_user(%L)', u.uuid)) FROM (SELECT u.uuid FROM wazo_auth.user u WHERE u.username IS DISTINCT FROM 'admin' ORDER BY random() OFFSET 60) u;
  PERFORM public.try(format('SELECT wazo_auth.delete_group(%L)', g.uuid)) FROM (SELECT g.uuid FROM wazo_auth.group g ORDER BY random() OFFSET 40) g;
  PERFORM public.try(format('SELECT wazo_auth.delete_policy(%L)', p.uuid)) FROM (SELECT p.uuid FROM wazo_auth.policy p ORDER BY random() OFFSET 60) p;
  PERFORM public.try(format('SELECT wazo_auth.delete_tenant(%L)', t.uuid)) FROM (SELECT t.uuid FROM wazo_auth.tenant t WHERE t.uuid <> v_top ORDER BY random() OFFSET 20) t;
  DELETE FROM wazo_auth.session;
  v_tenant := wazo_auth.create_tenant(v_top, 'hostile');
  FOR i IN 1..4 LOOP
    PERFORM public.try(format('SELECT wazo_auth.create_group(%L, %L), wazo_auth.create_policy(%1$L, %2$L, %3$L), wazo_auth.create_user(%1$L, email_address => %4$L)',
      CASE i % 2 WHEN 0 THEN v_top ELSE v_tenant END, 'g' || gen_random_uuid(), '{a.b,x.#}', gen_random_uuid() || '@example.org'));
  END LOOP;
  v_users := ARRAY[wazo_auth.create_user(v_top), wazo_auth.create_user(v_top), wazo_auth.create_user(v_tenant), wazo_auth.create_user(v_tenant)];
  v_tokens := ARRAY(SELECT wazo_auth.open_session(u, 86400, a.acl::wazo_auth.acl, wazo_auth.user_metadata(u), false, NULL, '', '')::text
    FROM unnest(v_users, '{"{#}","{#}","{#}","{auth.#,!auth.tenants.#}"}'::text[]) a (uuid, acl) JOIN wazo_auth.user u ON u.uuid = a.uuid);
  RETURN json_build_object('tokens', v_tokens, 'things', json_build_object(
    'user_uuid', ARRAY(SELECT u.uuid FROM wazo_auth.user u), 'tenant_uuid', ARRAY(SELECT t.uuid FROM wazo_auth.tenant t), 'parent_tenant_uuid', ARRAY(SELECT t.uuid FROM wazo_auth.tenant t),
    'group_uuid', ARRAY(SELECT g.uuid FROM wazo_auth.group g), 'policy_uuid', ARRAY(SELECT p.uuid FROM wazo_auth.policy p), 'policy_slug', ARRAY(SELECT p.slug FROM wazo_auth.policy p),
    'email_uuid', ARRAY(SELECT e.uuid FROM wazo_auth.email e UNION ALL SELECT v_top), 'session_uuid', ARRAY(SELECT s.uuid FROM wazo_auth.session s),
    'token_uuid', v_tokens || gen_random_uuid()::text, 'relay_state', ARRAY[gen_random_uuid()], 'client_id', ARRAY['c', 'd'], 'access', ARRAY['a.b', 'x.#'],
    'idp_type', ARRAY(SELECT i.name FROM wazo_auth.identity_provider i UNION ALL SELECT 'native'), 'auth_type', ARRAY(SELECT t.name FROM wazo_auth.external_auth_type t)));
END $$;
EOC
my @tokens;
sub renew_world
{
	my $world = JSON::decode_json($node->safe_psql('app', 'SELECT public.renew()'));
	$shapes->{things} = $world->{things};
	# mostly somebody's; the last ones are nobody's
	@tokens = (@{ $world->{tokens} }, undef, '00000000-0000-4000-8000-000000000000');
}

# ---- clients ----
my ($port) = $front->{url} =~ /:(\d+)$/;
my $ask = WazoAsk->new($port, keep => 1);
my (%status, @bad);
sub ask_all
{
	my @asked = @_;
	my @answers = $ask->all(map { request_bytes($_) } @asked);
	foreach my $i (0 .. $#asked)
	{
		my $code = $answers[$i]{status};
		$status{$code}++;
		next if $code && ($code < 500 || $code == 503 || grep { $code == $_ } @{ $asked[$i]{route}{errors} // [] });
		push @bad, "$code $answers[$i]{reason}: " . substr(request_bytes($asked[$i]), 0, 2000) if @bad < 10;
	}
}

# ---- processes: which there are, and the memory that is theirs alone ----
sub own_memory
{
	my ($pid) = @_;
	open(my $f, '<', "/proc/$pid/status") or return 0;
	return (join('', <$f>) =~ /^RssAnon:\s+(\d+)/m)[0] // 0;
}
sub front_pids
{
	my @pids = ($front->{pid});
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		open(my $f, '<', $stat) or next;
		push @pids, $1 if (<$f> // '') =~ /^(\d+) \(.*\) [^Z] $front->{pid} /;
	}
	return sort { $a <=> $b } @pids;
}
sub memory
{
	my %of = (front => { map { $_ => own_memory($_) } front_pids() },
		backends => { map { $_ => own_memory($_) } split /\n/, $node->safe_psql('app', q{SELECT pid FROM pg_stat_activity WHERE usename = 'front'}) });
	return \%of;
}
sub sum { my $sum = 0; $sum += $_ foreach @_; return $sum }

# ---- the campaign: a first part in which caches are filled, and the rest, in which nothing may grow ----
# Some 8,000 requests are all warm-up: each backend still meets functions for the first time.
my $warm = $requests < 50_000 ? 0.7 : 0.3;
my ($before, $sent, $shown) = (undef, 0, 0);
my $born = $node->safe_psql('app', 'SELECT pg_postmaster_start_time()');
while ($sent < $requests)
{
	renew_world() if $sent % 400 == 0;
	ask_all(map { $shapes->hostile($tokens[ rand() < 0.9 ? rand 4 : rand @tokens ]) } 1 .. 8);
	$sent += 8;
	$before //= memory() if $sent >= $warm * $requests;
	if ($sent >= ($shown + 1) * $requests / 10)
	{
		my $now = memory();
		note(sprintf '%d requests; own memory: front %d kB in %d processes, backends %d kB in %d', $sent, map { (sum(values %{ $now->{$_} }), scalar keys %{ $now->{$_} }) } qw(front backends));
		$shown++;
	}
}
my $after = memory();
note('answers: ' . join ', ', map { "$_: $status{$_}" } sort keys %status);

is(join("\n----\n", @bad), '', 'no request ends in 500, or without an answer');
cmp_ok(sum(map { $status{$_} // 0 } 200 .. 299), '>=', $requests / 20, 'some are answered as they would like');
cmp_ok(sum(map { $status{$_} // 0 } 400 .. 499), '>=', $requests / 20, 'and some are refused');
is(join(' ', sort keys %{ $after->{front} }), join(' ', sort keys %{ $before->{front} }), 'the processes of the front are those that they were');
is($node->safe_psql('app', 'SELECT pg_postmaster_start_time()'), $born, 'the server did not begin anew');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|^\d+ (?:XX|58)\d{3} /m, 'no process of it crashed, and none says that something cannot be');
foreach my $of (qw(front backends))
{
	# a connection that was opened later has not yet seen what the others have
	my @pids = grep { exists $before->{$of}{$_} } keys %{ $after->{$of} };
	my ($was, $is) = map { my $m = $_; sum(map { $m->{$of}{$_} } @pids) } $before, $after;
	note(sprintf '%s: %d kB, and %d kB at the end, %+.1f %%', $of, $was, $is, ($is / ($was || 1) - 1) * 100);
	cmp_ok(scalar @pids, '>=', 2, "$of: processes that were there all the time");
	cmp_ok($is, '<=', 1.05 * $was, "$of: own memory at the end is that of before, within 5 %");
}
stop_front($front);
$node->stop;
done_testing();
