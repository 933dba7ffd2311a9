-- Routes of logins by SAML: /0.1/saml

SELECT wazo_auth.declare_schema('saml_sso', 'field_name', 'saml', '{
  "redirect_url": {"type": "string", "required": true, "min": 1, "max": 512},
  "domain":       {"type": "string", "required": true, "min": 1, "max": 253}
}');
SELECT wazo_auth.declare_schema('saml_acs', 'field_name', 'saml', '{
  "RelayState":   {"type": "string", "max": 512},
  "SAMLResponse": {"type": "string", "max": 1000000, "bytes": 1000000}
}', body_bytes => 1000000);
SELECT wazo_auth.declare_schema('saml_logout', 'field_name', 'saml', '{
  "token": {"type": "string", "max": 256}
}');
SELECT wazo_auth.declare_schema('saml_sls', 'field_name', 'saml', '{
  "SAMLResponse": {"type": "string", "max": 8192},
  "SAMLRequest":  {"type": "string", "max": 8192},
  "RelayState":   {"type": "string", "max": 512}
}');

SELECT wazo_auth.declare_schema('saml_sls_form', 'field_name', 'saml', '{
  "SAMLResponse": {"type": "string", "max": 1000000, "bytes": 1000000},
  "SAMLRequest":  {"type": "string", "max": 1000000, "bytes": 1000000},
  "RelayState":   {"type": "string", "max": 512}
}', body_bytes => 1000000);

CREATE OR REPLACE FUNCTION wazo_auth.redirect_response(location text) RETURNS wazo_auth.http_response
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ROW(302, ARRAY['Location', location, 'Cache-Control', 'no-store'], NULL)::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.redirect_response(text) IS
'What a handler returns that sends the browser elsewhere: status 302.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_sso_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_started record := wazo_auth.start_saml_login(request.body ->> 'domain', request.body ->> 'redirect_url');
BEGIN
  RETURN wazo_auth.json_response(json_build_object('location', v_started.location,
                                                   'saml_session_id', v_started.saml_session_id),
    headers => CASE WHEN v_started.cookie IS NULL THEN '{}' ELSE ARRAY['Set-Cookie', v_started.cookie] END);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_sso_post(wazo_auth.http_request) IS
'POST /saml/sso: begins a login at the identity provider of a domain.';
SELECT wazo_auth.add_route('POST', '/0.1/saml/sso', 'wazo_auth.rest_saml_sso_post', 'saml',
  checks => '{body}', body_schema => 'saml_sso', summary => 'Begin a login by SAML', errors => '{404,503}',
  public => true, changes_no_access => 'a token grants what its user has already');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_acs_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT request.body ?& ARRAY['RelayState', 'SAMLResponse'] THEN
    PERFORM wazo_auth.raise_error(400, 'RelayState and/or SAMLResponse', 'invalid-data', NULL::json, 'saml');
  END IF;
  RETURN wazo_auth.redirect_response(
    wazo_auth.answer_saml_login(request.body ->> 'RelayState', request.body ->> 'SAMLResponse',
                                wazo_auth.http_header(request, 'Cookie')));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_acs_post(wazo_auth.http_request) IS
'POST /saml/acs: takes an identity provider''s answer to a login, by way of the browser.';
SELECT wazo_auth.add_route('POST', '/0.1/saml/acs', 'wazo_auth.rest_saml_acs_post', 'saml',
  checks => '{form}', body_schema => 'saml_acs', summary => 'The identity provider''s answer to a login',
  success => 302, errors => '{404,503}', public => true,
  changes_no_access => 'a token grants what its user has already');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_logout_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_token text := COALESCE(NULLIF(wazo_auth.http_header(request, 'X-Auth-Token'), ''),
    substring(wazo_auth.http_header(request, 'Authorization') FROM '^[Bb][Ee][Aa][Rr][Ee][Rr] (.+)$'),
    request.query ->> 'token');
BEGIN
  RETURN wazo_auth.json_response(json_build_object(
    'location', wazo_auth.start_saml_logout(wazo_auth.try_uuid(v_token))));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_logout_get(wazo_auth.http_request) IS
'GET /saml/logout: ends the caller''s token, which may have any accesses, and says where the browser goes on.';
SELECT wazo_auth.add_route('GET', '/0.1/saml/logout', 'wazo_auth.rest_saml_logout_get', 'saml',
  checks => '{query}', query_schema => 'saml_logout', summary => 'Log out, here and at the identity provider',
  errors => '{404,503}', public => true);

CREATE OR REPLACE FUNCTION wazo_auth.saml_sls_response(binding text, fields jsonb) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_kind text := CASE WHEN fields ? 'SAMLResponse' THEN 'SAMLResponse' ELSE 'SAMLRequest' END;
  v_message text := CASE binding WHEN 'redirect' THEN wazo_auth.raw_query() ELSE fields ->> v_kind END;
  v_answer record;
BEGIN
  IF (fields ? 'SAMLResponse') = (fields ? 'SAMLRequest') THEN
    PERFORM wazo_auth.raise_saml_failure(400, 'SAMLResponse and/or SAMLRequest');
  END IF;
  IF v_kind = 'SAMLResponse' THEN
    RETURN wazo_auth.redirect_response(
      wazo_auth.finish_saml_logout(binding, fields ->> 'RelayState', v_message));
  END IF;
  v_answer := wazo_auth.obey_saml_logout(binding, fields ->> 'RelayState', v_message);
  RETURN CASE WHEN v_answer.address IS NULL THEN wazo_auth.no_content()
              WHEN v_answer.fields IS NULL THEN wazo_auth.redirect_response(v_answer.address)
              ELSE wazo_auth.posting_page(v_answer.address, v_answer.fields) END;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_sls_response(text, jsonb) IS
'Answer to a message about a logout that came by redirect or post, with these parameters or fields.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_sls_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_sls_response('redirect'::text, request.query);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_sls_get(wazo_auth.http_request) IS
'GET /saml/sls: takes an identity provider''s answer to a logout, or its request for one, by way of the browser.';
SELECT wazo_auth.add_route('GET', '/0.1/saml/sls', 'wazo_auth.rest_saml_sls_get', 'saml',
  checks => '{query}', query_schema => 'saml_sls', summary => 'The identity provider''s messages about logouts',
  success => 302, errors => '{400,401,404,503}', public => true);

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_sls_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_sls_response('post'::text, request.body);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_sls_post(wazo_auth.http_request) IS
'POST /saml/sls: the same, posted by a page of the identity provider.';
SELECT wazo_auth.add_route('POST', '/0.1/saml/sls', 'wazo_auth.rest_saml_sls_post', 'saml',
  checks => '{form}', body_schema => 'saml_sls_form',
  summary => 'The identity provider''s messages about logouts, posted', success => 302, errors => '{400,401,404,503}',
  public => true, changes_no_access => 'it ends sessions');

CREATE OR REPLACE FUNCTION wazo_auth.rest_saml_page_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_page(request.params ->> 'relay_state');
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_saml_page_get(wazo_auth.http_request) IS
'GET /saml/post/{relay_state}: posts our request to an identity provider that takes it so.';
SELECT wazo_auth.add_route('GET', '/0.1/saml/post/{relay_state}', 'wazo_auth.rest_saml_page_get', 'saml',
  summary => 'A page that posts our request to the identity provider', errors => '{404}', public => true);
