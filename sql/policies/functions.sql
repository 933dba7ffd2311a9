CREATE OR REPLACE FUNCTION wazo_auth.policy_of_slug(tenant_uuid uuid, slug text) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- lower() finds the row by the unique index, the second comparison is exact.
  RETURN (SELECT p.uuid
          FROM wazo_auth.tenant t
          CROSS JOIN LATERAL pg_catalog.unnest(t.path) WITH ORDINALITY above (uuid, depth)
          JOIN wazo_auth.policy p ON p.tenant_uuid = above.uuid AND pg_catalog.lower(p.slug) = pg_catalog.lower(policy_of_slug.slug)
          WHERE t.uuid = policy_of_slug.tenant_uuid
            AND p.slug = policy_of_slug.slug
            AND (above.uuid = t.uuid OR p.shared OR p.config_managed)
          ORDER BY above.depth DESC
          LIMIT 1);
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_of_slug(uuid, text) IS
'The policy that a slug means in a tenant: its own, else the nearest one shared by a tenant above, else the configuration''s (which the top tenant owns); null without one (contract: semantics.md section 8). Case counts.';

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
