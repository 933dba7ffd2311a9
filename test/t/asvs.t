# docs/asvs.md lists every requirement with tests that are there; what is wrong with such a list is found.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";

sub text_of
{
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!";
	local $/;
	return scalar <$file>;
}

sub write_to
{
	my ($path, $text) = @_;
	open(my $file, '>', $path) or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
	return $path;
}

# (exit status, output)
sub check
{
	my $out = join '', `perl $top/tools/asvs.pl @_ 2>&1`;
	return ($? >> 8, $out);
}

my ($status, $out) = check("$top/docs/asvs.md");
is($status, 0, 'each requirement once, with tests and pages that are there') or diag($out);
like($out, qr/^\d+ by setting, \d+ documented, \d+ gap, \d+ held, \d+ n\/a, \d+ partly$/m, '... and it is told how many of which kind');
my @files = split /\n/, (check('--files', "$top/docs/asvs.md"))[1];
cmp_ok(scalar @files, '>', 10, 'it names files') or diag("@files");

# A tree around a page that is like ours but for one thing.
my $root = tempdir(CLEANUP => 1);
symlink("$top/test", "$root/test");
make_path("$root/docs");
for my $other (glob "$top/docs/*.md")
{
	symlink($other, "$root/docs/$1") if $other =~ m{/([^/]+)$} && $1 ne 'asvs.md';
}
my $page = text_of("$top/docs/asvs.md");
for my $case (
	[ 'a requirement less', sub { s/^\| 8\.4\.1 .*\n//m }, '8.4.1: is missing' ],
	[ 'one twice', sub { s/^(\| 8\.4\.1 .*\n)/$1$1/m }, '8.4.1: twice' ],
	[ 'another level', sub { s/^\| 8\.4\.1 \| 2/| 8.4.1 | 1/m }, '8.4.1: is of level 2, not 1' ],
	[ 'a test that is not there', sub { s/north says south"/north says west"/ }, 'has no test "%s %s: north says west"' ],
	[ 'part of a name', sub { s/"S256"/"S25"/ }, 'has no test "S25"' ],
	[ 'a file that is not there', sub { s{`test/pgtap/strangers.sql`}{`test/pgtap/foreigners.sql`} }, 'there is no test/pgtap/foreigners.sql' ],
	[ 'held by nothing', sub { s/^(\| 8\.4\.1 .*\| held \|).*/$1 |/m }, '8.4.1: held without a test' ],
	[ 'a gap without a word', sub { s/^(\| 6\.3\.3 .*\| gap \|).*/$1 soon |/m }, '6.3.3: gap without a reason' ],
	[ 'partly, and no word of the rest', sub { s/^(\| 7\.5\.2 .*\| partly \|).*?(`)/$1 $2/m }, '7.5.2: partly without a reason' ],
	[ 'documented nowhere', sub { s/^(\| 6\.1\.1 .*\| documented \|).*/$1 here |/m }, '6.1.1: documented without a page' ],
	[ 'a heading that is not there', sub { s/#who-guesses-passwords/#who-guesses/ }, 'docs/operations.md has no heading #who-guesses' ],
	[ 'a status of its own', sub { s/^(\| 8\.4\.1 .*\|) held \|/$1 maybe |/m }, '8.4.1: there is no status "maybe"' ])
{
	my ($what, $change, $want) = @$case;
	local $_ = $page;
	$change->();
	isnt($_, $page, "changed: $what");
	write_to("$root/docs/asvs.md", $_);
	($status, $out) = check("$root/docs/asvs.md");
	is($status, 1, '... is refused');
	like($out, qr/\Q$want\E/, '... with its number');
}

# What ran is what was to run.
write_to("$root/docs/asvs.md", $page);
my @named = $page =~ /`test\/[\w\/.]+`: "([^"]+)"/g;
my $n = 0;
my $results = join '', map { $n++; "ok $n - $_ and more\n" } map { s/%s/x/gr =~ s/#/\\#/gr } @named;
# the tool takes the page of the tree that it stands in
make_path("$root/tools");
symlink("$top/tools/asvs.pl", "$root/tools/asvs.pl");
sub results { my $log = write_to("$root/log", $_[0]); my $said = join '', `perl $root/tools/asvs.pl --results $log 2>&1`; return ($? >> 8, $said) }
($status, $out) = results($results);
is($status, 0, 'all of them passed') or diag($out);
($status, $out) = results($results =~ s/^ok (\d+ - \.\.\. it is unknown then)/not ok $1/mr);
like("$status $out", qr/^1 .*"\.\.\. it is unknown then" of test\/pgtap\/sessions\.sql failed/s, 'one failed');
($status, $out) = results($results =~ s/^ok \d+ - S256.*\n//mr);
like("$status $out", qr/^1 .*"S256" of test\/pgtap\/oauth2\.sql was not run/s, 'one was not run');

done_testing();
