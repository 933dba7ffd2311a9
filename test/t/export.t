# The way back: export_upstream() writes a schema as an upstream wazo-auth has
# it, and what is exported comes back the same.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::MD5 qw(md5_hex);
use WazoNode;
use WazoUpstream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('export', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$node->start;

sub uuid { return join('-', unpack('A8 A4 A4 A4 A12', md5_hex($_[0]))) }
sub sql { return scalar $node->safe_psql('app', $_[0]) }

# Metadata of an identity provider, with a certificate made now.
sub idp_metadata
{
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	system("openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=idp -keyout $dir/key -out $dir/cert 2>/dev/null") == 0 or die 'openssl';
	my $certificate = join '', grep { !/^-/ } split /\n/, slurp_file("$dir/cert");
	return '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'
	  . '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
	  . '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>' . $certificate
	  . '</X509Certificate></X509Data></KeyInfo></KeyDescriptor>'
	  . '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>'
	  . '</IDPSSODescriptor></EntityDescriptor>';
}

# All rows that are a tenant's, with what is sealed opened, but for those that cannot go back.
sub content
{
	my @parts;
	foreach my $table (split /\n/, sql('SELECT r FROM unnest(wazo_auth.replaced_tables()) r ORDER BY r::text'))
	{
		next if $table =~ /^wazo_auth\.(?:session|latest_mail)$/;
		my $row = 'to_jsonb(t)';
		foreach (split /\n/, sql("SELECT column_name, context FROM wazo_auth.sealed_columns() WHERE relation = '$table'::regclass"))
		{
			my ($column, $context) = split /\|/, $_, 2;
			$row = "jsonb_set_lax($row, '{$column}', to_jsonb(wazo_auth.unseal($column, $context)))";
		}
		my $rows = sql("SELECT string_agg(($row)::text, E'\\n' ORDER BY ($row)::text COLLATE \"C\") FROM $table t");
		push @parts, "$table\n$rows\n";
	}
	return join '', @parts;
}

$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
sql('CREATE EXTENSION wazo_auth CASCADE');
make_upstream($node, 'app', users => 300, tokens => 600, tenants => 12);
my $tenant = uuid('tenant1');
my $user = uuid('user1');
my $metadata = idp_metadata();
sql(<<"EOC");
SET search_path = upstream, public;
INSERT INTO auth_address (line_1, city, tenant_uuid) VALUES ('1 Road', 'Québec', '$tenant');
INSERT INTO auth_tenant_domain (tenant_uuid, name) VALUES ('$tenant', 'example.com');
UPDATE auth_tenant SET contact_uuid = '$user' WHERE uuid = '$tenant';
INSERT INTO auth_ldap_config (tenant_uuid, host, port, bind_dn, bind_password, user_base_dn, user_login_attribute, user_email_attribute)
VALUES ('$tenant', 'ldap.example.org', 636, 'cn=wazo', 'bind secret', 'dc=org', 'uid', 'mail');
INSERT INTO auth_external_auth_type VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'google', true), ('aaaaaaaa-0000-0000-0000-000000000002', 'mine', NULL);
INSERT INTO auth_external_auth_config VALUES ('aaaaaaaa-0000-0000-0000-000000000001', '$tenant', '{"client_id": "a", "client_secret": "b"}'),
  ('aaaaaaaa-0000-0000-0000-000000000002', '$tenant', 'no JSON');
INSERT INTO auth_user_external_auth VALUES ('$user', 'aaaaaaaa-0000-0000-0000-000000000001', '{"access_token": "t", "token_expiration": 1.5}'),
  ('$user', 'aaaaaaaa-0000-0000-0000-000000000002', '[1, "é"]');
INSERT INTO auth_tenant_domain (uuid, tenant_uuid, name) VALUES ('dddddddd-0000-0000-0000-000000000001', '$tenant', 'saml.example.com'),
  ('dddddddd-0000-0000-0000-000000000002', '${\uuid('tenant2')}', 'bad.example.com');
INSERT INTO auth_saml_config VALUES ('$tenant', 'dddddddd-0000-0000-0000-000000000001', 'https://us.example/sp', \$x\$$metadata\$x\$, 'https://us.example/acs'),
  ('${\uuid('tenant2')}', 'dddddddd-0000-0000-0000-000000000002', 'https://us.example/sp', '<x/>', 'https://us.example/acs'),
  ('${\uuid('tenant3')}', 'dddddddd-0000-0000-0000-000000000001', 'https://us.example/sp', '<x/>', 'https://us.example/acs');
