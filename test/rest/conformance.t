# Every field of every body and query string, at the bounds of its rule and one step beyond, with each kind of JSON
# value, and with texts that are hard to store. What is expected comes from the tables below, a copy of the contract's
# (schemas.md sections 1 to 4, errors.md section 4), and not from the rows of wazo_auth.schema_field; those only say
# which fields there are, so that none can be forgotten.
#
# Each request is one call of wazo_auth.http(), undone before the next one. What is answered with an error must have
# left every table as it was, and nothing is answered with a 500.
#
# SPDX-License-Identifier: GPL-3.0-or-later
use strict;
use warnings;
use utf8;
use Encode ();
use JSON ();
use Test::More;
use WazoRest;

binmode Test::More->builder->$_, ':utf8' foreach qw(output failure_output todo_output);
my $t = WazoRest->new;
my $json = JSON->new->ascii->allow_nonref;
# As Python writes it: DEL is escaped as well.
sub text { return $json->encode('' . $_[0]) =~ s/\x7f/\\u007f/gr; }

my $slug = '^[a-zA-Z0-9_-]+$';
my $tenant_slug = '^[a-zA-Z0-9_]+$';
my $domain = '^(?=.{1,253}\.?$)(?:(?!(-|_)|[^.]+_)[A-Za-z0-9-_]{1,}(?<!-)(?:\.|$)){2,63}$';
my $unreadable = '{"message": "The browser (or proxy) sent a request that this server could not understand."}';

# ---- what the requests are about ----
my %is = (top => $t->{top}, nobody => '99999999-9999-4999-8999-999999999999');
$is{tenant} = $t->tenant($t->{top}, 'subject');
$is{user} = $t->user($t->{top}, 'subject', 'x.y');
$is{group} = $t->psql("SELECT wazo_auth.create_group('$t->{top}', 'subject')");
$is{policy} = $t->psql("SELECT wazo_auth.create_policy('$t->{top}', 'target', '{x.y}')");
$is{token} = $t->login('subject', 'secret')->{token};

# ---- the contract's tables ----
# required, null: taken or not. min, max: length or range. ok: what a good value is answered with, when that is not the
# route's success. shown: where the answer has it; undef: nowhere. more: further values with their outcome.
my @username = (username => {type => 'string', null => 1, min => 1, max => 256});
my @person = (@username, firstname => {type => 'string', null => 1, limit => 256}, lastname => {type => 'string', null => 1, limit => 256},
	purpose => {type => 'string', choices => [qw(user internal external_api)]},
	authentication_method => {type => 'string', method => 'users'},
	enabled => {type => 'boolean'});
my @acl = (description => {type => 'string', null => 1, limit => 4096},
	acl => {type => 'list', item => {type => 'string', bytes => 1024, empty => 1}, shown => sub { $_[0]{acl} }});
my @address = map { my ($n, $max) = @$_; ($n => {type => 'string', null => 1, min => 1, max => $max, shown => sub { $_[0]{address}{$n} }}) }
	['line_1', 256], ['line_2', 256], ['city', 128], ['state', 128], ['country', 128], ['zip_code', 16];
my @tenant_tail = (contact => {type => 'uuid', null => 1, ok => 404, more => [[text($is{user}), 200]]},
	phone => {type => 'string', null => 1, min => 1, max => 32},
	default_authentication_method => {type => 'string', method => 'tenants'},
	domain_names => {type => 'list', item => {type => 'string', domain => 1}, shown => sub { $_[0]{domain_names} }},
	address => {type => 'nested', fields => \@address, shown => undef});
my @policy_name = (name => {type => 'string', required => 1, min => 1, max => 80});
my @group_name = (name => {type => 'string', required => 1, min => 1, max => 128});
my %email = (address => {type => 'email', required => 1, shown => sub { $_[0][0]{address} }},
	main => {type => 'boolean', shown => sub { $_[0][0]{main} }, ok => undef},
	confirmed => {type => 'boolean', null => 1, shown => sub { $_[0][0]{confirmed} }});
my @mobile = (token => {type => 'string', null => 1, min => 1, max => 512},
	map { ($_ => {type => 'string', null => 1, max => 512}) }
	qw(apns_token apns_voip_token apns_notification_token apns_call_topic apns_default_topic));
my @scope = (scope => {type => 'list', item => {type => 'string', min => 1, max => 512}, ok => 404});

