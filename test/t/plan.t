# The plan of src/, kore_front/ and commands/ is kept, and tools/lint_plan.py would tell if it were not.
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
is($status, 0, 'the sources keep to their plan') or diag($out);
like($out, qr/\A(\d{3}) files/, 'which has files');

# Each rule, broken in a small tree of its own. Files below src/ unless their names begin with a slash.
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
	[ 'a circle in a program of its own', qr{circle of files: src/saml/xml/a, src/saml/xml/b$}m,
		'saml/xml/a.c' => '#include "b.h"', 'saml/xml/b.h' => '#include "a.h"', 'saml/xml/a.h' => '' ],
	[ 'a circle in the front', qr{circle of files: kore_front/client, kore_front/client_answer, kore_front/client_read$}m,
		'/kore_front/client.c' => '#include "client_read.h"', '/kore_front/client_read.c' => '#include "client_answer.h"',
		'/kore_front/client_answer.c' => '#include "client.h"' ],
	[ 'HTTP in the front\'s side of the database', qr{kore_front/lane\.c: request\.h is in the room request, which is not below database},
		'/kore_front/lane.c' => '#include "request.h"' ],
	[ 'an include of the front that climbs', qr{kore_front/bytes\.h: tree\.h is in the room config}, '/kore_front/bytes.h' => '#include "tree.h"' ],
	[ 'a file of the front without a room', qr{kore_front/attic\.c: it is in no room}, '/kore_front/attic.c' => '' ],
	[ 'a second copy of a session\'s settings', qr{kore_front/lane\.c: client_connection_check_interval belongs into kore_front/db_session\.c},
		'/kore_front/lane.c' => '"client_connection_check_interval"' ],
	[ 'a function of the front without a header', qr{kore_front/lane\.c: give\(\) is not declared}, '/kore_front/lane.c' => "int\ngive(void)\n{\n}" ],
	[ 'a command that takes the front\'s server', qr{commands/wait\.c: lanes\.h of kore_front/ is not for the commands},
		'/commands/wait.c' => '#include "../kore_front/lanes.h"' ],
	[ 'a circle of commands', qr{circle of files: commands/a, commands/b$}m, '/commands/a.c' => '#include "b.h"', '/commands/b.c' => '#include "a.h"' ],
);
for my $case (@broken)
{
	my ($what, $want, %file) = @$case;
	my $root = tempdir(CLEANUP => 1);
	for my $name (keys %file)
	{
		my ($path) = $name =~ m{^/} ? "$root$name" : "$root/src/$name";
		make_path($path =~ s{/[^/]*$}{}r);
		open(my $fh, '>', $path) or die "$path: $!";
		print $fh "$file{$name}\n";
		close $fh;
	}
	($status, $out) = lint($root);
	is($status, 1, "$what is refused");
	like($out, $want, '... by its name');
}
isnt((lint(tempdir(CLEANUP => 1)))[0], 0, 'nothing is not a plan');

done_testing();
