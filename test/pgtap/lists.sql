-- What lists have in common: paging, order, search, filters and counts
-- (contract: schemas.md section 3).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

CREATE FUNCTION pg_temp.names(target text, name text DEFAULT 'username', tenant text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT COALESCE((a.json ->> 'filtered') || '/' || (a.json ->> 'total') || ':'
         || COALESCE((SELECT string_agg(COALESCE(i.item ->> name, '-'), ' ' ORDER BY i.n)
                      FROM jsonb_array_elements(a.json -> 'items') WITH ORDINALITY i(item, n)), ''), a.json::text)
  FROM (SELECT pg_temp.ask_json('GET', target, current_setting('test.token'), NULL, tenant) AS json OFFSET 0) a
$$;
SELECT set_config('test.token', :'north_token', true) AS set \gset
SELECT count(wazo_auth.create_user(:'north', u.username, email_address => u.email, firstname => u.first, lastname => u.last, purpose => u.purpose)) AS made
FROM (VALUES ('anna', 'anna@example.org', 'Anna', 'Öz', 'user'), ('Bert', NULL, 'bert', 'äpfel baum', 'internal'),
             ('carl', 'zoe%@example.com', NULL, 'x_y', 'user'), (NULL, 'Only@mail.org', 'ΣΊΓΜΑ', NULL, 'external_api')) u(username, email, first, last, purpose) \gset
SELECT u.uuid AS anna FROM wazo_auth.user u WHERE u.username = 'anna' \gset
SELECT wazo_auth.create_group(:'north', 'G one') AS g1, wazo_auth.create_policy(:'north', 'direct') AS p1, wazo_auth.create_policy(:'north', 'by-group') AS p2 \gset
SELECT wazo_auth.add_group_user(:'g1', :'anna') AS a, wazo_auth.add_user_policy(:'anna', :'p1') AS b, wazo_auth.add_group_policy(:'g1', :'p2') AS c,
       wazo_auth.add_user_policy(:'north_user', :'p2') AS d \gset

SELECT is(pg_temp.names('/0.1/users' || q), want, 'GET /users' || q)
FROM (VALUES
  -- order: bytes of UTF-8, nulls last upwards and first downwards
  ('', '5/5:Bert anna carl north -'), ('?direction=desc', '5/5:- north carl anna Bert'),
  ('?order=username&direction=asc', '5/5:Bert anna carl north -'),
  ('?order=firstname&limit=3', '5/5:anna Bert -'), ('?order=lastname&direction=desc&offset=2&limit=2', '5/5:Bert anna'),
  -- paging
  ('?limit=2', '5/5:Bert anna'), ('?limit=2&offset=3', '5/5:north -'), ('?offset=4', '5/5:-'), ('?offset=5', '5/5:'), ('?limit=0', '5/5:'),
  ('?limit=9223372036854775807&offset=9223372036854775807', '5/5:'), ('?limit=%202%20', '5/5:Bert anna'), ('?limit=1_0&unknown=1', '5/5:Bert anna carl north -'),
  ('?limit=1&limit=4', '5/5:Bert'),
  -- search: words in their order, in one column, whatever the case, in any script
  ('?search=ann', '1/5:anna'), ('?search=ANNA', '1/5:anna'), ('?search=example', '2/5:anna carl'), ('?search=EXAMPLE+org', '1/5:anna'),
  ('?search=org+example', '0/5:'), ('?search=%C3%B6z', '1/5:anna'), ('?search=%C3%84PFEL+BAUM', '1/5:Bert'), ('?search=%CF%83%CE%AF%CE%B3', '1/5:-'),
  ('?search=baum+apfel', '0/5:'), ('?search=%C3%A4pfel++BA', '1/5:Bert'), ('?search=nn', '1/5:anna'), ('?search=z', '2/5:anna carl'),
  ('?search=only@', '1/5:-'), ('?search=', '5/5:Bert anna carl north -'), ('?search=+++', '5/5:Bert anna carl north -'),
  -- wildcards of LIKE are letters
  ('?search=a_na', '0/5:'), ('?search=an%25a', '0/5:'), ('?search=X_y', '1/5:carl'), ('?search=_', '1/5:carl'), ('?search=x%5C_y', '0/5:'), ('?search=x%5C%25y', '0/5:'), ('?search=x%5C', '0/5:'),
  ('?search=%25', '1/5:carl'), ('?search=ZOE%25@', '1/5:carl'), ('?search=zoe%5C%25@', '0/5:'),
  -- what is no UTF-8 is U+FFFD, which nobody's name has
  ('?search=%FF', '0/5:'), ('?search=ann%FF', '0/5:'), ('?%FF=1', '5/5:Bert anna carl north -'), ('?search=Anna+%C3%96z', '0/5:'),
  ('?search=e&limit=1&order=username&direction=desc', '3/5:carl'),
  -- filters, exact
  ('?username=anna', '1/5:anna'), ('?username=Anna', '0/5:'), ('?username=', '0/5:'), ('?firstname=Anna', '1/5:anna'), ('?lastname=x_y', '1/5:carl'),
  ('?purpose=user', '3/5:anna carl north'), ('?purpose=internal&username=Bert', '1/5:Bert'), ('?purpose=user&search=carl', '1/5:carl'), ('?purpose=internal&search=carl', '0/5:'),
  ('?email_address=Only@mail.org', '1/5:-'), ('?email_address=only@mail.org', '0/5:'),
  ('?uuid=x', '0/5:'), ('?uuid=11111111111111111111111111111111', '0/5:'), ('?group_uuid=x', '0/5:'), ('?policy_uuid=x', '0/5:'),
  ('?policy_slug=', '5/5:Bert anna carl north -'), ('?policy_uuid=', '5/5:Bert anna carl north -'), ('?has_policy_uuid=&has_policy_slug=', '5/5:Bert anna carl north -'),
  ('?policy_slug=direct', '1/5:anna'), ('?policy_slug=by-group', '1/5:north'), ('?has_policy_slug=by-group', '2/5:anna north'), ('?has_policy_slug=BY-group', '0/5:'),
  ('?has_policy_slug=direct', '1/5:anna'),
  -- tenants
  ('?recurse=true', '6/6:Bert anna carl deep north -'), ('?recurse=on&search=deep', '1/6:deep'), ('?recurse=false', '5/5:Bert anna carl north -'),
  ('?recurse=yes&purpose=user&order=lastname&limit=2', '4/6:carl anna')) t(q, want);
SELECT is(pg_temp.names('/0.1/users?' || f || '=' || u), want, 'GET /users?' || f)
FROM (VALUES ('uuid', :'anna', '1/5:anna'), ('uuid', upper(:'anna'), '0/5:'), ('group_uuid', :'g1', '1/5:anna'), ('policy_uuid', :'p1', '1/5:anna'),
             ('policy_uuid', :'p2', '1/5:north'), ('has_policy_uuid', :'p2', '2/5:anna north')) t(f, u, want);
SELECT is(pg_temp.names('/0.1/groups/' || :'g1' || '/users?' || q), want, 'GET /groups/g/users?' || q)
FROM (VALUES ('', '1/1:anna'), ('search=ANN', '1/1:anna'), ('search=carl', '0/1:'), ('username=anna', '1/1:anna'), ('email_address=anna@example.org', '1/1:anna'),
             ('purpose=internal', '0/1:'), ('limit=0', '1/1:')) t(q, want);
SELECT is(pg_temp.names('/0.1/groups' || q, 'name'), want, 'GET /groups' || q)
FROM (VALUES ('?search=g+ONE', '1/2:G one'), ('?name=G%20one', '1/2:G one'), ('?slug=Gone', '1/2:G one'), ('?slug=gone', '0/2:'), ('?read_only=false', '1/2:G one'),
             ('?read_only=off&limit=1', '1/2:G one'), ('?limit=1', '2/2:G one'), ('?policy_slug=by-group', '1/2:G one'), ('?policy_slug=direct', '0/2:'),
             ('?user_uuid=' || :'anna' || '&name=G%20one', '1/2:G one'), ('?policy_uuid=' || :'p2', '1/2:G one'), ('?policy_uuid=&read_only=0', '1/2:G one'),
             ('?uuid=' || :'g1' || '&order=uuid&direction=desc', '1/2:G one')) t(q, want);
SELECT is(pg_temp.names('/0.1/users/' || :'anna' || '/groups' || q, 'name'), want, 'GET /users/u/groups' || q)
FROM (VALUES ('?search=g+ONE', '1/2:G one'), ('?name=G%20one', '1/2:G one'), ('?uuid=' || :'g1', '1/2:G one'), ('?limit=1', '2/2:G one')) t(q, want);

-- a user is shown by GET as in a list, to the letter
SELECT is(strpos(pg_temp.ask('GET', '/0.1/users?uuid=' || u, :'north_token'), substr(pg_temp.ask('GET', '/0.1/users/' || u, :'north_token'), 5)) > 0, true, 'one shape of a user') FROM unnest(ARRAY[:'anna', :'north_user']) u;

-- errors
SELECT is(pg_temp.ask('GET', t.target, :'north_token'), '400 {"message": ' || want || ', "error_id": "invalid-list-param", "details": {}, "timestamp": T, "resource": "users"}', 'GET ' || t.target)
FROM (VALUES
  ('/0.1/users?limit=-1', '{"limit": [{"constraint_id": "range", "constraint": {"min": 0}, "message": "Must be greater than or equal to 0."}]}'),
  ('/0.1/users?limit=', '{"limit": {"message": "Not a valid integer.", "constraint_id": "type", "constraint": "integer"}}'),
  ('/0.1/users?limit=9223372036854775808', '{"limit": ["Number too large."]}'),
  ('/0.1/users?offset=1.0&order=&direction=ASC&recurse=', '{"offset": {"message": "Not a valid integer.", "constraint_id": "type", "constraint": "integer"}, "order": [{"constraint_id": "enum", "constraint": {"choices": ["username", "firstname", "lastname"]}, "message": "Must be one of: username, firstname, lastname."}], "direction": [{"constraint_id": "enum", "constraint": {"choices": ["asc", "desc"]}, "message": "Must be one of: asc, desc."}], "recurse": {"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"}}'),
  ('/0.1/groups?read_only=2', '{"read_only": {"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"}}'),
  ('/0.1/users/' || :'anna' || '/groups?order=slug', '{"order": [{"constraint_id": "enum", "constraint": {"choices": ["name", "uuid"]}, "message": "Must be one of: name, uuid."}]}'),
  ('/0.1/users/' || :'anna' || '/groups?user_uuid=' || :'anna', '{"user_uuid": {"message": "Not a valid filter.", "constraint_id": "type", "constraint": "filter"}}'),
  ('/0.1/groups/' || :'g1' || '/users?group_uuid=', '{"group_uuid": {"message": "Not a valid filter.", "constraint_id": "type", "constraint": "filter"}}'),
  ('/0.1/users/' || :'anna' || '/tokens?mobile=2', '{"mobile": {"message": "Not a valid filter.", "constraint_id": "type", "constraint": "filter"}}'),
  ('/0.1/tokens?created_at=x', '{"created_at": {"message": "Not a valid filter.", "constraint_id": "type", "constraint": "filter"}}')) t(target, want);
SELECT is(pg_temp.ask('GET', '/0.1/groups?order=' || o, :'north_token'), format('400 {"reason": ["Invalid sort column: %s"], "timestamp": [T], "status_code": 400}', o), 'groups cannot be sorted by ' || o)
FROM (VALUES ('slug'), ('read_only')) t(o);
SELECT is(pg_temp.ask('GET', '/0.1/groups?order=slug', :'north_token', NULL, 'x') LIKE '401 %', true, 'which is told after the tenant');
SELECT is(pg_temp.ask('GET', '/0.1/groups?limit=x', :'north_token', NULL, 'x') LIKE '400 %', true, 'and a bad query before it');
SELECT is(pg_temp.ask('GET', '/0.1/users?limit=x', :'north_token', NULL, 'x') LIKE '401 %', true, 'of users it is the other way round');
-- a query is only ever data
SELECT is(pg_temp.names('/0.1/users?username=%27%29%20OR%20%28true'), '0/5:', 'a filter cannot break out');
SELECT is(pg_temp.names('/0.1/users?search=%27%29%20OR%20%28true'), '0/5:', 'nor a search');
SELECT is(pg_temp.names('/0.1/users?%40tenant=' || :'south'), '5/5:Bert anna carl north -', 'nor an argument of our own');

-- counts follow what happens, in this transaction and when it is undone
SELECT is(pg_temp.names('/0.1/users?limit=0'), '5/5:', 'five users');
SAVEPOINT counts;
SELECT wazo_auth.create_user(:'north', 'sixth') AS sixth \gset
SELECT is(pg_temp.names('/0.1/users?limit=0'), '6/6:', 'six');
SELECT is(pg_temp.names('/0.1/users?username=sixth'), '1/6:sixth', 'six, with a filter');
SELECT wazo_auth.delete_user(:'anna') AS deleted \gset
SELECT is(pg_temp.names('/0.1/users?limit=0'), '5/5:', 'five again');
SELECT wazo_auth.create_user(:'north', 'seventh') AS seventh \gset
ROLLBACK TO counts;
SELECT is(pg_temp.names('/0.1/users?limit=0'), '5/5:', 'and what was undone is not counted');
SELECT is(pg_temp.names('/0.1/users?limit=0', 'username', :'deep'), '1/1:', 'a tenant has its own count');
SELECT is(pg_temp.names('/0.1/users?limit=0&recurse=true', 'username', :'deep'), '1/1:', 'with those below');

-- no list reads a whole table of users, sessions, addresses or memberships
CREATE FUNCTION pg_temp.whole_reads() RETURNS bigint LANGUAGE sql AS $$
  SELECT sum(pg_stat_get_xact_numscans(c.oid))
  FROM pg_class c
  WHERE c.oid IN ('wazo_auth.user'::regclass, 'wazo_auth.email'::regclass, 'wazo_auth.login'::regclass, 'wazo_auth.session'::regclass,
                  'wazo_auth.group_user'::regclass, 'wazo_auth.user_policy'::regclass, 'wazo_auth.group_policy'::regclass)
$$;
SELECT is(t.after - t.before, 0::bigint, 'by indexes only: ' || t.target)
FROM (SELECT t.target, t.before, t.answer, pg_temp.whole_reads() AS after
      FROM (SELECT t.target, pg_temp.whole_reads() AS before, pg_temp.ask('GET', t.target, :'north_token') AS answer
      FROM (VALUES ('/0.1/users'), ('/0.1/users?recurse=true'), ('/0.1/users?limit=2&order=lastname&direction=desc'), ('/0.1/users?search=anna'), ('/0.1/users?search=a'),
                   ('/0.1/users?search=anna&purpose=user&recurse=true'), ('/0.1/users?email_address=anna@example.org'), ('/0.1/users?username=anna'),
                   ('/0.1/users?firstname=Anna'), ('/0.1/users?has_policy_slug=by-group'), ('/0.1/users?policy_uuid=' || :'p1'), ('/0.1/users?group_uuid=' || :'g1'),
                   ('/0.1/groups/' || :'g1' || '/users?search=ann'), ('/0.1/groups?user_uuid=' || :'anna'), ('/0.1/users/' || :'anna' || '/groups'),
                   ('/0.1/sessions'), ('/0.1/sessions?recurse=true&limit=1'), ('/0.1/users/' || :'anna' || '/sessions')) t(target) OFFSET 0) t OFFSET 0) t;

-- names as long as they can be, in the largest characters
SELECT is(left(pg_temp.ask('POST', '/0.1/users', :'deep_token', json_build_object('firstname', n.long, 'lastname', n.long)::text), 3), '200', 'a name of 256 characters')
FROM (SELECT repeat(U&'\+01F600', 192) || md5('76') || md5('77') AS long) n;
SELECT is(pg_temp.names('/0.1/users?order=firstname&direction=desc', 'username', :'deep'), '2/2:deep -', 'is sorted');
SELECT is(pg_temp.names('/0.1/users?search=' || md5('77'), 'username', :'deep'), '1/2:-', 'and found');

-- the parts
SELECT is(wazo_auth.json_object('{a,b,c,d,e,f,g,h}'::text[], 1, true, NULL::text, 'é"\' || E'\n', '{"x":  [1,"é"]}'::json, '{"k": null}'::jsonb, 1.5::numeric, '00000000-0000-4000-8000-00000000000a'::uuid)::text,
  '{"a": 1, "b": true, "c": null, "d": "\u00e9\"\\\n", "e": {"x": [1, "\u00e9"]}, "f": {"k": null}, "g": "1.5", "h": "00000000-0000-4000-8000-00000000000a"}', 'json_object()');
SELECT is(wazo_auth.json_list(j)::text, want, 'json_list() of ' || count(*))
FROM (VALUES (1, '[1, "a, b:c", null]', '1'::json), (1, '[1, "a, b:c", null]', '"a, b:c"'), (1, '[1, "a, b:c", null]', NULL), (2, '["\u00e9"]', '"é"')) t(n, want, j) GROUP BY n, want;
SELECT is(wazo_auth.json_list(j)::text, '[]', 'of nothing') FROM (SELECT '1'::json AS j WHERE false) t;
SELECT throws_ok('SELECT wazo_auth.json_object(''{a,b}''::text[], 1)', '22023', NULL, 'a name without a value');
SELECT throws_ok('SELECT wazo_auth.json_object(NULL, 1)', '22023', NULL, 'no names');
SELECT throws_ok('SELECT wazo_auth.json_object(ARRAY[NULL], 1)', '22004', NULL, 'a null name');
SELECT is(wazo_auth.json_ascii(j::json), want, 'json_ascii(' || j || ')')
FROM (VALUES ('{"a":1}', '{"a": 1}'), ('{"a": 1 }', '{"a": 1}'), ('{"a": "b,c:d"}', '{"a": "b,c:d"}'), ('["\u00E9"]', '["\u00e9"]'), (' []', '[]'), ('[1,  2]', '[1, 2]'), ('["\/"]', '["/"]')) t(j, want);
SELECT throws_ok(format('SELECT wazo_auth.cached_query(%L, ''{}'')', q), s, NULL, 'cached_query: ' || q)
FROM (VALUES ('DELETE FROM wazo_auth.user', '22023'), ('SELECT 1', '22023'), ('SELECT ''1''::json, 2', '22023'), ('SELECT ''1''::json FROM generate_series(1, 2)', '22023'),
             ('SELECT', '22023'), ('nonsense', '42601'), ('SELECT ''1''::json; SELECT ''2''::json', '22023')) t(q, s);
SELECT is(wazo_auth.cached_query('SELECT ''1''::json WHERE false', '{}')::text, NULL, 'no row is null');
SELECT is(count(wazo_auth.cached_query(format('SELECT to_json(%s + ($1 ->> ''n'')::int)', i), '{"n": 1}'))::int, 300, 'more texts than plans are kept') FROM generate_series(1, 300) i;
SELECT throws_ok($$ SELECT wazo_auth.cached_query('SELECT ''1''::json' || repeat(' ', 70000), '{}') $$, '54000', NULL, 'a text too long');

SELECT * FROM finish();
ROLLBACK;
