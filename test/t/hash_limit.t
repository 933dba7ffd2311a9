# At most wazo_auth.max_concurrent_hashes password hashes at a time in the
# whole server, with and without shared_preload_libraries; waiting ends at once
# on cancel and terminate, and by itself after wazo_auth.hash_wait_timeout.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use IPC::Run ();
use Time::HiRes qw(sleep time);

BEGIN
{
	# PostgreSQL::Test::Cluster wants to be told where pg_regress is.
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	chomp(my $pgxs = `$pg_config --pgxs`);
	$pgxs =~ s{/makefiles/pgxs\.mk$}{};
	$ENV{PG_REGRESS} //= "$pgxs/test/regress/pg_regress";
}
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# one such hash takes seconds, the other milliseconds
my $slow =
  "SET wazo_auth.argon2_memory = '256MB'; SET wazo_auth.argon2_iterations = 16; SELECT wazo_auth.password_hash('x') IS NOT NULL;";
my $quick =
  "SET wazo_auth.argon2_memory = '4MB'; SELECT count(wazo_auth.password_hash('x')) FROM generate_series(1, 25);";

my $node;

# Starts psql in the background; the answer is read by finish().
sub begin
{
	my ($name, $sql) = @_;
	my %run = (out => '', err => '');
	$run{handle} = IPC::Run::start(
		[ 'psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-d',
			$node->connstr('postgres') . " application_name=$name", '-c', $sql ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%run;
}

sub finish
{
	my ($run) = @_;
	$run->{handle}->finish;
	return $run->{err} ne '' ? $run->{err} : $run->{out};
}

sub sql { return scalar $node->safe_psql('postgres', $_[0]) }

# Polls until the query answers what is wanted; fails after some minutes.
sub until_is
{
	my ($query, $want, $what) = @_;
	my ($got, $end) = ('', time + 300);
	while (time < $end)
	{
		$got = sql($query);
		return pass($what) if $got eq $want;
		sleep 0.02;
	}
	return is($got, $want, $what);
}

my $busy_shared = 'SELECT in_use, waiting FROM wazo_auth.hash_slots()';
my $busy_locks =
  "SELECT count(*), (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'Extension' AND application_name <> 'holder')"
  . " FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = x'77617a6f'::bigint";

for my $preload (1, 0)
{
	my $way = $preload ? 'shared memory' : 'locks';
	my $busy = $preload ? $busy_shared : $busy_locks;

	$node = PostgreSQL::Test::Cluster->new("hash_limit_$preload");
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', <<"EOC");
shared_preload_libraries = '${\($preload ? 'wazo_auth' : '')}'
restart_after_crash = on
wazo_auth.max_concurrent_hashes = 1
wazo_auth.hash_wait_timeout = '120s'
EOC
	$node->start;
	sql('CREATE EXTENSION wazo_auth CASCADE');
	is( sql('SELECT slot_limit, shared FROM wazo_auth.hash_slots()'),
		$preload ? '1|t' : '1|f',
		"$way: the limit is shown");

	my $holder = begin('holder', $slow);
	until_is($busy, '1|0', "$way: one holds the slot");
	my $cancelled = begin('cancelled', $quick);
	my $terminated = begin('terminated', $quick);
	until_is($busy, '1|2', "$way: two wait");
	until_is("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('cancelled', 'terminated') AND wait_event_type = 'Extension'",
		'2', "$way: waiting is shown");
	sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'cancelled'");
	like(finish($cancelled), qr/ERROR:  57014/, "$way: cancel ends the wait");
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'terminated'");
	like(finish($terminated), qr/57P01|server closed/, "$way: terminate ends the wait");
	is(sql($busy), '1|0', "$way: the slot is still held, nobody waits");
	my $next = begin('next', $quick);
	is(finish($holder), "t\n", "$way: the holder finishes");
	is(finish($next), "25\n", "$way: the next one gets the slot");
	is(sql($busy), '0|0', "$way: all is free again");

	$node->append_conf('postgresql.conf', "wazo_auth.hash_wait_timeout = '100ms'");
	$node->reload;
	$holder = begin('holder', $slow);
	until_is($busy, '1|0', "$way: held again");
	my $late = finish(begin('late', $quick));
	like($late, qr/ERROR:  WA503: too many logins at the same time/, "$way: the wait has an end");
	like($late, qr/HINT:  .*max_concurrent_hashes/, "$way: with a hint");

	# the owner of the slot disappears: by terminate after its hash, by a crash
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	finish($holder);
	until_is($busy, '0|0', "$way: a terminated holder leaves nothing behind");

	# many at once: never more than two, and all of them served
	$node->append_conf('postgresql.conf', <<'EOC');
wazo_auth.hash_wait_timeout = '60s'
wazo_auth.max_concurrent_hashes = 2
EOC
	$node->reload;
	until_is('SELECT slot_limit FROM wazo_auth.hash_slots()', '2', "$way: a reload changes the limit");
	my @crowd = map { begin("crowd$_", $quick) } 1 .. 10;
	my ($most, $samples) = (0, 0);
	while (grep { $_->{handle}->pumpable } @crowd)
	{
		my ($in_use) = split /\|/, sql($busy);
		$most = $in_use if $in_use > $most;
		$samples++;
		$_->{handle}->pump_nb for grep { $_->{handle}->pumpable } @crowd;
	}
	is(join('', map { finish($_) } @crowd), "25\n" x 10, "$way: everybody in the crowd is served");
	cmp_ok($most, '<=', 2, "$way: never more than the limit ($samples samples)");
	is(sql($busy), '0|0', "$way: nothing is left of the crowd");

	$holder = begin('holder', $slow);
	until_is($busy, '1|0', "$way: held before the crash");
	my $pid = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'");
	my $before = -s $node->logfile;
	kill 'KILL', $pid;
	finish($holder);
	# its client hears of it before the server does
	$node->wait_for_log(qr/all server processes terminated; reinitializing/, $before);
	ok($node->poll_query_until('postgres', 'SELECT true'), "$way: restarted after the crash");
	is(sql($busy), '0|0', "$way: a crash leaves no slot held");
	$node->stop;
}

done_testing();
