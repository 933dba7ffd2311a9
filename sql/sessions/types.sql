CREATE TYPE wazo_auth.token_status AS ENUM ('valid', 'unknown', 'access_denied', 'tenant_denied');
COMMENT ON TYPE wazo_auth.token_status IS
'Answer of wazo_auth.token_check(): valid; unknown or expired; the access is not granted; the tenant is not the '
'owner''s nor below it';
