# WazoNode: servers with the extension for TAP tests, on top of
# PostgreSQL::Test::Cluster.
#
#   my $node = new_node('name', 'wazo_auth.token_cleanup_interval = 1');
#   until_is($node, 'app', 'SELECT 1', '1', 'name of the test');
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoNode;

use strict;
use warnings FATAL => 'all';
use Exporter qw(import);
use Test::More;
use Time::HiRes qw(sleep time);

BEGIN
{
	# PostgreSQL::Test::Cluster wants to be told where pg_regress is.
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	chomp(my $pgxs = `$pg_config --pgxs`);
	$pgxs =~ s{/makefiles/pgxs\.mk$}{};
	$ENV{PG_REGRESS} //= "$pgxs/test/regress/pg_regress";
}
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(new_node add_database until_is until_true);

# A cluster with the extension's library preloaded, not started: initialised
# for replication, with the key for refresh tokens, and with further settings.
sub new_node
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<"EOC");
shared_preload_libraries = 'wazo_auth'
wazo_auth.secret_key_file = '$ENV{WAZO_AUTH_SECRET_KEY_FILE}'
wazo_auth.argon2_memory = '4MB'
wazo_auth.launcher_interval = 1
restart_after_crash = on
${\($conf // '')}
EOC
	return $node;
}

# A database with the extension and its top tenant.
sub add_database
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, 'CREATE EXTENSION wazo_auth; SELECT wazo_auth.bootstrap()');
	return;
}

# Polls until the code returns true, at most some seconds. Returns what it
# returned last.
sub until_true
{
	my ($code, $seconds) = @_;
	my $end = time + ($seconds // 20);
	my $got;
	until ($got = $code->())
	{
		return $got if time > $end;
		sleep 0.05;
	}
	return $got;
}

# Polls until the query answers what is wanted; a test that passes or fails.
# A server that does not answer just now counts as another answer.
sub until_is
{
	my ($node, $database, $query, $want, $what, $seconds) = @_;
	my $got;
	until_true(sub {
		$got = '';
		$node->psql($database, $query, stdout => \$got);
		return $got eq $want;
	}, $seconds);
	return is($got, $want, $what);
}

1;
