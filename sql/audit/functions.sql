-- The audit log. Triggers write what changes, so that no function and no statement
-- of the owner's leaves it out; sessions and refresh tokens, of which there are
-- many, are told where they begin and end. What changed nothing, or was refused,
-- is written after the answer (src/http/http_request.c).

CREATE OR REPLACE FUNCTION wazo_auth.request_tenant() RETURNS uuid
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_request_tenant';
COMMENT ON FUNCTION wazo_auth.request_tenant() IS
'The tenant of the request that wazo_auth.http() is answering: the one it names, or its caller''s; null for none.';

CREATE OR REPLACE FUNCTION wazo_auth.insert_audit(
  object text, action text, object_uuid uuid, tenant_uuid uuid, before jsonb, after jsonb, status integer,
  auth_id text, session_uuid uuid, peer text)
RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_insert_audit';
COMMENT ON FUNCTION wazo_auth.insert_audit(text, text, uuid, uuid, jsonb, jsonb, integer, text, uuid, text) IS
'Inserts a row of the audit log and returns its id; the arguments are columns of wazo_auth.audit. Who, from where and '
'by what is that of the request that wazo_auth.http() is answering, which gets no other row then, or else as given.';

CREATE OR REPLACE FUNCTION wazo_auth.is_loading(relation oid) RETURNS boolean
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_is_loading';
COMMENT ON FUNCTION wazo_auth.is_loading(oid) IS
'Is the client''s statement a COPY into this table, as a restore has them?';

CREATE OR REPLACE FUNCTION wazo_auth.audit_is_on() RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN wazo_auth.get_setting('audit_retention') <> '0'::jsonb;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_is_on() IS 'Is there an audit log? See the setting audit_retention.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_tenant(shown jsonb) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE
    WHEN shown ? 'tenant_uuid' THEN (shown ->> 'tenant_uuid')::uuid
    WHEN shown ? 'user_uuid' THEN
      (SELECT u.tenant_uuid FROM wazo_auth.user u WHERE u.uuid = (shown ->> 'user_uuid')::uuid)
    WHEN shown ? 'group_uuid' THEN
      (SELECT g.tenant_uuid FROM wazo_auth.group g WHERE g.uuid = (shown ->> 'group_uuid')::uuid) END;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_tenant(jsonb) IS
'Whose a row is, of what is shown of it: its tenant, or that of its user or group; null when that is gone.';

