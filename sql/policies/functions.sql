CREATE OR REPLACE FUNCTION wazo_auth.create_policy(
  tenant_uuid uuid, name text, acl wazo_auth.acl DEFAULT '{}', slug text DEFAULT NULL,
  description text DEFAULT NULL, shared boolean DEFAULT false, config_managed boolean DEFAULT false)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid;
BEGIN
  INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, acl, description, shared, config_managed)
  VALUES (tenant_uuid, name, COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80)), acl, description, shared, config_managed)
  RETURNING policy.uuid INTO v_uuid;
  RETURN v_uuid;
EXCEPTION
  WHEN unique_violation THEN
    PERFORM wazo_auth.raise_error(409, pg_catalog.format('Policy "%s" already exists', name));
  WHEN foreign_key_violation THEN
    PERFORM wazo_auth.unknown_tenant(tenant_uuid::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.create_policy(uuid, text, wazo_auth.acl, text, text, boolean, boolean) IS
'Creates a policy in a tenant. Raises WA404 for an unknown tenant, WA409 for a name or slug in use there.';

CREATE OR REPLACE FUNCTION wazo_auth.add_user_policy(user_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO wazo_auth.user_policy (user_uuid, policy_uuid)
  VALUES (add_user_policy.user_uuid, add_user_policy.policy_uuid)
  ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION wazo_auth.add_user_policy(uuid, uuid) IS 'Gives a user a policy; nothing happens when it has it already. Sessions keep the ACL they were opened with.';

CREATE OR REPLACE FUNCTION wazo_auth.add_group_policy(group_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
  VALUES (add_group_policy.group_uuid, add_group_policy.policy_uuid)
  ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION wazo_auth.add_group_policy(uuid, uuid) IS 'Gives all users of a group a policy; nothing happens when the group has it already. Sessions keep the ACL they were opened with.';
