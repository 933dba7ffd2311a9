-- What stands before a handler: what a route must declare, checks of people's
-- own, and that nobody gives or takes what it does not hold.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- ---- the route table: a new route cannot escape these ----
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r
                  WHERE NOT r.public AND r.access IS NULL OR r.public AND r.access IS NOT NULL$$,
  'a route asks for an access or says that it is public');
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r
                  WHERE r.method NOT IN ('GET', 'HEAD')
                    AND (r.changes_no_access IS NULL) <> EXISTS (SELECT FROM wazo_auth.check c WHERE c.name = ANY (r.checks) AND c.judges)$$,
  'one that changes anything judges what the caller gives and takes, or says why it changes no access');
SELECT is_empty($$SELECT r.method, r.path, k FROM wazo_auth.route r, unnest(r.checks) k
                  WHERE NOT EXISTS (SELECT FROM wazo_auth.check c WHERE c.name = k)$$, 'all checks are known');
SELECT is_empty($$SELECT c.name FROM wazo_auth.check c
                  WHERE c.function IS NOT NULL AND to_regprocedure(c.function || '(wazo_auth.http_request)') IS NULL$$,
  'and have their functions');
SELECT is_empty($$SELECT c.name FROM wazo_auth.check c WHERE NOT EXISTS (SELECT FROM wazo_auth.route r WHERE c.name = ANY (r.checks))
                    -- for routes of other people
                    AND c.name <> 'json'$$,
  'each is of use');
SELECT is_empty($$SELECT r.method, wazo_auth.route_shape(r.path) FROM wazo_auth.route r GROUP BY 1, 2 HAVING count(*) > 1$$,
  'no request has two routes');
SELECT set_eq($$SELECT format('%s %s', r.method, r.path) FROM wazo_auth.route r WHERE r.public$$, ARRAY[
  'DELETE /0.1/token/{token_uuid}', 'GET /0.1/api/api.yml', 'GET /0.1/backends', 'GET /0.1/external/{auth_type}/authorize', 'GET /0.1/saml/logout',
  'GET /0.1/saml/metadata/{tenant_uuid}', 'GET /0.1/saml/post/{relay_state}', 'GET /0.1/saml/sls', 'POST /0.1/saml/acs', 'POST /0.1/saml/sls', 'POST /0.1/saml/sso', 'GET /0.1/token/{token_uuid}',
  'GET /0.1/users/password/reset', 'GET /0.1/users/password/reset/form', 'HEAD /0.1/status', 'HEAD /0.1/token/{token_uuid}', 'POST /0.1/token',
  'POST /0.1/token/{token_uuid}/scopes/check', 'POST /0.1/users/register', 'POST /0.1/oauth2/revoke', 'GET /0.1/.well-known/oauth-authorization-server'], 'what everybody may use');
-- What a path names is looked for by a check, but for the sessions, tokens and
-- clients of which an unknown one is no error, and what is no row of anything.
SELECT is_empty($$
  SELECT r.method, r.path, p.name FROM wazo_auth.route r
  CROSS JOIN LATERAL regexp_matches(r.path, '\{(\w+)\}', 'g') m
  CROSS JOIN LATERAL (SELECT m[1] AS name) p
  JOIN (VALUES ('user_uuid', 'user'), ('group_uuid', 'group'), ('policy_uuid', 'policy'), ('policy_slug', 'policy'),
               ('tenant_uuid', 'target_tenant'), ('parent_tenant_uuid', 'parent_tenant'), ('email_uuid', 'email'),
               ('idp_type', 'idp')) looks (name, "check") ON looks.name = p.name
  WHERE NOT looks.check = ANY (r.checks)
    -- These look themselves, after other errors; an identity provider has no token.
    AND r.handler NOT IN ('wazo_auth.rest_saml_sp_metadata_get', 'wazo_auth.rest_admin_emails_put', 'wazo_auth.rest_user_emails_put', 'wazo_auth.rest_group_user_delete')
$$, 'what a path names is looked for');

-- ---- what add_route() refuses ----
SELECT throws_ok($$SELECT wazo_auth.add_route('GET', '/0.1/x', 'f.f', 'x')$$, '22023', 'the route GET /0.1/x has no access',
  'a route that is open by an oversight');
SELECT throws_ok($$SELECT wazo_auth.add_route('GET', '/0.1/x', 'f.f', 'x', access => 'x', public => true)$$, '22023',
  'the route GET /0.1/x has both public => true and an access', 'or says two things');
SELECT throws_ok($$INSERT INTO wazo_auth.route (method, path, handler, plugin) VALUES ('GET', '/0.1/x', 'f.f', 'x')$$, '23514', NULL,
  'nor by way of the table');
SELECT throws_ok($$SELECT wazo_auth.add_route('GET', '/0.1/x', 'f.f', 'x', public => true, checks => '{tenant,nosuch}')$$, '42704',
  'there is no check "nosuch" for the route GET /0.1/x', 'an unknown check');
SELECT throws_ok($$SELECT wazo_auth.add_route('POST', '/0.1/x', 'f.f', 'x', access => 'x')$$, '22023',
  'the route POST /0.1/x must either judge what its caller gives and takes or say why it changes no access',
  'a change that says nothing about accesses');
SELECT throws_ok($$SELECT wazo_auth.add_route('POST', '/0.1/x', 'f.f', 'x', access => 'x', checks => '{may_add_body}', changes_no_access => 'x')$$,
  '22023', NULL, 'or too much');
SELECT throws_ok($$SELECT wazo_auth.add_route('GET', '/0.1/users', 'f.f', 'x', access => 'x')$$, '42710',
  'the route GET /0.1/users is there already', 'one that is there');
