-- What the last import from an upstream database did.

CREATE TABLE wazo_auth.import_count (
  place integer PRIMARY KEY,
  target text COLLATE "C" NOT NULL,
  source text COLLATE "C",
  source_rows bigint,
  passed_over bigint NOT NULL,
  left_out bigint NOT NULL,
  changed bigint NOT NULL,
  added bigint NOT NULL,
  imported bigint NOT NULL
);
COMMENT ON TABLE wazo_auth.import_count IS
'What the last wazo_auth.import_upstream() found, a row for each table that it fills; a dry run writes it too';
COMMENT ON COLUMN wazo_auth.import_count.place IS 'Order in which the tables are filled';
COMMENT ON COLUMN wazo_auth.import_count.target IS 'Table of this schema';
COMMENT ON COLUMN wazo_auth.import_count.source IS 'Table of the upstream schema; null: made of other rows';
COMMENT ON COLUMN wazo_auth.import_count.source_rows IS 'Rows of that table';
COMMENT ON COLUMN wazo_auth.import_count.passed_over IS
'Rows that there is nothing to take from: expired tokens, empty addresses';
COMMENT ON COLUMN wazo_auth.import_count.left_out IS 'Rows that do not fit; each is in wazo_auth.import_misfit';
COMMENT ON COLUMN wazo_auth.import_count.changed IS 'Rows that fit after a change; each is there too';
COMMENT ON COLUMN wazo_auth.import_count.added IS
'Rows that upstream lacks and that belong here: the groups of all users';
COMMENT ON COLUMN wazo_auth.import_count.imported IS
'Rows that are in the target: source_rows - passed_over - left_out + added';

CREATE TABLE wazo_auth.import_misfit (
  place integer NOT NULL REFERENCES wazo_auth.import_count ON DELETE CASCADE,
  source_key text COLLATE "C" NOT NULL,
  effect text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  CONSTRAINT import_misfit_effect_check CHECK (effect IN ('left out', 'changed'))
);
CREATE INDEX import_misfit_place_idx ON wazo_auth.import_misfit (place);
COMMENT ON TABLE wazo_auth.import_misfit IS
'Rows of the upstream schema that the last wazo_auth.import_upstream() left out or changed';
COMMENT ON COLUMN wazo_auth.import_misfit.source_key IS
'Key of the row there; of a token its session, of a refresh token its user and client, since they are secrets';
COMMENT ON COLUMN wazo_auth.import_misfit.effect IS 'left out, or changed so that it fits';
COMMENT ON COLUMN wazo_auth.import_misfit.reason IS 'Why it does not fit as it is, or what was changed';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.import_count', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.import_misfit', '');
