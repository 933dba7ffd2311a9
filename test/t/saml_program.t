# The program that reads SAML documents, when it crashes, hangs, lies or is not
# there: it costs the one who asked an error, and nobody else notices.
#
# The program here is the real one, linked with a parser that does what the
# document says (test/unit/hostile_document.c).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use IPC::Run ();
use WazoNode;
use WazoSaml;
use WazoTree;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# An installation of one's own, with that program in it.
my ($programs, $install_path) = own_installation(abs_path(PostgreSQL::Test::Utils::tempdir()));
system_or_bail('make', '--no-print-directory', '-s', 'build/unit/saml_hostile');
my $program = "$programs/wazo-auth-xml";
system_or_bail('cp', $program, "$program.good");
system_or_bail('cp', 'build/unit/saml_hostile', $program);
my $node = new_node('saml', "log_statement = none\nwazo_auth.saml_timeout = '60s'\n", install_path => $install_path);
$node->start;
add_database($node, 'app');
sub sql { return scalar $node->safe_psql('app', $_[0]) }
sub reading { return "SELECT wazo_auth.saml_read_metadata('00000000-0000-4000-8000-000000000001', '$_[0]'::bytea)" }

# What a document comes to: the result, or the SQLSTATE.
sub outcome
{
	my ($query) = @_;
	my ($status, $out, $err) = $node->psql('app', $query, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $err =~ /ERROR:\s+(\w{5}):/ ? $1 : $out . $err;
}

sub log_since
{
	my ($offset) = @_;
	return substr(slurp_file($node->logfile), $offset);
}
sub log_end { return -s $node->logfile }

# Somebody else, in the middle of a transaction.
my ($in, $out) = ('', '');
my $other = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app') ], '<', \$in, '>', \$out,
	IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));

sub ask_other
{
	my ($query) = @_;
	$out = '';
	$in .= "$query;\nSELECT 'done';\n";
	$other->pump until $out =~ /^done$/m;
	return $out =~ s/done\n//r;
}
my $whole = ask_other('BEGIN; CREATE TEMP TABLE kept AS SELECT 1 AS x; SELECT pg_backend_pid()');
my $began = sql('SELECT pg_postmaster_start_time()');

# ---- crashes, and answers that are none
foreach my $case (
	[ crash => qr/terminated by signal 11/ ], [ overflow => qr/terminated by signal 11/ ], [ memory => qr/terminated by signal 31/ ],
	[ open => qr/terminated by signal 31/ ], [ nothing => undef ], [ endless => undef ], [ refused_as_result => undef ],
	[ result_as_refused => undef ], [ result_and_failed => qr/exited with exit code 7/ ], [ other_result => undef ],
	[ no_result_first => undef ], [ beyond_the_end => undef ], [ huge_length => undef ], [ negative_length => undef ],
	[ no_newline => undef ], [ long_name => undef ], [ zero_byte => undef ], [ not_utf8 => undef ])
{
	my ($word, $said) = @$case;
	my $from = log_end();
	is(outcome(reading($word)), '{"refused": "reader_failed"}', "$word: refused");
	like(log_since($from), qr/program "wazo-auth-xml" failed: .*$said/, '... and the log says how it ended') if $said;
	like(log_since($from), qr/SAML job parse_metadata of tenant 00000000-0000-4000-8000-000000000001 was refused: reader_failed$/m, '... and of whom');
}
is(sql("SELECT r ->> 'entity_id' FROM wazo_auth.saml_read_metadata(NULL, 'quotes') r"), '","a":"b\\', 'quotes in an answer make no members');
is(sql(reading('<a/>')), '{"detail": "a", "refused": "not_metadata"}', 'the next job is done as ever');
is(outcome("SELECT count(*) FROM pg_ls_dir('/proc/self/fd') UNION ALL SELECT count(wazo_auth.saml_read_metadata(NULL, 'crash')) FROM generate_series(1, 30)"
	  . " UNION ALL SELECT count(*) FROM pg_ls_dir('/proc/self/fd')") =~ s/^(\d+)\n30\n\1\z/same/r, 'same', 'no descriptor is left of those that crash');

