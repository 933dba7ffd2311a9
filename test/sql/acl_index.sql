-- The index on ACLs: the same answers as without it, and the planner's choice.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
SET search_path = public, wazo_auth;
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcnamespace = 'wazo_auth'::regnamespace ORDER BY 1;

-- generated ACLs and accesses of a small alphabet, so that many match
CREATE FUNCTION pg_temp.word(seed int, k int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT (ARRAY['a', 'b', 'a*', '*', '#', 'me', 'edit', 'update', 'my_session', 'u1', 's1', 'é', 'b#', '', 'c', 'd'])[1 + (hashint4(seed * 31 + k) & 15)] $$;
CREATE FUNCTION pg_temp.pattern(seed int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN hashint4(seed) & 7 = 0 THEN '!' ELSE '' END || string_agg(pg_temp.word(seed, k), '.' ORDER BY k)
     FROM generate_series(1, 1 + (hashint4(seed + 7) & 3)) AS k $$;
CREATE TABLE acl_row AS
SELECT i AS id, ARRAY(SELECT pg_temp.pattern(i * 50 + k) FROM generate_series(1, hashint4(i) & 7) AS k)::acl AS acl
  FROM generate_series(1, 3000) AS i;
CREATE TABLE acl_access AS
SELECT access FROM (SELECT DISTINCT regexp_replace(replace(replace(pg_temp.pattern(i), '*', 'x'), '#', 'y.z'), '^!', '') AS access FROM generate_series(900000, 901200) AS i) AS x
 ORDER BY md5(access) LIMIT 340;
INSERT INTO acl_row VALUES (-1, '{}'), (-2, NULL), (-3, '{!a}'), (-4, '{""}'), (-5, '{#}'), (-6, ARRAY[repeat('x', 1024)]), (-7, ARRAY[repeat('y.', 511) || '#']);
INSERT INTO acl_access VALUES (''), ('.'), (repeat('x', 1024)), (repeat('x', 1025)), (repeat('y.', 511)), (repeat('y.', 512)), (repeat('a.', 300)), (repeat('z', 65536)), (repeat('z', 65537)), (NULL);
SELECT (SELECT count(*) FROM acl_access) * (SELECT count(*) FROM acl_row) > 1000000 AS million_pairs;
CREATE INDEX acl_row_acl ON acl_row USING gin (acl);
ANALYZE acl_row, acl_access;

SET enable_seqscan = off;
-- PostgreSQL 18 tells of nodes that a setting disables
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  v_line text;
BEGIN
  FOR v_line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    CONTINUE WHEN v_line LIKE '%Disabled: true';
    RETURN NEXT v_line;
  END LOOP;
END
$$;
SELECT plan($$SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON r.acl @> a.access$$);
SELECT plan($$SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON acl_grants(r.acl, a.access, 'u1', 's1')$$);
CREATE TEMP TABLE by_index AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON r.acl @> a.access;
CREATE TEMP TABLE by_index_grants AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON acl_grants(r.acl, a.access, 'u1', 's1');
-- an id with a dot is more than one segment
CREATE TEMP TABLE by_index_dotted AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON acl_grants(r.acl, a.access, 'a.b', 's1.u1');
RESET enable_seqscan;
SET enable_bitmapscan = off;
CREATE TEMP TABLE by_scan AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON a.access <@ r.acl;
CREATE TEMP TABLE by_scan_grants AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON (acl_decide(r.acl, a.access, 'u1', 's1')).granted OR a.access IS NULL AND r.acl IS NOT NULL;
CREATE TEMP TABLE by_scan_dotted AS SELECT a.access, r.id FROM acl_access AS a JOIN acl_row AS r ON (acl_decide(r.acl, a.access, 'a.b', 's1.u1')).granted OR a.access IS NULL AND r.acl IS NOT NULL;
RESET enable_bitmapscan;
SELECT count(*) > 10000 AS many FROM by_scan;
SELECT count(*) AS differences FROM (TABLE by_scan EXCEPT TABLE by_index UNION ALL (TABLE by_index EXCEPT TABLE by_scan)) AS d;
SELECT count(*) > 10000 AS many FROM by_scan_grants;
SELECT count(*) AS differences FROM (TABLE by_scan_grants EXCEPT TABLE by_index_grants UNION ALL (TABLE by_index_grants EXCEPT TABLE by_scan_grants)) AS d;
SELECT count(*) AS differences FROM (TABLE by_scan_dotted EXCEPT TABLE by_index_dotted UNION ALL (TABLE by_index_dotted EXCEPT TABLE by_scan_dotted)) AS d;

-- properties: the order never matters, a further negative entry never grants
SELECT count(*) AS differences FROM by_scan JOIN acl_row AS r USING (id)
 WHERE NOT (ARRAY(SELECT e FROM unnest(r.acl::text[]) AS e ORDER BY md5(e)))::acl @> access;
SELECT count(*) AS granted FROM acl_row AS r, acl_access AS a, (VALUES ('!a.#'), ('!*'), ('!#'), ('!me.*')) AS n(entry)
 WHERE r.acl || acl_of(entry) @> access AND NOT r.acl @> access;

SELECT count(*) AS granted FROM by_scan_grants JOIN acl_row AS r USING (id)
 WHERE CASE WHEN length(access) < 1024 THEN acl_grants(r.acl || acl_of('!' || access), access, 'u1', 's1') END;
SELECT count(*) AS granted FROM acl_row AS r, acl_access AS a, (VALUES ('!a.me'), ('!edit.#'), ('!!'), ('!')) AS n(entry)
 WHERE acl_grants(acl_of(entry) || r.acl, access, 'u1', 's1') AND NOT acl_grants(r.acl, access, 'u1', 's1');

-- there and back, as text and as binary
CREATE TEMP TABLE acl_text (LIKE acl_row);
CREATE TEMP TABLE acl_binary (LIKE acl_row);
\copy acl_row TO PROGRAM 'cat > "$PG_ABS_BUILDDIR"/results/acl_row.text'
\copy acl_text FROM PROGRAM 'cat "$PG_ABS_BUILDDIR"/results/acl_row.text'
\copy acl_row TO PROGRAM 'cat > "$PG_ABS_BUILDDIR"/results/acl_row.bin' (FORMAT binary)
\copy acl_binary FROM PROGRAM 'cat "$PG_ABS_BUILDDIR"/results/acl_row.bin' (FORMAT binary)
SELECT count(*) > 3000 AS rows, count(*) FILTER (WHERE t.acl IS DISTINCT FROM r.acl OR b.acl IS DISTINCT FROM r.acl OR r.acl::text[]::acl IS DISTINCT FROM r.acl) AS changed
  FROM acl_row AS r FULL JOIN acl_text AS t USING (id) FULL JOIN acl_binary AS b USING (id);

-- the B-tree, which ACL sets have where they are unique; amcheck has no check for GIN
CREATE EXTENSION amcheck;
CREATE INDEX acl_row_btree ON acl_row (acl);
SELECT bt_index_parent_check('acl_row_btree', true, true);

-- after changes, before and after VACUUM
INSERT INTO acl_row SELECT id + 10000, acl FROM acl_row WHERE id > 0;
DELETE FROM acl_row WHERE id > 0 AND id % 3 = 0;
UPDATE acl_row SET acl = acl || '{fresh.*}' WHERE id % 5 = 0;
SET enable_seqscan = off;
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'a.b';
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'fresh.x';
VACUUM acl_row;
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'a.b';
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'fresh.x';
RESET enable_seqscan;
SET enable_bitmapscan = off;
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'a.b';
SELECT count(*), sum(id) FROM acl_row WHERE acl @> 'fresh.x';
RESET enable_bitmapscan;

-- a table of single patterns: an index on the expression
CREATE TABLE acl_single AS SELECT i AS id, 'a.p' || i || CASE WHEN i % 2 = 0 THEN '.#' ELSE '.read' END AS pattern FROM generate_series(1, 5000) AS i;
CREATE INDEX ON acl_single USING gin (acl_of(pattern));
ANALYZE acl_single;
EXPLAIN (COSTS OFF) SELECT id FROM acl_single WHERE acl_of(pattern) @> 'a.p77.read';
SELECT id FROM acl_single WHERE acl_of(pattern) @> 'a.p77.read' OR acl_of(pattern) @> 'a.p78.x.y' ORDER BY id;

-- 20,000 sets of some 150 entries: the planner chooses
CREATE TABLE acl_many AS
SELECT i AS id, (ARRAY['confd.users.me.#', 'confd.infos.read', 'dird.directories.favorites.#']
      || ARRAY(SELECT (ARRAY['auth', 'confd', 'calld', 'dird', 'webhookd'])[1 + n % 5] || '.' || (ARRAY['users', 'lines', 'groups', 'queues'])[1 + (n / 5) % 4]
                   || '.r' || n % 400 || (ARRAY['.read', '.#', '.*.update', '.edit', '.me.read'])[1 + (n / 3) % 5]
                 FROM (SELECT hashint4(i * 1000 + k) & 65535 AS n FROM generate_series(1, 130) AS k) AS x)
      || ARRAY(SELECT 'confd.extensions.e' || i * 20 + k || '.#' FROM generate_series(1, 17) AS k)
      || CASE WHEN i % 5 = 0 THEN '{!confd.infos.read}'::text[] ELSE '{}' END
      || CASE WHEN i % 1000 = 0 THEN '{#}'::text[] ELSE '{}' END)::acl AS acl
  FROM generate_series(1, 20000) AS i;
CREATE INDEX acl_many_acl ON acl_many USING gin (acl);
ANALYZE acl_many;
-- few sets grant these
EXPLAIN (COSTS OFF) SELECT id FROM acl_many WHERE acl @> 'confd.extensions.e100003.read';
EXPLAIN (COSTS OFF) SELECT id FROM acl_many WHERE acl_grants(acl, 'confd.users.u7.lines', 'u8', 's');
SELECT count(*) FROM acl_many WHERE acl @> 'confd.extensions.e100003.read';
-- most sets grant these
EXPLAIN (COSTS OFF) SELECT id FROM acl_many WHERE acl @> 'dird.directories.favorites.x';
EXPLAIN (COSTS OFF) SELECT id FROM acl_many WHERE acl @> 'confd.infos.read';
EXPLAIN (COSTS OFF) SELECT id FROM acl_many WHERE acl_grants(acl, 'confd.users.u7.lines', 'u7', 's');
-- the estimates
CREATE FUNCTION pg_temp.estimate(query text) RETURNS float8 LANGUAGE plpgsql AS
$$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan; RETURN plan->0->'Plan'->>'Plan Rows'; END $$;
SELECT w, pg_temp.estimate(format('SELECT FROM acl_many WHERE acl @> %L', w)) BETWEEN n * 0.8 AND n * 1.25 AS near
  FROM (VALUES ('dird.directories.favorites.x', 20000), ('confd.infos.read', 16000)) AS t(w, n);
SELECT w, pg_temp.estimate(format('SELECT FROM acl_many WHERE acl @> %L', w)) BETWEEN 1 AND 100 AS few
  FROM unnest(ARRAY['confd.extensions.e100003.read', 'nothing.at.all']) AS w;
SELECT pg_temp.estimate('SELECT FROM acl_many WHERE acl_grants(acl, ''confd.users.u7.lines'', ''u7'', ''s'')') > 18000 AS his_own,
       pg_temp.estimate('SELECT FROM acl_many WHERE acl_grants(acl, ''confd.users.u7.lines'', ''u8'', ''s'')') < 100 AS somebody_elses,
       pg_temp.estimate('SELECT FROM acl_many WHERE acl_grants(acl, NULL, ''u8'', ''s'')') = 20000 AS no_question,
       pg_temp.estimate('SELECT FROM acl_many WHERE acl @> NULL') <= 1 AS nothing;
SELECT pg_temp.estimate('SELECT FROM acl_many, (SELECT ''confd.infos.read''::text FROM generate_series(1, 3)) AS a(access) WHERE acl @> a.access') BETWEEN 40000 AND 56000 AS joined;

-- parameters: the index serves them too
PREPARE grants(text, text, text) AS SELECT count(*) FROM acl_many WHERE acl_grants(acl, $1, $2, $3);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE grants('confd.extensions.e100003.read', 'u', 's');
EXECUTE grants('confd.extensions.e100003.read', 'u', 's');
EXECUTE grants(NULL, 'u', 's');
EXECUTE grants('confd.users.None.lines', NULL, NULL);
RESET plan_cache_mode;
-- what changes from row to row cannot be looked up
EXPLAIN (COSTS OFF) SELECT count(*) FROM acl_many WHERE acl_grants(acl, 'a.' || id, 'u', 's');
EXPLAIN (COSTS OFF) SELECT count(*) FROM acl_many WHERE acl_grants(acl, 'a.b', (random() * 9)::text, 's');
-- a request that is none
SELECT acl '{#}' @@ ARRAY['a'];
SELECT acl '{me}' @@ acl_request('u1', 'u1', NULL) AS t, acl '{me}' @@ acl_request(NULL, NULL, NULL) AS no_question;
SELECT bt_index_parent_check('acl_row_btree', true, true);
DROP EXTENSION amcheck;
DROP TABLE acl_row, acl_access, acl_single, acl_many;
