-- The type wazo_auth.acl and what is asked of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
SET search_path = public, wazo_auth;

-- text form, order and duplicates
SELECT '{confd.#,!confd.wizard.*,a b,"x,y",confd.#,""}'::acl;
SELECT '{}'::acl;
SELECT ARRAY['a', 'b']::acl, '{a,b}'::acl::text[];
SELECT acl_of('a', '!b'), acl_length('{a,b,c}'), acl_length('{}');

-- what is not an ACL
SELECT '{a'::acl;
SELECT 'a.b'::acl;
SELECT '{a,NULL}'::acl;
SELECT '{{a},{b}}'::acl;
SELECT ARRAY[repeat('a', 1024)]::acl IS NOT NULL AS entry_of_1024;
SELECT ARRAY[repeat('a', 1025)]::acl;
SELECT ARRAY[repeat('é', 513)]::acl;
SELECT acl_length(array_fill('a'::text, ARRAY[10000])::acl);
SELECT array_fill('a'::text, ARRAY[10001])::acl;
SELECT acl_length(array_fill(repeat('a', 1024), ARRAY[1024])::acl);
SELECT array_fill(repeat('a', 1024), ARRAY[1025])::acl;
SELECT array_fill('a'::text, ARRAY[6000])::acl || array_fill('a'::text, ARRAY[4001])::acl;
SELECT acl_agg(array_fill(repeat('a', 1000), ARRAY[600])::acl) FROM generate_series(1, 2);
SELECT acl_agg(array_fill('a'::text, ARRAY[6000])::acl) FROM generate_series(1, 2);

-- comparison: bytes of the stored form
SELECT '{a,b}'::acl = '{a,b}'::acl AS same, '{a,b}'::acl = '{b,a}'::acl AS other_order, '{a,b}'::acl <> '{a}'::acl AS other,
       '{ab}'::acl = '{a,b}'::acl AS joined;
SELECT count(DISTINCT a) FROM unnest(ARRAY['{a}', '{a}', '{b}', '{}']::acl[]) AS a;
SELECT a, count(*) FROM unnest(ARRAY['{a}', '{a}', '{b}', '{}']::acl[]) AS a GROUP BY a ORDER BY a;
SELECT a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge, acl_cmp(a, b) < 0 AS cmp FROM (VALUES ('{a}'::acl, '{b}'::acl), ('{b}', '{a}'), ('{a}', '{a}')) AS t(a, b);
CREATE TABLE acl_unique (a acl PRIMARY KEY);
INSERT INTO acl_unique VALUES ('{a,b}');
INSERT INTO acl_unique VALUES ('{b,a}');
INSERT INTO acl_unique VALUES ('{a,b}');
DROP TABLE acl_unique;

-- joining
SELECT '{a,b}'::acl || '{!c}'::acl, '{}'::acl || '{}'::acl;
SELECT acl_agg(a ORDER BY a::text DESC), acl_agg(a) FILTER (WHERE false) FROM unnest(ARRAY['{a}', NULL, '{b,c}', '{}']::acl[]) AS a;

-- the digest is that of the stored form: version, number, then length and bytes of each
SELECT acl_digest('{a,bc}') = encode(substr(sha256('\x010000000200016100026263'::bytea), 1, 16), 'hex')::uuid AS as_defined;

-- binary form: there and back through COPY
CREATE TEMP TABLE acl_binary (n int, a acl);
INSERT INTO acl_binary VALUES (1, '{}'), (2, '{a}'), (3, '{é,!b.#,""}'), (4, NULL), (5, array_fill('x.#'::text, ARRAY[2000])::acl);
SELECT encode(acl_send('{a,!bc}'), 'hex');
CREATE TEMP TABLE acl_back (LIKE acl_binary);
\copy acl_binary TO PROGRAM 'cat > "$PG_ABS_BUILDDIR"/results/acl.bin' (FORMAT binary)
\copy acl_back FROM PROGRAM 'cat "$PG_ABS_BUILDDIR"/results/acl.bin' (FORMAT binary)
SELECT count(*) AS changed FROM acl_binary FULL JOIN acl_back USING (n) WHERE acl_binary.a IS DISTINCT FROM acl_back.a;
-- and what it refuses: another version, a wrong count, a length beyond the
-- message, bytes left over, invalid UTF-8, a null character
CREATE TEMP TABLE acl_bad (a acl);
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\5\\2\\0\\0\\0\\0\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\5\\1\\377\\0\\0\\0\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\5\\1\\0\\0\\377\\0\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\12\\1\\0\\0\\0\\1\\0\\0\\0\\2a\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\6\\1\\0\\0\\0\\0a\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\12\\1\\0\\0\\0\\1\\0\\0\\0\\1\\377\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\12\\1\\0\\0\\0\\1\\0\\0\\0\\1\\0\\377\\377"' (FORMAT binary)
\copy acl_bad FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\12\\1\\0\\0\\0\\1\\0\\0\\0\\1a\\377\\377"' (FORMAT binary)
SELECT * FROM acl_bad;

