-- Passwords: argon2id for new ones, upstream's PBKDF2-SHA512 as imported.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
-- little memory: this tests meaning, not strength
SET wazo_auth.argon2_memory = 1024;

-- a new hash: its form, its salt, its check
SELECT wazo_auth.password_hash('pässword')
     ~ '^\$argon2id\$v=19\$m=1024,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$' AS form;
SELECT wazo_auth.password_hash('a') <> wazo_auth.password_hash('a') AS salted;
CREATE TEMPORARY TABLE hashed AS
SELECT p, wazo_auth.password_hash(p) AS h
  FROM unnest(ARRAY['a', 'pässword', ' blanks ', repeat('x', 4096), e'line\nbreak']) AS p;
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE wazo_auth.password_verify(a.p, b.h) = (a.p = b.p)) AS right_answers
  FROM hashed AS a, hashed AS b;
SELECT wazo_auth.password_verify('e' || chr(769), wazo_auth.password_hash(chr(233))) AS normalised;

-- a hash of the reference implementation
SELECT wazo_auth.password_verify('pässword',
    '$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$tmg8kTzmJLkguc2kOGId3nFi6amvRKU5PrSeYJW6QRk');
SELECT wazo_auth.password_verify('x',
    '$argon2id$v=19$m=64,t=1,p=4$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4') AS four_lanes;

-- upstream's hash: hashlib.pbkdf2_hmac('sha512', 'pässword'.encode(), bytes(range(64)), 250000)
SELECT decode(string_agg(lpad(to_hex(i), 2, '0'), '' ORDER BY i), 'hex') AS salt
  FROM generate_series(0, 63) AS i
\gset
SELECT wazo_auth.password_from_upstream(
    'd40347bc5e41cb01be537f67d50b9edec9b0dee2714047e1fc1417cac65c8619896cdfea4ada1d5ba340c8efa2c0409e3642bfe1f54b1fa771273a0d355859d7',
    :'salt') AS imported
\gset
SELECT :'imported' AS imported;
SELECT wazo_auth.password_verify('pässword', :'imported') AS good,
       wazo_auth.password_verify('password', :'imported') AS bad;
SELECT wazo_auth.password_from_upstream(repeat('0', 127), :'salt');
SELECT wazo_auth.password_from_upstream(repeat('g', 128), :'salt');
SELECT wazo_auth.password_from_upstream(repeat('0', 128), '\x00');
SELECT wazo_auth.password_from_upstream(NULL, :'salt') IS NULL AS no_password;

-- whether the next login has to hash anew
SELECT wazo_auth.password_needs_rehash(wazo_auth.password_hash('a')) AS same,
       wazo_auth.password_needs_rehash(:'imported') AS imported,
       wazo_auth.password_needs_rehash('junk') AS junk,
       wazo_auth.password_needs_rehash(NULL) IS NULL AS no_hash;
SELECT wazo_auth.password_hash('a') AS old \gset
SET wazo_auth.argon2_iterations = 3;
SELECT wazo_auth.password_needs_rehash(:'old') AS other_iterations,
       wazo_auth.password_verify('a', :'old') AS still_valid;
RESET wazo_auth.argon2_iterations;

-- what may stand in a table and is no usable hash
SELECT h, wazo_auth.password_verify('x', h)
  FROM unnest(ARRAY[NULL, '', 'x', '$argon2id$', '$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4',
    '$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4',
    '$argon2id$v=19$m=64,t=1000000000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4',
    '$argon2id$v=19$m=64,t=1,p=64$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4',
    '$pbkdf2-sha512$i=1000000000$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQbpAmNMT6qkKMOktv9TolyNrICaY9rZHnU5PF4',
    '$argon2id$v=19$m=64,t=1,p=4$MDEyMzQ1Njc4OWFiY2RlZg$L3dslQ']) AS h;
SELECT wazo_auth.password_verify(NULL, NULL) AS nothing_at_all;

-- bounds of a password; no message shows it
SELECT wazo_auth.password_hash('');
SELECT wazo_auth.password_hash(repeat('s', 4097));
SELECT wazo_auth.password_verify(repeat('x', 4097),
    (SELECT h FROM hashed WHERE length(p) = 4096)) AS too_long;

-- bounds of the settings
\set VERBOSITY sqlstate
SET wazo_auth.argon2_memory = '1GB';
\set VERBOSITY default
SET wazo_auth.argon2_iterations = 0;
SET wazo_auth.argon2_parallelism = 100;
SET ROLE pg_monitor;
SET wazo_auth.argon2_memory = 1024;
RESET ROLE;

-- an unknown login costs what a known one costs, at full memory
RESET wazo_auth.argon2_memory;
CREATE FUNCTION pg_temp.cost(hash text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before record := wazo_auth.hashes_computed();
    later record;
BEGIN
    PERFORM wazo_auth.password_verify('wrong', hash);
    later := wazo_auth.hashes_computed();
    RETURN format('%s argon2id, %s kB', later.argon2id - before.argon2id, later.argon2id_kb - before.argon2id_kb);
END
$$;
SELECT pg_temp.cost(wazo_auth.password_hash('a')) AS known, pg_temp.cost(NULL) AS unknown, pg_temp.cost('junk') AS junk,
       pg_temp.cost(:'old') AS cheap;
SELECT slot_limit > 0 AS has_limit, coalesce(in_use, 0) AS in_use, coalesce(waiting, 0) AS waiting
  FROM wazo_auth.hash_slots();
