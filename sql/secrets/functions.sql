-- Secrets: the digest under which tokens are stored, and sealed values.

CREATE OR REPLACE FUNCTION wazo_auth.token_digest(token uuid)
    RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_token_digest';
COMMENT ON FUNCTION wazo_auth.token_digest(uuid) IS
'Key under which a token is stored: the first 16 bytes of the SHA-256 of its lower-case text, as uuid. The token '
'itself is stored nowhere.';

CREATE OR REPLACE FUNCTION wazo_auth.seal(plaintext text, context text)
    RETURNS bytea
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_seal';
COMMENT ON FUNCTION wazo_auth.seal(text, text) IS
'Encrypts a text with the current key of wazo_auth.secret_key_file (AES-256-GCM). context says where the value '
'belongs; unsealing needs the same. Errors: F0000 without a usable key file, 54000 over 1 MiB.';

CREATE OR REPLACE FUNCTION wazo_auth.unseal(sealed bytea, context text)
    RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_unseal';
COMMENT ON FUNCTION wazo_auth.unseal(bytea, text) IS
'Gives back what wazo_auth.seal() sealed for the same context. Errors: 22023 not a sealed value, 22000 changed or of '
'another context, F0000 its key is not in the key file.';

CREATE OR REPLACE FUNCTION wazo_auth.reseal(sealed bytea, context text)
    RETURNS bytea
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_reseal';
COMMENT ON FUNCTION wazo_auth.reseal(bytea, text) IS
'Seals a sealed value anew with the current key, for the rotation of keys; the value itself when it has that key '
'already. Errors: as wazo_auth.unseal() and wazo_auth.seal().';

CREATE OR REPLACE FUNCTION wazo_auth.sealed_key_id(sealed bytea)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_sealed_key_id';
COMMENT ON FUNCTION wazo_auth.sealed_key_id(bytea) IS
'Id of the key that a value is sealed with. Errors: 22023 not a sealed value.';

CREATE OR REPLACE FUNCTION wazo_auth.seal_key_id()
    RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_seal_key_id';
COMMENT ON FUNCTION wazo_auth.seal_key_id() IS
'Id of the key that new values are sealed with: the first one of wazo_auth.secret_key_file. Errors: F0000 without a '
'usable key file.';
