CREATE OR REPLACE FUNCTION wazo_auth.default_settings() RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '{
    "user": "wazo-auth",
    "config_file": "/etc/wazo-auth/config.yml",
    "extra_config_files": "/etc/wazo-auth/conf.d",
    "uuid": null,
    "debug": false,
    "log_level": "info",
    "log_filename": "/var/log/wazo-auth.log",
    "profiling_enabled": false,
    "default_token_lifetime": 7200,
    "token_cleanup_interval": 60,
    "token_cleanup_batch_size": 5000,
    "max_user_concurrent_sessions": 100,
    "password_reset_expiration": 172800,
    "email_confirmation_expiration": 172800,
    "password_reset_from_name": "wazo-auth",
    "password_reset_from_address": "noreply@wazo.community",
    "email_confirmation_from_name": "wazo-auth",
    "email_confirmation_from_address": "noreply@wazo.community",
    "email_confirmation_get_mimetype": "text/html",
    "email_notification_plugin": "smtp",
    "public_url": null,
    "smtp": {"hostname": "localhost", "port": 25},
    "oauth2_synchronization_ws_url_template": "wss://oauth.wazo.io/ws/{state}",
    "oauth2_synchronization_redirect_url_template": "https://oauth.wazo.io/{auth_type}/authorize",
    "enabled_http_plugins": {"api": true, "idp": true, "backends": true, "config": true, "email_confirm": true, "external": true,
      "group_policy": true, "groups": true, "ldap_config": true, "password_reset": true, "policies": true, "sessions": true,
      "status": true, "tenants": true, "tokens": true, "user_email": true, "user_group": true, "user_policy": true,
      "user_registration": false, "user_session": true, "users": true, "saml": true, "saml_config": true},
    "enabled_backend_plugins": {"ldap_user": true, "wazo_user": true},
    "enabled_metadata_plugins": {"default_user": true, "default_internal": true, "default_external_api": true},
    "enabled_external_auth_plugins": {"google": true, "microsoft": true, "mobile": true},
    "purpose_metadata_mapping": {"user": [], "internal": [], "external_api": []},
    "idp_plugins": {"saml": {"enabled": true, "priority": 1}, "ldap": {"enabled": true, "priority": 2}},
    "backend_policies": {},
    "update_policy_on_startup": true,
    "default_policies": {},
    "all_users_policies": {},
    "tenant_default_groups": {},
    "bootstrap_user_on_startup": false,
    "bootstrap_user_username": null,
    "rest_api": {"listen": "127.0.0.1", "port": 9497, "max_threads": 25, "num_proxies": 1, "certificate": null, "private_key": null,
      "cors": {"enabled": true, "allow_headers": ["Content-Type", "Authorization", "X-Auth-Token", "Wazo-Tenant", "Wazo-Session-Type"]}},
    "amqp": {"uri": null, "exchange_name": "xivo", "exchange_type": "topic"},
    "event_retention": 3600,
    "consul": {"scheme": "http", "port": 8500},
    "service_discovery": {"enabled": false, "advertise_address": "auto", "advertise_address_interface": "eth0", "advertise_port": 9497,
      "ttl_interval": 30, "refresh_interval": 27, "retry_interval": 2, "extra_tags": []},
    "saml": {"acs_url_template": "https://{{STACK_URL}}/api/auth/0.1/saml/acs", "saml_session_lifetime_seconds": 604800,
      "saml_login_timeout_seconds": 600}
  }'::jsonb
$$;
COMMENT ON FUNCTION wazo_auth.default_settings() IS 'The settings that hold while nothing else is configured (contract: config.md section 2).';

CREATE OR REPLACE FUNCTION wazo_auth.effective_settings() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT pg_catalog.jsonb_object_agg(COALESCE(d.key, s.name),
             CASE
               WHEN s.value IS NULL THEN d.value
               WHEN pg_catalog.jsonb_typeof(s.value) = 'object' AND pg_catalog.jsonb_typeof(d.value) = 'object' THEN d.value || s.value
               ELSE s.value
             END)
    FROM pg_catalog.jsonb_each(wazo_auth.default_settings()) d
    FULL JOIN wazo_auth.setting s ON s.name = d.key
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.effective_settings() IS
'All settings by their names in the configuration file: what was configured, else the default. Maps are the default with the configured keys over it. Read anew at every call; ask get_setting().';

