CREATE TABLE wazo_auth.oauth2_pending (
  state_digest bytea PRIMARY KEY,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  type text COLLATE "C" NOT NULL,
  sealed_flow bytea NOT NULL,
  relayed boolean NOT NULL,
  callback boolean NOT NULL DEFAULT false,
  sealed_message bytea,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  expires_at timestamptz NOT NULL,
  -- Who begins anew gives up what he began before; so a user waits for one answer of each kind.
  CONSTRAINT oauth2_pending_user_uuid_type_key UNIQUE (user_uuid, type),
  CONSTRAINT oauth2_pending_state_digest_check CHECK (pg_catalog.octet_length(state_digest) = 32)
);
CREATE INDEX oauth2_pending_expires_at_idx ON wazo_auth.oauth2_pending (expires_at);
COMMENT ON TABLE wazo_auth.oauth2_pending IS
'Authorizations by OAuth2 that were begun and that their users have not finished yet; gone when they are over';
COMMENT ON COLUMN wazo_auth.oauth2_pending.state_digest IS
'SHA-256 of the parameter state, by which the answer of the provider is known';
COMMENT ON COLUMN wazo_auth.oauth2_pending.sealed_flow IS
'{"state", "websocket_url", "verifier" (PKCE), "redirect_uri"; "args" of a callback}, sealed with wazo_auth.seal() '
'for the context "oauth2_flow:" and state_digest in hexadecimal';
COMMENT ON COLUMN wazo_auth.oauth2_pending.relayed IS
'The relay worker waits at websocket_url for the answer, which may come to the route authorize as well';
COMMENT ON COLUMN wazo_auth.oauth2_pending.callback IS
'What comes is for the registered callback of the type, and is not exchanged for tokens here';
COMMENT ON COLUMN wazo_auth.oauth2_pending.sealed_message IS
'The answer that came by the relay, until it is dealt with; sealed for the context "oauth2_message:" and state_digest';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.oauth2_pending', '');

CREATE TYPE wazo_auth.oauth2_request AS (
  url text,
  client_id text,
  client_secret text,
  form text
);
COMMENT ON TYPE wazo_auth.oauth2_request IS
'A request to a token endpoint (RFC 6749): with client_id and client_secret it is authenticated by them, else by what '
'the form says';

CREATE TYPE wazo_auth.oauth2_answer AS (
  verdict text,
  status integer,
  body text
);
COMMENT ON TYPE wazo_auth.oauth2_answer IS
'What came of it. verdict: answered, or unreachable with the reason in body';
