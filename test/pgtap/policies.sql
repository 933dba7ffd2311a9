-- Policies, those of users and groups, and who may give and take accesses:
-- rules without HTTP, and every row of the contract's errors of their routes
-- (errors.md section 6; semantics.md section 8; acl.md section 2).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
\set p '/0.1/policies'
SELECT wazo_auth.create_policy(:'top', 'lent', '{l.1}', shared => true) AS lent,
       wazo_auth.create_policy(:'top', 'conf', '{c.1}', config_managed => true) AS conf,
       wazo_auth.create_policy(:'north', 'mine', '{m.1,m.2,!m.3}', description => 'Mine é') AS mine,
       wazo_auth.create_policy(:'north', 'near', '{n.1}', shared => true) AS near,
       wazo_auth.create_policy(:'deep', 'low', '{w.1}') AS low,
       wazo_auth.create_policy(:'south', 'else', '{e.1}') AS other, wazo_auth.create_policy(:'south', 'apart') AS apart \gset

-- A user of a tenant with these accesses, and those of the routes.
CREATE FUNCTION pg_temp.limited(user_uuid uuid, acl text[]) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.token(user_uuid, ARRAY['auth.#'] || acl)
$$;
CREATE FUNCTION pg_temp.may_not(token text, access text) RETURNS text LANGUAGE sql AS $$
  SELECT '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || token || '", "required_access": "' || access || '"}, "timestamp": T}'
$$;
CREATE FUNCTION pg_temp.no_policy(id text) RETURNS text LANGUAGE sql AS $$
  SELECT format('404 {"reason": ["No such policy {''%s'': ''%s''}"], "timestamp": [T], "status_code": 404}', CASE WHEN id LIKE '________-%' THEN 'uuid' ELSE 'slug' END, id)
$$;
CREATE FUNCTION pg_temp.no_user(id text) RETURNS text LANGUAGE sql AS $$
  SELECT format('404 {"message": "No such user: \"%s\"", "error_id": "unknown-user", "details": {"uuid": "%s"}, "timestamp": T, "resource": "users"}', id, id)
$$;
CREATE FUNCTION pg_temp.no_group(id text) RETURNS text LANGUAGE sql AS $$
  SELECT format('404 {"message": "No such group: \"%s\"", "error_id": "unknown-group", "details": {"uuid": "%s"}, "timestamp": T, "resource": "groups"}', id, id)
$$;
CREATE FUNCTION pg_temp.acl(policy uuid) RETURNS text LANGUAGE sql AS $$ SELECT p.acl::text FROM wazo_auth.policy p WHERE p.uuid = policy $$;
SELECT pg_temp.limited(:'north_user', '{m.#,n.1,!m.9}') AS some \gset

-- ---- POST ----
SELECT matches(pg_temp.ask('POST', :'p', :'north_token', '{"name": "New one é", "acl": ["a.b", "a.b", "!c", ""], "description": "d", "shared": "yes", "tenant_uuid": "x", "read_only": true}'),
  '^200 {"uuid": "[0-9a-f-]{36}", "tenant_uuid": "' || :'north' || '", "name": "New one \\u00e9", "slug": "Newone", "description": "d", "acl": \["a.b", "!c", ""\], "read_only": false, "shared": true}$', 'POST');
