-- The token on whose behalf a transaction runs: for row-level security in the
-- databases of services.

CREATE OR REPLACE FUNCTION wazo_auth.use_token(token uuid) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wazo_auth_use_token';
COMMENT ON FUNCTION wazo_auth.use_token(uuid) IS
'Lets the rest of the transaction run on behalf of a token: may(), may_reach() and current_auth_id() speak for it. Returns whether it is a live token; with null or any other there is none. A revocation that comes later is not seen before the next call.';

CREATE OR REPLACE FUNCTION wazo_auth.may(access text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_may';
COMMENT ON FUNCTION wazo_auth.may(text) IS 'Does the token of use_token() grant the access? False without a live one, null for null.';

CREATE OR REPLACE FUNCTION wazo_auth.may_reach(tenant uuid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_may_reach';
COMMENT ON FUNCTION wazo_auth.may_reach(uuid) IS 'Is this the tenant of the token of use_token(), or one below it? False without a live token, null for null.';

CREATE OR REPLACE FUNCTION wazo_auth.current_auth_id() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'wazo_auth_current_auth_id';
COMMENT ON FUNCTION wazo_auth.current_auth_id() IS 'Whose token use_token() was called with: a user''s uuid, or wazo-auth; null without a live one.';
