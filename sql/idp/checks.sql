-- Checks about authentication methods.

CREATE OR REPLACE FUNCTION wazo_auth.check_idp(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.is_authentication_method(request.params ->> 'idp_type') THEN
    PERFORM wazo_auth.raise_error(404, format('No such IDP type: "%s"', request.params ->> 'idp_type'),
      'unknown-idp-type',
                                  json_build_object('idp_type', request.params ->> 'idp_type'), 'idp');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_idp(wazo_auth.http_request) IS
'Raises WA404 when {idp_type} is no authentication method.';
SELECT wazo_auth.add_check('idp', 'wazo_auth.check_idp', '{404}', '{idp_type} is an authentication method');

CREATE OR REPLACE FUNCTION wazo_auth.check_body_method(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM wazo_auth.check_authentication_method(request.body ->> 'authentication_method');
END
$$;
COMMENT ON FUNCTION wazo_auth.check_body_method(wazo_auth.http_request) IS
'Raises WA400 when the body has an authentication_method that is none.';
SELECT wazo_auth.add_check('method', 'wazo_auth.check_body_method', '{400}',
  'The body''s authentication_method, if it has one, is a known one');
