# make check-import: 100,000 users and a million tokens; prints the time.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use Time::HiRes qw(time);
use WazoNode;
use WazoUpstream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($users, $tokens) = (100_000, 1_000_000);
my $node = new_node('large', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nmax_wal_size = 8GB\nshared_buffers = 512MB");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('app', 'CREATE EXTENSION wazo_auth CASCADE');
make_upstream($node, 'app', users => $users, tokens => $tokens, tenants => 1000);
diag("upstream: $users users, $tokens tokens, ", $node->safe_psql('app',
	"SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class WHERE relnamespace = 'upstream'::regnamespace AND relkind = 'r'"));

foreach my $run (1, 2)
{
	my ($err, $start, $writing) = ('', time);
	my $import = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('app'), '-c', "CALL wazo_auth.import_upstream('upstream')" ],
		'<', \undef, '>', \my $out, '2>', \$err);
	while ($import->pumpable)
	{
		$import->pump;
		$writing //= time if $err =~ /writing tenant/;
	}
	ok($import->finish, "import $run") or diag $err;
	diag(sprintf 'import %d: %.0f s to read and judge, %.0f s to write, during which requests wait', $run, $writing - $start, time - $writing);
}
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.user'), $users, 'all users');
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.session'), $tokens * 7 / 8, 'all live tokens');
is($node->safe_psql('app', "SELECT wazo_auth.token_check(md5('token' || i)::uuid) FROM generate_series(999990, 999990) i"), 'valid', 'which are valid');
$node->stop('fast');
done_testing();
