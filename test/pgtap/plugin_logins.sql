-- What registered functions have to say at a login: backends, imported
-- passwords, metadata.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

CREATE FUNCTION pg_temp.login(login text, password text, body text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT a.status || COALESCE(' ' || (pg_catalog.convert_from(a.body, 'UTF8')::jsonb #>> '{data,token}'), '')
  FROM wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic ' || encode(convert_to(login || ':' || password, 'UTF8'), 'base64')],
    convert_to(body, 'UTF8')) a
$$;
CREATE FUNCTION pg_temp.status(login text, password text) RETURNS text LANGUAGE sql AS $$SELECT left(pg_temp.login(login, password), 3)$$;
CREATE FUNCTION pg_temp.metadata(login text, password text, body text DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_token text := pg_temp.login(login, password, body);
BEGIN
  RETURN (SELECT s.metadata::jsonb FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(substr(v_token, 5)::uuid));
END
$$;
-- A refused request undoes what it has done, so not by one
CREATE FUNCTION pg_temp.native(login text, password text) RETURNS text LANGUAGE sql AS $$
  SELECT COALESCE(u.username, 'nobody') FROM wazo_auth.native_login(ROW(login, password, NULL, NULL, '{}')::wazo_auth.login_attempt) a
  LEFT JOIN wazo_auth.user u ON u.uuid = a.user_uuid
$$;

-- ---- imported passwords ----
SELECT throws_ok(format($$SELECT wazo_auth.import_crypt_password(%L, '$1$abcdefgh$G//4keteveJp0qb8z2DxG/')$$, :'north_user'), '0A000',
  'passwords that crypt() wrote are verified by the extension pgcrypto, which is not there', 'not without pgcrypto');
CREATE SCHEMA elsewhere;
CREATE SCHEMA false_friend;
CREATE FUNCTION false_friend.crypt(text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
SELECT throws_ok(format($$SELECT wazo_auth.import_crypt_password(%L, 'abcdefghijklm')$$, :'north_user'), '0A000', NULL, 'another crypt() is none');
CREATE EXTENSION pgcrypto SCHEMA elsewhere;
SELECT throws_ok(format('SELECT wazo_auth.import_crypt_password(%L, %L)', :'north_user', h), '22023', NULL, 'no such hash: ' || COALESCE(h, 'null'))
FROM unnest(ARRAY['', 'x', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g', '$2a$15$' || repeat('a', 53), '$2a$03$' || repeat('a', 53), '$2x$10$' || repeat('a', 53),
  '$6$salt$' || repeat('a', 86), '$1$abcdefghi$' || repeat('a', 22), E'abcdefghijklm\n', NULL]) h;
SELECT throws_ok(format($$SELECT wazo_auth.import_crypt_password(%L, 'abcdefghijklm')$$, :'nobody'), 'WA404', NULL, 'nor a user');

-- Of other programs: htpasswd, openssl passwd, PHP
CREATE TEMP TABLE imported (name text, password text, hash text);
INSERT INTO imported VALUES
  ('top', 'bcrypt é', elsewhere.crypt('bcrypt é', elsewhere.gen_salt('bf', 4))),
  ('north', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'),
  ('south', 'md5', '$1$abcdefgh$' || split_part(elsewhere.crypt('md5', '$1$abcdefgh$'), '$', 4)),
  ('deep', 'des crypt', elsewhere.crypt('des crypt', 'ab'));
SELECT wazo_auth.create_user(:'north', 'php', uuid => '22222222-0000-4000-8000-00000000000a'), wazo_auth.create_user(:'north', 'htpasswd', uuid => '22222222-0000-4000-8000-00000000000b') \g /dev/null
INSERT INTO imported SELECT 'php', 'U*U', '$2y' || substr(i.hash, 4) FROM imported i WHERE i.name = 'north';
INSERT INTO imported SELECT 'htpasswd', 'U*U', '$2b' || substr(i.hash, 4) FROM imported i WHERE i.name = 'north';
SELECT wazo_auth.import_crypt_password(wazo_auth.resolve_login(i.name), i.hash) FROM imported i \g /dev/null
SELECT is(pg_temp.status(i.name, w), '401', i.name || ' does not log in with ' || w) FROM imported i, LATERAL unnest(ARRAY['wrong', upper(i.password) || 'x', i.hash, ' ' || i.password]) w;
SELECT is((SELECT count(*) FROM wazo_auth.password), 0::bigint, 'nobody has another password by that');
SELECT is(pg_temp.status(i.name, i.password), '200', i.name || ' logs in: ' || left(i.hash, 3)) FROM imported i;
SELECT is((SELECT count(*) || ' ' || count(*) FILTER (WHERE p.hash LIKE '$argon2id$%') FROM wazo_auth.password p), '6 6', 'and has its password as argon2id since');
SELECT is((SELECT count(*) FROM wazo_auth.crypt_password), 0::bigint, 'and no other');
SELECT is(pg_temp.status(i.name, i.password), '200', i.name || ' logs in again') FROM imported i;
SELECT is(pg_temp.status(i.name, 'wrong'), '401', i.name || ' with this one only') FROM imported i;
SELECT is(array(SELECT b.name FROM wazo_auth.password_backends() b), '{}', 'nobody is asked any more');

-- Whoever sets a password takes the place of an imported one.
CREATE FUNCTION pg_temp.import(login text) RETURNS void LANGUAGE sql AS $$
  SELECT wazo_auth.import_crypt_password(wazo_auth.resolve_login(i.name), i.hash) FROM imported i WHERE i.name = login
$$;
SELECT pg_temp.import('north'), pg_temp.import('south'), pg_temp.import('deep') \g /dev/null
SELECT is(pg_temp.status('north', 'U*U'), '200', 'imported anew');
SELECT pg_temp.import('north') \g /dev/null
SELECT wazo_auth.set_password(:'north_user', 'mine') \g /dev/null
SELECT is(pg_temp.status('north', 'U*U') || pg_temp.status('north', 'mine'), '401200', 'a new password ends an imported one');
SELECT wazo_auth.set_password(:'deep_user', NULL) \g /dev/null
SELECT is(pg_temp.status('deep', 'des crypt'), '401', 'none does, too');
SELECT throws_ok(format($$SELECT wazo_auth.change_password(%L, 'wrong', 'new')$$, :'south_user'), 'WA401', NULL, 'an imported password is changed by who knows it');
SELECT lives_ok(format($$SELECT wazo_auth.change_password(%L, 'md5', 'new')$$, :'south_user'), 'it is');
SELECT is(pg_temp.status('south', 'md5') || pg_temp.status('south', 'new'), '401200', 'and the new one counts');
SELECT pg_temp.import('north') \g /dev/null
SELECT wazo_auth.update_user(:'north_user', 'north', enabled => false) \g /dev/null
SELECT is(pg_temp.status('north', 'U*U'), '401', 'who is disabled does not log in');
SELECT wazo_auth.update_user(:'north_user', 'north', enabled => true) \g /dev/null
SELECT wazo_auth.set_authentication_method(:'north_user', 'ldap') \g /dev/null
SELECT is(pg_temp.status('north', 'U*U'), '401', 'nor who has another method');
SELECT wazo_auth.set_authentication_method(:'north_user', 'native') \g /dev/null
DROP EXTENSION pgcrypto;
SELECT is(pg_temp.status('north', 'U*U') || pg_temp.status('north', 'x') || pg_temp.status('unknown', 'x'), '401401401', 'without pgcrypto all are refused');
SELECT is(pg_temp.status('south', 'new'), '200', 'but those that need none');
CREATE EXTENSION pgcrypto SCHEMA public;
ALTER EXTENSION pgcrypto ADD FUNCTION false_friend.crypt(text, text);
SELECT is(pg_temp.status('north', 'U*U'), '200', 'it may be in any schema, and nothing else passes for it');
SELECT pg_temp.import('north') \g /dev/null
SELECT is(pg_temp.status('north', 'x'), '401', 'as a false one would');

-- ---- a backend of somebody's ----
CREATE ROLE old_system IN ROLE wazo_auth_plugin;
CREATE SCHEMA old_system AUTHORIZATION old_system;
CREATE TABLE old_system.account (login text, password text);
CREATE TABLE old_system.asked (login text, args jsonb);
GRANT ALL ON ALL TABLES IN SCHEMA old_system TO old_system;
CREATE FUNCTION old_system.verify(login text, password text, args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO old_system.asked VALUES (login, args);
  RETURN (SELECT '{"real_login": "old"}'::jsonb FROM old_system.account a WHERE a.login = verify.login AND a.password = verify.password);
END $$;
CREATE FUNCTION old_system.acl(login text, args jsonb) RETURNS text[] LANGUAGE sql AS $$SELECT ARRAY['old.' || (args ->> 'real_login'), 'old.x.#']$$;
CREATE FUNCTION old_system.metadata(login text, args jsonb) RETURNS jsonb LANGUAGE sql AS
$$SELECT jsonb_build_object('from', args ->> 'real_login', 'uuid', 'forged', 'tenant_uuid', 'forged', 'auth_id', 'forged', 'admin', true, 'pbx_user_uuid', 'filled')$$;
CREATE FUNCTION old_system.persistent(login text, args jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT '{"kept": "yes"}'::jsonb$$;
SELECT throws_ok(format($$SELECT wazo_auth.register_backend(%L, 'old_system.verify', role => 'old_system')$$, n), '42710', NULL, 'a backend that is there: ' || n)
FROM unnest('{wazo_user,ldap_user,crypt}'::text[]) n;
SELECT wazo_auth.register_backend('old', 'old_system.verify', 'old_system.acl', 'old_system.metadata', 'old_system.persistent', role => 'old_system', time_limit => '30 s') \g /dev/null
SELECT wazo_auth.set_password(:'deep_user', NULL), wazo_auth.set_password(:'north_user', 'mine') \g /dev/null
INSERT INTO old_system.account VALUES ('deep', 'old'), ('north', 'old'), ('unknown', 'old');
SELECT is(pg_temp.status('deep', 'old'), '401', 'a backend that is not on is not asked');
SELECT is(wazo_auth.loaded_backends(), '["ldap_user", "wazo_user"]', 'nor shown');
SELECT wazo_auth.configure('{"enabled_backend_plugins.old": true}') \g /dev/null
SELECT is(pg_temp.ask('GET', '/0.1/backends'), '200 {"data": ["ldap_user", "old", "wazo_user"]}', 'one that is on is shown');
SELECT is(pg_temp.status('deep', 'old'), '200', 'who has no password here logs in by it');
SELECT is(pg_temp.native('deep', 'wrong') || pg_temp.native('unknown', 'old') || pg_temp.native('north', 'old'), 'nobodynobodynobody', 'nobody else does');
SELECT is((SELECT string_agg(a.login, ',') FROM old_system.asked a), 'deep,deep,unknown,north', 'though all are asked about, whether there is such a user or not');
SELECT is(pg_temp.status('north', 'mine'), '200', 'a password that is kept here counts');
SELECT is((SELECT count(*) FROM old_system.asked a), 4::bigint, 'without asking');
SELECT is((SELECT count(*) FROM wazo_auth.password p WHERE p.user_uuid = :'deep_user'), 0::bigint, 'the password stays where it is');
TRUNCATE old_system.asked;
SELECT is(pg_temp.metadata('deep', 'old', '{"access_type": "offline", "client_id": "c"}') - 'xivo_uuid',
  jsonb_build_object('uuid', :'deep_user', 'tenant_uuid', :'deep', 'auth_id', :'deep_user', 'pbx_user_uuid', :'deep_user', 'purpose', 'user', 'from', 'old', 'admin', true, 'kept', 'yes'),
  'its metadata is in the token, but for who the user is');
SELECT ok((SELECT a.args ->> 'client_id' = 'c' AND NOT a.args ?| '{password,refresh_token}' FROM old_system.asked a), 'it is told of the request, without secrets');
SELECT is((SELECT r.metadata::text FROM wazo_auth.refresh_token r WHERE r.user_uuid = :'deep_user'), '{"kept": "yes"}', 'and in the refresh token');
SELECT is((SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest WHERE s.user_uuid = :'deep_user' AND a.acl::text[] @> '{old.old,old.x.#}'), 2::bigint, 'its accesses, too');
CREATE OR REPLACE FUNCTION old_system.acl(login text, args jsonb) RETURNS text[] LANGUAGE sql AS $$SELECT ARRAY['old', NULL]$$;
SELECT is(pg_temp.status('deep', 'old'), '500', 'accesses that are none');
CREATE OR REPLACE FUNCTION old_system.acl(login text, args jsonb) RETURNS text[] LANGUAGE sql AS $$SELECT array_agg('old.' || i) FROM generate_series(1, 5000) i$$;
SELECT is(pg_temp.status('deep', 'old'), '500', 'or too many');
CREATE OR REPLACE FUNCTION old_system.acl(login text, args jsonb) RETURNS text[] LANGUAGE sql AS $$SELECT NULL::text[]$$;
SELECT is(pg_temp.status('deep', 'old'), '200', 'none');
CREATE FUNCTION pg_temp.metadata_is(expression text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'CREATE OR REPLACE FUNCTION old_system.metadata(login text, args jsonb) RETURNS jsonb LANGUAGE sql AS ' || quote_literal('SELECT ' || expression);
  RETURN pg_temp.status('deep', 'old');
END $$;
SELECT is(pg_temp.metadata_is(e), s, 'metadata ' || e) FROM (VALUES ('NULL::jsonb', '200'), ('''[]''::jsonb', '500'), ('''1''::jsonb', '500'), ('''null''::jsonb', '500'),
  ('jsonb_build_object(''a'', repeat(''x'', 20000))', '500'), ('jsonb_build_object(''a'', repeat(''x'', 10000000))', '500'), ('(1 / 0)::text::jsonb', '500'), ('''{}''::jsonb', '200')) t (e, s);
CREATE OR REPLACE FUNCTION old_system.verify(login text, password text, args jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT ('"' || password || '"')::jsonb$$;
SELECT is(pg_temp.status('deep', 'old'), '401', 'what is no object is no yes');
CREATE OR REPLACE FUNCTION old_system.verify(login text, password text, args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN PERFORM wazo_auth.raise_error(404, 'x'); END$$;
SELECT is(pg_temp.status('deep', 'old') || pg_temp.status('unknown', 'x') || pg_temp.status('north', 'x') || pg_temp.status('north', 'mine'), '500500500200', 'a backend that fails: all whom it might know are told the same');
DROP FUNCTION old_system.verify;
SELECT is(pg_temp.status('deep', 'old') || pg_temp.status('north', 'mine'), '500200', 'one that is gone');
CREATE FUNCTION old_system.verify(login text, password text, args jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT '{}'::jsonb WHERE password = 'old'$$;
SELECT wazo_auth.register_backend('old', 'old_system.verify', adopts => true, role => 'old_system') \g /dev/null
SELECT is((SELECT count(*) FROM wazo_auth.registrations r WHERE r.name = 'old'), 1::bigint, 'registered anew, it has no parts of before');
SELECT is(pg_temp.status('deep', 'old'), '200', 'a backend that gives up its passwords');
SELECT ok((SELECT p.hash LIKE '$argon2id$%' FROM wazo_auth.password p WHERE p.user_uuid = :'deep_user'), 'the password is here');
SELECT wazo_auth.unregister('backend', 'old') \g /dev/null
SELECT is(pg_temp.status('deep', 'old'), '200', 'and counts without it');

-- ---- metadata ----
CREATE FUNCTION old_system.extra(login text, user_uuid uuid, args jsonb) RETURNS jsonb LANGUAGE sql AS
$$SELECT jsonb_build_object('extra', login, 'who', user_uuid, 'purpose', 'forged', 'step', COALESCE(args ->> 'step', '1'))$$;
CREATE FUNCTION old_system.more(login text, user_uuid uuid, args jsonb) RETURNS jsonb LANGUAGE sql AS $$SELECT '{"step": "2", "pbx_user_uuid": "filled"}'::jsonb$$;
SELECT throws_ok($$SELECT wazo_auth.register_metadata('user_admin_status', 'old_system.extra', role => 'old_system')$$, '42710', NULL, 'metadata that is there');
SELECT wazo_auth.register_metadata('extra', 'old_system.extra', role => 'old_system'), wazo_auth.register_metadata('more', 'old_system.more', 'old_system.extra', role => 'old_system') \g /dev/null
SELECT is(pg_temp.metadata('deep', 'old') ? 'extra', false, 'metadata of no purpose is not asked for');
SELECT wazo_auth.configure('{"purpose_metadata_mapping": {"user": ["extra", "nosuch", "more", "user_admin_status"]}}') \g /dev/null
SELECT is(pg_temp.metadata('deep', 'old') - 'xivo_uuid',
  jsonb_build_object('uuid', :'deep_user', 'tenant_uuid', :'deep', 'auth_id', :'deep_user', 'pbx_user_uuid', :'deep_user', 'purpose', 'user', 'admin', false, 'extra', 'deep', 'who', :'deep_user', 'step', '2'),
  'in the order of the setting');
SELECT wazo_auth.create_user(:'north', 'robot', 'right', purpose => 'internal') \g /dev/null
SELECT is(pg_temp.metadata('robot', 'right') ->> 'pbx_user_uuid', NULL, 'by purpose');
SELECT wazo_auth.configure('{"purpose_metadata_mapping": {"internal": ["more"]}}') \g /dev/null
SELECT is(pg_temp.metadata('robot', 'right') ->> 'pbx_user_uuid', 'filled', 'what the service leaves open may be filled');
SELECT is(pg_temp.metadata('robot', 'right', '{"access_type": "offline", "client_id": "c"}') ->> 'extra', 'robot', 'a login with a refresh token');
SELECT is((SELECT r.metadata ->> 'extra' FROM wazo_auth.refresh_token r JOIN wazo_auth.user u ON u.uuid = r.user_uuid WHERE u.username = 'robot'), 'robot', 'those of refresh tokens are kept');
DROP FUNCTION old_system.more;
SELECT is(pg_temp.status('robot', 'right') || pg_temp.status('deep', 'old'), '500200', 'one that is gone fails its own purpose');

SELECT * FROM finish();
ROLLBACK;
