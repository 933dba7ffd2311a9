-- Groups and their users over the REST API
-- (contract: errors.md section 6, Groups; schemas.md, GroupRequest; semantics.md section 7).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

SELECT g.uuid AS all_users FROM wazo_auth.group g WHERE g.tenant_uuid = :'north' AND g.system_managed \gset
SELECT g.uuid AS south_all FROM wazo_auth.group g WHERE g.tenant_uuid = :'south' AND g.system_managed \gset

-- POST
SELECT matches(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{"name": "The é group", "uuid": "x", "read_only": true}'),
  '^200 \{"uuid": "[-0-9a-f]{36}", "tenant_uuid": "11111111-0000-4000-8000-000000000001", "name": "The \\u00e9 group", "slug": "Thegroup", "read_only": false, "system_managed": false\}$',
  'POST makes a slug of the name');
SELECT matches(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{"name": "THE group"}'), '^200 .*"slug": "[a-z0-9]{3}"', 'POST: another one where that differs by case only');
SELECT g.uuid AS the_group FROM wazo_auth.group g WHERE g.slug = 'Thegroup' \gset
SELECT matches(pg_temp.ask_json('POST', '/0.1/groups', :'north_token', '{"name": "Thegroup"}') ->> 'slug', '^[a-z0-9]{3,}$', 'a random one when that is taken');
SELECT is(pg_temp.ask_json('POST', '/0.1/groups', :'north_token', '{"name": "x", "slug": "A_b-1"}') ->> 'slug', 'A_b-1', 'or takes the one given');
SELECT is(pg_temp.ask_json('POST', '/0.1/groups', :'south_token', '{"name": "The é group"}') ->> 'slug', 'Thegroup', 'names and slugs are the tenant''s own');
SELECT is(pg_temp.ask('POST', '/0.1/groups', :'north_token', b), format('409 {"reason": ["Group \"%s\" already exists"], "timestamp": [T], "status_code": 409}', n), 'POST ' || b)
FROM (VALUES ('{"name": "x"}', 'x'), ('{"name": "y", "slug": "a_B-1"}', 'y')) t(b, n);
SELECT is(left(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{"name": "' || n || '"}'), 3), want, 'a name of ' || length(n) || ' characters')
FROM (VALUES (repeat('n', 1), '200'), (repeat('é', 128), '200'), (repeat('n', 129), '400'), ('', '400')) t(n, want);
SELECT is(left(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{"name": "slug ' || n || '", "slug": "' || s || '"}'), 3), want, 'a slug ' || left(s, 20))
FROM (VALUES (1, 's', '200'), (2, repeat('s', 80), '200'), (3, repeat('s', 81), '400'), (4, '', '400'), (5, 'a b', '400'), (6, 'é', '400'), (7, 'ab\n', '400')) t(n, s, want);
SELECT is(pg_temp.ask('POST', '/0.1/groups', :'north_token', b),
  format('400 {"message": "%s", "error_id": "invalid-data", "details": {"%s": {%s}}, "timestamp": T, "resource": "groups"}', m, f, rest), 'POST ' || b)
FROM (VALUES
  ('{}', 'name', 'Missing data for required field.', '"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"'),
  ('{"name": null}', 'name', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"'),
  ('{"name": 3}', 'name', 'Not a valid string.', '"message": "Not a valid string.", "constraint_id": "type", "constraint": "string"'),
  ('{"name": "z", "slug": "a b"}', 'slug', 'String does not match expected pattern.', '"constraint_id": "regex", "constraint": "^[a-zA-Z0-9_-]+$", "message": "String does not match expected pattern."'),
  ('7', '_schema', 'Invalid input type.', '"message": "Invalid input type."')) t(b, f, m, rest);
SELECT is(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{}', 'x') LIKE '400 %', true, 'the body is looked at before the tenant');
SELECT is(pg_temp.ask('POST', '/0.1/groups', :'north_token', '{"name": "q"}', :'south') LIKE '401 %unauthorized-tenant%', true, 'no group in a sibling');

-- GET, PUT, DELETE
SELECT is(pg_temp.ask('GET', '/0.1/groups/' || :'the_group', :'top_token'),
  '200 {"uuid": "' || :'the_group' || '", "name": "The \u00e9 group", "slug": "Thegroup", "tenant_uuid": "' || :'north' || '", "system_managed": false, "read_only": false}', 'GET a group');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group', :'north_token', '{"name": "New", "slug": "other"}'),
  '200 {"uuid": "' || :'the_group' || '", "tenant_uuid": "' || :'north' || '", "name": "New", "slug": "Thegroup", "read_only": false, "system_managed": false}', 'PUT renames, the slug stays');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group', :'north_token', '{"name": "New"}') LIKE '200 %', true, 'to its own name, too');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group', :'north_token', '{"name": "x"}'), '409 {"reason": ["Group \"x\" already exists"], "timestamp": [T], "status_code": 409}', 'PUT with a name in use');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group', :'north_token', '{}') LIKE '400 %"resource": "groups"}', true, 'PUT without a name');
SELECT is(pg_temp.ask(m, '/0.1/groups/' || :'all_users' || p, :'north_token', b),
  '403 {"message": "Forbidden group modification: \"' || :'all_users' || '\"", "error_id": "forbidden-group", "details": {"uuid": "' || :'all_users' || '"}, "timestamp": T, "resource": "groups"}',
  m || p || ' of the group of all users')
FROM (VALUES ('PUT', '', '{"name": "x"}'), ('DELETE', '', NULL), ('PUT', '/users/' || :'north_user', NULL), ('DELETE', '/users/' || :'north_user', NULL)) t(m, p, b);
SELECT is(pg_temp.ask(m, '/0.1/groups/' || g || p, :'north_token', b),
  '404 {"message": "No such group: \"' || g || '\"", "error_id": "unknown-group", "details": {"uuid": "' || g || '"}, "timestamp": T, "resource": "groups"}', m || ' ' || p || ' of ' || g)
FROM (VALUES ('GET', '', NULL), ('PUT', '', '{'), ('DELETE', '', NULL), ('GET', '/users', NULL),
             ('PUT', '/users/' || :'north_user', NULL), ('DELETE', '/users/' || :'nobody', NULL)) t(m, p, b),
     (VALUES (:'nobody'), (:'south_all')) u(g);

-- members
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group' || '/users/' || :'north_user', :'north_token'), '204', 'PUT a user into a group')
FROM generate_series(1, 2);
SELECT is(pg_temp.ask('GET', '/0.1/groups/' || :'the_group' || '/users', :'north_token'),
  '200 {"filtered": 1, "total": 1, "items": [{"username": "north", "uuid": "' || :'north_user' || '", "enabled": true, "emails": [], "firstname": null, "lastname": null, "purpose": "user", "tenant_uuid": "' || :'north' || '", "authentication_method": "default"}]}',
  'GET its users');
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'north_user' || '/groups?order=name&direction=desc', :'north_token'),
  '200 {"items": [{"uuid": "' || :'all_users' || '", "name": "wazo-all-users-tenant-' || :'north' || '", "slug": "wazo-all-users-tenant-' || :'north' || '", "tenant_uuid": "' || :'north'
  || '", "system_managed": true, "read_only": true}, {"uuid": "' || :'the_group' || '", "name": "New", "slug": "Thegroup", "tenant_uuid": "' || :'north'
  || '", "system_managed": false, "read_only": false}], "total": 2, "filtered": 2}', 'GET the user''s groups');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'the_group' || '/users/' || :'deep_user', :'north_token'),
  '400 {"message": "Ressources are not in the same tenant", "error_id": "missmatching-tenant", "details": {"user_tenant_uuid": "' || :'deep' || '", "group_tenant_uuid": "' || :'north' || '"}, "timestamp": T, "resource": "groups"}',
  'a user of another tenant');
