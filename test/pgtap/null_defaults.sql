-- A null for a parameter that has a default means the default: every function
-- with one is called without it and with a null, and the two must come to the
-- same. A new function fails here until it is told how to call it.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

SELECT wazo_auth.create_policy(:'north', 'a policy', '{a.b}') AS policy \gset
SELECT wazo_auth.create_group(:'north', 'a group') AS a_group \gset
SELECT wazo_auth.set_password(:'north_user', 'secret'), wazo_auth.replace_emails(:'north_user', '{n@x.org}', 'n@x.org', '{true}');
SELECT wazo_auth.add_user_policy(:'deep_user', :'policy');
CREATE FUNCTION public.provider_of_test(wazo_auth.login_attempt) RETURNS wazo_auth.login_answer LANGUAGE sql AS 'SELECT NULL::wazo_auth.login_answer';
CREATE FUNCTION public.route_of_test(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE sql AS 'SELECT NULL::wazo_auth.http_response';
CREATE ROLE plugin_of_test IN ROLE wazo_auth_plugin;
CREATE FUNCTION public.backend_of_test(text, text, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION public.check_of_test(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';

-- One parameter with a default that is not null of one function.
CREATE TEMP VIEW defaulted AS
SELECT p.oid, p.proname::text AS name, p.proargnames[i] AS parameter, format_type(p.proargtypes[i - 1], NULL) AS type, p.proargnames
FROM pg_proc p, generate_series(1, p.pronargs) i
WHERE p.pronamespace = 'wazo_auth'::regnamespace AND p.prokind = 'f'
  AND NOT p.prorettype IN ('trigger'::regtype, 'internal'::regtype)
  AND pg_get_function_arg_default(p.oid, i) !~ '^NULL(::|$)';

-- How to call each: what has no default. A function may be there several times.
CREATE TEMP TABLE call (name text, arguments text);
INSERT INTO call VALUES
  ('add_check', $$name => 'of_test', function => 'public.check_of_test', statuses => '{404}', description => 'x'$$),
  ('add_external_auth_type', $$name => 'of_test'$$),
  ('add_identity_provider', $$name => 'of_test', function => 'public.provider_of_test'$$),
  ('add_route', $$method => 'GET', path => '/0.1/of-test', handler => 'wazo_auth.rest_idp_get', plugin => 'idp', access => 'x'$$),
  ('ask_for_mail', $$kind => 'password_reset', addressed_by => 'login', addressee => 'north'$$),
  ('bootstrap', $$username => 'boss', password => 'x'$$),
  ('checked_setting', $$known => (SELECT k FROM wazo_auth.known_setting k WHERE k.name = 'mail_interval'), name => 'mail_interval', value => '1'$$),
  ('claim_logins', format('user_uuid => %L, username => %L', :'north_user', 'another')),
  ('confirm_email', format('email_uuid => %L', (SELECT uuid FROM wazo_auth.email))),
  ('create_policy', format('tenant_uuid => %L, name => %L', :'north', 'of test')),
  ('create_tenant', format('parent_uuid => %L, name => %L', :'north', 'of test')),
  ('create_user', format('tenant_uuid => %L, username => %L', :'north', 'of test')),
  ('declare_schema', $$name => 'of_test', family => 'list_query', resource => NULL, fields => '{"a": {"type": "string"}}'$$),
  ('declare_setting', $$name => 'of_test', type => 'string', description => 'x'$$),
  ('delete_refresh_tokens', $$token_digests => ARRAY(SELECT r.token_digest FROM wazo_auth.refresh_token r)$$),
  ('delete_sessions', $$token_digests => ARRAY(SELECT s.token_digest FROM wazo_auth.session s)$$),
  ('deliver_events_locally', ''), ('deliver_mails_locally', ''), ('purge_event_log', ''), ('health', ''),
  ('finish_events', $$ids => ARRAY(SELECT e.id FROM wazo_auth.event_outbox e)$$),
  ('http', $$method => 'GET', target => '/0.1/backends'$$),
  ('json_response', $$body => '{}'$$),
  ('list_page', $$query => '{"limit": 1}', args => '{}', answer => '{total,filtered,items}', source => 'wazo_auth.user u', visible => 'true',
                  columns => 'u.uuid', item => 'to_json(p.uuid)', key => 'u.uuid', list => 'user_list'$$),
  ('list_policies', format('tenant_uuid => %L', :'north')),
  ('list_tenants', format('tenant_uuid => %L', :'north')),
  ('lock_group', format('group_uuid => %L', :'a_group')),
  ('wait_for_transaction', $$transaction => '3'$$),
  ('saml_verify_response', $$tenant => NULL, response => 'x', issuer => 'x', certificates => '{x}', audience => 'x', recipient => 'x', in_response_to => 'x'$$),
  ('saml_verify_logout', $$tenant => NULL, binding => 'post', message => 'x', issuer => 'x', certificates => '{x}', destination => 'x'$$),
  ('saml_make_logout_request', $$tenant => NULL, binding => 'post', issuer => 'x', destination => 'x', key => 'x', name_id => 'x'$$),
  ('saml_make_logout_response', $$tenant => NULL, binding => 'post', issuer => 'x', destination => 'x', key => 'x', in_response_to => 'x'$$),
  ('saml_make_metadata', $$tenant => NULL, entity_id => 'x', acs_url => 'x', certificates => '{x}'$$),
  ('saml_make_key', $$common_name => repeat('x', 65)$$),
  ('tenant_scope', format('tenant_uuid => %L', :'north')),
  ('token_create', $$login => 'north', password => 'secret'$$),
  ('update_policy', format('policy_uuid => %L, name => %L', :'policy', 'other')),
  ('update_tenant', format('tenant_uuid => %L, name => %L', :'north', 'other')),
  ('update_user', format('user_uuid => %L, username => %L', :'north_user', 'other')),
  ('user_acl', format('user_uuid => %L', :'deep_user')),
  ('user_policies', format('user_uuid => %L', :'deep_user')),
  ('warn_message', $$message => 'x'$$),
  ('what_grants', format('access => %L, tenant => %L', 'a.b', :'north')),
  ('who_can', format('access => %L, tenant => %L', 'a.b', :'north'));

-- What others register
INSERT INTO call VALUES
  ('register_backend', $$name => 'of_test', function => 'public.backend_of_test', role => 'plugin_of_test'$$),
  ('register_external_auth_type', $$name => 'of_test', role => 'plugin_of_test'$$),
  ('register_idp', $$name => 'of_test_2', function => 'public.provider_of_test', role => 'plugin_of_test'$$),
  ('register_route', $$method => 'GET', path => '/0.1/of-test-2', function => 'public.route_of_test', access => 'x', role => 'plugin_of_test'$$);
-- Some work to do: sessions of both kinds, refresh tokens, events, mails.
SELECT wazo_auth.configure('{"mail_interval": 0}');
SELECT count(token) FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'c') \g /dev/null
SELECT wazo_auth.ask_for_mail('password_reset', 'login', 'north'), wazo_auth.write_mails(10, 3, '1 second');

SELECT is_empty('SELECT DISTINCT d.name FROM defaulted d EXCEPT SELECT c.name FROM call c', 'every function with a default is called');
SELECT is_empty('SELECT c.name FROM call c EXCEPT SELECT d.name FROM defaulted d', 'and no other');

-- What there is in all tables, without what is made at random.
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_table regclass;
  v_one text;
  v_all text := '';
BEGIN
  FOR v_table IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' ORDER BY c.relname LOOP
    EXECUTE format($q$SELECT md5(string_agg(pg_temp.masked(t::text), ',' ORDER BY pg_temp.masked(t::text))) FROM %s t$q$, v_table) INTO v_one;
    v_all := concat_ws(' ', v_all, v_table, v_one);
  END LOOP;
  RETURN v_all;
END $$;
CREATE FUNCTION pg_temp.masked(value text) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(value, '^\(\d+,', '(N,'),
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'U', 'g'),
    '([0-9-]{10}[ T])?[0-9]{2}:[0-9:.]{5,13}(\+00)?', 'T', 'g'), '"\$argon2id[^"]*"', 'H', 'g'), '\\\\x[0-9a-f]+|"?timestamp"?: *\[?[0-9.]+\]?', 'B', 'g')
