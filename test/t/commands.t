# The commands beside the server: what they make in a database, what they say, and how they end.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;
use WazoNode;

my $build = "$FindBin::RealBin/../../build";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('commands', "log_statement = 'all'\nlog_min_messages = debug1\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0");
$node->start;
my ($host, $port) = ($node->host, $node->port);

# Runs a command. Returns its exit status and what it wrote.
sub run_command_of
{
	my ($name, @arguments) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		open(STDERR, '>&', \*STDOUT);
		exec("$build/wazo-auth-$name", @arguments) or POSIX::_exit(127);
	}
	local $/;
	my $text = <$out> // '';
	close $out;
	return ($? >> 8, $text);
}

sub is_run
{
	my ($what, $status, $text, $name, @arguments) = @_;
	my ($got, $said) = run_command_of($name, @arguments);
	is($got, $status, "$what: exit status $status") or diag($said);
	return like($said, $text, '... and what it says');
}

sub uri { my ($user, $database) = @_; return "postgresql://$user\@/$database?host=$host&port=$port" }

# ---- init-db ----
my @init = ('--pg_db_uri', uri('postgres', 'postgres'), '--auth_db_uri', uri('postgres', 'phones'), '--db', 'phones', '--owner', 'operator',
	'--password', 'init-s3cret');
