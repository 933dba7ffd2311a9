# The program that talks to directories, when it crashes or lies: it costs the
# login an error, and nobody else notices. And what all programs beside the
# server do before they talk to anybody: limit themselves, or end.
#
# The program here is the real one, linked with an exchange that does what the
# login says (test/unit/hostile_exchange.c).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use IPC::Run ();
use WazoNode;
use WazoTree;
use PostgreSQL::Test::Utils;
use Test::More;

# ---- a process that cannot be limited ----
my $folder = abs_path(PostgreSQL::Test::Utils::tempdir());
my $programs = program_folder();
append_to_file("$folder/unlimited.c", <<'EOC');
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
/* UNLIMITED: the number of the call that fails, among those that limit a process. */
#include <dlfcn.h>
static int which;
/* at once: a program may clear its environment */
__attribute__((constructor)) static void look(void) { const char *text = getenv("UNLIMITED"); which = text == NULL ? 0 : atoi(text); }
static int failing(void) { static int n; errno = EPERM; return ++n == which; }
int setrlimit(unsigned int resource, const void *limit) { int (*real)(unsigned int, const void *) = dlsym(RTLD_NEXT, "setrlimit"); return failing() ? -1 : real(resource, limit); }
int prctl(int option, ...) { va_list a; unsigned long v[4]; int (*real)(int, ...) = dlsym(RTLD_NEXT, "prctl");
  va_start(a, option); for (int i = 0; i < 4; i++) v[i] = va_arg(a, unsigned long); va_end(a);
  /* libraries read what a process may do when they are loaded */
  return (option == PR_SET_PDEATHSIG || option == PR_SET_DUMPABLE || option == PR_SET_NO_NEW_PRIVS) && failing() ? -1 : real(option, v[0], v[1], v[2], v[3]); }
EOC
system_or_bail('cc', '-w', '-D_GNU_SOURCE', '-shared', '-fPIC', '-o', "$folder/unlimited.so", "$folder/unlimited.c");

sub status_of
{
	my ($name, $failing) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'env', "LD_PRELOAD=$folder/unlimited.so", "UNLIMITED=$failing", "$programs/$name" ], '<', \'', '>', \$out, '2>', \$err);
	return "$out " . ($? >> 8);
}
# By program: how many calls limit it.
my %calls = ('wazo-auth-ldap' => 7, 'wazo-auth-oauth2' => 7, 'wazo-auth-oauth2-relay' => 7, 'wazo-auth-xml' => 7);
is(join(' ', sort keys %calls), join(' ', sort map { s{.*/}{}r } glob "$programs/wazo-auth-*"), 'all programs are looked at');
foreach my $name (sort keys %calls)
{
	isnt(status_of($name, 0), ' 3', "$name begins where all limits hold");
	is(status_of($name, $_), ' 3', "... and not where limit $_ does not") foreach 1 .. $calls{$name};
}

# ---- an installation of one's own, with the hostile program in it ----
my ($own_programs, $install_path) = own_installation($folder);
system_or_bail('make', '--no-print-directory', '-s', 'build/unit/ldap_hostile');
my $program = "$own_programs/wazo-auth-ldap";
unlink $program;
system_or_bail('cp', 'build/unit/ldap_hostile', $program);
my $node = new_node('ldap_program', "log_statement = none\nwazo_auth.ldap_login_timeout = '60s'\n", install_path => $install_path);
$node->start;
add_database($node, 'app');
sub sql { return scalar $node->safe_psql('app', $_[0]) }
my $north = sql("SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'North', 'north')");
my $user = sql("SELECT wazo_auth.create_user('$north', 'bobafett', 'x', 'bobafett\@wazo-auth.com', authentication_method => 'ldap')");
sql(qq(SELECT wazo_auth.set_ldap_config('$north', '{"host": "127.0.0.1", "port": 1, "user_base_dn": "dc=x", "user_login_attribute": "cn", "user_email_attribute": "mail"}')));

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

# A login: its token's owner, or the SQLSTATE.
sub login
{
	my ($word) = @_;
	my ($status, $token, $stderr) = $node->psql('app', "SELECT t.token FROM wazo_auth.token_create('$word', 'the-password', members => '{\"tenant_id\": \"north\"}') t",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $stderr =~ /ERROR:\s+(\w{5}):/ ? $1 : sql("SELECT s.user_uuid FROM wazo_auth.session s WHERE s.token_digest = wazo_auth.token_digest('$token')");
}
foreach my $case ([ crash => qr/terminated by signal 11/ ], [ overflow => qr/terminated by signal 11/ ], [ memory => qr/terminated by signal 6/ ],
	[ endless => undef ], [ nothing => undef ], [ half => undef ], [ more => undef ], [ failed => qr/exited with exit code 7/ ], [ refused => undef ], [ not_utf8 => undef ])
{
	my ($word, $said) = @$case;
	my $from = -s $node->logfile;
	is(login($word), 'WA401', "$word: the login is refused");
	my $log = slurp_file($node->logfile, $from);
	like($log, qr/program "wazo-auth-ldap" failed: .*$said/, '... and the log says how the program ended') if $said;
	like($log, qr/LDAP login of tenant $north was refused: /, '... and of whom');
	unlike($log, qr/the-password/, '... without the password');
}
is(login('good'), $user, 'the next login is as ever');
is(ask_other('SELECT pg_backend_pid(), x FROM kept; COMMIT'), $whole =~ s/\n//r . "|1\n", 'another session went on in its transaction');
is(sql('SELECT pg_postmaster_start_time()'), $began, 'the server did not restart');
$in .= "\\q\n";
$other->finish;

done_testing();
