# Wazo's JavaScript SDK, as its package on npm has it, against the real front:
# logins by LDAP and SAML, refresh tokens, logouts, and the errors it knows.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use HTTP::Tiny;
use IPC::Open2 ();
use JSON ();
use PostgreSQL::Test::Utils;
use Test::More;
use WazoIdp;
use WazoLdap;
use WazoNode;

my $npm = abs_path("$FindBin::Bin/../..") . '/build/npm';
if (!ok(-f "$npm/node_modules/\@wazo/sdk/package.json", 'the SDK is there (tools/npm.sh)'))
{
	done_testing();
	exit;
}

my $folder = abs_path(PostgreSQL::Test::Utils::tempdir());
my $ldap = WazoLdap->new("$folder/ldap");
my $node = new_node('js_sdk', "log_statement = none\nwazo_auth.ldap_login_timeout = '60s'\nwazo_auth.saml_timeout = '60s'\n");
$node->start;
add_database($node, 'app');
sub sql { return $node->safe_psql('app', $_[0]) }
my $north = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'north', 'north', domain_names => '{north.example.com}')");
my %user;
$user{$_->[0]} = sql("SELECT wazo_auth.create_user('$north', '$_->[0]', 'native-password', '$_->[0]\@wazo-auth.com', authentication_method => '$_->[1]')")
  foreach [ bobafett => 'ldap' ], [ alice => 'saml' ], [ native => 'native' ];
# What users of a platform may do with their own tokens.
sql("SELECT wazo_auth.add_user_policy(u, p) FROM unnest('{" . join(',', values %user) . "}'::uuid[]) u, wazo_auth.create_policy('$north', 'users', '{auth.users.me.#}') p");
sql("SELECT wazo_auth.set_ldap_config('$north', '"
	  . JSON::encode_json({ host => '127.0.0.1', port => $ldap->{port}, user_base_dn => $WazoLdap::people, user_login_attribute => 'cn', user_email_attribute => 'mail' }) . "')");
my $idp = WazoIdp->new("$folder/idp", entity_id => 'https://idp.example/metadata', url => 'https://idp.example');
sql("SELECT wazo_auth.create_saml_config('$north', (SELECT uuid FROM wazo_auth.tenant_domain WHERE name = 'north.example.com'), 'https://stack.example.com/saml',"
	  . " 'https://stack.example.com/api/auth/0.1/saml/acs', \$\$" . $idp->metadata . '$$)');
my $front = start_front($node, 'app', '--workers', 1);
my $http = HTTP::Tiny->new(timeout => 60, max_redirect => 0);
$idp->trust($http->get("$front->{url}/0.1/saml/metadata/$north")->{content});

