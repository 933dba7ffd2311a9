# Logins against a directory: a real slapd, in both modes and with TLS, and
# servers that misbehave (contract: ldap.md).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use IPC::Run ();
use JSON ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use WazoLdap;
use WazoNode;
use WazoPort;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $people = $WazoLdap::people;
my $ldap = WazoLdap->new(abs_path(PostgreSQL::Test::Utils::tempdir()) . '/ldap');
my $node = new_node('ldap', "wazo_auth.ldap_ca_file = '$ldap->{ca_file}'\nlog_statement = none\nwazo_auth.ldap_login_timeout = '60s'\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
my $north = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'North', 'north', domain_names => '{north.example.com}')");
my $south = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'South', 'south', domain_names => '{south.example.com}')");
my %user;
$user{$_} = sql("SELECT wazo_auth.create_user('$north', '$_', 'native-$_', '$_\@wazo-auth.com', authentication_method => 'ldap')")
  foreach qw(awonderland bobafett cheshirecat whitequeen twin);
sql("SELECT wazo_auth.create_user('$north', 'native', 'native', authentication_method => 'native')");
my $front = start_front($node, 'app', '--workers', 1, '--num-proxies', 1);

my %base = (host => '127.0.0.1', port => $ldap->{port}, user_base_dn => $people,
	user_login_attribute => 'cn', user_email_attribute => 'mail', bind_dn => undef, bind_password => undef,
	protocol_security => undef, search_filters => undef);
my %service = (bind_dn => "cn=wazo_auth,$people", bind_password => 'wazo_auth_password', user_login_attribute => 'uid',
	search_filters => '(&({user_login_attribute}={username})(employeeType=human))');
sub configure
{
	my (%change) = @_;
	my $json = JSON::encode_json({ %base, %change }) =~ s/'/''/gr;
	sql("SELECT wazo_auth.set_ldap_config('$north', '$json')");
	return;
}
my $seen = 0;
my $peer = '192.0.2.1';
sub logged
{
	my $text = slurp_file($node->logfile, $seen);
	$seen = -s $node->logfile;
	return $text;
}
sub login
{
	my ($login, $password, %body) = @_;
	%body = (domain_name => 'north.example.com') if !%body;
	logged();
	return call($front, 'POST', '/0.1/token', headers => { 'Content-Type' => 'application/json', 'X-Forwarded-For' => $peer,
			$login eq '' ? () : (Authorization => 'Basic ' . encode_base64("$login:$password", '')) }, body => JSON::encode_json(\%body));
}
sub is_login
{
	my ($want, $what, $login, $password, %body) = @_;
	my $answer = login($login, $password, %body);
	is($answer->{status}, $want, $what) or diag($answer->{content}, logged());
	return $answer;
}
# Refused like every wrong password, with the reason in the log and no password.
sub refused
{
	my ($why, $what, $login, $password, %body) = @_;
	my $answer = is_login(401, $what, $login, $password, %body);
	like($answer->{content}, qr/"reason": \["Authentication Failed"\]/, '... as a wrong password is');
	my $log = logged();
	like($log, qr/LDAP login of tenant $north was refused: .*$why/, '... with the reason in the log');
	unlike($log, qr/\Q$password\E|wazo_auth_password/, '... and no password');
	return;
}

# ---- direct bind ----
configure();
my $answer = is_login(200, 'direct bind', 'Boba Fett', 'bfett_password');
my $data = JSON::decode_json($answer->{content})->{data};
is($data->{auth_id}, $user{bobafett}, 'the user with the address, in lower case');
is($data->{metadata}{username}, 'bobafett@wazo-auth.com', 'the address is in the metadata');
is_login(200, "by the tenant's $_->[0]", 'Boba Fett', 'bfett_password', tenant_id => $_->[1]) foreach ['uuid', $north], ['slug', 'north'];
is_login(401, 'no such tenant', 'Boba Fett', 'bfett_password', tenant_id => 'nosuch');
is_login(401, 'a tenant without a directory', 'Boba Fett', 'bfett_password', domain_name => 'south.example.com');
is_login(401, 'a native user who names a domain', 'native', 'native');
is_login(401, 'a password of ours', 'bobafett', 'native-bobafett', x => 1);
refused('Invalid credentials', 'a wrong password', 'Boba Fett', 'wrong-password');
refused('no e-mail address', 'no address', 'Humpty Dumpty', 'humptydumpty_password');
refused('no e-mail address', 'an address that the user may not read', 'The White Queen', 'whitequeen_password');
refused('binding as the user', 'a user that is deeper', 'Alice Wonderland', 'awonderland_password');
refused('binding as the user', "a login with a comma", "x,$people", 'whatever-password');
refused('binding as the user', "the login $_", $_, 'bfett_password') foreach '*', 'Boba*', 'Boba Fett,ou=x', "Boba Fett\\2c";
is_login(401, 'an empty password', 'Boba Fett', '');
configure(user_email_attribute => 'MAIL');
is_login(200, "the attribute's case does not matter", 'Boba Fett', 'bfett_password');
sql("UPDATE wazo_auth.user SET authentication_method = 'native' WHERE uuid = '$user{bobafett}'");
is_login(401, 'a user of another method', 'Boba Fett', 'bfett_password');
sql("UPDATE wazo_auth.user SET authentication_method = 'ldap', enabled = false WHERE uuid = '$user{bobafett}'");
refused('no enabled user', 'a disabled user', 'Boba Fett', 'bfett_password');
sql("UPDATE wazo_auth.user SET enabled = true, tenant_uuid = '$south' WHERE uuid = '$user{bobafett}'");
refused('no enabled user', "another tenant's user", 'Boba Fett', 'bfett_password');
sql("UPDATE wazo_auth.user SET tenant_uuid = '$north' WHERE uuid = '$user{bobafett}'");

