-- What stands before the handlers of tokens.

CREATE OR REPLACE FUNCTION wazo_auth.check_path_token(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wazo_auth.token_check((request.params ->> 'token_uuid')::uuid) = 'unknown' THEN
    PERFORM wazo_auth.raise_error(404, 'No such token');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_path_token(wazo_auth.http_request) IS
'The check "token". Raises WA404 for a token that is unknown or has expired.';
SELECT wazo_auth.add_check('token', 'wazo_auth.check_path_token', '{404}',
  '{token_uuid} is a live token, so that nobody else has a body read');

CREATE OR REPLACE FUNCTION wazo_auth.check_user_login_guard(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.check_login_wait((wazo_auth.login_wait(request.params ->> 'user_uuid', request.peer)).seconds);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_user_login_guard(wazo_auth.http_request) IS
'Raises WA429 when the password of {user_uuid} was wrong too often for another attempt now.';
SELECT wazo_auth.add_check('login_guard', 'wazo_auth.check_user_login_guard', '{429}',
  'the password of {user_uuid} may be tried now');
