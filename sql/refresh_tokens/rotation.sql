-- Rotation and the end of refresh tokens, by the settings refresh_token.*. Both are
-- off by default: clients of the Python server keep the one that they got.

CREATE OR REPLACE FUNCTION wazo_auth.refresh_token_family(digest uuid) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN COALESCE((SELECT n.family FROM wazo_auth.refresh_token_rotation n
                   WHERE n.digest = refresh_token_family.digest), digest);
END
$$;
COMMENT ON FUNCTION wazo_auth.refresh_token_family(uuid) IS
'Digest in wazo_auth.refresh_token of the family that a refresh token is of, by its own digest, or would be.';

CREATE OR REPLACE FUNCTION wazo_auth.was_rotated(family uuid) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_was_rotated';
COMMENT ON FUNCTION wazo_auth.was_rotated(uuid) IS
'Has a refresh token of this family been replaced, ever? Where not, each is as good as it was.';

CREATE OR REPLACE FUNCTION wazo_auth.is_replaced_refresh_token(digest uuid, family uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_variable
DECLARE
  v_last wazo_auth.refresh_token_rotation;
BEGIN
  SELECT n.* INTO v_last FROM wazo_auth.refresh_token_rotation n
  WHERE n.family = family ORDER BY n.number DESC LIMIT 1;
  IF NOT FOUND OR v_last.digest = digest THEN
    RETURN false;
  END IF;
  -- The one before it is good for a client that has not got the answer with the last one.
  RETURN v_last.issued_at
           + make_interval(secs => (wazo_auth.get_setting('refresh_token') ->> 'reuse_seconds')::integer) <= now()
    OR digest <> COALESCE((SELECT n.digest FROM wazo_auth.refresh_token_rotation n
                           WHERE n.family = family AND n.number = v_last.number - 1), family);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_replaced_refresh_token(uuid, uuid) IS
'Has a refresh token of this family been replaced, by their digests? The one before the last is for some seconds more '
'as good as the last.';

CREATE OR REPLACE FUNCTION wazo_auth.refresh_token_end(family wazo_auth.refresh_token) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_lifetime integer := NULLIF((wazo_auth.get_setting('refresh_token') ->> 'lifetime')::integer, 0);
BEGIN
  RETURN LEAST(family.ends_at, family.created_at + make_interval(secs => v_lifetime));
END
$$;
COMMENT ON FUNCTION wazo_auth.refresh_token_end(wazo_auth.refresh_token) IS
'When a refresh token ends: by the session at its identity provider, or by the setting refresh_token.lifetime; null '
'for never.';

CREATE OR REPLACE FUNCTION wazo_auth.is_good_refresh_token(digest uuid, family wazo_auth.refresh_token) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_variable
BEGIN
  RETURN NOT (wazo_auth.was_rotated(family.token_digest)
              AND wazo_auth.is_replaced_refresh_token(digest, family.token_digest))
    AND (wazo_auth.refresh_token_end(family) <= clock_timestamp()) IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_good_refresh_token(uuid, wazo_auth.refresh_token) IS
'Is this refresh token of its family neither replaced nor over?';

CREATE OR REPLACE FUNCTION wazo_auth.rotate_refresh_token(digest uuid, family uuid) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  -- How many of a family are known when they come again.
  c_kept CONSTANT integer := 50;
  v_last record;
  v_token uuid;
BEGIN
  IF wazo_auth.get_setting('refresh_token') -> 'rotate' <> 'true' THEN
    RETURN NULL;
  END IF;
  SELECT n.digest, n.number INTO v_last FROM wazo_auth.refresh_token_rotation n
  WHERE n.family = family ORDER BY n.number DESC LIMIT 1;
  IF COALESCE(v_last.digest, family) <> digest THEN
    -- Used once more within the seconds for that: the same answer.
    RETURN (SELECT wazo_auth.unseal(r.sealed_token, 'refresh_token:' || family)
            FROM wazo_auth.refresh_token r WHERE r.token_digest = family);
  END IF;
  v_token := gen_random_uuid();
  INSERT INTO wazo_auth.refresh_token_rotation (digest, family, number)
  VALUES (wazo_auth.token_digest(v_token), family, COALESCE(v_last.number, 0) + 1);
  DELETE FROM wazo_auth.refresh_token_rotation n WHERE n.family = family AND n.number <= v_last.number - c_kept;
  UPDATE wazo_auth.refresh_token r SET sealed_token = wazo_auth.seal(v_token::text, 'refresh_token:' || family)
  WHERE r.token_digest = family;
  RETURN v_token::text;
END
$$;
COMMENT ON FUNCTION wazo_auth.rotate_refresh_token(uuid, uuid) IS
'The refresh token that takes the place of the one with this digest, whose user''s row the caller has locked; null '
'where the setting refresh_token.rotate is off.';

CREATE OR REPLACE FUNCTION wazo_auth.end_reused_refresh_token(refresh_token text, client_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_digest uuid := wazo_auth.token_digest(wazo_auth.try_uuid(refresh_token));
  v_family wazo_auth.refresh_token;
BEGIN
  SELECT r.* INTO v_family FROM wazo_auth.refresh_token r
  WHERE r.token_digest = wazo_auth.refresh_token_family(v_digest) AND r.client_id = client_id;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = v_family.user_uuid FOR NO KEY UPDATE;
  IF NOT wazo_auth.is_replaced_refresh_token(v_digest, v_family.token_digest) THEN
    RETURN false;
  END IF;
  PERFORM wazo_auth.log_message(format('A refresh token of user %s and client %s was used again after it had been '
    'replaced: it ends, with its sessions', v_family.user_uuid, quote_ident(v_family.client_id)));
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY[v_family.token_digest], true);
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.end_reused_refresh_token(text, text) IS
'Ends the family of a refresh token, with its sessions, if that has been replaced: one of two who have it has stolen '
'it. After a failed login, in a transaction of its own; POST /token does so by itself. Returns whether it did.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_expired_refresh_tokens(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_lifetime integer := (wazo_auth.get_setting('refresh_token') ->> 'lifetime')::integer;
  v_ended uuid[];
  v_old uuid[] := '{}'::uuid[];
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  v_ended := ARRAY(SELECT r.token_digest FROM wazo_auth.refresh_token r WHERE r.ends_at <= clock_timestamp()
                   ORDER BY r.ends_at LIMIT batch FOR UPDATE SKIP LOCKED);
  PERFORM wazo_auth.delete_refresh_tokens(v_ended, true);
  IF v_lifetime > 0 THEN
    v_old := ARRAY(SELECT r.token_digest FROM wazo_auth.refresh_token r
                   WHERE r.created_at <= now() - make_interval(secs => v_lifetime)
                   LIMIT batch FOR UPDATE SKIP LOCKED);
    PERFORM wazo_auth.delete_refresh_tokens(v_old, false);
  END IF;
  RETURN GREATEST(cardinality(v_ended), cardinality(v_old));
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_expired_refresh_tokens(integer) IS
'Deletes up to so many (1 to 100000) refresh tokens whose session at the identity provider is over, with their '
'sessions, and as many that are older than the setting refresh_token.lifetime; sessions opened with these end when '
'they would. Returns the greater of these numbers. Raises 22023 for another batch.';
