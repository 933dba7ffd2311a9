# Import from a database of an upstream wazo-auth: who was there logs in as
# before, tokens and refresh tokens are valid, what does not fit is listed, and
# nothing is half done. From the same database and from another one.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::MD5 qw(md5_hex);
use IPC::Run ();
use WazoNode;
use WazoUpstream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('import', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$node->start;

sub uuid { return join('-', unpack('A8 A4 A4 A4 A12', md5_hex($_[0]))) }

sub sql { my ($database, $query) = @_; return scalar $node->safe_psql($database, $query) }

sub error_of
{
	my ($database, $query) = @_;
	my ($rc, $out, $err) = $node->psql($database, $query);
	return $rc ? $err : "no error but $out";
}

# All that an import writes, but for sealed forms, which are others each time.
sub content
{
	my ($database) = @_;
	my @tables = split /\n/, sql($database, "SELECT r FROM unnest(wazo_auth.replaced_tables()) r ORDER BY r::text");
	return join "\n", map { "$_ " . sql($database, qq{SELECT count(*), md5(string_agg(j::text, ',' ORDER BY j::text COLLATE "C"))
		FROM (SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(t)) WHERE key NOT LIKE 'sealed\\_%') AS j FROM $_ t) t}) } @tables;
}

# ---- a few thousand rows, and one row of each thing that does not fit ----
sql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
sql('app', 'CREATE EXTENSION wazo_auth CASCADE');
make_upstream($node, 'app', users => 1000, tokens => 3000, tenants => 20);
my ($first) = map { uuid("tenant$_") } 0;
sql('app', <<"EOC");
SET search_path = upstream, public;
INSERT INTO auth_tenant (uuid, name, phone, parent_uuid, slug, default_authentication_method) VALUES
  ('c0000000-0000-0000-0000-000000000001', repeat('n', 200), repeat('1', 40), '${\uuid('top')}', 'long', 'default'),
  ('c0000000-0000-0000-0000-000000000002', '', NULL, 'c0000000-0000-0000-0000-000000000003', 'loop1', 'native'),
  ('c0000000-0000-0000-0000-000000000003', '', NULL, 'c0000000-0000-0000-0000-000000000002', 'loop2', 'native'),
  ('no uuid', 'x', NULL, '${\uuid('top')}', 'nouuid', 'native'),
  ('c0000000-0000-0000-0000-000000000004', 'x', NULL, '${\uuid('top')}', 'a-b', 'native'),
  ('c0000000-0000-0000-0000-00000000000a', '', '', '${\uuid('top')}', 'UPPER', 'my_own'),
  ('C0000000-0000-0000-0000-00000000000A', 'twin', '', '${\uuid('top')}', 'upper', 'native');
INSERT INTO auth_address (line_1, city, zip_code, tenant_uuid) VALUES
  ('1 Road', 'Québec', repeat('9', 20), '$first'), ('2 Road', NULL, NULL, '$first'), ('', NULL, NULL, '${\uuid('tenant1')}'),
  ('3 Road', NULL, NULL, 'no uuid');
INSERT INTO auth_tenant_domain (uuid, tenant_uuid, name) VALUES
  ('d0000000-0000-0000-0000-000000000001', '$first', 'Example.COM'), ('d0000000-0000-0000-0000-000000000002', '$first', 'example.com'),
  ('d0000000-0000-0000-0000-000000000003', '$first', 'not a domain');
INSERT INTO auth_user (uuid, username, password_hash, password_salt, firstname, enabled, tenant_uuid, purpose) VALUES
  ('e0000000-0000-0000-0000-000000000001', 'ONE\@example.org', NULL, NULL, repeat('f', 300), NULL, '$first', 'user'),
  ('e0000000-0000-0000-0000-000000000002', '', NULL, NULL, NULL, true, '$first', 'external_api'),
  ('e0000000-0000-0000-0000-000000000003', 'three', 'xyz', '\\x00', NULL, true, '$first', 'user'),
  ('e0000000-0000-0000-0000-000000000004', 'four', repeat('a', 128), NULL, NULL, true, '$first', 'user'),
  ('e0000000-0000-0000-0000-000000000005', 'lost', NULL, NULL, NULL, true, 'c0000000-0000-0000-0000-000000000002', 'user'),
  ('e0000000-0000-0000-0000-000000000006', 'six\@example.org', NULL, NULL, NULL, true, '$first', 'user');
