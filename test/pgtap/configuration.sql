-- Identity providers, the configuration, and what it makes at start (contract:
-- semantics.md section 11; config.md section 4; errors.md section 6).
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = error;
\ir lib/rest.psql
SELECT no_plan();
CREATE FUNCTION pg_temp.method(u text) RETURNS text LANGUAGE sql AS $$ SELECT authentication_method FROM wazo_auth.user WHERE uuid = u::uuid $$;
CREATE FUNCTION pg_temp.no_user(id text) RETURNS text LANGUAGE sql AS $$
  SELECT format('404 {"message": "No such user: \"%s\"", "error_id": "unknown-user", "details": {"uuid": "%s"}, "timestamp": T, "resource": "users"}', id, id)
$$;

-- ---- a provider of one's own ----
CREATE SCHEMA mine;
CREATE FUNCTION mine.login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer LANGUAGE sql
AS $$ SELECT attempt.members ? 'badge', wazo_auth.resolve_login(attempt.members ->> 'badge'), 'badge', '{"by": "badge"}'::json, NULL::wazo_auth.refresh_token, NULL, NULL::jsonb, NULL::uuid, NULL::text, NULL::timestamptz $$;
SELECT throws_ok($$SELECT wazo_auth.add_identity_provider('mine', 'mine.nosuch')$$, '42883', NULL, 'a provider has a function');
SELECT throws_ok($$SELECT wazo_auth.add_identity_provider('mine', 'mine.login', built_in => true)$$, '22023', NULL, 'and is not built in');
SELECT wazo_auth.add_identity_provider('mine', 'mine.login', 5, 'badges', true) \g /dev/null
PREPARE by_badge AS SELECT (wazo_auth.token_create(members => '{"badge": "deep"}')).token;
SELECT throws_ok('by_badge', 'WA401', NULL, 'not while the setting does not enable it');
SELECT wazo_auth.configure('{"idp_plugins": {"mine": {"enabled": true}}, "enabled_backend_plugins.badges": true}') \g /dev/null
SELECT throws_ok('by_badge', 'WA401', NULL, 'nor for a user of another method');
SELECT wazo_auth.set_authentication_method(:'deep_user', 'mine');
SELECT lives_ok('by_badge', 'a login by it');
SELECT is((SELECT array_agg(s.metadata ->> 'by') FILTER (WHERE s.metadata ->> 'by' IS NOT NULL) FROM wazo_auth.session s), '{badge}', '... has its metadata');
SELECT throws_ok($$SELECT wazo_auth.token_create('deep', 'secret', members => '{"domain_name": ""}')$$, 'WA401', NULL, 'a login that names a domain is no native one');
SELECT is(array(SELECT p.name FROM wazo_auth.identity_providers() p), '{refresh_token,saml,ldap,mine,native}', 'asked in this order');
SELECT is(wazo_auth.loaded_backends(), '["badges", "ldap_user", "wazo_user"]', 'its backend is shown');
SELECT ok(wazo_auth.password_is_kept_elsewhere(:'deep_user') AND NOT wazo_auth.password_is_kept_elsewhere(:'north_user'), 'and it keeps the passwords');
SELECT wazo_auth.set_authentication_method(:'deep_user', 'default');
DELETE FROM wazo_auth.identity_provider WHERE name = 'mine';
SELECT wazo_auth.configure('{"idp_plugins": null, "enabled_backend_plugins": null}') \g /dev/null

-- ---- /idp ----
SELECT is(pg_temp.ask('GET', '/0.1/idp', :'north_token'), '200 {"total": 4, "filtered": 4, "items": ["native", "default", "saml", "ldap"]}', 'GET /idp: what ships');
SELECT is(pg_temp.ask(v.method, v.target, :'north_token', v.body) LIKE v.answer || ' %', true, 'a method that nobody provides: ' || v.method || ' ' || v.target)
FROM (VALUES ('PUT', '/0.1/idp/nosuch/users/' || :'north_user', NULL, '404'), ('POST', '/0.1/users', '{"authentication_method": "badge"}', '400'),
             ('PUT', '/0.1/users/' || :'north_user', '{"authentication_method": "nosuch"}', '400'), ('POST', '/0.1/tenants', '{"default_authentication_method": "nosuch"}', '400')) v (method, target, body, answer);
