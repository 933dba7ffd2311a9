-- What clients of the standards of OAuth 2.0 look for: revocation (RFC 7009),
-- introspection (RFC 7662) and metadata that name them (RFC 8414).

SELECT wazo_auth.declare_schema('token_form', 'first_error', 'tokens', '{
  "token":           {"type": "string", "required": true, "min": 1, "max": 256},
  "token_type_hint": {"type": "string", "max": 64},
  "client_id":       {"type": "string", "bytes": 1024}
}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_revoke_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_token uuid := wazo_auth.try_uuid(request.body ->> 'token');
  v_family uuid := wazo_auth.refresh_token_family(wazo_auth.token_digest(v_token));
BEGIN
  -- A hint says where to look first, and there are two places only.
  IF v_token IS NOT NULL AND NOT wazo_auth.token_delete(v_token) THEN
    PERFORM wazo_auth.delete_refresh_tokens(ARRAY[v_family], true);
  END IF;
  RETURN ROW(200, ARRAY['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
             convert_to(E'{}\n', 'UTF8'))::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_revoke_post(wazo_auth.http_request) IS
'POST /oauth2/revoke (RFC 7009): ends the session of a token, or a refresh token with its sessions; the same answer '
'for one that is unknown. Whoever has the token may: with it they could do more.';
SELECT wazo_auth.add_route('POST', '/0.1/oauth2/revoke', 'wazo_auth.rest_oauth2_revoke_post', 'tokens',
  checks => '{form}', body_schema => 'token_form', summary => 'End a token or refresh token (RFC 7009)', public => true,
  changes_no_access => 'it ends a session or a way to log in; their user keeps its policies');

CREATE OR REPLACE FUNCTION wazo_auth.introspected(token uuid, tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_digest uuid := wazo_auth.token_digest(token);
  v_session wazo_auth.session;
  v_refresh wazo_auth.refresh_token;
BEGIN
  SELECT s.* INTO v_session FROM wazo_auth.session s
  WHERE s.token_digest = v_digest AND s.expires_at > now()
    AND s.tenant_uuid IN (SELECT t FROM wazo_auth.tenant_scope(tenant_uuid) t);
  IF FOUND THEN
    RETURN json_build_object('active', true, 'token_type', 'access_token', 'jti', v_session.uuid,
      'sub', COALESCE(v_session.user_uuid::text, v_session.auth_id), 'tenant_uuid', v_session.tenant_uuid,
      'iat', floor(extract(epoch FROM v_session.issued_at))::bigint,
      'exp', floor(extract(epoch FROM v_session.expires_at))::bigint);
  END IF;
  SELECT r.* INTO v_refresh
  FROM wazo_auth.refresh_token r
  JOIN wazo_auth.user u ON u.uuid = r.user_uuid AND u.enabled
    AND u.tenant_uuid IN (SELECT t FROM wazo_auth.tenant_scope(tenant_uuid) t)
  WHERE r.token_digest = wazo_auth.refresh_token_family(v_digest);
  IF FOUND AND wazo_auth.is_good_refresh_token(v_digest, v_refresh) THEN
    RETURN json_strip_nulls(json_build_object('active', true, 'token_type', 'refresh_token',
      'client_id', v_refresh.client_id, 'sub', v_refresh.user_uuid,
      'iat', floor(extract(epoch FROM v_refresh.created_at))::bigint,
      'exp', floor(extract(epoch FROM wazo_auth.refresh_token_end(v_refresh)))::bigint));
  END IF;
  RETURN '{"active": false}'::json;
END
$$;
COMMENT ON FUNCTION wazo_auth.introspected(uuid, uuid) IS
'What RFC 7662 tells of a token or refresh token of a tenant or below; of any other, that it is not active.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_introspect_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(
    wazo_auth.introspected(wazo_auth.try_uuid(request.body ->> 'token'), request.tenant_uuid),
    headers => '{Cache-Control,no-store}'::text[]);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_introspect_post(wazo_auth.http_request) IS
'POST /oauth2/introspect (RFC 7662): is a token good, and whose is it? The caller is known by a token of its own.';
SELECT wazo_auth.add_route('POST', '/0.1/oauth2/introspect', 'wazo_auth.rest_oauth2_introspect_post', 'tokens',
  access => 'auth.oauth2.introspect', checks => '{tenant,form}', body_schema => 'token_form',
  summary => 'Is a token or refresh token good? (RFC 7662)', changes_no_access => 'it only reads');

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_metadata_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_url text := rtrim(wazo_auth.get_setting('public_url') #>> '{}', '/');
BEGIN
  IF v_url IS NULL THEN
    PERFORM wazo_auth.raise_error(404, 'The setting public_url does not say where this service is', 'unknown-issuer',
                                  NULL::json, 'tokens');
  END IF;
  RETURN wazo_auth.json_response(json_build_object(
    'issuer', v_url,
    'token_endpoint', v_url || '/0.1/token',
    'response_types_supported', '[]'::json,
    'grant_types_supported', '[]'::json,
    'revocation_endpoint', v_url || '/0.1/oauth2/revoke',
    'revocation_endpoint_auth_methods_supported', '["none"]'::json,
    'introspection_endpoint', v_url || '/0.1/oauth2/introspect',
    'service_documentation', v_url || '/0.1/api/api.yml'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_metadata_get(wazo_auth.http_request) IS
'GET /.well-known/oauth-authorization-server (RFC 8414): where revocation and introspection are.';
SELECT wazo_auth.add_route('GET', '/0.1/.well-known/oauth-authorization-server', 'wazo_auth.rest_oauth2_metadata_get',
  'tokens', errors => '{404}', summary => 'Where the routes of the standards are (RFC 8414)', public => true);
