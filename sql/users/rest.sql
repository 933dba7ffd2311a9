-- Routes of users: /0.1/users

SELECT wazo_auth.declare_list('user_list', '{username,firstname,lastname}', default_sort => 'username', filters => '{
  "uuid":            {"filter": "u.uuid = wazo_auth.try_uuid({})"},
  "username":        {"filter": "u.username = {}"},
  "firstname":       {"filter": "left(u.firstname, 200) = left({}, 200) AND u.firstname = {}"},
  "lastname":        {"filter": "left(u.lastname, 200) = left({}, 200) AND u.lastname = {}"},
  "purpose":         {"filter": "u.purpose = {}"},
  "email_address":   {"bytes": 512, "filter": "u.uuid IN (SELECT e.user_uuid FROM wazo_auth.login l '
    'JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid '
    'WHERE l.login = wazo_auth.normal_login({}) AND e.address = {})"},
  "group_uuid":      {"filter": "u.uuid IN (SELECT gm.user_uuid FROM wazo_auth.group_user gm '
    'WHERE gm.group_uuid = wazo_auth.try_uuid({}))"},
  "policy_uuid":     {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.user_policy up '
    'WHERE up.policy_uuid = wazo_auth.try_uuid({}))"},
  "policy_slug":     {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.user_policy up ON up.policy_uuid = po.uuid WHERE po.slug = {})"},
  "has_policy_uuid": {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.user_policy up '
    'WHERE up.policy_uuid = wazo_auth.try_uuid({}) UNION ALL SELECT gm.user_uuid FROM wazo_auth.group_policy gp '
    'JOIN wazo_auth.group_user gm ON gm.group_uuid = gp.group_uuid WHERE gp.policy_uuid = wazo_auth.try_uuid({}) '
    'AND (SELECT wazo_auth.policy_in_sight(wazo_auth.try_uuid({}), ($1 ->> ''@tenant'')::uuid)))"},
  "has_policy_slug": {"empty": false, "filter": "u.uuid IN (SELECT up.user_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.user_policy up ON up.policy_uuid = po.uuid WHERE po.slug = {} UNION ALL SELECT gm.user_uuid '
    'FROM wazo_auth.policy po JOIN wazo_auth.group_policy gp ON gp.policy_uuid = po.uuid '
    'JOIN wazo_auth.group_user gm ON gm.group_uuid = gp.group_uuid WHERE po.slug = {} '
    'AND wazo_auth.policy_in_sight(po.uuid, (SELECT ($1 ->> ''@tenant'')::uuid)))"}
}');

SELECT wazo_auth.declare_schema('user_post', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null, "max": 256},
  "lastname":              {"type": "string", "default": null, "max": 256},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string", "max": 64},
  "enabled":               {"type": "boolean", "default": true},
  "uuid":                  {"type": "uuid"},
  "password":              {"type": "string", "nullable": true, "min": 1, "bytes": 4096},
  "email_address":         {"type": "email", "nullable": true, "bytes": 512}
}');

SELECT wazo_auth.declare_schema('user_put', 'first_error', 'users', '{
  "username":              {"type": "string", "default": null, "min": 1, "max": 256},
  "firstname":             {"type": "string", "default": null, "max": 256},
  "lastname":              {"type": "string", "default": null, "max": 256},
  "purpose":               {"type": "string", "default": "user", "choices": ["user", "internal", "external_api"]},
  "authentication_method": {"type": "string", "max": 64},
  "enabled":               {"type": "boolean", "default": true}
}');

SELECT wazo_auth.declare_schema('change_password', 'first_error', 'users', '{
  "old_password": {"type": "string", "required": true, "min": 1, "bytes": 4096},
  "new_password": {"type": "string", "required": true, "min": 1, "bytes": 4096}
}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_users_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_users_pinned(request.tenant_uuid, request.query, NULL::uuid));
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
COMMENT ON FUNCTION wazo_auth.rest_user_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}: replaces all but password and addresses.';
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

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_password_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
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
  access => 'auth.users.{user_uuid}.password.update', checks => '{body,tenant,user,login_guard}',
  body_schema => 'change_password',
  summary => 'Change the password of a user', success => 204, errors => '{405}',
  changes_no_access => 'it changes how the user logs in');
