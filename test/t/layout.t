# The layout of the sources is kept, and lint would tell if it were not.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";

# A small tree with the tools and the files given; returns its folder.
sub tree
{
	my (%file) = @_;
	my $root = tempdir(CLEANUP => 1);
	make_path("$root/tools");
	copy("$top/$_", "$root/$_") or die "$_: $!" for '.editorconfig', map { "tools/$_" } qw(indent.pl lint_text.py typedefs.list);
	for my $name (keys %file)
	{
		my ($folder) = $name =~ m{^(.*)/};
		make_path("$root/$folder");
		write_file("$root/$name", $file{$name});
	}
	return $root;
}

sub write_file
{
	my ($path, $text) = @_;
	open(my $fh, '>:raw', $path) or die "$path: $!";
	print $fh $text;
	close $fh;
}

sub contents
{
	my ($path) = @_;
	open(my $fh, '<:raw', $path) or die "$path: $!";
	local $/;
	return scalar <$fh>;
}

# (exit status, output)
sub outcome
{
	my $out = `@_ 2>&1`;
	return ($? >> 8, $out);
}

my $long = 'x' x 121;
my @broken = (
	[ 'trailing blanks', qr{sql/a\.sql:1: trailing blanks}, 'sql/a.sql' => "SELECT 1; \n" ],
	[ 'no newline at the end', qr{docs/a\.md: does not end with one newline}, 'docs/a.md' => 'text' ],
	[ 'an empty line at the end', qr{docs/a\.md: does not end with one newline}, 'docs/a.md' => "text\n\n" ],
	[ 'a carriage return', qr{docs/a\.md: carriage return}, 'docs/a.md' => "text\r\nmore\n" ],
	[ 'bytes that are no UTF-8', qr{docs/a\.md: not UTF-8}, 'docs/a.md' => "\xe9\n" ],
	[ 'SQL with a tab', qr{sql/x/a\.sql:2: indented by a tab}, 'sql/x/a.sql' => "SELECT\n\t1;\n" ],
	[ 'C with blanks', qr{src/x/a\.c:1: indented by blanks}, 'src/x/a.c' => "    int a;\n" ],
	[ 'a long line of SQL', qr{sql/a\.sql:1: 121 columns}, 'sql/a.sql' => "$long\n" ],
	[ 'a long line of C, its tab by four', qr{src/x/a\.c:1: 121 columns}, 'src/x/a.c' => "\t" . 'x' x 117 . "\n" ],
);
for my $case (@broken)
{
	my ($what, $want, %file) = @$case;
	my $root = tree(%file);
	my ($status, $out) = outcome("python3 $root/tools/lint_text.py $root");
	is($status, 1, "$what is refused");
	like($out, $want, '... by its place');
}
my %good = (
	'sql/a.sql' => 'é' x 120 . "\n",
	'src/x/a.c' => "\tcall(\"" . 'text ' x 30 . "\");\n",
	'test/sql/a.sql' => "$long\n",
	'expected/a.out' => "a \n\n",
	'docs/empty.md' => '');
my $root = tree(%good);
my ($status, $out) = outcome("python3 $root/tools/lint_text.py $root");
is($status, 0, '120 characters, a long text in C, a row of a test and output to compare are not') or diag($out);

# What pg_bsd_indent alone would spoil.
my $c = <<"CODE";
typedef struct Pair
{
	int			a;
	int			b;
} Pair;

struct Row
{
	TAILQ_ENTRY(Row) list;
};

char *
name(const char *text, text *value)
{
	struct timespec ts = {.tv_sec = 1, .tv_nsec = 2};
	Pair		p = text != NULL ? (Pair) {f(1), 2} : (Pair) {.a = 1, .b = 2};

	return concat(text + 1, "\xf0\x9f\x98\x80");
}
CODE
$root = tree('src/x/a.c' => $c);
($status, $out) = outcome("perl $root/tools/indent.pl --check");
is($status, 0, 'the layout of a file that has it') or diag($out);
(my $spoilt = $c) =~ s/\t+/ /g;
write_file("$root/src/x/a.c", $spoilt);
($status, $out) = outcome("perl $root/tools/indent.pl --check");
is($status, 1, 'a file laid out otherwise is refused');
like($out, qr{src/x/a\.c}, '... by its name');
is(contents("$root/src/x/a.c"), $spoilt, '... and left alone');
is((outcome("perl $root/tools/indent.pl"))[0], 0, 'make format');
is(contents("$root/src/x/a.c"), $c, '... gives it its layout');

done_testing();
