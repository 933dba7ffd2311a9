CREATE OR REPLACE FUNCTION wazo_auth.create_group(
  tenant_uuid uuid, name text, slug text DEFAULT NULL, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, pg_catalog.gen_random_uuid());
BEGIN
  INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug)
  VALUES (v_uuid, tenant_uuid, name, COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80)));
  RETURN v_uuid;
EXCEPTION
  WHEN unique_violation THEN
    PERFORM wazo_auth.raise_error(409, pg_catalog.format('Group "%s" already exists', name));
  WHEN foreign_key_violation THEN
    PERFORM wazo_auth.unknown_tenant(tenant_uuid::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.create_group(uuid, text, text, uuid) IS
'Creates a group in a tenant. Raises WA404 for an unknown tenant, WA409 for a name or slug in use there.';

CREATE OR REPLACE FUNCTION wazo_auth.add_group_user(group_uuid uuid, user_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid)
  VALUES (add_group_user.group_uuid, add_group_user.user_uuid)
  ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION wazo_auth.add_group_user(uuid, uuid) IS 'Puts a user into a group; nothing happens when it is there already.';
