-- The identity providers that are built in.

CREATE OR REPLACE FUNCTION wazo_auth.refresh_token_login(attempt wazo_auth.login_attempt)
RETURNS wazo_auth.login_answer
LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_token wazo_auth.refresh_token;
BEGIN
  v_answer.taken := attempt.refresh_token IS NOT NULL AND attempt.client_id IS NOT NULL;
  IF NOT v_answer.taken THEN
    RETURN v_answer;
  END IF;
  v_token := wazo_auth.verify_refresh_token(attempt.refresh_token, attempt.client_id);
  v_answer.login := COALESCE(v_token.login, 'a refresh token of ' || attempt.client_id);
  v_answer.refresh_token := v_token;
  v_answer.user_uuid := v_token.user_uuid;
  v_answer.ends_at := v_token.ends_at;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.refresh_token_login(wazo_auth.login_attempt) IS
'Identity provider of logins by refresh token and client_id; locks the user''s row.';
SELECT wazo_auth.add_identity_provider('refresh_token', 'wazo_auth.refresh_token_login', '-Infinity', built_in => true);

CREATE OR REPLACE FUNCTION wazo_auth.native_login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_user wazo_auth.user;
  v_elsewhere record;
BEGIN
  -- Who names a domain, a tenant or a SAML session asks another provider, also one that is off.
  v_answer.taken := attempt.login <> '' AND attempt.password <> ''
                    AND NOT attempt.members ?| ARRAY['domain_name', 'tenant_id', 'saml_session_id'];
  v_answer.login := attempt.login;
  IF v_answer.taken THEN
    v_user := wazo_auth.verify_credentials(attempt.login, attempt.password);
    IF v_user.uuid IS NULL THEN
      v_elsewhere := wazo_auth.verify_elsewhere(attempt.login, attempt.password,
        COALESCE(attempt.members, '{}'::jsonb) - 'refresh_token'::text);
      v_user := v_elsewhere.of_user;
      v_answer.backend := v_elsewhere.backend;
      v_answer.args := v_elsewhere.told;
    END IF;
    v_answer.user_uuid := v_user.uuid;
  END IF;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.native_login(wazo_auth.login_attempt) IS
'Identity provider of logins by a password that is kept here or with a registered backend; locks the user''s row.';
SELECT wazo_auth.add_identity_provider('native', 'wazo_auth.native_login', 'Infinity', 'wazo_user', built_in => true);

CREATE OR REPLACE FUNCTION wazo_auth.login_user(
  attempt wazo_auth.login_attempt, OUT of_user wazo_auth.user, OUT answer wazo_auth.login_answer)
LANGUAGE plpgsql AS $$
DECLARE
  v_identified record := wazo_auth.identify(attempt);
  v_method text;
BEGIN
  answer := v_identified.answer;
  -- From here on the user stays as it is: what came first is seen, what comes
  -- later waits and finds the session.
  of_user := wazo_auth.lock_enabled_user(answer.user_uuid);
  v_method := wazo_auth.effective_authentication_method(of_user.uuid);
  IF v_identified.method <> 'refresh_token' THEN
    IF v_method IS DISTINCT FROM v_identified.method THEN
      of_user := NULL;
    END IF;
  ELSIF v_method <> 'native' THEN
    answer.backend := (SELECT p.backend FROM unnest(wazo_auth.kept_identity_providers()) p
                       WHERE p.name = v_method AND NOT p.shipped);
    -- As the login that the refresh token was obtained with.
    IF v_method = 'ldap' THEN
      answer.metadata := json_build_object('username', answer.login);
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.login_user(wazo_auth.login_attempt) IS
'The enabled user that an identity provider recognised and whose method this is, whose row it locks, and what the'
' provider answered. A user that is null is refused.';
