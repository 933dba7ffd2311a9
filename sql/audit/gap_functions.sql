-- What the audit log does not tell, so that nobody takes its silence for an
-- answer: rows of it about itself say from when to when, and why.

CREATE OR REPLACE FUNCTION wazo_auth.note_audit_gap(reason text, gap_from timestamptz, gap_until timestamptz)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.write_audit('audit'::text, 'deleted'::text, NULL::uuid, NULL::uuid,
    jsonb_build_object('reason', reason, 'from', gap_from, 'until', gap_until), NULL::jsonb);
END
$$;
COMMENT ON FUNCTION wazo_auth.note_audit_gap(text, timestamptz, timestamptz) IS
'Writes into the audit log that it does not tell what was from when until when; from null: nor anything before. '
'reason: import, off, restore, retention or upgrade.';

CREATE OR REPLACE FUNCTION wazo_auth.note_audit_switch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_default jsonb := (SELECT k.default_value FROM wazo_auth.known_setting k WHERE k.name = 'audit_retention');
  v_before jsonb := COALESCE(CASE WHEN OLD.name = 'audit_retention' THEN OLD.value END, v_default);
  v_after jsonb := COALESCE(CASE WHEN NEW.name = 'audit_retention' THEN NEW.value END, v_default);
BEGIN
  IF v_before = '0' AND v_after <> '0' THEN
    -- Who has changed something without being told of ends first, and who comes later is told of.
    LOCK TABLE wazo_auth.tenant, wazo_auth.user, wazo_auth.group, wazo_auth.group_user, wazo_auth.policy,
      wazo_auth.user_policy, wazo_auth.group_policy IN SHARE ROW EXCLUSIVE MODE;
    PERFORM wazo_auth.note_audit_gap('off'::text, NULL::timestamptz, clock_timestamp());
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION wazo_auth.note_audit_switch() IS
'Trigger after a row of wazo_auth.setting: when it turns the audit log on, that is where it begins.';

CREATE OR REPLACE FUNCTION wazo_auth.note_audit_restore() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- A fresh database has nothing to tell of.
  IF wazo_auth.audit_is_on() AND EXISTS (SELECT FROM wazo_auth.tenant) THEN
    PERFORM wazo_auth.note_audit_gap('restore'::text,
      (SELECT a.at FROM wazo_auth.audit a ORDER BY a.id DESC LIMIT 1), clock_timestamp());
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.note_audit_restore() IS
'Writes into the audit log that it does not tell what was since its last row, in the database of which this one is a '
'copy.';

CREATE OR REPLACE FUNCTION wazo_auth.audit_gap(at timestamptz, OUT reason text, OUT gap_until timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT CASE
      WHEN NOT wazo_auth.audit_is_on() THEN 'now off'
      WHEN NOT wazo_auth.is_live() THEN 'not live'
      WHEN EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
                   WHERE c.relnamespace = 'wazo_auth'::regnamespace AND wazo_auth.decides_access(c.relname::text))
        THEN 'subscription' END,
    'infinity'::timestamptz
  INTO reason, gap_until;
  IF reason IS NULL THEN
    SELECT a.before ->> 'reason', (a.before ->> 'until')::timestamptz INTO reason, gap_until
    FROM wazo_auth.audit a
    WHERE a.object = 'audit' AND (a.before ->> 'until')::timestamptz > audit_gap.at
      AND COALESCE((a.before ->> 'from')::timestamptz <= audit_gap.at, true)
    ORDER BY (a.before ->> 'until')::timestamptz DESC LIMIT 1;
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.audit_gap(timestamptz, OUT text, OUT timestamptz) IS
'Why the audit log cannot tell what was at a time, and until when it cannot; nulls when it can.';

CREATE OR REPLACE FUNCTION wazo_auth.raise_past_unknown(reason text, hint text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'the audit log does not tell what was then: %', reason USING ERRCODE = 'WA410', HINT = hint;
END
$$;
COMMENT ON FUNCTION wazo_auth.raise_past_unknown(text, text) IS 'Raises WA410: the past is not known any more.';

CREATE OR REPLACE FUNCTION wazo_auth.check_audit_tells(at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_gap record;
BEGIN
  IF at > clock_timestamp() THEN
    RAISE EXCEPTION 'at must not be in the future' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Leave it out to ask for now.';
  END IF;
  v_gap := wazo_auth.audit_gap(at);
  IF v_gap.reason IS NOT NULL THEN
    PERFORM wazo_auth.raise_past_unknown(
      CASE v_gap.reason
        WHEN 'now off' THEN 'it is off'
        WHEN 'not live' THEN 'nobody has said that this database is the live one'
        WHEN 'subscription' THEN 'a subscription replicates into tables that it tells of'
        WHEN 'off' THEN 'it was off'
        WHEN 'import' THEN 'an import came later, which is not in it'
        WHEN 'restore' THEN 'it was of a database of which this one is a copy'
        WHEN 'retention' THEN 'it is not kept for so long'
        ELSE 'it did not exist or an upgrade came later, which is not in it' END,
      CASE v_gap.reason
        WHEN 'now off' THEN 'It begins when the setting audit_retention is more than 0.'
        WHEN 'not live' THEN 'Once it is complete: SELECT wazo_auth.go_live().'
        WHEN 'subscription' THEN 'Ask the database that publishes them.'
        WHEN 'retention' THEN format('Ask for a time from %s on; the setting audit_retention says how long it is kept.',
                                     v_gap.gap_until)
        ELSE format('Ask for a time from %s on.', v_gap.gap_until) END);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.check_audit_tells(timestamptz) IS
'Raises WA410 with a hint when the audit log cannot tell what was at that time, 22023 for a time in the future.';
