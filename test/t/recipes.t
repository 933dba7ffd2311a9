# The recipes of docs/developing.md, followed in a copy of the tree: what they add
# is built and passes the tests that they name.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use List::Util qw(uniq);
use Test::More;
use WazoTree;

my $top = abs_path(dirname(__FILE__) . '/../..');
my $home = tempdir('wazo_recipes.XXXXXX', TMPDIR => 1, CLEANUP => 0);
END { local $?; system('rm', '-rf', $home) if $home }

system('bash', "$top/tools/sources.sh", '--built', $home) == 0 or die 'sources.sh';

sub slurp { open(my $f, '<', $_[0]) or die "$_[0]: $!"; local $/; return <$f> }

my ($recipes) = slurp("$top/docs/developing.md") =~ /^## Recipes\n(.*)/ms;
my (%applied, @names);
# what they all have to pass, beside the tests that they name
my @tests = 'test/t/hostile_schema.t';
foreach my $part (split /^### /m, $recipes)
{
	my ($name) = $part =~ /\A(.+)\n/ or next;
	while ($part =~ /^```(\w+)\n(.*?)^```/msg)
	{
		my $block = $2;
		my ($file, $how) = $block =~ /\A-- (\S+) (append|new|after|instead)\n/ or die "$name: a block without a file";
		$block =~ s/\A.*\n//;
		is((-e "$home/$file") ? 1 : 0, $how eq 'new' ? 0 : 1, "$name: $file is new, or there to be added to");
		my $old = $how eq 'new' ? '' : slurp("$home/$file");
		if ($how eq 'after' || $how eq 'instead')
		{
			my ($line, $more) = $block =~ /\A([^\n]*\n)(.*)\z/s;
			my @places = $old =~ /^\Q$line\E/mg;
			is(scalar(@places), 1, "$name: $file has the line $how which it is to stand, once");
			substr($more, 0, 0) = $line if $how eq 'after';
			$old =~ s/^\Q$line\E/$more/m;
		}
		else { $old .= ($how eq 'append' ? "\n" : '') . $block }
		open(my $f, '>', "$home/$file") or die "$file: $!";
		print $f $old;
		close $f;
		$applied{$name}++;
	}
	push @names, split(/ /, $1 =~ s/"//gr) while $part =~ /PGTAP=("[^"]*"|\w+)/g;
	push @tests, $1 while $part =~ /TESTS=(\S+\.t)/g;
}
is(join(', ', sort keys %applied), 'A check, A column of a table, A route, A setting, An event', 'the recipes are there');

leave_private_tree();
my $made = `make -C '$home' all docs 2>&1`;
is($?, 0, 'what the recipes made is built, and the pages made of it') or diag($made);
@names = uniq @names;
@tests = uniq @tests;
my $checked = `cd '$home' && PGTAP='@names' TESTS='@tests' bash test/lib/check.sh pgtap tap 2>&1`;
is($?, 0, "it passes: @names @tests") or diag($checked);
like($checked, qr/^pgtap: [1-9]\d* passed, 0 failed$/m, 'which were really run');
like($checked, qr/^tap: [1-9]\d* passed, 0 failed$/m, '... of both suites');
like($checked, qr{pgtap \d+: test/pgtap/initials\.sql}, 'the new one among them');
done_testing;
