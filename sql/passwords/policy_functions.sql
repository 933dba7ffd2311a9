-- What a new password must be. By default anything, as with the Python server; the
-- settings password.* say more.

CREATE OR REPLACE FUNCTION wazo_auth.sha1(value text) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_sha1';
COMMENT ON FUNCTION wazo_auth.sha1(text) IS 'SHA-1 of a text, in which lists of breached passwords are kept.';

CREATE OR REPLACE FUNCTION wazo_auth.common_passwords() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '{000000, 00000000, 11111, 111111, 1111111, 11111111, 112233, 121212, 123123, 123123123, 123321, 1234, 12345,
    123456, 1234567, 12345678, 123456789, 1234567890, 1234qwer, 123654, 123abc, 123qwe, 131313, 147258369, 159753,
    1q2w3e, 1q2w3e4r, 1q2w3e4r5t, 1qaz2wsx, 222222, 321321, 456456, 555555, 654321, 666666, 666999, 696969, 777777,
    7777777, 789456, 789456123, 888888, 88888888, 987654321, 999999, a123456, aa123456, aaaaaa, abc123, abcd1234,
    admin, admin123, administrator, alexander, andrea, andrew, apple, asdasd, asdf1234, asdfgh, asdfghjkl, ashley,
    azerty, azertyuiop, bailey, baseball, batman, changeme, charlie, cheese, chelsea, computer, cookie, daniel,
    default, donald, dragon, football, freedom, george, ginger, guest, hannah, harley, hello, hello123, hunter,
    hunter2, iloveyou, jennifer, jessica, jordan, joshua, killer, letmein, liverpool, login, lovely, maggie, master,
    matthew, michael, michelle, monkey, mustang, nicole, operator, p@ssw0rd, pass, passw0rd, password, password1,
    password123, pepper, pokemon, princess, qazwsx, qqww1122, qwer1234, qwerty, qwerty123, qwertyuiop, robert, root,
    samsung, secret, shadow, soccer, starwars, summer, sunshine, superman, system, test, test123, thomas, tigger,
    toor, trustno1, user, wazo, wazo123, welcome, welcome1, whatever, xivo, zaq12wsx, zxcvbn, zxcvbnm}'::text[];
END
$$;
COMMENT ON FUNCTION wazo_auth.common_passwords() IS
'The passwords that are tried first, in lower case; those of telephone systems among them.';

CREATE OR REPLACE FUNCTION wazo_auth.is_known_password(password text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_sha1 bytea := wazo_auth.sha1(password);
  v_digest bytea := substr(v_sha1, 3, 6);
  v_digests bytea;
  v_from integer := 1;
  v_found integer;
BEGIN
  IF lower(password COLLATE "C") = ANY (wazo_auth.common_passwords()) THEN
    RETURN true;
  END IF;
  SELECT k.digests INTO v_digests FROM wazo_auth.known_password k
  WHERE k.bucket = get_byte(v_sha1, 0) * 256 + get_byte(v_sha1, 1);
  LOOP
    v_found := position(v_digest IN substr(v_digests, v_from));
    IF v_found = 0 OR v_found IS NULL THEN
      RETURN false;
    ELSIF (v_from + v_found - 2) % 6 = 0 THEN
      RETURN true;
    END IF;
    -- It lay across two.
    v_from := v_from + v_found;
  END LOOP;
END
$$;
COMMENT ON FUNCTION wazo_auth.is_known_password(text) IS
'Is it one of the commonest passwords, in any case, or one of wazo_auth.import_breached_passwords()?';

CREATE OR REPLACE FUNCTION wazo_auth.import_breached_passwords(hashes text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_lines text[] := string_to_array(replace(hashes, E'\r', ''), E'\n');
  v_bad bigint;
  v_new bigint;
BEGIN
  SELECT min(l.n) INTO v_bad FROM unnest(v_lines) WITH ORDINALITY l (line, n)
  WHERE l.line !~ '^([0-9A-Fa-f]{40}(:[0-9]+)?)?$';
  IF v_bad IS NOT NULL THEN
    RAISE EXCEPTION 'line % is no SHA-1 of a password', v_bad
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A line is 40 hexadecimal digits, maybe with a colon and a count.';
  END IF;
  -- One after the other, or each would keep only its own.
  LOCK TABLE wazo_auth.known_password IN SHARE ROW EXCLUSIVE MODE;
  WITH given AS (
    SELECT DISTINCT decode(left(l, 16), 'hex') AS digest FROM unnest(v_lines) l WHERE l <> ''
  ), part AS (
    SELECT get_byte(g.digest, 0) * 256 + get_byte(g.digest, 1) AS bucket, substr(g.digest, 3) AS digest FROM given g
  ), fresh AS (
    SELECT p.bucket, string_agg(p.digest, ''::bytea ORDER BY p.digest) AS digests, count(*) AS n
    FROM part p
    LEFT JOIN wazo_auth.known_password k ON k.bucket = p.bucket
    WHERE NOT EXISTS (SELECT FROM generate_series(1, octet_length(k.digests), 6) i
                      WHERE substr(k.digests, i, 6) = p.digest)
    GROUP BY p.bucket
  ), stored AS (
    INSERT INTO wazo_auth.known_password AS k (bucket, digests)
    SELECT f.bucket, f.digests FROM fresh f
    ON CONFLICT ON CONSTRAINT known_password_pkey DO UPDATE SET digests = k.digests || EXCLUDED.digests
  )
  SELECT COALESCE(sum(f.n), 0) INTO v_new FROM fresh f;
  RETURN v_new;
END
$$;
COMMENT ON FUNCTION wazo_auth.import_breached_passwords(text) IS
'Adds to the passwords that the setting password.refuse_known has refused: a line for each, its SHA-1 in hexadecimal '
'digits, as the lists of Pwned Passwords have it, maybe with ":" and a count, which is left out. Returns how many are '
'new. Raises 22023 for another line.';

CREATE OR REPLACE FUNCTION wazo_auth.forget_breached_passwords() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.known_password;
END
$$;
COMMENT ON FUNCTION wazo_auth.forget_breached_passwords() IS
'Removes all that wazo_auth.import_breached_passwords() has added.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_bad_password(field text, message text, constraint_id text, rule json)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.raise_error(400, message, 'invalid-data', json_build_object(field, json_build_object(
    'message', message, 'constraint_id', constraint_id, 'constraint', rule)), 'users');
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_bad_password(text, text, text, json) IS
'Raises WA400 for a password that is not good enough, as for any other value of a body.';

