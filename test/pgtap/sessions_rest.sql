-- Lists of sessions, and ending them, over the REST API
-- (contract: errors.md section 6, Sessions; semantics.md section 3; DEPARTURES.md, security).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

CREATE FUNCTION pg_temp.session_of(token text) RETURNS uuid LANGUAGE sql AS $$
  SELECT s.uuid FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(token::uuid)
$$;
SELECT pg_temp.session_of(:'top_token') AS top_session, pg_temp.session_of(:'north_token') AS north_session,
       pg_temp.session_of(:'south_token') AS south_session, pg_temp.session_of(:'deep_token') AS deep_session \gset

SELECT is(pg_temp.ask('GET', '/0.1/sessions', :'north_token'),
  '200 {"filtered": 1, "total": 1, "items": [{"uuid": "' || :'north_session' || '", "mobile": false, "tenant_uuid": "' || :'north' || '", "user_uuid": "' || :'north_user' || '"}]}',
  'GET /sessions: those of the tenant');
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'deep_user' || '/sessions', :'north_token'),
  '200 {"items": [{"uuid": "' || :'deep_session' || '", "mobile": false, "tenant_uuid": "' || :'deep' || '", "user_uuid": "' || :'deep_user' || '"}], "total": 1, "filtered": 1}',
  'GET /users/u/sessions');
SELECT set_eq(format('SELECT i ->> ''uuid'' FROM jsonb_array_elements(pg_temp.ask_json(''GET'', ''/0.1/sessions?recurse=true'', %L) -> ''items'') i', t),
              s, 'with recurse those below, too')
FROM (VALUES (:'north_token', ARRAY[:'north_session', :'deep_session']),
             (:'top_token', ARRAY[:'top_session', :'north_session', :'south_session', :'deep_session'])) t(t, s);
SELECT is(pg_temp.ask_json('GET', '/0.1/sessions?limit=0&recurse=true', :'north_token'), '{"filtered": 2, "total": 2, "items": []}', 'counts without items');
UPDATE wazo_auth.session SET mobile = true WHERE uuid = :'deep_session';
SELECT is(pg_temp.ask_json('GET', '/0.1/sessions?recurse=true&order=mobile&limit=1&search=nothing', :'north_token') #>> '{items,0,uuid}', :'north_session', 'sorted by mobile; a search does not matter');
SELECT is(pg_temp.ask_json('GET', '/0.1/sessions?recurse=true&order=mobile&direction=desc&limit=1', :'north_token') #>> '{items,0,uuid}', :'deep_session', 'downwards');
UPDATE wazo_auth.session SET expires_at = now() - interval '1 second', issued_at = now() - interval '1 hour' WHERE uuid = :'deep_session';
SELECT is(pg_temp.ask_json('GET', '/0.1/sessions?recurse=true', :'north_token') ->> 'total', '1', 'an expired session is none');
UPDATE wazo_auth.session SET expires_at = now() + interval '1 hour' WHERE uuid = :'deep_session';
SELECT is(pg_temp.ask('GET', r || '?' || q, :'north_token'), '400 {"message": ' || m || ', "error_id": "invalid-list-param", "details": {}, "timestamp": T, "resource": "users"}', 'GET ' || r || '?' || q)
FROM (VALUES ('/0.1/sessions'), ('/0.1/users/' || :'north_user' || '/sessions')) routes(r), (VALUES
  ('order=uuid', '{"order": [{"constraint_id": "enum", "constraint": {"choices": ["mobile"]}, "message": "Must be one of: mobile."}]}'),
  ('recurse=', '{"recurse": {"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"}}'),
  ('limit=x', '{"limit": {"message": "Not a valid integer.", "constraint_id": "type", "constraint": "integer"}}')) t(q, m);
SELECT is(pg_temp.ask('GET', '/0.1/users/' || u || '/sessions?limit=x', :'north_token') LIKE '404 %unknown-user%', true, 'sessions of ' || u)
FROM (VALUES (:'nobody'), (:'south_user'), (:'top_user')) t(u);
SELECT is(pg_temp.ask('GET', '/0.1/sessions?limit=x', :'north_token', NULL, :'south') LIKE '401 %unauthorized-tenant%', true, 'the tenant is looked at before the query');

-- DELETE
SELECT is(pg_temp.ask('DELETE', '/0.1/sessions/' || s, :'north_token'), '204', 'DELETE of a session out of sight: ' || s)
FROM (VALUES (:'nobody'), (:'south_session'), (:'top_session')) t(s);
SELECT is(wazo_auth.token_check(:'south_token')::text || wazo_auth.token_check(:'top_token'), 'validvalid', 'leaves it alone');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/' || :'north_user' || '/sessions/' || :'deep_session', :'north_token'), '204', 'DELETE of another user''s session');
SELECT is(wazo_auth.token_check(:'deep_token')::text, 'valid', 'leaves it alone');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/' || u || '/sessions/' || :'deep_session', :'north_token') LIKE '404 %unknown-user%', true, 'DELETE for ' || u)
FROM (VALUES (:'nobody'), (:'south_user')) t(u);
SELECT is(pg_temp.ask('DELETE', '/0.1/users/' || :'deep_user' || '/sessions/' || :'deep_session', :'north_token'), '204', 'DELETE of the user''s own');
SELECT is(wazo_auth.token_check(:'deep_token')::text, 'unknown', 'ends it');
SELECT pg_temp.token(:'deep_user') AS deep_token \gset
SELECT is(pg_temp.ask('DELETE', '/0.1/sessions/' || pg_temp.session_of(:'deep_token'), :'north_token'), '204', 'DELETE of a session below');
SELECT is(wazo_auth.token_check(:'deep_token')::text, 'unknown', 'ends it');
SELECT is(pg_temp.ask('DELETE', '/0.1/sessions/' || :'north_session', :'north_token', NULL, :'deep'), '204', 'DELETE of the own session, whatever the tenant');
SELECT is(wazo_auth.token_check(:'north_token')::text, 'unknown', 'ends it');
SELECT is(wazo_auth.delete_session(:'top_session'), true, 'in SQL: there was one');
SELECT is(wazo_auth.delete_session(:'top_session'), false, 'there is none any more');

SELECT * FROM finish();
ROLLBACK;
