-- 100,000 users in a tree of 100 tenants, with 2,100 policies of some 60 entries that
-- they have by two groups each, and one in three directly.
SET client_min_messages = warning;
CREATE EXTENSION wazo_auth CASCADE;
SELECT wazo_auth.bootstrap('root', 'secret') AS top \gset
SELECT count(wazo_auth.create_tenant(CASE WHEN i < 10 THEN :'top' ELSE md5('t' || i / 10)::uuid END, 'tenant ' || i, 't' || i, md5('t' || i)::uuid))
  FROM generate_series(1, 100) AS i;
CREATE TEMP TABLE tenant AS
SELECT uuid, slug, substr(slug, 2)::int AS n FROM wazo_auth.tenant WHERE uuid <> :'top';
INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, acl)
SELECT t.uuid, 'p' || k, 'p' || k,
       (ARRAY['confd.lines.' || t.slug || k || '.#', 'calld.' || k || '.#', 'dird.' || t.slug || '.read']
        || ARRAY(SELECT 'confd.x' || k || '.y' || j || '.read' FROM generate_series(1, 60) AS j)
        || CASE WHEN k % 7 = 0 THEN ARRAY['!confd.lines.*.delete'] ELSE '{}' END)::wazo_auth.acl
  FROM tenant AS t, generate_series(1, 20) AS k;
INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, acl)
SELECT uuid, 'users', 'users', '{confd.users.me.#,auth.users.me.#}' FROM tenant;
INSERT INTO wazo_auth.group (tenant_uuid, name, slug)
SELECT t.uuid, 'g' || k, 'g' || k FROM tenant AS t, generate_series(1, 10) AS k;
INSERT INTO wazo_auth.group_policy
SELECT g.uuid, p.uuid
  FROM wazo_auth.group AS g
  JOIN wazo_auth.policy AS p ON p.tenant_uuid = g.tenant_uuid
   AND p.name IN ('users', 'p' || substr(g.name, 2), 'p1' || substr(g.name, 2))
 WHERE NOT g.system_managed;
INSERT INTO wazo_auth.user (tenant_uuid, username)
SELECT t.uuid, 'u' || i FROM generate_series(1, 100000) AS i JOIN tenant AS t ON t.n = 1 + i % 100;
INSERT INTO wazo_auth.group_user
SELECT g.uuid, u.uuid
  FROM wazo_auth.user AS u
  JOIN wazo_auth.group AS g ON g.tenant_uuid = u.tenant_uuid AND g.name IN ('g' || 1 + (hashtext(u.username) & 7), 'g9');
INSERT INTO wazo_auth.user_policy
SELECT u.uuid, p.uuid
  FROM wazo_auth.user AS u
  JOIN wazo_auth.policy AS p ON p.tenant_uuid = u.tenant_uuid AND p.name = 'p' || 1 + (hashtext(u.username) & 15)
 WHERE hashtext(u.username) % 3 = 0;
VACUUM ANALYZE;
