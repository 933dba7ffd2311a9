-- Nobody reaches what another tenant has by naming it: each value by which a
-- tenant's objects are known is put into each field of each body and query
-- string that there is, and sent to each route, public ones too, by a caller of
-- another tenant. Routes and shapes are those of the tables, so that a new one
-- is walked as soon as it is there. (isolation.sql does the same for paths.)
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
\ir lib/saml.psql
\ir lib/owned.psql
SELECT no_plan();
SELECT wazo_auth.configure('{"enabled_http_plugins": {"user_registration": true}}'),
       wazo_auth.set_password(u, 'intruder-password') FROM unnest(ARRAY[:'north_user', :'deep_user']::uuid[]) u \g /dev/null
-- The caller's own password, so that its login is one; what a path has of the caller's own.
INSERT INTO owned SELECT c.tenant, p.param, p.value FROM caller c, LATERAL (VALUES ('token_uuid', c.token), ('relay_state', gen_random_uuid()::text)) p (param, value);

SELECT set_config('test.metadata', :'metadata', true) \g /dev/null

-- ---- what is sent ----
-- By these somebody else's objects are known.
CREATE TEMP VIEW name_of AS
SELECT o.tenant, o.param, o.value FROM owned o
WHERE o.param NOT IN ('access', 'idp_type', 'auth_type', 'parent_tenant_uuid', 'external config', 'external data', 'token_uuid', 'relay_state',
                      -- whoever knows these is their owner
                      'token', 'refresh token');

