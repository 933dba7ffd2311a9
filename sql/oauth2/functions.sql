-- OAuth2 with the providers that the configuration names (contract: external_auth.md section 3; RFC 6749, 7636, 9207).

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_enter(key text) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'wazo_auth_oauth2_enter';
COMMENT ON FUNCTION wazo_auth.oauth2_enter(text) IS
'Lets one transaction at a time work on what the key names, and few of the server ask providers. Waits for the one '
'before as long as that may take. Raises WA503 for too many.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_ask(request wazo_auth.oauth2_request) RETURNS wazo_auth.oauth2_answer
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'wazo_auth_oauth2_ask';
COMMENT ON FUNCTION wazo_auth.oauth2_ask(wazo_auth.oauth2_request) IS
'Asks a token endpoint, in a program of its own, with wazo_auth.oauth2_timeout as the limit of all. An answer that '
'came makes the commit of this transaction wait for the disk: it may hold the only valid refresh token.';

CREATE OR REPLACE FUNCTION wazo_auth.form_value(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT COALESCE(string_agg(
             CASE WHEN c.letter ~ '[A-Za-z0-9_.~-]' COLLATE "C" THEN c.letter WHEN c.letter = ' ' THEN '+'
                  ELSE regexp_replace(upper(encode(convert_to(c.letter, 'UTF8'), 'hex')), '(..)', '%\1', 'g') END, ''
             ORDER BY c.place), '')
    FROM regexp_split_to_table(value, '') WITH ORDINALITY c (letter, place));
END
$$;
COMMENT ON FUNCTION wazo_auth.form_value(text) IS 'A value of a form or a query string (x-www-form-urlencoded).';

CREATE OR REPLACE FUNCTION wazo_auth.form(members jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(m.value ->> 0 || '=' || wazo_auth.form_value(m.value ->> 1), '&' ORDER BY m.place)
    FROM jsonb_array_elements(members) WITH ORDINALITY m (value, place));
END
$$;
COMMENT ON FUNCTION wazo_auth.form(jsonb) IS
'A form, or a query string, of [[name, value], ...] in this order; a null value counts as empty is left out.';