CREATE OR REPLACE FUNCTION wazo_auth.was_used_before(user_uuid uuid, password text, times integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_hash text;
BEGIN
  FOR v_hash IN
    SELECT p.hash FROM wazo_auth.password p WHERE p.user_uuid = was_used_before.user_uuid
    UNION ALL
    (SELECT h.hash FROM wazo_auth.password_history h WHERE h.user_uuid = was_used_before.user_uuid
     ORDER BY h.replaced_at DESC LIMIT times - 1)
  LOOP
    IF wazo_auth.password_verify(password, v_hash) THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$;
COMMENT ON FUNCTION wazo_auth.was_used_before(uuid, text, integer) IS
'Is it one of the last so many passwords of a user, the present one among them? Computes a hash for each.';

CREATE OR REPLACE FUNCTION wazo_auth.new_password_hash(password text, user_uuid uuid, field text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  v_rules jsonb := wazo_auth.get_setting('password');
  v_least integer := (v_rules ->> 'min_length')::integer;
  v_history integer := (v_rules ->> 'history')::integer;
BEGIN
  IF password IS NULL THEN
    RETURN NULL;
  ELSIF char_length(password) < v_least THEN
    PERFORM wazo_auth.raise_bad_password(field, format('Shorter than minimum length %s.', v_least), 'length',
      json_build_object('min', v_least, 'max', NULL));
  ELSIF v_rules -> 'refuse_known' = 'true' AND wazo_auth.is_known_password(password) THEN
    PERFORM wazo_auth.raise_bad_password(field, 'This password is known to others.', 'known_password',
      '"known_password"'::json);
  ELSIF v_history > 0 AND wazo_auth.was_used_before(user_uuid, password, v_history) THEN
    PERFORM wazo_auth.raise_bad_password(field, format('One of the last %s passwords.', v_history), 'history',
      to_json(v_history));
  END IF;
  RETURN wazo_auth.password_hash(password);
END
$$;
COMMENT ON FUNCTION wazo_auth.new_password_hash(text, uuid, text) IS
'Hash of a password that somebody has chosen, null for null; user_uuid is null for a user that is not there yet, field '
'names it in the error. Raises WA400 for one that the settings password.* refuse, and what wazo_auth.password_hash() '
'raises.';

CREATE OR REPLACE FUNCTION wazo_auth.keep_old_password(user_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_kept integer := (wazo_auth.get_setting('password') ->> 'history')::integer - 1;
BEGIN
  IF v_kept > 0 THEN
    INSERT INTO wazo_auth.password_history (user_uuid, hash)
    SELECT p.user_uuid, p.hash FROM wazo_auth.password p WHERE p.user_uuid = keep_old_password.user_uuid;
  END IF;
  DELETE FROM wazo_auth.password_history h
  WHERE h.user_uuid = keep_old_password.user_uuid
    AND h.replaced_at NOT IN (SELECT n.replaced_at FROM wazo_auth.password_history n
                              WHERE n.user_uuid = keep_old_password.user_uuid
                              ORDER BY n.replaced_at DESC LIMIT greatest(v_kept, 0));
END
$$;
COMMENT ON FUNCTION wazo_auth.keep_old_password(uuid) IS
'Keeps the hash of the password that a user is about to lose, and no more of them than the setting password.history '
'takes.';
