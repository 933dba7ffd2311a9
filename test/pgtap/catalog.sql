-- The extension's objects as a whole: comments, rights, search paths,
-- collations.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
\set QUIET on
BEGIN;
SELECT plan(37);

-- what belongs to the extension
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e';
CREATE TEMP VIEW member_function AS
SELECT p.* FROM pg_catalog.pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_catalog.pg_proc'::regclass;
CREATE TEMP VIEW member_relation AS
SELECT c.* FROM pg_catalog.pg_class c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_catalog.pg_class'::regclass;

SELECT cmp_ok((SELECT count(*) FROM member_function), '>=', 60::bigint, 'there are functions to look at');
SELECT cmp_ok((SELECT count(*) FROM member_relation WHERE relkind = 'r'), '>=', 20::bigint, 'and tables');

-- comments
SELECT is_empty($$
  SELECT pg_catalog.pg_describe_object(m.classid, m.objid, 0) FROM member m
  WHERE pg_catalog.obj_description(m.objid, m.classid::regclass::name) IS NULL
    -- types that come with a table or another type
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t
                    WHERE m.classid = 'pg_catalog.pg_type'::regclass AND t.oid = m.objid
                      AND (t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A'
                           OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')))
    -- sequences of identity columns
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.classid = m.classid AND d.objid = m.objid AND d.deptype = 'i')
    -- the family of an operator class of the same name
    AND m.classid NOT IN ('pg_catalog.pg_opfamily'::regclass, 'pg_catalog.pg_cast'::regclass)
$$, 'every object has a comment');
SELECT is_empty($$
  SELECT t.tgrelid::regclass, t.tgname FROM pg_catalog.pg_trigger t JOIN member_relation r ON r.oid = t.tgrelid
  WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND pg_catalog.obj_description(t.oid, 'pg_trigger') IS NULL
$$, 'so have triggers');
SELECT is_empty($$
  SELECT r.rolname FROM pg_catalog.pg_roles r
  WHERE r.rolname LIKE 'wazo\_auth\_%' AND pg_catalog.shobj_description(r.oid, 'pg_authid') IS NULL
$$, 'and roles');

-- a record of it would stay behind, and keep the role from being dropped
SELECT is_empty($$
  SELECT p.parname FROM pg_catalog.pg_init_privs i JOIN pg_catalog.pg_parameter_acl p ON p.oid = i.objoid
  WHERE i.classoid = 'pg_catalog.pg_parameter_acl'::regclass
$$, 'rights on parameters are not recorded as the extension''s');

-- What a login runs through: a pin costs more than most of these functions do, and all of it runs below one. Who calls
-- them pins (wazo_auth.token_create(), http() and what it has called in C do), or is one of them.
CREATE TEMP TABLE unpinned (name text PRIMARY KEY);
INSERT INTO unpinned VALUES
  ('rest_token_post'), ('after_token_post'), ('check_token_request'), ('login_members'), ('token_create_pinned'),
  ('guessed'), ('login_user'), ('identify'), ('refresh_token_login'), ('native_login'), ('ldap_login'),
  ('saml_login'), ('verify_credentials'), ('verify_refresh_token'), ('refresh_token_family'),
  ('is_good_refresh_token'), ('is_replaced_refresh_token'), ('refresh_token_end'), ('rotate_refresh_token'), ('is_authentication_method'), ('user_metadata'),
  ('is_at_session_cap'), ('user_acl_pinned'), ('default_acl'), ('store_acl'), ('open_session'), ('audit_session'),
  ('audit_is_on');

-- search paths
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f
  WHERE f.prosecdef AND NOT COALESCE(f.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
$$, 'SECURITY DEFINER functions pin their search_path');
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f JOIN pg_catalog.pg_language l ON l.oid = f.prolang
  WHERE (l.lanname = 'plpgsql' OR l.lanname = 'sql' AND f.prosqlbody IS NULL)
    AND NOT COALESCE(f.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
    AND f.proname NOT IN (SELECT u.name FROM unpinned u)
    -- it commits, which a procedure with settings of its own cannot; it has no operator and qualifies all names
    AND f.oid <> 'wazo_auth.rotate_key(integer)'::regprocedure
    -- http() calls checks with it pinned, and nobody else may call them
    AND NOT (f.pronargs = 1 AND f.proargtypes[0] = 'wazo_auth.http_request'::regtype
             AND EXISTS (SELECT FROM wazo_auth.check c WHERE c.function = 'wazo_auth.' || f.proname))
$$, 'and so does every function with a body that is parsed when it runs');
SELECT is_empty($$
  SELECT u.name FROM unpinned u
  WHERE (SELECT count(*) FROM member_function f
         WHERE f.proname = u.name AND NOT f.prosecdef AND f.proconfig IS NULL
           AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(f.proacl, pg_catalog.acldefault('f', f.proowner))) a
                           WHERE a.grantee <> f.proowner)) <> 1
