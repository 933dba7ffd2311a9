/*
 * row_insert.c
 *	  Inserts a row, without the executor.
 *
 * As INSERT does it, for the rows that every login writes: with defaults, NOT
 * NULL and CHECK constraints, indexes, foreign keys and whatever triggers there
 * are.  A statement reads its constraints from their text, compiles them and the
 * predicates of its indexes, and asks for each foreign key with a query of its
 * own, at every execution; here all that is kept until something is heard of the
 * table, and the row that a foreign key names is locked through its index.
 * Rights are not consulted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/row_insert.h"
#include "base/row_lock.h"

#define MAX_VALUES	16
#define MAX_PARENTS 8

/* A foreign key of one column. */
typedef struct Parent
{
	bool		known;			/* row_lock() can lock the row that it names */
	TableId		table;
	AttrNumber	column;			/* of the row that is inserted */
	Trigger    *check;			/* what would look for the row otherwise; in the inserter's own copy */
} Parent;

/* What is kept for a table, or for the part of it that rows go to. */
typedef struct Inserter
{
	MemoryContext context;
	TableWatch	watch;
	Oid			relid;
	EState	   *estate;
	ResultRelInfo *result;
	Oid		   *index;			/* the indexes of result, in its order */
	ExprState **otherwise;		/* defaults of the columns that get no value */
	AttrNumber	column[MAX_VALUES]; /* of each value */
	Parent		parent[MAX_PARENTS];
	int			nparents;
} Inserter;

static Inserter *kept[N_TABLES];

/* What stands for the part of a partitioned table among the tables that are watched. */
static TableId
part_of(TableId table)
{
	return table == T_AUDIT ? T_AUDIT_PART : table;
}

static Datum
value_of(Oid relid, AttrNumber column, const RowValue *value, int n)
{
	for (int i = 0; i < n; i++)
		if (get_attnum(relid, catalog_column_name(value[i].column)) == column)
			return value[i].value;
	elog(ERROR, "no value for the partition key");
}

/* The part of a table, partitioned by ranges of one column, that the row goes to. */
static Oid
find_part(Relation rel, const RowValue *value, int n)
{
	PartitionKey key = RelationGetPartitionKey(rel);
	PartitionDesc parts = RelationGetPartitionDesc(rel, true);
	Datum		range = value_of(RelationGetRelid(rel), key->partattrs[0], value, n);
	bool		is_equal;
	int			i = -1;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1)
		elog(ERROR, "table \"%s\" is not partitioned by ranges of one column", RelationGetRelationName(rel));
	if (parts->nparts > 0)
		i = parts->boundinfo->indexes[1 + partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
																		parts->boundinfo, 1, &range, &is_equal)];
	if (i < 0 && parts->nparts > 0)
		i = parts->boundinfo->default_index;
	if (i < 0)
		elog(ERROR, "no partition of table \"%s\" for the row", RelationGetRelationName(rel));
	return parts->oids[i];
}

/* The table that a foreign key names, among those that are known with such a key. */
static bool
find_parent(Oid relid, AttrNumber key, TableId *table)
{
	static const TableId parents[] = {T_TENANT, T_USER, T_ACL_SET, T_REFRESH_TOKEN};

	for (int i = 0; i < lengthof(parents); i++)
	{
		if (catalog_table(parents[i]) != relid)
			continue;
		*table = parents[i];
		return catalog_column(catalog_key(parents[i])) == key && OidIsValid(catalog_index(catalog_key(parents[i])));
	}
	return false;
}

/* The trigger that checks a foreign key when a row comes; NULL for none that does so at once. */
static Trigger *
find_check(TriggerDesc *triggers, Oid constraint)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgconstraint == constraint && TRIGGER_FOR_INSERT(trigger->tgtype) &&
			RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_FK &&
			trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN && !trigger->tgdeferrable)
			return trigger;
	}
	return NULL;
}

static void
find_parents(Inserter *inserter, Relation rel)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, lc);
		Trigger    *check = find_check(inserter->result->ri_TrigDesc, key->conoid);
		Parent	   *parent = &inserter->parent[inserter->nparents];

		if (inserter->nparents == MAX_PARENTS || check == NULL || key->nkeys != 1)
			continue;
		parent->known = get_atttype(RelationGetRelid(rel), key->conkey[0]) == UUIDOID &&
			find_parent(key->confrelid, key->confkey[0], &parent->table);
		parent->column = key->conkey[0];
		parent->check = check;
		inserter->nparents++;
	}
}

