-- An upstream database, in its tables. Variables: users, tokens, tenants; hash and salt are of the password "secret".
-- User N is in tenant N modulo tenants, token N is that of user N modulo users.
SELECT md5('top')::uuid AS top \gset
INSERT INTO auth_tenant (uuid, name, parent_uuid, slug) VALUES (:'top', 'master', :'top', 'master');
INSERT INTO auth_tenant (uuid, name, phone, parent_uuid, slug)
SELECT md5('tenant' || i)::uuid, 'Tenant ' || i, '+1 418 555 ' || i,
  CASE WHEN i % 10 = 0 THEN :'top' ELSE md5('tenant' || i / 10 * 10)::uuid::text END, 't' || i
FROM generate_series(0, :tenants - 1) i;
INSERT INTO auth_group (name, slug, tenant_uuid, system_managed)
SELECT 'wazo-all-users-tenant-' || t.uuid, 'wazo-all-users-tenant-' || t.uuid, t.uuid, true FROM auth_tenant t;
INSERT INTO auth_group (uuid, name, slug, tenant_uuid)
SELECT md5('group' || i)::uuid, 'Sales ' || i, 'sales_' || i, md5('tenant' || i % :tenants)::uuid
FROM generate_series(0, :tenants * 3 - 1) i;
INSERT INTO auth_user (uuid, username, password_hash, password_salt, firstname, lastname, tenant_uuid, purpose)
SELECT md5('user' || i)::uuid, 'user' || i, :'hash', decode(:'salt', 'hex'), 'First ' || i, 'Last ' || i,
  md5('tenant' || i % :tenants)::uuid, CASE WHEN i % 1000 = 999 THEN 'internal' ELSE 'user' END
FROM generate_series(0, :users - 1) i;
INSERT INTO auth_email (uuid, address, confirmed, main, user_uuid)
SELECT md5('email' || i)::uuid, 'User' || i || '@example.org', i % 3 < 2, true, md5('user' || i)::uuid
FROM generate_series(0, :users - 1) i;
INSERT INTO auth_user_group (group_uuid, user_uuid)
SELECT g.uuid, u.uuid FROM auth_user u JOIN auth_group g ON g.tenant_uuid = u.tenant_uuid AND g.system_managed;
INSERT INTO auth_user_group (group_uuid, user_uuid)
SELECT md5('group' || i % :tenants)::uuid, md5('user' || i)::uuid FROM generate_series(0, :users - 1, 3) i;
INSERT INTO auth_access (access)
SELECT 'confd.users.me.feature' || i || '.' || a FROM generate_series(1, 50) i, unnest('{read,update,*}'::text[]) a;
INSERT INTO auth_policy (uuid, name, slug, description, tenant_uuid, config_managed, shared)
SELECT md5('policy' || i)::uuid, 'Policy ' || i, 'policy_' || i, 'What ' || i || ' may', md5('tenant' || i % :tenants)::uuid,
  i % 7 = 0, i % 5 = 0
FROM generate_series(0, :tenants * 2 - 1) i;
INSERT INTO auth_policy_access (policy_uuid, access_id)
SELECT p.uuid, a.id FROM auth_policy p JOIN auth_access a ON (a.id + length(p.name)) % 5 = 0;
INSERT INTO auth_group_policy (group_uuid, policy_uuid)
SELECT md5('group' || i)::uuid, md5('policy' || i)::uuid FROM generate_series(0, :tenants - 1) i;
INSERT INTO auth_user_policy (user_uuid, policy_uuid)
SELECT md5('user' || i)::uuid, md5('policy' || i % :tenants)::uuid FROM generate_series(0, :users - 1, 2) i;
INSERT INTO auth_refresh_token (uuid, client_id, user_uuid, backend, login, user_agent, remote_addr, mobile, metadata)
SELECT md5('refresh' || i)::uuid, 'client', md5('user' || i)::uuid, 'wazo_user', 'user' || i, 'curl', '192.0.2.1', i % 4 = 0,
  '{"from": "before"}'
FROM generate_series(0, :users - 1) i;
INSERT INTO auth_session (uuid, mobile, tenant_uuid)
SELECT md5('session' || i)::uuid, i % 4 = 0, md5('tenant' || (i % :users) % :tenants)::uuid
FROM generate_series(0, :tokens - 1) i;
-- Of eight tokens one has expired.
INSERT INTO auth_token (uuid, auth_id, xivo_uuid, issued_t, expire_t, metadata, session_uuid, user_agent, remote_addr, acl,
                        refresh_token_uuid)
SELECT md5('token' || i)::uuid, md5('user' || i % :users)::uuid, md5('xivo')::uuid, extract(epoch FROM now())::integer - 100,
  extract(epoch FROM now())::integer + CASE WHEN i % 8 = 7 THEN -10 ELSE 86400 END,
  json_build_object('uuid', md5('user' || i % :users)::uuid, 'auth_id', md5('user' || i % :users)::uuid, 'purpose', 'user'),
  md5('session' || i)::uuid, 'curl', '192.0.2.2', l.acl,
  CASE WHEN i % 2 = 0 THEN md5('refresh' || i % :users)::uuid END
FROM generate_series(0, :tokens - 1) i
JOIN (SELECT p.place - 1 AS place, p.acl || ARRAY['set.' || p.place]  AS acl
      FROM (SELECT row_number() OVER () AS place, p.acl
            FROM (SELECT array_agg(a.access ORDER BY a.access) AS acl FROM auth_policy_access pa
                  JOIN auth_access a ON a.id = pa.access_id GROUP BY pa.policy_uuid LIMIT 100) p) p) l
  ON l.place = i % least(100, :tenants * 2);
ANALYZE;