SELECT is(pg_temp.ask('PUT', '/0.1/groups/' || :'nobody' || '/users/' || u, :'north_token') LIKE '404 %unknown-user%', true, 'PUT: the user is looked for first: ' || u)
FROM (VALUES (:'nobody'), (:'south_user')) t(u);
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'the_group' || '/users/' || u, :'north_token'), '204', 'DELETE a user from a group: ' || u)
FROM (VALUES (1, :'north_user'), (2, :'north_user'), (3, :'deep_user')) t(n, u);
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'the_group' || '/users/' || u, :'north_token') LIKE '404 %unknown-user%', true, 'DELETE of ' || u)
FROM (VALUES (:'nobody'), (:'south_user')) t(u);
SELECT is(pg_temp.ask_json('GET', '/0.1/groups/' || :'the_group' || '/users', :'north_token'), '{"filtered": 0, "total": 0, "items": []}', 'nobody is left');
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'south_user' || '/groups', :'north_token') LIKE '404 %unknown-user%', true, 'groups of a user out of sight');
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'the_group', :'north_token'), '204', 'DELETE');
SELECT is(pg_temp.ask('GET', '/0.1/groups/' || :'the_group', :'north_token') LIKE '404 %', true, 'and it is gone');

-- in SQL
SELECT throws_ok(format('SELECT wazo_auth.%s', f), s, m, f)
FROM (VALUES
  ('update_group(''99999999-9999-4999-8999-999999999999'', ''x'')', 'WA404', 'No such group: "99999999-9999-4999-8999-999999999999"'),
  ('delete_group(''99999999-9999-4999-8999-999999999999'')', 'WA404', 'No such group: "99999999-9999-4999-8999-999999999999"'),
  ('create_group(''99999999-9999-4999-8999-999999999999'', ''x'')', 'WA404', 'No such tenant: "99999999-9999-4999-8999-999999999999"'),
  ('add_group_user(''99999999-9999-4999-8999-999999999999'', ''22222222-0000-4000-8000-000000000001'')', 'WA404', 'No such group: "99999999-9999-4999-8999-999999999999"'),
  ('remove_group_user(''99999999-9999-4999-8999-999999999999'', ''22222222-0000-4000-8000-000000000001'')', 'WA404', 'No such group: "99999999-9999-4999-8999-999999999999"')) t(f, s, m);

