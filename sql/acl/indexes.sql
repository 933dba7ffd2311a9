-- Which policies grant an access: for who_can().
CREATE INDEX policy_acl_idx ON wazo_auth.policy USING gin (acl);
COMMENT ON INDEX wazo_auth.policy_acl_idx IS 'Which policies grant an access';
