-- Functions that others have registered: who may, with whose rights they run,
-- and that what they do ends with their call.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

CREATE ROLE badge_owner;
CREATE ROLE other_plugin;
CREATE ROLE passer_by;
GRANT wazo_auth_plugin TO badge_owner, other_plugin;
CREATE SCHEMA badge AUTHORIZATION badge_owner;

-- Runs a query as a role, and returns its first value.
CREATE FUNCTION pg_temp.run_as(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_result text;
BEGIN
  PERFORM pg_catalog.set_config('role', role, true);
  EXECUTE query INTO v_result;
  PERFORM pg_catalog.set_config('role', 'none', true);
  RETURN v_result;
END
$$;
-- What the provider "badge" does with a login
CREATE FUNCTION pg_temp.does(body text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.set_config('role', 'badge_owner', true);
  EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION badge.login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer'
    ' LANGUAGE plpgsql AS %L', body);
  PERFORM pg_catalog.set_config('role', 'none', true);
END
$$;
CREATE FUNCTION pg_temp.asks() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.login_answer;
BEGIN
  v_answer := wazo_auth.call_plugin('idp', 'badge', '{s3cret}', ROW('login', 's3cret', NULL, NULL, '{"badge": "7"}')::wazo_auth.login_attempt);
  RETURN COALESCE(v_answer.taken::text, 'null');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT pg_temp.does('DECLARE v wazo_auth.login_answer; BEGIN v.taken := true; v.login := current_user; RETURN v; END') \g /dev/null

-- ---- who may register ----
SELECT set_eq($$
  SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'wazo_auth'::regnamespace AND pg_catalog.has_function_privilege('wazo_auth_plugin', p.oid, 'EXECUTE') AND NOT p.proname LIKE 'register\_%'
$$, ARRAY['build_oauth2_redirect_url', 'create_own_external_auth', 'delete_own_external_auth', 'http_header', 'json_response', 'own_external_auth',
          'own_external_auth_config', 'raise_error', 'set_own_external_auth', 'unregister', 'wait_for_oauth2'], 'what a plugin may execute beside registering');
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolname = 'wazo_auth_plugin'
           AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolcanlogin)), 'wazo_auth_plugin', 'the role has no attribute');
SELECT throws_ok($$SELECT pg_temp.run_as('passer_by', $q$SELECT wazo_auth.register_idp('badge', 'badge.login')$q$)$$, '42501', NULL, 'not everybody registers');
SELECT throws_ok($$SELECT pg_temp.run_as('wazo_auth_admin', $q$SELECT wazo_auth.register_idp('badge', 'badge.login')$q$)$$, '42501', NULL, 'administrators do not');
SELECT throws_ok($$SELECT wazo_auth.register_idp('badge', 'badge.login')$$, '42501', NULL, 'a superuser names a role');
SELECT throws_ok($$SELECT wazo_auth.register_idp('badge', 'badge.login', role => 'passer_by')$$, '42501', 'the role "passer_by" may not have functions registered', 'one that may');
SELECT throws_ok($$SELECT wazo_auth.register_idp('badge', 'badge.login', role => 'nobody_there')$$, '42704', 'there is no role "nobody_there"', 'that is there');
SELECT throws_ok($$SELECT pg_temp.run_as('other_plugin', $q$SELECT wazo_auth.register_idp('badge', 'badge.login', role => 'badge_owner')$q$)$$, '42501', 'you are no member of the role "badge_owner"', 'nobody registers for another');
SELECT throws_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp('badge', 'badge.nothing')$q$)$$, '42883', 'there is no function badge.nothing(wazo_auth.login_attempt)', 'a function that is not there');
SELECT throws_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp('badge', 'pg_catalog.now')$q$)$$, '42883', NULL, 'or takes something else');
SELECT throws_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp('badge', 'wazo_auth.native_login')$q$)$$, '42501', 'the role "badge_owner" may not execute wazo_auth.native_login(wazo_auth.login_attempt)', 'or that it may not execute');
SELECT throws_ok(format($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp(%L, 'badge.login')$q$)$$, n), c, NULL, 'no provider is named ' || n)
FROM (VALUES ('native', '23514'), ('refresh_token', '23514'), ('default', '23514'), ('A b', '23514'), ('ldap', '42710')) t (n, c);
SELECT throws_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp('badge', 'badge.login', time_limit => '2 minutes')$q$)$$, '23514', NULL, 'a time limit has a limit');
SELECT lives_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_idp('badge', 'badge.login', time_limit => '30 s')$q$)$$, 'its owner registers it');
SELECT is((SELECT format('%s|%s|%s', r.function, r.role, r.state) FROM wazo_auth.registrations r WHERE r.name = 'badge'), 'badge.login(wazo_auth.login_attempt)|badge_owner|ok', 'and it is shown');
SELECT throws_ok($$SELECT pg_temp.run_as('other_plugin', $q$SELECT wazo_auth.unregister('idp', 'badge')$q$)$$, '42501', NULL, 'another does not take it out');
SELECT lives_ok($$GRANT USAGE ON SCHEMA badge TO other_plugin$$);
SELECT throws_ok($$SELECT pg_temp.run_as('other_plugin', $q$SELECT wazo_auth.register_idp('badge', 'badge.login')$q$)$$, '42501', NULL, 'nor replaces it');

