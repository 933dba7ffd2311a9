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
CREATE POLICY by_token ON cur_line USING (wazo_auth.may('line.' || id || '.read') AND wazo_auth.may_reach(tenant));
GRANT SELECT ON cur_line TO wazo_auth_service;

SET ROLE wazo_auth_service;
-- nobody sees anything, and nobody is anybody
SELECT * FROM cur_line;
SELECT current_auth_id() IS NULL AS nobody, may('line.1.read') AS f, may(NULL) IS NULL AS n, may_reach(NULL) IS NULL AS n;
-- one transaction for the token
BEGIN;
SELECT use_token(:'token_a');
SELECT id FROM cur_line ORDER BY id;
SELECT current_auth_id() = :'alice' AS alice, may('mine.' || :'alice') AS me, may('s.00000000-0000-4000-8000-0000000000f1') AS my_session, may('mine.x') AS f;
SELECT use_token(:'token_b');
SELECT id FROM cur_line ORDER BY id;
SELECT current_auth_id(), may_reach(:'top') AS t;
SELECT use_token('00000000-0000-4000-8000-0000000000c1') AS unknown;
SELECT id FROM cur_line;
SELECT use_token(:'token_a');
SELECT use_token(NULL);
SELECT id FROM cur_line;
COMMIT;
-- it ends with the transaction, also with one of a single statement
SELECT use_token(:'token_a');
SELECT id FROM cur_line;
BEGIN;
SELECT use_token(:'token_a');
ROLLBACK;
SELECT id FROM cur_line;
-- savepoints: kept by release, dropped by rollback
BEGIN;
SAVEPOINT a;
SELECT use_token(:'token_a');
RELEASE a;
SELECT count(*) FROM cur_line;
SAVEPOINT b;
SELECT count(*) FROM cur_line;
ROLLBACK TO b;
SELECT count(*) FROM cur_line;
SELECT use_token(:'token_b');
ROLLBACK TO b;
SELECT count(*) AS none_rather_than_the_former FROM cur_line;
COMMIT;
RESET ROLE;
-- a token that expires during the transaction
BEGIN;
UPDATE wazo_auth.session SET expires_at = clock_timestamp() + '1s' WHERE token_digest = token_digest(:'token_a');
SELECT use_token(:'token_a') AND may('line.1.read') AS before;
DO $$ BEGIN WHILE clock_timestamp() <= (SELECT expires_at FROM wazo_auth.session WHERE uuid = '00000000-0000-4000-8000-0000000000f1') LOOP PERFORM pg_sleep(0.05); END LOOP; END $$;
SELECT may('line.1.read') AS after, may_reach(:'below') AS after, current_auth_id() IS NULL AS nobody;
ROLLBACK;
-- not for everybody
SET ROLE wazo_auth_front;
SELECT use_token(:'token_a');
RESET ROLE;
DROP TABLE cur_line;
DELETE FROM wazo_auth.user WHERE uuid = :'alice';
DELETE FROM wazo_auth.session WHERE token_digest = token_digest(:'token_b');
DELETE FROM wazo_auth.tenant WHERE uuid = :'below';
