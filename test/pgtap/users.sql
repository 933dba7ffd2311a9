-- Users over the REST API, and their rules in SQL
-- (contract: errors.md section 6, Users; schemas.md section 4; semantics.md section 5).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
SELECT wazo_auth.add_identity_provider(p, 'wazo_auth.native_login') FROM unnest('{saml}'::text[]) p \g /dev/null

CREATE FUNCTION pg_temp.post(body text, VARIADIC fields text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(COALESCE(a.json #>> string_to_array(f, '/'), 'null'), ' ' ORDER BY n)
  FROM (SELECT pg_temp.ask_json('POST', '/0.1/users', current_setting('test.token'), body) AS json OFFSET 0) a,
       unnest(fields) WITH ORDINALITY u(f, n)
$$;
SELECT set_config('test.token', :'north_token', true) AS set \gset

-- POST: what is created, and how it is shown
SELECT matches(pg_temp.ask('POST', '/0.1/users', :'north_token',
  '{"username": "Ann", "firstname": "\u00e9", "email_address": "Ann@x.org", "password": "secret", "uuid": "AAAAAAAA000040008000000000000001", "tenant_uuid": "x", "junk": 1}'),
  '^200 \{"uuid": "aaaaaaaa-0000-4000-8000-000000000001", "username": "Ann", "firstname": "\\u00e9", "lastname": null, "purpose": "user", "emails": \[\{"uuid": "[-0-9a-f]{36}", "address": "Ann@x.org", "confirmed": true, "main": true\}\], "enabled": true, "tenant_uuid": "11111111-0000-4000-8000-000000000001", "authentication_method": "default"\}$',
  'POST /users shows the new user, its address main and confirmed');
SELECT ok(EXISTS (SELECT FROM wazo_auth.group_user gu JOIN wazo_auth.group g ON g.uuid = gu.group_uuid
                  WHERE gu.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001' AND g.system_managed AND g.tenant_uuid = :'north'),
          'it is in its tenant''s group of all users');
SELECT is((wazo_auth.verify_credentials('ANN', 'secret')).uuid::text, 'aaaaaaaa-0000-4000-8000-000000000001', 'it logs in with its username');
SELECT is((wazo_auth.verify_credentials('ann@X.org', 'secret')).uuid::text, 'aaaaaaaa-0000-4000-8000-000000000001', 'and with its address');
SELECT is(pg_temp.post(b, 'username', 'purpose', 'authentication_method', 'enabled', 'firstname'), want, 'POST /users ' || b)
FROM (VALUES
  ('{}', 'null user default true null'), ('null', 'null user default true null'), ('[]', 'null user default true null'),
  ('{"purpose": "internal"}', 'null internal native true null'), ('{"purpose": "external_api"}', 'null external_api native true null'),
  ('{"purpose": "internal", "authentication_method": "default"}', 'null internal default true null'),
  ('{"authentication_method": "ldap"}', 'null user ldap true null'), ('{"authentication_method": "saml"}', 'null user saml true null'),
  ('{"enabled": "off"}', 'null user default false null'), ('{"firstname": ""}', 'null user default true '),
  ('{"email_address": null, "password": null, "username": null}', 'null user default true null'),
  ('{"username": "same@x.org", "email_address": "SAME@x.org"}', 'same@x.org user default true null'),
  ('{"username": "' || repeat('u', 256) || '"}', repeat('u', 256) || ' user default true null')) t(b, want);
SELECT is(pg_temp.ask_json('POST', '/0.1/users', :'north_token', '{"username": "below"}', :'deep') ->> 'tenant_uuid', :'deep',
          'Wazo-Tenant chooses the tenant of the new user');

-- POST: errors, with their parts
CREATE FUNCTION pg_temp.first_error(field text, message text, rest text) RETURNS text LANGUAGE sql AS $$
  SELECT format('400 {"message": "%s", "error_id": "invalid-data", "details": {"%s": {%s}}, "timestamp": T, "resource": "users"}', message, field, rest)
$$;
SELECT is(pg_temp.ask('POST', '/0.1/users', :'north_token', b), pg_temp.first_error(f, m, rest), 'POST /users ' || left(b, 60))
FROM (VALUES
  ('[1]', '_schema', 'Invalid input type.', '"message": "Invalid input type."'),
  ('"x"', '_schema', 'Invalid input type.', '"message": "Invalid input type."'),
  ('{"username": ""}', 'username', 'Length must be between 1 and 256.', '"constraint_id": "length", "constraint": {"min": 1, "max": 256}, "message": "Length must be between 1 and 256."'),
  ('{"username": "' || repeat('u', 257) || '"}', 'username', 'Length must be between 1 and 256.', '"constraint_id": "length", "constraint": {"min": 1, "max": 256}, "message": "Length must be between 1 and 256."'),
  ('{"username": 1}', 'username', 'Not a valid string.', '"message": "Not a valid string.", "constraint_id": "type", "constraint": "string"'),
  ('{"firstname": false, "lastname": 1}', 'firstname', 'Not a valid string.', '"message": "Not a valid string.", "constraint_id": "type", "constraint": "string"'),
  ('{"lastname": []}', 'lastname', 'Not a valid string.', '"message": "Not a valid string.", "constraint_id": "type", "constraint": "string"'),
  ('{"purpose": "User"}', 'purpose', 'Must be one of: user, internal, external_api.', '"constraint_id": "enum", "constraint": {"choices": ["user", "internal", "external_api"]}, "message": "Must be one of: user, internal, external_api."'),
  ('{"purpose": null}', 'purpose', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"'),
  ('{"authentication_method": null}', 'authentication_method', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"'),
  ('{"enabled": "tRUE"}', 'enabled', 'Not a valid boolean.', '"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"'),
  ('{"enabled": null}', 'enabled', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"'),
  ('{"uuid": "x"}', 'uuid', 'Not a valid UUID.', '"message": "Not a valid UUID.", "constraint_id": "type", "constraint": "uuid"'),
  ('{"uuid": null}', 'uuid', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"'),
  ('{"password": ""}', 'password', 'Shorter than minimum length 1.', '"constraint_id": "length", "constraint": {"min": 1, "max": null}, "message": "Shorter than minimum length 1."'),
  ('{"email_address": "a@b"}', 'email_address', 'Not a valid email address.', '"message": "Not a valid email address.", "constraint_id": "type", "constraint": "email"')) t(b, f, m, rest);
SELECT is(pg_temp.ask('POST', '/0.1/users', :'north_token', b),
  '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', 'POST /users with a body that is no document: ' || b)
FROM (VALUES (''), ('{'), ('{} {}'), ('{"username": "\u0000"}'), ('{"username": "\ud800"}'), ('{"username": NaN}')) t(b);
SELECT is(pg_temp.ask('POST', '/0.1/users', :'north_token', '{"authentication_method": "other", "username": "ann"}'),
  '400 {"message": "Invalid authentication method other", "error_id": "invalid-data", "details": {"authentication_method": "other"}, "timestamp": T, "resource": "users"}',
  'the method is looked at before the login');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'south_token', '{"username": "aNN", "email_address": "ann@x.org"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"username": {"constraint_id": "unique", "message": "The login \"aNN\" is already used"}}, "timestamp": T, "resource": "users"}',
  'a username in use, in any tenant and whatever the case');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'south_token', '{"username": "ann@X.org"}') LIKE '409 %"username"%', true, 'a username that is somebody''s address');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'south_token', '{"email_address": "aNN@x.org"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"email_address": {"constraint_id": "unique", "message": "The login \"aNN@x.org\" is already used"}}, "timestamp": T, "resource": "users"}',
  'an address in use');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'south_token', '{"uuid": "aaaaaaaa-0000-4000-8000-000000000001"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"uuid": {"constraint_id": "unique", "message": "The uuid \"aaaaaaaa-0000-4000-8000-000000000001\" is already used"}}, "timestamp": T, "resource": "users"}',
  'a uuid in use');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'south_token', '{"uuid": "aaaaaaaa-0000-4000-8000-000000000001", "username": "fresh", "email_address": "ann@x.org"}') LIKE '409 %"email_address"%', true,
  'a login in use is told before a uuid in use');
SELECT is((SELECT count(*) FROM wazo_auth.login WHERE login = 'fresh')::int, 0, 'a refused user leaves nothing behind');
SELECT is(pg_temp.ask('POST', '/0.1/users', :'deep_token', '{', :'north'),
  '401 {"message": "Unauthorized tenant", "error_id": "unauthorized-tenant", "details": {"tenant_uuid": "' || :'north' || '"}, "timestamp": T}',
  'the tenant is looked at before the body');

-- GET one
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'deep_user', :'north_token'),
  '200 {"username": "deep", "uuid": "' || :'deep_user' || '", "enabled": true, "emails": [], "firstname": null, "lastname": null, "purpose": "user", "tenant_uuid": "' || :'deep' || '", "authentication_method": "default"}',
  'GET a user of a tenant below');
