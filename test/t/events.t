# Events as they arrive at a real RabbitMQ: each compared with the contract,
# headers and all, and their order within a request.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoAmqp;
use WazoNode;
use WazoRabbit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $origin = '6b7e7c3e-0f4e-4d55-8f6c-2f1f5f4d9a01';
my $rabbit = WazoRabbit->new;
$rabbit->start;

my $node = new_node('events', <<'EOC');
wazo_auth.relay_interval = 1
wazo_auth.token_cleanup_interval = 0
timezone = 'America/Montreal'
EOC
$node->start;
add_database($node, 'app');

sub sql { return scalar $node->safe_psql('app', $_[0]) }

sql("SELECT wazo_auth.configure('{\"uuid\": \"$origin\", \"amqp.uri\": \"@{[$rabbit->uri]}\"}')");
# what happened before somebody listens
until_is($node, 'app', "SELECT count(*) FROM wazo_auth.event_outbox", '0', 'the outbox is empty');

# The exchange is there in the form that consumers declare, or this fails.
my $amqp = WazoAmqp->new(port => $rabbit->{port});
$amqp->exchange('xivo', 'topic');
my $queue = $amqp->queue;
$amqp->bind($queue, 'xivo', '#');
$amqp->consume($queue);

my $top = sql('SELECT wazo_auth.top_tenant_uuid()');
my $user = sql("SELECT wazo_auth.create_user('$top', 'jane', 'secret', authentication_method => 'native')");

# The next messages; fails when there are not so many, or one more.
sub messages
{
	my ($count, $what) = @_;
	my @messages;
	while (@messages < $count)
	{
		my $message = $amqp->receive(10) // last;
		push @messages, $message;
	}
	is(scalar @messages, $count, "$what: $count events");
	return @messages;
}

sub names { return join ' ', map { header($_, 'name') } @_ }

sub header
{
	my ($message, $name) = @_;
	my ($field) = grep { $_->[0] eq $name } @{ $message->{headers} };
	return $field ? $field->[2] : undef;
}

