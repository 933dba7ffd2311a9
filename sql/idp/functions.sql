CREATE OR REPLACE FUNCTION wazo_auth.authentication_methods() RETURNS SETOF text
LANGUAGE sql STABLE ROWS 4
BEGIN ATOMIC
  SELECT 'native'
  UNION ALL
  SELECT 'default'
  UNION ALL
  (SELECT p.key
   FROM pg_catalog.jsonb_each(wazo_auth.get_setting('idp_plugins')) p
   WHERE p.value ->> 'enabled' = 'true' AND p.key NOT IN ('native', 'default')
   ORDER BY COALESCE((p.value ->> 'priority')::numeric, 100), p.key COLLATE "C");
END;
COMMENT ON FUNCTION wazo_auth.authentication_methods() IS
'Names that a user''s authentication method can have: native, default (the tenant''s) and the enabled identity providers of the setting idp_plugins (contract: idp.md section 2).';

CREATE OR REPLACE FUNCTION wazo_auth.is_authentication_method(method text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM wazo_auth.authentication_methods() m WHERE m = method);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_authentication_method(text) IS
'Can a user have this authentication method? The case counts.';

CREATE OR REPLACE FUNCTION wazo_auth.check_authentication_method(method text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF method IS NOT NULL AND NOT wazo_auth.is_authentication_method(method) THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid authentication method ' || method, 'invalid-data',
                                  json_build_object('authentication_method', method), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_authentication_method(text) IS
'Raises WA400 when a user cannot have this authentication method; null passes.';
