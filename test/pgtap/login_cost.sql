-- A login costs the same whoever asks: counted in hashes, not in time.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- Which hashes a statement computes.
CREATE FUNCTION pg_temp.cost(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before record := wazo_auth.hashes_computed();
  v_after record;
BEGIN
  BEGIN
    EXECUTE statement;
  EXCEPTION WHEN SQLSTATE 'WA401' THEN
    NULL;
  END;
  v_after := wazo_auth.hashes_computed();
  RETURN format('argon2id %s, pbkdf2 %s', v_after.argon2id - v_before.argon2id, v_after.pbkdf2_sha512 - v_before.pbkdf2_sha512);
END $$;
-- Every way to ask, with a wrong password.
CREATE FUNCTION pg_temp.asked() RETURNS TABLE (name text, statement text) LANGUAGE sql AS $$
  SELECT u.login || ' in ' || w.way, format(w.statement, u.login)
  FROM unnest('{new,old,imported,disabled,ldap,none,nobody}'::text[]) u(login),
       (VALUES ('SQL', 'SELECT wazo_auth.token_create(%1$L, ''wrong'')'),
               ('SQL, offline', 'SELECT wazo_auth.token_create(%1$L, ''wrong'', access_type => ''offline'', client_id => ''c'')'),
               ('HTTP', 'SELECT wazo_auth.http(''POST'', ''/0.1/token'', ARRAY[''Authorization'', ''Basic '' || encode(convert_to(%1$L || '':wrong'', ''UTF8''), ''base64'')], ''{}'')')) w(way, statement)
$$;

SELECT is(pg_temp.cost(a.statement), 'argon2id 1, pbkdf2 0', 'nobody has a password: ' || a.name) FROM pg_temp.asked() a;
SELECT count(wazo_auth.create_user(:'top', n, CASE WHEN n <> 'none' THEN 'secret' END)) AS made FROM unnest('{new,old,disabled,ldap,none}'::text[]) n \gset
UPDATE wazo_auth.user SET authentication_method = 'ldap' WHERE username = 'ldap';
SELECT wazo_auth.update_user(u.uuid, u.username, enabled => false) FROM wazo_auth.user u WHERE u.username = 'disabled';
SELECT is(pg_temp.cost(a.statement), 'argon2id 1, pbkdf2 0', 'one kind: ' || a.name) FROM pg_temp.asked() a;

-- other parameters are another kind
SET wazo_auth.argon2_iterations = 2;
SELECT wazo_auth.set_password(u.uuid, 'secret') FROM wazo_auth.user u WHERE u.username = 'new';
SELECT is(pg_temp.cost(a.statement), 'argon2id 2, pbkdf2 0', 'two kinds: ' || a.name) FROM pg_temp.asked() a;

-- and so are imported ones
SELECT wazo_auth.create_user(:'top', 'imported') AS imported \gset
SELECT wazo_auth.import_password(:'imported', repeat('ab', 64), decode(repeat('cd', 64), 'hex'));
SELECT is(pg_temp.cost(a.statement), 'argon2id 2, pbkdf2 1', 'three kinds: ' || a.name) FROM pg_temp.asked() a;
SELECT is(pg_temp.cost(format('SELECT wazo_auth.change_password(%L, ''wrong'', ''x'')', u.uuid)), 'argon2id 2, pbkdf2 1', 'changing a password: ' || u.username)
FROM wazo_auth.user u WHERE u.username IN ('new', 'old', 'imported', 'none');
SELECT is(count(*), 1::bigint, 'the right password is good') FROM wazo_auth.token_create('old', 'secret');
SELECT set_eq('SELECT kind FROM wazo_auth.password', ARRAY['$argon2id$v=19$m=1024,t=1,p=1', '$argon2id$v=19$m=1024,t=2,p=1', '$pbkdf2-sha512$i=250000'], 'the kinds');

-- until the last of a kind is gone
SELECT wazo_auth.set_password(u.uuid, NULL) FROM wazo_auth.user u WHERE u.username = 'imported';
SELECT is(pg_temp.cost(a.statement), 'argon2id 2, pbkdf2 0', 'none imported: ' || a.name) FROM pg_temp.asked() a;
UPDATE wazo_auth.password SET hash = 'junk' WHERE kind LIKE '%t=1%';
SELECT is(pg_temp.cost(a.statement), 'argon2id 1, pbkdf2 0', 'nothing usable of the other: ' || a.name) FROM pg_temp.asked() a;

SELECT * FROM finish();
ROLLBACK;
