# Lists of an installation of some size: 10,000 users, 5,000 tenants, 1,000 groups, 1,000 policies, 3,000 sessions. The
# plans of the statements that the lists really run, as auto_explain tells them, read no table of users, addresses or
# sessions from end to end; a filter or search that finds little reads little; and the answers are those of plain SQL.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use JSON ();
use Test::More;
use WazoNode;

my $node = new_node('lists', "fsync = off\nwazo_auth.token_cleanup_interval = 0\nwazo_auth.relay_interval = 0\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q(CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'));
$node->command_ok([ 'psql', '-X', '-q', '-d', $node->connstr('app'), '-v', 'ON_ERROR_STOP=1', '-v', 'users=10000', '-v', 'tenants=5000',
	'-f', 'test/bench/lists.sql' ], 'the installation is there');
$node->safe_psql('app', <<'EOF');
CREATE TABLE public.subject AS
SELECT wazo_auth.top_tenant_uuid() AS top, u.uuid AS who, t.uuid AS tenant, g.uuid AS "group", p.uuid AS policy,
       wazo_auth.open_session(r, 86400, '{#}', wazo_auth.user_metadata(r), false, NULL, '', '') AS token
FROM wazo_auth.user u, wazo_auth.user r, wazo_auth.tenant t, wazo_auth.group g, wazo_auth.policy p
WHERE u.username = 'user5005' AND r.username = 'root' AND t.slug = 't77' AND g.slug = 'group6' AND p.slug = 'policy6';
-- Most sessions belong to users of the top tenant, some to those of others.
INSERT INTO wazo_auth.user (tenant_uuid, username)
SELECT t.uuid, 'away' || t.slug FROM wazo_auth.tenant t WHERE t.slug ~ '^t[0-9]{1,2}$';
SELECT count(wazo_auth.open_session(u, 86400, '{a.b}', '{}', false, NULL, '', '')) FROM wazo_auth.user u WHERE u.username LIKE 'user_0_%' OR u.username LIKE 'away%' OR u.username LIKE 'user7%';
VACUUM ANALYZE;
EOF
my ($top, $who, $tenant, $group, $policy, $token) = split /\|/, $node->safe_psql('app', 'SELECT * FROM subject');
cmp_ok($node->safe_psql('app', 'SELECT count(*) FROM wazo_auth.session'), '>', 2000, 'there are sessions');

# ---- what is asked: target; plain SQL of the rows in order as (key, total, filtered); whether it finds little ----
my $users = "FROM wazo_auth.user u WHERE u.tenant_uuid = '$top'";
my $email = 'EXISTS (SELECT FROM wazo_auth.email e WHERE e.user_uuid = u.uuid AND lower(e.address) LIKE %s)';
sub page
{
	my ($key, $from, $where, $order, $limit) = @_;
	return [$key, $from, $where, $order, $limit // ''];
}
sub user_search
{
	my ($like, $order) = @_;
	return page('u.uuid', $users, "AND (lower(u.username) LIKE $like OR lower(u.firstname COLLATE \"default\") LIKE $like OR lower(u.lastname) LIKE $like OR "
		. sprintf($email, $like) . ')', $order // 'u.username, u.uuid', 'LIMIT 100');
}
my @asked = (
	['/users?limit=100', page('u.uuid', $users, '', 'u.username, u.uuid', 'LIMIT 100')],
	['/users?limit=100&offset=9950', page('u.uuid', $users, '', 'u.username, u.uuid', 'LIMIT 100 OFFSET 9950')],
	['/users?limit=100&direction=desc', page('u.uuid', $users, '', 'u.username DESC, u.uuid DESC', 'LIMIT 100')],
	['/users?limit=100&order=firstname', page('u.uuid', $users, '', 'u.firstname, u.uuid', 'LIMIT 100')],
	['/users?limit=100&order=lastname&direction=desc', page('u.uuid', $users, '', 'u.lastname DESC, u.uuid DESC', 'LIMIT 100')],
	['/users?limit=100&recurse=true', page('u.uuid', 'FROM wazo_auth.user u WHERE true', '', 'u.username, u.uuid', 'LIMIT 100')],
	["/users?uuid=$who", page('u.uuid', $users, "AND u.uuid = '$who'", 'u.username'), 1],
	['/users?username=user5005', page('u.uuid', $users, q(AND u.username = 'user5005'), 'u.username'), 1],
	['/users?username=nobody', page('u.uuid', $users, q(AND u.username = 'nobody'), 'u.username'), 1],
	['/users?firstname=Bob&limit=100', page('u.uuid', $users, q(AND u.firstname = 'Bob'), 'u.username, u.uuid', 'LIMIT 100')],
	['/users?lastname=Name007919', page('u.uuid', $users, q(AND u.lastname = 'Name007919'), 'u.username'), 1],
	['/users?purpose=internal', page('u.uuid', $users, q(AND u.purpose = 'internal'), 'u.username, u.uuid')],
	['/users?email_address=user77@example.com', page('u.uuid', $users, q(AND EXISTS (SELECT FROM wazo_auth.email e WHERE e.user_uuid = u.uuid AND e.address = 'user77@example.com')), 'u.username'), 1],
	["/users?group_uuid=$group", page('u.uuid', $users, "AND EXISTS (SELECT FROM wazo_auth.group_user gu WHERE gu.user_uuid = u.uuid AND gu.group_uuid = '$group')", 'u.username, u.uuid'), 1],
	["/users?policy_uuid=$policy", page('u.uuid', $users, "AND EXISTS (SELECT FROM wazo_auth.user_policy up WHERE up.user_uuid = u.uuid AND up.policy_uuid = '$policy')", 'u.username, u.uuid'), 1],
	['/users?policy_slug=policy6', page('u.uuid', $users, "AND EXISTS (SELECT FROM wazo_auth.user_policy up WHERE up.user_uuid = u.uuid AND up.policy_uuid = '$policy')", 'u.username, u.uuid'), 1],
	["/users?has_policy_uuid=$policy", page('u.uuid', $users, "AND EXISTS (SELECT FROM wazo_auth.group_user gu WHERE gu.user_uuid = u.uuid AND gu.group_uuid = '$group')", 'u.username, u.uuid'), 1],
	['/users?has_policy_slug=policy6', page('u.uuid', $users, "AND EXISTS (SELECT FROM wazo_auth.group_user gu WHERE gu.user_uuid = u.uuid AND gu.group_uuid = '$group')", 'u.username, u.uuid'), 1],
	['/users?search=ser500&limit=100', user_search(q('%ser500%')), 1],
	['/users?search=NAME00791&limit=100', user_search(q('%name00791%')), 1],
	['/users?search=user50%20example&limit=100', user_search(q('%user50%example%')), 1],
	['/users?search=%C3%89MILE&limit=100', user_search(q('%émile%'))],
	['/users?search=nobody&limit=100', user_search(q('%nobody%')), 1],
	['/users?search=77&limit=100', user_search(q('%77%'))],
	['/users?search=&limit=100', user_search(q('%%'))],
	['/users?search=name00&order=lastname&direction=desc&limit=100', user_search(q('%name00%'), 'u.lastname DESC, u.uuid DESC')],
	['/groups?limit=100', page('g.uuid', "FROM wazo_auth.group g WHERE g.tenant_uuid = '$top'", '', 'g.name, g.uuid', 'LIMIT 100')],
	['/groups?search=group%209', page('g.uuid', "FROM wazo_auth.group g WHERE g.tenant_uuid = '$top'", q(AND lower(g.name) LIKE '%group%9%'), 'g.name, g.uuid')],
	["/groups?user_uuid=$who", page('g.uuid', "FROM wazo_auth.group g WHERE g.tenant_uuid = '$top'", "AND EXISTS (SELECT FROM wazo_auth.group_user gu WHERE gu.group_uuid = g.uuid AND gu.user_uuid = '$who')", 'g.name, g.uuid'), 1],
	["/groups?policy_uuid=$policy", page('g.uuid', "FROM wazo_auth.group g WHERE g.tenant_uuid = '$top'", "AND g.uuid = '$group'", 'g.name'), 1],
	["/groups/$group/users", page('u.uuid', "FROM wazo_auth.user u JOIN wazo_auth.group_user gu ON gu.user_uuid = u.uuid WHERE gu.group_uuid = '$group'", '', 'u.username, u.uuid'), 1],
	["/groups/$group/policies", page('p.uuid', "FROM wazo_auth.policy p WHERE p.uuid = '$policy'", '', 'p.name'), 1],
	["/users/$who/groups", page('g.uuid', "FROM wazo_auth.group g JOIN wazo_auth.group_user gu ON gu.group_uuid = g.uuid WHERE gu.user_uuid = '$who'", '', 'g.name'), 1],
	["/users/$who/policies", page('p.uuid', "FROM wazo_auth.policy p JOIN wazo_auth.user_policy up ON up.policy_uuid = p.uuid WHERE up.user_uuid = '$who'", '', 'p.name'), 1],
	['/policies?limit=100', page('p.uuid', 'FROM wazo_auth.policy p WHERE true', '', 'p.name, p.uuid', 'LIMIT 100')],
	["/policies?user_uuid=$who", page('p.uuid', 'FROM wazo_auth.policy p WHERE true', "AND EXISTS (SELECT FROM wazo_auth.user_policy up WHERE up.policy_uuid = p.uuid AND up.user_uuid = '$who')", 'p.name'), 1],
	['/tenants?limit=100', page('t.uuid', 'FROM wazo_auth.tenant t WHERE true', '', 't.name, t.uuid', 'LIMIT 100')],
	['/tenants?search=t77.example', page('t.uuid', 'FROM wazo_auth.tenant t WHERE true', q(AND EXISTS (SELECT FROM wazo_auth.tenant_domain d WHERE d.tenant_uuid = t.uuid AND d.name LIKE '%t77.example%')), 't.name, t.uuid'), 1],
	['/tenants?domain_name=t77.example.com', page('t.uuid', 'FROM wazo_auth.tenant t WHERE true', "AND t.uuid = '$tenant'", 't.name'), 1],
	["/tenants?uuids=$tenant&uuids=$top", page('t.uuid', 'FROM wazo_auth.tenant t WHERE true', "AND t.uuid IN ('$tenant', '$top')", 't.name, t.uuid'), 1],
	['/sessions?limit=100', page('s.uuid', "FROM wazo_auth.session s WHERE s.tenant_uuid = '$top'", '', 's.uuid', 'LIMIT 100')],
	["/users/$who/sessions", page('s.uuid', "FROM wazo_auth.session s WHERE s.user_uuid = '$who'", '', 's.uuid'), 1],
);

# ---- all of it in one session, so that plans are kept as they are in a server that has been running ----
my $script = "LOAD 'auto_explain';\nSET client_min_messages = notice;\nSET auto_explain.log_min_duration = -1;\nSET auto_explain.log_level = notice;\n"
	. "SET auto_explain.log_nested_statements = on;\nSET auto_explain.log_analyze = on;\nSET auto_explain.log_timing = off;\n\\pset footer off\n";
foreach my $n (0 .. $#asked)
{
	my ($target, $page) = @{$asked[$n]};
	my ($key, $from, $where, $order, $limit) = @$page;
	my $ask = "SELECT convert_from(a.body, 'UTF8') FROM wazo_auth.http('GET', '/0.1$target', '{X-Auth-Token,$token}') a;\n";
	# the second time a plan is there already, and counts are known
	$script .= "\\warn \@\@ask $n\n\\echo \@\@ask $n\n" . $ask
		. "SET auto_explain.log_min_duration = 0;\n${ask}SET auto_explain.log_min_duration = -1;\n"
		. "\\warn \@\@end $n\b\\echo \@\@sql $n\n"
		. "SELECT (SELECT string_agg(k::text, ',') FROM (SELECT $key AS k $from $where ORDER BY $order $limit) x) || '|' || (SELECT count(*) $from) || '|' || (SELECT count(*) $from $where);\n";
}
my ($out, $err) = ('', '');
$node->psql('app', $script, stdout => \$out, stderr => \$err, on_error_stop => 1);

foreach my $n (0 .. $#asked)
{
	my ($target, undef, $little) = @{$asked[$n]};
	my $name = $target =~ s/[0-9a-f]{8}-[0-9a-f-]{27}/U/gr;
	my ($answers) = $out =~ /^\@\@ask $n\n(.*?)^\@\@sql $n\n/ms;
	my ($sql) = $out =~ /^\@\@sql $n\n([^\n]*)/m;
	my ($plans) = $err =~ /\@\@ask $n\n(.*?)\@\@end $n\b/s;
	ok(defined $answers && defined $sql && ($plans // '') =~ /Query Text/, "$name is answered, and its plan is told") or next;
	my (undef, $second) = map { eval { JSON::decode_json($_) } } grep { /^\{/ } split /\n/, $answers;
	my ($keys, $total, $filtered) = split /\|/, $sql;
	is(join(',', map { $_->{uuid} } @{$second->{items} // []}), $keys // '', '... with the right items');
	is($second->{total} . '/' . ($second->{filtered} // $filtered), "$total/$filtered", '... and counts') if defined $total;
	unlike($plans, qr/Seq Scan on (?:wazo_auth\.)?"?(?:user|session|email|login|group_user)"? /, '... without reading all users or sessions') or diag($plans);
	if ($little)
	{
		# what was read and thrown away, over all executions
		my $removed = 0;
		$removed += $_ foreach $plans =~ /Rows Removed by (?:Filter|Join Filter|Index Recheck): (\d+)/g;
		cmp_ok($removed, '<=', 200, '... and without reading much more than it finds') or diag($plans);
	}
}
done_testing;
