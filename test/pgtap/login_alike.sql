-- Who asks with a wrong password or for a mail makes the server do the same, whether there is such a user or not:
-- counted in calls of functions, hashes, pages and records of the write-ahead log, so that no clock decides. What a
-- clock says is `make timing`.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Of what other tests have left dead a few entries are passed over for nobody, until they are marked.
VACUUM wazo_auth.login, wazo_auth.password, wazo_auth.user, wazo_auth.email, wazo_auth.crypt_password;
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
SET track_functions = 'all';
\ir lib/rest.psql
SELECT no_plan();

CREATE TEMPORARY TABLE ours AS SELECT p.oid, p.oid::regprocedure::text AS name FROM pg_proc p WHERE p.pronamespace = 'wazo_auth'::regnamespace;
CREATE FUNCTION pg_temp.calls() RETURNS jsonb LANGUAGE sql AS $$
  SELECT COALESCE(jsonb_object_agg(c.name, c.calls), '{}')
  FROM (SELECT o.name, pg_stat_get_xact_function_calls(o.oid) AS calls FROM ours o OFFSET 0) c WHERE c.calls > 0
$$;
-- What a request makes the server do.
CREATE FUNCTION pg_temp.work(method text, target text, headers text[], body text, peer text, OUT status integer, OUT counts jsonb, OUT pages integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_before jsonb := pg_temp.calls();
  v_hashes record := wazo_auth.hashes_computed();
  v_after record;
  v_plan json;
BEGIN
  EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING false, FORMAT JSON) SELECT set_config(''test.status'', a.status::text, true)'
                 ' FROM wazo_auth.http(%L, %L, %L, %L, %L) a', method, target, headers, convert_to(body, 'UTF8'), peer) INTO v_plan;
  v_plan := v_plan #> '{0,Plan}';
  v_after := wazo_auth.hashes_computed();
  status := current_setting('test.status')::integer;
  pages := (v_plan ->> 'Shared Hit Blocks')::integer + (v_plan ->> 'Shared Read Blocks')::integer;
  SELECT jsonb_object_agg(c.key, c.value::integer - COALESCE((v_before ->> c.key)::integer, 0)) INTO counts
  FROM jsonb_each_text(pg_temp.calls()) c WHERE c.value::integer > COALESCE((v_before ->> c.key)::integer, 0);
  counts := counts - 'wazo_auth.hashes_computed()' || jsonb_build_object(
    'argon2id', v_after.argon2id - v_hashes.argon2id, 'pbkdf2', v_after.pbkdf2_sha512 - v_hashes.pbkdf2_sha512,
    'wal', (v_plan ->> 'WAL Records')::integer);
