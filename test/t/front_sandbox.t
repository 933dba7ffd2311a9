# The sandbox of the front's workers, seen from outside: strace writes down what they ask of the kernel, from the sandbox's first
# moment to the end, while they do all that they can. Nothing of it ends a worker, and the list of kore_front/sandbox.c has
# nothing under "filter_used" that was not seen: what is allowed besides stands under "filter_reserve", with a reason.
# That anything else ends a worker is in test/unit/front_sandbox_test.c. And all that parent and workers do is among what
# the unit in debian/ lets them do.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use WazoFront qw(wait_for);

my $t = WazoFront->new;
my $host = "Host: localhost\r\n";

# The same front under strace, which lets it be the test's own child (-D).
my $traces = "$t->{dir}/traces";
my $wrapper = "$t->{dir}/traced";
mkdir $traces;
open(my $w, '>', $wrapper) or die $!;
print $w "#!/bin/sh\nexec strace -D -ff -s 8 -o '$traces/pid' '$t->{binary}' \"\$@\"\n";
close $w;
chmod 0755, $wrapper;
$t->{binary} = $wrapper;

# ---- TLS and a password, by a name, as nobody in particular ----
my $key = "$t->{dir}/pg/server";
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout $key.key -out $key.crt 2>/dev/null") == 0 or die;
chmod 0600, "$key.key";
chown((getpwnam($t->{user}))[2, 3], "$key.key", "$key.crt") if $t->{user};
$t->psql("CREATE ROLE scram LOGIN SUPERUSER PASSWORD 'hunter2'");
open(my $conf, '>>', "$t->{dir}/pg/data/postgresql.conf") or die $!;
print $conf "ssl = on\nssl_key_file = '$key.key'\nssl_cert_file = '$key.crt'\n";
close $conf;
open(my $hba, '>', "$t->{dir}/pg/data/pg_hba.conf") or die $!;
print $hba "hostssl all scram 127.0.0.1/32 scram-sha-256\nlocal all all trust\nhost all postgres 127.0.0.1/32 trust\n";
close $hba;
$t->stop_server;
$t->start_server;

my $log = "$t->{dir}/front-file.log";
my @start = ('--workers', 1, '--max-body', 4_000_000, '--log-file', $log, '--log-level', 'debug', '--header-timeout', 600, '--body-timeout', 600,
	'--database', "host=localhost port=$t->{pg_port} user=scram password=hunter2 dbname=postgres sslmode=verify-full sslrootcert=$key.crt");
$t->start_front(@start);
my ($worker) = $t->workers;
is($t->call('GET', '/echo')->{status}, 200, 'TLS and SCRAM, by name');
is($t->call('GET', '/0.1/token/x')->{status}, 200, 'a token check');
is($t->call('GET', '/big/1000000')->{status}, 200, 'a long answer');
is($t->call('POST', '/0.1/token/x', body => 'x' x 2_000_000)->{status}, 200, 'a long body');
is($t->call('GET', 'malformed')->{status}, 400, 'a refused request');
$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'scram'");
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), 'connections that are lost and made again');
rename $log, "$log.1";
kill 'HUP', $t->{front};
ok(wait_for(sub { $t->call('GET', '/echo'); -s $log }), 'the log opened again');
is(join(' ', $t->workers), $worker, 'the worker has lived');
is($t->stop_front, 0, 'and ends in its time');

# ---- the local socket, as whoever runs it ----
delete $ENV{PGUSER};
$t->start_front('--workers', 1, '--database', "host=$t->{dir}/pg port=$t->{pg_port} dbname=postgres");
is($t->call('GET', '/echo')->{status}, 200, 'over the local socket');
$t->stop_server('immediate');
is($t->call('GET', '/0.1/token/x')->{status}, 503, 'a database that is away');
$t->start_server;
ok(wait_for(sub { $t->call('GET', '/echo')->{status} == 200 }), 'and comes back');
is($t->stop_front, 0, 'end');

# ---- what was seen ----
# strace writes on for a moment after the program's end
my (%seen, %seen_of_all, $workers);
ok(wait_for(sub {
	($workers, %seen) = (0);
	foreach my $file (glob "$traces/pid.*")
	{
		open(my $f, '<', $file) or die $!;
		my ($inside, $ended);
		while (<$f>)
		{
			$seen_of_all{$1}++ if /^(\w+)\(/;
			$inside and /^(\w+)\(/ and $seen{$1}++;
			$inside ||= /^(?:prctl|seccomp)\(.*SECCOMP_MODE_FILTER/;
			$ended ||= /^\+\+\+/;
		}
		return 0 if !$ended;
		$workers += !!$inside;
	}
	return $workers == 2;
}), 'two workers were followed from the sandbox to the end');

open(my $f, '<', 'kore_front/sandbox.c') or die "kore_front/sandbox.c: $!";
my $source = do { local $/; <$f> };
my %list;
foreach my $name ('used', 'reserve', 'own')
{
	my ($text) = $source =~ /\bstruct sock_filter (?:filter_)?$name\[\] = \{(?!\s*KORE_BPF_RET)(.*?)\n\t?\};/s;
	$list{$name}{$_} = 1 for ($text // '') =~ /KORE_SYSCALL_(?:ALLOW|ALLOW_ARG|DENY|DENY_WITH_FLAG)\((\w+)/g;
}
cmp_ok(scalar(keys %{$list{$_}}), '>', 1, "the list $_ was read") for sort keys %list;
is(join(' ', grep { !$list{used}{$_} && !$list{reserve}{$_} && !$list{own}{$_} } sort keys %seen), '', 'what was done is allowed');
is(join(' ', grep { !$seen{$_} } sort keys %{$list{used}}), '', 'what is allowed as used was done');
is(join(' ', grep { $list{used}{$_} } sort keys %{$list{own}}), '', 'no call stands in two lists');

# ---- what systemd lets all of the front do ----
sub calls_of
{
	my ($set) = @_;
	return map { /^@/ ? calls_of($_) : $_ } grep { /^[@\w]/ && $_ ne $set } map { s/^\s+|\s+$//gr } grep { !/^\s*#/ } split /\n/, qx(systemd-analyze syscall-filter '$set');
}
open(my $u, '<', 'debian/wazo-auth.service') or die "debian/wazo-auth.service: $!";
my %let;
foreach (grep { /^SystemCallFilter=/ } <$u>)
{
	my $not = /=~/;
	foreach my $call (map { calls_of($_) } /@[\w-]+/g)
	{
		if ($not) { delete $let{$call} }
		else { $let{$call} = 1 }
	}
}
cmp_ok(scalar(keys %let), '>', 100, "the unit's list was read");
is(join(' ', grep { !$let{$_} } sort keys %seen_of_all), '', 'parent and workers do nothing that it refuses');
done_testing();