is_run('init-db', 0, qr/^$/, 'init-db', @init);
is($node->safe_psql('phones', q{SELECT pg_get_userbyid(datdba) || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()}), 'operatorUTF8', 'the database belongs to its owner');
is($node->safe_psql('phones', q{SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'}), 'pg_trgm,uuid-ossp,wazo_auth', 'the extensions are there');
is($node->safe_psql('phones', q{SELECT rolpassword LIKE 'SCRAM-SHA-256$%' AND rolcanlogin AND NOT rolsuper FROM pg_authid WHERE rolname = 'operator'}), 't', 'its role logs in by a password');
my $verifier = $node->safe_psql('phones', q{SELECT rolpassword FROM pg_authid WHERE rolname = 'operator'});
is_run('init-db again', 0, qr/^$/, 'init-db', @init[0 .. 7], '--password', 'another');
is($node->safe_psql('phones', q{SELECT rolpassword FROM pg_authid WHERE rolname = 'operator'}), $verifier, '... leaves the password');
is_run('init-db without a server', 1, qr/^wazo-auth-init-db: cannot connect to the database: .*\n\z/, 'init-db', '--pg_db_uri', "postgresql://postgres\@/postgres?host=$dir");
is_run('init-db as nobody there is', 1, qr/there is no user "nobody-at-all"/, 'init-db', '--user', 'nobody-at-all');
is_run('init-db of a wrong option', 2, qr/unrecognized option/, 'init-db', '--nonsense');
is_run('init-db --help', 0, qr/--auth_db_uri/, 'init-db', '--help');

# ---- bootstrap initial-user ----
my @login = ('--uri', uri('operator', 'phones'));
is_run('initial-user', 0, qr/^$/, 'bootstrap', 'initial-user', @login, '--username', 'boss', '--password', 'boss-s3cret');
is($node->safe_psql('phones', q{SELECT u.purpose || ' ' || u.authentication_method || ' ' || wazo_auth.user_acl(u.uuid) || ' ' ||
	(u.tenant_uuid = wazo_auth.top_tenant_uuid()) FROM wazo_auth.user u WHERE u.username = 'boss'}), 'internal native {#} true', '... an administrator of the top tenant');
is_run('initial-user again', 0, qr/^$/, 'bootstrap', 'initial-user', @login, '--username', 'boss', '--password', 'boss-s3cret');
is_run('initial-user with another password', 1, qr/^wazo-auth-bootstrap: the user "boss" exists and has another password\. Use its .*\n\z/,
	'bootstrap', 'initial-user', @login, '--username', 'boss', '--password', 'x');
{
	local @ENV{qw(WAZO_AUTH_BOOTSTRAP_URI WAZO_AUTH_BOOTSTRAP_USERNAME WAZO_AUTH_BOOTSTRAP_PASSWORD WAZO_AUTH_BOOTSTRAP_PURPOSE)} =
	  (uri('operator', 'phones'), 'by-env', 'env-s3cret', 'external_api');
	is_run('initial-user by the environment', 0, qr/^$/, 'bootstrap', 'initial-user');
	is_run('initial-user with an unknown policy', 1, qr/the top tenant has no policy with the slug "none"/, 'bootstrap', 'initial-user', '--username', 'x', '--policy-slug', 'none');
}
is($node->safe_psql('phones', q{SELECT purpose FROM wazo_auth.user WHERE username = 'by-env'}), 'external_api', '... takes all from there');
is_run('initial-user with a random password', 0, qr/^$/, 'bootstrap', 'initial-user', @login);
is($node->safe_psql('phones', q{SELECT count(*) FROM wazo_auth.user WHERE username = 'wazo-auth-cli'}), '1', '... is wazo-auth-cli');
is_run('bootstrap', 0, qr/initial-user/, 'bootstrap');
is_run('bootstrap setup', 0, qr/nothing to set up/, 'bootstrap', 'setup');
is_run('bootstrap nonsense', 2, qr/initial-user/, 'bootstrap', 'nonsense');
is_run('initial-user of a wrong option', 2, qr/unrecognized option/, 'bootstrap', 'initial-user', '--nonsense');
is_run('initial-user without a server', 1, qr/^wazo-auth-bootstrap: cannot connect to the database: [^\n]*\n\z/, 'bootstrap', 'initial-user', '--uri', "postgresql://u:s3cret\@/d?host=$dir");
is_run('initial-user with a broken URI', 1, qr/^wazo-auth-bootstrap: cannot read the connection string\n\z/, 'bootstrap', 'initial-user', '--uri', 'postgresql://u:s3cret@[/d');
unlike(slurp_file($node->logfile), qr/s3cret/, 'no password is in the log of a server that logs all statements');

# An argument can be read by everybody: it does not stay one.
{
	my $held = $node->background_psql('phones');
	$held->query_safe('BEGIN; LOCK TABLE wazo_auth.tenant IN ACCESS EXCLUSIVE MODE');
	my $pid = fork() // die "fork: $!";
	exec("$build/wazo-auth-bootstrap", 'initial-user', @login, '--username', 'boss', '--password', 'title-s3cret') or POSIX::_exit(127) if $pid == 0;
	ok($node->poll_query_until('phones', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'wazo-auth-bootstrap')}), 'while a command works');
	unlike(slurp_file("/proc/$pid/cmdline"), qr/s3cret/, '... its password is not among its arguments');
	$held->query_safe('ROLLBACK');
	$held->quit;
	waitpid($pid, 0);
}

# ---- a new password for an administrator ----
is($node->safe_psql('phones', q{SET ROLE operator; SELECT (wazo_auth.token_create('boss', 'boss-s3cret')).token IS NOT NULL}), 't', 'a session of an administrator');
$node->safe_psql('phones', q{SELECT wazo_auth.tick()});
$node->safe_psql('phones', q{TRUNCATE wazo_auth.event_outbox});
$node->safe_psql('phones', q{SET ROLE operator; SELECT wazo_auth.reset_administrator('boss', 'new'), wazo_auth.reset_administrator('second', 'two')});
is($node->safe_psql('phones', q{SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.user u ON u.uuid = s.user_uuid WHERE u.username = 'boss'}), '0', '... ends with its password');
is($node->safe_psql('phones', q{SELECT count(*) FROM wazo_auth.event_outbox}), '0', '... without an event');
is($node->safe_psql('phones', q{SET ROLE operator; SELECT count((wazo_auth.token_create(v.u, v.p)).token) FROM (VALUES ('boss', 'new'), ('second', 'two')) v (u, p)}), '2', '... and logs in by the new one, as does one that was not there');

# ---- upgrade-db ----
sub config { open(my $f, '>', "$dir/config.yml") or die $!; print $f "extra_config_files: $dir/none\n", @_; close $f; return ('-c', "$dir/config.yml") }
is_run('upgrade-db with nothing to do', 0, qr/^$/, 'upgrade-db', config("db_uri: '" . uri('operator', 'phones') . "'\n"), '--user', 'x', '-d');
$node->safe_psql('postgres', 'CREATE DATABASE fresh OWNER operator TEMPLATE template0');
is_run('upgrade-db by a role that may not', 1, qr/the role "operator" may not change the extension; .* psql .*fresh\n\z/, 'upgrade-db', config("db_uri: '" . uri('operator', 'fresh') . "'\n"));
{
	local $ENV{ALEMBIC_DB_URI} = uri('postgres', 'fresh');
	is_run('upgrade-db where there is no extension', 0, qr/^$/, 'upgrade-db', config("db_uri: '" . uri('operator', 'nowhere') . "'\n"));
}
is($node->safe_psql('fresh', q{SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'wazo_auth') FROM pg_extension WHERE extname = 'wazo_auth'}), 't', '... makes it');
is_run('upgrade-db of a wrong option', 2, qr/unrecognized option/, 'upgrade-db', '--nonsense');
is_run('upgrade-db of a broken file', 1, qr/^wazo-auth-upgrade-db: .*config\.yml, line \d+: /, 'upgrade-db', config("a: [\n"));

# ---- wait ----
my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die $!;
is_run('wait for a port', 0, qr/^$/, 'wait', config("rest_api: {port: @{[$socket->sockport]}}\n"));

# ---- every option of the commands is in their manual pages ----
foreach my $name (qw(bootstrap init-db upgrade-db))
{
	my ($status, $help) = run_command_of($name, '--help');
	my $page = slurp_file("$FindBin::RealBin/../../docs/man/wazo-auth-$name.1") =~ s/\\-/-/gr;
	is(join(' ', grep { $_ ne '--help' && $page !~ /\Q$_\E/ && !($name eq 'upgrade-db' && $_ eq '--config-file') } $help =~ /(--[a-z_-]+)/g), '', "wazo-auth-$name(1) has all options");
}

done_testing();
