#!/usr/bin/perl
# acl_lines.pl - turn acl_vectors.json or sample_policies.json into lines that
# the C tests read without a JSON parser.  Texts are in hexadecimal, "-" is
# null; fields are separated by a space:
#   V tag auth_id session_id required expected may_add may_remove entry...
#   A name entry...                   (a token's ACL of sample_policies.json)
#   P slug kind entry...             (a policy of sample_policies.json)
#   C name auth_id session_id required expected
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use JSON::PP;

sub hex_of
{
	my ($text) = @_;

	return '-' unless defined $text;
	utf8::encode($text);
	return 'x' . unpack('H*', $text);
}

sub truth
{
	my ($value) = @_;

	return defined $value ? ($value ? 'T' : 'F') : '-';
}

die "usage: acl_lines.pl FILE\n" unless @ARGV == 1;
open my $in, '<:raw', $ARGV[0] or die "$ARGV[0]: $!\n";
my $data = decode_json(do { local $/; <$in> });
close $in;

foreach my $v (@{ $data->{vectors} || [] })
{
	print join(' ', 'V', $v->{tag}, hex_of($v->{auth_id}),
		hex_of($v->{session_id}), hex_of($v->{required}),
		truth($v->{expected}), truth($v->{may_add}), truth($v->{may_remove}),
		map { hex_of($_) } @{ $v->{acl} }), "\n";
}
foreach my $p (@{ $data->{policies} || [] })
{
	print join(' ', 'P', $p->{slug}, $p->{kind}, map { hex_of($_) } @{ $p->{acl} }), "\n";
}
foreach my $name (sort keys %{ $data->{token_acls} || {} })
{
	print join(' ', 'A', $name,
		map { hex_of($_) } @{ $data->{token_acls}{$name}{acl} }), "\n";
}
foreach my $c (@{ $data->{checks} || [] })
{
	print join(' ', 'C', $c->[0], hex_of($data->{auth_id}),
		hex_of($data->{session_uuid}), hex_of($c->[1]), truth($c->[2])), "\n";
}
