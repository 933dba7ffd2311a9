CREATE OR REPLACE FUNCTION wazo_auth.add_identity_provider(name text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO wazo_auth.identity_provider (name, shipped)
  VALUES (add_identity_provider.name, wazo_auth.in_extension_script())
  ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION wazo_auth.add_identity_provider(text) IS
'Registers a way to log in: from then on, while the setting idp_plugins enables it, it can be the authentication '
'method of users and tenants. Raises 23514 for a name that is not of a-z, 0-9 and _.';

CREATE OR REPLACE FUNCTION wazo_auth.authentication_methods() RETURNS SETOF text
LANGUAGE sql STABLE ROWS 4
BEGIN ATOMIC
  SELECT 'native'
  UNION ALL
  SELECT 'default'
  UNION ALL
  (SELECT p.name
   FROM (SELECT DISTINCT i.name FROM wazo_auth.identity_provider i) p
   CROSS JOIN LATERAL (SELECT wazo_auth.get_setting('idp_plugins') -> p.name AS plugin) s
   WHERE s.plugin ->> 'enabled' = 'true'
   ORDER BY COALESCE((s.plugin ->> 'priority')::numeric, 100), p.name);
END;
COMMENT ON FUNCTION wazo_auth.authentication_methods() IS
'Names that a user''s authentication method can have: native, default (the tenant''s) and what '
'add_identity_provider() has registered and the setting idp_plugins enables, in the order of its priorities. All that '
'asks for methods asks here.';

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
