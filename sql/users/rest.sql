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

CREATE OR REPLACE FUNCTION wazo_auth.emails_json(user_uuid uuid) RETURNS json
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
           'uuid', e.uuid, 'address', e.address, 'main', e.main, 'confirmed', e.confirmed) ORDER BY e.main DESC, e.address), '[]')
  FROM wazo_auth.email e
  WHERE e.user_uuid = emails_json.user_uuid;
END;
COMMENT ON FUNCTION wazo_auth.emails_json(uuid) IS 'E-mail addresses of a user as its answers show them: the main one first.';

CREATE OR REPLACE FUNCTION wazo_auth.list_users(
  tenant_uuid uuid, query jsonb, group_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@group', group_uuid),
    answer => '{filtered,total,items}',
    source => CASE WHEN group_uuid IS NULL THEN 'wazo_auth.user u'
                   ELSE 'wazo_auth.group_user gu JOIN wazo_auth.user u ON u.uuid = gu.user_uuid' END,
    visible => CASE WHEN group_uuid IS NULL THEN wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid, (query ->> 'recurse')::boolean)
                    ELSE 'gu.group_uuid = (SELECT ($1 ->> ''@group'')::uuid)' END,
    columns => 'u.uuid, u.username, u.firstname, u.lastname, u.purpose, u.enabled, u.tenant_uuid, u.authentication_method',
    item => $item$json_build_object('username', p.username, 'uuid', p.uuid, 'enabled', p.enabled, 'emails',
              (SELECT COALESCE(json_agg(json_build_object('uuid', e.uuid, 'address', e.address, 'main', e.main, 'confirmed', e.confirmed)
                                        ORDER BY e.main DESC, e.address), '[]')
               FROM wazo_auth.email e WHERE e.user_uuid = p.uuid),
              'firstname', p.firstname, 'lastname', p.lastname, 'purpose', p.purpose,
              'tenant_uuid', p.tenant_uuid, 'authentication_method', p.authentication_method)$item$,
    key => 'u.uuid',
    sort => '{"username": "u.username", "firstname": ["left(u.firstname, 200)", "u.firstname"], "lastname": ["left(u.lastname, 200)", "u.lastname"]}',
    filters => '{"uuid": "u.uuid = wazo_auth.try_uuid({})",
                 "username": "u.username = {}", "purpose": "u.purpose = {}",
                 "firstname": "left(u.firstname, 200) = left({}, 200) AND u.firstname = {}",
                 "lastname": "left(u.lastname, 200) = left({}, 200) AND u.lastname = {}",
                 "email_address": "u.uuid IN (SELECT e.user_uuid FROM wazo_auth.login l JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid WHERE l.login = wazo_auth.fold_login({}) AND e.address = {})"}',
    search => '[{"from": "wazo_auth.user s", "key": "s.uuid", "columns": ["s.username", "s.firstname", "s.lastname"]},
                {"from": "wazo_auth.email s", "key": "s.user_uuid", "columns": ["s.address"]}]');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_users(uuid, jsonb, uuid) IS
'Page of users as {"filtered", "total", "items"}.';
CREATE OR REPLACE FUNCTION wazo_auth.rest_users_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT wazo_auth.json_response(wazo_auth.list_users(request.tenant_uuid, request.query));
END;
COMMENT ON FUNCTION wazo_auth.rest_users_get(wazo_auth.http_request) IS 'GET /users.';
SELECT wazo_auth.add_route('GET', '/0.1/users', 'wazo_auth.rest_users_get', 'users',
  access => 'auth.users.read', checks => '{tenant,query}', query_schema => 'user_list',
  summary => 'Users of the tenant');
