-- docs/rest-api.md, made of the routes and the declared shapes: `make docs` writes it, test/pgtap/references.sql compares.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
\echo '# The REST API'
\echo
\echo 'Made by `make docs` of the routes and the shapes of requests that the service itself goes by; `GET /0.1/api/api.yml` has the'
\echo 'same as a description in Swagger 2.0. All paths begin with `/0.1`. A token goes into the header `X-Auth-Token`; *Access* is what it'
\echo 'must grant, and `—` asks for none. With the header `Wazo-Tenant` most routes speak of a tenant below the caller''s. What answers'
\echo 'and errors look like is in [the contract](contract/README.md).'

CREATE FUNCTION pg_temp.code(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '`' || replace(value, '|', '\|') || '`'
$$;
CREATE FUNCTION pg_temp.shape(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '[' || name || '](#' || lower(name) || ')'
$$;

SELECT E'\n## ' || r.plugin || E'\n\n| Route | What it does | Access | Takes | Answers |\n|---|---|---|---|---|\n'
  || string_agg(format('| %s | %s | %s | %s | %s |',
       pg_temp.code(r.method || ' ' || substr(r.path, 5)), COALESCE(replace(r.summary, '|', '\|'), ''),
       COALESCE(pg_temp.code(r.access), '—'),
       concat_ws(', ', 'query ' || pg_temp.shape(r.query_schema),
         pg_temp.shape(CASE WHEN 'json' = ANY (r.checks) THEN 'any_json' ELSE NULLIF(r.body_schema, '') END)),
       r.success || COALESCE('; ' || (SELECT string_agg(s::text, ', ' ORDER BY s) FROM wazo_auth.api_errors(r) s), '')),
     E'\n' ORDER BY r.path COLLATE "C", r.method COLLATE "C")
FROM wazo_auth.route r
WHERE r.shipped
GROUP BY r.plugin
ORDER BY r.plugin COLLATE "C";

\echo
\echo '## Shapes'
\echo
\echo 'Of bodies, as JSON objects, and of query strings. What is not listed is dropped, unless the shape refuses it.'

SELECT E'\n### ' || s.name || E'\n\n'
  || CASE WHEN s.max_items IS NOT NULL THEN 'An array of at most ' || s.max_items || E' of these.\n\n' ELSE '' END
  || CASE WHEN s.name = 'any_json' OR s.name IN (SELECT r.body_schema FROM wazo_auth.route r WHERE r.shipped)
          THEN format(E'A body has at most %s bytes and %s values, nested %s deep.\n\n', s.body_bytes, s.body_values,
                      s.body_depth) ELSE '' END
  || CASE WHEN s.refuse_unknown THEN E'Other members are refused.\n\n' ELSE '' END
  || CASE WHEN count(f.*) = 0 THEN 'No members.' ELSE E'| Member | Type | Limits |\n|---|---|---|\n'
  || string_agg(format('| `%s` | %s | %s |', f.name,
       CASE f.type WHEN 'list' THEN 'list of ' || f.item_type
                   WHEN 'nested' THEN pg_temp.shape(f.item_schema)
                   WHEN 'nested_list' THEN 'list of ' || pg_temp.shape(f.item_schema)
                   ELSE f.type END || CASE WHEN f.nullable THEN ' or null' ELSE '' END,
       concat_ws('; ', CASE WHEN f.required THEN 'required' END,
         'default ' || pg_temp.code(f.default_value::text),
         CASE WHEN f.min IS NOT NULL OR f.max IS NOT NULL
              THEN concat_ws(' ', f.min, 'to', COALESCE(f.max::text, 'any')) END,
         'at most ' || f.max_bytes || ' bytes',
         'one of ' || pg_temp.code(array_to_string(NULLIF(f.choices, '{}'), '`, `')),
         'pattern ' || pg_temp.code(f.pattern),
         CASE WHEN f.item_min IS NOT NULL OR f.item_max IS NOT NULL
              THEN concat_ws(' ', 'each', f.item_min, 'to', COALESCE(f.item_max::text, 'any')) END,
         'each at most ' || f.item_max_bytes || ' bytes',
         'each one of ' || pg_temp.code(array_to_string(NULLIF(f.item_choices, '{}'), '`, `')),
         'each of pattern ' || pg_temp.code(f.item_pattern))),
       E'\n' ORDER BY f.position) END
FROM wazo_auth.schema s LEFT JOIN wazo_auth.schema_field f ON f.schema = s.name
WHERE s.shipped
GROUP BY s.name
ORDER BY s.name COLLATE "C";