$$;
-- One call, of which nothing stays: what it returned or raised, and what changed.
CREATE FUNCTION pg_temp.outcome(function text, arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_result text;
BEGIN
  BEGIN
    EXECUTE format('SELECT string_agg(x::text, '','' ORDER BY x::text) FROM wazo_auth.%I(%s) x', function, arguments) INTO v_result;
    v_result := pg_temp.masked(COALESCE(v_result, 'null')) || ' ' || md5(pg_temp.state());
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZZZZ';
  EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
    RETURN v_result;
  WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
  END;
END $$;
SELECT ok(o !~ '^[0-9A-Z]{5} ', 'the call works: ' || c.name || CASE WHEN o ~ '^[0-9A-Z]{5} ' THEN ' ' || o ELSE '' END)
FROM call c, LATERAL pg_temp.outcome(c.name, c.arguments) o;
SELECT is(pg_temp.outcome(d.name, concat_ws(', ', NULLIF(c.arguments, ''), format('%I => NULL::%s', d.parameter, d.type))), pg_temp.outcome(d.name, c.arguments),
          format('%s(%s => NULL)', d.name, d.parameter))
FROM defaulted d JOIN call c ON c.name = d.name
  -- of functions of one name, the one that takes these arguments
WHERE d.proargnames @> ARRAY(SELECT m[1] FROM regexp_matches(regexp_replace(c.arguments, '\(SELECT.*\)', ''), '(\w+) =>', 'g') m)
ORDER BY d.name, d.parameter;

SELECT * FROM finish();
ROLLBACK;
