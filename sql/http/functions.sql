CREATE OR REPLACE FUNCTION wazo_auth.forget_cached() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_forget_cached';
COMMENT ON FUNCTION wazo_auth.forget_cached() IS
'Statement trigger on the tables that every backend keeps compiled (routes, settings): makes all backends read them again.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_error(
  status integer, message text, error_id text DEFAULT NULL, details json DEFAULT NULL, resource text DEFAULT NULL,
  answer json DEFAULT NULL)
RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_raise_error';
COMMENT ON FUNCTION wazo_auth.raise_error(integer, text, text, json, text, json) IS
'Raises the error of an HTTP status (400 to 599): SQLSTATE WAnnn. Without error_id the answer has the shape '
'{"reason": [message], ...}, with it {"message", "error_id", "details", "timestamp", "resource"}, with "answer" in '
'the place of the message if it is given. Do not put secrets into any argument.';

CREATE OR REPLACE FUNCTION wazo_auth.ascii(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_ascii';
COMMENT ON FUNCTION wazo_auth.ascii(text) IS
'The text without marks and without what has no ASCII counterpart, as messages of the token routes show it (contract: errors.md section 6).';

CREATE OR REPLACE FUNCTION wazo_auth.basic_credentials(header text, OUT login text, OUT password text)
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_basic_credentials';
COMMENT ON FUNCTION wazo_auth.basic_credentials(text) IS
'Login and password of an Authorization header with the scheme Basic; both null when there are none. Raises WA400 for bad base64 padding.';

CREATE OR REPLACE FUNCTION wazo_auth.http_header(request wazo_auth.http_request, name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_http_header';
COMMENT ON FUNCTION wazo_auth.http_header(wazo_auth.http_request, text) IS
'Value of the first request header of that name, whatever its case; null when there is none.';

CREATE OR REPLACE FUNCTION wazo_auth.json_response(body json, status integer DEFAULT 200, headers text[] DEFAULT '{}')
RETURNS wazo_auth.http_response
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_json_response';
COMMENT ON FUNCTION wazo_auth.json_response(json, integer, text[]) IS
'What a handler returns for a JSON body; written as ASCII with a final newline (contract: responses.md section 1). headers: further ones, name and value in turn.';

CREATE OR REPLACE FUNCTION wazo_auth.no_content() RETURNS wazo_auth.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT ROW(204, ARRAY['Content-Type', 'application/json'], NULL)::wazo_auth.http_response;
END;
COMMENT ON FUNCTION wazo_auth.no_content() IS 'What a handler returns when it has done its work and has nothing to say: status 204.';

CREATE OR REPLACE FUNCTION wazo_auth.http(
  method text, target text, headers text[] DEFAULT '{}', body bytea DEFAULT NULL, peer text DEFAULT NULL)
RETURNS wazo_auth.http_response
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_http';
COMMENT ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) IS
'Answers one request of the REST API. target: path and query as sent. headers: name, value, name, value. peer: address of the client. Errors are answers; only a cancelled statement or a null method or target (22004) raises one. Needs no right to any table.';

CREATE OR REPLACE FUNCTION wazo_auth.user_in_sight(user_uuid uuid, tenant_uuid uuid, caller uuid) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_user_in_sight';
COMMENT ON FUNCTION wazo_auth.user_in_sight(uuid, uuid, uuid) IS
'Is the user in the tenant or below it, or the caller itself? The check "user" of routes, for users that the path does not name.';

CREATE OR REPLACE FUNCTION wazo_auth.add_route(
  method text, path text, handler text, plugin text,
  access text DEFAULT NULL, checks text[] DEFAULT '{}',
  query_schema text DEFAULT NULL, body_schema text DEFAULT NULL,
  token_from text DEFAULT 'header', summary text DEFAULT NULL,
  success integer DEFAULT 200, errors integer[] DEFAULT '{}')
RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO wazo_auth.route AS r (method, path, handler, plugin, access, checks, query_schema, body_schema, token_from, summary,
                                    success, errors, shipped)
  VALUES (add_route.method, add_route.path, add_route.handler, add_route.plugin, add_route.access, add_route.checks,
          add_route.query_schema, add_route.body_schema, add_route.token_from, add_route.summary,
          add_route.success, add_route.errors, wazo_auth.in_extension_script())
  ON CONFLICT (path, method, shipped) DO UPDATE
  SET handler = EXCLUDED.handler, plugin = EXCLUDED.plugin, access = EXCLUDED.access, checks = EXCLUDED.checks,
      query_schema = EXCLUDED.query_schema, body_schema = EXCLUDED.body_schema, token_from = EXCLUDED.token_from,
      summary = EXCLUDED.summary, success = EXCLUDED.success, errors = EXCLUDED.errors;
END;
COMMENT ON FUNCTION wazo_auth.add_route(text, text, text, text, text, text[], text, text, text, text, integer, integer[]) IS
'Adds a route, or replaces the one of the same method and path; a shipped one comes back when that row is deleted. handler: schema.function of a function (wazo_auth.http_request) returning wazo_auth.http_response. plugin: name that the setting enabled_http_plugins can turn off. The other arguments are columns of wazo_auth.route. Served by all connections as soon as this commits.';
