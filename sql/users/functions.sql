CREATE OR REPLACE FUNCTION wazo_auth.fold_login(login text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_fold_login';
COMMENT ON FUNCTION wazo_auth.fold_login(text) IS
'Text as lists are searched: lower case by Unicode''s simple mapping, whatever the locale.';

CREATE OR REPLACE FUNCTION wazo_auth.normal_login(login text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_normal_login';
COMMENT ON FUNCTION wazo_auth.normal_login(text) IS
'Username or e-mail address as it is compared: in lower case, whatever the locale. An address is the mailbox that it '
'leads to: its domain in the form of wazo_auth.normal_domain(), its local part without needless quotes and in '
'Unicode''s compatibility form (NFKC).';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_user(user_uuid text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', user_uuid), 'unknown-user',
                                json_build_object('uuid', user_uuid), 'users');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_user(text) IS 'Raises WA404 unknown-user.';

CREATE OR REPLACE FUNCTION wazo_auth.user_in_sight(user_uuid uuid, tenant_uuid uuid, caller uuid) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_user_in_sight';
COMMENT ON FUNCTION wazo_auth.user_in_sight(uuid, uuid, uuid) IS
'Is the user in the tenant or below it, or the caller itself?';

CREATE OR REPLACE FUNCTION wazo_auth.raise_login_in_use(login text, kind text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
    json_build_object(CASE kind WHEN 'username' THEN 'username' ELSE 'email_address' END,
      json_build_object('constraint_id', 'unique', 'message', format('The login "%s" is already used', login))),
        'users');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_login_in_use(text, text) IS
'Raises WA409 for a username (kind "username") or e-mail address (kind "email") that another user has.';

CREATE OR REPLACE FUNCTION wazo_auth.claim_logins(user_uuid uuid, username text, addresses text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_place bigint;
BEGIN
  -- In one order, so that two who want the same logins cannot wait for each other.
  WITH wanted AS (
    SELECT wazo_auth.normal_login(w.login) AS login, bool_or(w.place = 0) AS is_username,
      bool_or(w.place > 0) AS is_email,
           min(w.place) AS place
    FROM (SELECT username, 0 WHERE username IS NOT NULL
          UNION ALL
          SELECT a.address, a.place FROM unnest(addresses) WITH ORDINALITY a(address, place)) w(login, place)
    GROUP BY 1
  ), claimed AS (
    INSERT INTO wazo_auth.login AS l (login, user_uuid, is_username, is_email)
    SELECT w.login, user_uuid, w.is_username, w.is_email FROM wanted w ORDER BY w.login COLLATE "C"
    ON CONFLICT ON CONSTRAINT login_pkey DO UPDATE
    SET is_username = l.is_username OR EXCLUDED.is_username, is_email = l.is_email OR EXCLUDED.is_email
    WHERE l.user_uuid = EXCLUDED.user_uuid
    RETURNING l.login
  )
  SELECT min(w.place) INTO v_place FROM wanted w WHERE NOT EXISTS (SELECT FROM claimed c WHERE c.login = w.login);
  IF v_place = 0 THEN
    PERFORM wazo_auth.raise_login_in_use(username, 'username');
  ELSIF v_place > 0 THEN
    PERFORM wazo_auth.raise_login_in_use(addresses[v_place], 'email');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_logins(uuid, text, text[]) IS
'Reserves a username (null: none) and e-mail addresses for a user. Raises WA409 for the first of them that another '
'user has.';

CREATE OR REPLACE FUNCTION wazo_auth.release_logins(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Each name is folded once, whatever is compared with it.
  WITH kept AS MATERIALIZED (
    SELECT k.login, bool_or(k.is_username) AS is_username, bool_or(NOT k.is_username) AS is_email
    FROM (SELECT wazo_auth.normal_login(u.username), true FROM wazo_auth.user u
          WHERE u.uuid = release_logins.user_uuid AND u.username IS NOT NULL
          UNION ALL
          SELECT wazo_auth.normal_login(e.address), false FROM wazo_auth.email e
          WHERE e.user_uuid = release_logins.user_uuid) k(login, is_username)
    GROUP BY k.login
  ), gone AS (
    DELETE FROM wazo_auth.login l
    WHERE l.user_uuid = release_logins.user_uuid AND NOT EXISTS (SELECT FROM kept k WHERE k.login = l.login)
  )
  UPDATE wazo_auth.login l
  SET is_username = k.is_username, is_email = k.is_email
  FROM kept k
  WHERE l.login = k.login AND l.user_uuid = release_logins.user_uuid
    AND (l.is_username, l.is_email) IS DISTINCT FROM (k.is_username, k.is_email);
END
$$;
COMMENT ON FUNCTION wazo_auth.release_logins(uuid) IS
'Gives up the logins that are neither the user''s username nor one of its addresses any more. The caller has locked '
'the user.';

CREATE OR REPLACE FUNCTION wazo_auth.resolve_login(login text) RETURNS uuid
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_resolve_login';
COMMENT ON FUNCTION wazo_auth.resolve_login(text) IS
'The enabled user that logs in with this username or confirmed e-mail address, or null (contract: semantics.md '
'section 1, step 4), at the same cost.';

CREATE OR REPLACE FUNCTION wazo_auth.owner_of_login(login text, OUT user_uuid uuid, OUT tenant_uuid uuid)
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_owner_of_login';
COMMENT ON FUNCTION wazo_auth.owner_of_login(text) IS 'wazo_auth.resolve_login(), and the user''s tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.password_of_login(login text, OUT user_uuid uuid, OUT hash text)
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_password_of_login';
COMMENT ON FUNCTION wazo_auth.password_of_login(text) IS
'wazo_auth.resolve_login(), and the hash of the user''s password, null without one, at the same cost.';

CREATE OR REPLACE FUNCTION wazo_auth.effective_authentication_method(user_uuid uuid) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_effective_authentication_method';
COMMENT ON FUNCTION wazo_auth.effective_authentication_method(uuid) IS
'The user''s own authentication method, or its tenant''s where the own one is "default"; null for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_enabled_user(user_uuid uuid) RETURNS wazo_auth.user
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_lock_enabled_user';
COMMENT ON FUNCTION wazo_auth.lock_enabled_user(uuid) IS
'The row of the user, if it is enabled, locked against changes (FOR NO KEY UPDATE); null otherwise.';

CREATE OR REPLACE FUNCTION wazo_auth.stored_password(user_uuid uuid) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_stored_password';
COMMENT ON FUNCTION wazo_auth.stored_password(uuid) IS
'The hash of the user''s password; null without one.';

CREATE OR REPLACE FUNCTION wazo_auth.store_password(user_uuid uuid, hash text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  PERFORM wazo_auth.keep_old_password(user_uuid);
  IF hash IS NULL THEN
    DELETE FROM wazo_auth.password p WHERE p.user_uuid = store_password.user_uuid;
  ELSE
    INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (user_uuid, hash)
    ON CONFLICT ON CONSTRAINT password_pkey DO UPDATE SET hash = EXCLUDED.hash;
  END IF;
  DELETE FROM wazo_auth.crypt_password c WHERE c.user_uuid = store_password.user_uuid;
  PERFORM wazo_auth.void_user_mail_tokens(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.store_password(uuid, text) IS
'Stores the hash of a user''s new password, null for none, in the place of what was imported, and ends the tokens of '
'mails to the user, which could replace it again.';

CREATE OR REPLACE FUNCTION wazo_auth.set_password(user_uuid uuid, password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, wazo_auth.new_password_hash(password, user_uuid, 'password'::text));
END
$$;
COMMENT ON FUNCTION wazo_auth.set_password(uuid, text) IS
'Sets a user''s password; null removes it. Sessions are left alone, tokens of mails end.';

CREATE OR REPLACE FUNCTION wazo_auth.import_password(user_uuid uuid, password_hash text, password_salt bytea)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, wazo_auth.password_from_upstream(password_hash, password_salt));
END
$$;
COMMENT ON FUNCTION wazo_auth.import_password(uuid, text, bytea) IS
'Sets a user''s password to one of the Python server''s: 128 hex digits of PBKDF2-HMAC-SHA512 and the 64-byte salt. '
'The next login stores it as argon2id. Raises 22023 for what is none.';

CREATE OR REPLACE FUNCTION wazo_auth.default_authentication_method(purpose text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN purpose IN ('internal', 'external_api') THEN 'native' ELSE 'default' END;
END;
COMMENT ON FUNCTION wazo_auth.default_authentication_method(text) IS
'Authentication method of a user for whom none is given (contract: schemas.md, UserPost).';

CREATE OR REPLACE FUNCTION wazo_auth.create_user(
  tenant_uuid uuid, username text DEFAULT NULL, password text DEFAULT NULL, email_address text DEFAULT NULL,
  firstname text DEFAULT NULL, lastname text DEFAULT NULL, purpose text DEFAULT 'user',
  authentication_method text DEFAULT NULL, enabled boolean DEFAULT true, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_login record;
  v_hash text;
BEGIN
  purpose := COALESCE(purpose, 'user');
  enabled := COALESCE(enabled, true);
  PERFORM wazo_auth.check_authentication_method(authentication_method);
  -- Before anything is locked: it takes its time.
  v_hash := wazo_auth.new_password_hash(password, NULL::uuid, 'password'::text);
  -- Against a tenant that is being deleted; its group of all users goes with it.
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  BEGIN
    INSERT INTO wazo_auth.user (uuid, tenant_uuid, username, firstname, lastname, purpose, authentication_method,
      enabled)
    VALUES (v_uuid, tenant_uuid, username, firstname, lastname, purpose,
            COALESCE(authentication_method, wazo_auth.default_authentication_method(purpose)), enabled);
  EXCEPTION WHEN unique_violation THEN
    -- A login in use is told first.
    FOR v_login IN SELECT * FROM (VALUES (username, 'username'), (email_address, 'email')) c(login, kind) LOOP
      IF EXISTS (SELECT FROM wazo_auth.login l WHERE l.login = wazo_auth.normal_login(v_login.login)) THEN
        PERFORM wazo_auth.raise_login_in_use(v_login.login, v_login.kind);
      END IF;
    END LOOP;
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      json_build_object('uuid', json_build_object(
        'constraint_id', 'unique', 'message', format('The uuid "%s" is already used', v_uuid))), 'users');
  END;
  PERFORM wazo_auth.claim_logins(v_uuid, username, array_remove(ARRAY[email_address], NULL));
  IF email_address IS NOT NULL THEN
    INSERT INTO wazo_auth.email (user_uuid, address, main, confirmed) VALUES (v_uuid, email_address, true, true);
  END IF;
  IF v_hash IS NOT NULL THEN
    INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (v_uuid, v_hash);
  END IF;
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid)
  SELECT g.uuid, v_uuid FROM wazo_auth.group g WHERE g.tenant_uuid = create_user.tenant_uuid AND g.system_managed;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_user(uuid, text, text, text, text, text, text, text, boolean, uuid) IS
'Creates a user in a tenant and in the tenant''s group of all users; the e-mail address is main and confirmed. '
'authentication_method: null for "default", or "native" for the purposes internal and external_api. Raises WA400 for '
'an unknown method, WA404 for an unknown tenant, WA409 for a login or uuid in use.';

CREATE OR REPLACE FUNCTION wazo_auth.end_user_sessions(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s
    WHERE s.user_uuid = end_user_sessions.user_uuid
    ORDER BY s.issued_at, s.uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.end_user_sessions(uuid) IS
'Ends all sessions of a user. Returns how many. The caller has locked the user, so that no login opens another one '
'meanwhile.';

CREATE OR REPLACE FUNCTION wazo_auth.revoke_user_access(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_refresh_tokens(ARRAY(
           SELECT r.token_digest FROM wazo_auth.refresh_token r
           WHERE r.user_uuid = revoke_user_access.user_uuid
           ORDER BY r.created_at, r.token_digest), true)
       + wazo_auth.end_user_sessions(user_uuid) + wazo_auth.void_user_mail_tokens(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.revoke_user_access(uuid) IS
'Ends all sessions and revokes all refresh tokens of a user, whom the caller has locked, and ends the tokens of mails '
'to it. Returns how many sessions ended.';

CREATE OR REPLACE FUNCTION wazo_auth.update_user(
  user_uuid uuid, username text DEFAULT NULL, firstname text DEFAULT NULL, lastname text DEFAULT NULL,
  purpose text DEFAULT 'user', authentication_method text DEFAULT NULL, enabled boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  purpose := COALESCE(purpose, 'user');
  enabled := COALESCE(enabled, true);
  PERFORM wazo_auth.check_authentication_method(authentication_method);
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM wazo_auth.claim_logins(user_uuid, username);
  UPDATE wazo_auth.user u
  SET username = update_user.username, firstname = update_user.firstname, lastname = update_user.lastname,
      purpose = update_user.purpose, enabled = update_user.enabled,
      authentication_method = COALESCE(update_user.authentication_method,
        wazo_auth.default_authentication_method(update_user.purpose))
  WHERE u.uuid = user_uuid;
  PERFORM wazo_auth.release_logins(user_uuid);
  IF NOT enabled THEN
    PERFORM wazo_auth.end_user_sessions(user_uuid);
    PERFORM wazo_auth.void_user_mail_tokens(user_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.update_user(uuid, text, text, text, text, text, boolean) IS
'Replaces what is known of a user: what is not given gets its default. Password and e-mail addresses stay. Disabling '
'ends the sessions, and the tokens of mails. Raises WA400 for an unknown method, WA404 for an unknown user, WA409 for '
'a username in use (contract: semantics.md section 5).';

CREATE OR REPLACE FUNCTION wazo_auth.delete_user(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  -- Not by cascade: each of them is told about.
  PERFORM wazo_auth.revoke_user_access(user_uuid);
  DELETE FROM wazo_auth.user u WHERE u.uuid = user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_user(uuid) IS
'Deletes a user with its sessions, refresh tokens, addresses, memberships and policies. Raises WA404 for an unknown '
'user.';

CREATE OR REPLACE FUNCTION wazo_auth.replace_password(user_uuid uuid, hash text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_password(user_uuid, hash);
  PERFORM wazo_auth.revoke_user_access(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.replace_password(uuid, text) IS
'Stores the hash of a new password, null for none, and ends the sessions and refresh tokens of the user, whom the '
'caller has locked: who knew the old password has nothing left.';

CREATE OR REPLACE FUNCTION wazo_auth.check_password_is_ours(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wazo_auth.password_is_kept_elsewhere(user_uuid) THEN
    PERFORM wazo_auth.raise_error(405, format('Unable to update externally managed password for user : "%s"',
      user_uuid),
      'password-managed-externally', json_build_object('uuid', user_uuid), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_password_is_ours(uuid) IS
'Raises WA405 when SAML or LDAP manage the user''s password.';

CREATE OR REPLACE FUNCTION wazo_auth.change_password(user_uuid uuid, old_password text, new_password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_login text;
  v_hash text;
  v_new_hash text;
BEGIN
  SELECT COALESCE(u.username, e.address), p.hash INTO v_login, v_hash
  FROM wazo_auth.user u
  LEFT JOIN wazo_auth.email e ON e.user_uuid = u.uuid AND e.main AND e.confirmed
  LEFT JOIN wazo_auth.password p ON p.user_uuid = u.uuid
  WHERE u.uuid = change_password.user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  -- One hash whatever is wrong, and no lock while it is computed.
  IF NOT wazo_auth.password_verify(old_password, CASE WHEN wazo_auth.resolve_login(v_login) = user_uuid THEN v_hash END)
    THEN
    IF ((wazo_auth.verify_elsewhere(v_login, old_password, '{}')).of_user).uuid IS DISTINCT FROM user_uuid THEN
      PERFORM wazo_auth.raise_authentication_failed();
    END IF;
    v_hash := wazo_auth.stored_password(user_uuid);
  END IF;
  PERFORM wazo_auth.check_password_is_ours(user_uuid);
  v_new_hash := wazo_auth.new_password_hash(new_password, user_uuid, 'new_password'::text);
  PERFORM FROM wazo_auth.user u WHERE u.uuid = change_password.user_uuid AND u.enabled FOR NO KEY UPDATE;
  -- Disabled, deleted or changed meanwhile.
  IF NOT FOUND OR v_hash IS DISTINCT FROM (SELECT p.hash FROM wazo_auth.password p
    WHERE p.user_uuid = change_password.user_uuid) THEN
    PERFORM wazo_auth.raise_authentication_failed();
  END IF;
  PERFORM wazo_auth.replace_password(user_uuid, v_new_hash);
END
$$;
COMMENT ON FUNCTION wazo_auth.change_password(uuid, text, text) IS
'Changes a user''s password, of which the old one must be given, and ends its sessions and refresh tokens. Raises '
'WA404 for an unknown user, WA400 for a new password that is not good enough, WA401 for a wrong one, a disabled user '
'or one without a login, WA405 when SAML or LDAP manage the password (contract: semantics.md section 5).';