INSERT INTO auth_email (uuid, address, confirmed, main, user_uuid) VALUES
  ('e1000000-0000-0000-0000-000000000001', 'one\@example.org', true, true, 'e0000000-0000-0000-0000-000000000002'),
  ('e1000000-0000-0000-0000-000000000002', 'two\@example.org', false, true, 'e0000000-0000-0000-0000-000000000002'),
  ('e1000000-0000-0000-0000-000000000003', 'none', false, false, 'e0000000-0000-0000-0000-000000000002'),
  ('e1000000-0000-0000-0000-000000000004', 'six\@example.org', false, false, 'e0000000-0000-0000-0000-000000000002'),
  ('e1000000-0000-0000-0000-000000000005', 'lost\@example.org', true, true, 'e0000000-0000-0000-0000-000000000005');
UPDATE auth_tenant SET contact_uuid = 'e0000000-0000-0000-0000-000000000002' WHERE slug = 't0';
DELETE FROM auth_group WHERE slug = 'wazo-all-users-tenant-$first';
INSERT INTO auth_group (uuid, name, slug, tenant_uuid, system_managed) VALUES
  ('f0000000-0000-0000-0000-000000000001', repeat('g', 200), 'long', '$first', true),
  ('f0000000-0000-0000-0000-000000000002', 'gone', 'gone', 'c0000000-0000-0000-0000-000000000002', false);
INSERT INTO auth_user_group VALUES ('f0000000-0000-0000-0000-000000000002', 'e0000000-0000-0000-0000-000000000003');
INSERT INTO auth_policy (uuid, name, slug, description, tenant_uuid, config_managed) VALUES
  ('f1000000-0000-0000-0000-000000000001', 'p', 'p', repeat('d', 5000), '$first', NULL),
  ('f1000000-0000-0000-0000-000000000002', 'too much', 'too_much', NULL, '$first', NULL);
INSERT INTO auth_access (access) VALUES (repeat('x', 2000));
INSERT INTO auth_policy_access SELECT 'f1000000-0000-0000-0000-000000000002', id FROM auth_access WHERE access LIKE 'xxx%';
INSERT INTO auth_refresh_token (uuid, client_id, user_uuid, metadata) VALUES
  ('a0000000-0000-0000-0000-000000000001', NULL, '${\uuid('user1')}', '{}'), ('a0000000-0000-0000-0000-000000000002', 'x', NULL, '{}'),
  ('a0000000-0000-0000-0000-000000000003', 'x', 'e0000000-0000-0000-0000-000000000005', '{}'),
  ('a0000000-0000-0000-0000-000000000004', 'bare', '${\uuid('user1')}', '{"a": 1}');
INSERT INTO auth_session (uuid, mobile, tenant_uuid)
SELECT 'b0000000-0000-0000-0000-00000000000' || i, false, '$first' FROM generate_series(1, 8) i;
INSERT INTO auth_token (uuid, auth_id, expire_t, metadata, session_uuid, acl, user_agent)
SELECT t.uuid, t.auth_id, extract(epoch FROM now())::integer + t.lifetime, t.metadata,
  'b0000000-0000-0000-0000-00000000000' || t.session, t.acl::text[], t.user_agent
