-- What others may execute does not depend on the settings of its caller. A list
-- that a function has of its own comes first. Expressions that were read when
-- they were created (BEGIN ATOMIC) need nothing but for the rights of the owner.
DO $$
DECLARE
  v_set text;
BEGIN
  FOR v_set IN
    SELECT format('ALTER ROUTINE %s SET %s = %L', p.oid::regprocedure,
             (SELECT string_agg(quote_ident(n), '.' ORDER BY place)
              FROM unnest(string_to_array(split_part(s.setting, '=', 1), '.')) WITH ORDINALITY t (n, place)),
             substr(s.setting, strpos(s.setting, '=') + 1))
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
    JOIN pg_proc p ON p.oid = d.objid
    JOIN pg_language l ON l.oid = p.prolang
    CROSS JOIN unnest(wazo_auth.pinned_settings()) s (setting)
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND l.lanname IN ('plpgsql', 'sql') AND (p.prosecdef OR p.prosqlbody IS NULL)
      AND EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner)
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE split_part(c, '=', 1) = split_part(s.setting, '=', 1))
  LOOP
    EXECUTE v_set;
  END LOOP;
END
$$;
