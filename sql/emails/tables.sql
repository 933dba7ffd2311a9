CREATE TABLE wazo_auth.email (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  address text COLLATE "C" NOT NULL,
  main boolean NOT NULL,
  confirmed boolean NOT NULL,
  CONSTRAINT email_user_uuid_address_key UNIQUE (user_uuid, address),
  CONSTRAINT email_address_check CHECK (wazo_auth.is_email_address(address) AND pg_catalog.octet_length(address) <= 512)
);
CREATE UNIQUE INDEX email_main_key ON wazo_auth.email (user_uuid) WHERE main;
COMMENT ON TABLE wazo_auth.email IS 'E-mail addresses of users; uniqueness over all users is held by wazo_auth.login';
COMMENT ON COLUMN wazo_auth.email.address IS 'As typed; compared through wazo_auth.normal_login()';
COMMENT ON COLUMN wazo_auth.email.main IS 'Where mail for the user goes; one per user at most';
COMMENT ON COLUMN wazo_auth.email.confirmed IS 'Only a confirmed address can be used to log in';
COMMENT ON INDEX wazo_auth.email_main_key IS 'A user has one main address at most';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.email', '');
