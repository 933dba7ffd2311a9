-- Sealing everything anew when the key is replaced.

CREATE OR REPLACE FUNCTION wazo_auth.reseal_setting(value jsonb, name text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text;
  v_member jsonb;
BEGIN
  FOR v_key, v_member IN SELECT e.key, e.value FROM jsonb_each(value) e WHERE starts_with(e.key, 'sealed_') LOOP
    value := value || jsonb_build_object(v_key, encode(wazo_auth.reseal(
      decode(v_member #>> '{}'::text[], 'hex'), name || '.' || substr(v_key, length('sealed_') + 1)), 'hex'));
  END LOOP;
  RETURN value;
END
$$;
COMMENT ON FUNCTION wazo_auth.reseal_setting(jsonb, text) IS
'A setting that is a map, with the secrets in it sealed with the current key.';

CREATE OR REPLACE FUNCTION wazo_auth.reseal_all() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key text := wazo_auth.seal_key_id();
  v_rows bigint;
  v_all bigint := 0;
BEGIN
  UPDATE wazo_auth.refresh_token t
  SET sealed_token = wazo_auth.reseal(t.sealed_token, 'refresh_token:' || t.token_digest)
  WHERE wazo_auth.sealed_key_id(t.sealed_token) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.mail_outbox m
  SET sealed_message = wazo_auth.reseal(m.sealed_message, 'mail:' || m.id)
  WHERE wazo_auth.sealed_key_id(m.sealed_message) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.ldap_config c
  SET sealed_bind_password = wazo_auth.reseal(c.sealed_bind_password, 'ldap:' || c.tenant_uuid)
  WHERE wazo_auth.sealed_key_id(c.sealed_bind_password) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.saml_key k
  SET sealed_key = wazo_auth.reseal(k.sealed_key, 'saml:' || k.tenant_uuid)
  WHERE wazo_auth.sealed_key_id(k.sealed_key) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.external_auth_config c
  SET sealed_config = wazo_auth.reseal(c.sealed_config, format('external_auth_config:%s:%s', c.tenant_uuid, c.type))
  WHERE wazo_auth.sealed_key_id(c.sealed_config) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.external_auth_data d
  SET sealed_data = wazo_auth.reseal(d.sealed_data, format('external_auth_data:%s:%s', d.user_uuid, d.type))
  WHERE wazo_auth.sealed_key_id(d.sealed_data) <> v_key;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_all := v_all + v_rows;
  UPDATE wazo_auth.setting s SET value = wazo_auth.reseal_setting(s.value, s.name)
  WHERE jsonb_typeof(s.value) = 'object' AND wazo_auth.reseal_setting(s.value, s.name) <> s.value;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  RETURN v_all + v_rows;
END
$$;
COMMENT ON FUNCTION wazo_auth.reseal_all() IS
'Seals with the current key, the first one of wazo_auth.secret_key_file, all that is sealed with another one, and tells '
'how many rows that was. Until it has committed, the old key must stay in the file.';
