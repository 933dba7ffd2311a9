-- The routes that are served beside those that upstream serves
-- (docs/contract/routes.tsv), and the description of
-- the API beside the routes.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();

CREATE TEMP TABLE upstream (method text, path text, access text, auth text, scope text, schema text, success text,
                            body text, errors text, plugin text, events text);
\copy upstream FROM 'docs/contract/routes.tsv' WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', HEADER)
DELETE FROM upstream u WHERE u.body LIKE 'none (implicit HEAD%';
CREATE TEMP VIEW both_sides AS
SELECT r, u.* FROM upstream u JOIN wazo_auth.route r ON r.method = u.method AND r.path = u.path AND r.shipped;

SELECT cmp_ok((SELECT count(*) FROM upstream), '=', 105::bigint, 'the list of upstream''s routes is whole');

-- Routes of our own, each with its reason.
CREATE TEMP TABLE own_route (method text, path text, why text);
INSERT INTO own_route VALUES
  ('POST', '/0.1/oauth2/revoke', 'RFC 7009'), ('POST', '/0.1/oauth2/introspect', 'RFC 7662'),
  ('GET', '/0.1/.well-known/oauth-authorization-server', 'RFC 8414'),
  ('GET', '/0.1/audit', 'upstream keeps no record of what was done'),
  ('DELETE', '/0.1/users/{user_uuid}/login_failures', 'upstream locks nobody out'),
  ('GET', '/0.1/external/{auth_type}/authorize', 'where providers of OAuth2 send users back to, without a relay'),
  ('GET', '/0.1/saml/metadata/{tenant_uuid}', 'an identity provider has to know us'),
  ('GET', '/0.1/saml/post/{relay_state}', 'a provider may take requests by HTTP-POST alone'),
  ('POST', '/0.1/saml/sls', 'a provider may send messages by HTTP-POST'),
  ('GET', '/0.1/users/password/reset/form', 'where a mailed link leads');
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r
                  WHERE r.shipped AND NOT EXISTS (SELECT FROM upstream u WHERE u.method = r.method AND u.path = r.path)
                    AND NOT EXISTS (SELECT FROM own_route o WHERE o.method = r.method AND o.path = r.path)$$,
                'no route that upstream has not, but for our own');
SELECT is_empty($$SELECT b.method, b.path, b.access, (b.r).access FROM both_sides b
                  WHERE replace(NULLIF(b.access, '-'), '{user_uuid from query}', '{?user_uuid}') IS DISTINCT FROM (b.r).access
                    -- Any valid token, without an access of its own
                    AND b.plugin <> 'saml'$$,
                'the same required access');
SELECT is_empty($$SELECT b.method, b.path, b.plugin, (b.r).plugin FROM both_sides b WHERE b.plugin <> (b.r).plugin$$, 'the same plugin');
SELECT is_empty($$SELECT b.method, b.path, b.success, (b.r).success FROM both_sides b WHERE b.success::integer <> (b.r).success$$,
                'the same status of success');