# family, resource: form of the errors. base: a body that succeeds. success: status. answer: what the body's fields are
# shown in. fields in the order in which they are checked.
my %body = (
	'POST /0.1/users' => {family => 'first_error', resource => 'users', fields => [@person, uuid => {type => 'uuid'},
		password => {type => 'string', null => 1, min => 1, bytes => 4096, shown => undef},
		email_address => {type => 'email', null => 1, shown => sub { $_[0]{emails}[0]{address} }}]},
	'PUT /0.1/users/{user_uuid}' => {family => 'first_error', resource => 'users', base => [username => '"subject"'], fields => [@person]},
	'PUT /0.1/users/{user_uuid}/password' => {family => 'first_error', resource => 'users', success => 204,
		base => [old_password => '"secret"', new_password => '"other"'], fields => [
		old_password => {type => 'string', required => 1, min => 1, bytes => 4096, ok => 401},
		new_password => {type => 'string', required => 1, min => 1, bytes => 4096}]},
	'POST /0.1/users/register' => {family => 'first_error', resource => 'users',
		base => [username => '"new"', password => '"secret"', email_address => '"new@example.com"'], fields => [
		username => {type => 'string', min => 1, max => 256, shown => undef, loose => 1},
		password => {type => 'string', required => 1, min => 1, bytes => 4096, shown => undef},
		firstname => {type => 'string', null => 1, limit => 256}, lastname => {type => 'string', null => 1, limit => 256},
		email_address => {type => 'email', required => 1, shown => sub { $_[0]{emails}[0]{address} }}]},
	'PUT /0.1/admin/users/{user_uuid}/emails' => {family => 'emails', resource => 'emails',
		base => [emails => '[{"address": "a@example.com", "main": true, "confirmed": true}]'], fields => [
		emails => {type => 'nested_list', required => 1, base => [address => '"a@example.com"', main => 'true'],
			fields => [address => $email{address}, confirmed => $email{confirmed}, main => $email{main}]}]},
	'PUT /0.1/users/{user_uuid}/emails' => {family => 'emails', resource => 'emails',
		base => [emails => '[{"address": "a@example.com", "main": true}]'], fields => [
		emails => {type => 'nested_list', required => 1, base => [address => '"a@example.com"', main => 'true'],
			fields => [address => $email{address}, main => $email{main}]}]},
	'POST /0.1/users/password/reset' => {family => 'reset', resource => 'reset', success => 204, query => "?user_uuid=$is{user}",
		base => [password => '"other"'], fields => [
		password => {type => 'string', required => 1, null => 1, min => 1, bytes => 4096}]},
	'POST /0.1/groups' => {family => 'first_error', resource => 'groups', base => [name => '"new"'], fields => [@group_name,
		slug => {type => 'string', null => 1, min => 1, max => 80, pattern => $slug, generated => 1}]},
	'PUT /0.1/groups/{group_uuid}' => {family => 'first_error', resource => 'groups', base => [name => '"new"'], fields => [@group_name]},
	'POST /0.1/policies' => {family => 'first_field', base => [name => '"new"'], fields => [@policy_name,
		slug => {type => 'string', null => 1, min => 1, max => 80, pattern => $slug, generated => 1}, @acl, shared => {type => 'boolean'}]},
	(map { ("PUT /0.1/policies/{$_}" => {family => 'first_field', base => [name => '"new"'], fields => [@policy_name, @acl]}) }
		qw(policy_uuid policy_slug)),
	'POST /0.1/tenants' => {family => 'first_error', resource => 'tenants', fields => [uuid => {type => 'uuid', null => 1, generated => 1},
		name => {type => 'string', null => 1, min => 1, max => 128},
		slug => {type => 'string', null => 1, min => 1, max => 10, pattern => $tenant_slug, generated => 1}, @tenant_tail]},
	'PUT /0.1/tenants/{tenant_uuid}' => {family => 'first_error', resource => 'tenants', fields => [
		uuid => {type => 'uuid', null => 1, shown => undef}, name => {type => 'string', null => 1, min => 1, max => 128}, @tenant_tail]},
	'PUT /0.1/idp/{idp_type}/users' => {family => 'list_query', resource => 'users', success => 204, base => [users => '[]'], fields => [
		users => {type => 'nested_list', required => 1, base => [], fields => [
			uuid => {type => 'string', required => 1, limit => 64, ok => 404, more => [[text($is{user}), 204]]}]}]},
	'PATCH /0.1/config' => {family => 'first_error', resource => 'config', many => 1, strict => 1,
		base => [op => '"replace"', path => '"/debug"', value => 'true'], fields => [
		op => {type => 'string', required => 1, choices => ['replace'], shown => undef},
		path => {type => 'string', required => 1, choices => ['/debug', '/profiling_enabled'], shown => undef},
		value => {type => 'boolean', required => 1, shown => sub { $_[0]{debug} }}]},
	'POST /0.1/token' => {family => 'token_repr', headers => [Authorization => basic('subject:secret')], fields => [
		backend => {type => 'string', limit => 128, shown => undef},
		expiration => {type => 'integer', min => 1, max => 315360000, shown => undef},
		access_type => {type => 'string', choices => ['online', 'offline'], shown => undef, with => [client_id => '"c"']},
		client_id => {type => 'string', min => 1, max => 1024, bytes => 1024, shown => undef},
		saml_session_id => {type => 'string', min => 1, max => 1024, ok => 401},
		refresh_token => {type => 'string', limit => 256, ok => 401, with => [client_id => '"c"']},
		tenant_id => {type => 'string', limit => 256, loose => 1}, domain_name => {type => 'string', limit => 256, ok => 401}]},
	'POST /0.1/token/{token_uuid}/scopes/check' => {family => 'token_repr', base => [scopes => '[]'], fields => [
		scopes => {type => 'list', required => 1, item => {type => 'string', bytes => 1024, empty => 1}, shown => undef},
		tenant_uuid => {type => 'string', null => 1, limit => 256, ok => 403}]},
	'PUT /0.1/backends/ldap' => {family => 'first_field',
		base => [map { ($_ => '"x"') } qw(host user_base_dn user_login_attribute user_email_attribute)], after => [port => '389'], fields => [
		host => {type => 'string', required => 1, max => 512}, port => {type => 'integer', required => 1, loose => 1},
		protocol_version => {type => 'integer', min => 2, max => 3},
		protocol_security => {type => 'string', null => 1, choices => ['ldaps', 'tls']},
		bind_dn => {type => 'string', null => 1, max => 256}, user_base_dn => {type => 'string', required => 1, max => 256},
		user_login_attribute => {type => 'string', required => 1, max => 64}, user_email_attribute => {type => 'string', required => 1, max => 64},
		search_filters => {type => 'string', null => 1, limit => 4096, loose => 1},
		bind_password => {type => 'string', null => 1, limit => 1024, shown => undef}]},
	(map { ("$_ /0.1/users/{user_uuid}/external/mobile" => {family => 'first_error', resource => 'users', success => $_ eq 'POST' ? 201 : 200,
		fields => [@mobile]}) } qw(POST PUT)),
	(map { ("POST /0.1/users/{user_uuid}/external/$_" => {family => 'first_error', resource => 'users', success => 404, fields => [@scope]}) }
		qw(google microsoft)),
	'POST /0.1/saml/sso' => {family => 'any', success => 'any', fields => [
		redirect_url => {type => 'string', min => 1, loose => 1}, domain => {type => 'string', domain => 1, loose => 1}]},
);

# order: names that a list sorts by; refused: names that its schema takes and the list does not; filters: what the
# list takes as text; boolean: as a boolean.
my %list = (
	'/0.1/users' => {order => [qw(username firstname lastname)], filters => [qw(uuid username firstname lastname purpose email_address
		group_uuid policy_uuid policy_slug has_policy_uuid has_policy_slug)]},
	'/0.1/groups' => {order => [qw(name slug uuid read_only)], refused => [qw(slug read_only)],
		filters => [qw(uuid name slug user_uuid policy_uuid policy_slug)], boolean => ['read_only']},
	'/0.1/policies' => {order => [qw(name slug description uuid read_only)], refused => ['read_only'],
		filters => [qw(uuid name slug user_uuid group_uuid tenant_uuid)], boolean => ['read_only'], any_order => 1},
	'/0.1/tenants' => {order => [qw(name slug)], filters => [qw(uuid name slug domain_name)], uuids => 1},
	'/0.1/sessions' => {order => ['mobile']}, '/0.1/users/{user_uuid}/sessions' => {order => ['mobile']},
	(map { ($_ => {order => [qw(created_at client_id mobile)], filters => [qw(client_id)], unread => [qw(mobile created_at)]}) }
		qw(/0.1/tokens /0.1/users/{user_uuid}/tokens /0.1/users/me/tokens)),
	'/0.1/groups/{group_uuid}/users' => {order => ['username'], filters => [qw(uuid username firstname lastname purpose email_address)],
		unread => ['group_uuid']},
	'/0.1/users/{user_uuid}/groups' => {order => [qw(name uuid)], filters => [qw(uuid name)], unread => ['user_uuid']},
	'/0.1/groups/{group_uuid}/policies' => {order => [qw(name description uuid)], filters => [qw(uuid name user_uuid tenant_uuid)], unread => ['group_uuid']},
	'/0.1/users/{user_uuid}/policies' => {order => [qw(name description uuid)], filters => [qw(uuid name group_uuid tenant_uuid)], unread => ['user_uuid']},
	'/0.1/users/{user_uuid}/external' => {order => ['type'], filters => ['type']},
	'/0.1/external/{auth_type}/users' => {order => []},
	# these are no lists that upstream has; they have tests of their own
	'/0.1/audit' => {other => 1}, '/0.1/token/{token_uuid}' => {other => 1}, '/0.1/users/password/reset' => {other => 1},
);

