/*
 * schema_registry.c
 *	  The declared shapes of requests, read once by each backend.
 *
 * The tables are read whole with the latest snapshot, since a transaction's
 * older one would leave its view behind in the cache.  Changes of rows send no
 * relcache invalidation by themselves; a statement trigger on both tables sends
 * it.
 *
 * A rule between fields is an SQL function that may run long enough for the
 * registry to be replaced under it, so users hold a reference.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "validate/schema_registry.h"

struct SchemaRegistry
{
	MemoryContext context;
	int			references;
	int			nschemas;
	int			max_schemas;
	SchemaSpec *schemas;		/* sorted by name */
};

/* One row, with the values of its columns by their number in the table. */
typedef struct Row
{
	Datum	   *values;
	bool	   *nulls;
} Row;

typedef void (*RowAction) (SchemaRegistry *registry, Row *row);

static SchemaRegistry *current = NULL;
static TableWatch current_watch;

PG_FUNCTION_INFO_V1(wazo_auth_in_extension_script);

static const char *const type_names[] = {
	"string", "integer", "boolean", "uuid", "email", "any", "list", "nested",
	"nested_list"
};
static const char *const family_names[] = {
	"first_error", "list_query", "emails", "reset", "field_name",
	"first_field", "token_repr"
};

/* Place of a word in a list; the tables' constraints know the same words. */
static int
find_word(const char *const *words, int count, char *word)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(words[i], word) == 0)
			return i;
	}
	elog(ERROR, "unknown word \"%s\" in a request schema", word);
}

static bool
is_null(const Row *row, ColumnId column)
{
	return row->nulls[catalog_column(column) - 1];
}

static Datum
value(const Row *row, ColumnId column)
{
	return row->values[catalog_column(column) - 1];
}

/* A text column as a string in the current context, or NULL. */
static char *
column_text(Row *row, ColumnId column)
{
	return is_null(row, column) ? NULL : TextDatumGetCString(value(row, column));
}

static void
column_choices(Row *row, ColumnId column, ValueRules *rules)
{
	Datum	   *elements;
	bool	   *nulls;

	if (is_null(row, column))
		return;
	rules->has_choices = true;
	deconstruct_array(DatumGetArrayTypePCopy(value(row, column)), TEXTOID, -1,
					  false, TYPALIGN_INT, &elements, &nulls, &rules->nchoices);
	rules->choices = palloc(Max(rules->nchoices, 1) * sizeof(char *));
	for (int i = 0; i < rules->nchoices; i++)
		rules->choices[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(elements[i]);
}

/* The rules whose columns start at "type", in the order of SCHEMA_FIELD_TYPE and the following. */
static void
column_rules(Row *row, ColumnId type, ValueRules *rules)
{
	ColumnId	min = type + (SCHEMA_FIELD_MIN - SCHEMA_FIELD_TYPE);
	ColumnId	max = type + (SCHEMA_FIELD_MAX - SCHEMA_FIELD_TYPE);
	ColumnId	max_bytes = type + (SCHEMA_FIELD_MAX_BYTES - SCHEMA_FIELD_TYPE);
	char	   *pattern = column_text(row, type + (SCHEMA_FIELD_PATTERN - SCHEMA_FIELD_TYPE));
	char	   *check = column_text(row, type + (SCHEMA_FIELD_CHECK_PATTERN - SCHEMA_FIELD_TYPE));

	rules->type = find_word(type_names, lengthof(type_names), column_text(row, type));
	rules->has_min = !is_null(row, min);
	if (rules->has_min)
		rules->min = DatumGetInt64(value(row, min));
	rules->has_max = !is_null(row, max);
	if (rules->has_max)
		rules->max = DatumGetInt64(value(row, max));
	if (!is_null(row, max_bytes))
		rules->max_bytes = DatumGetInt32(value(row, max_bytes));
	column_choices(row, type + (SCHEMA_FIELD_CHOICES - SCHEMA_FIELD_TYPE), rules);
	rules->pattern = pattern;
	if (check != NULL || pattern != NULL)
		rules->check_pattern = cstring_to_text(check ? check : pattern);
}

static void
add_schema(SchemaRegistry *registry, Row *row)
{
	SchemaSpec *schema;

	if (registry->nschemas == registry->max_schemas)
	{
		registry->max_schemas *= 2;
		registry->schemas = repalloc(registry->schemas,
									 registry->max_schemas * sizeof(SchemaSpec));
	}
	schema = &registry->schemas[registry->nschemas++];
	memset(schema, 0, sizeof(*schema));
	schema->name = column_text(row, SCHEMA_NAME);
	schema->family = find_word(family_names, lengthof(family_names),
							   column_text(row, SCHEMA_FAMILY));
	schema->resource = column_text(row, SCHEMA_RESOURCE);
	schema->error_id = column_text(row, SCHEMA_ERROR_ID);
	schema->many = !is_null(row, SCHEMA_MAX_ITEMS);
	if (schema->many)
		schema->max_items = DatumGetInt32(value(row, SCHEMA_MAX_ITEMS));
	schema->body_bytes = DatumGetInt32(value(row, SCHEMA_BODY_BYTES));
	schema->body_depth = DatumGetInt32(value(row, SCHEMA_BODY_DEPTH));
	schema->body_values = DatumGetInt32(value(row, SCHEMA_BODY_VALUES));
	schema->refuse_unknown = DatumGetBool(value(row, SCHEMA_REFUSE_UNKNOWN));
	schema->cross_check = column_text(row, SCHEMA_CROSS_CHECK);
	schema->max_fields = 8;
	schema->fields = palloc(schema->max_fields * sizeof(FieldSpec));
}

static int
compare_schemas(const void *a, const void *b)
{
	return strcmp(((const SchemaSpec *) a)->name, ((const SchemaSpec *) b)->name);
}

static int
compare_fields(const void *a, const void *b)
{
	return ((const FieldSpec *) a)->position - ((const FieldSpec *) b)->position;
}

static SchemaSpec *
find_schema(SchemaRegistry *registry, char *name)
{
	SchemaSpec	key = {.name = name};

	return bsearch(&key, registry->schemas, registry->nschemas,
				   sizeof(SchemaSpec), compare_schemas);
}

static void
add_field(SchemaRegistry *registry, Row *row)
{
	SchemaSpec *schema = find_schema(registry, column_text(row, SCHEMA_FIELD_SCHEMA));
	FieldSpec  *field;

	if (schema == NULL)			/* another snapshot's */
		return;
	if (schema->nfields == schema->max_fields)
	{
		schema->max_fields *= 2;
		schema->fields = repalloc(schema->fields,
								  schema->max_fields * sizeof(FieldSpec));
	}
	field = &schema->fields[schema->nfields++];
	memset(field, 0, sizeof(*field));
	field->position = DatumGetInt32(value(row, SCHEMA_FIELD_POSITION));
	field->name = column_text(row, SCHEMA_FIELD_NAME);
	field->name_len = strlen(field->name);
	field->required = DatumGetBool(value(row, SCHEMA_FIELD_REQUIRED));
	field->nullable = DatumGetBool(value(row, SCHEMA_FIELD_NULLABLE));
	if (!is_null(row, SCHEMA_FIELD_DEFAULT_VALUE))
		field->default_value = DatumGetJsonbPCopy(value(row, SCHEMA_FIELD_DEFAULT_VALUE));
	column_rules(row, SCHEMA_FIELD_TYPE, &field->own);
	if (field->own.type == FIELD_LIST)
		column_rules(row, SCHEMA_FIELD_ITEM_TYPE, &field->items);
	field->nested = column_text(row, SCHEMA_FIELD_ITEM_SCHEMA);
}

/* Calls action for every row of a table, in the registry's context. */
static void
scan_table(Relation rel, Snapshot snapshot, SchemaRegistry *registry,
		   RowAction action)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	Row			row = {
		palloc(desc->natts * sizeof(Datum)),
		palloc(desc->natts * sizeof(bool))
	};
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		MemoryContext old;

		heap_deform_tuple(tuple, desc, row.values, row.nulls);
		old = MemoryContextSwitchTo(registry->context);
		action(registry, &row);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
}

