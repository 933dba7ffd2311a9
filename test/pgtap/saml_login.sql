-- Logins and logouts by SAML as far as they need no signed response of an
-- identity provider (that is test/t/saml.t): the request, who may use the
-- login, how often, and both kinds of logout (contract: saml.md section 3).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
\ir lib/saml.psql
SELECT no_plan();
SELECT wazo_auth.create_saml_config(:'north', :'north_domain', 'wazo', :'acs', :'metadata') \g /dev/null
SELECT wazo_auth.set_authentication_method(u::uuid, 'saml') FROM unnest(ARRAY[:'north_user', :'south_user', :'deep_user']) u \g /dev/null
CREATE FUNCTION pg_temp.sso(url text DEFAULT 'https://north.example.com/', domain text DEFAULT 'north.example.com') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ask('POST', '/0.1/saml/sso', NULL, json_build_object('redirect_url', url, 'domain', domain)::text)
$$;

-- ---- the request ----
SELECT pg_temp.ask_json('POST', '/0.1/saml/sso', NULL, '{"redirect_url": "https://north.example.com/a?b#c", "domain": "North.Example.com."}') AS started \gset
SELECT :'started'::jsonb ->> 'saml_session_id' AS id, :'started'::jsonb ->> 'location' AS location \gset
SELECT matches(:'id'::text, '^[A-Za-z0-9_-]{22}$', 'a saml_session_id');
SELECT matches(:'location'::text, '^https://idp.example.org/sso\?SAMLRequest=[^&]+&RelayState=[0-9a-f-]{36}&SigAlg=[^&]*rsa-sha256&Signature=[^&]+$', 'a signed request, by redirect');
SELECT is((SELECT count(*) FROM wazo_auth.saml_session s WHERE s::text LIKE '%' || :'id' || '%'), 0::bigint, 'the id is stored nowhere');
SELECT is((SELECT s.digest::text FROM wazo_auth.saml_session s), substring(:'location' FROM 'RelayState=([0-9a-f-]+)'), 'its digest is the RelayState');
SELECT is(pg_temp.sso(domain => d), format('404 {"message": "SAML client for domain not found or failed", "error_id": "configuration-error", "details": {"domain": "%s"}, "timestamp": T, "resource": "saml"}', d), 'the domain ' || d)
FROM unnest('{south.example.com,nosuch,x}'::text[]) d;
SELECT is(pg_temp.ask('POST', '/0.1/saml/sso', NULL, v.body), format('400 {"message": "%s", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "saml"}', v.field), v.body)
FROM (VALUES ('{}', 'redirect_url'), ('{"domain": "x"}', 'redirect_url'), ('{"redirect_url": "", "domain": 1}', 'redirect_url'), ('{"redirect_url": "x"}', 'domain'), ('{"redirect_url": "x", "domain": ""}', 'domain')) v (body, field);

-- ---- where it may lead ----
SELECT wazo_auth.configure('{"saml.redirect_origins": ["https://app.example.net", "http://localhost:8080"]}') \g /dev/null
SELECT matches(pg_temp.sso(u), '^200 ', 'to ' || u)
FROM unnest(ARRAY['https://north.example.com', 'http://north.example.com/x', 'https://NORTH.example.com:444/x?y=z#/w', 'https://app.example.net', 'https://app.example.net/a', 'http://localhost:8080/']) u;
SELECT is(pg_temp.sso(u), '400 {"message": "redirect_url", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "saml"}', 'not to ' || to_json(left(u, 60)))
FROM unnest(ARRAY['https://evil.example', 'javascript:alert(1)', '//north.example.com', 'https:north.example.com', 'https:///north.example.com', 'https://north.example.com@evil.example/', 'https://evil.example/north.example.com',
  'https://evil.example?north.example.com', 'https://evil.example#north.example.com', 'https://north.example.com.evil.example', 'https://xnorth.example.com', 'https://sub.north.example.com', 'https://south.example.com/', 'https://deep.example.com',
  'https://north.example.com\@evil.example', 'https://evil.example\north.example.com', 'https://north.example.com%2f@evil.example', 'https://north.example.com:x', 'https://north.example.com:443@evil.example', 'https://user:pw@north.example.com', ' https://north.example.com', E'https://north.example.com/\r\nX: y', E'https://north.example.com\t', 'https://north.example.com/é', 'https://ｎorth.example.com', 'ftp://north.example.com', 'data:text/html,x',
  'http://app.example.net', 'https://app.example.net:444', 'https://app.example.net.', 'http://localhost', 'http://localhost:80801', 'https://north.example.com/' || repeat('x', 500)]) u;
