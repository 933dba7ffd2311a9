-- Templates of mails, and the mail made of them.

CREATE OR REPLACE FUNCTION wazo_auth.check_mail_template(template text, variables text[]) RETURNS void
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_check_mail_template';
COMMENT ON FUNCTION wazo_auth.check_mail_template(text, text[]) IS
'Raises 22023, with line and reason, for a template that cannot be read or uses a variable that is not among these; '
'54000 for one over 64 KiB.';

CREATE OR REPLACE FUNCTION wazo_auth.render_mail_template(template text, variables jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_render_mail_template';
COMMENT ON FUNCTION wazo_auth.render_mail_template(text, jsonb) IS
'A template with the values of an object filled in: {{ name }} is a value, {% if name %} or {% if not name %}, {% '
'else %} and {% endif %} ask whether there is one, {# ... #} is left out, and so is one final newline. Raises 22023 '
'for what cannot be read, 54000 for more than 256 KiB.';

CREATE OR REPLACE FUNCTION wazo_auth.is_mail_address(address text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_is_mail_address';
COMMENT ON FUNCTION wazo_auth.is_mail_address(text) IS
'Can this stand as an address in the envelope and the headers of a mail, without meaning anything else there?';

CREATE OR REPLACE FUNCTION wazo_auth.mail_message(
  from_name text, from_address text, to_name text, to_address text, subject text, body text, date timestamptz,
    message_id text)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'wazo_auth_mail_message';
COMMENT ON FUNCTION wazo_auth.mail_message(text, text, text, text, text, text, timestamptz, text) IS
'A mail as it goes to the mail server (contract: mail.md, SMTP); with Date and Message-ID, whose part after the @ is '
'the sender''s domain. The names may be null. Control characters in names and subject become blanks. Raises 22023 for '
'an address that is none.';

CREATE OR REPLACE FUNCTION wazo_auth.default_mail_template(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE name
    WHEN 'email_confirmation' THEN
'Hello{% if username %} {{ username }}{% endif %},

this address, {{ email_address }}, was given as yours. Please confirm it by
opening this link:

https://{{ hostname }}{% if port %}:{{ port }}{% endif %}{{ prefix }}/0.1/emails/{{ email_uuid }}/confirm?token={{ '
  'token }}

If you do not know what this is about, there is nothing you need to do.
'
    WHEN 'email_confirmation_subject' THEN
'Email confirmation for {% if username %}{{ username }}{% else %}{{ email_address }}{% endif %}
'
    WHEN 'email_confirmation_get_body' THEN
'Email address confirmed
'
    WHEN 'password_reset_email' THEN
'Hello{% if username %} {{ username }}{% endif %},

somebody, probably you, asked for a new password. Choose one by opening this
link, which works once:

{% if public_url %}{{ public_url }}/0.1/users/password/reset/form?token={{ token }}&user_uuid={{ user_uuid }}{% else %}'
'https://app.wazo.io/reset-password?host={{ hostname }}{% if port %}:{{ port }}{% endif %}&token={{ token '
'}}&user_uuid={{ user_uuid }}{% endif %}

If it was not you, there is nothing you need to do: the password stays as it is.
'
    WHEN 'password_reset_email_subject' THEN
'New password requested
'
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.default_mail_template(text) IS
'The template that ships under this name, null for another name (contract: mail.md, connection parameters of links).';

CREATE OR REPLACE FUNCTION wazo_auth.mail_template_variables(name text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE name
    WHEN 'email_confirmation_get_body' THEN '{}'::text[]
    ELSE ARRAY['username', CASE WHEN name LIKE 'password_reset_%' THEN 'user_uuid' ELSE 'email_uuid' END,
               'email_address', 'token', 'hostname', 'port', 'prefix', 'public_url']
  END;
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_template_variables(text) IS 'Names of the variables that a template may use.';

CREATE OR REPLACE FUNCTION wazo_auth.mail_template(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN COALESCE((SELECT t.template FROM wazo_auth.mail_template t WHERE t.name = mail_template.name),
                  wazo_auth.default_mail_template(name));
END
$$;
COMMENT ON FUNCTION wazo_auth.mail_template(text) IS 'A template: the edited text, else the one that ships.';

CREATE OR REPLACE FUNCTION wazo_auth.set_mail_template(name text, template text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  IF wazo_auth.default_mail_template(name) IS NULL THEN
    RAISE EXCEPTION 'there is no mail template "%"', name USING ERRCODE = 'invalid_parameter_value',
      HINT = 'The names are in the view wazo_auth.mail_templates.';
  END IF;
  IF template IS NULL THEN
    DELETE FROM wazo_auth.mail_template t WHERE t.name = set_mail_template.name;
    RETURN;
  END IF;
  PERFORM wazo_auth.check_mail_template(template, wazo_auth.mail_template_variables(name));
  INSERT INTO wazo_auth.mail_template (name, template) VALUES (name, template)
  ON CONFLICT ON CONSTRAINT mail_template_pkey DO UPDATE SET template = EXCLUDED.template;
END
$$;
COMMENT ON FUNCTION wazo_auth.set_mail_template(text, text) IS
'Edits a template; null brings the shipped one back. Raises 22023 for an unknown name, and for a template that cannot '
'be read or uses other variables than wazo_auth.mail_templates shows; 54000 for one over 64 KiB.';

CREATE OR REPLACE VIEW wazo_auth.mail_templates AS
-- Functions of a view run with the rights of whoever reads it.
SELECT n.name, wazo_auth.mail_template(n.name) AS template, t.name IS NOT NULL AS edited,
       wazo_auth.mail_template_variables(n.name) AS variables
FROM (VALUES ('email_confirmation'), ('email_confirmation_subject'), ('email_confirmation_get_body'),
             ('password_reset_email'), ('password_reset_email_subject')) n (name)
LEFT JOIN wazo_auth.mail_template t ON t.name = n.name;
COMMENT ON VIEW wazo_auth.mail_templates IS
'Templates of mails and of the answer to a confirmation, with their variables; edited with '
'wazo_auth.set_mail_template()';
