# The lines of the server's log about logins: who, from where, and nothing that
# is secret or that a name could forge.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Encode qw(decode_utf8 encode_utf8);
use JSON ();
use MIME::Base64 qw(encode_base64);
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('login_log', "log_statement = none\nlog_min_error_statement = panic\nlog_error_verbosity = verbose\n");
$node->start;
add_database($node, 'app');
my $front = start_front($node, 'app', '--workers', 1, '--num-proxies', 1);
my ($logged) = (0);

# What was logged about logins since the last call.
sub lines
{
	my $text = slurp_file($node->logfile, $logged);
	$logged = -s $node->logfile;
	return map { decode_utf8(s/^.*?LOG:  (?:00000: )?//r) } grep { / login: |forged/ } split /\n/, $text;
}
sub one_line { my @lines = lines(); return join("\n", @lines) }
sub post
{
	my ($login, %opt) = @_;
	return call($front, 'POST', '/0.1/token', headers => {
		'Content-Type' => 'application/json', 'User-Agent' => $opt{agent} // 'test', 'X-Forwarded-For' => $opt{from} // '192.0.2.7',
		defined $login ? (Authorization => 'Basic ' . encode_base64(encode_utf8($login), '')) : () }, body => JSON::encode_json($opt{body} // {}));
}
sub sql { return $node->safe_psql('app', $_[0]) }

sql(q{SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'ann', 'pass-word', 'ann@x.org', authentication_method => 'native')});
lines();
my $answer = post('ann:pass-word', body => { access_type => 'offline', client_id => 'phone' });
is($answer->{status}, 200, 'a login');
my $data = JSON::decode_json($answer->{content})->{data};
is(one_line(), 'Successful login: ann got token XXXXXXXX-XXXX-XXXX-XXXX-XXXX' . substr($data->{token}, -8) . ' from 192.0.2.7 using agent "test"', 'has its line');
is(post('Ann@x.org:pass-word')->{status}, 200, 'another name');
like(one_line(), qr/^Successful login: Ann\@x\.org got token /, 'as it was typed');
is(post(undef, body => { refresh_token => $data->{refresh_token}, client_id => 'phone' })->{status}, 200, 'by a refresh token');
like(one_line(), qr/^Successful login: ann got token /, 'the name that it was obtained with');

is(post('ann:wrong')->{status}, 401, 'a wrong password');
is(one_line(), 'Failed login: ann from 192.0.2.7 using agent "test"', 'has its line');
is(post('nobody:wrong', from => "junk from 10.0.0.1")->{status}, 401, 'nobody');
is(one_line(), 'Failed login: nobody from "junk from 10.0.0.1" using agent "test"', 'the same one');
is(post(undef, body => { refresh_token => $data->{refresh_token}, client_id => 'other' })->{status}, 401, 'a bad refresh token');
is(one_line(), 'Failed login: "a refresh token of other" from 192.0.2.7 using agent "test"', 'is told, but not the token');
is(post(undef)->{status}, 401, 'no login at all');
is(one_line(), 'Failed login: - from 192.0.2.7 using agent "test"', 'is one, too');

# in SQL
my ($rc, $stdout, $stderr) = $node->psql('app', q{SET client_min_messages = log; SELECT count(token) FROM wazo_auth.token_create('ann', 'pass-word', remote_addr => '198.51.100.9')});
is("$stdout $stderr", '1 ', 'a login in SQL: nothing of it for the client');
like(one_line(), qr/^Successful login: ann got token X\S{35} from 198\.51\.100\.9 using agent ""$/, 'and a line');
$node->psql('app', q{SELECT wazo_auth.token_create('ann', 'wrong')});
is(one_line(), 'Failed login: ann from - using agent ""', 'without an address');

# too many of them: refused, also after a restart
sql("SELECT count(wazo_auth.count_failed_login('ann', '192.0.2.99')) FROM generate_series(1, 25)");
lines();
$node->restart;
$answer = post('ann:pass-word', from => '192.0.2.99');
is($answer->{status}, 429, 'after too many failures the right password is refused, too');
cmp_ok($answer->{headers}{'retry-after'}, '>', 600, 'for a while that the answer names');
is(one_line(), 'Failed login: ann from 192.0.2.99 using agent "test"', 'with the same line');
is(post('ann:pass-word', from => '192.0.2.98')->{status}, 200, 'and nobody else is');
lines();

# names that would like to be more
foreach my $case (
	["x\nLOG:  forged", '"x\x0aLOG\\\\:  forged"'], ['ann from 10.0.0.1 using agent "y"', '"ann from 10.0.0.1 using agent \\"y\\""'],
	["a\x{2028}b\x{202e}", '"a\u2028b\u202e"'], ["\x1b[2K", '"\x1b[2K"'], ['é', 'é'], ['n' x 300, ('n' x 252) . '...'])
{
	my ($name, $shown) = @$case;
	$shown =~ s/\\\\:/:/;
	(my $user = $name) =~ s/'/''/g;
	$node->psql('app', encode_utf8("SELECT wazo_auth.token_create('$user', 'wrong', user_agent => '$user', remote_addr => '192.0.2.8')"));
	my @lines = lines();
	is(scalar(@lines), 1, "one line: $shown");
	like($lines[0], qr/^Failed login: \Q$shown\E from 192\.0\.2\.8 using agent "/, 'with the name as it is');
	cmp_ok(length($lines[0]), '<', 700, 'and not too long');
}

# the filter of docs/operations.md
my ($filter) = slurp_file("$FindBin::Bin/../../docs/operations.md") =~ /^failregex = (.*)$/m;
$filter =~ s/<HOST>/(?<host>\\S+)/;
is("LOG:  Failed login: ann from 192.0.2.7 using agent \"test\"" =~ /$filter/ ? $+{host} : '', '192.0.2.7', 'fail2ban finds the address');
foreach my $line ('Failed login: "ann from 10.0.0.1 using agent \\"y\\"" from 192.0.2.8 using agent "x"',
	'Failed login: "a\\\\" from 192.0.2.8 using agent "x"', 'Failed login: - from 192.0.2.8 using agent " from 10.0.0.1 using agent "')
{
	is("LOG:  $line" =~ /$filter/ ? $+{host} : '', '192.0.2.8', "and no other: $line");
}
unlike("LOG:  Successful login: \"Failed login: x from 10.0.0.1 using agent \\\"\" got token X from 192.0.2.8 using agent \"\"", qr/$filter/, 'in no successful login');

my $all = slurp_file($node->logfile);
unlike($all, qr/\Q$_\E/, 'no secret is in the log') foreach 'pass-word', $data->{token}, $data->{refresh_token};
stop_front($front);
$node->stop('fast');
done_testing();
