# make check-import: 100,000 users and a million tokens (IMPORT_USERS, IMPORT_TOKENS); prints the time, and how long clients
# were refused.
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

my ($users, $tokens) = ($ENV{IMPORT_USERS} || 100_000, $ENV{IMPORT_TOKENS} || 1_000_000);
my $node = new_node('large', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nmax_wal_size = 8GB\nshared_buffers = 512MB");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('app', q{CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap('root', 'a password')});
make_upstream($node, 'app', users => $users, tokens => $tokens, tenants => 1000);
diag("upstream: $users users, $tokens tokens, ", $node->safe_psql('app',
	"SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class WHERE relnamespace = 'upstream'::regnamespace AND relkind = 'r'"));

# Asks for a token and logs in, a few times a second, and writes what came of it: what was asked, status, seconds.
sub watch
{
	my ($front, $database, $file) = @_;
	my $token = $node->safe_psql($database, "SELECT token FROM wazo_auth.token_create('root', 'a password')");
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	open(my $out, '>', $file) or die "$file: $!";
	$out->autoflush(1);
	until ($stop)
	{
		foreach my $what ([ 'check', 'HEAD', "/0.1/token/$token" ], [ 'login', 'POST', '/0.1/token', login => 'root:a password', body => '{"expiration": 1}' ])
		{
			my ($name, @request) = @$what;
			my $start = time;
			my $status = call($front, @request)->{status};
			printf $out "%s %d %.3f\n", $name, $status, time - $start;
		}
		select(undef, undef, undef, 0.2);
	}
	POSIX::_exit(0);
}

# Imports into a database beside clients; tells how long that took, and how long they were refused.
sub import_into
{
	my ($what, $database) = @_;
	my $front = start_front($node, $database, '--workers', 1);
	my $log = $node->basedir . "/watched.$database";
	my $watcher = watch($front, $database, $log);
	my ($err, $start, $writing, $holding) = ('', time);
	my $import = IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-c',
			"CALL wazo_auth.import_upstream('upstream', replace => true)" ], '<', \undef, '>', \my $out, '2>', \$err);
	while ($import->pumpable)
	{
		$import->pump;
		$writing //= time if $err =~ /writing new rows/;
		$holding //= time if $err =~ /waiting for those who write/;
	}
	ok($import->finish, "import $what") or diag $err;
	diag(sprintf '%s: %.0f s to read and judge, %.0f s to write most rows, %.0f s to write the rest while those who write wait', $what,
		$writing - $start, $holding - $writing, time - $holding);
	kill 'TERM', $watcher;
	waitpid $watcher, 0;
	my @seen = map { [ split / / ] } split /\n/, slurp_file($log);
	foreach my $name (qw(check login))
	{
		my @mine = grep { $_->[0] eq $name } @seen;
		my @refused = grep { $_->[1] >= 500 } @mine;
		my $away = 0;
		$away += $_->[2] + 0.2 foreach @refused;
		diag(sprintf '%s: of %d requests of the kind "%s" %d were refused (5xx), in %.0f s; the longest waited %.1f s', $what, scalar @mine, $name,
			scalar @refused, $away, (sort { $b <=> $a } map { $_->[2] } @mine)[0]);
		is(scalar(@refused), 0, "$what: no token check was refused") if $name eq 'check';
	}
	stop_front($front);
	return;
}

import_into('the same database', 'app');
import_into('the same database, again', 'app') if $node->safe_psql('app', "SELECT count(*) FROM wazo_auth.bootstrap('root', 'a password')");

# from another one, as docs/migration.md says
$node->safe_psql('postgres', "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('other', q{CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap('root', 'a password')});
my ($foreign) = slurp_file("$FindBin::Bin/../../docs/migration.md") =~ /```sql\n(CREATE EXTENSION IF NOT EXISTS postgres_fdw;.*?)```/s;
$foreign =~ s/host '[^']*', port '[^']*', dbname '[^']*'/"host '" . $node->host . "', port '" . $node->port . "', dbname 'app'"/e;
$foreign =~ s/OPTIONS \(user '[^']*', password '[^']*'\)/"OPTIONS (user '" . getpwuid($<) . "')"/e;
$foreign =~ s/IMPORT FOREIGN SCHEMA public/IMPORT FOREIGN SCHEMA upstream/;
$node->safe_psql('other', $foreign);
import_into('through postgres_fdw', 'other');
is($node->safe_psql('other', 'SELECT count(*) FROM wazo_auth.session'), $tokens * 7 / 8, 'all live tokens, through postgres_fdw');
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.user'), $users, 'all users');
is($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.session'), $tokens * 7 / 8, 'all live tokens');
is($node->safe_psql('app', "SELECT wazo_auth.token_check(md5('token' || $tokens - 10)::uuid)"), 'valid', 'which are valid');
$node->stop('fast');
done_testing();
