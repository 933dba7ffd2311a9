-- Import from the database of an upstream wazo-auth: stage, judge, load, compare.

CREATE OR REPLACE FUNCTION wazo_auth.check_upstream(upstream text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_missing text;
  v_version text;
BEGIN
  SELECT string_agg(t.name, ', ' ORDER BY t.name) INTO v_missing
  FROM unnest(ARRAY['alembic_version_auth', 'auth_access', 'auth_external_auth_type', 'auth_policy_access',
      'auth_session']
    || ARRAY(SELECT DISTINCT m.source FROM wazo_auth.import_mappings() m WHERE m.source IS NOT NULL)) t (name)
  WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = upstream AND c.relname = t.name AND c.relkind IN ('r', 'p', 'f', 'v'));
  IF v_missing IS NOT NULL THEN
    RAISE EXCEPTION 'the schema "%" is not that of a wazo-auth: there is no %', upstream, v_missing
      USING ERRCODE = 'undefined_table', HINT = 'docs/migration.md says how to make its tables visible here.';
  END IF;
  EXECUTE format('SELECT string_agg(v.version_num, '', '') FROM %I.alembic_version_auth v', upstream) INTO v_version;
  IF v_version IS DISTINCT FROM '1c862ebfbb3a' THEN
    RAISE EXCEPTION 'the schema "%" is of the revision %, and not of 1c862ebfbb3a', upstream,
      COALESCE(v_version, 'none')
      USING ERRCODE = 'feature_not_supported',
            HINT = 'Upgrade upstream''s database first, with its own wazo-auth-upgrade-db of 25.14 or later.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_upstream(text) IS
'Raises 42P01 when tables are missing in the schema of an upstream database, 0A000 when it is of another revision.';

CREATE OR REPLACE FUNCTION wazo_auth.hold_upstream(upstream text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tables text;
BEGIN
  -- Of foreign tables postgres_fdw gives one snapshot to a transaction.
  SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid) INTO v_tables
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = upstream AND c.relkind IN ('r', 'p')
    AND c.relname IN (SELECT m.source FROM wazo_auth.import_mappings() m
                      UNION VALUES ('auth_access'), ('auth_external_auth_type'), ('auth_policy_access'),
                        ('auth_session'));
  IF v_tables IS NOT NULL THEN
    EXECUTE 'LOCK TABLE ' || v_tables || ' IN SHARE MODE';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_upstream(text) IS
'Lets nobody change the upstream tables of this database until the end of the transaction.';

