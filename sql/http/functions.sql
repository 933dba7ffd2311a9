CREATE OR REPLACE FUNCTION wazo_auth.forget_cached() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_forget_cached';
COMMENT ON FUNCTION wazo_auth.forget_cached() IS
'Statement trigger on the tables that every backend keeps in a cache (routes, settings, shapes of requests): makes '
'all backends read them again.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_error(
  status integer, message text, error_id text DEFAULT NULL, details json DEFAULT NULL, resource text DEFAULT NULL,
  answer json DEFAULT NULL)
RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_error';
COMMENT ON FUNCTION wazo_auth.raise_error(integer, text, text, json, text, json) IS
'Raises the error of an HTTP status (400 to 599): SQLSTATE WAnnn. Without error_id the answer has the shape '
'{"reason": [message], ...}, with it {"message", "error_id", "details", "timestamp", "resource"}, with "answer" in '
'the place of the message if it is given. Do not put secrets into any argument.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_try_later(message text, seconds integer) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_try_later';
COMMENT ON FUNCTION wazo_auth.raise_try_later(text, integer) IS
'Raises WA429 for what is refused until so many seconds have passed, at least one; the answer of HTTP says so in the '
'header Retry-After.';

CREATE OR REPLACE FUNCTION wazo_auth.ascii(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_ascii';
COMMENT ON FUNCTION wazo_auth.ascii(text) IS
'The text without marks and without what has no ASCII counterpart, as messages of the token routes show it (contract: '
'errors.md section 6).';

CREATE OR REPLACE FUNCTION wazo_auth.python_repr(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_python_repr';
COMMENT ON FUNCTION wazo_auth.python_repr(text) IS
'The text in quotes as Python''s repr() shows it, for messages that clients know.';

CREATE OR REPLACE FUNCTION wazo_auth.basic_credentials(header text, OUT login text, OUT password text)
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_basic_credentials';
COMMENT ON FUNCTION wazo_auth.basic_credentials(text) IS
'Login and password of an Authorization header with the scheme Basic; both null when there are none. Raises WA400 for '
'bad base64 padding.';

CREATE OR REPLACE FUNCTION wazo_auth.http_header(request wazo_auth.http_request, name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_http_header';
COMMENT ON FUNCTION wazo_auth.http_header(wazo_auth.http_request, text) IS
'Value of the first request header of that name, whatever its case; null when there is none.';

CREATE OR REPLACE FUNCTION wazo_auth.json_response(body json, status integer DEFAULT 200, headers text[] DEFAULT '{}')
RETURNS wazo_auth.http_response
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_json_response';
COMMENT ON FUNCTION wazo_auth.json_response(json, integer, text[]) IS
'What a handler returns for a JSON body; written as ASCII with a final newline (contract: responses.md section 1). '
'headers: further ones, name and value in turn.';

CREATE OR REPLACE FUNCTION wazo_auth.no_content() RETURNS wazo_auth.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT ROW(204, ARRAY['Content-Type', 'application/json'], NULL)::wazo_auth.http_response;
END;
COMMENT ON FUNCTION wazo_auth.no_content() IS
'What a handler returns when it has done its work and has nothing to say: status 204.';

CREATE OR REPLACE FUNCTION wazo_auth.http(
  method text, target text, headers text[] DEFAULT '{}', body bytea DEFAULT NULL, peer text DEFAULT NULL)
RETURNS wazo_auth.http_response
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_http';
COMMENT ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) IS
'Answers one request of the REST API. target: path and query as sent. headers: name, value, name, value. peer: '
'address of the client. Of a good traceparent application_name has the trace until the end of the transaction; '
'Wazo-Auth-Tell-Route asks for the template of the route, as header Wazo-Auth-Route; Wazo-Auth-Quick-Only for 421 in '
'place of an answer that may take its time to make. Errors are answers; only a cancelled statement, a null method, '
'target or header (22004) or a header without a value (22023) raises one. Needs no right to any table.';

CREATE OR REPLACE FUNCTION wazo_auth.http_batch(
  methods text[], targets text[], headers text[], header_counts integer[], bodies bytea[], peers text[])
RETURNS bytea
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_http_batch';
COMMENT ON FUNCTION wazo_auth.http_batch(text[], text[], text[], integer[], bytea[], text[]) IS
'What wazo_auth.http() answers to each of at most 64 requests, in their order and in one transaction, as array_send() '
'would send it; for a front that sends together what came in together. headers: those of all requests one behind the '
'other; header_counts: how many elements of them, names and values, belong to each. Raises as wazo_auth.http() does, '
'2202E when the arrays do not fit together and 54000 for more requests.';

CREATE OR REPLACE FUNCTION wazo_auth.raw_query() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_raw_query';
COMMENT ON FUNCTION wazo_auth.raw_query() IS
'Query string of the request that wazo_auth.http() is answering, as it was sent, for who checks a signature over it; '
'null without one.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unauthorized(required_access text DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_unauthorized';
COMMENT ON FUNCTION wazo_auth.raise_unauthorized(text) IS
'Raises WA401 unauthorized, with the token that the caller sent and the access that it lacks, for a check that '
'refuses.';

CREATE OR REPLACE FUNCTION wazo_auth.caller_acl() RETURNS wazo_auth.acl
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_caller_acl';
COMMENT ON FUNCTION wazo_auth.caller_acl() IS
'The ACL of the token of the request that wazo_auth.http() is answering; null without a token.';

CREATE OR REPLACE FUNCTION wazo_auth.add_check(
  name text, function text, statuses integer[], description text, judges boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  judges := COALESCE(judges, false);
  INSERT INTO wazo_auth.check (name, function, statuses, description, judges, shipped)
  VALUES (name, function, statuses, description, judges, wazo_auth.in_extension_script());
END
$$;
COMMENT ON FUNCTION wazo_auth.add_check(text, text, integer[], text, boolean) IS
'Makes a check known, so that routes can name it; the arguments are the columns of wazo_auth.check. Raises 23505 for '
'one that is there.';

CREATE OR REPLACE FUNCTION wazo_auth.route_shape(path text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN regexp_replace(regexp_replace(path, '\{\w*uuid\}', '<uuid>', 'g'), '\{\w+\}', '<any>', 'g');
END
$$;
COMMENT ON FUNCTION wazo_auth.route_shape(text) IS
'A path template without the names of its parameters: templates of one shape mean the same requests.';

CREATE OR REPLACE FUNCTION wazo_auth.check_route(route wazo_auth.route, replaces boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_name text := route.method || ' ' || route.path;
  v_check text;
BEGIN
  IF route.public IS DISTINCT FROM (route.access IS NULL) THEN
    RAISE EXCEPTION 'the route % has % access', v_name, CASE WHEN route.public THEN 'both public => true and an'
      ELSE 'no' END
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give it the access that a token must grant, or say public => true if everybody may use it.';
  END IF;
  SELECT c.name INTO v_check FROM unnest(route.checks) c (name)
  WHERE NOT EXISTS (SELECT FROM wazo_auth.all_checks k WHERE k.name = c.name);
  IF FOUND THEN
    RAISE EXCEPTION 'there is no check "%" for the route %', v_check, v_name
      USING ERRCODE = 'undefined_object', HINT = 'See SELECT name, description FROM wazo_auth.check.';
  END IF;
  IF route.method NOT IN ('GET', 'HEAD') AND (route.changes_no_access IS NULL)
     <> EXISTS (SELECT FROM wazo_auth.check k WHERE k.name = ANY (route.checks) AND k.judges) THEN
    RAISE EXCEPTION 'the route % must either judge what its caller gives and takes or say why it changes no access',
      v_name
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Add a check (SELECT name, description FROM wazo_auth.check '
              'WHERE judges), or say changes_no_access => why.';
  END IF;
  IF NOT replaces AND EXISTS (SELECT FROM wazo_auth.route r
                              WHERE r.method = route.method AND wazo_auth.route_shape(r.path) =
                                wazo_auth.route_shape(route.path)
                                AND (r.shipped OR NOT route.shipped)) THEN
    RAISE EXCEPTION 'the route % is there already', v_name
      USING ERRCODE = 'duplicate_object', HINT = 'Say replaces => true if it is to take the place of that one.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_route(wazo_auth.route, boolean) IS
'Raises 22023 for a route that is open by an oversight or leaves unsaid whether it changes what anybody may do, 42704 '
'for an unknown check, 42710 for one that is there and is not to be replaced.';

CREATE OR REPLACE FUNCTION wazo_auth.add_route(
  method text, path text, handler text, plugin text,
  access text DEFAULT NULL, checks text[] DEFAULT '{}',
  query_schema text DEFAULT NULL, body_schema text DEFAULT NULL,
  token_from text DEFAULT 'header', summary text DEFAULT NULL,
  success integer DEFAULT 200, errors integer[] DEFAULT '{}',
  public boolean DEFAULT false, changes_no_access text DEFAULT NULL, replaces boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_route wazo_auth.route;
BEGIN
  checks := COALESCE(checks, '{}'::text[]);
  token_from := COALESCE(token_from, 'header');
  success := COALESCE(success, 200);
  errors := COALESCE(errors, '{}'::integer[]);
  public := COALESCE(public, false);
  v_route.method := method;
  v_route.path := path;
  v_route.handler := handler;
  v_route.access := access;
  v_route.public := public;
  v_route.token_from := token_from;
  v_route.checks := checks;
  v_route.query_schema := query_schema;
  v_route.body_schema := body_schema;
  v_route.plugin := plugin;
  v_route.summary := summary;
  v_route.success := success;
  v_route.errors := errors;
  v_route.changes_no_access := changes_no_access;
  v_route.shipped := wazo_auth.in_extension_script();
  PERFORM wazo_auth.check_route(v_route, replaces);
  DELETE FROM wazo_auth.route r
  WHERE r.method = v_route.method AND wazo_auth.route_shape(r.path) = wazo_auth.route_shape(v_route.path)
    AND r.shipped = v_route.shipped;
  INSERT INTO wazo_auth.route SELECT v_route.*;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_route(
  text, text, text, text, text, text[], text, text, text, text, integer, integer[], boolean, text, boolean) IS
'Adds a route. handler: schema.function of a function (wazo_auth.http_request) returning wazo_auth.http_response. '
'plugin: name that the setting enabled_http_plugins can turn off. replaces: it takes the place of the one of this '
'method and path; a shipped one comes back when the row is deleted. The other arguments are columns of '
'wazo_auth.route. Served by all connections as soon as this commits. Raises what wazo_auth.check_route() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.add_after_route(
  method text, path text, function text, statuses integer[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF to_regprocedure(function || '(wazo_auth.http_request, integer)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(wazo_auth.http_request, integer)', function
      USING ERRCODE = 'undefined_function';
  END IF;
  INSERT INTO wazo_auth.after_route (method, path, function, statuses) VALUES (method, path, function, statuses);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_after_route(text, text, text, integer[]) IS
'Has a function called after each answer of a route, or after those of some statuses: schema.function of a function '
'(wazo_auth.http_request, integer), told the status. What it writes stays, whatever the answer was; when it fails, '
'the log says so and the answer goes out all the same. Raises 42883 for a function that is not there, 23505 for a '
'route that has one.';

-- An upgrade registers the checks and routes of its version from here on.
DELETE FROM wazo_auth.route WHERE shipped;
DELETE FROM wazo_auth.after_route;
DELETE FROM wazo_auth.check WHERE shipped;
