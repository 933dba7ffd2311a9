# 200 logins of one user at the same time, each on a connection of its own: as many sessions as max_user_concurrent_sessions
# allows, and not one more. All of them wait for one lock, which is let go when the last of them does.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($cap, $logins) = (7, 200);
my $node = new_node('session_cap', <<'EOC');
max_connections = 230
fsync = off
wazo_auth.argon2_memory = '1MB'
wazo_auth.argon2_iterations = 1
wazo_auth.hash_wait_timeout = '10min'
EOC
$node->start;
add_database($node, 'app');
sub sql { return scalar $node->safe_psql('app', $_[0]) }

sql("SELECT wazo_auth.configure('{\"max_user_concurrent_sessions\": $cap}')");
sql('CREATE TABLE outcome (state text)');
my $refresh = sql(<<'EOC');
SELECT FROM wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', authentication_method => 'native');
SELECT new_refresh_token FROM wazo_auth.token_create('jane', 'secret', access_type => 'offline', client_id => 'desk');
EOC

foreach my $how ([ 'password', q{'jane', 'secret'} ], [ 'refresh token', "refresh_token => '$refresh', client_id => 'desk'" ])
{
	my ($kind, $credentials) = @$how;
	sql('DELETE FROM wazo_auth.session; TRUNCATE outcome');
	my $script = "$PostgreSQL::Test::Utils::tmp_check/login.sql";
	open my $out, '>', $script or die "$script: $!";
	print $out <<"EOC";
SELECT pg_advisory_lock_shared(15);
DO \$\$
BEGIN
  PERFORM wazo_auth.token_create($credentials);
  INSERT INTO outcome VALUES ('in');
EXCEPTION WHEN OTHERS THEN
  INSERT INTO outcome VALUES (SQLSTATE);
END
\$\$;
EOC
	close $out;

	my $gate = $node->background_psql('app');
	$gate->query_safe('SELECT pg_advisory_lock(15)');
	my ($stdout, $stderr) = ('', '');
	my $crowd = IPC::Run::start([ 'pgbench', '-n', '-c', $logins, '-j', 2, '-t', 1, '-f', $script, '-d', $node->connstr('app') ],
		'<', \undef, '>', \$stdout, '2>', \$stderr);
	until_is($node, 'app', 'SELECT count(*) FROM pg_locks WHERE locktype = \'advisory\' AND objid = 15 AND NOT granted', $logins, "$logins wait, to log in by $kind");
	$gate->quit;
	ok($crowd->finish, 'and come to an end') or diag $stderr;
	is(sql(q{SELECT string_agg(state || ' ' || times, ', ' ORDER BY state) FROM (SELECT state, count(*) AS times FROM outcome GROUP BY state) o}),
		"WA429 @{[$logins - $cap]}, in $cap", "logins at a time by $kind: the cap is exact");
	is(sql('SELECT count(*) FROM wazo_auth.session WHERE user_uuid IS NOT NULL'), $cap, '... in the table too');
}

$node->stop;
done_testing();
