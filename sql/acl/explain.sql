-- Why an access is granted or refused.

CREATE OR REPLACE FUNCTION wazo_auth.explain_access(user_uuid uuid, access text, session_uuid uuid DEFAULT NULL,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
    OUT group_name text,
  OUT missing text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = explain_access.user_uuid) THEN
    PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', explain_access.user_uuid),
      'unknown-user',
                                  json_build_object('uuid', explain_access.user_uuid), 'users');
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
  IF NOT FOUND THEN
    SELECT n.entry, up.via, p.uuid, p.name, g.uuid, g.name, n.missing
      INTO entry, via, policy_uuid, policy_name, group_uuid, group_name, missing
    FROM wazo_auth.user_policies(explain_access.user_uuid) up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid
    CROSS JOIN LATERAL wazo_auth.acl_nearest(p.acl, explain_access.access, explain_access.user_uuid::text,
                                             explain_access.session_uuid::text) n
    WHERE n.entry_number IS NOT NULL
    ORDER BY n.prefix DESC, n.edits, up.place
    LIMIT 1;
  END IF;
  granted := COALESCE(granted, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_access(uuid, text, uuid) IS
'Would a token of this user grant the access if it were made now, and why: the entry that decides, its policy, and '
'how the user comes by it (default, group or direct). When no entry matches, missing is not null, and the entry is '
'the nearest one, as wazo_auth.acl_nearest() finds it; nulls when there is none. Raises WA404 for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_token_access(token uuid, access text,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
    OUT group_name text,
  OUT missing text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user uuid;
BEGIN
  SELECT d.granted, COALESCE(d.entry, n.entry), CASE WHEN d.entry IS NULL THEN n.missing END, s.user_uuid
    INTO granted, entry, missing, v_user
  FROM wazo_auth.session s
  JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest
  CROSS JOIN LATERAL wazo_auth.acl_decide(a.acl, explain_token_access.access,
                                          COALESCE(s.user_uuid::text, s.auth_id), s.uuid::text) d
  CROSS JOIN LATERAL wazo_auth.acl_nearest(a.acl, explain_token_access.access,
                                           COALESCE(s.user_uuid::text, s.auth_id), s.uuid::text) n
  WHERE s.token_digest = wazo_auth.token_digest(explain_token_access.token)
    AND s.expires_at > clock_timestamp();
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
'As explain_access, for a token as it is: the entry of its ACL that decides, or the nearest one and what is missing, '
'and the policy that gives the user this entry now; no policy when none does any more. Raises WA404 for an unknown or '
'expired token.';
