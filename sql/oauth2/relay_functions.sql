-- What the relay worker does for authorizations whose answer comes over WebSocket (src/relay/oauth2_relay.c).

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_relay_states(OUT key text, OUT url text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT encode(p.state_digest, 'hex'), wazo_auth.oauth2_flow(p) ->> 'websocket_url'
  FROM wazo_auth.oauth2_pending p
  WHERE p.relayed AND p.sealed_message IS NULL AND p.expires_at > clock_timestamp()
  ORDER BY p.created_at DESC
  LIMIT 1000;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_relay_states() IS
'What the relay worker waits for: a key for each authorization and where its answer comes from. The 1000 youngest.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_note_message(key text, message text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE wazo_auth.oauth2_pending p
  SET sealed_message = wazo_auth.seal(message, 'oauth2_message:' || key)
  WHERE p.state_digest = decode(key, 'hex') AND p.sealed_message IS NULL;
  RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_note_message(text, text) IS
'Keeps the answer that the relay sent, so that it is dealt with, whatever happens. Returns how many waited for it.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_message_of(pending wazo_auth.oauth2_pending) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_message jsonb := '{}'::jsonb;
BEGIN
  BEGIN
    v_message := wazo_auth.unseal(pending.sealed_message,
      'oauth2_message:' || encode(pending.state_digest, 'hex'))::jsonb;
  EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR statement_too_complex THEN
    NULL;
  END;
  RETURN CASE jsonb_typeof(v_message) WHEN 'object' THEN v_message ELSE '{}'::jsonb END;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_message_of(wazo_auth.oauth2_pending) IS
'The answer that came by the relay: the parameters with which the provider sent the user back; empty when it is none.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_relay_exchange(busy text[], OUT key text,
  OUT request wazo_auth.oauth2_request)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_pending wazo_auth.oauth2_pending;
  v_message jsonb;
  v_refusal text;
BEGIN
  LOOP
    SELECT * INTO v_pending FROM wazo_auth.oauth2_pending p
    WHERE p.sealed_message IS NOT NULL AND encode(p.state_digest, 'hex') <> ALL (busy)
    ORDER BY p.created_at LIMIT 1;
    EXIT WHEN NOT FOUND;
    v_message := wazo_auth.oauth2_message_of(v_pending);
    IF v_pending.callback THEN
      PERFORM wazo_auth.oauth2_call_back(v_pending, v_message);
      CONTINUE;
    END IF;
    v_refusal := wazo_auth.oauth2_refusal(v_pending.type, v_message);
    IF v_refusal IS NULL THEN
      BEGIN
        request := wazo_auth.oauth2_exchange(v_pending, v_message ->> 'code');
        key := encode(v_pending.state_digest, 'hex');
        RETURN;
      EXCEPTION WHEN SQLSTATE 'WA404' THEN
        v_refusal := 'not_configured';
      END;
    END IF;
    PERFORM wazo_auth.oauth2_end(v_pending, v_refusal);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_relay_exchange(text[]) IS
'The next request to a token endpoint that an answer by the relay needs, but for those that are busy already; null '
'when there is none. Gives those with a callback to it, and ends those of which nothing can come.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_relay_finish(key text, answer wazo_auth.oauth2_answer) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_pending wazo_auth.oauth2_pending;
BEGIN
  SELECT * INTO v_pending FROM wazo_auth.oauth2_pending p WHERE p.state_digest = decode(key, 'hex');
  RETURN CASE WHEN FOUND THEN wazo_auth.oauth2_end(v_pending, NULL, answer) ELSE 'unknown' END;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_relay_finish(text, wazo_auth.oauth2_answer) IS
'Ends an authorization whose answer came by the relay, by what the token endpoint said. Returns what '
'wazo_auth.oauth2_end() does.';
