-- front_echo.sql: a wazo_auth.http() that tells what it was given, for the tests of the HTTP front.
-- The path chooses what it does besides; everything else is the real front and a real server.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
CREATE SCHEMA wazo_auth;
CREATE TYPE wazo_auth.http_response AS (status integer, headers text[], body bytea);

-- a violation shows itself at the commit only
CREATE TABLE wazo_auth.parent (id integer PRIMARY KEY);
CREATE TABLE wazo_auth.child (id integer REFERENCES wazo_auth.parent DEFERRABLE INITIALLY DEFERRED);
-- what was executed, and committed
CREATE TABLE wazo_auth.done (target text, at timestamptz DEFAULT clock_timestamp());

-- how many requests came together
CREATE TABLE wazo_auth.batch (n integer);

CREATE FUNCTION wazo_auth.http(method text, target text, headers text[] DEFAULT '{}', body bytea DEFAULT NULL,
  peer text DEFAULT NULL) RETURNS wazo_auth.http_response LANGUAGE plpgsql AS $$
DECLARE
  path text := split_part(target, '?', 1);
  arg text := split_part(path, '/', 3);
  answer wazo_auth.http_response;
BEGIN
  -- waits until the test lets it go on
  IF split_part(target, '?', 2) LIKE 'lock%' THEN
    PERFORM pg_advisory_xact_lock_shared(7);
    INSERT INTO wazo_auth.done VALUES (target);
  END IF;
  IF target LIKE '/0.1/token/%?raise' THEN
    RAISE EXCEPTION 'for its own request';
  END IF;
  IF target LIKE '%?backend' THEN
    RETURN (200, '{}'::text[], convert_to(pg_backend_pid()::text, 'UTF8'))::wazo_auth.http_response;
  END IF;
  IF path LIKE '/0.1/token/%' THEN
    answer.status := CASE WHEN method = 'HEAD' THEN 204 ELSE 200 END;
    answer.headers := ARRAY['Content-Type', 'application/json'];
    answer.body := CASE WHEN method = 'HEAD' THEN NULL ELSE convert_to(path, 'UTF8') END;
    RETURN answer;
  END IF;
  IF headers @> '{Wazo-Auth-Quick-Only,X-Long}' THEN
    RETURN (421, '{}'::text[], ''::bytea)::wazo_auth.http_response;
  END IF;
  CASE split_part(path, '/', 2)
    WHEN 'sleep' THEN
      PERFORM pg_sleep(arg::float);
      INSERT INTO wazo_auth.done VALUES (target);
      answer := (200, ARRAY['Content-Type', 'text/plain'], 'slept'::bytea);
    WHEN 'raise' THEN
      RAISE EXCEPTION 'a secret: %', target USING ERRCODE = arg;
    WHEN 'big' THEN
      answer := (200, ARRAY['Content-Type', 'text/plain'], convert_to(repeat('x', arg::integer), 'UTF8'));
    WHEN 'status' THEN
      answer := (arg::integer, ARRAY['Content-Type', 'application/json'], '{}'::bytea);
    WHEN 'length' THEN
      answer := (200, ARRAY['Content-Length', arg], CASE WHEN method = 'HEAD' THEN NULL ELSE convert_to(repeat('y', 7), 'UTF8') END);
    WHEN 'split' THEN
      answer := (200, ARRAY['X-Bad', E'a\r\nSet-Cookie: stolen=1'], 'x'::bytea);
    WHEN 'splitname' THEN
      answer := (200, ARRAY[E'X-Bad: y\r\nSet-Cookie', 'stolen'], 'x'::bytea);
    WHEN 'odd' THEN
      answer := (200, ARRAY['X-Only-Name'], 'x'::bytea);
    WHEN 'headers' THEN
      answer := (200, ARRAY['Content-Type', 'application/json', 'Connection', 'close', 'Transfer-Encoding', 'chunked',
        'Content-Length', '99', 'Access-Control-Allow-Origin', 'http://other', 'X-Kept', 'yes'], '{}'::bytea);
    WHEN 'null' THEN
      RETURN NULL;
    WHEN 'commit' THEN
      INSERT INTO wazo_auth.child VALUES (1);
      answer := (200, '{}', 'not committed'::bytea);
    ELSE
      answer := (200, ARRAY['Content-Type', 'application/json'], convert_to(json_build_object(
        'method', method, 'target', target, 'headers', headers, 'body', encode(body, 'hex'), 'peer', peer)::text, 'UTF8'));
  END CASE;
  IF method = 'HEAD' THEN
    IF NOT 'Content-Length' = ANY (answer.headers) THEN
      answer.headers := answer.headers || ARRAY['Content-Length', length(answer.body)::text];
    END IF;
    answer.body := NULL;
  END IF;
  RETURN answer;
END $$;

-- What a front says at its start; which database is live is no matter here.
CREATE FUNCTION wazo_auth.go_live() RETURNS boolean LANGUAGE sql BEGIN ATOMIC SELECT false; END;

CREATE FUNCTION wazo_auth.http_batch(methods text[], targets text[], headers text[], header_counts integer[],
  bodies bytea[], peers text[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  answers wazo_auth.http_response[];
  used integer := 0;
BEGIN
  INSERT INTO wazo_auth.batch VALUES (cardinality(methods));
  FOR i IN 1 .. cardinality(methods) LOOP
    answers[i] := wazo_auth.http(methods[i], targets[i], headers[used + 1 : used + header_counts[i]], bodies[i], peers[i]);
    used := used + header_counts[i];
  END LOOP;
  IF used <> cardinality(headers) THEN
    RAISE EXCEPTION 'the headers do not fit the counts';
  END IF;
  RETURN array_send(answers);
END $$;
