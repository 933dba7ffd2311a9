# Rotation of sealing keys: every kind of sealed value, in batches, ended in the
# middle, with logins going on; and what is said where a key is missing.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use JSON ();
use MIME::Base64 qw(encode_base64);
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $file = "$dir/secret.key";

# Replaces the key file as an operator would: a new file, renamed. Keys by their ids, the current one first.
sub write_keys
{
	my (@ids) = @_;
	open(my $out, '>', "$file.new") or die "$file.new: $!";
	chmod 0600, "$file.new" or die $!;
	print $out map { "$_:" . encode_base64(substr($_ x 32, 0, 32), '') . "\n" } @ids;
	close $out or die $!;
	rename "$file.new", $file or die $!;
	return;
}
write_keys('old');

my $node = new_node('rotation', "wazo_auth.secret_key_file = '$file'\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$node->start;
add_database($node, 'app');

sub sql { return scalar $node->safe_psql('app', $_[0]) }

sub error_of
{
	my ($query) = @_;
	my ($rc, $out, $err) = $node->psql('app', $query);
	return $rc ? $err : "no error but $out";
}

# ---- the registry has every column that can hold a sealed value ----
# Bytes that are not sealed; whoever adds a column of bytes decides here which it is.
my @plain = ('wazo_auth.known_password.digests', 'wazo_auth.oauth2_pending.state_digest', 'wazo_auth.saml_replay.digest');
my $columns = q{SELECT c.oid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
	JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
	WHERE a.attnum > 0 AND NOT a.attisdropped AND (a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype) OR a.attname LIKE 'sealed%') ORDER BY 1};
my %registered = map { $_ => 1 } split /\n/, sql("SELECT relation || '.' || column_name FROM wazo_auth.sealed_columns()");
cmp_ok(scalar keys %registered, '>=', 5, 'there are columns of sealed values');
is(join(' ', grep { my $c = $_; !$registered{$c} && !grep { $_ eq $c } @plain } split /\n/, sql($columns)), '',
	'wazo_auth.sealed_columns() has every column of sealed values');
is(join(' ', split /\n/, sql("SELECT relation || '.' || column_name FROM wazo_auth.sealed_columns() EXCEPT ($columns)")), '', 'and no others');

# ---- a value of each kind ----
sql(<<'EOC');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'user' || i, 'secret', authentication_method => 'native') FROM generate_series(1, 3) i;
SELECT wazo_auth.configure('{"amqp.uri": "amqp://somebody:hidden@127.0.0.1:1/"}');
SELECT wazo_auth.set_ldap_config(wazo_auth.top_tenant_uuid(), '{"host": "h", "port": 389, "bind_dn": "cn=x", "bind_password": "hidden",
	"user_base_dn": "dc=org", "user_login_attribute": "uid", "user_email_attribute": "mail"}');
INSERT INTO wazo_auth.mail_outbox (kind, addressed_by, addressee, hostname, recipient, token_digest, sealed_message)
	SELECT 'password_reset', 'username', 'user1', 'h', 'a@example.org', gen_random_uuid(), '';
UPDATE wazo_auth.mail_outbox SET sealed_message = wazo_auth.seal('{"a": "hidden"}', 'mail:' || id);
SELECT wazo_auth.create_external_auth_config('google', wazo_auth.top_tenant_uuid(), '{"client_secret": "hidden"}');
INSERT INTO wazo_auth.external_auth_data SELECT uuid, 'google', wazo_auth.seal_external_auth(uuid, 'google', '{"access_token": "hidden"}')
	FROM wazo_auth.user WHERE username = 'user1';
INSERT INTO wazo_auth.oauth2_pending (state_digest, user_uuid, type, sealed_flow, relayed, sealed_message, expires_at)
	SELECT d, uuid, 'google', wazo_auth.seal('{"verifier": "hidden"}', 'oauth2_flow:' || encode(d, 'hex')), false,
		wazo_auth.seal('{"code": "hidden"}', 'oauth2_message:' || encode(d, 'hex')), now() + interval '1 hour'
	FROM wazo_auth.user, sha256('state') d WHERE username = 'user1';
