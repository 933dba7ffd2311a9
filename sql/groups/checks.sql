-- Checks about groups that a path names.

CREATE OR REPLACE FUNCTION wazo_auth.check_group_in_sight(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT wazo_auth.tenant_contains(
    request.tenant_uuid, wazo_auth.group_tenant_uuid((request.params ->> 'group_uuid')::uuid)) THEN
    PERFORM wazo_auth.raise_unknown_group(request.params ->> 'group_uuid');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_group_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {group_uuid} is not in the scoping tenant or below it.';
SELECT wazo_auth.add_check('group', 'wazo_auth.check_group_in_sight', '{404}',
  '{group_uuid} is in the scoping tenant or below it');