SELECT matches(pg_temp.ask('POST', :'p', :'north_token', '{"name": "New-one"}'), '"slug": "New-one", "description": null, "acl": \[\], "read_only": false, "shared": false}$', 'POST: defaults');
SELECT matches(pg_temp.ask('POST', :'p', :'north_token', '{"name": "New  one"}'), '^200 .*"slug": "[a-z0-9]{3}"', 'POST: another slug when that of the name is in use');
SELECT matches(pg_temp.ask('POST', :'p', :'north_token', '{"name": "new_one?"}') || pg_temp.ask('POST', :'p', :'north_token', '{"name": "NEW_one"}'), '^200 .*"slug": "new_one".*200 .*"slug": "[a-z0-9]{3}"', 'POST: also where it differs by case only');
SELECT is(p.description, E'Default Wazo policy for the "master" user\n\nDo not modify this policy, it can be modified in future Wazo upgrades\n', 'the description of the first policy is upstream''s')
FROM wazo_auth.policy p WHERE p.slug = 'wazo_default_master_user_policy';
SELECT is(pg_temp.ask('POST', :'p', :'south_token', '[', :'north'), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', 'POST: JSON comes before the tenant');
SELECT is(pg_temp.ask('POST', :'p', :'south_token', b.body, :'north'), '400 {"reason": ["Invalid value supplied for field: ' || b.field || '"], "timestamp": [T], "status_code": 400}', 'POST ' || left(b.body, 50))
FROM (VALUES ('{}', 'name'), ('{"name": ""}', 'name'), ('{"name": "' || repeat('x', 81) || '"}', 'name'), ('{"name": 1}', 'name'), ('{"name": null}', 'name'),
  ('{"name": "x", "slug": ""}', 'slug'), ('{"name": "x", "slug": "a b"}', 'slug'), ('{"name": "x", "slug": "' || repeat('x', 81) || '"}', 'slug'), ('{"name": "x", "slug": "a\n"}', 'slug'),
  ('{"name": "x", "description": 1}', 'description'), ('{"name": "x", "acl": null}', 'acl'), ('{"name": "x", "acl": [null]}', 'acl'), ('{"name": "x", "acl": "a"}', 'acl'), ('{"name": "x", "acl": [1]}', 'acl'),
  ('{"name": "x", "shared": null}', 'shared'), ('{"name": "x", "shared": 2}', 'shared'), ('[1]', '_schema')) b (body, field);
SELECT matches(pg_temp.ask('POST', :'p', :'south_token', '{"name": "x"}', :'north'), '^401 .*unauthorized-tenant', 'POST: tenant');
SELECT is(pg_temp.ask('POST', :'p', :'some', '{"name": "mine", "acl": ["m.1", "!m.2", "x.1", "y.1"]}'), pg_temp.may_not(:'some', 'x.1'), 'POST: may add, before the duplicate');
SELECT is(pg_temp.ask('POST', :'p', :'some', '{"name": "x", "acl": ["m.9"]}'), pg_temp.may_not(:'some', 'm.9'), 'a denied access cannot be given');
SELECT matches(pg_temp.ask('POST', :'p', :'some', '{"name": "neg", "acl": ["!m.9", "!m.1", "!m.#", "m.1*", "m.*.a"]}'), '^200 ',
  'a denial of what one has or is denied, a pattern that one''s own covers');
SELECT is(pg_temp.ask('POST', :'p', :'some', json_build_object('name', 'over', 'acl', json_build_array('m.1', i.entry))::text),
  pg_temp.may_not(:'some', i.entry), 'POST: ' || i.entry || ', ' || i.why)
FROM (VALUES ('m.#', 'over a denial'), ('m.*', 'over a denial'), ('#', 'more than one has'), ('!x.1', 'a denial of what one has not')) i (entry, why);
SELECT is(pg_temp.ask('POST', :'p', pg_temp.limited(:'north_user', '{m.*}'), '{"name": "x2", "acl": ["m.#"]}') LIKE '401%"required_access": "m.#"%', true, 'but not a wider one');
SELECT is(pg_temp.ask('POST', :'p', :'north_token', b), '409 {"reason": ["Policy \"' || (b::json ->> 'name') || '\" already exists"], "timestamp": [T], "status_code": 409}', 'POST: duplicate ' || b)
FROM unnest(ARRAY['{"name": "mine"}', '{"name": "x", "slug": "mine"}', '{"name": "x", "slug": "MINE"}', '{"name": "lent"}', '{"name": "x", "slug": "lent"}', '{"name": "low", "shared": true}', '{"name": "x", "slug": "low", "shared": true}']) b;
SELECT matches(pg_temp.ask('POST', :'p', :'north_token', b), '^200 ', 'POST: no duplicate ' || b)
FROM unnest(ARRAY['{"name": "Mine", "slug": "mine_"}', '{"name": "low"}', '{"name": "else", "shared": true}', '{"name": "LENT"}', '{"name": "conf", "slug": "conf_"}']) b;
SELECT matches(pg_temp.ask('POST', :'p', :'deep_token', '{"name": "near"}'), '^409 ', 'POST: shared from between');
SELECT matches(pg_temp.ask('POST', :'p', :'south_token', '{"name": "near"}'), '^200 ', 'but not with a sibling');

-- ---- what is seen ----
SELECT is(pg_temp.ask_json('GET', :'p' || '/' || id, t.token) - 'uuid' - 'name' - 'slug' - 'description' - 'acl',
          jsonb_build_object('tenant_uuid', t.tenant, 'read_only', t.ro, 'shared', t.sh), format('%s from %s', left(id, 8), left(t.tenant, 20)))
FROM (VALUES (:'lent', :'top_token', :'top', false, true), ('lent', :'top_token', :'top', false, true), (:'lent', :'deep_token', :'deep', true, false), ('lent', :'deep_token', :'deep', true, false),
             (:'conf', :'top_token', :'top', true, false), ('conf', :'south_token', :'south', true, false), (:'conf', :'deep_token', :'deep', true, false),
             (:'near', :'north_token', :'north', false, true), ('near', :'deep_token', :'deep', true, false), (:'near', :'top_token', :'north', false, true),
             (:'mine', :'top_token', :'north', false, false), ('mine', :'north_token', :'north', false, false)) t (id, token, tenant, ro, sh);
SELECT is(pg_temp.ask('GET', :'p' || '/' || :'mine', :'north_token'),
  '200 {"uuid": "' || :'mine' || '", "tenant_uuid": "' || :'north' || '", "name": "mine", "slug": "mine", "description": "Mine \u00e9", "acl": ["m.1", "m.2", "!m.3"], "read_only": false, "shared": false}', 'GET: the whole answer');
SELECT is(pg_temp.ask(m, :'p' || '/' || id, :'deep_token', '{"name": "x"}'), pg_temp.no_policy(id), m || ' what is not in sight: ' || id)
FROM unnest(ARRAY['GET', 'PUT', 'DELETE']) m, unnest(ARRAY[:'mine', 'mine', :'other', 'apart', :'nobody', 'none', '99999999999949998999999999999999']) id;
SELECT is(pg_temp.ask('GET', :'p' || '/Mine2', :'north_token'), pg_temp.no_policy('Mine2'), 'unknown');
SELECT is(pg_temp.ask('GET', :'p' || '/MINE', :'north_token'), pg_temp.no_policy('MINE'), 'the case of a slug counts');
SELECT is(pg_temp.ask('GET', :'p' || '/low', :'north_token', NULL, :'north'), (SELECT pg_temp.ask('GET', :'p' || '/' || p.uuid, :'north_token') FROM wazo_auth.policy p WHERE p.slug = 'low' AND p.tenant_uuid = :'north'), 'a slug is of the tenant itself, not of one below');
SELECT is(pg_temp.ask('GET', :'p' || '/a%27b', :'north_token'), '404 {"reason": ["No such policy {''slug'': \"a''b\"}"], "timestamp": [T], "status_code": 404}', 'quotes as Python writes them');

-- ---- the list ----
CREATE FUNCTION pg_temp.list(path text, token text, tenant text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT (SELECT string_agg(i ->> 'name', ',') FROM jsonb_array_elements(a.j -> 'items') i) || ' ' || concat_ws('/', a.j ->> 'filtered', a.j ->> 'total')
  FROM (SELECT pg_temp.ask_json('GET', path, token, NULL, tenant) AS j) a
$$;
SELECT set_eq($$SELECT i ->> 'name' FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/policies', $$ || quote_literal(:'deep_token') || $$) -> 'items') i$$,
  ARRAY['conf', 'lent', 'low', 'near', 'New one é', 'else'], 'own, shared from above, of the configuration');
SELECT set_eq($$SELECT i ->> 'name' FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/policies?recurse=true', $$ || quote_literal(:'south_token') || $$) -> 'items') i$$,
  ARRAY['apart', 'conf', 'lent', 'else', 'near'], 'nothing of siblings');
SELECT is(pg_temp.ask_json('GET', :'p' || '?recurse=true', :'top_token') -> 'total', to_jsonb((SELECT count(*) FROM wazo_auth.policy)), 'all from the top');
SELECT is(pg_temp.ask_json('GET', :'p' || '?search=MINE+%C3%89&limit=1', :'north_token') #>> '{items,0,name}', 'mine', 'search in descriptions, beyond ASCII');
SELECT is(pg_temp.ask_json('GET', :'p' || '?search=nothing', :'north_token') - 'total', '{"items": []}', 'no filtered count');
SELECT is(pg_temp.list(:'p' || '?order=slug&direction=desc&limit=1&name=near', :'deep_token'), 'near 6', 'filter by name; total is of all');
SELECT is(pg_temp.list(:'p' || '?uuid=' || :'low', :'deep_token'), 'low 6', 'by uuid');
SELECT is(pg_temp.list(:'p' || '?slug=lent', :'deep_token'), 'lent 6', 'by slug');
SELECT is(pg_temp.list(:'p' || '?read_only=true', :'south_token'), 'conf,lent 5', 'read_only');
SELECT is(pg_temp.list(:'p' || '?read_only=false', :'south_token'), 'apart,else,near 5', 'not read_only');
SELECT is(pg_temp.list(:'p' || '?tenant_uuid=' || :'top', :'south_token'), 'conf,lent 5', 'by the real owner');
SELECT is(pg_temp.ask('GET', :'p' || '?order=read_only', :'north_token'), '400 {"reason": ["Invalid sort column: read_only"], "timestamp": [T], "status_code": 400}', 'sort');
SELECT matches(pg_temp.ask('GET', :'p' || '?order=acl', :'south_token', NULL, :'north'), '^400 .*Must be one of: name, slug, description, uuid, read_only\.', 'the query comes before the tenant');
SELECT matches(pg_temp.ask('GET', :'p' || '?order=read_only', :'south_token', NULL, :'north'), '^401 .*unauthorized-tenant', 'which comes before the sort column');

-- ---- PUT ----
SELECT is(pg_temp.ask_json('PUT', :'p' || '/' || i.id, :'north_token', '{"name": "mine' || i.n || '", "slug": "x", "shared": true, "acl": ["m.1", "m.2", "m.1"]}') - 'uuid' - 'tenant_uuid',
          format('{"name": "mine%s", "slug": "mine", "description": null, "acl": ["m.1", "m.2"], "read_only": false, "shared": false}', i.n)::jsonb, 'PUT replaces name, description and acl')
FROM (VALUES (:'mine', 1), ('mine', 2)) i (id, n);
SELECT is(pg_temp.ask('PUT', :'p' || '/' || :'nobody', :'north_token', '{}'), '400 {"reason": ["Invalid value supplied for field: name"], "timestamp": [T], "status_code": 400}', 'PUT by uuid: schema, before the policy');
SELECT is(pg_temp.ask('PUT', :'p' || '/nosuch', :'north_token', '{}'), pg_temp.no_policy('nosuch'), 'PUT by slug: the policy first');
SELECT is(pg_temp.ask('PUT', :'p' || '/' || :'nobody', :'some', '{"name": "x", "acl": ["x.1"]}'), pg_temp.may_not(:'some', 'x.1'), 'PUT by uuid: may add, before the policy');
SELECT is(pg_temp.ask('PUT', :'p' || '/nosuch', :'some', '{"name": "x", "acl": ["x.1"]}'), pg_temp.no_policy('nosuch'), 'PUT by slug: after it');
SELECT is(pg_temp.ask('PUT', :'p' || '/' || id, pg_temp.limited(:'north_user', '{m.1}'), '{"name": "x", "acl": ["m.1", "m.2"]}') LIKE '401%"required_access": "m.2"%', true, 'PUT: every entry, also one that is there')
FROM unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask('PUT', :'p' || '/' || id, pg_temp.limited(:'north_user', '{m.1}'), '{"name": "x", "acl": ["m.1"]}') LIKE '401%"required_access": "m.2"%', true, 'PUT: may remove what is left out')
FROM unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.acl(:'mine'), '{m.1,m.2}', 'and nothing is changed');
SELECT is(pg_temp.ask('PUT', :'p' || '/' || t.id, t.token, '{"name": "x", "acl": ["l.1", "c.1", "n.1"]}'),
  '403 {"reason": ["Forbidden policy deletion: \"' || t.uuid || '\""], "timestamp": [T], "status_code": 403}', 'PUT: read-only ' || t.id)
FROM (VALUES (:'conf', :'top_token', :'conf'), ('conf', :'south_token', :'conf'), (:'lent', :'north_token', :'lent'), ('near', :'deep_token', :'near')) t (id, token, uuid);
SELECT is(pg_temp.ask('PUT', :'p' || '/' || id, :'north_token', '{"name": "near", "acl": ["m.1", "m.2"]}'), '409 {"reason": ["Policy \"near\" already exists"], "timestamp": [T], "status_code": 409}', 'PUT: duplicate name')
FROM unnest(ARRAY[:'mine', 'mine']) id;

-- ---- single accesses ----
SELECT is(pg_temp.ask('PUT', :'p' || '/' || i.id || '/acl/' || i.access, :'north_token'), '204', 'PUT an access ' || i.access) FROM (VALUES (:'mine', 'q.%23'), ('mine', '!q.%2A'), ('mine', 'a%20b')) i (id, access);
SELECT is(pg_temp.acl(:'mine'), '{m.1,m.2,q.#,!q.*,"a b"}', 'they are there');
SELECT is(pg_temp.ask('PUT', :'p' || '/' || id || '/acl/q.%23', :'north_token'), '409 {"reason": ["Policy already associated to q.#"], "timestamp": [T], "status_code": 409}', 'PUT an access twice') FROM unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask('PUT', :'p' || '/' || :'nobody' || '/acl/x.1', :'some'), pg_temp.may_not(:'some', 'x.1'), 'PUT an access by uuid: may add first');
SELECT is(pg_temp.ask('PUT', :'p' || '/nosuch/acl/x.1', :'some'), pg_temp.no_policy('nosuch'), 'by slug: the policy first');
SELECT is(pg_temp.ask('PUT', :'p' || '/' || :'nobody' || '/acl/m.1', :'some'), pg_temp.no_policy(:'nobody'), 'PUT an access: unknown policy');
SELECT is(pg_temp.ask('PUT', :'p' || '/mine/acl/x.1', :'some'), pg_temp.may_not(:'some', 'x.1'), 'by slug: may add');
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || i.id || '/acl/' || i.access, :'north_token'), '204', 'DELETE an access ' || i.access) FROM (VALUES (:'mine', 'q.%23'), ('mine', '!q.%2A'), ('mine', 'not.there')) i (id, access);
SELECT is(pg_temp.acl(:'mine'), '{m.1,m.2,"a b"}', 'they are gone');
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || id || '/acl/x.1', :'some'), pg_temp.may_not(:'some', 'x.1'), 'DELETE an access: may remove, also when it is not there') FROM unnest(ARRAY[:'mine', 'mine', :'nobody']) id;
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || :'mine' || '/acl/!m.9', :'some'), pg_temp.may_not(:'some', '!m.9'), 'DELETE: a denial that one is under');
SELECT is(pg_temp.ask('DELETE', :'p' || '/nosuch/acl/x.1', :'some'), pg_temp.no_policy('nosuch'), 'by slug: the policy first');
SELECT is(pg_temp.ask(m, :'p' || '/' || t.id || '/acl/n.1', t.token), '403 {"reason": ["Forbidden policy deletion: \"' || t.uuid || '\""], "timestamp": [T], "status_code": 403}', m || ' an access of a read-only policy ' || t.id)
FROM unnest(ARRAY['PUT', 'DELETE']) m, (VALUES (:'conf', :'top_token', :'conf'), ('conf', :'north_token', :'conf'), ('lent', :'north_token', :'lent'), (:'near', :'deep_token', :'near')) t (id, token, uuid);

