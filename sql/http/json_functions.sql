-- JSON as clients of upstream see it.

CREATE OR REPLACE FUNCTION wazo_auth.json_ascii(document pg_catalog.json)
    RETURNS pg_catalog.text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_ascii';
COMMENT ON FUNCTION wazo_auth.json_ascii(pg_catalog.json) IS
'The document as Python''s json.dumps() writes it: pure ASCII with \uXXXX, one blank after commas and colons; the order of keys and the text of numbers are kept. Errors: 22P05 for \u0000.';
