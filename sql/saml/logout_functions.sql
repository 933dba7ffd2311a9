-- Logouts by SAML, here and at the identity provider (contract: saml.md section 3).

CREATE OR REPLACE FUNCTION wazo_auth.saml_session_of_token(token uuid) RETURNS wazo_auth.saml_session
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid := wazo_auth.token_digest(token);
  v_refresh uuid;
  v_session wazo_auth.saml_session;
BEGIN
  SELECT s.refresh_token_digest INTO v_refresh FROM wazo_auth.session s
  WHERE s.token_digest = v_digest AND s.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(404, 'No such token');
  END IF;
  SELECT s.* INTO v_session FROM wazo_auth.saml_session s WHERE s.token_digest = v_digest;
  IF NOT FOUND AND v_refresh IS NOT NULL THEN
    -- One that was made of a refresh token, by the latest login that this was given to.
    SELECT s.* INTO v_session FROM wazo_auth.saml_session s
    WHERE s.refresh_token_digest = v_refresh ORDER BY s.expires_at DESC, s.digest LIMIT 1;
  END IF;
  IF v_session.digest IS NULL THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  RETURN v_session;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_session_of_token(uuid) IS
'The login by SAML that a token comes from. Raises WA404 for an unknown token, and for one that comes from none.';

CREATE OR REPLACE FUNCTION wazo_auth.end_saml_session(session wazo_auth.saml_session) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY[session.refresh_token_digest], true)
  WHERE session.refresh_token_digest IS NOT NULL;
  PERFORM wazo_auth.delete_sessions(ARRAY[session.token_digest]) WHERE session.token_digest IS NOT NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.end_saml_session(wazo_auth.saml_session) IS
'Ends the token of a login by SAML, its refresh token and all sessions of that, with their events.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_logout_request(session wazo_auth.saml_session) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of(session.tenant_uuid);
  v_way record := wazo_auth.saml_address(v_config.idp, v_config.acs_url, 'slo'::text);
