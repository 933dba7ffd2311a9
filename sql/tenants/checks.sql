-- Checks about tenants that a path names.

CREATE OR REPLACE FUNCTION wazo_auth.check_tenant_below(tenant_uuid uuid, named text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT wazo_auth.tenant_contains(tenant_uuid, named::uuid) THEN
    PERFORM wazo_auth.raise_unknown_tenant(named);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_tenant_below(uuid, text) IS
'Raises WA404 when the tenant that a path names is not the given one or below it.';

CREATE OR REPLACE FUNCTION wazo_auth.check_target_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM wazo_auth.check_tenant_below(request.tenant_uuid, request.params ->> 'tenant_uuid');
END
$$;
COMMENT ON FUNCTION wazo_auth.check_target_tenant(wazo_auth.http_request) IS
'Raises WA404 when {tenant_uuid} is not the scoping tenant or below it.';
SELECT wazo_auth.add_check('target_tenant', 'wazo_auth.check_target_tenant', '{404}',
  '{tenant_uuid} is the scoping tenant or below it');

CREATE OR REPLACE FUNCTION wazo_auth.check_parent_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM wazo_auth.check_tenant_below(request.tenant_uuid, request.params ->> 'parent_tenant_uuid');
END
$$;
COMMENT ON FUNCTION wazo_auth.check_parent_tenant(wazo_auth.http_request) IS
'Raises WA404 when {parent_tenant_uuid} is not the scoping tenant or below it.';
SELECT wazo_auth.add_check('parent_tenant', 'wazo_auth.check_parent_tenant', '{404}',
  '{parent_tenant_uuid} is the scoping tenant or below it');
