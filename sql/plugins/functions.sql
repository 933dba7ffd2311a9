-- Functions that others add to the service: what is registered, by whom, and
-- how it is called (docs/plugins.md).

CREATE OR REPLACE FUNCTION wazo_auth.plugin_kinds(
  OUT kind text, OUT arguments text, OUT results text[], OUT time_limit interval, OUT description text)
RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE ROWS 12 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES
    ('backend', 'text,text,jsonb', '{jsonb}'::text[], '5 seconds'::interval,
     'is this the password of this login? An object for yes, null for no'),
    ('backend_acl', 'text,jsonb', '{text[]}', '5 seconds', 'accesses for the token of a login through the backend'),
    ('backend_metadata', 'text,jsonb', '{jsonb}', '5 seconds', 'metadata for it'),
    ('backend_persistent_metadata', 'text,jsonb', '{jsonb}', '5 seconds', 'metadata for its refresh token'),
    ('check', 'wazo_auth.http_request', '{void,jsonb}', '5 seconds', 'raises an error, or finds further params'),
    ('external_auth_type', 'jsonb', '{jsonb}', '5 seconds', 'what of a user''s data a list may show'),
    ('idp', 'wazo_auth.login_attempt', '{wazo_auth.login_answer}', '5 seconds', 'whose login is this?'),
    ('mail_sender', 'text,jsonb', NULL, '30 seconds', 'sends a mail of this kind, with these variables'),
    ('metadata', 'text,uuid,jsonb', '{jsonb}', '5 seconds', 'metadata for a token of this user'),
    ('oauth2_callback', 'uuid,jsonb,jsonb', NULL, '5 seconds', 'gets what a provider sent this user back with'),
    ('persistent_metadata', 'text,uuid,jsonb', '{jsonb}', '5 seconds', 'metadata for a refresh token of this user'),
    ('route', 'wazo_auth.http_request', '{wazo_auth.http_response}', '5 seconds', 'answers a request');
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_kinds() IS
'The kinds of functions that can be registered: the types of their arguments, the types that they may return (null: '
'any), how long a call may take unless the registration says otherwise, and what they do.';

CREATE OR REPLACE FUNCTION wazo_auth.registered_names() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_object_agg(k.kind, k.names), '{}'::jsonb)
    FROM (SELECT g.kind, jsonb_agg(DISTINCT g.name) AS names FROM wazo_auth.registration g GROUP BY g.kind) k);
END
$$;
COMMENT ON FUNCTION wazo_auth.registered_names() IS
'The names of what is registered, an array for each kind. Read anew at every call; ask registered().';