-- ---- users' policies ----
\set up '/0.1/users/22222222-0000-4000-8000-000000000001/policies'
SELECT is(pg_temp.ask('PUT', :'up' || '/' || id, :'north_token'), '204', 'PUT of a user: ' || id) FROM unnest(ARRAY[:'mine', 'mine', 'lent', :'conf', :'low']) id;
SELECT is(pg_temp.list(:'up', :'north_token'), 'conf,lent,low,mine2 4/4', 'a user''s policies');
SELECT is((SELECT jsonb_agg(i -> 'tenant_uuid') FROM jsonb_array_elements(pg_temp.ask_json('GET', :'up', :'north_token') -> 'items') i),
          to_jsonb(ARRAY[:'top', :'top', :'deep', :'north']), 'with their owners');
SELECT is(pg_temp.list(:'up' || '?search=MINE', :'north_token'), 'mine2 1/4', 'searched');
SELECT is(pg_temp.list(:'up' || '?tenant_uuid=' || :'top' || '&order=name&direction=desc', :'north_token'), 'lent,conf 2/4', 'filtered');
SELECT matches(pg_temp.ask('GET', :'up' || '?user_uuid=x', :'north_token'), '^400 .*invalid-list-param', 'a filter that the list has not');
SELECT matches(pg_temp.ask('GET', :'up' || '?order=slug', :'north_token'), '^400 .*Must be one of: name, description, uuid\.', 'sort');
SELECT is(pg_temp.ask('GET', '/0.1/users/' || u || '/policies', :'north_token'), pg_temp.no_user(u), 'GET: no such user in sight') FROM unnest(ARRAY[:'nobody', :'south_user']) u;
SELECT is(pg_temp.ask(m, :'up' || '/' || id, :'north_token'), pg_temp.no_policy(id), m || ' of a user: unknown policy ' || id) FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'nobody', 'nosuch', :'other']) id;
SELECT is(pg_temp.ask(m, '/0.1/users/' || :'nobody' || '/policies/' || id, pg_temp.limited(:'north_user', '{m.2}')) LIKE '401%"required_access": "m.1"%', true, m || ' of a user: may add or remove each entry, before the user')
FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask(m, '/0.1/users/' || u || '/policies/' || id, :'north_token'), pg_temp.no_user(u), m || ': no such user in sight') FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'nobody', :'south_user']) u, unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask('DELETE', :'up' || '/' || id, :'north_token'), '204', 'DELETE of a user: ' || id) FROM unnest(ARRAY[:'mine', 'mine', 'lent', :'near']) id;
SELECT is(pg_temp.list(:'up', :'north_token'), 'conf,low 2/2', 'they are gone');

