-- Who may do what, and why: the same answers as asking everybody one by one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
SET search_path = public, wazo_auth;
\set SHOW_CONTEXT never
BEGIN;
SELECT bootstrap() AS top \gset
-- ids are fixed, so that the output is; three tenants, one below another
CREATE FUNCTION pg_temp.id(kind int, n int) RETURNS uuid LANGUAGE sql AS
$$ SELECT (lpad(kind::text, 8, '0') || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
SELECT count(create_tenant(CASE i WHEN 3 THEN pg_temp.id(1, 2) ELSE :'top' END, 'tenant ' || i, 't' || i, pg_temp.id(1, i))) FROM generate_series(1, 3) AS i;
INSERT INTO wazo_auth.user (uuid, tenant_uuid, username)
SELECT pg_temp.id(2, i), pg_temp.id(1, 1 + i % 3), 'user' || i FROM generate_series(1, 60) AS i;
INSERT INTO wazo_auth.policy (uuid, tenant_uuid, name, slug, acl)
SELECT pg_temp.id(3, i), pg_temp.id(1, 1 + i % 3), 'policy' || i, 'policy' || i,
       (ARRAY(SELECT (ARRAY['a.b', 'a.#', 'a.*', 'a.me', 'users.me.#', 'b.edit', '!a.c', '!users.me.x', 'c.*.read', '!c.#.read', 'd', '!b.update',
                            'users.' || pg_temp.id(2, 7) || '.y', '!users.' || pg_temp.id(2, 8) || '.*', 's.my_session'])[1 + (hashint4(i * 20 + k) & 1023) % 15]
                FROM generate_series(1, 1 + (hashint4(i) & 3)) AS k))::acl
  FROM generate_series(1, 30) AS i;
INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug)
SELECT pg_temp.id(4, i), pg_temp.id(1, 1 + i % 3), 'group' || i, 'group' || i FROM generate_series(1, 9) AS i;
INSERT INTO wazo_auth.group_user
SELECT pg_temp.id(4, g), pg_temp.id(2, u) FROM generate_series(1, 9) AS g, generate_series(1, 60) AS u WHERE hashint4(g * 100 + u) & 7 = 0;
INSERT INTO wazo_auth.group_policy
SELECT pg_temp.id(4, g), pg_temp.id(3, p) FROM generate_series(1, 9) AS g, generate_series(1, 30) AS p WHERE hashint4(g * 100 + p + 7) & 15 = 0;
INSERT INTO wazo_auth.user_policy
SELECT pg_temp.id(2, u), pg_temp.id(3, p) FROM generate_series(1, 60) AS u, generate_series(1, 30) AS p WHERE hashint4(u * 100 + p + 9) & 31 = 0;

CREATE TEMP TABLE asked AS
SELECT access FROM unnest(ARRAY['a.b', 'a.c', 'a.me', 'a.*', 'a.#', 'b.update', 'b.edit', 'c.x.read', 'd', '', 'users.me.x', 'users.me.z', 's.my_session', 'nothing',
  'users.' || pg_temp.id(2, 7) || '.x', 'users.' || pg_temp.id(2, 7) || '.y', 'users.' || pg_temp.id(2, 8) || '.z', 'a.' || pg_temp.id(2, 9),
  'users.' || pg_temp.id(2, 999) || '.y']) AS access;
CREATE FUNCTION pg_temp.differences(OUT users bigint, OUT groups bigint, OUT policies bigint, OUT users_found bigint) LANGUAGE sql AS $$
  WITH found AS MATERIALIZED (SELECT a.access, w.kind, w.uuid FROM asked AS a, wazo_auth.who_can(a.access) AS w),
  users AS (SELECT a.access, 'user' AS kind, u.uuid FROM asked AS a, wazo_auth.user AS u
             WHERE wazo_auth.acl_grants(wazo_auth.user_acl(u.uuid), a.access, u.uuid::text, NULL)),
  groups AS (SELECT a.access, 'group' AS kind, g.uuid FROM asked AS a, wazo_auth.group AS g
              WHERE (SELECT wazo_auth.acl_agg(p.acl) FROM wazo_auth.group_policy AS gp JOIN wazo_auth.policy AS p ON p.uuid = gp.policy_uuid WHERE gp.group_uuid = g.uuid)
                    OPERATOR(wazo_auth.@>) a.access),
  policies AS (SELECT a.access, 'policy' AS kind, p.uuid FROM asked AS a, wazo_auth.policy AS p WHERE p.acl OPERATOR(wazo_auth.@>) a.access)
  SELECT (SELECT count(*) FROM ((TABLE users EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found WHERE kind = 'user' EXCEPT TABLE users)) AS d),
         (SELECT count(*) FROM ((TABLE groups EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found WHERE kind = 'group' EXCEPT TABLE groups)) AS d),
         (SELECT count(*) FROM ((TABLE policies EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found WHERE kind = 'policy' EXCEPT TABLE policies)) AS d),
         (SELECT count(*) FROM found WHERE kind = 'user') $$;