CREATE OR REPLACE FUNCTION wazo_auth.registered(kind text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_registered';
COMMENT ON FUNCTION wazo_auth.registered(text) IS
'The names of what is registered of this kind, an array, or null where there is nothing. Kept by the backend until a '
'registration changes.';

CREATE OR REPLACE FUNCTION wazo_auth.registration_state(
  registration wazo_auth.registration, OUT state text, OUT function_oid oid, OUT role_oid oid)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_superuser boolean;
  v_results text[];
  v_function pg_proc;
BEGIN
  state := 'ok';
  IF registration.shipped THEN
    SELECT e.extowner INTO role_oid FROM pg_extension e WHERE e.extname = 'wazo_auth';
  ELSE
    SELECT r.oid, r.rolsuper INTO role_oid, v_superuser FROM pg_roles r WHERE r.rolname = registration.role;
    IF NOT FOUND THEN
      state := 'role missing';
    ELSIF v_superuser OR NOT pg_has_role(role_oid, 'wazo_auth_plugin', 'USAGE') THEN
      state := 'role not allowed';
    END IF;
  END IF;
  IF registration.function IS NULL THEN
    RETURN;
  END IF;
  function_oid := to_regprocedure(registration.function);
  SELECT k.results INTO v_results FROM wazo_auth.plugin_kinds() k WHERE k.kind = registration.kind;
  SELECT p.* INTO v_function FROM pg_proc p WHERE p.oid = function_oid;
  IF function_oid IS NULL THEN
    state := 'function missing';
  ELSIF v_function.prokind <> 'f' OR v_function.proretset
        OR v_function.prorettype <> ALL (
             COALESCE(v_results, ARRAY[v_function.prorettype::regtype::text])::regtype[]) THEN
    state := 'function differs';
  ELSIF state = 'ok' AND NOT has_function_privilege(role_oid, function_oid, 'EXECUTE') THEN
    state := 'not executable';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.registration_state(wazo_auth.registration) IS
'Can a registered function be called now? state: ok; function missing: it was dropped, or has not been restored yet; '
'function differs: it returns something else than its kind wants; role missing: the role was dropped or renamed; role '
'not allowed: it is no member of wazo_auth_plugin, or a superuser; not executable: the role may not execute the '
'function. Asked at each call.';

CREATE OR REPLACE FUNCTION wazo_auth.registration_states(
  OUT kind text, OUT name text, OUT function text, OUT role text, OUT time_limit interval, OUT options jsonb,
  OUT shipped boolean, OUT state text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT g.kind::text, g.name::text, g.function::text, g.role::text, g.time_limit, g.options, g.shipped,
         (wazo_auth.registration_state(g)).state
  FROM wazo_auth.registration g;
END
$$;
COMMENT ON FUNCTION wazo_auth.registration_states() IS
'The rows of wazo_auth.registration, each with its state, see wazo_auth.registration_state().';

CREATE OR REPLACE VIEW wazo_auth.registrations AS
SELECT s.kind, s.name, s.function, s.role, s.time_limit, s.options, s.shipped, s.state
FROM wazo_auth.registration_states() s;
COMMENT ON VIEW wazo_auth.registrations IS
'Functions that were added to the service. state: ok, or why they cannot be called, see '
'wazo_auth.registration_state(); the other columns are those of wazo_auth.registration';

CREATE OR REPLACE FUNCTION wazo_auth.registered_route(registration wazo_auth.registration) RETURNS wazo_auth.route
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_route wazo_auth.route;
BEGIN
  v_route.public := false;
  v_route.token_from := 'header';
  v_route.checks := '{}';
  v_route.success := 200;
  v_route.errors := '{}';
  v_route := jsonb_populate_record(v_route, registration.options);
  v_route.method := split_part(registration.name, ' ', 1);
  v_route.path := split_part(registration.name, ' ', 2);
  v_route.handler := registration.function;
  v_route.shipped := false;
  RETURN v_route;
END
$$;
COMMENT ON FUNCTION wazo_auth.registered_route(wazo_auth.registration) IS
'A registered route as a row of wazo_auth.route: its name is method and path, its options are other columns.';

CREATE OR REPLACE VIEW wazo_auth.all_routes AS
SELECT r AS route, NULL::text COLLATE "C" AS registration FROM wazo_auth.route r
UNION ALL
SELECT wazo_auth.registered_route(g), g.name FROM wazo_auth.registration g WHERE g.kind = 'route';
COMMENT ON VIEW wazo_auth.all_routes IS
'The routes of the service and those that others have registered. registration: name of the registration';

CREATE OR REPLACE VIEW wazo_auth.all_checks AS
SELECT c.name, c.function, c.statuses, c.description, c.judges, NULL::text COLLATE "C" AS registration
FROM wazo_auth.check c
UNION ALL
SELECT g.name, g.function,
  ARRAY(SELECT s::integer FROM pg_catalog.jsonb_array_elements_text(g.options -> 'statuses') s),
       g.options ->> 'description', false, g.name
FROM wazo_auth.registration g WHERE g.kind = 'check';
COMMENT ON VIEW wazo_auth.all_checks IS
'The checks of the service and those that others have registered. registration: name of the registration; the other '
'columns are those of wazo_auth.check';

-- One for each list of types of wazo_auth.plugin_kinds(), but for those that http() calls itself.
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin(
  kind text, name text, secrets text[], login text, password text, args jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin(
  kind text, name text, secrets text[], login text, user_uuid uuid, args jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin(
  kind text, name text, secrets text[], attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin(kind text, name text, secrets text[], data jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin_for_metadata(
  kind text, name text, secrets text[], login text, args jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin_for_acl(
  kind text, name text, secrets text[], login text, args jsonb) RETURNS text[]
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin_for_mail(
  kind text, name text, secrets text[], mail_kind text, context jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
CREATE OR REPLACE FUNCTION wazo_auth.call_plugin_for_oauth2(
  kind text, name text, secrets text[], user_uuid uuid, args jsonb, message jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_plugin';
DO $$
DECLARE
  v_function pg_catalog.regprocedure;
BEGIN
  FOR v_function IN
    SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'wazo_auth'::pg_catalog.regnamespace AND p.proname LIKE 'call\_plugin%'
  LOOP
    EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS %L', v_function,
      'Calls a registered function with what follows "secrets", as the role that it was registered for. secrets: what '
      'no message of it may show. Raises 42704 for an unknown one; 42883 when it cannot be called; 53400 when it has '
      'not ended in time; 38000 when it failed; 57014 when the statement was cancelled.');
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION wazo_auth.plugin_function(kind text, function text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_arguments text;
  v_found text;
BEGIN
  IF function IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT k.arguments INTO v_arguments FROM wazo_auth.plugin_kinds() k WHERE k.kind = plugin_function.kind;
  SELECT format('%I.%I(%s)', n.nspname, p.proname, v_arguments) INTO v_found
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.oid = to_regprocedure(format('%s(%s)', split_part(function, '(', 1), v_arguments))
    AND n.nspname NOT LIKE 'pg\_temp%';
  IF v_found IS NULL THEN
    RAISE EXCEPTION 'there is no function %(%)', split_part(function, '(', 1), v_arguments
      USING ERRCODE = 'undefined_function',
            HINT = 'Create it first, and name it with its schema.';
  END IF;
  RETURN v_found;
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_function(text, text) IS
'The signature under which a function of this kind is registered; its name comes with its schema, with or without the '
'types of its arguments. Null for null. Raises 42883 for one that is not there.';

CREATE OR REPLACE FUNCTION wazo_auth.check_may_act_for(caller oid, role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_role pg_roles;
BEGIN
  SELECT r.* INTO v_role FROM pg_roles r WHERE r.rolname = role;
  IF NOT FOUND THEN
    -- Of what a role left behind that is gone
    IF (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = caller) THEN
      RETURN;
    END IF;
    RAISE EXCEPTION 'there is no role "%"', role USING ERRCODE = 'undefined_object';
  ELSIF NOT pg_has_role(caller, v_role.oid, 'MEMBER') THEN
    RAISE EXCEPTION 'you are no member of the role "%"', role USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_act_for(oid, text) IS
'Raises 42501 unless the caller is a member of the role; 42704 when there is no such role, unless a superuser calls.';

CREATE OR REPLACE FUNCTION wazo_auth.check_state(registration wazo_auth.registration) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_state text := (wazo_auth.registration_state(registration)).state;
BEGIN
  CASE v_state
    WHEN 'ok' THEN
      RETURN;
    WHEN 'role not allowed' THEN
      RAISE EXCEPTION 'the role "%" may not have functions registered', registration.role
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Name one that is no superuser, with role => ..., and GRANT wazo_auth_plugin TO it.';
    WHEN 'not executable' THEN
      RAISE EXCEPTION 'the role "%" may not execute %', registration.role, registration.function
        USING ERRCODE = 'insufficient_privilege';
    WHEN 'role missing' THEN
      RAISE EXCEPTION 'there is no role "%"', registration.role USING ERRCODE = 'undefined_object';
    ELSE
      RAISE EXCEPTION 'the function % does not return what a % must', registration.function, registration.kind
        USING ERRCODE = 'invalid_function_definition',
              HINT = format('It must return %s.', (SELECT array_to_string(k.results, ' or ')
                FROM wazo_auth.plugin_kinds() k WHERE k.kind = registration.kind));
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_state(wazo_auth.registration) IS
'Raises 42501, 42704 or 42P13 for a registration that could not be called now.';

CREATE OR REPLACE FUNCTION wazo_auth.route_goes_before(path text, other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_kind CONSTANT text[] := ARRAY['', '<uuid>', '<any>'];
  v_path text[] := string_to_array(wazo_auth.route_shape(path), '/');
  v_other text[] := string_to_array(wazo_auth.route_shape(other), '/');
  v_first boolean;
BEGIN
  IF cardinality(v_path) <> cardinality(v_other) THEN
    RETURN false;
  END IF;
  FOR i IN 1 .. cardinality(v_path) LOOP
    IF v_path[i] = v_other[i] THEN
      CONTINUE;
    ELSIF v_path[i] <> ALL (c_kind) AND (v_other[i] <> ALL (c_kind)
          OR v_other[i] = '<uuid>' AND wazo_auth.try_uuid(v_path[i]) IS NULL)
          OR v_other[i] <> ALL (c_kind) AND v_path[i] = '<uuid>' AND wazo_auth.try_uuid(v_other[i]) IS NULL THEN
      -- No request is of both.
      RETURN false;
    END IF;
    -- What comes first is decided by the first segment in which they differ.
    v_first := COALESCE(v_first, COALESCE(array_position(c_kind, v_path[i]), 0)
                                 < COALESCE(array_position(c_kind, v_other[i]), 0));
  END LOOP;
  RETURN COALESCE(v_first, true);
END
$$;
COMMENT ON FUNCTION wazo_auth.route_goes_before(text, text) IS
'Would a route with the first path get requests that without it one with the second would get? Literal segments win '
'over {x_uuid}, which wins over {x}.';

CREATE OR REPLACE FUNCTION wazo_auth.check_registered_route(registration wazo_auth.registration) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_route wazo_auth.route := wazo_auth.registered_route(registration);
  v_other text;
BEGIN
  IF registration.name !~ '^(GET|HEAD|POST|PUT|PATCH|DELETE) (/[^/?#[:cntrl:][:space:]]+){1,24}$' THEN
    RAISE EXCEPTION '"%" is no method and path of a route', registration.name USING ERRCODE = 'check_violation';
  END IF;
  PERFORM wazo_auth.check_route(v_route, true);
  SELECT (a.route).method || ' ' || (a.route).path INTO v_other FROM wazo_auth.all_routes a
  WHERE a.registration IS DISTINCT FROM registration.name
    AND replace((a.route).method, 'HEAD', 'GET') = replace(v_route.method, 'HEAD', 'GET')
    AND wazo_auth.route_goes_before(v_route.path, (a.route).path)
    AND (a.registration IS NULL OR wazo_auth.route_goes_before((a.route).path, v_route.path));
  IF FOUND THEN
    RAISE EXCEPTION 'the route % would take requests of the route %', registration.name, v_other
      USING ERRCODE = 'duplicate_object', HINT = 'Give it a path of its own.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_registered_route(wazo_auth.registration) IS
'Raises 23514 for what is no method and path, 42710 for a route that would take requests of another, and what '
'wazo_auth.check_route() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.check_registration(registration wazo_auth.registration) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF registration.kind NOT IN ('route') AND registration.name !~ '^[a-z0-9_]{1,64}$'
     OR registration.kind = 'idp' AND registration.name IN ('default', 'native', 'refresh_token')
     OR registration.kind = 'mail_sender' AND registration.name = 'smtp' THEN
    RAISE EXCEPTION 'a % cannot be named "%"', registration.kind, registration.name USING ERRCODE = 'check_violation',
      HINT = 'Names are of a-z, 0-9 and _, and not those that the service has itself.';
  END IF;
  CASE registration.kind
    WHEN 'idp' THEN
      IF EXISTS (SELECT FROM wazo_auth.identity_provider i WHERE i.name = registration.name) THEN
        RAISE EXCEPTION 'there is an identity provider "%" already', registration.name
          USING ERRCODE = 'duplicate_object';
      END IF;
    WHEN 'backend' THEN
      IF EXISTS (SELECT FROM wazo_auth.identity_provider i WHERE i.backend = registration.name)
         OR EXISTS (SELECT FROM wazo_auth.registration g
                    WHERE g.kind = 'backend' AND g.name = registration.name AND g.shipped) THEN
        RAISE EXCEPTION 'there is a backend "%" already', registration.name USING ERRCODE = 'duplicate_object';
      END IF;
    WHEN 'external_auth_type' THEN
      IF EXISTS (SELECT FROM wazo_auth.external_auth_type t WHERE t.name = registration.name) THEN
        RAISE EXCEPTION 'there is a kind of external accounts "%" already', registration.name
          USING ERRCODE = 'duplicate_object';
      ELSIF jsonb_typeof(registration.options -> 'plugin_info') <> 'object' THEN
        RAISE EXCEPTION 'plugin_info must be an object' USING ERRCODE = 'check_violation';
      END IF;
    WHEN 'metadata' THEN
      IF registration.name = 'user_admin_status' THEN
        RAISE EXCEPTION 'the service has metadata "%" itself', registration.name USING ERRCODE = 'duplicate_object';
      END IF;
    WHEN 'check' THEN
      IF EXISTS (SELECT FROM wazo_auth.check c WHERE c.name = registration.name) THEN
        RAISE EXCEPTION 'there is a check "%" already', registration.name USING ERRCODE = 'duplicate_object';
      END IF;
    WHEN 'route' THEN
      PERFORM wazo_auth.check_registered_route(registration);
    ELSE
      NULL;
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_registration(wazo_auth.registration) IS
'Raises 23514 for a name that a registration of its kind cannot have, 42710 for what the service has itself, and what '
'wazo_auth.check_registered_route() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.store_registration(
  caller oid, kind text, name text, function text, options jsonb, role text, time_limit interval)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_new wazo_auth.registration;
  v_old text;
BEGIN
  v_new.kind := kind;
  v_new.name := name;
  v_new.options := (SELECT COALESCE(jsonb_object_agg(o.key, o.value), '{}') FROM jsonb_each(options) o
                    WHERE o.value <> 'null');
  v_new.shipped := wazo_auth.in_extension_script();
  v_new.role := CASE WHEN NOT v_new.shipped
    THEN COALESCE(role, (SELECT r.rolname FROM pg_roles r WHERE r.oid = caller)) END;
  SELECT COALESCE(time_limit, k.time_limit) INTO v_new.time_limit
  FROM wazo_auth.plugin_kinds() k WHERE k.kind = v_new.kind;
  IF NOT FOUND OR name IS NULL THEN
    RAISE EXCEPTION 'there is no kind "%" of functions to register', kind USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT v_new.shipped THEN
    PERFORM wazo_auth.check_may_act_for(caller, v_new.role);
    v_new.function := wazo_auth.plugin_function(kind, function);
    PERFORM wazo_auth.check_state(v_new);
    PERFORM wazo_auth.check_registration(v_new);
    SELECT g.role INTO v_old FROM wazo_auth.registration g
    WHERE g.kind = v_new.kind AND g.name = v_new.name AND NOT g.shipped FOR UPDATE;
    IF FOUND THEN
      PERFORM wazo_auth.check_may_act_for(caller, v_old);
    END IF;
  ELSE
    v_new.function := function;
  END IF;
  INSERT INTO wazo_auth.registration SELECT v_new.*
  ON CONFLICT ON CONSTRAINT registration_pkey DO UPDATE
  SET function = excluded.function, role = excluded.role, options = excluded.options, time_limit = excluded.time_limit;
END
$$;
COMMENT ON FUNCTION wazo_auth.store_registration(oid, text, text, text, jsonb, text, interval) IS
'Adds a function to the service, or replaces an own registration, for the role "caller". role: with whose rights it '
'runs, null for the caller''s; the caller is a member of it, it is a member of wazo_auth_plugin, no superuser, and may '
'execute the function. time_limit: null for that of the kind. Raises 22023 for an unknown kind, 42883 without the '
'function, 42P13 when that returns something else, 42501 for a role that may not or another''s registration, 42704 for '
'one that is not there, 23514 for a name that cannot be or a time limit over a minute, 42710 for what the service has '
'itself.';

CREATE OR REPLACE FUNCTION wazo_auth.unregister_for(caller oid, kind text, name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_role text;
BEGIN
  SELECT g.role INTO v_role FROM wazo_auth.registration g
  WHERE g.kind = unregister_for.kind AND g.name = unregister_for.name AND NOT g.shipped FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM wazo_auth.check_may_act_for(caller, v_role);
  DELETE FROM wazo_auth.registration g
  WHERE g.name = unregister_for.name AND NOT g.shipped
    AND (g.kind = unregister_for.kind OR unregister_for.kind = 'backend' AND g.kind LIKE 'backend\_%'
         OR unregister_for.kind = 'metadata' AND g.kind = 'persistent_metadata');
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.unregister_for(oid, text, text) IS 'wazo_auth.unregister() for the role "caller".';

CREATE OR REPLACE FUNCTION wazo_auth.unregister(kind text, name text) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_for_caller';
COMMENT ON FUNCTION wazo_auth.unregister(text, text) IS
'Takes a registered function out, a backend or metadata with all of theirs. Returns whether it was there. Raises 42501 '
'for one that a role registered of which the caller is no member.';

-- An upgrade registers those of its version from here on.
DELETE FROM wazo_auth.registration WHERE shipped;