EOC
sql("CALL wazo_auth.import_upstream('upstream')");
is(sql('SELECT tenant_uuid, idp_entity_id FROM wazo_auth.saml_config'), "$tenant|https://idp.example", 'an identity provider of SAML comes along');
is(sql("SELECT tenant_uuid, signs, wazo_auth.unseal(sealed_key, 'saml:' || tenant_uuid) LIKE '-----BEGIN%' FROM wazo_auth.saml_key"), "$tenant|t|t", 'with a new key for us');
is(sql("SELECT wazo_auth.external_auth_config('google', '$tenant') ->> 'client_secret'"), 'b', 'the configuration of an external account comes along');
is(sql("SELECT wazo_auth.external_auth('$user', 'mine') ->> 1"), 'é', 'and its data');
is(sql("SELECT source_key || ': ' || reason FROM wazo_auth.import_misfit ORDER BY place, source_key COLLATE \"C\""), join("\n", "$tenant mine: its data are no JSON",
	sort("${\uuid('tenant2')}: Invalid metadata (not those of one SAML 2.0 identity provider)", "${\uuid('tenant3')}: its domain is none of its tenant, or is left out")),
	'what is no JSON is left out, and metadata that are of no use');
my $imported = content();
like($imported, qr/access_token.*bind secret/s, 'there is something to compare');

# ---- out and in again ----
is(sql("SELECT what, number FROM wazo_auth.export_upstream('upstream_again')"), "sessions|525\nSAML keys|1", 'it says what cannot go back');
sql("CALL wazo_auth.import_upstream('upstream_again', replace => true)");
is(content(), $imported, 'import(export(x)) is x');
is(sql("SELECT count(*) FROM upstream_again.auth_token"), '0', 'no token, since none is known');
is(sql("SELECT count(*) FROM upstream_again.auth_refresh_token r JOIN upstream.auth_refresh_token u USING (uuid, client_id, user_uuid)"), '300', 'the refresh tokens themselves');
is(sql("SELECT count(*) FROM upstream_again.auth_user b JOIN upstream.auth_user u USING (uuid, password_hash, password_salt)"), '300', 'the hashes as they were');

# ---- the tables are upstream's ----
my $tables = q{SELECT string_agg(line, E'\n' ORDER BY line) FROM (
	SELECT replace(format('%%s.%%s %%s %%s %%s %%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attnum, pg_get_expr(d.adbin, d.adrelid)), '%1$s.', '') AS line
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relnamespace = '%1$s'::regnamespace AND c.relkind IN ('r', 'i', 'S')
	UNION ALL SELECT replace(conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), '%1$s.', '') FROM pg_constraint WHERE connamespace = '%1$s'::regnamespace
	UNION ALL SELECT replace(pg_get_indexdef(indexrelid), '%1$s.', '') FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE c.relnamespace = '%1$s'::regnamespace) l};
is(sql(sprintf $tables, 'upstream_again'), sql(sprintf $tables, 'upstream'), 'the schema is as upstream makes it');
is(sql('SELECT version_num FROM upstream_again.alembic_version_auth'), '1c862ebfbb3a', 'and says its revision');
is(sql("SELECT nextval('upstream_again.auth_acl_template_id_seq') > max(id) FROM upstream_again.auth_access"), 't', 'new rows get new numbers');
# what the contract says of the keys (upstream_schema.md section 1)
is(sql(q{SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE connamespace = 'upstream_again'::regnamespace AND contype = 'u'}),
	'auth_access_access auth_external_auth_type_name_key auth_external_user_type_auth_constraint auth_group_name_tenant auth_policy_name_tenant ' .
	'auth_refresh_token_client_id_user_uuid auth_tenant_domain_name_key auth_tenant_slug_key', 'with its names of constraints');

# ---- what changed here since then ----
sql("SELECT wazo_auth.token_create('user2', 'secret')");
sql("SELECT wazo_auth.set_password('$user', 'another')");
is(sql("SELECT what, number FROM wazo_auth.export_upstream('later') ORDER BY what COLLATE \"C\""), "SAML keys|1\nevents|1\npasswords|2\nsessions|1", 'passwords that upstream cannot check are told');
is(sql("SELECT count(*) FROM later.auth_user WHERE password_hash IS NULL"), '2', 'and left empty');
my ($rc, $out, $err) = $node->psql('app', "SELECT wazo_auth.export_upstream('later')");
like($err, qr/relation "auth_access" already exists/, 'nothing is overwritten');

# ---- into the database of an upstream, as docs/migration.md says ----
my ($commands) = slurp_file("$FindBin::Bin/../../docs/migration.md") =~ /```sh\n(pg_dump[^`]*)```/s;
ok($commands, 'the guide has the commands');
$node->safe_psql('postgres', "CREATE DATABASE old TEMPLATE template0 ENCODING 'UTF8'");
$node->safe_psql('old', 'CREATE EXTENSION "uuid-ossp"');
$commands =~ s/asterisk_new/app/g;
$commands =~ s/asterisk/old/g;
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	is(system('bash', '-e', '-o', 'pipefail', '-c', $commands), 0, 'they work');
}
is($node->safe_psql('old', 'SELECT count(*) FROM auth_user'), '300', 'the users are where upstream looks for them');

$node->stop('fast');
done_testing();
