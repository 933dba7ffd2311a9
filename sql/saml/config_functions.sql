-- The identity provider of a tenant, and the tenant's own keys (contract: saml.md section 1).

CREATE OR REPLACE FUNCTION wazo_auth.saml_setting(member text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.get_setting('saml') ->> member;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_setting(text) IS 'A setting about SAML: that of saml. and this name.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_unknown_saml_config(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(404, format('No SAML IDP config found for this tenant: "%s"', tenant_uuid),
    'unknown-saml-config', json_build_object('uuid', tenant_uuid), 'saml_config');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_unknown_saml_config(uuid) IS 'Raises WA404 unknown-saml-config.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_bad_saml_config(tenant_uuid uuid, message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(400, message, 'unknown-saml-config', json_build_object('uuid', tenant_uuid),
    'saml_config');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_saml_config(uuid, text) IS
'Raises WA400 for a configuration that cannot be stored, with what is wrong.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_metadata_fault(refused text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE refused
    WHEN 'too_large' THEN 'Invalid XML (too large)'
    WHEN 'encoding' THEN 'Invalid XML (not UTF-8)'
    WHEN 'not_xml' THEN 'Invalid XML (not well-formed)'
    WHEN 'doctype' THEN 'Invalid XML (it has a document type)'
    WHEN 'processing_instruction' THEN 'Invalid XML (it has a processing instruction)'
    WHEN 'too_deep' THEN 'Invalid XML (nested too deep)'
    WHEN 'too_many_nodes' THEN 'Invalid XML (too many elements)'
    WHEN 'duplicate_id' THEN 'Invalid XML (an ID comes twice)'
    WHEN 'not_metadata' THEN 'Invalid metadata (not those of one SAML 2.0 identity provider)'
    WHEN 'location' THEN 'Invalid metadata (no usable address for single sign-on)'
    WHEN 'certificate' THEN 'Invalid metadata (no usable certificate, or too many)'
    WHEN 'expired' THEN 'Invalid metadata (expired)'
    WHEN 'valid_until' THEN 'Invalid metadata (validUntil is no time)'
    ELSE format('Invalid metadata (%s)', refused)
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_metadata_fault(text) IS
'What an administrator is told of metadata that wazo_auth.saml_read_metadata() refuses.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_idp_of(tenant_uuid uuid, metadata text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_idp jsonb := wazo_auth.saml_read_metadata(tenant_uuid, convert_to(metadata, 'UTF8'));
BEGIN
  IF v_idp ? 'refused' THEN
    PERFORM wazo_auth.raise_bad_saml_config(tenant_uuid, wazo_auth.saml_metadata_fault(v_idp ->> 'refused'));
  END IF;
  RETURN v_idp;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_idp_of(uuid, text) IS
'What metadata say about their identity provider. Raises WA400, with what is wrong, for metadata that are of no use, '
'WA503 when they cannot be read in time.';

CREATE OR REPLACE FUNCTION wazo_auth.check_saml_address(tenant_uuid uuid, idp jsonb, acs_url text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (wazo_auth.saml_address(idp, acs_url, 'sso'::text)).binding IS NULL THEN
    PERFORM wazo_auth.raise_bad_saml_config(tenant_uuid,
      'The identity provider takes logins by HTTP-POST alone, for which acs_url must end with /saml/acs');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_saml_address(uuid, jsonb, text) IS
'Raises WA400 when requests for a login, with this acs_url, cannot reach the identity provider.';

CREATE OR REPLACE FUNCTION wazo_auth.new_saml_key(tenant_uuid uuid) RETURNS wazo_auth.saml_key
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_made jsonb := wazo_auth.saml_make_key(tenant_uuid::text);
  v_key wazo_auth.saml_key;
BEGIN
  v_key.tenant_uuid := tenant_uuid;
  v_key.signs := false;
  v_key.certificate := v_made ->> 'certificate';
  v_key.sealed_key := wazo_auth.seal(v_made ->> 'key', 'saml:' || tenant_uuid);
  v_key.created_at := clock_timestamp();
  RETURN v_key;
END
$$;
COMMENT ON FUNCTION wazo_auth.new_saml_key(uuid) IS
'A new key and its certificate for a tenant, stored nowhere yet. Takes up to a second, so it is called before '
'anything is locked. Raises F0000 without a key to seal it with.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_private_keys(tenant_uuid uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  RETURN ARRAY(SELECT wazo_auth.unseal(k.sealed_key, 'saml:' || k.tenant_uuid) FROM wazo_auth.saml_key k
               WHERE k.tenant_uuid = saml_private_keys.tenant_uuid ORDER BY k.signs DESC);
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_private_keys(uuid) IS
'Private keys (PEM) of a tenant, the one that signs first. Secrets: to be handed to wazo_auth.saml_job() and kept '
'nowhere.';

