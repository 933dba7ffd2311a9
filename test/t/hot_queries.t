# What daemons and phones ask all the time: no call plans anything once it is warm, none reads a table of some size from
# end to end, and what it reads grows by no more than the height of its indexes when there are a hundred times as many
# sessions. All of it is counted: plans and calls by pg_stat_statements, pages by EXPLAIN (BUFFERS).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use JSON ();
use List::Util qw(min);
use Test::More;
use WazoNode;

my $node = new_node('hot', <<'EOC');
shared_preload_libraries = 'wazo_auth,pg_stat_statements'
pg_stat_statements.track = all
pg_stat_statements.track_planning = on
pg_stat_statements.track_utility = off
plan_cache_mode = auto
fsync = off
autovacuum = off
wazo_auth.token_cleanup_interval = 0
wazo_auth.relay_interval = 0
wazo_auth.argon2_memory = '1MB'
EOC
$node->start;
$node->safe_psql('postgres', q(CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'));
$node->command_ok([ 'psql', '-X', '-q', '-d', $node->connstr('app'), '-v', 'ON_ERROR_STOP=1', '-v', 'users=3000', '-v', 'tenants=600',
	'-f', 'test/bench/lists.sql' ], 'an installation of some size');
my $sessions = 0;

# As many live sessions as that, of all users.
sub grow_to
{
	my ($n) = @_;
	$node->safe_psql('app', <<"EOS");
SET session_replication_role = replica;
INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, user_uuid)
SELECT wazo_auth.token_digest(md5('t' || i)::uuid), s.tenant_uuid, s.acl_digest, now() + interval '1 day', u.uuids[1 + i % 3000]
FROM generate_series($sessions + 1, $n) i, (SELECT * FROM wazo_auth.session LIMIT 1) s, (SELECT array_agg(uuid) AS uuids FROM wazo_auth.user WHERE username LIKE 'user%') u;
VACUUM ANALYZE;
EOS
	$sessions = $n;
	return;
}
$node->safe_psql('app', <<'EOS');
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 1000000}');
CREATE EXTENSION pg_stat_statements;
SELECT wazo_auth.create_user(t.uuid, 'caller', 'secret') FROM wazo_auth.tenant t WHERE t.slug = 't77';
EOS
$node->safe_psql('app', <<'EOS');
CREATE TABLE public.subject AS
SELECT u.uuid AS who, r.uuid AS other, u.tenant_uuid AS tenant,
       wazo_auth.open_session(u, 86400, '{#}', wazo_auth.user_metadata(u), false, NULL, '', '') AS token,
       wazo_auth.open_session(r, 86400, '{#}', wazo_auth.user_metadata(r), false, NULL, '', '') AS root,
       (wazo_auth.token_create('caller', 'secret', access_type => 'offline', client_id => 'hot')).new_refresh_token AS refresh
FROM wazo_auth.user u, wazo_auth.user r WHERE u.username = 'caller' AND r.username = 'root';
EOS
my ($who, $other, $tenant, $token, $root, $refresh) = split /\|/, $node->safe_psql('app', 'SELECT * FROM subject');
my $headers = sub { "ARRAY['X-Auth-Token', '$_[0]', 'Content-Type', 'application/json']" };
my $basic = q(ARRAY['Authorization', 'Basic ' || encode('caller:secret', 'base64')]);

