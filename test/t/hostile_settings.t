# Settings of a caller change nothing of what the API does: every route, and
# functions for administrators, asked under each hostile setting and under the
# defaults.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('settings', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0");
$node->start;
add_database($node, 'app');
$node->safe_psql('app', <<'EOC');
CREATE SCHEMA evil;
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$;
CREATE FUNCTION evil.jsonb_array_length(jsonb) RETURNS integer LANGUAGE sql AS $$ SELECT 0 $$;
CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never);

SELECT wazo_auth.bootstrap('admin', 'a password');
SELECT wazo_auth.configure('{"amqp.uri": "amqp://u:pa/ss@h:1/", "uuid": "the \"uuid\" \\", "smtp.password": "s3cret",
  "consul.host": "https://u:s3cret@h\\x", "google": {"scope": ["amqp://u:s3cret@h\\:1"]}, "enabled_http_plugins.user_registration": true}');
CREATE TABLE public.thing (top uuid, admin uuid, tenant uuid, below uuid, person uuid, crowd uuid, policy uuid, token text);
INSERT INTO public.thing SELECT wazo_auth.top_tenant_uuid(), wazo_auth.resolve_login('admin'), wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), E'North \\ "n"', 'north');
UPDATE public.thing SET below = wazo_auth.create_tenant(tenant, 'below', 'below'), crowd = wazo_auth.create_group(tenant, E'crowd\\'),
  policy = wazo_auth.create_policy(tenant, E'p\\1', '{a.*,!a.b,"NULL","x\\\\y"}', 'p1'), person = wazo_auth.create_user(tenant, 'person', firstname => 'P', lastname => 'Q', email_address => 'person@example.org');
SELECT count(wazo_auth.add_group_user(crowd, u.uuid))
FROM public.thing, LATERAL (SELECT wazo_auth.create_user(tenant, 'user' || n, firstname => E'O''Neil\\' || n, email_address => 'user' || n || '@example.org') AS uuid FROM generate_series(1, 40) n) u;
SELECT wazo_auth.add_group_policy(crowd, policy), wazo_auth.add_user_policy(person, policy), wazo_auth.set_password(person, 'a password') FROM public.thing;
UPDATE public.thing SET token = (wazo_auth.token_create('admin', 'a password', access_type => 'offline', client_id => 'phone')).token;
SELECT wazo_auth.token_create('person', 'a password', access_type => 'offline', client_id => E'c\\ "q"');

CREATE TABLE public.request (n serial, method text, target text, headers text[], body bytea);
-- all routes, the deletions last
INSERT INTO public.request (method, target, headers, body)
SELECT r.method, p.target, ARRAY['X-Auth-Token', t.token, 'Wazo-Tenant', CASE WHEN r.path LIKE '%/tenants%' THEN t.top ELSE t.tenant END::text, 'Host', E'host\\x'],
       CASE WHEN r.method IN ('POST', 'PUT', 'PATCH') THEN '{}'::bytea END
FROM public.thing t, wazo_auth.route r, LATERAL (SELECT
  replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(r.path, '{user_uuid}', t.person::text), '{group_uuid}', t.crowd::text),
    '{policy_uuid}', t.policy::text), '{policy_slug}', 'p1'), '{tenant_uuid}', t.tenant::text), '{parent_tenant_uuid}', t.below::text), '{token_uuid}', t.token),
    '{idp_type}', 'ldap'), '{client_id}', 'phone'), '{access}', 'a.c'),
    '{email_uuid}', (SELECT e.uuid::text FROM wazo_auth.email e WHERE e.user_uuid = t.person)) AS target) p
