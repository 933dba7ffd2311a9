# That what the sanitizers find in the front is told: a worker's report comes out of its sandbox, and the parent's leak check
# is made at all. Of the suite `sanitize`, whose front this takes.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use WazoFront qw(wait_for);

my $t = WazoFront->new;

# Own reports, which are not those that the suite counts.
my $reports = "$t->{dir}/reports";
mkdir $reports or die "$reports: $!";
$ENV{ASAN_OPTIONS} = "$ENV{ASAN_OPTIONS}:log_path=$reports/front";

sub report
{
	my ($pid) = @_;
	return $t->slurp("reports/front.$pid");
}

$t->start_front('--workers', 1);
my ($worker) = $t->workers;
kill 'SEGV', $worker;
ok(wait_for(sub { report($worker) =~ /^==\d+==ABORTING/m }), "the report of a worker is written");
like(report($worker), qr/AddressSanitizer: SEGV.*epoll_wait/s, '... with where it was');
ok(wait_for(sub { $t->log =~ /worker 1 was ended by signal 6/ }), '... and ends it by an abort');
ok(wait_for(sub { (($t->workers)[0] // $worker) != $worker }), '... and another one comes');
is($t->stop_front, 0, 'the front ends');
is_deeply([glob "$reports/*"], ["$reports/front.$worker"], 'and nobody else had a report');

done_testing();