CREATE OR REPLACE FUNCTION wazo_auth.check_saml_domain(tenant_uuid uuid, domain_uuid uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.tenant_domain d
                 WHERE d.uuid = domain_uuid AND d.tenant_uuid = check_saml_domain.tenant_uuid) THEN
    PERFORM wazo_auth.raise_bad_saml_config(tenant_uuid, 'The domain is none of the tenant');
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_saml_domain(uuid, uuid) IS 'Raises WA400 for a domain that is none of the tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.create_saml_config(
  tenant_uuid uuid, domain_uuid uuid, entity_id text, acs_url text, metadata text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  -- What takes its time comes before what locks.
  v_idp jsonb := wazo_auth.saml_idp_of(tenant_uuid, metadata);
  v_key wazo_auth.saml_key;
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.saml_key k WHERE k.tenant_uuid = create_saml_config.tenant_uuid) THEN
    v_key := wazo_auth.new_saml_key(tenant_uuid);
    v_key.signs := true;
  END IF;
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  PERFORM wazo_auth.check_saml_domain(tenant_uuid, domain_uuid);
  PERFORM wazo_auth.check_saml_address(tenant_uuid, v_idp, acs_url);
  INSERT INTO wazo_auth.saml_config (tenant_uuid, domain_uuid, entity_id, acs_url, metadata, idp)
  VALUES (tenant_uuid, domain_uuid, entity_id, acs_url, metadata, v_idp)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_error(409, 'Conflict detected', 'conflict',
      '{"tenant_uuid": {"constraint_id": "unique", "message": "Duplicated SAML config exists"}}'::json, 'saml_config');
  END IF;
  IF v_key.tenant_uuid IS NOT NULL THEN
    INSERT INTO wazo_auth.saml_key SELECT v_key.* ON CONFLICT DO NOTHING;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.create_saml_config(uuid, uuid, text, text, text) IS
'Gives a tenant its SAML identity provider, by its metadata, and a key of its own if it has none. domain_uuid: the '
'domain of the tenant that logins name. entity_id, acs_url: how the identity provider knows us, and where its '
'answers come to. Raises WA400 for metadata that are of no use or a domain that is not the tenant''s, WA404 for an '
'unknown tenant, WA409 when it has one already, WA503 when the metadata cannot be read in time.';

