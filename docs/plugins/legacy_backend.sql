-- A backend: logins by the passwords of an older system, whose table was copied
-- into this database. Users keep their logins; who has no password in wazo_auth
-- is asked for here, and wazo_auth keeps the password from then on.

CREATE ROLE legacy IN ROLE wazo_auth_plugin;
CREATE SCHEMA legacy AUTHORIZATION legacy;
SET ROLE legacy;

CREATE TABLE legacy.account (
  login text PRIMARY KEY,
  salt text NOT NULL,
  hash bytea NOT NULL            -- 20,000 rounds of SHA-256
);

CREATE FUNCTION legacy.digest(password text, salt text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  v_digest bytea := convert_to(salt || password, 'UTF8');
BEGIN
  FOR i IN 1 .. 20000 LOOP
    v_digest := sha256(v_digest);
  END LOOP;
  RETURN v_digest;
END
$$;

CREATE FUNCTION legacy.verify(login text, password text, args jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_account legacy.account;
  v_digest bytea;
BEGIN
  SELECT a.* INTO v_account FROM legacy.account a WHERE a.login = lower(verify.login);
  -- Also for a login that is not there: the time of an answer must not tell.
  v_digest := legacy.digest(password, COALESCE(v_account.salt, 'none'));
  -- Null is no; the members of the object would be told to functions for metadata and accesses.
  RETURN CASE WHEN sha256(v_digest) = sha256(v_account.hash) THEN '{}'::jsonb END;
END
$$;

SELECT wazo_auth.register_backend('legacy', 'legacy.verify', adopts => true, time_limit => '10 seconds');
RESET ROLE;
SELECT wazo_auth.configure('{"enabled_backend_plugins.legacy": true}');
