-- The type wazo_auth.acl, its casts, operators and operator classes: created
-- once. What may change from version to version is in functions.sql.

CREATE TYPE wazo_auth.acl;

CREATE FUNCTION wazo_auth.acl_in(pg_catalog.cstring)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_in';
COMMENT ON FUNCTION wazo_auth.acl_in(pg_catalog.cstring) IS
'Input of wazo_auth.acl: the syntax of text[], without nulls';

CREATE FUNCTION wazo_auth.acl_out(wazo_auth.acl)
    RETURNS pg_catalog.cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_out';
COMMENT ON FUNCTION wazo_auth.acl_out(wazo_auth.acl) IS
'Output of wazo_auth.acl: the syntax of text[]';

CREATE FUNCTION wazo_auth.acl_recv(pg_catalog.internal)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_recv';
COMMENT ON FUNCTION wazo_auth.acl_recv(pg_catalog.internal) IS
'Binary input of wazo_auth.acl: a version byte, the number of entries, then each with its length';

CREATE FUNCTION wazo_auth.acl_send(wazo_auth.acl)
    RETURNS pg_catalog.bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_send';
COMMENT ON FUNCTION wazo_auth.acl_send(wazo_auth.acl) IS
'Binary output of wazo_auth.acl';

CREATE FUNCTION wazo_auth.acl_typanalyze(pg_catalog.internal)
    RETURNS pg_catalog.bool
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_typanalyze';
COMMENT ON FUNCTION wazo_auth.acl_typanalyze(pg_catalog.internal) IS
'ANALYZE of wazo_auth.acl: also keeps the most common entries';

CREATE TYPE wazo_auth.acl (
    INPUT = wazo_auth.acl_in,
    OUTPUT = wazo_auth.acl_out,
    RECEIVE = wazo_auth.acl_recv,
    SEND = wazo_auth.acl_send,
    ANALYZE = wazo_auth.acl_typanalyze,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE wazo_auth.acl IS
'Ordered list of access patterns, such as {confd.#,auth.users.me.read,!confd.wizard.*}; at most 10,000 entries of '
'1,024 bytes, 1 MiB together';

CREATE FUNCTION wazo_auth.acl_from_array(pg_catalog.text[])
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_from_array';
COMMENT ON FUNCTION wazo_auth.acl_from_array(pg_catalog.text[]) IS
'Cast from text[] to wazo_auth.acl; order and duplicates are kept, nulls are refused';

CREATE FUNCTION wazo_auth.acl_to_array(wazo_auth.acl)
    RETURNS pg_catalog.text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_to_array';
COMMENT ON FUNCTION wazo_auth.acl_to_array(wazo_auth.acl) IS
'Cast from wazo_auth.acl to text[]';

CREATE CAST (pg_catalog.text[] AS wazo_auth.acl)
  WITH FUNCTION wazo_auth.acl_from_array(pg_catalog.text[]) AS ASSIGNMENT;
COMMENT ON CAST (pg_catalog.text[] AS wazo_auth.acl) IS 'each element is one access pattern';
CREATE CAST (wazo_auth.acl AS pg_catalog.text[]) WITH FUNCTION wazo_auth.acl_to_array(wazo_auth.acl) AS ASSIGNMENT;
COMMENT ON CAST (wazo_auth.acl AS pg_catalog.text[]) IS 'each access pattern is one element';

CREATE FUNCTION wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_eq';
COMMENT ON FUNCTION wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl) IS
'Same entries in the same order?';

CREATE FUNCTION wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_ne';
COMMENT ON FUNCTION wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl) IS
'Other entries, or another order?';

