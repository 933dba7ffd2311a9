-- External accounts: configuration of tenants, accounts of users, lists, mobile devices (contract: external_auth.md),
-- and that nothing of their secrets is readable anywhere.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
CREATE FUNCTION pg_temp.api_error(status int, message text, error_id text, details text, resource text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s {"message": %s, "error_id": "%s", "details": %s, "timestamp": T, "resource": "%s"}', status, to_json(message), error_id, details, resource)
$$;
CREATE FUNCTION pg_temp.events() RETURNS text LANGUAGE sql AS $$
  WITH gone AS (DELETE FROM wazo_auth.event_outbox o WHERE o.name LIKE 'auth_user_external%' RETURNING o.*)
  SELECT string_agg(concat_ws(' ', substr(g.name, 25), g.routing_key, g.data, g.tenant_uuid, g.audience), E'\n' ORDER BY g.id) FROM gone g
$$;
CREATE FUNCTION pg_temp.event(what text, word text, user_uuid text, type text, tenant text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s auth.users.%s.external.%s.%s {"user_uuid" : "%s", "external_auth_name" : "%s"} %s %s', what, user_uuid, type, word, user_uuid, type, tenant, user_uuid)
$$;

-- ---- /external/{type}/config ----
\set url '/0.1/external/google/config'
\set none '''No config found for this external auth type: "google"'', ''unknown-external-auth'', ''{"type": "google"}'', ''google'''
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), pg_temp.api_error(404, :none), 'none');
SELECT is(pg_temp.ask('GET', '/0.1/external/new/config', :'north_token'),
  pg_temp.api_error(404, 'Configuration for this external auth type "new" is not defined.', 'unknown-config', '{"type": "new"}', 'new'), 'a kind of nobody');
SELECT is(pg_temp.ask(m, '/0.1/external/new/config', :'north_token', '{}'),
  pg_temp.api_error(404, 'No such auth type: "new"', 'unknown-external-auth-type', '{"type": "new"}', 'external'), m || ' a kind of nobody') FROM unnest('{PUT,DELETE}'::text[]) m;
SELECT is(pg_temp.ask(m, :'url', :'north_token', '{}'), pg_temp.api_error(404, :none), m || ' none') FROM unnest('{PUT,DELETE}'::text[]) m;
SELECT is(pg_temp.ask('POST', :'url', :'north_token', '{"client_id": "i", "client_secret": "s3cret-é"}'), '201 ""', 'POST');
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), '200 {"client_id": "i", "client_secret": "s3cret-\u00e9"}', 'GET');
SELECT is(pg_temp.ask('POST', :'url', :'north_token', '{}'),
  pg_temp.api_error(409, 'This external authentication config has already been set: "google"', 'conflict', '{"type": "google"}', 'google'), 'POST again');
SELECT is(pg_temp.ask('GET', :'url', :'deep_token'), pg_temp.api_error(404, :none), 'nothing is inherited');
SELECT is(pg_temp.ask('GET', :'url', :'top_token', tenant => :'north'), '200 {"client_id": "i", "client_secret": "s3cret-\u00e9"}', 'from above by its header');
SELECT matches(pg_temp.ask(m, :'url', :'south_token', '{}', :'north'), '^401 .*unauthorized-tenant', m || ' of another tenant') FROM unnest('{GET,POST,PUT,DELETE}'::text[]) m;
SELECT is(pg_temp.ask('PUT', :'url', :'north_token', v), '204', 'PUT ' || v) FROM unnest('{"null",[],"[1, {}]",0,"\"x\"",false,"{\"client_secret\": \"s3cret-é\"}"}'::text[]) v;
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), '200 {"client_secret": "s3cret-\u00e9"}', 'the last one stays');
SELECT is(pg_temp.ask(m, :'url', :'north_token', '{'), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', m || ' of what is no JSON')
FROM unnest('{POST,PUT}'::text[]) m;
SELECT is(pg_temp.ask('POST', '/0.1/external/a.b/config', :'north_token', 'null'), '201 ""', 'for a kind that is not registered');
SELECT is(pg_temp.ask('GET', '/0.1/external/a.b/config', :'north_token'), '200 null', '... any JSON');
SELECT matches(pg_temp.ask('GET', '/0.1/external/a.b/config', :'south_token'), '"unknown-config"', '... of which another tenant hears nothing');
SELECT matches(pg_temp.ask('GET', '/0.1/external/a.b/config', pg_temp.token(:'north_user', '{auth.a_b.external.config.read}')), '^200 ', 'its access');
SELECT matches(pg_temp.ask('POST', '/0.1/external/' || repeat('x', 257) || '/config', :'north_token', '{}'), '^400 .*longer than 256 bytes', 'a name has a limit');
SELECT is(pg_temp.ask('DELETE', :'url', :'north_token'), '204', 'DELETE');
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), pg_temp.api_error(404, :none), '... deletes it');

