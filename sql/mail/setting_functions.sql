-- Settings of mails.

CREATE OR REPLACE FUNCTION wazo_auth.is_public_url(url text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (wazo_auth.parse_public_url(url)).hostname IS NOT NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_public_url(text) IS
'Can links in mails begin with this? The check of the setting public_url.';

CREATE OR REPLACE FUNCTION wazo_auth.is_mail_sender(name text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  RETURN name = 'smtp'
    OR EXISTS (SELECT FROM wazo_auth.registration g WHERE g.kind = 'mail_sender' AND g.name = name);
END
$$;
COMMENT ON FUNCTION wazo_auth.is_mail_sender(text) IS
'Is this "smtp" or a registered mail sender? The check of the setting email_notification_plugin.';

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
'How mails are sent: by a registered function, or with these settings of SMTP. For the relay: the password is in '
'clear.';
