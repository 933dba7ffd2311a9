-- Mails without a mail server: templates, messages, settings, who gets which
-- mail, and the routes that are about them.
--
-- SPDX-License-Identifier: GPL-3.0-or-later
BEGIN;
SET client_min_messages = warning;
\ir lib/rest.psql
SELECT no_plan();
SELECT wazo_auth.configure('{"mail_interval": 0}');

-- ---- templates ----
CREATE FUNCTION pg_temp.render(template text, variables jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS 'SELECT wazo_auth.render_mail_template(template, variables)';
SELECT is(pg_temp.render(''), '', 'nothing');
SELECT is(pg_temp.render(E'a\n\n'), E'a\n', 'one final newline is dropped');
SELECT is(pg_temp.render('{ } {a} }} %} {', '{}'), '{ } {a} }} %} {', 'what is no tag is text');
SELECT is(pg_temp.render('{{a}}-{{ a }}-{{	b}}-{{c}}', '{"a": "é{{b}}", "b": 25, "c": null}'), 'é{{b}}-é{{b}}-25-', 'values, which are no templates themselves');
SELECT is(pg_temp.render('{% if a %}A{% else %}B{% endif %}', v), r, 'a condition: ' || v::text)
FROM (VALUES ('{"a": "x"}'::jsonb, 'A'), ('{"a": ""}', 'B'), ('{"a": null}', 'B'), ('{}', 'B'), ('{"a": 1}', 'A')) t(v, r);
SELECT is(pg_temp.render('{%if not a%}A{%endif%}{% if a %}{% if b %}1{% else %}2{% endif %}{% else %}{% if b %}3{% else %}4{% endif %}{% endif %}', v), r, 'nested: ' || v::text)
FROM (VALUES ('{"a": "x", "b": "x"}'::jsonb, '1'), ('{"a": "x"}', '2'), ('{"b": "x"}', 'A3'), ('{}', 'A4')) t(v, r);
SELECT is(pg_temp.render('a{# {{ nothing }} #}b'), 'ab', 'a comment');
SELECT throws_ok(format('SELECT wazo_auth.check_mail_template(%L, ''{a}'')', t), '22023', 'mail template, line ' || e, t)
FROM (VALUES ('{{ a', '1: {{ is never closed'), (E'x\n{% if a %}', '2: the {% if %} of line 2 is never closed'), ('{% else %}', '1: {% else %} without {% if %}'),
             ('{% if a %}{% else %}{% else %}{% endif %}', '1: {% else %} without {% if %}'), (E'\n\n{% endif %}', '3: {% endif %} without {% if %}'),
             ('{{ b }}', '1: there is no variable "b" in this template'), ('{% if b %}{% endif %}', '1: there is no variable "b" in this template'),
             ('{{ a.b }}', '1: "a.b" is no name of a variable'), ('{{ }}', '1: {{ }} takes the name of one variable'), ('{{ a b }}', '1: {{ }} takes the name of one variable'),
             ('{% for a in b %}', '1: {% for %} is not understood'), ('{% %}', '1: {%  %} is not understood'), ('{% if %}', '1: {% if %} is not understood'),
             ('{# x', '1: {# is never closed'), (repeat('{% if a %}', 17), '1: conditions are nested more than 16 deep')) v(t, e);
SELECT lives_ok(format('SELECT wazo_auth.check_mail_template(%L, ''{a}'')', repeat('{% if a %}', 16) || repeat('{% endif %}', 16)), 'nested 16 deep');
SELECT throws_ok($$SELECT wazo_auth.check_mail_template(repeat('x', 65537), '{}')$$, '54000', 'a mail template must not be longer than 65536 bytes', 'a long template');
SELECT throws_ok($$SELECT pg_temp.render(repeat('{{a}}', 13000), jsonb_build_object('a', repeat('x', 100)))$$, '54000', 'a mail must not be longer than 262144 bytes', 'a long mail');

SELECT lives_ok(format('SELECT wazo_auth.check_mail_template(%L, %L)', m.template, m.variables), m.name || ' ships well') FROM wazo_auth.mail_templates m;
SELECT is(count(*), 5::bigint, 'there are five, none edited') FROM wazo_auth.mail_templates m WHERE NOT m.edited;
SELECT lives_ok($$SELECT wazo_auth.set_mail_template('password_reset_email_subject', 'Neu, {{ username }}')$$, 'one is edited');
SELECT is(m.template || m.edited, 'Neu, {{ username }}true', 'and shown') FROM wazo_auth.mail_templates m WHERE m.name = 'password_reset_email_subject';
SELECT lives_ok($$SELECT wazo_auth.set_mail_template('password_reset_email_subject', NULL)$$, 'the shipped one comes back');
SELECT is(wazo_auth.mail_template('password_reset_email_subject'), E'New password requested\n', 'as it was');
SELECT throws_ok($$SELECT wazo_auth.set_mail_template('nothing', 'x')$$, '22023', 'there is no mail template "nothing"', 'another name');
SELECT throws_ok($$SELECT wazo_auth.set_mail_template('password_reset_email', '{{ email_uuid }}')$$, '22023',
  'mail template, line 1: there is no variable "email_uuid" in this template', 'a variable of another one');

-- the links, to the letter
SELECT is(substring(pg_temp.render(wazo_auth.default_mail_template('email_confirmation'), v) FROM 'https://\S+'), r, 'link: ' || v::text)
FROM (VALUES ('{"hostname": "h", "email_uuid": "E", "token": "T"}'::jsonb, 'https://h/0.1/emails/E/confirm?token=T'),
             ('{"hostname": "h", "port": 8443, "prefix": "/api/auth", "email_uuid": "E", "token": "T"}', 'https://h:8443/api/auth/0.1/emails/E/confirm?token=T')) t(v, r);
SELECT is(substring(pg_temp.render(wazo_auth.default_mail_template('password_reset_email'), v) FROM 'https://\S+'), r, 'link: ' || v::text)
FROM (VALUES ('{"hostname": "h", "user_uuid": "U", "token": "T"}'::jsonb, 'https://app.wazo.io/reset-password?host=h&token=T&user_uuid=U'),
             ('{"hostname": "h", "port": 8443, "prefix": "/x", "user_uuid": "U", "token": "T"}', 'https://app.wazo.io/reset-password?host=h:8443&token=T&user_uuid=U'),
             ('{"hostname": "h", "public_url": "https://p/x", "user_uuid": "U", "token": "T"}', 'https://p/x/0.1/users/password/reset/form?token=T&user_uuid=U')) t(v, r);
SELECT is(pg_temp.render(wazo_auth.default_mail_template('email_confirmation_subject'), v), r, 'subject: ' || v::text)
FROM (VALUES ('{"username": "u", "email_address": "a@b.c"}'::jsonb, 'Email confirmation for u'), ('{"email_address": "a@b.c"}', 'Email confirmation for a@b.c')) t(v, r);

-- ---- messages ----
CREATE FUNCTION pg_temp.message(name text, address text, subject text DEFAULT 's', body text DEFAULT 'b') RETURNS text LANGUAGE sql AS $$
  SELECT wazo_auth.mail_message('wazo, auth', 'from@example.com', name, address, subject, body, '2026-01-02 03:04:05.6+00', '1.2')
$$;
SELECT is(pg_temp.message('me', 'to@example.com', 'Hello', E'a\nb\r\n.\n'), E'Content-Type: text/plain; charset="us-ascii"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n'
  || E'To: me <to@example.com>\r\nFrom: "wazo, auth" <from@example.com>\r\nSubject: Hello\r\nDate: Fri, 02 Jan 2026 03:04:05 +0000\r\nMessage-ID: <1.2@example.com>\r\n\r\na\r\nb\r\n.\r\n', 'a whole message');
SELECT is(substring(pg_temp.message(n, 'to@example.com') FROM 'To: ([^\r]*)'), r, 'To: ' || COALESCE(n, 'null'))
FROM (VALUES (NULL, 'to@example.com'), ('', 'to@example.com'), ('a b', 'a b <to@example.com>'), ('a.b', '"a.b" <to@example.com>'), ('a"\b', '"a\"\\b" <to@example.com>'),
             ('é', '=?utf-8?b?w6k=?= <to@example.com>'), (E'x\r\nBcc: y@z.w', '"x  Bcc: y@z.w" <to@example.com>')) t(n, r);
SELECT is(substring(pg_temp.message('n', 'to@example.com', s) FROM 'Subject: ([^\r]*)'), r, 'Subject: ' || s)
FROM (VALUES (E'a\r\nBcc: x@y.z', 'a  Bcc: x@y.z'), ('ä', '=?utf-8?b?w6Q=?='), (E'a\tb', 'a b')) t(s, r);
SELECT is((SELECT count(*) FROM regexp_split_to_table(split_part(pg_temp.message('n', 'to@example.com', repeat('é', 200)), E'\r\n\r\n', 1), E'\r\n') l WHERE length(l) > 76), 0::bigint, 'long subjects are folded');
SELECT is((SELECT string_agg(convert_from(decode(m[1], 'base64'), 'UTF8'), '') FROM regexp_matches(pg_temp.message('n', 'to@example.com', repeat('é', 200)), '=\?utf-8\?b\?([^?]*)\?=', 'g') m), repeat('é', 200), 'between characters');
SELECT is(convert_from(decode(split_part(pg_temp.message('n', 'to@example.com', 's', E'é\n' || repeat('x', 100)), E'\r\n\r\n', 2), 'base64'), 'UTF8'), E'é\r\n' || repeat('x', 100) || E'\r\n', 'a text that is not ASCII');
SELECT ok(pg_temp.message('n', 'to@example.com', 's', repeat('x', 2000)) LIKE '%utf-8%base64%', 'too long a line');
SELECT is(wazo_auth.is_mail_address(a), true, 'an address: ' || a) FROM unnest('{a@b,a+b@c.d,"\"q\"@b.c","\"\"@b.c",a@[127.0.0.1],é@b.c}'::text[]) a;
SELECT is(wazo_auth.is_mail_address(a), false, 'no address: ' || a)
FROM unnest(ARRAY['', 'a', '@', 'a@', '@b', 'a b@c', E'a@b\r\nRCPT TO:<x@y>', 'a@b>', '<a@b', 'a,b@c', 'a@b@c', 'a"b@c', '"a"b"@c', 'a@b,c', repeat('x', 250) || '@b.cd', 'a\b@c']) a;
SELECT throws_ok($$SELECT pg_temp.message('n', E'a@b\nc')$$, '22023', 'an address of the mail cannot be used', 'no message to what is none');

-- ---- settings ----
SELECT throws_ok(format('SELECT wazo_auth.configure(%L)', s), '22023', NULL, 'refused: ' || s)
FROM unnest(ARRAY['{"smtp.port": 0}', '{"smtp.port": 65536}', '{"smtp.port": "x"}', '{"smtp.hostname": "a b"}', '{"smtp.hostname": ""}', '{"smtp.tls": "maybe"}', '{"smtp.tls_verify": 1}',
  '{"smtp.username": 1}', '{"smtp.password": 1}', '{"smtp.password": "a\nb"}', '{"smtp.ca_file": "ca.pem"}', '{"password_reset_expiration": 0}', '{"email_confirmation_expiration": 1.5}',
  '{"password_reset_from_address": "x"}', '{"password_reset_from_name": "a\nb"}', '{"email_confirmation_get_mimetype": "text/html\r\nX: y"}', '{"email_notification_plugin": "nobody"}',
  '{"public_url": "http://a.b"}', '{"public_url": "https://a b"}', '{"public_url": "https://u@a.b"}', '{"public_url": "https://a.b/../c"}', '{"public_url": "https://"}', '{"public_url": 1}', '{"public_url": "https://a.b:99999"}']) s;
SELECT lives_ok($$SELECT wazo_auth.configure('{"smtp.hostname": "::1", "smtp.port": 587, "smtp.tls": "starttls", "smtp.username": "u", "smtp.password": "p4ss", "smtp.ca_file": "/etc/ca.pem"}')$$, 'good ones');
SELECT is((t.hostname, t.port, t.tls, t.tls_verify, t.ca_file, t.username, t.password)::text, '(::1,587,starttls,t,/etc/ca.pem,u,p4ss)', 'as the relay gets them') FROM wazo_auth.mail_transport() t;
SELECT is(s.value ? 'password', false, 'the password is stored sealed') FROM wazo_auth.setting s WHERE s.name = 'smtp';
SELECT is(wazo_auth.shown_configuration() -> 'smtp' ->> 'password', '********', 'and shown masked');
SELECT lives_ok($$SELECT wazo_auth.configure('{"smtp.password": null}'), wazo_auth.configure('{"smtp.port": 26}')$$, 'it can go');
SELECT is((t.password, t.port)::text, '(,26)', 'is gone') FROM wazo_auth.mail_transport() t;

-- ---- where links lead ----
CREATE FUNCTION pg_temp.base(headers text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_request wazo_auth.http_request;
BEGIN
  v_request.headers := headers;
  RETURN (SELECT concat_ws(' ', b.hostname, b.port, b.prefix) FROM wazo_auth.mail_link_base(v_request) b);
EXCEPTION WHEN SQLSTATE 'WA400' THEN
  RETURN 400;
END $$;
SELECT is(pg_temp.base(h), r, h::text)
FROM (VALUES ('{}'::text[], 'localhost'), ('{Host,PBX.example.com}', 'pbx.example.com'), ('{host,a:8443,x-script-name,/api/auth/}', 'a 8443 /api/auth'), ('{Host,[::1]:443}', '[::1] 443'),
  ('{Host,a/b}', '400'), ('{Host,u@a}', '400'), ('{Host,a b}', '400'), (E'{Host,"a\r\nb"}', '400'), ('{Host,a:x}', '400'), ('{Host,a:70000}', '400'), ('{Host,a?b}', '400'), ('{Host,é.com}', '400'), ('{Host,a..b}', '400'),
  ('{Host,a,X-Script-Name,//b}', '400'), ('{Host,a,X-Script-Name,/x?y}', '400'), ('{Host,a,X-Script-Name,/../x}', '400'), ('{Host,a,X-Script-Name,x}', '400'),
  -- no proxy is trusted by default
  ('{Host,a,X-Forwarded-Host,b}', 'a'), ('{X-Forwarded-Host,evil,Host,a,X-Forwarded-Host,b}', 'a')) t(h, r);
SELECT wazo_auth.configure('{"rest_api.num_proxies": 1}');
SELECT is(pg_temp.base(h), r, 'one is: ' || h::text)
FROM (VALUES ('{Host,a,X-Forwarded-Host,b}'::text[], 'b'), ('{Host,a,X-Forwarded-Host,"evil, b"}', 'b'), ('{X-Forwarded-Host,evil,Host,a,X-Forwarded-Host,b}', 'b'), ('{Host,a,X-Forwarded-Host,""}', 'a')) t(h, r);
SELECT wazo_auth.configure('{"rest_api.num_proxies": 2}');
SELECT is(pg_temp.base('{Host,a,X-Forwarded-Host,b}'), 'a', 'two are, and one has spoken');
SELECT is(pg_temp.base('{Host,a,X-Forwarded-Host,"evil,b,c"}'), 'b', 'two have');
SELECT wazo_auth.configure('{"rest_api.num_proxies": null, "public_url": "https://Public.example.com:444/auth/"}');
SELECT is(pg_temp.base('{Host,evil,X-Forwarded-Host,evil,X-Script-Name,/evil}'), 'public.example.com 444 /auth', 'public_url decides alone');
SELECT wazo_auth.configure('{"public_url": null}');

-- ---- who gets a mail ----
SELECT wazo_auth.replace_emails(:'north_user', '{main@example.com,Other@example.com,new@example.com}', 'new@example.com', '{true,true,false}');
-- Asks, lets it be written, and tells who gets it with which access; takes it out again.
CREATE FUNCTION pg_temp.target(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_answer text := pg_temp.ask('GET', '/0.1/users/password/reset?' || query);
  v_got text;
BEGIN
  PERFORM wazo_auth.write_mails(10, 3, '1 second');
  SELECT concat_ws(' ', v_answer, m.recipient, s.acl::text) INTO v_got
  FROM (SELECT) one LEFT JOIN wazo_auth.mail_outbox m ON true
  LEFT JOIN (SELECT s.token_digest, a.acl FROM wazo_auth.session s JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest) s USING (token_digest);
  DELETE FROM wazo_auth.mail_outbox;
  RETURN v_got;
END $$;
\set reset '{auth.users.password.reset.22222222-0000-4000-8000-000000000001.create}'
SELECT ok(pg_temp.target('username=north') ~ ('^204 (main|Other)@example.com ' || replace(replace(:'reset', '{', '\{'), '}', '\}') || '$'), 'by username: to a confirmed address');
SELECT is(pg_temp.target('username=North'), '204', 'whose case counts');
SELECT ok(pg_temp.target('login=NORTH') LIKE '204 %@example.com %', 'by login: it does not');
SELECT ok(pg_temp.target('login=NEW@example.com') ~ '^204 (main|Other)@example.com', 'by login: an address that is not confirmed finds the user, and gets no mail');
SELECT is(pg_temp.target('email=Other%40example.com'), '204 Other@example.com ' || :'reset', 'by address: to that address');
SELECT is(pg_temp.target('email=other%40example.com'), '204', 'whose case counts');
SELECT is(pg_temp.target('email=new%40example.com'), '204', 'and which must be confirmed');
SELECT is(pg_temp.target('username=south'), '204', 'nobody without an address');
SELECT is(pg_temp.target('login=nobody'), '204', 'nor a stranger');
UPDATE wazo_auth.user SET enabled = false WHERE uuid = :'north_user';
SELECT is(pg_temp.target('username=north'), '204', 'nor a disabled user');
UPDATE wazo_auth.user SET authentication_method = 'ldap', enabled = true WHERE uuid = :'north_user';
SELECT is(pg_temp.target('username=north'), '204', 'one that LDAP knows does not');
UPDATE wazo_auth.user SET authentication_method = 'default' WHERE uuid = :'north_user';
SELECT wazo_auth.replace_emails(:'north_user', '{main@example.com,new@example.com}', 'main@example.com');
SELECT is(pg_temp.ask('GET', '/0.1/users/password/reset?' || q), r, 'query: ' || q)
FROM (VALUES ('', '400 {"message": ["\"username\" or \"email\" or \"login\" should be used"], "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "reset"}'),
             ('username=a&login=b', '400 {"message": ["\"username\" or \"email\" or \"login\" should be used"], "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "reset"}'),
             ('email=x', '400 {"message": "Not a valid email address.", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "reset"}'),
             ('login=', '400 {"message": "Length must be between 1 and 256.", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "reset"}')) t(q, r);
SELECT is(pg_temp.target('username=north'), '204 main@example.com ' || :'reset', 'the main address goes first');

-- ---- what tokens of mails are good for ----
-- The token of the one mail that was written.
CREATE FUNCTION pg_temp.mailed() RETURNS text LANGUAGE sql AS $$
  SELECT wazo_auth.unseal(m.sealed_message, 'mail:' || m.id)::jsonb #>> '{context,token}' FROM wazo_auth.mail_outbox m
$$;
CREATE FUNCTION pg_temp.reset(token text, user_uuid text, body text DEFAULT '{"password": "changed"}') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ask('POST', '/0.1/users/password/reset?user_uuid=' || user_uuid, token, body)
$$;
SELECT is(pg_temp.ask('GET', '/0.1/users/password/reset?username=north'), '204', 'a mail');
SELECT is(wazo_auth.write_mails(10, 3, '1 second'), 1, 'is written');
SELECT pg_temp.mailed() AS token \gset
SELECT is((SELECT count(*) FROM wazo_auth.claim_mails(10, '{}', true)), 1::bigint, 'and could be sent');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox m WHERE m::text LIKE '%' || :'token' || '%' OR position(convert_to(:'token', 'UTF8') IN m.sealed_message) > 0), 0::bigint, 'its token is sealed');
SELECT is(pg_temp.reset(:'token', :'south_user'), '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "' || :'token' || '"}, "timestamp": T}', 'it is good for no other user');
SELECT is(pg_temp.ask('POST', '/0.1/users/password/reset?user_uuid=' || :'north_user' || '&token=x', :'token', '{"password": "y"}'),
  '401 {"message": "Unauthorized", "error_id": "unauthorized", "details": {"invalid_token": "x"}, "timestamp": T}', 'the header does not help a bad token in the query');
SELECT is(pg_temp.reset(:'token', :'north_user', '{}'), '400 {"message": "Missing data for required field.", "error_id": "invalid-data", "details": {}, "timestamp": T, "resource": "reset"}', 'no password');
SELECT is(pg_temp.ask('GET', '/0.1/users/me', :'token') LIKE '40%', true, 'nor is it good for anything else');
SELECT is(pg_temp.reset(:'token', :'north_user'), '204', 'it sets the password');
SELECT is((SELECT count(*) FROM wazo_auth.session s WHERE s.user_uuid = :'north_user'), 0::bigint, 'sessions are gone');
SELECT is((SELECT count(*) FROM wazo_auth.claim_mails(10, '{}', true)), 0::bigint, 'a mail with a used token is not sent');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 0::bigint, 'but dropped');
SELECT ok(pg_temp.reset(:'token', :'north_user') LIKE '401 %', 'it works once');
-- another way of changing the password voids it
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'north'), wazo_auth.write_mails(10, 3, '1 second');
SELECT pg_temp.mailed() AS token \gset
SELECT lives_ok(format('SELECT wazo_auth.change_password(%L, ''changed'', ''again'')', :'north_user'), 'the password changes otherwise');
SELECT ok(pg_temp.reset(:'token', :'north_user') LIKE '401 %', 'and the token is void');
DELETE FROM wazo_auth.mail_outbox;

