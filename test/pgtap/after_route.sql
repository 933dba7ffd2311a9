-- What follows a route: called after each answer, kept whatever became of the
-- handler.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();
SELECT count(wazo_auth.bootstrap()) AS made \gset
CREATE SCHEMA hook;
CREATE TABLE hook.seen (line text);
CREATE FUNCTION hook.handler(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO hook.seen VALUES ('handler ' || (request.query ->> 'do'));
  CASE request.query ->> 'do' WHEN 'error' THEN PERFORM 1 / 0; WHEN 'refuse' THEN PERFORM wazo_auth.raise_error(409, 'no'); WHEN 'later' THEN PERFORM wazo_auth.raise_try_later('later', 7); ELSE END CASE;
  RETURN wazo_auth.json_response('{}', 201);
END $$;
CREATE FUNCTION hook.after(request wazo_auth.http_request, status integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO hook.seen VALUES (format('after %s %s %s', request.query ->> 'do', status, request.peer));
  IF request.query ->> 'do' = 'break' THEN RAISE 'broken'; END IF;
END $$;
SELECT throws_ok($$SELECT wazo_auth.add_after_route('GET', '/0.1/hooked', 'hook.handler')$$, '42883', NULL, 'a function that is not there');
SELECT wazo_auth.add_route('GET', '/0.1/hooked', 'hook.handler', 'hooked', public => true), wazo_auth.add_after_route('GET', '/0.1/hooked', 'hook.after');
CREATE FUNCTION pg_temp.hooked(method text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_status integer;
BEGIN
  DELETE FROM hook.seen;
  v_status := (wazo_auth.http(method, '/0.1/hooked?do=' || what, '{}', NULL, '192.0.2.60')).status;
  RETURN concat_ws(', ', v_status, (SELECT string_agg(s.line, ', ') FROM hook.seen s));
END $$;
SELECT is(pg_temp.hooked('GET', 'well'), '201, handler well, after well 201 192.0.2.60', 'what follows a route is told the answer');
SELECT is(pg_temp.hooked('GET', 'refuse'), '409, after refuse 409 192.0.2.60', 'and stays when the handler is rolled back');
SELECT is(pg_temp.hooked('GET', 'later'), '429, after later 429 192.0.2.60', 'likewise');
SELECT is(pg_temp.hooked('GET', 'break'), '201, handler break', 'its own failure is nobody''s');
SELECT is(pg_temp.hooked('HEAD', 'well'), '201', 'HEAD leaves nothing');
UPDATE wazo_auth.after_route SET statuses = '{409,500}' WHERE path = '/0.1/hooked';
-- which has the routes read again
UPDATE wazo_auth.route SET summary = 'hooked' WHERE path = '/0.1/hooked';
SELECT is(pg_temp.hooked('GET', what), answers, 'after some statuses only: ' || what)
FROM (VALUES ('well', '201, handler well'), ('refuse', '409, after refuse 409 192.0.2.60'), ('later', '429')) t (what, answers);
SET client_min_messages = error;
SELECT is(pg_temp.hooked('GET', 'error'), '500, after error 500 192.0.2.60', 'a failure of ours');
DROP FUNCTION hook.after;
SELECT is((wazo_auth.http('GET', '/0.1/hooked')).status, 500, 'a route without what is to follow it is not served');

SELECT is_empty($$SELECT a.* FROM wazo_auth.after_route a WHERE a.path <> '/0.1/hooked' AND NOT EXISTS (SELECT FROM wazo_auth.route r WHERE r.method = a.method AND r.path = a.path)$$,
                'each follows a route that there is');

SELECT * FROM finish();
ROLLBACK;
