# A PgBouncer in transaction mode: SQL callers go through it, and the front says
# that it does not.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('pooled', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$node->start;
add_database($node, 'app');
$node->safe_psql('app', <<'EOC');
ALTER ROLE wazo_auth_service LOGIN;
CREATE ROLE dba LOGIN IN ROLE wazo_auth_admin;
CREATE ROLE front LOGIN IN ROLE wazo_auth_front;
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', authentication_method => 'native');
EOC

my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
sub write_ini
{
	my ($mode, $size) = @_;
	unlink "$dir/pgbouncer.ini";
	append_to_file("$dir/pgbouncer.ini", <<"EOC");
[databases]
app = host=${\$node->host} port=${\$node->port}
[pgbouncer]
listen_addr =
unix_socket_dir = $dir
listen_port = $port
auth_type = trust
auth_file = $dir/users
pool_mode = $mode
default_pool_size = $size
logfile = $dir/pgbouncer.log
pidfile = $dir/pgbouncer.pid
EOC
	return;
}
# From 1.21 on it carries prepared statements from one connection to another, unless it is told not to.
my ($binary) = grep { -x } qw(/usr/sbin/pgbouncer /usr/bin/pgbouncer);
my $carries = `$binary --version` =~ /PgBouncer 1\.(\d+)/ && $1 >= 21;
write_ini("transaction", 2);
append_to_file("$dir/pgbouncer.ini", "max_prepared_statements = 0\n") if $carries;
append_to_file("$dir/users", "\"$_\" \"\"\n") foreach qw(dba front wazo_auth_service);
# Its parent is gone before the child listens.
sub start_pgbouncer
{
	my ($what) = @_;
	unlink "$dir/.s.PGSQL.$port";
	is(system($binary, '-q', '-d', "$dir/pgbouncer.ini"), 0, $what);
	ok(until_true(sub { -S "$dir/.s.PGSQL.$port" }), '... and listens');
}
start_pgbouncer('PgBouncer starts');

sub through
{
	my ($role, $query) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', $dir, '-p', $port, '-U', $role, '-d', 'app', '-c', $query ], '<', \undef, '>', \$out, '2>', \$err);
	chomp $out;
	return $ok ? $out : $err;
}

# ---- SQL callers ----
my $token = through('dba', "SELECT token FROM wazo_auth.token_create('jane', 'secret')");
like($token, qr/^[0-9a-f-]{36}$/, 'an administrator logs somebody in');
is(through('wazo_auth_service', "SELECT wazo_auth.token_check('$token')"), 'valid', 'a service checks the token');
# more clients than connections: what one has set is not another's
{
	my $other = through('dba', "SELECT token FROM wazo_auth.token_create('jane', 'secret')");
	my @clients = map { $node->background_psql('app', connstr => "host=$dir port=$port user=dba dbname=app") } 1 .. 4;
	$_->query_safe('SELECT 1') foreach @clients;
	is($clients[0]->query_safe("BEGIN; SELECT wazo_auth.set_token('$token'); SELECT wazo_auth.current_user_uuid() IS NOT NULL; COMMIT"), "t\nt", 'a transaction speaks for a token');
	is(join(',', map { $_->query_safe('SELECT wazo_auth.current_user_uuid() IS NULL') } @clients), 't,t,t,t', 'and nobody after it does');
	$_->quit foreach @clients;
}
is(through('dba', "SELECT wazo_auth.token_delete('$token')"), 't', 'a token is revoked');
is(through('wazo_auth_service', "SELECT wazo_auth.token_check('$token')"), 'unknown', 'at once');
is(through('dba', "SELECT count(*) FROM wazo_auth.list_users(wazo_auth.top_tenant_uuid(), '{}')"), '1', 'a list');

# ---- the front ----
my $front = "$dir/front.log";
my $listen = PostgreSQL::Test::Cluster::get_free_port();
my $pid = fork() // die "fork: $!";
if ($pid == 0)
{
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>>', $front);
	open(STDERR, '>&', \*STDOUT);
	exec($ENV{WAZO_AUTH_FRONT}, '--workers', 1, '--listen-port', $listen, '--database', "host=$dir port=$port dbname=app user=front") or POSIX::_exit(127);
}
ok(until_true(sub { -e $front && slurp_file($front) =~ /PgBouncer/ }, 60), 'the front says that it meets a pooler') or diag(-e $front ? slurp_file($front) : 'no log');
kill 'TERM', $pid;
waitpid $pid, 0;
write_ini("session", 20);
kill 'INT', slurp_file("$dir/pgbouncer.pid") =~ /(\d+)/;
ok(until_true(sub { !-e "$dir/pgbouncer.pid" }, 60), 'PgBouncer stops');
start_pgbouncer('... and starts with pool_mode = session');
my $served = start_front($node, 'app', '--workers', 1, '--database', "host=$dir port=$port dbname=app user=front");
is(call($served, 'POST', '/0.1/token', login => 'jane:secret', body => '{}')->{status}, 200, 'which serves the front');
stop_front($served);

END { if ($dir && -e "$dir/pgbouncer.pid") { local $?; kill 'INT', slurp_file("$dir/pgbouncer.pid") =~ /(\d+)/ } }
$node->stop('fast');
done_testing();
