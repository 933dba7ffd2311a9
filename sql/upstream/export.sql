-- The way back: a schema that an upstream wazo-auth starts on.

CREATE OR REPLACE FUNCTION wazo_auth.upstream_hash(hash text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN encode(decode(rpad(split_part(hash, '$', 5), 88, '='), 'base64'), 'hex');
END
$$;
COMMENT ON FUNCTION wazo_auth.upstream_hash(text) IS 'password_hash upstream of a PBKDF2 hash that came from there.';

CREATE OR REPLACE FUNCTION wazo_auth.upstream_salt(hash text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_salt text := split_part(hash, '$', 4);
BEGIN
  RETURN decode(rpad(v_salt, (length(v_salt) + 3) / 4 * 4, '='), 'base64');
END
$$;
COMMENT ON FUNCTION wazo_auth.upstream_salt(text) IS 'password_salt upstream of a PBKDF2 hash that came from there.';

-- In the order in which the tables can be filled; as for the mappings of an
-- import, %1$I is the upstream schema.
CREATE OR REPLACE FUNCTION wazo_auth.export_mappings() RETURNS TABLE (target text, query text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY VALUES

  ('auth_tenant (uuid, name, phone, parent_uuid, slug, default_authentication_method)', $q$
    SELECT t.uuid, t.name, t.phone, t.path[greatest(cardinality(t.path) - 1, 1)], t.slug,
      t.default_authentication_method
    FROM wazo_auth.tenant t ORDER BY t.path$q$),

  ('auth_address (line_1, line_2, city, state, zip_code, country, tenant_uuid)', $q$
    SELECT (a.address).line_1, (a.address).line_2, (a.address).city, (a.address).state, (a.address).zip_code,
      (a.address).country, a.tenant_uuid
    FROM wazo_auth.tenant_address a ORDER BY a.tenant_uuid$q$),

  ('auth_tenant_domain (uuid, tenant_uuid, name)', $q$
    SELECT d.uuid, d.tenant_uuid, d.name FROM wazo_auth.tenant_domain d$q$),

  ('auth_user (uuid, username, password_hash, password_salt, firstname, lastname, enabled, tenant_uuid, purpose,'
   ' authentication_method)', $q$
    SELECT u.uuid, u.username, wazo_auth.upstream_hash(p.hash), wazo_auth.upstream_salt(p.hash), u.firstname,
      u.lastname, u.enabled, u.tenant_uuid, u.purpose, u.authentication_method
    FROM wazo_auth.user u
    LEFT JOIN wazo_auth.password p ON p.user_uuid = u.uuid AND p.kind = '$pbkdf2-sha512$i=250000'$q$),

  ('auth_email (uuid, address, confirmed, main, user_uuid)', $q$
    SELECT e.uuid, e.address, e.confirmed, e.main, e.user_uuid FROM wazo_auth.email e$q$),

  ('auth_group (uuid, name, tenant_uuid, system_managed, slug)', $q$
    SELECT g.uuid, g.name, g.tenant_uuid, g.system_managed, g.slug FROM wazo_auth.group g$q$),

  ('auth_user_group (group_uuid, user_uuid)', $q$
    SELECT gu.group_uuid, gu.user_uuid FROM wazo_auth.group_user gu$q$),

  ('auth_policy (uuid, name, description, tenant_uuid, config_managed, slug, shared)', $q$
    SELECT p.uuid, p.name, p.description, p.tenant_uuid, p.config_managed, p.slug, p.shared FROM wazo_auth.policy p$q$),

  ('auth_access (access)', $q$
    SELECT DISTINCT a.access COLLATE "C" FROM wazo_auth.policy p CROSS JOIN unnest(p.acl::text[]) a (access)
    ORDER BY 1$q$),

  ('auth_policy_access (policy_uuid, access_id)', $q$
    SELECT DISTINCT p.uuid, i.id
    FROM wazo_auth.policy p CROSS JOIN unnest(p.acl::text[]) a (access)
    JOIN %1$I.auth_access i ON i.access = a.access$q$),

  ('auth_user_policy (user_uuid, policy_uuid)', $q$
    SELECT up.user_uuid, up.policy_uuid FROM wazo_auth.user_policy up$q$),

  ('auth_group_policy (group_uuid, policy_uuid)', $q$
    SELECT gp.group_uuid, gp.policy_uuid FROM wazo_auth.group_policy gp$q$),

  ('auth_refresh_token (uuid, client_id, user_uuid, backend, login, user_agent, remote_addr, created_at, mobile,'
   ' metadata)', $q$
    SELECT wazo_auth.unseal(r.sealed_token, 'refresh_token:' || r.token_digest), r.client_id, r.user_uuid, r.backend,
      r.login, r.user_agent, r.remote_addr, r.created_at, r.mobile, r.metadata
    FROM wazo_auth.refresh_token r$q$),

  ('auth_external_auth_type (name, enabled)', $q$
    SELECT t.type, true FROM wazo_auth.external_auth_config t
    UNION SELECT t.type, true FROM wazo_auth.external_auth_data t$q$),

  ('auth_external_auth_config (type_uuid, tenant_uuid, data)', $q$
    SELECT t.uuid, c.tenant_uuid, wazo_auth.external_auth_config(c.type, c.tenant_uuid)
    FROM wazo_auth.external_auth_config c JOIN %1$I.auth_external_auth_type t ON t.name = c.type$q$),

  ('auth_user_external_auth (user_uuid, external_auth_type_uuid, data)', $q$
    SELECT d.user_uuid, t.uuid, wazo_auth.unseal_external_auth(d)
    FROM wazo_auth.external_auth_data d JOIN %1$I.auth_external_auth_type t ON t.name = d.type$q$),

  ('auth_ldap_config (tenant_uuid, host, port, protocol_version, protocol_security, bind_dn, bind_password,'
   ' user_base_dn, user_login_attribute, user_email_attribute, search_filters)', $q$
    SELECT l.tenant_uuid, l.host, l.port, l.protocol_version, l.protocol_security, l.bind_dn,
      wazo_auth.unseal(l.sealed_bind_password, 'ldap:' || l.tenant_uuid), l.user_base_dn, l.user_login_attribute,
      l.user_email_attribute, l.search_filters
    FROM wazo_auth.ldap_config l$q$),

  ('auth_saml_config (tenant_uuid, domain_uuid, entity_id, idp_metadata, acs_url)', $q$
    SELECT s.tenant_uuid, s.domain_uuid, s.entity_id, s.metadata::xml, s.acs_url FROM wazo_auth.saml_config s$q$);
END
$$;
COMMENT ON FUNCTION wazo_auth.export_mappings() IS
'For each table that an export fills, in this order: its name and columns, and the query that gives its rows.';

CREATE OR REPLACE FUNCTION wazo_auth.export_losses() RETURNS TABLE (what text, number bigint, why text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT l.* FROM (VALUES
    ('sessions', (SELECT count(*) FROM wazo_auth.session s WHERE s.expires_at > now()),
     'their tokens are kept as digests only: clients log in again, with their refresh tokens where they have one'),
    ('passwords', (SELECT count(*) FROM wazo_auth.password p WHERE p.kind IS DISTINCT FROM '$pbkdf2-sha512$i=250000'),
     'upstream cannot check argon2id: their users need a new password'),
    ('SAML keys', (SELECT count(*) FROM wazo_auth.saml_key),
     'upstream has one of its own, which identity providers need'),
    ('mails', (SELECT count(*) FROM wazo_auth.mail_outbox), 'they are sent from here or not at all'),
    ('events', (SELECT count(*) FROM wazo_auth.event_outbox), 'they are sent from here or not at all'),
    ('settings', (SELECT count(*) FROM wazo_auth.setting), 'upstream''s are in its files')) l (what, number, why)
  WHERE l.number > 0;
END
$$;
COMMENT ON FUNCTION wazo_auth.export_losses() IS 'What of this database cannot go back to an upstream one, and why.';

CREATE OR REPLACE FUNCTION wazo_auth.export_upstream(upstream text)
RETURNS TABLE (what text, number bigint, why text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_mapping record;
BEGIN
  EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', upstream);
  CREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA public;
  -- upstream's tables are written without a schema, and call a function of that extension
  PERFORM set_config('search_path', format('%I, %I', upstream, (
    SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'uuid-ossp')), true);
  EXECUTE wazo_auth.upstream_tables();
  PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
  FOR v_mapping IN SELECT m.* FROM wazo_auth.export_mappings() m LOOP
    EXECUTE format('INSERT INTO %I.%s ', upstream, v_mapping.target) || format(v_mapping.query, upstream);
  END LOOP;
  EXECUTE format('UPDATE %I.auth_tenant t SET contact_uuid = c.user_uuid FROM wazo_auth.tenant_contact c'
    ' WHERE t.uuid = c.tenant_uuid::text', upstream);
  RETURN QUERY SELECT l.* FROM wazo_auth.export_losses() l;
END
$$;
COMMENT ON FUNCTION wazo_auth.export_upstream(text) IS
'Writes what is here into a schema as an upstream wazo-auth has it, made by it, and returns what cannot go back. The '
'schema may exist, but not with tables of these names. Secrets are in clear there, as upstream wants them. For the '
'owner of the extension. Raises 42P07 for a table that exists, F0000 without the keys of what is sealed.';
