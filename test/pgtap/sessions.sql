-- Sessions and refresh tokens by their SQL functions, without HTTP
-- (contract: semantics.md sections 1 to 3; DEPARTURES.md).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
-- several tests of one row: each on a line
\pset fieldsep '\n'
SELECT no_plan();
SELECT wazo_auth.set_password(:'north_user', 'secret'), wazo_auth.set_password(:'deep_user', 'secret') \g /dev/null
DELETE FROM wazo_auth.session;

CREATE FUNCTION pg_temp.sessions(name text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.user u ON u.uuid = s.user_uuid WHERE u.username = name
$$;

-- ---- arguments ----
SELECT throws_ok(format('SELECT wazo_auth.token_create(''north'', ''secret'', %s)', a), '22023', NULL, 'arguments that do not fit: ' || a)
FROM unnest(ARRAY['expiration => 0', 'expiration => -5', 'expiration => 315360001', 'access_type => ''other''', 'access_type => ''offline''',
                  'access_type => ''offline'', client_id => ''''', 'access_type => ''offline'', client_id => ''c'', refresh_token => ''x''']) a;
SELECT throws_ok(format('SELECT wazo_auth.token_create(%s)', a), 'WA401', 'Authentication Failed', 'refused: ' || a)
FROM unnest(ARRAY['', '''north''', '''north'', ''''', ''''', ''secret''', '''north'', ''wrong''', '''nobody'', ''secret''', 'NULL, ''secret''',
                  'refresh_token => ''x'', client_id => ''c''', '''north'', ''secret'', refresh_token => '''', client_id => ''c''']) a;
SELECT is(pg_temp.sessions('north'), 0::bigint, 'none of them made a session');

-- ---- a login ----
SELECT token FROM wazo_auth.token_create('NORTH', 'secret', 60, user_agent => repeat('a', 2000), remote_addr => repeat('b', 2000)) \gset
SELECT is(wazo_auth.token_check(:'token'), 'valid', 'a token is valid');
SELECT is(s.tenant_uuid, :'north'::uuid, 'the session is in the tenant of the user'),
       is(length(s.user_agent) || ' ' || length(s.remote_addr), '1024 256', 'what the client says is cut'),
       is(s.expires_at - s.issued_at, '60 s'::interval, 'the expiration'),
       isnt(s.token_digest, :'token'::uuid, 'the key is not the token')
FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token');
SELECT is(wazo_auth.token_digest('00000000-0000-0000-0000-000000000000')::text,
          encode(substr(sha256('00000000-0000-0000-0000-000000000000'), 1, 16), 'hex')::uuid::text, 'the digest is half a SHA-256 of the text');
SELECT is(wazo_auth.token_check(:'token', NULL, :'deep'), 'valid', 'it reaches a tenant below'),
       is(wazo_auth.token_check(:'token', NULL, :'south'), 'tenant_denied', '... no sibling'),
       is(wazo_auth.token_check(:'token', 'a'), 'access_denied', '... and has no access');
SELECT is(wazo_auth.token_delete(:'token'), true, 'token_delete'),
       is(wazo_auth.token_delete(:'token'), false, '... once');
SELECT is(wazo_auth.token_check(:'token'), 'unknown', '... it is unknown then');

-- ---- equal ACLs are stored once ----
SELECT wazo_auth.add_user_policy(u::uuid, wazo_auth.create_policy(t::uuid, 'same', '{x.#,!x.y}')) FROM (VALUES (:'north_user', :'north'), (:'deep_user', :'deep')) v(u, t) \g /dev/null
SELECT token AS one FROM wazo_auth.token_create('north', 'secret') \gset
SELECT token AS two FROM wazo_auth.token_create('deep', 'secret') \gset
SELECT is(count(DISTINCT s.acl_digest), 1::bigint, 'two users with equal policies share an ACL')
FROM wazo_auth.session s WHERE s.token_digest IN (wazo_auth.token_digest(:'one'), wazo_auth.token_digest(:'two'));
SELECT is(wazo_auth.token_check(:'one', 'x.z'), 'valid', 'the ACL grants'), is(wazo_auth.token_check(:'one', 'x.y'), 'access_denied', '... and refuses');
UPDATE wazo_auth.policy SET acl = '{}' WHERE name = 'same';
SELECT is(wazo_auth.token_check(:'one', 'x.z'), 'valid', 'a policy that changes later changes no session');
SELECT throws_ok('UPDATE wazo_auth.acl_set SET acl = ''{#}''', '23514', NULL, 'an ACL cannot be changed below its sessions');
SELECT throws_ok('DELETE FROM wazo_auth.acl_set', '23503', NULL, '... nor removed');
DELETE FROM wazo_auth.session;

-- ---- an ACL that is missing, as on a subscriber of logical replication ----
SELECT wazo_auth.open_session(u, 3600, '{missing.#}', wazo_auth.user_metadata(u), false, NULL, '', '') AS lone
FROM wazo_auth.user u WHERE u.uuid = :'north_user' \gset
SET session_replication_role = replica;
DELETE FROM wazo_auth.acl_set WHERE acl::text[] = '{missing.#}';
SET session_replication_role = origin;
SELECT is(wazo_auth.token_check(:'lone'), 'valid', 'a session without its ACL is live'),
       is(wazo_auth.token_check(:'lone', 'missing.x'), 'access_denied', '... and grants nothing'),
       is(wazo_auth.token_get(:'lone')::jsonb -> 'acl', '[]', '... which is what it shows'),
       is((SELECT r.status FROM wazo_auth.http('HEAD', '/0.1/token/' || :'lone') r), 204, 'HEAD of it'),
       is((SELECT r.status FROM wazo_auth.http('HEAD', '/0.1/token/' || :'lone' || '?scope=missing.x') r), 403, '... with a scope'),
       is((SELECT r.status FROM wazo_auth.http('GET', '/0.1/users', ARRAY['X-Auth-Token', :'lone']) r), 401, 'a request with it'),
       is(wazo_auth.set_token(:'lone') AND NOT wazo_auth.can('missing.x'), true, 'set_token() takes it, can() refuses');
SELECT wazo_auth.store_acl('{missing.#}') \g /dev/null
SELECT is(wazo_auth.token_check(:'lone', 'missing.x'), 'valid', 'when the ACL arrives, it grants');
SELECT wazo_auth.set_token(NULL) \g /dev/null
DELETE FROM wazo_auth.session;

-- ---- the cap ----
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 3}') \g /dev/null
SELECT lives_ok('SELECT wazo_auth.token_create(''north'', ''secret'')', 'session ' || i) FROM generate_series(1, 3) i;
SELECT throws_ok('SELECT wazo_auth.token_create(''north'', ''secret'')', 'WA429',
                 'User ' || :'north_user' || ' has exceeded the maximum number of active sessions', 'one more than the cap');
