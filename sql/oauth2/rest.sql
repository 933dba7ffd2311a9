-- Accounts by OAuth2: /0.1/users/{user_uuid}/external/google and …/microsoft, and where providers send users back to.

-- Each kind has the same four routes, told apart by the kind that stands at the end of the path.
CREATE OR REPLACE FUNCTION wazo_auth.oauth2_type_of(request wazo_auth.http_request) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN substring(request.path FROM '[^/]+$');
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_type_of(wazo_auth.http_request) IS 'The kind that a route of OAuth2 is about.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.oauth2_begin((request.params ->> 'user_uuid')::uuid,
    wazo_auth.oauth2_type_of(request), request.body -> 'scope'), 201);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_post(wazo_auth.http_request) IS
'POST /users/{user_uuid}/external/google and …/microsoft: where the user has to go to authorize.';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_ended_response(type text) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Not raised: that would undo what the refresh noted.
  RETURN wazo_auth.json_response(json_build_object(
    'message', format('The authorization has ended, the user has to authorize again: "%s"', type),
    'error_id', 'unknown-external-auth', 'details', json_build_object('type', type),
    'timestamp', extract(epoch FROM clock_timestamp()), 'resource', type), 404);
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_ended_response(text) IS
'Answer 404 unknown-external-auth for an account whose provider gives no access token any more.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_user uuid := (request.params ->> 'user_uuid')::uuid;
  v_type text := wazo_auth.oauth2_type_of(request);
  v_data jsonb := wazo_auth.external_auth(v_user, v_type);
BEGIN
  -- What HEAD does is undone, and a refresh token that the provider has replaced would be lost.
  IF wazo_auth.oauth2_is_expired(v_data) AND request.method <> 'HEAD' THEN
    IF v_data ->> 'refresh_token' IS NOT NULL THEN
      v_data := wazo_auth.oauth2_refresh(v_user, v_type);
    END IF;
    IF wazo_auth.oauth2_is_expired(v_data) THEN
      RETURN wazo_auth.oauth2_ended_response(v_type);
    END IF;
  END IF;
  RETURN wazo_auth.json_response(json_strip_nulls(json_build_object(
    'scope', v_data -> 'scope', 'access_token', v_data -> 'access_token',
    'token_expiration', CASE jsonb_typeof(v_data -> 'token_expiration')
                          WHEN 'number' THEN trunc((v_data ->> 'token_expiration')::numeric) END)));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/external/google and …/microsoft: the access token, refreshed if need be, but not by HEAD.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_oauth2_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.rest_external_auth_delete(request, wazo_auth.oauth2_type_of(request));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_oauth2_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/external/google and …/microsoft.';

DO $$
DECLARE
  v_type pg_catalog.text;
  v_path pg_catalog.text;
  v_access pg_catalog.text;
  v_plugin pg_catalog.text;
BEGIN
  FOREACH v_type IN ARRAY '{google,microsoft}'::pg_catalog.text[] LOOP
    v_path := '/0.1/users/{user_uuid}/external/' || v_type;
    v_access := 'auth.users.{user_uuid}.external.' || v_type;
    v_plugin := 'external_auth:' || v_type;
    PERFORM wazo_auth.declare_schema('oauth2_' || v_type, 'first_error', 'users',
      '{"scope": {"type": "list", "max": 100, "items": {"type": "string", "min": 1, "max": 512}}}');
    PERFORM wazo_auth.add_route('POST', v_path, 'wazo_auth.rest_oauth2_post', v_plugin,
      access => v_access || '.create', checks => '{body,tenant,user}', body_schema => 'oauth2_' || v_type,
      errors => '{404}', summary => 'Begin to authorize for an account of ' || v_type, success => 201,
      changes_no_access => 'it gives access to an account elsewhere');
    PERFORM wazo_auth.add_route('GET', v_path, 'wazo_auth.rest_oauth2_get', v_plugin,
      access => v_access || '.read', checks => '{tenant,user}', errors => '{404,503}',
      summary => 'Access token for an account of ' || v_type);
    PERFORM wazo_auth.add_route('DELETE', v_path, 'wazo_auth.rest_oauth2_delete', v_plugin,
      access => v_access || '.delete', checks => '{tenant,user}', errors => '{404}',
      summary => 'Forget an account of ' || v_type, success => 204,
      changes_no_access => 'it gives up access to an account elsewhere');
  END LOOP;
