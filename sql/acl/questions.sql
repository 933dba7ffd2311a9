-- Questions about who may do what, and why. They look at policies as they are
-- now; a token keeps the ACL of its login (see explain_token_access).

CREATE OR REPLACE FUNCTION wazo_auth.user_policies(user_uuid uuid, backend text DEFAULT 'wazo_user',
  OUT place bigint, OUT via text, OUT group_uuid uuid, OUT policy_uuid uuid)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT pg_catalog.row_number() OVER (ORDER BY part.kind, part.name, part.policy_uuid),
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
END;
COMMENT ON FUNCTION wazo_auth.user_policies(uuid, text) IS
'The policies that make up wazo_auth.user_acl(user, backend), in its order: how the user comes by each (default, group or direct), and the group.';

CREATE OR REPLACE FUNCTION wazo_auth.who_can(access text, tenant_uuid uuid DEFAULT NULL,
  OUT kind text, OUT uuid uuid, OUT in_tenant uuid, OUT name text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  -- operators are not found on this search_path without their schema
  v_granting uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p WHERE p.acl OPERATOR(wazo_auth.@>) who_can.access);
  -- few policies have negative entries, so looking at all of them is cheap
  v_refusing uuid[] := ARRAY(SELECT p.uuid FROM wazo_auth.policy p WHERE wazo_auth.acl_refuses(p.acl, who_can.access));
  v_default wazo_auth.acl := wazo_auth.default_acl('wazo_user');
  v_default_grants boolean := COALESCE(v_default OPERATOR(wazo_auth.@>) who_can.access, false);
  v_default_refuses boolean := COALESCE(wazo_auth.acl_refuses(v_default, who_can.access), false);
BEGIN
  -- Users that the access names: "me" may stand for them. Each is asked by
  -- itself; for everybody else "me" is only itself.
  RETURN QUERY
  WITH named AS MATERIALIZED (
    SELECT u.uuid
    FROM pg_catalog.string_to_table(who_can.access, '.') s(word)
    JOIN wazo_auth.user u ON u.uuid = wazo_auth.try_uuid(s.word)
    GROUP BY u.uuid
  ), candidate AS MATERIALIZED (
    SELECT up.user_uuid FROM wazo_auth.user_policy up WHERE up.policy_uuid = ANY (v_granting)
    UNION
    SELECT gu.user_uuid
    FROM wazo_auth.group_policy gp
    JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
    WHERE gp.policy_uuid = ANY (v_granting)
    UNION
    SELECT u.uuid FROM wazo_auth.user u WHERE v_default_grants
  ), granted AS (
    SELECT c.user_uuid AS uuid FROM candidate c
    WHERE NOT v_default_refuses
      AND NOT EXISTS (
        SELECT FROM wazo_auth.user_policy up
        WHERE up.user_uuid = c.user_uuid AND up.policy_uuid = ANY (v_refusing))
      AND NOT EXISTS (
        SELECT FROM wazo_auth.group_policy gp
        JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
        WHERE gu.user_uuid = c.user_uuid AND gp.policy_uuid = ANY (v_refusing))
      AND c.user_uuid NOT IN (SELECT n.uuid FROM named n)
    UNION ALL
    SELECT n.uuid FROM named n
    WHERE wazo_auth.acl_grants(wazo_auth.user_acl(n.uuid), who_can.access, n.uuid::text, NULL)
  )
  SELECT 'user', u.uuid, u.tenant_uuid, u.username
  FROM granted g
  JOIN wazo_auth.user u ON u.uuid = g.uuid
  JOIN wazo_auth.tenant t ON t.uuid = u.tenant_uuid
  WHERE who_can.tenant_uuid IS NULL OR who_can.tenant_uuid = ANY (t.path)
  ORDER BY u.username, u.uuid;

  RETURN QUERY
  SELECT 'group', g.uuid, g.tenant_uuid, g.name
  FROM wazo_auth.group g
  JOIN wazo_auth.tenant t ON t.uuid = g.tenant_uuid
  WHERE (who_can.tenant_uuid IS NULL OR who_can.tenant_uuid = ANY (t.path))
    AND g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_granting))
    AND g.uuid NOT IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = ANY (v_refusing))
  ORDER BY g.name, g.uuid;

  RETURN QUERY
  SELECT 'policy', p.uuid, p.tenant_uuid, p.name
  FROM wazo_auth.policy p
  JOIN wazo_auth.tenant t ON t.uuid = p.tenant_uuid
  WHERE p.uuid = ANY (v_granting)
    AND (who_can.tenant_uuid IS NULL OR who_can.tenant_uuid = ANY (t.path))
  ORDER BY p.name, p.uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.who_can(text, uuid) IS
