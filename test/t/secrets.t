# Tokens, refresh tokens and passwords are nowhere in the data directory and in
# no log, however much is logged.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find ();
use JSON ();
use MIME::Base64 qw(encode_base64);
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('secrets', <<'EOC');
log_statement = 'all'
log_duration = on
log_min_duration_statement = 0
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_connections = on
shared_preload_libraries = 'wazo_auth, auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_verbose = on
auto_explain.log_triggers = on
auto_explain.log_analyze = on
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
debug_pretty_print = off
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
wal_level = logical
full_page_writes = on
track_activity_query_size = 16kB
EOC
$node->start;
add_database($node, 'app');

my %secret;    # what must not be found, by what it is
sub secret { my ($what, $value) = @_; $secret{$value} = $what; return $value }

# The administrator's password comes to the server as a hash, computed where
# nothing is logged: an administrator who types a password in psql writes it
# into the log himself.
my $password = secret('password', 'correct-horse-battery');
$node->safe_psql('app', <<"EOC");
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_duration = off;
SET log_min_error_statement = panic;
SET auto_explain.log_min_duration = -1;
SET debug_print_parse = off;
SET debug_print_rewritten = off;
SET debug_print_plan = off;
SELECT wazo_auth.bootstrap('admin', '$password');
EOC

my $front = start_front($node, 'app', '--workers', 1, '--log-level', 'debug');

# A login; remembers its token, and returns the answer.
sub login
{
	my ($what, $status, %opt) = @_;
	my $answer = call($front, 'POST', '/0.1/token', %opt);
	is($answer->{status}, $status, $what);
	return {} if $status != 200;
	my $data = JSON::decode_json($answer->{content})->{data};
	secret("token of: $what", $data->{token});
	secret("refresh token of: $what", $data->{refresh_token}) if $data->{refresh_token};
	return $data;
}

my $offline = '{"expiration": 3600, "access_type": "offline", "client_id": "phone"}';
my $online = login('online login', 200, login => "admin:$password", body => '{"expiration": 3600}');
my $first = login('offline login', 200, login => "admin:$password", body => $offline);
ok($first->{refresh_token}, 'it gives a refresh token');
my $again = login('offline login again', 200, login => "admin:$password", body => $offline);
is($again->{refresh_token}, $first->{refresh_token}, 'the same one');
login('mobile login', 200, login => "admin:$password", headers => { 'Wazo-Session-Type' => 'mobile' },
	body => '{"access_type": "offline", "client_id": "mobile"}');
my $refresh = '{"refresh_token": "%s", "client_id": "%s"}';
login('refresh login', 200, body => sprintf($refresh, $first->{refresh_token}, 'phone'));
login('refresh token of another client', 401, body => sprintf($refresh, $first->{refresh_token}, 'other'));
login('unknown refresh token', 401, body => sprintf($refresh, secret('unknown refresh token', '0c7e4d5e-3a39-4d5c-9a2e-0f4c7b9f4a11'), 'phone'));
login('wrong password', 401, login => 'admin:' . secret('wrong password', 'tr0ub4dor-and-3'), body => '{}');
login('unknown user', 401, login => 'nobody:' . secret('password of an unknown user', 'hunter2-hunter2'), body => '{}');
login('invalid body', 400, login => "admin:$password",
	body => '{"expiration": -1, "refresh_token": "' . secret('refresh token in an invalid body', 'c0ffee00-1111-4222-8333-444455556666') . '"}');
login('broken body', 400, login => "admin:$password",
	body => '{"refresh_token": "' . secret('refresh token in a broken body', 'deadbeef-1111-4222-8333-444455556666'));

# uses of a token, good and bad
my $token = $online->{token};
is(call($front, 'GET', "/0.1/token/$token")->{status}, 200, 'GET token');
is(call($front, 'HEAD', "/0.1/token/$token?scope=auth.users.read")->{status}, 204, 'HEAD token');
is(call($front, 'HEAD', "/0.1/token/$token?tenant=broken")->{status}, 403, 'HEAD token with a broken tenant');
is(call($front, 'POST', "/0.1/token/$token/scopes/check", body => '{"scopes": ["a.b"]}')->{status}, 200, 'scopes');
is(call($front, 'GET', '/0.1/backends', headers => { 'X-Auth-Token' => $token })->{status}, 200, 'a request with a token');
is(call($front, 'GET', $_)->{status}, 404, 'a token in a path that is not there')
	foreach "/api/auth/0.1/token/$token", "/0.1//token/$token", "/0.1/token/$token/nowhere", "/0.1/nowhere?token=$token";
is(call($front, 'GET', '/0.1/token/' . secret('unknown token', '5f3c9a70-58f2-4f4e-8a3b-9d0c55aa7711'))->{status}, 404, 'an unknown token');
is(call($front, 'DELETE', "/0.1/token/$again->{token}")->{status}, 200, 'logout');