SELECT wazo_auth.configure('{"idp_plugins": {"nosuch": {"enabled": true}, "ldap": {"enabled": true}}}') \g /dev/null
SELECT is(array(SELECT wazo_auth.authentication_methods()), '{native,default,saml,ldap}', 'a configured name alone makes no method');
SELECT wazo_auth.configure('{"idp_plugins": null}') \g /dev/null
SELECT throws_ok(format('SELECT wazo_auth.add_identity_provider(%L, ''wazo_auth.native_login'')', n), '23514', NULL, 'no name of a method: ' || n) FROM unnest('{default,native,A b,""}'::text[]) n;
SELECT wazo_auth.add_identity_provider(p, 'wazo_auth.native_login') FROM unnest('{saml,mine}'::text[]) p \g /dev/null
SELECT is(pg_temp.ask('GET', '/0.1/idp', :'north_token'), '200 {"total": 4, "filtered": 4, "items": ["native", "default", "saml", "ldap"]}', 'GET /idp');
SELECT is(pg_temp.ask(v.m, '/0.1/idp/Native' || v.p, :'south_token', '{', :'north'),
  '404 {"message": "No such IDP type: \"Native\"", "error_id": "unknown-idp-type", "details": {"idp_type": "Native"}, "timestamp": T, "resource": "idp"}', v.m || v.p || ': the type first')
FROM (VALUES ('PUT', '/users'), ('PUT', '/users/' || :'nobody'), ('DELETE', '/users/' || :'nobody')) v (m, p);
SELECT matches(pg_temp.ask(v.m, '/0.1/idp/ldap' || v.p, :'south_token', '{', :'north'), '^401 .*unauthorized-tenant', v.m || v.p || ': then the tenant')
FROM (VALUES ('PUT', '/users'), ('PUT', '/users/' || :'nobody'), ('DELETE', '/users/' || :'nobody')) v (m, p);
SELECT is(pg_temp.ask(m, '/0.1/idp/ldap/users/' || u, :'north_token'), pg_temp.no_user(u), m || ': a user that is not in sight') FROM unnest('{PUT,DELETE}'::text[]) m, unnest(ARRAY[:'nobody', :'south_user', :'top_user']) u;
SELECT is(pg_temp.ask('PUT', '/0.1/idp/ldap/users/' || :'deep_user', :'north_token') || pg_temp.method(:'deep_user'), '204ldap', 'PUT sets the method');
SELECT is(pg_temp.ask('DELETE', '/0.1/idp/saml/users/' || :'deep_user', :'north_token') || pg_temp.method(:'deep_user'), '204ldap', 'DELETE of another method changes nothing');
SELECT is(pg_temp.ask('DELETE', '/0.1/idp/ldap/users/' || :'deep_user', :'north_token') || pg_temp.method(:'deep_user'), '204default', 'DELETE of the method makes it the default');
SELECT is(pg_temp.ask('PUT', '/0.1/idp/saml/users', :'north_token', json_build_object('users', ARRAY[json_build_object('uuid', :'north_user'), json_build_object('uuid', :'deep_user'), json_build_object('uuid', :'deep_user')])::text)
          || pg_temp.method(:'deep_user') || pg_temp.method(:'north_user'), '204samlsaml', 'PUT of many');
SELECT is(pg_temp.ask('PUT', '/0.1/idp/native/users', :'north_token', json_build_object('users', ARRAY[json_build_object('uuid', :'north_user'), json_build_object('uuid', b)])::text), pg_temp.no_user(b), 'PUT of many: one is not in sight')
FROM unnest(ARRAY[:'south_user', :'nobody', 'x']) b;
SELECT is(pg_temp.method(:'north_user'), 'saml', 'and none is changed');
SELECT is(pg_temp.ask('PUT', '/0.1/idp/native/users', :'north_token', '{"users": []}'), '204', 'PUT of none');
SELECT is(pg_temp.ask('PUT', '/0.1/idp/native/users', :'north_token', b.body), '400 {"message": ' || b.message || ', "error_id": "invalid-list-param", "details": {}, "timestamp": T, "resource": "users"}', 'PUT of many ' || b.body)
FROM (VALUES ('{}', '{"users": {"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"}}'),
             ('{"users": [{}]}', '{"users": {"0": {"uuid": {"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"}}}}'),
             ('{"users": 1}', '{"users": {"message": "Invalid type.", "constraint_id": "type", "constraint": "dict"}}') ) b (body, message);
