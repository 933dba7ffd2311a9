-- Logins by SAML: asked for, answered by the identity provider, used for one token (contract: saml.md section 3).

CREATE OR REPLACE FUNCTION wazo_auth.saml_redirect_allowed(tenant_uuid uuid, url text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- No user, no escape and no other character that programs read differently.
  v_parts text[] := regexp_match(url,
    '^(https?)://((?:[A-Za-z0-9_-]{1,63}\.){0,30}[A-Za-z0-9_-]{1,63})(:[0-9]{1,5})?(?:[/?#][!-~]*)?$');
  v_host text := lower(v_parts[2] COLLATE "C");
BEGIN
  RETURN v_parts IS NOT NULL AND url !~ '[\\<>"`{}|^]' AND char_length(url) <= 512
    AND (EXISTS (SELECT FROM wazo_auth.tenant_domain d
                 WHERE d.tenant_uuid = saml_redirect_allowed.tenant_uuid AND d.name = v_host)
         OR wazo_auth.get_setting('saml') -> 'redirect_origins'
            ? (v_parts[1] || '://' || v_host || COALESCE(v_parts[3], '')));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_redirect_allowed(uuid, text) IS
'May a login or logout of the tenant lead to this URL? One of http or https whose host is a domain of the tenant, or '
'that begins with one of the setting saml.redirect_origins.';

CREATE OR REPLACE FUNCTION wazo_auth.url_with(url text, parameter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_page text := split_part(url, '#', 1);
BEGIN
  RETURN v_page || CASE WHEN strpos(v_page, '?') = 0 THEN '?' WHEN v_page ~ '[?&]$' THEN '' ELSE '&' END || parameter
    || substr(url, length(v_page) + 1);
END
$$;
COMMENT ON FUNCTION wazo_auth.url_with(text, text) IS 'A URL with one more parameter, name=value, in its query string.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_idp_expired(config wazo_auth.saml_config) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF to_timestamp((config.idp ->> 'valid_until')::double precision) < clock_timestamp() THEN
    PERFORM wazo_auth.log_message(format(
      'SAML login of tenant %s was refused: the metadata of its identity provider have expired', config.tenant_uuid));
    RETURN true;
  END IF;
  RETURN false;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_idp_expired(wazo_auth.saml_config) IS
'Are the identity provider''s metadata no longer valid? The server''s log says so then.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_config_of_domain(domain text) RETURNS wazo_auth.saml_config
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config;
BEGIN
  SELECT c.* INTO v_config FROM wazo_auth.saml_config c
  JOIN wazo_auth.tenant_domain d ON d.uuid = c.domain_uuid
  WHERE d.name = wazo_auth.normal_domain(domain);
  IF NOT FOUND OR wazo_auth.saml_idp_expired(v_config) THEN
    PERFORM wazo_auth.raise_error(404, 'SAML client for domain not found or failed', 'configuration-error',
      json_build_object('domain', domain), 'saml');
  END IF;
  RETURN v_config;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_config_of_domain(text) IS
'The SAML identity provider that a login names by a domain. Raises WA404 when there is none, or when its metadata '
'have expired.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_location(config wazo_auth.saml_config, request jsonb, digest uuid)
RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE(request ->> 'location', wazo_auth.saml_url_beside(config.acs_url, 'post/' || digest));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_location(wazo_auth.saml_config, jsonb, uuid) IS
'Where a browser is sent with a request that wazo_auth.saml_make_authn_request() or the like made: to the identity '
'provider, or to our page that posts the message of the login with this digest.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_page(relay_state text) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session;
  v_config wazo_auth.saml_config;
  v_way record;
BEGIN
  SELECT s.* INTO v_session FROM wazo_auth.saml_session s
  WHERE s.digest = wazo_auth.try_uuid(relay_state) AND s.message IS NOT NULL AND s.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  v_config := wazo_auth.saml_config_of(v_session.tenant_uuid);
  v_way := wazo_auth.saml_address(v_config.idp, v_config.acs_url, CASE WHEN v_session.used THEN 'slo' ELSE 'sso' END);
  IF v_way.binding IS DISTINCT FROM 'post' THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  RETURN wazo_auth.posting_page(v_way.address, jsonb_build_object('SAMLRequest', v_session.message,
                                                                  'RelayState', v_session.digest));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_page(text) IS
'The page that posts the request of this login or logout to its identity provider, as often as it is asked for. Raises '
'WA404 for one that is unknown, answered, too old, or went by redirect.';

CREATE OR REPLACE FUNCTION wazo_auth.make_room_for_saml_login(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_of_tenant integer := wazo_auth.saml_setting('max_pending_logins_per_tenant')::integer;
  v_in_all integer := wazo_auth.saml_setting('max_pending_logins')::integer;
BEGIN
  -- First what the new row will refer to, as a change of the configuration does.
  PERFORM FROM wazo_auth.saml_config c WHERE c.tenant_uuid = make_room_for_saml_login.tenant_uuid FOR KEY SHARE;
  -- What is counted stays so to the end of the transaction: only the holder of this lock adds a row.
  PERFORM FROM wazo_auth.identity_provider i WHERE i.name = 'saml' AND i.shipped FOR NO KEY UPDATE;
  DELETE FROM wazo_auth.saml_session s
  WHERE s.login IS NULL AND s.digest = ANY (
    ARRAY(SELECT o.digest FROM wazo_auth.saml_session o
          WHERE o.tenant_uuid = make_room_for_saml_login.tenant_uuid AND o.login IS NULL
          ORDER BY o.expires_at DESC OFFSET v_of_tenant - 1)
    || ARRAY(SELECT o.digest FROM wazo_auth.saml_session o WHERE o.login IS NULL
             ORDER BY o.expires_at DESC OFFSET v_in_all - 1));
END
$$;
COMMENT ON FUNCTION wazo_auth.make_room_for_saml_login(uuid) IS
'Forgets the oldest logins that wait for an answer, so that with one more there are no more of the tenant than '
'saml.max_pending_logins_per_tenant and in all no more than saml.max_pending_logins. Not the newest: who fills the '
'table would then keep everybody out, so it has to fill it faster than people log in. Others that begin one wait for '
'the end of the transaction.';

CREATE OR REPLACE FUNCTION wazo_auth.start_saml_login(
  domain text, redirect_url text, OUT location text, OUT saml_session_id text, OUT cookie text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of_domain(domain);
  v_id uuid := gen_random_uuid();
  v_digest uuid := wazo_auth.token_digest(v_id);
  v_browser uuid := CASE WHEN wazo_auth.saml_setting('bind_to_browser') = 'true' THEN gen_random_uuid() END;
  v_timeout integer := wazo_auth.saml_setting('saml_login_timeout_seconds')::integer;
  v_way record := wazo_auth.saml_address(v_config.idp, v_config.acs_url, 'sso'::text);
  v_request jsonb;
BEGIN
  IF NOT wazo_auth.saml_redirect_allowed(v_config.tenant_uuid, redirect_url) THEN
    PERFORM wazo_auth.raise_error(400, 'redirect_url', 'invalid-data', NULL::json, 'saml');
  END IF;
  v_request := wazo_auth.saml_make_authn_request(
    v_config.tenant_uuid, v_way.binding, issuer => v_config.entity_id, destination => v_way.address,
    acs_url => v_config.acs_url, key => (wazo_auth.saml_private_keys(v_config.tenant_uuid))[1],
    relay_state => v_digest::text);
  IF v_request ? 'refused' THEN
    RAISE EXCEPTION 'no request for a SAML login could be made' USING DETAIL = v_request ->> 'refused';
  END IF;
  PERFORM wazo_auth.make_room_for_saml_login(v_config.tenant_uuid);
  INSERT INTO wazo_auth.saml_session (digest, tenant_uuid, request_id, redirect_url, browser_digest, message,
                                      expires_at)
  VALUES (v_digest, v_config.tenant_uuid, v_request ->> 'id', redirect_url, wazo_auth.token_digest(v_browser),
          v_request ->> 'message', clock_timestamp() + make_interval(secs => v_timeout));
  location := wazo_auth.saml_location(v_config, v_request, v_digest);
  saml_session_id := rtrim(translate(encode(uuid_send(v_id), 'base64'), '+/', '-_'), '=');
  -- The answer comes by a form of the identity provider's page, so from another site.
  cookie := format('saml_%s=%s; Max-Age=%s; Path=/; Secure; HttpOnly; SameSite=None', v_digest, v_browser, v_timeout);
  IF v_browser IS NULL THEN
    cookie := NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.start_saml_login(text, text) IS
'Begins a login at the identity provider of the tenant with this domain: location is where to send the browser, '
'saml_session_id what POST /token will be given, once, after the browser has come to redirect_url. cookie: what the '
'browser must send with the answer, where saml.bind_to_browser is on. Raises WA404 for a domain without one, WA400 '
'for a redirect_url that is not allowed, WA503 when no request can be made in time.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_saml_failure(status integer, error text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(status, 'SAML processing failed', 'processing-error', json_build_object('error', error),
    'saml');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_saml_failure(integer, text) IS
'Raises the error processing-error of the SAML routes with this status.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_login_of(result jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_logins text[];
BEGIN
  SELECT array_agg(DISTINCT a.value -> 'values' ->> 0) INTO v_logins
  FROM jsonb_array_elements(result -> 'attributes') a
  WHERE lower(a.value ->> 'name' COLLATE "C") = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name'
        AND COALESCE(a.value ->> 'format', 'urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified')
            = 'urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified'
     OR a.value ->> 'name' = 'urn:mace:dir:attribute-def:name'
        AND a.value ->> 'format' = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';
  -- Of two that differ, neither: whoever made one may not have meant the other.
  RETURN CASE WHEN cardinality(v_logins) = 1 AND char_length(v_logins[1]) BETWEEN 1 AND 512 THEN v_logins[1] END;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_login_of(jsonb) IS
'Username or address of the user in what wazo_auth.saml_verify_response() found: the first value of the attribute '
'"name"; null without one, or with two that differ (contract: saml.md section 3).';

CREATE OR REPLACE FUNCTION wazo_auth.saml_first_time(issuer text, id text, believed_until timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.saml_replay (digest, expires_at)
  VALUES (sha256(convert_to(issuer, 'UTF8') || '\x00'::bytea || convert_to(id, 'UTF8')), believed_until)
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_first_time(text, text, timestamptz) IS
'Does an assertion or request of an identity provider come for the first time? It is remembered as long as it would '
'be believed. Of two at the same moment, one waits for the other.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_read_response(session wazo_auth.saml_session, response text)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of(session.tenant_uuid);
  v_signed text := wazo_auth.saml_setting('signed');
BEGIN
  IF wazo_auth.saml_idp_expired(v_config) THEN
    RETURN '{"refused": "expired"}'::jsonb;
  END IF;
  RETURN wazo_auth.saml_verify_response(
    session.tenant_uuid, response, issuer => v_config.idp_entity_id,
    certificates => ARRAY(SELECT jsonb_array_elements_text(v_config.idp -> 'certificate')),
    audience => v_config.entity_id, recipient => v_config.acs_url, in_response_to => session.request_id,
    sign_response => v_signed IN ('response', 'both'), sign_assertion => v_signed IN ('assertion', 'both'),
    keys => wazo_auth.saml_private_keys(session.tenant_uuid),
    skew => wazo_auth.saml_setting('clock_skew_seconds')::integer)
    || jsonb_build_object('issuer', v_config.idp_entity_id);
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_read_response(wazo_auth.saml_session, text) IS
'wazo_auth.saml_verify_response() of an answer to this login, with what the tenant''s identity provider signs with '
'and what the settings ask for; issuer is that provider.';

CREATE OR REPLACE FUNCTION wazo_auth.take_saml_response(session wazo_auth.saml_session, result jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_login text := wazo_auth.saml_login_of(result);
  v_subject jsonb := jsonb_strip_nulls(jsonb_build_object(
    'name_id', result -> 'name_id', 'format', result -> 'name_id_format',
    'name_qualifier', result -> 'name_id_name_qualifier', 'sp_name_qualifier', result -> 'name_id_sp_name_qualifier',
    'session_index', result -> 'session_index'));
BEGIN
  IF result ? 'refused' THEN
    RETURN false;
  END IF;
  IF v_login IS NULL THEN
    PERFORM wazo_auth.log_message(format(
      'SAML login of tenant %s was refused: no attribute "name", or several', session.tenant_uuid));
    RETURN false;
  END IF;
  IF octet_length(v_subject::text) > 16384 THEN
    PERFORM wazo_auth.log_message(format(
      'SAML login of tenant %s was refused: its name for the user is too long', session.tenant_uuid));
    RETURN false;
  END IF;
  IF NOT wazo_auth.saml_first_time(result ->> 'issuer', result ->> 'assertion_id',
                                   to_timestamp((result ->> 'not_on_or_after')::double precision)) THEN
    PERFORM wazo_auth.log_message(format(
      'SAML login of tenant %s was refused: its assertion came before', session.tenant_uuid));
    RETURN false;
  END IF;
  UPDATE wazo_auth.saml_session s
  SET login = v_login,
      subject = v_subject,
      -- The provider's clock is believed for as much longer as its assertion was.
      session_ends_at = to_timestamp((result ->> 'session_not_on_or_after')::double precision
                                     + wazo_auth.saml_setting('clock_skew_seconds')::integer),
      message = NULL,
      expires_at = clock_timestamp()
        + make_interval(secs => wazo_auth.saml_setting('saml_login_timeout_seconds')::integer)
  WHERE s.digest = session.digest AND s.login IS NULL AND s.request_id = session.request_id;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.take_saml_response(wazo_auth.saml_session, jsonb) IS
'Lets a login go on with what wazo_auth.saml_read_response() found; false, with the reason in the server''s log, '
'when it was refused, names no user, or came before.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_browser_is(session wazo_auth.saml_session, cookies text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_value text := substring(cookies FROM '(?:^|; ?)saml_' || session.digest || '=([0-9a-f-]{36})(?:;|$)');
BEGIN
  IF session.browser_digest IS NULL
     OR wazo_auth.token_digest(wazo_auth.try_uuid(v_value)) IS NOT DISTINCT FROM session.browser_digest THEN
    RETURN true;
  END IF;
  PERFORM wazo_auth.log_message(format(
    'SAML login of tenant %s was refused: it was begun in another browser', session.tenant_uuid));
  RETURN false;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_browser_is(wazo_auth.saml_session, text) IS
'Was the login begun in the browser that sends this Cookie header? True for all where saml.bind_to_browser was off.';

CREATE OR REPLACE FUNCTION wazo_auth.answer_saml_login(relay_state text, response text, cookies text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session;
BEGIN
  SELECT s.* INTO v_session FROM wazo_auth.saml_session s
  WHERE s.digest = wazo_auth.try_uuid(relay_state) AND s.login IS NULL AND s.expires_at > clock_timestamp();
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_saml_failure(404, 'Context not found');
  END IF;
  IF wazo_auth.saml_browser_is(v_session, cookies)
     AND wazo_auth.take_saml_response(v_session, wazo_auth.saml_read_response(v_session, response)) THEN
    RETURN v_session.redirect_url;
  END IF;
  -- Not when another answer was good meanwhile.
  DELETE FROM wazo_auth.saml_session s WHERE s.digest = v_session.digest AND s.login IS NULL;
  RETURN wazo_auth.url_with(v_session.redirect_url, 'login_failure_code=401');
END
$$;
COMMENT ON FUNCTION wazo_auth.answer_saml_login(text, text, text) IS
'Takes the answer of an identity provider, with the RelayState of the login and the Cookie header of the browser. '
'Returns where the browser goes on: the login''s redirect_url, with login_failure_code=401 when it was refused, '
'which ends the login. Raises WA404 for a login that is unknown, too old, or answered already, WA503 when the answer '
'cannot be read in time.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_session_of(saml_session_id text) RETURNS wazo_auth.saml_session
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.saml_session;
BEGIN
  IF saml_session_id ~ '^[A-Za-z0-9_-]{22}$' THEN
    SELECT s.* INTO v_session FROM wazo_auth.saml_session s
    WHERE s.digest = wazo_auth.token_digest(
                       encode(decode(translate(saml_session_id, '-_', '+/') || '==', 'base64'), 'hex')::uuid)
      AND s.login IS NOT NULL AND NOT s.used AND s.expires_at > clock_timestamp();
  END IF;
  RETURN v_session;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_session_of(text) IS
'The login with this saml_session_id that its identity provider has answered and that was not used; null for any '
'other.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_session wazo_auth.saml_session;
BEGIN
  v_answer.taken := attempt.members ? 'saml_session_id';
  IF v_answer.taken IS NOT TRUE THEN
    RETURN v_answer;
  END IF;
  v_answer.login := 'a SAML session';
  v_session := wazo_auth.saml_session_of(attempt.members ->> 'saml_session_id');
  IF v_session.digest IS NULL THEN
    RETURN v_answer;
  END IF;
  v_answer.login := v_session.login;
  -- The user first, in the order in which all that ends logins locks.
  SELECT u.uuid INTO v_answer.user_uuid FROM wazo_auth.user u
  WHERE u.uuid = wazo_auth.resolve_login(v_session.login) AND u.tenant_uuid = v_session.tenant_uuid AND u.enabled
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.log_message(format(
      'SAML login of tenant %s was refused: no enabled user of the tenant has the login %s',
      v_session.tenant_uuid, v_session.login));
    RETURN v_answer;
  END IF;
  -- Of two at the same moment, one waits here and finds it used.
  UPDATE wazo_auth.saml_session s SET used = true
  WHERE s.digest = v_session.digest AND s.login = v_session.login AND NOT s.used;
  IF NOT FOUND THEN
    v_answer.user_uuid := NULL;
  END IF;
  v_answer.ends_at := v_session.session_ends_at;
  v_answer.record := v_session.digest;
  v_answer.opened := 'wazo_auth.saml_login_opened';
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_login(wazo_auth.login_attempt) IS
'Identity provider of logins with a saml_session_id, which is good for one token: locks the user''s row and uses it '
'up. The user is the one of the tenant whose identity provider vouched for it.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_login_opened(record uuid, token_digest uuid, refresh_token_digest uuid)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  UPDATE wazo_auth.saml_session s
  SET token_digest = saml_login_opened.token_digest, refresh_token_digest = saml_login_opened.refresh_token_digest,
      expires_at = clock_timestamp()
        + make_interval(secs => wazo_auth.saml_setting('saml_session_lifetime_seconds')::integer)
  WHERE s.digest = record;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_login_opened(uuid, uuid, uuid) IS
'Notes which token and refresh token a login was used for, so that the logout of one finds it.';
SELECT wazo_auth.add_identity_provider('saml', 'wazo_auth.saml_login', 1, keeps_passwords => true);

CREATE OR REPLACE FUNCTION wazo_auth.delete_expired_saml_logins(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_now timestamptz := clock_timestamp();
  v_digests uuid[];
  v_deleted integer;
  v_forgotten integer;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT array_agg(s.digest) INTO v_digests
  FROM (SELECT s.digest FROM wazo_auth.saml_session s WHERE s.expires_at <= v_now
        ORDER BY s.expires_at LIMIT batch FOR UPDATE SKIP LOCKED) s;
  -- While a refresh token makes new tokens, one of them may want to log out.
  UPDATE wazo_auth.saml_session s
  SET expires_at = v_now + make_interval(secs => wazo_auth.saml_setting('saml_session_lifetime_seconds')::integer)
  WHERE s.digest = ANY (v_digests) AND s.logout_request_id IS NULL
    AND EXISTS (SELECT FROM wazo_auth.refresh_token r WHERE r.token_digest = s.refresh_token_digest);
  DELETE FROM wazo_auth.saml_session s WHERE s.digest = ANY (v_digests) AND s.expires_at <= v_now;
  GET DIAGNOSTICS v_deleted = ROW_COUNT;
  DELETE FROM wazo_auth.saml_replay r
  WHERE r.digest = ANY (ARRAY(SELECT e.digest FROM wazo_auth.saml_replay e WHERE e.expires_at <= v_now
                              ORDER BY e.expires_at LIMIT batch FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_forgotten = ROW_COUNT;
  RETURN GREATEST(v_deleted, v_forgotten);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_expired_saml_logins(integer) IS
'Removes up to so many (1 to 100000) logins by SAML that nobody went on with or that are long over, and as many '
'assertions that nobody would believe any more. Returns the greater of these numbers. Raises 22023 for another batch.';
