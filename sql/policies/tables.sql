CREATE TABLE wazo_auth.policy (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  slug text COLLATE "C" NOT NULL,
  description text COLLATE "C",
  acl wazo_auth.acl NOT NULL DEFAULT '{}',
  shared boolean NOT NULL DEFAULT false,
  config_managed boolean NOT NULL DEFAULT false,
  CONSTRAINT policy_tenant_uuid_name_key UNIQUE (tenant_uuid, name),
  CONSTRAINT policy_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 80),
  CONSTRAINT policy_slug_check CHECK (slug ~ '^[a-zA-Z0-9_-]{1,80}$'),
  CONSTRAINT policy_description_check CHECK (pg_catalog.char_length(description) <= 4096)
);
CREATE UNIQUE INDEX policy_tenant_uuid_slug_key ON wazo_auth.policy (tenant_uuid, pg_catalog.lower(slug));
CREATE INDEX policy_slug_idx ON wazo_auth.policy (slug);
CREATE INDEX policy_name_idx ON wazo_auth.policy (name);
CREATE INDEX policy_config_managed_idx ON wazo_auth.policy (uuid) WHERE config_managed;
COMMENT ON TABLE wazo_auth.policy IS 'A named list of access patterns that users and groups can be given';
COMMENT ON COLUMN wazo_auth.policy.slug IS
'Name in paths and configuration; never changes; unique in the tenant whatever the case';
COMMENT ON COLUMN wazo_auth.policy.acl IS 'The access patterns, each once';
COMMENT ON COLUMN wazo_auth.policy.shared IS 'Also visible, read-only, in every tenant below';
COMMENT ON COLUMN wazo_auth.policy.config_managed IS
'Made from the configuration at start; visible everywhere, changed nowhere else';
COMMENT ON INDEX wazo_auth.policy_tenant_uuid_slug_key IS 'Slugs that differ by case only are the same';

CREATE TABLE wazo_auth.user_policy (
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  policy_uuid uuid NOT NULL REFERENCES wazo_auth.policy ON DELETE CASCADE,
  PRIMARY KEY (user_uuid, policy_uuid)
);
CREATE INDEX user_policy_policy_uuid_idx ON wazo_auth.user_policy (policy_uuid, user_uuid);
COMMENT ON TABLE wazo_auth.user_policy IS 'Policies given to users directly';

CREATE TABLE wazo_auth.group_policy (
  group_uuid uuid NOT NULL REFERENCES wazo_auth.group ON DELETE CASCADE,
  policy_uuid uuid NOT NULL REFERENCES wazo_auth.policy ON DELETE CASCADE,
  PRIMARY KEY (group_uuid, policy_uuid)
);
CREATE INDEX group_policy_policy_uuid_idx ON wazo_auth.group_policy (policy_uuid, group_uuid);
COMMENT ON TABLE wazo_auth.group_policy IS 'Policies given to all users of a group';

CREATE TABLE wazo_auth.access (
  access text COLLATE "C",
  description text COLLATE "C",
  shipped boolean NOT NULL DEFAULT false,
  -- What people registered may ship with a later version, and be in a dump.
  PRIMARY KEY (access, shipped)
);
COMMENT ON TABLE wazo_auth.access IS
'Accesses known to be asked for, beside those of the routes: what the daemons ask for, and what people register. All '
'of them are in the view known_access';
COMMENT ON COLUMN wazo_auth.access.access IS 'As a service asks for it, with {name} for the parts that vary';
COMMENT ON COLUMN wazo_auth.access.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.user_policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.group_policy', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.access', 'WHERE NOT shipped');
