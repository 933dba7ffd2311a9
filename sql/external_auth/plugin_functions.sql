-- External accounts for the routes of registered kinds: each comes to the
-- accounts of its own kind.

CREATE OR REPLACE FUNCTION wazo_auth.external_auth_safe_data(type text, account wazo_auth.external_auth_data)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_safe jsonb;
BEGIN
  -- Of others nothing is known to be harmless.
  IF account.user_uuid IS NOT NULL AND EXISTS (SELECT FROM wazo_auth.registration g
      WHERE g.kind = 'external_auth_type' AND g.name = type AND g.function IS NOT NULL) THEN
    BEGIN
      v_safe := wazo_auth.call_plugin('external_auth_type'::text, type, NULL::text[],
        wazo_auth.unseal_external_auth(account));
    EXCEPTION WHEN undefined_function OR external_routine_exception OR configuration_limit_exceeded THEN
      -- What it says may show the data.
      PERFORM wazo_auth.log_message(format('the function of the external_auth_type "%s" failed (SQLSTATE %s), so'
        ' nothing of such accounts is shown; see wazo_auth.registrations', type, SQLSTATE));
    END;
  END IF;
  RETURN CASE WHEN jsonb_typeof(v_safe) = 'object' THEN v_safe ELSE '{}'::jsonb END;
END
$$;
COMMENT ON FUNCTION wazo_auth.external_auth_safe_data(text, wazo_auth.external_auth_data) IS
'What a list may show of an external account: what the function of a registered kind leaves; nothing where that fails, '
'which the log says, and of other kinds.';

CREATE OR REPLACE FUNCTION wazo_auth.check_own_external_auth_type(caller oid, type text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.registration g JOIN pg_roles r ON r.rolname = g.role
                 WHERE g.kind = 'external_auth_type' AND g.name = type AND pg_has_role(caller, r.oid, 'MEMBER')) THEN
    RAISE EXCEPTION 'the kind of external accounts "%" is not registered for you', type
      USING ERRCODE = 'insufficient_privilege', HINT = 'See wazo_auth.register_external_auth_type().';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_own_external_auth_type(oid, text) IS
'Raises 42501 unless the kind is registered for a role of which the caller is a member.';

CREATE OR REPLACE FUNCTION wazo_auth.own_external_auth_for(caller oid, user_uuid uuid, type text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_own_external_auth_type(caller, type);
  RETURN wazo_auth.external_auth(user_uuid, type);
END
$$;
COMMENT ON FUNCTION wazo_auth.own_external_auth_for(oid, uuid, text) IS
'wazo_auth.own_external_auth() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.own_external_auth(user_uuid uuid, type text) RETURNS jsonb
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.own_external_auth(uuid, text) IS
'wazo_auth.external_auth() for a registered kind. Raises 42501 for another''s, and what that raises.';

CREATE OR REPLACE FUNCTION wazo_auth.create_own_external_auth_for(caller oid, user_uuid uuid, type text, data jsonb)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_own_external_auth_type(caller, type);
  RETURN wazo_auth.create_external_auth(user_uuid, type, data);
END
$$;
COMMENT ON FUNCTION wazo_auth.create_own_external_auth_for(oid, uuid, text, jsonb) IS
'wazo_auth.create_own_external_auth() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.create_own_external_auth(user_uuid uuid, type text, data jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.create_own_external_auth(uuid, text, jsonb) IS
'wazo_auth.create_external_auth() for a registered kind. Raises 42501 for another''s, and what that raises.';

CREATE OR REPLACE FUNCTION wazo_auth.set_own_external_auth_for(caller oid, user_uuid uuid, type text, data jsonb)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_own_external_auth_type(caller, type);
  RETURN wazo_auth.set_external_auth(user_uuid, type, data);
END
$$;
COMMENT ON FUNCTION wazo_auth.set_own_external_auth_for(oid, uuid, text, jsonb) IS
'wazo_auth.set_own_external_auth() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.set_own_external_auth(user_uuid uuid, type text, data jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.set_own_external_auth(uuid, text, jsonb) IS
'wazo_auth.set_external_auth() for a registered kind. Raises 42501 for another''s, and what that raises.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_own_external_auth_for(caller oid, user_uuid uuid, type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_own_external_auth_type(caller, type);
  PERFORM wazo_auth.delete_external_auth(user_uuid, type);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_own_external_auth_for(oid, uuid, text) IS
'wazo_auth.delete_own_external_auth() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.delete_own_external_auth(user_uuid uuid, type text) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.delete_own_external_auth(uuid, text) IS
'wazo_auth.delete_external_auth() for a registered kind. Raises 42501 for another''s, and what that raises.';

CREATE OR REPLACE FUNCTION wazo_auth.own_external_auth_config_for(caller oid, type text, tenant_uuid uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_own_external_auth_type(caller, type);
  RETURN wazo_auth.external_auth_config(type, tenant_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.own_external_auth_config_for(oid, text, uuid) IS
'wazo_auth.own_external_auth_config() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.own_external_auth_config(type text, tenant_uuid uuid) RETURNS jsonb
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.own_external_auth_config(text, uuid) IS
'wazo_auth.external_auth_config() for a registered kind. Raises 42501 for another''s, and what that raises.';
