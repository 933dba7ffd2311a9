-- Settings of mails.

CREATE OR REPLACE FUNCTION wazo_auth.check_mail_setting(name text, value jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_text text := value #>> '{}';
BEGIN
  CASE
    WHEN name IN ('password_reset_expiration', 'email_confirmation_expiration') THEN
      IF v_text::numeric <> trunc(v_text::numeric) OR v_text::numeric NOT BETWEEN 1 AND 315360000 THEN
        RAISE EXCEPTION 'setting "%" must be a whole number from 1 to 315360000', name USING ERRCODE = 'invalid_parameter_value';
      END IF;
    WHEN name IN ('password_reset_from_name', 'email_confirmation_from_name') THEN
      IF v_text ~ '[\x01-\x1f\x7f]' OR char_length(v_text) > 256 THEN
        RAISE EXCEPTION 'setting "%" must be at most 256 characters without control characters', name USING ERRCODE = 'invalid_parameter_value';
      END IF;
    WHEN name IN ('password_reset_from_address', 'email_confirmation_from_address') THEN
      IF NOT wazo_auth.is_mail_address(v_text) THEN
        RAISE EXCEPTION 'setting "%" must be an e-mail address', name USING ERRCODE = 'invalid_parameter_value';
      END IF;
    WHEN name = 'email_confirmation_get_mimetype' THEN
      IF v_text !~ '^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}$' THEN
        RAISE EXCEPTION 'setting "%" must be a media type', name USING ERRCODE = 'invalid_parameter_value';
      END IF;
    WHEN name = 'email_notification_plugin' THEN
      IF v_text <> 'smtp' AND NOT EXISTS (SELECT FROM wazo_auth.mail_sender s WHERE s.name = v_text) THEN
        RAISE EXCEPTION 'there is no mail sender "%"', v_text USING ERRCODE = 'invalid_parameter_value',
          HINT = 'Register it with wazo_auth.register_mail_sender(), or use "smtp".';
      END IF;
    WHEN name = 'public_url' THEN
      IF jsonb_typeof(value) <> 'string' OR (wazo_auth.parse_public_url(v_text)).hostname IS NULL THEN
        RAISE EXCEPTION 'setting "public_url" must be https://host, with :port and /path if need be' USING ERRCODE = 'invalid_parameter_value';
      END IF;
    WHEN name = 'smtp' THEN
      PERFORM wazo_auth.check_smtp_setting(value);
    ELSE
      NULL;
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_mail_setting(text, jsonb) IS
'Raises 22023 for a value that a setting of mails cannot have; other settings are not looked at.';

CREATE OR REPLACE FUNCTION wazo_auth.check_smtp_setting(value jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF value ? 'hostname' AND (jsonb_typeof(value -> 'hostname') <> 'string'
                             OR value ->> 'hostname' !~ '^([A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$') THEN
    RAISE EXCEPTION 'setting "smtp.hostname" must be a host name or an address' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF value ? 'port' AND COALESCE(value ->> 'port', '') !~ '^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$' THEN
    RAISE EXCEPTION 'setting "smtp.port" must be from 1 to 65535' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF value ? 'tls' AND COALESCE(value ->> 'tls', '') NOT IN ('none', 'starttls', 'tls') THEN
    RAISE EXCEPTION 'setting "smtp.tls" must be "none", "starttls" or "tls"' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF value ? 'tls_verify' AND jsonb_typeof(value -> 'tls_verify') <> 'boolean' THEN
    RAISE EXCEPTION 'setting "smtp.tls_verify" must be true or false' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF value ? 'ca_file' AND value -> 'ca_file' <> 'null' AND value ->> 'ca_file' NOT LIKE '/%' THEN
    RAISE EXCEPTION 'setting "smtp.ca_file" must be an absolute path' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF EXISTS (SELECT FROM jsonb_each(value) e
             WHERE e.key IN ('username', 'password', 'ca_file')
               AND jsonb_typeof(e.value) <> 'null'
               AND (jsonb_typeof(e.value) <> 'string' OR e.value #>> '{}' ~ '[\x01-\x1f\x7f]'
                    OR octet_length(e.value #>> '{}') NOT BETWEEN 1 AND 512)) THEN
    RAISE EXCEPTION 'settings "smtp.username", "smtp.password" and "smtp.ca_file" must be texts of 1 to 512 bytes without control characters'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_smtp_setting(jsonb) IS
'Raises 22023 unless the value is good for the setting smtp. Names no value: there may be a secret among them.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_transport(
  OUT by_function boolean, OUT hostname text, OUT port integer, OUT tls text, OUT tls_verify boolean,
  OUT ca_file text, OUT username text, OUT password text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_smtp jsonb := wazo_auth.get_setting('smtp');
BEGIN
  by_function := wazo_auth.get_setting('email_notification_plugin') <> '"smtp"';
  hostname := v_smtp ->> 'hostname';
  port := (v_smtp ->> 'port')::integer;
  tls := COALESCE(v_smtp ->> 'tls', 'none');
  tls_verify := COALESCE((v_smtp ->> 'tls_verify')::boolean, true);
  ca_file := v_smtp ->> 'ca_file';
  username := v_smtp ->> 'username';
  IF NOT by_function THEN
    password := wazo_auth.secret_setting('smtp', 'password');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_transport() IS
'How mails are sent: by a registered function, or with these settings of SMTP. For the relay: the password is in clear.';

CREATE OR REPLACE FUNCTION wazo_auth.register_mail_sender(name text, handler text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF to_regprocedure(handler || '(text, jsonb)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(kind text, context jsonb)', handler USING ERRCODE = 'undefined_function';
  END IF;
  INSERT INTO wazo_auth.mail_sender (name, handler) VALUES (name, handler)
  ON CONFLICT ON CONSTRAINT mail_sender_pkey DO UPDATE SET handler = EXCLUDED.handler;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_mail_sender(text, text) IS
'Names a function (kind text, context jsonb) that sends mail in place of SMTP once the setting email_notification_plugin is that name. handler: schema.function; it runs as the owner of the extension, in the transaction that takes the mail from the outbox, for 30 seconds at most; an error means that it is tried again. kind: email_confirmation or password_reset; context: token, username, email_address, email_uuid or user_uuid, hostname, port, prefix. Raises 42883 for a function that is not there.';