-- ---- groups' policies ----
SELECT wazo_auth.create_group(:'deep', 'deep') AS g, wazo_auth.create_group(:'south', 'south') AS south_group \gset
SELECT '/0.1/groups/' || :'g' || '/policies' AS gp \gset
SELECT is(pg_temp.ask('PUT', :'gp' || '/' || id, :'north_token'), '204', 'PUT of a group: ' || id) FROM unnest(ARRAY[:'mine', 'mine', 'lent', :'conf', :'low']) id;
SELECT is(pg_temp.list(:'gp', :'north_token'), 'conf,lent,low,mine2 4/4', 'a group''s policies');
SELECT is(pg_temp.list(:'gp', :'deep_token'), 'conf,lent,low 4/4', 'those in sight; the counts are of all');
SELECT is((SELECT jsonb_agg(i -> 'tenant_uuid') FROM jsonb_array_elements(pg_temp.ask_json('GET', :'gp', :'deep_token') -> 'items') i), to_jsonb(ARRAY[:'deep', :'deep', :'deep']), 'as the tenant sees them');
SELECT matches(pg_temp.ask('GET', :'gp' || '?group_uuid=x', :'north_token'), '^400 .*invalid-list-param', 'a filter that the list has not');
SELECT is(pg_temp.ask(m, '/0.1/groups/' || g || '/policies' || CASE m WHEN 'GET' THEN '' ELSE '/' || :'nobody' END, :'north_token'), pg_temp.no_group(g), m || ': no such group in sight, before the policy')
FROM unnest('{GET,PUT,DELETE}'::text[]) m, unnest(ARRAY[:'nobody', :'south_group']) g;
SELECT is(pg_temp.ask(m, '/0.1/groups/' || :'nobody' || '/policies/nosuch', :'north_token'), pg_temp.no_policy('nosuch'), m || ' by slug: the policy first') FROM unnest('{PUT,DELETE}'::text[]) m;
SELECT is(pg_temp.ask(m, :'gp' || '/' || id, :'north_token'), pg_temp.no_policy(id), m || ' of a group: unknown policy ' || id) FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'nobody', 'nosuch', :'other']) id;
SELECT is(pg_temp.ask(m, :'gp' || '/' || id, pg_temp.limited(:'north_user', '{m.2}')) LIKE '401%"required_access": "m.1"%', true, m || ' of a group: may add or remove each entry')
FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask('DELETE', :'gp' || '/' || id, :'north_token'), '204', 'DELETE of a group: ' || id) FROM unnest(ARRAY[:'mine', 'mine', 'lent', :'near']) id;
SELECT is(pg_temp.list(:'gp', :'north_token'), 'conf,low 2/2', 'they are gone');
SELECT is(pg_temp.list(:'p' || '?group_uuid=' || :'g', :'deep_token'), 'conf,low 6', 'policies by group');
SELECT is(pg_temp.list(:'p' || '?user_uuid=' || :'north_user', :'deep_token'), NULL, 'policies by a user that is out of sight');
SELECT ok(pg_temp.list(:'p' || '?user_uuid=' || :'north_user', :'north_token') LIKE '%conf%', 'policies by user');