# ---- errors, as the contract words them ----
my %not_a = (string => 'Not a valid string.', integer => 'Not a valid integer.', boolean => 'Not a valid boolean.', uuid => 'Not a valid UUID.',
	email => 'Not a valid email address.', list => 'Not a valid list.');
sub object { return {message => $_[0], id => $_[1], constraint => $_[2], array => 0}; }
sub array { return {message => $_[0], id => $_[1], constraint => $_[2], array => 1}; }
sub type_error { my ($type) = @_; return $type eq 'nested_list' ? object('Invalid type.', 'type', '"dict"') : object($not_a{$type}, 'type', "\"$type\""); }
my $null = object('Field may not be null.', 'not_null', '"not_null"');
my $missing = object('Missing data for required field.', 'required', '"required"');
my $no_email = {message => $not_a{email}, id => 'type', constraint => '"email"', array => 1, message_first => 1};

sub length_error
{
	my ($f) = @_;
	my ($min, $max) = @$f{qw(min max)};
	return array(defined $min && defined $max ? "Length must be between $min and $max."
		: defined $min ? "Shorter than minimum length $min." : "Longer than maximum length $max.",
		'length', sprintf('{"min": %s, "max": %s}', $min // 'null', $max // 'null'));
}

sub range_error
{
	my ($f) = @_;
	return array("Must be greater than or equal to $f->{min} and less than or equal to $f->{max}.", 'range', "{\"min\": $f->{min}, \"max\": $f->{max}}")
		if defined $f->{max};
	return array("Must be greater than or equal to $f->{min}.", 'range', "{\"min\": $f->{min}}");
}

sub enum_error
{
	my @choices = @{$_[0]{choices}};
	return array('Must be one of: ' . join(', ', @choices) . '.', 'enum', '{"choices": [' . join(', ', map { text($_) } @choices) . ']}');
}

sub error_text
{
	my ($e) = @_;
	my $one = $e->{array} && !$e->{message_first}
		? sprintf('{"constraint_id": "%s", "constraint": %s, "message": %s}', $e->{id}, $e->{constraint}, text($e->{message}))
		: sprintf('{"message": %s, "constraint_id": "%s", "constraint": %s}', text($e->{message}), $e->{id}, $e->{constraint});
	return ($one, $e->{array} ? "[$one]" : $one);
}

sub nest
{
	my ($text, @path) = @_;
	$text = "{\"$_\": $text}" foreach reverse @path;
	return $text;
}

# The answer to an error at a place of the body, given as the keys that lead there.
sub refusal
{
	my ($route, $error, @path) = @_;
	my $family = $route->{family};
	my $schema = ref $error ? 0 : 1;		# the body as a whole, or an object in it: a bare text
	my ($one, $whole) = $schema ? () : error_text($error);
	return '{"reason": ["Invalid value supplied for field: ' . $path[0] . '"], "timestamp": [T], "status_code": 400}' if $family eq 'first_field';
	if ($family eq 'token_repr')
	{
		my $text = $schema ? "['$error']" : $whole;
		$text =~ tr/"/'/;
		$text =~ s/: null/: None/g;
		foreach my $key (reverse @path)
		{
			$text = $key =~ /^\d+$/ ? "{$key: $text}" : "{'$key': $text}";
		}
		return '{"reason": [' . text($text) . '], "timestamp": [T], "status_code": 400}';
	}
	my $error_id = $family eq 'list_query' ? 'invalid-list-param' : 'invalid-data';
	my ($message, $details) = $family eq 'first_error'
		? (text($schema ? $error : $error->{message}), nest($schema ? "{\"message\": \"$error\"}" : $one, @path))
		: $family eq 'reset' ? ($schema ? '[' . text($error) . ']' : text($error->{message}), '{}')
		: (nest($schema ? "[\"$error\"]" : $whole, @path), '{}');
	return "{\"message\": $message, \"error_id\": \"$error_id\", \"details\": $details, \"timestamp\": T, \"resource\": \"$route->{resource}\"}";
}

# ---- values ----
my @kinds = qw(null true false 0 1 -1.5 1e30 "" "x" [] [0] ["x"] {} {"a":1});
my $planes = join '', map { my $p = $_; map { chr($p * 0x10000 + $_) } $p ? (0x41, 0xfffd, 0xffff) : (0x1, 0x7f, 0xe9, 0x5d0, 0xe000, 0xfffd, 0xffff) } 0 .. 16;
my @emails_ok = ('a@b.com', 'a@b.c1', 'a@b.abcdefgh', '"q"@b.com', '""@b.com', 'a@localhost', 'a@[127.0.0.1]', 'é@b.com', '日本@ex.com', 'a@é.com',
	'a@' . 'b' x 63 . '.com', 'l' x 300 . '@b.com', "-!#\$%&'*+/=?^_`{}|~\@b.com", 'A@B.COM');
my @emails_bad = ('', 'foo', '@', 'a@b', 'a@b.c', 'a@LOCALHOST', ' a@b.com', 'a@b.com ', "a\@b.com\n", '"a b"@b.com', 'a.@b.com', 'a..b@b.com', '.a@b.com',
	'a@b@c.com', 'a@-b.com', 'a@b_c.com', 'a@b.co.', 'a@[1.2.3.400]', 'é@é', 'a@' . 'b' x 64 . '.com', '@b.com', 'a@.com', "a\x{1f600}\@b.com");
my @true = ('true', '1', '1.0', map { text($_) } qw(t T true True TRUE on On ON y Y yes Yes YES 1));
my @false = ('false', '0', '0.0', map { text($_) } qw(f F false False FALSE off Off OFF n N no No NO 0));
my @not_boolean = ('2', '-1', '0.5', '[]', '{}', '[true]', map { text($_) } ('tRUE', '', ' true', 'oui', 'nil', '2', 'é'));
my $uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
my @uuids_ok = ($uuid, uc $uuid, $uuid =~ s/-//gr, "{$uuid}", "urn:uuid:$uuid", $uuid =~ s/(....)-?/$1-/gr =~ s/-$//r);
my @uuids_bad = ('', 'x', "${uuid}0", substr($uuid, 1), 'g' . substr($uuid, 1), " $uuid", "$uuid\n", 'é' x 32, '-' x 36);
my @domains_ok = ('a.io', '1.2.3.4', 'a.io.', 'A.Example.COM', 'x-y.z', join('.', ('a') x 63), 'a' x 200 . '.' . 'b' x 52, 'xn--e1afmkfd.xn--p1ai');
my @domains_bad = ('', 'wazo', '123', 'a..b', '-a.b', 'a-.b', 'a_b.c', '.a.b', "a.io\n", 'é.com', 'a b.c', join('.', ('a') x 64), 'a' x 200 . '.' . 'b' x 53, 'a.b..');

# Good and bad values of a field: [JSON text, error or undef, what is stored].
sub values_of
{
	my ($f) = @_;
	my $type = $f->{type};
	my @v;
	if ($type eq 'string')
	{
		push @v, map { [$_, type_error('string')] } grep { !/^"/ && $_ ne 'null' } @kinds;
		my ($min, $max) = @$f{qw(min max)};
		my $pattern = $f->{pattern} && array('String does not match expected pattern.', 'regex', text($f->{pattern}));
		if ($f->{choices})
		{
			push @v, map { [text($_)] } @{$f->{choices}};
			push @v, map { [text($_), enum_error($f)] } '', 'x', uc $f->{choices}[0], " $f->{choices}[0]", "$f->{choices}[0]\n", "é$planes", 'x' x 65536;
		}
		elsif ($f->{method})
		{
			push @v, map { [text($_)] } qw(native ldap saml), $f->{method} eq 'users' ? 'default' : ();
			push @v, map { [text($_), 'method'] } '', 'x', 'Native', 'é', 'native ', $planes, 'x' x 65536, $f->{method} eq 'tenants' ? 'default' : ();
		}
		elsif ($f->{domain})
		{
			push @v, map { [text($_), undef, lc($_) =~ s/\.$//r] } @domains_ok;    # one name, however it is written
			push @v, map { [text($_), array('String does not match expected pattern.', 'regex', text($domain))] } @domains_bad, 'a.' x 32768;
		}
		else
		{
			my $one = sub { return substr('aZ_09' x ($_[0] / 5 + 1), 0, $_[0]); };
			push @v, [text($one->($min))] if $min;
			push @v, [text(''), $min ? length_error($f) : undef] if $min || $f->{empty};
			if (defined $max)
			{
				push @v, [text($one->($_)), $_ > $max ? length_error($f) : undef] foreach $max - 1, $max, $max + 1, 65536;
				push @v, [text("\x{1f600}" x ($max + 1)), length_error($f)], [text('é' x ($max + 1)), length_error($f)];
				push @v, [text("\x{1f600}" x $max), $f->{bytes} ? 'too long' : undef], [text('é' x $max), $f->{bytes} ? 'too long' : undef] if !$pattern;
			}
			elsif ($f->{bytes})
			{
				push @v, [text($one->($f->{bytes}))], [text($one->($f->{bytes} + 1)), 'too long'], [text('é' x ($f->{bytes} / 2))],
					[text('é' x ($f->{bytes} / 2 + 1)), 'too long'], [text('x' x 65536), 'too long'];
			}
			else
			{
				# a limit that only this server has
				push @v, [text("\x{1f600}" x $f->{limit})], [text('x' x ($f->{limit} + 1)), 'too long'], [text('é' x ($f->{limit} + 1)), 'too long'];
			}
			if ($pattern)
			{
				push @v, [text('a-b'), $f->{pattern} =~ /-\]/ ? undef : $pattern];
				push @v, map { [text($_), $pattern] } 'a b', 'é', "a\n", 'a/b', 'a.b', "\x{1f600}", "a\tb";
			}
			else
			{
				# a pattern for accesses cannot end with a newline
				push @v, map { [text($_)] } ' ', $f->{bytes} && $f->{empty} ? () : "\n", "\\'\"<>%_", "\x{1f600}", "'; DROP TABLE";
				push @v, [text($planes)] if !defined $max || $max >= length $planes;
			}
		}
	}
	elsif ($type eq 'boolean')
	{
		push @v, map { [$_, undef, JSON::true] } @true;
		push @v, map { [$_, undef, JSON::false] } @false;
		push @v, map { [$_, type_error('boolean')] } @not_boolean;
	}
	elsif ($type eq 'integer')
	{
		push @v, map { [$_, type_error('integer')] } qw(true false [] [1] {} {"a":1}), map { text($_) } '', 'x', '10.0', '1__0', '_1', '1_', '0x10', '- 1', 'é', '1 0';
		if (defined $f->{min})
		{
			push @v, map { [$_] } $f->{min}, $f->{max}, "$f->{min}.9", "\" $f->{min} \"", "\"+$f->{max}\"", "\"0_0$f->{min}\"", text(chr(0x660 + $f->{min}));
			push @v, map { [$_, range_error($f)] } $f->{min} - 1, $f->{max} + 1, -1, '9223372036854775808', '-9223372036854775809', '1e30', "\"" . '9' x 40 . "\"";
		}
	}
	elsif ($type eq 'uuid')
	{
		push @v, map { [text($_), undef, $uuid] } @uuids_ok;
		push @v, map { [text($_), type_error('uuid')] } @uuids_bad, 'x' x 65536, $planes;
		push @v, map { [$_, type_error('uuid')] } grep { !/^"/ && $_ ne 'null' } @kinds;
	}
	elsif ($type eq 'email')
	{
		push @v, map { [text($_)] } @emails_ok;
		push @v, map { [text($_), $no_email] } @emails_bad, $planes, 'x' x 65536, '@' x 1000;
		push @v, map { [$_, type_error('email')] } grep { !/^"/ && $_ ne 'null' } @kinds;
	}
	elsif ($type eq 'list')
	{
		push @v, ['[]', undef, []];
		push @v, map { [$_, type_error('list')] } grep { !/^\[/ && $_ ne 'null' } @kinds;
		foreach my $item (values_of($f->{item}), ['null', $null])
		{
			my ($raw, $error, $stored) = @$item;
			push @v, ["[$raw]", $error, $error ? undef : [$stored // $json->decode($raw)], '0'];
			push @v, ["[\"ok.io\", $raw]", $error, undef, '1'] if ref $error;
		}
	}
	elsif ($type eq 'nested')
	{
		push @v, map { [$_, /^(?:""|\[\]|\{\}|0|false|\{"a":1\})$/ ? undef : 'Invalid input type.', undef, '_schema'] } grep { $_ ne 'null' } @kinds;
	}
	elsif ($type eq 'nested_list')
	{
		push @v, ['[]'];
		push @v, map { [$_, type_error('nested_list')] } grep { !/^\[/ && $_ ne 'null' } @kinds;
		push @v, ["[$_]", 'Invalid input type.', undef, '0', '_schema'] foreach '1', '"x"', 'true', '[1]';
	}
	return @v;
}

# ---- requests ----
my @case;		# method, target, headers, body (bytes or undef), name, expected
sub path
{
	my ($path) = @_;
	my %value = (user_uuid => $is{user}, tenant_uuid => $is{tenant}, group_uuid => $is{group}, policy_uuid => $is{policy}, policy_slug => 'target',
		token_uuid => $is{token}, idp_type => 'native', auth_type => 'mobile');
	$path =~ s/\{(\w+)\}/$value{$1}/g;
	return $path;
}

# What a body that is too long, too deep or of too many values is answered with, whatever else is in it.
my %body_limit;
sub too_much
{
	my ($route, $body) = @_;
	my $limit = $body_limit{$route};
	return () if !$limit || !defined $body;
	utf8::encode($body) if utf8::is_utf8($body);
	return (status => 413, body => undef, loose => 0, shown => undef, contains => []) if length $body > $limit->[0];
	(my $bare = $body) =~ s/"(?:[^"\\]|\\.)*+"?//gs;
	my ($depth, $most) = (0, 0);
	while ($bare =~ /([\[{])|[\]}]/g)
	{
		$depth += $1 ? 1 : -1;
		$most = $depth if $depth > $most;
	}
	return (status => 400, body => undef, loose => 0, shown => undef, contains => []) if $most > $limit->[1] || 1 + ($bare =~ tr/,[{//) > $limit->[2];
	return ();
}

sub add
{
	my ($name, $route, $bytes, %expected) = @_;
	my ($method, $path) = split / /, $route->{name};
	%expected = (%expected, too_much($route->{name}, $bytes));
	push @case, {%expected, answer => delete $expected{body}, route => $route->{name}, name => $name =~ s/[^ -~]/?/gr =~ s/^(.{100}).*/$1.../r,
		method => $method, target => path($path) . ($route->{query} // ''), headers => $route->{headers} // ['X-Auth-Token', $t->{admin_token}],
		bytes => $bytes};
	return;
}

# An object with the given members; a later one of the same name takes the place of the earlier.
sub members
{
	my @pairs = @_;
	my (@order, %raw);
	while (my ($k, $v) = splice @pairs, 0, 2)
	{
		push @order, $k if !exists $raw{$k};
		$raw{$k} = $v;
	}
	return '{' . join(', ', map { "\"$_\": $raw{$_}" } grep { defined $raw{$_} } @order) . '}';
}

sub success
{
	my ($route, $f) = @_;
	return exists $f->{ok} ? $f->{ok} : $route->{success} // 200;
}

# All values of a field. make: from the raw value (undef: without the field) to the body; prefix: keys that lead to it.
sub field_cases
{
	my ($route, $name, $f, $make, @prefix) = @_;
	my $expect = sub {
		my ($error, $stored, @more) = @_;
		return (loose => 1) if $f->{loose} || $route->{family} eq 'any';
		return (loose => 1, refused => 1) if defined $error && ($error eq 'method' || $error eq 'too long') && $route->{family} ne 'first_error';
		return (status => 400, body => sprintf('{"message": %s, "error_id": "invalid-data", "details": %s, "timestamp": T, "resource": "%s"}', @$stored))
			if defined $error && $error eq 'method';
		return (loose => 1, refused => 1) if defined $error && $error eq 'too long';
		return (status => 400, body => refusal($route, $error, @prefix, $name, @more)) if defined $error;
		my $status = success($route, $f);
		return (loose => 1) if !defined $status;
		return (status => $status, !defined $stored || $status != 200 || (exists $f->{shown} && !$f->{shown}) ? ()
			: (shown => $f->{shown} // sub { $_[0]{$name} }, stored => $stored));
	};
	foreach my $value (values_of($f))
	{
		my ($raw, $error, $stored, @more) = @$value;
		if (defined $error && $error eq 'method')
		{
			my $v = $json->decode($raw);
			my $field = $f->{method} eq 'users' ? 'authentication_method' : 'default_authentication_method';
			$stored = [text(($f->{method} eq 'users' ? 'Invalid authentication method ' : 'Invalid default authentication method ') . $v),
				"{\"$field\": $raw}", $f->{method}];
		}
		elsif (!defined $error && !defined $stored && $raw =~ /^"/ && $f->{type} =~ /^(?:string|email)$/)
		{
			$stored = $json->decode($raw);
		}
		add("$name $raw", $route, $make->($raw), $expect->($error, $stored, @more));
	}
	foreach my $more (@{$f->{more} // []})
	{
		add("$name $more->[0]", $route, $make->($more->[0]), status => $more->[1]);
	}
	add("$name null", $route, $make->('null'), $f->{loose} || $route->{family} eq 'any' ? (loose => 1)
		: $f->{null} ? (status => $route->{success} // 200) : (status => 400, body => refusal($route, $null, @prefix, $name)));
	add("without $name", $route, $make->(undef), $f->{loose} || $route->{family} eq 'any' ? (loose => 1)
		: $f->{required} ? (status => 400, body => refusal($route, $missing, @prefix, $name))
		: exists $f->{ok} && !defined $f->{ok} ? (loose => 1) : (status => $route->{success} // 200));
	add("$name with $_->[0]", $route, $make->($_->[1]), status => 400, body => $unreadable)
		foreach ['NUL', '"a\u0000b"'], ['NUL alone', '"\u0000"'], ['a lone surrogate', '"\ud800"'], ['a low surrogate', '"\udc00x"'], ['surrogates the wrong way', '"\udc00\ud800"'],
		['NaN', 'NaN'], ['Infinity', '-Infinity'], ['bad UTF-8', "\"\xe9\""], ['an overlong form', "\"\xc0\x80\""], ['a raw surrogate', "\"\xed\xa0\x80\""],
		['beyond Unicode', "\"\xf4\x90\x80\x80\""], ['a raw control character', "\"a\nb\""], ['a bad escape', '"\x41"'], ['a number in no form', '01'],
		['an endless array', '[' x 200000];
	# ten thousand levels: refused as such, or as what they are
	add("$name deep", $route, $make->('[' x 10000 . ']' x 10000), loose => 1, refused => 1);
	add("$name deep", $route, $make->('{"a":' x 10000 . '1' . '}' x 10000), loose => 1, ($f->{type} eq 'nested' ? () : (refused => 1)));
	return;
}

sub body_cases
{
	my ($route) = @_;
	my @base = (@{$route->{base} // []}, @{$route->{after} // []});
	my @fields = @{$route->{fields}};
	my $whole = sub { my $o = members(@_); return $route->{many} ? "[$o]" : $o; };
	my $ok = $route->{success} // 200;
	for (my $i = 0; $i < @fields; $i += 2)
	{
		my ($name, $f) = @fields[$i, $i + 1];
		field_cases($route, $name, $f, sub { $whole->(@base, @{$f->{with} // []}, $name => $_[0]) }, $route->{many} ? '0' : ());
		my @inner = @{$f->{fields} // []};
		for (my $j = 0; $j < @inner; $j += 2)
		{
			my ($inner_name, $inner) = @inner[$j, $j + 1];
			my @items = $f->{type} eq 'nested_list' ? (['%s', 0], ['{"address": "z@example.com", "uuid": "' . $is{user} . '"}, %s', 1]) : (['%s']);
			foreach my $item (@items)
			{
				my ($form, $place) = @$item;
				my $outer = sub { sprintf $f->{type} eq 'nested_list' ? "[$form]" : $form, members(@{$f->{base} // []}, $inner_name => $_[0]) =~ s/%/%%/gr };
				field_cases($route, $inner_name, $place ? {%$inner, loose => 0, shown => undef, more => []} : $inner,
					sub { my $o = $outer->($_[0]) =~ s/%%/%/gr; $whole->(@base, $name => $o) }, $name, defined $place ? $place : ());
			}
		}
	}
	return if $route->{family} eq 'any';

	# two errors: the earlier field is told, or both
	my @checked = grep { my $f = $fields[2 * $_ + 1]; $f->{type} eq 'string' && !$f->{loose} } 0 .. @fields / 2 - 1;
	if (@checked > 1 && $route->{family} =~ /^first_/)
	{
		my @names = map { $fields[2 * $_] } @checked;
		add("all wrong", $route, $whole->(@base, map { ($_ => '1') } reverse @names),
			status => 400, body => refusal($route, type_error('string'), $route->{many} ? '0' : (), $names[0]));
	}

	# the document
	my $fine = $whole->(@base);
	my @required = grep { $fields[2 * $_ + 1]{required} } 0 .. @fields / 2 - 1;
	foreach my $falsy (qw(null [] "" 0 false {}))
	{
		my $refused = $route->{many} ? $falsy ne '[]' : scalar @required;
		add("body $falsy", $route, $falsy, !$refused ? (status => $ok) : $route->{many} ? (loose => 1, refused => 1)
			: (status => 400, body => $route->{family} =~ /^(?:emails|list_query|token_repr)$/ && @required > 1 ? undef
				: refusal($route, $missing, $fields[2 * $required[0]])));
	}
	foreach my $truthy ('[1]', '[[]]', '"x"', '1', '-0.5', 'true', '[{}]')
	{
		next if $route->{many} && $truthy =~ /^\[/;
		add("body $truthy", $route, $truthy, $route->{many} ? (loose => 1, refused => 1)
			: (status => 400, body => refusal($route, 'Invalid input type.', '_schema')));
	}
	add("body $_->[0]", $route, $_->[1], status => 400, body => $unreadable)
		foreach ['missing', undef], ['empty', ''], ['of blanks', "  \n"], ['with a trailing comma', substr($fine, 0, -1) . ',' . substr($fine, -1)],
		['with something after it', "$fine x"], ['twice', "$fine$fine"], ['half', substr($fine, 0, -1)], ['in UTF-16', Encode::encode('UTF-16', $fine)],
		['with a NUL after it', "$fine\0"], ['as a Python literal', '{\'a\': None}'], ['in Latin-1', "{\"\xe9\": 1}"], ['with NUL in a key', '{"a\u0000": 1}'],
		['of a million brackets', '[' x 1000000];
	add("body with $_->[0]", $route, $_->[1], status => $ok)
		foreach ['a byte order mark', "\xef\xbb\xbf$fine"], ['blanks around it', " \r\n\t$fine\n "];
	add('form', {%$route, headers => [@{$route->{headers} // ['X-Auth-Token', $t->{admin_token}]}, 'Content-Type', $_]}, $fine, status => 400, body => $unreadable)
		foreach 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x';
	add("as $_", {%$route, headers => [@{$route->{headers} // ['X-Auth-Token', $t->{admin_token}]}, 'Content-Type', $_]}, $fine, status => $ok)
		foreach 'application/json', 'text/plain', 'application/xml; charset=latin1', '';
	foreach my $unknown ('unknown', '', 'tenant_uuid', 'read_only', 'system_managed', 'parent_uuid', 'é😀', 'x' x 5000, '__proto__')
	{
		next if $route->{strict} || grep { $_ eq $unknown } @fields;
		add("with the key $unknown", $route, $whole->(@base, substr(text($unknown), 1, -1) => $_), status => $ok) foreach '1', 'null', '[{"a": [1]}]';
	}
	add('an unknown key', $route, $whole->(@base, unknown => 1), loose => 1, refused => 1) if $route->{strict};
	add('a deep unknown key', $route, $whole->(@base, unknown => '[' x 10000 . ']' x 10000), loose => 1);
	# of two members with the same name the last one counts
	if (my ($name, $raw) = @base)
	{
		my $twice = sub { my $o = '{' . substr(members(@base), 1, -1) . ", \"$name\": $_[0]}"; return $route->{many} ? "[$o]" : $o; };
		add("$name twice", $route, $whole->($name => '{}', @base) =~ s/^(\[?\{)/$1"$name": {}, /r, status => $ok);
		add("$name twice, the last one wrong", $route, $twice->('{}'), status => 400);
	}
	return;
}

# ---- query strings ----
sub query_cases
{
	my ($path, $l) = @_;
	my $route = {name => "GET $path", family => 'list_query', resource => 'users'};
	my $q = sub {
		my ($name, $value, %expected) = @_;
		my $bytes = Encode::encode('UTF-8', $value);
		$bytes =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
		add("$name=$value", {%$route, query => "?$name=$bytes"}, undef, %expected);
	};
	my $bad = sub { my ($name, $value, $error) = @_; $q->($name, $value, status => 400, body => refusal($route, $error, $name)); };
	foreach my $name (qw(limit offset))
	{
		$q->($name, $_, status => 200) foreach 0, 1, 1000, '9223372036854775807', ' 1 ', '+1', '1_0', "\x{663}", '-0';
		$bad->($name, $_, range_error({min => 0})) foreach -1, '-9223372036854775808';
		$bad->($name, $_, type_error('integer')) foreach '', 'x', '1.0', '1e3', '0x1', 'é', '--1', 'null', $planes;
		$q->($name, $_, status => 400) foreach '9223372036854775808', '9' x 40, "1' OR true --";
	}
	my @order = @{$l->{order}};
	my %refused = map { ($_ => 1) } @{$l->{refused} // []};
	foreach my $order (@order)
	{
		$q->('order', $order, $refused{$order}
			? (status => 400, body => "{\"reason\": [\"Invalid sort column: $order\"], \"timestamp\": [T], \"status_code\": 400}") : (status => 200));
	}
	my $enum = sub { return array('Must be one of: ' . join(', ', @_) . '.', 'enum', '{"choices": [' . join(', ', map { "\"$_\"" } @_) . ']}'); };
	foreach my $value ('', 'x', 'password', uc($order[0] // 'x'), ' ' . ($order[0] // ''), "\n", $planes, '1', 'u.username; DROP TABLE wazo_auth.user')
	{
		$l->{any_order} ? $q->('order', $value, status => 400) : $bad->('order', $value, $enum->(@order));
	}
	$q->('direction', $_, status => 200) foreach 'asc', 'desc';
	$bad->('direction', $_, $enum->('asc', 'desc')) foreach '', 'ASC', 'Desc', 'x', ' asc', $planes;
	foreach my $name ('recurse', @{$l->{boolean} // []})
	{
		$q->($name, $json->decode($_), status => 200) foreach grep { /^"/ } @true, @false;
		$bad->($name, $json->decode($_), type_error('boolean')) foreach grep { /^"/ } @not_boolean;
	}
	# texts that a list takes as they are
	foreach my $name ('search', @{$l->{filters} // []})
	{
		$q->($name, $_, status => 200) foreach '', ' ', '  ', 'x', '%', '_', '\\', '\\\\', '%\\', 'a  b', '\\_\\', 'é', "\x{1f600}", $planes, "'", '"', '{}', '$1', '%s', '%1$s',
			$is{user}, uc $is{user}, "{$is{user}}", '00000000', "x\n", 'x' x 256, '%_' x 50, 'null', '[]', "a' OR 'a' = 'a";
	}
	$q->($_, 'x' x 1100, status => 400) foreach 'search', @{$l->{filters} // []};
	# texts that a list cannot read
	foreach my $name (@{$l->{unread} // []})
	{
		$q->($name, $_, loose => 1) foreach '', 'x', 'true', 'tr', ' T ', 'OFF', '2', 'now', 'infinity', '2026-01-01', '99999-99-99', "'", $planes, $is{user};
		$q->($name, 'zzz', status => 400);
	}
	if ($l->{uuids})
	{
		add("uuids, $_ of them", {%$route, query => '?' . join('&', ("uuids=$is{tenant}") x $_)}, undef,
			$_ > 25 ? (status => 400, body => refusal($route, length_error({max => 25}), 'uuids')) : (status => 200)) foreach 1, 2, 24, 25, 26, 40;
		$q->('uuids', $_, status => 200) foreach '', 'x', "$is{tenant},$is{top}", $planes;
	}
	$q->($_, 'x', status => 200) foreach 'unknown', 'Limit', 'limit[]', '';
	add('all wrong', {%$route, query => '?limit=x&offset=x&direction=x&recurse=x'}, undef, status => 400,
		contains => [map { "\"$_\": " } qw(limit offset direction recurse)]);
	add('repeated', {%$route, query => '?limit=1&limit=x'}, undef, status => 200);
	add('repeated, the first one wrong', {%$route, query => '?limit=x&limit=1'}, undef, status => 400);
	return;
}

# ---- what there is ----
my %routes = map { split /\t/ } split /\n/, $t->psql(<<'EOF');
SELECT r.method || ' ' || r.path || E'\t' || r.body_schema
FROM wazo_auth.route r
WHERE r.body_schema IS NOT NULL AND wazo_auth.plugin_enabled(r.plugin)
  -- forms: test/pgtap/saml.sql and saml_login.sql
  AND NOT 'form' = ANY (r.checks)
ORDER BY 1
EOF
foreach my $line (split /\n/, $t->psql(<<'EOF'))
SELECT r.method || ' ' || r.path || E'\t' || s.body_bytes || E'\t' || s.body_depth || E'\t' || s.body_values
FROM wazo_auth.route r JOIN wazo_auth.schema s ON s.name = r.body_schema
EOF
{
	my ($name, @limit) = split /\t/, $line;
	$body_limit{$name} = \@limit;
}
my %fields;
foreach my $line (split /\n/, $t->psql(q(SELECT f.schema || ' ' || f.name || ' ' || COALESCE(f.item_schema, '') FROM wazo_auth.schema_field f ORDER BY f.schema, f."position")))
{
	my ($schema, $name, $inner) = split / /, $line;
	push @{$fields{$schema}}, [$name, $inner];
}

sub names
{
	my ($schema) = @_;
	return join ' ', map { $_->[0] . ($_->[1] ? '(' . names($_->[1]) . ')' : '') } @{$fields{$schema}};
}

sub known
{
	my @f = @_;
	my @n;
	while (my ($name, $f) = splice @f, 0, 2)
	{
		push @n, $name . ($f->{fields} ? '(' . known(@{$f->{fields}}) . ')' : '');
	}
	return join ' ', @n;
}

foreach my $name (sort keys %routes)
{
	ok(exists $body{$name}, "the body of $name is known to this test") or next;
	is(names($routes{$name}), known(@{$body{$name}{fields}}), "... and all its fields, in this order");
	$body{$name}{name} = $name;
	body_cases($body{$name});
}
foreach my $line (split /\n/, $t->psql(<<'EOF'))
SELECT r.path || ' ' || r.query_schema FROM wazo_auth.route r
WHERE r.method = 'GET' AND r.query_schema IS NOT NULL AND wazo_auth.plugin_enabled(r.plugin)
  -- no lists: test/pgtap/saml_login.sql
  AND r.plugin <> 'saml' ORDER BY 1
EOF
{
	my ($path, $schema) = split / /, $line;
	ok(exists $list{$path}, "the query of GET $path is known to this test") or next;
	my $l = $list{$path};
	next if $l->{other};
	my @want = sort(qw(limit offset direction search recurse order), @{$l->{filters} // []}, @{$l->{boolean} // []}, @{$l->{unread} // []}, $l->{uuids} ? 'uuids' : ());
	is(join(' ', sort map { $_->[0] } @{$fields{$schema}}), "@want", '... and all its parameters');
	query_cases($path, $l);
}
cmp_ok(scalar @case, '>', 4000, 'there is something to ask: ' . @case . ' requests');

# ---- all of them in one session ----
{
	my $file = "$t->{dir}/cases";
	open(my $f, '>', $file) or die "$file: $!";
	my %escape = ("\\" => '\\\\', "\n" => '\n', "\r" => '\r', "\t" => '\t');
	foreach my $n (0 .. $#case)
	{
		my $c = $case[$n];
		my $bytes = $c->{bytes};
		utf8::encode($bytes) if defined $bytes && utf8::is_utf8($bytes);
		my $headers = '{' . join(',', map { '"' . (s/(["\\])/\\$1/gr) . '"' } @{$c->{headers}}) . '}';
		print $f join("\t", $n, map { defined $_ ? s/([\\\n\r\t])/$escape{$1}/gr : '\N' }
			$c->{method}, $c->{target}, $headers, defined $bytes ? '\\x' . unpack('H*', $bytes) : undef), "\n";
	}
	close $f;
	my $out = $t->psql(<<"EOF");
CREATE TEMP TABLE request (n integer PRIMARY KEY, method text, target text, headers text[], body bytea);
\\copy request FROM '$file'
CREATE TEMP TABLE answer (n integer PRIMARY KEY, status text, changed boolean, body text);
-- The state of all tables as one value; a function of its own text, so that it is planned once.
DO \$do\$
BEGIN
  EXECUTE 'CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN RETURN ' || (
    SELECT string_agg(format('COALESCE((SELECT md5(string_agg(t::text, '','' ORDER BY t::text)) FROM %s t), '''')', c.oid::regclass), ' || ' ORDER BY c.relname)
    FROM pg_class c
    WHERE c.relnamespace = 'wazo_auth'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition AND c.relname NOT IN ('route', 'schema', 'schema_field', 'access')) || '; END \$f\$';
END
\$do\$;
CREATE FUNCTION pg_temp.ask_all() RETURNS void LANGUAGE plpgsql AS \$f\$
DECLARE
  v_before text := pg_temp.state();
  v_request request;
  v_answer wazo_auth.http_response;
  v_changed boolean;
BEGIN
  FOR v_request IN SELECT * FROM request r ORDER BY r.n LOOP
    v_answer := NULL;
    BEGIN
      v_answer := wazo_auth.http(v_request.method, v_request.target, v_request.headers, v_request.body);
      v_changed := pg_temp.state() <> v_before;
      RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ001';
    EXCEPTION
      WHEN SQLSTATE 'ZZ001' THEN NULL;
      WHEN OTHERS THEN
        INSERT INTO answer VALUES (v_request.n, 'raised ' || SQLSTATE || ': ' || left(SQLERRM, 200), NULL, NULL);
        CONTINUE;
    END;
    INSERT INTO answer VALUES (v_request.n, v_answer.status, v_changed, encode(v_answer.body, 'base64'));
  END LOOP;
END
\$f\$;
SET client_min_messages = error;
SELECT pg_temp.ask_all();
SELECT n || E'\\t' || status || E'\\t' || COALESCE(changed::text, '') || E'\\t' || replace(COALESCE(body, ''), E'\\n', '') FROM answer ORDER BY n;
EOF
	foreach my $line (split /\n/, $out)
	{
		my ($n, $status, $changed, $body) = split /\t/, $line, 4;
		@{$case[$n]}{qw(got_status got_changed got_body)} = ($status, $changed, MIME::Base64::decode_base64($body)) if defined $body;
	}
}

# What is wrong with an answer; nothing is.
sub problem
{
	my ($c) = @_;
	my ($status, $body) = ($c->{got_status} // 'no answer', without_time($c->{got_body} // ''));
	return $status if $status !~ /^[234]\d\d$/;
	return 'not ASCII, or no final newline' if $body !~ /\A(?:[ -~]+\n)?\z/;
	return 'a change in spite of the error' if $status >= 400 && $c->{got_changed} ne 'false';
	return 'nothing changed' if $status < 300 && $c->{got_changed} ne 'true' && $c->{route} =~ m{^POST /0\.1/(?:users|groups|policies|tenants|token)$};
	return "accepted with $status" if $c->{refused} && $status < 400;
	return 'an error of no known form' if $status >= 400 && $body !~ /\A\{"(?:message|reason)": /;
	return if $c->{loose};
	return "status $status instead of $c->{status}" if $status != $c->{status};
	return "another body than $c->{answer}" if defined $c->{answer} && $body ne "$c->{answer}\n";
	if ($c->{shown})
	{
		my $answer = eval { JSON::decode_json($c->{got_body}) } // return 'no JSON';
		my $shown = $json->encode($c->{shown}->($answer));
		return "shows $shown" if $shown ne $json->encode($c->{stored});
	}
	foreach my $part (@{$c->{contains} // []})
	{
		return "lacks $part" if index($body, $part) < 0;
	}
	return;
}

my %count;
my $told = 0;
foreach my $c (@case)
{
	my $problem = problem($c);
	$count{$c->{route}}{all}++;
	next if !defined $problem;
	$count{$c->{route}}{bad}++;
	diag("$c->{route}: $c->{name}\n  " . substr($problem, 0, 400) . "\n  " . substr(without_time($c->{got_body} // ''), 0, 400)) if ++$told <= ($ENV{WAZO_AUTH_TOLD} // 40);
}
is($count{$_}{bad} // 0, 0, "$_: $count{$_}{all} requests answered as they should be") foreach sort keys %count;
done_testing;