-- ---- mobile ----
SELECT format('/0.1/users/%s/external/mobile', :'north_user') AS mobile \gset
\set no_mobile '''No such external auth: "mobile"'', ''unknown-external-auth'', ''{"type": "mobile"}'', ''mobile'''
\set all_six '{"token": "t0ken", "apns_token": null, "apns_voip_token": "v0ip", "apns_notification_token": null, "apns_call_topic": "", "apns_default_topic": null}'
SELECT pg_temp.events() \g /dev/null
SELECT is(pg_temp.ask(m, :'mobile', :'north_token'), pg_temp.api_error(404, :no_mobile), m || ': none') FROM unnest('{GET,DELETE}'::text[]) m;
SELECT is(pg_temp.ask('POST', :'mobile', :'north_token', '{"token": "t0ken", "apns_voip_token": "v0ip", "apns_call_topic": "", "unknown": 1}'), '201 ' || :'all_six', 'POST');
SELECT is(pg_temp.events(), pg_temp.event('added', 'created', :'north_user', 'mobile', :'north'), '... its event');
SELECT is(pg_temp.ask('GET', :'mobile', :'north_token'), '200 ' || :'all_six', 'GET');
SELECT is(pg_temp.ask('HEAD', :'mobile', :'north_token'), '200', 'HEAD');
SELECT is(pg_temp.ask('POST', :'mobile', :'north_token', '{}'),
  pg_temp.api_error(409, 'This external authentication method has already been set: "mobile"', 'conflict', '{"type": "mobile"}', 'mobile'), 'POST again');
SELECT is(pg_temp.events(), NULL, '... without an event');
SELECT is(pg_temp.ask('PUT', :'mobile', :'north_token', '{"token": "0ther"}'), '200 ' || replace(replace(replace(:'all_six', 't0ken', '0ther'), '"v0ip"', 'null'), '""', 'null'), 'PUT replaces');
SELECT is(pg_temp.events(), pg_temp.event('updated', 'updated', :'north_user', 'mobile', :'north'), '... its event');
SELECT is(pg_temp.ask('DELETE', :'mobile', :'north_token'), '204', 'DELETE');
SELECT is(pg_temp.events(), pg_temp.event('deleted', 'deleted', :'north_user', 'mobile', :'north'), '... its event');
SELECT is(pg_temp.ask('GET', :'mobile', :'north_token'), pg_temp.api_error(404, :no_mobile), '... deletes it');
SELECT is(pg_temp.ask('PUT', :'mobile', :'north_token', '{"token": "t0ken"}'), '200 ' || replace(replace(:'all_six', '"v0ip"', 'null'), '""', 'null'), 'PUT creates');
SELECT is(pg_temp.events(), pg_temp.event('added', 'created', :'north_user', 'mobile', :'north'), '... its event');
SELECT matches(pg_temp.ask(m, :'mobile', :'north_token', v.body), '^400 \{"message": "' || v.message || '", "error_id": "invalid-data", .*"' || v.field || '".*"resource": "users"\}$', m || ' ' || left(v.body, 30))
FROM unnest('{POST,PUT}'::text[]) m, (VALUES ('{"token": ""}', 'token', 'Length must be between 1 and 512.'), ('{"token": 1}', 'token', 'Not a valid string.'),
  ('{"apns_token": []}', 'apns_token', 'Not a valid string.'), (json_build_object('apns_default_topic', repeat('x', 513))::text, 'apns_default_topic', 'Longer than maximum length 512.'),
  ('[5]', '_schema', 'Invalid input type.'), ('5', '_schema', 'Invalid input type.')) v (body, field, message);
SELECT is(pg_temp.ask(v.method, replace(v.url, :'north_user', u.uuid), :'north_token', '{}'), pg_temp.api_error(404, format('No such user: "%s"', u.uuid), 'unknown-user', format('{"uuid": "%s"}', u.uuid), 'users'),
          v.method || ' ' || v.url || ' of ' || u.name)
FROM (VALUES ('GET', :'mobile'), ('POST', :'mobile'), ('PUT', :'mobile'), ('DELETE', :'mobile'), ('GET', :'mobile' || '/sender_id'), ('GET', '/0.1/users/' || :'north_user' || '/external')) v (method, url),
     (VALUES (:'nobody', 'nobody'), (:'south_user', 'a sibling''s user'), (:'top_user', 'a user above')) u (uuid, name);

