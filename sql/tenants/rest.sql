-- Routes of tenants: /0.1/tenants

SELECT wazo_auth.declare_schema('tenant_address', 'first_error', 'tenants', '{
  "line_1":   {"type": "string", "default": null, "min": 1, "max": 256},
  "line_2":   {"type": "string", "default": null, "min": 1, "max": 256},
  "city":     {"type": "string", "default": null, "min": 1, "max": 128},
  "state":    {"type": "string", "default": null, "min": 1, "max": 128},
  "country":  {"type": "string", "default": null, "min": 1, "max": 128},
  "zip_code": {"type": "string", "default": null, "min": 1, "max": 16}
}');

CREATE OR REPLACE FUNCTION wazo_auth.check_tenant_body(body jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_default_method(body ->> 'default_authentication_method');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_tenant_body(jsonb) IS
'Rule of a tenant''s body beyond its fields: the default authentication method exists. Raises WA400.';

-- A PUT takes all that a POST takes but the slug. The check of domain names is
-- stricter than their pattern by the final newline and by the one character
-- that upstream could not store.
DO $do$
DECLARE
  v_slug text := '"slug": {"type": "string", "default": null, "min": 1, "max": 10, "pattern": "^[a-zA-Z0-9_]+$"},';
  v_fields text := $json$
    "contact": {"type": "uuid", "default": null},
    "phone":   {"type": "string", "default": null, "min": 1, "max": 32},
    "default_authentication_method": {"type": "string", "default": "native", "max": 64},
    "domain_names": {"type": "list", "default": [], "max": 100, "items": {"type": "string", "bytes": 254,
      "pattern": "^(?=.{1,253}\\.?$)(?:(?!(-|_)|[^.]+_)[A-Za-z0-9-_]{1,}(?<!-)(?:\\.|$)){2,63}$",
"check": "^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.){1,62}[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.?$"}},
    "address": {"type": "nested", "schema": "tenant_address",
      "default": {"line_1": null, "line_2": null, "city": null, "state": null, "country": null, "zip_code": null}}
  }$json$;
  v_name text :=
    '{"uuid": {"type": "uuid", "default": null}, "name": {"type": "string", "default": null, "min": 1, "max": 128},';
BEGIN
  PERFORM wazo_auth.declare_schema('tenant_post', 'first_error', 'tenants', (v_name || v_slug || v_fields)::json,
                                   cross_check => 'wazo_auth.check_tenant_body');
  PERFORM wazo_auth.declare_schema('tenant_put', 'first_error', 'tenants', (v_name || v_fields)::json,
                                   cross_check => 'wazo_auth.check_tenant_body');
END
$do$;

