# WazoUpstream: the database of an upstream wazo-auth for TAP tests.
#
#   make_upstream($node, 'app', schema => 'upstream', users => 1000, tokens => 3000, tenants => 20);
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoUpstream;

use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils qw(slurp_file);

our @EXPORT = qw(make_upstream);
my $data = abs_path(dirname(__FILE__) . '/../data');

# PBKDF2-HMAC-SHA-512 of "secret", 250000 rounds and 64 bytes, over the 64 bytes 00 to 3f, as upstream's hashlib gives it.
my $salt = unpack('H*', pack('C*', 0 .. 63));
my $hash = 'b640077187de88c62a80c9aaeac5322f7786c473126922f665b782ee65d1768498db295b28c75bd5359f7475368f0d8b97f21ac993bbb6dff2297adeb7f9e203';

# Fills a schema of a database, which is made when there is none, with that many users, tokens and tenants.
sub make_upstream
{
	my ($node, $database, %opt) = @_;
	my $schema = $opt{schema} // 'upstream';
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'")
		if $node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = '$database'") eq '0';
	$node->safe_psql($database, qq{CREATE EXTENSION IF NOT EXISTS "uuid-ossp" SCHEMA public; CREATE SCHEMA IF NOT EXISTS $schema});
	local $ENV{PGOPTIONS} = "-c search_path=$schema,public -c client_min_messages=warning";
	my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database));
	my ($ddl) = slurp_file("$data/../../sql/upstream/schema.sql") =~ /\$ddl\$(.*)\$ddl\$/s;
	$node->safe_psql($database, $ddl);
	return if !defined $opt{users};
	system(@psql, (map { ('-v', "$_=$opt{$_}") } qw(users tokens tenants)), '-v', "hash=$hash", '-v', "salt=$salt",
		'-o', '/dev/null', '-f', "$data/upstream_rows.sql") == 0 or die 'upstream_rows.sql';
	return;
}

1;
