-- /backends/saml: the SAML identity provider of a tenant and its own keys
-- (contract: saml.md section 1).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
\ir lib/saml.psql
SELECT no_plan();
\set url '/0.1/backends/saml'
CREATE FUNCTION pg_temp.fields(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('domain_uuid', (SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'north.example.com'),
    'entity_id', 'wazo', 'acs_url', 'https://stack.example.com/api/auth/0.1/saml/acs', 'metadata', current_setting('test.metadata')) || more)
$$;
SELECT set_config('test.metadata', :'metadata', true) \g /dev/null
SELECT format('404 {"message": "No SAML IDP config found for this tenant: \"%s\"", "error_id": "unknown-saml-config", "details": {"uuid": "%1$s"}, "timestamp": T, "resource": "saml_config"}', :'north') AS none,
       format('200 {"domain_uuid": "%s", "entity_id": "wazo", "tenant_uuid": "%s", "acs_url": "%s"}', :'north_domain', :'north', :'acs') AS shown \gset

-- ---- there is none ----
SELECT is(pg_temp.ask('GET', :'url' || p, :'north_token'), :'none', 'none: GET ' || p) FROM unnest('{"",/metadata}'::text[]) p;
SELECT is(pg_temp.send_form('PUT', :'url', :'north_token', pg_temp.fields()), :'none', 'none: PUT');
SELECT is(pg_temp.ask('GET', '/0.1/saml/metadata/' || :'north'), :'none', 'none: our metadata');
SELECT is(pg_temp.ask('DELETE', :'url', :'north_token'), '204', 'none to delete');
SELECT is(pg_temp.ask('GET', :'url' || '/acs_url_template', :'north_token'), '200 {"acs_url": "https://{{STACK_URL}}/api/auth/0.1/saml/acs"}', 'the template of an acs_url');
SELECT wazo_auth.configure('{"saml.acs_url_template": "https://here/acs"}') \g /dev/null
SELECT is(pg_temp.ask('GET', :'url' || '/acs_url_template', :'north_token'), '200 {"acs_url": "https://here/acs"}', '... as configured');

-- ---- what is refused ----
CREATE FUNCTION pg_temp.bad(message text) RETURNS text LANGUAGE sql AS $$
  SELECT format('400 {"message": %s, "error_id": "unknown-saml-config", "details": {"uuid": "11111111-0000-4000-8000-000000000001"}, "timestamp": T, "resource": "saml_config"}', to_json(message))
$$;
CREATE TEMP TABLE refused AS
SELECT m AS metadata, w AS why FROM (VALUES
  ('<a', 'Invalid XML (not well-formed)'), ('no', 'Invalid XML (not well-formed)'), ('<a/>', 'Invalid metadata (not those of one SAML 2.0 identity provider)'),
  ('<!DOCTYPE a><a/>', 'Invalid XML (it has a document type)'), ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'Invalid XML (it has a document type)'),
  (repeat('<a>', 200) || repeat('</a>', 200), 'Invalid XML (nested too deep)'),
  (pg_temp.idp_metadata('https://i', :'idp_certificate', more => ' validUntil="2020-01-01T00:00:00Z"'), 'Invalid metadata (expired)'),
  (pg_temp.idp_metadata('https://i', 'AAAA'), 'Invalid metadata (no usable certificate, or too many)'),
  (replace(pg_temp.idp_metadata('https://i', :'idp_certificate'), 'https://i/sso', 'javascript:alert(1)'), 'Invalid metadata (no usable address for single sign-on)'),
  (pg_temp.idp_metadata('https://i', :'idp_certificate', login => 'SOAP'), 'Invalid metadata (no usable address for single sign-on)'),
  ('', 'Empty metadata file provided')) v (m, w);
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(jsonb_build_object('metadata', r.metadata))), pg_temp.bad(r.why), 'metadata: ' || regexp_replace(left(r.metadata, 60), '\s', ' ', 'g')) FROM refused r;
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields('{"metadata": null}')), pg_temp.bad('No metadata file provided'), 'no metadata');
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(jsonb_build_object('domain_uuid', d))), pg_temp.bad('The domain is none of the tenant'), 'the domain ' || d)
FROM unnest(ARRAY[:'south_domain', :'deep_domain', :'nobody', repeat('x', 36)]) d;
SELECT matches(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(v.more)), '^400 .*"error_id": "invalid-list-param", "details": {"' || v.field || '": .*"resource": "users"}$', v.more::text)
FROM (VALUES ('{"domain_uuid": null}'::jsonb, 'domain_uuid'), ('{"domain_uuid": "x"}', 'domain_uuid'), ('{"entity_id": null}', 'entity_id'), ('{"entity_id": ""}', 'entity_id'),
             ('{"entity_id": "a\nb"}', 'entity_id'), (jsonb_build_object('entity_id', repeat('x', 513)), 'entity_id'), ('{"acs_url": null}', 'acs_url'), ('{"acs_url": "javascript:x"}', 'acs_url'),
             ('{"acs_url": "https://x/ y"}', 'acs_url'), (jsonb_build_object('acs_url', 'https://' || repeat('x', 512)), 'acs_url'), ('{"tenant_uuid": "x"}', 'tenant_uuid')) v (more, field);
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(jsonb_build_object('metadata', pg_temp.idp_metadata('https://i', :'idp_certificate', login => 'POST'), 'acs_url', 'https://stack.example.com/acs'))),
  pg_temp.bad('The identity provider takes logins by HTTP-POST alone, for which acs_url must end with /saml/acs'), 'a provider to which there is no way from there');
