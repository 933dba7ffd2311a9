# The layers before every handler: paths, methods, tokens, accesses, tenants, cross-origin headers.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use Test::More;
use WazoRest;

my $t = WazoRest->new;
my $r = $t->ask('GET', '/0.1/backends');
is_answer($r, 200, '{"data": ["ldap_user", "wazo_user"]}', 'backends');
done_testing;
