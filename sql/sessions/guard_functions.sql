-- Guessing passwords: each failed login makes the next one wait, longer and
-- longer. Nobody is made to wait inside the server, which would hold a
-- connection for every attempt; who comes too early is refused before a password
-- is looked at, and told when to come back. Names that nobody has count as others
-- do.

CREATE OR REPLACE FUNCTION wazo_auth.is_network(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN value::cidr IS NOT NULL;
EXCEPTION WHEN invalid_text_representation THEN
  RETURN false;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_network(text) IS
'Is it an address, or a network as 192.0.2.0/24 or 2001:db8::/32?';

CREATE OR REPLACE FUNCTION wazo_auth.peer_network(peer text) RETURNS cidr
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_peer_network';
COMMENT ON FUNCTION wazo_auth.peer_network(text) IS
'Who counts as one client: an IPv4 address, or the 64 bits of an IPv6 network. Clients of a Unix socket ("local") are '
'at 127.0.0.1, what is no address is ::/128; null for an empty or null peer.';

CREATE OR REPLACE FUNCTION wazo_auth.login_failure_key(login text, network cidr) RETURNS uuid
LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'wazo_auth_login_failure_key';
COMMENT ON FUNCTION wazo_auth.login_failure_key(text, cidr) IS
'Key in wazo_auth.login_failure of a login from a network; null for any login, or for everywhere.';

CREATE OR REPLACE FUNCTION wazo_auth.guessed(attempt wazo_auth.login_attempt) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- The login first: it would be tried under many counts otherwise, each with another token beside it. A blank comes
  -- first in no login: a token has a count of its own, so that a device that goes on with an old one holds up itself
  -- alone.
  RETURN CASE
    WHEN attempt.login <> '' THEN ltrim(wazo_auth.normal_login(attempt.login))
    WHEN attempt.refresh_token <> '' THEN ' refresh_token ' || attempt.refresh_token
    WHEN attempt.members ->> 'saml_session_id' <> '' THEN ' saml ' || (attempt.members ->> 'saml_session_id') END;
END
$$;
COMMENT ON FUNCTION wazo_auth.guessed(wazo_auth.login_attempt) IS
'What a login tries, as it is counted: the folded login, or the token that stands for it; null for nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.has_login_failures(login text, peer text) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_has_login_failures';
COMMENT ON FUNCTION wazo_auth.has_login_failures(text, text) IS
'Is there a count of failures with this wazo_auth.guessed() from this address, of any from there or of this one from '
'anywhere? Where there is none, wazo_auth.login_wait() says 0 and false.';

CREATE OR REPLACE FUNCTION wazo_auth.login_wait(
  login text, peer text, OUT seconds integer, OUT failed_before boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_network cidr := wazo_auth.peer_network(peer);
  v_key uuid;
  v_not_before timestamptz;
BEGIN
  seconds := 0;
  failed_before := false;
  IF login IS NULL OR v_network IS NULL THEN
    RETURN;
  END IF;
  v_key := wazo_auth.login_failure_key(login, v_network);
  SELECT max(f.not_before), COALESCE(bool_or(f.key = v_key), false) INTO v_not_before, failed_before
  FROM wazo_auth.login_failure f
  WHERE f.key = ANY (ARRAY[v_key, wazo_auth.login_failure_key(NULL::text, v_network),
                           wazo_auth.login_failure_key(login, NULL::cidr)]);
  IF v_not_before > now() AND wazo_auth.is_guarded(v_network) THEN
    seconds := ceil(extract(epoch FROM v_not_before - now()));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_wait(text, text) IS
'In how many seconds there may be an attempt with this wazo_auth.guessed() from this address; 0: now. failed_before: '
'it has failed from there of late, and wazo_auth.forget_login_failures() is to be called if it is right now.';

CREATE OR REPLACE FUNCTION wazo_auth.check_login_wait(seconds integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF seconds > 0 THEN
    PERFORM wazo_auth.raise_try_later('Too many failed logins, try again later', seconds);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_login_wait(integer) IS
'Raises WA429 unless the wait of wazo_auth.login_wait() is over.';

CREATE OR REPLACE FUNCTION wazo_auth.is_guarded(network cidr) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (wazo_auth.get_setting('login_guard') ->> 'enabled')::boolean
    AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(
                      wazo_auth.get_setting('login_guard') -> 'exempt_networks') e
                    WHERE is_guarded.network <<= e::cidr);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_guarded(cidr) IS
'Are failed logins from this network counted? See the settings login_guard.*.';

CREATE OR REPLACE FUNCTION wazo_auth.forget_login_failures(login text, peer text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- What the network has tried with other logins stays, or an attacker with an account would begin anew at will; so
  -- does what others have tried with this one.
  DELETE FROM wazo_auth.login_failure f
  WHERE f.key = wazo_auth.login_failure_key(login, wazo_auth.peer_network(peer));
END
$$;
COMMENT ON FUNCTION wazo_auth.forget_login_failures(text, text) IS
'What failed with this login from this address counts no more: it was right.';

CREATE OR REPLACE FUNCTION wazo_auth.login_failure_limits(
  login_digest uuid, network cidr, OUT allowed integer, OUT longest integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_guard jsonb := wazo_auth.get_setting('login_guard');
BEGIN
  allowed := (v_guard ->> CASE WHEN network IS NULL THEN 'login_failures'
                               WHEN login_digest IS NULL THEN 'network_failures' ELSE 'failures' END)::integer;
  longest := (v_guard ->> CASE WHEN network IS NULL THEN 'longest_login_wait' ELSE 'longest_wait' END)::integer;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_failure_limits(uuid, cidr) IS
'How many failures may follow one another before there is a wait, and the longest one in seconds, of a row of '
'wazo_auth.login_failure.';

CREATE OR REPLACE FUNCTION wazo_auth.login_failures_left(failures real, not_before timestamptz, allowed integer)
RETURNS real
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN greatest(0, failures - allowed * greatest(0, extract(epoch FROM now() - not_before))
                                / (wazo_auth.get_setting('login_guard') ->> 'refill_seconds')::integer);
END
$$;
COMMENT ON FUNCTION wazo_auth.login_failures_left(real, timestamptz, integer) IS
'How many of the failures still count: as many as are allowed are forgiven in each login_guard.refill_seconds, evenly.';

CREATE OR REPLACE FUNCTION wazo_auth.count_login_failure(login_digest uuid, network cidr, key uuid, user_uuid uuid)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_limits record := wazo_auth.login_failure_limits(login_digest, network);
  v_failures real;
  v_wait integer;
BEGIN
  INSERT INTO wazo_auth.login_failure AS f (key, login_digest, network, failures, not_before)
  VALUES (key, login_digest, network, 1, now())
  ON CONFLICT ON CONSTRAINT login_failure_pkey DO UPDATE
  -- Enough for the longest wait that can be set, so that no storm of failures takes longer to be forgiven.
  SET failures = least(wazo_auth.login_failures_left(f.failures, f.not_before, v_limits.allowed) + 1,
                       v_limits.allowed + 18),
      not_before = greatest(f.not_before, now())
  RETURNING f.failures INTO v_failures;
  IF v_failures <= v_limits.allowed OR v_limits.longest = 0 THEN
    RETURN;
  END IF;
  v_wait := least(v_limits.longest, 2 ^ (ceil(v_failures - v_limits.allowed) - 1))::integer;
  UPDATE wazo_auth.login_failure f SET not_before = f.not_before + make_interval(secs => v_wait) WHERE f.key = key;
  IF v_wait >= 60 THEN
    PERFORM wazo_auth.emit_login_locked(key, network, CASE WHEN login_digest IS NOT NULL THEN user_uuid END, v_wait);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.count_login_failure(uuid, cidr, uuid, uuid) IS
'One more failure of a row of wazo_auth.login_failure. From the first one that is too many on, the wait doubles with '
'each: 1 second, 2, 4 …; one of a minute or more has the event auth_login_locked.';

CREATE OR REPLACE FUNCTION wazo_auth.login_failed(login text, peer text, user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_network cidr := wazo_auth.peer_network(peer);
  v_named uuid := wazo_auth.try_uuid(login);
  v_digest uuid;
BEGIN
  IF login IS NULL OR v_network IS NULL OR NOT wazo_auth.is_guarded(v_network) THEN
    RETURN;
  END IF;
  v_digest := wazo_auth.login_failure_key(login, NULL::cidr);
  -- Of what was typed alone depends what is looked for, so that the time does not tell who has an account.
  IF v_named IS NOT NULL THEN
    user_uuid := COALESCE(user_uuid, (SELECT u.uuid FROM wazo_auth.user u WHERE u.uuid = v_named));
  END IF;
  -- In the order of their keys, so that two cannot wait for each other.
  PERFORM wazo_auth.count_login_failure(k.login_digest, k.network, k.key, user_uuid)
  FROM (VALUES (v_digest, v_network, wazo_auth.login_failure_key(login, v_network)),
               (NULL::uuid, v_network, wazo_auth.login_failure_key(NULL::text, v_network)),
               (v_digest, NULL::cidr, v_digest)) k (login_digest, network, key)
  -- A token is tried from one place, or is nobody's.
  WHERE k.network IS NOT NULL OR login NOT LIKE ' %'
  ORDER BY k.key;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_failed(text, text, uuid) IS
'Counts a failed attempt with this wazo_auth.guessed() from this address, in a transaction that must not be rolled '
'back with it. user_uuid: whose login it is, for the event auth_login_locked; null for nobody''s, or for a uuid.';

CREATE OR REPLACE FUNCTION wazo_auth.count_failed_login(login text, remote_addr text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_guessed text := ltrim(wazo_auth.normal_login(login));
BEGIN
  PERFORM wazo_auth.login_failed(v_guessed, remote_addr, wazo_auth.resolve_login(v_guessed));
END
$$;
COMMENT ON FUNCTION wazo_auth.count_failed_login(text, text) IS
'Counts a failed login, for callers of wazo_auth.token_create() with a remote_addr: its error has rolled back all that '
'it could have written, so they call this in a transaction of its own. The routes do so by themselves.';

CREATE OR REPLACE FUNCTION wazo_auth.unlock_logins(logins text[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM wazo_auth.login_failure f
  WHERE f.login_digest IN (SELECT wazo_auth.login_failure_key(ltrim(l), NULL::cidr) FROM unnest(logins) l);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.unlock_logins(text[]) IS
'Forgets the failures of some folded logins, from wherever they came. Returns how many counts there were.';

CREATE OR REPLACE FUNCTION wazo_auth.unlock_user(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unlock_logins(ARRAY(
    SELECT l.login FROM wazo_auth.login l WHERE l.user_uuid = unlock_user.user_uuid) || unlock_user.user_uuid::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.unlock_user(uuid) IS
'Forgets the failed logins of a user, with each of its names, and its wrong old passwords. Returns how many counts '
'there were.';

CREATE OR REPLACE FUNCTION wazo_auth.unlock_login(login text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unlock_user(wazo_auth.resolve_login(login))
       + wazo_auth.unlock_logins(ARRAY[wazo_auth.normal_login(login)]);
END
$$;
COMMENT ON FUNCTION wazo_auth.unlock_login(text) IS
'Forgets the failed logins with this login, and with the other names of its user, from wherever they came; what a '
'network is refused for stays (wazo_auth.unlock_network()). Returns how many counts there were.';

CREATE OR REPLACE FUNCTION wazo_auth.unlock_network(network cidr) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_count integer;
BEGIN
  DELETE FROM wazo_auth.login_failure f WHERE f.network <<= network;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.unlock_network(cidr) IS
'Forgets the failed logins from the addresses of a network. Returns how many counts there were.';

CREATE OR REPLACE VIEW wazo_auth.refused_logins AS
SELECT f.network, f.login_digest IS NULL AS any_login, f.failures, f.not_before AS until
FROM wazo_auth.login_failure f
WHERE f.not_before > pg_catalog.now();
COMMENT ON VIEW wazo_auth.refused_logins IS
'From where logins are refused for now, for failures: end it with wazo_auth.unlock_login() or unlock_network()';
COMMENT ON COLUMN wazo_auth.refused_logins.network IS 'Null: one login is refused from everywhere';
COMMENT ON COLUMN wazo_auth.refused_logins.any_login IS 'Is every login refused from there, or one?';

CREATE OR REPLACE FUNCTION wazo_auth.delete_login_failures(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- Most rows that stay; who has many networks could fill a disk otherwise.
  c_most CONSTANT integer := 100000;
  v_over integer;
  v_count integer;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT greatest(count(*) - c_most, 0) INTO v_over FROM wazo_auth.login_failure;
  DELETE FROM wazo_auth.login_failure f
  WHERE f.key IN (
    SELECT o.key FROM (
      (SELECT x.key FROM wazo_auth.login_failure x
       WHERE x.not_before < now()
         AND wazo_auth.login_failures_left(x.failures, x.not_before,
               (wazo_auth.login_failure_limits(x.login_digest, x.network)).allowed) = 0
       LIMIT batch)
      UNION
      (SELECT x.key FROM wazo_auth.login_failure x ORDER BY x.not_before LIMIT least(v_over, batch))) o);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_login_failures(integer) IS
'Removes up to so many (1 to 100000) counts of failed logins that are forgiven, and as many of the oldest when there '
'are more than 100000. Returns how many. Raises 22023 for another batch.';
