-- Questions about who may do what, and why. They look at policies as they are
-- now; a token keeps the ACL of its login (see explain_token_access).

CREATE OR REPLACE FUNCTION wazo_auth.user_policies(user_uuid uuid, backend text DEFAULT 'wazo_user',
  OUT place bigint, OUT via text, OUT group_uuid uuid, OUT policy_uuid uuid)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT row_number() OVER (ORDER BY part.kind, part.name, part.policy_uuid),
         CASE part.kind WHEN 1 THEN 'default' WHEN 2 THEN 'group' ELSE 'direct' END,
         part.group_uuid, part.policy_uuid
  FROM (
    SELECT 1 AS kind, NULL::text AS name, NULL::uuid AS group_uuid, p.uuid AS policy_uuid
    FROM wazo_auth.policy p
    WHERE p.tenant_uuid = wazo_auth.top_tenant_uuid()
      AND p.name = COALESCE(wazo_auth.get_setting('backend_policies') ->> user_policies.backend,
                            wazo_auth.get_setting('default_user_policy') #>> '{}')
    UNION ALL
    SELECT 2, g.slug || '/' || p.slug, g.uuid, p.uuid
    FROM wazo_auth.group_user gu
    JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
    JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
    JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
    WHERE gu.user_uuid = user_policies.user_uuid
    UNION ALL
    SELECT 3, p.slug, NULL, p.uuid
    FROM wazo_auth.user_policy up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    WHERE up.user_uuid = user_policies.user_uuid
  ) part
  ORDER BY 1;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_policies(uuid, text) IS
'The policies that make up wazo_auth.user_acl(user, backend), in its order: how the user comes by each (default, '
'group or direct), and the group.';

-- An access is no secret, and which index serves depends on how many grant it: the plan may know its value.
CREATE OR REPLACE FUNCTION wazo_auth.who_can(access text, tenant uuid DEFAULT NULL, recurse boolean DEFAULT true,
  OUT user_uuid uuid, OUT username text, OUT tenant_uuid uuid,
  OUT via text, OUT group_uuid uuid, OUT group_name text, OUT policy_uuid uuid, OUT policy_name text, OUT entry text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = auto AS $$
#variable_conflict use_column
DECLARE
  -- operators are not found on this search_path without their schema
  v_granting uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p WHERE p.acl OPERATOR(wazo_auth.@>) who_can.access);
  v_refusing uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
                             WHERE wazo_auth.acl_has_negative(p.acl) AND wazo_auth.acl_refuses(p.acl, who_can.access));
  v_default uuid := (SELECT up.policy_uuid FROM wazo_auth.user_policies(NULL) up WHERE up.via = 'default');
  -- Users that the access names: "me" may stand for them. Each is asked by
  -- itself; for everybody else "me" is only itself.
  v_named uuid[] := ARRAY(
    SELECT u.uuid
    FROM string_to_table(who_can.access, '.') s(word)
    JOIN wazo_auth.user u ON u.uuid = wazo_auth.try_uuid(s.word)
    GROUP BY u.uuid);