-- the operator knows nobody
SELECT acl '{a.#}' @> 'a.b' AS t, acl '{a.#,!a.b}' @> 'a.b' AS f, 'a.b' <@ acl '{a.*}' AS t, acl '{}' @> '' AS f, acl '{""}' @> '' AS t;
SELECT acl '{users.me.read}' @> 'users.me.read' AS t, acl '{users.me.read}' @> 'users.None.read' AS f,
       acl '{a.edit}' @> 'a.update' AS t, acl '{a.my_session}' @> 'a.my_session' AS t;

-- with an identity; nulls
SELECT acl_grants('{users.me.read}', 'users.u1.read', 'u1', 's1') AS t,
       acl_grants('{users.me.read}', 'users.s1.read', 'u1', 's1') AS f,
       acl_grants('{s.my_session}', 's.s1', 'u1', 's1') AS t,
       acl_grants('{users.me.read}', 'users.None.read', NULL, NULL) AS t,
       acl_grants('{}', NULL, 'u1', 's1') AS no_question,
       acl_grants(NULL, 'a', 'u1', 's1') AS no_acl,
       acl_grants('{users.me.x}', 'users.aXb.x', 'a.b', 's1') AS f,
       acl_grants('{users.me.x}', 'users.a.b.x', 'a.b', 's1') AS t;
SELECT acl_grants('{#}', repeat('a', 65536), NULL, NULL) AS at_limit, acl_grants('{#}', repeat('a', 65537), NULL, NULL) AS beyond;

-- granting rules (test/unit/acl_judge_test.c has the many cases)
SELECT acl_may_add('{a.*,!z.#}', '!z.y', 'u', 's') AS t, acl_may_add('{a.*}', '!anything', 'u', 's') AS f,
       acl_may_add('{a.*}', 'a.#', 'u', 's') AS f, acl_may_add('{a.*}', 'a.*', 'u', 's') AS t,
       acl_may_remove('{a.*}', '!a.b', 'u', 's') AS t, acl_may_remove('{a.*}', '!a.#', 'u', 's') AS f, acl_may_remove('{#,!!a}', '!!a', 'u', 's') AS f,
       acl_may_add(NULL, 'a', 'u', 's') AS n1, acl_may_remove('{a}', NULL, 'u', 's') AS n2;
SELECT acl_may_add('{a.e*}', 'a.edit', 'u', 's') AS edit_is_update_too, acl_may_add('{#,!auth.tenants.#}', '#', 'u', 's') AS over_a_denial,
       acl_may_add('{#,!a.b}', 'a.*', 'u', 's') AS over_a_denial, acl_may_add('{users.m*}', 'users.me', 'u', 's') AS me_by_letters,
       acl_may_add('{users.me}', 'users.me', 'u', 's') AS me, acl_may_add('{users.me}', 'users.u', 'u', 's') AS own_id;
-- the first that is refused; no ACL gives nothing
SELECT may_add('{a.#}', 'u', 's', '{a.b,b,c}') AS b, may_remove('{a.#}', 'u', 's', '{!a.b,a.c,!b}') AS not_b, may_add('{a.#}', 'u', 's', '{a.b}') AS none,
       may_add(NULL, 'u', 's', '{a}') AS a, may_add('{#}', 'u', 's', '{}') AS nothing_given, may_add('{me}', NULL, NULL, '{None}') AS the_none;
SELECT may_add('{#}', 'u', 's', ARRAY['a', NULL]);
-- 10,000 entries and as many of the caller's; without heads that tell them apart it ends after a number of steps
SELECT may_add(array_agg('a.' || i)::acl, 'u', 's', array_agg('a.' || i)) AS none FROM generate_series(1, 10000) AS i;
SELECT may_add(acl '{#}' || array_agg('!*' || i)::acl, 'u', 's', array_agg('*' || i || '.x')) FROM generate_series(2, 10000) AS i;

-- which entry decided
SELECT w, d.* FROM unnest(ARRAY['a.b', 'a.c', 'a.me.x', 'a.u1.x', 'z', NULL]) AS w,
    LATERAL acl_decide('{b,a.*,!a.c,!a.#,a.me.x,!nothing}', w, 'u1', 's1') AS d;
SELECT d.* FROM acl_decide('{q,a.*,a.b}', 'a.b', 'u1', 's1') AS d;

-- the contract's vectors, every one but those of the departures: a final
-- newline is not tolerated, the auth id is literal
\set vectors `cat "$PG_ABS_SRCDIR"/data/acl_vectors.json`
CREATE TEMP TABLE vector AS
SELECT n, v->>'tag' AS tag, v->>'required' AS required, v->>'auth_id' AS auth_id, v->>'session_id' AS session_id,
       (v->>'expected')::boolean AS expected, (v->>'may_add')::boolean AS may_add, (v->>'may_remove')::boolean AS may_remove,
       ARRAY(SELECT e FROM jsonb_array_elements_text(v->'acl') WITH ORDINALITY AS t(e, i) ORDER BY i)::acl AS acl
  FROM jsonb_array_elements(:'vectors'::jsonb->'vectors') WITH ORDINALITY AS t(v, n);
