-- A refresh token that is rotated goes on as the same row of
-- wazo_auth.refresh_token, which sessions refer to; what it was and is called is
-- here.
CREATE TABLE wazo_auth.refresh_token_rotation (
  digest uuid PRIMARY KEY,
  family uuid NOT NULL REFERENCES wazo_auth.refresh_token ON DELETE CASCADE,
  number integer NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  CONSTRAINT refresh_token_rotation_family_number_key UNIQUE (family, number)
);
COMMENT ON TABLE wazo_auth.refresh_token_rotation IS
'Refresh tokens that took the place of another one: the last of a family is good, one that is used again ends it';
COMMENT ON COLUMN wazo_auth.refresh_token_rotation.digest IS 'wazo_auth.token_digest() of the refresh token';
COMMENT ON COLUMN wazo_auth.refresh_token_rotation.family IS 'The row of the first one, which has no row here';
COMMENT ON COLUMN wazo_auth.refresh_token_rotation.number IS 'How many came before it';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.refresh_token_rotation', '');