-- Upstream's errors, but for those that are no errors here or that are new.
CREATE TEMP TABLE departure (method text, path text, status integer, why text);
INSERT INTO departure VALUES
  ('POST', '/0.1/backends/saml', 503, 'metadata that cannot be read in time'), ('PUT', '/0.1/backends/saml', 503, 'likewise'),
  ('POST', '/0.1/saml/sso', 404, 'an unknown domain was a 500'),
  ('POST', '/0.1/saml/sso', 503, 'a request that cannot be made in time'), ('POST', '/0.1/saml/acs', 503, 'likewise'),
  ('GET', '/0.1/saml/logout', 503, 'likewise'), ('GET', '/0.1/saml/logout', 400, 'a token has a limit'), ('GET', '/0.1/saml/sls', 503, 'likewise'),
  ('GET', '/0.1/saml/sls', 400, 'a missing parameter was a 500'), ('GET', '/0.1/saml/sls', 404, 'an unknown logout was a 500'),
  ('GET', '/0.1/saml/sls', 401, 'a message that is refused was a 500'),
  ('POST', '/0.1/token', 503, 'a directory that does not answer in time was a 401, or waited for for ever'),
  ('PUT', '/0.1/users/{user_uuid}/password', 429, 'upstream counts no wrong passwords'),
  ('GET', '/0.1/users/{user_uuid}/policies', 404, 'the user must be in sight'),
  ('GET', '/0.1/groups/{group_uuid}/users', 404, 'the group must be in sight'),
  ('PUT', '/0.1/policies/{policy_uuid}', 409, 'a duplicate name was a 500'),
  ('PUT', '/0.1/policies/{policy_slug}', 409, 'a duplicate name was a 500'),
  ('PUT', '/0.1/policies/{policy_uuid}/acl/{access}', 403, 'read-only policies'),
  ('DELETE', '/0.1/policies/{policy_uuid}/acl/{access}', 403, 'read-only policies'),
  ('PUT', '/0.1/policies/{policy_slug}/acl/{access}', 403, 'read-only policies'),
  ('DELETE', '/0.1/policies/{policy_slug}/acl/{access}', 403, 'read-only policies'),
  ('GET', '/0.1/users/{user_uuid}/external', 404, 'the user must be in sight'),
  ('GET', '/0.1/users/{user_uuid}/external/google', 503, 'a provider that does not answer was a 500, or waited for for ever'),
  ('GET', '/0.1/users/{user_uuid}/external/microsoft', 503, 'a provider that does not answer was a 500, or waited for for ever'),
  ('GET', '/0.1/token/{token_uuid}', 400, 'a scope has a limit'), ('HEAD', '/0.1/token/{token_uuid}', 400, 'a scope has a limit');
SELECT is_empty($$
  SELECT b.method, b.path, e.status FROM both_sides b
  CROSS JOIN LATERAL string_to_table(NULLIF(b.errors, '-'), ',') WITH ORDINALITY t (text, place)
  CROSS JOIN LATERAL (SELECT t.text::integer AS status) e
  WHERE e.status <> 500 AND e.status NOT IN (SELECT wazo_auth.api_errors(b.r))$$,
  'every error of upstream''s is declared');
SELECT is_empty($$
  SELECT b.method, b.path, e.status FROM both_sides b
  CROSS JOIN LATERAL wazo_auth.api_errors(b.r) e (status)
  WHERE b.plugin IN ('tenants', 'policies', 'user_policy', 'group_policy', 'idp', 'config', 'users', 'groups', 'user_group',
                     'sessions', 'user_session', 'tokens', 'ldap_config', 'external', 'external_auth:mobile', 'external_auth:google', 'external_auth:microsoft', 'saml_config', 'saml')
    AND e.status::text <> ALL (string_to_array(b.errors, ','))
    AND NOT EXISTS (SELECT FROM departure d WHERE d.method = b.method AND d.path = b.path AND d.status = e.status)$$,
  'and no other one, but for the departures');

-- Nulls among the headers are the caller's mistake, and said whatever the route.
SELECT throws_ok(format($$SELECT wazo_auth.http(%L, %L, ARRAY[%s])$$, r.method, r.path, h), c, NULL, r.method || ' ' || r.path || ' with headers ' || h)
FROM (VALUES ('GET', '/0.1/users'), ('GET', '/0.1/backends'), ('HEAD', '/0.1/token/' || :'nobody'), ('GET', '/nowhere')) r (method, path),
     (VALUES ('''X-Auth-Token'', NULL', '22004'), ('NULL, ''x''', '22004'), ('''X-Auth-Token''', '22023')) h (h, c);

