# WazoSoak: clients that do a bit of everything through a front, and an eye on what must not grow meanwhile.
#
#   my $soak = WazoSoak->new(node => $node, front => $front, dir => $dir, admin => 'name:password');
#   $soak->start_clients(4);
#   $soak->sample; ...            as often as one likes; once more after $soak->stop
#   my %grown = $soak->growth;    ratio of each series' end to its begin, after the warm-up
#
# Each client makes what it uses and takes it away again, so that as much is there at any time. It writes what it asked
# for and got to DIR/soak.I: lines "kind status".
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoSoak;

use strict;
use warnings FATAL => 'all';
use Exporter qw(import);
use HTTP::Tiny;
use IO::Handle;
use JSON ();
use List::Util qw(max sum0);
use Time::HiRes qw(sleep time);
use WazoChaos;
use WazoNode;
use PostgreSQL::Test::Utils ();

our @EXPORT_OK = qw(ratio);

sub new
{
	my ($class, %args) = @_;
	return bless { seed => int rand 1e9, clients => [], samples => [], %args }, $class;
}

# What a client does, how often in relation to the others, and what the answers must be.
my @kinds = (
	[ 'login', 8, 200 ], [ 'wrong login', 1, 401 ], [ 'check', 20, 204 ], [ 'check of scopes', 4, 200 ], [ 'token', 4, 200 ], [ 'logout', 6, 200 ],
	[ 'lists', 5, 200 ], [ 'user', 2, 200 ], [ 'group', 2, 200 ], [ 'policy', 2, 200 ], [ 'tenant', 1, 200 ], [ 'refresh token', 2, 200 ],
	[ 'password', 1, 204 ], [ 'reset', 1, 204 ]);
sub kinds { return map { $_->[0] } @kinds }

sub start_clients
{
	my ($self, $number) = @_;
	push @{ $self->{clients} }, map { my $n = $_; WazoChaos::spawn(sub { client($self, $n, $_[0]) }) } 1 .. $number;
	return;
}

sub stop
{
	my ($self) = @_;
	my @pids = splice @{ $self->{clients} };
	return WazoChaos::wait_for_end($self, @pids);
}