static bool
gets_value(const Inserter *inserter, int n, AttrNumber column)
{
	for (int i = 0; i < n; i++)
		if (inserter->column[i] == column)
			return true;
	return false;
}

static void
find_columns(Inserter *inserter, Relation rel, const RowValue *value, int n)
{
	TupleDesc	desc = RelationGetDescr(rel);

	Assert(n <= MAX_VALUES);
	for (int i = 0; i < n; i++)
	{
		inserter->column[i] = get_attnum(RelationGetRelid(rel), catalog_column_name(value[i].column));
		if (inserter->column[i] == InvalidAttrNumber)
			elog(ERROR, "table \"%s\" has no column \"%s\"",
				 RelationGetRelationName(rel), catalog_column_name(value[i].column));
	}
	inserter->otherwise = palloc0(desc->natts * sizeof(ExprState *));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node	   *otherwise = NULL;

		if (!column->attisdropped && !column->attgenerated && !gets_value(inserter, n, i + 1))
			otherwise = build_column_default(rel, i + 1);
		if (otherwise)
			inserter->otherwise[i] = ExecPrepareExpr((Expr *) otherwise, inserter->estate);
	}
}

static Inserter *
make_inserter(Relation rel, TableWatch watch, const RowValue *value, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "wazo_auth inserter", ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	Inserter   *inserter = palloc0(sizeof(Inserter));
	ResultRelInfo *result = makeNode(ResultRelInfo);

	inserter->context = context;
	inserter->watch = watch;
	inserter->relid = RelationGetRelid(rel);
	inserter->result = result;
	inserter->estate = CreateExecutorState();
	MemoryContextSwitchTo(inserter->estate->es_query_cxt);
	InitResultRelInfo(result, rel, 0, NULL, 0);
	inserter->estate->es_opened_result_relations = list_make1(result);
	ExecOpenIndices(result, false);
	inserter->index = palloc(Max(result->ri_NumIndices, 1) * sizeof(Oid));
	for (int i = 0; i < result->ri_NumIndices; i++)
		inserter->index[i] = RelationGetRelid(result->ri_IndexRelationDescs[i]);
	find_columns(inserter, rel, value, n);
	find_parents(inserter, rel);
	MemoryContextSwitchTo(old_context);
	return inserter;
}

/*
 * The inserter of a table that is open, which is the caller's until keep():
 * below its memory context, so that nothing is left of it after an error.
 */
static Inserter *
take(TableId table, Relation rel, const RowValue *value, int n)
{
	Inserter   *inserter = kept[table];
	TableWatch	watch;

	kept[table] = NULL;
	if (inserter)
		MemoryContextSetParent(inserter->context, CurrentMemoryContext);
	if (inserter && inserter->relid == RelationGetRelid(rel) && table_watch_unchanged(&inserter->watch))
	{
		inserter->result->ri_RelationDesc = rel;
		for (int i = 0; i < inserter->result->ri_NumIndices; i++)
			inserter->result->ri_IndexRelationDescs[i] = index_open(inserter->index[i], RowExclusiveLock);
		return inserter;
	}
	if (inserter)
		MemoryContextDelete(inserter->context);
	table_watch_place(part_of(table), RelationGetRelid(rel));
	watch = table_watch_begin(TABLE_BIT(table) | TABLE_BIT(part_of(table)) | TABLE_BIT(T_TENANT) | TABLE_BIT(T_USER) |
							  TABLE_BIT(T_ACL_SET) | TABLE_BIT(T_REFRESH_TOKEN));
	return make_inserter(rel, watch, value, n);
}

static void
keep(TableId table, Inserter *inserter)
{
	ExecCloseIndices(inserter->result);
	ResetPerTupleExprContext(inserter->estate);
	/* what triggers were shown belongs to the transaction */
	ExecResetTupleTable(inserter->estate->es_tupleTable, true);
	inserter->estate->es_tupleTable = NIL;
	inserter->result->ri_TrigOldSlot = inserter->result->ri_TrigNewSlot = NULL;
	/* their functions were looked up in the memory of this call */
	if (inserter->result->ri_TrigDesc)
		memset(inserter->result->ri_TrigFunctions, 0, inserter->result->ri_TrigDesc->numtriggers * sizeof(FmgrInfo));
	if (kept[table] != NULL)	/* a trigger has come by */
		MemoryContextDelete(kept[table]->context);
	MemoryContextSetParent(inserter->context, CacheMemoryContext);
	kept[table] = inserter;
}

