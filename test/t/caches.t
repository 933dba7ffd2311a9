# What a backend keeps of the tables: beside other libraries that want to hear
# of changes, while everything changes all the time, and with the columns of a
# database that was upgraded.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pg_config = $ENV{PG_CONFIG} // 'pg_config';

# No worker hears of what goes on here.
my $quiet = "wazo_auth.relay_interval = 0\nwazo_auth.token_cleanup_interval = 0\n";
my $node = new_node('caches', $quiet);
$node->start;
add_database($node, 'app');

my $library = abs_path($node->basedir) . '/cache_events.so';
chomp(my $include = `$pg_config --includedir-server`);
PostgreSQL::Test::Utils::system_or_bail('cc', '-shared', '-fPIC', '-D_GNU_SOURCE', "-I$include",
	'-o', $library, "$FindBin::Bin/lib/cache_events.c");
my $functions = <<"EOQ";
CREATE FUNCTION public.take_slots(integer) RETURNS void LANGUAGE c AS '$library';
CREATE FUNCTION public.start_storm() RETURNS void LANGUAGE c AS '$library';
CREATE FUNCTION public.stop_storm() RETURNS void LANGUAGE c AS '$library';
EOQ
$node->safe_psql('app', $functions);

# Somebody who has all that is looked up: an address, a password, a group, policies.
$node->safe_psql('app', <<'EOQ');
CREATE TABLE public.known AS
SELECT wazo_auth.top_tenant_uuid() AS tenant,
       wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret1', 'jane@example.com') AS person,
       wazo_auth.create_group(wazo_auth.top_tenant_uuid(), 'staff') AS staff,
       wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'own', '{own.#}') AS own,
       wazo_auth.create_policy(wazo_auth.top_tenant_uuid(), 'of group', '{auth.#}', shared => true) AS shared;
SELECT wazo_auth.add_group_user(k.staff, k.person), wazo_auth.add_user_policy(k.person, k.own),
       wazo_auth.add_group_policy(k.staff, k.shared) FROM public.known k;
CREATE TABLE public.token AS SELECT t.token FROM wazo_auth.token_create('jane', 'secret1') t;
EOQ

# What all caches and look-ups have a part in, in one line each.
my $questions = <<'EOQ';
CREATE TEMP VIEW asked(method, target, body) AS
SELECT 'GET', '/0.1/token/' || t.token, NULL FROM public.token t
UNION ALL SELECT 'HEAD', '/0.1/token/' || t.token || '?scope=own.x&tenant=' || k.tenant, NULL FROM public.token t, public.known k
UNION ALL SELECT 'GET', '/0.1/users?limit=1', NULL
UNION ALL SELECT 'POST', '/0.1/users', '{"username": 3, "purpose": "nonsense"}'
UNION ALL SELECT 'POST', '/0.1/users', '{"username": "x", "email_address": "none"}'
UNION ALL SELECT 'PUT', '/0.1/users/' || k.person || '/emails', '{"emails": [{"address": "nothing"}]}' FROM public.known k
UNION ALL SELECT 'POST', '/0.1/policies', '{"name": "x", "acl": [1]}'
UNION ALL SELECT 'GET', '/0.1/groups/' || k.staff, NULL FROM public.known k
UNION ALL SELECT 'GET', '/0.1/policies/' || k.shared, NULL FROM public.known k
UNION ALL SELECT 'GET', '/0.1/api/api.yml', NULL
UNION ALL SELECT 'GET', '/0.1/nowhere', NULL;
-- The description of the API is free in its order where there is no primary key.
SELECT a.target, r.status, CASE WHEN a.target NOT LIKE '%.yml' THEN md5(regexp_replace(convert_from(coalesce(r.body, ''), 'UTF8'), '"timestamp": \[?[0-9.]+\]?', '', 'g')) END FROM asked a, public.token t,
  wazo_auth.http(a.method, a.target, ARRAY['X-Auth-Token', t.token::text], convert_to(a.body, 'UTF8')) r;
SELECT wazo_auth.token_check(t.token, 'own.x', k.tenant), wazo_auth.token_check(t.token, 'no.x'),
       wazo_auth.resolve_login('jane') = k.person, wazo_auth.resolve_login('Jane@example.com') = k.person,
       wazo_auth.stored_password(k.person) LIKE '$argon2id$%', wazo_auth.effective_authentication_method(k.person),
       wazo_auth.has_live_sessions(k.person, 1), wazo_auth.granted_acl(k.person), wazo_auth.get_setting('default_token_lifetime')
FROM public.token t, public.known k;
BEGIN;
SELECT wazo_auth.set_token(t.token), wazo_auth.can('own.x'), wazo_auth.can('no.x'), wazo_auth.can_reach(k.tenant) FROM public.token t, public.known k;
COMMIT;
EOQ

