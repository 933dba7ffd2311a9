-- Routes of sessions: /0.1/sessions, /0.1/users/{user_uuid}/sessions

SELECT wazo_auth.declare_list('session_list', '{mobile}', filters => '{}');

CREATE OR REPLACE FUNCTION wazo_auth.list_sessions(tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid),
    answer => CASE WHEN user_uuid IS NULL THEN '{filtered,total,items}' ELSE '{items,total,filtered}' END::text[],
    source => 'wazo_auth.session s',
    visible => CASE WHEN user_uuid IS NULL THEN wazo_auth.scope_clause('s.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 's.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)' END
               || ' AND s.expires_at > statement_timestamp()',
    columns => 's.uuid, s.mobile, s.tenant_uuid, s.user_uuid',
    item => $item$wazo_auth.json_object('{uuid,mobile,tenant_uuid,user_uuid}', p.uuid, p.mobile, p.tenant_uuid,
      p.user_uuid)$item$,
    key => 's.uuid',
    sort => '{"mobile": "s.mobile"}'::jsonb, list => 'session_list');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_sessions(uuid, jsonb, uuid) IS
'Page of live sessions: those of a tenant and, with recurse, below, as {"filtered", "total", "items"}; or those of a '
'user, as {"items", "total", "filtered"}. query: a validated session_list.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_session(session_uuid uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s WHERE s.uuid = delete_session.session_uuid)) > 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_session(uuid) IS
'Ends a session by its own uuid, which is not the token. Returns whether there was one.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_sessions_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_sessions(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_sessions_get(wazo_auth.http_request) IS 'GET /sessions: sessions of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/sessions', 'wazo_auth.rest_sessions_get', 'sessions',
  access => 'auth.sessions.read', checks => '{tenant,query}', query_schema => 'session_list',
  summary => 'Sessions of the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_session_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- One that is out of sight is left alone without a word.
  PERFORM wazo_auth.delete_session(s.uuid)
  FROM wazo_auth.session s
  JOIN wazo_auth.tenant t ON t.uuid = s.tenant_uuid
  WHERE s.uuid = (request.params ->> 'session_uuid')::uuid
    AND (request.tenant_uuid = ANY (t.path) OR s.user_uuid = wazo_auth.try_uuid(request.token_auth_id));
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_session_delete(wazo_auth.http_request) IS
'DELETE /sessions/{session_uuid}: ends a session of the tenant or below, or of the caller; the same answer for any '
'other.';
SELECT wazo_auth.add_route('DELETE', '/0.1/sessions/{session_uuid}', 'wazo_auth.rest_session_delete', 'sessions',
  access => 'auth.sessions.{session_uuid}.delete', checks => '{tenant}',
  summary => 'End a session', success => 204,
  changes_no_access => 'it ends a session; its user keeps its policies');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_sessions_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_sessions(
    request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_sessions_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/sessions: sessions of a user.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/sessions', 'wazo_auth.rest_user_sessions_get', 'user_session',
  access => 'auth.users.{user_uuid}.sessions.read', checks => '{tenant,user,query}', query_schema => 'session_list',
  summary => 'Sessions of a user');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_session_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_session(s.uuid)
  FROM wazo_auth.session s
  WHERE s.uuid = (request.params ->> 'session_uuid')::uuid AND s.user_uuid = (request.params ->> 'user_uuid')::uuid;
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_session_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/sessions/{session_uuid}: ends a session of this user; the same answer when it is nobody''s '
'or another user''s.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/sessions/{session_uuid}',
  'wazo_auth.rest_user_session_delete', 'user_session',
  access => 'auth.users.{user_uuid}.sessions.{session_uuid}.delete', checks => '{tenant,user}',
  summary => 'End a session of a user', success => 204,
  changes_no_access => 'it ends a session; its user keeps its policies');
