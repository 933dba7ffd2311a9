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
  SELECT r.method, r.path, j FROM wazo_auth.route r, json_array_elements(wazo_auth.api_parameters(r, r.path)) p,
         jsonb_path_query(p.value::jsonb, '$.** ? (@.type == "array" && !exists(@.maxItems))') j
  WHERE r.shipped
  UNION ALL
  SELECT NULL, d.key, j FROM jsonb_each(wazo_auth.api_definitions()::jsonb - 'Error') d,
         jsonb_path_query(d.value, '$.** ? (@.type == "array" && !exists(@.maxItems))') j$$,
  'each list, wherever it stands, has a limit there');
SELECT is_empty($$
  SELECT r.method, r.path FROM wazo_auth.route r
  WHERE r.shipped AND r.checks && '{body,json}' AND NOT EXISTS (
    SELECT FROM json_array_elements(wazo_auth.api_parameters(r, r.path)) p
    WHERE p.value ->> 'in' = 'body' AND p.value ->> 'description' ~ '^At most \d+ bytes, \d+ values, nested \d+ deep$')$$,
  'and each body, of a shape or any JSON');
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
SELECT wazo_auth.add_route('POST', '/0.1/limits/any_json', 'wazo_auth.rest_token_delete', 'limits', public => true, changes_no_access => 'a test',
                           checks => '{json}') \g /dev/null
CREATE TEMP VIEW measured AS
SELECT s.*, b.*, CASE WHEN s.family IN ('first_field', 'token_repr') THEN '"reason": [' ELSE '"error_id": ' END AS shape
FROM wazo_auth.schema s
CROSS JOIN LATERAL (VALUES
  ('too long', repeat(' ', s.body_bytes) || '0', 413, s.body_bytes),
  ('too deep', repeat('[', s.body_depth + 1), 400, s.body_depth),
  ('too many', '[' || repeat('0,', s.body_values), 400, s.body_values)) b (what, body, status, most)
WHERE '/0.1/limits/' || s.name IN (SELECT r.path FROM wazo_auth.route r WHERE r.plugin = 'limits');
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

-- ---- policies that add up to more than an ACL holds ----
SELECT wazo_auth.create_policy(:'north', 'p' || n, (SELECT array_agg('p' || n || '.a' || i)::wazo_auth.acl FROM generate_series(1, 4000) i)) FROM generate_series(1, 3) n \g /dev/null
SELECT wazo_auth.create_policy(:'north', 'same', (SELECT p.acl FROM wazo_auth.policy p WHERE p.name = 'p1')) AS same, wazo_auth.create_policy(:'north', 'grows') AS grows,
       wazo_auth.create_group(:'north', 'large') AS large, wazo_auth.create_group(:'north', 'larger') AS larger \gset
