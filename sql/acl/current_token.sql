-- The token on whose behalf a transaction runs: for row-level security in the
-- databases of services. All but set_token() are stable, so in a sub-select
-- they are asked once per query.

CREATE OR REPLACE FUNCTION wazo_auth.set_token(token uuid) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wazo_auth_set_token';
COMMENT ON FUNCTION wazo_auth.set_token(uuid) IS
'Lets the rest of the transaction run on behalf of a token: can(), can_reach(), current_user_uuid() and '
'current_tenant_uuid() speak for it. Returns whether it is a live token; with null or any other there is none. What '
'is kept are the session''s user, tenant and ACL; each statement sees whether it was revoked or has expired.';

CREATE OR REPLACE FUNCTION wazo_auth.can(access text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_can';
COMMENT ON FUNCTION wazo_auth.can(text) IS
'Does the token of set_token() grant the access? False without a live one, null for null.';

CREATE OR REPLACE FUNCTION wazo_auth.can_reach(tenant uuid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'wazo_auth_can_reach';
COMMENT ON FUNCTION wazo_auth.can_reach(uuid) IS
'Is this the tenant of the token of set_token(), or one below it? False without a live token, null for null.';

CREATE OR REPLACE FUNCTION wazo_auth.current_user_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'wazo_auth_current_user_uuid';
COMMENT ON FUNCTION wazo_auth.current_user_uuid() IS
'Whose token set_token() was called with; null without a live one, and for a token that the service made for itself.';

CREATE OR REPLACE FUNCTION wazo_auth.current_tenant_uuid() RETURNS uuid
LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'wazo_auth_current_tenant_uuid';
COMMENT ON FUNCTION wazo_auth.current_tenant_uuid() IS
'The tenant that the user of current_user_uuid() belongs to now; for a token that the service made for itself that '
'token''s. Null without a live token.';
