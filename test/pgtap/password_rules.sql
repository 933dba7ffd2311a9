-- What a new password must be: nothing by default; a length, none that others
-- know, none of the last ones.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

SELECT wazo_auth.create_user(:'north', 'ann', 'first', 'ann@x.org', authentication_method => 'native') AS ann \gset
-- Every way to choose a password, by the status that it ends with.
CREATE FUNCTION pg_temp.choose(way text, new text, old text DEFAULT 'first') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_ann uuid := u.uuid FROM wazo_auth.user u WHERE u.username = 'ann';
  v_token text := pg_temp.token(u.uuid) FROM wazo_auth.user u WHERE u.username = 'north';
  v_asked text;
BEGIN
  CASE way
    WHEN 'POST user' THEN v_asked := pg_temp.ask('POST', '/0.1/users', v_token, json_build_object('password', new)::text);
    WHEN 'PUT password' THEN v_asked := pg_temp.ask('PUT', '/0.1/users/' || v_ann || '/password', v_token, json_build_object('old_password', old, 'new_password', new)::text);
    WHEN 'reset' THEN v_asked := pg_temp.ask('POST', '/0.1/users/password/reset?user_uuid=' || v_ann, v_token, json_build_object('password', new)::text);
    WHEN 'register' THEN v_asked := pg_temp.ask('POST', '/0.1/users/register', NULL, json_build_object('username', 'r' || gen_random_uuid(), 'password', new, 'email_address', gen_random_uuid() || '@x.org')::text);
    WHEN 'set_password' THEN PERFORM wazo_auth.set_password(v_ann, new); v_asked := '204';
    WHEN 'create_user' THEN PERFORM wazo_auth.create_user(u.tenant_uuid, password => new) FROM wazo_auth.user u WHERE u.uuid = v_ann; v_asked := '200 ';
  END CASE;
  RETURN regexp_replace(v_asked, '^200.*', '200');
EXCEPTION WHEN SQLSTATE 'WA400' THEN
  RETURN '400 ' || SQLERRM;
END $$;
SELECT wazo_auth.configure('{"enabled_http_plugins": {"user_registration": true}}');
CREATE TEMP TABLE way (name text, field text);
INSERT INTO way VALUES ('POST user', 'password'), ('PUT password', 'new_password'), ('reset', 'password'), ('register', 'password'), ('set_password', 'password'), ('create_user', 'password');

-- ---- by default as it was ----
SELECT matches(pg_temp.choose(w.name, 'x', 'x'), '^20|^401', 'anything goes: ' || w.name) FROM way w;
SELECT wazo_auth.set_password(:'ann', 'first');

-- ---- a length ----
SELECT wazo_auth.configure('{"password.min_length": 8}');
SELECT matches(pg_temp.choose(w.name, 'ééééééé'), '^400 .*Shorter than minimum length 8\.', 'in characters: ' || w.name) FROM way w;
SELECT is(pg_temp.choose('PUT password', 'short'),
  '400 {"message": "Shorter than minimum length 8.", "error_id": "invalid-data", "details": {"new_password": {"message": "Shorter than minimum length 8.", "constraint_id": "length", "constraint": {"min": 8, "max": null}}}, "timestamp": T, "resource": "users"}',
  'told as any other value of a body');
SELECT is(pg_temp.choose('PUT password', 'short', 'wrong'), pg_temp.choose('PUT password', 'long enough', 'wrong'), 'only to who knows the old one');
SELECT matches(pg_temp.choose(w.name, 'éééééééé', (SELECT CASE WHEN w.name = 'PUT password' THEN 'first' END)), '^20', 'long enough: ' || w.name) FROM way w WHERE w.name IN ('POST user', 'register', 'create_user');
SELECT is(pg_temp.choose('PUT password', 'éééééééé'), '204', 'long enough');
SELECT lives_ok(format('SELECT wazo_auth.import_password(%L, %L, %L)', :'ann', repeat('ab', 64), '\x' || repeat('cd', 64)), 'what is imported is as it is');
SELECT lives_ok(format('SELECT wazo_auth.set_password(%L, NULL)', :'ann'), 'and none is none');

