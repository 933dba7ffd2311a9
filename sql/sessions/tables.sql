-- Content-addressed: the key is a digest of the value, so users with the same
-- policies share a row, it never changes, and a backend's compiled copy of it
-- is right for good.
CREATE TABLE wazo_auth.acl_set (
  digest uuid PRIMARY KEY,
  acl wazo_auth.acl NOT NULL,
  CONSTRAINT acl_set_digest_check CHECK (digest = wazo_auth.acl_digest(acl))
);
COMMENT ON TABLE wazo_auth.acl_set IS
'ACLs of sessions, each stored once and never changed; the expiry worker removes unused ones';
COMMENT ON COLUMN wazo_auth.acl_set.digest IS 'wazo_auth.acl_digest(acl)';

-- The columns that a token check reads come first and are fixed in width.
CREATE TABLE wazo_auth.session (
  token_digest uuid PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  acl_digest uuid NOT NULL REFERENCES wazo_auth.acl_set,
  expires_at timestamptz NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  mobile boolean NOT NULL DEFAULT false,
  user_uuid uuid REFERENCES wazo_auth.user ON DELETE CASCADE,
  auth_id text COLLATE "C",
  refresh_token_digest uuid REFERENCES wazo_auth.refresh_token ON DELETE SET NULL,
  user_agent text COLLATE "C" NOT NULL DEFAULT '',
  remote_addr text COLLATE "C" NOT NULL DEFAULT '',
  metadata json NOT NULL DEFAULT '{}',
  expiry_announced boolean NOT NULL DEFAULT false,
  email_uuid uuid REFERENCES wazo_auth.email ON DELETE CASCADE,
  CONSTRAINT session_auth_id_check CHECK (pg_catalog.num_nonnulls(user_uuid, auth_id) = 1),
  CONSTRAINT session_size_check CHECK (pg_catalog.char_length(user_agent) <= 1024
    AND pg_catalog.char_length(remote_addr) <= 256 AND pg_catalog.octet_length(metadata::pg_catalog.text) <= 65536)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX session_expires_at_idx ON wazo_auth.session (expires_at);
CREATE INDEX session_user_uuid_idx ON wazo_auth.session (user_uuid);
CREATE INDEX session_tenant_uuid_idx ON wazo_auth.session (tenant_uuid, uuid);
CREATE INDEX session_acl_digest_idx ON wazo_auth.session (acl_digest);
CREATE INDEX session_refresh_token_digest_idx ON wazo_auth.session (refresh_token_digest)
  WHERE refresh_token_digest IS NOT NULL;
CREATE INDEX session_email_uuid_idx ON wazo_auth.session (email_uuid) WHERE email_uuid IS NOT NULL;
COMMENT ON TABLE wazo_auth.session IS 'A live session and its token, one row';
COMMENT ON COLUMN wazo_auth.session.token_digest IS
'wazo_auth.token_digest() of the token, which itself is stored nowhere';
COMMENT ON COLUMN wazo_auth.session.acl_digest IS 'The ACL at login; policies that change later do not change it';
COMMENT ON COLUMN wazo_auth.session.expires_at IS
'From then on the token is unknown, whether the row is still there or not';
COMMENT ON COLUMN wazo_auth.session.user_uuid IS 'Whose session it is; null for tokens that the service made itself';
COMMENT ON COLUMN wazo_auth.session.auth_id IS 'In place of a user: wazo-auth for the service''s own tokens';
COMMENT ON COLUMN wazo_auth.session.refresh_token_digest IS
'The refresh token that opened the session or was made with it';
COMMENT ON COLUMN wazo_auth.session.expiry_announced IS 'The event auth_session_expire_soon was sent; it is sent once';
COMMENT ON COLUMN wazo_auth.session.email_uuid IS
'Of a token that was mailed: the address that it went to, without which it is worth nothing; null for all others';
COMMENT ON COLUMN wazo_auth.session.remote_addr IS 'As reported by proxies, not checked';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.acl_set', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.session', '');
