CREATE OR REPLACE VIEW wazo_auth.known_access AS
SELECT a.access, pg_catalog.min(a.description) AS description
FROM (
  SELECT k.access, k.description FROM wazo_auth.access k
  UNION ALL
  SELECT r.access, r.summary FROM wazo_auth.route r WHERE r.access IS NOT NULL
  UNION ALL
  SELECT g.options ->> 'access', g.options ->> 'summary' FROM wazo_auth.registration g
  WHERE g.kind = 'route' AND g.options ? 'access'
) a
GROUP BY a.access;
COMMENT ON VIEW wazo_auth.known_access IS
'Each access known to be asked for, with {name} for the parts that vary: those of the routes, of the daemons, and '
'what people registered in wazo_auth.access';
