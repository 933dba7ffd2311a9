/*
 * schema_registry.c
 *	  The declared shapes of requests, read once by each backend.
 *
 * The tables are read whole with the latest snapshot, since a transaction's
 * older one would leave its view behind in the cache.  Changes of rows send no
 * relcache invalidation by themselves; a statement trigger on both tables sends
 * it, and it also arrives when the changing transaction rolls back.
 *
 * A rule between fields is an SQL function that may run long enough for the
 * registry to be replaced under it, so users hold a reference.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "validate/schema_registry.h"

/* columns of the two tables, in the order of sql/http/schema_tables.sql */
enum
{
	SCHEMA_NAME, SCHEMA_FAMILY, SCHEMA_RESOURCE, SCHEMA_ERROR_ID, SCHEMA_MANY,
	SCHEMA_REFUSE_UNKNOWN, SCHEMA_CROSS_CHECK, SCHEMA_SHIPPED
};
enum
{
	COL_SCHEMA, COL_POSITION, COL_NAME, COL_TYPE, COL_REQUIRED,
	COL_NULLABLE, COL_DEFAULT, COL_MIN, COL_MAX, COL_CHOICES, COL_PATTERN,
	COL_CHECK_PATTERN, COL_ITEM_TYPE, COL_ITEM_MIN, COL_ITEM_MAX,
	COL_ITEM_CHOICES, COL_ITEM_PATTERN, COL_ITEM_CHECK_PATTERN, COL_ITEM_SCHEMA
};

struct SchemaRegistry
{
	MemoryContext context;
	int			references;
	int			nschemas;
	int			max_schemas;
	SchemaSpec *schemas;		/* sorted by name */
};

/* One row, with the values of its columns. */
typedef struct Row
{
	Datum	   *values;
	bool	   *nulls;
} Row;

typedef void (*RowAction) (SchemaRegistry *registry, Row *row);

static SchemaRegistry *current = NULL;
static bool current_valid = false;
static Oid	schema_relid = InvalidOid;
static Oid	field_relid = InvalidOid;

PG_FUNCTION_INFO_V1(wazo_auth_schema_changed);
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

/* A text column as a string in the current context, or NULL. */
static char *
column_text(Row *row, int column)
{
	return row->nulls[column] ? NULL : TextDatumGetCString(row->values[column]);
}

static void
column_choices(Row *row, int column, ValueRules *rules)
{
	Datum	   *elements;
	bool	   *nulls;

	if (row->nulls[column])
		return;
	rules->has_choices = true;
	deconstruct_array(DatumGetArrayTypePCopy(row->values[column]), TEXTOID, -1,
					  false, TYPALIGN_INT, &elements, &nulls, &rules->nchoices);
	rules->choices = palloc(Max(rules->nchoices, 1) * sizeof(char *));
	for (int i = 0; i < rules->nchoices; i++)
		rules->choices[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(elements[i]);
}

/* The rules whose columns start at type_column; see the enum. */
static void
column_rules(Row *row, int type_column, int min_column, ValueRules *rules)
{
	char	   *pattern = column_text(row, min_column + 3);
	char	   *check = column_text(row, min_column + 4);

	rules->type = find_word(type_names, lengthof(type_names),
							column_text(row, type_column));
	rules->has_min = !row->nulls[min_column];
	if (rules->has_min)
		rules->min = DatumGetInt64(row->values[min_column]);
	rules->has_max = !row->nulls[min_column + 1];
	if (rules->has_max)
		rules->max = DatumGetInt64(row->values[min_column + 1]);
	column_choices(row, min_column + 2, rules);
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
	schema->many = DatumGetBool(row->values[SCHEMA_MANY]);
	schema->refuse_unknown = DatumGetBool(row->values[SCHEMA_REFUSE_UNKNOWN]);
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
	SchemaSpec *schema = find_schema(registry, column_text(row, COL_SCHEMA));
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
	field->position = DatumGetInt32(row->values[COL_POSITION]);
	field->name = column_text(row, COL_NAME);
	field->name_len = strlen(field->name);
	field->required = DatumGetBool(row->values[COL_REQUIRED]);
	field->nullable = DatumGetBool(row->values[COL_NULLABLE]);
	if (!row->nulls[COL_DEFAULT])
		field->default_value = DatumGetJsonbPCopy(row->values[COL_DEFAULT]);
	column_rules(row, COL_TYPE, COL_MIN, &field->own);
	if (field->own.type == FIELD_LIST)
		column_rules(row, COL_ITEM_TYPE, COL_ITEM_MIN, &field->items);
	field->nested = column_text(row, COL_ITEM_SCHEMA);
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
	Oid			namespace = get_namespace_oid("wazo_auth", false);
	MemoryContext context;
	SchemaRegistry *registry;
	Relation	schemas;
	Relation	fields;
	Snapshot	snapshot;

	schema_relid = get_relname_relid("schema", namespace);
	field_relid = get_relname_relid("schema_field", namespace);
	if (!OidIsValid(schema_relid) || !OidIsValid(field_relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the tables of request schemas are missing"),
				 errhint("Is the extension wazo_auth created in this database?")));
	schemas = table_open(schema_relid, AccessShareLock);
	fields = table_open(field_relid, AccessShareLock);

	/* from here on an invalidation tells of something the scan may miss */
	current_valid = true;
	snapshot = RegisterSnapshot(GetLatestSnapshot());

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
 * with schema_registry_release(), on errors too.  Errors: 42P01, 3F000 when
 * the extension is not in this database.
 */
SchemaRegistry *
schema_registry_acquire(void)
{
	if (!current_valid)
	{
		SchemaRegistry *fresh;

		PG_TRY();
		{
			fresh = load_registry();
		}
		PG_CATCH();
		{
			current_valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
		fresh->references = 1;
		if (current != NULL)
			schema_registry_release(current);
		current = fresh;
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

static void
on_relcache_change(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == schema_relid || relid == field_relid)
		current_valid = false;
}

/* Registers for changes of the tables; called from _PG_init. */
void
schema_registry_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

/* SQL: trigger wazo_auth.schema_changed() */
Datum
wazo_auth_schema_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wazo_auth.schema_changed() must be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/* SQL: wazo_auth.in_extension_script() returns boolean */
Datum
wazo_auth_in_extension_script(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(creating_extension);
}