-- tokens of people
SELECT pg_temp.token(:'north_user') AS north_token \gset
SELECT is(pg_temp.reset(:'top_token', :'north_user', '{"password": null}'), '204', 'an administrator above removes the password');
SELECT is((SELECT count(*) FROM wazo_auth.password p WHERE p.user_uuid = :'north_user'), 0::bigint, 'it is gone');
SELECT pg_temp.token(:'north_user') AS north_token \gset
SELECT is(pg_temp.reset(:'north_token', :'deep_user'), '204', 'one above a tenant sets it');
SELECT is(pg_temp.reset(:'south_token', :'deep_user'), '404 {"message": "No such user: \"' || :'deep_user' || '\"", "error_id": "unknown-user", "details": {"uuid": "' || :'deep_user' || '"}, "timestamp": T, "resource": "users"}', 'one beside it does not');
SELECT is(pg_temp.reset(:'north_token', :'top_user'), '404 {"message": "No such user: \"' || :'top_user' || '\"", "error_id": "unknown-user", "details": {"uuid": "' || :'top_user' || '"}, "timestamp": T, "resource": "users"}', 'nor one below');
SELECT is(pg_temp.reset(:'top_token', 'x', '{"password": null}'), '404 {"message": "No such user: \"x\"", "error_id": "unknown-user", "details": {"password": null, "uuid": "x"}, "timestamp": T, "resource": "users"}', 'a user that is none');
SELECT is(pg_temp.ask('POST', '/0.1/users/password/reset', :'top_token', '{"password": "x"}'), '404 {"message": "No such user: \"None\"", "error_id": "unknown-user", "details": {"uuid": "None"}, "timestamp": T, "resource": "users"}', 'or is not named');
SELECT wazo_auth.create_user(:'top', NULL) AS nameless \gset
SELECT is(pg_temp.reset(:'top_token', :'nameless'), '401 {"reason": ["Authentication Failed"], "timestamp": [T], "status_code": 401}', 'a user without a login');
UPDATE wazo_auth.user SET authentication_method = 'saml' WHERE uuid = :'south_user';
SELECT is(pg_temp.reset(:'top_token', :'south_user'), '405 {"message": "Unable to update externally managed password for user : \"' || :'south_user' || '\"", "error_id": "password-managed-externally", "details": {"uuid": "' || :'south_user' || '"}, "timestamp": T, "resource": "users"}', 'a password that is managed elsewhere');
SELECT is(pg_temp.reset(:'top_token', :'south_user', '{"password": null}'), '204', 'but may be removed');

