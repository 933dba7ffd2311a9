-- The audit log: every change is there, whoever made it and however, and every
-- request of a route that may change something; without secrets, and to be read
-- by those whom it concerns.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
SET application_name = 'the test';
\ir lib/rest.psql
SELECT no_plan();

-- ---- what is written by whom: every table has triggers or a reason to have none ----
CREATE TEMP TABLE silent (name text, why text);
INSERT INTO silent VALUES
  ('acl_set', 'what sessions have in common'), ('access', 'names of accesses, which give nothing'), ('after_route', 'comes with the extension'),
  ('audit', 'the log'), ('audit_other', 'the log'), ('check', 'takes effect by a route'), ('counted', 'has no rows'), ('crypt_password', 'imported, until the next login'),
  ('event_log', 'told already'), ('event_outbox', 'told already'), ('external_auth_type', 'names of kinds'), ('import_count', 'of one import'), ('import_misfit', 'of one import'),
  ('known_password', 'lists of others'), ('known_setting', 'comes with the extension'), ('latest_mail', 'when a mail was sent'), ('live_database', 'where workers run'), ('login', 'made of users and addresses'),
  ('login_failure', 'of an hour'), ('mail_outbox', 'on its way'), ('oauth2_pending', 'of some minutes'), ('password_history', 'told with the password'), ('refresh_token', 'told by audit_refresh_tokens()'), ('refresh_token_rotation', 'told by the login'),
  ('saml_replay', 'of some minutes'), ('saml_session', 'its login is told'), ('schema', 'comes with the extension'), ('schema_field', 'comes with the extension'),
  ('session', 'told by audit_sessions()'), ('tenant_parent', 'made of tenants');
CREATE TEMP VIEW own_table AS
SELECT c.oid, c.relname::text AS name FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth' WHERE c.relkind IN ('r', 'p');
SELECT is_empty($$SELECT t.name FROM own_table t WHERE t.name NOT IN (SELECT s.name FROM silent s)
                  AND (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t.oid AND g.tgname ~ '^audit_(insert|update|delete|truncate)$' AND g.tgenabled = 'O') <> 4$$,
                'no table escapes: it has triggers, or a reason not to');
SELECT is_empty($$SELECT s.name FROM silent s WHERE s.name NOT IN (SELECT t.name FROM own_table t)$$, 'and no reason stands for nothing');

-- ---- by whom and how ----
CREATE FUNCTION pg_temp.since(mark bigint) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', a.object, a.action, COALESCE(a.status::text, '-'), COALESCE(a.auth_id, '-'), COALESCE(a.peer, '-'), COALESCE(a.request, '-'), a.role, a.application, a.before::text, a.after::text), E'\n' ORDER BY a.id)
  FROM wazo_auth.audit a WHERE a.id > mark
$$;
CREATE FUNCTION pg_temp.call(method text, target text, token text, body text DEFAULT NULL) RETURNS integer LANGUAGE sql AS $$
  SELECT (wazo_auth.http(method, target, CASE WHEN token IS NULL THEN '{}' ELSE ARRAY['X-Auth-Token', token] END, convert_to(body, 'UTF8'), '192.0.2.1')).status
$$;
CREATE FUNCTION pg_temp.mark() RETURNS bigint LANGUAGE sql AS $$ SELECT COALESCE(max(a.id), 0) FROM wazo_auth.audit a $$;
SELECT pg_temp.mark() AS mark \gset
SELECT wazo_auth.create_policy(:'north', 'p', '{a.b,c.d}') AS policy \gset
SELECT is(pg_temp.since(:mark), concat_ws(E'\n', 'policy created - - - - ' || session_user || ' the test '
  || jsonb_build_object('uuid', :'policy', 'acl', '["a.b", "c.d"]'::jsonb, 'name', 'p', 'slug', 'p', 'shared', false, 'description', NULL, 'tenant_uuid', :'north', 'config_managed', false)),
  'in SQL: the role and the application');
