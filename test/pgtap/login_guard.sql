-- Guessing passwords: failed logins are counted whatever became of their requests,
-- make the next ones wait, and tell nothing about who has an account. Time stands
-- still in the transaction, and is moved by moving what is on record.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- One line: status, Retry-After and reason of a request for a token.
CREATE FUNCTION pg_temp.login(name text, password text, peer text, body text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', a.status, (SELECT 'after ' || a.headers[i + 1] FROM generate_subscripts(a.headers, 1) i WHERE a.headers[i] = 'Retry-After'),
                   convert_from(a.body, 'UTF8')::jsonb #>> '{reason,0}')
  FROM wazo_auth.http('POST', '/0.1/token',
    CASE WHEN name IS NULL THEN '{}' ELSE ARRAY['Authorization', 'Basic ' || translate(encode(convert_to(name || ':' || password, 'UTF8'), 'base64'), E'\n', '')] END,
    convert_to(body, 'UTF8'), peer) a
$$;
CREATE FUNCTION pg_temp.fail(n integer, name text, peer text, password text DEFAULT 'wrong', body text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(DISTINCT pg_temp.login(name, password, peer, body), ', ') FROM generate_series(1, n)
$$;
-- Lets time pass.
CREATE FUNCTION pg_temp.wait(span interval) RETURNS void LANGUAGE sql AS $$ UPDATE wazo_auth.login_failure SET not_before = not_before - span $$;
CREATE FUNCTION pg_temp.counts() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', host(network), CASE WHEN login_digest IS NULL THEN 'any' ELSE 'one' END, round(failures::numeric)), ', ' ORDER BY network, login_digest IS NULL) FROM wazo_auth.login_failure
$$;
\set refused '''429 after 1 Too many failed logins, try again later'''
SELECT wazo_auth.create_user(:'north', 'ann', 'secret', 'Ann@x.org', authentication_method => 'native') AS ann \gset
SELECT wazo_auth.create_user(:'north', 'ben', 'secret', authentication_method => 'native') AS ben \gset
SELECT wazo_auth.confirm_email(e.uuid) FROM wazo_auth.email e WHERE e.user_uuid = :'ann';

-- ---- a login from a network ----
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.1'), '^200', 'a login');
SELECT is(pg_temp.counts(), NULL, 'that is right leaves nothing');
SELECT is(pg_temp.fail(10, 'ann', '192.0.2.1'), '401 Authentication Failed', 'ten failures');
SELECT is(pg_temp.counts(), '192.0.2.1 one 10, 192.0.2.1 any 10, one 10', 'are on record, though their requests were rolled back');
SELECT matches(pg_temp.login('ANN', 'secret', '192.0.2.1'), '^200', 'do not yet hold the owner up');
SELECT is(pg_temp.counts(), '192.0.2.1 any 10, one 10', 'who clears the count of this login from here, and no other');
SELECT is(pg_temp.fail(11, 'ann', '192.0.2.1'), '401 Authentication Failed', 'eleven');
SELECT is(pg_temp.login('ann', 'secret', '192.0.2.1'), :refused, 'make the next one wait, a good one too');
SELECT is(pg_temp.login('Ann', 'wrong', '192.0.2.1'), :refused, 'in any case of the name');
SELECT matches(pg_temp.counts(), '192.0.2.1 one 11', 'what is refused does not count');
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.2'), '^200', 'nobody else is held up');
SELECT matches(pg_temp.login('ben', 'secret', '192.0.2.1'), '^200', 'nor another login from there');
SELECT is(to_json(wazo_auth.hashes_computed())::text, to_json(h)::text, 'a refusal computes no hash')
FROM wazo_auth.hashes_computed() h, LATERAL (SELECT pg_temp.login('ann', 'secret', '192.0.2.1') OFFSET 0) l WHERE l.login = :refused;

-- ---- the wait grows, and ends ----
CREATE FUNCTION pg_temp.next_wait(name text, peer text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.wait(make_interval(secs => greatest(0, ceil((SELECT max(extract(epoch FROM f.not_before - now())) FROM wazo_auth.login_failure f)))));
  PERFORM pg_temp.login(name, 'wrong', peer);
  RETURN (regexp_match(pg_temp.login(name, 'wrong', peer), '^429 after (\d+)'))[1];
END $$;
SELECT is((SELECT string_agg(pg_temp.next_wait('ann', '192.0.2.1'), ' ' ORDER BY i) FROM generate_series(1, 12) i), '2 4 8 16 32 64 128 256 512 900 900 900', 'each failure doubles it, up to the longest');
SELECT is((SELECT count(*) FROM wazo_auth.event_outbox o WHERE o.name = 'auth_login_locked' AND o.tenant_uuid = :'north'
           AND o.data::jsonb @> jsonb_build_object('user_uuid', :'ann', 'network', '192.0.2.1/32')), 7::bigint, 'from a minute on there are events');
SELECT is((SELECT (network, any_login)::text FROM wazo_auth.refused_logins WHERE until > now() + interval '1 minute'), '(192.0.2.1/32,f)', 'and it is seen');
SELECT pg_temp.wait('900 s');
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.1'), '^200', 'after it the owner comes in');
SELECT is(pg_temp.login('ann', 'wrong', '192.0.2.1'), '401 Authentication Failed', 'and it begins anew');
SELECT pg_temp.fail(10, 'ann', '192.0.2.1');
SELECT pg_temp.wait('1801 s');
SELECT is(pg_temp.fail(5, 'ann', '192.0.2.1'), '401 Authentication Failed', 'half of them are forgiven in half of the time');
SELECT is(pg_temp.fail(2, 'ann', '192.0.2.1'), :refused, 'and no more');

-- ---- nobody learns who has an account ----
DELETE FROM wazo_auth.login_failure;
SELECT is(l.answers, string_agg(pg_temp.login(n.name, 'wrong', '192.0.2.3'), ', '), 'as with an account: ' || n.name)
FROM (SELECT string_agg(pg_temp.login('ann', 'wrong', '192.0.2.3'), ', ') AS answers FROM generate_series(1, 14)) l,
     (VALUES ('nobody'), ('Ann@x.org'), ('nobody@x.org'), ('deep'), ('  '), ('é')) n (name), generate_series(1, 14)
GROUP BY n.name, l.answers;

-- ---- a network, and a login from everywhere ----
DELETE FROM wazo_auth.login_failure;
SELECT is((SELECT string_agg(DISTINCT pg_temp.login('guess' || i, 'wrong', '2001:db8:0:1::' || i), ', ') FROM generate_series(1, 101) i), '401 Authentication Failed', 'many logins from one network');
SELECT is(pg_temp.login('ann', 'secret', '2001:db8:0:1:ffff::1'), :refused, 'make it wait as a whole');
SELECT matches(pg_temp.login('ann', 'secret', '2001:db8:0:2::1'), '^200', 'and no other');
DELETE FROM wazo_auth.login_failure;
SELECT is((SELECT string_agg(DISTINCT pg_temp.login('ann', 'wrong', host('198.51.0.0'::inet + i)), ', ') FROM generate_series(1, 101) i), '401 Authentication Failed', 'one login from many networks');
SELECT is(pg_temp.login('ann', 'secret', '192.0.2.9'), :refused, 'makes it wait');
SELECT is((SELECT string_agg(pg_temp.next_wait('ann', host('203.0.113.0'::inet + i)), ' ' ORDER BY i) FROM generate_series(1, 12) i), '2 2 2 2 2 2 2 2 2 2 2 2', 'but never for long: whoever wants it can cause that');
SELECT is(wazo_auth.unlock_login('ANN@x.org') > 100, true, 'it is unlocked by any of its names');
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.9'), '^200', 'at once');

-- ---- addresses ----
SELECT is(wazo_auth.peer_network(p), n::cidr, 'network of ' || COALESCE(p, 'null')) FROM (VALUES
  ('192.0.2.7', '192.0.2.7/32'), ('192.0.2.7/8', '192.0.2.7/32'), ('::ffff:192.0.2.7', '192.0.2.7/32'), ('2001:db8::1', '2001:db8::/64'), ('local', '127.0.0.1/32'),
  ('', NULL), (NULL, NULL), ('junk', '::/128'), ('192.0.2.7, 10.0.0.1', '::/128')) a (p, n);
DELETE FROM wazo_auth.login_failure;
SELECT is(pg_temp.fail(20, 'ann', p), '401 Authentication Failed', 'not held up by default: ' || COALESCE(p, 'null')) FROM unnest(ARRAY['127.0.0.1', '::1', 'local', '::ffff:127.0.0.1', NULL, '']) p;
SELECT is(pg_temp.counts(), NULL, 'nor counted');
SELECT wazo_auth.configure('{"login_guard": {"exempt_networks": ["192.0.2.0/24"]}}');
SELECT is(pg_temp.fail(20, 'ann', '192.0.2.7'), '401 Authentication Failed', 'nor is what is exempt');
SELECT matches(pg_temp.fail(20, 'ann', '127.0.0.1'), '429', 'the default is replaced by it');
SELECT throws_matching($$SELECT wazo_auth.configure('{"login_guard": {"exempt_networks": ["192.0.2.1/24"]}}')$$, 'exempt_networks', 'what is no network is refused');
SELECT wazo_auth.configure('{"login_guard": {"enabled": false}}');
SELECT is(pg_temp.login('ann', 'wrong', '127.0.0.1'), '401 Authentication Failed', 'all of it can be turned off');
SELECT wazo_auth.configure('{"login_guard": {"enabled": true, "exempt_networks": [], "failures": 2, "longest_wait": 3}}');
DELETE FROM wazo_auth.login_failure;
SELECT is((SELECT string_agg(pg_temp.next_wait('ann', '192.0.2.1'), ' ' ORDER BY i) FROM generate_series(1, 5) i), '1 2 3 3', 'numbers can be set');

-- ---- every way in ----
DELETE FROM wazo_auth.login_failure;
SELECT new_refresh_token AS phone FROM wazo_auth.token_create('ann', 'secret', access_type => 'offline', client_id => 'phone') \gset
SELECT matches(pg_temp.fail(5, 'ann', '192.0.2.20', body => '{"domain_name": "x.org"}'), '429', 'a directory''s login');
SELECT matches(pg_temp.fail(5, 'ann', '192.0.2.21', body => '{"tenant_id": "' || gen_random_uuid() || '"}'), '429', 'by the tenant');
SELECT matches(pg_temp.fail(5, NULL, '192.0.2.22', NULL, '{"client_id": "phone", "refresh_token": "' || :'nobody' || '"}'), '429', 'a refresh token');
SELECT matches(pg_temp.login(NULL, NULL, '192.0.2.22', '{"client_id": "phone", "refresh_token": "' || :'phone' || '"}'), '^200', 'holds up itself alone');
SELECT matches(pg_temp.fail(5, NULL, '192.0.2.23', NULL, '{"saml_session_id": "guess"}'), '429', 'a login by SAML');
SELECT is(pg_temp.fail(5, NULL, '192.0.2.24'), '401 Authentication Failed', 'nothing at all tries nothing');
CREATE FUNCTION pg_temp.change(old text, peer text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_user uuid := u.uuid FROM wazo_auth.user u WHERE u.username = 'ann';
  v_token text := pg_temp.token(v_user);
BEGIN
  RETURN (wazo_auth.http('PUT', '/0.1/users/' || v_user || '/password', ARRAY['X-Auth-Token', v_token],
          convert_to(json_build_object('old_password', old, 'new_password', 'secret')::text, 'UTF8'), peer)).status;
END $$;
SELECT is((SELECT string_agg(pg_temp.change('wrong', '192.0.2.25')::text, ' ') FROM generate_series(1, 5)), '401 401 401 429 429', 'an old password');
SELECT is(pg_temp.change('secret', '192.0.2.25'), 429, 'the right one, too');
SELECT is(wazo_auth.unlock_user(:'ann') > 0, true, 'until it is unlocked');
SELECT is((SELECT string_agg(pg_temp.change(p, '192.0.2.25')::text, ' ') FROM unnest('{wrong,wrong,secret,wrong,wrong,secret}'::text[]) p), '401 401 204 401 401 204', 'a right one begins anew');
SELECT is((SELECT sum((wazo_auth.http('POST', '/0.1/users/password/reset?token=' || gen_random_uuid(), '{}', '{}', '192.0.2.26')).status) FROM generate_series(1, 3)), 1203::bigint, 'tokens of mails');
SELECT matches(pg_temp.counts(), '192.0.2.26 any 3', 'are counted for their network');

-- every route that takes a password or a token in the place of one is among these
SELECT is_empty($$
  SELECT r.method, r.path FROM wazo_auth.route r
  WHERE r.shipped AND r.method <> 'GET'
    AND (r.handler ~ 'rest_token_post|password' OR EXISTS (SELECT FROM wazo_auth.schema_field f WHERE f.schema = r.body_schema AND f.name ~ '^(old_password|refresh_token)$'))
    AND NOT EXISTS (SELECT FROM wazo_auth.after_route a WHERE a.method = r.method AND a.path = r.path)$$, 'no other route takes passwords');

-- ---- SQL ----
DELETE FROM wazo_auth.login_failure;
SELECT count(wazo_auth.count_failed_login('ben', '192.0.2.30')) AS counted FROM generate_series(1, 3) \gset
SELECT throws_ok($$SELECT wazo_auth.token_create('ben', 'secret', remote_addr => '192.0.2.30')$$, 'WA429', 'Too many failed logins, try again later', 'a login in SQL that says where it comes from');
SELECT lives_ok($$SELECT wazo_auth.token_create('ben', 'secret', remote_addr => '192.0.2.31')$$, 'and one from elsewhere');
SELECT lives_ok($$SELECT wazo_auth.token_create('ben', 'secret')$$, 'and one that does not say');
SELECT is(wazo_auth.unlock_network('192.0.2.0/24'), 2, 'a network is unlocked');
SELECT lives_ok($$SELECT wazo_auth.token_create('ben', 'secret', remote_addr => '192.0.2.30')$$, 'with all that is in it');

-- ---- the route that unlocks ----
DELETE FROM wazo_auth.login_failure;
SELECT pg_temp.fail(4, 'ann', '192.0.2.40');
SELECT matches(pg_temp.ask('DELETE', '/0.1/users/' || :'ann' || '/login_failures', :'south_token'), '^404 ', 'not for strangers');
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.40'), '^429', 'still refused');
SELECT is(pg_temp.ask('DELETE', '/0.1/users/' || :'ann' || '/login_failures', :'north_token'), '204', 'by an administrator');
SELECT matches(pg_temp.login('ann', 'secret', '192.0.2.40'), '^200', 'welcome again');

-- ---- what is kept ----
DELETE FROM wazo_auth.login_failure;
SELECT pg_temp.fail(1, 'my-pass-word', '192.0.2.50'), pg_temp.fail(3, 'ann', '192.0.2.51');
SELECT unalike(to_json(f)::text, '%my-pass-word%', 'no login in clear') FROM wazo_auth.login_failure f;
SELECT is(wazo_auth.delete_login_failures(100), 0, 'all of it counts');
SELECT pg_temp.wait('1801 s');
SELECT is(wazo_auth.delete_login_failures(100), 5, 'what is forgiven goes') ;
SELECT pg_temp.wait('3600 s');
SELECT is(wazo_auth.delete_login_failures(1), 1, 'batch by batch');
SELECT is(wazo_auth.delete_login_failures(100), 0, 'to the last');
INSERT INTO wazo_auth.login_failure (key, network, failures, not_before) SELECT gen_random_uuid(), '0.0.0.0'::inet + i, 1, now() + i * interval '1 ms' FROM generate_series(1, 100003) i;
SELECT is(wazo_auth.delete_login_failures(1000), 3, 'there is a limit to all of it');
SELECT is((SELECT host(min(network)) FROM wazo_auth.login_failure), '0.0.0.4', 'the oldest go');
SELECT throws_ok('SELECT wazo_auth.delete_login_failures(0)', '22023', NULL, 'a batch has limits');
DELETE FROM wazo_auth.login_failure;

SELECT * FROM finish();
ROLLBACK;