SELECT throws_ok(format('SELECT wazo_auth.configure(%L)', jsonb_build_object('saml', jsonb_build_object('redirect_origins', jsonb_build_array(o)))), '22023', NULL, 'no origin: ' || o)
FROM unnest('{*,https://*,https://a/,https://A,ftp://a,a.example.com,https://a@b}'::text[]) o;
SELECT is(wazo_auth.url_with(u, 'x=1'), w, u) FROM (VALUES ('https://a', 'https://a?x=1'), ('https://a/?b', 'https://a/?b&x=1'), ('https://a/?', 'https://a/?x=1'), ('https://a/?b=c&#d?e', 'https://a/?b=c&x=1#d?e'), ('https://a#?', 'https://a?x=1#?')) v (u, w);

-- ---- metadata that have expired meanwhile ----
UPDATE wazo_auth.saml_config c SET idp = c.idp || '{"valid_until": "1000000000"}';
SELECT matches(pg_temp.sso(), '^404 .*configuration-error', 'expired metadata start no login');
SELECT matches(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', substring(:'location' FROM 'RelayState=([0-9a-f-]+)'), 'SAMLResponse', 'eA==')),
  'https://north.example.com/a\?b&login_failure_code=401#c$', '... and end none');
UPDATE wazo_auth.saml_config c SET idp = c.idp - 'valid_until';

-- ---- answers ----
SELECT is(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, f), '400 {"message": "RelayState and/or SAMLResponse", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "saml"}', 'without a field: ' || f::text)
FROM unnest(ARRAY['{}', '{"RelayState": "x"}', '{"SAMLResponse": "x"}']::jsonb[]) f;
SELECT matches(pg_temp.ask('POST', '/0.1/saml/acs', NULL, '{"RelayState": "x", "SAMLResponse": "x"}'), '^400 .*RelayState and/or', 'JSON is no form');
SELECT is(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', s, 'SAMLResponse', 'eA==')),
  '404 {"message": "SAML processing failed", "error_id": "processing-error", "details": {"error": "Context not found"}, "timestamp": T, "resource": "saml"}', 'the RelayState ' || s)
