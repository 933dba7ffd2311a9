-- Nobody reaches above its role by a function: as a member of each role that
-- the extension makes, every function which that role may execute is called,
-- with arguments that are right and, one by one, with somebody else's objects
-- and with hostile ones, among functions and operators of the intruder's own
-- that stand before those of the catalog. pg_proc says which functions there
-- are: a new one fails here until one of its calls gets through.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
-- what is told of bad input
SET client_min_messages = error;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
\ir lib/saml.psql
\ir lib/owned.psql
\ir lib/walkers.psql
SELECT no_plan();

-- ---- traps: they note whoever runs them that is no walker ----
CREATE SCHEMA trap;
GRANT USAGE, CREATE ON SCHEMA trap TO PUBLIC;
CREATE SEQUENCE trap.sprung;
GRANT USAGE, SELECT ON SEQUENCE trap.sprung TO PUBLIC;
-- What a sequence counts no subtransaction takes back.
CREATE FUNCTION trap.spring() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF current_user NOT LIKE 'walker\_%' THEN
    PERFORM nextval('trap.sprung');
  END IF;
  RETURN true;
END $$;
-- One of each signature by which the service calls functions that it is told of.
CREATE FUNCTION trap.fire() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN trap.spring(); END $$;
DO $$
DECLARE
  v_kind record;
BEGIN
  FOR v_kind IN SELECT DISTINCT ON (k.arguments) k.arguments, COALESCE(k.results[1], 'void') AS result FROM wazo_auth.plugin_kinds() k
                UNION SELECT a, r FROM (VALUES ('text', 'boolean'), ('uuid,uuid,uuid', 'void')) f (a, r) LOOP
    EXECUTE format('CREATE FUNCTION trap.fire(%s) RETURNS %s LANGUAGE plpgsql AS %L', v_kind.arguments, v_kind.result,
      'BEGIN PERFORM trap.spring(); ' || CASE v_kind.result WHEN 'void' THEN 'END' ELSE 'RETURN NULL; END' END);
  END LOOP;
END $$;
-- The catalog's functions that the extension calls, and all operators of usual types.
DO $$
DECLARE
  v_made record;
BEGIN
  FOR v_made IN
    SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result
    FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
      AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[] || p.prorettype) t (oid) JOIN pg_type y ON y.oid = t.oid WHERE y.typtype = 'p')
      AND EXISTS (SELECT FROM pg_proc w WHERE w.pronamespace = 'wazo_auth'::regnamespace AND w.prosrc ~ ('\m' || p.proname || '\('))
  LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', v_made.proname,
      (SELECT string_agg(regexp_replace(a, '^OUT .*|^.* OUT .*', ''), ', ') FROM unnest(string_to_array(v_made.arguments, ', ')) a WHERE a !~ '\mOUT\M'), v_made.result,
      'BEGIN PERFORM trap.spring(); RAISE EXCEPTION ''trap''; END');
  END LOOP;
  FOR v_made IN
    SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result FROM pg_operator o
    WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b' AND NOT o.oprresult = 0
      AND ARRAY[o.oprleft, o.oprright] <@ '{text,uuid,int4,int8,jsonb,json,bool,timestamptz,interval,bytea,name,oid,inet,xid8}'::regtype[]::oid[]
  LOOP
    EXECUTE format('CREATE FUNCTION trap.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', v_made.oid, v_made.l, v_made.r, v_made.result,
      'BEGIN PERFORM trap.spring(); RAISE EXCEPTION ''trap''; END');
    EXECUTE format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.operator_%s)', v_made.oprname, v_made.l, v_made.r, v_made.oid);
  END LOOP;
  -- Tables and types of its own with the names of the extension's.
  FOR v_made IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'c') LOOP
    EXECUTE format('CREATE VIEW trap.%I AS SELECT trap.spring() AS uuid', v_made.relname);
    EXECUTE format('CREATE TEMP VIEW %I AS SELECT trap.spring() AS uuid', v_made.relname);
    EXECUTE format('GRANT SELECT ON trap.%1$I, pg_temp.%1$I TO PUBLIC', v_made.relname);
  END LOOP;
END $$;
SELECT cmp_ok((SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'trap'::regnamespace), '>=', 200::bigint, 'there are traps');
SELECT trap.fire() \g /dev/null
SELECT is(last_value || ' ' || is_called, '1 true', 'which note who steps on them') FROM trap.sprung;