SELECT matches(pg_temp.ask('POST', :'url', :'north_token', '{"domain_uuid": "x"}'), '^400 .*invalid-list-param.*Missing data', 'JSON is no form');
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', '{"a": "--xxYYzz"}', type => 'multipart/form-data; boundary=a'), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', 'what is no form');
SELECT is(pg_temp.send_form(m, :'url', pg_temp.token(:'north_user', '{auth.backends.saml.#}'), pg_temp.fields('{}'), type => t), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', m || ' without a boundary: ' || t)
FROM unnest('{POST,PUT}'::text[]) m, unnest('{multipart/form-data,multipart/form-data; boundary=,multipart/form-data; boundary=xxYYzz; boundary=a}'::text[]) t;
SELECT matches(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(jsonb_build_object('metadata', repeat('x', 1000001)))), '^413 ', 'a file too large');
SELECT is((SELECT count(*) FROM wazo_auth.saml_config) + (SELECT count(*) FROM wazo_auth.saml_key), 0::bigint, 'nothing of it is stored');

-- ---- it is there ----
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields(jsonb_build_object('tenant_uuid', :'south'))), :'shown', 'POST; a tenant in the form counts for nothing');
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), :'shown', 'GET');
SELECT is((SELECT count(*) FROM wazo_auth.saml_key k WHERE k.tenant_uuid = :'north' AND k.signs), 1::bigint, 'with a key of ours');
SELECT ok(k::text NOT LIKE '%PRIVATE%' AND position('PRIVATE' IN encode(k.sealed_key, 'escape')) = 0, '... which is sealed') FROM wazo_auth.saml_key k;
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields()),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"tenant_uuid": {"constraint_id": "unique", "message": "Duplicated SAML config exists"}}, "timestamp": T, "resource": "saml_config"}', 'a second one');
SELECT is(a.body, convert_to(:'metadata', 'UTF8'), 'the metadata byte for byte') FROM wazo_auth.http('GET', :'url' || '/metadata', ARRAY['X-Auth-Token', :'north_token']) a;
SELECT ok(a.headers @> '{Content-Type,application/xml,Content-Disposition,X-Content-Type-Options,nosniff}', 'as a file') FROM wazo_auth.http('GET', :'url' || '/metadata', ARRAY['X-Auth-Token', :'north_token']) a;
SELECT is(pg_temp.send_form('PUT', :'url', :'north_token', v.more), '200 {}', 'PUT ' || left(v.more::text, 40)) FROM (VALUES ('{}'::jsonb), ('{"entity_id": "other"}'), (jsonb_build_object('metadata', pg_temp.idp_metadata('https://two', :'other_certificate')))) v (more);
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), replace(:'shown', '"wazo"', '"other"'), '... changes what it names');
SELECT is((SELECT c.idp_entity_id FROM wazo_auth.saml_config c), 'https://two', '... and the metadata');
SELECT is(pg_temp.send_form('PUT', :'url', :'north_token', jsonb_build_object('metadata', r.metadata)), pg_temp.bad(r.why), 'PUT of metadata: ' || regexp_replace(left(r.metadata, 60), '\s', ' ', 'g')) FROM refused r;
SELECT is(pg_temp.send_form('PUT', :'url', :'north_token', jsonb_build_object('domain_uuid', :'south_domain')), pg_temp.bad('The domain is none of the tenant'), 'PUT of another''s domain');
SELECT is((SELECT c.idp_entity_id FROM wazo_auth.saml_config c), 'https://two', '... changes nothing');