-- A body in which everything is right that a caller of this tenant sends.
CREATE FUNCTION pg_temp.good(schema_name text, own text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT COALESCE(jsonb_object_agg(f.name, g.value), '{}')
  FROM wazo_auth.schema_field f
  JOIN jsonb_each((SELECT jsonb_build_object('username', 'intruder', 'name', 'intruder', 'acl', '[]'::jsonb, 'emails', '[]'::jsonb,
      'old_password', 'intruder-password', 'new_password', 'intruder-pass-2', 'password', 'intruder-pass-3', 'scopes', '["x"]'::jsonb,
      'users', jsonb_build_array(jsonb_build_object('uuid', owned.value)), 'email_address', 'intruder@example.org', 'token', gen_random_uuid(),
      'scope', '[]'::jsonb, 'host', 'h', 'port', 389, 'user_base_dn', 'dc=x', 'user_login_attribute', 'cn', 'user_email_attribute', 'mail',
      'domain_uuid', (SELECT d.value FROM owned d WHERE d.tenant = own AND d.param = 'domain uuid'), 'entity_id', 'https://sp.example.org',
      'acs_url', 'https://sp.example.org/acs', 'redirect_url', 'https://sp.example.org', 'domain', 'secret-' || own || '.example.com',
      'metadata', current_setting('test.metadata'), 'op', 'replace', 'path', '/debug', 'value', true)
    FROM owned WHERE owned.tenant = own AND owned.param = 'user_uuid')) g (key, value) ON g.key = f.name
  WHERE f.schema = schema_name
$$;
-- A field with a value in it, in the place of what it has in that body.
CREATE FUNCTION pg_temp.holding(field wazo_auth.schema_field, value text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
  CASE
    WHEN field.type IN ('string', 'uuid', 'email', 'any') THEN RETURN NEXT to_jsonb(value);
    WHEN field.type = 'list' AND field.item_type IN ('string', 'uuid', 'email', 'any') THEN RETURN NEXT jsonb_build_array(value);
    WHEN field.type IN ('nested', 'nested_list') THEN
      RETURN QUERY SELECT CASE field.type WHEN 'nested' THEN b.body ELSE jsonb_build_array(b.body) END
      FROM wazo_auth.schema_field f, LATERAL (SELECT pg_temp.good(field.item_schema, 'north') || jsonb_build_object(f.name, h) AS body FROM pg_temp.holding(f, value) h) b
      WHERE f.schema = field.item_schema;
    ELSE NULL;
  END CASE;
END $$;

CREATE TEMP TABLE sent AS
WITH pair (own, their) AS (VALUES ('north', 'south'), ('deep', 'north'))
SELECT r.method, r.path, r.public, p.own, p.their, 'body: ' || f.name AS field, n.param, n.value, ''::text AS query,
       CASE WHEN s.max_items IS NULL THEN b.body ELSE jsonb_build_array(b.body) END AS body
FROM pair p
JOIN name_of n ON n.tenant = p.their
CROSS JOIN wazo_auth.route r
JOIN wazo_auth.schema s ON s.name = r.body_schema
JOIN wazo_auth.schema_field f ON f.schema = s.name
CROSS JOIN LATERAL (SELECT pg_temp.good(s.name, p.own) || jsonb_build_object(f.name, h) AS body FROM pg_temp.holding(f, n.value) h) b
UNION ALL
SELECT r.method, r.path, r.public, p.own, p.their, 'query: ' || f.name, n.param, n.value, '?' || f.name || '=' || replace(n.value, '@', '%40'),
       CASE WHEN r.body_schema IS NOT NULL THEN pg_temp.good(r.body_schema, p.own) END
FROM (SELECT 'north' AS own, 'south' AS their) p
JOIN name_of n ON n.tenant = p.their
CROSS JOIN wazo_auth.route r
JOIN wazo_auth.schema_field f ON f.schema = r.query_schema AND f.name NOT IN ('order', 'direction') AND f.type IN ('string', 'uuid', 'email', 'any', 'list')
UNION ALL
-- What is good alone, by which it is seen that it is more than a refusal of all.
SELECT r.method, r.path, r.public, 'north', 'south', 'nothing', '', '', '', pg_temp.good(r.body_schema, 'north') FROM wazo_auth.route r WHERE r.body_schema IS NOT NULL;

-- ---- what comes of it ----
-- Rows that refer to a tenant's objects, but for what tells what was asked.
SELECT format('CREATE FUNCTION pg_temp.rows_of(tenant text, OUT "row" text) RETURNS SETOF text LANGUAGE plpgsql AS $f$ BEGIN RETURN QUERY %s; END $f$',
         string_agg(format('SELECT %L || '' '' || t::text FROM %1$s t WHERE ARRAY[%2$s]::text[] && ARRAY(SELECT o.value FROM owned o WHERE o.tenant = rows_of.tenant)',
           t.name, t.columns), ' UNION ALL '))
FROM (SELECT c.oid::regclass AS name, string_agg(format('t.%I', a.attname), ',') AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype
      WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' AND NOT c.relname LIKE 'audit%' GROUP BY 1) t \gexec
CREATE TEMP TABLE before AS SELECT t.tenant, r."row" FROM (SELECT DISTINCT o.tenant FROM owned o) t, LATERAL pg_temp.rows_of(t.tenant) r;
CREATE FUNCTION pg_temp.change_of(tenant text, field text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(d.what || d.row, E'\n') FROM (
    SELECT 'gone: ' AS what, r.row FROM (SELECT "row" FROM before b WHERE b.tenant = change_of.tenant EXCEPT SELECT "row" FROM pg_temp.rows_of(tenant)) r
    UNION ALL
    SELECT 'new: ', r.row FROM (SELECT "row" FROM pg_temp.rows_of(tenant) EXCEPT SELECT "row" FROM before b WHERE b.tenant = change_of.tenant) r
    -- who registers gets a tenant below the top one
    WHERE NOT (tenant = 'top' AND r.row LIKE 'wazo_auth.tenant_parent %')
      -- what is made gets the uuid that it is given
      AND field <> 'body: uuid') d
$$;
SELECT cmp_ok(count(*), '>=', 10::bigint, 'there are rows of ' || tenant) FROM before GROUP BY tenant;

-- An object as a form.
CREATE FUNCTION pg_temp.form(body jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(b.key || '=' || (SELECT string_agg('%' || upper(encode(substr(c.bytes, i, 1), 'hex')), '') FROM (SELECT convert_to(b.value, 'UTF8') AS bytes) c, generate_series(1, length(c.bytes)) i), '&')
  FROM jsonb_each_text(body) b
$$;

-- One request, of which nothing stays: "status", and what is wrong with it.
CREATE FUNCTION pg_temp.try(sent sent, OUT status text, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
  v_headers text[] := CASE WHEN NOT sent.public THEN ARRAY['X-Auth-Token', (SELECT c.token FROM caller c WHERE c.tenant = sent.own)]
    ELSE ARRAY['Authorization', 'Basic ' || encode(convert_to(sent.own || ':intruder-password', 'UTF8'), 'base64'), 'Host', 'sp.example.org'] END;
  v_form boolean := (SELECT 'form' = ANY (r.checks) FROM wazo_auth.route r WHERE (r.method, r.path) = (sent.method, sent.path));
  v_answer wazo_auth.http_response;
  v_text text;
BEGIN
  v_answer := wazo_auth.http(sent.method, pg_temp.fill(sent.path, sent.own, sent.own, '{}') || sent.query,
    v_headers || CASE WHEN v_form THEN '{Content-Type,application/x-www-form-urlencoded}'::text[] ELSE '{}' END,
    convert_to(CASE WHEN v_form THEN pg_temp.form(sent.body) ELSE sent.body::text END, 'UTF8'));
  status := v_answer.status;
  v_text := array_to_string(v_answer.headers, ' ') || ' ' || convert_from(COALESCE(v_answer.body, ''), 'UTF8');
  -- What was said may be said again.
  SELECT concat_ws('; ', 'shows ' || string_agg(o.tenant || '''s ' || o.param, ', ') || ': ' || left(v_text, 300)) INTO wrong
  FROM owned o
  WHERE o.tenant = sent.their AND o.param NOT IN ('access', 'idp_type', 'auth_type') AND position(o.value IN sent.value) = 0
    AND position(o.value IN regexp_replace(v_text, '"parent_uuid": "[^"]*"', '', 'g')) > 0;
  wrong := NULLIF(concat_ws('; ', NULLIF(wrong, ''), CASE WHEN status ~ '^5' AND status <> '503' THEN 'answers ' || status END,
    CASE WHEN status ~ '^[23]' AND sent.method <> 'GET' THEN 'changes ' || pg_temp.change_of(sent.their, sent.field) END), '');
  RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
  NULL;
END $$;

CREATE TEMP TABLE result AS SELECT s.*, t.status, t.wrong FROM sent s, LATERAL pg_temp.try(s) t;
SELECT cmp_ok(count(*), '>=', 3000::bigint, 'there was something to send') FROM result;
SELECT is_empty($$
  SELECT r.method, r.path FROM wazo_auth.route r WHERE (r.body_schema IS NOT NULL OR r.query_schema IS NOT NULL)
  EXCEPT SELECT s.method, s.path FROM sent s
$$, 'to every route that takes a body or a query');
SELECT is_empty($$
  SELECT r.method, r.path, r.status FROM result r WHERE r.field = 'nothing' AND r.status !~ '^([23]|40[1349])'
    -- what an identity provider has signed: saml_login.sql
    AND r.path NOT IN ('/0.1/saml/acs', '/0.1/saml/sls')
$$, 'a caller''s own has the right shape for each');
SELECT is((SELECT string_agg(format('%s of %s, %s (%s: %s) %s', x.field, x.their, x.param, x.status, x.value, x.wrong), E'\n')
           FROM (SELECT f.* FROM result f WHERE (f.method, f.path) = (r.method, r.path) AND f.wrong IS NOT NULL ORDER BY f.field, f.param LIMIT 5) x),
          NULL, format('%s %s: %s times somebody else''s named, nothing shown or changed', r.method, r.path, count(*)))
FROM result r GROUP BY r.method, r.path ORDER BY r.path, r.method;

SELECT * FROM finish();
ROLLBACK;
