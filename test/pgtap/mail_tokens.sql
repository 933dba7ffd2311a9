-- Tokens of mails: what ends them, how many mails there are, and what of a
-- user's own words is in them.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
SET wazo_auth.argon2_memory = 1024;
SET wazo_auth.argon2_iterations = 1;
\ir lib/rest.psql
SELECT no_plan();

-- The token of the mail that the relay writes next, or null.
CREATE FUNCTION pg_temp.write() RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  v_token uuid;
BEGIN
  PERFORM wazo_auth.write_mails(100, 3, '1 second');
  SELECT (wazo_auth.unseal(m.sealed_message, 'mail:' || m.id)::jsonb #>> '{context,token}')::uuid INTO STRICT v_token
  FROM (SELECT) one LEFT JOIN wazo_auth.mail_outbox m ON m.sealed_message IS NOT NULL;
  DELETE FROM wazo_auth.mail_outbox m WHERE m.sealed_message IS NOT NULL;
  RETURN v_token;
END $$;
CREATE FUNCTION pg_temp.lives(token uuid) RETURNS boolean LANGUAGE sql AS $$
  SELECT wazo_auth.token_check(token) = 'valid'
$$;
CREATE FUNCTION pg_temp.address(address text) RETURNS uuid LANGUAGE sql AS $$
  SELECT e.uuid FROM wazo_auth.email e WHERE e.address = address.address
$$;

-- ---- whom they reach: their user's tenant and those below it ----
SELECT count(wazo_auth.replace_emails(:'north_user', '{n@x.org,new.n@x.org}', 'n@x.org', '{true,false}')) \gset made_
SELECT count(wazo_auth.ask_for_mail('password_reset', 'username', 'north')) \gset made_
SELECT pg_temp.write() AS reset \gset
SELECT count(wazo_auth.ask_for_mail('email_confirmation', 'email_uuid', pg_temp.address('new.n@x.org')::text)) \gset made_
SELECT pg_temp.write() AS confirmation \gset
CREATE FUNCTION pg_temp.can_reach(token uuid, tenant uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.set_token(token);
  RETURN wazo_auth.can_reach(tenant);
END $$;
SELECT is(ARRAY[left(pg_temp.ask('HEAD', format('/0.1/token/%s?tenant=%s', m.token, t.tenant)), 3),
                left(pg_temp.ask('GET', format('/0.1/token/%s?tenant=%s', m.token, t.tenant)), 3),
                left(pg_temp.ask('POST', format('/0.1/token/%s/scopes/check', m.token), NULL, json_build_object('scopes', '[]'::json, 'tenant_uuid', t.tenant)::text), 3),
                wazo_auth.token_check(m.token::uuid, tenant => wazo_auth.try_uuid(t.tenant))::text,
                pg_temp.can_reach(m.token::uuid, wazo_auth.try_uuid(t.tenant))::text],
  CASE WHEN t.reached THEN '{204,200,200,valid,true}' WHEN t.tenant = 'garbage' THEN '{403,403,403,valid,NULL}' ELSE '{403,403,403,tenant_denied,false}' END::text[],
  format('the token of a %s: tenant %s', m.kind, t.tenant))
FROM (VALUES ('reset', :'reset'), ('confirmation', :'confirmation')) m (kind, token),
     (VALUES (:'north', true), (:'deep', true), (:'top', false), (:'south', false), (:'nobody', false), ('garbage', false)) t (tenant, reached);
SELECT is((SELECT count(*) FROM wazo_auth.session s WHERE s.email_uuid IS NOT NULL AND s.tenant_uuid <> :'north'), 0::bigint, 'their sessions are of that tenant');

-- ---- what ends them: docs/mail.md has the table ----
-- One event after the other, on a new user with a confirmed and a new address,
-- of which each has got a mail. Returns which tokens have ended.
CREATE FUNCTION pg_temp.ended(event text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_tenant uuid := wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'events');
  v_user uuid := wazo_auth.create_user(v_tenant, 'eve', 'secret', 'old@x.org');
  v_reset uuid;
  v_confirmation uuid;
BEGIN
  PERFORM wazo_auth.replace_emails(v_user, '{old@x.org,new@x.org}', 'old@x.org');
  PERFORM wazo_auth.ask_for_mail('password_reset', 'username', 'eve');
  v_reset := pg_temp.write();
  PERFORM wazo_auth.ask_for_mail('email_confirmation', 'email_uuid', pg_temp.address('new@x.org')::text);
  v_confirmation := pg_temp.write();
  IF pg_temp.lives(v_reset) IS NOT TRUE OR pg_temp.lives(v_confirmation) IS NOT TRUE THEN
    RETURN 'no tokens';
  END IF;
  BEGIN
    EXECUTE replace(replace(replace(replace(event, 'USER', quote_literal(v_user)), 'TENANT', quote_literal(v_tenant)),
                            'RESET', quote_literal(v_reset)), 'CONFIRMATION', quote_literal(v_confirmation));
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE =
      concat_ws(' ', CASE WHEN NOT pg_temp.lives(v_reset) THEN 'reset' END, CASE WHEN NOT pg_temp.lives(v_confirmation) THEN 'confirmation' END);
  EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
    PERFORM wazo_auth.delete_tenant(v_tenant);
    RETURN SQLERRM;
  END;
END $$;
SELECT is(pg_temp.ended(e), r, e)
FROM (VALUES
  ($$SELECT 1$$, ''),
  -- the user
  ($$SELECT wazo_auth.update_user(USER, 'eve', enabled => false)$$, 'reset confirmation'),
  ($$SELECT wazo_auth.delete_user(USER)$$, 'reset confirmation'),
  ($$DELETE FROM wazo_auth.user WHERE uuid = USER$$, 'reset confirmation'),
  ($$SELECT wazo_auth.delete_tenant(TENANT)$$, 'reset confirmation'),
  ($$SELECT wazo_auth.update_user(USER, 'adam')$$, ''),
  -- the password
  ($$SELECT wazo_auth.change_password(USER, 'secret', 'other')$$, 'reset confirmation'),
  ($$SELECT wazo_auth.reset_password(USER, 'other')$$, 'reset confirmation'),
  ($$SELECT wazo_auth.reset_password(USER, NULL)$$, 'reset confirmation'),
  ($$SELECT wazo_auth.set_password(USER, 'other')$$, 'reset confirmation'),
  ($$SELECT wazo_auth.set_password(USER, NULL)$$, 'reset confirmation'),
  ($$SELECT wazo_auth.import_password(USER, repeat('ab', 64), decode(repeat('cd', 64), 'hex'))$$, 'reset confirmation'),
  -- the address
  ($$SELECT wazo_auth.replace_emails(USER, '{}')$$, 'reset confirmation'),
  ($$SELECT wazo_auth.replace_emails(USER, '{new@x.org}')$$, 'reset'),
  ($$SELECT wazo_auth.replace_emails(USER, '{OLD@x.org,new@x.org}')$$, 'reset'),
  ($$SELECT wazo_auth.replace_emails(USER, '{old@x.org}')$$, 'confirmation'),
  ($$SELECT wazo_auth.replace_emails(USER, '{old@x.org,new@x.org}', 'old@x.org', '{false,false}')$$, 'reset'),
  ($$SELECT wazo_auth.replace_emails(USER, '{old@x.org,new@x.org}', 'new@x.org', '{NULL,NULL}')$$, ''),
  ($$SELECT wazo_auth.replace_emails(USER, '{old@x.org,new@x.org,third@x.org}')$$, ''),
  ($$DELETE FROM wazo_auth.email WHERE user_uuid = USER$$, 'reset confirmation'),
  -- their use
  ($$SELECT wazo_auth.http('POST', '/0.1/users/password/reset?user_uuid=' || USER || '&token=' || RESET, body => '{"password": "other"}')$$, 'reset confirmation'),
  ($$SELECT wazo_auth.http('PUT', '/0.1/emails/' || pg_temp.address('new@x.org') || '/confirm', ARRAY['X-Auth-Token', CONFIRMATION])$$, 'confirmation'),
  ($$SELECT wazo_auth.http('GET', '/0.1/emails/' || pg_temp.address('new@x.org') || '/confirm?token=' || CONFIRMATION)$$, ''),
  ($$SELECT wazo_auth.http('GET', '/0.1/emails/' || pg_temp.address('new@x.org') || '/confirm?token=' || CONFIRMATION),
            wazo_auth.replace_emails(USER, '{old@x.org,new@x.org}', 'old@x.org', '{NULL,false}')$$, 'confirmation')) t(e, r);

-- a token that outlives a change to LDAP is good for nothing
SELECT wazo_auth.configure('{"mail_interval": 0}');
SELECT wazo_auth.replace_emails(:'north_user', '{north@x.org,other@x.org,new@x.org}', 'north@x.org', '{true,true,false}');
SELECT wazo_auth.ask_for_mail('password_reset', 'login', 'north');
SELECT pg_temp.write() AS token \gset
UPDATE wazo_auth.user SET authentication_method = 'ldap' WHERE uuid = :'north_user';
SELECT ok(pg_temp.ask('POST', '/0.1/users/password/reset?user_uuid=' || :'north_user' || '&token=' || :'token', NULL, b) LIKE '405 %', 'of LDAP now: ' || b)
FROM unnest(ARRAY['{"password": "x"}', '{"password": null}']) b;
UPDATE wazo_auth.user SET authentication_method = 'default' WHERE uuid = :'north_user';

-- every session of the service's own is of a mail, which its address can end
SELECT is((SELECT count(*) FROM wazo_auth.session s WHERE s.auth_id IS NOT NULL AND s.email_uuid IS NULL), 0::bigint, 'no token of the service without an address');

-- ---- how many mails there are ----
CREATE FUNCTION pg_temp.flood(query text, n integer) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM generate_series(1, n) i WHERE pg_temp.ask('GET', '/0.1/users/password/reset?' || query) <> '204'
$$;
SELECT wazo_auth.configure('{"mail_interval": 300}');
DELETE FROM wazo_auth.latest_mail;
SELECT is(pg_temp.flood(q, 20), 0::bigint, '20 requests for one mail: ' || q) FROM unnest('{username=north,username=nobody}'::text[]) q;
SELECT is((SELECT string_agg(m.addressee, ' ' ORDER BY m.id) FROM wazo_auth.mail_outbox m), 'north nobody', 'are one each, whether there is such a user or not');
SELECT pg_temp.write() AS first \gset
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 0::bigint, 'the outbox is empty');
SELECT is(pg_temp.flood(q, 3), 0::bigint, 'asked again: ' || q) FROM unnest('{username=north,login=NORTH,email=other@x.org,login=north@x.org}'::text[]) q;
SELECT is(pg_temp.write(), NULL, 'nobody gets a second one so soon');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 0::bigint, 'nor later');
SELECT is(pg_temp.lives(:'first'), true, 'the first link lives');
UPDATE wazo_auth.latest_mail l SET written_at = l.written_at - '301 seconds'::interval;
SELECT is(pg_temp.flood('username=north', 3), 0::bigint, 'asked after a while');
SELECT pg_temp.write() AS second \gset
SELECT is(pg_temp.lives(:'second'), true, 'there is another one');
SELECT is(pg_temp.lives(:'first'), true, 'beside the first');
-- one that waits for a mail server is enough
UPDATE wazo_auth.latest_mail l SET written_at = l.written_at - '301 seconds'::interval;
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'north'), wazo_auth.write_mails(10, 3, '1 second');
UPDATE wazo_auth.latest_mail l SET written_at = l.written_at - '301 seconds'::interval;
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'north'), wazo_auth.write_mails(10, 3, '1 second');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 1::bigint, 'no second one while one is on its way');
DELETE FROM wazo_auth.mail_outbox;

