CREATE OR REPLACE FUNCTION wazo_auth.replace_emails(
  user_uuid uuid, addresses text[], main text DEFAULT NULL, confirmed boolean[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF cardinality(addresses) > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'Longer than maximum length 100.', 'invalid-data',
      '{"emails": {"constraint_id": "length", "constraint": {"max": 100}}}'::json, 'emails');
  END IF;
  IF main IS NOT NULL AND main <> ALL (addresses) THEN
    RAISE EXCEPTION 'the main address is not among the addresses' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM wazo_auth.claim_logins(user_uuid, NULL, addresses);
  IF (SELECT count(DISTINCT wazo_auth.normal_login(a)) FROM unnest(addresses) a) < cardinality(addresses) THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      '{"email_address": {"constraint_id": "unique", "message": "The email_address \"None\" is already used"}}'::json,
        'users');
  END IF;

  -- What was mailed to an address that goes, or is not confirmed any more.
  PERFORM wazo_auth.void_mail_tokens(ARRAY(
    SELECT e.uuid FROM wazo_auth.email e
    LEFT JOIN unnest(addresses, confirmed) a(address, confirmed) ON a.address = e.address
    WHERE e.user_uuid = replace_emails.user_uuid
      AND (a.address IS NULL OR e.confirmed AND NOT COALESCE(a.confirmed, true))));
  DELETE FROM wazo_auth.email e
  WHERE e.user_uuid = replace_emails.user_uuid
    AND NOT EXISTS (SELECT FROM unnest(addresses) a(address) WHERE a.address = e.address);
  -- First none is the main one, since two never are.
  UPDATE wazo_auth.email e SET main = false WHERE e.user_uuid = replace_emails.user_uuid AND e.main
    AND e.address IS DISTINCT FROM main;
  INSERT INTO wazo_auth.email AS e (user_uuid, address, main, confirmed)
  SELECT user_uuid, a.address, a.address IS NOT DISTINCT FROM main, COALESCE(a.confirmed, o.confirmed, false)
  FROM unnest(addresses, confirmed) a(address, confirmed)
  LEFT JOIN wazo_auth.email o ON o.user_uuid = replace_emails.user_uuid AND o.address = a.address
  ON CONFLICT ON CONSTRAINT email_user_uuid_address_key DO UPDATE
  SET main = EXCLUDED.main, confirmed = EXCLUDED.confirmed;
  PERFORM wazo_auth.release_logins(user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.replace_emails(uuid, text[], text, boolean[]) IS
'Replaces all e-mail addresses of a user. An address that is there already keeps its uuid; its case counts. main: one '
'of them. confirmed: in the order of the addresses; where it is null an address stays as it was, and a new one is '
'unconfirmed. Tokens mailed to an address that goes or is unconfirmed end. Raises WA404 for an unknown user, WA409 '
'for an address that another user has or that is given twice (contract: semantics.md section 6).';
