#!/usr/bin/env perl
# reports.pl LIBRARY ROOT LOG...: what valgrind found in a server, out of its logs, as TAP: an error below which LIBRARY (of
# sources in ROOT) stands is a failure, others are told. Errors of many processes with the same frames are one.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;

my ($library, $root, @logs) = @ARGV;
my (%seen, @ours, @others, $ended);

# Whether a line of a stack is one of the library: by its name, or by the source that its debugging information names.
sub is_ours
{
	my ($frame) = @_;
	# the hook that every utility statement goes through, whatever happens below it
	return 0 if $frame =~ /: process_utility \(/;
	return 1 if $frame =~ /\(in .*\/\Q$library\E\)/;
	return $frame =~ /\((?:.*\/)?(src\/[\w\/]+\.[ch]):\d+\)/ && -e "$root/$1";
}

foreach my $log (@logs)
{
	open(my $f, '<', $log) or die "$log: $!";
	my @block;
	my @lines = (<$f>, "==0== \n");
	foreach (@lines)
	{
		$ended++ if /^==\d+== ERROR SUMMARY:/;
		s/^==\d+== ?// or next;
		if (/\S/)
		{
			push @block, $_;
			next;
		}
		# what it says of itself and at the end has no frames
		if (grep { /^ +(?:at|by) 0x/ } @block)
		{
			my $text = join('', @block);
			my $key = $text =~ s/0x[0-9A-F]+//gr;
			push @{ (grep { is_ours($_) } @block) ? \@ours : \@others }, $text if !$seen{$key}++;
		}
		@block = ();
	}
}

print map { s/^/# /gmr . "#\n" } @others;
printf "# %d processes under valgrind, %d of them to their end; errors without %s: %d\n", scalar @logs, $ended // 0, $library, scalar @others;
foreach my $error (@ours)
{
	my ($what, $where) = ($error =~ /\A *(.*)/, (grep { is_ours($_) } split /^/, $error)[0] =~ /: (.*)/);
	print "not ok - valgrind: $what, $where\n", $error =~ s/^/# /gmr;
}
print "ok - valgrind found nothing in $library\n" if !@ours && $ended;
print "not ok - no server ended under valgrind\n" if !$ended;
exit(@ours || !$ended ? 1 : 0);