SELECT count(*) FROM vector;
SELECT CASE WHEN required LIKE E'%\n' THEN 'newline' ELSE tag END AS departure, count(*) AS answers_changed
  FROM vector
 WHERE acl_grants(acl, required, auth_id, session_id) <> expected GROUP BY 1 ORDER BY 1;
SELECT count(*) AS wrong FROM vector
 WHERE coalesce(required, '') NOT LIKE E'%\n' AND tag NOT LIKE 'quirk%'
   AND (acl_grants(acl, required, auth_id, session_id) <> expected
     OR acl_grants_cached(acl, required, auth_id, session_id) <> expected
     OR acl_may_add(acl, required, auth_id, session_id) AND NOT may_add
     OR acl_may_remove(acl, required, auth_id, session_id) AND NOT may_remove
     OR (SELECT granted FROM acl_decide(acl, required, auth_id, session_id)) <> expected);
-- there and back
SELECT count(*) AS changed FROM vector WHERE acl::text::acl <> acl OR acl::text[]::acl <> acl;

-- an ACL that is asked again is compiled: the answers stay
SELECT count(*) FILTER (WHERE acl_grants(a.acl, v.required, v.auth_id, v.session_id)) =
       count(*) FILTER (WHERE (SELECT granted FROM acl_decide(a.acl, v.required, v.auth_id, v.session_id))) AS equal,
       count(*) AS checks
  FROM (SELECT acl FROM vector WHERE n % 100 = 0) AS a, (SELECT * FROM vector WHERE n % 10 = 0 AND required IS NOT NULL) AS v;

-- the cache is bounded and forgets the least recently used
SET wazo_auth.acl_cache_size = 64;
SELECT count(*) FILTER (WHERE acl_grants_cached(array_append(array_fill('a.b' || i, ARRAY[20]), 'g.#')::acl, 'g.' || i, 'u', 's')) AS granted
  FROM generate_series(1, 2000) AS i, generate_series(1, 2);
SELECT bytes <= 64 * 1024 AS bounded, sets > 10 AS used, evictions > 1000 AS evicted FROM acl_cache_stats();
SELECT acl_grants_cached(array_fill(repeat('a', 1000), ARRAY[100])::acl || '{g}', 'g', 'u', 's') AS larger_than_the_cache
  FROM generate_series(1, 3);
SELECT bytes <= 64 * 1024 AS bounded FROM acl_cache_stats();
SET wazo_auth.acl_cache_size = 0;
SELECT acl_grants_cached('{g}', 'g', 'u', 's') AS without_a_cache FROM generate_series(1, 3);
SELECT sets, bytes FROM acl_cache_stats();
RESET wazo_auth.acl_cache_size;

-- a compiled set that would not fit is matched directly
SET wazo_auth.acl_cache_size = 16;
SELECT acl_grants_cached(array_agg('a.b.c.d.e.f' || i || '.*')::acl, 'a.b.c.d.e.f7.x', 'u', 's') AS granted FROM generate_series(1, 600) AS i, generate_series(1, 1) AS j;
SELECT bytes <= 16 * 1024 AS bounded FROM acl_cache_stats();
RESET wazo_auth.acl_cache_size;

-- a hostile list is answered at once
SET statement_timeout = '10min';
SELECT acl_grants(array_fill(repeat('#a', 512), ARRAY[1000])::acl, repeat('a', 60000) || 'b', 'u', 's') AS f;

-- further hostile ones: refused, or answered in linear time
SELECT array_to_string(array_fill('a'::text, ARRAY[10000]), '.') AS segments, repeat('x', 1048576) AS megabyte \gset
SELECT acl_of(:'segments');
SELECT acl_of(:'megabyte');
SELECT acl '{a.#,#.b}' @> :'segments' AS t, acl '{#.b}' @> :'segments' AS f, acl '{#}' @> :'megabyte' AS beyond_the_limit;
SELECT acl_of(VARIADIC array_fill(repeat('#', 1024), ARRAY[1024])) @> :'segments' AS t;
SELECT acl_of(VARIADIC array_fill(repeat('#.', 512), ARRAY[1024])) @> :'segments' AS f;
SELECT acl_of(VARIADIC array_fill(repeat('*.', 512), ARRAY[1024])) @> repeat('a.', 32000) AS f;
SELECT acl_of(VARIADIC array_fill(repeat('*#', 512), ARRAY[1024])) @> repeat('a.', 32000) AS t;
SELECT acl_grants(acl_of(VARIADIC array_fill(repeat('#me.', 256), ARRAY[200])), repeat('a.', 30000), 'a', 'a') AS f;
-- explaining them is bounded too
SELECT acl_nearest(acl_of(VARIADIC array_fill(repeat('#a*.', 30) || 'x', ARRAY[1000])), repeat('b.', 30) || 'y', 'u', 's') IS NOT NULL AS answered;
SELECT acl_nearest(acl_of(VARIADIC array_fill(repeat('#.', 31), ARRAY[1000])), :'segments', 'u', 's');
-- text that is none
SELECT acl_of(convert_from('\x612eff', 'UTF8'));
SELECT acl '{#}' @> convert_from('\xc080', 'UTF8');
