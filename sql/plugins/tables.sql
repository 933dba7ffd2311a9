CREATE TABLE wazo_auth.registration (
  kind text COLLATE "C",
  name text COLLATE "C",
  function text COLLATE "C",
  role text COLLATE "C",
  options jsonb NOT NULL DEFAULT '{}',
  time_limit interval NOT NULL,
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (kind, name, shipped),
  CONSTRAINT registration_time_limit_check CHECK (time_limit BETWEEN '1 millisecond' AND '1 minute'),
  CONSTRAINT registration_role_check CHECK (shipped = (role IS NULL))
);
COMMENT ON TABLE wazo_auth.registration IS
'Functions that others have added to the service, see docs/plugins.md; written by wazo_auth.register_...() and '
'wazo_auth.unregister(), shown by wazo_auth.registrations';
COMMENT ON COLUMN wazo_auth.registration.kind IS 'What it is for: see wazo_auth.plugin_kinds()';
COMMENT ON COLUMN wazo_auth.registration.function IS
'Its signature as text, so that a dump can be restored before the function is there; null for a kind that needs none';
COMMENT ON COLUMN wazo_auth.registration.role IS
'Name of the role with whose rights it runs; null for what ships, which runs as the owner of the extension';
COMMENT ON COLUMN wazo_auth.registration.options IS 'What else the kind wants to know';
COMMENT ON COLUMN wazo_auth.registration.time_limit IS 'Longest time that a call may take';
COMMENT ON COLUMN wazo_auth.registration.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.registration', 'WHERE NOT shipped');
