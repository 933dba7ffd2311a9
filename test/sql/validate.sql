-- Request bodies and query strings by declared shapes: what is accepted, how it
-- is converted, and what is answered else.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;

-- shows the cleaned document, or the error's parts
CREATE FUNCTION pg_temp.try(schema text, input jsonb, query boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    RETURN CASE WHEN query THEN wazo_auth.validate_query(schema, input) ELSE wazo_auth.validate(schema, input) END;
EXCEPTION WHEN SQLSTATE 'WA400' THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN 'WA400 ' || message || coalesce(nullif(E'\n      ' || detail, E'\n      '), ' (short form)');
END
$$;

SELECT wazo_auth.declare_schema('t_user', 'first_error', 'users', $${
    "username": {"type": "string", "default": null, "min": 1, "max": 256},
    "purpose": {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
    "enabled": {"type": "boolean", "default": true},
    "uuid": {"type": "uuid"},
    "password": {"type": "string", "nullable": true, "min": 1},
    "email_address": {"type": "email", "nullable": true}}$$);

\pset format unaligned
\pset tuples_only on
-- falsy documents count as {}; others are no objects
SELECT i, pg_temp.try('t_user', i)
  FROM unnest(ARRAY[NULL, '{}', 'null', '[]', '""', '0', '-0.00', 'false', '1', '"x"', 'true', '[1]', '[[]]']::jsonb[]) AS i;
-- only declared keys are left, the last of equal ones counts
SELECT pg_temp.try('t_user', '{"username": "b", "username": "a", "tenant_uuid": 5, "password": "s", "": 1}');
-- null: where it is a value and where not
SELECT pg_temp.try('t_user', '{"username": null, "password": null, "email_address": null}');
SELECT pg_temp.try('t_user', '{"enabled": null}');
SELECT pg_temp.try('t_user', '{"uuid": null}');
-- the first error in the order of declaration
SELECT pg_temp.try('t_user', '{"enabled": 7, "purpose": "x", "username": ""}');
SELECT pg_temp.try('t_user', '{"enabled": 7, "purpose": "x", "username": 1}');
SELECT pg_temp.try('t_user', '{"enabled": 7, "purpose": "x"}');
SELECT pg_temp.try('t_user', '{"enabled": 7, "email_address": "x"}');
-- strings: length in characters; nothing is trimmed or folded
SELECT pg_temp.try('t_user', jsonb_build_object('username', repeat('é', 257)));
SELECT pg_temp.try('t_user', jsonb_build_object('username', repeat('é', 256))) = jsonb_build_object('username', repeat('é', 256), 'purpose', 'user', 'enabled', true)::text;
SELECT pg_temp.try('t_user', '{"username": " Äb\n", "purpose": "user"}');
SELECT pg_temp.try('t_user', '{"password": ""}');
SELECT v, pg_temp.try('t_user', jsonb_build_object('username', v)) FROM unnest(ARRAY['1', 'true', '[]', '{}']::jsonb[]) AS v;
-- booleans
SELECT v, pg_temp.try('t_user', jsonb_build_object('enabled', v)) ~ '"enabled": (true|false)' AS good,
       pg_temp.try('t_user', jsonb_build_object('enabled', v)) ~ '"enabled": true' AS is_true
  FROM unnest(ARRAY['true', '1', '1.0', '"t"', '"T"', '"true"', '"True"', '"TRUE"', '"on"', '"On"', '"ON"', '"y"', '"Y"', '"yes"', '"Yes"', '"YES"', '"1"',
    'false', '0', '0.0', '"f"', '"F"', '"false"', '"False"', '"FALSE"', '"off"', '"Off"', '"OFF"', '"n"', '"N"', '"no"', '"No"', '"NO"', '"0"',
    '"tRUE"', '""', '2', '1.5', '-1', '[]', '{}', '"true "', '"oN"']::jsonb[]) AS v;
-- uuids
SELECT v, pg_temp.try('t_user', jsonb_build_object('uuid', v))
  FROM unnest(ARRAY['"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', '"F81D4FAE7DEC11D0A76500A0C91E6BF6"', '"{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}"', '"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"',
    '"f81d4fae-7dec-11d0-a765-00a0c91e6bf"', '"x"', '""', '5', 'true', '[]']::jsonb[]) AS v;
-- e-mail addresses: the two forms of the error
SELECT v, pg_temp.try('t_user', jsonb_build_object('email_address', v))
  FROM unnest(ARRAY['"é@b.com"', '"a@b"', '""', '1', '["a@b.com"]']::jsonb[]) AS v;

-- integers
SELECT wazo_auth.declare_schema('t_int', 'first_error', NULL, $${
    "n": {"type": "integer"},
    "expiration": {"type": "integer", "min": 1, "max": 315360000},
    "positive": {"type": "integer", "min": 0},
    "small": {"type": "integer", "max": 3}}$$);
SELECT v, pg_temp.try('t_int', jsonb_build_object('n', v))
  FROM unnest(ARRAY['10', '10.9', '-10.9', '-0.5', '1e2', '" 12 "', '"+5"', '"1_0"', '"٣"', '9223372036854775807', '-9223372036854775808',
    'true', '"10.0"', '""', '" "', '"1__0"', '"_1"', '"+ 1"', '[]', '{}', '"x"', '9223372036854775808', '"9223372036854775808"', '-9223372036854775809', '1e400', '-1e400']::jsonb[]) AS v;
SELECT v, pg_temp.try('t_int', jsonb_build_object('expiration', v))
  FROM unnest(ARRAY['0', '315360000', '315360000.9', '315360001', '1e30', '1e400', '-1e30', '"0"', '"x"']::jsonb[]) AS v;
SELECT pg_temp.try('t_int', '{"positive": -1}');
SELECT pg_temp.try('t_int', '{"positive": 1e30}');
SELECT pg_temp.try('t_int', '{"small": 4}');

-- patterns: shown as upstream writes them; a final newline is refused
SELECT wazo_auth.declare_schema('t_slug', 'first_error', 'groups', $${
    "name": {"type": "string", "required": true, "min": 1, "max": 128},
    "slug": {"type": "string", "default": null, "min": 1, "max": 80, "pattern": "^[a-zA-Z0-9_-]+$"},
    "domain": {"type": "string", "pattern": "^(?=.{1,253}\\.?$)(?:(?!(-|_)|[^.]+_)[A-Za-z0-9-_]{1,}(?<!-)(?:\\.|$)){2,63}$",
               "check": "^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?){1,62}\\.?$"}}$$);
SELECT pg_temp.try('t_slug', '{}');
SELECT pg_temp.try('t_slug', '{"name": null}');
SELECT pg_temp.try('t_slug', '{"name": "a", "slug": "A_b-9"}');
SELECT v, pg_temp.try('t_slug', jsonb_build_object('name', 'a', 'slug', v)) FROM unnest(ARRAY['a b', e'ab\n', 'é', '']) AS v;
SELECT pg_temp.try('t_slug', jsonb_build_object('name', 'a', 'slug', repeat('a', 81)));
SELECT v, pg_temp.try('t_slug', jsonb_build_object('name', 'a', 'domain', v)) LIKE '{%' AS accepted
  FROM unnest(ARRAY['wazo.io', 'a.io.', '1.2.3.4', 'A-b.c', repeat('a', 200) || '.com', 'wazo', '123', '', 'a..b', '-a.io', 'a-.io', 'a_b.io', e'wazo.io\n', '.io', 'é.io',
    repeat('a.', 62) || 'a', repeat('a.', 63) || 'a', repeat('a.', 64) || 'a', repeat('a', 253) || '.io']) AS v;
SELECT pg_temp.try('t_slug', '{"name": "a", "domain": "x"}');

-- lists, nested objects, nested lists
SELECT wazo_auth.declare_schema('t_address', 'first_error', 'tenants', $${
    "line_1": {"type": "string", "default": null, "min": 1, "max": 256},
    "city": {"type": "string", "default": null, "min": 1, "max": 128}}$$);
SELECT wazo_auth.declare_schema('t_tenant', 'first_error', 'tenants', $${
    "domain_names": {"type": "list", "items": {"type": "string", "pattern": "^[a-z.]+$"}, "default": []},
    "address": {"type": "nested", "schema": "t_address", "default": {"line_1": null, "city": null}},
    "anything": {"type": "any"}}$$);
SELECT pg_temp.try('t_tenant', '{}');
SELECT pg_temp.try('t_tenant', '{"domain_names": ["a.b", "c"], "address": {"city": "Q", "x": 1}, "anything": {"b": [1, {"a": null}]}}');
SELECT v, pg_temp.try('t_tenant', jsonb_build_object('address', v)) FROM unnest(ARRAY['[]', '0', '""', 'false', '{}', 'null', '"x"', '1', '[1]', '{"line_1": 1, "city": 2}', '{"city": ""}']::jsonb[]) AS v;
SELECT v, pg_temp.try('t_tenant', jsonb_build_object('domain_names', v)) FROM unnest(ARRAY['[]', 'null', '"a"', '{}', '5', '["a", 1, "B"]', '["a", "B"]', '["a", null]', '[["a"]]']::jsonb[]) AS v;

SELECT wazo_auth.declare_schema('t_email', 'emails', NULL, $${
    "address": {"type": "email", "required": true},
    "confirmed": {"type": "boolean", "default": null},
    "main": {"type": "boolean", "default": false}}$$);
CREATE FUNCTION public.t_check_emails(body jsonb) RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(array_remove(ARRAY[
        CASE WHEN count(*) > count(DISTINCT e ->> 'address') THEN 'The same address can only be used once' END,
        CASE WHEN count(*) FILTER (WHERE (e ->> 'main')::bool) > 1 THEN 'Only one address should be main' END,
        CASE WHEN count(*) > 0 AND count(*) FILTER (WHERE (e ->> 'main')::bool) = 0 THEN 'At least one address should be main' END], NULL), '{}')
      FROM jsonb_array_elements(body -> 'emails') AS e
$$;
SELECT wazo_auth.declare_schema('t_emails', 'emails', NULL, $${
    "emails": {"type": "nested_list", "schema": "t_email", "required": true}}$$, cross_check => 'public.t_check_emails');
SELECT v, pg_temp.try('t_emails', v)
  FROM unnest(ARRAY['{}', '{"emails": null}', '{"emails": "x"}', '{"emails": {}}', '{"emails": []}', '{"emails": [{"address": "a@b.com", "main": "yes", "junk": 1}]}',
    '{"emails": [{"address": "a@b.com", "main": true}, {"address": "a@b", "main": 5}, 7, null, {"address": 1}]}',
    '{"emails": [{"address": "a@b.com"}, {"address": "a@b.com"}]}',
    '{"emails": [{"address": "a@b.com", "main": true}, {"address": "a@b.com", "main": true}]}']::jsonb[]) AS v;

-- list query strings: all errors, as an object
SELECT wazo_auth.declare_schema('t_list', 'list_query', NULL, $${
    "limit": {"type": "integer", "default": null, "min": 0},
    "offset": {"type": "integer", "default": 0, "min": 0},
    "order": {"type": "string", "default": "name", "choices": ["name", "slug"]},
    "direction": {"type": "string", "default": "asc", "choices": ["asc", "desc"]},
    "recurse": {"type": "boolean", "default": false},
    "uuids": {"type": "list", "max": 2, "items": {"type": "string"}}}$$);
SELECT wazo_auth.declare_schema('t_unsorted', 'list_query', NULL, '{"order": {"type": "string", "choices": []}}');
SELECT v, pg_temp.try('t_list', v, true)
  FROM unnest(ARRAY['{}', '{"limit": " 10 ", "offset": ["5", "x"], "recurse": "True", "uuids": "a", "x": "y"}', '{"uuids": ["a", "b"], "order": ["slug"]}',
    '{"uuids": [""], "limit": []}', '{"limit": "", "offset": "-1", "order": "", "direction": "ASC", "recurse": "", "uuids": ["a", "b", "c"]}', '{"limit": "x", "direction": "down"}',
    '{"limit": "99999999999999999999"}']::jsonb[]) AS v;
SELECT pg_temp.try('t_unsorted', '{"order": "name"}', true);
-- a body is no query string
SELECT pg_temp.try('t_list', '{"uuids": "a", "order": ["name"]}');

-- password reset
CREATE FUNCTION public.t_check_reset(body jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN num_nonnulls(body ->> 'username', body ->> 'email') <> 1
                THEN ARRAY['"username" or "email" or "login" should be used'] END
$$;
SELECT wazo_auth.declare_schema('t_reset', 'reset', NULL, $${
    "username": {"type": "string", "default": null, "min": 1, "max": 256},
    "email": {"type": "email", "default": null}}$$, cross_check => 'public.t_check_reset');
SELECT v, pg_temp.try('t_reset', v, true) FROM unnest(ARRAY['{}', '{"username": "a"}', '{"username": "a", "email": "a@b.com"}', '{"username": "", "email": "x"}', '{"email": "x"}']::jsonb[]) AS v;

-- short forms: the first field, and Python's text of all errors
SELECT wazo_auth.declare_schema('t_policy', 'first_field', NULL, $${
    "name": {"type": "string", "required": true, "min": 1, "max": 80},
    "acl": {"type": "list", "items": {"type": "string"}, "default": []}}$$);
SELECT v, pg_temp.try('t_policy', v) FROM unnest(ARRAY['{}', '{"name": "a", "acl": [1]}', '{"name": "", "acl": 5}', '7']::jsonb[]) AS v;
CREATE FUNCTION public.t_check_token(body jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN body ->> 'access_type' = 'offline' AND NOT body ? 'client_id'
                THEN ARRAY['"client_id" must be specified when using "access_type" is "offline"', 'second'] END
$$;
SELECT wazo_auth.declare_schema('t_token', 'token_repr', NULL, $${
    "expiration": {"type": "integer", "min": 1, "max": 315360000},
    "access_type": {"type": "string", "choices": ["online", "offline"]},
    "client_id": {"type": "string", "min": 1, "max": 1024},
    "least": {"type": "string", "min": 2},
    "most": {"type": "string", "max": 2},
    "scopes": {"type": "list", "items": {"type": "string"}},
    "slug": {"type": "string", "pattern": "^\\w+$"}}$$, cross_check => 'public.t_check_token');
SELECT v, pg_temp.try('t_token', v)
  FROM unnest(ARRAY['{"expiration": "x"}', '{"expiration": 1e400}', '{"expiration": 0}', '{"client_id": ""}', '{"expiration": null, "access_type": "x", "client_id": 5}', '{"access_type": "offline"}',
    '{"scopes": ["a", 1, null]}', '{"scopes": "a"}', '{"least": "", "most": "abc", "slug": "-"}', '"x"', '{"expiration": 7}']::jsonb[]) AS v;
SELECT wazo_auth.declare_schema('t_sso', 'field_name', 'saml', '{"redirect_url": {"type": "string", "min": 1}, "domain": {"type": "string", "required": true, "min": 3}}');
SELECT v, pg_temp.try('t_sso', v) FROM unnest(ARRAY['{}', '{"domain": "a"}', '{"domain": "a.b"}', '5']::jsonb[]) AS v;

-- arrays of objects, unknown keys refused and not repeated
SELECT wazo_auth.declare_schema('t_patch', 'first_error', 'config', '{"op": {"type": "string", "choices": ["replace"]}, "value": {"type": "boolean"}}',
    max_items => 5, refuse_unknown => true);
SELECT v, pg_temp.try('t_patch', v) FROM unnest(ARRAY['[]', '[{"op": "replace", "value": "on"}, {}]', '{}', 'null', '"x"', '[1]', '[{}, {"op": "x"}]', '[{"op": "replace", "<secret>": 1}]']::jsonb[]) AS v;

-- an answer stays small however much is wrong
SELECT length(pg_temp.try('t_emails', jsonb_build_object('emails', array_agg(i)))) < 20000 FROM generate_series(1, 100000) AS i;
SELECT length(pg_temp.try('t_token', jsonb_build_object('scopes', array_agg(i)))) < 20000 FROM generate_series(1, 100000) AS i;

-- the cache follows changes, and their rollback
BEGIN;
SELECT wazo_auth.declare_schema('t_sso', 'first_error', NULL, '{"other": {"type": "integer", "default": 5}}');
SELECT pg_temp.try('t_sso', '{}');
SAVEPOINT s;
UPDATE wazo_auth.schema_field SET default_value = '6' WHERE schema = 't_sso';
SELECT pg_temp.try('t_sso', '{}');
ROLLBACK TO SAVEPOINT s;
SELECT pg_temp.try('t_sso', '{}');
ROLLBACK;
SELECT pg_temp.try('t_sso', '{"domain": "a.b"}');
-- a rule between fields that changes the shape it is a rule of
CREATE FUNCTION public.t_check_self(body jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wazo_auth.declare_schema('t_self', 'first_error', 'other', '{"b": {"type": "integer"}}');
    RETURN ARRAY[wazo_auth.validate('t_self', '{"b": 1}')::text];
END
$$;
SELECT wazo_auth.declare_schema('t_self', 'first_error', 'users', '{"a": {"type": "integer"}}', cross_check => 'public.t_check_self');
SELECT pg_temp.try('t_self', '{"a": 1}');

-- mistakes of those who declare
\pset format aligned
\pset tuples_only off
\set VERBOSITY terse
SELECT wazo_auth.validate('t_none', '{}');
SELECT wazo_auth.validate(NULL, '{}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{"a": {"type": "string", "minimum": 1}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{"a": {"type": "list", "items": {"type": "string", "required": true}}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{"a": {"type": "text"}}');
SELECT wazo_auth.declare_schema('t_bad', 'whatever', NULL, '{"a": {"type": "string"}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{"a": {"type": "nested"}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '[]');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{"a": {"type": "nested", "schema": "t_none"}}');
SELECT wazo_auth.validate('t_bad', '{"a": {}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{}', cross_check => 'public.t_none');
SELECT wazo_auth.validate('t_bad', '{"a": {}}');
SELECT wazo_auth.declare_schema('t_bad', 'first_error', NULL, '{}', cross_check => 'pg_catalog.jsonb_typeof');
SELECT wazo_auth.validate('t_bad', '{"a": {}}');

-- rows that people declare are told from those that ship, for the dump
SELECT count(*) AS mine, count(*) FILTER (WHERE shipped) AS shipped FROM wazo_auth.schema WHERE name LIKE 't\_%';
SELECT wazo_auth.in_extension_script();
DELETE FROM wazo_auth.schema WHERE name LIKE 't\_%';
SELECT count(*) AS fields_left FROM wazo_auth.schema_field WHERE schema LIKE 't\_%';
DROP FUNCTION public.t_check_emails, public.t_check_reset, public.t_check_token, public.t_check_self;