FROM (VALUES
  ('b1000000-0000-0000-0000-000000000001', 'wazo-auth', 10000, NULL, 1, '{a,!b}', NULL),
  ('b1000000-0000-0000-0000-000000000002', 'wazo-auth', 20000, '{}', 1, '{c}', ''),
  ('b1000000-0000-0000-0000-000000000003', '99999999-9999-9999-9999-999999999999', 10000, NULL, 3, '{a}', ''),
  ('b1000000-0000-0000-0000-000000000004', '${\uuid('user1')}', 10000, 'no JSON', 4, '{a}', ''),
  ('b1000000-0000-0000-0000-000000000005', '${\uuid('user1')}', NULL, '{}', 5, '{a}', ''),
  ('b1000000-0000-0000-0000-000000000006', '${\uuid('user1')}', 10000, '{}', 6, '{NULL}', ''),
  ('b1000000-0000-0000-0000-000000000007', '${\uuid('user1')}', 10000, '{}', 7, '{x,y}', repeat('u', 2000)),
  ('no uuid', '${\uuid('user1')}', 10000, '{}', 8, '{x,y}', '')) t (uuid, auth_id, lifetime, metadata, session, acl, user_agent);
INSERT INTO auth_ldap_config (tenant_uuid, host, port, bind_dn, bind_password, user_base_dn, user_login_attribute, user_email_attribute)
VALUES ('$first', 'ldap.example.org', 636, 'cn=wazo', 'bind secret', 'dc=org', 'uid', 'mail'),
       ('${\uuid('tenant1')}', 'ldap.example.org', 0, NULL, NULL, 'dc=org', 'uid', 'mail'),
       ('${\uuid('tenant2')}', 'ldap.example.org', 389, NULL, NULL, 'dc=org', NULL, 'mail');
EOC

# ---- a dry run ----
sql('app', "CALL wazo_auth.import_upstream('upstream', dry_run => true)");
is(sql('app', 'SELECT count(*) FROM wazo_auth.tenant'), '0', 'a dry run imports nothing');
my $want = <<'EOT';
tenant|C0000000-0000-0000-0000-00000000000A|left out|another tenant has its uuid
tenant|c0000000-0000-0000-0000-000000000001|changed|name cut; phone cut; method native in place of default
tenant|c0000000-0000-0000-0000-000000000002|left out|it does not lie below the top tenant, or more than 100 deep
tenant|c0000000-0000-0000-0000-000000000003|left out|it does not lie below the top tenant, or more than 100 deep
tenant|c0000000-0000-0000-0000-000000000004|left out|its slug is none
tenant|no uuid|left out|its uuid is none
tenant_address|1|changed|parts cut
tenant_address|2|left out|its tenant has another address
tenant_address|4|left out|tenant_uuid is null, or none
tenant_domain|d0000000-0000-0000-0000-000000000001|changed|name in its normal form
tenant_domain|d0000000-0000-0000-0000-000000000002|left out|another row has its place in tenant_domain_name_key
tenant_domain|d0000000-0000-0000-0000-000000000003|left out|it violates the constraint tenant_domain_form_check
user|e0000000-0000-0000-0000-000000000001|changed|disabled, since that was null; no username, since the user e0000000-0000-0000-0000-000000000002 logs in with it; names cut
user|e0000000-0000-0000-0000-000000000005|left out|there is no such tenant, or it is left out
password|e0000000-0000-0000-0000-000000000003|left out|its hash or salt is none: no password until a new one is set
password|e0000000-0000-0000-0000-000000000004|left out|its hash or salt is none: no password until a new one is set
email|e1000000-0000-0000-0000-000000000002|changed|not the main address, since another one is
email|e1000000-0000-0000-0000-000000000003|left out|it is no e-mail address
email|e1000000-0000-0000-0000-000000000004|left out|the user e0000000-0000-0000-0000-000000000006 logs in with it
email|e1000000-0000-0000-0000-000000000005|left out|there is no such user, or it is left out
group|f0000000-0000-0000-0000-000000000001|changed|name cut; not system_managed, since it is not the group of all users
group|f0000000-0000-0000-0000-000000000002|left out|there is no such tenant, or it is left out
group_user|f0000000-0000-0000-0000-000000000002 e0000000-0000-0000-0000-000000000003|left out|there is no such group, or it is left out
policy|f1000000-0000-0000-0000-000000000001|changed|description cut
policy|f1000000-0000-0000-0000-000000000002|left out|its accesses do not fit into an ACL
refresh_token|%u1 no client|left out|client_id is null, or none
refresh_token|e0000000-0000-0000-0000-000000000005 x|left out|there is no such user, or it is left out
refresh_token|no user x|left out|login is null, or none
session|b0000000-0000-0000-0000-000000000001|left out|another row has its place in session_uuid_key
session|b0000000-0000-0000-0000-000000000003|left out|its user is gone or left out
session|b0000000-0000-0000-0000-000000000004|left out|its metadata are no JSON
session|b0000000-0000-0000-0000-000000000006|left out|its ACL does not fit
session|b0000000-0000-0000-0000-000000000007|changed|user agent or address cut
session|b0000000-0000-0000-0000-000000000008|left out|its token is no uuid
ldap_config|%t1|left out|it violates the constraint ldap_config_port_check
ldap_config|%t2|left out|user_login_attribute is null, or none
EOT
$want =~ s/%u1/uuid('user1')/e;
$want =~ s/%t(\d)/uuid("tenant$1")/ge;
my $misfits = q{SELECT c.target, m.source_key, m.effect, m.reason FROM wazo_auth.import_misfit m JOIN wazo_auth.import_count c USING (place)
	WHERE c.source IS NOT NULL ORDER BY c.place, m.source_key COLLATE "C"};
