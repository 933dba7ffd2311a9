-- The front's role, tried: what it may do runs with the rights that takes, what
-- it may not do is refused, and nothing it sets or makes gets in the way.
-- (catalog.sql looks at the rights as they are granted.)
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();

SELECT wazo_auth.bootstrap() AS top \gset
SELECT wazo_auth.create_user(:'top', 'somebody') AS somebody \gset
SELECT wazo_auth.open_session(u, 60, '{a.b}', '{}', false, NULL, '', '') AS token FROM wazo_auth.user u WHERE u.uuid = :'somebody' \gset
SET LOCAL ROLE wazo_auth_front;
SELECT is((wazo_auth.http('HEAD', '/0.1/token/' || :'token' || '?scope=a.b')).status, 204, 'the front asks http()');
SELECT is((wazo_auth.http('GET', '/0.1/backends')).status, 200, '... a handler in SQL');
SELECT is((wazo_auth.http('DELETE', '/0.1/token/' || :'token')).status, 200, '... that writes');
SELECT is(current_user::text, 'wazo_auth_front', '... and is itself afterwards');
SELECT is(current_setting('search_path'), '"$user", public', '... with its own search_path');
SELECT is((wazo_auth.http('POST', '/0.1/token', '{Authorization,"Basic YTpi"}', '{}')).status, 401, '... and after an error');
SELECT is(current_user::text, 'wazo_auth_front', '... itself again');
SELECT matches(wazo_auth.metrics(), E'(?n)^wazo_auth_database_worker_ok\\{worker="relay",queue="events"\\} [01]$', '... and what the workers do');
SELECT throws_ok(format('SELECT %s', f), '42501', NULL, 'the front: ' || f)
FROM unnest(ARRAY[
  'count(*) FROM wazo_auth.user', 'count(*) FROM wazo_auth.session', 'count(*) FROM wazo_auth.password', 'count(*) FROM wazo_auth.setting',
  'wazo_auth.token_create(''a'', ''b'')', 'wazo_auth.token_get(gen_random_uuid())', 'wazo_auth.unseal('''', '''')', 'wazo_auth.add_route(''GET'', ''/x'', ''pg_catalog.now'', ''x'')',
  'wazo_auth.configure(''{}'')', 'wazo_auth.set_password(gen_random_uuid(), ''x'')', 'wazo_auth.rest_token_post(NULL)', 'wazo_auth.rest_backends_get(NULL)',
  'wazo_auth.open_session(NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL)', 'wazo_auth.cached_query(''SELECT 1'', ''{}'')', 'wazo_auth.password_hash(''x'')', 'wazo_auth.stored_password(gen_random_uuid())', 'wazo_auth.get_setting(''uuid'')',
  'set_config(''wazo_auth.argon2_memory'', ''1024'', false)', 'set_config(''log_statement'', ''all'', false)']) f;
-- Its members do not inherit the role's settings and set these themselves.
SELECT lives_ok(format('SELECT set_config(%L, ''0'', false)', f), 'the front keeps its parameters out of the log: ' || f)
FROM unnest(ARRAY['log_parameter_max_length', 'log_parameter_max_length_on_error']) f;

-- Names of the caller's own are not taken for those of the catalog.
CREATE TEMP TABLE "user" (uuid uuid);
CREATE TEMP TABLE setting (name text, value jsonb);
SELECT is(convert_from((wazo_auth.http('GET', '/0.1/backends')).body, 'UTF8'), E'{"data": ["ldap_user", "wazo_user"]}\n', 'temporary tables of the caller are not looked at');
SET LOCAL search_path = pg_temp, pg_catalog;
SELECT convert_from((wazo_auth.http('GET', '/0.1/backends')).body, 'UTF8') AS answer \gset
RESET search_path;
SELECT is(:'answer'::text, E'{"data": ["ldap_user", "wazo_user"]}\n', '... whatever its search_path is');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
