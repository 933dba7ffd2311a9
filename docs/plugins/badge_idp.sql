-- An identity provider: logins by the number of a badge, for users whose
-- authentication method is "badge".

CREATE ROLE badge IN ROLE wazo_auth_plugin;
CREATE SCHEMA badge AUTHORIZATION badge;
SET ROLE badge;

CREATE TABLE badge.badge (number text PRIMARY KEY, user_uuid uuid NOT NULL);

CREATE FUNCTION badge.login(attempt wazo_auth.login_attempt) RETURNS wazo_auth.login_answer
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_answer wazo_auth.login_answer;
BEGIN
  v_answer.taken := attempt.members ? 'badge';
  IF v_answer.taken THEN
    v_answer.login := 'a badge';
    SELECT b.user_uuid INTO v_answer.user_uuid FROM badge.badge b WHERE b.number = attempt.members ->> 'badge';
  END IF;
  RETURN v_answer;
END
$$;

SELECT wazo_auth.register_idp('badge', 'badge.login', 10);
RESET ROLE;
SELECT wazo_auth.configure('{"idp_plugins.badge": {"enabled": true}}');
