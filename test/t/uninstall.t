# Uninstalling as docs/sql.md says leaves nothing behind, in the database or in
# the server.
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

my $node = new_node('uninstall', 'fsync = off');
my $doc = slurp_file("$FindBin::RealBin/../../docs/sql.md");

sub recipe
{
	my ($name) = @_;
	$doc =~ /^```sql \Q$name\E\n(.*?)^```/ms or die "no recipe $name";
	return $1;
}

# What the token of a login is worth.
sub login
{
	my ($database) = @_;
	my $token = $node->safe_psql($database, "SELECT (wazo_auth.token_create('admin', 'a password')).token");
	return $node->safe_psql($database, "SELECT wazo_auth.token_check('$token')");
}

# All that a catalog shows of the extension.
my $left = q{
	SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE '%wazo%'
	UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE '%wazo%'
	UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE proname LIKE '%wazo%' OR probin LIKE '%wazo%'
	UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typname LIKE '%wazo%'
	UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
	UNION ALL SELECT 'parameter ' || parname FROM pg_parameter_acl
	UNION ALL SELECT 'default ' || defaclacl::text FROM pg_default_acl
	UNION ALL SELECT 'setting of a role ' || setrole FROM pg_db_role_setting WHERE setrole <> 0};

$node->start;
my @databases = qw(one two);
my %before = map { $node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0 ENCODING 'UTF8'"); $_ => $node->safe_psql($_, $left) } @databases;
foreach my $database (@databases)
{
	$node->safe_psql($database, "CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap('admin', 'a password'); SELECT wazo_auth.token_create('admin', 'a password')");
}
$node->safe_psql('one', recipe('uninstall'));
until_is($node, 'postgres', "SELECT string_agg(DISTINCT datname, ',') FROM pg_stat_activity WHERE backend_type LIKE 'wazo_auth %' AND datname IS NOT NULL", 'two',
	'the workers have left one database and not the other');
is(login('two'), 'valid', 'which goes on');
my ($rc, $out, $err) = $node->psql('one', recipe('roles'));
like($err, qr/privileges for schema wazo_auth|objects in database two/, 'where the roles are still needed');
$node->safe_psql('two', recipe('uninstall'));
$node->safe_psql('two', recipe('roles'));
is($node->safe_psql($_, $left), $before{$_}, "nothing is left in $_") foreach @databases;
$node->safe_psql('one', "CREATE EXTENSION wazo_auth; SELECT wazo_auth.bootstrap('admin', 'a password')");
is(login('one'), 'valid', 'it can be installed again');
$node->stop('fast');
done_testing();
