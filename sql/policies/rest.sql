-- Routes of policies: /0.1/policies, /0.1/users/{user_uuid}/policies, /0.1/groups/{group_uuid}/policies

SELECT wazo_auth.declare_schema('policy_post', 'first_field', NULL, '{
  "name":        {"type": "string", "required": true, "min": 1, "max": 80},
  "slug":        {"type": "string", "default": null, "min": 1, "max": 80, "pattern": "^[a-zA-Z0-9_-]+$"},
  "description": {"type": "string", "default": null, "max": 4096},
  "acl":         {"type": "list", "default": [], "max": 10000, "items": {"type": "string", "bytes": 1024}},
  "shared":      {"type": "boolean", "default": false}
}', body_bytes => 1000000, body_values => 16384);
SELECT wazo_auth.declare_schema('policy_put', 'first_field', NULL, '{
  "name":        {"type": "string", "required": true, "min": 1, "max": 80},
  "description": {"type": "string", "default": null, "max": 4096},
  "acl":         {"type": "list", "default": [], "max": 10000, "items": {"type": "string", "bytes": 1024}}
}', body_bytes => 1000000, body_values => 16384);

-- Whose policies a filter tells: nobody's who is out of sight.
DO $do$
DECLARE
  c_seen_from text := '(SELECT ($1 ->> ''@seen_from'')::uuid)';
  v_filters jsonb := jsonb_build_object(
    'uuid', '{"filter": "q.uuid = wazo_auth.try_uuid({})"}'::jsonb,
    'name', '{"filter": "q.name = {}"}'::jsonb,
    'tenant_uuid', '{"filter": "q.tenant_uuid = wazo_auth.try_uuid({})"}'::jsonb,
    'user_uuid', jsonb_build_object('filter', format(
      '(%1$s IS NULL OR (SELECT wazo_auth.user_in_sight(wazo_auth.try_uuid({}), %1$s, NULL)))'
      ' AND q.uuid IN (SELECT f.policy_uuid FROM wazo_auth.user_policy f WHERE f.user_uuid = wazo_auth.try_uuid({}))',
      c_seen_from)),
    'group_uuid', jsonb_build_object('filter', format(
      '(%1$s IS NULL'
      ' OR (SELECT wazo_auth.tenant_contains(%1$s, wazo_auth.group_tenant_uuid(wazo_auth.try_uuid({})))))'
      ' AND q.uuid IN (SELECT f.policy_uuid FROM wazo_auth.group_policy f WHERE f.group_uuid = wazo_auth.try_uuid({}))',
      c_seen_from)));
BEGIN
  PERFORM wazo_auth.declare_list('policy_list', '{name,slug,description,uuid,read_only}', default_sort => 'name',
    filters => (v_filters || jsonb_build_object(
      'slug', '{"filter": "q.slug = {}"}'::jsonb,
      'read_only', jsonb_build_object('type', 'boolean', 'filter',
        '(q.config_managed OR (q.shared AND NOT EXISTS ('
        'SELECT FROM wazo_auth.tenant o WHERE o.uuid = q.tenant_uuid'
        ' AND (SELECT ($1 ->> ''@tenant'')::uuid) = ANY (o.path)))) = {}::boolean')))::json);
  PERFORM wazo_auth.declare_list('user_policy_list', '{name,description,uuid}', default_sort => 'name',
    filters => (v_filters || '{"user_uuid": {"filter": null}}')::json);
  PERFORM wazo_auth.declare_list('group_policy_list', '{name,description,uuid}', default_sort => 'name',
    filters => (v_filters || '{"group_uuid": {"filter": null}}')::json);
END
$do$;

CREATE OR REPLACE FUNCTION wazo_auth.check_policy_writable(policy_uuid uuid, tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_policy wazo_auth.policy;
BEGIN
  SELECT p.* INTO v_policy FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  IF v_policy.config_managed OR NOT wazo_auth.tenant_contains(tenant_uuid, v_policy.tenant_uuid) THEN
    PERFORM wazo_auth.raise_error(403, format('Forbidden policy deletion: "%s"', policy_uuid));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_policy_writable(uuid, uuid) IS
'Raises WA403 for a policy of the configuration or one that another tenant lends to this one, WA404 for one that is '
'gone; locks it otherwise.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_policies_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_policies(request.query, request.tenant_uuid,
    (request.query ->> 'recurse')::boolean));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policies_get(wazo_auth.http_request) IS
