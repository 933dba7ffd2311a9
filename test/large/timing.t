# Can it be told from the time of an answer whether there is such a user?
#
# Interleaved requests over the real front: with the name of a user and a wrong password, and with a name that nobody
# has; the same for password resets. The area under the ROC curve (AUC) is the share of pairs in which the user's
# request took longer: 0.5 is a coin. Of TIMING_TRIES (10,000) requests of a kind, half of each sort, its standard
# error is 0.0058 where nothing is to be told; it has to be within 0.02 of a half. The hash is made cheap, 1 MB once
# over, so that all that is done besides shows.
#
# Beside each it says what difference would have shown: more, where other programs use the processors. A machine that is
# busy tells little.
#
# TIMING_TRIES: how many; TIMING_KINDS: which, by a regular expression; TIMING_SEED: for the same order again.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use List::Util qw(shuffle);
use MIME::Base64 qw(encode_base64);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use WazoNode;
use WazoSmtp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our $tries = $ENV{TIMING_TRIES} || 10_000;
my $kinds = $ENV{TIMING_KINDS} // '';
my $seed = $ENV{TIMING_SEED} || int rand 1e9;
our $limit = 0.02;
my $names = 50;
srand $seed;
diag("TIMING_TRIES=$tries TIMING_SEED=$seed");

my $node = new_node('timing', <<'EOC');
wazo_auth.argon2_memory = '1MB'
wazo_auth.argon2_iterations = 1
log_statement = none
log_checkpoints = off
EOC
$node->start;
add_database($node, 'app');
my $smtp = WazoSmtp->new($node->basedir . '/smtp');
$smtp->start;

sub sql { return scalar $node->safe_psql('app', $_[0]) }

