-- Routes of the configuration: /0.1/config

-- Upstream fails with 500 where a part is missing; here all three are asked for.
SELECT wazo_auth.declare_schema('config_patch', 'first_error', 'config', '{
  "op":    {"type": "string", "required": true, "choices": ["replace"]},
  "path":  {"type": "string", "required": true, "choices": ["/debug", "/profiling_enabled"]},
  "value": {"type": "boolean", "required": true}
}', many => true, refuse_unknown => true);

CREATE OR REPLACE FUNCTION wazo_auth.mask_secrets(settings jsonb, name text DEFAULT '') RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_text text;
BEGIN
  CASE jsonb_typeof(settings)
    WHEN 'object' THEN
      RETURN (SELECT COALESCE(jsonb_object_agg(regexp_replace(e.key, '^sealed_', ''), wazo_auth.mask_secrets(e.value, e.key)), '{}') FROM jsonb_each(settings) e);
    WHEN 'array' THEN
      RETURN (SELECT COALESCE(jsonb_agg(wazo_auth.mask_secrets(e.value, name) ORDER BY e.place), '[]')
              FROM jsonb_array_elements(settings) WITH ORDINALITY e (value, place));
    WHEN 'string' THEN
      IF name ~* '(password|passwd|secret|token|credentials?|api_?key)$' THEN
        RETURN '"********"'::jsonb;
      END IF;
      v_text := settings #>> '{}';
      v_text := regexp_replace(v_text, '(://[^:/?#\s]*):[^/?#\s]*@', '\1:********@', 'g');
      v_text := regexp_replace(v_text, '((password|passwd|secret|token)=)[^&;\s]*', '\1********', 'gi');
      RETURN to_jsonb(v_text);
    ELSE
      RETURN settings;
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.mask_secrets(jsonb, text) IS
'Settings with asterisks for what is secret by its name, and for passwords in URIs; what is stored sealed shows under its own name. name: that of the value itself.';

CREATE OR REPLACE FUNCTION wazo_auth.shown_configuration() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT wazo_auth.mask_secrets(wazo_auth.effective_settings())
         || pg_catalog.jsonb_build_object(
              'log_level', CASE pg_catalog.lower(wazo_auth.get_setting('log_level') #>> '{}')
                             WHEN 'critical' THEN 50 WHEN 'error' THEN 40 WHEN 'warning' THEN 30 WHEN 'debug' THEN 10 ELSE 20 END,
              'loaded_plugins', COALESCE((SELECT pg_catalog.jsonb_agg(b.key ORDER BY b.key)
                                          FROM pg_catalog.jsonb_each(wazo_auth.get_setting('enabled_backend_plugins')) b
                                          WHERE b.value = 'true'), '[]'));
END;
COMMENT ON FUNCTION wazo_auth.shown_configuration() IS
'All settings by the names of the configuration file, secrets masked; log_level as its number.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_config_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END;
COMMENT ON FUNCTION wazo_auth.rest_config_get(wazo_auth.http_request) IS 'GET /config: the settings, secrets masked.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_config_patch(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_array_length(request.body) > 0 THEN
    PERFORM wazo_auth.configure((
      SELECT jsonb_object_agg(substr(p.value ->> 'path', 2), p.value -> 'value' ORDER BY p.place)
      FROM jsonb_array_elements(request.body) WITH ORDINALITY p (value, place)));
  END IF;
  RETURN wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_config_patch(wazo_auth.http_request) IS
'PATCH /config: turns debug and profiling_enabled on or off, until the next start; the last one counts.';

SELECT wazo_auth.add_route('GET', '/0.1/config', 'wazo_auth.rest_config_get', 'config',
  access => 'auth.config.read', checks => '{top_tenant}', summary => 'The settings, secrets masked', errors => '{503}');
SELECT wazo_auth.add_route('PATCH', '/0.1/config', 'wazo_auth.rest_config_patch', 'config',
  access => 'auth.config.update', checks => '{top_tenant,body}', body_schema => 'config_patch',
  summary => 'Turn debug and profiling on or off', errors => '{503}');