WHERE r.shipped ORDER BY r.method = 'DELETE', r.path <> '/0.1/users/{user_uuid}', r.path, r.method;
-- what they do with something in it
INSERT INTO public.request (method, target, headers, body)
SELECT v.method, v.target, ARRAY['X-Auth-Token', t.token, 'Wazo-Tenant', t.tenant::text] || v.headers, convert_to(v.body, 'UTF8')
FROM public.thing t, LATERAL (VALUES
  ('GET', '/0.1/users?search=neil&limit=50', NULL::text[], NULL), ('GET', '/0.1/users?search=%5C&order=username&direction=desc', NULL, NULL),
  ('GET', '/0.1/users?recurse=true&username=user1', NULL, NULL), ('GET', '/0.1/groups?search=crowd', NULL, NULL), ('GET', '/0.1/policies?search=p%5C', NULL, NULL),
  ('GET', '/0.1/tenants?search=north', NULL, NULL), ('GET', '/0.1/tokens?mobile=false', NULL, NULL), ('GET', '/0.1/tokens?created_at=2026-02-03', NULL, NULL),
  ('GET', '/0.1/users?limit=x', NULL, NULL), ('GET', '/0.1/users/' || t.person || '/tokens', NULL, NULL),
  ('POST', '/0.1/users', NULL, '{"username": "o''neil\\", "firstname": "\\n\\", "email_address": "o@example.org", "password": "pa\\ss''word"}'),
  ('POST', '/0.1/users', NULL, '{"username": "bad@", "email_address": "a\nb@c"}'),
  ('POST', '/0.1/groups', NULL, '{"name": "NULL"}'), ('POST', '/0.1/policies', NULL, '{"name": "q\\", "acl": ["NULL", "a\\b", "null.\"x\""]}'),
  ('POST', '/0.1/tenants', NULL, '{"name": "a \\ b", "domain_names": ["a.example"], "address": {"line_1": "1\\2"}}'),
  ('POST', '/0.1/token', ARRAY['Authorization', 'Basic ' || encode('person:a password', 'base64')], '{"access_type": "offline", "client_id": "x\\"}'),
  ('POST', '/0.1/token', ARRAY['Authorization', 'Basic ' || encode('person:wrong', 'base64')], '{}'),
  ('POST', '/0.1/token/' || t.token || '/scopes/check', NULL, '{"scopes": ["a.b", "NULL"]}'),
  ('PUT', '/0.1/users/' || t.person || '/emails', NULL, '{"emails": [{"address": "new@example.org", "main": true}]}'),
  ('PUT', '/0.1/users/' || t.person || '/password', NULL, '{"old_password": "wrong\\", "new_password": "n3w password"}'),
  ('POST', '/0.1/users/register', ARRAY['Host', 'good.example'], '{"username": "fresh", "password": "a password\\", "email_address": "fresh@example.org"}'),
  ('GET', '/0.1/users/password/reset?username=person', ARRAY['Host', E'a\nb'], NULL), ('GET', '/0.1/users/password/reset?username=person', ARRAY['Host', 'good.example:80'], NULL),
  ('PATCH', '/0.1/config', NULL, '[{"op": "replace", "path": "/debug", "value": true}]'), ('GET', '/0.1/config', NULL, NULL)) v (method, target, headers, body);
UPDATE public.request SET n = -n WHERE method <> 'DELETE';
EOC

# What an administrator asks in SQL.
my $functions = <<'EOC';
SELECT wazo_auth.shown_configuration();
SELECT wazo_auth.mail_template('password_reset_email'), wazo_auth.mail_template_variables('password_reset_email');
SELECT w.username, w.via, w.entry FROM wazo_auth.who_can('a.c', NULL, true) w ORDER BY 1, 2, 3;
SELECT e.* FROM public.thing t, wazo_auth.explain_access(t.person, 'a.b') e;
SELECT i.* FROM public.thing t, wazo_auth.policy_impact(t.policy, '{a.b}') i ORDER BY 1, 2;
SELECT wazo_auth.user_acl(t.person) FROM public.thing t;
SELECT wazo_auth.list_tenants(t.top, '{}') FROM public.thing t;
SELECT wazo_auth.list_policies('{}', t.tenant, true) FROM public.thing t;
SELECT wazo_auth.health(true);
SELECT e.name, e.routing_key, e.headers, e.body FROM wazo_auth.event_stream e ORDER BY e.position;
SELECT wazo_auth.update_policy(t.policy, 'other', '{"NULL",b}'), wazo_auth.user_acl(t.person) FROM public.thing t;
SELECT wazo_auth.configure(jsonb_build_object('smtp.username', $$a\b$$, 'public_url', 'https://a.example/x')), wazo_auth.shown_configuration() -> 'smtp';
SELECT wazo_auth.set_authentication_method(t.person, 'native'), wazo_auth.register_user('regis', 'a password', 'regis@example.org', firstname => 'R', lastname => 'S') IS NOT NULL FROM public.thing t;
SELECT wazo_auth.token_get(t.token::uuid, 'auth.#') IS NOT NULL, wazo_auth.token_check(t.token::uuid, 'auth.users.read') FROM public.thing t;
SELECT wazo_auth.delete_user(t.person) FROM public.thing t;
SELECT x.* FROM wazo_auth.tick(100) x;
EOC
$node->safe_psql('app', 'SELECT wazo_auth.tick(100)');

