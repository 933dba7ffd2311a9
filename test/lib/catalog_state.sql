-- All that the extension has made in this database, a line for each property of each object: what an upgraded database
-- and a fresh one must have in common. Lines: object, tab, property, tab, value.
WITH member AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'wazo_auth'
  WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
), relation AS MATERIALIZED (
  SELECT c.* FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), state (object, property, value) AS (
  -- every object, with its comment
  SELECT pg_describe_object(m.classid, m.objid, 0), 'comment', obj_description(m.objid, m.classid::regclass::name) FROM member m
  UNION ALL
  SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0), v.property, v.value
  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
  CROSS JOIN LATERAL (VALUES
    ('definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
      (SELECT (to_jsonb(a) - 'aggfnoid')::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END),
    ('support', p.prosupport::regproc::text), ('owner', p.proowner::regrole::text),
    ('rights', ARRAY(SELECT unnest(p.proacl)::text ORDER BY 1)::text)) v (property, value)
  UNION ALL
  SELECT format('%s %s', CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid::regclass), v.property, v.value
  FROM relation c
  CROSS JOIN LATERAL (VALUES
    ('kind', concat_ws(' ', c.relkind, c.relpersistence, c.reloftype, c.relrowsecurity, c.relreplident)),
    ('owner', c.relowner::regrole::text), ('options', ARRAY(SELECT unnest(c.reloptions) ORDER BY 1)::text),
    ('rights', ARRAY(SELECT unnest(c.relacl)::text ORDER BY 1)::text),
    ('view', CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END),
    ('sequence', (SELECT (to_jsonb(s) - 'seqrelid')::text FROM pg_sequence s WHERE s.seqrelid = c.oid)),
    ('dumped', (SELECT COALESCE(NULLIF(x.condition, ''), 'all') FROM pg_extension e,
      unnest(e.extconfig, e.extcondition) x (table_oid, condition) WHERE e.extname = 'wazo_auth' AND x.table_oid = c.oid))) v (property, value)
  UNION ALL
  -- columns in their order, whatever their numbers
  SELECT format('column %s.%s', c.oid::regclass, a.attname), v.property, v.value
  FROM (SELECT a.*, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
        FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped) a
  JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  CROSS JOIN LATERAL (VALUES
    ('place', a.place::text), ('type', format_type(a.atttypid, a.atttypmod)), ('collation', a.attcollation::regcollation::text),
    ('not null', a.attnotnull::text), ('default', pg_get_expr(d.adbin, d.adrelid)), ('generated', concat(a.attgenerated, a.attidentity)),
    ('storage', concat_ws(' ', a.attstorage, a.attstattarget)), ('rights', a.attacl::text),
    ('comment', col_description(a.attrelid, a.attnum))) v (property, value)
  WHERE c.oid IN (SELECT r.oid FROM relation r WHERE r.relkind <> 'S'
                  UNION SELECT t.typrelid FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid WHERE t.typtype = 'c')
  UNION ALL
  SELECT format('index %s', i.indexrelid::regclass), v.property, v.value
  FROM pg_index i JOIN relation r ON r.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
  CROSS JOIN LATERAL (VALUES ('definition', pg_get_indexdef(i.indexrelid)), ('valid', concat_ws(' ', i.indisvalid, i.indisready, i.indisclustered)),
    ('options', c.reloptions::text), ('comment', obj_description(i.indexrelid, 'pg_class'))) v (property, value)
  UNION ALL
  SELECT format('constraint %s on %s', c.conname, c.conrelid::regclass), v.property, v.value
  FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
  CROSS JOIN LATERAL (VALUES ('definition', pg_get_constraintdef(c.oid)), ('valid', c.convalidated::text),
    ('comment', obj_description(c.oid, 'pg_constraint'))) v (property, value)
  UNION ALL
  SELECT format('trigger %s on %s', t.tgname, t.tgrelid::regclass), v.property, v.value
  FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
  CROSS JOIN LATERAL (VALUES ('definition', pg_get_triggerdef(t.oid)), ('enabled', t.tgenabled::text),
    ('comment', obj_description(t.oid, 'pg_trigger'))) v (property, value)
  WHERE NOT t.tgisinternal
  UNION ALL
  SELECT format('type %s', t.oid::regtype), v.property, v.value
  FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
  CROSS JOIN LATERAL (VALUES
    ('labels', (SELECT string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)),
    ('rights', ARRAY(SELECT unnest(t.typacl)::text ORDER BY 1)::text),
    ('form', concat_ws(' ', t.typlen, t.typbyval, t.typtype, t.typcategory, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typanalyze,
      t.typalign, t.typstorage, t.typnotnull, t.typbasetype::regtype, t.typdefault))) v (property, value)
  UNION ALL
  SELECT pg_describe_object('pg_operator'::regclass, o.oid, 0), 'form', concat_ws(' ', o.oprcanmerge, o.oprcanhash, o.oprcom::regoperator,
    o.oprnegate::regoperator, o.oprcode, o.oprrest, o.oprjoin)
  FROM pg_operator o JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
  UNION ALL
  SELECT 'schema wazo_auth', 'rights', ARRAY(SELECT unnest(n.nspacl)::text ORDER BY 1)::text FROM pg_namespace n WHERE n.nspname = 'wazo_auth'
  UNION ALL
  SELECT format('roles in this database: %s', s.setrole::regrole), 'settings', s.setconfig::text
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
)
SELECT s.line
FROM (SELECT concat_ws(E'\t', object, property, replace(replace(COALESCE(value, '-'), E'\n', '\n'), E'\t', '\t')) AS line FROM state) s
ORDER BY s.line COLLATE "C";