SELECT users, groups, policies, users_found > 100 AS many_found FROM pg_temp.differences();
-- with a default policy that grants, and then with one that refuses
SELECT create_policy(:'top', 'everybody', '{d,users.me.#}') AS everybody \gset
SELECT count(configure('{"default_user_policy": "everybody"}'));
SELECT users, groups, policies, users_found > 200 AS many_found FROM pg_temp.differences();
SELECT kind, count(*) FROM who_can('d') WHERE in_tenant <> :'top' GROUP BY kind ORDER BY kind;
UPDATE wazo_auth.policy SET acl = '{d,!a.#}' WHERE uuid = :'everybody';
SELECT users, groups, policies FROM pg_temp.differences();
SELECT count(*) FROM who_can('a.b') WHERE kind = 'user';

-- only a tenant and what is below it
SELECT kind, array_agg(DISTINCT in_tenant ORDER BY in_tenant) FROM who_can('d', pg_temp.id(1, 2)) GROUP BY kind ORDER BY kind;
SELECT count(*) FROM who_can('d', pg_temp.id(1, 99));

-- why
INSERT INTO wazo_auth.user (uuid, tenant_uuid, username) VALUES (pg_temp.id(5, 1), pg_temp.id(1, 1), 'alice');
INSERT INTO wazo_auth.policy (uuid, tenant_uuid, name, slug, acl) VALUES
  (pg_temp.id(6, 1), pg_temp.id(1, 1), 'lines', 'lines', '{confd.lines.#,confd.users.me.#}'), (pg_temp.id(6, 2), pg_temp.id(1, 1), 'limits', 'limits', '{!confd.lines.*.delete}'),
  (pg_temp.id(6, 3), pg_temp.id(1, 1), 'own', 'own', '{confd.lines.7.delete,calld.me}');
INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug) VALUES (pg_temp.id(7, 1), pg_temp.id(1, 1), 'operators', 'operators');
SELECT add_group_user(pg_temp.id(7, 1), pg_temp.id(5, 1)), add_group_policy(pg_temp.id(7, 1), pg_temp.id(6, 1)), add_group_policy(pg_temp.id(7, 1), pg_temp.id(6, 2)),
       add_user_policy(pg_temp.id(5, 1), pg_temp.id(6, 3));
SELECT a, e.granted, e.entry, e.via, e.policy_name, e.group_name
  FROM unnest(ARRAY['confd.lines.7.read', 'confd.lines.7.delete', 'confd.users.' || pg_temp.id(5, 1) || '.read', 'calld.' || pg_temp.id(5, 1), 'd', 'a.b', 'nothing']) AS a,
       LATERAL explain_access(pg_temp.id(5, 1), a) AS e;
-- the decision is that of user_acl
SELECT count(*) AS differences FROM asked AS a, wazo_auth.user AS u
 WHERE (SELECT granted FROM explain_access(u.uuid, a.access)) <> acl_grants(user_acl(u.uuid), a.access, u.uuid::text, NULL);
SELECT place, via, p.name FROM user_policies(pg_temp.id(5, 1)) AS up JOIN wazo_auth.policy AS p ON p.uuid = up.policy_uuid ORDER BY place;
SELECT user_acl(pg_temp.id(5, 1));
SAVEPOINT a;
SELECT explain_access(pg_temp.id(5, 99), 'a');
ROLLBACK TO a;
SELECT explain_token_access(pg_temp.id(5, 99), 'a');
ROLLBACK TO a;
SELECT policy_impact(pg_temp.id(5, 99), '{a}');
ROLLBACK TO a;

-- a token keeps the ACL of its login
INSERT INTO wazo_auth.session (token_digest, uuid, tenant_uuid, acl_digest, expires_at, user_uuid)
VALUES (token_digest(pg_temp.id(8, 1)), pg_temp.id(9, 1), pg_temp.id(1, 1), store_acl(user_acl(pg_temp.id(5, 1)) || '{s.my_session}'), 'infinity', pg_temp.id(5, 1));
SELECT * FROM explain_token_access(pg_temp.id(8, 1), 'calld.' || pg_temp.id(5, 1));
SELECT granted, entry, via FROM explain_token_access(pg_temp.id(8, 1), 's.' || pg_temp.id(9, 1));
UPDATE wazo_auth.policy SET acl = '{}' WHERE uuid = pg_temp.id(6, 3);
SELECT granted, entry, policy_name FROM explain_token_access(pg_temp.id(8, 1), 'calld.' || pg_temp.id(5, 1));
SELECT granted FROM explain_access(pg_temp.id(5, 1), 'calld.' || pg_temp.id(5, 1));
UPDATE wazo_auth.session SET expires_at = '-infinity' WHERE uuid = pg_temp.id(9, 1);
SAVEPOINT a;
SELECT * FROM explain_token_access(pg_temp.id(8, 1), 'calld.x');
ROLLBACK TO a;