-- ---- secrets: what is stored of passwords, tokens and keys ----
CREATE TEMP TABLE secret (place text, value text);
SELECT wazo_auth.set_password(u, 'a-secret-password') FROM unnest(ARRAY[:'top_user', :'south_user']::uuid[]) u \g /dev/null
SELECT wazo_auth.configure('{"amqp.uri": "amqp://u:stored-secret@localhost:1/", "smtp.password": "stored-secret"}'), wazo_auth.create_saml_config(t.uuid, t.domain, 'wazo', :'acs', :'metadata')
FROM (VALUES (:'south'::uuid, :'south_domain'::uuid), (:'north', :'north_domain')) t (uuid, domain) \g /dev/null
SELECT wazo_auth.add_saml_key(:'south'),
  wazo_auth.set_ldap_config(:'south', '{"host": "h", "port": 389, "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "mail", "bind_dn": "b", "bind_password": "stored-secret"}') \g /dev/null
INSERT INTO secret VALUES ('a setting', 'stored-secret'), ('a password', 'a-secret-password');
DO $$
DECLARE
  v_column record;
BEGIN
  FOR v_column IN
    SELECT a.attrelid::regclass AS relation, a.attname, a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.atttypid = 'bytea'::regtype OR a.attname ~ 'digest|hash|sealed|salt') AND NOT c.relname ~ '^audit'
  LOOP
    EXECUTE format('INSERT INTO secret SELECT %L, x FROM %s t, LATERAL unnest(CASE WHEN %L THEN ARRAY[encode(%I::text::bytea, ''escape''), %3$I::text] END) x',
      v_column.relation || '.' || v_column.attname, v_column.relation, true, v_column.attname);
  END LOOP;
END $$;
DELETE FROM secret WHERE value IS NULL OR length(value) < 16 AND place LIKE '%.%';
SELECT cmp_ok((SELECT count(DISTINCT place) FROM secret), '>=', 8::bigint, 'there are secrets to look for');

-- ---- arguments, as SQL ----
-- Right ones: by function and name, by name and type, by type.
CREATE TEMP TABLE good (function text, argument text, type text, value text);
INSERT INTO good VALUES
  (NULL, NULL, 'text', '''x'''), (NULL, NULL, 'integer', '1'), (NULL, NULL, 'bigint', '1'), (NULL, NULL, 'boolean', 'false'), (NULL, NULL, 'interval', '''1 s'''),
  (NULL, NULL, 'jsonb', '''{}'''), (NULL, NULL, 'json', '''{}'''), (NULL, NULL, 'text[]', '''{x}'''), (NULL, NULL, 'uuid[]', '''{}'''), (NULL, NULL, 'integer[]', '''{}'''),
  (NULL, NULL, 'boolean[]', 'NULL'), (NULL, NULL, 'bytea', '''\x00'''), (NULL, NULL, 'bytea[]', '''{}'''), (NULL, NULL, 'timestamp with time zone', '''2030-01-01'''),
  (NULL, NULL, 'wazo_auth.acl', '''{a.b}'''), (NULL, NULL, 'cidr', '''10.0.0.0/8'''), (NULL, NULL, 'xid8', '''3'''), (NULL, NULL, 'wazo_auth.postal_address', 'NULL'),
  (NULL, NULL, 'wazo_auth.http_request', 'ROW(''GET'',''/'',''{}'',''{}'',''{a,b}'',''{}'',NULL,NULL,NULL,NULL,''{}'',NULL,NULL,NULL)'),
  (NULL, NULL, 'numeric', '1');
INSERT INTO good SELECT NULL, p.argument, 'uuid', quote_literal(o.value)
FROM (VALUES ('user_uuid', 'user_uuid'), ('auth_id', 'user_uuid'), ('tenant_uuid', 'tenant_uuid'), ('group_uuid', 'group_uuid'), ('policy_uuid', 'policy_uuid'),
             ('session_uuid', 'session_uuid'), ('token', 'token'), ('email_uuid', 'email_uuid'), ('top_uuid', 'tenant_uuid'), ('scope', 'tenant_uuid'),
             ('parent_uuid', 'tenant_uuid'), ('domain_uuid', 'domain uuid')) p (argument, param)
JOIN owned o ON o.param = p.param AND o.tenant = 'south';

