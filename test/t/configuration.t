# The configuration files, from the front's start to the database: what is joined, refused, handed over and applied.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Utils;
use Test::More;
use WazoNode;

my $binary = $ENV{WAZO_AUTH_FRONT} // "$FindBin::RealBin/../../build/wazo-auth";
my $node = new_node('configuration', "log_statement = 'all'\nlog_min_messages = debug1\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0");
$node->start;
add_database($node, 'app');
$node->safe_psql('postgres', q{CREATE ROLE asterisk LOGIN IN ROLE wazo_auth_front, wazo_auth_admin;
	CREATE ROLE humble LOGIN IN ROLE wazo_auth_front});
sub sql { return $node->safe_psql('app', $_[0]) }

my $dir = PostgreSQL::Test::Utils::tempdir();
mkdir "$dir/conf.d";

# Writes a file of the configuration, or takes it away.
sub put
{
	my ($name, $text) = @_;
	return unlink "$dir/$name" if !defined $text;
	open(my $f, '>', "$dir/$name") or die "$name: $!";
	print $f $text;
	close $f;
}

my $port = PostgreSQL::Test::Cluster::get_free_port();

sub main_file
{
	my ($role, $more) = @_;
	put('config.yml', <<"YAML" . ($more // ''));
extra_config_files: $dir/conf.d
user: ''
log_level: debug
db_uri: postgresql://$role:pg-s3cret\@/app?host=${\$node->host}&port=${\$node->port}
rest_api: {port: $port, listen: 127.0.0.1}
front: {workers: 1}
YAML
}

# Starts the front by the files. Returns a hash as WazoNode does, plus "log".
my @fronts;
sub start
{
	my (@options) = @_;
	my $front = { url => "http://127.0.0.1:$port", log => "$dir/front" . @fronts . '.log' };
	# there before anybody reads it
	open(my $log, '>', $front->{log}) or die "$front->{log}: $!";
	$front->{pid} = fork() // die "fork: $!";
	if ($front->{pid} == 0)
	{
		POSIX::setpgid(0, 0);
		open(STDOUT, '>&', $log);
		open(STDERR, '>&', \*STDOUT);
		exec($binary, '-c', "$dir/config.yml", @options) or POSIX::_exit(127);
	}
	push @fronts, $front;
	return $front;
}

# ... and waits until it serves.
sub serve
{
	my $front = start(@_);
	until_true(sub {
		die 'the front ended: ' . slurp_file($front->{log}) if waitpid($front->{pid}, POSIX::WNOHANG) == $front->{pid};
		return call($front, 'HEAD', '/0.1/status')->{status} == 200;
	}, 60) or die 'the front does not start: ' . slurp_file($front->{log});
	return $front;
}

sub stop
{
	my ($front) = @_;
	kill 'TERM', $front->{pid};
	waitpid($front->{pid}, 0);
	return $?;
}

# Runs the front to its end. Returns its exit status and what it wrote.
sub run_front
{
	my $front = start(@_);
	waitpid($front->{pid}, 0);
	return ($? >> 8, slurp_file($front->{log}));
}
END { local $?; kill 'KILL', map { $_->{pid} } grep { kill 0, $_->{pid} } @fronts }

# ---- what the files say is there with the first answer ----
main_file('asterisk', <<'YAML');
default_token_lifetime: 60
default_token_lifetme: 61
amqp: {uri: 'amqp://bus:amqp-s3cret@127.0.0.1:1/'}
purpose_metadata_mapping: {user: [user_admin_status]}
consul: {token: consul-s3cret, host: c}
bootstrap_user_password: boot-s3cret
all_users_policies: {base: true, more: true}
default_policies: {base: {acl: [main.b]}, gone: {acl: [g]}}
tenant_default_groups: {staff: {policies: {base: true}}}
max_user_concurrent_sessions: 7
YAML
put('conf.d/50-policies.yml', "default_policies: {base: {acl: [b.50, b.51], description: fifty}, more: {acl: [m]}}\nmax_user_concurrent_sessions: 5\n");
put('conf.d/10-own.yml', "default_policies: {base: {acl: [a.10], description: ten}}\nmax_user_concurrent_sessions: 3\n");
my $tenant = sql(q{SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'below', 'below')});
sql(q{SELECT wazo_auth.configure('{"password_reset_expiration": 77, "mail_interval": 9}')});
my $front = serve();
is(sql(q{SELECT string_agg(p.slug || ' ' || p.acl::text || ' ' || p.description, '; ' ORDER BY p.slug) FROM wazo_auth.policy p WHERE p.config_managed}),
	'base {a.10,b.50,b.51,main.b} ten; gone {g} Automatically created; more {m} Automatically created', 'policies, with the lists of all files');
is(sql(q{SELECT concat_ws(' ', wazo_auth.get_setting('max_user_concurrent_sessions'), wazo_auth.get_setting('default_token_lifetime'))}), '3 60', 'the first file by name counts');
is(sql(qq{SELECT string_agg(g.name, ',' ORDER BY g.name) FROM wazo_auth.group g WHERE g.tenant_uuid = '$tenant' AND NOT g.system_managed}), 'staff', 'groups of every tenant');
is(sql(qq{SELECT string_agg(p.slug, ',' ORDER BY p.slug) FROM wazo_auth.group g JOIN wazo_auth.group_policy gp ON gp.group_uuid = g.uuid
	JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid WHERE g.tenant_uuid = '$tenant' AND g.system_managed}), 'base,more', 'policies of all users');
my $log = slurp_file($front->{log});
like($log, qr/warning: \Q$dir\E\/config\.yml, line 8: "default_token_lifetme" is not a setting of wazo-auth; perhaps you mean "default_token_lifetime"/, 'an unknown name is told with its place');
like($log, qr/info: the database is configured/, 'and that it was done');
is(sql(q{SELECT wazo_auth.secret_setting('amqp', 'uri')}), 'amqp://bus:amqp-s3cret@127.0.0.1:1/', "the database's secret is there, sealed");
my @pids = ($front->{pid}, split(/ /, slurp_file("/proc/$front->{pid}/task/$front->{pid}/children")));
unlike(join('', map { slurp_file("/proc/$_/cmdline") } @pids), qr/s3cret/, 'no secret in a title');
unlike($log, qr/s3cret/, "nor in the front's log");
unlike(slurp_file($node->logfile), qr/s3cret/, "nor in the server's, which logs all statements");
is(sql(q{SELECT count(*) FROM wazo_auth.setting WHERE value::text ~ 's3cret'}), '0', 'nor in a table');
is(sql(q{SELECT value FROM wazo_auth.setting WHERE name = 'consul'}), '{"host": "c"}', 'what the database has no use for is not handed over');
is(stop($front), 0, 'it ends');

# ---- the next start: what is gone from the files has its default again ----
put('conf.d/50-policies.yml', undef);
main_file('asterisk', "default_policies: {base: {acl: [main.b]}}\n");
my @four = map { $port = PostgreSQL::Test::Cluster::get_free_port(); start('--listen-port', $port) } 1 .. 4;
is(scalar(grep { my $f = $_; until_true(sub { slurp_file($f->{log}) =~ /the database is configured/ }, 60) } @four), 4, 'four fronts start at once');
is(sql(q{SELECT string_agg(p.slug, ',' ORDER BY p.slug) FROM wazo_auth.policy p WHERE p.config_managed AND p.slug IN ('gone', 'more')}), '', 'policies that are in no file any more are gone');
is(sql(q{SELECT concat_ws(' ', wazo_auth.get_setting('default_token_lifetime'), COALESCE(wazo_auth.get_setting('amqp') ->> 'sealed_uri', 'none'))}), '7200 none', 'so are settings');
is(sql(q{SELECT concat_ws(' ', wazo_auth.get_setting('password_reset_expiration'), wazo_auth.get_setting('mail_interval'))}), '77 9', 'what was set by SQL stays');
stop($_) for @four;

# ---- values that are refused ----
my $before = sql('SELECT string_agg(s::text, chr(10) ORDER BY s.name) FROM wazo_auth.setting s');
my ($status, $text);
foreach my $case (
	[ "smtp:\n  hostname: h\n  tls: tsl\n", qr/config\.yml, line 9: setting "smtp\.tls" must be one of none, starttls, tls$/m, 'by the database' ],
	[ "smtp:\n  port: [25]\n", qr/error: \S*config\.yml, line 8: "smtp\.port" must be a whole number and not a list$/m, 'by its type' ],
	[ "log_level: loud\n", qr/error: \S*config\.yml, line 7: log level must be/m, 'by the front' ],
	[ "rest_api: [\n", qr/error: \S*config\.yml, line \d+: /m, 'since it is no YAML' ])
{
	main_file('asterisk', $case->[0]);
	($status, $text) = run_front('--listen-port', PostgreSQL::Test::Cluster::get_free_port());
	is($status, 1, "a file is refused $case->[2]");
	like($text, $case->[1], '... with its place');
}
is(sql('SELECT string_agg(s::text, chr(10) ORDER BY s.name) FROM wazo_auth.setting s'), $before, 'and nothing has changed');

# ---- --check-config ----
main_file('asterisk', "rest_api: {port: 1}\nsmtp: {port: x}\nzz: 1\n");
($status, $text) = run_front('--check-config');
is($status, 1, '--check-config of a bad one');
like($text, qr/error: .*line 8: "smtp\.port" must be a whole number and not a text\n/, '... tells errors');
like($text, qr/warning: .*line 9: "zz" is not a setting/, '... and warnings');
main_file('asterisk', "service_discovery: {enabled: false}\n");
($status, $text) = run_front('--check-config');
is($status, 0, '... of a good one');
like($text, qr/note: .*line 7: "service_discovery\.enabled" has no effect here\nthe configuration is good\n\z/, '... tells what has no effect');

# ---- a front that may not configure ----
$port = PostgreSQL::Test::Cluster::get_free_port();
main_file('humble', "default_token_lifetime: 99\n");
$front = serve();
until_true(sub { slurp_file($front->{log}) =~ /may not configure/ }, 60);
like(slurp_file($front->{log}), qr/warning: the role of this front may not configure the database, which keeps the settings that it has: .*A member of wazo_auth_admin may/, 'it says so');
is(call($front, 'HEAD', '/0.1/status')->{status}, 200, 'and serves');
is(sql(q{SELECT wazo_auth.get_setting('default_token_lifetime')}), '7200', '... with the settings that are there');
stop($front);

# ---- the command line wins; the platform's identity ----
main_file('asterisk', "log_level: error\nuser: nobody-at-all\n");
put('config.yml', slurp_file("$dir/config.yml") =~ s/^log_level: debug\n|^user: ''\n//mgr);
$ENV{XIVO_UUID} = 'the-platform';
$front = serve('--user', '', '--log-level', 'debug');
like(slurp_file($front->{log}), qr/debug: worker 1 starts/, 'the command line counts more than a file');
is(sql(q{SELECT wazo_auth.get_setting('uuid')}), '"the-platform"', 'XIVO_UUID is the uuid');
stop($front);
delete $ENV{XIVO_UUID};

# ---- a database that comes later ----
main_file('asterisk', "default_token_lifetime: 123\n");
$node->stop;
$front = start();
ok(until_true(sub { call($front, 'HEAD', '/0.1/status')->{status} == 503 }, 60), 'without its database it answers 503');
$node->start;
ok(until_true(sub { slurp_file($front->{log}) =~ /the database is configured/ }, 60), 'when that is there it is configured');
is(sql(q{SELECT wazo_auth.get_setting('default_token_lifetime')}), '123', '... by the files');
is(() = slurp_file($front->{log}) =~ /cannot be configured yet/g, 1, '... and told once that it had to wait');
stop($front);

done_testing();
