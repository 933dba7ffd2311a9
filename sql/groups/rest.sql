-- Routes of groups: /0.1/groups, their users, and the groups of a user

SELECT wazo_auth.declare_list('group_list', '{name,slug,uuid,read_only}', default_sort => 'name', filters => '{
  "uuid":        {"filter": "g.uuid = wazo_auth.try_uuid({})"},
  "name":        {"filter": "g.name = {}"},
  "slug":        {"filter": "g.slug = {}"},
  "user_uuid":   {"filter": "g.uuid IN (SELECT gm.group_uuid FROM wazo_auth.group_user gm '
    'WHERE gm.user_uuid = wazo_auth.try_uuid({}))"},
  "read_only":   {"type": "boolean", "filter": "g.system_managed = {}::boolean"},
  "policy_uuid": {"empty": false, "filter": "(SELECT wazo_auth.policy_in_sight(wazo_auth.try_uuid({}), ($1 ->> '
    '''@tenant'')::uuid)) AND g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.group_policy gp '
    'WHERE gp.policy_uuid = wazo_auth.try_uuid({}))"},
  "policy_slug": {"empty": false, "filter": "g.uuid IN (SELECT gp.group_uuid FROM wazo_auth.policy po '
    'JOIN wazo_auth.group_policy gp ON gp.policy_uuid = po.uuid WHERE po.slug = {} '
    'AND wazo_auth.policy_in_sight(po.uuid, (SELECT ($1 ->> ''@tenant'')::uuid)))"}
}');

SELECT wazo_auth.declare_list('user_group_list', '{name,uuid}', default_sort => 'name', filters => '{
  "uuid":      {"filter": "g.uuid = wazo_auth.try_uuid({})"},
  "name":      {"filter": "g.name = {}"},
  "user_uuid": {"filter": null}
}');

SELECT wazo_auth.declare_list('group_user_list', '{username}', default_sort => 'username', filters => '{
  "uuid":            {"filter": "u.uuid = wazo_auth.try_uuid({})"},
  "username":        {"filter": "u.username = {}"},
  "firstname":       {"filter": "left(u.firstname, 200) = left({}, 200) AND u.firstname = {}"},
  "lastname":        {"filter": "left(u.lastname, 200) = left({}, 200) AND u.lastname = {}"},
  "purpose":         {"filter": "u.purpose = {}"},
  "email_address":   {"bytes": 512, "filter": "u.uuid IN (SELECT e.user_uuid FROM wazo_auth.login l '
    'JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid '
    'WHERE l.login = wazo_auth.normal_login({}) AND e.address = {})"},
  "group_uuid":      {"filter": null}
}');

SELECT wazo_auth.declare_schema('group_post', 'first_error', 'groups', '{
  "name": {"type": "string", "required": true, "min": 1, "max": 128},
  "slug": {"type": "string", "default": null, "min": 1, "max": 80, "pattern": "^[a-zA-Z0-9_-]+$"}
}');

SELECT wazo_auth.declare_schema('group_put', 'first_error', 'groups', '{
  "name": {"type": "string", "required": true, "min": 1, "max": 128}
}');

CREATE OR REPLACE FUNCTION wazo_auth.list_groups(tenant_uuid uuid, query jsonb, user_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid),
    answer => CASE WHEN user_uuid IS NULL THEN '{filtered,total,items}' ELSE '{items,total,filtered}' END::text[],
    source => CASE WHEN user_uuid IS NULL THEN 'wazo_auth.group g'
                   ELSE 'wazo_auth.group_user gu JOIN wazo_auth.group g ON g.uuid = gu.group_uuid' END,
    visible => CASE WHEN user_uuid IS NULL THEN wazo_auth.scope_clause('g.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 'gu.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)' END,
    columns => 'g.uuid, g.name, g.slug, g.tenant_uuid, g.system_managed',
    item => $item$wazo_auth.json_object('{uuid,name,slug,tenant_uuid,system_managed,read_only}',
              p.uuid, p.name, p.slug, p.tenant_uuid, p.system_managed, p.system_managed)$item$,
    key => 'g.uuid',
    sort => '{"name": "g.name", "uuid": "g.uuid"}'::jsonb,
    list => CASE WHEN user_uuid IS NULL THEN 'group_list' ELSE 'user_group_list' END,
    search => CASE WHEN user_uuid IS NULL
      THEN jsonb '[{"from": "wazo_auth.group s", "key": "s.uuid", "columns": ["s.name"]}]'
                   ELSE jsonb '[{"columns": ["g.name"]}]' END);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_groups(uuid, jsonb, uuid) IS
'Page of groups: those of a tenant and, with recurse, below, as {"filtered", "total", "items"}; or those of a user, '
'as {"items", "total", "filtered"}. query: a validated group_list or user_group_list. Raises WA400 for a sort column '
'that the list has not.';

CREATE OR REPLACE FUNCTION wazo_auth.changed_group_response(group_uuid uuid) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response((
    SELECT json_build_object('uuid', g.uuid, 'tenant_uuid', g.tenant_uuid, 'name', g.name, 'slug', g.slug,
                             'read_only', g.system_managed, 'system_managed', g.system_managed)
    FROM wazo_auth.group g
    WHERE g.uuid = group_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.changed_group_response(uuid) IS 'The group as POST and PUT show it.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_groups_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_groups(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_groups_get(wazo_auth.http_request) IS 'GET /groups: groups of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/groups', 'wazo_auth.rest_groups_get', 'groups',
  access => 'auth.groups.read', checks => '{query,tenant}', query_schema => 'group_list',
  summary => 'Groups of the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_groups_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_group(request.tenant_uuid, request.body ->> 'name', request.body ->> 'slug');
  RETURN wazo_auth.changed_group_response(v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_groups_post(wazo_auth.http_request) IS
'POST /groups: creates a group in the tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/groups', 'wazo_auth.rest_groups_post', 'groups',
  access => 'auth.groups.create', checks => '{body,tenant}', body_schema => 'group_post',
  summary => 'Create a group', errors => '{409}',
  changes_no_access => 'a new group has no policy and nobody in it');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_json json;
BEGIN
  SELECT json_build_object('uuid', g.uuid, 'name', g.name, 'slug', g.slug, 'tenant_uuid', g.tenant_uuid,
                           'system_managed', g.system_managed, 'read_only', g.system_managed)
  INTO v_json
  FROM wazo_auth.group g
  WHERE g.uuid = (request.params ->> 'group_uuid')::uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(request.params ->> 'group_uuid');
  END IF;
  RETURN wazo_auth.json_response(v_json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_get(wazo_auth.http_request) IS 'GET /groups/{group_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_get', 'groups',
  access => 'auth.groups.{group_uuid}.read', checks => '{tenant,group}',
  summary => 'A group');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'group_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.update_group(v_uuid, request.body ->> 'name');
  RETURN wazo_auth.changed_group_response(v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_put(wazo_auth.http_request) IS 'PUT /groups/{group_uuid}: renames a group.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_put', 'groups',
  access => 'auth.groups.{group_uuid}.update', checks => '{tenant,group,body}', body_schema => 'group_put',
  summary => 'Rename a group', errors => '{403,409}',
  changes_no_access => 'it describes the group');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_group((request.params ->> 'group_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_delete(wazo_auth.http_request) IS 'DELETE /groups/{group_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}', 'wazo_auth.rest_group_delete', 'groups',
  access => 'auth.groups.{group_uuid}.delete', checks => '{tenant,group,may_remove_group}',
  summary => 'Delete a group', success => 204, errors => '{403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_users_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_users_pinned(
    request.tenant_uuid, request.query, (request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_users_get(wazo_auth.http_request) IS
'GET /groups/{group_uuid}/users: members of a group.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}/users', 'wazo_auth.rest_group_users_get', 'user_group',
  access => 'auth.groups.{group_uuid}.users.read', checks => '{query,tenant,group}', query_schema => 'group_user_list',
  summary => 'Members of a group');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_user_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_group_user((request.params ->> 'group_uuid')::uuid, (request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_user_put(wazo_auth.http_request) IS
'PUT /groups/{group_uuid}/users/{user_uuid}.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/users/{user_uuid}', 'wazo_auth.rest_group_user_put',
  'user_group',
  access => 'auth.groups.{group_uuid}.users.{user_uuid}.create', checks => '{tenant,user,group,may_add_group}',
  summary => 'Put a user into a group', success => 204, errors => '{400,403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_user_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group((request.params ->> 'group_uuid')::uuid,
    for_members => true));
  PERFORM wazo_auth.check_user_in_sight(request);
  PERFORM wazo_auth.remove_group_user((request.params ->> 'group_uuid')::uuid, (request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_user_delete(wazo_auth.http_request) IS
'DELETE /groups/{group_uuid}/users/{user_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/users/{user_uuid}', 'wazo_auth.rest_group_user_delete',
  'user_group',
  access => 'auth.groups.{group_uuid}.users.{user_uuid}.delete', checks => '{tenant,group,may_remove_group}',
  summary => 'Take a user out of a group', success => 204, errors => '{403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_groups_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_groups(
    request.tenant_uuid, request.query, (request.params ->> 'user_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_groups_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/groups: groups that a user is in.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/groups', 'wazo_auth.rest_user_groups_get', 'user_group',
  access => 'auth.users.{user_uuid}.groups.read', checks => '{tenant,user,query}', query_schema => 'user_group_list',
  summary => 'Groups of a user');
