-- Documents of SAML, read and made by the program wazo-auth-xml (src/saml/xml/README.md).

CREATE OR REPLACE FUNCTION wazo_auth.saml_job(tenant uuid, VARIADIC fields text[]) RETURNS jsonb
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_saml_job';
COMMENT ON FUNCTION wazo_auth.saml_job(uuid, text[]) IS
'Result of a job of the program wazo-auth-xml. fields: names and values in turn; a value that is null leaves the field '
'out. A member refused, and perhaps detail, says why there is no result; that is in the server''s log too, with this '
'tenant. Raises WA503 when the program does not answer in time, 22023 for a job that it cannot read.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_fields(name text, list text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_fields text[] := '{}'::text[];
  v_value text;
BEGIN
  FOREACH v_value IN ARRAY coalesce(list, '{}'::text[]) LOOP
    v_fields := v_fields || ARRAY[name, v_value];
  END LOOP;
  RETURN v_fields;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_fields(text, text[]) IS
'Fields of wazo_auth.saml_job(): this name with each of these values.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_now(at timestamptz) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY['now', floor(extract(epoch FROM coalesce(at, clock_timestamp())))::bigint::text];
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_now(timestamptz) IS
'Field of wazo_auth.saml_job(): this time, or else that of the clock.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_verify_response(
  tenant uuid, response text, issuer text, certificates text[], audience text, recipient text, in_response_to text,
  sign_response boolean DEFAULT true, sign_assertion boolean DEFAULT false, keys text[] DEFAULT '{}',
  skew integer DEFAULT 0, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'verify_response', 'base64', response, 'issuer', issuer, 'audience', audience, 'destination', recipient,
    'recipient', recipient, 'in_response_to', in_response_to,
    'sign_response', coalesce(sign_response, true)::integer::text,
    'sign_assertion', sign_assertion::integer::text, 'skew', skew::text]
    || wazo_auth.saml_now(at) || wazo_auth.saml_fields('certificate', certificates)
    || wazo_auth.saml_fields('key', keys));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_verify_response(
  uuid, text, text, text[], text, text, text, boolean, boolean, text[], integer, timestamptz) IS
'What a response that was posted in base64 says of a user: name_id, attributes, session_index, assertion_id, '
'not_on_or_after (seconds since 1970 for which assertion_id must be remembered) and the like. Or refused, as '
'wazo_auth.saml_job(): unless it is signed with a key of these certificates of the identity provider (issuer), answers '
'the request of that ID, and is for us (audience, at the address recipient) and for now. keys: ours, for what is '
'encrypted.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_message_fields(binding text, message text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY[CASE binding WHEN 'redirect' THEN 'query' WHEN 'post' THEN 'base64' END, message];
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_message_fields(text, text) IS
'Field of wazo_auth.saml_job(): a message that came by redirect, the whole query string as it was sent, or by post, '
'the value of the form''s field.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_verify_logout(
  tenant uuid, binding text, message text, issuer text, certificates text[], destination text,
  in_response_to text DEFAULT NULL, skew integer DEFAULT 0, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'verify_logout', 'issuer', issuer, 'destination', destination, 'in_response_to', in_response_to,
    'skew', skew::text]
    || wazo_auth.saml_message_fields(binding, message) || wazo_auth.saml_now(at)
    || wazo_auth.saml_fields('certificate', certificates));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_verify_logout(uuid, text, text, text, text[], text, text, integer, timestamptz) IS
'What a logout message says: a LogoutResponse to the request of that ID or, with null, a LogoutRequest (name_id, '
'session_index). Of a query string also relay_state, as it was signed. Or refused, as wazo_auth.saml_job(): unless it '
'is signed with a key of these certificates of the identity provider, and for us (destination).';

CREATE OR REPLACE FUNCTION wazo_auth.saml_peek_logout(tenant uuid, binding text, message text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY['job', 'peek_logout']
    || wazo_auth.saml_message_fields(binding, message) || wazo_auth.saml_now(NULL::timestamptz));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_peek_logout(uuid, text, text) IS
