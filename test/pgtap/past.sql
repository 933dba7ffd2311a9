-- explain_access(…, at): what the audit log must hold for it, what it cannot tell, and what it says then. Random
-- histories are in history.sql.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

CREATE FUNCTION pg_temp.past(of_user uuid, access text, at timestamptz, session uuid DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_hint text;
BEGIN
  RETURN (SELECT concat_ws(' ', e.granted, e.entry, e.via, e.policy_name, e.group_name, e.missing) FROM wazo_auth.explain_access(of_user, access, session, at) e);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS v_hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM, v_hint);
END $$;
CREATE FUNCTION pg_temp.last_row(OUT object text, OUT action text, OUT before jsonb, OUT after jsonb) LANGUAGE sql AS $$
  SELECT a.object, a.action, a.before, a.after FROM wazo_auth.audit a ORDER BY a.id DESC LIMIT 1
$$;

-- ---- what the log holds ----
SELECT wazo_auth.create_policy(:'north', 'lines', '{a,b,c,d}') AS lines \gset
SELECT is((SELECT c::text FROM wazo_auth.acl_change(o::jsonb, n::jsonb) c), format('("%s","%s")', replace(b, '"', '""'), replace(a, '"', '""')), o || ' becomes ' || n)
FROM (VALUES
  ('["a", "b", "c"]', '["a", "c"]', '{"acl": ["b"], "acl_places": [2]}', '{"acl": [], "acl_places": []}'),
  ('["a"]', '["x", "a", "y"]', '{"acl": [], "acl_places": []}', '{"acl": ["x", "y"], "acl_places": [1, 3]}'),
  ('["a", "a", "b"]', '["a", "b", "b"]', '{"acl": ["a"], "acl_places": [2]}', '{"acl": ["b"], "acl_places": [3]}'),
  ('["a", "b"]', '["b", "a"]', '{"acl": ["a", "b"], "acl_places": [1, 2]}', '{"acl": ["b", "a"], "acl_places": [1, 2]}'),
  ('[]', '["a"]', '{"acl": [], "acl_places": []}', '{"acl": ["a"], "acl_places": [1]}')) c (o, n, b, a);
SELECT is((SELECT count(*)::integer FROM generate_series(1, 300) i,
           LATERAL (SELECT setseed(i / 300.0)) s,
           LATERAL (SELECT COALESCE(jsonb_agg(chr(97 + (random() * 6)::integer)), '[]') AS acl FROM generate_series(1, i % 7)) o,
           LATERAL (SELECT COALESCE(jsonb_agg(chr(97 + (random() * 6)::integer)), '[]') AS acl FROM generate_series(1, i % 5)) n,
           LATERAL wazo_auth.acl_change(o.acl, n.acl) c
           WHERE wazo_auth.undo_acl_change(n.acl, c.before, c.after) <> o.acl), 0, 'each change can be undone');
SELECT wazo_auth.configure('{"default_token_lifetime": 3600}'), wazo_auth.configure('{"default_token_lifetime": 60}');
SELECT is((SELECT r::text FROM pg_temp.last_row() r), '(setting,updated,"{""name"": ""default_token_lifetime"", ""value"": 3600}","{""name"": ""default_token_lifetime"", ""value"": 60}")', 'of a row without a uuid its key');
SELECT wazo_auth.add_user_policy(:'north_user', :'lines');
SELECT COALESCE(max(a.id), 0) AS mark FROM wazo_auth.audit a \gset
UPDATE wazo_auth.user_policy SET user_uuid = :'deep_user' WHERE user_uuid = :'north_user';
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.object_uuid), ', ' ORDER BY a.id) FROM wazo_auth.audit a WHERE a.id > :mark),
          format('user_policy deleted %s, user_policy created %s', :'north_user', :'deep_user'), 'another key is another thing');
SELECT COALESCE(max(a.id), 0) AS mark FROM wazo_auth.audit a \gset
TRUNCATE wazo_auth.user_policy;
SELECT is((SELECT string_agg(concat_ws(' ', a.object, a.action, a.object_uuid), ', ' ORDER BY a.id) FROM wazo_auth.audit a WHERE a.id > :mark),
          format('user_policy deleted %s', :'deep_user'), 'what is emptied is told row by row');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' AND wazo_auth.decides_access(c.relname::text)
                  AND 4 <> (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname ~ '^audit_(insert|update|delete|truncate)$')$$, 'all that decides about accesses is told');
