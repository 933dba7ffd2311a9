-- A mail sender: mails wait in a table for a program that sends them otherwise
-- than by SMTP. The context holds a token, so the table is for its owner alone.

CREATE ROLE postbox IN ROLE wazo_auth_plugin;
CREATE SCHEMA postbox AUTHORIZATION postbox;
SET ROLE postbox;

CREATE TABLE postbox.letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,            -- password_reset or email_confirmation
  recipient text NOT NULL,
  context jsonb NOT NULL
);

CREATE FUNCTION postbox.send(kind text, context jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO postbox.letter (kind, recipient, context) VALUES (kind, context ->> 'email_address', context);
END
$$;

SELECT wazo_auth.register_mail_sender('postbox', 'postbox.send');
RESET ROLE;
SELECT wazo_auth.configure('{"email_notification_plugin": "postbox"}');