FROM unnest(ARRAY['', 'x', :'nobody', substring(:'location' FROM 'RelayState=([0-9a-f-]+)')]) s;
SELECT pg_temp.ask_json('POST', '/0.1/saml/sso', NULL, '{"redirect_url": "https://north.example.com", "domain": "north.example.com"}') ->> 'location' AS location \gset
SELECT substring(:'location' FROM 'RelayState=([0-9a-f-]+)') AS state \gset
UPDATE wazo_auth.saml_session s SET expires_at = now() WHERE s.digest = :'state';
SELECT matches(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', :'state', 'SAMLResponse', 'eA==')), '^404 .*Context not found', 'too late');
UPDATE wazo_auth.saml_session s SET expires_at = now() + interval '1 hour' WHERE s.digest = :'state';
SELECT is(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', :'state', 'SAMLResponse', 'eA==')), '302 https://north.example.com?login_failure_code=401', 'an answer that is none');
SELECT matches(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', :'state', 'SAMLResponse', 'eA==')), '^404 ', '... ends the login');

-- What the attribute "name" is.
SELECT is(wazo_auth.saml_login_of(jsonb_build_object('attributes', a)), w, a::text) FROM (VALUES
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": ["a", "b"]}]'::jsonb, 'a'),
  ('[{"name": "HTTP://schemas.xmlsoap.org/ws/2005/05/identity/claims/Name", "format": "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified", "values": ["a"]}]', 'a'),
  ('[{"name": "urn:mace:dir:attribute-def:name", "format": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", "values": ["a"]}]', 'a'),
  ('[{"name": "urn:mace:dir:attribute-def:name", "format": null, "values": ["a"]}]', NULL),
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri", "values": ["a"]}]', NULL),
  ('[{"name": "name", "format": null, "values": ["a"]}]', NULL), ('[]', NULL),
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": []}]', NULL),
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": [""]}]', NULL),
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": ["a"]}, {"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": ["b"]}]', NULL),
  ('[{"name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "format": null, "values": ["a"]}, {"name": "urn:mace:dir:attribute-def:name", "format": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", "values": ["a"]}]', 'a')) v (a, w);
SELECT is(wazo_auth.saml_first_time(i, a, now()), w, i || ' ' || a) FROM (VALUES ('i', 'a', true), ('i', 'b', true), ('j', 'a', true), ('i', 'a', false), ('ia', '', true)) v (i, a, w);

-- ---- how many may be on their way: the newest ----
-- In saml_session of each tenant, the places in which they began.
CREATE TEMP TABLE began (n serial, digest uuid);
CREATE FUNCTION pg_temp.begin_at(domain text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO began (digest) SELECT substring(l FROM 'RelayState=([0-9a-f-]+)')::uuid
  FROM (SELECT pg_temp.ask_json('POST', '/0.1/saml/sso', NULL, json_build_object('redirect_url', 'https://' || domain || '/', 'domain', domain)::text) ->> 'location' AS l) x
$$;
CREATE FUNCTION pg_temp.pending() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(b.n::text, ' ' ORDER BY b.n) FROM began b JOIN wazo_auth.saml_session s ON s.digest = b.digest
$$;
SELECT wazo_auth.create_saml_config(:'south', :'south_domain', 'wazo', :'acs', replace(:'metadata', 'idp.example', 'south.example')) \g /dev/null
DELETE FROM wazo_auth.saml_session;
SELECT wazo_auth.configure('{"saml.max_pending_logins_per_tenant": 3}') \g /dev/null
SELECT pg_temp.begin_at('south.example.com') FROM generate_series(1, 2) \g /dev/null
SELECT pg_temp.begin_at('north.example.com') FROM generate_series(3, 4) \g /dev/null
SELECT is(pg_temp.pending(), '1 2 3 4', 'as many as may be on their way');
SELECT pg_temp.begin_at('north.example.com') FROM generate_series(5, 7) \g /dev/null
SELECT is(pg_temp.pending(), '1 2 5 6 7', 'of one tenant the oldest go');
UPDATE wazo_auth.saml_session s SET login = 'x', subject = '{"name_id": "x"}' FROM began b WHERE b.digest = s.digest AND b.n IN (5, 6);
SELECT pg_temp.begin_at('north.example.com') FROM generate_series(8, 9) \g /dev/null
SELECT is(pg_temp.pending(), '1 2 5 6 7 8 9', '... those that were answered do not count');
SELECT wazo_auth.configure('{"saml.max_pending_logins": 4}') \g /dev/null
SELECT pg_temp.begin_at('south.example.com') \g /dev/null
SELECT is(pg_temp.pending(), '5 6 7 8 9 10', 'in all the oldest go, whose ever they are');
SELECT wazo_auth.configure('{"saml.max_pending_logins": null, "saml.max_pending_logins_per_tenant": null}') \g /dev/null
SELECT wazo_auth.delete_saml_config(:'south') \g /dev/null
DELETE FROM wazo_auth.saml_session s USING began b WHERE b.digest = s.digest;

-- ---- POST /token ----
-- A login that its identity provider has answered, or as changes say.
CREATE FUNCTION pg_temp.answered(login text, tenant text DEFAULT '11111111-0000-4000-8000-000000000001') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_id uuid := gen_random_uuid();
BEGIN
  INSERT INTO wazo_auth.saml_session (digest, tenant_uuid, request_id, redirect_url, expires_at, login, subject)
  VALUES (wazo_auth.token_digest(v_id), tenant::uuid, 'id-' || v_id, 'https://north.example.com/', clock_timestamp() + interval '1 hour',
          login, CASE WHEN login IS NOT NULL THEN jsonb_build_object('name_id', 'n-' || login, 'session_index', '["i1"]'::jsonb) END);
  RETURN rtrim(translate(encode(uuid_send(v_id), 'base64'), '+/', '-_'), '=');
END $$;
CREATE FUNCTION pg_temp.log_in(id text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ask('POST', '/0.1/token', NULL, (jsonb_build_object('saml_session_id', id) || more)::text)
$$;
\set failed '401 {"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}'
SELECT is(pg_temp.log_in(i), :'failed', 'the session ' || i) FROM unnest(ARRAY['x', 'token-already-used', repeat('A', 22), repeat('A', 23), :'id']) i;
SELECT is(pg_temp.log_in(pg_temp.answered(NULL)), :'failed', 'one that was not answered');
SELECT pg_temp.answered('NORTH') AS good \gset
SELECT matches(pg_temp.log_in(:'good'), format('^200 .*"auth_id": "%s"', :'north_user'), 'one that was, whatever the case of the login');
SELECT is(pg_temp.log_in(:'good'), :'failed', '... is good for one token');
SELECT is(pg_temp.log_in(:'good', '{"access_type": "offline", "client_id": "c"}'), :'failed', '... of any kind');
SELECT is(pg_temp.log_in(pg_temp.answered('south')), :'failed', 'a user of another tenant');
SELECT is(pg_temp.log_in(pg_temp.answered('deep')), :'failed', 'a user of a tenant below');
SELECT is(pg_temp.log_in(pg_temp.answered('nosuch')), :'failed', 'no user');
SELECT pg_temp.answered('north') AS later \gset
SELECT wazo_auth.set_authentication_method(:'north_user', 'native') \g /dev/null
SELECT is(pg_temp.log_in(:'later'), :'failed', 'a user of another method');
UPDATE wazo_auth.user u SET authentication_method = 'saml', enabled = false WHERE u.uuid = :'north_user';
SELECT is(pg_temp.log_in(:'later'), :'failed', 'a disabled user');
UPDATE wazo_auth.user u SET enabled = true WHERE u.uuid = :'north_user';
UPDATE wazo_auth.saml_session s SET expires_at = now() WHERE s.login = 'north' AND NOT s.used;
SELECT is(pg_temp.log_in(:'later'), :'failed', 'too late');
SELECT pg_temp.answered('north') AS capped \gset
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 1}') \g /dev/null
SELECT matches(pg_temp.log_in(:'capped'), '^429 ', 'at the session cap');
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": null}') \g /dev/null
SELECT matches(pg_temp.log_in(:'capped'), '^200 ', '... it was not used');
SELECT matches(pg_temp.log_in(pg_temp.answered('north'), '{"refresh_token": "x", "client_id": "c"}'), '^400 .*saml_session_id', 'with a refresh token');
SELECT wazo_auth.configure('{"idp_plugins": {"saml": {"enabled": false}}}') \g /dev/null
SELECT is(pg_temp.log_in(pg_temp.answered('north')), :'failed', 'while the provider is off');
SELECT wazo_auth.configure('{"idp_plugins": null}') \g /dev/null
-- What comes of a session at the identity provider does not outlive it.
CREATE FUNCTION pg_temp.answered_until(until interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_id text := pg_temp.answered('north');
BEGIN
  UPDATE wazo_auth.saml_session s SET session_ends_at = clock_timestamp() + until WHERE s.login = 'north' AND NOT s.used;
  RETURN v_id;
END $$;
CREATE FUNCTION pg_temp.expires_at(answer text) RETURNS timestamptz LANGUAGE sql AS $$
  SELECT s.expires_at FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest((substr(answer, 5)::jsonb -> 'data' ->> 'token')::uuid)
$$;
UPDATE wazo_auth.saml_session SET used = true WHERE login IS NOT NULL;
SELECT is(pg_temp.log_in(pg_temp.answered_until('-1 second')), :'failed', 'a session that is over there');
UPDATE wazo_auth.saml_session SET used = true WHERE login IS NOT NULL;
SELECT pg_temp.log_in(pg_temp.answered_until('3000 seconds'), '{"expiration": 7200}') AS answer \gset
SELECT ok(pg_temp.expires_at(:'answer') BETWEEN s.session_ends_at - interval '2 seconds' AND s.session_ends_at, 'a token ends with the session there')
FROM wazo_auth.saml_session s WHERE s.session_ends_at > now() AND s.token_digest IS NOT NULL;
SELECT pg_temp.log_in(pg_temp.answered_until('3000 seconds'), '{"expiration": 5}') AS answer \gset
SELECT ok(pg_temp.expires_at(:'answer') < clock_timestamp() + interval '6 seconds', '... or before');
SELECT pg_temp.log_in(pg_temp.answered_until('1000 years'), '{"expiration": 7200}') AS answer \gset
SELECT ok(pg_temp.expires_at(:'answer') <= clock_timestamp() + interval '2 hours', '... also where that is far away');
SELECT pg_temp.log_in(pg_temp.answered_until('3000 seconds'), '{"access_type": "offline", "client_id": "ends"}') AS answer \gset
SELECT substr(:'answer', 5)::jsonb -> 'data' ->> 'refresh_token' AS refresh \gset
CREATE FUNCTION pg_temp.refresh(token text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ask('POST', '/0.1/token', NULL, jsonb_build_object('refresh_token', token, 'client_id', 'ends')::text)
$$;
SELECT ok(pg_temp.expires_at(pg_temp.refresh(:'refresh')) <= r.ends_at, 'what a refresh token opens ends with it, too') FROM wazo_auth.refresh_token r WHERE r.client_id = 'ends';
UPDATE wazo_auth.refresh_token r SET ends_at = clock_timestamp() WHERE r.client_id = 'ends';
SELECT is(pg_temp.refresh(:'refresh'), :'failed', '... which then is over');
SELECT is(substr(pg_temp.log_in(pg_temp.answered_until('6000 seconds'), '{"access_type": "offline", "client_id": "ends"}'), 5)::jsonb -> 'data' ->> 'refresh_token', :'refresh', 'a later login');
SELECT matches(pg_temp.refresh(:'refresh'), '^200 ', '... lets it go on');
UPDATE wazo_auth.refresh_token r SET ends_at = clock_timestamp() WHERE r.client_id = 'ends';
DELETE FROM wazo_auth.event_outbox;
SELECT wazo_auth.delete_expired_refresh_tokens(100) \g /dev/null
SELECT is_empty($$SELECT FROM wazo_auth.refresh_token r WHERE r.client_id = 'ends'$$, 'one that is over is cleared away');
SELECT is((SELECT array_agg(DISTINCT e.name ORDER BY e.name) FROM wazo_auth.event_outbox e), '{auth_refresh_token_deleted,auth_session_deleted}', '... with its events');
SELECT pg_temp.answered('north') AS stale \gset
SELECT wazo_auth.update_saml_config(:'north', entity_id => 'other') \g /dev/null
SELECT is(pg_temp.log_in(:'stale'), :'failed', 'after a change of the configuration');

-- ---- logout ----
CREATE FUNCTION pg_temp.data(answer text) RETURNS jsonb LANGUAGE sql AS $$ SELECT substr(answer, 5)::jsonb -> 'data' $$;
CREATE FUNCTION pg_temp.live(token text) RETURNS boolean LANGUAGE sql AS $$ SELECT pg_temp.ask('HEAD', '/0.1/token/' || token) = '204' $$;
SELECT is(pg_temp.ask('GET', '/0.1/saml/logout', t), '404 {"reason": ["No such token"], "timestamp": [T], "status_code": 404}', 'logout with the token ' || COALESCE(t, 'of nobody')) FROM unnest(ARRAY[NULL, 'x', :'nobody']) t;
SELECT is(pg_temp.ask('GET', '/0.1/saml/logout', :'north_token'), '404 {"message": "SAML processing failed", "error_id": "processing-error", "details": {"error": "Context not found"}, "timestamp": T, "resource": "saml"}', 'with one that does not come from SAML');
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'), '{"access_type": "offline", "client_id": "c"}')) AS offline \gset
SELECT :'offline'::jsonb ->> 'token' AS token, :'offline'::jsonb ->> 'refresh_token' AS refresh \gset
SELECT pg_temp.data(pg_temp.ask('POST', '/0.1/token', NULL, jsonb_build_object('refresh_token', :'refresh', 'client_id', 'c')::text)) ->> 'token' AS second \gset
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'))) ->> 'token' AS third \gset
SELECT ok(pg_temp.live(:'token') AND pg_temp.live(:'second') AND pg_temp.live(:'third'), 'a refresh token makes further tokens');
DELETE FROM wazo_auth.event_outbox;
SELECT pg_temp.ask_json('GET', '/0.1/saml/logout?token=' || :'nobody', :'second') ->> 'location' AS location \gset
SELECT matches(:'location'::text, '^https://idp.example.org/slo\?SAMLRequest=[^&]+&RelayState=[0-9a-f-]{36}&SigAlg=[^&]*rsa-sha256&Signature=[^&]+$', 'a signed LogoutRequest; the header comes before the query');
SELECT ok(NOT pg_temp.live(:'token') AND NOT pg_temp.live(:'second'), 'the tokens of the refresh token end');
SELECT ok(pg_temp.live(:'third'), '... and those of another login do not');
SELECT matches(pg_temp.ask('POST', '/0.1/token', NULL, jsonb_build_object('refresh_token', :'refresh', 'client_id', 'c')::text), '^401 ', '... it ends, too');
SELECT is((SELECT array_agg(e.name ORDER BY e.name) FROM wazo_auth.event_outbox e), '{auth_refresh_token_deleted,auth_session_deleted,auth_session_deleted}', '... with their events');
SELECT matches(pg_temp.ask('GET', '/0.1/saml/logout', :'second'), '^404 .*No such token', 'once');

-- The answer of the identity provider, signed with its key.
SELECT s.digest AS state, s.logout_request_id AS request FROM wazo_auth.saml_session s WHERE s.logout_request_id IS NOT NULL \gset
CREATE FUNCTION pg_temp.said(made jsonb) RETURNS text LANGUAGE sql AS $$ SELECT split_part(made ->> 'location', '?', 2) $$;
CREATE FUNCTION pg_temp.sls(query text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_catalog.concat_ws(' ', a.status, COALESCE(a.headers[pg_catalog.array_position(a.headers, 'Location') + 1], substring(pg_catalog.convert_from(a.body, 'UTF8') FROM '"error": "([^"]*)"')))
  FROM wazo_auth.http('GET', '/0.1/saml/sls?' || query) a
$$;
SELECT pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', :'sls', :'idp_key', :'request', relay_state => :'state')) AS answer,
       pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', :'sls', :'other_key', :'request', relay_state => :'state')) AS forged \gset
\set no '401 The answer of the identity provider was refused'
SELECT is(pg_temp.sls(q), :'no', w) FROM (VALUES
  (:'forged', 'signed by another'), (regexp_replace(:'answer', '&SigAlg=.*', ''), 'unsigned'),
  (pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', 'https://x', :'sls', :'idp_key', :'request', relay_state => :'state')), 'of another issuer'),
  (pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', 'https://x', :'idp_key', :'request', relay_state => :'state')), 'for another address'),
  (pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', :'sls', :'idp_key', 'id-1', relay_state => :'state')), 'to another request'),
  (pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', :'sls', :'idp_key', :'request', false, relay_state => :'state')), 'that says no'),
  (pg_temp.said(wazo_auth.saml_make_logout_response(:'north', 'redirect', :'idp', :'sls', :'idp_key', :'request')) || '&RelayState=' || :'state', 'with a RelayState that was not signed')) v (q, w);
SELECT is(pg_temp.sls(q), w, 'not ' || left(q, 40)) FROM (VALUES ('', '400 SAMLResponse and/or SAMLRequest'), ('SAMLResponse=x&SAMLRequest=x', '400 SAMLResponse and/or SAMLRequest'),
  ('SAMLResponse=x', '404 Context not found'), ('SAMLResponse=x&RelayState=' || :'nobody', '404 Context not found'), ('SAMLRequest=x', '401 The request of the identity provider was refused')) v (q, w);
SELECT is(pg_temp.sls(:'answer'), '302 https://north.example.com/?logged_out=true', 'its answer');
SELECT is(pg_temp.sls(:'answer'), '404 Context not found', '... once');

-- The identity provider asks.
CREATE FUNCTION pg_temp.asked(key text, name_id text, index text[] DEFAULT '{}', issuer text DEFAULT 'https://idp.example.org', address text DEFAULT 'https://stack.example.com/api/auth/0.1/saml/sls') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.said(wazo_auth.saml_make_logout_request(NULL, 'redirect', issuer, address, key, name_id, session_index => index, relay_state => 'theirs'))
$$;
\set no '401 The request of the identity provider was refused'
SELECT is(pg_temp.sls(q), :'no', w) FROM (VALUES (pg_temp.asked(:'other_key', 'n-north'), 'asked by a forger'), (pg_temp.asked(:'idp_key', 'n-north', issuer => 'https://x'), 'by another issuer'),
  (pg_temp.asked(:'idp_key', 'n-north', address => 'https://x'), 'at another address'), (regexp_replace(pg_temp.asked(:'idp_key', 'n-north'), '&SigAlg=.*', ''), 'unsigned')) v (q, w);
SELECT matches(pg_temp.sls(pg_temp.asked(:'idp_key', 'n-nobody')), '^302 https://idp.example.org/slo\?SAMLResponse=[^&]+&RelayState=theirs&SigAlg=', 'for somebody else: answered');
SELECT matches(pg_temp.sls(pg_temp.asked(:'idp_key', 'n-north', '{i2}')), '^302 ', 'for another of its sessions');
SELECT ok(pg_temp.live(:'third'), 'nothing of it ends the token');
SELECT pg_temp.asked(:'idp_key', 'n-north', '{i1,i2}') AS asked \gset
SELECT matches(pg_temp.sls(:'asked'), '^302 ', 'for this one');
SELECT ok(NOT pg_temp.live(:'third'), '... ends it');
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'))) ->> 'token' AS third \gset
SELECT is(pg_temp.sls(:'asked'), :'no', 'a request that came before');
SELECT ok(pg_temp.live(:'third'), '... ends nothing');
SELECT matches(pg_temp.sls(pg_temp.asked(:'idp_key', 'n-north')), '^302 ', 'for all of its sessions');
SELECT ok(NOT pg_temp.live(:'third'), '... ends it');

-- An identity provider that takes no logout by redirect: here it ends all the same.
CREATE FUNCTION pg_temp.local_logout(metadata text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_token text;
BEGIN
  PERFORM wazo_auth.update_saml_config('11111111-0000-4000-8000-000000000001', metadata => local_logout.metadata);
  v_token := pg_temp.data(pg_temp.log_in(pg_temp.answered('north'))) ->> 'token';
  RETURN concat_ws(' ', pg_temp.live(v_token), pg_temp.ask('GET', '/0.1/saml/logout?token=' || v_token), pg_temp.live(v_token));
END $$;
SELECT is(pg_temp.local_logout(pg_temp.idp_metadata(:'idp', :'idp_certificate', m)), 't 200 {"location": "https://north.example.com/?logged_out=true"} f', 'no logout there: ' || COALESCE(m, 'none'))
FROM unnest('{SOAP,NULL}'::text[]) m;

-- ---- an identity provider that takes messages by HTTP-POST alone: a page of ours posts them ----
CREATE FUNCTION pg_temp.page(location text) RETURNS wazo_auth.http_response LANGUAGE sql AS $$
  SELECT (a.status, a.headers, a.body)::wazo_auth.http_response FROM wazo_auth.http('GET', substring(location FROM '/0[.]1/.*')) a
$$;
CREATE FUNCTION pg_temp.html(location text) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.convert_from((pg_temp.page(location)).body, 'UTF8') $$;
-- The value of a field of the form, as a browser sends it.
CREATE FUNCTION pg_temp.posted(html text, name text) RETURNS text LANGUAGE sql AS $$
  SELECT substring(html FROM '<input type="hidden" name="' || name || '" value="([^"]*)">')
$$;
SELECT wazo_auth.update_saml_config(:'north', metadata => pg_temp.idp_metadata('https://post.example.org/?a=b&amp;c', :'idp_certificate', 'POST', login => 'POST')) \g /dev/null
SELECT pg_temp.ask_json('POST', '/0.1/saml/sso', NULL, '{"redirect_url": "https://north.example.com/", "domain": "north.example.com"}') ->> 'location' AS location \gset
SELECT matches(:'location'::text, '^https://stack.example.com/api/auth/0.1/saml/post/[0-9a-f-]{36}$', 'by post: the location is a page of ours');
SELECT pg_temp.html(:'location') AS html \gset
SELECT is(h.status, 200, 'the page') FROM pg_temp.page(:'location') h;
SELECT matches(:'html'::text, '<form method="post" action="https://post.example.org/\?a=b&amp;c/sso">', '... posts to the identity provider, whose address is escaped');
SELECT is(pg_temp.posted(:'html', 'RelayState'), substring(:'location' FROM '[^/]*$'), '... the RelayState');
SELECT matches(convert_from(decode(pg_temp.posted(:'html', 'SAMLRequest'), 'base64'), 'UTF8'), '<samlp:AuthnRequest .* ID="id-[0-9a-f]{32}" .*<ds:SignatureValue>', '... and a request with its signature in it');
SELECT is(substring(convert_from(decode(pg_temp.posted(:'html', 'SAMLRequest'), 'base64'), 'UTF8') FROM ' ID="([^"]*)"'), s.request_id, '... to which the answer must be')
FROM wazo_auth.saml_session s WHERE s.digest::text = substring(:'location' FROM '[^/]*$');
-- The browser runs the one script of the page, and nothing else.
SELECT is(c[1], encode(sha256(convert_to(substring(:'html' FROM '<script>(.*)</script>'), 'UTF8')), 'base64'), 'the policy has the digest of the script')
FROM pg_temp.page(:'location') h, regexp_match(h.headers[array_position(h.headers, 'Content-Security-Policy') + 1], '^default-src ''none'';.* script-src ''sha256-([^'']*)''$') c;
SELECT is(h.headers[array_position(h.headers, 'Cache-Control') + 1], 'no-store', 'it is kept nowhere') FROM pg_temp.page(:'location') h;
SELECT is(pg_temp.html(:'location'), :'html', 'it can be loaded again');
SELECT matches(pg_temp.ask('GET', '/0.1/saml/post/' || s, NULL), '^404 .*Context not found', 'no page of ' || s) FROM unnest(ARRAY['x', :'nobody']) s;
SELECT is(pg_temp.send_form('POST', '/0.1/saml/acs', NULL, jsonb_build_object('RelayState', substring(:'location' FROM '[^/]*$'), 'SAMLResponse', 'eA==')), '302 https://north.example.com/?login_failure_code=401', 'the login is over');
SELECT is((pg_temp.page(:'location')).status, 404, '... and so is its page');
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'))) ->> 'token' AS third \gset
SELECT pg_temp.ask_json('GET', '/0.1/saml/logout', :'third') ->> 'location' AS location \gset
SELECT pg_temp.html(:'location') AS html \gset
SELECT matches(:'html'::text, 'action="https://post.example.org/\?a=b&amp;c/slo">', 'a logout is posted');
SELECT matches(convert_from(decode(pg_temp.posted(:'html', 'SAMLRequest'), 'base64'), 'UTF8'), '<samlp:LogoutRequest .*<ds:SignatureValue>.*n-north', '... as a signed LogoutRequest');
SELECT s.digest AS state, s.logout_request_id AS request FROM wazo_auth.saml_session s WHERE s.logout_request_id IS NOT NULL \gset
CREATE FUNCTION pg_temp.sls_post(fields jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT substring(pg_temp.send_form('POST', '/0.1/saml/sls', NULL, fields) FROM '(?s)^(302 .*|[0-9]+.*"error": "[^"]*"|[0-9]+)')
$$;
\set posting_idp 'https://post.example.org/?a=b&c'
SELECT wazo_auth.saml_make_logout_response(:'north', 'post', :'posting_idp', :'sls', :'idp_key', :'request') ->> 'message' AS answer,
       wazo_auth.saml_make_logout_response(:'north', 'post', :'posting_idp', :'sls', :'other_key', :'request') ->> 'message' AS forged,
       wazo_auth.saml_make_logout_response(:'north', 'post', :'posting_idp', :'sls', :'idp_key', 'id-1') ->> 'message' AS another,
       wazo_auth.saml_make_logout_response(:'north', 'post', :'posting_idp', :'sls', :'idp_key', :'request', false) ->> 'message' AS failed \gset
SELECT matches(pg_temp.sls_post(jsonb_build_object('SAMLResponse', m, 'RelayState', :'state')), '^401 .*answer of the identity provider was refused', 'an answer ' || w)
FROM (VALUES (:'forged', 'signed by another'), (:'another', 'to another request'), (:'failed', 'that says no'), ('eA==', 'that is none')) v (m, w);
SELECT matches(pg_temp.sls_post(f), w, f::text) FROM (VALUES ('{}'::jsonb, '^400 .*SAMLResponse and/or SAMLRequest'), ('{"SAMLRequest": "x", "SAMLResponse": "x"}', '^400 .*SAMLResponse and/or SAMLRequest'),
  ('{"SAMLResponse": "x"}', '^404 .*Context not found'), ('{"SAMLRequest": "x"}', '^401 .*request of the identity provider was refused')) v (f, w);
SELECT is(pg_temp.sls_post(jsonb_build_object('SAMLResponse', :'answer', 'RelayState', :'state')), '302 https://north.example.com/?logged_out=true', 'its answer, posted');
SELECT matches(pg_temp.sls_post(jsonb_build_object('SAMLResponse', :'answer', 'RelayState', :'state')), '^404 ', '... once');
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'))) ->> 'token' AS third \gset
SELECT matches(pg_temp.sls_post(jsonb_build_object('SAMLRequest', wazo_auth.saml_make_logout_request(NULL, 'post', :'posting_idp', :'sls', :'other_key', 'n-north') ->> 'message')), '^401 ', 'a forged request, posted');
SELECT ok(pg_temp.live(:'third'), '... ends nothing');
SELECT pg_temp.send_form('POST', '/0.1/saml/sls', NULL, jsonb_build_object('SAMLRequest', wazo_auth.saml_make_logout_request(NULL, 'post', :'posting_idp', :'sls', :'idp_key', 'n-north') ->> 'message', 'RelayState', '"><script>x')) AS html \gset
SELECT ok(NOT pg_temp.live(:'third'), 'a request, posted, ends it');
SELECT matches(convert_from(decode(pg_temp.posted(:'html', 'SAMLResponse'), 'base64'), 'UTF8'), '<samlp:LogoutResponse .*<ds:SignatureValue>.*status:Success', '... and is answered by a page that posts');
SELECT is(pg_temp.posted(:'html', 'RelayState'), '&quot;&gt;&lt;script&gt;x', '... its RelayState, escaped');
-- Without an acs_url beside which the page is, there is no way to such a provider.
SELECT throws_like(format('SELECT wazo_auth.update_saml_config(%L, acs_url => %L)', :'north', 'https://stack.example.com/acs'), '%HTTP-POST alone%', 'an acs_url that leaves no way to the provider');
SELECT lives_ok(format('SELECT wazo_auth.update_saml_config(%L, acs_url => %L, metadata => %L)', :'north', 'https://stack.example.com/acs', :'metadata'), '... to one that takes redirects there is one');

-- ---- what goes with time ----
DELETE FROM wazo_auth.saml_session;
DELETE FROM wazo_auth.saml_replay;
SELECT count(pg_temp.answered(l)) FROM unnest('{NULL,NULL,north,north,north}'::text[]) l \g /dev/null
SELECT pg_temp.data(pg_temp.log_in(pg_temp.answered('north'), '{"access_type": "offline", "client_id": "c"}')) ->> 'refresh_token' AS refresh \gset
UPDATE wazo_auth.saml_session SET expires_at = now() WHERE used OR login IS NULL OR digest IN (SELECT s.digest FROM wazo_auth.saml_session s WHERE s.login IS NOT NULL AND NOT s.used LIMIT 2);
INSERT INTO wazo_auth.saml_replay SELECT sha256(i::text::bytea), now() - i * interval '1 hour' FROM generate_series(-1, 3) i;
SELECT throws_ok(format('SELECT wazo_auth.delete_expired_saml_logins(%L)', b), '22023', NULL, 'a batch of ' || COALESCE(b, 'null')) FROM unnest('{0,NULL,100001}'::text[]) b;
SELECT is(wazo_auth.delete_expired_saml_logins(2), 2, 'in batches');
SELECT is((wazo_auth.tick()).saml_logins_deleted, 2, 'and the rest');
SELECT is(wazo_auth.delete_expired_saml_logins(2), 0, '... of it');
SELECT is((SELECT array_agg(s.used ORDER BY s.used) FROM wazo_auth.saml_session s), '{f,t}', 'what is younger stays, and what has a refresh token');
SELECT is((SELECT count(*) FROM wazo_auth.saml_replay), 1::bigint, 'assertions that would be believed stay');
SELECT wazo_auth.delete_refresh_tokens(ARRAY[wazo_auth.token_digest(:'refresh')]) \g /dev/null
UPDATE wazo_auth.saml_session SET expires_at = now();
SELECT is(wazo_auth.delete_expired_saml_logins(5), 2, 'until that ends');
SELECT count(pg_temp.answered('north')) \g /dev/null
SELECT wazo_auth.delete_saml_config(:'north') \g /dev/null
SELECT is_empty('SELECT FROM wazo_auth.saml_session', 'they go with the configuration');

-- ---- passwords ----
SELECT wazo_auth.set_password(:'north_user', 'old-password') \g /dev/null
SELECT matches(pg_temp.ask('PUT', '/0.1/users/' || :'north_user' || '/password', :'north_token', '{"old_password": "old-password", "new_password": "new-password"}'), '^405 .*password-managed-externally', 'a password that is kept elsewhere');
SELECT wazo_auth.configure('{"idp_plugins": {"saml": {"enabled": false}}}') \g /dev/null
SELECT is(wazo_auth.password_is_kept_elsewhere(:'north_user'), true, '... also while the provider is off');

SELECT * FROM finish();
ROLLBACK;
