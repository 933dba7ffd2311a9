-- Roles belong to the cluster and not to the database: another database may
-- have made them, and DROP EXTENSION leaves them.
DO $$
DECLARE
  v_role text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin', 'wazo_auth_plugin'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I', v_role);
    END IF;
  END LOOP;
END
$$;

COMMENT ON ROLE wazo_auth_front IS
'wazo_auth: may execute wazo_auth.http(), the token check and wazo_auth.go_live(); the HTTP front logs in with it';
COMMENT ON ROLE wazo_auth_service IS 'wazo_auth: may validate tokens, nothing else; for daemons beside the database';
COMMENT ON ROLE wazo_auth_admin IS 'wazo_auth: may execute the management functions';
COMMENT ON ROLE wazo_auth_plugin IS
'wazo_auth: may register functions that become part of the service and see what it sees: passwords, tokens';
-- What a statement of these roles holds, tokens and passwords, must not reach
-- the server's log, however much it logs: neither as parameters, nor as the
-- constants of a plan made for them, nor as the statement beside an error.
-- docs/security.md says what an administrator can still switch on.
DO $$
DECLARE
  v_role text;
  v_set text;
  -- auto_explain has it from 16 on
  v_explain boolean := pg_catalog.current_setting('server_version_num')::integer >= 160000;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['wazo_auth_front', 'wazo_auth_service', 'wazo_auth_admin'] LOOP
    FOREACH v_set IN ARRAY ARRAY['log_parameter_max_length = 0', 'log_parameter_max_length_on_error = 0',
      'auto_explain.log_parameter_max_length = 0', 'plan_cache_mode = force_generic_plan', 'debug_print_parse = off',
      'debug_print_rewritten = off', 'debug_print_plan = off', 'log_min_error_statement = panic',
      -- What counts under a lock (the session cap, one refresh token per client)
      -- must see what was committed before the lock was given.
      'default_transaction_isolation = ''read committed''']
    LOOP
      IF v_explain OR v_set NOT LIKE 'auto\_explain.%' THEN
        EXECUTE pg_catalog.format('ALTER ROLE %I SET %s', v_role, v_set);
      END IF;
    END LOOP;
  END LOOP;
END
$$;