is(join("\n", sort split /\n/, sql('app', $misfits)) . "\n", join("\n", sort split /\n/, $want) . "\n", 'it lists what does not fit, and why');
is(sql('app', "SELECT count(*) FROM wazo_auth.import_misfit WHERE source_key || reason ~ 'b1000000|a0000000|secret'"), '0', 'and no secret');

# ---- the import ----
my ($rc, $out, $err) = $node->psql('app', "CALL wazo_auth.import_upstream('upstream')");
is($rc, 0, 'the import') or diag $err;
like($err, qr/^psql:.* NOTICE:  auth_user: 1006 rows, 0 passed over, 1 left out, 0 added, 1005 imported \(1 of them changed\)$/m, 'says what it did');
is(join("\n", sort split /\n/, sql('app', $misfits)) . "\n", join("\n", sort split /\n/, $want) . "\n", 'as the dry run said');
is(sql('app', q{SELECT string_agg(target, ' ') FROM wazo_auth.import_count
	WHERE imported <> COALESCE(source_rows - passed_over - left_out, 0) + added}), '', 'the counts agree');
is(sql('app', 'SELECT sum(passed_over) FROM wazo_auth.import_count WHERE target = \'session\''), '376', 'expired tokens are passed over');
is(sql('app', 'SELECT count(*) FROM wazo_auth.event_outbox'), '0', 'without an event');
is(sql('app', q{SELECT count(*) FROM wazo_auth.user u JOIN wazo_auth.group g ON g.tenant_uuid = u.tenant_uuid AND g.system_managed
	LEFT JOIN wazo_auth.group_user gu ON gu.group_uuid = g.uuid AND gu.user_uuid = u.uuid WHERE gu.user_uuid IS NULL}), '0',
	'every user is in the group of all users of its tenant');
is(sql('app', q{SELECT count(*) FROM wazo_auth.tenant t WHERE NOT EXISTS (SELECT FROM wazo_auth.group g WHERE g.tenant_uuid = t.uuid AND g.system_managed)}), '0',
	'which every tenant has');
is(sql('app', "SELECT wazo_auth.unseal(sealed_bind_password, 'ldap:' || tenant_uuid) FROM wazo_auth.ldap_config"), 'bind secret', 'a bind password is sealed');
is(sql('app', "SELECT (address).line_1 || ' ' || (address).city FROM wazo_auth.tenant_address"), '1 Road Québec', 'an address');
is(sql('app', "SELECT user_uuid FROM wazo_auth.tenant_contact"), 'e0000000-0000-0000-0000-000000000002', 'a contact');
is(sql('app', "SELECT cardinality(path) FROM wazo_auth.tenant WHERE slug = 't11'"), '3', 'a tenant below a tenant');
is(sql('app', "SELECT username FROM wazo_auth.user WHERE uuid = wazo_auth.resolve_login('one\@EXAMPLE.org')") . sql('app', "SELECT wazo_auth.resolve_login('one\@example.org')"),
	'e0000000-0000-0000-0000-000000000002', 'a login that two had is that of the confirmed address');