-- ---- addresses ----
SELECT e.uuid AS email FROM wazo_auth.email e WHERE e.address = 'new@example.com' \gset
SELECT is(pg_temp.ask('GET', '/0.1/users/' || :'north_user' || '/emails/' || :'email' || '/confirm', :'top_token'), '204', 'a mail to confirm an address');
SELECT wazo_auth.write_mails(10, 3, '1 second');
SELECT pg_temp.mailed() AS token \gset
SELECT is(pg_temp.ask('PUT', '/0.1/emails/' || :'email' || '/confirm?token=' || :'token') LIKE '401 %', true, 'PUT takes no token in the query');
SELECT is(pg_temp.ask('HEAD', '/0.1/emails/' || :'email' || '/confirm?token=' || :'token'), '200', 'HEAD uses nothing up');
SELECT is((SELECT e.confirmed FROM wazo_auth.email e WHERE e.uuid = :'email'), false, 'and confirms nothing');
SELECT is(pg_temp.ask('GET', '/0.1/emails/' || :'email' || '/confirm?token=' || :'token'), '200 Email address confirmed', 'GET confirms, ' || n)
FROM unnest('{once,twice}'::text[]) n;
SELECT is((SELECT e.confirmed FROM wazo_auth.email e WHERE e.uuid = :'email'), true, 'it is confirmed');
SELECT is(pg_temp.ask('PUT', '/0.1/emails/' || :'email' || '/confirm', :'token'), '204', 'PUT confirms');
SELECT ok(pg_temp.ask('PUT', '/0.1/emails/' || :'email' || '/confirm', :'token') LIKE '401 %', 'once');
SELECT ok(pg_temp.ask('GET', '/0.1/emails/' || :'email' || '/confirm?token=' || :'token') LIKE '401 %', 'and ends the token');
SELECT is(pg_temp.ask('PUT', '/0.1/emails/' || :'email' || '/confirm', :'top_token'), '204', 'an administrator may confirm what is confirmed');
SELECT is(pg_temp.ask('GET', '/0.1/emails/' || :'email' || '/confirm?token=' || :'top_token'), '200 Email address confirmed', 'and GET shows the page');
SELECT wazo_auth.configure('{"email_confirmation_get_mimetype": "application/json"}'), wazo_auth.set_mail_template('email_confirmation_get_body', '{"done": true}');
SELECT is((a.headers[1:2]::text, convert_from(a.body, 'UTF8'))::text, '("{Content-Type,application/json}","{""done"": true}")', 'which is configured')
FROM wazo_auth.http('GET', '/0.1/emails/' || :'email' || '/confirm', ARRAY['X-Auth-Token', :'top_token']) a;
DELETE FROM wazo_auth.mail_outbox;

