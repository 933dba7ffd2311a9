-- Routes of the tenant's directory: /0.1/backends/ldap

SELECT wazo_auth.declare_schema('ldap_config', 'first_field', NULL, '{
  "host":                 {"type": "string", "required": true, "min": 1, "max": 512},
  "port":                 {"type": "integer", "required": true, "min": 1, "max": 65535},
  "protocol_version":     {"type": "integer", "default": 3, "min": 2, "max": 3},
  "protocol_security":    {"type": "string", "nullable": true, "choices": ["ldaps", "tls"]},
  "bind_dn":              {"type": "string", "nullable": true, "min": 0, "max": 256},
  "user_base_dn":         {"type": "string", "required": true, "min": 1, "max": 256},
  "user_login_attribute": {"type": "string", "required": true, "min": 1, "max": 64},
  "user_email_attribute": {"type": "string", "required": true, "min": 1, "max": 64},
  "search_filters":       {"type": "string", "nullable": true, "max": 4096},
  "bind_password":        {"type": "string", "nullable": true, "max": 1024}
}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_ldap_config_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.shown_ldap_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_get(wazo_auth.http_request) IS
'GET /backends/ldap: the directory of the tenant, all null when it has none.';
SELECT wazo_auth.add_route('GET', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_get', 'ldap_config',
  access => 'auth.backends.ldap.read', checks => '{tenant}', summary => 'The LDAP directory of the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.rest_ldap_config_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.set_ldap_config(request.tenant_uuid, request.body);
  RETURN wazo_auth.json_response(wazo_auth.shown_ldap_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_put(wazo_auth.http_request) IS
'PUT /backends/ldap: sets the directory of the tenant; what is not given stays.';
SELECT wazo_auth.add_route('PUT', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_put', 'ldap_config',
  access => 'auth.backends.ldap.update', checks => '{tenant,body}', body_schema => 'ldap_config',
  summary => 'Set the LDAP directory of the tenant',
  changes_no_access => 'it says where passwords are checked; users keep their policies');

CREATE OR REPLACE FUNCTION wazo_auth.rest_ldap_config_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = request.tenant_uuid;
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_ldap_config_delete(wazo_auth.http_request) IS
'DELETE /backends/ldap: the tenant has no directory any more.';
SELECT wazo_auth.add_route('DELETE', '/0.1/backends/ldap', 'wazo_auth.rest_ldap_config_delete', 'ldap_config',
  access => 'auth.backends.ldap.delete', checks => '{tenant}', summary => 'Remove the LDAP directory of the tenant',
  success => 204, changes_no_access => 'it says where passwords are checked; users keep their policies');