CREATE OR REPLACE FUNCTION wazo_auth.write_audit(
  object text, action text, object_uuid uuid, tenant_uuid uuid, before jsonb, after jsonb,
  status integer DEFAULT NULL, auth_id text DEFAULT NULL, session_uuid uuid DEFAULT NULL, peer text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.insert_audit(object, action, object_uuid,
    COALESCE(tenant_uuid, wazo_auth.request_tenant(), wazo_auth.top_tenant_uuid()), before, after, status, auth_id,
    session_uuid, peer);
END
$$;
COMMENT ON FUNCTION wazo_auth.write_audit(text, text, uuid, uuid, jsonb, jsonb, integer, text, uuid, text) IS
'wazo_auth.insert_audit(), of a row that is in the tenant of the request, or the top one, where it is in none.';

CREATE OR REPLACE FUNCTION wazo_auth.without_sealed(content jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Not by CASE: a subquery in it may be executed whatever is asked.
  IF jsonb_typeof(content) <> 'object' THEN
    RETURN content;
  END IF;
  RETURN content - ARRAY(SELECT k FROM jsonb_object_keys(content) k WHERE k LIKE 'sealed\_%');
END
$$;
COMMENT ON FUNCTION wazo_auth.without_sealed(jsonb) IS
'An object without its members sealed_…; other values as they are.';

CREATE OR REPLACE FUNCTION wazo_auth.parent_in_path(tenant jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN tenant #>> ARRAY['path', (jsonb_array_length(tenant -> 'path') - 2)::text];
END
$$;
COMMENT ON FUNCTION wazo_auth.parent_in_path(jsonb) IS
'The tenant above a row of wazo_auth.tenant; null for the top one.';

CREATE OR REPLACE FUNCTION wazo_auth.shown_row(relation text, content jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  content := CASE relation
    WHEN 'password' THEN content - '{hash,kind}'::text[]
    WHEN 'tenant' THEN content - 'path'::text
                       || jsonb_build_object('parent_uuid', wazo_auth.parent_in_path(content))
    WHEN 'policy' THEN content || jsonb_build_object('acl', to_jsonb((content ->> 'acl')::text[]))
    -- long, and kept by whoever made them
    WHEN 'saml_config' THEN content - '{metadata,idp}'::text[]
    WHEN 'setting' THEN content || jsonb_build_object('value', wazo_auth.without_sealed(content -> 'value'))
    ELSE content END;
  RETURN wazo_auth.without_sealed(content);
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_row(text, jsonb) IS 'What the audit log shows of a row of a table.';

CREATE OR REPLACE FUNCTION wazo_auth.decides_access(relation text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN relation IN ('group', 'group_policy', 'group_user', 'policy', 'setting', 'tenant', 'user', 'user_policy');
END
$$;
COMMENT ON FUNCTION wazo_auth.decides_access(text) IS
'Is this one of the tables that decide who has which access?';

CREATE OR REPLACE FUNCTION wazo_auth.audit_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_on boolean := wazo_auth.audit_is_on();
BEGIN
  IF wazo_auth.in_extension_script() THEN
    IF wazo_auth.decides_access(TG_TABLE_NAME::text) AND v_on AND EXISTS (SELECT FROM rows) THEN
      PERFORM wazo_auth.note_audit_gap('upgrade'::text, NULL::timestamptz, clock_timestamp());
    END IF;
    RETURN NULL;
  ELSIF wazo_auth.is_loading(TG_RELID) AND NOT wazo_auth.is_live() OR NOT v_on AND TG_TABLE_NAME <> 'setting' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM wazo_auth.audit_row(TG_TABLE_NAME::text, 'created'::text, NULL::jsonb, n.content, TG_ARGV)
    FROM (SELECT to_jsonb(r) AS content FROM rows r) n
    WHERE v_on OR n.content ->> 'name' = 'audit_retention';
  ELSE
    PERFORM wazo_auth.audit_row(TG_TABLE_NAME::text, 'deleted'::text, o.content, NULL::jsonb, TG_ARGV)
    FROM (SELECT to_jsonb(r) AS content FROM rows r) o
    WHERE v_on OR o.content ->> 'name' = 'audit_retention';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_rows() IS
'Trigger after a statement that inserts or deletes: a row of the audit log for each, but for what a restore or an '
'upgrade does. The transition table is named rows; the arguments are the columns of the primary key.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_before jsonb;
  v_after jsonb;
BEGIN
  IF NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NULL;
  END IF;
  v_before := to_jsonb(OLD);
  v_after := to_jsonb(NEW);
  IF wazo_auth.in_extension_script() THEN
    IF wazo_auth.decides_access(TG_TABLE_NAME::text) AND wazo_auth.audit_is_on() THEN
      PERFORM wazo_auth.note_audit_gap('upgrade'::text, NULL::timestamptz, clock_timestamp());
    END IF;
  ELSIF wazo_auth.audit_is_on() OR TG_TABLE_NAME = 'setting' AND v_after ->> 'name' = 'audit_retention' THEN
    IF (SELECT bool_or(v_before -> k IS DISTINCT FROM v_after -> k) FROM unnest(TG_ARGV) k) THEN
      -- Another key is another thing.
      PERFORM wazo_auth.audit_row(TG_TABLE_NAME::text, 'deleted'::text, v_before, NULL::jsonb, TG_ARGV),
              wazo_auth.audit_row(TG_TABLE_NAME::text, 'created'::text, NULL::jsonb, v_after, TG_ARGV);
    ELSE
      PERFORM wazo_auth.audit_row(TG_TABLE_NAME::text, 'updated'::text, v_before, v_after, TG_ARGV);
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_update() IS
'Trigger after each row that is updated: a row of the audit log, or two where its key has changed. The arguments are '
'the columns of the primary key.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_content jsonb;
BEGIN
  IF wazo_auth.audit_is_on() THEN
    FOR v_content IN EXECUTE format('SELECT to_jsonb(t) FROM wazo_auth.%I t', TG_TABLE_NAME) LOOP
      PERFORM wazo_auth.audit_row(TG_TABLE_NAME::text, 'deleted'::text, v_content, NULL::jsonb, TG_ARGV);
    END LOOP;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_truncate() IS
'Trigger before a table is emptied: a row of the audit log for each of its rows. The arguments are the columns of the '
'primary key.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_row(
  relation text, action text, before jsonb, after jsonb, key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_any jsonb := COALESCE(after, before);
  v_uuid text := COALESCE(v_any ->> 'uuid', v_any ->> 'user_uuid', v_any ->> 'group_uuid', v_any ->> 'tenant_uuid');
  v_tenant uuid := CASE relation
    -- When it is gone, the one above: nobody would see it otherwise.
    WHEN 'tenant' THEN (CASE action WHEN 'deleted' THEN wazo_auth.parent_in_path(v_any) ELSE v_any ->> 'uuid' END)::uuid
    ELSE wazo_auth.audit_tenant(v_any) END;
  v_before jsonb := wazo_auth.shown_row(relation, before);
  v_after jsonb := wazo_auth.shown_row(relation, after);
  v_acl_before jsonb := '{}'::jsonb;
  v_acl_after jsonb := '{}'::jsonb;
BEGIN
  IF action = 'updated' THEN
    IF v_before -> 'acl' <> v_after -> 'acl' THEN
      -- Long ones change by an access now and then.
      SELECT c.before, c.after INTO v_acl_before, v_acl_after
      FROM wazo_auth.acl_change(v_before -> 'acl', v_after -> 'acl') c;
    END IF;
    -- Of which row, as far as object_uuid does not say.
    SELECT COALESCE(jsonb_object_agg(o.key, o.value), '{}'::jsonb) || v_acl_before,
           COALESCE(jsonb_object_agg(o.key, n.value), '{}'::jsonb) || v_acl_after
    INTO v_before, v_after
    FROM jsonb_each(v_before) o JOIN jsonb_each(v_after) n ON n.key = o.key
    WHERE n.value <> o.value OR o.key = ANY (key) AND (o.value #>> '{}') IS DISTINCT FROM v_uuid;
  END IF;
  PERFORM wazo_auth.write_audit(relation, action, v_uuid::uuid, v_tenant, v_before, v_after);
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_row(text, text, jsonb, jsonb, text[]) IS
'Writes into the audit log what became of a row of a table, whose primary key has these columns.';

CREATE OR REPLACE FUNCTION wazo_auth.numbered_entries(acl jsonb,
  OUT entry text, OUT nth bigint, OUT place bigint)
RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT e.entry COLLATE "C", row_number() OVER (PARTITION BY e.entry COLLATE "C" ORDER BY e.place), e.place
  FROM jsonb_array_elements_text(acl) WITH ORDINALITY e (entry, place);
END
$$;
COMMENT ON FUNCTION wazo_auth.numbered_entries(jsonb) IS
'The entries of an ACL, their places from 1 on, and the how manieth of its kind each is.';

CREATE OR REPLACE FUNCTION wazo_auth.acl_change(old_acl jsonb, new_acl jsonb, OUT before jsonb, OUT after jsonb)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_reordered boolean;
BEGIN
  SELECT COALESCE(bool_or(k.new_place < k.new_place_before), false) INTO v_reordered
  FROM (SELECT n.place AS new_place, lag(n.place) OVER (ORDER BY o.place) AS new_place_before
        FROM wazo_auth.numbered_entries(old_acl) o JOIN wazo_auth.numbered_entries(new_acl) n USING (entry, nth)) k;
  SELECT jsonb_build_object('acl', COALESCE(jsonb_agg(o.entry ORDER BY o.place), '[]'),
                            'acl_places', COALESCE(jsonb_agg(o.place ORDER BY o.place), '[]')) INTO before
  FROM wazo_auth.numbered_entries(old_acl) o LEFT JOIN wazo_auth.numbered_entries(new_acl) n USING (entry, nth)
  WHERE v_reordered OR n.place IS NULL;
  SELECT jsonb_build_object('acl', COALESCE(jsonb_agg(n.entry ORDER BY n.place), '[]'),
                            'acl_places', COALESCE(jsonb_agg(n.place ORDER BY n.place), '[]')) INTO after
  FROM wazo_auth.numbered_entries(new_acl) n LEFT JOIN wazo_auth.numbered_entries(old_acl) o USING (entry, nth)
  WHERE v_reordered OR o.place IS NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.acl_change(jsonb, jsonb, OUT jsonb, OUT jsonb) IS
'What the audit log keeps of a change of an ACL: the entries that went and those that came, and their places in the '
'one and the other, so that wazo_auth.undo_acl_change() can make the old one of the new one; all of both where those '
'that stay have another order.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_session(action text, session wazo_auth.session) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT wazo_auth.audit_is_on() THEN
    RETURN NULL;
  END IF;
  RETURN wazo_auth.insert_audit('session'::text, action, session.uuid, session.tenant_uuid, NULL::jsonb,
    jsonb_build_object('user_uuid', session.user_uuid, 'mobile', session.mobile, 'expires_at', session.expires_at,
                       'by_refresh_token', session.refresh_token_digest IS NOT NULL,
                       'user_agent', session.user_agent, 'acl_digest', session.acl_digest),
    status => NULL::integer,
    auth_id => CASE action WHEN 'created' THEN COALESCE(session.user_uuid::text, session.auth_id) END,
    session_uuid => CASE action WHEN 'created' THEN session.uuid END,
    peer => CASE action WHEN 'created' THEN NULLIF(session.remote_addr, '') END);
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_session(text, wazo_auth.session) IS
'Writes into the audit log that a session was created or deleted; of one that expires, expires_at says it before. '
'Returns the row''s id, null where there is no audit log.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_sessions(action text, sessions wazo_auth.session[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_session wazo_auth.session;
BEGIN
  FOREACH v_session IN ARRAY sessions LOOP
    PERFORM wazo_auth.audit_session(action, v_session);
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_sessions(text, wazo_auth.session[]) IS
'wazo_auth.audit_session() of each, in their order.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_refresh_tokens(action text, refresh_tokens wazo_auth.refresh_token[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF wazo_auth.audit_is_on() THEN
    PERFORM wazo_auth.write_audit('refresh_token'::text, action, r.user_uuid,
      wazo_auth.audit_tenant(jsonb_build_object('user_uuid', r.user_uuid)), NULL::jsonb,
      jsonb_build_object('user_uuid', r.user_uuid, 'client_id', r.client_id, 'mobile', r.mobile),
      auth_id => CASE action WHEN 'created' THEN r.user_uuid::text END,
      peer => CASE action WHEN 'created' THEN NULLIF(r.remote_addr, '') END)
    FROM unnest(refresh_tokens) WITH ORDINALITY r ORDER BY r.ordinality;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_refresh_tokens(text, wazo_auth.refresh_token[]) IS
'Writes into the audit log that refresh tokens were created or deleted.';

CREATE OR REPLACE FUNCTION wazo_auth.audited_params(params jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN params - 'token_uuid'::text;
END
$$;
COMMENT ON FUNCTION wazo_auth.audited_params(jsonb) IS 'Path parameters without secrets.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_request(request wazo_auth.http_request, status integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_params jsonb := wazo_auth.audited_params(request.params);
BEGIN
  -- Whoever has no session and is refused could fill the disk; a failed login costs more than its row, and those of one
  -- network are few (wazo_auth.login_wait()).
  IF NOT wazo_auth.audit_is_on() OR request.token_session_uuid IS NULL THEN
    RETURN;
  END IF;
  PERFORM wazo_auth.write_audit('request'::text, CASE WHEN status < 400 THEN 'done' ELSE 'refused' END,
    COALESCE(v_params ->> 'user_uuid', v_params ->> 'group_uuid', v_params ->> 'policy_uuid',
             v_params ->> 'tenant_uuid')::uuid,
    COALESCE(wazo_auth.audit_tenant(v_params), request.tenant_uuid), NULL::jsonb, NULLIF(v_params, '{}'), status);
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_request(wazo_auth.http_request, integer) IS
'Writes into the audit log a request that has left no other row there: it was refused, or changed nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_failed_login(user_uuid uuid, tenant_uuid uuid, status integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Also where it is not needed: who asks must not be able to tell from the time.
  v_top uuid := wazo_auth.top_tenant_uuid();
BEGIN
  IF wazo_auth.audit_is_on() THEN
    PERFORM wazo_auth.write_audit('request'::text, 'refused'::text, user_uuid, COALESCE(tenant_uuid, v_top),
      NULL::jsonb, NULL::jsonb, status);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_failed_login(uuid, uuid, integer) IS
'Writes into the audit log that a login failed, and of which user of which tenant it was to be, null for nobody''s, at '
'the same cost. What was typed is not there: it may be a password.';

CREATE OR REPLACE FUNCTION wazo_auth.forbid_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_user <> (SELECT c.relowner::regrole::text FROM pg_class c WHERE c.oid = TG_RELID) THEN
    RAISE EXCEPTION 'the audit log is not to be changed'
      USING ERRCODE = 'insufficient_privilege', HINT = 'It is kept for as long as the setting audit_retention says.';
  END IF;
  RETURN CASE WHEN TG_LEVEL = 'ROW' THEN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END END;
END
$$;
COMMENT ON FUNCTION wazo_auth.forbid_change() IS
'Trigger before a change: raises 42501 for all but the table''s owner.';

CREATE OR REPLACE FUNCTION wazo_auth.add_audit_month(month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_name text := 'audit_' || to_char(month, 'YYYYMM');
  v_from timestamptz := month::timestamp AT TIME ZONE 'UTC';
  v_to timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass('wazo_auth.' || v_name) IS NOT NULL THEN
    RETURN;
  END IF;
  -- In the order in which writers lock them.
  LOCK TABLE wazo_auth.audit, wazo_auth.audit_other IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format('CREATE TABLE wazo_auth.%I (LIKE wazo_auth.audit INCLUDING DEFAULTS)', v_name);
  EXECUTE format('COMMENT ON TABLE wazo_auth.%I IS %L', v_name, 'A month of wazo_auth.audit');
  EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON wazo_auth.%I FOR EACH STATEMENT '
                 'EXECUTE FUNCTION wazo_auth.forbid_change()', v_name);
  EXECUTE format('WITH moved AS (DELETE FROM wazo_auth.audit_other o WHERE o.at >= %L AND o.at < %L RETURNING o.*) '
                 'INSERT INTO wazo_auth.%I SELECT * FROM moved', v_from, v_to, v_name);
  EXECUTE format('ALTER TABLE wazo_auth.audit ATTACH PARTITION wazo_auth.%I FOR VALUES FROM (%L) TO (%L)',
                 v_name, v_from, v_to);
END
$$;
COMMENT ON FUNCTION wazo_auth.add_audit_month(date) IS
'Makes the part of wazo_auth.audit for a month, given by its first day, with what came for it already.';

CREATE OR REPLACE FUNCTION wazo_auth.keep_audit(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_days integer := wazo_auth.get_setting('audit_retention')::integer;
  v_month date := date_trunc('month', now() AT TIME ZONE 'UTC');
  v_old text;
  v_count integer;
  v_gone_until timestamptz;
BEGIN
  IF batch IS NULL OR batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION 'batch must be from 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF v_days > 0 THEN
    PERFORM wazo_auth.add_audit_month(v_month), wazo_auth.add_audit_month((v_month + interval '1 month')::date);
  END IF;
  FOR v_old IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'wazo_auth.audit'::regclass AND c.relname ~ '^audit_\d{6}$'
      AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month'
          <= (now() AT TIME ZONE 'UTC') - make_interval(days => v_days)
  LOOP
    EXECUTE format('DROP TABLE wazo_auth.%I', v_old);
    v_gone_until := greatest(v_gone_until,
      (to_date(right(v_old, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC');
  END LOOP;
  WITH gone AS (
    DELETE FROM wazo_auth.audit_other o
    WHERE (o.id, o.at) IN (SELECT x.id, x.at FROM wazo_auth.audit_other x
                           WHERE x.at < now() - make_interval(days => v_days) ORDER BY x.id LIMIT batch)
    RETURNING o.at)
  SELECT count(*), greatest(v_gone_until, max(g.at)) INTO v_count, v_gone_until FROM gone g;
  IF v_gone_until IS NOT NULL AND v_days > 0 THEN
    PERFORM wazo_auth.note_audit_gap('retention'::text, NULL::timestamptz, v_gone_until);
  END IF;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.keep_audit(integer) IS
'Makes the parts of wazo_auth.audit for this month and the next, drops those of which the setting audit_retention '
'keeps nothing, and deletes up to so many (1 to 100000) rows that are in none of them. Returns how many of these. '
'Raises 22023 for another batch.';
