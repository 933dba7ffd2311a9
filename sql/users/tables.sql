CREATE TABLE wazo_auth.user (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  enabled boolean NOT NULL DEFAULT true,
  purpose text COLLATE "C" NOT NULL DEFAULT 'user',
  authentication_method text COLLATE "C" NOT NULL DEFAULT 'default',
  username text COLLATE "C",
  firstname text COLLATE "C",
  lastname text COLLATE "C",
  CONSTRAINT user_purpose_check CHECK (purpose IN ('user', 'internal', 'external_api')),
  CONSTRAINT user_username_check CHECK (username <> '' AND pg_catalog.char_length(username) <= 256),
  CONSTRAINT user_firstname_check CHECK (pg_catalog.char_length(firstname) <= 256),
  CONSTRAINT user_lastname_check CHECK (pg_catalog.char_length(lastname) <= 256)
);
CREATE INDEX user_tenant_uuid_idx ON wazo_auth.user (tenant_uuid, username, uuid);
-- Names may be longer than a row of an index.
CREATE INDEX user_tenant_uuid_firstname_idx ON wazo_auth.user (tenant_uuid, pg_catalog.left(firstname, 200), uuid);
CREATE INDEX user_tenant_uuid_lastname_idx ON wazo_auth.user (tenant_uuid, pg_catalog.left(lastname, 200), uuid);
CREATE INDEX user_username_idx ON wazo_auth.user (username, uuid);
COMMENT ON INDEX wazo_auth.user_tenant_uuid_idx IS 'Lists of a tenant''s users in their usual order, and its count';
COMMENT ON INDEX wazo_auth.user_tenant_uuid_firstname_idx IS 'Lists of a tenant''s users sorted by first name';
COMMENT ON INDEX wazo_auth.user_tenant_uuid_lastname_idx IS 'Lists of a tenant''s users sorted by last name';
COMMENT ON INDEX wazo_auth.user_username_idx IS 'Lists of all users in their usual order';
COMMENT ON TABLE wazo_auth.user IS 'An account: a person, an internal service or an external API client';
COMMENT ON COLUMN wazo_auth.user.purpose IS
'user, internal or external_api; decides the metadata of the user''s tokens';
COMMENT ON COLUMN wazo_auth.user.authentication_method IS
'native, the name of an identity provider, or default for the tenant''s method';
COMMENT ON COLUMN wazo_auth.user.enabled IS 'A disabled user has no session and cannot log in';

CREATE TABLE wazo_auth.password (
  user_uuid uuid PRIMARY KEY REFERENCES wazo_auth.user ON DELETE CASCADE,
  hash text COLLATE "C" NOT NULL,
  kind text COLLATE "C" GENERATED ALWAYS AS (wazo_auth.password_kind(hash)) STORED
);
CREATE INDEX password_kind_idx ON wazo_auth.password (kind);
COMMENT ON TABLE wazo_auth.password IS 'Password hashes; a user without a row cannot log in by password';
COMMENT ON COLUMN wazo_auth.password.kind IS
'Scheme and parameters; null for what is no hash. While there are several kinds a login costs one hash of each, so '
'that its time tells nothing';
COMMENT ON INDEX wazo_auth.password_kind_idx IS 'Which kinds there are';
COMMENT ON COLUMN wazo_auth.password.hash IS
'PHC string: $argon2id$…, or $pbkdf2-sha512$… as imported, which the next login rehashes';

-- Usernames and e-mail addresses are one name space for logging in, held by
-- one unique index on the folded text.
CREATE TABLE wazo_auth.login (
  login text COLLATE "C" PRIMARY KEY,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  is_username boolean NOT NULL,
  is_email boolean NOT NULL,
  CONSTRAINT login_check CHECK (is_username OR is_email)
);
CREATE INDEX login_user_uuid_idx ON wazo_auth.login (user_uuid);
COMMENT ON TABLE wazo_auth.login IS
'What a user can log in with; kept by the functions that set usernames and e-mail addresses';
COMMENT ON COLUMN wazo_auth.login.login IS 'wazo_auth.normal_login() of the username or address';
COMMENT ON COLUMN wazo_auth.login.is_username IS 'It is the user''s username';
COMMENT ON COLUMN wazo_auth.login.is_email IS
'It is one of the user''s e-mail addresses; it counts for logging in once the address is confirmed';

-- A column tenant.contact would close a cycle of foreign keys with user.tenant,
-- and pg_dump cannot restore a cycle between tables of an extension.
CREATE TABLE wazo_auth.tenant_contact (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE
);
CREATE INDEX tenant_contact_user_uuid_idx ON wazo_auth.tenant_contact (user_uuid);
COMMENT ON TABLE wazo_auth.tenant_contact IS 'The user to turn to about a tenant';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.user', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.password', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.login', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_contact', '');