-- confirmations: the same one once, one of another address later
SELECT wazo_auth.replace_emails(:'north_user', '{north@x.org,a@x.org,b@x.org}', 'north@x.org');
CREATE FUNCTION pg_temp.confirm(address text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ask('GET', '/0.1/users/22222222-0000-4000-8000-000000000001/emails/' || pg_temp.address(address) || '/confirm',
                     pg_temp.token('22222222-0000-4000-8000-000000000000'))
$$;
SELECT is(pg_temp.confirm('a@x.org'), '204', 'a confirmation');
SELECT isnt(pg_temp.write(), NULL, 'is written');
SELECT is(pg_temp.confirm('a@x.org'), '204', 'the same one');
SELECT is(pg_temp.confirm('b@x.org'), '204', 'one of another address') FROM generate_series(1, 3);
SELECT is(pg_temp.write(), NULL, 'are not');
SELECT is((SELECT string_agg(m.addressee, ' ') FROM wazo_auth.mail_outbox m WHERE m.next_attempt_at > now() + '290 seconds'::interval),
          pg_temp.address('b@x.org')::text, 'the other address gets its mail later');
SELECT wazo_auth.replace_emails(:'north_user', '{north@x.org,a@x.org}', 'north@x.org');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 0::bigint, 'unless it is gone by then');

