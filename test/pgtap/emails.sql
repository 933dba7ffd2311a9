-- E-mail addresses of users over the REST API
-- (contract: errors.md section 6, Emails; schemas.md, AdminEmailPut; semantics.md section 6).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

\set admin '/0.1/admin/users/' :deep_user '/emails'
\set own '/0.1/users/' :deep_user '/emails'
-- uuids as U, for those of new addresses are random
CREATE FUNCTION pg_temp.put(target text, token text, body text, tenant text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(pg_temp.ask('PUT', target, token, body, tenant), '"uuid": "[-0-9a-f]{36}"', '"uuid": U', 'g')
$$;
CREATE FUNCTION pg_temp.addresses(user_uuid uuid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(e.address || CASE WHEN e.main THEN '*' ELSE '' END || CASE WHEN e.confirmed THEN '+' ELSE '' END, ' ' ORDER BY e.address)
  FROM wazo_auth.email e WHERE e.user_uuid = addresses.user_uuid
$$;

SELECT is(pg_temp.put(:'admin', :'north_token', '{"emails": [{"address": "B@x.org", "main": true}, {"address": "a@x.org", "confirmed": "on"}, {"address": "c@x.org", "confirmed": false}]}'),
  '200 [{"address": "B@x.org", "confirmed": null, "main": true, "uuid": U}, {"address": "a@x.org", "confirmed": true, "main": false, "uuid": U}, {"address": "c@x.org", "confirmed": false, "main": false, "uuid": U}]',
  'the administrator''s route: in the order of the request, null where nothing was said of a new address');
SELECT is(pg_temp.addresses(:'deep_user'), 'B@x.org* a@x.org+ c@x.org', 'what is stored');
SELECT is(wazo_auth.resolve_login('A@x.org')::text, :'deep_user', 'a confirmed address is a login');
SELECT is(wazo_auth.resolve_login('b@x.org')::text, NULL, 'an unconfirmed one is not');
SELECT e.uuid AS a_uuid FROM wazo_auth.email e WHERE e.address = 'a@x.org' \gset
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": [{"address": "a@x.org", "main": true, "confirmed": false}, {"address": "b@x.org"}]}'),
  '200 [{"address": "a@x.org", "main": true, "uuid": U, "confirmed": true}, {"address": "b@x.org", "main": false, "confirmed": false, "uuid": U}]',
  'the user''s route: confirmed is not the user''s to say, and another order of keys for new addresses');
SELECT is(e.uuid::text, :'a_uuid', 'an address that stays keeps its uuid') FROM wazo_auth.email e WHERE e.address = 'a@x.org';
SELECT is(pg_temp.addresses(:'deep_user'), 'a@x.org*+ b@x.org', 'what is stored then');
SELECT is(pg_temp.put(:'admin', :'north_token', '{"emails": [{"address": "a@x.org"}, {"address": "b@x.org", "confirmed": true, "main": true}]}'),
  '200 [{"address": "a@x.org", "confirmed": true, "main": false, "uuid": U}, {"address": "b@x.org", "confirmed": true, "main": true, "uuid": U}]',
  'the main one changes place, and confirmed without a value stays');
SELECT is(pg_temp.put(:'admin', :'north_token', '{"emails": [{"address": "a@x.org", "confirmed": false, "main": true}]}'),
  '200 [{"address": "a@x.org", "confirmed": false, "main": true, "uuid": U}]', 'the administrator may take a confirmation back');
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": [{"address": "DEEP@x.org", "main": true}]}') LIKE '200 %', true, 'addresses of any case');
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": []}'), '200 []', 'an empty list removes all');
SELECT is(array_agg(l.login), '{deep}', 'and their logins') FROM wazo_auth.login l WHERE l.user_uuid = :'deep_user';
UPDATE wazo_auth.user SET username = 'deep@x.org' WHERE uuid = :'deep_user';
UPDATE wazo_auth.login SET login = 'deep@x.org' WHERE user_uuid = :'deep_user';
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": [{"address": "Deep@x.org", "main": true}]}') LIKE '200 %', true, 'the own username may be an address');
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": []}'), '200 []', 'and go again');
SELECT is(array_agg((l.login, l.is_username, l.is_email)::text), '{"(deep@x.org,t,f)"}', 'with the username left') FROM wazo_auth.login l WHERE l.user_uuid = :'deep_user';
SELECT is(wazo_auth.token_check(:'deep_token')::text, 'valid', 'no session ends by it');

-- errors
CREATE FUNCTION pg_temp.refused(message text) RETURNS text LANGUAGE sql AS $$
  SELECT format('400 {"message": %s, "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "emails"}', message)
$$;
SELECT is(pg_temp.put(r, :'north_token', b), pg_temp.refused(m), 'PUT ' || b)
FROM (VALUES (:'admin'), (:'own')) routes(r), (VALUES
  ('{}', '{"emails": {"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"}}'),
  ('null', '{"emails": {"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"}}'),
  ('{"emails": null}', '{"emails": {"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"}}'),
  ('{"emails": {}}', '{"emails": {"message": "Invalid type.", "constraint_id": "type", "constraint": "dict"}}'),
  ('{"emails": [{}]}', '{"emails": {"0": {"address": {"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"}}}}'),
  ('{"emails": [{"address": "a@x.org", "main": true}, {"address": "x", "main": 2}]}', '{"emails": {"1": {"address": [{"message": "Not a valid email address.", "constraint_id": "type", "constraint": "email"}], "main": {"message": "Not a valid boolean.", "constraint_id": "type", "constraint": "boolean"}}}}'),
  ('{"emails": [{"address": "a@x.org"}]}', '{"_schema": ["At least one address should be main"]}'),
  ('{"emails": [{"address": "a@x.org", "main": true}, {"address": "b@x.org", "main": true}]}', '{"_schema": ["Only one address should be main"]}'),
  ('{"emails": [{"address": "a@x.org", "main": true}, {"address": "a@x.org"}]}', '{"_schema": ["The same address can only be used once"]}'),
  ('{"emails": [{"address": "a@x.org"}, {"address": "a@x.org"}]}', '{"_schema": ["The same address can only be used once", "At least one address should be main"]}')) t(b, m);
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": [{"address": "a@x.org", "main": true}, {"address": "NORTH@x.org"}]}'), '200 [{"address": "a@x.org", "main": true, "confirmed": false, "uuid": U}, {"address": "NORTH@x.org", "main": false, "confirmed": false, "uuid": U}]', 'a name that is nobody''s');
SELECT is(pg_temp.put('/0.1/users/' || :'north_user' || '/emails', :'north_token', '{"emails": [{"address": "free@x.org", "main": true}, {"address": "north@X.org"}]}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"email_address": {"constraint_id": "unique", "message": "The login \"north@X.org\" is already used"}}, "timestamp": T, "resource": "users"}',
  'an address of another user');
SELECT is(pg_temp.addresses(:'north_user'), NULL, 'of which nothing is kept');
SELECT is(pg_temp.put(:'own', :'deep_token', '{"emails": [{"address": "a@x.org", "main": true}, {"address": "A@x.org"}]}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"email_address": {"constraint_id": "unique", "message": "The email_address \"None\" is already used"}}, "timestamp": T, "resource": "users"}',
  'two addresses that differ by case');
SELECT is(pg_temp.addresses(:'deep_user'), 'NORTH@x.org a@x.org*', 'leave what was there');
SELECT is(pg_temp.put(replace(r, :'deep_user', u), :'north_token', '{"emails": []}') LIKE '404 %"unknown-user"%', true, 'PUT for ' || u)
FROM (VALUES (:'admin'), (:'own')) routes(r), (VALUES (:'nobody'), (:'south_user'), (:'top_user')) t(u);
SELECT is(pg_temp.put(:'own', :'north_token', '{') LIKE '400 {"message": "The browser%', true, 'no document');

-- in SQL
SELECT throws_ok($$ SELECT wazo_auth.replace_emails('22222222-0000-4000-8000-000000000003', '{a@x.org}', 'b@x.org') $$, '22023', NULL, 'the main address is one of them');
SELECT lives_ok($$ SELECT wazo_auth.replace_emails('22222222-0000-4000-8000-000000000003', '{a@x.org,b@x.org}', 'b@x.org', '{true,null}') $$, 'replace_emails');
SELECT is(pg_temp.addresses(:'deep_user'), 'a@x.org+ b@x.org*', 'does the same');

-- ---- one mailbox, however it is written ----
CREATE TEMP TABLE spelling AS SELECT * FROM (VALUES
  ('box@m.example'), ('BOX@M.EXAMPLE'), ('box@m。example'), ('box@ｍ．example'), ('box@Ｍ.Ｅxample'), ('ｂｏｘ@m.example'), ('"box"@m.example'),
  ('"b\o\x"@m.example'), ('"ＢＯＸ"@ｍ。example')) s (address);
SELECT is(wazo_auth.normal_login(s.address), 'box@m.example', 'normal: ' || s.address) FROM spelling s;
SELECT wazo_auth.create_user(:'north', 'boxer', 'secret', 'box@m.example') AS boxer \gset
SELECT throws_ok(format('SELECT wazo_auth.create_user(%L, %L)', :'north', s.address), 'WA409', NULL, 'no other user has as name: ' || s.address) FROM spelling s;
SELECT throws_ok(format('SELECT wazo_auth.create_user(%L, NULL, email_address => %L)', :'north', s.address), 'WA409', NULL, 'or address: ' || s.address) FROM spelling s;
SELECT throws_ok(format('SELECT wazo_auth.replace_emails(%L, ARRAY[%L])', :'south_user', s.address), 'WA409', NULL, 'or among others: ' || s.address) FROM spelling s;
SELECT throws_ok(format('SELECT wazo_auth.replace_emails(%L, ARRAY[%L, %L])', :'boxer', a.address, b.address), 'WA409', NULL, 'nor does one twice: ' || b.address)
FROM spelling a JOIN spelling b ON a.address = 'box@m.example' AND b.address <> a.address;
SELECT is(wazo_auth.resolve_login(s.address), :'boxer', 'its user logs in with ' || s.address) FROM spelling s;
SELECT isnt(wazo_auth.normal_login(a), 'box@m.example', 'another one: ' || a) FROM unnest(ARRAY['box@n.example', '"b ox"@m.example', 'bo@x@m.example', 'box', 'b.ox@m.example', '"box.@m.example']) a;
SELECT is(wazo_auth.normal_login(a), r, 'normal: ' || a)
FROM (VALUES ('"a b"@X.org', '"a b"@x.org'), ('"a\"b"@x.org', '"a\"b"@x.org'), ('"a..b"@x.org', '"a..b"@x.org'), ('"a.b"@x.org', 'a.b@x.org'), ('""@x.org', '""@x.org'),
             ('u@EXÄMPLE.de', 'u@xn--exmple-cua.de'), ('u@xn--exmple-cua.de', 'u@xn--exmple-cua.de'), (U&'re\0301my@x.org', U&'r\00E9my@x.org'), ('u@[127.000.0.01]', 'u@[127.0.0.1]'),
             ('Ann', 'ann'), ('ÄÖ', 'äö'), ('ｂｏｘ', 'ｂｏｘ'), ('@x', '@x'), ('x@', 'x@'), ('', '')) v(a, r);
SELECT is(wazo_auth.normal_login(wazo_auth.normal_login(l.login)), wazo_auth.normal_login(l.login), 'the normal form is its own: ' || l.login)
FROM (SELECT address AS login FROM spelling UNION SELECT unnest(ARRAY['"a\"b"@x.org', '"a..b"@x.org', 'u@EXÄMPLE.de', '""@x.org', '"x\@y"@z.org', 'ŉ@x.org', '⑴@x.org', 'ǅ@x.org'])) l;

SELECT * FROM finish();
ROLLBACK;
