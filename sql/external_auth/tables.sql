CREATE TABLE wazo_auth.external_auth_type (
  name text COLLATE "C",
  plugin_info jsonb NOT NULL DEFAULT '{}',
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (name, shipped),
  CONSTRAINT external_auth_type_name_check CHECK (name ~ '^[a-zA-Z0-9_-]{1,64}$'),
  CONSTRAINT external_auth_type_plugin_info_check CHECK (pg_catalog.jsonb_typeof(plugin_info) = 'object')
);
COMMENT ON TABLE wazo_auth.external_auth_type IS
'Kinds of external accounts that users can have; which of them are on says the setting enabled_external_auth_plugins';
COMMENT ON COLUMN wazo_auth.external_auth_type.plugin_info IS 'Object that GET /users/{user_uuid}/external shows';
COMMENT ON COLUMN wazo_auth.external_auth_type.shipped IS 'Comes with an extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.external_auth_type', 'WHERE NOT shipped');

CREATE TABLE wazo_auth.external_auth_config (
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  type text COLLATE "C" NOT NULL,
  sealed_config bytea NOT NULL,
  PRIMARY KEY (tenant_uuid, type),
  CONSTRAINT external_auth_config_type_check CHECK (pg_catalog.octet_length(type) BETWEEN 1 AND 256)
);
COMMENT ON TABLE wazo_auth.external_auth_config IS
'What a tenant has to say for a kind of external accounts: any JSON, with secrets in it; for OAuth2 client_id and '
'client_secret';
COMMENT ON COLUMN wazo_auth.external_auth_config.type IS
'Name of a kind; need not be a registered one, as its plugin may come later';
COMMENT ON COLUMN wazo_auth.external_auth_config.sealed_config IS
'Sealed with wazo_auth.seal() for the context "external_auth_config:", the tenant, ":" and the type';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.external_auth_config', '');

CREATE TABLE wazo_auth.external_auth_data (
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  type text COLLATE "C" NOT NULL,
  sealed_data bytea NOT NULL,
  PRIMARY KEY (user_uuid, type),
  CONSTRAINT external_auth_data_type_check CHECK (pg_catalog.octet_length(type) BETWEEN 1 AND 256)
);
CREATE INDEX external_auth_data_type_idx ON wazo_auth.external_auth_data (type, user_uuid);
COMMENT ON TABLE wazo_auth.external_auth_data IS 'External accounts of users: tokens of OAuth2, of mobile devices, …';
COMMENT ON COLUMN wazo_auth.external_auth_data.sealed_data IS
'JSON, sealed with wazo_auth.seal() for the context "external_auth_data:", the user, ":" and the type';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.external_auth_data', '');
