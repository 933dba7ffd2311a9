-- Triggers that keep every backend's compiled copies of a table true; they
-- have no other effect, so a restore may fire them.
CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.route
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.route IS 'Makes all backends read the routes again';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.check
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.check IS 'Makes all backends read the routes again, with their checks';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.registration
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.registration IS
'Makes all backends read again what is registered: the routes, the identity providers';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.identity_provider
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.identity_provider IS
'Makes all backends read the identity providers again';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.setting
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.setting IS
'Makes all backends read the settings again, and the routes and identity providers, which they can turn off';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.schema
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.schema IS 'Makes all backends read the shapes of requests again';

CREATE OR REPLACE TRIGGER forget_cached AFTER INSERT OR UPDATE OR DELETE ON wazo_auth.schema_field
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_cached();
COMMENT ON TRIGGER forget_cached ON wazo_auth.schema_field IS 'Makes all backends read the shapes of requests again';

CREATE OR REPLACE TRIGGER forget_counts AFTER INSERT OR DELETE OR TRUNCATE ON wazo_auth.user
FOR EACH STATEMENT EXECUTE FUNCTION wazo_auth.forget_counts();
COMMENT ON TRIGGER forget_counts ON wazo_auth.user IS 'Makes all backends count the users of tenants anew';
