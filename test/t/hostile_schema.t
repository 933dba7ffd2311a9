# The database as a place of attack: who made the schema first, who may create
# in it, default privileges, a renamed schema, overloads.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('hostile', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nwazo_auth.launcher_interval = 60");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE other_admin SUPERUSER LOGIN');

# A database of mallory's, in which she has done this; CREATE EXTENSION by a
# superuser is refused with this message and hint.
my $databases = 0;
sub refused
{
	my ($what, $done, $message, $hint, %opt) = @_;
	my $name = 'refused' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING 'UTF8' OWNER mallory");
	$node->safe_psql($name, $done, extra_params => [ '-U', $opt{as} // 'mallory' ]);
	my ($rc, $out, $err) = $node->psql($name, 'CREATE EXTENSION wazo_auth CASCADE');
	isnt($rc, 0, "$what: refused");
	like($err, $message, "$what: the message");
	like($err, $hint, "$what: the hint");
	return $name;
}

my $taken = refused('a schema of the owner of the database', q{CREATE SCHEMA wazo_auth},
	qr/the schema wazo_auth belongs to "mallory" and not to "postgres"/, qr/HINT: .*Drop the schema/);
$node->safe_psql($taken, 'DROP SCHEMA wazo_auth; CREATE EXTENSION wazo_auth CASCADE');
pass('following the hint works');
refused('a schema in which she may create', q{CREATE SCHEMA wazo_auth; GRANT CREATE ON SCHEMA wazo_auth TO mallory},
	qr/others than its owner may create in the schema wazo_auth: mallory/, qr/HINT: .*REVOKE ALL ON SCHEMA wazo_auth FROM mallory CASCADE/, as => 'postgres');
refused('a schema in which everybody may create', q{CREATE SCHEMA wazo_auth; GRANT CREATE ON SCHEMA wazo_auth TO PUBLIC},
	qr/others than its owner may create in the schema wazo_auth: PUBLIC/, qr/FROM PUBLIC CASCADE/, as => 'postgres');
refused('a schema that was taken from her', q{
		CREATE SCHEMA wazo_auth AUTHORIZATION mallory;
		SET ROLE mallory;
		CREATE FUNCTION wazo_auth.write_mails(integer, integer, text) RETURNS text LANGUAGE sql AS $$ SELECT current_user::text $$;
		RESET ROLE;
		ALTER SCHEMA wazo_auth OWNER TO postgres},
	qr/holds what does not belong to the extension: function wazo_auth\.write_mails/, qr/HINT: .*SET SCHEMA/, as => 'postgres');

# The extension's objects, and the rights to them of others than the owner.
my $views = <<'EOC';
CREATE VIEW public.member AS
  SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
  WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';
CREATE VIEW public.granted AS
  SELECT 'schema' AS kind, n.nspname::text AS name, a.grantee, a.privilege_type
  FROM pg_namespace n, aclexplode(COALESCE(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.nspname = 'wazo_auth' AND a.grantee <> n.nspowner
  UNION ALL
  SELECT 'relation', c.oid::regclass::text, a.grantee, a.privilege_type
  FROM pg_class c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass, aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text, a.grantee, a.privilege_type
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass,
       aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner
  UNION ALL
  SELECT 'type', t.oid::regtype::text, a.grantee, a.privilege_type
  FROM pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass, aclexplode(t.typacl) a WHERE a.grantee <> t.typowner;
EOC

# Default privileges that give everything to a reader and to everybody.
$node->safe_psql('postgres', "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8' OWNER mallory");
$node->safe_psql('app', <<'EOC');
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO reader, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO reader, wazo_auth_service;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO reader;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO reader;
CREATE EXTENSION wazo_auth CASCADE;
EOC
$node->safe_psql('app', $views);
is($node->safe_psql('app', q{SELECT * FROM granted WHERE grantee = 0 OR grantee = 'reader'::regrole ORDER BY 1, 2 LIMIT 10}), '',
	'default privileges leave nothing to anybody');
my $grants = q{SELECT kind, name, grantee::regrole, privilege_type FROM granted ORDER BY 1, 2, 3, 4};
$node->safe_psql($taken, $views);
is($node->safe_psql('app', $grants), $node->safe_psql($taken, $grants), 'the rights are those of an installation without');
foreach my $query ('SELECT hash FROM wazo_auth.password', q{SELECT wazo_auth.unseal('x', 'y')}, q{SELECT wazo_auth.set_password(NULL, 'x')},
	q{CREATE FUNCTION wazo_auth.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'})
{
	my ($rc, $out, $err) = $node->psql('app', $query, extra_params => [ '-U', 'reader' ]);
	like($err, qr/permission denied for schema wazo_auth/, "the reader: $query");
}

# Who owns what, and who may create
is($node->safe_psql('app', q{
	SELECT count(*), count(*) FILTER (WHERE p.proowner <> e.extowner) FROM pg_proc p
	JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass CROSS JOIN pg_extension e WHERE e.extname = 'wazo_auth'}) =~ s/^\d{3,}\|//r, '0',
	'the functions are owned by the owner of the extension');
is($node->safe_psql('app', q{
	SELECT d.objid FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'wazo_auth'::regnamespace
	  AND d.classid <> 'pg_extension'::regclass
	  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classid AND m.objid = d.objid)}), '', 'there is nothing else in the schema');
is($node->safe_psql('app', q{
	SELECT r.rolname FROM pg_roles r WHERE NOT r.rolsuper AND has_schema_privilege(r.oid, 'wazo_auth', 'CREATE')}), '',
	'nobody but superusers may create in it');

# A schema that was renamed, and another one in its place
$node->safe_psql('app', 'SELECT wazo_auth.bootstrap()');
$node->safe_psql('app', 'ALTER SCHEMA wazo_auth RENAME TO elsewhere');
$node->safe_psql('app', q{
	CREATE SCHEMA wazo_auth;
	CREATE FUNCTION wazo_auth.top_tenant_uuid() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$},
	extra_params => [ '-U', 'mallory' ]);
foreach my $query (q{elsewhere.http('GET', '/0.1/status')}, q{elsewhere.token_check(gen_random_uuid())})
{
	my ($rc, $out, $err) = $node->psql('app', "SELECT $query");
	like($err, qr/the schema of wazo_auth was renamed to "elsewhere"/, "$query after a renaming: the message");
	like($err, qr/HINT:  Run ALTER SCHEMA elsewhere RENAME TO wazo_auth\./, "$query: the hint");
}
$node->safe_psql('app', 'DROP SCHEMA wazo_auth CASCADE; ALTER SCHEMA elsewhere RENAME TO wazo_auth');
is($node->safe_psql('app', q{SELECT (wazo_auth.http('HEAD', '/0.1/status')).status}), '200', 'renamed back: it works');

# In a session that had found everything before
is($node->safe_psql('app', q{
	SELECT wazo_auth.token_check(gen_random_uuid());
	ALTER SCHEMA wazo_auth RENAME TO elsewhere;
	DO $$ BEGIN PERFORM elsewhere.token_check(gen_random_uuid()); RAISE 'not noticed'; EXCEPTION WHEN invalid_schema_name THEN NULL; END $$;
	ALTER SCHEMA elsewhere RENAME TO wazo_auth;
	SELECT wazo_auth.token_check(gen_random_uuid());}), "unknown\nunknown", 'noticed, and its end');

# The owner of the schema is not the owner of the functions.
$node->safe_psql('app', 'ALTER SCHEMA wazo_auth OWNER TO mallory');
is($node->safe_psql('app', q{SELECT (wazo_auth.http('HEAD', '/0.1/status')).status}), '200', 'handlers run as the owner of the extension');
$node->safe_psql('app', 'ALTER SCHEMA wazo_auth OWNER TO postgres');

# No call inside the extension leaves the choice of a function to an untyped
# literal: with each parameter of each function turned into a text, one at a
# time, no function body takes the impostor, nor is it in doubt.
$node->safe_psql('app', 'CREATE EXTENSION plpgsql_check');
$node->safe_psql('app', <<'EOC');
CREATE FUNCTION public.names(f pg_proc) RETURNS text[] LANGUAGE sql AS $$
  SELECT COALESCE(array_agg(a.name ORDER BY a.place), '{}')
  FROM unnest(f.proargnames, f.proargmodes) WITH ORDINALITY a (name, mode, place) WHERE COALESCE(a.mode, 'i') IN ('i', 'b', 'v')
$$;
-- With so many parameters, the one at that place being a text.
CREATE FUNCTION public.make_impostor(f pg_proc, place integer, given integer) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE
  v_types text[] := ARRAY(SELECT CASE n WHEN place THEN 'text' ELSE format_type(f.proargtypes[n], NULL) END FROM generate_series(0, given - 1) n);
  v_made oid := to_regprocedure(format('wazo_auth.%I(%s)', f.proname, array_to_string(v_types, ',')));
BEGIN
  IF v_made IS NOT NULL THEN RETURN NULL; END IF;
  EXECUTE format('CREATE FUNCTION wazo_auth.%I(%s) RETURNS %s%s LANGUAGE plpgsql AS %L', f.proname,
    (SELECT string_agg(concat_ws(' ', quote_ident(NULLIF((names(f))[n], '')), v_types[n]), ', ' ORDER BY n) FROM generate_series(1, given) n),
    CASE WHEN f.proretset THEN 'SETOF ' END, CASE WHEN f.prorettype = 'record'::regtype THEN 'text' ELSE format_type(f.prorettype, NULL) END,
    'BEGIN RAISE EXCEPTION ''impostor''; END');
  RETURN to_regprocedure(format('wazo_auth.%I(%s)', f.proname, array_to_string(v_types, ',')));
END
$$;
-- What is wrong with the callers of a function while it has this impostor.
CREATE FUNCTION public.deceived(f pg_proc, place integer, given integer, OUT made boolean, OUT callers text) LANGUAGE plpgsql AS $$
DECLARE
  v_impostor oid;
BEGIN
  made := false;
  BEGIN
    v_impostor := make_impostor(f, place, given);
    IF v_impostor IS NOT NULL THEN
      made := true;
      SELECT string_agg(DISTINCT format('%s calls %s: %s', c.oid::regprocedure, v_impostor::regprocedure, x.what), E'\n') INTO callers
      FROM pg_proc c JOIN pg_language l ON l.oid = c.prolang AND l.lanname = 'plpgsql' AND c.prorettype <> 'trigger'::regtype
      CROSS JOIN LATERAL (SELECT 'caught' AS what FROM plpgsql_show_dependency_tb(c.oid) d WHERE d.type = 'FUNCTION' AND d.oid = v_impostor
                          UNION ALL
                          SELECT e.message FROM plpgsql_check_function_tb(c.oid, fatal_errors => false, other_warnings => false) e
                          WHERE e.message LIKE '%is not unique%') x
      WHERE c.pronamespace = 'wazo_auth'::regnamespace AND c.oid <> v_impostor
        AND c.prosrc ~ ('\mwazo_auth\.' || f.proname || '\(');
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'WAXXX';
  EXCEPTION WHEN SQLSTATE 'WAXXX' THEN
    NULL;
  END;
END
$$;
EOC
my ($impostors, $deceived) = split /\|/, $node->safe_psql('app', q{
	-- before anything of PL/pgSQL runs, as later versions of it ask
	LOAD 'plpgsql_check';
	SELECT count(*) FILTER (WHERE d.made), string_agg(d.callers, E'\n')
	FROM pg_proc f JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = f.oid AND f.prokind = 'f'
	  -- what SQL can call
	  AND NOT (f.prorettype || f.proargtypes::oid[]) && ARRAY['cstring', 'internal', '"any"']::regtype[]::oid[]
	CROSS JOIN LATERAL generate_series(0, f.pronargs - 1) place
	CROSS JOIN LATERAL generate_series(greatest(place + 1, f.pronargs - f.pronargdefaults), f.pronargs) given
	CROSS JOIN LATERAL deceived(f, place, given) d
	WHERE f.proargtypes[place] <> 'text'::regtype}), 2;
cmp_ok($impostors, '>=', 300, 'there are impostors');
is($deceived, '', 'no call takes one of them');

done_testing();
