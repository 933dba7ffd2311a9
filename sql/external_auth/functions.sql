-- External accounts of users and what tenants configure for them (contract: external_auth.md).

CREATE OR REPLACE FUNCTION wazo_auth.add_external_auth_type(name text, plugin_info jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  INSERT INTO wazo_auth.external_auth_type AS t
  VALUES (name, COALESCE(plugin_info, '{}'), wazo_auth.in_extension_script())
  ON CONFLICT ON CONSTRAINT external_auth_type_pkey DO UPDATE
  SET plugin_info = excluded.plugin_info;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_external_auth_type(text, jsonb) IS
'Makes a kind of external accounts known, or known anew: GET /users/{user_uuid}/external lists it unless the setting '
'enabled_external_auth_plugins turns it off. The arguments are columns of wazo_auth.external_auth_type. Raises 23514 '
'for a name that is not of 1 to 64 letters, digits, _ and -, and for a plugin_info that is no object.';
DELETE FROM wazo_auth.external_auth_type WHERE shipped;
SELECT wazo_auth.add_external_auth_type('google'), wazo_auth.add_external_auth_type('microsoft'),
       wazo_auth.add_external_auth_type('mobile');

CREATE OR REPLACE FUNCTION wazo_auth.external_auth_types() RETURNS SETOF wazo_auth.external_auth_type
LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_enabled jsonb := wazo_auth.get_setting('enabled_external_auth_plugins');
BEGIN
  RETURN QUERY
  -- What people registered takes the place of what ships.
  SELECT DISTINCT ON (t.name) t.name, t.plugin_info, t.shipped
  FROM (SELECT t.* FROM wazo_auth.external_auth_type t
        UNION ALL
        SELECT g.name, g.options -> 'plugin_info', false FROM wazo_auth.registration g
        WHERE g.kind = 'external_auth_type') t
  WHERE v_enabled -> t.name IS DISTINCT FROM 'false'::jsonb
  ORDER BY t.name, t.shipped;
END
$$;
COMMENT ON FUNCTION wazo_auth.external_auth_types() IS 'The kinds of external accounts that are on.';

-- ---- errors ----

CREATE OR REPLACE FUNCTION wazo_auth.raise_no_external_auth(type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such external auth: "%s"', type), 'unknown-external-auth',
    json_build_object('type', type), type);
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_no_external_auth(text) IS 'Raises WA404: the user has no such external account.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_external_auth_type(type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such auth type: "%s"', type), 'unknown-external-auth-type',
    json_build_object('type', type), 'external');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_external_auth_type(text) IS
'Raises WA404 for a kind of external accounts that nobody has registered.';