SELECT wazo_auth.declare_list('tenant_list', '{name,slug}', default_sort => 'name', filters => '{
  "uuid":        {"filter": "t.uuid = wazo_auth.try_uuid({})"},
  "uuids":       {"type": "list", "max": 25, "items": {"type": "string", "max": 256}, "filter": "t.uuid = ANY '
    '(ARRAY(SELECT wazo_auth.try_uuid(u.value) FROM jsonb_array_elements_text($1 -> ''uuids'') u))"},
  "name":        {"filter": "t.name = {}"},
  "slug":        {"filter": "t.slug = {}"},
  "domain_name": {"empty": false, "filter": "t.uuid IN (SELECT d.tenant_uuid FROM wazo_auth.tenant_domain d '
    'WHERE d.name = wazo_auth.normal_domain({}))"}
}');

CREATE OR REPLACE FUNCTION wazo_auth.list_tenants_pinned(tenant_uuid uuid, query jsonb) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  query := COALESCE(query, '{}'::jsonb);
  RETURN wazo_auth.list_page(query, jsonb_build_object('@tenant', tenant_uuid),
    answer => '{filtered,total,items}'::text[],
    source => 'wazo_auth.tenant_row t',
    visible => wazo_auth.scope_clause('t.uuid', tenant_uuid, true),
    columns => 't.*',
    item => wazo_auth.tenant_item(),
    key => 't.uuid',
    sort => '{"name": "t.name", "slug": "t.slug"}'::jsonb,
    list => 'tenant_list',
    search => '[{"from": "wazo_auth.tenant s", "key": "s.uuid", "columns": ["s.name", "s.slug"]},
                {"from": "wazo_auth.tenant_domain s", "key": "s.tenant_uuid", "columns": ["s.name"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_tenants_pinned(uuid, jsonb) IS
'The half of wazo_auth.list_tenants() that runs as the owner of the extension, with the settings pinned.';

CREATE OR REPLACE FUNCTION wazo_auth.list_tenants(tenant_uuid uuid, query jsonb DEFAULT '{}') RETURNS json
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_as_owner';
COMMENT ON FUNCTION wazo_auth.list_tenants(uuid, jsonb) IS
'Page of a tenant and those below it as {"filtered", "total", "items"}. query: a validated tenant_list. Raises WA400 '
'for a sort column that there is not.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenants_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_tenants_pinned(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenants_get(wazo_auth.http_request) IS
'GET /tenants: the scoping tenant and all below it.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenants_get(request internal) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_rest_tenants_get';
COMMENT ON FUNCTION wazo_auth.rest_tenants_get(internal) IS
'The quick form of GET /tenants, for a few tenants without a filter. Returns whether it has answered; what it leaves '
'is the handler''s of the same name.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants', 'wazo_auth.rest_tenants_get', 'tenants',
  access => 'auth.tenants.read', checks => '{tenant,query}', query_schema => 'tenant_list',
  summary => 'The tenant and those below it');

CREATE OR REPLACE FUNCTION wazo_auth.body_address(request wazo_auth.http_request) RETURNS wazo_auth.postal_address
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT jsonb_populate_record(NULL::wazo_auth.postal_address, request.body -> 'address');
END;
COMMENT ON FUNCTION wazo_auth.body_address(wazo_auth.http_request) IS 'The address in a tenant''s body.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenants_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid;
BEGIN
  IF (v_body ->> 'uuid')::uuid = request.tenant_uuid THEN
    PERFORM wazo_auth.raise_error(403, 'Conflict detected', 'conflict',
      json_build_object('parent_uuid', json_build_object('constraint_id', 'unique', 'msg',
        'A master tenant already exist')), 'tenants');
  END IF;
  v_uuid := wazo_auth.create_tenant(
    request.tenant_uuid, v_body ->> 'name', v_body ->> 'slug', (v_body ->> 'uuid')::uuid,
    phone => v_body ->> 'phone',
    contact => (v_body ->> 'contact')::uuid, seen_from => request.caller_tenant_uuid,
    default_authentication_method => v_body ->> 'default_authentication_method',
    domain_names => ARRAY(SELECT jsonb_array_elements_text(v_body -> 'domain_names')),
    address => wazo_auth.body_address(request));
  RETURN wazo_auth.json_response(wazo_auth.tenant_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenants_post(wazo_auth.http_request) IS
'POST /tenants: creates a tenant below the scoping tenant.';
SELECT wazo_auth.add_route('POST', '/0.1/tenants', 'wazo_auth.rest_tenants_post', 'tenants',
  access => 'auth.tenants.create', checks => '{tenant,body}', body_schema => 'tenant_post',
  summary => 'Create a tenant', errors => '{403,404,409}',
  changes_no_access => 'there is nobody in a new tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenant_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.tenant_json((request.params ->> 'tenant_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_get(wazo_auth.http_request) IS 'GET /tenants/{tenant_uuid}.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_get', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.read', checks => '{tenant,target_tenant}', summary => 'A tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenant_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_uuid uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  PERFORM wazo_auth.update_tenant(v_uuid,
    name => v_body ->> 'name', phone => v_body ->> 'phone',
    contact => (v_body ->> 'contact')::uuid, seen_from => request.caller_tenant_uuid,
    default_authentication_method => v_body ->> 'default_authentication_method',
    domain_names => ARRAY(SELECT jsonb_array_elements_text(v_body -> 'domain_names')),
    address => wazo_auth.body_address(request));
  RETURN wazo_auth.json_response(wazo_auth.tenant_json(v_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_put(wazo_auth.http_request) IS 'PUT /tenants/{tenant_uuid}: replaces it.';
SELECT wazo_auth.add_route('PUT', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_put', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.update', checks => '{tenant,body,target_tenant}', body_schema => 'tenant_put',
  summary => 'Replace a tenant', errors => '{409}',
  changes_no_access => 'it describes the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenant_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  IF v_uuid = request.tenant_uuid THEN
    PERFORM wazo_auth.raise_own_tenant(v_uuid);
  END IF;
  PERFORM wazo_auth.delete_tenant(v_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_delete(wazo_auth.http_request) IS 'DELETE /tenants/{tenant_uuid}.';
SELECT wazo_auth.add_route('DELETE', '/0.1/tenants/{tenant_uuid}', 'wazo_auth.rest_tenant_delete', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.delete', checks => '{tenant,target_tenant,may_remove_tenant}',
  summary => 'Delete a tenant that has no child, with all that is in it', success => 204, errors => '{400,403}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenant_domains_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response((
    SELECT json_build_object('total', count(*),
             'items', COALESCE(json_agg(json_build_object('name', d.name, 'uuid', d.uuid) ORDER BY d.name), '[]'))
    FROM wazo_auth.tenant_domain d
    WHERE d.tenant_uuid = (request.params ->> 'tenant_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_domains_get(wazo_auth.http_request) IS 'GET /tenants/{tenant_uuid}/domains.';
SELECT wazo_auth.add_route('GET', '/0.1/tenants/{tenant_uuid}/domains', 'wazo_auth.rest_tenant_domains_get', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.domains.read', checks => '{tenant,target_tenant}',
    summary => 'Domain names of a tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_tenant_parent_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.move_tenant((request.params ->> 'tenant_uuid')::uuid,
    (request.params ->> 'parent_tenant_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_tenant_parent_put(wazo_auth.http_request) IS
'PUT /tenants/{tenant_uuid}/parent/{parent_tenant_uuid}: moves it.';
SELECT wazo_auth.add_route('PUT', '/0.1/tenants/{tenant_uuid}/parent/{parent_tenant_uuid}',
  'wazo_auth.rest_tenant_parent_put', 'tenants',
  access => 'auth.tenants.{tenant_uuid}.parent.{parent_tenant_uuid}.update',
    checks => '{tenant,target_tenant,parent_tenant}',
  summary => 'Move a tenant, with those below it, under another parent', success => 204, errors => '{409}',
  changes_no_access => 'it changes who sees the tenant; all keep their policies');
