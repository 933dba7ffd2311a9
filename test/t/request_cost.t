# What a request costs is bounded by the shapes of requests, not by its sender's kindness: the largest that they let through,
# of texts of several kinds, is sent to every route, alone and eight at a time, and what the front, the backends and their
# programs take of the processor for it is counted. The unit is a password hash of this machine, so that neither its speed nor
# its load matters. (The row "largest" of test/bench looks at logins beside such requests.)
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use JSON ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use WazoAsk;
use WazoNode;
use WazoShapes qw(request_bytes);

# A second, where a hash takes 25 ms.
my $most_hashes = 40;

my $node = new_node('request_cost', <<'EOC');
fsync = off
wazo_auth.argon2_memory = 1024
wazo_auth.argon2_iterations = 1
wazo_auth.token_cleanup_interval = 0
wazo_auth.relay_interval = 0
autovacuum = off
EOC
$node->start;
add_database($node, 'app');
my $front = start_front($node, 'app', '--workers' => 1, '--log-level' => 'error');
my ($port) = $front->{url} =~ /:(\d+)$/;

# ---- the processor's time ----
sub children_of
{
	my ($parent) = @_;
	open(my $f, '<', "/proc/$parent/task/$parent/children") or return;
	return split ' ', <$f> // '';
}
# Of a process, and of its children that it has waited for, in milliseconds.
sub taken_by
{
	my ($pid) = @_;
	open(my $f, '<', "/proc/$pid/schedstat") or return 0;
	my ($own) = split ' ', <$f> // '0';
	open(my $s, '<', "/proc/$pid/stat") or return 0;
	my @stat = split ' ', (<$s> // '') =~ s/^.*\) //r;
	return $own / 1e6 + (@stat > 14 ? ($stat[13] + $stat[14]) * 10 : 0);
}
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
sub taken
{
	my $sum = 0;
	$sum += taken_by($_) foreach $front->{pid}, children_of($front->{pid}), $postmaster, children_of($postmaster);
	return $sum;
}
# A hash with the default parameters
sub one_hash
{
	my $session = $node->background_psql('app');
	$session->query('SET wazo_auth.argon2_memory = 19456; SET wazo_auth.argon2_iterations = 2');
	my $before = taken();
	$session->query(q{SELECT count(wazo_auth.password_hash('x' || i)) FROM generate_series(1, 10) i});
	my $each = (taken() - $before) / 10;
	$session->quit;
	return $each;
}
my $hash = one_hash();
note(sprintf 'a password hash: %.1f ms', $hash);

# ---- what there is ----
my $world = JSON::decode_json($node->safe_psql('app', <<'EOC'));
\set QUIET on
SET client_min_messages = warning;
DO $$ BEGIN PERFORM wazo_auth.bootstrap('admin', 'secret'), wazo_auth.configure('{"enabled_http_plugins.user_registration": true, "public_url": "https://pbx.example.org"}'); END $$;
CREATE TABLE public.world AS SELECT wazo_auth.top_tenant_uuid() AS top, wazo_auth.create_tenant(wazo_auth.top_tenant_uuid(), 'below', 'below', domain_names => '{below.example.org}') AS tenant;
-- Users that a list can name, in a group with policies that fill an ACL, entries with wildcards at their heads among them.
INSERT INTO wazo_auth.user (tenant_uuid, username) SELECT w.tenant, 'user' || n FROM public.world w, generate_series(1, 10000) n;
CREATE TABLE public.made AS
SELECT w.*, ARRAY(SELECT wazo_auth.create_group(w.tenant, 'group' || n) FROM generate_series(1, 9) n) AS groups,
       ARRAY(SELECT wazo_auth.create_policy(w.tenant, 'policy' || n, ARRAY(SELECT CASE i % 3 WHEN 0 THEN '*.#.a' WHEN 1 THEN '#.b' ELSE 'c.*.' END || n || '.' || i FROM generate_series(1, 900) i)::wazo_auth.acl, 'policy' || n)
             FROM generate_series(1, 9) n) AS policies,
       ARRAY(SELECT wazo_auth.create_user(w.tenant, 'target' || n, email_address => 'target' || n || '@example.org') FROM generate_series(1, 9) n) AS users,
       ARRAY(SELECT wazo_auth.create_tenant(w.tenant, 'deep' || n, 'deep' || n) FROM generate_series(1, 9) n) AS tenants
FROM public.world w;
DO $$ BEGIN
  PERFORM wazo_auth.add_group_user(m.groups[1], u.uuid) FROM public.made m, LATERAL (SELECT u.uuid FROM wazo_auth.user u WHERE u.username LIKE 'user%' LIMIT 200) u;
  PERFORM wazo_auth.add_group_policy(m.groups[1], p) FROM public.made m, unnest(m.policies[:4]) p;
END $$;
SELECT json_build_object(
  'many', ARRAY(SELECT u.uuid FROM wazo_auth.user u WHERE u.username LIKE 'user%'),
  'domain', (SELECT d.uuid FROM wazo_auth.tenant_domain d),
  -- one that may do anything; one that holds as much as an ACL does, with denials
  'tokens', ARRAY(SELECT wazo_auth.open_session(u, 86400, a::wazo_auth.acl, wazo_auth.user_metadata(u), false, NULL, '', '')
    FROM wazo_auth.user u, (VALUES ('{#}'::text[]),
      ('{#}' || ARRAY(SELECT CASE i % 4 WHEN 0 THEN '!*.#.z' WHEN 1 THEN '#.*.b' WHEN 2 THEN '!#.d' ELSE '*.c.*.' END || i FROM generate_series(1, 9990) i))) v (a)
    WHERE u.username = 'admin'),
  'things', json_build_object('user_uuid', m.users, 'group_uuid', m.groups, 'policy_uuid', m.policies, 'tenant_uuid', m.tenants, 'parent_tenant_uuid', m.tenants,
    'policy_slug', ARRAY(SELECT 'policy' || n FROM generate_series(1, 9) n), 'email_uuid', ARRAY(SELECT e.uuid FROM wazo_auth.email e),
    'session_uuid', ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 9)), 'relay_state', ARRAY[gen_random_uuid()],
    'token_uuid', ARRAY(SELECT wazo_auth.open_session(u, 86400, '{#}', wazo_auth.user_metadata(u), false, NULL, '', '') FROM wazo_auth.user u, generate_series(1, 9) WHERE u.username = 'admin'),
    'client_id', ARRAY[repeat('%', 1000)], 'access', ARRAY[repeat('*.#.', 250) || 'x'], 'idp_type', ARRAY['native', 'default'], 'auth_type', ARRAY['mobile']))