# Runs in a session of its own: (exit code, output and errors).
sub session
{
	my ($of, $database, $sql) = @_;
	my ($out, $err);
	my $code = $of->psql($database, "SET client_min_messages = warning;\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	return ($code, "$out$err");
}
my ($code, $answers) = session($node, 'app', $questions);
is($code, 0, 'the questions have answers') or diag($answers);
is(scalar(() = $answers =~ /\|(?:200|204)\|/g), 6, 'six requests succeed') or diag($answers);
is(scalar(() = $answers =~ /\|400\|/g), 4, 'four are refused by their shape') or diag($answers);

# ---- one place for all of the extension ----
sub most_slots
{
	my ($of, $database, $then) = @_;
	my $most = -1;
	for my $n (0 .. 40)
	{
		my ($failed) = session($of, $database, "SELECT public.take_slots($n);\n$then");
		return $most if $failed;
		$most = $n;
	}
	return $most;
}
my $plain = PostgreSQL::Test::Cluster->new('plain');
$plain->init;
$plain->start;
$plain->safe_psql('postgres', $functions);
my $types = "SELECT relname FROM pg_class ORDER BY relname LIMIT 1; SELECT ROW(1, 'a') = ROW(1, 'a');";
my $without = most_slots($plain, 'postgres', $types);
cmp_ok($without, '>', 0, "a server without the extension has $without places for who wants to hear of changed relations");
is(most_slots($node, 'app', $questions), $without - 1, 'the extension takes one of them, whatever is asked of it');
$plain->stop;

# ---- everything is void all the time ----
# Each lock costs as much as a new connection then, so only what daemons ask all
# the time, and few routes. The time limit ends what would never return.
my $often = <<'EOQ';
SELECT wazo_auth.token_check(t.token, 'own.x', k.tenant), wazo_auth.token_check(t.token, 'no.x') FROM public.token t, public.known k;
SELECT r.status FROM public.token t, wazo_auth.http('HEAD', '/0.1/token/' || t.token) r;
ROLLBACK;
EOQ
my $few = q{BEGIN; DELETE FROM wazo_auth.route WHERE path <> '/0.1/token/{token_uuid}';};
(undef, my $calm) = session($node, 'app', "$few\n$often");
($code, my $stormy) = session($node, 'app', "SET statement_timeout = '300s';\n$few\nSELECT public.start_storm();\n$often");
is($code, 0, 'a token is checked and requests answered while every lock voids all caches') or diag(substr($stormy, -500));
is($stormy, "\n$calm", 'as when nothing happens');

# ---- triggers ----
# An event is inserted by what is kept from one transaction to the next. A trigger with settings of its own is
# looked up anew, and what is known of it is not left in memory that was given back, and is somebody else's meanwhile.
$node->safe_psql('app', <<'EOQ');
CREATE TABLE public.seen (work_mem text);
CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql SET work_mem = '4321kB' AS $$
BEGIN
  INSERT INTO public.seen VALUES (current_setting('work_mem'));
  RETURN NEW;
END $$;
CREATE TRIGGER look_before BEFORE INSERT ON wazo_auth.event_outbox FOR EACH ROW EXECUTE FUNCTION public.look();
CREATE TRIGGER look_after AFTER INSERT ON wazo_auth.event_outbox FOR EACH ROW EXECUTE FUNCTION public.look();
EOQ
# what comes before it takes more memory each time
my $open = <<'EOQ';
SELECT count(wazo_auth.emit_session_created(gen_random_uuid(), u.tenant_uuid, u.uuid, repeat('x', 40 * i) = ''))
FROM (SELECT * FROM wazo_auth.user LIMIT 1) u, generate_series(1, 20) i;
EOQ
my ($looked, $looks) = session($node, 'app', "$open ALTER FUNCTION public.look() SET work_mem = '1234kB'; $open");
is($looked, 0, 'a trigger with a setting is fired in one transaction after the other') or diag($looks);
is($node->safe_psql('app', 'SELECT work_mem, count(*) FROM public.seen GROUP BY work_mem ORDER BY work_mem'), "1234kB|40\n4321kB|40", '... with the setting that it has then');
$node->safe_psql('app', 'DROP TRIGGER look_before ON wazo_auth.event_outbox; DROP TRIGGER look_after ON wazo_auth.event_outbox');

# ---- columns elsewhere ----
# Each column that C reads gets another number, as after an upgrade that drops
# and adds it; the place where it was is null.
my $catalog = PostgreSQL::Test::Utils::slurp_file("$FindBin::Bin/../../src/base/catalog.c");
my %table = $catalog =~ /\[(T_\w+)\] = \{"(\w+)"/g;
my @columns;
push @columns, [ $table{$1}, $2 ] while $catalog =~ /\[\w+\] = \{(T_\w+), "(\w+)"/g;
cmp_ok(scalar @columns, '>', 60, scalar(@columns) . ' columns are read by C');
my $move = <<'EOQ' . join "\n", map { my ($t, $c) = @$_; <<"EOQ" } @columns;
SET session_replication_role = replica;
SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', c.conrelid::regclass, c.conname)
FROM pg_constraint c WHERE c.connamespace = 'wazo_auth'::regnamespace AND c.conrelid <> 0 AND c.contype <> 'n'
ORDER BY c.contype = 'p' \gexec
EOQ
DO \$\$ BEGIN
  EXECUTE (SELECT concat_ws(' ', format('ALTER TABLE %s ADD COLUMN moved %s', a.attrelid::regclass, format_type(a.atttypid, a.atttypmod)),
                            CASE WHEN a.attcollation <> 0 THEN 'COLLATE "C"' END)
           FROM pg_attribute a WHERE a.attrelid = 'wazo_auth."$t"'::regclass AND a.attname = '$c');
END \$\$;
ALTER TABLE wazo_auth."$t" ALTER "$c" DROP EXPRESSION IF EXISTS, ALTER "$c" DROP NOT NULL;
UPDATE wazo_auth."$t" SET moved = "$c", "$c" = NULL;
ALTER TABLE wazo_auth."$t" RENAME "$c" TO "${c}_before";
ALTER TABLE wazo_auth."$t" RENAME moved TO "$c";
EOQ
# in a backend that has answered before
($code, my $moved) = session($node, 'app', "$questions\n$move\n$questions" =~ s/CREATE TEMP VIEW/CREATE OR REPLACE TEMP VIEW/gr);
is($code, 0, 'every column that C reads is moved') or diag(substr($moved, -500));
is($moved, "$answers\n$answers", 'and read where it is now');

$node->stop;
done_testing();
