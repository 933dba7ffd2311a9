-- Before the tables, whose constraints use it.
CREATE OR REPLACE FUNCTION wazo_auth.normal_domain(name text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_normal_domain';
COMMENT ON FUNCTION wazo_auth.normal_domain(text) IS
'The form of a domain name that stands for all of its spellings: in lower case, without the final dot, and in ASCII '
'(IDNA). The text itself when it is no domain name.';