FROM public.made m;
EOC
my $shapes = WazoShapes->new($node, 'app');
$shapes->{things} = $world->{things};
# What stands in a field is not only long.
my %known = (
	(map { my $name = $_; ($name => sub { return $world->{things}{$name}[0] }) } qw(user_uuid group_uuid)),
	'idp_user.uuid' => sub { return $world->{many}[ $_[0] % 10_000 ] },
	'token_query.tenant' => sub { return $world->{things}{tenant_uuid}[0] },
	'token_scopes_request.tenant_uuid' => sub { return $world->{things}{tenant_uuid}[0] },
	metadata => sub { return '<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="e">' . '<md:a b="&amp;"/>' x 20_000 . '</md:EntityDescriptor>' },
);
foreach my $shape (qw(saml_config_post saml_config_put))
{
	$known{"$shape.domain_uuid"} = sub { return $world->{domain} };
	$known{"$shape.tenant_uuid"} = sub { return $world->{things}{tenant_uuid}[0] };
}
$known{"$_.SAMLResponse"} = sub { return encode_base64('<r xmlns="u">' . '<a b="&amp;"/>' x 20_000 . '</r>', '') } foreach qw(saml_acs saml_sls_form);
$shapes->{known} = { %{ $shapes->{known} }, %known };

# ---- asking ----
my $ask = WazoAsk->new($port);
# What comes first leaves what comes later its objects.
my %turn = (GET => 0, HEAD => 0, POST => 1, PUT => 2, PATCH => 3, DELETE => 4);
my @routes = sort { $turn{ $a->{method} } <=> $turn{ $b->{method} } || length $b->{path} <=> length $a->{path} || $a->{path} cmp $b->{path} } @{ $shapes->{routes} };

