-- What was once in the tables that decide who has which access: what is there
-- now, and the changes of the audit log undone from the last one back.

CREATE OR REPLACE FUNCTION wazo_auth.raise_untold_change(object text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_past_unknown(format('wazo_auth.%I was changed without it', object),
    'Somebody has kept triggers from firing, by session_replication_role or by disabling them.');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_untold_change(text) IS
'Raises WA410: what is there is not what the audit log has led to.';

CREATE OR REPLACE FUNCTION wazo_auth.undo_acl_change(acl jsonb, before jsonb, after jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_kept jsonb;
  v_old jsonb;
  v_as_told boolean;
BEGIN
  SELECT COALESCE(jsonb_agg(e.entry ORDER BY e.place) FILTER (WHERE c.place IS NULL), '[]'),
         COALESCE(jsonb_agg(e.entry ORDER BY e.place) FILTER (WHERE c.place IS NOT NULL), '[]') = after -> 'acl'
  INTO v_kept, v_as_told
  FROM jsonb_array_elements(acl) WITH ORDINALITY e (entry, place)
  LEFT JOIN (SELECT p.place::bigint FROM jsonb_array_elements_text(after -> 'acl_places') p (place)) c USING (place);
  IF v_as_told IS NOT TRUE THEN
    PERFORM wazo_auth.raise_untold_change('policy'::text);
  END IF;
  WITH went AS (
    SELECT e.place::bigint, e.entry
    FROM ROWS FROM (jsonb_array_elements_text(before -> 'acl_places'), jsonb_array_elements(before -> 'acl'))
      e (place, entry)
  ), placed AS (
    SELECT g.place, w.entry, count(*) FILTER (WHERE w.place IS NULL) OVER (ORDER BY g.place) AS nth_kept
    FROM generate_series(1::bigint, jsonb_array_length(v_kept) + jsonb_array_length(before -> 'acl')) g (place)
    LEFT JOIN went w USING (place)
  )
  SELECT COALESCE(jsonb_agg(COALESCE(p.entry, k.entry) ORDER BY p.place), '[]') INTO v_old
  FROM placed p
  LEFT JOIN jsonb_array_elements(v_kept) WITH ORDINALITY k (entry, nth) ON p.entry IS NULL AND k.nth = p.nth_kept;
  RETURN v_old;
END
$$;
COMMENT ON FUNCTION wazo_auth.undo_acl_change(jsonb, jsonb, jsonb) IS
'The ACL before a change that wazo_auth.acl_change() describes by before and after. Raises WA410 when it is not what '
'the change has led to.';

CREATE OR REPLACE FUNCTION wazo_auth.undo_change(rows jsonb[], object text, action text, before jsonb, after jsonb)
RETURNS jsonb[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- What a later version has added to the columns is not in the log.
  v_others jsonb[] := ARRAY(SELECT r FROM unnest(rows) r
                            WHERE NOT r @> COALESCE(after - '{acl,acl_places}'::text[], before));
  v_told integer := cardinality(rows) - cardinality(v_others);
BEGIN
  IF v_told <> (action <> 'deleted')::integer THEN
    PERFORM wazo_auth.raise_untold_change(object);
  END IF;
  CASE action
    WHEN 'created' THEN
      RETURN v_others;
    WHEN 'deleted' THEN
      RETURN rows || before;
    ELSE
      -- Only rows with a uuid of their own, which is the one that is asked for.
      IF before ? 'acl' THEN
        before := before - 'acl_places'::text
          || jsonb_build_object('acl', wazo_auth.undo_acl_change(rows[1] -> 'acl', before, after));
      END IF;
      RETURN ARRAY[rows[1] || before];
  END CASE;
END
$$;
COMMENT ON FUNCTION wazo_auth.undo_change(jsonb[], text, text, jsonb, jsonb) IS
'The rows before a change of one of them, as the audit log tells it. Raises WA410 when they are not what it has led '
'to.';

CREATE OR REPLACE FUNCTION wazo_auth.present_rows(object text, key text) RETURNS jsonb[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_rows jsonb[];
BEGIN
  CASE object
    WHEN 'user' THEN
      v_rows := ARRAY(SELECT to_jsonb(u) FROM wazo_auth.user u WHERE u.uuid = key::uuid);
    WHEN 'group' THEN
      v_rows := ARRAY(SELECT to_jsonb(g) FROM wazo_auth.group g WHERE g.uuid = key::uuid);
    WHEN 'policy' THEN
      v_rows := ARRAY(SELECT to_jsonb(p) FROM wazo_auth.policy p WHERE p.uuid = key::uuid);
    WHEN 'group_user' THEN
      v_rows := ARRAY(SELECT to_jsonb(gu) FROM wazo_auth.group_user gu WHERE gu.user_uuid = key::uuid);
    WHEN 'user_policy' THEN
      v_rows := ARRAY(SELECT to_jsonb(up) FROM wazo_auth.user_policy up WHERE up.user_uuid = key::uuid);
    WHEN 'group_policy' THEN
      v_rows := ARRAY(SELECT to_jsonb(gp) FROM wazo_auth.group_policy gp WHERE gp.group_uuid = key::uuid);
    WHEN 'setting' THEN
      v_rows := ARRAY(SELECT to_jsonb(s) FROM wazo_auth.setting s WHERE s.name = key);
  END CASE;
  RETURN ARRAY(SELECT wazo_auth.shown_row(object, r) FROM unnest(v_rows) r);
END
$$;
COMMENT ON FUNCTION wazo_auth.present_rows(text, text) IS
'The rows of a table that decides about accesses which have this key, as the audit log shows them. The key is the '
'uuid of a user, group or policy; of memberships the user''s, of a group''s policies the group''s, of a setting its '
'name.';

CREATE OR REPLACE FUNCTION wazo_auth.rows_at(object text, key text, at timestamptz) RETURNS jsonb[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_rows jsonb[] := wazo_auth.present_rows(object, key);
  v_log refcursor;
  v_entry record;
BEGIN
  IF object = 'setting' THEN
    OPEN v_log FOR
      SELECT a.at, a.action, a.before, a.after FROM wazo_auth.audit a
      WHERE a.object = 'setting' AND COALESCE(a.after, a.before) ->> 'name' = key
      ORDER BY a.id DESC;
  ELSE
    OPEN v_log FOR
      SELECT a.at, a.action, a.before, a.after FROM wazo_auth.audit a
      WHERE a.object_uuid = key::uuid AND a.object = object AND a.object NOT IN ('session', 'request')
      ORDER BY a.id DESC;
  END IF;
  LOOP
    FETCH v_log INTO v_entry;
    EXIT WHEN NOT FOUND OR v_entry.at <= at;
    v_rows := wazo_auth.undo_change(v_rows, object, v_entry.action, v_entry.before, v_entry.after);
  END LOOP;
  CLOSE v_log;
  RETURN v_rows;
END
$$;
COMMENT ON FUNCTION wazo_auth.rows_at(text, text, timestamptz) IS
'What wazo_auth.present_rows() would have answered at a time for which wazo_auth.check_audit_tells() has nothing to '
'say. Raises WA410 when the tables are not what the audit log has led to.';

CREATE OR REPLACE FUNCTION wazo_auth.row_at(object text, key text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (wazo_auth.rows_at(object, key, at))[1];
END
$$;
COMMENT ON FUNCTION wazo_auth.row_at(text, text, timestamptz) IS
'As wazo_auth.rows_at(), for what there is one of; null when there was none.';

CREATE OR REPLACE FUNCTION wazo_auth.referred_row_at(object text, key text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_row jsonb := wazo_auth.row_at(object, key, at);
BEGIN
  IF v_row IS NULL THEN
    PERFORM wazo_auth.raise_untold_change(object);
  END IF;
  RETURN v_row;
END
$$;
COMMENT ON FUNCTION wazo_auth.referred_row_at(text, text, timestamptz) IS
'As wazo_auth.row_at(), for what a foreign key says that there was. Raises WA410 when there was none.';

CREATE OR REPLACE FUNCTION wazo_auth.setting_at(name text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_default jsonb := wazo_auth.default_settings(name) -> name;
  v_value jsonb := wazo_auth.row_at('setting'::text, name, at) -> 'value';
BEGIN
  RETURN CASE WHEN jsonb_typeof(v_value) = 'object' AND jsonb_typeof(v_default) = 'object' THEN v_default || v_value
              ELSE COALESCE(v_value, v_default) END;
END
$$;
COMMENT ON FUNCTION wazo_auth.setting_at(text, timestamptz) IS
'What wazo_auth.get_setting() would have answered at a time. Raises as wazo_auth.rows_at() does.';

CREATE OR REPLACE FUNCTION wazo_auth.top_tenant_at(at timestamptz) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE(
    (SELECT a.object_uuid FROM wazo_auth.audit a
     WHERE a.object = 'tenant' AND a.action = 'deleted' AND a.at > top_tenant_at.at
       AND a.before -> 'parent_uuid' = 'null'
     ORDER BY a.id LIMIT 1),
    wazo_auth.top_tenant_uuid());
END
$$;
COMMENT ON FUNCTION wazo_auth.top_tenant_at(timestamptz) IS
'The top tenant of a time: the first that was deleted since.';

CREATE OR REPLACE FUNCTION wazo_auth.default_policy_at(backend text, at timestamptz) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_name text := COALESCE(wazo_auth.setting_at('backend_policies'::text, at) ->> backend,
                          wazo_auth.setting_at('default_user_policy'::text, at) #>> '{}');
  v_top uuid := wazo_auth.top_tenant_at(at);
BEGIN
  RETURN (
    SELECT c.uuid
    FROM (SELECT p.uuid FROM wazo_auth.policy p WHERE p.tenant_uuid = v_top AND p.name = v_name
          UNION
          SELECT a.object_uuid FROM wazo_auth.audit a
          WHERE a.object = 'policy' AND a.at > at AND (v_name IN (a.before ->> 'name', a.after ->> 'name')
            -- of an update only what it changed is told
            OR a.action = 'updated' AND a.before ->> 'tenant_uuid' = v_top::text)) c
    CROSS JOIN LATERAL wazo_auth.row_at('policy'::text, c.uuid::text, at) r (content)
    WHERE r.content ->> 'name' = v_name AND r.content ->> 'tenant_uuid' = v_top::text);
END
$$;
COMMENT ON FUNCTION wazo_auth.default_policy_at(text, timestamptz) IS
'The policy that wazo_auth.default_acl(backend) would have taken at a time; null for none. Raises as '
'wazo_auth.rows_at() does.';

CREATE OR REPLACE FUNCTION wazo_auth.user_ways_at(user_uuid uuid, backend text, at timestamptz,
  OUT place bigint, OUT via text, OUT group_uuid uuid, OUT group_name text, OUT policy_uuid uuid, OUT policy_name text,
  OUT acl wazo_auth.acl)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_user text := user_ways_at.user_uuid;
BEGIN
  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT 1 AS kind, NULL::jsonb AS of_group,
           wazo_auth.default_policy_at(user_ways_at.backend, user_ways_at.at)::text AS policy
    UNION ALL
    SELECT 2, wazo_auth.referred_row_at('group'::text, gu.item ->> 'group_uuid', user_ways_at.at),
           gp.item ->> 'policy_uuid'
    FROM unnest(wazo_auth.rows_at('group_user'::text, v_user, user_ways_at.at)) gu (item)
    CROSS JOIN LATERAL
      unnest(wazo_auth.rows_at('group_policy'::text, gu.item ->> 'group_uuid', user_ways_at.at)) gp (item)
    UNION ALL
    SELECT 3, NULL, up.item ->> 'policy_uuid'
    FROM unnest(wazo_auth.rows_at('user_policy'::text, v_user, user_ways_at.at)) up (item)
  ), known AS MATERIALIZED (
    SELECT g.kind, g.of_group, wazo_auth.referred_row_at('policy'::text, g.policy, user_ways_at.at) AS policy
    FROM given g WHERE g.policy IS NOT NULL
  )
  SELECT row_number() OVER (ORDER BY k.kind, n.name, p.uuid), (ARRAY['default', 'group', 'direct'])[k.kind],
         (k.of_group ->> 'uuid')::uuid, k.of_group ->> 'name', p.uuid, k.policy ->> 'name', p.acl
  FROM known k
  CROSS JOIN LATERAL (
    SELECT (k.policy ->> 'uuid')::uuid AS uuid,
           ARRAY(SELECT jsonb_array_elements_text(k.policy -> 'acl'))::wazo_auth.acl AS acl) p
  CROSS JOIN LATERAL (
    SELECT CASE k.kind WHEN 1 THEN '' WHEN 2 THEN concat(k.of_group ->> 'slug', '/', k.policy ->> 'slug')
                       ELSE k.policy ->> 'slug' END COLLATE "C" AS name) n
  ORDER BY 1;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_ways_at(uuid, text, timestamptz) IS
'What wazo_auth.user_ways() would have answered at a time for which wazo_auth.check_audit_tells() has nothing to say. '
'Raises WA410 when the tables are not what the audit log has led to.';
