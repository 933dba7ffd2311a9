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