-- ---- DELETE ----
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || id, pg_temp.limited(:'north_user', '{m.1,a b}')) LIKE '401%"required_access": "m.2"%', true, 'DELETE: may remove each entry') FROM unnest(ARRAY[:'mine', 'mine']) id;
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || t.id, t.token), '403 {"reason": ["Forbidden policy deletion: \"' || t.uuid || '\""], "timestamp": [T], "status_code": 403}', 'DELETE: read-only ' || t.id)
FROM (VALUES (:'conf', :'top_token', :'conf'), ('conf', :'north_token', :'conf'), (:'lent', :'north_token', :'lent'), ('near', :'deep_token', :'near')) t (id, token, uuid);
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || :'conf', pg_temp.limited(:'top_user', '{}')) LIKE '401%', true, 'DELETE: what one may remove comes before what is read-only');
SELECT is(pg_temp.ask('DELETE', :'p' || '/' || id, :'north_token'), '204', 'DELETE ' || id) FROM unnest(ARRAY[:'mine', 'near', :'low']) id;
SELECT is((SELECT count(*) FROM wazo_auth.user_policy u WHERE u.policy_uuid = :'low') + (SELECT count(*) FROM wazo_auth.group_policy g WHERE g.policy_uuid = :'low'), 0::bigint, 'and what hung on it');