'Every user, then every group, then every policy that grants the access, by index; with a tenant only those in it and below. A user is listed, enabled or not, when wazo_auth.user_acl(user) grants it with "me" as the user; a group when its policies together do. my_session is only itself.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_access(user_uuid uuid, access text, session_uuid uuid DEFAULT NULL,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid, OUT group_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = explain_access.user_uuid) THEN
    PERFORM wazo_auth.raise_error(404, pg_catalog.format('No such user: "%s"', explain_access.user_uuid), 'unknown-user',
                                  pg_catalog.json_build_object('uuid', explain_access.user_uuid), 'users');
  END IF;
  SELECT d.granted, d.entry, up.via, p.uuid, p.name, g.uuid, g.name
    INTO granted, entry, via, policy_uuid, policy_name, group_uuid, group_name
  FROM wazo_auth.user_policies(explain_access.user_uuid) up
  JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
  CROSS JOIN LATERAL wazo_auth.acl_decide(p.acl, explain_access.access, explain_access.user_uuid::text,
                                          explain_access.session_uuid::text) d
  WHERE d.entry_number IS NOT NULL
  -- one negative entry anywhere decides
  ORDER BY d.granted, up.place
  LIMIT 1;
  granted := COALESCE(granted, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_access(uuid, text, uuid) IS
'Would a token of this user grant the access if it were made now, and why: the entry that decides, its policy, and how the user comes by it (default, group or direct). Nulls when no entry matches. Raises WA404 for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_token_access(token uuid, access text,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid, OUT group_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user uuid;
BEGIN
  SELECT d.granted, d.entry, s.user_uuid INTO granted, entry, v_user
  FROM wazo_auth.session s
  JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest
  CROSS JOIN LATERAL wazo_auth.acl_decide(a.acl, explain_token_access.access,
                                          COALESCE(s.user_uuid::text, s.auth_id), s.uuid::text) d
  WHERE s.token_digest = wazo_auth.token_digest(explain_token_access.token)
    AND s.expires_at > pg_catalog.clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, 'No such token');
  END IF;
  -- where that entry comes from, as far as today's policies tell
  SELECT up.via, p.uuid, p.name, g.uuid, g.name
    INTO via, policy_uuid, policy_name, group_uuid, group_name
  FROM wazo_auth.user_policies(v_user) up
  JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
  LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
  WHERE entry = ANY (p.acl::text[])
  ORDER BY up.place
  LIMIT 1;
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_token_access(uuid, text) IS
'Does this token grant the access, and why: the entry of its ACL that decides, and the policy that gives the user this entry now; nulls when it is no policy''s any more. Raises WA404 for an unknown or expired token.';