# external accounts
my %auth = ('X-Auth-Token' => $token);
my $own = "/0.1/users/$online->{metadata}{uuid}/external/mobile";
my $config = '{"client_id": "i", "client_secret": "' . secret('client secret', 'cl1ent-staple-secret') . '"}';
my $device = '{"token": "' . secret('token of a device', 'd3vice-staple-token') . '"}';
is(call($front, 'POST', '/0.1/external/google/config', headers => \%auth, body => $config)->{status}, 201, 'a client secret');
is(call($front, 'PUT', '/0.1/external/google/config', headers => \%auth, body => $config)->{status}, 204, '... again');
is(call($front, 'PUT', '/0.1/external/none/config', headers => \%auth, body => $config)->{status}, 404, '... of no kind');
is(call($front, 'POST', $own, headers => \%auth, body => $device)->{status}, 201, 'a device');
is(call($front, 'POST', $own, headers => \%auth, body => $device)->{status}, 409, '... again');
is(call($front, 'POST', $own, headers => \%auth, body => $device =~ s/staple/staple-/r =~ s/"token"/"token": 1, "apns_token"/r)->{status}, 400, '... wrongly');
is(call($front, 'GET', $own, headers => \%auth)->{status}, 200, '... read');

# an error in the midst of a login
$node->safe_psql('app', q{
CREATE FUNCTION public.fails(agent text) RETURNS boolean LANGUAGE plpgsql AS
$$BEGIN IF agent = 'broken' THEN RAISE EXCEPTION 'no more'; END IF; RETURN true; END$$;
ALTER TABLE wazo_auth.session ADD CONSTRAINT no_more CHECK (public.fails(user_agent))});
login('an error of the database', 500, login => "admin:$password", headers => { 'User-Agent' => 'broken' }, body => $offline);
$node->safe_psql('app', 'ALTER TABLE wazo_auth.session DROP CONSTRAINT no_more');

# An administrator by SQL, whose secrets come out of a table, where they stand
# backwards: so neither his statement shows them, nor the table.
my %kept = (old => secret('password that an administrator sets', 'n3w-staple-battery'),
	new => secret('password that is changed to', 'ch4nged-staple-horse'), wrong => secret('wrong password in SQL', 'wr0ng-staple-sql'),
	smtp => secret('SMTP password', 'sm7p-relay-secret'), broker => secret('password of the broker', 'br0ker-s3cret-word'),
	external => secret('data of an external account', 'ext3rnal-staple-data'));
$node->safe_psql('app', 'CREATE TABLE public.kept (name text, value text)');
$node->safe_psql('app', "INSERT INTO public.kept VALUES ('$_', '" . reverse($kept{$_}) . "')") foreach sort keys %kept;
$node->safe_psql('app', <<'EOC');
CREATE ROLE dba LOGIN IN ROLE wazo_auth_admin;
CREATE ROLE typist LOGIN IN ROLE wazo_auth_admin;
GRANT SELECT ON public.kept TO dba;
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'person', purpose => 'user', uuid => '22222222-0000-4000-8000-000000000001');
EOC
my (undef, $out) = $node->psql('app', <<'EOC', extra_params => [ '-U', 'dba' ], on_error_stop => 0);
CREATE TEMP VIEW k AS SELECT name, reverse(value) AS value FROM public.kept OFFSET 0;
SELECT wazo_auth.set_password('22222222-0000-4000-8000-000000000001', value) FROM k WHERE name = 'old';
SELECT t.token FROM k, LATERAL wazo_auth.token_create('person', k.value) t WHERE name = 'old';
SELECT t.token FROM k, LATERAL wazo_auth.token_create('person', k.value) t WHERE name = 'wrong';
SELECT wazo_auth.change_password('22222222-0000-4000-8000-000000000001', o.value, n.value) FROM k o, k n WHERE o.name = 'wrong' AND n.name = 'new';
SELECT wazo_auth.change_password('22222222-0000-4000-8000-000000000001', o.value, n.value) FROM k o, k n WHERE o.name = 'old' AND n.name = 'new';
SELECT wazo_auth.set_password('22222222-0000-4000-8000-000000000009', value) FROM k WHERE name = 'old';
SELECT wazo_auth.create_user('22222222-0000-4000-8000-000000000009', 'x', value) FROM k WHERE name = 'old';
SELECT wazo_auth.bootstrap('admin', value) FROM k WHERE name = 'wrong';
SELECT wazo_auth.set_external_auth('22222222-0000-4000-8000-000000000001', 'google', to_jsonb(value)) IS NULL FROM k WHERE name = 'external';
SELECT wazo_auth.create_external_auth('22222222-0000-4000-8000-000000000001', 'google', to_jsonb(value)) FROM k WHERE name = 'external';
SELECT wazo_auth.update_external_auth('22222222-0000-4000-8000-000000000009', 'google', to_jsonb(value)) FROM k WHERE name = 'external';
SELECT wazo_auth.replace_external_auth_config('google', '22222222-0000-4000-8000-000000000009', to_jsonb(value)) FROM k WHERE name = 'external';
SELECT wazo_auth.configure(jsonb_build_object('smtp.password', value)) FROM k WHERE name = 'smtp';
SELECT wazo_auth.configure(jsonb_build_object('smtp.password', value, 'nothing', 1)) FROM k WHERE name = 'smtp';
SELECT wazo_auth.apply_configuration(jsonb_build_object('all_users_policies', '{"no_such_policy": true}'::jsonb, 'no_such_setting', 1,
  'smtp', jsonb_build_object('password', s.value), 'amqp', jsonb_build_object('uri', 'amqp://u:' || b.value || '@127.0.0.1:1/')))
