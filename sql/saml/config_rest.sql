-- Routes of the tenant's SAML identity provider: /0.1/backends/saml

SELECT wazo_auth.declare_schema('saml_config_post', 'first_error', 'users', '{
  "domain_uuid": {"type": "string", "required": true, "min": 36, "max": 38},
  "entity_id":   {"type": "string", "required": true, "min": 1, "max": 512, "check": "^[^\\x01-\\x1f\\x7f]+$"},
  "tenant_uuid": {"type": "string", "min": 36, "max": 38},
  "acs_url":     {"type": "string", "required": true, "min": 1, "max": 512, "check": "^https?://[!-~]+$"},
  "metadata":    {"type": "string", "max": 1000000, "bytes": 1000000}
}', error_id => 'invalid-list-param', body_bytes => 1000000);
SELECT wazo_auth.declare_schema('saml_config_put', 'first_error', 'users', '{
  "domain_uuid": {"type": "string", "min": 36, "max": 38},
  "entity_id":   {"type": "string", "min": 1, "max": 512, "check": "^[^\\x01-\\x1f\\x7f]+$"},
  "tenant_uuid": {"type": "string", "min": 36, "max": 38},
  "acs_url":     {"type": "string", "min": 1, "max": 512, "check": "^https?://[!-~]+$"},
  "metadata":    {"type": "string", "max": 1000000, "bytes": 1000000}
}', error_id => 'invalid-list-param', body_bytes => 1000000);

CREATE OR REPLACE FUNCTION wazo_auth.shown_saml_config(tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of(tenant_uuid);
BEGIN
  RETURN json_build_object('domain_uuid', v_config.domain_uuid, 'entity_id', v_config.entity_id,
                           'tenant_uuid', v_config.tenant_uuid, 'acs_url', v_config.acs_url);
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_saml_config(uuid) IS
'The SAML identity provider of a tenant, without its metadata. Raises WA404 when it has none.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_config_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.shown_saml_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_config_get(wazo_auth.http_request) IS
'GET /backends/saml: the SAML identity provider of the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/backends/saml', 'wazo_auth.rest_saml_config_get', 'saml_config',
  access => 'auth.backends.saml.read', checks => '{tenant}', errors => '{404}',
  summary => 'The SAML identity provider of the tenant');

CREATE OR REPLACE FUNCTION wazo_auth.saml_metadata_given(request wazo_auth.http_request) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_metadata text := request.body ->> 'metadata';
BEGIN
  IF v_metadata = '' THEN
    PERFORM wazo_auth.raise_bad_saml_config(request.tenant_uuid, 'Empty metadata file provided');
  END IF;
  RETURN v_metadata;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_metadata_given(wazo_auth.http_request) IS
'The file "metadata" of a form, null when there is none. Raises WA400 for an empty one.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_domain_given(request wazo_auth.http_request) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := wazo_auth.try_uuid(lower(btrim(request.body ->> 'domain_uuid', '{}') COLLATE "C"));
BEGIN
  IF v_uuid IS NULL AND request.body ? 'domain_uuid' THEN
    PERFORM wazo_auth.raise_bad_saml_config(request.tenant_uuid, 'The domain is none of the tenant');
  END IF;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_domain_given(wazo_auth.http_request) IS