INSERT INTO wazo_auth.saml_key SELECT t, true, 'certificate', wazo_auth.seal('hidden', 'saml:' || t) FROM wazo_auth.top_tenant_uuid() t;
EOC
my $front = start_front($node, 'app', '--workers', 1);
my $offline = '{"access_type": "offline", "client_id": "c"}';
my %refresh = map { $_ => JSON::decode_json(call($front, 'POST', '/0.1/token', login => "user$_:secret", body => $offline)->{content})->{data}{refresh_token} } 1 .. 3;
sql("INSERT INTO wazo_auth.refresh_token (token_digest, sealed_token, user_uuid, client_id, login)
	SELECT wazo_auth.token_digest(t), wazo_auth.seal(t::text, 'refresh_token:' || wazo_auth.token_digest(t)), u.uuid, 'c' || t, 'x'
	FROM wazo_auth.user u, (SELECT gen_random_uuid() AS t FROM generate_series(1, 200)) t WHERE u.username = 'user1'");
is(sql('SELECT count(*) FROM wazo_auth.sealed_columns() c WHERE NOT EXISTS (SELECT FROM wazo_auth.sealed_values() v
	WHERE v.place = c.relation || \'.\' || c.column_name)'), '0', 'there is a sealed value in every one of them');
is(sql('SELECT count(*) FROM wazo_auth.sealed_settings()'), '1', 'and among the settings');

# every sealed value, opened
sub opened
{
	my @out;
	foreach my $column (split /\n/, sql('SELECT relation, column_name, context FROM wazo_auth.sealed_columns()'))
	{
		my ($relation, $name, $context) = split /\|/, $column, 3;
		push @out, sql("SELECT string_agg(wazo_auth.unseal($name, $context), ' ' ORDER BY ($context) COLLATE \"C\") FROM $relation");
	}
	return join "\n", @out, sql("SELECT wazo_auth.secret_setting('amqp', 'uri')");
}
my $opened = opened();
like($opened, qr/hidden.*hidden/s, 'they can be opened');
my $total = sql('SELECT sum(number) FROM wazo_auth.sealed_values()');

# ---- the rotation, ended in the middle ----
write_keys('new', 'old');
is(sql('SELECT string_agg(DISTINCT key_id, \' \') FROM wazo_auth.sealed_values()'), 'old', 'a new key changes nothing by itself');
{
	# a row that somebody holds stops it when some are done
	my $holder = $node->background_psql('app');
	$holder->query_safe("BEGIN; SELECT FROM wazo_auth.ldap_config FOR UPDATE");
	my $rotation = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app'), '-c', 'CALL wazo_auth.rotate_key(7)' ], '<', \undef, '>', \my $o, '2>', \my $e);
	until_is($node, 'app', "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL wazo_auth.rotate_key%' AND wait_event_type = 'Lock'", '1', 'it waits for who holds a value', 180);
	is(sql("SELECT count(*) FROM (SELECT key_id FROM wazo_auth.sealed_values() GROUP BY 1) k"), '2', 'others see how far it is: both keys are in use');
	is(call($front, 'POST', '/0.1/token', login => 'user2:secret', body => $offline)->{status}, 200, 'a login in the meantime');
	like(call($front, 'POST', '/0.1/token', login => 'user2:secret', body => $offline)->{content}, qr/"refresh_token": "@{[ $refresh{2} ]}"/, 'that shows a refresh token');
	is(opened(), $opened, 'everything can be opened');
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL wazo_auth.rotate_key%'");
	$rotation->finish;
	$holder->query_safe('COMMIT');
	$holder->quit;
}
cmp_ok(sql("SELECT sum(number) FROM wazo_auth.sealed_values() WHERE key_id = 'old'"), '>', 0, 'ended in the middle, it is not done');
my ($rc, $out, $err) = $node->psql('app', 'CALL wazo_auth.rotate_key(50)');
is($rc, 0, 'the next run completes') or diag $err;
like($err, qr/NOTICE:  sealed \d+ values anew/, 'and tells of each batch');
is(sql('SELECT string_agg(DISTINCT key_id, \' \'), sum(number) FROM wazo_auth.sealed_values()'), "new|$total", 'all values have the new key');
($rc, $out, $err) = $node->psql('app', 'CALL wazo_auth.rotate_key()');
is($err, '', 'once more there is nothing to do');
write_keys('new');
is(opened(), $opened, 'the old key is not needed any more');
like(error_of('CALL wazo_auth.rotate_key(0)'), qr/a batch is at least one value/, 'a batch of nothing');

# ---- as docs/backup.md says ----
{
	my ($commands) = slurp_file("$FindBin::Bin/../../docs/backup.md") =~ /^### Changing it\n.*?```sh\n(.*?)```/ms;
	local @ENV{qw(PGHOST PGPORT KEY_FILE DATABASE)} = ($node->host, $node->port, $file, 'app');
	is(system('bash', '-e', '-c', "{ $commands } 2>/dev/null"), 0, 'the commands of the documentation');
	is(sql('SELECT string_agg(DISTINCT key_id, \' \') FROM wazo_auth.sealed_values()'), 'key2', 'change the key');
	is(opened(), $opened, 'and lose nothing');
}

# ---- without the key ----
write_keys('other');
is(call($front, 'POST', '/0.1/token', login => 'user3:secret', body => '{}')->{status}, 200, 'without the key: a login');
is(call($front, 'POST', '/0.1/token', body => qq({"refresh_token": "$refresh{3}", "client_id": "c"}))->{status}, 200, 'without the key: a refresh token');
like(error_of("SELECT wazo_auth.secret_setting('amqp', 'uri')"), qr/no key for this sealed value.*"key2"/s, 'a sealed value says which key it needs');
like(error_of('CALL wazo_auth.rotate_key()'), qr/no key for this sealed value.*"key2"/s, 'and so does a rotation');
is(sql('SELECT string_agg(DISTINCT key_id, \' \') FROM wazo_auth.sealed_values()'), 'key2', 'which can be asked');
stop_front($front);
$node->stop('fast');
done_testing();
