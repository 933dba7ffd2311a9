CREATE OR REPLACE FUNCTION wazo_auth.bootstrap(
  username text DEFAULT NULL, password text DEFAULT NULL, purpose text DEFAULT 'internal',
  policy_slug text DEFAULT 'wazo_default_master_user_policy')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_top uuid;
  v_user uuid;
  v_policy uuid;
BEGIN
  purpose := COALESCE(purpose, 'internal');
  policy_slug := COALESCE(policy_slug, 'wazo_default_master_user_policy');
  -- One at a time: it looks first and makes what is missing.
  LOCK TABLE wazo_auth.tenant IN SHARE ROW EXCLUSIVE MODE;
  PERFORM wazo_auth.go_live();
  v_top := wazo_auth.top_tenant_uuid();
  IF v_top IS NULL THEN
    v_top := gen_random_uuid();
    INSERT INTO wazo_auth.tenant (uuid, path, slug, name) VALUES (v_top, ARRAY[v_top], 'master', 'master');
  END IF;
  PERFORM wazo_auth.apply_tenant_defaults(v_top);
  IF NOT EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = v_top
    AND p.slug = 'wazo_default_master_user_policy') THEN
    PERFORM wazo_auth.create_policy(v_top, 'wazo_default_master_user_policy', '{#}'::wazo_auth.acl,
      description => E'Default Wazo policy for the "master" user\n\nDo not modify this policy, it can be modified in '
        'future Wazo upgrades\n');
  END IF;
  IF username IS NULL THEN
    RETURN v_top;
  END IF;
  IF COALESCE(password, '') = '' THEN
    RAISE EXCEPTION 'the administrator needs a password' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Call wazo_auth.bootstrap(username, password).';
  END IF;
  v_user := wazo_auth.resolve_login(username);
  IF v_user IS NOT NULL THEN
    IF wazo_auth.password_verify(password, (SELECT p.hash FROM wazo_auth.password p WHERE p.user_uuid = v_user)) THEN
      RETURN v_top;
    END IF;
    RAISE EXCEPTION 'the user "%" exists and has another password', username USING ERRCODE = 'duplicate_object',
      HINT = 'Use its password, or set a new one: SELECT wazo_auth.set_password(wazo_auth.resolve_login(username), '
        'password).';
  END IF;
  SELECT p.uuid INTO v_policy FROM wazo_auth.policy p
  WHERE p.slug = policy_slug AND p.tenant_uuid = v_top;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the top tenant has no policy with the slug "%"', policy_slug USING ERRCODE = 'undefined_object';
  END IF;
  v_user := wazo_auth.create_user(v_top, username, password, purpose => purpose, authentication_method => 'native');
  PERFORM wazo_auth.add_user_policy(v_user, v_policy);
  RETURN v_top;
END
$$;
COMMENT ON FUNCTION wazo_auth.bootstrap(text, text, text, text) IS
'Makes the top tenant, its group of all users and the policy wazo_default_master_user_policy, and with a username and '
'password the first administrator. May be called again: what exists stays. Whoever calls it says that this database '
'is the live one (wazo_auth.go_live()). Returns the top tenant. Raises 42710 when the user exists with another '
'password.';

CREATE OR REPLACE FUNCTION wazo_auth.reset_administrator(username text, password text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_user uuid := wazo_auth.resolve_login(username);
  v_gone wazo_auth.session[];
BEGIN
  IF v_user IS NULL THEN
    RETURN wazo_auth.bootstrap(username, password);
  END IF;
  PERFORM wazo_auth.set_password(v_user, password);
  WITH gone AS (DELETE FROM wazo_auth.session s WHERE s.user_uuid = v_user RETURNING s AS session)
  SELECT array_agg(g.session) INTO v_gone FROM gone g;
  PERFORM wazo_auth.audit_sessions('deleted'::text, v_gone);
  PERFORM wazo_auth.go_live();
  RETURN wazo_auth.top_tenant_uuid();
END
$$;
COMMENT ON FUNCTION wazo_auth.reset_administrator(text, text) IS
'Makes an administrator as bootstrap() does, or gives the user of that name a new password and ends its sessions, '
'without events: for whoever has lost the password and rules over the database. Returns the top tenant. Raises 22023 '
'without a password.';