$$, 'but for what a login runs through, which nobody else may execute,');
SELECT is_empty($$
  SELECT u.name, f.oid::regprocedure FROM unpinned u JOIN member_function f ON f.prosrc ~ ('\mwazo_auth\.' || u.name || '\M')
  WHERE f.proname NOT IN (SELECT o.name FROM unpinned o)
    AND NOT COALESCE(f.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
    -- checks, as above
    AND NOT EXISTS (SELECT FROM wazo_auth.check c WHERE c.function = 'wazo_auth.' || f.proname)
$$, 'which only functions call that pin their search_path, or are among them,');
SELECT is_empty($$
  SELECT u.name, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM unpinned u JOIN member_function f ON f.proname = u.name
  JOIN pg_catalog.pg_depend d ON d.refobjid = f.oid AND d.refclassid = 'pg_catalog.pg_proc'::regclass
$$, 'and no view, default, constraint or trigger');

-- settings of the caller
SELECT is_empty($$
  SELECT f.oid::regprocedure, p.setting
  FROM member_function f JOIN pg_catalog.pg_language l ON l.oid = f.prolang AND l.lanname NOT IN ('c', 'internal')
  CROSS JOIN unnest(wazo_auth.pinned_settings()) p (setting)
  WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(f.proacl) a WHERE a.grantee <> f.proowner)
    AND NOT COALESCE(f.proconfig, '{}') @> ARRAY[p.setting]
    -- plans of their own: they look for no secret
    AND NOT (p.setting LIKE 'plan\_cache\_mode=%' AND f.proname IN ('who_can', 'what_grants'))
    -- read when they were created, and without the owner's rights; test/t/hostile_settings.t looks at what they return
    AND NOT (f.prosqlbody IS NOT NULL AND NOT f.prosecdef AND f.proname LIKE 'event\_%' OR f.prokind = 'a')
$$, 'what others may execute takes no setting from them that changes what it means or logs');
SELECT cmp_ok(cardinality(wazo_auth.pinned_settings()), '>=', 20, 'there are such settings');

-- names
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f
  WHERE f.prorettype = 'void'::regtype AND f.proname NOT LIKE 'raise\_%'
    AND f.prosrc ~ '^\s*(#[^\n]*\n)?BEGIN\s+(--[^\n]*\n\s*)*(PERFORM wazo_auth\.raise_|RAISE EXCEPTION)[^;]*;\s*END'
$$, 'a function that never returns is named raise_');

-- PUBLIC
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f
  WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(f.proacl, pg_catalog.acldefault('f', f.proowner))) a WHERE a.grantee = 0)
$$, 'PUBLIC may execute no function');
SELECT is_empty($$
  SELECT r.oid::regclass FROM member_relation r
  WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(r.relacl, pg_catalog.acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) a WHERE a.grantee = 0)
     OR EXISTS (SELECT FROM pg_catalog.pg_attribute t, pg_catalog.aclexplode(t.attacl) a WHERE t.attrelid = r.oid AND a.grantee = 0)
$$, 'PUBLIC has no right to a table, view, sequence or column');
SELECT is_empty($$
  SELECT n.nspname FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  WHERE n.nspname = 'wazo_auth' AND a.grantee = 0
$$, 'nor to the schema');

SELECT is_empty($$
  SELECT t.oid::regtype FROM pg_catalog.pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_catalog.pg_type'::regclass
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE NOT (t.typcategory = 'A' AND t.typelem <> 0) AND COALESCE(c.relkind, 'c') = 'c'
    AND EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(t.typacl, pg_catalog.acldefault('T', t.typowner))) a WHERE a.grantee = 0)
$$, 'nor to a type');
SELECT is_empty($$
  SELECT f.oid::regprocedure, f.proowner::regrole FROM member_function f
  JOIN pg_catalog.pg_extension e ON e.extname = 'wazo_auth' AND e.extowner <> f.proowner
$$, 'the functions are owned by the owner of the extension');
SELECT is_empty($$
  SELECT r.rolname FROM pg_catalog.pg_roles r
  WHERE NOT r.rolsuper AND pg_catalog.has_schema_privilege(r.oid, 'wazo_auth', 'CREATE')
$$, 'and nobody else can put one into the schema');