CREATE OR REPLACE FUNCTION wazo_auth.update_saml_config(
  tenant_uuid uuid, domain_uuid uuid DEFAULT NULL, entity_id text DEFAULT NULL, acs_url text DEFAULT NULL,
  metadata text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_idp jsonb;
  v_config wazo_auth.saml_config;
BEGIN
  IF NOT EXISTS (SELECT FROM wazo_auth.saml_config c WHERE c.tenant_uuid = update_saml_config.tenant_uuid) THEN
    PERFORM wazo_auth.raise_unknown_saml_config(tenant_uuid);
  END IF;
  IF metadata IS NOT NULL THEN
    v_idp := wazo_auth.saml_idp_of(tenant_uuid, metadata);
  END IF;
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR NO KEY UPDATE;
  IF domain_uuid IS NOT NULL THEN
    PERFORM wazo_auth.check_saml_domain(tenant_uuid, domain_uuid);
  END IF;
  UPDATE wazo_auth.saml_config c
  SET domain_uuid = COALESCE(update_saml_config.domain_uuid, c.domain_uuid),
      entity_id = COALESCE(update_saml_config.entity_id, c.entity_id),
      acs_url = COALESCE(update_saml_config.acs_url, c.acs_url),
      metadata = COALESCE(update_saml_config.metadata, c.metadata),
      idp = COALESCE(v_idp, c.idp)
  WHERE c.tenant_uuid = update_saml_config.tenant_uuid
  RETURNING c.* INTO v_config;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_saml_config(tenant_uuid);
  END IF;
  PERFORM wazo_auth.check_saml_address(tenant_uuid, v_config.idp, v_config.acs_url);
  -- What the old one let in has no way in any more.
  DELETE FROM wazo_auth.saml_session s WHERE s.tenant_uuid = update_saml_config.tenant_uuid AND NOT s.used;
END
$$;
COMMENT ON FUNCTION wazo_auth.update_saml_config(uuid, uuid, text, text, text) IS
'Changes the SAML identity provider of a tenant; null keeps. Logins that are on their way have to begin again. '
'Raises what wazo_auth.create_saml_config() raises, and WA404 when the tenant has none.';

CREATE OR REPLACE FUNCTION wazo_auth.delete_saml_config(tenant_uuid uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.saml_config c WHERE c.tenant_uuid = delete_saml_config.tenant_uuid;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.delete_saml_config(uuid) IS
'Takes the SAML identity provider from a tenant, and whatever waits for it; the tenant''s keys stay. Returns whether '
'there was one.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_config_of(tenant_uuid uuid) RETURNS wazo_auth.saml_config
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_config wazo_auth.saml_config;
BEGIN
  SELECT c.* INTO v_config FROM wazo_auth.saml_config c WHERE c.tenant_uuid = saml_config_of.tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_saml_config(tenant_uuid);
  END IF;
  RETURN v_config;
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_config_of(uuid) IS
'The SAML identity provider of a tenant. Raises WA404 when it has none.';

CREATE OR REPLACE FUNCTION wazo_auth.saml_sp_metadata(tenant_uuid uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.saml_config := wazo_auth.saml_config_of(tenant_uuid);
BEGIN
  RETURN wazo_auth.saml_make_metadata(
    tenant_uuid, entity_id => v_config.entity_id, acs_url => v_config.acs_url,
    certificates => ARRAY(SELECT k.certificate FROM wazo_auth.saml_key k
                          WHERE k.tenant_uuid = saml_sp_metadata.tenant_uuid ORDER BY k.signs DESC),
    sls_url => wazo_auth.saml_sls_url(v_config),
    want_assertions_signed => wazo_auth.saml_setting('signed') IN ('assertion', 'both')) ->> 'document';
END
$$;
COMMENT ON FUNCTION wazo_auth.saml_sp_metadata(uuid) IS
'Metadata of the tenant as a SAML service provider, for its identity provider. Raises WA404 when the tenant has '
'none, WA503 when they cannot be made in time.';

-- The rotation of a key: add, let the identity provider read the metadata, switch, wait, drop.
CREATE OR REPLACE FUNCTION wazo_auth.add_saml_key(tenant_uuid uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_key wazo_auth.saml_key;
BEGIN
  PERFORM wazo_auth.saml_config_of(tenant_uuid);
  v_key := wazo_auth.new_saml_key(tenant_uuid);
  INSERT INTO wazo_auth.saml_key SELECT v_key.* ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the tenant % has two SAML keys already', tenant_uuid
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'End the rotation that is under way with wazo_auth.drop_saml_key().';
  END IF;
  RETURN v_key.certificate;
END
$$;
COMMENT ON FUNCTION wazo_auth.add_saml_key(uuid) IS
'Begins to replace the SAML key of a tenant: makes a second one, which is in our metadata and decrypts, and does not '
'sign yet. Returns its certificate. Raises WA404 when the tenant has no identity provider, 55000 when it has two '
'keys.';

CREATE OR REPLACE FUNCTION wazo_auth.switch_saml_keys(tenant_uuid uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_keys wazo_auth.saml_key[];
  v_certificate text;
BEGIN
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR NO KEY UPDATE;
  WITH taken AS (
    DELETE FROM wazo_auth.saml_key k WHERE k.tenant_uuid = switch_saml_keys.tenant_uuid RETURNING k AS key
  )
  SELECT array_agg(t.key) INTO v_keys FROM taken t;
  IF cardinality(v_keys) IS DISTINCT FROM 2 THEN
    RAISE EXCEPTION 'the tenant % has no second SAML key', tenant_uuid
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make one with wazo_auth.add_saml_key().';
  END IF;
  INSERT INTO wazo_auth.saml_key (tenant_uuid, signs, certificate, sealed_key, created_at)
  SELECT k.tenant_uuid, NOT k.signs, k.certificate, k.sealed_key, k.created_at FROM unnest(v_keys) k;
  SELECT k.certificate INTO v_certificate FROM unnest(v_keys) k WHERE NOT k.signs;
  RETURN v_certificate;
END
$$;
COMMENT ON FUNCTION wazo_auth.switch_saml_keys(uuid) IS
'Lets the other one of a tenant''s two SAML keys sign; both decrypt. Returns the certificate of the one that signs '
'now. Raises 55000 when there are not two.';

CREATE OR REPLACE FUNCTION wazo_auth.drop_saml_key(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.saml_key k WHERE k.tenant_uuid = drop_saml_key.tenant_uuid AND NOT k.signs;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the tenant % has no second SAML key', tenant_uuid
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'The one that signs cannot be dropped.';
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.drop_saml_key(uuid) IS
'Ends the rotation of a tenant''s SAML key: drops the one that does not sign, which decrypts nothing any more. '
'Raises 55000 when there is none.';