CREATE OR REPLACE FUNCTION wazo_auth.import_step(step text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('application_name', 'wazo_auth import: ' || step, false);
  RAISE NOTICE '%', step;
END
$$;
COMMENT ON FUNCTION wazo_auth.import_step(text) IS
'Says how far an import is: as a NOTICE, and to others in pg_stat_activity.application_name.';

CREATE OR REPLACE FUNCTION wazo_auth.staged_columns(target text) RETURNS SETOF name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT s.attname FROM pg_attribute s
  JOIN pg_attribute t ON t.attname = s.attname AND t.attrelid = to_regclass(format('wazo_auth.%I', target))
    AND t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = ''
  WHERE s.attrelid = to_regclass(format('pg_temp.%I', 'import_' || target)) AND s.attnum > 0
  ORDER BY t.attnum;
END
$$;
COMMENT ON FUNCTION wazo_auth.staged_columns(text) IS 'Columns of a table that its staged rows have.';

CREATE OR REPLACE FUNCTION wazo_auth.judge_staged_rows(target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_table regclass := to_regclass(format('wazo_auth.%I', target));
  v_cases text;
BEGIN
  WITH rule (condition, reason) AS (
    SELECT format('%I IS NULL', a.attname), format('%s is null, or none', a.attname)
    FROM pg_attribute a JOIN wazo_auth.staged_columns(target) s (name) ON s.name = a.attname
    WHERE a.attrelid = v_table AND a.attnotnull
    UNION ALL
    SELECT format('NOT (%s)', pg_get_expr(c.conbin, c.conrelid)), format('it violates the constraint %s', c.conname)
    FROM pg_constraint c
    WHERE c.conrelid = v_table AND c.contype = 'c'
      AND NOT EXISTS (SELECT FROM unnest(c.conkey) k (attnum)
                      JOIN pg_attribute a ON a.attrelid = v_table AND a.attnum = k.attnum
                      WHERE a.attname NOT IN (SELECT wazo_auth.staged_columns(target)))
  )
  SELECT string_agg(format(' WHEN %s THEN %L', r.condition, r.reason), '' ORDER BY r.reason) INTO v_cases FROM rule r;
  EXECUTE format('WITH judged AS (SELECT s.ctid AS place, CASE%2$s END AS reason FROM pg_temp.%1$I s'
    ' WHERE s.misfit IS NULL) UPDATE pg_temp.%1$I s SET misfit = j.reason FROM judged j'
    ' WHERE j.place = s.ctid AND j.reason IS NOT NULL', 'import_' || target,
    COALESCE(v_cases, ' WHEN false THEN NULL'));
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_staged_rows(text) IS
'Leaves out the staged rows that violate a NOT NULL or CHECK constraint of their table.';

CREATE OR REPLACE FUNCTION wazo_auth.judge_staged_references(target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_table regclass := to_regclass(format('wazo_auth.%I', target));
  v_parent text;
  v_given text;
  v_match text;
BEGIN
  FOR v_parent, v_given, v_match IN
    SELECT p.relname, string_agg(format('s.%I IS NOT NULL', a.attname), ' AND '),
      string_agg(format('r.%I = s.%I', b.attname, a.attname), ' AND ')
    FROM pg_constraint c
    JOIN pg_class p ON p.oid = c.confrelid
    CROSS JOIN unnest(c.conkey, c.confkey) k (here, there)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.here
    JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.there
    WHERE c.conrelid = v_table AND c.contype = 'f'
    GROUP BY c.oid, p.relname
    HAVING bool_and(a.attname IN (SELECT wazo_auth.staged_columns(target)))
      AND to_regclass(format('pg_temp.%I', 'import_' || p.relname)) IS NOT NULL
  LOOP
    EXECUTE format('UPDATE pg_temp.%1$I s SET misfit = %2$L WHERE s.misfit IS NULL AND %3$s AND NOT EXISTS'
      ' (SELECT FROM pg_temp.%4$I r WHERE r.misfit IS NULL AND %5$s)', 'import_' || target,
      format('there is no such %s, or it is left out', v_parent), v_given, 'import_' || v_parent, v_match);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_staged_references(text) IS
'Leaves out the staged rows that refer to rows which are not staged, or are left out.';

CREATE OR REPLACE FUNCTION wazo_auth.judge_staged_keys(target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_index record;
BEGIN
  FOR v_index IN
    SELECT c.relname AS name,
      string_agg(format('(%s) AS k%s', pg_get_indexdef(i.indexrelid, k.n, true), k.n), ', ' ORDER BY k.n) AS keys,
      string_agg('k' || k.n, ', ' ORDER BY k.n) AS names,
      COALESCE(pg_get_expr(i.indpred, i.indrelid), 'true') AS condition
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    CROSS JOIN generate_series(1, i.indnkeyatts) k (n)
    WHERE i.indrelid = to_regclass(format('wazo_auth.%I', target)) AND i.indisunique
      -- of a table that has what they are made of
      AND NOT EXISTS (SELECT FROM unnest(i.indkey) a (attnum)
                      JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attnum = a.attnum
                      WHERE t.attname NOT IN (SELECT wazo_auth.staged_columns(target)))
    GROUP BY i.indexrelid, i.indrelid, i.indpred, c.relname
    ORDER BY i.indexrelid
  LOOP
    EXECUTE format('WITH keyed AS (SELECT ctid AS place, %3$s FROM pg_temp.%1$I WHERE misfit IS NULL AND %5$s),'
      ' twice AS (SELECT %4$s FROM keyed WHERE num_nulls(%4$s) = 0 GROUP BY %4$s HAVING count(*) > 1),'
      ' ranked AS (SELECT place, row_number() OVER (PARTITION BY %4$s ORDER BY place) AS nth'
      ' FROM keyed JOIN twice USING (%4$s))'
      ' UPDATE pg_temp.%1$I s SET misfit = %2$L FROM ranked r WHERE r.place = s.ctid AND r.nth > 1',
      'import_' || target, format('another row has its place in %s', v_index.name), v_index.keys, v_index.names,
      v_index.condition);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_staged_keys(text) IS
'Of staged rows that a unique index of their table does not let stand side by side leaves out all but the first.';

-- The accesses of tokens are long and few: they are grouped by their hashes, not sorted.
CREATE OR REPLACE FUNCTION wazo_auth.stage_upstream(upstream text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $$
DECLARE
  v_mapping record;
BEGIN
  FOR v_mapping IN
    SELECT m.*, m.place || ' of ' || count(*) OVER () AS progress, 'import_' || m.target AS staged
    FROM wazo_auth.import_mappings() WITH ORDINALITY m (target, source, lost_if, query, place) ORDER BY m.place
  LOOP
    PERFORM wazo_auth.import_step(
      format('reading %s (%s)', COALESCE(v_mapping.source, v_mapping.target), v_mapping.progress));
    IF to_regclass(format('pg_temp.%I', v_mapping.staged)) IS NOT NULL THEN
      EXECUTE format('DROP TABLE pg_temp.%I', v_mapping.staged);
    END IF;
    EXECUTE format('CREATE TEMP TABLE %I ON COMMIT DROP AS ', v_mapping.staged) || format(v_mapping.query, upstream);
    EXECUTE format('ANALYZE pg_temp.%I', v_mapping.staged);
    PERFORM wazo_auth.judge_staged_rows(v_mapping.target);
    PERFORM wazo_auth.judge_staged_references(v_mapping.target);
    PERFORM wazo_auth.judge_staged_keys(v_mapping.target);
  END LOOP;
  PERFORM wazo_auth.note_staged_accesses();
END
$$;
COMMENT ON FUNCTION wazo_auth.stage_upstream(text) IS
'Makes of an upstream schema the rows that an import would write, in pg_temp.import_TABLE, and judges them by the '
'constraints of their tables; see wazo_auth.import_mappings().';

CREATE OR REPLACE FUNCTION wazo_auth.note_staged_accesses() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_default wazo_auth.acl := COALESCE(wazo_auth.default_acl('wazo_user'), '{}');
BEGIN
  -- Of those who have the same policies one is looked at, and only where each counted by itself is too much.
  WITH size AS MATERIALIZED (
    SELECT p.uuid, p.acl, wazo_auth.acl_length(p.acl) AS entries, octet_length(p.acl::text) AS bytes
    FROM pg_temp.import_policy p WHERE p.misfit IS NULL
  ), held AS (
    SELECT up.user_uuid, up.policy_uuid FROM pg_temp.import_user_policy up WHERE up.misfit IS NULL
    UNION
    SELECT gu.user_uuid, gp.policy_uuid FROM pg_temp.import_group_user gu
    JOIN pg_temp.import_group_policy gp ON gp.group_uuid = gu.group_uuid AND gp.misfit IS NULL
    WHERE gu.misfit IS NULL
  ), holder AS (
    SELECT h.user_uuid, array_agg(h.policy_uuid ORDER BY h.policy_uuid) AS policies
    FROM held h JOIN size s ON s.uuid = h.policy_uuid
    GROUP BY h.user_uuid
    HAVING sum(s.entries) > 10000 - wazo_auth.acl_length(v_default)
        OR sum(s.bytes) > 1048576 - octet_length(v_default::text)
  ), surplus AS (
    SELECT d.policies
    FROM (SELECT DISTINCT h.policies FROM holder h) d
    WHERE NOT wazo_auth.acls_fit(v_default || ARRAY(SELECT s.acl FROM size s WHERE s.uuid = ANY (d.policies)))
  )
  UPDATE pg_temp.import_user u
  SET changed = concat_ws('; ', u.changed,
    'its tokens have not all of its accesses, which are more than 10000, or 1 MiB of them')
  FROM holder h JOIN surplus USING (policies)
  WHERE u.uuid = h.user_uuid AND u.misfit IS NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.note_staged_accesses() IS
'Notes the staged users who have more accesses than an ACL holds: their tokens get those that fit.';

CREATE OR REPLACE FUNCTION wazo_auth.note_import(upstream text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mapping record;
  v_rows bigint;
BEGIN
  DELETE FROM wazo_auth.import_count;
  FOR v_mapping IN
    SELECT m.*, 'import_' || m.target AS staged
    FROM wazo_auth.import_mappings() WITH ORDINALITY m (target, source, lost_if, query, place)
    WHERE to_regclass(format('wazo_auth.%I', m.target)) IS NOT NULL
  LOOP
    v_rows := NULL;
    IF v_mapping.source IS NOT NULL THEN
      EXECUTE format('SELECT count(*) FROM %I.%I', upstream, v_mapping.source) INTO v_rows;
    END IF;
    EXECUTE format('INSERT INTO wazo_auth.import_count'
      ' (place, target, source, source_rows, passed_over, left_out, changed, added, imported)'
      ' SELECT $1, $2, $3, $4, COALESCE($4 - count(s.source_key), 0),'
      ' count(*) FILTER (WHERE s.misfit IS NOT NULL),'
      ' count(s.changed) FILTER (WHERE s.misfit IS NULL),'
      ' count(*) FILTER (WHERE s.misfit IS NULL AND s.source_key IS NULL), count(*) FILTER (WHERE s.misfit IS NULL)'
      ' FROM pg_temp.%I s', v_mapping.staged)
      USING v_mapping.place::integer, v_mapping.target, v_mapping.source, v_rows;
    EXECUTE format('INSERT INTO wazo_auth.import_misfit (place, source_key, effect, reason)'
      ' SELECT $1, COALESCE(s.source_key, ''of its own''),'
      ' CASE WHEN s.misfit IS NULL THEN ''changed'' ELSE ''left out'' END, COALESCE(s.misfit, s.changed)'
      ' FROM pg_temp.%I s WHERE num_nonnulls(s.misfit, s.changed) > 0'
      ' ORDER BY s.source_key COLLATE "C"', v_mapping.staged)
      USING v_mapping.place::integer;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.note_import(text) IS 'Writes down what was staged: import_count and import_misfit.';

CREATE OR REPLACE FUNCTION wazo_auth.replaced_tables() RETURNS regclass[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE reached (oid) AS (
      SELECT 'wazo_auth.tenant'::regclass::oid
      UNION
      SELECT c.conrelid FROM reached r
      JOIN pg_constraint c ON c.confrelid = r.oid AND c.contype = 'f'
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.conrelid AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'wazo_auth'
    )
    SELECT r.oid::regclass FROM reached r ORDER BY r.oid);
END
$$;
COMMENT ON FUNCTION wazo_auth.replaced_tables() IS
'Tables of the extension whose rows are a tenant''s or hang on one: an import writes them anew.';

CREATE OR REPLACE FUNCTION wazo_auth.staged_key(target text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_match text;
BEGIN
  SELECT string_agg(format('s.%1$I = t.%1$I', a.attname), ' AND ') INTO v_match
  FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
  WHERE c.conrelid = format('wazo_auth.%I', target)::regclass AND c.contype = 'p'
  HAVING bool_and(a.attname IN (SELECT wazo_auth.staged_columns(target)));
  RETURN COALESCE(v_match, 'false');
END
$$;
COMMENT ON FUNCTION wazo_auth.staged_key(text) IS
'The condition that a staged row s and a row t of its table have the same key; false where a staged row has none.';

CREATE OR REPLACE FUNCTION wazo_auth.rows_not_staged() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_target text;
  v_lost_if text;
  v_count bigint;
  v_lost text;
BEGIN
  FOR v_target, v_lost_if IN
    SELECT m.target, m.lost_if FROM wazo_auth.import_mappings() m WHERE m.lost_if IS NOT NULL
  LOOP
    EXECUTE format('SELECT count(*) FROM wazo_auth.%I t WHERE (%s) AND NOT EXISTS'
      ' (SELECT FROM pg_temp.%I s WHERE s.misfit IS NULL AND %s)', v_target, v_lost_if, 'import_' || v_target,
      wazo_auth.staged_key(v_target))
      INTO v_count;
    v_lost := NULLIF(concat_ws(', ', v_lost, CASE WHEN v_count > 0 THEN v_count || ' of ' || v_target END), '');
  END LOOP;
  RETURN v_lost;
END
$$;
COMMENT ON FUNCTION wazo_auth.rows_not_staged() IS
'How many tenants, users, groups, policies, refresh tokens and live sessions are here and not staged; null for none.';

CREATE OR REPLACE FUNCTION wazo_auth.refuse_losses(lost text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF lost IS NOT NULL THEN
    RAISE EXCEPTION 'this database holds rows that upstream has not, and that the import would delete: %', lost
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'With replace => true it does so, and what is here is afterwards what upstream has.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.refuse_losses(text) IS
'Raises 55000 when wazo_auth.rows_not_staged() has found something.';

CREATE OR REPLACE FUNCTION wazo_auth.check_references(tables regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key record;
  v_broken boolean;
BEGIN
  FOR v_key IN
    SELECT c.conname AS name, c.conrelid::regclass AS child, c.confrelid::regclass AS parent,
      string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') AS given,
      string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND ') AS match
    FROM pg_constraint c
    CROSS JOIN unnest(c.conkey, c.confkey) k (here, there)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.here
    JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.there
    WHERE c.contype = 'f' AND c.conrelid = ANY (tables)
    GROUP BY c.oid, c.conname, c.conrelid, c.confrelid
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s))', v_key.child,
      v_key.given, v_key.parent, v_key.match) INTO v_broken;
    IF v_broken THEN
      RAISE EXCEPTION 'rows of % violate the foreign key %', v_key.child, v_key.name
        USING ERRCODE = 'foreign_key_violation';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_references(regclass[]) IS
'Raises 23503 when a row of these tables refers to one that is not there: for rows that were written without looking.';

-- What is known of the size of these tables is of before the import: a nested loop
-- would look at each row for each.
CREATE OR REPLACE FUNCTION wazo_auth.insert_staged(target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica
SET enable_nestloop = off AS $$
DECLARE
  v_columns text;
BEGIN
  SELECT string_agg(quote_ident(c.name), ', ') INTO v_columns FROM wazo_auth.staged_columns(target) c (name);
  EXECUTE format('INSERT INTO wazo_auth.%1$I (%2$s) SELECT %2$s FROM pg_temp.%3$I s WHERE s.misfit IS NULL'
    ' AND NOT EXISTS (SELECT FROM wazo_auth.%1$I t WHERE %4$s)', target, v_columns, 'import_' || target,
    wazo_auth.staged_key(target));
  EXECUTE format('ANALYZE wazo_auth.%I', target);
END
$$;
COMMENT ON FUNCTION wazo_auth.insert_staged(text) IS
'Writes the staged rows of a table that are not here, without looking at what they refer to, and without triggers.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_unstaged(target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica
SET enable_nestloop = off AS $$
DECLARE
  v_staged text;
  v_here text;
BEGIN
  -- as texts, since json and others have no equality
  SELECT format('ROW(%s)::text', string_agg(format('s.%I', c.name), ', ')),
    format('ROW(%s)::text', string_agg(format('t.%I', c.name), ', '))
  INTO v_staged, v_here
  FROM wazo_auth.staged_columns(target) c (name);
  EXECUTE format('DELETE FROM wazo_auth.%I t WHERE NOT EXISTS (SELECT FROM pg_temp.%I s WHERE s.misfit IS NULL'
    ' AND %s AND %s = %s)', target, 'import_' || target, wazo_auth.staged_key(target), v_staged, v_here);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_unstaged(text) IS
'Deletes the rows of a table that are not staged, or staged otherwise; without triggers.';

-- A check of each reference by itself would take most of the time: they are done
-- for all rows at the end. What is as it is to be stays.
CREATE OR REPLACE FUNCTION wazo_auth.write_staged() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
DECLARE
  v_tables regclass[] := wazo_auth.replaced_tables();
  v_table regclass;
  v_target text;
BEGIN
  FOREACH v_table IN ARRAY v_tables LOOP
    IF v_table NOT IN (SELECT format('wazo_auth.%I', c.target)::regclass FROM wazo_auth.import_count c) THEN
      EXECUTE format('DELETE FROM %s', v_table);
    END IF;
  END LOOP;
  FOR v_target IN SELECT c.target FROM wazo_auth.import_count c ORDER BY c.place LOOP
    PERFORM wazo_auth.import_step(format('writing %s', v_target));
    -- Sets of accesses belong to nobody.
    IF format('wazo_auth.%I', v_target)::regclass = ANY (v_tables) THEN
      PERFORM wazo_auth.delete_unstaged(v_target);
    END IF;
    PERFORM wazo_auth.insert_staged(v_target);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_staged() IS
'Makes of each table what is staged for it, and empties those of tenants that nothing is staged for.';

-- Exclusive, since a login locks rows before it writes: rows that it has locked
-- would be waited for while it waits for a table.
CREATE OR REPLACE FUNCTION wazo_auth.hold_tables(tables regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET deadlock_timeout = '100ms' AS $$
BEGIN
  FOR i IN 1 .. 20 LOOP
    BEGIN
      EXECUTE 'LOCK TABLE wazo_auth.acl_set, ' || array_to_string(tables, ', ') || ' IN EXCLUSIVE MODE';
      RETURN;
    EXCEPTION WHEN deadlock_detected THEN
      -- A client holds one of them and waits for another; without ours it ends.
      IF i = 20 THEN
        RAISE;
      END IF;
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_tables(regclass[]) IS
'Lets nobody change these tables or lock rows of them, nor sets of accesses, until the end of the transaction; '
'everybody may read them.';

CREATE OR REPLACE FUNCTION wazo_auth.check_loaded(tables regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_expected wazo_auth.import_count;
  v_count bigint;
BEGIN
  PERFORM wazo_auth.check_references(tables);
  FOR v_expected IN SELECT c.* FROM wazo_auth.import_count c ORDER BY c.place LOOP
    EXECUTE format('SELECT count(*) FROM wazo_auth.%I', v_expected.target) INTO v_count;
    IF v_count < v_expected.imported OR v_count > v_expected.imported
      AND format('wazo_auth.%I', v_expected.target)::regclass = ANY (tables) THEN
      RAISE EXCEPTION 'after the import wazo_auth.% has % rows, and not %', v_expected.target, v_count,
        v_expected.imported
        USING ERRCODE = 'data_exception';
    END IF;
    -- for the triggers of statements, which have not fired: caches are to be forgotten
    EXECUTE format('DELETE FROM wazo_auth.%I WHERE false', v_expected.target);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_loaded(regclass[]) IS
'Raises 23503 for a reference to nothing, 22000 where the rows are not as many as were staged.';

-- Requests are served all the time: readers see what was here until the end.
-- Most rows are written first, of tables with keys that nobody else can meet,
-- since they are made of random ones. For the rest those who write wait.
CREATE OR REPLACE FUNCTION wazo_auth.load_staged(replace boolean) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tables regclass[] := wazo_auth.replaced_tables();
  v_target text;
  v_lost text;
BEGIN
  FOREACH v_target IN ARRAY '{user,password,email,group_user,user_policy,session}'::text[] LOOP
    PERFORM wazo_auth.import_step(format('writing new rows of %s', v_target));
    PERFORM wazo_auth.insert_staged(v_target);
  END LOOP;
  PERFORM wazo_auth.import_step('waiting for those who write');
  PERFORM wazo_auth.hold_tables(v_tables);
  v_lost := wazo_auth.rows_not_staged();
  IF NOT replace THEN
    PERFORM wazo_auth.refuse_losses(v_lost);
  END IF;
  PERFORM wazo_auth.write_staged();
  PERFORM wazo_auth.import_step('checking what was written');
  PERFORM wazo_auth.check_loaded(v_tables);
  IF wazo_auth.audit_is_on() THEN
    PERFORM wazo_auth.note_audit_gap('import'::text, NULL::timestamptz, clock_timestamp());
  END IF;
  RETURN v_lost;
END
$$;
COMMENT ON FUNCTION wazo_auth.load_staged(boolean) IS
'Puts the staged rows in the place of what is here, and checks them. Returns what that has deleted, as '
'wazo_auth.rows_not_staged() says it; without replace raises 55000 when that is something, and 23503 and 22000 as '
'wazo_auth.check_loaded() does.';

CREATE OR REPLACE PROCEDURE wazo_auth.import_upstream(upstream text, dry_run boolean DEFAULT false,
  replace boolean DEFAULT false)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET work_mem = '128MB' SET jit = off AS $$
DECLARE
  v_name text := current_setting('application_name');
  v_count wazo_auth.import_count;
  v_lost text;
BEGIN
  PERFORM wazo_auth.check_upstream(upstream);
  -- Another import waits.
  LOCK TABLE wazo_auth.import_count IN SHARE ROW EXCLUSIVE MODE;
  PERFORM wazo_auth.hold_upstream(upstream);
  PERFORM wazo_auth.stage_upstream(upstream);
  PERFORM wazo_auth.note_import(upstream);
  v_lost := wazo_auth.rows_not_staged();
  IF NOT dry_run THEN
    IF NOT replace THEN
      PERFORM wazo_auth.refuse_losses(v_lost);
    END IF;
    v_lost := wazo_auth.load_staged(replace);
  END IF;
  FOR v_count IN SELECT c.* FROM wazo_auth.import_count c WHERE c.source IS NOT NULL ORDER BY c.place LOOP
    RAISE NOTICE '%: % rows, % passed over, % left out, % added, % % (% of them changed)', v_count.source,
      v_count.source_rows, v_count.passed_over, v_count.left_out, v_count.added, v_count.imported,
      CASE WHEN dry_run THEN 'would be imported' ELSE 'imported' END, v_count.changed;
  END LOOP;
  IF v_lost IS NOT NULL THEN
    RAISE NOTICE '%: %', CASE WHEN dry_run THEN 'only here, and only replace => true would delete them'
      ELSE 'deleted, since only here' END, v_lost;
  END IF;
  PERFORM set_config('application_name', v_name, false);
END
$$;
COMMENT ON PROCEDURE wazo_auth.import_upstream(text, boolean, boolean) IS
'Puts what the database of an upstream wazo-auth holds in the place of what is here, in one transaction. upstream: the '
'schema of its tables, which may be foreign ones. dry_run: only writes what would happen into import_count and '
'import_misfit. replace: also deletes what is here and upstream has not. For the owner of the extension. Raises 42P01 '
'for missing tables, 0A000 for another revision, 55000 when something would be lost, F0000 without a sealing key.';