SELECT is(pg_temp.ask(m, '/0.1/users/' || u, :'north_token', b),
  '404 {"message": "No such user: \"' || u || '\"", "error_id": "unknown-user", "details": {"uuid": "' || u || '"}, "timestamp": T, "resource": "users"}',
  m || ' a user that is ' || what)
FROM (VALUES ('GET', NULL), ('PUT', '{}'), ('DELETE', NULL)) m(m, b),
     (VALUES (:'nobody', 'nobody'), (:'south_user', 'a sibling''s'), (:'top_user', 'above')) t(u, what);
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'north_user', :'north_token', NULL, :'deep') LIKE '200 %', true, 'the owner always reaches itself');
SELECT is(pg_temp.ask('GET', '/0.1/users/' || upper('aaaaaaaa-0000-4000-8000-000000000001'), :'north_token') LIKE '200 %"address": "Ann@x.org", "main": true, "confirmed": true%', true,
  'a uuid in upper case is the same, addresses are in the order of GET');
SELECT is(pg_temp.ask('GET', '/0.1/users/me', :'north_token') LIKE '404 %', true, 'me is no user');

-- PUT
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{"username": "Anna", "lastname": "L", "enabled": true, "email_address": "no@x.org", "uuid": "x"}')
  LIKE '200 {"username": "Anna", "uuid": "aaaaaaaa-0000-4000-8000-000000000001", "enabled": true, "emails": [{%"address": "Ann@x.org"%}], "firstname": null, "lastname": "L", "purpose": "user", %', true,
  'PUT replaces six fields and leaves addresses alone');
