CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_tenant(tenant text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No such tenant: "%s"', tenant), 'unknown-tenant',
                               json_build_object('uuid', tenant), 'tenants');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_tenant(text) IS 'Raises WA404 unknown-tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.top_tenant_uuid() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT t.uuid FROM wazo_auth.tenant t WHERE cardinality(t.path) = 1
  );
END
$$;
COMMENT ON FUNCTION wazo_auth.top_tenant_uuid() IS 'The tenant above all others, or null before wazo_auth.bootstrap().';

CREATE OR REPLACE FUNCTION wazo_auth.last_path_below(path uuid[]) RETURNS uuid[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT last_path_below.path || array_fill('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, '{100}');
END;
COMMENT ON FUNCTION wazo_auth.last_path_below(uuid[]) IS
'The paths from this one to its last one are those that start with it, whatever their uuids: none is longer than 100, '
'so none sorts after as many of the greatest uuid. That makes a subtree one range of the index on '
'wazo_auth.tenant.path.';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_scope(tenant_uuid uuid, recurse boolean DEFAULT true) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
  SELECT tenant_scope.tenant_uuid WHERE tenant_scope.recurse IS FALSE
  UNION ALL
  SELECT t.uuid
  FROM (SELECT s.path FROM wazo_auth.tenant s
        WHERE s.uuid = tenant_scope.tenant_uuid AND tenant_scope.recurse IS NOT FALSE) top
  JOIN wazo_auth.tenant t ON t.path >= top.path AND t.path <= wazo_auth.last_path_below(top.path);
END;
COMMENT ON FUNCTION wazo_auth.tenant_scope(uuid, boolean) IS
'The tenant, and with recurse all tenants below it.';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_contains(tenant_uuid uuid, below uuid) RETURNS boolean
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_tenant_contains';
COMMENT ON FUNCTION wazo_auth.tenant_contains(uuid, uuid) IS
'Is the second tenant the first one or below it? False for an unknown one.';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_is_top(tenant_uuid uuid) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_tenant_is_top';
COMMENT ON FUNCTION wazo_auth.tenant_is_top(uuid) IS
'Is it the tenant above all others? False for an unknown one.';

CREATE OR REPLACE FUNCTION wazo_auth.random_slug(size integer) RETURNS text
LANGUAGE sql VOLATILE
BEGIN ATOMIC
  SELECT string_agg(
           substr('abcdefghijklmnopqrstuvwxyz0123456789',
             1 + floor(random() * 36)::integer, 1), '')
  FROM generate_series(1, random_slug.size);
END;
COMMENT ON FUNCTION wazo_auth.random_slug(integer) IS 'That many random characters of a-z and 0-9.';

CREATE OR REPLACE FUNCTION wazo_auth.generate_slug(name text, allowed text, size integer, attempt integer) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text := left(regexp_replace(name, '[^' || allowed || ']', '', 'g'), size);
BEGIN
  IF attempt = 0 AND v_slug <> '' THEN
    RETURN v_slug;
  END IF;
  -- Longer ones when those of three characters become rare.
  RETURN wazo_auth.random_slug(LEAST(3 + attempt / 8, size));
END
$$;
COMMENT ON FUNCTION wazo_auth.generate_slug(text, text, integer, integer) IS
'Slug to try for a name. At the attempt 0: its characters of the set "allowed" (of a bracket expression), cut to '
'"size"; at later ones, and when nothing is left, a few random ones.';

CREATE OR REPLACE FUNCTION wazo_auth.set_tenant_contact(tenant_uuid uuid, contact uuid, seen_from uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF contact IS NULL THEN
    DELETE FROM wazo_auth.tenant_contact c WHERE c.tenant_uuid = set_tenant_contact.tenant_uuid;
    RETURN;
  END IF;
  PERFORM FROM wazo_auth.user u WHERE u.uuid = contact FOR KEY SHARE;
  IF NOT FOUND
     OR seen_from IS NOT NULL AND NOT wazo_auth.user_in_sight(contact, seen_from, NULL::uuid)
        AND NOT EXISTS (SELECT FROM wazo_auth.tenant_contact c WHERE c.tenant_uuid = set_tenant_contact.tenant_uuid
          AND c.user_uuid = contact) THEN
    PERFORM wazo_auth.raise_unknown_user(contact::text);
  END IF;
  INSERT INTO wazo_auth.tenant_contact (tenant_uuid, user_uuid) VALUES (tenant_uuid, contact)
  ON CONFLICT ON CONSTRAINT tenant_contact_pkey DO UPDATE SET user_uuid = EXCLUDED.user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_contact(uuid, uuid, uuid) IS
'Makes a user the contact of a tenant; null for none. With seen_from, it must be in sight from that tenant, or the '
'contact already. Raises WA404 for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.set_tenant_domains(tenant_uuid uuid, domain_names text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- In one order, so that two requests for the same names cannot wait for each other.
  v_names text[] := ARRAY(
    SELECT DISTINCT wazo_auth.normal_domain(n) COLLATE "C" FROM unnest(domain_names) n ORDER BY 1);
BEGIN
  IF cardinality(v_names) > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'Longer than maximum length 100.', 'invalid-data',
      '{"domain_names": {"constraint_id": "length", "constraint": {"max": 100}}}'::json, 'tenants');
  END IF;
  DELETE FROM wazo_auth.tenant_domain d
  WHERE d.tenant_uuid = set_tenant_domains.tenant_uuid
    AND NOT EXISTS (SELECT FROM unnest(v_names) v(name) WHERE v.name = d.name);
  INSERT INTO wazo_auth.tenant_domain (tenant_uuid, name)
  SELECT set_tenant_domains.tenant_uuid, v.name FROM unnest(v_names) WITH ORDINALITY v (name, place)
    ORDER BY v.place
  ON CONFLICT ON CONSTRAINT tenant_domain_name_key DO NOTHING;
  IF (SELECT count(*) FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = set_tenant_domains.tenant_uuid)
     <> cardinality(v_names) THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      json_build_object('domain_names', json_build_object(
        'constraint-id', 'unique',
        'message', format('Domain name : "[''%s'']" is already in use, no duplicates allowed',
                                     array_to_string(v_names, ''', ''')))), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_domains(uuid, text[]) IS
'Replaces the domain names of a tenant, whatever their spelling; those that stay keep their uuid. Raises WA409 when '
'another tenant has one of them.';

CREATE OR REPLACE FUNCTION wazo_auth.set_tenant_address(tenant_uuid uuid, address wazo_auth.postal_address) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF address IS NULL THEN
    DELETE FROM wazo_auth.tenant_address a WHERE a.tenant_uuid = set_tenant_address.tenant_uuid;
  ELSE
    INSERT INTO wazo_auth.tenant_address (tenant_uuid, address) VALUES (tenant_uuid, address)
    ON CONFLICT ON CONSTRAINT tenant_address_pkey DO UPDATE SET address = EXCLUDED.address;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_tenant_address(uuid, wazo_auth.postal_address) IS
'Sets the address of a tenant; one of which every part is null takes it away.';

CREATE OR REPLACE FUNCTION wazo_auth.check_default_method(method text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- "default" would lock out the users whose method is the tenant's.
  IF method IS NULL OR method = 'default' OR NOT wazo_auth.is_authentication_method(method) THEN
    PERFORM wazo_auth.raise_error(400, concat('Invalid default authentication method ', method),
      'invalid-data',
                                  json_build_object('default_authentication_method', method), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_default_method(text) IS
'Raises WA400 for what cannot be a tenant''s default authentication method.';

CREATE OR REPLACE FUNCTION wazo_auth.check_tenant_depth(depth integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF depth > 100 THEN
    PERFORM wazo_auth.raise_error(400, 'The tree of tenants would be too deep', 'invalid-data',
                                  json_build_object('parent_uuid', 'too deep'), 'tenants');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_tenant_depth(integer) IS
'Raises WA400 for a tenant that would be more than 100 levels deep, the limit of tenant.path.';

CREATE OR REPLACE FUNCTION wazo_auth.create_tenant(
  parent_uuid uuid, name text DEFAULT NULL, slug text DEFAULT NULL, uuid uuid DEFAULT NULL,
  phone text DEFAULT NULL, contact uuid DEFAULT NULL, default_authentication_method text DEFAULT 'native',
  domain_names text[] DEFAULT '{}', address wazo_auth.postal_address DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid := COALESCE(uuid, gen_random_uuid());
  v_path uuid[];
  v_slug text;
  v_attempt integer := 0;
BEGIN
  default_authentication_method := COALESCE(default_authentication_method, 'native');
  PERFORM wazo_auth.check_default_method(default_authentication_method);
  -- Against moves, which hold the tree still; taken before any row of it.
  LOCK TABLE wazo_auth.tenant_parent IN ROW EXCLUSIVE MODE;
  -- Shared, so that the parent cannot go meanwhile.
  SELECT t.path INTO v_path FROM wazo_auth.tenant t WHERE t.uuid = parent_uuid FOR SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(parent_uuid::text);
  END IF;
  PERFORM wazo_auth.check_tenant_depth(cardinality(v_path) + 1);
  LOOP
    v_slug := COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_', 10, v_attempt));
    INSERT INTO wazo_auth.tenant (uuid, path, slug, name, phone, default_authentication_method)
    VALUES (v_uuid, v_path || v_uuid, v_slug, name, phone, default_authentication_method)
    ON CONFLICT DO NOTHING;
    EXIT WHEN FOUND;
    IF EXISTS (SELECT FROM wazo_auth.tenant t WHERE t.uuid = v_uuid) THEN
      PERFORM wazo_auth.raise_error(409, 'Tenant Conflict detected', 'tenant-identity-conflict',
        json_build_object('uuid', json_build_object(
          'constraint_id', 'unique', 'message', format('A tenant with identity uuid="%s" already exists',
            v_uuid))), 'tenants');
    ELSIF slug IS NOT NULL THEN
      PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
        json_build_object('slug', json_build_object(
          'constraint_id', 'unique', 'message', format('The slug "%s" is already used', slug))), 'tenants');
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  INSERT INTO wazo_auth.tenant_parent (path) VALUES (v_path || v_uuid);
  PERFORM wazo_auth.set_tenant_contact(v_uuid, contact, seen_from);
  PERFORM wazo_auth.set_tenant_domains(v_uuid, domain_names);
  PERFORM wazo_auth.set_tenant_address(v_uuid, address);
  PERFORM wazo_auth.emit_tenant_added(v_uuid, name, v_slug,
    ARRAY(SELECT d.name FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = v_uuid ORDER BY d.name));
  PERFORM wazo_auth.apply_tenant_defaults(v_uuid);
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_tenant(uuid, text, text, uuid, text, uuid, text, text[], wazo_auth.postal_address,
  uuid) IS
'Creates a tenant below a parent, with its group of all users and what the settings all_users_policies and '
'tenant_default_groups ask for; a slug is made from the name when none is given. With seen_from, the contact must be '
'in sight from that tenant. Raises WA404 for an unknown parent or contact, WA409 for a slug, uuid or domain name in '
'use, WA400 for an unknown method or too deep a tree (contract: semantics.md section 10).';

CREATE OR REPLACE FUNCTION wazo_auth.update_tenant(
  tenant_uuid uuid, name text DEFAULT NULL, phone text DEFAULT NULL, contact uuid DEFAULT NULL,
  default_authentication_method text DEFAULT 'native', domain_names text[] DEFAULT '{}',
  address wazo_auth.postal_address DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  default_authentication_method := COALESCE(default_authentication_method, 'native');
  PERFORM wazo_auth.check_default_method(default_authentication_method);
  UPDATE wazo_auth.tenant t
  SET name = update_tenant.name, phone = update_tenant.phone,
      default_authentication_method = update_tenant.default_authentication_method
  WHERE t.uuid = tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  PERFORM wazo_auth.set_tenant_contact(tenant_uuid, contact, seen_from);
  PERFORM wazo_auth.set_tenant_domains(tenant_uuid, domain_names);
  PERFORM wazo_auth.set_tenant_address(tenant_uuid, address);
  PERFORM wazo_auth.emit_tenant_updated(tenant_uuid, name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_tenant(uuid, text, text, uuid, text, text[], wazo_auth.postal_address, uuid) IS
'Replaces all of a tenant but its uuid, slug and parent; what is left out is reset. With seen_from, a new contact '
'must be in sight from that tenant. Raises WA404 for an unknown tenant or contact, WA409 for a domain name in use, '
'WA400 for an unknown method.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_tenant(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  LOCK TABLE wazo_auth.tenant_parent IN ROW EXCLUSIVE MODE;
  -- The users first and then the tenant: the order of a login, which locks its
  -- user and then refers to the tenant.
  PERFORM FROM wazo_auth.user u WHERE u.tenant_uuid = delete_tenant.tenant_uuid ORDER BY u.uuid FOR UPDATE;
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  IF tenant_uuid = wazo_auth.top_tenant_uuid() THEN
    PERFORM wazo_auth.raise_own_tenant(tenant_uuid);
  END IF;
  IF EXISTS (SELECT FROM wazo_auth.tenant_parent p
             WHERE p.parent_path = (SELECT t.path FROM wazo_auth.tenant t
                                    WHERE t.uuid = delete_tenant.tenant_uuid)) THEN
    -- Clients know this body, whose parts are in each other's places.
    RAISE EXCEPTION USING ERRCODE = 'WA400',
      MESSAGE = format('Unauthorized delete of tenant : "%s" ; since it has at least one child',
        tenant_uuid),
      DETAIL = format('{"error_id": {"uuid": "%s"}, "details": "tenants"}', tenant_uuid);
  END IF;
  PERFORM wazo_auth.delete_sessions(ARRAY(
    SELECT s.token_digest FROM wazo_auth.session s WHERE s.tenant_uuid = delete_tenant.tenant_uuid
    UNION
    SELECT s.token_digest FROM wazo_auth.session s JOIN wazo_auth.user u ON u.uuid = s.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid
    UNION
    SELECT s.token_digest FROM wazo_auth.session s JOIN wazo_auth.email e ON e.uuid = s.email_uuid
    JOIN wazo_auth.user u ON u.uuid = e.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid));
  PERFORM wazo_auth.delete_refresh_tokens(ARRAY(
    SELECT r.token_digest FROM wazo_auth.refresh_token r JOIN wazo_auth.user u ON u.uuid = r.user_uuid
    WHERE u.tenant_uuid = delete_tenant.tenant_uuid));
  DELETE FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid;
  PERFORM wazo_auth.emit_tenant_deleted(tenant_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_tenant(uuid) IS
'Deletes a tenant with its users, groups, policies, domains, sessions and refresh tokens. Raises WA404 for an unknown '
'tenant, WA400 for one with children, WA403 for the top tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_own_tenant(tenant_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(403, format('Deleting its own tenant is forbidden: "%s"',
    raise_own_tenant.tenant_uuid),
                               'deleting-own-tenant-forbidden',
                               json_build_object('tenant_uuid', raise_own_tenant.tenant_uuid), 'tenants');
END;
COMMENT ON FUNCTION wazo_auth.raise_own_tenant(uuid) IS 'Raises WA403: nobody deletes the tenant that it acts for.';

CREATE OR REPLACE FUNCTION wazo_auth.move_tenant(tenant_uuid uuid, parent_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_path uuid[];
  v_parent_path uuid[];
BEGIN
  -- One move at a time, and none while tenants are made or deleted: two moves
  -- could close a cycle that neither sees.
  LOCK TABLE wazo_auth.tenant_parent IN SHARE ROW EXCLUSIVE MODE;
  SELECT t.path INTO v_path FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  SELECT t.path INTO v_parent_path FROM wazo_auth.tenant t WHERE t.uuid = parent_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(parent_uuid::text);
  END IF;
  IF tenant_uuid = ANY (v_parent_path) THEN
    PERFORM wazo_auth.raise_error(409, format('Parent (%s) is a descendent of tenant: "%s"', parent_uuid,
      tenant_uuid),
      'conflict', json_build_object('uuid', tenant_uuid, 'parent_uuid', parent_uuid), 'tenants');
  END IF;
  IF v_path[cardinality(v_path) - 1] = parent_uuid THEN
    RETURN;
  END IF;
  PERFORM wazo_auth.check_tenant_depth(cardinality(v_parent_path) + (
    SELECT max(cardinality(t.path)) - cardinality(v_path) + 1
    FROM wazo_auth.tenant t WHERE t.path >= v_path AND t.path <= wazo_auth.last_path_below(v_path)));
  -- Each row's parent follows it, one after the other.
  SET CONSTRAINTS wazo_auth.tenant_parent_parent_path_fkey DEFERRED;
  UPDATE wazo_auth.tenant t
  SET path = v_parent_path || t.path[cardinality(v_path):]
  WHERE t.path >= v_path AND t.path <= wazo_auth.last_path_below(v_path);
  SET CONSTRAINTS wazo_auth.tenant_parent_parent_path_fkey IMMEDIATE;
END
$$;
COMMENT ON FUNCTION wazo_auth.move_tenant(uuid, uuid) IS
'Puts a tenant, with all below it, under another parent. Raises WA404 for an unknown one of both, WA409 when the '
'parent is the tenant itself or below it, WA400 for too deep a tree.';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_item() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN $item$wazo_auth.json_object(
      '{uuid,parent_uuid,name,slug,contact,phone,default_authentication_method,domain_names,address}',
      p.uuid, COALESCE(p.path[cardinality(p.path) - 1], p.uuid), p.name, p.slug, p.contact, p.phone,
      p.default_authentication_method,
      ARRAY(SELECT n.name FROM wazo_auth.tenant_domain n WHERE n.tenant_uuid = p.uuid ORDER BY n.name),
      wazo_auth.json_object('{line_1,line_2,city,state,country,zip_code}',
        (p.address).line_1, (p.address).line_2, (p.address).city, (p.address).state, (p.address).country,
        (p.address).zip_code))$item$;
END
$$;
COMMENT ON FUNCTION wazo_auth.tenant_item() IS
'A tenant as the REST API shows it (contract: responses.md section 3), as an expression on a row p of '
'wazo_auth.tenant_row; domain names in their order.';

CREATE OR REPLACE VIEW wazo_auth.tenant_row AS
SELECT t.uuid, t.path, t.name, t.slug, c.user_uuid AS contact, t.phone, t.default_authentication_method, a.address
FROM wazo_auth.tenant t
LEFT JOIN wazo_auth.tenant_contact c ON c.tenant_uuid = t.uuid
LEFT JOIN wazo_auth.tenant_address a ON a.tenant_uuid = t.uuid;
COMMENT ON VIEW wazo_auth.tenant_row IS 'Tenants with what wazo_auth.tenant_item() shows of them';

CREATE OR REPLACE FUNCTION wazo_auth.tenant_json(tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.cached_query(
    'SELECT ' || wazo_auth.tenant_item() || ' FROM wazo_auth.tenant_row p WHERE p.uuid = ($1 ->> ''@tenant'')::uuid',
    jsonb_build_object('@tenant', tenant_uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.tenant_json(uuid) IS 'A tenant as the REST API shows it; null for an unknown one.';
