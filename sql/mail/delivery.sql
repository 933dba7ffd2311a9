-- Writing and delivering mails: what the relay worker asks the database for,
-- and what people see of it.

CREATE OR REPLACE FUNCTION wazo_auth.mail_target(
  mail wazo_auth.mail_outbox, OUT uuid uuid, OUT username text, OUT address text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_user uuid;
BEGIN
  IF mail.kind = 'email_confirmation' THEN
    SELECT e.uuid, u.username, e.address INTO mail_target.uuid, mail_target.username, mail_target.address
    FROM wazo_auth.email e
    JOIN wazo_auth.user u ON u.uuid = e.user_uuid
    WHERE e.uuid = wazo_auth.try_uuid(mail.addressee) AND NOT e.confirmed;
    RETURN;
  END IF;
  SELECT l.user_uuid, u.username INTO v_user, mail_target.username
  FROM wazo_auth.login l
  JOIN wazo_auth.user u ON u.uuid = l.user_uuid
  WHERE l.login = wazo_auth.fold_login(mail.addressee)
    AND (mail.addressed_by = 'login'
         OR mail.addressed_by = 'username' AND u.username = mail.addressee
         OR mail.addressed_by = 'email' AND EXISTS (
              SELECT FROM wazo_auth.email e WHERE e.user_uuid = l.user_uuid AND e.address = mail.addressee));
  IF v_user IS NULL OR wazo_auth.effective_authentication_method(v_user) IN ('saml', 'ldap') THEN
    RETURN;
  END IF;
  mail_target.uuid := v_user;
  IF mail.addressed_by = 'email' THEN
    mail_target.address := mail.addressee;
  ELSE
    SELECT e.address INTO mail_target.address FROM wazo_auth.email e
    WHERE e.user_uuid = v_user AND e.confirmed
    ORDER BY e.main DESC, e.uuid LIMIT 1;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_target(wazo_auth.mail_outbox) IS
'Who gets the mail: the user (password_reset) or address (email_confirmation), the username, the address it goes to, null when nobody gets one (contract: mail.md, password reset).';

CREATE OR REPLACE FUNCTION wazo_auth.write_mail(mail wazo_auth.mail_outbox) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_target record := wazo_auth.mail_target(mail);
  v_access text := wazo_auth.mail_access(mail.kind, v_target.uuid);
  -- templates are named after the mail; one is not, upstream's way
  v_body_template text := CASE mail.kind WHEN 'password_reset' THEN 'password_reset_email' ELSE mail.kind END;
  v_from text := wazo_auth.get_setting(mail.kind || '_from_address') #>> '{}';
  v_token uuid;
  v_context jsonb;
  v_message text;
BEGIN
  IF v_target.address IS NULL THEN
    DELETE FROM wazo_auth.mail_outbox m WHERE m.id = mail.id;
    RETURN;
  END IF;
  -- The latest mail is the one that counts.
  PERFORM wazo_auth.void_mail_tokens(ARRAY[v_access]);
  v_token := wazo_auth.open_mail_session(v_access, (wazo_auth.get_setting(mail.kind || '_expiration') #>> '{}')::integer);
  v_context := jsonb_strip_nulls(jsonb_build_object(
    'token', v_token, 'username', v_target.username, 'email_address', v_target.address,
    CASE mail.kind WHEN 'password_reset' THEN 'user_uuid' ELSE 'email_uuid' END, v_target.uuid,
    'hostname', mail.hostname, 'port', mail.port, 'prefix', mail.prefix));
  v_message := wazo_auth.mail_message(
    wazo_auth.get_setting(mail.kind || '_from_name') #>> '{}', v_from, v_target.username, v_target.address,
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template || '_subject'), v_context),
    wazo_auth.render_mail_template(wazo_auth.mail_template(v_body_template), v_context),
    clock_timestamp(),
    to_hex((EXTRACT(epoch FROM mail.created_at) * 1000000)::bigint) || '.' || to_hex(mail.id));
  UPDATE wazo_auth.mail_outbox m
  SET recipient = v_target.address, token_digest = wazo_auth.token_digest(v_token),
      sealed_message = wazo_auth.seal(jsonb_build_object('sender', v_from, 'message', v_message, 'context', v_context)::text,
                                      'mail:' || mail.id),
      attempts = 0, next_attempt_at = NULL, error = NULL
  WHERE m.id = mail.id;
END
$$;
COMMENT ON FUNCTION wazo_auth.write_mail(wazo_auth.mail_outbox) IS
'Makes the token and the text of a mail that was asked for; takes it out when there is nobody to get it. Voids the tokens of earlier mails of its kind to the same user or address.';

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
'Writes at most "batch" mails that were asked for. One that cannot be written is tried again as wazo_auth.fail_mail() says, and does not hold up the others. Returns how many were looked at. Raises F0000 without a key to seal with.';

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
    AND NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.token_digest = m.token_digest AND s.expires_at > clock_timestamp());
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
'The next mails to send: at most "batch" of those that are written and due, without those in flight; with_message false gives their ids and recipients only. Drops mails whose token has been used, voided or has expired. Takes no lock, since a database has one relay.';

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
COMMENT ON FUNCTION wazo_auth.finish_mail(bigint) IS 'Takes a delivered mail out of the outbox. Returns 1, or 0 when it was gone already.';

CREATE OR REPLACE FUNCTION wazo_auth.fail_mail(id bigint, error text, max_attempts integer, pause interval) RETURNS boolean
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
      v_error := replace(v_error, wazo_auth.unseal(v_sealed, 'mail:' || fail_mail.id)::jsonb #>> '{context,token}', '***');
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
'Notes that a mail could not be written or was refused: it is tried again after a pause that doubles, and parked at the attempt max_attempts. Returns whether it is parked now.';

CREATE OR REPLACE FUNCTION wazo_auth.deliver_mail_by_function(id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mail wazo_auth.mail_outbox;
  v_sender text := wazo_auth.get_setting('email_notification_plugin') #>> '{}';
  v_function regprocedure;
BEGIN
  SELECT m.* INTO v_mail FROM wazo_auth.mail_outbox m WHERE m.id = deliver_mail_by_function.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  SELECT to_regprocedure(s.handler || '(text, jsonb)') INTO v_function FROM wazo_auth.mail_sender s WHERE s.name = v_sender;
  IF v_function IS NULL THEN
    RAISE EXCEPTION 'the function of the mail sender "%" does not exist', v_sender USING ERRCODE = 'undefined_function';
  END IF;
  EXECUTE format('SELECT %s($1, $2)', v_function::oid::regproc)
  USING v_mail.kind, wazo_auth.unseal(v_mail.sealed_message, 'mail:' || v_mail.id)::jsonb -> 'context';
  RETURN wazo_auth.finish_mail(v_mail.id);
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_mail_by_function(bigint) IS
'Gives a mail to the registered sender that the setting email_notification_plugin names, and takes it out of the outbox. Returns 1, or 0 when it was gone already. Raises what that raises.';

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
'Without workers: writes at most "batch" mails, and gives as many to a registered sender. Returns how many were delivered; sending by SMTP takes a worker.';

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
COMMENT ON VIEW wazo_auth.parked_mail IS 'Mails that could not be written or that the mail server has refused too often, and why; wazo_auth.retry_parked_mails() sends them again, unless their token has expired';