# ---- service bind ----
configure(%service);
is_login(200, 'service bind, a user that is deeper', 'awonderland', 'awonderland_password');
is_login(200, '... an address that only others may read', 'whitequeen', 'whitequeen_password');
refused('not exactly one', 'filtered out', 'cheshirecat', 'cheshirecat_password');
refused('not exactly one|Size limit', 'several', 'twin', 'twin_password');
refused('not exactly one', "the filter is not opened by $_", $_, 'bfett_password') foreach '*', 'bfe*', 'bfett)(uid=*', "bfett\\2a", '*)(|(uid=*';
refused('Invalid credentials', 'a wrong password', 'awonderland', 'wrong-password');
configure(%service, bind_password => 'wrong-service');
refused('binding as bind_dn: Invalid credentials', 'a wrong password of the service', 'awonderland', 'awonderland_password');
configure(%service, search_filters => undef);
is_login(200, 'without a filter', 'cheshirecat', 'cheshirecat_password');

# ---- refresh tokens never ask the directory ----
$answer = is_login(200, 'an offline login', 'awonderland', 'awonderland_password', domain_name => 'north.example.com', access_type => 'offline', client_id => 'phone');
my $refresh = JSON::decode_json($answer->{content})->{data}{refresh_token};
configure(host => 'nosuch.invalid');
$answer = is_login(200, 'its refresh token', '', '', refresh_token => $refresh, client_id => 'phone', domain_name => 'north.example.com');
$data = JSON::decode_json($answer->{content})->{data};
is($data->{metadata}{username}, 'awonderland@wazo-auth.com', 'has the same metadata');
is(sql('SELECT login FROM wazo_auth.refresh_token'), 'awonderland@wazo-auth.com', 'and the address as its login');

# ---- TLS ----
configure(%service, protocol_security => 'tls');
is_login(200, 'StartTLS', 'awonderland', 'awonderland_password');
configure(%service, protocol_security => 'ldaps', port => $ldap->{tls_port});
is_login(200, 'ldaps', 'awonderland', 'awonderland_password');
configure(%service, protocol_security => 'ldaps', port => $ldap->{tls_port}, host => 'localhost');
refused('contact', 'ldaps: the certificate of another host', 'awonderland', 'awonderland_password');
configure(%service, protocol_security => 'tls', host => 'localhost');
refused('starting TLS', 'StartTLS: the certificate of another host', 'awonderland', 'awonderland_password');
configure(%service, protocol_security => 'ldaps', port => $ldap->{expired_port});
refused('contact', 'an expired certificate', 'awonderland', 'awonderland_password');
$node->append_conf('postgresql.conf', "wazo_auth.ldap_ca_file = '/etc/ssl/certs/ca-certificates.crt'");
$node->reload;
configure(%service, protocol_security => 'ldaps', port => $ldap->{tls_port});
until_true(sub { login('awonderland', 'awonderland_password')->{status} == 401 });
refused('contact|options', 'an authority that nobody trusts', 'awonderland', 'awonderland_password');
$node->append_conf('postgresql.conf', "wazo_auth.ldap_ca_file = '$ldap->{ca_file}'");
$node->reload;

# ---- directories that do not answer ----
configure(host => 'nosuch.invalid');
refused('contact', 'a name that resolves to nothing', 'Boba Fett', 'bfett_password');
configure(port => WazoPort::free_port());
refused('contact', 'nobody listens', 'Boba Fett', 'bfett_password');
configure(port => $ldap->hostile('drop'));
refused('contact', 'a server that drops', 'Boba Fett', 'bfett_password');
sub unanswered
{
	my ($step, $what, %change) = @_;
	configure(%change);
	my $reply = is_login(503, $what, 'Boba Fett', 'bfett_password');
	unlike($reply->{content}, qr/bfett/, '... nothing of it in the answer');
	my $log = logged();
	like($log, qr/LDAP login of tenant $north has no answer: $step/, '... and what it waited for in the log');
	unlike($log, qr/bfett_password/, '... without the password');
	return;
}
my $silent = $ldap->hostile('silent');
unanswered('binding as the user', 'a server that never answers', port => $silent);
unanswered('starting TLS', '... with StartTLS', port => $silent, protocol_security => 'tls');
unanswered('binding as the user', '... with ldaps', port => $silent, protocol_security => 'ldaps');
unanswered('binding as the user', 'a server that sends one byte a second', port => $ldap->hostile('drip'));

