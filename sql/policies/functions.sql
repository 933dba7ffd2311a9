CREATE OR REPLACE FUNCTION wazo_auth.policy_of_slug(tenant_uuid uuid, slug text) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- lower() finds the row by the unique index, the second comparison is exact.
  RETURN (SELECT p.uuid
          FROM wazo_auth.tenant t
          CROSS JOIN LATERAL unnest(t.path) WITH ORDINALITY above (uuid, depth)
          JOIN wazo_auth.policy p ON p.tenant_uuid = above.uuid
            AND lower(p.slug) = lower(policy_of_slug.slug)
          WHERE t.uuid = policy_of_slug.tenant_uuid
            AND p.slug = policy_of_slug.slug
            AND (above.uuid = t.uuid OR p.shared OR p.config_managed)
          ORDER BY above.depth DESC
          LIMIT 1);
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_of_slug(uuid, text) IS
'The policy that a slug means in a tenant: its own, else the nearest one shared by a tenant above, else the '
'configuration''s (which the top tenant owns); null without one (contract: semantics.md section 8). Case counts.';

CREATE OR REPLACE FUNCTION wazo_auth.policy_in_sight(policy_uuid uuid, tenant_uuid uuid) RETURNS boolean
LANGUAGE c STABLE STRICT COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_policy_in_sight';
COMMENT ON FUNCTION wazo_auth.policy_in_sight(uuid, uuid) IS
'Is the policy in sight from the tenant? It is from its own and from those above; a shared one from all below its '
'own, too, and one of the configuration from everywhere (contract: semantics.md section 8).';

CREATE OR REPLACE FUNCTION wazo_auth.acl_distinct(entries text[]) RETURNS wazo_auth.acl
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT COALESCE(array_agg(e.entry ORDER BY e.place), '{}')::wazo_auth.acl
  FROM (SELECT u.entry COLLATE "C" AS entry, min(u.place) AS place
        FROM unnest(entries) WITH ORDINALITY u (entry, place)
        GROUP BY 1) e;
END;
COMMENT ON FUNCTION wazo_auth.acl_distinct(text[]) IS
'The access patterns as an ACL, each once, in the order of their first mention. Raises 54000 beyond the limits of '
'wazo_auth.acl.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_duplicate_policy(name text) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(409, format('Policy "%s" already exists', raise_duplicate_policy.name));
END;
COMMENT ON FUNCTION wazo_auth.raise_duplicate_policy(text) IS 'Raises WA409: a policy has this name, or its slug.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_policy(policy_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.raise_error(404, format('No such policy {''uuid'': ''%s''}',
    raise_unknown_policy.policy_uuid));
END;
COMMENT ON FUNCTION wazo_auth.raise_unknown_policy(uuid) IS 'Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.shared_policy_in_the_way(tenant_uuid uuid, name text, slug text, shared boolean)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  -- One at a time for each name and slug, or a tenant and one below it could
  -- both make the policy that the other's forbids.
  PERFORM pg_advisory_xact_lock(k.key)
  FROM (SELECT DISTINCT hashtextextended('wazo_auth.policy:' || v.value, v.kind) AS key
        FROM (VALUES (name, 1), (slug, 2)) v (value, kind) ORDER BY 1) k;
  RETURN (
    SELECT min(CASE WHEN p.name = shared_policy_in_the_way.name THEN 'name' ELSE 'slug' END)
    FROM wazo_auth.policy p
    JOIN wazo_auth.tenant o ON o.uuid = p.tenant_uuid
    WHERE (p.name = shared_policy_in_the_way.name OR p.slug = shared_policy_in_the_way.slug)
      AND (p.shared AND p.tenant_uuid = ANY ((SELECT t.path FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid)::uuid[])
           OR shared AND tenant_uuid = ANY (o.path)));
END
$$;
COMMENT ON FUNCTION wazo_auth.shared_policy_in_the_way(uuid, text, text, boolean) IS
'What a new policy of this name and slug has in common with one that a tenant above shares or, if it would be shared '
'itself, with one of a tenant below: name, else slug, else null; the case counts (contract: semantics.md section 8). '
'Others that ask for the same name or slug wait until the end of the transaction.';

