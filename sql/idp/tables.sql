CREATE TABLE wazo_auth.identity_provider (
  name text COLLATE "C",
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (name, shipped),
  CONSTRAINT identity_provider_name_check
    CHECK (name ~ '^[a-z0-9_]{1,64}$' AND name NOT IN ('native', 'default', 'refresh_token'))
);
COMMENT ON TABLE wazo_auth.identity_provider IS
'Ways to log in beside those that are built in, native and by refresh token; written by '
'wazo_auth.add_identity_provider(). Which of them are on says the setting idp_plugins';
COMMENT ON COLUMN wazo_auth.identity_provider.name IS 'Authentication method of the users that log in with it';
COMMENT ON COLUMN wazo_auth.identity_provider.shipped IS 'Comes with an extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.identity_provider', 'WHERE NOT shipped');
