-- A kind of external accounts, "bar": users have a token of the service Bar,
-- which is stored sealed. A list shows the name of the account only.

CREATE ROLE bar IN ROLE wazo_auth_plugin;
CREATE SCHEMA bar AUTHORIZATION bar;
SET ROLE bar;

CREATE FUNCTION bar.safe(data jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN jsonb_build_object('account', data -> 'account');
END
$$;

-- Bar sends users back with their token in the parameter "code".
CREATE FUNCTION bar.authorized(user_uuid uuid, args jsonb, message jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.set_own_external_auth(user_uuid, 'bar',
    jsonb_build_object('account', 'by OAuth2', 'token', message -> 'code'));
END
$$;
SELECT wazo_auth.register_external_auth_type('bar', 'bar.safe', plugin_info => '{"required_acl": ["bar.read"]}');
SELECT wazo_auth.register_oauth2_callback('bar', 'bar.authorized');

CREATE FUNCTION bar.read(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.own_external_auth((request.params ->> 'user_uuid')::uuid, 'bar')::json);
END
$$;
SELECT wazo_auth.register_route('GET', '/0.1/users/{user_uuid}/external/bar', 'bar.read',
  access => 'auth.users.{user_uuid}.external.bar.read', checks => '{tenant,user}', errors => '{404}',
  summary => 'A user''s account of Bar', plugin => 'external');

CREATE FUNCTION bar.write(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(request.body -> 'account') IS DISTINCT FROM 'string'
     OR jsonb_typeof(request.body -> 'token') IS DISTINCT FROM 'string' THEN
    PERFORM wazo_auth.raise_error(400, 'account and token must be texts', 'invalid-data', NULL, 'bar');
  END IF;
  RETURN wazo_auth.json_response(wazo_auth.create_own_external_auth((request.params ->> 'user_uuid')::uuid, 'bar',
    jsonb_build_object('account', request.body -> 'account', 'token', request.body -> 'token'))::json, 201);
END
$$;
SELECT wazo_auth.register_route('POST', '/0.1/users/{user_uuid}/external/bar', 'bar.write',
  access => 'auth.users.{user_uuid}.external.bar.create', checks => '{tenant,user,json}', errors => '{400,409}',
  summary => 'Store a user''s account of Bar', success => 201, plugin => 'external',
  changes_no_access => 'an account of another service grants nothing here');

-- With nothing in the body: an address where the user gets the token.
CREATE FUNCTION bar.authorize(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql AS $$
DECLARE
  v_state text := replace(gen_random_uuid()::text, '-', '');
BEGIN
  PERFORM wazo_auth.wait_for_oauth2('bar', (request.params ->> 'user_uuid')::uuid, v_state);
  RETURN wazo_auth.json_response(json_build_object('state', v_state, 'authorization_url',
    'https://bar.example.com/authorize?state=' || v_state
    || '&redirect_uri=' || wazo_auth.build_oauth2_redirect_url('bar')), 201);
END
$$;
SELECT wazo_auth.register_route('POST', '/0.1/users/{user_uuid}/external/bar/authorization', 'bar.authorize',
  access => 'auth.users.{user_uuid}.external.bar.create', checks => '{tenant,user}',
  summary => 'Begin to authorize for an account of Bar', success => 201, plugin => 'external',
  changes_no_access => 'an account of another service grants nothing here');

CREATE FUNCTION bar.forget(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.delete_own_external_auth((request.params ->> 'user_uuid')::uuid, 'bar');
  RETURN wazo_auth.json_response(NULL, 204);
END
$$;
SELECT wazo_auth.register_route('DELETE', '/0.1/users/{user_uuid}/external/bar', 'bar.forget',
  access => 'auth.users.{user_uuid}.external.bar.delete', checks => '{tenant,user}', errors => '{404}',
  summary => 'Forget a user''s account of Bar', success => 204, plugin => 'external',
  changes_no_access => 'an account of another service grants nothing here');
RESET ROLE;
