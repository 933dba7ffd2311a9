-- Routes of external accounts that all kinds share: /0.1/external, /0.1/users/{user_uuid}/external

CREATE OR REPLACE FUNCTION wazo_auth.check_external_auth_type(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.is_external_auth_type(request.params ->> 'auth_type') THEN
    PERFORM wazo_auth.raise_unknown_external_auth_type(request.params ->> 'auth_type');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_external_auth_type(wazo_auth.http_request) IS
'Raises WA404 when {auth_type} is no kind of external accounts.';
SELECT wazo_auth.add_check('external_auth_type', 'wazo_auth.check_external_auth_type', '{404}',
  '{auth_type} is a kind of external accounts');

-- ---- /external/{auth_type}/config ----

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_config_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(
    wazo_auth.external_auth_config(request.params ->> 'auth_type', request.tenant_uuid)::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_config_get(wazo_auth.http_request) IS
'GET /external/{auth_type}/config: what the tenant has configured, secrets included.';
SELECT wazo_auth.add_route('GET', '/0.1/external/{auth_type}/config', 'wazo_auth.rest_external_config_get', 'external',
  access => 'auth.{auth_type}.external.config.read', checks => '{tenant}', errors => '{404}',
  summary => 'What the tenant has configured for a kind of external accounts');

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_config_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.create_external_auth_config(request.params ->> 'auth_type', request.tenant_uuid, request.body);
  RETURN wazo_auth.json_response('""'::json, 201);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_config_post(wazo_auth.http_request) IS
'POST /external/{auth_type}/config: stores what the tenant configures, any JSON.';
SELECT wazo_auth.add_route('POST', '/0.1/external/{auth_type}/config', 'wazo_auth.rest_external_config_post',
  'external',
  access => 'auth.{auth_type}.external.config.create', checks => '{json,tenant}', errors => '{404,409}',
  summary => 'Configure a kind of external accounts for the tenant', success => 201,
  changes_no_access => 'it says with which account of a provider the tenant works');

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_config_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.replace_external_auth_config(request.params ->> 'auth_type', request.tenant_uuid, request.body);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_config_put(wazo_auth.http_request) IS
'PUT /external/{auth_type}/config: replaces what the tenant has configured.';
SELECT wazo_auth.add_route('PUT', '/0.1/external/{auth_type}/config', 'wazo_auth.rest_external_config_put', 'external',
  access => 'auth.{auth_type}.external.config.update', checks => '{json,tenant}', errors => '{404}',
  summary => 'Replace what the tenant has configured for a kind of external accounts', success => 204,
  changes_no_access => 'it says with which account of a provider the tenant works');

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_config_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_external_auth_config(request.params ->> 'auth_type', request.tenant_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_config_delete(wazo_auth.http_request) IS
'DELETE /external/{auth_type}/config: the tenant has configured nothing any more.';
SELECT wazo_auth.add_route('DELETE', '/0.1/external/{auth_type}/config', 'wazo_auth.rest_external_config_delete',
  'external',
  access => 'auth.{auth_type}.external.config.delete', checks => '{tenant}', errors => '{404}',
  summary => 'Forget what the tenant has configured for a kind of external accounts', success => 204,
  changes_no_access => 'it says with which account of a provider the tenant works');

-- ---- lists ----

SELECT wazo_auth.declare_list('external_auth_users', '{}', '{}');

CREATE OR REPLACE FUNCTION wazo_auth.list_external_auth_users(tenant_uuid uuid, query jsonb, type text) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query, jsonb_build_object('@tenant', tenant_uuid, '@type', type),
    answer => '{filtered,total,items}'::text[],
    source => 'wazo_auth.external_auth_data d JOIN wazo_auth.user u ON u.uuid = d.user_uuid',
    visible => 'd.type = (SELECT $1 ->> ''@type'') AND '
      || wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid, (query ->> 'recurse')::boolean),
    columns => 'd.user_uuid', item => $item$wazo_auth.json_object('{uuid}', p.user_uuid)$item$, key => 'd.user_uuid',
    list => 'external_auth_users');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_external_auth_users(uuid, jsonb, text) IS
'Page of the users of a tenant and, with recurse, below, that have an external account of a kind, as {"filtered", '
'"total", "items": [{"uuid"}]}. query: a validated external_auth_users.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_users_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_external_auth_users(
    request.tenant_uuid, request.query, request.params ->> 'auth_type'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_users_get(wazo_auth.http_request) IS
'GET /external/{auth_type}/users: users that have such an external account.';
SELECT wazo_auth.add_route('GET', '/0.1/external/{auth_type}/users', 'wazo_auth.rest_external_users_get', 'external',
  access => 'auth.{auth_type}.external.users.read', checks => '{query,tenant,external_auth_type}',
  query_schema => 'external_auth_users', summary => 'Users that have an external account of a kind');

SELECT wazo_auth.declare_list('external_auth_list', '{type}', '{"type": {"filter": "t.name = {}"}}');

CREATE OR REPLACE FUNCTION wazo_auth.list_external_auth(user_uuid uuid, query jsonb) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query, jsonb_build_object('@user', user_uuid),
    answer => '{filtered,total,items}'::text[],
    source => 'wazo_auth.external_auth_types() t LEFT JOIN wazo_auth.external_auth_data d '
      'ON d.type = t.name AND d.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)',
    visible => 'true', columns => 't AS type, d AS account',
    item => $item$wazo_auth.json_object('{type,data,enabled,plugin_info}', (p.type).name,
      wazo_auth.external_auth_safe_data((p.type).name, p.account),
      (p.account).user_uuid IS NOT NULL, (p.type).plugin_info)$item$,
    key => 't.name', sort => '{"type": "t.name"}'::jsonb, list => 'external_auth_list',
    search => '[{"columns": ["t.name"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_external_auth(uuid, jsonb) IS
'Page of the kinds of external accounts that are on, as {"filtered", "total", "items"}; each says whether the user has '
'such an account, and what a registered kind shows of it. query: a validated external_auth_list.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_external_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_external_auth((request.params ->> 'user_uuid')::uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_external_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/external: the kinds of external accounts, and which of them the user has.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/external', 'wazo_auth.rest_user_external_get', 'external',
  access => 'auth.users.{user_uuid}.external.read', checks => '{query,tenant,user}',
  query_schema => 'external_auth_list', summary => 'Kinds of external accounts, and which of them a user has');
