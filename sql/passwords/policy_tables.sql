CREATE TABLE wazo_auth.known_password (
  bucket integer PRIMARY KEY,
  digests bytea NOT NULL,
  CONSTRAINT known_password_digests_check CHECK (pg_catalog.octet_length(digests) % 6 = 0)
);
COMMENT ON TABLE wazo_auth.known_password IS
'Passwords that others know, see wazo_auth.import_breached_passwords(): six bytes each, in at most 65536 rows';
COMMENT ON COLUMN wazo_auth.known_password.bucket IS 'The first two bytes of their SHA-1';
COMMENT ON COLUMN wazo_auth.known_password.digests IS 'The next six bytes of each';

CREATE TABLE wazo_auth.password_history (
  user_uuid uuid REFERENCES wazo_auth.user ON DELETE CASCADE,
  replaced_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  hash text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_uuid, replaced_at)
);
COMMENT ON TABLE wazo_auth.password_history IS
'Hashes of passwords that users had, as many as the setting password.history has them not use again';
COMMENT ON COLUMN wazo_auth.password_history.replaced_at IS 'When another one came';
COMMENT ON COLUMN wazo_auth.password_history.hash IS 'As it was in wazo_auth.password';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.known_password', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.password_history', '');