# The SDK in a process of its own: a line is ["function", arguments...], and a line of its output what came of it.
# In front of the stack there is a proxy with TLS, whose part the first lines play.
my $script = "$folder/sdk.cjs";
PostgreSQL::Test::Utils::append_to_file($script, <<'EOJ');
const [path, front] = process.argv.slice(-2);
const realFetch = globalThis.fetch;
globalThis.fetch = (url, options) => realFetch(url.replace('https://stack.example.com/api/auth', front), options);
console.warn = console.info = console.error = () => {};
const answer = console.log;
console.log = () => {};
// by its name, as its package says what node gets
const sdk = require('module').createRequire(path + '/here.js')('@wazo/sdk');
const Wazo = sdk.default;
const client = new sdk.WazoApiClient({server: 'stack.example.com', clientId: 'sdk'});
client.client.setRequestTimeout?.(60000);
client.disableErrorLogging?.();
Wazo.Auth.setHost('stack.example.com');
const known = {
  ...client.auth,
  samlLogOut: (token) => { client.setToken(token); return client.auth.samlLogOut(); },
  deleteRefreshToken: (token) => { client.setToken(token); return client.auth.deleteRefreshToken('sdk'); },
  initiate: (domain, url) => Wazo.Auth.initiateIdpAuthentication(domain, url),
};
require('readline').createInterface({input: process.stdin}).on('line', async (line) => {
  const [name, ...args] = JSON.parse(line);
  try {
    answer(JSON.stringify({result: await known[name](...args)}));
  } catch (e) {
    answer(JSON.stringify({error: e.constructor.name, status: e.status, message: e.message}));
  }
}).on('close', () => process.exit(0));
EOJ
my $pid = IPC::Open2::open2(my $from, my $to, 'node', $script, $npm, "$front->{url}");
sub sdk
{
	my (@call) = @_;
	print {$to} JSON::encode_json(\@call), "\n";
	return JSON::decode_json(readline($from) // die 'the SDK has ended');
}

# ---- LDAP ----
my %boba = (username => 'Boba Fett', password => 'bfett_password', backend => 'ldap_user');
my $got;
foreach my $case ([ 'domainName', 'north.example.com' ], [ 'tenantId', $north ], [ 'tenantId', 'north' ])
{
	my ($name, $value) = @$case;
	$got = sdk('logIn', { %boba, $name => $value });
	is($got->{result}{uuid}, $user{bobafett}, "logIn by LDAP, $name $value") or diag(JSON::encode_json($got));
}
my $session = $got->{result};
ok($session->{refreshToken}, '... with a refresh token');
is(sdk('checkToken', $session->{token})->{result}, JSON::true, '... the token is good');
is(sdk('authenticate', $session->{token})->{result}{uuid}, $user{bobafett}, '... and tells whose it is');
$got = sdk('refreshToken', $session->{refreshToken}, 'ldap_user', 3600, JSON::false, undef, 'north.example.com');
is($got->{result}{uuid}, $user{bobafett}, 'refreshToken') or diag(JSON::encode_json($got));
is(sdk('logOut', $got->{result}{token})->{result}, JSON::true, 'logOut');
is(sdk('deleteRefreshToken', $session->{token})->{result}, JSON::true, 'deleteRefreshToken') ;
$got = sdk('refreshToken', $session->{refreshToken}, 'ldap_user', 3600);
is($got->{status}, 401, '... which is over then');
$got = sdk('logIn', { %boba, password => 'wrong', domainName => 'north.example.com' });
is("$got->{error} $got->{status}", 'BadResponse 401', 'a wrong password');
$got = sdk('logIn', { %boba, domainName => 'nosuch.example.com' });
is("$got->{error} $got->{status}", 'BadResponse 401', 'an unknown domain');
is(sdk('logIn', { username => 'native', password => 'native-password' })->{result}{uuid}, $user{native}, 'a native login');

# ---- SAML ----
$got = sdk('initiate', 'north.example.com', 'https://north.example.com/app');
is_deeply([ grep { !/^_/ } sort keys %{ $got->{result} } ], [ 'location', 'saml_session_id' ], 'initiateIdpAuthentication');
my ($location, $id) = @{ $got->{result} }{qw(location saml_session_id)};
$got = sdk('samlLogIn', $id);
is("$got->{error} $got->{status}", 'BadResponse 401', 'samlLogIn before the provider has answered');
my $form = $idp->step('answer', message => { location => $location }, name_id => 'subject-a',
	attributes => { 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name' => ['alice'] })->{form};
is($http->post_form("$front->{url}/0.1/saml/acs", $form)->{headers}{location}, 'https://north.example.com/app', 'the provider answers');
$got = sdk('samlLogIn', $id);
is($got->{result}{uuid}, $user{alice}, 'samlLogIn') or diag(JSON::encode_json($got));
$session = $got->{result};
ok($session->{refreshToken}, '... with a refresh token');
is(sdk('samlLogIn', $id)->{status}, 401, '... once');
is(sdk('refreshToken', $session->{refreshToken}, '', 3600)->{result}{uuid}, $user{alice}, '... which makes tokens');
$got = sdk('samlLogOut', $session->{token});
like($got->{result}{location}, qr{^https://idp\.example/slo\?SAMLRequest=}, 'samlLogOut leads to the provider');
is(sdk('authenticate', $session->{token})->{status}, 404, '... after the token has ended');
is(sdk('refreshToken', $session->{refreshToken}, '', 3600)->{status}, 401, '... and the refresh token');
my $answered = $idp->step('logout_answer', message => { location => $got->{result}{location} });
is($answered->{name_id}, 'subject-a', '... which ends its own session');
# What the SDK makes of the errors.
is(sdk('initiate', 'nosuch.example.com', 'https://north.example.com/app')->{error}, 'NoSamlRouteError', 'a domain without a provider');
$got = sdk('initiate', 'north.example.com', 'https://evil.example/');
is("$got->{error} $got->{status}", 'BadResponse 400', 'a redirect_url that is not allowed');

close $to;
waitpid $pid, 0;
stop_front($front);
$ldap->stop;
done_testing();
