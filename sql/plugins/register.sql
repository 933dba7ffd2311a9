-- One function for each kind that can be registered; wazo_auth.store_registration()
-- has the rules that all share.

CREATE OR REPLACE FUNCTION wazo_auth.register_idp_for(
  caller oid, name text, function text, priority numeric, backend text, keeps_passwords boolean, role text,
  time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'idp', name, function, jsonb_build_object(
    'priority', COALESCE(priority, 100), 'backend', backend, 'keeps_passwords', COALESCE(keeps_passwords, false)),
    role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_idp_for(oid, text, text, numeric, text, boolean, text, interval) IS
'wazo_auth.register_idp() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_idp(
  name text, function text, priority numeric DEFAULT 100, backend text DEFAULT NULL,
  keeps_passwords boolean DEFAULT false, role text DEFAULT NULL, time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_idp(text, text, numeric, text, boolean, text, interval) IS
'Registers an identity provider: while the setting idp_plugins enables it, logins are put to its function '
'(wazo_auth.login_attempt) returning wazo_auth.login_answer, the lowest priority first, and it can be the '
'authentication method of users and tenants. backend: name for GET /backends; a registered backend of that name gives '
'metadata and accesses. keeps_passwords: those of its users are not changed here. Raises what '
'wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.register_mail_sender_for(
  caller oid, name text, function text, role text, time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'mail_sender', name, function, '{}'::jsonb, role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_mail_sender_for(oid, text, text, text, interval) IS
'wazo_auth.register_mail_sender() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_mail_sender(
  name text, function text, role text DEFAULT NULL, time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_mail_sender(text, text, text, interval) IS
'Registers a function (kind text, context jsonb) that sends mail in place of SMTP once the setting '
'email_notification_plugin is that name. It runs in the transaction that takes the mail from the outbox; an error '
'means that it is tried again. kind: email_confirmation or password_reset; context: token, username, email_address, '
'email_uuid or user_uuid, hostname, port, prefix, public_url. Raises what wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.register_route_for(
  caller oid, method text, path text, function text, access text, checks text[], query_schema text, body_schema text,
  token_from text, summary text, success integer, errors integer[], public boolean, changes_no_access text, plugin text,
  role text, time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'route', concat(method, ' ', path), function,
    jsonb_strip_nulls(jsonb_build_object(
      'access', access, 'checks', COALESCE(checks, '{}'::text[]), 'query_schema', query_schema,
      'body_schema', body_schema, 'token_from', CASE token_from WHEN 'query' THEN token_from END, 'summary', summary,
      'success', COALESCE(success, 200), 'errors', COALESCE(errors, '{}'::integer[]),
      'public', COALESCE(public, false), 'changes_no_access', changes_no_access,
      'plugin', COALESCE(plugin, split_part(function, '.', 1)))),
    role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_route_for(
  oid, text, text, text, text, text[], text, text, text, text, integer, integer[], boolean, text, text, text,
  interval) IS
'wazo_auth.register_route() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_route(
  method text, path text, function text, access text DEFAULT NULL, checks text[] DEFAULT '{}',
  query_schema text DEFAULT NULL, body_schema text DEFAULT NULL, token_from text DEFAULT 'header',
  summary text DEFAULT NULL, success integer DEFAULT 200, errors integer[] DEFAULT '{}', public boolean DEFAULT false,
  changes_no_access text DEFAULT NULL, plugin text DEFAULT NULL, role text DEFAULT NULL,
  time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_route(
  text, text, text, text, text[], text, text, text, text, integer, integer[], boolean, text, text, text, interval) IS
'Registers a route: its function (wazo_auth.http_request) returning wazo_auth.http_response answers requests of this '
'method and path, below /0.1 for example; {x_uuid} takes a UUID, {x} any segment. It must not take requests of '
'another route. The other arguments are columns of wazo_auth.route; plugin: by default the schema of the function. '
'Errors of class WA (wazo_auth.raise_error()) are answers, others 500 or, out of time, 503. Raises what '
'wazo_auth.store_registration() and wazo_auth.check_registered_route() raise.';

CREATE OR REPLACE FUNCTION wazo_auth.register_check_for(
  caller oid, name text, function text, statuses integer[], description text, role text, time_limit interval)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'check', name, function, jsonb_build_object(
    'statuses', COALESCE(statuses, '{}'::integer[]), 'description', description), role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_check_for(oid, text, text, integer[], text, text, interval) IS
'wazo_auth.register_check() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_check(
  name text, function text, statuses integer[], description text, role text DEFAULT NULL,
  time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_check(text, text, integer[], text, text, interval) IS
'Registers a check that registered routes may name: a function (wazo_auth.http_request) that raises an error of class '
'WA or returns; one that returns jsonb adds its object to params. statuses and description: for the API''s '
'description. Raises what wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.register_backend_for(
  caller oid, name text, function text, acl text, metadata text, persistent_metadata text, adopts boolean, role text,
  time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_part record;
BEGIN
  PERFORM wazo_auth.unregister_for(caller, 'backend', name);
  PERFORM wazo_auth.store_registration(caller, 'backend', name, function,
    jsonb_build_object('adopts', COALESCE(adopts, false)), role, time_limit);
  FOR v_part IN
    SELECT p.kind, p.function FROM (VALUES ('backend_acl', acl), ('backend_metadata', metadata),
      ('backend_persistent_metadata', persistent_metadata)) p (kind, function) WHERE p.function IS NOT NULL
  LOOP
    PERFORM wazo_auth.store_registration(caller, v_part.kind, name, v_part.function, '{}'::jsonb, role, time_limit);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_backend_for(oid, text, text, text, text, text, boolean, text, interval) IS
'wazo_auth.register_backend() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_backend(
  name text, function text, acl text DEFAULT NULL, metadata text DEFAULT NULL, persistent_metadata text DEFAULT NULL,
  adopts boolean DEFAULT false, role text DEFAULT NULL, time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_backend(text, text, text, text, text, boolean, text, interval) IS
'Registers a backend: while the setting enabled_backend_plugins has it as true, its function (login text, password '
'text, args jsonb) returning jsonb is asked about each native login that is not one by a password kept here; an object '
'means yes, for a user that has no password here. adopts: the password is kept here from then on. acl (login, args) '
'returning text[], metadata and persistent_metadata (login, args) returning jsonb: functions for accesses and metadata '
'of tokens and refresh tokens of logins by it, or by an identity provider that names it. args: the request without '
'secrets, and the object. Raises what wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.register_metadata_for(
  caller oid, name text, function text, persistent text, role text, time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.unregister_for(caller, 'metadata', name);
  PERFORM wazo_auth.store_registration(caller, 'metadata', name, function, '{}'::jsonb, role, time_limit);
  IF persistent IS NOT NULL THEN
    PERFORM wazo_auth.store_registration(caller, 'persistent_metadata', name, persistent, '{}'::jsonb, role,
      time_limit);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_metadata_for(oid, text, text, text, text, interval) IS
'wazo_auth.register_metadata() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_metadata(
  name text, function text, persistent text DEFAULT NULL, role text DEFAULT NULL,
  time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_metadata(text, text, text, text, interval) IS
'Registers metadata: for users of a purpose that the setting purpose_metadata_mapping gives this name, its function '
'(login text, user_uuid uuid, args jsonb) returning jsonb adds to the metadata of their tokens; persistent likewise '
'to those of refresh tokens. What the service itself says of the user stays. Raises what '
'wazo_auth.store_registration() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.register_external_auth_type_for(
  caller oid, name text, function text, plugin_info jsonb, role text, time_limit interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.store_registration(caller, 'external_auth_type', name, function,
    jsonb_build_object('plugin_info', COALESCE(plugin_info, '{}'::jsonb)), role, time_limit);
END
$$;
COMMENT ON FUNCTION wazo_auth.register_external_auth_type_for(oid, text, text, jsonb, text, interval) IS
'wazo_auth.register_external_auth_type() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.register_external_auth_type(
  name text, function text DEFAULT NULL, plugin_info jsonb DEFAULT '{}', role text DEFAULT NULL,
  time_limit interval DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.register_external_auth_type(text, text, jsonb, text, interval) IS
'Registers a kind of external accounts: GET /users/{user_uuid}/external lists it, with plugin_info and, of the data of '
'the user, what its function (jsonb) returning jsonb leaves; nothing without one. Its own routes are registered beside '
'it, and come to the data by wazo_auth.own_external_auth() and the like. Raises what wazo_auth.store_registration() '
'raises.';
