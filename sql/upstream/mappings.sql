-- What comes from where when an upstream database is imported (contract: upstream_schema.md).

CREATE OR REPLACE FUNCTION wazo_auth.try_json(value text) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM value::jsonb;
  RETURN value::json;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR program_limit_exceeded
  OR numeric_value_out_of_range THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.try_json(text) IS 'The text as json; null when it is none, or none that jsonb can hold.';

CREATE OR REPLACE FUNCTION wazo_auth.try_acl(patterns text[]) RETURNS wazo_auth.acl
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN patterns::wazo_auth.acl;
EXCEPTION WHEN program_limit_exceeded OR null_value_not_allowed OR array_subscript_error
  OR invalid_parameter_value THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.try_acl(text[]) IS 'The ACL of these patterns; null when they are none or too many.';

-- A mapping is a query that gives rows for one table of this schema. Its
-- columns are the table's (others only serve later queries), and
--
--   source_key   names the row upstream; null where upstream has none
--   misfit       why it cannot be here; null when it fits
--   changed      what had to be changed; null when nothing had
--
-- What a query leaves open the constraints of the table decide: see
-- wazo_auth.judge_staged(). Of rows that clash the first one stays. The rows of
-- each query are in pg_temp.import_TARGET for those that follow. The upstream
-- schema is %1$I; no other % may stand in a query.
CREATE OR REPLACE FUNCTION wazo_auth.import_mappings()
RETURNS TABLE (target text, source text, lost_if text, query text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES

  ('tenant', 'auth_tenant', 'true', $q$
    WITH RECURSIVE source AS (
      SELECT t.*, wazo_auth.try_uuid(lower(t.uuid)) AS id, wazo_auth.try_uuid(lower(t.parent_uuid)) AS parent_id,
        t.slug ~ '^[a-zA-Z0-9_]{1,10}$' AND wazo_auth.try_uuid(lower(t.uuid)) IS NOT NULL
          AND row_number() OVER (PARTITION BY lower(t.uuid) ORDER BY t.uuid COLLATE "C" DESC) = 1 AS usable
      FROM %1$I.auth_tenant t
    ), tree AS (
      (SELECT s.id, ARRAY[s.id] AS path FROM source s WHERE s.usable AND s.parent_id = s.id
       ORDER BY s.slug <> 'master', s.id LIMIT 1)
      UNION ALL
      SELECT s.id, t.path || s.id FROM tree t
      JOIN source s ON s.parent_id = t.id AND s.id <> t.id AND s.usable
      WHERE cardinality(t.path) < 100
    )
    SELECT s.uuid AS source_key,
      CASE WHEN s.id IS NULL THEN 'its uuid is none'
           WHEN s.slug !~ '^[a-zA-Z0-9_]{1,10}$' THEN 'its slug is none'
           WHEN NOT s.usable THEN 'another tenant has its uuid'
           WHEN t.path IS NULL THEN 'it does not lie below the top tenant, or more than 100 deep' END AS misfit,
      NULLIF(concat_ws('; ',
        CASE WHEN char_length(s.name) > 128 THEN 'name cut' END,
        CASE WHEN char_length(s.phone) > 32 THEN 'phone cut' END,
        CASE WHEN s.default_authentication_method = 'default' THEN 'method native in place of default' END),
        '') AS changed,
      s.id AS uuid, t.path, s.slug::text COLLATE "C" AS slug, left(NULLIF(s.name, ''), 128) AS name,
      left(NULLIF(s.phone, ''), 32) AS phone,
      COALESCE(NULLIF(s.default_authentication_method, 'default'), 'native') AS default_authentication_method
    FROM source s LEFT JOIN tree t ON t.id = s.id AND s.usable
    ORDER BY cardinality(t.path), s.id$q$),

  ('tenant_parent', NULL, NULL, $q$
    SELECT NULL::text AS source_key, NULL::text AS misfit, NULL::text AS changed, t.path
    FROM pg_temp.import_tenant t WHERE t.misfit IS NULL AND cardinality(t.path) > 1$q$),

  ('tenant_address', 'auth_address', NULL, $q$
    SELECT a.id::text AS source_key,
      CASE WHEN row_number() OVER (PARTITION BY a.tenant_uuid ORDER BY a.id) > 1
           THEN 'its tenant has another address' END AS misfit,
      CASE WHEN greatest(char_length(a.line_1), char_length(a.line_2)) > 256 OR char_length(a.zip_code) > 16
             OR greatest(char_length(a.city), char_length(a.state), char_length(a.country)) > 128
           THEN 'parts cut' END AS changed,
      wazo_auth.try_uuid(lower(a.tenant_uuid)) AS tenant_uuid,
      ROW(left(NULLIF(a.line_1, ''), 256), left(NULLIF(a.line_2, ''), 256), left(NULLIF(a.city, ''), 128),
          left(NULLIF(a.state, ''), 128), left(NULLIF(a.country, ''), 128),
          left(NULLIF(a.zip_code, ''), 16))::wazo_auth.postal_address AS address
    FROM %1$I.auth_address a
    WHERE concat(a.line_1, a.line_2, a.city, a.state, a.country, a.zip_code) <> ''
    ORDER BY a.id$q$),

  ('tenant_domain', 'auth_tenant_domain', NULL, $q$
    SELECT d.uuid AS source_key, NULL::text AS misfit,
      CASE WHEN wazo_auth.normal_domain(d.name) <> d.name THEN 'name in its normal form' END AS changed,
      wazo_auth.try_uuid(lower(d.uuid)) AS uuid, wazo_auth.try_uuid(lower(d.tenant_uuid)) AS tenant_uuid,
      wazo_auth.normal_domain(d.name) AS name
    FROM %1$I.auth_tenant_domain d ORDER BY d.uuid COLLATE "C"$q$),

  -- Who has which login, where upstream lets several users have it: a confirmed
  -- address counts before a username, as in its logins, and an unconfirmed one last.
  ('claim', NULL, NULL, $q$
    SELECT NULL::text AS source_key, NULL::text AS misfit, NULL::text AS changed,
      c.login, (array_agg(c.user_uuid ORDER BY c.rank, c.user_uuid))[1] AS user_uuid
    FROM (SELECT wazo_auth.normal_login(u.username) AS login, wazo_auth.try_uuid(lower(u.uuid)) AS user_uuid, 2 AS rank
          FROM %1$I.auth_user u
          JOIN pg_temp.import_tenant t ON t.uuid = wazo_auth.try_uuid(lower(u.tenant_uuid)) AND t.misfit IS NULL
          WHERE u.username <> ''
          UNION ALL
          SELECT wazo_auth.normal_login(e.address), wazo_auth.try_uuid(lower(e.user_uuid)),
            CASE WHEN e.confirmed THEN 1 ELSE 3 END
          FROM %1$I.auth_email e
          JOIN %1$I.auth_user u ON u.uuid = e.user_uuid
          JOIN pg_temp.import_tenant t ON t.uuid = wazo_auth.try_uuid(lower(u.tenant_uuid)) AND t.misfit IS NULL
          WHERE wazo_auth.is_email_address(e.address) AND octet_length(e.address) <= 512) c
    WHERE c.user_uuid IS NOT NULL
    GROUP BY c.login$q$),

  ('user', 'auth_user', 'true', $q$
    SELECT u.uuid AS source_key, NULL::text AS misfit,
      NULLIF(concat_ws('; ',
        CASE WHEN u.enabled IS NULL THEN 'disabled, since that was null' END,
        CASE WHEN c.user_uuid <> wazo_auth.try_uuid(lower(u.uuid))
             THEN 'no username, since the user ' || c.user_uuid || ' logs in with it' END,
        CASE WHEN greatest(char_length(u.firstname), char_length(u.lastname)) > 256 THEN 'names cut' END),
        '') AS changed,
      wazo_auth.try_uuid(lower(u.uuid)) AS uuid, wazo_auth.try_uuid(lower(u.tenant_uuid)) AS tenant_uuid,
      COALESCE(u.enabled, false) AS enabled, u.purpose, u.authentication_method,
      CASE WHEN c.user_uuid = wazo_auth.try_uuid(lower(u.uuid)) THEN u.username::text END AS username,
      left(u.firstname, 256) AS firstname, left(u.lastname, 256) AS lastname
    FROM %1$I.auth_user u
    LEFT JOIN pg_temp.import_claim c ON c.login = wazo_auth.normal_login(u.username) AND u.username <> ''
    ORDER BY u.uuid COLLATE "C" DESC$q$),

  ('tenant_contact', 'auth_tenant', NULL, $q$
    SELECT t.uuid AS source_key, NULL::text AS misfit, NULL::text AS changed,
      wazo_auth.try_uuid(lower(t.uuid)) AS tenant_uuid, wazo_auth.try_uuid(lower(t.contact_uuid)) AS user_uuid
    FROM %1$I.auth_tenant t WHERE t.contact_uuid IS NOT NULL ORDER BY t.uuid COLLATE "C" DESC$q$),

  ('password', 'auth_user', NULL, $q$
    SELECT p.uuid AS source_key,
      CASE WHEN NOT p.usable THEN 'its hash or salt is none: no password until a new one is set' END AS misfit,
      NULL::text AS changed, wazo_auth.try_uuid(lower(p.uuid)) AS user_uuid,
      CASE WHEN p.usable THEN wazo_auth.password_from_upstream(p.password_hash, p.password_salt) END AS hash
    FROM (SELECT u.*, COALESCE(u.password_hash ~ '^[0-9a-f]{128}$' AND length(u.password_salt) BETWEEN 8 AND 64,
            false) AS usable
          FROM %1$I.auth_user u WHERE u.password_hash IS NOT NULL OR u.password_salt IS NOT NULL OFFSET 0) p
    ORDER BY p.uuid COLLATE "C" DESC$q$),

  ('email', 'auth_email', NULL, $q$
    SELECT e.uuid AS source_key,
      CASE WHEN NOT wazo_auth.is_email_address(e.address) THEN 'it is no e-mail address'
           WHEN c.user_uuid <> wazo_auth.try_uuid(lower(e.user_uuid))
           THEN 'the user ' || c.user_uuid || ' logs in with it' END AS misfit,
      CASE WHEN e.main AND e.place > 1 THEN 'not the main address, since another one is' END AS changed,
      wazo_auth.try_uuid(lower(e.uuid)) AS uuid, wazo_auth.try_uuid(lower(e.user_uuid)) AS user_uuid,
      e.address, e.main AND e.place = 1 AS main, e.confirmed
    FROM (SELECT e.*, row_number() OVER (PARTITION BY e.user_uuid ORDER BY e.main DESC, e.confirmed DESC,
                                          e.uuid COLLATE "C") AS place
          FROM %1$I.auth_email e) e
    LEFT JOIN pg_temp.import_claim c ON c.login = wazo_auth.normal_login(e.address)
    ORDER BY e.uuid COLLATE "C"$q$),

  ('login', NULL, NULL, $q$
    SELECT NULL::text AS source_key, NULL::text AS misfit, NULL::text AS changed,
      l.login, l.user_uuid, bool_or(l.is_username) AS is_username, bool_or(NOT l.is_username) AS is_email
    FROM (SELECT wazo_auth.normal_login(u.username) AS login, u.uuid AS user_uuid, true AS is_username
          FROM pg_temp.import_user u WHERE u.misfit IS NULL AND u.username IS NOT NULL
          UNION ALL
          SELECT wazo_auth.normal_login(e.address), e.user_uuid, false
          FROM pg_temp.import_email e WHERE e.misfit IS NULL) l
    GROUP BY l.login, l.user_uuid$q$),

  -- Each tenant has its group of all users, and each user is in it.
  ('group', 'auth_group', 'true', $q$
    SELECT g.uuid AS source_key, NULL::text AS misfit,
      NULLIF(concat_ws('; ',
        CASE WHEN char_length(g.name) > 128 THEN 'name cut' END,
        CASE WHEN g.system_managed AND t.uuid IS NULL
             THEN 'not system_managed, since it is not the group of all users' END),
        '') AS changed,
      wazo_auth.try_uuid(lower(g.uuid)) AS uuid, wazo_auth.try_uuid(lower(g.tenant_uuid)) AS tenant_uuid,
      left(g.name, 128) AS name, g.slug::text AS slug, t.uuid IS NOT NULL AS system_managed
    FROM %1$I.auth_group g
    LEFT JOIN pg_temp.import_tenant t ON t.misfit IS NULL AND t.uuid = wazo_auth.try_uuid(lower(g.tenant_uuid))
      AND g.slug = 'wazo-all-users-tenant-' || t.uuid
    UNION ALL
    SELECT NULL, NULL, NULL, md5('wazo-all-users-tenant-' || t.uuid)::uuid, t.uuid,
      'wazo-all-users-tenant-' || t.uuid, 'wazo-all-users-tenant-' || t.uuid, true
    FROM pg_temp.import_tenant t
    WHERE t.misfit IS NULL
      AND NOT EXISTS (SELECT FROM %1$I.auth_group g WHERE g.slug = 'wazo-all-users-tenant-' || t.uuid
                        AND lower(g.tenant_uuid) = t.uuid::text)
    ORDER BY source_key DESC NULLS LAST$q$),

  ('group_user', 'auth_user_group', NULL, $q$
    SELECT gu.group_uuid || ' ' || gu.user_uuid AS source_key, NULL::text AS misfit, NULL::text AS changed,
      wazo_auth.try_uuid(lower(gu.group_uuid)) AS group_uuid, wazo_auth.try_uuid(lower(gu.user_uuid)) AS user_uuid
    FROM %1$I.auth_user_group gu
    UNION ALL
    SELECT NULL, NULL, NULL, g.uuid, u.uuid
    FROM pg_temp.import_group g
    JOIN pg_temp.import_user u ON u.tenant_uuid = g.tenant_uuid AND u.misfit IS NULL
    LEFT JOIN %1$I.auth_user_group gu ON gu.group_uuid = g.source_key AND gu.user_uuid = u.source_key
    WHERE g.system_managed AND g.misfit IS NULL AND gu.user_uuid IS NULL$q$),

  ('policy', 'auth_policy', 'true', $q$
    SELECT p.uuid AS source_key, CASE WHEN a.acl IS NULL THEN 'its accesses do not fit into an ACL' END AS misfit,
      CASE WHEN char_length(p.description) > 4096 THEN 'description cut' END AS changed,
      wazo_auth.try_uuid(lower(p.uuid)) AS uuid, wazo_auth.try_uuid(lower(p.tenant_uuid)) AS tenant_uuid,
      p.name::text AS name, p.slug::text AS slug, left(p.description, 4096) AS description, a.acl, p.shared,
      COALESCE(p.config_managed, false) AS config_managed
    FROM %1$I.auth_policy p
    LEFT JOIN (SELECT pa.policy_uuid, array_agg(a.access ORDER BY a.access COLLATE "C") AS patterns
               FROM %1$I.auth_policy_access pa JOIN %1$I.auth_access a ON a.id = pa.access_id
               GROUP BY pa.policy_uuid) l ON l.policy_uuid = p.uuid
    CROSS JOIN LATERAL wazo_auth.try_acl(COALESCE(l.patterns, '{}')) a (acl)
    ORDER BY p.uuid COLLATE "C" DESC$q$),

  ('user_policy', 'auth_user_policy', NULL, $q$
    SELECT up.user_uuid || ' ' || up.policy_uuid AS source_key, NULL::text AS misfit, NULL::text AS changed,
      wazo_auth.try_uuid(lower(up.user_uuid)) AS user_uuid,
      wazo_auth.try_uuid(lower(up.policy_uuid)) AS policy_uuid
    FROM %1$I.auth_user_policy up$q$),

  ('group_policy', 'auth_group_policy', NULL, $q$
    SELECT gp.group_uuid || ' ' || gp.policy_uuid AS source_key, NULL::text AS misfit, NULL::text AS changed,
      wazo_auth.try_uuid(lower(gp.group_uuid)) AS group_uuid,
      wazo_auth.try_uuid(lower(gp.policy_uuid)) AS policy_uuid
    FROM %1$I.auth_group_policy gp$q$),

  ('refresh_token', 'auth_refresh_token', 'true', $q$
    SELECT COALESCE(r.user_uuid, 'no user') || ' ' || COALESCE(r.client_id, 'no client') AS source_key,
      CASE WHEN r.digest IS NULL THEN 'it is no uuid'
           WHEN r.data IS NULL THEN 'its metadata are no JSON' END AS misfit,
      CASE WHEN char_length(r.user_agent) > 1024 OR char_length(r.remote_addr) > 256
           THEN 'user agent or address cut' END AS changed,
      r.digest AS token_digest,
      wazo_auth.seal(lower(r.uuid), 'refresh_token:' || r.digest) AS sealed_token,
      wazo_auth.try_uuid(lower(r.user_uuid)) AS user_uuid, NULLIF(r.client_id, '') AS client_id,
      COALESCE(r.created_at, now()) AS created_at, r.mobile, COALESCE(r.backend, 'wazo_user') AS backend,
      COALESCE(r.login, u.username, r.user_uuid) AS login, COALESCE(left(r.user_agent, 1024), '') AS user_agent,
      COALESCE(left(r.remote_addr, 256), '') AS remote_addr, r.data AS metadata
    FROM (SELECT r.*, wazo_auth.token_digest(wazo_auth.try_uuid(lower(r.uuid))) AS digest,
            wazo_auth.try_json(COALESCE(r.metadata::text, '{}')) AS data
          FROM %1$I.auth_refresh_token r) r
    LEFT JOIN pg_temp.import_user u ON u.source_key = r.user_uuid
    ORDER BY r.created_at DESC, r.uuid COLLATE "C"$q$),

  ('acl_set', NULL, NULL, $q$
    SELECT NULL::text AS source_key, CASE WHEN a.acl IS NULL THEN 'no ACL' END AS misfit, NULL::text AS changed,
      wazo_auth.acl_digest(a.acl) AS digest, a.acl, t.patterns
    FROM (SELECT t.acl AS patterns FROM %1$I.auth_token t
          WHERE t.expire_t > floor(extract(epoch FROM now())) GROUP BY t.acl) t
    CROSS JOIN LATERAL wazo_auth.try_acl(t.patterns) a (acl)$q$),

  ('session', 'auth_token', 'expires_at > now()', $q$
    SELECT t.session_uuid AS source_key,
      CASE WHEN t.digest IS NULL THEN 'its token is no uuid'
           WHEN u.uuid IS NULL AND t.owner IS NOT NULL THEN 'its user is gone or left out'
           WHEN a.digest IS NULL THEN 'its ACL does not fit'
           WHEN t.data IS NULL THEN 'its metadata are no JSON' END AS misfit,
      CASE WHEN char_length(t.user_agent) > 1024 OR char_length(t.remote_addr) > 256
           THEN 'user agent or address cut' END AS changed,
      t.digest AS token_digest, wazo_auth.try_uuid(lower(t.session_uuid)) AS uuid,
      wazo_auth.try_uuid(lower(s.tenant_uuid)) AS tenant_uuid, a.digest AS acl_digest,
      to_timestamp(t.expire_t) AS expires_at, to_timestamp(COALESCE(t.issued_t, t.expire_t)) AS issued_at, s.mobile,
      u.uuid AS user_uuid, CASE WHEN t.owner IS NULL THEN t.auth_id END AS auth_id,
      r.token_digest AS refresh_token_digest, COALESCE(left(t.user_agent, 1024), '') AS user_agent,
      COALESCE(left(t.remote_addr, 256), '') AS remote_addr, t.data AS metadata
    FROM (SELECT t.*, wazo_auth.token_digest(wazo_auth.try_uuid(lower(t.uuid))) AS digest,
            wazo_auth.try_uuid(lower(t.auth_id)) AS owner,
            wazo_auth.token_digest(wazo_auth.try_uuid(lower(t.refresh_token_uuid))) AS refresh_digest,
            wazo_auth.try_json(COALESCE(t.metadata, '{}')) AS data
          FROM %1$I.auth_token t WHERE t.expire_t > floor(extract(epoch FROM now())) OFFSET 0) t
    JOIN %1$I.auth_session s ON s.uuid = t.session_uuid
    LEFT JOIN pg_temp.import_acl_set a ON a.patterns = t.acl AND a.misfit IS NULL
    LEFT JOIN pg_temp.import_user u ON u.uuid = t.owner AND u.misfit IS NULL
    LEFT JOIN pg_temp.import_refresh_token r ON r.token_digest = t.refresh_digest AND r.misfit IS NULL
    ORDER BY t.expire_t DESC$q$),

  ('ldap_config', 'auth_ldap_config', NULL, $q$
    SELECT l.tenant_uuid AS source_key, NULL::text AS misfit, NULL::text AS changed, t.uuid AS tenant_uuid,
      l.host::text AS host, l.port, COALESCE(l.protocol_version, 3)::integer AS protocol_version, l.protocol_security,
      l.bind_dn::text AS bind_dn,
      wazo_auth.seal(NULLIF(l.bind_password, ''), 'ldap:' || t.uuid) AS sealed_bind_password,
      l.user_base_dn::text AS user_base_dn, l.user_login_attribute::text AS user_login_attribute,
      l.user_email_attribute::text AS user_email_attribute, l.search_filters
    FROM %1$I.auth_ldap_config l
    LEFT JOIN pg_temp.import_tenant t ON t.uuid = wazo_auth.try_uuid(lower(l.tenant_uuid))$q$),

  ('external_auth_config', 'auth_external_auth_config', NULL, $q$
    SELECT c.tenant_uuid || ' ' || c.name AS source_key,
      CASE WHEN c.config IS NULL THEN 'its data are no JSON' END AS misfit, NULL::text AS changed,
      c.tenant AS tenant_uuid, c.name AS type,
      wazo_auth.seal_external_auth_config(c.name, c.tenant, c.config) AS sealed_config
    FROM (SELECT c.tenant_uuid, t.name, wazo_auth.try_uuid(lower(c.tenant_uuid)) AS tenant,
            wazo_auth.try_json(c.data)::jsonb AS config
          FROM %1$I.auth_external_auth_config c JOIN %1$I.auth_external_auth_type t ON t.uuid = c.type_uuid) c$q$),

  ('external_auth_data', 'auth_user_external_auth', NULL, $q$
    SELECT d.user_uuid || ' ' || d.name AS source_key,
      CASE WHEN d.content IS NULL THEN 'its data are no JSON' END AS misfit, NULL::text AS changed,
      d.owner AS user_uuid, d.name AS type, wazo_auth.seal_external_auth(d.owner, d.name, d.content) AS sealed_data
    FROM (SELECT d.user_uuid, t.name, wazo_auth.try_uuid(lower(d.user_uuid)) AS owner,
            wazo_auth.try_json(d.data)::jsonb AS content
          FROM %1$I.auth_user_external_auth d
          JOIN %1$I.auth_external_auth_type t ON t.uuid = d.external_auth_type_uuid) d$q$),

  -- Logins by SAML that are on their way begin again.
  ('saml_config', 'auth_saml_config', NULL, $q$
    SELECT c.tenant_uuid AS source_key,
      CASE WHEN d.uuid IS NULL THEN 'its domain is none of its tenant, or is left out'
           WHEN c.idp ? 'refused' THEN wazo_auth.saml_metadata_fault(c.idp ->> 'refused')
           WHEN (wazo_auth.saml_address(c.idp, c.acs_url, 'sso'::text)).binding IS NULL
             THEN 'its identity provider takes HTTP-POST alone, and acs_url does not end with /saml/acs'
           END AS misfit,
      NULL::text AS changed, c.tenant AS tenant_uuid, d.uuid AS domain_uuid, c.entity_id::text AS entity_id,
      c.acs_url::text AS acs_url, c.metadata, c.idp
    FROM (SELECT c.*, CASE WHEN c.tenant IS NOT NULL
            THEN wazo_auth.saml_read_metadata(c.tenant, convert_to(c.metadata, 'UTF8')) END AS idp
          FROM (SELECT c.*, wazo_auth.try_uuid(lower(c.tenant_uuid)) AS tenant, c.idp_metadata::text AS metadata
                FROM %1$I.auth_saml_config c OFFSET 0) c OFFSET 0) c
    LEFT JOIN pg_temp.import_tenant_domain d ON d.source_key = c.domain_uuid AND d.tenant_uuid = c.tenant
      AND d.misfit IS NULL
    ORDER BY c.tenant_uuid COLLATE "C", c.domain_uuid COLLATE "C"$q$),

  -- Identity providers know the keys that are here already.
  ('saml_key', NULL, NULL, $q$
    SELECT NULL::text AS source_key, NULL::text AS misfit, NULL::text AS changed, k.*
    FROM wazo_auth.saml_key k JOIN pg_temp.import_tenant t ON t.uuid = k.tenant_uuid AND t.misfit IS NULL
    UNION ALL
    SELECT NULL, NULL, NULL, k.tenant_uuid, true, k.certificate, k.sealed_key, k.created_at
    FROM (SELECT c.tenant_uuid FROM pg_temp.import_saml_config c
          WHERE c.misfit IS NULL
            AND NOT EXISTS (SELECT FROM wazo_auth.saml_key k WHERE k.tenant_uuid = c.tenant_uuid AND k.signs)
          OFFSET 0) c
    CROSS JOIN LATERAL wazo_auth.new_saml_key(c.tenant_uuid) k$q$);
END
$$;
COMMENT ON FUNCTION wazo_auth.import_mappings() IS
'For each table that an import fills, in this order: its name, the upstream table, which of its rows here count as '
'lost when upstream does not have them (null: none), and the query that gives its new rows.';
