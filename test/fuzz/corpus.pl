# corpus.pl unpack FILE DIR: writes each line of FILE, an input in base64, as a
#	file of DIR, named by its digest as libFuzzer does.
# corpus.pl pack DIR FILE: adds the files of DIR to the lines of FILE, each once,
#	the shortest first.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use MIME::Base64 qw(encode_base64 decode_base64);

sub lines_of
{
	my ($file) = @_;

	open(my $in, '<', $file) or return;
	chomp(my @lines = <$in>);
	return @lines;
}

sub unpack_corpus
{
	my ($file, $dir) = @_;

	for my $line (lines_of($file))
	{
		my $input = decode_base64($line);
		my $path = "$dir/" . sha1_hex($input);

		open(my $out, '>:raw', $path) or die "$path: $!\n";
		print $out $input;
		close($out) or die "$path: $!\n";
	}
}

sub pack_corpus
{
	my ($dir, $file) = @_;
	my %lines = map { $_ => 1 } lines_of($file);

	for my $path (glob("$dir/*"))
	{
		open(my $in, '<:raw', $path) or die "$path: $!\n";
		local $/;
		$lines{ encode_base64(<$in> // '', '') } = 1;
	}
	open(my $out, '>', "$file.new") or die "$file.new: $!\n";
	print $out map { "$_\n" } sort { length $a <=> length $b || $a cmp $b } keys %lines;
	close($out) or die "$file.new: $!\n";
	rename("$file.new", $file) or die "$file: $!\n";
}

my %commands = (unpack => \&unpack_corpus, pack => \&pack_corpus);
my ($command, @paths) = @ARGV;

die "usage: corpus.pl unpack FILE DIR | pack DIR FILE\n" if @paths != 2 || !$commands{$command};
$commands{$command}->(@paths);
