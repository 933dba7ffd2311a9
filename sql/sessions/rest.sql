-- Routes of tokens: /0.1/token

CREATE OR REPLACE FUNCTION wazo_auth.check_token_request(body jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_offline boolean := COALESCE(body ->> 'access_type' = 'offline', false);
  v_refresh boolean := COALESCE(body ->> 'refresh_token' <> '', false);
  v_client boolean := COALESCE(body ->> 'client_id' <> '', false);
BEGIN
  RETURN array_remove(ARRAY[
    CASE WHEN v_offline AND v_refresh THEN 'cannot use the "access_type" "offline" with a refresh token'
         WHEN v_offline AND NOT v_client THEN '"client_id" must be specified when using "access_type" is "offline"' END,
    CASE WHEN body ->> 'tenant_id' <> '' AND body ->> 'domain_name' <> ''
         THEN '"tenant_id" and "domain_name" must be mutually exclusive' END,
    CASE WHEN v_refresh AND NOT v_client THEN '"client_id" must be specified when using a "refresh_token"' END,
    CASE WHEN body ->> 'saml_session_id' <> '' AND v_refresh
         THEN 'Cannot use a "saml_session_id" and a "refresh_token" at the same time' END
  ], NULL);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_token_request(jsonb) IS
'Messages of the rules between the fields of a token request (contract: schemas.md, TokenRequest).';

SELECT wazo_auth.declare_schema('token_request', 'token_repr', NULL, '{
  "backend":         {"type": "string", "default": "wazo_user", "max": 128},
  "expiration":      {"type": "integer", "min": 1, "max": 315360000},
  "access_type":     {"type": "string", "choices": ["online", "offline"]},
  "client_id":       {"type": "string", "min": 1, "max": 1024, "bytes": 1024},
  "saml_session_id": {"type": "string", "min": 1, "max": 1024},
  "refresh_token":   {"type": "string", "max": 256},
  "tenant_id":       {"type": "string", "max": 256},
  "domain_name":     {"type": "string", "max": 256}
}', cross_check => 'wazo_auth.check_token_request', body_bytes => 16384, body_values => 1024);

-- Read by the handlers themselves, which are on the way of every request of
-- every service; declared for the API's description.
SELECT wazo_auth.declare_schema('token_query', 'token_repr', NULL, '{
  "scope":  {"type": "string", "bytes": 1024},
  "tenant": {"type": "string", "max": 256}
}');

SELECT wazo_auth.declare_schema('token_scopes_request', 'token_repr', NULL, '{
  "scopes":      {"type": "list", "required": true, "max": 256, "items": {"type": "string", "bytes": 1024}},
  "tenant_uuid": {"type": "string", "nullable": true, "default": null, "max": 256}
}', body_bytes => 8192, body_values => 1024);

CREATE OR REPLACE FUNCTION wazo_auth.rest_token_head(request internal) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_rest_token_head';
COMMENT ON FUNCTION wazo_auth.rest_token_head(internal) IS
'HEAD /token/{token_uuid}: 204 when the token is valid and passes the checks of scope and tenant, 404 or 403 '
'otherwise.';
SELECT wazo_auth.add_route('HEAD', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_head', 'tokens',
  summary => 'Is a token valid for a scope and tenant?', success => 204, errors => '{400,403,404}',
    query_schema => 'token_query', public => true);

CREATE OR REPLACE FUNCTION wazo_auth.rest_token_get(request internal) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_rest_token_get';
COMMENT ON FUNCTION wazo_auth.rest_token_get(internal) IS
'GET /token/{token_uuid}: like HEAD, with the token as JSON.';
SELECT wazo_auth.add_route('GET', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_get', 'tokens',
  summary => 'A token, if it is valid for a scope and tenant', errors => '{400,403,404}', query_schema => 'token_query',
    public => true);

CREATE OR REPLACE FUNCTION wazo_auth.login_members(request wazo_auth.http_request) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_all jsonb;
BEGIN
  IF wazo_auth.registered('idp') IS NULL THEN
    RETURN request.body;
  END IF;
  v_all := ltrim(convert_from(request.raw_body, 'UTF8'), U&'\FEFF')::jsonb;
  RETURN CASE WHEN jsonb_typeof(v_all) = 'object' THEN v_all || request.body ELSE request.body END;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_members(wazo_auth.http_request) IS
'The members of a login''s body: those that we know, as they were validated, and for registered identity providers the '
'others, as they came.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_token_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql AS $$
DECLARE
  v_body jsonb := request.body;
  v_credentials record := wazo_auth.basic_credentials(wazo_auth.http_header(request, 'Authorization'));
  v_new record;
BEGIN
  v_new := wazo_auth.token_create(
    login => v_credentials.login, password => v_credentials.password,
    expiration => (v_body ->> 'expiration')::integer,
    access_type => COALESCE(v_body ->> 'access_type', 'online'),
    client_id => v_body ->> 'client_id',
    refresh_token => v_body ->> 'refresh_token',
    mobile => COALESCE(lower(wazo_auth.http_header(request, 'Wazo-Session-Type') COLLATE "C") = 'mobile',
      false),
    backend => v_body ->> 'backend',
    user_agent => COALESCE(wazo_auth.http_header(request, 'User-Agent'), ''),
    remote_addr => COALESCE(request.peer, ''),
    members => wazo_auth.login_members(request));
  RETURN wazo_auth.json_response(
    json_build_object('data', wazo_auth.token_json(v_new.token, v_new.new_refresh_token)),
    headers => ARRAY['Wazo-Sessions-Revoked', v_new.sessions_revoked::text]);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_post(wazo_auth.http_request) IS
'POST /token: logs in by Basic credentials or refresh token and answers with the new token.';
SELECT wazo_auth.add_route('POST', '/0.1/token', 'wazo_auth.rest_token_post', 'tokens',
  checks => '{body}', body_schema => 'token_request', summary => 'Log in', errors => '{401,404,429,503}',
  public => true, changes_no_access => 'a token grants what its user has already');

CREATE OR REPLACE FUNCTION wazo_auth.rest_token_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.token_delete((request.params ->> 'token_uuid')::uuid);
  RETURN wazo_auth.json_response('{"data": {"message": "success"}}'::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_delete(wazo_auth.http_request) IS
'DELETE /token/{token_uuid}: ends the session; the same answer for an unknown token.';
SELECT wazo_auth.add_route('DELETE', '/0.1/token/{token_uuid}', 'wazo_auth.rest_token_delete', 'tokens',
  summary => 'End a session', public => true,
  changes_no_access => 'it ends a session; its user keeps its policies');

CREATE OR REPLACE FUNCTION wazo_auth.rest_token_scopes_check_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_token uuid := (request.params ->> 'token_uuid')::uuid;
  v_tenant text := NULLIF(request.body ->> 'tenant_uuid', '');
  v_scopes text[] := ARRAY(
    SELECT s.scope
    FROM (SELECT e.value AS scope, min(e.n) AS place
          FROM jsonb_array_elements_text(request.body -> 'scopes') WITH ORDINALITY e(value, n)
          GROUP BY e.value) s
    ORDER BY s.place);
BEGIN
  -- A tenant that is no uuid is nobody's.
  IF v_tenant IS NOT NULL
     AND (wazo_auth.try_uuid(v_tenant) IS NULL
          OR wazo_auth.token_check(v_token, tenant => wazo_auth.try_uuid(v_tenant)) = 'tenant_denied') THEN
    PERFORM wazo_auth.raise_error(403, 'Unauthorized for tenant ' || wazo_auth.ascii(v_tenant));
  END IF;
  RETURN wazo_auth.json_response(json_build_object('scopes', (
    SELECT COALESCE(json_object_agg(g.scope, g.granted ORDER BY g.place), '{}')
    FROM ROWS FROM (unnest(v_scopes), unnest(wazo_auth.token_grants(v_token, v_scopes)))
         WITH ORDINALITY g (scope, granted, place))));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_token_scopes_check_post(wazo_auth.http_request) IS
'POST /token/{token_uuid}/scopes/check: which of the accesses the token grants.';
SELECT wazo_auth.add_route('POST', '/0.1/token/{token_uuid}/scopes/check', 'wazo_auth.rest_token_scopes_check_post',
  'tokens',
  checks => '{token,body}', body_schema => 'token_scopes_request', summary => 'Which scopes does a token grant?',
    errors => '{403}', public => true,
  changes_no_access => 'it only reads');
