-- Route of the API's description: /0.1/api/api.yml

CREATE OR REPLACE FUNCTION wazo_auth.rest_api_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Where a proxy serves the API; what is no path is left out.
  v_prefix text := substring(wazo_auth.http_header(request, 'X-Script-Name')
    FROM '^((?:/[A-Za-z0-9._~-]{1,100}){1,10})/?$');
BEGIN
  RETURN ROW(200, ARRAY['Content-Type', 'application/x-yaml'], convert_to(
    concat(E'swagger: "2.0"\nschemes:\n- ', CASE WHEN v_prefix IS NULL THEN 'http' ELSE 'https' END,
           E'\nbasePath: "', v_prefix, E'/0.1"\n', wazo_auth.cached_api_yaml()), 'UTF8'))::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_api_get(wazo_auth.http_request) IS
'GET /api/api.yml: the API in Swagger 2.0. X-Script-Name, set by a proxy, is put before the paths.';
SELECT wazo_auth.add_route('GET', '/0.1/api/api.yml', 'wazo_auth.rest_api_get', 'api', summary => 'This description',
  errors => '{404}', public => true);
