CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_group(group_uuid text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such group: "%s"', group_uuid), 'unknown-group',
                                json_build_object('uuid', group_uuid), 'groups');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_group(text) IS 'Raises WA404 unknown-group.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_group_exists(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(409, format('Group "%s" already exists', name));
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_group_exists(text) IS
'Raises WA409 for a group whose name or slug its tenant has already.';

CREATE OR REPLACE FUNCTION wazo_auth.group_tenant_uuid(group_uuid uuid) RETURNS uuid
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_group_tenant_uuid';
COMMENT ON FUNCTION wazo_auth.group_tenant_uuid(uuid) IS 'The tenant of a group; null for an unknown one.';

CREATE OR REPLACE FUNCTION wazo_auth.lock_group(group_uuid uuid, for_members boolean DEFAULT false)
RETURNS wazo_auth.group
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_group wazo_auth.group;
BEGIN
  IF for_members THEN
    SELECT g.* INTO v_group FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR KEY SHARE;
  ELSE
    SELECT g.* INTO v_group FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR UPDATE;
  END IF;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(group_uuid::text);
  END IF;
  RETURN v_group;
END
$$;
COMMENT ON FUNCTION wazo_auth.lock_group(uuid, boolean) IS
'The group''s row, locked until the end of the transaction: for_members so that it cannot go away, else for a change. '
'Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.refuse_system_group(checked wazo_auth.group) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF checked.system_managed THEN
    PERFORM wazo_auth.raise_error(403, format('Forbidden group modification: "%s"', checked.uuid), 'forbidden-group',
                                  json_build_object('uuid', checked.uuid), 'groups');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.refuse_system_group(wazo_auth.group) IS
'Raises WA403 for the group of all users of a tenant, which nobody renames, deletes or changes the members of '
'(contract: semantics.md section 7).';

CREATE OR REPLACE FUNCTION wazo_auth.create_group(
  tenant_uuid uuid, name text, slug text DEFAULT NULL, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_attempt integer := 0;
BEGIN
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  LOOP
    INSERT INTO wazo_auth.group (uuid, tenant_uuid, name, slug)
    VALUES (v_uuid, tenant_uuid, name, COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80, v_attempt)))
    ON CONFLICT DO NOTHING;
    EXIT WHEN FOUND;
    -- Only a slug that nobody chose can be another one.
    IF slug IS NOT NULL
       OR EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = create_group.tenant_uuid
         AND g.name = create_group.name)
       OR EXISTS (SELECT FROM wazo_auth.group g WHERE g.uuid = v_uuid) THEN
      PERFORM wazo_auth.raise_group_exists(name);
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_group(uuid, text, text, uuid) IS
'Creates a group in a tenant; a slug is made from the name when none is given. Raises WA404 for an unknown tenant, '
'WA409 for a name or slug in use there.';

CREATE OR REPLACE FUNCTION wazo_auth.update_group(group_uuid uuid, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid));
  UPDATE wazo_auth.group g SET name = update_group.name WHERE g.uuid = group_uuid;
EXCEPTION WHEN unique_violation THEN
  PERFORM wazo_auth.raise_group_exists(name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_group(uuid, text) IS
'Renames a group; its slug stays. Raises WA404 for an unknown group, WA403 for a tenant''s group of all users, WA409 '
'for a name in use in the tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_group(group_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid));
  DELETE FROM wazo_auth.group g WHERE g.uuid = group_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_group(uuid) IS
'Deletes a group; sessions of its users keep the ACL they were opened with. Raises WA404 for an unknown group, WA403 '
'for a tenant''s group of all users.';

CREATE OR REPLACE FUNCTION wazo_auth.add_group_user(group_uuid uuid, user_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_tenant uuid;
  v_group wazo_auth.group;
BEGIN
  -- Both stay until we are done: a deletion that came first is seen here.
  SELECT u.tenant_uuid INTO v_tenant FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  v_group := wazo_auth.lock_group(group_uuid, for_members => true);
  IF v_tenant <> v_group.tenant_uuid THEN
    PERFORM wazo_auth.raise_error(400, 'Ressources are not in the same tenant', 'missmatching-tenant',
      json_build_object('user_tenant_uuid', v_tenant, 'group_tenant_uuid', v_group.tenant_uuid), 'groups');
  END IF;
  PERFORM wazo_auth.refuse_system_group(v_group);
  INSERT INTO wazo_auth.group_user (group_uuid, user_uuid) VALUES (group_uuid, user_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(user_uuid => user_uuid, resource => 'groups');
END
$$;
COMMENT ON FUNCTION wazo_auth.add_group_user(uuid, uuid) IS
'Puts a user into a group of its tenant; nothing happens when it is there already. Raises WA404 for an unknown user '
'or group, WA400 for two tenants, WA403 for a group of all users. Sessions keep the ACL they were opened with.';

CREATE OR REPLACE FUNCTION wazo_auth.remove_group_user(group_uuid uuid, user_uuid uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.refuse_system_group(wazo_auth.lock_group(group_uuid, for_members => true));
  DELETE FROM wazo_auth.group_user gu
  WHERE gu.group_uuid = remove_group_user.group_uuid AND gu.user_uuid = remove_group_user.user_uuid;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_group_user(uuid, uuid) IS
'Takes a user out of a group. Returns whether it was in it. Raises WA404 for an unknown group, WA403 for a group of '
'all users.';
