-- Secrets: the digest under which tokens are stored, and sealed values.

CREATE OR REPLACE FUNCTION wazo_auth.token_digest(token pg_catalog.uuid)
    RETURNS pg_catalog.uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_token_digest';
COMMENT ON FUNCTION wazo_auth.token_digest(pg_catalog.uuid) IS
'Key under which a token is stored: the first 16 bytes of the SHA-256 of its lower-case text, as uuid. The token itself is stored nowhere.';
