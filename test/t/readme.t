# `make run` in a folder that nobody else may enter, with a message broker and a
# mail server, and the lines of the README as printed: what a comment promises (a
# status, a value) has to come out, and events and mails really go.
# Also: every test file is in a run, and every link of the documents leads somewhere.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Find qw(find);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h);
use Test::More;
use WazoAmqp;
use WazoFront qw(wait_for);
use WazoRabbit;
use WazoSmtp;
use WazoTree;

my $top = abs_path(dirname(__FILE__) . '/../..');

sub slurp
{
	open(my $f, '<', $_[0]) or return undef;
	local $/;
	return <$f> // '';
}

# ---- every test file is in a run ----
{
	my $check = slurp("$top/test/lib/check.sh");
	my $unit = slurp("$top/test/unit/unit.mk");
	my @files;
	find({no_chdir => 1, wanted => sub { push @files, substr($_, length("$top/test/")) if -f && !m{/tmp_check/} }}, "$top/test");
	foreach my $file (sort @files)
	{
		if (my ($folder, $name, $kind) = $file =~ m{^(sql|specs)/(.+)\.(sql|spec)$})
		{
			like($check, qr{names test/$folder \.$kind}, "test/$file is in a run");
			ok(-s "$top/expected/$name.out", '... and something is expected of it');
		}
		elsif (($folder) = $file =~ m{^(t|rest)/[^/]+$})
		{
			ok($file =~ /\.t$/ && $check =~ m{prove .*test/$folder\b}, "test/$file is in a run");
		}
		elsif ($file =~ m{^pgtap/[^/]+$})
		{
			ok($file =~ /\.sql$/ && $check =~ m{files=test/pgtap\b.*prove .*--ext \.sql .*\$files}s, "test/$file is in a run");
		}
		elsif (($name) = $file =~ m{^unit/(.+)_test\.c$})
		{
			ok($unit =~ /\b\Q$name\E_test/ || $unit =~ /wildcard.*_test\.c/, "test/$file is in a run");
		}
	}
	foreach my $out (glob "$top/expected/*.out")
	{
		my ($name) = $out =~ m{([^/]+?)(?:_\d+)?\.out$};
		ok(-e "$top/test/sql/$name.sql" || -e "$top/test/specs/$name.spec", "expected/$name.out has a test");
	}
	like($check, qr/for suite in \$suites/, 'check.sh runs its suites');
	like($check, qr/suites=\$\{\*:-unit regress isolation pgtap tap fresh\}/, '... all of them');
}

