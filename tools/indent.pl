#!/usr/bin/perl
# indent.pl [--check | --types FILE...] [FILE...]: the C sources in PostgreSQL's layout, by its pg_bsd_indent.
#
# Formats the files in place, all of the project's when none is named; --check prints what it would change and ends
# with 1 instead.  --types prints the names of types that the sources use and the debugging information of the object
# files named has: tools/typedefs.list, which has those of PostgreSQL and the libraries.  The project's own are found
# in the sources.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp;

# PostgreSQL's layout, but for lines of 120 columns.
my @layout = qw(-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l120 -lp -lpl -nip -npro -sac -tpg -ts4);
# A type of PostgreSQL's and a variable's name, so a type only where a pointer to it is declared.
my $text_type = qr/\btext(?=\s*\*+\s*\w*\s*[;,()=]|\s*\*+\n)/;

chdir dirname($0) . '/..' or die "cannot enter the sources: $!\n";
my @all = glob '{src/*,src/*/*,src/*/*/*,kore_front/*,commands/*,test/*/*,test/*/*/*,tools/*}.[ch]';
my %source = map { $_ => contents($_) } @all;

if (@ARGV && $ARGV[0] eq '--types')
{
	shift;
	print "$_\n" for foreign_types(@ARGV);
	exit 0;
}
my $check = @ARGV && $ARGV[0] eq '--check' && shift;
my @types = (split(/\n/, contents('tools/typedefs.list')), own_types());
my $changed = 0;
for my $file (@ARGV ? @ARGV : @all)
{
	my $old = $source{$file} // contents($file);
	my $new = formatted($file, $old);
	next if $new eq $old;
	$changed++;
	$check ? show_difference($file, $new) : write_file($file, $new);
}
print STDERR "$changed files are laid out otherwise: run make format\n" if $check && $changed;
exit($check && $changed ? 1 : 0);

sub contents
{
	my ($file) = @_;
	open my $in, '<', $file or die "cannot read $file: $!\n";
	local $/;
	return scalar <$in>;
}

sub write_file
{
	my ($file, $text) = @_;
	open my $out, '>', $file or die "cannot write $file: $!\n";
	print $out $text;
	close $out or die "cannot write $file: $!\n";
}

sub show_difference
{
	my ($file, $new) = @_;
	my $wanted = File::Temp->new;
	write_file("$wanted", $new);
	system 'diff', '-u', '--label', $file, '--label', "$file, laid out", $file, "$wanted";
}

# Names that the sources declare as types.
sub own_types
{
	my %own;
	for (values %source)
	{
		$own{$1} = 1 while /^typedef\s[^;{]*\{.*?^\}\s*(\w+);/msg;
		$own{$1} = 1 while /^typedef\s[^;{]*?(\w+)(?:\[\w+\])?;/mg;
		$own{$1} = 1 while /^typedef\s[^;{]*\(\*(\w+)\)/mg;
	}
	return sort keys %own;
}

sub foreign_types
{
	my @objects = @_;
	my %named = map { $_ => 1 } map { /\b[A-Za-z_]\w*\b/g } values %source;
	my %found = map { $_ => 1 } qw(bool va_list);
	for my $object (@objects)
	{
		open my $info, '-|', 'readelf', '--debug-dump=info', $object or die "cannot run readelf: $!\n";
		my $in_typedef = 0;
		while (<$info>)
		{
			$in_typedef = /DW_TAG_typedef/ if /^\s*<\w+><\w+>/;
			$found{$1} = 1 if $in_typedef && /DW_AT_name.*?(\w+)\s*$/;
		}
	}
	delete @found{own_types(), 'text'};
	return grep { $named{$_} } sort keys %found;
}

# What pg_bsd_indent makes of a text.  It knows neither compound literals nor macros that declare: they are names to it.
sub formatted
{
	my ($file, $text) = @_;
	my $list = File::Temp->new;
	my $in = File::Temp->new;

	# To pg_bsd_indent the byte 0200 is a mark of its own.
	$text =~ tr/\200/\001/;
	$text = hide_literals($text);
	$text =~ s/$text_type/tex\$/g;
	my %macro = map { $_ => 1 } $text =~ /\b([A-Z]+Q?_(?:ENTRY|HEAD)\([\w, ]+\)) \w+[;\[]/g;
	my %hidden = map { (my $name = $_) =~ s/\W/\$/g; ($name => $_) } keys %macro;
	$text =~ s/\Q$hidden{$_}\E(?= \w+[;\[])/$_/g for keys %hidden;

	print $list "$_\n" for @types, 'tex$', keys %hidden;
	print $in $text;
	$list->flush, $in->flush;
	my $out = `pg_bsd_indent @layout -U$list <$in 2>&1`;
	die "$file: pg_bsd_indent failed:\n$out" if $? || $out eq '';

	$out =~ tr/\001/\200/;
	$out =~ s/\Q$_\E/$hidden{$_}/g for keys %hidden;
	$out = show_literals($out);
	$out =~ s/\btex\$/text/g;
	# Rows are no declarations that a blank line follows.
	$out =~ s/^(\}\s*\w+\[\w*\] =(?: \{)?\n)\n/$1/mg;
	# A function's type on a line of its own is no declaration of a variable.
	$out =~ s/^((?:\w+ )*\w+)[ \t]+(\*+)\n(?=\w+\()/$1 $2\n/mg;
	$out =~ s/,(?=\.\w+(?:\.\w+)* = |\[\w+\] = )/, /g;
	return $out;
}

# (Type) {...} as Type$$$(...), which is as long.
sub hide_literals
{
	my ($text) = @_;
	my $braces;
	$braces = qr/\{((?:[^{}]++|(??{ $braces }))*+)\}/;
	1 while $text =~ s/\((\w+(?: \w+)?)\) $braces/my ($t, $b) = ($1, $2); $t =~ s, ,\$,; "$t\$\$\$($b)"/e;
	return $text;
}

sub show_literals
{
	my ($text) = @_;
	my $parens;
	$parens = qr/\(((?:[^()]++|(??{ $parens }))*+)\)/;
	1 while $text =~ s/\b([\w\$]+?)\$\$\$$parens/my ($t, $b) = ($1, $2); $t =~ s,\$, ,; "($t) {$b}"/e;
	return $text;
}
