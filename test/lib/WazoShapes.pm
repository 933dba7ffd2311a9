# WazoShapes: requests made of the route table and the shapes of bodies and query strings, so that a new route or field is
# asked as soon as it is there.
#
#   my $shapes = WazoShapes->new($node, 'app');          what there is: routes, shapes; or WazoShapes->of($document)
#   $shapes->{things}{user_uuid} = [...];                what may stand for a parameter of a path
#   my $r = $shapes->largest($route, $style, $token);    the largest that the shapes let through
#   my $r = $shapes->hostile($random, $token);           one at random, with values that are not meant
#   print $socket request_bytes($r);
#
# A request is a hash: method, target, headers (a list of name, value), body (bytes or undef), route.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoShapes;

use strict;
use warnings FATAL => 'all';
use Encode qw(encode_utf8);
use Exporter qw(import);
use JSON ();
use MIME::Base64 qw(encode_base64);

our @EXPORT_OK = qw(request_bytes);

my $json = JSON->new->canonical->allow_nonref;
my $target_most = 8192;	# bytes that the front takes

# The routes and shapes of a database, as one JSON document.
our $query = <<'EOQ';
SELECT json_build_object(
  'routes', (SELECT json_agg(r ORDER BY r.path, r.method) FROM wazo_auth.route r),
  'shapes', (SELECT json_object_agg(s.name, to_jsonb(s) || jsonb_build_object('fields',
     (SELECT json_agg(f ORDER BY f.position) FROM wazo_auth.schema_field f WHERE f.schema = s.name))) FROM wazo_auth.schema s))
EOQ

sub new
{
	my ($class, $node, $database) = @_;
	return $class->of($node->safe_psql($database, $query));
}

# Of what the query told.
sub of
{
	my ($class, $document) = @_;
	my $all = JSON::decode_json(encode_utf8($document));
	return bless { routes => $all->{routes}, shapes => $all->{shapes}, things => {}, known => sound_values() }, $class;
}

