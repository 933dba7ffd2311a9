# META.json, by which PGXN knows a release: what its specification 1.0.0 asks for, and of the version that the control
# file says.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON ();
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/../..');
sub slurp { open(my $f, '<', "$top/$_[0]") or die "$_[0]: $!"; local $/; return <$f> }
my $meta = JSON::decode_json(slurp('META.json'));
my ($version) = slurp('wazo_auth.control') =~ /^default_version = '(.*)'/m;

# Semantic versions of three numbers, https://pgxn.org/meta/spec.txt
my $semver = qr/^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-?[a-zA-Z][0-9A-Za-z-]*)?$/;
my %licenses = map { $_ => 1 } qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3
	lgpl_2_1 lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted unrestricted unknown);
ok(length($meta->{$_} // ''), "there is $_") foreach qw(name abstract version maintainer license provides meta-spec);
like($meta->{name}, qr/^[^\s\/\\]{2,}$/, 'a name');
is($meta->{version}, $version, 'the version of the control file');
like($meta->{version}, $semver, '... which is a semantic one');
ok($licenses{ $meta->{license} }, 'a known licence');
is($meta->{'meta-spec'}{version}, '1.0.0', 'the version of the specification');
like($meta->{release_status}, qr/^(?:stable|testing|unstable)$/, 'a release status');
foreach my $name (sort keys %{ $meta->{provides} })
{
	my $extension = $meta->{provides}{$name};
	is($extension->{version}, $version, "$name: its version");
	ok(length($extension->{$_} // '') && -e "$top/$extension->{$_}", "$name: its $_ is there") foreach qw(file docfile);
}
is(join(',', sort keys %{ $meta->{provides} }), 'wazo_auth', 'the extension');
foreach my $phase (sort keys %{ $meta->{prereqs} })
{
	like($phase, qr/^(?:configure|build|test|runtime|develop)$/, "prerequisites of $phase");
	foreach my $relation (sort keys %{ $meta->{prereqs}{$phase} })
	{
		like($relation, qr/^(?:requires|recommends|suggests|conflicts)$/, "... $relation");
		my $needed = $meta->{prereqs}{$phase}{$relation};
		ok($needed->{$_} eq '0' || $needed->{$_} =~ $semver, "... $_ $needed->{$_}") foreach sort keys %$needed;
	}
}
my ($requires) = slurp('wazo_auth.control') =~ /^requires = '(.*)'/m;
ok(defined $meta->{prereqs}{runtime}{requires}{$_}, "what the control file requires: $_") foreach split /, */, $requires;
like($_, qr{^https://}, 'an address') foreach $meta->{resources}{homepage}, $meta->{resources}{bugtracker}{web}, $meta->{resources}{repository}{web};
my %known = map { $_ => 1 } qw(name abstract description version maintainer license provides prereqs resources generated_by release_status tags meta-spec no_index);
is(join(',', grep { !$known{$_} && !/^x_/i } sort keys %$meta), '', 'no member that the specification has not');
done_testing;
