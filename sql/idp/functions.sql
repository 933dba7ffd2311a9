CREATE OR REPLACE FUNCTION wazo_auth.add_identity_provider(
  name text, function text, priority numeric DEFAULT 100, backend text DEFAULT NULL,
  keeps_passwords boolean DEFAULT false, built_in boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_shipped boolean := wazo_auth.in_extension_script();
BEGIN
  priority := COALESCE(priority, 100);
  keeps_passwords := COALESCE(keeps_passwords, false);
  built_in := COALESCE(built_in, false);
  -- Shipped ones are registered before the functions of their own that they name.
  IF NOT v_shipped AND to_regprocedure(function || '(wazo_auth.login_attempt)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(wazo_auth.login_attempt)', function USING ERRCODE = 'undefined_function',
      HINT = 'Create it first, with its schema in its name; it returns a wazo_auth.login_answer.';
  END IF;
  IF built_in AND NOT v_shipped THEN
    RAISE EXCEPTION 'only what ships with the extension is built in' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO wazo_auth.identity_provider AS i
  VALUES (name, function, priority, backend, keeps_passwords, built_in, v_shipped)
  ON CONFLICT ON CONSTRAINT identity_provider_pkey DO UPDATE
  SET function = excluded.function, priority = excluded.priority, backend = excluded.backend,
      keeps_passwords = excluded.keeps_passwords, built_in = excluded.built_in;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_identity_provider(text, text, numeric, text, boolean, boolean) IS
'Registers a way to log in, or registers it anew: while the setting idp_plugins enables it, logins are put to its'
' function, which takes a wazo_auth.login_attempt and returns a wazo_auth.login_answer, and it can be the'
' authentication method of users and tenants. The function locks and writes nothing. The other arguments are columns of'
' wazo_auth.identity_provider. Raises 23514 for a name that is not of a-z, 0-9 and _, or built in; 42883 without the'
' function.';
DELETE FROM wazo_auth.identity_provider WHERE shipped;

CREATE OR REPLACE FUNCTION wazo_auth.identity_providers() RETURNS SETOF wazo_auth.identity_provider
LANGUAGE plpgsql STABLE ROWS 4 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_plugins jsonb := wazo_auth.get_setting('idp_plugins');
BEGIN
  RETURN QUERY
  WITH provider AS (
    SELECT i.* FROM wazo_auth.identity_provider i
    UNION ALL
    SELECT g.name, NULL, (g.options ->> 'priority')::numeric, g.options ->> 'backend',
           (g.options ->> 'keeps_passwords')::boolean, false, false
    FROM wazo_auth.registration g WHERE g.kind = 'idp'
  )
  SELECT e.name, e.function, e.priority, e.backend, e.keeps_passwords, e.built_in, e.shipped
  FROM (SELECT DISTINCT ON (i.name) i.name, i.function,
               CASE WHEN i.built_in THEN i.priority
                    ELSE COALESCE((v_plugins -> i.name ->> 'priority')::numeric, i.priority) END AS priority,
               i.backend, i.keeps_passwords, i.built_in, i.shipped
        FROM provider i
        WHERE i.built_in OR v_plugins -> i.name ->> 'enabled' = 'true'
        -- What people registered takes the place of what ships.
        ORDER BY i.name, i.shipped) e
  ORDER BY e.priority, e.name;
END
$$;
COMMENT ON FUNCTION wazo_auth.identity_providers() IS
'The identity providers that are on, in the order in which a login is put to them, with the priorities in force; one'
' without a function is registered (wazo_auth.registration). Read anew at every call; a login asks'
' kept_identity_providers().';

CREATE OR REPLACE FUNCTION wazo_auth.kept_identity_providers() RETURNS wazo_auth.identity_provider[]
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_kept_identity_providers';
COMMENT ON FUNCTION wazo_auth.kept_identity_providers() IS
'The rows of identity_providers() in their order, kept by the backend until a provider, a registration or a setting'
' changes.';

CREATE OR REPLACE FUNCTION wazo_auth.authentication_methods() RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 4 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES ('native'), ('default');
  RETURN QUERY SELECT p.name::text FROM wazo_auth.identity_providers() p WHERE NOT p.built_in;
END
$$;
COMMENT ON FUNCTION wazo_auth.authentication_methods() IS
'Names that a user''s authentication method can have: native, default (the tenant''s) and the identity providers that'
' are on, in the order of their priorities.';

CREATE OR REPLACE FUNCTION wazo_auth.loaded_backends() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(b.key ORDER BY b.key), '[]'::jsonb)
    FROM jsonb_each(wazo_auth.get_setting('enabled_backend_plugins')) b
    WHERE b.value = 'true'
      AND b.key IN (SELECT i.backend FROM wazo_auth.identity_provider i
                    UNION ALL SELECT g.options ->> 'backend' FROM wazo_auth.registration g WHERE g.kind = 'idp'
                    UNION ALL SELECT g.name FROM wazo_auth.registration g WHERE g.kind = 'backend' AND NOT g.shipped));