-- the roles
SELECT is_empty($$
  SELECT r.oid::regclass, a.grantee::regrole, a.privilege_type
  FROM member_relation r, pg_catalog.aclexplode(r.relacl) a
  WHERE a.grantee <> r.relowner
    AND NOT (r.relkind = 'v' AND a.grantee = 'wazo_auth_admin'::regrole AND a.privilege_type = 'SELECT')
$$, 'nobody but the owner has a right to a table; administrators read views');
SELECT is_empty($$
  SELECT t.attrelid::regclass, t.attname FROM pg_catalog.pg_attribute t JOIN member_relation r ON r.oid = t.attrelid
  WHERE t.attacl IS NOT NULL
$$, 'nor to a column');
SELECT set_eq($$
  SELECT f.proname::text FROM member_function f WHERE pg_catalog.has_function_privilege('wazo_auth_front', f.oid, 'EXECUTE')
$$, ARRAY['go_live', 'http', 'http_batch', 'metrics', 'token_check'], 'what the front may execute');
SELECT set_eq($$
  SELECT f.proname::text FROM member_function f WHERE pg_catalog.has_function_privilege('wazo_auth_service', f.oid, 'EXECUTE')
    -- those of the type, which read no table
    AND NOT f.proname LIKE 'acl\_%'
$$, ARRAY['can', 'can_reach', 'current_tenant_uuid', 'current_user_uuid', 'event_body', 'event_headers', 'event_message_id', 'origin_uuid', 'set_token', 'check_request', 'check_requests', 'token_check', 'token_get', 'wait_for_transaction'], 'what a service may execute');
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f
  WHERE pg_catalog.has_function_privilege('wazo_auth_admin', f.oid, 'EXECUTE')
    AND NOT f.prosecdef AND f.prolang NOT IN (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname IN ('c', 'internal'))
    -- needs no right to a table
    AND f.proname NOT IN ('acl_agg', 'event_body', 'event_headers', 'event_message_id')
$$, 'what administrators may execute runs with the rights it needs');
SELECT is_empty($$
  SELECT f.oid::regprocedure FROM member_function f
  WHERE pg_catalog.has_function_privilege('wazo_auth_admin', f.oid, 'EXECUTE')
    AND f.proname = ANY ('{verify_credentials,stored_password,open_session,unseal,seal,store_acl,delete_sessions,delete_refresh_tokens,password_verify}')
$$, 'administrators have no parts to get around the rules with');
SELECT is_empty($$
  SELECT r.rolname FROM pg_catalog.pg_roles r
  WHERE r.rolname IN ('wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin')
    AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
$$, 'the roles have no attribute');

SET LOCAL client_min_messages = warning;
SELECT lives_ok('SELECT count(wazo_auth.bootstrap())', 'there is a top tenant');
-- Runs a query as a role, and returns its first value.
CREATE FUNCTION pg_temp.run_as(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_result text;
BEGIN
  PERFORM pg_catalog.set_config('role', role, true);
  EXECUTE query INTO v_result;
  PERFORM pg_catalog.set_config('role', 'none', true);
  RETURN v_result;
END
$$;

SELECT throws_ok($$SELECT pg_temp.run_as('wazo_auth_front', 'SELECT count(*) FROM wazo_auth.session')$$,
  '42501', 'permission denied for table session', 'the front reads no table');
SELECT throws_ok($$SELECT pg_temp.run_as('wazo_auth_front', 'SELECT wazo_auth.token_create(''a'', ''b'')')$$,
  '42501', 'permission denied for function token_create', 'and calls no other function');
SELECT is(pg_temp.run_as('wazo_auth_front', $$SELECT (wazo_auth.http('HEAD', '/0.1/status')).status$$), '200', 'it calls http()');
SELECT is(pg_temp.run_as('wazo_auth_front', 'SELECT wazo_auth.token_check(gen_random_uuid())'), 'unknown', 'and token_check()');
SELECT throws_ok($$SELECT pg_temp.run_as('wazo_auth_service', 'SELECT wazo_auth.http(''HEAD'', ''/0.1/status'')')$$,
  '42501', 'permission denied for function http', 'a service does not call http()');
SELECT is(pg_temp.run_as('wazo_auth_service', $$SELECT wazo_auth.token_check(gen_random_uuid(), 'a.b')$$), 'unknown', 'but token_check()');
SELECT throws_ok($$SELECT pg_temp.run_as('wazo_auth_admin', 'SELECT count(*) FROM wazo_auth.password')$$,
  '42501', 'permission denied for table password', 'nor do administrators read tables');

-- what is stored must not depend on the operating system
SELECT is_empty($$
  SELECT i.indexrelid::regclass, a.attname, a.attcollation::regcollation
  FROM pg_catalog.pg_index i
  JOIN member_relation r ON r.oid = i.indrelid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid
  WHERE a.attcollation NOT IN (0, '"C"'::regcollation, '"POSIX"'::regcollation)
$$, 'no index follows the rules of a locale');

-- and a wrong type of foreign key index would make deletions slow
SELECT is_empty($$
  SELECT c.conrelid::regclass, c.conname FROM pg_catalog.pg_constraint c JOIN member_relation r ON r.oid = c.conrelid
  WHERE c.contype = 'f'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                    WHERE i.indrelid = c.conrelid AND i.indkey[0] = ANY (c.conkey)
                      -- as "=" implies
                      AND (i.indpred IS NULL OR pg_catalog.pg_get_expr(i.indpred, i.indrelid)
                           = (SELECT pg_catalog.format('(%I IS NOT NULL)', a.attname) FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])))
$$, 'the referring side of every foreign key has an index');

SELECT * FROM finish();
ROLLBACK;
