CREATE TABLE wazo_auth.saml_config (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  domain_uuid uuid NOT NULL UNIQUE REFERENCES wazo_auth.tenant_domain ON DELETE CASCADE,
  entity_id text COLLATE "C" NOT NULL,
  acs_url text COLLATE "C" NOT NULL,
  metadata text COLLATE "C" NOT NULL,
  idp jsonb NOT NULL,
  idp_entity_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (idp ->> 'entity_id') STORED,
  CONSTRAINT saml_config_size_check CHECK (pg_catalog.octet_length(metadata) <= 1048576
    AND pg_catalog.char_length(entity_id) BETWEEN 1 AND 512 AND pg_catalog.char_length(acs_url) BETWEEN 1 AND 512)
);
CREATE INDEX saml_config_idp_entity_id_idx ON wazo_auth.saml_config (idp_entity_id);
COMMENT ON TABLE wazo_auth.saml_config IS
'The SAML identity provider of a tenant whose users log in by SAML; written by POST and PUT /backends/saml';
COMMENT ON COLUMN wazo_auth.saml_config.domain_uuid IS 'Domain of the tenant that a login names';
COMMENT ON COLUMN wazo_auth.saml_config.entity_id IS 'Our entity id: issuer of what we send, audience of what comes';
COMMENT ON COLUMN wazo_auth.saml_config.acs_url IS 'Where answers come to: POST /saml/acs as the browser reaches it';
COMMENT ON COLUMN wazo_auth.saml_config.metadata IS 'The identity provider''s metadata, as uploaded';
COMMENT ON COLUMN wazo_auth.saml_config.idp IS
'What wazo_auth.saml_read_metadata() found in them: entity id, addresses, certificates, end of validity';
COMMENT ON COLUMN wazo_auth.saml_config.idp_entity_id IS 'Its entity id: issuer of what comes';

-- The one that signs and one beside it, no more.
CREATE TABLE wazo_auth.saml_key (
  tenant_uuid uuid REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  signs boolean,
  certificate text COLLATE "C" NOT NULL,
  sealed_key bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (tenant_uuid, signs)
);
COMMENT ON TABLE wazo_auth.saml_key IS
'Keys of a tenant as a SAML service provider: one that signs, made with the first configuration, and a second one '
'while it is replaced, see wazo_auth.add_saml_key(). Assertions may be encrypted for either';
COMMENT ON COLUMN wazo_auth.saml_key.signs IS 'Requests are signed with it; false for the other one';
COMMENT ON COLUMN wazo_auth.saml_key.certificate IS 'PEM; in our metadata';
COMMENT ON COLUMN wazo_auth.saml_key.sealed_key IS
'The private key (PEM), sealed with wazo_auth.seal() for the context "saml:" and the tenant; shown nowhere';

CREATE TABLE wazo_auth.saml_session (
  digest uuid PRIMARY KEY,
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.saml_config ON DELETE CASCADE,
  request_id text COLLATE "C" NOT NULL,
  redirect_url text COLLATE "C" NOT NULL,
  browser_digest uuid,
  message text COLLATE "C",
  expires_at timestamptz NOT NULL,
  login text COLLATE "C",
  subject jsonb,
  name_id text COLLATE "C" GENERATED ALWAYS AS (subject ->> 'name_id') STORED,
  session_ends_at timestamptz,
  used boolean NOT NULL DEFAULT false,
  -- Not foreign keys: each session that ends would be looked for here. They
  -- are digests of random values, which no other one gets.
  token_digest uuid,
  refresh_token_digest uuid,
  logout_request_id text COLLATE "C",
  CONSTRAINT saml_session_order_check CHECK ((login IS NULL) = (subject IS NULL) AND (login IS NOT NULL OR NOT used)
    AND (used OR pg_catalog.num_nonnulls(token_digest, refresh_token_digest, logout_request_id) = 0)),
  CONSTRAINT saml_session_size_check CHECK (pg_catalog.octet_length(subject::pg_catalog.text) <= 16384
    AND pg_catalog.octet_length(message) <= 65536
    AND pg_catalog.char_length(redirect_url) BETWEEN 1 AND 512 AND pg_catalog.char_length(login) BETWEEN 1 AND 512)
);
CREATE INDEX saml_session_tenant_uuid_idx ON wazo_auth.saml_session (tenant_uuid);
CREATE INDEX saml_session_expires_at_idx ON wazo_auth.saml_session (expires_at);
CREATE INDEX saml_session_pending_idx ON wazo_auth.saml_session (expires_at) WHERE login IS NULL;
CREATE INDEX saml_session_pending_of_tenant_idx ON wazo_auth.saml_session (tenant_uuid, expires_at) WHERE login IS NULL;
CREATE INDEX saml_session_token_digest_idx ON wazo_auth.saml_session (token_digest) WHERE token_digest IS NOT NULL;
CREATE INDEX saml_session_refresh_token_digest_idx ON wazo_auth.saml_session (refresh_token_digest)
  WHERE refresh_token_digest IS NOT NULL;