# ---- links ----
foreach my $doc (qw(README.md CONTRIBUTING.md SECURITY.md), map { "docs/$_" } sort map { m{([^/]+)$} } glob "$top/docs/*.md")
{
	my $text = slurp("$top/$doc");
	while ($text =~ /\]\(([^)#:\/][^)#:]*)(?:#[^)]*)?\)/g)
	{
		my $target = dirname("$top/$doc") . "/$1";
		ok(-e $target, "$doc links to $1");
	}
}

# ---- make run ----
my $home = tempdir('wazo_readme.XXXXXX', TMPDIR => 1, CLEANUP => 0);
chmod 0700, $home;
system('bash', "$top/tools/sources.sh", $home) == 0 or die 'sources.sh';
my $port = do { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport };
my $rabbit = WazoRabbit->new;
$rabbit->start;
my $amqp = WazoAmqp->new(port => $rabbit->{port});
$amqp->exchange('xivo', 'topic');
$amqp->queue('readme');
$amqp->bind('readme', 'xivo', '#');
$amqp->consume('readme');
my $smtp = WazoSmtp->new("$home/smtp");
$smtp->start;
my $run = fork() // die "fork: $!";
if ($run == 0)
{
	setpgrp(0, 0);
	$SIG{INT} = 'DEFAULT';    # a test in the background ignores it
	chdir $home;
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', "$home/run.log");
	open(STDERR, '>&', \*STDOUT);
	leave_private_tree();
	exec('make', 'run', "PORT=$port", 'AMQP_URI=' . $rabbit->uri, 'SMTP_HOST=127.0.0.1', "SMTP_PORT=$smtp->{port}") or POSIX::_exit(127);
}
my $ended;
END
{
	if ($run)
	{
		local $?;
		kill 'INT', -$run if !$ended;
		wait_for(sub { $ended ||= waitpid($run, WNOHANG) });
		kill 'KILL', -$run if !$ended;
		system('rm', '-rf', readlink("$home/.run/state") // (), $home);
	}
}
ok(wait_for(sub {
	$ended ||= waitpid($run, WNOHANG);
	$ended || IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1);
}, 1800) && !$ended, 'make run serves') or die 'make run: ' . slurp("$home/run.log");
my $log = slurp("$home/run.log");
like($log, qr/wazo_auth runs on http:\/\/127\.0\.0\.1:$port \(Ctrl-C stops it\)/, '... and says where');
ok(!$ended, '... in the foreground');
is((stat "$home/.run/env")[2] & 0777, 0600, 'only its owner can read the password');

# ---- the lines ----
my ($before) = slurp("$top/README.md") =~ /\A(.*?)^## Installing/ms;
my $lines = 0;
while ($before =~ /^```(sh|sql)\n(.*?)^```/msg)
{
	my ($kind, $block) = ($1, $2);
	next if $block =~ /^make run/m;
	my $script = "$home/block";
	open(my $f, '>', $script) or die $!;
	if ($kind eq 'sh')
	{
		print $f "cd '$home'\n. .run/env\n";
		foreach my $line (split /\n/, $block) { print $f "$line\nprintf '\\n@@\\n'\n"; }
	}
	else
	{
		foreach my $line (split /\n/, $block) { print $f "$line\n\\echo\n\\echo @@\n"; }
	}
	close $f;
	my $command = $kind eq 'sh' ? "bash '$script' 2>&1" : "cd '$home' && . .run/env && psql -X -q -A -t -v ON_ERROR_STOP=1 -f '$script' 2>&1";
	my @out = split /\n@@\n/, `$command`, -1;
	my $status = $?;
	is($status, 0, "a block of $kind runs");
	foreach my $line (split /\n/, $block)
	{
		my $out = shift @out // 'nothing';
		$out =~ s/\A\n+|\n+\z//g;
		$lines++;
		if ($line =~ /(?:\s#|--) ([a-z0-9_, ]+?)(?::.*)?$/)
		{
			(my $promised = $1) =~ s/, /|/g;
			is($out, $promised, $line);
		}
		elsif ($line =~ m{/0\.1/token$} && $line =~ /curl/ && $line !~ /TOKEN=/)
		{
			like($out, qr/^\{"data": \{"token": "/, $line);
		}
		else
		{
			unlike($out, qr/ERROR|nothing|rror:/, $line);
		}
	}
}
cmp_ok($lines, '>', 8, 'the README has lines to try');

# ---- what the lines did was published, and mails go, too ----
{
	my $message;
	do { $message = $amqp->receive(10) } until !$message || $message->{routing_key} =~ /^auth\.sessions\.[^.]+\.created$/;
	ok($message, 'a login was published');
	my $asked = `cd '$home' && . .run/env && psql -X -q -A -t -v ON_ERROR_STOP=1 <<'END' 2>&1
SELECT wazo_auth.create_user(wazo_auth.top_tenant_uuid(), 'reader', NULL, 'reader\@example.com') \\g /dev/null
\\! curl -s -o /dev/null -w '%{http_code}' "\$BASE_URL/0.1/users/password/reset?username=reader"
END`;
	is($asked, '204', 'a mail is asked for') or diag($asked);
	ok(wait_for(sub { scalar $smtp->mails }), '... and sent') and is(($smtp->mails)[0]{recipient}, 'reader@example.com', '... to who asked');
}

# ---- functions that the documents name are there ----
{
	my %named;
	foreach my $doc (qw(README.md CONTRIBUTING.md SECURITY.md), map { "docs/$_" } map { m{([^/]+)$} } glob "$top/docs/*.md")
	{
		my $text = slurp("$top/$doc");
		$text =~ s/^## Recipes.*//ms if $doc eq 'docs/developing.md';    # they make what they name
		$named{$1} = $doc while $text =~ /\bwazo_auth\.(\w+)\(/g;
	}
	my $known = `cd '$home' && . .run/env && psql -X -q -A -t -c "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'wazo_auth'::regnamespace"`;
	like($known, qr/^\Q$_\E$/m, "$named{$_} names wazo_auth.$_()") foreach sort keys %named;
}

# ---- the same again: data is kept, the port is told ----
{
	my $second = `cd '$home' && make run PORT=$port 2>&1`;
	isnt($?, 0, 'a second make run beside it ends');
	like($second, qr/another `make run` uses .*; stop it or set RUN_DIR/, '... and says why');
	$second = `cd '$home' && make run PORT=$port RUN_DIR=.run2 2>&1`;
	like($second, qr/port $port on 127\.0\.0\.1 is taken by another program/, 'a port that is taken is told');
	system('rm', '-rf', readlink("$home/.run2/state") // ());
}
kill 'INT', -$run;
ok(wait_for(sub { $ended = waitpid($run, WNOHANG) }), 'Ctrl-C ends it');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1), '... and the front');
my $state = -d "$home/.run/data" ? "$home/.run" : readlink "$home/.run/state";
ok(-s "$state/data/PG_VERSION" && !-e "$state/data/postmaster.pid", '... and the cluster, whose data stays');
done_testing;
