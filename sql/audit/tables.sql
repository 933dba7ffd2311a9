CREATE SEQUENCE wazo_auth.audit_id_seq;
COMMENT ON SEQUENCE wazo_auth.audit_id_seq IS 'Order of wazo_auth.audit';

CREATE TABLE wazo_auth.audit (
  id bigint NOT NULL DEFAULT pg_catalog.nextval('wazo_auth.audit_id_seq'),
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  object text COLLATE "C" NOT NULL,
  action text COLLATE "C" NOT NULL,
  status integer,
  object_uuid uuid,
  tenant_uuid uuid,
  auth_id text COLLATE "C",
  session_uuid uuid,
  peer text COLLATE "C",
  request text COLLATE "C",
  role text COLLATE "C",
  application text COLLATE "C",
  before jsonb,
  after jsonb,
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_tenant_uuid_id_idx ON wazo_auth.audit (tenant_uuid, id);
CREATE INDEX audit_object_uuid_id_idx ON wazo_auth.audit (object_uuid, id) WHERE object NOT IN ('session', 'request');
CREATE INDEX audit_object_id_idx ON wazo_auth.audit (object, id)
  WHERE object IN ('audit', 'policy', 'setting', 'tenant');

-- Months of their own are made and dropped by wazo_auth.keep_audit().
CREATE TABLE wazo_auth.audit_other PARTITION OF wazo_auth.audit DEFAULT;

COMMENT ON TABLE wazo_auth.audit IS
'Who did what to whom, from where, and what became of it; rows come only, for the setting audit_retention';
COMMENT ON TABLE wazo_auth.audit_other IS
'Of wazo_auth.audit what no month has: all of it where no worker runs and wazo_auth.tick() is not called';
COMMENT ON COLUMN wazo_auth.audit.object IS
'What kind of thing it was done to: the name of its table, request for one that changed nothing or was refused, or '
'audit for what the log itself does not tell';
COMMENT ON COLUMN wazo_auth.audit.action IS 'created, updated or deleted; of a request: done, or refused';
COMMENT ON COLUMN wazo_auth.audit.status IS 'Status of the answer to a request that changed nothing; null for a change';
COMMENT ON COLUMN wazo_auth.audit.object_uuid IS
'Its uuid; of what belongs to a user, group or tenant and has none, theirs; of a failed login the user that it meant';
COMMENT ON COLUMN wazo_auth.audit.tenant_uuid IS 'Whose it is; the top tenant''s where it is nobody''s';
COMMENT ON COLUMN wazo_auth.audit.auth_id IS 'Who did it: the user of the token; null without one';
COMMENT ON COLUMN wazo_auth.audit.session_uuid IS 'With which session';
COMMENT ON COLUMN wazo_auth.audit.peer IS 'From where, as the front says';
COMMENT ON COLUMN wazo_auth.audit.request IS 'By which request: method and path template; null in SQL';
COMMENT ON COLUMN wazo_auth.audit.role IS 'In SQL: the role that had connected';
COMMENT ON COLUMN wazo_auth.audit.application IS 'In SQL: application_name';
COMMENT ON COLUMN wazo_auth.audit.before IS
'Of an update what was in the columns that changed, and its key where object_uuid is not all of it; of a deletion all '
'of them; no secrets. Of an acl the accesses that went, and in acl_places their places from 1 on; of the log itself '
'from when until when it does not tell, and the reason';
COMMENT ON COLUMN wazo_auth.audit.after IS
'What is in them now, or of a creation all of them; no secrets. Of an acl the accesses that came, and their '
'places; of a request its path parameters';
COMMENT ON INDEX wazo_auth.audit_tenant_uuid_id_idx IS 'What happened in a tenant, the latest first';
COMMENT ON INDEX wazo_auth.audit_object_uuid_id_idx IS
'What happened to something. Not what was refused: entered here, a failed login would take longer where it is '
'somebody''s';
COMMENT ON INDEX wazo_auth.audit_object_id_idx IS
'For explain_access(): gaps of the log, and what has its name in the settings';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.audit', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.audit_other', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.audit_id_seq', '');