-- data of an older server
SELECT wazo_auth.set_external_auth(:'deep_user', 'mobile', '{"token": "a", "apns_token": "b"}') \g /dev/null
SELECT is(pg_temp.ask('GET', replace(:'mobile', :'north_user', :'deep_user'), :'north_token'),
  '200 {"token": "a", "apns_token": "b", "apns_voip_token": null, "apns_notification_token": null, "apns_call_topic": null, "apns_default_topic": null}', 'members that are not there are null');

SELECT is(pg_temp.ask('GET', :'mobile' || '/sender_id', :'north_token'),
  pg_temp.api_error(404, 'No config found for this external auth type: "mobile"', 'unknown-external-auth', '{"type": "mobile"}', 'mobile'), 'no sender');
SELECT is(pg_temp.ask('POST', '/0.1/external/mobile/config', :'north_token', '{"fcm_sender_id": "s3nder"}'), '201 ""', 'configured');
SELECT is(pg_temp.ask('GET', :'mobile' || '/sender_id', :'north_token'), '200 {"sender_id": "s3nder"}', 'sender_id');
SELECT is(pg_temp.ask('GET', :'mobile' || '/sender_id', :'top_token'), '200 {"sender_id": "s3nder"}', '... of the user''s tenant, whoever asks');
SELECT matches(pg_temp.ask('GET', replace(:'mobile', :'north_user', :'deep_user') || '/sender_id', :'north_token'), '^404 ', '... not of the asking one');
SELECT is(pg_temp.ask('PUT', '/0.1/external/mobile/config', :'north_token', v), '204', v) FROM unnest('{"{}","[]","null","\"x\""}'::text[]) v;
SELECT is(pg_temp.ask('GET', :'mobile' || '/sender_id', :'north_token'), '200 {"sender_id": null}', 'a configuration without one');

-- ---- lists ----
SELECT format('/0.1/users/%s/external', :'north_user') AS list \gset
SELECT is(pg_temp.ask('GET', :'list', :'north_token'), '200 {"filtered": 3, "total": 3, "items": [' ||
  '{"type": "google", "data": {}, "enabled": false, "plugin_info": {}}, {"type": "microsoft", "data": {}, "enabled": false, "plugin_info": {}}, {"type": "mobile", "data": {}, "enabled": true, "plugin_info": {}}]}',
  'kinds, and which the user has');
SELECT is(jsonb_path_query_array(pg_temp.ask_json('GET', :'list' || q.query, :'north_token'), '$.items[*].type') || jsonb_build_array(pg_temp.ask_json('GET', :'list' || q.query, :'north_token') -> 'filtered'), q.want::jsonb, q.query)
FROM (VALUES ('?order=type&direction=desc', '["mobile", "microsoft", "google", 3]'), ('?limit=1&offset=1', '["microsoft", 3]'), ('?search=mI', '["microsoft", 1]'),
             ('?type=mobile', '["mobile", 1]'), ('?type=x', '[0]'), ('?search=o&limit=1', '["google", 3]')) q (query, want);