CREATE OR REPLACE FUNCTION wazo_auth.policy_impact(policy_uuid uuid, new_acl wazo_auth.acl,
  OUT user_uuid uuid, OUT tenant_uuid uuid, OUT username text, OUT change text, OUT access text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_old wazo_auth.acl;
  v_default uuid;
BEGIN
  SELECT p.acl INTO v_old FROM wazo_auth.policy p WHERE p.uuid = policy_impact.policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, pg_catalog.format('No such policy: "%s"', policy_impact.policy_uuid), 'unknown-policy',
                                  pg_catalog.json_build_object('uuid', policy_impact.policy_uuid), 'policies');
  END IF;
  SELECT up.policy_uuid INTO v_default FROM wazo_auth.user_policies(NULL) up WHERE up.via = 'default';

  RETURN QUERY
  WITH known AS (
    SELECT a.access FROM wazo_auth.access a
    UNION
    SELECT pg_catalog.replace(a.access, '{user_uuid}', 'me') FROM wazo_auth.access a
    UNION
    -- what an entry itself stands for, whether it is a known access or not
    SELECT pg_catalog.regexp_replace(e.entry, '^!', '')
    FROM pg_catalog.unnest(v_old::text[] || policy_impact.new_acl::text[]) e(entry)
  ), asked AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT k.access,
             v_old OPERATOR(wazo_auth.@>) k.access AS old_grants, wazo_auth.acl_refuses(v_old, k.access) AS old_refuses,
             policy_impact.new_acl OPERATOR(wazo_auth.@>) k.access AS new_grants, wazo_auth.acl_refuses(policy_impact.new_acl, k.access) AS new_refuses
      FROM known k
    ) v
    WHERE v.old_grants <> v.new_grants OR v.old_refuses <> v.new_refuses
  ), affected AS MATERIALIZED (
    SELECT up.user_uuid FROM wazo_auth.user_policy up WHERE up.policy_uuid = policy_impact.policy_uuid
    UNION
    SELECT gu.user_uuid
    FROM wazo_auth.group_policy gp
    JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
    WHERE gp.policy_uuid = policy_impact.policy_uuid
    UNION
    SELECT u.uuid FROM wazo_auth.user u WHERE v_default = policy_impact.policy_uuid
  ), other_policy AS MATERIALIZED (
    SELECT o.user_uuid, o.policy_uuid
    FROM (
      SELECT a.user_uuid, up.policy_uuid FROM affected a JOIN wazo_auth.user_policy up ON up.user_uuid = a.user_uuid
      UNION
      SELECT a.user_uuid, gp.policy_uuid
      FROM affected a
      JOIN wazo_auth.group_user gu ON gu.user_uuid = a.user_uuid
      JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
      UNION
      SELECT a.user_uuid, v_default FROM affected a WHERE v_default IS NOT NULL
    ) o
    WHERE o.policy_uuid <> policy_impact.policy_uuid
  ), verdict AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT p.uuid AS policy_uuid, k.access,
             p.acl OPERATOR(wazo_auth.@>) k.access AS grants, wazo_auth.acl_refuses(p.acl, k.access) AS refuses
      FROM wazo_auth.policy p
      CROSS JOIN asked k
      WHERE p.uuid IN (SELECT o.policy_uuid FROM other_policy o)
    ) v
    WHERE v.grants OR v.refuses
  ), other AS (
    SELECT o.user_uuid, v.access, pg_catalog.bool_or(v.grants) AS grants, pg_catalog.bool_or(v.refuses) AS refuses
    FROM other_policy o
    JOIN verdict v ON v.policy_uuid = o.policy_uuid
    GROUP BY o.user_uuid, v.access
  ), compared AS (
    SELECT a.user_uuid, k.access,
           (k.old_grants OR COALESCE(o.grants, false)) AND NOT k.old_refuses AND NOT COALESCE(o.refuses, false) AS old,
           (k.new_grants OR COALESCE(o.grants, false)) AND NOT k.new_refuses AND NOT COALESCE(o.refuses, false) AS new
    FROM affected a
    CROSS JOIN asked k
    LEFT JOIN other o ON o.user_uuid = a.user_uuid AND o.access = k.access
  )
  SELECT u.uuid, u.tenant_uuid, u.username, CASE WHEN c.new THEN 'gains' ELSE 'loses' END, c.access COLLATE "C"
  FROM compared c
  JOIN wazo_auth.user u ON u.uuid = c.user_uuid
  WHERE c.old <> c.new
  ORDER BY u.username, u.uuid, 5;
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_impact(uuid, wazo_auth.acl) IS
'Who would gain or lose what if the policy had this ACL. Asked are the accesses of wazo_auth.access and the entries themselves; "me" in an access stands for the user itself. Tokens that exist keep their ACL. Raises WA404 for an unknown policy.';
