-- What a request may hold is limited, whoever sends it: each text, list and
-- body that is declared, and what adds up from them.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- ---- every declared shape ----
SELECT is_empty($$
  SELECT f.schema, f.name FROM wazo_auth.schema_field f JOIN wazo_auth.schema s ON s.name = f.schema AND s.shipped
  WHERE CASE f.type WHEN 'list' THEN f.max IS NULL WHEN 'nested_list' THEN f.max IS NULL WHEN 'any' THEN true
                    WHEN 'string' THEN num_nonnulls(f.max, f.max_bytes, f.choices) = 0 WHEN 'email' THEN num_nonnulls(f.max, f.max_bytes) = 0 ELSE false END
     OR CASE f.item_type WHEN 'any' THEN true WHEN 'string' THEN num_nonnulls(f.item_max, f.item_max_bytes, f.item_choices) = 0
                         WHEN 'email' THEN num_nonnulls(f.item_max, f.item_max_bytes) = 0 ELSE false END
     OR f.pattern IS NOT NULL AND num_nonnulls(f.max, f.max_bytes) = 0 OR f.item_pattern IS NOT NULL AND num_nonnulls(f.item_max, f.item_max_bytes) = 0$$,
  'each text, list and pattern has a limit');
SELECT is_empty($$
  SELECT d.key, p.key FROM json_each(wazo_auth.api_definitions()) d, json_each(d.value -> 'properties') p
  WHERE d.key <> 'Error' AND p.value ->> 'type' = 'array' AND p.value ->> 'maxItems' IS NULL
     OR d.key <> 'Error' AND p.value ->> 'type' = 'string' AND p.value ->> 'maxLength' IS NULL AND p.value ->> 'enum' IS NULL AND p.value ->> 'format' IS DISTINCT FROM 'uuid'
     OR p.value -> 'items' ->> 'type' = 'string' AND p.value -> 'items' ->> 'maxLength' IS NULL AND d.key <> 'Error'$$,
  'and the description of the API says it, of bodies');
SELECT is_empty($$
  SELECT r.method, r.path, p.value FROM wazo_auth.route r, json_array_elements(wazo_auth.api_parameters(r, r.path)) p
  WHERE r.shipped AND p.value ->> 'in' = 'query' AND p.value ->> 'type' = 'string' AND p.value ->> 'maxLength' IS NULL AND p.value ->> 'enum' IS NULL$$,
  'and of query strings');
SELECT is_empty($$
  SELECT r.method, r.path, f.name FROM wazo_auth.route r
  JOIN wazo_auth.schema_field l ON l.schema = r.query_schema AND l.name = 'limit'
  JOIN wazo_auth.schema_field f ON f.schema = r.query_schema
  WHERE f.filter IS NULL AND f.name NOT IN ('limit', 'offset', 'order', 'direction', 'search', 'recurse')$$,
  'each parameter of a list is a filter or is refused');
SELECT throws_ok($$SELECT wazo_auth.declare_list('l', '{a}', '{"x": {"type": "string"}}')$$, '22023', 'the parameter "x" of the list "l" has no filter', 'one that is none cannot be declared');

-- ---- a body is measured before it is parsed, and refused in its route's own words ----
SELECT wazo_auth.add_route('POST', '/0.1/limits/' || s.name, 'wazo_auth.rest_token_delete', 'limits', public => true, changes_no_access => 'a test',
                           checks => '{body}', body_schema => s.name)
FROM wazo_auth.schema s WHERE s.name IN (SELECT r.body_schema FROM wazo_auth.route r WHERE r.shipped) \g /dev/null
CREATE TEMP VIEW measured AS
SELECT s.*, b.*, CASE WHEN s.family IN ('first_field', 'token_repr') THEN '"reason": [' ELSE '"error_id": ' END AS shape
FROM wazo_auth.schema s
CROSS JOIN LATERAL (VALUES
  ('too long', repeat(' ', s.body_bytes) || '0', 413, s.body_bytes),
  ('too deep', repeat('[', s.body_depth + 1), 400, s.body_depth),
  ('too many', '[' || repeat('0,', s.body_values), 400, s.body_values)) b (what, body, status, most)
WHERE s.name IN (SELECT r.body_schema FROM wazo_auth.route r WHERE r.plugin = 'limits');
SELECT matches(pg_temp.ask('POST', '/0.1/limits/' || m.name, NULL, m.body), '^' || m.status || ' .*' || m.most, m.name || ': a body that is ' || m.what || ' is told so, and the limit') FROM measured m;
SELECT is(strpos(pg_temp.ask('POST', '/0.1/limits/' || m.name, NULL, m.body), m.shape) > 0, true, m.name || ': in the shape of its route') FROM measured m;
SELECT unalike(pg_temp.ask('POST', '/0.1/limits/' || m.name, NULL, left(m.body, -1)), '413 %', m.name || ': one byte less') FROM measured m WHERE m.what = 'too long';
SELECT matches(pg_temp.ask('POST', '/0.1/limits/user_post', NULL, '"' || repeat('\"[', 20000) || '"'), 'Invalid input type', 'what stands in a text does not count');