-- ---- without HTTP ----
SELECT throws_ok(format('SELECT wazo_auth.%s', c), 'WA404', NULL, c)
FROM unnest(ARRAY['create_policy(''99999999-9999-4999-8999-999999999999'', ''x'')', 'update_policy(''99999999-9999-4999-8999-999999999999'', ''x'')',
  'delete_policy(''99999999-9999-4999-8999-999999999999'')', 'add_policy_access(''99999999-9999-4999-8999-999999999999'', ''x'')',
  'remove_policy_access(''99999999-9999-4999-8999-999999999999'', ''x'')', 'add_user_policy(''99999999-9999-4999-8999-999999999999'', ''99999999-9999-4999-8999-999999999999'')',
  'add_user_policy(''22222222-0000-4000-8000-000000000001'', ''99999999-9999-4999-8999-999999999999'')', 'add_group_policy(''99999999-9999-4999-8999-999999999999'', ''99999999-9999-4999-8999-999999999999'')']) c;
SELECT throws_ok(format('SELECT wazo_auth.create_policy(%L, ''x'', config_managed => true)', :'north'), '22023', NULL, 'a policy of the configuration is the top tenant''s');
-- Accesses of services that nobody ships
SELECT wazo_auth.register_access('crm.leads.{lead_id}.read', 'Read a lead');
SELECT wazo_auth.register_access('crm.leads.{lead_id}.read', 'Read one lead');
SELECT is((SELECT array_agg(a.description) FROM wazo_auth.access a WHERE a.access LIKE 'crm.%'), '{Read one lead}', 'an access is registered once');
SELECT ok(EXISTS (SELECT FROM wazo_auth.known_access k WHERE k.access = 'crm.leads.{lead_id}.read'), 'and known');
SELECT throws_ok(format('SELECT wazo_auth.register_access(%L)', a), '22023', NULL, 'no access of ' || length(a) || ' characters')
FROM unnest(ARRAY['', repeat('a', 1025)]) a;