CREATE FUNCTION wazo_auth.acl_lt(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_lt';
COMMENT ON FUNCTION wazo_auth.acl_lt(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes: for indexes, not for readers';

CREATE FUNCTION wazo_auth.acl_le(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_le';
COMMENT ON FUNCTION wazo_auth.acl_le(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_gt(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gt';
COMMENT ON FUNCTION wazo_auth.acl_gt(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_ge(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_ge';
COMMENT ON FUNCTION wazo_auth.acl_ge(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes';

CREATE FUNCTION wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl)
    RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_cmp';
COMMENT ON FUNCTION wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl) IS
'Order of the stored bytes: less than, equal to or greater than zero';

CREATE FUNCTION wazo_auth.acl_hash(wazo_auth.acl)
    RETURNS pg_catalog.int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_hash';
COMMENT ON FUNCTION wazo_auth.acl_hash(wazo_auth.acl) IS
'Hash for GROUP BY, DISTINCT and hash joins';

CREATE FUNCTION wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8)
    RETURNS pg_catalog.int8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_hash_extended';
COMMENT ON FUNCTION wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8) IS
'Hash of 64 bits with a seed';

CREATE OPERATOR wazo_auth.= (
    FUNCTION = wazo_auth.acl_eq, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.=), NEGATOR = OPERATOR(wazo_auth.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR wazo_auth.= (wazo_auth.acl, wazo_auth.acl) IS 'same entries in the same order';

CREATE OPERATOR wazo_auth.<> (
    FUNCTION = wazo_auth.acl_ne, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<>), NEGATOR = OPERATOR(wazo_auth.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR wazo_auth.<> (wazo_auth.acl, wazo_auth.acl) IS 'other entries, or another order';

CREATE OPERATOR wazo_auth.< (
    FUNCTION = wazo_auth.acl_lt, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.>), NEGATOR = OPERATOR(wazo_auth.>=),
    RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR wazo_auth.< (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.<= (
    FUNCTION = wazo_auth.acl_le, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.>=), NEGATOR = OPERATOR(wazo_auth.>),
    RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR wazo_auth.<= (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.> (
    FUNCTION = wazo_auth.acl_gt, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<), NEGATOR = OPERATOR(wazo_auth.<=),
    RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR wazo_auth.> (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR wazo_auth.>= (
    FUNCTION = wazo_auth.acl_ge, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.<=), NEGATOR = OPERATOR(wazo_auth.<),
    RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR wazo_auth.>= (wazo_auth.acl, wazo_auth.acl) IS 'order of the stored bytes';

CREATE OPERATOR CLASS wazo_auth.acl_btree_ops DEFAULT FOR TYPE wazo_auth.acl USING btree AS
    OPERATOR 1 wazo_auth.<,
    OPERATOR 2 wazo_auth.<=,
    OPERATOR 3 wazo_auth.=,
    OPERATOR 4 wazo_auth.>=,
    OPERATOR 5 wazo_auth.>,
    FUNCTION 1 wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl);
COMMENT ON OPERATOR CLASS wazo_auth.acl_btree_ops USING btree IS 'order of the stored bytes';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_btree_ops USING btree IS 'order of the stored bytes';

CREATE OPERATOR CLASS wazo_auth.acl_hash_ops DEFAULT FOR TYPE wazo_auth.acl USING hash AS
    OPERATOR 1 wazo_auth.=,
    FUNCTION 1 wazo_auth.acl_hash(wazo_auth.acl),
    FUNCTION 2 wazo_auth.acl_hash_extended(wazo_auth.acl, pg_catalog.int8);
COMMENT ON OPERATOR CLASS wazo_auth.acl_hash_ops USING hash IS 'equality of access pattern lists';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_hash_ops USING hash IS 'equality of access pattern lists';

CREATE FUNCTION wazo_auth.acl_contains(wazo_auth.acl, pg_catalog.text)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_contains';
COMMENT ON FUNCTION wazo_auth.acl_contains(wazo_auth.acl, pg_catalog.text) IS
'Does the ACL grant the access, whoever holds it? The function of the operator @>; me and my_session are only '
'themselves';

CREATE FUNCTION wazo_auth.acl_contained(pg_catalog.text, wazo_auth.acl)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_contained';
COMMENT ON FUNCTION wazo_auth.acl_contained(pg_catalog.text, wazo_auth.acl) IS
'Is the access granted by the ACL, whoever holds it? The function of the operator <@';

CREATE FUNCTION wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_concat';
COMMENT ON FUNCTION wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl) IS
'The entries of the first ACL, then those of the second';

CREATE FUNCTION wazo_auth.acl_sel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int4)
    RETURNS pg_catalog.float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_sel';
COMMENT ON FUNCTION wazo_auth.acl_sel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int4) IS
'Share of rows whose ACL grants an access, for the planner';

CREATE FUNCTION wazo_auth.acl_joinsel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal)
    RETURNS pg_catalog.float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_joinsel';
COMMENT ON FUNCTION wazo_auth.acl_joinsel(pg_catalog.internal, pg_catalog.oid, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal) IS
'Share of pairs of an ACL and an access that it grants, for the planner';

CREATE OPERATOR wazo_auth.@> (
    FUNCTION = wazo_auth.acl_contains, LEFTARG = wazo_auth.acl, RIGHTARG = pg_catalog.text,
    COMMUTATOR = OPERATOR(wazo_auth.<@),
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.@> (wazo_auth.acl, pg_catalog.text) IS 'grants the access';

CREATE OPERATOR wazo_auth.<@ (
    FUNCTION = wazo_auth.acl_contained, LEFTARG = pg_catalog.text, RIGHTARG = wazo_auth.acl,
    COMMUTATOR = OPERATOR(wazo_auth.@>),
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.<@ (pg_catalog.text, wazo_auth.acl) IS 'is granted by';

CREATE FUNCTION wazo_auth.acl_request(access pg_catalog.text, auth_id pg_catalog.text, session_id pg_catalog.text)
    RETURNS pg_catalog.text[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_request';
COMMENT ON FUNCTION wazo_auth.acl_request(pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
'An access and its asker as one value, the right side of the operator @@';

CREATE FUNCTION wazo_auth.acl_grants_request(wazo_auth.acl, pg_catalog.text[])
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_request';
COMMENT ON FUNCTION wazo_auth.acl_grants_request(wazo_auth.acl, pg_catalog.text[]) IS
'Does the ACL grant the request? The function of the operator @@';

CREATE OPERATOR wazo_auth.@@ (
    FUNCTION = wazo_auth.acl_grants_request, LEFTARG = wazo_auth.acl, RIGHTARG = pg_catalog.text[],
    RESTRICT = wazo_auth.acl_sel, JOIN = wazo_auth.acl_joinsel
);
COMMENT ON OPERATOR wazo_auth.@@ (wazo_auth.acl, pg_catalog.text[]) IS
'grants the request of acl_request(access, auth_id, session_id)';

CREATE OPERATOR wazo_auth.|| (
    FUNCTION = wazo_auth.acl_concat, LEFTARG = wazo_auth.acl, RIGHTARG = wazo_auth.acl
);
COMMENT ON OPERATOR wazo_auth.|| (wazo_auth.acl, wazo_auth.acl) IS 'the entries of both';

CREATE FUNCTION wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_extract_value';
COMMENT ON FUNCTION wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal) IS
'GIN: the keys of an ACL';

CREATE FUNCTION wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_extract_query';
COMMENT ON FUNCTION wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: the keys of an access';

CREATE FUNCTION wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_consistent';
COMMENT ON FUNCTION wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: may the ACL grant the access?';

CREATE FUNCTION wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
  pg_catalog.internal, pg_catalog.internal, pg_catalog.internal)
    RETURNS pg_catalog."char"
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_gin_triconsistent';
COMMENT ON FUNCTION wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl,
  pg_catalog.int4, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal) IS
'GIN: may the ACL grant the access, as far as is known?';

CREATE OPERATOR CLASS wazo_auth.acl_gin_ops DEFAULT FOR TYPE wazo_auth.acl USING gin AS
    OPERATOR 1 wazo_auth.@> (wazo_auth.acl, pg_catalog.text),
    OPERATOR 2 wazo_auth.@@ (wazo_auth.acl, pg_catalog.text[]),
    FUNCTION 1 pg_catalog.byteacmp(pg_catalog.bytea, pg_catalog.bytea),
    FUNCTION 2 wazo_auth.acl_gin_extract_value(wazo_auth.acl, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 3 wazo_auth.acl_gin_extract_query(wazo_auth.acl, pg_catalog.internal, pg_catalog.int2, pg_catalog.internal,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 4 wazo_auth.acl_gin_consistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    FUNCTION 6 wazo_auth.acl_gin_triconsistent(pg_catalog.internal, pg_catalog.int2, wazo_auth.acl, pg_catalog.int4,
      pg_catalog.internal, pg_catalog.internal, pg_catalog.internal),
    STORAGE pg_catalog.bytea;
COMMENT ON OPERATOR CLASS wazo_auth.acl_gin_ops USING gin IS
'which ACLs grant an access: keys are the literal heads of the patterns';
COMMENT ON OPERATOR FAMILY wazo_auth.acl_gin_ops USING gin IS 'which ACLs grant an access';

CREATE FUNCTION wazo_auth.acl_agg_trans(pg_catalog.internal, wazo_auth.acl)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_agg_trans';
COMMENT ON FUNCTION wazo_auth.acl_agg_trans(pg_catalog.internal, wazo_auth.acl) IS
'One row of the aggregate acl_agg';

CREATE FUNCTION wazo_auth.acl_agg_final(pg_catalog.internal)
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_agg_final';
COMMENT ON FUNCTION wazo_auth.acl_agg_final(pg_catalog.internal) IS
'Result of the aggregate acl_agg';

CREATE AGGREGATE wazo_auth.acl_agg(wazo_auth.acl) (
    SFUNC = wazo_auth.acl_agg_trans,
    STYPE = pg_catalog.internal,
    FINALFUNC = wazo_auth.acl_agg_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE wazo_auth.acl_agg(wazo_auth.acl) IS
'The entries of all ACLs in the order of the rows; nulls are left out, no row at all gives null';

CREATE FUNCTION wazo_auth.acl_grants_support(pg_catalog.internal)
    RETURNS pg_catalog.internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_support';
COMMENT ON FUNCTION wazo_auth.acl_grants_support(pg_catalog.internal) IS
'Planner support of acl_grants: lets an index on the ACL column serve it, and estimates how many rows it leaves';