SELECT throws_ok(format('SELECT wazo_auth.set_authentication_method(%L, ''x'')', :'deep_user'), '22023', NULL, 'an unknown method');
SELECT wazo_auth.configure('{"idp_plugins": {"saml": {"enabled": false}, "mine": {"enabled": true, "priority": 5}}}');
SELECT is(array(SELECT wazo_auth.authentication_methods()), '{native,default,ldap,mine}', 'what is configured counts, in the order of priority');
SELECT wazo_auth.configure('{"idp_plugins": null}');

-- ---- /config ----
SELECT is(pg_temp.ask(m, '/0.1/config', t.token, '[]', t.tenant), '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || t.token || '"}, "timestamp": T}', m || ' /config, not of the top tenant')
FROM unnest('{GET,PATCH}'::text[]) m, (VALUES (:'north_token', NULL), (:'deep_token', :'top')) t (token, tenant);
SELECT wazo_auth.configure('{"smtp": {"password": "s3cret"}, "amqp.uri": "amqp://u:s3/cr@et@h:1/?a=b", "uuid": "me",
  "google": {"scope": ["a", "amqp://u:s3/cr@et@h"], "token_url": "https://token"}, "consul": {"host": "https://u:s3cret@h"}}');
SELECT is(pg_temp.ask_json('GET', '/0.1/config', :'top_token', NULL, :'north') @>
  '{"google": {"scope": ["a", "********"], "token_url": "https://token"}, "consul": {"host": "********"}, "smtp": {"password": "********", "port": 25},
    "amqp": {"uri": "********", "exchange_name": "xivo"}, "uuid": "me", "log_level": 20, "debug": false, "profiling_enabled": false,
    "default_token_lifetime": 7200, "loaded_plugins": ["ldap_user", "wazo_user"], "token_cleanup_batch_size": 5000, "rest_api": {"port": 9497, "num_proxies": 0}}'::jsonb,
  true, 'GET /config: all settings, the header ignored');
SELECT unalike(pg_temp.ask('GET', '/0.1/config', :'top_token'), '%s3%', 'no secret is shown');
SELECT unalike(pg_temp.ask('GET', '/0.1/config', :'top_token'), '%sealed%', 'nor that it is sealed');
SELECT unalike(pg_temp.ask('GET', '/0.1/config', :'top_token'), '%' || left(value ->> 'sealed_uri', 8) || '%', 'nor how') FROM wazo_auth.setting WHERE name = 'amqp';
-- What is stored and unknown, as by an earlier version, is masked whatever its name.
INSERT INTO wazo_auth.setting VALUES ('zz_pwd', '"s3cret"'), ('bind_pw', '"s3cret"'), ('passphrase', '{"a": ["s3cret"]}'), ('client_secret_2', '"s3cret"'),
  ('header', '"Basic czNjcmV0"'), ('pin', '1234'), ('saml', '{"domains": {"a": "s3cret"}, "acs_url_template": "s://t"}'), ('update_policy_on_startup', '"s3cret"');
SELECT is(pg_temp.ask_json('GET', '/0.1/config', :'top_token') @> '{"zz_pwd": "********", "bind_pw": "********", "passphrase": "********", "client_secret_2": "********", "header": "********",
  "pin": "********", "saml": {"domains": {"a": "********"}, "acs_url_template": "s://t"}, "update_policy_on_startup": "********"}', true, 'what is not known to be harmless is masked');
DELETE FROM wazo_auth.setting WHERE name IN ('zz_pwd', 'bind_pw', 'passphrase', 'client_secret_2', 'header', 'pin', 'saml', 'update_policy_on_startup');
-- Whatever is in a setting: what it shows is of a known name and not secret.
SELECT is_empty($$
  SELECT k.name FROM wazo_auth.known_setting k
  WHERE k.name ~* '(pass|secret|token$|credential|_key$|_uri$|pwd|\.uri$)' AND NOT k.secret
    AND k.name NOT IN ('saml.key_file', 'rest_api.private_key')  -- paths
    AND k.name NOT LIKE 'password\_reset\_%' AND k.name !~ '^(password|refresh_token)(\.|$)' AND k.name NOT LIKE '%.redirect_uri'
$$, 'what is named like a secret is one');
SELECT is(wazo_auth.mask_setting(k, '"s3cret"'), '"********"', k.name || ' is masked') FROM wazo_auth.known_setting k WHERE k.secret;

