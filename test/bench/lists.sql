-- An installation of some size: psql variables "users" (all in the top
-- tenant, each with an address) and "tenants" (all below the top one), with a
-- tenth of that in groups and policies.
SET client_min_messages = warning;
SET synchronous_commit = off;
CREATE EXTENSION wazo_auth CASCADE;
SELECT wazo_auth.bootstrap('root', 'secret') AS top \gset
INSERT INTO wazo_auth.tenant (uuid, path, slug, name, phone)
SELECT u.uuid, ARRAY[:'top', u.uuid], 't' || u.i, 'Tenant ' || u.i, '+1418555' || u.i
FROM (SELECT pg_catalog.gen_random_uuid() AS uuid, i FROM pg_catalog.generate_series(1, :tenants) i) u;
INSERT INTO wazo_auth.tenant_parent (path) SELECT t.path FROM wazo_auth.tenant t WHERE t.uuid <> :'top';
INSERT INTO wazo_auth.tenant_domain (tenant_uuid, name) SELECT t.uuid, t.slug || '.example.com' FROM wazo_auth.tenant t WHERE t.uuid <> :'top';
INSERT INTO wazo_auth.user (tenant_uuid, username, firstname, lastname)
SELECT :'top', 'user' || i,
       (ARRAY['Alice', 'Bob', 'Chloé', 'David', 'Émile', 'Fatima', 'Gaston', 'Hélène'])[1 + i % 8],
       'Name' || pg_catalog.lpad((i * 7919::bigint % :users)::text, 6, '0')
FROM pg_catalog.generate_series(1, :users) i;
INSERT INTO wazo_auth.email (user_uuid, address, main, confirmed)
SELECT u.uuid, u.username || '@example.com', true, true FROM wazo_auth.user u WHERE u.username LIKE 'user%';
INSERT INTO wazo_auth.login (login, user_uuid, is_username, is_email)
SELECT u.username, u.uuid, true, false FROM wazo_auth.user u WHERE u.username LIKE 'user%'
UNION ALL SELECT e.address, e.user_uuid, false, true FROM wazo_auth.email e;
INSERT INTO wazo_auth.group (tenant_uuid, name, slug) SELECT :'top', 'Group ' || i, 'group' || i FROM pg_catalog.generate_series(1, :users / 10) i;
INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, acl)
SELECT :'top', 'Policy ' || i, 'policy' || i, ARRAY['confd.p' || i || '.#', 'dird.p' || i || '.read']::wazo_auth.acl
FROM pg_catalog.generate_series(1, :users / 10) i;
INSERT INTO wazo_auth.group_user (group_uuid, user_uuid)
SELECT g.uuid, u.uuid
FROM wazo_auth.user u
JOIN wazo_auth.group g ON g.slug = 'group' || 1 + pg_catalog.substr(u.username, 5)::integer % (:users / 10)
WHERE u.username LIKE 'user%';
INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
SELECT g.uuid, p.uuid FROM wazo_auth.group g JOIN wazo_auth.policy p ON p.slug = 'policy' || pg_catalog.substr(g.slug, 6) WHERE NOT g.system_managed;
INSERT INTO wazo_auth.user_policy (user_uuid, policy_uuid)
SELECT u.uuid, p.uuid
FROM wazo_auth.user u
JOIN wazo_auth.policy p ON p.slug = 'policy' || 1 + pg_catalog.substr(u.username, 5)::integer % (:users / 10)
WHERE u.username LIKE 'user%5';
VACUUM ANALYZE;
