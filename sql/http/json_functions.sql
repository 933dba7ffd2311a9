-- JSON as clients of upstream see it.

CREATE OR REPLACE FUNCTION wazo_auth.json_ascii(document pg_catalog.json)
    RETURNS pg_catalog.text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_ascii';
COMMENT ON FUNCTION wazo_auth.json_ascii(pg_catalog.json) IS
'The document as Python''s json.dumps() writes it: pure ASCII with \uXXXX, one blank after commas and colons; the order of keys and the text of numbers are kept. Errors: 22P05 for \u0000.';

CREATE OR REPLACE FUNCTION wazo_auth.iso_time(value timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT pg_catalog.to_char(iso_time.value,
           CASE WHEN pg_catalog.date_trunc('second', iso_time.value) = iso_time.value THEN 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'
                ELSE 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM' END);
END;
COMMENT ON FUNCTION wazo_auth.iso_time(timestamptz) IS
'A time with its offset as upstream writes it: six digits of a second or none, where JSON of PostgreSQL leaves out final zeros, which older readers of ISO 8601 refuse (contract: responses.md section 2).';
