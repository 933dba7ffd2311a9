-- wazo_auth.http_batch(): several requests in one call, each answered as if it came alone.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
SELECT plan(18);

SELECT wazo_auth.bootstrap() AS top \gset
SELECT wazo_auth.create_user(:'top', 'batch', 'secret') AS batch_user \gset
SELECT token FROM wazo_auth.token_create('batch', 'secret') \gset

CREATE TEMPORARY TABLE request (i serial, method text, target text, headers text[], body bytea, peer text);
INSERT INTO request (method, target, headers, body, peer) VALUES
  ('HEAD', '/0.1/token/' || :'token', '{Host,here}', NULL, '127.0.0.1'),
  ('GET', '/0.1/token/' || :'token', '{}', NULL, NULL),
  ('HEAD', '/0.1/token/' || :'token' || '?scope=nothing.at.all', '{X,1,Y,2,Z,3}', NULL, '::1'),
  ('GET', '/0.1/token/11111111-1111-1111-1111-111111111111', '{}', NULL, '127.0.0.1'),
  ('POST', '/0.1/token/' || :'token' || '/scopes/check', '{Content-Type,application/json}', '{"scopes": ["a", "auth.users"]}', ''),
  ('GET', '/0.1/backends', '{}', NULL, '127.0.0.1'),
  ('GET', '/0.1/users/' || :'batch_user', ARRAY['X-Auth-Token', :'token'], NULL, '127.0.0.1'),
  ('PATCH', '/0.1/token', '{}', NULL, NULL),
  ('GET', '/nowhere', '{}', NULL, NULL);

-- Error answers hold the time, of which every text is as long; nothing else may differ.
CREATE FUNCTION pg_temp.said(answers bytea) RETURNS text LANGUAGE sql
RETURN regexp_replace(encode(answers, 'escape'), '"timestamp": \[?[0-9.]+', '"timestamp": 0', 'g');

CREATE FUNCTION pg_temp.batch(since int, until int) RETURNS text LANGUAGE sql
BEGIN ATOMIC
  SELECT pg_temp.said(wazo_auth.http_batch(
      array_agg(method ORDER BY i), array_agg(target ORDER BY i),
      (SELECT coalesce(array_agg(h ORDER BY r.i, o), '{}') FROM request r, unnest(r.headers) WITH ORDINALITY u(h, o)
        WHERE r.i BETWEEN since AND until),
      array_agg(cardinality(headers) ORDER BY i), array_agg(body ORDER BY i), array_agg(peer ORDER BY i)))
    FROM request WHERE i BETWEEN since AND until;
END;

CREATE FUNCTION pg_temp.one_by_one(since int, until int) RETURNS text LANGUAGE sql
BEGIN ATOMIC
  SELECT pg_temp.said(array_send(array_agg(wazo_auth.http(method, target, headers, body, peer) ORDER BY i)))
    FROM request WHERE i BETWEEN since AND until;
END;

SELECT is(pg_temp.batch(1, i), pg_temp.one_by_one(1, i), 'up to ' || method || ' ' || regexp_replace(target, '[0-9a-f]{8}-[0-9a-f-]+', '...'))
  FROM request ORDER BY i;
SELECT is(pg_temp.batch(3, 3), pg_temp.one_by_one(3, 3), 'one alone');
SELECT is(wazo_auth.http_batch('{}', '{}', '{}', '{}', '{}', '{}'), array_send('{}'::wazo_auth.http_response[]), 'none');

SELECT throws_ok($$SELECT wazo_auth.http_batch('{GET}', '{/a,/b}', '{}', '{0}', '{NULL}', '{NULL}')$$, '2202E');
SELECT throws_ok($$SELECT wazo_auth.http_batch('{GET}', '{/a}', '{Host,x}', '{0}', '{NULL}', '{NULL}')$$, '2202E');
SELECT throws_ok($$SELECT wazo_auth.http_batch('{GET}', '{/a}', '{Host}', '{1}', '{NULL}', '{NULL}')$$, '2202E');
SELECT throws_ok($$SELECT wazo_auth.http_batch('{GET}', '{NULL}', '{}', '{0}', '{NULL}', '{NULL}')$$, '22004');
SELECT throws_ok($$SELECT wazo_auth.http_batch(array_fill('GET'::text, '{65}'), array_fill('/a'::text, '{65}'), '{}',
  array_fill(0, '{65}'), array_fill(NULL::bytea, '{65}'), array_fill(NULL::text, '{65}'))$$, '54000');

-- what they share while it runs ends with it, by an error too
SELECT throws_ok(format($$SELECT wazo_auth.http_batch('{HEAD,HEAD}', '{/0.1/token/%1$s,/0.1/token/%1$s}', '{}', '{0,2}', '{NULL,NULL}', '{NULL,NULL}')$$,
  :'token'), '2202E', NULL, 'an error after the first');
SELECT is(pg_temp.batch(1, 3), pg_temp.one_by_one(1, 3), 'and the next batch is answered');

SELECT * FROM finish();
ROLLBACK;