my @tables = split /\n/, sql('app', "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'upstream'::regnamespace AND c.relkind = 'r'");
cmp_ok(scalar @tables, '>=', 20, 'upstream has tables');

# ---- over HTTP, as its clients do ----
sub check_clients
{
	my ($database, $what) = @_;
	my $front = start_front($node, $database, '--workers', 1);
	is(call($front, 'HEAD', '/0.1/token/' . uuid('token5'))->{status}, 204, "$what: an old token");
	is(call($front, 'HEAD', '/0.1/token/' . uuid('token5') . '?scope=set.6')->{status}, 204, "$what: with its accesses");
	is(call($front, 'HEAD', '/0.1/token/' . uuid('token5') . '?scope=set.7')->{status}, 403, "$what: and no others");
	is(call($front, 'HEAD', '/0.1/token/' . uuid('token7'))->{status}, 404, "$what: an expired one");
	like(call($front, 'GET', '/0.1/token/' . uuid('token5'))->{content}, qr/"auth_id": "${\uuid('user5')}"/, "$what: it is its user's");
	is(call($front, 'POST', '/0.1/token', login => 'user5:secret', body => '{}')->{status}, 200, "$what: an old password");
	is(call($front, 'POST', '/0.1/token', login => 'USER6@example.org:secret', body => '{}')->{status}, 200, "$what: with an address");
	is(call($front, 'POST', '/0.1/token', login => 'user5:Secret', body => '{}')->{status}, 401, "$what: another one");
	my $refresh = sprintf('{"refresh_token": "%s", "client_id": "client"}', uuid('refresh5'));
	my $answer = call($front, 'POST', '/0.1/token', body => $refresh);
	is($answer->{status}, 200, "$what: an old refresh token");
	like($answer->{content}, qr/"from": "before"/, "$what: with its metadata");
	$answer = call($front, 'POST', '/0.1/token', login => 'user6:secret', body => '{"access_type": "offline", "client_id": "client"}');
	like($answer->{content}, qr/"refresh_token": "${\uuid('refresh6')}"/, "$what: which can be shown again");
	stop_front($front);
	like(sql($database, "SELECT hash FROM wazo_auth.password WHERE user_uuid = '${\uuid('user5')}'"), qr/^\$argon2id\$/, "$what: a login rehashes");
	like(sql($database, "SELECT hash FROM wazo_auth.password WHERE user_uuid = '${\uuid('user7')}'"), qr/^\$pbkdf2-sha512\$/, "$what: and nothing else");
	return;
}
my $imported = content('app');
check_clients('app', 'same database');

# ---- once more ----
like(error_of('app', "CALL wazo_auth.import_upstream('upstream')"), qr/ERROR:  this database holds rows that upstream has not.*: 4 of session\nHINT:.*replace => true/,
	'sessions that were made here are not lost by an oversight');