SELECT matches(pg_temp.ask('GET', :'list' || '?order=data', :'north_token'), '^400 ', 'nothing else to sort by');
SELECT wazo_auth.configure('{"enabled_external_auth_plugins.google": false}') \g /dev/null
SELECT is(jsonb_path_query_array(pg_temp.ask_json('GET', :'list', :'north_token'), '$.items[*].type'), '["microsoft", "mobile"]', 'a kind that is off is not listed');
SELECT wazo_auth.configure('{"enabled_external_auth_plugins.mobile": false}') \g /dev/null
SELECT is(pg_temp.ask('GET', :'mobile', :'north_token'), '404 {"message": "Not Found"}', 'and has no routes');
SELECT wazo_auth.configure('{"enabled_external_auth_plugins": null}') \g /dev/null
SELECT wazo_auth.add_external_auth_type('bar', plugin_info => '{"a": [1]}') \g /dev/null
SELECT is(pg_temp.ask_json('GET', :'list' || '?type=bar', :'north_token') #> '{items,0}', '{"type": "bar", "data": {}, "enabled": false, "plugin_info": {"a": [1]}}', 'a registered kind is there');
SELECT throws_ok(format($$SELECT wazo_auth.add_external_auth_type(%L)$$, n), '23514', NULL, 'the name "' || n || '"') FROM (VALUES ('a.b'), (''), (repeat('x', 65))) v (n);

\set users '/0.1/external/mobile/users'
SELECT is(pg_temp.ask('GET', :'users', :'north_token'), format('200 {"filtered": 1, "total": 1, "items": [{"uuid": "%s"}]}', :'north_user'), 'users with such an account');
SELECT is(pg_temp.ask('GET', :'users' || '?recurse=true', :'north_token'), format('200 {"filtered": 2, "total": 2, "items": [{"uuid": "%s"}, {"uuid": "%s"}]}', :'north_user', :'deep_user'), '... and below');
SELECT is(pg_temp.ask('GET', :'users' || '?recurse=true&limit=1&offset=1', :'north_token'), format('200 {"filtered": 2, "total": 2, "items": [{"uuid": "%s"}]}', :'deep_user'), '... a page of them');
SELECT is(pg_temp.ask('GET', :'users', :'south_token'), '200 {"filtered": 0, "total": 0, "items": []}', '... none of another tenant''s');
SELECT is(pg_temp.ask('GET', '/0.1/external/google/users', :'north_token'), '200 {"filtered": 0, "total": 0, "items": []}', '... of another kind');
SELECT is(pg_temp.ask('GET', '/0.1/external/new/users', :'north_token'), pg_temp.api_error(404, 'No such auth type: "new"', 'unknown-external-auth-type', '{"type": "new"}', 'external'), '... of none');
SELECT matches(pg_temp.ask('GET', :'users' || '?order=uuid', :'north_token'), '^400 ', 'no order');

-- ---- secrets ----
-- Every table is searched for what was stored above, as text and as bytes.
CREATE FUNCTION pg_temp.readable(secret text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  v_table regclass;
  v_found boolean;
BEGIN
  FOR v_table IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind IN ('r', 'v') LOOP
    EXECUTE format('SELECT bool_or(strpos(t::text, %L) > 0 OR strpos(t::text, %L) > 0) FROM %s t', secret, encode(convert_to(secret, 'UTF8'), 'hex'), v_table) INTO v_found;
    IF v_found THEN
      RETURN NEXT v_table;
    END IF;
  END LOOP;
END $$;
SELECT pg_temp.ask('PUT', '/0.1/external/mobile/config', :'north_token', '{"fcm_api_key": "c0nfigured"}'), pg_temp.ask('PUT', :'mobile', :'north_token', '{"token": "t0ken"}') \g /dev/null
SELECT is_empty(format('SELECT pg_temp.readable(%L)', s), s || ' is nowhere to be read') FROM unnest('{c0nfigured,t0ken}'::text[]) s;
SELECT isnt_empty(format('SELECT pg_temp.readable(%L)', :'north_user'), 'as this would find it');
SELECT is(position('t0ken' IN wazo_auth.unseal_external_auth(d)::text) > 0, true, 'it is there, sealed') FROM wazo_auth.external_auth_data d WHERE d.user_uuid = :'north_user';
SELECT throws_ok(format($$UPDATE wazo_auth.external_auth_data SET user_uuid = %L WHERE user_uuid = %L; SELECT wazo_auth.external_auth(%L, 'mobile')$$, :'south_user', :'north_user', :'south_user'),
  '22000', NULL, 'what is sealed for one user opens for no other');
-- A column that holds sealed values says so by its name, so that whoever seals all anew finds it.
SELECT is_empty($$
  SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
  WHERE c.relnamespace = 'wazo_auth'::regnamespace AND a.atttypid = 'bytea'::regtype AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname NOT LIKE 'sealed\_%' AND a.attname NOT LIKE '%digest' AND c.relname LIKE 'external%'$$, 'every bytea column is a sealed value or a digest');

-- ---- what goes with whom ----
SELECT wazo_auth.delete_user(:'north_user') \g /dev/null
SELECT is_empty(format('SELECT FROM wazo_auth.external_auth_data WHERE user_uuid = %L', :'north_user'), 'accounts go with their user');
SELECT throws_ok(format($$SELECT wazo_auth.set_external_auth(%L, 'mobile', '{}')$$, :'north_user'), 'WA404', NULL, 'a user that is gone gets none');
SELECT throws_ok(format($$SELECT wazo_auth.set_external_auth(%L, 'new', '{}')$$, :'deep_user'), 'WA404', NULL, 'nor does anybody of an unknown kind');
SELECT throws_ok(format($$SELECT wazo_auth.update_external_auth(%L, 'google', '{}')$$, :'deep_user'), 'WA404', NULL, 'what is not there cannot be updated');

SELECT * FROM finish();
ROLLBACK;
