# Runs every example of docs/acl.md. In its sql blocks "-- => x y" behind a
# statement is what the statement prints, rows separated by a blank;
# "-- => /x/" is a pattern that its output matches. A statement without it
# prints nothing.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

BEGIN
{
	# PostgreSQL::Test::Cluster wants to be told where pg_regress is.
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	chomp(my $pgxs = `$pg_config --pgxs`);
	$pgxs =~ s{/makefiles/pgxs\.mk$}{};
	$ENV{PG_REGRESS} //= "$pgxs/test/regress/pg_regress";
}
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('acl_doc');
$node->init;
$node->start;

open my $in, '<', "$FindBin::RealBin/../../docs/acl.md" or die "docs/acl.md: $!";
my ($inside, $examples) = (0, 0);
# one session, so that an example may build on the one before
my $script = '';
my @wanted;
while (my $line = <$in>)
{
	if ($line =~ /^```/)
	{
		$inside = $line =~ /^```sql/;
		next;
	}
	next unless $inside;
	my ($statement, $want) = $line =~ /^(.*?;)\s*(?:-- =>(?: (.*?))?)?\s*$/
	  or die "line $. of docs/acl.md is not one statement: $line";
	push @wanted, [ $., $statement, $want // '' ];
	$script .= "$statement\n\\echo ------\n";
}
close $in;

my @got = split /^------\n/m, $node->safe_psql('postgres', "SET client_min_messages = warning;\n$script") . "\n", -1;
foreach my $example (@wanted)
{
	my ($line, $statement, $want) = @$example;
	my $got = shift(@got) // '(nothing: an earlier statement failed)';
	$got =~ s/\n\z//;
	if ($want =~ m{^/(.*)/$})
	{
		like($got, qr/$1/s, "line $line: $statement");
	}
	else
	{
		is(join(' ', split /\n/, $got), $want, "line $line: $statement");
	}
}
cmp_ok(scalar @wanted, '>', 80, 'the examples were found');

$node->stop;
done_testing();
