-- The settings that there are (contract: config.md section 2).

CREATE OR REPLACE FUNCTION wazo_auth.declare_setting(
  name text, type text, description text, default_value jsonb DEFAULT NULL,
  minimum numeric DEFAULT NULL, maximum numeric DEFAULT NULL, choices text[] DEFAULT NULL,
  pattern text DEFAULT NULL, check_function text DEFAULT NULL, must_be text DEFAULT NULL,
  secret boolean DEFAULT false,
  read_by text DEFAULT 'database', instead text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  secret := COALESCE(secret, false);
  read_by := COALESCE(read_by, 'database');
  IF check_function IS NOT NULL AND to_regprocedure(check_function || '(text)') IS NULL THEN
    RAISE EXCEPTION 'there is no function %(text)', check_function USING ERRCODE = 'undefined_function';
  END IF;
  INSERT INTO wazo_auth.known_setting
  VALUES (name, type, default_value, minimum, maximum, choices, pattern, check_function, must_be, secret,
          read_by, instead, description, wazo_auth.in_extension_script())
  ON CONFLICT ON CONSTRAINT known_setting_pkey DO UPDATE
  SET type = EXCLUDED.type, default_value = EXCLUDED.default_value,
      minimum = EXCLUDED.minimum, maximum = EXCLUDED.maximum,
    choices = EXCLUDED.choices, pattern = EXCLUDED.pattern, check_function = EXCLUDED.check_function,
    must_be = EXCLUDED.must_be, secret = EXCLUDED.secret,
    read_by = EXCLUDED.read_by, instead = EXCLUDED.instead, description = EXCLUDED.description,
    shipped = EXCLUDED.shipped;
  -- Changes nothing, but fires the trigger that makes all backends read the settings again, defaults included.
  UPDATE wazo_auth.setting SET value = value WHERE false;
END
$$;
COMMENT ON FUNCTION wazo_auth.declare_setting(
  text, text, text, jsonb, numeric, numeric, text[], text, text, text, boolean, text, text) IS
'Makes a setting known to wazo_auth.configure(), or replaces it. The arguments are columns of'
' wazo_auth.known_setting. Raises 42883 for a check_function that is not there, 23514 for a word that there is not.';

CREATE OR REPLACE VIEW wazo_auth.settings AS
SELECT k.name, k.type, k.default_value, k.minimum, k.maximum, k.choices, k.must_be, k.secret, k.read_by, k.instead,
       k.description
FROM wazo_auth.known_setting k;
COMMENT ON VIEW wazo_auth.settings IS
'What settings there are; their values: wazo_auth.shown_configuration(). The columns are those of'
' wazo_auth.known_setting';

DO $$
DECLARE
  c_text CONSTANT pg_catalog.text := '^[^\x01-\x1f\x7f]*$';
  c_endpoint CONSTANT pg_catalog.text := 'https://host, with :port and /path if need be';
BEGIN
  -- Tokens and sessions
  PERFORM wazo_auth.declare_setting('default_token_lifetime', 'integer',
    'seconds a token lives when the login does not say', '7200', 1, 315360000);
  PERFORM wazo_auth.declare_setting('max_user_concurrent_sessions', 'integer',
    'live sessions of a user; users with the purpose `internal` have no limit', '100', 1, 315360000);
  PERFORM wazo_auth.declare_setting('default_user_policy', 'string',
    'name of a policy of the top tenant whose accesses every token gets');
  PERFORM wazo_auth.declare_setting('backend_policies', 'map', 'the same by the `backend` that the login names',
    '{}');
  PERFORM wazo_auth.declare_setting('backend_policies.*', 'string', 'name of the policy');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping', 'map',
    'further metadata by purpose: `{"user": ["user_admin_status"]}` adds `admin`',
    '{"user": [], "internal": [], "external_api": []}');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping.*', 'list', 'names of plugins for this purpose');
  PERFORM wazo_auth.declare_setting('purpose_metadata_mapping.*.*', 'string', 'name of a plugin');

  PERFORM wazo_auth.declare_setting('audit_retention', 'integer',
    'days for which the [audit log](operations.md) is kept, at least; 0: there is none', '90', 0, 3650);

  PERFORM wazo_auth.declare_setting('refresh_token', 'map', 'what becomes of [refresh tokens](security.md)');
  PERFORM wazo_auth.declare_setting('refresh_token.rotate', 'boolean',
    'does each login by one get another one, and the old one end?', 'false');
  PERFORM wazo_auth.declare_setting('refresh_token.reuse_seconds', 'integer',
    'seconds in which the one before may be used again, for a client that missed the answer', '30', 0, 600);
  PERFORM wazo_auth.declare_setting('refresh_token.lifetime', 'integer',
    'seconds after which one ends, however often it is used or replaced; 0: never', '0', 0, 315360000);

  -- Passwords
  PERFORM wazo_auth.declare_setting('password', 'map', 'what a new [password](security.md) must be');
  PERFORM wazo_auth.declare_setting('password.min_length', 'integer', 'least number of characters', '1', 1, 1024);
  PERFORM wazo_auth.declare_setting('password.refuse_known', 'boolean',
    'are the commonest refused, and those of `wazo_auth.import_breached_passwords()`?', 'false');
  PERFORM wazo_auth.declare_setting('password.history', 'integer',
    'how many of a user''s last passwords it may not use again; each costs a hash', '0', 0, 10);

  -- Failed logins
  PERFORM wazo_auth.declare_setting('login_guard', 'map', 'what becomes of those who guess passwords');
  PERFORM wazo_auth.declare_setting('login_guard.enabled', 'boolean',
    'do failed logins make the next ones wait ([operations.md](operations.md))?', 'true');
  PERFORM wazo_auth.declare_setting('login_guard.exempt_networks', 'list',
    'networks whose failures do not count, for daemons and proxies', '["127.0.0.0/8", "::1/128"]');
  PERFORM wazo_auth.declare_setting('login_guard.exempt_networks.*', 'string', 'an address or a network',
    check_function => 'wazo_auth.is_network', must_be => 'an address, or a network as 192.0.2.0/24 or 2001:db8::/32');
  PERFORM wazo_auth.declare_setting('login_guard.failures', 'integer',
    'failures of one login from one network before the first wait', '10', 1, 1000);
  PERFORM wazo_auth.declare_setting('login_guard.network_failures', 'integer',
    'failures of one network, whatever the login, before the first wait', '100', 1, 100000);
  PERFORM wazo_auth.declare_setting('login_guard.login_failures', 'integer',
    'failures of one login, from everywhere, before the first wait', '100', 1, 100000);
  PERFORM wazo_auth.declare_setting('login_guard.longest_wait', 'integer',
    'seconds of the longest wait of a network', '900', 1, 86400);
  PERFORM wazo_auth.declare_setting('login_guard.longest_login_wait', 'integer',
    'seconds of the longest wait of a login from everywhere, which others can cause; 0: none', '2', 0, 60);
  PERFORM wazo_auth.declare_setting('login_guard.refill_seconds', 'integer',
    'seconds in which as many failures are forgiven as are allowed', '3600', 60, 86400);

  -- What is on
  PERFORM wazo_auth.declare_setting('enabled_http_plugins', 'map',
    'groups of routes that answer; those that are not named do', '{
    "api": true, "idp": true, "backends": true, "config": true, "email_confirm": true, "external": true,
    "group_policy": true, "groups": true, "ldap_config": true, "password_reset": true, "policies": true,
    "sessions": true, "status": true, "tenants": true, "tokens": true, "user_email": true, "user_group": true,
    "user_policy": true,
    "user_registration": false, "user_session": true, "users": true, "saml": true, "saml_config": true}');
  PERFORM wazo_auth.declare_setting('enabled_http_plugins.*', 'boolean', 'is this group of routes on?');
  PERFORM wazo_auth.declare_setting('enabled_external_auth_plugins', 'map',
    'kinds of external accounts that are on; those that are not named are',
    '{"google": true, "microsoft": true, "mobile": true}');
  PERFORM wazo_auth.declare_setting('enabled_external_auth_plugins.*', 'boolean', 'is it on?');
  PERFORM wazo_auth.declare_setting('oauth2_authorization_lifetime', 'integer',
    'seconds in which a user has to finish an authorization', '600', 10, 86400);
  PERFORM wazo_auth.declare_setting('oauth2_synchronization_ws_url_template', 'string',
    'where the relay of OAuth2 listens, for kinds of external accounts that people register',
    '"wss://oauth.wazo.io/ws/{state}"', check_function => 'wazo_auth.is_websocket_template',
    must_be => 'wss://host/path, with {state} in the path');
  PERFORM wazo_auth.declare_setting('oauth2_synchronization_redirect_url_template', 'string',
    'where OAuth2 comes back to, for kinds of external accounts that people register',
    '"https://oauth.wazo.io/{auth_type}/authorize"', check_function => 'wazo_auth.is_redirect_template',
    must_be => c_endpoint);
  PERFORM wazo_auth.declare_setting(p.name, 'map', 'OAuth2 with this provider'),
          wazo_auth.declare_setting(p.name || '.authorization_base_url', 'string', 'where its users log in',
    pg_catalog.to_jsonb(p.login), check_function => 'wazo_auth.is_oauth2_url', must_be => c_endpoint),
          wazo_auth.declare_setting(p.name || '.redirect_uri', 'string', 'where they come back to: its relay, or '
    '`https://host/…/0.1/external/' || p.name || '/authorize` of this service',
    pg_catalog.to_jsonb(pg_catalog.format('https://oauth.wazo.io/%s/authorize', p.name)),
    check_function => 'wazo_auth.is_oauth2_url', must_be => c_endpoint),
          wazo_auth.declare_setting(p.name || '.token_url', 'string', 'where its tokens come from',
    pg_catalog.to_jsonb(p.token), check_function => 'wazo_auth.is_oauth2_url', must_be => c_endpoint),
          wazo_auth.declare_setting(p.name || '.issuer', 'string', 'how it calls itself in the parameter `iss` (RFC '
    '9207), which must be there then; without it the host of `authorization_base_url` must fit', 'null', 1, 1024,
    pattern => c_text, must_be => 'a text of 1 to 1024 bytes without control characters'),
          wazo_auth.declare_setting(p.name || '.websocket_host', 'string', 'where the relay of `redirect_uri` tells who'
    ' came back; `""` for none', '"wss://oauth.wazo.io"', check_function => 'wazo_auth.is_websocket_url',
    must_be => 'wss://host, with :port and /path if need be, or empty'),
          wazo_auth.declare_setting(p.name || '.scope', 'list', 'what is asked for', p.scope::pg_catalog.jsonb),
          wazo_auth.declare_setting(p.name || '.scope.*', 'string', 'a part of it', NULL, 1, 512)
  FROM (VALUES ('google', 'https://accounts.google.com/o/oauth2/v2/auth', 'https://oauth2.googleapis.com/token',
                '["https://www.googleapis.com/auth/userinfo.profile", "https://www.googleapis.com/auth/contacts"]'),
               ('microsoft', 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize',
                'https://login.microsoftonline.com/common/oauth2/v2.0/token', '["offline_access", "Contacts.Read"]'))
       p (name, login, token, scope);
  PERFORM wazo_auth.declare_setting('enabled_backend_plugins', 'map', 'names that GET /backends shows',
    '{"ldap_user": true, "wazo_user": true}');
  PERFORM wazo_auth.declare_setting('enabled_backend_plugins.*', 'boolean', 'is this backend shown?');
  PERFORM wazo_auth.declare_setting('idp_plugins', 'map', 'identity providers',
    '{"saml": {"enabled": true, "priority": 1}, "ldap": {"enabled": true, "priority": 2}}');
  PERFORM wazo_auth.declare_setting('idp_plugins.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('idp_plugins.*.enabled', 'boolean',
    'may users have it as their method? Not unless it says so');
  PERFORM wazo_auth.declare_setting('idp_plugins.*.priority', 'integer',
    'the lower, the earlier it is asked; 100 when it is not given', NULL, -2147483648, 2147483647);

  -- SAML
  PERFORM wazo_auth.declare_setting('saml', 'map', 'logins by [SAML](login-sources.md)');
  PERFORM wazo_auth.declare_setting('saml.acs_url_template', 'string',
    'what clients make an `acs_url` of', '"https://{{STACK_URL}}/api/auth/0.1/saml/acs"', 1, 512,
    pattern => c_text, must_be => 'a text of 1 to 512 bytes without control characters');
  PERFORM wazo_auth.declare_setting('saml.saml_login_timeout_seconds', 'integer',
    'seconds for each step of a login or logout by SAML', '600', 10, 86400);
  PERFORM wazo_auth.declare_setting('saml.max_pending_logins', 'integer',
    'logins by SAML that wait for an answer; the oldest goes for one more', '10000', 1, 1000000);
  PERFORM wazo_auth.declare_setting('saml.max_pending_logins_per_tenant', 'integer',
    'of these, those of one tenant', '1000', 1, 1000000);
  PERFORM wazo_auth.declare_setting('saml.saml_session_lifetime_seconds', 'integer',
    'seconds for which a login by SAML can be logged out at its identity provider; as long as it has a refresh token',
    '604800', 60, 315360000);
  PERFORM wazo_auth.declare_setting('saml.clock_skew_seconds', 'integer',
    'seconds by which the clock of an identity provider may differ', '60', 0, 600);
  PERFORM wazo_auth.declare_setting('saml.signed', 'string',
    'what must be signed in an answer: `response`, `assertion` or `both`', '"response"',
    choices => '{response,assertion,both}');
  PERFORM wazo_auth.declare_setting('saml.bind_to_browser', 'boolean',
    'must the browser that begins a login by SAML be the one that finishes it? It is told by a cookie', 'false');
  PERFORM wazo_auth.declare_setting('saml.redirect_origins', 'list',
    'where logins by SAML may lead beside the domains of the tenant: `https://host` or `https://host:port`', '[]');
  PERFORM wazo_auth.declare_setting('saml.redirect_origins.*', 'string', 'one of them', NULL, 1, 512,
    pattern => '^https?://[a-z0-9_.-]+(:[0-9]{1,5})?$',
    must_be => 'http:// or https:// with a host in lower case and maybe a :port');

  -- What a start makes
  PERFORM wazo_auth.declare_setting('update_policy_on_startup', 'boolean',
    'let a start carry out the three below', 'true');
  PERFORM wazo_auth.declare_setting('default_policies', 'map',
    'policies of the top tenant by slug; read-only everywhere', '{}');
  PERFORM wazo_auth.declare_setting('default_policies.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('default_policies.*.acl', 'list', 'its accesses');
  PERFORM wazo_auth.declare_setting('default_policies.*.acl.*', 'string', 'one of them');
  PERFORM wazo_auth.declare_setting('default_policies.*.description', 'string', 'what it is for');
  PERFORM wazo_auth.declare_setting('default_policies.*.shared', 'boolean', 'may tenants below use it?');
  PERFORM wazo_auth.declare_setting('all_users_policies', 'map',
    'slugs of the top tenant''s policies that all users of all tenants have: `{"slug": true}`', '{}');
  PERFORM wazo_auth.declare_setting('all_users_policies.*', 'boolean', 'do they have this one?');
  PERFORM wazo_auth.declare_setting('tenant_default_groups', 'map', 'groups of every tenant by slug', '{}');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*', 'map', 'one of them');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*.policies', 'map',
    'its policies by slug; false takes one away');
  PERFORM wazo_auth.declare_setting('tenant_default_groups.*.policies.*', 'boolean', 'has it this one?');

  -- Events
  PERFORM wazo_auth.declare_setting('uuid', 'string',
    'uuid of the platform, shown in tokens as `xivo_uuid` and in events as `origin_uuid`', 'null', 1, 256);
  PERFORM wazo_auth.declare_setting('event_retention', 'integer',
    'seconds that delivered events stay in `wazo_auth.event_stream`', '3600', 0, 315360000);
  PERFORM wazo_auth.declare_setting('amqp', 'map', 'message broker of the [events](events.md)');
  PERFORM wazo_auth.declare_setting('amqp.uri', 'string', 'where it is', 'null', 1, 2048,
    pattern => '^amqps?://', secret => true,
    must_be => 'null or a URI amqp://user:password@host:port/vhost or amqps://…');
  PERFORM wazo_auth.declare_setting('amqp.exchange_name', 'string', 'exchange that gets the events', '"xivo"',
      1, 127);
  PERFORM wazo_auth.declare_setting('amqp.exchange_type', 'string', 'its type', '"topic"', 1, 127);

  -- Mails
  PERFORM wazo_auth.declare_setting('smtp', 'map', 'server that takes the [mails](mail.md)');
  PERFORM wazo_auth.declare_setting('smtp.hostname', 'string', 'its host name or address', '"localhost"',
    pattern => '^([A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$', must_be => 'a host name or an address');
  PERFORM wazo_auth.declare_setting('smtp.port', 'integer', 'its port', '25', 1, 65535);
  PERFORM wazo_auth.declare_setting('smtp.tls', 'string', 'none; `starttls`; or `tls` from the start', NULL,
    choices => '{none,starttls,tls}');
  PERFORM wazo_auth.declare_setting('smtp.tls_verify', 'boolean',
    'must its certificate be good? It must unless this is false');
  PERFORM wazo_auth.declare_setting('smtp.ca_file', 'string',
    'file with certificates to trust, on the server of the database', NULL, 1, 512,
    pattern => '^/[^\x01-\x1f\x7f]*$', must_be => 'an absolute path');
  PERFORM wazo_auth.declare_setting('smtp.username', 'string', 'name to log in with', NULL, 1, 512,
    pattern => c_text, must_be => 'a text of 1 to 512 bytes without control characters');
  PERFORM wazo_auth.declare_setting('smtp.password', 'string', 'its password', NULL, 1, 512, pattern => c_text,
    secret => true, must_be => 'a text of 1 to 512 bytes without control characters');
  PERFORM wazo_auth.declare_setting('mail_interval', 'integer',
    'least seconds between two mails of a kind to a user', '300', 0, 86400);
  PERFORM wazo_auth.declare_setting('public_url', 'string',
    'where links in mails lead: `https://host:port/path`', 'null',
    check_function => 'wazo_auth.is_public_url', must_be => 'https://host, with :port and /path if need be');
  PERFORM wazo_auth.declare_setting('email_notification_plugin', 'string',
    'what sends: `smtp` or a registered [function](mail.md)', '"smtp"',
    check_function => 'wazo_auth.is_mail_sender',
    must_be => '"smtp" or a name given to wazo_auth.register_mail_sender()');
  PERFORM wazo_auth.declare_setting('email_confirmation_get_mimetype', 'string',
    'media type of the page that a confirmation shows', '"text/html"',
    pattern => '^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}$', must_be => 'a media type');
  PERFORM wazo_auth.declare_setting(k || '_expiration', 'integer',
    'seconds that the token in such a mail lives', '172800', 1, 315360000),
          wazo_auth.declare_setting(k || '_from_name', 'string', 'name of its sender', '"wazo-auth"', 0, 1024,
    pattern => c_text, must_be => 'a text of at most 1024 bytes without control characters'),
          wazo_auth.declare_setting(k || '_from_address', 'string', 'address of its sender',
    '"noreply@wazo.community"',
            check_function => 'wazo_auth.is_mail_address', must_be => 'an e-mail address')
  FROM pg_catalog.unnest('{password_reset,email_confirmation}'::pg_catalog.text[]) k;

  -- What the front reads from its own file; PATCH /config writes the first two
  PERFORM wazo_auth.declare_setting(k, 'boolean', 'switch of PATCH /config, until the next start', 'false',
    read_by => 'front')
  FROM pg_catalog.unnest('{debug,profiling_enabled}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('rest_api', 'map', 'the HTTP server', NULL);
  PERFORM wazo_auth.declare_setting('rest_api.num_proxies', 'integer',
    'proxies whose `X-Forwarded-…` headers count; here for the host in links of mails', '0', 0, 9999);
  PERFORM wazo_auth.declare_setting('rest_api.listen', 'string', 'address of the HTTP server', '"127.0.0.1"',
    read_by => 'front', instead => 'wazo-auth --listen-address');
  PERFORM wazo_auth.declare_setting('rest_api.port', 'integer', 'its port', '9497', 1, 65535,
    read_by => 'front', instead => 'wazo-auth --listen-port');
  PERFORM wazo_auth.declare_setting('rest_api.cors', 'map', 'CORS',
    '{"enabled": true,
      "allow_headers": ["Content-Type", "Authorization", "X-Auth-Token", "Wazo-Tenant", "Wazo-Session-Type"]}',
    read_by => 'front', instead => 'rest_api.cors in the configuration file of wazo-auth');
  PERFORM wazo_auth.declare_setting('rest_api.cors.enabled', 'boolean', 'is it on?', read_by => 'front');
  PERFORM wazo_auth.declare_setting('rest_api.cors.allow_headers', 'list', 'headers that a browser may send',
    read_by => 'front');
  PERFORM wazo_auth.declare_setting('rest_api.cors.allow_headers.*', 'string', 'one of them', read_by => 'front');
  PERFORM wazo_auth.declare_setting('user', 'string', 'account of the HTTP server', '"wazo-auth"',
    read_by => 'front', instead => 'wazo-auth --user');
  PERFORM wazo_auth.declare_setting('config_file', 'string', 'its configuration file',
    '"/etc/wazo-auth/config.yml"', read_by => 'front', instead => 'wazo-auth --config-file');
  PERFORM wazo_auth.declare_setting('extra_config_files', 'string', 'folder of further ones',
    '"/etc/wazo-auth/conf.d"', read_by => 'front');
  PERFORM wazo_auth.declare_setting('log_level', 'string', 'what it logs', '"info"',
    pattern => '(?i)^(critical|error|warning|info|debug)$',
    must_be => 'critical, error, warning, info or debug', read_by => 'front', instead => 'wazo-auth --log-level');
  PERFORM wazo_auth.declare_setting('log_filename', 'string', 'where it logs', '"/var/log/wazo-auth.log"',
    read_by => 'front', instead => 'wazo-auth --log-file');
  PERFORM wazo_auth.declare_setting('db_uri', 'string', 'where the database is', secret => true,
    read_by => 'front', instead => 'wazo-auth --database');

  PERFORM wazo_auth.declare_setting('read_db_uri', 'string', 'where token checks may read, a standby', secret => true,
    read_by => 'front', instead => 'wazo-auth --read-database');
  PERFORM wazo_auth.declare_setting('front', 'map', 'limits of the HTTP server', read_by => 'front');
  PERFORM wazo_auth.declare_setting('front.' || k, 'integer', d, NULL, least, most, read_by => 'front',
    instead => 'wazo-auth --' || pg_catalog.replace(k, '_', '-'))
  FROM (VALUES ('workers', 'processes', 1, 64), ('max_body', 'bytes of a body', 0, 268435456),
               ('max_in_flight', 'requests held in a lane', 1, 1000000),
               ('max_connections', 'clients of a worker', 1, 100000),
               ('max_peer_connections', 'of them from one address', 0, 100000),
               ('fast_connections', 'connections to the database', 1, 16),
               ('login_connections', 'connections to the database', 1, 16),
               ('slow_connections', 'connections to the database', 1, 16),
               ('metrics_port', 'port for Prometheus', 0, 65535)) t (k, d, least, most);
  PERFORM wazo_auth.declare_setting('front.' || k, 'string', d, read_by => 'front',
    instead => 'wazo-auth --' || pg_catalog.replace(k, '_', '-'))
  FROM (VALUES ('log_format', 'text or json'), ('metrics_address', 'address for Prometheus')) t (k, d);
  PERFORM wazo_auth.declare_setting('front.' || k, 'number', 'seconds', NULL, 0.1, 86400, read_by => 'front',
    instead => 'wazo-auth --' || pg_catalog.replace(k, '_', '-'))
  FROM pg_catalog.unnest('{header_timeout,body_timeout,keepalive_timeout,request_timeout,fast_timeout,queue_wait,'
    'reconnect_wait,drain_timeout,slow_request}'::pg_catalog.text[]) k;

  -- What PostgreSQL's own configuration decides
  PERFORM wazo_auth.declare_setting(k, 'number', d, read_by => 'postgresql',
            instead => pg_catalog.format('ALTER SYSTEM SET wazo_auth.%s = ..., then SELECT pg_reload_conf()', k))
  FROM (VALUES ('token_cleanup_interval', 'seconds between two deletions of expired sessions'),
               ('token_cleanup_batch_size', 'sessions deleted in one transaction')) t (k, d);

  -- What the Python server knows and has no effect here
  PERFORM wazo_auth.declare_setting('rest_api.max_threads', 'integer', 'threads of the HTTP server', '25',
    read_by => 'nobody', instead => 'wazo-auth --workers');
  PERFORM wazo_auth.declare_setting('rest_api.' || k, 'string', 'TLS of the HTTP server', 'null',
    read_by => 'nobody', instead => 'TLS ends at the proxy in front of it')
  FROM pg_catalog.unnest('{certificate,private_key}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting(k, 'string', 'file with a template of a mail', read_by => 'nobody',
    instead => 'wazo_auth.set_mail_template()')
  FROM pg_catalog.unnest(ARRAY['password_reset_email_template', 'password_reset_email_subject_template',
    'email_confirmation_template', 'email_confirmation_subject_template',
    'email_confirmation_get_response_body_template']) k;
  PERFORM wazo_auth.declare_setting('bootstrap_user_on_startup', 'boolean', 'make a user at start', 'false',
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_username', 'string', 'its name', 'null',
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_password', 'string', 'its password', secret => true,
    read_by => 'nobody', instead => 'wazo_auth.bootstrap()');
  PERFORM wazo_auth.declare_setting('bootstrap_user_' || k, 'string', 'its ' || k, read_by => 'nobody',
    instead => 'wazo_auth.bootstrap()')
  FROM pg_catalog.unnest('{purpose,policy_slug}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('enabled_metadata_plugins', 'map', 'plugins for the metadata of tokens',
    '{"default_user": true, "default_internal": true, "default_external_api": true}', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('enabled_metadata_plugins.*', 'boolean', 'is it on?', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('saml.' || k, 'string', 'a file of SAML', read_by => 'nobody',
    instead => CASE WHEN k IN ('key_file', 'cert_file') THEN 'wazo_auth.add_saml_key()' END)
  FROM pg_catalog.unnest('{key_file,cert_file,xmlsec_binary,xml_files_dir}'::pg_catalog.text[]) k;
  PERFORM wazo_auth.declare_setting('saml.domains', 'map', 'unused', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul', 'map', 'where the services find each other', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.scheme', 'string', 'its protocol', '"http"', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.host', 'string', 'its host', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.port', 'integer', 'its port', '8500', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('consul.token', 'string', 'its token', secret => true, read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery', 'map', 'how this service is announced there',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.enabled', 'boolean', 'is it?', 'false', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.' || k, 'string', 'its address', d::pg_catalog.jsonb,
    read_by => 'nobody')
  FROM (VALUES ('advertise_address', '"auto"'), ('advertise_address_interface', '"eth0"')) t (k, d);
  PERFORM wazo_auth.declare_setting('service_discovery.' || k, 'integer', 'a port or a pause in seconds',
    d::pg_catalog.jsonb, read_by => 'nobody')
  FROM (VALUES ('advertise_port', '9497'), ('ttl_interval', '30'), ('refresh_interval', '27'),
               ('retry_interval', '2')) t (k, d);
  PERFORM wazo_auth.declare_setting('service_discovery.extra_tags', 'list', 'further tags', '[]',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('service_discovery.extra_tags.*', 'string', 'one of them', read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('db_connect_retry_timeout_seconds', 'integer', 'without effect there, too',
    read_by => 'nobody');
  PERFORM wazo_auth.declare_setting('db_upgrade_on_startup', 'boolean', 'upgrade the database at start',
    read_by => 'front', instead => 'wazo-auth --db-upgrade-on-startup');
END
$$;
