-- Settings: what holds, and what may be set. Which there are: known_settings.sql.

CREATE OR REPLACE FUNCTION wazo_auth.pinned_settings() RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_pinned_settings';
COMMENT ON FUNCTION wazo_auth.pinned_settings() IS
'The settings that functions do not take from their caller, as pg_proc.proconfig has them.';

CREATE OR REPLACE FUNCTION wazo_auth.log_message(message text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_log_message';
COMMENT ON FUNCTION wazo_auth.log_message(text) IS
'Writes a line into the server''s log, and not the statement that led to it, as RAISE LOG would: there may be'
' secrets in it.';

CREATE OR REPLACE FUNCTION wazo_auth.warn_message(message text, hint text DEFAULT '') RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_warn_message';
COMMENT ON FUNCTION wazo_auth.warn_message(text, text) IS
'A WARNING for the client and the log, without the statement that led to it.';

CREATE OR REPLACE FUNCTION wazo_auth.nearest_name(name text, names text[]) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_nearest_name';
COMMENT ON FUNCTION wazo_auth.nearest_name(text, text[]) IS
'The one of the names that somebody who wrote this one may have meant; null when none is near.';

CREATE OR REPLACE FUNCTION wazo_auth.default_settings(only_this text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(d.name, d.value)
    FROM (SELECT k.name, COALESCE(k.default_value, m.value) AS value
          FROM wazo_auth.known_setting k
          LEFT JOIN (SELECT split_part(s.name, '.', 1) AS name,
                            jsonb_object_agg(split_part(s.name, '.', 2), s.default_value) AS value
                     FROM wazo_auth.known_setting s
                     WHERE (only_this IS NULL OR starts_with(s.name, only_this || '.'))
                       AND s.default_value IS NOT NULL AND s.name ~ '^[^.]+\.[^.]+$'
                     GROUP BY 1) m USING (name)
          WHERE (only_this IS NULL OR k.name = only_this) AND k.name !~ '\.') d
    WHERE d.value IS NOT NULL);
END
$$;
COMMENT ON FUNCTION wazo_auth.default_settings(text) IS
'The settings that hold while nothing else is configured (contract: config.md section 2), or only one of them.';

CREATE OR REPLACE FUNCTION wazo_auth.effective_settings() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT jsonb_object_agg(COALESCE(d.key, s.name),
             CASE
               WHEN s.value IS NULL THEN d.value
               WHEN jsonb_typeof(s.value) = 'object' AND jsonb_typeof(d.value) = 'object' THEN d.value || s.value
               ELSE s.value
             END)
    FROM jsonb_each(wazo_auth.default_settings()) d
    FULL JOIN wazo_auth.setting s ON s.name = d.key
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.effective_settings() IS
'All settings by their names in the configuration file: what was configured, else the default. Maps are the'
' default with'
' the configured keys over it. Read anew at every call; ask get_setting().';

CREATE OR REPLACE FUNCTION wazo_auth.get_setting(name text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_get_setting';
COMMENT ON FUNCTION wazo_auth.get_setting(text) IS
'Value of a setting of effective_settings(), or null. Kept by the backend until a setting changes.';

CREATE OR REPLACE FUNCTION wazo_auth.secret_setting(name text, member text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.unseal(decode(wazo_auth.get_setting(name) ->> ('sealed_' || member), 'hex'), name || '.' || member);
END
$$;
COMMENT ON FUNCTION wazo_auth.secret_setting(text, text) IS
'The secret of a setting, in clear; null when there is none. For the workers that log in with it.';

CREATE OR REPLACE FUNCTION wazo_auth.setting_member(parent text, member text) RETURNS wazo_auth.known_setting
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_known wazo_auth.known_setting;
BEGIN
  SELECT k.* INTO v_known FROM wazo_auth.known_setting k
  WHERE k.name = concat_ws('.', parent, member) AND member NOT IN ('*', '') AND member !~ '\.'
     OR k.name = parent || '.*'
  ORDER BY k.name = parent || '.*' LIMIT 1;
  RETURN v_known;
END
$$;
COMMENT ON FUNCTION wazo_auth.setting_member(text, text) IS
'What is known of a member of a map, or of a setting itself when parent is null; its name is null when nothing is.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_setting(name text, parent text, lenient boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_nearest text := wazo_auth.nearest_name(name, ARRAY(
    SELECT k.name FROM wazo_auth.known_setting k
    WHERE k.name !~ '\*' AND (CASE WHEN parent IS NULL THEN k.name !~ '\.' ELSE starts_with(k.name, parent || '.') END)
    ORDER BY k.name));
  v_hint text := CASE WHEN v_nearest IS NULL THEN 'wazo_auth.settings lists all of them.'
                      ELSE format('Perhaps you mean "%s".', v_nearest) END;
BEGIN
  IF lenient THEN
    PERFORM wazo_auth.warn_message(
      format('the configuration has "%s", which is no setting; it is left out', left(name, 128)), v_hint);
  ELSE
    RAISE EXCEPTION 'there is no setting "%"', left(name, 128) USING ERRCODE = 'undefined_object', HINT = v_hint;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_setting(text, text, boolean) IS
'Raises 42704 with the nearest name that there is; only warns when lenient.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_bad_setting(known wazo_auth.known_setting, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_range text := CASE
    WHEN known.minimum IS NULL AND known.maximum IS NULL THEN ''
    WHEN known.maximum IS NULL THEN format(' from %s on', known.minimum)
    WHEN known.minimum IS NULL THEN format(' up to %s', known.maximum)
    ELSE format(' from %s to %s', known.minimum, known.maximum) END;
BEGIN
  RAISE EXCEPTION 'setting "%" must be %', name,
    COALESCE(known.must_be, CASE known.type
      WHEN 'boolean' THEN 'true or false'
      WHEN 'integer' THEN 'a whole number' || v_range
      WHEN 'number' THEN 'a number' || v_range
      WHEN 'list' THEN 'a list'
      WHEN 'map' THEN 'a map'
      ELSE CASE WHEN known.choices IS NOT NULL THEN 'one of ' || array_to_string(known.choices, ', ')
                ELSE 'a text' || CASE WHEN v_range = '' THEN '' ELSE v_range || ' bytes long' END END
    END)
    USING ERRCODE = 'invalid_parameter_value', COLUMN = name;
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_setting(wazo_auth.known_setting, text) IS
'Raises 22023: what the setting must be, with its name as the column, by which the front finds the line of its file. '
'Names no value: it may be secret.';

CREATE OR REPLACE FUNCTION wazo_auth.is_good_text(known wazo_auth.known_setting, value text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_good boolean := true;
BEGIN
  IF octet_length(value) < COALESCE(known.minimum, 0) OR octet_length(value) > COALESCE(known.maximum, 65536)
     OR value <> ALL (known.choices) OR value !~ known.pattern THEN
    RETURN false;
  END IF;
  IF known.check_function IS NOT NULL THEN
    EXECUTE format('SELECT COALESCE(%s($1), false)', to_regprocedure(known.check_function || '(text)')::regproc)
    INTO v_good USING value;
  END IF;
  RETURN v_good;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_good_text(wazo_auth.known_setting, text) IS
'Does a text keep the length, choices, pattern and check_function of a setting?';

CREATE OR REPLACE FUNCTION wazo_auth.is_good_setting(known wazo_auth.known_setting, value jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  CASE known.type
    WHEN 'boolean' THEN
      RETURN jsonb_typeof(value) = 'boolean';
    WHEN 'integer', 'number' THEN
      RETURN jsonb_typeof(value) = 'number'
        AND value::numeric >= COALESCE(known.minimum, '-infinity'::numeric)
        AND value::numeric <= COALESCE(known.maximum, 'infinity'::numeric)
        AND (known.type = 'number' OR value::numeric = trunc(value::numeric));
    WHEN 'string' THEN
      RETURN jsonb_typeof(value) = 'string' AND wazo_auth.is_good_text(known, value #>> '{}'::text[]);
    WHEN 'list' THEN
      RETURN jsonb_typeof(value) = 'array';
    ELSE
      RETURN jsonb_typeof(value) = 'object';
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_good_setting(wazo_auth.known_setting, jsonb) IS
'Is the value of the setting''s type, and within its limits? What is in a map or list is not looked at.';

CREATE OR REPLACE FUNCTION wazo_auth.checked_setting(
  known wazo_auth.known_setting, name text, value jsonb, lenient boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_value jsonb;
  v_known wazo_auth.known_setting;
  v_checked jsonb := '{}'::jsonb;
BEGIN
  IF NOT wazo_auth.is_good_setting(known, value) THEN
    PERFORM wazo_auth.raise_bad_setting(known, name);
  END IF;
  IF known.type = 'list' THEN
    v_known := wazo_auth.setting_member(known.name, '0');
    FOR v_value IN SELECT e.value FROM jsonb_array_elements(value) e LOOP
      PERFORM wazo_auth.checked_setting(v_known, name || '.*', v_value, lenient);
    END LOOP;
  ELSIF known.type = 'map' THEN
    FOR v_key, v_value IN SELECT e.key, e.value FROM jsonb_each(value) e LOOP
      v_known := wazo_auth.setting_member(known.name, v_key);
      IF v_known.name IS NULL THEN
        PERFORM wazo_auth.raise_unknown_setting(name || '.' || v_key, known.name, lenient);
      ELSIF jsonb_typeof(v_value) = 'null' THEN
        -- A name of people's may stand for itself: a policy without anything in it.
        IF v_known.type = 'map' AND v_known.name LIKE '%.*' THEN
          v_checked := v_checked || jsonb_build_object(v_key, NULL);
        END IF;
      ELSE
        v_value := wazo_auth.checked_setting(v_known, name || '.' || v_key, v_value, lenient);
        -- As hexadecimal digits: base64 as PostgreSQL writes it has several lines.
        v_checked := v_checked || CASE WHEN v_known.secret
          THEN jsonb_build_object('sealed_' || v_key,
                                  encode(wazo_auth.seal(v_value #>> '{}'::text[], v_known.name), 'hex'))
          ELSE jsonb_build_object(v_key, v_value) END;
      END IF;
    END LOOP;
    RETURN v_checked;
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION wazo_auth.checked_setting(wazo_auth.known_setting, text, jsonb, boolean) IS
'A setting as it is stored: of a map the members that are given, those with null left out, and in the place of a secret'
' "sealed_" and its name. name: as the caller knows it. lenient: leaves unknown members out with a warning.'
' Raises 22023'
' for a value that the setting cannot have, 42704 for an unknown member, F0000 without a key to seal with.';

CREATE OR REPLACE FUNCTION wazo_auth.set_setting(
  known wazo_auth.known_setting, member text, value jsonb, lenient boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_value jsonb := CASE WHEN member IS NULL THEN value ELSE jsonb_build_object(member, value) END;
  v_old jsonb := '{}'::jsonb;
BEGIN
  IF jsonb_typeof(v_value) <> 'null' THEN
    v_value := wazo_auth.checked_setting(known, known.name, v_value, lenient);
    IF member IS NOT NULL THEN
      SELECT s.value - member - ('sealed_' || member) INTO v_old FROM wazo_auth.setting s WHERE s.name = known.name;
      v_value := COALESCE(v_old, '{}'::jsonb) || v_value;
    END IF;
  END IF;
  IF jsonb_typeof(v_value) = 'null' OR v_value = '{}'::jsonb AND member IS NOT NULL THEN
    DELETE FROM wazo_auth.setting s WHERE s.name = known.name;
  ELSE
    INSERT INTO wazo_auth.setting AS s (name, value) VALUES (known.name, v_value)
    ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE SET value = EXCLUDED.value
    WHERE s.value IS DISTINCT FROM EXCLUDED.value;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_setting(wazo_auth.known_setting, text, jsonb, boolean) IS
'Sets a setting, or one member of a map; null restores the default.';

CREATE OR REPLACE FUNCTION wazo_auth.is_stored_here(
  known wazo_auth.known_setting, value jsonb, lenient boolean) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF known.read_by = 'postgresql' THEN
    IF NOT lenient THEN
      RAISE EXCEPTION 'setting "%" is one of the PostgreSQL server', known.name
        USING ERRCODE = 'invalid_parameter_value', HINT = format('Use %s.', known.instead);
    END IF;
    IF value IS DISTINCT FROM (SELECT to_jsonb(s.setting::numeric) FROM pg_settings s
                               WHERE s.name = 'wazo_auth.' || known.name) THEN
      PERFORM wazo_auth.warn_message(
        format('the configuration has "%s", which the PostgreSQL server decides', known.name),
        format('Use %s.', known.instead));
    END IF;
    RETURN false;
  ELSIF known.secret THEN
    IF NOT lenient AND value <> 'null'::jsonb THEN
      RAISE EXCEPTION 'setting "%" is not for the database', known.name
        USING ERRCODE = 'invalid_parameter_value', HINT = format('Use %s.', known.instead);
    END IF;
    RETURN false;
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_stored_here(wazo_auth.known_setting, jsonb, boolean) IS
'Is this a setting for wazo_auth.setting? Raises 22023 for one that is not, with what to do instead, and says'
' no when lenient.';

CREATE OR REPLACE FUNCTION wazo_auth.set_settings(settings jsonb, lenient boolean) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_value jsonb;
  v_top text;
  v_member text;
  v_known wazo_auth.known_setting;
  v_idle text[] := '{}'::text[];
BEGIN
  IF jsonb_typeof(settings) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'settings must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'For example: SELECT wazo_auth.configure(''{"default_token_lifetime": 3600}'').';
  END IF;
  FOR v_key, v_value IN SELECT e.key, e.value FROM jsonb_each(settings) e LOOP
    v_top := split_part(v_key, '.', 1);
    v_member := NULLIF(substr(v_key, length(v_top) + 2), '');
    v_known := wazo_auth.setting_member(NULL::text, v_top);
    IF v_known.name IS NULL OR v_member IS NOT NULL AND v_known.type <> 'map' THEN
      PERFORM wazo_auth.raise_unknown_setting(v_key, NULL::text, lenient);
    ELSIF wazo_auth.is_stored_here(v_known, v_value, lenient) THEN
      PERFORM wazo_auth.set_setting(v_known, v_member, v_value, lenient);
      IF COALESCE((wazo_auth.setting_member(v_top, v_member)).read_by, v_known.read_by) <> 'database' THEN
        v_idle := v_idle || v_key;
      END IF;
    END IF;
  END LOOP;
  PERFORM wazo_auth.wake_relay();
  RETURN v_idle;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_settings(jsonb, boolean) IS
'Sets settings and returns the names of those that have no effect here. lenient, for a whole configuration'
' file: what is'
' unknown or not for the database is left out. Raises what wazo_auth.configure() does.';

CREATE OR REPLACE FUNCTION wazo_auth.configure(settings jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_idle text[] := wazo_auth.set_settings(settings, false);
BEGIN
  IF v_idle <> '{}' THEN
    RAISE NOTICE 'without effect in the database: %', array_to_string(v_idle, ', ')
      USING HINT = 'wazo_auth.settings tells who reads them, and what to use instead.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.configure(jsonb) IS
'Sets settings by the names of the configuration file (wazo_auth.known_setting); null restores a default. A name with a'
' dot, as amqp.uri, sets one key of a map. Secrets among them are stored sealed. Raises 42704 for a name that there is'
' not, with the nearest one; 22023 for a value of the wrong type or out of range, and for a setting of the PostgreSQL'
' server or of the front, with what to use instead; F0000 for a secret without a key to seal it with.';

CREATE OR REPLACE FUNCTION wazo_auth.plugin_enabled(plugin text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF plugin LIKE 'external_auth:%' THEN
    RETURN wazo_auth.get_setting('enabled_external_auth_plugins') -> substr(plugin, 15) IS DISTINCT FROM 'false'::jsonb;
  END IF;
  RETURN wazo_auth.get_setting('enabled_http_plugins') -> plugin_enabled.plugin IS DISTINCT FROM 'false'::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.plugin_enabled(text) IS
'Does the setting enabled_http_plugins leave this group of routes on, or enabled_external_auth_plugins that of a kind '
'of external accounts ("external_auth:mobile")? Unknown ones are on.';

CREATE OR REPLACE FUNCTION wazo_auth.mask_setting(known wazo_auth.known_setting, value jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF jsonb_typeof(value) = 'null' THEN
    RETURN value;
  END IF;
  -- Shown is what is known to be harmless, and nothing else. A string can have a password in it where a URI may.
  IF known.name IS NULL OR known.secret OR NOT wazo_auth.is_good_setting(known, value)
     OR known.type = 'string' AND value #>> '{}'::text[] ~ '://.*@' THEN
    RETURN '"********"'::jsonb;
  END IF;
  IF known.type = 'list' THEN
    RETURN (SELECT COALESCE(jsonb_agg(wazo_auth.mask_setting(wazo_auth.setting_member(known.name, '0'), e.value)
                                      ORDER BY e.place), '[]'::jsonb)
            FROM jsonb_array_elements(value) WITH ORDINALITY e (value, place));
  ELSIF known.type = 'map' THEN
    RETURN (SELECT COALESCE(jsonb_object_agg(
                     m.key, wazo_auth.mask_setting(wazo_auth.setting_member(known.name, m.key), m.value)
                     ORDER BY m.sealed), '{}'::jsonb)
            FROM (SELECT regexp_replace(e.key, '^sealed_', '') AS key, e.value, e.key LIKE 'sealed\_%' AS sealed
                  FROM jsonb_each(value) e) m);
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION wazo_auth.mask_setting(wazo_auth.known_setting, jsonb) IS
'A setting as it may be shown: asterisks for secrets, and for all that is not known to be none. What is stored'
' sealed shows under its own name.';

CREATE OR REPLACE FUNCTION wazo_auth.shown_configuration() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT jsonb_object_agg(e.key, wazo_auth.mask_setting(wazo_auth.setting_member(NULL::text, e.key), e.value))
          FROM jsonb_each(wazo_auth.effective_settings()) e)
    -- what the server decides, as far as its library is loaded
    || COALESCE((SELECT jsonb_object_agg(k.name, s.setting::numeric)
                 FROM wazo_auth.known_setting k JOIN pg_settings s ON s.name = 'wazo_auth.' || k.name
                 WHERE k.read_by = 'postgresql'), '{}'::jsonb)
    || jsonb_build_object(
      'log_level', CASE lower(wazo_auth.get_setting('log_level') #>> '{}'::text[])
                     WHEN 'critical' THEN 50 WHEN 'error' THEN 40 WHEN 'warning' THEN 30 WHEN 'debug' THEN 10
                     ELSE 20 END,
      'loaded_plugins', wazo_auth.loaded_backends());
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_configuration() IS
'All settings by the names of the configuration file, secrets masked; log_level as its number.';
