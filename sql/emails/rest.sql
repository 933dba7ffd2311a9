-- Routes of e-mail addresses: /0.1/users/{user_uuid}/emails

CREATE OR REPLACE FUNCTION wazo_auth.check_emails(body jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN e.n > 0 THEN array_remove(ARRAY[
    CASE WHEN e.different < e.n THEN 'The same address can only be used once' END,
    CASE WHEN e.main > 1 THEN 'Only one address should be main'
         WHEN e.main = 0 THEN 'At least one address should be main' END
  ], NULL) END
  FROM (SELECT count(*) AS n, count(DISTINCT i.value ->> 'address') AS different,
               count(*) FILTER (WHERE (i.value ->> 'main')::boolean) AS main
        FROM jsonb_array_elements(body -> 'emails') i) e;
END;
COMMENT ON FUNCTION wazo_auth.check_emails(jsonb) IS
'Messages of the rules between the addresses of a list (contract: schemas.md, AdminEmailPut).';

SELECT wazo_auth.declare_schema('admin_email', 'emails', NULL, '{
  "address":   {"type": "email", "required": true, "bytes": 512},
  "confirmed": {"type": "boolean", "nullable": true, "default": null},
  "main":      {"type": "boolean", "default": false}
}');
SELECT wazo_auth.declare_schema('user_email', 'emails', NULL, '{
  "address": {"type": "email", "required": true, "bytes": 512},
  "main":    {"type": "boolean", "default": false}
}');
SELECT wazo_auth.declare_schema('admin_emails_put', 'emails', NULL,
  '{"emails": {"type": "nested_list", "required": true, "max": 100, "schema": "admin_email"}}',
    cross_check => 'wazo_auth.check_emails');
SELECT wazo_auth.declare_schema('user_emails_put', 'emails', NULL,
  '{"emails": {"type": "nested_list", "required": true, "max": 100, "schema": "user_email"}}',
    cross_check => 'wazo_auth.check_emails');

CREATE OR REPLACE FUNCTION wazo_auth.put_emails(request wazo_auth.http_request, OUT known text[], OUT emails jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_user uuid := (request.params ->> 'user_uuid')::uuid;
  v_taken text;
BEGIN
  emails := request.body -> 'emails';
  -- An address in use is told before an unknown user.
  SELECT i.value ->> 'address' INTO v_taken
  FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n)
  JOIN wazo_auth.login l ON l.login = wazo_auth.normal_login(i.value ->> 'address')
  WHERE l.user_uuid <> v_user
  ORDER BY i.n
  LIMIT 1;
  IF FOUND THEN
    PERFORM wazo_auth.raise_login_in_use(v_taken, 'email');
  END IF;
  PERFORM wazo_auth.check_user_in_sight(request);
  known := ARRAY(SELECT e.address FROM wazo_auth.email e WHERE e.user_uuid = v_user);
  PERFORM wazo_auth.replace_emails(v_user,
    ARRAY(SELECT i.value ->> 'address' FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n) ORDER BY i.n),
    (SELECT i.value ->> 'address' FROM jsonb_array_elements(emails) i WHERE (i.value ->> 'main')::boolean),
    ARRAY(SELECT (i.value ->> 'confirmed')::boolean FROM jsonb_array_elements(emails) WITH ORDINALITY i(value, n)
      ORDER BY i.n));
END
$$;
COMMENT ON FUNCTION wazo_auth.put_emails(wazo_auth.http_request) IS
'What both routes do: replaces the addresses. Returns those that were there before, and the ones sent.';

CREATE OR REPLACE FUNCTION wazo_auth.rest_admin_emails_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_put record := wazo_auth.put_emails(request);
BEGIN
  RETURN wazo_auth.json_response((
    SELECT COALESCE(json_agg(json_build_object(
             'address', e.address,
             -- Null for a new address for which nothing was said.
             'confirmed', CASE WHEN e.address = ANY (v_put.known) OR (i.value ->> 'confirmed') IS NOT NULL
               THEN e.confirmed END,
             'main', e.main, 'uuid', e.uuid) ORDER BY i.n), '[]')
    FROM jsonb_array_elements(v_put.emails) WITH ORDINALITY i(value, n)
    JOIN wazo_auth.email e ON e.user_uuid = (request.params ->> 'user_uuid')::uuid
      AND e.address = i.value ->> 'address'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_admin_emails_put(wazo_auth.http_request) IS
'PUT /admin/users/{user_uuid}/emails: replaces a user''s addresses and says which are confirmed.';
SELECT wazo_auth.add_route('PUT', '/0.1/admin/users/{user_uuid}/emails', 'wazo_auth.rest_admin_emails_put',
  'user_email',
  access => 'auth.admin.users.{user_uuid}.emails.update', checks => '{body,tenant}', body_schema => 'admin_emails_put',
  summary => 'Replace the e-mail addresses of a user, confirmed or not', errors => '{409}',
  changes_no_access => 'it changes how the user logs in and where mails go');

CREATE OR REPLACE FUNCTION wazo_auth.rest_user_emails_put(request wazo_auth.http_request)
RETURNS wazo_auth.http_response
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_put record := wazo_auth.put_emails(request);
BEGIN
  RETURN wazo_auth.json_response((
    SELECT COALESCE(json_agg(
             CASE WHEN e.address = ANY (v_put.known)
                  THEN json_build_object('address', e.address, 'main', e.main, 'uuid', e.uuid, 'confirmed', e.confirmed)
                  ELSE json_build_object('address', e.address, 'main', e.main, 'confirmed', e.confirmed, 'uuid',
                    e.uuid) END
             ORDER BY i.n), '[]')
    FROM jsonb_array_elements(v_put.emails) WITH ORDINALITY i(value, n)
    JOIN wazo_auth.email e ON e.user_uuid = (request.params ->> 'user_uuid')::uuid
      AND e.address = i.value ->> 'address'));
END
$$;
COMMENT ON FUNCTION wazo_auth.rest_user_emails_put(wazo_auth.http_request) IS
'PUT /users/{user_uuid}/emails: replaces a user''s addresses; new ones are unconfirmed.';
SELECT wazo_auth.add_route('PUT', '/0.1/users/{user_uuid}/emails', 'wazo_auth.rest_user_emails_put', 'user_email',
  access => 'auth.users.{user_uuid}.emails.update', checks => '{body,tenant}', body_schema => 'user_emails_put',
  summary => 'Replace the e-mail addresses of a user', errors => '{409}',
  changes_no_access => 'it changes how the user logs in and where mails go');