-- ---- what a user's policies add up to ----
-- "-" comes before "/", capitals before small letters, and a user may have a
-- policy by two groups and by itself.
SELECT wazo_auth.create_user(:'north', 'of many groups') AS many \gset
SELECT count(wazo_auth.add_group_user(wazo_auth.create_group(:'north', 'order ' || g, g), :'many')) AS groups
FROM unnest('{a,a-b,B,aa}'::text[]) g \gset
SELECT count(wazo_auth.create_policy(:'north', 'order ' || p, ARRAY[p || '.1', p || '.2']::wazo_auth.acl, p)) AS policies
FROM unnest('{z,y-x,W,y}'::text[]) p \gset
SELECT count(wazo_auth.add_group_policy(g.uuid, p.uuid)) AS grants
FROM wazo_auth.group g, wazo_auth.policy p
WHERE g.name LIKE 'order %' AND p.name LIKE 'order %' AND (g.slug, p.slug) NOT IN (('a', 'W'), ('B', 'z')) \gset
SELECT count(wazo_auth.add_user_policy(:'many', p.uuid)) AS own FROM wazo_auth.policy p WHERE p.name IN ('order z', 'order W') \gset
CREATE FUNCTION pg_temp.added_up(of_user uuid) RETURNS wazo_auth.acl LANGUAGE sql AS $$
  SELECT wazo_auth.acl_agg(part.acl ORDER BY part.kind, part.path COLLATE "C", part.uuid)
  FROM (SELECT 2 AS kind, g.slug || '/' || p.slug AS path, p.uuid, p.acl
        FROM wazo_auth.group_user gu
        JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
        JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
        JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
        WHERE gu.user_uuid = of_user
        UNION ALL
        SELECT 3, p.slug, p.uuid, p.acl
        FROM wazo_auth.user_policy up JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
        WHERE up.user_uuid = of_user) part
