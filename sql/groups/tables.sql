CREATE TABLE wazo_auth.group (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  slug text COLLATE "C" NOT NULL,
  system_managed boolean NOT NULL DEFAULT false,
  config_managed boolean NOT NULL DEFAULT false,
  CONSTRAINT group_tenant_uuid_name_key UNIQUE (tenant_uuid, name),
  CONSTRAINT group_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 128),
  CONSTRAINT group_slug_check CHECK (slug ~ '^[a-zA-Z0-9_-]{1,80}$')
);
-- lower() in the collation "C" folds ASCII only, whatever the C library says;
-- slugs hold nothing else.
CREATE UNIQUE INDEX group_tenant_uuid_slug_key ON wazo_auth.group (tenant_uuid, pg_catalog.lower(slug));
CREATE UNIQUE INDEX group_system_managed_key ON wazo_auth.group (tenant_uuid) WHERE system_managed;
COMMENT ON TABLE wazo_auth.group IS 'A set of users of one tenant that share policies';
COMMENT ON COLUMN wazo_auth.group.slug IS
'Name in paths and configuration; never changes; unique in the tenant whatever the case';
COMMENT ON COLUMN wazo_auth.group.system_managed IS 'The tenant''s group of all its users, one per tenant';
COMMENT ON COLUMN wazo_auth.group.config_managed IS
'Made from the setting tenant_default_groups; only such a group gets the policies named there';
COMMENT ON INDEX wazo_auth.group_tenant_uuid_slug_key IS 'Slugs that differ by case only are the same';
COMMENT ON INDEX wazo_auth.group_system_managed_key IS 'One group of all users per tenant';

CREATE TABLE wazo_auth.group_user (
  group_uuid uuid NOT NULL REFERENCES wazo_auth.group ON DELETE CASCADE,
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  PRIMARY KEY (user_uuid, group_uuid)
);
CREATE INDEX group_user_group_uuid_idx ON wazo_auth.group_user (group_uuid, user_uuid);
COMMENT ON TABLE wazo_auth.group_user IS 'Who is in which group';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group_user', '');
