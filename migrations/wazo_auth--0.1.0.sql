\echo Use "CREATE EXTENSION wazo_auth" to load this file. \quit

SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- preconditions.sql

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

-- roles.sql

-- Roles belong to the cluster and not to the database: another database may
-- have made them, and DROP EXTENSION leaves them.
DO $$
DECLARE
  v_role text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I', v_role);
    END IF;
  END LOOP;
END
$$;

COMMENT ON ROLE wazo_auth_front IS
'wazo_auth: may execute wazo_auth.http(), the token check and wazo_auth.go_live(); the HTTP front logs in with it';
COMMENT ON ROLE wazo_auth_service IS 'wazo_auth: may validate tokens, nothing else; for daemons beside the database';
COMMENT ON ROLE wazo_auth_admin IS 'wazo_auth: may execute the management functions';
-- What a statement of these roles holds, tokens and passwords, must not reach
-- the server's log, however much it logs: neither as parameters, nor as the
-- constants of a plan made for them, nor as the statement beside an error.
-- docs/security.md says what an administrator can still switch on.
DO $$
DECLARE
  v_role text;
  v_set text;
  -- auto_explain has it from 16 on
  v_explain boolean := pg_catalog.current_setting('server_version_num')::integer >= 160000;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin'] LOOP
    FOREACH v_set IN ARRAY ARRAY['log_parameter_max_length = 0', 'log_parameter_max_length_on_error = 0',
      'auto_explain.log_parameter_max_length = 0', 'plan_cache_mode = force_generic_plan', 'debug_print_parse = off',
      'debug_print_rewritten = off', 'debug_print_plan = off', 'log_min_error_statement = panic',
      -- What counts under a lock (the session cap, one refresh token per client)
      -- must see what was committed before the lock was given.
      'default_transaction_isolation = ''read committed''']
    LOOP
      IF v_explain OR v_set NOT LIKE 'auto\_explain.%' THEN
        EXECUTE pg_catalog.format('ALTER ROLE %I SET %s', v_role, v_set);
      END IF;
    END LOOP;
  END LOOP;
  -- Settings of a role are not those of its members; the front sets these itself.
  GRANT SET ON PARAMETER log_parameter_max_length, log_parameter_max_length_on_error TO wazo_auth_front;
  IF v_explain THEN
    GRANT SET ON PARAMETER auto_explain.log_parameter_max_length TO wazo_auth_front;
  END IF;
END
$$;

-- acl/types.sql

-- The type wazo_auth.acl, its casts, operators and operator classes: created
-- once. What may change from version to version is in functions.sql.

CREATE TYPE wazo_auth.acl;

CREATE FUNCTION wazo_auth.acl_in(pg_catalog.cstring)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_in';
COMMENT ON FUNCTION wazo_auth.acl_in(pg_catalog.cstring) IS
'Input of wazo_auth.acl: the syntax of text[], without nulls';

CREATE FUNCTION wazo_auth.acl_out(wazo_auth.acl)
    RETURNS pg_catalog.cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_out';
COMMENT ON FUNCTION wazo_auth.acl_out(wazo_auth.acl) IS
'Output of wazo_auth.acl: the syntax of text[]';

CREATE FUNCTION wazo_auth.acl_recv(pg_catalog.internal)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_recv';
COMMENT ON FUNCTION wazo_auth.acl_recv(pg_catalog.internal) IS
'Binary input of wazo_auth.acl: a version byte, the number of entries, then each with its length';

CREATE FUNCTION wazo_auth.acl_send(wazo_auth.acl)
    RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_send';
COMMENT ON FUNCTION wazo_auth.acl_send(wazo_auth.acl) IS
'Binary output of wazo_auth.acl';

CREATE FUNCTION wazo_auth.acl_typanalyze(pg_catalog.internal)
    RETURNS pg_catalog.bool
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_typanalyze';
COMMENT ON FUNCTION wazo_auth.acl_typanalyze(pg_catalog.internal) IS
'ANALYZE of wazo_auth.acl: also keeps the most common entries';

CREATE TYPE wazo_auth.acl (
    INPUT = wazo_auth.acl_in,
    OUTPUT = wazo_auth.acl_out,
    RECEIVE = wazo_auth.acl_recv,
    SEND = wazo_auth.acl_send,
    ANALYZE = wazo_auth.acl_typanalyze,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE wazo_auth.acl IS
'Ordered list of access patterns, such as {confd.#,auth.users.me.read,!confd.wizard.*}; at most 10,000 entries of '
'1,024 bytes, 1 MiB together';

CREATE FUNCTION wazo_auth.acl_from_array(pg_catalog.text[])
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_from_array';
COMMENT ON FUNCTION wazo_auth.acl_from_array(pg_catalog.text[]) IS
'Cast from text[] to wazo_auth.acl; order and duplicates are kept, nulls are refused';

CREATE FUNCTION wazo_auth.acl_to_array(wazo_auth.acl)
    RETURNS pg_catalog.text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_to_array';
COMMENT ON FUNCTION wazo_auth.acl_to_array(wazo_auth.acl) IS
'Cast from wazo_auth.acl to text[]';

CREATE CAST (pg_catalog.text[] AS wazo_auth.acl)
  WITH FUNCTION wazo_auth.acl_from_array(pg_catalog.text[]) AS ASSIGNMENT;
COMMENT ON CAST (pg_catalog.text[] AS wazo_auth.acl) IS 'each element is one access pattern';
CREATE CAST (wazo_auth.acl AS pg_catalog.text[]) WITH FUNCTION wazo_auth.acl_to_array(wazo_auth.acl) AS ASSIGNMENT;
COMMENT ON CAST (wazo_auth.acl AS pg_catalog.text[]) IS 'each access pattern is one element';

CREATE FUNCTION wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_eq';
COMMENT ON FUNCTION wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl) IS
'Same entries in the same order?';

CREATE FUNCTION wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_ne';
COMMENT ON FUNCTION wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl) IS
'Other entries, or another order?';

CREATE FUNCTION wazo_auth.acl_lt(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_lt';
COMMENT ON FUNCTION wazo_auth.acl_lt(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes: for indexes, not for readers';

CREATE FUNCTION wazo_auth.acl_le(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_le';
COMMENT ON FUNCTION wazo_auth.acl_le(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_gt(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gt';
COMMENT ON FUNCTION wazo_auth.acl_gt(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_ge(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_ge';
COMMENT ON FUNCTION wazo_auth.acl_ge(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_cmp';
COMMENT ON FUNCTION wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes: less than, equal to or greater than zero';

CREATE FUNCTION wazo_auth.acl_hash(wazo_auth.acl)
    RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_hash';
COMMENT ON FUNCTION wazo_auth.acl_hash(wazo_auth.acl) IS
'Hash for GROUP BY, DISTINCT and hash joins';

CREATE FUNCTION wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8)
    RETURNS pg_catalog.int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_hash_extended';
COMMENT ON FUNCTION wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8) IS
'Hash of 64 bits with a seed';

CREATE OPERATOR wazo_auth.= (
    FUNCTION = wazo_auth.acl_eq, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.=), NEGATOR = OPERATOR(wazo_auth.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR wazo_auth.= (wazo_auth.acl, wazo_auth.acl) IS 'same entries in the same order';

CREATE OPERATOR wazo_auth.<> (
    FUNCTION = wazo_auth.acl_ne, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<>), NEGATOR = OPERATOR(wazo_auth.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR wazo_auth.<> (wazo_auth.acl, wazo_auth.acl) IS 'other entries, or another order';

CREATE OPERATOR wazo_auth.< (
    FUNCTION = wazo_auth.acl_lt, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.>), NEGATOR = OPERATOR(wazo_auth.>=),
    RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR wazo_auth.< (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.<= (
    FUNCTION = wazo_auth.acl_le, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.>=), NEGATOR = OPERATOR(wazo_auth.>),
    RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR wazo_auth.<= (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.> (
    FUNCTION = wazo_auth.acl_gt, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<), NEGATOR = OPERATOR(wazo_auth.<=),
    RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR wazo_auth.> (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.>= (
    FUNCTION = wazo_auth.acl_ge, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<=), NEGATOR = OPERATOR(wazo_auth.<),
    RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR wazo_auth.>= (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR CLASS wazo_auth.acl_btree_ops DEFAULT FOR TYPE wazo_auth.acl USING btree AS
    OPERATOR 1 wazo_auth.<,
    OPERATOR 2 wazo_auth.<=,
    OPERATOR 3 wazo_auth.=,
    OPERATOR 4 wazo_auth.>=,
    OPERATOR 5 wazo_auth.>,
    FUNCTION 1 wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl);
COMMENT ON OPERATOR CLASS wazo_auth.acl_btree_ops USING btree IS 'order of the stored bytes';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_btree_ops USING btree IS 'order of the stored bytes';

CREATE OPERATOR CLASS wazo_auth.acl_hash_ops DEFAULT FOR TYPE wazo_auth.acl USING hash AS
    OPERATOR 1 wazo_auth.=,
    FUNCTION 1 wazo_auth.acl_hash(wazo_auth.acl),
    FUNCTION 2 wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8);
COMMENT ON OPERATOR CLASS wazo_auth.acl_hash_ops USING hash IS 'equality of access pattern lists';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_hash_ops USING hash IS 'equality of access pattern lists';

CREATE FUNCTION wazo_auth.acl_contains(wazo_auth.acl, pg_catalog.text)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_contains';
COMMENT ON FUNCTION wazo_auth.acl_contains(wazo_auth.acl, pg_catalog.text) IS
'Does the ACL grant the access, whoever holds it? The function of the operator @>; me and my_session are only '
'themselves';

CREATE FUNCTION wazo_auth.acl_contained(pg_catalog.text, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_contained';
COMMENT ON FUNCTION wazo_auth.acl_contained(pg_catalog.text, wazo_auth.acl) IS
'Is the access granted by the ACL, whoever holds it? The function of the operator <@';

CREATE FUNCTION wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_concat';
COMMENT ON FUNCTION wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl) IS
'The entries of the first ACL, then those of the second';

CREATE FUNCTION wazo_auth.acl_sel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int4)
    RETURNS pg_catalog.float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_sel';
COMMENT ON FUNCTION wazo_auth.acl_sel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int4) IS
'Share of rows whose ACL grants an access, for the planner';

CREATE FUNCTION wazo_auth.acl_joinsel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal)
    RETURNS pg_catalog.float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_joinsel';
COMMENT ON FUNCTION wazo_auth.acl_joinsel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal) IS
'Share of pairs of an ACL and an access that it grants, for the planner';

CREATE OPERATOR wazo_auth.@> (
    FUNCTION = wazo_auth.acl_contains, LEFTARG = wazo_auth.acl, RIGHTARG = pg_catalog.text,
    COMMUTATOR = OPERATOR(wazo_auth.<@),
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.@> (wazo_auth.acl, pg_catalog.text) IS 'grants the access';

CREATE OPERATOR wazo_auth.<@ (
    FUNCTION = wazo_auth.acl_contained, LEFTARG = pg_catalog.text, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.@>),
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.<@ (pg_catalog.text, wazo_auth.acl) IS 'is granted by';

CREATE FUNCTION wazo_auth.acl_request(access pg_catalog.text, auth_id pg_catalog.text, session_id pg_catalog.text)
    RETURNS pg_catalog.text[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_request';
COMMENT ON FUNCTION wazo_auth.acl_request(pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
'An access and its asker as one value, the right side of the operator @@';

CREATE FUNCTION wazo_auth.acl_grants_request(wazo_auth.acl, pg_catalog.text[])
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_request';
COMMENT ON FUNCTION wazo_auth.acl_grants_request(wazo_auth.acl, pg_catalog.text[]) IS
'Does the ACL grant the request? The function of the operator @@';

CREATE OPERATOR wazo_auth.@@ (
    FUNCTION = wazo_auth.acl_grants_request, LEFTARG = wazo_auth.acl, RIGHTARG = pg_catalog.text[],
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.@@ (wazo_auth.acl, pg_catalog.text[]) IS
'grants the request of acl_request(access, auth_id, session_id)';

CREATE OPERATOR wazo_auth.|| (
    FUNCTION = wazo_auth.acl_concat, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl
);
COMMENT ON OPERATOR wazo_auth.|| (wazo_auth.acl, wazo_auth.acl) IS 'the entries of both';

CREATE FUNCTION wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_extract_value';
COMMENT ON FUNCTION wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal) IS
'GIN: the keys of an ACL';

CREATE FUNCTION wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_extract_query';
COMMENT ON FUNCTION wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: the keys of an access';

CREATE FUNCTION wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_consistent';
COMMENT ON FUNCTION wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: may the ACL grant the access?';

CREATE FUNCTION wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog."char"
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_triconsistent';
COMMENT ON FUNCTION wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl,
  pg_catalog.int4, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: may the ACL grant the access, as far as is known?';

CREATE OPERATOR CLASS wazo_auth.acl_gin_ops DEFAULT FOR TYPE wazo_auth.acl USING gin AS
    OPERATOR 1 wazo_auth.@> (wazo_auth.acl, pg_catalog.text),
    OPERATOR 2 wazo_auth.@@ (wazo_auth.acl, pg_catalog.text[]),
    FUNCTION 1 pg_catalog.byteacmp(pg_catalog.bytea, pg_catalog.bytea),
    FUNCTION 2 wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 3 wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2, pg_catalog.internal,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 4 wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 6 wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    STORAGE pg_catalog.bytea;
COMMENT ON OPERATOR CLASS wazo_auth.acl_gin_ops USING gin IS
'which ACLs grant an access: keys are the literal heads of the patterns';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_gin_ops USING gin IS 'which ACLs grant an access';

CREATE FUNCTION wazo_auth.acl_agg_trans(pg_catalog.internal, wazo_auth.acl)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_agg_trans';
COMMENT ON FUNCTION wazo_auth.acl_agg_trans(pg_catalog.internal, wazo_auth.acl) IS
'One row of the aggregate acl_agg';

CREATE FUNCTION wazo_auth.acl_agg_final(pg_catalog.internal)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_agg_final';
COMMENT ON FUNCTION wazo_auth.acl_agg_final(pg_catalog.internal) IS
'Result of the aggregate acl_agg';

CREATE AGGREGATE wazo_auth.acl_agg(wazo_auth.acl) (
    SFUNC = wazo_auth.acl_agg_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = wazo_auth.acl_agg_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE wazo_auth.acl_agg(wazo_auth.acl) IS
'The entries of all ACLs in the order of the rows; nulls are left out, no row at all gives null';

CREATE FUNCTION wazo_auth.acl_grants_support(pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_support';
COMMENT ON FUNCTION wazo_auth.acl_grants_support(pg_catalog.internal) IS
'Planner support of acl_grants: lets an index on the ACL column serve it, and estimates how many rows it leaves';

-- acl/functions.sql

-- Questions asked of an ACL. Errors of all of them: 54000 when a value would
-- exceed the limits of wazo_auth.acl.

CREATE FUNCTION wazo_auth.acl_grants(acl wazo_auth.acl, access text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10 SUPPORT wazo_auth.acl_grants_support
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants';
COMMENT ON FUNCTION wazo_auth.acl_grants(wazo_auth.acl, text, text, text) IS
'Does the ACL grant the access to this holder? auth_id is what me stands for, session_id what my_session stands for; '
'a null one is the text None. A null access is no question: true. An access longer than 64 KiB is never granted.';

CREATE FUNCTION wazo_auth.acl_grants_cached(acl wazo_auth.acl, access text,
  auth_id text, session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_cached';
COMMENT ON FUNCTION wazo_auth.acl_grants_cached(wazo_auth.acl, text, text, text) IS
'As acl_grants, through the cache of ACL sets that token checks use (see wazo_auth.acl_cache_size): for an ACL that '
'many statements ask one after the other';

CREATE FUNCTION wazo_auth.may_add(caller wazo_auth.acl, auth_id text, session_id text,
  entries text[])
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_may_add';
COMMENT ON FUNCTION wazo_auth.may_add(wazo_auth.acl, text, text, text[]) IS
'The first of the entries that a caller with this ACL may not put into what others have; null when it may put in all. '
'A positive entry needs one of the caller''s that covers every access it matches, for any holder, and no negative one '
'of the caller''s that matches any of them; a negative entry needs one of the caller''s, positive or negative, that '
'covers it. A null ACL grants nothing. Raises 54000 when it takes too many steps, 22004 for a null entry.';

CREATE FUNCTION wazo_auth.may_remove(caller wazo_auth.acl, auth_id text,
  session_id text, entries text[])
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_may_remove';
COMMENT ON FUNCTION wazo_auth.may_remove(wazo_auth.acl, text, text, text[]) IS
'The first of the entries that a caller with this ACL may not take out of what others have; null when it may take out '
'all. It needs what may_add needs for a positive entry, one leading ! aside: without a negative entry its holders get '
'what it matches. Raises as may_add does.';

CREATE FUNCTION wazo_auth.acl_may_add(acl wazo_auth.acl, entry text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_may_add';
COMMENT ON FUNCTION wazo_auth.acl_may_add(wazo_auth.acl, text, text, text) IS
'may_add for one entry: may a caller with this ACL put it into what others have?';

CREATE FUNCTION wazo_auth.acl_may_remove(acl wazo_auth.acl, entry text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_may_remove';
COMMENT ON FUNCTION wazo_auth.acl_may_remove(wazo_auth.acl, text, text, text) IS
'may_remove for one entry: may a caller with this ACL take it out of what others have?';

CREATE FUNCTION wazo_auth.acl_decide(acl wazo_auth.acl, access text, auth_id text,
  session_id text, OUT granted bool, OUT entry_number int4, OUT entry text)
    RETURNS record
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_decide';
COMMENT ON FUNCTION wazo_auth.acl_decide(wazo_auth.acl, text, text, text) IS
'The decision of acl_grants and the entry that made it, counted from 1: the first negative one that matches, else the '
'first positive one; nulls when none does';

CREATE FUNCTION wazo_auth.acl_refuses(acl wazo_auth.acl, access text)
    RETURNS bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_refuses';
COMMENT ON FUNCTION wazo_auth.acl_refuses(wazo_auth.acl, text) IS
'Does a negative entry of the ACL match the access, whoever holds it? Such an ACL refuses the access beside any other';

CREATE FUNCTION wazo_auth.acl_has_negative(acl wazo_auth.acl)
    RETURNS bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_has_negative';
COMMENT ON FUNCTION wazo_auth.acl_has_negative(wazo_auth.acl) IS
'Has the ACL a negative entry?';

CREATE FUNCTION wazo_auth.acl_nearest(acl wazo_auth.acl, access text, auth_id text,
  session_id text, OUT entry_number int4, OUT entry text, OUT prefix int4,
  OUT edits int4, OUT missing text)
    RETURNS record
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_nearest';
COMMENT ON FUNCTION wazo_auth.acl_nearest(wazo_auth.acl, text, text, text) IS
'The positive entry that comes nearest to granting the access, counted from 1: it agrees with it for most leading '
'segments (prefix), then needs the fewest segments replaced, added or taken away (edits), then is the first; missing '
'says what these are. Nulls without a positive entry, or when more than 32 segments were to be compared';

CREATE FUNCTION wazo_auth.acl_length(acl wazo_auth.acl)
    RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_length';
COMMENT ON FUNCTION wazo_auth.acl_length(wazo_auth.acl) IS
'Number of entries of the ACL';

CREATE FUNCTION wazo_auth.acl_digest(acl wazo_auth.acl)
    RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_digest';
COMMENT ON FUNCTION wazo_auth.acl_digest(wazo_auth.acl) IS
'Key under which an ACL is stored once: the first 16 bytes of the SHA-256 of its stored form';

CREATE FUNCTION wazo_auth.acl_of(VARIADIC patterns text[])
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_from_array';
COMMENT ON FUNCTION wazo_auth.acl_of(text[]) IS
'The ACL of these access patterns. With one column of text as its argument it lets an index on '
'wazo_auth.acl_of(column) serve a table of single patterns';

CREATE FUNCTION wazo_auth.acl_cache_stats(OUT sets int8, OUT bytes int8,
  OUT hits int8, OUT misses int8, OUT evictions int8)
    RETURNS record
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_cache_stats';
COMMENT ON FUNCTION wazo_auth.acl_cache_stats() IS
'This server process''s cache of ACL sets: how many, their bytes, and what happened so far';

CREATE FUNCTION wazo_auth.acls_fit(acls wazo_auth.acl[])
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_acls_fit';
COMMENT ON FUNCTION wazo_auth.acls_fit(wazo_auth.acl[]) IS
'Are the ACLs together, each entry counted once, within the limits of one (10,000 entries, 1 MiB)? A null is empty.';

-- secrets/functions.sql

-- Secrets: the digest under which tokens are stored, and sealed values.

CREATE FUNCTION wazo_auth.token_digest(token uuid)
    RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_token_digest';
COMMENT ON FUNCTION wazo_auth.token_digest(uuid) IS
'Key under which a token is stored: the first 16 bytes of the SHA-256 of its lower-case text, as uuid. The token '
'itself is stored nowhere.';

CREATE FUNCTION wazo_auth.seal(plaintext text, context text)
    RETURNS bytea
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_seal';
COMMENT ON FUNCTION wazo_auth.seal(text, text) IS
'Encrypts a text with the current key of wazo_auth.secret_key_file (AES-256-GCM). context says where the value '
'belongs; unsealing needs the same. Errors: F0000 without a usable key file, 54000 over 1 MiB.';

CREATE FUNCTION wazo_auth.unseal(sealed bytea, context text)
    RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_unseal';
COMMENT ON FUNCTION wazo_auth.unseal(bytea, text) IS
'Gives back what wazo_auth.seal() sealed for the same context. Errors: 22023 not a sealed value, 22000 changed or of '
'another context, F0000 its key is not in the key file.';

CREATE FUNCTION wazo_auth.reseal(sealed bytea, context text)
    RETURNS bytea
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_reseal';
COMMENT ON FUNCTION wazo_auth.reseal(bytea, text) IS
'Seals a sealed value anew with the current key, for the rotation of keys; the value itself when it has that key '
'already. Errors: as wazo_auth.unseal() and wazo_auth.seal().';

CREATE FUNCTION wazo_auth.sealed_key_id(sealed bytea)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_sealed_key_id';
COMMENT ON FUNCTION wazo_auth.sealed_key_id(bytea) IS
'Id of the key that a value is sealed with. Errors: 22023 not a sealed value.';

CREATE FUNCTION wazo_auth.seal_key_id()
    RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_seal_key_id';
COMMENT ON FUNCTION wazo_auth.seal_key_id() IS
'Id of the key that new values are sealed with: the first one of wazo_auth.secret_key_file. Errors: F0000 without a '
'usable key file.';

-- passwords/functions.sql

-- Passwords: argon2id for new ones, upstream's PBKDF2-SHA512 as imported.

CREATE FUNCTION wazo_auth.password_hash(password text)
    RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_hash';
COMMENT ON FUNCTION wazo_auth.password_hash(text) IS
'Hashes a new password with argon2id and the parameters of wazo_auth.argon2_*; returns a PHC string. Errors: 22023 '
'empty, 22001 over 4096 bytes, WA503 too many logins at the same time.';

CREATE FUNCTION wazo_auth.password_verify(password text, hash text)
    RETURNS bool
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_verify';
COMMENT ON FUNCTION wazo_auth.password_verify(text, text) IS
'Whether the password belongs to the stored hash (argon2id or pbkdf2-sha512 PHC string). A NULL or unusable hash '
'costs the same and gives false, so that unknown logins do not show: one hash of each kind that is stored, see '
'wazo_auth.password.kind. Errors: WA503 too many logins at the same time.';

CREATE FUNCTION wazo_auth.password_needs_rehash(hash text)
    RETURNS bool
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_needs_rehash';
COMMENT ON FUNCTION wazo_auth.password_needs_rehash(text) IS
'Whether a stored hash has another scheme or other parameters than a new one would have. Computes no hash; NULL for '
'NULL.';

CREATE FUNCTION wazo_auth.password_from_upstream(password_hash text,
  password_salt bytea)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_from_upstream';
COMMENT ON FUNCTION wazo_auth.password_from_upstream(text, bytea) IS
'Joins the columns password_hash (128 hexadecimal digits) and password_salt of an upstream database into one '
'pbkdf2-sha512 PHC string. Errors: 22023 when they are of another form.';

CREATE FUNCTION wazo_auth.password_kind(hash text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_kind';
COMMENT ON FUNCTION wazo_auth.password_kind(text) IS
'Scheme and parameters of a stored hash, as $argon2id$v=19$m=19456,t=2,p=1: what it costs to compute. NULL for a text '
'that is no usable hash.';

CREATE FUNCTION wazo_auth.hashes_computed(
        OUT argon2id int8, OUT pbkdf2_sha512 int8)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_hashes_computed';
COMMENT ON FUNCTION wazo_auth.hashes_computed() IS
'How many password hashes of each scheme this connection has computed.';

CREATE FUNCTION wazo_auth.hash_slots(
        OUT slot_limit int4, OUT in_use int4,
        OUT waiting int4, OUT shared bool)
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_hash_slots';
COMMENT ON FUNCTION wazo_auth.hash_slots() IS
'How many password hashes may be computed at a time in the whole server, how many are, and how many logins wait. '
'Without shared_preload_libraries shared is false and the counts are NULL.';

-- http/json_functions.sql

-- JSON as clients of upstream see it.

CREATE FUNCTION wazo_auth.json_ascii(document json)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_ascii';
COMMENT ON FUNCTION wazo_auth.json_ascii(json) IS
'The document as Python''s json.dumps() writes it: pure ASCII with \uXXXX, one blank after commas and colons; the '
'order of keys and the text of numbers are kept. Errors: 22P05 for \u0000.';

CREATE FUNCTION wazo_auth.iso_time(value timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT to_char(iso_time.value,
           CASE WHEN date_trunc('second', iso_time.value) = iso_time.value
             THEN 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'
                ELSE 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM' END);
END;
COMMENT ON FUNCTION wazo_auth.iso_time(timestamptz) IS
'A time with its offset as upstream writes it: six digits of a second or none, where JSON of PostgreSQL leaves out '
'final zeros, which older readers of ISO 8601 refuse (contract: responses.md section 2).';

CREATE FUNCTION wazo_auth.json_object(names text[], VARIADIC "values" "any")
    RETURNS json
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_object';
COMMENT ON FUNCTION wazo_auth.json_object(text[], "any") IS
'JSON object of these members in their order, as json_ascii() would write it: booleans, integers, json and jsonb as '
'such, anything else as a string, null as null. The names must be a constant. Errors: 22023 when there are not as '
'many values as names.';

CREATE FUNCTION wazo_auth.json_list_add(state internal, item json)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_list_add';
COMMENT ON FUNCTION wazo_auth.json_list_add(internal, json) IS
'Transition function of the aggregate wazo_auth.json_list(json).';

CREATE FUNCTION wazo_auth.json_list_end(state internal)
    RETURNS json
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_list_end';
COMMENT ON FUNCTION wazo_auth.json_list_end(internal) IS
'Final function of the aggregate wazo_auth.json_list(json).';

CREATE AGGREGATE wazo_auth.json_list(pg_catalog.json) (
    SFUNC = wazo_auth.json_list_add,
    STYPE = internal,
    FINALFUNC = wazo_auth.json_list_end,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE wazo_auth.json_list(pg_catalog.json) IS
'JSON array of the items in their order, as json_ascii() would write it; [] when there is none.';

-- tenants/domain_names.sql

-- Before the tables, whose constraints use it.
CREATE FUNCTION wazo_auth.normal_domain(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_normal_domain';
COMMENT ON FUNCTION wazo_auth.normal_domain(text) IS
'The form of a domain name that stands for all of its spellings: in lower case, without the final dot, and in ASCII '
'(IDNA). The text itself when it is no domain name.';

-- sessions/types.sql

CREATE TYPE wazo_auth.token_status AS ENUM ('valid', 'unknown', 'access_denied', 'tenant_denied');
COMMENT ON TYPE wazo_auth.token_status IS
'Answer of wazo_auth.token_check(): valid; unknown or expired; the access is not granted; the tenant is not the '
'owner''s nor below it';

-- emails/types.sql

-- What the constraint of addresses needs.

CREATE FUNCTION wazo_auth.is_email_address(address text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_is_email_address';
COMMENT ON FUNCTION wazo_auth.is_email_address(text) IS
'Is this an e-mail address as the API takes them (contract: schemas.md section 1, Email algorithm)?';

-- tenants/tables.sql

CREATE TABLE wazo_auth.tenant (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  path uuid[] NOT NULL UNIQUE,
  slug text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C",
  phone text COLLATE "C",
  default_authentication_method text COLLATE "C" NOT NULL DEFAULT 'native',
  CONSTRAINT tenant_path_check CHECK (path[pg_catalog.cardinality(path)] = uuid
    AND pg_catalog.cardinality(path) BETWEEN 1 AND 100),
  CONSTRAINT tenant_slug_check CHECK (slug ~ '^[a-zA-Z0-9_]{1,10}$'),
  CONSTRAINT tenant_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 128),
  CONSTRAINT tenant_phone_check CHECK (phone <> '' AND pg_catalog.char_length(phone) <= 32),
  CONSTRAINT tenant_default_authentication_method_check CHECK (default_authentication_method <> 'default')
);
CREATE INDEX tenant_name_idx ON wazo_auth.tenant (name, uuid);
CREATE UNIQUE INDEX tenant_top_key ON wazo_auth.tenant ((true)) WHERE pg_catalog.cardinality(path) = 1;

COMMENT ON TABLE wazo_auth.tenant IS 'A tenant: one customer of the platform, in a tree below the top tenant';
COMMENT ON COLUMN wazo_auth.tenant.path IS
'Uuids from the top tenant down to this one. X is Y or below it when Y is in X''s path; the subtree of Y is one range '
'of the index on path';
COMMENT ON COLUMN wazo_auth.tenant.slug IS
'Short name, 1 to 10 of letters, digits and underscore; unique with regard to case';
COMMENT ON COLUMN wazo_auth.tenant.name IS 'Display name, not unique';
COMMENT ON COLUMN wazo_auth.tenant.phone IS 'Phone number, free text';
COMMENT ON COLUMN wazo_auth.tenant.default_authentication_method IS
'Method of the users whose own method is "default"; "default" itself would lock them out and is refused';
COMMENT ON INDEX wazo_auth.tenant_top_key IS 'There is one top tenant';

-- A foreign key from tenant to itself would make pg_dump warn of a cycle, so
-- the tree's integrity is held by a table beside it. All but the path follows
-- from it: a parent is where the path says, and is there.
CREATE TABLE wazo_auth.tenant_parent (
  path uuid[] PRIMARY KEY REFERENCES wazo_auth.tenant (path) ON UPDATE CASCADE ON DELETE CASCADE,
  tenant_uuid uuid NOT NULL UNIQUE GENERATED ALWAYS AS (path[pg_catalog.cardinality(path)]) STORED,
  parent_uuid uuid NOT NULL GENERATED ALWAYS AS (path[pg_catalog.cardinality(path) - 1]) STORED,
  parent_path uuid[] NOT NULL GENERATED ALWAYS AS (path[:pg_catalog.cardinality(path) - 1]) STORED
    REFERENCES wazo_auth.tenant (path) DEFERRABLE
);
CREATE INDEX tenant_parent_parent_path_idx ON wazo_auth.tenant_parent (parent_path);
COMMENT ON TABLE wazo_auth.tenant_parent IS
'The parent of each tenant but the top one; a tenant with children cannot be deleted';
COMMENT ON COLUMN wazo_auth.tenant_parent.path IS 'As in wazo_auth.tenant, whose changes it follows';
COMMENT ON COLUMN wazo_auth.tenant_parent.parent_path IS
'The path without its last uuid, which is the path of the parent';

CREATE TYPE wazo_auth.postal_address AS (
  line_1 text COLLATE "C",
  line_2 text COLLATE "C",
  city text COLLATE "C",
  state text COLLATE "C",
  country text COLLATE "C",
  zip_code text COLLATE "C"
);
COMMENT ON TYPE wazo_auth.postal_address IS 'A postal address; every part may be null';

CREATE TABLE wazo_auth.tenant_address (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  address wazo_auth.postal_address NOT NULL,
  CONSTRAINT tenant_address_check CHECK (
    COALESCE(pg_catalog.char_length((address).line_1) BETWEEN 1 AND 256, true)
    AND COALESCE(pg_catalog.char_length((address).line_2) BETWEEN 1 AND 256, true)
    AND COALESCE(pg_catalog.char_length((address).city) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).state) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).country) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).zip_code) BETWEEN 1 AND 16, true))
);
COMMENT ON TABLE wazo_auth.tenant_address IS 'Postal address of a tenant that has one';

CREATE TABLE wazo_auth.tenant_domain (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL UNIQUE,
  CONSTRAINT tenant_domain_name_check CHECK (name = wazo_auth.normal_domain(name)),
  CONSTRAINT tenant_domain_form_check CHECK (
    pg_catalog.char_length(name) <= 253
    AND name ~ '^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.){1,62}[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$')
);
CREATE INDEX tenant_domain_tenant_uuid_idx ON wazo_auth.tenant_domain (tenant_uuid, name);
COMMENT ON COLUMN wazo_auth.tenant_domain.name IS 'In its normal form, so that one domain is one name';
COMMENT ON TABLE wazo_auth.tenant_domain IS 'Domain names of a tenant, unique over all tenants';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_parent', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_address', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_domain', '');

-- users/tables.sql

CREATE TABLE wazo_auth.user (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  enabled boolean NOT NULL DEFAULT true,
  purpose text COLLATE "C" NOT NULL DEFAULT 'user',
  authentication_method text COLLATE "C" NOT NULL DEFAULT 'default',
  username text COLLATE "C",
  firstname text COLLATE "C",
  lastname text COLLATE "C",
  CONSTRAINT user_purpose_check CHECK (purpose IN ('user', 'internal', 'external_api')),
  CONSTRAINT user_username_check CHECK (username <> '' AND pg_catalog.char_length(username) <= 256),
  CONSTRAINT user_firstname_check CHECK (pg_catalog.char_length(firstname) <= 256),
  CONSTRAINT user_lastname_check CHECK (pg_catalog.char_length(lastname) <= 256)
);
CREATE INDEX user_tenant_uuid_idx ON wazo_auth.user (tenant_uuid, username, uuid);
-- Names may be longer than a row of an index.
CREATE INDEX user_tenant_uuid_firstname_idx ON wazo_auth.user (tenant_uuid, pg_catalog.left(firstname, 200), uuid);
CREATE INDEX user_tenant_uuid_lastname_idx ON wazo_auth.user (tenant_uuid, pg_catalog.left(lastname, 200), uuid);
CREATE INDEX user_username_idx ON wazo_auth.user (username, uuid);
COMMENT ON INDEX wazo_auth.user_tenant_uuid_idx IS 'Lists of a tenant''s users in their usual order, and its count';
COMMENT ON INDEX wazo_auth.user_tenant_uuid_firstname_idx IS 'Lists of a tenant''s users sorted by first name';
COMMENT ON INDEX wazo_auth.user_tenant_uuid_lastname_idx IS 'Lists of a tenant''s users sorted by last name';
COMMENT ON INDEX wazo_auth.user_username_idx IS 'Lists of all users in their usual order';
COMMENT ON TABLE wazo_auth.user IS 'An account: a person, an internal service or an external API client';
COMMENT ON COLUMN wazo_auth.user.purpose IS
'user, internal or external_api; decides the metadata of the user''s tokens';
COMMENT ON COLUMN wazo_auth.user.authentication_method IS
'native, the name of an identity provider, or default for the tenant''s method';
COMMENT ON COLUMN wazo_auth.user.enabled IS 'A disabled user has no session and cannot log in';

CREATE TABLE wazo_auth.password (
  user_uuid uuid PRIMARY KEY REFERENCES wazo_auth.user ON DELETE CASCADE,
  hash text COLLATE "C" NOT NULL,
  kind text COLLATE "C" GENERATED ALWAYS AS (wazo_auth.password_kind(hash)) STORED
);
CREATE INDEX password_kind_idx ON wazo_auth.password (kind);
COMMENT ON TABLE wazo_auth.password IS 'Password hashes; a user without a row cannot log in by password';
COMMENT ON COLUMN wazo_auth.password.kind IS
'Scheme and parameters; null for what is no hash. While there are several kinds a login costs one hash of each, so '
'that its time tells nothing';
COMMENT ON INDEX wazo_auth.password_kind_idx IS 'Which kinds there are';
COMMENT ON COLUMN wazo_auth.password.hash IS
'PHC string: $argon2id$…, or $pbkdf2-sha512$… as imported, which the next login rehashes';

-- Usernames and e-mail addresses are one name space for logging in, held by
-- one unique index on the folded text.
CREATE TABLE wazo_auth.login (
  login text COLLATE "C" PRIMARY KEY,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  is_username boolean NOT NULL,
  is_email boolean NOT NULL,
  CONSTRAINT login_check CHECK (is_username OR is_email)
);
CREATE INDEX login_user_uuid_idx ON wazo_auth.login (user_uuid);
COMMENT ON TABLE wazo_auth.login IS
'What a user can log in with; kept by the functions that set usernames and e-mail addresses';
COMMENT ON COLUMN wazo_auth.login.login IS 'wazo_auth.normal_login() of the username or address';
COMMENT ON COLUMN wazo_auth.login.is_username IS 'It is the user''s username';
COMMENT ON COLUMN wazo_auth.login.is_email IS
'It is one of the user''s e-mail addresses; it counts for logging in once the address is confirmed';

-- A column tenant.contact would close a cycle of foreign keys with user.tenant,
-- and pg_dump cannot restore a cycle between tables of an extension.
CREATE TABLE wazo_auth.tenant_contact (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE
);
CREATE INDEX tenant_contact_user_uuid_idx ON wazo_auth.tenant_contact (user_uuid);
COMMENT ON TABLE wazo_auth.tenant_contact IS 'The user to turn to about a tenant';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.user', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.password', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.login', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_contact', '');

-- emails/tables.sql

CREATE TABLE wazo_auth.email (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  address text COLLATE "C" NOT NULL,
  main boolean NOT NULL,
  confirmed boolean NOT NULL,
  CONSTRAINT email_user_uuid_address_key UNIQUE (user_uuid, address),
  CONSTRAINT email_address_check CHECK (wazo_auth.is_email_address(address) AND pg_catalog.octet_length(address) <= 512)
);
CREATE UNIQUE INDEX email_main_key ON wazo_auth.email (user_uuid) WHERE main;
COMMENT ON TABLE wazo_auth.email IS 'E-mail addresses of users; uniqueness over all users is held by wazo_auth.login';
COMMENT ON COLUMN wazo_auth.email.address IS 'As typed; compared through wazo_auth.normal_login()';
COMMENT ON COLUMN wazo_auth.email.main IS 'Where mail for the user goes; one per user at most';
COMMENT ON COLUMN wazo_auth.email.confirmed IS 'Only a confirmed address can be used to log in';
COMMENT ON INDEX wazo_auth.email_main_key IS 'A user has one main address at most';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.email', '');

-- groups/tables.sql

CREATE TABLE wazo_auth.group (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  slug text COLLATE "C" NOT NULL,
  system_managed boolean NOT NULL DEFAULT false,
  config_managed boolean NOT NULL DEFAULT false,
  CONSTRAINT group_tenant_uuid_name_key UNIQUE (tenant_uuid, name),
  CONSTRAINT group_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 128),
  CONSTRAINT group_slug_check CHECK (slug ~ '^[a-zA-Z0-9_-]{1,80}$')
);
-- lower() in the collation "C" folds ASCII only, whatever the C library says;
-- slugs hold nothing else.
CREATE UNIQUE INDEX group_tenant_uuid_slug_key ON wazo_auth.group (tenant_uuid, pg_catalog.lower(slug));
CREATE UNIQUE INDEX group_system_managed_key ON wazo_auth.group (tenant_uuid) WHERE system_managed;
COMMENT ON TABLE wazo_auth.group IS 'A set of users of one tenant that share policies';
COMMENT ON COLUMN wazo_auth.group.slug IS
'Name in paths and configuration; never changes; unique in the tenant whatever the case';
COMMENT ON COLUMN wazo_auth.group.system_managed IS 'The tenant''s group of all its users, one per tenant';
COMMENT ON COLUMN wazo_auth.group.config_managed IS
'Made from the setting tenant_default_groups; only such a group gets the policies named there';
COMMENT ON INDEX wazo_auth.group_tenant_uuid_slug_key IS 'Slugs that differ by case only are the same';
COMMENT ON INDEX wazo_auth.group_system_managed_key IS 'One group of all users per tenant';

CREATE TABLE wazo_auth.group_user (
  group_uuid uuid NOT NULL REFERENCES wazo_auth.group ON DELETE CASCADE,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  PRIMARY KEY (user_uuid, group_uuid)
);
CREATE INDEX group_user_group_uuid_idx ON wazo_auth.group_user (group_uuid, user_uuid);
COMMENT ON TABLE wazo_auth.group_user IS 'Who is in which group';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group_user', '');

-- policies/tables.sql

CREATE TABLE wazo_auth.policy (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  slug text COLLATE "C" NOT NULL,
  description text COLLATE "C",
  acl wazo_auth.acl NOT NULL DEFAULT '{}',
  shared boolean NOT NULL DEFAULT false,
  config_managed boolean NOT NULL DEFAULT false,
  CONSTRAINT policy_tenant_uuid_name_key UNIQUE (tenant_uuid, name),
  CONSTRAINT policy_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 80),
  CONSTRAINT policy_slug_check CHECK (slug ~ '^[a-zA-Z0-9_-]{1,80}$'),
  CONSTRAINT policy_description_check CHECK (pg_catalog.char_length(description) <= 4096)
);
CREATE UNIQUE INDEX policy_tenant_uuid_slug_key ON wazo_auth.policy (tenant_uuid, pg_catalog.lower(slug));
CREATE INDEX policy_slug_idx ON wazo_auth.policy (slug);
CREATE INDEX policy_name_idx ON wazo_auth.policy (name);
CREATE INDEX policy_config_managed_idx ON wazo_auth.policy (uuid) WHERE config_managed;
COMMENT ON TABLE wazo_auth.policy IS 'A named list of access patterns that users and groups can be given';
COMMENT ON COLUMN wazo_auth.policy.slug IS
'Name in paths and configuration; never changes; unique in the tenant whatever the case';
COMMENT ON COLUMN wazo_auth.policy.acl IS 'The access patterns, each once';
COMMENT ON COLUMN wazo_auth.policy.shared IS 'Also visible, read-only, in every tenant below';
COMMENT ON COLUMN wazo_auth.policy.config_managed IS
'Made from the configuration at start; visible everywhere, changed nowhere else';
COMMENT ON INDEX wazo_auth.policy_tenant_uuid_slug_key IS 'Slugs that differ by case only are the same';

CREATE TABLE wazo_auth.user_policy (
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  policy_uuid uuid NOT NULL REFERENCES wazo_auth.policy ON DELETE CASCADE,
  PRIMARY KEY (user_uuid, policy_uuid)
);
CREATE INDEX user_policy_policy_uuid_idx ON wazo_auth.user_policy (policy_uuid, user_uuid);
COMMENT ON TABLE wazo_auth.user_policy IS 'Policies given to users directly';

CREATE TABLE wazo_auth.group_policy (
  group_uuid uuid NOT NULL REFERENCES wazo_auth.group ON DELETE CASCADE,
  policy_uuid uuid NOT NULL REFERENCES wazo_auth.policy ON DELETE CASCADE,
  PRIMARY KEY (group_uuid, policy_uuid)
);
CREATE INDEX group_policy_policy_uuid_idx ON wazo_auth.group_policy (policy_uuid, group_uuid);
COMMENT ON TABLE wazo_auth.group_policy IS 'Policies given to all users of a group';

CREATE TABLE wazo_auth.access (
  access text COLLATE "C",
  description text COLLATE "C",
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (access, shipped)
);
COMMENT ON TABLE wazo_auth.access IS
'Accesses known to be asked for, beside those of the routes: what the daemons ask for, and what people register. All '
'of them are in the view known_access';
COMMENT ON COLUMN wazo_auth.access.access IS 'As a service asks for it, with {name} for the parts that vary';
COMMENT ON COLUMN wazo_auth.access.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.user_policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group_policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.access', 'WHERE NOT shipped');

-- refresh_tokens/tables.sql

CREATE TABLE wazo_auth.refresh_token (
  token_digest uuid PRIMARY KEY,
  sealed_token bytea NOT NULL,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  client_id text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  mobile boolean NOT NULL DEFAULT false,
  backend text COLLATE "C" NOT NULL DEFAULT 'wazo_user',
  login text COLLATE "C" NOT NULL,
  user_agent text COLLATE "C" NOT NULL DEFAULT '',
  remote_addr text COLLATE "C" NOT NULL DEFAULT '',
  metadata json NOT NULL DEFAULT '{}',
  CONSTRAINT refresh_token_user_uuid_client_id_key UNIQUE (user_uuid, client_id),
  CONSTRAINT refresh_token_size_check CHECK (pg_catalog.char_length(user_agent) <= 1024
    AND pg_catalog.char_length(remote_addr) <= 256 AND pg_catalog.octet_length(metadata::pg_catalog.text) <= 65536),
  CONSTRAINT refresh_token_client_id_check CHECK (client_id <> '' AND pg_catalog.octet_length(client_id) <= 1024)
);
COMMENT ON TABLE wazo_auth.refresh_token IS
'Right of a client to open sessions for a user without a password; never expires by itself';
COMMENT ON COLUMN wazo_auth.refresh_token.token_digest IS
'wazo_auth.token_digest() of the refresh token, which itself is stored nowhere in clear';
COMMENT ON COLUMN wazo_auth.refresh_token.sealed_token IS
'The refresh token, sealed: a login of the same client is answered with the same one';
COMMENT ON COLUMN wazo_auth.refresh_token.login IS
'As typed at the login that obtained it, for the record; the refresh token is the user''s, whatever its names are now';
COMMENT ON COLUMN wazo_auth.refresh_token.metadata IS
'Metadata that every session made from it gets, below the fresh one';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.refresh_token', '');

-- sessions/tables.sql

-- Content-addressed: the key is a digest of the value, so users with the same
-- policies share a row, it never changes, and a backend's compiled copy of it
-- is right for good.
CREATE TABLE wazo_auth.acl_set (
  digest uuid PRIMARY KEY,
  acl wazo_auth.acl NOT NULL,
  CONSTRAINT acl_set_digest_check CHECK (digest = wazo_auth.acl_digest(acl))
);
COMMENT ON TABLE wazo_auth.acl_set IS
'ACLs of sessions, each stored once and never changed; the expiry worker removes unused ones';
COMMENT ON COLUMN wazo_auth.acl_set.digest IS 'wazo_auth.acl_digest(acl)';

-- The columns that a token check reads come first and are fixed in width.
CREATE TABLE wazo_auth.session (
  token_digest uuid PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  acl_digest uuid NOT NULL REFERENCES wazo_auth.acl_set,
  expires_at timestamptz NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  mobile boolean NOT NULL DEFAULT false,
  user_uuid uuid REFERENCES wazo_auth.user ON DELETE CASCADE,
  auth_id text COLLATE "C",
  refresh_token_digest uuid REFERENCES wazo_auth.refresh_token ON DELETE SET NULL,
  user_agent text COLLATE "C" NOT NULL DEFAULT '',
  remote_addr text COLLATE "C" NOT NULL DEFAULT '',
  metadata json NOT NULL DEFAULT '{}',
  expiry_announced boolean NOT NULL DEFAULT false,
  email_uuid uuid REFERENCES wazo_auth.email ON DELETE CASCADE,
  CONSTRAINT session_auth_id_check CHECK (pg_catalog.num_nonnulls(user_uuid, auth_id) = 1),
  CONSTRAINT session_size_check CHECK (pg_catalog.char_length(user_agent) <= 1024
    AND pg_catalog.char_length(remote_addr) <= 256 AND pg_catalog.octet_length(metadata::pg_catalog.text) <= 65536)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX session_expires_at_idx ON wazo_auth.session (expires_at);
CREATE INDEX session_user_uuid_idx ON wazo_auth.session (user_uuid);
CREATE INDEX session_tenant_uuid_idx ON wazo_auth.session (tenant_uuid, uuid);
CREATE INDEX session_acl_digest_idx ON wazo_auth.session (acl_digest);
CREATE INDEX session_refresh_token_digest_idx ON wazo_auth.session (refresh_token_digest)
  WHERE refresh_token_digest IS NOT NULL;
CREATE INDEX session_email_uuid_idx ON wazo_auth.session (email_uuid) WHERE email_uuid IS NOT NULL;
COMMENT ON TABLE wazo_auth.session IS 'A live session and its token, one row';
COMMENT ON COLUMN wazo_auth.session.token_digest IS
'wazo_auth.token_digest() of the token, which itself is stored nowhere';
COMMENT ON COLUMN wazo_auth.session.acl_digest IS 'The ACL at login; policies that change later do not change it';
COMMENT ON COLUMN wazo_auth.session.expires_at IS
'From then on the token is unknown, whether the row is still there or not';
COMMENT ON COLUMN wazo_auth.session.user_uuid IS 'Whose session it is; null for tokens that the service made itself';
COMMENT ON COLUMN wazo_auth.session.auth_id IS 'In place of a user: wazo-auth for the service''s own tokens';
COMMENT ON COLUMN wazo_auth.session.refresh_token_digest IS
'The refresh token that opened the session or was made with it';
COMMENT ON COLUMN wazo_auth.session.expiry_announced IS 'The event auth_session_expire_soon was sent; it is sent once';
COMMENT ON COLUMN wazo_auth.session.email_uuid IS
'Of a token that was mailed: the address that it went to, without which it is worth nothing; null for all others';
COMMENT ON COLUMN wazo_auth.session.remote_addr IS 'As reported by proxies, not checked';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.acl_set', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.session', '');

-- acl/indexes.sql

-- Which policies grant or refuse an access: for who_can().
CREATE INDEX policy_acl_idx ON wazo_auth.policy USING gin (acl);
COMMENT ON INDEX wazo_auth.policy_acl_idx IS 'Which policies grant an access';
CREATE INDEX policy_negative_idx ON wazo_auth.policy (uuid) WHERE wazo_auth.acl_has_negative(acl);
COMMENT ON INDEX wazo_auth.policy_negative_idx IS 'The policies that can refuse an access; few have a negative entry';

-- events/tables.sql

-- Events wait here from the transaction that caused them until the relay has
-- delivered them. Headers and body are made from these columns when an event
-- is sent, so a login pays for one short row.
CREATE TABLE wazo_auth.event_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  object_uuid uuid NOT NULL,
  tenant_uuid uuid,
  session_uuid uuid,
  name text COLLATE "C" NOT NULL,
  routing_key text COLLATE "C" NOT NULL,
  audience text COLLATE "C",
  data json NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  parked boolean NOT NULL DEFAULT false,
  error text COLLATE "C"
-- Every row leaves again, so inserts alone are no reason to vacuum.
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX event_outbox_retry_idx ON wazo_auth.event_outbox (object_uuid, id) WHERE next_attempt_at IS NOT NULL;

COMMENT ON TABLE wazo_auth.event_outbox IS
'Events on their way to the message broker; a row is written in the transaction of the change and leaves when it was '
'delivered';
COMMENT ON COLUMN wazo_auth.event_outbox.id IS 'Order of sending';
COMMENT ON COLUMN wazo_auth.event_outbox.object_uuid IS
'What the event is about: the user, else the tenant or session. Events of one object are delivered in their order, '
'over failures too';
COMMENT ON COLUMN wazo_auth.event_outbox.tenant_uuid IS 'Header tenant_uuid';
COMMENT ON COLUMN wazo_auth.event_outbox.session_uuid IS 'Header session_uuid';
COMMENT ON COLUMN wazo_auth.event_outbox.name IS 'Header name; also in required_access';
COMMENT ON COLUMN wazo_auth.event_outbox.routing_key IS
'Routing key, of at most 255 bytes for a broker to take it; also in required_acl';
COMMENT ON COLUMN wazo_auth.event_outbox.audience IS
'Of the header user_uuid:AUDIENCE = true: a user, "*" for all of the tenant, null for none';
COMMENT ON COLUMN wazo_auth.event_outbox.data IS 'Key data of the body';
COMMENT ON COLUMN wazo_auth.event_outbox.attempts IS 'How often the broker has refused it';
COMMENT ON COLUMN wazo_auth.event_outbox.next_attempt_at IS
'Not before then, and no later event of the object before it; null: at once';
COMMENT ON COLUMN wazo_auth.event_outbox.parked IS
'Given up after wazo_auth.relay_max_attempts; wazo_auth.retry_parked_events() sends it again';
COMMENT ON COLUMN wazo_auth.event_outbox.error IS 'Why the last attempt failed';
COMMENT ON INDEX wazo_auth.event_outbox_retry_idx IS
'Events that the broker has refused: those that hold up the later ones of their object, and those parked. A new event '
'has no part in it, and a login no work';

-- What was delivered, in the order of delivery. Only the relay writes here, one
-- transaction after the other, so a reader that remembers the last position it
-- has seen misses nothing; ids of the outbox commit in any order.
CREATE TABLE wazo_auth.event_log (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id bigint NOT NULL,
  delivered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  published boolean NOT NULL,
  created_at timestamptz NOT NULL,
  object_uuid uuid NOT NULL,
  tenant_uuid uuid,
  session_uuid uuid,
  name text COLLATE "C" NOT NULL,
  routing_key text COLLATE "C" NOT NULL,
  audience text COLLATE "C",
  data json NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX event_log_unpublished_idx ON wazo_auth.event_log (id) WHERE NOT published;

COMMENT ON TABLE wazo_auth.event_log IS
'Delivered events, for the setting event_retention; read it through wazo_auth.event_stream';
COMMENT ON COLUMN wazo_auth.event_log.position IS 'Order of delivery';
COMMENT ON COLUMN wazo_auth.event_log.id IS 'Of the row in event_outbox that this was';
COMMENT ON COLUMN wazo_auth.event_log.published IS
'A broker has confirmed it; false while none is configured: it goes there as soon as one is';
COMMENT ON INDEX wazo_auth.event_log_unpublished_idx IS 'What goes to a broker when one gets configured';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_outbox', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_log', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_log_position_seq', '');

-- mail/tables.sql

-- Mails wait here from the transaction that asked for them until they are
-- delivered. A request only notes who is to get one: whether there is such a
-- user, the token and the text are the relay's business, so that the answer and
-- its time are the same for known and unknown accounts.
CREATE TABLE wazo_auth.mail_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  kind text COLLATE "C" NOT NULL,
  addressed_by text COLLATE "C" NOT NULL,
  addressee text COLLATE "C" NOT NULL,
  hostname text COLLATE "C" NOT NULL,
  port integer,
  prefix text COLLATE "C",
  recipient text COLLATE "C",
  token_digest uuid,
  sealed_message bytea,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  parked boolean NOT NULL DEFAULT false,
  error text COLLATE "C",
  CONSTRAINT mail_outbox_kind_check CHECK (kind IN ('email_confirmation', 'password_reset')),
  CONSTRAINT mail_outbox_addressed_by_check CHECK (addressed_by IN ('username', 'email', 'login', 'email_uuid')),
  CONSTRAINT mail_outbox_message_check CHECK (pg_catalog.num_nulls(recipient, token_digest, sealed_message) IN (0, 3))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
CREATE INDEX mail_outbox_unwritten_idx ON wazo_auth.mail_outbox (id) WHERE sealed_message IS NULL AND NOT parked;
CREATE INDEX mail_outbox_addressee_idx ON wazo_auth.mail_outbox (pg_catalog.left(addressee, 256))
  WHERE sealed_message IS NULL AND NOT parked;
CREATE INDEX mail_outbox_written_idx ON wazo_auth.mail_outbox (id) WHERE sealed_message IS NOT NULL AND NOT parked;

COMMENT ON TABLE wazo_auth.mail_outbox IS
'Mails on their way: first asked for, then written (with a token and sealed), deleted when delivered';
COMMENT ON COLUMN wazo_auth.mail_outbox.id IS 'Order of sending';
COMMENT ON COLUMN wazo_auth.mail_outbox.kind IS 'Which mail: email_confirmation or password_reset';
COMMENT ON COLUMN wazo_auth.mail_outbox.addressed_by IS
'What addressee is: username, email or login, as somebody gave it, or email_uuid';
COMMENT ON COLUMN wazo_auth.mail_outbox.addressee IS 'Who is to get it; there may be nobody of that name';
COMMENT ON COLUMN wazo_auth.mail_outbox.hostname IS 'Host of the links in it, with the next two columns';
COMMENT ON COLUMN wazo_auth.mail_outbox.port IS 'Null: none is written';
COMMENT ON COLUMN wazo_auth.mail_outbox.prefix IS 'Start of the path, /api/auth for example; null: none';
COMMENT ON COLUMN wazo_auth.mail_outbox.recipient IS 'Address that it goes to; null until it is written';
COMMENT ON COLUMN wazo_auth.mail_outbox.token_digest IS 'Of the token in it: a mail whose token has ended is not sent';
COMMENT ON COLUMN wazo_auth.mail_outbox.sealed_message IS 'Message and variables, sealed since the token is in them';
COMMENT ON COLUMN wazo_auth.mail_outbox.attempts IS
'How often it could not be written, or the mail server has refused it';
COMMENT ON COLUMN wazo_auth.mail_outbox.next_attempt_at IS 'Not before then; null: at once';
COMMENT ON COLUMN wazo_auth.mail_outbox.parked IS
'Given up after wazo_auth.relay_max_attempts; wazo_auth.retry_parked_mails() sends it again';
COMMENT ON COLUMN wazo_auth.mail_outbox.error IS 'Why the last attempt failed';
COMMENT ON INDEX wazo_auth.mail_outbox_unwritten_idx IS 'What is to be written next; also bounds how many may wait';
COMMENT ON INDEX wazo_auth.mail_outbox_addressee_idx IS 'Has the same mail been asked for already?';
COMMENT ON INDEX wazo_auth.mail_outbox_written_idx IS 'What is to be sent next';

-- Beside the outbox, which forgets what it has delivered.
CREATE TABLE wazo_auth.latest_mail (
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  kind text COLLATE "C" NOT NULL,
  email_uuid uuid NOT NULL,
  written_at timestamptz NOT NULL,
  mail_id bigint NOT NULL,
  PRIMARY KEY (user_uuid, kind)
);
COMMENT ON TABLE wazo_auth.latest_mail IS
'The last mail of each kind to each user, so that nobody is flooded: see the setting mail_interval';
COMMENT ON COLUMN wazo_auth.latest_mail.kind IS 'As mail_outbox.kind';
COMMENT ON COLUMN wazo_auth.latest_mail.email_uuid IS 'Address that it went to; it may be gone';
COMMENT ON COLUMN wazo_auth.latest_mail.mail_id IS 'mail_outbox.id, as long as it is there';

-- Only what people have edited is here; wazo_auth.default_mail_template() has
-- the texts that ship, so a later version may improve them.
CREATE TABLE wazo_auth.mail_template (
  name text COLLATE "C" PRIMARY KEY,
  template text COLLATE "C" NOT NULL
);
COMMENT ON TABLE wazo_auth.mail_template IS
'Edited templates; set with wazo_auth.set_mail_template(), read in wazo_auth.mail_templates';

CREATE TABLE wazo_auth.mail_sender (
  name text COLLATE "C" PRIMARY KEY,
  handler text COLLATE "C" NOT NULL,
  CONSTRAINT mail_sender_name_check CHECK (name <> 'smtp')
);
COMMENT ON TABLE wazo_auth.mail_sender IS
'What can send mail in place of SMTP, by the name for the setting email_notification_plugin; see '
'wazo_auth.register_mail_sender()';
COMMENT ON COLUMN wazo_auth.mail_sender.handler IS 'schema.function of a function (kind text, context jsonb)';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_outbox', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.latest_mail', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_template', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_sender', '');

-- config/tables.sql

CREATE TABLE wazo_auth.setting (
  name text COLLATE "C" PRIMARY KEY,
  value jsonb NOT NULL
);
COMMENT ON TABLE wazo_auth.setting IS
'Settings that differ from the defaults, by the names of the configuration file; set with wazo_auth.configure()';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.setting', '');

CREATE TABLE wazo_auth.known_setting (
  name text COLLATE "C" PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  default_value jsonb,
  minimum numeric,
  maximum numeric,
  choices text[] COLLATE "C",
  pattern text COLLATE "C",
  check_function text COLLATE "C",
  must_be text COLLATE "C",
  secret boolean NOT NULL DEFAULT false,
  read_by text COLLATE "C" NOT NULL DEFAULT 'database',
  instead text COLLATE "C",
  description text COLLATE "C" NOT NULL,
  shipped boolean NOT NULL DEFAULT false,
  CONSTRAINT known_setting_type_check CHECK (type IN ('boolean', 'integer', 'number', 'string', 'list', 'map')),
  CONSTRAINT known_setting_read_by_check CHECK (read_by IN ('database', 'front', 'postgresql', 'nobody')),
  CONSTRAINT known_setting_pattern_check CHECK (pattern IS NULL OR must_be IS NOT NULL),
  CONSTRAINT known_setting_check_function_check CHECK (check_function IS NULL OR must_be IS NOT NULL)
);
COMMENT ON TABLE wazo_auth.known_setting IS
'What settings there are. configure(), shown_configuration(), sealing and docs/settings.md come from it';
COMMENT ON COLUMN wazo_auth.known_setting.name IS
'With dots for what is in a map: smtp.port; * stands for any name there, and for the items of a list';
COMMENT ON COLUMN wazo_auth.known_setting.default_value IS
'Null: none; that of a map is made of its members'' unless it is given';
COMMENT ON COLUMN wazo_auth.known_setting.minimum IS 'Of a number; of a string in bytes';
COMMENT ON COLUMN wazo_auth.known_setting.maximum IS 'Likewise';
COMMENT ON COLUMN wazo_auth.known_setting.choices IS 'The only strings allowed';
COMMENT ON COLUMN wazo_auth.known_setting.pattern IS 'Regular expression of a string';
COMMENT ON COLUMN wazo_auth.known_setting.check_function IS
'schema.function (text) returning boolean, for a string; null counts as false';
COMMENT ON COLUMN wazo_auth.known_setting.must_be IS 'What an error says that it must be';
COMMENT ON COLUMN wazo_auth.known_setting.secret IS 'Stored sealed, or not at all, and never shown';
COMMENT ON COLUMN wazo_auth.known_setting.read_by IS
'database: it counts here; front: wazo-auth reads it from its own file, here it is only shown; postgresql: a setting '
'of the server decides; nobody: known from the Python server, without effect';
COMMENT ON COLUMN wazo_auth.known_setting.instead IS 'What to do to have the effect, where it has none here';
COMMENT ON COLUMN wazo_auth.known_setting.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.known_setting', 'WHERE NOT shipped');

-- workers/tables.sql

-- Deliberately not marked for dumps: a restored database is live only once
-- somebody says so.
CREATE TABLE wazo_auth.live_database (
  single boolean DEFAULT true CHECK (single) PRIMARY KEY,
  identity text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE wazo_auth.live_database IS
'Which database was said to be the live one, by wazo_auth.go_live(): a copy has the row but another identity, a '
'restored dump has no row';
COMMENT ON COLUMN wazo_auth.live_database.single IS 'There is at most one row';
COMMENT ON COLUMN wazo_auth.live_database.identity IS 'wazo_auth.database_identity() at that time';
COMMENT ON COLUMN wazo_auth.live_database.since IS 'When that was said';

-- idp/tables.sql

CREATE TYPE wazo_auth.login_attempt AS (
  login text,
  password text,
  refresh_token text,
  client_id text,
  members jsonb
);
COMMENT ON TYPE wazo_auth.login_attempt IS
'What somebody gave to log in: login and password, refresh token and client_id, each null if not given, and the '
'members of the request, as domain_name; what an identity provider is asked with';

CREATE TYPE wazo_auth.login_answer AS (
  taken boolean,
  user_uuid uuid,
  login text,
  metadata json,
  refresh_token wazo_auth.refresh_token
);
COMMENT ON TYPE wazo_auth.login_answer IS
'What an identity provider answers. taken: the attempt is of its kind, so none after it is asked. user_uuid: who it '
'is, null for nobody. login: under which name, for refresh tokens and the log. metadata: goes into the token. '
'refresh_token: with which it logged in';

CREATE TABLE wazo_auth.identity_provider (
  name text COLLATE "C",
  function text COLLATE "C" NOT NULL,
  priority numeric NOT NULL DEFAULT 100,
  backend text COLLATE "C",
  keeps_passwords boolean NOT NULL DEFAULT false,
  built_in boolean NOT NULL DEFAULT false,
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (name, shipped),
  CONSTRAINT identity_provider_name_check
    CHECK (name ~ '^[a-z0-9_]{1,64}$' AND name <> 'default' AND (built_in OR name NOT IN ('native', 'refresh_token')))
);
COMMENT ON TABLE wazo_auth.identity_provider IS
'Ways to log in; written by wazo_auth.add_identity_provider(). Which of them are on, beside those that are built '
'in, says the setting idp_plugins';
COMMENT ON COLUMN wazo_auth.identity_provider.name IS 'Authentication method of the users that log in with it';
COMMENT ON COLUMN wazo_auth.identity_provider.function IS
'Takes a wazo_auth.login_attempt and returns a wazo_auth.login_answer';
COMMENT ON COLUMN wazo_auth.identity_provider.priority IS
'Lower ones are asked first; the setting idp_plugins overrides it';
COMMENT ON COLUMN wazo_auth.identity_provider.backend IS 'Name under which GET /backends shows it';
COMMENT ON COLUMN wazo_auth.identity_provider.keeps_passwords IS
'The passwords of its users are kept elsewhere and not changed here';
COMMENT ON COLUMN wazo_auth.identity_provider.built_in IS 'Always on, at its place: refresh_token first, native last';
COMMENT ON COLUMN wazo_auth.identity_provider.shipped IS 'Comes with an extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.identity_provider', 'WHERE NOT shipped');

-- ldap/tables.sql

CREATE TABLE wazo_auth.ldap_config (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  host text COLLATE "C" NOT NULL,
  port integer NOT NULL,
  protocol_version integer NOT NULL DEFAULT 3,
  protocol_security text COLLATE "C",
  bind_dn text COLLATE "C",
  sealed_bind_password bytea,
  user_base_dn text COLLATE "C" NOT NULL,
  user_login_attribute text COLLATE "C" NOT NULL,
  user_email_attribute text COLLATE "C" NOT NULL,
  search_filters text COLLATE "C",
  CONSTRAINT ldap_config_port_check CHECK (port BETWEEN 1 AND 65535),
  CONSTRAINT ldap_config_protocol_version_check CHECK (protocol_version IN (2, 3)),
  CONSTRAINT ldap_config_protocol_security_check CHECK (protocol_security IN ('ldaps', 'tls'))
);
COMMENT ON TABLE wazo_auth.ldap_config IS
'The directory of a tenant whose users log in by LDAP; written by PUT /backends/ldap';
COMMENT ON COLUMN wazo_auth.ldap_config.sealed_bind_password IS
'Password of bind_dn, sealed with wazo_auth.seal() for the context "ldap:" and the tenant; shown nowhere';
COMMENT ON COLUMN wazo_auth.ldap_config.search_filters IS
'Filter of users, with placeholders; without it the login attribute is the login';
COMMENT ON COLUMN wazo_auth.ldap_config.bind_dn IS
'Account that searches for users; without it, or its password, a user''s name is made of its login';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.ldap_config', '');

-- http/tables.sql

CREATE TABLE wazo_auth.check (
  name text COLLATE "C" PRIMARY KEY,
  function text COLLATE "C",
  statuses integer[] NOT NULL,
  description text NOT NULL,
  judges boolean NOT NULL DEFAULT false,
  shipped boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE wazo_auth.check IS
'What can stand before a handler: a new check is a row and a function, and a route names it';
COMMENT ON COLUMN wazo_auth.check.function IS
'schema.function of a function (wazo_auth.http_request), called with search_path and rights as handlers are, that '
'raises an error or returns; one that returns jsonb adds its object to params. Null for what wazo_auth.http() does '
'itself';
COMMENT ON COLUMN wazo_auth.check.statuses IS 'Statuses of the errors that it raises; for the API''s description';
COMMENT ON COLUMN wazo_auth.check.description IS 'What holds when it passes';
COMMENT ON COLUMN wazo_auth.check.judges IS
'It judges whether the caller may give or take the accesses that the request gives or takes';
COMMENT ON COLUMN wazo_auth.check.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.check', 'WHERE NOT shipped');

CREATE TABLE wazo_auth.route (
  method text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  handler text COLLATE "C" NOT NULL,
  access text COLLATE "C",
  public boolean NOT NULL DEFAULT false,
  token_from text COLLATE "C" NOT NULL DEFAULT 'header',
  checks text[] COLLATE "C" NOT NULL DEFAULT '{}',
  query_schema text COLLATE "C",
  body_schema text COLLATE "C",
  plugin text COLLATE "C" NOT NULL,
  summary text COLLATE "C",
  success integer NOT NULL DEFAULT 200,
  errors integer[] NOT NULL DEFAULT '{}',
  changes_no_access text,
  shipped boolean NOT NULL DEFAULT false,
  -- A route of people stands beside the shipped one that it takes the place of,
  -- so that a dump with it can be restored, and an upgrade leaves it alone.
  PRIMARY KEY (path, method, shipped),
  CONSTRAINT route_method_check CHECK (method IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE')),
  CONSTRAINT route_path_check CHECK (path LIKE '/%' AND path NOT LIKE '%//%' AND path NOT LIKE '%/'),
  CONSTRAINT route_token_from_check CHECK (token_from IN ('header', 'query')),
  CONSTRAINT route_public_check CHECK (public = (access IS NULL))
);
COMMENT ON TABLE wazo_auth.route IS
'The REST API: what answers which request. A new route is a row and a function, served at once';
COMMENT ON COLUMN wazo_auth.route.path IS 'Template. {x_uuid} takes a UUID, any other {x} one non-empty segment';
COMMENT ON COLUMN wazo_auth.route.handler IS
'schema.function of a function (wazo_auth.http_request) returning wazo_auth.http_response; or a C function '
'(internal), for the token routes';
COMMENT ON COLUMN wazo_auth.route.access IS
'Access the caller''s token must grant, with {x} for path parameters; null: no token asked for';
COMMENT ON COLUMN wazo_auth.route.token_from IS
'header: X-Auth-Token, then Authorization: Bearer; query: ?token= first, then the headers';
COMMENT ON COLUMN wazo_auth.route.public IS
'It asks for no token: said on purpose, so that no route is open by an oversight';
COMMENT ON COLUMN wazo_auth.route.checks IS 'Rows of wazo_auth.check that happen before the handler, in this order';
COMMENT ON COLUMN wazo_auth.route.changes_no_access IS
'Why a route that is not GET or HEAD needs no check that judges what the caller gives or takes';
COMMENT ON COLUMN wazo_auth.route.plugin IS
'Name in the setting enabled_http_plugins; a disabled plugin''s routes answer 404';
COMMENT ON COLUMN wazo_auth.route.success IS 'Status of the answer when all is well; for the API''s description';
COMMENT ON COLUMN wazo_auth.route.errors IS
'Statuses of errors that the handler itself raises, beside those of the checks; for the API''s description';
COMMENT ON COLUMN wazo_auth.route.shipped IS
'Came with the extension, so a dump leaves it out; one that did not comes before it';

CREATE TYPE wazo_auth.http_request AS (
  method text,
  path text,
  params jsonb,
  query jsonb,
  headers text[],
  body jsonb,
  raw_body bytea,
  peer text,
  token_auth_id text,
  token_session_uuid uuid,
  token_metadata json,
  caller_tenant_uuid uuid,
  tenant_uuid uuid,
  access text
);
COMMENT ON TYPE wazo_auth.http_request IS
'What a handler gets: the request after routing and checks. tenant_uuid is the scoping tenant; body and query are '
'validated';

CREATE TYPE wazo_auth.http_response AS (
  status integer,
  headers text[],
  body bytea
);
COMMENT ON TYPE wazo_auth.http_response IS 'What a handler returns. headers: name, value, name, value';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.route', 'WHERE NOT shipped');

CREATE TABLE wazo_auth.counted (nothing boolean CHECK (false));
COMMENT ON TABLE wazo_auth.counted IS
'Has no rows: its invalidation tells all backends that what lists count came or went, see wazo_auth.forget_counts()';
COMMENT ON COLUMN wazo_auth.counted.nothing IS 'Keeps rows out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.counted', '');

-- http/schema_tables.sql

-- Declared shapes of request bodies and query strings. Rows come from
-- wazo_auth.declare_schema(); those that ship with the extension are written
-- anew by every upgrade and are not dumped.

CREATE TABLE wazo_auth.schema (
    name pg_catalog.text COLLATE "C" PRIMARY KEY,
    family pg_catalog.text NOT NULL
        CHECK (family IN ('first_error', 'list_query', 'emails', 'reset', 'field_name', 'first_field', 'token_repr')),
    resource pg_catalog.text,
    error_id pg_catalog.text NOT NULL,
    max_items pg_catalog.int4,
    refuse_unknown pg_catalog.bool NOT NULL DEFAULT false,
    cross_check pg_catalog.text,
    shipped pg_catalog.bool NOT NULL DEFAULT false,
    -- Generous for what is no list: what a client sends beside is dropped.
    body_bytes pg_catalog.int4 NOT NULL DEFAULT 65536,
    body_depth pg_catalog.int4 NOT NULL DEFAULT 16,
    body_values pg_catalog.int4 NOT NULL DEFAULT 4096
);
COMMENT ON TABLE wazo_auth.schema IS
'Shapes that requests are validated by, one row each; written by wazo_auth.declare_schema().';
COMMENT ON COLUMN wazo_auth.schema.name IS 'Name that handlers validate by.';
COMMENT ON COLUMN wazo_auth.schema.family IS
'How errors are reduced to an answer: first_error (the first one, with details), list_query and emails (the whole '
'error object as message), reset (the first message), field_name (the first field as message), first_field and '
'token_repr (short error form, with the first field or a Python-like text of all errors).';
COMMENT ON COLUMN wazo_auth.schema.resource IS 'Resource named by the error; NULL for none.';
COMMENT ON COLUMN wazo_auth.schema.error_id IS 'error_id of the error; has no part in first_field and token_repr.';
COMMENT ON COLUMN wazo_auth.schema.max_items IS
'The document is an array of at most so many such objects; NULL: it is one object.';
COMMENT ON COLUMN wazo_auth.schema.refuse_unknown IS
'Whether keys without a declaration are an error; else they are dropped.';
COMMENT ON COLUMN wazo_auth.schema.cross_check IS
'Qualified name of a function (jsonb) returns text[]: gets the cleaned object when no field is wrong, returns the '
'messages of rules between fields, or NULL.';
COMMENT ON COLUMN wazo_auth.schema.shipped IS 'Whether the row comes with an extension, and not from a person.';
COMMENT ON COLUMN wazo_auth.schema.body_bytes IS
'Most bytes of a body. What is larger, deeper or of more values is refused before it is parsed.';
COMMENT ON COLUMN wazo_auth.schema.body_depth IS 'Most arrays and objects in one another.';
COMMENT ON COLUMN wazo_auth.schema.body_values IS 'Most members and items in the whole document.';

CREATE TABLE wazo_auth.schema_field (
    schema pg_catalog.text COLLATE "C" NOT NULL REFERENCES wazo_auth.schema (name) ON UPDATE CASCADE ON DELETE CASCADE,
    "position" pg_catalog.int4 NOT NULL,
    name pg_catalog.text COLLATE "C" NOT NULL,
    type pg_catalog.text NOT NULL
        CHECK (type IN ('string', 'integer', 'boolean', 'uuid', 'email', 'any', 'list', 'nested', 'nested_list')),
    required pg_catalog.bool NOT NULL DEFAULT false,
    nullable pg_catalog.bool NOT NULL DEFAULT false,
    default_value pg_catalog.jsonb,
    min pg_catalog.int8,
    max pg_catalog.int8,
    choices pg_catalog.text[],
    pattern pg_catalog.text,
    check_pattern pg_catalog.text,
    item_type pg_catalog.text
        CHECK (item_type IN ('string', 'integer', 'boolean', 'uuid', 'email', 'any')),
    item_min pg_catalog.int8,
    item_max pg_catalog.int8,
    item_choices pg_catalog.text[],
    item_pattern pg_catalog.text,
    item_check_pattern pg_catalog.text,
    item_schema pg_catalog.text,
    max_bytes pg_catalog.int4,
    item_max_bytes pg_catalog.int4,
    filter pg_catalog.text,
    empty_filter pg_catalog.bool NOT NULL DEFAULT true,
    PRIMARY KEY (schema, name),
    CHECK ((type = 'list') = (item_type IS NOT NULL)),
    CHECK ((type IN ('nested', 'nested_list')) = (item_schema IS NOT NULL))
);
COMMENT ON TABLE wazo_auth.schema_field IS 'Fields of the shapes in wazo_auth.schema.';
COMMENT ON COLUMN wazo_auth.schema_field.schema IS 'The shape that the field belongs to.';
COMMENT ON COLUMN wazo_auth.schema_field."position" IS 'Order in which fields are checked and errors reported.';
COMMENT ON COLUMN wazo_auth.schema_field.name IS 'Key of the field.';
COMMENT ON COLUMN wazo_auth.schema_field.type IS 'What the value is read as.';
COMMENT ON COLUMN wazo_auth.schema_field.required IS 'Whether a missing key is an error.';
COMMENT ON COLUMN wazo_auth.schema_field.nullable IS 'Whether null is a value.';
COMMENT ON COLUMN wazo_auth.schema_field.default_value IS 'Value of a missing key; NULL: it stays missing.';
COMMENT ON COLUMN wazo_auth.schema_field.min IS 'Least length of a text (characters) or list, or least number.';
COMMENT ON COLUMN wazo_auth.schema_field.max IS 'Greatest length of a text (characters) or list, or greatest number.';
COMMENT ON COLUMN wazo_auth.schema_field.choices IS 'The only values of a text.';
COMMENT ON COLUMN wazo_auth.schema_field.pattern IS 'Regular expression that a text matches, as errors show it.';
COMMENT ON COLUMN wazo_auth.schema_field.check_pattern IS 'The same in PostgreSQL''s syntax; NULL: pattern is that.';
COMMENT ON COLUMN wazo_auth.schema_field.item_type IS 'What the items of a list are read as.';
COMMENT ON COLUMN wazo_auth.schema_field.item_min IS 'As min, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_max IS 'As max, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_choices IS 'As choices, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_pattern IS 'As pattern, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_check_pattern IS 'As check_pattern, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_schema IS
'Shape of the nested object, or of each object of a nested list.';
COMMENT ON COLUMN wazo_auth.schema_field.max_bytes IS
'Most bytes of a text in UTF-8, beside min and max, for what has its limit in bytes.';
COMMENT ON COLUMN wazo_auth.schema_field.item_max_bytes IS 'As max_bytes, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.filter IS
'Parameter of a list: condition in SQL that it stands for, {} being its value; empty: this list refuses it. Written '
'by wazo_auth.declare_list().';
COMMENT ON COLUMN wazo_auth.schema_field.empty_filter IS
'Whether the empty text is a value of the filter; else it is no filter at all.';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.schema', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.schema_field',
    'WHERE schema IN (SELECT s.name FROM wazo_auth.schema AS s WHERE NOT s.shipped)');

-- http/schema_functions.sql

-- Validation of requests by declared shapes.

CREATE FUNCTION wazo_auth.in_extension_script()
    RETURNS bool
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_in_extension_script';
COMMENT ON FUNCTION wazo_auth.in_extension_script() IS
'Whether this runs inside CREATE EXTENSION or ALTER EXTENSION UPDATE: rows that are registered then ship with an '
'extension and are not dumped.';

CREATE FUNCTION wazo_auth.declare_schema(
        name text, family text, resource text, fields json,
        error_id text DEFAULT NULL, cross_check text DEFAULT NULL,
        max_items int4 DEFAULT NULL, refuse_unknown bool DEFAULT false,
        body_bytes int4 DEFAULT NULL, body_values int4 DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    field record;
    spec jsonb;
    items jsonb;
    wrong text;
BEGIN
    refuse_unknown := COALESCE(refuse_unknown, false);
    IF declare_schema.name IS NULL OR declare_schema.fields IS NULL OR json_typeof(declare_schema.fields) <> 'object'
      THEN
        RAISE EXCEPTION 'a schema needs a name and a JSON object of fields' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- else a dump would bring a row that CREATE EXTENSION has made already
    IF NOT wazo_auth.in_extension_script()
       AND EXISTS (SELECT FROM wazo_auth.schema AS s WHERE s.name = declare_schema.name AND s.shipped) THEN
        RAISE EXCEPTION 'the schema "%" comes with an extension', declare_schema.name
          USING ERRCODE = 'duplicate_object',
            HINT = 'Declare a schema with another name, and have your route use that.';
    END IF;
    DELETE FROM wazo_auth.schema AS s WHERE s.name = declare_schema.name;
    INSERT INTO wazo_auth.schema (name, family, resource, error_id, max_items, refuse_unknown, cross_check, shipped,
      body_bytes, body_values)
    VALUES (declare_schema.name, declare_schema.family,
            coalesce(declare_schema.resource,
                     CASE declare_schema.family WHEN 'list_query' THEN 'users' WHEN 'emails' THEN 'emails' WHEN 'reset'
                       THEN 'reset' END),
            coalesce(declare_schema.error_id,
                     CASE declare_schema.family WHEN 'list_query' THEN 'invalid-list-param' ELSE 'invalid-data' END),
            declare_schema.max_items, declare_schema.refuse_unknown, declare_schema.cross_check,
            wazo_auth.in_extension_script(), coalesce(declare_schema.body_bytes, 65536),
              coalesce(declare_schema.body_values, 4096));

    FOR field IN SELECT f.key, f.value, f.n FROM json_each(declare_schema.fields) WITH ORDINALITY AS f (key, value,
      n) LOOP
        spec := field.value;
        items := spec -> 'items';
        -- a word that is not understood would be a rule that is not kept
        SELECT k INTO wrong
          FROM (SELECT jsonb_object_keys(spec) AS k
                EXCEPT VALUES ('type'), ('required'), ('nullable'), ('default'), ('min'), ('max'), ('choices'),
                              ('pattern'), ('check'), ('items'), ('schema'), ('bytes'), ('filter'),
                                ('empty')) AS unknown
         UNION ALL
        SELECT k
          FROM (SELECT jsonb_object_keys(items) AS k
                EXCEPT VALUES ('type'), ('min'), ('max'), ('choices'), ('pattern'), ('check'), ('bytes')) AS unknown
         LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'field "%" of schema "%" has an unknown property "%"', field.key, declare_schema.name, wrong
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        INSERT INTO wazo_auth.schema_field (
            schema, "position", name, type, required, nullable, default_value,
            min, max, choices, pattern, check_pattern,
            item_type, item_min, item_max, item_choices, item_pattern, item_check_pattern, item_schema,
            max_bytes, item_max_bytes, filter, empty_filter)
        VALUES (
            declare_schema.name, field.n, field.key, spec ->> 'type',
            coalesce((spec ->> 'required')::bool, false),
            -- a field that is null by default takes null
            coalesce((spec ->> 'nullable')::bool, spec -> 'default' = 'null'::jsonb, false),
            spec -> 'default',
            (spec ->> 'min')::int8, (spec ->> 'max')::int8,
            CASE WHEN spec ? 'choices' THEN ARRAY(SELECT jsonb_array_elements_text(spec -> 'choices')) END,
            spec ->> 'pattern', spec ->> 'check',
            CASE WHEN spec ->> 'type' = 'list' THEN coalesce(items ->> 'type', 'any') END,
            (items ->> 'min')::int8, (items ->> 'max')::int8,
            CASE WHEN items ? 'choices' THEN ARRAY(SELECT jsonb_array_elements_text(items -> 'choices')) END,
            items ->> 'pattern', items ->> 'check',
            spec ->> 'schema',
            (spec ->> 'bytes')::int4, (items ->> 'bytes')::int4,
            CASE WHEN spec ? 'filter' THEN coalesce(spec ->> 'filter', '') END,
              coalesce((spec ->> 'empty')::bool, true));
    END LOOP;
END
$function$;
COMMENT ON FUNCTION wazo_auth.declare_schema(text, text, text, json,
  text, text, int4, bool, int4, int4) IS
'Declares or replaces a shape of requests. fields: a JSON object in checking order, name: {"type", "required", '
'"nullable", "default", "min", "max", "bytes" (most bytes of a text), "choices", "pattern", "check" (the pattern in '
'PostgreSQL''s syntax), "items": {"type", "min", ...} for lists, "schema" for nested ones}. Every text and list needs '
'a limit: "max", "bytes" or "choices". max_items: the document is an array of at most so many. body_bytes, '
'body_values: see wazo_auth.schema. Errors: 42710 for the name of one that ships with an extension, 22023 for an '
'unknown property, 23514 for an unknown type or family.';

CREATE FUNCTION wazo_auth.declare_list(name text, sort text[], filters json,
        default_sort text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    filter record;
    -- limit and offset have no limit of their own: a list ends where it ends
    fields text := '"limit": {"type": "integer", "nullable": true, "min": 0}, "offset": {"type": "integer", "default": '
      '0, "min": 0}, '
        || '"order": ' || json_strip_nulls(json_build_object('type', 'string', 'default', default_sort, 'choices',
          sort))
        || ', "direction": {"type": "string", "default": "asc", "choices": ["asc", "desc"]}, '
           '"search": {"type": "string", "max": 256}, "recurse": {"type": "boolean", "default": false}';
BEGIN
    FOR filter IN SELECT f.key, f.value::jsonb AS spec FROM json_each(declare_list.filters) AS f LOOP
        IF NOT filter.spec ? 'filter' THEN
            RAISE EXCEPTION 'the parameter "%" of the list "%" has no filter', filter.key, declare_list.name
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it one, or null if the list refuses it.';
        END IF;
        fields := fields || ', ' || to_json(filter.key) || ': ' || ('{"type": "string", "max": 256}' || filter.spec);
    END LOOP;
    PERFORM wazo_auth.declare_schema(declare_list.name, 'list_query', NULL, ('{' || fields || '}')::json);
END
$function$;
COMMENT ON FUNCTION wazo_auth.declare_list(text, text[], json, text) IS
'Declares or replaces the query string of a list, for wazo_auth.list_page(): limit, offset, order (by one of sort), '
'direction, search and recurse, which all lists have, and filters: name: {"filter": condition in SQL with {} for the '
'value, or null for a parameter that this list refuses; "empty": false where an empty value is no filter; and what '
'declare_schema() knows}, a text of at most 256 characters by default. Raises 22023 for a parameter without a filter.';

CREATE FUNCTION wazo_auth.validate(schema text, input jsonb)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_validate';
COMMENT ON FUNCTION wazo_auth.validate(text, jsonb) IS
'Reads a request body by a declared shape: returns the declared fields, converted and with defaults. NULL and falsy '
'documents count as {}. Errors: WA400 with the answer''s parts as JSON in the DETAIL, 42704 for an unknown shape.';

CREATE FUNCTION wazo_auth.validate_query(schema text, input jsonb)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_validate_query';
COMMENT ON FUNCTION wazo_auth.validate_query(text, jsonb) IS
'As wazo_auth.validate() for a query string, given as an object of texts or, for repeated parameters, arrays of '
'texts: a list takes one or several values, any other field the first one.';

-- An upgrade declares the shapes of its version from here on.
DELETE FROM wazo_auth.schema WHERE shipped;

-- http/functions.sql

CREATE FUNCTION wazo_auth.forget_cached() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_forget_cached';
COMMENT ON FUNCTION wazo_auth.forget_cached() IS
'Statement trigger on the tables that every backend keeps in a cache (routes, settings, shapes of requests): makes '
'all backends read them again.';

CREATE FUNCTION wazo_auth.raise_error(
  status integer, message text, error_id text DEFAULT NULL, details json DEFAULT NULL, resource text DEFAULT NULL,
  answer json DEFAULT NULL)
RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_error';
COMMENT ON FUNCTION wazo_auth.raise_error(integer, text, text, json, text, json) IS
'Raises the error of an HTTP status (400 to 599): SQLSTATE WAnnn. Without error_id the answer has the shape '
'{"reason": [message], ...}, with it {"message", "error_id", "details", "timestamp", "resource"}, with "answer" in '
'the place of the message if it is given. Do not put secrets into any argument.';

CREATE FUNCTION wazo_auth.ascii(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_ascii';
COMMENT ON FUNCTION wazo_auth.ascii(text) IS
'The text without marks and without what has no ASCII counterpart, as messages of the token routes show it (contract: '
'errors.md section 6).';

CREATE FUNCTION wazo_auth.python_repr(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_python_repr';
COMMENT ON FUNCTION wazo_auth.python_repr(text) IS
'The text in quotes as Python''s repr() shows it, for messages that clients know.';

CREATE FUNCTION wazo_auth.basic_credentials(header text, OUT login text, OUT password text)
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_basic_credentials';
COMMENT ON FUNCTION wazo_auth.basic_credentials(text) IS
'Login and password of an Authorization header with the scheme Basic; both null when there are none. Raises WA400 for '
'bad base64 padding.';

CREATE FUNCTION wazo_auth.http_header(request wazo_auth.http_request, name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_http_header';
COMMENT ON FUNCTION wazo_auth.http_header(wazo_auth.http_request, text) IS
'Value of the first request header of that name, whatever its case; null when there is none.';

CREATE FUNCTION wazo_auth.json_response(body json, status integer DEFAULT 200, headers text[] DEFAULT '{}')
RETURNS wazo_auth.http_response
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_json_response';
COMMENT ON FUNCTION wazo_auth.json_response(json, integer, text[]) IS
'What a handler returns for a JSON body; written as ASCII with a final newline (contract: responses.md section 1). '
'headers: further ones, name and value in turn.';

CREATE FUNCTION wazo_auth.no_content() RETURNS wazo_auth.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT ROW(204, ARRAY['Content-Type', 'application/json'], NULL)::wazo_auth.http_response;
END;
COMMENT ON FUNCTION wazo_auth.no_content() IS
'What a handler returns when it has done its work and has nothing to say: status 204.';

CREATE FUNCTION wazo_auth.http(
  method text, target text, headers text[] DEFAULT '{}', body bytea DEFAULT NULL, peer text DEFAULT NULL)
RETURNS wazo_auth.http_response
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_http';
COMMENT ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) IS
'Answers one request of the REST API. target: path and query as sent. headers: name, value, name, value. peer: '
'address of the client. Errors are answers; only a cancelled statement, a null method, target or header (22004) or a '
'header without a value (22023) raises one. Needs no right to any table.';

CREATE FUNCTION wazo_auth.raise_unauthorized(required_access text DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_unauthorized';
COMMENT ON FUNCTION wazo_auth.raise_unauthorized(text) IS
'Raises WA401 unauthorized, with the token that the caller sent and the access that it lacks, for a check that '
'refuses.';

CREATE FUNCTION wazo_auth.caller_acl() RETURNS wazo_auth.acl
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_caller_acl';
COMMENT ON FUNCTION wazo_auth.caller_acl() IS
'The ACL of the token of the request that wazo_auth.http() is answering; null without a token.';

CREATE FUNCTION wazo_auth.add_check(
  name text, function text, statuses integer[], description text, judges boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  judges := COALESCE(judges, false);
  INSERT INTO wazo_auth.check (name, function, statuses, description, judges, shipped)
  VALUES (name, function, statuses, description, judges, wazo_auth.in_extension_script());
END
$$;
COMMENT ON FUNCTION wazo_auth.add_check(text, text, integer[], text, boolean) IS
'Makes a check known, so that routes can name it; the arguments are the columns of wazo_auth.check. Raises 23505 for '
'one that is there.';

CREATE FUNCTION wazo_auth.route_shape(path text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN regexp_replace(regexp_replace(path, '\{\w*uuid\}', '<uuid>', 'g'), '\{\w+\}', '<any>', 'g');
END
$$;
COMMENT ON FUNCTION wazo_auth.route_shape(text) IS
'A path template without the names of its parameters: templates of one shape mean the same requests.';

CREATE FUNCTION wazo_auth.check_route(route wazo_auth.route, replaces boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_name text := route.method || ' ' || route.path;
  v_check text;
BEGIN
  IF route.public IS DISTINCT FROM (route.access IS NULL) THEN
    RAISE EXCEPTION 'the route % has % access', v_name, CASE WHEN route.public THEN 'both public => true and an'
      ELSE 'no' END
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give it the access that a token must grant, or say public => true if everybody may use it.';
  END IF;
  SELECT c.name INTO v_check FROM unnest(route.checks) c (name)
  WHERE NOT EXISTS (SELECT FROM wazo_auth.check k WHERE k.name = c.name);
  IF FOUND THEN
    RAISE EXCEPTION 'there is no check "%" for the route %', v_check, v_name
      USING ERRCODE = 'undefined_object', HINT = 'See SELECT name, description FROM wazo_auth.check.';
  END IF;
  IF route.method NOT IN ('GET', 'HEAD') AND (route.changes_no_access IS NULL)
     <> EXISTS (SELECT FROM wazo_auth.check k WHERE k.name = ANY (route.checks) AND k.judges) THEN
    RAISE EXCEPTION 'the route % must either judge what its caller gives and takes or say why it changes no access',
      v_name
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Add a check (SELECT name, description FROM wazo_auth.check '
              'WHERE judges), or say changes_no_access => why.';
  END IF;
  IF NOT replaces AND EXISTS (SELECT FROM wazo_auth.route r
                              WHERE r.method = route.method AND wazo_auth.route_shape(r.path) =
                                wazo_auth.route_shape(route.path)
                                AND (r.shipped OR NOT route.shipped)) THEN
    RAISE EXCEPTION 'the route % is there already', v_name
      USING ERRCODE = 'duplicate_object', HINT = 'Say replaces => true if it is to take the place of that one.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_route(wazo_auth.route, boolean) IS
'Raises 22023 for a route that is open by an oversight or leaves unsaid whether it changes what anybody may do, 42704 '
'for an unknown check, 42710 for one that is there and is not to be replaced.';

CREATE FUNCTION wazo_auth.add_route(
  method text, path text, handler text, plugin text,
  access text DEFAULT NULL, checks text[] DEFAULT '{}',
  query_schema text DEFAULT NULL, body_schema text DEFAULT NULL,
  token_from text DEFAULT 'header', summary text DEFAULT NULL,
  success integer DEFAULT 200, errors integer[] DEFAULT '{}',
  public boolean DEFAULT false, changes_no_access text DEFAULT NULL, replaces boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_route wazo_auth.route;
BEGIN
  checks := COALESCE(checks, '{}'::text[]);
  token_from := COALESCE(token_from, 'header');
  success := COALESCE(success, 200);
  errors := COALESCE(errors, '{}'::integer[]);
  public := COALESCE(public, false);
  v_route.method := method;
  v_route.path := path;
  v_route.handler := handler;
  v_route.access := access;
  v_route.public := public;
  v_route.token_from := token_from;
  v_route.checks := checks;
  v_route.query_schema := query_schema;
  v_route.body_schema := body_schema;
  v_route.plugin := plugin;
  v_route.summary := summary;
  v_route.success := success;
  v_route.errors := errors;
  v_route.changes_no_access := changes_no_access;
  v_route.shipped := wazo_auth.in_extension_script();
  PERFORM wazo_auth.check_route(v_route, replaces);
  DELETE FROM wazo_auth.route r
  WHERE r.method = v_route.method AND wazo_auth.route_shape(r.path) = wazo_auth.route_shape(v_route.path)
    AND r.shipped = v_route.shipped;
  INSERT INTO wazo_auth.route SELECT v_route.*;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_route(
  text, text, text, text, text, text[], text, text, text, text, integer, integer[], boolean, text, boolean) IS
'Adds a route. handler: schema.function of a function (wazo_auth.http_request) returning wazo_auth.http_response. '
'plugin: name that the setting enabled_http_plugins can turn off. replaces: it takes the place of the one of this '
'method and path; a shipped one comes back when the row is deleted. The other arguments are columns of '
'wazo_auth.route. Served by all connections as soon as this commits. Raises what wazo_auth.check_route() raises.';

-- An upgrade registers the checks and routes of its version from here on.
DELETE FROM wazo_auth.route WHERE shipped;
DELETE FROM wazo_auth.check WHERE shipped;

-- config/functions.sql

-- Settings: what holds, and what may be set. Which there are: known_settings.sql.

CREATE FUNCTION wazo_auth.pinned_settings() RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_pinned_settings';
COMMENT ON FUNCTION wazo_auth.pinned_settings() IS
'The settings that functions do not take from their caller, as pg_proc.proconfig has them.';

CREATE FUNCTION wazo_auth.log_message(message text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_log_message';
COMMENT ON FUNCTION wazo_auth.log_message(text) IS
'Writes a line into the server''s log, and not the statement that led to it, as RAISE LOG would: there may be'
' secrets in it.';

CREATE FUNCTION wazo_auth.warn_message(message text, hint text DEFAULT '') RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_warn_message';
COMMENT ON FUNCTION wazo_auth.warn_message(text, text) IS
'A WARNING for the client and the log, without the statement that led to it.';

CREATE FUNCTION wazo_auth.nearest_name(name text, names text[]) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_nearest_name';
COMMENT ON FUNCTION wazo_auth.nearest_name(text, text[]) IS
'The one of the names that somebody who wrote this one may have meant; null when none is near.';

CREATE FUNCTION wazo_auth.default_settings() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(d.name, d.value)
    FROM (SELECT k.name, COALESCE(k.default_value, (
                   SELECT jsonb_object_agg(split_part(m.name, '.', 2), m.default_value)
                   FROM wazo_auth.known_setting m
                   WHERE m.default_value IS NOT NULL AND m.name ~ '^[^.]+\.[^.]+$'
                     AND split_part(m.name, '.', 1) = k.name)) AS value
          FROM wazo_auth.known_setting k
          WHERE k.name !~ '\.') d
    WHERE d.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION wazo_auth.default_settings() IS
'The settings that hold while nothing else is configured (contract: config.md section 2).';

CREATE FUNCTION wazo_auth.effective_settings() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(COALESCE(d.key, s.name),
             CASE
               WHEN s.value IS NULL THEN d.value
               WHEN jsonb_typeof(s.value) = 'object' AND jsonb_typeof(d.value) = 'object' THEN d.value || s.value
               ELSE s.value
             END)
    FROM jsonb_each(wazo_auth.default_settings()) d
    FULL JOIN wazo_auth.setting s ON s.name = d.key
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.effective_settings() IS
'All settings by their names in the configuration file: what was configured, else the default. Maps are the'
' default with'
' the configured keys over it. Read anew at every call; ask get_setting().';

CREATE FUNCTION wazo_auth.get_setting(name text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_get_setting';
COMMENT ON FUNCTION wazo_auth.get_setting(text) IS
'Value of a setting of effective_settings(), or null. Kept by the backend until a setting changes.';

CREATE FUNCTION wazo_auth.secret_setting(name text, member text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unseal(decode(wazo_auth.get_setting(name) ->> ('sealed_' || member), 'hex'), name || '.' || member);
END
$$;
COMMENT ON FUNCTION wazo_auth.secret_setting(text, text) IS
'The secret of a setting, in clear; null when there is none. For the workers that log in with it.';

CREATE FUNCTION wazo_auth.setting_member(parent text, member text) RETURNS wazo_auth.known_setting
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_known wazo_auth.known_setting;
BEGIN
  SELECT k.* INTO v_known FROM wazo_auth.known_setting k
  WHERE k.name = concat_ws('.', parent, member) AND member NOT IN ('*', '') AND member !~ '\.'
     OR k.name = parent || '.*'
  ORDER BY k.name = parent || '.*' LIMIT 1;
  RETURN v_known;
END
$$;
COMMENT ON FUNCTION wazo_auth.setting_member(text, text) IS
'What is known of a member of a map, or of a setting itself when parent is null; its name is null when nothing is.';

CREATE FUNCTION wazo_auth.raise_unknown_setting(name text, parent text, lenient boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_nearest text := wazo_auth.nearest_name(name, ARRAY(
    SELECT k.name FROM wazo_auth.known_setting k
    WHERE k.name !~ '\*' AND (CASE WHEN parent IS NULL THEN k.name !~ '\.' ELSE starts_with(k.name, parent || '.') END)
    ORDER BY k.name));
  v_hint text := CASE WHEN v_nearest IS NULL THEN 'wazo_auth.settings lists all of them.'
                      ELSE format('Perhaps you mean "%s".', v_nearest) END;
BEGIN
  IF lenient THEN
    PERFORM wazo_auth.warn_message(
      format('the configuration has "%s", which is no setting; it is left out', left(name, 128)), v_hint);
  ELSE
    RAISE EXCEPTION 'there is no setting "%"', left(name, 128) USING ERRCODE = 'undefined_object', HINT = v_hint;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_setting(text, text, boolean) IS
'Raises 42704 with the nearest name that there is; only warns when lenient.';

CREATE FUNCTION wazo_auth.raise_bad_setting(known wazo_auth.known_setting, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_range text := CASE
    WHEN known.minimum IS NULL AND known.maximum IS NULL THEN ''
    WHEN known.maximum IS NULL THEN format(' from %s on', known.minimum)
    WHEN known.minimum IS NULL THEN format(' up to %s', known.maximum)
    ELSE format(' from %s to %s', known.minimum, known.maximum) END;
BEGIN
  RAISE EXCEPTION 'setting "%" must be %', name,
    COALESCE(known.must_be, CASE known.type
      WHEN 'boolean' THEN 'true or false'
      WHEN 'integer' THEN 'a whole number' || v_range
      WHEN 'number' THEN 'a number' || v_range
      WHEN 'list' THEN 'a list'
      WHEN 'map' THEN 'a map'
      ELSE CASE WHEN known.choices IS NOT NULL THEN 'one of ' || array_to_string(known.choices, ', ')
                ELSE 'a text' || CASE WHEN v_range = '' THEN '' ELSE v_range || ' bytes long' END END
    END)
    USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_setting(wazo_auth.known_setting, text) IS
'Raises 22023: what the setting must be. Names no value: it may be secret.';

CREATE FUNCTION wazo_auth.is_good_text(known wazo_auth.known_setting, value text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_good boolean := true;
BEGIN
  IF octet_length(value) < COALESCE(known.minimum, 0) OR octet_length(value) > COALESCE(known.maximum, 65536)
     OR value <> ALL (known.choices) OR value !~ known.pattern THEN
    RETURN false;
  END IF;
  IF known.check_function IS NOT NULL THEN
    EXECUTE format('SELECT COALESCE(%s($1), false)', to_regprocedure(known.check_function || '(text)')::regproc)
    INTO v_good USING value;
  END IF;
  RETURN v_good;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_good_text(wazo_auth.known_setting, text) IS
'Does a text keep the length, choices, pattern and check_function of a setting?';

CREATE FUNCTION wazo_auth.is_good_setting(known wazo_auth.known_setting, value jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  CASE known.type
    WHEN 'boolean' THEN
      RETURN jsonb_typeof(value) = 'boolean';
    WHEN 'integer', 'number' THEN
      RETURN jsonb_typeof(value) = 'number'
        AND value::numeric >= COALESCE(known.minimum, '-infinity'::numeric)
        AND value::numeric <= COALESCE(known.maximum, 'infinity'::numeric)
        AND (known.type = 'number' OR value::numeric = trunc(value::numeric));
    WHEN 'string' THEN
      RETURN jsonb_typeof(value) = 'string' AND wazo_auth.is_good_text(known, value #>> '{}'::text[]);
    WHEN 'list' THEN
      RETURN jsonb_typeof(value) = 'array';
    ELSE
      RETURN jsonb_typeof(value) = 'object';
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_good_setting(wazo_auth.known_setting, jsonb) IS
'Is the value of the setting''s type, and within its limits? What is in a map or list is not looked at.';

CREATE FUNCTION wazo_auth.checked_setting(
  known wazo_auth.known_setting, name text, value jsonb, lenient boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_value jsonb;
  v_known wazo_auth.known_setting;
  v_checked jsonb := '{}'::jsonb;
BEGIN
  IF NOT wazo_auth.is_good_setting(known, value) THEN
    PERFORM wazo_auth.raise_bad_setting(known, name);
  END IF;
  IF known.type = 'list' THEN
    v_known := wazo_auth.setting_member(known.name, '0');
    FOR v_value IN SELECT e.value FROM jsonb_array_elements(value) e LOOP
      PERFORM wazo_auth.checked_setting(v_known, name || '.*', v_value, lenient);
    END LOOP;
  ELSIF known.type = 'map' THEN
    FOR v_key, v_value IN SELECT e.key, e.value FROM jsonb_each(value) e LOOP
      v_known := wazo_auth.setting_member(known.name, v_key);
      IF v_known.name IS NULL THEN
        PERFORM wazo_auth.raise_unknown_setting(name || '.' || v_key, known.name, lenient);
      ELSIF jsonb_typeof(v_value) = 'null' THEN
        -- A name of people's may stand for itself: a policy without anything in it.
        IF v_known.type = 'map' AND v_known.name LIKE '%.*' THEN
          v_checked := v_checked || jsonb_build_object(v_key, NULL);
        END IF;
      ELSE
        v_value := wazo_auth.checked_setting(v_known, name || '.' || v_key, v_value, lenient);
        -- As hexadecimal digits: base64 as PostgreSQL writes it has several lines.
        v_checked := v_checked || CASE WHEN v_known.secret
          THEN jsonb_build_object('sealed_' || v_key,
                                  encode(wazo_auth.seal(v_value #>> '{}'::text[], v_known.name), 'hex'))
          ELSE jsonb_build_object(v_key, v_value) END;
      END IF;
    END LOOP;
    RETURN v_checked;
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION wazo_auth.checked_setting(wazo_auth.known_setting, text, jsonb, boolean) IS
'A setting as it is stored: of a map the members that are given, those with null left out, and in the place of a secret'
' "sealed_" and its name. name: as the caller knows it. lenient: leaves unknown members out with a warning.'
' Raises 22023'
' for a value that the setting cannot have, 42704 for an unknown member, F0000 without a key to seal with.';

CREATE FUNCTION wazo_auth.set_setting(
  known wazo_auth.known_setting, member text, value jsonb, lenient boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_value jsonb := CASE WHEN member IS NULL THEN value ELSE jsonb_build_object(member, value) END;
  v_old jsonb := '{}'::jsonb;
BEGIN
  IF jsonb_typeof(v_value) <> 'null' THEN
    v_value := wazo_auth.checked_setting(known, known.name, v_value, lenient);
    IF member IS NOT NULL THEN
      SELECT s.value - member - ('sealed_' || member) INTO v_old FROM wazo_auth.setting s WHERE s.name = known.name;
      v_value := COALESCE(v_old, '{}'::jsonb) || v_value;
    END IF;
  END IF;
  IF jsonb_typeof(v_value) = 'null' OR v_value = '{}'::jsonb AND member IS NOT NULL THEN
    DELETE FROM wazo_auth.setting s WHERE s.name = known.name;
  ELSE
    INSERT INTO wazo_auth.setting AS s (name, value) VALUES (known.name, v_value)
    ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE SET value = EXCLUDED.value
    WHERE s.value IS DISTINCT FROM EXCLUDED.value;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_setting(wazo_auth.known_setting, text, jsonb, boolean) IS
'Sets a setting, or one member of a map; null restores the default.';

CREATE FUNCTION wazo_auth.is_stored_here(
  known wazo_auth.known_setting, value jsonb, lenient boolean) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF known.read_by = 'postgresql' THEN
    IF NOT lenient THEN
      RAISE EXCEPTION 'setting "%" is one of the PostgreSQL server', known.name
        USING ERRCODE = 'invalid_parameter_value', HINT = format('Use %s.', known.instead);
    END IF;
    IF value IS DISTINCT FROM (SELECT to_jsonb(s.setting::numeric) FROM pg_settings s
                               WHERE s.name = 'wazo_auth.' || known.name) THEN
      PERFORM wazo_auth.warn_message(
        format('the configuration has "%s", which the PostgreSQL server decides', known.name),
        format('Use %s.', known.instead));
    END IF;
    RETURN false;
  ELSIF known.secret THEN
    IF NOT lenient AND value <> 'null'::jsonb THEN
      RAISE EXCEPTION 'setting "%" is not for the database', known.name
        USING ERRCODE = 'invalid_parameter_value', HINT = format('Use %s.', known.instead);
    END IF;
    RETURN false;
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_stored_here(wazo_auth.known_setting, jsonb, boolean) IS
'Is this a setting for wazo_auth.setting? Raises 22023 for one that is not, with what to do instead, and says'
' no when lenient.';

CREATE FUNCTION wazo_auth.set_settings(settings jsonb, lenient boolean) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_value jsonb;
  v_top text;
  v_member text;
  v_known wazo_auth.known_setting;
  v_idle text[] := '{}'::text[];
BEGIN
  IF jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'For example: SELECT wazo_auth.configure(''{"default_token_lifetime": 3600}'').';
  END IF;
  FOR v_key, v_value IN SELECT e.key, e.value FROM jsonb_each(settings) e LOOP
    v_top := split_part(v_key, '.', 1);
    v_member := NULLIF(substr(v_key, length(v_top) + 2), '');
    v_known := wazo_auth.setting_member(NULL::text, v_top);
    IF v_known.name IS NULL OR v_member IS NOT NULL AND v_known.type <> 'map' THEN
      PERFORM wazo_auth.raise_unknown_setting(v_key, NULL::text, lenient);
    ELSIF wazo_auth.is_stored_here(v_known, v_value, lenient) THEN
      PERFORM wazo_auth.set_setting(v_known, v_member, v_value, lenient);
      IF COALESCE((wazo_auth.setting_member(v_top, v_member)).read_by, v_known.read_by) <> 'database' THEN
        v_idle := v_idle || v_key;
      END IF;
    END IF;
  END LOOP;
  PERFORM wazo_auth.wake_relay();
  RETURN v_idle;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_settings(jsonb, boolean) IS
'Sets settings and returns the names of those that have no effect here. lenient, for a whole configuration'
' file: what is'
' unknown or not for the database is left out. Raises what wazo_auth.configure() does.';

CREATE FUNCTION wazo_auth.configure(settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_idle text[] := wazo_auth.set_settings(settings, false);
BEGIN
  IF v_idle <> '{}' THEN
    RAISE NOTICE 'without effect in the database: %', array_to_string(v_idle, ', ')
      USING HINT = 'wazo_auth.settings tells who reads them, and what to use instead.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.configure(jsonb) IS
'Sets settings by the names of the configuration file (wazo_auth.known_setting); null restores a default. A name with a'
' dot, as amqp.uri, sets one key of a map. Secrets among them are stored sealed. Raises 42704 for a name that there is'
' not, with the nearest one; 22023 for a value of the wrong type or out of range, and for a setting of the PostgreSQL'
' server or of the front, with what to use instead; F0000 for a secret without a key to seal it with.';

CREATE FUNCTION wazo_auth.plugin_enabled(plugin text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.get_setting('enabled_http_plugins') -> plugin_enabled.plugin IS DISTINCT FROM 'false'::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_enabled(text) IS
'Does the setting enabled_http_plugins leave this group of routes on? Unknown ones are on.';

CREATE FUNCTION wazo_auth.mask_setting(known wazo_auth.known_setting, value jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF jsonb_typeof(value) = 'null' THEN
    RETURN value;
  END IF;
  -- Shown is what is known to be harmless, and nothing else. A string can have a password in it where a URI may.
  IF known.name IS NULL OR known.secret OR NOT wazo_auth.is_good_setting(known, value)
     OR known.type = 'string' AND value #>> '{}'::text[] ~ '://.*@' THEN
    RETURN '"********"'::jsonb;
  END IF;
  IF known.type = 'list' THEN
    RETURN (SELECT COALESCE(jsonb_agg(wazo_auth.mask_setting(wazo_auth.setting_member(known.name, '0'), e.value)
                                      ORDER BY e.place), '[]'::jsonb)
            FROM jsonb_array_elements(value) WITH ORDINALITY e (value, place));
  ELSIF known.type = 'map' THEN
    RETURN (SELECT COALESCE(jsonb_object_agg(
                     m.key, wazo_auth.mask_setting(wazo_auth.setting_member(known.name, m.key), m.value)
                     ORDER BY m.sealed), '{}'::jsonb)
            FROM (SELECT regexp_replace(e.key, '^sealed_', '') AS key, e.value, e.key LIKE 'sealed\_%' AS sealed
                  FROM jsonb_each(value) e) m);
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION wazo_auth.mask_setting(wazo_auth.known_setting, jsonb) IS
'A setting as it may be shown: asterisks for secrets, and for all that is not known to be none. What is stored'
' sealed shows under its own name.';

CREATE FUNCTION wazo_auth.shown_configuration() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT jsonb_object_agg(e.key, wazo_auth.mask_setting(wazo_auth.setting_member(NULL::text, e.key), e.value))
          FROM jsonb_each(wazo_auth.effective_settings()) e)
    -- what the server decides, as far as its library is loaded
    || COALESCE((SELECT jsonb_object_agg(k.name, s.setting::numeric)
                 FROM wazo_auth.known_setting k JOIN pg_settings s ON s.name = 'wazo_auth.' || k.name
                 WHERE k.read_by = 'postgresql'), '{}'::jsonb)
    || jsonb_build_object(
      'log_level', CASE lower(wazo_auth.get_setting('log_level') #>> '{}'::text[])
                     WHEN 'critical' THEN 50 WHEN 'error' THEN 40 WHEN 'warning' THEN 30 WHEN 'debug' THEN 10
                     ELSE 20 END,
      'loaded_plugins', wazo_auth.loaded_backends());
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_configuration() IS
'All settings by the names of the configuration file, secrets masked; log_level as its number.';

-- idp/functions.sql

CREATE FUNCTION wazo_auth.add_identity_provider(
  name text, function text, priority numeric DEFAULT 100, backend text DEFAULT NULL,
  keeps_passwords boolean DEFAULT false, built_in boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_shipped boolean := wazo_auth.in_extension_script();
BEGIN
  priority := COALESCE(priority, 100);
  keeps_passwords := COALESCE(keeps_passwords, false);
  built_in := COALESCE(built_in, false);
  -- Shipped ones are registered before the functions of their own that they name.
  IF NOT v_shipped AND to_regprocedure(function || '(wazo_auth.login_attempt)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(wazo_auth.login_attempt)', function USING ERRCODE = 'undefined_function',
      HINT = 'Create it first, with its schema in its name; it returns a wazo_auth.login_answer.';
  END IF;
  IF built_in AND NOT v_shipped THEN
    RAISE EXCEPTION 'only what ships with the extension is built in' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO wazo_auth.identity_provider AS i
  VALUES (name, function, priority, backend, keeps_passwords, built_in, v_shipped)
  ON CONFLICT ON CONSTRAINT identity_provider_pkey DO UPDATE
  SET function = excluded.function, priority = excluded.priority, backend = excluded.backend,
      keeps_passwords = excluded.keeps_passwords, built_in = excluded.built_in;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_identity_provider(text, text, numeric, text, boolean, boolean) IS
'Registers a way to log in, or registers it anew: while the setting idp_plugins enables it, logins are put to its'
' function, which takes a wazo_auth.login_attempt and returns a wazo_auth.login_answer, and it can be the'
' authentication method of users and tenants. The function locks and writes nothing. The other arguments are columns of'
' wazo_auth.identity_provider. Raises 23514 for a name that is not of a-z, 0-9 and _, or built in; 42883 without the'
' function.';
DELETE FROM wazo_auth.identity_provider WHERE shipped;

CREATE FUNCTION wazo_auth.identity_providers() RETURNS SETOF wazo_auth.identity_provider
LANGUAGE plpgsql STABLE ROWS 4 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_plugins jsonb := wazo_auth.get_setting('idp_plugins');
BEGIN
  RETURN QUERY
  SELECT e.name, e.function, e.priority, e.backend, e.keeps_passwords, e.built_in, e.shipped
  FROM (SELECT DISTINCT ON (i.name) i.name, i.function,
               CASE WHEN i.built_in THEN i.priority
                    ELSE COALESCE((v_plugins -> i.name ->> 'priority')::numeric, i.priority) END AS priority,
               i.backend, i.keeps_passwords, i.built_in, i.shipped
        FROM wazo_auth.identity_provider i
        WHERE i.built_in OR v_plugins -> i.name ->> 'enabled' = 'true'
        -- What people registered takes the place of what ships.
        ORDER BY i.name, i.shipped) e
  ORDER BY e.priority, e.name;
END
$$;
COMMENT ON FUNCTION wazo_auth.identity_providers() IS
'The identity providers that are on, in the order in which a login is put to them, with the priorities in force. All'
' that asks for providers or methods asks here.';

CREATE FUNCTION wazo_auth.authentication_methods() RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 4 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES ('native'), ('default');
  RETURN QUERY SELECT p.name::text FROM wazo_auth.identity_providers() p WHERE NOT p.built_in;
END
$$;
COMMENT ON FUNCTION wazo_auth.authentication_methods() IS
'Names that a user''s authentication method can have: native, default (the tenant''s) and the identity providers that'
' are on, in the order of their priorities.';

CREATE FUNCTION wazo_auth.loaded_backends() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(b.key ORDER BY b.key), '[]'::jsonb)
    FROM jsonb_each(wazo_auth.get_setting('enabled_backend_plugins')) b
    WHERE b.value = 'true'
      AND b.key IN (SELECT i.backend FROM wazo_auth.identity_provider i));
END
$$;
COMMENT ON FUNCTION wazo_auth.loaded_backends() IS
'Names of the backends of registered identity providers that the setting enabled_backend_plugins enables.';

CREATE FUNCTION wazo_auth.password_is_kept_elsewhere(user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_method text := wazo_auth.effective_authentication_method(user_uuid);
BEGIN
  -- Whether the provider is on or not: the password stays where it is.
  RETURN v_method = 'saml'
    OR EXISTS (SELECT FROM wazo_auth.identity_provider i WHERE i.name = v_method AND i.keeps_passwords);
END
$$;
COMMENT ON FUNCTION wazo_auth.password_is_kept_elsewhere(uuid) IS
'Does an identity provider manage the user''s password, so that nobody changes it here?';

CREATE FUNCTION wazo_auth.is_authentication_method(method text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM wazo_auth.authentication_methods() m WHERE m = method);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_authentication_method(text) IS
'Can a user have this authentication method? The case counts.';

CREATE FUNCTION wazo_auth.check_authentication_method(method text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF method IS NOT NULL AND NOT wazo_auth.is_authentication_method(method) THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid authentication method ' || method, 'invalid-data',
                                  json_build_object('authentication_method', method), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_authentication_method(text) IS
'Raises WA400 when a user cannot have this authentication method; null passes.';

CREATE FUNCTION wazo_auth.identify(
  attempt wazo_auth.login_attempt, OUT method text, OUT answer wazo_auth.login_answer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_provider text;
  v_function regprocedure;
BEGIN
  FOR v_provider, v_function IN
    SELECT p.name, to_regprocedure(p.function || '(wazo_auth.login_attempt)') FROM wazo_auth.identity_providers() p
  LOOP
    IF v_function IS NULL THEN
      RAISE EXCEPTION 'the function of the identity provider "%" does not exist', v_provider
        USING ERRCODE = 'undefined_function',
              HINT = 'Create it again, or turn the provider off in the setting idp_plugins.';
    END IF;
    EXECUTE format('SELECT (a).* FROM %s($1) a', v_function::oid::regproc) INTO answer USING attempt;
    IF answer.taken THEN
      method := v_provider;
      RETURN;
    END IF;
  END LOOP;
  answer := NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.identify(wazo_auth.login_attempt) IS
'Puts a login to the identity providers that are on, in their order; the first that takes it decides alone. Both null'
' when none does. Raises 42883 when the function of one is gone.';

-- events/functions.sql

-- Making events. They go out when the transaction commits, and not at all when
-- it is rolled back.

CREATE FUNCTION wazo_auth.wake_relay() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wazo_auth_wake_relay';
COMMENT ON FUNCTION wazo_auth.wake_relay() IS
'Wakes the relay worker of this database when the current transaction commits; without such a worker it does nothing.';

CREATE FUNCTION wazo_auth.routing_key_part(part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT replace(replace(replace(part, '.', '__DOT__'), '#', '__HASH__'), '*',
    '__STAR__');
END;
COMMENT ON FUNCTION wazo_auth.routing_key_part(text) IS
'Free text as one word of a routing key (contract: events.md section 1).';

CREATE FUNCTION wazo_auth.emit_event(
  name text, object_uuid uuid, routing_key text, data json,
  tenant_uuid uuid DEFAULT NULL, session_uuid uuid DEFAULT NULL, audience text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
  VALUES (emit_event.name, emit_event.object_uuid, emit_event.routing_key, emit_event.data,
          emit_event.tenant_uuid, emit_event.session_uuid, emit_event.audience);
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_event(text, uuid, text, json, uuid, uuid, text) IS
'Sends an event when the transaction commits. The arguments are columns of wazo_auth.event_outbox; headers and '
'envelope are made from them (contract: events.md section 1).';

CREATE FUNCTION wazo_auth.emit_tenant_added(tenant_uuid uuid, name text, slug text, domain_names text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_added', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.created',
    json_build_object('uuid', tenant_uuid, 'name', name, 'slug', slug,
                                 'domain_names', to_json(COALESCE(domain_names, '{}'))),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_added(uuid, text, text, text[]) IS
'Event auth_tenant_added (contract: events.tsv).';

CREATE FUNCTION wazo_auth.emit_tenant_updated(tenant_uuid uuid, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_updated', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.updated',
    json_build_object('uuid', tenant_uuid, 'name', name),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_updated(uuid, text) IS 'Event auth_tenant_updated (contract: events.tsv).';

CREATE FUNCTION wazo_auth.emit_tenant_deleted(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_deleted', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.deleted',
    json_build_object('uuid', tenant_uuid),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_deleted(uuid) IS 'Event auth_tenant_deleted (contract: events.tsv).';

CREATE FUNCTION wazo_auth.emit_session_created(session_uuid uuid, tenant_uuid uuid, user_uuid uuid,
  mobile boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- The row is inserted here and not by emit_event(): every login comes by.
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
  VALUES ('auth_session_created', COALESCE(emit_session_created.user_uuid, emit_session_created.session_uuid),
          'auth.sessions.' || emit_session_created.session_uuid || '.created',
          json_build_object('uuid', emit_session_created.session_uuid, 'tenant_uuid',
            emit_session_created.tenant_uuid,
                                       'user_uuid', emit_session_created.user_uuid, 'mobile',
                                         emit_session_created.mobile),
          emit_session_created.tenant_uuid, emit_session_created.session_uuid, emit_session_created.user_uuid::text);
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_session_created(uuid, uuid, uuid, boolean) IS
'Event auth_session_created (contract: events.tsv). user_uuid: null for a session that is no user''s.';

CREATE FUNCTION wazo_auth.emit_sessions(event text, sessions wazo_auth.session[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
  SELECT 'auth_session_' || event, COALESCE(s.user_uuid, s.uuid),
         CASE event WHEN 'expire_soon' THEN 'auth.users.' || o.owner || '.' ELSE 'auth.' END
           || 'sessions.' || s.uuid || '.' || event,
         json_build_object('uuid', s.uuid, 'user_uuid', o.owner, 'tenant_uuid', s.tenant_uuid),
         s.tenant_uuid, s.uuid, o.owner
  FROM unnest(sessions) WITH ORDINALITY AS s
  CROSS JOIN LATERAL (SELECT COALESCE(s.user_uuid::text, s.auth_id) AS owner) o
  ORDER BY s.ordinality;
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_sessions(text, wazo_auth.session[]) IS
'Event auth_session_deleted ("deleted") or auth_session_expire_soon ("expire_soon") of each of the sessions, in their '
'order (contract: events.tsv).';

CREATE FUNCTION wazo_auth.emit_refresh_tokens(event text, refresh_tokens wazo_auth.refresh_token[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, audience)
  SELECT 'auth_refresh_token_' || event, r.user_uuid,
         'auth.users.' || r.user_uuid || '.tokens.' || wazo_auth.routing_key_part(r.client_id) || '.' || event,
         json_build_object('client_id', r.client_id, 'mobile', r.mobile,
                                      'user_uuid', r.user_uuid, 'tenant_uuid', u.tenant_uuid),
         u.tenant_uuid, r.user_uuid::text
  FROM unnest(refresh_tokens) WITH ORDINALITY AS r
  JOIN wazo_auth.user u ON u.uuid = r.user_uuid
  ORDER BY r.ordinality;
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_refresh_tokens(text, wazo_auth.refresh_token[]) IS
'Event auth_refresh_token_created ("created") or auth_refresh_token_deleted ("deleted") of each of the refresh '
'tokens, in their order; their users must still be there (contract: events.tsv).';

CREATE FUNCTION wazo_auth.emit_external_auth(event text, user_uuid uuid, external_auth_name text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_user_external_auth_' || event, u.uuid,
    format('auth.users.%s.external.%s.%s', u.uuid, wazo_auth.routing_key_part(external_auth_name),
                      CASE event WHEN 'added' THEN 'created' ELSE event END),
    json_build_object('user_uuid', u.uuid, 'external_auth_name', external_auth_name),
    tenant_uuid => u.tenant_uuid, audience => u.uuid::text)
  FROM wazo_auth.user u
  WHERE u.uuid = emit_external_auth.user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_external_auth(text, uuid, text) IS
'Event auth_user_external_auth_added, _updated, _deleted or _authorized of a user, by its last word (contract: '
'events.tsv).';

-- events/delivery.sql

-- Delivering events: what the relay worker asks the database for, and what
-- people see of it.

CREATE FUNCTION wazo_auth.event_message_id(id bigint, created_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT to_hex((EXTRACT(epoch FROM created_at) * 1000000)::bigint) || '-' || to_hex(id);
END;
COMMENT ON FUNCTION wazo_auth.event_message_id(bigint, timestamptz) IS
'AMQP message id of an event: the same at every attempt, so that a consumer can tell a repetition.';

CREATE FUNCTION wazo_auth.origin_uuid() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.get_setting('uuid') #>> '{}';
END
$$;
COMMENT ON FUNCTION wazo_auth.origin_uuid() IS
'The setting uuid, which events name as their origin; for readers of wazo_auth.event_stream, who may read no other '
'setting.';

CREATE FUNCTION wazo_auth.event_headers(
  name text, routing_key text, created_at timestamptz, tenant_uuid uuid, session_uuid uuid, audience text)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  -- json_strip_nulls() keeps the order, and a header without value is none.
  SELECT json_strip_nulls(json_build_object(
    'tenant_uuid', tenant_uuid,
    'session_uuid', session_uuid,
    'name', name,
    'user_uuid:' || COALESCE(audience, ''), CASE WHEN audience IS NOT NULL THEN true END,
    'required_access', 'event.' || name,
    'required_acl', 'events.' || routing_key,
    'origin_uuid', wazo_auth.origin_uuid(),
    'timestamp', regexp_replace(
       to_char(created_at::timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '\.000000$', '')));
END;
COMMENT ON FUNCTION wazo_auth.event_headers(text, text, timestamptz, uuid, uuid, text) IS
'Headers of an event, in upstream''s order; the time is local (contract: events.md section 1).';

CREATE FUNCTION wazo_auth.event_body(headers json, data json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT (rtrim(headers::text, '}') || ',"data":' || data::text || '}')::json;
END;
COMMENT ON FUNCTION wazo_auth.event_body(json, json) IS
'Body of an event: its headers, then data (contract: events.md section 1).';

-- The plans of these functions are made while the outbox is nearly empty, where
-- reading all of it is the shortest way, and are kept while it grows. So they
-- are left only the indexes.
CREATE FUNCTION wazo_auth.claim_events(from_id bigint, batch integer)
RETURNS TABLE (id bigint, object_uuid uuid, message_id text, routing_key text, headers json, body text)
LANGUAGE plpgsql STABLE ROWS 500
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
  -- Objects with an event that has to wait, and the others behind it.
  v_held uuid[] := ARRAY(
    SELECT o.object_uuid FROM wazo_auth.event_outbox o
    WHERE o.next_attempt_at > clock_timestamp() AND NOT o.parked);
BEGIN
  RETURN QUERY
  SELECT e.id, e.object_uuid, wazo_auth.event_message_id(e.id, e.created_at), e.routing_key, h.headers,
         wazo_auth.json_ascii(wazo_auth.event_body(h.headers, e.data))
  FROM (SELECT o.*
        FROM wazo_auth.event_outbox o
        WHERE o.id >= from_id AND NOT o.parked AND o.object_uuid <> ALL (v_held)
        ORDER BY o.id
        LIMIT batch) e
  CROSS JOIN LATERAL (SELECT wazo_auth.event_headers(e.name, e.routing_key, e.created_at, e.tenant_uuid,
                                                     e.session_uuid, e.audience) AS headers OFFSET 0) h
  ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_events(bigint, integer) IS
'The next events to send, ready to be sent: at most "batch" of those that are due, from this id on. Takes no lock, '
'since a database has one relay.';

CREATE FUNCTION wazo_auth.finish_events(ids bigint[], published boolean DEFAULT true) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
  v_position bigint;
BEGIN
  published := COALESCE(published, true);
  -- One at a time, so that positions become visible in their order: the tick
  -- of a scheduler may come while the relay works.
  PERFORM pg_advisory_xact_lock(2002877039, 1);
  IF wazo_auth.get_setting('event_retention')::integer = 0 THEN
    DELETE FROM wazo_auth.event_outbox o WHERE o.id = ANY (ids);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
  END IF;
  WITH gone AS (
    DELETE FROM wazo_auth.event_outbox o WHERE o.id = ANY (ids) RETURNING o.*
  ), logged AS (
    INSERT INTO wazo_auth.event_log AS l (id, published, created_at, object_uuid, tenant_uuid, session_uuid, name,
      routing_key, audience, data)
    SELECT g.id, finish_events.published, g.created_at, g.object_uuid, g.tenant_uuid, g.session_uuid, g.name,
      g.routing_key, g.audience, g.data
    FROM gone g
    ORDER BY g.id
    RETURNING l.position
  )
  SELECT count(*), max(position) INTO v_count, v_position FROM logged;
  IF v_count > 0 THEN
    PERFORM pg_notify('wazo_auth_event', v_position::text);
  END IF;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.finish_events(bigint[], boolean) IS
'Moves delivered events from the outbox to the stream and tells the listeners of the channel wazo_auth_event its new '
'last position. Returns how many there were.';

CREATE FUNCTION wazo_auth.deliver_events_locally(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  IF wazo_auth.get_setting('amqp') ? 'sealed_uri' THEN
    RETURN 0;
  END IF;
  RETURN wazo_auth.finish_events(ARRAY(
    SELECT o.id FROM wazo_auth.event_outbox o WHERE NOT o.parked ORDER BY o.id LIMIT batch), false);
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_events_locally(integer) IS
'Without a broker: moves at most "batch" events to the stream, where they wait for the setting event_retention. '
'Returns how many there were; 0 with a broker, which is to have them first.';

CREATE FUNCTION wazo_auth.fail_event(id bigint, error text, max_attempts integer, pause interval)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_parked boolean;
BEGIN
  UPDATE wazo_auth.event_outbox o
  SET attempts = o.attempts + 1,
      error = left(fail_event.error, 1000),
      parked = o.attempts + 1 >= max_attempts,
      -- doubled with each attempt, up to an hour
      next_attempt_at = clock_timestamp()
        + LEAST(pause * power(2, LEAST(o.attempts, 20)), '1 hour'::interval)
  WHERE o.id = fail_event.id
  RETURNING o.parked INTO v_parked;
  RETURN v_parked;
END
$$;
COMMENT ON FUNCTION wazo_auth.fail_event(bigint, text, integer, interval) IS
'Notes that the broker has refused an event: it is tried again after a pause that doubles, and parked at the attempt '
'max_attempts. Returns whether it is parked now.';

CREATE FUNCTION wazo_auth.purge_event_log(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
  v_before timestamptz :=
    now() - make_interval(secs => wazo_auth.get_setting('event_retention')::integer);
BEGIN
  -- Positions and times of delivery grow together, so the oldest come first.
  WITH old AS (
    SELECT l.position FROM (SELECT i.position, i.delivered_at FROM wazo_auth.event_log i ORDER BY i.position
      LIMIT batch) l
    WHERE l.delivered_at < v_before
  )
  DELETE FROM wazo_auth.event_log l USING old WHERE l.position = old.position;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.purge_event_log(integer) IS
'Removes at most "batch" events from the stream that are older than the setting event_retention, in seconds. Returns '
'how many there were.';

CREATE FUNCTION wazo_auth.requeue_unpublished_events() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
BEGIN
  WITH gone AS (
    DELETE FROM wazo_auth.event_log l WHERE NOT l.published RETURNING l.*
  )
  INSERT INTO wazo_auth.event_outbox (id, created_at, object_uuid, tenant_uuid, session_uuid, name, routing_key,
    audience, data)
  OVERRIDING SYSTEM VALUE
  SELECT g.id, g.created_at, g.object_uuid, g.tenant_uuid, g.session_uuid, g.name, g.routing_key, g.audience, g.data
  FROM gone g
  ORDER BY g.id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.requeue_unpublished_events() IS
'Puts the events of the stream that no broker has had back into the outbox; done once a broker is configured. Returns '
'how many there were.';

CREATE FUNCTION wazo_auth.retry_parked_events(id bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE wazo_auth.event_outbox o
  SET parked = false, attempts = 0, next_attempt_at = NULL
  WHERE o.parked AND o.next_attempt_at IS NOT NULL
    AND (retry_parked_events.id IS NULL OR o.id = retry_parked_events.id);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  PERFORM wazo_auth.wake_relay();
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.retry_parked_events(bigint) IS
'Sends parked events again: one by its id, or all. Returns how many there were.';

CREATE VIEW wazo_auth.parked_event AS
SELECT o.id, o.created_at, o.name, o.routing_key, o.data, o.attempts, o.error
FROM wazo_auth.event_outbox o
WHERE o.parked AND o.next_attempt_at IS NOT NULL;
COMMENT ON VIEW wazo_auth.parked_event IS
'Events that the message broker has refused too often, and why; wazo_auth.retry_parked_events() sends them again';

CREATE VIEW wazo_auth.event_stream AS
SELECT l.position, wazo_auth.event_message_id(l.id, l.created_at) AS message_id, l.delivered_at,
       l.name, l.routing_key, h.headers, wazo_auth.event_body(h.headers, l.data) AS body
FROM wazo_auth.event_log l
CROSS JOIN LATERAL (SELECT wazo_auth.event_headers(l.name, l.routing_key, l.created_at, l.tenant_uuid, l.session_uuid,
  l.audience) AS headers OFFSET 0) h;
COMMENT ON VIEW wazo_auth.event_stream IS
'The events that were delivered, for daemons beside the database: LISTEN wazo_auth_event, then read from the last '
'position seen. Kept for the setting event_retention, in seconds';

-- tenants/functions.sql

CREATE FUNCTION wazo_auth.raise_unknown_tenant(tenant text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such tenant: "%s"', tenant), 'unknown-tenant',
                               json_build_object('uuid', tenant), 'tenants');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_tenant(text) IS 'Raises WA404 unknown-tenant.';

CREATE FUNCTION wazo_auth.top_tenant_uuid() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT t.uuid FROM wazo_auth.tenant t WHERE cardinality(t.path) = 1
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.top_tenant_uuid() IS 'The tenant above all others, or null before wazo_auth.bootstrap().';

CREATE FUNCTION wazo_auth.last_path_below(path uuid[]) RETURNS uuid[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT last_path_below.path || array_fill('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, '{100}');
END;
COMMENT ON FUNCTION wazo_auth.last_path_below(uuid[]) IS
'The paths from this one to its last one are those that start with it, whatever their uuids: none is longer than 100, '
'so none sorts after as many of the greatest uuid. That makes a subtree one range of the index on '
'wazo_auth.tenant.path.';

CREATE FUNCTION wazo_auth.tenant_scope(tenant_uuid uuid, recurse boolean DEFAULT true) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
  SELECT tenant_scope.tenant_uuid WHERE tenant_scope.recurse IS FALSE
  UNION ALL
  SELECT t.uuid
  FROM (SELECT s.path FROM wazo_auth.tenant s
        WHERE s.uuid = tenant_scope.tenant_uuid AND tenant_scope.recurse IS NOT FALSE) top
  JOIN wazo_auth.tenant t ON t.path >= top.path AND t.path <= wazo_auth.last_path_below(top.path);
END;
COMMENT ON FUNCTION wazo_auth.tenant_scope(uuid, boolean) IS
'The tenant, and with recurse all tenants below it.';

CREATE FUNCTION wazo_auth.tenant_contains(tenant_uuid uuid, below uuid) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_tenant_contains';
COMMENT ON FUNCTION wazo_auth.tenant_contains(uuid, uuid) IS
'Is the second tenant the first one or below it? False for an unknown one.';

CREATE FUNCTION wazo_auth.tenant_is_top(tenant_uuid uuid) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_tenant_is_top';
COMMENT ON FUNCTION wazo_auth.tenant_is_top(uuid) IS
'Is it the tenant above all others? False for an unknown one.';

CREATE FUNCTION wazo_auth.random_slug(size integer) RETURNS text
LANGUAGE sql VOLATILE
BEGIN ATOMIC
  SELECT string_agg(
           substr('abcdefghijklmnopqrstuvwxyz0123456789',
             1 + floor(random() * 36)::integer, 1), '')
  FROM generate_series(1, random_slug.size);
END;
COMMENT ON FUNCTION wazo_auth.random_slug(integer) IS 'That many random characters of a-z and 0-9.';

CREATE FUNCTION wazo_auth.generate_slug(name text, allowed text, size integer, attempt integer) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text := left(regexp_replace(name, '[^' || allowed || ']', '', 'g'), size);
BEGIN
  IF attempt = 0 AND v_slug <> '' THEN
    RETURN v_slug;
  END IF;
  -- Longer ones when those of three characters become rare.
  RETURN wazo_auth.random_slug(LEAST(3 + attempt / 8, size));
END
$$;
COMMENT ON FUNCTION wazo_auth.generate_slug(text, text, integer, integer) IS
'Slug to try for a name. At the attempt 0: its characters of the set "allowed" (of a bracket expression), cut to '
'"size"; at later ones, and when nothing is left, a few random ones.';

CREATE FUNCTION wazo_auth.set_tenant_contact(tenant_uuid uuid, contact uuid, seen_from uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF contact IS NULL THEN
    DELETE FROM wazo_auth.tenant_contact c WHERE c.tenant_uuid = set_tenant_contact.tenant_uuid;
    RETURN;
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = contact FOR KEY SHARE;
  IF NOT FOUND
     OR seen_from IS NOT NULL AND NOT wazo_auth.user_in_sight(contact, seen_from, NULL::uuid)
        AND NOT EXISTS (SELECT FROM wazo_auth.tenant_contact c WHERE c.tenant_uuid = set_tenant_contact.tenant_uuid
          AND c.user_uuid = contact) THEN
    PERFORM wazo_auth.raise_unknown_user(contact::text);
  END IF;
  INSERT INTO wazo_auth.tenant_contact (tenant_uuid, user_uuid) VALUES (tenant_uuid, contact)
  ON CONFLICT ON CONSTRAINT tenant_contact_pkey DO UPDATE SET user_uuid = EXCLUDED.user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_contact(uuid, uuid, uuid) IS
'Makes a user the contact of a tenant; null for none. With seen_from, it must be in sight from that tenant, or the '
'contact already. Raises WA404 for an unknown user.';

CREATE FUNCTION wazo_auth.set_tenant_domains(tenant_uuid uuid, domain_names text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- In one order, so that two requests for the same names cannot wait for each other.
  v_names text[] := ARRAY(
    SELECT DISTINCT wazo_auth.normal_domain(n) COLLATE "C" FROM unnest(domain_names) n ORDER BY 1);
BEGIN
  IF cardinality(v_names) > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'Longer than maximum length 100.', 'invalid-data',
      '{"domain_names": {"constraint_id": "length", "constraint": {"max": 100}}}'::json, 'tenants');
  END IF;
  DELETE FROM wazo_auth.tenant_domain d
  WHERE d.tenant_uuid = set_tenant_domains.tenant_uuid
    AND NOT EXISTS (SELECT FROM unnest(v_names) v(name) WHERE v.name = d.name);
  INSERT INTO wazo_auth.tenant_domain (tenant_uuid, name)
  SELECT set_tenant_domains.tenant_uuid, v.name FROM unnest(v_names) WITH ORDINALITY v (name, place)
    ORDER BY v.place
  ON CONFLICT ON CONSTRAINT tenant_domain_name_key DO NOTHING;
  IF (SELECT count(*) FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = set_tenant_domains.tenant_uuid)
     <> cardinality(v_names) THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      json_build_object('domain_names', json_build_object(
        'constraint-id', 'unique',
        'message', format('Domain name : "[''%s'']" is already in use, no duplicates allowed',
                                     array_to_string(v_names, ''', ''')))), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_domains(uuid, text[]) IS
'Replaces the domain names of a tenant, whatever their spelling; those that stay keep their uuid. Raises WA409 when '
'another tenant has one of them.';

CREATE FUNCTION wazo_auth.set_tenant_address(tenant_uuid uuid, address wazo_auth.postal_address) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF address IS NULL THEN
    DELETE FROM wazo_auth.tenant_address a WHERE a.tenant_uuid = set_tenant_address.tenant_uuid;
  ELSE
    INSERT INTO wazo_auth.tenant_address (tenant_uuid, address) VALUES (tenant_uuid, address)
    ON CONFLICT ON CONSTRAINT tenant_address_pkey DO UPDATE SET address = EXCLUDED.address;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_address(uuid, wazo_auth.postal_address) IS
'Sets the address of a tenant; one of which every part is null takes it away.';

CREATE FUNCTION wazo_auth.check_default_method(method text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- "default" would lock out the users whose method is the tenant's.
  IF method IS NULL OR method = 'default' OR NOT wazo_auth.is_authentication_method(method) THEN
    PERFORM wazo_auth.raise_error(400, concat('Invalid default authentication method ', method),
      'invalid-data',
                                  json_build_object('default_authentication_method', method), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_default_method(text) IS
'Raises WA400 for what cannot be a tenant''s default authentication method.';

CREATE FUNCTION wazo_auth.check_tenant_depth(depth integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF depth > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'The tree of tenants would be too deep', 'invalid-data',
                                  json_build_object('parent_uuid', 'too deep'), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_tenant_depth(integer) IS
'Raises WA400 for a tenant that would be more than 100 levels deep, the limit of tenant.path.';

CREATE FUNCTION wazo_auth.create_tenant(
  parent_uuid uuid, name text DEFAULT NULL, slug text DEFAULT NULL, uuid uuid DEFAULT NULL,
  phone text DEFAULT NULL, contact uuid DEFAULT NULL, default_authentication_method text DEFAULT 'native',
  domain_names text[] DEFAULT '{}', address wazo_auth.postal_address DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_path uuid[];
  v_slug text;
  v_attempt integer := 0;
BEGIN
  default_authentication_method := COALESCE(default_authentication_method, 'native');
  PERFORM wazo_auth.check_default_method(default_authentication_method);
  -- Against moves, which hold the tree still; taken before any row of it.
  LOCK TABLE wazo_auth.tenant_parent IN ROW EXCLUSIVE MODE;
  -- Shared, so that the parent cannot go meanwhile.
  SELECT t.path INTO v_path FROM wazo_auth.tenant t WHERE t.uuid = parent_uuid FOR SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(parent_uuid::text);
  END IF;
  PERFORM wazo_auth.check_tenant_depth(cardinality(v_path) + 1);
  LOOP
    v_slug := COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_', 10, v_attempt));
    INSERT INTO wazo_auth.tenant (uuid, path, slug, name, phone, default_authentication_method)
    VALUES (v_uuid, v_path || v_uuid, v_slug, name, phone, default_authentication_method)
    ON CONFLICT DO NOTHING;
    EXIT WHEN FOUND;
    IF EXISTS (SELECT FROM wazo_auth.tenant t WHERE t.uuid = v_uuid) THEN
      PERFORM wazo_auth.raise_error(409, 'Tenant Conflict detected', 'tenant-identity-conflict',
        json_build_object('uuid', json_build_object(
          'constraint_id', 'unique', 'message', format('A tenant with identity uuid="%s" already exists',
            v_uuid))), 'tenants');
    ELSIF slug IS NOT NULL THEN
      PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
        json_build_object('slug', json_build_object(
          'constraint_id', 'unique', 'message', format('The slug "%s" is already used', slug))), 'tenants');
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  INSERT INTO wazo_auth.tenant_parent (path) VALUES (v_path || v_uuid);
  PERFORM wazo_auth.set_tenant_contact(v_uuid, contact, seen_from);
  PERFORM wazo_auth.set_tenant_domains(v_uuid, domain_names);
  PERFORM wazo_auth.set_tenant_address(v_uuid, address);
  PERFORM wazo_auth.emit_tenant_added(v_uuid, name, v_slug,
    ARRAY(SELECT d.name FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = v_uuid ORDER BY d.name));
  PERFORM wazo_auth.apply_tenant_defaults(v_uuid);
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_tenant(uuid, text, text, uuid, text, uuid, text, text[], wazo_auth.postal_address,
  uuid) IS
'Creates a tenant below a parent, with its group of all users and what the settings all_users_policies and '
'tenant_default_groups ask for; a slug is made from the name when none is given. With seen_from, the contact must be '
'in sight from that tenant. Raises WA404 for an unknown parent or contact, WA409 for a slug, uuid or domain name in '
'use, WA400 for an unknown method or too deep a tree (contract: semantics.md section 10).';

CREATE FUNCTION wazo_auth.update_tenant(
  tenant_uuid uuid, name text DEFAULT NULL, phone text DEFAULT NULL, contact uuid DEFAULT NULL,
  default_authentication_method text DEFAULT 'native', domain_names text[] DEFAULT '{}',
  address wazo_auth.postal_address DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  default_authentication_method := COALESCE(default_authentication_method, 'native');
  PERFORM wazo_auth.check_default_method(default_authentication_method);
  UPDATE wazo_auth.tenant t
  SET name = update_tenant.name, phone = update_tenant.phone,
      default_authentication_method = update_tenant.default_authentication_method
  WHERE t.uuid = tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  PERFORM wazo_auth.set_tenant_contact(tenant_uuid, contact, seen_from);
  PERFORM wazo_auth.set_tenant_domains(tenant_uuid, domain_names);
  PERFORM wazo_auth.set_tenant_address(tenant_uuid, address);
  PERFORM wazo_auth.emit_tenant_updated(tenant_uuid, name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_tenant(uuid, text, text, uuid, text, text[], wazo_auth.postal_address, uuid) IS
'Replaces all of a tenant but its uuid, slug and parent; what is left out is reset. With seen_from, a new contact '
'must be in sight from that tenant. Raises WA404 for an unknown tenant or contact, WA409 for a domain name in use, '
'WA400 for an unknown method.';

CREATE FUNCTION wazo_auth.delete_tenant(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  LOCK TABLE wazo_auth.tenant_parent IN ROW EXCLUSIVE MODE;
  -- The users first and then the tenant: the order of a login, which locks its
  -- user and then refers to the tenant.
  PERFORM FROM wazo_auth.user u WHERE u.tenant_uuid = delete_tenant.tenant_uuid ORDER BY u.uuid FOR UPDATE;
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  IF tenant_uuid = wazo_auth.top_tenant_uuid() THEN
    PERFORM wazo_auth.raise_own_tenant(tenant_uuid);
  END IF;
  IF EXISTS (SELECT FROM wazo_auth.tenant_parent p
             WHERE p.parent_path = (SELECT t.path FROM wazo_auth.tenant t
                                    WHERE t.uuid = delete_tenant.tenant_uuid)) THEN
    -- Clients know this body, whose parts are in each other's places.
    RAISE EXCEPTION USING ERRCODE = 'WA400',
      MESSAGE = format('Unauthorized delete of tenant : "%s" ; since it has at least one child',
        tenant_uuid),
      DETAIL = format('{"error_id": {"uuid": "%s"}, "details": "tenants"}', tenant_uuid);
  END IF;
  PERFORM wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s WHERE s.tenant_uuid = delete_tenant.tenant_uuid
    UNION
    SELECT s.token_digest FROM wazo_auth.session s JOIN wazo_auth.user u ON u.uuid = s.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid
    UNION
    SELECT s.token_digest FROM wazo_auth.session s JOIN wazo_auth.email e ON e.uuid = s.email_uuid
    JOIN wazo_auth.user u ON u.uuid = e.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid));
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY(
    SELECT r.token_digest FROM wazo_auth.refresh_token r JOIN wazo_auth.user u ON u.uuid = r.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid));
  DELETE FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid;
  PERFORM wazo_auth.emit_tenant_deleted(tenant_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_tenant(uuid) IS
'Deletes a tenant with its users, groups, policies, domains, sessions and refresh tokens. Raises WA404 for an unknown '
'tenant, WA400 for one with children, WA403 for the top tenant.';

CREATE FUNCTION wazo_auth.raise_own_tenant(tenant_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(403, format('Deleting its own tenant is forbidden: "%s"',
    raise_own_tenant.tenant_uuid),
                               'deleting-own-tenant-forbidden',
                               json_build_object('tenant_uuid', raise_own_tenant.tenant_uuid), 'tenants');
END;
COMMENT ON FUNCTION wazo_auth.raise_own_tenant(uuid) IS 'Raises WA403: nobody deletes the tenant that it acts for.';

CREATE FUNCTION wazo_auth.move_tenant(tenant_uuid uuid, parent_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_path uuid[];
  v_parent_path uuid[];
BEGIN
  -- One move at a time, and none while tenants are made or deleted: two moves
  -- could close a cycle that neither sees.
  LOCK TABLE wazo_auth.tenant_parent IN SHARE ROW EXCLUSIVE MODE;
  SELECT t.path INTO v_path FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  SELECT t.path INTO v_parent_path FROM wazo_auth.tenant t WHERE t.uuid = parent_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(parent_uuid::text);
  END IF;
  IF tenant_uuid = ANY (v_parent_path) THEN
    PERFORM wazo_auth.raise_error(409, format('Parent (%s) is a descendent of tenant: "%s"', parent_uuid,
      tenant_uuid),
      'conflict', json_build_object('uuid', tenant_uuid, 'parent_uuid', parent_uuid), 'tenants');
  END IF;
  IF v_path[cardinality(v_path) - 1] = parent_uuid THEN
    RETURN;
  END IF;
  PERFORM wazo_auth.check_tenant_depth(cardinality(v_parent_path) + (
    SELECT max(cardinality(t.path)) - cardinality(v_path) + 1
    FROM wazo_auth.tenant t WHERE t.path >= v_path AND t.path <= wazo_auth.last_path_below(v_path)));
  -- Each row's parent follows it, one after the other.
  SET CONSTRAINTS wazo_auth.tenant_parent_parent_path_fkey DEFERRED;
  UPDATE wazo_auth.tenant t
  SET path = v_parent_path || t.path[cardinality(v_path):]
  WHERE t.path >= v_path AND t.path <= wazo_auth.last_path_below(v_path);
  SET CONSTRAINTS wazo_auth.tenant_parent_parent_path_fkey IMMEDIATE;
END
$$;
COMMENT ON FUNCTION wazo_auth.move_tenant(uuid, uuid) IS
'Puts a tenant, with all below it, under another parent. Raises WA404 for an unknown one of both, WA409 when the '
'parent is the tenant itself or below it, WA400 for too deep a tree.';

CREATE VIEW wazo_auth.tenant_item AS
SELECT t.uuid, t.path, t.name, t.slug,
       wazo_auth.json_object(
         '{uuid,parent_uuid,name,slug,contact,phone,default_authentication_method,domain_names,address}',
         t.uuid,
         COALESCE(t.path[cardinality(t.path) - 1], t.uuid),
         t.name,
         t.slug,
         c.user_uuid,
         t.phone,
         t.default_authentication_method,
         (SELECT wazo_auth.json_list(pg_catalog.to_json(d.name))
          FROM (SELECT n.name FROM wazo_auth.tenant_domain n WHERE n.tenant_uuid = t.uuid ORDER BY n.name) d),
         wazo_auth.json_object('{line_1,line_2,city,state,country,zip_code}',
           (a.address).line_1, (a.address).line_2, (a.address).city,
           (a.address).state, (a.address).country, (a.address).zip_code)) AS item
FROM wazo_auth.tenant t
LEFT JOIN wazo_auth.tenant_contact c ON c.tenant_uuid = t.uuid
LEFT JOIN wazo_auth.tenant_address a ON a.tenant_uuid = t.uuid;
COMMENT ON VIEW wazo_auth.tenant_item IS 'Tenants as the REST API shows them (contract: responses.md section 3)';

CREATE FUNCTION wazo_auth.tenant_json(tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT t.item FROM wazo_auth.tenant_item t WHERE t.uuid = tenant_json.tenant_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.tenant_json(uuid) IS 'A tenant as the REST API shows it; null for an unknown one.';

-- groups/functions.sql

CREATE FUNCTION wazo_auth.raise_unknown_group(group_uuid text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such group: "%s"', group_uuid), 'unknown-group',
                                json_build_object('uuid', group_uuid), 'groups');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_group(text) IS 'Raises WA404 unknown-group.';

CREATE FUNCTION wazo_auth.raise_group_exists(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(409, format('Group "%s" already exists', name));
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_group_exists(text) IS
'Raises WA409 for a group whose name or slug its tenant has already.';

CREATE FUNCTION wazo_auth.group_tenant_uuid(group_uuid uuid) RETURNS uuid
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_group_tenant_uuid';
COMMENT ON FUNCTION wazo_auth.group_tenant_uuid(uuid) IS 'The tenant of a group; null for an unknown one.';

CREATE FUNCTION wazo_auth.lock_group(group_uuid uuid, for_members boolean DEFAULT false)
RETURNS wazo_auth.group
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_group wazo_auth.group;
BEGIN
  IF for_members THEN
    SELECT g.* INTO v_group FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR KEY SHARE;
  ELSE
    SELECT g.* INTO v_group FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR UPDATE;
  END IF;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(group_uuid::text);
  END IF;
  RETURN v_group;
END
$$;
COMMENT ON FUNCTION wazo_auth.lock_group(uuid, boolean) IS
'The group''s row, locked until the end of the transaction: for_members so that it cannot go away, else for a change. '
'Raises WA404.';

CREATE FUNCTION wazo_auth.refuse_system_group(checked wazo_auth.group) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF checked.system_managed THEN
    PERFORM wazo_auth.raise_error(403, format('Forbidden group modification: "%s"', checked.uuid), 'forbidden-group',
                                  json_build_object('uuid', checked.uuid), 'groups');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.refuse_system_group(wazo_auth.group) IS
'Raises WA403 for the group of all users of a tenant, which nobody renames, deletes or changes the members of '
'(contract: semantics.md section 7).';

CREATE FUNCTION wazo_auth.create_group(
  tenant_uuid uuid, name text, slug text DEFAULT NULL, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_attempt integer := 0;
BEGIN
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  LOOP
    INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug)
    VALUES (v_uuid, tenant_uuid, name, COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80, v_attempt)))
    ON CONFLICT DO NOTHING;
    EXIT WHEN FOUND;
    -- Only a slug that nobody chose can be another one.
    IF slug IS NOT NULL
       OR EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = create_group.tenant_uuid
         AND g.name = create_group.name)
       OR EXISTS (SELECT FROM wazo_auth.group g WHERE g.uuid = v_uuid) THEN
      PERFORM wazo_auth.raise_group_exists(name);
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_group(uuid, text, text, uuid) IS
'Creates a group in a tenant; a slug is made from the name when none is given. Raises WA404 for an unknown tenant, '
'WA409 for a name or slug in use there.';

CREATE FUNCTION wazo_auth.update_group(group_uuid uuid, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid));
  UPDATE wazo_auth.group g SET name = update_group.name WHERE g.uuid = group_uuid;
EXCEPTION WHEN unique_violation THEN
  PERFORM wazo_auth.raise_group_exists(name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_group(uuid, text) IS
'Renames a group; its slug stays. Raises WA404 for an unknown group, WA403 for a tenant''s group of all users, WA409 '
'for a name in use in the tenant.';

CREATE FUNCTION wazo_auth.delete_group(group_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid));
  DELETE FROM wazo_auth.group g WHERE g.uuid = group_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_group(uuid) IS
'Deletes a group; sessions of its users keep the ACL they were opened with. Raises WA404 for an unknown group, WA403 '
'for a tenant''s group of all users.';

CREATE FUNCTION wazo_auth.add_group_user(group_uuid uuid, user_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_tenant uuid;
  v_group wazo_auth.group;
BEGIN
  -- Both stay until we are done: a deletion that came first is seen here.
  SELECT u.tenant_uuid INTO v_tenant FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  v_group := wazo_auth.lock_group(group_uuid, for_members => true);
  IF v_tenant <> v_group.tenant_uuid THEN
    PERFORM wazo_auth.raise_error(400, 'Ressources are not in the same tenant', 'missmatching-tenant',
      json_build_object('user_tenant_uuid', v_tenant, 'group_tenant_uuid', v_group.tenant_uuid), 'groups');
  END IF;
  PERFORM wazo_auth.refuse_system_group(v_group);
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid) VALUES (group_uuid, user_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(user_uuid => user_uuid, resource => 'groups');
END
$$;
COMMENT ON FUNCTION wazo_auth.add_group_user(uuid, uuid) IS
'Puts a user into a group of its tenant; nothing happens when it is there already. Raises WA404 for an unknown user '
'or group, WA400 for two tenants, WA403 for a group of all users. Sessions keep the ACL they were opened with.';

CREATE FUNCTION wazo_auth.remove_group_user(group_uuid uuid, user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid, for_members => true));
  DELETE FROM wazo_auth.group_user gu
  WHERE gu.group_uuid = remove_group_user.group_uuid AND gu.user_uuid = remove_group_user.user_uuid;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_group_user(uuid, uuid) IS
'Takes a user out of a group. Returns whether it was in it. Raises WA404 for an unknown group, WA403 for a group of '
'all users.';

-- policies/functions.sql

CREATE FUNCTION wazo_auth.policy_of_slug(tenant_uuid uuid, slug text) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- lower() finds the row by the unique index, the second comparison is exact.
  RETURN (SELECT p.uuid
          FROM wazo_auth.tenant t
          CROSS JOIN LATERAL unnest(t.path) WITH ORDINALITY above (uuid, depth)
          JOIN wazo_auth.policy p ON p.tenant_uuid = above.uuid
            AND lower(p.slug) = lower(policy_of_slug.slug)
          WHERE t.uuid = policy_of_slug.tenant_uuid
            AND p.slug = policy_of_slug.slug
            AND (above.uuid = t.uuid OR p.shared OR p.config_managed)
          ORDER BY above.depth DESC
          LIMIT 1);
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_of_slug(uuid, text) IS
'The policy that a slug means in a tenant: its own, else the nearest one shared by a tenant above, else the '
'configuration''s (which the top tenant owns); null without one (contract: semantics.md section 8). Case counts.';

CREATE FUNCTION wazo_auth.policy_in_sight(policy_uuid uuid, tenant_uuid uuid) RETURNS boolean
LANGUAGE c STABLE STRICT COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_policy_in_sight';
COMMENT ON FUNCTION wazo_auth.policy_in_sight(uuid, uuid) IS
'Is the policy in sight from the tenant? It is from its own and from those above; a shared one from all below its '
'own, too, and one of the configuration from everywhere (contract: semantics.md section 8).';

CREATE FUNCTION wazo_auth.acl_distinct(entries text[]) RETURNS wazo_auth.acl
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT COALESCE(array_agg(e.entry ORDER BY e.place), '{}')::wazo_auth.acl
  FROM (SELECT u.entry COLLATE "C" AS entry, min(u.place) AS place
        FROM unnest(entries) WITH ORDINALITY u (entry, place)
        GROUP BY 1) e;
END;
COMMENT ON FUNCTION wazo_auth.acl_distinct(text[]) IS
'The access patterns as an ACL, each once, in the order of their first mention. Raises 54000 beyond the limits of '
'wazo_auth.acl.';

CREATE FUNCTION wazo_auth.raise_duplicate_policy(name text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(409, format('Policy "%s" already exists', raise_duplicate_policy.name));
END;
COMMENT ON FUNCTION wazo_auth.raise_duplicate_policy(text) IS 'Raises WA409: a policy has this name, or its slug.';

CREATE FUNCTION wazo_auth.raise_unknown_policy(policy_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(404, format('No such policy {''uuid'': ''%s''}',
    raise_unknown_policy.policy_uuid));
END;
COMMENT ON FUNCTION wazo_auth.raise_unknown_policy(uuid) IS 'Raises WA404.';

CREATE FUNCTION wazo_auth.shared_policy_in_the_way(tenant_uuid uuid, name text, slug text, shared boolean)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- One at a time for each name and slug, or a tenant and one below it could
  -- both make the policy that the other's forbids.
  PERFORM pg_advisory_xact_lock(k.key)
  FROM (SELECT DISTINCT hashtextextended('wazo_auth.policy:' || v.value, v.kind) AS key
        FROM (VALUES (name, 1), (slug, 2)) v (value, kind) ORDER BY 1) k;
  RETURN (
    SELECT min(CASE WHEN p.name = shared_policy_in_the_way.name THEN 'name' ELSE 'slug' END)
    FROM wazo_auth.policy p
    JOIN wazo_auth.tenant o ON o.uuid = p.tenant_uuid
    WHERE (p.name = shared_policy_in_the_way.name OR p.slug = shared_policy_in_the_way.slug)
      AND (p.shared AND p.tenant_uuid = ANY ((SELECT t.path FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid)::uuid[])
           OR shared AND tenant_uuid = ANY (o.path)));
END
$$;
COMMENT ON FUNCTION wazo_auth.shared_policy_in_the_way(uuid, text, text, boolean) IS
'What a new policy of this name and slug has in common with one that a tenant above shares or, if it would be shared '
'itself, with one of a tenant below: name, else slug, else null; the case counts (contract: semantics.md section 8). '
'Others that ask for the same name or slug wait until the end of the transaction.';

CREATE FUNCTION wazo_auth.create_policy(
  tenant_uuid uuid, name text, acl wazo_auth.acl DEFAULT '{}', slug text DEFAULT NULL,
  description text DEFAULT NULL, shared boolean DEFAULT false, config_managed boolean DEFAULT false)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid;
  v_slug text;
  v_taken text;
  v_attempt integer := 0;
BEGIN
  shared := COALESCE(shared, false);
  config_managed := COALESCE(config_managed, false);
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  IF config_managed AND tenant_uuid <> wazo_auth.top_tenant_uuid() THEN
    RAISE EXCEPTION 'policies of the configuration belong to the top tenant' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  LOOP
    v_slug := COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80, v_attempt));
    v_taken := wazo_auth.shared_policy_in_the_way(tenant_uuid, name, v_slug, shared);
    IF v_taken IS NULL THEN
      INSERT INTO wazo_auth.policy AS p (tenant_uuid, name, slug, acl, description, shared, config_managed)
      VALUES (tenant_uuid, name, v_slug, wazo_auth.acl_distinct(acl::text[]), description, shared, config_managed)
      ON CONFLICT DO NOTHING
      RETURNING p.uuid INTO v_uuid;
      EXIT WHEN FOUND;
    END IF;
    -- Only a slug that nobody chose can be another one.
    IF v_taken = 'name' OR slug IS NOT NULL
       OR EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = create_policy.tenant_uuid
         AND p.name = create_policy.name) THEN
      PERFORM wazo_auth.raise_duplicate_policy(name);
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_policy(uuid, text, wazo_auth.acl, text, text, boolean, boolean) IS
'Creates a policy in a tenant; a slug is made from the name when none is given, and of equal accesses one is kept. '
'Raises WA404 for an unknown tenant, WA409 for a name or slug in use there, shared from above, or, for a shared '
'policy, in use below.';

CREATE FUNCTION wazo_auth.refuse_too_many_accesses(
  user_uuid uuid DEFAULT NULL, group_uuid uuid DEFAULT NULL, policy_uuid uuid DEFAULT NULL, resource text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  c_message text := 'more than 10000 different accesses, or 1 MiB of them, would be given to ';
  v_default wazo_auth.acl := COALESCE(wazo_auth.default_acl('wazo_user'), '{}');
  v_group uuid;
  v_user uuid;
BEGIN
  -- Nearly always all policies that there are fit together.
  IF (SELECT sum(wazo_auth.acl_length(p.acl)) <= 10000 AND sum(octet_length(p.acl::text)) <= 1048576
      FROM wazo_auth.policy p) THEN
    RETURN;
  END IF;
  -- A group may have no members yet, and a user is of its tenant's at once.
  FOR v_group IN
    SELECT g.uuid FROM wazo_auth.group g WHERE g.uuid = group_uuid
    UNION
    SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = refuse_too_many_accesses.policy_uuid
  LOOP
    IF NOT wazo_auth.acls_fit(ARRAY(
         SELECT p.acl FROM wazo_auth.group_policy gp JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
         WHERE gp.group_uuid = v_group)) THEN
      PERFORM wazo_auth.raise_error(400, c_message || 'the group ' || v_group);
    END IF;
  END LOOP;
  -- Only those users are looked at one by one whose policies, each counted by
  -- itself, are too many.
  FOR v_user IN
    WITH size AS MATERIALIZED (
      SELECT p.uuid, wazo_auth.acl_length(p.acl) AS entries, octet_length(p.acl::text) AS bytes FROM wazo_auth.policy p
    ), group_size AS MATERIALIZED (
      SELECT gp.group_uuid, sum(s.entries) AS entries, sum(s.bytes) AS bytes
      FROM wazo_auth.group_policy gp JOIN size s ON s.uuid = gp.policy_uuid
      GROUP BY gp.group_uuid
    ), concerned AS MATERIALIZED (
      SELECT user_uuid AS uuid WHERE user_uuid IS NOT NULL
      UNION
      SELECT gu.user_uuid FROM wazo_auth.group_user gu WHERE gu.group_uuid = refuse_too_many_accesses.group_uuid
      UNION
      SELECT up.user_uuid FROM wazo_auth.user_policy up WHERE up.policy_uuid = refuse_too_many_accesses.policy_uuid
      UNION
      SELECT gu.user_uuid FROM wazo_auth.group_policy gp JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
      WHERE gp.policy_uuid = refuse_too_many_accesses.policy_uuid
    )
    SELECT c.uuid
    FROM (SELECT c.uuid, s.entries, s.bytes
          FROM concerned c JOIN wazo_auth.user_policy up ON up.user_uuid = c.uuid JOIN size s ON s.uuid = up.policy_uuid
          UNION ALL
          SELECT c.uuid, s.entries, s.bytes
          FROM concerned c JOIN wazo_auth.group_user gu ON gu.user_uuid = c.uuid
          JOIN group_size s ON s.group_uuid = gu.group_uuid) c
    GROUP BY c.uuid
    HAVING sum(c.entries) > 10000 - wazo_auth.acl_length(v_default)
        OR sum(c.bytes) > 1048576 - octet_length(v_default::text)
  LOOP
    IF NOT wazo_auth.acls_fit(ARRAY(
         SELECT v_default
         UNION ALL
         SELECT p.acl FROM wazo_auth.user_policy up JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
         WHERE up.user_uuid = v_user
         UNION ALL
         SELECT p.acl FROM wazo_auth.group_user gu JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
         JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid WHERE gu.user_uuid = v_user)) THEN
      PERFORM wazo_auth.raise_error(400, c_message || 'the user ' || v_user,
        error_id => CASE WHEN resource IS NOT NULL THEN 'too-many-accesses' END,
        details => json_build_object('user_uuid', v_user, 'max', 10000), resource => resource);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.refuse_too_many_accesses(uuid, uuid, uuid, text) IS
'Raises WA400 when a user, the members of a group or the holders of a policy have by now more different accesses than '
'an ACL holds; in the shape of the routes of resource, or of policies. What two requests do at a time passes; a login '
'copes with it, see granted_acl().';

CREATE FUNCTION wazo_auth.update_policy(policy_uuid uuid, name text, acl wazo_auth.acl DEFAULT '{}',
  description text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  UPDATE wazo_auth.policy p
  SET name = update_policy.name, acl = wazo_auth.acl_distinct(update_policy.acl::text[]),
    description = update_policy.description
  WHERE p.uuid = policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  PERFORM wazo_auth.refuse_too_many_accesses(policy_uuid => policy_uuid);
EXCEPTION WHEN unique_violation THEN
  PERFORM wazo_auth.raise_duplicate_policy(name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_policy(uuid, text, wazo_auth.acl, text) IS
'Replaces name, ACL and description of a policy; sessions keep the ACL they were opened with. Raises WA404, and WA409 '
'for a name in use in its tenant.';

CREATE FUNCTION wazo_auth.delete_policy(policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  DELETE FROM wazo_auth.policy p WHERE p.uuid = policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_policy(uuid) IS
'Deletes a policy and takes it from all that have it; sessions keep the ACL they were opened with. Raises WA404.';

CREATE FUNCTION wazo_auth.add_policy_access(policy_uuid uuid, access text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  IF access = ANY (v_acl) THEN
    PERFORM wazo_auth.raise_error(409, 'Policy already associated to ' || access);
  END IF;
  IF octet_length(access) > 1024 THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: access: Longer than maximum length 1024.');
  ELSIF cardinality(v_acl) >= 10000 THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: acl: Longer than maximum length 10000.');
  END IF;
  UPDATE wazo_auth.policy p SET acl = (v_acl || access)::wazo_auth.acl WHERE p.uuid = policy_uuid;
  PERFORM wazo_auth.refuse_too_many_accesses(policy_uuid => policy_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_policy_access(uuid, text) IS
'Puts an access pattern into a policy. Raises WA404, and WA409 when it is there.';

CREATE FUNCTION wazo_auth.remove_policy_access(policy_uuid uuid, access text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  IF access = ANY (v_acl) THEN
    UPDATE wazo_auth.policy p SET acl = array_remove(v_acl, access)::wazo_auth.acl WHERE p.uuid = policy_uuid;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_policy_access(uuid, text) IS
'Takes an access pattern out of a policy; nothing happens when it is not there. Raises WA404.';

CREATE FUNCTION wazo_auth.add_user_policy(user_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  INSERT INTO wazo_auth.user_policy (user_uuid, policy_uuid) VALUES (user_uuid, policy_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(user_uuid => user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_user_policy(uuid, uuid) IS
'Gives a user a policy; nothing happens when it has it already. Sessions keep the ACL they were opened with. Raises '
'WA404 for an unknown one of both.';

CREATE FUNCTION wazo_auth.remove_user_policy(user_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM wazo_auth.user_policy up
  WHERE up.user_uuid = remove_user_policy.user_uuid AND up.policy_uuid = remove_user_policy.policy_uuid;
END;
COMMENT ON FUNCTION wazo_auth.remove_user_policy(uuid, uuid) IS
'Takes a policy from a user; nothing happens when it has it not. Sessions keep the ACL they were opened with.';

CREATE FUNCTION wazo_auth.add_group_policy(group_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(group_uuid::text);
  END IF;
  PERFORM FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid) VALUES (group_uuid, policy_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(group_uuid => group_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_group_policy(uuid, uuid) IS
'Gives all users of a group a policy; nothing happens when the group has it already. Sessions keep the ACL they were '
'opened with. Raises WA404 for an unknown one of both.';

CREATE FUNCTION wazo_auth.remove_group_policy(group_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM wazo_auth.group_policy gp
  WHERE gp.group_uuid = remove_group_policy.group_uuid AND gp.policy_uuid = remove_group_policy.policy_uuid;
END;
COMMENT ON FUNCTION wazo_auth.remove_group_policy(uuid, uuid) IS
'Takes a policy from a group; nothing happens when the group has it not. Sessions keep the ACL they were opened with.';

CREATE FUNCTION wazo_auth.list_policies(
  query jsonb DEFAULT '{}', tenant_uuid uuid DEFAULT NULL, recurse boolean DEFAULT NULL,
  user_uuid uuid DEFAULT NULL, group_uuid uuid DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_tenant text := '(SELECT ($1 ->> ''@tenant'')::uuid)';
  -- Is the owner the tenant that looks, or below it?
  c_owned text := format('EXISTS (SELECT FROM wazo_auth.tenant o WHERE o.uuid = q.tenant_uuid AND %s = ANY (o.path))',
    c_tenant);
  c_lent text := format('q.config_managed OR (q.shared AND q.tenant_uuid = ANY ((SELECT t.path FROM wazo_auth.tenant t '
    'WHERE t.uuid = %s)::uuid[]))', c_tenant);
  v_all boolean := user_uuid IS NULL AND group_uuid IS NULL;
BEGIN
  query := COALESCE(query, '{}'::jsonb);
  RETURN wazo_auth.list_page(query, jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid, '@group', group_uuid,
    '@seen_from', COALESCE(seen_from, tenant_uuid)),
    answer => CASE WHEN v_all THEN '{items,total}' ELSE '{items,total,filtered}' END::text[],
    source => CASE WHEN v_all THEN 'wazo_auth.policy q'
                   WHEN group_uuid IS NULL
                     THEN 'wazo_auth.user_policy a JOIN wazo_auth.policy q ON q.uuid = a.policy_uuid'
                   ELSE 'wazo_auth.group_policy a JOIN wazo_auth.policy q ON q.uuid = a.policy_uuid' END,
    visible => CASE WHEN v_all THEN format('(%s OR %s)', wazo_auth.scope_clause('q.tenant_uuid', tenant_uuid, recurse),
      c_lent)
                    WHEN group_uuid IS NULL THEN 'a.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)'
                    ELSE 'a.group_uuid = (SELECT ($1 ->> ''@group'')::uuid)' END,
    shown => CASE WHEN group_uuid IS NOT NULL THEN format('(%s OR %s)', c_owned, c_lent) END,
    columns => format('q.uuid, q.tenant_uuid, q.name, q.slug, q.description, q.acl, q.shared, q.config_managed,'
                      ' CASE WHEN %1$s IS NULL OR %2$s THEN q.tenant_uuid ELSE %1$s END AS exposed', c_tenant, c_owned),
    item => $item$wazo_auth.json_object('{uuid,tenant_uuid,name,slug,description,acl,read_only,shared}',
              p.uuid, p.exposed, p.name, p.slug, p.description, to_json(p.acl::text[]),
              p.config_managed OR (p.shared AND p.exposed <> p.tenant_uuid),
              p.shared AND p.exposed = p.tenant_uuid)$item$,
    key => 'q.uuid',
    sort => '{"name": "q.name", "slug": "q.slug", "description": "q.description", "uuid": "q.uuid"}'::jsonb,
    list => CASE WHEN v_all THEN 'policy_list' WHEN group_uuid IS NULL THEN 'user_policy_list'
      ELSE 'group_policy_list' END,
    search => '[{"from": "wazo_auth.policy s", "key": "s.uuid", "columns": ["s.name", "s.description"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_policies(jsonb, uuid, boolean, uuid, uuid, uuid) IS
'Page of policies: those that a tenant can see, with recurse those below it too, as {"items", "total"}; or those of a '
'user or a group as {"items", "total", "filtered"}, of which a group''s items are only those that the tenant can see. '
'What is lent by another tenant shows the looking one as its tenant and is read-only (contract: semantics.md section '
'8). query: a validated policy_list, user_policy_list or group_policy_list; its user_uuid and group_uuid find nothing '
'for who is not in sight from seen_from, or else from tenant_uuid.';

CREATE FUNCTION wazo_auth.policy_json(policy_uuid uuid, tenant_uuid uuid DEFAULT NULL) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_policies(jsonb_build_object('uuid', policy_uuid), tenant_uuid, true) -> 'items' -> 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_json(uuid, uuid) IS
'A policy as the REST API shows it in a tenant; null for one that the tenant cannot see.';

CREATE FUNCTION wazo_auth.register_access(access text, description text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF access = '' OR octet_length(access) > 1024 THEN
    RAISE EXCEPTION 'an access has 1 to 1024 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO wazo_auth.access AS a (access, description, shipped)
  VALUES (access, description, wazo_auth.in_extension_script())
  ON CONFLICT ON CONSTRAINT access_pkey DO UPDATE SET description = EXCLUDED.description;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_access(text, text) IS
'Makes an access known that a service asks for, with {name} for the parts that vary: wazo_auth.policy_impact() asks '
'for it from then on. Raises 22023 for an empty one or one of more than 1024 bytes.';

-- config/startup_functions.sql

-- What a configuration makes: policies, groups, and who has them (contract: config.md section 4).

CREATE FUNCTION wazo_auth.enabled_keys(map jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT e.key FROM jsonb_each(CASE jsonb_typeof(enabled_keys.map) WHEN 'object'
    THEN enabled_keys.map END) e
  WHERE e.value = 'true';
END;
COMMENT ON FUNCTION wazo_auth.enabled_keys(jsonb) IS 'Keys of a map of switches that are on; none of anything else.';

CREATE FUNCTION wazo_auth.configured_policies(slugs text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text;
  v_uuid uuid;
  v_uuids uuid[] := '{}'::uuid[];
BEGIN
  FOREACH v_slug IN ARRAY slugs LOOP
    v_uuid := wazo_auth.policy_of_slug(wazo_auth.top_tenant_uuid(), v_slug);
    IF v_uuid IS NULL THEN
      PERFORM wazo_auth.log_message(format('the configuration names the policy "%s", which the top tenant has not',
        v_slug));
    ELSE
      v_uuids := v_uuids || v_uuid;
    END IF;
  END LOOP;
  IF NOT wazo_auth.acls_fit(ARRAY(SELECT p.acl FROM wazo_auth.policy p WHERE p.uuid = ANY (v_uuids))) THEN
    PERFORM wazo_auth.warn_message(format(
      'the policies %s of the configuration have more accesses than an ACL holds, and none of them is given', slugs));
    v_uuids := '{}'::uuid[];
  END IF;
  RETURN v_uuids;
END
$$;
COMMENT ON FUNCTION wazo_auth.configured_policies(text[]) IS
'The top tenant''s policies with these slugs; one that there is not is logged. Other tenants'' policies do not count: '
'their administrators would rule over all.';

CREATE FUNCTION wazo_auth.apply_all_users_policies(tenant_uuid uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  INSERT INTO wazo_auth.group (tenant_uuid, name, slug, system_managed)
  SELECT t.uuid, 'wazo-all-users-tenant-' || t.uuid, 'wazo-all-users-tenant-' || t.uuid, true
  FROM wazo_auth.tenant t
  WHERE (apply_all_users_policies.tenant_uuid IS NULL OR t.uuid = apply_all_users_policies.tenant_uuid)
    AND NOT EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = t.uuid AND g.system_managed);
  INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
  SELECT g.uuid, p.uuid
  FROM wazo_auth.group g
  CROSS JOIN unnest(wazo_auth.configured_policies(ARRAY(
    SELECT wazo_auth.enabled_keys(wazo_auth.get_setting('all_users_policies'))))) p (uuid)
  WHERE g.system_managed AND (apply_all_users_policies.tenant_uuid IS NULL
    OR g.tenant_uuid = apply_all_users_policies.tenant_uuid)
  ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_all_users_policies(uuid) IS
'Gives a tenant, or every one, its group of all users and that group the policies of the setting all_users_policies.';

CREATE FUNCTION wazo_auth.apply_default_groups(tenant_uuid uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_slug text;
  v_policies jsonb;
  v_given uuid[];
  v_groups uuid[];
BEGIN
  FOR v_slug, v_policies IN
    SELECT e.key, e.value -> 'policies' FROM jsonb_each(wazo_auth.get_setting('tenant_default_groups')) e ORDER BY e.key
  LOOP
    IF v_slug !~ '^[a-zA-Z0-9_-]{1,80}$' THEN
      PERFORM wazo_auth.warn_message(format(
        'the group "%s" of the configuration is left out: that is no slug', v_slug));
      CONTINUE;
    END IF;
    v_given := wazo_auth.configured_policies(ARRAY(SELECT wazo_auth.enabled_keys(v_policies)));
    -- A tenant where another group has the name keeps that one and gets none.
    INSERT INTO wazo_auth.group (tenant_uuid, name, slug, config_managed)
    SELECT t.uuid, v_slug, v_slug, true
    FROM wazo_auth.tenant t
    WHERE (apply_default_groups.tenant_uuid IS NULL OR t.uuid = apply_default_groups.tenant_uuid)
      AND NOT EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = t.uuid AND lower(g.slug) = lower(v_slug))
    ON CONFLICT DO NOTHING;
    -- One that a tenant made is none of ours, or its members would get what they
    -- were not given; but it may be when they have all of that.
    UPDATE wazo_auth.group g SET config_managed = true
    WHERE lower(g.slug) = lower(v_slug) AND NOT g.system_managed AND NOT g.config_managed
      AND (apply_default_groups.tenant_uuid IS NULL OR g.tenant_uuid = apply_default_groups.tenant_uuid)
      AND cardinality(v_given) > 0
      AND v_given <@ ARRAY(SELECT gp.policy_uuid FROM wazo_auth.group_policy gp WHERE gp.group_uuid = g.uuid);
    v_groups := ARRAY(SELECT g.uuid FROM wazo_auth.group g
                      WHERE lower(g.slug) = lower(v_slug) AND g.config_managed
                        AND (apply_default_groups.tenant_uuid IS NULL
                          OR g.tenant_uuid = apply_default_groups.tenant_uuid));
    PERFORM wazo_auth.warn_message(format(
      'the tenant "%s" has a group "%s" of its own, which gets nothing from the configuration', g.tenant_uuid, v_slug))
    FROM wazo_auth.group g
    WHERE lower(g.slug) = lower(v_slug) AND NOT g.config_managed
      AND (apply_default_groups.tenant_uuid IS NULL OR g.tenant_uuid = apply_default_groups.tenant_uuid);
    UPDATE wazo_auth.group g SET name = v_slug
    WHERE g.uuid = ANY (v_groups) AND g.name <> v_slug
      AND NOT EXISTS (SELECT FROM wazo_auth.group o WHERE o.tenant_uuid = g.tenant_uuid AND o.name = v_slug);
    INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
    SELECT g.uuid, p.uuid
    FROM unnest(v_groups) g (uuid)
    CROSS JOIN unnest(v_given) p (uuid)
    ON CONFLICT DO NOTHING;
    IF jsonb_typeof(v_policies) = 'object' THEN
      DELETE FROM wazo_auth.group_policy gp
      USING wazo_auth.policy p
      WHERE gp.group_uuid = ANY (v_groups) AND p.uuid = gp.policy_uuid
        AND p.tenant_uuid = wazo_auth.top_tenant_uuid() AND v_policies -> p.slug = 'false';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_default_groups(uuid) IS
'Gives a tenant, or every one, the groups of the setting tenant_default_groups: missing ones are made, names reset, '
'policies that are true added and those that are false taken away; other policies stay. A group with the slug that the '
'tenant made itself is left as it is, unless it has all these policies.';

CREATE FUNCTION wazo_auth.apply_tenant_defaults(tenant_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.apply_all_users_policies(apply_tenant_defaults.tenant_uuid);
  SELECT wazo_auth.apply_default_groups(apply_tenant_defaults.tenant_uuid);
END;
COMMENT ON FUNCTION wazo_auth.apply_tenant_defaults(uuid) IS
'Gives a new tenant its group of all users and what the configuration gives to every tenant.';

CREATE FUNCTION wazo_auth.apply_default_policies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_top uuid := wazo_auth.top_tenant_uuid();
  v_slug text;
  v_spec jsonb;
  v_acl wazo_auth.acl;
  v_uuid uuid;
  v_description text;
BEGIN
  FOR v_slug, v_spec IN SELECT e.key, e.value FROM jsonb_each(wazo_auth.get_setting('default_policies')) e
    ORDER BY e.key LOOP
    IF v_slug !~ '^[a-zA-Z0-9_-]{1,80}$' THEN
      PERFORM wazo_auth.warn_message(format(
        'the policy "%s" of the configuration is left out: that is no slug', v_slug));
      CONTINUE;
    END IF;
    v_acl := wazo_auth.acl_distinct(ARRAY(
      SELECT jsonb_array_elements_text(CASE jsonb_typeof(v_spec -> 'acl') WHEN 'array' THEN v_spec -> 'acl'
        ELSE '[]' END)));
    v_description := COALESCE(left(v_spec ->> 'description', 4096), 'Automatically created');
    SELECT p.uuid INTO v_uuid FROM wazo_auth.policy p
    WHERE p.tenant_uuid = v_top AND lower(p.slug) = lower(v_slug) FOR UPDATE;
    IF EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = v_top AND p.name = v_slug AND p.uuid IS DISTINCT
      FROM v_uuid) THEN
      PERFORM wazo_auth.warn_message(format(
        'the policy "%s" of the configuration is left out: another one of the top tenant has that name', v_slug));
    ELSIF v_uuid IS NULL THEN
      INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, description, acl, shared, config_managed)
      VALUES (v_top, v_slug, v_slug, v_description, v_acl,
              COALESCE(v_spec -> 'shared' = 'true', false), true);
    ELSE
      UPDATE wazo_auth.policy p
      SET name = v_slug, description = v_description, acl = v_acl,
          shared = COALESCE(v_spec -> 'shared' = 'true', false), config_managed = true
      WHERE p.uuid = v_uuid
        AND (p.name, p.description, p.acl::text, p.shared, p.config_managed)
            IS DISTINCT FROM (v_slug, v_description, v_acl::text,
                              COALESCE(v_spec -> 'shared' = 'true', false), true);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_default_policies() IS
'Makes the policies of the setting default_policies in the top tenant, or overwrites those with the same slug.';

CREATE FUNCTION wazo_auth.remove_orphan_policies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text;
BEGIN
  DELETE FROM wazo_auth.policy p
  WHERE p.config_managed
    AND NOT EXISTS (SELECT FROM jsonb_object_keys(wazo_auth.get_setting('default_policies')) k
      WHERE lower(k) = lower(p.slug))
    AND NOT EXISTS (SELECT FROM wazo_auth.user_policy up WHERE up.policy_uuid = p.uuid)
    AND NOT EXISTS (SELECT FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = p.uuid);
  FOR v_slug IN
    SELECT p.slug FROM wazo_auth.policy p
    WHERE p.config_managed
      AND NOT EXISTS (SELECT FROM jsonb_object_keys(wazo_auth.get_setting('default_policies')) k
        WHERE lower(k) = lower(p.slug))
    ORDER BY p.slug
  LOOP
    PERFORM wazo_auth.warn_message(format(
      'the policy "%s" is no longer in the configuration, but stays since users or groups have it', v_slug));
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_orphan_policies() IS
'Deletes policies that an earlier configuration made and the present one does not name, but for those that somebody '
'has.';

CREATE FUNCTION wazo_auth.apply_configuration(config jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- One at a time: fronts may start together.
  LOCK TABLE wazo_auth.setting IN SHARE ROW EXCLUSIVE MODE;
  PERFORM wazo_auth.set_settings('{"default_policies": {}, "all_users_policies": {}, "tenant_default_groups": {},
                                   "debug": false, "profiling_enabled": false}'::jsonb || config, true);
  PERFORM wazo_auth.go_live();
  IF wazo_auth.top_tenant_uuid() IS NULL THEN
    PERFORM wazo_auth.bootstrap();
  END IF;
  IF wazo_auth.get_setting('update_policy_on_startup') = 'false' THEN
    RETURN;
  END IF;
  PERFORM wazo_auth.apply_default_policies();
  -- Off the groups of all users goes what the configuration gave them once.
  DELETE FROM wazo_auth.group_policy gp
  USING wazo_auth.group g, wazo_auth.policy p
  WHERE g.uuid = gp.group_uuid AND p.uuid = gp.policy_uuid AND g.system_managed AND p.config_managed
    AND NOT wazo_auth.get_setting('all_users_policies') ? p.slug;
  PERFORM wazo_auth.apply_all_users_policies();
  PERFORM wazo_auth.apply_default_groups();
  PERFORM wazo_auth.remove_orphan_policies();
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_configuration(jsonb) IS
'What a start does with the whole configuration: sets the settings, says that this database is the live one '
'(wazo_auth.go_live()), makes the top tenant if there is none, and unless update_policy_on_startup is false makes '
'default_policies, gives all_users_policies and tenant_default_groups to all tenants, and deletes policies that are '
'no longer configured (contract: config.md section 4). These three maps count as empty when they are missing. What is '
'no setting, or not one of the database, is left out; a typing error with a warning. May be called again and at the '
'same time. Raises 22023 for a value of the wrong type.';

-- users/functions.sql

CREATE FUNCTION wazo_auth.fold_login(login text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_fold_login';
COMMENT ON FUNCTION wazo_auth.fold_login(text) IS
'Text as lists are searched: lower case by Unicode''s simple mapping, whatever the locale.';

CREATE FUNCTION wazo_auth.normal_login(login text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_normal_login';
COMMENT ON FUNCTION wazo_auth.normal_login(text) IS
'Username or e-mail address as it is compared: in lower case, whatever the locale. An address is the mailbox that it '
'leads to: its domain in the form of wazo_auth.normal_domain(), its local part without needless quotes and in '
'Unicode''s compatibility form (NFKC).';

CREATE FUNCTION wazo_auth.raise_unknown_user(user_uuid text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', user_uuid), 'unknown-user',
                                json_build_object('uuid', user_uuid), 'users');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_user(text) IS 'Raises WA404 unknown-user.';

CREATE FUNCTION wazo_auth.user_in_sight(user_uuid uuid, tenant_uuid uuid, caller uuid) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_user_in_sight';
COMMENT ON FUNCTION wazo_auth.user_in_sight(uuid, uuid, uuid) IS
'Is the user in the tenant or below it, or the caller itself?';

CREATE FUNCTION wazo_auth.raise_login_in_use(login text, kind text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
    json_build_object(CASE kind WHEN 'username' THEN 'username' ELSE 'email_address' END,
      json_build_object('constraint_id', 'unique', 'message', format('The login "%s" is already used', login))),
        'users');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_login_in_use(text, text) IS
'Raises WA409 for a username (kind "username") or e-mail address (kind "email") that another user has.';

CREATE FUNCTION wazo_auth.claim_logins(user_uuid uuid, username text, addresses text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_place bigint;
BEGIN
  -- In one order, so that two who want the same logins cannot wait for each other.
  WITH wanted AS (
    SELECT wazo_auth.normal_login(w.login) AS login, bool_or(w.place = 0) AS is_username,
      bool_or(w.place > 0) AS is_email,
           min(w.place) AS place
    FROM (SELECT username, 0 WHERE username IS NOT NULL
          UNION ALL
          SELECT a.address, a.place FROM unnest(addresses) WITH ORDINALITY a(address, place)) w(login, place)
    GROUP BY 1
  ), claimed AS (
    INSERT INTO wazo_auth.login AS l (login, user_uuid, is_username, is_email)
    SELECT w.login, user_uuid, w.is_username, w.is_email FROM wanted w ORDER BY w.login COLLATE "C"
    ON CONFLICT ON CONSTRAINT login_pkey DO UPDATE
    SET is_username = l.is_username OR EXCLUDED.is_username, is_email = l.is_email OR EXCLUDED.is_email
    WHERE l.user_uuid = EXCLUDED.user_uuid
    RETURNING l.login
  )
  SELECT min(w.place) INTO v_place FROM wanted w WHERE NOT EXISTS (SELECT FROM claimed c WHERE c.login = w.login);
  IF v_place = 0 THEN
    PERFORM wazo_auth.raise_login_in_use(username, 'username');
  ELSIF v_place > 0 THEN
    PERFORM wazo_auth.raise_login_in_use(addresses[v_place], 'email');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_logins(uuid, text, text[]) IS
'Reserves a username (null: none) and e-mail addresses for a user. Raises WA409 for the first of them that another '
'user has.';

CREATE FUNCTION wazo_auth.release_logins(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Each name is folded once, whatever is compared with it.
  WITH kept AS MATERIALIZED (
    SELECT k.login, bool_or(k.is_username) AS is_username, bool_or(NOT k.is_username) AS is_email
    FROM (SELECT wazo_auth.normal_login(u.username), true FROM wazo_auth.user u
          WHERE u.uuid = release_logins.user_uuid AND u.username IS NOT NULL
          UNION ALL
          SELECT wazo_auth.normal_login(e.address), false FROM wazo_auth.email e
          WHERE e.user_uuid = release_logins.user_uuid) k(login, is_username)
    GROUP BY k.login
  ), gone AS (
    DELETE FROM wazo_auth.login l
    WHERE l.user_uuid = release_logins.user_uuid AND NOT EXISTS (SELECT FROM kept k WHERE k.login = l.login)
  )
  UPDATE wazo_auth.login l
  SET is_username = k.is_username, is_email = k.is_email
  FROM kept k
  WHERE l.login = k.login AND l.user_uuid = release_logins.user_uuid
    AND (l.is_username, l.is_email) IS DISTINCT FROM (k.is_username, k.is_email);
END
$$;
COMMENT ON FUNCTION wazo_auth.release_logins(uuid) IS
'Gives up the logins that are neither the user''s username nor one of its addresses any more. The caller has locked '
'the user.';

CREATE FUNCTION wazo_auth.resolve_login(login text) RETURNS uuid
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_resolve_login';
COMMENT ON FUNCTION wazo_auth.resolve_login(text) IS
'The enabled user that logs in with this username or confirmed e-mail address, or null (contract: semantics.md '
'section 1, step 4).';

CREATE FUNCTION wazo_auth.effective_authentication_method(user_uuid uuid) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_effective_authentication_method';
COMMENT ON FUNCTION wazo_auth.effective_authentication_method(uuid) IS
'The user''s own authentication method, or its tenant''s where the own one is "default"; null for an unknown user.';

CREATE FUNCTION wazo_auth.stored_password(user_uuid uuid) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_stored_password';
COMMENT ON FUNCTION wazo_auth.stored_password(uuid) IS
'The hash of the user''s password; null without one.';

CREATE FUNCTION wazo_auth.store_password(user_uuid uuid, hash text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  IF hash IS NULL THEN
    DELETE FROM wazo_auth.password p WHERE p.user_uuid = store_password.user_uuid;
  ELSE
    INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (user_uuid, hash)
    ON CONFLICT ON CONSTRAINT password_pkey DO UPDATE SET hash = EXCLUDED.hash;
  END IF;
  PERFORM wazo_auth.void_user_mail_tokens(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.store_password(uuid, text) IS
'Stores the hash of a user''s new password, null for none, and ends the tokens of mails to the user, which could '
'replace it again.';

CREATE FUNCTION wazo_auth.set_password(user_uuid uuid, password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, wazo_auth.password_hash(password));
END
$$;
COMMENT ON FUNCTION wazo_auth.set_password(uuid, text) IS
'Sets a user''s password; null removes it. Sessions are left alone, tokens of mails end.';

CREATE FUNCTION wazo_auth.import_password(user_uuid uuid, password_hash text, password_salt bytea)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, wazo_auth.password_from_upstream(password_hash, password_salt));
END
$$;
COMMENT ON FUNCTION wazo_auth.import_password(uuid, text, bytea) IS
'Sets a user''s password to one of the Python server''s: 128 hex digits of PBKDF2-HMAC-SHA512 and the 64-byte salt. '
'The next login stores it as argon2id. Raises 22023 for what is none.';

CREATE FUNCTION wazo_auth.default_authentication_method(purpose text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN purpose IN ('internal', 'external_api') THEN 'native' ELSE 'default' END;
END;
COMMENT ON FUNCTION wazo_auth.default_authentication_method(text) IS
'Authentication method of a user for whom none is given (contract: schemas.md, UserPost).';

CREATE FUNCTION wazo_auth.create_user(
  tenant_uuid uuid, username text DEFAULT NULL, password text DEFAULT NULL, email_address text DEFAULT NULL,
  firstname text DEFAULT NULL, lastname text DEFAULT NULL, purpose text DEFAULT 'user',
  authentication_method text DEFAULT NULL, enabled boolean DEFAULT true, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_login record;
  v_hash text;
BEGIN
  purpose := COALESCE(purpose, 'user');
  enabled := COALESCE(enabled, true);
  PERFORM wazo_auth.check_authentication_method(authentication_method);
  -- Before anything is locked: it takes its time.
  v_hash := CASE WHEN password IS NOT NULL THEN wazo_auth.password_hash(password) END;
  -- Against a tenant that is being deleted; its group of all users goes with it.
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  BEGIN
    INSERT INTO wazo_auth.user (uuid, tenant_uuid, username, firstname, lastname, purpose, authentication_method,
      enabled)
    VALUES (v_uuid, tenant_uuid, username, firstname, lastname, purpose,
            COALESCE(authentication_method, wazo_auth.default_authentication_method(purpose)), enabled);
  EXCEPTION WHEN unique_violation THEN
    -- A login in use is told first.
    FOR v_login IN SELECT * FROM (VALUES (username, 'username'), (email_address, 'email')) c(login, kind) LOOP
      IF EXISTS (SELECT FROM wazo_auth.login l WHERE l.login = wazo_auth.normal_login(v_login.login)) THEN
        PERFORM wazo_auth.raise_login_in_use(v_login.login, v_login.kind);
      END IF;
    END LOOP;
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      json_build_object('uuid', json_build_object(
        'constraint_id', 'unique', 'message', format('The uuid "%s" is already used', v_uuid))), 'users');
  END;
  PERFORM wazo_auth.claim_logins(v_uuid, username, array_remove(ARRAY[email_address], NULL));
  IF email_address IS NOT NULL THEN
    INSERT INTO wazo_auth.email (user_uuid, address, main, confirmed) VALUES (v_uuid, email_address, true, true);
  END IF;
  IF v_hash IS NOT NULL THEN
    INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (v_uuid, v_hash);
  END IF;
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid)
  SELECT g.uuid, v_uuid FROM wazo_auth.group g WHERE g.tenant_uuid = create_user.tenant_uuid AND g.system_managed;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_user(uuid, text, text, text, text, text, text, text, boolean, uuid) IS
'Creates a user in a tenant and in the tenant''s group of all users; the e-mail address is main and confirmed. '
'authentication_method: null for "default", or "native" for the purposes internal and external_api. Raises WA400 for '
'an unknown method, WA404 for an unknown tenant, WA409 for a login or uuid in use.';

CREATE FUNCTION wazo_auth.end_user_sessions(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s
    WHERE s.user_uuid = end_user_sessions.user_uuid
    ORDER BY s.issued_at, s.uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.end_user_sessions(uuid) IS
'Ends all sessions of a user. Returns how many. The caller has locked the user, so that no login opens another one '
'meanwhile.';

CREATE FUNCTION wazo_auth.revoke_user_access(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_refresh_tokens(ARRAY(
           SELECT r.token_digest FROM wazo_auth.refresh_token r
           WHERE r.user_uuid = revoke_user_access.user_uuid
           ORDER BY r.created_at, r.token_digest), true)
       + wazo_auth.end_user_sessions(user_uuid) + wazo_auth.void_user_mail_tokens(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.revoke_user_access(uuid) IS
'Ends all sessions and revokes all refresh tokens of a user, whom the caller has locked, and ends the tokens of mails '
'to it. Returns how many sessions ended.';

CREATE FUNCTION wazo_auth.update_user(
  user_uuid uuid, username text DEFAULT NULL, firstname text DEFAULT NULL, lastname text DEFAULT NULL,
  purpose text DEFAULT 'user', authentication_method text DEFAULT NULL, enabled boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  purpose := COALESCE(purpose, 'user');
  enabled := COALESCE(enabled, true);
  PERFORM wazo_auth.check_authentication_method(authentication_method);
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM wazo_auth.claim_logins(user_uuid, username);
  UPDATE wazo_auth.user u
  SET username = update_user.username, firstname = update_user.firstname, lastname = update_user.lastname,
      purpose = update_user.purpose, enabled = update_user.enabled,
      authentication_method = COALESCE(update_user.authentication_method,
        wazo_auth.default_authentication_method(update_user.purpose))
  WHERE u.uuid = user_uuid;
  PERFORM wazo_auth.release_logins(user_uuid);
  IF NOT enabled THEN
    PERFORM wazo_auth.end_user_sessions(user_uuid);
    PERFORM wazo_auth.void_user_mail_tokens(user_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.update_user(uuid, text, text, text, text, text, boolean) IS
'Replaces what is known of a user: what is not given gets its default. Password and e-mail addresses stay. Disabling '
'ends the sessions, and the tokens of mails. Raises WA400 for an unknown method, WA404 for an unknown user, WA409 for '
'a username in use (contract: semantics.md section 5).';

CREATE FUNCTION wazo_auth.delete_user(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  -- Not by cascade: each of them is told about.
  PERFORM wazo_auth.revoke_user_access(user_uuid);
  DELETE FROM wazo_auth.user u WHERE u.uuid = user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_user(uuid) IS
'Deletes a user with its sessions, refresh tokens, addresses, memberships and policies. Raises WA404 for an unknown '
'user.';

CREATE FUNCTION wazo_auth.replace_password(user_uuid uuid, hash text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, hash);
  PERFORM wazo_auth.revoke_user_access(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.replace_password(uuid, text) IS
'Stores the hash of a new password, null for none, and ends the sessions and refresh tokens of the user, whom the '
'caller has locked: who knew the old password has nothing left.';

CREATE FUNCTION wazo_auth.check_password_is_ours(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wazo_auth.password_is_kept_elsewhere(user_uuid) THEN
    PERFORM wazo_auth.raise_error(405, format('Unable to update externally managed password for user : "%s"',
      user_uuid),
      'password-managed-externally', json_build_object('uuid', user_uuid), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_password_is_ours(uuid) IS
'Raises WA405 when SAML or LDAP manage the user''s password.';

CREATE FUNCTION wazo_auth.change_password(user_uuid uuid, old_password text, new_password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_login text;
  v_hash text;
  v_new_hash text;
BEGIN
  SELECT COALESCE(u.username, e.address), p.hash INTO v_login, v_hash
  FROM wazo_auth.user u
  LEFT JOIN wazo_auth.email e ON e.user_uuid = u.uuid AND e.main AND e.confirmed
  LEFT JOIN wazo_auth.password p ON p.user_uuid = u.uuid
  WHERE u.uuid = change_password.user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  -- One hash whatever is wrong, and no lock while it is computed.
  IF NOT wazo_auth.password_verify(old_password, CASE WHEN wazo_auth.resolve_login(v_login) = user_uuid THEN v_hash END)
    THEN
    PERFORM wazo_auth.raise_authentication_failed();
  END IF;
  PERFORM wazo_auth.check_password_is_ours(user_uuid);
  v_new_hash := wazo_auth.password_hash(new_password);
  PERFORM FROM wazo_auth.user u WHERE u.uuid = change_password.user_uuid AND u.enabled FOR NO KEY UPDATE;
  -- Disabled, deleted or changed meanwhile.
  IF NOT FOUND OR v_hash IS DISTINCT FROM (SELECT p.hash FROM wazo_auth.password p
    WHERE p.user_uuid = change_password.user_uuid) THEN
    PERFORM wazo_auth.raise_authentication_failed();
  END IF;
  PERFORM wazo_auth.replace_password(user_uuid, v_new_hash);
END
$$;
COMMENT ON FUNCTION wazo_auth.change_password(uuid, text, text) IS
'Changes a user''s password, of which the old one must be given, and ends its sessions and refresh tokens. Raises '
'WA404 for an unknown user, WA401 for a wrong password, a disabled user or one without a login, WA405 when SAML or '
'LDAP manage the password (contract: semantics.md section 5).';

-- mail/template_functions.sql

-- Templates of mails, and the mail made of them.

CREATE FUNCTION wazo_auth.check_mail_template(template text, variables text[]) RETURNS void
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_check_mail_template';
COMMENT ON FUNCTION wazo_auth.check_mail_template(text, text[]) IS
'Raises 22023, with line and reason, for a template that cannot be read or uses a variable that is not among these; '
'54000 for one over 64 KiB.';

CREATE FUNCTION wazo_auth.render_mail_template(template text, variables jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_render_mail_template';
COMMENT ON FUNCTION wazo_auth.render_mail_template(text, jsonb) IS
'A template with the values of an object filled in: {{ name }} is a value, {% if name %} or {% if not name %}, {% '
'else %} and {% endif %} ask whether there is one, {# ... #} is left out, and so is one final newline. Raises 22023 '
'for what cannot be read, 54000 for more than 256 KiB.';

CREATE FUNCTION wazo_auth.is_mail_address(address text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_is_mail_address';
COMMENT ON FUNCTION wazo_auth.is_mail_address(text) IS
'Can this stand as an address in the envelope and the headers of a mail, without meaning anything else there?';

CREATE FUNCTION wazo_auth.mail_message(
  from_name text, from_address text, to_name text, to_address text, subject text, body text, date timestamptz,
    message_id text)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_mail_message';
COMMENT ON FUNCTION wazo_auth.mail_message(text, text, text, text, text, text, timestamptz, text) IS
'A mail as it goes to the mail server (contract: mail.md, SMTP); with Date and Message-ID, whose part after the @ is '
'the sender''s domain. The names may be null. Control characters in names and subject become blanks. Raises 22023 for '
'an address that is none.';

CREATE FUNCTION wazo_auth.default_mail_template(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE name
    WHEN 'email_confirmation' THEN
'Hello{% if username %} {{ username }}{% endif %},

this address, {{ email_address }}, was given as yours. Please confirm it by
opening this link:

https://{{ hostname }}{% if port %}:{{ port }}{% endif %}{{ prefix }}/0.1/emails/{{ email_uuid }}/confirm?token={{ '
  'token }}

If you do not know what this is about, there is nothing you need to do.
'
    WHEN 'email_confirmation_subject' THEN
'Email confirmation for {% if username %}{{ username }}{% else %}{{ email_address }}{% endif %}
'
    WHEN 'email_confirmation_get_body' THEN
'Email address confirmed
'
    WHEN 'password_reset_email' THEN
'Hello{% if username %} {{ username }}{% endif %},

somebody, probably you, asked for a new password. Choose one by opening this
link, which works once:

{% if public_url %}{{ public_url }}/0.1/users/password/reset/form?token={{ token }}&user_uuid={{ user_uuid }}{% else %}'
'https://app.wazo.io/reset-password?host={{ hostname }}{% if port %}:{{ port }}{% endif %}&token={{ token '
'}}&user_uuid={{ user_uuid }}{% endif %}

If it was not you, there is nothing you need to do: the password stays as it is.
'
    WHEN 'password_reset_email_subject' THEN
'New password requested
'
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.default_mail_template(text) IS
'The template that ships under this name, null for another name (contract: mail.md, connection parameters of links).';

CREATE FUNCTION wazo_auth.mail_template_variables(name text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE name
    WHEN 'email_confirmation_get_body' THEN '{}'::text[]
    ELSE ARRAY['username', CASE WHEN name LIKE 'password_reset_%' THEN 'user_uuid' ELSE 'email_uuid' END,
               'email_address', 'token', 'hostname', 'port', 'prefix', 'public_url']
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_template_variables(text) IS 'Names of the variables that a template may use.';

CREATE FUNCTION wazo_auth.mail_template(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE((SELECT t.template FROM wazo_auth.mail_template t WHERE t.name = mail_template.name),
                  wazo_auth.default_mail_template(name));
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_template(text) IS 'A template: the edited text, else the one that ships.';

CREATE FUNCTION wazo_auth.set_mail_template(name text, template text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF wazo_auth.default_mail_template(name) IS NULL THEN
    RAISE EXCEPTION 'there is no mail template "%"', name USING ERRCODE = 'invalid_parameter_value',
      HINT = 'The names are in the view wazo_auth.mail_templates.';
  END IF;
  IF template IS NULL THEN
    DELETE FROM wazo_auth.mail_template t WHERE t.name = set_mail_template.name;
    RETURN;
  END IF;
  PERFORM wazo_auth.check_mail_template(template, wazo_auth.mail_template_variables(name));
  INSERT INTO wazo_auth.mail_template (name, template) VALUES (name, template)
  ON CONFLICT ON CONSTRAINT mail_template_pkey DO UPDATE SET template = EXCLUDED.template;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_mail_template(text, text) IS
'Edits a template; null brings the shipped one back. Raises 22023 for an unknown name, and for a template that cannot '
'be read or uses other variables than wazo_auth.mail_templates shows; 54000 for one over 64 KiB.';

CREATE VIEW wazo_auth.mail_templates AS
-- Functions of a view run with the rights of whoever reads it.
SELECT n.name, wazo_auth.mail_template(n.name) AS template, t.name IS NOT NULL AS edited,
       wazo_auth.mail_template_variables(n.name) AS variables
FROM (VALUES ('email_confirmation'), ('email_confirmation_subject'), ('email_confirmation_get_body'),
             ('password_reset_email'), ('password_reset_email_subject')) n (name)
LEFT JOIN wazo_auth.mail_template t ON t.name = n.name;
COMMENT ON VIEW wazo_auth.mail_templates IS
'Templates of mails and of the answer to a confirmation, with their variables; edited with '
'wazo_auth.set_mail_template()';

-- mail/functions.sql

-- Asking for mails, their tokens, and what these are good for.

CREATE FUNCTION wazo_auth.parse_link_base(host text, path text, OUT hostname text, OUT port integer,
  OUT prefix text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_match text[] := regexp_match(lower(host COLLATE "C"),
    '^((?:[a-z0-9_-]{1,63}\.){0,30}[a-z0-9_-]{1,63}\.?|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?$');
BEGIN
  path := NULLIF(rtrim(path, '/'), '');
  IF v_match IS NULL OR length(v_match[1]) > 253 OR v_match[2]::integer NOT BETWEEN 1 AND 65535
     OR length(path) > 256 OR path !~ '^(/[A-Za-z0-9._~-]+)+$' OR path ~ '/\.\.?(/|$)' THEN
    RETURN;
  END IF;
  hostname := v_match[1];
  port := v_match[2]::integer;
  prefix := path;
END
$$;
COMMENT ON FUNCTION wazo_auth.parse_link_base(text, text) IS
'Host, port and path of links: host in lower case with an optional :port, path without its final slash. All null when '
'there is anything in them that is no part of a host name or path.';

CREATE FUNCTION wazo_auth.parse_public_url(url text, OUT hostname text, OUT port integer, OUT prefix text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT b.* INTO hostname, port, prefix
  FROM wazo_auth.parse_link_base(substring(url FROM '^https://([^/]+)(?:/.*)?$'),
    substring(url FROM '^https://[^/]+(/.*)$')) b;
END
$$;
COMMENT ON FUNCTION wazo_auth.parse_public_url(text) IS
'The same for a URL https://host:port/path; all null for any other.';

CREATE FUNCTION wazo_auth.mail_link_base(request wazo_auth.http_request, OUT hostname text, OUT port integer,
  OUT prefix text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_url text := wazo_auth.get_setting('public_url') #>> '{}';
  v_proxies text := wazo_auth.get_setting('rest_api') ->> 'num_proxies';
  v_host text;
  v_forwarded text[];
BEGIN
  IF v_url IS NOT NULL THEN
    SELECT b.* INTO hostname, port, prefix FROM wazo_auth.parse_public_url(v_url) b;
    RETURN;
  END IF;
  v_host := wazo_auth.http_header(request, 'Host');
  IF v_proxies ~ '^[1-9][0-9]{0,3}$' THEN
    -- All of them together, as proxies append either to the value or a header.
    v_forwarded := string_to_array((
      SELECT string_agg(request.headers[i + 1], ',' ORDER BY i)
      FROM generate_series(1, cardinality(request.headers) - 1, 2) i
      WHERE lower(request.headers[i] COLLATE "C") = 'x-forwarded-host'), ',');
    v_host := COALESCE(NULLIF(btrim(v_forwarded[cardinality(v_forwarded) - v_proxies::integer + 1]), ''), v_host);
  END IF;
  SELECT b.* INTO hostname, port, prefix
  -- A request made in SQL has no host.
  FROM wazo_auth.parse_link_base(COALESCE(NULLIF(v_host, ''), 'localhost'),
    wazo_auth.http_header(request, 'X-Script-Name')) b;
  IF hostname IS NULL THEN
    PERFORM wazo_auth.raise_error(400, 'The request names no valid host', 'invalid-data');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_link_base(wazo_auth.http_request) IS
'Where the links of a mail lead: the setting public_url; without it the header Host, or the one of X-Forwarded-Host '
'that as many proxies as rest_api.num_proxies vouch for, and X-Script-Name. Raises WA400 for characters that do not '
'belong there (DEPARTURES.md, security).';

CREATE FUNCTION wazo_auth.ask_for_mail(
  kind text, addressed_by text, addressee text, hostname text DEFAULT 'localhost', port integer DEFAULT NULL,
    prefix text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  hostname := COALESCE(hostname, 'localhost');
  -- Everybody can ask for mails, also while none can be written.
  PERFORM FROM wazo_auth.mail_outbox m WHERE m.sealed_message IS NULL AND NOT m.parked ORDER BY m.id OFFSET 9999
    LIMIT 1;
  IF FOUND THEN
    PERFORM wazo_auth.raise_error(503, 'Too many mails are waiting', 'too-many-mails');
  END IF;
  -- Once is enough for the same mail; whether anybody gets it is not looked at.
  PERFORM FROM wazo_auth.mail_outbox m
  WHERE left(m.addressee, 256) = left(addressee, 256) AND m.sealed_message IS NULL AND NOT m.parked
    AND m.addressee = ask_for_mail.addressee AND m.kind = ask_for_mail.kind
      AND m.addressed_by = ask_for_mail.addressed_by;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO wazo_auth.mail_outbox (kind, addressed_by, addressee, hostname, port, prefix)
  VALUES (kind, addressed_by, addressee, hostname, port, prefix);
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_for_mail(text, text, text, text, integer, text) IS
'Asks for a mail; the relay writes and sends it when the transaction has committed, if there is somebody to get it. '
'The same mail is not asked for twice while it waits to be written. kind: email_confirmation (addressed_by '
'email_uuid) or password_reset (addressed_by username, email or login). The last three make its links. Raises WA503 '
'while 10,000 wait to be written, 23514 for another kind.';

CREATE FUNCTION wazo_auth.ask_for_mail(request wazo_auth.http_request, kind text, addressed_by text,
  addressee text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.ask_for_mail(kind, addressed_by, addressee, b.hostname, b.port, b.prefix)
  FROM wazo_auth.mail_link_base(request) b;
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_for_mail(wazo_auth.http_request, text, text, text) IS
'The same with links that lead to where the request came.';

CREATE FUNCTION wazo_auth.mail_access(kind text, uuid uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE kind
           WHEN 'password_reset' THEN 'auth.users.password.reset.' || uuid || '.create'
           WHEN 'email_confirmation' THEN 'auth.emails.' || uuid || '.confirm.edit'
         END;
END;
COMMENT ON FUNCTION wazo_auth.mail_access(text, uuid) IS
'The one access of the token in a mail, for a user (password_reset) or an e-mail address (email_confirmation) '
'(contract: mail.md, tokens).';

CREATE FUNCTION wazo_auth.open_mail_session(access text, email_uuid uuid, expiration integer) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_token uuid := gen_random_uuid();
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, issued_at, expires_at, auth_id, user_agent,
    email_uuid)
  SELECT wazo_auth.token_digest(v_token), u.tenant_uuid, wazo_auth.store_acl(ARRAY[access]::wazo_auth.acl),
         v_now, v_now + make_interval(secs => expiration), 'wazo-auth', 'wazo-auth-email-reset', e.uuid
  FROM wazo_auth.email e JOIN wazo_auth.user u ON u.uuid = e.user_uuid WHERE e.uuid = email_uuid;
  RETURN v_token;
END
$$;
COMMENT ON FUNCTION wazo_auth.open_mail_session(text, uuid, integer) IS
'Makes the session of a token for a mail to an address, with one access, and returns the token, which is stored '
'nowhere. expiration in seconds. No event (contract: mail.md, tokens).';

CREATE FUNCTION wazo_auth.void_mail_tokens(email_uuids uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.mail_outbox m
  WHERE m.kind = 'email_confirmation' AND m.sealed_message IS NULL AND NOT m.parked
    AND left(m.addressee, 256) = ANY (email_uuids::text[]);
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s
    WHERE s.email_uuid = ANY (email_uuids)
    ORDER BY s.issued_at, s.uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.void_mail_tokens(uuid[]) IS
'Ends the tokens that were mailed to these addresses, and takes back what has been asked for about them; a mail that '
'still waits with such a token is not sent. Returns how many tokens there were.';

CREATE FUNCTION wazo_auth.void_user_mail_tokens(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.void_mail_tokens(ARRAY(
    SELECT e.uuid FROM wazo_auth.email e WHERE e.user_uuid = void_user_mail_tokens.user_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.void_user_mail_tokens(uuid) IS
'Ends all tokens of mails to a user. Returns how many there were.';

CREATE FUNCTION wazo_auth.lock_mail_token(session_uuid uuid) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  SELECT s.token_digest INTO v_digest FROM wazo_auth.session s
  WHERE s.uuid = session_uuid AND s.email_uuid IS NOT NULL
  FOR UPDATE;
  -- It ended after the check of its access.
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(401, 'Unauthorized', 'unauthorized',
      '{"invalid_token": "", "reason": "not_found_or_expired"}'::json);
  END IF;
  RETURN v_digest;
END
$$;
COMMENT ON FUNCTION wazo_auth.lock_mail_token(uuid) IS
'Digest of a mail''s token, by its session, which nobody else uses or ends meanwhile. Raises WA401 when it has ended.';

CREATE FUNCTION wazo_auth.mail_session(request wazo_auth.http_request) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN request.token_auth_id = 'wazo-auth' THEN request.token_session_uuid END;
END;
COMMENT ON FUNCTION wazo_auth.mail_session(wazo_auth.http_request) IS
'Session of the caller''s token if that came from a mail; null for a user''s token.';

CREATE FUNCTION wazo_auth.reset_password(user_uuid uuid, password text, mail_session uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_login text;
  v_hash text;
BEGIN
  SELECT COALESCE(u.username, e.address) INTO v_login
  FROM wazo_auth.user u
  LEFT JOIN wazo_auth.email e ON e.user_uuid = u.uuid AND e.main AND e.confirmed
  WHERE u.uuid = reset_password.user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  IF password IS NOT NULL OR mail_session IS NOT NULL THEN
    PERFORM wazo_auth.check_password_is_ours(user_uuid);
  END IF;
  IF password IS NOT NULL THEN
    IF v_login IS NULL THEN
      PERFORM wazo_auth.raise_authentication_failed();
    END IF;
    -- Before anything is locked: it takes its time.
    v_hash := wazo_auth.password_hash(password);
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = reset_password.user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  IF mail_session IS NOT NULL THEN
    -- With it go all that were mailed to the user.
    PERFORM wazo_auth.lock_mail_token(mail_session);
  END IF;
  PERFORM wazo_auth.replace_password(user_uuid, v_hash);
END
$$;
COMMENT ON FUNCTION wazo_auth.reset_password(uuid, text, uuid) IS
'Sets a password without the old one, null for none, and ends sessions, refresh tokens and tokens of mails; '
'mail_session: that of the token that allows it, if it came by mail. Raises WA404 for an unknown user, WA401 for one '
'without a login or a token that was used already, WA405 when SAML or LDAP manage the password (contract: '
'semantics.md section 5).';

CREATE FUNCTION wazo_auth.raise_unknown_email(email_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such email: "%s"', email_uuid), 'unknown-email',
                                json_build_object('uuid', email_uuid), 'emails');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_email(uuid) IS 'Raises WA404 unknown-email.';

CREATE FUNCTION wazo_auth.confirm_email(email_uuid uuid, mail_session uuid DEFAULT NULL,
  spend boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  PERFORM FROM wazo_auth.user u
  WHERE u.uuid = (SELECT e.user_uuid FROM wazo_auth.email e WHERE e.uuid = confirm_email.email_uuid)
  FOR NO KEY UPDATE;
  IF mail_session IS NOT NULL THEN
    v_digest := wazo_auth.lock_mail_token(mail_session);
    IF spend IS NOT FALSE THEN
      PERFORM wazo_auth.delete_sessions(ARRAY[v_digest]);
    END IF;
  END IF;
  UPDATE wazo_auth.email e SET confirmed = true WHERE e.uuid = confirm_email.email_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_email(email_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.confirm_email(uuid, uuid, boolean) IS
'Makes an e-mail address good for logging in; mail_session: that of the token that allows it, if it came by mail, '
'which ends unless spend is false. Raises WA404 for an unknown address, WA401 for a token that has ended; an address '
'that is confirmed is no error (contract: semantics.md section 6).';

CREATE FUNCTION wazo_auth.register_user(
  username text, password text, email_address text, firstname text DEFAULT NULL, lastname text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- First, since from then on the top tenant is locked.
  v_hash text := wazo_auth.password_hash(password);
  v_user uuid;
BEGIN
  v_user := wazo_auth.create_user(wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), username),
                                  username => username, email_address => email_address, firstname => firstname,
                                    lastname => lastname);
  INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (v_user, v_hash);
  UPDATE wazo_auth.email e SET confirmed = false WHERE e.user_uuid = v_user;
  RETURN v_user;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_user(text, text, text, text, text) IS
'Creates a tenant named as the username and in it the user, whose address waits for confirmation. Raises WA409 for a '
'login in use; then there is no tenant either (contract: semantics.md section 5).';

-- mail/setting_functions.sql

-- Settings of mails.

CREATE FUNCTION wazo_auth.is_public_url(url text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (wazo_auth.parse_public_url(url)).hostname IS NOT NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_public_url(text) IS
'Can links in mails begin with this? The check of the setting public_url.';

CREATE FUNCTION wazo_auth.is_mail_sender(name text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  RETURN name = 'smtp' OR EXISTS (SELECT FROM wazo_auth.mail_sender s WHERE s.name = name);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_mail_sender(text) IS
'Is this "smtp" or a registered mail sender? The check of the setting email_notification_plugin.';

CREATE FUNCTION wazo_auth.mail_transport(
  OUT by_function boolean, OUT hostname text, OUT port integer, OUT tls text, OUT tls_verify boolean,
  OUT ca_file text, OUT username text, OUT password text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_smtp jsonb := wazo_auth.get_setting('smtp');
BEGIN
  by_function := wazo_auth.get_setting('email_notification_plugin') <> '"smtp"';
  hostname := v_smtp ->> 'hostname';
  port := (v_smtp ->> 'port')::integer;
  tls := COALESCE(v_smtp ->> 'tls', 'none');
  tls_verify := COALESCE((v_smtp ->> 'tls_verify')::boolean, true);
  ca_file := v_smtp ->> 'ca_file';
  username := v_smtp ->> 'username';
  IF NOT by_function THEN
    password := wazo_auth.secret_setting('smtp', 'password');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_transport() IS
'How mails are sent: by a registered function, or with these settings of SMTP. For the relay: the password is in '
'clear.';

CREATE FUNCTION wazo_auth.register_mail_sender(name text, handler text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF to_regprocedure(handler || '(text, jsonb)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(kind text, context jsonb)', handler USING ERRCODE = 'undefined_function';
  END IF;
  INSERT INTO wazo_auth.mail_sender (name, handler) VALUES (name, handler)
  ON CONFLICT ON CONSTRAINT mail_sender_pkey DO UPDATE SET handler = EXCLUDED.handler;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_mail_sender(text, text) IS
'Names a function (kind text, context jsonb) that sends mail in place of SMTP once the setting '
'email_notification_plugin is that name. handler: schema.function; it runs as the owner of the extension, in the '
'transaction that takes the mail from the outbox, for 30 seconds at most; an error means that it is tried again. '
'kind: email_confirmation or password_reset; context: token, username, email_address, email_uuid or user_uuid, '
'hostname, port, prefix, public_url. Raises 42883 for a function that is not there.';

-- config/known_settings.sql

-- The settings that there are (contract: config.md section 2).

CREATE FUNCTION wazo_auth.declare_setting(
  name text, type text, description text, default_value jsonb DEFAULT NULL,
  minimum numeric DEFAULT NULL, maximum numeric DEFAULT NULL, choices text[] DEFAULT NULL,
  pattern text DEFAULT NULL, check_function text DEFAULT NULL, must_be text DEFAULT NULL,
  secret boolean DEFAULT false,
  read_by text DEFAULT 'database', instead text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  secret := COALESCE(secret, false);
  read_by := COALESCE(read_by, 'database');
  IF check_function IS NOT NULL AND to_regprocedure(check_function || '(text)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(text)', check_function USING ERRCODE = 'undefined_function';
  END IF;
  INSERT INTO wazo_auth.known_setting
  VALUES (name, type, default_value, minimum, maximum, choices, pattern, check_function, must_be, secret,
          read_by, instead, description, wazo_auth.in_extension_script())
  ON CONFLICT ON CONSTRAINT known_setting_pkey DO UPDATE
  SET type = EXCLUDED.type, default_value = EXCLUDED.default_value,
      minimum = EXCLUDED.minimum, maximum = EXCLUDED.maximum,
    choices = EXCLUDED.choices, pattern = EXCLUDED.pattern, check_function = EXCLUDED.check_function,
    must_be = EXCLUDED.must_be, secret = EXCLUDED.secret,
    read_by = EXCLUDED.read_by, instead = EXCLUDED.instead, description = EXCLUDED.description,
    shipped = EXCLUDED.shipped;
  -- Changes nothing, but fires the trigger that makes all backends read the settings again, defaults included.
  UPDATE wazo_auth.setting SET value = value WHERE false;
END
$$;
COMMENT ON FUNCTION wazo_auth.declare_setting(
  text, text, text, jsonb, numeric, numeric, text[], text, text, text, boolean, text, text) IS
'Makes a setting known to wazo_auth.configure(), or replaces it. The arguments are columns of'
' wazo_auth.known_setting. Raises 42883 for a check_function that is not there, 23514 for a word that there is not.';

CREATE VIEW wazo_auth.settings AS
SELECT k.name, k.type, k.default_value, k.minimum, k.maximum, k.choices, k.must_be, k.secret, k.read_by, k.instead,
       k.description
FROM wazo_auth.known_setting k;
COMMENT ON VIEW wazo_auth.settings IS
'What settings there are; their values: wazo_auth.shown_configuration(). The columns are those of'
' wazo_auth.known_setting';

DO $$
DECLARE
  c_text CONSTANT pg_catalog.text := '^[^\x01-\x1f\x7f]*$';
BEGIN
  -- Tokens and sessions
  PERFORM wazo_auth.declare_setting('default_token_lifetime', 'integer',
    'seconds a token lives when the login does not say', '7200', 1, 315360000);
  PERFORM wazo_auth.declare_setting('max_user_concurrent_sessions', 'integer',
    'live sessions of a user; users with the purpose `internal` have no limit', '100', 1, 315360000);
  PERFORM wazo_auth.declare_setting('default_user_policy', 'string',
    'name of a policy of the top tenant whose accesses every token gets');
  PERFORM wazo_auth.declare_setting('backend_policies', 'map', 'the same by the `backend` that the login names',
    '{}');
  PERFORM wazo_auth.declare_setting('backend_policies.*', 'string', 'name of the policy');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping', 'map',
    'further metadata by purpose: `{"user": ["user_admin_status"]}` adds `admin`',
    '{"user": [], "internal": [], "external_api": []}');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping.*', 'list', 'names of plugins for this purpose');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping.*.*', 'string', 'name of a plugin');

  -- What is on
  PERFORM wazo_auth.declare_setting('enabled_http_plugins', 'map',
    'groups of routes that answer; those that are not named do', '{
    "api": true, "idp": true, "backends": true, "config": true, "email_confirm": true, "external": true,
    "group_policy": true, "groups": true, "ldap_config": true, "password_reset": true, "policies": true,
    "sessions": true, "status": true, "tenants": true, "tokens": true, "user_email": true, "user_group": true,
    "user_policy": true,
    "user_registration": false, "user_session": true, "users": true, "saml": true, "saml_config": true}');
  PERFORM wazo_auth.declare_setting('enabled_http_plugins.*', 'boolean', 'is this group of routes on?');
  PERFORM wazo_auth.declare_setting('enabled_backend_plugins', 'map', 'names that GET /backends shows',
    '{"ldap_user": true, "wazo_user": true}');
  PERFORM wazo_auth.declare_setting('enabled_backend_plugins.*', 'boolean', 'is this backend shown?');
  PERFORM wazo_auth.declare_setting('idp_plugins', 'map', 'identity providers',
    '{"saml": {"enabled": true, "priority": 1}, "ldap": {"enabled": true, "priority": 2}}');
  PERFORM wazo_auth.declare_setting('idp_plugins.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('idp_plugins.*.enabled', 'boolean',
    'may users have it as their method? Not unless it says so');
  PERFORM wazo_auth.declare_setting('idp_plugins.*.priority', 'integer',
    'the lower, the earlier it is asked; 100 when it is not given', NULL, -2147483648, 2147483647);

  -- What a start makes
  PERFORM wazo_auth.declare_setting('update_policy_on_startup', 'boolean',
    'let a start carry out the three below', 'true');
  PERFORM wazo_auth.declare_setting('default_policies', 'map',
    'policies of the top tenant by slug; read-only everywhere', '{}');
  PERFORM wazo_auth.declare_setting('default_policies.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('default_policies.*.acl', 'list', 'its accesses');
  PERFORM wazo_auth.declare_setting('default_policies.*.acl.*', 'string', 'one of them');
  PERFORM wazo_auth.declare_setting('default_policies.*.description', 'string', 'what it is for');
  PERFORM wazo_auth.declare_setting('default_policies.*.shared', 'boolean', 'may tenants below use it?');
  PERFORM wazo_auth.declare_setting('all_users_policies', 'map',
    'slugs of the top tenant''s policies that all users of all tenants have: `{"slug": true}`', '{}');
  PERFORM wazo_auth.declare_setting('all_users_policies.*', 'boolean', 'do they have this one?');
  PERFORM wazo_auth.declare_setting('tenant_default_groups', 'map', 'groups of every tenant by slug', '{}');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*.policies', 'map',
    'its policies by slug; false takes one away');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*.policies.*', 'boolean', 'has it this one?');

  -- Events
  PERFORM wazo_auth.declare_setting('uuid', 'string',
    'uuid of the platform, shown in tokens as `xivo_uuid` and in events as `origin_uuid`', 'null', 1, 256);
  PERFORM wazo_auth.declare_setting('event_retention', 'integer',
    'seconds that delivered events stay in `wazo_auth.event_stream`', '3600', 0, 315360000);
  PERFORM wazo_auth.declare_setting('amqp', 'map', 'message broker of the [events](events.md)');
  PERFORM wazo_auth.declare_setting('amqp.uri', 'string', 'where it is', 'null', 1, 2048,
    pattern => '^amqps?://', secret => true,
    must_be => 'null or a URI amqp://user:password@host:port/vhost or amqps://…');
  PERFORM wazo_auth.declare_setting('amqp.exchange_name', 'string', 'exchange that gets the events', '"xivo"',
      1, 127);
  PERFORM wazo_auth.declare_setting('amqp.exchange_type', 'string', 'its type', '"topic"', 1, 127);

  -- Mails
  PERFORM wazo_auth.declare_setting('smtp', 'map', 'server that takes the [mails](mail.md)');
  PERFORM wazo_auth.declare_setting('smtp.hostname', 'string', 'its host name or address', '"localhost"',
    pattern => '^([A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$', must_be => 'a host name or an address');
  PERFORM wazo_auth.declare_setting('smtp.port', 'integer', 'its port', '25', 1, 65535);
  PERFORM wazo_auth.declare_setting('smtp.tls', 'string', 'none; `starttls`; or `tls` from the start', NULL,
    choices => '{none,starttls,tls}');
  PERFORM wazo_auth.declare_setting('smtp.tls_verify', 'boolean',
    'must its certificate be good? It must unless this is false');
  PERFORM wazo_auth.declare_setting('smtp.ca_file', 'string',
    'file with certificates to trust, on the server of the database', NULL, 1, 512,
    pattern => '^/[^\x01-\x1f\x7f]*$', must_be => 'an absolute path');
  PERFORM wazo_auth.declare_setting('smtp.username', 'string', 'name to log in with', NULL, 1, 512,
    pattern => c_text, must_be => 'a text of 1 to 512 bytes without control characters');
  PERFORM wazo_auth.declare_setting('smtp.password', 'string', 'its password', NULL, 1, 512, pattern => c_text,
    secret => true, must_be => 'a text of 1 to 512 bytes without control characters');
  PERFORM wazo_auth.declare_setting('mail_interval', 'integer',
    'least seconds between two mails of a kind to a user', '300', 0, 86400);
  PERFORM wazo_auth.declare_setting('public_url', 'string',
    'where links in mails lead: `https://host:port/path`', 'null',
    check_function => 'wazo_auth.is_public_url', must_be => 'https://host, with :port and /path if need be');
  PERFORM wazo_auth.declare_setting('email_notification_plugin', 'string',
    'what sends: `smtp` or a registered [function](mail.md)', '"smtp"',
    check_function => 'wazo_auth.is_mail_sender',
    must_be => '"smtp" or a name given to wazo_auth.register_mail_sender()');
  PERFORM wazo_auth.declare_setting('email_confirmation_get_mimetype', 'string',
    'media type of the page that a confirmation shows', '"text/html"',
    pattern => '^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}$', must_be => 'a media type');
  PERFORM wazo_auth.declare_setting(k || '_expiration', 'integer',
    'seconds that the token in such a mail lives', '172800', 1, 315360000),
          wazo_auth.declare_setting(k || '_from_name', 'string', 'name of its sender', '"wazo-auth"', 0, 1024,
    pattern => c_text, must_be => 'a text of at most 1024 bytes without control characters'),
          wazo_auth.declare_setting(k || '_from_address', 'string', 'address of its sender',
    '"noreply@wazo.community"',
            check_function => 'wazo_auth.is_mail_address', must_be => 'an e-mail address')
  FROM pg_catalog.unnest('{password_reset,email_confirmation}'::pg_catalog.text[]) k;

  -- What the front reads from its own file; PATCH /config writes the first two
  PERFORM wazo_auth.declare_setting(k, 'boolean', 'switch of PATCH /config, until the next start', 'false',
    read_by => 'front')
  FROM pg_catalog.unnest('{debug,profiling_enabled}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('rest_api', 'map', 'the HTTP server', NULL);
  PERFORM wazo_auth.declare_setting('rest_api.num_proxies', 'integer',
    'proxies whose `X-Forwarded-…` headers count; here for the host in links of mails', '0', 0, 9999);
  PERFORM wazo_auth.declare_setting('rest_api.listen', 'string', 'address of the HTTP server', '"127.0.0.1"',
    read_by => 'front', instead => 'wazo-auth --listen-address');
  PERFORM wazo_auth.declare_setting('rest_api.port', 'integer', 'its port', '9497', 1, 65535,
    read_by => 'front', instead => 'wazo-auth --listen-port');
  PERFORM wazo_auth.declare_setting('rest_api.cors', 'map', 'CORS',
    '{"enabled": true,
      "allow_headers": ["Content-Type", "Authorization", "X-Auth-Token", "Wazo-Tenant", "Wazo-Session-Type"]}',
    read_by => 'front', instead => 'rest_api.cors in the configuration file of wazo-auth');
  PERFORM wazo_auth.declare_setting('rest_api.cors.enabled', 'boolean', 'is it on?', read_by => 'front');
  PERFORM wazo_auth.declare_setting('rest_api.cors.allow_headers', 'list', 'headers that a browser may send',
    read_by => 'front');
  PERFORM wazo_auth.declare_setting('rest_api.cors.allow_headers.*', 'string', 'one of them', read_by => 'front');
  PERFORM wazo_auth.declare_setting('user', 'string', 'account of the HTTP server', '"wazo-auth"',
    read_by => 'front', instead => 'wazo-auth --user');
  PERFORM wazo_auth.declare_setting('config_file', 'string', 'its configuration file',
    '"/etc/wazo-auth/config.yml"', read_by => 'front', instead => 'wazo-auth --config-file');
  PERFORM wazo_auth.declare_setting('log_level', 'string', 'what it logs', '"info"',
    pattern => '(?i)^(critical|error|warning|info|debug)$',
    must_be => 'critical, error, warning, info or debug', read_by => 'front', instead => 'wazo-auth --log-level');
  PERFORM wazo_auth.declare_setting('log_filename', 'string', 'where it logs', '"/var/log/wazo-auth.log"',
    read_by => 'front', instead => 'wazo-auth --log-file');
  PERFORM wazo_auth.declare_setting('db_uri', 'string', 'where the database is', secret => true,
    read_by => 'front', instead => 'wazo-auth --database');

  -- What PostgreSQL's own configuration decides
  PERFORM wazo_auth.declare_setting(k, 'number', d, read_by => 'postgresql',
            instead => pg_catalog.format('ALTER SYSTEM SET wazo_auth.%s = ..., then SELECT pg_reload_conf()', k))
  FROM (VALUES ('token_cleanup_interval', 'seconds between two deletions of expired sessions'),
               ('token_cleanup_batch_size', 'sessions deleted in one transaction')) t (k, d);

  -- What the Python server knows and has no effect here
  PERFORM wazo_auth.declare_setting('rest_api.max_threads', 'integer', 'threads of the HTTP server', '25',
    read_by => 'nobody', instead => 'wazo-auth --workers');
  PERFORM wazo_auth.declare_setting('rest_api.' || k, 'string', 'TLS of the HTTP server', 'null',
    read_by => 'nobody', instead => 'TLS ends at the proxy in front of it')
  FROM pg_catalog.unnest('{certificate,private_key}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('extra_config_files', 'string', 'further configuration files',
    '"/etc/wazo-auth/conf.d"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting(k, 'string', 'file with a template of a mail', read_by => 'nobody',
    instead => 'wazo_auth.set_mail_template()')
  FROM pg_catalog.unnest(ARRAY['password_reset_email_template', 'password_reset_email_subject_template',
    'email_confirmation_template', 'email_confirmation_subject_template',
    'email_confirmation_get_response_body_template']) k;
  PERFORM wazo_auth.declare_setting('bootstrap_user_on_startup', 'boolean', 'make a user at start', 'false',
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_username', 'string', 'its name', 'null',
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_password', 'string', 'its password', secret => true,
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_' || k, 'string', 'its ' || k, read_by => 'nobody',
    instead => 'wazo_auth.bootstrap()')
  FROM pg_catalog.unnest('{purpose,policy_slug}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('enabled_metadata_plugins', 'map', 'plugins for the metadata of tokens',
    '{"default_user": true, "default_internal": true, "default_external_api": true}', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('enabled_metadata_plugins.*', 'boolean', 'is it on?', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('enabled_external_auth_plugins', 'map', 'plugins for external accounts',
    '{"google": true, "microsoft": true, "mobile": true}', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('enabled_external_auth_plugins.*', 'boolean', 'is it on?', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('oauth2_synchronization_ws_url_template', 'string',
    'where the relay of OAuth2 listens', '"wss://oauth.wazo.io/ws/{state}"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('oauth2_synchronization_redirect_url_template', 'string',
    'where OAuth2 comes back to', '"https://oauth.wazo.io/{auth_type}/authorize"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting(p, 'map', 'OAuth2 of this provider', read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.authorization_base_url', 'string', 'where people log in',
    read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.redirect_uri', 'string', 'where they come back to', read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.token_url', 'string', 'where tokens come from', read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.websocket_host', 'string', 'where the relay listens', read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.scope', 'list', 'what is asked for', read_by => 'nobody'),
          wazo_auth.declare_setting(p || '.scope.*', 'string', 'a part of it', read_by => 'nobody')
  FROM pg_catalog.unnest('{google,microsoft}'::pg_catalog.text[]) p;
  PERFORM wazo_auth.declare_setting('saml', 'map', 'SAML', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('saml.acs_url_template', 'string', 'where answers come to',
    '"https://{{STACK_URL}}/api/auth/0.1/saml/acs"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('saml.saml_session_lifetime_seconds', 'integer',
    'seconds that its sessions are kept', '604800', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('saml.saml_login_timeout_seconds', 'integer', 'seconds for a login', '600',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('saml.' || k, 'string', 'a file of SAML', read_by => 'nobody')
  FROM pg_catalog.unnest('{key_file,cert_file,xmlsec_binary,xml_files_dir}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('saml.domains', 'map', 'unused', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul', 'map', 'where the services find each other', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.scheme', 'string', 'its protocol', '"http"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.host', 'string', 'its host', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.port', 'integer', 'its port', '8500', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.token', 'string', 'its token', secret => true, read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery', 'map', 'how this service is announced there',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.enabled', 'boolean', 'is it?', 'false', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.' || k, 'string', 'its address', d::pg_catalog.jsonb,
    read_by => 'nobody')
  FROM (VALUES ('advertise_address', '"auto"'), ('advertise_address_interface', '"eth0"')) t (k, d);
  PERFORM wazo_auth.declare_setting('service_discovery.' || k, 'integer', 'a port or a pause in seconds',
    d::pg_catalog.jsonb, read_by => 'nobody')
  FROM (VALUES ('advertise_port', '9497'), ('ttl_interval', '30'), ('refresh_interval', '27'),
               ('retry_interval', '2')) t (k, d);
  PERFORM wazo_auth.declare_setting('service_discovery.extra_tags', 'list', 'further tags', '[]',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.extra_tags.*', 'string', 'one of them', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('db_connect_retry_timeout_seconds', 'integer', 'without effect there, too',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('db_upgrade_on_startup', 'boolean', 'upgrade the database at start',
    read_by => 'nobody', instead => 'ALTER EXTENSION wazo_auth UPDATE');
END
$$;

-- mail/delivery.sql

-- Writing and delivering mails: what the relay worker asks the database for,
-- and what people see of it.

CREATE FUNCTION wazo_auth.mail_target(
  mail wazo_auth.mail_outbox, OUT user_uuid uuid, OUT email_uuid uuid, OUT username text, OUT address text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF mail.kind = 'email_confirmation' THEN
    SELECT e.user_uuid, e.uuid, u.username, e.address
    INTO mail_target.user_uuid, mail_target.email_uuid, mail_target.username, mail_target.address
    FROM wazo_auth.email e
    JOIN wazo_auth.user u ON u.uuid = e.user_uuid
    WHERE e.uuid = wazo_auth.try_uuid(mail.addressee) AND NOT e.confirmed AND u.enabled;
    RETURN;
  END IF;
  -- To a confirmed address only: others may be anybody's.
  SELECT e.user_uuid, e.uuid, u.username, e.address
  INTO mail_target.user_uuid, mail_target.email_uuid, mail_target.username, mail_target.address
  FROM wazo_auth.login l
  JOIN wazo_auth.user u ON u.uuid = l.user_uuid AND u.enabled
  JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid AND e.confirmed
  WHERE l.login = wazo_auth.normal_login(mail.addressee)
    AND (mail.addressed_by = 'login'
         OR mail.addressed_by = 'username' AND u.username = mail.addressee
         OR mail.addressed_by = 'email' AND e.address = mail.addressee)
  ORDER BY e.main DESC, e.uuid
  LIMIT 1;
  IF wazo_auth.password_is_kept_elsewhere(mail_target.user_uuid) THEN
    user_uuid := NULL;
    email_uuid := NULL;
    username := NULL;
    address := NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_target(wazo_auth.mail_outbox) IS
'Who gets the mail: the user, the username, and the address that it goes to; all null when nobody gets one (contract: '
'mail.md, password reset). A reset goes to an enabled user''s confirmed addresses only, a confirmation to one that is '
'not confirmed.';

CREATE FUNCTION wazo_auth.hold_mail(mail wazo_auth.mail_outbox, user_uuid uuid, email_uuid uuid)
RETURNS interval
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_latest wazo_auth.latest_mail;
  v_rest interval;
BEGIN
  SELECT l.* INTO v_latest FROM wazo_auth.latest_mail l WHERE l.user_uuid = hold_mail.user_uuid AND l.kind = mail.kind;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_rest := v_latest.written_at - clock_timestamp()
            + make_interval(secs => (wazo_auth.get_setting('mail_interval') #>> '{}')::integer);
  IF v_rest <= '0'::interval
     AND NOT EXISTS (SELECT FROM wazo_auth.mail_outbox m WHERE m.id = v_latest.mail_id AND NOT m.parked) THEN
    RETURN NULL;
  END IF;
  -- The same mail has just been written, or still waits, with a link that works.
  IF mail.kind = 'password_reset' OR v_latest.email_uuid = email_uuid THEN
    RETURN '0'::interval;
  END IF;
  RETURN GREATEST(v_rest, '1 second'::interval);
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_mail(wazo_auth.mail_outbox, uuid, uuid) IS
'How long the mail must wait, since a user gets one mail of a kind at a time and in each mail_interval: null for not '
'at all, zero for ever, as what it would say has been said.';

CREATE FUNCTION wazo_auth.one_line(value text, size integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- blanks, controls, and what changes the direction of text or is not seen
  v_line text := btrim(regexp_replace(value COLLATE "C",
    '[\u0001-\u0020\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]+',
    ' ', 'g'));
BEGIN
  RETURN CASE WHEN char_length(v_line) > size THEN left(v_line, size - 3) || '...' ELSE v_line END;
END
$$;
COMMENT ON FUNCTION wazo_auth.one_line(text, integer) IS
'Text of somebody as it may stand among ours: on one line, without invisible characters, and no longer than "size" '
'characters.';

CREATE FUNCTION wazo_auth.mail_context(mail wazo_auth.mail_outbox, username text, address text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_build_object(
    'username', NULLIF(wazo_auth.one_line(username, 64), ''), 'email_address', address,
    'hostname', mail.hostname, 'port', mail.port, 'prefix', mail.prefix,
    'public_url', rtrim(wazo_auth.get_setting('public_url') #>> '{}', '/'));
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_context(wazo_auth.mail_outbox, text, text) IS
'Variables of the templates of a mail but for those of its token; what its user has typed is cleaned and shortened, '
'since others may get the mail.';

CREATE FUNCTION wazo_auth.write_mail(mail wazo_auth.mail_outbox) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_target record := wazo_auth.mail_target(mail);
  -- templates are named after the mail; one is not, upstream's way
  v_body_template text := CASE mail.kind WHEN 'password_reset' THEN 'password_reset_email' ELSE mail.kind END;
  v_from text := wazo_auth.get_setting(mail.kind || '_from_address') #>> '{}';
  v_hold interval;
  v_uuid uuid;
  v_token uuid;
  v_context jsonb;
  v_message text;
BEGIN
  -- What the token stands on must not change meanwhile. Nothing is waited for
  -- here, as many users may be locked by one look at the outbox.
  PERFORM FROM wazo_auth.user u WHERE u.uuid = v_target.user_uuid FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    v_target := wazo_auth.mail_target(mail);
    v_hold := wazo_auth.hold_mail(mail, v_target.user_uuid, v_target.email_uuid);
  ELSIF v_target.user_uuid IS NOT NULL THEN
    v_hold := '1 second'::interval;
  END IF;
  IF v_target.user_uuid IS NULL OR v_hold = '0'::interval THEN
    DELETE FROM wazo_auth.mail_outbox m WHERE m.id = mail.id;
    RETURN;
  ELSIF v_hold IS NOT NULL THEN
    UPDATE wazo_auth.mail_outbox m SET next_attempt_at = clock_timestamp() + v_hold WHERE m.id = mail.id;
    RETURN;
  END IF;

  v_uuid := CASE mail.kind WHEN 'password_reset' THEN v_target.user_uuid ELSE v_target.email_uuid END;
  v_token := wazo_auth.open_mail_session(wazo_auth.mail_access(mail.kind, v_uuid), v_target.email_uuid,
                                         (wazo_auth.get_setting(mail.kind || '_expiration') #>> '{}')::integer);
  v_context := jsonb_strip_nulls(
    wazo_auth.mail_context(mail, v_target.username, v_target.address)
    || jsonb_build_object('token', v_token, CASE mail.kind WHEN 'password_reset' THEN 'user_uuid' ELSE 'email_uuid' END,
      v_uuid));
  v_message := wazo_auth.mail_message(
    wazo_auth.get_setting(mail.kind || '_from_name') #>> '{}', v_from, v_context ->> 'username', v_target.address,
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template || '_subject'), v_context),
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template), v_context),
    clock_timestamp(),
    to_hex((EXTRACT(epoch FROM mail.created_at) * 1000000)::bigint) || '.' || to_hex(mail.id));
  UPDATE wazo_auth.mail_outbox m
  SET recipient = v_target.address, token_digest = wazo_auth.token_digest(v_token),
      sealed_message = wazo_auth.seal(jsonb_build_object('sender', v_from, 'message', v_message, 'context',
        v_context)::text,
                                      'mail:' || mail.id),
      attempts = 0, next_attempt_at = NULL, error = NULL
  WHERE m.id = mail.id;
  INSERT INTO wazo_auth.latest_mail AS l (user_uuid, kind, email_uuid, written_at, mail_id)
  VALUES (v_target.user_uuid, mail.kind, v_target.email_uuid, clock_timestamp(), mail.id)
  ON CONFLICT ON CONSTRAINT latest_mail_pkey DO UPDATE
  SET email_uuid = EXCLUDED.email_uuid, written_at = EXCLUDED.written_at, mail_id = EXCLUDED.mail_id;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_mail(wazo_auth.mail_outbox) IS
'Makes the token and the text of a mail that was asked for. Takes it out when there is nobody to get it or the last '
'one of its kind still does, see wazo_auth.hold_mail(); leaves it for later while its user is being changed.';

CREATE FUNCTION wazo_auth.write_mails(batch integer, max_attempts integer, pause interval) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_count integer := 0;
BEGIN
  FOR v_mail IN
    SELECT m.* FROM wazo_auth.mail_outbox m
    WHERE m.sealed_message IS NULL AND NOT m.parked
      AND (m.next_attempt_at IS NULL OR m.next_attempt_at <= clock_timestamp())
    ORDER BY m.id LIMIT batch
    FOR UPDATE SKIP LOCKED
  LOOP
    -- A missing key is no fault of a mail's.
    PERFORM wazo_auth.seal_key_id();
    v_count := v_count + 1;
    BEGIN
      PERFORM wazo_auth.write_mail(v_mail);
    EXCEPTION WHEN OTHERS THEN
      PERFORM wazo_auth.fail_mail(v_mail.id, SQLERRM, max_attempts, pause);
    END;
  END LOOP;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_mails(integer, integer, interval) IS
'Writes at most "batch" mails that were asked for. One that cannot be written is tried again as wazo_auth.fail_mail() '
'says, and does not hold up the others. Returns how many were looked at. Raises F0000 without a key to seal with.';

CREATE FUNCTION wazo_auth.claim_mails(batch integer, in_flight bigint[], with_message boolean)
RETURNS TABLE (id bigint, sender text, recipient text, message text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_content jsonb;
BEGIN
  DELETE FROM wazo_auth.mail_outbox m
  WHERE m.sealed_message IS NOT NULL
    AND NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.token_digest = m.token_digest
      AND s.expires_at > clock_timestamp());
  FOR v_mail IN
    SELECT m.* FROM wazo_auth.mail_outbox m
    WHERE m.sealed_message IS NOT NULL AND NOT m.parked
      AND (m.next_attempt_at IS NULL OR m.next_attempt_at <= clock_timestamp())
      AND m.id <> ALL (in_flight)
    ORDER BY m.id LIMIT batch
  LOOP
    id := v_mail.id;
    recipient := v_mail.recipient;
    IF with_message THEN
      BEGIN
        v_content := wazo_auth.unseal(v_mail.sealed_message, 'mail:' || v_mail.id)::jsonb;
      EXCEPTION WHEN OTHERS THEN
        -- Its key may come back.
        UPDATE wazo_auth.mail_outbox m SET error = SQLERRM, next_attempt_at = clock_timestamp() + '1 minute'::interval
        WHERE m.id = v_mail.id;
        CONTINUE;
      END;
      sender := v_content ->> 'sender';
      message := v_content ->> 'message';
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_mails(integer, bigint[], boolean) IS
'The next mails to send: at most "batch" of those that are written and due, without those in flight; with_message '
'false gives their ids and recipients only. Drops mails whose token has been used, voided or has expired. Takes no '
'lock, since a database has one relay.';

CREATE FUNCTION wazo_auth.finish_mail(id bigint) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM wazo_auth.mail_outbox m WHERE m.id = finish_mail.id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.finish_mail(bigint) IS
'Takes a delivered mail out of the outbox. Returns 1, or 0 when it was gone already.';

CREATE FUNCTION wazo_auth.fail_mail(id bigint, error text, max_attempts integer, pause interval)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_error text := error;
  v_sealed bytea;
  v_parked boolean;
BEGIN
  SELECT m.sealed_message INTO v_sealed FROM wazo_auth.mail_outbox m WHERE m.id = fail_mail.id;
  IF v_sealed IS NOT NULL THEN
    BEGIN
      -- Whoever wrote the message may have put the token into it.
      v_error := replace(v_error, wazo_auth.unseal(v_sealed, 'mail:' || fail_mail.id)::jsonb #>> '{context,token}',
        '***');
    EXCEPTION WHEN OTHERS THEN
      v_error := SQLERRM;
    END;
  END IF;
  UPDATE wazo_auth.mail_outbox m
  SET attempts = m.attempts + 1,
      error = left(v_error, 1000),
      parked = m.attempts + 1 >= max_attempts,
      -- doubled with each attempt, up to an hour
      next_attempt_at = clock_timestamp() + LEAST(pause * power(2, LEAST(m.attempts, 20)), '1 hour'::interval)
  WHERE m.id = fail_mail.id
  RETURNING m.parked INTO v_parked;
  RETURN COALESCE(v_parked, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.fail_mail(bigint, text, integer, interval) IS
'Notes that a mail could not be written or was refused: it is tried again after a pause that doubles, and parked at '
'the attempt max_attempts. Returns whether it is parked now.';

CREATE FUNCTION wazo_auth.deliver_mail_by_function(id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_sender text := wazo_auth.get_setting('email_notification_plugin') #>> '{}';
  v_function regprocedure;
BEGIN
  SELECT m.* INTO v_mail FROM wazo_auth.mail_outbox m WHERE m.id = deliver_mail_by_function.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  SELECT to_regprocedure(s.handler || '(text, jsonb)') INTO v_function FROM wazo_auth.mail_sender s
    WHERE s.name = v_sender;
  IF v_function IS NULL THEN
    RAISE EXCEPTION 'the function of the mail sender "%" does not exist', v_sender USING ERRCODE = 'undefined_function';
  END IF;
  EXECUTE format('SELECT %s($1, $2)', v_function::oid::regproc)
  USING v_mail.kind, wazo_auth.unseal(v_mail.sealed_message, 'mail:' || v_mail.id)::jsonb -> 'context';
  RETURN wazo_auth.finish_mail(v_mail.id);
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_mail_by_function(bigint) IS
'Gives a mail to the registered sender that the setting email_notification_plugin names, and takes it out of the '
'outbox. Returns 1, or 0 when it was gone already. Raises what that raises.';

CREATE FUNCTION wazo_auth.deliver_mails_locally(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail record;
  v_attempts integer := COALESCE(current_setting('wazo_auth.relay_max_attempts', true)::integer, 10);
  v_count integer := 0;
BEGIN
  PERFORM wazo_auth.write_mails(batch, v_attempts, '1 second'::interval);
  IF wazo_auth.get_setting('email_notification_plugin') = '"smtp"' THEN
    RETURN 0;
  END IF;
  FOR v_mail IN SELECT c.id FROM wazo_auth.claim_mails(batch, '{}', false) c LOOP
    BEGIN
      v_count := v_count + wazo_auth.deliver_mail_by_function(v_mail.id);
    EXCEPTION WHEN OTHERS THEN
      PERFORM wazo_auth.fail_mail(v_mail.id, SQLERRM, v_attempts, '1 second'::interval);
    END;
  END LOOP;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_mails_locally(integer) IS
'Without workers: writes at most "batch" mails, and gives as many to a registered sender. Returns how many were '
'delivered; sending by SMTP takes a worker.';

CREATE FUNCTION wazo_auth.retry_parked_mails(id bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE wazo_auth.mail_outbox m
  SET parked = false, attempts = 0, next_attempt_at = NULL
  WHERE m.parked AND (retry_parked_mails.id IS NULL OR m.id = retry_parked_mails.id);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  PERFORM wazo_auth.wake_relay();
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.retry_parked_mails(bigint) IS
'Sends parked mails again: one by its id, or all. Returns how many there were.';

CREATE VIEW wazo_auth.parked_mail AS
SELECT m.id, m.created_at, m.kind, m.addressed_by, m.addressee, m.recipient, m.attempts, m.error
FROM wazo_auth.mail_outbox m
WHERE m.parked;
COMMENT ON VIEW wazo_auth.parked_mail IS
'Mails that could not be written or that the mail server has refused too often, and why; '
'wazo_auth.retry_parked_mails() sends them again, unless their token has expired';

-- emails/functions.sql

CREATE FUNCTION wazo_auth.replace_emails(
  user_uuid uuid, addresses text[], main text DEFAULT NULL, confirmed boolean[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF cardinality(addresses) > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'Longer than maximum length 100.', 'invalid-data',
      '{"emails": {"constraint_id": "length", "constraint": {"max": 100}}}'::json, 'emails');
  END IF;
  IF main IS NOT NULL AND main <> ALL (addresses) THEN
    RAISE EXCEPTION 'the main address is not among the addresses' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM wazo_auth.claim_logins(user_uuid, NULL, addresses);
  IF (SELECT count(DISTINCT wazo_auth.normal_login(a)) FROM unnest(addresses) a) < cardinality(addresses) THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      '{"email_address": {"constraint_id": "unique", "message": "The email_address \"None\" is already used"}}'::json,
        'users');
  END IF;

  -- What was mailed to an address that goes, or is not confirmed any more.
  PERFORM wazo_auth.void_mail_tokens(ARRAY(
    SELECT e.uuid FROM wazo_auth.email e
    LEFT JOIN unnest(addresses, confirmed) a(address, confirmed) ON a.address = e.address
    WHERE e.user_uuid = replace_emails.user_uuid
      AND (a.address IS NULL OR e.confirmed AND NOT COALESCE(a.confirmed, true))));
  DELETE FROM wazo_auth.email e
  WHERE e.user_uuid = replace_emails.user_uuid
    AND NOT EXISTS (SELECT FROM unnest(addresses) a(address) WHERE a.address = e.address);
  -- First none is the main one, since two never are.
  UPDATE wazo_auth.email e SET main = false WHERE e.user_uuid = replace_emails.user_uuid AND e.main
    AND e.address IS DISTINCT FROM main;
  INSERT INTO wazo_auth.email AS e (user_uuid, address, main, confirmed)
  SELECT user_uuid, a.address, a.address IS NOT DISTINCT FROM main, COALESCE(a.confirmed, o.confirmed, false)
  FROM unnest(addresses, confirmed) a(address, confirmed)
  LEFT JOIN wazo_auth.email o ON o.user_uuid = replace_emails.user_uuid AND o.address = a.address
  ON CONFLICT ON CONSTRAINT email_user_uuid_address_key DO UPDATE
  SET main = EXCLUDED.main, confirmed = EXCLUDED.confirmed;
  PERFORM wazo_auth.release_logins(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.replace_emails(uuid, text[], text, boolean[]) IS
'Replaces all e-mail addresses of a user. An address that is there already keeps its uuid; its case counts. main: one '
'of them. confirmed: in the order of the addresses; where it is null an address stays as it was, and a new one is '
'unconfirmed. Tokens mailed to an address that goes or is unconfirmed end. Raises WA404 for an unknown user, WA409 '
'for an address that another user has or that is given twice (contract: semantics.md section 6).';

-- refresh_tokens/functions.sql

CREATE FUNCTION wazo_auth.verify_refresh_token(refresh_token text, client_id text)
RETURNS wazo_auth.refresh_token
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_row wazo_auth.refresh_token;
BEGIN
  SELECT r.* INTO v_row
  FROM wazo_auth.refresh_token r
  WHERE r.token_digest = wazo_auth.token_digest(wazo_auth.try_uuid(refresh_token))
    AND r.client_id = verify_refresh_token.client_id;
  IF FOUND THEN
    PERFORM FROM wazo_auth.user u WHERE u.uuid = v_row.user_uuid AND u.enabled FOR NO KEY UPDATE;
  END IF;
  IF NOT FOUND
     OR NOT (wazo_auth.is_authentication_method(wazo_auth.effective_authentication_method(v_row.user_uuid))
             OR wazo_auth.password_is_kept_elsewhere(v_row.user_uuid)) THEN
    RETURN NULL;
  END IF;
  -- It may have been revoked while we waited; from here on a revocation waits,
  -- and the session can refer to it.
  PERFORM FROM wazo_auth.refresh_token r WHERE r.token_digest = v_row.token_digest FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN v_row;
END
$$;
COMMENT ON FUNCTION wazo_auth.verify_refresh_token(text, text) IS
'The refresh token of a client, if it may still be used; locks its user''s row. Null otherwise (contract: '
'semantics.md section 1, step 2).';

CREATE FUNCTION wazo_auth.delete_refresh_tokens(token_digests uuid[], with_sessions boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_sessions integer := 0;
  v_digest uuid;
  v_gone wazo_auth.refresh_token[];
BEGIN
  -- One after the other, for the order of the events (contract: events.md
  -- section 2); a user has few.
  FOREACH v_digest IN ARRAY token_digests LOOP
    IF with_sessions THEN
      v_sessions := v_sessions + wazo_auth.delete_sessions(ARRAY(
        SELECT s.token_digest FROM wazo_auth.session s WHERE s.refresh_token_digest = v_digest
          ORDER BY s.issued_at, s.uuid));
    END IF;
    WITH gone AS (
      DELETE FROM wazo_auth.refresh_token r WHERE r.token_digest = v_digest RETURNING r AS refresh_token
    )
    SELECT array_agg(g.refresh_token) INTO v_gone FROM gone g;
    IF v_gone IS NOT NULL THEN
      PERFORM wazo_auth.emit_refresh_tokens('deleted', v_gone);
    END IF;
  END LOOP;
  RETURN v_sessions;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_refresh_tokens(uuid[], boolean) IS
'Revokes refresh tokens, by their digests, and with_sessions the sessions opened with them; else those stay valid; '
'with their events, in the order given. Returns how many sessions ended.';

CREATE FUNCTION wazo_auth.obtain_refresh_token(
  user_uuid uuid, client_id text, login text, mobile boolean, backend text, user_agent text, remote_addr text,
  OUT token text, OUT refresh_token wazo_auth.refresh_token, OUT revoked integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_old wazo_auth.refresh_token;
  v_token uuid;
BEGIN
  revoked := 0;
  SELECT r.* INTO v_old FROM wazo_auth.refresh_token r
  WHERE r.user_uuid = obtain_refresh_token.user_uuid AND r.client_id = obtain_refresh_token.client_id
  FOR KEY SHARE;
  IF FOUND AND NOT mobile THEN
    token := wazo_auth.unseal(v_old.sealed_token, 'refresh_token:' || v_old.token_digest);
    refresh_token := v_old;
    RETURN;
  END IF;
  IF v_old.token_digest IS NOT NULL THEN
    revoked := wazo_auth.delete_refresh_tokens(ARRAY[v_old.token_digest], true);
  END IF;
  v_token := gen_random_uuid();
  token := v_token::text;
  INSERT INTO wazo_auth.refresh_token AS r (token_digest, sealed_token, user_uuid, client_id, mobile, backend, login,
    user_agent, remote_addr)
  VALUES (wazo_auth.token_digest(v_token),
          wazo_auth.seal(token, 'refresh_token:' || wazo_auth.token_digest(v_token)),
          user_uuid, client_id, mobile, backend, login, left(user_agent, 1024),
            left(remote_addr, 256))
  RETURNING r.* INTO v_old;
  refresh_token := v_old;
  PERFORM wazo_auth.emit_refresh_tokens('created', ARRAY[v_old]);
  IF mobile THEN
    -- A mobile device has one refresh token: those of all other mobile clients
    -- go, with their sessions.
    revoked := revoked + wazo_auth.delete_refresh_tokens(ARRAY(
      SELECT r.token_digest FROM wazo_auth.refresh_token r
      WHERE r.user_uuid = obtain_refresh_token.user_uuid AND r.mobile AND r.token_digest <> v_old.token_digest
      ORDER BY r.created_at, r.token_digest), true);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.obtain_refresh_token(uuid, text, text, boolean, text, text, text) IS
'Refresh token of a client of a user, whose row the caller has locked: the existing one, or a new one; for a mobile '
'client always a new one in place of all mobile ones. revoked: sessions that ended thereby (contract: semantics.md '
'section 1, steps 11 and 12).';

-- sessions/functions.sql

CREATE FUNCTION wazo_auth.try_uuid(value text) RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_try_uuid';
COMMENT ON FUNCTION wazo_auth.try_uuid(text) IS
'The uuid of its canonical lower-case text, null for anything else. A cast would put the text, maybe a secret, into '
'an error message.';

CREATE FUNCTION wazo_auth.token_check(token uuid, access text DEFAULT NULL, tenant uuid DEFAULT NULL)
RETURNS wazo_auth.token_status
LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_token_check';
COMMENT ON FUNCTION wazo_auth.token_check(uuid, text, uuid) IS
'May the bearer of this token do this, for this tenant? A null access or tenant is not checked. Writes nothing, '
'raises nothing, and works on a standby.';

CREATE FUNCTION wazo_auth.token_grants(token uuid, accesses text[])
RETURNS boolean[]
LANGUAGE c STABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_token_grants';
COMMENT ON FUNCTION wazo_auth.token_grants(uuid, text[]) IS
'Which of the accesses the bearer of this token has, in their order; false for all with an unknown token, and for a '
'null. Finds the token once. Raises nothing.';

CREATE FUNCTION wazo_auth.token_get(token uuid, access text DEFAULT NULL, tenant uuid DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_token_get';
COMMENT ON FUNCTION wazo_auth.token_get(uuid, text, uuid) IS
'The token as GET /token shows it (contract: responses.md section 3), after the checks of token_check(). Raises WA404 '
'for an unknown or expired token, WA403 when access or tenant are refused.';

CREATE FUNCTION wazo_auth.token_json(token uuid, refresh_token text DEFAULT NULL) RETURNS json
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_token_json';
COMMENT ON FUNCTION wazo_auth.token_json(uuid, text) IS
'The token as POST /token shows it: times with microseconds, and the refresh token if there is one. Raises WA404.';

CREATE FUNCTION wazo_auth.raise_authentication_failed() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(401, 'Authentication Failed');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_authentication_failed() IS
'Raises WA401, the same whatever was wrong with the credentials.';

CREATE FUNCTION wazo_auth.default_acl(backend text) RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_name text := COALESCE(wazo_auth.get_setting('backend_policies') ->> backend,
                          wazo_auth.get_setting('default_user_policy') #>> '{}');
BEGIN
  IF v_name IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT p.acl FROM wazo_auth.policy p WHERE p.name = v_name AND p.tenant_uuid = wazo_auth.top_tenant_uuid()
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.default_acl(text) IS
'ACL that every token gets: the top tenant''s policy named by the setting backend_policies for this backend, else by '
'default_user_policy; null without one. Another tenant''s policy of that name does not count: its administrator would '
'rule over all.';

CREATE FUNCTION wazo_auth.granted_acl(user_uuid uuid, below wazo_auth.acl DEFAULT NULL) RETURNS wazo_auth.acl
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_granted_acl';
COMMENT ON FUNCTION wazo_auth.granted_acl(uuid, wazo_auth.acl) IS
'The accesses below, then those of the policies of the user''s groups, by the slugs of group and policy, then of '
'its own policies, by slug; duplicates kept. Where an ACL does not hold them: each once; then the negative ones and as '
'many others as there is room for, in their order, which the log says; nothing where not even the negative ones fit.';

CREATE FUNCTION wazo_auth.user_acl(user_uuid uuid, backend text DEFAULT 'wazo_user') RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE(wazo_auth.granted_acl(user_uuid, wazo_auth.default_acl(backend)),
                  wazo_auth.default_acl(backend), '{}');
END
$$;
COMMENT ON FUNCTION wazo_auth.user_acl(uuid, text) IS
'ACL that a token of this user would get now: the default policy''s accesses, then those of its groups'' policies, '
'then those of its own, by slug; duplicates kept (contract: semantics.md section 1, step 9).';

CREATE FUNCTION wazo_auth.is_admin(user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT EXISTS (
             SELECT FROM wazo_auth.user_policy up
             JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
             WHERE up.user_uuid = is_admin.user_uuid AND p.slug = 'wazo_default_admin_policy' AND p.config_managed)
        OR EXISTS (
             SELECT FROM wazo_auth.group_user gu
             JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
             WHERE gu.user_uuid = is_admin.user_uuid AND g.slug = 'wazo_default_admin_group' AND g.config_managed)
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.is_admin(uuid) IS
'Has the user the policy wazo_default_admin_policy, or is it in a group wazo_default_admin_group, as the configuration '
'made them? Others with these slugs do not count: anybody who may make one would be an administrator. For the metadata '
'plugin user_admin_status.';

CREATE FUNCTION wazo_auth.user_metadata(of_user wazo_auth.user) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_metadata json := json_build_object(
    'uuid', of_user.uuid, 'tenant_uuid', of_user.tenant_uuid, 'auth_id', of_user.uuid,
    'pbx_user_uuid', CASE WHEN of_user.purpose = 'user' THEN of_user.uuid END,
    'xivo_uuid', wazo_auth.get_setting('uuid') #>> '{}', 'purpose', of_user.purpose);
BEGIN
  IF wazo_auth.get_setting('purpose_metadata_mapping') -> of_user.purpose ? 'user_admin_status' THEN
    v_metadata := wazo_auth.merge_metadata(v_metadata,
      json_build_object('admin', wazo_auth.is_admin(of_user.uuid)));
  END IF;
  RETURN v_metadata;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_metadata(wazo_auth.user) IS
'Metadata that a token of this user would get now (contract: semantics.md section 1, step 7).';

CREATE FUNCTION wazo_auth.merge_metadata(below json, above json) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF below::text = '{}' THEN
    RETURN above;
  END IF;
  RETURN (
    SELECT json_object_agg(m.key, m.value ORDER BY m.place)
    FROM (SELECT k.key,
                 min(k.place) AS place,
                 (array_agg(k.value::jsonb ORDER BY k.place DESC))[1] AS value
          FROM (SELECT b.key, b.value, b.n AS place FROM json_each(below) WITH ORDINALITY b(key, value, n)
                UNION ALL
                SELECT a.key, a.value, a.n + 100000 FROM json_each(above) WITH ORDINALITY a(key, value, n)) k
          GROUP BY k.key) m
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.merge_metadata(json, json) IS
'Two JSON objects as one: keys of the first come first, values of the second win.';

CREATE FUNCTION wazo_auth.store_acl(acl wazo_auth.acl) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_digest uuid := wazo_auth.acl_digest(acl);
BEGIN
  -- The lock keeps the set from being cleared away as unused before the
  -- session that is about to refer to it is there.
  LOOP
    PERFORM FROM wazo_auth.acl_set s WHERE s.digest = v_digest FOR KEY SHARE;
    EXIT WHEN FOUND;
    INSERT INTO wazo_auth.acl_set (digest, acl) VALUES (v_digest, acl) ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN v_digest;
END
$$;
COMMENT ON FUNCTION wazo_auth.store_acl(wazo_auth.acl) IS
'Digest of the stored set with this ACL, made when there is none yet; kept until the end of the transaction at least.';

CREATE FUNCTION wazo_auth.has_live_sessions(user_uuid uuid, number integer) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_has_live_sessions';
COMMENT ON FUNCTION wazo_auth.has_live_sessions(uuid, integer) IS
'Has the user at least that many sessions that have not expired? Looks no further than these.';

CREATE FUNCTION wazo_auth.check_session_cap(user_uuid uuid, purpose text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_cap integer := wazo_auth.get_setting('max_user_concurrent_sessions')::integer;
BEGIN
  IF purpose = 'internal' THEN
    RETURN;
  END IF;
  -- Not "true": a cap that cannot be read lets nobody in.
  IF wazo_auth.has_live_sessions(user_uuid, v_cap) IS NOT FALSE THEN
    PERFORM wazo_auth.raise_error(429, format('User %s has exceeded the maximum number of active sessions',
      user_uuid));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_session_cap(uuid, text) IS
'Raises WA429 when the user has as many live sessions as max_user_concurrent_sessions allows; users with the purpose '
'internal have no limit. Exact only while the caller holds a lock on the user''s row.';

CREATE FUNCTION wazo_auth.delete_sessions(token_digests uuid[], tell_of_service_tokens boolean DEFAULT true)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_told wazo_auth.session[];
  v_count integer;
BEGIN
  tell_of_service_tokens := COALESCE(tell_of_service_tokens, true);
  WITH gone AS (
    DELETE FROM wazo_auth.session s
    USING unnest(token_digests) WITH ORDINALITY AS d(digest, place)
    WHERE s.token_digest = d.digest
    RETURNING s AS session, s.user_uuid IS NOT NULL OR tell_of_service_tokens AS told, d.place
  )
  SELECT count(*), array_agg(g.session ORDER BY g.place) FILTER (WHERE g.told)
  INTO v_count, v_told
  FROM gone g;
  IF v_told IS NOT NULL THEN
    PERFORM wazo_auth.emit_sessions('deleted', v_told);
  END IF;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_sessions(uuid[], boolean) IS
'Ends sessions, by the digests of their tokens, in the order given; each with the event auth_session_deleted, for '
'tokens of the service itself only if asked to. Returns how many there were. Every session that ends does so here.';

CREATE FUNCTION wazo_auth.token_delete(token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY[wazo_auth.token_digest(token_delete.token)]) > 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.token_delete(uuid) IS
'Ends the session of a token. Returns whether there was one; an unknown token is no error.';

CREATE FUNCTION wazo_auth.verify_credentials(login text, password text) RETURNS wazo_auth.user
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := wazo_auth.resolve_login(login);
  v_hash text := wazo_auth.stored_password(v_uuid);
  v_user wazo_auth.user;
  v_new_hash text;
BEGIN
  -- Also for an unknown user, so that the answer takes as long.
  IF NOT wazo_auth.password_verify(password, v_hash)
     OR wazo_auth.effective_authentication_method(v_uuid) IS DISTINCT FROM 'native' THEN
    RETURN NULL;
  END IF;
  IF wazo_auth.password_needs_rehash(v_hash) THEN
    v_new_hash := wazo_auth.password_hash(password);
  END IF;
  -- From here on the user stays as it is: a password change, a disabling or a
  -- deletion that came first is seen, a later one waits and finds the session.
  SELECT u.* INTO v_user FROM wazo_auth.user u WHERE u.uuid = v_uuid AND u.enabled FOR NO KEY UPDATE;
  IF (wazo_auth.stored_password(v_user.uuid) = v_hash) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF v_new_hash IS NOT NULL THEN
    UPDATE wazo_auth.password p SET hash = v_new_hash WHERE p.user_uuid = v_uuid;
  END IF;
  RETURN v_user;
END
$$;
COMMENT ON FUNCTION wazo_auth.verify_credentials(text, text) IS
'The enabled native user with this username or confirmed address and this password, whose row it locks. Rehashes a '
'password that is stored in an old way. Null for anything that is wrong, at the same cost. Raises WA503 when too many '
'passwords are being checked.';

CREATE FUNCTION wazo_auth.log_login(login text, token uuid, remote_addr text, user_agent text) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_log_login';
COMMENT ON FUNCTION wazo_auth.log_login(text, uuid, text, text) IS
'Writes into the server''s log, and nowhere else, that somebody logged in, with the end of the token, or, where that '
'is null, failed to.';

CREATE FUNCTION wazo_auth.open_session(
  of_user wazo_auth.user, expiration integer, acl wazo_auth.acl, metadata json, mobile boolean,
  refresh_token_digest uuid, user_agent text, remote_addr text)
RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_token uuid := gen_random_uuid();
  v_session uuid := gen_random_uuid();
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO wazo_auth.session (token_digest, uuid, tenant_uuid, acl_digest, issued_at, expires_at, mobile, user_uuid,
                                 refresh_token_digest, user_agent, remote_addr, metadata)
  VALUES (wazo_auth.token_digest(v_token), v_session, of_user.tenant_uuid, wazo_auth.store_acl(acl), v_now,
          v_now + make_interval(secs => expiration), mobile, of_user.uuid,
          refresh_token_digest, left(user_agent, 1024), left(remote_addr, 256), metadata);
  PERFORM wazo_auth.emit_session_created(v_session, of_user.tenant_uuid, of_user.uuid, mobile);
  RETURN v_token;
END
$$;
COMMENT ON FUNCTION wazo_auth.open_session(wazo_auth.user, integer, wazo_auth.acl, json, boolean, uuid, text, text) IS
'Makes a session of a user, whose row the caller has locked, and returns its token, which is stored nowhere; with the '
'event auth_session_created. expiration in seconds.';

CREATE FUNCTION wazo_auth.token_create(
  login text DEFAULT NULL, password text DEFAULT NULL, expiration integer DEFAULT NULL,
  access_type text DEFAULT 'online', client_id text DEFAULT NULL, refresh_token text DEFAULT NULL,
  mobile boolean DEFAULT false, backend text DEFAULT 'wazo_user', user_agent text DEFAULT '',
  remote_addr text DEFAULT '', members jsonb DEFAULT '{}',
  OUT token uuid, OUT new_refresh_token text, OUT sessions_revoked integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_user wazo_auth.user;
  v_found record;
  v_answer wazo_auth.login_answer;
  v_refresh wazo_auth.refresh_token;
  v_obtained record;
BEGIN
  mobile := COALESCE(mobile, false);
  members := COALESCE(members, '{}'::jsonb);
  user_agent := COALESCE(user_agent, '');
  remote_addr := COALESCE(remote_addr, '');
  IF access_type NOT IN ('online', 'offline') OR expiration NOT BETWEEN 1 AND 315360000
     OR (access_type = 'offline' AND (COALESCE(client_id, '') = '' OR refresh_token <> '')) THEN
    RAISE EXCEPTION 'access_type is online or offline, offline needs a client_id and no refresh_token, expiration is 1 '
      'to 315360000 seconds'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  sessions_revoked := 0;
  -- Before anything is written: a provider may have to ask somebody over the network.
  v_found := wazo_auth.login_user(
    ROW(login, password, refresh_token, client_id, members)::wazo_auth.login_attempt);
  v_user := v_found.of_user;
  v_answer := v_found.answer;
  v_refresh := v_answer.refresh_token;
  IF v_user.uuid IS NULL THEN
    PERFORM wazo_auth.log_login(COALESCE(v_answer.login, login), NULL::uuid, remote_addr, user_agent);
    PERFORM wazo_auth.raise_authentication_failed();
  END IF;

  IF access_type = 'offline' THEN
    v_obtained := wazo_auth.obtain_refresh_token(v_user.uuid, client_id, v_answer.login, mobile, backend,
      user_agent, remote_addr);
    v_refresh := v_obtained.refresh_token;
    new_refresh_token := v_obtained.token;
    sessions_revoked := v_obtained.revoked;
  END IF;
  -- After a mobile login has ended the sessions that it takes the place of.
  PERFORM wazo_auth.check_session_cap(v_user.uuid, v_user.purpose);

  token := wazo_auth.open_session(
    v_user,
    COALESCE(expiration, wazo_auth.get_setting('default_token_lifetime')::integer),
    wazo_auth.user_acl(v_user.uuid, backend),
    wazo_auth.merge_metadata(
      COALESCE(v_refresh.metadata, '{}'),
      wazo_auth.merge_metadata(COALESCE(v_answer.metadata, '{}'), wazo_auth.user_metadata(v_user))),
    mobile, v_refresh.token_digest, user_agent, remote_addr);
  PERFORM wazo_auth.log_login(v_answer.login, token, remote_addr, user_agent);
END
$$;
COMMENT ON FUNCTION wazo_auth.token_create(
  text, text, integer, text, text, text, boolean, text, text, text, jsonb) IS
'Logs in: by login and password, by refresh_token and client_id, or with what else an identity provider asks for in '
'members: domain_name or tenant_id for LDAP. expiration in seconds, null for the setting '
'default_token_lifetime. access_type offline also obtains a refresh token for client_id. Returns the token, the '
'refresh token if one was asked for, and how many sessions a mobile login ended; the server''s log gets a line of it. '
'Raises 22023 for arguments that do not fit together, WA401, WA429 at the session cap, WA503 when too many passwords '
'are being checked (contract: semantics.md section 1).';

-- sessions/providers.sql

-- The identity providers that are built in.

CREATE FUNCTION wazo_auth.refresh_token_login(attempt wazo_auth.login_attempt)
RETURNS wazo_auth.login_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_answer wazo_auth.login_answer;
BEGIN
  v_answer.taken := attempt.refresh_token IS NOT NULL AND attempt.client_id IS NOT NULL;
  IF v_answer.taken THEN
    v_answer.login := 'a refresh token of ' || attempt.client_id;
    v_answer.refresh_token := wazo_auth.verify_refresh_token(attempt.refresh_token, attempt.client_id);
    v_answer.user_uuid := (v_answer.refresh_token).user_uuid;
  END IF;
  IF v_answer.user_uuid IS NOT NULL THEN
    v_answer.login := (v_answer.refresh_token).login;
    -- As the login that it was obtained with.
    IF wazo_auth.effective_authentication_method(v_answer.user_uuid) = 'ldap' THEN
      v_answer.metadata := json_build_object('username', v_answer.login);
    END IF;
  END IF;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.refresh_token_login(wazo_auth.login_attempt) IS
'Identity provider of logins by refresh token and client_id; locks the user''s row.';
SELECT wazo_auth.add_identity_provider('refresh_token', 'wazo_auth.refresh_token_login', '-Infinity', built_in => true);

CREATE FUNCTION wazo_auth.native_login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_user wazo_auth.user;
BEGIN
  -- Who names a domain, a tenant or a SAML session asks another provider, also one that is off.
  v_answer.taken := attempt.login <> '' AND attempt.password <> ''
                    AND NOT attempt.members ?| ARRAY['domain_name', 'tenant_id', 'saml_session_id'];
  v_answer.login := attempt.login;
  IF v_answer.taken THEN
    v_user := wazo_auth.verify_credentials(attempt.login, attempt.password);
    v_answer.user_uuid := v_user.uuid;
  END IF;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.native_login(wazo_auth.login_attempt) IS
'Identity provider of logins by a password that is kept here; locks the user''s row.';
SELECT wazo_auth.add_identity_provider('native', 'wazo_auth.native_login', 'Infinity', 'wazo_user', built_in => true);

CREATE FUNCTION wazo_auth.login_user(
  attempt wazo_auth.login_attempt, OUT of_user wazo_auth.user, OUT answer wazo_auth.login_answer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_identified record := wazo_auth.identify(attempt);
BEGIN
  answer := v_identified.answer;
  -- From here on the user stays as it is: what came first is seen, what comes
  -- later waits and finds the session.
  SELECT u.* INTO of_user FROM wazo_auth.user u WHERE u.uuid = answer.user_uuid AND u.enabled FOR NO KEY UPDATE;
  IF v_identified.method <> 'refresh_token'
     AND wazo_auth.effective_authentication_method(of_user.uuid) IS DISTINCT FROM v_identified.method THEN
    of_user := NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_user(wazo_auth.login_attempt) IS
'The enabled user that an identity provider recognised and whose method this is, whose row it locks, and what the'
' provider answered. A user that is null is refused.';

-- ldap/functions.sql

-- Logins against the directory of a tenant (contract: ldap.md).

CREATE FUNCTION wazo_auth.ldap_ask(
  tenant uuid, host text, port text, version text, security text, bind_dn text, bind_password text, base_dn text,
  login_attribute text, email_attribute text, filter text, login text, password text)
RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_ldap_ask';
COMMENT ON FUNCTION wazo_auth.ldap_ask(
  uuid, text, text, text, text, text, text, text, text, text, text, text, text) IS
'E-mail address that a tenant''s directory has for this login and password; null when it refuses them, with the reason '
'in the server''s log. Raises WA503 when it does not answer in time, or when too many logins wait for directories.';

CREATE FUNCTION wazo_auth.ldap_filter_valid(filter text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_ldap_filter_valid';
COMMENT ON FUNCTION wazo_auth.ldap_filter_valid(text) IS
'Is this a search filter (RFC 4515), with the placeholders {username}, {user_login_attribute} and '
'{user_email_attribute} in it and {{ and }} for braces?';

CREATE FUNCTION wazo_auth.ldap_config_of_login(members jsonb) RETURNS wazo_auth.ldap_config
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tenant uuid;
  v_config wazo_auth.ldap_config;
BEGIN
  IF members ->> 'domain_name' <> '' THEN
    SELECT d.tenant_uuid INTO v_tenant FROM wazo_auth.tenant_domain d
    WHERE d.name = wazo_auth.normal_domain(members ->> 'domain_name');
  ELSE
    SELECT t.uuid INTO v_tenant FROM wazo_auth.tenant t
    WHERE t.uuid = wazo_auth.try_uuid(members ->> 'tenant_id') OR t.slug = members ->> 'tenant_id';
  END IF;
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = v_tenant;
  RETURN v_config;
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_config_of_login(jsonb) IS
'Directory of the tenant that a login names, by domain_name or else by tenant_id, a uuid or a slug; null for none.';

CREATE FUNCTION wazo_auth.ldap_email(
  config wazo_auth.ldap_config, login text, password text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN lower(wazo_auth.ldap_ask(
    config.tenant_uuid, config.host, config.port::text, config.protocol_version::text, config.protocol_security,
    config.bind_dn, wazo_auth.unseal(config.sealed_bind_password, 'ldap:' || config.tenant_uuid), config.user_base_dn,
    config.user_login_attribute, config.user_email_attribute, config.search_filters, login, password));
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_email(wazo_auth.ldap_config, text, text) IS
'Lower-case e-mail address that this directory has for a login and a password, null when it refuses them. Raises '
'WA503 as wazo_auth.ldap_ask() does.';

CREATE FUNCTION wazo_auth.ldap_login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_config wazo_auth.ldap_config;
  v_email text;
BEGIN
  v_answer.taken := attempt.login <> '' AND attempt.password <> ''
                    AND attempt.members ?| ARRAY['domain_name', 'tenant_id'];
  v_answer.login := attempt.login;
  IF v_answer.taken IS NOT TRUE THEN
    RETURN v_answer;
  END IF;
  v_config := wazo_auth.ldap_config_of_login(attempt.members);
  IF v_config.tenant_uuid IS NULL THEN
    RETURN v_answer;
  END IF;
  v_email := wazo_auth.ldap_email(v_config, attempt.login, attempt.password);
  IF v_email IS NULL THEN
    RETURN v_answer;
  END IF;
  -- An address is unique; that of another tenant's user is nobody's here.
  SELECT u.uuid INTO v_answer.user_uuid FROM wazo_auth.user u
  WHERE u.uuid = wazo_auth.resolve_login(v_email) AND u.tenant_uuid = v_config.tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.log_message(format(
      'LDAP login of tenant %s was refused: no enabled user of the tenant has the e-mail address %s',
      v_config.tenant_uuid, v_email));
  END IF;
  v_answer.login := v_email;
  v_answer.metadata := json_build_object('username', v_email);
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_login(wazo_auth.login_attempt) IS
'Identity provider of logins that name a domain or a tenant: asks the tenant''s directory, before anything is '
'locked or written. The user is the one of the tenant with the address that the directory has. Raises WA503 when '
'that does not answer in time.';
SELECT wazo_auth.add_identity_provider('ldap', 'wazo_auth.ldap_login', 2, 'ldap_user', keeps_passwords => true);

CREATE FUNCTION wazo_auth.set_ldap_config(tenant_uuid uuid, changes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.ldap_config;
BEGIN
  -- One after the other, for what they keep of the old one; and against a tenant that is being deleted.
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = set_ldap_config.tenant_uuid;
  v_config := jsonb_populate_record(v_config, changes - ARRAY['tenant_uuid', 'bind_password', 'sealed_bind_password']);
  v_config.tenant_uuid := tenant_uuid;
  v_config.protocol_version := COALESCE((changes ->> 'protocol_version')::integer, 3);
  IF changes ? 'bind_password' THEN
    v_config.sealed_bind_password := wazo_auth.seal(changes ->> 'bind_password', 'ldap:' || tenant_uuid);
  END IF;
  IF v_config.search_filters <> '' AND NOT wazo_auth.ldap_filter_valid(v_config.search_filters) THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: search_filters');
  END IF;
  DELETE FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = set_ldap_config.tenant_uuid;
  INSERT INTO wazo_auth.ldap_config SELECT v_config.*;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_ldap_config(uuid, jsonb) IS
'Sets the directory of a tenant: what is not given stays, but for protocol_version, which becomes 3; null clears. '
'bind_password is stored sealed. Raises WA400 for a search filter that is none, WA404 for an unknown tenant.';

CREATE FUNCTION wazo_auth.shown_ldap_config(tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.ldap_config;
BEGIN
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = shown_ldap_config.tenant_uuid;
  RETURN json_build_object(
    'tenant_uuid', v_config.tenant_uuid, 'host', v_config.host, 'port', v_config.port,
    'protocol_version', v_config.protocol_version, 'protocol_security', v_config.protocol_security,
    'bind_dn', v_config.bind_dn, 'user_base_dn', v_config.user_base_dn,
    'user_login_attribute', v_config.user_login_attribute, 'user_email_attribute', v_config.user_email_attribute,
    'search_filters', v_config.search_filters);
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_ldap_config(uuid) IS
'The directory of a tenant without its password; all null when there is none.';

-- acl/known_accesses.sql

CREATE VIEW wazo_auth.known_access AS
SELECT a.access, pg_catalog.min(a.description) AS description
FROM (
  SELECT k.access, k.description FROM wazo_auth.access k
  UNION ALL
  SELECT r.access, r.summary FROM wazo_auth.route r WHERE r.access IS NOT NULL
) a
GROUP BY a.access;
COMMENT ON VIEW wazo_auth.known_access IS
'Each access known to be asked for, with {name} for the parts that vary: those of the routes, of the daemons, and '
'what people registered in wazo_auth.access';

-- acl/daemon_accesses.sql

-- The accesses that the platform's daemons are known to ask for; {name} stands
-- for what varies. Those of the routes here come from wazo_auth.route.
DELETE FROM wazo_auth.access WHERE shipped;
INSERT INTO wazo_auth.access (access, shipped)
SELECT a.access, true
FROM pg_catalog.regexp_split_to_table(pg_catalog.btrim($accesses$
agentd.agents.by-id.{agent_id}.add.create
agentd.agents.by-id.{agent_id}.delete.create
agentd.agents.by-id.{agent_id}.login.create
agentd.agents.by-id.{agent_id}.logoff.create
agentd.agents.by-id.{agent_id}.read
agentd.agents.by-number.{agent_number}.login.create
agentd.agents.by-number.{agent_number}.logoff.create
agentd.agents.by-number.{agent_number}.pause.create
agentd.agents.by-number.{agent_number}.read
agentd.agents.by-number.{agent_number}.unpause.create
agentd.agents.logoff.create
agentd.agents.read
agentd.agents.relog.create
agentd.agents.{agent_id}.queues.{queue_id}.login.update
agentd.agents.{agent_id}.queues.{queue_id}.logoff.update
agentd.status.read
agentd.users.me.agents.login.create
agentd.users.me.agents.logoff.create
agentd.users.me.agents.pause.create
agentd.users.me.agents.queues.{queue_id}.login.update
agentd.users.me.agents.queues.{queue_id}.logoff.update
agentd.users.me.agents.read
agentd.users.me.agents.unpause.create
amid.action.Command.create
amid.action.{action}.create
amid.config.read
amid.config.update
amid.status.read
auth.admin.users.{user_uuid}.emails.update
auth.backends.ldap.delete
auth.backends.ldap.read
auth.backends.ldap.update
auth.backends.saml.create
auth.backends.saml.delete
auth.backends.saml.read
auth.backends.saml.update
auth.config.read
auth.config.update
auth.emails.{email_uuid}.confirm.update
auth.groups.create
auth.groups.read
auth.groups.{group_uuid}.delete
auth.groups.{group_uuid}.policies.read
auth.groups.{group_uuid}.policies.{policy_slug}.create
auth.groups.{group_uuid}.policies.{policy_slug}.delete
auth.groups.{group_uuid}.policies.{policy_uuid}.create
auth.groups.{group_uuid}.policies.{policy_uuid}.delete
auth.groups.{group_uuid}.read
auth.groups.{group_uuid}.update
auth.groups.{group_uuid}.users.read
auth.groups.{group_uuid}.users.{user_uuid}.create
auth.groups.{group_uuid}.users.{user_uuid}.delete
auth.idp.read
auth.idp.{idp_type}.users.update
auth.idp.{idp_type}.users.{user_uuid}.create
auth.idp.{idp_type}.users.{user_uuid}.delete
auth.policies.create
auth.policies.read
auth.policies.{policy_slug}.delete
auth.policies.{policy_slug}.read
auth.policies.{policy_slug}.update
auth.policies.{policy_uuid}.delete
auth.policies.{policy_uuid}.read
auth.policies.{policy_uuid}.update
auth.sessions.read
auth.sessions.{session_uuid}.delete
auth.tenants.create
auth.tenants.read
auth.tenants.{tenant_uuid}.delete
auth.tenants.{tenant_uuid}.domains.read
auth.tenants.{tenant_uuid}.parent.{parent_tenant_uuid}.update
auth.tenants.{tenant_uuid}.read
auth.tenants.{tenant_uuid}.update
auth.tokens.read
auth.users.create
auth.users.me.tokens.read
auth.users.me.tokens.{client_id}.delete
auth.users.read
auth.users.{user_uuid}.delete
auth.users.{user_uuid}.emails.update
auth.users.{user_uuid}.emails.{email_uuid}.confirm.read
auth.users.{user_uuid}.external.google.create
auth.users.{user_uuid}.external.google.delete
auth.users.{user_uuid}.external.google.read
auth.users.{user_uuid}.external.microsoft.create
auth.users.{user_uuid}.external.microsoft.delete
auth.users.{user_uuid}.external.microsoft.read
auth.users.{user_uuid}.external.mobile.create
auth.users.{user_uuid}.external.mobile.delete
auth.users.{user_uuid}.external.mobile.read
auth.users.{user_uuid}.external.mobile.sender_id.read
auth.users.{user_uuid}.external.mobile.update
auth.users.{user_uuid}.external.read
auth.users.{user_uuid}.groups.read
auth.users.{user_uuid}.password.update
auth.users.{user_uuid}.policies.read
auth.users.{user_uuid}.policies.{policy_slug}.create
auth.users.{user_uuid}.policies.{policy_slug}.delete
auth.users.{user_uuid}.policies.{policy_uuid}.create
auth.users.{user_uuid}.policies.{policy_uuid}.delete
auth.users.{user_uuid}.read
auth.users.{user_uuid}.sessions.read
auth.users.{user_uuid}.sessions.{session_uuid}.delete
auth.users.{user_uuid}.tokens.read
auth.users.{user_uuid}.tokens.{client_id}.delete
auth.users.{user_uuid}.update
auth.{auth_type}.external.config.create
auth.{auth_type}.external.config.delete
auth.{auth_type}.external.config.read
auth.{auth_type}.external.config.update
auth.{auth_type}.external.users.read
call-logd.agents.statistics.read
call-logd.agents.{agent_id}.statistics.read
call-logd.cdr.read
call-logd.cdr.recordings.media.delete
call-logd.cdr.recordings.media.export.create
call-logd.cdr.{cdr_id}.read
call-logd.cdr.{cdr_id}.recordings.{recording_uuid}.media.delete
call-logd.cdr.{cdr_id}.recordings.{recording_uuid}.media.read
call-logd.exports.{export_uuid}.download.read
call-logd.exports.{export_uuid}.read
call-logd.queues.statistics.read
call-logd.queues.{queue_id}.statistics.qos.read
call-logd.queues.{queue_id}.statistics.read
call-logd.retention.read
call-logd.retention.update
call-logd.status.read
call-logd.users.me.cdr.read
call-logd.users.me.cdr.{cdr_id}.recordings.{recording_uuid}.media.read
call-logd.users.{user_uuid}.cdr.read
call-logd.voicemails.transcriptions.read
calld.applications.{application_uuid}.calls.create
calld.applications.{application_uuid}.calls.read
calld.applications.{application_uuid}.calls.{call_id}.answer.update
calld.applications.{application_uuid}.calls.{call_id}.delete
calld.applications.{application_uuid}.calls.{call_id}.dtmf.update
calld.applications.{application_uuid}.calls.{call_id}.hold.start.update
calld.applications.{application_uuid}.calls.{call_id}.hold.stop.update
calld.applications.{application_uuid}.calls.{call_id}.moh.stop.update
calld.applications.{application_uuid}.calls.{call_id}.moh.{moh_uuid}.start.update
calld.applications.{application_uuid}.calls.{call_id}.mute.start.update
calld.applications.{application_uuid}.calls.{call_id}.mute.stop.update
calld.applications.{application_uuid}.calls.{call_id}.playbacks.create
calld.applications.{application_uuid}.calls.{call_id}.progress.start.update
calld.applications.{application_uuid}.calls.{call_id}.progress.stop.update
calld.applications.{application_uuid}.calls.{call_id}.snoops.create
calld.applications.{application_uuid}.nodes.create
calld.applications.{application_uuid}.nodes.read
calld.applications.{application_uuid}.nodes.{node_uuid}.calls.create
calld.applications.{application_uuid}.nodes.{node_uuid}.calls.user.create
calld.applications.{application_uuid}.nodes.{node_uuid}.calls.{call_id}.delete
calld.applications.{application_uuid}.nodes.{node_uuid}.calls.{call_id}.update
calld.applications.{application_uuid}.nodes.{node_uuid}.delete
calld.applications.{application_uuid}.nodes.{node_uuid}.read
calld.applications.{application_uuid}.playbacks.{playback_uuid}.delete
calld.applications.{application_uuid}.read
calld.applications.{application_uuid}.snoops.read
calld.applications.{application_uuid}.snoops.{snoop_uuid}.delete
calld.applications.{application_uuid}.snoops.{snoop_uuid}.read
calld.applications.{application_uuid}.snoops.{snoop_uuid}.update
calld.calls.create
calld.calls.read
calld.calls.{call_id}.answer.update
calld.calls.{call_id}.delete
calld.calls.{call_id}.dtmf.update
calld.calls.{call_id}.hold.start.update
calld.calls.{call_id}.hold.stop.update
calld.calls.{call_id}.mute.start.update
calld.calls.{call_id}.mute.stop.update
calld.calls.{call_id}.park.update
calld.calls.{call_id}.read
calld.calls.{call_id}.record.pause.update
calld.calls.{call_id}.record.resume.update
calld.calls.{call_id}.record.start.update
calld.calls.{call_id}.record.stop.update
calld.calls.{call_id}.user.{user_uuid}.update
calld.conferences.{conference_id}.participants.read
calld.conferences.{conference_id}.participants.{participant_id}.delete
calld.conferences.{conference_id}.participants.{participant_id}.mute.update
calld.conferences.{conference_id}.participants.{participant_id}.unmute.update
calld.conferences.{conference_id}.record.create
calld.conferences.{conference_id}.record.delete
calld.config.read
calld.config.update
calld.faxes.create
calld.lines.read
calld.meetings.{meeting_uuid}.participants.delete
calld.meetings.{meeting_uuid}.participants.read
calld.parkings.read
calld.parkings.{parking_id}.read
calld.status.read
calld.switchboards.{switchboard_uuid}.calls.held.read
calld.switchboards.{switchboard_uuid}.calls.held.{call_id}.answer.update
calld.switchboards.{switchboard_uuid}.calls.held.{call_id}.update
calld.switchboards.{switchboard_uuid}.calls.queued.read
calld.switchboards.{switchboard_uuid}.calls.queued.{call_id}.answer.update
calld.transfers.create
calld.transfers.{transfer_id}.complete.update
calld.transfers.{transfer_id}.delete
calld.transfers.{transfer_id}.read
calld.trunks.read
calld.users.me.calls.create
calld.users.me.calls.read
calld.users.me.calls.{call_id}.answer.update
calld.users.me.calls.{call_id}.delete
calld.users.me.calls.{call_id}.dtmf.update
calld.users.me.calls.{call_id}.hold.start.update
calld.users.me.calls.{call_id}.hold.stop.update
calld.users.me.calls.{call_id}.mute.start.update
calld.users.me.calls.{call_id}.mute.stop.update
calld.users.me.calls.{call_id}.park.update
calld.users.me.calls.{call_id}.record.pause.update
calld.users.me.calls.{call_id}.record.resume.update
calld.users.me.calls.{call_id}.record.start.update
calld.users.me.calls.{call_id}.record.stop.update
calld.users.me.conferences.adhoc.create
calld.users.me.conferences.adhoc.delete
calld.users.me.conferences.adhoc.participants.delete
calld.users.me.conferences.adhoc.participants.update
calld.users.me.conferences.{conference_id}.participants.read
calld.users.me.faxes.create
calld.users.me.meetings.participants.delete
calld.users.me.meetings.{meeting_uuid}.participants.read
calld.users.me.relocates.create
calld.users.me.relocates.read
calld.users.me.relocates.{relocate_uuid}.cancel.update
calld.users.me.relocates.{relocate_uuid}.complete.update
calld.users.me.relocates.{relocate_uuid}.read
calld.users.me.transfers.create
calld.users.me.transfers.read
calld.users.me.transfers.{transfer_id}.complete.update
calld.users.me.transfers.{transfer_id}.delete
calld.users.me.voicemails.folders.{folder_id}.read
calld.users.me.voicemails.greetings.{greeting}.copy.create
calld.users.me.voicemails.greetings.{greeting}.create
calld.users.me.voicemails.greetings.{greeting}.delete
calld.users.me.voicemails.greetings.{greeting}.read
calld.users.me.voicemails.greetings.{greeting}.update
calld.users.me.voicemails.messages.read
calld.users.me.voicemails.messages.{message_id}.delete
calld.users.me.voicemails.messages.{message_id}.read
calld.users.me.voicemails.messages.{message_id}.recording.read
calld.users.me.voicemails.messages.{message_id}.update
calld.users.me.voicemails.read
calld.voicemails.messages.read
calld.voicemails.{voicemail_id}.folders.{folder_id}.read
calld.voicemails.{voicemail_id}.greetings.{greeting}.copy.create
calld.voicemails.{voicemail_id}.greetings.{greeting}.create
calld.voicemails.{voicemail_id}.greetings.{greeting}.delete
calld.voicemails.{voicemail_id}.greetings.{greeting}.read
calld.voicemails.{voicemail_id}.greetings.{greeting}.update
calld.voicemails.{voicemail_id}.messages.{message_id}.delete
calld.voicemails.{voicemail_id}.messages.{message_id}.read
calld.voicemails.{voicemail_id}.messages.{message_id}.recording.read
calld.voicemails.{voicemail_id}.messages.{message_id}.update
calld.voicemails.{voicemail_id}.read
chatd.config.read
chatd.config.update
chatd.connectors.read
chatd.connectors.{backend}.auth-schema.read
chatd.connectors.{backend}.identities.read
chatd.identities.create
chatd.identities.read
chatd.identities.{identity_uuid}.delete
chatd.identities.{identity_uuid}.read
chatd.identities.{identity_uuid}.update
chatd.status.read
chatd.users.me.identities.read
chatd.users.me.rooms.create
chatd.users.me.rooms.messages.read
chatd.users.me.rooms.read
chatd.users.me.rooms.{room_uuid}.messages.create
chatd.users.me.rooms.{room_uuid}.messages.read
chatd.users.presences.read
chatd.users.{user_uuid}.presences.read
chatd.users.{user_uuid}.presences.update
confd.access_features.create
confd.access_features.read
confd.access_features.{id}.delete
confd.access_features.{id}.read
confd.access_features.{id}.update
confd.agents.create
confd.agents.read
confd.agents.skills.create
confd.agents.skills.read
confd.agents.skills.{id}.delete
confd.agents.skills.{id}.read
confd.agents.skills.{id}.update
confd.agents.{agent_id}.skills.{skill_id}.delete
confd.agents.{agent_id}.skills.{skill_id}.update
confd.agents.{id}.delete
confd.agents.{id}.read
confd.agents.{id}.update
confd.applications.create
confd.applications.read
confd.applications.{application_uuid}.delete
confd.applications.{application_uuid}.read
confd.applications.{application_uuid}.update
confd.asterisk.confbridge.wazo_default_bridge.get
confd.asterisk.confbridge.wazo_default_bridge.update
confd.asterisk.confbridge.wazo_default_user.get
confd.asterisk.confbridge.wazo_default_user.update
confd.asterisk.features.applicationmap.get
confd.asterisk.features.applicationmap.update
confd.asterisk.features.featuremap.get
confd.asterisk.features.featuremap.update
confd.asterisk.features.general.get
confd.asterisk.features.general.update
confd.asterisk.hep.general.get
confd.asterisk.hep.general.update
confd.asterisk.iax.callnumberlimits.get
confd.asterisk.iax.callnumberlimits.update
confd.asterisk.iax.general.get
confd.asterisk.iax.general.update
confd.asterisk.pjsip.doc.read
confd.asterisk.pjsip.global.read
confd.asterisk.pjsip.global.update
confd.asterisk.pjsip.system.read
confd.asterisk.pjsip.system.update
confd.asterisk.queue.general.get
confd.asterisk.queue.general.update
confd.asterisk.rtp.general.get
confd.asterisk.rtp.general.update
confd.asterisk.rtp.ice_host_candidates.get
confd.asterisk.rtp.ice_host_candidates.update
confd.asterisk.sccp.general.get
confd.asterisk.sccp.general.update
confd.asterisk.voicemail.general.get
confd.asterisk.voicemail.general.update
confd.asterisk.voicemail.zonemessages.get
confd.asterisk.voicemail.zonemessages.update
confd.callfilters.create
confd.callfilters.read
confd.callfilters.{call_filter_id}.fallbacks.read
confd.callfilters.{call_filter_id}.fallbacks.update
confd.callfilters.{call_filter_id}.recipients.users.update
confd.callfilters.{call_filter_id}.surrogates.users.update
confd.callfilters.{id}.delete
confd.callfilters.{id}.read
confd.callfilters.{id}.update
confd.callpermissions.create
confd.callpermissions.read
confd.callpermissions.{id}.delete
confd.callpermissions.{id}.read
confd.callpermissions.{id}.update
confd.callpickups.create
confd.callpickups.read
confd.callpickups.{call_pickup_id}.interceptors.groups.update
confd.callpickups.{call_pickup_id}.interceptors.users.update
confd.callpickups.{call_pickup_id}.targets.groups.update
confd.callpickups.{call_pickup_id}.targets.users.update
confd.callpickups.{id}.delete
confd.callpickups.{id}.read
confd.callpickups.{id}.update
confd.conferences.create
confd.conferences.read
confd.conferences.{conference_id}.extensions.{extension_id}.delete
confd.conferences.{conference_id}.extensions.{extension_id}.update
confd.conferences.{id}.delete
confd.conferences.{id}.read
confd.conferences.{id}.update
confd.configuration.live_reload.read
confd.configuration.live_reload.update
confd.contexts.create
confd.contexts.read
confd.contexts.{context_id}.contexts.update
confd.contexts.{context_id}.ranges.conference.read
confd.contexts.{context_id}.ranges.group.read
confd.contexts.{context_id}.ranges.incall.read
confd.contexts.{context_id}.ranges.queue.read
confd.contexts.{context_id}.ranges.user.read
confd.contexts.{id}.delete
confd.contexts.{id}.read
confd.contexts.{id}.update
confd.devices.create
confd.devices.read
confd.devices.unallocated.read
confd.devices.unallocated.{id}.update
confd.devices.{device_id}.lines.read
confd.devices.{id}.autoprov.read
confd.devices.{id}.delete
confd.devices.{id}.read
confd.devices.{id}.synchronize.read
confd.devices.{id}.update
confd.dhcp.read
confd.dhcp.update
confd.emails.read
confd.emails.update
confd.endpoints.custom.create
confd.endpoints.custom.read
confd.endpoints.custom.{id}.delete
confd.endpoints.custom.{id}.read
confd.endpoints.custom.{id}.update
confd.endpoints.iax.create
confd.endpoints.iax.read
confd.endpoints.iax.{id}.delete
confd.endpoints.iax.{id}.read
confd.endpoints.iax.{id}.update
confd.endpoints.sccp.create
confd.endpoints.sccp.read
confd.endpoints.sccp.{id}.delete
confd.endpoints.sccp.{id}.read
confd.endpoints.sccp.{id}.update
confd.endpoints.sip.create
confd.endpoints.sip.read
confd.endpoints.sip.templates.create
confd.endpoints.sip.templates.read
confd.endpoints.sip.templates.{uuid}.delete
confd.endpoints.sip.templates.{uuid}.read
confd.endpoints.sip.templates.{uuid}.update
confd.endpoints.sip.{uuid}.delete
confd.endpoints.sip.{uuid}.read
confd.endpoints.sip.{uuid}.update
confd.extensions.create
confd.extensions.features.read
confd.extensions.features.{uuid}.read
confd.extensions.features.{uuid}.update
confd.extensions.read
confd.extensions.{id}.delete
confd.extensions.{id}.read
confd.extensions.{id}.update
confd.external.apps.read
confd.external.apps.{name}.create
confd.external.apps.{name}.delete
confd.external.apps.{name}.read
confd.external.apps.{name}.update
confd.funckeys.destinations.read
confd.funckeys.templates.create
confd.funckeys.templates.read
confd.funckeys.templates.{id}.delete
confd.funckeys.templates.{id}.read
confd.funckeys.templates.{id}.update
confd.funckeys.templates.{id}.{position}.delete
confd.funckeys.templates.{id}.{position}.read
confd.funckeys.templates.{id}.{position}.update
confd.funckeys.templates.{template_id}.users.read
confd.groups.create
confd.groups.read
confd.groups.{group_uuid}.callpermissions.{call_permission_id}.delete
confd.groups.{group_uuid}.callpermissions.{call_permission_id}.update
confd.groups.{group_uuid}.extensions.{extension_id}.delete
confd.groups.{group_uuid}.extensions.{extension_id}.update
confd.groups.{group_uuid}.fallbacks.read
confd.groups.{group_uuid}.fallbacks.update
confd.groups.{group_uuid}.members.extensions.update
confd.groups.{group_uuid}.members.users.update
confd.groups.{group_uuid}.schedules.{schedule_id}.delete
confd.groups.{group_uuid}.schedules.{schedule_id}.update
confd.groups.{uuid}.delete
confd.groups.{uuid}.read
confd.groups.{uuid}.update
confd.ha.read
confd.ha.update
confd.incalls.create
confd.incalls.read
confd.incalls.{id}.delete
confd.incalls.{id}.read
confd.incalls.{id}.update
confd.incalls.{incall_id}.extensions.{extension_id}.delete
confd.incalls.{incall_id}.extensions.{extension_id}.update
confd.incalls.{incall_id}.schedules.{schedule_id}.delete
confd.incalls.{incall_id}.schedules.{schedule_id}.update
confd.infos.read
confd.ingresses.http.create
confd.ingresses.http.read
confd.ingresses.http.{uuid}.delete
confd.ingresses.http.{uuid}.read
confd.ingresses.http.{uuid}.update
confd.ivr.create
confd.ivr.read
confd.ivr.{id}.delete
confd.ivr.{id}.read
confd.ivr.{id}.update
confd.lines.create
confd.lines.read
confd.lines.{id}.delete
confd.lines.{id}.read
confd.lines.{id}.update
confd.lines.{line_id}.applications.{application_uuid}.delete
confd.lines.{line_id}.applications.{application_uuid}.update
confd.lines.{line_id}.devices.read
confd.lines.{line_id}.devices.{device_id}.delete
confd.lines.{line_id}.devices.{device_id}.update
confd.lines.{line_id}.endpoints.custom.{endpoint_id}.delete
confd.lines.{line_id}.endpoints.custom.{endpoint_id}.update
confd.lines.{line_id}.endpoints.sccp.{endpoint_id}.delete
confd.lines.{line_id}.endpoints.sccp.{endpoint_id}.update
confd.lines.{line_id}.endpoints.sip.{endpoint_uuid}.delete
confd.lines.{line_id}.endpoints.sip.{endpoint_uuid}.update
confd.lines.{line_id}.extensions.create
confd.lines.{line_id}.extensions.{extension_id}.delete
confd.lines.{line_id}.extensions.{extension_id}.update
confd.localization.read
confd.localization.update
confd.meetings.create
confd.meetings.read
confd.meetings.{uuid}.delete
confd.meetings.{uuid}.read
confd.meetings.{uuid}.update
confd.moh.create
confd.moh.read
confd.moh.{uuid}.delete
confd.moh.{uuid}.files.{filename}.delete
confd.moh.{uuid}.files.{filename}.read
confd.moh.{uuid}.files.{filename}.update
confd.moh.{uuid}.read
confd.moh.{uuid}.update
confd.outcalls.create
confd.outcalls.read
confd.outcalls.{id}.delete
confd.outcalls.{id}.read
confd.outcalls.{id}.update
confd.outcalls.{outcall_id}.callpermissions.{call_permission_id}.delete
confd.outcalls.{outcall_id}.callpermissions.{call_permission_id}.update
confd.outcalls.{outcall_id}.extensions.{extension_id}.delete
confd.outcalls.{outcall_id}.extensions.{extension_id}.update
confd.outcalls.{outcall_id}.schedules.{schedule_id}.delete
confd.outcalls.{outcall_id}.schedules.{schedule_id}.update
confd.outcalls.{outcall_id}.trunks.update
confd.pagings.create
confd.pagings.read
confd.pagings.{id}.delete
confd.pagings.{id}.read
confd.pagings.{id}.update
confd.pagings.{paging_id}.callers.users.update
confd.pagings.{paging_id}.members.users.update
confd.parkinglots.create
confd.parkinglots.read
confd.parkinglots.{id}.delete
confd.parkinglots.{id}.read
confd.parkinglots.{id}.update
confd.parkinglots.{parking_lot_id}.extensions.{extension_id}.delete
confd.parkinglots.{parking_lot_id}.extensions.{extension_id}.update
confd.phone-numbers.create
confd.phone-numbers.main.read
confd.phone-numbers.main.update
confd.phone-numbers.read
confd.phone-numbers.{uuid}.delete
confd.phone-numbers.{uuid}.read
confd.phone-numbers.{uuid}.update
confd.provisioning.networking.read
confd.provisioning.networking.update
confd.queues.create
confd.queues.read
confd.queues.skillrules.create
confd.queues.skillrules.read
confd.queues.skillrules.{id}.delete
confd.queues.skillrules.{id}.read
confd.queues.skillrules.{id}.update
confd.queues.{id}.delete
confd.queues.{id}.read
confd.queues.{id}.update
confd.queues.{queue_id}.extensions.{extension_id}.delete
confd.queues.{queue_id}.extensions.{extension_id}.update
confd.queues.{queue_id}.fallbacks.read
confd.queues.{queue_id}.fallbacks.update
confd.queues.{queue_id}.members.agents.{agent_id}.delete
confd.queues.{queue_id}.members.agents.{agent_id}.update
confd.queues.{queue_id}.members.users.{user_id}.delete
confd.queues.{queue_id}.members.users.{user_id}.update
confd.queues.{queue_id}.schedules.{schedule_id}.delete
confd.queues.{queue_id}.schedules.{schedule_id}.update
confd.recordings.announcements.read
confd.recordings.announcements.update
confd.registers.iax.create
confd.registers.iax.read
confd.registers.iax.{id}.delete
confd.registers.iax.{id}.read
confd.registers.iax.{id}.update
confd.registrars.create
confd.registrars.read
confd.registrars.{id}.delete
confd.registrars.{id}.read
confd.registrars.{id}.update
confd.schedules.create
confd.schedules.read
confd.schedules.{id}.delete
confd.schedules.{id}.read
confd.schedules.{id}.update
confd.sip.transports.create
confd.sip.transports.read
confd.sip.transports.{transport_uuid}.delete
confd.sip.transports.{transport_uuid}.read
confd.sip.transports.{transport_uuid}.update
confd.sounds.create
confd.sounds.languages.get
confd.sounds.read
confd.sounds.{category}.delete
confd.sounds.{category}.files.{filename}.delete
confd.sounds.{category}.files.{filename}.read
confd.sounds.{category}.files.{filename}.update
confd.sounds.{category}.read
confd.status.read
confd.switchboards.create
confd.switchboards.read
confd.switchboards.{switchboard_uuid}.fallbacks.read
confd.switchboards.{switchboard_uuid}.fallbacks.update
confd.switchboards.{switchboard_uuid}.members.users.update
confd.switchboards.{uuid}.delete
confd.switchboards.{uuid}.read
confd.switchboards.{uuid}.update
confd.tenants.read
confd.tenants.{uuid}.read
confd.timezones.get
confd.trunks.create
confd.trunks.read
confd.trunks.{id}.delete
confd.trunks.{id}.read
confd.trunks.{id}.update
confd.trunks.{trunk_id}.endpoints.custom.{endpoint_id}.delete
confd.trunks.{trunk_id}.endpoints.custom.{endpoint_id}.update
confd.trunks.{trunk_id}.endpoints.iax.{endpoint_id}.delete
confd.trunks.{trunk_id}.endpoints.iax.{endpoint_id}.update
confd.trunks.{trunk_id}.endpoints.sip.{endpoint_uuid}.delete
confd.trunks.{trunk_id}.endpoints.sip.{endpoint_uuid}.update
confd.trunks.{trunk_id}.registers.iax.{register_id}.delete
confd.trunks.{trunk_id}.registers.iax.{register_id}.update
confd.trunks.{trunk_id}.registers.sip.{register_id}.delete
confd.trunks.{trunk_id}.registers.sip.{register_id}.update
confd.users.blocklist.read
confd.users.create
confd.users.export.read
confd.users.import.create
confd.users.import.update
confd.users.me.blocklist.create
confd.users.me.blocklist.delete
confd.users.me.blocklist.read
confd.users.me.blocklist.update
confd.users.me.meetings.create
confd.users.me.meetings.read
confd.users.me.meetings.{meeting_uuid}.authorizations.create
confd.users.me.meetings.{meeting_uuid}.authorizations.read
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.accept.delete
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.accept.read
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.accept.update
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.delete
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.delete.read
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.read
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.reject.read
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.reject.update
confd.users.me.meetings.{meeting_uuid}.authorizations.{authorization_uuid}.update
confd.users.me.meetings.{uuid}.delete
confd.users.me.meetings.{uuid}.read
confd.users.me.meetings.{uuid}.update
confd.users.read
confd.users.subscriptions.read
confd.users.{id}.delete
confd.users.{id}.read
confd.users.{id}.update
confd.users.{user_id}.agents.delete
confd.users.{user_id}.agents.{agent_id}.update
confd.users.{user_id}.callerids.outgoing.read
confd.users.{user_id}.callpermissions.{call_permission_id}.delete
confd.users.{user_id}.callpermissions.{call_permission_id}.update
confd.users.{user_id}.fallbacks.read
confd.users.{user_id}.fallbacks.update
confd.users.{user_id}.forwards.busy.read
confd.users.{user_id}.forwards.busy.update
confd.users.{user_id}.forwards.noanswer.read
confd.users.{user_id}.forwards.noanswer.update
confd.users.{user_id}.forwards.read
confd.users.{user_id}.forwards.unconditional.read
confd.users.{user_id}.forwards.unconditional.update
confd.users.{user_id}.forwards.update
confd.users.{user_id}.funckeys.read
confd.users.{user_id}.funckeys.templates.read
confd.users.{user_id}.funckeys.templates.{template_id}.delete
confd.users.{user_id}.funckeys.templates.{template_id}.update
confd.users.{user_id}.funckeys.update
confd.users.{user_id}.funckeys.{position}.delete
confd.users.{user_id}.funckeys.{position}.read
confd.users.{user_id}.funckeys.{position}.update
confd.users.{user_id}.groups.update
confd.users.{user_id}.lines.update
confd.users.{user_id}.lines.{line_id}.delete
confd.users.{user_id}.lines.{line_id}.update
confd.users.{user_id}.schedules.{schedule_id}.delete
confd.users.{user_id}.schedules.{schedule_id}.update
confd.users.{user_id}.services.dnd.read
confd.users.{user_id}.services.dnd.update
confd.users.{user_id}.services.read
confd.users.{user_id}.services.update
confd.users.{user_id}.voicemails.create
confd.users.{user_id}.voicemails.delete
confd.users.{user_id}.voicemails.read
confd.users.{user_id}.voicemails.{voicemail_id}.update
confd.users.{user_uuid}.blocklist.read
confd.users.{user_uuid}.external.apps.read
confd.users.{user_uuid}.external.apps.{name}.create
confd.users.{user_uuid}.external.apps.{name}.delete
confd.users.{user_uuid}.external.apps.{name}.read
confd.users.{user_uuid}.external.apps.{name}.update
confd.users.{user_uuid}.lines.{line_id}.associated.endpoints.sip.read
confd.voicemails.create
confd.voicemails.read
confd.voicemails.transcription.read
confd.voicemails.transcription.update
confd.voicemails.{id}.delete
confd.voicemails.{id}.read
confd.voicemails.{id}.update
dird.backends.conference.sources.create
dird.backends.conference.sources.read
dird.backends.conference.sources.{source_uuid}.contacts.read
dird.backends.conference.sources.{source_uuid}.delete
dird.backends.conference.sources.{source_uuid}.read
dird.backends.conference.sources.{source_uuid}.update
dird.backends.csv.sources.create
dird.backends.csv.sources.read
dird.backends.csv.sources.{source_uuid}.delete
dird.backends.csv.sources.{source_uuid}.read
dird.backends.csv.sources.{source_uuid}.update
dird.backends.csv_ws.sources.create
dird.backends.csv_ws.sources.read
dird.backends.csv_ws.sources.{source_uuid}.delete
dird.backends.csv_ws.sources.{source_uuid}.read
dird.backends.csv_ws.sources.{source_uuid}.update
dird.backends.google.sources.create
dird.backends.google.sources.read
dird.backends.google.sources.{source_uuid}.contacts.read
dird.backends.google.sources.{source_uuid}.delete
dird.backends.google.sources.{source_uuid}.read
dird.backends.google.sources.{source_uuid}.update
dird.backends.ldap.sources.create
dird.backends.ldap.sources.read
dird.backends.ldap.sources.{source_uuid}.delete
dird.backends.ldap.sources.{source_uuid}.read
dird.backends.ldap.sources.{source_uuid}.update
dird.backends.office365.sources.create
dird.backends.office365.sources.read
dird.backends.office365.sources.{source_uuid}.contacts.read
dird.backends.office365.sources.{source_uuid}.delete
dird.backends.office365.sources.{source_uuid}.read
dird.backends.office365.sources.{source_uuid}.update
dird.backends.personal.sources.create
dird.backends.personal.sources.read
dird.backends.personal.sources.{source_uuid}.delete
dird.backends.personal.sources.{source_uuid}.read
dird.backends.personal.sources.{source_uuid}.update
dird.backends.phonebook.sources.create
dird.backends.phonebook.sources.read
dird.backends.phonebook.sources.{source_uuid}.contacts.read
dird.backends.phonebook.sources.{source_uuid}.delete
dird.backends.phonebook.sources.{source_uuid}.read
dird.backends.phonebook.sources.{source_uuid}.update
dird.backends.read
dird.backends.wazo.sources.create
dird.backends.wazo.sources.read
dird.backends.wazo.sources.{source_uuid}.contacts.read
dird.backends.wazo.sources.{source_uuid}.delete
dird.backends.wazo.sources.{source_uuid}.read
dird.backends.wazo.sources.{source_uuid}.update
dird.config.read
dird.config.update
dird.directories.favorites.{directory}.{contact}.delete
dird.directories.favorites.{directory}.{contact}.update
dird.directories.favorites.{profile}.read
dird.directories.lookup.{profile}.headers.read
dird.directories.lookup.{profile}.read
dird.directories.lookup.{profile}.{user_uuid}.read
dird.directories.personal.{profile}.read
dird.directories.reverse.{profile}.{user_uuid}.read
dird.directories.{profile}.sources.read
dird.displays.create
dird.displays.read
dird.displays.{display_uuid}.delete
dird.displays.{display_uuid}.read
dird.displays.{display_uuid}.update
dird.personal.create
dird.personal.delete
dird.personal.import.create
dird.personal.read
dird.personal.{contact_id}.delete
dird.personal.{contact_id}.read
dird.personal.{contact_id}.update
dird.phonebooks.create
dird.phonebooks.read
dird.phonebooks.{phonebook_uuid}.contacts.create
dird.phonebooks.{phonebook_uuid}.contacts.read
dird.phonebooks.{phonebook_uuid}.contacts.{contact_uuid}.delete
dird.phonebooks.{phonebook_uuid}.contacts.{contact_uuid}.read
dird.phonebooks.{phonebook_uuid}.contacts.{contact_uuid}.update
dird.phonebooks.{phonebook_uuid}.delete
dird.phonebooks.{phonebook_uuid}.read
dird.phonebooks.{phonebook_uuid}.update
dird.profiles.create
dird.profiles.read
dird.profiles.{profile_uuid}.delete
dird.profiles.{profile_uuid}.read
dird.profiles.{profile_uuid}.update
dird.sources.read
dird.status.read
dird.tenants.{tenant}.phonebooks.create
dird.tenants.{tenant}.phonebooks.read
dird.tenants.{tenant}.phonebooks.{phonebook_id}.contacts.create
dird.tenants.{tenant}.phonebooks.{phonebook_id}.contacts.read
dird.tenants.{tenant}.phonebooks.{phonebook_id}.contacts.{contact_uuid}.delete
dird.tenants.{tenant}.phonebooks.{phonebook_id}.contacts.{contact_uuid}.read
dird.tenants.{tenant}.phonebooks.{phonebook_id}.contacts.{contact_uuid}.update
dird.tenants.{tenant}.phonebooks.{phonebook_id}.delete
dird.tenants.{tenant}.phonebooks.{phonebook_id}.read
dird.tenants.{tenant}.phonebooks.{phonebook_id}.update
phoned.config.read
phoned.config.update
phoned.endpoints.{endpoint_name}.answer
phoned.endpoints.{endpoint_name}.hold.start
phoned.endpoints.{endpoint_name}.hold.stop
plugind.config.read
plugind.market.read
plugind.plugins.create
plugind.plugins.read
plugind.plugins.{namespace}.{name}.delete
plugind.plugins.{namespace}.{name}.read
plugind.status.read
provd.cfg_mgr.autocreate.create
provd.cfg_mgr.configs.create
provd.cfg_mgr.configs.read
provd.cfg_mgr.configs.{config_id}.delete
provd.cfg_mgr.configs.{config_id}.raw.read
provd.cfg_mgr.configs.{config_id}.read
provd.cfg_mgr.configs.{config_id}.update
provd.cfg_mgr.read
provd.configure.read
provd.configure.{tenant_uuid}.{param_id}.read
provd.configure.{tenant_uuid}.{param_id}.update
provd.dev_mgr.devices.create
provd.dev_mgr.devices.read
provd.dev_mgr.devices.{device_id}.delete
provd.dev_mgr.devices.{device_id}.read
provd.dev_mgr.devices.{device_id}.update
provd.dev_mgr.dhcpinfo.create
provd.dev_mgr.read
provd.dev_mgr.reconfigure.create
provd.dev_mgr.synchronize.create
provd.operation.delete
provd.operation.read
provd.pg_mgr.install.install.create
provd.pg_mgr.install.installable.read
provd.pg_mgr.install.installed.read
provd.pg_mgr.install.read
provd.pg_mgr.install.uninstall.create
provd.pg_mgr.install.update.create
provd.pg_mgr.install.upgrade.create
provd.pg_mgr.plugins.read
provd.pg_mgr.plugins.{plugin_id}.configure.read
provd.pg_mgr.plugins.{plugin_id}.info.read
provd.pg_mgr.plugins.{plugin_id}.install.install.create
provd.pg_mgr.plugins.{plugin_id}.install.installable.read
provd.pg_mgr.plugins.{plugin_id}.install.installed.read
provd.pg_mgr.plugins.{plugin_id}.install.read
provd.pg_mgr.plugins.{plugin_id}.install.uninstall.create
provd.pg_mgr.plugins.{plugin_id}.read
provd.pg_mgr.read
provd.pg_mgr.reload.create
provd.read
provd.status.read
webhookd.config.read
webhookd.config.update
webhookd.mobile.notifications.send
webhookd.status.read
webhookd.subscriptions.create
webhookd.subscriptions.read
webhookd.subscriptions.services.read
webhookd.subscriptions.{subscription_uuid}.delete
webhookd.subscriptions.{subscription_uuid}.logs.read
webhookd.subscriptions.{subscription_uuid}.read
webhookd.subscriptions.{subscription_uuid}.update
webhookd.users.me.subscriptions.create
webhookd.users.me.subscriptions.read
webhookd.users.me.subscriptions.{subscription_uuid}.delete
webhookd.users.me.subscriptions.{subscription_uuid}.read
webhookd.users.me.subscriptions.{subscription_uuid}.update
$accesses$, E'\n'), E'\n') a(access)
ON CONFLICT (access, shipped) DO NOTHING;

-- acl/questions.sql

-- Questions about who may do what, and why. They look at policies as they are
-- now; a token keeps the ACL of its login (see explain_token_access).

CREATE FUNCTION wazo_auth.user_policies(user_uuid uuid, backend text DEFAULT 'wazo_user',
  OUT place bigint, OUT via text, OUT group_uuid uuid, OUT policy_uuid uuid)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT row_number() OVER (ORDER BY part.kind, part.name, part.policy_uuid),
         CASE part.kind WHEN 1 THEN 'default' WHEN 2 THEN 'group' ELSE 'direct' END,
         part.group_uuid, part.policy_uuid
  FROM (
    SELECT 1 AS kind, NULL::text AS name, NULL::uuid AS group_uuid, p.uuid AS policy_uuid
    FROM wazo_auth.policy p
    WHERE p.tenant_uuid = wazo_auth.top_tenant_uuid()
      AND p.name = COALESCE(wazo_auth.get_setting('backend_policies') ->> user_policies.backend,
                            wazo_auth.get_setting('default_user_policy') #>> '{}')
    UNION ALL
    SELECT 2, g.slug || '/' || p.slug, g.uuid, p.uuid
    FROM wazo_auth.group_user gu
    JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
    JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
    JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
    WHERE gu.user_uuid = user_policies.user_uuid
    UNION ALL
    SELECT 3, p.slug, NULL, p.uuid
    FROM wazo_auth.user_policy up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    WHERE up.user_uuid = user_policies.user_uuid
  ) part
  ORDER BY 1;
END;
COMMENT ON FUNCTION wazo_auth.user_policies(uuid, text) IS
'The policies that make up wazo_auth.user_acl(user, backend), in its order: how the user comes by each (default, '
'group or direct), and the group.';

-- An access is no secret, and which index serves depends on how many grant it: the plan may know its value.
CREATE FUNCTION wazo_auth.who_can(access text, tenant uuid DEFAULT NULL, recurse boolean DEFAULT true,
  OUT user_uuid uuid, OUT username text, OUT tenant_uuid uuid,
  OUT via text, OUT group_uuid uuid, OUT group_name text, OUT policy_uuid uuid, OUT policy_name text, OUT entry text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = auto AS $$
#variable_conflict use_column
DECLARE
  -- operators are not found on this search_path without their schema
  v_granting uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p WHERE p.acl OPERATOR(wazo_auth.@>) who_can.access);
  v_refusing uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
                             WHERE wazo_auth.acl_has_negative(p.acl) AND wazo_auth.acl_refuses(p.acl, who_can.access));
  v_default uuid := (SELECT up.policy_uuid FROM wazo_auth.user_policies(NULL) up WHERE up.via = 'default');
  -- Users that the access names: "me" may stand for them. Each is asked by
  -- itself; for everybody else "me" is only itself.
  v_named uuid[] := ARRAY(
    SELECT u.uuid
    FROM string_to_table(who_can.access, '.') s(word)
    JOIN wazo_auth.user u ON u.uuid = wazo_auth.try_uuid(s.word)
    GROUP BY u.uuid);
BEGIN
  recurse := COALESCE(recurse, true);
  RETURN QUERY
  WITH granting AS MATERIALIZED (
    SELECT p.uuid, p.name, p.slug, d.entry
    FROM wazo_auth.policy p
    CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, who_can.access, 'me', 'my_session') d
    WHERE p.uuid = ANY (v_granting)
  ), way AS (
    SELECT up.user_uuid, 3 AS place, NULL::uuid AS group_uuid, g.*
    FROM granting g
    JOIN wazo_auth.user_policy up ON up.policy_uuid = g.uuid
    UNION ALL
    SELECT gu.user_uuid, 2, gp.group_uuid, g.*
    FROM granting g
    JOIN wazo_auth.group_policy gp ON gp.policy_uuid = g.uuid
    JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
    UNION ALL
    SELECT u.uuid, 1, NULL, g.*
    FROM granting g
    CROSS JOIN wazo_auth.user u
    WHERE g.uuid = v_default
  ), granted AS (
    SELECT w.*
    FROM way w
    WHERE NOT COALESCE(v_default = ANY (v_refusing), false)
      AND NOT EXISTS (
        SELECT FROM wazo_auth.user_policy up
        WHERE up.user_uuid = w.user_uuid AND up.policy_uuid = ANY (v_refusing))
      AND NOT EXISTS (
        SELECT FROM wazo_auth.group_policy gp
        JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
        WHERE gu.user_uuid = w.user_uuid AND gp.policy_uuid = ANY (v_refusing))
      AND w.user_uuid <> ALL (v_named)
    UNION ALL
    SELECT n.uuid, CASE up.via WHEN 'default' THEN 1 WHEN 'group' THEN 2 ELSE 3 END, up.group_uuid,
           p.uuid, p.name, p.slug, d.entry
    FROM unnest(v_named) n(uuid)
    CROSS JOIN LATERAL wazo_auth.user_policies(n.uuid) up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, who_can.access, n.uuid::text, 'my_session') d
    WHERE d.granted AND wazo_auth.acl_grants(wazo_auth.user_acl(n.uuid), who_can.access, n.uuid::text, 'my_session')
  )
  SELECT u.uuid, u.username, u.tenant_uuid,
         (ARRAY['default', 'group', 'direct'])[w.place], g.uuid, g.name, w.uuid, w.name, w.entry
  FROM granted w
  JOIN wazo_auth.user u ON u.uuid = w.user_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = w.group_uuid
  WHERE who_can.tenant IS NULL
     OR u.tenant_uuid = who_can.tenant
     OR who_can.recurse AND u.tenant_uuid IN (SELECT t.uuid FROM wazo_auth.tenant t WHERE who_can.tenant = ANY (t.path))
  ORDER BY u.username, u.uuid, w.place, g.slug, w.slug, g.uuid, w.uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.who_can(text, uuid, boolean) IS
'The users, enabled or not, to whom wazo_auth.user_acl(user) grants the access, with "me" as the user and my_session '
'as only itself: one row for each way, that is the policy, its first entry that grants, and how the user comes by the '
'policy (default, group or direct). A user whom a negative entry of any of its policies denies is not in it. tenant: '
'only users in it and, with recurse, below. By index over policies, then joins.';

CREATE FUNCTION wazo_auth.what_grants(access text, tenant uuid DEFAULT NULL, recurse boolean DEFAULT true,
  OUT kind text, OUT uuid uuid, OUT tenant_uuid uuid, OUT name text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = auto AS $$
#variable_conflict use_column
DECLARE
  v_granting uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
    WHERE p.acl OPERATOR(wazo_auth.@>) what_grants.access);
  v_refusing uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
                             WHERE wazo_auth.acl_has_negative(p.acl) AND wazo_auth.acl_refuses(p.acl,
                               what_grants.access));
BEGIN
  recurse := COALESCE(recurse, true);
  RETURN QUERY
  SELECT f.kind, f.uuid, f.tenant_uuid, f.name
  FROM (
    SELECT 'group' AS kind, g.uuid, g.tenant_uuid, g.name
    FROM wazo_auth.group g
    WHERE g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_granting))
      AND g.uuid NOT IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_refusing))
    UNION ALL
    SELECT 'policy', p.uuid, p.tenant_uuid, p.name
    FROM wazo_auth.policy p
    WHERE p.uuid = ANY (v_granting)
  ) f
  WHERE what_grants.tenant IS NULL
     OR f.tenant_uuid = what_grants.tenant
     OR what_grants.recurse AND f.tenant_uuid IN (SELECT t.uuid FROM wazo_auth.tenant t
       WHERE what_grants.tenant = ANY (t.path))
  ORDER BY f.kind, f.name, f.uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.what_grants(text, uuid, boolean) IS
'The groups whose policies together grant the access (kind: group), then the policies that do by themselves (kind: '
'policy), by index; "me" and my_session are only themselves. tenant: only what is in it and, with recurse, below.';

-- acl/explain.sql

-- Why an access is granted or refused.

CREATE FUNCTION wazo_auth.explain_access(user_uuid uuid, access text, session_uuid uuid DEFAULT NULL,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
    OUT group_name text,
  OUT missing text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = explain_access.user_uuid) THEN
    PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', explain_access.user_uuid),
      'unknown-user',
                                  json_build_object('uuid', explain_access.user_uuid), 'users');
  END IF;
  SELECT d.granted, d.entry, up.via, p.uuid, p.name, g.uuid, g.name
    INTO granted, entry, via, policy_uuid, policy_name, group_uuid, group_name
  FROM wazo_auth.user_policies(explain_access.user_uuid) up
  JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
  CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, explain_access.access, explain_access.user_uuid::text,
                                          explain_access.session_uuid::text) d
  WHERE d.entry_number IS NOT NULL
  -- one negative entry anywhere decides
  ORDER BY d.granted, up.place
  LIMIT 1;
  IF NOT FOUND THEN
    SELECT n.entry, up.via, p.uuid, p.name, g.uuid, g.name, n.missing
      INTO entry, via, policy_uuid, policy_name, group_uuid, group_name, missing
    FROM wazo_auth.user_policies(explain_access.user_uuid) up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
    CROSS JOIN LATERAL wazo_auth.acl_nearest(p.acl, explain_access.access, explain_access.user_uuid::text,
                                             explain_access.session_uuid::text) n
    WHERE n.entry_number IS NOT NULL
    ORDER BY n.prefix DESC, n.edits, up.place
    LIMIT 1;
  END IF;
  granted := COALESCE(granted, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_access(uuid, text, uuid) IS
'Would a token of this user grant the access if it were made now, and why: the entry that decides, its policy, and '
'how the user comes by it (default, group or direct). When no entry matches, missing is not null, and the entry is '
'the nearest one, as wazo_auth.acl_nearest() finds it; nulls when there is none. Raises WA404 for an unknown user.';

CREATE FUNCTION wazo_auth.explain_token_access(token uuid, access text,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
    OUT group_name text,
  OUT missing text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user uuid;
BEGIN
  SELECT d.granted, COALESCE(d.entry, n.entry), CASE WHEN d.entry IS NULL THEN n.missing END, s.user_uuid
    INTO granted, entry, missing, v_user
  FROM wazo_auth.session s
  JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest
  CROSS JOIN LATERAL wazo_auth.acl_decide(a.acl, explain_token_access.access,
                                          COALESCE(s.user_uuid::text, s.auth_id), s.uuid::text) d
  CROSS JOIN LATERAL wazo_auth.acl_nearest(a.acl, explain_token_access.access,
                                           COALESCE(s.user_uuid::text, s.auth_id), s.uuid::text) n
  WHERE s.token_digest = wazo_auth.token_digest(explain_token_access.token)
    AND s.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, 'No such token');
  END IF;
  -- where that entry comes from, as far as today's policies tell
  SELECT up.via, p.uuid, p.name, g.uuid, g.name
    INTO via, policy_uuid, policy_name, group_uuid, group_name
  FROM wazo_auth.user_policies(v_user) up
  JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
  WHERE entry = ANY (p.acl::text[])
  ORDER BY up.place
  LIMIT 1;
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_token_access(uuid, text) IS
'As explain_access, for a token as it is: the entry of its ACL that decides, or the nearest one and what is missing, '
'and the policy that gives the user this entry now; no policy when none does any more. Raises WA404 for an unknown or '
'expired token.';

-- acl/impact.sql

-- What a change of a policy would do, before it is made.

CREATE FUNCTION wazo_auth.policy_impact(policy_uuid uuid, new_acl wazo_auth.acl,
  OUT user_uuid uuid, OUT tenant_uuid uuid, OUT username text, OUT change text, OUT access text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_old wazo_auth.acl;
  v_default uuid;
BEGIN
  SELECT p.acl INTO v_old FROM wazo_auth.policy p WHERE p.uuid = policy_impact.policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, format('No such policy: "%s"', policy_impact.policy_uuid),
      'unknown-policy',
                                  json_build_object('uuid', policy_impact.policy_uuid), 'policies');
  END IF;
  SELECT up.policy_uuid INTO v_default FROM wazo_auth.user_policies(NULL) up WHERE up.via = 'default';

  RETURN QUERY
  WITH known AS (
    SELECT a.access FROM wazo_auth.known_access a
    UNION
    -- as somebody asks about itself
    SELECT regexp_replace(a.access, '(?<=\musers\.)\{[^.}]+\}|\{user_[^.}]+\}', 'me', 'g')
      FROM wazo_auth.known_access a
    UNION
    -- what an entry itself stands for, whether it is a known access or not
    SELECT regexp_replace(e.entry, '^!', '')
    FROM unnest(v_old::text[] || policy_impact.new_acl::text[]) e(entry)
  ), asked AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT k.access,
             v_old OPERATOR(wazo_auth.@>) k.access AS old_grants, wazo_auth.acl_refuses(v_old, k.access) AS old_refuses,
             policy_impact.new_acl OPERATOR(wazo_auth.@>) k.access AS new_grants,
               wazo_auth.acl_refuses(policy_impact.new_acl, k.access) AS new_refuses
      FROM known k
    ) v
    WHERE v.old_grants <> v.new_grants OR v.old_refuses <> v.new_refuses
  ), affected AS MATERIALIZED (
    SELECT up.user_uuid FROM wazo_auth.user_policy up WHERE up.policy_uuid = policy_impact.policy_uuid
    UNION
    SELECT gu.user_uuid
    FROM wazo_auth.group_policy gp
    JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
    WHERE gp.policy_uuid = policy_impact.policy_uuid
    UNION
    SELECT u.uuid FROM wazo_auth.user u WHERE v_default = policy_impact.policy_uuid
  ), holder AS MATERIALIZED (
    -- users with the same other policies gain and lose the same
    SELECT o.user_uuid, array_remove(array_agg(o.policy_uuid ORDER BY o.policy_uuid),
      policy_impact.policy_uuid) AS others
    FROM (
      SELECT a.user_uuid, up.policy_uuid FROM affected a JOIN wazo_auth.user_policy up ON up.user_uuid = a.user_uuid
      UNION
      SELECT a.user_uuid, gp.policy_uuid
      FROM affected a
      JOIN wazo_auth.group_user gu ON gu.user_uuid = a.user_uuid
      JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
      UNION
      SELECT a.user_uuid, COALESCE(v_default, policy_impact.policy_uuid) FROM affected a
    ) o
    GROUP BY o.user_uuid
  ), kind AS MATERIALIZED (
    SELECT row_number() OVER () AS number, h.others FROM holder h GROUP BY h.others
  ), verdict AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT p.uuid AS policy_uuid, k.access,
             p.acl OPERATOR(wazo_auth.@>) k.access AS grants, wazo_auth.acl_refuses(p.acl, k.access) AS refuses
      FROM wazo_auth.policy p
      CROSS JOIN asked k
      WHERE p.uuid IN (SELECT unnest(d.others) FROM kind d)
    ) v
    WHERE v.grants OR v.refuses
  ), other AS (
    SELECT d.number, v.access, bool_or(v.grants) AS grants, bool_or(v.refuses) AS refuses
    FROM kind d
    CROSS JOIN LATERAL unnest(d.others) o(policy_uuid)
    JOIN verdict v ON v.policy_uuid = o.policy_uuid
    GROUP BY d.number, v.access
  ), compared AS MATERIALIZED (
    SELECT c.*
    FROM (
      SELECT d.others, k.access,
             (k.old_grants OR COALESCE(o.grants, false)) AND NOT k.old_refuses
               AND NOT COALESCE(o.refuses, false) AS old,
             (k.new_grants OR COALESCE(o.grants, false)) AND NOT k.new_refuses AND NOT COALESCE(o.refuses, false) AS new
      FROM kind d
      CROSS JOIN asked k
      LEFT JOIN other o ON o.number = d.number AND o.access = k.access
    ) c
    WHERE c.old <> c.new
  )
  SELECT u.uuid, u.tenant_uuid, u.username, CASE WHEN c.new THEN 'gains' ELSE 'loses' END, c.access COLLATE "C"
  FROM compared c
  JOIN holder h ON h.others = c.others
  JOIN wazo_auth.user u ON u.uuid = h.user_uuid
  ORDER BY u.username, u.uuid, 5;
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_impact(uuid, wazo_auth.acl) IS
'Who would gain or lose what if the policy had this ACL. Asked are the accesses of wazo_auth.known_access and the '
'entries themselves; "me" in an access stands for the user itself. Tokens that exist keep their ACL. Raises WA404 for '
'an unknown policy.';

-- acl/current_token.sql

-- The token on whose behalf a transaction runs: for row-level security in the
-- databases of services. All but set_token() are stable, so in a sub-select
-- they are asked once per query.

CREATE FUNCTION wazo_auth.set_token(token uuid) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wazo_auth_set_token';
COMMENT ON FUNCTION wazo_auth.set_token(uuid) IS
'Lets the rest of the transaction run on behalf of a token: can(), can_reach(), current_user_uuid() and '
'current_tenant_uuid() speak for it. Returns whether it is a live token; with null or any other there is none. What '
'is kept are the session''s user, tenant and ACL; each statement sees whether it was revoked or has expired.';

CREATE FUNCTION wazo_auth.can(access text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_can';
COMMENT ON FUNCTION wazo_auth.can(text) IS
'Does the token of set_token() grant the access? False without a live one, null for null.';

CREATE FUNCTION wazo_auth.can_reach(tenant uuid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_can_reach';
COMMENT ON FUNCTION wazo_auth.can_reach(uuid) IS
'Is this the tenant of the token of set_token(), or one below it? False without a live token, null for null.';

CREATE FUNCTION wazo_auth.current_user_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'wazo_auth_current_user_uuid';
COMMENT ON FUNCTION wazo_auth.current_user_uuid() IS
'Whose token set_token() was called with; null without a live one, and for a token that the service made for itself.';

CREATE FUNCTION wazo_auth.current_tenant_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'wazo_auth_current_tenant_uuid';
COMMENT ON FUNCTION wazo_auth.current_tenant_uuid() IS
'The tenant that the user of current_user_uuid() belongs to now; for a token that the service made for itself that '
'token''s. Null without a live token.';

-- workers/live_functions.sql

-- Which database is the live one. In any other the workers delete, send and
-- announce nothing: it may be half restored, or a copy that must not send the
-- original's mails once more.

CREATE FUNCTION wazo_auth.database_identity() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_database_identity';
COMMENT ON FUNCTION wazo_auth.database_identity() IS
'Tells this database from its copies: system identifier of the cluster, OID and name of the database. A physical '
'copy of the whole cluster has the same.';

CREATE FUNCTION wazo_auth.hold_reason(queue text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tables text[] := CASE queue WHEN 'sessions' THEN ARRAY['session', 'acl_set']
                                WHEN 'events' THEN ARRAY['event_outbox', 'event_log']
                                WHEN 'mails' THEN ARRAY['mail_outbox'] END;
BEGIN
  IF v_tables IS NULL THEN
    RAISE EXCEPTION 'queue must be "sessions", "events" or "mails"' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF pg_is_in_recovery() THEN
    RETURN 'this is a standby';
  END IF;
  IF NOT EXISTS (SELECT FROM wazo_auth.live_database l WHERE l.identity = wazo_auth.database_identity()) THEN
    RETURN 'nobody has said that this database is the live one; once it is complete: SELECT wazo_auth.go_live()';
  END IF;
  IF EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
             WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relname = ANY (v_tables)) THEN
    RETURN 'a subscription replicates into these tables; their publisher does this work';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_reason(text) IS
'Why the workers and tick() leave alone what waits in a queue of wazo_auth.worker_status ("sessions", "events", '
'"mails"), or null when they do not. Raises 22023 for another queue.';

CREATE FUNCTION wazo_auth.go_live() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
     OR EXISTS (SELECT FROM wazo_auth.live_database l WHERE l.identity = wazo_auth.database_identity()) THEN
    RETURN false;
  END IF;
  INSERT INTO wazo_auth.live_database (identity) VALUES (wazo_auth.database_identity())
  ON CONFLICT (single) DO UPDATE SET identity = EXCLUDED.identity, since = EXCLUDED.since;
  PERFORM wazo_auth.wake_relay();
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.go_live() IS
'Says that this database is the live one: from now on its workers delete what has expired and send what waits. To be '
'called after a restore is complete, for a copy that is to take over, and after the database was renamed; '
'wazo_auth.bootstrap() and the start of a front call it. Returns whether that is news. Does nothing on a standby or '
'in a read-only transaction.';

CREATE FUNCTION wazo_auth.hold() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.live_database;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold() IS
'Holds the workers of this database until wazo_auth.go_live(): they delete, send and announce nothing more once what '
'they are at is done. The next start of a front ends that, too. Returns whether that is news.';

-- expiry/functions.sql

CREATE FUNCTION wazo_auth.delete_expired_sessions(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_now timestamptz := clock_timestamp();
  v_tokens uuid[];
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Sessions that somebody else is ending right now are left to them.
  SELECT array_agg(s.token_digest) INTO v_tokens
  FROM (SELECT s.token_digest FROM wazo_auth.session s
        WHERE s.expires_at <= v_now
        ORDER BY s.expires_at LIMIT batch
        FOR UPDATE SKIP LOCKED) s;
  IF v_tokens IS NULL THEN
    RETURN 0;
  END IF;
  -- Nobody waits for the end of a token that was in a mail.
  RETURN wazo_auth.delete_sessions(v_tokens, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_expired_sessions(integer) IS
'Ends up to so many (1 to 100000) sessions that have expired, the oldest first. Returns how many. Raises 22023 for '
'another batch.';

CREATE FUNCTION wazo_auth.announce_expiring_sessions(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_now timestamptz := clock_timestamp();
  -- In seconds, as in pg_settings; not there before the library is loaded, and
  -- 0 where only a scheduler calls.
  v_ahead integer := COALESCE(NULLIF((SELECT s.setting FROM pg_settings s
                                      WHERE s.name = 'wazo_auth.token_cleanup_interval')::integer, 0), 60);
  v_sessions wazo_auth.session[];
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  WITH soon AS (
    SELECT s.token_digest, s.expires_at FROM wazo_auth.session s
    WHERE s.expires_at > v_now AND s.expires_at <= v_now + make_interval(secs => v_ahead)
      AND NOT s.expiry_announced AND s.user_uuid IS NOT NULL
    ORDER BY s.expires_at LIMIT batch
    FOR NO KEY UPDATE SKIP LOCKED
  ), announced AS (
    UPDATE wazo_auth.session s SET expiry_announced = true
    FROM soon
    WHERE s.token_digest = soon.token_digest
    RETURNING s AS session, s.expires_at
  )
  SELECT array_agg(a.session ORDER BY a.expires_at) INTO v_sessions FROM announced a;
  IF v_sessions IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM wazo_auth.emit_sessions('expire_soon', v_sessions);
  RETURN cardinality(v_sessions);
END
$$;
COMMENT ON FUNCTION wazo_auth.announce_expiring_sessions(integer) IS
'Sends the event auth_session_expire_soon for up to so many (1 to 100000) sessions that will expire before the next '
'round, once for each (contract: events.md section 3). Returns how many. Raises 22023 for another batch.';

-- The planner could take the whole table session for the shortest way to a row
-- of one ACL set, which it is unless there is none; and to find that there is
-- none is what this function is for. So it is left only the index.
CREATE FUNCTION wazo_auth.delete_unused_acl_sets(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_variable
DECLARE
  -- Digests are spread evenly, so a random start gives every set its turn,
  -- and nothing needs to be remembered between two calls.
  v_start uuid := gen_random_uuid();
  v_digests uuid[];
  v_count integer;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT array_agg(w.digest) INTO v_digests
  FROM (SELECT w.digest
        FROM ((SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest >= v_start ORDER BY a.digest LIMIT batch)
              UNION ALL
              (SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest < v_start ORDER BY a.digest LIMIT batch)
              LIMIT batch) w
        WHERE (SELECT s.acl_digest FROM wazo_auth.session s WHERE s.acl_digest = w.digest LIMIT 1) IS NULL) w;
  IF v_digests IS NULL THEN
    RETURN 0;
  END IF;
  -- wazo_auth.store_acl() keeps a lock on a set until its session is there. A
  -- set locked by it is in use; once we have the lock, the next statement sees
  -- every session made before, and a new login has to wait, and makes the set
  -- again.
  SELECT array_agg(a.digest) INTO v_digests
  FROM (SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest = ANY (v_digests) FOR UPDATE SKIP LOCKED) a;
  DELETE FROM wazo_auth.acl_set a
  WHERE a.digest = ANY (v_digests)
    AND (SELECT s.acl_digest FROM wazo_auth.session s WHERE s.acl_digest = a.digest LIMIT 1) IS NULL;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_unused_acl_sets(integer) IS
'Looks at up to so many (1 to 100000) ACL sets, from a random one on, and removes those that no session uses. Returns '
'how many. Never takes one from under a login. Raises 22023 for another batch.';

CREATE FUNCTION wazo_auth.tick(batch integer DEFAULT NULL, OUT sessions_deleted integer,
  OUT acl_sets_deleted integer,
  OUT sessions_announced integer, OUT events_delivered integer, OUT events_removed integer,
  OUT mails_delivered integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- The setting is only there once the library is loaded.
  v_batch integer := COALESCE(batch, current_setting('wazo_auth.token_cleanup_batch_size', true)::integer,
    5000);
  v_queue text;
  v_reason text;
BEGIN
  sessions_deleted := 0; sessions_announced := 0; acl_sets_deleted := 0;
  events_delivered := 0; events_removed := 0; mails_delivered := 0;
  IF pg_is_in_recovery() THEN
    RETURN;
  END IF;
  FOREACH v_queue IN ARRAY ARRAY['sessions', 'events', 'mails'] LOOP
    v_reason := wazo_auth.hold_reason(v_queue);
    IF v_reason IS NOT NULL THEN
      RAISE WARNING 'work at % is held in database "%"', v_queue, current_database() USING DETAIL = v_reason;
    ELSIF v_queue = 'sessions' THEN
      sessions_deleted := wazo_auth.delete_expired_sessions(v_batch);
      sessions_announced := wazo_auth.announce_expiring_sessions(v_batch);
      acl_sets_deleted := wazo_auth.delete_unused_acl_sets(v_batch);
    ELSIF v_queue = 'events' THEN
      events_delivered := wazo_auth.deliver_events_locally(v_batch);
      events_removed := wazo_auth.purge_event_log(v_batch);
    ELSE
      mails_delivered := wazo_auth.deliver_mails_locally(v_batch);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.tick(integer) IS
'One round of what the background workers do, for a server without them: to be called by any scheduler, for example '
'every minute by cron. batch bounds each kind of work, 1 to 100000; null for wazo_auth.token_cleanup_batch_size. '
'Events go to the stream only, and only while no broker is configured: sending them elsewhere takes a worker, and so '
'does sending mails by SMTP. What wazo_auth.hold_reason() holds is left alone, with a warning; on a standby it does '
'nothing. Returns what was done. Raises 22023 for another batch.';

-- workers/functions.sql

-- What people see of the background workers.

CREATE FUNCTION wazo_auth.worker_states(
  OUT worker text, OUT queue text, OUT pid integer, OUT state text, OUT started_at timestamptz,
  OUT last_error text, OUT last_error_at timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE ROWS 3 AS 'MODULE_PATHNAME', 'wazo_auth_worker_states';
COMMENT ON FUNCTION wazo_auth.worker_states() IS
'State of each background worker of this database, by what it works on. state: running; failing: it runs, but the '
'last attempt failed; starting; stopped; off: its interval is 0; held: wazo_auth.hold_reason() says why; not loaded: '
'wazo_auth is not in shared_preload_libraries, so there are no workers. reason: why it is held or stopped, and what '
'to do about it. last_error is kept after the work goes again, until the server restarts; it names no credentials. '
'Cheap: reads shared memory and one row.';

CREATE VIEW wazo_auth.worker_status AS
SELECT s.worker, s.queue, s.pid, s.state, s.started_at, q.length AS queue_length,
       pg_catalog.clock_timestamp() - q.oldest AS oldest_age, q.parked, s.last_error, s.last_error_at, s.reason
FROM wazo_auth.worker_states() s
JOIN (SELECT 'sessions' AS queue, pg_catalog.count(*) AS length, pg_catalog.min(x.expires_at) AS oldest,
  0::bigint AS parked
      FROM wazo_auth.session x
      WHERE x.expires_at <= pg_catalog.now()
      UNION ALL
      SELECT 'events', pg_catalog.count(*) FILTER (WHERE NOT o.parked),
        pg_catalog.min(o.created_at) FILTER (WHERE NOT o.parked),
             pg_catalog.count(*) FILTER (WHERE o.parked)
      FROM wazo_auth.event_outbox o
      UNION ALL
      SELECT 'mails', pg_catalog.count(*) FILTER (WHERE NOT m.parked),
        pg_catalog.min(m.created_at) FILTER (WHERE NOT m.parked),
             pg_catalog.count(*) FILTER (WHERE m.parked)
      FROM wazo_auth.mail_outbox m) q ON q.queue = s.queue;
COMMENT ON VIEW wazo_auth.worker_status IS
'The background workers of this database and what waits for them. state: see wazo_auth.worker_states()';
COMMENT ON COLUMN wazo_auth.worker_status.queue IS
'sessions: expired ones to be deleted; events: to be sent to the broker or the stream; mails: to be written and sent';
COMMENT ON COLUMN wazo_auth.worker_status.oldest_age IS
'How long the oldest in the queue has waited; null when nothing waits';
COMMENT ON COLUMN wazo_auth.worker_status.parked IS 'Given up after too many attempts; not in queue_length';
COMMENT ON COLUMN wazo_auth.worker_status.reason IS
'Why the work is held or the worker stopped, and what to do about it; null otherwise';
COMMENT ON COLUMN wazo_auth.worker_status.last_error IS
'Why an attempt failed last, also when the work goes again since';

CREATE FUNCTION wazo_auth.health(with_queues boolean DEFAULT true) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_bootstrapped boolean := wazo_auth.top_tenant_uuid() IS NOT NULL;
  v_ok boolean;
  v_workers json;
BEGIN
  with_queues := COALESCE(with_queues, true);
  IF with_queues THEN
    SELECT bool_and(w.state IN ('running', 'starting', 'off') AND w.parked = 0),
           json_agg(row_to_json(w.*) ORDER BY w.worker, w.queue)
    INTO v_ok, v_workers
    FROM wazo_auth.worker_status w;
  ELSE
    SELECT bool_and(w.state IN ('running', 'starting', 'off')),
           json_agg(row_to_json(w.*) ORDER BY w.worker, w.queue)
    INTO v_ok, v_workers
    FROM wazo_auth.worker_states() w;
  END IF;
  RETURN json_build_object(
    'status', CASE WHEN NOT v_bootstrapped THEN 'fail' WHEN v_ok THEN 'ok' ELSE 'degraded' END,
    'top_tenant', CASE WHEN v_bootstrapped THEN 'ok' ELSE 'fail' END,
    'workers', v_workers);
END
$$;
COMMENT ON FUNCTION wazo_auth.health(boolean) IS
'How the service is: status is "ok"; "degraded", when a worker does not do its work (its reason tells what to do) or '
'something is parked: logins and checks go on, and what waits is sent later; or "fail", when nobody can log in '
'because there is no top tenant yet (wazo_auth.bootstrap()). workers has the rows of wazo_auth.worker_status, or '
'with with_queues => false, which costs less, those of wazo_auth.worker_states().';

-- http/list_functions.sql

-- Lists: one statement makes a page and its counts (contract: schemas.md section 3).

CREATE FUNCTION wazo_auth.cached_query(sql text, args jsonb) RETURNS json
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_cached_query';
COMMENT ON FUNCTION wazo_auth.cached_query(text, jsonb) IS
'Runs a SELECT of one json value, with args as $1 and the rights of the caller; the plan is kept by the text. Values '
'belong into args, never into the text. Raises 22023 for any other statement, 54000 for a text over 64 KiB.';

CREATE FUNCTION wazo_auth.cached_count(sql text, args jsonb, key uuid) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_cached_count';
COMMENT ON FUNCTION wazo_auth.cached_count(text, jsonb, uuid) IS
'The bigint that a query counts, with args as $1, kept by text and key until the trigger forget_counts of a table '
'fires. Of args only what the key stands for may have a part in it.';

CREATE FUNCTION wazo_auth.forget_counts() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_forget_counts';
COMMENT ON FUNCTION wazo_auth.forget_counts() IS
'Statement trigger on tables whose rows wazo_auth.cached_count() counts: makes all backends count anew.';

CREATE FUNCTION wazo_auth.search_pattern(search text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT '%' || array_to_string(array_remove(string_to_array(
           regexp_replace(wazo_auth.fold_login(search), '[\\%_]', '\\\&', 'g'), ' '), ''), '%') || '%';
END;
COMMENT ON FUNCTION wazo_auth.search_pattern(text) IS
'LIKE pattern of the query parameter search, for columns folded by wazo_auth.fold_login(): its words in their order, '
'anything between them; %, _ and backslash in it are letters like any other. Null without a search.';

CREATE FUNCTION wazo_auth.raise_bad_filter(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(400, 'Not a valid filter: ' || name, 'invalid-list-param', resource => 'users',
    answer => json_build_object(name, json_build_object(
      'message', 'Not a valid filter.', 'constraint_id', 'type', 'constraint', 'filter')));
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_filter(text) IS
'Raises WA400 invalid-list-param for a filter that this list has not, or whose value cannot be read.';

CREATE FUNCTION wazo_auth.scope_clause(tenant_column text, tenant_uuid uuid, recurse boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF recurse IS NOT TRUE THEN
    RETURN tenant_column || ' = (SELECT ($1 ->> ''@tenant'')::uuid)';
  END IF;
  -- Everything is below the top tenant, and no clause leaves the planner the
  -- choice of any index.
  IF wazo_auth.tenant_is_top(tenant_uuid) THEN
    RETURN 'true';
  END IF;
  RETURN tenant_column
    || ' IN (SELECT t.uuid FROM wazo_auth.tenant_scope((SELECT ($1 ->> ''@tenant'')::uuid)) t(uuid))';
END
$$;
COMMENT ON FUNCTION wazo_auth.scope_clause(text, uuid, boolean) IS
'Condition on a column for wazo_auth.list_page(): it is the tenant given in the argument "@tenant", or with recurse '
'one at or below it.';

CREATE FUNCTION wazo_auth.search_clause(
  search jsonb, pattern text, source text DEFAULT NULL, visible text DEFAULT NULL, key text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Trigrams need three characters in a row; without them the index would be
  -- read from end to end, so the planner must not see that it could be used,
  -- and only what the list shows is looked at.
  v_indexed boolean := pattern ~ '[^%_\\[:space:][:punct:]]{3}';
  v_template text := CASE WHEN v_indexed THEN 'wazo_auth.fold_login(%s) LIKE (SELECT $1 ->> ''@pattern'')'
                          ELSE '(wazo_auth.fold_login(%s) || '''') LIKE (SELECT $1 ->> ''@pattern'')' END;
BEGIN
  RETURN (
    SELECT CASE WHEN search_clause.source IS NULL THEN string_agg(part.condition, ' OR ')
                WHEN v_indexed THEN string_agg(format('SELECT %s AS key FROM %s WHERE %s', part.key, part.source,
                  part.condition), ' UNION ')
                ELSE string_agg(format('SELECT %s AS key FROM %s JOIN %s ON %s = %s WHERE %s AND (%s)',
                                       search_clause.key, search_clause.source, part.source, part.key,
                                         search_clause.key, visible, part.condition), ' UNION ') END
    FROM (SELECT s.value ->> 'key' AS key, s.value ->> 'from' AS source,
                 (SELECT string_agg(format(v_template, c.name), ' OR ')
                   FROM jsonb_array_elements_text(s.value -> 'columns') c(name)) AS condition
          FROM jsonb_array_elements(search) s) part);
END
$$;
COMMENT ON FUNCTION wazo_auth.search_clause(jsonb, text, text, text, text) IS
'Text of wazo_auth.list_page() for a search: with source, visible and key of the list a query of the keys of what '
'matches the argument "@pattern", by the indexes of trigrams on wazo_auth.fold_login(column) if the pattern allows '
'it; else a condition on the list''s own rows.';

CREATE FUNCTION wazo_auth.list_page(
  query jsonb, args jsonb, answer text[], source text, visible text, columns text, item text, key text,
  list text, sort jsonb DEFAULT '{}', search jsonb DEFAULT NULL, shown text DEFAULT NULL,
  count_kept boolean DEFAULT false)
RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_args jsonb := query || args;
  v_order text := query ->> 'order';
  v_direction text := CASE query ->> 'direction' WHEN 'desc' THEN ' DESC' ELSE '' END;
  v_sorts jsonb;
  v_filters text;
  v_bad text;
  v_matches text;
  v_count text := format('SELECT count(*) AS n FROM %s WHERE %s', source, visible);
  v_limit text := CASE WHEN query ->> 'limit' IS NOT NULL THEN ' LIMIT ($1 ->> ''limit'')::bigint' ELSE '' END
               || CASE WHEN query ->> 'offset' <> '0' THEN ' OFFSET ($1 ->> ''offset'')::bigint' ELSE '' END;
  v_rows text;
  v_sql text;
  v_member text;
BEGIN
  IF v_order IS NOT NULL THEN
    IF sort ->> v_order IS NULL THEN
      PERFORM wazo_auth.raise_error(400, 'Invalid sort column: ' || v_order);
    END IF;
    v_sorts := CASE jsonb_typeof(sort -> v_order) WHEN 'array' THEN sort -> v_order
      ELSE jsonb_build_array(sort -> v_order) END;
  END IF;
  SELECT string_agg(' AND (' || replace(f.filter, '{}', format('(SELECT $1 ->> %L)', f.name)) || ')', ''
    ORDER BY f.name),
         min(f.name) FILTER (WHERE f.filter = '')
  INTO v_filters, v_bad
  FROM wazo_auth.schema_field f
  WHERE f.schema = list AND f.filter IS NOT NULL AND query ? f.name AND (f.empty_filter OR query ->> f.name <> '');
  IF v_bad IS NOT NULL THEN
    PERFORM wazo_auth.raise_bad_filter(v_bad);
  END IF;
  IF search IS NOT NULL AND query ? 'search' THEN
    v_args := v_args || jsonb_build_object('@pattern', wazo_auth.search_pattern(query ->> 'search'));
    IF search -> 0 ? 'from' THEN
      v_matches := wazo_auth.search_clause(search, v_args ->> '@pattern', source, visible, key);
    ELSE
      v_filters := concat(v_filters, ' AND (', wazo_auth.search_clause(search, v_args ->> '@pattern'), ')');
    END IF;
  END IF;
  IF count_kept THEN
    v_count := format('SELECT wazo_auth.cached_count(%L, $1, ($1 ->> ''@tenant'')::uuid) AS n', v_count);
  END IF;

  IF v_filters IS NULL AND v_matches IS NULL THEN
    -- Nulls come last in ascending order and first in descending order, as in
    -- an index, and rows that are equal are in the order of their keys.
    v_sql := format('WITH counted AS MATERIALIZED (%s), page AS (SELECT %s FROM %s WHERE %s%s ORDER BY %s%s%s%s)',
      v_count, columns, source, visible, COALESCE(' AND ' || shown, ''),
      (SELECT string_agg(s.expression || v_direction || ', ', '' ORDER BY s.n)
       FROM jsonb_array_elements_text(v_sorts) WITH ORDINALITY s(expression, n)),
      key, v_direction, v_limit);
  ELSE
    -- What matches is looked for once, to be counted and to be cut. The rows
    -- of a search are fetched one by one by their keys, whatever is guessed of
    -- their number.
    v_rows := format('SELECT %s, %s AS sort, %s AS key, %s AS shown FROM %s WHERE %s%s',
      columns, COALESCE(v_sorts ->> -1, 'NULL'), key, COALESCE(shown, 'true'), source, visible, v_filters);
    v_sql := format('WITH found AS MATERIALIZED (%s), page AS (SELECT * FROM found f WHERE f.shown '
      'ORDER BY f.sort%s, f.key%s%s)',
      CASE WHEN v_matches IS NULL THEN v_rows
           ELSE format('SELECT f.* FROM (%s) m CROSS JOIN LATERAL (%s AND %s = m.key OFFSET 0) f', v_matches, v_rows,
             key) END,
      v_direction, v_direction, v_limit);
  END IF;
  v_sql := v_sql || format(' SELECT wazo_auth.json_object(%L', answer);
  FOREACH v_member IN ARRAY answer LOOP
    v_sql := v_sql || ', ' || CASE
      WHEN v_member = 'items' THEN format('(SELECT wazo_auth.json_list(%s) FROM page p)', item)
      WHEN v_filters IS NULL AND v_matches IS NULL THEN '(SELECT n FROM counted)'
      WHEN v_member = 'total' THEN '(' || v_count || ')'
      ELSE '(SELECT count(*) FROM found)' END;
  END LOOP;
  RETURN wazo_auth.cached_query(v_sql || ')', v_args);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_page(jsonb, jsonb, text[], text, text, text, text, text, text, jsonb, jsonb, text,
  boolean) IS
'A page of a list with its counts, as JSON. query: validated query string (limit, offset, order, direction, search, '
'filters). args: further arguments of the texts, which find all as $1; their names start with @. answer: members in '
'their order, of items, total and filtered. source: FROM list; visible: condition for all counts; shown: further '
'condition for items only; columns: what the item expression (best a wazo_auth.json_object()) finds in the row p; '
'key: unique column, breaks ties and is what a search looks for. sort: name to expression, or to an array of '
'expressions that mean the same as the last one, for an index on a shortened text. list: what '
'wazo_auth.declare_list() has declared; its filters are those of the page. search: [{"columns": [...]}] for the '
'list''s own rows, or with "from" and "key" in each part for tables with an index for it. count_kept: source and '
'visible depend on @tenant only and their tables have the trigger forget_counts. All texts are the caller''s own, '
'never a client''s. Raises WA400 for a sort column or filter that the list has not.';

-- http/api_functions.sql

-- The description of the API, made from the routes and the declared shapes, so
-- that it cannot differ from what is served.

CREATE FUNCTION wazo_auth.yaml_value(value json, indent integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_margin text := E'\n' || repeat(' ', indent);
BEGIN
  -- A scalar of JSON is one of YAML, too.
  CASE json_typeof(value)
    WHEN 'object' THEN
      RETURN COALESCE((
        SELECT string_agg(v_margin
                          || CASE WHEN e.key ~ '^[a-z$_][A-Za-z_]*$'
                            AND e.key NOT IN ('y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null')
                                    AND e.key NOT LIKE '$%' THEN e.key ELSE to_json(e.key)::text END
                          || ':' || wazo_auth.yaml_value(e.value, indent + 2), '' ORDER BY e.place)
        FROM json_each(value) WITH ORDINALITY e (key, value, place)), ' {}');
    WHEN 'array' THEN
      RETURN COALESCE((
        SELECT string_agg(v_margin || '-' || wazo_auth.yaml_value(e.value, indent + 2), '' ORDER BY e.place)
        FROM json_array_elements(value) WITH ORDINALITY e (value, place)), ' []');
    ELSE
      RETURN ' ' || wazo_auth.json_ascii(value);
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.yaml_value(json, integer) IS
'What stands behind "key:" in YAML for a value: a scalar, or a block that is indented by so many blanks.';

CREATE FUNCTION wazo_auth.api_type(
  type text, min bigint, max bigint, choices text[], pattern text, item json DEFAULT NULL)
RETURNS json
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT json_strip_nulls(json_build_object(
    'type', CASE WHEN api_type.type IN ('integer', 'boolean') THEN api_type.type
                 WHEN api_type.type IN ('list', 'nested_list') THEN 'array'
                 WHEN api_type.type <> 'any' THEN 'string' END,
    'format', CASE WHEN api_type.type IN ('uuid', 'email') THEN api_type.type END,
    'minLength', CASE WHEN api_type.type IN ('string', 'email') THEN api_type.min END,
    'maxLength', CASE WHEN api_type.type IN ('string', 'email') THEN api_type.max END,
    'minimum', CASE WHEN api_type.type = 'integer' THEN api_type.min END,
    'maximum', CASE WHEN api_type.type = 'integer' THEN api_type.max END,
    'minItems', CASE WHEN api_type.type IN ('list', 'nested_list') THEN api_type.min END,
    'maxItems', CASE WHEN api_type.type IN ('list', 'nested_list') THEN api_type.max END,
    'enum', to_json(api_type.choices),
    'pattern', api_type.pattern,
    'items', api_type.item));
END;
COMMENT ON FUNCTION wazo_auth.api_type(text, bigint, bigint, text[], text, json) IS
'A declared type in the words of Swagger 2.0. item: the same of a list''s items.';

CREATE FUNCTION wazo_auth.api_field(field wazo_auth.schema_field) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_link json := json_build_object('$ref', '#/definitions/' || field.item_schema);
  v_type json;
BEGIN
  IF field.type = 'nested' THEN
    RETURN c_link;
  END IF;
  v_type := wazo_auth.api_type(field.type, field.min, LEAST(field.max, field.max_bytes), field.choices, field.pattern,
    CASE field.type WHEN 'list' THEN wazo_auth.api_type(field.item_type, field.item_min,
      LEAST(field.item_max, field.item_max_bytes), field.item_choices, field.item_pattern)
                    WHEN 'nested_list' THEN c_link END);
  IF field.default_value <> 'null' THEN
    v_type := wazo_auth.merge_metadata(v_type, json_build_object('default', field.default_value));
  END IF;
  IF num_nonnulls(field.max_bytes, field.item_max_bytes) > 0 THEN
    v_type := wazo_auth.merge_metadata(v_type, '{"description": "The greatest length is one of bytes in UTF-8"}'::json);
  END IF;
  IF field.nullable THEN
    v_type := wazo_auth.merge_metadata(v_type, '{"x-nullable": true}'::json);
  END IF;
  RETURN v_type;
END
$$;
COMMENT ON FUNCTION wazo_auth.api_field(wazo_auth.schema_field) IS 'A declared field in the words of Swagger 2.0.';

CREATE FUNCTION wazo_auth.api_definitions() RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE used AS (
    SELECT r.body_schema AS name FROM wazo_auth.route r WHERE r.body_schema IS NOT NULL
    UNION
    SELECT f.item_schema FROM used u JOIN wazo_auth.schema_field f ON f.schema = u.name WHERE f.item_schema IS NOT NULL
  )
  SELECT json_object_agg(d.name, d.definition ORDER BY d.name)
  FROM (
    SELECT s.name,
           json_strip_nulls(json_build_object(
             'type', 'object',
             'required', (SELECT json_agg(f.name ORDER BY f."position") FROM wazo_auth.schema_field f
                          WHERE f.schema = s.name AND f.required),
             'additionalProperties', CASE WHEN s.refuse_unknown THEN false END,
             'properties', (SELECT json_object_agg(f.name, wazo_auth.api_field(f) ORDER BY f."position")
                            FROM wazo_auth.schema_field f WHERE f.schema = s.name))) AS definition
    FROM used u
    JOIN wazo_auth.schema s ON s.name = u.name
    UNION ALL
    SELECT 'Error', '{"type": "object", "description": "message, error_id, details and maybe resource; or reason and '
      'status_code, for errors of tokens and policies",
      "properties": {"message": {"description": "What is wrong; of lists and addresses by parameter or field"}, '
        '"error_id": {"type": "string"},
        "details": {"type": "object"}, "resource": {"type": "string"}, "timestamp": {"description": "Seconds since '
          '1970, for reason in an array"},
        "reason": {"type": "array", "items": {"type": "string"}}, "status_code": {"type": "integer"}}}'
  ) d;
END;
COMMENT ON FUNCTION wazo_auth.api_definitions() IS
'The request bodies of all routes, and the error, as definitions of Swagger 2.0.';

CREATE FUNCTION wazo_auth.api_status(status integer) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT CASE api_status.status
           WHEN 200 THEN 'Done' WHEN 201 THEN 'Created' WHEN 204 THEN 'Done; no content' WHEN 302 THEN 'Elsewhere'
           WHEN 400 THEN 'The request cannot be understood or breaks a rule'
           WHEN 401 THEN 'The credentials or the token do not allow it'
           WHEN 403 THEN 'Forbidden'
           WHEN 404 THEN 'Not found, or not in sight from the tenant'
           WHEN 405 THEN 'Not possible for this one'
           WHEN 409 THEN 'In conflict with what there is'
           WHEN 429 THEN 'Too many sessions'
           WHEN 503 THEN 'Not now; try again'
           ELSE 'Error' END;
END;
COMMENT ON FUNCTION wazo_auth.api_status(integer) IS 'What an HTTP status means in this API.';

CREATE FUNCTION wazo_auth.api_parameters(route wazo_auth.route, path text) RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT json_agg(p.parameter ORDER BY p.kind, p.place)
  FROM (
    SELECT 1 AS kind, m.place,
           json_strip_nulls(json_build_object('name', m.groups[1], 'in', 'path', 'required', true,
             'type', 'string',
             'format', CASE WHEN m.groups[1] LIKE '%uuid' THEN 'uuid' END)) AS parameter
    FROM regexp_matches(api_parameters.path, '\{(\w+)\}', 'g') WITH ORDINALITY m (groups, place)
    UNION ALL
    SELECT 2, 1, '{"$ref": "#/parameters/tenant"}' WHERE 'tenant' = ANY ((api_parameters.route).checks)
    UNION ALL
    SELECT 3, 1, '{"$ref": "#/parameters/token"}' WHERE (api_parameters.route).token_from = 'query'
    UNION ALL
    SELECT 4, f."position",
           wazo_auth.merge_metadata(json_build_object('name', f.name, 'in', 'query', 'required', f.required),
             wazo_auth.merge_metadata(wazo_auth.api_field(f), CASE f.type WHEN 'list'
               THEN '{"collectionFormat": "multi"}' ELSE '{}' END::json))
    FROM wazo_auth.schema_field f WHERE f.schema = (api_parameters.route).query_schema
    UNION ALL
    SELECT 5, 1, json_build_object('name', 'body', 'in', 'body', 'required', true, 'description',
             format('At most %s bytes, %s values, nested %s deep', s.body_bytes, s.body_values,
               s.body_depth), 'schema',
             CASE WHEN s.max_items IS NOT NULL THEN json_build_object('type', 'array', 'maxItems',
               s.max_items, 'items', json_build_object('$ref', '#/definitions/' || s.name))
                  ELSE json_build_object('$ref', '#/definitions/' || s.name) END)
    FROM wazo_auth.schema s WHERE s.name = (api_parameters.route).body_schema
    UNION ALL
    SELECT 5, 1, '{"name": "body", "in": "body", "required": true, "schema": {"description": "Any JSON document"}}'
    WHERE 'json' = ANY ((api_parameters.route).checks)
  ) p;
END;
COMMENT ON FUNCTION wazo_auth.api_parameters(wazo_auth.route, text) IS
'The parameters of a route as Swagger 2.0 lists them; path: its path as it is described. Null for none.';

CREATE FUNCTION wazo_auth.api_access(access text, path text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT CASE WHEN j.name IS NULL THEN api_access.access
              ELSE regexp_replace(api_access.access, '\{(' || replace(j.name, '_or_', '|')
                || ')\}', '{' || j.name || '}', 'g') END
  FROM (SELECT substring(api_access.path, '\{(\w+_or_\w+)\}') AS name) j;
END;
COMMENT ON FUNCTION wazo_auth.api_access(text, text) IS
'The access of a route with the names of parameters that the described path has.';

CREATE FUNCTION wazo_auth.api_errors(route wazo_auth.route) RETURNS SETOF integer
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT e FROM unnest((api_errors.route).errors) e
  UNION SELECT 401 WHERE (api_errors.route).access IS NOT NULL
  UNION SELECT s FROM wazo_auth.check c CROSS JOIN unnest(c.statuses) s
        WHERE c.name = ANY ((api_errors.route).checks);
END;
COMMENT ON FUNCTION wazo_auth.api_errors(wazo_auth.route) IS
'Statuses of the errors that a route can answer: those of its checks and those of its handler.';

CREATE FUNCTION wazo_auth.api_operation(route wazo_auth.route, path text) RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT json_strip_nulls(json_build_object(
    'tags', json_build_array((api_operation.route).plugin),
    'summary', (api_operation.route).summary,
    'description', '**Required access**: `' || wazo_auth.api_access((api_operation.route).access, api_operation.path)
      || '`',
    'operationId', lower((api_operation.route).method)
                   || regexp_replace(replace(api_operation.path, '}', ''), '\W+', '_', 'g'),
    'security', CASE WHEN (api_operation.route).access IS NOT NULL THEN '[{"wazo_auth_token": []}]'::json
                     WHEN (api_operation.route).body_schema = 'token_request'
                       THEN '[{"wazo_auth_basic": []}]'::json END,
    'parameters', wazo_auth.api_parameters(api_operation.route, api_operation.path),
    'responses', (
      SELECT json_object_agg(s.status,
               CASE WHEN s.status < 400 THEN json_build_object('description', wazo_auth.api_status(s.status))
                    ELSE json_build_object('description', wazo_auth.api_status(s.status),
                                                      'schema', '{"$ref": "#/definitions/Error"}'::json) END
                                                        ORDER BY s.status)
      FROM (SELECT (api_operation.route).success AS status
            UNION SELECT wazo_auth.api_errors(api_operation.route)) s)));
END;
COMMENT ON FUNCTION wazo_auth.api_operation(wazo_auth.route, text) IS
'A route as an operation of Swagger 2.0; path: its path as it is described.';

CREATE FUNCTION wazo_auth.api_paths() RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- Paths that differ in the names of parameters only are one for Swagger:
  -- /policies/{policy_uuid} and /policies/{policy_slug} are described as
  -- /policies/{policy_uuid_or_policy_slug}.
  WITH here AS (
    SELECT r, regexp_replace(r.path, '\{\w+\}', '{}', 'g') AS shape
    FROM wazo_auth.route r
    WHERE r.path LIKE '/0.1/%'
  ), names AS (
    SELECT n.shape, n.place, string_agg(n.name, '_or_' ORDER BY n.name LIKE '%uuid' DESC, n.name) AS name
    FROM (SELECT DISTINCT h.shape, m.place, m.groups[1] AS name
          FROM here h
          CROSS JOIN LATERAL regexp_matches((h.r).path, '\{(\w+)\}', 'g') WITH ORDINALITY m (groups,
            place)) n
    GROUP BY n.shape, n.place
  ), described AS (
    SELECT s.shape,
           (SELECT string_agg(part.text || COALESCE('{' || n.name || '}', ''), '' ORDER BY part.place)
            FROM string_to_table(substr(s.shape, 5), '{}') WITH ORDINALITY part (text, place)
            LEFT JOIN names n ON n.shape = s.shape AND n.place = part.place) AS path
    FROM (SELECT DISTINCT h.shape FROM here h) s
  ), chosen AS (
    -- A route of people takes the place of the shipped one.
    SELECT DISTINCT ON (d.path, (h.r).method) d.path, h.r
    FROM here h
    JOIN described d ON d.shape = h.shape
    ORDER BY d.path, (h.r).method, (h.r).shipped, (h.r).path DESC
  )
  SELECT json_object_agg(p.path, p.operations ORDER BY p.path)
  FROM (SELECT c.path, json_object_agg(lower((c.r).method), wazo_auth.api_operation(c.r, c.path)
    ORDER BY (c.r).method) AS operations
        FROM chosen c
        GROUP BY c.path) p;
END;
COMMENT ON FUNCTION wazo_auth.api_paths() IS
'All routes below /0.1, of enabled plugins and others, as the paths of Swagger 2.0.';

CREATE FUNCTION wazo_auth.api_description() RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT json_build_object(
    'info', json_build_object('title', 'wazo-auth', 'version', '0.1',
      'description', 'Users, tenants, groups, policies, tokens and sessions of a Wazo platform'),
    'consumes', '["application/json"]'::json,
    'produces', '["application/json"]'::json,
    'securityDefinitions', '{"wazo_auth_token": {"type": "apiKey", "name": "X-Auth-Token", "in": "header"}, '
    '"wazo_auth_basic": {"type": "basic"}}'::json,
    'parameters', '{
      "tenant": {"name": "Wazo-Tenant", "in": "header", "required": false, "type": "string", "format": "uuid",
                 "description": "The tenant that the request is about: that of the token''s user, which is the '
                   'default, or one below it"},
      "token": {"name": "token", "in": "query", "required": false, "type": "string",
                "description": "The token, where a header cannot be sent"}}'::json,
    'paths', wazo_auth.api_paths(),
    'definitions', wazo_auth.api_definitions());
END;
COMMENT ON FUNCTION wazo_auth.api_description() IS
'The API as a document of Swagger 2.0, but for the place where it is served.';

CREATE FUNCTION wazo_auth.api_yaml() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT substr(wazo_auth.yaml_value(wazo_auth.api_description(), 0), 2) || E'\n';
END;
COMMENT ON FUNCTION wazo_auth.api_yaml() IS 'wazo_auth.api_description() as YAML.';

CREATE FUNCTION wazo_auth.cached_api_yaml() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_cached_api_yaml';
COMMENT ON FUNCTION wazo_auth.cached_api_yaml() IS
'wazo_auth.api_yaml(), which every server process makes once after a change of routes or shapes.';

-- users/list_functions.sql

CREATE FUNCTION wazo_auth.user_item() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN $item$wazo_auth.json_object(
      '{username,uuid,enabled,emails,firstname,lastname,purpose,tenant_uuid,authentication_method}',
      p.username, p.uuid, p.enabled,
      (SELECT wazo_auth.json_list(wazo_auth.json_object('{uuid,address,main,confirmed}', e.uuid, e.address,
                                                      e.main, e.confirmed))
       FROM (SELECT * FROM wazo_auth.email a WHERE a.user_uuid = p.uuid ORDER BY a.address) e),
      p.firstname, p.lastname, p.purpose, p.tenant_uuid, p.authentication_method)$item$;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_item() IS
'A user as the REST API shows it, as an expression on a row p of wazo_auth.user; addresses in their order.';

CREATE FUNCTION wazo_auth.user_json(user_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_json json := wazo_auth.cached_query(
    'SELECT ' || wazo_auth.user_item() || ' FROM wazo_auth.user p WHERE p.uuid = (SELECT ($1 ->> ''@user'')::uuid)',
    jsonb_build_object('@user', user_uuid));
BEGIN
  IF v_json IS NULL THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  RETURN v_json;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_json(uuid) IS
'A user as GET and PUT show it, and lists (see user_item()). Raises WA404 for an unknown user.';

CREATE FUNCTION wazo_auth.list_users(tenant_uuid uuid, query jsonb, group_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@group', group_uuid),
    answer => '{filtered,total,items}'::text[],
    source => CASE WHEN group_uuid IS NULL THEN 'wazo_auth.user u'
                   ELSE 'wazo_auth.group_user gu JOIN wazo_auth.user u ON u.uuid = gu.user_uuid' END,
    visible => CASE WHEN group_uuid IS NULL THEN wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 'gu.group_uuid = (SELECT ($1 ->> ''@group'')::uuid)' END,
    columns => 'u.uuid, u.username, u.firstname, u.lastname, u.purpose, u.enabled, u.tenant_uuid, '
      'u.authentication_method',
    item => wazo_auth.user_item(),
    key => 'u.uuid',
    sort => '{"username": "u.username",
              "firstname": ["left(u.firstname, 200)", "u.firstname"],
              "lastname": ["left(u.lastname, 200)", "u.lastname"]}'::jsonb,
    list => CASE WHEN group_uuid IS NULL THEN 'user_list' ELSE 'group_user_list' END,
    search => '[{"from": "wazo_auth.user s", "key": "s.uuid", "columns": ["s.username", "s.firstname", "s.lastname"]},
                {"from": "wazo_auth.email s", "key": "s.user_uuid", "columns": ["s.address"]}]'::jsonb,
    count_kept => group_uuid IS NULL AND query ->> 'recurse' IS DISTINCT FROM 'true');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_users(uuid, jsonb, uuid) IS
'Page of users as {"filtered", "total", "items"}: those of a tenant and, with recurse, below, or the members of a '
'group. query: a validated user_list or group_user_list.';

-- http/search_indexes.sql

-- Indexes for the query parameter search of lists. pg_trgm stands in a schema
-- of the administrator's choice. A row is compared as folded by ourselves:
-- ILIKE would fold by the collation, which for "C" knows ASCII only. Without
-- fastupdate a search never has to go through a list of late insertions.
DO $$
DECLARE
  v_opclass text;
  v_index record;
BEGIN
  SELECT pg_catalog.format('%I.gin_trgm_ops', n.nspname) INTO STRICT v_opclass
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_trgm';
  FOR v_index IN
    SELECT *
    FROM (VALUES ('user', '{username,firstname,lastname}'::text[]),
                 ('email', '{address}'),
                 ('group', '{name}'),
                 ('policy', '{name,description}'),
                 ('tenant', '{name,slug}'),
                 ('tenant_domain', '{name}')) t(table_name, columns)
  LOOP
    EXECUTE pg_catalog.format('CREATE INDEX %I ON wazo_auth.%I USING gin (%s) WITH (fastupdate = off)',
      v_index.table_name || '_search_idx', v_index.table_name,
      (SELECT pg_catalog.string_agg(pg_catalog.format('wazo_auth.fold_login(%I) %s', c, v_opclass), ', ')
       FROM pg_catalog.unnest(v_index.columns) c));
    EXECUTE pg_catalog.format('COMMENT ON INDEX wazo_auth.%I IS %L',
      v_index.table_name || '_search_idx', 'Serves the query parameter search, by trigrams of the folded text');
  END LOOP;
END
$$;

-- bootstrap.sql

CREATE FUNCTION wazo_auth.bootstrap(
  username text DEFAULT NULL, password text DEFAULT NULL, purpose text DEFAULT 'internal',
  policy_slug text DEFAULT 'wazo_default_master_user_policy')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_top uuid;
  v_user uuid;
  v_policy uuid;
BEGIN
  purpose := COALESCE(purpose, 'internal');
  policy_slug := COALESCE(policy_slug, 'wazo_default_master_user_policy');
  -- One at a time: it looks first and makes what is missing.
  LOCK TABLE wazo_auth.tenant IN SHARE ROW EXCLUSIVE MODE;
  PERFORM wazo_auth.go_live();
  v_top := wazo_auth.top_tenant_uuid();
  IF v_top IS NULL THEN
    v_top := gen_random_uuid();
    INSERT INTO wazo_auth.tenant (uuid, path, slug, name) VALUES (v_top, ARRAY[v_top], 'master', 'master');
  END IF;
  PERFORM wazo_auth.apply_tenant_defaults(v_top);
  IF NOT EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = v_top
    AND p.slug = 'wazo_default_master_user_policy') THEN
    PERFORM wazo_auth.create_policy(v_top, 'wazo_default_master_user_policy', '{#}'::wazo_auth.acl,
      description => E'Default Wazo policy for the "master" user\n\nDo not modify this policy, it can be modified in '
        'future Wazo upgrades\n');
  END IF;
  IF username IS NULL THEN
    RETURN v_top;
  END IF;
  IF COALESCE(password, '') = '' THEN
    RAISE EXCEPTION 'the administrator needs a password' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Call wazo_auth.bootstrap(username, password).';
  END IF;
  v_user := wazo_auth.resolve_login(username);
  IF v_user IS NOT NULL THEN
    IF wazo_auth.password_verify(password, (SELECT p.hash FROM wazo_auth.password p WHERE p.user_uuid = v_user)) THEN
      RETURN v_top;
    END IF;
    RAISE EXCEPTION 'the user "%" exists and has another password', username USING ERRCODE = 'duplicate_object',
      HINT = 'Use its password, or set a new one: SELECT wazo_auth.set_password(wazo_auth.resolve_login(username), '
        'password).';
  END IF;
  SELECT p.uuid INTO v_policy FROM wazo_auth.policy p
  WHERE p.slug = policy_slug AND p.tenant_uuid = v_top;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the top tenant has no policy with the slug "%"', policy_slug USING ERRCODE = 'undefined_object';
  END IF;
  v_user := wazo_auth.create_user(v_top, username, password, purpose => purpose, authentication_method => 'native');
  PERFORM wazo_auth.add_user_policy(v_user, v_policy);
  RETURN v_top;
END
$$;
COMMENT ON FUNCTION wazo_auth.bootstrap(text, text, text, text) IS
'Makes the top tenant, its group of all users and the policy wazo_default_master_user_policy, and with a username and '
'password the first administrator. May be called again: what exists stays. Whoever calls it says that this database '
'is the live one (wazo_auth.go_live()). Returns the top tenant. Raises 42710 when the user exists with another '
'password.';

-- triggers.sql

-- Triggers that keep every backend's compiled copies of a table true; they
-- have no other effect, so a restore may fire them.
CREATE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.route
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.route IS 'Makes all backends read the routes again';

CREATE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.check
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.check IS 'Makes all backends read the routes again, with their checks';

CREATE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.setting
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.setting IS
'Makes all backends read the settings again, and the routes, which they can turn off';

CREATE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.schema
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.schema IS 'Makes all backends read the shapes of requests again';

CREATE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.schema_field
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.schema_field IS 'Makes all backends read the shapes of requests again';

CREATE TRIGGER forget_counts AFTER INSERT OR DELETE OR TRUNCATE ON wazo_auth.user
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_counts();
COMMENT ON TRIGGER forget_counts ON wazo_auth.user IS 'Makes all backends count the users of tenants anew';

-- http/checks.sql

-- Checks that wazo_auth.http() does itself.

SELECT wazo_auth.add_check('tenant', NULL, '{401,404}',
  'The caller''s user exists, and the header Wazo-Tenant names its tenant or one below: the scoping tenant from here '
  'on');
SELECT wazo_auth.add_check('top_tenant', NULL, '{401}', 'The caller is a user of the top tenant');
SELECT wazo_auth.add_check('query', NULL, '{400}', 'The query string has the shape query_schema, and is read by it');
SELECT wazo_auth.add_check('body', NULL, '{400}', 'The body has the shape body_schema, and is read by it');
SELECT wazo_auth.add_check('json', NULL, '{400}', 'The body is a JSON document');

-- tenants/checks.sql

-- Checks about tenants that a path names.

CREATE FUNCTION wazo_auth.check_target_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.tenant_contains(request.tenant_uuid, (request.params ->> 'tenant_uuid')::uuid) THEN
    PERFORM wazo_auth.raise_unknown_tenant(request.params ->> 'tenant_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_target_tenant(wazo_auth.http_request) IS
'Raises WA404 when {tenant_uuid} is not the scoping tenant or below it.';
SELECT wazo_auth.add_check('target_tenant', 'wazo_auth.check_target_tenant', '{404}',
  '{tenant_uuid} is the scoping tenant or below it');

CREATE FUNCTION wazo_auth.check_parent_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.tenant_contains(request.tenant_uuid, (request.params ->> 'parent_tenant_uuid')::uuid) THEN
    PERFORM wazo_auth.raise_unknown_tenant(request.params ->> 'parent_tenant_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_parent_tenant(wazo_auth.http_request) IS
'Raises WA404 when {parent_tenant_uuid} is not the scoping tenant or below it.';
SELECT wazo_auth.add_check('parent_tenant', 'wazo_auth.check_parent_tenant', '{404}',
  '{parent_tenant_uuid} is the scoping tenant or below it');

-- users/checks.sql

-- Checks about users that a path names.

CREATE FUNCTION wazo_auth.check_user_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.user_in_sight((request.params ->> 'user_uuid')::uuid, request.tenant_uuid,
                                 wazo_auth.try_uuid(request.token_auth_id)) THEN
    PERFORM wazo_auth.raise_unknown_user(request.params ->> 'user_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_user_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {user_uuid} is not in sight. Also for handlers that have to find other errors before.';
SELECT wazo_auth.add_check('user', 'wazo_auth.check_user_in_sight', '{404}',
  '{user_uuid} is in the scoping tenant or below it, or is the caller');

-- emails/checks.sql

-- Checks about addresses that a path names.

CREATE FUNCTION wazo_auth.check_email_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- In a user's path only that user's.
  IF NOT EXISTS (
    SELECT FROM wazo_auth.email e
    WHERE e.uuid = (request.params ->> 'email_uuid')::uuid
      AND e.user_uuid = COALESCE((request.params ->> 'user_uuid')::uuid, e.user_uuid)
      AND wazo_auth.user_in_sight(e.user_uuid, request.tenant_uuid, wazo_auth.try_uuid(request.token_auth_id))) THEN
    PERFORM wazo_auth.raise_unknown_email((request.params ->> 'email_uuid')::uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_email_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {email_uuid} is not an address of {user_uuid}, or without that of a user in sight.';
SELECT wazo_auth.add_check('email', 'wazo_auth.check_email_in_sight', '{404}',
  '{email_uuid} is an address of {user_uuid}, or of a user in sight');

-- groups/checks.sql

-- Checks about groups that a path names.

CREATE FUNCTION wazo_auth.check_group_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.tenant_contains(
    request.tenant_uuid, wazo_auth.group_tenant_uuid((request.params ->> 'group_uuid')::uuid)) THEN
    PERFORM wazo_auth.raise_unknown_group(request.params ->> 'group_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_group_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {group_uuid} is not in the scoping tenant or below it.';
SELECT wazo_auth.add_check('group', 'wazo_auth.check_group_in_sight', '{404}',
  '{group_uuid} is in the scoping tenant or below it');

-- policies/checks.sql

-- Checks about policies that a path names, and about what a caller may give to
-- others and take from them. A policy that is judged stays locked, so that it is
-- given or taken as it was judged.

CREATE FUNCTION wazo_auth.check_policy_in_sight(request wazo_auth.http_request) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_uuid uuid;
BEGIN
  IF NOT request.params ? 'policy_slug' THEN
    v_uuid := (request.params ->> 'policy_uuid')::uuid;
    IF NOT wazo_auth.policy_in_sight(v_uuid, request.tenant_uuid) THEN
      PERFORM wazo_auth.raise_unknown_policy(v_uuid);
    END IF;
    RETURN NULL;
  END IF;
  v_uuid := wazo_auth.policy_of_slug(request.tenant_uuid, request.params ->> 'policy_slug');
  IF v_uuid IS NULL THEN
    PERFORM wazo_auth.raise_error(404, format('No such policy {''slug'': %s}',
      wazo_auth.python_repr(request.params ->> 'policy_slug')));
  END IF;
  RETURN jsonb_build_object('policy_uuid', v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_policy_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {policy_uuid} or {policy_slug} is not in sight from the scoping tenant; finds policy_uuid for a '
'slug.';
SELECT wazo_auth.add_check('policy', 'wazo_auth.check_policy_in_sight', '{404}',
  '{policy_uuid} or {policy_slug} is in sight from the scoping tenant');

CREATE FUNCTION wazo_auth.judge_addition(request wazo_auth.http_request, entries text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refused text := wazo_auth.may_add(wazo_auth.caller_acl(), request.token_auth_id, request.token_session_uuid::text,
    entries);
BEGIN
  IF v_refused IS NOT NULL THEN
    PERFORM wazo_auth.raise_unauthorized(v_refused);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_addition(wazo_auth.http_request, text[]) IS
'Raises WA401 for the first of the entries that the caller may not give to others.';

CREATE FUNCTION wazo_auth.judge_removal(request wazo_auth.http_request, entries text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refused text := wazo_auth.may_remove(wazo_auth.caller_acl(), request.token_auth_id,
    request.token_session_uuid::text, entries);
BEGIN
  IF v_refused IS NOT NULL THEN
    PERFORM wazo_auth.raise_unauthorized(v_refused);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_removal(wazo_auth.http_request, text[]) IS
'Raises WA401 for the first of the entries that the caller may not take from others.';

CREATE FUNCTION wazo_auth.check_may_add_access(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, ARRAY[request.params ->> 'access']);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_access(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give {access}.';
SELECT wazo_auth.add_check('may_add_access', 'wazo_auth.check_may_add_access', '{401}',
  'The caller may give {access}', judges => true);

CREATE FUNCTION wazo_auth.check_may_remove_access(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_removal(request, ARRAY[request.params ->> 'access']);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_access(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take {access}.';
SELECT wazo_auth.add_check('may_remove_access', 'wazo_auth.check_may_remove_access', '{401}',
  'The caller may take {access}', judges => true);

CREATE FUNCTION wazo_auth.body_entries(request wazo_auth.http_request) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(SELECT e.value FROM jsonb_array_elements_text(request.body -> 'acl') WITH ORDINALITY e (value, place)
               ORDER BY e.place);
END
$$;
COMMENT ON FUNCTION wazo_auth.body_entries(wazo_auth.http_request) IS 'The entries of the member "acl" of the body.';

CREATE FUNCTION wazo_auth.check_may_add_body(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, wazo_auth.body_entries(request));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_body(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the body.';
SELECT wazo_auth.add_check('may_add_body', 'wazo_auth.check_may_add_body', '{401}',
  'The caller may give the accesses in the body', judges => true);

CREATE FUNCTION wazo_auth.check_may_add_policy(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = (request.params ->> 'policy_uuid')::uuid
    FOR SHARE;
  PERFORM wazo_auth.judge_addition(request, v_acl);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_policy(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the policy in the path.';
SELECT wazo_auth.add_check('may_add_policy', 'wazo_auth.check_may_add_policy', '{401}',
  'The caller may give the accesses of the policy in the path', judges => true);

CREATE FUNCTION wazo_auth.check_may_remove_policy(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = (request.params ->> 'policy_uuid')::uuid
    FOR NO KEY UPDATE;
  PERFORM wazo_auth.judge_removal(request, v_acl);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_policy(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the policy in the path.';
SELECT wazo_auth.add_check('may_remove_policy', 'wazo_auth.check_may_remove_policy', '{401}',
  'The caller may take the accesses of the policy in the path', judges => true);

CREATE FUNCTION wazo_auth.check_may_remove_rest(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = (request.params ->> 'policy_uuid')::uuid
    FOR NO KEY UPDATE;
  PERFORM wazo_auth.judge_removal(request, ARRAY(
    SELECT e.entry FROM unnest(v_acl) WITH ORDINALITY e (entry, place)
    WHERE e.entry NOT IN (SELECT unnest(wazo_auth.body_entries(request))) ORDER BY e.place));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_rest(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the policy in the path that the body leaves out.';
SELECT wazo_auth.add_check('may_remove_rest', 'wazo_auth.check_may_remove_rest', '{401}',
  'The caller may take the accesses of the policy in the path that the body leaves out', judges => true);

CREATE FUNCTION wazo_auth.group_entries(group_uuid uuid) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    WITH p AS (
      SELECT p.uuid, p.acl FROM wazo_auth.group_policy gp JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
      WHERE gp.group_uuid = group_entries.group_uuid FOR SHARE)
    SELECT e.entry FROM p CROSS JOIN unnest(p.acl::text[]) WITH ORDINALITY e (entry, place) ORDER BY p.uuid, e.place);
END
$$;
COMMENT ON FUNCTION wazo_auth.group_entries(uuid) IS
'The entries of all policies of a group, which its members come by; policies and their places in the group stay '
'locked.';

CREATE FUNCTION wazo_auth.check_may_add_group(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, wazo_auth.group_entries((request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_group(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the group in the path.';
SELECT wazo_auth.add_check('may_add_group', 'wazo_auth.check_may_add_group', '{401}',
  'The caller may give the accesses of the group in the path', judges => true);

CREATE FUNCTION wazo_auth.check_may_remove_group(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_removal(request, wazo_auth.group_entries((request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_group(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the group in the path.';
SELECT wazo_auth.add_check('may_remove_group', 'wazo_auth.check_may_remove_group', '{401}',
  'The caller may take the accesses of the group in the path', judges => true);

CREATE FUNCTION wazo_auth.check_may_remove_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_tenant uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  -- Who is deleted with the tenant loses nothing to anybody; a policy of it that
  -- others have would be taken from them.
  PERFORM wazo_auth.judge_removal(request, ARRAY(
    WITH p AS (
      SELECT p.uuid, p.acl FROM wazo_auth.policy p
      WHERE p.tenant_uuid = v_tenant
        AND (EXISTS (SELECT FROM wazo_auth.user_policy up JOIN wazo_auth.user u ON u.uuid = up.user_uuid
                     WHERE up.policy_uuid = p.uuid AND u.tenant_uuid <> v_tenant)
             OR EXISTS (SELECT FROM wazo_auth.group_policy gp JOIN wazo_auth.group g ON g.uuid = gp.group_uuid
                        WHERE gp.policy_uuid = p.uuid AND g.tenant_uuid <> v_tenant))
      FOR SHARE OF p)
    SELECT e.entry FROM p CROSS JOIN unnest(p.acl::text[]) WITH ORDINALITY e (entry, place) ORDER BY p.uuid, e.place));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_tenant(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access that users or groups of other tenants have by a policy of '
'{tenant_uuid}.';
SELECT wazo_auth.add_check('may_remove_tenant', 'wazo_auth.check_may_remove_tenant', '{401}',
  'The caller may take the accesses that others have by policies of {tenant_uuid}', judges => true);

-- idp/checks.sql

-- Checks about authentication methods.

CREATE FUNCTION wazo_auth.check_idp(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.is_authentication_method(request.params ->> 'idp_type') THEN
    PERFORM wazo_auth.raise_error(404, format('No such IDP type: "%s"', request.params ->> 'idp_type'),
      'unknown-idp-type',
                                  json_build_object('idp_type', request.params ->> 'idp_type'), 'idp');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_idp(wazo_auth.http_request) IS
'Raises WA404 when {idp_type} is no authentication method.';
SELECT wazo_auth.add_check('idp', 'wazo_auth.check_idp', '{404}', '{idp_type} is an authentication method');

CREATE FUNCTION wazo_auth.check_body_method(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM wazo_auth.check_authentication_method(request.body ->> 'authentication_method');
END
$$;
COMMENT ON FUNCTION wazo_auth.check_body_method(wazo_auth.http_request) IS
'Raises WA400 when the body has an authentication_method that is none.';
SELECT wazo_auth.add_check('method', 'wazo_auth.check_body_method', '{400}',
  'The body''s authentication_method, if it has one, is a known one');

-- sessions/checks.sql

-- What stands before the handlers of tokens.

CREATE FUNCTION wazo_auth.check_path_token(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wazo_auth.token_check((request.params ->> 'token_uuid')::uuid) = 'unknown' THEN
    PERFORM wazo_auth.raise_error(404, 'No such token');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_path_token(wazo_auth.http_request) IS
'The check "token". Raises WA404 for a token that is unknown or has expired.';
SELECT wazo_auth.add_check('token', 'wazo_auth.check_path_token', '{404}',
  '{token_uuid} is a live token, so that nobody else has a body read');

-- http/rest.sql

-- Routes about the service itself.

CREATE FUNCTION wazo_auth.rest_status_head(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response('""'::json, CASE wazo_auth.health(false) ->> 'status' WHEN 'fail' THEN 503
    ELSE 200 END);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_status_head(wazo_auth.http_request) IS
'HEAD /status: 200 while the service serves, also with a broker or a mail server that does not: 503 for what '
'wazo_auth.health() calls "fail" (contract: responses.md section 3).';
SELECT wazo_auth.add_route('HEAD', '/0.1/status', 'wazo_auth.rest_status_head', 'status',
  summary => 'Is the service up?', errors => '{503}', public => true);

CREATE FUNCTION wazo_auth.rest_backends_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(json_build_object('data', wazo_auth.loaded_backends()));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_backends_get(wazo_auth.http_request) IS
'GET /backends: names of the enabled authentication backends.';
SELECT wazo_auth.add_route('GET', '/0.1/backends', 'wazo_auth.rest_backends_get', 'backends',
  summary => 'Names of the authentication backends', public => true);

-- http/api_rest.sql

-- Route of the API's description: /0.1/api/api.yml

CREATE FUNCTION wazo_auth.rest_api_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Where a proxy serves the API; what is no path is left out.
  v_prefix text := substring(wazo_auth.http_header(request, 'X-Script-Name')
    FROM '^((?:/[A-Za-z0-9._~-]{1,100}){1,10})/?$');
BEGIN
  RETURN ROW(200, ARRAY['Content-Type', 'application/x-yaml'], convert_to(
    concat(E'swagger: "2.0"\nschemes:\n- ', CASE WHEN v_prefix IS NULL THEN 'http' ELSE 'https' END,
           E'\nbasePath: "', v_prefix, E'/0.1"\n', wazo_auth.cached_api_yaml()), 'UTF8'))::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_api_get(wazo_auth.http_request) IS
'GET /api/api.yml: the API in Swagger 2.0. X-Script-Name, set by a proxy, is put before the paths.';
SELECT wazo_auth.add_route('GET', '/0.1/api/api.yml', 'wazo_auth.rest_api_get', 'api', summary => 'This description',
  errors => '{404}', public => true);

-- sessions/rest.sql

-- Routes of tokens: /0.1/token

CREATE FUNCTION wazo_auth.check_token_request(body jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_offline boolean := COALESCE(body ->> 'access_type' = 'offline', false);
  v_refresh boolean := COALESCE(body ->> 'refresh_token' <> '', false);
  v_client boolean := COALESCE(body ->> 'client_id' <> '', false);
BEGIN
  RETURN array_remove(ARRAY[
    CASE WHEN v_offline AND v_refresh THEN 'cannot use the "access_type" "offline" with a refresh token'
         WHEN v_offline AND NOT v_client THEN '"client_id" must be specified when using "access_type" is "offline"' END,
    CASE WHEN body ->> 'tenant_id' <> '' AND body ->> 'domain_name' <> ''
         THEN '"tenant_id" and "domain_name" must be mutually exclusive' END,
    CASE WHEN v_refresh AND NOT v_client THEN '"client_id" must be specified when using a "refresh_token"' END,
    CASE WHEN body ->> 'saml_session_id' <> '' AND v_refresh
         THEN 'Cannot use a "saml_session_id" and a "refresh_token" at the same time' END
  ], NULL);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_token_request(jsonb) IS
'Messages of the rules between the fields of a token request (contract: schemas.md, TokenRequest).';

SELECT wazo_auth.declare_schema('token_request', 'token_repr', NULL, '{
  "backend":         {"type": "string", "default": "wazo_user", "max": 128},
  "expiration":      {"type": "integer", "min": 1, "max": 315360000},
  "access_type":     {"type": "string", "choices": ["online", "offline"]},
  "client_id":       {"type": "string", "min": 1, "max": 1024, "bytes": 1024},
  "saml_session_id": {"type": "string", "min": 1, "max": 1024},
  "refresh_token":   {"type": "string", "max": 256},
  "tenant_id":       {"type": "string", "max": 256},
  "domain_name":     {"type": "string", "max": 256}
}', cross_check => 'wazo_auth.check_token_request', body_bytes => 16384, body_values => 1024);

-- Read by the handlers themselves, which are on the way of every request of
-- every service; declared for the API's description.
SELECT wazo_auth.declare_schema('token_query', 'token_repr', NULL, '{
  "scope":  {"type": "string", "bytes": 1024},
  "tenant": {"type": "string", "max": 256}
}');

SELECT wazo_auth.declare_schema('token_scopes_request', 'token_repr', NULL, '{
  "scopes":      {"type": "list", "required": true, "max": 256, "items": {"type": "string", "bytes": 1024}},
  "tenant_uuid": {"type": "string", "nullable": true, "default": null, "max": 256}
}', body_bytes => 8192, body_values => 1024);

CREATE FUNCTION wazo_auth.rest_token_head(request internal) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_rest_token_head';
COMMENT ON FUNCTION wazo_auth.rest_token_head(internal) IS
'HEAD /token/{token_uuid}: 204 when the token is valid and passes the checks of scope and tenant, 404 or 403 '
'otherwise.';
SELECT wazo_auth.add_route('HEAD', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_head', 'tokens',
  summary => 'Is a token valid for a scope and tenant?', success => 204, errors => '{400,403,404}',
    query_schema => 'token_query', public => true);

CREATE FUNCTION wazo_auth.rest_token_get(request internal) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_rest_token_get';
COMMENT ON FUNCTION wazo_auth.rest_token_get(internal) IS
'GET /token/{token_uuid}: like HEAD, with the token as JSON.';
SELECT wazo_auth.add_route('GET', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_get', 'tokens',
  summary => 'A token, if it is valid for a scope and tenant', errors => '{400,403,404}', query_schema => 'token_query',
    public => true);

CREATE FUNCTION wazo_auth.rest_token_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_credentials record := wazo_auth.basic_credentials(wazo_auth.http_header(request, 'Authorization'));
  v_new record;
BEGIN
  v_new := wazo_auth.token_create(
    login => v_credentials.login, password => v_credentials.password,
    expiration => (v_body ->> 'expiration')::integer,
    access_type => COALESCE(v_body ->> 'access_type', 'online'),
    client_id => v_body ->> 'client_id',
    refresh_token => v_body ->> 'refresh_token',
    mobile => COALESCE(lower(wazo_auth.http_header(request, 'Wazo-Session-Type') COLLATE "C") = 'mobile',
      false),
    backend => v_body ->> 'backend',
    user_agent => COALESCE(wazo_auth.http_header(request, 'User-Agent'), ''),
    remote_addr => COALESCE(request.peer, ''),
    members => v_body);
  RETURN wazo_auth.json_response(
    json_build_object('data', wazo_auth.token_json(v_new.token, v_new.new_refresh_token)),
    headers => ARRAY['Wazo-Sessions-Revoked', v_new.sessions_revoked::text]);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_post(wazo_auth.http_request) IS
'POST /token: logs in by Basic credentials or refresh token and answers with the new token.';
SELECT wazo_auth.add_route('POST', '/0.1/token', 'wazo_auth.rest_token_post', 'tokens',
  checks => '{body}', body_schema => 'token_request', summary => 'Log in', errors => '{401,404,429,503}',
  public => true, changes_no_access => 'a token grants what its user has already');

CREATE FUNCTION wazo_auth.rest_token_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.token_delete((request.params ->> 'token_uuid')::uuid);
  RETURN wazo_auth.json_response('{"data": {"message": "success"}}'::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_delete(wazo_auth.http_request) IS
'DELETE /token/{token_uuid}: ends the session; the same answer for an unknown token.';
SELECT wazo_auth.add_route('DELETE', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_delete', 'tokens',
  summary => 'End a session', public => true,
  changes_no_access => 'it ends a session; its user keeps its policies');

CREATE FUNCTION wazo_auth.rest_token_scopes_check_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_token uuid := (request.params ->> 'token_uuid')::uuid;
  v_tenant text := NULLIF(request.body ->> 'tenant_uuid', '');
  v_scopes text[] := ARRAY(
    SELECT s.scope
    FROM (SELECT e.value AS scope, min(e.n) AS place
          FROM jsonb_array_elements_text(request.body -> 'scopes') WITH ORDINALITY e(value, n)
          GROUP BY e.value) s
    ORDER BY s.place);
BEGIN
  -- A tenant that is no uuid is nobody's.
  IF v_tenant IS NOT NULL
     AND (wazo_auth.try_uuid(v_tenant) IS NULL
          OR wazo_auth.token_check(v_token, tenant => wazo_auth.try_uuid(v_tenant)) = 'tenant_denied') THEN
    PERFORM wazo_auth.raise_error(403, 'Unauthorized for tenant ' || wazo_auth.ascii(v_tenant));
  END IF;
  RETURN wazo_auth.json_response(json_build_object('scopes', (
    SELECT COALESCE(json_object_agg(g.scope, g.granted ORDER BY g.place), '{}')
    FROM ROWS FROM (unnest(v_scopes), unnest(wazo_auth.token_grants(v_token, v_scopes)))
         WITH ORDINALITY g (scope, granted, place))));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_scopes_check_post(wazo_auth.http_request) IS
'POST /token/{token_uuid}/scopes/check: which of the accesses the token grants.';
SELECT wazo_auth.add_route('POST', '/0.1/token/{token_uuid}/scopes/check', 'wazo_auth.rest_token_scopes_check_post',
  'tokens',
  checks => '{token,body}', body_schema => 'token_scopes_request', summary => 'Which scopes does a token grant?',
    errors => '{403}', public => true,
  changes_no_access => 'it only reads');

-- refresh_tokens/rest.sql

-- Routes of refresh tokens: /0.1/tokens, /0.1/users/{user_uuid}/tokens

SELECT wazo_auth.declare_list('refresh_token_list', '{created_at,client_id,mobile}', default_sort => 'created_at',
  filters => '{
  "client_id":  {"bytes": 1024, "filter": "r.client_id = {}"},
  "mobile":     {"filter": "r.mobile = (SELECT ($1 ->> ''@mobile'')::boolean)"},
  "created_at": {"filter": "r.created_at = (SELECT ($1 ->> ''@created_at'')::timestamptz)"}
}');

CREATE FUNCTION wazo_auth.list_refresh_tokens(
  tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL, recurse boolean DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_args jsonb := jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid);
BEGIN
  BEGIN
    v_args := v_args || jsonb_build_object('@mobile', (query ->> 'mobile')::boolean);
  EXCEPTION WHEN data_exception THEN
    PERFORM wazo_auth.raise_bad_filter('mobile');
  END;
  BEGIN
    v_args := v_args || jsonb_build_object('@created_at', (query ->> 'created_at')::timestamptz);
  EXCEPTION WHEN data_exception THEN
    PERFORM wazo_auth.raise_bad_filter('created_at');
  END;
  RETURN wazo_auth.list_page(query, v_args,
    answer => '{total,filtered,items}'::text[],
    source => 'wazo_auth.refresh_token r JOIN wazo_auth.user u ON u.uuid = r.user_uuid',
    -- The caller's checks have made sure that this user is visible.
    visible => CASE WHEN user_uuid IS NOT NULL THEN 'r.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)'
                    ELSE wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid,
                      COALESCE(recurse, (query ->> 'recurse')::boolean)) END,
    columns => 'r.client_id, r.created_at, r.mobile, r.user_uuid, u.tenant_uuid, r.metadata',
    item => $item$json_build_object('client_id', p.client_id, 'created_at', wazo_auth.iso_time(p.created_at), 'mobile',
      p.mobile,
              'user_uuid', p.user_uuid, 'tenant_uuid', p.tenant_uuid, 'metadata', p.metadata)$item$,
    key => 'r.token_digest',
    sort => '{"created_at": "r.created_at", "client_id": "r.client_id", "mobile": "r.mobile"}'::jsonb,
    list => 'refresh_token_list',
    search => '[{"columns": ["r.client_id"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_refresh_tokens(uuid, jsonb, uuid, boolean) IS
'Page of refresh tokens as {"total", "filtered", "items"}: those of one user, or of the users of a tenant and, with '
'recurse, below. query: a validated refresh_token_list. Raises WA400 for a filter that cannot be read.';

CREATE FUNCTION wazo_auth.revoke_refresh_token(user_uuid uuid, client_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  SELECT r.token_digest INTO v_digest
  FROM wazo_auth.refresh_token r
  WHERE r.user_uuid = revoke_refresh_token.user_uuid AND r.client_id = revoke_refresh_token.client_id
  FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, format('unknown refresh_token for client_id "%s"', client_id),
      'cannot-find-refresh-token-matching-client-id', json_build_object('client_id', client_id), 'tokens');
  END IF;
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY[v_digest]);
END
$$;
COMMENT ON FUNCTION wazo_auth.revoke_refresh_token(uuid, text) IS
'Revokes a user''s refresh token for a client; sessions opened with it stay valid. Raises WA404 when there is none.';

CREATE FUNCTION wazo_auth.rest_tokens_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tokens_get(wazo_auth.http_request) IS
'GET /tokens: refresh tokens of the tenant''s users.';
SELECT wazo_auth.add_route('GET', '/0.1/tokens', 'wazo_auth.rest_tokens_get', 'tokens',
  access => 'auth.tokens.read', checks => '{tenant,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of a tenant''s users');

CREATE FUNCTION wazo_auth.rest_user_tokens_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(
           request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_tokens_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/tokens: refresh tokens of a user.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/tokens', 'wazo_auth.rest_user_tokens_get', 'tokens',
  access => 'auth.users.{user_uuid}.tokens.read', checks => '{tenant,user,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of a user');

CREATE FUNCTION wazo_auth.rest_user_token_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.revoke_refresh_token((request.params ->> 'user_uuid')::uuid, request.params ->> 'client_id');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_token_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/tokens/{client_id}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/tokens/{client_id}', 'wazo_auth.rest_user_token_delete',
  'tokens',
  access => 'auth.users.{user_uuid}.tokens.{client_id}.delete', checks => '{tenant,user}',
  summary => 'Revoke a refresh token of a user', success => 204,
  changes_no_access => 'it ends a way to log in; its user keeps its policies');

CREATE FUNCTION wazo_auth.caller_uuid(request wazo_auth.http_request) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Tokens that the service made itself have no user.
  IF wazo_auth.try_uuid(request.token_auth_id) IS NULL THEN
    PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', request.token_auth_id), 'unknown-user',
                                  json_build_object('uuid', request.token_auth_id), 'users');
  END IF;
  RETURN request.token_auth_id::uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.caller_uuid(wazo_auth.http_request) IS
'User of the caller''s token. Raises WA404 for a token without one.';

CREATE FUNCTION wazo_auth.rest_my_tokens_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(
           request.tenant_uuid, request.query, wazo_auth.caller_uuid(request)));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_my_tokens_get(wazo_auth.http_request) IS
'GET /users/me/tokens: refresh tokens of the caller.';
SELECT wazo_auth.add_route('GET', '/0.1/users/me/tokens', 'wazo_auth.rest_my_tokens_get', 'tokens',
  access => 'auth.users.me.tokens.read', checks => '{tenant,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of the caller');

CREATE FUNCTION wazo_auth.rest_my_token_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.revoke_refresh_token(wazo_auth.caller_uuid(request), request.params ->> 'client_id');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_my_token_delete(wazo_auth.http_request) IS 'DELETE /users/me/tokens/{client_id}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/me/tokens/{client_id}', 'wazo_auth.rest_my_token_delete', 'tokens',
  access => 'auth.users.me.tokens.{client_id}.delete', checks => '{tenant}',
  summary => 'Revoke a refresh token of the caller', success => 204,
  changes_no_access => 'it ends a way to log in; its user keeps its policies');

-- sessions/list_rest.sql

-- Routes of sessions: /0.1/sessions, /0.1/users/{user_uuid}/sessions

SELECT wazo_auth.declare_list('session_list', '{mobile}', filters => '{}');

CREATE FUNCTION wazo_auth.list_sessions(tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid),
    answer => CASE WHEN user_uuid IS NULL THEN '{filtered,total,items}' ELSE '{items,total,filtered}' END::text[],
    source => 'wazo_auth.session s',
    visible => CASE WHEN user_uuid IS NULL THEN wazo_auth.scope_clause('s.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 's.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)' END
               || ' AND s.expires_at > statement_timestamp()',
    columns => 's.uuid, s.mobile, s.tenant_uuid, s.user_uuid',
    item => $item$wazo_auth.json_object('{uuid,mobile,tenant_uuid,user_uuid}', p.uuid, p.mobile, p.tenant_uuid,
      p.user_uuid)$item$,
    key => 's.uuid',
    sort => '{"mobile": "s.mobile"}'::jsonb, list => 'session_list');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_sessions(uuid, jsonb, uuid) IS
'Page of live sessions: those of a tenant and, with recurse, below, as {"filtered", "total", "items"}; or those of a '
'user, as {"items", "total", "filtered"}. query: a validated session_list.';

CREATE FUNCTION wazo_auth.delete_session(session_uuid uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s WHERE s.uuid = delete_session.session_uuid)) > 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_session(uuid) IS
'Ends a session by its own uuid, which is not the token. Returns whether there was one.';

CREATE FUNCTION wazo_auth.rest_sessions_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_sessions(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_sessions_get(wazo_auth.http_request) IS 'GET /sessions: sessions of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/sessions', 'wazo_auth.rest_sessions_get', 'sessions',
  access => 'auth.sessions.read', checks => '{tenant,query}', query_schema => 'session_list',
  summary => 'Sessions of the tenant');

CREATE FUNCTION wazo_auth.rest_session_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- One that is out of sight is left alone without a word.
  PERFORM wazo_auth.delete_session(s.uuid)
  FROM wazo_auth.session s
  JOIN wazo_auth.tenant t ON t.uuid = s.tenant_uuid
  WHERE s.uuid = (request.params ->> 'session_uuid')::uuid
    AND (request.tenant_uuid = ANY (t.path) OR s.user_uuid = wazo_auth.try_uuid(request.token_auth_id));
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_session_delete(wazo_auth.http_request) IS
'DELETE /sessions/{session_uuid}: ends a session of the tenant or below, or of the caller; the same answer for any '
'other.';
SELECT wazo_auth.add_route('DELETE', '/0.1/sessions/{session_uuid}', 'wazo_auth.rest_session_delete', 'sessions',
  access => 'auth.sessions.{session_uuid}.delete', checks => '{tenant}',
  summary => 'End a session', success => 204,
  changes_no_access => 'it ends a session; its user keeps its policies');

CREATE FUNCTION wazo_auth.rest_user_sessions_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_sessions(
    request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_sessions_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/sessions: sessions of a user.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/sessions', 'wazo_auth.rest_user_sessions_get', 'user_session',
  access => 'auth.users.{user_uuid}.sessions.read', checks => '{tenant,user,query}', query_schema => 'session_list',
  summary => 'Sessions of a user');

CREATE FUNCTION wazo_auth.rest_user_session_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_session(s.uuid)
  FROM wazo_auth.session s
  WHERE s.uuid = (request.params ->> 'session_uuid')::uuid AND s.user_uuid = (request.params ->> 'user_uuid')::uuid;
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_session_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/sessions/{session_uuid}: ends a session of this user; the same answer when it is nobody''s '
'or another user''s.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/sessions/{session_uuid}',
  'wazo_auth.rest_user_session_delete', 'user_session',
  access => 'auth.users.{user_uuid}.sessions.{session_uuid}.delete', checks => '{tenant,user}',
  summary => 'End a session of a user', success => 204,
  changes_no_access => 'it ends a session; its user keeps its policies');

-- tenants/rest.sql

-- Routes of tenants: /0.1/tenants

SELECT wazo_auth.declare_schema('tenant_address', 'first_error', 'tenants', '{
  "line_1":   {"type": "string", "default": null, "min": 1, "max": 256},
  "line_2":   {"type": "string", "default": null, "min": 1, "max": 256},
  "city":     {"type": "string", "default": null, "min": 1, "max": 128},
  "state":    {"type": "string", "default": null, "min": 1, "max": 128},
  "country":  {"type": "string", "default": null, "min": 1, "max": 128},
  "zip_code": {"type": "string", "default": null, "min": 1, "max": 16}
}');

CREATE FUNCTION wazo_auth.check_tenant_body(body jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_default_method(body ->> 'default_authentication_method');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_tenant_body(jsonb) IS
'Rule of a tenant''s body beyond its fields: the default authentication method exists. Raises WA400.';

-- A PUT takes all that a POST takes but the slug. The check of domain names is
-- stricter than their pattern by the final newline and by the one character
-- that upstream could not store.
DO $do$
DECLARE
  v_slug text := '"slug": {"type": "string", "default": null, "min": 1, "max": 10, "pattern": "^[a-zA-Z0-9_]+$"},';
  v_fields text := $json$
    "contact": {"type": "uuid", "default": null},
    "phone":   {"type": "string", "default": null, "min": 1, "max": 32},
    "default_authentication_method": {"type": "string", "default": "native", "max": 64},
    "domain_names": {"type": "list", "default": [], "max": 100, "items": {"type": "string", "bytes": 254,
      "pattern": "^(?=.{1,253}\\.?$)(?:(?!(-|_)|[^.]+_)[A-Za-z0-9-_]{1,}(?<!-)(?:\\.|$)){2,63}$",
"check": "^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.){1,62}[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.?$"}},
    "address": {"type": "nested", "schema": "tenant_address",
      "default": {"line_1": null, "line_2": null, "city": null, "state": null, "country": null, "zip_code": null}}
  }$json$;
  v_name text :=
    '{"uuid": {"type": "uuid", "default": null}, "name": {"type": "string", "default": null, "min": 1, "max": 128},';
BEGIN
  PERFORM wazo_auth.declare_schema('tenant_post', 'first_error', 'tenants', (v_name || v_slug || v_fields)::json,
                                   cross_check => 'wazo_auth.check_tenant_body');
  PERFORM wazo_auth.declare_schema('tenant_put', 'first_error', 'tenants', (v_name || v_fields)::json,
                                   cross_check => 'wazo_auth.check_tenant_body');
END
$do$;

SELECT wazo_auth.declare_list('tenant_list', '{name,slug}', default_sort => 'name', filters => '{
  "uuid":        {"filter": "t.uuid = wazo_auth.try_uuid({})"},
  "uuids":       {"type": "list", "max": 25, "items": {"type": "string", "max": 256}, "filter": "t.uuid = ANY '
    '(ARRAY(SELECT wazo_auth.try_uuid(u.value) FROM jsonb_array_elements_text($1 -> ''uuids'') u))"},
  "name":        {"filter": "t.name = {}"},
  "slug":        {"filter": "t.slug = {}"},
  "domain_name": {"empty": false, "filter": "t.uuid IN (SELECT d.tenant_uuid FROM wazo_auth.tenant_domain d '
    'WHERE d.name = wazo_auth.normal_domain({}))"}
}');

CREATE FUNCTION wazo_auth.list_tenants(tenant_uuid uuid, query jsonb DEFAULT '{}') RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  query := COALESCE(query, '{}'::jsonb);
  RETURN wazo_auth.list_page(query, jsonb_build_object('@tenant', tenant_uuid),
    answer => '{filtered,total,items}'::text[],
    source => 'wazo_auth.tenant_item t',
    visible => wazo_auth.scope_clause('t.uuid', tenant_uuid, true),
    columns => 't.item',
    item => 'p.item',
    key => 't.uuid',
    sort => '{"name": "t.name", "slug": "t.slug"}'::jsonb,
    list => 'tenant_list',
    search => '[{"from": "wazo_auth.tenant s", "key": "s.uuid", "columns": ["s.name", "s.slug"]},
                {"from": "wazo_auth.tenant_domain s", "key": "s.tenant_uuid", "columns": ["s.name"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_tenants(uuid, jsonb) IS
'Page of a tenant and those below it as {"filtered", "total", "items"}. query: a validated tenant_list. Raises WA400 '
'for a sort column that there is not.';

CREATE FUNCTION wazo_auth.rest_tenants_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_tenants(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenants_get(wazo_auth.http_request) IS
'GET /tenants: the scoping tenant and all below it.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants', 'wazo_auth.rest_tenants_get', 'tenants',
  access => 'auth.tenants.read', checks => '{tenant,query}', query_schema => 'tenant_list',
  summary => 'The tenant and those below it');

CREATE FUNCTION wazo_auth.body_address(request wazo_auth.http_request) RETURNS wazo_auth.postal_address
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT jsonb_populate_record(NULL::wazo_auth.postal_address, request.body -> 'address');
END;
COMMENT ON FUNCTION wazo_auth.body_address(wazo_auth.http_request) IS 'The address in a tenant''s body.';

CREATE FUNCTION wazo_auth.rest_tenants_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid;
BEGIN
  IF (v_body ->> 'uuid')::uuid = request.tenant_uuid THEN
    PERFORM wazo_auth.raise_error(403, 'Conflict detected', 'conflict',
      json_build_object('parent_uuid', json_build_object('constraint_id', 'unique', 'msg',
        'A master tenant already exist')), 'tenants');
  END IF;
  v_uuid := wazo_auth.create_tenant(
    request.tenant_uuid, v_body ->> 'name', v_body ->> 'slug', (v_body ->> 'uuid')::uuid,
    phone => v_body ->> 'phone',
    contact => (v_body ->> 'contact')::uuid, seen_from => request.caller_tenant_uuid,
    default_authentication_method => v_body ->> 'default_authentication_method',
    domain_names => ARRAY(SELECT jsonb_array_elements_text(v_body -> 'domain_names')),
    address => wazo_auth.body_address(request));
  RETURN wazo_auth.json_response(wazo_auth.tenant_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenants_post(wazo_auth.http_request) IS
'POST /tenants: creates a tenant below the scoping tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/tenants', 'wazo_auth.rest_tenants_post', 'tenants',
  access => 'auth.tenants.create', checks => '{tenant,body}', body_schema => 'tenant_post',
  summary => 'Create a tenant', errors => '{403,404,409}',
  changes_no_access => 'there is nobody in a new tenant');

CREATE FUNCTION wazo_auth.rest_tenant_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.tenant_json((request.params ->> 'tenant_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_get(wazo_auth.http_request) IS 'GET /tenants/{tenant_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_get', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.read', checks => '{tenant,target_tenant}', summary => 'A tenant');

CREATE FUNCTION wazo_auth.rest_tenant_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.update_tenant(v_uuid,
    name => v_body ->> 'name', phone => v_body ->> 'phone',
    contact => (v_body ->> 'contact')::uuid, seen_from => request.caller_tenant_uuid,
    default_authentication_method => v_body ->> 'default_authentication_method',
    domain_names => ARRAY(SELECT jsonb_array_elements_text(v_body -> 'domain_names')),
    address => wazo_auth.body_address(request));
  RETURN wazo_auth.json_response(wazo_auth.tenant_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_put(wazo_auth.http_request) IS 'PUT /tenants/{tenant_uuid}: replaces it.';
SELECT wazo_auth.add_route('PUT', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_put', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.update', checks => '{tenant,body,target_tenant}', body_schema => 'tenant_put',
  summary => 'Replace a tenant', errors => '{409}',
  changes_no_access => 'it describes the tenant');

CREATE FUNCTION wazo_auth.rest_tenant_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  IF v_uuid = request.tenant_uuid THEN
    PERFORM wazo_auth.raise_own_tenant(v_uuid);
  END IF;
  PERFORM wazo_auth.delete_tenant(v_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_delete(wazo_auth.http_request) IS 'DELETE /tenants/{tenant_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_delete', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.delete', checks => '{tenant,target_tenant,may_remove_tenant}',
  summary => 'Delete a tenant that has no child, with all that is in it', success => 204, errors => '{400,403}');

CREATE FUNCTION wazo_auth.rest_tenant_domains_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response((
    SELECT json_build_object('total', count(*),
             'items', COALESCE(json_agg(json_build_object('name', d.name, 'uuid', d.uuid) ORDER BY d.name), '[]'))
    FROM wazo_auth.tenant_domain d
    WHERE d.tenant_uuid = (request.params ->> 'tenant_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_domains_get(wazo_auth.http_request) IS 'GET /tenants/{tenant_uuid}/domains.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants/{tenant_uuid}/domains', 'wazo_auth.rest_tenant_domains_get', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.domains.read', checks => '{tenant,target_tenant}',
    summary => 'Domain names of a tenant');

CREATE FUNCTION wazo_auth.rest_tenant_parent_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.move_tenant((request.params ->> 'tenant_uuid')::uuid,
    (request.params ->> 'parent_tenant_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_parent_put(wazo_auth.http_request) IS
'PUT /tenants/{tenant_uuid}/parent/{parent_tenant_uuid}: moves it.';
SELECT wazo_auth.add_route('PUT', '/0.1/tenants/{tenant_uuid}/parent/{parent_tenant_uuid}',
  'wazo_auth.rest_tenant_parent_put', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.parent.{parent_tenant_uuid}.update',
    checks => '{tenant,target_tenant,parent_tenant}',
  summary => 'Move a tenant, with those below it, under another parent', success => 204, errors => '{409}',
  changes_no_access => 'it changes who sees the tenant; all keep their policies');

-- policies/rest.sql

-- Routes of policies: /0.1/policies, /0.1/users/{user_uuid}/policies, /0.1/groups/{group_uuid}/policies

SELECT wazo_auth.declare_schema('policy_post', 'first_field', NULL, '{
  "name":        {"type": "string", "required": true, "min": 1, "max": 80},
  "slug":        {"type": "string", "default": null, "min": 1, "max": 80, "pattern": "^[a-zA-Z0-9_-]+$"},
  "description": {"type": "string", "default": null, "max": 4096},
  "acl":         {"type": "list", "default": [], "max": 10000, "items": {"type": "string", "bytes": 1024}},
  "shared":      {"type": "boolean", "default": false}
}', body_bytes => 1000000, body_values => 16384);
SELECT wazo_auth.declare_schema('policy_put', 'first_field', NULL, '{
  "name":        {"type": "string", "required": true, "min": 1, "max": 80},
  "description": {"type": "string", "default": null, "max": 4096},
  "acl":         {"type": "list", "default": [], "max": 10000, "items": {"type": "string", "bytes": 1024}}
}', body_bytes => 1000000, body_values => 16384);

-- Whose policies a filter tells: nobody's who is out of sight.
DO $do$
DECLARE
  c_seen_from text := '(SELECT ($1 ->> ''@seen_from'')::uuid)';
  v_filters jsonb := jsonb_build_object(
    'uuid', '{"filter": "q.uuid = wazo_auth.try_uuid({})"}'::jsonb,
    'name', '{"filter": "q.name = {}"}'::jsonb,
    'tenant_uuid', '{"filter": "q.tenant_uuid = wazo_auth.try_uuid({})"}'::jsonb,
    'user_uuid', jsonb_build_object('filter', format(
      '(%1$s IS NULL OR (SELECT wazo_auth.user_in_sight(wazo_auth.try_uuid({}), %1$s, NULL)))'
      ' AND q.uuid IN (SELECT f.policy_uuid FROM wazo_auth.user_policy f WHERE f.user_uuid = wazo_auth.try_uuid({}))',
      c_seen_from)),
    'group_uuid', jsonb_build_object('filter', format(
      '(%1$s IS NULL'
      ' OR (SELECT wazo_auth.tenant_contains(%1$s, wazo_auth.group_tenant_uuid(wazo_auth.try_uuid({})))))'
      ' AND q.uuid IN (SELECT f.policy_uuid FROM wazo_auth.group_policy f WHERE f.group_uuid = wazo_auth.try_uuid({}))',
      c_seen_from)));
BEGIN
  PERFORM wazo_auth.declare_list('policy_list', '{name,slug,description,uuid,read_only}', default_sort => 'name',
    filters => (v_filters || jsonb_build_object(
      'slug', '{"filter": "q.slug = {}"}'::jsonb,
      'read_only', jsonb_build_object('type', 'boolean', 'filter',
        '(q.config_managed OR (q.shared AND NOT EXISTS ('
        'SELECT FROM wazo_auth.tenant o WHERE o.uuid = q.tenant_uuid'
        ' AND (SELECT ($1 ->> ''@tenant'')::uuid) = ANY (o.path)))) = {}::boolean')))::json);
  PERFORM wazo_auth.declare_list('user_policy_list', '{name,description,uuid}', default_sort => 'name',
    filters => (v_filters || '{"user_uuid": {"filter": null}}')::json);
  PERFORM wazo_auth.declare_list('group_policy_list', '{name,description,uuid}', default_sort => 'name',
    filters => (v_filters || '{"group_uuid": {"filter": null}}')::json);
END
$do$;

CREATE FUNCTION wazo_auth.check_policy_writable(policy_uuid uuid, tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_policy wazo_auth.policy;
BEGIN
  SELECT p.* INTO v_policy FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  IF v_policy.config_managed OR NOT wazo_auth.tenant_contains(tenant_uuid, v_policy.tenant_uuid) THEN
    PERFORM wazo_auth.raise_error(403, format('Forbidden policy deletion: "%s"', policy_uuid));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_policy_writable(uuid, uuid) IS
'Raises WA403 for a policy of the configuration or one that another tenant lends to this one, WA404 for one that is '
'gone; locks it otherwise.';

CREATE FUNCTION wazo_auth.rest_policies_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_policies(request.query, request.tenant_uuid,
    (request.query ->> 'recurse')::boolean));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policies_get(wazo_auth.http_request) IS
'GET /policies: those that the scoping tenant can see.';
SELECT wazo_auth.add_route('GET', '/0.1/policies', 'wazo_auth.rest_policies_get', 'policies',
  access => 'auth.policies.read', checks => '{query,tenant}', query_schema => 'policy_list',
  summary => 'Policies that the tenant can see');

CREATE FUNCTION wazo_auth.body_acl(request wazo_auth.http_request) RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.acl_distinct(wazo_auth.body_entries(request));
END
$$;
COMMENT ON FUNCTION wazo_auth.body_acl(wazo_auth.http_request) IS 'The ACL in a policy''s body.';

CREATE FUNCTION wazo_auth.rest_policies_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_policy(request.tenant_uuid, request.body ->> 'name', wazo_auth.body_acl(request),
    slug => request.body ->> 'slug', description => request.body ->> 'description',
      shared => (request.body ->> 'shared')::boolean);
  RETURN wazo_auth.json_response(wazo_auth.policy_json(v_uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policies_post(wazo_auth.http_request) IS
'POST /policies: creates a policy in the scoping tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/policies', 'wazo_auth.rest_policies_post', 'policies',
  access => 'auth.policies.create', checks => '{body,tenant,may_add_body}', body_schema => 'policy_post',
  summary => 'Create a policy', errors => '{409}');

-- A policy is named by its uuid or by its slug. By its slug it is looked for
-- first; by its uuid only after the accesses that the request itself names.

CREATE FUNCTION wazo_auth.rest_policy_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.policy_json((request.params ->> 'policy_uuid')::uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_get(wazo_auth.http_request) IS
'GET /policies/{policy_uuid} and /policies/{policy_slug}.';
SELECT wazo_auth.add_route('GET', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_get', 'policies',
  access => 'auth.policies.{policy_uuid}.read', checks => '{tenant,policy}',
  summary => 'A policy, by its uuid');
SELECT wazo_auth.add_route('GET', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_get', 'policies',
  access => 'auth.policies.{policy_slug}.read', checks => '{tenant,policy}',
  summary => 'A policy, by its slug');

CREATE FUNCTION wazo_auth.rest_policy_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.update_policy(v_uuid, request.body ->> 'name', wazo_auth.body_acl(request),
    request.body ->> 'description');
  RETURN wazo_auth.json_response(wazo_auth.policy_json(v_uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_put(wazo_auth.http_request) IS
'PUT /policies/{policy_uuid} and /policies/{policy_slug}: replaces it.';
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_put', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,body,may_add_body,policy,may_remove_rest}',
  body_schema => 'policy_put', summary => 'Replace a policy, by its uuid', errors => '{403,409}');
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_put', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,body,may_add_body,may_remove_rest}',
  body_schema => 'policy_put', summary => 'Replace a policy, by its slug', errors => '{403,409}');

CREATE FUNCTION wazo_auth.rest_policy_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.delete_policy(v_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_delete(wazo_auth.http_request) IS
'DELETE /policies/{policy_uuid} and /policies/{policy_slug}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_delete', 'policies',
  access => 'auth.policies.{policy_uuid}.delete', checks => '{tenant,policy,may_remove_policy}',
  summary => 'Delete a policy, by its uuid', success => 204, errors => '{403}');
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_delete', 'policies',
  access => 'auth.policies.{policy_slug}.delete', checks => '{tenant,policy,may_remove_policy}',
  summary => 'Delete a policy, by its slug', success => 204, errors => '{403}');

CREATE FUNCTION wazo_auth.rest_policy_access_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.add_policy_access(v_uuid, request.params ->> 'access');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_access_put(wazo_auth.http_request) IS
'PUT /policies/{policy_uuid}/acl/{access} and the same with a slug: puts an access into the policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_uuid}/acl/{access}',
  'wazo_auth.rest_policy_access_put', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,may_add_access,policy}',
  summary => 'Put an access into a policy, by its uuid', success => 204, errors => '{403,409}');
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_slug}/acl/{access}',
  'wazo_auth.rest_policy_access_put', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,may_add_access}',
  summary => 'Put an access into a policy, by its slug', success => 204, errors => '{403,409}');

CREATE FUNCTION wazo_auth.rest_policy_access_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.remove_policy_access(v_uuid, request.params ->> 'access');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_access_delete(wazo_auth.http_request) IS
'DELETE /policies/{policy_uuid}/acl/{access} and the same with a slug: takes an access out of the policy.';
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_uuid}/acl/{access}',
  'wazo_auth.rest_policy_access_delete', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,may_remove_access,policy}',
  summary => 'Take an access out of a policy, by its uuid', success => 204, errors => '{403}');
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_slug}/acl/{access}',
  'wazo_auth.rest_policy_access_delete', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,may_remove_access}',
  summary => 'Take an access out of a policy, by its slug', success => 204, errors => '{403}');

CREATE FUNCTION wazo_auth.rest_user_policies_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Without a looking tenant: each policy shows its owner.
  RETURN wazo_auth.json_response(wazo_auth.list_policies(
    request.query, user_uuid => (request.params ->> 'user_uuid')::uuid, seen_from => request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policies_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/policies: those given to the user directly.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/policies', 'wazo_auth.rest_user_policies_get', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.read', checks => '{tenant,user,query}', query_schema => 'user_policy_list',
  summary => 'Policies of a user');

CREATE FUNCTION wazo_auth.rest_user_policy_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_user_policy((request.params ->> 'user_uuid')::uuid, (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policy_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/policies/{policy_uuid} and the same with a slug: gives the user a policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_user_policy_put', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_uuid}.create', checks => '{tenant,policy,may_add_policy,user}',
  summary => 'Give a user a policy, by its uuid', success => 204);
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_user_policy_put', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_slug}.create', checks => '{tenant,policy,may_add_policy,user}',
  summary => 'Give a user a policy, by its slug', success => 204);

CREATE FUNCTION wazo_auth.rest_user_policy_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.remove_user_policy((request.params ->> 'user_uuid')::uuid,
    (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policy_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/policies/{policy_uuid} and the same with a slug: takes a policy from the user.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_user_policy_delete', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_uuid}.delete', checks => '{tenant,policy,may_remove_policy,user}',
  summary => 'Take a policy from a user, by its uuid', success => 204);
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_user_policy_delete', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_slug}.delete', checks => '{tenant,policy,may_remove_policy,user}',
  summary => 'Take a policy from a user, by its slug', success => 204);

CREATE FUNCTION wazo_auth.rest_group_policies_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_policies(request.query, request.tenant_uuid,
                                                         group_uuid => (request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policies_get(wazo_auth.http_request) IS
'GET /groups/{group_uuid}/policies: those of the group that the scoping tenant can see; the counts are of all.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}/policies', 'wazo_auth.rest_group_policies_get',
  'group_policy',
  access => 'auth.groups.{group_uuid}.policies.read', checks => '{tenant,group,query}',
    query_schema => 'group_policy_list',
  summary => 'Policies of a group');

CREATE FUNCTION wazo_auth.rest_group_policy_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_group_policy((request.params ->> 'group_uuid')::uuid, (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policy_put(wazo_auth.http_request) IS
'PUT /groups/{group_uuid}/policies/{policy_uuid} and the same with a slug: gives the group a policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_group_policy_put', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_uuid}.create', checks => '{tenant,group,policy,may_add_policy}',
  summary => 'Give a group a policy, by its uuid', success => 204);
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_group_policy_put', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_slug}.create', checks => '{tenant,policy,group,may_add_policy}',
  summary => 'Give a group a policy, by its slug', success => 204);

CREATE FUNCTION wazo_auth.rest_group_policy_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.remove_group_policy((request.params ->> 'group_uuid')::uuid,
    (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policy_delete(wazo_auth.http_request) IS
'DELETE /groups/{group_uuid}/policies/{policy_uuid} and the same with a slug: takes a policy from the group.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_group_policy_delete', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_uuid}.delete',
    checks => '{tenant,group,policy,may_remove_policy}',
  summary => 'Take a policy from a group, by its uuid', success => 204);
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_group_policy_delete', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_slug}.delete',
    checks => '{tenant,policy,group,may_remove_policy}',
  summary => 'Take a policy from a group, by its slug', success => 204);

-- idp/rest.sql

-- Routes of identity providers: /0.1/idp

SELECT wazo_auth.declare_schema('idp_user', 'list_query', NULL, '{
  "uuid": {"type": "string", "required": true, "max": 64}
}');
SELECT wazo_auth.declare_schema('idp_users', 'list_query', NULL, '{
  "users": {"type": "nested_list", "required": true, "max": 10000, "schema": "idp_user"}
}', body_bytes => 1000000, body_values => 32768);

CREATE FUNCTION wazo_auth.rest_idp_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(json_build_object(
           'total', count(*), 'filtered', count(*), 'items', json_agg(m)))
  FROM wazo_auth.authentication_methods() m;
END;
COMMENT ON FUNCTION wazo_auth.rest_idp_get(wazo_auth.http_request) IS
'GET /idp: the authentication methods that a user can have.';
SELECT wazo_auth.add_route('GET', '/0.1/idp', 'wazo_auth.rest_idp_get', 'idp',
  access => 'auth.idp.read', summary => 'Authentication methods that users can have');

CREATE FUNCTION wazo_auth.set_authentication_method(user_uuid uuid, method text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF NOT wazo_auth.is_authentication_method(method) THEN
    RAISE EXCEPTION 'there is no authentication method "%"', method USING ERRCODE = 'invalid_parameter_value',
      HINT = 'See SELECT * FROM wazo_auth.authentication_methods().';
  END IF;
  UPDATE wazo_auth.user u SET authentication_method = method WHERE u.uuid = user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_authentication_method(uuid, text) IS
'Sets how a user logs in; sessions, refresh tokens and the password stay (contract: idp.md section 3). Raises WA404 '
'for an unknown user, 22023 for an unknown method.';

CREATE FUNCTION wazo_auth.rest_idp_users_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_text text;
BEGIN
  FOR v_text IN
    SELECT u.value ->> 'uuid' FROM jsonb_array_elements(request.body -> 'users') WITH ORDINALITY u (value, place)
      ORDER BY u.place
  LOOP
    IF NOT wazo_auth.user_in_sight(wazo_auth.try_uuid(v_text), request.tenant_uuid,
      wazo_auth.try_uuid(request.token_auth_id)) THEN
      PERFORM wazo_auth.raise_unknown_user(v_text);
    END IF;
  END LOOP;
  -- In one order, so that two requests for the same users cannot wait for each other.
  PERFORM wazo_auth.set_authentication_method(u.uuid, request.params ->> 'idp_type')
  FROM (SELECT DISTINCT (u.value ->> 'uuid')::uuid AS uuid FROM jsonb_array_elements(request.body -> 'users') u (value)
    ORDER BY 1) u;
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_users_put(wazo_auth.http_request) IS
'PUT /idp/{idp_type}/users: sets the method of all the users, or of none when one is unknown.';
SELECT wazo_auth.add_route('PUT', '/0.1/idp/{idp_type}/users', 'wazo_auth.rest_idp_users_put', 'idp',
  access => 'auth.idp.{idp_type}.users.update', checks => '{idp,tenant,body}', body_schema => 'idp_users',
  summary => 'Set the authentication method of users', success => 204, errors => '{404}',
  changes_no_access => 'it changes how users log in');

CREATE FUNCTION wazo_auth.rest_idp_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.set_authentication_method((request.params ->> 'user_uuid')::uuid, request.params ->> 'idp_type');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_user_put(wazo_auth.http_request) IS
'PUT /idp/{idp_type}/users/{user_uuid}: sets the user''s method.';
SELECT wazo_auth.add_route('PUT', '/0.1/idp/{idp_type}/users/{user_uuid}', 'wazo_auth.rest_idp_user_put', 'idp',
  access => 'auth.idp.{idp_type}.users.{user_uuid}.create', checks => '{idp,tenant,user}',
  summary => 'Set the authentication method of a user', success => 204,
  changes_no_access => 'it changes how the user logs in');

CREATE FUNCTION wazo_auth.rest_idp_user_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE wazo_auth.user u SET authentication_method = 'default'
  WHERE u.uuid = (request.params ->> 'user_uuid')::uuid AND u.authentication_method = request.params ->> 'idp_type';
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_user_delete(wazo_auth.http_request) IS
'DELETE /idp/{idp_type}/users/{user_uuid}: a user with this method gets its tenant''s default one.';
SELECT wazo_auth.add_route('DELETE', '/0.1/idp/{idp_type}/users/{user_uuid}', 'wazo_auth.rest_idp_user_delete', 'idp',
  access => 'auth.idp.{idp_type}.users.{user_uuid}.delete', checks => '{idp,tenant,user}',
  summary => 'Take an authentication method from a user', success => 204,
  changes_no_access => 'it changes how the user logs in');

-- ldap/rest.sql

-- Routes of the tenant's directory: /0.1/backends/ldap

SELECT wazo_auth.declare_schema('ldap_config', 'first_field', NULL, '{
  "host":                 {"type": "string", "required": true, "min": 1, "max": 512},
  "port":                 {"type": "integer", "required": true, "min": 1, "max": 65535},
  "protocol_version":     {"type": "integer", "default": 3, "min": 2, "max": 3},
  "protocol_security":    {"type": "string", "nullable": true, "choices": ["ldaps", "tls"]},
  "bind_dn":              {"type": "string", "nullable": true, "min": 0, "max": 256},
  "user_base_dn":         {"type": "string", "required": true, "min": 1, "max": 256},
  "user_login_attribute": {"type": "string", "required": true, "min": 1, "max": 64},
  "user_email_attribute": {"type": "string", "required": true, "min": 1, "max": 64},
  "search_filters":       {"type": "string", "nullable": true, "max": 4096},
  "bind_password":        {"type": "string", "nullable": true, "max": 1024}
}');

CREATE FUNCTION wazo_auth.rest_ldap_config_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.shown_ldap_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_get(wazo_auth.http_request) IS
'GET /backends/ldap: the directory of the tenant, all null when it has none.';
SELECT wazo_auth.add_route('GET', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_get', 'ldap_config',
  access => 'auth.backends.ldap.read', checks => '{tenant}', summary => 'The LDAP directory of the tenant');

CREATE FUNCTION wazo_auth.rest_ldap_config_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.set_ldap_config(request.tenant_uuid, request.body);
  RETURN wazo_auth.json_response(wazo_auth.shown_ldap_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_put(wazo_auth.http_request) IS
'PUT /backends/ldap: sets the directory of the tenant; what is not given stays.';
SELECT wazo_auth.add_route('PUT', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_put', 'ldap_config',
  access => 'auth.backends.ldap.update', checks => '{tenant,body}', body_schema => 'ldap_config',
  summary => 'Set the LDAP directory of the tenant',
  changes_no_access => 'it says where passwords are checked; users keep their policies');

CREATE FUNCTION wazo_auth.rest_ldap_config_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = request.tenant_uuid;
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_delete(wazo_auth.http_request) IS
'DELETE /backends/ldap: the tenant has no directory any more.';
SELECT wazo_auth.add_route('DELETE', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_delete', 'ldap_config',
  access => 'auth.backends.ldap.delete', checks => '{tenant}', summary => 'Remove the LDAP directory of the tenant',
  success => 204, changes_no_access => 'it says where passwords are checked; users keep their policies');

-- config/rest.sql

-- Routes of the configuration: /0.1/config

-- Upstream fails with 500 where a part is missing; here all three are asked for.
SELECT wazo_auth.declare_schema('config_patch', 'first_error', 'config', '{
  "op":    {"type": "string", "required": true, "choices": ["replace"]},
  "path":  {"type": "string", "required": true, "choices": ["/debug", "/profiling_enabled"]},
  "value": {"type": "boolean", "required": true}
}', max_items => 100, refuse_unknown => true);

CREATE FUNCTION wazo_auth.rest_config_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END;
COMMENT ON FUNCTION wazo_auth.rest_config_get(wazo_auth.http_request) IS 'GET /config: the settings, secrets masked.';
SELECT wazo_auth.add_route('GET', '/0.1/config', 'wazo_auth.rest_config_get', 'config',
  access => 'auth.config.read', checks => '{top_tenant}', summary => 'The settings, secrets masked', errors => '{503}');

CREATE FUNCTION wazo_auth.rest_config_patch(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_array_length(request.body) > 0 THEN
    PERFORM wazo_auth.set_settings((
      SELECT jsonb_object_agg(substr(p.value ->> 'path', 2), p.value -> 'value' ORDER BY p.place)
      FROM jsonb_array_elements(request.body) WITH ORDINALITY p (value, place)), false);
  END IF;
  RETURN wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_config_patch(wazo_auth.http_request) IS
'PATCH /config: turns debug and profiling_enabled on or off, until the next start; the last one counts.';
SELECT wazo_auth.add_route('PATCH', '/0.1/config', 'wazo_auth.rest_config_patch', 'config',
  access => 'auth.config.update', checks => '{top_tenant,body}', body_schema => 'config_patch',
  summary => 'Turn debug and profiling on or off', errors => '{503}',
  changes_no_access => 'it changes how much is logged');

-- users/rest.sql

-- Routes of users: /0.1/users

SELECT wazo_auth.declare_list('user_list', '{username,firstname,lastname}', default_sort => 'username', filters => '{
  "uuid":            {"filter": "u.uuid = wazo_auth.try_uuid({})"},
  "username":        {"filter": "u.username = {}"},
  "firstname":       {"filter": "left(u.firstname, 200) = left({}, 200) AND u.firstname = {}"},
  "lastname":        {"filter": "left(u.lastname, 200) = left({}, 200) AND u.lastname = {}"},
  "purpose":         {"filter": "u.purpose = {}"},
  "email_address":   {"bytes": 512, "filter": "u.uuid IN (SELECT e.user_uuid FROM wazo_auth.login l '
    'JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid '
    'WHERE l.login = wazo_auth.normal_login({}) AND e.address = {})"},
  "group_uuid":      {"filter": "u.uuid IN (SELECT gm.user_uuid FROM wazo_auth.group_user gm '
    'WHERE gm.group_uuid = wazo_auth.try_uuid({}))"},
  "policy_uuid":     {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.user_policy up '
    'WHERE up.policy_uuid = wazo_auth.try_uuid({}))"},
  "policy_slug":     {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.user_policy up ON up.policy_uuid = po.uuid WHERE po.slug = {})"},
  "has_policy_uuid": {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.user_policy up '
    'WHERE up.policy_uuid = wazo_auth.try_uuid({}) UNION ALL SELECT gm.user_uuid FROM wazo_auth.group_policy gp '
    'JOIN wazo_auth.group_user gm ON gm.group_uuid = gp.group_uuid WHERE gp.policy_uuid = wazo_auth.try_uuid({}) '
    'AND (SELECT wazo_auth.policy_in_sight(wazo_auth.try_uuid({}), ($1 ->> ''@tenant'')::uuid)))"},
  "has_policy_slug": {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.user_policy up ON up.policy_uuid = po.uuid WHERE po.slug = {} UNION ALL SELECT gm.user_uuid '
    'FROM wazo_auth.policy po JOIN wazo_auth.group_policy gp ON gp.policy_uuid = po.uuid '
    'JOIN wazo_auth.group_user gm ON gm.group_uuid = gp.group_uuid WHERE po.slug = {} '
    'AND wazo_auth.policy_in_sight(po.uuid, (SELECT ($1 ->> ''@tenant'')::uuid)))"}
}');

SELECT wazo_auth.declare_schema('user_post', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null, "max": 256},
  "lastname":              {"type": "string", "default": null, "max": 256},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string", "max": 64},
  "enabled":               {"type": "boolean", "default": true},
  "uuid":                  {"type": "uuid"},
  "password":              {"type": "string", "nullable": true, "min": 1, "bytes": 4096},
  "email_address":         {"type": "email", "nullable": true, "bytes": 512}
}');

SELECT wazo_auth.declare_schema('user_put', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null, "max": 256},
  "lastname":              {"type": "string", "default": null, "max": 256},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string", "max": 64},
  "enabled":               {"type": "boolean", "default": true}
}');

SELECT wazo_auth.declare_schema('change_password', 'first_error', 'users', '{
  "old_password": {"type": "string", "required": true, "min": 1, "bytes": 4096},
  "new_password": {"type": "string", "required": true, "min": 1, "bytes": 4096}
}');

CREATE FUNCTION wazo_auth.rest_users_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_users(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_users_get(wazo_auth.http_request) IS 'GET /users: users of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/users', 'wazo_auth.rest_users_get', 'users',
  access => 'auth.users.read', checks => '{tenant,query}', query_schema => 'user_list',
  summary => 'Users of the tenant');

CREATE FUNCTION wazo_auth.created_user_json(user_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT json_build_object('uuid', u.uuid, 'username', u.username, 'firstname', u.firstname, 'lastname', u.lastname,
             'purpose', u.purpose,
             'emails', (SELECT COALESCE(json_agg(json_build_object(
                                 'uuid', e.uuid, 'address', e.address, 'confirmed', e.confirmed, 'main', e.main)), '[]')
                        FROM wazo_auth.email e WHERE e.user_uuid = u.uuid),
             'enabled', u.enabled, 'tenant_uuid', u.tenant_uuid, 'authentication_method', u.authentication_method)
    FROM wazo_auth.user u
    WHERE u.uuid = created_user_json.user_uuid
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.created_user_json(uuid) IS
'A user as POST /users and POST /users/register show it (contract: responses.md, user).';

CREATE FUNCTION wazo_auth.rest_users_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_user(request.tenant_uuid,
    username => v_body ->> 'username', password => v_body ->> 'password', email_address => v_body ->> 'email_address',
    firstname => v_body ->> 'firstname', lastname => v_body ->> 'lastname', purpose => v_body ->> 'purpose',
    authentication_method => v_body ->> 'authentication_method', enabled => (v_body ->> 'enabled')::boolean,
    uuid => (v_body ->> 'uuid')::uuid);
  RETURN wazo_auth.json_response(wazo_auth.created_user_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_users_post(wazo_auth.http_request) IS 'POST /users: creates a user in the tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/users', 'wazo_auth.rest_users_post', 'users',
  access => 'auth.users.create', checks => '{tenant,body}', body_schema => 'user_post',
  summary => 'Create a user', errors => '{409}',
  changes_no_access => 'a new user has what its tenant gives to all of its users');

CREATE FUNCTION wazo_auth.rest_user_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.user_json((request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_get(wazo_auth.http_request) IS 'GET /users/{user_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_get', 'users',
  access => 'auth.users.{user_uuid}.read', checks => '{tenant,user}',
  summary => 'A user');

CREATE FUNCTION wazo_auth.rest_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'user_uuid')::uuid;
  v_body jsonb := request.body;
BEGIN
  PERFORM wazo_auth.update_user(v_uuid,
    username => v_body ->> 'username', firstname => v_body ->> 'firstname', lastname => v_body ->> 'lastname',
    purpose => v_body ->> 'purpose', authentication_method => v_body ->> 'authentication_method',
    enabled => (v_body ->> 'enabled')::boolean);
  RETURN wazo_auth.json_response(wazo_auth.user_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}: replaces all but password and addresses.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_put', 'users',
  access => 'auth.users.{user_uuid}.update', checks => '{tenant,body,method,user}', body_schema => 'user_put',
  summary => 'Replace a user', errors => '{409}',
  changes_no_access => 'it describes the user, which keeps its policies, enabled or not');

CREATE FUNCTION wazo_auth.rest_user_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_user((request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_delete(wazo_auth.http_request) IS 'DELETE /users/{user_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_delete', 'users',
  access => 'auth.users.{user_uuid}.delete', checks => '{tenant,user}',
  summary => 'Delete a user', success => 204,
  changes_no_access => 'who is gone holds nothing, and all others keep what they have');

CREATE FUNCTION wazo_auth.rest_user_password_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.change_password((request.params ->> 'user_uuid')::uuid,
    request.body ->> 'old_password', request.body ->> 'new_password');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_password_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/password: the old password is needed; all tokens of the user end, the caller''s too.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/password', 'wazo_auth.rest_user_password_put', 'users',
  access => 'auth.users.{user_uuid}.password.update', checks => '{body,tenant,user}', body_schema => 'change_password',
  summary => 'Change the password of a user', success => 204, errors => '{405}',
  changes_no_access => 'it changes how the user logs in');

-- emails/rest.sql

-- Routes of e-mail addresses: /0.1/users/{user_uuid}/emails

CREATE FUNCTION wazo_auth.check_emails(body jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN e.n > 0 THEN array_remove(ARRAY[
    CASE WHEN e.different < e.n THEN 'The same address can only be used once' END,
    CASE WHEN e.main > 1 THEN 'Only one address should be main'
         WHEN e.main = 0 THEN 'At least one address should be main' END
  ], NULL) END
  FROM (SELECT count(*) AS n, count(DISTINCT i.value ->> 'address') AS different,
               count(*) FILTER (WHERE (i.value ->> 'main')::boolean) AS main
        FROM jsonb_array_elements(body -> 'emails') i) e;
END;
COMMENT ON FUNCTION wazo_auth.check_emails(jsonb) IS
'Messages of the rules between the addresses of a list (contract: schemas.md, AdminEmailPut).';

SELECT wazo_auth.declare_schema('admin_email', 'emails', NULL, '{
  "address":   {"type": "email", "required": true, "bytes": 512},
  "confirmed": {"type": "boolean", "nullable": true, "default": null},
  "main":      {"type": "boolean", "default": false}
}');
SELECT wazo_auth.declare_schema('user_email', 'emails', NULL, '{
  "address": {"type": "email", "required": true, "bytes": 512},
  "main":    {"type": "boolean", "default": false}
}');
SELECT wazo_auth.declare_schema('admin_emails_put', 'emails', NULL,
  '{"emails": {"type": "nested_list", "required": true, "max": 100, "schema": "admin_email"}}',
    cross_check => 'wazo_auth.check_emails');
SELECT wazo_auth.declare_schema('user_emails_put', 'emails', NULL,
  '{"emails": {"type": "nested_list", "required": true, "max": 100, "schema": "user_email"}}',
    cross_check => 'wazo_auth.check_emails');

CREATE FUNCTION wazo_auth.put_emails(request wazo_auth.http_request, OUT known text[], OUT emails jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_user uuid := (request.params ->> 'user_uuid')::uuid;
  v_taken text;
BEGIN
  emails := request.body -> 'emails';
  -- An address in use is told before an unknown user.
  SELECT i.value ->> 'address' INTO v_taken
  FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n)
  JOIN wazo_auth.login l ON l.login = wazo_auth.normal_login(i.value ->> 'address')
  WHERE l.user_uuid <> v_user
  ORDER BY i.n
  LIMIT 1;
  IF FOUND THEN
    PERFORM wazo_auth.raise_login_in_use(v_taken, 'email');
  END IF;
  PERFORM wazo_auth.check_user_in_sight(request);
  known := ARRAY(SELECT e.address FROM wazo_auth.email e WHERE e.user_uuid = v_user);
  PERFORM wazo_auth.replace_emails(v_user,
    ARRAY(SELECT i.value ->> 'address' FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n) ORDER BY i.n),
    (SELECT i.value ->> 'address' FROM jsonb_array_elements(emails) i WHERE (i.value ->> 'main')::boolean),
    ARRAY(SELECT (i.value ->> 'confirmed')::boolean FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n)
      ORDER BY i.n));
END
$$;
COMMENT ON FUNCTION wazo_auth.put_emails(wazo_auth.http_request) IS
'What both routes do: replaces the addresses. Returns those that were there before, and the ones sent.';

CREATE FUNCTION wazo_auth.rest_admin_emails_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_put record := wazo_auth.put_emails(request);
BEGIN
  RETURN wazo_auth.json_response((
    SELECT COALESCE(json_agg(json_build_object(
             'address', e.address,
             -- Null for a new address for which nothing was said.
             'confirmed', CASE WHEN e.address = ANY (v_put.known) OR (i.value ->> 'confirmed') IS NOT NULL
               THEN e.confirmed END,
             'main', e.main, 'uuid', e.uuid) ORDER BY i.n), '[]')
    FROM jsonb_array_elements(v_put.emails) WITH ORDINALITY i(value, n)
    JOIN wazo_auth.email e ON e.user_uuid = (request.params ->> 'user_uuid')::uuid
      AND e.address = i.value ->> 'address'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_admin_emails_put(wazo_auth.http_request) IS
'PUT /admin/users/{user_uuid}/emails: replaces a user''s addresses and says which are confirmed.';
SELECT wazo_auth.add_route('PUT', '/0.1/admin/users/{user_uuid}/emails', 'wazo_auth.rest_admin_emails_put',
  'user_email',
  access => 'auth.admin.users.{user_uuid}.emails.update', checks => '{body,tenant}', body_schema => 'admin_emails_put',
  summary => 'Replace the e-mail addresses of a user, confirmed or not', errors => '{409}',
  changes_no_access => 'it changes how the user logs in and where mails go');

CREATE FUNCTION wazo_auth.rest_user_emails_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_put record := wazo_auth.put_emails(request);
BEGIN
  RETURN wazo_auth.json_response((
    SELECT COALESCE(json_agg(
             CASE WHEN e.address = ANY (v_put.known)
                  THEN json_build_object('address', e.address, 'main', e.main, 'uuid', e.uuid, 'confirmed', e.confirmed)
                  ELSE json_build_object('address', e.address, 'main', e.main, 'confirmed', e.confirmed, 'uuid',
                    e.uuid) END
             ORDER BY i.n), '[]')
    FROM jsonb_array_elements(v_put.emails) WITH ORDINALITY i(value, n)
    JOIN wazo_auth.email e ON e.user_uuid = (request.params ->> 'user_uuid')::uuid
      AND e.address = i.value ->> 'address'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_emails_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/emails: replaces a user''s addresses; new ones are unconfirmed.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/emails', 'wazo_auth.rest_user_emails_put', 'user_email',
  access => 'auth.users.{user_uuid}.emails.update', checks => '{body,tenant}', body_schema => 'user_emails_put',
  summary => 'Replace the e-mail addresses of a user', errors => '{409}',
  changes_no_access => 'it changes how the user logs in and where mails go');

-- groups/rest.sql

-- Routes of groups: /0.1/groups, their users, and the groups of a user

SELECT wazo_auth.declare_list('group_list', '{name,slug,uuid,read_only}', default_sort => 'name', filters => '{
  "uuid":        {"filter": "g.uuid = wazo_auth.try_uuid({})"},
  "name":        {"filter": "g.name = {}"},
  "slug":        {"filter": "g.slug = {}"},
  "user_uuid":   {"filter": "g.uuid IN (SELECT gm.group_uuid FROM wazo_auth.group_user gm '
    'WHERE gm.user_uuid = wazo_auth.try_uuid({}))"},
  "read_only":   {"type": "boolean", "filter": "g.system_managed = {}::boolean"},
  "policy_uuid": {"empty": false, "filter": "(SELECT wazo_auth.policy_in_sight(wazo_auth.try_uuid({}), ($1 ->> '
    '''@tenant'')::uuid)) AND g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp '
    'WHERE gp.policy_uuid = wazo_auth.try_uuid({}))"},
  "policy_slug": {"empty": false, "filter": "g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.group_policy gp ON gp.policy_uuid = po.uuid WHERE po.slug = {} '
    'AND wazo_auth.policy_in_sight(po.uuid, (SELECT ($1 ->> ''@tenant'')::uuid)))"}
}');

SELECT wazo_auth.declare_list('user_group_list', '{name,uuid}', default_sort => 'name', filters => '{
  "uuid":      {"filter": "g.uuid = wazo_auth.try_uuid({})"},
  "name":      {"filter": "g.name = {}"},
  "user_uuid": {"filter": null}
}');

SELECT wazo_auth.declare_list('group_user_list', '{username}', default_sort => 'username', filters => '{
  "uuid":            {"filter": "u.uuid = wazo_auth.try_uuid({})"},
  "username":        {"filter": "u.username = {}"},
  "firstname":       {"filter": "left(u.firstname, 200) = left({}, 200) AND u.firstname = {}"},
  "lastname":        {"filter": "left(u.lastname, 200) = left({}, 200) AND u.lastname = {}"},
  "purpose":         {"filter": "u.purpose = {}"},
  "email_address":   {"bytes": 512, "filter": "u.uuid IN (SELECT e.user_uuid FROM wazo_auth.login l '
    'JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid '
    'WHERE l.login = wazo_auth.normal_login({}) AND e.address = {})"},
  "group_uuid":      {"filter": null}
}');

SELECT wazo_auth.declare_schema('group_post', 'first_error', 'groups', '{
  "name": {"type": "string", "required": true, "min": 1, "max": 128},
  "slug": {"type": "string", "default": null, "min": 1, "max": 80, "pattern": "^[a-zA-Z0-9_-]+$"}
}');

SELECT wazo_auth.declare_schema('group_put', 'first_error', 'groups', '{
  "name": {"type": "string", "required": true, "min": 1, "max": 128}
}');

CREATE FUNCTION wazo_auth.list_groups(tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid),
    answer => CASE WHEN user_uuid IS NULL THEN '{filtered,total,items}' ELSE '{items,total,filtered}' END::text[],
    source => CASE WHEN user_uuid IS NULL THEN 'wazo_auth.group g'
                   ELSE 'wazo_auth.group_user gu JOIN wazo_auth.group g ON g.uuid = gu.group_uuid' END,
    visible => CASE WHEN user_uuid IS NULL THEN wazo_auth.scope_clause('g.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 'gu.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)' END,
    columns => 'g.uuid, g.name, g.slug, g.tenant_uuid, g.system_managed',
    item => $item$wazo_auth.json_object('{uuid,name,slug,tenant_uuid,system_managed,read_only}',
              p.uuid, p.name, p.slug, p.tenant_uuid, p.system_managed, p.system_managed)$item$,
    key => 'g.uuid',
    sort => '{"name": "g.name", "uuid": "g.uuid"}'::jsonb,
    list => CASE WHEN user_uuid IS NULL THEN 'group_list' ELSE 'user_group_list' END,
    search => CASE WHEN user_uuid IS NULL
      THEN jsonb '[{"from": "wazo_auth.group s", "key": "s.uuid", "columns": ["s.name"]}]'
                   ELSE jsonb '[{"columns": ["g.name"]}]' END);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_groups(uuid, jsonb, uuid) IS
'Page of groups: those of a tenant and, with recurse, below, as {"filtered", "total", "items"}; or those of a user, '
'as {"items", "total", "filtered"}. query: a validated group_list or user_group_list. Raises WA400 for a sort column '
'that the list has not.';

CREATE FUNCTION wazo_auth.changed_group_response(group_uuid uuid) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response((
    SELECT json_build_object('uuid', g.uuid, 'tenant_uuid', g.tenant_uuid, 'name', g.name, 'slug', g.slug,
                             'read_only', g.system_managed, 'system_managed', g.system_managed)
    FROM wazo_auth.group g
    WHERE g.uuid = group_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.changed_group_response(uuid) IS 'The group as POST and PUT show it.';

CREATE FUNCTION wazo_auth.rest_groups_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_groups(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_groups_get(wazo_auth.http_request) IS 'GET /groups: groups of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/groups', 'wazo_auth.rest_groups_get', 'groups',
  access => 'auth.groups.read', checks => '{query,tenant}', query_schema => 'group_list',
  summary => 'Groups of the tenant');

CREATE FUNCTION wazo_auth.rest_groups_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_group(request.tenant_uuid, request.body ->> 'name', request.body ->> 'slug');
  RETURN wazo_auth.changed_group_response(v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_groups_post(wazo_auth.http_request) IS
'POST /groups: creates a group in the tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/groups', 'wazo_auth.rest_groups_post', 'groups',
  access => 'auth.groups.create', checks => '{body,tenant}', body_schema => 'group_post',
  summary => 'Create a group', errors => '{409}',
  changes_no_access => 'a new group has no policy and nobody in it');

CREATE FUNCTION wazo_auth.rest_group_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_json json;
BEGIN
  SELECT json_build_object('uuid', g.uuid, 'name', g.name, 'slug', g.slug, 'tenant_uuid', g.tenant_uuid,
                           'system_managed', g.system_managed, 'read_only', g.system_managed)
  INTO v_json
  FROM wazo_auth.group g
  WHERE g.uuid = (request.params ->> 'group_uuid')::uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(request.params ->> 'group_uuid');
  END IF;
  RETURN wazo_auth.json_response(v_json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_get(wazo_auth.http_request) IS 'GET /groups/{group_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_get', 'groups',
  access => 'auth.groups.{group_uuid}.read', checks => '{tenant,group}',
  summary => 'A group');

CREATE FUNCTION wazo_auth.rest_group_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'group_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.update_group(v_uuid, request.body ->> 'name');
  RETURN wazo_auth.changed_group_response(v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_put(wazo_auth.http_request) IS 'PUT /groups/{group_uuid}: renames a group.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_put', 'groups',
  access => 'auth.groups.{group_uuid}.update', checks => '{tenant,group,body}', body_schema => 'group_put',
  summary => 'Rename a group', errors => '{403,409}',
  changes_no_access => 'it describes the group');

CREATE FUNCTION wazo_auth.rest_group_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_group((request.params ->> 'group_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_delete(wazo_auth.http_request) IS 'DELETE /groups/{group_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_delete', 'groups',
  access => 'auth.groups.{group_uuid}.delete', checks => '{tenant,group,may_remove_group}',
  summary => 'Delete a group', success => 204, errors => '{403}');

CREATE FUNCTION wazo_auth.rest_group_users_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_users(
    request.tenant_uuid, request.query, (request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_users_get(wazo_auth.http_request) IS
'GET /groups/{group_uuid}/users: members of a group.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}/users', 'wazo_auth.rest_group_users_get', 'user_group',
  access => 'auth.groups.{group_uuid}.users.read', checks => '{query,tenant,group}', query_schema => 'group_user_list',
  summary => 'Members of a group');

CREATE FUNCTION wazo_auth.rest_group_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_group_user((request.params ->> 'group_uuid')::uuid, (request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_user_put(wazo_auth.http_request) IS
'PUT /groups/{group_uuid}/users/{user_uuid}.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/users/{user_uuid}', 'wazo_auth.rest_group_user_put',
  'user_group',
  access => 'auth.groups.{group_uuid}.users.{user_uuid}.create', checks => '{tenant,user,group,may_add_group}',
  summary => 'Put a user into a group', success => 204, errors => '{400,403}');

CREATE FUNCTION wazo_auth.rest_group_user_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group((request.params ->> 'group_uuid')::uuid,
    for_members => true));
  PERFORM wazo_auth.check_user_in_sight(request);
  PERFORM wazo_auth.remove_group_user((request.params ->> 'group_uuid')::uuid, (request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_user_delete(wazo_auth.http_request) IS
'DELETE /groups/{group_uuid}/users/{user_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/users/{user_uuid}', 'wazo_auth.rest_group_user_delete',
  'user_group',
  access => 'auth.groups.{group_uuid}.users.{user_uuid}.delete', checks => '{tenant,group,may_remove_group}',
  summary => 'Take a user out of a group', success => 204, errors => '{403}');

CREATE FUNCTION wazo_auth.rest_user_groups_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_groups(
    request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_groups_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/groups: groups that a user is in.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/groups', 'wazo_auth.rest_user_groups_get', 'user_group',
  access => 'auth.users.{user_uuid}.groups.read', checks => '{tenant,user,query}', query_schema => 'user_group_list',
  summary => 'Groups of a user');

-- mail/rest.sql

-- Routes that send mails, and those that the links in them lead to.

CREATE FUNCTION wazo_auth.check_password_reset(query jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN num_nonnulls(query ->> 'username', query ->> 'email', query ->> 'login') <> 1
              THEN ARRAY['"username" or "email" or "login" should be used'] END;
END;
COMMENT ON FUNCTION wazo_auth.check_password_reset(jsonb) IS
'Message of the rule between the parameters of a query (contract: schemas.md, PasswordResetQuery).';

SELECT wazo_auth.declare_schema('password_reset_query', 'reset', NULL, '{
  "username": {"type": "string", "default": null, "min": 1, "max": 256},
  "email":    {"type": "email", "default": null, "bytes": 512},
  "login":    {"type": "string", "default": null, "min": 1, "max": 256}
}', cross_check => 'wazo_auth.check_password_reset');
SELECT wazo_auth.declare_schema('password_reset_post', 'reset', NULL,
  '{"password": {"type": "string", "required": true, "nullable": true, "min": 1, "bytes": 4096}}');

-- Upstream fails with 500 without a username, and with one that is too long for
-- the tenant that gets its name.
SELECT wazo_auth.declare_schema('user_register_post', 'first_error', 'users', '{
  "username":      {"type": "string", "required": true, "min": 1, "max": 128},
  "password":      {"type": "string", "required": true, "min": 1, "bytes": 4096},
  "firstname":     {"type": "string", "default": null, "max": 256},
  "lastname":      {"type": "string", "default": null, "max": 256},
  "email_address": {"type": "email", "required": true, "bytes": 512}
}');

CREATE FUNCTION wazo_auth.rest_user_register_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_user uuid;
BEGIN
  v_user := wazo_auth.register_user(v_body ->> 'username', v_body ->> 'password', v_body ->> 'email_address',
                                    v_body ->> 'firstname', v_body ->> 'lastname');
  PERFORM wazo_auth.ask_for_mail(request, 'email_confirmation', 'email_uuid', e.uuid::text)
  FROM wazo_auth.email e
  WHERE e.user_uuid = v_user;
  RETURN wazo_auth.json_response(wazo_auth.created_user_json(v_user));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_register_post(wazo_auth.http_request) IS
'POST /users/register: a tenant and its user, whose address is to be confirmed by mail. Off by default, see the '
'setting enabled_http_plugins.';
SELECT wazo_auth.add_route('POST', '/0.1/users/register', 'wazo_auth.rest_user_register_post', 'user_registration',
  checks => '{body}', body_schema => 'user_register_post',
  errors => '{409}', summary => 'Create an account with a tenant of its own', public => true,
  changes_no_access => 'the new user has what a new tenant gives to all of its users');

CREATE FUNCTION wazo_auth.rest_password_reset_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.ask_for_mail(request, 'password_reset', q.key, q.value)
  FROM jsonb_each_text(request.query) q
  WHERE q.value IS NOT NULL AND q.key IN ('username', 'email', 'login');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_get(wazo_auth.http_request) IS
'GET /users/password/reset: asks for a mail. Whether there is such a user is not even looked at.';
SELECT wazo_auth.add_route('GET', '/0.1/users/password/reset', 'wazo_auth.rest_password_reset_get', 'password_reset',
  checks => '{query}', query_schema => 'password_reset_query',
  success => 204, summary => 'Ask for a mail with which to set a new password', public => true);

CREATE FUNCTION wazo_auth.rest_password_reset_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_password text := request.body ->> 'password';
  v_named text := COALESCE(request.query ->> 'user_uuid', 'None');
  v_user uuid := wazo_auth.try_uuid(v_named);
  v_mail_session uuid := wazo_auth.mail_session(request);
BEGIN
  -- A token from a mail is good for its user alone.
  IF v_mail_session IS NULL
     AND NOT wazo_auth.user_in_sight(v_user, request.caller_tenant_uuid, wazo_auth.try_uuid(request.token_auth_id))
     OR NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = v_user) THEN
    IF v_password IS NULL THEN
      PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', v_named), 'unknown-user',
                                    json_build_object('password', NULL, 'uuid', v_named), 'users');
    END IF;
    PERFORM wazo_auth.raise_unknown_user(v_named);
  END IF;
  PERFORM wazo_auth.reset_password(v_user, v_password, v_mail_session);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_post(wazo_auth.http_request) IS
'POST /users/password/reset: sets or removes the password of a user, with the token of a mail or a token with the '
'access.';
SELECT wazo_auth.add_route('POST', '/0.1/users/password/reset', 'wazo_auth.rest_password_reset_post', 'password_reset',
  access => 'auth.users.password.reset.{?user_uuid}.create', token_from => 'query', checks => '{body}',
    body_schema => 'password_reset_post',
  success => 204, errors => '{401,404,405}', summary => 'Set a new password without the old one',
  changes_no_access => 'it changes how the user logs in');

CREATE FUNCTION wazo_auth.rest_user_email_confirm_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'email_uuid')::uuid;
BEGIN
  IF (SELECT e.confirmed FROM wazo_auth.email e WHERE e.uuid = v_uuid) THEN
    PERFORM wazo_auth.raise_error(409, format('This email already confirmed: "%s"', v_uuid), 'conflict',
                                  json_build_object('uuid', v_uuid), 'emails');
  END IF;
  PERFORM wazo_auth.ask_for_mail(request, 'email_confirmation', 'email_uuid', v_uuid::text);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_email_confirm_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/emails/{email_uuid}/confirm: asks for another mail to confirm the address.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/emails/{email_uuid}/confirm',
  'wazo_auth.rest_user_email_confirm_get', 'user_email',
  access => 'auth.users.{user_uuid}.emails.{email_uuid}.confirm.read', checks => '{tenant,user,email}',
  success => 204, errors => '{409}', summary => 'Ask for a mail with which to confirm an e-mail address');

CREATE FUNCTION wazo_auth.rest_email_confirm_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_type text := wazo_auth.get_setting('email_confirmation_get_mimetype') #>> '{}';
BEGIN
  -- Whatever fetches links on the way to their reader must not use them up.
  PERFORM wazo_auth.confirm_email((request.params ->> 'email_uuid')::uuid, wazo_auth.mail_session(request),
    spend => false);
  RETURN (200, ARRAY['Content-Type', v_type || CASE WHEN v_type ~ '^text/|[/+]xml$' THEN '; charset=utf-8' ELSE '' END],
          convert_to(wazo_auth.render_mail_template(wazo_auth.mail_template('email_confirmation_get_body'),
            '{}'::jsonb), 'UTF8'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_email_confirm_get(wazo_auth.http_request) IS
'GET /emails/{email_uuid}/confirm: where the link of a mail leads, as often as it is opened; confirms the address and '
'shows the template email_confirmation_get_body.';
SELECT wazo_auth.add_route('GET', '/0.1/emails/{email_uuid}/confirm', 'wazo_auth.rest_email_confirm_get',
  'email_confirm',
  access => 'auth.emails.{email_uuid}.confirm.update', token_from => 'query', checks => '{tenant,email}',
  errors => '{401}', summary => 'Confirm an e-mail address, by the link of a mail');

CREATE FUNCTION wazo_auth.rest_email_confirm_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.confirm_email((request.params ->> 'email_uuid')::uuid, wazo_auth.mail_session(request));
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_email_confirm_put(wazo_auth.http_request) IS
'PUT /emails/{email_uuid}/confirm: confirms the address.';
SELECT wazo_auth.add_route('PUT', '/0.1/emails/{email_uuid}/confirm', 'wazo_auth.rest_email_confirm_put',
  'email_confirm',
  access => 'auth.emails.{email_uuid}.confirm.update', checks => '{tenant,email}',
  success => 204, errors => '{401}', summary => 'Confirm an e-mail address',
  changes_no_access => 'it changes where mails go');

-- mail/reset_form.sql

-- The page that the link of a password reset leads to where public_url is set.

CREATE FUNCTION wazo_auth.rest_password_reset_form_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $page$
DECLARE
  -- It asks the route beside its own, with the token of its own address.
  v_script text := $$
document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = new URLSearchParams(location.search);
  const answer = await fetch("../reset?" + new URLSearchParams({user_uuid: query.get("user_uuid")}), {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-Auth-Token": query.get("token")},
    body: JSON.stringify({password: event.target.elements.password.value})
  }).catch(() => ({status: 503}));
  document.querySelector("p").textContent =
    answer.status === 204 ? "Your new password is set." :
    answer.status === 401 ? "This link does not work any more. Please ask for a new one." :
    "That did not work. Please try again later.";
});
$$;
BEGIN
  RETURN (200, ARRAY[
    'Content-Type', 'text/html; charset=utf-8',
    'Cache-Control', 'no-store',
    -- The address of the page has the token in it.
    'Referrer-Policy', 'no-referrer',
    'X-Content-Type-Options', 'nosniff',
    'Content-Security-Policy', format(
      'default-src ''none''; connect-src ''self''; form-action ''none''; frame-ancestors ''none''; '
      'base-uri ''none''; script-src ''sha256-%s''',
      encode(sha256(convert_to(v_script, 'UTF8')), 'base64'))],
    convert_to(format($$<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>New password</title></head>
<body>
<form>
<label>New password <input name="password" type="password" autocomplete="new-password" required autofocus></label>
<button>Set</button>
</form>
<p role="status"></p>
<script>%s</script>
</body>
</html>
$$, v_script), 'UTF8'))::wazo_auth.http_response;
END
$page$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_form_get(wazo_auth.http_request) IS
'GET /users/password/reset/form: a page that asks for the new password; the same for everybody, and good for nothing '
'without the link of a mail.';
SELECT wazo_auth.add_route('GET', '/0.1/users/password/reset/form', 'wazo_auth.rest_password_reset_form_get',
  'password_reset',
  public => true, summary => 'A page on which to choose a new password, with the link of a mail');

-- grants.sql

-- Who may do what (the only place that says so). Nobody gets a right to a
-- table: the functions are the interface.
-- What this script has made belongs to its owner alone, whatever default
-- privileges say; what people granted on older objects stays.
DO $$
DECLARE
  v_revoke text;
BEGIN
  FOR v_revoke IN
    WITH made AS (
      SELECT d.classid, d.objid FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
      WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
        AND d.objid <> ALL (string_to_array(current_setting('wazo_auth_script.members'), ' ')::oid[])
    ), object (kind, name, owner, acl) AS (
      SELECT 'SCHEMA', 'wazo_auth', n.nspowner, COALESCE(n.nspacl, acldefault('n', n.nspowner))
      FROM pg_namespace n
      WHERE n.nspname = 'wazo_auth' AND current_setting('wazo_auth_script.members') = ''
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, c.relacl
      FROM pg_class c JOIN made m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      UNION ALL
      SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, COALESCE(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p JOIN made m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
      UNION ALL
      -- Of the others a right cannot be taken away: they have those of a table or an element.
      SELECT 'TYPE', t.oid::regtype::text, t.typowner, COALESCE(t.typacl, acldefault('T', t.typowner))
      FROM pg_type t JOIN made m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
      LEFT JOIN pg_class r ON r.oid = t.typrelid
      WHERE NOT (t.typcategory = 'A' AND t.typelem <> 0) AND COALESCE(r.relkind, 'c') = 'c'
    )
    SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, o.name,
             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
    FROM object o, aclexplode(o.acl) a
    WHERE a.grantee <> o.owner
  LOOP
    EXECUTE v_revoke;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA wazo_auth TO wazo_auth_front, wazo_auth_service, wazo_auth_admin;
GRANT USAGE ON TYPE wazo_auth.acl TO wazo_auth_service, wazo_auth_admin;

GRANT EXECUTE ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) TO wazo_auth_front;
GRANT EXECUTE ON FUNCTION wazo_auth.token_check(uuid, text, uuid) TO wazo_auth_front, wazo_auth_service;
-- The start of a front says that its database is the live one.
GRANT EXECUTE ON FUNCTION wazo_auth.go_live() TO wazo_auth_front;
GRANT EXECUTE ON FUNCTION wazo_auth.token_get(uuid, text, uuid) TO wazo_auth_service;

GRANT EXECUTE ON FUNCTION
  wazo_auth.add_group_policy(uuid, uuid),
  wazo_auth.add_group_user(uuid, uuid),
  wazo_auth.add_policy_access(uuid, text),
  wazo_auth.add_user_policy(uuid, uuid),
  wazo_auth.apply_configuration(jsonb),
  wazo_auth.ask_for_mail(text, text, text, text, integer, text),
  wazo_auth.bootstrap(text, text, text, text),
  wazo_auth.change_password(uuid, text, text),
  wazo_auth.configure(jsonb),
  wazo_auth.confirm_email(uuid, uuid, boolean),
  wazo_auth.create_group(uuid, text, text, uuid),
  wazo_auth.create_policy(uuid, text, wazo_auth.acl, text, text, boolean, boolean),
  wazo_auth.create_tenant(uuid, text, text, uuid, text, uuid, text, text[], wazo_auth.postal_address, uuid),
  wazo_auth.create_user(uuid, text, text, text, text, text, text, text, boolean, uuid),
  wazo_auth.delete_expired_sessions(integer),
  wazo_auth.delete_unused_acl_sets(integer),
  wazo_auth.delete_group(uuid),
  wazo_auth.delete_policy(uuid),
  wazo_auth.delete_session(uuid),
  wazo_auth.delete_tenant(uuid),
  wazo_auth.delete_user(uuid),
  wazo_auth.go_live(),
  wazo_auth.health(boolean),
  wazo_auth.hold(),
  wazo_auth.hold_reason(text),
  wazo_auth.import_password(uuid, text, bytea),
  wazo_auth.list_policies(jsonb, uuid, boolean, uuid, uuid, uuid),
  wazo_auth.list_tenants(uuid, jsonb),
  wazo_auth.mail_template(text),
  wazo_auth.mail_template_variables(text),
  wazo_auth.move_tenant(uuid, uuid),
  wazo_auth.register_access(text, text),
  wazo_auth.register_user(text, text, text, text, text),
  wazo_auth.remove_group_policy(uuid, uuid),
  wazo_auth.remove_group_user(uuid, uuid),
  wazo_auth.remove_policy_access(uuid, text),
  wazo_auth.remove_user_policy(uuid, uuid),
  wazo_auth.replace_emails(uuid, text[], text, boolean[]),
  wazo_auth.reset_password(uuid, text, uuid),
  wazo_auth.resolve_login(text),
  wazo_auth.retry_parked_events(bigint),
  wazo_auth.retry_parked_mails(bigint),
  wazo_auth.revoke_refresh_token(uuid, text),
  wazo_auth.set_authentication_method(uuid, text),
  wazo_auth.set_ldap_config(uuid, jsonb),
  wazo_auth.set_mail_template(text, text),
  wazo_auth.set_password(uuid, text),
  wazo_auth.tick(integer),
  wazo_auth.shown_configuration(),
  wazo_auth.token_create(text, text, integer, text, text, text, boolean, text, text, text, jsonb),
  wazo_auth.token_delete(uuid),
  wazo_auth.update_group(uuid, text),
  wazo_auth.update_policy(uuid, text, wazo_auth.acl, text),
  wazo_auth.update_tenant(uuid, text, text, uuid, text, text[], wazo_auth.postal_address, uuid),
  wazo_auth.update_user(uuid, text, text, text, text, text, boolean),
  wazo_auth.user_acl(uuid, text),
  wazo_auth.worker_states()
TO wazo_auth_admin;
GRANT EXECUTE ON FUNCTION
  wazo_auth.token_check(uuid, text, uuid),
  wazo_auth.token_get(uuid, text, uuid)
TO wazo_auth_admin;

GRANT EXECUTE ON FUNCTION
  wazo_auth.emit_event(text, uuid, text, json, uuid, uuid, text),
  wazo_auth.http(text, text, text[], bytea, text),
  wazo_auth.list_groups(uuid, jsonb, uuid),
  wazo_auth.list_refresh_tokens(uuid, jsonb, uuid, boolean),
  wazo_auth.list_sessions(uuid, jsonb, uuid),
  wazo_auth.list_users(uuid, jsonb, uuid),
  wazo_auth.top_tenant_uuid()
TO wazo_auth_admin;

-- Questions about accesses: the type's own functions tell nothing about anybody,
-- the others everything.
GRANT EXECUTE ON FUNCTION
  wazo_auth.acl_agg(wazo_auth.acl),
  wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_contained(text, wazo_auth.acl),
  wazo_auth.acl_contains(wazo_auth.acl, text),
  wazo_auth.acl_decide(wazo_auth.acl, text, text, text),
  wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_from_array(text[]),
  wazo_auth.acl_grants(wazo_auth.acl, text, text, text),
  wazo_auth.acl_grants_request(wazo_auth.acl, text[]),
  wazo_auth.acl_has_negative(wazo_auth.acl),
  wazo_auth.acl_hash(wazo_auth.acl),
  wazo_auth.acl_length(wazo_auth.acl),
  wazo_auth.acl_may_add(wazo_auth.acl, text, text, text),
  wazo_auth.acl_may_remove(wazo_auth.acl, text, text, text),
  wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_nearest(wazo_auth.acl, text, text, text),
  wazo_auth.acl_of(text[]),
  wazo_auth.acl_refuses(wazo_auth.acl, text),
  wazo_auth.acl_request(text, text, text),
  wazo_auth.acl_to_array(wazo_auth.acl),
  wazo_auth.can(text),
  wazo_auth.can_reach(uuid),
  wazo_auth.current_tenant_uuid(),
  wazo_auth.current_user_uuid(),
  wazo_auth.set_token(uuid)
TO wazo_auth_admin, wazo_auth_service;
GRANT EXECUTE ON FUNCTION
  wazo_auth.explain_access(uuid, text, uuid),
  wazo_auth.explain_token_access(uuid, text),
  wazo_auth.policy_impact(uuid, wazo_auth.acl),
  wazo_auth.user_policies(uuid, text),
  wazo_auth.what_grants(text, uuid, boolean),
  wazo_auth.who_can(text, uuid, boolean)
TO wazo_auth_admin;

-- Reading the events is for who administers; others get it by a GRANT on the
-- view, which shows no secret. So is reading which accesses there are, and the
-- mails that could not be sent.
GRANT EXECUTE ON FUNCTION
  wazo_auth.event_body(json, json),
  wazo_auth.event_headers(text, text, timestamptz, uuid, uuid, text),
  wazo_auth.event_message_id(bigint, timestamptz),
  wazo_auth.origin_uuid()
TO wazo_auth_admin, wazo_auth_service;
GRANT SELECT ON wazo_auth.event_stream, wazo_auth.known_access, wazo_auth.mail_templates,
  wazo_auth.parked_event, wazo_auth.parked_mail, wazo_auth.settings, wazo_auth.worker_status TO wazo_auth_admin;

-- pins.sql

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
