#!/usr/bin/perl
# asvs.pl [--files | --results LOG...] [PAGE]: checks docs/asvs.md, the list of what OWASP ASVS 5.0.0 asks for at
# levels 1 and 2 in its chapters V6 to V11: each requirement once, with tests that are there, or a reason.
#
# --files prints the files with its tests; --results wants each of its tests to have passed in these logs of prove.
# PAGE is another page than docs/asvs.md, with the tree around it.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);

# The requirements of each section by their last number: those of level 1, and those of level 2.
my %required = (
	'6.1' => [ [1], [ 2, 3 ] ], '6.2' => [ [ 1 .. 8 ], [ 9 .. 12 ] ], '6.3' => [ [ 1, 2 ], [ 3, 4 ] ], '6.4' => [ [ 1, 2 ], [ 3, 4 ] ],
	'6.5' => [ [], [ 1 .. 5 ] ], '6.6' => [ [], [ 1 .. 3 ] ], '6.8' => [ [], [ 1 .. 4 ] ],
	'7.1' => [ [], [ 1 .. 3 ] ], '7.2' => [ [ 1 .. 4 ], [] ], '7.3' => [ [], [ 1, 2 ] ], '7.4' => [ [ 1, 2 ], [ 3 .. 5 ] ],
	'7.5' => [ [], [ 1, 2 ] ], '7.6' => [ [], [ 1, 2 ] ],
	'8.1' => [ [1], [2] ], '8.2' => [ [ 1, 2 ], [3] ], '8.3' => [ [1], [] ], '8.4' => [ [], [1] ],
	'9.1' => [ [ 1 .. 3 ], [] ], '9.2' => [ [1], [ 2 .. 4 ] ],
	'10.1' => [ [], [ 1, 2 ] ], '10.2' => [ [], [ 1, 2 ] ], '10.3' => [ [], [ 1 .. 4 ] ], '10.4' => [ [ 1 .. 5 ], [ 6 .. 11 ] ],
	'10.5' => [ [], [ 1 .. 5 ] ], '10.6' => [ [], [ 1, 2 ] ], '10.7' => [ [], [ 1 .. 3 ] ],
	'11.1' => [ [], [ 1, 2 ] ], '11.2' => [ [], [ 1 .. 3 ] ], '11.3' => [ [ 1, 2 ], [3] ], '11.4' => [ [1], [ 2 .. 4 ] ],
	'11.5' => [ [], [1] ], '11.6' => [ [], [1] ]);

# What a row has to give for its status.
my %wants = (
	'held' => { tests => 1 }, 'by setting' => { tests => 1, text => 1 }, 'partly' => { tests => 1, text => 1 },
	'documented' => { links => 1 }, 'gap' => { text => 1 }, 'n/a' => { text => 1 });

my $mode = @ARGV && $ARGV[0] =~ /^--(files|results)\z/ ? shift && $1 : 'check';
my @logs = $mode eq 'results' ? splice(@ARGV) : ();
my $page = shift // dirname(__FILE__) . '/../docs/asvs.md';
my $top = dirname($page) . '/..';
my @wrong;

sub text_of
{
	my ($path) = @_;
	open(my $file, '<', $path) or return undef;
	local $/;
	return scalar <$file>;
}

# The anchors of a page's headings, as GitHub makes them.
sub anchors
{
	my ($text) = @_;
	return map { my $h = lc; $h =~ s/[^\w\- ]//g; $h =~ tr/ /-/; $h } $text =~ /^#+ (.*)$/mg;
}

# Stands the name in the file as a whole text, in whichever quotes?
sub has_name
{
	my ($text, $name) = @_;
	my $doubled = $name =~ s/'/''/gr;
	return grep { index($text, $_) >= 0 } "'$name'", "'$doubled'", "\"$name\"";
}

my $content = text_of($page) // die "$page: $!\n";
my (%seen, %tests);
for my $line (grep { /^\| *\d+\.\d+\.\d+ / } split /\n/, $content)
{
	my ($number, $level, $what, $status, $how) = map { s/^\s+|\s+$//gr } (split /(?<!\\)\|/, $line)[ 1 .. 5 ];
	my ($section, $last) = $number =~ /^(\d+\.\d+)\.(\d+)$/;
	push @wrong, "$number: twice" if $seen{$number}++;
	my $of = $required{$section} // [ [], [] ];
	my ($right) = grep { my $l = $_; grep { $_ == $last } @{ $of->[ $l - 1 ] } } 1, 2;
	push @wrong, "$number: is of level " . ($right // 3) . ", not $level" if $level ne ($right // 3);
	my $wants = $wants{$status} or push(@wrong, "$number: there is no status \"$status\""), next;
	my @named = $how =~ /`(test\/[\w\/.]+)`: "([^"]+)"/g;
	my @links = $how =~ /\]\(([\w.-]+\.md)(?:#([\w-]+))?\)/g;
	my $rest = $how =~ s/`test\/[\w\/.]+`: "[^"]+"[;,.]?//gr =~ s/\s+/ /gr;
	push @wrong, "$number: $status without a test" if $wants->{tests} && !@named;
	push @wrong, "$number: $status without a reason" if $wants->{text} && length $rest < 25;
	push @wrong, "$number: $status without a page" if $wants->{links} && !@links;
	while (my ($file, $name) = splice(@named, 0, 2))
	{
		my $text = text_of("$top/$file");
		if (!defined $text) { push @wrong, "$number: there is no $file" }
		elsif (!has_name($text, $name)) { push @wrong, "$number: $file has no test \"$name\"" }
		$tests{$file}{$name} = $number;
	}
	while (my ($file, $anchor) = splice(@links, 0, 2))
	{
		my $text = text_of("$top/docs/$file");
		if (!defined $text) { push @wrong, "$number: there is no docs/$file" }
		elsif (defined $anchor && !grep { $_ eq $anchor } anchors($text)) { push @wrong, "$number: docs/$file has no heading #$anchor" }
	}
}
for my $section (sort keys %required)
{
	push @wrong, map { "$section.$_: is missing" } grep { !$seen{"$section.$_"} } map { @$_ } @{ $required{$section} };
}

if ($mode eq 'files')
{
	print "$_\n" for sort keys %tests;
}
my $passed = 0;
if ($mode eq 'results')
{
	my %lines = (ok => [], 'not ok' => []);
	for my $log (@logs)
	{
		my $text = (text_of($log) // die "$log: $!\n") =~ s/\\#/#/gr;	# as TAP writes it in a name
		push @{ $lines{$1} }, $2 while $text =~ /^((?:not )?ok) \d+ - (.*)$/mg;
	}
	for my $file (sort keys %tests)
	{
		for my $name (sort keys %{ $tests{$file} })
		{
			my $number = $tests{$file}{$name};
			# where values are put into a name, by the longest text between them
			my ($fixed) = sort { length $b <=> length $a } split /%[sd]/, $name;
			my ($good, $bad) = map { my $s = $_; scalar grep { index($_, $fixed) >= 0 } @{ $lines{$s} } } 'ok', 'not ok';
			push @wrong, "$number: \"$name\" of $file " . ($bad ? 'failed' : 'was not run') if $bad || !$good;
			$passed++ if $good && !$bad;
		}
	}
}
print STDERR "$_\n" for @wrong;
exit 1 if @wrong;
my %count;
$count{$_}++ for $content =~ /^\| *\d+\.\d+\.\d+ \|[^|]*\|[^|]*\| *([^|]*?) *\|/mg;
print join(', ', map { "$count{$_} $_" } sort keys %count), $mode eq 'results' ? "; $passed tests passed" : '', "\n" if $mode ne 'files';
