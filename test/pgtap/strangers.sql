-- Filters of lists tell nothing of strangers: who or what is out of sight from
-- the caller's tenant finds what an unknown uuid finds, in every list there is.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- A policy of the top tenant that all may see: north has it, and so have
-- strangers in south. Another one that nobody below may see is north's by its group.
SELECT wazo_auth.create_policy(:'top', 'lent', '{x}', 'lent', shared => true) AS lent, wazo_auth.create_policy(:'top', 'hidden', '{y}', 'hidden') AS hidden,
       wazo_auth.create_group(:'north', 'mine') AS mine, wazo_auth.create_group(:'south', 'theirs') AS theirs,
       wazo_auth.create_group(:'deep', 'below') AS below \gset
SELECT count(*) AS done FROM (
  SELECT wazo_auth.add_user_policy(u::uuid, :'lent') FROM unnest(ARRAY[:'north_user', :'south_user', :'deep_user']) u
  UNION ALL SELECT wazo_auth.add_group_policy(g::uuid, :'lent') FROM unnest(ARRAY[:'mine', :'theirs', :'below']) g
  UNION ALL SELECT wazo_auth.add_group_policy(:'mine', :'hidden')
  UNION ALL SELECT wazo_auth.add_group_user(:'mine', :'north_user')) d \gset

CREATE TEMP TABLE stranger (filter text PRIMARY KEY, value text);
INSERT INTO stranger VALUES ('object_uuid', :'south_user'), ('session_uuid', (SELECT s.uuid FROM wazo_auth.session s WHERE s.user_uuid = :'south_user' LIMIT 1)),
  ('user_uuid', :'south_user'), ('group_uuid', :'theirs'), ('tenant_uuid', :'south'),
  ('policy_uuid', :'hidden'), ('has_policy_uuid', :'hidden'), ('policy_slug', 'hidden'), ('has_policy_slug', 'hidden');
CREATE TEMP TABLE nobody (filter text PRIMARY KEY, value text);
INSERT INTO nobody SELECT s.filter, CASE WHEN s.filter LIKE '%slug' THEN 'nosuch' ELSE :'nobody' END FROM stranger s;
CREATE TEMP TABLE list AS
SELECT r.path, f.name AS filter,
       replace(replace(r.path, '{user_uuid}', :'north_user'), '{group_uuid}', :'mine') || '?recurse=true&' || f.name || '=' AS target
FROM wazo_auth.route r JOIN wazo_auth.schema_field f ON f.schema = r.query_schema
WHERE r.method = 'GET' AND 'tenant' = ANY (r.checks) AND (f.name LIKE '%\_uuid' OR f.name LIKE '%\_slug');

SELECT cmp_ok(count(*), '>=', 10::bigint, 'there are filters to try') FROM list;
SELECT is_empty('SELECT l.path, l.filter FROM list l WHERE NOT EXISTS (SELECT FROM stranger s WHERE s.filter = l.filter)',
  'and a stranger for each');
SELECT is(pg_temp.ask('GET', l.target || s.value, :'north_token'), pg_temp.ask('GET', l.target || n.value, :'north_token'),
  format('GET %s?%s= of a stranger finds what an unknown one finds', l.path, l.filter))
FROM list l JOIN stranger s USING (filter) JOIN nobody n USING (filter) ORDER BY l.path, l.filter;

-- And who is in sight is found.
SELECT is(pg_temp.ask_json('GET', '/0.1/policies?' || t.query, :'north_token') #> '{items,0,slug}', '"lent"', 'GET /policies?' || t.what)
FROM (VALUES ('slug=lent&user_uuid=' || :'north_user', 'of a user'), ('slug=lent&user_uuid=' || :'deep_user', 'of a user below'),
             ('slug=lent&group_uuid=' || :'mine', 'of a group'), ('slug=lent&group_uuid=' || :'below', 'of a group below')) t (query, what);
SELECT is(pg_temp.ask_json('GET', t.target, t.token) ->> 'filtered', '1', 'GET ' || t.target)
FROM (VALUES ('/0.1/groups?policy_uuid=' || :'lent', :'north_token'), ('/0.1/groups?policy_slug=lent', :'north_token'),
             ('/0.1/users?has_policy_uuid=' || :'lent', :'north_token'), ('/0.1/users?has_policy_slug=lent', :'north_token'),
             ('/0.1/users?recurse=true&has_policy_uuid=' || :'hidden', :'top_token'),
             ('/0.1/groups?recurse=true&policy_slug=hidden', :'top_token')) t (target, token);

SELECT * FROM finish();
ROLLBACK;
