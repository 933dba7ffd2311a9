# Backups as an operator makes them, restored on a bare cluster: the database
# alone, the whole cluster, a physical copy. And a restore without the sealing key.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use JSON ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $quiet = "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off";
my $dir = PostgreSQL::Test::Utils::tempdir_short();

# A cluster of its own, with nothing in it.
sub bare_node
{
	my ($name, $conf) = @_;
	my $node = new_node($name, "$quiet\n" . ($conf // ''));
	$node->start;
	return $node;
}

sub run_ok
{
	my ($what, @cmd) = @_;
	my ($out, $err) = ('', '');
	ok(IPC::Run::run(\@cmd, '<', \undef, '>', \$out, '2>', \$err), $what);
	is($err, '', "$what: without a word on stderr");
	return;
}

sub at { my ($node) = @_; return ('-h', $node->host, '-p', $node->port) }

# Over HTTP, as the role that the front has.
sub front_of
{
	my ($node) = @_;
	return start_front($node, 'asterisk', '--workers', 1, '--database', $node->connstr('asterisk') . ' user=wazo_auth_front');
}

my $source = bare_node('source');
add_database($source, 'asterisk');
$source->safe_psql('asterisk', <<'EOC');
ALTER ROLE wazo_auth_front LOGIN;
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', 'jane@example.org', authentication_method => 'native');
SELECT wazo_auth.add_user_policy(wazo_auth.resolve_login('jane'), uuid) FROM wazo_auth.policy WHERE slug = 'wazo_default_master_user_policy';
SELECT wazo_auth.set_ldap_config(wazo_auth.top_tenant_uuid(), '{"host": "h", "port": 389, "bind_dn": "cn=x", "bind_password": "hidden",
	"user_base_dn": "dc=org", "user_login_attribute": "uid", "user_email_attribute": "mail"}');
EOC
my $offline = '{"access_type": "offline", "client_id": "c", "expiration": 86400}';
my $front = front_of($source);
my $given = JSON::decode_json(call($front, 'POST', '/0.1/token', login => 'jane:secret', body => $offline)->{content})->{data};
my %auth = (headers => { 'X-Auth-Token' => $given->{token} });
my @lists = map { "/0.1/$_" } qw(users?recurse=true tenants groups policies sessions);
my @listed = map { call($front, 'GET', $_, %auth)->{content} } @lists;
stop_front($front);

sub check_service
{
	my ($node, $what) = @_;
	my $on = front_of($node);
	is(call($on, 'HEAD', "/0.1/token/$given->{token}")->{status}, 204, "$what: a token from before");
	is(call($on, 'HEAD', "/0.1/token/$given->{token}?scope=a.b.c")->{status}, 204, "$what: with its accesses");
	is(call($on, 'GET', $lists[$_], %auth)->{content}, $listed[$_], "$what: $lists[$_]") foreach 0 .. $#lists;
	is(call($on, 'POST', '/0.1/token', login => 'jane:secret', body => '{}')->{status}, 200, "$what: a login");
	is(call($on, 'POST', '/0.1/token', login => 'jane:wrong', body => '{}')->{status}, 401, "$what: and no other");
	is(call($on, 'POST', '/0.1/token', body => qq({"refresh_token": "$given->{refresh_token}", "client_id": "c"}))->{status}, 200, "$what: a refresh token");
	return $on;
}

sub check_sealed
{
	my ($node, $on, $what) = @_;
	like(call($on, 'POST', '/0.1/token', login => 'jane:secret', body => $offline)->{content}, qr/$given->{refresh_token}/, "$what: which can be shown again");
	is($node->safe_psql('asterisk', 'SELECT wazo_auth.unseal(sealed_bind_password, \'ldap:\' || tenant_uuid) FROM wazo_auth.ldap_config'), 'hidden', "$what: sealed values");
	return;
}

# ---- the database alone, as the stack's own backup saves it ----
run_ok('pg_dump', 'pg_dump', at($source), '-Fc', '-f', "$dir/asterisk.dump", 'asterisk');
run_ok('pg_dump, directory', 'pg_dump', at($source), '-Fd', '-f', "$dir/asterisk.dir", 'asterisk');
run_ok('pg_dumpall', 'pg_dumpall', at($source), '-f', "$dir/all.sql");
{
	my $bare = bare_node('bare');
	foreach my $from (qw(dump dir))
	{
		is($bare->safe_psql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'wazo\\_auth\\_%'"), '0', 'a cluster without the roles') if $from eq 'dump';
		run_ok("pg_restore -C, $from", 'pg_restore', at($bare), '-C', '-d', 'postgres', "$dir/asterisk.$from");
		# what the package does at its first start
		$bare->safe_psql('asterisk', 'ALTER ROLE wazo_auth_front LOGIN');
		my $on = check_service($bare, "pg_restore -C, $from");
		check_sealed($bare, $on, "pg_restore -C, $from");
		is($bare->safe_psql('asterisk', 'SELECT count(*) FROM wazo_auth.live_database'), '1', "pg_restore -C, $from: the front's start has said that it is the live one");
		stop_front($on);
		$bare->safe_psql('postgres', 'DROP DATABASE asterisk WITH (FORCE)');
	}
	$bare->stop('fast');
}

# ---- without the key, then with it ----
{
	my $file = "$dir/other.key";
	append_to_file($file, "other:" . 'A' x 43 . "=\n");
	chmod 0600, $file or die $!;
	my $bare = bare_node('keyless', "wazo_auth.secret_key_file = '$file'");
	run_ok('pg_restore -C, another key', 'pg_restore', at($bare), '-C', '-d', 'postgres', "$dir/asterisk.dump");
	$bare->safe_psql('asterisk', 'ALTER ROLE wazo_auth_front LOGIN');
	my $on = check_service($bare, 'without the key');
	my ($rc, $out, $err) = $bare->psql('asterisk', "SELECT wazo_auth.unseal(sealed_bind_password, 'ldap:' || tenant_uuid) FROM wazo_auth.ldap_config");
	like($err, qr/no key for this sealed value\nDETAIL:  It was sealed with the key "key1"\.\nHINT:  Put that key back/, 'without the key: a sealed value says which one it needs');
	is($bare->safe_psql('asterisk', 'SELECT DISTINCT key_id FROM wazo_auth.sealed_values()'), 'key1', 'without the key: so does the list');
	append_to_file($file, slurp_file($ENV{WAZO_AUTH_SECRET_KEY_FILE}));
	check_sealed($bare, $on, 'with the key put back');
	stop_front($on);
	$bare->stop('fast');
}

# ---- the whole cluster ----
{
	my $bare = bare_node('whole');
	my ($out, $err) = ('', '');
	# it makes the superuser again, who is there
	ok(IPC::Run::run([ 'psql', at($bare), '-Xq', '-d', 'postgres', '-f', "$dir/all.sql" ], '<', \undef, '>', \$out, '2>', \$err), 'pg_dumpall: restored');
	unlike($err =~ s/.*ERROR:  role "\w+" already exists\n//r, qr/ERROR/, 'pg_dumpall: without an error');
	my $on = check_service($bare, 'pg_dumpall');
	check_sealed($bare, $on, 'pg_dumpall');
	stop_front($on);
	$bare->stop('fast');
}

# ---- a physical copy ----
{
	$source->backup('base');
	my $copy = PostgreSQL::Test::Cluster->new('copy');
	$copy->init_from_backup($source, 'base');
	$source->stop('fast');
	$copy->start;
	my $on = check_service($copy, 'a physical copy');
	check_sealed($copy, $on, 'a physical copy');
	stop_front($on);
	$copy->stop('fast');
}
done_testing();
