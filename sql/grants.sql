-- Who may do what (the only place that says so). Nobody gets a right to a
-- table: the functions are the interface.
-- What this script has made belongs to its owner alone, whatever default
-- privileges say; what people granted on older objects stays.
DO $$
DECLARE
  v_revoke text;
BEGIN
  FOR v_revoke IN
    WITH made AS (
      SELECT d.classid, d.objid FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
      WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
        AND d.objid <> ALL (string_to_array(current_setting('wazo_auth_script.members'), ' ')::oid[])
    ), object (kind, name, owner, acl) AS (
      SELECT 'SCHEMA', 'wazo_auth', n.nspowner, COALESCE(n.nspacl, acldefault('n', n.nspowner))
      FROM pg_namespace n
      WHERE n.nspname = 'wazo_auth' AND current_setting('wazo_auth_script.members') = ''
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, c.relacl
      FROM pg_class c JOIN made m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      UNION ALL
      SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, COALESCE(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p JOIN made m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
      UNION ALL
      -- Of the others a right cannot be taken away: they have those of a table or an element.
      SELECT 'TYPE', t.oid::regtype::text, t.typowner, COALESCE(t.typacl, acldefault('T', t.typowner))
      FROM pg_type t JOIN made m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
      LEFT JOIN pg_class r ON r.oid = t.typrelid
      WHERE NOT (t.typcategory = 'A' AND t.typelem <> 0) AND COALESCE(r.relkind, 'c') = 'c'
    )
    SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, o.name,
             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
    FROM object o, aclexplode(o.acl) a
    WHERE a.grantee <> o.owner
  LOOP
    EXECUTE v_revoke;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA wazo_auth TO wazo_auth_front, wazo_auth_service, wazo_auth_admin;
GRANT USAGE ON TYPE wazo_auth.acl TO wazo_auth_service, wazo_auth_admin;

GRANT EXECUTE ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) TO wazo_auth_front;
GRANT EXECUTE ON FUNCTION wazo_auth.http_batch(text[], text[], text[], integer[], bytea[], text[]) TO wazo_auth_front;
GRANT EXECUTE ON FUNCTION wazo_auth.token_check(uuid, text, uuid) TO wazo_auth_front, wazo_auth_service;
GRANT EXECUTE ON FUNCTION wazo_auth.wait_for_transaction(xid8, interval) TO wazo_auth_service, wazo_auth_admin;
-- The start of a front says that its database is the live one.
GRANT EXECUTE ON FUNCTION wazo_auth.go_live(), wazo_auth.metrics() TO wazo_auth_front;
GRANT EXECUTE ON FUNCTION
  wazo_auth.check_request(uuid, text, uuid),
  wazo_auth.check_requests(uuid[], text[], uuid[]),
  wazo_auth.token_get(uuid, text, uuid)
TO wazo_auth_service, wazo_auth_admin;