# ---- cancel and terminate, while the directory still hangs ----
# A login in a session of its own.
sub begin_login
{
	my $session = { out => '', err => '' };
	$session->{run} = IPC::Run::start(['psql', '-X', '-d', $node->connstr('app') . ' application_name=waiting', '-c',
			q(SELECT wazo_auth.token_create('Boba Fett', 'bfett_password', members => '{"tenant_id": "north"}'))],
		'<', '/dev/null', '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}
sub end_login
{
	my ($session) = @_;
	IPC::Run::finish($session->{run});
	return $session->{err};
}
my $busy = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 30563";
# The program of a waiting backend, stopped so that it does not end by itself.
sub stopped_program
{
	my ($pid) = @_;
	my $program = until_true(sub { slurp_file("/proc/$pid/task/$pid/children") =~ /^(\d+) $/ ? $1 : 0 });
	ok($program && kill('STOP', $program), 'for its program');
	return $program;
}
# What a directory that took over the program could do with it.
sub is_limited
{
	my ($program) = @_;
	my $limits = slurp_file("/proc/$program/limits");
	like($limits, qr/^Max address space\s+268435456\s+268435456\b/m, '... whose memory is limited');
	like($limits, qr/^Max cpu time\s+5\s+5\b/m, '... and its time');
	like($limits, qr/^Max file size\s+0\s+0\b/m, '... which can write no file');
	like($limits, qr/^Max core file size\s+0\s+0\b/m, '... nor leave a core with passwords');
	like(slurp_file("/proc/$program/status"), qr/^NoNewPrivs:\s*1$/m, '... nor gain a privilege');
	return;
}
configure(port => $silent);
foreach my $case (['pg_terminate_backend', 'terminating connection'], ['pg_cancel_backend', 'canceling statement'])
{
	my ($function, $message) = @$case;
	my $session = begin_login();
	until_is($node, 'app', $busy, '1', 'a login waits');
	my $pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'waiting'");
	my $program = stopped_program($pid);
	is_limited($program);
	is(sql("SELECT count(*) FROM pg_locks WHERE pid = $pid AND mode IN ('RowShareLock', 'RowExclusiveLock')"), '0', 'which locks and writes nothing');
	sql("SELECT $function($pid)");
	like(end_login($session), qr/$message/, "$function ends it");
	ok(!kill(0, $program), '... and its program');
	is(sql($busy), '0', '... and its slot is free');
}

# ---- a slow directory holds back its own logins only ----
# Through the one worker of the front, as many as may wait, each from a process of its own.
my @waiting = map {
	my $pid = fork() // die "fork: $!";
	POSIX::_exit(login('Boba Fett', 'bfett_password')->{status} == 503 ? 0 : 1) if $pid == 0;
	$pid;
} 1 .. 2;
until_is($node, 'app', $busy, '2', 'as many as may wait for one directory do');
my @programs = map { stopped_program($_) }
  split /\n/, sql("SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 30563");
$peer = '192.0.2.2';
my $more = login('Boba Fett', 'bfett_password');
is($more->{status}, 503, 'one more is not let in');
like($more->{content}, qr/too many logins are waiting/, '... and told why');
like(logged(), qr/was not tried: too many logins/, '... as the log is');
is_login(200, 'a native login goes on', 'native', 'native', x => 1);
is(sql($busy), '2', '... while they wait');

# Of many that are not let in each backend waits once: the next ones sleep no more than any statement does.
my $sleeps = q(SELECT substring(pg_read_file('/proc/self/status') FROM 'voluntary_ctxt_switches:\s*(\d+)')::integer);
my $try = q(SELECT wazo_auth.token_create('Boba Fett', 'bfett_password', members => '{"tenant_id": "north"}'));
my ($status, $counts, $refusals) = $node->psql('app', join("; ", $sleeps, $try, $sleeps, ($try) x 10, $sleeps) . ';', on_error_stop => 0);
is(scalar(() = $refusals =~ /too many logins are waiting/g), 11, 'a flood of them is refused');
my ($start, $once, $end) = split /\n/, $counts;
cmp_ok($once - $start, '>', 10, '... the first one after a wait');
cmp_ok($end - $once, '<', 5 * 10, '... the others at once, so that a flood holds no connection');
kill 'CONT', @programs;
foreach my $pid (@waiting)
{
	waitpid($pid, 0);
	is($?, 0, 'one that waited is told that there is no answer');
}

$ldap->stop;
done_testing();
