-- What a configuration makes: policies, groups, and who has them (contract: config.md section 4).

CREATE OR REPLACE FUNCTION wazo_auth.enabled_keys(map jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT e.key FROM jsonb_each(CASE jsonb_typeof(enabled_keys.map) WHEN 'object'
    THEN enabled_keys.map END) e
  WHERE e.value = 'true';
END;
COMMENT ON FUNCTION wazo_auth.enabled_keys(jsonb) IS 'Keys of a map of switches that are on; none of anything else.';

CREATE OR REPLACE FUNCTION wazo_auth.configured_policies(slugs text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text;
  v_uuid uuid;
  v_uuids uuid[] := '{}'::uuid[];
BEGIN
  FOREACH v_slug IN ARRAY slugs LOOP
    v_uuid := wazo_auth.policy_of_slug(wazo_auth.top_tenant_uuid(), v_slug);
    IF v_uuid IS NULL THEN
      PERFORM wazo_auth.log_message(format('the configuration names the policy "%s", which the top tenant has not',
        v_slug));
    ELSE
      v_uuids := v_uuids || v_uuid;
    END IF;
  END LOOP;
  IF NOT wazo_auth.acls_fit(ARRAY(SELECT p.acl FROM wazo_auth.policy p WHERE p.uuid = ANY (v_uuids))) THEN
    PERFORM wazo_auth.warn_message(format(
      'the policies %s of the configuration have more accesses than an ACL holds, and none of them is given', slugs));
    v_uuids := '{}'::uuid[];
  END IF;
  RETURN v_uuids;
END
$$;
COMMENT ON FUNCTION wazo_auth.configured_policies(text[]) IS
'The top tenant''s policies with these slugs; one that there is not is logged. Other tenants'' policies do not count: '
'their administrators would rule over all.';

CREATE OR REPLACE FUNCTION wazo_auth.apply_all_users_policies(tenant_uuid uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  INSERT INTO wazo_auth.group (tenant_uuid, name, slug, system_managed)
  SELECT t.uuid, 'wazo-all-users-tenant-' || t.uuid, 'wazo-all-users-tenant-' || t.uuid, true
  FROM wazo_auth.tenant t
  WHERE (apply_all_users_policies.tenant_uuid IS NULL OR t.uuid = apply_all_users_policies.tenant_uuid)
    AND NOT EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = t.uuid AND g.system_managed);
  INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
  SELECT g.uuid, p.uuid
  FROM wazo_auth.group g
  CROSS JOIN unnest(wazo_auth.configured_policies(ARRAY(
    SELECT wazo_auth.enabled_keys(wazo_auth.get_setting('all_users_policies'))))) p (uuid)
  WHERE g.system_managed AND (apply_all_users_policies.tenant_uuid IS NULL
    OR g.tenant_uuid = apply_all_users_policies.tenant_uuid)
  ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_all_users_policies(uuid) IS
'Gives a tenant, or every one, its group of all users and that group the policies of the setting all_users_policies.';

CREATE OR REPLACE FUNCTION wazo_auth.apply_default_groups(tenant_uuid uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_slug text;
  v_policies jsonb;
  v_given uuid[];
  v_groups uuid[];
BEGIN
  FOR v_slug, v_policies IN
    SELECT e.key, e.value -> 'policies' FROM jsonb_each(wazo_auth.get_setting('tenant_default_groups')) e ORDER BY e.key
  LOOP
    IF v_slug !~ '^[a-zA-Z0-9_-]{1,80}$' THEN
      PERFORM wazo_auth.warn_message(format(
        'the group "%s" of the configuration is left out: that is no slug', v_slug));
      CONTINUE;
    END IF;
    v_given := wazo_auth.configured_policies(ARRAY(SELECT wazo_auth.enabled_keys(v_policies)));
    -- A tenant where another group has the name keeps that one and gets none.
    INSERT INTO wazo_auth.group (tenant_uuid, name, slug, config_managed)
    SELECT t.uuid, v_slug, v_slug, true
    FROM wazo_auth.tenant t
    WHERE (apply_default_groups.tenant_uuid IS NULL OR t.uuid = apply_default_groups.tenant_uuid)
      AND NOT EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = t.uuid AND lower(g.slug) = lower(v_slug))
    ON CONFLICT DO NOTHING;
    -- One that a tenant made is none of ours, or its members would get what they
    -- were not given; but it may be when they have all of that.
    UPDATE wazo_auth.group g SET config_managed = true
    WHERE lower(g.slug) = lower(v_slug) AND NOT g.system_managed AND NOT g.config_managed
      AND (apply_default_groups.tenant_uuid IS NULL OR g.tenant_uuid = apply_default_groups.tenant_uuid)
      AND cardinality(v_given) > 0
      AND v_given <@ ARRAY(SELECT gp.policy_uuid FROM wazo_auth.group_policy gp WHERE gp.group_uuid = g.uuid);
    v_groups := ARRAY(SELECT g.uuid FROM wazo_auth.group g
                      WHERE lower(g.slug) = lower(v_slug) AND g.config_managed
                        AND (apply_default_groups.tenant_uuid IS NULL
                          OR g.tenant_uuid = apply_default_groups.tenant_uuid));
    PERFORM wazo_auth.warn_message(format(
      'the tenant "%s" has a group "%s" of its own, which gets nothing from the configuration', g.tenant_uuid, v_slug))
    FROM wazo_auth.group g
    WHERE lower(g.slug) = lower(v_slug) AND NOT g.config_managed
      AND (apply_default_groups.tenant_uuid IS NULL OR g.tenant_uuid = apply_default_groups.tenant_uuid);
    UPDATE wazo_auth.group g SET name = v_slug
    WHERE g.uuid = ANY (v_groups) AND g.name <> v_slug
      AND NOT EXISTS (SELECT FROM wazo_auth.group o WHERE o.tenant_uuid = g.tenant_uuid AND o.name = v_slug);
    INSERT INTO wazo_auth.group_policy (group_uuid, policy_uuid)
    SELECT g.uuid, p.uuid
    FROM unnest(v_groups) g (uuid)
    CROSS JOIN unnest(v_given) p (uuid)
    ON CONFLICT DO NOTHING;
    IF jsonb_typeof(v_policies) = 'object' THEN
      DELETE FROM wazo_auth.group_policy gp
      USING wazo_auth.policy p
      WHERE gp.group_uuid = ANY (v_groups) AND p.uuid = gp.policy_uuid
        AND p.tenant_uuid = wazo_auth.top_tenant_uuid() AND v_policies -> p.slug = 'false';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_default_groups(uuid) IS
'Gives a tenant, or every one, the groups of the setting tenant_default_groups: missing ones are made, names reset, '
'policies that are true added and those that are false taken away; other policies stay. A group with the slug that the '
'tenant made itself is left as it is, unless it has all these policies.';

CREATE OR REPLACE FUNCTION wazo_auth.apply_tenant_defaults(tenant_uuid uuid) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT wazo_auth.apply_all_users_policies(apply_tenant_defaults.tenant_uuid);
  SELECT wazo_auth.apply_default_groups(apply_tenant_defaults.tenant_uuid);
END;
COMMENT ON FUNCTION wazo_auth.apply_tenant_defaults(uuid) IS
'Gives a new tenant its group of all users and what the configuration gives to every tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.apply_default_policies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_top uuid := wazo_auth.top_tenant_uuid();
  v_slug text;
  v_spec jsonb;
  v_acl wazo_auth.acl;
  v_uuid uuid;
  v_description text;
BEGIN
  FOR v_slug, v_spec IN SELECT e.key, e.value FROM jsonb_each(wazo_auth.get_setting('default_policies')) e
    ORDER BY e.key LOOP
    IF v_slug !~ '^[a-zA-Z0-9_-]{1,80}$' THEN
      PERFORM wazo_auth.warn_message(format(
        'the policy "%s" of the configuration is left out: that is no slug', v_slug));
      CONTINUE;
    END IF;
    v_acl := wazo_auth.acl_distinct(ARRAY(
      SELECT jsonb_array_elements_text(CASE jsonb_typeof(v_spec -> 'acl') WHEN 'array' THEN v_spec -> 'acl'
        ELSE '[]' END)));
    v_description := COALESCE(left(v_spec ->> 'description', 4096), 'Automatically created');
    SELECT p.uuid INTO v_uuid FROM wazo_auth.policy p
    WHERE p.tenant_uuid = v_top AND lower(p.slug) = lower(v_slug) FOR UPDATE;
    IF EXISTS (SELECT FROM wazo_auth.policy p WHERE p.tenant_uuid = v_top AND p.name = v_slug AND p.uuid IS DISTINCT
      FROM v_uuid) THEN
      PERFORM wazo_auth.warn_message(format(
        'the policy "%s" of the configuration is left out: another one of the top tenant has that name', v_slug));
    ELSIF v_uuid IS NULL THEN
      INSERT INTO wazo_auth.policy (tenant_uuid, name, slug, description, acl, shared, config_managed)
      VALUES (v_top, v_slug, v_slug, v_description, v_acl,
              COALESCE(v_spec -> 'shared' = 'true', false), true);
    ELSE
      UPDATE wazo_auth.policy p
      SET name = v_slug, description = v_description, acl = v_acl,
          shared = COALESCE(v_spec -> 'shared' = 'true', false), config_managed = true
      WHERE p.uuid = v_uuid
        AND (p.name, p.description, p.acl::text, p.shared, p.config_managed)
            IS DISTINCT FROM (v_slug, v_description, v_acl::text,
                              COALESCE(v_spec -> 'shared' = 'true', false), true);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_default_policies() IS
'Makes the policies of the setting default_policies in the top tenant, or overwrites those with the same slug.';

CREATE OR REPLACE FUNCTION wazo_auth.remove_orphan_policies() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text;
BEGIN
  DELETE FROM wazo_auth.policy p
  WHERE p.config_managed
    AND NOT EXISTS (SELECT FROM jsonb_object_keys(wazo_auth.get_setting('default_policies')) k
      WHERE lower(k) = lower(p.slug))
    AND NOT EXISTS (SELECT FROM wazo_auth.user_policy up WHERE up.policy_uuid = p.uuid)
    AND NOT EXISTS (SELECT FROM wazo_auth.group_policy gp WHERE gp.policy_uuid = p.uuid);
  FOR v_slug IN
    SELECT p.slug FROM wazo_auth.policy p
    WHERE p.config_managed
      AND NOT EXISTS (SELECT FROM jsonb_object_keys(wazo_auth.get_setting('default_policies')) k
        WHERE lower(k) = lower(p.slug))
    ORDER BY p.slug
  LOOP
    PERFORM wazo_auth.warn_message(format(
      'the policy "%s" is no longer in the configuration, but stays since users or groups have it', v_slug));
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.remove_orphan_policies() IS
'Deletes policies that an earlier configuration made and the present one does not name, but for those that somebody '
'has.';

CREATE OR REPLACE FUNCTION wazo_auth.apply_configuration(config jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- One at a time: fronts may start together.
  LOCK TABLE wazo_auth.setting IN SHARE ROW EXCLUSIVE MODE;
  PERFORM wazo_auth.set_settings('{"default_policies": {}, "all_users_policies": {}, "tenant_default_groups": {},
                                   "debug": false, "profiling_enabled": false}'::jsonb || config, true);
  DELETE FROM wazo_auth.setting s WHERE s.from_files AND NOT config ? s.name;
  UPDATE wazo_auth.setting s SET from_files = true WHERE config ? s.name AND NOT s.from_files;
  PERFORM wazo_auth.go_live();
  IF wazo_auth.top_tenant_uuid() IS NULL THEN
    PERFORM wazo_auth.bootstrap();
  END IF;
  IF wazo_auth.get_setting('update_policy_on_startup') = 'false' THEN
    RETURN;
  END IF;
  PERFORM wazo_auth.apply_default_policies();
  -- Off the groups of all users goes what the configuration gave them once.
  DELETE FROM wazo_auth.group_policy gp
  USING wazo_auth.group g, wazo_auth.policy p
  WHERE g.uuid = gp.group_uuid AND p.uuid = gp.policy_uuid AND g.system_managed AND p.config_managed
    AND NOT wazo_auth.get_setting('all_users_policies') ? p.slug;
  PERFORM wazo_auth.apply_all_users_policies();
  PERFORM wazo_auth.apply_default_groups();
  PERFORM wazo_auth.remove_orphan_policies();
END
$$;
COMMENT ON FUNCTION wazo_auth.apply_configuration(jsonb) IS
'What a start does with the whole configuration: sets the settings, says that this database is the live one '
'(wazo_auth.go_live()), makes the top tenant if there is none, and unless update_policy_on_startup is false makes '
'default_policies, gives all_users_policies and tenant_default_groups to all tenants, and deletes policies that are '
'no longer configured (contract: config.md section 4). These three maps count as empty when they are missing, and what '
'an earlier start set and this one does not name has its default again; what configure() set stays. What is '
'no setting, or not one of the database, is left out; a typing error with a warning. May be called again and at the '
'same time. Raises 22023 for a value of the wrong type.';