-- ---- registration ----
SELECT ok(pg_temp.ask('POST', '/0.1/users/register', NULL, '{}') LIKE '404 %', 'registration is off');
SELECT wazo_auth.configure('{"enabled_http_plugins": {"user_registration": true}}');
SELECT count(*) AS tenants FROM wazo_auth.tenant \gset
SELECT is(pg_temp.ask('POST', '/0.1/users/register', NULL, '{"username": "NORTH", "password": "x", "email_address": "reg@example.com"}'),
  '409 {"message": "Conflict detected", "error_id": "conflict", "details": {"username": {"constraint_id": "unique", "message": "The login \"NORTH\" is already used"}}, "timestamp": T, "resource": "users"}', 'a login in use');
SELECT ok(pg_temp.ask('POST', '/0.1/users/register', NULL, '{"username": "reg", "password": "x", "email_address": "MAIN@example.com"}') LIKE '409 %"email_address"%', 'an address in use');
SELECT is((SELECT count(*) FROM wazo_auth.tenant), :tenants::bigint, 'leave no tenant');
SELECT is((SELECT count(*) FROM wazo_auth.mail_outbox), 0::bigint, 'and no mail');
SELECT ok(pg_temp.ask('POST', '/0.1/users/register', NULL, b) LIKE '400 %', 'bad: ' || left(b, 60))
FROM (VALUES ('{"password": "x", "email_address": "reg@example.com"}'), ('{"username": "reg", "email_address": "reg@example.com"}'), ('{"username": "reg", "password": "x"}'),
             (format('{"username": "%s", "password": "x", "email_address": "reg@example.com"}', repeat('x', 129)))) t(b);
