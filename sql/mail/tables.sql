-- Mails wait here from the transaction that asked for them until they are
-- delivered. A request only notes who is to get one: whether there is such a
-- user, the token and the text are the relay's business, so that the answer and
-- its time are the same for known and unknown accounts.
CREATE TABLE wazo_auth.mail_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  kind text COLLATE "C" NOT NULL,
  addressed_by text COLLATE "C" NOT NULL,
  addressee text COLLATE "C" NOT NULL,
  hostname text COLLATE "C" NOT NULL,
  port integer,
  prefix text COLLATE "C",
  recipient text COLLATE "C",
  token_digest uuid,
  sealed_message bytea,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  parked boolean NOT NULL DEFAULT false,
  error text COLLATE "C",
  CONSTRAINT mail_outbox_kind_check CHECK (kind IN ('email_confirmation', 'password_reset')),
  CONSTRAINT mail_outbox_addressed_by_check CHECK (addressed_by IN ('username', 'email', 'login', 'email_uuid')),
  CONSTRAINT mail_outbox_message_check CHECK (pg_catalog.num_nulls(recipient, token_digest, sealed_message) IN (0, 3))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
CREATE INDEX mail_outbox_unwritten_idx ON wazo_auth.mail_outbox (id) WHERE sealed_message IS NULL AND NOT parked;
CREATE INDEX mail_outbox_addressee_idx ON wazo_auth.mail_outbox (pg_catalog.left(addressee, 256))
  WHERE sealed_message IS NULL AND NOT parked;
CREATE INDEX mail_outbox_written_idx ON wazo_auth.mail_outbox (id) WHERE sealed_message IS NOT NULL AND NOT parked;

COMMENT ON TABLE wazo_auth.mail_outbox IS
'Mails on their way: first asked for, then written (with a token and sealed), deleted when delivered';
COMMENT ON COLUMN wazo_auth.mail_outbox.id IS 'Order of sending';
COMMENT ON COLUMN wazo_auth.mail_outbox.kind IS 'Which mail: email_confirmation or password_reset';
COMMENT ON COLUMN wazo_auth.mail_outbox.addressed_by IS
'What addressee is: username, email or login, as somebody gave it, or email_uuid';
COMMENT ON COLUMN wazo_auth.mail_outbox.addressee IS 'Who is to get it; there may be nobody of that name';
COMMENT ON COLUMN wazo_auth.mail_outbox.hostname IS 'Host of the links in it, with the next two columns';
COMMENT ON COLUMN wazo_auth.mail_outbox.port IS 'Null: none is written';
COMMENT ON COLUMN wazo_auth.mail_outbox.prefix IS 'Start of the path, /api/auth for example; null: none';
COMMENT ON COLUMN wazo_auth.mail_outbox.recipient IS 'Address that it goes to; null until it is written';
COMMENT ON COLUMN wazo_auth.mail_outbox.token_digest IS 'Of the token in it: a mail whose token has ended is not sent';
COMMENT ON COLUMN wazo_auth.mail_outbox.sealed_message IS 'Message and variables, sealed since the token is in them';
COMMENT ON COLUMN wazo_auth.mail_outbox.attempts IS
'How often it could not be written, or the mail server has refused it';
COMMENT ON COLUMN wazo_auth.mail_outbox.next_attempt_at IS 'Not before then; null: at once';
COMMENT ON COLUMN wazo_auth.mail_outbox.parked IS
'Given up after wazo_auth.relay_max_attempts; wazo_auth.retry_parked_mails() sends it again';
COMMENT ON COLUMN wazo_auth.mail_outbox.error IS 'Why the last attempt failed';
COMMENT ON INDEX wazo_auth.mail_outbox_unwritten_idx IS 'What is to be written next; also bounds how many may wait';
COMMENT ON INDEX wazo_auth.mail_outbox_addressee_idx IS 'Has the same mail been asked for already?';
COMMENT ON INDEX wazo_auth.mail_outbox_written_idx IS 'What is to be sent next';

-- Beside the outbox, which forgets what it has delivered.
CREATE TABLE wazo_auth.latest_mail (
  user_uuid uuid NOT NULL REFERENCES wazo_auth.user ON DELETE CASCADE,
  kind text COLLATE "C" NOT NULL,
  email_uuid uuid NOT NULL,
  written_at timestamptz NOT NULL,
  mail_id bigint NOT NULL,
  PRIMARY KEY (user_uuid, kind)
);
COMMENT ON TABLE wazo_auth.latest_mail IS
'The last mail of each kind to each user, so that nobody is flooded: see the setting mail_interval';
COMMENT ON COLUMN wazo_auth.latest_mail.kind IS 'As mail_outbox.kind';
COMMENT ON COLUMN wazo_auth.latest_mail.email_uuid IS 'Address that it went to; it may be gone';
COMMENT ON COLUMN wazo_auth.latest_mail.mail_id IS 'mail_outbox.id, as long as it is there';

-- Only what people have edited is here; wazo_auth.default_mail_template() has
-- the texts that ship, so a later version may improve them.
CREATE TABLE wazo_auth.mail_template (
  name text COLLATE "C" PRIMARY KEY,
  template text COLLATE "C" NOT NULL
);
COMMENT ON TABLE wazo_auth.mail_template IS
'Edited templates; set with wazo_auth.set_mail_template(), read in wazo_auth.mail_templates';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_outbox', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.latest_mail', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.mail_template', '');