SELECT throws_ok($$SELECT wazo_auth.add_route('GET', '/0.1/users/{other_uuid}', 'f.f', 'x', access => 'x')$$, '42710', NULL,
  'whatever its parameters are called');
SELECT lives_ok($$SELECT wazo_auth.add_route('GET', '/0.1/users/{name}', 'f.f', 'x', access => 'x')$$, 'one that takes other requests');
SELECT throws_ok($$SELECT wazo_auth.add_check('user', 'f.f', '{404}', 'x')$$, '23505', NULL, 'a check that is there');

-- ---- a check of one's own ----
CREATE SCHEMA mine;
CREATE FUNCTION mine.check_colour(request wazo_auth.http_request) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  CASE request.params ->> 'colour'
    WHEN 'red' THEN RETURN '{"number": 1, "user_uuid": "changed"}';
    WHEN 'blue' THEN RETURN NULL;
    ELSE PERFORM wazo_auth.raise_error(404, 'No such colour', 'unknown-colour', '{"b": 1, "a": "é"}', 'colours');
  END CASE;
END $$;
CREATE FUNCTION mine.handler(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  RETURN wazo_auth.json_response(json_build_object('params', request.params, 'tenant', request.tenant_uuid, 'query', request.query));
END $$;
SELECT wazo_auth.add_check('colour', 'mine.check_colour', '{404}', '{colour} is one') \g (format=unaligned tuples_only=on) |cat >/dev/null
SELECT wazo_auth.add_route('GET', '/0.1/paint/{user_uuid}/{colour}', 'mine.handler', 'mine',
  access => 'paint.{user_uuid}.{colour}', checks => '{colour,tenant}') \g (format=unaligned tuples_only=on) |cat >/dev/null
SELECT is(pg_temp.ask_json('GET', '/0.1/paint/' || :'nobody' || '/red?a=1', :'north_token'),
  jsonb_build_object('params', '{"number": 1, "user_uuid": "changed", "colour": "red"}'::jsonb, 'tenant', :'north', 'query', '{"a": "1"}'::jsonb),
  'what a check finds reaches the handler, and so does what comes after it');
SELECT is(pg_temp.ask_json('GET', '/0.1/paint/' || :'nobody' || '/blue', :'north_token') -> 'params',
  jsonb_build_object('user_uuid', :'nobody', 'colour', 'blue'), 'a check that finds nothing');
SELECT is(pg_temp.ask('GET', '/0.1/paint/' || :'nobody' || '/pink', :'north_token'),
  '404 {"message": "No such colour", "error_id": "unknown-colour", "details": {"b": 1, "a": "\u00e9"}, "timestamp": T, "resource": "colours"}',
  'a check that refuses');
SELECT ok((wazo_auth.api_description()::jsonb #> ARRAY['paths', '/paint/{user_uuid}/{colour}', 'get', 'responses']) ?& '{200,401,404}',
  'its statuses are described');
DROP FUNCTION mine.check_colour;
SELECT is(pg_temp.ask('GET', '/0.1/paint/' || :'nobody' || '/blue', :'north_token'), '500 {"message": "Internal Server Error"}',
  'a route whose check cannot be done is not served');
SELECT is(pg_temp.ask('HEAD', '/0.1/status'), '200', 'and others are');
DELETE FROM wazo_auth.route WHERE NOT shipped;
DELETE FROM wazo_auth.check WHERE NOT shipped;

-- ---- nobody takes what it does not hold by deleting what others have it by ----
SELECT wazo_auth.create_group(:'north', 'denied') AS denied, wazo_auth.create_group(:'north', 'given') AS given,
       wazo_auth.create_policy(:'north', 'denies', '{!auth.tenants.#}') AS denies, wazo_auth.create_policy(:'north', 'gives', '{a.b}') AS gives \gset
SELECT wazo_auth.add_group_policy(:'denied', :'denies'), wazo_auth.add_group_policy(:'given', :'gives'),
       wazo_auth.add_group_user(:'denied', :'north_user'), wazo_auth.add_group_user(:'given', :'north_user') \g (format=unaligned tuples_only=on) |cat >/dev/null
SELECT pg_temp.token(:'north_user', '{auth.groups.#,auth.tenants.read}') AS weak, pg_temp.token(:'north_user', '{auth.groups.#,auth.tenants.#,a.*}') AS strong \gset
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'denied', :'weak'),
  '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || :'weak' || '", "required_access": "!auth.tenants.#"}, "timestamp": T}',
  'a group that denies its members something is not deleted by who may not do that');
SELECT ok(pg_temp.ask('DELETE', '/0.1/groups/' || :'given', :'weak') LIKE '401 %"a.b"%', 'nor one that gives them something');
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'denied', :'strong'), '204', 'who holds it may');
SELECT is(pg_temp.ask('DELETE', '/0.1/groups/' || :'given', :'strong'), '204', 'both');

-- A policy of a tenant that others have would go with the tenant.
SELECT wazo_auth.create_policy(:'deep', 'denies others', '{!x.y}') AS lent \gset
SELECT wazo_auth.delete_user(:'deep_user'), wazo_auth.add_user_policy(:'north_user', :'lent') \g (format=unaligned tuples_only=on) |cat >/dev/null
SELECT pg_temp.token(:'north_user', '{auth.tenants.#}') AS weak, pg_temp.token(:'north_user', '{auth.tenants.#,x.#}') AS strong \gset
SELECT ok(pg_temp.ask('DELETE', '/0.1/tenants/' || :'deep', :'weak') LIKE '401 %"!x.y"%', 'so a tenant whose policy denies others something stays');
SELECT is(pg_temp.ask('DELETE', '/0.1/tenants/' || :'deep', :'strong'), '204', 'but for who may take that');

SELECT * FROM finish();
ROLLBACK;
