# Each alarm of docs/operations.md, provoked: it is silent before, it comes, what the page says to look at tells why, and
# it is silent again once what the page says has been done.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/../lib";
use HTTP::Tiny;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use WazoNode;
use WazoSmtp;

my $node = new_node('alarms', "wazo_auth.relay_interval = 1\nwazo_auth.relay_max_attempts = 1\nwazo_auth.relay_retry_pause = 100ms");
$node->start;
add_database($node, 'app');
my $smtp = WazoSmtp->new($node->basedir . '/smtp');
$smtp->start;
sub sql { return $node->safe_psql('app', $_[0]) }
sql(<<"EOC");
SELECT wazo_auth.bootstrap('boss', 'boss-s3cret');
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'ann', NULL, 'ann\@example.com');
SELECT wazo_auth.configure('{"smtp.hostname": "127.0.0.1", "smtp.port": $smtp->{port}}');
EOC
my $port = WazoPort::free_port();
my $front = start_front($node, 'app', '--workers', 1, '--metrics-port', $port, '--login-connections', 1);

# What the metrics are now: name with labels => value.
sub metrics
{
	my $text = HTTP::Tiny->new(timeout => 60)->get("http://127.0.0.1:$port/metrics")->{content};
	my %value;
	$value{$1} = $2 while $text =~ /^(wazo_auth_\w+(?:\{.*?\})?) (\S+)$/mg;
	return %value;
}

# Whether an alarm, as the page writes it, comes of these metrics. earlier: those of the beginning of its interval.
sub alarms
{
	my ($alarm, $now, $earlier) = @_;
	my ($increase, $name, $labels, $operator, $limit) = $alarm =~ /^(increase\()?(\w+)(?:\{(.*?)\})?(?:\[\w+\]\))? (==|>) (\d+)$/
	  or die "an alarm that this test cannot read: $alarm";
	foreach my $sample (keys %$now)
	{
		next if $sample !~ /^\Q$name\E(?:\{(.*)\})?$/ || defined $labels && index($1 // '', $labels) < 0;
		my $value = $now->{$sample} - ($increase ? $earlier->{$sample} // 0 : 0);
		return 1 if $operator eq '==' ? $value == $limit : $value > $limit;
	}
	return 0;
}

my @children;
my %provoke = (
	wazo_auth_database_up => {
		cause => sub { $node->stop },
		shows => sub { slurp_file($front->{log}) =~ /cannot connect to the database/ },
		mend => sub { $node->start } },
	wazo_auth_database_worker_ok => {
		cause => sub { sql('SELECT wazo_auth.hold()') },
		shows => sub { sql('SELECT reason FROM wazo_auth.worker_status LIMIT 1') =~ /go_live\(\)/ },
		mend => sub { sql('SELECT wazo_auth.go_live()') } },
	wazo_auth_queue_parked => {
		cause => sub {
			$smtp->mode('refuse');
			is(call($front, 'GET', '/0.1/users/password/reset?username=ann')->{status}, 204, 'a mail is asked for');
		},
		shows => sub { sql('SELECT error FROM wazo_auth.parked_mail') =~ /refused|5\d\d/ },
		mend => sub { $smtp->mode(); sql('SELECT wazo_auth.retry_parked_mails(), wazo_auth.retry_parked_events()') } },
	wazo_auth_logins_total => {
		cause => sub { call($front, 'POST', '/0.1/token', login => "ann:$_", body => '{}') for 1 .. 51 },
		shows => sub { slurp_file($node->logfile) =~ /LOG:  Failed login: ann from 127\.0\.0\.1 / },
		mend => undef },
	wazo_auth_queued_requests => {
		cause => sub {
			my $session = $node->background_psql('app');
			$session->query_safe('BEGIN; LOCK TABLE wazo_auth.session IN ACCESS EXCLUSIVE MODE');
			@children = map { my $pid = fork() // die "fork: $!"; if (!$pid) { call($front, 'POST', '/0.1/token', login => 'boss:boss-s3cret', body => '{}'); POSIX::_exit(0) } $pid } 1 .. 13;
			return $session;
		},
		shows => sub { 1 },
		mend => sub { $_[0]->query_safe('ROLLBACK'); $_[0]->quit; waitpid $_, 0 foreach @children } },
	wazo_auth_worker_restarts_total => {
		cause => sub {
			my ($worker) = grep { slurp_file("/proc/$_/cmdline") !~ /metrics/ } split ' ', slurp_file("/proc/$front->{pid}/task/$front->{pid}/children");
			kill 'KILL', $worker;
		},
		shows => sub { slurp_file($front->{log}) =~ /signal 9/ },
		mend => undef },
);

my $page = slurp_file("$FindBin::RealBin/../../docs/operations.md");
my ($table) = $page =~ /^\| Alarm \| What it means.*?\n\|---.*?\n((?:\|.*\n)+)/m;
my @alarms = $table =~ /^\| `([^`]+)`/mg;
is(scalar(@alarms), scalar(split /\n/, $table), 'each row of the table has an alarm');
foreach my $alarm (@alarms)
{
	my ($name) = $alarm =~ /(wazo_auth_\w+)/;
	my $how = delete $provoke{$name} or do { fail("$alarm: nobody provokes it"); next };
	my %before = metrics();
	ok(!alarms($alarm, \%before, \%before), "$alarm: silent");
	my $state = $how->{cause}->();
	ok(until_true(sub { my %now = metrics(); alarms($alarm, \%now, \%before) }), '... comes');
	ok(until_true($how->{shows}), '... with what it says to look at');
	$how->{mend}->($state) if $how->{mend};
	ok(until_true(sub { my %now = metrics(); !alarms($alarm, \%now, \%now) }), '... goes');
	# what comes next finds the service as it was
	ok(until_true(sub { call($front, 'HEAD', '/0.1/status')->{status} == 200 }), '... and all is well');
}
is(join(', ', sort keys %provoke), '', 'no alarm is provoked that the page does not have');
ok(until_true(sub { $smtp->mails }), 'the mail that was parked was sent');
stop_front($front);
$smtp->stop;
$node->stop('fast');
done_testing();
