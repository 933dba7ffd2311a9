# make check-import: 100,000 users and a million tokens; prints the time.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Handle ();
use IPC::Run ();
use POSIX ();
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

# Asks for a token five times a second, and writes what came of it, and when.
sub watch
{
	my ($front, $file) = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	open(my $out, '>', $file) or die "$file: $!";
	$out->autoflush(1);
	my $token = $node->safe_psql('app', "SELECT md5('token1')::uuid");
	until ($stop)
	{
		my $start = time;
		my $status = call($front, 'HEAD', "/0.1/token/$token")->{status};
		printf $out "%.1f %.1f %d\n", $start, time - $start, $status;
		select(undef, undef, undef, 0.2);
	}
	POSIX::_exit(0);
}

foreach my $run (1, 2)
{
	# the second one beside clients
	my $front = $run == 2 ? start_front($node, 'app', '--workers', 1) : undef;
	my $log = $node->basedir . '/watched';
	my $watcher = $front ? watch($front, $log) : undef;
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
	if ($front)
	{
		kill 'TERM', $watcher;
		waitpid $watcher, 0;
		my @seen = map { [ split / / ] } split /\n/, slurp_file($log);
		my $away = 0;
		$away += $_->[1] + 0.2 foreach grep { $_->[2] >= 500 } @seen;
		diag(sprintf 'import %d: of %d requests of one client %d were refused, in %.0f s; the longest waited %.1f s', $run, scalar @seen,
			scalar(grep { $_->[2] >= 500 } @seen), $away, (sort { $b <=> $a } map { $_->[1] } @seen)[0]);
		stop_front($front);
	}
}
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.user'), $users, 'all users');
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.session'), $tokens * 7 / 8, 'all live tokens');
is($node->safe_psql('app', "SELECT wazo_auth.token_check(md5('token' || i)::uuid) FROM generate_series(999990, 999990) i"), 'valid', 'which are valid');
$node->stop('fast');
done_testing();