# These can only be right after something that others do; what is read of them before is measured.
my %never_right = map { ($_ => 1) } 'GET /0.1/external/{auth_type}/authorize', 'GET /0.1/saml/sls', 'POST /0.1/saml/sls',
	'POST /0.1/backends/saml', 'PUT /0.1/backends/saml';

# A route's largest requests, with texts of some kinds.
sub largest_of
{
	my ($route) = @_;
	my @styles = $route->{body_schema} ? qw(access escaped) : $route->{query_schema} ? qw(pattern folded) : ('plain');
	my @all;
	# who holds much is judged when accesses are given or taken
	foreach my $much (0 .. ((grep { /^may_/ } @{ $route->{checks} }) ? 1 : 0))
	{
		foreach my $style (@styles)
		{
			push @all, map { {
				name => "$route->{method} $route->{path} with $style texts" . ($_ ? ', many' : '') . ($much ? ', much held' : ''),
				request => [ $route, $style, $world->{tokens}[$much], $_ ]
			} } 0 .. ($route->{body_schema} ? 1 : 0);
		}
	}
	return @all;
}
# The same for the n-th things that there are.
sub bytes_for
{
	my ($one, $n) = @_;
	my $r = $shapes->largest(@{ $one->{request} }, $n);
	push @{ $r->{headers} }, Authorization => 'Basic ' . encode_base64('admin:secret', '') if $r->{route}{public};
	return request_bytes($r);
}

# Asks them at a time, of things from the n-th on. Notes the answers, and what each has cost, as if all had cost the same.
my @no_answer;
sub measure
{
	my ($as, $n, @asked) = @_;
	my @bytes = map { bytes_for($_, $n++) } @asked;
	my $before = taken();
	my @answers = $ask->all(@bytes);
	my $each = (taken() - $before) / $hash / @asked;
	foreach my $i (0 .. $#asked)
	{
		@{ $asked[$i] }{ $as, 'answer', 'size' } = ($each, $answers[$i], length $bytes[$i]);
		push @no_answer, "$asked[$i]{name}, $as: $answers[$i]{reason}" if !$answers[$i]{status};
	}
	return;
}
sub told
{
	my ($as, @which) = @_;
	return join "\n", map { sprintf '%6.2f hashes: %s, %d bytes: %d', $_->{$as}, $_->{name}, $_->{size}, $_->{answer}{status} } @which;
}
sub by_cost { my ($as, @which) = @_; return sort { $b->{$as} <=> $a->{$as} } @which }

# ---- alone ----
my (@alone, @of_route, @too_large);
foreach my $route (@routes)
{
	my @all = largest_of($route);
	measure('alone', 1, $_) foreach @all;
	push @alone, @all;
	push @of_route, (by_cost('alone', @all))[0];
	my $last = $all[-1]{answer};
	my $name = "$route->{method} $route->{path}";
	push @too_large, "$name: $last->{status} " . substr $last->{body}, 0, 200 if !$never_right{$name} && !grep { $_->{answer}{status} =~ /^(?:[23]|40[1349])/ } @all;
}
note(told('alone', (by_cost('alone', @alone))[0 .. 19]));
cmp_ok(scalar @alone, '>=', 150, 'there was something to ask');
is(join("\n", @too_large), '', 'the largest is right for each route');
is(told('alone', grep { $_->{alone} > $most_hashes } @alone), '', "no request takes more than $most_hashes password hashes");

# ---- eight at a time: the dearest of each route beside those of others, and some beside themselves ----
my @mixed = @of_route;
while (my @eight = splice @mixed, 0, 8) { measure('mixed', 2, @eight) }
is(told('mixed', grep { $_->{mixed} > $most_hashes } @of_route), '', 'nor one of eight different ones');
my @same = (by_cost('alone', @of_route))[0 .. 3];
measure('same', 2, ($_) x 8) foreach @same;
note(told('same', @same));
is(told('same', grep { $_->{same} > $most_hashes } @same), '', 'nor one of eight that are the same');
is(join("\n", @no_answer), '', 'and each has an answer');

stop_front($front);
$node->stop;
done_testing();