-- What the explanation reads is what user_acl() reads.
SELECT is((SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' AND wazo_auth.decides_access(c.relname::text)),
          '{group,group_policy,group_user,policy,setting,tenant,user,user_policy}'::text[], 'which is eight tables');

-- ---- a story ----
SELECT clock_timestamp() AS before_all \gset
SELECT wazo_auth.create_user(:'north', 'ann') AS ann, wazo_auth.create_group(:'north', 'staff') AS staff \gset
SELECT wazo_auth.create_policy(:'north', 'limits', '{!b}') AS limits \gset
SELECT wazo_auth.add_group_user(:'staff', :'ann'), wazo_auth.add_group_policy(:'staff', :'lines');
SELECT clock_timestamp() AS given \gset
SELECT wazo_auth.update_group(:'staff', 'crew'), wazo_auth.update_policy(:'lines', 'queues', '{c,b}');
SELECT clock_timestamp() AS renamed \gset
SELECT wazo_auth.add_user_policy(:'ann', :'limits');
SELECT clock_timestamp() AS limited \gset
SELECT wazo_auth.update_user(:'ann', 'ann', enabled => false), wazo_auth.remove_user_policy(:'ann', :'limits');
SELECT clock_timestamp() AS disabled \gset
SELECT wazo_auth.update_user(:'ann', 'ann', enabled => true), wazo_auth.delete_group(:'staff');
SELECT clock_timestamp() AS groupless \gset
SELECT wazo_auth.delete_policy(:'lines'), wazo_auth.delete_user(:'ann');
SELECT clock_timestamp() AS gone \gset
SELECT matches(pg_temp.past(:'ann', 'b', :'before_all'), '^WA404 No such user', 'before there was the user');
SELECT is(pg_temp.past(:'ann', 'b', :'given'), 't b group lines staff', 'by a group, as it and its policy were called');
SELECT is(pg_temp.past(:'ann', 'b', :'renamed'), 't b group queues crew', 'and later');
SELECT is(pg_temp.past(:'ann', 'a', :'renamed'), 'f c group queues crew segment 1 is ''a'', the entry has ''c''', 'no longer, and what came nearest');
SELECT is(pg_temp.past(:'ann', 'b', :'limited'), 'f !b direct limits', 'denied');
SELECT is(pg_temp.past(:'ann', 'b', :'disabled'), 'f b group queues crew the user is disabled', 'a disabled user has nothing');
SELECT is(pg_temp.past(:'ann', 'b', :'groupless'), 'f', 'without the group');
SELECT matches(pg_temp.past(:'ann', 'b', :'gone'), '^WA404 No such user', 'after it had gone');
SELECT wazo_auth.update_user(:'deep_user', 'deep', enabled => false), wazo_auth.create_policy(:'top', 'wazo_default', '{z}');
SELECT wazo_auth.configure('{"default_user_policy": "wazo_default"}');
SELECT is(pg_temp.past(:'deep_user', 'z', NULL), 'f z default wazo_default the user is disabled', 'now, too');
SELECT wazo_auth.update_user(:'deep_user', 'deep', enabled => true);
SELECT clock_timestamp() AS by_default \gset
SELECT wazo_auth.configure('{"default_user_policy": null}');
SELECT is(pg_temp.past(:'deep_user', 'z', :'by_default'), 't z default wazo_default', 'by a setting that holds no more');
UPDATE wazo_auth.policy SET tenant_uuid = :'north' WHERE name = 'wazo_default' AND tenant_uuid = :'top';
SELECT is(pg_temp.past(:'deep_user', 'z', :'by_default'), 't z default wazo_default', 'nor where the policy is in another tenant now');

-- ---- sessions ----
SELECT wazo_auth.create_user(:'north', 'bob', 'secret', authentication_method => 'native') AS bob \gset
SELECT wazo_auth.create_policy(:'north', 'own', '{s,t}') AS own \gset
SELECT wazo_auth.add_user_policy(:'bob', :'own');
SELECT token AS token FROM wazo_auth.token_create('bob', 'secret') \gset
SELECT s.uuid AS session FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token') \gset
SELECT clock_timestamp() AS logged_in \gset
SELECT wazo_auth.update_policy(:'own', 'own', '{t}');
SELECT clock_timestamp() AS taken \gset
SELECT is(pg_temp.past(:'bob', 's', :'taken', :'session'), 't s direct own', 'a session keeps what it had');
SELECT is(pg_temp.past(:'bob', 's', :'taken'), 'f t direct own segment 1 is ''s'', the entry has ''t''', 'a new one would not have it');
SELECT matches(pg_temp.past(:'bob', 's', :'by_default'::timestamptz, :'session'), '^WA404 No such user', 'before');
SELECT matches(pg_temp.past(:'deep_user', 's', :'taken', :'session'), '^WA404 No such session', 'not another''s');
SELECT wazo_auth.token_delete(:'token');
SELECT clock_timestamp() AS logged_out \gset
DELETE FROM wazo_auth.acl_set a WHERE NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.acl_digest = a.digest);
SELECT is(pg_temp.past(:'bob', 's', :'taken', :'session'), 't s direct own', 'a session that has ended, of policies that were');
SELECT matches(pg_temp.past(:'bob', 's', :'logged_out', :'session'), '^WA404 No such session', 'ended');
-- By a backend that has no policy of its own, where that of passwords has one.
SELECT wazo_auth.create_policy(:'top', 'of passwords', '{p}'), wazo_auth.create_policy(:'top', 'of others', '{o}');
SELECT wazo_auth.configure('{"backend_policies": {"wazo_user": "of passwords"}, "default_user_policy": "of others"}');
SELECT wazo_auth.open_session(u, 3600, wazo_auth.user_acl(u.uuid, 'ldap_user'), '{}', false, NULL, '', '') AS token FROM wazo_auth.user u WHERE u.uuid = :'bob' \gset
SELECT s.uuid AS ldap_session FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token') \gset
SELECT clock_timestamp() AS by_ldap \gset
SELECT wazo_auth.token_delete(:'token');
DELETE FROM wazo_auth.acl_set a WHERE NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.acl_digest = a.digest);
SELECT is(pg_temp.past(:'bob', 'o', :'by_ldap', :'ldap_session'), 't o default of others', 'a session by a backend that has no policy of its own');
SELECT wazo_auth.configure('{"backend_policies": null, "default_user_policy": null}');
-- Nobody may end one without a word.
SELECT token AS token FROM wazo_auth.token_create('bob', 'secret') \gset
SELECT s.uuid AS reset_session FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token') \gset
SELECT clock_timestamp() AS again \gset
SELECT wazo_auth.reset_administrator('bob', 'another');
SELECT matches(pg_temp.past(:'bob', 't', clock_timestamp(), :'reset_session'), '^WA404 No such session', 'a reset is told');
SELECT is(pg_temp.past(:'bob', 't', :'again', :'reset_session'), 't t direct own', 'it ended with it');
SELECT token AS token FROM wazo_auth.token_create('bob', 'another') \gset
SELECT s.uuid AS quiet_session FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'token') \gset
DELETE FROM wazo_auth.session s WHERE s.uuid = :'quiet_session';
SELECT matches(pg_temp.past(:'bob', 't', clock_timestamp(), :'quiet_session'), '^WA410 .*wazo_auth.session was changed without it', 'a statement of the owner''s own is not');
-- One that was given something else than its user's policies.
SELECT pg_temp.token(:'bob', '{odd.#}') AS odd \gset
SELECT s.uuid AS odd_session FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest(:'odd') \gset
SELECT clock_timestamp() AS odd_at \gset
SELECT is(pg_temp.past(:'bob', 'odd.x', :'odd_at', :'odd_session'), 't odd.#', 'its accesses, and no policy');
SELECT wazo_auth.token_delete(:'odd');
SELECT is(pg_temp.past(:'bob', 'odd.x', :'odd_at', :'odd_session'), 't odd.#', 'as long as somebody else may have them');
DELETE FROM wazo_auth.acl_set a WHERE NOT EXISTS (SELECT FROM wazo_auth.session s WHERE s.acl_digest = a.digest);
SELECT matches(pg_temp.past(:'bob', 'odd.x', :'odd_at', :'odd_session'), '^WA410 .*is not known any more Leave the session out', 'then nobody knows');