-- ---- scopes: the token is judged first, and what it costs is bounded ----
SELECT is(pg_temp.ask('POST', '/0.1/token/' || t || '/scopes/check', NULL, b), '404 {"reason": ["No such token"], "timestamp": [T], "status_code": 404}', 'a stranger''s body is not even looked at')
FROM unnest(ARRAY[:'nobody', gen_random_uuid()::text]) t, unnest(ARRAY['', '{', '{"scopes": 1}', '{"x": [' || repeat('{},', 300000) || '{}], "scopes": ["a"]}']) b;
CREATE FUNCTION pg_temp.scopes(n int, len int DEFAULT 1) RETURNS text LANGUAGE sql AS $$ SELECT json_build_object('scopes', array_agg(rpad(i::text, len, 'x')))::text FROM generate_series(1000, 999 + n) i $$;
SELECT matches(pg_temp.ask('POST', '/0.1/token/' || :'top_token' || '/scopes/check', NULL, pg_temp.scopes(n, len)), want, format('%s scopes of %s bytes', n, len))
FROM (VALUES (256, 4, '^200 \{"scopes": \{"1000": true'), (257, 4, '^400 .*''scopes''.*Longer than maximum length 256'), (1, 1024, '^200 '), (1, 1025, '^400 .*''scopes''.*Longer than maximum length 1024'),
             (256, 1024, '^413 .*8192')) v (n, len, want);
SELECT is(wazo_auth.token_grants(:'deep_token', '{a,NULL,b.c}'), '{t,f,t}', 'token_grants()');
SELECT is(wazo_auth.token_grants(:'nobody', '{a,b}') || wazo_auth.token_grants(:'deep_token', '{}'), '{f,f}', '... of nobody, and of nothing');
SELECT is(pg_temp.ask(m, '/0.1/token/' || t || '?scope=' || repeat('x', n)) , want, format('%s with a scope of %s bytes', m, n))
FROM (VALUES ('HEAD', :'top_token', 1024, '204'), ('HEAD', :'top_token', 1025, '400'),
             ('HEAD', :'nobody', 1025, '404')) v (m, t, n, want);
SELECT matches(pg_temp.ask('GET', '/0.1/token/' || :'top_token' || '?scope=' || repeat('x', 1025)), '^400 .*Longer than maximum length 1024', 'and GET says why');
SELECT is(f.max_bytes, 1024, 'as it is declared') FROM wazo_auth.schema_field f WHERE f.schema = 'token_query' AND f.name = 'scope';

-- ---- limits that were no error of the route, or a bare "Bad request" ----
SELECT matches(pg_temp.ask(v.method, v.target, :'top_token', v.body), v.want, v.method || ' ' || v.target || ' ' || left(v.body, 40))
FROM (VALUES
  ('POST', '/0.1/users', json_build_object('password', repeat('x', 4097))::text, '^400 \{"message": "Longer than maximum length 4096.", .*"password"'),
  ('POST', '/0.1/users', json_build_object('firstname', repeat('x', 257))::text, '^400 \{"message": "Longer than maximum length 256.", .*"firstname"'),
  ('POST', '/0.1/policies', json_build_object('name', 'x', 'acl', ARRAY[repeat('x', 1025)])::text, '^400 \{"reason": \["Invalid value supplied for field: acl: Longer than maximum length 1024\."\]'),
  ('POST', '/0.1/policies', json_build_object('name', 'x', 'acl', ARRAY[repeat('é', 513)])::text, '^400 \{"reason": \["Invalid value supplied for field: acl: Longer than maximum length 1024\."\]'),
  ('POST', '/0.1/policies', (SELECT json_build_object('name', 'x', 'acl', array_agg(i::text))::text FROM generate_series(1, 10001) i), '^400 \{"reason": \["Invalid value supplied for field: acl: Longer than maximum length 10000\."\]'),
  ('POST', '/0.1/policies', json_build_object('name', repeat('x', 81))::text, '^400 \{"reason": \["Invalid value supplied for field: name"\]'),
  ('POST', '/0.1/token', json_build_object('client_id', repeat('x', 1025))::text, '^400 .*client_id.*between 1 and 1024'),
  ('POST', '/0.1/token', json_build_object('client_id', repeat('é', 513))::text, '^400 .*client_id.*Longer than maximum length 1024'),
  ('PUT', '/0.1/users/' || :'top_user' || '/emails', (SELECT json_build_object('emails', json_agg(json_build_object('address', i || '@x.org', 'main', i = 1)))::text FROM generate_series(1, 101) i), '^400 .*"emails".*Longer than maximum length 100'),
  ('POST', '/0.1/tenants', (SELECT json_build_object('domain_names', array_agg(i || '.x.org'))::text FROM generate_series(1, 101) i), '^400 .*"domain_names".*Longer than maximum length 100'),
  ('PATCH', '/0.1/config', (SELECT json_agg('{"op": "replace", "path": "/debug", "value": true}'::json)::text FROM generate_series(1, 101)), '^400 .*Longer than maximum length 100'),
  ('GET', '/0.1/users?search=' || repeat('x', 257), NULL, '^400 .*"search".*Longer than maximum length 256')) v (method, target, body, want);

SELECT * FROM finish();
ROLLBACK;