static void
fill_slot(Inserter *inserter, TupleTableSlot * slot, const RowValue *value, int n)
{
	ExprContext *context = GetPerTupleExprContext(inserter->estate);

	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_isnull[i] = true;
		slot->tts_values[i] = (Datum) 0;
		if (inserter->otherwise[i])
			slot->tts_values[i] = ExecEvalExprSwitchContext(inserter->otherwise[i], context, &slot->tts_isnull[i]);
	}
	for (int i = 0; i < n; i++)
	{
		slot->tts_isnull[inserter->column[i] - 1] = value[i].isnull;
		slot->tts_values[inserter->column[i] - 1] = value[i].value;
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Locks the rows that the foreign keys name, as their triggers would, which have
 * nothing to do with a null either.  Where there is no row, the trigger is left
 * to say so.
 */
static void
lock_parents(Inserter *inserter, TupleTableSlot * slot)
{
	for (int i = 0; i < inserter->nparents; i++)
	{
		Parent	   *parent = &inserter->parent[i];
		bool		isnull;
		Datum		key = slot_getattr(slot, parent->column, &isnull);
		bool		found = isnull;

		if (!isnull && parent->known)
		{
			RowLock		row;

			found = row_lock(&row, parent->table, DatumGetUUIDP(key), LockTupleKeyShare);
			row_lock_close(&row);
		}
		parent->check->tgenabled = found ? TRIGGER_DISABLED : TRIGGER_FIRES_ON_ORIGIN;
	}
}

/* Stores the row of the slot; false when a trigger does not want it. */
static bool
store(Inserter *inserter, TupleTableSlot * slot, TransitionCaptureState *capture)
{
	ResultRelInfo *result = inserter->result;
	EState	   *estate = inserter->estate;
	Relation	rel = result->ri_RelationDesc;
	bool		has_before = result->ri_TrigDesc && result->ri_TrigDesc->trig_insert_before_row;
	List	   *recheck = NIL;

	if (has_before && !ExecBRInsertTriggers(estate, result, slot))
		return false;
	if (rel->rd_att->constr && rel->rd_att->constr->has_generated_stored)
		ExecComputeStoredGenerated(result, estate, slot, CMD_INSERT);
	if (rel->rd_att->constr)
		ExecConstraints(result, slot, estate);
	if (has_before && rel->rd_rel->relispartition)
		ExecPartitionCheck(result, slot, estate, true);
	lock_parents(inserter, slot);
	simple_table_tuple_insert(rel, slot);
	if (result->ri_NumIndices > 0)
		recheck = insert_index_tuples(result, slot, estate);
	ExecARInsertTriggers(estate, result, slot, recheck, capture);
	list_free(recheck);
	return true;
}

/* Inserts into a table that is no partitioned one; 0 when a trigger does not want the row. */
static Datum
insert_into(TableId table, Relation rel, const RowValue *value, int n)
{
	Inserter   *inserter = take(table, rel, value, n);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TransitionCaptureState *capture;
	Datum		row = (Datum) 0;

	inserter->estate->es_output_cid = GetCurrentCommandId(true);
	AfterTriggerBeginQuery();
	capture = MakeTransitionCaptureState(inserter->result->ri_TrigDesc, RelationGetRelid(rel), CMD_INSERT);
	ExecBSInsertTriggers(inserter->estate, inserter->result);
	fill_slot(inserter, slot, value, n);
	if (store(inserter, slot, capture))
		row = ExecFetchSlotHeapTupleDatum(slot);
	ExecASInsertTriggers(inserter->estate, inserter->result, capture);
	AfterTriggerEndQuery(inserter->estate);
	ExecDropSingleTupleTableSlot(slot);
	keep(table, inserter);
	return row;
}

/*
 * row_insert
 *
 * Inserts a row of these values, and of the defaults of the other columns; the
 * same columns at each call for a table.  Among those of a partitioned table is
 * that of its partition key, and of its triggers only those of its parts are
 * fired.  What follows sees the row.  Returns it as a value of the type of the
 * table, or of the part that it went to, in the current memory context; 0 when
 * a trigger did not want it.  Raises what INSERT would, and 42704 when the table
 * is not there.
 */
Datum
row_insert(TableId table, const RowValue *value, int n)
{
	Relation	rel;
	Datum		row;

	PreventCommandIfReadOnly("INSERT");
	PreventCommandDuringRecovery("INSERT");
	PreventCommandIfParallelMode("INSERT");
	rel = catalog_open(table, RowExclusiveLock);
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		Relation	part = table_open(find_part(rel, value, n), RowExclusiveLock);

		row = insert_into(table, part, value, n);
		table_close(part, NoLock);
	}
	else
		row = insert_into(table, rel, value, n);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return row;
}