SELECT is(j - 'uuid' - 'tenant_uuid' - 'emails', '{"username": "reg", "firstname": "F", "lastname": null, "purpose": "user", "enabled": true, "authentication_method": "default"}', 'a user')
FROM pg_temp.ask_json('POST', '/0.1/users/register', NULL, '{"username": "reg", "password": "x", "email_address": "reg@example.com", "firstname": "F", "purpose": "internal", "enabled": false}') j;
SELECT is((t.name, t.path[1] = wazo_auth.top_tenant_uuid(), e.main, e.confirmed, m.kind, m.addressee = e.uuid::text)::text, '(reg,t,t,f,email_confirmation,t)', 'with its tenant, address and mail')
FROM wazo_auth.user u JOIN wazo_auth.tenant t ON t.uuid = u.tenant_uuid JOIN wazo_auth.email e ON e.user_uuid = u.uuid, wazo_auth.mail_outbox m WHERE u.username = 'reg';
SELECT is((wazo_auth.verify_credentials('reg', 'x')).uuid IS NOT NULL, true, 'who can log in by name');

-- ---- trouble ----
INSERT INTO wazo_auth.mail_template VALUES ('email_confirmation_subject', '{% broken');
SELECT is(wazo_auth.write_mails(10, 2, '1 hour'), 1, 'a mail that cannot be written');
SELECT is((m.attempts, m.parked, m.error)::text, '(1,f,"mail template, line 1: {% is never closed")', 'waits') FROM wazo_auth.mail_outbox m;
SELECT is(wazo_auth.write_mails(10, 2, '1 hour'), 0, 'until its time has come');
UPDATE wazo_auth.mail_outbox SET next_attempt_at = NULL;
SELECT wazo_auth.write_mails(10, 2, '1 hour');
SELECT is((p.attempts, p.addressed_by)::text, '(2,email_uuid)', 'and is parked at last') FROM wazo_auth.parked_mail p;
SELECT wazo_auth.set_mail_template('email_confirmation_subject', NULL);
SELECT is(wazo_auth.retry_parked_mails(), 1, 'it can be tried again');
SELECT wazo_auth.write_mails(10, 2, '1 hour');
SELECT is((SELECT m.recipient FROM wazo_auth.mail_outbox m), 'reg@example.com', 'and be written');
SELECT is(wazo_auth.finish_mail((SELECT m.id FROM wazo_auth.mail_outbox m)), 1, 'sent');
-- without anybody who writes them, mails are not asked for without end
INSERT INTO wazo_auth.mail_outbox (kind, addressed_by, addressee, hostname) SELECT 'password_reset', 'login', 'x', 'h' FROM generate_series(1, 10000);
SELECT ok(pg_temp.ask('GET', '/0.1/users/password/reset?username=' || u) LIKE '503 %', 'too many wait: ' || u) FROM (VALUES ('north'), ('nobody')) t(u);
DELETE FROM wazo_auth.mail_outbox;
-- tokens go with their user
SELECT wazo_auth.ask_for_mail('password_reset', 'username', 'north'), wazo_auth.write_mails(10, 3, '1 second');
SELECT wazo_auth.delete_user(:'north_user');
SELECT is((SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.acl_set a ON a.digest = s.acl_digest WHERE a.acl::text LIKE '%password.reset.' || :'north_user' || '%'), 0::bigint, 'a deleted user leaves no token of a mail');

