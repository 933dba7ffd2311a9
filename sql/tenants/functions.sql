CREATE OR REPLACE FUNCTION wazo_auth.unknown_tenant(tenant text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, pg_catalog.format('No such tenant: "%s"', tenant), 'unknown-tenant',
                               pg_catalog.json_build_object('uuid', tenant), 'tenants');
END
$$;
COMMENT ON FUNCTION wazo_auth.unknown_tenant(text) IS 'Raises WA404 unknown-tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.top_tenant_uuid() RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT t.uuid FROM wazo_auth.tenant t WHERE pg_catalog.cardinality(t.path) = 1
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.top_tenant_uuid() IS 'The tenant above all others, or null before wazo_auth.bootstrap().';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_scope(tenant_uuid uuid, recurse boolean DEFAULT true) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
  SELECT tenant_scope.tenant_uuid WHERE NOT tenant_scope.recurse
  UNION ALL
  -- A path that starts with ours sorts after ours and before ours with the
  -- greatest uuid appended, so the subtree is one range of the index.
  SELECT t.uuid
  FROM (SELECT s.path FROM wazo_auth.tenant s WHERE s.uuid = tenant_scope.tenant_uuid AND tenant_scope.recurse) top
  JOIN wazo_auth.tenant t
    ON t.path >= top.path
   AND t.path <= top.path || 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid;
END;
COMMENT ON FUNCTION wazo_auth.tenant_scope(uuid, boolean) IS
'The tenant, and with recurse all tenants below it.';

CREATE OR REPLACE FUNCTION wazo_auth.generate_slug(name text, allowed text, size integer, taken text[] DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text := pg_catalog.left(pg_catalog.regexp_replace(name, '[^' || allowed || ']', '', 'g'), size);
BEGIN
  WHILE v_slug IS NULL OR v_slug = '' OR v_slug = ANY (taken) LOOP
    v_slug := pg_catalog.substr(pg_catalog.translate(pg_catalog.gen_random_uuid()::text, '-', ''), 1, 3);
  END LOOP;
  RETURN v_slug;
END
$$;
COMMENT ON FUNCTION wazo_auth.generate_slug(text, text, integer, text[]) IS
'Slug for a name: its characters of the set "allowed" (of a bracket expression), cut to "size"; three random ones when nothing is left or it is among those taken.';

CREATE OR REPLACE FUNCTION wazo_auth.create_all_users_group(tenant_uuid uuid) RETURNS uuid
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO wazo_auth.group (tenant_uuid, name, slug, system_managed)
  VALUES (create_all_users_group.tenant_uuid,
          'wazo-all-users-tenant-' || create_all_users_group.tenant_uuid,
          'wazo-all-users-tenant-' || create_all_users_group.tenant_uuid, true)
  RETURNING uuid;
END;
COMMENT ON FUNCTION wazo_auth.create_all_users_group(uuid) IS
'Makes the group of all users of a new tenant (contract: semantics.md section 7).';

CREATE OR REPLACE FUNCTION wazo_auth.create_tenant(
  parent_uuid uuid, name text DEFAULT NULL, slug text DEFAULT NULL, uuid uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, pg_catalog.gen_random_uuid());
  v_path uuid[];
  v_slug text := slug;
BEGIN
  -- Shared, so that the parent can neither go nor move meanwhile.
  SELECT t.path INTO v_path FROM wazo_auth.tenant t WHERE t.uuid = parent_uuid FOR SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.unknown_tenant(parent_uuid::text);
  END IF;
  IF v_slug IS NULL THEN
    v_slug := wazo_auth.generate_slug(name, 'a-zA-Z0-9_', 10,
      ARRAY(SELECT t.slug FROM wazo_auth.tenant t
            WHERE t.slug = pg_catalog.left(pg_catalog.regexp_replace(create_tenant.name, '[^a-zA-Z0-9_]', '', 'g'), 10)));
  END IF;
  INSERT INTO wazo_auth.tenant (uuid, path, slug, name) VALUES (v_uuid, v_path || v_uuid, v_slug, name);
  INSERT INTO wazo_auth.tenant_parent (tenant_uuid, parent_uuid) VALUES (v_uuid, parent_uuid);
  PERFORM wazo_auth.emit_tenant_added(v_uuid, name, v_slug, '{}');
  PERFORM wazo_auth.create_all_users_group(v_uuid);
  RETURN v_uuid;
EXCEPTION WHEN unique_violation THEN
  IF EXISTS (SELECT FROM wazo_auth.tenant t WHERE t.uuid = v_uuid) THEN
    PERFORM wazo_auth.raise_error(409, 'Tenant Conflict detected', 'tenant-identity-conflict',
      pg_catalog.json_build_object('uuid', pg_catalog.json_build_object(
        'constraint_id', 'unique', 'message', pg_catalog.format('A tenant with identity uuid="%s" already exists', v_uuid))), 'tenants');
  END IF;
  PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
    pg_catalog.json_build_object('slug', pg_catalog.json_build_object(
      'constraint_id', 'unique', 'message', pg_catalog.format('The slug "%s" is already used', v_slug))), 'tenants');
END
$$;
COMMENT ON FUNCTION wazo_auth.create_tenant(uuid, text, text, uuid) IS
'Creates a tenant below a parent, with its group of all users; a slug is made from the name when none is given. Raises WA404 for an unknown parent, WA409 for a slug or uuid in use.';