# name, statement, pages more that it may read when the indexes of the sessions are one page higher (2)
my @hot = (
	[ 'token_check()', "SELECT wazo_auth.token_check('$token', 'a.b', '$tenant')" ],
	[ 'check_request()', "SELECT wazo_auth.check_request('$token', 'a.b', '$tenant')" ],
	[ 'check_requests()', "SELECT wazo_auth.check_requests(ARRAY['$token', '$root']::uuid[], '{a,b}', NULL::uuid[])" ],
	[ 'HEAD token', "SELECT wazo_auth.http('HEAD', '/0.1/token/$token?scope=a.b&tenant=$tenant')" ],
	[ 'GET token', "SELECT wazo_auth.http('GET', '/0.1/token/$token')" ],
	[ 'HEAD tokens together', "SELECT wazo_auth.http_batch(array_fill('HEAD'::text, '{8}'), array_fill('/0.1/token/$token?scope=a'::text, '{8}'), '{}',
		array_fill(0, '{8}'), array_fill(NULL::bytea, '{8}'), array_fill(NULL::text, '{8}'))", 9 ],
	[ 'a scope check', "SELECT wazo_auth.http('POST', '/0.1/token/$token/scopes/check', @{[ $headers->($token) ]}, '{\"scopes\": [\"a\", \"b\"]}')" ],
	[ 'GET tenants', "SELECT wazo_auth.http('GET', '/0.1/tenants', @{[ $headers->($token) ]})" ],
	[ 'GET tenants, a page', "SELECT wazo_auth.http('GET', '/0.1/tenants?limit=10', @{[ $headers->($root) ]})" ],
	[ 'GET users', "SELECT wazo_auth.http('GET', '/0.1/users?limit=100', @{[ $headers->($root) ]})" ],
	[ 'a search', "SELECT wazo_auth.http('GET', '/0.1/users?search=user77&limit=100', @{[ $headers->($root) ]})" ],
	[ 'a user', "SELECT wazo_auth.http('GET', '/0.1/users/$who', @{[ $headers->($root) ]})" ],
	[ "a user's policies", "SELECT wazo_auth.http('GET', '/0.1/users/$who/policies', @{[ $headers->($root) ]})" ],
	[ "a user's sessions", "SELECT wazo_auth.http('GET', '/0.1/users/$other/sessions?limit=1', @{[ $headers->($root) ]})" ],
	[ 'a login by refresh token', "SELECT wazo_auth.http('POST', '/0.1/token', '{}', '{\"refresh_token\": \"$refresh\", \"client_id\": \"hot\"}')", 12 ],
	[ 'a login by password', "SELECT wazo_auth.http('POST', '/0.1/token', $basic, '{}')", 12 ],
	[ 'the end of a session', "SELECT wazo_auth.http('DELETE', '/0.1/token/' || (wazo_auth.http('POST', '/0.1/token', $basic, '{}')).body::text)", 20 ],
);
grow_to(1000);

# ---- plans and whole reads, in one session, once each call has been made as often as plans are tried ----
my $large = q{(SELECT sum(s.seq_scan) FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
	WHERE s.schemaname = 'wazo_auth' AND c.reltuples >= 500)};
my $script = "SET client_min_messages = error;\n";
foreach my $n (0 .. $#hot)
{
	my ($name, $statement) = @{$hot[$n]};
	$script .= "PREPARE h$n AS $statement;\n" . "EXECUTE h$n \\g /dev/null\n" x 12
		. "SELECT pg_stat_force_next_flush() \\g /dev/null\nSELECT $large AS before, pg_stat_statements_reset() \\gset\n"
		. "EXECUTE h$n \\g /dev/null\n" x 10
		. "SELECT pg_stat_force_next_flush() \\g /dev/null\n\\echo \@\@$n\nSELECT $large - :before;\n"
		. "SELECT COALESCE(string_agg(s.plans || ' plans of ' || s.calls || ': ' || s.query, E'\\n'), 'none') FROM pg_stat_statements s WHERE NOT s.toplevel AND s.plans > 0;\n";
}
my ($out, $err) = ('', '');
$node->psql('app', $script, stdout => \$out, stderr => \$err, on_error_stop => 1);
is($err, '', 'all was asked');
foreach my $n (0 .. $#hot)
{
	my ($scans, $plans) = $out =~ /^\@\@$n\n(\d+)\n(.*?)(?=^\@\@|\z)/ms;
	is($scans, '0', "$hot[$n][0]: no table is read from end to end");
	is(($plans // 'nothing told') =~ s/\n\z//r, 'none', '... and nothing is planned');
}

# ---- pages, with a thousand sessions and with a hundred times as many ----
# The fewest of ten calls: now and then one divides a page of an index, or finds one that is not tidy.
sub pages
{
	my $asked = "SET client_min_messages = error;\n";
	foreach my $n (0 .. $#hot)
	{
		$asked .= "$hot[$n][1] \\g /dev/null\n" x 2 . "\\echo \@\@$n\n" . "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF) $hot[$n][1];\n" x 10;
	}
	my $told = $node->safe_psql('app', $asked);
	my @pages;
	foreach my $n (0 .. $#hot)
	{
		my ($plans) = $told =~ /^\@\@$n\n(.*?)(?=^\@\@|\z)/ms;
		push @pages, min(map { my $p = $_->[0]{Plan}; $p->{'Shared Hit Blocks'} + $p->{'Shared Read Blocks'} } JSON->new->incr_parse($plans));
	}
	return @pages;
}
my @few = pages();
grow_to(100_000);
my @many = pages();
foreach my $n (0 .. $#hot)
{
	my ($name, undef, $more) = @{$hot[$n]};
	cmp_ok($many[$n], '<=', $few[$n] + ($more // 2), "$name: $few[$n] pages with 1,000 sessions, $many[$n] with 100,000");
	cmp_ok($few[$n], '>', 0, '... and some at all');
}
done_testing;
