-- What the constraint of addresses needs.

CREATE OR REPLACE FUNCTION wazo_auth.is_email_address(address text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_is_email_address';
COMMENT ON FUNCTION wazo_auth.is_email_address(text) IS
'Is this an e-mail address as the API takes them (contract: schemas.md section 1, Email algorithm)?';