# All answers under settings "name=value", with what is new each time left out.
sub answers
{
	my (@settings) = @_;
	local $ENV{PGOPTIONS} = join(' ', map { my $s = $_; $s =~ s/([ \\])/\\$1/g; "-c $s" } @settings);
	my ($rc, $out, $err) = $node->psql('app', <<"EOC", on_error_stop => 0);
BEGIN;
SELECT r.method, r.target, a.status, a.headers, pg_catalog.convert_from(a.body, 'UTF8')
FROM (SELECT * FROM public.request ORDER BY n OFFSET 0) r, LATERAL wazo_auth.http(r.method, r.target, r.headers, r.body) a;
SELECT name, routing_key, data FROM wazo_auth.event_outbox ORDER BY id;
ROLLBACK;
BEGIN;
$functions
ROLLBACK;
EOC
	s/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/UUID/g, s/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::?\d\d)?)?/TIME/g,
		s/\b\d{10}\.\d+/TIME/g, s/"\d\d:\d\d:\d\d\.\d+"/AGE/g, s/"pid": \d+/PID/g, s/Wazo-Auth-Transaction,\d+/TRANSACTION/g, s/"slug" ?: "[0-9a-z]{3}"/SLUG/g foreach $out, $err;
	$err = join("\n", grep { /ERROR|FATAL|server closed|connection to server/ } split /\n/, $err);
	return $out . $err;
}

my $want = answers();
cmp_ok(scalar(() = $want =~ /^(?:GET|HEAD|POST|PUT|PATCH|DELETE)\|[^|]*\|2\d\d\|/mg), '>=', 55, 'there are answers that are no errors');
cmp_ok(scalar(() = $want =~ /^(?:GET|HEAD|POST|PUT|PATCH|DELETE)\|[^|]*\|4\d\d\|/mg), '>=', 10, 'and such that are');
unlike($want, qr/\|5\d\d\||ERROR|s3cret|pa\/ss@/, 'none that should not be');
is(answers(), $want, 'they are the same each time');

sub same
{
	my (@settings) = @_;
	my $got = answers(@settings);
	return pass("@settings") if $got eq $want;
	my @got = split /\n/, $got;
	my @want = split /\n/, $want;
	my ($first) = grep { ($got[$_] // '') ne ($want[$_] // '') } 0 .. ($#got > $#want ? $#got : $#want);
	return is(substr($got[$first] // 'nothing', 0, 600), substr($want[$first] // 'nothing', 0, 600), "@settings");
}

# Those that change what text means, what values look like, or what is found,
# one by one: anybody may set them
my @hostile = (qw(standard_conforming_strings=off array_nulls=off transform_null_equals=on quote_all_identifiers=on
	bytea_output=escape IntervalStyle=sql_standard extra_float_digits=-15 gin_fuzzy_search_limit=1 plpgsql.extra_errors=all
	plpgsql.print_strict_params=on client_encoding=SQL_ASCII enable_bitmapscan=off enable_indexscan=off),
	'DateStyle=SQL, DMY', 'DateStyle=German, YMD', 'search_path=evil, pg_catalog, public');
same($_) foreach @hostile;
# what only a superuser may, for a whole database
same("plpgsql.variable_conflict=$_") foreach 'use_column', 'use_variable';
# and others together
same(qw(backslash_quote=on escape_string_warning=off xmloption=document xmlbinary=hex row_security=off check_function_bodies=off
	default_text_search_config=pg_catalog.german join_collapse_limit=1 from_collapse_limit=1 jit_above_cost=0 work_mem=64
	default_transaction_deferrable=on plpgsql.extra_warnings=all plan_cache_mode=force_custom_plan log_min_error_statement=debug5));
# the name it has from PostgreSQL 16 on, and before
my $parallel = $node->safe_psql('app', "SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')");
same("$parallel=on", 'enable_seqscan=off', 'search_path=');
same(grep { !/^(?:client_encoding|enable_|DateStyle=German)/ } @hostile);

# the settings of the session are its own again
is($node->safe_psql('app', q{SET bytea_output = escape; SET DateStyle = 'SQL, DMY';
	SELECT (wazo_auth.http('GET', '/0.1/nowhere')).status, (wazo_auth.http('GET', '/0.1/config')).status, wazo_auth.shown_configuration() IS NULL;
	SELECT current_setting('bytea_output'), current_setting('DateStyle'), current_setting('plan_cache_mode'), current_setting('search_path')}),
	qq{404|401|f\nescape|SQL, DMY|auto|"\$user", public}, 'settings come back');

done_testing();
