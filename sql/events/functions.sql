-- Making events. They go out when the transaction commits, and not at all when
-- it is rolled back.

CREATE OR REPLACE FUNCTION wazo_auth.wake_relay() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'wazo_auth_wake_relay';
COMMENT ON FUNCTION wazo_auth.wake_relay() IS
'Wakes the relay worker of this database when the current transaction commits; without such a worker it does nothing.';

CREATE OR REPLACE FUNCTION wazo_auth.routing_key_part(part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT replace(replace(replace(part, '.', '__DOT__'), '#', '__HASH__'), '*',
    '__STAR__');
END;
COMMENT ON FUNCTION wazo_auth.routing_key_part(text) IS
'Free text as one word of a routing key (contract: events.md section 1).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_event(
  name text, object_uuid uuid, routing_key text, data json,
  tenant_uuid uuid DEFAULT NULL, session_uuid uuid DEFAULT NULL, audience text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
  VALUES (emit_event.name, emit_event.object_uuid, emit_event.routing_key, emit_event.data,
          emit_event.tenant_uuid, emit_event.session_uuid, emit_event.audience);
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_event(text, uuid, text, json, uuid, uuid, text) IS
'Sends an event when the transaction commits. The arguments are columns of wazo_auth.event_outbox; headers and '
'envelope are made from them (contract: events.md section 1).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_tenant_added(tenant_uuid uuid, name text, slug text, domain_names text[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_added', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.created',
    json_build_object('uuid', tenant_uuid, 'name', name, 'slug', slug,
                                 'domain_names', to_json(COALESCE(domain_names, '{}'))),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_added(uuid, text, text, text[]) IS
'Event auth_tenant_added (contract: events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_tenant_updated(tenant_uuid uuid, name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_updated', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.updated',
    json_build_object('uuid', tenant_uuid, 'name', name),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_updated(uuid, text) IS 'Event auth_tenant_updated (contract: events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_tenant_deleted(tenant_uuid uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_tenant_deleted', tenant_uuid, 'auth.tenants.' || tenant_uuid || '.deleted',
    json_build_object('uuid', tenant_uuid),
    tenant_uuid => tenant_uuid, audience => '*');
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_tenant_deleted(uuid) IS 'Event auth_tenant_deleted (contract: events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_session_created(session_uuid uuid, tenant_uuid uuid, user_uuid uuid,
  mobile boolean) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'wazo_auth_emit_session_created';
COMMENT ON FUNCTION wazo_auth.emit_session_created(uuid, uuid, uuid, boolean) IS
'Event auth_session_created (contract: events.tsv). user_uuid: null for a session that is no user''s. Returns its id '
'in wazo_auth.event_outbox.';

CREATE OR REPLACE FUNCTION wazo_auth.emit_sessions(event text, sessions wazo_auth.session[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, session_uuid, audience)
  SELECT 'auth_session_' || event, COALESCE(s.user_uuid, s.uuid),
         CASE event WHEN 'expire_soon' THEN 'auth.users.' || o.owner || '.' ELSE 'auth.' END
           || 'sessions.' || s.uuid || '.' || event,
         json_build_object('uuid', s.uuid, 'user_uuid', o.owner, 'tenant_uuid', s.tenant_uuid),
         s.tenant_uuid, s.uuid, o.owner
  FROM unnest(sessions) WITH ORDINALITY AS s
  CROSS JOIN LATERAL (SELECT COALESCE(s.user_uuid::text, s.auth_id) AS owner) o
  ORDER BY s.ordinality;
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_sessions(text, wazo_auth.session[]) IS
'Event auth_session_deleted ("deleted") or auth_session_expire_soon ("expire_soon") of each of the sessions, in their '
'order (contract: events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_refresh_tokens(event text, refresh_tokens wazo_auth.refresh_token[])
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO wazo_auth.event_outbox (name, object_uuid, routing_key, data, tenant_uuid, audience)
  SELECT 'auth_refresh_token_' || event, r.user_uuid,
         'auth.users.' || r.user_uuid || '.tokens.' || wazo_auth.routing_key_part(r.client_id) || '.' || event,
         json_build_object('client_id', r.client_id, 'mobile', r.mobile,
                                      'user_uuid', r.user_uuid, 'tenant_uuid', u.tenant_uuid),
         u.tenant_uuid, r.user_uuid::text
  FROM unnest(refresh_tokens) WITH ORDINALITY AS r
  JOIN wazo_auth.user u ON u.uuid = r.user_uuid
  ORDER BY r.ordinality;
  PERFORM wazo_auth.wake_relay();
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_refresh_tokens(text, wazo_auth.refresh_token[]) IS
'Event auth_refresh_token_created ("created") or auth_refresh_token_deleted ("deleted") of each of the refresh '
'tokens, in their order; their users must still be there (contract: events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_external_auth(event text, user_uuid uuid, external_auth_name text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  PERFORM wazo_auth.emit_event('auth_user_external_auth_' || event, u.uuid,
    format('auth.users.%s.external.%s.%s', u.uuid, wazo_auth.routing_key_part(external_auth_name),
                      CASE event WHEN 'added' THEN 'created' ELSE event END),
    json_build_object('user_uuid', u.uuid, 'external_auth_name', external_auth_name),
    tenant_uuid => u.tenant_uuid, audience => u.uuid::text)
  FROM wazo_auth.user u
  WHERE u.uuid = emit_external_auth.user_uuid;
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_external_auth(text, uuid, text) IS
'Event auth_user_external_auth_added, _updated, _deleted or _authorized of a user, by its last word (contract: '
'events.tsv).';

CREATE OR REPLACE FUNCTION wazo_auth.emit_login_locked(
  object_uuid uuid, network cidr, user_uuid uuid, seconds integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM wazo_auth.emit_event('auth_login_locked', COALESCE(emit_login_locked.user_uuid, object_uuid),
    'auth.logins.locked',
    json_build_object('network', network, 'user_uuid', emit_login_locked.user_uuid, 'seconds', seconds),
    -- looked for where it is nobody's, too
    tenant_uuid => (SELECT u.tenant_uuid FROM wazo_auth.user u
                    WHERE u.uuid = COALESCE(emit_login_locked.user_uuid, '00000000-0000-0000-0000-000000000000')));
END
$$;
COMMENT ON FUNCTION wazo_auth.emit_login_locked(uuid, cidr, uuid, integer) IS
'Event auth_login_locked: logins from a network are refused for so many seconds, of this user, or of whoever it is '
'(user_uuid null).';
