-- OAuth2 as far as it needs no provider: where users are sent, what of it is stored, whose states count, and what the
-- answers mean. The rest, with a provider, is test/t/oauth2.t.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
SELECT format('/0.1/users/%s/external/google', :'north_user') AS google \gset
SELECT replace(:'google', 'google', 'microsoft') AS microsoft \gset

-- ---- beginning ----
SELECT matches(pg_temp.ask('POST', :'google', :'north_token', '{}'), '^404 .*"No config found for this external auth type: \\"google\\"", "error_id": "unknown-external-auth"', 'no configuration');
SELECT pg_temp.ask('POST', '/0.1/external/' || t || '/config', :'north_token', c) FROM (VALUES ('google', '{"client_id": "an id", "client_secret": "s3cret"}'), ('microsoft', '[]')) v (t, c) \g /dev/null
SELECT matches(pg_temp.ask('POST', :'microsoft', :'north_token', '{}'), '^404 .*no client_id or no client_secret.*"error_id": "unknown-external-auth"', 'one without a client');
SELECT matches(pg_temp.ask('POST', replace(:'google', :'north_user', :'deep_user'), :'north_token', '{}'), '^404 .*"unknown-external-auth"', 'the configuration of the user''s own tenant counts');
SELECT pg_temp.ask_json('POST', :'google', :'north_token', 'null') AS begun \gset
SELECT matches(:'begun'::jsonb ->> 'state', '^[a-zA-Z0-9]{30}$', 'state: 30 letters and digits');
SELECT matches(:'begun'::jsonb ->> 'authorization_url', '^' || regexp_replace(
  'https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=an+id&redirect_uri=https%3A%2F%2Foauth.wazo.io%2Fgoogle%2Fauthorize'
  '&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.profile+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcontacts&state=' || (:'begun'::jsonb ->> 'state')
  || '&code_challenge=', '[.?+]', '\\\&', 'g') || '[A-Za-z0-9_-]{43}&code_challenge_method=S256&access_type=offline&prompt=consent$', 'where the user goes');
SELECT is(pg_temp.ask('PUT', '/0.1/external/microsoft/config', :'north_token', '{"client_id": "i", "client_secret": "s"}'), '204', 'a client');
SELECT matches(pg_temp.ask_json('POST', :'microsoft', :'north_token', '{"scope": ["é", "b&c"]}') ->> 'authorization_url',
  '^https://login\.microsoftonline\.com/common/oauth2/v2\.0/authorize\?response_type=code&client_id=i&redirect_uri=https%3A%2F%2Foauth\.wazo\.io%2Fmicrosoft%2Fauthorize&scope=%C3%A9\+b%26c&state=\w{30}&code_challenge=[A-Za-z0-9_-]{43}&code_challenge_method=S256$', 'with a scope of its own');