SELECT pg_temp.mark() AS mark \gset
SELECT is(pg_temp.call('PUT', '/0.1/policies/' || :'policy', :'north_token', '{"name": "q", "acl": ["c.d", "e.f"]}'), 200, 'a request');
SELECT is(pg_temp.since(:mark), concat_ws(E'\n', 'policy updated - ' || :'north_user'
  || ' 192.0.2.1 PUT /0.1/policies/{policy_uuid} {"acl": ["a.b"], "name": "p", "acl_places": [1]} {"acl": ["e.f"], "name": "q", "acl_places": [2]}'), 'its user and address, and what changed');
SELECT is((SELECT a.session_uuid FROM wazo_auth.audit a WHERE a.id = pg_temp.mark()), (SELECT s.uuid FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'north_token')), 'with its session');
SELECT pg_temp.mark() AS mark \gset
SELECT is(pg_temp.call('PUT', '/0.1/policies/' || :'policy', :'south_token', '{"name": "r"}'), 404, 'what is refused');
SELECT is(pg_temp.call('PUT', '/0.1/users/' || :'nobody' || '/policies/' || :'policy', :'north_token'), 404, 'or leads nowhere');
SELECT is(pg_temp.call('DELETE', '/0.1/policies/' || :'policy', NULL), 401, 'but not who is nobody: that could fill the disk');
SELECT is(pg_temp.call('GET', '/0.1/policies/' || :'policy', :'north_token'), 200, 'nor who only reads');
SELECT is(pg_temp.call('POST', '/0.1/token/' || :'north_token' || '/scopes/check', NULL, '{"scopes": ["a"]}'), 200, 'likewise');
SELECT is(pg_temp.since(:mark), concat_ws(E'\n',
  format('request refused 404 %s 192.0.2.1 PUT /0.1/policies/{policy_uuid} {"policy_uuid": "%s"}', :'south_user', :'policy'),
  format('request refused 404 %s 192.0.2.1 PUT /0.1/users/{user_uuid}/policies/{policy_uuid} {"user_uuid": "%s", "policy_uuid": "%s"}', :'north_user', :'nobody', :'policy')),
  'leaves a row with its status');
SELECT pg_temp.mark() AS mark \gset
UPDATE wazo_auth.user SET firstname = 'Eve' WHERE uuid = :'deep_user';
SELECT is(pg_temp.since(:mark), concat_ws(E'\n', 'user updated - - - - ' || session_user || ' the test {"firstname": null} {"firstname": "Eve"}'), 'a statement of the owner''s own');
UPDATE wazo_auth.user SET firstname = 'Eve' WHERE uuid = :'deep_user';
SELECT is(pg_temp.mark(), :mark::bigint + 1, 'nothing for no change');

-- ---- logins, tokens and sessions ----
SELECT wazo_auth.create_user(:'north', 'ann', 'the-secret', authentication_method => 'native') AS ann \gset
CREATE FUNCTION pg_temp.login(name text, password text, body text DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT convert_from(a.body, 'UTF8')::jsonb FROM wazo_auth.http('POST', '/0.1/token', ARRAY['User-Agent', 'phone', 'Authorization', 'Basic ' || encode(convert_to(name || ':' || password, 'UTF8'), 'base64')],
    convert_to(body, 'UTF8'), '192.0.2.1') a
$$;
SELECT pg_temp.mark() AS mark \gset
SELECT pg_temp.login('ann', 'the-secret', '{"access_type": "offline", "client_id": "c", "expiration": 60}') -> 'data' AS token \gset
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.auth_id, a.peer, a.tenant_uuid, a.after ->> 'user_uuid'), ', ' ORDER BY a.id) FROM wazo_auth.audit a WHERE a.id > :mark),
  format('refresh_token created %1$s 192.0.2.1 %2$s %1$s, session created %1$s 192.0.2.1 %2$s %1$s', :'ann', :'north'), 'a login');
SELECT pg_temp.mark() AS mark \gset
SELECT count(pg_temp.login(n, 'wrong')) AS tried FROM unnest('{ann,my-pass-word}'::text[]) n \gset
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.status, a.object_uuid, a.tenant_uuid), ', ' ORDER BY a.id) FROM wazo_auth.audit a WHERE a.id > :mark),
  format('request refused 401 %s %s, request refused 401 %s', :'ann', :'north', :'top'), 'failed ones, of whom there is and of whom there is not');
