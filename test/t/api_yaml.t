# /0.1/api/api.yml: valid Swagger 2.0 by the judgement of others, in the place
# that a proxy tells, and never older than the routes.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/../lib";
use WazoNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('api_yaml');
$node->start;
add_database($node, 'app');
my $front = start_front($node, 'app', '--workers', 1);

sub spec
{
	my ($headers) = @_;
	return call($front, 'GET', '/0.1/api/api.yml', headers => $headers // {});
}

my $answer = spec();
is($answer->{status}, 200, 'served without a token');
is($answer->{headers}{'content-type'}, 'application/x-yaml', 'as YAML');
like($answer->{content}, qr{\Aswagger: "2\.0"\nschemes:\n- http\nbasePath: "/0\.1"\n}, 'in its own place');
like(spec({ 'X-Script-Name' => '/api/auth' })->{content}, qr{\nschemes:\n- https\nbasePath: "/api/auth/0\.1"\n}, 'in the place of a proxy');
for my $bad ("/a\"b", 'api', '//evil', '/a b', '/' . 'x' x 2000, '/a{b}')
{
	like(spec({ 'X-Script-Name' => $bad })->{content}, qr{\nbasePath: "/0\.1"\n}, 'what is no path is left out: ' . substr($bad, 0, 10));
}

my $validate = <<'EOJ';
const [modules, file] = process.argv.slice(-2);
require(modules + '/@apidevtools/swagger-parser').validate(file).then(
  (api) => {
    let operations = 0;
    for (const path of Object.values(api.paths)) operations += Object.keys(path).length;
    console.log(`valid ${operations}`);
  },
  (error) => console.log(String(error)));
EOJ
my $script = $node->basedir . '/validate.js';
my $modules = abs_path("$FindBin::Bin/../../build/npm/node_modules");
PostgreSQL::Test::Utils::append_to_file($script, $validate);

sub validity
{
	my ($content) = @_;
	my $file = $node->basedir . '/api.yml';
	unlink $file;
	PostgreSQL::Test::Utils::append_to_file($file, $content);
	my ($out, $err) = ('', '');
	PostgreSQL::Test::Utils::run_log([ 'node', $script, $modules, $file ], '>', \$out, '2>', \$err);
	chomp $out;
	return $out . $err;
}
my $operations = $node->safe_psql('app', <<'EOQ');
SELECT count(DISTINCT (r.method, regexp_replace(r.path, '\{\w+\}', '{}', 'g'))) FROM wazo_auth.route r
EOQ
is(validity($answer->{content}), "valid $operations", 'valid for swagger-parser, with all operations');
isnt(validity($answer->{content} =~ s/in: "path"/in: "paht"/r), "valid $operations", 'which finds a mistake');

# A route of somebody's is there at once, in all backends.
$node->safe_psql('app', <<'EOQ');
CREATE FUNCTION public.hello(request wazo_auth.http_request) RETURNS wazo_auth.http_response LANGUAGE sql AS
$$SELECT wazo_auth.json_response('"hello"')$$;
SELECT wazo_auth.add_route('GET', '/0.1/hello/{name}', 'public.hello', 'mine', access => 'mine.hello.{name}.read', summary => 'Greets');
EOQ
$answer = spec();
like($answer->{content}, qr{"/hello/\{name\}":\n\s+get:}, 'a new route is described');
is(validity($answer->{content}), 'valid ' . ($operations + 1), 'and valid');

stop_front($front);
$node->stop;
done_testing();
