-- Metadata by a function in Perl: initials made from the login. Needs the
-- extension plperl (Debian: postgresql-plperl-15).

CREATE EXTENSION IF NOT EXISTS plperl;
CREATE ROLE initials IN ROLE wazo_auth_plugin;
CREATE SCHEMA initials AUTHORIZATION initials;
SET ROLE initials;

CREATE FUNCTION initials.metadata(login text, user_uuid uuid, args jsonb) RETURNS jsonb
LANGUAGE plperl STABLE AS $$
  my ($login) = @_;
  my $initials = uc join '', map { substr $_, 0, 1 } grep { length } split /[^a-z]+/i, $login;
  return qq({"initials": "$initials"});
$$;

SELECT wazo_auth.register_metadata('initials', 'initials.metadata');
RESET ROLE;
SELECT wazo_auth.configure('{"purpose_metadata_mapping": {"user": ["initials"], "internal": [], "external_api": []}}');
