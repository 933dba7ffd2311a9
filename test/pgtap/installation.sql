-- What an installation ships stays givable: by the master user, by the
-- administrators of a tenant, and by services that may use the routes
-- (contract: default_policies.md).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = error;
\ir lib/rest.psql
SELECT no_plan();

\set sample `cat test/data/sample_policies.json`
CREATE TEMP TABLE shipped AS
SELECT p ->> 'slug' AS slug, p ->> 'kind' AS kind, p -> 'acl' AS acl
FROM jsonb_array_elements(:'sample'::jsonb -> 'policies') p WHERE p ->> 'kind' IN ('shipped', 'shipped-service');
SELECT is(count(*) FILTER (WHERE kind = 'shipped') || ' ' || count(*) FILTER (WHERE kind <> 'shipped'), '3 24', 'the shipped policies were read')
FROM shipped;
SELECT wazo_auth.apply_configuration(jsonb_build_object(
  'default_policies', (SELECT jsonb_object_agg(s.slug, jsonb_build_object('acl', s.acl)) FROM shipped s
                       WHERE s.slug IN ('wazo_default_user_policy', 'wazo_default_admin_policy')),
  'default_user_policy', 'wazo_default_user_policy',
  'tenant_default_groups', '{"wazo_default_admin_group": {"policies": {"wazo_default_admin_policy": true}}}'::jsonb,
  'purpose_metadata_mapping', '{"user": ["user_admin_status"]}'::jsonb));

-- ---- an administrator of a tenant ----
SELECT g.uuid AS admins FROM wazo_auth.group g WHERE g.slug = 'wazo_default_admin_group' AND g.tenant_uuid = :'north' \gset
SELECT count(wazo_auth.add_group_user(:'admins', :'north_user')) AS made \gset
SELECT is(acl_length, 74, 'an administrator''s token has its 74 accesses') FROM wazo_auth.acl_length(wazo_auth.user_acl(:'north_user'));
SELECT is(wazo_auth.user_metadata(u) ->> 'admin', 'true', 'and says so') FROM wazo_auth.user u WHERE u.uuid = :'north_user';
SELECT pg_temp.token(:'north_user', wazo_auth.user_acl(:'north_user')::text[]) AS admin, wazo_auth.create_user(:'north', 'new') AS new \gset
SELECT is(left(pg_temp.ask(c.method, c.path, :'admin'), 3), '204', c.method || ' ' || c.what)
FROM (VALUES ('PUT', format('/0.1/groups/%s/users/%s', :'admins', :'new'), 'a user of the administrators'' group'),
             ('DELETE', format('/0.1/groups/%s/users/%s', :'admins', :'new'), 'it again'),
             ('PUT', format('/0.1/users/%s/policies/wazo_default_admin_policy', :'new'), 'the administrators'' policy'),
             ('DELETE', format('/0.1/users/%s/policies/wazo_default_admin_policy', :'new'), 'it again'),
             ('PUT', format('/0.1/users/%s/policies/wazo_default_user_policy', :'new'), 'the users'' policy'),
             ('DELETE', format('/0.1/users/%s/policies/wazo_default_user_policy', :'new'), 'it again')) c (method, path, what);
SELECT matches(pg_temp.ask('POST', '/0.1/policies', :'admin', json_build_object('name', 'own ' || s.slug, 'slug', 'own_' || s.slug, 'acl', s.acl)::text),
  CASE WHEN s.slug = 'wazo_default_master_user_policy' THEN '^401 ' ELSE '^200 ' END, 'POST the accesses of ' || s.slug)
FROM shipped s WHERE s.kind = 'shipped';
SELECT is(left(pg_temp.ask('PUT', format('/0.1/policies/own_%s', s.slug), :'admin', json_build_object('name', 'own', 'acl', '["auth.#"]'::json)::text), 3), '200', 'PUT fewer of ' || s.slug)
FROM shipped s WHERE s.slug = 'wazo_default_admin_policy';
SELECT is(left(pg_temp.ask('DELETE', format('/0.1/policies/own_%s', s.slug), :'admin'), 3), '204', 'DELETE those of ' || s.slug)
FROM shipped s WHERE s.slug IN ('wazo_default_user_policy', 'wazo_default_admin_policy');
SELECT is(left(pg_temp.ask('DELETE', format('/0.1/groups/%s', :'admins'), :'admin'), 3), '204', 'DELETE the group');

-- ---- the master user, and services ----
SELECT matches(pg_temp.ask('POST', '/0.1/policies', :'top_token', json_build_object('name', s.slug, 'slug', s.slug, 'acl', s.acl)::text), '^200 ', 'the master user makes ' || s.slug)
FROM shipped s WHERE s.kind = 'shipped-service';
CREATE TEMP TABLE service AS
SELECT s.slug, wazo_auth.create_user(:'top', s.slug, purpose => 'internal') AS uuid FROM shipped s WHERE s.kind = 'shipped-service';
SELECT is(left(pg_temp.ask('PUT', format('/0.1/users/%s/policies/%s', s.uuid, s.slug), :'top_token'), 3), '204', 'gives it to its service') FROM service s;
SELECT is(left(pg_temp.ask('PUT', format('/0.1/users/%s/policies/%s', :'top_user', s.slug), t.token), 3),
  CASE WHEN s.slug IN ('wazo-confd-internal', 'wazo-upgrade-internal', 'wazo-wizard-internal') THEN '204' ELSE '401' END,
  s.slug || ' gives what it has, if it may give anything')
FROM service s, LATERAL (SELECT pg_temp.token(s.uuid, wazo_auth.user_acl(s.uuid)::text[])) t (token);

SELECT * FROM finish();
ROLLBACK;
