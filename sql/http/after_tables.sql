CREATE TABLE wazo_auth.after_route (
  method text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  function text COLLATE "C" NOT NULL,
  statuses integer[],
  PRIMARY KEY (path, method)
);
COMMENT ON TABLE wazo_auth.after_route IS
'What is called once the answer of a route is known, see wazo_auth.add_after_route()';
COMMENT ON COLUMN wazo_auth.after_route.method IS 'Of wazo_auth.route';
COMMENT ON COLUMN wazo_auth.after_route.path IS 'Of wazo_auth.route';
COMMENT ON COLUMN wazo_auth.after_route.function IS
'schema.function of a function (wazo_auth.http_request, integer) returning void: the request, and the status of the '
'answer';
COMMENT ON COLUMN wazo_auth.after_route.statuses IS 'It is called after answers of these only; null: after any';

-- Not for dumps: all rows come with the extension.
