# Each fenced block of README.md and docs/*.md is run: here, one after the other as they stand on their page, or by the
# test that is named below, or there is a reason why it cannot be. A block that is new is run here without a word.
#
# Each page has a database of its own, named as it names it, with an administrator, a tenant and a user. Blocks find
# them as variables of psql (:'token', :'tenant', :'user') and of the shell (BASE_URL, TOKEN, USER, DOMAIN_UUID).
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run ();
use JSON ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path("$FindBin::RealBin/../..");

# By page, or by the beginning of a block: the test that runs it. The test names the page as "docs/NAME.md".
my %elsewhere = (
	'README.md' => {
		'git clone' => 'test/t/readme.t', 'apt-get' => 'test/packages/packages.sh', '. .run/env' => 'test/t/readme.t', 'BEGIN;' => 'test/t/readme.t',
		'TOKEN=' => 'test/t/readme.t', '' => 'test/fresh/fresh.sh' },
	'docs/acl.md' => { '' => 'test/t/acl_doc.t' },
	'docs/backup.md' => { '(umask 077; { echo "key2' => 'test/t/rotation.t' },
	'docs/developing.md' => { '-- ' => 'test/t/recipes.t', 'make ' => 'test/t/readme.t' },
	'docs/mail.md' => { 'CREATE ROLE text_sender' => 'test/t/mail.t' },
	'docs/migration.md' => {
		'systemctl stop' => 'test/packages/packages.sh', 'curl ' => 'test/packages/packages.sh', 'pg_dump --schema' => 'test/t/export.t', '' => 'test/t/import.t' },
	'docs/operations.md' => { '[Definition]' => 'test/t/login_log.t' },
	'docs/packages.md' => { '' => 'test/packages/packages.sh' },
	'docs/replication.md' => {
		'SELECT format(' => 'test/t/copies.t', 'CREATE EXTENSION' => 'test/t/copies.t', 'ALTER SUB' => 'test/t/copies.t' },
	'docs/scaling.md' => { 'wazo-auth --database' => 'test/t/standby.t', 'listen writes' => 'test/large/cluster.t' },
	'docs/sql.md' => { 'DROP EXTENSION' => 'test/t/uninstall.t', 'DROP OWNED' => 'test/t/uninstall.t' },
	'docs/upgrade.md' => { 'apt-get install' => 'test/packages/packages.sh' },
);

# Why nobody runs it.
my %not_run = (
	'docs/architecture.md' => { ' client ' => 'a drawing' },
	'docs/login-sources.md' => { 'LDAP login of' => 'lines of a log', 'SAML job' => 'lines of a log' },
	'docs/operations.md' => {
		'LOG:  Successful' => 'lines of a log', 'warning: slow' => 'a line of a log', '[wazo-auth]' => 'read by fail2ban' },
	'docs/scaling.md' => { 'wazo-auth --database' => 'names hosts of one\'s own', 'listen writes' => 'read by HAProxy' },
);

# Commands that make the metadata of an identity provider, in idp.xml.
sub idp_metadata
{
	return <<'EOC';
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=idp -keyout /dev/null -out idp.pem 2>openssl.log || { cat openssl.log; exit 1; }
cat >idp.xml <<END
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>$(grep -v -- ----- idp.pem)</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>
END
EOC
}

my %database = ('docs/backup.md' => 'wazo_auth');

# What a page takes for granted, in SQL; and before a block that begins so, in the shell.
my %before = (
	'docs/events.md' => 'CREATE ROLE my_daemon',
	'docs/external-auth.md' => slurp_file("$top/docs/plugins/bar_external_auth.sql") . '; CREATE FUNCTION bar.came_back(uuid, jsonb, jsonb)'
	  . " RETURNS void LANGUAGE sql AS ''; SELECT wazo_auth.unregister('oauth2_callback', 'bar')",
	# copied from another one, it is not live by itself
	'docs/operations.md' => 'SELECT wazo_auth.go_live()',
	'docs/plugins.md' => slurp_file("$top/docs/plugins/badge_idp.sql")
	  . q{; SELECT wazo_auth.unregister('idp', 'badge'); ALTER ROLE badge RENAME TO owner_of_badge},
);
my %before_block = (
	'docs/backup.md' => {
		'PGOPTIONS' => 'dropdb wazo_auth_new; createdb -T template0 -E UTF8 wazo_auth_new',
		'pg_restore -C' => 'createdb -T wazo_auth asterisk; pg_dump -Fc -f asterisk.dump asterisk; dropdb asterisk' },
	'docs/login-sources.md' => { 'curl -X POST $BASE_URL/0.1/backends/saml' => idp_metadata() },
	'docs/mail.md' => { 'psql -v text' => 'echo "Hello {{ username }}" >password_reset_email.jinja' },
);

my $node = new_node('doc_blocks', "wazo_auth.relay_interval = 0\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.saml_timeout = '60s'");
my $dir = PostgreSQL::Test::Utils::tempdir_short();
# a key of its own, which a block makes anew
append_to_file("$dir/secret.key", slurp_file($ENV{WAZO_AUTH_SECRET_KEY_FILE}));
chmod 0600, "$dir/secret.key" or die $!;
$node->append_conf('postgresql.conf', "wazo_auth.secret_key_file = '$dir/secret.key'");
$node->start;
add_database($node, 'fixture');
$node->safe_psql('fixture', <<'EOC');
SELECT wazo_auth.bootstrap('boss', 'boss-s3cret');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'ada', 'wonderland', 'ada@example.com');
SELECT wazo_auth.update_tenant(wazo_auth.top_tenant_uuid(), domain_names => '{example.com}');
EOC
my $domain = $node->safe_psql('fixture', 'SELECT uuid FROM wazo_auth.tenant_domain');

