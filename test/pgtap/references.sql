-- docs/rest-api.md and docs/sql-api.md are what `make docs` makes of this database: a new route, a changed comment or
-- right shows there.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
\set rest `psql -X -q -v ON_ERROR_STOP=1 -d :'DBNAME' -f tools/rest_reference.sql`
\set rest_page `cat docs/rest-api.md`
\set sql `psql -X -q -v ON_ERROR_STOP=1 -d :'DBNAME' -f tools/sql_reference.sql`
\set sql_page `cat docs/sql-api.md`
BEGIN;
SELECT plan(4);
SELECT cmp_ok(length(:'rest'), '>', 20000, 'there are routes');
SELECT cmp_ok(length(:'sql'), '>', 20000, 'there are functions');
-- the lines that differ, and not two pages
CREATE FUNCTION pg_temp.differs(now text, page text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(COALESCE('+' || n.line, '-' || p.line), E'\n')
  FROM (SELECT DISTINCT line FROM string_to_table(now, E'\n') line) n
  FULL JOIN (SELECT DISTINCT line FROM string_to_table(page, E'\n') line) p USING (line)
  WHERE n.line IS NULL OR p.line IS NULL
$$;
SELECT ok(:'rest' = :'rest_page', 'docs/rest-api.md is current; make docs, and read what it changes')
  UNION ALL SELECT diag(pg_temp.differs(:'rest', :'rest_page')) WHERE :'rest' <> :'rest_page';
SELECT ok(:'sql' = :'sql_page', 'docs/sql-api.md is current; make docs, and read what it changes')
  UNION ALL SELECT diag(pg_temp.differs(:'sql', :'sql_page')) WHERE :'sql' <> :'sql_page';
SELECT * FROM finish();
ROLLBACK;
