-- Checks about addresses that a path names.

CREATE OR REPLACE FUNCTION wazo_auth.check_email_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- In a user's path only that user's.
  IF NOT EXISTS (
    SELECT FROM wazo_auth.email e
    WHERE e.uuid = (request.params ->> 'email_uuid')::uuid
      AND e.user_uuid = COALESCE((request.params ->> 'user_uuid')::uuid, e.user_uuid)
      AND wazo_auth.user_in_sight(e.user_uuid, request.tenant_uuid, wazo_auth.try_uuid(request.token_auth_id))) THEN
    PERFORM wazo_auth.raise_unknown_email((request.params ->> 'email_uuid')::uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_email_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {email_uuid} is not an address of {user_uuid}, or without that of a user in sight.';
SELECT wazo_auth.add_check('email', 'wazo_auth.check_email_in_sight', '{404}',
  '{email_uuid} is an address of {user_uuid}, or of a user in sight');