CREATE INDEX saml_session_name_id_idx ON wazo_auth.saml_session (tenant_uuid, name_id) WHERE used;
COMMENT ON TABLE wazo_auth.saml_session IS
'A login by SAML on its way: asked for (POST /saml/sso), answered by the identity provider (login is set), used for '
'a token (used), and then what its logout needs; each step is taken once';
COMMENT ON COLUMN wazo_auth.saml_session.digest IS
'wazo_auth.token_digest() of the saml_session_id, which itself is stored nowhere; its text is the RelayState';
COMMENT ON COLUMN wazo_auth.saml_session.request_id IS 'ID of our AuthnRequest, which the answer must name';
COMMENT ON COLUMN wazo_auth.saml_session.browser_digest IS
'wazo_auth.token_digest() of the cookie that the answer must come with; null where saml.bind_to_browser was off';
COMMENT ON COLUMN wazo_auth.saml_session.message IS
'Our request, in base64, that the page GET /saml/post has to post, while its answer is awaited; null where it went by '
'redirect';
COMMENT ON COLUMN wazo_auth.saml_session.expires_at IS
'From then on the step that it waits for is not taken any more, whether the row is still there or not';
COMMENT ON COLUMN wazo_auth.saml_session.login IS 'Username or address of the user, as the identity provider says';
COMMENT ON COLUMN wazo_auth.saml_session.subject IS
'The identity provider''s name of it and of its session, for the logout';
COMMENT ON COLUMN wazo_auth.saml_session.session_ends_at IS
'When its session at the identity provider ends, and so what is made of it, if that says so (SessionNotOnOrAfter)';
COMMENT ON COLUMN wazo_auth.saml_session.name_id IS 'Of the subject, for a logout that the identity provider asks for';
COMMENT ON COLUMN wazo_auth.saml_session.token_digest IS 'The token that was made, as in wazo_auth.session';
COMMENT ON COLUMN wazo_auth.saml_session.refresh_token_digest IS 'The refresh token that was made with it, if any';
COMMENT ON COLUMN wazo_auth.saml_session.logout_request_id IS 'ID of our LogoutRequest, while its answer is awaited';

CREATE TABLE wazo_auth.saml_replay (
  digest bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL,
  CONSTRAINT saml_replay_digest_check CHECK (pg_catalog.octet_length(digest) = 32)
);
CREATE INDEX saml_replay_expires_at_idx ON wazo_auth.saml_replay (expires_at);
COMMENT ON TABLE wazo_auth.saml_replay IS
'Assertions and requests of identity providers that came already, as long as they would be believed: each counts once';
COMMENT ON COLUMN wazo_auth.saml_replay.digest IS 'SHA-256 of the issuer, a null byte and the ID';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.saml_config', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.saml_key', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.saml_session', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.saml_replay', '');
