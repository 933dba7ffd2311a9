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