-- ---- what may be set ----
CREATE FUNCTION pg_temp.refusal(settings jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_hint text;
BEGIN
  PERFORM wazo_auth.configure(settings);
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', SQLSTATE, SQLERRM, NULLIF(v_hint, ''));
END
$$;
SELECT is(pg_temp.refusal(v.settings::jsonb), v.refusal, v.settings)
FROM (VALUES
  ('{"default_token_lifetme": 60}', '42704 | there is no setting "default_token_lifetme" | Perhaps you mean "default_token_lifetime".'),
  ('{"zz_pwd": "x"}', '42704 | there is no setting "zz_pwd" | wazo_auth.settings lists all of them.'),
  ('{"smtp.prot": 25}', '42704 | there is no setting "smtp.prot" | Perhaps you mean "smtp.port".'),
  ('{"smtp": {"sealed_password": "x"}}', '42704 | there is no setting "smtp.sealed_password" | wazo_auth.settings lists all of them.'),
  ('{"debug.x": 1}', '42704 | there is no setting "debug.x" | Perhaps you mean "debug".'),
  ('{"*": 1}', '42704 | there is no setting "*" | wazo_auth.settings lists all of them.'),
  ('{"google": {"client_secret": "x"}}', '42704 | there is no setting "google.client_secret" | wazo_auth.settings lists all of them.'),
  ('{"enabled_http_plugins": {"tokens": "maybe"}}', '22023 | setting "enabled_http_plugins.tokens" must be true or false'),
  ('{"enabled_http_plugins.tokens": 1}', '22023 | setting "enabled_http_plugins.tokens" must be true or false'),
  ('{"default_policies": {"a": {"acl": [1]}}}', '22023 | setting "default_policies.a.acl.*" must be a text'),
  ('{"max_user_concurrent_sessions": 0}', '22023 | setting "max_user_concurrent_sessions" must be a whole number from 1 to 315360000'),
  ('{"smtp.tls": "maybe"}', '22023 | setting "smtp.tls" must be one of none, starttls, tls'),
  ('{"smtp.port": {"x": 1}}', '22023 | setting "smtp.port" must be a whole number from 1 to 65535'),
  ('{"token_cleanup_interval": 5}', '22023 | setting "token_cleanup_interval" is one of the PostgreSQL server | Use ALTER SYSTEM SET wazo_auth.token_cleanup_interval = ..., then SELECT pg_reload_conf().'),
  ('{"db_uri": "postgresql://u:s3cret@h/d"}', '22023 | setting "db_uri" is not for the database | Use wazo-auth --database.'),
  ('{"bootstrap_user_password": "s3cret"}', '22023 | setting "bootstrap_user_password" is not for the database | Use wazo_auth.bootstrap().'),
  ('{"rest_api.max_threads": 5, "log_level": "Debug"}', 'accepted'),
  ('{"log_level": "loud"}', '22023 | setting "log_level" must be critical, error, warning, info or debug'),
  ('{"rest_api": null, "log_level": null, "google": null}', 'accepted')) v (settings, refusal);
SELECT is(wazo_auth.set_settings('{"rest_api.max_threads": 5, "log_level": "info", "uuid": "x"}', false), '{log_level,rest_api.max_threads}', 'what has no effect here is named');
SELECT is(pg_temp.ask('POST', '/0.1/token', NULL, '{}'), '401 {"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}', 'tokens are served');
SELECT lives_ok($$SELECT wazo_auth.apply_configuration('{"zz_pwd": "x", "db_uri": "postgresql://u:p@h/d", "token_cleanup_interval": 5, "smtp": {"port": 26, "foo": 1}, "google": {"client_secret": "x"}}')$$,
  'a whole configuration: what is not known, or not for the database, is left out');
SELECT is((SELECT string_agg(s.name || ' ' || s.value, ', ' ORDER BY s.name) FROM wazo_auth.setting s WHERE s.name IN ('zz_pwd', 'db_uri', 'smtp', 'google', 'token_cleanup_interval')),
  'google {}, smtp {"port": 26}', 'and the rest is set');
SELECT wazo_auth.declare_setting('mine', 'map', 'of a plugin'), wazo_auth.declare_setting('mine.key', 'string', 'its key', secret => true), wazo_auth.declare_setting('mine.name', 'string', 'its name', '"x"');
SELECT is(wazo_auth.get_setting('mine'), '{"name": "x"}', 'a setting of a plugin is there at once');
SELECT wazo_auth.configure('{"mine": {"key": "s3cret"}}');
SELECT is((wazo_auth.shown_configuration() -> 'mine')::text || wazo_auth.secret_setting('mine', 'key'), '{"key": "********", "name": "x"}s3cret', 'its secrets are sealed and masked');
SELECT throws_ok($$SELECT wazo_auth.declare_setting('mine.x', 'string', 'x', check_function => 'pg_catalog.nothing', must_be => 'x')$$, '42883', NULL, 'a check that is not there');

-- ---- docs/settings.md has them as they are ----
\set document `cat docs/settings.md`
CREATE FUNCTION pg_temp.table_of(readers text[]) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format(E'| `%s` | %s | %s | %s |\n', k.name,
           k.type || CASE WHEN k.minimum IS NOT NULL AND k.maximum IS NOT NULL THEN format(', %s to %s', k.minimum, k.maximum)
                          WHEN k.choices IS NOT NULL THEN ': ' || array_to_string(k.choices, ', ') ELSE '' END
           || CASE WHEN k.secret THEN ', secret' ELSE '' END,
           CASE WHEN k.default_value IS NULL OR k.default_value = 'null' THEN '' WHEN length(k.default_value::text) > 80 THEN 'see `shown_configuration()`'
                ELSE '`' || k.default_value::text || '`' END,
           CASE WHEN 'database' = ANY (readers) THEN k.description ELSE concat_ws('; ', k.read_by, 'use ' || k.instead) END), '' ORDER BY k.name)
  FROM wazo_auth.known_setting k
  WHERE k.read_by = ANY (readers) AND k.shipped AND NOT ('nobody' = ANY (readers) AND k.name LIKE '%*%')
