-- Where the extension may be: before anything is made.
--
-- The functions call each other as the owner of the extension, so whoever can
-- put a function into the schema can become that role. The schema must be
-- empty as well, since what somebody made there stays theirs.
DO $$
DECLARE
  v_schema oid;
  v_owner oid;
  v_name name;
  v_extension oid;
  v_others text;
  v_made_now boolean;
  v_members text;
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'wazo_auth needs a database with the encoding UTF8, and this one has %',
      current_setting('server_encoding')
      USING ERRCODE = 'feature_not_supported',
            HINT = 'Create the database with: CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0.';
  END IF;
  SELECT n.oid, n.nspowner, n.nspname, n.xmin = pg_current_xact_id()::xid, e.oid
  INTO STRICT v_schema, v_owner, v_name, v_made_now, v_extension
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'wazo_auth';
  SELECT COALESCE(string_agg(d.objid::text, ' '), '') INTO v_members
  FROM pg_depend d
  WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = v_extension;
  IF v_name <> 'wazo_auth' THEN
    RAISE EXCEPTION 'the schema of wazo_auth was renamed to "%"', v_name
      USING ERRCODE = 'invalid_schema_name', HINT = format('Run ALTER SCHEMA %I RENAME TO wazo_auth.', v_name);
  END IF;
  IF pg_get_userbyid(v_owner) <> current_user THEN
    RAISE EXCEPTION 'the schema wazo_auth belongs to "%" and not to "%", who installs the extension',
      pg_get_userbyid(v_owner), current_user
      USING ERRCODE = 'invalid_schema_definition',
            HINT = 'Its owner could become the owner of the extension. Drop the schema: CREATE EXTENSION makes it.'
                   ' From a dump, restore with --no-owner.';
  END IF;
  -- A schema that nobody else can see yet has only what default privileges gave; sql/grants.sql takes it away.
  SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ')
  INTO v_others
  FROM pg_namespace n, aclexplode(n.nspacl) a
  WHERE n.oid = v_schema AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE' AND NOT v_made_now;
  IF v_others IS NOT NULL THEN
    RAISE EXCEPTION 'others than its owner may create in the schema wazo_auth: %', v_others
      USING ERRCODE = 'invalid_schema_definition',
            HINT = format('They could become the owner of the extension.'
                          ' Run REVOKE ALL ON SCHEMA wazo_auth FROM %s CASCADE.', v_others);
  END IF;
  SELECT string_agg(pg_describe_object(d.classid, d.objid, 0), ', ') INTO v_others
  FROM (SELECT d.classid, d.objid FROM pg_depend d
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = v_schema
          AND d.classid <> 'pg_extension'::regclass
          AND NOT EXISTS (SELECT FROM pg_depend m
                          WHERE m.classid = d.classid AND m.objid = d.objid
                            AND m.deptype = 'e' AND m.refobjid = v_extension)
          -- An upgrade minds the objects of others only.
          AND (v_members = ''
               OR EXISTS (SELECT FROM pg_shdepend s
                          JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
                          WHERE s.classid = d.classid AND s.objid = d.objid
                            AND s.deptype = 'o' AND s.refobjid <> v_owner))
        ORDER BY d.classid, d.objid LIMIT 5) d;
  IF v_others IS NOT NULL THEN
    RAISE EXCEPTION 'the schema wazo_auth holds what does not belong to the extension: %', v_others
      USING ERRCODE = 'invalid_schema_definition',
            HINT = 'Such objects could take the place of the extension''s own. Drop them,'
                   ' or move them to another schema with ALTER ... SET SCHEMA.';
  END IF;
  -- People's grants on what is there already are left alone by sql/grants.sql.
  PERFORM set_config('wazo_auth_script.members', v_members, true);
END
$$;