-- ---- tenants ----
SELECT matches(pg_temp.send_form(m, :'url', :'south_token', pg_temp.fields(), tenant => :'north'), '^401 .*unauthorized-tenant', m || ' of another tenant') FROM unnest('{GET,POST,PUT,DELETE}'::text[]) m;
SELECT matches(pg_temp.send_form('PUT', :'url', pg_temp.token(:'north_user', ARRAY['auth.backends.saml.' || a]), '{}'), '^401 .*auth.backends.saml.update', a || ' is not update') FROM unnest('{read,create,delete}'::text[]) a;

-- ---- our own metadata and keys ----
CREATE FUNCTION pg_temp.ours() RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.ask('GET', '/0.1/saml/metadata/11111111-0000-4000-8000-000000000001') $$;
CREATE FUNCTION pg_temp.has(document text, certificate text) RETURNS integer LANGUAGE sql AS $$
  SELECT strpos(regexp_replace(document, '\s', '', 'g'), regexp_replace(certificate, '-----[^-]*-----|\s', '', 'g'))
$$;
SELECT k.certificate AS first FROM wazo_auth.saml_key k \gset
SELECT ok(pg_temp.has(pg_temp.ours(), :'first') > 0, 'our metadata have our certificate');
SELECT ok(m LIKE '200 %entityID="other"%' AND strpos(m, :'acs') > 0 AND strpos(m, :'sls') > 0, '... and addresses') FROM pg_temp.ours() m;
SELECT is(pg_temp.ask('GET', '/0.1/saml/metadata/' || :'nobody'), replace(:'none', :'north', :'nobody'), 'no such tenant');
SELECT throws_ok(format('SELECT wazo_auth.%s_saml_key%s(%L)', v.verb, v.s, :'north'), '55000', NULL, v.verb || ' without a second key') FROM (VALUES ('switch', 's'), ('drop', '')) v (verb, s);
SELECT throws_ok(format('SELECT wazo_auth.add_saml_key(%L)', :'south'), 'WA404', NULL, 'a key for a tenant without an identity provider');
SELECT wazo_auth.add_saml_key(:'north') AS second \gset
SELECT throws_ok(format('SELECT wazo_auth.add_saml_key(%L)', :'north'), '55000', NULL, 'not three');
SELECT ok(pg_temp.has(m, :'first') BETWEEN 1 AND pg_temp.has(m, :'second'), 'both are in our metadata, the one that signs first') FROM pg_temp.ours() m;
SELECT is((wazo_auth.saml_private_keys(:'north'))[1] LIKE '-----BEGIN PRIVATE KEY-----%', true, 'the private key');
SELECT is(cardinality(wazo_auth.saml_private_keys(:'north')), 2, 'both decrypt');
SELECT is(wazo_auth.switch_saml_keys(:'north'), :'second', 'the second one signs');
SELECT ok(pg_temp.has(m, :'second') BETWEEN 1 AND pg_temp.has(m, :'first'), '... and comes first') FROM pg_temp.ours() m;
SELECT lives_ok(format('SELECT wazo_auth.drop_saml_key(%L)', :'north'), 'the first one goes');
SELECT ok(pg_temp.has(m, :'second') > 0 AND pg_temp.has(m, :'first') = 0, '... and is in our metadata no more') FROM pg_temp.ours() m;
SELECT is(pg_temp.ask('DELETE', :'url', :'north_token'), '204', 'DELETE');
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), :'none', '... deletes it');
SELECT is(pg_temp.send_form('POST', :'url', :'north_token', pg_temp.fields()), :'shown', 'another one');
SELECT ok(pg_temp.has(pg_temp.ours(), :'second') > 0, '... keeps our key');
SELECT is((SELECT count(*) FROM wazo_auth.saml_key), 1::bigint, '... alone');
SELECT wazo_auth.update_tenant(:'north', 'North', domain_names => '{new.example.com}') \g /dev/null
SELECT is(pg_temp.ask('GET', :'url', :'north_token'), :'none', 'a domain that goes takes it along');

SELECT * FROM finish();
ROLLBACK;