GRANT EXECUTE ON FUNCTION
  wazo_auth.add_group_policy(uuid, uuid),
  wazo_auth.add_group_user(uuid, uuid),
  wazo_auth.add_policy_access(uuid, text),
  wazo_auth.add_saml_key(uuid),
  wazo_auth.add_user_policy(uuid, uuid),
  wazo_auth.apply_configuration(jsonb),
  wazo_auth.ask_for_mail(text, text, text, text, integer, text),
  wazo_auth.bootstrap(text, text, text, text),
  wazo_auth.change_password(uuid, text, text),
  wazo_auth.configure(jsonb),
  wazo_auth.confirm_email(uuid, uuid, boolean),
  wazo_auth.count_failed_login(text, text),
  wazo_auth.create_external_auth(uuid, text, jsonb),
  wazo_auth.create_external_auth_config(text, uuid, jsonb),
  wazo_auth.create_group(uuid, text, text, uuid),
  wazo_auth.create_policy(uuid, text, wazo_auth.acl, text, text, boolean, boolean),
  wazo_auth.create_saml_config(uuid, uuid, text, text, text),
  wazo_auth.create_tenant(uuid, text, text, uuid, text, uuid, text, text[], wazo_auth.postal_address, uuid),
  wazo_auth.create_user(uuid, text, text, text, text, text, text, text, boolean, uuid),
  wazo_auth.delete_expired_refresh_tokens(integer),
  wazo_auth.delete_expired_saml_logins(integer),
  wazo_auth.delete_expired_sessions(integer),
  wazo_auth.delete_unused_acl_sets(integer),
  wazo_auth.delete_login_failures(integer),
  wazo_auth.delete_external_auth(uuid, text),
  wazo_auth.delete_external_auth_config(text, uuid),
  wazo_auth.delete_group(uuid),
  wazo_auth.delete_policy(uuid),
  wazo_auth.delete_saml_config(uuid),
  wazo_auth.delete_session(uuid),
  wazo_auth.delete_tenant(uuid),
  wazo_auth.delete_user(uuid),
  wazo_auth.drop_saml_key(uuid),
  wazo_auth.end_reused_refresh_token(text, text),
  wazo_auth.external_auth(uuid, text),
  wazo_auth.forget_breached_passwords(),
  wazo_auth.external_auth_config(text, uuid),
  wazo_auth.go_live(),
  wazo_auth.health(boolean),
  wazo_auth.hold(),
  wazo_auth.hold_reason(text),
  wazo_auth.import_breached_passwords(text),
  wazo_auth.import_password(uuid, text, bytea),
  wazo_auth.keep_audit(integer),
  wazo_auth.list_audit(uuid, jsonb),
  wazo_auth.list_policies(jsonb, uuid, boolean, uuid, uuid, uuid),
  wazo_auth.list_tenants(uuid, jsonb),
  wazo_auth.mail_template(text),
  wazo_auth.mail_template_variables(text),
  wazo_auth.move_tenant(uuid, uuid),
  wazo_auth.register_access(text, text),
  wazo_auth.register_user(text, text, text, text, text),
  wazo_auth.remove_group_policy(uuid, uuid),
  wazo_auth.remove_group_user(uuid, uuid),
  wazo_auth.remove_policy_access(uuid, text),
  wazo_auth.remove_user_policy(uuid, uuid),
  wazo_auth.replace_emails(uuid, text[], text, boolean[]),
  wazo_auth.reset_administrator(text, text),
  wazo_auth.replace_external_auth_config(text, uuid, jsonb),
  wazo_auth.reset_password(uuid, text, uuid),
  wazo_auth.resolve_login(text),
  wazo_auth.retry_parked_events(bigint),
  wazo_auth.retry_parked_mails(bigint),
  wazo_auth.revoke_refresh_token(uuid, text),
  wazo_auth.set_authentication_method(uuid, text),
  wazo_auth.set_external_auth(uuid, text, jsonb),
  wazo_auth.set_ldap_config(uuid, jsonb),
  wazo_auth.set_mail_template(text, text),
  wazo_auth.saml_sp_metadata(uuid),
  wazo_auth.set_password(uuid, text),
  wazo_auth.switch_saml_keys(uuid),
  wazo_auth.tick(integer),
  wazo_auth.shown_configuration(),
  wazo_auth.token_create(text, text, integer, text, text, text, boolean, text, text, text, jsonb),
  wazo_auth.token_delete(uuid),
  wazo_auth.unlock_login(text),
  wazo_auth.unlock_network(cidr),
  wazo_auth.unlock_user(uuid),
  wazo_auth.update_external_auth(uuid, text, jsonb),
  wazo_auth.update_group(uuid, text),
  wazo_auth.update_policy(uuid, text, wazo_auth.acl, text),
  wazo_auth.update_saml_config(uuid, uuid, text, text, text),
  wazo_auth.update_tenant(uuid, text, text, uuid, text, text[], wazo_auth.postal_address, uuid),
  wazo_auth.update_user(uuid, text, text, text, text, text, boolean),
  wazo_auth.user_acl(uuid, text),
  wazo_auth.worker_states()
TO wazo_auth_admin;
GRANT EXECUTE ON FUNCTION
  wazo_auth.token_check(uuid, text, uuid)
TO wazo_auth_admin;

GRANT EXECUTE ON FUNCTION
  wazo_auth.emit_event(text, uuid, text, json, uuid, uuid, text),
  wazo_auth.http(text, text, text[], bytea, text),
  wazo_auth.list_external_auth(uuid, jsonb),
  wazo_auth.list_external_auth_users(uuid, jsonb, text),
  wazo_auth.list_groups(uuid, jsonb, uuid),
  wazo_auth.list_refresh_tokens(uuid, jsonb, uuid, boolean),
  wazo_auth.list_sessions(uuid, jsonb, uuid),
  wazo_auth.list_users(uuid, jsonb, uuid),
  wazo_auth.top_tenant_uuid()
TO wazo_auth_admin;

-- Kinds of external accounts that others have registered.
GRANT EXECUTE ON FUNCTION
  wazo_auth.create_own_external_auth(uuid, text, jsonb),
  wazo_auth.delete_own_external_auth(uuid, text),
  wazo_auth.own_external_auth(uuid, text),
  wazo_auth.own_external_auth_config(text, uuid),
  wazo_auth.register_external_auth_type(text, text, jsonb, text, interval),
  wazo_auth.set_own_external_auth(uuid, text, jsonb)
