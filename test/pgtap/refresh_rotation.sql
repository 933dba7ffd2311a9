-- Refresh tokens that are replaced at each use, that end after a time, and what
-- standard clients ask about them and about tokens.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

SELECT wazo_auth.create_user(:'north', 'ann', 'secret', authentication_method => 'native') AS ann \gset
-- Logs in, and remembers the refresh token under a name.
CREATE TEMP TABLE got (name text PRIMARY KEY, refresh text, token text);
CREATE FUNCTION pg_temp.login(name text, client text DEFAULT 'c', mobile boolean DEFAULT false) RETURNS void LANGUAGE sql AS $$
  INSERT INTO got SELECT name, t.new_refresh_token, t.token FROM wazo_auth.token_create('ann', 'secret', access_type => 'offline', client_id => client, mobile => mobile) t
$$;
CREATE FUNCTION pg_temp.form(path text, fields text, token text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT a.status || ' ' || rtrim(convert_from(a.body, 'UTF8'), E'\n') FROM wazo_auth.http('POST', '/0.1/oauth2/' || path, ARRAY['Content-Type', 'application/x-www-form-urlencoded']
    || CASE WHEN token IS NULL THEN '{}' ELSE ARRAY['Authorization', 'Bearer ' || token] END, convert_to(fields, 'UTF8'), '127.0.0.1') a
$$;
-- Uses the refresh token of a name, and remembers what comes under another. Says the status, and whether there was a refresh token.
CREATE FUNCTION pg_temp.use(name text, as_name text DEFAULT NULL, client text DEFAULT 'c') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_answer record;
  v_data jsonb;
BEGIN
  SELECT a.* INTO v_answer FROM wazo_auth.http('POST', '/0.1/token', '{}',
    convert_to(json_build_object('client_id', client, 'refresh_token', (SELECT g.refresh FROM got g WHERE g.name = use.name))::text, 'UTF8'), '127.0.0.1') a;
  v_data := convert_from(v_answer.body, 'UTF8')::jsonb -> 'data';
  IF as_name IS NOT NULL THEN
    INSERT INTO got VALUES (as_name, v_data ->> 'refresh_token', v_data ->> 'token');
  END IF;
  RETURN v_answer.status || CASE WHEN v_data ->> 'refresh_token' IS NULL THEN '' ELSE ' another' END;
END $$;
CREATE FUNCTION pg_temp.wait(span interval) RETURNS void LANGUAGE sql AS $$
  UPDATE wazo_auth.refresh_token_rotation SET issued_at = issued_at - span; UPDATE wazo_auth.refresh_token SET created_at = created_at - span
$$;
CREATE FUNCTION pg_temp.alive(name text) RETURNS text LANGUAGE sql AS $$ SELECT wazo_auth.token_check(g.token::uuid)::text FROM got g WHERE g.name = alive.name $$;

-- ---- by default they stay as they are ----
SELECT pg_temp.login('first');
SELECT is(pg_temp.use('first') || ', ' || pg_temp.use('first'), '200, 200', 'used again and again');
SELECT pg_temp.login('same');
SELECT is((SELECT count(DISTINCT g.refresh) FROM got g), 1::bigint, 'and handed out again');

-- ---- rotation ----
SELECT wazo_auth.configure('{"refresh_token.rotate": true, "refresh_token.reuse_seconds": 600}');
SELECT is(pg_temp.use('first', 'second'), '200 another', 'each use gives another one');
SELECT isnt((SELECT g.refresh FROM got g WHERE g.name = 'second'), (SELECT g.refresh FROM got g WHERE g.name = 'first'), 'that is another');
SELECT is(pg_temp.use('first', 'retried'), '200 another', 'a client that missed the answer asks again');
SELECT is((SELECT g.refresh FROM got g WHERE g.name = 'retried'), (SELECT g.refresh FROM got g WHERE g.name = 'second'), 'and gets the same');
SELECT is(pg_temp.use('second', 'third'), '200 another', 'on and on');
SELECT pg_temp.login('again');
SELECT is((SELECT g.refresh FROM got g WHERE g.name = 'again'), (SELECT g.refresh FROM got g WHERE g.name = 'third'), 'a login of the client is answered with the last one');
SELECT is((SELECT count(*) FROM wazo_auth.refresh_token r WHERE r.user_uuid = :'ann'), 1::bigint, 'all the time it is one');
SELECT is(pg_temp.use('third', client => 'other'), '401', 'of its client');
SELECT pg_temp.login('bystander', 'b');

-- ---- one that is used again ends all of them ----
SELECT pg_temp.wait('601 s');
SELECT is(pg_temp.alive('third') || ' ' || pg_temp.alive('bystander'), 'valid valid', 'before');
SELECT is(pg_temp.use('second'), '401', 'a replaced one is refused');
SELECT is(pg_temp.use('third'), '401', 'and the good one has ended with it');
SELECT is((SELECT string_agg(DISTINCT pg_temp.alive(n), ' ') FROM unnest('{second,retried,third}'::text[]) n), 'unknown', 'with the sessions of both');
SELECT is(pg_temp.alive('bystander'), 'valid', 'another client has lost nothing');
SELECT is((SELECT count(*) FROM wazo_auth.event_outbox o WHERE o.name = 'auth_refresh_token_deleted' AND o.object_uuid = :'ann'), 1::bigint, 'it is told');
SELECT is((SELECT string_agg(DISTINCT a.object, ' ' ORDER BY a.object) FROM wazo_auth.audit a WHERE a.action = 'deleted' AND a.request = 'POST /0.1/token' AND a.after ->> 'user_uuid' = :'ann'), 'refresh_token session', 'and in the audit log');
SELECT pg_temp.login('new');
SELECT is(pg_temp.use('new', 'new2') || pg_temp.use('new2', 'new3') || pg_temp.use('new'), '200 another200 another401', 'older than the one before the last, at once');
SELECT is(pg_temp.use('new3'), '401', 'likewise');
SELECT pg_temp.login('sql');
SELECT is(pg_temp.use('sql', 'sql2') || pg_temp.use('sql2', 'sql3'), '200 another200 another', 'in SQL');
SELECT throws_ok(format('SELECT wazo_auth.token_create(refresh_token => %L, client_id => ''c'')', g.refresh), 'WA401', NULL, 'refused') FROM got g WHERE g.name = 'sql';
SELECT is(wazo_auth.end_reused_refresh_token(g.refresh, 'c'), true, 'and ended by hand') FROM got g WHERE g.name = 'sql';
SELECT is(wazo_auth.end_reused_refresh_token(g.refresh, 'c'), false, 'once') FROM got g WHERE g.name = 'sql';
-- many of them
SELECT pg_temp.login('m0');
SELECT is((SELECT string_agg(DISTINCT pg_temp.use('m' || i - 1, 'm' || i), '') FROM generate_series(1, 60) i), '200 another', 'many uses');
SELECT is((SELECT count(*) FROM wazo_auth.refresh_token_rotation), 51::bigint, 'so many are known');
SELECT is(pg_temp.use('m5'), '401', 'one that is forgotten is refused');
SELECT is(pg_temp.use('m60', 'm61'), '200 another', 'and harms nobody');
SELECT is(pg_temp.use('m20'), '401', 'one that is known');
SELECT is(pg_temp.use('m61'), '401', 'ends all');
SELECT wazo_auth.configure('{"refresh_token.rotate": null}');
SELECT pg_temp.login('kept');
SELECT is(pg_temp.use('kept') || pg_temp.use('kept'), '200200', 'turned off');

-- ---- an end ----
CREATE FUNCTION pg_temp.introspect(what text, caller text) RETURNS jsonb LANGUAGE sql AS $$ SELECT regexp_replace(pg_temp.form('introspect', 'token=' || what, caller), '^200 ', '')::jsonb $$;
SELECT wazo_auth.configure('{"refresh_token.lifetime": 86400}');
SELECT pg_temp.login('old', 'o');
SELECT pg_temp.wait('23 hours');
SELECT is(pg_temp.use('old', client => 'o'), '200', 'until its end');
SELECT pg_temp.wait('1 hour');
SELECT is(pg_temp.use('old', client => 'o'), '401', 'and not any longer');
SELECT cmp_ok(wazo_auth.delete_expired_refresh_tokens(1000), '>', 0, 'then it goes');
SELECT is((SELECT count(*) FROM wazo_auth.refresh_token), 0::bigint, 'with all that are as old');
SELECT throws_ok('SELECT wazo_auth.delete_expired_refresh_tokens(0)', '22023', NULL, 'a batch has limits');
SELECT is(wazo_auth.delete_expired_refresh_tokens(1000), 0, 'nothing to do is no error');
SELECT pg_temp.login('past its end', 'o');
SELECT pg_temp.wait('1 day');
SELECT pg_temp.login('after that', 'o');
SELECT is((SELECT count(DISTINCT g.refresh) FROM got g WHERE g.name IN ('past its end', 'after that')) || pg_temp.use('after that', client => 'o'), '2200', 'one that is over is not handed out again');
UPDATE wazo_auth.refresh_token r SET ends_at = clock_timestamp() WHERE r.client_id = 'o';
SELECT is(pg_temp.introspect(g.refresh, :'north_token'), '{"active": false}', 'nor active when its identity provider has ended it') FROM got g WHERE g.name = 'after that';
DELETE FROM wazo_auth.refresh_token r WHERE r.client_id = 'o';
SELECT wazo_auth.configure('{"refresh_token.lifetime": null}');
SELECT is(wazo_auth.delete_expired_refresh_tokens(1000), 0, 'none by default');

-- ---- introspection (RFC 7662) ----
SELECT pg_temp.login('shown');
SELECT is(pg_temp.introspect(g.token, :'north_token') - '{iat,exp,jti}'::text[], jsonb_build_object('active', true, 'token_type', 'access_token', 'sub', :'ann', 'tenant_uuid', :'north'), 'a token') FROM got g WHERE g.name = 'shown';
SELECT is((SELECT jsonb_typeof(i -> 'iat') || ' ' || ((i ->> 'exp')::bigint - (i ->> 'iat')::bigint) FROM pg_temp.introspect(g.token, :'north_token') i), 'number 7200', 'its times') FROM got g WHERE g.name = 'shown';
SELECT is(pg_temp.introspect(g.refresh, :'top_token') - '{iat}'::text[], jsonb_build_object('active', true, 'token_type', 'refresh_token', 'sub', :'ann', 'client_id', 'c'), 'a refresh token') FROM got g WHERE g.name = 'shown';
SELECT is(pg_temp.introspect(w.what, :'south_token'), '{"active": false}', 'a stranger''s is not active') FROM got g, LATERAL (VALUES (g.token), (g.refresh)) w (what) WHERE g.name = 'shown';
SELECT is(pg_temp.introspect(w, :'north_token'), '{"active": false}', 'nor is ' || w) FROM unnest(ARRAY[:'nobody', 'junk', (SELECT g.refresh FROM got g WHERE g.name = 'old')]) w;
SELECT matches(pg_temp.form('introspect', 'token=x'), '^401 ', 'it takes a token');
SELECT matches(pg_temp.form('introspect', 'token=x', pg_temp.token(:'ann', '{auth.users.read}')), '^401 ', 'with the access');
SELECT matches(pg_temp.form('introspect', '', :'north_token'), '^400 ', 'and one to ask about');
SELECT matches(pg_temp.ask('POST', '/0.1/oauth2/introspect', :'north_token', '{"token": "x"}'), '^400 ', 'in a form');

-- ---- revocation (RFC 7009) ----
SELECT is(pg_temp.form('revoke', 'token=' || w || '&token_type_hint=refresh_token'), '200 {}', 'the same answer for ' || w) FROM unnest(ARRAY[:'nobody', 'junk']) w;
SELECT is(pg_temp.form('revoke', 'token_type_hint=refresh_token&token=' || g.token), '200 {}', 'a token, whatever the hint') FROM got g WHERE g.name = 'shown';
SELECT is(pg_temp.alive('shown'), 'unknown', 'ends');
SELECT is(pg_temp.use('shown', 'shown2'), '200', 'its refresh token does not');
SELECT is(pg_temp.form('revoke', 'token=' || g.refresh), '200 {}', 'a refresh token') FROM got g WHERE g.name = 'shown';
SELECT is(pg_temp.use('shown') || pg_temp.alive('shown2'), '401unknown', 'ends with its sessions');
SELECT matches(pg_temp.form('revoke', 'x=y'), '^400 ', 'without a token');

-- ---- metadata (RFC 8414) ----
SELECT matches(pg_temp.ask('GET', '/0.1/.well-known/oauth-authorization-server'), '^404 .*public_url', 'unknown before it is said where this is');
SELECT wazo_auth.configure('{"public_url": "https://pbx.example.org/api/auth"}');
SELECT is_empty($$SELECT m.key, m.value FROM jsonb_each_text(pg_temp.ask_json('GET', '/0.1/.well-known/oauth-authorization-server')) m
                  WHERE m.key ~ '_endpoint$' AND NOT EXISTS (SELECT FROM wazo_auth.route r WHERE r.method = 'POST' AND m.value = 'https://pbx.example.org/api/auth' || r.path)$$, 'names routes that there are');
SELECT is(pg_temp.ask_json('GET', '/0.1/.well-known/oauth-authorization-server') ->> 'issuer', 'https://pbx.example.org/api/auth', 'and who issues tokens');

SELECT * FROM finish();
ROLLBACK;
