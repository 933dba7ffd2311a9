CREATE TABLE wazo_auth.crypt_password (
  user_uuid uuid PRIMARY KEY REFERENCES wazo_auth.user ON DELETE CASCADE,
  hash text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
    CASE WHEN hash LIKE '$2%' THEN '$2a' || pg_catalog.substr(hash, 4, 4) WHEN hash LIKE '$1$%' THEN '$1$' ELSE '' END)
    STORED,
  -- A bcrypt of more rounds would keep a processor busy for seconds.
  CONSTRAINT crypt_password_hash_check CHECK (hash ~ '^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$'
    OR hash ~ '^\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$' OR hash ~ '^[./A-Za-z0-9]{13}$')
);
CREATE INDEX crypt_password_kind_idx ON wazo_auth.crypt_password (kind);
COMMENT ON TABLE wazo_auth.crypt_password IS
'Password hashes from elsewhere, as crypt(3) writes them, of users that have none in wazo_auth.password; the first '
'login moves them there';
COMMENT ON COLUMN wazo_auth.crypt_password.hash IS 'bcrypt ($2a$, $2b$, $2y$), MD5-crypt ($1$) or DES-crypt';
COMMENT ON COLUMN wazo_auth.crypt_password.kind IS
'Scheme and rounds. While there are several kinds a refused login costs one of each, so that its time tells nothing';
COMMENT ON INDEX wazo_auth.crypt_password_kind_idx IS 'Which kinds there are';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.crypt_password', '');