$$;
SELECT ok(strpos(:'document', pg_temp.table_of('{database}')) > 0, 'docs/settings.md lists the settings');
SELECT ok(strpos(:'document', pg_temp.table_of('{front,postgresql,nobody}')) > 0, 'and those without effect in the database');


-- ---- the front has them, too, to check a file without the database ----
\set table `cat kore_front/known_settings.inc`
\set query `cat tools/known_settings.sql`
SELECT is(:'table', known.table, 'kore_front/known_settings.inc has the settings as they are') FROM (:query) known ("table");

-- ---- PATCH ----
SELECT is(pg_temp.ask_json('PATCH', '/0.1/config', :'top_token', '[{"op": "replace", "path": "/debug", "value": "on"}, {"op": "replace", "path": "/profiling_enabled", "value": 1}, {"op": "replace", "path": "/profiling_enabled", "value": false}]')
          @> '{"debug": true, "profiling_enabled": false}', true, 'PATCH /config: in order');
SELECT is(pg_temp.ask_json('PATCH', '/0.1/config', :'top_token', '[]') -> 'debug', 'true'::jsonb, 'PATCH of nothing');
SELECT is(pg_temp.ask('PATCH', '/0.1/config', :'top_token', '{'), '400 {"message": "The browser (or proxy) sent a request that this server could not understand."}', 'PATCH: no JSON');
SELECT matches(pg_temp.ask('PATCH', '/0.1/config', :'top_token', b), '^400 {"message": "[^"]*", "error_id": "invalid-data", "details": {.*}, "timestamp": T, "resource": "config"}$', 'PATCH: ' || b)
FROM unnest(ARRAY['{}', 'null', '"x"', '[1]', '[{}]', '[{"op": "add", "path": "/debug", "value": true}]', '[{"op": "replace", "path": "/db_uri", "value": true}]', '[{"op": "replace", "path": "/debug", "value": "x"}]',
                  '[{"op": "replace", "path": "/debug"}]', '[{"path": "/debug", "value": true}]', '[{"op": "replace", "path": "/debug", "value": true, "from": "x"}]', '[{"op": null, "path": "/debug", "value": true}]']) b;
SELECT is(pg_temp.ask('GET', '/0.1/status'), '405 {"message": "The method is not allowed for the requested URL."}', 'GET /status');

-- ---- what a start makes ----
CREATE FUNCTION pg_temp.made() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s %s%s', p.slug, p.acl, p.description, CASE WHEN p.shared THEN ' shared' END), '; ' ORDER BY p.slug)
  FROM wazo_auth.policy p WHERE p.config_managed AND p.tenant_uuid = wazo_auth.top_tenant_uuid()
