# WazoNode: servers with the extension for TAP tests, on top of
# PostgreSQL::Test::Cluster.
#
#   my $node = new_node('name', 'wazo_auth.token_cleanup_interval = 1');
#   add_database($node, 'app');
#   until_is($node, 'app', 'SELECT 1', '1', 'name of the test');
#   my $front = start_front($node, 'app');
#   my $answer = call($front, 'POST', '/0.1/token', login => 'me:secret', body => '{}');
#   stop_front($front);
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoNode;

use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use HTTP::Tiny;
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);
use WazoPort;

BEGIN
{
	# PostgreSQL::Test::Cluster wants to be told where pg_regress is.
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	chomp(my $pgxs = `$pg_config --pgxs`);
	$pgxs =~ s{/makefiles/pgxs\.mk$}{};
	$ENV{PG_REGRESS} //= "$pgxs/test/regress/pg_regress";
}
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(new_node add_database until_is until_true start_front stop_front call);
my %fronts;

# A cluster with the extension's library preloaded, not started: initialised
# for replication, with the key for refresh tokens, with further settings and
# what PostgreSQL::Test::Cluster takes besides (install_path).
sub new_node
{
	my ($name, $conf, @more) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, @more);
	$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<"EOC");
shared_preload_libraries = 'wazo_auth'
wazo_auth.secret_key_file = '$ENV{WAZO_AUTH_SECRET_KEY_FILE}'
wazo_auth.argon2_memory = '4MB'
wazo_auth.launcher_interval = 1
restart_after_crash = on
max_worker_processes = 32
max_connections = 60
${\($conf // '')}
EOC
	return $node;
}

# A database with the extension and its top tenant.
sub add_database
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($database, 'CREATE EXTENSION wazo_auth CASCADE; SELECT wazo_auth.bootstrap()');
	return;
}

# Polls until the code returns true, at most some minutes. Returns what it
# returned last. The limit ends a test that has failed, on however slow a machine.
sub until_true
{
	my ($code, $seconds) = @_;
	my $end = time + ($seconds // 180);
	my $got;
	until ($got = $code->())
	{
		return $got if time > $end;
		sleep 0.05;
	}
	return $got;
}

# Polls until the query answers what is wanted; a test that passes or fails.
# A server that does not answer just now counts as another answer.
sub until_is
{
	my ($node, $database, $query, $want, $what, $seconds) = @_;
	my $got;
	until_true(sub {
		$got = '';
		$node->psql($database, $query, stdout => \$got);
		return $got eq $want;
	}, $seconds);
	return is($got, $want, $what);
}

# The built front before a database, on a free port. Returns a hash: pid, url,
# log (path of the file with its output).
sub start_front
{
	my ($node, $database, @options) = @_;
	my $binary = $ENV{WAZO_AUTH_FRONT} // abs_path(dirname(__FILE__) . '/../../build/wazo-auth');
	my $port = WazoPort::free_port();
	my $front = { url => "http://127.0.0.1:$port", log => $node->basedir . "/front.$port.log" };
	# a member of the role: it inherits the rights, but none of the settings
	my @cmd = ($binary, '-c', '', '--listen-port', $port, '--database',
		$node->connstr($database) . ' user=front', @options);
	die "$binary is not built" if !-x $binary;
	$node->safe_psql('postgres', q{SELECT 'CREATE ROLE front LOGIN IN ROLE wazo_auth_front'
		WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'front') \gexec});
	$front->{pid} = fork() // die "fork: $!";
	if ($front->{pid} == 0)
	{
		# the test ends it, not who presses Ctrl-C
		POSIX::setpgid(0, 0);
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $front->{log});
		open(STDERR, '>&', \*STDOUT);
		exec(@cmd) or POSIX::_exit(127);
	}
	$fronts{ $front->{pid} } = $$;
	until_true(sub {
		die "the front ended; its log is $front->{log}" if waitpid($front->{pid}, WNOHANG) == $front->{pid};
		return call($front, 'HEAD', '/0.1/status')->{status} == 200;
	}) or die "the front does not start; its log is $front->{log}";
	return $front;
}

sub stop_front
{
	my ($front) = @_;
	kill 'TERM', $front->{pid};
	until_true(sub { waitpid($front->{pid}, WNOHANG) == $front->{pid} })
		or die 'the front does not stop';
	delete $fronts{ $front->{pid} };
	return;
}

# One request. Options: login "name:password", body (JSON), headers, http (an
# HTTP::Tiny to keep the connection). Returns HTTP::Tiny's answer, whose status
# is 599 when there was none.
sub call
{
	my ($front, $method, $target, %opt) = @_;
	my $http = $opt{http} // HTTP::Tiny->new(timeout => 300);
	my %headers = %{ $opt{headers} // {} };
	$headers{Authorization} = 'Basic ' . encode_base64($opt{login}, '') if defined $opt{login};
	$headers{'Content-Type'} = 'application/json' if defined $opt{body};
	return $http->request($method, $front->{url} . $target,
		{ headers => \%headers, defined $opt{body} ? (content => $opt{body}) : () });
}

# a test that dies leaves no front behind
END
{
	my $status = $?;
	kill 'KILL', grep { $fronts{$_} == $$ } keys %fronts;
	$? = $status;
}

1;