static SchemaRegistry *
load_registry(void)
{
	MemoryContext context;
	SchemaRegistry *registry;
	Relation	schemas = catalog_open(T_SCHEMA, AccessShareLock);
	Relation	fields = catalog_open(T_SCHEMA_FIELD, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	/* a child of a short-lived context until it is complete */
	context = AllocSetContextCreate(CurrentMemoryContext,
									"wazo_auth request schemas",
									ALLOCSET_DEFAULT_SIZES);
	registry = MemoryContextAllocZero(context, sizeof(SchemaRegistry));
	registry->context = context;
	registry->max_schemas = 64;
	registry->schemas = MemoryContextAlloc(context,
										   registry->max_schemas * sizeof(SchemaSpec));
	scan_table(schemas, snapshot, registry, add_schema);
	qsort(registry->schemas, registry->nschemas, sizeof(SchemaSpec),
		  compare_schemas);
	scan_table(fields, snapshot, registry, add_field);
	for (int i = 0; i < registry->nschemas; i++)
		qsort(registry->schemas[i].fields, registry->schemas[i].nfields,
			  sizeof(FieldSpec), compare_fields);

	UnregisterSnapshot(snapshot);
	table_close(fields, AccessShareLock);
	table_close(schemas, AccessShareLock);
	MemoryContextSetParent(context, CacheMemoryContext);
	return registry;
}

/*
 * Gives the registry of now, with a reference that the caller must give back
 * with schema_registry_release(), on errors too.  Errors: 42704 when the
 * extension is not in this database.
 */
SchemaRegistry *
schema_registry_acquire(void)
{
	if (!table_watch_unchanged(&current_watch))
	{
		TableWatch	watch = catalog_watch(TABLE_BIT(T_SCHEMA) | TABLE_BIT(T_SCHEMA_FIELD));
		SchemaRegistry *fresh = load_registry();

		fresh->references = 1;
		if (current != NULL)
			schema_registry_release(current);
		current = fresh;
		current_watch = watch;
	}
	current->references++;
	return current;
}

/* Gives a reference back. */
void
schema_registry_release(SchemaRegistry *registry)
{
	if (--registry->references == 0)
		MemoryContextDelete(registry->context);
}

/* The shape of that name.  Errors: 42704 when there is none. */
const SchemaSpec *
schema_registry_find(SchemaRegistry *registry, const char *name)
{
	SchemaSpec *schema = find_schema(registry, unconstify(char *, name));

	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("request schema \"%s\" does not exist", name),
				 errhint("Declare it with wazo_auth.declare_schema().")));
	return schema;
}

/* SQL: wazo_auth.in_extension_script() returns boolean */
Datum
wazo_auth_in_extension_script(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(creating_extension);
}
