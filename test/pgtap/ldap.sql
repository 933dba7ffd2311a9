-- /backends/ldap: the directory of a tenant (contract: ldap.md section 1), and
-- that nobody reads its password or another tenant's.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
\set url '/0.1/backends/ldap'
\set shown '200 {"tenant_uuid": "' :north '", "host": "h", "port": 389, "protocol_version": 3, "protocol_security": "tls", "bind_dn": "cn=x", "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "mail", "search_filters": "(a={username})"}'
CREATE FUNCTION pg_temp.stored(tenant text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', c.host, c.protocol_version, c.protocol_security, c.bind_dn, c.search_filters,
                   wazo_auth.unseal(c.sealed_bind_password, 'ldap:' || c.tenant_uuid))
  FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = tenant::uuid
$$;
CREATE FUNCTION pg_temp.body(more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT ('{"host": "h", "port": 389, "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "mail"}'::jsonb || more)::text
$$;

SELECT is(pg_temp.ask('GET', :'url', :'north_token'),
  '200 {"tenant_uuid": null, "host": null, "port": null, "protocol_version": null, "protocol_security": null, "bind_dn": null, "user_base_dn": null, "user_login_attribute": null, "user_email_attribute": null, "search_filters": null}',
  'none: all null');
SELECT is(pg_temp.ask('DELETE', :'url', :'north_token'), '204', 'none to delete');
SELECT is(pg_temp.ask('PUT', :'url', :'north_token', pg_temp.body('{"protocol_security": "tls", "bind_dn": "cn=x", "bind_password": "s3cret", "search_filters": "(a={username})", "protocol_version": 2}')),
  replace(:'shown', '"protocol_version": 3', '"protocol_version": 2'), 'PUT');
SELECT is(pg_temp.stored(:'north'), 'h 2 tls cn=x (a={username}) s3cret', '... stores it');
SELECT ok(c::text NOT LIKE '%s3cret%' AND position('s3cret'::bytea IN c.sealed_bind_password) = 0, '... the password sealed') FROM wazo_auth.ldap_config c;
SELECT is(pg_temp.ask('PUT', :'url', :'north_token', pg_temp.body()), :'shown', 'what is not given stays, but for the version');
SELECT is(pg_temp.stored(:'north'), 'h 3 tls cn=x (a={username}) s3cret', '... the password, too');
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), :'shown', 'GET');
SELECT matches(pg_temp.ask('PUT', :'url', :'north_token', pg_temp.body('{"protocol_security": null, "bind_dn": null, "bind_password": null, "search_filters": null}')), '^200 ', 'null');
SELECT is(pg_temp.stored(:'north'), 'h 3', '... clears');

-- What is refused leaves what there was.
SELECT is(pg_temp.ask('PUT', :'url', :'north_token', pg_temp.body(v.more)),
  '400 {"reason": ["Invalid value supplied for field: ' || v.field || '"], "timestamp": [T], "status_code": 400}', v.more::text)
FROM (VALUES ('{"host": null}'::jsonb, 'host'), ('{"host": 1}', 'host'), ('{"port": "x"}', 'port'), ('{"port": 0}', 'port'), ('{"port": 99999999999}', 'port'),
             ('{"protocol_version": 4}', 'protocol_version'), ('{"protocol_security": "ssl"}', 'protocol_security'), ('{"bind_password": 5}', 'bind_password'),
             ('{"search_filters": "(a=b"}', 'search_filters'), ('{"search_filters": "(a={other})"}', 'search_filters'), ('{"search_filters": "{username"}', 'search_filters'),
             ('{"search_filters": "(&(a=b)(!(c=d)(e=f)))"}', 'search_filters')) v (more, field);
SELECT is(pg_temp.stored(:'north'), 'h 3', 'nothing of it is stored');
SELECT matches(pg_temp.ask('PUT', :'url', :'north_token', pg_temp.body(jsonb_build_object('search_filters', f))), '^200 ', 'the filter ' || f)
FROM unnest('{"{user_login_attribute}={username}","(&(uid={username})(|(a=b)(!(c=*d*))))","(memberOf:1.2.840.113556.1.4.1941:=cn=g,dc=x)",(a>=\\2a),"(a={{{username}}})",""}'::text[]) f;

-- Tenants
SELECT matches(pg_temp.ask(m, :'url', :'south_token', pg_temp.body(), :'north'), '^401 .*unauthorized-tenant', m || ' of another tenant') FROM unnest('{GET,PUT,DELETE}'::text[]) m;
SELECT is((wazo_auth.ldap_config_of_login('{"domain_name": "x.example.com"}')).tenant_uuid, NULL, 'a domain of nobody');
SELECT is((wazo_auth.ldap_config_of_login(jsonb_build_object('tenant_id', t.id))).tenant_uuid, CASE WHEN t.has THEN :'north'::uuid END, 'the directory of ' || t.id)
FROM (VALUES (:'north', true), ((SELECT slug FROM wazo_auth.tenant WHERE uuid = :'north'), true), (:'south', false), ('', false)) t (id, has);
SELECT is(pg_temp.ask('DELETE', :'url', :'north_token'), '204', 'DELETE');
SELECT is_empty('SELECT FROM wazo_auth.ldap_config', '... deletes it');
SELECT throws_ok($$SELECT wazo_auth.token_create('a', 'b', members => '{"tenant_id": ""}')$$, 'WA401', 'Authentication Failed', 'a login that names no tenant');

SELECT * FROM finish();
ROLLBACK;
