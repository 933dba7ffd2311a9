-- OAuth2 for kinds of external accounts that others have registered (contract: external_auth.md section 4): their own
-- function gets what a provider sent the user back with.

CREATE OR REPLACE FUNCTION wazo_auth.build_oauth2_redirect_url(type text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN replace(wazo_auth.get_setting('oauth2_synchronization_redirect_url_template') #>> '{}', '{auth_type}', type);
END
$$;
COMMENT ON FUNCTION wazo_auth.build_oauth2_redirect_url(text) IS
'Where a provider has to send users back to, by the setting oauth2_synchronization_redirect_url_template: a relay, or '
'/0.1/external/{auth_type}/authorize of this service.';

CREATE OR REPLACE FUNCTION wazo_auth.register_oauth2_callback_for(
  caller oid, type text, function text, role text, time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'oauth2_callback', type, function, '{}'::jsonb, role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_oauth2_callback_for(oid, text, text, text, interval) IS
'wazo_auth.register_oauth2_callback() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_oauth2_callback(
  type text, function text, role text DEFAULT NULL, time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_oauth2_callback(text, text, text, interval) IS
'Registers the function (user_uuid uuid, args jsonb, message jsonb) that gets what a provider sent a user back with, '
'for a kind of external accounts, once wazo_auth.wait_for_oauth2() waits for it. Raises what '
'wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.wait_for_oauth2_for(
  caller oid, type text, user_uuid uuid, state text, args jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_role text;
BEGIN
  SELECT g.role INTO v_role FROM wazo_auth.registration g
  WHERE g.kind = 'oauth2_callback' AND g.name = type AND NOT g.shipped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no callback for "%"', type USING ERRCODE = 'undefined_object',
      HINT = 'Register it first: SELECT wazo_auth.register_oauth2_callback(...).';
  END IF;
  PERFORM wazo_auth.check_may_act_for(caller, v_role);
  IF state IS NULL OR state !~ '^[A-Za-z0-9._~-]{16,255}$' THEN
    RAISE EXCEPTION 'a state is 16 to 255 letters, digits and ._~- that nobody can guess'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM wazo_auth.lock_external_auth_user(user_uuid, type);
  PERFORM wazo_auth.await_oauth2(user_uuid, type, state, jsonb_build_object('args', args, 'websocket_url',
    replace(wazo_auth.get_setting('oauth2_synchronization_ws_url_template') #>> '{}', '{state}', state)), true, true);
END
$$;
COMMENT ON FUNCTION wazo_auth.wait_for_oauth2_for(oid, text, uuid, text, jsonb) IS
'wazo_auth.wait_for_oauth2() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.wait_for_oauth2(type text, user_uuid uuid, state text, args jsonb DEFAULT NULL)
RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.wait_for_oauth2(text, uuid, text, jsonb) IS
'Waits for a user to come back from a provider, for the setting oauth2_authorization_lifetime: at the relay of '
'oauth2_synchronization_ws_url_template and at the route authorize. What comes goes to the registered callback of the '
'type, with args, and then the event auth_user_external_auth_authorized is sent. It takes the place of what the user '
'has begun before. Raises 42704 without a callback, 42501 for one of another role, 22023 for a state that is none, '
'WA404 for an unknown user or type.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_call_back(pending wazo_auth.oauth2_pending, message jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.oauth2_pending p WHERE p.state_digest = pending.state_digest;
  IF NOT FOUND THEN
    RETURN 'unknown';
  END IF;
  BEGIN
    PERFORM wazo_auth.call_plugin_for_oauth2('oauth2_callback'::text, pending.type,
      ARRAY[message ->> 'code', message ->> 'state'], pending.user_uuid, wazo_auth.oauth2_flow(pending) -> 'args',
      message);
    PERFORM wazo_auth.emit_external_auth('authorized', pending.user_uuid, pending.type);
    RETURN 'authorized';
  EXCEPTION WHEN OTHERS THEN
    -- Of why, the call has written a line.
    PERFORM wazo_auth.log_oauth2(pending.user_uuid, pending.type, 'the callback failed'::text,
      NULL::wazo_auth.oauth2_answer);
    RETURN 'refused';
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_call_back(wazo_auth.oauth2_pending, jsonb) IS
'Ends an authorization that a callback was registered for: gives it the answer. Returns authorized, refused when it '
'failed, or unknown when somebody else was faster.';