sub request_bytes
{
	my ($r) = @_;
	my $bytes = "$r->{method} $r->{target} HTTP/1.1\r\n";
	my @headers = @{$r->{headers}};
	unshift @headers, Host => 'localhost';
	while (my ($name, $value) = splice @headers, 0, 2) { $bytes .= "$name: $value\r\n" }
	$bytes .= 'Content-Length: ' . length($r->{body}) . "\r\n" if defined $r->{body};
	return "$bytes\r\n" . ($r->{body} // '');
}

sub escape
{
	my ($value) = @_;
	my $bytes = utf8::is_utf8($value) ? encode_utf8($value) : $value;
	$bytes =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $bytes;
}

# ---- the largest ----

# What has to stand in a field for its request to be taken: by "shape.field" or "field", a function of the number of the item.
sub sound_values
{
	my ($nothing, $first) = (sub { return undef }, sub { return $_[0] == 1 ? JSON::true : JSON::false });
	return {
		(map { ($_ => $nothing) } qw(user_post.uuid tenant_post.uuid tenant_put.uuid tenant_post.contact tenant_put.contact order
			audit_list.search password_reset_query.email password_reset_query.login token_request.domain_name token_request.saml_session_id)),
		(map { ($_ => $first) } qw(admin_email.main user_email.main)),
		(map { ($_ => sub { return 'native' }) } qw(authentication_method default_authentication_method)),
		created_at => sub { return '2020-01-01T00:00:00Z' }, mobile => sub { return JSON::true }, search_filters => sub { return '(|' . '(cn=x)' x 600 . ')' },
		'user_post.enabled' => sub { return JSON::true }, offset => sub { return 0 }, limit => sub { return 100_000 },
		'audit_list.from' => sub { return '2020-01-01' }, 'audit_list.until' => sub { return '2100-01-01' },
		'token_request.backend' => sub { return 'wazo_user' }, 'token_request.access_type' => sub { return 'online' },
		'token_request.expiration' => sub { return 60 },
	};
}

# What a long text is made of: a unit of characters.
my %styles = (
	plain => 'x',
	wide => "\x{1F600}",
	escaped => "\x01",
	pattern => '%_',
	access => '*.#.',
	folded => "\x{130}",
);

# A text of a document that is being made, which grows as long as there is room: a beginning, so that no two of a list are
# the same, and then a unit again and again, up to the length that its field takes.
sub growing_text
{
	my ($self, $f, $style, $n, $prefix) = @_;
	my $unit = $styles{$style};
	my ($chars, $bytes) = @$f{"${prefix}max", "${prefix}max_bytes"};
	$bytes = int($bytes / length(encode_utf8($unit)) * length $unit) if $bytes;
	my $most = defined $chars && (!$bytes || $chars < $bytes) ? $chars : $bytes // die "$f->{schema}.$f->{name} has no limit\n";
	my $begin = substr $n ? "$n." : 'x', 0, $most;
	my $text = { begin => $begin, unit => $unit, most => $most, length => length $begin };
	push @{ $self->{growing} }, $text;
	return bless $text, 'WazoShapes::Text';
}

# Its bytes, as one of these encodes the characters.
sub escape_json { my $text = encode_utf8($json->encode($_[0])); return substr $text, 1, -1 }
sub text_bytes
{
	my ($text, $encode) = @_;
	my $more = $text->{length} - length $text->{begin};
	my $size = length $text->{unit};
	return $encode->($text->{begin}) . $encode->($text->{unit}) x int($more / $size) . $encode->(substr $text->{unit}, 0, $more % $size);
}

# Gives texts so many bytes, as many to each, where it takes them.
sub grow
{
	my ($texts, $room, $encode) = @_;
	my %width;
	$width{ $_->{unit} } //= length($encode->($_->{unit})) / length $_->{unit} foreach @$texts;
	my @order = sort { $a->[1] <=> $b->[1] } map { [ $_, ($_->{most} - $_->{length}) * $width{ $_->{unit} } ] } @$texts;
	while (my $next = shift @order)
	{
		my ($text, $takes) = @$next;
		my $share = $room / (@order + 1);
		my $more = $takes <= $share ? $text->{most} - $text->{length} : int($share / $width{ $text->{unit} });
		$text->{length} += $more;
		$room -= $more * $width{ $text->{unit} };
	}
	return;
}

sub largest_text
{
	my ($self, $f, $style, $n, $prefix) = @_;
	my $choices = $f->{"${prefix}choices"};
	return $choices->[-1] if $choices;
	return "a$n." . 'x' x 60 . '.' . 'y' x 60 . '@' . join('.', ('b' x 60) x 2, 'org') if $f->{"${prefix}type"} eq 'email';
	my $pattern = $f->{"${prefix}pattern"} // '';
	return join('.', "d$n", ('a' x 2) x 60, 'org') if $pattern =~ /253/;
	return $self->growing_text($f, $pattern ne '' ? 'plain' : $style, $n, $prefix);
}

# items: as many of a list as there may be; else: as many as have room at their full length.
sub largest_value
{
	my ($self, $f, $style, $n, $how) = @_;
	my $known = $self->{known}{"$f->{schema}.$f->{name}"} // $self->{known}{ $f->{name} };
	return $known->($n) if $known;
	my $type = $f->{type};
	return JSON::true if $type eq 'boolean';
	return $f->{max} && $f->{max} < 2147483647 ? $f->{max} + 0 : 2147483647 if $type eq 'integer';
	return $self->thing('user_uuid') if $type eq 'uuid';
	return $self->largest_object($f->{item_schema}, $style, $n, $how) if $type eq 'nested';
	return $self->largest_text($f, $style, $n, '') if $type !~ /list/;
	my $items = $f->{max} // die "the list $f->{schema}.$f->{name} has no limit\n";
	return [ map { $self->largest_object($f->{item_schema}, $style, $_, $how) } 1 .. $items ] if $type eq 'nested_list';
	return [ 1 .. $items ] if $f->{item_type} !~ /string|email|any/;
	my $long = ($f->{item_max_bytes} // 4 * $f->{item_max}) + 3;
	$items = 1 + int($how->{bytes} / $long) if !$how->{many} && $items > $how->{bytes} / $long;
	return [ map { $self->largest_text($f, $style, $_, 'item_') } 1 .. $items ];
}

sub largest_object
{
	my ($self, $shape, $style, $n, $how) = @_;
	my %object = map { $_->{name} => $self->largest_value($_, $style, $n, $how) } @{ $self->{shapes}{$shape}{fields} };
	return { map { ($_ => $object{$_}) } grep { defined $object{$_} } keys %object };
}

# A document of such values as JSON.
sub json_bytes
{
	my ($value) = @_;
	my $kind = ref $value;
	return '"' . text_bytes($value, \&escape_json) . '"' if $kind eq 'WazoShapes::Text';
	return '[' . join(',', map { json_bytes($_) } @$value) . ']' if $kind eq 'ARRAY';
	return '{' . join(',', map { "\"$_\":" . json_bytes($value->{$_}) } sort keys %$value) . '}' if $kind eq 'HASH';
	return encode_utf8($json->encode($value));
}

# An object as the form that browsers send, and as a query string.
sub form_value
{
	my ($value) = @_;
	my $kind = ref $value;
	return text_bytes($value, \&escape) if $kind eq 'WazoShapes::Text';
	return form_value($value->[0] // '') if $kind eq 'ARRAY';
	return $kind ? 'true' : escape($value);
}
sub form_bytes
{
	my ($object) = @_;
	return join '&', map { escape($_) . '=' . form_value($object->{$_}) } grep { defined $object->{$_} } sort keys %$object;
}

# What the function makes of a document, and makes as long as so many bytes: the texts in it grow until then.
sub fill_up
{
	my ($self, $what, $most, $encode, $make) = @_;
	my $room = $most - length $make->();
	die "$what: what may be in it has no room\n" if $room < 0;
	grow($self->{growing}, $room, $encode);
	my $bytes = $make->();
	return $bytes;
}

# A member that is none of the shape, and is dropped: as many values as it takes, in so many bytes.
sub dropped_member
{
	my ($s, $body, $room) = @_;
	my $values = $s->{body_values} - (() = $body =~ /[,{\[]/g) - 10;
	$values = int(($room - 10) / 2) if $values > ($room - 10) / 2;
	return $s->{refuse_unknown} || $s->{max_items} || $values < 1 ? '' : ',"zz":[' . join(',', ('0') x $values) . ']';
}

# A body as large as its shape takes it: as many items and values as there may be, or as long ones.
sub largest_body
{
	my ($self, $shape, $style, $many, $form) = @_;
	my $s = $self->{shapes}{$shape};
	my $how = { many => $many, bytes => $s->{body_bytes} };
	my $most = $s->{body_bytes} - 64;	# a unit in parts may be longer than its share
	local $self->{growing} = [];
	my $value = $s->{max_items} ? [ map { $self->largest_object($shape, $style, $_, $how) } 1 .. $s->{max_items} ]
		: $self->largest_object($shape, $style, 0, $how);
	return $self->fill_up($shape, $most, \&escape, sub { form_bytes($value) }) if $form;
	my $dropped = '';
	my $make = sub { my $end = length $dropped ? "$dropped}" : '}'; return json_bytes($value) =~ s/\}\z/$end/r };
	if ($many)
	{
		my $least = $make->();
		$dropped = dropped_member($s, $least, ($most - length $least) / 2);
	}
	my $body = $self->fill_up($shape, $most, \&escape_json, $make);
	return $body if $many;
	$dropped = dropped_member($s, $body, $most - length $body);
	return $make->();
}

# A document for a route that declares no shape: as large as it is taken.
sub any_json
{
	my ($self, $style) = @_;
	my %members = map { ("member$_" => $styles{$style} x 10) } 1 .. 500;
	return encode_utf8($json->encode(\%members));
}

# What there is for a parameter of a path; the n-th of them.
sub thing
{
	my ($self, $param, $n) = @_;
	my $of = $self->{things}{$param} // die "there is nothing for {$param}\n";
	return $of->[ ($n // 0) % @$of ];
}

sub path_of
{
	my ($self, $route, $n) = @_;
	return $route->{path} =~ s/\{([a-z_]+)\}/escape($self->thing($1, $n))/ger;
}

sub largest_query
{
	my ($self, $route, $style, $most) = @_;
	my $shape = $route->{query_schema};
	# What the path names is no filter besides.
	local $self->{known} = { %{ $self->{known} }, map { ($_ => sub { return undef }) } $route->{path} =~ /\{([a-z_]+)\}/g };
	local $self->{growing} = [];
	my $value = $self->largest_object($shape, $style, 0, { many => 0, bytes => $most });
	return $self->fill_up($shape, $most, \&escape, sub { form_bytes($value) });
}

# The request for the n-th things that there are.
sub largest
{
	my ($self, $route, $style, $token, $many, $n) = @_;
	my $form = grep { $_ eq 'form' } @{ $route->{checks} };
	my @headers = ('X-Auth-Token' => $token, 'Content-Type' => $form ? 'application/x-www-form-urlencoded' : 'application/json');
	my $target = $self->path_of($route, $n);
	my ($query, $body) = @$route{qw(query_schema body_schema)};
	$target .= '?' . $self->largest_query($route, $style, $target_most - 64 - length $target) if $query;
	return {
		route => $route, method => $route->{method}, target => $target, headers => \@headers,
		body => $body ? $self->{made}{"$body $style $many"} //= $self->largest_body($body, $style, $many, $form)
			: (grep { $_ eq 'json' } @{ $route->{checks} }) ? $self->any_json($style) : undef,
	};
}

# ---- at random ----

my @odd = (
	'', ' ', "\x00", "\x01\x1f", "\x{7f}", "\x{e9}", "\x{1F600}", "\x{130}", "\x{202e}", "\x{fffe}", '"', "'", '\\', '\\u0000', '%', '%00', '%_', '_', '{}', '[]', '{', 'null', 'NULL', 'true',
	'-1', '0', '1', '1e400', '9223372036854775808', 'NaN', 'infinity', '2026-02-30', 'me', '#', '*', '!', '!#', '*.*.#', 'auth.#', '../..', '..', '.', '/', '//', '?', 'x', 'a b', "a\nb", "a\r\nb", 'native',
	'default', 'ldap', 'admin', 'a@b.org', 'a@', '@', "'; DROP TABLE x; --", '$1', '%s%n', '<script>', 'urn:uuid:{11111111000040008000000000000003}',
	'00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF', 'online', 'offline', 'desc', 'mobile', 'google', 'refresh_token');

sub pick { return $_[ int rand @_ ] }

sub odd_text
{
	my $kind = rand;
	return pick(@odd) if $kind < 0.6;
	return pick(@odd) x int rand 300 if $kind < 0.75;
	return join '', map { chr int rand 0x300 } 1 .. rand 40 if $kind < 0.85;
	return join '', map { pick(@odd) } 1 .. rand 8 if $kind < 0.97;
	return pick('x', '*.', '#', "\x{1F600}", '%') x int rand 70_000;
}

sub odd_value
{
	my ($depth) = @_;
	my $kind = rand;
	return odd_text() if $kind < 0.5;
	return pick(0, 1, -1, 1.5, 1e300, 2147483648, 9223372036854775807) if $kind < 0.65;
	return pick(JSON::true, JSON::false, undef) if $kind < 0.8;
	return [ map { odd_value(($depth // 0) + 1) } 1 .. rand 5 ] if $kind < 0.9 && ($depth // 0) < 4;
	return { map { odd_text() => odd_value(($depth // 0) + 1) } 1 .. rand 4 } if ($depth // 0) < 4;
	return [];
}

sub some_thing
{
	my ($self) = @_;
	return $self->thing(pick(sort keys %{ $self->{things} }), int rand 1000);
}

# A value that is mostly of the right kind.
sub some_value
{
	my ($self, $f) = @_;
	my $kind = rand;
	return odd_value() if $kind < 0.15;
	return $self->some_thing if $kind < 0.25;
	my $type = $f->{type};
	return pick(JSON::true, JSON::false) if $type eq 'boolean';
	return int rand pick(3, 100, 100_000) if $type eq 'integer';
	return $self->thing('user_uuid', int rand 1000) if $type eq 'uuid';
	return pick(@{ $f->{choices} }) if $f->{choices};
	return 'm' . int(rand 100_000) . '@example.org' if $type eq 'email';
	return $self->some_object($f->{item_schema}) if $type eq 'nested';
	return [ map { $self->some_object($f->{item_schema}) } 1 .. rand 4 ] if $type eq 'nested_list';
	return [ map { pick('a.b', 'auth.users.read', 'x.' . int(rand 100), odd_text()) } 1 .. rand 6 ] if $type eq 'list';
	return pick('n' . int(rand 10_000), odd_text(), $self->some_thing);
}

sub some_object
{
	my ($self, $shape) = @_;
	my %object = map { $_->{name} => $self->some_value($_) } grep { rand() > ($_->{required} ? 0.03 : 0.5) } @{ $self->{shapes}{$shape}{fields} };
	$object{ odd_text() } = odd_value() if rand() < 0.1;
	return \%object;
}

sub some_body
{
	my ($self, $route) = @_;
	my $kind = rand;
	return rand() < 0.9 ? undef : '{}' if !$route->{body_schema} && $kind < 0.9;
	return join '', map { chr int rand 256 } 1 .. rand 200 if $kind < 0.03;
	return encode_utf8($json->encode(odd_value())) if $kind < 0.1;
	my $body = $self->some_object($route->{body_schema} // pick(sort keys %{ $self->{shapes} }));
	my $bytes = encode_utf8($json->encode($self->{shapes}{ $route->{body_schema} // '' }{max_items} ? [$body] : $body));
	return pick('[' x 1000, '{"a":' x 100, "\xef\xbb\xbf$bytes", "$bytes ", substr($bytes, 0, rand length $bytes)) if $kind < 0.15;
	return form_bytes($body) if $kind > 0.97 || $kind > 0.3 && grep { $_ eq 'form' } @{ $route->{checks} };
	return $bytes;
}

sub header_value
{
	my $text = odd_text();
	$text =~ s/[\x00-\x08\x0a-\x1f\x7f]//g;
	$text = encode_utf8(substr $text, 0, 2000);
	return $text =~ s/^\s+|\s+$//gr;
}

sub some_headers
{
	my ($self, $token, $form) = @_;
	my @headers;
	push @headers, 'X-Auth-Token' => rand() < 0.03 ? header_value() : $token if defined $token;
	push @headers, 'Wazo-Tenant' => rand() < 0.2 ? header_value() : $self->thing('tenant_uuid', int rand 1000) if rand() < 0.2;
	push @headers, Authorization => pick('Basic ' . encode_base64(encode_utf8(odd_text()) . ':' . encode_utf8(odd_text()), ''), 'Basic ' . encode_base64('admin:secret', ''), 'Bearer ' . header_value(), header_value())
		if rand() < 0.1;
	push @headers, 'Content-Type' => $form && rand() < 0.8 ? 'application/x-www-form-urlencoded' : pick('application/json', 'application/x-www-form-urlencoded', 'text/plain', header_value()) if rand() < 0.7;
	push @headers, pick('User-Agent', 'X-Forwarded-For', 'X-Script-Name', 'Origin', 'Referer', 'Accept', 'traceparent', 'Cookie', 'X-Odd') => header_value() while rand() < 0.2;
	push @headers, map { ("X-Many-$_" => header_value()) } 1 .. 90 if rand() < 0.005;
	return \@headers;
}

sub hostile
{
	my ($self, $token) = @_;
	my $route = pick(@{ $self->{routes} });
	my $target = $route->{path} =~ s/\{([a-z_]+)\}/rand() < 0.85 ? escape($self->thing($1, int rand 1000)) : escape(substr odd_text(), 0, 2000)/ger;
	$target =~ s{/(?=[^/]*$)}{pick('//', '/./', '/%2e/', '/%00', '/')}e if rand() < 0.02;
	$target .= pick('/', '?', '#', '%', '%zz', ';x', '&') if rand() < 0.03;
	my $fields = $route->{query_schema} ? $self->{shapes}{ $route->{query_schema} }{fields} : [];
	my @query = map { my $value = $self->some_value($_); escape($_->{name}) . '=' . escape(ref $value ? 'true' : substr $value // '', 0, 3000) } grep { rand() < 0.3 } @$fields;
	push @query, escape(substr odd_text(), 0, 200) . '=' . escape(substr odd_text(), 0, 2000) if rand() < 0.1;
	$target .= '?' . join('&', @query) if @query;
	return {
		route => $route, method => rand() < 0.95 ? $route->{method} : pick(qw(GET HEAD POST PUT PATCH DELETE OPTIONS TRACE FOO)),
		target => $target, headers => $self->some_headers($token, scalar grep { $_ eq 'form' } @{ $route->{checks} }), body => $self->some_body($route),
	};
}

1;
