-- Checks about policies that a path names, and about what a caller may give to
-- others and take from them. A policy that is judged stays locked, so that it is
-- given or taken as it was judged.

CREATE OR REPLACE FUNCTION wazo_auth.check_policy_in_sight(request wazo_auth.http_request) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_uuid uuid;
BEGIN
  IF NOT request.params ? 'policy_slug' THEN
    v_uuid := (request.params ->> 'policy_uuid')::uuid;
    IF NOT wazo_auth.policy_in_sight(v_uuid, request.tenant_uuid) THEN
      PERFORM wazo_auth.raise_unknown_policy(v_uuid);
    END IF;
    RETURN NULL;
  END IF;
  v_uuid := wazo_auth.policy_of_slug(request.tenant_uuid, request.params ->> 'policy_slug');
  IF v_uuid IS NULL THEN
    PERFORM wazo_auth.raise_error(404, format('No such policy {''slug'': %s}',
      wazo_auth.python_repr(request.params ->> 'policy_slug')));
  END IF;
  RETURN jsonb_build_object('policy_uuid', v_uuid);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_policy_in_sight(wazo_auth.http_request) IS
'Raises WA404 when {policy_uuid} or {policy_slug} is not in sight from the scoping tenant; finds policy_uuid for a '
'slug.';
SELECT wazo_auth.add_check('policy', 'wazo_auth.check_policy_in_sight', '{404}',
  '{policy_uuid} or {policy_slug} is in sight from the scoping tenant');

