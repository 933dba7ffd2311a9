-- Reading the audit log: GET /0.1/audit, and a view.

CREATE OR REPLACE VIEW wazo_auth.audit_log AS
SELECT a.id, a.at, a.object, a.action, a.status, a.object_uuid, a.tenant_uuid, a.auth_id, a.session_uuid, a.peer,
       a.request, a.role, a.application, a.before, a.after
FROM wazo_auth.audit a;
COMMENT ON VIEW wazo_auth.audit_log IS
'Who did what to whom, from where, and what became of it; the columns are those of wazo_auth.audit';

SELECT wazo_auth.declare_list('audit_list', '{id}', default_sort => 'id', filters => '{
  "object":       {"max": 64, "filter": "a.object = {}"},
  "action":       {"choices": ["created", "updated", "deleted", "done", "refused"], "filter": "a.action = {}"},
  "object_uuid":  {"filter": "a.object_uuid = wazo_auth.try_uuid({})"},
  "auth_id":      {"filter": "a.auth_id = {}"},
  "session_uuid": {"filter": "a.session_uuid = wazo_auth.try_uuid({})"},
  "peer":         {"filter": "a.peer = {}"},
  "request":      {"filter": "a.request = {}"},
  "role":         {"max": 64, "filter": "a.role = {}"},
  "from":         {"max": 64, "filter": "a.at >= (SELECT ($1 ->> ''@from'')::timestamptz)"},
  "until":        {"max": 64, "filter": "a.at < (SELECT ($1 ->> ''@until'')::timestamptz)"},
  "below":        {"type": "integer", "min": 1, "max": 9007199254740991,
                   "filter": "a.id < (SELECT ($1 ->> ''below'')::bigint)"},
  "above":        {"type": "integer", "min": 0, "max": 9007199254740991,
                   "filter": "a.id > (SELECT ($1 ->> ''above'')::bigint)"}
}');

CREATE OR REPLACE FUNCTION wazo_auth.filter_time(query jsonb, name text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (query ->> name)::timestamptz;
EXCEPTION WHEN data_exception THEN
  PERFORM wazo_auth.raise_bad_filter(name);
END
$$;
COMMENT ON FUNCTION wazo_auth.filter_time(jsonb, text) IS
'A time of a query string; null when it is not there. Raises WA400 for one that cannot be read.';

CREATE OR REPLACE FUNCTION wazo_auth.list_audit(tenant_uuid uuid, query jsonb) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_filters text;
BEGIN
  IF query ? 'search' THEN
    PERFORM wazo_auth.raise_bad_filter('search');
  END IF;
  -- Not as the filters of a list: what fits would all be looked for, and the log is long.
  SELECT string_agg(' AND ' || replace(f.filter, '{}', format('(SELECT $1 ->> %L)', f.name)), '' ORDER BY f.name)
  INTO v_filters
  FROM wazo_auth.schema_field f
  WHERE f.schema = 'audit_list' AND f.filter IS NOT NULL AND query ? f.name;
  RETURN wazo_auth.list_page(
    jsonb_build_object('order', NULL, 'direction', query ->> 'direction', 'offset', query -> 'offset', 'limit', 100),
    query || jsonb_build_object('@tenant', tenant_uuid,
      'limit', least(COALESCE((query ->> 'limit')::bigint, 100), 1000),
      '@from', wazo_auth.filter_time(query, 'from'), '@until', wazo_auth.filter_time(query, 'until')),
    answer => '{items}'::text[],
    source => 'wazo_auth.audit a',
    visible => wazo_auth.scope_clause('a.tenant_uuid', tenant_uuid, (query ->> 'recurse')::boolean)
      || COALESCE(v_filters, ''),
    columns => 'a.*',
    item => $item$wazo_auth.json_object('{id,at,object,action,status,object_uuid,tenant_uuid,auth_id,session_uuid,peer,'
      'request,role,application,before,after}', p.id, wazo_auth.iso_time(p.at), p.object, p.action, p.status,
      p.object_uuid, p.tenant_uuid, p.auth_id, p.session_uuid, p.peer, p.request, p.role, p.application, p.before::json,
      p.after::json)$item$,
    key => 'a.id', list => 'audit_list');
END
$$;
COMMENT ON FUNCTION wazo_auth.list_audit(uuid, jsonb) IS
'Page of the audit log of a tenant and, with recurse, of those below, as {"items"}: at most 1000 rows, 100 if limit '
'does not say, by their ids; below and above are ids to go on from. It is not counted: it may be long. query: a '
'validated audit_list. Raises WA400 for a time that cannot be read.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_audit_get(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.json_response(wazo_auth.list_audit(request.tenant_uuid, request.query));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_audit_get(wazo_auth.http_request) IS 'GET /audit: what was done in the tenant.';
SELECT wazo_auth.add_route('GET', '/0.1/audit', 'wazo_auth.rest_audit_get', 'audit',
  access => 'auth.audit.read', checks => '{tenant,query}', query_schema => 'audit_list',
  summary => 'What was done in the tenant, and by whom');
