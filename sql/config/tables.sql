CREATE TABLE wazo_auth.setting (
  name text COLLATE "C" PRIMARY KEY,
  value jsonb NOT NULL
);
COMMENT ON TABLE wazo_auth.setting IS 'Settings that differ from the defaults, by the names of the configuration file; set with wazo_auth.configure()';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.setting', '');
