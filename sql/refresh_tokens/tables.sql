CREATE TABLE wazo_auth.refresh_token (
  token_digest uuid PRIMARY KEY,
  sealed_token bytea NOT NULL,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  client_id text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  mobile boolean NOT NULL DEFAULT false,
  backend text COLLATE "C" NOT NULL DEFAULT 'wazo_user',
  login text COLLATE "C" NOT NULL,
  user_agent text COLLATE "C" NOT NULL DEFAULT '',
  remote_addr text COLLATE "C" NOT NULL DEFAULT '',
  metadata json NOT NULL DEFAULT '{}',
  ends_at timestamptz,
  CONSTRAINT refresh_token_user_uuid_client_id_key UNIQUE (user_uuid, client_id),
  CONSTRAINT refresh_token_size_check CHECK (pg_catalog.char_length(user_agent) <= 1024
    AND pg_catalog.char_length(remote_addr) <= 256 AND pg_catalog.octet_length(metadata::pg_catalog.text) <= 65536),
  CONSTRAINT refresh_token_client_id_check CHECK (client_id <> '' AND pg_catalog.octet_length(client_id) <= 1024)
);
COMMENT ON TABLE wazo_auth.refresh_token IS
'Right of a client to open sessions for a user without a password; never expires by itself';
COMMENT ON COLUMN wazo_auth.refresh_token.token_digest IS
'wazo_auth.token_digest() of the refresh token, which itself is stored nowhere in clear';
COMMENT ON COLUMN wazo_auth.refresh_token.sealed_token IS
'The refresh token, sealed: a login of the same client is answered with the same one';
COMMENT ON COLUMN wazo_auth.refresh_token.login IS
'As typed at the login that obtained it, for the record; the refresh token is the user''s, whatever its names are now';
COMMENT ON COLUMN wazo_auth.refresh_token.metadata IS
'Metadata that every session made from it gets, below the fresh one';
COMMENT ON COLUMN wazo_auth.refresh_token.ends_at IS
'From then on it opens no session: the end of the session at the identity provider that it comes from; null for never';
CREATE INDEX refresh_token_ends_at_idx ON wazo_auth.refresh_token (ends_at) WHERE ends_at IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.refresh_token', '');