BEGIN
  recurse := COALESCE(recurse, true);
  RETURN QUERY
  WITH granting AS MATERIALIZED (
    SELECT p.uuid, p.name, p.slug, d.entry
    FROM wazo_auth.policy p
    CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, who_can.access, 'me', 'my_session') d
    WHERE p.uuid = ANY (v_granting)
  ), way AS (
    SELECT up.user_uuid, 3 AS place, NULL::uuid AS group_uuid, g.*
    FROM granting g
    JOIN wazo_auth.user_policy up ON up.policy_uuid = g.uuid
    UNION ALL
    SELECT gu.user_uuid, 2, gp.group_uuid, g.*
    FROM granting g
    JOIN wazo_auth.group_policy gp ON gp.policy_uuid = g.uuid
    JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
    UNION ALL
    SELECT u.uuid, 1, NULL, g.*
    FROM granting g
    CROSS JOIN wazo_auth.user u
    WHERE g.uuid = v_default
  ), granted AS (
    SELECT w.*
    FROM way w
    WHERE NOT COALESCE(v_default = ANY (v_refusing), false)
      AND NOT EXISTS (
        SELECT FROM wazo_auth.user_policy up
        WHERE up.user_uuid = w.user_uuid AND up.policy_uuid = ANY (v_refusing))
      AND NOT EXISTS (
        SELECT FROM wazo_auth.group_policy gp
        JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
        WHERE gu.user_uuid = w.user_uuid AND gp.policy_uuid = ANY (v_refusing))
      AND w.user_uuid <> ALL (v_named)
    UNION ALL
    SELECT n.uuid, CASE up.via WHEN 'default' THEN 1 WHEN 'group' THEN 2 ELSE 3 END, up.group_uuid,
           p.uuid, p.name, p.slug, d.entry
    FROM unnest(v_named) n(uuid)
    CROSS JOIN LATERAL wazo_auth.user_policies(n.uuid) up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, who_can.access, n.uuid::text, 'my_session') d
    WHERE d.granted AND wazo_auth.acl_grants(
      wazo_auth.user_acl_pinned(n.uuid, 'wazo_user'), who_can.access, n.uuid::text, 'my_session')
  )
  SELECT u.uuid, u.username, u.tenant_uuid,
         (ARRAY['default', 'group', 'direct'])[w.place], g.uuid, g.name, w.uuid, w.name, w.entry
  FROM granted w
  JOIN wazo_auth.user u ON u.uuid = w.user_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = w.group_uuid
  WHERE who_can.tenant IS NULL
     OR u.tenant_uuid = who_can.tenant
     OR who_can.recurse AND u.tenant_uuid IN (SELECT t.uuid FROM wazo_auth.tenant t WHERE who_can.tenant = ANY (t.path))
  ORDER BY u.username, u.uuid, w.place, g.slug, w.slug, g.uuid, w.uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.who_can(text, uuid, boolean) IS
'The users, enabled or not, to whom wazo_auth.user_acl(user) grants the access, with "me" as the user and my_session '
'as only itself: one row for each way, that is the policy, its first entry that grants, and how the user comes by the '
'policy (default, group or direct). A user whom a negative entry of any of its policies denies is not in it. tenant: '
'only users in it and, with recurse, below. By index over policies, then joins.';

CREATE OR REPLACE FUNCTION wazo_auth.what_grants(access text, tenant uuid DEFAULT NULL, recurse boolean DEFAULT true,
  OUT kind text, OUT uuid uuid, OUT tenant_uuid uuid, OUT name text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = auto AS $$
#variable_conflict use_column
DECLARE
  v_granting uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
    WHERE p.acl OPERATOR(wazo_auth.@>) what_grants.access);
  v_refusing uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p
                             WHERE wazo_auth.acl_has_negative(p.acl) AND wazo_auth.acl_refuses(p.acl,
                               what_grants.access));
BEGIN
  recurse := COALESCE(recurse, true);
  RETURN QUERY
  SELECT f.kind, f.uuid, f.tenant_uuid, f.name
  FROM (
    SELECT 'group' AS kind, g.uuid, g.tenant_uuid, g.name
    FROM wazo_auth.group g
    WHERE g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_granting))
      AND g.uuid NOT IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_refusing))
    UNION ALL
    SELECT 'policy', p.uuid, p.tenant_uuid, p.name
    FROM wazo_auth.policy p
    WHERE p.uuid = ANY (v_granting)
  ) f
  WHERE what_grants.tenant IS NULL
     OR f.tenant_uuid = what_grants.tenant
     OR what_grants.recurse AND f.tenant_uuid IN (SELECT t.uuid FROM wazo_auth.tenant t
       WHERE what_grants.tenant = ANY (t.path))
  ORDER BY f.kind, f.name, f.uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.what_grants(text, uuid, boolean) IS
'The groups whose policies together grant the access (kind: group), then the policies that do by themselves (kind: '
'policy), by index; "me" and my_session are only themselves. tenant: only what is in it and, with recurse, below.';