END
$$;

-- ---- where a provider sends the user back to ----

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_page(outcome text) RETURNS wazo_auth.http_response
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_status integer;
  v_title text := 'Not authorized';
  v_text text;
BEGIN
  -- Nothing of the request is on the page.
  CASE outcome
    WHEN 'authorized' THEN
      v_status := 200;
      v_title := 'Authorized';
      v_text := 'Your account is connected. You can close this page.';
    WHEN 'denied' THEN
      v_status := 400;
      v_text := 'You have not agreed, so your account is not connected. You can close this page.';
    WHEN 'unreachable' THEN
      v_status := 502;
      v_text := 'The provider of your account did not answer. Please begin again later.';
    WHEN 'no_refresh_token' THEN
      v_status := 502;
      v_text := 'The provider of your account gave access for a short time only. Please take the access of this '
        'service away in the settings of that account, and begin again.';
    WHEN 'unknown' THEN
      v_status := 400;
      v_text := 'This address has been used already, or was left for too long. Please begin again.';
    ELSE
      v_status := 502;
      v_text := 'The provider of your account refused. Please begin again, or ask your administrator.';
  END CASE;
  RETURN (v_status, ARRAY[
    'Content-Type', 'text/html; charset=utf-8',
    'Cache-Control', 'no-store',
    -- The address of the page has the code in it.
    'Referrer-Policy', 'no-referrer',
    'X-Content-Type-Options', 'nosniff',
    'Content-Security-Policy',
    'default-src ''none''; form-action ''none''; frame-ancestors ''none''; base-uri ''none'''],
    convert_to(format($page$<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%1$s</title></head>
<body>
<h1>%1$s</h1>
<p>%2$s</p>
</body>
</html>
$page$, v_title, v_text), 'UTF8'))::wazo_auth.http_response;
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_page(text) IS
'What the user sees of the end of an authorization: see wazo_auth.oauth2_end().';

CREATE OR REPLACE FUNCTION wazo_auth.oauth2_arrive(type text, message jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_state text := message ->> 'state';
  v_pending wazo_auth.oauth2_pending := wazo_auth.oauth2_pending_of(v_state, type);
  v_refusal text;
BEGIN
  IF v_pending.state_digest IS NULL THEN
    RETURN 'unknown';
  END IF;
  PERFORM wazo_auth.oauth2_enter('state:' || encode(v_pending.state_digest, 'hex'));
  -- The one before may have been the same.
  v_pending := wazo_auth.oauth2_pending_of(v_state, type);
  IF v_pending.state_digest IS NULL THEN
    RETURN 'unknown';
  ELSIF v_pending.callback THEN
    RETURN wazo_auth.oauth2_call_back(v_pending, message);
  END IF;
  v_refusal := wazo_auth.oauth2_refusal(type, message);
  IF v_refusal IS NOT NULL THEN
    RETURN wazo_auth.oauth2_end(v_pending, v_refusal);
  END IF;
  RETURN wazo_auth.oauth2_end(v_pending, NULL,
    wazo_auth.oauth2_ask(wazo_auth.oauth2_exchange(v_pending, message ->> 'code')));
END
$$;
COMMENT ON FUNCTION wazo_auth.oauth2_arrive(text, jsonb) IS
'Deals with the parameters with which a provider sent a user here. Returns what wazo_auth.oauth2_end() does. Raises '
'WA404 where the user''s tenant is not configured any more, WA503 when too many ask at a time.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_authorize_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- A parameter that comes twice is none (RFC 6749, 3.1).
  v_message jsonb := (
    SELECT COALESCE(jsonb_object_agg(q.key, q.value), '{}') FROM jsonb_each(request.query) q
    WHERE jsonb_typeof(q.value) = 'string');
BEGIN
  IF request.method = 'HEAD' THEN
    RETURN wazo_auth.oauth2_page('unknown');
  END IF;
  RETURN wazo_auth.oauth2_page(wazo_auth.oauth2_arrive(request.params ->> 'auth_type', v_message));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_authorize_get(wazo_auth.http_request) IS
'GET /external/{auth_type}/authorize: where providers send users back to when redirect_uri says so; a page.';
SELECT wazo_auth.add_route('GET', '/0.1/external/{auth_type}/authorize', 'wazo_auth.rest_external_authorize_get',
  'external', public => true, errors => '{400,404,502,503}',
  summary => 'Where a provider sends a user back to');