BEGIN
  IF v_way.binding IS NULL OR session.name_id IS NULL OR wazo_auth.saml_sls_url(v_config) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN wazo_auth.saml_make_logout_request(
    session.tenant_uuid, v_way.binding, issuer => v_config.entity_id, destination => v_way.address,
    key => (wazo_auth.saml_private_keys(session.tenant_uuid))[1],
    name_id => session.name_id, name_id_format => session.subject ->> 'format',
    name_id_name_qualifier => session.subject ->> 'name_qualifier',
    name_id_sp_name_qualifier => session.subject ->> 'sp_name_qualifier',
    session_index => ARRAY(SELECT jsonb_array_elements_text(session.subject -> 'session_index')),
    relay_state => session.digest::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_logout_request(wazo_auth.saml_session) IS
'Our LogoutRequest for a login, as wazo_auth.saml_make_logout_request() makes it; null when the identity provider '
'takes none.';

CREATE OR REPLACE FUNCTION wazo_auth.start_saml_logout(token uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session := wazo_auth.saml_session_of_token(token);
  v_request jsonb := wazo_auth.saml_logout_request(v_session);
BEGIN
  -- Here it ends whatever the identity provider does.
  PERFORM wazo_auth.end_saml_session(v_session);
  PERFORM wazo_auth.token_delete(token);
  IF v_request IS NULL OR v_request ? 'refused' THEN
    DELETE FROM wazo_auth.saml_session s WHERE s.digest = v_session.digest;
    RETURN wazo_auth.url_with(v_session.redirect_url, 'logged_out=true');
  END IF;
  UPDATE wazo_auth.saml_session s
  SET logout_request_id = v_request ->> 'id', message = v_request ->> 'message',
      token_digest = NULL, refresh_token_digest = NULL,
      expires_at = clock_timestamp()
        + make_interval(secs => wazo_auth.saml_setting('saml_login_timeout_seconds')::integer)
  WHERE s.digest = v_session.digest;
  RETURN wazo_auth.saml_location(wazo_auth.saml_config_of(v_session.tenant_uuid), v_request, v_session.digest);
END
$$;
COMMENT ON FUNCTION wazo_auth.start_saml_logout(uuid) IS
'Ends a token that comes from a login by SAML, its refresh token and the sessions of that. Returns where the browser '
'goes on: to the identity provider with a signed LogoutRequest or, where that takes none, to the '
'login''s redirect_url with logged_out=true. Raises WA404 for an unknown token and one that does not come from SAML, '
'WA503 when no request can be made in time.';

CREATE OR REPLACE FUNCTION wazo_auth.read_saml_logout(
  config wazo_auth.saml_config, binding text, message text, in_response_to text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- An address that we do not have is not left unchecked.
  IF wazo_auth.saml_sls_url(config) IS NULL THEN
    RETURN '{"refused": "destination"}'::jsonb;
  END IF;
  RETURN wazo_auth.saml_verify_logout(
    config.tenant_uuid, binding, message, issuer => config.idp_entity_id,
    certificates => ARRAY(SELECT jsonb_array_elements_text(config.idp -> 'certificate')),
    destination => wazo_auth.saml_sls_url(config), in_response_to => in_response_to,
    skew => wazo_auth.saml_setting('clock_skew_seconds')::integer);
END
$$;
COMMENT ON FUNCTION wazo_auth.read_saml_logout(wazo_auth.saml_config, text, text, text) IS
'wazo_auth.saml_verify_logout() of a message, with what this identity provider signs with: a LogoutRequest, or '
'the answer to ours of that ID.';

CREATE OR REPLACE FUNCTION wazo_auth.finish_saml_logout(binding text, relay_state text, message text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session;
  v_found jsonb;
BEGIN
  SELECT s.* INTO v_session FROM wazo_auth.saml_session s
  WHERE s.digest = wazo_auth.try_uuid(relay_state) AND s.logout_request_id IS NOT NULL
    AND s.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  v_found := wazo_auth.read_saml_logout(wazo_auth.saml_config_of(v_session.tenant_uuid), binding, message,
                                        v_session.logout_request_id);
  -- Of a query string the signature covers the RelayState too; of a form it is beside what is signed.
  IF v_found ? 'refused' OR (binding = 'redirect' AND v_found ->> 'relay_state' IS DISTINCT FROM relay_state) THEN
    PERFORM wazo_auth.raise_saml_failure(401, 'The answer of the identity provider was refused');
  END IF;
  DELETE FROM wazo_auth.saml_session s
  WHERE s.digest = v_session.digest AND s.logout_request_id = v_session.logout_request_id;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  RETURN wazo_auth.url_with(v_session.redirect_url, 'logged_out=true');
END
$$;
COMMENT ON FUNCTION wazo_auth.finish_saml_logout(text, text, text) IS
'Takes the answer of an identity provider to our LogoutRequest, whose signature must be good: by redirect, the query '
'string as it was sent, or by post, the value of the field SAMLResponse. Returns where the browser goes on. Raises '
'WA404 for a logout that is unknown, too old or answered already, WA401 when the answer is refused, WA503 when it '
'cannot be read in time.';

CREATE OR REPLACE FUNCTION wazo_auth.end_saml_sessions_of(tenant_uuid uuid, request jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_indexes text[] := ARRAY(SELECT jsonb_array_elements_text(request -> 'session_index'));
  v_session wazo_auth.saml_session;
BEGIN
  FOR v_session IN
    DELETE FROM wazo_auth.saml_session s
    WHERE s.tenant_uuid = end_saml_sessions_of.tenant_uuid AND s.used
      AND s.name_id = request ->> 'name_id'
      AND (v_indexes = '{}' OR s.subject -> 'session_index' ?| v_indexes)
    RETURNING s.*
  LOOP
    PERFORM wazo_auth.end_saml_session(v_session);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.end_saml_sessions_of(uuid, jsonb) IS
'Ends what came of the logins of a tenant that a LogoutRequest, as wazo_auth.read_saml_logout() found it, names: '
'those of its sessions or, where it names none, all of the user.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_answer_logout(
  config wazo_auth.saml_config, request jsonb, relay_state text, OUT address text, OUT fields jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_way record := wazo_auth.saml_address(config.idp, config.acs_url, 'slo_response'::text);
  v_answer jsonb;
BEGIN
  IF v_way.binding IS NULL THEN
    RETURN;
  END IF;
  v_answer := wazo_auth.saml_make_logout_response(
    config.tenant_uuid, v_way.binding, issuer => config.entity_id, destination => v_way.address,
    key => (wazo_auth.saml_private_keys(config.tenant_uuid))[1], in_response_to => request ->> 'id',
    relay_state => relay_state);
  address := COALESCE(v_answer ->> 'location', v_way.address);
  IF v_answer ? 'message' THEN
    fields := jsonb_strip_nulls(jsonb_build_object('SAMLResponse', v_answer -> 'message', 'RelayState', relay_state));
  ELSIF NOT v_answer ? 'location' THEN
    address := NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_answer_logout(wazo_auth.saml_config, jsonb, text) IS
'Where the browser goes with our answer to a LogoutRequest, and the fields to be posted there, null for a redirect; '
'both null when the identity provider takes none.';

CREATE OR REPLACE FUNCTION wazo_auth.obey_saml_logout(
  binding text, relay_state text, message text, OUT address text, OUT fields jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_issuer text := wazo_auth.saml_peek_logout(NULL::uuid, binding, message) ->> 'issuer';
  v_config wazo_auth.saml_config;
  v_found jsonb;
  v_answer record;
  v_first boolean := true;
BEGIN
  -- Tenants that share an identity provider; more than a few make no sense.
  FOR v_config IN
    SELECT c.* FROM wazo_auth.saml_config c WHERE c.idp_entity_id = v_issuer ORDER BY c.tenant_uuid LIMIT 8
  LOOP
    v_found := wazo_auth.read_saml_logout(v_config, binding, message);
    CONTINUE WHEN v_found ? 'refused';
    IF v_first THEN
      v_answer := wazo_auth.saml_answer_logout(v_config, v_found,
        CASE binding WHEN 'redirect' THEN v_found ->> 'relay_state' ELSE relay_state END);
      EXIT WHEN NOT wazo_auth.saml_first_time(v_issuer, v_found ->> 'id', clock_timestamp() + interval '2 days');
      v_first := false;
    END IF;
    PERFORM wazo_auth.end_saml_sessions_of(v_config.tenant_uuid, v_found);
  END LOOP;
  IF v_first THEN
    PERFORM wazo_auth.raise_saml_failure(401, 'The request of the identity provider was refused');
  END IF;
  address := v_answer.address;
  fields := v_answer.fields;
END
$$;
COMMENT ON FUNCTION wazo_auth.obey_saml_logout(text, text, text) IS
'Takes a LogoutRequest of an identity provider, whose signature must be good: by redirect, the query string as it was '
'sent, or by post, the value of the field SAMLRequest. Ends what came of the logins that it names. Returns where the '
'browser takes our answer, and the fields to be posted there, as wazo_auth.saml_answer_logout() does. Raises WA401 '
'when it is refused or came before, WA503 when it cannot be read in time.';