# A folder with the commands, by the names that they have where they are installed, and a curl that fails with its answer.
mkdir "$dir/bin" or die $!;
symlink $ENV{WAZO_AUTH_FRONT} // "$top/build/wazo-auth", "$dir/bin/wazo-auth" or die $!;
append_to_file("$dir/bin/curl", "#!/bin/sh\nexec /usr/bin/curl -sS --fail-with-body \"\$@\"\n");
chmod 0755, "$dir/bin/curl" or die $!;

sub blocks
{
	my ($doc) = @_;
	my (@blocks, $block);
	my $line = 0;
	foreach (split /^/, slurp_file("$top/$doc"))
	{
		$line++;
		if (/^( *)```(.*)/)
		{
			if ($block) { push @blocks, $block; undef $block }
			else { $block = { line => $line, indent => length $1, kind => $2 =~ s/ .*//r, text => '' } }
		}
		elsif ($block) { $block->{text} .= s/^ {0,$block->{indent}}//r }
	}
	die "$doc: a block without an end" if $block;
	return @blocks;
}

# What a table says of a block: under the longest beginning that fits. Notes that the entry is used.
my %used;
sub entry
{
	my ($table, $doc, $block) = @_;
	my ($best) = sort { length $b <=> length $a } grep { index($block->{text}, $_) == 0 } keys %{ $table->{$doc} // {} };
	return undef if !defined $best;
	$used{"$table $doc $best"} = 1;
	return $table->{$doc}{$best};
}

my %roles = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT rolname FROM pg_roles');
sub run_page
{
	my ($doc, @blocks) = @_;
	my $database = $database{$doc} // 'asterisk';
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE fixture");
	my ($token, $tenant, $user) = split /\|/, $node->safe_psql($database,
		"SELECT t.token, wazo_auth.top_tenant_uuid(), wazo_auth.resolve_login('ada') FROM wazo_auth.token_create('boss', 'boss-s3cret') t");
	my %var = (token => $token, tenant => $tenant, user => $user, user_uuid => $user, state => 'x' x 43);
	$node->safe_psql($database, $before{$doc}) if $before{$doc};
	my $front = (grep { $_->{text} =~ /\$BASE_URL/ } @blocks) ? start_front($node, $database, '--workers', 1) : undef;
	local @ENV{qw(PGDATABASE DATABASE PGHOST PGPORT PATH TOKEN USER DOMAIN_UUID BASE_URL)} = ($database, $database,
		$node->host, $node->port, "$dir/bin:$ENV{PATH}", $token, $user, $domain, $front ? $front->{url} : '');
	mkdir "$dir/work" or die $!;
	foreach my $block (@blocks)
	{
		my $shell = $block->{kind} eq 'sql' ? 0 : 1;
		my $text = $block->{text} =~ s{/etc/wazo-auth/}{$dir/}gr;
		my $prepare = entry(\%before_block, $doc, $block);
		system_or_bail('bash', '-euc', "cd '$dir/work'; $prepare") if $prepare;
		my @cmd = $shell ? ('bash', '-euo', 'pipefail')
		  : ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', map { ('-v', "$_=$var{$_}") } keys %var);
		my $out = '';
		my $ok = IPC::Run::run(\@cmd, '<', \$text, '>', \$out, '2>&1', init => sub { chdir "$dir/work" });
		ok($ok, "$doc, line $block->{line}: " . ($text =~ /(.*)/)[0]) or diag($out);
	}
	stop_front($front) if $front;
	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS $_ WITH (FORCE)") foreach $database, 'wazo_auth_new', 'asterisk';
	system('rm', '-rf', "$dir/work");
	foreach my $role (grep { !$roles{$_} } split /\n/, $node->safe_psql('postgres', 'SELECT rolname FROM pg_roles'))
	{
		$roles{$role} = 1, next if $role eq 'front';
		$node->safe_psql('postgres', qq{DROP OWNED BY "$role"; DROP ROLE "$role"});
	}
	return;
}

my $here = 0;
foreach my $doc ('README.md', map { m{(docs/[^/]+)$} } sort glob "$top/docs/*.md")
{
	my @run;
	foreach my $block (blocks($doc))
	{
		my ($where, $why) = (entry(\%elsewhere, $doc, $block), entry(\%not_run, $doc, $block));
		push @run, $block if !defined $where && !defined $why;
		ok(slurp_file("$top/$where") =~ /\Q$doc\E/, "$doc, line $block->{line}: $where runs it") if defined $where;
	}
	$here += @run;
	if (my @other = grep { $_->{kind} !~ /^(?:sh|sql)$/ } @run)
	{
		fail("$doc, line $_->{line}: a block of \"$_->{kind}\" that nothing runs") foreach @other;
		next;
	}
	run_page($doc, @run) if @run;
}
cmp_ok($here, '>', 30, 'blocks were run here');
foreach my $table (\%elsewhere, \%not_run, \%before_block)
{
	foreach my $doc (sort keys %$table)
	{
		ok($used{"$table $doc $_"}, "$doc has a block that begins with '$_'") foreach sort keys %{ $table->{$doc} };
	}
}
$node->stop('fast');
done_testing();
