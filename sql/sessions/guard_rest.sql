-- Failed logins of the routes: what they are counted by, and the end of a wait.

CREATE OR REPLACE FUNCTION wazo_auth.after_token_post(request wazo_auth.http_request, status integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_credentials record;
  v_guessed text;
  v_owner record;
BEGIN
  v_credentials := wazo_auth.basic_credentials(wazo_auth.http_header(request, 'Authorization'));
  v_guessed := wazo_auth.guessed(
    ROW(v_credentials.login, v_credentials.password, request.body ->> 'refresh_token', request.body ->> 'client_id',
        request.body)::wazo_auth.login_attempt);
  IF v_guessed IS NOT NULL THEN
    v_owner := wazo_auth.owner_of_login(v_guessed);
    PERFORM wazo_auth.login_failed(v_guessed, request.peer, v_owner.user_uuid),
            wazo_auth.audit_failed_login(v_owner.user_uuid, v_owner.tenant_uuid, status);
    PERFORM wazo_auth.end_reused_refresh_token(request.body ->> 'refresh_token', request.body ->> 'client_id');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.after_token_post(wazo_auth.http_request, integer) IS
'After POST /token: counts a failed login and writes it into the audit log; a refresh token that was replaced before '
'ends its family.';
SELECT wazo_auth.add_after_route('POST', '/0.1/token', 'wazo_auth.after_token_post', '{401}');

CREATE OR REPLACE FUNCTION wazo_auth.after_user_password_put(request wazo_auth.http_request, status integer)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- 401 is also the answer to a token that may not: that tries no password.
  IF status = 401 AND request.body ? 'old_password' THEN
    PERFORM wazo_auth.login_failed(request.params ->> 'user_uuid', request.peer, NULL::uuid);
  ELSIF status = 204 THEN
    PERFORM wazo_auth.forget_login_failures(request.params ->> 'user_uuid', request.peer);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.after_user_password_put(wazo_auth.http_request, integer) IS
'After PUT /users/{user_uuid}/password: counts a wrong old password like a failed login.';
SELECT wazo_auth.add_after_route('PUT', '/0.1/users/{user_uuid}/password', 'wazo_auth.after_user_password_put',
  '{204,401}');

CREATE OR REPLACE FUNCTION wazo_auth.after_password_reset_post(request wazo_auth.http_request, status integer)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.login_failed(' reset ' || COALESCE(request.query ->> 'user_uuid', ''), request.peer, NULL::uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.after_password_reset_post(wazo_auth.http_request, integer) IS
'After POST /users/password/reset: counts a token that is not good for it like a failed login from its network.';
SELECT wazo_auth.add_after_route('POST', '/0.1/users/password/reset', 'wazo_auth.after_password_reset_post', '{401}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_login_failures_delete(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.unlock_user((request.params ->> 'user_uuid')::uuid);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_login_failures_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/login_failures: the user may log in at once, whatever failed before.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/login_failures',
  'wazo_auth.rest_user_login_failures_delete', 'users',
  access => 'auth.users.{user_uuid}.login_failures.delete', checks => '{tenant,user}',
  summary => 'Forget the failed logins of a user', success => 204,
  changes_no_access => 'the user logs in with what it has');
