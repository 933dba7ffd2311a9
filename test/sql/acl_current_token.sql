-- Row-level security by the token that a transaction runs for.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS wazo_auth CASCADE;
SET search_path = public, wazo_auth;
\set SHOW_CONTEXT never
SELECT bootstrap() AS top \gset
SELECT create_tenant(:'top', 'below', 'cur_below') AS below \gset
SELECT create_user(:'below', 'cur_alice', uuid => '5d1f7a52-0c3e-4a8e-9c0d-0000000000a1') AS alice \gset
\set token_a 00000000-0000-4000-8000-0000000000a1
\set token_b 00000000-0000-4000-8000-0000000000b1
INSERT INTO wazo_auth.session (token_digest, uuid, tenant_uuid, acl_digest, expires_at, user_uuid) VALUES
  (token_digest(:'token_a'), '00000000-0000-4000-8000-0000000000f1', :'below', store_acl('{line.*.read,!line.4.#,mine.me,s.my_session}'), 'infinity', :'alice');
INSERT INTO wazo_auth.session (token_digest, uuid, tenant_uuid, acl_digest, expires_at, auth_id) VALUES
  (token_digest(:'token_b'), '00000000-0000-4000-8000-0000000000f2', :'top', store_acl('{line.4.read}'), 'infinity', 'wazo-auth');

CREATE TABLE cur_line (id int, tenant uuid);
INSERT INTO cur_line SELECT i, CASE WHEN i % 2 = 0 THEN :'below' ELSE :'top' END::uuid FROM generate_series(1, 6) AS i;
ALTER TABLE cur_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_token ON cur_line USING (wazo_auth.can('line.' || id || '.read') AND wazo_auth.can_reach(tenant));
GRANT SELECT ON cur_line TO wazo_auth_service;

SET ROLE wazo_auth_service;
-- nobody sees anything, and nobody is anybody
SELECT * FROM cur_line;
SELECT current_user_uuid() IS NULL AND current_tenant_uuid() IS NULL AS nobody, can('line.1.read') AS f, can(NULL) IS NULL AS n, can_reach(NULL) IS NULL AS n;
-- one transaction for the token
BEGIN;
SELECT set_token(:'token_a');
SELECT id FROM cur_line ORDER BY id;
SELECT current_user_uuid() = :'alice' AS alice, current_tenant_uuid() = :'below' AS below, can('mine.' || :'alice') AS me, can('s.00000000-0000-4000-8000-0000000000f1') AS my_session, can('mine.x') AS f;
SELECT set_token(:'token_b');
SELECT id FROM cur_line ORDER BY id;
SELECT current_user_uuid() IS NULL AS of_the_service, current_tenant_uuid() = :'top' AS top, can_reach(:'top') AS t;
SELECT set_token('00000000-0000-4000-8000-0000000000c1') AS unknown;
SELECT id FROM cur_line;
SELECT set_token(:'token_a');
SELECT set_token(NULL);
SELECT id FROM cur_line;
COMMIT;
-- it ends with the transaction, also with one of a single statement
SELECT set_token(:'token_a');
SELECT id FROM cur_line;
BEGIN;
SELECT set_token(:'token_a');
ROLLBACK;
SELECT id FROM cur_line;
-- savepoints: kept by release, dropped by rollback
BEGIN;
SAVEPOINT a;
SELECT set_token(:'token_a');
RELEASE a;
SELECT count(*) FROM cur_line;
SAVEPOINT b;
SELECT count(*) FROM cur_line;
ROLLBACK TO b;
SELECT count(*) FROM cur_line;
SELECT set_token(:'token_b');
ROLLBACK TO b;
SELECT count(*) AS none_rather_than_the_former FROM cur_line;
COMMIT;
RESET ROLE;
-- once per query, not once per row: an InitPlan
BEGIN;
SELECT set_token(:'token_a');
DO $$
DECLARE
  v_plan json;
BEGIN
  EXECUTE $sql$EXPLAIN (COSTS OFF, FORMAT JSON)
    SELECT id FROM pg_catalog.generate_series(1, 3) AS id WHERE (SELECT can('line.1.read'))$sql$ INTO v_plan;
  RAISE INFO '% and %', v_plan #> '{0,Plan,Node Type}', v_plan #> '{0,Plan,Plans,0,Parent Relationship}';
END
$$;
SELECT id FROM pg_catalog.generate_series(1, 3) AS id WHERE (SELECT can('line.1.read'));
SELECT id FROM pg_catalog.generate_series(1, 3) AS id WHERE (SELECT can('line.1.delete'));
COMMIT;
-- the user's present tenant, though the token was made in another
BEGIN;
UPDATE wazo_auth.user SET tenant_uuid = :'top' WHERE uuid = :'alice';
SELECT set_token(:'token_a');
SELECT current_tenant_uuid() = :'top' AS top;
ROLLBACK;
-- a token that expires during the transaction
BEGIN;
UPDATE wazo_auth.session SET expires_at = clock_timestamp() + '1s' WHERE token_digest = token_digest(:'token_a');
SELECT set_token(:'token_a') AND can('line.1.read') AS before;
DO $$ BEGIN WHILE clock_timestamp() <= (SELECT expires_at FROM wazo_auth.session WHERE uuid = '00000000-0000-4000-8000-0000000000f1') LOOP PERFORM pg_sleep(0.05); END LOOP; END $$;
SELECT can('line.1.read') AS after, can_reach(:'below') AS after, current_user_uuid() IS NULL AND current_tenant_uuid() IS NULL AS nobody;
ROLLBACK;
-- not for everybody
SET ROLE wazo_auth_front;
SELECT set_token(:'token_a');
RESET ROLE;
DROP TABLE cur_line;
DELETE FROM wazo_auth.user WHERE uuid = :'alice';
DELETE FROM wazo_auth.session WHERE token_digest = token_digest(:'token_b');
DELETE FROM wazo_auth.tenant WHERE uuid = :'below';