END
$$;
COMMENT ON FUNCTION wazo_auth.loaded_backends() IS
'Names of the backends, of identity providers or registered, that the setting enabled_backend_plugins enables.';

CREATE OR REPLACE FUNCTION wazo_auth.password_is_kept_elsewhere(user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_method text := wazo_auth.effective_authentication_method(user_uuid);
BEGIN
  -- Whether the provider is on or not: the password stays where it is.
  RETURN EXISTS (SELECT FROM wazo_auth.identity_provider i WHERE i.name = v_method AND i.keeps_passwords)
    OR EXISTS (SELECT FROM wazo_auth.registration g
               WHERE g.kind = 'idp' AND g.name = v_method AND g.options -> 'keeps_passwords' = 'true');
END
$$;
COMMENT ON FUNCTION wazo_auth.password_is_kept_elsewhere(uuid) IS
'Does an identity provider manage the user''s password, so that nobody changes it here?';

CREATE OR REPLACE FUNCTION wazo_auth.is_authentication_method(method text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- That of nearly all users, at each of their logins.
  IF method = 'native' THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM wazo_auth.authentication_methods() m WHERE m = method);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_authentication_method(text) IS
'Can a user have this authentication method? The case counts.';

CREATE OR REPLACE FUNCTION wazo_auth.check_authentication_method(method text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF method IS NOT NULL AND NOT wazo_auth.is_authentication_method(method) THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid authentication method ' || method, 'invalid-data',
                                  json_build_object('authentication_method', method), 'users');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_authentication_method(text) IS
'Raises WA400 when a user cannot have this authentication method; null passes.';

CREATE OR REPLACE FUNCTION wazo_auth.call_identity_provider(name text, function text, attempt wazo_auth.login_attempt)
RETURNS wazo_auth.login_answer
LANGUAGE c AS 'MODULE_PATHNAME', 'wazo_auth_call_identity_provider';
COMMENT ON FUNCTION wazo_auth.call_identity_provider(text, text, wazo_auth.login_attempt) IS
'What an identity provider answers to a login whose function is named in wazo_auth.identity_provider. Raises 42883 when'
' that is gone or returns something else, and what it raises.';

CREATE OR REPLACE FUNCTION wazo_auth.ask_registered_provider(name text, attempt wazo_auth.login_attempt)
RETURNS wazo_auth.login_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_answer wazo_auth.login_answer := wazo_auth.call_plugin('idp'::text, name,
    ARRAY[attempt.password, attempt.refresh_token], attempt);
BEGIN
  -- Which refresh token it was is for the one that keeps them to say.
  v_answer.refresh_token := NULL;
  -- What is told of the session runs with the extension's rights.
  v_answer.record := NULL;
  v_answer.opened := NULL;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_registered_provider(text, wazo_auth.login_attempt) IS
'What an identity provider answers to a login that others have registered. Raises what wazo_auth.call_plugin() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.identify(
  attempt wazo_auth.login_attempt, OUT method text, OUT answer wazo_auth.login_answer)
LANGUAGE plpgsql AS $$
DECLARE
  v_provider wazo_auth.identity_provider;
  v_failed text;
  v_state text;
BEGIN
  FOREACH v_provider IN ARRAY wazo_auth.kept_identity_providers() LOOP
    IF v_provider.function IS NOT NULL THEN
      answer := wazo_auth.call_identity_provider(v_provider.name, v_provider.function, attempt);
    ELSE
      BEGIN
        answer := wazo_auth.ask_registered_provider(v_provider.name, attempt);
      EXCEPTION WHEN undefined_function OR external_routine_exception OR configuration_limit_exceeded THEN
        -- One that others have registered holds up its own users only.
        answer := NULL;
        v_failed := SQLERRM;
        v_state := SQLSTATE;
        PERFORM wazo_auth.log_message(v_failed);
      END;
    END IF;
    IF answer.taken THEN
      method := v_provider.name;
      -- Only registered backends have anything to say.
      IF NOT v_provider.shipped THEN
        answer.backend := COALESCE(answer.backend, v_provider.backend);
      END IF;
      RETURN;
    END IF;
  END LOOP;
  answer := NULL;
  IF v_failed IS NOT NULL THEN
    RAISE EXCEPTION '%', v_failed USING ERRCODE = v_state;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.identify(wazo_auth.login_attempt) IS
'Puts a login to the identity providers that are on, in their order; the first that takes it decides alone. Both null'
' when none does. A registered one that fails is logged and passed over; when no other takes the login its error is'
' raised: 42883, 38000 or 53400. Raises 42883 when the function of another one is gone.';
