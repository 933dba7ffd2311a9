-- Nobody reaches above its role without a function: a member of each role that
-- the extension makes tries every table, view and sequence there is, every
-- other role, every setting of the extension's, and to change what the
-- extension is made of. (catalog.sql looks at the rights as they are granted.)
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = error;
SELECT no_plan();
\ir lib/walkers.psql
SELECT wazo_auth.bootstrap() \g (format=unaligned tuples_only=on) /dev/null

CREATE SCHEMA ground;
GRANT USAGE, CREATE ON SCHEMA ground TO PUBLIC;
CREATE TEMP TABLE attempt (what text, query text);
-- ---- relations ----
INSERT INTO attempt
SELECT c.oid::regclass || ': ' || k.command, format(k.query, c.oid::regclass, a.attname)
FROM pg_class c
LEFT JOIN LATERAL (SELECT quote_ident(a.attname) AS attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 1) a ON true
JOIN (VALUES
  ('SELECT', '{r,p,v,m,S}', 'SELECT x::pg_catalog.text FROM %s x'), ('a column', '{r,p,v,m}', 'SELECT %2$s::pg_catalog.text FROM %1$s'), ('count', '{r,p,v,m}', 'SELECT pg_catalog.count(*)::pg_catalog.text FROM %s'),
  ('INSERT', '{r,p,v}', 'INSERT INTO %s DEFAULT VALUES'), ('UPDATE', '{r,p,v}', 'UPDATE %s SET %s = DEFAULT'),
  ('DELETE', '{r,p,v}', 'DELETE FROM %s'), ('TRUNCATE', '{r,p}', 'TRUNCATE %s CASCADE'), ('LOCK', '{r,p,v}', 'LOCK TABLE %s IN ROW SHARE MODE'),
  ('FOR UPDATE', '{r,p,v}', 'SELECT ''''::pg_catalog.text FROM %s FOR UPDATE'), ('REFERENCES', '{r,p}', 'CREATE TABLE ground.mine (a pg_catalog.uuid REFERENCES %s)'),
  ('CREATE TRIGGER', '{r,p,v}', 'CREATE TRIGGER mine BEFORE INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()'),
  ('CREATE RULE', '{r,v}', 'CREATE RULE mine AS ON INSERT TO %s DO NOTHING'), ('ALTER', '{r,p,v}', 'ALTER TABLE %s OWNER TO CURRENT_USER'), ('DROP', '{r,p}', 'DROP TABLE %s CASCADE'),
  ('GRANT', '{r,p,v,S}', 'GRANT ALL ON %s TO CURRENT_USER'), ('INHERITS', '{r}', 'CREATE TABLE ground.mine () INHERITS (%s)'),
  ('CREATE STATISTICS', '{r}', 'CREATE STATISTICS ground.mine ON %2$s, %2$s FROM %1$s'),
  ('nextval', '{S}', 'SELECT pg_catalog.nextval(''%s'')::pg_catalog.text'), ('setval', '{S}', 'SELECT pg_catalog.setval(''%s'', 1)::pg_catalog.text'),
  ('last value', '{S}', 'SELECT pg_catalog.pg_sequence_last_value(''%s'')::pg_catalog.text')) k (command, kinds, query)
  ON c.relkind = ANY (k.kinds::"char"[])
WHERE c.relnamespace = 'wazo_auth'::regnamespace;
-- ---- roles ----
INSERT INTO attempt
SELECT 'SET ROLE ' || r.rolname, format('SET LOCAL ROLE %I', r.rolname) FROM pg_roles r WHERE r.rolname NOT LIKE 'walker\_%'
UNION ALL SELECT 'the setting role = ' || r.rolname, format('SELECT pg_catalog.set_config(''role'', %L, true)', r.rolname) FROM pg_roles r WHERE r.rolname NOT LIKE 'walker\_%'
UNION ALL SELECT 'GRANT ' || r.rolname, format('GRANT %I TO CURRENT_USER', r.rolname) FROM pg_roles r WHERE r.rolname NOT LIKE 'walker\_%'
UNION ALL SELECT 'ALTER ROLE ' || r.rolname, format('ALTER ROLE %I PASSWORD ''x''', r.rolname) FROM pg_roles r
UNION ALL SELECT 'default privileges of ' || r.rolname, format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT ALL ON TABLES TO PUBLIC', r.rolname) FROM pg_roles r WHERE r.rolname NOT LIKE 'walker\_%';
-- ---- settings ----
INSERT INTO attempt
SELECT 'the setting ' || s.name, format('SELECT pg_catalog.set_config(%L, %L, true)', s.name, s.setting) FROM pg_settings s WHERE s.name LIKE 'wazo\_auth.%'
UNION ALL SELECT 'reading the setting ' || s.name, format('SELECT pg_catalog.current_setting(%L)', s.name) FROM pg_settings s WHERE s.name LIKE 'wazo\_auth.%key%';
-- ---- what the extension is made of ----
INSERT INTO attempt
SELECT t.what, t.query FROM (VALUES
  ('a function of it', 'ALTER FUNCTION wazo_auth.metrics() SECURITY INVOKER'),
  ('a function''s code', 'CREATE OR REPLACE FUNCTION wazo_auth.go_live() RETURNS pg_catalog.bool LANGUAGE sql AS ''SELECT true'''),
  ('a function in the schema', 'CREATE FUNCTION wazo_auth.mine() RETURNS pg_catalog.int4 LANGUAGE sql AS ''SELECT 1'''), ('a table in the schema', 'CREATE TABLE wazo_auth.mine (a pg_catalog.int4)'),
  ('a type in the schema', 'CREATE DOMAIN wazo_auth.mine AS pg_catalog.int4'), ('an operator in the schema', 'CREATE OPERATOR wazo_auth.~ (LEFTARG = pg_catalog.int4, RIGHTARG = pg_catalog.int4, FUNCTION = pg_catalog.int4eq)'),
  ('the schema', 'ALTER SCHEMA wazo_auth OWNER TO CURRENT_USER'), ('its name', 'ALTER SCHEMA wazo_auth RENAME TO mine'), ('the extension', 'DROP EXTENSION wazo_auth CASCADE'),
  ('its members', 'ALTER EXTENSION wazo_auth DROP FUNCTION wazo_auth.metrics()'), ('an upgrade', 'ALTER EXTENSION wazo_auth UPDATE'), ('a cast', 'CREATE CAST (wazo_auth.acl AS pg_catalog.uuid) WITH INOUT AS IMPLICIT'),
  ('a program', 'COPY (SELECT 1) TO PROGRAM ''true'''), ('a file', 'SELECT pg_catalog.pg_read_file(''postgresql.conf'')'), ('ALTER SYSTEM', 'ALTER SYSTEM SET work_mem = 64'),
  ('the library', 'LOAD ''wazo_auth'''), ('its C functions', 'CREATE FUNCTION ground.mine() RETURNS pg_catalog.text LANGUAGE c AS ''$libdir/wazo_auth'', ''wazo_auth_unseal'''),
  ('a role', 'CREATE ROLE mine SUPERUSER'), ('a publication', 'CREATE PUBLICATION mine FOR ALL TABLES'), ('an event trigger', 'CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()')) t (what, query);

-- The views that administrators read, and nothing else.
CREATE TEMP TABLE allowed AS
SELECT 'wazo_auth_admin' AS role, c.oid::regclass || ': ' || k AS what
FROM pg_class c, unnest('{SELECT,a column,count}'::text[]) k
WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'v' AND has_table_privilege('wazo_auth_admin', c.oid, 'SELECT')
UNION ALL SELECT w.role, x.what FROM walker w, LATERAL (VALUES ('SET ROLE ' || w.role), ('the setting role = ' || w.role),
  -- PostgreSQL lets everybody change their own password.
  ('ALTER ROLE ' || w.name), ('default privileges of ' || w.role)) x (what);

-- so that each has a last value
SELECT nextval(c.oid) FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'S' \g /dev/null
CREATE TEMP TABLE result AS
SELECT w.role, a.what, a.query, r.* FROM walker w, attempt a, LATERAL pg_temp.run_as(w.name, a.query, 'pg_catalog', false) r;
SELECT cmp_ok(count(*), '>=', 2000::bigint, 'there was something to try') FROM result;
SELECT is_empty($$SELECT r.role, r.what, r.state FROM result r JOIN allowed a USING (role, what) WHERE r.state NOT IN ('00000')$$, 'what is allowed is done');
SELECT is_empty($$
  SELECT r.role, r.what, r.state, left(r.answer, 100) FROM result r
  WHERE NOT EXISTS (SELECT FROM allowed a WHERE (a.role, a.what) = (r.role, r.what))
    -- a GRANT by who has nothing to give is only warned of
    AND NOT (r.what ~ 'GRANT' AND r.state = '00000' AND r.outside = pg_temp.outside())
    -- from PostgreSQL 18 on nothing is read where an error was
    AND NOT (r.what LIKE '%: last value' AND r.state = '00000' AND r.answer = '')
    -- an error of this test's is no refusal
    AND r.state IN ('00000', '42601', '42703', '42883', '42P01')
$$, 'and everything else is refused');

SELECT is_empty($$
  SELECT w.role, d.refobjid FROM walker w, LATERAL (
    SELECT p.oid::regprocedure::text, p.proowner FROM pg_proc p WHERE p.pronamespace = 'wazo_auth'::regnamespace
    UNION ALL SELECT c.oid::regclass::text, c.relowner FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace
    UNION ALL SELECT t.oid::regtype::text, t.typowner FROM pg_type t WHERE t.typnamespace = 'wazo_auth'::regnamespace
    UNION ALL SELECT o.oid::regoperator::text, o.oprowner FROM pg_operator o WHERE o.oprnamespace = 'wazo_auth'::regnamespace
    UNION ALL SELECT n.nspname, n.nspowner FROM pg_namespace n WHERE n.nspname = 'wazo_auth'
    UNION ALL SELECT e.extname, e.extowner FROM pg_extension e WHERE e.extname = 'wazo_auth') d (refobjid, owner)
  WHERE pg_has_role(w.name, d.owner, 'MEMBER')
$$, 'nobody owns any of it, or becomes who does');

-- ---- code that is put together when it runs: each place known, and why a caller's text is none of it ----
CREATE TEMP TABLE known_dynamic (name text, why text);
INSERT INTO known_dynamic
SELECT n, w.why FROM (VALUES
  ('{add_audit_month,keep_audit}'::text[], 'names of partitions, made of a date or read in the catalog'),
  ('{audit_truncate}', 'the table that its trigger is of'),
  ('{is_good_text}', 'the function that a row of known_setting names, into which nobody but the owner writes'),
  ('{token_create_pinned}', 'the function that an identity provider''s answer names, into whose table nobody but the owner writes'),
  ('{crypt_backend}', 'the function of pgcrypto, found by its extension'),
  ('{list_page,user_json,tenant_json}', 'texts of the extension''s own; what was asked is a parameter, see cached_query()'),
  ('{sealed_values,reseal_batch}', 'the columns of sealed_columns()'),
  ('{export_upstream,check_loaded,check_references,check_upstream,delete_unstaged,hold_tables,hold_upstream,insert_staged,judge_staged_keys,judge_staged_references,judge_staged_rows,'
   'note_import,rows_not_staged,stage_upstream,write_staged}', 'the owner''s: nobody else may execute them, and they have the rights of who calls')) w (names, why), unnest(w.names) n;
SELECT set_eq($$
  SELECT p.proname::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
  WHERE p.pronamespace = 'wazo_auth'::regnamespace AND regexp_replace(p.prosrc, '--[^\n]*', '', 'g') ~ '\mEXECUTE\s|\mcached_query(_row)?\('
$$, $$SELECT k.name FROM known_dynamic k$$, 'dynamic SQL is where it is known to be');
SELECT is_empty($$
  SELECT p.oid::regprocedure FROM pg_proc p JOIN known_dynamic k ON k.name = p.proname AND k.why LIKE 'the owner''s%'
  WHERE p.pronamespace = 'wazo_auth'::regnamespace AND (p.prosecdef OR EXISTS (SELECT FROM walker w WHERE has_function_privilege(w.name, p.oid, 'EXECUTE')))
$$, 'what is the owner''s is so');
SELECT is_empty($$
  SELECT p.oid::regprocedure FROM pg_proc p
  WHERE p.pronamespace = 'wazo_auth'::regnamespace
    AND regexp_replace(p.prosrc, '--[^\n]*', '', 'g') ~* '\mSET\s+((LOCAL|SESSION)\s+)?(ROLE|SESSION\s+AUTHORIZATION)\M|''(role|session_authorization)''\s*,|set_config\(\s*[^'']'
$$, 'nothing becomes another role, or sets what it is told to');

SELECT * FROM finish();
ROLLBACK;
