-- A route, with a check of its own: notes about users, for who may see the user
-- and holds the access, in office hours only.

CREATE ROLE note IN ROLE wazo_auth_plugin;
CREATE SCHEMA note AUTHORIZATION note;
SET ROLE note;

CREATE TABLE note.note (
  user_uuid uuid PRIMARY KEY,
  body text NOT NULL
);
CREATE TABLE note.office (opens time NOT NULL, closes time NOT NULL);
INSERT INTO note.office VALUES ('00:00', '24:00');

-- A check raises an error, or lets the request pass.
CREATE FUNCTION note.check_office(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM note.office o WHERE localtime >= o.opens AND localtime < o.closes) THEN
    PERFORM wazo_auth.raise_error(403, 'The office is closed', 'office-closed', NULL, 'notes');
  END IF;
END
$$;
SELECT wazo_auth.register_check('office_open', 'note.check_office', '{403}', 'The office is open');

CREATE FUNCTION note.read(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN wazo_auth.json_response(json_build_object('note',
    (SELECT n.body FROM note.note n WHERE n.user_uuid = (request.params ->> 'user_uuid')::uuid)));
END
$$;
SELECT wazo_auth.register_route('GET', '/0.1/users/{user_uuid}/note', 'note.read',
  access => 'note.users.{user_uuid}.read', checks => '{office_open,tenant,user}', summary => 'Note about a user');

CREATE FUNCTION note.write(request wazo_auth.http_request) RETURNS wazo_auth.http_response
LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(request.body -> 'note') IS DISTINCT FROM 'string' THEN
    PERFORM wazo_auth.raise_error(400, 'note must be a text', 'invalid-data', NULL, 'notes');
  END IF;
  INSERT INTO note.note VALUES ((request.params ->> 'user_uuid')::uuid, left(request.body ->> 'note', 1000))
  ON CONFLICT (user_uuid) DO UPDATE SET body = excluded.body;
  RETURN wazo_auth.json_response(NULL, 204);
END
$$;
SELECT wazo_auth.register_route('PUT', '/0.1/users/{user_uuid}/note', 'note.write',
  access => 'note.users.{user_uuid}.update', checks => '{office_open,tenant,user,json}', errors => '{400}',
  summary => 'Write a note about a user', success => 204, changes_no_access => 'a note grants nothing');
RESET ROLE;
