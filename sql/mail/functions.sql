-- Asking for mails, their tokens, and what these are good for.

CREATE OR REPLACE FUNCTION wazo_auth.parse_link_base(host text, path text, OUT hostname text, OUT port integer,
  OUT prefix text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_match text[] := regexp_match(lower(host COLLATE "C"),
    '^((?:[a-z0-9_-]{1,63}\.){0,30}[a-z0-9_-]{1,63}\.?|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?$');
BEGIN
  path := NULLIF(rtrim(path, '/'), '');
  IF v_match IS NULL OR length(v_match[1]) > 253 OR v_match[2]::integer NOT BETWEEN 1 AND 65535
     OR length(path) > 256 OR path !~ '^(/[A-Za-z0-9._~-]+)+$' OR path ~ '/\.\.?(/|$)' THEN
    RETURN;
  END IF;
  hostname := v_match[1];
  port := v_match[2]::integer;
  prefix := path;
END
$$;
COMMENT ON FUNCTION wazo_auth.parse_link_base(text, text) IS
'Host, port and path of links: host in lower case with an optional :port, path without its final slash. All null when '
'there is anything in them that is no part of a host name or path.';

CREATE OR REPLACE FUNCTION wazo_auth.parse_public_url(url text, OUT hostname text, OUT port integer, OUT prefix text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT b.* INTO hostname, port, prefix
  FROM wazo_auth.parse_link_base(substring(url FROM '^https://([^/]+)(?:/.*)?$'),
    substring(url FROM '^https://[^/]+(/.*)$')) b;
END
$$;
COMMENT ON FUNCTION wazo_auth.parse_public_url(text) IS
'The same for a URL https://host:port/path; all null for any other.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_link_base(request wazo_auth.http_request, OUT hostname text, OUT port integer,
  OUT prefix text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_url text := wazo_auth.get_setting('public_url') #>> '{}';
  v_proxies text := wazo_auth.get_setting('rest_api') ->> 'num_proxies';
  v_host text;
  v_forwarded text[];
BEGIN
  IF v_url IS NOT NULL THEN
    SELECT b.* INTO hostname, port, prefix FROM wazo_auth.parse_public_url(v_url) b;
    RETURN;
  END IF;
  v_host := wazo_auth.http_header(request, 'Host');
  IF v_proxies ~ '^[1-9][0-9]{0,3}$' THEN
    -- All of them together, as proxies append either to the value or a header.
    v_forwarded := string_to_array((
      SELECT string_agg(request.headers[i + 1], ',' ORDER BY i)
      FROM generate_series(1, cardinality(request.headers) - 1, 2) i
      WHERE lower(request.headers[i] COLLATE "C") = 'x-forwarded-host'), ',');
    v_host := COALESCE(NULLIF(btrim(v_forwarded[cardinality(v_forwarded) - v_proxies::integer + 1]), ''), v_host);
  END IF;
  SELECT b.* INTO hostname, port, prefix
  -- A request made in SQL has no host.
  FROM wazo_auth.parse_link_base(COALESCE(NULLIF(v_host, ''), 'localhost'),
    wazo_auth.http_header(request, 'X-Script-Name')) b;
  IF hostname IS NULL THEN
    PERFORM wazo_auth.raise_error(400, 'The request names no valid host', 'invalid-data');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_link_base(wazo_auth.http_request) IS
'Where the links of a mail lead: the setting public_url; without it the header Host, or the one of X-Forwarded-Host '
'that as many proxies as rest_api.num_proxies vouch for, and X-Script-Name. Raises WA400 for characters that do not '
'belong there (DEPARTURES.md, security).';

CREATE OR REPLACE FUNCTION wazo_auth.ask_for_mail(
  kind text, addressed_by text, addressee text, hostname text DEFAULT 'localhost', port integer DEFAULT NULL,
    prefix text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  hostname := COALESCE(hostname, 'localhost');
  -- Everybody can ask for mails, also while none can be written.
  PERFORM FROM wazo_auth.mail_outbox m WHERE m.sealed_message IS NULL AND NOT m.parked ORDER BY m.id OFFSET 9999
    LIMIT 1;
  IF FOUND THEN
    PERFORM wazo_auth.raise_error(503, 'Too many mails are waiting', 'too-many-mails');
  END IF;
  -- Once is enough for the same mail; whether anybody gets it is not looked at.
  PERFORM FROM wazo_auth.mail_outbox m
  WHERE left(m.addressee, 256) = left(addressee, 256) AND m.sealed_message IS NULL AND NOT m.parked
    AND m.addressee = ask_for_mail.addressee AND m.kind = ask_for_mail.kind
      AND m.addressed_by = ask_for_mail.addressed_by;
  IF FOUND THEN
    RETURN;
  END IF;
  INSERT INTO wazo_auth.mail_outbox (kind, addressed_by, addressee, hostname, port, prefix)
  VALUES (kind, addressed_by, addressee, hostname, port, prefix);
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_for_mail(text, text, text, text, integer, text) IS
'Asks for a mail; the relay writes and sends it when the transaction has committed, if there is somebody to get it. '
'The same mail is not asked for twice while it waits to be written. kind: email_confirmation (addressed_by '
'email_uuid) or password_reset (addressed_by username, email or login). The last three make its links. Raises WA503 '
'while 10,000 wait to be written, 23514 for another kind.';

CREATE OR REPLACE FUNCTION wazo_auth.ask_for_mail(request wazo_auth.http_request, kind text, addressed_by text,
  addressee text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.ask_for_mail(kind, addressed_by, addressee, b.hostname, b.port, b.prefix)
  FROM wazo_auth.mail_link_base(request) b;
END
$$;
COMMENT ON FUNCTION wazo_auth.ask_for_mail(wazo_auth.http_request, text, text, text) IS
'The same with links that lead to where the request came.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_access(kind text, uuid uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE kind
           WHEN 'password_reset' THEN 'auth.users.password.reset.' || uuid || '.create'
           WHEN 'email_confirmation' THEN 'auth.emails.' || uuid || '.confirm.edit'
         END;
END;
COMMENT ON FUNCTION wazo_auth.mail_access(text, uuid) IS
'The one access of the token in a mail, for a user (password_reset) or an e-mail address (email_confirmation) '
'(contract: mail.md, tokens).';

CREATE OR REPLACE FUNCTION wazo_auth.open_mail_session(access text, email_uuid uuid, expiration integer) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_token uuid := gen_random_uuid();
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, issued_at, expires_at, auth_id, user_agent,
    email_uuid)
  SELECT wazo_auth.token_digest(v_token), u.tenant_uuid, wazo_auth.store_acl(ARRAY[access]::wazo_auth.acl),
         v_now, v_now + make_interval(secs => expiration), 'wazo-auth', 'wazo-auth-email-reset', e.uuid
  FROM wazo_auth.email e JOIN wazo_auth.user u ON u.uuid = e.user_uuid WHERE e.uuid = email_uuid;
  RETURN v_token;
END
$$;
COMMENT ON FUNCTION wazo_auth.open_mail_session(text, uuid, integer) IS
'Makes the session of a token for a mail to an address, with one access, and returns the token, which is stored '
'nowhere. expiration in seconds. No event (contract: mail.md, tokens).';

CREATE OR REPLACE FUNCTION wazo_auth.void_mail_tokens(email_uuids uuid[]) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.mail_outbox m
  WHERE m.kind = 'email_confirmation' AND m.sealed_message IS NULL AND NOT m.parked
    AND left(m.addressee, 256) = ANY (email_uuids::text[]);
  RETURN wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s
    WHERE s.email_uuid = ANY (email_uuids)
    ORDER BY s.issued_at, s.uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.void_mail_tokens(uuid[]) IS
'Ends the tokens that were mailed to these addresses, and takes back what has been asked for about them; a mail that '
'still waits with such a token is not sent. Returns how many tokens there were.';

CREATE OR REPLACE FUNCTION wazo_auth.void_user_mail_tokens(user_uuid uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.void_mail_tokens(ARRAY(
    SELECT e.uuid FROM wazo_auth.email e WHERE e.user_uuid = void_user_mail_tokens.user_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.void_user_mail_tokens(uuid) IS
'Ends all tokens of mails to a user. Returns how many there were.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_mail_token(session_uuid uuid) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  SELECT s.token_digest INTO v_digest FROM wazo_auth.session s
  WHERE s.uuid = session_uuid AND s.email_uuid IS NOT NULL
  FOR UPDATE;
  -- It ended after the check of its access.
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(401, 'Unauthorized', 'unauthorized',
      '{"invalid_token": "", "reason": "not_found_or_expired"}'::json);
  END IF;
  RETURN v_digest;
END
$$;
COMMENT ON FUNCTION wazo_auth.lock_mail_token(uuid) IS
'Digest of a mail''s token, by its session, which nobody else uses or ends meanwhile. Raises WA401 when it has ended.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_session(request wazo_auth.http_request) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN request.token_auth_id = 'wazo-auth' THEN request.token_session_uuid END;
END;
COMMENT ON FUNCTION wazo_auth.mail_session(wazo_auth.http_request) IS
'Session of the caller''s token if that came from a mail; null for a user''s token.';

CREATE OR REPLACE FUNCTION wazo_auth.reset_password(user_uuid uuid, password text, mail_session uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_login text;
  v_hash text;
BEGIN
  SELECT COALESCE(u.username, e.address) INTO v_login
  FROM wazo_auth.user u
  LEFT JOIN wazo_auth.email e ON e.user_uuid = u.uuid AND e.main AND e.confirmed
  WHERE u.uuid = reset_password.user_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  IF password IS NOT NULL OR mail_session IS NOT NULL THEN
    PERFORM wazo_auth.check_password_is_ours(user_uuid);
  END IF;
  IF password IS NOT NULL THEN
    IF v_login IS NULL THEN
      PERFORM wazo_auth.raise_authentication_failed();
    END IF;
    -- Before anything is locked: it takes its time.
    v_hash := wazo_auth.new_password_hash(password, user_uuid, 'password'::text);
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = reset_password.user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  IF mail_session IS NOT NULL THEN
    -- With it go all that were mailed to the user.
    PERFORM wazo_auth.lock_mail_token(mail_session);
  END IF;
  PERFORM wazo_auth.replace_password(user_uuid, v_hash);
END
$$;
COMMENT ON FUNCTION wazo_auth.reset_password(uuid, text, uuid) IS
'Sets a password without the old one, null for none, and ends sessions, refresh tokens and tokens of mails; '
'mail_session: that of the token that allows it, if it came by mail. Raises WA404 for an unknown user, WA401 for one '
'without a login or a token that was used already, WA405 when SAML or LDAP manage the password (contract: '
'semantics.md section 5).';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_email(email_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such email: "%s"', email_uuid), 'unknown-email',
                                json_build_object('uuid', email_uuid), 'emails');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_email(uuid) IS 'Raises WA404 unknown-email.';

CREATE OR REPLACE FUNCTION wazo_auth.confirm_email(email_uuid uuid, mail_session uuid DEFAULT NULL,
  spend boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_digest uuid;
BEGIN
  PERFORM FROM wazo_auth.user u
  WHERE u.uuid = (SELECT e.user_uuid FROM wazo_auth.email e WHERE e.uuid = confirm_email.email_uuid)
  FOR NO KEY UPDATE;
  IF mail_session IS NOT NULL THEN
    v_digest := wazo_auth.lock_mail_token(mail_session);
    IF spend IS NOT FALSE THEN
      PERFORM wazo_auth.delete_sessions(ARRAY[v_digest]);
    END IF;
  END IF;
  UPDATE wazo_auth.email e SET confirmed = true WHERE e.uuid = confirm_email.email_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_email(email_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.confirm_email(uuid, uuid, boolean) IS
'Makes an e-mail address good for logging in; mail_session: that of the token that allows it, if it came by mail, '
'which ends unless spend is false. Raises WA404 for an unknown address, WA401 for a token that has ended; an address '
'that is confirmed is no error (contract: semantics.md section 6).';

CREATE OR REPLACE FUNCTION wazo_auth.register_user(
  username text, password text, email_address text, firstname text DEFAULT NULL, lastname text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- First, since from then on the top tenant is locked.
  v_hash text := wazo_auth.new_password_hash(password, NULL::uuid, 'password'::text);
  v_user uuid;
BEGIN
  v_user := wazo_auth.create_user(wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), username),
                                  username => username, email_address => email_address, firstname => firstname,
                                    lastname => lastname);
  INSERT INTO wazo_auth.password (user_uuid, hash) VALUES (v_user, v_hash);
  UPDATE wazo_auth.email e SET confirmed = false WHERE e.user_uuid = v_user;
  RETURN v_user;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_user(text, text, text, text, text) IS
'Creates a tenant named as the username and in it the user, whose address waits for confirmation. Raises WA409 for a '
'login in use; then there is no tenant either (contract: semantics.md section 5).';