sub client
{
	my ($self, $n, $stop) = @_;
	open(my $out, '>', "$self->{dir}/soak.$n") or die "soak.$n: $!";
	$out->autoflush(1);
	srand($self->{seed} + $n);
	my %me = (n => $n, count => 0, password => 'secret', live => [], http => HTTP::Tiny->new(timeout => 60, keep_alive => 1));
	# what a step asks last is what counts
	$me{ask} = sub {
		my ($method, $path, %opt) = @_;
		$opt{body} = JSON->new->canonical->encode($opt{body}) if ref $opt{body};
		$opt{headers} = { 'X-Auth-Token' => delete $opt{token} } if $opt{token};
		my $answer = call($self->{front}, $method, $path, http => $me{http}, %opt);
		$me{requests}++;
		return ($answer->{status}, $answer->{content} && eval { JSON::decode_json($answer->{content}) });
	};
	my $login = sub { my ($status, $json) = $me{ask}->('POST', '/0.1/token', login => $_[0], body => $_[1] // {}); return $json->{data}{token} // die "login of $_[0]: $status" };
	$me{admin} = $login->($self->{admin}, { expiration => 315360000 });
	(undef, my $user) = $me{ask}->('POST', '/0.1/users', token => $me{admin},
		body => { username => "soak$n", password => 'secret', email_address => "soak$n\@example.com" });
	$me{uuid} = $user->{uuid} // die "no user";
	$me{requests} = 0;
	# each once, and then as often as it happens
	my @choice = map { ($_) x $_->[1] } @kinds;
	my @next = @kinds;
	until ($$stop)
	{
		my ($kind, undef, $want) = @{ shift @next // $choice[ rand @choice ] };
		$me{count}++;
		my $status = step(\%me, $kind);
		print $out "$kind\t$status\t$me{requests}\n";
		print STDERR "# client $n: $kind: $status\n" if $status != $want;
		$me{requests} = 0;
	}
	return;
}

# Does one thing and returns the status that came last, or one of a request on the way that was not what it should be.
sub step
{
	my ($me, $kind) = @_;
	my ($ask, $admin, $name) = (@$me{qw(ask admin)}, "soak $me->{n} $me->{count}");
	my $live = $me->{live};
	@$live = grep { $_->[1] > time } @$live;
	if ($kind eq 'login' || !@$live && $kind =~ /^(?:check|token|logout)/)
	{
		my ($status, $json) = $ask->('POST', '/0.1/token', login => "soak$me->{n}:$me->{password}", body => { expiration => 60 });
		return $status if $status != 200;
		# those that are forgotten here end by themselves
		push @$live, [ $json->{data}{token}, time + 50 ];
		shift @$live while @$live > 20;
		return 200 if $kind eq 'login';
	}
	my $token = @$live ? $live->[ rand @$live ][0] : '';
	return ($ask->('POST', '/0.1/token', login => "soak$me->{n}:wrong", body => {}))[0] if $kind eq 'wrong login';
	return ($ask->('HEAD', "/0.1/token/$token"))[0] if $kind eq 'check';
	return ($ask->('GET', "/0.1/token/$token"))[0] if $kind eq 'token';
	return ($ask->('POST', "/0.1/token/$token/scopes/check", body => { scopes => [ 'auth.users.read', 'calld.calls.create' ] }))[0] if $kind eq 'check of scopes';
	return ($ask->('DELETE', '/0.1/token/' . (splice @$live, rand @$live, 1)->[0]))[0] if $kind eq 'logout';
	return max(map { ($ask->('GET', "/0.1/$_", token => $admin))[0] } 'users?search=soak&limit=10', 'groups?recurse=true', 'policies?limit=20', 'sessions?limit=20', 'tenants?order=name', 'audit?limit=20')
	  if $kind eq 'lists';
	return ($ask->('GET', '/0.1/users/password/reset?username=' . (rand() < 0.5 ? "soak$me->{n}" : "nobody$me->{n}")))[0] if $kind eq 'reset';
	if ($kind eq 'password')
	{
		my $new = "secret $me->{count}";
		my ($status) = $ask->('PUT', "/0.1/users/$me->{uuid}/password", token => $admin, body => { old_password => $me->{password}, new_password => $new });
		($me->{password}, @$live) = ($new) if $status == 204;
		return $status;
	}
	if ($kind eq 'refresh token')
	{
		my $client = 'client ' . int rand 5;
		my ($status, $json) = $ask->('POST', '/0.1/token', login => "soak$me->{n}:$me->{password}", body => { access_type => 'offline', client_id => $client, expiration => 60 });
		return $status if $status != 200;
		($status) = $ask->('POST', '/0.1/token', body => { refresh_token => $json->{data}{refresh_token}, client_id => $client, expiration => 60 });
		return $status if $status != 200;
		$client =~ s/ /%20/g;
		($status) = $ask->('DELETE', "/0.1/users/$me->{uuid}/tokens/$client", token => $admin);
		return $status == 204 ? 200 : $status;
	}
	my %made = (
		user => { username => $name, password => 'secret', email_address => "$me->{n}.$me->{count}\@example.org" },
		group => { name => $name }, policy => { name => $name, acl => [ 'calld.#', '!calld.x' ] }, tenant => { name => $name });
	my $path = { user => 'users', group => 'groups', policy => 'policies', tenant => 'tenants' }->{$kind};
	my ($status, $json) = $ask->('POST', "/0.1/$path", token => $admin, body => $made{$kind});
	return $status if $status >= 300;
	my $uuid = $json->{uuid};
	my @steps = (
		$kind eq 'user' ? [ 'PUT', "users/$uuid", { username => "$name, renamed", firstname => 'A' } ] : (),
		$kind eq 'group' ? ([ 'PUT', "groups/$uuid/users/$me->{uuid}" ], [ 'DELETE', "groups/$uuid/users/$me->{uuid}" ]) : (),
		$kind eq 'policy' ? ([ 'PUT', "users/$me->{uuid}/policies/$uuid" ], [ 'DELETE', "users/$me->{uuid}/policies/$uuid" ]) : (),
		[ 'DELETE', "$path/$uuid" ]);
	for my $step (@steps)
	{
		my ($got) = $ask->($step->[0], "/0.1/$step->[1]", token => $admin, $step->[2] ? (body => $step->[2]) : ());
		return $got if $got >= 300;
	}
	return $status;
}

# Of all answers so far: how many of each kind and status, {kind}{status}; and how many requests there were.
sub answers
{
	my ($self) = @_;
	for my $file (glob "$self->{dir}/soak.*")
	{
		my $from = \($self->{read}{$file} //= 0);
		my $text = PostgreSQL::Test::Utils::slurp_file($file, $$from);
		$text =~ s/[^\n]*\z//;
		$$from += length $text;
		for my $line (split /\n/, $text)
		{
			my ($kind, $status, $requests) = split /\t/, $line;
			$self->{answers}{$kind}{$status}++;
			$self->{requests} += $requests;
		}
	}
	return ($self->{answers} // {}, $self->{requests} // 0);
}

# Memory of its own (kB) and open files of some processes; those that ended meanwhile have none.
sub processes
{
	my @pids = @_;
	my ($memory, $files) = (0, 0);
	for my $pid (@pids)
	{
		my $status = eval { PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") } // next;
		$memory += $1 if $status =~ /^RssAnon:\s+(\d+) kB$/m;
		$files += () = glob "/proc/$pid/fd/*";
	}
	return ($memory, $files);
}

# Notes what there is now, and returns it: {series} => value.
sub sample
{
	my ($self) = @_;
	my $node = $self->{node};
	my $sql = sub { my @rows = split /\n/, $node->safe_psql('app', $_[0]); return @rows };
	my $parent = $self->{front}{pid};
	my @front = ($parent, split ' ', PostgreSQL::Test::Utils::slurp_file("/proc/$parent/task/$parent/children"));
	my %now = (at => time);
	(undef, $now{requests}) = $self->answers;
	@now{ 'front, kB', 'front, files' } = processes(@front);
	@now{ 'backends, kB', 'backends, files' } = processes($sql->("SELECT pid FROM pg_stat_activity WHERE application_name = 'wazo-auth'"));
	@now{ 'workers, kB', 'workers, files' } = processes($sql->("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'wazo_auth %'"));
	($now{'events that wait'}) = $sql->('SELECT count(*) FROM wazo_auth.event_outbox');
	($now{'mails that wait'}) = $sql->('SELECT count(*) FROM wazo_auth.mail_outbox');
	# The audit log is to grow: its size for each request is looked at, as that of the logs.
	my %size = map { split /\|/ } $sql->(<<'EOS');
SELECT CASE WHEN c.relname LIKE 'audit%' THEN 'audit' ELSE 'tables' END || CASE c.relkind WHEN 'i' THEN ', indexes' ELSE '' END,
       sum(pg_relation_size(c.oid) + COALESCE(pg_total_relation_size(NULLIF(c.reltoastrelid, 0)), 0))
FROM pg_class c WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind IN ('r', 'i') GROUP BY 1
EOS
	@now{ 'tables, bytes', 'indexes, bytes' } = @size{ 'tables', 'tables, indexes' };
	$now{'of audit'} = $size{audit} + $size{'audit, indexes'};
	$now{'of the logs'} = (-s $node->logfile) + (-s $self->{front}{log});
	push @{ $self->{samples} }, \%now;
	return \%now;
}

# Ratio of the end of a series to its begin, each the mean of a third of it: 1 is flat. Below the floor, nothing counts.
sub ratio
{
	my ($values, $floor) = @_;
	my $third = int(@$values / 3) || 1;
	my $begin = sum0(@$values[ 0 .. $third - 1 ]) / $third;
	my $end = sum0(@$values[ -$third .. -1 ]) / $third;
	return max($end, $floor) / max($begin, $floor);
}

# By series: the ratio, of the samples after the first third. What is to grow with each request is that for a request.
my %floor = ('events that wait' => 500, 'mails that wait' => 100);
sub growth
{
	my ($self) = @_;
	my @all = @{ $self->{samples} };
	my @late = @all[ int(@all / 3) .. $#all ];
	my %ratio;
	for my $series (grep { /, |wait/ } keys %{ $late[0] })
	{
		$ratio{$series} = ratio([ map { $_->{$series} } @late ], $floor{$series} // 1);
	}
	for my $series ('of audit', 'of the logs')
	{
		my @rate = map { ($late[$_]{$series} - $late[ $_ - 1 ]{$series}) / max(1, $late[$_]{requests} - $late[ $_ - 1 ]{requests}) } 1 .. $#late;
		$ratio{"$series, bytes a request"} = ratio(\@rate, 1);
	}
	return %ratio;
}

1;
