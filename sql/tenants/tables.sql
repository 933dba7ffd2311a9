CREATE TABLE wazo_auth.tenant (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  path uuid[] NOT NULL UNIQUE,
  slug text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C",
  phone text COLLATE "C",
  default_authentication_method text COLLATE "C" NOT NULL DEFAULT 'native',
  CONSTRAINT tenant_path_check CHECK (path[pg_catalog.cardinality(path)] = uuid
    AND pg_catalog.cardinality(path) BETWEEN 1 AND 100),
  CONSTRAINT tenant_slug_check CHECK (slug ~ '^[a-zA-Z0-9_]{1,10}$'),
  CONSTRAINT tenant_name_check CHECK (name <> '' AND pg_catalog.char_length(name) <= 128),
  CONSTRAINT tenant_phone_check CHECK (phone <> '' AND pg_catalog.char_length(phone) <= 32),
  CONSTRAINT tenant_default_authentication_method_check CHECK (default_authentication_method <> 'default')
);
CREATE INDEX tenant_name_idx ON wazo_auth.tenant (name, uuid);
CREATE UNIQUE INDEX tenant_top_key ON wazo_auth.tenant ((true)) WHERE pg_catalog.cardinality(path) = 1;

COMMENT ON TABLE wazo_auth.tenant IS 'A tenant: one customer of the platform, in a tree below the top tenant';
COMMENT ON COLUMN wazo_auth.tenant.path IS
'Uuids from the top tenant down to this one. X is Y or below it when Y is in X''s path; the subtree of Y is one range '
'of the index on path';
COMMENT ON COLUMN wazo_auth.tenant.slug IS
'Short name, 1 to 10 of letters, digits and underscore; unique with regard to case';
COMMENT ON COLUMN wazo_auth.tenant.name IS 'Display name, not unique';
COMMENT ON COLUMN wazo_auth.tenant.phone IS 'Phone number, free text';
COMMENT ON COLUMN wazo_auth.tenant.default_authentication_method IS
'Method of the users whose own method is "default"; "default" itself would lock them out and is refused';
COMMENT ON INDEX wazo_auth.tenant_top_key IS 'There is one top tenant';

-- A foreign key from tenant to itself would make pg_dump warn of a cycle, so
-- the tree's integrity is held by a table beside it. All but the path follows
-- from it: a parent is where the path says, and is there.
CREATE TABLE wazo_auth.tenant_parent (
  path uuid[] PRIMARY KEY REFERENCES wazo_auth.tenant (path) ON UPDATE CASCADE ON DELETE CASCADE,
  tenant_uuid uuid NOT NULL UNIQUE GENERATED ALWAYS AS (path[pg_catalog.cardinality(path)]) STORED,
  parent_uuid uuid NOT NULL GENERATED ALWAYS AS (path[pg_catalog.cardinality(path) - 1]) STORED,
  parent_path uuid[] NOT NULL GENERATED ALWAYS AS (path[:pg_catalog.cardinality(path) - 1]) STORED
    REFERENCES wazo_auth.tenant (path) DEFERRABLE
);
CREATE INDEX tenant_parent_parent_path_idx ON wazo_auth.tenant_parent (parent_path);
COMMENT ON TABLE wazo_auth.tenant_parent IS
'The parent of each tenant but the top one; a tenant with children cannot be deleted';
COMMENT ON COLUMN wazo_auth.tenant_parent.path IS 'As in wazo_auth.tenant, whose changes it follows';
COMMENT ON COLUMN wazo_auth.tenant_parent.parent_path IS
'The path without its last uuid, which is the path of the parent';

CREATE TYPE wazo_auth.postal_address AS (
  line_1 text COLLATE "C",
  line_2 text COLLATE "C",
  city text COLLATE "C",
  state text COLLATE "C",
  country text COLLATE "C",
  zip_code text COLLATE "C"
);
COMMENT ON TYPE wazo_auth.postal_address IS 'A postal address; every part may be null';

CREATE TABLE wazo_auth.tenant_address (
  tenant_uuid uuid PRIMARY KEY REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  address wazo_auth.postal_address NOT NULL,
  CONSTRAINT tenant_address_check CHECK (
    COALESCE(pg_catalog.char_length((address).line_1) BETWEEN 1 AND 256, true)
    AND COALESCE(pg_catalog.char_length((address).line_2) BETWEEN 1 AND 256, true)
    AND COALESCE(pg_catalog.char_length((address).city) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).state) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).country) BETWEEN 1 AND 128, true)
    AND COALESCE(pg_catalog.char_length((address).zip_code) BETWEEN 1 AND 16, true))
);
COMMENT ON TABLE wazo_auth.tenant_address IS 'Postal address of a tenant that has one';

CREATE TABLE wazo_auth.tenant_domain (
  uuid uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  tenant_uuid uuid NOT NULL REFERENCES wazo_auth.tenant ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL UNIQUE,
  CONSTRAINT tenant_domain_name_check CHECK (name = wazo_auth.normal_domain(name)),
  CONSTRAINT tenant_domain_form_check CHECK (
    pg_catalog.char_length(name) <= 253
    AND name ~ '^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.){1,62}[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$')
);
CREATE INDEX tenant_domain_tenant_uuid_idx ON wazo_auth.tenant_domain (tenant_uuid, name);
COMMENT ON COLUMN wazo_auth.tenant_domain.name IS 'In its normal form, so that one domain is one name';
COMMENT ON TABLE wazo_auth.tenant_domain IS 'Domain names of a tenant, unique over all tenants';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_parent', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_address', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.tenant_domain', '');
