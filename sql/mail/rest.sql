-- Routes that send mails, and those that the links in them lead to.

CREATE OR REPLACE FUNCTION wazo_auth.check_password_reset(query jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN num_nonnulls(query ->> 'username', query ->> 'email', query ->> 'login') <> 1
              THEN ARRAY['"username" or "email" or "login" should be used'] END;
END;
COMMENT ON FUNCTION wazo_auth.check_password_reset(jsonb) IS
'Message of the rule between the parameters of a query (contract: schemas.md, PasswordResetQuery).';

SELECT wazo_auth.declare_schema('password_reset_query', 'reset', NULL, '{
  "username": {"type": "string", "default": null, "min": 1, "max": 256},
  "email":    {"type": "email", "default": null, "bytes": 512},
  "login":    {"type": "string", "default": null, "min": 1, "max": 256}
}', cross_check => 'wazo_auth.check_password_reset');
SELECT wazo_auth.declare_schema('password_reset_post', 'reset', NULL,
  '{"password": {"type": "string", "required": true, "nullable": true, "min": 1, "bytes": 4096}}');

-- Upstream fails with 500 without a username, and with one that is too long for
-- the tenant that gets its name.
SELECT wazo_auth.declare_schema('user_register_post', 'first_error', 'users', '{
  "username":      {"type": "string", "required": true, "min": 1, "max": 128},
  "password":      {"type": "string", "required": true, "min": 1, "bytes": 4096},
  "firstname":     {"type": "string", "default": null, "max": 256},
  "lastname":      {"type": "string", "default": null, "max": 256},
  "email_address": {"type": "email", "required": true, "bytes": 512}
}');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_register_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb := request.body;
  v_user uuid;
BEGIN
  v_user := wazo_auth.register_user(v_body ->> 'username', v_body ->> 'password', v_body ->> 'email_address',
                                    v_body ->> 'firstname', v_body ->> 'lastname');
  PERFORM wazo_auth.ask_for_mail(request, 'email_confirmation', 'email_uuid', e.uuid::text)
  FROM wazo_auth.email e
  WHERE e.user_uuid = v_user;
  RETURN wazo_auth.json_response(wazo_auth.created_user_json(v_user));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_register_post(wazo_auth.http_request) IS
'POST /users/register: a tenant and its user, whose address is to be confirmed by mail. Off by default, see the '
'setting enabled_http_plugins.';
SELECT wazo_auth.add_route('POST', '/0.1/users/register', 'wazo_auth.rest_user_register_post', 'user_registration',
  checks => '{body}', body_schema => 'user_register_post',
  errors => '{409}', summary => 'Create an account with a tenant of its own', public => true,
  changes_no_access => 'the new user has what a new tenant gives to all of its users');

CREATE OR REPLACE FUNCTION wazo_auth.rest_password_reset_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.ask_for_mail(request, 'password_reset', q.key, q.value)
  FROM jsonb_each_text(request.query) q
  WHERE q.value IS NOT NULL AND q.key IN ('username', 'email', 'login');
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_get(wazo_auth.http_request) IS
'GET /users/password/reset: asks for a mail. Whether there is such a user is not even looked at.';
SELECT wazo_auth.add_route('GET', '/0.1/users/password/reset', 'wazo_auth.rest_password_reset_get', 'password_reset',
  checks => '{query}', query_schema => 'password_reset_query',
  success => 204, summary => 'Ask for a mail with which to set a new password', public => true);

CREATE OR REPLACE FUNCTION wazo_auth.rest_password_reset_post(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_password text := request.body ->> 'password';
  v_named text := COALESCE(request.query ->> 'user_uuid', 'None');
  v_user uuid := wazo_auth.try_uuid(v_named);
  v_mail_session uuid := wazo_auth.mail_session(request);
BEGIN
  -- A token from a mail is good for its user alone.
  IF v_mail_session IS NULL
     AND NOT wazo_auth.user_in_sight(v_user, request.caller_tenant_uuid, wazo_auth.try_uuid(request.token_auth_id))
     OR NOT EXISTS (SELECT FROM wazo_auth.user u WHERE u.uuid = v_user) THEN
    IF v_password IS NULL THEN
      PERFORM wazo_auth.raise_error(404, format('No such user: "%s"', v_named), 'unknown-user',
                                    json_build_object('password', NULL, 'uuid', v_named), 'users');
    END IF;
    PERFORM wazo_auth.raise_unknown_user(v_named);
  END IF;
  PERFORM wazo_auth.reset_password(v_user, v_password, v_mail_session);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_password_reset_post(wazo_auth.http_request) IS
'POST /users/password/reset: sets or removes the password of a user, with the token of a mail or a token with the '
'access.';
SELECT wazo_auth.add_route('POST', '/0.1/users/password/reset', 'wazo_auth.rest_password_reset_post', 'password_reset',
  access => 'auth.users.password.reset.{?user_uuid}.create', token_from => 'query', checks => '{body}',
    body_schema => 'password_reset_post',
  success => 204, errors => '{401,404,405}', summary => 'Set a new password without the old one',
  changes_no_access => 'it changes how the user logs in');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_email_confirm_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_uuid uuid := (request.params ->> 'email_uuid')::uuid;
BEGIN
  IF (SELECT e.confirmed FROM wazo_auth.email e WHERE e.uuid = v_uuid) THEN
    PERFORM wazo_auth.raise_error(409, format('This email already confirmed: "%s"', v_uuid), 'conflict',
                                  json_build_object('uuid', v_uuid), 'emails');
  END IF;
  PERFORM wazo_auth.ask_for_mail(request, 'email_confirmation', 'email_uuid', v_uuid::text);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_email_confirm_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/emails/{email_uuid}/confirm: asks for another mail to confirm the address.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/emails/{email_uuid}/confirm',
  'wazo_auth.rest_user_email_confirm_get', 'user_email',
  access => 'auth.users.{user_uuid}.emails.{email_uuid}.confirm.read', checks => '{tenant,user,email}',
  success => 204, errors => '{409}', summary => 'Ask for a mail with which to confirm an e-mail address');

CREATE OR REPLACE FUNCTION wazo_auth.rest_email_confirm_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_type text := wazo_auth.get_setting('email_confirmation_get_mimetype') #>> '{}';
BEGIN
  -- Whatever fetches links on the way to their reader must not use them up.
  PERFORM wazo_auth.confirm_email((request.params ->> 'email_uuid')::uuid, wazo_auth.mail_session(request),
    spend => false);
  RETURN (200, ARRAY['Content-Type', v_type || CASE WHEN v_type ~ '^text/|[/+]xml$' THEN '; charset=utf-8' ELSE '' END],
          convert_to(wazo_auth.render_mail_template(wazo_auth.mail_template('email_confirmation_get_body'),
            '{}'::jsonb), 'UTF8'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_email_confirm_get(wazo_auth.http_request) IS
'GET /emails/{email_uuid}/confirm: where the link of a mail leads, as often as it is opened; confirms the address and '
'shows the template email_confirmation_get_body.';
SELECT wazo_auth.add_route('GET', '/0.1/emails/{email_uuid}/confirm', 'wazo_auth.rest_email_confirm_get',
  'email_confirm',
  access => 'auth.emails.{email_uuid}.confirm.update', token_from => 'query', checks => '{tenant,email}',
  errors => '{401}', summary => 'Confirm an e-mail address, by the link of a mail');

CREATE OR REPLACE FUNCTION wazo_auth.rest_email_confirm_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.confirm_email((request.params ->> 'email_uuid')::uuid, wazo_auth.mail_session(request));
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_email_confirm_put(wazo_auth.http_request) IS
'PUT /emails/{email_uuid}/confirm: confirms the address.';
SELECT wazo_auth.add_route('PUT', '/0.1/emails/{email_uuid}/confirm', 'wazo_auth.rest_email_confirm_put',
  'email_confirm',
  access => 'auth.emails.{email_uuid}.confirm.update', checks => '{tenant,email}',
  success => 204, errors => '{401}', summary => 'Confirm an e-mail address',
  changes_no_access => 'it changes where mails go');