$$;
CREATE FUNCTION pg_temp.given(of_slug text, system boolean) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(d.tenant || ': ' || d.policies, ', ' ORDER BY d.tenant)
  FROM (SELECT t.slug AS tenant, string_agg(p.slug, ' ' ORDER BY p.slug) AS policies
        FROM wazo_auth.group g JOIN wazo_auth.tenant t ON t.uuid = g.tenant_uuid
        JOIN wazo_auth.group_policy gp ON gp.group_uuid = g.uuid JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
        WHERE CASE WHEN system THEN g.system_managed ELSE g.slug = of_slug AND NOT g.system_managed END
        GROUP BY t.slug) d
$$;
\set config '{"default_policies": {"one": {"acl": ["a.1", "a.2", "a.1"], "description": "First"}, "two": {"shared": true, "acl": ["b.#"], "extra": 1}, "none": {}, "nil": null}, "all_users_policies": {"one": true, "two": false, "unknown": true}, "tenant_default_groups": {"admins": {"policies": {"two": true, "unknown": true}}, "empty": null, "odd": {"extra": 1}}}'
SELECT wazo_auth.apply_configuration(:'config');
SELECT is(pg_temp.made(), 'nil {} Automatically created; none {} Automatically created; one {a.1,a.2} First; two {b.#} Automatically created shared', 'default_policies');
SELECT is(pg_temp.given(NULL, true), 'Deep: one, North: one, South: one, master: one', 'all_users_policies, in every tenant');
SELECT is(pg_temp.given('admins', false), 'Deep: two, North: two, South: two, master: two', 'tenant_default_groups, in every tenant');
SELECT is((SELECT count(*) FROM wazo_auth.group g WHERE g.slug IN ('empty', 'odd') AND g.name = g.slug), 8::bigint, 'groups without policies');
CREATE TEMP TABLE before AS SELECT xmin::text AS x FROM wazo_auth.policy UNION ALL SELECT xmin::text FROM wazo_auth.group UNION ALL SELECT xmin::text FROM wazo_auth.group_policy;
SELECT wazo_auth.apply_configuration(:'config');
SELECT is((SELECT array_agg(x ORDER BY x) FROM before), (SELECT array_agg(x ORDER BY x) FROM (SELECT xmin::text AS x FROM wazo_auth.policy UNION ALL SELECT xmin::text FROM wazo_auth.group UNION ALL SELECT xmin::text FROM wazo_auth.group_policy) n), 'once more changes nothing');
SELECT is(pg_temp.ask_json('GET', '/0.1/policies/two', :'deep_token') - 'uuid', jsonb_build_object('tenant_uuid', :'deep', 'name', 'two', 'slug', 'two', 'description', 'Automatically created', 'acl', '["b.#"]'::jsonb, 'read_only', true, 'shared', false), 'they are read-only everywhere');

-- A new tenant has them, too, and its users.
SELECT wazo_auth.create_tenant(:'deep', 'New', 'New') AS new \gset
SELECT is(pg_temp.given(NULL, true) LIKE '%New: one%' AND pg_temp.given('admins', false) LIKE '%New: two%', true, 'a new tenant has what all have');
SELECT wazo_auth.create_user(:'new', 'fresh') AS fresh \gset
SELECT is(wazo_auth.user_acl(:'fresh')::text, '{a.1,a.2}', 'and so have its users');

-- What people did in between: groups renamed and deleted, policies made by hand.
SELECT count(*) FROM (SELECT wazo_auth.update_group(g.uuid, 'renamed') FROM wazo_auth.group g WHERE g.slug = 'admins' AND g.tenant_uuid = :'north') x;
DELETE FROM wazo_auth.group g WHERE g.slug = 'admins' AND g.tenant_uuid = :'south';
SELECT wazo_auth.create_policy(:'top', 'byhand', '{h.1}', slug => 'three') AS byhand, wazo_auth.create_policy(:'top', 'four', '{h.1}', slug => 'other') AS four,
       wazo_auth.create_group(:'deep', 'five', 'six') AS five \gset