# JSON as upstream writes it, of a list of names and values; 1 and 0 in a
# reference are booleans.
sub json
{
	my ($value) = @_;
	return 'null' if !defined $value;
	return $$value ? 'true' : 'false' if ref $value eq 'SCALAR';
	return '[' . join(', ', map { json($_) } @$value[1 .. $#$value]) . ']' if ref $value eq 'ARRAY' && @$value && ref $value->[0] eq 'CODE';
	if (ref $value)
	{
		my @pairs = @$value;
		my @out;
		while (my ($k, $v) = splice(@pairs, 0, 2)) { push @out, "\"$k\": " . json($v); }
		return '{' . join(', ', @out) . '}';
	}
	return "\"$value\"";
}

sub list { return [ sub { }, @_ ] }

# One message against the contract. headers: those before and after the name.
sub is_event
{
	my ($message, %want) = @_;
	my $what = $want{name};
	my $time = header($message, 'timestamp') // '';
	my @headers;
	push @headers, [ 'tenant_uuid', 'S', $want{tenant} ];
	push @headers, [ 'session_uuid', 'S', $want{session} ] if $want{session};
	push @headers, [ 'name', 'S', $want{name} ];
	push @headers, [ "user_uuid:$want{audience}", 't', 1 ] if defined $want{audience};
	push @headers, [ 'required_access', 'S', "event.$want{name}" ], [ 'required_acl', 'S', "events.$want{key}" ],
	  [ 'origin_uuid', 'S', $origin ], [ 'timestamp', 'S', $time ];

	is($message->{exchange}, 'xivo', "$what: exchange");
	is($message->{routing_key}, $want{key}, "$what: routing key");
	# From 4.0 on RabbitMQ hands them on sorted.
	my @handed = $rabbit->major >= 4 ? sort { $a->[0] cmp $b->[0] } @headers : @headers;
	is_deeply($message->{headers}, \@handed, "$what: headers, their order and types");
	my %properties = %{ $message->{properties} };
	like(delete $properties{message_id}, qr/^[0-9a-f]+-[0-9a-f]+$/, "$what: message id");
	is_deeply(\%properties, { content_type => 'application/json', content_encoding => 'utf-8', delivery_mode => 2, priority => 0 },
		"$what: the other properties");
	like($time, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?$/, "$what: time");
	is(sql("SELECT abs(extract(epoch FROM '$time'::timestamp - now()::timestamp)) < 60"), 't', "$what: the time is local");
	is($message->{body}, json([ (map { ($_->[0], $_->[1] eq 't' ? \1 : $_->[2]) } @headers), data => $want{data} ]), "$what: body");
	return;
}

# a login
my $token = sql("SELECT token FROM wazo_auth.token_create('jane', 'secret')");
my $session = sql("SELECT uuid FROM wazo_auth.session WHERE token_digest = wazo_auth.token_digest('$token')");
my ($message) = messages(1, 'login');
is_event($message, name => 'auth_session_created', key => "auth.sessions.$session.created", tenant => $top, session => $session, audience => $user,
	data => [ uuid => $session, tenant_uuid => $top, user_uuid => $user, mobile => \0 ]);

sql("SELECT wazo_auth.token_delete('$token')");
($message) = messages(1, 'logout');
is_event($message, name => 'auth_session_deleted', key => "auth.sessions.$session.deleted", tenant => $top, session => $session, audience => $user,
	data => [ uuid => $session, user_uuid => $user, tenant_uuid => $top ]);
is(sql("SELECT wazo_auth.token_delete('$token')"), 'f', 'a second logout finds nothing');

# over HTTP's function, mobile and with a client id that has to be escaped
my $login = sub {
	my ($client, $mobile) = @_;
	my $headers = $mobile ? ", 'Wazo-Session-Type', 'mobile'" : '';
	my $status = sql(qq{SELECT (wazo_auth.http('POST', '/0.1/token',
		ARRAY['Authorization', 'Basic ' || encode('jane:secret', 'base64'), 'Content-Type', 'application/json'$headers],
		'{"access_type": "offline", "client_id": "$client"}')).status});
	is($status, '200', "offline login of $client" . ($mobile ? ', mobile' : ''));
	return;
};
$login->('my.app#1*x', 0);
my @messages = messages(2, 'offline login');
my $escaped = 'my__DOT__app__HASH__1__STAR__x';
is_event($messages[0], name => 'auth_refresh_token_created', key => "auth.users.$user.tokens.$escaped.created", tenant => $top, audience => $user,
	data => [ client_id => 'my.app#1*x', mobile => \0, user_uuid => $user, tenant_uuid => $top ]);
is(names(@messages), 'auth_refresh_token_created auth_session_created', 'offline login of a new client: order');
$login->('my.app#1*x', 0);
is(names(messages(1, 'offline login again')), 'auth_session_created', 'offline login of a known client: only the session');
$login->('my.app#1*x', 1);
@messages = messages(5, 'mobile login of a known client');
is(names(@messages), join(' ', ('auth_session_deleted') x 2, qw(auth_refresh_token_deleted auth_refresh_token_created auth_session_created)),
	'mobile login of a known client: order');
like($messages[2]{body}, qr/"data": \{"client_id": "my\.app#1\*x", "mobile": false,/, 'the deleted refresh token was not mobile');
like($messages[3]{body}, qr/"mobile": true,/, 'the new one is');
like($messages[4]{body}, qr/"mobile": true\}\}$/, 'and its session');
$login->('phone', 1);
@messages = messages(4, 'mobile login of a new client');
is(names(@messages), 'auth_refresh_token_created auth_session_deleted auth_refresh_token_deleted auth_session_created',
	'mobile login of a new client: order');
is_event($messages[2], name => 'auth_refresh_token_deleted', key => "auth.users.$user.tokens.$escaped.deleted", tenant => $top, audience => $user,
	data => [ client_id => 'my.app#1*x', mobile => \1, user_uuid => $user, tenant_uuid => $top ]);
sql("SELECT wazo_auth.revoke_refresh_token('$user', 'phone')");
is(names(messages(1, 'a revoked refresh token')), 'auth_refresh_token_deleted', 'its sessions stay');

# tenants
my $tenant = sql("SELECT wazo_auth.create_tenant('$top', 'Caf\x{c3}\x{a9}', 'cafe', domain_names => '{a.example,b.example}')");
($message) = messages(1, 'a new tenant');
is_event($message, name => 'auth_tenant_added', key => "auth.tenants.$tenant.created", tenant => $tenant, audience => '*',
	data => [ uuid => $tenant, name => 'Caf\u00e9', slug => 'cafe', domain_names => list('a.example', 'b.example') ]);
sql("SELECT wazo_auth.update_tenant('$tenant', 'Bar')");
($message) = messages(1, 'a changed tenant');
is_event($message, name => 'auth_tenant_updated', key => "auth.tenants.$tenant.updated", tenant => $tenant, audience => '*',
	data => [ uuid => $tenant, name => 'Bar' ]);
my $guest = sql("SELECT wazo_auth.create_user('$tenant', 'guest', 'secret', authentication_method => 'native')");
sql("SELECT wazo_auth.token_create('guest', 'secret', access_type => 'offline', client_id => 'c')");
messages(2, 'a login there');
sql("SELECT wazo_auth.delete_tenant('$tenant')");
@messages = messages(3, 'a deleted tenant');
is(names(@messages), 'auth_session_deleted auth_refresh_token_deleted auth_tenant_deleted', 'what was in it goes first');
is_event($messages[2], name => 'auth_tenant_deleted', key => "auth.tenants.$tenant.deleted", tenant => $tenant, audience => '*',
	data => [ uuid => $tenant ]);

# external accounts
my %word = (added => 'created', updated => 'updated', deleted => 'deleted', authorized => 'authorized');
for my $event (qw(added updated deleted authorized))
{
	sql("SELECT wazo_auth.emit_external_auth('$event', '$user', 'some.service')");
	($message) = messages(1, "external account $event");
	is_event($message, name => "auth_user_external_auth_$event", key => "auth.users.$user.external.some__DOT__service.$word{$event}",
		tenant => $top, audience => $user, data => [ user_uuid => $user, external_auth_name => 'some.service' ]);
}

# expiry: announced once, then gone; the service's own tokens go silently
sql("SELECT wazo_auth.token_create('jane', 'secret', 2)");
messages(1, 'a short login');
$session = sql("SELECT uuid FROM wazo_auth.session ORDER BY issued_at DESC LIMIT 1");
sql("WITH a AS MATERIALIZED (SELECT wazo_auth.store_acl('{x}') AS digest)
	INSERT INTO wazo_auth.session (token_digest, tenant_uuid, acl_digest, expires_at, auth_id)
	SELECT gen_random_uuid(), '$top', a.digest, now() + '1 second', 'wazo-auth' FROM a");
$node->append_conf('postgresql.conf', 'wazo_auth.token_cleanup_interval = 1');
$node->reload;
@messages = messages(2, 'a session that expires');
is_event($messages[0], name => 'auth_session_expire_soon', key => "auth.users.$user.sessions.$session.expire_soon", tenant => $top, session => $session,
	audience => $user, data => [ uuid => $session, user_uuid => $user, tenant_uuid => $top ]);
is(names(@messages), 'auth_session_expire_soon auth_session_deleted', 'it was announced once');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.session WHERE auth_id IS NOT NULL', '0', 'a token of the service itself expires');

# a token of the service itself, deleted by somebody
sql("WITH a AS MATERIALIZED (SELECT wazo_auth.store_acl('{x}') AS digest)
	INSERT INTO wazo_auth.session (token_digest, uuid, tenant_uuid, acl_digest, expires_at, auth_id)
	SELECT wazo_auth.token_digest('00000000-0000-4000-8000-000000000001'), '$origin', '$top', a.digest, now() + '1 hour', 'wazo-auth' FROM a");
sql("SELECT wazo_auth.token_delete('00000000-0000-4000-8000-000000000001')");
($message) = messages(1, 'a token of the service itself');
is_event($message, name => 'auth_session_deleted', key => "auth.sessions.$origin.deleted", tenant => $top, session => $origin, audience => 'wazo-auth',
	data => [ uuid => $origin, user_uuid => 'wazo-auth', tenant_uuid => $top ]);

# deleting a user, and what is rolled back
sql("SELECT wazo_auth.token_create('jane', 'secret', access_type => 'offline', client_id => 'c')");
messages(2, 'a last login');
sql("BEGIN; SELECT wazo_auth.delete_user('$user'); SELECT wazo_auth.create_tenant('$top', 'never'); ROLLBACK");
sql("SELECT wazo_auth.delete_user('$user')");
@messages = ();
while (my $next = $amqp->receive(@messages ? 2 : 10)) { push @messages, $next; }
my $all = names(@messages);
like($all, qr/^auth_session_deleted auth_refresh_token_deleted(?: auth_session_deleted)+$/, 'deleting a user ends its refresh tokens and sessions, once');
is(sql('SELECT count(*) FROM wazo_auth.event_outbox'), '0', 'nothing is left to send');
is(sql('SELECT count(DISTINCT message_id) = count(*) AND bool_and(position > 0) FROM wazo_auth.event_stream'), 't', 'message ids are unique');
is(sql("SELECT string_agg(name, ' ') FROM (SELECT name FROM wazo_auth.event_stream ORDER BY position DESC OFFSET 0 LIMIT " . scalar(@messages) . ') s'),
	join(' ', reverse split / /, $all), 'the stream in the database has the same events in the same order');
my ($body) = map { $_->{body} } $messages[-1];
is(sql("SELECT wazo_auth.json_ascii(body) = \$body\$$body\$body\$ FROM wazo_auth.event_stream ORDER BY position DESC LIMIT 1"), 't', 'and with the same body');

$node->stop;
done_testing();
