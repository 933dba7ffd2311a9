-- HEAD of a route changes nothing anywhere, whatever its GET does: the whole
-- database is compared before and after, for every GET route there is.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
\ir lib/saml.psql
SELECT no_plan();

-- All rows of all tables of the extension.
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_table regclass;
  v_rows text;
  v_all text := '';
BEGIN
  FOR v_table IN
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
  LOOP
    EXECUTE format('SELECT string_agg(md5(t::text), '','' ORDER BY t::text) FROM %s t', v_table) INTO v_rows;
    v_all := v_all || v_table || ' ' || COALESCE(v_rows, '') || E'\n';
  END LOOP;
  RETURN v_all;
END $$;

SELECT wazo_auth.configure('{"enabled_http_plugins": {"user_registration": true}}'),
       wazo_auth.replace_emails(:'deep_user', '{deep@example.com,two@example.com}', 'deep@example.com', '{t,f}') \g (format=unaligned tuples_only=on) |cat >/dev/null
SELECT e.uuid AS email FROM wazo_auth.email e WHERE e.address = 'two@example.com' \gset
-- A login by SAML that the token of the requests comes from, and a message of its identity provider.
SELECT wazo_auth.create_saml_config(:'deep', :'deep_domain', 'wazo', :'acs', pg_temp.idp_metadata(:'idp', :'idp_certificate', login => 'POST')) \g /dev/null
INSERT INTO wazo_auth.saml_session (digest, tenant_uuid, request_id, redirect_url, expires_at, login, subject, used, token_digest)
VALUES (gen_random_uuid(), :'deep', 'id-1', 'https://deep.example.com/', now() + interval '1 day', 'top', '{"name_id": "top", "session_index": []}', true, wazo_auth.token_digest(:'top_token'));
INSERT INTO wazo_auth.saml_session (digest, tenant_uuid, request_id, redirect_url, message, expires_at)
VALUES (:'nobody', :'deep', 'id-2', 'https://deep.example.com/', 'eA==', now() + interval '1 day');
SELECT split_part(wazo_auth.saml_make_logout_request(:'deep', 'redirect', :'idp', :'sls', :'idp_key', 'top') ->> 'location', '?', 2) AS sls_query \gset
SELECT set_config('test.sls_query', :'sls_query', true) \g /dev/null
CREATE TEMP TABLE param (name text PRIMARY KEY, value text);
INSERT INTO param VALUES ('user_uuid', :'deep_user'), ('tenant_uuid', :'deep'), ('group_uuid', wazo_auth.create_group(:'deep', 'a group')),
  ('policy_uuid', wazo_auth.create_policy(:'deep', 'a policy', '{x}')), ('policy_slug', 'apolicy'), ('email_uuid', :'email'),
  ('token_uuid', :'deep_token'), ('idp_type', 'native'), ('auth_type', 'mobile'), ('relay_state', :'nobody');
SELECT wazo_auth.create_external_auth_config(t.name, :'deep', '{}'), wazo_auth.create_external_auth(:'deep_user', t.name, '{"token_expiration": 4000000000}')
FROM wazo_auth.external_auth_type t \g /dev/null
SELECT is_empty($$SELECT m[1] FROM wazo_auth.route r, regexp_matches(r.path, '\{(\w+)\}', 'g') m WHERE r.method = 'GET'
                  EXCEPT SELECT p.name FROM param p$$, 'there is something for every parameter of a path');
CREATE FUNCTION pg_temp.target(path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_param record;
BEGIN
  FOR v_param IN SELECT p.name, p.value FROM param p LOOP
    path := replace(path, '{' || v_param.name || '}', v_param.value);
  END LOOP;
  RETURN path || CASE path WHEN '/0.1/users/password/reset' THEN '?username=deep'
                           WHEN '/0.1/saml/sls' THEN '?' || current_setting('test.sls_query') ELSE '' END;
END $$;

-- "status, did it change anything" of a request, of which nothing stays.
CREATE FUNCTION pg_temp.try(method text, path text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before text := pg_temp.state();
  v_answer wazo_auth.http_response;
  v_result text;
BEGIN
  v_answer := wazo_auth.http(method, pg_temp.target(path), ARRAY['X-Auth-Token', token, 'Wazo-Tenant', (SELECT p.value FROM param p WHERE p.name = 'tenant_uuid')]);
  v_result := v_answer.status || CASE WHEN pg_temp.state() = v_before THEN ', same' ELSE ', changed' END;
  RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
  RETURN v_result;
END $$;
-- where this is, for what tells it
SELECT wazo_auth.configure('{"public_url": "https://pbx.example.org"}');
CREATE TEMP TABLE result AS
SELECT r.path, pg_temp.try('GET', r.path, :'top_token') AS get, pg_temp.try('HEAD', r.path, :'top_token') AS head
FROM wazo_auth.route r WHERE r.method = 'GET';

SELECT cmp_ok(count(*), '>=', 27::bigint, 'there are routes to try') FROM result;
-- All is well with this one only where there is a provider (test/t/oauth2.t).
SELECT is_empty('SELECT * FROM result WHERE get !~ ''^(20[04]|302)'' AND path <> ''/0.1/external/{auth_type}/authorize''', 'GET answers as it does when all is well: else this would show nothing');
SELECT isnt_empty($$SELECT * FROM result WHERE get LIKE '%changed'$$, 'there is a GET that changes something: a change is seen');
SELECT is_empty($$SELECT * FROM result WHERE head LIKE '%changed'$$, 'HEAD changes nothing');
SELECT is_empty($$SELECT * FROM result r WHERE left(r.head, 3) <> left(r.get, 3)
                  -- a route of its own, which says with 204 what the GET says with a body
                  AND r.path <> '/0.1/token/{token_uuid}'$$, 'and answers with the status of GET');

SELECT * FROM finish();
ROLLBACK;
