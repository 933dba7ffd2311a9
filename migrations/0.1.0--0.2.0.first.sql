-- From 0.1.0 to 0.2.0, before anything is replayed: what is in the way of it. Files of new tables come by
-- themselves.

ALTER TYPE wazo_auth.login_answer
  ADD ATTRIBUTE backend text, ADD ATTRIBUTE args jsonb, ADD ATTRIBUTE record uuid, ADD ATTRIBUTE opened text,
  ADD ATTRIBUTE ends_at timestamptz;
COMMENT ON TYPE wazo_auth.login_answer IS
'What an identity provider answers. taken: the attempt is of its kind, so none after it is asked. user_uuid: who it '
'is, null for nobody. login: under which name, for refresh tokens and the log. metadata: goes into the token. '
'refresh_token: with which it logged in. backend: a registered one, which is asked for metadata and accesses; null '
'for the provider''s. args: what it is told besides the request. record, opened: what a provider of the extension '
'keeps of this login, and the function that is told of the session, schema.function(record, token_digest uuid, '
'refresh_token_digest uuid); null for none. ends_at: when the token, and a refresh token obtained with it, end at the '
'latest; null for no such time';

-- with other arguments or columns now
DROP VIEW wazo_auth.tenant_item;
DROP FUNCTION wazo_auth.hashes_computed();
DROP FUNCTION wazo_auth.tick(integer);
DROP FUNCTION wazo_auth.emit_session_created(uuid, uuid, uuid, boolean);
DROP FUNCTION wazo_auth.log_login(text, uuid, text, text);
DROP FUNCTION wazo_auth.check_session_cap(uuid, text);
DROP FUNCTION wazo_auth.obtain_refresh_token(uuid, text, text, boolean, text, text, text);
DROP FUNCTION wazo_auth.register_mail_sender(text, text);
DROP FUNCTION wazo_auth.explain_access(uuid, text, uuid);
DROP FUNCTION wazo_auth.default_settings();
