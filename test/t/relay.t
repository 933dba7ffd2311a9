# The relay when things go wrong: the broker stops, refuses or hangs, the worker
# is killed between sending and noting it, the extension goes. Nothing is lost,
# nothing invented, and the order of each object's events stays.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use WazoAmqp;
use WazoNode;
use WazoRabbit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rabbit = WazoRabbit->new;
my ($authority, $tls_uri) = $rabbit->use_tls;
my $node = new_node('relay', <<'EOC');
wazo_auth.relay_interval = 1
wazo_auth.relay_retry_pause = 100ms
wazo_auth.relay_max_attempts = 3
wazo_auth.token_cleanup_interval = 0
log_statement = all
EOC
$node->start;
add_database($node, 'app');

sub sql { return scalar $node->safe_psql('app', $_[0]) }
sub configure { return sql("SELECT wazo_auth.configure(\$json\${\"amqp.uri\": $_[0]}\$json\$)") }
sub log_text { return PostgreSQL::Test::Utils::slurp_file($node->logfile) }
sub outbox_is { return until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_outbox', $_[0], $_[1]) }

my ($amqp, $queue);

# A durable queue, so that what is sent while nobody listens is kept.
sub listen_again
{
	$amqp = WazoAmqp->new(port => $rabbit->{port});
	$amqp->exchange('xivo', 'topic');
	$amqp->queue('test');
	$amqp->bind('test', 'xivo', '#');
	$amqp->consume('test');
	return;
}

# All messages until none has come for a while.
sub drain
{
	my ($seconds) = @_;
	my @messages;
	while (my $message = $amqp->receive($seconds // 2)) { push @messages, $message; }
	return @messages;
}

my %serial;

# An event about an object; its data tells how many of the object there were.
sub emit
{
	my ($object, $key) = @_;
	my $n = ++$serial{$object};
	$key //= 'k';
	sql("SELECT wazo_auth.emit_event('test', ('00000000-0000-4000-8000-' || lpad('$object', 12, '0'))::uuid, '$key',
		'{\"object\": \"$object\", \"n\": $n}')");
	return;
}

sub serials
{
	my %seen;
	for my $message (@_)
	{
		push @{ $seen{$1} }, $2 if $message->{body} =~ /"object": ?"(\w+)", "n": (\d+)/;
	}
	return \%seen;
}

# no broker: the stream has them, and a broker that comes later gets them
emit('1') for 1 .. 3;
until_is($node, 'app', "SELECT string_agg(body -> 'data' ->> 'n', ',' ORDER BY position) FROM wazo_auth.event_stream", '1,2,3',
	'without a broker, readers in the database have the events');
outbox_is('0', 'and none is left behind');

# broker down: everything else goes on
configure('"' . $rabbit->uri . '"');
emit('1');
sql("SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'jane', 'secret', authentication_method => 'native')");
sql("SELECT wazo_auth.token_create('jane', 'secret')") for 1 .. 5;
is(sql("SELECT count(*) FROM wazo_auth.session s JOIN wazo_auth.\"user\" u ON u.uuid = s.user_uuid WHERE u.username = 'jane'"), '5',
	'with the broker down, logins are answered');
outbox_is('9', 'and their events wait, with those that found no broker before');
like(log_text(), qr/message broker: could not connect: Connection refused/, 'the log says why');
is_deeply([ grep { /guest:guest/ && !/configure/ } split /\n/, log_text() ], [], 'without the credentials');

$rabbit->start;
$amqp = WazoAmqp->new(port => $rabbit->{port});
outbox_is('0', 'broker up: they go out');
listen_again();

# the first ones went before the queue was there; from here on all are seen
emit('2') for 1 .. 5;
is_deeply(serials(drain())->{2}, [ 1 .. 5 ], 'events of an object come in their order');

# a broker that dies under load
undef $amqp;
$rabbit->kill;
for my $i (1 .. 30) { emit('3'); emit('4') if $i % 3 == 0; }
$rabbit->start;
listen_again();
outbox_is('0', 'after the death of the broker everything goes out');
my $seen = serials(drain());
is_deeply([ grep { !$seen->{3}[ $_ - 1 ] } 1 .. 30 ], [], 'nothing is lost');
is_deeply($seen->{3}, [ 1 .. 30 ], 'in the order of the object');
is_deeply($seen->{4}, [ 1 .. 10 ], 'and of the other one');

# killed between publishing and noting it: the advisory lock of finish_events()
# is held meanwhile
{
	my ($in, $out, $err) = ("BEGIN; SELECT 'locked' FROM pg_advisory_xact_lock(2002877039, 1);\n", '', '');
	my $handle = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app') ], '<', \$in, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	until_true(sub { $handle->pump_nb; $out =~ /locked/ });
	$serial{5} = 3;
	sql("SELECT wazo_auth.emit_event('test', '00000000-0000-4000-8000-000000000005', 'k', json_build_object('object', '5', 'n', n)) FROM generate_series(1, 3) n");
	my @first;
	push @first, $amqp->receive(10) // last for 1 .. 3;
	is_deeply(serials(@first)->{5}, [ 1 .. 3 ], 'the relay has sent events and is kept from noting it');
	is(sql('SELECT count(*) FROM wazo_auth.event_outbox'), '3', 'they are still in the outbox');
	my $pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'");
	ok($pid && kill('KILL', $pid), 'kill -9 of the relay');
	eval { $handle->kill_kill; };
	until_true(sub { $node->psql('app', 'SELECT 1') == 0 });
	outbox_is('0', 'the next relay settles them');
	my @again = drain();
	is_deeply(serials(@again)->{5}, [ 1 .. 3 ], 'by sending them again');
	is_deeply([ map { $_->{properties}{message_id} } @again ], [ map { $_->{properties}{message_id} } @first ],
		'with the same message ids');
}

# a rolled back change
sql("BEGIN; SELECT wazo_auth.emit_event('test', gen_random_uuid(), 'k', '{}'); ROLLBACK");
emit('6');
is_deeply([ map { $_->{body} =~ /"object": ?"(\w+)"/ } drain() ], ['6'], 'what is rolled back is not sent');

# a poison event: the protocol cannot carry its routing key
my $long = 'k' x 300;
emit('7');
emit('7', $long);
emit('7');
emit('8');
my @messages = drain(1);
is_deeply(serials(@messages)->{8}, [1], 'a poison event does not hold up others');
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.parked_event', '1', 'it is parked');
is(sql('SELECT attempts, error FROM wazo_auth.parked_event'), '3|the routing key is longer than 255 bytes', 'after its attempts, with the reason');
is_deeply([ @{ serials(@messages)->{7} }, @{ serials(drain())->{7} // [] } ], [ 1, 3 ], 'then its object goes on');
sql("UPDATE wazo_auth.event_outbox SET routing_key = 'short' WHERE parked");
is(sql('SET ROLE wazo_auth_admin; SELECT wazo_auth.retry_parked_events()'), '1', 'it can be sent again');
is_deeply(serials(drain())->{7}, [2], 'and arrives');

# a broker that refuses: a full queue
$amqp->queue('full', 'x-max-length' => [ 'I', 1 ], 'x-overflow' => [ 'S', 'reject-publish' ]);
$amqp->bind('full', 'xivo', 'full');
emit('9', 'full');
drain(1);
$node->append_conf('postgresql.conf', 'wazo_auth.relay_max_attempts = 100');
$node->reload;
emit('9', 'full');
emit('9', 'other');
emit('a1', 'other');
until_is($node, 'app', "SELECT attempts > 0 AND error LIKE '%basic.nack%' FROM wazo_auth.event_outbox ORDER BY id LIMIT 1", 't', 'a refused event is tried again');
until_is($node, 'app', "SELECT string_agg(data ->> 'n', ',' ORDER BY id) FROM wazo_auth.event_outbox", '2,3', 'its object waits behind it, others do not');
@messages = drain(1);
is_deeply(serials(@messages)->{a1}, [1], 'others do not');
is_deeply([ grep { $_ == 3 } @{ serials(@messages)->{9} // [] } ], [], 'the later event was not sent');
$amqp->delete_queue('full');
outbox_is('0', 'once there is room it goes');
my @late = map { $_->{body} =~ /"n": (\d+)/ } drain();
is($late[-1], 3, 'and the later one last');

# an exchange that somebody deletes is declared again
$amqp->delete_exchange('xivo');
emit('b1');
outbox_is('0', 'a deleted exchange does not stop the relay');
is(sql('SELECT count(*) FROM wazo_auth.parked_event'), '0', 'nor is an event blamed');
# the bindings went with it
listen_again();

# an exchange of another type: said, not parked
sql("SELECT wazo_auth.configure('{\"amqp.exchange_type\": \"fanout\"}')");
emit('b2');
until_true(sub { log_text() =~ /could not declare the exchange: 406/ });
like(log_text(), qr/could not declare the exchange: 406 PRECONDITION_FAILED/, 'a clash of types is in the log');
is(sql('SELECT attempts FROM wazo_auth.event_outbox'), '0', 'and no event is blamed');
sql("SELECT wazo_auth.configure('{\"amqp.exchange_type\": \"topic\"}')");
outbox_is('0', 'the right type again');

# listeners in the database
{
	my ($in, $out, $err) = ("LISTEN wazo_auth_event; SELECT 'ready';\n", '', '');
	my $handle = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('app') ], '<', \$in, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	until_true(sub { $handle->pump_nb; $out =~ /ready/ });
	emit('c1');
	outbox_is('0', 'sent');
	until_true(sub { $in .= "SELECT 1;\n"; $handle->pump_nb; $out =~ /Asynchronous notification/ });
	my $last = sql('SELECT max(position) FROM wazo_auth.event_stream');
	like($out, qr/Asynchronous notification "wazo_auth_event" with payload "$last"/, 'a listener hears of the new last position');
	$in .= "\\q\n";
	$handle->finish;
}

# old events leave the stream
sql(q{SELECT wazo_auth.configure('{"event_retention": 1}')});
until_is($node, 'app', 'SELECT count(*) FROM wazo_auth.event_stream', '0', 'the stream is kept for event_retention');
sql(q{SELECT wazo_auth.configure('{"event_retention": 0}')});
emit('c2');
outbox_is('0', 'without retention');
is(sql('SELECT count(*) FROM wazo_auth.event_log'), '0', 'nothing is kept');

# settings are checked, and a wrong password is not shown
my ($rc, $out, $err) = $node->psql('app', q{SELECT wazo_auth.configure('{"amqp.uri": "http://user:s3cret@host/"}')});
like($err, qr/setting "amqp.uri" must be/, 'a wrong URI is refused');
unlike($err, qr/s3cret/, 'and not shown');
my $offset = -s $node->logfile;
configure('"amqp://guest:s3cretpw@127.0.0.1:' . $rabbit->{port} . '/"');
until_true(sub { substr(log_text(), $offset) =~ /message broker: could not log in/ });
my @lines = grep { !/configure/ } split /\n/, substr(log_text(), $offset);
ok((grep { /message broker: could not log in/ } @lines), 'a refused login is in the log');
is_deeply([ grep { /s3cretpw/ } @lines ], [], 'but no password');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'wazo_auth' AND query ~ 's3cretpw'"), '0', 'nor in pg_stat_activity');

# TLS: not with a certificate that nobody vouches for
$offset = -s $node->logfile;
configure("\"$tls_uri\"");
emit('d1');
until_true(sub { substr(log_text(), $offset) =~ /message broker: could not connect: TLS/ });
like(substr(log_text(), $offset), qr/message broker: could not connect: TLS: certificate: /, 'an unknown certificate is refused');
is(sql('SELECT count(*) FROM wazo_auth.event_outbox'), '1', 'nothing was sent');
{
	local $ENV{SSL_CERT_FILE} = $authority;
	$node->restart;
}
outbox_is('0', 'with a known one it is sent');
is_deeply(serials(drain())->{d1}, [1], 'over TLS');

# a broker that accepts and says nothing holds up neither stop nor DROP EXTENSION
my $deaf = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0);
configure('"amqp://guest:guest@127.0.0.1:' . $deaf->sockport . '/"');
until_is($node, 'app', "SELECT query FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'",
	'wazo_auth: connecting to the message broker', 'the relay talks to a deaf broker');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND xact_start IS NOT NULL"), '0', 'without a transaction');
# The attempt does not end by its own time limit meanwhile, which the log would tell.
my $log_size = -s $node->logfile;
$node->stop('fast');
unlike(slurp_file($node->logfile, $log_size), qr/message broker: /, 'a fast stop does not wait for it');
$node->start;
until_is($node, 'app', "SELECT query FROM pg_stat_activity WHERE backend_type = 'wazo_auth relay' AND datname = 'app'",
	'wazo_auth: connecting to the message broker', 'again');
$log_size = -s $node->logfile;
sql('DROP EXTENSION wazo_auth');
unlike(slurp_file($node->logfile, $log_size), qr/message broker: /, 'DROP EXTENSION does not wait for it either');
$node->safe_psql('postgres', 'DROP DATABASE app');
unlike(slurp_file($node->logfile, $log_size), qr/message broker: /, 'nor does DROP DATABASE');

$node->stop;
done_testing();
