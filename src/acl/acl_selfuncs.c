/*
 * acl_selfuncs.c
 *	  What the planner asks: how many ACLs grant an access, and whether an index
 *	  can find them.
 *
 * The statistics are the most common entries of the column (acl_analyze.c).
 * Each is matched against the wanted access; a row is taken to grant it when
 * it holds one of the positive entries that match and none of the negative
 * ones, as if entries were independent of each other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "access/htup_details.h"
#include "acl/acl_op.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type_d.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/* Nothing is known about the column, or about the access. */
#define DEFAULT_GRANTS_SEL	0.005

/* The column is known, and none of its common entries grants the access. */
#define RARE_GRANTS_SEL		0.0005

/* Accesses of the other side that a join estimate tries, at most. */
#define MAX_JOIN_SAMPLES	100

PG_FUNCTION_INFO_V1(wazo_auth_acl_sel);
PG_FUNCTION_INFO_V1(wazo_auth_acl_joinsel);
PG_FUNCTION_INFO_V1(wazo_auth_acl_grants_support);

typedef struct EntryStats
{
	AttStatsSlot slot;
	double		nullfrac;
} EntryStats;

static bool
get_entry_stats(VariableStatData *vardata, EntryStats *stats)
{
	if (!HeapTupleIsValid(vardata->statsTuple) || vardata->acl_ok == false ||
		!get_attstatsslot(&stats->slot, vardata->statsTuple,
						  STATISTIC_KIND_MCELEM, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return false;
	if (stats->slot.valuetype != TEXTOID ||
		stats->slot.nnumbers != stats->slot.nvalues + 2)
	{
		free_attstatsslot(&stats->slot);
		return false;
	}
	stats->nullfrac = ((Form_pg_statistic) GETSTRUCT(vardata->statsTuple))->stanullfrac;
	return true;
}

/* The share of rows whose ACL grants the access. */
static double
share_granting(const EntryStats *stats, AclAccess *access)
{
	double		none = 1.0;
	double		not_refused = 1.0;
	double		rare = RARE_GRANTS_SEL;

	for (int i = 0; i < stats->slot.nvalues; i++)
	{
		text	   *value = DatumGetTextPP(stats->slot.values[i]);
		const char *entry = VARDATA_ANY(value);
		size_t		len = VARSIZE_ANY_EXHDR(value);
		bool		negative = len > 0 && *entry == '!';

		if (acl_pattern_match(access, entry + negative, len - negative, 0))
		{
			if (negative)
				not_refused *= 1.0 - stats->slot.numbers[i];
			else
				none *= 1.0 - stats->slot.numbers[i];
		}
	}
	rare = Min(rare, stats->slot.numbers[stats->slot.nvalues] / 2);
	return (1.0 - none * (1.0 - rare)) * not_refused * (1.0 - stats->nullfrac);
}

static double
share_granting_text(const EntryStats *stats, const char *text, size_t len,
					const AclContext *ctx)
{
	AclAccess	access;
	double		share;

	acl_access_init(&access, text, len, ctx, &acl_backend_env);
	share = share_granting(stats, &access);
	acl_access_done(&access);
	return share;
}

/*
 * Restriction selectivity of @>, <@ and @@.
 */
Datum
wazo_auth_acl_sel(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			relid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	EntryStats	stats;
	Node	   *other;
	bool		on_left;
	double		sel = DEFAULT_GRANTS_SEL;

	if (!get_restriction_variable(root, args, relid, &vardata, &other, &on_left))
		PG_RETURN_FLOAT8(sel);
	if (IsA(other, Const) && ((Const *) other)->constisnull)
		sel = 0.0;
	else if (IsA(other, Const) && get_entry_stats(&vardata, &stats))
	{
		Const	   *wanted = (Const *) other;

		if (wanted->consttype == TEXTOID)
		{
			text	   *access = DatumGetTextPP(wanted->constvalue);

			sel = share_granting_text(&stats, VARDATA_ANY(access),
									  VARSIZE_ANY_EXHDR(access), NULL);
		}
		else if (wanted->consttype == TEXTARRAYOID)
		{
			AclRequest	request;

			acl_request_read(DatumGetArrayTypeP(wanted->constvalue), &request);
			if (request.access == NULL)
				sel = 1.0 - stats.nullfrac;
			else
				sel = share_granting_text(&stats, request.access, request.len,
										  &request.ctx);
		}
		free_attstatsslot(&stats.slot);
	}
	ReleaseVariableStats(vardata);
	CLAMP_PROBABILITY(sel);
	PG_RETURN_FLOAT8(sel);
}

/* Mean of share_granting over the accesses that statistics know of. */
static double
mean_share(VariableStatData *accesses, const EntryStats *stats)
{
	AttStatsSlot slot;
	double		sum = 0.0;
	double		weight = 0.0;

	if (!HeapTupleIsValid(accesses->statsTuple) || !accesses->acl_ok)
		return DEFAULT_GRANTS_SEL;
	if (get_attstatsslot(&slot, accesses->statsTuple, STATISTIC_KIND_MCV,
						 InvalidOid, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		for (int i = 0; i < Min(slot.nvalues, MAX_JOIN_SAMPLES) && slot.valuetype == TEXTOID; i++)
		{
			text	   *access = DatumGetTextPP(slot.values[i]);

			sum += slot.numbers[i] *
				share_granting_text(stats, VARDATA_ANY(access),
									VARSIZE_ANY_EXHDR(access), NULL);
			weight += slot.numbers[i];
		}
		free_attstatsslot(&slot);
	}
	if (weight < 1.0 &&
		get_attstatsslot(&slot, accesses->statsTuple, STATISTIC_KIND_HISTOGRAM,
						 InvalidOid, ATTSTATSSLOT_VALUES))
	{
		int			n = Min(slot.nvalues, MAX_JOIN_SAMPLES);
		double		each = (1.0 - weight) / n;

		for (int i = 0; i < n && slot.valuetype == TEXTOID; i++)
		{
			text	   *access = DatumGetTextPP(slot.values[i]);

			sum += each * share_granting_text(stats, VARDATA_ANY(access),
											  VARSIZE_ANY_EXHDR(access), NULL);
			weight += each;
		}
		free_attstatsslot(&slot);
	}
	return weight > 0.0 ? sum / weight : DEFAULT_GRANTS_SEL;
}

/*
 * Join selectivity of @>, <@ and @@: the mean over a sample of the accesses.
 * For @@ the other side is a request, of which no statistics tell anything.
 */
Datum
wazo_auth_acl_joinsel(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	SpecialJoinInfo *sjinfo = (SpecialJoinInfo *) PG_GETARG_POINTER(4);
	VariableStatData left;
	VariableStatData right;
	VariableStatData *acls;
	VariableStatData *accesses;
	EntryStats	stats;
	bool		reversed;
	double		sel = DEFAULT_GRANTS_SEL;

	get_join_variables(root, args, sjinfo, &left, &right, &reversed);
	acls = left.vartype == TEXTOID ? &right : &left;
	accesses = left.vartype == TEXTOID ? &left : &right;
	if (accesses->vartype == TEXTOID && get_entry_stats(acls, &stats))
	{
		sel = mean_share(accesses, &stats);
		free_attstatsslot(&stats.slot);
	}
	ReleaseVariableStats(left);
	ReleaseVariableStats(right);
	CLAMP_PROBABILITY(sel);
	PG_RETURN_FLOAT8(sel);
}

/* acl_grants(column, access, auth_id, session_id) as a share of rows. */
static double
grants_selectivity(PlannerInfo *root, List *args, int relid)
{
	VariableStatData vardata;
	EntryStats	stats;
	double		sel = DEFAULT_GRANTS_SEL;
	Node	   *parts[3];

	for (int i = 0; i < 3; i++)
		parts[i] = estimate_expression_value(root, list_nth(args, i + 1));
	examine_variable(root, linitial(args), relid, &vardata);
	if (vardata.rel != NULL && IsA(parts[0], Const))
	{
		Const	   *wanted = (Const *) parts[0];

		if (wanted->constisnull)
			sel = 1.0;
		else if (get_entry_stats(&vardata, &stats))
		{
			text	   *access = DatumGetTextPP(wanted->constvalue);
			text	   *ids[2] = {NULL, NULL};
			AclContext	ctx;

			/* an id that is not known yet is nobody's */
			for (int i = 0; i < 2; i++)
				if (IsA(parts[i + 1], Const) && !((Const *) parts[i + 1])->constisnull)
					ids[i] = DatumGetTextPP(((Const *) parts[i + 1])->constvalue);
			acl_context_set(&ctx, ids[0], ids[1]);
			sel = share_granting_text(&stats, VARDATA_ANY(access),
									  VARSIZE_ANY_EXHDR(access), &ctx);
			free_attstatsslot(&stats.slot);
		}
	}
	ReleaseVariableStats(vardata);
	CLAMP_PROBABILITY(sel);
	return sel;
}

/*
 * acl_grants(column, ...) as the index condition column @@ acl_request(...).
 * The two say the same, nulls included, so the condition is not lossy.
 */
static List *
grants_index_condition(SupportRequestIndexCondition *req)
{
	FuncExpr   *call;
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Oid			request_function;
	Oid			operator;
	Expr	   *request;
	ListCell   *lc;

	if (!is_funcclause(req->node) || req->indexarg != 0)
		return NIL;
	call = (FuncExpr *) req->node;
	if (list_length(call->args) != 4)
		return NIL;
	operator = get_opfamily_member(req->opfamily, exprType(linitial(call->args)),
								   TEXTARRAYOID, ACL_STRATEGY_REQUEST);
	if (!OidIsValid(operator) ||
		get_func_namespace(get_opcode(operator)) != get_func_namespace(req->funcid))
		return NIL;
	for_each_from(lc, call->args, 1)
	{
		if (!is_pseudo_constant_for_index(req->root, lfirst(lc), req->index))
			return NIL;
	}

	request_function =
		LookupFuncName(list_make2(makeString(get_namespace_name(get_func_namespace(req->funcid))),
								  makeString("acl_request")),
					   3, types, true);
	if (!OidIsValid(request_function))
		return NIL;
	request = (Expr *) makeFuncExpr(request_function, TEXTARRAYOID,
									list_copy_tail(call->args, 1),
									InvalidOid, InvalidOid,
									COERCE_EXPLICIT_CALL);
	/* constants are folded, so that the estimates see them */
	request = (Expr *) eval_const_expressions(req->root, (Node *) request);
	req->lossy = false;
	return list_make1(make_opclause(operator, BOOLOID, false,
									linitial(call->args), request,
									InvalidOid, InvalidOid));
}

/* Planner support function of acl_grants. */
Datum
wazo_auth_acl_grants_support(PG_FUNCTION_ARGS)
{
	Node	   *req = (Node *) PG_GETARG_POINTER(0);

	if (IsA(req, SupportRequestSelectivity))
	{
		SupportRequestSelectivity *ask = (SupportRequestSelectivity *) req;

		if (ask->is_join || list_length(ask->args) != 4)
			PG_RETURN_POINTER(NULL);
		ask->selectivity = grants_selectivity(ask->root, ask->args, ask->varRelid);
		PG_RETURN_POINTER(ask);
	}
	if (IsA(req, SupportRequestIndexCondition))
		PG_RETURN_POINTER(grants_index_condition((SupportRequestIndexCondition *) req));
	PG_RETURN_POINTER(NULL);
}