CREATE OR REPLACE FUNCTION wazo_auth.get_setting(name text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_get_setting';
COMMENT ON FUNCTION wazo_auth.get_setting(text) IS
'Value of a setting of effective_settings(), or null. Kept by the backend until a setting changes.';

CREATE OR REPLACE FUNCTION wazo_auth.seal_setting(name text, value jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_member text := CASE name WHEN 'amqp' THEN 'uri' WHEN 'smtp' THEN 'password' END;
  v_sealed text := 'sealed_' || v_member;
BEGIN
  IF v_member IS NULL OR NOT value ? v_member THEN
    RETURN value;
  END IF;
  IF value -> v_member = 'null' THEN
    RETURN value - ARRAY[v_member, v_sealed];
  END IF;
  -- As hexadecimal digits: base64 as PostgreSQL writes it has several lines.
  RETURN value - v_member || jsonb_build_object(v_sealed,
    encode(wazo_auth.seal(value ->> v_member, name || '.' || v_member), 'hex'));
END
$$;
COMMENT ON FUNCTION wazo_auth.seal_setting(text, jsonb) IS
'A setting as it is stored: where it is a map with a secret (amqp.uri, smtp.password), "sealed_" and its name stands for it; nothing does for null. Raises F0000 without a key to seal with.';

CREATE OR REPLACE FUNCTION wazo_auth.secret_setting(name text, member text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unseal(decode(wazo_auth.get_setting(name) ->> ('sealed_' || member), 'hex'), name || '.' || member);
END
$$;
COMMENT ON FUNCTION wazo_auth.secret_setting(text, text) IS
'The secret of a setting, in clear; null when there is none. For the workers that log in with it.';

CREATE OR REPLACE FUNCTION wazo_auth.configure(settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_value jsonb;
  v_type text;
BEGIN
  IF pg_catalog.jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'For example: SELECT wazo_auth.configure(''{"default_token_lifetime": 3600}'').';
  END IF;
  FOR v_key, v_value IN SELECT e.key, e.value FROM pg_catalog.jsonb_each(settings) e LOOP
    -- "amqp.uri" names one key of the map "amqp", and leaves the others.
    IF pg_catalog.jsonb_typeof(wazo_auth.default_settings() -> pg_catalog.split_part(v_key, '.', 1)) = 'object' AND v_key LIKE '%.%' THEN
      v_value := COALESCE((SELECT s.value FROM wazo_auth.setting s WHERE s.name = pg_catalog.split_part(v_key, '.', 1)), '{}')
        || pg_catalog.jsonb_build_object(pg_catalog.substr(v_key, pg_catalog.strpos(v_key, '.') + 1), v_value);
      v_key := pg_catalog.split_part(v_key, '.', 1);
    END IF;
    IF pg_catalog.jsonb_typeof(v_value) = 'null' THEN
      DELETE FROM wazo_auth.setting s WHERE s.name = v_key;
      CONTINUE;
    END IF;
    v_type := pg_catalog.jsonb_typeof(wazo_auth.default_settings() -> v_key);
    -- What is null by default may be of any type.
    IF v_type NOT IN ('null', pg_catalog.jsonb_typeof(v_value)) THEN
      RAISE EXCEPTION 'setting "%" must be of type %', v_key, v_type USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_key IN ('default_token_lifetime', 'max_user_concurrent_sessions')
       AND (v_value::numeric <> pg_catalog.trunc(v_value::numeric) OR v_value::numeric NOT BETWEEN 1 AND 315360000) THEN
      RAISE EXCEPTION 'setting "%" must be a whole number from 1 to 315360000', v_key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_key = 'event_retention'
       AND (v_value::numeric <> pg_catalog.trunc(v_value::numeric) OR v_value::numeric NOT BETWEEN 0 AND 315360000) THEN
      RAISE EXCEPTION 'setting "%" must be a whole number from 0 to 315360000', v_key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_key = 'amqp' THEN
      PERFORM wazo_auth.check_amqp_setting(v_value);
    END IF;
    PERFORM wazo_auth.check_mail_setting(v_key, v_value);
    v_value := wazo_auth.seal_setting(v_key, v_value);
    INSERT INTO wazo_auth.setting AS s (name, value) VALUES (v_key, v_value)
    ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE s.value IS DISTINCT FROM EXCLUDED.value;
  END LOOP;
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.configure(jsonb) IS
'Sets settings by the names of the configuration file; null restores a default. A name with a dot, as amqp.uri, sets one key of a map. Unknown names are kept. Secrets among them are stored sealed. Raises 22023 for a value of the wrong type or out of range, F0000 for a secret without a key to seal it with.';

CREATE OR REPLACE FUNCTION wazo_auth.plugin_enabled(plugin text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE((wazo_auth.get_setting('enabled_http_plugins') ->> plugin_enabled.plugin)::boolean, true);
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_enabled(text) IS
'Does the setting enabled_http_plugins leave this group of routes on? Unknown ones are on.';