-- ---- what it does not tell ----
SELECT matches(pg_temp.past(:'bob', 't', clock_timestamp() + interval '1 minute'), '^22023 ', 'the future');
SELECT matches(pg_temp.past(:'bob', 't', 'infinity'), '^22023 ', 'all of it');
SELECT matches(pg_temp.past(:'bob', 't', '-infinity'), '^WA404 ', 'before everything there was nobody');
SELECT matches(pg_temp.past(:'nobody', 't', :'taken'), '^WA404 ', 'who never was');
SAVEPOINT gaps;
SELECT wazo_auth.configure('{"audit_retention": 0}');
SELECT is((SELECT r::text FROM pg_temp.last_row() r), '(setting,created,,"{""name"": ""audit_retention"", ""value"": 0, ""from_files"": false}")', 'that it is turned off is in it');
SELECT matches(pg_temp.past(:'bob', 't', :'taken'), '^WA410 .*it is off .*audit_retention', 'while it is off');
SELECT wazo_auth.update_policy(:'own', 'own', '{u}');
SELECT clock_timestamp() AS unseen \gset
SELECT wazo_auth.configure('{"audit_retention": 30}');
SELECT clock_timestamp() AS seen \gset
SELECT matches(pg_temp.past(:'bob', 't', at::timestamptz), '^WA410 .*: it was off Ask for a time from ', 'what was when it was off, and before') FROM unnest(ARRAY[:'unseen', :'taken']) at;
SELECT is(pg_temp.past(:'bob', 'u', :'seen'), 't u direct own', 'and on again');
ROLLBACK TO gaps;
SELECT wazo_auth.configure('{"audit_retention": 30}');
SELECT is(pg_temp.past(:'bob', 's', :'taken'), 'f t direct own segment 1 is ''s'', the entry has ''t''', 'another retention is no gap');
INSERT INTO wazo_auth.audit (at, object, action) VALUES ('2001-03-04', 'user', 'updated');
SELECT wazo_auth.keep_audit(10);
SELECT is(pg_temp.past(:'bob', 's', :'taken'), 'f t direct own segment 1 is ''s'', the entry has ''t''', 'rows that went were older');
SELECT matches(pg_temp.past(:'bob', 't', '2001-03-03'), '^WA410 .*: it is not kept for so long Ask for a time from 2001-03-04', 'what is deleted');
SELECT wazo_auth.add_audit_month('2001-05-01'), wazo_auth.keep_audit(10);
SELECT matches(pg_temp.past(:'bob', 't', '2001-05-31'), '^WA410 .*: it is not kept for so long Ask for a time from 2001-06-01', 'a month that is dropped');
SELECT matches(pg_temp.past(:'bob', 't', :'taken', :'session'), '^t ', 'a session that began since');
SELECT matches(pg_temp.past(:'bob', 't', :'taken', :'nobody'), '^WA410 .*not how all of them began', 'one that may have begun before');
SAVEPOINT gaps;
SELECT wazo_auth.hold();
SELECT matches(pg_temp.past(:'bob', 't', :'taken'), '^WA410 .*live one Once it is complete: SELECT wazo_auth.go_live', 'a copy, perhaps');
SELECT clock_timestamp() AS held \gset
SELECT wazo_auth.go_live();
SELECT matches(pg_temp.past(:'bob', 't', :'held'), '^WA410 .*this one is a copy Ask for a time from ', 'between the last row and its new life');
SELECT is(pg_temp.past(:'bob', 's', :'taken'), 'f t direct own segment 1 is ''s'', the entry has ''t''', 'but not what was before');
SELECT wazo_auth.note_audit_gap('import', NULL, clock_timestamp());
SELECT matches(pg_temp.past(:'bob', 't', :'taken'), '^WA410 .*an import came later', 'an import');
ROLLBACK TO gaps;
-- Behind its back
SET session_replication_role = replica;
DELETE FROM wazo_auth.user_policy WHERE user_uuid = :'bob';
RESET session_replication_role;
SELECT matches((SELECT pg_temp.past(:'bob', 't', b.at - interval '1 microsecond') FROM (SELECT a.at FROM wazo_auth.audit a WHERE a.object = 'user_policy' AND a.object_uuid = :'bob') b), '^WA410 .*wazo_auth.user_policy was changed without it', 'not what it has led to');

-- ---- who may ask ----
SELECT is((SELECT array_agg(r.rolname::text ORDER BY 1) FROM pg_roles r WHERE NOT r.rolsuper AND r.rolname ~ '^wazo_auth_'
           AND has_function_privilege(r.oid, 'wazo_auth.explain_access(uuid, text, uuid, timestamptz)', 'EXECUTE')), '{wazo_auth_admin}'::text[], 'administrators');
SELECT * FROM finish();
ROLLBACK;