-- ---- with whose rights ----
SELECT is(pg_temp.asks(), 'true', 'it is asked');
SELECT pg_temp.does('BEGIN RAISE EXCEPTION ''%'', current_user || '' '' || current_setting(''search_path''); END') \g /dev/null
SELECT is(pg_temp.asks(), '38000 the idp "badge" (badge.login(wazo_auth.login_attempt)) failed: badge_owner pg_catalog, pg_temp', 'as its role, and an error names it');
CREATE FUNCTION pg_temp.fails(body text, want text, what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.does(body);
  RETURN matches(pg_temp.asks(), want, what);
END
$$;
SELECT pg_temp.fails(format('BEGIN %s; RETURN NULL; END', b), '^38000 the idp "badge" .* failed: ' || w, 'cannot: ' || b) FROM (VALUES
  ('RESET ROLE', 'cannot set parameter "role" within security-definer function'),
  ('SET ROLE wazo_auth_admin', 'cannot set parameter "role"'),
  ('PERFORM set_config(''role'', ''none'', false)', 'cannot set parameter "role"'),
  ('SET SESSION AUTHORIZATION DEFAULT', 'cannot set parameter "session_authorization"'),
  ('RESET SESSION AUTHORIZATION', 'cannot set parameter "session_authorization"'),
  ('UPDATE wazo_auth.user SET enabled = false', 'permission denied for table user'),
  ('PERFORM FROM wazo_auth.password', 'permission denied for table password'),
  ('PERFORM wazo_auth.token_create(''a'', ''b'')', 'permission denied for function token_create'),
  ('DELETE FROM wazo_auth.registration', 'permission denied for table registration'),
  ('EXECUTE ''PREPARE left_behind AS SELECT 1''', 'cannot execute PREPARE within security-restricted operation'),
  ('CREATE TEMP TABLE left_behind (a integer)', 'cannot create temporary table within security-restricted operation'),
  ('LISTEN left_behind', 'cannot execute LISTEN within security-restricted operation'),
  ('DISCARD ALL', 'cannot execute DISCARD within security-restricted operation'),
  ('COMMIT', 'invalid transaction termination'), ('ROLLBACK', 'invalid transaction termination'),
  ('SET wazo_auth.plugin_memory = 0', 'permission denied to set parameter'),
  ('SET log_statement = ''all''', 'permission denied to set parameter'),
  ('RAISE EXCEPTION ''%'', attempt.password', '\*\*\*$'),
  ('RAISE EXCEPTION ''x'' USING ERRCODE = ''57014''', 'x$'), ('RAISE EXCEPTION ''x'' USING ERRCODE = ''57P01''', 'x$'),
  ('RAISE EXCEPTION ''x'' USING ERRCODE = ''WA999''', 'x$'), ('RAISE EXCEPTION ''x'' USING ERRCODE = ''WA200''', 'x$'),
  ('RAISE EXCEPTION ''%'', repeat(''é'', 10000000)', '(éé){200,250}$')) t (b, w);
SELECT is((SELECT count(*) FROM pg_prepared_statements p WHERE p.name = 'left_behind'), 0::bigint, 'nothing is left');
SELECT pg_temp.fails('BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''WA403''; END', '^WA403 x$', 'it may answer with a status');

-- ---- what it leaves ----
CREATE TABLE badge.log (note text);
GRANT INSERT ON badge.log TO badge_owner;
SELECT pg_temp.does($$DECLARE c refcursor := 'left open'; BEGIN
  INSERT INTO badge.log VALUES ('kept');
  SET search_path = badge; SET row_security = off; SET LOCAL work_mem = '64kB'; PERFORM set_config('my.own', 'left', false);
  OPEN c FOR SELECT 1;
  RETURN NULL; END$$) \g /dev/null
SELECT current_setting('search_path') AS path, current_setting('work_mem') AS mem \gset
SELECT is(pg_temp.asks(), 'null', 'null is nothing taken');
SELECT is(current_setting('search_path') || current_setting('row_security') || current_setting('work_mem') || COALESCE(current_setting('my.own', true), ''),
  :'path' || 'on' || :'mem', 'settings are as they were');
SELECT is((SELECT count(*) FROM pg_cursors c WHERE c.name = 'left open'), 0::bigint, 'its cursor is closed');
SELECT is((SELECT count(*) FROM badge.log), 1::bigint, 'what it wrote into its own tables stays');
SELECT pg_temp.does('BEGIN INSERT INTO badge.log VALUES (''undone''); RAISE EXCEPTION ''x''; END') \g /dev/null
SELECT pg_temp.asks() \g /dev/null
SELECT is((SELECT count(*) FROM badge.log), 1::bigint, 'unless it fails');

-- ---- limits ----
SELECT wazo_auth.register_idp('badge', 'badge.login', role => 'badge_owner', time_limit => '200 ms') \g /dev/null
SELECT pg_temp.fails('BEGIN LOOP END LOOP; END', '^53400 the idp "badge" .* has not ended within 200 ms$', 'an endless loop ends');
SELECT pg_temp.fails('BEGIN PERFORM pg_sleep(100); RETURN NULL; END', '^53400 ', 'so does a sleep');
SELECT pg_temp.fails('BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN RETURN NULL; END', '^53400 ', 'also when the cancel is caught');
SELECT pg_temp.fails('BEGIN SET statement_timeout = 0; SET lock_timeout = 0; LOOP END LOOP; END', '^53400 ', 'and timeouts are off');
SELECT lives_ok('SELECT 1', 'and no cancel is left over');
SELECT wazo_auth.register_idp('badge', 'badge.login', role => 'badge_owner', time_limit => '30 s') \g /dev/null
SELECT pg_temp.fails('DECLARE v text[]; BEGIN LOOP v := v || repeat(md5(random()::text), 1000000); END LOOP; END', '^38000 .* failed: out of memory$', 'memory has a limit');
SELECT pg_temp.fails('DECLARE v wazo_auth.login_answer; BEGIN v.login := repeat(md5(''x''), 500000); v.taken := true; RETURN v; END', '^(38000 .* returned more than|true)', '16 MB that compress are a megabyte');
SELECT pg_temp.fails('DECLARE v wazo_auth.login_answer; BEGIN v.login := (SELECT string_agg(md5(i::text), '''') FROM generate_series(1, 400000) i); v.taken := true; RETURN v; END',
  '^38000 .* returned more than 1048576 bytes$', 'so has an answer');
SELECT pg_temp.fails('BEGIN RETURN badge.login(attempt); END', '^(38000 .* failed: stack depth limit exceeded|38000 .* out of memory)', 'and recursion');

-- ---- what becomes of it ----
SELECT pg_temp.does('DECLARE v wazo_auth.login_answer; BEGIN v.taken := true; RETURN v; END') \g /dev/null
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$SELECT r.state FROM wazo_auth.registrations r WHERE r.name = 'badge'$$;
ALTER ROLE badge_owner RENAME TO badge_owner_2;
SELECT is(pg_temp.state(), 'role missing', 'a role that was renamed is noticed');
SELECT is(pg_temp.asks(), '42883 the idp "badge" (badge.login(wazo_auth.login_attempt)) cannot be called: role missing', 'at the next call');
ALTER ROLE badge_owner_2 RENAME TO badge_owner;
SELECT is(pg_temp.state(), 'ok', 'and when it is back');
ALTER FUNCTION badge.login OWNER TO passer_by;
REVOKE ALL ON FUNCTION badge.login FROM PUBLIC, badge_owner;
SELECT is(pg_temp.state(), 'not executable', 'a right that was taken is noticed');
SELECT matches(pg_temp.asks(), '^42883 .* not executable$', 'at the next call');
GRANT EXECUTE ON FUNCTION badge.login TO PUBLIC;
REVOKE wazo_auth_plugin FROM badge_owner;
SELECT is(pg_temp.state(), 'role not allowed', 'so is the right to register');
GRANT wazo_auth_plugin TO badge_owner;
ALTER ROLE badge_owner SUPERUSER;
SELECT is(pg_temp.state(), 'role not allowed', 'a superuser is none');
ALTER ROLE badge_owner NOSUPERUSER;
SELECT is(pg_temp.asks(), 'true', 'all is well again');
DROP FUNCTION badge.login;
SELECT is(pg_temp.state(), 'function missing', 'a function that was dropped is noticed');
SELECT matches(pg_temp.asks(), '^42883 .* function missing$', 'at the next call');
SELECT is(wazo_auth.health() -> 'registrations' ->> 0, '{"kind" : "idp", "name" : "badge", "function" : "badge.login(wazo_auth.login_attempt)", "state" : "function missing"}', 'health() tells it');
SELECT is(wazo_auth.health() ->> 'status', 'degraded', 'and minds');
CREATE FUNCTION badge.login(wazo_auth.login_attempt) RETURNS text LANGUAGE sql AS $$SELECT ''$$;
SELECT is(pg_temp.state(), 'function differs', 'one that returns something else, too');
DROP FUNCTION badge.login;

-- ---- logins while a provider fails ----
SELECT wazo_auth.configure('{"idp_plugins": {"badge": {"enabled": true}}}') \g /dev/null
SELECT wazo_auth.set_password(:'north_user', 'right') \g /dev/null
SELECT isnt((SELECT t.token FROM wazo_auth.token_create('north', 'right') t), NULL, 'others log in while a provider has no function');
SELECT throws_ok($$SELECT wazo_auth.token_create(members => '{"badge": "7"}')$$, '42883', NULL, 'what nobody else takes fails with the reason');
SELECT pg_temp.does(format('DECLARE v wazo_auth.login_answer; BEGIN v.taken := attempt.members ? ''badge''; v.user_uuid := %L; v.login := ''7'';'
  ' v.refresh_token := ROW(gen_random_uuid(), NULL, v.user_uuid, ''c'', now(), false, '''', '''', '''', '''', ''{"admin": true}'', NULL)::wazo_auth.refresh_token; RETURN v; END', :'north_user')) \g /dev/null
SELECT throws_ok($$SELECT wazo_auth.token_create(members => '{"badge": "7"}')$$, 'WA401', NULL, 'a provider cannot log in users of another method');
SELECT wazo_auth.set_authentication_method(:'north_user', 'badge') \g /dev/null
SELECT isnt((SELECT t.token FROM wazo_auth.token_create(members => '{"badge": "7"}') t), NULL, 'but its own');
SELECT ok(wazo_auth.unregister('idp', 'badge'), 'it is taken out');
SELECT is(wazo_auth.unregister('idp', 'badge'), false, 'once');
SELECT throws_ok($$SELECT wazo_auth.token_create(members => '{"badge": "7"}')$$, 'WA401', NULL, 'and not asked any more');

-- ---- routes and checks ----
CREATE FUNCTION pg_temp.answers(body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.set_config('role', 'badge_owner', true);
  EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION badge.answer(request wazo_auth.http_request) RETURNS wazo_auth.http_response'
    ' LANGUAGE plpgsql AS %L', body);
  PERFORM pg_catalog.set_config('role', 'none', true);
  RETURN body;
END
$$;
SELECT pg_temp.answers('BEGIN RETURN wazo_auth.json_response(json_build_object(''who'', current_user, ''params'', request.params, ''tenant'', request.tenant_uuid)); END') \g /dev/null
CREATE FUNCTION badge.is_even(request wazo_auth.http_request) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF (request.params ->> 'number')::integer % 2 = 1 THEN
    PERFORM wazo_auth.raise_error(404, 'Odd', 'odd', NULL, 'numbers');
  END IF;
  RETURN jsonb_build_object('half', (request.params ->> 'number')::integer / 2, 'by', current_user);
END $$;
SELECT throws_ok(format($$SELECT wazo_auth.register_route(%L, %L, 'badge.answer', 'badge.read', changes_no_access => %L, role => 'badge_owner')$$, m, p, w), c, NULL, 'cannot register ' || m || ' ' || p)
FROM (VALUES ('GET', '/0.1/users', NULL, '42710'), ('HEAD', '/0.1/users', 'none', '42710'), ('GET', '/0.1/users/{another_uuid}', NULL, '42710'),
             ('PUT', '/0.1/users/22222222-0000-4000-8000-000000000001/password', 'none', '42710'), ('PUT', '/0.1/users/{a_uuid}/password', 'none', '42710'),
             ('GET', '/0.1/policies/mine', NULL, '42710'), ('DELETE', '/0.1/token/{x_uuid}', 'none', '42710'), ('HEAD', '/0.1/token/{x_uuid}', 'none', '42710'),
             ('POST', '/0.1/token', 'none', '42710'), ('GET', 'badge', NULL, '23514'), ('GET', '/badge/', NULL, '23514'), ('GET', '/badge?a', NULL, '23514'),
             ('TRACE', '/badge', NULL, '23514'), ('GET', E'/badge\n', NULL, '23514'), ('POST', '/badge', NULL, '22023')) t (m, p, w, c);
SELECT throws_ok($$SELECT wazo_auth.register_route('GET', '/0.1/badge', 'badge.answer', role => 'badge_owner')$$, '22023', NULL, 'a route asks for an access or says that it is public');
SELECT throws_ok($$SELECT wazo_auth.register_route('GET', '/0.1/badge', 'badge.answer', 'badge.read', '{nosuch}', role => 'badge_owner')$$, '42704', NULL, 'its checks are known');
SELECT lives_ok($$SELECT wazo_auth.register_route('GET', '/0.1/users/{name}', 'badge.answer', 'badge.read', role => 'badge_owner')$$, 'what takes nobody''s requests may be');
SELECT lives_ok($$SELECT wazo_auth.unregister('route', 'GET /0.1/users/{name}')$$);
SELECT throws_ok($$SELECT wazo_auth.register_check('user', 'badge.is_even', '{404}', 'x', role => 'badge_owner')$$, '42710', NULL, 'a check that is there');
SELECT lives_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_check('even', 'badge.is_even', '{404}', '{number} is even')$q$)$$, 'a check');
SELECT lives_ok($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.register_route('GET', '/0.1/badge/{number}', 'badge.answer', 'badge.{number}.read', '{even,tenant}', summary => 'A badge', time_limit => '30 s')$q$)$$, 'and a route with it');
SELECT is(pg_temp.ask_json('GET', '/0.1/badge/8', :'north_token'), jsonb_build_object('who', 'badge_owner', 'tenant', :'north', 'params', '{"number": "8", "half": 4, "by": "badge_owner"}'::jsonb),
  'both are asked, as their role');
SELECT is(pg_temp.ask('HEAD', '/0.1/badge/8', :'north_token'), '200', 'by HEAD, too');
SELECT matches(pg_temp.ask('GET', '/0.1/badge/7', :'north_token'), '^404 .*"error_id": "odd"', 'the check refuses');
SELECT matches(pg_temp.ask('GET', '/0.1/badge/8', pg_temp.token(:'north_user', '{badge.9.read}')), '^401 ', 'an access is asked for');
SELECT is(pg_temp.ask('GET', '/0.1/badge/x', :'north_token'), '500 {"message": "Internal Server Error"}', 'a check that fails');
SELECT ok((wazo_auth.api_description()::jsonb #> ARRAY['paths', '/badge/{number}', 'get', 'responses']) ?& '{200,401,404}', 'it is described');
SELECT is((SELECT k.description FROM wazo_auth.known_access k WHERE k.access = 'badge.{number}.read'), 'A badge', 'its access is known');
SELECT throws_ok($$SELECT pg_temp.run_as('other_plugin', $q$SELECT wazo_auth.register_route('GET', '/0.1/badge/{other}', 'pg_catalog.now', 'x')$q$)$$, '42883', NULL);
GRANT EXECUTE ON FUNCTION badge.answer TO other_plugin;
SELECT throws_ok($$SELECT pg_temp.run_as('other_plugin', $q$SELECT wazo_auth.register_route('GET', '/0.1/badge/' || n, 'badge.answer', 'x') FROM unnest(ARRAY['{other}','8']) n$q$)$$, '42710', NULL, 'nor does another take it');
SELECT is(pg_temp.answers(b) || ': ' || pg_temp.ask('GET', '/0.1/badge/8', :'north_token'), b || ': ' || a, 'a handler that does this: ' || b) FROM (VALUES
  ('BEGIN RETURN NULL; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN RETURN ROW(99, NULL, NULL)::wazo_auth.http_response; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN RETURN ROW(200, ARRAY[''a''], NULL)::wazo_auth.http_response; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN RETURN ROW(200, NULL, decode(repeat(''00'', 20000000), ''hex''))::wazo_auth.http_response; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN RETURN 1 / 0; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN DELETE FROM wazo_auth.user; END', '500 {"message": "Internal Server Error"}'),
  ('BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''40001''; END', '503 {"message": "Service temporarily unavailable, try again"}'),
  ('BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''WA418'', DETAIL = ''{"plain": true}''; END', '418 {"message": "x"}'),
  ('BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''WA409'', DETAIL = ''{"error_id": "a", "details": [''; END', '409 {"reason": ["x"], "timestamp": [T], "status_code": 409}')) t (b, a);
SELECT wazo_auth.register_route('GET', '/0.1/slow', 'badge.answer', public => true, role => 'badge_owner', time_limit => '100 ms') \g /dev/null
SELECT pg_temp.answers('BEGIN PERFORM pg_sleep(100); END') \g /dev/null
SELECT is(pg_temp.ask('GET', '/0.1/slow'), '503 {"message": "Service temporarily unavailable, try again"}', 'one that does not end');
DROP FUNCTION badge.answer;
SELECT is(pg_temp.ask('GET', '/0.1/badge/8', :'north_token'), '500 {"message": "Internal Server Error"}', 'one that is gone');
SELECT is(pg_temp.ask('HEAD', '/0.1/status'), '200', 'others are served');
SELECT wazo_auth.unregister('check', 'even') \g /dev/null
SELECT is(pg_temp.ask('GET', '/0.1/badge/8', :'north_token'), '500 {"message": "Internal Server Error"}', 'a route whose check is gone is not served');
SELECT wazo_auth.unregister('route', 'GET /0.1/badge/{number}') \g /dev/null
SELECT matches(pg_temp.ask('GET', '/0.1/badge/8', :'north_token'), '^404 ', 'nor one that was taken out');

-- ---- kinds of external accounts ----
CREATE FUNCTION badge.safe(data jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT jsonb_build_object('shown', data -> 'shown')$$;
SELECT throws_ok(format($$SELECT wazo_auth.register_external_auth_type(%L, 'badge.safe', role => 'badge_owner')$$, n), c, NULL, 'no kind: ' || n)
FROM (VALUES ('google', '42710'), ('mobile', '42710'), ('A', '23514')) t (n, c);
SELECT throws_ok($$SELECT wazo_auth.register_external_auth_type('card', plugin_info => '[]', role => 'badge_owner')$$, '23514', NULL, 'plugin_info is an object');
SELECT wazo_auth.register_external_auth_type('card', 'badge.safe', '{"a": null}', role => 'badge_owner') \g /dev/null
SELECT pg_temp.run_as('badge_owner', format($$SELECT wazo_auth.create_own_external_auth(%L, 'card', '{"shown": 1, "hidden": 2}')$$, :'north_user')) \g /dev/null
CREATE FUNCTION pg_temp.listed() RETURNS jsonb LANGUAGE sql AS $$
  SELECT pg_temp.ask_json('GET', '/0.1/users/22222222-0000-4000-8000-000000000001/external?type=card', pg_temp.token('22222222-0000-4000-8000-000000000001')) -> 'items' -> 0
$$;
SELECT is(pg_temp.listed(), '{"type": "card", "data": {"shown": 1}, "enabled": true, "plugin_info": {"a": null}}', 'a list shows what the function leaves');
SELECT is(pg_temp.run_as('badge_owner', format($$SELECT wazo_auth.own_external_auth(%L, 'card')$$, :'north_user')), '{"shown": 1, "hidden": 2}', 'its own kind is open to a plugin');
SELECT throws_ok(format('SELECT pg_temp.run_as(%L, %L)', r, 'SELECT wazo_auth.' || f), '42501', NULL, r || ' has no access by ' || f)
FROM unnest(ARRAY[format('own_external_auth(%L, ''card'')', :'north_user'), format('set_own_external_auth(%L, ''card'', ''{}'')', :'north_user'),
  format('create_own_external_auth(%L, ''card'', ''{}'')', :'south_user'), format('delete_own_external_auth(%L, ''card'')', :'north_user'),
  format('own_external_auth_config(''card'', %L)', :'north')]) f, unnest('{other_plugin}'::text[]) r;
SELECT throws_ok(format($$SELECT pg_temp.run_as('badge_owner', $q$SELECT wazo_auth.own_external_auth(%L, 'mobile')$q$)$$, :'north_user'), '42501', NULL, 'nor has anybody to those of the service');
CREATE OR REPLACE FUNCTION badge.safe(data jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION '%', data; END$$;
SELECT is(pg_temp.listed() -> 'data', '{}', 'nothing is shown when it fails');
CREATE OR REPLACE FUNCTION badge.safe(data jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT data -> 'hidden'$$;
SELECT is(pg_temp.listed() -> 'data', '{}', 'or returns no object');
DROP FUNCTION badge.safe;
SELECT is(pg_temp.listed() -> 'data', '{}', 'or is gone');

SELECT * FROM finish();
ROLLBACK;
