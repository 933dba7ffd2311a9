CREATE OR REPLACE FUNCTION wazo_auth.try_uuid(value text) RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_try_uuid';
COMMENT ON FUNCTION wazo_auth.try_uuid(text) IS
'The uuid of its canonical lower-case text, null for anything else. A cast would put the text, maybe a secret, into '
'an error message.';

CREATE OR REPLACE FUNCTION wazo_auth.token_check(token uuid, access text DEFAULT NULL, tenant uuid DEFAULT NULL)
RETURNS wazo_auth.token_status
LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_token_check';
COMMENT ON FUNCTION wazo_auth.token_check(uuid, text, uuid) IS
'May the bearer of this token do this, for this tenant? A null access or tenant is not checked. Writes nothing, '
'raises nothing, and works on a standby.';

CREATE OR REPLACE FUNCTION wazo_auth.wait_for_transaction(transaction xid8, patience interval DEFAULT '100 ms')
RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_wait_for_transaction';
COMMENT ON FUNCTION wazo_auth.wait_for_transaction(xid8, interval) IS
'On a standby: waits until the statements after this one see what a transaction of the primary did '
'(pg_current_xact_id() there, or the header Wazo-Auth-Transaction of an answer), no longer than patience. Returns '
'whether they do; if not, ask the primary. Raises 22023 for a patience that is negative or longer than a minute.';

CREATE OR REPLACE FUNCTION wazo_auth.token_owner(token uuid, OUT user_uuid uuid, OUT tenant_uuid uuid)
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_token_owner';
COMMENT ON FUNCTION wazo_auth.token_owner(uuid) IS
'Whose token it is: the user, null for a session without one, and the tenant that the owner is in now. Both null for '
'a token that is not valid. Raises nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.check_request(
  token uuid, access text DEFAULT NULL, tenant uuid DEFAULT NULL,
  OUT status wazo_auth.token_status, OUT user_uuid uuid, OUT tenant_uuid uuid, OUT visible_tenants uuid[])
LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_check_request';
COMMENT ON FUNCTION wazo_auth.check_request(uuid, text, uuid) IS
'All that a daemon asks for one request that it serves: may the bearer of this token do this for this tenant '
'(token_check()), whose token is it (token_owner()), and which tenants does it see: this one, or without one the '
'owner''s, and those below. All but the status is null when that is not valid. Writes nothing and raises nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.check_requests(
  tokens uuid[], accesses text[], tenants uuid[],
  OUT number integer, OUT status wazo_auth.token_status, OUT user_uuid uuid, OUT tenant_uuid uuid,
  OUT visible_tenants uuid[])
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT r.number::integer, c.*
    FROM unnest(tokens, accesses, tenants) WITH ORDINALITY r(token, access, tenant, number)
    CROSS JOIN LATERAL wazo_auth.check_request(r.token, r.access, r.tenant) c
    ORDER BY r.number;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_requests(uuid[], text[], uuid[]) IS
'check_request() of several requests at once, a row each, numbered from 1 in the order of the arrays. A shorter array '
'is filled up with nulls, which check nothing; a null token is unknown.';

CREATE OR REPLACE FUNCTION wazo_auth.token_grants(token uuid, accesses text[])
RETURNS boolean[]
LANGUAGE c STABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_token_grants';
COMMENT ON FUNCTION wazo_auth.token_grants(uuid, text[]) IS
'Which of the accesses the bearer of this token has, in their order; false for all with an unknown token, and for a '
'null. Finds the token once. Raises nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.token_get(token uuid, access text DEFAULT NULL, tenant uuid DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_token_get';
COMMENT ON FUNCTION wazo_auth.token_get(uuid, text, uuid) IS
'The token as GET /token shows it (contract: responses.md section 3), after the checks of token_check(). Raises WA404 '
'for an unknown or expired token, WA403 when access or tenant are refused.';

