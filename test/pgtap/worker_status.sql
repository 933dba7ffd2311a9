-- What the database tells of its workers and queues. The cluster of this suite
-- has the library preloaded and the workers turned off; how they run and fail is
-- tested in test/t/worker_status.t.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SELECT plan(12);

DELETE FROM wazo_auth.event_outbox;
DELETE FROM wazo_auth.mail_outbox;

SELECT is(wazo_auth.health(false) ->> 'status', 'fail', 'without a top tenant nobody can log in');
SELECT is((SELECT status FROM wazo_auth.http('HEAD', '/0.1/status')), 503, 'so HEAD /status is 503');
SELECT wazo_auth.bootstrap() \g /dev/null
SELECT is((SELECT status FROM wazo_auth.http('HEAD', '/0.1/status')), 200, 'with one it is 200');
SELECT is((SELECT status FROM wazo_auth.http('GET', '/0.1/status')), 405, 'and GET is no method of it');

DELETE FROM wazo_auth.event_outbox;
SELECT results_eq('SELECT worker, queue, state, queue_length, oldest_age, parked, last_error FROM wazo_auth.worker_status ORDER BY queue',
  $$VALUES ('relay', 'events', 'off', 0::bigint, NULL::interval, 0::bigint, NULL),
           ('relay', 'mails', 'off', 0, NULL, 0, NULL),
           ('expiry', 'sessions', 'off', 0, NULL, 0, NULL)$$, 'a row for each kind of work');
SELECT is(wazo_auth.health() ->> 'status', 'ok', 'what is turned off is not broken');

INSERT INTO wazo_auth.event_outbox (created_at, object_uuid, name, routing_key, data, parked)
SELECT pg_catalog.now() - pg_catalog.make_interval(hours => i), pg_catalog.gen_random_uuid(), 'n', 'k', '{}', i = 5
FROM pg_catalog.generate_series(1, 5) i;
INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
SELECT pg_catalog.gen_random_uuid(), wazo_auth.top_tenant_uuid(), wazo_auth.store_acl('{a}'), pg_catalog.now() - pg_catalog.make_interval(mins => i), 'wazo-auth'
FROM pg_catalog.generate_series(-2, 3) i;
SELECT results_eq('SELECT queue, queue_length, pg_catalog.date_trunc($$minute$$, oldest_age), parked FROM wazo_auth.worker_status ORDER BY queue',
  $$VALUES ('events', 4::bigint, '4 hours'::interval, 1::bigint), ('mails', 0, NULL, 0), ('sessions', 4, '3 minutes', 0)$$,
  'lengths, the age of the oldest, and what is parked');
SELECT is(wazo_auth.health() ->> 'status', 'degraded', 'something parked needs somebody');
SELECT is((SELECT status FROM wazo_auth.http('HEAD', '/0.1/status')), 200, 'but it is no reason for HEAD /status to fail');

SET LOCAL ROLE wazo_auth_admin;
SELECT lives_ok('SELECT wazo_auth.health(), w FROM wazo_auth.worker_status w', 'an administrator may see it');
SET LOCAL ROLE wazo_auth_service;
SELECT throws_ok('SELECT FROM wazo_auth.worker_status', '42501', NULL, 'a service may not');
RESET ROLE;

-- The same for Prometheus: a sample follows the type of its family.
SELECT is_empty($$
  SELECT l.line FROM (
    SELECT t.line, max(substring(t.line FROM '^# TYPE (\S+) ')) OVER (PARTITION BY t.family) AS type
    FROM (SELECT s.line, s.place, count(*) FILTER (WHERE s.line LIKE '# TYPE %') OVER (ORDER BY s.place) AS family
          FROM string_to_table(rtrim(wazo_auth.metrics(), E'\n'), E'\n') WITH ORDINALITY s (line, place)) t) l
  WHERE l.line NOT LIKE '#%' AND l.line !~ ('^' || l.type || '\{[a-z]+="[a-z]+"(,[a-z]+="[a-z]+")?\} [0-9.]+$')
$$, 'metrics() keeps to the format');
SELECT * FROM finish();
ROLLBACK;
