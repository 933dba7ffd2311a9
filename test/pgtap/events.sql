-- Events, as far as the database makes them: settings, the messages that the
-- relay gets, what it notes, and the stream. What arrives at a broker is tested
-- in test/t/events.t and relay.t.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SELECT plan(39);

SELECT wazo_auth.bootstrap() \g /dev/null
DELETE FROM wazo_auth.event_outbox;
DELETE FROM wazo_auth.event_log;

-- settings
SELECT throws_ok($$SELECT wazo_auth.configure('{"amqp.uri": "http://u:s3cret@host"}')$$, '22023',
  'setting "amqp.uri" must be null or a URI amqp://user:password@host:port/vhost or amqps://…', 'a URI of another scheme is refused');
SELECT throws_ok($$SELECT wazo_auth.configure('{"amqp.uri": 5}')$$, '22023', NULL, 'and what is no text');
SELECT throws_ok($$SELECT wazo_auth.configure('{"amqp": {"exchange_name": ""}}')$$, '22023', NULL, 'an empty name is refused');
SELECT throws_ok(format($$SELECT wazo_auth.configure('{"amqp.exchange_name": "%s"}')$$, repeat('x', 128)), '22023', NULL, 'and a long one');
SELECT lives_ok(format($$SELECT wazo_auth.configure('{"amqp.exchange_name": "%s"}')$$, repeat('x', 127)), '127 bytes are taken');
SELECT throws_ok($$SELECT wazo_auth.configure('{"event_retention": -1}')$$, '22023', NULL, 'no retention below 0');
SELECT throws_ok($$SELECT wazo_auth.configure('{"event_retention": 1.5}')$$, '22023', NULL, 'nor a fraction');
SELECT wazo_auth.configure('{"amqp": {"exchange_type": "headers"}}') \g /dev/null
SELECT wazo_auth.configure('{"amqp.exchange_name": "other"}') \g /dev/null
SELECT is(wazo_auth.get_setting('amqp'), '{"uri": null, "exchange_name": "other", "exchange_type": "headers"}', 'a name with a dot sets one key');
SELECT wazo_auth.configure('{"amqp": null, "uuid": null}') \g /dev/null
SELECT is(wazo_auth.get_setting('amqp') ->> 'exchange_name', 'xivo', 'null restores the defaults');

-- headers
SELECT is(wazo_auth.event_headers('n', 'r.k', '2026-01-02 03:04:05+00', NULL, NULL, NULL)::text,
  '{"name":"n","required_access":"event.n","required_acl":"events.r.k","timestamp":"2026-01-02T03:04:05"}',
  'what has no value is left out; a whole second has no fraction');
SELECT is((wazo_auth.event_headers('n', 'k', '2026-01-02 03:04:05.000006+00', NULL, NULL, '*') ->> 'timestamp'), '2026-01-02T03:04:05.000006', 'microseconds');
SELECT is(wazo_auth.event_body('{"name":"}"}', '{"a": "é"}')::text, '{"name":"}","data":{"a": "é"}}', 'a brace at the end of a header stays');
SELECT is(wazo_auth.routing_key_part('a.b#c*d'), 'a__DOT__b__HASH__c__STAR__d', 'free text in a routing key');

-- the relay's side
CREATE FUNCTION pg_temp.emit(object integer, n integer) RETURNS void LANGUAGE sql AS $$
  SELECT wazo_auth.emit_event('e' || n, ('00000000-0000-4000-8000-00000000000' || object)::uuid, 'k', '{}')
$$;
CREATE FUNCTION pg_temp.claimed(batch integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(c.headers ->> 'name', ' ' ORDER BY c.id) FROM wazo_auth.claim_events(0, batch) c
$$;
CREATE FUNCTION pg_temp.id(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT o.id FROM wazo_auth.event_outbox o WHERE o.name = $1 $$;
SELECT pg_temp.emit(1, 1), pg_temp.emit(2, 2), pg_temp.emit(1, 3), pg_temp.emit(3, 4) \g /dev/null
SELECT is(pg_temp.claimed(), 'e1 e2 e3 e4', 'events come in their order');
SELECT is(pg_temp.claimed(2), 'e1 e2', 'as many as asked for');
SELECT is(wazo_auth.fail_event(pg_temp.id('e1'), 'no', 2, '1 hour'), false, 'a refused event');
SELECT is(pg_temp.claimed(), 'e2 e4', 'holds up those of its object');
UPDATE wazo_auth.event_outbox SET next_attempt_at = now() WHERE name = 'e1';
SELECT is(pg_temp.claimed(), 'e1 e2 e3 e4', 'until its time has come');
SELECT is(wazo_auth.fail_event(pg_temp.id('e1'), 'no', 2, '1 hour'), true, 'refused too often, it is parked');
SELECT is(pg_temp.claimed(), 'e2 e3 e4', 'and holds up nobody');
SELECT results_eq('SELECT name, attempts, error FROM wazo_auth.parked_event', $$VALUES ('e1' COLLATE "C", 2, 'no' COLLATE "C")$$, 'the view shows it');
SELECT is(wazo_auth.retry_parked_events(-1), 0, 'another one is not there');
SELECT is(wazo_auth.retry_parked_events(), 1, 'it is sent again');
SELECT is(pg_temp.claimed(), 'e1 e2 e3 e4', 'in its place');
SELECT is(wazo_auth.finish_events(ARRAY[pg_temp.id('e1'), pg_temp.id('e2')]), 2, 'delivered events leave');
SELECT results_eq('SELECT name FROM wazo_auth.event_stream ORDER BY position', $$VALUES ('e1' COLLATE "C"), ('e2' COLLATE "C")$$, 'for the stream');

-- without a broker and without workers
SELECT is((SELECT events_delivered FROM wazo_auth.tick()), 2, 'tick() moves the rest to the stream');
SELECT wazo_auth.configure('{"amqp.uri": "amqp://u:p4ss@localhost/"}') \g /dev/null
SELECT unalike((SELECT s.value::text FROM wazo_auth.setting s WHERE s.name = 'amqp'), '%p4ss%', 'the URI is stored sealed');
SELECT is(wazo_auth.secret_setting('amqp', 'uri'), 'amqp://u:p4ss@localhost/', 'and can be had again');
SELECT is(wazo_auth.requeue_unpublished_events(), 2, 'a broker gets what none has had');
SELECT is((SELECT events_delivered FROM wazo_auth.tick()), 0, 'and is not passed over');

CREATE ROLE a_daemon IN ROLE wazo_auth_service;
GRANT SELECT ON wazo_auth.event_stream TO a_daemon;
SET ROLE a_daemon;
SELECT lives_ok('SELECT * FROM wazo_auth.event_stream', 'a daemon with the right to it reads the stream');
RESET ROLE;
SET ROLE wazo_auth_admin;
SELECT lives_ok('SELECT * FROM wazo_auth.' || v, 'an administrator reads ' || v)
FROM unnest(ARRAY['event_stream', 'parked_event', 'parked_mail', 'mail_templates', 'known_access', 'worker_status']) v;
RESET ROLE;
SET ROLE wazo_auth_front;
SELECT throws_ok('SELECT * FROM wazo_auth.event_stream', '42501', NULL, 'the front reads no events');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
