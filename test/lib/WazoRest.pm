# WazoRest: a real server with the extension, its first administrator, and the real front before it; for test/rest.
#
#   my $t = WazoRest->new;                           everything, once per file
#   my $r = $t->ask('GET', '/0.1/tokens', token => $token, tenant => $uuid);
#   is_answer($r, 404, '{"reason": ["No such token"], "timestamp": [T], "status_code": 404}');
#   my $token = $t->login('somebody', 'secret')->{token};
#   my $uuid = $t->psql('SELECT ...');
#
# Bodies are compared to the letter; only the time of an error is written as T.
#
# SPDX-License-Identifier: GPL-3.0-or-later
package WazoRest;

use strict;
use warnings;
use parent 'WazoFront';
use Encode ();
use Exporter ();
use JSON ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use WazoFront qw(wait_for);

our @EXPORT = qw(is_answer is_token_error is_api_error is_unauthorized without_time basic wait_for);
*import = \&Exporter::import;

# conf: further lines of postgresql.conf. front: options of the front.
sub new
{
	my ($class, %args) = @_;
	my $self = WazoFront::new($class, sql => '/dev/null', conf => <<"EOF" . ($args{conf} // ''));
shared_preload_libraries = 'wazo_auth'
wazo_auth.argon2_memory = 1024
wazo_auth.argon2_iterations = 1
wazo_auth.secret_key_file = 'secret.key'
wazo_auth.saml_timeout = '60s'
log_min_messages = warning
timezone = UTC
EOF
	$self->{front_role} = 'wazo_auth_front';
	$self->{admin} = 'wazo-auth-cli';
	$self->{password} = 'bootstrap-5ecret';
	$self->psql(<<"EOF");
SET client_min_messages = warning;
CREATE EXTENSION wazo_auth CASCADE;
ALTER ROLE wazo_auth_front LOGIN;
ALTER ROLE wazo_auth_service LOGIN;
ALTER ROLE wazo_auth_admin LOGIN;
SELECT wazo_auth.bootstrap('$self->{admin}', '$self->{password}');
EOF
	$self->start_front('--workers' => 1, @{$args{front} // []});
	$self->{top} = $self->psql('SELECT wazo_auth.top_tenant_uuid()');
	$self->{admin_token} = $self->login($self->{admin}, $self->{password})->{token};
	return $self;
}

# The key file has to be there before the first start, and nobody but the server's account may read it.
sub start_server
{
	my ($self) = @_;
	my $key = "$self->{dir}/pg/data/secret.key";
	if (!-e $key)
	{
		my $mask = umask 077;
		open(my $f, '>', $key) or die "$key: $!";
		print $f 'key1:', encode_base64(join('', map { chr int rand 256 } 1 .. 32), ''), "\n";
		close $f;
		umask $mask;
		chown((getpwnam($self->{user}))[2, 3], $key) if $self->{user};
	}
	$self->SUPER::start_server;
}

# Value of an Authorization header.
sub basic { return 'Basic ' . encode_base64(Encode::encode('UTF-8', $_[0]), ''); }

# One request. token, tenant, basic ("login:password"): headers; json: a structure; body: bytes; headers: further ones.
sub ask
{
	my ($self, $method, $target, %opt) = @_;
	my @headers = @{$opt{headers} // []};
	my $body = $opt{body};
	push @headers, "X-Auth-Token: $opt{token}" if defined $opt{token};
	push @headers, "Wazo-Tenant: $opt{tenant}" if defined $opt{tenant};
	push @headers, 'Authorization: ' . basic($opt{basic}) if defined $opt{basic};
	if (exists $opt{json})
	{
		push @headers, 'Content-Type: application/json';
		$body = JSON->new->utf8->allow_nonref->encode($opt{json});
	}
	my $r = $self->call($method, $target, headers => \@headers, (defined $body ? (body => $body) : ()))
		// {status => 0, body => '', headers => {}};
	$r->{json} = eval { JSON::decode_json($r->{body}) } if length $r->{body};
	return $r;
}

# A login that has to succeed: the data of the answer. Further arguments are the body's; with "headers" for headers.
sub login
{
	my ($self, $login, $password, %body) = @_;
	my $headers = delete $body{headers} // [];
	my $r = $self->ask('POST', '/0.1/token', basic => "$login:$password", json => \%body, headers => $headers);
	die "login of $login: $r->{status} $r->{body}" if $r->{status} != 200;
	return $r->{json}{data};
}

# Creates a tenant below another one; returns its uuid.
sub tenant
{
	my ($self, $parent, $name) = @_;
	return $self->psql("SELECT wazo_auth.create_tenant('$parent', '$name')");
}

# Creates a user with its password "secret" and a policy of its own; returns its uuid.
sub user
{
	my ($self, $tenant, $name, @acl) = @_;
	my $acl = join ',', map { "\"$_\"" } @acl;
	return $self->psql(<<"EOF");
WITH u AS MATERIALIZED (SELECT wazo_auth.create_user('$tenant', '$name', 'secret', authentication_method => 'native') AS uuid),
p AS MATERIALIZED (SELECT wazo_auth.create_policy('$tenant', 'policy of $name', '{$acl}') AS uuid),
a AS MATERIALIZED (SELECT wazo_auth.add_user_policy(u.uuid, p.uuid) FROM u, p)
SELECT u.uuid FROM u, a
EOF
}

# The body with the time of an error, whose value nobody knows, as T.
sub without_time
{
	my ($body) = @_;
	$body =~ s/"timestamp": \[\d{10}\.\d+\]/"timestamp": [T]/;
	$body =~ s/"timestamp": \d{10}\.\d+/"timestamp": T/;
	return $body;
}

# Status, type and the whole body with its final newline.
sub is_answer
{
	my ($r, $status, $body, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $type = $r->{headers}{'content-type'} // 'none';
	my $got = "$r->{status} $type\n" . without_time($r->{body});
	return is($got, "$status application/json\n" . (length $body ? "$body\n" : ''), $name);
}

# The short shape of errors.
sub is_token_error
{
	my ($r, $status, $reason, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $text = JSON->new->ascii->allow_nonref->encode($reason);
	return is_answer($r, $status, "{\"reason\": [$text], \"timestamp\": [T], \"status_code\": $status}", $name);
}

# The long shape of errors; details and message as JSON text.
sub is_api_error
{
	my ($r, $status, $message, $error_id, $details, $resource, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_answer($r, $status, "{\"message\": $message, \"error_id\": \"$error_id\", \"details\": $details, \"timestamp\": T"
		. (defined $resource ? ", \"resource\": \"$resource\"" : '') . '}', $name);
}

# 401 of a token route: without "tenant" the token was not found, else (null or a text) the access was missing.
sub is_unauthorized
{
	my ($r, $token, $access, $name, @tenant) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $details = "{\"invalid_token\": \"$token\", \"reason\": \""
		. (@tenant ? 'missing_permission_or_invalid_tenant' : 'not_found_or_expired')
		. "\", \"required_access\": \"$access\""
		. (@tenant ? ', "tenant_uuid": ' . (defined $tenant[0] ? "\"$tenant[0]\"" : 'null') : '') . '}';
	return is_api_error($r, 401, '"Unauthorized"', 'unauthorized', $details, undef, $name);
}

1;