SELECT wazo_auth.add_group_policy(g.uuid, :'byhand') FROM wazo_auth.group g WHERE g.slug = 'admins' AND g.tenant_uuid = :'north' \gset x_
SELECT wazo_auth.apply_configuration('{"default_policies": {"three": {"acl": ["t.1"]}, "four": {"acl": ["f.1"]}, "two": {"acl": ["b.1"]}}, "all_users_policies": {"three": true, "two": false}, "tenant_default_groups": {"admins": {"policies": {"two": false, "three": true}}, "five": {"policies": {"three": true}}}}');
SELECT is((SELECT name || ' ' || acl::text || config_managed FROM wazo_auth.policy WHERE uuid = :'byhand'), 'three {t.1}true', 'a policy of people''s with the slug is taken over');
SELECT is((SELECT name || ' ' || acl::text || config_managed FROM wazo_auth.policy WHERE uuid = :'four'), 'four {h.1}false', 'one with the name stays, and stops nothing');
SELECT is(pg_temp.made(), 'three {t.1} Automatically created; two {b.1} Automatically created', 'what is no longer configured is gone, what is changed is changed');
SELECT is(pg_temp.given(NULL, true), 'Deep: three, New: three, North: three, South: three, master: three', 'off the groups of all users in every tenant, not only in the top one');
SELECT is(pg_temp.given('admins', false), 'Deep: three, New: three, North: three, South: three, master: three', 'added and taken from groups; a deleted one is back');
SELECT is((SELECT count(*) FROM wazo_auth.group g WHERE g.slug = 'admins' AND g.name = 'admins'), 5::bigint, 'and has its name again');
SELECT is((SELECT count(*) FROM wazo_auth.group g WHERE g.slug = 'five') || (SELECT name FROM wazo_auth.group WHERE uuid = :'five'), '4five', 'a tenant where the name is taken keeps its own');
SELECT is((SELECT count(*) FROM wazo_auth.group g WHERE g.slug IN ('empty', 'odd')), 10::bigint, 'a group that is no longer configured stays');
SELECT count(wazo_auth.add_user_policy(:'deep_user', p.uuid)) FROM wazo_auth.policy p WHERE p.slug = 'two' AND p.config_managed \gset y_
SELECT wazo_auth.apply_configuration('{"debug": null, "db_uri": "postgresql://u:p@h/d", "update_policy_on_startup": false}');
SELECT is(pg_temp.made(), 'three {t.1} Automatically created; two {b.1} Automatically created', 'update_policy_on_startup: nothing');
SELECT is((SELECT count(*) FROM wazo_auth.setting s WHERE s.name IN ('db_uri', 'debug') AND s.value::text <> 'false'), 0::bigint, 'how the front reaches the database is not kept, debug is off again');
SELECT wazo_auth.apply_configuration('{"update_policy_on_startup": true}');
SELECT is(pg_temp.made(), 'three {t.1} Automatically created; two {b.1} Automatically created', 'policies that somebody has stay');
SELECT is(pg_temp.given(NULL, true), NULL, 'but not in the groups of all users');
DELETE FROM wazo_auth.group g WHERE g.slug IN ('admins', 'five') AND g.uuid <> :'five';
SELECT wazo_auth.apply_configuration('{}');
SELECT is(pg_temp.made(), 'two {b.1} Automatically created', 'and go when nobody has them');
SELECT throws_ok(format('SELECT wazo_auth.apply_configuration(%L)', c), '22023', NULL, 'refused: ' || c) FROM unnest(ARRAY['{"default_policies": []}', '{"all_users_policies": 1}', '{"tenant_default_groups": "x"}', '[]', '1']) c;
-- A group of a tenant's own with the slug of a default group: its members get
-- nothing by it, whoever made it, but for one that has all already.
DELETE FROM wazo_auth.group g WHERE g.slug = 'five' OR g.uuid = :'five';
SELECT wazo_auth.create_policy(:'top', 'gold', '{gold.#}', 'gold') AS gold,
       wazo_auth.create_group(:'south', 'Mine', 'Helpers') AS forged, wazo_auth.create_group(:'north', 'Ours', 'helpers') AS known \gset
