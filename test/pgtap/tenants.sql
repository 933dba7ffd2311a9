-- Tenants: rules without HTTP, and every row of the contract's errors of their
-- routes (errors.md section 6; semantics.md section 10).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
SELECT wazo_auth.add_identity_provider(p, 'wazo_auth.native_login') FROM unnest('{saml}'::text[]) p \g /dev/null
\set t '/0.1/tenants'
\set none '{"line_1": null, "line_2": null, "city": null, "state": null, "country": null, "zip_code": null}'

-- ---- POST ----
SELECT is(pg_temp.ask('POST', :'t', :'north_token', '{"uuid": "33333333-0000-4000-8000-000000000001", "name": "Ä b", "slug": "Slug_1", "phone": "+1", "contact": "22222222-0000-4000-8000-000000000003", "default_authentication_method": "ldap", "domain_names": ["b.example.com", "A.example.com", "b.example.com"], "address": {"line_1": "1 rue", "zip_code": "1"}, "parent_uuid": "x"}'),
  '200 {"uuid": "33333333-0000-4000-8000-000000000001", "parent_uuid": "' || :'north' || '", "name": "\u00c4 b", "slug": "Slug_1", "contact": "22222222-0000-4000-8000-000000000003", "phone": "+1", "default_authentication_method": "ldap", "domain_names": ["a.example.com", "b.example.com"], "address": {"line_1": "1 rue", "line_2": null, "city": null, "state": null, "country": null, "zip_code": "1"}}',
  'a tenant with all there is, below the scoping one');
SELECT matches(pg_temp.ask('POST', :'t', :'top_token', 'null', :'south'),
  '^200 {"uuid": "[0-9a-f-]{36}", "parent_uuid": "' || :'south' || '", "name": null, "slug": "[a-z0-9]{3}", "contact": null, "phone": null, "default_authentication_method": "native", "domain_names": \[\], "address": \' || :'none' || '}$',
  'and one with nothing, below the tenant of the header');
SELECT is(g.name || ' ' || g.slug || ' ' || g.system_managed, 'wazo-all-users-tenant-' || g.tenant_uuid || ' wazo-all-users-tenant-' || g.tenant_uuid || ' true', 'with its group of all users')
FROM wazo_auth.group g WHERE g.tenant_uuid = '33333333-0000-4000-8000-000000000001';
SELECT is((SELECT count(*) FROM wazo_auth.tenant_address), 1::bigint, 'no address when all of it is null');
SELECT is((SELECT e.data::jsonb FROM wazo_auth.event_outbox e WHERE e.name = 'auth_tenant_added' AND e.tenant_uuid = '33333333-0000-4000-8000-000000000001'),
          '{"uuid": "33333333-0000-4000-8000-000000000001", "name": "Ä b", "slug": "Slug_1", "domain_names": ["a.example.com", "b.example.com"]}'::jsonb, 'and an event');

