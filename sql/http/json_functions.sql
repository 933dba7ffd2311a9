-- JSON as clients of upstream see it.

CREATE OR REPLACE FUNCTION wazo_auth.json_ascii(document json)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_ascii';
COMMENT ON FUNCTION wazo_auth.json_ascii(json) IS
'The document as Python''s json.dumps() writes it: pure ASCII with \uXXXX, one blank after commas and colons; the '
'order of keys and the text of numbers are kept. Errors: 22P05 for \u0000.';

CREATE OR REPLACE FUNCTION wazo_auth.iso_time(value timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT to_char(iso_time.value,
           CASE WHEN date_trunc('second', iso_time.value) = iso_time.value
             THEN 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'
                ELSE 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM' END);
END;
COMMENT ON FUNCTION wazo_auth.iso_time(timestamptz) IS
'A time with its offset as upstream writes it: six digits of a second or none, where JSON of PostgreSQL leaves out '
'final zeros, which older readers of ISO 8601 refuse (contract: responses.md section 2).';

CREATE OR REPLACE FUNCTION wazo_auth.json_object(names text[], VARIADIC "values" "any")
    RETURNS json
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_object';
COMMENT ON FUNCTION wazo_auth.json_object(text[], "any") IS
'JSON object of these members in their order, as json_ascii() would write it: booleans, integers, json and jsonb as '
'such, text[] as a list of strings, anything else as a string, null as null. The names must be a constant. Errors: '
'22023 when there are not as many values as names.';

CREATE OR REPLACE FUNCTION wazo_auth.json_list_add(state internal, item json)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_list_add';
COMMENT ON FUNCTION wazo_auth.json_list_add(internal, json) IS
'Transition function of the aggregate wazo_auth.json_list(json).';

CREATE OR REPLACE FUNCTION wazo_auth.json_list_end(state internal)
    RETURNS json
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_json_list_end';
COMMENT ON FUNCTION wazo_auth.json_list_end(internal) IS
'Final function of the aggregate wazo_auth.json_list(json).';

CREATE OR REPLACE AGGREGATE wazo_auth.json_list(pg_catalog.json) (
    SFUNC = wazo_auth.json_list_add,
    STYPE = internal,
    FINALFUNC = wazo_auth.json_list_end,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE wazo_auth.json_list(pg_catalog.json) IS
'JSON array of the items in their order, as json_ascii() would write it; [] when there is none.';
