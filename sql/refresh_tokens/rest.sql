-- Routes of refresh tokens: /0.1/tokens, /0.1/users/{user_uuid}/tokens

SELECT wazo_auth.declare_list('refresh_token_list', '{created_at,client_id,mobile}', default_sort => 'created_at',
  filters => '{
  "client_id":  {"bytes": 1024, "filter": "r.client_id = {}"},
  "mobile":     {"filter": "r.mobile = (SELECT ($1 ->> ''@mobile'')::boolean)"},
  "created_at": {"filter": "r.created_at = (SELECT ($1 ->> ''@created_at'')::timestamptz)"}
}');

CREATE OR REPLACE FUNCTION wazo_auth.list_refresh_tokens(
  tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL, recurse boolean DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_args jsonb := jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid);
BEGIN
  BEGIN
    v_args := v_args || jsonb_build_object('@mobile', (query ->> 'mobile')::boolean);
  EXCEPTION WHEN data_exception THEN
    PERFORM wazo_auth.raise_bad_filter('mobile');
  END;
  BEGIN
    v_args := v_args || jsonb_build_object('@created_at', (query ->> 'created_at')::timestamptz);
  EXCEPTION WHEN data_exception THEN
    PERFORM wazo_auth.raise_bad_filter('created_at');
  END;
  RETURN wazo_auth.list_page(query, v_args,
    answer => '{total,filtered,items}'::text[],
    source => 'wazo_auth.refresh_token r JOIN wazo_auth.user u ON u.uuid = r.user_uuid',
    -- The caller's checks have made sure that this user is visible.
    visible => CASE WHEN user_uuid IS NOT NULL THEN 'r.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)'
                    ELSE wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid,
                      COALESCE(recurse, (query ->> 'recurse')::boolean)) END,
    columns => 'r.client_id, r.created_at, r.mobile, r.user_uuid, u.tenant_uuid, r.metadata',
    item => $item$json_build_object('client_id', p.client_id, 'created_at', wazo_auth.iso_time(p.created_at), 'mobile',
      p.mobile,
              'user_uuid', p.user_uuid, 'tenant_uuid', p.tenant_uuid, 'metadata', p.metadata)$item$,
    key => 'r.token_digest',
    sort => '{"created_at": "r.created_at", "client_id": "r.client_id", "mobile": "r.mobile"}'::jsonb,
    list => 'refresh_token_list',
    search => '[{"columns": ["r.client_id"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_refresh_tokens(uuid, jsonb, uuid, boolean) IS
'Page of refresh tokens as {"total", "filtered", "items"}: those of one user, or of the users of a tenant and, with '
'recurse, below. query: a validated refresh_token_list. Raises WA400 for a filter that cannot be read.';

CREATE OR REPLACE FUNCTION wazo_auth.revoke_refresh_token(user_uuid uuid, client_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  SELECT r.token_digest INTO v_digest
  FROM wazo_auth.refresh_token r
  WHERE r.user_uuid = revoke_refresh_token.user_uuid AND r.client_id = revoke_refresh_token.client_id
  FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, format('unknown refresh_token for client_id "%s"', client_id),
      'cannot-find-refresh-token-matching-client-id', json_build_object('client_id', client_id), 'tokens');
  END IF;
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY[v_digest]);
END
$$;
COMMENT ON FUNCTION wazo_auth.revoke_refresh_token(uuid, text) IS
'Revokes a user''s refresh token for a client; sessions opened with it stay valid. Raises WA404 when there is none.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_tokens_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tokens_get(wazo_auth.http_request) IS
'GET /tokens: refresh tokens of the tenant''s users.';
SELECT wazo_auth.add_route('GET', '/0.1/tokens', 'wazo_auth.rest_tokens_get', 'tokens',
  access => 'auth.tokens.read', checks => '{tenant,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of a tenant''s users');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_tokens_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(
           request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_tokens_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/tokens: refresh tokens of a user.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/tokens', 'wazo_auth.rest_user_tokens_get', 'tokens',
  access => 'auth.users.{user_uuid}.tokens.read', checks => '{tenant,user,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of a user');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_token_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.revoke_refresh_token((request.params ->> 'user_uuid')::uuid, request.params ->> 'client_id');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_token_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/tokens/{client_id}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/tokens/{client_id}', 'wazo_auth.rest_user_token_delete',
  'tokens',
  access => 'auth.users.{user_uuid}.tokens.{client_id}.delete', checks => '{tenant,user}',
  summary => 'Revoke a refresh token of a user', success => 204,
  changes_no_access => 'it ends a way to log in; its user keeps its policies');

CREATE OR REPLACE FUNCTION wazo_auth.caller_uuid(request wazo_auth.http_request) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Tokens that the service made itself have no user.
  IF wazo_auth.try_uuid(request.token_auth_id) IS NULL THEN
    PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', request.token_auth_id), 'unknown-user',
                                  json_build_object('uuid', request.token_auth_id), 'users');
  END IF;
  RETURN request.token_auth_id::uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.caller_uuid(wazo_auth.http_request) IS
'User of the caller''s token. Raises WA404 for a token without one.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_my_tokens_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_refresh_tokens(
           request.tenant_uuid, request.query, wazo_auth.caller_uuid(request)));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_my_tokens_get(wazo_auth.http_request) IS
'GET /users/me/tokens: refresh tokens of the caller.';
SELECT wazo_auth.add_route('GET', '/0.1/users/me/tokens', 'wazo_auth.rest_my_tokens_get', 'tokens',
  access => 'auth.users.me.tokens.read', checks => '{tenant,query}', query_schema => 'refresh_token_list',
  summary => 'Refresh tokens of the caller');

CREATE OR REPLACE FUNCTION wazo_auth.rest_my_token_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.revoke_refresh_token(wazo_auth.caller_uuid(request), request.params ->> 'client_id');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_my_token_delete(wazo_auth.http_request) IS 'DELETE /users/me/tokens/{client_id}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/me/tokens/{client_id}', 'wazo_auth.rest_my_token_delete', 'tokens',
  access => 'auth.users.me.tokens.{client_id}.delete', checks => '{tenant}',
  summary => 'Revoke a refresh token of the caller', success => 204,
  changes_no_access => 'it ends a way to log in; its user keeps its policies');
