-- Token digests: the key under which a token is stored.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;

-- the definition, written with PostgreSQL's own functions
SELECT count(*) AS tokens,
       count(*) FILTER (WHERE wazo_auth.token_digest(u)
           = encode(substr(sha256(convert_to(u::text, 'UTF8')), 1, 16), 'hex')::uuid) AS equal
  FROM (SELECT gen_random_uuid() AS u FROM generate_series(1, 1000)) AS t;
SELECT wazo_auth.token_digest('00000000-0000-4000-8000-000000000000');
SELECT wazo_auth.token_digest('F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6')
     = wazo_auth.token_digest('f81d4fae-7dec-11d0-a765-00a0c91e6bf6') AS case_has_no_part;
SELECT wazo_auth.token_digest(NULL) IS NULL AS null_in_null_out;
