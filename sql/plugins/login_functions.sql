-- What registered functions have to say at a login: backends, which know
-- passwords, and metadata.

CREATE OR REPLACE FUNCTION wazo_auth.password_backends(OUT name text, OUT adopts boolean) RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 2 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_enabled jsonb := wazo_auth.get_setting('enabled_backend_plugins');
BEGIN
  RETURN QUERY
  SELECT g.name::text, COALESCE((g.options ->> 'adopts')::boolean, false)
  FROM wazo_auth.registration g
  WHERE g.kind = 'backend'
    -- The one that ships is of use as long as there is what was imported.
    AND CASE WHEN g.shipped THEN EXISTS (SELECT FROM wazo_auth.crypt_password)
             ELSE v_enabled -> g.name = 'true' END
  ORDER BY g.name;
END
$$;
COMMENT ON FUNCTION wazo_auth.password_backends() IS
'The backends that are on, in the order in which they are asked. adopts: a password that it accepts is kept here from '
'then on.';

CREATE OR REPLACE FUNCTION wazo_auth.ask_backends(
  login text, password text, args jsonb, OUT backend text, OUT adopts boolean, OUT told jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_failed text;
  v_state text;
BEGIN
  FOR backend, adopts IN SELECT b.name, b.adopts FROM wazo_auth.password_backends() b LOOP
    BEGIN
      told := wazo_auth.call_plugin('backend'::text, backend, ARRAY[password], login, password, args);
    EXCEPTION WHEN undefined_function OR external_routine_exception OR configuration_limit_exceeded THEN
      told := NULL;
      v_failed := SQLERRM;
      v_state := SQLSTATE;
    END;
    IF jsonb_typeof(told) = 'object' THEN
      RETURN;
    END IF;
  END LOOP;
  backend := NULL;
  adopts := NULL;
  told := NULL;
  IF v_failed IS NOT NULL THEN
    RAISE EXCEPTION '%', v_failed USING ERRCODE = v_state;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_backends(text, text, jsonb) IS
'The first of the backends that accepts the password, and the object that it returned; all null for none. Raises what '
'one of them failed with when none accepts: 42883, 38000 or 53400.';

CREATE OR REPLACE FUNCTION wazo_auth.verify_elsewhere(
  login text, password text, args jsonb, OUT of_user wazo_auth.user, OUT backend text, OUT told jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_asked record;
  v_uuid uuid;
  v_hash text;
BEGIN
  -- No password is longer.
  IF octet_length(password) > 4096 THEN
    RETURN;
  END IF;
  v_asked := wazo_auth.ask_backends(login, password, args);
  IF v_asked.backend IS NULL THEN
    RETURN;
  END IF;
  v_uuid := wazo_auth.resolve_login(login);
  IF v_uuid IS NULL OR wazo_auth.stored_password(v_uuid) IS NOT NULL
     OR wazo_auth.effective_authentication_method(v_uuid) IS DISTINCT FROM 'native' THEN
    RETURN;
  END IF;
  IF v_asked.adopts THEN
    v_hash := wazo_auth.password_hash(password);
  END IF;
  of_user := wazo_auth.lock_enabled_user(v_uuid);
  -- It may have got a password meanwhile.
  IF of_user.uuid IS NULL OR wazo_auth.stored_password(v_uuid) IS NOT NULL THEN
    of_user := NULL;
    RETURN;
  END IF;
  IF v_hash IS NOT NULL THEN
    INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (v_uuid, v_hash);
    DELETE FROM wazo_auth.crypt_password c WHERE c.user_uuid = v_uuid;
  END IF;
  backend := v_asked.backend;
  told := v_asked.told;
END
$$;
COMMENT ON FUNCTION wazo_auth.verify_elsewhere(text, text, jsonb) IS
'The enabled native user with this login that has no password here but this one with a backend, whose row it locks; '
'null for nobody. All backends are asked, whoever it is, so that their time tells nothing. Stores the password where '
'the backend gives it up. Raises what wazo_auth.ask_backends() raises.';

CREATE OR REPLACE FUNCTION wazo_auth.checked_metadata(kind text, name text, value jsonb) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF value IS NOT NULL AND (jsonb_typeof(value) <> 'object' OR octet_length(value::text) > 16384) THEN
    RAISE EXCEPTION 'the % "%" failed: it returned no object of at most 16384 bytes', kind, name
      USING ERRCODE = 'external_routine_exception';
  END IF;
  RETURN COALESCE(value, '{}');
END
$$;
COMMENT ON FUNCTION wazo_auth.checked_metadata(text, text, jsonb) IS
'Metadata that a registered function has returned; null is {}. Raises 38000 for what is none.';

CREATE OR REPLACE FUNCTION wazo_auth.backend_acl(backend text, login text, args jsonb) RETURNS wazo_auth.acl
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_acl text[];
BEGIN
  v_acl := wazo_auth.call_plugin_for_acl('backend_acl'::text, backend, NULL::text[], login, args);
  IF cardinality(v_acl) > 1000 THEN
    RAISE EXCEPTION 'it returned more than 1000 accesses';
  END IF;
  RETURN v_acl::wazo_auth.acl;
EXCEPTION WHEN invalid_parameter_value OR program_limit_exceeded OR null_value_not_allowed OR raise_exception
  OR array_subscript_error THEN
  RAISE EXCEPTION 'the backend_acl "%" failed: %', backend, SQLERRM USING ERRCODE = 'external_routine_exception';
END
$$;
COMMENT ON FUNCTION wazo_auth.backend_acl(text, text, jsonb) IS
'Accesses that a backend gives to the token of a login through it. Raises 38000 for what are none.';

CREATE OR REPLACE FUNCTION wazo_auth.plugin_parts(
  of_user wazo_auth.user, answer wazo_auth.login_answer, own_metadata json, args jsonb,
  OUT metadata json, OUT persistent_metadata json, OUT acl wazo_auth.acl)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_offline boolean := args ->> 'access_type' = 'offline';
  v_name text;
BEGIN
  metadata := '{}';
  persistent_metadata := '{}';
  args := args || COALESCE(answer.args, '{}'::jsonb);
  IF answer.backend IS NOT NULL THEN
    IF wazo_auth.registered('backend_acl') ? answer.backend THEN
      acl := wazo_auth.backend_acl(answer.backend, answer.login, args);
    END IF;
    IF wazo_auth.registered('backend_metadata') ? answer.backend THEN
      metadata := wazo_auth.checked_metadata('backend_metadata', answer.backend,
        wazo_auth.call_plugin_for_metadata('backend_metadata'::text, answer.backend, NULL::text[], answer.login, args));
    END IF;
    IF v_offline AND wazo_auth.registered('backend_persistent_metadata') ? answer.backend THEN
      persistent_metadata := wazo_auth.checked_metadata('backend_persistent_metadata', answer.backend,
        wazo_auth.call_plugin_for_metadata(
          'backend_persistent_metadata'::text, answer.backend, NULL::text[], answer.login, args));
    END IF;
  END IF;
  FOR v_name IN
    SELECT n.name
    FROM jsonb_array_elements_text(wazo_auth.get_setting('purpose_metadata_mapping') -> of_user.purpose)
      WITH ORDINALITY n (name, place)
    ORDER BY n.place
  LOOP
    IF wazo_auth.registered('metadata') ? v_name THEN
      metadata := wazo_auth.merge_metadata(metadata, wazo_auth.checked_metadata('metadata', v_name,
        wazo_auth.call_plugin('metadata'::text, v_name, NULL::text[], answer.login, of_user.uuid, args)));
    END IF;
    IF v_offline AND wazo_auth.registered('persistent_metadata') ? v_name THEN
      persistent_metadata := wazo_auth.merge_metadata(persistent_metadata,
        wazo_auth.checked_metadata('persistent_metadata', v_name,
          wazo_auth.call_plugin('persistent_metadata'::text, v_name, NULL::text[], answer.login, of_user.uuid,
            args)));
    END IF;
  END LOOP;
  -- Who the user is, is not for others to say: other daemons go by it.
  metadata := CASE WHEN metadata::text = '{}' THEN own_metadata
                   ELSE wazo_auth.merge_metadata(own_metadata,
                     wazo_auth.merge_metadata(metadata, json_strip_nulls(own_metadata))) END;
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_parts(wazo_auth.user, wazo_auth.login_answer, json, jsonb) IS
'What a token of this login gets: its metadata (own_metadata, those of wazo_auth.user_metadata(), and what the backend '
'of the login and the plugins of purpose_metadata_mapping add, in this order; they fill what is null there, and change '
'nothing), those of its refresh token, and the accesses that the backend gives. Raises what wazo_auth.call_plugin() '
'raises.';
