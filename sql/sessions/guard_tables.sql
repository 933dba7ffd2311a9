-- A failed login writes three small rows, so nothing but the key is indexed, and
-- their updates stay on their pages.
CREATE TABLE wazo_auth.login_failure (
  key uuid PRIMARY KEY,
  login_digest uuid,
  network cidr,
  failures real NOT NULL,
  not_before timestamptz NOT NULL,
  CONSTRAINT login_failure_of_check CHECK (pg_catalog.num_nonnulls(login_digest, network) > 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE wazo_auth.login_failure IS
'Failed logins of late: of a login from a network, of a network whatever the login, and of a login from everywhere';
COMMENT ON COLUMN wazo_auth.login_failure.key IS 'Digest of login and network: wazo_auth.login_failure_key()';
COMMENT ON COLUMN wazo_auth.login_failure.login_digest IS
'Digest of the login as it was typed, folded, known or not: people type passwords there, too. Null: whatever the login';
COMMENT ON COLUMN wazo_auth.login_failure.network IS
'An IPv4 address or an IPv6 network of 64 bits; null: from everywhere';
COMMENT ON COLUMN wazo_auth.login_failure.failures IS
'How many there were at not_before; from then on they become fewer with the time';
COMMENT ON COLUMN wazo_auth.login_failure.not_before IS 'The next attempt is refused before';

-- Not for dumps: who failed at the login is of no use an hour later.
