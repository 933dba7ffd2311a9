# The plan of src/ is kept, and tools/lint_plan.py would tell if it were not.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";

# (exit status, output) of the lint on a tree
sub lint
{
	my ($root) = @_;
	my $out = `python3 $top/tools/lint_plan.py $root 2>&1`;
	return ($? >> 8, $out);
}
my ($status, $out) = lint($top);
is($status, 0, 'src/ keeps to its plan') or diag($out);
like($out, qr/\A(\d{3}) files/, 'which has files');

# Each rule, broken in a small tree of its own.
my @broken = (
	[ 'an include that climbs', qr{src/base/a\.c: sessions/s\.h is not below base}, 'base/a.c' => '#include "sessions/s.h"' ],
	[ 'an include across a floor', qr{src/acl/a\.h: crypto/c\.h is not below acl}, 'acl/a.h' => '#include "crypto/c.h"' ],
	[ 'a circle through a header', qr{circle of files: base/a, base/b$}m, 'base/a.c' => '#include "base/b.h"', 'base/b.c' => '#include "base/a.h"' ],
	[ 'a circle of three', qr{circle of files: http/a, http/b, http/c$}m,
		'http/a.h' => '#include "http/b.h"', 'http/b.h' => '#include "http/c.h"', 'http/c.c' => '#include "http/a.h"', 'http/z.c' => '#include "http/a.h"' ],
	[ 'a version elsewhere', qr{PG_VERSION_NUM belongs}, 'relay/a.c' => '#if PG_VERSION_NUM > 1' ],
	[ 'a second callback for relations', qr{CacheRegisterRelcacheCallback belongs}, 'http/a.c' => 'CacheRegisterRelcacheCallback(f, 0);' ],
	[ 'a value unpacked without the header for it', qr{take base/compat\.h}, 'http/a.c' => 'VARDATA_ANY(x);' ],
	[ 'a program that uses the extension', qr{base/b\.h is the extension's}, 'base/b.h' => '', 'base/tool/a.c' => '#include "base/b.h"' ],
	[ 'a function without a header', qr{src/http/a\.c: give\(\) is not declared}, 'http/a.c' => "int\ngive(void)\n{\n}" ],
	[ 'a header that speaks for another file', qr{src/http/a\.h: give\(\) is not defined},
		'http/a.h' => 'extern int give(void);', 'http/b.h' => 'extern int give(void);', 'http/b.c' => "int\ngive(void)\n{\n}" ],
	[ 'an unknown room', qr{has no floor}, 'attic/a.c' => '' ],
);
for my $case (@broken)
{
	my ($what, $want, %file) = @$case;
	my $root = tempdir(CLEANUP => 1);
	for my $name (keys %file)
	{
		my ($room) = $name =~ m{^(.*)/};
		make_path("$root/src/$room");
		open(my $fh, '>', "$root/src/$name") or die "$name: $!";
		print $fh "$file{$name}\n";
		close $fh;
	}
	($status, $out) = lint($root);
	is($status, 1, "$what is refused");
	like($out, $want, '... by its name');
}
isnt((lint(tempdir(CLEANUP => 1)))[0], 0, 'nothing is not a plan');

done_testing();