CREATE OR REPLACE FUNCTION wazo_auth.token_json(token uuid, refresh_token text DEFAULT NULL) RETURNS json
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_token_json';
COMMENT ON FUNCTION wazo_auth.token_json(uuid, text) IS
'The token as POST /token shows it: times with microseconds, and the refresh token if there is one. Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_authentication_failed() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(401, 'Authentication Failed');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_authentication_failed() IS
'Raises WA401, the same whatever was wrong with the credentials.';

CREATE OR REPLACE FUNCTION wazo_auth.default_acl(backend text) RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_name text := COALESCE(wazo_auth.get_setting('backend_policies') ->> backend,
                          wazo_auth.get_setting('default_user_policy') #>> '{}');
BEGIN
  IF v_name IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT p.acl FROM wazo_auth.policy p
    WHERE p.name = v_name AND p.tenant_uuid = (SELECT t.uuid FROM wazo_auth.tenant t WHERE cardinality(t.path) = 1)
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.default_acl(text) IS
'ACL that every token gets: the top tenant''s policy named by the setting backend_policies for this backend, else by '
'default_user_policy; null without one. Another tenant''s policy of that name does not count: its administrator would '
'rule over all.';

CREATE OR REPLACE FUNCTION wazo_auth.granted_acl(user_uuid uuid, below wazo_auth.acl DEFAULT NULL) RETURNS wazo_auth.acl
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_granted_acl';
COMMENT ON FUNCTION wazo_auth.granted_acl(uuid, wazo_auth.acl) IS
'The accesses below, then those of the policies of the user''s groups, by the slugs of group and policy, then of '
'its own policies, by slug; duplicates kept. Where an ACL does not hold them: each once; then the negative ones and as '
'many others as there is room for, in their order, which the log says; nothing where not even the negative ones fit.';

CREATE OR REPLACE FUNCTION wazo_auth.user_acl_pinned(user_uuid uuid, backend text) RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN COALESCE(wazo_auth.granted_acl(user_uuid, wazo_auth.default_acl(backend)),
                  wazo_auth.default_acl(backend), '{}');
END
$$;
COMMENT ON FUNCTION wazo_auth.user_acl_pinned(uuid, text) IS
'The half of wazo_auth.user_acl() that runs as the owner of the extension, with the settings pinned.';

CREATE OR REPLACE FUNCTION wazo_auth.user_acl(user_uuid uuid, backend text DEFAULT 'wazo_user') RETURNS wazo_auth.acl
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_as_owner';
COMMENT ON FUNCTION wazo_auth.user_acl(uuid, text) IS
'ACL that a token of this user would get now: the default policy''s accesses, then those of its groups'' policies, '
'then those of its own, by slug; duplicates kept (contract: semantics.md section 1, step 9).';

CREATE OR REPLACE FUNCTION wazo_auth.is_admin(user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT EXISTS (
             SELECT FROM wazo_auth.user_policy up
             JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
             WHERE up.user_uuid = is_admin.user_uuid AND p.slug = 'wazo_default_admin_policy' AND p.config_managed)
        OR EXISTS (
             SELECT FROM wazo_auth.group_user gu
             JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
             WHERE gu.user_uuid = is_admin.user_uuid AND g.slug = 'wazo_default_admin_group' AND g.config_managed)
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.is_admin(uuid) IS
'Has the user the policy wazo_default_admin_policy, or is it in a group wazo_default_admin_group, as the configuration '
'made them? Others with these slugs do not count: anybody who may make one would be an administrator. For the metadata '
'plugin user_admin_status.';

CREATE OR REPLACE FUNCTION wazo_auth.user_metadata(of_user wazo_auth.user) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_metadata json := json_build_object(
    'uuid', of_user.uuid, 'tenant_uuid', of_user.tenant_uuid, 'auth_id', of_user.uuid,
    'pbx_user_uuid', CASE WHEN of_user.purpose = 'user' THEN of_user.uuid END,
    'xivo_uuid', wazo_auth.get_setting('uuid') #>> '{}', 'purpose', of_user.purpose);
BEGIN
  IF wazo_auth.get_setting('purpose_metadata_mapping') -> of_user.purpose ? 'user_admin_status' THEN
    v_metadata := wazo_auth.merge_metadata(v_metadata,
      json_build_object('admin', wazo_auth.is_admin(of_user.uuid)));
  END IF;
  RETURN v_metadata;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_metadata(wazo_auth.user) IS
'Metadata that a token of this user would get now (contract: semantics.md section 1, step 7).';

CREATE OR REPLACE FUNCTION wazo_auth.merge_metadata(below json, above json) RETURNS json
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF below::text = '{}' THEN
    RETURN above;
  END IF;
  RETURN (
    SELECT json_object_agg(m.key, m.value ORDER BY m.place)
    FROM (SELECT k.key,
                 min(k.place) AS place,
                 (array_agg(k.value::jsonb ORDER BY k.place DESC))[1] AS value
          FROM (SELECT b.key, b.value, b.n AS place FROM json_each(below) WITH ORDINALITY b(key, value, n)
                UNION ALL
                SELECT a.key, a.value, a.n + 100000 FROM json_each(above) WITH ORDINALITY a(key, value, n)) k
          GROUP BY k.key) m
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.merge_metadata(json, json) IS
'Two JSON objects as one: keys of the first come first, values of the second win.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_acl_set(digest uuid) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_lock_acl_set';
COMMENT ON FUNCTION wazo_auth.lock_acl_set(uuid) IS
'Locks a stored set of accesses against its deletion (FOR KEY SHARE). Returns whether there is one.';

CREATE OR REPLACE FUNCTION wazo_auth.store_acl(acl wazo_auth.acl) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_digest uuid := wazo_auth.acl_digest(acl);
BEGIN
  -- The lock keeps the set from being cleared away as unused before the
  -- session that is about to refer to it is there.
  LOOP
    EXIT WHEN wazo_auth.lock_acl_set(v_digest);
    INSERT INTO wazo_auth.acl_set (digest, acl) VALUES (v_digest, acl) ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN v_digest;
END
$$;
COMMENT ON FUNCTION wazo_auth.store_acl(wazo_auth.acl) IS
'Digest of the stored set with this ACL, made when there is none yet; kept until the end of the transaction at least.';

CREATE OR REPLACE FUNCTION wazo_auth.has_live_sessions(user_uuid uuid, number integer) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_has_live_sessions';
COMMENT ON FUNCTION wazo_auth.has_live_sessions(uuid, integer) IS
'Has the user at least that many sessions that have not expired? Looks no further than these.';

CREATE OR REPLACE FUNCTION wazo_auth.is_at_session_cap(user_uuid uuid, purpose text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Not "true": a cap that cannot be read lets nobody in.
  RETURN purpose IS DISTINCT FROM 'internal'
    AND wazo_auth.has_live_sessions(user_uuid, wazo_auth.get_setting('max_user_concurrent_sessions')::integer)
          IS NOT FALSE;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_at_session_cap(uuid, text) IS
'Has the user as many live sessions as max_user_concurrent_sessions allows? Users with the purpose internal have no '
'limit. Exact only while the caller holds a lock on the user''s row.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_sessions(token_digests uuid[], tell_of_service_tokens boolean DEFAULT true)
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_told wazo_auth.session[];
  v_count integer;
BEGIN
  tell_of_service_tokens := COALESCE(tell_of_service_tokens, true);
  IF current_setting('wazo_auth.remote_apply_revocations')::boolean THEN
    PERFORM set_config('synchronous_commit', 'remote_apply', true);
  END IF;
  WITH gone AS (
    DELETE FROM wazo_auth.session s
    USING unnest(token_digests) WITH ORDINALITY AS d(digest, place)
    WHERE s.token_digest = d.digest
    RETURNING s AS session, s.user_uuid IS NOT NULL OR tell_of_service_tokens AS told, d.place
  )
  SELECT count(*), array_agg(g.session ORDER BY g.place) FILTER (WHERE g.told)
  INTO v_count, v_told
  FROM gone g;
  IF v_told IS NOT NULL THEN
    PERFORM wazo_auth.emit_sessions('deleted', v_told);
    -- Of those that expire, the log has said when they would.
    IF tell_of_service_tokens THEN
      PERFORM wazo_auth.audit_sessions('deleted', v_told);
    END IF;
  END IF;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_sessions(uuid[], boolean) IS
'Ends sessions, by the digests of their tokens, in the order given; each with the event auth_session_deleted, for '
'tokens of the service itself only if asked to. Returns how many there were. Every session that ends does so here.';

CREATE OR REPLACE FUNCTION wazo_auth.token_delete(token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY[wazo_auth.token_digest(token_delete.token)]) > 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.token_delete(uuid) IS
'Ends the session of a token. Returns whether there was one; an unknown token is no error.';

CREATE OR REPLACE FUNCTION wazo_auth.verify_credentials(login text, password text) RETURNS wazo_auth.user
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_found record := wazo_auth.password_of_login(login);
  v_uuid uuid := v_found.user_uuid;
  v_hash text := v_found.hash;
  v_user wazo_auth.user;
  v_new_hash text;
BEGIN
  -- Also for nobody, so that the answer takes as long.
  IF NOT wazo_auth.password_verify(password, v_hash)
     OR wazo_auth.effective_authentication_method(v_uuid) IS DISTINCT FROM 'native' THEN
    RETURN NULL;
  END IF;
  IF wazo_auth.password_needs_rehash(v_hash) THEN
    v_new_hash := wazo_auth.password_hash(password);
  END IF;
  -- From here on the user stays as it is: a password change, a disabling or a
  -- deletion that came first is seen, a later one waits and finds the session.
  v_user := wazo_auth.lock_enabled_user(v_uuid);
  IF (wazo_auth.stored_password(v_user.uuid) = v_hash) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF v_new_hash IS NOT NULL THEN
    UPDATE wazo_auth.password p SET hash = v_new_hash WHERE p.user_uuid = v_uuid;
  END IF;
  RETURN v_user;
END
$$;
COMMENT ON FUNCTION wazo_auth.verify_credentials(text, text) IS
'The enabled native user with this username or confirmed address and this password, whose row it locks. Rehashes a '
'password that is stored in an old way. Null for anything that is wrong, at the same cost. Raises WA503 when too many '
'passwords are being checked.';

CREATE OR REPLACE FUNCTION wazo_auth.log_login(login text, token uuid, remote_addr text, user_agent text)
RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_log_login';
COMMENT ON FUNCTION wazo_auth.log_login(text, uuid, text, text) IS
'Writes into the server''s log, and nowhere else, that somebody logged in, with the end of the token, or, where that '
'is null, failed to. Returns whether it did not fail.';

CREATE OR REPLACE FUNCTION wazo_auth.insert_session(
  token_digest uuid, user_uuid uuid, tenant_uuid uuid, acl_digest uuid, expiration integer, mobile boolean,
  refresh_token_digest uuid, metadata json, user_agent text, remote_addr text)
RETURNS wazo_auth.session
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_insert_session';
COMMENT ON FUNCTION wazo_auth.insert_session(uuid, uuid, uuid, uuid, integer, boolean, uuid, json, text, text) IS
'Inserts the row of a session that begins now and ends in so many seconds, and returns it; the other arguments are '
'columns of wazo_auth.session.';

CREATE OR REPLACE FUNCTION wazo_auth.open_session(
  of_user wazo_auth.user, expiration integer, acl wazo_auth.acl, metadata json, mobile boolean,
  refresh_token_digest uuid, user_agent text, remote_addr text)
RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  v_token uuid := gen_random_uuid();
  v_session wazo_auth.session := wazo_auth.insert_session(
    wazo_auth.token_digest(v_token), of_user.uuid, of_user.tenant_uuid, wazo_auth.store_acl(acl), expiration, mobile,
    refresh_token_digest, metadata, left(user_agent, 1024), left(remote_addr, 256));
  -- Assigned and not performed: that would be a query, at every login.
  v_event bigint := wazo_auth.emit_session_created(v_session.uuid, v_session.tenant_uuid, v_session.user_uuid,
    v_session.mobile);
  v_audit bigint := wazo_auth.audit_session('created'::text, v_session);
BEGIN
  RETURN v_token;
END
$$;
COMMENT ON FUNCTION wazo_auth.open_session(wazo_auth.user, integer, wazo_auth.acl, json, boolean, uuid, text, text) IS
'Makes a session of a user, whose row the caller has locked, and returns its token, which is stored nowhere; with the '
'event auth_session_created. expiration in seconds.';

CREATE OR REPLACE FUNCTION wazo_auth.token_create_pinned(
  login text, password text, expiration integer, access_type text, client_id text, refresh_token text,
  mobile boolean, backend text, user_agent text, remote_addr text, members jsonb,
  OUT token uuid, OUT new_refresh_token text, OUT sessions_revoked integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
  v_user wazo_auth.user;
  v_found record;
  v_answer wazo_auth.login_answer;
  v_refresh wazo_auth.refresh_token;
  v_obtained record;
  v_parts record;
  v_metadata json;
  v_kept_metadata json;
  v_more_acl wazo_auth.acl;
  v_acl wazo_auth.acl;
  v_attempt wazo_auth.login_attempt := ROW(login, password, refresh_token, client_id,
                                           COALESCE(members, '{}'::jsonb));
  v_guessed text;
  v_wait record;
  v_failed_before boolean := false;
  v_logged boolean;
BEGIN
  IF num_nulls(mobile, members, user_agent, remote_addr) > 0 THEN
    mobile := COALESCE(mobile, false);
    members := COALESCE(members, '{}'::jsonb);
    user_agent := COALESCE(user_agent, '');
    remote_addr := COALESCE(remote_addr, '');
  END IF;
  IF access_type NOT IN ('online', 'offline') OR expiration NOT BETWEEN 1 AND 315360000
     OR (access_type = 'offline' AND (COALESCE(client_id, '') = '' OR refresh_token <> '')) THEN
    RAISE EXCEPTION 'access_type is online or offline, offline needs a client_id and no refresh_token, expiration is 1 '
      'to 315360000 seconds'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  sessions_revoked := 0;
  -- Without an address nobody is made to wait.
  IF remote_addr <> '' THEN
    v_guessed := wazo_auth.guessed(v_attempt);
    IF wazo_auth.has_login_failures(v_guessed, remote_addr) THEN
      v_wait := wazo_auth.login_wait(v_guessed, remote_addr);
      v_failed_before := v_wait.failed_before;
      IF v_wait.seconds > 0 THEN
        PERFORM wazo_auth.log_login(login, NULL::uuid, remote_addr, user_agent);
        PERFORM wazo_auth.check_login_wait(v_wait.seconds);
      END IF;
    END IF;
  END IF;
  -- Before anything is written: a provider may have to ask somebody over the network.
  v_found := wazo_auth.login_user(v_attempt);
  v_user := v_found.of_user;
  v_answer := v_found.answer;
  v_refresh := v_answer.refresh_token;
  IF v_user.uuid IS NULL OR v_answer.ends_at <= clock_timestamp() + interval '1 second' THEN
    PERFORM wazo_auth.log_login(COALESCE(v_answer.login, login), NULL::uuid, remote_addr, user_agent);
    PERFORM wazo_auth.raise_authentication_failed();
  END IF;
  IF v_failed_before THEN
    PERFORM wazo_auth.forget_login_failures(v_guessed, remote_addr);
  END IF;

  v_metadata := wazo_auth.user_metadata(v_user);
  IF v_answer.backend IS NOT NULL OR wazo_auth.registered('metadata') IS NOT NULL
     OR wazo_auth.registered('persistent_metadata') IS NOT NULL THEN
    v_parts := wazo_auth.plugin_parts(v_user, v_answer, v_metadata,
      members - 'refresh_token'::text || jsonb_build_object(
        'backend', backend, 'access_type', access_type, 'client_id', client_id, 'mobile', mobile,
        'user_agent', user_agent, 'remote_addr', remote_addr));
    v_metadata := v_parts.metadata;
    v_kept_metadata := v_parts.persistent_metadata;
    v_more_acl := v_parts.acl;
  END IF;
  IF access_type = 'offline' THEN
    v_obtained := wazo_auth.obtain_refresh_token(v_user.uuid, client_id, v_answer.login, mobile, backend,
      user_agent, remote_addr, v_kept_metadata, v_answer.ends_at);
    v_refresh := v_obtained.refresh_token;
    new_refresh_token := v_obtained.token;
    sessions_revoked := v_obtained.revoked;
  END IF;
  IF v_refresh.token_digest IS NOT NULL AND new_refresh_token IS NULL THEN
    new_refresh_token := wazo_auth.rotate_refresh_token(
      wazo_auth.token_digest(wazo_auth.try_uuid(refresh_token)), v_refresh.token_digest);
  END IF;
  -- After a mobile login has ended the sessions that it takes the place of.
  IF wazo_auth.is_at_session_cap(v_user.uuid, v_user.purpose) THEN
    PERFORM wazo_auth.raise_error(429, format('User %s has exceeded the maximum number of active sessions',
      v_user.uuid));
  END IF;

  v_acl := wazo_auth.user_acl_pinned(v_user.uuid, backend);
  IF v_more_acl IS NOT NULL THEN
    v_acl := wazo_auth.acl_concat(v_acl, v_more_acl);
  END IF;
  IF v_answer.metadata IS NOT NULL THEN
    v_metadata := wazo_auth.merge_metadata(v_answer.metadata, v_metadata);
  END IF;
  IF v_refresh.metadata::text <> '{}' THEN
    v_metadata := wazo_auth.merge_metadata(v_refresh.metadata, v_metadata);
  END IF;
  token := wazo_auth.open_session(
    v_user,
    LEAST(COALESCE(expiration, wazo_auth.get_setting('default_token_lifetime')::integer),
          floor(extract(epoch FROM v_answer.ends_at - clock_timestamp())))::integer, v_acl, v_metadata,
    mobile, v_refresh.token_digest, user_agent, remote_addr);
  IF v_answer.opened IS NOT NULL THEN
    EXECUTE format('SELECT %s($1, $2, $3)', to_regprocedure(v_answer.opened || '(uuid,uuid,uuid)')::oid::regproc)
    USING v_answer.record, wazo_auth.token_digest(token), v_refresh.token_digest;
  END IF;
  -- Assigned and not performed: that would be a query, at every login.
  v_logged := wazo_auth.log_login(v_answer.login, token, remote_addr, user_agent);
END
$$;
COMMENT ON FUNCTION wazo_auth.token_create_pinned(
  text, text, integer, text, text, text, boolean, text, text, text, jsonb) IS
'The half of wazo_auth.token_create() that runs as the owner of the extension, with the settings pinned.';

CREATE OR REPLACE FUNCTION wazo_auth.token_create(
  login text DEFAULT NULL, password text DEFAULT NULL, expiration integer DEFAULT NULL,
  access_type text DEFAULT 'online', client_id text DEFAULT NULL, refresh_token text DEFAULT NULL,
  mobile boolean DEFAULT false, backend text DEFAULT 'wazo_user', user_agent text DEFAULT '',
  remote_addr text DEFAULT '', members jsonb DEFAULT '{}',
  OUT token uuid, OUT new_refresh_token text, OUT sessions_revoked integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_as_owner';
COMMENT ON FUNCTION wazo_auth.token_create(
  text, text, integer, text, text, text, boolean, text, text, text, jsonb) IS
'Logs in: by login and password, by refresh_token and client_id, or with what else an identity provider asks for in '
'members: domain_name or tenant_id for LDAP, saml_session_id for SAML. expiration in seconds, null for the setting '
'default_token_lifetime; the session ends earlier where the identity provider says so. access_type offline also '
'obtains a refresh token for client_id. Returns the token, the refresh token if one was asked for, and how many '
'sessions a mobile login ended; the server''s log gets a line of it. Raises 22023 for arguments that do not fit '
'together, WA401, WA429 at the session cap and after too many failed logins from remote_addr '
'(wazo_auth.count_failed_login()), WA503 when too many passwords are being checked, and what registered functions fail '
'with (contract: semantics.md section 1).';
