-- Passwords: argon2id for new ones, upstream's PBKDF2-SHA512 as imported.

CREATE OR REPLACE FUNCTION wazo_auth.password_hash(password pg_catalog.text)
    RETURNS pg_catalog.text
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_hash';
COMMENT ON FUNCTION wazo_auth.password_hash(pg_catalog.text) IS
'Hashes a new password with argon2id and the parameters of wazo_auth.argon2_*; returns a PHC string. Errors: 22023 '
'empty, 22001 over 4096 bytes, WA503 too many logins at the same time.';

CREATE OR REPLACE FUNCTION wazo_auth.password_verify(password pg_catalog.text, hash pg_catalog.text)
    RETURNS pg_catalog.bool
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_verify';
COMMENT ON FUNCTION wazo_auth.password_verify(pg_catalog.text, pg_catalog.text) IS
'Whether the password belongs to the stored hash (argon2id or pbkdf2-sha512 PHC string). A NULL or unusable hash '
'costs the same and gives false, so that unknown logins do not show: one hash of each kind that is stored, see '
'wazo_auth.password.kind. Errors: WA503 too many logins at the same time.';

CREATE OR REPLACE FUNCTION wazo_auth.password_needs_rehash(hash pg_catalog.text)
    RETURNS pg_catalog.bool
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_needs_rehash';
COMMENT ON FUNCTION wazo_auth.password_needs_rehash(pg_catalog.text) IS
'Whether a stored hash has another scheme or other parameters than a new one would have. Computes no hash; NULL for '
'NULL.';

CREATE OR REPLACE FUNCTION wazo_auth.password_from_upstream(password_hash pg_catalog.text,
  password_salt pg_catalog.bytea)
    RETURNS pg_catalog.text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_from_upstream';
COMMENT ON FUNCTION wazo_auth.password_from_upstream(pg_catalog.text, pg_catalog.bytea) IS
'Joins the columns password_hash (128 hexadecimal digits) and password_salt of an upstream database into one '
'pbkdf2-sha512 PHC string. Errors: 22023 when they are of another form.';

CREATE OR REPLACE FUNCTION wazo_auth.password_kind(hash pg_catalog.text)
    RETURNS pg_catalog.text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_kind';
COMMENT ON FUNCTION wazo_auth.password_kind(pg_catalog.text) IS
'Scheme and parameters of a stored hash, as $argon2id$v=19$m=19456,t=2,p=1: what it costs to compute. NULL for a text '
'that is no usable hash.';

CREATE OR REPLACE FUNCTION wazo_auth.hashes_computed(
        OUT argon2id pg_catalog.int8, OUT pbkdf2_sha512 pg_catalog.int8)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_hashes_computed';
COMMENT ON FUNCTION wazo_auth.hashes_computed() IS
'How many password hashes of each scheme this connection has computed.';

CREATE OR REPLACE FUNCTION wazo_auth.hash_slots(
        OUT slot_limit pg_catalog.int4, OUT in_use pg_catalog.int4,
        OUT waiting pg_catalog.int4, OUT shared pg_catalog.bool)
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_hash_slots';
COMMENT ON FUNCTION wazo_auth.hash_slots() IS
'How many password hashes may be computed at a time in the whole server, how many are, and how many logins wait. '
'Without shared_preload_libraries shared is false and the counts are NULL.';