-- what a change would do
INSERT INTO wazo_auth.access (access) VALUES ('confd.lines.{line_id}.read'), ('confd.lines.{line_id}.delete'), ('confd.users.{user_uuid}.read'), ('c.x.read'), ('b.update');
SELECT username, change, access FROM policy_impact(pg_temp.id(6, 1), '{confd.lines.*.read,confd.users.#,!nothing}');
SELECT username, change, access FROM policy_impact(pg_temp.id(6, 2), '{}');
SELECT count(*) FROM policy_impact(pg_temp.id(6, 1), (SELECT acl FROM wazo_auth.policy WHERE uuid = pg_temp.id(6, 1)));
-- the same as making the change and asking everybody before and after
CREATE FUNCTION pg_temp.check_impact(in_policy uuid, in_acl acl) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE wrong bigint; old_acl wazo_auth.acl := (SELECT acl FROM wazo_auth.policy WHERE uuid = in_policy);
BEGIN
  CREATE TEMP TABLE told AS SELECT i.user_uuid, i.change, i.access FROM wazo_auth.policy_impact(in_policy, in_acl) AS i;
  CREATE TEMP TABLE probe AS SELECT a.access FROM wazo_auth.access AS a UNION SELECT regexp_replace(e, '^!', '') FROM unnest(old_acl::text[] || in_acl::text[]) AS e;
  CREATE TEMP TABLE before AS WITH holder AS MATERIALIZED (SELECT u.uuid, wazo_auth.user_acl(u.uuid) AS acl FROM wazo_auth.user AS u)
    SELECT h.uuid, p.access, h.acl OPERATOR(wazo_auth.@>) p.access AS granted FROM holder AS h, probe AS p;
  UPDATE wazo_auth.policy SET acl = in_acl WHERE uuid = in_policy;
  CREATE TEMP TABLE really AS
    WITH holder AS MATERIALIZED (SELECT u.uuid, wazo_auth.user_acl(u.uuid) AS acl FROM wazo_auth.user AS u)
    SELECT b.uuid, CASE WHEN b.granted THEN 'loses' ELSE 'gains' END, b.access FROM before AS b JOIN holder AS h USING (uuid) WHERE b.granted <> (h.acl OPERATOR(wazo_auth.@>) b.access);
  UPDATE wazo_auth.policy SET acl = old_acl WHERE uuid = in_policy;
  DELETE FROM told WHERE access NOT IN (SELECT p.access FROM probe AS p);
  SELECT count(*) INTO wrong FROM ((TABLE told EXCEPT TABLE really) UNION ALL (TABLE really EXCEPT TABLE told)) AS d;
  DROP TABLE told, probe, before, really;
  RETURN wrong;
END $$;
SELECT sum(pg_temp.check_impact(pg_temp.id(3, p), n.acl)) AS differences
  FROM generate_series(1, 30, 3) AS p, (VALUES ('{}'::acl), ('{a.#,!c.#}'), ('{!a.b,b.edit,users.me.#}'), ('{#}')) AS n(acl);
SELECT pg_temp.check_impact(:'everybody', '{a.#}') AS differences;

-- who may ask
SET ROLE wazo_auth_admin;
SELECT count(*) > 0 AS answered FROM wazo_auth.who_can('d');
SELECT ARRAY['a.#']::wazo_auth.acl OPERATOR(wazo_auth.@>) 'a.b' AS t, wazo_auth.acl_of('a') OPERATOR(wazo_auth.||) '{b}' AS joined;
SET ROLE wazo_auth_service;
SELECT wazo_auth.acl_grants('{a.me}', 'a.u', 'u', NULL) AS t;
SAVEPOINT a;
SELECT wazo_auth.who_can('d');
ROLLBACK TO a;
SELECT wazo_auth.explain_token_access(NULL, 'd');
ROLLBACK TO a;
SET ROLE wazo_auth_front;
SELECT wazo_auth.policy_impact(NULL, '{}');
ROLLBACK TO a;
RESET ROLE;
ROLLBACK;
