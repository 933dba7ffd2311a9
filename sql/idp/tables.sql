CREATE TYPE wazo_auth.login_attempt AS (
  login text,
  password text,
  refresh_token text,
  client_id text,
  members jsonb
);
COMMENT ON TYPE wazo_auth.login_attempt IS
'What somebody gave to log in: login and password, refresh token and client_id, each null if not given, and the '
'members of the request, as domain_name; what an identity provider is asked with';

CREATE TYPE wazo_auth.login_answer AS (
  taken boolean,
  user_uuid uuid,
  login text,
  metadata json,
  refresh_token wazo_auth.refresh_token,
  backend text,
  args jsonb,
  record uuid,
  opened text,
  ends_at timestamptz
);
COMMENT ON TYPE wazo_auth.login_answer IS
'What an identity provider answers. taken: the attempt is of its kind, so none after it is asked. user_uuid: who it '
'is, null for nobody. login: under which name, for refresh tokens and the log. metadata: goes into the token. '
'refresh_token: with which it logged in. backend: a registered one, which is asked for metadata and accesses; null '
'for the provider''s. args: what it is told besides the request. record, opened: what a provider of the extension '
'keeps of this login, and the function that is told of the session, schema.function(record, token_digest uuid, '
'refresh_token_digest uuid); null for none. ends_at: when the token, and a refresh token obtained with it, end at the '
'latest; null for no such time';

CREATE TABLE wazo_auth.identity_provider (
  name text COLLATE "C",
  function text COLLATE "C" NOT NULL,
  priority numeric NOT NULL DEFAULT 100,
  backend text COLLATE "C",
  keeps_passwords boolean NOT NULL DEFAULT false,
  built_in boolean NOT NULL DEFAULT false,
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (name, shipped),
  CONSTRAINT identity_provider_name_check
    CHECK (name ~ '^[a-z0-9_]{1,64}$' AND name <> 'default' AND (built_in OR name NOT IN ('native', 'refresh_token')))
);
COMMENT ON TABLE wazo_auth.identity_provider IS
'Ways to log in; written by wazo_auth.add_identity_provider(). Which of them are on, beside those that are built '
'in, says the setting idp_plugins';
COMMENT ON COLUMN wazo_auth.identity_provider.name IS 'Authentication method of the users that log in with it';
COMMENT ON COLUMN wazo_auth.identity_provider.function IS
'Takes a wazo_auth.login_attempt and returns a wazo_auth.login_answer';
COMMENT ON COLUMN wazo_auth.identity_provider.priority IS
'Lower ones are asked first; the setting idp_plugins overrides it';
COMMENT ON COLUMN wazo_auth.identity_provider.backend IS 'Name under which GET /backends shows it';
COMMENT ON COLUMN wazo_auth.identity_provider.keeps_passwords IS
'The passwords of its users are kept elsewhere and not changed here';
COMMENT ON COLUMN wazo_auth.identity_provider.built_in IS 'Always on, at its place: refresh_token first, native last';
COMMENT ON COLUMN wazo_auth.identity_provider.shipped IS 'Comes with an extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.identity_provider', 'WHERE NOT shipped');
