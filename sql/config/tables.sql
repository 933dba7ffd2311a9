CREATE TABLE wazo_auth.setting (
  name text COLLATE "C" PRIMARY KEY,
  value jsonb NOT NULL,
  from_files boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE wazo_auth.setting IS
'Settings that differ from the defaults, by the names of the configuration file; set with wazo_auth.configure()';
COMMENT ON COLUMN wazo_auth.setting.from_files IS
'The configuration files of the last start set it: when a later one leaves it out, the default is back';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.setting', '');

CREATE TABLE wazo_auth.known_setting (
  name text COLLATE "C" PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  default_value jsonb,
  minimum numeric,
  maximum numeric,
  choices text[] COLLATE "C",
  pattern text COLLATE "C",
  check_function text COLLATE "C",
  must_be text COLLATE "C",
  secret boolean NOT NULL DEFAULT false,
  read_by text COLLATE "C" NOT NULL DEFAULT 'database',
  instead text COLLATE "C",
  description text COLLATE "C" NOT NULL,
  shipped boolean NOT NULL DEFAULT false,
  CONSTRAINT known_setting_type_check CHECK (type IN ('boolean', 'integer', 'number', 'string', 'list', 'map')),
  CONSTRAINT known_setting_read_by_check CHECK (read_by IN ('database', 'front', 'postgresql', 'nobody')),
  CONSTRAINT known_setting_pattern_check CHECK (pattern IS NULL OR must_be IS NOT NULL),
  CONSTRAINT known_setting_check_function_check CHECK (check_function IS NULL OR must_be IS NOT NULL)
);
COMMENT ON TABLE wazo_auth.known_setting IS
'What settings there are. configure(), shown_configuration(), sealing and docs/settings.md come from it';
COMMENT ON COLUMN wazo_auth.known_setting.name IS
'With dots for what is in a map: smtp.port; * stands for any name there, and for the items of a list';
COMMENT ON COLUMN wazo_auth.known_setting.default_value IS
'Null: none; that of a map is made of its members'' unless it is given';
COMMENT ON COLUMN wazo_auth.known_setting.minimum IS 'Of a number; of a string in bytes';
COMMENT ON COLUMN wazo_auth.known_setting.maximum IS 'Likewise';
COMMENT ON COLUMN wazo_auth.known_setting.choices IS 'The only strings allowed';
COMMENT ON COLUMN wazo_auth.known_setting.pattern IS 'Regular expression of a string';
COMMENT ON COLUMN wazo_auth.known_setting.check_function IS
'schema.function (text) returning boolean, for a string; null counts as false';
COMMENT ON COLUMN wazo_auth.known_setting.must_be IS 'What an error says that it must be';
COMMENT ON COLUMN wazo_auth.known_setting.secret IS 'Stored sealed, or not at all, and never shown';
COMMENT ON COLUMN wazo_auth.known_setting.read_by IS
'database: it counts here; front: wazo-auth reads it from its own file, here it is only shown; postgresql: a setting '
'of the server decides; nobody: known from the Python server, without effect';
COMMENT ON COLUMN wazo_auth.known_setting.instead IS 'What to do to have the effect, where it has none here';
COMMENT ON COLUMN wazo_auth.known_setting.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.known_setting', 'WHERE NOT shipped');