CREATE OR REPLACE FUNCTION wazo_auth.is_external_auth_type(type text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM wazo_auth.external_auth_type t WHERE t.name = is_external_auth_type.type)
    OR COALESCE(wazo_auth.registered('external_auth_type') ? type, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_external_auth_type(text) IS 'Has somebody registered this kind of external accounts?';

-- ---- configuration of a tenant ----

CREATE OR REPLACE FUNCTION wazo_auth.external_auth_config(type text, tenant_uuid uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.external_auth_config;
BEGIN
  SELECT * INTO v_config FROM wazo_auth.external_auth_config c
  WHERE c.tenant_uuid = external_auth_config.tenant_uuid AND c.type = external_auth_config.type;
  IF NOT FOUND AND NOT wazo_auth.is_external_auth_type(type) THEN
    PERFORM wazo_auth.raise_error(404, format('Configuration for this external auth type "%s" is not defined.', type),
      'unknown-config', json_build_object('type', type), type);
  ELSIF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, format('No config found for this external auth type: "%s"', type),
      'unknown-external-auth', json_build_object('type', type), type);
  END IF;
  RETURN wazo_auth.unseal(v_config.sealed_config, format('external_auth_config:%s:%s', tenant_uuid, type))::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.external_auth_config(text, uuid) IS
'What a tenant has configured for a kind of external accounts, secrets included; nothing is inherited from tenants '
'above. Raises WA404 without a configuration.';

CREATE OR REPLACE FUNCTION wazo_auth.seal_external_auth_config(type text, tenant_uuid uuid, config jsonb)
RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.seal(config::text, format('external_auth_config:%s:%s', tenant_uuid, type));
END
$$;
COMMENT ON FUNCTION wazo_auth.seal_external_auth_config(text, uuid, jsonb) IS
'A configuration as wazo_auth.external_auth_config stores it.';

CREATE OR REPLACE FUNCTION wazo_auth.create_external_auth_config(type text, tenant_uuid uuid, config jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF octet_length(type) > 256 THEN
    PERFORM wazo_auth.raise_error(400, 'The type is longer than 256 bytes', 'invalid-data',
      json_build_object('auth_type', json_build_object('constraint_id', 'length', 'constraint',
        json_build_object('max', 256))), 'external');
  END IF;
  INSERT INTO wazo_auth.external_auth_config
  VALUES (tenant_uuid, type, wazo_auth.seal_external_auth_config(type, tenant_uuid, config))
  ON CONFLICT ON CONSTRAINT external_auth_config_pkey DO NOTHING;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(409, format('This external authentication config has already been set: "%s"', type),
      'conflict', json_build_object('type', type), type);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_external_auth_config(text, uuid, jsonb) IS
'Stores, sealed, what a tenant configures for a kind of external accounts, registered or not. Raises WA409 when there '
'is something already, WA400 for a name of more than 256 bytes.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_no_external_auth_config(type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT wazo_auth.is_external_auth_type(type) THEN
    PERFORM wazo_auth.raise_unknown_external_auth_type(type);
  END IF;
  PERFORM wazo_auth.raise_error(404, format('No config found for this external auth type: "%s"', type),
    'unknown-external-auth', json_build_object('type', type), type);
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_no_external_auth_config(text) IS
'Raises WA404 for a change of a configuration that is not there.';

CREATE OR REPLACE FUNCTION wazo_auth.replace_external_auth_config(type text, tenant_uuid uuid, config jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE wazo_auth.external_auth_config c
  SET sealed_config = wazo_auth.seal_external_auth_config(c.type, c.tenant_uuid, config)
  WHERE c.tenant_uuid = replace_external_auth_config.tenant_uuid AND c.type = replace_external_auth_config.type;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_no_external_auth_config(type);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.replace_external_auth_config(text, uuid, jsonb) IS
'Replaces what a tenant has configured for a kind of external accounts. Raises WA404 when there is nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_external_auth_config(type text, tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.external_auth_config c
  WHERE c.tenant_uuid = delete_external_auth_config.tenant_uuid AND c.type = delete_external_auth_config.type;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_no_external_auth_config(type);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_external_auth_config(text, uuid) IS
'Forgets what a tenant has configured for a kind of external accounts. Raises WA404 when there is nothing.';

-- ---- accounts of users ----

CREATE OR REPLACE FUNCTION wazo_auth.seal_external_auth(user_uuid uuid, type text, data jsonb) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.seal(data::text, format('external_auth_data:%s:%s', user_uuid, type));
END
$$;
COMMENT ON FUNCTION wazo_auth.seal_external_auth(uuid, text, jsonb) IS
'The data of an external account as wazo_auth.external_auth_data stores it.';

CREATE OR REPLACE FUNCTION wazo_auth.unseal_external_auth(row_data wazo_auth.external_auth_data) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unseal(row_data.sealed_data,
    format('external_auth_data:%s:%s', row_data.user_uuid, row_data.type))::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.unseal_external_auth(wazo_auth.external_auth_data) IS
'The data of a row of wazo_auth.external_auth_data; null for no row.';

CREATE OR REPLACE FUNCTION wazo_auth.external_auth(user_uuid uuid, type text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_row wazo_auth.external_auth_data;
BEGIN
  SELECT * INTO v_row FROM wazo_auth.external_auth_data d
  WHERE d.user_uuid = external_auth.user_uuid AND d.type = external_auth.type;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_no_external_auth(type);
  END IF;
  RETURN wazo_auth.unseal_external_auth(v_row);
END
$$;
COMMENT ON FUNCTION wazo_auth.external_auth(uuid, text) IS
'Data of a user''s external account, secrets included. Raises WA404 when there is none.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_external_auth_user(user_uuid uuid, type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT wazo_auth.is_external_auth_type(type) THEN
    PERFORM wazo_auth.raise_unknown_external_auth_type(type);
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.lock_external_auth_user(uuid, text) IS
'Keeps a user from being deleted while an external account is written. Raises WA404 for an unknown user or kind.';

CREATE OR REPLACE FUNCTION wazo_auth.create_external_auth(user_uuid uuid, type text, data jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.lock_external_auth_user(user_uuid, type);
  INSERT INTO wazo_auth.external_auth_data
  VALUES (user_uuid, type, wazo_auth.seal_external_auth(user_uuid, type, data))
  ON CONFLICT ON CONSTRAINT external_auth_data_pkey DO NOTHING;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(409, format('This external authentication method has already been set: "%s"', type),
      'conflict', json_build_object('type', type), type);
  END IF;
  PERFORM wazo_auth.emit_external_auth('added', user_uuid, type);
  RETURN data;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_external_auth(uuid, text, jsonb) IS
'Stores, sealed, an external account of a user, with the event auth_user_external_auth_added. Returns the data. Raises '
'WA409 when there is one, WA404 for an unknown user or kind.';

CREATE OR REPLACE FUNCTION wazo_auth.update_external_auth(user_uuid uuid, type text, data jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.lock_external_auth_user(user_uuid, type);
  UPDATE wazo_auth.external_auth_data d
  SET sealed_data = wazo_auth.seal_external_auth(d.user_uuid, d.type, data)
  WHERE d.user_uuid = update_external_auth.user_uuid AND d.type = update_external_auth.type;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_no_external_auth(type);
  END IF;
  PERFORM wazo_auth.emit_external_auth('updated', user_uuid, type);
  RETURN data;
END
$$;
COMMENT ON FUNCTION wazo_auth.update_external_auth(uuid, text, jsonb) IS
'Replaces the data of an external account, with the event auth_user_external_auth_updated. Returns the data. Raises '
'WA404 when there is none, or for an unknown user or kind.';

CREATE OR REPLACE FUNCTION wazo_auth.set_external_auth(user_uuid uuid, type text, data jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_added boolean;
BEGIN
  PERFORM wazo_auth.lock_external_auth_user(user_uuid, type);
  INSERT INTO wazo_auth.external_auth_data AS d
  VALUES (user_uuid, type, wazo_auth.seal_external_auth(user_uuid, type, data))
  ON CONFLICT ON CONSTRAINT external_auth_data_pkey DO UPDATE SET sealed_data = excluded.sealed_data
  -- Zero in a row that nobody has updated.
  RETURNING d.xmax = 0 INTO v_added;
  PERFORM wazo_auth.emit_external_auth(CASE WHEN v_added THEN 'added' ELSE 'updated' END, user_uuid, type);
  RETURN data;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_external_auth(uuid, text, jsonb) IS
'Stores an external account of a user in place of what was there, with the event auth_user_external_auth_added or '
'_updated. Returns the data. Raises WA404 for an unknown user or kind.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_external_auth(user_uuid uuid, type text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.external_auth_data d
  WHERE d.user_uuid = delete_external_auth.user_uuid AND d.type = delete_external_auth.type;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_no_external_auth(type);
  END IF;
  PERFORM wazo_auth.emit_external_auth('deleted', user_uuid, type);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_external_auth(uuid, text) IS
'Forgets an external account, with the event auth_user_external_auth_deleted. Raises WA404 when there is none.';
