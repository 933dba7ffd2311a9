-- Why an access is granted or refused, now and in the past.

CREATE OR REPLACE FUNCTION wazo_auth.user_ways(user_uuid uuid, backend text, at timestamptz,
  OUT place bigint, OUT via text, OUT group_uuid uuid, OUT group_name text, OUT policy_uuid uuid, OUT policy_name text,
  OUT acl wazo_auth.acl)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF at IS NULL THEN
    RETURN QUERY
    SELECT up.place, up.via, g.uuid, g.name, p.uuid, p.name, p.acl
    FROM wazo_auth.user_policies(user_ways.user_uuid, user_ways.backend) up
    JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
    LEFT JOIN wazo_auth.group g ON g.uuid = up.group_uuid;
  ELSE
    RETURN QUERY
    SELECT w.* FROM wazo_auth.user_ways_at(user_ways.user_uuid, user_ways.backend, user_ways.at) w;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_ways(uuid, text, timestamptz) IS
'The policies of wazo_auth.user_policies(user, backend) with their accesses; those of a time, unless it is null.';

CREATE OR REPLACE FUNCTION wazo_auth.explained_user(user_uuid uuid, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_user jsonb;
BEGIN
  IF at IS NOT NULL THEN
    PERFORM wazo_auth.check_audit_tells(at);
  END IF;
  v_user := CASE WHEN at IS NULL THEN (wazo_auth.present_rows('user'::text, user_uuid::text))[1]
                 ELSE wazo_auth.row_at('user'::text, user_uuid::text, at) END;
  IF v_user IS NULL THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  RETURN v_user;
END
$$;
COMMENT ON FUNCTION wazo_auth.explained_user(uuid, timestamptz) IS
'The user, as the audit log shows it: now, or at a time. Raises WA404 when there was none then, and as '
'wazo_auth.check_audit_tells() and wazo_auth.rows_at() do.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_user_access(user_uuid uuid, access text, session_uuid uuid, at timestamptz,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
  OUT group_name text, OUT missing text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user jsonb := wazo_auth.explained_user(explain_user_access.user_uuid, at);
BEGIN
  SELECT d.granted, d.entry, w.via, w.policy_uuid, w.policy_name, w.group_uuid, w.group_name
    INTO granted, entry, via, policy_uuid, policy_name, group_uuid, group_name
  FROM wazo_auth.user_ways(explain_user_access.user_uuid, 'wazo_user'::text, at) w
  CROSS JOIN LATERAL wazo_auth.acl_decide(w.acl, explain_user_access.access, explain_user_access.user_uuid::text,
                                          session_uuid::text) d
  WHERE d.entry_number IS NOT NULL
  -- one negative entry anywhere decides
  ORDER BY d.granted, w.place
  LIMIT 1;
  IF NOT FOUND THEN
    SELECT n.entry, w.via, w.policy_uuid, w.policy_name, w.group_uuid, w.group_name, n.missing
      INTO entry, via, policy_uuid, policy_name, group_uuid, group_name, missing
    FROM wazo_auth.user_ways(explain_user_access.user_uuid, 'wazo_user'::text, at) w
    CROSS JOIN LATERAL wazo_auth.acl_nearest(w.acl, explain_user_access.access, explain_user_access.user_uuid::text,
                                             session_uuid::text) n
    WHERE n.entry_number IS NOT NULL
    ORDER BY n.prefix DESC, n.edits, w.place
    LIMIT 1;
  ELSIF granted AND NOT (v_user -> 'enabled')::boolean THEN
    granted := false;
    missing := 'the user is disabled';
  END IF;
  granted := COALESCE(granted, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_user_access(uuid, text, uuid, timestamptz) IS
'wazo_auth.explain_access() of what a login would give, now or at a time.';

CREATE OR REPLACE FUNCTION wazo_auth.session_at(of_user jsonb, session_uuid uuid, at timestamptz,
  OUT began_at timestamptz, OUT acl_digest uuid)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_found boolean;
  v_ended_at timestamptz;
  v_expires_at timestamptz;
BEGIN
  SELECT s.issued_at, s.acl_digest INTO began_at, acl_digest
  FROM wazo_auth.session s
  WHERE s.uuid = session_at.session_uuid AND s.user_uuid = (of_user ->> 'uuid')::uuid
    AND s.issued_at <= at AND s.expires_at > at;
  v_found := FOUND;
  IF NOT v_found THEN
    SELECT min(a.at) FILTER (WHERE a.action = 'created'), min(a.at) FILTER (WHERE a.action = 'deleted'),
           min(a.after ->> 'acl_digest')::uuid, min((a.after ->> 'expires_at')::timestamptz)
    INTO began_at, v_ended_at, acl_digest, v_expires_at
    FROM wazo_auth.audit a
    WHERE a.tenant_uuid = (of_user ->> 'tenant_uuid')::uuid AND a.object = 'session'
      AND a.object_uuid = session_at.session_uuid AND a.after ->> 'user_uuid' = of_user ->> 'uuid';
    v_found := COALESCE(began_at <= at AND COALESCE(v_ended_at, v_expires_at) > at, false);
    IF v_found AND v_ended_at IS NULL AND v_expires_at > clock_timestamp() THEN
      PERFORM wazo_auth.raise_untold_change('session'::text);
    END IF;
  END IF;
  IF NOT v_found THEN
    IF EXISTS (SELECT FROM wazo_auth.audit a WHERE a.object = 'audit') THEN
      PERFORM wazo_auth.raise_past_unknown('it knows no such session, but not how all of them began',
        'Leave the session out to ask what a login would have given then.');
    END IF;
    PERFORM wazo_auth.raise_error(404, format('No such session: "%s"', session_at.session_uuid));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.session_at(jsonb, uuid, timestamptz) IS
'When a session that a user had at a time began, and its set of accesses. Raises WA404 when it had none such then, '
'WA410 when that may be for the audit log does not reach back to its login.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_session_access(
  user_uuid uuid, access text, session_uuid uuid, at timestamptz,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
  OUT group_name text, OUT missing text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user jsonb := wazo_auth.explained_user(explain_session_access.user_uuid, at);
  v_session record := wazo_auth.session_at(v_user, session_uuid, at);
  v_told boolean := (wazo_auth.audit_gap(v_session.began_at)).reason IS NULL;
  v_acl wazo_auth.acl;
  v_backend text;
BEGIN
  IF v_told THEN
    -- By which backend it came is not told; the digest tells the right one.
    SELECT b.name, b.acl INTO v_backend, v_acl
    FROM (SELECT n.name, n.place, (
                   SELECT COALESCE(wazo_auth.acl_agg(w.acl ORDER BY w.place), '{}')
                   FROM wazo_auth.user_ways_at(explain_session_access.user_uuid, n.name, v_session.began_at) w) AS acl
          FROM (VALUES ('wazo_user', 0), ('', 2)  -- '': any without a policy of its own
                UNION ALL
                SELECT k, 1
                FROM jsonb_object_keys(wazo_auth.setting_at('backend_policies'::text, v_session.began_at)) k
               ) n (name, place)) b
    WHERE wazo_auth.acl_digest(b.acl) = v_session.acl_digest
    ORDER BY b.place LIMIT 1;
  END IF;
  IF v_acl IS NULL THEN
    -- It may have been given more than its user's policies.
    v_acl := (SELECT a.acl FROM wazo_auth.acl_set a WHERE a.digest = v_session.acl_digest);
  END IF;
  IF v_acl IS NULL THEN
    PERFORM wazo_auth.raise_past_unknown('what the session was given at its login is not known any more',
      'Leave the session out to ask what a login would have given then.');
  END IF;
  SELECT d.granted, COALESCE(d.entry, n.entry), CASE WHEN d.entry IS NULL THEN n.missing END
    INTO granted, entry, missing
  FROM wazo_auth.acl_decide(v_acl, explain_session_access.access, explain_session_access.user_uuid::text,
                            session_uuid::text) d
  CROSS JOIN wazo_auth.acl_nearest(v_acl, explain_session_access.access, explain_session_access.user_uuid::text,
                                   session_uuid::text) n;
  IF v_told THEN
    SELECT w.via, w.policy_uuid, w.policy_name, w.group_uuid, w.group_name
      INTO via, policy_uuid, policy_name, group_uuid, group_name
    FROM wazo_auth.user_ways_at(explain_session_access.user_uuid, COALESCE(v_backend, 'wazo_user'),
                                v_session.began_at) w
    WHERE entry = ANY (w.acl::text[])
    ORDER BY w.place
    LIMIT 1;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_session_access(uuid, text, uuid, timestamptz) IS
'wazo_auth.explain_access() of what a session had at a time: what its login gave it, with the policies of then.';

CREATE OR REPLACE FUNCTION wazo_auth.explain_access(
  user_uuid uuid, access text, session_uuid uuid DEFAULT NULL, at timestamptz DEFAULT NULL,
  OUT granted boolean, OUT entry text, OUT via text, OUT policy_uuid uuid, OUT policy_name text, OUT group_uuid uuid,
  OUT group_name text, OUT missing text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF at IS NOT NULL AND session_uuid IS NOT NULL THEN
    SELECT e.granted, e.entry, e.via, e.policy_uuid, e.policy_name, e.group_uuid, e.group_name, e.missing
      INTO granted, entry, via, policy_uuid, policy_name, group_uuid, group_name, missing
    FROM wazo_auth.explain_session_access(explain_access.user_uuid, explain_access.access, session_uuid, at) e;
  ELSE
    SELECT e.granted, e.entry, e.via, e.policy_uuid, e.policy_name, e.group_uuid, e.group_name, e.missing
      INTO granted, entry, via, policy_uuid, policy_name, group_uuid, group_name, missing
    FROM wazo_auth.explain_user_access(explain_access.user_uuid, explain_access.access, session_uuid, at) e;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.explain_access(uuid, text, uuid, timestamptz) IS
'Would a token of this user grant the access if it were made now, and why: the entry that decides, its policy, and '
'how the user comes by it (default, group or direct). When no entry matches, missing is not null, and the entry is '
'the nearest one, as wazo_auth.acl_nearest() finds it; nulls when there is none; a disabled user is missing that. '
'session_uuid: what my_session stands for. at: the same for a moment of the past, as the audit log tells; with '
'session_uuid, of what that session had then, which is what its login gave it. Raises WA404 for a user, or with at a '
'session, that there was not; WA410 with a hint when the log does not tell what was then; 22023 for the future.';

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
