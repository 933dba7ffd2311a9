-- Routes of the configuration: /0.1/config

-- Upstream fails with 500 where a part is missing; here all three are asked for.
SELECT wazo_auth.declare_schema('config_patch', 'first_error', 'config', '{
  "op":    {"type": "string", "required": true, "choices": ["replace"]},
  "path":  {"type": "string", "required": true, "choices": ["/debug", "/profiling_enabled"]},
  "value": {"type": "boolean", "required": true}
}', max_items => 100, refuse_unknown => true);

CREATE OR REPLACE FUNCTION wazo_auth.rest_config_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END;
COMMENT ON FUNCTION wazo_auth.rest_config_get(wazo_auth.http_request) IS 'GET /config: the settings, secrets masked.';
SELECT wazo_auth.add_route('GET', '/0.1/config', 'wazo_auth.rest_config_get', 'config',
  access => 'auth.config.read', checks => '{top_tenant}', summary => 'The settings, secrets masked', errors => '{503}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_config_patch(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_array_length(request.body) > 0 THEN
    PERFORM wazo_auth.set_settings((
      SELECT jsonb_object_agg(substr(p.value ->> 'path', 2), p.value -> 'value' ORDER BY p.place)
      FROM jsonb_array_elements(request.body) WITH ORDINALITY p (value, place)), false);
  END IF;
  RETURN wazo_auth.json_response(wazo_auth.shown_configuration()::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_config_patch(wazo_auth.http_request) IS
'PATCH /config: turns debug and profiling_enabled on or off, until the next start; the last one counts.';
SELECT wazo_auth.add_route('PATCH', '/0.1/config', 'wazo_auth.rest_config_patch', 'config',
  access => 'auth.config.update', checks => '{top_tenant,body}', body_schema => 'config_patch',
  summary => 'Turn debug and profiling on or off', errors => '{503}',
  changes_no_access => 'it changes how much is logged');