-- A group's policies are given to who comes in and taken from who goes: only by
-- a caller that holds their accesses.
SELECT wazo_auth.create_group(:'north', 'Powerful', 'powerful') AS powerful \gset
SELECT wazo_auth.add_group_policy(:'powerful', wazo_auth.create_policy(:'north', 'powers', '{!confd.users.read,confd.#}'));
SELECT pg_temp.token(:'north_user', '{auth.#}') AS clerk, pg_temp.token(:'north_user', '{auth.#,confd.#}') AS chief \gset
SELECT is(pg_temp.ask('PUT', format('/0.1/groups/%s/users/%s', :'powerful', :'north_user'), :'clerk'),
  '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || :'clerk' || '", "required_access": "!confd.users.read"}, "timestamp": T}',
  'nobody gives itself a powerful group');
SELECT is((SELECT count(*) FROM wazo_auth.group_user m WHERE m.group_uuid = :'powerful'), 0::bigint, 'and nothing happened');
SELECT is(pg_temp.ask('PUT', format('/0.1/groups/%s/users/%s', :'powerful', :'north_user'), :'chief'), '204', 'who holds its accesses does');
SELECT is(left(pg_temp.ask('DELETE', format('/0.1/groups/%s/users/%s', :'powerful', :'north_user'), :'clerk'), 3), '401', 'nobody takes them either');
SELECT is(pg_temp.ask('DELETE', format('/0.1/groups/%s/users/%s', :'powerful', :'north_user'), :'north_token'), '204', 'who holds them does');

SELECT * FROM finish();
ROLLBACK;