-- ---- what of a user's own words is in them ----
SELECT wazo_auth.configure('{"mail_interval": 0}');
UPDATE wazo_auth.user SET username = E'x\r\nDear customer,\u2028\u202e\u0085pay at\thttps://evil.example' || repeat(' now', 40) WHERE uuid = :'north_user';
SELECT wazo_auth.set_mail_template('password_reset_email_subject', 'For {{ username }}');
SELECT wazo_auth.ask_for_mail('password_reset', 'email', 'north@x.org'), wazo_auth.write_mails(10, 3, '1 second');
SELECT wazo_auth.unseal(m.sealed_message, 'mail:' || m.id)::jsonb AS content FROM wazo_auth.mail_outbox m \gset
SELECT is(:'content'::jsonb #>> '{context,username}', 'x Dear customer, pay at https://evil.example now now now now ...', 'a name is one short line');
SELECT ok(:'content'::jsonb ->> 'message' LIKE E'%\r\nSubject: For x Dear customer, pay at https://evil.example now now now now ...\r\nDate:%\r\n\r\nHello x Dear customer, pay at https://evil.example now now now now ...,\r\n\r\n%',
          'in subject and text');
SELECT is(wazo_auth.one_line(v, 10), r, 'one line: ' || r)
FROM (VALUES ('abcdefghij', 'abcdefghij'), ('abcdefghijk', 'abcdefg...'), (E'  a \n b ', 'a b'), ('é😀', 'é😀'), (E'\u200b', '')) t(v, r);

-- ---- the page of a reset ----
SELECT is((SELECT a.status FROM wazo_auth.http('GET', '/0.1/users/password/reset/form?token=t&user_uuid=u') a), 200, 'there is a page to choose a password on');
SELECT is((SELECT count(*) FROM wazo_auth.http('GET', '/0.1/users/password/reset/form') a,
           LATERAL regexp_match(convert_from(a.body, 'UTF8'), '<script>(.*)</script>') m
           WHERE a.headers[10] LIKE '%script-src ''sha256-' || encode(sha256(convert_to(m[1], 'UTF8')), 'base64') || ''''), 1::bigint, 'whose script its policy allows');

SELECT * FROM finish();
ROLLBACK;
