-- Which policies grant or refuse an access: for who_can().
CREATE INDEX policy_acl_idx ON wazo_auth.policy USING gin (acl);
COMMENT ON INDEX wazo_auth.policy_acl_idx IS 'Which policies grant an access';
CREATE INDEX policy_negative_idx ON wazo_auth.policy (uuid) WHERE wazo_auth.acl_has_negative(acl);
COMMENT ON INDEX wazo_auth.policy_negative_idx IS 'The policies that can refuse an access; few have a negative entry';
