-- The administrators' role, tried: it may call every function that docs/sql.md
-- names, and needs no right to any table for it.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();
\set document `cat docs/sql.md`
CREATE TEMP TABLE named AS
SELECT DISTINCT m[1] AS name FROM regexp_matches(:'document', 'wazo_auth\.(\w+)\(', 'g') m;
SELECT cmp_ok((SELECT count(*) FROM named), '>', 50::bigint, 'docs/sql.md names functions');
SELECT is_empty($$SELECT n.name FROM named n
                  WHERE NOT EXISTS (SELECT FROM pg_proc p
                                    WHERE p.pronamespace = 'wazo_auth'::regnamespace AND p.proname = n.name
                                      AND has_function_privilege('wazo_auth_admin', p.oid, 'EXECUTE'))$$,
                'each of them is for administrators');
-- In C there is no telling by the catalog; those are called below or elsewhere.
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN named n ON n.name = p.proname
                  WHERE p.pronamespace = 'wazo_auth'::regnamespace AND NOT p.prosecdef
                    AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'c')
                    AND has_function_privilege('wazo_auth_admin', p.oid, 'EXECUTE')$$,
                'and runs with the rights that it takes');

SELECT wazo_auth.bootstrap() AS top \gset
SET LOCAL ROLE wazo_auth_admin;
SELECT is(wazo_auth.top_tenant_uuid(), :'top', 'the top tenant');
SELECT wazo_auth.create_user(:'top', 'somebody', 'secret') AS somebody \gset
SELECT is(wazo_auth.list_users(:'top', '{"search": "somebody"}') ->> 'filtered', '1', 'users');
SELECT isnt(wazo_auth.list_groups(:'top', '{}')::text, NULL, 'groups');
SELECT token FROM wazo_auth.token_create('somebody', 'secret') \gset
SELECT isnt(wazo_auth.list_sessions(:'top', '{}') ->> 'filtered', '0', 'sessions');
SELECT isnt(wazo_auth.list_refresh_tokens(:'top', '{}')::text, NULL, 'refresh tokens');
SELECT is((wazo_auth.http('GET', '/0.1/token/' || :'token')).status, 200, 'the REST API');
SELECT lives_ok($$SELECT wazo_auth.emit_event('mine', gen_random_uuid(), 'mine', '{}')$$, 'an event of their own');
SELECT throws_ok('SELECT count(*) FROM wazo_auth.user', '42501', NULL, 'no table');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
