# What a DBA does to tables and indexes while they are in use: a backend that
# knows them from before goes on working.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('maintenance', "fsync = off\nwazo_auth.relay_interval = 0\nwazo_auth.token_cleanup_interval = 0");
$node->start;
add_database($node, 'app');
$node->safe_psql('app', <<'EOC');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'ann', 'secret', 'ann@x.org') AS ann;
SELECT wazo_auth.add_user_policy(u.uuid, wazo_auth.create_policy(u.tenant_uuid, 'all', '{auth.#}')),
       wazo_auth.add_group_user(wazo_auth.create_group(u.tenant_uuid, 'some'), u.uuid)
FROM wazo_auth.user u WHERE u.username = 'ann';
-- All that a login by address reads, and a request about that address, which is
-- confirmed already.
CREATE FUNCTION all_works() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_token uuid := (wazo_auth.token_create('ANN@x.org', 'secret')).token;
BEGIN
  RETURN wazo_auth.token_check(v_token, 'auth.users.read')
    || ' ' || (SELECT r.status FROM wazo_auth.email e,
                 wazo_auth.http('GET', '/0.1/users/' || e.user_uuid || '/emails/' || e.uuid || '/confirm', ARRAY['X-Auth-Token', v_token::text]) r);
END
$$;
EOC

my @tables = qw(user email login password session acl_set tenant group policy group_user group_policy user_policy setting);
my @work;
foreach my $table (@tables)
{
	push @work, "REINDEX TABLE CONCURRENTLY wazo_auth.\\\"$table\\\"", "VACUUM FULL wazo_auth.\\\"$table\\\"";
}
push @work, 'ALTER INDEX wazo_auth.session_user_uuid_idx RENAME TO sessions_of_users', 'DROP INDEX wazo_auth.sessions_of_users',
	'CREATE INDEX CONCURRENTLY session_of_users ON wazo_auth.session (user_uuid)',
	'ALTER TABLE wazo_auth.email DROP CONSTRAINT email_user_uuid_address_key', 'CREATE INDEX ON wazo_auth.email (user_uuid)';
# In one session, while another one does the work.
my $script = "SELECT all_works();\n" . join '', map { "\\! psql -X -q -d \"\$APP\" -v ON_ERROR_STOP=1 -c \"$_\"\nSELECT all_works();\n" } @work;
local $ENV{APP} = $node->connstr('app');
my ($out, $err);
is($node->psql('app', $script, stdout => \$out, stderr => \$err), 0, 'all was done') or diag($err);
my @answers = split /\n/, $out;
is(scalar @answers, @work + 1, 'a login after each');
foreach my $i (0 .. $#answers)
{
	is($answers[$i], 'valid 409', 'after ' . ($i ? $work[$i - 1] : 'nothing'));
}

# The indexes that a login will need when its hash is computed are replaced
# while that is under way.
$node->append_conf("postgresql.conf", "wazo_auth.argon2_memory = 128MB\nwazo_auth.argon2_iterations = 10");
$node->reload;
$node->safe_psql('app', "SELECT wazo_auth.set_password(u.uuid, 'secret') FROM wazo_auth.user u WHERE u.username = 'ann'");
my $session = $node->background_psql('app');
foreach my $i (1 .. 3)
{
	$session->query_until(qr/begins/, "\\echo begins\nSELECT all_works() AS worked \\gset\n");
	$node->safe_psql('app', "REINDEX TABLE CONCURRENTLY wazo_auth.$_") for $i < 2 ? () : qw("user" tenant password);
	is($session->query_safe('\\echo :worked'), 'valid 409', $i < 2 ? 'a slow login' : 'its tables are reindexed meanwhile');
}
$session->quit;
$node->stop;
done_testing();
