-- Writing and delivering mails: what the relay worker asks the database for,
-- and what people see of it.

CREATE OR REPLACE FUNCTION wazo_auth.mail_target(
  mail wazo_auth.mail_outbox, OUT user_uuid uuid, OUT email_uuid uuid, OUT username text, OUT address text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF mail.kind = 'email_confirmation' THEN
    SELECT e.user_uuid, e.uuid, u.username, e.address
    INTO mail_target.user_uuid, mail_target.email_uuid, mail_target.username, mail_target.address
    FROM wazo_auth.email e
    JOIN wazo_auth.user u ON u.uuid = e.user_uuid
    WHERE e.uuid = wazo_auth.try_uuid(mail.addressee) AND NOT e.confirmed AND u.enabled;
    RETURN;
  END IF;
  -- To a confirmed address only: others may be anybody's.
  SELECT e.user_uuid, e.uuid, u.username, e.address
  INTO mail_target.user_uuid, mail_target.email_uuid, mail_target.username, mail_target.address
  FROM wazo_auth.login l
  JOIN wazo_auth.user u ON u.uuid = l.user_uuid AND u.enabled
  JOIN wazo_auth.email e ON e.user_uuid = l.user_uuid AND e.confirmed
  WHERE l.login = wazo_auth.normal_login(mail.addressee)
    AND (mail.addressed_by = 'login'
         OR mail.addressed_by = 'username' AND u.username = mail.addressee
         OR mail.addressed_by = 'email' AND e.address = mail.addressee)
  ORDER BY e.main DESC, e.uuid
  LIMIT 1;
  IF wazo_auth.password_is_kept_elsewhere(mail_target.user_uuid) THEN
    user_uuid := NULL;
    email_uuid := NULL;
    username := NULL;
    address := NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_target(wazo_auth.mail_outbox) IS
'Who gets the mail: the user, the username, and the address that it goes to; all null when nobody gets one (contract: '
'mail.md, password reset). A reset goes to an enabled user''s confirmed addresses only, a confirmation to one that is '
'not confirmed.';

CREATE OR REPLACE FUNCTION wazo_auth.hold_mail(mail wazo_auth.mail_outbox, user_uuid uuid, email_uuid uuid)
RETURNS interval
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_latest wazo_auth.latest_mail;
  v_rest interval;
BEGIN
  SELECT l.* INTO v_latest FROM wazo_auth.latest_mail l WHERE l.user_uuid = hold_mail.user_uuid AND l.kind = mail.kind;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_rest := v_latest.written_at - clock_timestamp()
            + make_interval(secs => (wazo_auth.get_setting('mail_interval') #>> '{}')::integer);
  IF v_rest <= '0'::interval
     AND NOT EXISTS (SELECT FROM wazo_auth.mail_outbox m WHERE m.id = v_latest.mail_id AND NOT m.parked) THEN
    RETURN NULL;
  END IF;
  -- The same mail has just been written, or still waits, with a link that works.
  IF mail.kind = 'password_reset' OR v_latest.email_uuid = email_uuid THEN
    RETURN '0'::interval;
  END IF;
  RETURN GREATEST(v_rest, '1 second'::interval);
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_mail(wazo_auth.mail_outbox, uuid, uuid) IS
'How long the mail must wait, since a user gets one mail of a kind at a time and in each mail_interval: null for not '
'at all, zero for ever, as what it would say has been said.';

CREATE OR REPLACE FUNCTION wazo_auth.one_line(value text, size integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- blanks, controls, and what changes the direction of text or is not seen
  v_line text := btrim(regexp_replace(value COLLATE "C",
    '[\u0001-\u0020\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]+',
    ' ', 'g'));
BEGIN
  RETURN CASE WHEN char_length(v_line) > size THEN left(v_line, size - 3) || '...' ELSE v_line END;
END
$$;
COMMENT ON FUNCTION wazo_auth.one_line(text, integer) IS
'Text of somebody as it may stand among ours: on one line, without invisible characters, and no longer than "size" '
'characters.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_context(mail wazo_auth.mail_outbox, username text, address text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_build_object(
    'username', NULLIF(wazo_auth.one_line(username, 64), ''), 'email_address', address,
    'hostname', mail.hostname, 'port', mail.port, 'prefix', mail.prefix,
    'public_url', rtrim(wazo_auth.get_setting('public_url') #>> '{}', '/'));
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_context(wazo_auth.mail_outbox, text, text) IS
'Variables of the templates of a mail but for those of its token; what its user has typed is cleaned and shortened, '
'since others may get the mail.';

CREATE OR REPLACE FUNCTION wazo_auth.write_mail(mail wazo_auth.mail_outbox) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_target record := wazo_auth.mail_target(mail);
  -- templates are named after the mail; one is not, upstream's way
  v_body_template text := CASE mail.kind WHEN 'password_reset' THEN 'password_reset_email' ELSE mail.kind END;
  v_from text := wazo_auth.get_setting(mail.kind || '_from_address') #>> '{}';
  v_hold interval;
  v_uuid uuid;
  v_token uuid;
  v_context jsonb;
  v_message text;
BEGIN
  -- What the token stands on must not change meanwhile. Nothing is waited for
  -- here, as many users may be locked by one look at the outbox.
  PERFORM FROM wazo_auth.user u WHERE u.uuid = v_target.user_uuid FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    v_target := wazo_auth.mail_target(mail);
    v_hold := wazo_auth.hold_mail(mail, v_target.user_uuid, v_target.email_uuid);
  ELSIF v_target.user_uuid IS NOT NULL THEN
    v_hold := '1 second'::interval;
  END IF;
  IF v_target.user_uuid IS NULL OR v_hold = '0'::interval THEN
    DELETE FROM wazo_auth.mail_outbox m WHERE m.id = mail.id;
    RETURN;
  ELSIF v_hold IS NOT NULL THEN
    UPDATE wazo_auth.mail_outbox m SET next_attempt_at = clock_timestamp() + v_hold WHERE m.id = mail.id;
    RETURN;
  END IF;

  v_uuid := CASE mail.kind WHEN 'password_reset' THEN v_target.user_uuid ELSE v_target.email_uuid END;
  v_token := wazo_auth.open_mail_session(wazo_auth.mail_access(mail.kind, v_uuid), v_target.email_uuid,
                                         (wazo_auth.get_setting(mail.kind || '_expiration') #>> '{}')::integer);
  v_context := jsonb_strip_nulls(
    wazo_auth.mail_context(mail, v_target.username, v_target.address)
    || jsonb_build_object('token', v_token, CASE mail.kind WHEN 'password_reset' THEN 'user_uuid' ELSE 'email_uuid' END,
      v_uuid));
  v_message := wazo_auth.mail_message(
    wazo_auth.get_setting(mail.kind || '_from_name') #>> '{}', v_from, v_context ->> 'username', v_target.address,
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template || '_subject'), v_context),
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template), v_context),
    clock_timestamp(),
    to_hex((EXTRACT(epoch FROM mail.created_at) * 1000000)::bigint) || '.' || to_hex(mail.id));
  UPDATE wazo_auth.mail_outbox m
  SET recipient = v_target.address, token_digest = wazo_auth.token_digest(v_token),
      sealed_message = wazo_auth.seal(jsonb_build_object('sender', v_from, 'message', v_message, 'context',
        v_context)::text,
                                      'mail:' || mail.id),
      attempts = 0, next_attempt_at = NULL, error = NULL
  WHERE m.id = mail.id;
  INSERT INTO wazo_auth.latest_mail AS l (user_uuid, kind, email_uuid, written_at, mail_id)
  VALUES (v_target.user_uuid, mail.kind, v_target.email_uuid, clock_timestamp(), mail.id)
  ON CONFLICT ON CONSTRAINT latest_mail_pkey DO UPDATE
  SET email_uuid = EXCLUDED.email_uuid, written_at = EXCLUDED.written_at, mail_id = EXCLUDED.mail_id;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_mail(wazo_auth.mail_outbox) IS
'Makes the token and the text of a mail that was asked for. Takes it out when there is nobody to get it or the last '
'one of its kind still does, see wazo_auth.hold_mail(); leaves it for later while its user is being changed.';

CREATE OR REPLACE FUNCTION wazo_auth.write_mails(batch integer, max_attempts integer, pause interval) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_count integer := 0;
BEGIN
  FOR v_mail IN
    SELECT m.* FROM wazo_auth.mail_outbox m
    WHERE m.sealed_message IS NULL AND NOT m.parked
      AND (m.next_attempt_at IS NULL OR m.next_attempt_at <= clock_timestamp())
    ORDER BY m.id LIMIT batch
    FOR UPDATE SKIP LOCKED
  LOOP
    -- A missing key is no fault of a mail's.
    PERFORM wazo_auth.seal_key_id();
    v_count := v_count + 1;
    BEGIN
      PERFORM wazo_auth.write_mail(v_mail);
    EXCEPTION WHEN OTHERS THEN
      PERFORM wazo_auth.fail_mail(v_mail.id, SQLERRM, max_attempts, pause);
    END;
  END LOOP;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_mails(integer, integer, interval) IS
'Writes at most "batch" mails that were asked for. One that cannot be written is tried again as wazo_auth.fail_mail() '
'says, and does not hold up the others. Returns how many were looked at. Raises F0000 without a key to seal with.';

CREATE OR REPLACE FUNCTION wazo_auth.claim_mails(batch integer, in_flight bigint[], with_message boolean)
RETURNS TABLE (id bigint, sender text, recipient text, message text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_content jsonb;
BEGIN
  DELETE FROM wazo_auth.mail_outbox m
  WHERE m.sealed_message IS NOT NULL
    AND NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.token_digest = m.token_digest
      AND s.expires_at > clock_timestamp());
  FOR v_mail IN
    SELECT m.* FROM wazo_auth.mail_outbox m
    WHERE m.sealed_message IS NOT NULL AND NOT m.parked
      AND (m.next_attempt_at IS NULL OR m.next_attempt_at <= clock_timestamp())
      AND m.id <> ALL (in_flight)
    ORDER BY m.id LIMIT batch
  LOOP
    id := v_mail.id;
    recipient := v_mail.recipient;
    IF with_message THEN
      BEGIN
        v_content := wazo_auth.unseal(v_mail.sealed_message, 'mail:' || v_mail.id)::jsonb;
      EXCEPTION WHEN OTHERS THEN
        -- Its key may come back.
        UPDATE wazo_auth.mail_outbox m SET error = SQLERRM, next_attempt_at = clock_timestamp() + '1 minute'::interval
        WHERE m.id = v_mail.id;
        CONTINUE;
      END;
      sender := v_content ->> 'sender';
      message := v_content ->> 'message';
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_mails(integer, bigint[], boolean) IS
'The next mails to send: at most "batch" of those that are written and due, without those in flight; with_message '
'false gives their ids and recipients only. Drops mails whose token has been used, voided or has expired. Takes no '
'lock, since a database has one relay.';

CREATE OR REPLACE FUNCTION wazo_auth.finish_mail(id bigint) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  DELETE FROM wazo_auth.mail_outbox m WHERE m.id = finish_mail.id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.finish_mail(bigint) IS
'Takes a delivered mail out of the outbox. Returns 1, or 0 when it was gone already.';

CREATE OR REPLACE FUNCTION wazo_auth.fail_mail(id bigint, error text, max_attempts integer, pause interval)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_error text := error;
  v_sealed bytea;
  v_parked boolean;
BEGIN
  SELECT m.sealed_message INTO v_sealed FROM wazo_auth.mail_outbox m WHERE m.id = fail_mail.id;
  IF v_sealed IS NOT NULL THEN
    BEGIN
      -- Whoever wrote the message may have put the token into it.
      v_error := replace(v_error, wazo_auth.unseal(v_sealed, 'mail:' || fail_mail.id)::jsonb #>> '{context,token}',
        '***');
    EXCEPTION WHEN OTHERS THEN
      v_error := SQLERRM;
    END;
  END IF;
  UPDATE wazo_auth.mail_outbox m
  SET attempts = m.attempts + 1,
      error = left(v_error, 1000),
      parked = m.attempts + 1 >= max_attempts,
      -- doubled with each attempt, up to an hour
      next_attempt_at = clock_timestamp() + LEAST(pause * power(2, LEAST(m.attempts, 20)), '1 hour'::interval)
  WHERE m.id = fail_mail.id
  RETURNING m.parked INTO v_parked;
  RETURN COALESCE(v_parked, false);
END
$$;
COMMENT ON FUNCTION wazo_auth.fail_mail(bigint, text, integer, interval) IS
'Notes that a mail could not be written or was refused: it is tried again after a pause that doubles, and parked at '
'the attempt max_attempts. Returns whether it is parked now.';

CREATE OR REPLACE FUNCTION wazo_auth.deliver_mail_by_function(id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_context jsonb;
BEGIN
  SELECT m.* INTO v_mail FROM wazo_auth.mail_outbox m WHERE m.id = deliver_mail_by_function.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  v_context := wazo_auth.unseal(v_mail.sealed_message, 'mail:' || v_mail.id)::jsonb -> 'context';
  PERFORM wazo_auth.call_plugin_for_mail('mail_sender'::text,
    wazo_auth.get_setting('email_notification_plugin') #>> '{}',
    ARRAY[v_context ->> 'token'], v_mail.kind, v_context);
  RETURN wazo_auth.finish_mail(v_mail.id);
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_mail_by_function(bigint) IS
'Gives a mail to the registered sender that the setting email_notification_plugin names, and takes it out of the '
'outbox. Returns 1, or 0 when it was gone already. Raises what that raises.';

CREATE OR REPLACE FUNCTION wazo_auth.deliver_mails_locally(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail record;
  v_attempts integer := COALESCE(current_setting('wazo_auth.relay_max_attempts', true)::integer, 10);
  v_count integer := 0;
BEGIN
  PERFORM wazo_auth.write_mails(batch, v_attempts, '1 second'::interval);
  IF wazo_auth.get_setting('email_notification_plugin') = '"smtp"' THEN
    RETURN 0;
  END IF;
  FOR v_mail IN SELECT c.id FROM wazo_auth.claim_mails(batch, '{}', false) c LOOP
    BEGIN
      v_count := v_count + wazo_auth.deliver_mail_by_function(v_mail.id);
    EXCEPTION WHEN OTHERS THEN
      PERFORM wazo_auth.fail_mail(v_mail.id, SQLERRM, v_attempts, '1 second'::interval);
    END;
  END LOOP;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_mails_locally(integer) IS
'Without workers: writes at most "batch" mails, and gives as many to a registered sender. Returns how many were '
'delivered; sending by SMTP takes a worker.';

CREATE OR REPLACE FUNCTION wazo_auth.retry_parked_mails(id bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE wazo_auth.mail_outbox m
  SET parked = false, attempts = 0, next_attempt_at = NULL
  WHERE m.parked AND (retry_parked_mails.id IS NULL OR m.id = retry_parked_mails.id);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  PERFORM wazo_auth.wake_relay();
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.retry_parked_mails(bigint) IS
'Sends parked mails again: one by its id, or all. Returns how many there were.';

CREATE OR REPLACE VIEW wazo_auth.parked_mail AS
SELECT m.id, m.created_at, m.kind, m.addressed_by, m.addressee, m.recipient, m.attempts, m.error
FROM wazo_auth.mail_outbox m
WHERE m.parked;
COMMENT ON VIEW wazo_auth.parked_mail IS
'Mails that could not be written or that the mail server has refused too often, and why; '
'wazo_auth.retry_parked_mails() sends them again, unless their token has expired';
