-- From 0.1.0 to 0.2.0, after all else: tables that clients read are locked from here to the end.

-- Functions that send mail are among the other functions of others now, and run with the rights of their owners.
INSERT INTO wazo_auth.registration (kind, name, function, role, time_limit)
SELECT 'mail_sender', s.name, s.handler || '(text,jsonb)', p.proowner::regrole::text, '30 seconds'
FROM wazo_auth.mail_sender s
JOIN pg_proc p ON p.oid = to_regprocedure(s.handler || '(text,jsonb)')
ON CONFLICT DO NOTHING;
ALTER EXTENSION wazo_auth DROP TABLE wazo_auth.mail_sender;
DROP TABLE wazo_auth.mail_sender;

ALTER TABLE wazo_auth.setting ADD COLUMN from_files boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN wazo_auth.setting.from_files IS
'The configuration files of the last start set it: when a later one leaves it out, the default is back';

ALTER TABLE wazo_auth.refresh_token ADD COLUMN ends_at timestamptz;
COMMENT ON COLUMN wazo_auth.refresh_token.ends_at IS
'From then on it opens no session: the end of the session at the identity provider that it comes from; null for never';
CREATE INDEX refresh_token_ends_at_idx ON wazo_auth.refresh_token (ends_at) WHERE ends_at IS NOT NULL;

-- The audit log tells nothing of what was before it.
SELECT wazo_auth.note_audit_gap('upgrade', NULL, pg_catalog.clock_timestamp())
WHERE wazo_auth.audit_is_on() AND EXISTS (SELECT FROM wazo_auth.tenant);