'Who claims to have sent a logout message (issuer) and its kind, unverified: good only for choosing what '
'wazo_auth.saml_verify_logout() is to verify it with.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_read_metadata(
  tenant uuid, metadata bytea, entity_id text DEFAULT NULL, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'parse_metadata', 'base64', encode(metadata, 'base64'), 'issuer', entity_id] || wazo_auth.saml_now(at));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_read_metadata(uuid, bytea, text, timestamptz) IS
'What an identity provider''s metadata says: entity_id, certificate, sso_redirect, sso_post, slo_redirect, slo_post, '
'valid_until. Or refused, as wazo_auth.saml_job(): too large, not XML, not the metadata of one identity provider (or '
'not of this entity_id), without usable address or certificate, expired.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_make_authn_request(
  tenant uuid, binding text, issuer text, destination text, acs_url text, key text, relay_state text DEFAULT NULL,
  at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'make_authn_request', 'redirect', (binding = 'redirect')::integer::text, 'issuer', issuer,
    'destination', destination, 'recipient', acs_url, 'key', key, 'relay_state', relay_state]
    || wazo_auth.saml_now(at));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_make_authn_request(uuid, text, text, text, text, text, text, timestamptz) IS
'A request for a login, signed with our key (PEM): its id and, by redirect, the location to send a browser to, or by '
'post, the message for the form''s field SAMLRequest.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_make_logout_request(
  tenant uuid, binding text, issuer text, destination text, key text, name_id text,
  name_id_format text DEFAULT NULL, name_id_name_qualifier text DEFAULT NULL,
  name_id_sp_name_qualifier text DEFAULT NULL, session_index text[] DEFAULT '{}', relay_state text DEFAULT NULL,
  at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'make_logout_request', 'redirect', (binding = 'redirect')::integer::text, 'issuer', issuer,
    'destination', destination, 'key', key, 'name_id', name_id, 'name_id_format', name_id_format,
    'name_id_name_qualifier', name_id_name_qualifier, 'name_id_sp_name_qualifier', name_id_sp_name_qualifier,
    'relay_state', relay_state]
    || wazo_auth.saml_now(at) || wazo_auth.saml_fields('session_index', session_index));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_make_logout_request(
  uuid, text, text, text, text, text, text, text, text, text[], text, timestamptz) IS
'A request to end these sessions of a user, as wazo_auth.saml_make_authn_request() makes one for a login.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_make_logout_response(
  tenant uuid, binding text, issuer text, destination text, key text, in_response_to text,
  success boolean DEFAULT true, relay_state text DEFAULT NULL, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'make_logout_response', 'redirect', (binding = 'redirect')::integer::text, 'issuer', issuer,
    'destination', destination, 'key', key, 'in_response_to', in_response_to, 'failed', (NOT success)::integer::text,
    'relay_state', relay_state] || wazo_auth.saml_now(at));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_make_logout_response(
  uuid, text, text, text, text, text, boolean, text, timestamptz) IS
'The answer to an identity provider''s LogoutRequest of that ID: its id and, by redirect, a location or, by post, the '
'message for the form''s field SAMLResponse.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_make_metadata(
  tenant uuid, entity_id text, acs_url text, certificates text[], sls_url text DEFAULT NULL, key text DEFAULT NULL,
  want_assertions_signed boolean DEFAULT false, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(tenant, VARIADIC ARRAY[
    'job', 'make_metadata', 'issuer', entity_id, 'recipient', acs_url, 'logout_url', sls_url, 'key', key,
    'sign_assertion', want_assertions_signed::integer::text]
    || wazo_auth.saml_now(at) || wazo_auth.saml_fields('certificate', certificates));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_make_metadata(uuid, text, text, text[], text, text, boolean, timestamptz) IS
'Our metadata (member document) with these certificates, two while a key is replaced; others encrypt for the first. '
'Signed when a key is given.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_make_key(
  common_name text, days integer DEFAULT 3650, at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.saml_job(NULL::uuid, VARIADIC ARRAY[
    'job', 'make_key', 'common_name', common_name, 'days', coalesce(days, 3650)::text] || wazo_auth.saml_now(at));
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_make_key(text, integer, timestamptz) IS
'A new RSA key and a certificate of it, signed by itself for so many days: key and certificate, both PEM. common_name: '
'at most 64 characters.';
