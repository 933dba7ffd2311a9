CREATE TABLE wazo_auth.ldap_config (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  host text COLLATE "C" NOT NULL,
  port integer NOT NULL,
  protocol_version integer NOT NULL DEFAULT 3,
  protocol_security text COLLATE "C",
  bind_dn text COLLATE "C",
  sealed_bind_password bytea,
  user_base_dn text COLLATE "C" NOT NULL,
  user_login_attribute text COLLATE "C" NOT NULL,
  user_email_attribute text COLLATE "C" NOT NULL,
  search_filters text COLLATE "C",
  CONSTRAINT ldap_config_port_check CHECK (port BETWEEN 1 AND 65535),
  CONSTRAINT ldap_config_protocol_version_check CHECK (protocol_version IN (2, 3)),
  CONSTRAINT ldap_config_protocol_security_check CHECK (protocol_security IN ('ldaps', 'tls'))
);
COMMENT ON TABLE wazo_auth.ldap_config IS
'The directory of a tenant whose users log in by LDAP; written by PUT /backends/ldap';
COMMENT ON COLUMN wazo_auth.ldap_config.sealed_bind_password IS
'Password of bind_dn, sealed with wazo_auth.seal() for the context "ldap:" and the tenant; shown nowhere';
COMMENT ON COLUMN wazo_auth.ldap_config.search_filters IS
'Filter of users, with placeholders; without it the login attribute is the login';
COMMENT ON COLUMN wazo_auth.ldap_config.bind_dn IS
'Account that searches for users; without it, or its password, a user''s name is made of its login';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.ldap_config', '');
