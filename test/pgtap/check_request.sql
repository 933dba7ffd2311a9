-- check_request(): a daemon's whole question in one call, beside the calls it stands for.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SELECT plan(15);

SELECT wazo_auth.bootstrap() AS top \gset
SELECT wazo_auth.create_tenant(:'top', 'a') AS a \gset
SELECT wazo_auth.create_tenant(:'a', 'b') AS b \gset
SELECT wazo_auth.create_tenant(:'top', 'c') AS c \gset
SELECT wazo_auth.create_user(:'a', 'somebody') AS somebody \gset
SELECT wazo_auth.open_session(u, 60, '{x.y}', '{}', false, NULL, '', '') AS token FROM wazo_auth.user u WHERE u.uuid = :'somebody' \gset

SELECT row_eq(format('SELECT status::text, user_uuid, tenant_uuid FROM wazo_auth.check_request(%L)', :'token'),
  ROW('valid'::text, :'somebody'::uuid, :'a'::uuid), 'whose token it is');
SELECT set_eq(format('SELECT unnest(visible_tenants) FROM wazo_auth.check_request(%L, %L)', :'token', 'x.y'),
  ARRAY[:'a', :'b']::uuid[], 'it sees its tenant and those below');
SELECT set_eq(format('SELECT unnest(visible_tenants) FROM wazo_auth.check_request(%L, NULL, %L)', :'token', :'b'),
  ARRAY[:'b']::uuid[], '... from the tenant that is asked for');
SELECT is(c::text, format('(%s,,,)', wanted), 'not valid: ' || wanted)
FROM (VALUES ('unknown', gen_random_uuid(), NULL, NULL), ('unknown', NULL, NULL, NULL),
  ('access_denied', :'token'::uuid, 'y.z', NULL), ('tenant_denied', :'token', 'x.y', :'c'::uuid),
  ('tenant_denied', :'token', NULL, gen_random_uuid())) v(wanted, token, access, tenant),
  LATERAL wazo_auth.check_request(v.token, v.access, v.tenant) c;

SELECT is(string_agg(status::text, ' ' ORDER BY number), 'valid unknown access_denied tenant_denied unknown', 'many at once, in order')
FROM wazo_auth.check_requests(ARRAY[:'token', gen_random_uuid()::text, :'token', :'token', NULL]::uuid[],
  ARRAY['x.y', NULL, 'no', NULL], ARRAY[NULL, NULL, NULL, :'c']::uuid[]);
SELECT is((SELECT array_agg(r.number) FROM wazo_auth.check_requests('{}', '{}', '{}') r), NULL, 'none at once');

SELECT wazo_auth.delete_tenant(:'b');
SELECT set_eq(format('SELECT unnest(visible_tenants) FROM wazo_auth.check_request(%L)', :'token'), ARRAY[:'a']::uuid[],
  'a deleted tenant is seen no more');

SET LOCAL ROLE wazo_auth_service;
SELECT is((wazo_auth.check_request(:'token')).status::text, 'valid', 'the service role asks');
SELECT is((SELECT count(*)::integer FROM wazo_auth.check_requests(ARRAY[:'token']::uuid[], NULL, NULL)), 1, '... for many');
SELECT throws_ok(format('SELECT wazo_auth.token_owner(%L)', :'token'), '42501', NULL, '... and nothing else');
RESET ROLE;
SET LOCAL ROLE wazo_auth_front;
SELECT throws_ok(format('SELECT wazo_auth.check_request(%L)', :'token'), '42501', NULL, 'the front does not');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
