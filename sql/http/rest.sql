-- Routes about the service itself.

CREATE OR REPLACE FUNCTION wazo_auth.rest_status_head(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response('""'::json, CASE wazo_auth.health(false) ->> 'status' WHEN 'fail' THEN 503
    ELSE 200 END);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_status_head(wazo_auth.http_request) IS
'HEAD /status: 200 while the service serves, also with a broker or a mail server that does not: 503 for what '
'wazo_auth.health() calls "fail" (contract: responses.md section 3).';
SELECT wazo_auth.add_route('HEAD', '/0.1/status', 'wazo_auth.rest_status_head', 'status',
  summary => 'Is the service up?', errors => '{503}', public => true);

CREATE OR REPLACE FUNCTION wazo_auth.rest_backends_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(json_build_object('data', wazo_auth.loaded_backends()));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_backends_get(wazo_auth.http_request) IS
'GET /backends: names of the enabled authentication backends.';
SELECT wazo_auth.add_route('GET', '/0.1/backends', 'wazo_auth.rest_backends_get', 'backends',
  summary => 'Names of the authentication backends', public => true);