'The field domain_uuid of a form, null when there is none. Raises WA400 for one that is no uuid.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_config_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_metadata text := wazo_auth.saml_metadata_given(request);
BEGIN
  IF v_metadata IS NULL THEN
    PERFORM wazo_auth.raise_bad_saml_config(request.tenant_uuid, 'No metadata file provided');
  END IF;
  PERFORM wazo_auth.create_saml_config(request.tenant_uuid, wazo_auth.saml_domain_given(request),
    request.body ->> 'entity_id', request.body ->> 'acs_url', v_metadata);
  RETURN wazo_auth.json_response(wazo_auth.shown_saml_config(request.tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_config_post(wazo_auth.http_request) IS
'POST /backends/saml: gives the tenant its SAML identity provider.';
SELECT wazo_auth.add_route('POST', '/0.1/backends/saml', 'wazo_auth.rest_saml_config_post', 'saml_config',
  access => 'auth.backends.saml.create', checks => '{tenant,form}', body_schema => 'saml_config_post',
  summary => 'Give the tenant its SAML identity provider', errors => '{404,409,503}',
  changes_no_access => 'it says who vouches for logins; users keep their policies');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_config_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.update_saml_config(request.tenant_uuid, wazo_auth.saml_domain_given(request),
    request.body ->> 'entity_id', request.body ->> 'acs_url', wazo_auth.saml_metadata_given(request));
  RETURN wazo_auth.json_response('{}'::json);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_config_put(wazo_auth.http_request) IS
'PUT /backends/saml: changes the SAML identity provider of the tenant; what is not given stays.';
SELECT wazo_auth.add_route('PUT', '/0.1/backends/saml', 'wazo_auth.rest_saml_config_put', 'saml_config',
  access => 'auth.backends.saml.update', checks => '{tenant,form}', body_schema => 'saml_config_put',
  summary => 'Change the SAML identity provider of the tenant', errors => '{404,409,503}',
  changes_no_access => 'it says who vouches for logins; users keep their policies');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_config_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_saml_config(request.tenant_uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_config_delete(wazo_auth.http_request) IS
'DELETE /backends/saml: the tenant has no SAML identity provider any more.';
SELECT wazo_auth.add_route('DELETE', '/0.1/backends/saml', 'wazo_auth.rest_saml_config_delete', 'saml_config',
  access => 'auth.backends.saml.delete', checks => '{tenant}', success => 204,
  summary => 'Remove the SAML identity provider of the tenant',
  changes_no_access => 'it says who vouches for logins; users keep their policies');

CREATE OR REPLACE FUNCTION wazo_auth.xml_response(document text) RETURNS wazo_auth.http_response
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ROW(200, ARRAY['Content-Type', 'application/xml', 'Content-Disposition', 'attachment; filename=metadata.xml',
                        'X-Content-Type-Options', 'nosniff'],
             convert_to(document, 'UTF8'))::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.xml_response(text) IS 'What a handler returns for a document of metadata, as a file.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_idp_metadata_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.xml_response((wazo_auth.saml_config_of(request.tenant_uuid)).metadata);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_idp_metadata_get(wazo_auth.http_request) IS
'GET /backends/saml/metadata: the metadata of the tenant''s identity provider, as uploaded.';
SELECT wazo_auth.add_route('GET', '/0.1/backends/saml/metadata', 'wazo_auth.rest_saml_idp_metadata_get', 'saml_config',
  access => 'auth.backends.saml.read', checks => '{tenant}', errors => '{404}',
  summary => 'Metadata of the tenant''s SAML identity provider');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_acs_url_template_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(json_build_object('acs_url', wazo_auth.saml_setting('acs_url_template')));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_acs_url_template_get(wazo_auth.http_request) IS
'GET /backends/saml/acs_url_template: what an acs_url is made of.';
SELECT wazo_auth.add_route('GET', '/0.1/backends/saml/acs_url_template', 'wazo_auth.rest_saml_acs_url_template_get',
  'saml_config', access => 'auth.backends.saml.read', summary => 'Template of the address that SAML answers come to');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_sp_metadata_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.xml_response(wazo_auth.saml_sp_metadata((request.params ->> 'tenant_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_sp_metadata_get(wazo_auth.http_request) IS
'GET /saml/metadata/{tenant_uuid}: the metadata of a tenant as a SAML service provider, for its identity provider.';
SELECT wazo_auth.add_route('GET', '/0.1/saml/metadata/{tenant_uuid}', 'wazo_auth.rest_saml_sp_metadata_get', 'saml',
  summary => 'Metadata of a tenant as a SAML service provider', errors => '{404,503}', public => true);
