-- Routes of users: /0.1/users

SELECT wazo_auth.declare_schema('user_list', 'list_query', NULL, '{
  "limit":           {"type": "integer", "nullable": true, "min": 0},
  "offset":          {"type": "integer", "default": 0, "min": 0},
  "order":           {"type": "string", "default": "username", "choices": ["username", "firstname", "lastname"]},
  "direction":       {"type": "string", "default": "asc", "choices": ["asc", "desc"]},
  "search":          {"type": "string"},
  "recurse":         {"type": "boolean", "default": false},
  "uuid":            {"type": "string"},
  "username":        {"type": "string"},
  "firstname":       {"type": "string"},
  "lastname":        {"type": "string"},
  "purpose":         {"type": "string"},
  "email_address":   {"type": "string"},
  "group_uuid":      {"type": "string"},
  "policy_uuid":     {"type": "string"},
  "policy_slug":     {"type": "string"},
  "has_policy_uuid": {"type": "string"},
  "has_policy_slug": {"type": "string"}
}');

SELECT wazo_auth.declare_schema('user_post', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null},
  "lastname":              {"type": "string", "default": null},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string"},
  "enabled":               {"type": "boolean", "default": true},
  "uuid":                  {"type": "uuid"},
  "password":              {"type": "string", "nullable": true, "min": 1},
  "email_address":         {"type": "email", "nullable": true}
}');

SELECT wazo_auth.declare_schema('user_put', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null},
  "lastname":              {"type": "string", "default": null},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string"},
  "enabled":               {"type": "boolean", "default": true}
}');

SELECT wazo_auth.declare_schema('change_password', 'first_error', 'users', '{
  "old_password": {"type": "string", "required": true, "min": 1},
  "new_password": {"type": "string", "required": true, "min": 1}
}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_users_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_users(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_users_get(wazo_auth.http_request) IS 'GET /users: users of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/users', 'wazo_auth.rest_users_get', 'users',
  access => 'auth.users.read', checks => '{tenant,query}', query_schema => 'user_list',
  summary => 'Users of the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.created_user_json(user_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT json_build_object('uuid', u.uuid, 'username', u.username, 'firstname', u.firstname, 'lastname', u.lastname,
             'purpose', u.purpose,
             'emails', (SELECT COALESCE(json_agg(json_build_object(
                                 'uuid', e.uuid, 'address', e.address, 'confirmed', e.confirmed, 'main', e.main)), '[]')
                        FROM wazo_auth.email e WHERE e.user_uuid = u.uuid),
             'enabled', u.enabled, 'tenant_uuid', u.tenant_uuid, 'authentication_method', u.authentication_method)
    FROM wazo_auth.user u
    WHERE u.uuid = created_user_json.user_uuid
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.created_user_json(uuid) IS
'A user as POST /users and POST /users/register show it (contract: responses.md, user).';

CREATE OR REPLACE FUNCTION wazo_auth.rest_users_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_user(request.tenant_uuid,
    username => v_body ->> 'username', password => v_body ->> 'password', email_address => v_body ->> 'email_address',
    firstname => v_body ->> 'firstname', lastname => v_body ->> 'lastname', purpose => v_body ->> 'purpose',
    authentication_method => v_body ->> 'authentication_method', enabled => (v_body ->> 'enabled')::boolean,
    uuid => (v_body ->> 'uuid')::uuid);
  RETURN wazo_auth.json_response(wazo_auth.created_user_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_users_post(wazo_auth.http_request) IS 'POST /users: creates a user in the tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/users', 'wazo_auth.rest_users_post', 'users',
  access => 'auth.users.create', checks => '{tenant,body}', body_schema => 'user_post',
  summary => 'Create a user', errors => '{409}',
  changes_no_access => 'a new user has what its tenant gives to all of its users');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.user_json((request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_get(wazo_auth.http_request) IS 'GET /users/{user_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_get', 'users',
  access => 'auth.users.{user_uuid}.read', checks => '{tenant,user}',
  summary => 'A user');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'user_uuid')::uuid;
  v_body jsonb := request.body;
BEGIN
  PERFORM wazo_auth.update_user(v_uuid,
    username => v_body ->> 'username', firstname => v_body ->> 'firstname', lastname => v_body ->> 'lastname',
    purpose => v_body ->> 'purpose', authentication_method => v_body ->> 'authentication_method',
    enabled => (v_body ->> 'enabled')::boolean);
  RETURN wazo_auth.json_response(wazo_auth.user_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_put(wazo_auth.http_request) IS 'PUT /users/{user_uuid}: replaces all but password and addresses.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_put', 'users',
  access => 'auth.users.{user_uuid}.update', checks => '{tenant,body,method,user}', body_schema => 'user_put',
  summary => 'Replace a user', errors => '{409}',
  changes_no_access => 'it describes the user, which keeps its policies, enabled or not');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_user((request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_delete(wazo_auth.http_request) IS 'DELETE /users/{user_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}', 'wazo_auth.rest_user_delete', 'users',
  access => 'auth.users.{user_uuid}.delete', checks => '{tenant,user}',
  summary => 'Delete a user', success => 204,
  changes_no_access => 'who is gone holds nothing, and all others keep what they have');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_password_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.change_password((request.params ->> 'user_uuid')::uuid,
    request.body ->> 'old_password', request.body ->> 'new_password');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_password_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/password: the old password is needed; all tokens of the user end, the caller''s too.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/password', 'wazo_auth.rest_user_password_put', 'users',
  access => 'auth.users.{user_uuid}.password.update', checks => '{body,tenant,user}', body_schema => 'change_password',
  summary => 'Change the password of a user', success => 204, errors => '{405}',
  changes_no_access => 'it changes how the user logs in');
