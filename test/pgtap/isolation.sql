-- Nobody reaches what another tenant has: every route that asks for a token is
-- asked with tokens of a sibling tenant, of a tenant below, of one above, with
-- no access and with none. The table wazo_auth.route says which routes there
-- are, so that a new one cannot be forgotten; a new kind of parameter makes
-- this test fail until it is told what to put there.
-- (contract: DEPARTURES.md, security; semantics.md section 4)
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
\ir lib/owned.psql
SELECT no_plan();

-- All non-empty choices of targets that are somebody else's.
CREATE FUNCTION pg_temp.choices(targets text[]) RETURNS SETOF text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT targets[i] FROM generate_subscripts(targets, 1) i WHERE n >> (i - 1) & 1 = 1)
  FROM generate_series(1, (1 << cardinality(targets)) - 1) n
$$;

CREATE TEMP VIEW guarded AS SELECT r.method, r.path, r.access FROM wazo_auth.route r WHERE r.access IS NOT NULL AND wazo_auth.plugin_enabled(r.plugin);
SELECT cmp_ok(count(*), '>', 20::bigint, 'there are routes to ask') FROM guarded;

-- Which routes ask for no token is decided here, knowingly.
SELECT is_empty($$
  SELECT r.method || ' ' || r.path FROM wazo_auth.route r WHERE r.access IS NULL
  EXCEPT SELECT unnest(ARRAY[
    'POST /0.1/oauth2/revoke', 'GET /0.1/.well-known/oauth-authorization-server', 'GET /0.1/api/api.yml', 'HEAD /0.1/status', 'GET /0.1/backends', 'POST /0.1/token', 'GET /0.1/token/{token_uuid}', 'HEAD /0.1/token/{token_uuid}',
    'DELETE /0.1/token/{token_uuid}', 'POST /0.1/token/{token_uuid}/scopes/check', 'POST /0.1/users/register', 'GET /0.1/users/password/reset',
    'GET /0.1/users/password/reset/form', 'GET /0.1/external/{auth_type}/authorize',
    'POST /0.1/saml/sso', 'POST /0.1/saml/acs', 'GET /0.1/saml/logout', 'GET /0.1/saml/sls', 'POST /0.1/saml/sls', 'GET /0.1/saml/post/{relay_state}', 'GET /0.1/saml/metadata/{tenant_uuid}'])
$$, 'no other route is open to everybody');

-- ---- no token, no access ----
-- An access made of the query is not shown, nor is why (contract: errors.md section 6, POST /users/password/reset).
CREATE FUNCTION pg_temp.reason(access text, why text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN access LIKE '%{?%' THEN '}, ' ELSE ', "reason": "' || why || '"' END
$$;
SELECT is(a.answer LIKE '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": ""' || pg_temp.reason(g.access, 'not_found_or_expired') || '%', true,
          format('%s %s without a token', g.method, g.path))
FROM guarded g, LATERAL (SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'north', 'north', '{}'), NULL, pg_temp.body('north')) AS answer) a
ORDER BY g.path, g.method;

SELECT pg_temp.token(:'north_user', '{}') AS powerless \gset
SELECT is(a.answer LIKE '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || :'powerless' || '"' || pg_temp.reason(g.access, 'missing_permission_or_invalid_tenant') || '%', true,
          format('%s %s without the access', g.method, g.path))
FROM guarded g, LATERAL (SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'north', 'north', '{}'), :'powerless', pg_temp.body('north')) AS answer) a
ORDER BY g.path, g.method;
-- With every other access but this one.
SELECT is(split_part(a.answer, ' ', 1), '401', format('%s %s with all accesses but that', g.method, g.path))
FROM guarded g, LATERAL (
  SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'north', 'north', '{}'),
    pg_temp.token(:'north_user', ARRAY['#', '!' || regexp_replace(regexp_replace(g.access, '\{[^}]*\}', '*', 'g'), '\.me\.', '.*.')]),
    pg_temp.body('north')) AS answer) a
ORDER BY g.path, g.method;

