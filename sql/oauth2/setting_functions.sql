-- What the settings of OAuth2 may be.

CREATE OR REPLACE FUNCTION wazo_auth.is_oauth2_url(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN value ~ '^https://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~!$&''()*+,;=:@%/-]*)?$' AND octet_length(value) <= 1024;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_oauth2_url(text) IS
'Is this the address of an endpoint: https, without user, query and fragment?';

CREATE OR REPLACE FUNCTION wazo_auth.is_websocket_url(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN value = ''
    OR value ~ '^wss://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~-]+)*$' AND octet_length(value) <= 1024;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_websocket_url(text) IS
'Is this the address of a relay, wss without a slash at the end, or nothing for none?';

CREATE OR REPLACE FUNCTION wazo_auth.is_websocket_template(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN value LIKE '%{state}%' AND wazo_auth.is_websocket_url(replace(value, '{state}', 'x'));
END
$$;
COMMENT ON FUNCTION wazo_auth.is_websocket_template(text) IS
'Is this the address of a relay with {state} for the state in its path?';

CREATE OR REPLACE FUNCTION wazo_auth.is_redirect_template(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.is_oauth2_url(replace(value, '{auth_type}', 'x'));
END
$$;
COMMENT ON FUNCTION wazo_auth.is_redirect_template(text) IS
'Is this the address of an endpoint, perhaps with {auth_type} in it?';
