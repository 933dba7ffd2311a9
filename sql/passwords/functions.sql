-- Passwords: argon2id for new ones, upstream's PBKDF2-SHA512 as imported.

CREATE OR REPLACE FUNCTION wazo_auth.password_hash(password text)
    RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_hash';
COMMENT ON FUNCTION wazo_auth.password_hash(text) IS
'Hashes a new password with argon2id and the parameters of wazo_auth.argon2_*; returns a PHC string. Errors: 22023 '
'empty, 22001 over 4096 bytes, WA503 too many logins at the same time.';

CREATE OR REPLACE FUNCTION wazo_auth.password_verify(password text, hash text)
    RETURNS bool
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_password_verify';
COMMENT ON FUNCTION wazo_auth.password_verify(text, text) IS
'Whether the password belongs to the stored hash (argon2id or pbkdf2-sha512 PHC string). A NULL or unusable hash '
'costs the same and gives false, so that unknown logins do not show: one hash of each kind that is stored, see '
'wazo_auth.password.kind. Errors: WA503 too many logins at the same time.';

CREATE OR REPLACE FUNCTION wazo_auth.password_needs_rehash(hash text)
    RETURNS bool
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_needs_rehash';
COMMENT ON FUNCTION wazo_auth.password_needs_rehash(text) IS
'Whether a stored hash has another scheme or other parameters than a new one would have. Computes no hash; NULL for '
'NULL.';

CREATE OR REPLACE FUNCTION wazo_auth.password_from_upstream(password_hash text,
  password_salt bytea)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_from_upstream';
COMMENT ON FUNCTION wazo_auth.password_from_upstream(text, bytea) IS
'Joins the columns password_hash (128 hexadecimal digits) and password_salt of an upstream database into one '
'pbkdf2-sha512 PHC string. Errors: 22023 when they are of another form.';

CREATE OR REPLACE FUNCTION wazo_auth.password_kind(hash text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_password_kind';
COMMENT ON FUNCTION wazo_auth.password_kind(text) IS
'Scheme and parameters of a stored hash, as $argon2id$v=19$m=19456,t=2,p=1: what it costs to compute. NULL for a text '
'that is no usable hash.';

CREATE OR REPLACE FUNCTION wazo_auth.hashes_computed(
        OUT argon2id int8, OUT pbkdf2_sha512 int8, OUT argon2id_kb int8)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_hashes_computed';
COMMENT ON FUNCTION wazo_auth.hashes_computed() IS
'How many password hashes of each scheme this connection has computed, and the kilobytes that argon2id went over for '
'them, once per iteration: what they cost.';

CREATE OR REPLACE FUNCTION wazo_auth.hash_slots(
        OUT slot_limit int4, OUT in_use int4,
        OUT waiting int4, OUT shared bool)
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_hash_slots';
COMMENT ON FUNCTION wazo_auth.hash_slots() IS
'How many password hashes may be computed at a time in the whole server, how many are, and how many logins wait. '
'Without shared_preload_libraries shared is false and the counts are NULL.';