END $$;
-- What the first does and the second does not, and the other way round.
CREATE FUNCTION pg_temp.differ(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT COALESCE(jsonb_object_agg(COALESCE(x.key, y.key), jsonb_build_array(x.value, y.value)), '{}')
  FROM jsonb_each(a) x FULL JOIN jsonb_each(b) y ON y.key = x.key WHERE x.value IS DISTINCT FROM y.value
$$;
CREATE FUNCTION pg_temp.basic(login text) RETURNS text[] LANGUAGE sql AS $$
  SELECT CASE WHEN login IS NULL THEN '{}' ELSE ARRAY['Authorization', 'Basic ' || translate(encode(convert_to(login || ':wrong', 'UTF8'), 'base64'), E'\n', '')] END
$$;
-- Two requests in turn, each first as often: their statuses, how they differ where they differ least in log records (a
-- page that is full, or the next numbers of a sequence, are nobody's), by how many pages in the middle and at least (what
-- others do to the catalogs is read anew), and what the second one does. Before each, a statement; a * in the address is
-- another number each time.
CREATE TEMPORARY SEQUENCE number START 256;
CREATE FUNCTION pg_temp.compare(method text, targets text[], logins text[], body text, peer text, before text,
  OUT status text, OUT differ jsonb, OUT pages integer, OUT least_pages integer, OUT counts jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_work record;
  v_counts jsonb[];
  v_pages integer[];
  v_differ jsonb;
  v_off integer[] := '{}';
BEGIN
  DELETE FROM wazo_auth.login_failure;
  FOR i IN 1 .. 7 LOOP
    v_counts := '{NULL,NULL}';
    v_pages := '{NULL,NULL}';
    FOR j IN 0 .. 1 LOOP
      DECLARE
        v_which integer := 1 + (i + j) % 2;
        n integer;
      BEGIN
        EXECUTE before;
        n := nextval('number');
        v_work := pg_temp.work(method, targets[v_which], pg_temp.basic(logins[v_which]), body, replace(peer, '*', concat_ws('.', n / 256, n % 256)));
        v_counts[v_which] := v_work.counts;
        v_pages[v_which] := v_work.pages;
        status := concat_ws(' ', status, CASE WHEN status LIKE '%' || v_work.status THEN NULL ELSE v_work.status END);
      END;
    END LOOP;
    IF i < 4 THEN
      CONTINUE;  -- plans and caches
    END IF;
    v_differ := pg_temp.differ(v_counts[1], v_counts[2]);
    v_off := v_off || v_pages[1] - v_pages[2];
    IF differ IS NULL OR abs(COALESCE((v_differ #>> '{wal,0}')::integer - (v_differ #>> '{wal,1}')::integer, 0))
                         < abs(COALESCE((differ #>> '{wal,0}')::integer - (differ #>> '{wal,1}')::integer, 0)) THEN
      differ := v_differ;
      counts := v_counts[2];
    END IF;
  END LOOP;
  SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY o), min(abs(o)) INTO pages, least_pages FROM unnest(v_off) o;
END $$;
-- ---- users of every sort ----
SELECT count(wazo_auth.create_user(:'north', n, CASE WHEN n <> 'none' THEN 'secret' END, n || '@x.org', authentication_method => 'native')) AS made
FROM unnest('{old,disabled,ldap,saml,none,unconfirmed,someone}'::text[]) n \gset
SET wazo_auth.argon2_iterations = 2;
SELECT wazo_auth.create_user(:'north', 'ann', 'secret', 'ann@x.org', authentication_method => 'native') AS ann \gset
SELECT wazo_auth.confirm_email(e.uuid) FROM wazo_auth.email e WHERE e.address <> 'unconfirmed@x.org';
UPDATE wazo_auth.user SET authentication_method = username WHERE username IN ('ldap', 'saml');
SELECT wazo_auth.update_user(u.uuid, u.username, enabled => false) FROM wazo_auth.user u WHERE u.username = 'disabled';

-- From no address, and from another one each time.
CREATE TEMPORARY TABLE done AS
SELECT n.name || m.domain AS login, p.peer, c.*
FROM unnest('{ann,old,none,disabled,ldap,saml,unconfirmed,someone}'::text[]) n(name), (VALUES (''), ('@x.org')) m(domain), (VALUES (NULL), ('10.9.*')) p(peer),
     LATERAL pg_temp.compare('POST', '{/0.1/token,/0.1/token}', ARRAY[n.name || m.domain, reverse(n.name) || m.domain], '{}', p.peer, 'SELECT 1') c;
SELECT is(d.status, '401', format('%s from %s: refused', d.login, d.peer)) FROM done d;
SELECT is(d.differ, '{}'::jsonb, format('%s from %s: does what nobody''s login does', d.login, d.peer)) FROM done d;
-- but for the rows that a look-up finds
SELECT cmp_ok(abs(d.pages), '<=', 12, format('%s from %s: reads what nobody''s login does', d.login, d.peer)) FROM done d;
-- a page more where one was full
SELECT cmp_ok(d.least_pages, '<=', 2, format('%s from %s: no more than two pages off', d.login, d.peer)) FROM done d;
SELECT cmp_ok((d.counts ->> 'wal')::integer, '>', 0, 'what is written is counted: ' || d.login) FROM done d WHERE d.peer = '10.9.*';
SELECT is(d.counts ->> 'argon2id', '2', 'so are hashes: ' || d.login) FROM done d WHERE d.peer = '10.9.*';

-- A login that waits already is refused before anything of it is looked at.
SELECT is((c.status, c.differ)::text, '(429,{})', 'a locked login is refused as nobody''s is')
FROM pg_temp.compare('POST', '{/0.1/token,/0.1/token}', '{ann,nobody}', '{}', '198.51.100.2',
  'SELECT count(wazo_auth.count_failed_login(l, ''198.51.100.2'')) FROM unnest(''{ann,nobody}''::text[]) l, generate_series(1, 12)') c;

-- ---- asking for a mail, and a bad token of one ----
CREATE TEMPORARY TABLE reset AS
SELECT q.what || q.name AS asked, c.*
FROM (VALUES ('username=', 'ann', 'nobody'), ('email=', 'ann@x.org', 'nobody@x.org'), ('login=', 'ann', 'nobody'), ('login=', 'disabled', 'nobody'),
             ('login=', 'unconfirmed@x.org', 'nobody@x.org'), ('email=', 'unconfirmed@x.org', 'nobody@x.org'), ('username=', 'ldap', 'nobody')) q (what, name, nobody),
     LATERAL pg_temp.compare('GET', ARRAY['/0.1/users/password/reset?' || q.what || q.name, '/0.1/users/password/reset?' || q.what || q.nobody], NULL, NULL, '10.9.*',
       'DELETE FROM wazo_auth.mail_outbox') c;
INSERT INTO reset
SELECT 'asked again: username=ann', c.* FROM pg_temp.compare('GET', '{/0.1/users/password/reset?username=ann,/0.1/users/password/reset?username=nobody}', NULL, NULL, '10.9.*', 'SELECT 1') c
UNION ALL
SELECT 'a bad token', c.* FROM pg_temp.compare('POST', ARRAY['/0.1/users/password/reset?token=88888888-8888-4888-8888-888888888888&user_uuid=' || :'ann',
  '/0.1/users/password/reset?token=88888888-8888-4888-8888-888888888888&user_uuid=' || :'nobody'], NULL, '{"password": "x"}', '10.9.*', 'SELECT 1') c;
SELECT is(r.status, CASE r.asked WHEN 'a bad token' THEN '401' ELSE '204' END, r.asked || ': its answer') FROM reset r;
SELECT is(r.differ, '{}'::jsonb, format('%s: does what it does for nobody', r.asked)) FROM reset r;
-- but for the rows that a look-up finds
SELECT cmp_ok(abs(r.pages), '<=', 12, format('%s: reads what it reads for nobody', r.asked)) FROM reset r;

-- ---- an imported password: one hash of its sort for each login ----
SELECT wazo_auth.create_user(:'north', 'imported', authentication_method => 'native') AS imported \gset
SELECT wazo_auth.import_password(:'imported', repeat('ab', 64), decode(repeat('cd', 64), 'hex')) \g /dev/null
SELECT is((w.status, w.counts ->> 'pbkdf2', w.counts ->> 'argon2id')::text, '(401,1,2)', 'hashes of ' || l)
FROM unnest('{imported,nobody,ann}'::text[]) l, LATERAL pg_temp.work('POST', '/0.1/token', pg_temp.basic(l), '{}', NULL) w;

-- ---- a password from elsewhere ----
CREATE EXTENSION IF NOT EXISTS pgcrypto;
SELECT wazo_auth.create_user(:'north', 'elsewhere', authentication_method => 'native') AS elsewhere \gset
SELECT wazo_auth.import_crypt_password(:'elsewhere', crypt('secret', gen_salt('md5'))) \g /dev/null
CREATE TEMPORARY TABLE from_elsewhere AS
SELECT c.* FROM pg_temp.compare('POST', '{/0.1/token,/0.1/token}', '{elsewhere,erehwesle}', '{}', '10.9.*', 'SELECT 1') c;
SELECT is((f.status, f.differ)::text, '(401,{})', 'its login does what nobody''s does') FROM from_elsewhere f;
SELECT cmp_ok(f.least_pages, '<=', 2, 'and reads what nobody''s does, and its row') FROM from_elsewhere f;

-- ---- what nobody sees holds up nobody ----
CREATE FUNCTION pg_temp.pages(statement text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING false, FORMAT JSON) ' || statement INTO v_plan;
  RETURN (v_plan #>> '{0,Plan,Shared Hit Blocks}')::integer + (v_plan #>> '{0,Plan,Shared Read Blocks}')::integer;
END $$;
INSERT INTO wazo_auth.login (login, user_uuid, is_username, is_email) SELECT 'm' || i, :'ann', true, false FROM generate_series(1, 10000) i;
DELETE FROM wazo_auth.login WHERE login LIKE 'm%';
SELECT cmp_ok(pg_temp.pages('SELECT wazo_auth.resolve_login(''m'')'), '<', 60, 'logins that are gone are passed over');
SELECT is(wazo_auth.resolve_login('m'), NULL, 'and are nobody''s');
SELECT is(wazo_auth.resolve_login(l)::text, :'ann', 'who comes before and behind is found: ' || l) FROM unnest('{ann,ann@x.org}'::text[]) l;
-- an index in another order is none to look for the next one in
ALTER TABLE wazo_auth.login DROP CONSTRAINT login_pkey;
CREATE UNIQUE INDEX ON wazo_auth.login (login DESC);
SELECT is(wazo_auth.resolve_login(l)::text, :'ann', 'and with another index: ' || l) FROM unnest('{ann,ann@x.org}'::text[]) l;

SELECT * FROM finish();
ROLLBACK;