SELECT lives_ok('SELECT wazo_auth.token_create(''deep'', ''secret'')', 'each user has a cap of its own');
UPDATE wazo_auth.session SET expires_at = clock_timestamp() - interval '1 ms' WHERE uuid = (SELECT uuid FROM wazo_auth.session WHERE user_uuid = :'north_user' LIMIT 1);
SELECT lives_ok('SELECT wazo_auth.token_create(''north'', ''secret'')', 'expired sessions do not count');
-- a mobile login that takes the place of another
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 2}') \g /dev/null
DELETE FROM wazo_auth.session;
SELECT lives_ok('SELECT wazo_auth.token_create(''north'', ''secret'')', 'one at a desk');
SELECT is(sessions_revoked, n, 'a mobile login that ends ' || n) FROM unnest('{0,1}'::integer[]) n,
  LATERAL wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'm' || n, mobile => true);
SELECT throws_ok($$SELECT wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'desk')$$, 'WA429', NULL, 'others are held by the cap');
SELECT wazo_auth.delete_refresh_tokens(ARRAY(SELECT r.token_digest FROM wazo_auth.refresh_token r)) \g /dev/null
SELECT wazo_auth.configure('{"max_user_concurrent_sessions": null}') \g /dev/null
SELECT is(wazo_auth.get_setting('max_user_concurrent_sessions'), '100'::jsonb, 'the default is 100');

