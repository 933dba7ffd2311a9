-- Checks that wazo_auth.http() does itself.

SELECT wazo_auth.add_check('tenant', NULL, '{401,404}',
  'The caller''s user exists, and the header Wazo-Tenant names its tenant or one below: the scoping tenant from here '
  'on');
SELECT wazo_auth.add_check('top_tenant', NULL, '{401}', 'The caller is a user of the top tenant');
SELECT wazo_auth.add_check('query', NULL, '{400}', 'The query string has the shape query_schema, and is read by it');
SELECT wazo_auth.add_check('body', NULL, '{400}', 'The body has the shape body_schema, and is read by it');
SELECT wazo_auth.add_check('form', NULL, '{400}',
  'The body is a form, urlencoded or multipart, of the shape body_schema, and is read by it; files are texts');
SELECT wazo_auth.add_check('json', NULL, '{400}',
  'The body is a JSON document, no larger than the shape any_json takes it');

-- What a body without a shape may hold, of whatever members.
SELECT wazo_auth.declare_schema('any_json', 'first_error', NULL, '{}');