SELECT matches(pg_temp.ask_json('POST', :'microsoft', :'north_token', '{"scope": []}') ->> 'authorization_url', 'scope=offline_access\+Contacts\.Read&', 'an empty one is none');
SELECT matches(pg_temp.ask('POST', :'google', :'north_token', b), '^400 \{"message": .*"resource": "users"\}$', b) FROM unnest('{"{\"scope\": 1}","{\"scope\": [\"\"]}","{\"scope\": [5]}","5"}'::text[]) b;
SELECT matches(pg_temp.ask(m, replace(:'google', :'north_user', u), :'north_token', '{}'), '^404 .*"unknown-user"', m || ' of ' || u)
FROM unnest('{GET,POST,DELETE}'::text[]) m, unnest(ARRAY[:'south_user', :'top_user', :'nobody']) u;
SELECT is((SELECT count(*) FROM wazo_auth.oauth2_pending p WHERE p.user_uuid = :'north_user'), 2::bigint, 'one of each kind is waited for, however often it is begun');
SELECT is((SELECT p.relayed FROM wazo_auth.oauth2_pending p WHERE p.type = 'google'), true, 'by the relay');
SELECT matches((SELECT r.url FROM wazo_auth.oauth2_relay_states() r WHERE r.key = encode(wazo_auth.oauth2_digest(:'begun'::jsonb ->> 'state'), 'hex')), '^wss://oauth\.wazo\.io/ws/' || (:'begun'::jsonb ->> 'state') || '$', '... at its address');
SELECT is(bool_or(strpos(p::text, :'begun'::jsonb ->> 'state') > 0 OR strpos(p::text, encode(convert_to(:'begun'::jsonb ->> 'state', 'UTF8'), 'hex')) > 0), false, 'a state is not to be read') FROM wazo_auth.oauth2_pending p;
-- The challenge is the digest of the verifier (RFC 7636, appendix B).
SELECT is(translate(rtrim(encode(wazo_auth.oauth2_digest('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'base64'), '='), '+/', '-_'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'S256');

-- ---- without a relay ----
SELECT wazo_auth.configure('{"google.redirect_uri": "https://pbx.example.com/api/auth/0.1/external/google/authorize", "google.websocket_host": ""}') \g /dev/null
SELECT pg_temp.ask_json('POST', :'google', :'north_token', '{}') AS begun \gset
SELECT matches(:'begun'::jsonb ->> 'authorization_url', 'redirect_uri=https%3A%2F%2Fpbx\.example\.com%2Fapi%2Fauth%2F0\.1%2Fexternal%2Fgoogle%2Fauthorize&', 'back to this service');
SELECT is((SELECT p.relayed FROM wazo_auth.oauth2_pending p WHERE p.type = 'google'), false, 'nobody waits at a relay');

-- ---- where a provider sends the user back to ----
CREATE FUNCTION pg_temp.page(query text, type text DEFAULT 'google', method text DEFAULT 'GET') RETURNS text LANGUAGE sql AS $$
  SELECT a.status || ' ' || COALESCE(substring(convert_from(a.body, 'UTF8') FROM '<p>(.*)</p>'), convert_from(a.body, 'UTF8'))
  FROM wazo_auth.http(method, '/0.1/external/' || type || '/authorize' || query) a
$$;
SELECT :'begun'::jsonb ->> 'state' AS state \gset
\set unknown '400 This address has been used already, or was left for too long. Please begin again.'
SELECT is(pg_temp.page(q), :'unknown', q) FROM unnest(ARRAY['', '?state=', '?state=x&code=y', '?code=y', '?state=' || :'state' || '&state=' || :'state' || '&code=y', '?state[]=' || :'state']) q;
SELECT is(pg_temp.page('?state=' || :'state' || '&code=y', t), :'unknown', 'not of ' || t) FROM unnest('{microsoft,mobile,none}'::text[]) t;
SELECT is(pg_temp.page('?state=' || :'state' || '&error=access_denied', method => 'HEAD'), '400 ', 'HEAD');
SELECT isnt_empty($$SELECT FROM wazo_auth.oauth2_pending p WHERE p.type = 'google'$$, '... ends nothing');
SELECT is(a.headers @> ARRAY['Cache-Control', 'Referrer-Policy', 'Content-Security-Policy', 'X-Content-Type-Options'], true, 'the page keeps the address to itself') FROM wazo_auth.http('GET', '/0.1/external/google/authorize?state=%3Cscript%3E') a;
SELECT unalike(pg_temp.page('?state=%3Cscript%3E&error=%3Cscript%3E'), '%script%', 'nothing of the address is on the page');
SELECT is(pg_temp.page('?state=' || :'state' || '&error=access_denied&error_description=x'), '400 You have not agreed, so your account is not connected. You can close this page.', 'denied');
SELECT is(pg_temp.page('?state=' || :'state' || '&code=y'), :'unknown', 'a state is used up then');
CREATE FUNCTION pg_temp.anew() RETURNS text LANGUAGE sql AS $$
  SELECT wazo_auth.oauth2_begin('22222222-0000-4000-8000-000000000001', 'google', NULL) ->> 'state'
$$;
\set refused '502 The provider of your account refused. Please begin again, or ask your administrator.'
SELECT is(pg_temp.page('?state=' || pg_temp.anew() || q), :'refused', q) FROM unnest('{"&error=server_error","","&code=","&code=a&code=b","&code=y&iss=https://evil.example","&code=y&iss=http://accounts.google.com","&code=y&iss=https://accounts.google.com.evil.example","&code=y&iss=x"}'::text[]) q;
SELECT is(wazo_auth.oauth2_issuer_fits('google', i), fits, 'issuer ' || COALESCE(i, 'null')) FROM (VALUES (NULL, true), ('https://accounts.google.com', true), ('https://accounts.google.com/x', true), ('', false)) v (i, fits);
SELECT wazo_auth.configure('{"google.issuer": "https://accounts.google.com"}') \g /dev/null
SELECT is(wazo_auth.oauth2_issuer_fits('google', i), fits, 'with a configured one: ' || COALESCE(i, 'null')) FROM (VALUES (NULL, false), ('https://accounts.google.com', true), ('https://accounts.google.com/x', false)) v (i, fits);
SELECT wazo_auth.configure('{"google.issuer": null, "oauth2_authorization_lifetime": 10}') \g /dev/null
SELECT pg_temp.anew() AS state \gset
UPDATE wazo_auth.oauth2_pending SET expires_at = clock_timestamp() WHERE type = 'google';
SELECT is(pg_temp.page('?state=' || :'state' || '&code=y'), :'unknown', 'too late');
SELECT is_empty($$SELECT FROM wazo_auth.oauth2_relay_states() r JOIN wazo_auth.oauth2_pending p ON encode(p.state_digest, 'hex') = r.key WHERE p.type = 'google'$$, '... nor is it waited for');
SELECT is(wazo_auth.delete_expired_oauth2(100), 1, 'what nobody finished is removed');
SELECT throws_ok('SELECT wazo_auth.delete_expired_oauth2(' || b || ')', '22023', NULL, 'batch ' || b) FROM unnest('{0,100001,"NULL"}'::text[]) b;

-- ---- what a token endpoint says ----
SELECT is(t.problem || COALESCE(t.tokens::text, ''), v.want, COALESCE(v.body, v.verdict))
FROM (VALUES
  ('unreachable', NULL, 'x', 'unreachable'), ('answered', 500, '{}', 'unreachable'), ('answered', 429, '{}', 'unreachable'),
  ('answered', 400, '{"error": "invalid_grant"}', 'ended'), ('answered', 401, '{"error": "invalid_client"}', 'refused'), ('answered', 400, 'x', 'refused'),
  ('answered', 302, '{"access_token": "a"}', 'refused'), ('answered', 200, '', 'refused'), ('answered', 200, '[]', 'refused'), ('answered', 200, '{"access_token": 1}', 'refused'),
  ('answered', 200, '{"access_token": ""}', 'refused'), ('answered', 200, '{"access_token": "a", "expires_in": "x"}', 'refused'), ('answered', 200, '{"access_token": "a", "expires_in": -1}', 'refused'),
  ('answered', 200, '{"access_token": "a", "expires_in": 1e300}', 'refused'), ('answered', 200, '{"access_token": "\u0000"}', 'refused'),
  ('answered', 200, repeat('[', 50000), 'refused')) v (verdict, status, body, want), LATERAL wazo_auth.oauth2_tokens((v.verdict, v.status, v.body)::wazo_auth.oauth2_answer) t;
SELECT is(t.tokens - 'token_expiration', v.want::jsonb, v.body)
FROM (VALUES ('{"access_token": "a", "expires_in": "60", "refresh_token": "r", "scope": "x  y"}', '{"access_token": "a", "refresh_token": "r", "scope": ["x", "y"]}'),
             ('{"access_token": "a", "refresh_token": "", "scope": 5}', '{"access_token": "a"}')) v (body, want), LATERAL wazo_auth.oauth2_tokens(('answered', 200, v.body)::wazo_auth.oauth2_answer) t;
SELECT is((t.tokens ->> 'token_expiration')::numeric BETWEEN extract(epoch FROM now()) + 59 AND extract(epoch FROM clock_timestamp()) + 60, true, 'until when it is good')
FROM wazo_auth.oauth2_tokens(('answered', 200, '{"access_token": "a", "expires_in": 60}')::wazo_auth.oauth2_answer) t;

-- ---- the account ----
SELECT wazo_auth.set_external_auth(:'north_user', 'google', '{"access_token": "a", "refresh_token": "r", "token_expiration": 4000000000.75, "scope": ["x"]}') \g /dev/null
SELECT is(pg_temp.ask('GET', :'google', :'north_token'), '200 {"scope": ["x"], "access_token": "a", "token_expiration": 4000000000}', 'GET');
SELECT wazo_auth.set_external_auth(:'north_user', 'google', '{"access_token": "a", "token_expiration": 4000000000}') \g /dev/null
SELECT is(pg_temp.ask('GET', :'google', :'north_token'), '200 {"access_token": "a", "token_expiration": 4000000000}', 'what is not there is left out');
SELECT wazo_auth.set_external_auth(:'north_user', 'google', '{"access_token": "a", "token_expiration": 1}') \g /dev/null
SELECT matches(pg_temp.ask('GET', :'google', :'north_token'), '^404 \{"message": "The authorization has ended, the user has to authorize again: \\"google\\"", "error_id": "unknown-external-auth", "details": \{"type": "google"\}, "timestamp": T, "resource": "google"\}$', 'expired, and nothing to refresh it with');
SELECT is(pg_temp.ask('HEAD', :'google', :'north_token'), '200', 'HEAD asks no provider');
SELECT is(pg_temp.ask('DELETE', :'google', :'north_token'), '204', 'DELETE');
SELECT matches(pg_temp.ask('GET', :'google', :'north_token'), '^404 .*"unknown-external-auth"', '... deletes it');
SELECT is(count(*), 3::bigint, 'events') FROM wazo_auth.event_outbox o WHERE o.name LIKE 'auth_user_external_auth%' AND o.routing_key LIKE '%.google.%' AND o.name <> 'auth_user_external_auth_deleted';

-- ---- kinds that others have registered ----
CREATE ROLE bar_owner IN ROLE wazo_auth_plugin;
CREATE ROLE stranger IN ROLE wazo_auth_plugin;
CREATE SCHEMA bar AUTHORIZATION bar_owner;
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
SELECT wazo_auth.add_external_auth_type('bar') \g /dev/null
SET LOCAL ROLE bar_owner;
CREATE TABLE bar.called (who text, user_uuid uuid, args jsonb, message jsonb);
CREATE FUNCTION bar.came_back(user_uuid uuid, args jsonb, message jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO bar.called VALUES (current_user, user_uuid, args, message);
  IF message ? 'error' THEN RAISE EXCEPTION 'not that one: %', message ->> 'code'; END IF;
END
$$;
RESET ROLE;
\set state 'a-state-that-nobody-guesses'
SELECT format($$SELECT wazo_auth.wait_for_oauth2('bar', %L, %L, '{"a": 1}')$$, :'north_user', :'state') AS waits \gset
SELECT throws_ok(format('SELECT pg_temp.run_as(%L, %L)', 'bar_owner', :'waits'), '42704', NULL, 'no callback yet');
SELECT lives_ok($$SELECT pg_temp.run_as('bar_owner', 'SELECT wazo_auth.register_oauth2_callback(''bar'', ''bar.came_back'')')$$, 'a callback');
SELECT is(pg_temp.run_as('bar_owner', $$SELECT wazo_auth.build_oauth2_redirect_url('bar')$$), 'https://oauth.wazo.io/bar/authorize', 'where the user comes back to');
SELECT throws_ok(format('SELECT pg_temp.run_as(%L, %L)', 'stranger', :'waits'), '42501', NULL, 'of somebody else');
SELECT throws_ok(format($$SELECT wazo_auth.wait_for_oauth2('bar', %L, %L)$$, v.u, v.s), v.code, NULL, v.s || ' of ' || v.u)
FROM (VALUES (:'nobody', :'state', 'WA404'), (:'north_user', 'short', '22023'), (:'north_user', 'a/state/that/leads/elsewhere', '22023')) v (u, s, code);
SELECT lives_ok(format('SELECT pg_temp.run_as(%L, %L)', 'bar_owner', :'waits'), 'it waits for a user');
SELECT is((SELECT r.url FROM wazo_auth.oauth2_relay_states() r WHERE r.key = encode(wazo_auth.oauth2_digest(:'state'), 'hex')), 'wss://oauth.wazo.io/ws/' || :'state', '... at the relay');
SELECT is(wazo_auth.oauth2_note_message(encode(wazo_auth.oauth2_digest(:'state'), 'hex'), '{"code": "c0de", "x": 1}'), 1, 'an answer by the relay');
SELECT is((wazo_auth.oauth2_relay_exchange('{}')).key, NULL, '... needs no token endpoint');
SELECT results_eq('SELECT who, user_uuid, args, message FROM bar.called', format($$VALUES ('bar_owner', %L::uuid, '{"a": 1}'::jsonb, '{"code": "c0de", "x": 1}'::jsonb)$$, :'north_user'), '... but goes to the callback, as its role');
SELECT is(count(*), 1::bigint, 'its event') FROM wazo_auth.event_outbox o WHERE o.routing_key = format('auth.users.%s.external.bar.authorized', :'north_user');
SELECT is_empty(format($$SELECT FROM wazo_auth.oauth2_pending WHERE type = 'bar'$$), 'once');
SELECT pg_temp.run_as('bar_owner', :'waits') \g /dev/null
SELECT is(pg_temp.page('?state=' || :'state' || '&code=d&more=e', 'bar'), '200 Your account is connected. You can close this page.', 'an answer by the own route');
SELECT is(message, jsonb_build_object('state', :'state', 'code', 'd', 'more', 'e'), '... with all that is in it') FROM bar.called WHERE message ->> 'code' = 'd';
SELECT pg_temp.run_as('bar_owner', :'waits') \g /dev/null
SELECT is(pg_temp.page('?state=' || :'state' || '&error=x&code=s3cret', 'bar'), :'refused', 'a callback that fails');
SELECT is(count(*), 2::bigint, '... what it did is undone, and no event is sent') FROM bar.called, wazo_auth.event_outbox o WHERE o.routing_key LIKE '%.authorized' GROUP BY o.id LIMIT 1;
SELECT is_empty($$SELECT FROM wazo_auth.oauth2_pending WHERE type = 'bar'$$, '... and it is over');
SELECT is(wazo_auth.is_websocket_template(t), good, t) FROM (VALUES ('wss://a.example/ws/{state}', true), ('wss://a.example/ws/', false), ('ws://a.example/{state}', false)) v (t, good);
SELECT is(wazo_auth.is_redirect_template(t), good, t) FROM (VALUES ('https://a.example/{auth_type}/authorize', true), ('http://a.example/{auth_type}', false)) v (t, good);

-- ---- addresses ----
SELECT is(wazo_auth.is_oauth2_url(u), good, u) FROM (VALUES ('https://a.example/x', true), ('https://a.example:8443/x/y', true), ('https://[2001:db8::1]/', true), ('http://a.example/', false),
  ('https://u:p@a.example/', false), ('https://a.example/?x', false), ('https://a.example/#x', false), ('https://', false), ('https://a b/', false), ('https://a.example/ ', false)) v (u, good);
SELECT is(wazo_auth.is_websocket_url(u), good, u) FROM (VALUES ('wss://a.example', true), ('wss://a.example:8443/x', true), ('', true), ('ws://a.example', false), ('wss://a.example/', false), ('wss://a.example/?x', false)) v (u, good);
SELECT throws_ok($$SELECT wazo_auth.configure('{"google.token_url": "http://127.0.0.1/"}')$$, '22023', NULL, 'an address without TLS is refused');
SELECT is(wazo_auth.form('[["a", "b c&d=é~"], ["e", null]]'), 'a=b+c%26d%3D%C3%A9~', 'a form');

SELECT * FROM finish();
ROLLBACK;
