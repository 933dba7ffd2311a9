-- Delivering events: what the relay worker asks the database for, and what
-- people see of it.

CREATE OR REPLACE FUNCTION wazo_auth.event_message_id(id bigint, created_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT to_hex((EXTRACT(epoch FROM created_at) * 1000000)::bigint) || '-' || to_hex(id);
END;
COMMENT ON FUNCTION wazo_auth.event_message_id(bigint, timestamptz) IS
'AMQP message id of an event: the same at every attempt, so that a consumer can tell a repetition.';

CREATE OR REPLACE FUNCTION wazo_auth.origin_uuid() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN wazo_auth.get_setting('uuid') #>> '{}';
END
$$;
COMMENT ON FUNCTION wazo_auth.origin_uuid() IS
'The setting uuid, which events name as their origin; for readers of wazo_auth.event_stream, who may read no other '
'setting.';

CREATE OR REPLACE FUNCTION wazo_auth.event_headers(
  name text, routing_key text, created_at timestamptz, tenant_uuid uuid, session_uuid uuid, audience text)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  -- json_strip_nulls() keeps the order, and a header without value is none.
  SELECT json_strip_nulls(json_build_object(
    'tenant_uuid', tenant_uuid,
    'session_uuid', session_uuid,
    'name', name,
    'user_uuid:' || COALESCE(audience, ''), CASE WHEN audience IS NOT NULL THEN true END,
    'required_access', 'event.' || name,
    'required_acl', 'events.' || routing_key,
    'origin_uuid', wazo_auth.origin_uuid(),
    'timestamp', regexp_replace(
       to_char(created_at::timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '\.000000$', '')));
END;
COMMENT ON FUNCTION wazo_auth.event_headers(text, text, timestamptz, uuid, uuid, text) IS
'Headers of an event, in upstream''s order; the time is local (contract: events.md section 1).';

CREATE OR REPLACE FUNCTION wazo_auth.event_body(headers json, data json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT (rtrim(headers::text, '}') || ',"data":' || data::text || '}')::json;
END;
COMMENT ON FUNCTION wazo_auth.event_body(json, json) IS
'Body of an event: its headers, then data (contract: events.md section 1).';

-- The plans of these functions are made while the outbox is nearly empty, where
-- reading all of it is the shortest way, and are kept while it grows. So they
-- are left only the indexes.
CREATE OR REPLACE FUNCTION wazo_auth.claim_events(from_id bigint, batch integer)
RETURNS TABLE (id bigint, object_uuid uuid, message_id text, routing_key text, headers json, body text)
LANGUAGE plpgsql STABLE ROWS 500
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
  -- Objects with an event that has to wait, and the others behind it.
  v_held uuid[] := ARRAY(
    SELECT o.object_uuid FROM wazo_auth.event_outbox o
    WHERE o.next_attempt_at > clock_timestamp() AND NOT o.parked);
BEGIN
  RETURN QUERY
  SELECT e.id, e.object_uuid, wazo_auth.event_message_id(e.id, e.created_at), e.routing_key, h.headers,
         wazo_auth.json_ascii(wazo_auth.event_body(h.headers, e.data))
  FROM (SELECT o.*
        FROM wazo_auth.event_outbox o
        WHERE o.id >= from_id AND NOT o.parked AND o.object_uuid <> ALL (v_held)
        ORDER BY o.id
        LIMIT batch) e
  CROSS JOIN LATERAL (SELECT wazo_auth.event_headers(e.name, e.routing_key, e.created_at, e.tenant_uuid,
                                                     e.session_uuid, e.audience) AS headers OFFSET 0) h
  ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION wazo_auth.claim_events(bigint, integer) IS
'The next events to send, ready to be sent: at most "batch" of those that are due, from this id on. Takes no lock, '
'since a database has one relay.';

CREATE OR REPLACE FUNCTION wazo_auth.finish_events(ids bigint[], published boolean DEFAULT true) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
  v_position bigint;
BEGIN
  published := COALESCE(published, true);
  -- One at a time, so that positions become visible in their order: the tick
  -- of a scheduler may come while the relay works.
  PERFORM pg_advisory_xact_lock(2002877039, 1);
  IF wazo_auth.get_setting('event_retention')::integer = 0 THEN
    DELETE FROM wazo_auth.event_outbox o WHERE o.id = ANY (ids);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
  END IF;
  WITH gone AS (
    DELETE FROM wazo_auth.event_outbox o WHERE o.id = ANY (ids) RETURNING o.*
  ), logged AS (
    INSERT INTO wazo_auth.event_log AS l (id, published, created_at, object_uuid, tenant_uuid, session_uuid, name,
      routing_key, audience, data)
    SELECT g.id, finish_events.published, g.created_at, g.object_uuid, g.tenant_uuid, g.session_uuid, g.name,
      g.routing_key, g.audience, g.data
    FROM gone g
    ORDER BY g.id
    RETURNING l.position
  )
  SELECT count(*), max(position) INTO v_count, v_position FROM logged;
  IF v_count > 0 THEN
    PERFORM pg_notify('wazo_auth_event', v_position::text);
  END IF;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.finish_events(bigint[], boolean) IS
'Moves delivered events from the outbox to the stream and tells the listeners of the channel wazo_auth_event its new '
'last position. Returns how many there were.';

CREATE OR REPLACE FUNCTION wazo_auth.deliver_events_locally(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  IF wazo_auth.get_setting('amqp') ? 'sealed_uri' THEN
    RETURN 0;
  END IF;
  RETURN wazo_auth.finish_events(ARRAY(
    SELECT o.id FROM wazo_auth.event_outbox o WHERE NOT o.parked ORDER BY o.id LIMIT batch), false);
END
$$;
COMMENT ON FUNCTION wazo_auth.deliver_events_locally(integer) IS
'Without a broker: moves at most "batch" events to the stream, where they wait for the setting event_retention. '
'Returns how many there were; 0 with a broker, which is to have them first.';

CREATE OR REPLACE FUNCTION wazo_auth.fail_event(id bigint, error text, max_attempts integer, pause interval)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_parked boolean;
BEGIN
  UPDATE wazo_auth.event_outbox o
  SET attempts = o.attempts + 1,
      error = left(fail_event.error, 1000),
      parked = o.attempts + 1 >= max_attempts,
      -- doubled with each attempt, up to an hour
      next_attempt_at = clock_timestamp()
        + LEAST(pause * power(2, LEAST(o.attempts, 20)), '1 hour'::interval)
  WHERE o.id = fail_event.id
  RETURNING o.parked INTO v_parked;
  RETURN v_parked;
END
$$;
COMMENT ON FUNCTION wazo_auth.fail_event(bigint, text, integer, interval) IS
'Notes that the broker has refused an event: it is tried again after a pause that doubles, and parked at the attempt '
'max_attempts. Returns whether it is parked now.';

CREATE OR REPLACE FUNCTION wazo_auth.purge_event_log(batch integer DEFAULT 5000) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
  v_before timestamptz :=
    now() - make_interval(secs => wazo_auth.get_setting('event_retention')::integer);
BEGIN
  -- Positions and times of delivery grow together, so the oldest come first.
  WITH old AS (
    SELECT l.position FROM (SELECT i.position, i.delivered_at FROM wazo_auth.event_log i ORDER BY i.position
      LIMIT batch) l
    WHERE l.delivered_at < v_before
  )
  DELETE FROM wazo_auth.event_log l USING old WHERE l.position = old.position;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.purge_event_log(integer) IS
'Removes at most "batch" events from the stream that are older than the setting event_retention, in seconds. Returns '
'how many there were.';

CREATE OR REPLACE FUNCTION wazo_auth.requeue_unpublished_events() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_count integer;
BEGIN
  WITH gone AS (
    DELETE FROM wazo_auth.event_log l WHERE NOT l.published RETURNING l.*
  )
  INSERT INTO wazo_auth.event_outbox (id, created_at, object_uuid, tenant_uuid, session_uuid, name, routing_key,
    audience, data)
  OVERRIDING SYSTEM VALUE
  SELECT g.id, g.created_at, g.object_uuid, g.tenant_uuid, g.session_uuid, g.name, g.routing_key, g.audience, g.data
  FROM gone g
  ORDER BY g.id;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.requeue_unpublished_events() IS
'Puts the events of the stream that no broker has had back into the outbox; done once a broker is configured. Returns '
'how many there were.';

CREATE OR REPLACE FUNCTION wazo_auth.retry_parked_events(id bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE wazo_auth.event_outbox o
  SET parked = false, attempts = 0, next_attempt_at = NULL
  WHERE o.parked AND o.next_attempt_at IS NOT NULL
    AND (retry_parked_events.id IS NULL OR o.id = retry_parked_events.id);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  PERFORM wazo_auth.wake_relay();
  RETURN v_count;
END
$$;
COMMENT ON FUNCTION wazo_auth.retry_parked_events(bigint) IS
'Sends parked events again: one by its id, or all. Returns how many there were.';

CREATE OR REPLACE VIEW wazo_auth.parked_event AS
SELECT o.id, o.created_at, o.name, o.routing_key, o.data, o.attempts, o.error
FROM wazo_auth.event_outbox o
WHERE o.parked AND o.next_attempt_at IS NOT NULL;
COMMENT ON VIEW wazo_auth.parked_event IS
'Events that the message broker has refused too often, and why; wazo_auth.retry_parked_events() sends them again';

CREATE OR REPLACE VIEW wazo_auth.event_stream AS
SELECT l.position, wazo_auth.event_message_id(l.id, l.created_at) AS message_id, l.delivered_at,
       l.name, l.routing_key, h.headers, wazo_auth.event_body(h.headers, l.data) AS body
FROM wazo_auth.event_log l
CROSS JOIN LATERAL (SELECT wazo_auth.event_headers(l.name, l.routing_key, l.created_at, l.tenant_uuid, l.session_uuid,
  l.audience) AS headers OFFSET 0) h;
COMMENT ON VIEW wazo_auth.event_stream IS
'The events that were delivered, for daemons beside the database: LISTEN wazo_auth_event, then read from the last '
'position seen. Kept for the setting event_retention, in seconds';
