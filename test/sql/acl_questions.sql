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
-- every way, found the long way round: each user, each of its policies
CREATE TEMP VIEW way_expected AS
SELECT a.access, u.uuid AS user_uuid, up.via, up.group_uuid, up.policy_uuid, d.entry
  FROM asked AS a, wazo_auth.user AS u, wazo_auth.user_policies(u.uuid) AS up, wazo_auth.policy AS p, acl_decide(p.acl, a.access, u.uuid::text, 'my_session') AS d
 WHERE p.uuid = up.policy_uuid AND d.granted AND acl_grants(user_acl(u.uuid), a.access, u.uuid::text, 'my_session');
CREATE FUNCTION pg_temp.differences(OUT users bigint, OUT ways bigint, OUT groups bigint, OUT policies bigint, OUT users_found bigint) LANGUAGE sql AS $$
  WITH way AS MATERIALIZED (SELECT a.access, w.user_uuid, w.via, w.group_uuid, w.policy_uuid, w.entry FROM asked AS a, wazo_auth.who_can(a.access) AS w),
  found AS MATERIALIZED (SELECT a.access, w.kind, w.uuid FROM asked AS a, wazo_auth.what_grants(a.access) AS w),
  users_found AS (SELECT DISTINCT access, user_uuid FROM way),
  users AS (SELECT a.access, u.uuid FROM asked AS a, wazo_auth.user AS u
             WHERE wazo_auth.acl_grants(wazo_auth.user_acl(u.uuid), a.access, u.uuid::text, 'my_session')),
  groups AS (SELECT a.access, 'group' AS kind, g.uuid FROM asked AS a, wazo_auth.group AS g
              WHERE (SELECT wazo_auth.acl_agg(p.acl) FROM wazo_auth.group_policy AS gp JOIN wazo_auth.policy AS p ON p.uuid = gp.policy_uuid WHERE gp.group_uuid = g.uuid)
                    OPERATOR(wazo_auth.@>) a.access),
  policies AS (SELECT a.access, 'policy' AS kind, p.uuid FROM asked AS a, wazo_auth.policy AS p WHERE p.acl OPERATOR(wazo_auth.@>) a.access)
  SELECT (SELECT count(*) FROM ((TABLE users EXCEPT TABLE users_found) UNION ALL (TABLE users_found EXCEPT TABLE users)) AS d),
         (SELECT count(*) FROM ((TABLE pg_temp.way_expected EXCEPT ALL TABLE way) UNION ALL (TABLE way EXCEPT ALL TABLE pg_temp.way_expected)) AS d),
         (SELECT count(*) FROM ((TABLE groups EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found WHERE kind = 'group' EXCEPT TABLE groups)) AS d),
         (SELECT count(*) FROM ((TABLE policies EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found WHERE kind = 'policy' EXCEPT TABLE policies)) AS d),
         (SELECT count(*) FROM users_found) $$;
SELECT users, ways, groups, policies, users_found > 100 AS many_found FROM pg_temp.differences();
-- with a default policy that grants, and then with one that refuses
SELECT create_policy(:'top', 'everybody', '{d,users.me.#}') AS everybody \gset
SELECT count(configure('{"default_user_policy": "everybody"}'));
SELECT users, ways, groups, policies, users_found > 200 AS many_found FROM pg_temp.differences();
SELECT via, count(*) > 0 AS some FROM who_can('d') GROUP BY via ORDER BY via;
UPDATE wazo_auth.policy SET acl = '{d,!a.#}' WHERE uuid = :'everybody';
SELECT users, ways, groups, policies FROM pg_temp.differences();
SELECT count(*) FROM who_can('a.b');

-- only a tenant, and what is below it
SELECT array_agg(DISTINCT tenant_uuid ORDER BY tenant_uuid) FROM who_can('d', pg_temp.id(1, 2));
SELECT array_agg(DISTINCT tenant_uuid ORDER BY tenant_uuid) FROM who_can('d', pg_temp.id(1, 2), false);
SELECT array_agg(DISTINCT tenant_uuid ORDER BY tenant_uuid) FROM who_can('d', tenant => pg_temp.id(1, 3), recurse => true);
SELECT kind, array_agg(DISTINCT tenant_uuid ORDER BY tenant_uuid) FROM what_grants('d', pg_temp.id(1, 2)) GROUP BY kind ORDER BY kind;
SELECT kind, array_agg(DISTINCT tenant_uuid ORDER BY tenant_uuid) FROM what_grants('d', pg_temp.id(1, 2), false) GROUP BY kind ORDER BY kind;
SELECT count(*) FROM who_can('d', pg_temp.id(1, 99));
SELECT count(*) FROM what_grants('d', pg_temp.id(1, 99));
SELECT count(*) FROM who_can(NULL);

