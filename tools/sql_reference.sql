-- docs/sql-api.md, made of the comments: `make docs` writes it, test/pgtap/references.sql compares. What a role of the
-- extension may use, and the procedures, which are the owner's.
SET client_min_messages = warning;
SET search_path = wazo_auth, pg_catalog;
\pset format unaligned
\pset tuples_only on
\echo '# The SQL API, object by object'
\echo
\echo 'Made by `make docs` of the comments in the database, which `\\df+ wazo_auth.*` shows as well; [sql.md](sql.md) says where to begin.'
\echo '*Who* is the role whose members may use it: `front`, `service`, `admin` and `plugin` stand for `wazo_auth_front` and so on.'

CREATE FUNCTION pg_temp.who(acl aclitem[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'everybody' ELSE substr(r.rolname, 11) END, ', ')
  FROM aclexplode(acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
  WHERE a.grantee = 0 OR r.rolname IN ('wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin', 'wazo_auth_plugin')
$$;
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

\echo
\echo '## Functions and procedures'
SELECT format(E'\n### %s\n\n`%s(%s)%s`\n\n*Who: %s.* %s', p.proname, p.proname,
         pg_get_function_arguments(p.oid), ' returns ' || pg_get_function_result(p.oid),
         COALESCE(pg_temp.who(p.proacl), 'the owner'), obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
WHERE p.pronamespace = 'wazo_auth'::regnamespace AND (pg_temp.who(p.proacl) IS NOT NULL OR p.prokind = 'p')
  -- what types, operators and indexes call
  AND p.prorettype NOT IN ('internal'::regtype, 'cstring'::regtype)
  AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";

\echo
\echo '## Views and tables'
SELECT format(E'\n### %s\n\n*Who: %s.* %s\n\n| Column | Type | |\n|---|---|---|\n%s', c.relname, pg_temp.who(c.relacl),
         obj_description(c.oid, 'pg_class'),
         (SELECT string_agg(format('| `%s` | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                   replace(COALESCE(col_description(c.oid, a.attnum), ''), '|', '\|')), E'\n' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
WHERE c.relkind IN ('r', 'v') AND pg_temp.who(c.relacl) IS NOT NULL
ORDER BY c.relname COLLATE "C";

\echo
\echo '## Types'
SELECT format(E'\n### %s\n\n%s%s', t.typname, obj_description(t.oid, 'pg_type'),
         (SELECT E'\n\n| Member | Type | |\n|---|---|---|\n' || string_agg(format('| `%s` | %s | %s |', a.attname,
                   format_type(a.atttypid, a.atttypmod),
                   replace(COALESCE(col_description(t.typrelid, a.attnum), ''), '|', '\|')), E'\n' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typrelid = 0 AND t.typtype <> 'd' OR c.relkind = 'c') AND obj_description(t.oid, 'pg_type') IS NOT NULL
ORDER BY t.typname COLLATE "C";
