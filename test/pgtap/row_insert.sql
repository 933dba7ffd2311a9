-- What a login writes is inserted without a statement: all that a table asks for
-- counts, also what comes while the backend keeps something of it.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

CREATE FUNCTION pg_temp.open(agent text DEFAULT 'x') RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
  RETURN wazo_auth.open_session(u, 60, '{a.b}', '{}', false, NULL, agent, '192.0.2.1') FROM wazo_auth.user u WHERE u.username = 'deep';
END $$;

SELECT ok(pg_temp.open() IS NOT NULL, 'a session, which the backend keeps something for');
SELECT pg_temp.open('agent') AS token \gset
SELECT is((SELECT concat_ws(' ', s.user_uuid, s.tenant_uuid, s.acl_digest = wazo_auth.acl_digest('{a.b}'), s.mobile, s.auth_id, s.refresh_token_digest,
                           s.user_agent, s.remote_addr, s.metadata, s.expiry_announced, s.email_uuid, s.expires_at - s.issued_at)
           FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token')),
          :'deep_user' || ' ' || :'deep' || ' t f agent 192.0.2.1 {} f 00:01:00', 'has its values, and the defaults of the others');

-- what is there from the start
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), %L, %L, wazo_auth.store_acl('{a.b}'), 60, false, NULL, '{}', repeat('x', 1025), '')$$, :'deep_user', :'deep'),
  '23514', 'new row for relation "session" violates check constraint "session_size_check"', 'a CHECK constraint');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), %L, %L, wazo_auth.store_acl('{a.b}'), 60, false, NULL, NULL, '', '')$$, :'deep_user', :'deep'), '23502', NULL, 'NOT NULL');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), gen_random_uuid(), %L, wazo_auth.store_acl('{a.b}'), 60, false, NULL, '{}', '', '')$$, :'deep'),
  '23503', 'insert or update on table "session" violates foreign key constraint "session_user_uuid_fkey"', 'a foreign key: the user');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), %L, gen_random_uuid(), wazo_auth.store_acl('{a.b}'), 60, false, NULL, '{}', '', '')$$, :'deep_user'), '23503', NULL, 'the tenant');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), %L, %L, gen_random_uuid(), 60, false, NULL, '{}', '', '')$$, :'deep_user', :'deep'), '23503', NULL, 'the accesses');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(gen_random_uuid(), %L, %L, wazo_auth.store_acl('{a.b}'), 60, false, gen_random_uuid(), '{}', '', '')$$, :'deep_user', :'deep'), '23503', NULL, 'the refresh token');
SELECT throws_ok(format($$SELECT wazo_auth.insert_session(s.token_digest, %L, %L, wazo_auth.store_acl('{a.b}'), 60, false, NULL, '{}', '', '') FROM wazo_auth.session s LIMIT 1$$, :'deep_user', :'deep'), '23505', NULL, 'a unique index');
SELECT ok(pg_temp.open() IS NOT NULL, 'the next one is none the worse for them');

-- what comes later
CREATE INDEX of_test ON wazo_auth.session (user_agent) WHERE user_agent LIKE 'indexed%';
SELECT ok(pg_temp.open('indexed') IS NOT NULL, 'a new index');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is((SELECT count(*) FROM wazo_auth.session s WHERE s.user_agent LIKE 'indexed%'), 1::bigint, 'knows the row');
RESET enable_seqscan;
RESET enable_bitmapscan;
ALTER TABLE wazo_auth.session ADD CONSTRAINT of_test CHECK (user_agent <> 'refused');
SELECT throws_ok($$SELECT pg_temp.open('refused')$$, '23514', NULL, 'a new CHECK constraint');
ALTER TABLE wazo_auth.session DROP CONSTRAINT of_test;
SELECT lives_ok($$SELECT pg_temp.open('refused')$$, 'that is gone again');
ALTER TABLE wazo_auth.session ADD COLUMN of_test text DEFAULT 'given', ALTER COLUMN mobile SET DEFAULT true;
SELECT pg_temp.open() AS token \gset
SELECT is((SELECT s.of_test || s.mobile FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token')), 'givenfalse', 'a new column with a default');
CREATE TABLE public.seen (line text);
CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'STATEMENT' THEN
    INSERT INTO public.seen SELECT 'statement ' || n.user_agent FROM made n;
    RETURN NULL;
  ELSIF NEW.user_agent = 'unwanted' THEN
    RETURN NULL;
  END IF;
  INSERT INTO public.seen VALUES (TG_WHEN || ' ' || NEW.user_agent);
  NEW.user_agent := upper(NEW.user_agent);
  RETURN NEW;
END $$;
CREATE TRIGGER before_test BEFORE INSERT ON wazo_auth.session FOR EACH ROW EXECUTE FUNCTION public.see();
CREATE TRIGGER after_test AFTER INSERT ON wazo_auth.session FOR EACH ROW EXECUTE FUNCTION public.see();
CREATE TRIGGER all_test AFTER INSERT ON wazo_auth.session REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION public.see();
SELECT pg_temp.open('triggered') AS token \gset
SELECT is((SELECT s.user_agent FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token')), 'TRIGGERED', 'a trigger before it');
SELECT is((SELECT string_agg(s.line, ', ') FROM public.seen s), 'BEFORE triggered, AFTER TRIGGERED, statement TRIGGERED', 'and those after it, with the rows');
SELECT is(wazo_auth.insert_session(gen_random_uuid(), :'deep_user', :'deep', wazo_auth.store_acl('{a.b}'), 60, false, NULL, '{}', 'unwanted', ''), NULL, 'no row, if the one before does not want it');
DROP TRIGGER before_test ON wazo_auth.session;
DROP TRIGGER after_test ON wazo_auth.session;
DROP TRIGGER all_test ON wazo_auth.session;
SELECT lives_ok($$SELECT pg_temp.open()$$, 'without them as before');

-- the parts of the audit log
SELECT is((SELECT a.tableoid::regclass::text FROM wazo_auth.audit a ORDER BY a.id DESC LIMIT 1), 'wazo_auth.audit_other', 'what no month has');
SELECT wazo_auth.add_audit_month(date_trunc('month', now() AT TIME ZONE 'UTC')::date), wazo_auth.add_audit_month((date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month')::date);
SELECT lives_ok($$SELECT pg_temp.open('monthly')$$, 'a month comes');
SELECT is((SELECT a.tableoid::regclass || ' ' || (a.after ->> 'user_agent') FROM wazo_auth.audit a ORDER BY a.id DESC LIMIT 1),
          'wazo_auth.audit_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMM') || ' monthly', 'and gets the rows of its time');
DO $$ BEGIN EXECUTE format('DROP TABLE wazo_auth.audit_%s', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMM')); END $$;
SELECT lives_ok($$SELECT pg_temp.open('left')$$, 'it goes');
SELECT is((SELECT a.tableoid::regclass || ' ' || (a.after ->> 'user_agent') FROM wazo_auth.audit a ORDER BY a.id DESC LIMIT 1), 'wazo_auth.audit_other left', 'and they are what no month has');

SELECT * FROM finish();
ROLLBACK;
