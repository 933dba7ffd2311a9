CREATE OR REPLACE FUNCTION wazo_auth.refresh_token_user(token_digest uuid, client_id text) RETURNS uuid
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_refresh_token_user';
COMMENT ON FUNCTION wazo_auth.refresh_token_user(uuid, text) IS
'Whose refresh token it is; null where the client has none with this digest.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_refresh_token(token_digest uuid) RETURNS wazo_auth.refresh_token
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_lock_refresh_token';
COMMENT ON FUNCTION wazo_auth.lock_refresh_token(uuid) IS
'The row of the refresh token, locked against its deletion (FOR KEY SHARE); null when there is none.';

CREATE OR REPLACE FUNCTION wazo_auth.verify_refresh_token(refresh_token text, client_id text)
RETURNS wazo_auth.refresh_token
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_digest uuid := wazo_auth.token_digest(wazo_auth.try_uuid(refresh_token));
  v_family uuid := v_digest;
  v_user wazo_auth.user := wazo_auth.lock_enabled_user(wazo_auth.refresh_token_user(v_digest, client_id));
  v_row wazo_auth.refresh_token;
BEGIN
  IF v_user.uuid IS NULL THEN
    v_family := wazo_auth.refresh_token_family(v_digest);
    v_user := wazo_auth.lock_enabled_user(wazo_auth.refresh_token_user(v_family, client_id));
  END IF;
  IF v_user.uuid IS NULL
     OR NOT (wazo_auth.is_authentication_method(wazo_auth.effective_authentication_method(v_user.uuid))
             OR wazo_auth.password_is_kept_elsewhere(v_user.uuid)) THEN
    RETURN NULL;
  END IF;
  -- It may have been revoked while we waited; from here on a revocation waits,
  -- and the session can refer to it.
  v_row := wazo_auth.lock_refresh_token(v_family);
  IF NOT wazo_auth.is_good_refresh_token(v_digest, v_row) THEN
    RETURN NULL;
  END IF;
  RETURN v_row;
END
$$;
COMMENT ON FUNCTION wazo_auth.verify_refresh_token(text, text) IS
'The refresh token of a client, if it may still be used; locks its user''s row. Null otherwise (contract: '
'semantics.md section 1, step 2).';

CREATE OR REPLACE FUNCTION wazo_auth.delete_refresh_tokens(token_digests uuid[], with_sessions boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_sessions integer := 0;
  v_digest uuid;
  v_gone wazo_auth.refresh_token[];
BEGIN
  -- One after the other, for the order of the events (contract: events.md
  -- section 2); a user has few.
  FOREACH v_digest IN ARRAY token_digests LOOP
    IF with_sessions THEN
      v_sessions := v_sessions + wazo_auth.delete_sessions(ARRAY(
        SELECT s.token_digest FROM wazo_auth.session s WHERE s.refresh_token_digest = v_digest
          ORDER BY s.issued_at, s.uuid));
    END IF;
    WITH gone AS (
      DELETE FROM wazo_auth.refresh_token r WHERE r.token_digest = v_digest RETURNING r AS refresh_token
    )
    SELECT array_agg(g.refresh_token) INTO v_gone FROM gone g;
    IF v_gone IS NOT NULL THEN
      PERFORM wazo_auth.emit_refresh_tokens('deleted', v_gone), wazo_auth.audit_refresh_tokens('deleted', v_gone);
    END IF;
  END LOOP;
  RETURN v_sessions;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_refresh_tokens(uuid[], boolean) IS
'Revokes refresh tokens, by their digests, and with_sessions the sessions opened with them; else those stay valid; '
'with their events, in the order given. Returns how many sessions ended.';

CREATE OR REPLACE FUNCTION wazo_auth.obtain_refresh_token(
  user_uuid uuid, client_id text, login text, mobile boolean, backend text, user_agent text, remote_addr text,
  metadata json DEFAULT NULL, ends_at timestamptz DEFAULT NULL,
  OUT token text, OUT refresh_token wazo_auth.refresh_token, OUT revoked integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_old wazo_auth.refresh_token;
  v_token uuid;
BEGIN
  revoked := 0;
  SELECT r.* INTO v_old FROM wazo_auth.refresh_token r
  WHERE r.user_uuid = obtain_refresh_token.user_uuid AND r.client_id = obtain_refresh_token.client_id
  FOR KEY SHARE;
  IF FOUND AND NOT mobile THEN
    IF v_old.ends_at IS DISTINCT FROM ends_at THEN
      UPDATE wazo_auth.refresh_token r SET ends_at = obtain_refresh_token.ends_at
      WHERE r.token_digest = v_old.token_digest RETURNING r.* INTO v_old;
    END IF;
    IF (wazo_auth.refresh_token_end(v_old) <= clock_timestamp()) IS NOT TRUE THEN
      token := wazo_auth.unseal(v_old.sealed_token, 'refresh_token:' || v_old.token_digest);
      refresh_token := v_old;
      RETURN;
    END IF;
  END IF;
  IF v_old.token_digest IS NOT NULL THEN
    revoked := wazo_auth.delete_refresh_tokens(ARRAY[v_old.token_digest], mobile);
  END IF;
  v_token := gen_random_uuid();
  token := v_token::text;
  INSERT INTO wazo_auth.refresh_token AS r (token_digest, sealed_token, user_uuid, client_id, mobile, backend, login,
    user_agent, remote_addr, metadata, ends_at)
  VALUES (wazo_auth.token_digest(v_token),
          wazo_auth.seal(token, 'refresh_token:' || wazo_auth.token_digest(v_token)),
          user_uuid, client_id, mobile, backend, login, left(user_agent, 1024),
            left(remote_addr, 256), COALESCE(metadata, '{}'), ends_at)
  RETURNING r.* INTO v_old;
  refresh_token := v_old;
  PERFORM wazo_auth.emit_refresh_tokens('created', ARRAY[v_old]),
          wazo_auth.audit_refresh_tokens('created', ARRAY[v_old]);
  IF mobile THEN
    -- A mobile device has one refresh token: those of all other mobile clients
    -- go, with their sessions.
    revoked := revoked + wazo_auth.delete_refresh_tokens(ARRAY(
      SELECT r.token_digest FROM wazo_auth.refresh_token r
      WHERE r.user_uuid = obtain_refresh_token.user_uuid AND r.mobile AND r.token_digest <> v_old.token_digest
      ORDER BY r.created_at, r.token_digest), true);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.obtain_refresh_token(uuid, text, text, boolean, text, text, text, json, timestamptz) IS
'Refresh token of a client of a user, whose row the caller has locked: the existing one, or a new one; for a mobile '
'client always a new one in place of all mobile ones. It ends at ends_at, as the latest login '
'says. revoked: sessions that ended thereby (contract: semantics.md section 1, steps 11 and 12).';