-- all of it by index, and nobody forced it: with many policies, one look-up
-- in the index of accesses, one in that of negative entries, no reading of all.
INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, acl)
SELECT pg_temp.id(1, 1), 'many' || i, 'many' || i, acl_of('confd.many.m' || i || '.#', 'confd.many.' || i || '.read') || CASE WHEN i % 100 = 0 THEN acl '{!x.y}' ELSE '{}' END
  FROM generate_series(1, 3000) AS i;
SELECT add_user_policy(pg_temp.id(2, 1), (SELECT uuid FROM wazo_auth.policy WHERE name = 'many77'));
ANALYZE wazo_auth.policy;
CREATE TEMP VIEW scans AS
SELECT pg_stat_get_xact_numscans('wazo_auth.policy_acl_idx'::regclass) AS granting, pg_stat_get_xact_numscans('wazo_auth.policy_negative_idx'::regclass) AS refusing,
       pg_stat_get_xact_numscans('wazo_auth.policy'::regclass) AS reading_all;
CREATE TEMP TABLE scans_before AS TABLE scans;
SELECT user_uuid = pg_temp.id(2, 1) AS found, via, policy_name, entry FROM who_can('confd.many.m77.read');
SELECT s.granting - b.granting AS granting, s.refusing - b.refusing AS refusing, s.reading_all - b.reading_all AS reading_all FROM scans AS s, scans_before AS b;
EXPLAIN (COSTS OFF) SELECT uuid FROM wazo_auth.policy WHERE acl @> 'confd.many.m77.read';
EXPLAIN (COSTS OFF) SELECT uuid FROM wazo_auth.policy WHERE acl_has_negative(acl) AND acl_refuses(acl, 'x.y');
DELETE FROM wazo_auth.policy WHERE name LIKE 'many%';

-- why
INSERT INTO wazo_auth.user (uuid, tenant_uuid, username) VALUES (pg_temp.id(5, 1), pg_temp.id(1, 1), 'alice');
INSERT INTO wazo_auth.policy (uuid, tenant_uuid, name, slug, acl) VALUES
  (pg_temp.id(6, 1), pg_temp.id(1, 1), 'lines', 'lines', '{confd.lines.#,confd.users.me.#}'), (pg_temp.id(6, 2), pg_temp.id(1, 1), 'limits', 'limits', '{!confd.lines.*.delete}'),
  (pg_temp.id(6, 3), pg_temp.id(1, 1), 'own', 'own', '{confd.lines.7.delete,calld.me}');
INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug) VALUES (pg_temp.id(7, 1), pg_temp.id(1, 1), 'operators', 'operators');
SELECT add_group_user(pg_temp.id(7, 1), pg_temp.id(5, 1)), add_group_policy(pg_temp.id(7, 1), pg_temp.id(6, 1)), add_group_policy(pg_temp.id(7, 1), pg_temp.id(6, 2)),
       add_user_policy(pg_temp.id(5, 1), pg_temp.id(6, 3));
SELECT a, e.granted, e.entry, e.via, e.policy_name, e.group_name, e.missing
  FROM unnest(ARRAY['confd.lines.7.read', 'confd.lines.7.delete', 'confd.users.' || pg_temp.id(5, 1) || '.read', 'calld.' || pg_temp.id(5, 1), 'd', 'a.b', 'nothing']) AS a,
       LATERAL explain_access(pg_temp.id(5, 1), a) AS e;
SELECT left(a, 30) AS a, e.entry, e.via, e.policy_name, e.missing
  FROM unnest(ARRAY['confd.line.7.read', 'confd.users.somebody.read', 'confd.users', 'calld.x', 'calld.x.y', 'confd.', '', repeat('a.', 40), repeat('z', 70000)]) AS a, LATERAL explain_access(pg_temp.id(5, 1), a) AS e;
