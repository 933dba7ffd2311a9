CREATE TABLE wazo_auth.check (
  name text COLLATE "C" PRIMARY KEY,
  function text COLLATE "C",
  statuses integer[] NOT NULL,
  description text NOT NULL,
  judges boolean NOT NULL DEFAULT false,
  shipped boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE wazo_auth.check IS
'What can stand before a handler: a new check is a row and a function, and a route names it';
COMMENT ON COLUMN wazo_auth.check.function IS
'schema.function of a function (wazo_auth.http_request), called with search_path and rights as handlers are, that '
'raises an error or returns; one that returns jsonb adds its object to params. Null for what wazo_auth.http() does '
'itself';
COMMENT ON COLUMN wazo_auth.check.statuses IS 'Statuses of the errors that it raises; for the API''s description';
COMMENT ON COLUMN wazo_auth.check.description IS 'What holds when it passes';
COMMENT ON COLUMN wazo_auth.check.judges IS
'It judges whether the caller may give or take the accesses that the request gives or takes';
COMMENT ON COLUMN wazo_auth.check.shipped IS 'Came with the extension, so a dump leaves it out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.check', 'WHERE NOT shipped');

CREATE TABLE wazo_auth.route (
  method text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  handler text COLLATE "C" NOT NULL,
  access text COLLATE "C",
  public boolean NOT NULL DEFAULT false,
  token_from text COLLATE "C" NOT NULL DEFAULT 'header',
  checks text[] COLLATE "C" NOT NULL DEFAULT '{}',
  query_schema text COLLATE "C",
  body_schema text COLLATE "C",
  plugin text COLLATE "C" NOT NULL,
  summary text COLLATE "C",
  success integer NOT NULL DEFAULT 200,
  errors integer[] NOT NULL DEFAULT '{}',
  changes_no_access text,
  shipped boolean NOT NULL DEFAULT false,
  -- A route of people stands beside the shipped one that it takes the place of,
  -- so that a dump with it can be restored, and an upgrade leaves it alone.
  PRIMARY KEY (path, method, shipped),
  CONSTRAINT route_method_check CHECK (method IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE')),
  CONSTRAINT route_path_check CHECK (path LIKE '/%' AND path NOT LIKE '%//%' AND path NOT LIKE '%/'),
  CONSTRAINT route_token_from_check CHECK (token_from IN ('header', 'query')),
  CONSTRAINT route_public_check CHECK (public = (access IS NULL))
);
COMMENT ON TABLE wazo_auth.route IS
'The REST API: what answers which request. A new route is a row and a function, served at once';
COMMENT ON COLUMN wazo_auth.route.path IS 'Template. {x_uuid} takes a UUID, any other {x} one non-empty segment';
COMMENT ON COLUMN wazo_auth.route.handler IS
'schema.function of a function (wazo_auth.http_request) returning wazo_auth.http_response; or a C function '
'(internal), for the token routes';
COMMENT ON COLUMN wazo_auth.route.access IS
'Access the caller''s token must grant, with {x} for path parameters; null: no token asked for';
COMMENT ON COLUMN wazo_auth.route.token_from IS
'header: X-Auth-Token, then Authorization: Bearer; query: ?token= first, then the headers';
COMMENT ON COLUMN wazo_auth.route.public IS
'It asks for no token: said on purpose, so that no route is open by an oversight';
COMMENT ON COLUMN wazo_auth.route.checks IS 'Rows of wazo_auth.check that happen before the handler, in this order';
COMMENT ON COLUMN wazo_auth.route.changes_no_access IS
'Why a route that is not GET or HEAD needs no check that judges what the caller gives or takes';
COMMENT ON COLUMN wazo_auth.route.plugin IS
'Name in the setting enabled_http_plugins; a disabled plugin''s routes answer 404';
COMMENT ON COLUMN wazo_auth.route.success IS 'Status of the answer when all is well; for the API''s description';
COMMENT ON COLUMN wazo_auth.route.errors IS
'Statuses of errors that the handler itself raises, beside those of the checks; for the API''s description';
COMMENT ON COLUMN wazo_auth.route.shipped IS
'Came with the extension, so a dump leaves it out; one that did not comes before it';

CREATE TYPE wazo_auth.http_request AS (
  method text,
  path text,
  params jsonb,
  query jsonb,
  headers text[],
  body jsonb,
  raw_body bytea,
  peer text,
  token_auth_id text,
  token_session_uuid uuid,
  token_metadata json,
  caller_tenant_uuid uuid,
  tenant_uuid uuid,
  access text
);
COMMENT ON TYPE wazo_auth.http_request IS
'What a handler gets: the request after routing and checks. tenant_uuid is the scoping tenant; body and query are '
'validated';

CREATE TYPE wazo_auth.http_response AS (
  status integer,
  headers text[],
  body bytea
);
COMMENT ON TYPE wazo_auth.http_response IS 'What a handler returns. headers: name, value, name, value';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.route', 'WHERE NOT shipped');

CREATE TABLE wazo_auth.counted (nothing boolean CHECK (false));
COMMENT ON TABLE wazo_auth.counted IS
'Has no rows: its invalidation tells all backends that what lists count came or went, see wazo_auth.forget_counts()';
COMMENT ON COLUMN wazo_auth.counted.nothing IS 'Keeps rows out';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.counted', '');