CREATE FUNCTION pg_temp.slug(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_uuid uuid := wazo_auth.create_tenant('11111111-0000-4000-8000-000000000002', name);
BEGIN
  RETURN (SELECT t.slug FROM wazo_auth.tenant t WHERE t.uuid = v_uuid);
END $$;
SELECT is(pg_temp.slug('A é-b_1!2345678'), 'Ab_1234567', 'a slug is made of the name');
SELECT matches(pg_temp.slug('A é-b_1!2345678'), '^[a-z0-9]{3}$', 'at random when it is in use');
SELECT is(pg_temp.slug('ab_1234567'), 'ab_1234567', 'case counts');
SELECT matches(pg_temp.slug('éé'), '^[a-z0-9]{3}$', 'and when nothing is left of the name');
SELECT matches(string_agg(wazo_auth.generate_slug(NULL, 'a-z', 10, 0), ''), '[g-z]', 'random slugs use all letters') FROM generate_series(1, 50);
SELECT is(array_agg(length(wazo_auth.generate_slug('x', 'a-z', 10, a))), '{1,3,3,4,10,10}', 'and become longer with every few attempts') FROM unnest('{0,1,7,8,56,1000}'::int[]) a;
SELECT is(pg_temp.ask(v.m, v.p, (SELECT pg_temp.token('22222222-0000-4000-8000-000000000000')), '{"address": null}'),
  '400 {"message": "Field may not be null.", "error_id": "invalid-data", "details": {"address": {"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"}}, "timestamp": T, "resource": "tenants"}', v.m || ': an address that is null')
FROM (VALUES ('POST', :'t'), ('PUT', :'t' || '/' || :'deep')) v (m, p);

SELECT is(pg_temp.ask('POST', :'t', :'top_token', '{'), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', 'POST: no JSON');
SELECT is(pg_temp.ask('POST', :'t', :'south_token', '{}', :'north'), '401 {"message": "Unauthorized tenant", "error_id": "unauthorized-tenant", "details": {"tenant_uuid": "' || :'north' || '"}, "timestamp": T}', 'POST: the tenant comes first');
CREATE FUNCTION pg_temp.refused(body text, message text, details text) RETURNS text LANGUAGE sql AS $$
  SELECT is(pg_temp.ask(m, p, (SELECT pg_temp.token('22222222-0000-4000-8000-000000000000')), body),
            format('400 {"message": "%s", "error_id": "invalid-data", "details": %s, "timestamp": T, "resource": "tenants"}', message, details),
            m || ' ' || left(body, 60))
  FROM (VALUES ('POST', '/0.1/tenants'), ('PUT', '/0.1/tenants/11111111-0000-4000-8000-000000000001')) r (m, p)
  WHERE m = 'POST' OR body NOT LIKE '%slug%'
$$;
SELECT pg_temp.refused('[1]', 'Invalid input type.', '{"_schema": {"message": "Invalid input type."}}');
SELECT pg_temp.refused('{"uuid": "x"}', 'Not a valid UUID.', '{"uuid": {"message": "Not a valid UUID.", "constraint_id": "type", "constraint": "uuid"}}');
SELECT pg_temp.refused(format('{"%s": ""}', f.name), format('Length must be between 1 and %s.', f.max),
  format('{"%s": {"constraint_id": "length", "constraint": {"min": 1, "max": %s}, "message": "Length must be between 1 and %s."}}', f.name, f.max, f.max))
FROM (VALUES ('name', 128), ('slug', 10), ('phone', 32)) f (name, max);
SELECT pg_temp.refused(format('{"%s": "%s"}', f.name, repeat('1', f.max + 1)), format('Length must be between 1 and %s.', f.max),
  format('{"%s": {"constraint_id": "length", "constraint": {"min": 1, "max": %s}, "message": "Length must be between 1 and %s."}}', f.name, f.max, f.max))
FROM (VALUES ('name', 128), ('slug', 10), ('phone', 32)) f (name, max);
SELECT pg_temp.refused(format('{"address": {"%s": "%s"}}', f.name, repeat('1', f.max + 1)), format('Length must be between 1 and %s.', f.max),
  format('{"address": {"%s": {"constraint_id": "length", "constraint": {"min": 1, "max": %s}, "message": "Length must be between 1 and %s."}}}', f.name, f.max, f.max))
FROM (VALUES ('line_1', 256), ('line_2', 256), ('city', 128), ('state', 128), ('country', 128), ('zip_code', 16)) f (name, max);
SELECT pg_temp.refused(format('{"slug": "%s"}', s), 'String does not match expected pattern.',
  '{"slug": {"constraint_id": "regex", "constraint": "^[a-zA-Z0-9_]+$", "message": "String does not match expected pattern."}}')
FROM unnest('{a-b,a b,é,a\\n}'::text[]) s;
SELECT pg_temp.refused('{"name": "", "slug": ""}', 'Length must be between 1 and 128.',
  '{"name": {"constraint_id": "length", "constraint": {"min": 1, "max": 128}, "message": "Length must be between 1 and 128."}}');
SELECT pg_temp.refused('{"address": "x"}', 'Invalid input type.', '{"address": {"_schema": {"message": "Invalid input type."}}}');
SELECT pg_temp.refused('{"domain_names": "a.b"}', 'Not a valid list.', '{"domain_names": {"message": "Not a valid list.", "constraint_id": "type", "constraint": "list"}}');
SELECT pg_temp.refused('{"domain_names": null}', 'Field may not be null.', '{"domain_names": {"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"}}');
SELECT pg_temp.refused(format('{"default_authentication_method": "%s"}', m), 'Invalid default authentication method ' || m, format('{"default_authentication_method": "%s"}', m))
FROM unnest('{default,Native,kerberos}'::text[]) m;
SELECT pg_temp.refused('{"default_authentication_method": null}', 'Field may not be null.',
  '{"default_authentication_method": {"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"}}');

-- Domain names: what upstream's pattern takes and what not.
SELECT is(split_part(pg_temp.ask('PUT', :'t' || '/' || :'deep', :'top_token', json_build_object('name', 'Deep', 'domain_names', ARRAY[d.name])::text), ' ', 1), d.status, 'domain ' || left(d.name, 40))
FROM (VALUES ('a.io', '200'), ('a.io.', '200'), ('1.2.3.4', '200'), ('A-b.c', '200'), (repeat('a', 80) || '.b', '200'), (repeat('a.', 126) || 'a', '400'),
             (repeat('a.', 62) || 'a', '200'), (repeat('a.', 63) || 'a', '400'), (repeat('a', 251) || '.b', '200'), (repeat('a', 251) || '.bc', '400'), (repeat('a', 251) || '.b.', '400'),
             ('wazo', '400'), ('123', '400'), ('', '400'), ('a..b', '400'), ('.a.b', '400'), ('-a.b', '400'), ('a-.b', '400'), ('a_b.c', '400'), ('_a.b', '400'), ('a.b_', '400'), (E'a.b\n', '400'), ('é.b', '400'), ('a b.c', '400')) d (name, status);

SELECT is(pg_temp.ask('POST', :'t', :'north_token', '{"uuid": "' || :'north' || '"}'),
  '403 {"message": "Conflict detected", "error_id": "conflict", "details": {"parent_uuid": {"constraint_id": "unique", "msg": "A master tenant already exist"}}, "timestamp": T, "resource": "tenants"}', 'POST: the uuid of the scoping tenant');
SELECT is(pg_temp.ask('POST', :'t', :'north_token', '{"uuid": "' || :'deep' || '", "slug": "Slug_1"}'),
  '409 {"message": "Tenant Conflict detected", "error_id": "tenant-identity-conflict", "details": {"uuid": {"constraint_id": "unique", "message": "A tenant with identity uuid=\"' || :'deep' || '\" already exists"}}, "timestamp": T, "resource": "tenants"}', 'POST: uuid taken, before the slug');
SELECT is(pg_temp.ask('POST', :'t', :'south_token', '{"slug": "Slug_1", "contact": "' || :'nobody' || '"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"slug": {"constraint_id": "unique", "message": "The slug \"Slug_1\" is already used"}}, "timestamp": T, "resource": "tenants"}', 'POST: slug taken, before the contact');
SELECT is(pg_temp.ask('POST', :'t', :'south_token', '{"contact": "' || :'nobody' || '", "domain_names": ["b.example.com"]}'),
  '404 {"message": "No such user: \"' || :'nobody' || '\"", "error_id": "unknown-user", "details": {"uuid": "' || :'nobody' || '"}, "timestamp": T, "resource": "users"}', 'POST: unknown contact, before the domain');
SELECT matches(pg_temp.ask('POST', :'t', :'south_token', '{"contact": "' || :'north_user' || '"}'), '^404 .*unknown-user', 'POST: a contact that the caller cannot see');
SELECT is(pg_temp.ask('POST', :'t', :'south_token', '{"name": "gone", "domain_names": ["z.example.com", "b.example.com"]}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"domain_names": {"constraint-id": "unique", "message": "Domain name : \"[''b.example.com'', ''z.example.com'']\" is already in use, no duplicates allowed"}}, "timestamp": T, "resource": "tenants"}', 'POST: domain taken');
SELECT is((SELECT count(*) FROM wazo_auth.tenant t WHERE t.name = 'gone'), 0::bigint, 'and nothing is left of the tenant');

-- ---- GET ----
SELECT is(pg_temp.ask('GET', :'t' || '/' || :'south', :'top_token'),
  '200 {"uuid": "' || :'south' || '", "parent_uuid": "' || :'top' || '", "name": "South", "slug": "South", "contact": null, "phone": null, "default_authentication_method": "native", "domain_names": [], "address": ' || :'none' || '}', 'GET a tenant');
SELECT is(pg_temp.ask_json('GET', :'t' || '/' || :'top', :'top_token') ->> 'parent_uuid', :'top', 'the top tenant is its own parent');
SELECT is(pg_temp.ask('GET', :'t' || '/' || u, :'north_token'),
  '404 {"message": "No such tenant: \"' || u || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || u || '"}, "timestamp": T, "resource": "tenants"}', 'GET: unknown or not in sight')
FROM unnest(ARRAY[:'nobody', :'south', :'top']) u;
SELECT is(pg_temp.ask('GET', :'t' || '/' || u || '/domains', :'north_token'),
  '404 {"message": "No such tenant: \"' || u || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || u || '"}, "timestamp": T, "resource": "tenants"}', 'GET domains: unknown or not in sight')
FROM unnest(ARRAY[:'nobody', :'south', :'top']) u;
SELECT matches(pg_temp.ask('GET', :'t' || '/33333333-0000-4000-8000-000000000001/domains', :'top_token'),
  '^200 {"total": 2, "items": \[{"name": "a.example.com", "uuid": "[0-9a-f-]{36}"}, {"name": "b.example.com", "uuid": "[0-9a-f-]{36}"}\]}$', 'GET domains');
SELECT is(pg_temp.ask('GET', :'t' || '/x', :'top_token'), '404 {"message": "Not Found"}', 'no uuid');

-- ---- the list ----
CREATE FUNCTION pg_temp.names(query text, token text, tenant text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT COALESCE((SELECT string_agg(COALESCE(i ->> 'name', '-'), ',') FROM jsonb_array_elements(a.j -> 'items') i), a.j::text)
         || ' ' || (a.j ->> 'filtered') || '/' || (a.j ->> 'total')
  FROM (SELECT pg_temp.ask_json('GET', '/0.1/tenants' || query, token, NULL, tenant) AS j) a
$$;
SELECT is(pg_temp.names('', :'north_token'), 'Deep,North,Ä b 3/3', 'the tenant and those below it, by name');
SELECT is(pg_temp.names('?recurse=true', :'north_token', :'deep'), 'Deep 1/1', 'recurse means nothing');
SELECT is(pg_temp.names('?order=slug&direction=desc&limit=2', :'north_token'), 'Ä b,North 3/3', 'sorted and cut');
SELECT is(pg_temp.names('?offset=2', :'north_token'), 'Ä b 3/3', 'from the middle');
SELECT is(pg_temp.names('?search=DEE', :'north_token'), 'Deep 1/3', 'search in names');
SELECT is(pg_temp.names('?search=SLUG_', :'north_token'), 'Ä b 1/3', 'search in slugs');
SELECT is(pg_temp.names('?search=%C3%A4', :'north_token'), 'Ä b 1/3', 'search beyond ASCII, whatever the case');
SELECT is(pg_temp.names('?search=b.EXAMPLE', :'north_token'), 'Ä b 1/3', 'search in domain names');
SELECT is(pg_temp.ask('GET', :'t' || '?name=deep', :'north_token'), '200 {"filtered": 0, "total": 3, "items": []}', 'a filter minds the case');
SELECT is(pg_temp.names('?name=Deep', :'north_token'), 'Deep 1/3', 'name');
SELECT is(pg_temp.names('?slug=Slug_1', :'north_token'), 'Ä b 1/3', 'slug');
SELECT is(pg_temp.names('?domain_name=b.example.com', :'north_token'), 'Ä b 1/3', 'domain_name');
SELECT is(pg_temp.names('?domain_name=', :'north_token'), 'Deep,North,Ä b 3/3', 'an empty domain_name is none');
SELECT is(pg_temp.names('?uuid=' || :'deep', :'north_token'), 'Deep 1/3', 'uuid');
SELECT is(pg_temp.names('?uuids=' || :'deep' || '&uuids=' || :'north' || '&uuids=' || :'south' || '&uuids=x', :'north_token'), 'Deep,North 2/3', 'uuids');
SELECT is(pg_temp.ask('GET', :'t' || '?uuids=', :'north_token'), '200 {"filtered": 0, "total": 3, "items": []}', 'an empty one of uuids');
SELECT is(pg_temp.ask('GET', :'t' || '?' || repeat('uuids=a&', 26), :'north_token'),
  '400 {"message": {"uuids": [{"constraint_id": "length", "constraint": {"min": null, "max": 25}, "message": "Longer than maximum length 25."}]}, "error_id": "invalid-list-param", "details": {}, "timestamp": T, "resource": "users"}', 'too many uuids');
SELECT matches(pg_temp.ask('GET', :'t' || '?order=uuid', :'north_token'), '^400 .*Must be one of: name, slug\.', 'order');
SELECT matches(pg_temp.ask('GET', :'t' || '?limit=-1', :'top_token', NULL, :'nobody'), '^401 ', 'the tenant comes before the query');

-- ---- PUT ----
SELECT is(pg_temp.ask('PUT', :'t' || '/' || :'deep', :'north_token', '{"uuid": "' || :'nobody' || '", "name": "Deeper", "slug": "ignored", "contact": "' || :'north_user' || '", "domain_names": ["deep.io"], "address": {"city": "Q"}}'),
  '200 {"uuid": "' || :'deep' || '", "parent_uuid": "' || :'north' || '", "name": "Deeper", "slug": "Deep", "contact": "' || :'north_user' || '", "phone": null, "default_authentication_method": "native", "domain_names": ["deep.io"], "address": {"line_1": null, "line_2": null, "city": "Q", "state": null, "country": null, "zip_code": null}}', 'PUT replaces all but uuid, slug and parent');
SELECT d.uuid AS domain_uuid FROM wazo_auth.tenant_domain d WHERE d.name = 'deep.io' \gset
SELECT is(pg_temp.ask_json('PUT', :'t' || '/' || :'deep', :'deep_token', '{"contact": "' || :'north_user' || '", "domain_names": ["a.deep.io", "deep.io"]}') ->> 'contact', :'north_user', 'a contact from above may stay');
SELECT is((SELECT d.uuid FROM wazo_auth.tenant_domain d WHERE d.name = 'deep.io'), :'domain_uuid'::uuid, 'a domain that stays keeps its uuid');
SELECT matches(pg_temp.ask('PUT', :'t' || '/' || :'deep', :'deep_token', '{"contact": "' || :'top_user' || '"}'), '^404 .*unknown-user', 'but none may come from there');
SELECT is((SELECT e.data::jsonb FROM wazo_auth.event_outbox e WHERE e.name = 'auth_tenant_updated' AND e.data::jsonb ->> 'name' = 'Deeper'),
          jsonb_build_object('uuid', :'deep', 'name', 'Deeper'), 'PUT sends an event');
SELECT is(pg_temp.ask('PUT', :'t' || '/' || :'deep', :'deep_token', '{}'),
  '200 {"uuid": "' || :'deep' || '", "parent_uuid": "' || :'north' || '", "name": null, "slug": "Deep", "contact": null, "phone": null, "default_authentication_method": "native", "domain_names": [], "address": ' || :'none' || '}', 'what is left out is reset');
SELECT is((SELECT count(*) FROM wazo_auth.tenant_address a WHERE a.tenant_uuid = :'deep'), 0::bigint, 'the address is gone');
SELECT matches(pg_temp.ask('PUT', :'t' || '/' || :'south', :'north_token', '{"default_authentication_method": "x"}'), '^400 ', 'PUT: the method comes before the tenant');
SELECT is(pg_temp.ask('PUT', :'t' || '/' || :'south', :'north_token', '{}'), '404 {"message": "No such tenant: \"' || :'south' || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || :'south' || '"}, "timestamp": T, "resource": "tenants"}', 'PUT: not in sight');
SELECT matches(pg_temp.ask('PUT', :'t' || '/' || :'south', :'south_token', '{"contact": "' || :'nobody' || '", "domain_names": ["b.example.com"]}'), '^404 .*unknown-user', 'PUT: contact, before the domain');
SELECT matches(pg_temp.ask('PUT', :'t' || '/' || :'south', :'south_token', '{"name": "new", "domain_names": ["b.example.com"]}'), '^409 .*already in use', 'PUT: domain taken');
SELECT is((SELECT t.name FROM wazo_auth.tenant t WHERE t.uuid = :'south'), 'South', 'and nothing is changed');

-- ---- DELETE ----
SELECT is(pg_temp.ask('DELETE', :'t' || '/' || :'north', :'north_token'),
  '403 {"message": "Deleting its own tenant is forbidden: \"' || :'north' || '\"", "error_id": "deleting-own-tenant-forbidden", "details": {"tenant_uuid": "' || :'north' || '"}, "timestamp": T, "resource": "tenants"}', 'DELETE: the scoping tenant');
SELECT matches(pg_temp.ask('DELETE', :'t' || '/' || :'north', :'top_token', NULL, :'north'), '^403 ', 'also when the header says so');
SELECT is(pg_temp.ask('DELETE', :'t' || '/' || :'south', :'north_token'), '404 {"message": "No such tenant: \"' || :'south' || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || :'south' || '"}, "timestamp": T, "resource": "tenants"}', 'DELETE: not in sight');
SELECT is(pg_temp.ask('DELETE', :'t' || '/' || :'north', :'top_token'),
  '400 {"message": "Unauthorized delete of tenant : \"' || :'north' || '\" ; since it has at least one child", "error_id": {"uuid": "' || :'north' || '"}, "details": "tenants", "timestamp": T}', 'DELETE: it has a child');
SELECT throws_ok(format('SELECT wazo_auth.delete_tenant(%L)', :'top'), 'WA403', NULL, 'nobody deletes the top tenant');
SELECT is(count(*), 1::bigint, 'made') FROM wazo_auth.obtain_refresh_token(:'deep_user', 'c', 'deep', false, 'wazo_user', '', '');
SELECT is(pg_temp.ask('DELETE', :'t' || '/' || :'deep', :'north_token'), '204', 'DELETE');
SELECT is((SELECT count(*) FROM wazo_auth.user u WHERE u.uuid = :'deep_user') + (SELECT count(*) FROM wazo_auth.session s WHERE s.tenant_uuid = :'deep')
          + (SELECT count(*) FROM wazo_auth.group g WHERE g.tenant_uuid = :'deep') + (SELECT count(*) FROM wazo_auth.login l WHERE l.login = 'deep'), 0::bigint, 'with all that was in it');
SELECT is((SELECT string_agg(e.name, ',' ORDER BY e.id) FROM wazo_auth.event_outbox e
           WHERE e.tenant_uuid = :'deep' AND (e.name LIKE '%deleted')), 'auth_session_deleted,auth_refresh_token_deleted,auth_tenant_deleted', 'and events of all that ended');
SELECT matches(pg_temp.ask('GET', :'t', :'deep_token'), '^401 ', 'its tokens are void');

-- ---- parent ----
SELECT wazo_auth.create_tenant(:'north', 'mid') AS mid \gset
SELECT wazo_auth.create_tenant(:'mid', 'leaf') AS leaf \gset
SELECT is(pg_temp.ask('PUT', format('%s/%s/parent/%s', :'t', :'south', :'mid'), :'north_token'), '404 {"message": "No such tenant: \"' || :'south' || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || :'south' || '"}, "timestamp": T, "resource": "tenants"}', 'parent: the tenant is not in sight');
SELECT is(pg_temp.ask('PUT', format('%s/%s/parent/%s', :'t', :'mid', :'south'), :'north_token'), '404 {"message": "No such tenant: \"' || :'south' || '\"", "error_id": "unknown-tenant", "details": {"uuid": "' || :'south' || '"}, "timestamp": T, "resource": "tenants"}', 'parent: the parent is not in sight');
SELECT is(pg_temp.ask('PUT', format('%s/%s/parent/%s', :'t', m.tenant, m.parent), :'top_token'),
  format('409 {"message": "Parent (%s) is a descendent of tenant: \"%s\"", "error_id": "conflict", "details": {"uuid": "%s", "parent_uuid": "%s"}, "timestamp": T, "resource": "tenants"}', m.parent, m.tenant, m.tenant, m.parent), 'parent: a cycle')
FROM (VALUES (:'mid', :'mid'), (:'mid', :'leaf'), (:'north', :'leaf'), (:'top', :'south'), (:'top', :'top')) m (tenant, parent);
SELECT is(pg_temp.ask('PUT', format('%s/%s/parent/%s', :'t', :'mid', :'north'), :'top_token'), '204', 'parent: the present one');
SELECT is(pg_temp.ask('PUT', format('%s/%s/parent/%s', :'t', :'mid', :'south'), :'top_token'), '204', 'parent: another one');
SELECT is((SELECT t.path FROM wazo_auth.tenant t WHERE t.uuid = :'leaf'), ARRAY[:'top', :'south', :'mid', :'leaf']::uuid[], 'and those below go with it');
SELECT is(wazo_auth.tenant_contains(:'south', :'leaf')::text || wazo_auth.tenant_contains(:'north', :'leaf'), 'truefalse', 'out of the sight of the one and into the sight of the other');
SELECT is((SELECT p.parent_uuid FROM wazo_auth.tenant_parent p WHERE p.tenant_uuid = :'mid'), :'south'::uuid, 'the parent is kept, too');
SELECT is((SELECT count(*) FROM wazo_auth.tenant t WHERE t.path[cardinality(t.path)] <> t.uuid OR (cardinality(t.path) > 1
           AND NOT EXISTS (SELECT FROM wazo_auth.tenant_parent p JOIN wazo_auth.tenant o ON o.uuid = p.parent_uuid WHERE p.tenant_uuid = t.uuid AND t.path = o.path || t.uuid))),
          0::bigint, 'paths and parents agree');

-- ---- no uuid is special ----
-- Tenants with the least and the greatest uuid, and others below them, moved
-- about: each place has exactly what is below it, by every way to ask.
\set zero '00000000-0000-0000-0000-000000000000'
\set ones 'ffffffff-ffff-ffff-ffff-ffffffffffff'
CREATE FUNCTION pg_temp.subtree(top uuid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(t.slug, ' ' ORDER BY t.slug COLLATE "C") FROM wazo_auth.tenant t WHERE top = ANY (t.path)
$$;
CREATE FUNCTION pg_temp.listed(tenant uuid, token text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(i ->> 'slug', ' ' ORDER BY i ->> 'slug' COLLATE "C")
  FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/tenants', token, NULL, tenant::text) -> 'items') i
$$;
CREATE FUNCTION pg_temp.users_listed(tenant uuid, token text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(i ->> 'username', ' ' ORDER BY i ->> 'username' COLLATE "C")
  FROM jsonb_array_elements(pg_temp.ask_json('GET', '/0.1/users?recurse=true', token, NULL, tenant::text) -> 'items') i
$$;
SELECT wazo_auth.create_tenant(:'north', 'left', 'left') AS left, wazo_auth.create_tenant(:'north', 'right', 'right') AS right \gset
SELECT wazo_auth.create_user(:'left', 'u_left') AS left_user, wazo_auth.create_user(:'right', 'u_right') AS right_user \gset
SELECT pg_temp.token(:'left_user') AS left_token, pg_temp.token(:'right_user') AS right_token \gset
SELECT matches(pg_temp.ask('POST', :'t', t.token, json_build_object('uuid', t.uuid, 'slug', t.slug)::text, t.parent), '^200 ', 'a tenant ' || t.uuid)
FROM (VALUES (:'ones', 'ones', :'left', :'left_token'), (:'zero', 'zero', :'right', :'right_token')) t (uuid, slug, parent, token);
SELECT wazo_auth.create_tenant(:'ones', 'x', 'x') AS x, wazo_auth.create_tenant(:'zero', 'y', 'y') AS y \gset
SELECT count(wazo_auth.create_user(u.tenant::uuid, u.name)) FROM (VALUES (:'ones', 'u_ones'), (:'zero', 'u_zero'), (:'x', 'u_x'), (:'y', 'u_y')) u (tenant, name) \gset made_
SELECT is(concat_ws(',', pg_temp.listed(t.uuid::uuid, :'top_token'), pg_temp.users_listed(t.uuid::uuid, :'top_token')), t.below, 'below ' || t.uuid || ': ' || t.below)
FROM (VALUES (:'left', 'left ones x,u_left u_ones u_x'), (:'ones', 'ones x,u_ones u_x'), (:'right', 'right y zero,u_right u_y u_zero'), (:'zero', 'y zero,u_y u_zero')) t (uuid, below);
-- Every move that makes no cycle, there and on.
CREATE TEMP TABLE place AS SELECT t.uuid, t.slug FROM wazo_auth.tenant t WHERE t.slug IN ('left', 'right', 'ones', 'zero', 'x', 'y');
CREATE FUNCTION pg_temp.wrong_moves(top_token text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT a.uuid AS moved, b.uuid AS parent, a.slug || ' below ' || b.slug AS what FROM place a, place b ORDER BY b.slug, a.slug LOOP
    CONTINUE WHEN v.moved = ANY ((SELECT t.path FROM wazo_auth.tenant t WHERE t.uuid = v.parent)::uuid[]);
    PERFORM wazo_auth.move_tenant(v.moved, v.parent);
    RETURN QUERY SELECT v.what || ': the parent of ' || t.slug FROM wazo_auth.tenant t LEFT JOIN wazo_auth.tenant_parent p ON p.tenant_uuid = t.uuid
                 LEFT JOIN wazo_auth.tenant o ON o.uuid = p.parent_uuid WHERE cardinality(t.path) > 1 AND t.path IS DISTINCT FROM o.path || t.uuid;
    RETURN QUERY SELECT v.what || ': below ' || a.slug FROM place a WHERE pg_temp.listed(a.uuid, top_token) IS DISTINCT FROM pg_temp.subtree(a.uuid);
    RETURN QUERY SELECT v.what || ': ' || a.slug || ' contains ' || b.slug FROM place a, place b
                 WHERE wazo_auth.tenant_contains(a.uuid, b.uuid)
                       <> EXISTS (WITH RECURSIVE up (uuid) AS (VALUES (b.uuid) UNION SELECT p.parent_uuid FROM up JOIN wazo_auth.tenant_parent p ON p.tenant_uuid = up.uuid)
                                  SELECT FROM up WHERE up.uuid = a.uuid);
  END LOOP;
END $$;
SELECT is_empty(format('SELECT pg_temp.wrong_moves(%L)', :'top_token'), 'moved about, everybody is where the parents say');
SELECT count(wazo_auth.move_tenant(m.moved::uuid, m.parent::uuid)) FROM (VALUES (:'left', :'north'), (:'right', :'north'), (:'ones', :'left'), (:'zero', :'right'), (:'x', :'ones'), (:'y', :'zero')) m (moved, parent) \gset made_
SELECT count(wazo_auth.move_tenant(:'ones', :'right')) \gset made_
SELECT is(wazo_auth.tenant_contains(:'left', :'x')::text || wazo_auth.tenant_contains(:'right', :'x'), 'falsetrue', 'what is below the greatest uuid goes with it');
SELECT is(left(pg_temp.ask('HEAD', format('/0.1/token/%s?tenant=%s', t.token, q.tenant)), 3), CASE WHEN q.reached THEN '204' ELSE '403' END,
  format('?tenant=%s of a token above it: %s', q.tenant, q.reached))
FROM (VALUES (:'right_token')) t (token),
  (VALUES ('garbage', false), ('0', false), (:'x', true), (:'zero', true), (:'ones', true), (:'left', false), ('00000000000000000000000000000000', false)) q (tenant, reached);
SELECT matches(pg_temp.ask('POST', format('/0.1/token/%s/scopes/check', :'right_token'), NULL, json_build_object('scopes', '[]'::json, 'tenant_uuid', q.tenant)::text),
  CASE WHEN q.reached THEN '^200 ' ELSE '^403 ' END, 'and by scopes/check: ' || q.tenant)
FROM (VALUES ('garbage', false), (:'zero', true), (:'ones', true), (:'left', false)) q (tenant, reached);

-- The table does not let them part.
SELECT throws_ok(format('UPDATE wazo_auth.tenant SET path = %L::uuid[] || uuid WHERE uuid = %L', ARRAY[:'top', :'nobody'], :'x'), '23503', NULL, 'no path through a tenant that is not there');
SELECT throws_ok(format('UPDATE wazo_auth.tenant SET path = %L::uuid[] || uuid WHERE uuid = %L', ARRAY[:'top', :'left'], :'x'), '23503', NULL, 'nor one that leaves out a tenant between');
SELECT throws_ok(format('UPDATE wazo_auth.tenant SET path = %L::uuid[] || uuid WHERE uuid = %L', ARRAY[:'top'], :'ones'), '23503', NULL, 'nor one that children do not follow');
SELECT throws_ok(format('DELETE FROM wazo_auth.tenant WHERE uuid = %L', :'ones'), '23503', NULL, 'none with children goes');
SELECT throws_ok(format('INSERT INTO wazo_auth.tenant_parent (path) VALUES (ARRAY[%L, %L]::uuid[])', :'left', :'top'), '23503', NULL, 'no parent beside the path');

-- A tree has an end.
CREATE FUNCTION pg_temp.grow(uuid, integer) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE v uuid := $1; BEGIN FOR i IN 1 .. $2 LOOP v := wazo_auth.create_tenant(v); END LOOP; RETURN v; END $$;
SELECT pg_temp.grow(:'leaf', 96) AS bottom \gset
SELECT throws_ok(format('SELECT wazo_auth.create_tenant(%L)', :'bottom'), 'WA400', 'The tree of tenants would be too deep', 'no tenant deeper than 100');
SELECT throws_ok(format('SELECT wazo_auth.move_tenant(%L, %L)', :'mid', wazo_auth.create_tenant(:'south')), 'WA400', 'The tree of tenants would be too deep', 'nor by a move');
SELECT throws_ok(format('SELECT wazo_auth.%s', c), 'WA404', NULL, c)
FROM unnest(ARRAY['create_tenant(''99999999-9999-4999-8999-999999999999'')', 'update_tenant(''99999999-9999-4999-8999-999999999999'')',
                  'delete_tenant(''99999999-9999-4999-8999-999999999999'')',
                  'move_tenant(''99999999-9999-4999-8999-999999999999'', wazo_auth.top_tenant_uuid())',
                  'move_tenant(''11111111-0000-4000-8000-000000000002'', ''99999999-9999-4999-8999-999999999999'')']) c;

-- ---- one domain, however it is written ----
SELECT wazo_auth.create_tenant(:'north', 'Acme', domain_names => '{ACME.example,acme.example.,acme.example}') AS acme \gset
SELECT is(array_agg(d.name), '{acme.example}', 'is one name') FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = :'acme';
SELECT throws_ok(format('SELECT wazo_auth.create_tenant(%L, domain_names => ARRAY[%L])', :'north', d), 'WA409', NULL, 'which nobody else can have as ' || d)
FROM unnest('{acme.example,ACME.example,acme.example.,Acme.Example.,ａｃｍｅ。example}'::text[]) d;
SELECT is(j ->> 'filtered', '1', 'and which is found as ' || d)
FROM unnest('{acme.example,ACME.example.}'::text[]) d, LATERAL pg_temp.ask_json('GET', '/0.1/tenants?domain_name=' || d, :'north_token') j;
SELECT throws_ok(format('INSERT INTO wazo_auth.tenant_domain (tenant_uuid, name) VALUES (%L, %L)', :'acme', d), '23514', NULL, 'nor is it stored as ' || d)
FROM unnest('{ACME.example,acme.example.}'::text[]) d;

SELECT * FROM finish();
ROLLBACK;
