-- Deliberately not marked for dumps: a restored database is live only once
-- somebody says so.
CREATE TABLE wazo_auth.live_database (
  single boolean DEFAULT true CHECK (single) PRIMARY KEY,
  identity text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE wazo_auth.live_database IS
'Which database was said to be the live one, by wazo_auth.go_live(): a copy has the row but another identity, a '
'restored dump has no row';
COMMENT ON COLUMN wazo_auth.live_database.single IS 'There is at most one row';
COMMENT ON COLUMN wazo_auth.live_database.identity IS 'wazo_auth.database_identity() at that time';
COMMENT ON COLUMN wazo_auth.live_database.since IS 'When that was said';
