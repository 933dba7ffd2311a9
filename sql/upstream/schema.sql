-- The tables of an upstream wazo-auth (contract: upstream_schema.md section 1), for the way back and for the tests.

-- Names of constraints and indexes are upstream's; those that are not written are the ones that PostgreSQL gives.
CREATE OR REPLACE FUNCTION wazo_auth.upstream_tables() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN $ddl$
CREATE TABLE auth_access (id serial PRIMARY KEY, access text NOT NULL, CONSTRAINT auth_access_access UNIQUE (access));
ALTER SEQUENCE auth_access_id_seq RENAME TO auth_acl_template_id_seq;
CREATE TABLE auth_tenant (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  name text,
  phone text,
  contact_uuid varchar(38),
  parent_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid),
  slug varchar(10) NOT NULL UNIQUE,
  default_authentication_method text NOT NULL DEFAULT 'native'
);
CREATE TABLE auth_address (
  id serial PRIMARY KEY,
  line_1 text,
  line_2 text,
  city text,
  state text,
  zip_code text,
  country text,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE
);
CREATE TABLE auth_tenant_domain (
  uuid varchar(36) DEFAULT uuid_generate_v4() PRIMARY KEY,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  name varchar(253) NOT NULL UNIQUE
);
CREATE TABLE auth_user (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  username varchar(256),
  password_hash text,
  password_salt bytea,
  firstname text,
  lastname text,
  enabled boolean DEFAULT true,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('user', 'internal', 'external_api')),
  authentication_method text NOT NULL DEFAULT 'default'
);
ALTER TABLE auth_tenant ADD FOREIGN KEY (contact_uuid) REFERENCES auth_user (uuid) ON DELETE SET NULL;
CREATE TABLE auth_email (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  address text NOT NULL,
  confirmed boolean NOT NULL,
  main boolean NOT NULL,
  user_uuid varchar(38) NOT NULL REFERENCES auth_user (uuid) ON DELETE CASCADE
);
CREATE TABLE auth_group (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  name text NOT NULL,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  system_managed boolean NOT NULL DEFAULT false,
  slug varchar(80) NOT NULL,
  CONSTRAINT auth_group_name_tenant UNIQUE (name, tenant_uuid)
);
CREATE TABLE auth_policy (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  name varchar(80) NOT NULL,
  description text,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  config_managed boolean DEFAULT false,
  slug varchar(80) NOT NULL,
  shared boolean NOT NULL DEFAULT false,
  CONSTRAINT auth_policy_name_tenant UNIQUE (name, tenant_uuid)
);
CREATE TABLE auth_policy_access (
  policy_uuid varchar(38) NOT NULL REFERENCES auth_policy (uuid) ON DELETE CASCADE,
  access_id integer NOT NULL REFERENCES auth_access (id) ON DELETE CASCADE,
  PRIMARY KEY (policy_uuid, access_id)
);
CREATE TABLE auth_group_policy (
  group_uuid varchar(38) NOT NULL REFERENCES auth_group (uuid) ON DELETE CASCADE,
  policy_uuid varchar(38) NOT NULL REFERENCES auth_policy (uuid) ON DELETE CASCADE,
  PRIMARY KEY (group_uuid, policy_uuid)
);
CREATE TABLE auth_user_group (
  group_uuid varchar(38) NOT NULL REFERENCES auth_group (uuid) ON DELETE CASCADE,
  user_uuid varchar(38) NOT NULL REFERENCES auth_user (uuid) ON DELETE CASCADE,
  PRIMARY KEY (group_uuid, user_uuid)
);
CREATE TABLE auth_user_policy (
  user_uuid varchar(38) NOT NULL REFERENCES auth_user (uuid) ON DELETE CASCADE,
  policy_uuid varchar(38) NOT NULL REFERENCES auth_policy (uuid) ON DELETE CASCADE,
  PRIMARY KEY (user_uuid, policy_uuid)
);
CREATE TABLE auth_session (
  uuid varchar(36) DEFAULT uuid_generate_v4() PRIMARY KEY,
  mobile boolean NOT NULL,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE
);
CREATE TABLE auth_refresh_token (
  uuid varchar(36) DEFAULT uuid_generate_v4() PRIMARY KEY,
  client_id text,
  user_uuid varchar(36) REFERENCES auth_user (uuid) ON DELETE CASCADE,
  backend text,
  login text,
  user_agent text,
  remote_addr text,
  created_at timestamptz DEFAULT now(),
  mobile boolean NOT NULL DEFAULT false,
  metadata json NOT NULL DEFAULT '{}',
  CONSTRAINT auth_refresh_token_client_id_user_uuid UNIQUE (client_id, user_uuid)
);
CREATE TABLE auth_token (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  auth_id text NOT NULL,
  pbx_user_uuid varchar(36),
  xivo_uuid varchar(38),
  issued_t integer,
  expire_t integer,
  metadata text,
  session_uuid varchar(36) NOT NULL REFERENCES auth_session (uuid) ON DELETE CASCADE,
  user_agent text DEFAULT '',
  remote_addr text DEFAULT '',
  acl text[] NOT NULL DEFAULT '{}',
  refresh_token_uuid varchar(36) REFERENCES auth_refresh_token (uuid) ON DELETE SET NULL
);
CREATE TABLE auth_external_auth_type (
  uuid varchar(38) DEFAULT uuid_generate_v4() PRIMARY KEY,
  name text NOT NULL UNIQUE,
  enabled boolean
);
CREATE TABLE auth_external_auth_config (
  type_uuid varchar(36) NOT NULL REFERENCES auth_external_auth_type (uuid) ON DELETE CASCADE,
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  data text NOT NULL,
  PRIMARY KEY (type_uuid, tenant_uuid)
);
CREATE TABLE auth_user_external_auth (
  user_uuid varchar(38) NOT NULL REFERENCES auth_user (uuid) ON DELETE CASCADE,
  external_auth_type_uuid varchar(38) NOT NULL REFERENCES auth_external_auth_type (uuid) ON DELETE CASCADE,
  data text NOT NULL,
  CONSTRAINT auth_external_user_type_auth_constraint UNIQUE (user_uuid, external_auth_type_uuid)
);
CREATE TABLE auth_ldap_config (
  tenant_uuid varchar(38) PRIMARY KEY,
  host varchar(512) NOT NULL,
  port integer NOT NULL,
  protocol_version smallint,
  protocol_security text CHECK (protocol_security IN ('ldaps', 'tls')),
  bind_dn varchar(256),
  bind_password text,
  user_base_dn varchar(256) NOT NULL,
  user_login_attribute varchar(64),
  user_email_attribute varchar(64),
  search_filters text,
  FOREIGN KEY (tenant_uuid) REFERENCES auth_tenant (uuid) ON DELETE CASCADE
);
CREATE TABLE auth_saml_config (
  tenant_uuid varchar(38) NOT NULL REFERENCES auth_tenant (uuid) ON DELETE CASCADE,
  domain_uuid varchar(38) NOT NULL REFERENCES auth_tenant_domain (uuid) ON DELETE CASCADE,
  entity_id varchar(512) NOT NULL,
  idp_metadata xml NOT NULL,
  acs_url varchar(512) NOT NULL,
  PRIMARY KEY (tenant_uuid, domain_uuid)
);
CREATE TABLE auth_saml_session (
  request_id varchar(40) NOT NULL,
  session_id varchar(22) NOT NULL,
  redirect_url varchar(512) NOT NULL,
  domain varchar(512) NOT NULL,
  relay_state varchar(100) NOT NULL,
  login varchar(512),
  start_time timestamptz DEFAULT now(),
  saml_name_id text,
  refresh_token_uuid varchar(36) REFERENCES auth_refresh_token (uuid) ON DELETE SET NULL,
  PRIMARY KEY (request_id, session_id)
);
CREATE TABLE auth_saml_pysaml2_cache (
  name_id varchar(512) NOT NULL,
  entity_id varchar(1024) NOT NULL,
  info text NOT NULL,
  not_on_or_after integer NOT NULL,
  PRIMARY KEY (name_id, entity_id)
);
CREATE INDEX auth_address__idx__tenant_uuid ON auth_address (tenant_uuid);
CREATE INDEX auth_email__idx__user_uuid ON auth_email (user_uuid);
CREATE UNIQUE INDEX auth_email_address_key ON auth_email (lower(address));
CREATE INDEX auth_external_auth_config__idx__type_uuid ON auth_external_auth_config (type_uuid);
CREATE UNIQUE INDEX auth_group__idx__slug ON auth_group (lower(slug), tenant_uuid);
CREATE INDEX auth_group__idx__tenant_uuid ON auth_group (tenant_uuid);
CREATE UNIQUE INDEX auth_policy__idx__slug ON auth_policy (lower(slug), tenant_uuid);
CREATE INDEX auth_policy__idx__tenant_uuid ON auth_policy (tenant_uuid);
CREATE INDEX auth_refresh_token__idx__user_uuid ON auth_refresh_token (user_uuid);
CREATE INDEX auth_session__idx__tenant_uuid ON auth_session (tenant_uuid);
CREATE INDEX auth_tenant__idx__contact_uuid ON auth_tenant (contact_uuid);
CREATE INDEX auth_tenant__idx__parent_uuid ON auth_tenant (parent_uuid);
CREATE INDEX auth_tenant_domain__idx__tenant_uuid ON auth_tenant_domain (tenant_uuid);
CREATE INDEX auth_token__idx__session_uuid ON auth_token (session_uuid);
CREATE INDEX auth_user__idx__tenant_uuid ON auth_user (tenant_uuid);
CREATE UNIQUE INDEX auth_user_username_key ON auth_user (lower(username));
CREATE TABLE alembic_version_auth (
  version_num varchar(32) NOT NULL,
  CONSTRAINT alembic_version_auth_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version_auth VALUES ('1c862ebfbb3a');
$ddl$;
END
$$;
COMMENT ON FUNCTION wazo_auth.upstream_tables() IS
'Statements that make the tables of an upstream wazo-auth, of the revision 1c862ebfbb3a, in the first schema of '
'search_path; uuid_generate_v4() of uuid-ossp must be in a later one.';
