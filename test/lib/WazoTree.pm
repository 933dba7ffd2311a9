# WazoTree: in check.sh's private tree, and out of it.
#
# PG_CONFIG and PG_BINDIR are those of the private tree, which is an
# installation below a folder named tree: there are the programs and the
# library that are tested.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoTree;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);

our @EXPORT = qw(program_folder own_installation leave_private_tree);

# Where the programs are that the backend starts; dies where none is.
sub program_folder
{
	chomp(my $libdir = `$ENV{PG_CONFIG} --pkglibdir`);
	die "$libdir has no wazo-auth-ldap: PG_CONFIG is not that of an installation\n" if !-x "$libdir/wazo-auth-ldap";
	return $libdir;
}

# own_installation FOLDER: a copy of the private tree in FOLDER/tree, to put
# other programs into. Gives the copy's folder of programs, and its install_path
# for new_node().
sub own_installation
{
	my ($folder) = @_;
	(my $root = $ENV{PG_BINDIR}) =~ s{(?<=/tree)/.*}{};
	system('cp', '-a', $root, "$folder/tree") == 0 or die "$root cannot be copied\n";
	return map { "$folder/tree" . s/^\Q$root\E//r } program_folder(), $ENV{PG_BINDIR} =~ s{/[^/]+\z}{}r;
}

# The environment of one who builds: the private tree is no place to build from.
sub leave_private_tree
{
	s/^\Q$ENV{PG_BINDIR}\E:// foreach $ENV{PATH};
	s{^.*/tree(?=/)}{} foreach $ENV{PG_CONFIG};
	delete @ENV{grep { /^(PG|WAZO_|MAKE|MFLAGS|TEST)/ && $_ ne 'PG_CONFIG' } keys %ENV};
	return;
}

1;