# The guard counts, as it does for strangers, but makes nobody wait: from everywhere there may be 100,000 failures, and
# each attempt comes from another address.
sql(qq{SELECT wazo_auth.configure('{"smtp": {"hostname": "127.0.0.1", "port": $smtp->{port}}, "mail_interval": 0,
  "login_guard": {"login_failures": 100000}, "rest_api": {"num_proxies": 1}}')});
my $front = start_front($node, 'app', '--workers', 1, '--num-proxies', 1);

# Names of one length, in any order; of each kind of user the first half is there.
my %made = (
	'a user' => '',
	'an imported password' => 'SELECT wazo_auth.import_password(%s, repeat(\'ab\', 64), decode(repeat(\'cd\', 64), \'hex\'))',
	'a hash of older parameters' => '',
	'no password' => 'SELECT wazo_auth.set_password(%s, NULL)',
	'a disabled user' => 'UPDATE wazo_auth.user SET enabled = false WHERE uuid = %s',
	'a user of LDAP' => "UPDATE wazo_auth.user SET authentication_method = 'ldap' WHERE uuid = %s",
	'a user of SAML' => "UPDATE wazo_auth.user SET authentication_method = 'saml' WHERE uuid = %s",
	'a user of another tenant' => '',
	'an unconfirmed address' => 'UPDATE wazo_auth.email SET confirmed = false WHERE user_uuid = %s',
);
my (%user, %nobody, %uuid);
sub make_users
{
	my ($kind) = @_;
	my @all = map { sprintf('%s%08x', chr(97 + int rand 26), int rand 2**32) } 1 .. 2 * $names;
	$user{$kind} = [ @all[ 0 .. $names - 1 ] ];
	$nobody{$kind} = [ @all[ $names .. $#all ] ];
	my $old = $kind eq 'a hash of older parameters' ? 'SET wazo_auth.argon2_iterations = 2;' : '';
	my $tenant = $kind =~ /tenant/ ? 'wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), n, n)' : 'wazo_auth.top_tenant_uuid()';
	for my $row (split /\n/, sql($old . "SELECT n, wazo_auth.create_user($tenant, n, 'secret', n || '\@example.com', authentication_method => 'native')
		FROM unnest('{@{[ join(',', @{ $user{$kind} }) ]}}'::text[]) n"))
	{
		my ($name, $uuid) = split /\|/, $row;
		$uuid{$name} = $uuid;
	}
	sql(join ';', map { sprintf($made{$kind}, "'$uuid{$_}'") } @{ $user{$kind} }) if $made{$kind};
	@uuid{ @{ $nobody{$kind} } } = split /\n/, sql("SELECT gen_random_uuid() FROM generate_series(1, $names)");
	return;
}

my $socket;
my $answered = 0;
# Sends a request; returns (status, seconds until the answer was there).
sub ask
{
	my ($request) = @_;
	if (!$socket)
	{
		my ($address) = $front->{url} =~ m{//(.*)};
		$socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 60) or die "$address: $!";
		setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1);
	}
	my $start = clock_gettime(CLOCK_MONOTONIC);
	syswrite($socket, $request) == length $request or die "send: $!";
	my ($answer, $whole) = ('');
	until (defined $whole && length $answer >= $whole)
	{
		sysread($socket, $answer, 65_536, length $answer) or die "no answer: $answer";
		my $head = index($answer, "\r\n\r\n");
		$whole //= $head + 4 + ($answer =~ /^Content-Length: (\d+)\r$/mi ? $1 : 0) if $head >= 0;
	}
	my $took = clock_gettime(CLOCK_MONOTONIC) - $start;
	$answered++;
	undef $socket if $answer =~ /^Connection: close/mi;
	return ($answer =~ m{\AHTTP/1\.1 (\d+)} ? $1 : 0, $took);
}

# Another address for each attempt.
sub head
{
	my $n = ++$answered;
	return join('.', 10, $n >> 16 & 255, $n >> 8 & 255, $n & 255) =~ s/^/Host: localhost\r\nX-Forwarded-For: /r . "\r\n";
}

sub login_request
{
	my ($login) = @_;
	return "POST /0.1/token HTTP/1.1\r\n" . head() . 'Authorization: Basic ' . encode_base64("$login:wrong", '')
		. "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
}
sub ask_mail_request { return "GET /0.1/users/password/reset?$_[0] HTTP/1.1\r\n" . head() . "\r\n" }
sub reset_request
{
	my ($name) = @_;
	my $body = '{"password": "new secret"}';
	return "POST /0.1/users/password/reset?user_uuid=$uuid{$name}&token=00000000-0000-4000-8000-000000000000 HTTP/1.1\r\n" . head()
		. "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}

# (AUC, its standard error under the null hypothesis) of times of users and of nobody.
sub auc
{
	my ($user, $nobody) = @_;
	my @all = sort { $a->[0] <=> $b->[0] } (map { [ $_, 1 ] } @$user), map { [ $_, 0 ] } @$nobody;
	my ($m, $n, $ranks) = (scalar @$user, scalar @$nobody, 0);
	for (my $i = 0; $i < @all;)
	{
		my $j = $i;
		$j++ while $j < @all && $all[$j][0] == $all[$i][0];
		# those that are equal share their ranks
		$ranks += ($i + 1 + $j) / 2 for grep { $all[$_][1] } $i .. $j - 1;
		$i = $j;
	}
	return (($ranks - $m * ($m + 1) / 2) / ($m * $n), sqrt(($m + $n + 1) / (12 * $m * $n)));
}

# The least number of seconds that would have shown: by so much later all that is nobody's, and it is told from what it was.
sub least_that_shows
{
	my ($times) = @_;
	my ($low, $high) = (0, median($times));
	for (1 .. 20)
	{
		my $middle = ($low + $high) / 2;
		my ($auc) = auc([ map { $_ + $middle } @$times ], $times);
		if ($auc > 0.5 + $limit) { $high = $middle } else { $low = $middle }
	}
	return $high;
}
sub median { return (sort { $a <=> $b } @{ $_[0] })[ @{ $_[0] } / 2 ] }

# Nanoseconds for which the front's backends have run so far. What else runs on the machine hardly shows in it, so it tells
# more than a stranger can see.
my @backends;
sub processor_time
{
	@backends = split /\n/, sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'wazo-auth'") if !@backends;
	my $sum = 0;
	for my $pid (@backends)
	{
		open(my $file, '<', "/proc/$pid/schedstat") or next;
		$sum += (split ' ', <$file>)[0];
	}
	return $sum;
}

sub compare
{
	my ($what, $kind, $status, $request) = @_;
	return if $what !~ /$kinds/;
	my @sort = shuffle((0, 1) x ($tries / 2));
	my (@took, @ran);
	@backends = ();
	my $bad = 0;
	my $one = sub { my ($sort) = @_; return ask($request->(($sort ? $user{$kind} : $nobody{$kind})->[ int rand $names ])) };
	$one->($_ % 2) for 1 .. 400;
	for my $sort (@sort)
	{
		my $before = processor_time();
		my ($got, $took) = $one->($sort);
		$bad++ if $got != $status;
		push @{ $took[$sort] }, $took;
		push @{ $ran[$sort] }, processor_time() - $before;
	}
	is($bad, 0, "$what: all are answered $status");
	my ($auc, $error) = auc($took[1], $took[0]);
	diag(sprintf('%-38s AUC %.4f, 95 %% interval %.4f to %.4f; n = %d + %d; medians %.0f and %.0f us; %.1f us would show', $what, $auc, $auc - 1.96 * $error,
			$auc + 1.96 * $error, scalar @{ $took[1] }, scalar @{ $took[0] }, 1e6 * median($took[1]), 1e6 * median($took[0]), 1e6 * least_that_shows($took[0])));
	my ($processor) = auc($ran[1], $ran[0]);
	diag(sprintf('%-38s AUC %.4f of the processor time of the backends; medians %.0f and %.0f us', '', $processor, map { median($_) / 1e3 } @ran[ 1, 0 ]));
	cmp_ok(abs($auc - 0.5), '<=', $limit, "$what: the time tells nothing");
	return;
}

# Kinds of passwords that are stored cost a hash each, so those come last.
make_users('a user');
compare('login', 'a user', 401, sub { login_request($_[0]) });
compare('login by address', 'a user', 401, sub { login_request("$_[0]\@example.com") });
for my $kind ('no password', 'a disabled user', 'a user of LDAP', 'a user of SAML', 'a user of another tenant', 'an unconfirmed address')
{
	make_users($kind);
	compare("login, $kind", $kind, 401, sub { login_request($_[0] . ($kind =~ /address/ ? '@example.com' : '')) });
}
compare('mail by username', 'a user', 204, sub { ask_mail_request("username=$_[0]") });
compare('mail by address', 'a user', 204, sub { ask_mail_request("email=$_[0]\%40example.com") });
compare('mail by login', 'a user', 204, sub { ask_mail_request("login=$_[0]") });
compare('reset with a bad token', 'a user', 401, sub { reset_request($_[0]) });
make_users('a hash of older parameters');
compare('login, a hash of older parameters', 'a hash of older parameters', 401, sub { login_request($_[0]) });

# Locked logins are refused before a hash: all that is left is what the guard does.
sql(q{SELECT wazo_auth.configure('{"login_guard": {"failures": 1, "longest_wait": 86400}}')});
sql("SELECT count(wazo_auth.count_failed_login(l, '192.0.2.1')) FROM unnest('{@{[join(',', @{ $user{'a user'} }, @{ $nobody{'a user'} })]}}'::text[]) l, generate_series(1, 17)");
compare('a locked login', 'a user', 429, sub { login_request($_[0]) =~ s/^X-Forwarded-For: .*?\r/X-Forwarded-For: 192.0.2.1\r/mr });
sql(q{SELECT wazo_auth.configure('{"login_guard": {"failures": 10, "longest_wait": 900}}')});

make_users('an imported password');
{
	# 250,000 rounds of PBKDF2 for each login, whoever it is
	local $tries = $tries / 10;
	local $limit = $limit * sqrt 10;
	compare('login, an imported password', 'an imported password', 401, sub { login_request($_[0]) });
}

stop_front($front);
done_testing();