SELECT is(array_agg(l.login ORDER BY l.login), '{ann@x.org,anna}', 'the old username is free again')
FROM wazo_auth.login l WHERE l.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{"username": "ANN@X.ORG"}') LIKE '200 %', true, 'a user may take its own address as username');
SELECT is(array_agg((l.login, l.is_username, l.is_email)::text), '{"(ann@x.org,t,t)"}', 'which is one login')
FROM wazo_auth.login l WHERE l.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{"username": "Deep"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"username": {"constraint_id": "unique", "message": "The login \"Deep\" is already used"}}, "timestamp": T, "resource": "users"}',
  'PUT with a username in use');
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{}') LIKE '200 {"username": null,%', true, 'PUT without a username clears it');
SELECT is(array_agg((l.login, l.is_username, l.is_email)::text), '{"(ann@x.org,f,t)"}', 'and the address stays a login')
FROM wazo_auth.login l WHERE l.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is(pg_temp.ask('PUT', '/0.1/users/' || :'nobody', :'north_token', '{"authentication_method": "other"}') LIKE '400 %Invalid authentication method other%', true,
  'PUT looks at the method before the user');
SELECT is(pg_temp.ask('PUT', '/0.1/users/' || :'nobody', :'north_token', '{"enabled": 7}') LIKE '400 %Not a valid boolean.%', true, 'and at the body before that');
SELECT is(pg_temp.ask('PUT', '/0.1/users/' || :'nobody', :'north_token', '{"enabled": 7}', 'x') LIKE '401 %unauthorized-tenant%', true, 'and at the tenant before that');

-- disabling, and what becomes of sessions
SELECT pg_temp.token('aaaaaaaa-0000-4000-8000-000000000001') AS ann_token, pg_temp.token('aaaaaaaa-0000-4000-8000-000000000001') AS ann_token2,
       (wazo_auth.obtain_refresh_token('aaaaaaaa-0000-4000-8000-000000000001', 'c', 'ann@x.org', false, 'wazo_user', '', '')).token AS refresh \gset
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{"username": "ann", "enabled": false}') LIKE '200 %"enabled": false%', true, 'PUT disables');
SELECT is(wazo_auth.token_check(:'ann_token')::text || wazo_auth.token_check(:'ann_token2'), 'unknownunknown', 'which ends the sessions');
SELECT is(count(*)::int, 1, 'but no refresh token') FROM wazo_auth.refresh_token r WHERE r.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is((wazo_auth.verify_credentials('ann', 'secret')).uuid, NULL, 'a disabled user does not log in');
SELECT is(pg_temp.ask_json('GET', '/0.1/users?username=ann', :'north_token') #>> '{items,0,enabled}', 'false', 'but is listed');
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token', '{"username": "ann"}') LIKE '200 %"enabled": true%', true, 'PUT without enabled enables');

-- password
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', b), pg_temp.first_error(f, m, rest), 'PUT password ' || b)
FROM (VALUES
  ('{}', 'old_password', 'Missing data for required field.', '"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"'),
  ('{"old_password": "x"}', 'new_password', 'Missing data for required field.', '"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"'),
  ('{"old_password": "x", "new_password": ""}', 'new_password', 'Shorter than minimum length 1.', '"constraint_id": "length", "constraint": {"min": 1, "max": null}, "message": "Shorter than minimum length 1."'),
  ('{"old_password": null, "new_password": "y"}', 'old_password', 'Field may not be null.', '"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"')) t(b, f, m, rest);
SELECT is(pg_temp.ask('PUT', '/0.1/users/' || u || '/password', :'north_token', '{"old_password": "a", "new_password": "b"}') LIKE '404 %unknown-user%', true, 'PUT password of ' || u)
FROM (VALUES (:'nobody'), (:'south_user')) t(u);
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', '{"old_password": "wrong", "new_password": "new"}'),
  '401 {"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}', 'a wrong old password');
SELECT is(pg_temp.ask('PUT', '/0.1/users/' || u || '/password', :'top_token', '{"old_password": "a", "new_password": "b"}') LIKE '401 {"reason"%', true, 'a user without a password')
FROM (VALUES (:'deep_user')) t(u);
SELECT pg_temp.token('aaaaaaaa-0000-4000-8000-000000000001') AS ann_token \gset
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'ann_token', '{"old_password": "secret", "new_password": "n\u00e9w"}'), '204', 'a right one');
SELECT is(wazo_auth.token_check(:'ann_token')::text, 'unknown', 'which ends the caller''s own session');
SELECT is(count(*)::int, 0, 'and revokes refresh tokens') FROM wazo_auth.refresh_token r WHERE r.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is((wazo_auth.verify_credentials('ann', 'néw')).uuid::text, 'aaaaaaaa-0000-4000-8000-000000000001', 'the new password works');
SELECT is((wazo_auth.verify_credentials('ann', 'secret')).uuid, NULL, 'the old one does not');
UPDATE wazo_auth.user SET authentication_method = 'ldap' WHERE uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', '{"old_password": "n\u00e9w", "new_password": "x"}'),
  '405 {"message": "Unable to update externally managed password for user : \"aaaaaaaa-0000-4000-8000-000000000001\"", "error_id": "password-managed-externally", "details": {"uuid": "aaaaaaaa-0000-4000-8000-000000000001"}, "timestamp": T, "resource": "users"}',
  'a password that LDAP manages');
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', '{"old_password": "x", "new_password": "x"}') LIKE '401 {"reason"%', true, 'of which a wrong old one is told first');
UPDATE wazo_auth.user SET authentication_method = 'default', username = NULL WHERE uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT wazo_auth.release_logins('aaaaaaaa-0000-4000-8000-000000000001') AS released \gset
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', '{"old_password": "n\u00e9w", "new_password": "x"}'), '204', 'by the main confirmed address, without a username');
UPDATE wazo_auth.email SET confirmed = false WHERE user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
SELECT is(pg_temp.ask('PUT', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001/password', :'north_token', '{"old_password": "x", "new_password": "y"}') LIKE '401 {"reason"%', true, 'an unconfirmed one does not do');

-- DELETE
SELECT pg_temp.token('aaaaaaaa-0000-4000-8000-000000000001') AS ann_token,
       (wazo_auth.obtain_refresh_token('aaaaaaaa-0000-4000-8000-000000000001', 'c', 'ann@x.org', false, 'wazo_user', '', '')).token AS refresh \gset
INSERT INTO wazo_auth.tenant_contact (tenant_uuid, user_uuid) VALUES (:'north', 'aaaaaaaa-0000-4000-8000-000000000001');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token'), '204', 'DELETE');
SELECT is(wazo_auth.token_check(:'ann_token')::text, 'unknown', 'ends the sessions');
SELECT is((SELECT count(*) FROM wazo_auth.refresh_token r WHERE r.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001')
        + (SELECT count(*) FROM wazo_auth.login l WHERE l.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001')
        + (SELECT count(*) FROM wazo_auth.tenant_contact c WHERE c.user_uuid = 'aaaaaaaa-0000-4000-8000-000000000001'), 0::bigint,
          'and takes refresh tokens, logins and the place as contact along');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/aaaaaaaa-0000-4000-8000-000000000001', :'north_token') LIKE '404 %', true, 'once');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/' || :'south_user', :'south_token'), '204', 'a user may delete itself');
SELECT is(pg_temp.ask('GET', '/0.1/users', :'south_token') LIKE '401 %not_found_or_expired%', true, 'and its token is gone');

-- the same rules in SQL
SELECT throws_ok(format('SELECT wazo_auth.%s', f), s, m, f)
FROM (VALUES
  ('update_user(''99999999-9999-4999-8999-999999999999'')', 'WA404', 'No such user: "99999999-9999-4999-8999-999999999999"'),
  ('delete_user(''99999999-9999-4999-8999-999999999999'')', 'WA404', 'No such user: "99999999-9999-4999-8999-999999999999"'),
  ('change_password(''99999999-9999-4999-8999-999999999999'', ''a'', ''b'')', 'WA404', 'No such user: "99999999-9999-4999-8999-999999999999"'),
  ('create_user(''99999999-9999-4999-8999-999999999999'', ''x'')', 'WA404', 'No such tenant: "99999999-9999-4999-8999-999999999999"'),
  ('create_user(wazo_auth.top_tenant_uuid(), ''x'', authentication_method => ''no'')', 'WA400', 'Invalid authentication method no'),
  ('create_user(wazo_auth.top_tenant_uuid(), ''TOP'')', 'WA409', 'Conflict detected')) t(f, s, m);

SELECT * FROM finish();
ROLLBACK;
