-- The rotation of keys: everything that is sealed, and sealing it anew.

CREATE OR REPLACE FUNCTION wazo_auth.sealed_columns()
RETURNS TABLE (relation regclass, column_name name, context text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES
    ('wazo_auth.refresh_token'::regclass, 'sealed_token'::name, $c$'refresh_token:' || token_digest$c$),
    ('wazo_auth.ldap_config', 'sealed_bind_password', $c$'ldap:' || tenant_uuid$c$),
    ('wazo_auth.saml_key', 'sealed_key', $c$'saml:' || tenant_uuid$c$),
    ('wazo_auth.mail_outbox', 'sealed_message', $c$'mail:' || id$c$),
    ('wazo_auth.external_auth_config', 'sealed_config', $c$'external_auth_config:' || tenant_uuid || ':' || type$c$),
    ('wazo_auth.external_auth_data', 'sealed_data', $c$'external_auth_data:' || user_uuid || ':' || type$c$),
    ('wazo_auth.oauth2_pending', 'sealed_flow', $c$'oauth2_flow:' || encode(state_digest, 'hex')$c$),
    ('wazo_auth.oauth2_pending', 'sealed_message', $c$'oauth2_message:' || encode(state_digest, 'hex')$c$);
END
$$;
COMMENT ON FUNCTION wazo_auth.sealed_columns() IS
'Columns with sealed values, and the expression of the context that each is sealed for. Secrets among the settings are '
'sealed beside them.';

CREATE OR REPLACE FUNCTION wazo_auth.sealed_settings(OUT name text, OUT key_id text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  WITH RECURSIVE member (name, key, value) AS (
    SELECT s.name, s.name, s.value FROM wazo_auth.setting s
    UNION ALL
    SELECT m.name, e.key, e.value FROM member m
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(m.value) WHEN 'object' THEN m.value END) e
  )
  SELECT m.name, wazo_auth.sealed_key_id(decode(m.value #>> '{}', 'hex'))
  FROM member m WHERE m.key LIKE 'sealed\_%' AND jsonb_typeof(m.value) = 'string';
END
$$;
COMMENT ON FUNCTION wazo_auth.sealed_settings() IS
'Settings with a sealed member, and the id of its key; a row for each.';

CREATE OR REPLACE FUNCTION wazo_auth.sealed_values(OUT place text, OUT key_id text, OUT number bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_column record;
BEGIN
  FOR v_column IN SELECT * FROM wazo_auth.sealed_columns() LOOP
    RETURN QUERY EXECUTE format('SELECT %L, wazo_auth.sealed_key_id(%I), count(*) FROM %s WHERE %2$I IS NOT NULL'
      ' GROUP BY 2', v_column.relation || '.' || v_column.column_name, v_column.column_name, v_column.relation);
  END LOOP;
  RETURN QUERY
  SELECT 'wazo_auth.setting.value'::text, s.key_id, count(*) FROM wazo_auth.sealed_settings() s GROUP BY 2;
END
$$;
COMMENT ON FUNCTION wazo_auth.sealed_values() IS
'How many values are sealed with which key, and where: what a rotation has left to do, and which keys must be kept.';

CREATE OR REPLACE FUNCTION wazo_auth.resealed_setting(name text, value jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) <> 'object' THEN
    RETURN value;
  END IF;
  RETURN (
    SELECT COALESCE(jsonb_object_agg(e.key, CASE
      WHEN e.key LIKE 'sealed\_%' AND jsonb_typeof(e.value) = 'string'
      THEN to_jsonb(encode(wazo_auth.reseal(decode(e.value #>> '{}', 'hex'), k.name), 'hex'))
      ELSE wazo_auth.resealed_setting(k.name, e.value) END), '{}')
    FROM jsonb_each(resealed_setting.value) e
    CROSS JOIN LATERAL wazo_auth.setting_member(resealed_setting.name, regexp_replace(e.key, '^sealed_', '')) k);
END
$$;
COMMENT ON FUNCTION wazo_auth.resealed_setting(text, jsonb) IS
'A setting, or a member of one, with what is sealed in it sealed anew. Raises as wazo_auth.reseal() does.';

CREATE OR REPLACE FUNCTION wazo_auth.reseal_batch(
  batch_size integer, OUT resealed bigint, OUT done boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_column record;
  v_count bigint;
  v_key text := wazo_auth.seal_key_id();
BEGIN
  batch_size := COALESCE(batch_size, 1000);
  IF batch_size < 1 THEN
    RAISE EXCEPTION 'a batch is at least one value' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  UPDATE wazo_auth.setting s SET value = wazo_auth.resealed_setting(s.name, s.value)
  WHERE s.name IN (SELECT t.name FROM wazo_auth.sealed_settings() t WHERE t.key_id <> v_key);
  GET DIAGNOSTICS resealed = ROW_COUNT;
  FOR v_column IN SELECT * FROM wazo_auth.sealed_columns() LOOP
    EXIT WHEN resealed >= batch_size;
    -- What somebody else changes meanwhile is found again by the next batch.
    EXECUTE format('WITH old AS (SELECT ctid FROM %1$s WHERE wazo_auth.sealed_key_id(%2$I) <> $1 LIMIT $2 FOR UPDATE),'
      ' anew AS (UPDATE %1$s t SET %2$I = wazo_auth.reseal(%2$I, %3$s) FROM old WHERE old.ctid = t.ctid)'
      ' SELECT count(*) FROM old', v_column.relation, v_column.column_name, v_column.context)
      INTO v_count USING v_key, batch_size - resealed;
    resealed := resealed + v_count;
  END LOOP;
  done := resealed = 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.reseal_batch(integer) IS
'Seals at most about that many values anew with the current key, all those of other keys in the end. done: there were '
'none left. Raises F0000 when the key of one is not in the key file, 22023 for no size.';

-- It commits, which a procedure with settings of its own cannot: so it names everything, and leaves the work to others.
CREATE OR REPLACE PROCEDURE wazo_auth.rotate_key(batch_size integer DEFAULT 1000)
LANGUAGE plpgsql AS $$
DECLARE
  v_batch pg_catalog.record;
BEGIN
  LOOP
    SELECT b.resealed, b.done INTO v_batch FROM wazo_auth.reseal_batch(batch_size) b;
    EXIT WHEN v_batch.done;
    COMMIT;
    RAISE NOTICE 'sealed % values anew', v_batch.resealed;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE wazo_auth.rotate_key(integer) IS
'Seals everything anew with the first key of wazo_auth.secret_key_file, a transaction for each batch; may be ended at '
'any time and called again. wazo_auth.sealed_values() shows how far it is. For the owner of the extension. Raises as '
'wazo_auth.reseal_batch() does.';
