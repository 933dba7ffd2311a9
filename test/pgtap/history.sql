-- Random histories of tenants, users, groups, policies, settings and sessions. After each step an oracle writes down what
-- explain_access() says at that time, and what user_acl() is made of; at the end explain_access(…, at) is to say the same of
-- each time, without having seen it. HISTORIES of them (60); HISTORY_SEED makes others. `make history` runs 10,000.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = error;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
\set histories ''
\getenv histories HISTORIES
\set seed ''
\getenv seed HISTORY_SEED
SELECT COALESCE(NULLIF(:'seed', ''), '0')::integer AS seed, COALESCE(NULLIF(:'histories', ''), '60')::integer AS histories \gset
SELECT no_plan();

CREATE TEMP TABLE thing (kind text, uuid uuid, token uuid, owner uuid, login text[]);
CREATE TEMP TABLE told (step integer, at timestamptz, of_user uuid, session uuid, access text, answer text);
CREATE FUNCTION pg_temp.pick(of_kind text) RETURNS uuid LANGUAGE sql AS $$ SELECT t.uuid FROM thing t WHERE t.kind = of_kind ORDER BY random() LIMIT 1 $$;
CREATE FUNCTION pg_temp.some_acl() RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT e FROM unnest('{a.b,a.*,a.#,!a.b,!a.c.*,a.c.d,b.me,b.*.x,c.my_session,d,!d,e.edit}'::text[]) e ORDER BY random() LIMIT (random() * 5)::integer)
$$;
-- What is said of an access: now, or at a time; with all accesses of the user, as they follow one another.
CREATE FUNCTION pg_temp.answer(of_user uuid, access text, session uuid, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT e::text FROM wazo_auth.explain_access(of_user, access, session, at) e)
    || CASE WHEN session IS NULL AND access = 'd' THEN wazo_auth.acl_digest(CASE WHEN at IS NULL THEN wazo_auth.user_acl(of_user)
         ELSE (SELECT COALESCE(wazo_auth.acl_agg(w.acl ORDER BY w.place), '{}') FROM wazo_auth.user_ways_at(of_user, 'wazo_user', at) w) END)::text ELSE '' END;
EXCEPTION WHEN SQLSTATE 'WA404' THEN
  RETURN 'unknown';
WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- Names are few, so that they pass from one to another.
CREATE FUNCTION pg_temp.some_name() RETURNS text LANGUAGE sql AS $$ SELECT 'name-' || (random() * 4)::integer $$;
CREATE FUNCTION pg_temp.rest(method text, target text, body text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.http(method, '/0.1/' || target, ARRAY['X-Auth-Token', (SELECT t.token::text FROM thing t WHERE t.kind = 'administrator')], convert_to(COALESCE(body, ''), 'UTF8'), '');
END $$;
CREATE FUNCTION pg_temp.login(of_user uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_token uuid;
  v_backend text := (ARRAY['wazo_user', 'ldap_user'])[1 + (random() < 0.3)::integer];
BEGIN
  SELECT wazo_auth.open_session(u, 3600, wazo_auth.user_acl(u.uuid, v_backend), '{}', false, NULL, '', '') INTO v_token FROM wazo_auth.user u WHERE u.uuid = of_user AND u.enabled;
  INSERT INTO thing (kind, uuid, token, owner, login)
  SELECT 'session', s.uuid, v_token, of_user,
         ARRAY(SELECT e::text FROM unnest(pg_temp.probes(of_user)) a, wazo_auth.explain_token_access(v_token, a) e)
  FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(v_token) AND v_backend = 'wazo_user'
  -- of another backend only whether it grants: explain_token_access() tells of the policies of the usual one
  UNION ALL
  SELECT 'other session', s.uuid, v_token, of_user, ARRAY(SELECT e.granted::text FROM unnest(pg_temp.probes(of_user)) a, wazo_auth.explain_token_access(v_token, a) e)
  FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(v_token) AND v_backend <> 'wazo_user';
END $$;
CREATE FUNCTION pg_temp.probes(of_user uuid) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY['a.b', 'a.c.d', 'b.' || of_user || '.x', 'd'] $$;

-- What may happen; much of it is refused, and that changes nothing.
CREATE TEMP TABLE deed (statement text);
INSERT INTO deed VALUES
  ($$WITH n AS (SELECT wazo_auth.create_user(pg_temp.pick('tenant'), enabled => random() < 0.8) AS uuid) INSERT INTO thing (kind, uuid) SELECT 'user', n.uuid FROM n$$),
  ($$WITH n AS (SELECT wazo_auth.create_group(pg_temp.pick('tenant'), pg_temp.some_name()) AS uuid) INSERT INTO thing (kind, uuid) SELECT 'group', n.uuid FROM n$$),
  ($$WITH n AS (SELECT wazo_auth.create_policy(pg_temp.pick('tenant'), pg_temp.some_name(), pg_temp.some_acl()::wazo_auth.acl, shared => random() < 0.3) AS uuid) INSERT INTO thing (kind, uuid) SELECT 'policy', n.uuid FROM n$$),
  ($$WITH n AS (SELECT wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), pg_temp.some_name(), pg_temp.some_acl()::wazo_auth.acl, shared => random() < 0.3) AS uuid) INSERT INTO thing (kind, uuid) SELECT 'policy', n.uuid FROM n$$),
  ($$WITH n AS (SELECT wazo_auth.create_tenant(pg_temp.pick('tenant')) AS uuid) INSERT INTO thing (kind, uuid) SELECT 'tenant', n.uuid FROM n$$),
  ($$SELECT wazo_auth.delete_user(pg_temp.pick('user'))$$),
  ($$SELECT wazo_auth.delete_group(pg_temp.pick('group'))$$),
  ($$SELECT wazo_auth.delete_policy(pg_temp.pick('policy'))$$),
  ($$SELECT wazo_auth.delete_tenant(pg_temp.pick('tenant'))$$),
  ($$SELECT wazo_auth.move_tenant(t.uuid, o.uuid) FROM wazo_auth.tenant t, wazo_auth.tenant o WHERE t.uuid = pg_temp.pick('tenant') AND t.uuid <> ALL (o.path) ORDER BY random() LIMIT 1$$),
  ($$SELECT wazo_auth.update_user(pg_temp.pick('user'), firstname => pg_temp.some_name(), enabled => random() < 0.6)$$),
  ($$UPDATE wazo_auth.user SET enabled = NOT enabled WHERE uuid = pg_temp.pick('user')$$),
  ($$SELECT wazo_auth.update_group(pg_temp.pick('group'), pg_temp.some_name())$$),
  ($$SELECT wazo_auth.update_policy(pg_temp.pick('policy'), pg_temp.some_name(), pg_temp.some_acl()::wazo_auth.acl)$$),
  ($$SELECT wazo_auth.add_policy_access(pg_temp.pick('policy'), 'a.' || pg_temp.some_name())$$),
  ($$SELECT wazo_auth.add_policy_access(pg_temp.pick('policy'), (pg_temp.some_acl())[1])$$),
  ($$SELECT wazo_auth.remove_policy_access(p.uuid, (p.acl::text[])[1 + (random() * 2)::integer]) FROM wazo_auth.policy p WHERE p.uuid = pg_temp.pick('policy')$$),
  ($$UPDATE wazo_auth.policy p SET acl = ARRAY(SELECT e FROM unnest(p.acl::text[] || p.acl::text[]) e ORDER BY random() LIMIT 6)::wazo_auth.acl WHERE p.uuid = pg_temp.pick('policy')$$),
  ($$UPDATE wazo_auth.policy SET slug = pg_temp.some_name() WHERE uuid = pg_temp.pick('policy')$$),
  ($$UPDATE wazo_auth.group SET slug = pg_temp.some_name() WHERE uuid = pg_temp.pick('group')$$),
  ($$UPDATE wazo_auth.policy p SET tenant_uuid = pg_temp.pick('tenant'), name = pg_temp.some_name() WHERE p.uuid = pg_temp.pick('policy')$$),
  ($$SELECT wazo_auth.add_group_user(pg_temp.pick('group'), pg_temp.pick('user'))$$),
  ($$INSERT INTO wazo_auth.group_user (group_uuid, user_uuid) VALUES (pg_temp.pick('group'), pg_temp.pick('user')) ON CONFLICT DO NOTHING$$),
  ($$SELECT wazo_auth.remove_group_user(gu.group_uuid, gu.user_uuid) FROM wazo_auth.group_user gu WHERE gu.user_uuid = pg_temp.pick('user')$$),
  ($$SELECT wazo_auth.add_group_policy(pg_temp.pick('group'), pg_temp.pick('policy'))$$),
  ($$SELECT wazo_auth.add_group_policy(g.uuid, pg_temp.pick('policy')) FROM wazo_auth.group g WHERE g.uuid = pg_temp.pick('group') OR g.system_managed$$),
  ($$SELECT wazo_auth.remove_group_policy(gp.group_uuid, gp.policy_uuid) FROM wazo_auth.group_policy gp WHERE gp.group_uuid = pg_temp.pick('group')$$),
  ($$SELECT wazo_auth.add_user_policy(pg_temp.pick('user'), pg_temp.pick('policy'))$$),
  ($$SELECT wazo_auth.add_user_policy(pg_temp.pick('user'), pg_temp.pick('policy'))$$),
  ($$SELECT wazo_auth.remove_user_policy(up.user_uuid, up.policy_uuid) FROM wazo_auth.user_policy up WHERE up.user_uuid = pg_temp.pick('user')$$),
  ($$UPDATE wazo_auth.user_policy SET user_uuid = pg_temp.pick('user') WHERE user_uuid = pg_temp.pick('user')$$),
  ($$UPDATE wazo_auth.group_user SET group_uuid = pg_temp.pick('group') WHERE user_uuid = pg_temp.pick('user')$$),
  ($$UPDATE wazo_auth.group_policy SET policy_uuid = pg_temp.pick('policy') WHERE policy_uuid = pg_temp.pick('policy')$$),
  ($$DELETE FROM wazo_auth.user_policy WHERE policy_uuid = pg_temp.pick('policy')$$),
  ($$INSERT INTO wazo_auth.user_policy SELECT t.uuid, pg_temp.pick('policy') FROM thing t WHERE t.kind = 'user' AND EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = t.uuid) ON CONFLICT DO NOTHING$$),
  ($$TRUNCATE wazo_auth.user_policy$$),
  ($$SELECT wazo_auth.configure(jsonb_build_object('default_user_policy', CASE WHEN random() < 0.8 THEN pg_temp.some_name() END))$$),
  ($$SELECT wazo_auth.configure(jsonb_build_object('backend_policies', CASE WHEN random() < 0.6 THEN jsonb_build_object((ARRAY['wazo_user', 'ldap_user'])[1 + (random() * 1)::integer], pg_temp.some_name()) END))$$),
  ($$SELECT wazo_auth.configure(jsonb_build_object('default_user_policy', (SELECT p.name FROM wazo_auth.policy p WHERE p.tenant_uuid = wazo_auth.top_tenant_uuid() AND p.name LIKE 'name-%' ORDER BY random() LIMIT 1)))$$),
  ($$UPDATE wazo_auth.policy SET name = pg_temp.some_name() WHERE uuid = (SELECT p.uuid FROM wazo_auth.policy p WHERE p.tenant_uuid = wazo_auth.top_tenant_uuid() AND p.name LIKE 'name-%' ORDER BY random() LIMIT 1)$$),
  ($$UPDATE wazo_auth.setting SET value = to_jsonb(pg_temp.some_name()) WHERE name = 'default_user_policy'$$),
  ($$SELECT wazo_auth.apply_configuration(jsonb_build_object('default_policies', jsonb_build_object(pg_temp.some_name(), jsonb_build_object('acl', pg_temp.some_acl()), pg_temp.some_name(), jsonb_build_object('acl', pg_temp.some_acl())),
      'all_users_policies', jsonb_build_object(pg_temp.some_name(), true), 'tenant_default_groups', jsonb_build_object('staff', jsonb_build_object('policies', jsonb_build_object(pg_temp.some_name(), random() < 0.6)))))$$),
  ($$SELECT pg_temp.rest('PUT', format('policies/%s', pg_temp.pick('policy')), json_build_object('name', pg_temp.some_name(), 'acl', pg_temp.some_acl())::text)$$),
  ($$SELECT pg_temp.rest(CASE WHEN random() < 0.7 THEN 'PUT' ELSE 'DELETE' END, format('users/%s/policies/%s', pg_temp.pick('user'), pg_temp.pick('policy')))$$),
  ($$SELECT pg_temp.rest(CASE WHEN random() < 0.7 THEN 'PUT' ELSE 'DELETE' END, format('groups/%s/users/%s', pg_temp.pick('group'), pg_temp.pick('user')))$$),
  ($$SELECT pg_temp.rest(CASE WHEN random() < 0.7 THEN 'PUT' ELSE 'DELETE' END, format('groups/%s/policies/%s', pg_temp.pick('group'), pg_temp.pick('policy')))$$),
  ($$SELECT pg_temp.rest('PUT', format('users/%s', pg_temp.pick('user')), json_build_object('enabled', random() < 0.6)::text)$$),
  ($$SELECT pg_temp.rest('DELETE', format('%s/%s', k, pg_temp.pick(rtrim(k, 's')))) FROM unnest(ARRAY['users', 'groups']) k ORDER BY random() LIMIT 1$$),
  ($$SELECT pg_temp.login(pg_temp.pick('user'))$$),
  ($$SELECT pg_temp.login(u.uuid) FROM wazo_auth.user u JOIN thing t USING (uuid) WHERE t.kind = 'user'$$),
  ($$SELECT pg_temp.login(pg_temp.pick('user'))$$),
  ($$SELECT wazo_auth.token_delete(t.token) FROM thing t WHERE t.uuid = pg_temp.pick('session')$$),
  ($$SELECT wazo_auth.token_delete(t.token) FROM thing t WHERE t.kind LIKE '%session'$$);

