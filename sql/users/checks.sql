-- Checks about users that a path names.

CREATE OR REPLACE FUNCTION wazo_auth.check_user_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.user_in_sight((request.params ->> 'user_uuid')::uuid, request.tenant_uuid,
                                 wazo_auth.try_uuid(request.token_auth_id)) THEN
    PERFORM wazo_auth.raise_unknown_user(request.params ->> 'user_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_user_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {user_uuid} is not in sight. Also for handlers that have to find other errors before.';
SELECT wazo_auth.add_check('user', 'wazo_auth.check_user_in_sight', '{404}',
  '{user_uuid} is in the scoping tenant or below it, or is the caller');