'GET /policies: those that the scoping tenant can see.';
SELECT wazo_auth.add_route('GET', '/0.1/policies', 'wazo_auth.rest_policies_get', 'policies',
  access => 'auth.policies.read', checks => '{query,tenant}', query_schema => 'policy_list',
  summary => 'Policies that the tenant can see');

CREATE OR REPLACE FUNCTION wazo_auth.body_acl(request wazo_auth.http_request) RETURNS wazo_auth.acl
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.acl_distinct(wazo_auth.body_entries(request));
END
$$;
COMMENT ON FUNCTION wazo_auth.body_acl(wazo_auth.http_request) IS 'The ACL in a policy''s body.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_policies_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid;
BEGIN
  v_uuid := wazo_auth.create_policy(request.tenant_uuid, request.body ->> 'name', wazo_auth.body_acl(request),
    slug => request.body ->> 'slug', description => request.body ->> 'description',
      shared => (request.body ->> 'shared')::boolean);
  RETURN wazo_auth.json_response(wazo_auth.policy_json(v_uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policies_post(wazo_auth.http_request) IS
'POST /policies: creates a policy in the scoping tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/policies', 'wazo_auth.rest_policies_post', 'policies',
  access => 'auth.policies.create', checks => '{body,tenant,may_add_body}', body_schema => 'policy_post',
  summary => 'Create a policy', errors => '{409}');

-- A policy is named by its uuid or by its slug. By its slug it is looked for
-- first; by its uuid only after the accesses that the request itself names.

CREATE OR REPLACE FUNCTION wazo_auth.rest_policy_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.policy_json((request.params ->> 'policy_uuid')::uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_get(wazo_auth.http_request) IS
'GET /policies/{policy_uuid} and /policies/{policy_slug}.';
SELECT wazo_auth.add_route('GET', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_get', 'policies',
  access => 'auth.policies.{policy_uuid}.read', checks => '{tenant,policy}',
  summary => 'A policy, by its uuid');
SELECT wazo_auth.add_route('GET', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_get', 'policies',
  access => 'auth.policies.{policy_slug}.read', checks => '{tenant,policy}',
  summary => 'A policy, by its slug');

CREATE OR REPLACE FUNCTION wazo_auth.rest_policy_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.update_policy(v_uuid, request.body ->> 'name', wazo_auth.body_acl(request),
    request.body ->> 'description');
  RETURN wazo_auth.json_response(wazo_auth.policy_json(v_uuid, request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_put(wazo_auth.http_request) IS
'PUT /policies/{policy_uuid} and /policies/{policy_slug}: replaces it.';
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_put', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,body,may_add_body,policy,may_remove_rest}',
  body_schema => 'policy_put', summary => 'Replace a policy, by its uuid', errors => '{403,409}');
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_put', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,body,may_add_body,may_remove_rest}',
  body_schema => 'policy_put', summary => 'Replace a policy, by its slug', errors => '{403,409}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_policy_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.delete_policy(v_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_delete(wazo_auth.http_request) IS
'DELETE /policies/{policy_uuid} and /policies/{policy_slug}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_uuid}',
  'wazo_auth.rest_policy_delete', 'policies',
  access => 'auth.policies.{policy_uuid}.delete', checks => '{tenant,policy,may_remove_policy}',
  summary => 'Delete a policy, by its uuid', success => 204, errors => '{403}');
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_slug}',
  'wazo_auth.rest_policy_delete', 'policies',
  access => 'auth.policies.{policy_slug}.delete', checks => '{tenant,policy,may_remove_policy}',
  summary => 'Delete a policy, by its slug', success => 204, errors => '{403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_policy_access_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.add_policy_access(v_uuid, request.params ->> 'access');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_access_put(wazo_auth.http_request) IS
'PUT /policies/{policy_uuid}/acl/{access} and the same with a slug: puts an access into the policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_uuid}/acl/{access}',
  'wazo_auth.rest_policy_access_put', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,may_add_access,policy}',
  summary => 'Put an access into a policy, by its uuid', success => 204, errors => '{403,409}');
SELECT wazo_auth.add_route('PUT', '/0.1/policies/{policy_slug}/acl/{access}',
  'wazo_auth.rest_policy_access_put', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,may_add_access}',
  summary => 'Put an access into a policy, by its slug', success => 204, errors => '{403,409}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_policy_access_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'policy_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.check_policy_writable(v_uuid, request.tenant_uuid);
  PERFORM wazo_auth.remove_policy_access(v_uuid, request.params ->> 'access');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_policy_access_delete(wazo_auth.http_request) IS