CREATE FUNCTION pg_temp.step(number integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_deed text := (SELECT d.statement FROM deed d ORDER BY random() LIMIT 1);
  v_at timestamptz;
BEGIN
  BEGIN
    EXECUTE v_deed;
  EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE !~ '^(WA4|23|22004|55006)' THEN
      RAISE;
    END IF;
    v_deed := NULL;
  END;
  v_at := clock_timestamp();
  INSERT INTO told
  SELECT number, v_at, t.uuid, NULL, a, pg_temp.answer(t.uuid, a, NULL, NULL)
  FROM thing t, unnest(pg_temp.probes(t.uuid)) a WHERE t.kind = 'user' AND random() < 0.5;
  -- A session keeps what it had when it began, as long as it is there.
  INSERT INTO told
  SELECT number, v_at, t.owner, t.uuid, a.access, CASE WHEN EXISTS (SELECT FROM wazo_auth.session s WHERE s.uuid = t.uuid) THEN t.login[a.nth] ELSE 'unknown' END
  FROM thing t, unnest(pg_temp.probes(t.owner)) WITH ORDINALITY a (access, nth) WHERE t.kind LIKE '%session' AND random() < 0.5;
  RETURN v_deed;
END $$;

CREATE FUNCTION pg_temp.history(number integer, OUT asked integer, OUT steps integer, OUT differences text, OUT deeds text[]) LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM setseed((number % 1000000) / 1000000.0);
    steps := 4 + (random() * 16)::integer;
    INSERT INTO thing (kind, uuid) SELECT 'tenant', wazo_auth.create_tenant(wazo_auth.top_tenant_uuid());
    INSERT INTO thing (kind, uuid) SELECT 'user', wazo_auth.create_user(pg_temp.pick('tenant')) FROM generate_series(1, 2);
    INSERT INTO thing (kind, uuid) SELECT 'group', wazo_auth.create_group(pg_temp.pick('tenant'), 'group ' || i) FROM generate_series(1, 2) i;
    INSERT INTO thing (kind, uuid) SELECT 'policy', wazo_auth.create_policy(CASE WHEN i = 1 THEN wazo_auth.top_tenant_uuid() ELSE pg_temp.pick('tenant') END, 'name-' || i, pg_temp.some_acl()::wazo_auth.acl) FROM generate_series(1, 3) i;
    PERFORM wazo_auth.configure('{"default_user_policy": "name-1"}') WHERE random() < 0.5;
    INSERT INTO wazo_auth.group_user SELECT g.uuid, u.uuid FROM thing g, thing u WHERE g.kind = 'group' AND u.kind = 'user' AND random() < 0.5;
    INSERT INTO wazo_auth.group_policy SELECT g.uuid, p.uuid FROM thing g, thing p WHERE g.kind = 'group' AND p.kind = 'policy' AND random() < 0.5;
    deeds := ARRAY(SELECT pg_temp.step(i) FROM generate_series(1, steps) i);
    -- Sets of accesses that nobody has any more go.
    IF random() < 0.8 THEN
      DELETE FROM wazo_auth.acl_set a WHERE NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.acl_digest = a.digest);
    END IF;
    SELECT count(*), string_agg(format('history %s step %s %s %s: was %s, is told as %s', number, t.step, t.of_user, t.access, t.answer, p.answer), E'\n')
      FILTER (WHERE CASE WHEN t.answer IN ('true', 'false') THEN p.answer NOT LIKE format('(%s,%%', left(t.answer, 1)) ELSE p.answer IS DISTINCT FROM t.answer END)
    INTO asked, differences
    FROM told t CROSS JOIN LATERAL pg_temp.answer(t.of_user, t.access, t.session, t.at) p (answer);
    RAISE SQLSTATE 'ZZZZZ';
  EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
    NULL;
  END;
END $$;

INSERT INTO thing (kind, token) VALUES ('administrator', :'top_token');
CREATE TEMP TABLE result AS
SELECT h.* FROM generate_series(:seed + 1, :seed + :histories) n, pg_temp.history(n) h;
SELECT is((SELECT string_agg(left(r.differences, 2000), E'\n') FROM (SELECT r.differences FROM result r WHERE r.differences IS NOT NULL LIMIT 5) r), NULL, 'the past is told as it was');
SELECT cmp_ok((SELECT sum(r.asked) FROM result r), '>', (SELECT 30 * count(*) FROM result r), 'often enough');
SELECT is_empty($$SELECT d.statement FROM deed d EXCEPT SELECT unnest(r.deeds) FROM result r$$, 'and everything has happened') WHERE :histories >= 200;
SELECT diag(format('%s histories, %s steps, %s answers', count(*), sum(r.steps), sum(r.asked))) FROM result r;
SELECT * FROM finish();
ROLLBACK;