-- ---- known to others ----
SELECT wazo_auth.configure('{"password.min_length": null, "password.refuse_known": true}');
SELECT matches(pg_temp.choose(w.name, 'PassWord1'), '^400 .*This password is known to others\.', 'a common one: ' || w.name) FROM way w WHERE w.name <> 'PUT password';
SELECT is(pg_temp.choose('set_password', 'correct horse'), '204', 'one that is not');
SELECT is(encode(wazo_auth.sha1('password'), 'hex'), '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8', 'SHA-1');
SELECT is(wazo_auth.import_breached_passwords(upper(encode(wazo_auth.sha1('correct horse'), 'hex')) || E':42\r\n\n' || encode(wazo_auth.sha1('battery'), 'hex') || E'\n'), 2::bigint, 'a list');
SELECT is(wazo_auth.import_breached_passwords(encode(wazo_auth.sha1('correct horse'), 'hex') || E'\n' || encode(wazo_auth.sha1('staple'), 'hex')), 1::bigint, 'what is there already is not new');
SELECT is((SELECT string_agg(pg_temp.choose('set_password', p), ', ' ORDER BY n) FROM unnest('{correct horse,battery,staple,Battery,stapl}'::text[]) WITH ORDINALITY p (p, n)),
  '400 This password is known to others., 400 This password is known to others., 400 This password is known to others., 204, 204', 'is refused, and what is like it is not');
SELECT throws_ok(format('SELECT wazo_auth.import_breached_passwords(%L)', l), '22023', 'line 2 is no SHA-1 of a password', 'a bad line: ' || l) FROM unnest(ARRAY[E'\nsecret', E'\n' || repeat('a', 39), E'\n' || repeat('g', 40), E'\n' || repeat('a', 40) || ':x']) l;
-- a great many in one bucket: found each, and nothing that lies across two
SELECT is(wazo_auth.import_breached_passwords((SELECT string_agg('0000' || lpad(to_hex(i * 257), 12, '0') || repeat('0', 24), E'\n') FROM generate_series(1, 2000) i)), 2000::bigint, 'a long list');
SELECT is((SELECT octet_length(k.digests) FROM wazo_auth.known_password k WHERE k.bucket = 0), 12000, 'takes six bytes for each');
CREATE FUNCTION pg_temp.listed(digest text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  -- is_known_password() of a password with this SHA-1
  CREATE OR REPLACE FUNCTION wazo_auth.sha1(value text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$ SELECT decode(rpad(value, 40, '0'), 'hex') $f$;
  RETURN wazo_auth.is_known_password(digest);
END $$;
SAVEPOINT another;
SELECT is((SELECT count(*) FROM generate_series(1, 2000) i WHERE pg_temp.listed('0000' || lpad(to_hex(i * 257), 12, '0'))), 2000::bigint, 'all are found');
SELECT is((SELECT count(*) FROM generate_series(1, 2000) i WHERE pg_temp.listed('0000' || lpad(to_hex(i * 257 + 1), 12, '0')) OR pg_temp.listed('0000' || lpad(to_hex(i), 6, '0') || '000000')), 0::bigint, 'and nothing else');
ROLLBACK TO another;
SELECT wazo_auth.forget_breached_passwords();
SELECT is(pg_temp.choose('set_password', 'battery'), '204', 'a list can be given up');
SELECT is_empty($$SELECT p FROM unnest(wazo_auth.common_passwords()) p WHERE p <> lower(p COLLATE "C") OR p ~ '\s' OR p = ''$$, 'the common ones are in lower case');

-- ---- the last ones ----
SELECT wazo_auth.configure('{"password.refuse_known": null, "password.history": 3}');
SELECT is((SELECT string_agg(pg_temp.choose('set_password', p), ', ' ORDER BY n) FROM unnest('{one,one,two,three,one,two,three,four,one,five,two}'::text[]) WITH ORDINALITY p (p, n)),
  '204, 400 One of the last 3 passwords., 204, 204, 400 One of the last 3 passwords., 400 One of the last 3 passwords., 400 One of the last 3 passwords., 204, 204, 204, 204', 'may not come again');
SELECT is(count(*), 2::bigint, 'no more are kept') FROM wazo_auth.password_history h WHERE h.user_uuid = :'ann';
SELECT matches(pg_temp.choose('PUT password', 'two', 'two'), '^400 .*"new_password".*"history"', 'nor the present one');
SELECT matches(pg_temp.choose('reset', 'five'), '^400 .*One of the last 3', 'by a reset');
SELECT argon2id AS computed FROM wazo_auth.hashes_computed() \gset
SELECT is(pg_temp.choose('set_password', 'six'), '204', 'another one');
SELECT is(h.argon2id - :computed, 4::bigint, 'costs a hash for each of the last, and its own') FROM wazo_auth.hashes_computed() h;
SELECT wazo_auth.configure('{"password.history": null}');
SELECT is(pg_temp.choose('set_password', 'five'), '204', 'turned off');
SELECT is_empty('SELECT FROM wazo_auth.password_history', 'nothing is kept');

-- ---- nobody chooses a password past the rules ----
SELECT set_eq($$
  SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'wazo_auth'::regnamespace AND p.prosrc ~ 'wazo_auth\.password_hash\('$$,
  -- the first asks the rules; what is rehashed or taken over was chosen before
  ARRAY['new_password_hash', 'verify_credentials', 'verify_elsewhere'], 'only they hash one');

SELECT * FROM finish();
ROLLBACK;