-- ---- refresh tokens ----
DELETE FROM wazo_auth.session;
SELECT token AS first, new_refresh_token AS refresh FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'c') \gset
SELECT is(new_refresh_token, :'refresh', 'a client gets the same one again') FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'c');
SELECT wazo_auth.update_user(:'north_user', 'renamed'), wazo_auth.replace_emails(:'north_user', '{n@x.org}', 'n@x.org', '{true}') \g /dev/null
SELECT is(new_refresh_token, :'refresh', 'under another name, too') FROM wazo_auth.token_create('n@x.org', 'secret', access_type => 'offline', client_id => 'c');
SELECT wazo_auth.replace_emails(:'north_user', '{}') \g /dev/null
SELECT isnt(token, NULL, 'it is the user''s, whatever its names are') FROM wazo_auth.token_create(refresh_token => :'refresh', client_id => 'c');
SELECT wazo_auth.update_user(:'north_user', 'north') \g /dev/null
DELETE FROM wazo_auth.session WHERE token_digest <> wazo_auth.token_digest(:'first');
SELECT is(new_refresh_token, :'refresh', 'and again') FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'c');
SELECT is(new_refresh_token, NULL, 'a login with it gets none') FROM wazo_auth.token_create(refresh_token => :'refresh', client_id => 'c');
SELECT is(pg_temp.sessions('north'), 3::bigint, 'each login is a session');
SELECT is(count(s.refresh_token_digest), 3::bigint, '... of that refresh token') FROM wazo_auth.session s;
SELECT isnt(r.sealed_token, s.sealed_token, 'equal plain texts would be sealed differently')
FROM (SELECT wazo_auth.seal('x', 'y') AS sealed_token) r, (SELECT wazo_auth.seal('x', 'y') AS sealed_token) s;
UPDATE wazo_auth.refresh_token SET sealed_token = (SELECT wazo_auth.seal(:'refresh', 'refresh_token:other'));
SELECT throws_ok('SELECT wazo_auth.token_create(''north'', ''secret'', access_type => ''offline'', client_id => ''c'')', '22000', NULL, 'a sealed value moved from another row is not opened');
SELECT wazo_auth.revoke_refresh_token(:'north_user', 'c') \g /dev/null
SELECT is(pg_temp.sessions('north'), 3::bigint, 'revoked, its sessions stay');
SELECT throws_ok(format('SELECT wazo_auth.revoke_refresh_token(%L, ''c'')', :'north_user'), 'WA404', 'unknown refresh_token for client_id "c"', '... once');
SELECT throws_ok(format('SELECT wazo_auth.token_create(refresh_token => %L, client_id => ''c'')', :'refresh'), 'WA401', 'Authentication Failed', '... it is dead');

-- mobile ones
SELECT new_refresh_token AS refresh FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'm1', mobile => true) \gset
SELECT is(sessions_revoked, 0, 'a mobile login with a refresh token revokes nothing') FROM wazo_auth.token_create(refresh_token => :'refresh', client_id => 'm1', mobile => true);
SELECT is(sessions_revoked, 2, 'a mobile login of another client revokes both sessions') FROM wazo_auth.token_create('north', 'secret', access_type => 'offline', client_id => 'm2', mobile => true);
SELECT results_eq('SELECT client_id FROM wazo_auth.refresh_token WHERE mobile', ARRAY['m2'::text COLLATE "C"], '... one mobile refresh token is left');

-- ---- what ends with what ----
SELECT is(wazo_auth.change_password(:'north_user', 'secret', 'other') IS NULL, false, 'a password is changed');
SELECT is(pg_temp.sessions('north'), 0::bigint, '... sessions end'), is((SELECT count(*) FROM wazo_auth.refresh_token WHERE user_uuid = :'north_user'), 0::bigint, '... and refresh tokens');
SELECT throws_ok('SELECT wazo_auth.token_create(''north'', ''secret'')', 'WA401', NULL, '... the old one is of no use');
SELECT token FROM wazo_auth.token_create('north', 'other', access_type => 'offline', client_id => 'c') \gset
SELECT count(wazo_auth.update_user(:'north_user', 'north', enabled => false)) \g /dev/null
SELECT is(wazo_auth.token_check(:'token'), 'unknown', 'a user who is disabled has no session');
SELECT is((SELECT count(*) FROM wazo_auth.refresh_token WHERE user_uuid = :'north_user'), 1::bigint, '... but keeps its refresh tokens');
SELECT count(wazo_auth.update_user(:'north_user', 'north', enabled => true)) \g /dev/null
SELECT token FROM wazo_auth.token_create('north', 'other') \gset
SELECT count(wazo_auth.delete_user(:'north_user')) \g /dev/null
SELECT is(wazo_auth.token_check(:'token'), 'unknown', 'a deleted user has no session'),
       is((SELECT count(*) FROM wazo_auth.refresh_token WHERE user_uuid = :'north_user'), 0::bigint, '... nor refresh tokens');
SELECT token FROM wazo_auth.token_create('deep', 'secret') \gset
SELECT count(wazo_auth.delete_tenant(:'deep')) \g /dev/null
SELECT is(wazo_auth.token_check(:'token'), 'unknown', 'a deleted tenant has no session');

SELECT * FROM finish();
ROLLBACK;
