-- GET /tenants in its quick form, beside the handler, which answers whenever there is a query: the same to the letter.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

-- Status, headers and body, but the time of an error, and the transaction of this test, which the handler tells.
CREATE FUNCTION pg_temp.answer(query text, token text, tenant text, more text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT a.status || ' ' || regexp_replace(a.headers::text, ',Wazo-Auth-Transaction,[0-9]+', '') || ' ' || regexp_replace(convert_from(a.body, 'UTF8'), '"timestamp": \[?[0-9.]+', '"timestamp": T')
  FROM wazo_auth.http('GET', '/0.1/tenants' || query,
    more || CASE WHEN token IS NULL THEN '{}' ELSE ARRAY['X-Auth-Token', token] END
    || CASE WHEN tenant IS NULL THEN '{}' ELSE ARRAY['Wazo-Tenant', tenant] END) a
$$;
-- 200 where the quick form answers, 421 where the handler would.
CREATE FUNCTION pg_temp.quick(token text, tenant text DEFAULT NULL, query text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT left(pg_temp.answer(query, token, tenant, '{Wazo-Auth-Quick-Only,1}'), 3)
$$;

-- Names that sort by bytes, some twice or not at all; all that a tenant can have.
SELECT count(wazo_auth.create_tenant(:'north', t.name, t.slug, t.uuid::uuid, phone => t.phone, contact => t.contact::uuid,
  domain_names => t.domains::text[], address => t.address::wazo_auth.postal_address)) AS made
FROM (VALUES
  ('same', 'b', '33333333-0000-4000-8000-00000000000b', NULL, :'north_user', '{}', NULL),
  ('same', 'a', '33333333-0000-4000-8000-00000000000a', '+1 "2"', NULL, '{z.example.com,a.example.com,B.example.com}', '("1, rue",,Québec,,,)'),
  ('Ärger', 'c', '33333333-0000-4000-8000-000000000000', E'\\', NULL, '{}', '(a,b,c,d,e,f)'),
  (NULL, 'd', '33333333-0000-4000-8000-00000000000d', NULL, NULL, '{}', NULL),
  (NULL, 'e', '33333333-0000-4000-8000-00000000000c', NULL, NULL, '{one.example.com}', NULL),
  (E'\U0001F600 "x"', 'f', '33333333-0000-4000-8000-00000000000f', NULL, NULL, '{}', NULL),
  ('sam', 'g', '33333333-0000-4000-8000-00000000000e', NULL, NULL, '{}', '(,,,,,)')) t(name, slug, uuid, phone, contact, domains, address) \gset
SELECT wazo_auth.update_tenant(:'south', 'South', default_authentication_method => 'ldap') AS updated \gset
SELECT pg_temp.token(:'north_user', '{auth.tenants.read}') AS reader_token,
       pg_temp.token(:'north_user', '{auth.tenants.*.read}') AS other_token \gset

CREATE TEMP TABLE caller AS
SELECT * FROM (VALUES ('top', :'top_token'), ('north', :'north_token'), ('south', :'south_token'), ('deep', :'deep_token'), ('reader', :'reader_token'),
  ('no access', :'other_token'), ('no such token', :'nobody'), ('no token', NULL), ('no UUID', 'x')) c(who, token);
CREATE TEMP TABLE scope AS
SELECT * FROM (VALUES (NULL), (''), (:'top'), (:'north'), (upper(:'north')), (:'south'), (:'deep'), (:'nobody'), ('x'),
  ('33333333-0000-4000-8000-00000000000a'), ('33333333-0000-4000-8000-00000000000d')) s(tenant);
SELECT is(pg_temp.answer('', c.token, s.tenant), pg_temp.answer('?direction=asc', c.token, s.tenant), format('%s of %s', c.who, COALESCE(s.tenant, 'its own')))
FROM caller c, scope s;
SELECT is(pg_temp.quick(c.token, s.tenant), CASE WHEN left(pg_temp.answer('?direction=asc', c.token, s.tenant), 3) = '200' THEN '200' ELSE '421' END,
  format('the quick form answers what is granted: %s of %s', c.who, COALESCE(s.tenant, 'its own')))
FROM caller c, scope s;
SELECT is(pg_temp.quick(:'north_token', NULL, q), '421', 'and no query: ' || q)
FROM unnest('{?x=,?search=a,?limit=1,?order=name,?uuid=x}'::text[]) q;
SELECT is(a.status::text || a.body::text, b.status::text || b.body::text, 'HEAD')
FROM wazo_auth.http('HEAD', '/0.1/tenants', ARRAY['X-Auth-Token', :'north_token']) a, wazo_auth.http('HEAD', '/0.1/tenants?direction=asc', ARRAY['X-Auth-Token', :'north_token']) b;

-- what is not quick, is not asked to be: other routes, and trees of more than 32
SELECT is(status, 421, 'not for lanes: ' || t)
FROM unnest(ARRAY['/0.1/users', '/0.1/tenants/' || :'north']) t, wazo_auth.http('GET', t, ARRAY['X-Auth-Token', :'north_token', 'Wazo-Auth-Quick-Only', '1']);
SELECT is(status, 200, 'the token''s routes are quick')
FROM wazo_auth.http('GET', '/0.1/token/' || :'north_token', '{Wazo-Auth-Quick-Only,1}');
SELECT count(wazo_auth.create_tenant(:'south', 'more ' || i)) AS made FROM generate_series(1, 31) i \gset
SELECT is(pg_temp.quick(:'south_token'), '200', '32 tenants are few');
SELECT is(pg_temp.answer('', :'south_token', NULL), pg_temp.answer('?direction=asc', :'south_token', NULL), '... and told as ever');
SELECT is(wazo_auth.create_tenant(:'south', 'one more') IS NOT NULL, true, 'one more');
SELECT is(pg_temp.quick(:'south_token'), '421', '33 are not');
SELECT is(pg_temp.answer('', :'south_token', NULL), pg_temp.answer('?direction=asc', :'south_token', NULL), '... and told as ever');

-- a tree that has moved, and one that an older snapshot sees
SELECT wazo_auth.move_tenant(:'deep', :'south') AS moved \gset
SELECT is(pg_temp.answer('', c.token, NULL), pg_temp.answer('?direction=asc', c.token, NULL), 'once moved: ' || c.who) FROM caller c;

-- Without its index the table is read as it is; with another check, or something that follows, the handler answers.
SAVEPOINT changed;
ALTER TABLE wazo_auth.tenant DROP CONSTRAINT tenant_path_key CASCADE;
SELECT bool_and(pg_temp.answer('', c.token, NULL) = pg_temp.answer('?direction=asc', c.token, NULL)) AS same, pg_temp.quick(:'north_token') AS quick
FROM caller c \gset
ROLLBACK TO changed;
SELECT is(:'same' || ' ' || :'quick', 't 200'::text, 'without an index all are told as ever');
CREATE FUNCTION wazo_auth.check_late(request wazo_auth.http_request) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM wazo_auth.raise_error(418, 'late'); END $$;
SELECT wazo_auth.add_check('late', 'wazo_auth.check_late', '{418}', 'for this test') AS added \gset
UPDATE wazo_auth.route SET checks = checks || '{late}' WHERE method = 'GET' AND path = '/0.1/tenants';
SELECT left(pg_temp.answer('', :'north_token', NULL), 3) AS checked \gset
ROLLBACK TO changed;
SELECT is(:'checked'::text, '418', 'a further check is made');
UPDATE wazo_auth.route SET access = 'something.else' WHERE method = 'GET' AND path = '/0.1/tenants';
SELECT left(pg_temp.answer('', :'reader_token', NULL), 3) || left(pg_temp.answer('', :'north_token', NULL), 3) AS checked \gset
ROLLBACK TO changed;
SELECT is(:'checked'::text, '401200', 'another access is asked for');
CREATE TEMP TABLE seen (status integer);
CREATE FUNCTION wazo_auth.see(request wazo_auth.http_request, status integer) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.seen VALUES (status); END $$;
SELECT wazo_auth.add_after_route('GET', '/0.1/tenants', 'wazo_auth.see') AS added \gset
SELECT pg_temp.answer('', :'north_token', NULL) AS answer \gset
SELECT count(*) AS seen FROM seen \gset
ROLLBACK TO changed;
SELECT is(:'seen'::text, '1', 'what follows the answer follows it');

SELECT * FROM finish();
ROLLBACK;