# ---- one that never answers
sub begin
{
	my ($name, $query) = @_;
	my %run = (out => '', err => '');
	$run{handle} = IPC::Run::start([ 'psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('app') . " application_name=$name", '-c', $query ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%run;
}

sub finish { $_[0]->{handle}->finish; return $_[0]->{err} . $_[0]->{out} }

# The process that the backend of that name has started, or none.
sub program_of
{
	my ($name) = @_;
	my $backend = sql("SELECT pid FROM pg_stat_activity WHERE application_name = '$name'") || return;
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		my $text = eval { slurp_file($stat) } // next;
		next unless $text =~ /^(\d+) \(wazo-auth-xml\) \S $backend /;
		# in its sandbox already: before, it has read nothing
		return [ $1, $backend ] if (eval { slurp_file("/proc/$1/status") } // '') =~ /^Seccomp:\s*2$/m;
	}
	return;
}
sub is_gone { my ($pid) = @_; return until_true(sub { (eval { slurp_file("/proc/$pid/stat") } // '0 (gone) Z') =~ /^\d+ \(.*\) Z/ }) }

foreach my $way ([ pg_cancel_backend => qr/57014/ ], [ pg_terminate_backend => qr/57P01/ ])
{
	my ($function, $error) = @$way;
	my $run = begin('waits', reading('hang'));
	my $found = until_true(sub { program_of('waits') });
	ok($found, 'a program hangs');
	sql("SELECT $function($found->[1])");
	like(finish($run), $error, "$function ends who waits for it");
	ok(is_gone($found->[0]), '... and it');
}
{
	my $run = begin('leaves', reading('hang'));
	my $found = until_true(sub { program_of('leaves') });
	$run->{handle}->kill_kill;
	sql("SELECT pg_cancel_backend($found->[1])");
	ok(is_gone($found->[0]), 'so does the end of a session');
}
# ---- as many as may run do, and nobody can start more
my @hanging = map { begin("hangs$_", reading('hang')) } 1 .. 3;
my @hung = map { my $n = $_; until_true(sub { program_of("hangs$n") }) } 1 .. 3;
is(scalar(grep { $_ } @hung), 3, 'three programs run');
my $start = log_end();
is(outcome(reading('<a/>')), 'WA503', 'a fourth one is not started: 503');
like(log_since($start), qr/SAML job parse_metadata of tenant \S+ was not tried: too many SAML documents are being read$/m, '... the log says why');
# Whoever waits does so once.
my $sleeps = q(SELECT substring(pg_read_file('/proc/self/status') FROM 'voluntary_ctxt_switches:\s*(\d+)')::integer);
my (undef, $counts, $refusals) = $node->psql('app', join('; ', $sleeps, reading('<a/>'), $sleeps, (reading('<a/>')) x 10, $sleeps) . ';', on_error_stop => 0);
is(scalar(() = $refusals =~ /too many SAML documents/g), 11, '... nor are eleven more');
my ($before, $once, $after) = split /\n/, $counts;
cmp_ok($once - $before, '>', 10, '... the first of which waits');
cmp_ok($after - $once, '<', 5 * 10, '... and the others do not');
$node->append_conf('postgresql.conf', 'wazo_auth.max_saml_documents = 4');
$node->reload;
until_is($node, 'app', 'SHOW wazo_auth.max_saml_documents', '4', 'one more may');
is(sql(reading('<a/>')), '{"detail": "a", "refused": "not_metadata"}', '... and does');
$node->append_conf('postgresql.conf', 'wazo_auth.max_saml_documents = 3');
$node->reload;
until_is($node, 'app', 'SHOW wazo_auth.max_saml_documents', '3', 'three again');
sql("SELECT pg_cancel_backend($hung[0][1])");
finish($hanging[0]);
is(sql(reading('<a/>')), '{"detail": "a", "refused": "not_metadata"}', 'who was cancelled has left its place to the next');
sql("SELECT pg_cancel_backend($_->[1])") foreach @hung[1, 2];
finish($_) foreach @hanging[1, 2];

# ---- one that uses the processor for ever, beside everything below
my $spin = begin('spins', reading('spin'));
ok(until_true(sub { program_of('spins') }), 'a program uses the processor');

$node->append_conf('postgresql.conf', "wazo_auth.saml_timeout = '300ms'");
$node->reload;
until_is($node, 'app', 'SHOW wazo_auth.saml_timeout', '300ms', 'a short limit');
my $from = log_end();
is(outcome(reading('hang')), 'WA503', 'the limit is over: 503');
like(log_since($from), qr/SAML job parse_metadata of tenant \S+ has no answer: it took longer than wazo_auth.saml_timeout$/m, '... the log says why');

# ---- one that is not there
foreach my $case ([ 'missing', sub { unlink $program } ], [ 'not to be executed', sub { system_or_bail('cp', "$program.good", $program); chmod 0644, $program } ])
{
	my ($what, $make) = @$case;
	$make->();
	$from = log_end();
	is(outcome(reading('<a/>')), 'WA503', "$what: 503");
	like(log_since($from), qr/could not start ".*wazo-auth-xml": /, '... the log says why');
}
$node->append_conf('postgresql.conf', "wazo_auth.saml_timeout = '60s'");
$node->reload;
chmod 0755, $program;
is(sql(reading('<a/>')), '{"detail": "a", "refused": "not_metadata"}', 'it is back: it is used, without a restart');

# ---- nobody else has noticed
is(finish($spin), "{\"refused\": \"reader_failed\"}\n", 'the one that used the processor was ended by its limit');
is(ask_other('SELECT pg_backend_pid(), x FROM kept; COMMIT'), $whole =~ s/\n//r . "|1\n", 'another session went on in its transaction');
is(sql('SELECT pg_postmaster_start_time()'), $began, 'the server did not restart');
unlike(slurp_file($node->logfile), qr/terminating any other active server processes|was terminated by signal \d+.*server process/, '... nor did any of its processes crash');
unlike(slurp_file($node->logfile), qr/PRIVATE KEY|BEGIN CERTIFICATE/, 'no key is in the log');
$in .= "\\q\n";
$other->finish;

# ---- the whole server is killed while a program hangs
system_or_bail('cp', 'build/unit/saml_hostile', "$program.new");
rename "$program.new", $program or die $!;
my $run = begin('orphan', reading('hang'));
my $found = until_true(sub { program_of('orphan') });
kill 'KILL', $found->[1];
ok(is_gone($found->[0]), 'a program whose backend was killed ends too');
$run->{handle}->kill_kill;

done_testing();
