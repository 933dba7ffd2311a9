-- Metadata: the office of a user in its tokens, and in its refresh tokens the
-- client that asked for them.

CREATE ROLE office IN ROLE wazo_auth_plugin;
CREATE SCHEMA office AUTHORIZATION office;
SET ROLE office;

CREATE TABLE office.member (user_uuid uuid PRIMARY KEY, office text NOT NULL);

CREATE FUNCTION office.metadata(login text, user_uuid uuid, args jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT jsonb_build_object('office', m.office) FROM office.member m
          WHERE m.user_uuid = metadata.user_uuid);
END
$$;

CREATE FUNCTION office.persistent(login text, user_uuid uuid, args jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN jsonb_build_object('obtained_by', args ->> 'client_id');
END
$$;

SELECT wazo_auth.register_metadata('office', 'office.metadata', persistent => 'office.persistent');
RESET ROLE;
SELECT wazo_auth.configure('{"purpose_metadata_mapping": {"user": ["office"], "internal": [], "external_api": []}}');
