-- Tokens of mobile devices, for push notifications: /0.1/users/{user_uuid}/external/mobile

SELECT wazo_auth.declare_schema('mobile', 'first_error', 'users', '{
  "token":                   {"type": "string", "nullable": true, "default": null, "min": 1, "max": 512},
  "apns_token":              {"type": "string", "nullable": true, "default": null, "max": 512},
  "apns_voip_token":         {"type": "string", "nullable": true, "default": null, "max": 512},
  "apns_notification_token": {"type": "string", "nullable": true, "default": null, "max": 512},
  "apns_call_topic":         {"type": "string", "nullable": true, "default": null, "max": 512},
  "apns_default_topic":      {"type": "string", "nullable": true, "default": null, "max": 512}
}');

CREATE OR REPLACE FUNCTION wazo_auth.mobile_json(data jsonb) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN json_build_object(
    'token', data -> 'token', 'apns_token', data -> 'apns_token', 'apns_voip_token', data -> 'apns_voip_token',
    'apns_notification_token', data -> 'apns_notification_token', 'apns_call_topic', data -> 'apns_call_topic',
    'apns_default_topic', data -> 'apns_default_topic');
END
$$;
COMMENT ON FUNCTION wazo_auth.mobile_json(jsonb) IS
'Tokens of a mobile device with all of their members, null where older data lacks one (contract: responses.md).';

CREATE OR REPLACE FUNCTION wazo_auth.rest_mobile_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.mobile_json(
    wazo_auth.external_auth((request.params ->> 'user_uuid')::uuid, 'mobile')));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_mobile_get(wazo_auth.http_request) IS 'GET /users/{user_uuid}/external/mobile.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/external/mobile', 'wazo_auth.rest_mobile_get',
  'external_auth:mobile',
  access => 'auth.users.{user_uuid}.external.mobile.read', checks => '{tenant,user}', errors => '{404}',
  summary => 'Push tokens of a user''s mobile device');

CREATE OR REPLACE FUNCTION wazo_auth.rest_mobile_post(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.mobile_json(
    wazo_auth.create_external_auth((request.params ->> 'user_uuid')::uuid, 'mobile', request.body)), 201);
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_mobile_post(wazo_auth.http_request) IS 'POST /users/{user_uuid}/external/mobile.';
SELECT wazo_auth.add_route('POST', '/0.1/users/{user_uuid}/external/mobile', 'wazo_auth.rest_mobile_post',
  'external_auth:mobile',
  access => 'auth.users.{user_uuid}.external.mobile.create', checks => '{body,tenant,user}', body_schema => 'mobile',
  errors => '{409}', summary => 'Store the push tokens of a user''s mobile device', success => 201,
  changes_no_access => 'it says where notifications go');

CREATE OR REPLACE FUNCTION wazo_auth.rest_mobile_put(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.mobile_json(
    wazo_auth.set_external_auth((request.params ->> 'user_uuid')::uuid, 'mobile', request.body)));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_mobile_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/external/mobile: in place of what was there, if there was something.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/external/mobile', 'wazo_auth.rest_mobile_put',
  'external_auth:mobile',
  access => 'auth.users.{user_uuid}.external.mobile.update', checks => '{body,tenant,user}', body_schema => 'mobile',
  summary => 'Replace the push tokens of a user''s mobile device',
  changes_no_access => 'it says where notifications go');

CREATE OR REPLACE FUNCTION wazo_auth.rest_external_auth_delete(request wazo_auth.http_request, type text)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.delete_external_auth((request.params ->> 'user_uuid')::uuid, type);
  RETURN wazo_auth.no_content();
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_external_auth_delete(wazo_auth.http_request, text) IS
'What the routes do that delete an external account of a kind.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_mobile_delete(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.rest_external_auth_delete(request, 'mobile');
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_mobile_delete(wazo_auth.http_request) IS
'DELETE /users/{user_uuid}/external/mobile.';
SELECT wazo_auth.add_route('DELETE', '/0.1/users/{user_uuid}/external/mobile', 'wazo_auth.rest_mobile_delete',
  'external_auth:mobile',
  access => 'auth.users.{user_uuid}.external.mobile.delete', checks => '{tenant,user}', errors => '{404}',
  summary => 'Forget the push tokens of a user''s mobile device', success => 204,
  changes_no_access => 'it says where notifications go');

CREATE OR REPLACE FUNCTION wazo_auth.rest_mobile_sender_id_get(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config jsonb := wazo_auth.external_auth_config('mobile',
    (SELECT u.tenant_uuid FROM wazo_auth.user u WHERE u.uuid = (request.params ->> 'user_uuid')::uuid));
BEGIN
  RETURN wazo_auth.json_response(json_build_object('sender_id', v_config -> 'fcm_sender_id'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_mobile_sender_id_get(wazo_auth.http_request) IS
'GET /users/{user_uuid}/external/mobile/sender_id: as the user''s tenant has configured it.';
SELECT wazo_auth.add_route('GET', '/0.1/users/{user_uuid}/external/mobile/sender_id',
  'wazo_auth.rest_mobile_sender_id_get', 'external_auth:mobile',
  access => 'auth.users.{user_uuid}.external.mobile.sender_id.read', checks => '{tenant,user}', errors => '{404}',
  summary => 'Sender of push notifications to a user''s mobile device');