FROM k s, k b WHERE s.name = 'smtp' AND b.name = 'broker';
SELECT wazo_auth.shown_configuration() -> 'amqp' ->> 'uri';
EOC
like($out, qr/^\*{8}$/m, 'the administrator has done his work');
$node->safe_psql('app', 'SELECT wazo_auth.configure(\'{"amqp": null, "smtp": null}\')');

# One who types them, with what docs/security.md advises: no error shows his statement.
$node->safe_psql('app', "ALTER ROLE typist SET $_") foreach 'log_statement = none', 'log_min_duration_statement = -1', 'log_duration = off',
	'auto_explain.log_min_duration = -1', 'debug_print_parse = off', 'debug_print_rewritten = off', 'debug_print_plan = off';
my $typed = secret('password that is typed', 'typed-staple-plain');
foreach my $statement ("set_password('22222222-0000-4000-8000-000000000009', '$typed')", "token_create('person', '$typed')",
	"change_password('22222222-0000-4000-8000-000000000001', '$typed', 'x')", "bootstrap('admin', '$typed')",
	"configure('{\"smtp.password\": \"$typed\", \"nothing\": 1}')", "configure('{\"smtp.port\": \"$typed\"}')",
	"apply_configuration('{\"amqp\": {\"uri\": \"$typed\"}}')",
	"create_user('22222222-0000-4000-8000-000000000009', 'x', '$typed')", "register_user('admin', '$typed', NULL, NULL, 'a\@b.example')")
{
	my ($rc) = $node->psql('app', "SELECT wazo_auth.$statement", extra_params => [ '-U', 'typist' ]);
	isnt($rc, 0, 'an error: ' . $statement =~ s/\(.*//r);
}
$node->psql('app', "SELECT wazo_auth.apply_configuration('{\"all_users_policies\": {\"no_such_policy\": true}, \"smtp\": {\"password\": \"$typed\"}}')",
	extra_params => [ '-U', 'typist' ]);

$node->safe_psql('app', 'CHECKPOINT; SELECT pg_switch_wal()');
stop_front($front);
$node->stop('fast');

sub bytes { return join(' ', unpack('c*', $_[0])) }

# The ways in which a secret may be written: as it is, as bytes of a uuid, in
# hexadecimal, in base64 as a part of Basic credentials.
my %pattern;
foreach my $value (keys %secret)
{
	my $what = $secret{$value};
	# as it is, in hexadecimal, and as the bytes of a constant in a plan that is printed
	my @forms = ($value, unpack('H*', $value), bytes($value));
	if ($value =~ /^[0-9a-f]{8}-/)
	{
		(my $hex = $value) =~ tr/-//d;
		push @forms, $hex, pack('H*', $hex), uc $value, bytes(pack('H*', $hex));
	}
	push @forms, encode_base64("$_:$value", '') for 'admin', 'nobody';
	$pattern{$_} = $what for @forms;
}
cmp_ok(scalar keys %secret, '>=', 12, 'there are secrets to look for');
my $any = join('|', map { quotemeta } sort keys %pattern);
$any = qr/($any)/;

sub found_in
{
	my ($file) = @_;
	open(my $in, '<:raw', $file) or die "$file: $!";
	local $/;
	my $text = <$in> // '';
	my %found;
	$found{ $pattern{$1} } = 1 while $text =~ /$any/g;
	return map { "$_ in $file" } sort keys %found;
}

# the search finds what is there
my $probe = $node->basedir . '/probe';
append_to_file($probe, 'x' . pack('H*', $token =~ tr/-//dr) . "y$password");
is(scalar(found_in($probe)), 2, 'the search can find');
unlink $probe;

my @files;
File::Find::find({ no_chdir => 1, wanted => sub { push @files, $_ if -f } }, $node->data_dir);
cmp_ok(scalar(grep { m{/pg_wal/[0-9A-F]{24}$} } @files), '>=', 1, 'the write-ahead log is searched');
cmp_ok(scalar(grep { m{/base/\d+/\d+$} } @files), '>=', 100, 'and the tables');
is(join("\n", map { found_in($_) } @files), '', 'no secret in the data directory');
my $log = slurp_file($node->logfile);
like($log, qr/wazo_auth\.http/, 'the log of the server has the calls');
like($log, qr/no_more/, 'and the error');
ok(index($log, $_) >= 0, "and $_") foreach 'no_such_policy', 'no_such_setting', 'Output: wazo_auth.http($1', 'Output: wazo_auth.set_password(', 'TARGETENTRY';
is(join("\n", found_in($node->logfile)), '', 'but no secret');
like(slurp_file($front->{log}), qr/token/, 'the log of the front has the requests');
is(join("\n", found_in($front->{log})), '', 'but no secret');

done_testing();
