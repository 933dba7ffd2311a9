-- No input ends in 500: every route is asked with values of every kind for each
-- field of its schemas, and with strange parameters in its path. The tables
-- wazo_auth.route and wazo_auth.schema_field say what there is to try.
-- (contract: DEPARTURES.md, "Bad input ends in 500")
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- One request, of which nothing stays. Returns "status body" cut short.
CREATE FUNCTION pg_temp.try(method text, target text, token text, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.http_response;
  v_result text;
BEGIN
  BEGIN
    v_answer := wazo_auth.http(method, target, ARRAY['X-Auth-Token', token, 'Authorization', 'Basic bm9ydGg6c2VjcmV0'], convert_to(body, 'UTF8'));
    v_result := v_answer.status || ' ' || left(convert_from(COALESCE(v_answer.body, ''), 'UTF8'), 100);
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZZZZ';
  EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
    RETURN v_result;
  END;
END $$;

CREATE FUNCTION pg_temp.escape(value text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg('%' || upper(encode(substr(b, i, 1), 'hex')), '') FROM (SELECT convert_to(value, 'UTF8') AS b) v, generate_series(1, length(v.b)) i
$$;

CREATE TEMP TABLE param (name text PRIMARY KEY, value text);
INSERT INTO param VALUES ('user_uuid', :'deep_user'), ('tenant_uuid', :'deep'), ('parent_tenant_uuid', :'north'),
  ('group_uuid', wazo_auth.create_group(:'deep', 'a group')), ('policy_uuid', wazo_auth.create_policy(:'deep', 'a policy', '{x}')), ('policy_slug', 'apolicy'),
  ('session_uuid', (SELECT uuid FROM wazo_auth.session WHERE user_uuid = :'deep_user')), ('token_uuid', :'deep_token'), ('email_uuid', :'nobody'),
  ('client_id', 'c'), ('access', 'x'), ('idp_type', 'native'), ('auth_type', 'mobile');
CREATE FUNCTION pg_temp.fill(path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_param record;
BEGIN
  FOR v_param IN SELECT p.name, p.value FROM param p LOOP
    path := replace(path, '{' || v_param.name || '}', v_param.value);
  END LOOP;
  RETURN path;
END $$;

CREATE TEMP TABLE value (json text);
INSERT INTO value VALUES ('null'), ('true'), ('false'), ('0'), ('-1'), ('1.5'), ('1e400'), ('-1e400'), ('99999999999999999999'), ('""'), ('" "'), ('"x"'), ('"\n"'),
  ('"é😀"'), ('"\""'), ('"%_\\"'), ('"me"'), ('"native"'), ('"default"'), ('"11111111-0000-4000-8000-000000000003"'), ('"urn:uuid:{11111111000040008000000000000003}"'),
  ('"99999999-9999-4999-8999-999999999999"'), ('"a@b.com"'), ('"2026-02-30"'), ('"' || repeat('x', 70000) || '"'), ('[]'), ('[null]'), ('[1]'), ('["x"]'), ('["x","x"]'), ('[""]'),
  ('["' || repeat('#.*', 3000) || '"]'), ('["!"]'), ('[[]]'), ('[{}]'), ('[{"address":"a@b.com"}]'), ('[{"address":"a@b.com","main":true},{"address":"A@b.com","main":false}]'),
  ('[{"address":null,"main":"x","confirmed":[]}]'), ('["11111111-0000-4000-8000-000000000003","99999999-9999-4999-8999-999999999999"]'), ('{}'), ('{"a":1}'), ('{"line_1":1}'), ('{"line_1":"' || repeat('é', 3000) || '"}');

-- A body in which everything but one field is right.
CREATE FUNCTION pg_temp.bodies(schema_name text) RETURNS SETOF text LANGUAGE sql AS $$
  WITH good AS (
    SELECT '{"name": "n", "username": "n", "acl": ["x"], "emails": [], "old_password": "secret", "new_password": "n", "password": "n", "scopes": ["x"], "users": [],
             "email_address": "n@n.com", "token": "t", "scope": [], "host": "h", "port": 389, "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "m"}'::jsonb AS body)
  SELECT v.json FROM value v
  UNION ALL
  SELECT '{' || concat_ws(', ', to_json(f.name) || ': ' || v.json,
           (SELECT string_agg(to_json(g.key) || ': ' || g.value, ', ') FROM jsonb_each(good.body) g WHERE g.key <> f.name)) || '}'
  FROM good, wazo_auth.schema_field f, value v
  WHERE f.schema = schema_name
$$;

CREATE TEMP TABLE result AS
SELECT r.method, r.path, b.body AS input, pg_temp.try(r.method, pg_temp.fill(r.path), :'north_token', b.body) AS answer
FROM wazo_auth.route r, LATERAL (SELECT pg_temp.bodies(r.body_schema) AS body) b
WHERE r.body_schema IS NOT NULL
UNION ALL
SELECT r.method, r.path, b.json, pg_temp.try(r.method, pg_temp.fill(r.path), :'north_token', b.json)
FROM wazo_auth.route r, value b
WHERE 'json' = ANY (r.checks)
UNION ALL
SELECT r.method, r.path, q.target, pg_temp.try(r.method, q.target, :'north_token', NULL)
FROM wazo_auth.route r JOIN wazo_auth.schema_field f ON f.schema = r.query_schema,
     unnest(ARRAY['', 'x', '-1', '0', '1', '1.0', '9223372036854775807', '9223372036854775808', '99999999999999999999', 'true', 'null', 'NULL', 'é', '😀', '%', '_', '\', '\\',
                  '''', '--', ' ', 'a b', '{}', '[]', 'desc', 'name', 'uuid', 'infinity', '-infinity', 'now', 'NaN', '2026-02-30', :'deep']
            || repeat('%', 2000)) v,
     LATERAL (SELECT pg_temp.fill(r.path) || '?' || pg_temp.escape(f.name) || '=' || COALESCE(pg_temp.escape(v), '') AS target) q
UNION ALL
-- strange parameters in the path
SELECT r.method, r.path, t.target, pg_temp.try(r.method, t.target, :'north_token', '{"name": "n", "acl": ["x"], "scopes": ["x"]}')
FROM wazo_auth.route r, param p,
     unnest(ARRAY['x', 'é', '😀', '"', '''', '\', '%', '{}', 'a.b', '#', '*', '!', '!!', E'\n', ' ', 'me', 'null', repeat('x', 3000), repeat('#', 500), upper(:'deep'), :'nobody', '00000000-0000-0000-0000-000000000000']) v,
     LATERAL (SELECT pg_temp.fill(replace(r.path, '{' || p.name || '}', pg_temp.escape(v))) AS target) t
WHERE position('{' || p.name || '}' IN r.path) > 0;

SELECT cmp_ok(count(*), '>', 5000::bigint, 'there was something to try') FROM result;
SELECT is((SELECT string_agg(left(x.input, 150) || ' => ' || x.answer, E'\n')
           FROM (SELECT f.input, f.answer FROM result f WHERE (f.method, f.path) = (r.method, r.path) AND f.answer !~ '^[234]' ORDER BY f.input LIMIT 5) x),
          NULL, format('%s %s: %s inputs, none ends in 500', r.method, r.path, count(*)))
FROM result r GROUP BY r.method, r.path ORDER BY r.path, r.method;
-- An error is never a text of the database's.
SELECT is_empty($$
  SELECT f.method, f.path, left(f.input, 150), f.answer FROM result f
  WHERE f.answer ~ '^[45]' AND f.answer ~* 'syntax|relation|column |violates|constraint "|operator|SQL|pg_|null value|out of range for type|duplicate key'
$$, 'no error shows what the database said');

SELECT * FROM finish();
ROLLBACK;
