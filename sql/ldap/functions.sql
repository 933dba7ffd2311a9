-- Logins against the directory of a tenant (contract: ldap.md).

CREATE OR REPLACE FUNCTION wazo_auth.ldap_ask(
  tenant uuid, host text, port text, version text, security text, bind_dn text, bind_password text, base_dn text,
  login_attribute text, email_attribute text, filter text, login text, password text)
RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_ldap_ask';
COMMENT ON FUNCTION wazo_auth.ldap_ask(
  uuid, text, text, text, text, text, text, text, text, text, text, text, text) IS
'E-mail address that a tenant''s directory has for this login and password; null when it refuses them, with the reason '
'in the server''s log. Raises WA503 when it does not answer in time, or when too many logins wait for directories.';

CREATE OR REPLACE FUNCTION wazo_auth.ldap_filter_valid(filter text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_ldap_filter_valid';
COMMENT ON FUNCTION wazo_auth.ldap_filter_valid(text) IS
'Is this a search filter (RFC 4515), with the placeholders {username}, {user_login_attribute} and '
'{user_email_attribute} in it and {{ and }} for braces?';

CREATE OR REPLACE FUNCTION wazo_auth.ldap_config_of_login(members jsonb) RETURNS wazo_auth.ldap_config
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tenant uuid;
  v_config wazo_auth.ldap_config;
BEGIN
  IF members ->> 'domain_name' <> '' THEN
    SELECT d.tenant_uuid INTO v_tenant FROM wazo_auth.tenant_domain d
    WHERE d.name = wazo_auth.normal_domain(members ->> 'domain_name');
  ELSE
    SELECT t.uuid INTO v_tenant FROM wazo_auth.tenant t
    WHERE t.uuid = wazo_auth.try_uuid(members ->> 'tenant_id') OR t.slug = members ->> 'tenant_id';
  END IF;
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = v_tenant;
  RETURN v_config;
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_config_of_login(jsonb) IS
'Directory of the tenant that a login names, by domain_name or else by tenant_id, a uuid or a slug; null for none.';

CREATE OR REPLACE FUNCTION wazo_auth.ldap_email(
  config wazo_auth.ldap_config, login text, password text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN lower(wazo_auth.ldap_ask(
    config.tenant_uuid, config.host, config.port::text, config.protocol_version::text, config.protocol_security,
    config.bind_dn, wazo_auth.unseal(config.sealed_bind_password, 'ldap:' || config.tenant_uuid), config.user_base_dn,
    config.user_login_attribute, config.user_email_attribute, config.search_filters, login, password));
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_email(wazo_auth.ldap_config, text, text) IS
'Lower-case e-mail address that this directory has for a login and a password, null when it refuses them. Raises '
'WA503 as wazo_auth.ldap_ask() does.';

CREATE OR REPLACE FUNCTION wazo_auth.ldap_login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql AS $$
DECLARE
  v_answer wazo_auth.login_answer;
  v_config wazo_auth.ldap_config;
  v_email text;
BEGIN
  v_answer.taken := attempt.login <> '' AND attempt.password <> ''
                    AND attempt.members ?| ARRAY['domain_name', 'tenant_id'];
  v_answer.login := attempt.login;
  IF v_answer.taken IS NOT TRUE THEN
    RETURN v_answer;
  END IF;
  v_config := wazo_auth.ldap_config_of_login(attempt.members);
  IF v_config.tenant_uuid IS NULL THEN
    RETURN v_answer;
  END IF;
  v_email := wazo_auth.ldap_email(v_config, attempt.login, attempt.password);
  IF v_email IS NULL THEN
    RETURN v_answer;
  END IF;
  -- An address is unique; that of another tenant's user is nobody's here.
  SELECT u.uuid INTO v_answer.user_uuid FROM wazo_auth.user u
  WHERE u.uuid = wazo_auth.resolve_login(v_email) AND u.tenant_uuid = v_config.tenant_uuid;
  IF NOT FOUND THEN
    PERFORM wazo_auth.log_message(format(
      'LDAP login of tenant %s was refused: no enabled user of the tenant has the e-mail address %s',
      v_config.tenant_uuid, v_email));
  END IF;
  v_answer.login := v_email;
  v_answer.metadata := json_build_object('username', v_email);
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION wazo_auth.ldap_login(wazo_auth.login_attempt) IS
'Identity provider of logins that name a domain or a tenant: asks the tenant''s directory, before anything is '
'locked or written. The user is the one of the tenant with the address that the directory has. Raises WA503 when '
'that does not answer in time.';
SELECT wazo_auth.add_identity_provider('ldap', 'wazo_auth.ldap_login', 2, 'ldap_user', keeps_passwords => true);

CREATE OR REPLACE FUNCTION wazo_auth.set_ldap_config(tenant_uuid uuid, changes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.ldap_config;
BEGIN
  -- One after the other, for what they keep of the old one; and against a tenant that is being deleted.
  PERFORM FROM wazo_auth.tenant t WHERE t.uuid = tenant_uuid FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM wazo_auth.raise_unknown_tenant(tenant_uuid::text);
  END IF;
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = set_ldap_config.tenant_uuid;
  v_config := jsonb_populate_record(v_config, changes - ARRAY['tenant_uuid', 'bind_password', 'sealed_bind_password']);
  v_config.tenant_uuid := tenant_uuid;
  v_config.protocol_version := COALESCE((changes ->> 'protocol_version')::integer, 3);
  IF changes ? 'bind_password' THEN
    v_config.sealed_bind_password := wazo_auth.seal(changes ->> 'bind_password', 'ldap:' || tenant_uuid);
  END IF;
  IF v_config.search_filters <> '' AND NOT wazo_auth.ldap_filter_valid(v_config.search_filters) THEN
    PERFORM wazo_auth.raise_error(400, 'Invalid value supplied for field: search_filters');
  END IF;
  DELETE FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = set_ldap_config.tenant_uuid;
  INSERT INTO wazo_auth.ldap_config SELECT v_config.*;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_ldap_config(uuid, jsonb) IS
'Sets the directory of a tenant: what is not given stays, but for protocol_version, which becomes 3; null clears. '
'bind_password is stored sealed. Raises WA400 for a search filter that is none, WA404 for an unknown tenant.';

CREATE OR REPLACE FUNCTION wazo_auth.shown_ldap_config(tenant_uuid uuid) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_config wazo_auth.ldap_config;
BEGIN
  SELECT c.* INTO v_config FROM wazo_auth.ldap_config c WHERE c.tenant_uuid = shown_ldap_config.tenant_uuid;
  RETURN json_build_object(
    'tenant_uuid', v_config.tenant_uuid, 'host', v_config.host, 'port', v_config.port,
    'protocol_version', v_config.protocol_version, 'protocol_security', v_config.protocol_security,
    'bind_dn', v_config.bind_dn, 'user_base_dn', v_config.user_base_dn,
    'user_login_attribute', v_config.user_login_attribute, 'user_email_attribute', v_config.user_email_attribute,
    'search_filters', v_config.search_filters);
END
$$;
COMMENT ON FUNCTION wazo_auth.shown_ldap_config(uuid) IS
'The directory of a tenant without its password; all null when there is none.';
