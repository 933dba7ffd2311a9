# A server under a mixed load for a long time: what it needs does not grow.
#
# Logins, checks, lists, changes of users, groups, policies and tenants, refresh tokens, passwords and resets, with
# the relay, a broker and a mail server, while sessions expire. After a warm-up of a third of the time, memory and open
# files of front, backends and workers, tables and indexes, and what waits to be sent are as they were, within 5 %; the
# logs, which are to grow, grow as much for a request.
#
# SOAK_MINUTES (60): for how long; SOAK_CLIENTS (4).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use Time::HiRes qw(sleep time);
use WazoChaos;
use WazoNode;
use WazoRabbit;
use WazoSmtp;
use WazoSoak;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 60 * ($ENV{SOAK_MINUTES} || 60);
my $rabbit = WazoRabbit->new;
$rabbit->launch;
my $node = new_node('soak', "wazo_auth.token_cleanup_interval = 1\nautovacuum_naptime = 5\nlog_min_messages = log\n");
$node->start;
add_database($node, 'app');
my $dir = abs_path($node->basedir);
my $smtp = WazoSmtp->new("$dir/smtp");
$smtp->start;
sub sql { return scalar $node->safe_psql('app', $_[0]) }
sql("SELECT wazo_auth.bootstrap('admin', 'a password')");
ok(until_true(sub { $rabbit->serves }, 240), 'the broker serves') or die $rabbit->output;
# Thousands of dead rows are left where they are before a table is cleaned: here fewer, so that it has been at each many
# times after the warm-up, however slow the machine is.
sql(<<'EOS');
SET client_min_messages = warning;
DO $$
DECLARE
  v_table regclass;
BEGIN
  FOR v_table IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE %s SET (autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0.05)', v_table);
  END LOOP;
END $$;
EOS
my $front = start_front($node, 'app', '--workers', 2);
my $chaos = WazoChaos->new(node => $node, front => $front, rabbit => $rabbit, dir => $dir);
$chaos->start_consumer;
sql(qq{SELECT wazo_auth.configure('{"amqp.uri": "@{[$rabbit->uri]}", "event_retention": 10, "max_user_concurrent_sessions": 1000000,
  "smtp": {"hostname": "127.0.0.1", "port": $smtp->{port}}, "mail_interval": 0}')});

my $soak = WazoSoak->new(node => $node, front => $front, dir => $dir, admin => 'admin:a password');
$soak->start_clients($ENV{SOAK_CLIENTS} || 4);
my ($start, $said) = (time, 0);
while (time < $start + $seconds)
{
	sleep $seconds / 240;
	my $now = $soak->sample;
	next if time < $start + $said * $seconds / 12;
	$said++;
	diag(sprintf('%5.0f s: ', time - $start), join(', ', map { "$_ $now->{$_}" } grep { $_ ne 'at' } sort keys %$now));
}
$soak->stop;

my ($answers, $requests) = $soak->answers;
diag(sprintf('%d requests in %.0f s: ', $requests, time - $start), join(', ', map { my $k = $_; map { "$k $_: $answers->{$k}{$_}" } sort keys %{ $answers->{$k} } } sort keys %$answers));
is(join(' ', map { my $k = $_; map { "$k $_" } grep { $_ >= 500 } keys %{ $answers->{$k} } } keys %$answers), '', 'no request failed');
my %grown = $soak->growth;
for my $series (sort keys %grown)
{
	diag(sprintf('%-32s %.3f', $series, $grown{$series}));
	cmp_ok($grown{$series}, '<=', 1.05, "$series: flat");
}
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', '0', 'all events arrive');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.mail_outbox', '0', 'and all mails');
$chaos->stop_consumer;
unlike(slurp_file($node->logfile), qr/(?:PANIC|FATAL):(?!.*terminating)|was terminated by signal|server process .* exited/, 'no process crashed');
stop_front($front);
done_testing();
