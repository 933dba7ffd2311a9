-- Events wait here from the transaction that caused them until the relay has
-- delivered them. Headers and body are made from these columns when an event
-- is sent, so a login pays for one short row.
CREATE TABLE wazo_auth.event_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  object_uuid uuid NOT NULL,
  tenant_uuid uuid,
  session_uuid uuid,
  name text COLLATE "C" NOT NULL,
  routing_key text COLLATE "C" NOT NULL,
  audience text COLLATE "C",
  data json NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  parked boolean NOT NULL DEFAULT false,
  error text COLLATE "C"
-- Every row leaves again, so inserts alone are no reason to vacuum.
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX event_outbox_retry_idx ON wazo_auth.event_outbox (object_uuid, id) WHERE next_attempt_at IS NOT NULL;

COMMENT ON TABLE wazo_auth.event_outbox IS
'Events on their way to the message broker; a row is written in the transaction of the change and leaves when it was '
'delivered';
COMMENT ON COLUMN wazo_auth.event_outbox.id IS 'Order of sending';
COMMENT ON COLUMN wazo_auth.event_outbox.object_uuid IS
'What the event is about: the user, else the tenant or session. Events of one object are delivered in their order, '
'over failures too';
COMMENT ON COLUMN wazo_auth.event_outbox.tenant_uuid IS 'Header tenant_uuid';
COMMENT ON COLUMN wazo_auth.event_outbox.session_uuid IS 'Header session_uuid';
COMMENT ON COLUMN wazo_auth.event_outbox.name IS 'Header name; also in required_access';
COMMENT ON COLUMN wazo_auth.event_outbox.routing_key IS
'Routing key, of at most 255 bytes for a broker to take it; also in required_acl';
COMMENT ON COLUMN wazo_auth.event_outbox.audience IS
'Of the header user_uuid:AUDIENCE = true: a user, "*" for all of the tenant, null for none';
COMMENT ON COLUMN wazo_auth.event_outbox.data IS 'Key data of the body';
COMMENT ON COLUMN wazo_auth.event_outbox.attempts IS 'How often the broker has refused it';
COMMENT ON COLUMN wazo_auth.event_outbox.next_attempt_at IS
'Not before then, and no later event of the object before it; null: at once';
COMMENT ON COLUMN wazo_auth.event_outbox.parked IS
'Given up after wazo_auth.relay_max_attempts; wazo_auth.retry_parked_events() sends it again';
COMMENT ON COLUMN wazo_auth.event_outbox.error IS 'Why the last attempt failed';
COMMENT ON INDEX wazo_auth.event_outbox_retry_idx IS
'Events that the broker has refused: those that hold up the later ones of their object, and those parked. A new event '
'has no part in it, and a login no work';

-- What was delivered, in the order of delivery. Only the relay writes here, one
-- transaction after the other, so a reader that remembers the last position it
-- has seen misses nothing; ids of the outbox commit in any order.
CREATE TABLE wazo_auth.event_log (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id bigint NOT NULL,
  delivered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  published boolean NOT NULL,
  created_at timestamptz NOT NULL,
  object_uuid uuid NOT NULL,
  tenant_uuid uuid,
  session_uuid uuid,
  name text COLLATE "C" NOT NULL,
  routing_key text COLLATE "C" NOT NULL,
  audience text COLLATE "C",
  data json NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX event_log_unpublished_idx ON wazo_auth.event_log (id) WHERE NOT published;

COMMENT ON TABLE wazo_auth.event_log IS
'Delivered events, for the setting event_retention; read it through wazo_auth.event_stream';
COMMENT ON COLUMN wazo_auth.event_log.position IS 'Order of delivery';
COMMENT ON COLUMN wazo_auth.event_log.id IS 'Of the row in event_outbox that this was';
COMMENT ON COLUMN wazo_auth.event_log.published IS
'A broker has confirmed it; false while none is configured: it goes there as soon as one is';
COMMENT ON INDEX wazo_auth.event_log_unpublished_idx IS 'What goes to a broker when one gets configured';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_outbox', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_log', '');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.event_log_position_seq', '');
