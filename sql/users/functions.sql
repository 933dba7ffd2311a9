CREATE OR REPLACE FUNCTION wazo_auth.fold_login(login text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_fold_login';
COMMENT ON FUNCTION wazo_auth.fold_login(text) IS
'Username or e-mail address as it is compared: lower case by Unicode''s simple mapping, whatever the locale.';

CREATE OR REPLACE FUNCTION wazo_auth.claim_login(user_uuid uuid, login text, kind text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_field text := CASE kind WHEN 'username' THEN 'username' ELSE 'email_address' END;
BEGIN
  INSERT INTO wazo_auth.login AS l (login, user_uuid, is_username, is_email)
  VALUES (wazo_auth.fold_login(login), user_uuid, kind = 'username', kind = 'email')
  ON CONFLICT ON CONSTRAINT login_pkey DO UPDATE
  SET is_username = l.is_username OR EXCLUDED.is_username, is_email = l.is_email OR EXCLUDED.is_email
  WHERE l.user_uuid = EXCLUDED.user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      pg_catalog.json_build_object(v_field, pg_catalog.json_build_object(
        'constraint_id', 'unique', 'message', pg_catalog.format('The login "%s" is already used', login))), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_login(uuid, text, text) IS
'Reserves a username (kind "username") or an e-mail address (kind "email") for a user. Raises WA409 when another user has it.';

CREATE OR REPLACE FUNCTION wazo_auth.resolve_login(login text) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT l.user_uuid
    FROM wazo_auth.login l
    JOIN wazo_auth.user u ON u.uuid = l.user_uuid
    WHERE l.login = wazo_auth.fold_login(resolve_login.login)
      AND u.enabled
      AND (l.is_username
           OR EXISTS (SELECT FROM wazo_auth.email e
                      WHERE e.user_uuid = l.user_uuid AND e.confirmed
                        AND wazo_auth.fold_login(e.address) = l.login))
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.resolve_login(text) IS
'The enabled user that logs in with this username or confirmed e-mail address, or null (contract: semantics.md section 1, step 4).';

CREATE OR REPLACE FUNCTION wazo_auth.effective_authentication_method(user_uuid uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT CASE u.authentication_method WHEN 'default' THEN t.default_authentication_method ELSE u.authentication_method END
    FROM wazo_auth.user u
    JOIN wazo_auth.tenant t ON t.uuid = u.tenant_uuid
    WHERE u.uuid = effective_authentication_method.user_uuid
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.effective_authentication_method(uuid) IS
'The user''s own authentication method, or its tenant''s where the own one is "default"; null for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.set_password(user_uuid uuid, password text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF password IS NULL THEN
    DELETE FROM wazo_auth.password p WHERE p.user_uuid = set_password.user_uuid;
  ELSE
    INSERT INTO wazo_auth.password (user_uuid, hash)
    VALUES (user_uuid, wazo_auth.password_hash(password))
    ON CONFLICT ON CONSTRAINT password_pkey DO UPDATE SET hash = EXCLUDED.hash;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_password(uuid, text) IS
'Sets a user''s password; null removes it. Sessions are left alone.';

CREATE OR REPLACE FUNCTION wazo_auth.import_password(user_uuid uuid, password_hash text, password_salt bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO wazo_auth.password (user_uuid, hash)
  VALUES (import_password.user_uuid,
          wazo_auth.password_from_upstream(import_password.password_hash, import_password.password_salt))
  ON CONFLICT (user_uuid) DO UPDATE SET hash = EXCLUDED.hash;
END;
COMMENT ON FUNCTION wazo_auth.import_password(uuid, text, bytea) IS
'Sets a user''s password to one of the Python server''s: 128 hex digits of PBKDF2-HMAC-SHA512 and the 64-byte salt. The next login stores it as argon2id.';

CREATE OR REPLACE FUNCTION wazo_auth.create_user(
  tenant_uuid uuid, username text DEFAULT NULL, password text DEFAULT NULL, email_address text DEFAULT NULL,
  firstname text DEFAULT NULL, lastname text DEFAULT NULL, purpose text DEFAULT 'user',
  authentication_method text DEFAULT NULL, enabled boolean DEFAULT true, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, pg_catalog.gen_random_uuid());
BEGIN
  -- Against a tenant that is being deleted; its group of all users goes with it.
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.unknown_tenant(tenant_uuid::text);
  END IF;
  BEGIN
    INSERT INTO wazo_auth.user (uuid, tenant_uuid, username, firstname, lastname, purpose, authentication_method, enabled)
    VALUES (v_uuid, tenant_uuid, username, firstname, lastname, purpose,
            COALESCE(authentication_method, CASE WHEN purpose = 'user' THEN 'default' ELSE 'native' END), enabled);
  EXCEPTION WHEN unique_violation THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      pg_catalog.json_build_object('uuid', pg_catalog.json_build_object(
        'constraint_id', 'unique', 'message', pg_catalog.format('The uuid "%s" is already used', v_uuid))), 'users');
  END;
  IF username IS NOT NULL THEN
    PERFORM wazo_auth.claim_login(v_uuid, username, 'username');
  END IF;
  IF email_address IS NOT NULL THEN
    PERFORM wazo_auth.claim_login(v_uuid, email_address, 'email');
    INSERT INTO wazo_auth.email (user_uuid, address, main, confirmed) VALUES (v_uuid, email_address, true, true);
  END IF;
  IF password IS NOT NULL THEN
    PERFORM wazo_auth.set_password(v_uuid, password);
  END IF;
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid)
  SELECT g.uuid, v_uuid FROM wazo_auth.group g WHERE g.tenant_uuid = create_user.tenant_uuid AND g.system_managed;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_user(uuid, text, text, text, text, text, text, text, boolean, uuid) IS
'Creates a user in a tenant and in the tenant''s group of all users; the e-mail address is main and confirmed. authentication_method: null for "default", or "native" for the purposes internal and external_api. Raises WA404 for an unknown tenant, WA409 for a login or uuid in use.';