-- What is not built yet can only become less.
SELECT diag('not built yet: ' || string_agg(format('%s %s', u.method, u.path), ', ' ORDER BY u.path, u.method))
FROM upstream u
WHERE NOT EXISTS (SELECT FROM wazo_auth.route r WHERE r.method = u.method AND r.path = u.path)
HAVING count(*) > 0;
SELECT is_empty($$
  SELECT u.method, u.path FROM upstream u
  WHERE NOT EXISTS (SELECT FROM wazo_auth.route r WHERE r.method = u.method AND r.path = u.path)
    AND u.plugin NOT IN ('password_reset', 'user_registration', 'email_confirm')
    AND u.path NOT LIKE '%/confirm'$$,
  'all routes of tenants, users, groups, policies, tokens, sessions, providers and the service are there');

-- Handlers, schemas and checks fit together.
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r
                  WHERE to_regprocedure(r.handler || '(wazo_auth.http_request)') IS NULL AND to_regprocedure(r.handler || '(internal)') IS NULL$$,
                'every handler exists');
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r
                  WHERE 'query' = ANY (r.checks) AND r.query_schema IS NULL OR 'body' = ANY (r.checks) AND r.body_schema IS NULL$$,
                'what is validated has a shape');
SELECT is_empty($$SELECT s FROM wazo_auth.route r CROSS JOIN unnest(ARRAY[r.query_schema, r.body_schema]) s
                  WHERE s IS NOT NULL AND NOT EXISTS (SELECT FROM wazo_auth.schema d WHERE d.name = s)$$,
                'every shape is declared');
SELECT is_empty($$SELECT r.method, r.path FROM wazo_auth.route r WHERE r.summary IS NULL$$, 'every route has a summary');

-- The description
CREATE TEMP TABLE described AS SELECT wazo_auth.api_description()::jsonb AS api;
SELECT is_empty($$
  SELECT r.method, r.path FROM wazo_auth.route r, described d
  WHERE NOT EXISTS (SELECT FROM jsonb_each(d.api -> 'paths') p
                    WHERE regexp_replace('/0.1' || p.key, '\{\w+\}', '{}', 'g') = regexp_replace(r.path, '\{\w+\}', '{}', 'g')
                      AND p.value ? lower(r.method))$$,
  'every route is described');
SELECT is((SELECT count(*) FROM described d, jsonb_each(d.api -> 'paths') p, jsonb_each(p.value) o),
          (SELECT count(DISTINCT (r.method, regexp_replace(r.path, '\{\w+\}', '{}', 'g'))) FROM wazo_auth.route r), 'each once');
SELECT is((SELECT count(*) - count(DISTINCT o.value ->> 'operationId') FROM described d, jsonb_each(d.api -> 'paths') p, jsonb_each(p.value) o),
          0::bigint, 'under its own name');
SELECT is((SELECT d.api #>> ARRAY['paths', '/policies/{policy_uuid_or_policy_slug}', 'get', 'description'] FROM described d),
          '**Required access**: `auth.policies.{policy_uuid_or_policy_slug}.read`', 'two names of a policy are one path');
SELECT is((SELECT d.api #> '{definitions,policy_post}' FROM described d),
          '{"type": "object", "required": ["name"], "properties": {
             "name": {"type": "string", "minLength": 1, "maxLength": 80},
             "slug": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[a-zA-Z0-9_-]+$", "x-nullable": true},
             "description": {"type": "string", "maxLength": 4096, "x-nullable": true},
             "acl": {"type": "array", "maxItems": 10000, "items": {"type": "string", "maxLength": 1024}, "default": [],
                     "description": "The greatest length is one of bytes in UTF-8"},
             "shared": {"type": "boolean", "default": false}}}'::jsonb, 'a body is described as it is declared');
SELECT is(wazo_auth.yaml_value('{"a": {"b c": [1, "x\"é", [], {}, {"on": null}]}, "z": true}', 0),
          E'\na:\n  "b c":\n    - 1\n    - "x\\"\\u00e9"\n    - []\n    - {}\n    -\n      "on": null\nz: true', 'JSON as YAML');

SELECT * FROM finish();
ROLLBACK;