CREATE OR REPLACE FUNCTION wazo_auth.create_policy(
  tenant_uuid uuid, name text, acl wazo_auth.acl DEFAULT '{}', slug text DEFAULT NULL,
  description text DEFAULT NULL, shared boolean DEFAULT false, config_managed boolean DEFAULT false)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_uuid uuid;
  v_slug text;
  v_taken text;
  v_attempt integer := 0;
BEGIN
  shared := COALESCE(shared, false);
  config_managed := COALESCE(config_managed, false);
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  IF config_managed AND tenant_uuid <> wazo_auth.top_tenant_uuid() THEN
    RAISE EXCEPTION 'policies of the configuration belong to the top tenant' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  LOOP
    v_slug := COALESCE(slug, wazo_auth.generate_slug(name, 'a-zA-Z0-9_-', 80, v_attempt));
    v_taken := wazo_auth.shared_policy_in_the_way(tenant_uuid, name, v_slug, shared);
    IF v_taken IS NULL THEN
      INSERT INTO wazo_auth.policy AS p (tenant_uuid, name, slug, acl, description, shared, config_managed)
      VALUES (tenant_uuid, name, v_slug, wazo_auth.acl_distinct(acl::text[]), description, shared, config_managed)
      ON CONFLICT DO NOTHING
      RETURNING p.uuid INTO v_uuid;
      EXIT WHEN FOUND;
    END IF;
    -- Only a slug that nobody chose can be another one.
    IF v_taken = 'name' OR slug IS NOT NULL
       OR EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = create_policy.tenant_uuid
         AND p.name = create_policy.name) THEN
      PERFORM wazo_auth.raise_duplicate_policy(name);
    END IF;
    v_attempt := v_attempt + 1;
  END LOOP;
  RETURN v_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_policy(uuid, text, wazo_auth.acl, text, text, boolean, boolean) IS
'Creates a policy in a tenant; a slug is made from the name when none is given, and of equal accesses one is kept. '
'Raises WA404 for an unknown tenant, WA409 for a name or slug in use there, shared from above, or, for a shared '
'policy, in use below.';

