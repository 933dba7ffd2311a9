-- Lists: one statement makes a page and its counts (contract: schemas.md section 3).

CREATE OR REPLACE FUNCTION wazo_auth.cached_query(sql text, args jsonb) RETURNS json
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_cached_query';
COMMENT ON FUNCTION wazo_auth.cached_query(text, jsonb) IS
'Runs a SELECT of one json value, with args as $1 and the rights of the caller; the plan is kept by the text. Values '
'belong into args, never into the text. Raises 22023 for any other statement, 54000 for a text over 64 KiB.';

CREATE OR REPLACE FUNCTION wazo_auth.cached_count(sql text, args jsonb, key uuid) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_cached_count';
COMMENT ON FUNCTION wazo_auth.cached_count(text, jsonb, uuid) IS
'The bigint that a query counts, with args as $1, kept by text and key until the trigger forget_counts of a table '
'fires. Of args only what the key stands for may have a part in it.';

CREATE OR REPLACE FUNCTION wazo_auth.forget_counts() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_forget_counts';
COMMENT ON FUNCTION wazo_auth.forget_counts() IS
'Statement trigger on tables whose rows wazo_auth.cached_count() counts: makes all backends count anew.';

CREATE OR REPLACE FUNCTION wazo_auth.search_pattern(search text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT '%' || array_to_string(array_remove(string_to_array(
           regexp_replace(wazo_auth.fold_login(search), '[\\%_]', '\\\&', 'g'), ' '), ''), '%') || '%';
END;
COMMENT ON FUNCTION wazo_auth.search_pattern(text) IS
'LIKE pattern of the query parameter search, for columns folded by wazo_auth.fold_login(): its words in their order, '
'anything between them; %, _ and backslash in it are letters like any other. Null without a search.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_bad_filter(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(400, 'Not a valid filter: ' || name, 'invalid-list-param', resource => 'users',
    answer => json_build_object(name, json_build_object(
      'message', 'Not a valid filter.', 'constraint_id', 'type', 'constraint', 'filter')));
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_filter(text) IS
'Raises WA400 invalid-list-param for a filter that this list has not, or whose value cannot be read.';

CREATE OR REPLACE FUNCTION wazo_auth.scope_clause(tenant_column text, tenant_uuid uuid, recurse boolean) RETURNS text
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

CREATE OR REPLACE FUNCTION wazo_auth.search_clause(
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

CREATE OR REPLACE FUNCTION wazo_auth.list_page(
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
  v_more boolean := query - '{limit,offset,order,direction}'::text[] <> '{}'::jsonb;
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
  -- Most lists are asked for without a filter.
  IF v_more THEN
    SELECT string_agg(' AND (' || replace(f.filter, '{}', format('(SELECT $1 ->> %L)', f.name)) || ')', ''
             ORDER BY f.name),
           min(f.name) FILTER (WHERE f.filter = '')
    INTO v_filters, v_bad
    FROM wazo_auth.schema_field f
    WHERE f.schema = list AND f.filter IS NOT NULL AND query ? f.name AND (f.empty_filter OR query ->> f.name <> '');
  END IF;
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
