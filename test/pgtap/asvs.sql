-- What docs/asvs.md lists and no other test looks at.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
SELECT no_plan();

SELECT wazo_auth.bootstrap() \g /dev/null
SELECT is_empty('SELECT u.username FROM wazo_auth.user u', 'a new database has no account');
\ir lib/rest.psql

-- ---- a password is what was typed ----
SELECT wazo_auth.create_user(:'north', 'ann', 'secret', authentication_method => 'native') AS ann \gset
CREATE FUNCTION pg_temp.logs_in(stored text, typed text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.set_password(u.uuid, stored) FROM wazo_auth.user u WHERE u.username = 'ann';
  RETURN (wazo_auth.http('POST', '/0.1/token',
    ARRAY['Authorization', 'Basic ' || translate(encode(convert_to('ann:' || typed, 'UTF8'), 'base64'), E'\n', '')], '{}')).status;
END $$;
SELECT is(pg_temp.logs_in(p.stored, p.typed), p.status, format('a password is taken as it was typed: %s', p.what))
FROM (VALUES ('case', 'Secret', 'secret', 401), ('blanks around it', ' secret ', 'secret', 401), ('blanks around it, typed', 'secret', ' secret', 401),
             ('blanks', ' two  blanks ', ' two  blanks ', 200), ('a colon', 'a:b', 'a:b', 200), ('another form of a letter', U&'\00e9', U&'e\0301', 401),
             ('beyond 72 bytes', repeat('a', 72) || 'b', repeat('a', 72) || 'c', 401), ('a line break', E'a\nb', E'a\nb', 200),
             ('its last byte of 4096', repeat('a', 4095) || 'b', repeat('a', 4095) || 'c', 401)) p (what, stored, typed, status);
SELECT is(pg_temp.logs_in(p, p), 200, 'long passwords are taken: ' || length(p)) FROM unnest(ARRAY[repeat('p', 64), repeat('é', 128), repeat('p', 4096)]) p;
SELECT is_empty($$SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'wazo_auth.password'::regclass AND a.atttypid IN ('timestamptz'::regtype, 'interval'::regtype)$$,
  'a password has no end');
SELECT is((SELECT string_agg(s.name || ' ' || s.boot_val, ', ' ORDER BY s.name) FROM pg_settings s WHERE s.name ~ '^wazo_auth.argon2'),
  'wazo_auth.argon2_iterations 2, wazo_auth.argon2_memory 19456, wazo_auth.argon2_parallelism 1', 'what a hash costs by default');

-- ---- the page to choose one on ----
-- several tests of one row: each on a line
\pset fieldsep '\n'
SELECT matches(p.page, '<input name="password" type="password" autocomplete="new-password"', 'the field hides what is typed, and password managers know it'),
       doesnt_match(p.page, 'onpaste|maxlength|pattern=', 'and takes whatever is put into it')
FROM (SELECT convert_from(a.body, 'UTF8') AS page FROM wazo_auth.http('GET', '/0.1/users/password/reset/form') a) p;

-- ---- tokens ----
SELECT wazo_auth.set_password(:'ann', 'secret') \g /dev/null
CREATE TEMP TABLE token AS SELECT t.token, t.new_refresh_token::uuid AS refresh
FROM generate_series(1, 40) i, LATERAL wazo_auth.token_create('ann', 'secret', access_type => 'offline', client_id => 'c' || i) t;
SELECT is(count(DISTINCT v), 80::bigint, 'no two tokens are alike') FROM token t, unnest(ARRAY[t.token, t.refresh]) v;
-- of 122 bits none is the same in all of them
SELECT is(bit_or(b) & ~bit_and(b), (repeat('1', 48) || '0000' || repeat('1', 12) || '00' || repeat('1', 62))::bit(128), 'all that can be is random in ' || k.kind)
FROM token t, LATERAL (VALUES ('tokens', t.token), ('refresh tokens', t.refresh)) k (kind, value),
     LATERAL (SELECT ('x' || replace(k.value::text, '-', ''))::bit(128) AS b) bits GROUP BY k.kind;
SELECT is((wazo_auth.http('GET', '/0.1/users', ARRAY['X-Auth-Token', t.refresh::text])).status, 401, 'a refresh token is no token') FROM token t LIMIT 1;
SELECT is((wazo_auth.http('POST', '/0.1/token', '{}', convert_to(json_build_object('client_id', 'c1', 'refresh_token', t.token)::text, 'UTF8'))).status, 401, 'nor is a token a refresh token')
FROM token t LIMIT 1;

-- ---- how users look after their own sessions and refresh tokens ----
DELETE FROM wazo_auth.session WHERE token_digest NOT IN (SELECT wazo_auth.token_digest(t.token) FROM token t);
SELECT is(pg_temp.ask_json('GET', '/0.1/users/' || :'ann' || '/sessions', pg_temp.token(:'ann', ARRAY['auth.users.' || :'ann' || '.sessions.read'])) ->> 'total', '41', 'users see their sessions');
SELECT is(pg_temp.ask('DELETE', format('/0.1/users/%s/tokens/c1', :'ann'), pg_temp.token(:'ann', ARRAY['auth.users.' || :'ann' || '.tokens.*.delete'])), '204', 'users end a refresh token of theirs');
SELECT is((wazo_auth.http('POST', '/0.1/token', '{}', convert_to(json_build_object('client_id', 'c1', 'refresh_token', t.refresh)::text, 'UTF8'))).status, 401, 'which is good for nothing then')
FROM (SELECT refresh FROM token LIMIT 1) t;

SELECT * FROM finish();
ROLLBACK;
