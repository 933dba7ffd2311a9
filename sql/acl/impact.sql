-- What a change of a policy would do, before it is made.

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
    PERFORM wazo_auth.raise_error(404, format('No such policy: "%s"', policy_impact.policy_uuid),
      'unknown-policy',
                                  json_build_object('uuid', policy_impact.policy_uuid), 'policies');
  END IF;
  SELECT up.policy_uuid INTO v_default FROM wazo_auth.user_policies(NULL) up WHERE up.via = 'default';

  RETURN QUERY
  WITH known AS (
    SELECT a.access FROM wazo_auth.known_access a
    UNION
    -- as somebody asks about itself
    SELECT regexp_replace(a.access, '(?<=\musers\.)\{[^.}]+\}|\{user_[^.}]+\}', 'me', 'g')
      FROM wazo_auth.known_access a
    UNION
    -- what an entry itself stands for, whether it is a known access or not
    SELECT regexp_replace(e.entry, '^!', '')
    FROM unnest(v_old::text[] || policy_impact.new_acl::text[]) e(entry)
  ), asked AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT k.access,
             v_old OPERATOR(wazo_auth.@>) k.access AS old_grants, wazo_auth.acl_refuses(v_old, k.access) AS old_refuses,
             policy_impact.new_acl OPERATOR(wazo_auth.@>) k.access AS new_grants,
               wazo_auth.acl_refuses(policy_impact.new_acl, k.access) AS new_refuses
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
  ), holder AS MATERIALIZED (
    -- users with the same other policies gain and lose the same
    SELECT o.user_uuid, array_remove(array_agg(o.policy_uuid ORDER BY o.policy_uuid),
      policy_impact.policy_uuid) AS others
    FROM (
      SELECT a.user_uuid, up.policy_uuid FROM affected a JOIN wazo_auth.user_policy up ON up.user_uuid = a.user_uuid
      UNION
      SELECT a.user_uuid, gp.policy_uuid
      FROM affected a
      JOIN wazo_auth.group_user gu ON gu.user_uuid = a.user_uuid
      JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
      UNION
      SELECT a.user_uuid, COALESCE(v_default, policy_impact.policy_uuid) FROM affected a
    ) o
    GROUP BY o.user_uuid
  ), kind AS MATERIALIZED (
    SELECT row_number() OVER () AS number, h.others FROM holder h GROUP BY h.others
  ), verdict AS MATERIALIZED (
    SELECT v.*
    FROM (
      SELECT p.uuid AS policy_uuid, k.access,
             p.acl OPERATOR(wazo_auth.@>) k.access AS grants, wazo_auth.acl_refuses(p.acl, k.access) AS refuses
      FROM wazo_auth.policy p
      CROSS JOIN asked k
      WHERE p.uuid IN (SELECT unnest(d.others) FROM kind d)
    ) v
    WHERE v.grants OR v.refuses
  ), other AS (
    SELECT d.number, v.access, bool_or(v.grants) AS grants, bool_or(v.refuses) AS refuses
    FROM kind d
    CROSS JOIN LATERAL unnest(d.others) o(policy_uuid)
    JOIN verdict v ON v.policy_uuid = o.policy_uuid
    GROUP BY d.number, v.access
  ), compared AS MATERIALIZED (
    SELECT c.*
    FROM (
      SELECT d.others, k.access,
             (k.old_grants OR COALESCE(o.grants, false)) AND NOT k.old_refuses
               AND NOT COALESCE(o.refuses, false) AS old,
             (k.new_grants OR COALESCE(o.grants, false)) AND NOT k.new_refuses AND NOT COALESCE(o.refuses, false) AS new
      FROM kind d
      CROSS JOIN asked k
      LEFT JOIN other o ON o.number = d.number AND o.access = k.access
    ) c
    WHERE c.old <> c.new
  )
  SELECT u.uuid, u.tenant_uuid, u.username, CASE WHEN c.new THEN 'gains' ELSE 'loses' END, c.access COLLATE "C"
  FROM compared c
  JOIN holder h ON h.others = c.others
  JOIN wazo_auth.user u ON u.uuid = h.user_uuid
  ORDER BY u.username, u.uuid, 5;
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_impact(uuid, wazo_auth.acl) IS
'Who would gain or lose what if the policy had this ACL. Asked are the accesses of wazo_auth.known_access and the '
'entries themselves; "me" in an access stands for the user itself. Tokens that exist keep their ACL. Raises WA404 for '
'an unknown policy.';