-- a scheduler in place of the worker
CREATE ROLE postman IN ROLE wazo_auth_plugin;
CREATE TABLE public.sent_by_test (kind text, context jsonb);
GRANT INSERT ON public.sent_by_test TO postman;
CREATE FUNCTION public.send_mail_of_test(kind text, context jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.sent_by_test VALUES (kind, context)';
SELECT throws_ok($$SELECT wazo_auth.register_mail_sender('mine', 'public.nothing')$$, '42883', NULL, 'a sender must exist');
SELECT wazo_auth.register_mail_sender('mine', 'public.send_mail_of_test', role => 'postman'), wazo_auth.configure('{"email_notification_plugin": "mine"}');
SELECT wazo_auth.ask_for_mail('password_reset', 'login', 'reg@example.com', 'h.example.com', 8443, '/p');
UPDATE wazo_auth.email SET confirmed = true WHERE address = 'reg@example.com';
SELECT is((wazo_auth.tick()).mails_delivered, 1, 'tick() gives mails to a function');
SELECT is((s.kind, s.context - 'token' - 'user_uuid')::text, $$(password_reset,"{""port"": 8443, ""prefix"": ""/p"", ""hostname"": ""h.example.com"", ""username"": ""reg"", ""email_address"": ""reg@example.com""}")$$, 'with what it needs') FROM public.sent_by_test s;

SELECT * FROM finish();
ROLLBACK;
