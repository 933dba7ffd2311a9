-- What is written into the audit log. What is not: test/pgtap/audit.sql has the
-- reasons.
DO $$
DECLARE
  v_table text;
  v_key text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['email', 'external_auth_config', 'external_auth_data', 'group', 'group_policy',
    'group_user', 'identity_provider', 'ldap_config', 'mail_template', 'password', 'policy', 'registration', 'route',
    'saml_config', 'saml_key', 'setting', 'tenant', 'tenant_address', 'tenant_contact', 'tenant_domain', 'user',
    'user_policy']
  LOOP
    v_key := (SELECT string_agg(quote_literal(a.attname), ', ' ORDER BY k.place)
              FROM pg_index i
              CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (attnum, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE i.indrelid = format('wazo_auth.%I', v_table)::regclass AND i.indisprimary);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON wazo_auth.%I REFERENCING NEW TABLE AS rows '
                   'FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.audit_rows(%s)', v_table, v_key);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON wazo_auth.%I REFERENCING OLD TABLE AS rows '
                   'FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.audit_rows(%s)', v_table, v_key);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON wazo_auth.%I FOR EACH ROW '
                   'EXECUTE FUNCTION wazo_auth.audit_update(%s)', v_table, v_key);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_truncate BEFORE TRUNCATE ON wazo_auth.%I FOR EACH STATEMENT '
                   'EXECUTE FUNCTION wazo_auth.audit_truncate(%s)', v_table, v_key);
    EXECUTE format('COMMENT ON TRIGGER audit_truncate ON wazo_auth.%I IS %L', v_table,
                   'Rows that go all at once, for the audit log');
    EXECUTE format('COMMENT ON TRIGGER audit_insert ON wazo_auth.%I IS %L', v_table,
                   'Rows that come, for the audit log');
    EXECUTE format('COMMENT ON TRIGGER audit_delete ON wazo_auth.%I IS %L', v_table, 'Rows that go, for the audit log');
    EXECUTE format('COMMENT ON TRIGGER audit_update ON wazo_auth.%I IS %L', v_table,
                   'Rows that change, for the audit log');
  END LOOP;
END
$$;

CREATE OR REPLACE TRIGGER note_audit_switch AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.setting
FOR EACH ROW EXECUTE FUNCTION wazo_auth.note_audit_switch();
COMMENT ON TRIGGER note_audit_switch ON wazo_auth.setting IS 'Tells the audit log when it begins anew';

CREATE OR REPLACE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON wazo_auth.audit
FOR EACH ROW EXECUTE FUNCTION wazo_auth.forbid_change();
COMMENT ON TRIGGER keep_rows ON wazo_auth.audit IS 'Nobody but the owner changes what is there';

CREATE OR REPLACE TRIGGER keep_all BEFORE TRUNCATE ON wazo_auth.audit
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forbid_change();
COMMENT ON TRIGGER keep_all ON wazo_auth.audit IS 'Nor does away with all of it';

CREATE OR REPLACE TRIGGER keep_all BEFORE TRUNCATE ON wazo_auth.audit_other
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forbid_change();
COMMENT ON TRIGGER keep_all ON wazo_auth.audit_other IS 'Nor does away with all of it';
