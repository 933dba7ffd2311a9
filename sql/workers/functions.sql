-- What people see of the background workers.

CREATE OR REPLACE FUNCTION wazo_auth.worker_states(
  OUT worker text, OUT queue text, OUT pid integer, OUT state text, OUT started_at timestamptz,
  OUT last_error text, OUT last_error_at timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE ROWS 3 AS 'MODULE_PATHNAME', 'wazo_auth_worker_states';
COMMENT ON FUNCTION wazo_auth.worker_states() IS
'State of each background worker of this database, by what it works on. state: running; failing: it runs, but the '
'last attempt failed; starting; stopped; off: its interval is 0; held: wazo_auth.hold_reason() says why; not loaded: '
'wazo_auth is not in shared_preload_libraries, so there are no workers. reason: why it is held or stopped, and what '
'to do about it. last_error is kept after the work goes again, until the server restarts; it names no credentials. '
'Cheap: reads shared memory and one row.';

CREATE OR REPLACE VIEW wazo_auth.worker_status AS
SELECT s.worker, s.queue, s.pid, s.state, s.started_at, q.length AS queue_length,
       pg_catalog.clock_timestamp() - q.oldest AS oldest_age, q.parked, s.last_error, s.last_error_at, s.reason
FROM wazo_auth.worker_states() s
JOIN (SELECT 'sessions' AS queue, pg_catalog.count(*) AS length, pg_catalog.min(x.expires_at) AS oldest,
  0::bigint AS parked
      FROM wazo_auth.session x
      WHERE x.expires_at <= pg_catalog.now()
      UNION ALL
      SELECT 'events' AS queue, pg_catalog.count(*) FILTER (WHERE NOT o.parked) AS length,
        pg_catalog.min(o.created_at) FILTER (WHERE NOT o.parked) AS oldest,
             pg_catalog.count(*) FILTER (WHERE o.parked) AS parked
      FROM wazo_auth.event_outbox o
      UNION ALL
      SELECT 'mails' AS queue, pg_catalog.count(*) FILTER (WHERE NOT m.parked) AS length,
        pg_catalog.min(m.created_at) FILTER (WHERE NOT m.parked) AS oldest,
             pg_catalog.count(*) FILTER (WHERE m.parked) AS parked
      FROM wazo_auth.mail_outbox m) q ON q.queue = s.queue;
COMMENT ON VIEW wazo_auth.worker_status IS
'The background workers of this database and what waits for them. state: see wazo_auth.worker_states()';
COMMENT ON COLUMN wazo_auth.worker_status.queue IS
'sessions: expired ones to be deleted; events: to be sent to the broker or the stream; mails: to be written and sent';
COMMENT ON COLUMN wazo_auth.worker_status.oldest_age IS
'How long the oldest in the queue has waited; null when nothing waits';
COMMENT ON COLUMN wazo_auth.worker_status.parked IS 'Given up after too many attempts; not in queue_length';
COMMENT ON COLUMN wazo_auth.worker_status.reason IS
'Why the work is held or the worker stopped, and what to do about it; null otherwise';
COMMENT ON COLUMN wazo_auth.worker_status.last_error IS
'Why an attempt failed last, also when the work goes again since';

CREATE OR REPLACE FUNCTION wazo_auth.secret_key_problem(OUT problem text, OUT reason text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.seal_key_id();
EXCEPTION WHEN config_file_error THEN
  GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, reason = PG_EXCEPTION_HINT;
END
$$;
COMMENT ON FUNCTION wazo_auth.secret_key_problem() IS
'What is wrong with the file of wazo_auth.secret_key_file, and as the reason what to do about it; null when it seals '
'and unseals. Its path is not told.';

CREATE OR REPLACE FUNCTION wazo_auth.health(with_queues boolean DEFAULT true) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_bootstrapped boolean := wazo_auth.top_tenant_uuid() IS NOT NULL;
  v_key record := wazo_auth.secret_key_problem();
  v_ok boolean;
  v_workers json;
  v_registrations json;
BEGIN
  with_queues := COALESCE(with_queues, true);
  IF with_queues THEN
    SELECT bool_and(w.state IN ('running', 'starting', 'off') AND w.parked = 0),
           json_agg(row_to_json(w.*) ORDER BY w.worker, w.queue)
    INTO v_ok, v_workers
    FROM wazo_auth.worker_status w;
  ELSE
    SELECT bool_and(w.state IN ('running', 'starting', 'off')),
           json_agg(row_to_json(w.*) ORDER BY w.worker, w.queue)
    INTO v_ok, v_workers
    FROM wazo_auth.worker_states() w;
  END IF;
  SELECT json_agg(json_build_object('kind', r.kind, 'name', r.name, 'function', r.function, 'state', r.state)
                  ORDER BY r.kind, r.name)
  INTO v_registrations
  FROM wazo_auth.registrations r WHERE r.state <> 'ok';
  RETURN json_build_object(
    'status', CASE WHEN NOT v_bootstrapped THEN 'fail'
      WHEN v_ok AND v_key.problem IS NULL AND v_registrations IS NULL THEN 'ok' ELSE 'degraded' END,
    'top_tenant', CASE WHEN v_bootstrapped THEN 'ok' ELSE 'fail' END,
    'secret_key', json_build_object('state', COALESCE(v_key.problem, 'ok'), 'reason', v_key.reason),
    'registrations', COALESCE(v_registrations, '[]'::json),
    'workers', v_workers);
END
$$;
COMMENT ON FUNCTION wazo_auth.health(boolean) IS
'How the service is: status is "ok"; "degraded", when a worker does not do its work (its reason tells what to do), '
'something is parked, a registered function cannot be called (registrations: which, and why), or there is no usable '
'key for secrets (secret_key: state and reason): logins and checks go on, '
'what waits is sent later, and only what needs a secret ends in errors (offline logins, mails with tokens, external '
'accounts); or "fail", when nobody can log in '
'because there is no top tenant yet (wazo_auth.bootstrap()). workers has the rows of wazo_auth.worker_status, or '
'with with_queues => false, which costs less, those of wazo_auth.worker_states().';

CREATE OR REPLACE FUNCTION wazo_auth.metrics() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_ok text;
  v_lines text;
BEGIN
  SELECT string_agg(format(E'wazo_auth_database_worker_ok{worker="%s",queue="%s"} %s\n', w.worker, w.queue,
                           (w.state IN ('running', 'starting', 'off'))::integer), '' ORDER BY w.worker, w.queue),
         string_agg(format(E'wazo_auth_queue_length{queue="%s"} %s\n', w.queue, w.queue_length), '' ORDER BY w.queue)
         || E'# HELP wazo_auth_queue_oldest_seconds How long the oldest in the queue has waited.\n'
            '# TYPE wazo_auth_queue_oldest_seconds gauge\n'
         || string_agg(format(E'wazo_auth_queue_oldest_seconds{queue="%s"} %s\n', w.queue,
                              COALESCE(round(extract(epoch FROM w.oldest_age), 3), 0)), '' ORDER BY w.queue)
         || E'# HELP wazo_auth_queue_parked What was given up after too many attempts.\n'
            '# TYPE wazo_auth_queue_parked gauge\n'
         || string_agg(format(E'wazo_auth_queue_parked{queue="%s"} %s\n', w.queue, w.parked), '' ORDER BY w.queue)
  INTO v_ok, v_lines
  FROM wazo_auth.worker_status w;
  RETURN E'# HELP wazo_auth_database_worker_ok Does this background worker do its work?\n'
          '# TYPE wazo_auth_database_worker_ok gauge\n' || v_ok
      || E'# HELP wazo_auth_queue_length What waits to be deleted or sent.\n'
          '# TYPE wazo_auth_queue_length gauge\n' || v_lines;
END
$$;
COMMENT ON FUNCTION wazo_auth.metrics() IS
'What the background workers do and what waits for them, in the text format of Prometheus; a part of the front''s '
'/metrics. Counts the queues, as wazo_auth.worker_status does.';
