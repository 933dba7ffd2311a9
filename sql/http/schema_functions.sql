-- Validation of requests by declared shapes.

CREATE OR REPLACE FUNCTION wazo_auth.in_extension_script()
    RETURNS bool
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_in_extension_script';
COMMENT ON FUNCTION wazo_auth.in_extension_script() IS
'Whether this runs inside CREATE EXTENSION or ALTER EXTENSION UPDATE: rows that are registered then ship with an '
'extension and are not dumped.';

CREATE OR REPLACE FUNCTION wazo_auth.declare_schema(
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

CREATE OR REPLACE FUNCTION wazo_auth.declare_list(name text, sort text[], filters json,
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
          sort, 'max', CASE WHEN sort = '{}' THEN 64 END))
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

CREATE OR REPLACE FUNCTION wazo_auth.validate(schema text, input jsonb)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_validate';
COMMENT ON FUNCTION wazo_auth.validate(text, jsonb) IS
'Reads a request body by a declared shape: returns the declared fields, converted and with defaults. NULL and falsy '
'documents count as {}. Errors: WA400 with the answer''s parts as JSON in the DETAIL, 42704 for an unknown shape.';

CREATE OR REPLACE FUNCTION wazo_auth.validate_query(schema text, input jsonb)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_validate_query';
COMMENT ON FUNCTION wazo_auth.validate_query(text, jsonb) IS
'As wazo_auth.validate() for a query string, given as an object of texts or, for repeated parameters, arrays of '
'texts: a list takes one or several values, any other field the first one.';

-- An upgrade declares the shapes of its version from here on.
DELETE FROM wazo_auth.schema WHERE shipped;
