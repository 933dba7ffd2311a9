# The front behind nginx, and beside it: both always agree on where a request ends.
#
# Each case is a request whose end is in doubt (WazoFraming.pm) and several plain ones behind it, in one connection.
#
# - Behind nginx, which keeps one connection to the front: the front's access log has exactly the requests that nginx believes it
#   has sent. A request that the front saw and nginx did not was smuggled past it.
# - Without nginx: as far as both read the same bytes as requests, they are the same ones, with the same bodies.
#
# FRAMINGS (100) is the number of cases, FRAMING_SEED chooses others; `make framings` takes many.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use WazoFraming;
use WazoFront qw(wait_for);
use WazoNginx;

my $n = $ENV{FRAMINGS} || 100;
my $seed = $ENV{FRAMING_SEED} || 20260715;
diag("FRAMING_SEED=$seed FRAMINGS=$n");

my $t = WazoFront->new;
$t->start_front('--workers', 1, '--max-body', 20000, '--header-timeout', 600, '--body-timeout', 600, '--keepalive-timeout', 600);
my $nginx = WazoNginx->new($t);

# Sends it all, and reads until the connection is closed. Returns what was read; undef when the end does not come.
sub exchange
{
	my ($port, $bytes) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 300) or die "cannot connect: $!";
	local $SIG{PIPE} = 'IGNORE';
	my $got = '';
	syswrite($s, $bytes);
	while (IO::Select->new($s)->can_read(120))
	{
		my $r = sysread($s, $got, 65536, length $got);
		return $got if !$r;
	}
	return undef;
}

# The lines of a log, each a hash, by the case they belong to: a request "/end/ID" on a connection of its own ends one.
sub by_case
{
	my ($log, $read) = @_;
	my (%cases, @lines);
	foreach my $line (map { $read->($_) } split /\n/, $log)
	{
		next if $line->{request} eq 'GET /started';	# by which nginx was waited for; the log may tell of it late
		if ($line->{request} =~ m{^GET /end/(\d+)$}) { $cases{$1} = [@lines]; @lines = (); }
		else { push @lines, $line }
	}
	return \%cases;
}

sub front_line { return $_[0] =~ / "([^"]*(?:"<>[^"]*)?)" (\d{3}) \d+ [\d.]+ \S+$/ ? {request => $1, status => $2} : () }
sub nginx_line { return $_[0] =~ /^(\d+) (\S*) (\S*) (.*)$/ ? {status => $1, upstream => $2 || '-', request => "$3 $4"} : () }

# Runs all cases against a port. Returns the front's lines by case, and the bodies that it got, by case and target.
sub run
{
	my ($name, $port) = @_;
	my $framing = WazoFraming->new($seed);
	my $before = length $t->log;
	my (%bodies, @waiting);
	foreach my $id (1 .. $n)
	{
		my $got = exchange($port, $framing->bytes($id));
		push @waiting, $id if !defined $got;
		$bodies{$id}{$1} = $2 while ($got // '') =~ /"target" : "([^"]*)".*?"body" : (null|"[0-9a-f]*")/g;
		exchange($port, "GET /end/$id HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	}
	is("@waiting", '', "$name: every connection comes to its end");
	wait_for(sub { substr($t->log, $before) =~ m{/end/$n"} });
	return (by_case(substr($t->log, $before), \&front_line), \%bodies);
}

# What nginx has sent and the front has answered, as one list each. What nginx gave up for its own reasons while a body was
# coming, the front may have refused by then.
sub compare
{
	my ($sent, $seen) = @_;
	my @seen = @$seen;
	my @wrong;
	foreach my $line (@$sent)
	{
		my $next = $seen[0];
		my $same = $next && ($next->{request} eq $line->{request} || ($next->{request} eq '-' && $next->{status} >= 400));
		if ($line->{upstream} ne '-')
		{
			push @wrong, "sent $line->{request}, answered " . ($next ? "$next->{request} $next->{status}" : 'nothing')
				if !$same || $next->{status} ne $line->{upstream};
			shift @seen;
		}
		elsif ($line->{status} >= 400 && $same && $next->{status} >= 400) { shift @seen }
	}
	return @wrong, map { "answered $_->{request} $_->{status}, which was not sent" } @seen;
}

my (%nginx_cases, %bodies);
foreach my $way ('whole', 'passing')
{
	(my $seen, $bodies{$way}) = run($way, $nginx->port($way));
	my $sent = $nginx_cases{$way} = by_case($nginx->log($way), \&nginx_line);
	my @wrong = map { my $id = $_; map { "case $id: $_" } compare($sent->{$id}, $seen->{$id}) } 1 .. $n;
	is(join("\n", @wrong), '', "$way: the front has answered what nginx has sent, and nothing else");
	my @requests = map { @$_ } values %$sent;
	my $kept = grep { $_->{upstream} eq '-' } @requests;
	my $refused = grep { $_->{upstream} =~ /^[45]/ } @requests;
	ok($kept > 0 && @requests > 3 * $n / 2, "$way: of " . @requests . " requests nginx refused $kept, the front $refused");
}

# ---- the same bytes, without nginx between ----
{
	my ($seen, $direct) = run('direct', $t->{port});
	my (@wrong, $both);
	foreach my $id (1 .. $n)
	{
		my @front = @{$seen->{$id}};
		my @nginx = @{$nginx_cases{whole}{$id}};
		while (@front && @nginx && $front[0]{status} < 300 && $nginx[0]{status} < 300)
		{
			my ($f, $g) = map { $_->{request} } shift @front, shift @nginx;
			my ($target) = $f =~ / (.*)/;
			$both++;
			push @wrong, "case $id: the front read $f, nginx $g" if $f ne $g;
			push @wrong, "case $id: $f with another body" if ($direct->{$id}{$target} // '') ne ($bodies{whole}{$id}{$target} // '');
			last if $f ne $g;
		}
	}
	is(join("\n", @wrong), '', 'what both read of the same bytes is the same');
	cmp_ok($both, '>', $n, "... in $both requests");
}
is(scalar($t->workers), 1, 'still the worker');
unlike($t->log, qr/ended by signal|ended with status/, '... which never died');

done_testing();
