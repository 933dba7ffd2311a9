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

CREATE OR REPLACE FUNCTION wazo_auth.saml_logout_location(session wazo_auth.saml_session) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of(session.tenant_uuid);
  v_address text := v_config.idp -> 'slo_redirect' ->> 0;
BEGIN
  IF v_address IS NULL OR session.name_id IS NULL OR wazo_auth.saml_sls_url(v_config) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN wazo_auth.saml_make_logout_request(
    session.tenant_uuid, 'redirect', issuer => v_config.entity_id, destination => v_address,
    key => (wazo_auth.saml_private_keys(session.tenant_uuid))[1],
    name_id => session.name_id, name_id_format => session.subject ->> 'format',
    name_id_name_qualifier => session.subject ->> 'name_qualifier',
    name_id_sp_name_qualifier => session.subject ->> 'sp_name_qualifier',
    session_index => ARRAY(SELECT jsonb_array_elements_text(session.subject -> 'session_index')),
    relay_state => session.digest::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_logout_location(wazo_auth.saml_session) IS
'Our LogoutRequest for a login, as wazo_auth.saml_make_logout_request() makes it; null when the identity provider '
'takes none by redirect.';

CREATE OR REPLACE FUNCTION wazo_auth.start_saml_logout(token uuid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session := wazo_auth.saml_session_of_token(token);
  v_request jsonb := wazo_auth.saml_logout_location(v_session);
BEGIN
  -- Here it ends whatever the identity provider does.
  PERFORM wazo_auth.end_saml_session(v_session);
  PERFORM wazo_auth.token_delete(token);
  IF v_request ->> 'location' IS NULL THEN
    DELETE FROM wazo_auth.saml_session s WHERE s.digest = v_session.digest;
    RETURN wazo_auth.url_with(v_session.redirect_url, 'logged_out=true');
  END IF;
  UPDATE wazo_auth.saml_session s
  SET logout_request_id = v_request ->> 'id', token_digest = NULL, refresh_token_digest = NULL,
      expires_at = clock_timestamp()
        + make_interval(secs => wazo_auth.saml_setting('saml_login_timeout_seconds')::integer)
  WHERE s.digest = v_session.digest;
  RETURN v_request ->> 'location';
END
$$;
COMMENT ON FUNCTION wazo_auth.start_saml_logout(uuid) IS
'Ends a token that comes from a login by SAML, its refresh token and the sessions of that. Returns where the browser '
'goes on: to the identity provider with a signed LogoutRequest or, where that takes none by redirect, to the '
'login''s redirect_url with logged_out=true. Raises WA404 for an unknown token and one that does not come from SAML, '
'WA503 when no request can be made in time.';

CREATE OR REPLACE FUNCTION wazo_auth.read_saml_logout(
  config wazo_auth.saml_config, query text, in_response_to text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- An address that we do not have is not left unchecked.
  IF wazo_auth.saml_sls_url(config) IS NULL THEN
    RETURN '{"refused": "destination"}'::jsonb;
  END IF;
  RETURN wazo_auth.saml_verify_logout(
    config.tenant_uuid, 'redirect', query, issuer => config.idp_entity_id,
    certificates => ARRAY(SELECT jsonb_array_elements_text(config.idp -> 'certificate')),
    destination => wazo_auth.saml_sls_url(config), in_response_to => in_response_to,
    skew => wazo_auth.saml_setting('clock_skew_seconds')::integer);
END
$$;
COMMENT ON FUNCTION wazo_auth.read_saml_logout(wazo_auth.saml_config, text, text) IS
'wazo_auth.saml_verify_logout() of a query string, with what this identity provider signs with: a LogoutRequest, or '
'the answer to ours of that ID.';

CREATE OR REPLACE FUNCTION wazo_auth.finish_saml_logout(relay_state text, query text) RETURNS text
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
  v_found := wazo_auth.read_saml_logout(wazo_auth.saml_config_of(v_session.tenant_uuid), query,
                                        v_session.logout_request_id);
  IF v_found ? 'refused' OR v_found ->> 'relay_state' IS DISTINCT FROM relay_state THEN
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
COMMENT ON FUNCTION wazo_auth.finish_saml_logout(text, text) IS
'Takes the answer of an identity provider to our LogoutRequest: the query string as it was sent, whose signature '
'must be good. Returns where the browser goes on. Raises WA404 for a logout that is unknown, too old or answered '
'already, WA401 when the answer is refused, WA503 when it cannot be read in time.';

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

CREATE OR REPLACE FUNCTION wazo_auth.saml_answer_logout(config wazo_auth.saml_config, request jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_address text := COALESCE(config.idp -> 'slo_redirect_response' ->> 0, config.idp -> 'slo_redirect' ->> 0);
BEGIN
  IF v_address IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN wazo_auth.saml_make_logout_response(
    config.tenant_uuid, 'redirect', issuer => config.entity_id, destination => v_address,
    key => (wazo_auth.saml_private_keys(config.tenant_uuid))[1], in_response_to => request ->> 'id',
    relay_state => request ->> 'relay_state') ->> 'location';
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_answer_logout(wazo_auth.saml_config, jsonb) IS
'Where the browser goes with our answer to a LogoutRequest; null when the identity provider takes none by redirect.';

CREATE OR REPLACE FUNCTION wazo_auth.obey_saml_logout(query text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_issuer text := wazo_auth.saml_peek_logout(NULL::uuid, 'redirect', query) ->> 'issuer';
  v_config wazo_auth.saml_config;
  v_found jsonb;
  v_first boolean := true;
  v_location text;
BEGIN
  -- Tenants that share an identity provider; more than a few make no sense.
  FOR v_config IN
    SELECT c.* FROM wazo_auth.saml_config c WHERE c.idp_entity_id = v_issuer ORDER BY c.tenant_uuid LIMIT 8
  LOOP
    v_found := wazo_auth.read_saml_logout(v_config, query);
    CONTINUE WHEN v_found ? 'refused';
    IF v_first THEN
      v_location := wazo_auth.saml_answer_logout(v_config, v_found);
      EXIT WHEN NOT wazo_auth.saml_first_time(v_issuer, v_found ->> 'id', clock_timestamp() + interval '2 days');
      v_first := false;
    END IF;
    PERFORM wazo_auth.end_saml_sessions_of(v_config.tenant_uuid, v_found);
  END LOOP;
  IF v_first THEN
    PERFORM wazo_auth.raise_saml_failure(401, 'The request of the identity provider was refused');
  END IF;
  RETURN v_location;
END
$$;
COMMENT ON FUNCTION wazo_auth.obey_saml_logout(text) IS
'Takes a LogoutRequest of an identity provider: the query string as it was sent, whose signature must be good. Ends '
'what came of the logins that it names. Returns the location with our answer, null when there is none to be given. '
'Raises WA401 when it is refused or came before, WA503 when it cannot be read in time.';