'DELETE /policies/{policy_uuid}/acl/{access} and the same with a slug: takes an access out of the policy.';
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_uuid}/acl/{access}',
  'wazo_auth.rest_policy_access_delete', 'policies',
  access => 'auth.policies.{policy_uuid}.update', checks => '{tenant,may_remove_access,policy}',
  summary => 'Take an access out of a policy, by its uuid', success => 204, errors => '{403}');
SELECT wazo_auth.add_route('DELETE', '/0.1/policies/{policy_slug}/acl/{access}',
  'wazo_auth.rest_policy_access_delete', 'policies',
  access => 'auth.policies.{policy_slug}.update', checks => '{tenant,policy,may_remove_access}',
  summary => 'Take an access out of a policy, by its slug', success => 204, errors => '{403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_policies_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Without a looking tenant: each policy shows its owner.
  RETURN wazo_auth.json_response(wazo_auth.list_policies(
    request.query, user_uuid => (request.params ->> 'user_uuid')::uuid, seen_from => request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policies_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/policies: those given to the user directly.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/policies', 'wazo_auth.rest_user_policies_get', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.read', checks => '{tenant,user,query}', query_schema => 'user_policy_list',
  summary => 'Policies of a user');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_policy_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_user_policy((request.params ->> 'user_uuid')::uuid, (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policy_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/policies/{policy_uuid} and the same with a slug: gives the user a policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_user_policy_put', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_uuid}.create', checks => '{tenant,policy,may_add_policy,user}',
  summary => 'Give a user a policy, by its uuid', success => 204);
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_user_policy_put', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_slug}.create', checks => '{tenant,policy,may_add_policy,user}',
  summary => 'Give a user a policy, by its slug', success => 204);

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_policy_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.remove_user_policy((request.params ->> 'user_uuid')::uuid,
    (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_policy_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/policies/{policy_uuid} and the same with a slug: takes a policy from the user.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_user_policy_delete', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_uuid}.delete', checks => '{tenant,policy,may_remove_policy,user}',
  summary => 'Take a policy from a user, by its uuid', success => 204);
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_user_policy_delete', 'user_policy',
  access => 'auth.users.{user_uuid}.policies.{policy_slug}.delete', checks => '{tenant,policy,may_remove_policy,user}',
  summary => 'Take a policy from a user, by its slug', success => 204);

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_policies_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_policies(request.query, request.tenant_uuid,
                                                         group_uuid => (request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policies_get(wazo_auth.http_request) IS
'GET /groups/{group_uuid}/policies: those of the group that the scoping tenant can see; the counts are of all.';
SELECT wazo_auth.add_route('GET', '/0.1/groups/{group_uuid}/policies', 'wazo_auth.rest_group_policies_get',
  'group_policy',
  access => 'auth.groups.{group_uuid}.policies.read', checks => '{tenant,group,query}',
    query_schema => 'group_policy_list',
  summary => 'Policies of a group');

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_policy_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.add_group_policy((request.params ->> 'group_uuid')::uuid, (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policy_put(wazo_auth.http_request) IS
'PUT /groups/{group_uuid}/policies/{policy_uuid} and the same with a slug: gives the group a policy.';
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_group_policy_put', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_uuid}.create', checks => '{tenant,group,policy,may_add_policy}',
  summary => 'Give a group a policy, by its uuid', success => 204);
SELECT wazo_auth.add_route('PUT', '/0.1/groups/{group_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_group_policy_put', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_slug}.create', checks => '{tenant,policy,group,may_add_policy}',
  summary => 'Give a group a policy, by its slug', success => 204);

CREATE OR REPLACE FUNCTION wazo_auth.rest_group_policy_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.remove_group_policy((request.params ->> 'group_uuid')::uuid,
    (request.params ->> 'policy_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_group_policy_delete(wazo_auth.http_request) IS
'DELETE /groups/{group_uuid}/policies/{policy_uuid} and the same with a slug: takes a policy from the group.';
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/policies/{policy_uuid}',
  'wazo_auth.rest_group_policy_delete', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_uuid}.delete',
    checks => '{tenant,group,policy,may_remove_policy}',
  summary => 'Take a policy from a group, by its uuid', success => 204);
SELECT wazo_auth.add_route('DELETE', '/0.1/groups/{group_uuid}/policies/{policy_slug}',
  'wazo_auth.rest_group_policy_delete', 'group_policy',
  access => 'auth.groups.{group_uuid}.policies.{policy_slug}.delete',
    checks => '{tenant,policy,group,may_remove_policy}',
  summary => 'Take a policy from a group, by its slug', success => 204);
