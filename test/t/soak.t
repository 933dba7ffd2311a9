# What `make soak` goes by: its clients get the answers that they should, all that it watches is seen, and what grows is
# found. That nothing grows is not for a few seconds to say.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use WazoNode;
use WazoSoak qw(ratio);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# ---- flat, and not ----
srand 1;
my @level = map { 10_000 + rand(400) - 200 } 1 .. 160;
cmp_ok(ratio(\@level, 1), '<', 1.05, 'what goes up and down is flat');
cmp_ok(ratio([ map { $level[$_] * (1 + $_ / 1000) } 0 .. $#level ], 1), '>', 1.05, 'a leak of a tenth of a percent a sample is not');
cmp_ok(ratio([ map { $level[$_] + ($_ > 100 ? 1500 : 0) } 0 .. $#level ], 1), '>', 1.05, 'nor a jump');
is(ratio([ 0, 0, 0, 0, 7, 40 ], 100), 1, 'a few that wait are nothing');
cmp_ok(ratio([ map { $_ * 10 } 1 .. 90 ], 100), '>', 1.05, 'a queue that becomes longer is');

# ---- a few requests ----
my $node = new_node('soak_short', "fsync = off\nwazo_auth.token_cleanup_interval = 1\nwazo_auth.relay_interval = 0\n");
$node->start;
add_database($node, 'app');
sub sql { return scalar $node->safe_psql('app', $_[0]) }
sql("SELECT wazo_auth.bootstrap('admin', 'a password')");
sql(q{SELECT wazo_auth.configure('{"max_user_concurrent_sessions": 1000000, "mail_interval": 0}')});
my $front = start_front($node, 'app', '--workers', 1);
my $soak = WazoSoak->new(node => $node, front => $front, dir => abs_path($node->basedir), admin => 'admin:a password', seed => 1);
$soak->start_clients(2);
my $first;
ok(until_true(sub { my ($all) = $soak->answers; $first //= $soak->sample if %$all; return keys %$all == WazoSoak::kinds() }), 'clients do all that there is to do')
  or diag(join ' ', sort keys %{ ($soak->answers)[0] });
my $second = $soak->sample;
$soak->stop;
my ($answers, $requests) = $soak->answers;
my %want = map { $_ => 200 } WazoSoak::kinds();
@want{ 'check', 'password', 'reset' } = (204) x 3;
$want{'wrong login'} = 401;
is(join(', ', map { "$_: " . join(' ', sort keys %{ $answers->{$_} }) } sort keys %$answers), join(', ', map { "$_: $want{$_}" } sort keys %want), 'and get their answers');
cmp_ok($requests, '>=', 20, 'all requests are counted');
for my $series (grep { $_ !~ /wait|^at$/ } sort keys %$first)
{
	cmp_ok($second->{$series}, '>', 0, "seen: $series");
}
is(join(' ', grep { !exists $second->{"$_ that wait"} } qw(events mails)), '', 'so is what waits');
is(sql('SELECT count(*) FROM wazo_auth.user') . sql('SELECT count(*) FROM wazo_auth.tenant') . sql("SELECT count(*) FROM wazo_auth.policy WHERE name LIKE 'soak %'"), '310', 'what they made they have taken away');

# ---- what grows is seen ----
$soak->{samples} = [];
for (1 .. 9)
{
	$soak->sample;
	# a series of each sort, as a leak makes it
	sql("INSERT INTO wazo_auth.event_outbox (object_uuid, name, routing_key, data) SELECT gen_random_uuid(), 'n', 'r', to_json(repeat('x', 500)) FROM generate_series(1, 1000)");
	push @{ $front->{sockets} }, HTTP::Tiny->new(timeout => 60, keep_alive => 1) for 1 .. 3;
	call($front, 'HEAD', '/0.1/status', http => $_) for @{ $front->{sockets} };
}
my %grown = $soak->growth;
cmp_ok($grown{$_}, '>', 1.05, "a leak is found: $_") for 'tables, bytes', 'indexes, bytes', 'events that wait', 'front, files';
cmp_ok($grown{$_}, '<', 1.05, "no leak: $_") for 'workers, files', 'mails that wait';
stop_front($front);
done_testing();
