-- Questions asked of an ACL. Errors of all of them: 54000 when a value would
-- exceed the limits of wazo_auth.acl.

CREATE OR REPLACE FUNCTION wazo_auth.acl_grants(acl wazo_auth.acl, access text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10 SUPPORT wazo_auth.acl_grants_support
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants';
COMMENT ON FUNCTION wazo_auth.acl_grants(wazo_auth.acl, text, text, text) IS
'Does the ACL grant the access to this holder? auth_id is what me stands for, session_id what my_session stands for; '
'a null one is the text None. A null access is no question: true. An access longer than 64 KiB is never granted.';

CREATE OR REPLACE FUNCTION wazo_auth.acl_grants_cached(acl wazo_auth.acl, access text,
  auth_id text, session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_grants_cached';
COMMENT ON FUNCTION wazo_auth.acl_grants_cached(wazo_auth.acl, text, text, text) IS
'As acl_grants, through the cache of ACL sets that token checks use (see wazo_auth.acl_cache_size): for an ACL that '
'many statements ask one after the other';

CREATE OR REPLACE FUNCTION wazo_auth.may_add(caller wazo_auth.acl, auth_id text, session_id text,
  entries text[])
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_may_add';
COMMENT ON FUNCTION wazo_auth.may_add(wazo_auth.acl, text, text, text[]) IS
'The first of the entries that a caller with this ACL may not put into what others have; null when it may put in all. '
'A positive entry needs one of the caller''s that covers every access it matches, for any holder, and no negative one '
'of the caller''s that matches any of them; a negative entry needs one of the caller''s, positive or negative, that '
'covers it. A null ACL grants nothing. Raises 54000 when it takes too many steps, 22004 for a null entry.';

CREATE OR REPLACE FUNCTION wazo_auth.may_remove(caller wazo_auth.acl, auth_id text,
  session_id text, entries text[])
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_may_remove';
COMMENT ON FUNCTION wazo_auth.may_remove(wazo_auth.acl, text, text, text[]) IS
'The first of the entries that a caller with this ACL may not take out of what others have; null when it may take out '
'all. It needs what may_add needs for a positive entry, one leading ! aside: without a negative entry its holders get '
'what it matches. Raises as may_add does.';

CREATE OR REPLACE FUNCTION wazo_auth.acl_may_add(acl wazo_auth.acl, entry text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_may_add';
COMMENT ON FUNCTION wazo_auth.acl_may_add(wazo_auth.acl, text, text, text) IS
'may_add for one entry: may a caller with this ACL put it into what others have?';

CREATE OR REPLACE FUNCTION wazo_auth.acl_may_remove(acl wazo_auth.acl, entry text, auth_id text,
  session_id text)
    RETURNS bool
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_may_remove';
COMMENT ON FUNCTION wazo_auth.acl_may_remove(wazo_auth.acl, text, text, text) IS
'may_remove for one entry: may a caller with this ACL take it out of what others have?';

CREATE OR REPLACE FUNCTION wazo_auth.acl_decide(acl wazo_auth.acl, access text, auth_id text,
  session_id text, OUT granted bool, OUT entry_number int4, OUT entry text)
    RETURNS record
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_decide';
COMMENT ON FUNCTION wazo_auth.acl_decide(wazo_auth.acl, text, text, text) IS
'The decision of acl_grants and the entry that made it, counted from 1: the first negative one that matches, else the '
'first positive one; nulls when none does';

CREATE OR REPLACE FUNCTION wazo_auth.acl_refuses(acl wazo_auth.acl, access text)
    RETURNS bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_refuses';
COMMENT ON FUNCTION wazo_auth.acl_refuses(wazo_auth.acl, text) IS
'Does a negative entry of the ACL match the access, whoever holds it? Such an ACL refuses the access beside any other';

CREATE OR REPLACE FUNCTION wazo_auth.acl_has_negative(acl wazo_auth.acl)
    RETURNS bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_has_negative';
COMMENT ON FUNCTION wazo_auth.acl_has_negative(wazo_auth.acl) IS
'Has the ACL a negative entry?';

CREATE OR REPLACE FUNCTION wazo_auth.acl_nearest(acl wazo_auth.acl, access text, auth_id text,
  session_id text, OUT entry_number int4, OUT entry text, OUT prefix int4,
  OUT edits int4, OUT missing text)
    RETURNS record
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_nearest';
COMMENT ON FUNCTION wazo_auth.acl_nearest(wazo_auth.acl, text, text, text) IS
'The positive entry that comes nearest to granting the access, counted from 1: it agrees with it for most leading '
'segments (prefix), then needs the fewest segments replaced, added or taken away (edits), then is the first; missing '
'says what these are. Nulls without a positive entry, or when more than 32 segments were to be compared';

CREATE OR REPLACE FUNCTION wazo_auth.acl_length(acl wazo_auth.acl)
    RETURNS int4
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_length';
COMMENT ON FUNCTION wazo_auth.acl_length(wazo_auth.acl) IS
'Number of entries of the ACL';

CREATE OR REPLACE FUNCTION wazo_auth.acl_digest(acl wazo_auth.acl)
    RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_digest';
COMMENT ON FUNCTION wazo_auth.acl_digest(wazo_auth.acl) IS
'Key under which an ACL is stored once: the first 16 bytes of the SHA-256 of its stored form';

CREATE OR REPLACE FUNCTION wazo_auth.acl_of(VARIADIC patterns text[])
    RETURNS wazo_auth.acl
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_from_array';
COMMENT ON FUNCTION wazo_auth.acl_of(text[]) IS
'The ACL of these access patterns. With one column of text as its argument it lets an index on '
'wazo_auth.acl_of(column) serve a table of single patterns';

CREATE OR REPLACE FUNCTION wazo_auth.acl_cache_stats(OUT sets int8, OUT bytes int8,
  OUT hits int8, OUT misses int8, OUT evictions int8)
    RETURNS record
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'wazo_auth_acl_cache_stats';
COMMENT ON FUNCTION wazo_auth.acl_cache_stats() IS
'This server process''s cache of ACL sets: how many, their bytes, and what happened so far';

CREATE OR REPLACE FUNCTION wazo_auth.acls_fit(acls wazo_auth.acl[])
    RETURNS pg_catalog.bool
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'wazo_auth_acls_fit';
COMMENT ON FUNCTION wazo_auth.acls_fit(wazo_auth.acl[]) IS
'Are the ACLs together, each entry counted once, within the limits of one (10,000 entries, 1 MiB)? A null is empty.';
