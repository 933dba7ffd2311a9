-- Roles belong to the cluster and not to the database: another database may
-- have made them, and DROP EXTENSION leaves them.
DO $$
DECLARE
  v_role text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I', v_role);
    END IF;
  END LOOP;
END
$$;

COMMENT ON ROLE wazo_auth_front IS 'wazo_auth: may execute wazo_auth.http() and the token check; the HTTP front logs in with it';
COMMENT ON ROLE wazo_auth_service IS 'wazo_auth: may validate tokens, nothing else; for daemons beside the database';
COMMENT ON ROLE wazo_auth_admin IS 'wazo_auth: may execute the management functions';
-- The front's parameters hold tokens and passwords; they must not reach the
-- server's log, however much it logs.
ALTER ROLE wazo_auth_front SET log_parameter_max_length = 0;
ALTER ROLE wazo_auth_front SET log_parameter_max_length_on_error = 0;
-- Settings of a role are not those of its members; the front sets these itself.
GRANT SET ON PARAMETER log_parameter_max_length, log_parameter_max_length_on_error TO wazo_auth_front;
-- What counts under a lock (the session cap, one refresh token per client)
-- must see what was committed before the lock was given, whatever the
-- database's default is.
ALTER ROLE wazo_auth_front SET default_transaction_isolation = 'read committed';
ALTER ROLE wazo_auth_admin SET default_transaction_isolation = 'read committed';