CREATE OR REPLACE FUNCTION wazo_auth.refuse_too_many_accesses(
  user_uuid uuid DEFAULT NULL, group_uuid uuid DEFAULT NULL, policy_uuid uuid DEFAULT NULL, resource text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  c_message text := 'more than 10000 different accesses, or 1 MiB of them, would be given to ';
  v_default wazo_auth.acl := COALESCE(wazo_auth.default_acl('wazo_user'), '{}');
  v_group uuid;
  v_user uuid;
BEGIN
  -- Nearly always all policies that there are fit together.
  IF (SELECT sum(wazo_auth.acl_length(p.acl)) <= 10000 AND sum(octet_length(p.acl::text)) <= 1048576
      FROM wazo_auth.policy p) THEN
    RETURN;
  END IF;
  -- A group may have no members yet, and a user is of its tenant's at once.
  FOR v_group IN
    SELECT g.uuid FROM wazo_auth.group g WHERE g.uuid = group_uuid
    UNION
    SELECT gp.group_uuid FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = refuse_too_many_accesses.policy_uuid
  LOOP
    IF NOT wazo_auth.acls_fit(ARRAY(
         SELECT p.acl FROM wazo_auth.group_policy gp JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
         WHERE gp.group_uuid = v_group)) THEN
      PERFORM wazo_auth.raise_error(400, c_message || 'the group ' || v_group);
    END IF;
  END LOOP;
  -- Only those users are looked at whose policies, each counted by itself, are
  -- too many, and of those that have the same policies and groups only one: a
  -- group may have a hundred thousand members.
  FOR v_user IN
    WITH size AS MATERIALIZED (
      SELECT p.uuid, wazo_auth.acl_length(p.acl) AS entries, octet_length(p.acl::text) AS bytes FROM wazo_auth.policy p
    ), group_size AS MATERIALIZED (
      SELECT gp.group_uuid, sum(s.entries) AS entries, sum(s.bytes) AS bytes
      FROM wazo_auth.group_policy gp JOIN size s ON s.uuid = gp.policy_uuid
      GROUP BY gp.group_uuid
    ), concerned AS MATERIALIZED (
      SELECT user_uuid AS uuid WHERE user_uuid IS NOT NULL
      UNION
      SELECT gu.user_uuid FROM wazo_auth.group_user gu WHERE gu.group_uuid = refuse_too_many_accesses.group_uuid
      UNION
      SELECT up.user_uuid FROM wazo_auth.user_policy up WHERE up.policy_uuid = refuse_too_many_accesses.policy_uuid
      UNION
      SELECT gu.user_uuid FROM wazo_auth.group_policy gp JOIN wazo_auth.group_user gu ON gu.group_uuid = gp.group_uuid
      WHERE gp.policy_uuid = refuse_too_many_accesses.policy_uuid
    )
    SELECT (array_agg(c.uuid ORDER BY c.uuid))[1]
    FROM (SELECT c.uuid, array_agg(c.source ORDER BY c.source) AS sources
          FROM (SELECT c.uuid, up.policy_uuid AS source, s.entries, s.bytes
                FROM concerned c JOIN wazo_auth.user_policy up ON up.user_uuid = c.uuid
                JOIN size s ON s.uuid = up.policy_uuid
                UNION ALL
                SELECT c.uuid, gu.group_uuid, s.entries, s.bytes
                FROM concerned c JOIN wazo_auth.group_user gu ON gu.user_uuid = c.uuid
                JOIN group_size s ON s.group_uuid = gu.group_uuid) c
          GROUP BY c.uuid
          HAVING sum(c.entries) > 10000 - wazo_auth.acl_length(v_default)
              OR sum(c.bytes) > 1048576 - octet_length(v_default::text)) c
    GROUP BY c.sources
  LOOP
    IF NOT wazo_auth.acls_fit(ARRAY(
         SELECT v_default
         UNION ALL
         SELECT p.acl FROM wazo_auth.user_policy up JOIN wazo_auth.policy p ON p.uuid = up.policy_uuid
         WHERE up.user_uuid = v_user
         UNION ALL
         SELECT p.acl FROM wazo_auth.group_user gu JOIN wazo_auth.group_policy gp ON gp.group_uuid = gu.group_uuid
         JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid WHERE gu.user_uuid = v_user)) THEN
      PERFORM wazo_auth.raise_error(400, c_message || 'the user ' || v_user,
        error_id => CASE WHEN resource IS NOT NULL THEN 'too-many-accesses' END,
        details => json_build_object('user_uuid', v_user, 'max', 10000), resource => resource);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.refuse_too_many_accesses(uuid, uuid, uuid, text) IS
'Raises WA400 when a user, the members of a group or the holders of a policy have by now more different accesses than '
'an ACL holds; in the shape of the routes of resource, or of policies. What two requests do at a time passes; a login '
'copes with it, see granted_acl().';

CREATE OR REPLACE FUNCTION wazo_auth.update_policy(policy_uuid uuid, name text, acl wazo_auth.acl DEFAULT '{}',
  description text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  UPDATE wazo_auth.policy p
  SET name = update_policy.name, acl = wazo_auth.acl_distinct(update_policy.acl::text[]),
    description = update_policy.description
  WHERE p.uuid = policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  PERFORM wazo_auth.refuse_too_many_accesses(policy_uuid => policy_uuid);
EXCEPTION WHEN unique_violation THEN
  PERFORM wazo_auth.raise_duplicate_policy(name);
END
$$;
COMMENT ON FUNCTION wazo_auth.update_policy(uuid, text, wazo_auth.acl, text) IS
'Replaces name, ACL and description of a policy; sessions keep the ACL they were opened with. Raises WA404, and WA409 '
'for a name in use in its tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_policy(policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  DELETE FROM wazo_auth.policy p WHERE p.uuid = policy_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_policy(uuid) IS
'Deletes a policy and takes it from all that have it; sessions keep the ACL they were opened with. Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.entries_to_change(policy_uuid uuid) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = entries_to_change.policy_uuid
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  RETURN v_acl;
END
$$;
COMMENT ON FUNCTION wazo_auth.entries_to_change(uuid) IS
'The entries of a policy, which stays locked until they are changed. Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.add_policy_access(policy_uuid uuid, access text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_acl text[] := wazo_auth.entries_to_change(policy_uuid);
BEGIN
  IF access = ANY (v_acl) THEN
    PERFORM wazo_auth.raise_error(409, 'Policy already associated to ' || access);
  END IF;
  IF octet_length(access) > 1024 THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: access: Longer than maximum length 1024.');
  ELSIF cardinality(v_acl) >= 10000 THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: acl: Longer than maximum length 10000.');
  END IF;
  UPDATE wazo_auth.policy p SET acl = (v_acl || access)::wazo_auth.acl WHERE p.uuid = policy_uuid;
  PERFORM wazo_auth.refuse_too_many_accesses(policy_uuid => policy_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_policy_access(uuid, text) IS
'Puts an access pattern into a policy. Raises WA404, and WA409 when it is there.';

CREATE OR REPLACE FUNCTION wazo_auth.remove_policy_access(policy_uuid uuid, access text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_acl text[] := wazo_auth.entries_to_change(policy_uuid);
BEGIN
  IF access = ANY (v_acl) THEN
    UPDATE wazo_auth.policy p SET acl = array_remove(v_acl, access)::wazo_auth.acl WHERE p.uuid = policy_uuid;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_policy_access(uuid, text) IS
'Takes an access pattern out of a policy; nothing happens when it is not there. Raises WA404.';

CREATE OR REPLACE FUNCTION wazo_auth.add_user_policy(user_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.user u WHERE u.uuid = user_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  PERFORM FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  INSERT INTO wazo_auth.user_policy (user_uuid, policy_uuid) VALUES (user_uuid, policy_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(user_uuid => user_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_user_policy(uuid, uuid) IS
'Gives a user a policy; nothing happens when it has it already. Sessions keep the ACL they were opened with. Raises '
'WA404 for an unknown one of both.';

CREATE OR REPLACE FUNCTION wazo_auth.remove_user_policy(user_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM wazo_auth.user_policy up
  WHERE up.user_uuid = remove_user_policy.user_uuid AND up.policy_uuid = remove_user_policy.policy_uuid;
END;
COMMENT ON FUNCTION wazo_auth.remove_user_policy(uuid, uuid) IS
'Takes a policy from a user; nothing happens when it has it not. Sessions keep the ACL they were opened with.';

CREATE OR REPLACE FUNCTION wazo_auth.add_group_policy(group_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM FROM wazo_auth.group g WHERE g.uuid = group_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_group(group_uuid::text);
  END IF;
  PERFORM FROM wazo_auth.policy p WHERE p.uuid = policy_uuid FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_policy(policy_uuid);
  END IF;
  INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid) VALUES (group_uuid, policy_uuid) ON CONFLICT DO NOTHING;
  PERFORM wazo_auth.refuse_too_many_accesses(group_uuid => group_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_group_policy(uuid, uuid) IS
'Gives all users of a group a policy; nothing happens when the group has it already. Sessions keep the ACL they were '
'opened with. Raises WA404 for an unknown one of both.';

CREATE OR REPLACE FUNCTION wazo_auth.remove_group_policy(group_uuid uuid, policy_uuid uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM wazo_auth.group_policy gp
  WHERE gp.group_uuid = remove_group_policy.group_uuid AND gp.policy_uuid = remove_group_policy.policy_uuid;
END;
COMMENT ON FUNCTION wazo_auth.remove_group_policy(uuid, uuid) IS
'Takes a policy from a group; nothing happens when the group has it not. Sessions keep the ACL they were opened with.';

CREATE OR REPLACE FUNCTION wazo_auth.list_policies(
  query jsonb DEFAULT '{}', tenant_uuid uuid DEFAULT NULL, recurse boolean DEFAULT NULL,
  user_uuid uuid DEFAULT NULL, group_uuid uuid DEFAULT NULL, seen_from uuid DEFAULT NULL)
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_tenant text := '(SELECT ($1 ->> ''@tenant'')::uuid)';
  -- Is the owner the tenant that looks, or below it?
  c_owned text := format('EXISTS (SELECT FROM wazo_auth.tenant o WHERE o.uuid = q.tenant_uuid AND %s = ANY (o.path))',
    c_tenant);
  c_lent text := format('q.config_managed OR (q.shared AND q.tenant_uuid = ANY ((SELECT t.path FROM wazo_auth.tenant t '
    'WHERE t.uuid = %s)::uuid[]))', c_tenant);
  v_all boolean := user_uuid IS NULL AND group_uuid IS NULL;
BEGIN
  query := COALESCE(query, '{}'::jsonb);
  RETURN wazo_auth.list_page(query, jsonb_build_object('@tenant', tenant_uuid, '@user', user_uuid, '@group', group_uuid,
    '@seen_from', COALESCE(seen_from, tenant_uuid)),
    answer => CASE WHEN v_all THEN '{items,total}' ELSE '{items,total,filtered}' END::text[],
    source => CASE WHEN v_all THEN 'wazo_auth.policy q'
                   WHEN group_uuid IS NULL
                     THEN 'wazo_auth.user_policy a JOIN wazo_auth.policy q ON q.uuid = a.policy_uuid'
                   ELSE 'wazo_auth.group_policy a JOIN wazo_auth.policy q ON q.uuid = a.policy_uuid' END,
    visible => CASE WHEN v_all THEN format('(%s OR %s)', wazo_auth.scope_clause('q.tenant_uuid', tenant_uuid, recurse),
      c_lent)
                    WHEN group_uuid IS NULL THEN 'a.user_uuid = (SELECT ($1 ->> ''@user'')::uuid)'
                    ELSE 'a.group_uuid = (SELECT ($1 ->> ''@group'')::uuid)' END,
    shown => CASE WHEN group_uuid IS NOT NULL THEN format('(%s OR %s)', c_owned, c_lent) END,
    columns => format('q.uuid, q.tenant_uuid, q.name, q.slug, q.description, q.acl, q.shared, q.config_managed,'
                      ' CASE WHEN %1$s IS NULL OR %2$s THEN q.tenant_uuid ELSE %1$s END AS exposed', c_tenant, c_owned),
    item => $item$wazo_auth.json_object('{uuid,tenant_uuid,name,slug,description,acl,read_only,shared}',
              p.uuid, p.exposed, p.name, p.slug, p.description, to_json(p.acl::text[]),
              p.config_managed OR (p.shared AND p.exposed <> p.tenant_uuid),
              p.shared AND p.exposed = p.tenant_uuid)$item$,
    key => 'q.uuid',
    sort => '{"name": "q.name", "slug": "q.slug", "description": "q.description", "uuid": "q.uuid"}'::jsonb,
    list => CASE WHEN v_all THEN 'policy_list' WHEN group_uuid IS NULL THEN 'user_policy_list'
      ELSE 'group_policy_list' END,
    search => '[{"from": "wazo_auth.policy s", "key": "s.uuid", "columns": ["s.name", "s.description"]}]'::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.list_policies(jsonb, uuid, boolean, uuid, uuid, uuid) IS
'Page of policies: those that a tenant can see, with recurse those below it too, as {"items", "total"}; or those of a '
'user or a group as {"items", "total", "filtered"}, of which a group''s items are only those that the tenant can see. '
'What is lent by another tenant shows the looking one as its tenant and is read-only (contract: semantics.md section '
'8). query: a validated policy_list, user_policy_list or group_policy_list; its user_uuid and group_uuid find nothing '
'for who is not in sight from seen_from, or else from tenant_uuid.';

CREATE OR REPLACE FUNCTION wazo_auth.policy_json(policy_uuid uuid, tenant_uuid uuid DEFAULT NULL) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_policies(jsonb_build_object('uuid', policy_uuid), tenant_uuid, true) -> 'items' -> 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.policy_json(uuid, uuid) IS
'A policy as the REST API shows it in a tenant; null for one that the tenant cannot see.';

CREATE OR REPLACE FUNCTION wazo_auth.register_access(access text, description text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF access = '' OR octet_length(access) > 1024 THEN
    RAISE EXCEPTION 'an access has 1 to 1024 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO wazo_auth.access AS a (access, description, shipped)
  VALUES (access, description, wazo_auth.in_extension_script())
  ON CONFLICT ON CONSTRAINT access_pkey DO UPDATE SET description = EXCLUDED.description;
END
$$;
COMMENT ON FUNCTION wazo_auth.register_access(text, text) IS
'Makes an access known that a service asks for, with {name} for the parts that vary: wazo_auth.policy_impact() asks '
'for it from then on. Raises 22023 for an empty one or one of more than 1024 bytes.';
