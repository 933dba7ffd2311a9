# Upgrades: a database of each earlier version, upgraded, is as a fresh one, and
# tells each object in which it is not. With data, with clients, with locks that
# hold nobody up; and the front of one version on the extension of the other.
#
# WAZO_AUTH_OLD_FRONT is the front of the earlier version; `make check-upgrade`
# builds it from the tag.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Run ();
use JSON ();
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::Bin/../..";
my ($current) = slurp_file("$top/wazo_auth.control") =~ /^default_version = '(.*)'/m;
my @earlier = map { /wazo_auth--(.*)\.sql$/ } sort glob "$top/migrations/wazo_auth--*.sql";
cmp_ok(scalar @earlier, '>=', 1, 'there are earlier versions');
unlike(join(' ', @earlier), qr/\b\Q$current\E\b/, 'the current one is later');

my $node = new_node('upgrade', "wazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nfsync = off");
$node->start;

sub sql { my ($database, $query) = @_; return scalar $node->safe_psql($database, $query) }

sub make_database
{
	my ($database, $version) = @_;
	sql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8'");
	sql($database, 'CREATE EXTENSION pg_trgm; CREATE EXTENSION wazo_auth' . (defined $version ? " VERSION '$version'" : ''));
	return;
}

# What the extension has made: object and property, and the value.
my $query = slurp_file("$FindBin::Bin/../lib/catalog_state.sql");
sub state_of
{
	my ($database) = @_;
	my %state = map { my ($object, $property, $value) = split /\t/, $_, 3; ("$object: $property" => $value // '') } split /\n/, sql($database, $query);
	# the rows that it ships
	foreach my $table (split /\n/, sql($database, q{SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth' WHERE d.deptype = 'e' AND c.relkind = 'r'}))
	{
		$state{"row of $table: $_"} = 'there' foreach split /\n/, sql($database, "SELECT to_jsonb(t) FROM $table t");
	}
	return \%state;
}

# Passes when both states are the same, and says where they are not.
sub same_state
{
	my ($got, $want, $what) = @_;
	my @differ = grep { ($got->{$_} // '(missing)') ne ($want->{$_} // '(missing)') } sort keys %{ { %$got, %$want } };
	my $ok = ok(!@differ, $what);
	if (!$ok)
	{
		my %only = (upgraded => [ grep { /^(.*): comment$/ && !exists $want->{$_} } @differ ], fresh => [ grep { /: comment$/ && !exists $got->{$_} } @differ ]);
		diag("only in the $_ one: ", join(', ', map { s/: comment$//r } @{ $only{$_} })) foreach sort keys %only;
		diag("$_\n  upgraded: ", $got->{$_} // '(missing)', "\n  fresh:    ", $want->{$_} // '(missing)') foreach @differ[ 0 .. ($#differ > 30 ? 30 : $#differ) ];
	}
	return $ok;
}

# ---- the state of a fresh one, and that the comparison sees ----
make_database('fresh');
my $fresh = state_of('fresh');
cmp_ok(scalar keys %$fresh, '>', 3000, 'a fresh database has a state');
foreach my $change (
	[ 'a function', 'CREATE OR REPLACE FUNCTION wazo_auth.try_json(value text) RETURNS json LANGUAGE sql AS \'SELECT NULL::json\'' ],
	[ 'a right', 'GRANT EXECUTE ON FUNCTION wazo_auth.http(text, text, text[], bytea, text) TO PUBLIC' ],
	[ 'a column', 'ALTER TABLE wazo_auth.tenant ADD note text' ],
	[ 'an order of columns', 'ALTER TABLE wazo_auth.import_misfit DROP COLUMN reason, ADD COLUMN reason text COLLATE "C" NOT NULL' ],
	[ 'a constraint', 'ALTER TABLE wazo_auth.tenant DROP CONSTRAINT tenant_name_check' ],
	[ 'an index', 'DROP INDEX wazo_auth.tenant_name_idx' ],
	[ 'an option', 'ALTER TABLE wazo_auth.session SET (fillfactor = 70)' ],
	[ 'a trigger', 'ALTER TABLE wazo_auth.user DISABLE TRIGGER forget_counts' ],
	[ 'a comment', 'COMMENT ON TABLE wazo_auth.tenant IS NULL' ],
	[ 'a dump mark', 'UPDATE pg_extension SET extcondition[1] = \'WHERE false\' WHERE extname = \'wazo_auth\'' ],
	[ 'a shipped row', 'DELETE FROM wazo_auth.route WHERE path = \'/0.1/status\'' ])
{
	my ($what, $statement) = @$change;
	my ($out, $err) = ('', '');
	$node->psql('fresh', "BEGIN; ALTER EXTENSION wazo_auth DROP VIEW wazo_auth.settings; ALTER EXTENSION wazo_auth ADD VIEW wazo_auth.settings; $statement; $query; SELECT 'routes ' || count(*) FROM wazo_auth.route; ROLLBACK", stdout => \$out, stderr => \$err);
	my ($same, $err2) = ('', '');
	$node->psql('fresh', "BEGIN; $query; SELECT 'routes ' || count(*) FROM wazo_auth.route; ROLLBACK", stdout => \$same);
	isnt($out, $same, "the comparison sees $what") or diag $err;
}

foreach my $version (@earlier)
{
	(my $name = "from_$version") =~ s/\W/_/g;

	# ---- without data: the state ----
	make_database("${name}_empty", $version);
	sql("${name}_empty", "ALTER EXTENSION wazo_auth UPDATE TO '$current'");
	same_state(state_of("${name}_empty"), $fresh, "$version upgraded is as $current installed");

	# ---- with data and clients ----
	make_database($name, $version);
	sql($name, <<'EOC');
SELECT wazo_auth.bootstrap('admin', 'a password');
SELECT wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'North', 'north');
SELECT wazo_auth.create_user(uuid, 'jane', 'secret', 'Jane@example.org', authentication_method => 'native') FROM wazo_auth.tenant WHERE slug = 'north';
SELECT wazo_auth.create_policy(uuid, 'p', '{a.b.*,!a.b.c}') FROM wazo_auth.tenant WHERE slug = 'north';
SELECT wazo_auth.configure('{"default_token_lifetime": 5000, "amqp.uri": "amqp://a:b@127.0.0.1:1/"}');
CREATE SCHEMA plugin;
CREATE FUNCTION plugin.hello(wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE sql AS $$ SELECT wazo_auth.json_response('{"hello": "you"}'::json) $$;
SELECT wazo_auth.add_route('GET', '/0.1/hello', 'plugin.hello', 'hello', public => true);
SELECT wazo_auth.register_access('my.access', 'mine');
CREATE ROLE operator;
GRANT USAGE ON SCHEMA wazo_auth TO operator;
GRANT EXECUTE ON FUNCTION wazo_auth.token_check(uuid, text, uuid) TO operator;
CREATE VIEW plugin.tokens AS SELECT wazo_auth.token_check(gen_random_uuid()) AS status;
EOC
	# the columns that there are now, of the tables with what people put in
	my $content = join ' UNION ALL ', map { my ($table, $columns) = split /\|/; "SELECT '$table', md5(string_agg(ROW($columns)::text, ' ' ORDER BY ROW($columns)::text COLLATE \"C\")) FROM $table" }
		split /\n/, sql($name, q{SELECT c.oid::regclass, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r'
		AND c.relname IN ('tenant', 'tenant_parent', 'user', 'password', 'login', 'email', 'group', 'group_user', 'policy', 'user_policy', 'refresh_token', 'session', 'acl_set', 'setting', 'event_outbox')
		GROUP BY c.oid});
	my $before = sql($name, $content);
	my $new_on_old = start_front($node, $name, '--workers', 1);
	check_routes($new_on_old, "the front of $current on the extension of $version");
	my $offline = '{"access_type": "offline", "client_id": "c", "expiration": 3600}';
	my $data = JSON::decode_json(call($new_on_old, 'POST', '/0.1/token', login => 'jane:secret', body => $offline)->{content})->{data};
	$before = sql($name, $content);

	# ended in the middle: a reader of a table that it changes stops it there
	my $backend = $node->background_psql($name, on_error_stop => 0);
	my ($rc, $out, $err) = $node->psql($name, "SET statement_timeout = 1; ALTER EXTENSION wazo_auth UPDATE TO '$current'");
	like($err, qr/canceling statement/, 'an upgrade that is ended in the middle');
	is(sql($name, "SELECT extversion FROM pg_extension WHERE extname = 'wazo_auth'"), $version, '... has changed nothing');
	is(call($new_on_old, 'HEAD', "/0.1/token/$data->{token}")->{status}, 204, '... and clients are served');
	$backend->quit;

	# what it locks so that nobody can read: only tables that requests for tokens and users do not use
	my $locks = sql($name, "BEGIN; ALTER EXTENSION wazo_auth UPDATE TO '$current';
		SELECT string_agg(l.relation::regclass::text, ' ' ORDER BY l.relation::regclass::text) FROM (SELECT DISTINCT relation FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock'
		AND relation IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace
			AND c.relname IN ('session', 'acl_set', 'user', 'login', 'password', 'email', 'tenant', 'tenant_parent', 'refresh_token', 'policy', 'group', 'group_user', 'user_policy', 'group_policy', 'setting', 'route', 'event_outbox'))) l; COMMIT");
	my ($first, $last) = map { slurp_file("$top/migrations/$version--$current.$_.sql") } qw(first last);
	my %late = map { $_ => 1 } $last =~ /^ALTER TABLE (\S+)/mg;
	is($locks, join(' ', sort keys %late), 'an upgrade locks readers of hot tables out at its end only, of those that change');
	unlike($last, qr/^ALTER TABLE.*\b(?:TYPE|SET NOT NULL|VALIDATE|ADD CONSTRAINT(?!.*NOT VALID)|ADD (?:UNIQUE|PRIMARY|FOREIGN)|DEFAULT [^';]*\()/m,
		'... and none of them is read or written whole');
	is(sql($name, "SELECT extversion FROM pg_extension WHERE extname = 'wazo_auth'"), $current, "upgraded to $current");
	is(sql($name, $content), $before, 'with all that was there');
	is(call($new_on_old, 'HEAD', "/0.1/token/$data->{token}")->{status}, 204, 'a running front serves a token from before');
	is(call($new_on_old, 'POST', '/0.1/token', body => qq({"refresh_token": "$data->{refresh_token}", "client_id": "c"}))->{status}, 200, 'and a refresh token');
	is(call($new_on_old, 'GET', '/0.1/hello')->{content}, qq({"hello": "you"}\n), 'a route that people added is there');
	is(sql($name, "SELECT count(*) FROM wazo_auth.known_access WHERE access = 'my.access'"), '1', 'so is their access');
	is(sql($name, "SET ROLE operator; SELECT wazo_auth.token_check('$data->{token}')"), 'valid', 'and what they granted');
	is(sql($name, 'SELECT status FROM plugin.tokens'), 'unknown', 'and what stands on the functions');
	check_routes($new_on_old, "the front of $current on the upgraded extension");
	stop_front($new_on_old);
	if ($ENV{WAZO_AUTH_OLD_FRONT})
	{
		local $ENV{WAZO_AUTH_FRONT} = $ENV{WAZO_AUTH_OLD_FRONT};
		my $old_on_new = start_front($node, $name, '--workers', 1);
		check_routes($old_on_new, "the front of $version on the extension of $current");
		stop_front($old_on_new);
	}
	sql($name, 'DROP OWNED BY operator; DROP ROLE operator');
}

# The main routes, as any client uses them.
sub check_routes
{
	my ($front, $what) = @_;
	my $answer = call($front, 'POST', '/0.1/token', login => 'admin:a password', body => '{}');
	is($answer->{status}, 200, "$what: POST /token");
	my $token = JSON::decode_json($answer->{content})->{data}{token};
	my %headers = (headers => { 'X-Auth-Token' => $token });
	is(call($front, 'HEAD', "/0.1/token/$token")->{status}, 204, "$what: HEAD /token");
	is(call($front, 'HEAD', "/0.1/token/$token?scope=anything")->{status}, 204, "$what: with a scope");
	is(call($front, 'GET', "/0.1/token/$token")->{status}, 200, "$what: GET /token");
	is(call($front, 'GET', "/0.1/$_", %headers)->{status}, 200, "$what: GET /$_") foreach qw(users tenants groups policies sessions config backends api/api.yml);
	my $made = call($front, 'POST', '/0.1/groups', %headers, body => '{"name": "made"}');
	is($made->{status}, 200, "$what: POST /groups");
	is(call($front, 'DELETE', '/0.1/groups/' . JSON::decode_json($made->{content})->{uuid}, %headers)->{status}, 204, "$what: DELETE /groups");
	is(call($front, 'DELETE', "/0.1/token/$token")->{status}, 200, "$what: DELETE /token");
	is(call($front, 'HEAD', "/0.1/token/$token")->{status}, 404, "$what: it is gone");
	return;
}

$node->stop('fast');
done_testing();