SELECT pg_temp.mark() AS mark \gset
SELECT is(pg_temp.call('DELETE', '/0.1/token/' || (:'token'::jsonb ->> 'token'), NULL), 200, 'the end of a session');
SELECT is(pg_temp.call('DELETE', '/0.1/token/' || (:'token'::jsonb ->> 'token'), NULL), 200, 'and none');
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.peer, a.request), ', ' ORDER BY a.id) FROM wazo_auth.audit a WHERE a.id > :mark),
  'session deleted 192.0.2.1 DELETE /0.1/token/{token_uuid}', 'leave one row');

-- ---- every route that may change something ----
-- A handler that is not VOLATILE cannot write; the others are asked here, each with a token that may all.
CREATE FUNCTION pg_temp.rows_of(method text, path text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_token text := pg_temp.token(u.uuid) FROM wazo_auth.user u WHERE u.username = 'top';
  v_mark bigint := pg_temp.mark();
BEGIN
  PERFORM wazo_auth.http(method, regexp_replace(regexp_replace(path, '\{\w*uuid\}', '99999999-9999-4999-8999-999999999999', 'g'), '\{\w+\}', 'x', 'g'), ARRAY['X-Auth-Token', v_token], '{}', '192.0.2.1');
  RETURN (SELECT count(*) FROM wazo_auth.audit a WHERE a.id > v_mark AND a.request = method || ' ' || path);
END $$;
CREATE TEMP VIEW changing AS
SELECT r.* FROM wazo_auth.route r JOIN pg_proc p ON p.oid = to_regprocedure(r.handler || '(wazo_auth.http_request)') AND p.provolatile = 'v' WHERE r.shipped;
SELECT cmp_ok((SELECT count(*) FROM changing c WHERE c.access IS NOT NULL), '>', 60::bigint, 'there are routes that may change something');
SELECT cmp_ok(pg_temp.rows_of(c.method, c.path), '>', 0::bigint, 'leaves a row: ' || c.method || ' ' || c.path) FROM changing c
WHERE c.access IS NOT NULL AND c.path !~ '^/0\.1/(users|groups)/\{\w+\}/(policies|users)/x'
  -- names a policy by its slug where the uuid was asked
  AND NOT EXISTS (SELECT FROM wazo_auth.route o WHERE o.method = c.method AND o.path <> c.path AND wazo_auth.route_shape(replace(o.path, '_uuid}', '}')) = wazo_auth.route_shape(replace(c.path, '_slug}', '}')) AND c.path ~ '_slug}');
CREATE TEMP TABLE open_route (method text, path text, why text);
INSERT INTO open_route VALUES
  ('POST', '/0.1/token', 'a session, or a failed login'), ('DELETE', '/0.1/token/{token_uuid}', 'a session that ends'),
  ('POST', '/0.1/oauth2/revoke', 'a session or refresh token that ends'),
  ('POST', '/0.1/users/register', 'a tenant and a user'), ('GET', '/0.1/users/password/reset', 'asks for a mail'),
  ('HEAD', '/0.1/status', 'is not kept, whatever it does'),
  ('POST', '/0.1/saml/sso', 'begins a login'), ('POST', '/0.1/saml/acs', 'goes on with it'), ('GET', '/0.1/saml/logout', 'a session that ends'),
  ('GET', '/0.1/saml/sls', 'a session that ends'), ('POST', '/0.1/saml/sls', 'a session that ends'), ('GET', '/0.1/external/{auth_type}/authorize', 'an external account'),
  ('GET', '/0.1/saml/metadata/{tenant_uuid}', 'a key, if there is none yet');
SELECT is_empty($$SELECT c.method, c.path FROM changing c WHERE c.access IS NULL AND (c.method, c.path) NOT IN (SELECT o.method, o.path FROM open_route o)$$, 'those that ask for no token are known');

-- ---- who may read ----
SELECT pg_temp.ask_json('GET', '/0.1/audit?limit=1000&direction=desc', :'north_token') -> 'items' AS north_rows, pg_temp.ask_json('GET', '/0.1/audit?limit=1000&recurse=true', :'north_token') -> 'items' AS below_rows \gset
SELECT is((SELECT array_agg(DISTINCT i ->> 'tenant_uuid') FROM jsonb_array_elements(:'north_rows'::jsonb) i), ARRAY[:'north'], 'a tenant reads its own');
SELECT is((SELECT array_agg(DISTINCT i ->> 'tenant_uuid' ORDER BY i ->> 'tenant_uuid') FROM jsonb_array_elements(:'below_rows'::jsonb) i), ARRAY[:'north', :'deep'], 'and what is below');
SELECT is((SELECT array_agg(i -> 'id' ORDER BY n) FROM jsonb_array_elements(:'north_rows'::jsonb) WITH ORDINALITY i (i, n)), (SELECT array_agg(i -> 'id' ORDER BY (i ->> 'id')::bigint DESC) FROM jsonb_array_elements(:'north_rows'::jsonb) i), 'the latest first, if asked');
SELECT cmp_ok((SELECT count(*) FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/audit?limit=1000&recurse=true', :'top_token') -> 'items')), '>', (SELECT count(*) FROM jsonb_array_elements(:'below_rows'::jsonb)), 'the top tenant all of it');
SELECT is(pg_temp.ask('GET', '/0.1/audit', pg_temp.token(:'north_user', '{auth.users.read}')) ~ '^401 ', true, 'it takes an access');
SELECT is((SELECT string_agg(jsonb_array_length(pg_temp.ask_json('GET', '/0.1/audit?' || q, :'north_token') -> 'items')::text, ' ' ORDER BY n) FROM unnest(ARRAY[
  'object=policy', 'object=policy&action=updated', 'object_uuid=' || :'policy' || '&object=policy', 'auth_id=' || :'ann' || '&object=session&action=created', 'peer=192.0.2.1&request=PUT%20/0.1/policies/{policy_uuid}',
  'until=2000-01-01', 'from=2000-01-01&limit=2', 'limit=3&offset=1', 'session_uuid=' || :'nobody', 'role=x', 'below=1', 'above=0&limit=1', 'below=9007199254740991&limit=1']) WITH ORDINALITY q (q, n)),
  '2 1 2 1 1 0 2 3 0 0 0 1 1', 'filters');
SELECT is((SELECT i ->> 'id' FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/audit?direction=desc&limit=1&below=' || (:'north_rows'::jsonb #>> '{0,id}'), :'north_token') -> 'items') i), :'north_rows'::jsonb #>> '{1,id}', 'a page goes on from an id');
SELECT matches(pg_temp.ask('GET', '/0.1/audit?' || q, :'north_token'), '^400 ', 'refused: ' || q) FROM unnest('{from=junk,until=junk,search=x,action=x,below=x,order=at}'::text[]) q;
SELECT is(jsonb_array_length(pg_temp.ask_json('GET', '/0.1/audit?limit=100000', :'top_token') -> 'items') <= 1000, true, 'a page has a limit');

-- ---- no secrets ----
SELECT wazo_auth.configure('{"smtp.password": "the-secret", "amqp.uri": "amqp://a:the-secret@h/"}'),
       wazo_auth.set_ldap_config(:'north', '{"host": "h", "port": 389, "bind_dn": "x", "bind_password": "the-secret", "user_base_dn": "x", "user_login_attribute": "x", "user_email_attribute": "x"}'),
       wazo_auth.set_password(:'ann', 'the-secret'), wazo_auth.create_external_auth(:'ann', 'mobile', '{"token": "the-secret"}');
SELECT pg_temp.login('ann', 'the-secret') -> 'data' AS again \gset
SELECT is_empty($$SELECT a.* FROM wazo_auth.audit a WHERE a::text ~ 'the-secret|my-pass-word|sealed|argon2|\\x[0-9a-f]{8}'$$, 'no secret is in it');
SELECT is_empty(format('SELECT a.* FROM wazo_auth.audit a WHERE a::text LIKE %L OR a::text LIKE %L', '%' || t || '%', '%' || wazo_auth.token_digest(t::uuid) || '%'), 'nor a token')
FROM unnest(ARRAY[:'token'::jsonb ->> 'token', :'token'::jsonb ->> 'refresh_token', :'again'::jsonb ->> 'token', :'north_token']) t;
SELECT cmp_ok((SELECT count(DISTINCT a.object) FROM wazo_auth.audit a WHERE a.object IN ('setting', 'ldap_config', 'password', 'external_auth_data')), '=', 4::bigint, 'though all of it is told');

-- ---- what is there stays ----
CREATE ROLE meddler SUPERUSER;
SET ROLE meddler;
SELECT throws_ok(s, '42501', 'the audit log is not to be changed', s) FROM unnest(ARRAY['UPDATE wazo_auth.audit SET peer = NULL', 'DELETE FROM wazo_auth.audit', 'TRUNCATE wazo_auth.audit', 'DELETE FROM wazo_auth.audit_other', 'TRUNCATE wazo_auth.audit_other']) s;
RESET ROLE;
SELECT is_empty($$SELECT r.rolname, t.name FROM pg_roles r, own_table t WHERE NOT r.rolsuper AND t.name ~ '^audit' AND has_table_privilege(r.oid, t.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE') AND r.rolname !~ '^pg_'$$, 'nobody has a right to it');
SELECT count(*) AS all_rows FROM wazo_auth.audit \gset
SELECT is(wazo_auth.keep_audit(1000), 0, 'months are made');
SELECT is((SELECT count(*) FROM ONLY wazo_auth.audit_other), 0::bigint, 'and get what is theirs');
SELECT is((SELECT count(*) FROM wazo_auth.audit), :all_rows::bigint, 'none is lost');
SELECT is((SELECT count(*) FROM pg_inherits i WHERE i.inhparent = 'wazo_auth.audit'::regclass), 3::bigint, 'this one and the next');
SET ROLE meddler;
SELECT throws_ok(format('%s wazo_auth.audit_%s', s, to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')), '42501', 'the audit log is not to be changed', s || ' a month') FROM unnest('{TRUNCATE,DELETE FROM}'::text[]) s;
RESET ROLE;
SELECT wazo_auth.add_audit_month('2001-02-01'), wazo_auth.add_audit_month((date_trunc('month', now() AT TIME ZONE 'UTC') - interval '2 months')::date);
INSERT INTO wazo_auth.audit (at, object, action) VALUES ('2001-02-03', 'user', 'updated'), ('2001-03-04', 'user', 'updated'), ('2001-03-05', 'user', 'updated');
SELECT is(wazo_auth.keep_audit(1), 1, 'what is old goes, batch by batch');
SELECT is(wazo_auth.keep_audit(1000), 1, 'to the last');
SELECT is(to_regclass('wazo_auth.audit_200102'), NULL, 'and month by month');
SELECT is((SELECT count(*) FROM pg_inherits i WHERE i.inhparent = 'wazo_auth.audit'::regclass), 4::bigint, 'what is not stays');
SELECT throws_ok('SELECT wazo_auth.keep_audit(0)', '22023', NULL, 'a batch has limits');
SELECT wazo_auth.configure('{"audit_retention": 0}');
SELECT pg_temp.mark() AS mark \gset
SELECT wazo_auth.set_password(:'ann', 'other'), pg_temp.login('ann', 'wrong') IS NOT NULL, pg_temp.call('DELETE', '/0.1/users/' || :'nobody', :'top_token'), pg_temp.token(:'ann') IS NOT NULL;
SELECT is(pg_temp.mark(), :mark::bigint, 'it can be turned off');

-- ---- a restore loads, and that is nobody's deed ----
SELECT wazo_auth.configure('{"audit_retention": 90}');
SELECT pg_temp.mark() AS mark \gset
COPY wazo_auth.policy (tenant_uuid, name, slug) FROM STDIN;
11111111-0000-4000-8000-000000000001	copied	copied
\.
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.after ->> 'name'), ', ') FROM wazo_auth.audit a WHERE a.id > :mark), 'policy created copied', 'a COPY into the live database is somebody''s');
SELECT wazo_auth.hold();
SELECT pg_temp.mark() AS mark \gset
COPY wazo_auth.policy (tenant_uuid, name, slug) FROM STDIN;
11111111-0000-4000-8000-000000000001	loaded	loaded
\.
SELECT is(pg_temp.mark(), :mark::bigint, 'a COPY into one that is not live writes nothing');

SELECT * FROM finish();
ROLLBACK;
