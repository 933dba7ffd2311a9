-- The SQL functions around wazo-auth-xml: what we make is what we verify, each
-- refusal is one, and a job that cannot be read is an error.
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
\set sp 'https://sp.example/saml?a=1&b=2'
\set idp 'https://idp.example'
\set sls 'https://sp.example/sls'
SELECT r ->> 'key' AS key, r ->> 'certificate' AS certificate FROM wazo_auth.saml_make_key('sp.example') r \gset
SELECT r ->> 'certificate' AS other FROM wazo_auth.saml_make_key('other.example') r \gset
SELECT ok(:'key' LIKE '-----BEGIN PRIVATE KEY-----%', 'a key is made') UNION ALL SELECT ok(:'certificate' LIKE '-----BEGIN CERTIFICATE-----%', 'and its certificate');
SELECT is(wazo_auth.saml_make_key(repeat('x', 65)) ->> 'refused', 'common_name', 'a name that no certificate can have');

-- requests for a login
SELECT r ->> 'id' AS id, r ->> 'location' AS location, r ->> 'message' AS message
FROM wazo_auth.saml_make_authn_request(NULL, 'redirect', :'sp', 'https://idp.example/sso', 'https://sp.example/acs', :'key', 'a b&c') r \gset
SELECT matches(:'id'::text, '^id-[0-9a-f]{32}$', 'an ID that nobody guesses');
SELECT matches(:'location'::text, '^https://idp.example/sso\?SAMLRequest=[A-Za-z0-9%]+&RelayState=a%20b%26c&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature=[A-Za-z0-9%]+$', 'a location with RelayState, signed with RSA-SHA256');
SELECT matches(wazo_auth.saml_make_authn_request(NULL, 'redirect', :'sp', 'https://idp.example/sso' || q, 'https://sp.example/acs', :'key') ->> 'location', '^https://idp.example/sso\' || j || 'SAMLRequest=', 'joined to ' || q)
FROM (VALUES ('?x=1', '?x=1&'), ('?', '?'), ('?x&', '?x&')) v (q, j);
SELECT convert_from(decode(r ->> 'message', 'base64'), 'UTF8') AS posted
FROM wazo_auth.saml_make_authn_request(NULL, 'post', :'sp', 'https://idp.example/sso', 'https://sp.example/acs', :'key') r \gset
SELECT ok(:'posted' LIKE '<samlp:AuthnRequest %Destination="https://idp.example/sso"%AssertionConsumerServiceURL="https://sp.example/acs"%>https://sp.example/saml?a=1&amp;b=2</saml:Issuer><ds:Signature %</samlp:AuthnRequest>', 'to be posted: signed within, after the Issuer');
SELECT is(wazo_auth.saml_make_authn_request(NULL, b, :'sp', 'https://i/', 'https://s/', 'no key') ->> 'refused', 'key', 'a key that is none: ' || b) FROM unnest('{redirect,post}'::text[]) b;
SELECT is(wazo_auth.saml_make_authn_request(NULL, 'post', E'a\x01b', 'https://i/', 'https://s/', :'key') ->> 'refused', 'text', 'a text that cannot stand in XML');

-- logouts: what we make, another who trusts our certificate verifies
CREATE FUNCTION pg_temp.sent(binding text, made jsonb, parameter text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE binding WHEN 'post' THEN made ->> 'message' ELSE split_part(made ->> 'location', '?', 2) END
$$;
SELECT pg_temp.sent(b, wazo_auth.saml_make_logout_request(NULL, b, :'idp', :'sls', :'key', 'al<i>ce', 'f:x', session_index => '{s1,s2}', relay_state => 'r=1'), 'SAMLRequest') AS request,
       pg_temp.sent(b, wazo_auth.saml_make_logout_response(NULL, b, :'idp', :'sls', :'key', 'id-7', ok, 'r=1'), 'SAMLResponse') AS response, b, ok INTO TEMP sent
FROM unnest('{redirect,post}'::text[]) b, unnest('{t,f}'::boolean[]) ok;
CREATE FUNCTION pg_temp.verified(b text, message text, certificates text[], "to" text DEFAULT NULL, issuer text DEFAULT 'https://idp.example', "for" text DEFAULT 'https://sp.example/sls', at timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r ->> 'refused', r ->> 'kind', r ->> 'name_id', r ->> 'name_id_format', nullif(r -> 'session_index', '[]') #>> '{}', r ->> 'relay_state')
  FROM wazo_auth.saml_verify_logout(NULL, b, message, issuer, certificates, "for", "to", at => at) r
$$;
SELECT is(pg_temp.verified(b, request, ARRAY[:'other', :'certificate']), 'request al<i>ce f:x ["s1", "s2"]' || CASE b WHEN 'redirect' THEN ' r=1' ELSE '' END, 'a LogoutRequest: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, response, ARRAY[:'certificate'], 'id-7'), CASE WHEN ok THEN 'response' ELSE 'status' END || CASE WHEN b = 'redirect' AND ok THEN ' r=1' ELSE '' END, 'a LogoutResponse: ' || b || ', success ' || ok) FROM sent;
SELECT is(pg_temp.verified(b, request, ARRAY[:'other']), 'signature', 'signed with another key: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, request, ARRAY[:'certificate'], "for" => 'https://x/'), 'destination', 'for another address: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, request, ARRAY[:'certificate'], issuer => 'https://x/'), 'issuer', 'from another provider: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, response, ARRAY[:'certificate'], 'id-8'), 'in_response_to', 'an answer to another request: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, response, ARRAY[:'certificate']), 'not_a_logout', 'an answer where a request is due: ' || b) FROM sent WHERE ok;
SELECT is(pg_temp.verified(b, request, ARRAY[:'certificate'], at => clock_timestamp() + '2 days'), 'issue_instant', 'made days ago: ' || b) FROM sent WHERE ok;
SELECT is(wazo_auth.saml_peek_logout(NULL, b, request), jsonb_strip_nulls(jsonb_build_object('kind', 'request', 'issuer', :'idp', 'relay_state', CASE b WHEN 'redirect' THEN 'r=1' END)), 'who claims to have sent it: ' || b) FROM sent WHERE ok;

-- what is changed in a query string
SELECT is(pg_temp.verified('redirect', v.query, ARRAY[:'certificate']), v.why, v.what) FROM sent, LATERAL (VALUES
  (replace(request, 'RelayState=r', 'RelayState=q'), 'signature', 'another RelayState'),
  (regexp_replace(request, '&RelayState=[^&]*', ''), 'signature', 'without RelayState'),
  (replace(request, '%2F', '%2f'), 'signature', 'other letters for the same bytes'),
  (regexp_replace(request, '&Signature=.*', ''), 'unsigned', 'without Signature'),
  (regexp_replace(request, '&SigAlg=[^&]*', ''), 'unsigned', 'without SigAlg'),
  (replace(request, 'rsa-sha256', 'rsa-sha512'), 'signature', 'another algorithm than was used'),
  (regexp_replace(request, 'SigAlg=[^&]*', 'SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1'), 'signature_algorithm', 'SHA-1'),
  (regexp_replace(request, 'SigAlg=[^&]*', 'SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23hmac-sha256'), 'signature_algorithm', 'HMAC'),
  (request || '&' || split_part(request, '&', 1), 'query', 'the message twice'),
  (request || '&RelayState=q', 'query', 'RelayState twice'),
  (request || '&SAMLResponse=x', 'query', 'both kinds'),
  (request || '&SAMLEncoding=x', 'query', 'another encoding'),
  (replace(request, 'SAMLRequest=', 'SAMLResponse='), 'signature', 'the other kind'),
  ('x=1', 'query', 'no message'), ('', 'query', 'nothing at all')) v (query, why, what)
WHERE b = 'redirect' AND ok;
SELECT is(pg_temp.verified('redirect', 'x=1&' || regexp_replace(request, '^(SAMLRequest=[^&]*)&(.*)$', '\2&\1') || '&y', ARRAY[:'certificate']), 'request al<i>ce f:x ["s1", "s2"] r=1', 'another order, and other parameters') FROM sent WHERE b = 'redirect' AND ok;
SELECT is(wazo_auth.saml_peek_logout(NULL, 'post', m) ->> 'refused', why, 'posted: ' || why)
FROM (VALUES ('???', 'base64'), ('PGE', 'base64'), ('PG=E', 'base64'), ('PGEvPg==', 'not_a_logout'), ('PGE+', 'not_xml'), (repeat('A', 3000000), 'too_large'), (repeat('A', 5000000), 'too_large')) v (m, why);
SELECT is(wazo_auth.saml_peek_logout(NULL, 'redirect', 'SAMLRequest=' || m) ->> 'refused', why, 'in a query string: ' || m)
FROM (VALUES ('%4', 'base64'), ('AAAA', 'deflate'), ('s0ksSdQHAA%3D%3D', 'not_xml'), ('%00', 'base64')) v (m, why);

-- our metadata, and that of others
SELECT r ->> 'document' AS document FROM wazo_auth.saml_make_metadata(NULL, :'sp', 'https://sp.example/acs', ARRAY[:'certificate', :'other'], :'sls', :'key') r \gset
SELECT is((xpath('count(//md:KeyDescriptor[@use="signing"])', :'document'::xml, '{{md,urn:oasis:names:tc:SAML:2.0:metadata}}'))[1]::text, '2', 'two certificates while a key is replaced');
SELECT is(xpath('//md:*[@Location]/@Location', :'document'::xml, '{{md,urn:oasis:names:tc:SAML:2.0:metadata}}')::text, '{https://sp.example/sls,https://sp.example/sls,https://sp.example/acs}', 'our addresses');
SELECT is(wazo_auth.saml_read_metadata(NULL, convert_to(:'document', 'UTF8')) ->> 'refused', 'not_metadata', 'ours is not that of an identity provider');
CREATE FUNCTION pg_temp.metadata(location text, certificate text, more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
  SELECT convert_to(format('<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example"%s><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
    '<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>'
    '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="%s"/></IDPSSODescriptor></EntityDescriptor>',
    more, regexp_replace(certificate, '-----[^-]*-----', '', 'g'), location), 'UTF8')
$$;
SELECT is(wazo_auth.saml_read_metadata(NULL, pg_temp.metadata('https://i/sso', :'certificate'), :'idp') - 'want_authn_requests_signed',
  jsonb_build_object('entity_id', :'idp', 'certificate', jsonb_build_array(:'certificate'), 'sso_redirect', '["https://i/sso"]'::jsonb, 'sso_post', '[]'::jsonb,
    'slo_redirect', '[]'::jsonb, 'slo_post', '[]'::jsonb, 'slo_redirect_response', '[]'::jsonb, 'slo_post_response', '[]'::jsonb), 'metadata that is good');
SELECT is(wazo_auth.saml_read_metadata(NULL, d, e) ->> 'refused', why, 'metadata: ' || why) FROM (VALUES
  ('<a/>'::bytea, NULL, 'not_metadata'), ('<a', NULL, 'not_xml'), ('\xff', NULL, 'not_xml'), (convert_to('<a>' || repeat('x', 1100000) || '</a>', 'UTF8'), NULL, 'too_large'),
  (''::bytea, NULL, 'base64'), (pg_temp.metadata('https://i/sso', :'certificate'), 'https://x', 'issuer'), (pg_temp.metadata('javascript:x', :'certificate'), NULL, 'location'),
  (pg_temp.metadata('https://i/sso#x', :'certificate'), NULL, 'location'), (pg_temp.metadata('https://i/sso', 'AAAA'), NULL, 'certificate'),
  (pg_temp.metadata('https://i/sso', :'certificate', ' validUntil="2020-01-01T00:00:00Z"'), NULL, 'expired'), (pg_temp.metadata('https://i/sso', :'certificate', ' validUntil="tomorrow"'), NULL, 'valid_until')) v (d, e, why);

-- jobs that are none
SELECT throws_ok(format('SELECT wazo_auth.%s', f), '22023', NULL, f) FROM unnest(ARRAY['saml_job(NULL, ''job'')', 'saml_job(NULL, ''job'', ''x'')', 'saml_job(NULL, ''job'', ''make_key'')',
  'saml_peek_logout(NULL, ''soap'', ''x'')', 'saml_make_key(''x'', 0)', 'saml_make_key(''x'', 40000)', 'saml_verify_response(NULL, ''x'', ''x'', ''{}'', ''x'', ''x'', ''x'')',
  'saml_verify_response(NULL, ''x'', ''x'', ''{x}'', '''', ''x'', ''x'')', 'saml_verify_response(NULL, ''x'', ''x'', ''{x}'', ''x'', ''x'', ''x'', false, false)']) f;
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'wazo_auth'::regnamespace AND p.proname LIKE 'saml\_%' AND has_function_privilege('public', p.oid, 'EXECUTE')$$, 'nobody may call them who was not told to');
SELECT * FROM finish();
ROLLBACK;
