# What wazo_auth.worker_status, wazo_auth.health() and HEAD /status say while
# workers work, fail, end and are not there at all.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use WazoRabbit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Cwd ();
use Test::More;

my $rabbit = WazoRabbit->new;
$rabbit->launch;
my $node = new_node('worker_status', <<'EOC');
wazo_auth.relay_interval = 1
wazo_auth.relay_retry_pause = 100ms
wazo_auth.token_cleanup_interval = 1
EOC
$node->start;
add_database($node, 'app');
my $front = start_front($node, 'app');

sub sql { return scalar $node->safe_psql('app', $_[0]) }
my $states = "SELECT string_agg(queue || ' ' || state, ', ' ORDER BY queue) FROM wazo_auth.worker_status";
sub states_are { return until_is($node, 'app', $states, $_[0], $_[1]) }
sub status { return call($front, 'HEAD', '/0.1/status')->{status} }

states_are('events running, mails running, sessions running', 'all workers run');
is(sql("SELECT count(*) FROM wazo_auth.worker_status w JOIN pg_stat_activity a USING (pid)
	WHERE a.backend_type = 'wazo_auth ' || w.worker AND a.datname = 'app' AND w.started_at > a.backend_start - interval '1 s'"), '3', 'their processes are named');
is(sql("SELECT wazo_auth.health() ->> 'status'"), 'ok', 'all is well');

# a key file that is not there, and one that others can read
sub use_key_file
{
	$node->append_conf('postgresql.conf', "wazo_auth.secret_key_file = '$_[0]'");
	$node->reload;
	return;
}
my $key = "SELECT h ->> 'status', h #>> '{secret_key,state}', h #>> '{secret_key,reason}' LIKE '%openssl rand%' FROM wazo_auth.health() h";
is(sql($key), 'ok|ok|', 'the key file is usable');
use_key_file('/nowhere/secret.key');
until_is($node, 'app', $key, 'degraded|the secret key file cannot be opened: No such file or directory|t', 'no key file: degraded, and what to do');
is(status(), 200, 'HEAD /status does not mind');
my $open = Cwd::abs_path($node->data_dir) . "/open.key";
append_to_file($open, 'k1:' . 'A' x 43 . "=\n");
chmod 0644, $open;
use_key_file($open);
until_is($node, "app", "SELECT wazo_auth.health(false) #>> '{secret_key,state}'", "the secret key file is accessible for others (it needs mode 0600, or 0640 when it belongs to root)", 'one that others can read: so, too');
use_key_file($ENV{WAZO_AUTH_SECRET_KEY_FILE});
until_is($node, 'app', $key, 'ok|ok|', 'the right one: all is well again');

# a broker that refuses the password, after one that is not there
my $wrong = "amqp://guest:s3cretpw\@127.0.0.1:$rabbit->{port}/";
ok(until_true(sub { $rabbit->serves }), 'the broker serves') or die $rabbit->output;
sql("SELECT wazo_auth.configure('{\"amqp.uri\": \"$wrong\"}')");
states_are('events failing, mails running, sessions running', 'a broker that refuses us: mails go on');
my $error = sql("SELECT last_error FROM wazo_auth.worker_status WHERE queue = 'events'");
like($error, qr/^message broker: could not log in/, 'the reason is shown');
unlike($error, qr/s3cretpw|guest/, 'without credentials');
sql("SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}')");
is(sql("SELECT queue_length >= 1 AND oldest_age > '0 s' AND last_error_at > now() - interval '1 min'
	FROM wazo_auth.worker_status WHERE queue = 'events'"), 't', 'an event waits');
is(sql("SELECT wazo_auth.health() ->> 'status'"), 'degraded', 'the service is degraded');
is(status(), 200, 'HEAD /status does not mind');
sql("SELECT wazo_auth.configure('{\"amqp.uri\": \"@{[$rabbit->uri]}\"}')");
states_are('events running, mails running, sessions running', 'the right password: all is well again');
is(sql("SELECT queue_length, last_error IS NOT NULL FROM wazo_auth.worker_status WHERE queue = 'events'"), '0|t', 'the last error is still shown');
is(sql('SELECT wazo_auth.health(false) ->> $$status$$'), 'ok', 'and does not count');

# an error of the database, with credentials in its text
sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN RAISE EXCEPTION 'no: amqp://joe:s3cret@x@host/ and "amqps://joe:s3cret@host"'; END$$;
	CREATE TRIGGER refuse BEFORE DELETE ON wazo_auth.session FOR EACH STATEMENT EXECUTE FUNCTION refuse();
	INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
	SELECT gen_random_uuid(), wazo_auth.top_tenant_uuid(), wazo_auth.store_acl('{a}'), now(), 'wazo-auth'});
states_are('events running, mails running, sessions failing', 'a round that fails');
is(sql("SELECT last_error FROM wazo_auth.worker_status WHERE queue = 'sessions'"), 'no: amqp://***@host/ and "amqps://***@host"', 'credentials are left out');
is(sql("SELECT queue_length, oldest_age > '0 s' FROM wazo_auth.worker_status WHERE queue = 'sessions'"), '1|t', 'what it left is counted');
sql('DROP TRIGGER refuse ON wazo_auth.session');
states_are('events running, mails running, sessions running', 'and the next one');

# a worker that ends keeps its last error
my $pid = sql("SELECT pid FROM wazo_auth.worker_status WHERE worker = 'expiry'");
sql("SELECT pg_terminate_backend($pid)");
until_is($node, 'app', "SELECT state, pid <> $pid, last_error IS NOT NULL FROM wazo_auth.worker_status WHERE worker = 'expiry'",
	'running|t|t', 'a successor knows the last error');

# turned off, and not there
$node->append_conf('postgresql.conf', "wazo_auth.relay_interval = 0\nwazo_auth.token_cleanup_interval = 0");
$node->reload;
states_are('events off, mails off, sessions off', 'turned off');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
states_are('events not loaded, mails not loaded, sessions not loaded', 'without shared_preload_libraries it says so');
is(sql("SELECT wazo_auth.health() ->> 'status'"), 'degraded', 'the service is degraded');
ok(until_true(sub { status() == 200 }), 'HEAD /status is 200 all the same');

stop_front($front);
$node->stop('fast');
done_testing();
