-- Declared shapes of request bodies and query strings. Rows come from
-- wazo_auth.declare_schema(); those that ship with the extension are written
-- anew by every upgrade and are not dumped.

CREATE TABLE wazo_auth.schema (
    name pg_catalog.text COLLATE "C" PRIMARY KEY,
    family pg_catalog.text NOT NULL
        CHECK (family IN ('first_error', 'list_query', 'emails', 'reset', 'field_name', 'first_field', 'token_repr')),
    resource pg_catalog.text,
    error_id pg_catalog.text NOT NULL,
    max_items pg_catalog.int4,
    refuse_unknown pg_catalog.bool NOT NULL DEFAULT false,
    cross_check pg_catalog.text,
    shipped pg_catalog.bool NOT NULL DEFAULT false,
    -- Generous for what is no list: what a client sends beside is dropped.
    body_bytes pg_catalog.int4 NOT NULL DEFAULT 65536,
    body_depth pg_catalog.int4 NOT NULL DEFAULT 16,
    body_values pg_catalog.int4 NOT NULL DEFAULT 4096
);
COMMENT ON TABLE wazo_auth.schema IS
'Shapes that requests are validated by, one row each; written by wazo_auth.declare_schema().';
COMMENT ON COLUMN wazo_auth.schema.name IS 'Name that handlers validate by.';
COMMENT ON COLUMN wazo_auth.schema.family IS
'How errors are reduced to an answer: first_error (the first one, with details), list_query and emails (the whole '
'error object as message), reset (the first message), field_name (the first field as message), first_field and '
'token_repr (short error form, with the first field or a Python-like text of all errors).';
COMMENT ON COLUMN wazo_auth.schema.resource IS 'Resource named by the error; NULL for none.';
COMMENT ON COLUMN wazo_auth.schema.error_id IS 'error_id of the error; has no part in first_field and token_repr.';
COMMENT ON COLUMN wazo_auth.schema.max_items IS
'The document is an array of at most so many such objects; NULL: it is one object.';
COMMENT ON COLUMN wazo_auth.schema.refuse_unknown IS
'Whether keys without a declaration are an error; else they are dropped.';
COMMENT ON COLUMN wazo_auth.schema.cross_check IS
'Qualified name of a function (jsonb) returns text[]: gets the cleaned object when no field is wrong, returns the '
'messages of rules between fields, or NULL.';
COMMENT ON COLUMN wazo_auth.schema.shipped IS 'Whether the row comes with an extension, and not from a person.';
COMMENT ON COLUMN wazo_auth.schema.body_bytes IS
'Most bytes of a body. What is larger, deeper or of more values is refused before it is parsed.';
COMMENT ON COLUMN wazo_auth.schema.body_depth IS 'Most arrays and objects in one another.';
COMMENT ON COLUMN wazo_auth.schema.body_values IS 'Most members and items in the whole document.';

CREATE TABLE wazo_auth.schema_field (
    schema pg_catalog.text COLLATE "C" NOT NULL REFERENCES wazo_auth.schema (name) ON UPDATE CASCADE ON DELETE CASCADE,
    "position" pg_catalog.int4 NOT NULL,
    name pg_catalog.text COLLATE "C" NOT NULL,
    type pg_catalog.text NOT NULL
        CHECK (type IN ('string', 'integer', 'boolean', 'uuid', 'email', 'any', 'list', 'nested', 'nested_list')),
    required pg_catalog.bool NOT NULL DEFAULT false,
    nullable pg_catalog.bool NOT NULL DEFAULT false,
    default_value pg_catalog.jsonb,
    min pg_catalog.int8,
    max pg_catalog.int8,
    choices pg_catalog.text[],
    pattern pg_catalog.text,
    check_pattern pg_catalog.text,
    item_type pg_catalog.text
        CHECK (item_type IN ('string', 'integer', 'boolean', 'uuid', 'email', 'any')),
    item_min pg_catalog.int8,
    item_max pg_catalog.int8,
    item_choices pg_catalog.text[],
    item_pattern pg_catalog.text,
    item_check_pattern pg_catalog.text,
    item_schema pg_catalog.text,
    max_bytes pg_catalog.int4,
    item_max_bytes pg_catalog.int4,
    filter pg_catalog.text,
    empty_filter pg_catalog.bool NOT NULL DEFAULT true,
    PRIMARY KEY (schema, name),
    CHECK ((type = 'list') = (item_type IS NOT NULL)),
    CHECK ((type IN ('nested', 'nested_list')) = (item_schema IS NOT NULL))
);
COMMENT ON TABLE wazo_auth.schema_field IS 'Fields of the shapes in wazo_auth.schema.';
COMMENT ON COLUMN wazo_auth.schema_field.schema IS 'The shape that the field belongs to.';
COMMENT ON COLUMN wazo_auth.schema_field."position" IS 'Order in which fields are checked and errors reported.';
COMMENT ON COLUMN wazo_auth.schema_field.name IS 'Key of the field.';
COMMENT ON COLUMN wazo_auth.schema_field.type IS 'What the value is read as.';
COMMENT ON COLUMN wazo_auth.schema_field.required IS 'Whether a missing key is an error.';
COMMENT ON COLUMN wazo_auth.schema_field.nullable IS 'Whether null is a value.';
COMMENT ON COLUMN wazo_auth.schema_field.default_value IS 'Value of a missing key; NULL: it stays missing.';
COMMENT ON COLUMN wazo_auth.schema_field.min IS 'Least length of a text (characters) or list, or least number.';
COMMENT ON COLUMN wazo_auth.schema_field.max IS 'Greatest length of a text (characters) or list, or greatest number.';
COMMENT ON COLUMN wazo_auth.schema_field.choices IS 'The only values of a text.';
COMMENT ON COLUMN wazo_auth.schema_field.pattern IS 'Regular expression that a text matches, as errors show it.';
COMMENT ON COLUMN wazo_auth.schema_field.check_pattern IS 'The same in PostgreSQL''s syntax; NULL: pattern is that.';
COMMENT ON COLUMN wazo_auth.schema_field.item_type IS 'What the items of a list are read as.';
COMMENT ON COLUMN wazo_auth.schema_field.item_min IS 'As min, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_max IS 'As max, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_choices IS 'As choices, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_pattern IS 'As pattern, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_check_pattern IS 'As check_pattern, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.item_schema IS
'Shape of the nested object, or of each object of a nested list.';
COMMENT ON COLUMN wazo_auth.schema_field.max_bytes IS
'Most bytes of a text in UTF-8, beside min and max, for what has its limit in bytes.';
COMMENT ON COLUMN wazo_auth.schema_field.item_max_bytes IS 'As max_bytes, for each item.';
COMMENT ON COLUMN wazo_auth.schema_field.filter IS
'Parameter of a list: condition in SQL that it stands for, {} being its value; empty: this list refuses it. Written '
'by wazo_auth.declare_list().';
COMMENT ON COLUMN wazo_auth.schema_field.empty_filter IS
'Whether the empty text is a value of the filter; else it is no filter at all.';

SELECT pg_catalog.pg_extension_config_dump('wazo_auth.schema', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('wazo_auth.schema_field',
    'WHERE schema IN (SELECT s.name FROM wazo_auth.schema AS s WHERE NOT s.shipped)');