CREATE OR REPLACE FUNCTION wazo_auth.judge_addition(request wazo_auth.http_request, entries text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refused text := wazo_auth.may_add(wazo_auth.caller_acl(), request.token_auth_id, request.token_session_uuid::text,
    entries);
BEGIN
  IF v_refused IS NOT NULL THEN
    PERFORM wazo_auth.raise_unauthorized(v_refused);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_addition(wazo_auth.http_request, text[]) IS
'Raises WA401 for the first of the entries that the caller may not give to others.';

CREATE OR REPLACE FUNCTION wazo_auth.judge_removal(request wazo_auth.http_request, entries text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refused text := wazo_auth.may_remove(wazo_auth.caller_acl(), request.token_auth_id,
    request.token_session_uuid::text, entries);
BEGIN
  IF v_refused IS NOT NULL THEN
    PERFORM wazo_auth.raise_unauthorized(v_refused);
  END IF;
END
$$;
COMMENT ON FUNCTION wazo_auth.judge_removal(wazo_auth.http_request, text[]) IS
'Raises WA401 for the first of the entries that the caller may not take from others.';

CREATE OR REPLACE FUNCTION wazo_auth.check_may_add_access(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, ARRAY[request.params ->> 'access']);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_access(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give {access}.';
SELECT wazo_auth.add_check('may_add_access', 'wazo_auth.check_may_add_access', '{401}',
  'The caller may give {access}', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_remove_access(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_removal(request, ARRAY[request.params ->> 'access']);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_access(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take {access}.';
SELECT wazo_auth.add_check('may_remove_access', 'wazo_auth.check_may_remove_access', '{401}',
  'The caller may take {access}', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.body_entries(request wazo_auth.http_request) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(SELECT e.value FROM jsonb_array_elements_text(request.body -> 'acl') WITH ORDINALITY e (value, place)
               ORDER BY e.place);
END
$$;
COMMENT ON FUNCTION wazo_auth.body_entries(wazo_auth.http_request) IS 'The entries of the member "acl" of the body.';

CREATE OR REPLACE FUNCTION wazo_auth.check_may_add_body(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, wazo_auth.body_entries(request));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_body(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the body.';
SELECT wazo_auth.add_check('may_add_body', 'wazo_auth.check_may_add_body', '{401}',
  'The caller may give the accesses in the body', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_add_policy(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_acl text[];
BEGIN
  SELECT p.acl::text[] INTO v_acl FROM wazo_auth.policy p WHERE p.uuid = (request.params ->> 'policy_uuid')::uuid
    FOR SHARE;
  PERFORM wazo_auth.judge_addition(request, v_acl);
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_policy(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the policy in the path.';
SELECT wazo_auth.add_check('may_add_policy', 'wazo_auth.check_may_add_policy', '{401}',
  'The caller may give the accesses of the policy in the path', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_remove_policy(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_removal(request, wazo_auth.entries_to_change((request.params ->> 'policy_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_policy(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the policy in the path.';
SELECT wazo_auth.add_check('may_remove_policy', 'wazo_auth.check_may_remove_policy', '{401}',
  'The caller may take the accesses of the policy in the path', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_remove_rest(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_acl text[] := wazo_auth.entries_to_change((request.params ->> 'policy_uuid')::uuid);
BEGIN
  PERFORM wazo_auth.judge_removal(request, ARRAY(
    SELECT e.entry FROM unnest(v_acl) WITH ORDINALITY e (entry, place)
    WHERE e.entry NOT IN (SELECT unnest(wazo_auth.body_entries(request))) ORDER BY e.place));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_rest(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the policy in the path that the body leaves out.';
SELECT wazo_auth.add_check('may_remove_rest', 'wazo_auth.check_may_remove_rest', '{401}',
  'The caller may take the accesses of the policy in the path that the body leaves out', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.group_entries(group_uuid uuid) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    WITH p AS (
      SELECT p.uuid, p.acl FROM wazo_auth.group_policy gp JOIN wazo_auth.policy p ON p.uuid = gp.policy_uuid
      WHERE gp.group_uuid = group_entries.group_uuid FOR SHARE)
    SELECT e.entry FROM p CROSS JOIN unnest(p.acl::text[]) WITH ORDINALITY e (entry, place) ORDER BY p.uuid, e.place);
END
$$;
COMMENT ON FUNCTION wazo_auth.group_entries(uuid) IS
'The entries of all policies of a group, which its members come by; policies and their places in the group stay '
'locked.';

CREATE OR REPLACE FUNCTION wazo_auth.check_may_add_group(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_addition(request, wazo_auth.group_entries((request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_add_group(wazo_auth.http_request) IS
'Raises WA401 when the caller may not give an access of the group in the path.';
SELECT wazo_auth.add_check('may_add_group', 'wazo_auth.check_may_add_group', '{401}',
  'The caller may give the accesses of the group in the path', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_remove_group(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM wazo_auth.judge_removal(request, wazo_auth.group_entries((request.params ->> 'group_uuid')::uuid));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_group(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access of the group in the path.';
SELECT wazo_auth.add_check('may_remove_group', 'wazo_auth.check_may_remove_group', '{401}',
  'The caller may take the accesses of the group in the path', judges => true);

CREATE OR REPLACE FUNCTION wazo_auth.check_may_remove_tenant(request wazo_auth.http_request) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_tenant uuid := (request.params ->> 'tenant_uuid')::uuid;
BEGIN
  -- Who is deleted with the tenant loses nothing to anybody; a policy of it that
  -- others have would be taken from them.
  PERFORM wazo_auth.judge_removal(request, ARRAY(
    WITH p AS (
      SELECT p.uuid, p.acl FROM wazo_auth.policy p
      WHERE p.tenant_uuid = v_tenant
        AND (EXISTS (SELECT FROM wazo_auth.user_policy up JOIN wazo_auth.user u ON u.uuid = up.user_uuid
                     WHERE up.policy_uuid = p.uuid AND u.tenant_uuid <> v_tenant)
             OR EXISTS (SELECT FROM wazo_auth.group_policy gp JOIN wazo_auth.group g ON g.uuid = gp.group_uuid
                        WHERE gp.policy_uuid = p.uuid AND g.tenant_uuid <> v_tenant))
      FOR SHARE OF p)
    SELECT e.entry FROM p CROSS JOIN unnest(p.acl::text[]) WITH ORDINALITY e (entry, place) ORDER BY p.uuid, e.place));
END
$$;
COMMENT ON FUNCTION wazo_auth.check_may_remove_tenant(wazo_auth.http_request) IS
'Raises WA401 when the caller may not take an access that users or groups of other tenants have by a policy of '
'{tenant_uuid}.';
SELECT wazo_auth.add_check('may_remove_tenant', 'wazo_auth.check_may_remove_tenant', '{401}',
  'The caller may take the accesses that others have by policies of {tenant_uuid}', judges => true);