TO wazo_auth_plugin;

-- What registered functions are written with, and how they are registered.
GRANT EXECUTE ON FUNCTION wazo_auth.import_crypt_password(uuid, text), wazo_auth.registration_states()
TO wazo_auth_admin;
GRANT SELECT ON wazo_auth.registrations TO wazo_auth_admin;
GRANT USAGE ON SCHEMA wazo_auth TO wazo_auth_plugin;
GRANT USAGE ON TYPE wazo_auth.http_request, wazo_auth.http_response, wazo_auth.login_attempt, wazo_auth.login_answer
TO wazo_auth_plugin;
GRANT EXECUTE ON FUNCTION
  wazo_auth.build_oauth2_redirect_url(text),
  wazo_auth.http_header(wazo_auth.http_request, text),
  wazo_auth.json_response(json, integer, text[]),
  wazo_auth.raise_error(integer, text, text, json, text, json),
  wazo_auth.register_backend(text, text, text, text, text, boolean, text, interval),
  wazo_auth.register_check(text, text, integer[], text, text, interval),
  wazo_auth.register_idp(text, text, numeric, text, boolean, text, interval),
  wazo_auth.register_mail_sender(text, text, text, interval),
  wazo_auth.register_metadata(text, text, text, text, interval),
  wazo_auth.register_oauth2_callback(text, text, text, interval),
  wazo_auth.register_route(
    text, text, text, text, text[], text, text, text, text, integer, integer[], boolean, text, text, text, interval),
  wazo_auth.unregister(text, text),
  wazo_auth.wait_for_oauth2(text, uuid, text, jsonb)
TO wazo_auth_plugin;

-- Questions about accesses: the type's own functions tell nothing about anybody,
-- the others everything.
GRANT EXECUTE ON FUNCTION
  wazo_auth.acl_agg(wazo_auth.acl),
  wazo_auth.acl_cmp(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_concat(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_contained(text, wazo_auth.acl),
  wazo_auth.acl_contains(wazo_auth.acl, text),
  wazo_auth.acl_decide(wazo_auth.acl, text, text, text),
  wazo_auth.acl_eq(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_from_array(text[]),
  wazo_auth.acl_grants(wazo_auth.acl, text, text, text),
  wazo_auth.acl_grants_request(wazo_auth.acl, text[]),
  wazo_auth.acl_has_negative(wazo_auth.acl),
  wazo_auth.acl_hash(wazo_auth.acl),
  wazo_auth.acl_length(wazo_auth.acl),
  wazo_auth.acl_may_add(wazo_auth.acl, text, text, text),
  wazo_auth.acl_may_remove(wazo_auth.acl, text, text, text),
  wazo_auth.acl_ne(wazo_auth.acl, wazo_auth.acl),
  wazo_auth.acl_nearest(wazo_auth.acl, text, text, text),
  wazo_auth.acl_of(text[]),
  wazo_auth.acl_refuses(wazo_auth.acl, text),
  wazo_auth.acl_request(text, text, text),
  wazo_auth.acl_to_array(wazo_auth.acl),
  wazo_auth.can(text),
  wazo_auth.can_reach(uuid),
  wazo_auth.current_tenant_uuid(),
  wazo_auth.current_user_uuid(),
  wazo_auth.set_token(uuid)
TO wazo_auth_admin, wazo_auth_service;
GRANT EXECUTE ON FUNCTION
  wazo_auth.explain_access(uuid, text, uuid, timestamptz),
  wazo_auth.explain_token_access(uuid, text),
  wazo_auth.policy_impact(uuid, wazo_auth.acl),
  wazo_auth.user_policies(uuid, text),
  wazo_auth.what_grants(text, uuid, boolean),
  wazo_auth.who_can(text, uuid, boolean)
TO wazo_auth_admin;

-- Reading the events is for who administers; others get it by a GRANT on the
-- view, which shows no secret. So is reading which accesses there are, and the
-- mails that could not be sent.
GRANT EXECUTE ON FUNCTION
  wazo_auth.event_body(json, json),
  wazo_auth.event_headers(text, text, timestamptz, uuid, uuid, text),
  wazo_auth.event_message_id(bigint, timestamptz),
  wazo_auth.origin_uuid()
TO wazo_auth_admin, wazo_auth_service;
GRANT SELECT ON wazo_auth.audit_log, wazo_auth.event_stream, wazo_auth.known_access, wazo_auth.mail_templates,
  wazo_auth.parked_event, wazo_auth.parked_mail, wazo_auth.refused_logins, wazo_auth.settings,
  wazo_auth.worker_status TO wazo_auth_admin;