-- ---- states ----

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_digest(state text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN sha256(convert_to(state, 'UTF8'));
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_digest(text) IS 'Under what a state is stored.';

CREATE OR REPLACE FUNCTION wazo_auth.await_oauth2(
  user_uuid uuid, type text, state text, flow jsonb, relayed boolean, callback boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_digest bytea := wazo_auth.oauth2_digest(state);
  v_lifetime interval := make_interval(secs => wazo_auth.get_setting('oauth2_authorization_lifetime')::integer);
BEGIN
  INSERT INTO wazo_auth.oauth2_pending (state_digest, user_uuid, type, sealed_flow, relayed, callback, expires_at)
  VALUES (v_digest, user_uuid, type,
          wazo_auth.seal((flow || jsonb_build_object('state', state))::text, 'oauth2_flow:' || encode(v_digest, 'hex')),
          relayed, callback, clock_timestamp() + v_lifetime)
  ON CONFLICT ON CONSTRAINT oauth2_pending_user_uuid_type_key DO UPDATE
  SET state_digest = excluded.state_digest, sealed_flow = excluded.sealed_flow, relayed = excluded.relayed,
      callback = excluded.callback, sealed_message = NULL, created_at = now(), expires_at = excluded.expires_at;
  IF relayed THEN
    PERFORM wazo_auth.wake_relay();
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.await_oauth2(uuid, text, text, jsonb, boolean, boolean) IS
'Waits for the answer of a provider to a user, in place of any that was waited for before: by the relay, or only at '
'the route authorize; for a callback, or to be exchanged for tokens.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_pending_of(state text, type text) RETURNS wazo_auth.oauth2_pending
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_pending wazo_auth.oauth2_pending;
BEGIN
  SELECT * INTO v_pending FROM wazo_auth.oauth2_pending p
  WHERE p.state_digest = wazo_auth.oauth2_digest(state) AND p.type = oauth2_pending_of.type
    AND p.expires_at > clock_timestamp();
  RETURN v_pending;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_pending_of(text, text) IS
'The authorization that a state belongs to; null when there is none, or none any more.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_flow(pending wazo_auth.oauth2_pending) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unseal(pending.sealed_flow, 'oauth2_flow:' || encode(pending.state_digest, 'hex'))::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_flow(wazo_auth.oauth2_pending) IS 'What sealed_flow says.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_expired_oauth2(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_count integer;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  DELETE FROM wazo_auth.oauth2_pending p
  WHERE p.state_digest = ANY (ARRAY(
    SELECT e.state_digest FROM wazo_auth.oauth2_pending e
    WHERE e.expires_at <= clock_timestamp()
    ORDER BY e.expires_at LIMIT batch
    FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_expired_oauth2(integer) IS
'Removes up to so many (1 to 100000) authorizations that nobody has finished in time. Returns how many. Raises 22023 '
'for another batch.';

-- ---- beginning ----

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_client(user_uuid uuid, type text, OUT client_id text,
  OUT client_secret text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config jsonb := wazo_auth.external_auth_config(type,
    (SELECT u.tenant_uuid FROM wazo_auth.user u WHERE u.uuid = user_uuid));
BEGIN
  client_id := v_config ->> 'client_id';
  client_secret := v_config ->> 'client_secret';
  IF COALESCE(client_id, '') = '' OR COALESCE(client_secret, '') = '' THEN
    PERFORM wazo_auth.raise_error(404,
      format('The config for this external auth type has no client_id or no client_secret: "%s"', type),
      'unknown-external-auth', json_build_object('type', type), type);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_client(uuid, text) IS
'As whom the user''s tenant asks a provider. Raises WA404 when it has not configured that.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_begin(user_uuid uuid, type text, scope jsonb) RETURNS json
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_provider jsonb := wazo_auth.get_setting(type);
  v_client record := wazo_auth.oauth2_client(user_uuid, type);
  v_state text := left(replace(gen_random_uuid()::text || gen_random_uuid(), '-', ''), 30);
  v_verifier text := replace(gen_random_uuid()::text || gen_random_uuid(), '-', '');
  v_scope jsonb := COALESCE(NULLIF(scope, '[]'), v_provider -> 'scope', '[]');
  v_query jsonb;
BEGIN
  PERFORM wazo_auth.lock_external_auth_user(user_uuid, type);
  PERFORM wazo_auth.await_oauth2(user_uuid, type, v_state, jsonb_build_object('verifier', v_verifier,
    'redirect_uri', v_provider ->> 'redirect_uri',
    'websocket_url', (v_provider ->> 'websocket_host') || '/ws/' || v_state),
    COALESCE(v_provider ->> 'websocket_host', '') <> '', false);
  v_query := jsonb_build_array(
    jsonb_build_array('response_type', 'code'), jsonb_build_array('client_id', v_client.client_id),
    jsonb_build_array('redirect_uri', v_provider ->> 'redirect_uri'),
    jsonb_build_array('scope', (SELECT string_agg(s.value, ' ' ORDER BY s.place)
                                FROM jsonb_array_elements_text(v_scope) WITH ORDINALITY s (value, place))),
    jsonb_build_array('state', v_state),
    jsonb_build_array('code_challenge', translate(rtrim(encode(wazo_auth.oauth2_digest(v_verifier), 'base64'), '='),
      '+/', '-_')),
    jsonb_build_array('code_challenge_method', 'S256'));
  IF type = 'google' THEN
    -- Without them it gives no refresh token to somebody who has consented before.
    v_query := v_query || '[["access_type", "offline"], ["prompt", "consent"]]';
  END IF;
  RETURN json_build_object('authorization_url', (v_provider ->> 'authorization_base_url') || '?'
    || wazo_auth.form(v_query), 'state', v_state);
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_begin(uuid, text, jsonb) IS
'Begins an authorization: returns {"authorization_url", "state"}, the address that the user has to open. scope: what '
'is asked for, else what the configuration says. Raises WA404 for an unknown user, or where its tenant is not '
'configured.';

-- ---- answers ----

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_issuer_fits(type text, issuer text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_provider jsonb := wazo_auth.get_setting(type);
BEGIN
  IF v_provider ->> 'issuer' IS NOT NULL THEN
    RETURN issuer IS NOT DISTINCT FROM v_provider ->> 'issuer';
  END IF;
  -- Who has not said how the provider calls itself is told apart from others by its host.
  RETURN issuer IS NULL
    OR COALESCE(substring(issuer FROM '^https://[^/?#]+') = substring(v_provider ->> 'authorization_base_url'
      FROM '^https://[^/?#]+'), false);
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_issuer_fits(text, text) IS
'Is an answer with this parameter iss one of the provider (RFC 9207)? With the setting issuer it must be that, else, '
'if it is there, of the host of authorization_base_url.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_refusal(type text, message jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE WHEN NOT wazo_auth.oauth2_issuer_fits(type, message ->> 'iss') THEN 'other_issuer'
              WHEN message ->> 'error' = 'access_denied' THEN 'denied'
              WHEN COALESCE(message ->> 'code', '') = '' THEN 'refused' END;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_refusal(text, jsonb) IS
'Why nothing can come of the parameters with which a provider sent the user back; null when there is a code.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_exchange(pending wazo_auth.oauth2_pending, code text)
RETURNS wazo_auth.oauth2_request
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_flow jsonb := wazo_auth.oauth2_flow(pending);
  v_client record := wazo_auth.oauth2_client(pending.user_uuid, pending.type);
  v_request wazo_auth.oauth2_request;
BEGIN
  v_request.url := wazo_auth.get_setting(pending.type) ->> 'token_url';
  v_request.client_id := v_client.client_id;
  v_request.client_secret := v_client.client_secret;
  v_request.form := wazo_auth.form(jsonb_build_array(
    jsonb_build_array('grant_type', 'authorization_code'), jsonb_build_array('code', code),
    jsonb_build_array('redirect_uri', v_flow ->> 'redirect_uri'),
    jsonb_build_array('code_verifier', v_flow ->> 'verifier')));
  RETURN v_request;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_exchange(wazo_auth.oauth2_pending, text) IS
'The request that exchanges a code for tokens.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_tokens(answer wazo_auth.oauth2_answer, OUT tokens jsonb, OUT problem text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_body jsonb;
  v_expires_in numeric;
BEGIN
  IF answer.verdict <> 'answered' THEN
    problem := 'unreachable';
    RETURN;
  END IF;
  BEGIN
    v_body := answer.body::jsonb;
    v_expires_in := (v_body ->> 'expires_in')::numeric;
  EXCEPTION WHEN data_exception OR statement_too_complex THEN
    v_body := NULL;
  END;
  IF answer.status >= 500 OR answer.status = 429 THEN
    problem := 'unreachable';
  ELSIF answer.status <> 200 THEN
    problem := CASE v_body ->> 'error' WHEN 'invalid_grant' THEN 'ended' ELSE 'refused' END;
  ELSIF jsonb_typeof(v_body -> 'access_token') IS DISTINCT FROM 'string' OR v_body ->> 'access_token' = ''
        OR v_expires_in NOT BETWEEN 0 AND 1e9 THEN
    problem := 'refused';
  ELSE
    tokens := jsonb_strip_nulls(jsonb_build_object(
      'access_token', v_body -> 'access_token',
      'token_expiration', extract(epoch FROM clock_timestamp()) + COALESCE(v_expires_in, 3600),
      'refresh_token', CASE WHEN jsonb_typeof(v_body -> 'refresh_token') = 'string'
                            THEN NULLIF(v_body ->> 'refresh_token', '') END,
      'scope', CASE WHEN jsonb_typeof(v_body -> 'scope') = 'string'
                    THEN to_jsonb(array_remove(string_to_array(v_body ->> 'scope', ' '), '')) END));
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_tokens(wazo_auth.oauth2_answer) IS
'Reads an answer of a token endpoint: what is to be stored of it, or the problem: unreachable (try later), ended '
'(invalid_grant: the user has to authorize again), refused (anything else).';

CREATE OR REPLACE FUNCTION wazo_auth.log_oauth2(user_uuid uuid, type text, outcome text,
  answer wazo_auth.oauth2_answer)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.log_message(format('OAuth2 of user %s with %s: %s%s', user_uuid, type, outcome,
    CASE WHEN answer.verdict = 'unreachable' THEN ' (' || answer.body || ')'
         WHEN answer.status IS NOT NULL THEN format(' (status %s)', answer.status) END));
END
$$;
COMMENT ON FUNCTION wazo_auth.log_oauth2(uuid, text, text, wazo_auth.oauth2_answer) IS
'A line about OAuth2 that did not succeed; of what the provider said only the status.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_end(pending wazo_auth.oauth2_pending, outcome text,
  answer wazo_auth.oauth2_answer DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_read record;
BEGIN
  -- An authorization ends once; one that was begun anew meanwhile is another one.
  DELETE FROM wazo_auth.oauth2_pending p WHERE p.state_digest = pending.state_digest;
  IF NOT FOUND THEN
    RETURN 'unknown';
  END IF;
  IF outcome IS NULL THEN
    v_read := wazo_auth.oauth2_tokens(answer);
    outcome := CASE WHEN v_read.problem = 'ended' THEN 'refused'
                    WHEN v_read.problem IS NOT NULL THEN v_read.problem
                    WHEN NOT v_read.tokens ? 'refresh_token' THEN 'no_refresh_token' ELSE 'authorized' END;
  END IF;
  IF outcome = 'authorized' THEN
    PERFORM wazo_auth.set_external_auth(pending.user_uuid, pending.type, '{"scope": []}'::jsonb || v_read.tokens);
  ELSE
    PERFORM wazo_auth.log_oauth2(pending.user_uuid, pending.type, outcome, answer);
  END IF;
  RETURN outcome;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_end(wazo_auth.oauth2_pending, text, wazo_auth.oauth2_answer) IS
'Ends an authorization: by a refusal of the user or the provider (outcome), or by what the token endpoint answered. '
'Tokens are stored with their event, anything else is logged. Returns authorized, unknown, other_issuer, denied, '
'refused, unreachable or no_refresh_token.';

-- ---- refreshing ----

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_is_expired(data jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_typeof(data -> 'token_expiration') IS DISTINCT FROM 'number'
    OR (data ->> 'token_expiration')::numeric < extract(epoch FROM clock_timestamp()) + 30;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_is_expired(jsonb) IS 'Is an access token at its end, or 30 seconds before it?';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_refresh_request(user_uuid uuid, type text, refresh_token text)
RETURNS wazo_auth.oauth2_request
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_client record := wazo_auth.oauth2_client(user_uuid, type);
  v_request wazo_auth.oauth2_request;
BEGIN
  v_request.url := wazo_auth.get_setting(type) ->> 'token_url';
  v_request.form := wazo_auth.form(jsonb_build_array(
    jsonb_build_array('grant_type', 'refresh_token'), jsonb_build_array('client_id', v_client.client_id),
    jsonb_build_array('client_secret', v_client.client_secret), jsonb_build_array('refresh_token', refresh_token)));
  RETURN v_request;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_refresh_request(uuid, text, text) IS 'The request for a new access token.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_oauth2_unavailable(type text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(503, format('The provider does not give a new access token: "%s"', type),
    'external-auth-unavailable', json_build_object('type', type), type);
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_oauth2_unavailable(text) IS 'Raises WA503: a later request may succeed.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_refresh(user_uuid uuid, type text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_row wazo_auth.external_auth_data;
  v_data jsonb;
  v_answer wazo_auth.oauth2_answer;
  v_read record;
BEGIN
  PERFORM wazo_auth.oauth2_enter(format('refresh:%s:%s', user_uuid, type));
  -- As it is now that it is our turn: somebody else may have refreshed it.
  SELECT * INTO v_row FROM wazo_auth.external_auth_data d
  WHERE d.user_uuid = oauth2_refresh.user_uuid AND d.type = oauth2_refresh.type;
  v_data := wazo_auth.unseal_external_auth(v_row);
  IF v_data IS NULL OR NOT wazo_auth.oauth2_is_expired(v_data) OR v_data ->> 'refresh_token' IS NULL THEN
    RETURN v_data;
  END IF;
  v_answer := wazo_auth.oauth2_ask(wazo_auth.oauth2_refresh_request(user_uuid, type, v_data ->> 'refresh_token'));
  v_read := wazo_auth.oauth2_tokens(v_answer);
  IF v_read.problem IS NOT NULL THEN
    PERFORM wazo_auth.log_oauth2(user_uuid, type, 'the refresh failed: ' || v_read.problem, v_answer);
    IF v_read.problem <> 'ended' THEN
      PERFORM wazo_auth.raise_oauth2_unavailable(type);
    END IF;
  END IF;
  -- What the provider does not send again stays, above all the refresh token; one that it knows no more does not.
  v_data := CASE WHEN v_read.problem IS NULL THEN v_data || v_read.tokens ELSE v_data - 'refresh_token' END;
  UPDATE wazo_auth.external_auth_data d SET sealed_data = wazo_auth.seal_external_auth(d.user_uuid, d.type, v_data)
  WHERE d.user_uuid = v_row.user_uuid AND d.type = v_row.type AND d.sealed_data = v_row.sealed_data;
  IF NOT FOUND THEN
    -- The user has authorized anew while the provider was asked, or has taken it back.
    RETURN wazo_auth.external_auth(user_uuid, type);
  END IF;
  IF v_read.problem IS NULL THEN
    PERFORM wazo_auth.emit_external_auth('updated', user_uuid, type);
  END IF;
  RETURN v_data;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_refresh(uuid, text) IS
'Data of an account with an access token that is good for more than 30 seconds, which its provider is asked for if '
'need be, one at a time; without a refresh_token when the user has to authorize again. Raises WA404 for no account, '
'WA503 when the provider cannot be reached or refuses for another reason.';
