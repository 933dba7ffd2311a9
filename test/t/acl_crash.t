# The index on ACLs after a crash: what was committed is found through it, and
# nothing else, with and without a pending list; and the statistics of the
# type survive.
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
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('acl_crash');
$node->init;
$node->append_conf('postgresql.conf', <<'EOF');
autovacuum = off
checkpoint_timeout = 1h
EOF
$node->start;

sub sql { return scalar $node->safe_psql('postgres', "SET search_path = public, wazo_auth; $_[0]") }

# Rows that grant an access: by index, and by asking each; must be the same.
sub found
{
	my ($access) = @_;
	my $by_index = sql("SET enable_seqscan = off; SELECT string_agg(id::text, ',' ORDER BY id) FROM acl_set WHERE acl \@> '$access'");
	my $by_scan = sql("SET enable_bitmapscan = off; SELECT string_agg(id::text, ',' ORDER BY id) FROM acl_set WHERE acl \@> '$access'");
	is($by_index, $by_scan, "index and scan agree about $access");
	return $by_index;
}

sql('CREATE EXTENSION wazo_auth CASCADE');
sql('CREATE TABLE acl_set (id int, acl acl)');
sql('CREATE INDEX acl_set_acl ON acl_set USING gin (acl)');
sql("INSERT INTO acl_set SELECT i, ARRAY['common.#', 'own.e' || i || '.*', 'x.me.#']::acl FROM generate_series(1, 3000) AS i");
sql('VACUUM ANALYZE acl_set');
sql('CHECKPOINT');

# after the checkpoint: all of this is in the log only
sql("INSERT INTO acl_set SELECT i, ARRAY['fresh.#', 'own.e' || i || '.*']::acl FROM generate_series(3001, 3200) AS i");
sql('DELETE FROM acl_set WHERE id BETWEEN 1 AND 100');
my $open = $node->background_psql('postgres');
$open->query_safe("BEGIN; INSERT INTO acl_set VALUES (9999, '{fresh.#,own.e5.*}')");
sql('SELECT pg_switch_wal()');
$node->stop('immediate');
$open->{run}->finish;
$node->start;

is(found('own.e3100.x'), '3100', 'a row committed before the crash is found');
is(found('own.e50.x'), '', 'a deleted one is not');
is(found('own.e5.x'), '', 'one that was not committed is not');
is(scalar(split /,/, found('fresh.x')), 200, 'all of them are there');
is(found('own.e2999.x'), '2999', 'older rows are still found');
is(sql("SELECT count(*) FROM acl_set WHERE acl_grants(acl, 'x.u1.y', 'u1', NULL)"), '2900', 'with an identity too');

# again, crashing after the pending list was merged and rows were vacuumed
sql("SELECT gin_clean_pending_list('acl_set_acl')");
sql('VACUUM acl_set');
sql("UPDATE acl_set SET acl = acl || '{late.*}' WHERE id % 100 = 0");
$node->stop('immediate');
$node->start;
is(scalar(split /,/, found('late.x')), 31, 'changed rows are found after the second crash');
is(scalar(split /,/, found('fresh.x')), 200, 'and the others');
like(sql("EXPLAIN SELECT FROM acl_set WHERE acl \@> 'common.x'"), qr/Seq Scan.*rows=(29|30|31)\d\d/,
	'the planner still knows that most rows grant it');

$node->stop;
done_testing();
