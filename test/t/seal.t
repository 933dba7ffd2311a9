# Sealed values: the key file and its checks, contexts, tampering, rotation.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Temp ();
use MIME::Base64 qw(encode_base64);
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

my $dir = File::Temp->newdir('wazo_auth_seal_XXXXXX', TMPDIR => 1);
my $file = "$dir/secret.key";

sub key { return encode_base64(chr($_[0]) x 32, '') }

# Replaces the key file as an operator would: a new file, renamed.
sub write_keys
{
	my ($text, $mode) = @_;
	open(my $out, '>', "$file.new") or die "$file.new: $!";
	chmod $mode // 0600, "$file.new" or die $!;
	print $out $text;
	close $out or die $!;
	rename "$file.new", $file or die $!;
	return;
}

my $node = PostgreSQL::Test::Cluster->new('seal');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', <<"EOC");
shared_preload_libraries = 'wazo_auth'
wazo_auth.secret_key_file = '$file'
EOC
$node->start;

sub sql { return scalar $node->safe_psql('postgres', $_[0]) }

# The error of a statement that must fail.
sub failure
{
	my ($statement) = @_;
	my ($rc, $out, $err) =
	  $node->psql('postgres', $statement, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $rc == 0 ? "no error but: $out" : $err;
}

sql('CREATE EXTENSION wazo_auth CASCADE');
sql('CREATE TABLE box (id integer PRIMARY KEY, v bytea)');

# no key yet
my $err = failure("SELECT wazo_auth.seal('x', 'c')");
like($err, qr/F0000: the secret key file cannot be opened: No such file/, 'sealing without a key');
like($err, qr/HINT: .*openssl rand -base64 32/, 'says how to make one');
# the hint is followed as it stands: it makes a key, and never overwrites one
{
	my ($command) = $err =~ /run: (\(umask .*\)), and set/;
	$command =~ s/FILE/'$file'/;
	system('bash', '-c', $command);
	is((stat $file)[2] & 0777, 0600, 'the hint makes a file for its owner alone');
	is(sql("SELECT wazo_auth.unseal(wazo_auth.seal('x', 'c'), 'c')"), 'x', '... that seals');
	my $made = slurp_file($file);
	chmod 0644, $file;
	system('bash', '-c', "$command 2>/dev/null");
	is(slurp_file($file), $made, '... and followed again leaves the key alone');
	like(failure("SELECT wazo_auth.seal('x', 'c')"), qr/HINT:  Run: chown .*chmod 600/, 'rights have a hint of their own');
	unlink $file;
}
unlike($err, qr/\Q$dir\E/, 'the path goes to the log only');
like(slurp_file($node->logfile), qr/secret_key_file is "\Q$file\E"/, 'where it stands');

# what a key file must not be
for my $case (
	[ '',                              0600, 'holds no key' ],
	[ "# only\n\n",                    0600, 'holds no key' ],
	[ 'k1:' . key(1) . "\n",           0640, 'is accessible for others' ],
	[ 'k1:' . key(1) . "\n",           0604, 'is accessible for others' ],
	[ key(1) . "\n",                   0600, 'line 1 .* does not begin with a key id' ],
	[ ':' . key(1) . "\n",             0600, 'line 1 .* does not begin with a key id' ],
	[ ('k' x 33) . ':' . key(1),       0600, 'line 1 .* does not begin with a key id' ],
	[ 'k 1:' . key(1),                 0600, 'line 1 .* other characters' ],
	[ "\n# x\nk1:AAAA\n",              0600, 'line 3 .* does not hold the base64 text of 32 bytes' ],
	[ 'k1:' . ('!' x 44) . "\n",       0600, 'line 1 .* does not hold the base64' ],
	[ 'k1:' . ('A' x 44) . "\n",       0600, 'line 1 .* does not hold the base64' ],
	[ join('', map { 'k1:' . key($_) . "\n" } 1, 2), 0600, 'line 2 .* repeats a key id' ],
	[ join('', map { "k$_:" . key($_) . "\n" } 1 .. 65), 0600, 'line 65 .* one key too many' ],
	[ "#\n" x 10000,                   0600, 'is too large' ],)
{
	my ($text, $mode, $want) = @$case;
	write_keys($text, $mode);
	$err = failure("SELECT wazo_auth.seal('x', 'c')");
	like($err, qr/F0000: .*$want/, "refused: $want");
	unlike($err, qr/\Q${\key(1)}\E/, 'and no key is shown');
}
unlink $file;
mkdir $file or die $!;
like(failure("SELECT wazo_auth.seal('x', 'c')"), qr/F0000: .*not a regular file/, 'refused: a directory');
rmdir $file;
system('mkfifo', '-m', '600', $file) == 0 or die 'mkfifo';
like(failure("SELECT wazo_auth.seal('x', 'c')"), qr/F0000: .*not a regular file/, 'refused: a pipe, without hanging');
unlink $file;

# sealing
write_keys("# the first one seals\n\nk1:" . key(1) . "\r\n");
is(sql('SELECT wazo_auth.seal_key_id()'), 'k1', 'the current key');
sql("INSERT INTO box SELECT i, wazo_auth.seal('secret ' || i, 'box.v:' || i) FROM generate_series(1, 100) AS i");
is(sql("SELECT count(*) FROM box WHERE wazo_auth.unseal(v, 'box.v:' || id) = 'secret ' || id"), '100', 'all come back');
is(sql("SELECT count(*) FROM box WHERE position('secret'::bytea IN v) > 0"), '0', 'nothing shows');
is(sql("SELECT wazo_auth.seal('x', 'c') = wazo_auth.seal('x', 'c')"), 'f', 'equal texts look different');
is(sql("SELECT string_agg(DISTINCT wazo_auth.sealed_key_id(v), ',') FROM box"), 'k1', 'the key id is told');
is(sql("SELECT wazo_auth.unseal(wazo_auth.seal(t, ''), '') = t FROM (SELECT repeat('é', 500000) AS t) AS s"), 't', 'a megabyte');
is(sql("SELECT wazo_auth.unseal(wazo_auth.seal('', ''), '') = ''"), 't', 'an empty text');
is(sql("SELECT wazo_auth.seal(NULL, '') IS NULL AND wazo_auth.unseal(NULL, '') IS NULL"), 't', 'null in, null out');
like(failure("SELECT wazo_auth.seal(repeat('x', 1024 * 1024 + 1), '')"), qr/54000/, 'over a megabyte');

# another place, and every changed byte
like(failure("SELECT wazo_auth.unseal(v, 'box.v:2') FROM box WHERE id = 1"),
	qr/22000: a sealed value was changed, or belongs to another place/, 'another context');
is( sql(<<'EOQ'), '57|57|0', 'no changed byte passes');
CREATE FUNCTION pg_temp.state(v bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN wazo_auth.unseal(v, 'c');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
WITH s AS (SELECT wazo_auth.seal(repeat('x', 25), 'c') AS v),
     t AS (SELECT pg_temp.state(set_byte(v, i, get_byte(v, i) # 1)) AS state FROM s, generate_series(0, length(v) - 1) AS i)
SELECT count(*), count(*) FILTER (WHERE state IN ('22000', '22023', 'F0000')), count(*) FILTER (WHERE state LIKE 'x%') FROM t
EOQ
is( sql(<<'EOQ'), 't', 'no beginning of one passes');
CREATE FUNCTION pg_temp.state(v bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN wazo_auth.unseal(v, 'c');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
WITH s AS (SELECT wazo_auth.seal('xxxx', 'c') AS v)
SELECT bool_and(pg_temp.state(substr(v, 1, i)) IN ('22000', '22023', 'F0000')) FROM s, generate_series(0, length(v) - 1) AS i
EOQ
like(failure("SELECT wazo_auth.sealed_key_id('\\x')"), qr/22023/, 'nothing is no sealed value');

# rotation, seen by a session that has the old key in memory
my $session_script = <<"EOQ";
SELECT wazo_auth.seal_key_id();
\\! cp -p "$file" "$file.old" && mv "$file.next" "$file"
SELECT wazo_auth.seal_key_id();
SELECT wazo_auth.unseal(v, 'box.v:1') FROM box WHERE id = 1;
UPDATE box SET v = wazo_auth.reseal(v, 'box.v:' || id) WHERE wazo_auth.sealed_key_id(v) <> wazo_auth.seal_key_id() AND id <= 60;
SELECT wazo_auth.reseal(v, 'box.v:1') = v FROM box WHERE id = 1;
EOQ
write_keys('k1:' . key(1) . "\n");
{
	open(my $out, '>', "$file.next") or die $!;
	chmod 0600, "$file.next";
	print $out 'k2:' . key(2) . "\nk1:" . key(1) . "\n";
	close $out;
}
is(sql($session_script), "k1\nk2\nsecret 1\nt", 'a running session takes the new key');
is(sql("SELECT wazo_auth.sealed_key_id(v), count(*) FROM box GROUP BY 1 ORDER BY 1"), "k1|40\nk2|60", 'the key ids tell what is left');
is(sql("SELECT count(*) FROM box WHERE wazo_auth.unseal(v, 'box.v:' || id) = 'secret ' || id"), '100', 'old and new come back');
write_keys('k2:' . key(2) . "\n");
like(failure("SELECT wazo_auth.unseal(v, 'box.v:100') FROM box WHERE id = 100"),
	qr/F0000: the secret key file has no key for this sealed value/, 'without the old key');
is(sql("SELECT wazo_auth.unseal(v, 'box.v:1') FROM box WHERE id = 1"), 'secret 1', 'the others are as before');
write_keys('k2:' . key(3) . "\n");
like(failure("SELECT wazo_auth.unseal(v, 'box.v:1') FROM box WHERE id = 1"), qr/22000/, 'another key of the same id');

# the setting is not for everybody, and changes by reload
sql('CREATE ROLE somebody LOGIN');
like(failure('SET ROLE somebody; SHOW wazo_auth.secret_key_file'), qr/must be superuser|permission denied|pg_read_all_settings/, 'the path is hidden');
my $other = "$dir/other.key";
write_keys('k9:' . key(9) . "\n");
rename $file, $other or die $!;
$node->append_conf('postgresql.conf', "wazo_auth.secret_key_file = '$other'");
$node->reload;
my ($id, $end) = ('', time + 300);
while ($id ne 'k9' && time < $end)
{
	my ($rc, $out) = $node->psql('postgres', 'SELECT wazo_auth.seal_key_id()');
	$id = $rc == 0 ? $out : '';
	sleep 0.05 if $id ne 'k9';
}
is($id, 'k9', 'a reload changes the file');

# neither keys nor plaintexts reach the log
my $log = slurp_file($node->logfile);
unlike($log, qr/\Q${\key($_)}\E/, "key $_ is not in the log") for 1, 2, 3, 9;
$node->stop;

done_testing();
