-- What kore_front/known_settings.inc is made of: one row a setting, from where all of them are declared
-- (sql/config/known_settings.sql). The front needs them to check a file while the database is away. After
-- a change: psql -XAtf tools/known_settings.sql >kore_front/known_settings.inc
SELECT string_agg(format('KNOWN("%s", %s, %s, %s, %s, %s, %s)', k.name, upper(k.type),
    CASE WHEN k.type IN ('integer', 'number') THEN COALESCE(k.minimum::text, 'NONE') ELSE 'NONE' END,
    CASE WHEN k.type IN ('integer', 'number') THEN COALESCE(k.maximum::text, 'NONE') ELSE 'NONE' END,
    k.secret, upper(k.read_by), COALESCE('"' || k.instead || '"', 'NULL')), E'\n' ORDER BY k.name)
FROM wazo_auth.known_setting k WHERE k.shipped
