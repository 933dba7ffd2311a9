CREATE OR REPLACE FUNCTION wazo_auth.user_item() RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN $item$wazo_auth.json_object(
      '{username,uuid,enabled,emails,firstname,lastname,purpose,tenant_uuid,authentication_method}',
      p.username, p.uuid, p.enabled,
      (SELECT wazo_auth.json_list(wazo_auth.json_object('{uuid,address,main,confirmed}', e.uuid, e.address,
                                                      e.main, e.confirmed))
       FROM (SELECT * FROM wazo_auth.email a WHERE a.user_uuid = p.uuid ORDER BY a.address) e),
      p.firstname, p.lastname, p.purpose, p.tenant_uuid, p.authentication_method)$item$;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_item() IS
'A user as the REST API shows it, as an expression on a row p of wazo_auth.user; addresses in their order.';

CREATE OR REPLACE FUNCTION wazo_auth.user_json(user_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_json json := wazo_auth.cached_query(
    'SELECT ' || wazo_auth.user_item() || ' FROM wazo_auth.user p WHERE p.uuid = (SELECT ($1 ->> ''@user'')::uuid)',
    jsonb_build_object('@user', user_uuid));
BEGIN
  IF v_json IS NULL THEN
    PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END IF;
  RETURN v_json;
END
$$;
COMMENT ON FUNCTION wazo_auth.user_json(uuid) IS
'A user as GET and PUT show it, and lists (see user_item()). Raises WA404 for an unknown user.';

CREATE OR REPLACE FUNCTION wazo_auth.list_users_pinned(tenant_uuid uuid, query jsonb, group_uuid uuid)
RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.list_page(query,
    jsonb_build_object('@tenant', tenant_uuid, '@group', group_uuid),
    answer => '{filtered,total,items}'::text[],
    source => CASE WHEN group_uuid IS NULL THEN 'wazo_auth.user u'
                   ELSE 'wazo_auth.group_user gu JOIN wazo_auth.user u ON u.uuid = gu.user_uuid' END,
    visible => CASE WHEN group_uuid IS NULL THEN wazo_auth.scope_clause('u.tenant_uuid', tenant_uuid,
      (query ->> 'recurse')::boolean)
                    ELSE 'gu.group_uuid = (SELECT ($1 ->> ''@group'')::uuid)' END,
    columns => 'u.uuid, u.username, u.firstname, u.lastname, u.purpose, u.enabled, u.tenant_uuid, '
      'u.authentication_method',
    item => wazo_auth.user_item(),
    key => 'u.uuid',
    sort => '{"username": "u.username",
              "firstname": ["left(u.firstname, 200)", "u.firstname"],
              "lastname": ["left(u.lastname, 200)", "u.lastname"]}'::jsonb,
    list => CASE WHEN group_uuid IS NULL THEN 'user_list' ELSE 'group_user_list' END,
    search => '[{"from": "wazo_auth.user s", "key": "s.uuid", "columns": ["s.username", "s.firstname", "s.lastname"]},
                {"from": "wazo_auth.email s", "key": "s.user_uuid", "columns": ["s.address"]}]'::jsonb,
    count_kept => group_uuid IS NULL AND query ->> 'recurse' IS DISTINCT FROM 'true');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_users_pinned(uuid, jsonb, uuid) IS
'The half of wazo_auth.list_users() that runs as the owner of the extension, with the settings pinned.';

CREATE OR REPLACE FUNCTION wazo_auth.list_users(tenant_uuid uuid, query jsonb, group_uuid uuid DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_as_owner';
COMMENT ON FUNCTION wazo_auth.list_users(uuid, jsonb, uuid) IS
'Page of users as {"filtered", "total", "items"}: those of a tenant and, with recurse, below, or the members of a '
'group. query: a validated user_list or group_user_list.';
