CREATE OR REPLACE FUNCTION wazo_auth.delete_expired_sessions(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_now timestamptz := clock_timestamp();
  v_tokens uuid[];
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Sessions that somebody else is ending right now are left to them.
  SELECT array_agg(s.token_digest) INTO v_tokens
  FROM (SELECT s.token_digest FROM wazo_auth.session s
        WHERE s.expires_at <= v_now
        ORDER BY s.expires_at LIMIT batch
        FOR UPDATE SKIP LOCKED) s;
  IF v_tokens IS NULL THEN
    RETURN 0;
  END IF;
  -- Nobody waits for the end of a token that was in a mail.
  RETURN wazo_auth.delete_sessions(v_tokens, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_expired_sessions(integer) IS
'Ends up to so many (1 to 100000) sessions that have expired, the oldest first. Returns how many. Raises 22023 for '
'another batch.';

CREATE OR REPLACE FUNCTION wazo_auth.announce_expiring_sessions(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_now timestamptz := clock_timestamp();
  -- In seconds, as in pg_settings; not there before the library is loaded, and
  -- 0 where only a scheduler calls.
  v_ahead integer := COALESCE(NULLIF((SELECT s.setting FROM pg_settings s
                                      WHERE s.name = 'wazo_auth.token_cleanup_interval')::integer, 0), 60);
  v_sessions wazo_auth.session[];
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  WITH soon AS (
    SELECT s.token_digest, s.expires_at FROM wazo_auth.session s
    WHERE s.expires_at > v_now AND s.expires_at <= v_now + make_interval(secs => v_ahead)
      AND NOT s.expiry_announced AND s.user_uuid IS NOT NULL
    ORDER BY s.expires_at LIMIT batch
    FOR NO KEY UPDATE SKIP LOCKED
  ), announced AS (
    UPDATE wazo_auth.session s SET expiry_announced = true
    FROM soon
    WHERE s.token_digest = soon.token_digest
    RETURNING s AS session, s.expires_at
  )
  SELECT array_agg(a.session ORDER BY a.expires_at) INTO v_sessions FROM announced a;
  IF v_sessions IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM wazo_auth.emit_sessions('expire_soon', v_sessions);
  RETURN cardinality(v_sessions);
END
$$;
COMMENT ON FUNCTION wazo_auth.announce_expiring_sessions(integer) IS
'Sends the event auth_session_expire_soon for up to so many (1 to 100000) sessions that will expire before the next '
'round, once for each (contract: events.md section 3). Returns how many. Raises 22023 for another batch.';

-- The planner could take the whole table session for the shortest way to a row
-- of one ACL set, which it is unless there is none; and to find that there is
-- none is what this function is for. So it is left only the index.
CREATE OR REPLACE FUNCTION wazo_auth.delete_unused_acl_sets(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_variable
DECLARE
  -- Digests are spread evenly, so a random start gives every set its turn,
  -- and nothing needs to be remembered between two calls.
  v_start uuid := gen_random_uuid();
  v_digests uuid[];
  v_count integer;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT array_agg(w.digest) INTO v_digests
  FROM (SELECT w.digest
        FROM ((SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest >= v_start ORDER BY a.digest LIMIT batch)
              UNION ALL
              (SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest < v_start ORDER BY a.digest LIMIT batch)
              LIMIT batch) w
        WHERE (SELECT s.acl_digest FROM wazo_auth.session s WHERE s.acl_digest = w.digest LIMIT 1) IS NULL) w;
  IF v_digests IS NULL THEN
    RETURN 0;
  END IF;
  -- wazo_auth.store_acl() keeps a lock on a set until its session is there. A
  -- set locked by it is in use; once we have the lock, the next statement sees
  -- every session made before, and a new login has to wait, and makes the set
  -- again.
  SELECT array_agg(a.digest) INTO v_digests
  FROM (SELECT a.digest FROM wazo_auth.acl_set a WHERE a.digest = ANY (v_digests) FOR UPDATE SKIP LOCKED) a;
  DELETE FROM wazo_auth.acl_set a
  WHERE a.digest = ANY (v_digests)
    AND (SELECT s.acl_digest FROM wazo_auth.session s WHERE s.acl_digest = a.digest LIMIT 1) IS NULL;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_unused_acl_sets(integer) IS
'Looks at up to so many (1 to 100000) ACL sets, from a random one on, and removes those that no session uses. Returns '
'how many. Never takes one from under a login. Raises 22023 for another batch.';

CREATE OR REPLACE FUNCTION wazo_auth.tick(batch integer DEFAULT NULL, OUT sessions_deleted integer,
  OUT acl_sets_deleted integer,
  OUT sessions_announced integer, OUT events_delivered integer, OUT events_removed integer,
  OUT mails_delivered integer, OUT saml_logins_deleted integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- The setting is only there once the library is loaded.
  v_batch integer := COALESCE(batch, current_setting('wazo_auth.token_cleanup_batch_size', true)::integer,
    5000);
  v_queue text;
  v_reason text;
BEGIN
  sessions_deleted := 0; sessions_announced := 0; acl_sets_deleted := 0;
  events_delivered := 0; events_removed := 0; mails_delivered := 0;
  saml_logins_deleted := 0;
  IF pg_is_in_recovery() THEN
    RETURN;
  END IF;
  FOREACH v_queue IN ARRAY ARRAY['sessions', 'events', 'mails'] LOOP
    v_reason := wazo_auth.hold_reason(v_queue);
    IF v_reason IS NOT NULL THEN
      RAISE WARNING 'work at % is held in database "%"', v_queue, current_database() USING DETAIL = v_reason;
    ELSIF v_queue = 'sessions' THEN
      sessions_deleted := wazo_auth.delete_expired_sessions(v_batch);
      sessions_announced := wazo_auth.announce_expiring_sessions(v_batch);
      acl_sets_deleted := wazo_auth.delete_unused_acl_sets(v_batch);
      PERFORM wazo_auth.delete_expired_oauth2(v_batch);
      PERFORM wazo_auth.delete_login_failures(v_batch), wazo_auth.keep_audit(v_batch),
              wazo_auth.delete_expired_refresh_tokens(v_batch);
      saml_logins_deleted := wazo_auth.delete_expired_saml_logins(v_batch);
    ELSIF v_queue = 'events' THEN
      events_delivered := wazo_auth.deliver_events_locally(v_batch);
      events_removed := wazo_auth.purge_event_log(v_batch);
    ELSE
      mails_delivered := wazo_auth.deliver_mails_locally(v_batch);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.tick(integer) IS
'One round of what the background workers do, for a server without them: to be called by any scheduler, for example '
'every minute by cron. batch bounds each kind of work, 1 to 100000; null for wazo_auth.token_cleanup_batch_size. '
'Events go to the stream only, and only while no broker is configured: sending them elsewhere takes a worker, and so '
'does sending mails by SMTP. What wazo_auth.hold_reason() holds is left alone, with a warning; on a standby it does '
'nothing. Returns what was done. Raises 22023 for another batch.';
