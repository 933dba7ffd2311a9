-- The description of the API, made from the routes and the declared shapes, so
-- that it cannot differ from what is served.

CREATE OR REPLACE FUNCTION wazo_auth.yaml_value(value json, indent integer) RETURNS text
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

CREATE OR REPLACE FUNCTION wazo_auth.api_type(
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
    'enum', to_json(NULLIF(api_type.choices, '{}')),
    'pattern', api_type.pattern,
    'items', api_type.item));
END;
COMMENT ON FUNCTION wazo_auth.api_type(text, bigint, bigint, text[], text, json) IS
'A declared type in the words of Swagger 2.0. item: the same of a list''s items.';

CREATE OR REPLACE FUNCTION wazo_auth.api_field(field wazo_auth.schema_field) RETURNS json
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

CREATE OR REPLACE FUNCTION wazo_auth.api_definitions() RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE used AS (
    SELECT (a.route).body_schema AS name FROM wazo_auth.all_routes a WHERE (a.route).body_schema IS NOT NULL
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

CREATE OR REPLACE FUNCTION wazo_auth.api_status(status integer) RETURNS text
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
           WHEN 429 THEN 'Too many sessions, or too many failed logins'
           WHEN 503 THEN 'Not now; try again'
           ELSE 'Error' END;
END;
COMMENT ON FUNCTION wazo_auth.api_status(integer) IS 'What an HTTP status means in this API.';

CREATE OR REPLACE FUNCTION wazo_auth.api_parameters(route wazo_auth.route, path text) RETURNS json
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
             CASE WHEN s.name = 'any_json' THEN '{"description": "Any JSON document"}'
                  WHEN s.max_items IS NOT NULL THEN json_build_object('type', 'array', 'maxItems',
               s.max_items, 'items', json_build_object('$ref', '#/definitions/' || s.name))
                  ELSE json_build_object('$ref', '#/definitions/' || s.name) END)
    FROM wazo_auth.schema s
    WHERE s.name = CASE WHEN 'json' = ANY ((api_parameters.route).checks) THEN 'any_json'
                        ELSE (api_parameters.route).body_schema END
      AND NOT 'form' = ANY ((api_parameters.route).checks)
    UNION ALL
    SELECT 5, f."position",
           wazo_auth.merge_metadata(json_build_object('name', f.name, 'in', 'formData', 'required', f.required),
             wazo_auth.api_field(f))
    FROM wazo_auth.schema_field f WHERE f.schema = (api_parameters.route).body_schema
      AND 'form' = ANY ((api_parameters.route).checks)
  ) p;
END;
COMMENT ON FUNCTION wazo_auth.api_parameters(wazo_auth.route, text) IS
'The parameters of a route as Swagger 2.0 lists them; path: its path as it is described. Null for none.';

CREATE OR REPLACE FUNCTION wazo_auth.api_access(access text, path text) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT CASE WHEN j.name IS NULL THEN api_access.access
              ELSE regexp_replace(api_access.access, '\{(' || replace(j.name, '_or_', '|')
                || ')\}', '{' || j.name || '}', 'g') END
  FROM (SELECT substring(api_access.path, '\{(\w+_or_\w+)\}') AS name) j;
END;
COMMENT ON FUNCTION wazo_auth.api_access(text, text) IS
'The access of a route with the names of parameters that the described path has.';

CREATE OR REPLACE FUNCTION wazo_auth.api_errors(route wazo_auth.route) RETURNS SETOF integer
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT e FROM unnest((api_errors.route).errors) e
  UNION SELECT 401 WHERE (api_errors.route).access IS NOT NULL
  UNION SELECT s FROM wazo_auth.all_checks c CROSS JOIN unnest(c.statuses) s
        WHERE c.name = ANY ((api_errors.route).checks);
END;
COMMENT ON FUNCTION wazo_auth.api_errors(wazo_auth.route) IS
'Statuses of the errors that a route can answer: those of its checks and those of its handler.';

CREATE OR REPLACE FUNCTION wazo_auth.api_operation(route wazo_auth.route, path text) RETURNS json
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
    'consumes', CASE WHEN 'form' = ANY ((api_operation.route).checks)
                     THEN '["multipart/form-data", "application/x-www-form-urlencoded"]'::json END,
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

CREATE OR REPLACE FUNCTION wazo_auth.api_paths() RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- Paths that differ in the names of parameters only are one for Swagger:
  -- /policies/{policy_uuid} and /policies/{policy_slug} are described as
  -- /policies/{policy_uuid_or_policy_slug}.
  WITH here AS (
    SELECT a.route AS r, regexp_replace((a.route).path, '\{\w+\}', '{}', 'g') AS shape
    FROM wazo_auth.all_routes a
    WHERE (a.route).path LIKE '/0.1/%'
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

CREATE OR REPLACE FUNCTION wazo_auth.api_description() RETURNS json
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

CREATE OR REPLACE FUNCTION wazo_auth.api_yaml() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT substr(wazo_auth.yaml_value(wazo_auth.api_description(), 0), 2) || E'\n';
END;
COMMENT ON FUNCTION wazo_auth.api_yaml() IS 'wazo_auth.api_description() as YAML.';

CREATE OR REPLACE FUNCTION wazo_auth.cached_api_yaml() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_cached_api_yaml';
COMMENT ON FUNCTION wazo_auth.cached_api_yaml() IS
'wazo_auth.api_yaml(), which every server process makes once after a change of routes or shapes.';
