CREATE OR REPLACE FUNCTION wazo_auth.grant_parameter(parameter text, role name) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'wazo_auth_grant_parameter';
COMMENT ON FUNCTION wazo_auth.grant_parameter(text, name) IS
'GRANT SET ON PARAMETER for the extension''s script, without a record among its initial privileges: a parameter outlives
the extension. Raises what GRANT raises.';

-- Settings of a role are not those of its members; the front sets these itself.
SELECT wazo_auth.grant_parameter(p, 'wazo_auth_front')
FROM pg_catalog.unnest(ARRAY['log_parameter_max_length', 'log_parameter_max_length_on_error',
                             'auto_explain.log_parameter_max_length']) p
-- auto_explain has it from 16 on
WHERE pg_catalog.current_setting('server_version_num')::integer >= 160000 OR p NOT LIKE 'auto_explain.%';