-- the nearest entry: leading segments first, then the fewest edits, then the order
SELECT e.*
  FROM (VALUES ('{confd.lines.*.read}', 'confd.lines.7.delete'), ('{calld.#,confd.lines.*.*.read,confd.lines.8.read}', 'confd.lines.7.read'), ('{a.#.z,a.b.c.y}', 'a.b.c.x'),
               ('{a.b}', 'a.b.c.d'), ('{a.b.c.d}', 'a.b'), ('{a.me.x}', 'a.u2.x'), ('{a.x*z.#}', 'a.xyy.q.r'), ('{a.edit}', 'a.delete'), ('{!a.b.c,x}', 'a.b.c'), ('{!a.b}', 'a.b'), ('{}', 'a'),
               ('{a#.d}', 'ab.c.e'), ('{a.b,a.c}', 'a.d'), ('{a.b}', 'a.b')) AS t(acl, access),
       LATERAL acl_nearest(acl::acl, access, 'u1', 's1') AS e;
-- what is told to be missing is: with it the entry grants
SELECT count(*) AS told, count(*) FILTER (WHERE NOT acl_of(regexp_replace(n.entry, '[^.]*$', regexp_replace(asked.access, '^.*[.]', ''))) @> asked.access) AS wrong
  FROM (SELECT 'confd.' || a || '.' || b || '.' || c AS access FROM unnest(ARRAY['lines', 'users', 'x']) AS a, unnest(ARRAY['7', 'me']) AS b, unnest(ARRAY['read', 'delete']) AS c) AS asked,
       LATERAL acl_nearest('{confd.#.update,confd.lines.*.edit,confd.users.*.create}', asked.access, NULL, NULL) AS n
 WHERE n.missing ~ '^segment 4 is ''[a-z]+'', the entry has ''[a-z]+''$';
-- nothing is missing exactly when an entry matches
SELECT count(*) AS checked, count(*) FILTER (WHERE (n.edits = 0) IS DISTINCT FROM acl_of(e) @> a.access) AS differences
  FROM asked AS a, (SELECT DISTINCT e FROM wazo_auth.policy AS p, unnest(p.acl::text[]) AS e WHERE e NOT LIKE '!%') AS x(e), LATERAL acl_nearest(acl_of(e), a.access, 'me', 'my_session') AS n;
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
SELECT granted, entry, policy_name, missing FROM explain_token_access(pg_temp.id(8, 1), 'confd.users.' || pg_temp.id(5, 2) || '.read') \gx
SELECT granted, entry, policy_name, missing FROM explain_token_access(pg_temp.id(8, 1), 'confd.lines.7.delete');
UPDATE wazo_auth.session SET expires_at = '-infinity' WHERE uuid = pg_temp.id(9, 1);
SAVEPOINT a;
SELECT * FROM explain_token_access(pg_temp.id(8, 1), 'calld.x');
ROLLBACK TO a;

-- what a change would do
-- known are the accesses of the routes, of the daemons, and what people registered
SELECT count(*) AS of_the_daemons FROM wazo_auth.access WHERE shipped;
\set policies `cat "$PG_ABS_SRCDIR"/data/sample_policies.json`
SELECT count(*) AS unknown FROM jsonb_array_elements_text(:'policies'::jsonb -> 'required_access_universe') AS a WHERE a NOT IN (SELECT access FROM wazo_auth.known_access);
SELECT count(*) AS unknown FROM wazo_auth.route WHERE access NOT IN (SELECT access FROM wazo_auth.known_access);
SELECT add_route('GET', '/0.1/mine', 'wazo_auth.rest_status_head', 'status', access => 'mine.{x}.read', summary => 'Mine');
SELECT * FROM wazo_auth.known_access WHERE access = 'mine.{x}.read';
DELETE FROM wazo_auth.route WHERE NOT shipped;
CREATE TEMP TABLE shipped_access AS SELECT * FROM wazo_auth.access;
-- what follows is small
DELETE FROM wazo_auth.access;
DELETE FROM wazo_auth.route;
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

-- all of them, for the policy of everybody
INSERT INTO wazo_auth.access TABLE shipped_access;
SELECT pg_temp.check_impact(:'everybody', '{confd.#,!a.#}') AS differences;
SELECT change, count(DISTINCT user_uuid) = (SELECT count(*) FROM wazo_auth.user) AS everybody FROM policy_impact(:'everybody', '{confd.#,!a.#}') WHERE access LIKE 'confd.%' GROUP BY change;

-- who may ask
SET ROLE wazo_auth_admin;
SELECT count(*) > 0 AS answered FROM wazo_auth.who_can('d');
SELECT count(*) > 0 AS answered FROM wazo_auth.what_grants('d');
SELECT count(*) > 800 AS answered FROM wazo_auth.known_access;
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
