-- Routes of identity providers: /0.1/idp

SELECT wazo_auth.declare_schema('idp_user', 'list_query', NULL, '{
  "uuid": {"type": "string", "required": true, "max": 64}
}');
SELECT wazo_auth.declare_schema('idp_users', 'list_query', NULL, '{
  "users": {"type": "nested_list", "required": true, "max": 5000, "schema": "idp_user"}
}', body_bytes => 500000, body_values => 16384);

CREATE OR REPLACE FUNCTION wazo_auth.rest_idp_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(json_build_object(
           'total', count(*), 'filtered', count(*), 'items', json_agg(m)))
  FROM wazo_auth.authentication_methods() m;
END;
COMMENT ON FUNCTION wazo_auth.rest_idp_get(wazo_auth.http_request) IS
'GET /idp: the authentication methods that a user can have.';
SELECT wazo_auth.add_route('GET', '/0.1/idp', 'wazo_auth.rest_idp_get', 'idp',
  access => 'auth.idp.read', summary => 'Authentication methods that users can have');

CREATE OR REPLACE FUNCTION wazo_auth.set_authentication_methods(user_uuids uuid[], method text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT wazo_auth.is_authentication_method(method) THEN
    RAISE EXCEPTION 'there is no authentication method "%"', method USING ERRCODE = 'invalid_parameter_value',
      HINT = 'See SELECT * FROM wazo_auth.authentication_methods().';
  END IF;
  -- In one order, so that two who set the same users' cannot wait for each other.
  PERFORM FROM wazo_auth.user u WHERE u.uuid = ANY (user_uuids) ORDER BY u.uuid FOR NO KEY UPDATE;
  PERFORM wazo_auth.raise_unknown_user(k::text) FROM unnest(user_uuids) k
  WHERE NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = k);
  UPDATE wazo_auth.user u SET authentication_method = method
  WHERE u.uuid = ANY (user_uuids) AND u.authentication_method <> method;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_authentication_methods(uuid[], text) IS
'Sets how users log in, or changes nothing: raises WA404 for an unknown one, 22023 for an unknown method.';

CREATE OR REPLACE FUNCTION wazo_auth.set_authentication_method(user_uuid uuid, method text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.set_authentication_methods(ARRAY[user_uuid], method);
END
$$;
COMMENT ON FUNCTION wazo_auth.set_authentication_method(uuid, text) IS
'Sets how a user logs in; sessions, refresh tokens and the password stay (contract: idp.md section 3). Raises WA404 '
'for an unknown user, 22023 for an unknown method.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_idp_users_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_text text;
BEGIN
  FOR v_text IN
    SELECT u.value ->> 'uuid' FROM jsonb_array_elements(request.body -> 'users') WITH ORDINALITY u (value, place)
      ORDER BY u.place
  LOOP
    IF NOT wazo_auth.user_in_sight(wazo_auth.try_uuid(v_text), request.tenant_uuid,
      wazo_auth.try_uuid(request.token_auth_id)) THEN
      PERFORM wazo_auth.raise_unknown_user(v_text);
    END IF;
  END LOOP;
  PERFORM wazo_auth.set_authentication_methods(
    ARRAY(SELECT (u.value ->> 'uuid')::uuid FROM jsonb_array_elements(request.body -> 'users') u (value)),
    request.params ->> 'idp_type');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_users_put(wazo_auth.http_request) IS
'PUT /idp/{idp_type}/users: sets the method of all the users, or of none when one is unknown.';
SELECT wazo_auth.add_route('PUT', '/0.1/idp/{idp_type}/users', 'wazo_auth.rest_idp_users_put', 'idp',
  access => 'auth.idp.{idp_type}.users.update', checks => '{idp,tenant,body}', body_schema => 'idp_users',
  summary => 'Set the authentication method of users', success => 204, errors => '{404}',
  changes_no_access => 'it changes how users log in');

CREATE OR REPLACE FUNCTION wazo_auth.rest_idp_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.set_authentication_method((request.params ->> 'user_uuid')::uuid, request.params ->> 'idp_type');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_user_put(wazo_auth.http_request) IS
'PUT /idp/{idp_type}/users/{user_uuid}: sets the user''s method.';
SELECT wazo_auth.add_route('PUT', '/0.1/idp/{idp_type}/users/{user_uuid}', 'wazo_auth.rest_idp_user_put', 'idp',
  access => 'auth.idp.{idp_type}.users.{user_uuid}.create', checks => '{idp,tenant,user}',
  summary => 'Set the authentication method of a user', success => 204,
  changes_no_access => 'it changes how the user logs in');

CREATE OR REPLACE FUNCTION wazo_auth.rest_idp_user_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE wazo_auth.user u SET authentication_method = 'default'
  WHERE u.uuid = (request.params ->> 'user_uuid')::uuid AND u.authentication_method = request.params ->> 'idp_type';
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_idp_user_delete(wazo_auth.http_request) IS
'DELETE /idp/{idp_type}/users/{user_uuid}: a user with this method gets its tenant''s default one.';
SELECT wazo_auth.add_route('DELETE', '/0.1/idp/{idp_type}/users/{user_uuid}', 'wazo_auth.rest_idp_user_delete', 'idp',
  access => 'auth.idp.{idp_type}.users.{user_uuid}.delete', checks => '{idp,tenant,user}',
  summary => 'Take an authentication method from a user', success => 204,
  changes_no_access => 'it changes how the user logs in');