-- ---- other tenants' ----
-- Answers 404, or 204 and does nothing; and shows nothing. 401 is for whoever
-- may not name that tenant in the header, or is not of the top one.
CREATE FUNCTION pg_temp.reach(method text, path text, own text, their text, theirs text[], header text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before text := pg_temp.state();
  v_answer text;
  v_status text;
  v_leak text;
BEGIN
  v_answer := pg_temp.ask(method, pg_temp.fill(path, own, their, theirs), (SELECT c.token FROM caller c WHERE c.tenant = own), pg_temp.body(their), header);
  v_status := split_part(v_answer, ' ', 1);
  v_leak := pg_temp.leaks(regexp_replace(v_answer, '^40[14] .*', ''), ARRAY[their]);
  RETURN CASE
    WHEN pg_temp.state() <> v_before THEN 'changes something: ' || v_answer
    WHEN v_leak IS NOT NULL THEN 'shows ' || v_leak
    WHEN v_status IN ('404', '204') THEN 'nothing'
    WHEN v_status = '401' AND (header IS NOT NULL OR (SELECT 'top_tenant' = ANY (r.checks) FROM wazo_auth.route r WHERE (r.method, r.path) = (reach.method, reach.path))) THEN 'nothing'
    ELSE 'is answered ' || left(v_answer, 200)
  END;
END $$;

SELECT is(pg_temp.reach(g.method, g.path, p.own, p.their, c.theirs), 'nothing',
          format('%s %s: %s reaches for %s''s %s', g.method, g.path, p.own, p.their, array_to_string(c.theirs, ', ')))
FROM guarded g,
     (VALUES ('north', 'south'), ('deep', 'north'), ('north', 'top')) p(own, their),
     LATERAL pg_temp.choices(pg_temp.targets(g.path)) c(theirs)
ORDER BY g.path, g.method, p.own, p.their;

-- With a tenant in the header that the caller may not say.
SELECT is(pg_temp.reach(g.method, g.path, 'north', 'south', pg_temp.targets(g.path), :'south'), 'nothing',
          format('%s %s: north says south', g.method, g.path))
FROM guarded g
WHERE pg_temp.targets(g.path) <> '{}'
ORDER BY g.path, g.method;

-- ---- scoped below, nothing above is in sight ----
CREATE FUNCTION pg_temp.reach_above(method text, path text, header text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_before text := pg_temp.state();
  v_answer text;
BEGIN
  v_answer := pg_temp.ask(method, pg_temp.fill(path, 'north', 'north', '{}'), (SELECT c.token FROM caller c WHERE c.tenant = 'north'), pg_temp.body('north'), header);
  RETURN CASE WHEN split_part(v_answer, ' ', 1) IN ('404', '204') AND pg_temp.state() = v_before THEN 'nothing' ELSE left(v_answer, 200) END;
END $$;
SELECT is(pg_temp.reach_above(g.method, g.path, :'deep'), 'nothing', format('%s %s: north, as deep, reaches for its own', g.method, g.path))
FROM guarded g JOIN wazo_auth.route r USING (method, path)
WHERE pg_temp.targets(g.path) <> '{}' AND 'tenant' = ANY (r.checks)
ORDER BY g.path, g.method;

-- ---- lists ----
-- What callers of a tenant have reached for above is in its own log, since they said it.
DELETE FROM wazo_auth.audit a WHERE a.object = 'request';
-- A tenant shows which one is its parent.
SELECT is(pg_temp.leaks(replace(a.answer, format('"parent_uuid": "%s"', :'top'), ''), ARRAY['south', 'top']), NULL, format('%s%s shows nothing of siblings and of those above', g.path, q.query))
FROM guarded g, (VALUES (''), ('?recurse=true'), ('?search=secret&recurse=true'), ('?limit=1000&offset=0&direction=desc')) q(query),
     LATERAL (SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'north', 'north', '{}') || q.query, :'north_token') AS answer) a
WHERE g.method = 'GET'
ORDER BY g.path, q.query;
SELECT is(pg_temp.leaks(a.answer, ARRAY['deep']), NULL, format('%s without recurse shows nothing of those below', g.path))
FROM guarded g, LATERAL (SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'north', 'north', '{}'), :'north_token') AS answer) a
WHERE g.method = 'GET' AND g.path <> '/0.1/tenants'
ORDER BY g.path;

-- ---- what is below is in reach ----
SELECT is(split_part(a.answer, ' ', 1), '200', format('%s: north reads what deep has', g.path))
FROM guarded g, LATERAL (SELECT pg_temp.ask(g.method, pg_temp.fill(g.path, 'deep', 'deep', '{}'), :'north_token') AS answer) a
WHERE g.method = 'GET' AND pg_temp.targets(g.path) <> '{}' AND g.path !~ '/confirm$|policy_slug'
ORDER BY g.path;

SELECT * FROM finish();
ROLLBACK;