SELECT p.uuid AS p1 FROM wazo_auth.policy p WHERE p.name = 'p1' \gset
SELECT p.uuid AS p2 FROM wazo_auth.policy p WHERE p.name = 'p2' \gset
SELECT p.uuid AS p3 FROM wazo_auth.policy p WHERE p.name = 'p3' \gset
CREATE FUNCTION pg_temp.put(target text, body text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT left(pg_temp.ask('PUT', '/0.1' || target, (SELECT pg_temp.token('22222222-0000-4000-8000-000000000001')), body), 70) $$;
SELECT is(pg_temp.put('/users/' || :'north_user' || '/policies/' || p), '204', 'a policy of 4,000 accesses') FROM unnest(ARRAY[:'p1', :'same', :'p2', :'grows']) p;
SELECT is(pg_temp.put('/users/' || :'north_user' || '/policies/' || :'p3'), '400 {"reason": ["more than 10000 different accesses, or 1 MiB of them,', 'the third');
SELECT is((SELECT count(*) FROM wazo_auth.user_policy up WHERE up.user_uuid = :'north_user'), 4::bigint, '... is not given');
SELECT is(acl_length, 12000, 'equal ones count once, but stand as often as they are given where there is room') FROM (SELECT wazo_auth.acl_length(p.acl) * 3 AS acl_length FROM wazo_auth.policy p WHERE p.name = 'p1') x;
SELECT is(wazo_auth.acl_length(wazo_auth.user_acl(:'north_user')), 8000, 'where there is none, once');
SELECT is(pg_temp.put('/policies/' || :'grows', (SELECT json_build_object('name', 'grows', 'acl', array_agg('g' || i))::text FROM generate_series(1, 2000) i)) LIKE '200 %', true, 'a policy that grows up to the limit');
SELECT is(pg_temp.put('/policies/' || :'grows', (SELECT json_build_object('name', 'grows', 'acl', array_agg('g' || i))::text FROM generate_series(1, 2001) i)), '400 {"reason": ["more than 10000 different accesses, or 1 MiB of them,', 'and beyond');
SELECT is(pg_temp.put('/policies/' || :'grows' || '/acl/one.more'), '400 {"reason": ["more than 10000 different accesses, or 1 MiB of them,', 'by one access');
SELECT is(pg_temp.put('/policies/' || :'grows' || '/acl/g' || repeat('x', 1024)), '400 {"reason": ["Invalid value supplied for field: access: Longer than', 'by one that is too long');
SELECT is(pg_temp.put('/groups/' || :'large' || '/policies/' || p), '204', 'a group without members') FROM unnest(ARRAY[:'p2', :'p3']) p;
SELECT is(pg_temp.put('/groups/' || :'large' || '/users/' || :'north_user'), '400 {"message": "more than 10000 different accesses, or 1 MiB of them,', 'a membership');
SELECT is(pg_temp.put('/groups/' || :'large' || '/policies/' || :'p1'), '400 {"reason": ["more than 10000 different accesses, or 1 MiB of them,', 'a policy for a group without members');
SELECT is(pg_temp.put('/groups/' || :'larger' || '/users/' || :'north_user') || pg_temp.put('/groups/' || :'larger' || '/policies/' || :'p3'), '204400 {"reason": ["more than 10000 different accesses, or 1 MiB of them,', 'a policy for a group with a member that has the others');
-- members who have the same are looked at once, however many they are
SELECT wazo_auth.create_group(:'north', 'crowd') AS crowd \gset
INSERT INTO wazo_auth.user (tenant_uuid, username) SELECT :'north', 'crowd' || i FROM generate_series(1, 50) i;
INSERT INTO wazo_auth.group_user (group_uuid, user_uuid) SELECT :'crowd', u.uuid FROM wazo_auth.user u WHERE u.username LIKE 'crowd%';
INSERT INTO wazo_auth.user_policy (user_uuid, policy_uuid) SELECT u.uuid, p FROM wazo_auth.user u, unnest(ARRAY[:'p1', :'same', :'p2']::uuid[]) p WHERE u.username LIKE 'crowd%';
SET track_functions = 'all';
SELECT wazo_auth.refuse_too_many_accesses(group_uuid => :'crowd') \g /dev/null
RESET track_functions;
SELECT is(pg_stat_get_xact_function_calls('wazo_auth.acls_fit'::regproc), 2::bigint, 'fifty members of one kind: the group and one of them are looked at');
-- what is there already, by a restore or two requests at a time
INSERT INTO wazo_auth.user_policy VALUES (:'north_user', :'p3');
UPDATE wazo_auth.policy p SET acl = '{!no.1,z.1}' WHERE p.uuid = :'grows';
UPDATE wazo_auth.policy p SET slug = 'zzz' WHERE p.uuid = :'grows';
SELECT is(wazo_auth.acl_length(a.acl) || ' ' || (a.acl::text[])[1] || ' ' || (a.acl::text[])[10000] || ' ' || ('z.1' = ANY (a.acl::text[])), '10000 p1.a1 !no.1 false', 'a login gets what there is room for, negative entries first')
FROM (SELECT wazo_auth.user_acl(:'north_user') AS acl) a;
SELECT wazo_auth.set_password(:'north_user', 'secret') \g /dev/null
SELECT is((SELECT t.token IS NOT NULL FROM wazo_auth.token_create('north', 'secret') t), true, 'and does not fail');
SELECT is(wazo_auth.acls_fit(a), w, 'acls_fit ' || left(a::text, 40)) FROM (VALUES ('{}'::wazo_auth.acl[], true), (ARRAY[NULL, '{a,a}'::wazo_auth.acl], true),
  ((SELECT array_agg(ARRAY[repeat('x', 1000) || i]::wazo_auth.acl) FROM generate_series(1, 1040) i), true), ((SELECT array_agg(ARRAY[repeat('x', 1000) || i]::wazo_auth.acl) FROM generate_series(1, 1050) i), false)) v (a, w);

-- ---- rules hold for SQL as for REST ----
CREATE FUNCTION pg_temp.error(schema text, name text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.validate(schema, jsonb_build_object('name', 'n') || jsonb_build_object(name, value));
  RETURN 'none';
EXCEPTION WHEN SQLSTATE 'WA400' THEN
  RETURN SQLSTATE;
END $$;
SELECT throws_ok(v.call, '23514', NULL, 'not by SQL either: ' || left(v.call, 100))
FROM (SELECT format(c.call, :'north', :'north_user') AS call FROM (VALUES
  ('SELECT wazo_auth.create_user(%1$L, email_address => E''a@x.org\nBcc: b@x.org'')'),
  ('SELECT wazo_auth.create_user(%1$L, email_address => ''nobody'')'), ('SELECT wazo_auth.create_user(%1$L, email_address => repeat(''x'', 510) || ''@x.org'')'),
  ('SELECT wazo_auth.create_user(%1$L, '''')'), ('SELECT wazo_auth.create_user(%1$L, repeat(''x'', 257))'), ('SELECT wazo_auth.create_user(%1$L, firstname => repeat(''x'', 257))'),
  ('SELECT wazo_auth.update_user(%2$L, ''north'', lastname => repeat(''x'', 257))'), ('SELECT wazo_auth.replace_emails(%2$L, ''{"a b@x.org"}'')'),
  ('SELECT wazo_auth.create_policy(%1$L, '''')'), ('SELECT wazo_auth.create_policy(%1$L, repeat(''x'', 81), slug => ''x'')'), ('SELECT wazo_auth.create_policy(%1$L, ''x'', slug => ''a b'')'),
  ('SELECT wazo_auth.create_policy(%1$L, ''x'', slug => E''a\n'')'), ('SELECT wazo_auth.create_policy(%1$L, ''x'', description => repeat(''x'', 4097))'),
  ('SELECT wazo_auth.create_group(%1$L, '''')'), ('SELECT wazo_auth.create_group(%1$L, repeat(''x'', 129))'), ('SELECT wazo_auth.create_group(%1$L, ''x'', ''a b'')'),
  ('SELECT wazo_auth.create_tenant(%1$L, '''')'), ('SELECT wazo_auth.create_tenant(%1$L, slug => ''a-b'')'), ('SELECT wazo_auth.create_tenant(%1$L, phone => repeat(''1'', 33))'),
  ('SELECT wazo_auth.create_tenant(%1$L, domain_names => ''{a b.org}'')'), ('SELECT wazo_auth.create_tenant(%1$L, domain_names => ARRAY[repeat(''a'', 250) || ''.org''])'),
  ('SELECT wazo_auth.create_tenant(%1$L, address => ROW(NULL, NULL, NULL, NULL, NULL, repeat(''1'', 17))::wazo_auth.postal_address)')) c (call)) v;
SELECT throws_ok(format(c, :'north_user'), 'WA400', 'Longer than maximum length 100.', 'nor more: ' || c)
FROM unnest(ARRAY['SELECT wazo_auth.replace_emails(%L, ARRAY(SELECT i || ''@x.org'' FROM generate_series(1, 101) i))',
                  'SELECT wazo_auth.update_tenant(''11111111-0000-4000-8000-000000000002'', domain_names => ARRAY(SELECT i || ''.x.org'' FROM generate_series(1, 101) i))']) c;

-- What REST takes of a text, SQL takes too, and what it refuses is refused.
CREATE FUNCTION pg_temp.takes(call text, field text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(call, field, value, '11111111-0000-4000-8000-000000000001');
  RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
  RETURN true;
WHEN check_violation OR SQLSTATE 'WA400' THEN
  RETURN false;
END $$;
CREATE TEMP TABLE sample (value text);
INSERT INTO sample VALUES (''), (' '), ('x'), ('a b'), ('a-b'), ('A_1'), (E'a\n'), (E'\n'), ('é'), ('a.b'), ('a@b.com'), (E'a@b.com\n'), ('"q"@b.com'), ('a@b'), ('a@b.com, c@d.com');
INSERT INTO sample SELECT repeat('x', n) FROM unnest('{10,11,16,17,32,33,80,81,128,129,256,257}'::int[]) n;
SELECT is(pg_temp.takes(f.call, f.field, s.value), pg_temp.error(f.schema, f.field, s.value) NOT IN ('WA400'), format('%s.%s and SQL agree on %s', f.schema, f.field, left(to_json(s.value)::text, 20)))
FROM sample s, (VALUES
  ('user_post', 'username', 'SELECT wazo_auth.create_user(%3$L, %1$I => %2$L)'), ('user_post', 'firstname', 'SELECT wazo_auth.create_user(%3$L, %1$I => %2$L)'),
  ('user_post', 'lastname', 'SELECT wazo_auth.create_user(%3$L, %1$I => %2$L)'), ('user_post', 'email_address', 'SELECT wazo_auth.create_user(%3$L, %1$I => %2$L)'),
  ('tenant_post', 'name', 'SELECT wazo_auth.create_tenant(%3$L, %1$I => %2$L)'), ('tenant_post', 'slug', 'SELECT wazo_auth.create_tenant(%3$L, %1$I => %2$L)'),
  ('tenant_post', 'phone', 'SELECT wazo_auth.create_tenant(%3$L, %1$I => %2$L)'), ('group_post', 'name', 'SELECT wazo_auth.create_group(%3$L, %1$I => %2$L)'),
  ('group_post', 'slug', 'SELECT wazo_auth.create_group(%3$L, ''n'', %1$I => %2$L)'), ('policy_post', 'name', 'SELECT wazo_auth.create_policy(%3$L, %1$I => %2$L)'),
  ('policy_post', 'slug', 'SELECT wazo_auth.create_policy(%3$L, ''n'', %1$I => %2$L)'), ('policy_post', 'description', 'SELECT wazo_auth.create_policy(%3$L, ''n'', %1$I => %2$L)')) f (schema, field, call);

-- ---- headers ----
SELECT is((a).status || convert_from((a).body, 'UTF8'), E'431{"message": "The request headers are too large."}\n', 'headers of 64 KiB')
FROM (SELECT wazo_auth.http('GET', '/0.1/users', ARRAY['User-Agent', repeat('x', 66000)]) AS a) r;
SELECT is((wazo_auth.http('POST', '/0.1/token', ARRAY['Authorization', 'Basic ' || encode(convert_to(repeat('x', 40000) || ':y', 'UTF8'), 'base64'), 'User-Agent', repeat('x', 5000)], '{}'::bytea)).status, 401, 'a login name longer than any');
SELECT t.token AS long_agent FROM wazo_auth.token_create('north', 'secret', user_agent => repeat('x', 5000), remote_addr => repeat('y', 5000)) t \gset
SELECT is(length(s.user_agent) + length(s.remote_addr), 1280, 'what a client says of itself is cut') FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'long_agent');
SELECT throws_ok($$UPDATE wazo_auth.session SET metadata = to_json(repeat('x', 70000))$$, '23514', NULL, 'and metadata have a limit');

-- ---- no error without a word why ----
CREATE FUNCTION pg_temp.fail(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the why' USING ERRCODE = request.query ->> 'code', CONSTRAINT = 'a_rule', DETAIL = 'Failing row contains (s3cret).';
END $$;
SELECT wazo_auth.add_route('GET', '/0.1/limits/fail', pg_my_temp_schema()::regnamespace || '.fail', 'limits', public => true) \g /dev/null
SELECT is(pg_temp.ask('GET', '/0.1/limits/fail?code=' || c), '400 {"message": "Bad request: ' || CASE c WHEN '23514' THEN 'a value breaks the rule a_rule' ELSE 'the why' END || '"}', 'SQLSTATE ' || c || ' says why')
FROM unnest('{22P05,22021,22001,54000,23514}'::text[]) c;

-- ---- work that grows with the input, and not with its square: counted in calls ----
SET track_functions = 'all';
CREATE FUNCTION pg_temp.folds(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  c_fold oid := 'wazo_auth.normal_login(text)'::regprocedure;
  v_before bigint := COALESCE(pg_stat_get_xact_function_calls(c_fold), 0);
BEGIN
  PERFORM wazo_auth.replace_emails('22222222-0000-4000-8000-000000000002', ARRAY(SELECT n || '-' || i || '@x.org' FROM generate_series(1, n) i), n || '-1@x.org');
  PERFORM wazo_auth.replace_emails('22222222-0000-4000-8000-000000000002', '{}');
  RETURN pg_stat_get_xact_function_calls(c_fold) - v_before;
END $$;
SELECT cmp_ok(pg_temp.folds(10), '>', 0::bigint, 'calls are counted');
SELECT cmp_ok(pg_temp.folds(100), '<=', 5 * pg_temp.folds(20) + 50, 'five times the addresses are five times the work');

SELECT * FROM finish();
ROLLBACK;