-- Somebody else's, and such as are not meant.
CREATE TEMP TABLE hostile (type text, value text);
INSERT INTO hostile SELECT 'uuid', quote_literal(o.value) FROM owned o WHERE o.value ~ '^[0-9a-f-]{36}$' AND (o.tenant = 'south' OR o.tenant = 'top' AND o.param IN ('user_uuid', 'tenant_uuid', 'policy_uuid'));
INSERT INTO hostile SELECT 'text', quote_literal(v) FROM unnest(ARRAY['trap.fire', '''; SELECT trap.fire(); --', '', 'trap.fire()', 'trap.fire(text)', 'pg_temp.setting', '''||trap.fire()||''',
  '"; SELECT trap.fire(); --', '$$ || trap.fire() || $$', 'x); SELECT trap.fire(); --', E'a\n\\', 'postgres', 'wazo_auth_admin', 'pg_catalog.pg_read_file(''/etc/passwd'')', '../../../etc/passwd',
  '%s%n%I%L$1', '{x}', '#', '!#', 'secret-user-south', '/0.1/users', 'SELECT trap.fire()']) v;
INSERT INTO hostile VALUES
  ('integer', '-1'), ('integer', '0'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'), ('bigint', '9223372036854775807'), ('boolean', 'true'),
  ('interval', '''-1 day'''), ('interval', '''0'''), ('jsonb', '''null'''), ('jsonb', '''[]'''), ('jsonb', '''{"limit": -1, "order": "trap.fire()", "search": "''''; SELECT trap.fire(); --", "recurse": true}'''),
  ('jsonb', '''{"limit": 1000, "recurse": true}'''), ('json', '''[]'''), ('json', '''"x"'''), ('text[]', '''{NULL}'''), ('text[]', '''{}'''), ('text[]', '''{trap.fire,"\"",#}'''),
  ('uuid[]', '''{NULL}'''), ('integer[]', '''{-1,2147483647,NULL}'''), ('bytea[]', '''{NULL}'''), ('wazo_auth.acl', '''{#}'''), ('wazo_auth.acl', '''{}'''), ('wazo_auth.acl', '''{!#}'''),
  ('cidr', '''0.0.0.0/0'''), ('timestamp with time zone', '''infinity'''), ('bytea', 'sha512(''x'')');
-- What there is none else of
\ir lib/walk_arguments.psql

CREATE TEMP TABLE executable AS
SELECT w.role, w.name AS walker, p.oid::regprocedure AS function, p.proname, p.pronargs, p.pronargdefaults, p.proretset, p.prokind
FROM walker w JOIN pg_proc p ON p.pronamespace = 'wazo_auth'::regnamespace AND has_function_privilege(w.name, p.oid, 'EXECUTE');
CREATE TEMP TABLE argument AS
SELECT f.function, f.place, f.type, f.name, f.variadic,
       COALESCE((SELECT g.value FROM good g
                 WHERE (g.function IS NULL OR g.function = f.proname) AND (g.argument IS NULL OR g.argument = f.name) AND (g.type IS NULL OR g.type = f.type)
                 ORDER BY g.function IS NULL, g.argument IS NULL LIMIT 1), 'NULL') || '::' || f.type AS good
FROM (SELECT p.oid::regprocedure AS function, p.proname, t.place - 1 AS place, p.provariadic <> 0 AND t.place = p.pronargs AS variadic, format_type(t.type, NULL) AS type, COALESCE(p.proargnames[n.at], '') AS name
      FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY t (type, place)
      -- among the names stand those of what is returned, too
      LEFT JOIN LATERAL (SELECT m.at FROM (SELECT a.at, row_number() OVER (ORDER BY a.at) AS place FROM generate_subscripts(p.proargnames, 1) a (at)
                                           WHERE COALESCE(p.proargmodes[a.at], 'i') IN ('i', 'b', 'v')) m WHERE m.place = t.place) n ON true
      WHERE p.oid IN (SELECT e.function FROM executable e)) f;

-- The calls: all right without and with what has a default, then one argument after the other hostile or null.
CREATE FUNCTION pg_temp.call_of(f executable, given integer, odd integer, value text) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT r::pg_catalog.text FROM wazo_auth.%I(%s) r', f.proname,
                (SELECT string_agg(CASE WHEN a.variadic THEN 'VARIADIC ' ELSE '' END || CASE a.place WHEN odd THEN value || '::' || a.type ELSE a.good END, ', ' ORDER BY a.place) FROM argument a WHERE a.function = f.function AND a.place < given))
$$;
CREATE TEMP TABLE call AS
SELECT e.role, e.walker, e.function, c.query FROM executable e, LATERAL (
  SELECT pg_temp.call_of(e, given, NULL, NULL) AS query FROM unnest(ARRAY[e.pronargs - e.pronargdefaults, e.pronargs]) given
  UNION SELECT pg_temp.call_of(e, e.pronargs, a.place::integer, h.value)
  FROM argument a JOIN (SELECT *, row_number() OVER (PARTITION BY type) AS n FROM hostile) h ON h.type = a.type
  WHERE a.function = e.function AND (h.n <= 2 OR e.proname NOT IN (SELECT d.name FROM dear d))
  UNION SELECT pg_temp.call_of(e, e.pronargs, a.place::integer, 'NULL') FROM argument a WHERE a.function = e.function) c
WHERE e.prokind <> 'a';

-- ---- what comes of them ----
-- What a member of the role may see of whose objects it names, beside what it said itself.
CREATE FUNCTION pg_temp.shown(role text, query text, answer text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(DISTINCT x.place, ', ') FROM (
    SELECT s.place FROM secret s WHERE position(s.value IN answer) > 0 AND position(s.value IN query) = 0
    -- the audit log names the accesses that a session had by their digest
      AND NOT (role = 'wazo_auth_admin' AND s.place IN ('wazo_auth.acl_set.digest', 'wazo_auth.session.acl_digest'))
    UNION ALL
    -- administrators look after all tenants; who has a token is told of its tenant
    SELECT o.tenant || '''s ' || o.param FROM owned o
    WHERE role <> 'wazo_auth_admin' AND o.param NOT IN ('access', 'idp_type', 'auth_type') AND position(o.value IN answer) > 0 AND position(o.value IN query) = 0
      AND NOT EXISTS (SELECT FROM owned t WHERE t.tenant = o.tenant AND t.param IN ('token', 'refresh token') AND position(t.value IN query) > 0)) x
$$;
-- run_as(), and how many traps have sprung meanwhile.
CREATE FUNCTION pg_temp.run_among_traps(walker text, query text, OUT state text, OUT answer text, OUT wrote name[], OUT is_now text, OUT outside text, OUT sprung bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_before bigint := (SELECT last_value FROM trap.sprung);
BEGIN
  SELECT r.* INTO state, answer, wrote, is_now, outside FROM pg_temp.run_as(walker, query, 'trap, pg_temp, pg_catalog', true) r;
  sprung := (SELECT last_value FROM trap.sprung) - v_before;
END $$;
CREATE TEMP TABLE result AS
SELECT c.role, c.walker, c.function, c.query, r.*, pg_temp.shown(c.role, c.query, r.answer) AS shown
FROM call c CROSS JOIN LATERAL pg_temp.run_among_traps(c.walker, c.query) r;

SELECT cmp_ok(count(*), '>=', 1000::bigint, 'there was something to call') FROM result;
SELECT is_empty('SELECT r.function, r.query FROM result r WHERE r.sprung > 0', 'no code of the caller''s runs with more rights than it has');
SELECT is_empty('SELECT r.role, r.query, left(r.answer, 200), r.shown FROM result r WHERE r.shown IS NOT NULL', 'nothing is told that the role is not to know');
SELECT is_empty('SELECT r.query, r.is_now FROM result r WHERE r.state = ''00000'' AND r.is_now <> r.walker || '' none '' || r.walker', 'the caller is who it was, afterwards');
SELECT is_empty('SELECT r.query, r.state, r.answer FROM result r WHERE r.state ~ ''^(XX|58|53|42601|42P18|42883)'' AND r.answer NOT LIKE ''there is no function %''', 'no call ends in an error that is none of the caller''s');
SELECT is_empty(format('SELECT r.query, r.outside FROM result r WHERE r.state = ''00000'' AND r.outside <> %L', pg_temp.outside()), 'nothing outside of the extension changes');
-- Of each role the tables that its functions write to.
SELECT is_empty($$
  SELECT r.role, w.relation, min(r.query) FROM result r, unnest(r.wrote) w (relation)
  WHERE NOT EXISTS (SELECT FROM may_write m WHERE m.role = r.role AND w.relation ~ m.relations)
  GROUP BY 1, 2
$$, 'nothing is written that is not the role''s to write');
SELECT is_empty($$
  SELECT r.role, r.function, left(string_agg(DISTINCT r.state || ' ' || left(r.answer, 120), '; '), 600) FROM result r
  WHERE NOT EXISTS (SELECT FROM refuses f WHERE f.function = split_part(r.function::text, '(', 1))
  GROUP BY 1, 2 HAVING NOT bool_or(r.state = '00000')
$$, 'of each function a call gets through');
SELECT is_empty($$
  SELECT f.function FROM refuses f WHERE EXISTS (SELECT FROM result r WHERE r.state = '00000' AND f.function = split_part(r.function::text, '(', 1))
     OR NOT EXISTS (SELECT FROM result r WHERE f.function = split_part(r.function::text, '(', 1))
$$, 'but of those that never return');
SELECT is_empty($$SELECT e.function FROM executable e WHERE e.role = 'PUBLIC'$$, 'others call nothing');
SELECT set_eq('SELECT DISTINCT r.role FROM result r', $$SELECT w.role FROM walker w WHERE w.role <> 'PUBLIC'$$, 'all roles were tried');

SELECT * FROM finish();
ROLLBACK;
