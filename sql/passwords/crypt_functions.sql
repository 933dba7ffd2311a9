-- Passwords from elsewhere: bcrypt, MD5-crypt and DES-crypt, verified by
-- pgcrypto where that is there.

CREATE OR REPLACE FUNCTION wazo_auth.pgcrypto_crypt() RETURNS regprocedure
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Whoever owns pgcrypto can put functions into it, but none in C.
  RETURN (SELECT p.oid FROM pg_extension e
          JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
            AND d.classid = 'pg_proc'::regclass
          JOIN pg_proc p ON p.oid = d.objid AND p.proname = 'crypt' AND p.prosrc = 'pg_crypt'
            AND p.probin = '$libdir/pgcrypto' AND p.proargtypes = '25 25'::oidvector
          JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
          WHERE e.extname = 'pgcrypto');
END
$$;
COMMENT ON FUNCTION wazo_auth.pgcrypto_crypt() IS 'The function crypt() of pgcrypto; null without that extension.';

CREATE OR REPLACE FUNCTION wazo_auth.crypt_backend(login text, password text, args jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_crypt regprocedure := wazo_auth.pgcrypto_crypt();
  -- Looked for and compared with for nobody, too, so that it takes as long.
  v_user uuid := COALESCE(wazo_auth.resolve_login(login), '00000000-0000-0000-0000-000000000000');
  v_stored wazo_auth.crypt_password;
  v_kind text;
  v_like text;
  v_computed text;
  v_same boolean;
  v_equal boolean := false;
BEGIN
  IF v_crypt IS NULL THEN
    PERFORM wazo_auth.log_message('imported passwords cannot be verified: this database does not have the extension'
      ' pgcrypto; run CREATE EXTENSION pgcrypto');
    RETURN NULL;
  END IF;
  SELECT c.* INTO v_stored FROM wazo_auth.crypt_password c WHERE c.user_uuid = v_user;
  -- One of each kind that is stored, whoever logs in.
  SELECT min(c.kind) INTO v_kind FROM wazo_auth.crypt_password c;
  WHILE v_kind IS NOT NULL LOOP
    v_like := CASE WHEN v_kind <> v_stored.kind OR v_stored.kind IS NULL
                   THEN CASE v_kind WHEN '' THEN 'ab' WHEN '$1$' THEN '$1$abcdefgh$' ELSE v_kind || repeat('a', 22) END
                   -- pgcrypto knows the first of three names of the same thing.
                   WHEN v_stored.hash LIKE '$2%' THEN '$2a' || substr(v_stored.hash, 4)
                   ELSE v_stored.hash END;
    EXECUTE format('SELECT %s($1, $2)', v_crypt::oid::regproc) INTO v_computed USING password, v_like;
    -- Of digests, so that the time of the comparison tells nothing.
    v_same := sha256(convert_to(v_computed, 'UTF8')) = sha256(convert_to(v_like, 'UTF8'));
    IF v_kind = v_stored.kind THEN
      v_equal := v_same;
    END IF;
    SELECT min(c.kind) INTO v_kind FROM wazo_auth.crypt_password c WHERE c.kind > v_kind;
  END LOOP;
  RETURN CASE WHEN v_equal THEN '{}'::jsonb END;
END
$$;
COMMENT ON FUNCTION wazo_auth.crypt_backend(text, text, jsonb) IS
'Backend of imported passwords: {} when this is the one of the user that has this login, else null, at the same cost '
'for all. Without pgcrypto it refuses all of them and the log says so.';
DO $$
BEGIN
  PERFORM wazo_auth.store_registration(NULL::oid, 'backend'::text, 'crypt'::text,
    'wazo_auth.crypt_backend(text,text,jsonb)'::text,
    '{"adopts": true}'::jsonb, NULL::text, NULL::interval);
END
$$;

CREATE OR REPLACE FUNCTION wazo_auth.import_crypt_password(user_uuid uuid, hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF wazo_auth.pgcrypto_crypt() IS NULL THEN
    RAISE EXCEPTION 'passwords that crypt() wrote are verified by the extension pgcrypto, which is not there'
      USING ERRCODE = 'feature_not_supported', HINT = 'Run CREATE EXTENSION pgcrypto first.';
  END IF;
  PERFORM wazo_auth.store_password(user_uuid, NULL);
  BEGIN
    INSERT INTO wazo_auth.crypt_password (user_uuid, hash) VALUES (user_uuid, hash);
  EXCEPTION
    WHEN check_violation OR not_null_violation THEN
      -- The error of the table would show the hash.
      RAISE EXCEPTION 'this is no hash of bcrypt (cost 4 to 14), MD5-crypt or DES-crypt'
        USING ERRCODE = 'invalid_parameter_value';
    WHEN foreign_key_violation THEN
      PERFORM wazo_auth.raise_unknown_user(user_uuid::text);
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.import_crypt_password(uuid, text) IS
'Sets a user''s password to one that another program has hashed with bcrypt ($2a$, $2b$, $2y$), MD5-crypt ($1$) or '
'DES-crypt. The next login stores it as argon2id. Raises 0A000 without the extension pgcrypto, 22023 for another hash, '
'WA404 for an unknown user.';