sql('app', "CALL wazo_auth.import_upstream('upstream', replace => true)");
is(content('app'), $imported, 'again: all is as upstream has it');
sql('app', "CALL wazo_auth.import_upstream('upstream')");
is(content('app'), $imported, 'and once more');
sql('app', "UPDATE upstream.auth_user SET firstname = 'New' WHERE username = 'user8'; DELETE FROM upstream.auth_token WHERE uuid = '${\uuid('token5')}';
	DELETE FROM upstream.auth_user WHERE username = 'user9'");
sql('app', "CALL wazo_auth.import_upstream('upstream', replace => true)");
is(sql('app', "SELECT (SELECT firstname FROM wazo_auth.user WHERE username = 'user8'), wazo_auth.token_check('${\uuid('token5')}'), wazo_auth.resolve_login('user9') IS NULL"),
	'New|unknown|t', 'what upstream changed, revoked and deleted');

# ---- what is in the way ----
like(error_of('app', "CALL wazo_auth.import_upstream('public')"), qr/the schema "public" is not that of a wazo-auth: there is no alembic_version_auth, auth_access/, 'another schema');
like(error_of('app', "UPDATE upstream.alembic_version_auth SET version_num = 'deadbeef'; CALL wazo_auth.import_upstream('upstream')"),
	qr/of the revision deadbeef, and not of 1c862ebfbb3a/, 'another revision');
sql('app', "UPDATE upstream.alembic_version_auth SET version_num = '1c862ebfbb3a'");

# ---- more accesses than an ACL holds ----
sql('app', <<"EOC");
SET search_path = upstream, public;
INSERT INTO auth_access (access) SELECT 'many.' || i FROM generate_series(1, 12000) i;
INSERT INTO auth_policy (uuid, name, slug, tenant_uuid, shared) SELECT md5('many' || p)::uuid::text, 'many' || p, 'many' || p, '${\uuid('top')}', true FROM generate_series(1, 3) p;
INSERT INTO auth_policy_access (policy_uuid, access_id) SELECT md5('many' || p)::uuid::text, a.id FROM auth_access a, generate_series(1, 3) p
	WHERE a.access LIKE 'many.%' AND (substr(a.access, 6)::int <= 6000) = (p = 1);
INSERT INTO auth_user_policy (user_uuid, policy_uuid) SELECT u.uuid, md5('many' || p)::uuid::text FROM auth_user u, generate_series(1, 3) p
	WHERE u.username = 'user10' OR u.username = 'user11' AND p > 1;
EOC
sql('app', "CALL wazo_auth.import_upstream('upstream', dry_run => true)");
my $surplus = q{SELECT string_agg(source_key || ' ' || effect, ',') FROM wazo_auth.import_misfit WHERE reason LIKE '%its tokens have not all of its accesses, which are more than 10000, or 1 MiB of them'};
is(sql('app', $surplus), uuid('user10') . ' changed', 'a dry run tells who has too many accesses');
sql('app', "CALL wazo_auth.import_upstream('upstream')");
is(sql('app', $surplus), uuid('user10') . ' changed', '... and the import too');
my $many = sql('app', "SELECT token FROM wazo_auth.token_create('user10', 'secret')");
is(sql('app', "SELECT wazo_auth.token_check('$many', 'many.1')"), 'valid', '... who logs in');
sql('app', "SET search_path = upstream; DELETE FROM auth_policy_access WHERE access_id IN (SELECT id FROM auth_access WHERE access LIKE 'many.%');
	DELETE FROM auth_policy WHERE name LIKE 'many%'; DELETE FROM auth_access WHERE access LIKE 'many.%'");
sql('app', "CALL wazo_auth.import_upstream('upstream', replace => true)");

sub start_import
{
	my ($err) = @_;
	return IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app'), '-c', "CALL wazo_auth.import_upstream('upstream')" ],
		'<', \undef, '>', \my $out, '2>', $err);
}
sub waits_at
{
	my ($step) = @_;
	return until_is($node, 'app', "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE '$step'", '1', "the import is at: $step");
}

# ---- clients are served meanwhile ----
{
	my $before = content('app');
	my $front = start_front($node, 'app', '--workers', 1);
	my ($old, $err) = (uuid('token6'), '');
	my $user = sql('app', "SELECT wazo_auth.resolve_login('user8')");
	sql('app', "UPDATE upstream.auth_user SET lastname = 'Changed'");

	# while it reads, or is about to: one that writes upstream holds it up
	my $holder = $node->background_psql('app');
	$holder->query_safe('BEGIN; LOCK TABLE upstream.auth_user IN ROW EXCLUSIVE MODE');
	my $import = start_import(\$err);
	$node->poll_query_until('app', "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareLock' AND relation = 'upstream.auth_user'::regclass)");
	my $answer = call($front, 'POST', '/0.1/token', login => 'user6:secret', body => '{}');
	is($answer->{status}, 200, 'a login while it reads');
	$holder->query_safe('ROLLBACK');
	$import->finish;
	like($err, qr/ERROR:  this database holds rows that upstream has not.*: 1 of session$/m, '... which it does not lose');
	is(call($front, 'DELETE', '/0.1/token/' . ($answer->{content} =~ /"token": "([^"]+)"/)[0])->{status}, 200, '... and is ended');
	sql('app', "UPDATE wazo_auth.password SET hash = wazo_auth.password_from_upstream(u.password_hash, u.password_salt) FROM upstream.auth_user u WHERE u.username = 'user6' AND user_uuid::text = u.uuid");
	is(content('app'), $before, '... with nothing changed');

	# while it writes
	sql('app', q{CREATE FUNCTION public.wait_for_test() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END';
		CREATE TRIGGER wait_for_test BEFORE INSERT ON wazo_auth.login EXECUTE FUNCTION public.wait_for_test();
		ALTER TABLE wazo_auth.login ENABLE REPLICA TRIGGER wait_for_test});
	$holder->query_safe('SELECT pg_advisory_lock(77)');
	$import = start_import(\$err);
	waits_at('wazo\_auth import: writing login');
	is(call($front, 'HEAD', "/0.1/token/$old")->{status}, 204, 'a token check while it writes');
	is(sql('app', "SET statement_timeout = '60 s'; SELECT lastname IS DISTINCT FROM 'Changed' FROM wazo_auth.user WHERE uuid = '$user'"), 't', '... and who reads sees what was here');
	sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'wazo\\_auth import: %'");
	$import->finish;
	$holder->quit;
	sql('app', 'DROP FUNCTION public.wait_for_test CASCADE');
	is(content('app'), $before, 'killed there, nothing is half done');
	stop_front($front);
}

# ---- killed in the middle, at each table that is written ----
{
	my $before = content('app');
	foreach my $table (qw(tenant user policy session))
	{
		my $import = start_import(\my $e);
		my $seen = until_true(sub { $import->pump_nb; $e =~ /writing $table$/m || !$import->pumpable }, 180);
		sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'wazo\\_auth import: %'");
		my $done = $import->finish;
		ok($seen, "killed while it writes $table");
		ok($done || content('app') eq $before, '... and nothing is half done');
		last if $done;
	}
	sql('app', "CALL wazo_auth.import_upstream('upstream')");
	is(sql('app', "SELECT count(*) FILTER (WHERE lastname = 'Changed') = count(*) FROM wazo_auth.user"), 't', 'the next run completes');
}

# ---- from another database, as docs/migration.md says ----
{
	make_upstream($node, 'wazo', schema => 'public', users => 200, tokens => 400, tenants => 5);
	sql('postgres', "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8'");
	sql('other', 'CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap(\'root\', \'a password\')');
	my ($commands) = slurp_file("$FindBin::Bin/../../docs/migration.md") =~ /```sql\n(CREATE EXTENSION IF NOT EXISTS postgres_fdw;.*?)```/s;
	ok($commands, 'the guide has the commands');
	$commands =~ s/host '[^']*', port '[^']*', dbname '[^']*'/"host '" . $node->host . "', port '" . $node->port . "', dbname 'wazo'"/e;
	$commands =~ s/OPTIONS \(user '[^']*', password '[^']*'\)/"OPTIONS (user '" . getpwuid($<) . "')"/e;
	sql('other', $commands);
	like(error_of('other', "CALL wazo_auth.import_upstream('upstream')"), qr/1 of policy, 1 of tenant, 1 of user|of tenant/, 'what bootstrap() made is not lost by an oversight');
	sql('other', "CALL wazo_auth.import_upstream('upstream', replace => true)");
	is(sql('other', 'SELECT count(*) FROM wazo_auth.session'), '350', 'imported through postgres_fdw');
	my @blocks = slurp_file("$FindBin::Bin/../../docs/migration.md") =~ /^```sql\n(.*?)^```/msg;
	cmp_ok(scalar @blocks, '>=', 6, 'the guide has more of them');
	is(error_of('other', $_) =~ s/^no error but .*//sr, '', 'it works: ' . (split /\n/)[0]) foreach grep { !/postgres_fdw/ } @blocks;
	check_clients('other', 'another database');
}

$node->stop('fast');
done_testing();
