-- Which database is the live one. In any other the workers delete, send and
-- announce nothing: it may be half restored, or a copy that must not send the
-- original's mails once more.

CREATE OR REPLACE FUNCTION wazo_auth.database_identity() RETURNS text
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'wazo_auth_database_identity';
COMMENT ON FUNCTION wazo_auth.database_identity() IS
'Tells this database from its copies: system identifier of the cluster, OID and name of the database. A physical '
'copy of the whole cluster has the same.';

CREATE OR REPLACE FUNCTION wazo_auth.is_live() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM wazo_auth.live_database l WHERE l.identity = wazo_auth.database_identity());
END
$$;
COMMENT ON FUNCTION wazo_auth.is_live() IS
'Has wazo_auth.go_live() said of this database, and of no copy, that it is the live one?';

CREATE OR REPLACE FUNCTION wazo_auth.hold_reason(queue text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_tables text[] := CASE queue WHEN 'sessions' THEN ARRAY['session', 'acl_set']
                                WHEN 'events' THEN ARRAY['event_outbox', 'event_log']
                                WHEN 'mails' THEN ARRAY['mail_outbox'] END;
BEGIN
  IF v_tables IS NULL THEN
    RAISE EXCEPTION 'queue must be "sessions", "events" or "mails"' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF pg_is_in_recovery() THEN
    RETURN 'this is a standby';
  END IF;
  IF NOT wazo_auth.is_live() THEN
    RETURN 'nobody has said that this database is the live one; once it is complete: SELECT wazo_auth.go_live()';
  END IF;
  IF EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
             WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relname = ANY (v_tables)) THEN
    RETURN 'a subscription replicates into these tables; their publisher does this work';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold_reason(text) IS
'Why the workers and tick() leave alone what waits in a queue of wazo_auth.worker_status ("sessions", "events", '
'"mails"), or null when they do not. Raises 22023 for another queue.';

CREATE OR REPLACE FUNCTION wazo_auth.go_live() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean OR wazo_auth.is_live() THEN
    RETURN false;
  END IF;
  PERFORM wazo_auth.note_audit_restore();
  INSERT INTO wazo_auth.live_database (identity) VALUES (wazo_auth.database_identity())
  ON CONFLICT (single) DO UPDATE SET identity = EXCLUDED.identity, since = EXCLUDED.since;
  PERFORM wazo_auth.wake_relay();
  RETURN true;
END
$$;
COMMENT ON FUNCTION wazo_auth.go_live() IS
'Says that this database is the live one: from now on its workers delete what has expired and send what waits. To be '
'called after a restore is complete, for a copy that is to take over, and after the database was renamed; '
'wazo_auth.bootstrap() and the start of a front call it. Returns whether that is news. Does nothing on a standby or '
'in a read-only transaction.';

CREATE OR REPLACE FUNCTION wazo_auth.hold() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM wazo_auth.live_database;
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION wazo_auth.hold() IS
'Holds the workers of this database until wazo_auth.go_live(): they delete, send and announce nothing more once what '
'they are at is done. The next start of a front ends that, too. Returns whether that is news.';