SELECT wazo_auth.add_group_user(:'forged', :'south_user'), wazo_auth.add_group_policy(:'known', :'gold') \gset x_
SELECT wazo_auth.apply_configuration('{"tenant_default_groups": {"helpers": {"policies": {"gold": true}}, "bare": {}}}');
SELECT wazo_auth.apply_configuration('{"tenant_default_groups": {"helpers": {"policies": {"gold": true}}, "bare": {}}}');
SELECT is(wazo_auth.user_acl(:'south_user')::text, '{}', 'nobody becomes what a group of the configuration is by its slug');
SELECT is((SELECT g.name || g.config_managed FROM wazo_auth.group g WHERE g.uuid = :'forged'), 'Minefalse', 'such a group is left alone');
SELECT is((SELECT g.name || g.config_managed FROM wazo_auth.group g WHERE g.uuid = :'known'), 'helperstrue', 'one that has all that the configuration gives is taken over');
SELECT is((SELECT count(*) FILTER (WHERE g.config_managed) || '/' || count(*) FROM wazo_auth.group g WHERE g.slug IN ('helpers', 'bare')),
  (SELECT 2 * count(*) - 1 || '/' || 2 * count(*) - 1 FROM wazo_auth.tenant), 'the others are made');
DELETE FROM wazo_auth.group g WHERE g.slug = 'bare' AND g.tenant_uuid = :'south';
SELECT wazo_auth.create_group(:'south', 'bare', 'bare') AS bare \gset
SELECT wazo_auth.apply_configuration('{"tenant_default_groups": {"bare": {}}}');
SELECT is((SELECT g.config_managed FROM wazo_auth.group g WHERE g.uuid = :'bare'), false, 'but none for having nothing');

DELETE FROM wazo_auth.group g WHERE g.system_managed AND g.tenant_uuid = :'south';
SELECT wazo_auth.apply_configuration('{}');
SELECT is((SELECT count(*) FROM wazo_auth.group g WHERE g.system_managed AND g.tenant_uuid = :'south'), 1::bigint, 'a group of all users that is missing is made');

-- names that are no slugs are left out, and the start goes on
SELECT lives_ok($$SELECT wazo_auth.apply_configuration(('{"default_policies": {"a b": {"acl": ["x"]}, "fine": {"acl": ["x"], "description": "' || repeat('d', 5000) || '"}}, "tenant_default_groups": {"a.b": {"policies": {}}}}')::jsonb)$$, 'a configuration with names that are no slugs');
SELECT is(array_agg(p.slug), '{fine}', 'makes what has one') FROM wazo_auth.policy p WHERE p.slug IN ('a b', 'fine');

-- What a start set and the next one does not name has its default again; what configure() set stays.
SELECT wazo_auth.configure('{"default_token_lifetime": 60, "mail_interval": 9}');
SELECT wazo_auth.apply_configuration('{"default_token_lifetime": 61, "event_retention": 5}');
SELECT is(array_agg(s.name || s.value ORDER BY s.name), '{default_token_lifetime61,event_retention5,mail_interval9}', 'a start sets what it names')
FROM wazo_auth.setting s WHERE s.name IN ('default_token_lifetime', 'event_retention', 'mail_interval');
SELECT wazo_auth.apply_configuration('{"event_retention": 6}');
SELECT is(array_agg(s.name || s.value ORDER BY s.name), '{event_retention6,mail_interval9}', 'and the next one takes back what it does not')
FROM wazo_auth.setting s WHERE s.name IN ('default_token_lifetime', 'event_retention', 'mail_interval');
SELECT throws_ok($$SELECT wazo_auth.apply_configuration('{"smtp": {"port": 0}}')$$, '22023', NULL, 'a value that is wrong');
CREATE FUNCTION pg_temp.column_of(config jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_column text;
BEGIN
  PERFORM wazo_auth.apply_configuration(config);
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS v_column = COLUMN_NAME;
  RETURN v_column;
END
$$;
SELECT is(pg_temp.column_of('{"smtp": {"port": 0}}'), 'smtp.port', '... is named');

-- A provider whose function is gone is named, and its login not answered by the next one.
CREATE FUNCTION public.passing(wazo_auth.login_attempt) RETURNS wazo_auth.login_answer LANGUAGE sql
RETURN NULL::wazo_auth.login_answer;
SELECT wazo_auth.add_identity_provider('passing', 'public.passing', 1);
SELECT wazo_auth.configure('{"idp_plugins.passing": {"enabled": true}}');
SELECT lives_ok($$SELECT wazo_auth.identify(NULL::wazo_auth.login_attempt)$$, 'a provider of somebody''s is asked');
DROP FUNCTION public.passing;
SELECT throws_ok($$SELECT wazo_auth.identify(NULL::wazo_auth.login_attempt)$$, '42883',
                 'the function of the identity provider "passing" does not exist', 'one whose function is gone is told');

SELECT * FROM finish();
ROLLBACK;