$$;
SELECT is(wazo_auth.user_acl(:'many')::text, pg_temp.added_up(:'many')::text, 'groups'' policies by group and policy, then its own');
SELECT is(wazo_auth.acl_length(wazo_auth.user_acl(:'many')), (16 - 2 + 2) * 2, '... every one of them');
SELECT is(wazo_auth.user_acl(u.uuid)::text, COALESCE(pg_temp.added_up(u.uuid), '{}')::text, 'the same for ' || u.username) FROM wazo_auth.user u ORDER BY u.username;
SELECT is(wazo_auth.user_acl('99999999-9999-4999-8999-999999999999')::text, '{}', 'nobody has none');
SELECT is(wazo_auth.user_acl(NULL)::text, '{}', '... nor has null');
SELECT wazo_auth.configure('{"default_user_policy": "lent", "backend_policies": {"ldap_user": "conf"}}') \g /dev/null
SELECT is(wazo_auth.user_acl(:'many')::text[], '{l.1}'::text[] || pg_temp.added_up(:'many')::text[], 'the default policy comes first');
SELECT is(wazo_auth.user_acl(:'many', 'ldap_user')::text[], '{c.1}'::text[] || pg_temp.added_up(:'many')::text[], '... or that of the backend');
SELECT wazo_auth.configure('{"default_user_policy": "mine"}') \g /dev/null
SELECT is(wazo_auth.user_acl(:'many')::text, pg_temp.added_up(:'many')::text, '... one of the top tenant');
-- as many as there may be, and one more
UPDATE wazo_auth.policy p SET acl = array_fill('x'::text, ARRAY[2500])::wazo_auth.acl WHERE p.name LIKE 'order %';
SELECT is(wazo_auth.user_acl(:'many')::text, '{x}', 'of more than an ACL can hold each one once');

SELECT * FROM finish();
ROLLBACK;
