/*
 * pinned.c
 *	  Settings that a caller cannot change under us.
 *
 * The text of a function means something else, or its result looks otherwise,
 * where some settings differ; and some write what it works with into the
 * server's log.  Whoever calls may set most of them.  So http(), the workers
 * and what fills a cache set them here, and every function in SQL or PL/pgSQL
 * that others may execute does in its definition: sql/pins.sql puts the same
 * list there.  What only runs below them inherits it.
 *
 * Not here: TimeZone, in which times are shown as in all of PostgreSQL;
 * client_encoding, which counts only outside; what only a superuser can set and
 * must be free to (session_replication_role); what chooses plans only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/gin.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "base/pinned.h"

PG_FUNCTION_INFO_V1(wazo_auth_pinned_settings);

/*
 * Where the server has a variable, looking there costs nothing; the others are
 * asked for by name, and left alone while the library they belong to is not
 * loaded.
 */
typedef struct Pin
{
	const char *name;
	const char *value;
	const bool *flag;
	const int  *number;
	int			wanted;			/* in either */
} Pin;

static const Pin pin[] = {
	{"search_path", "pg_catalog, pg_temp"},

	/* how text is read */
	{"standard_conforming_strings", "on", .flag = &standard_conforming_strings, .wanted = true},
	{"backslash_quote", "safe_encoding", .number = &backslash_quote, .wanted = BACKSLASH_QUOTE_SAFE_ENCODING},
	{"array_nulls", "on", .flag = &Array_nulls, .wanted = true},
	{"transform_null_equals", "off", .flag = &Transform_null_equals, .wanted = false},
	{"plpgsql.variable_conflict", "error"},
	{"plpgsql.extra_errors", "none"},
	{"plpgsql.extra_warnings", "none"},

	/* how values are written */
	{"quote_all_identifiers", "off", .flag = &quote_all_identifiers, .wanted = false},
	{"bytea_output", "hex", .number = &bytea_output, .wanted = BYTEA_OUTPUT_HEX},
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres", .number = &IntervalStyle, .wanted = INTSTYLE_POSTGRES},
	{"extra_float_digits", "1", .number = &extra_float_digits, .wanted = 1},

	/* what an index finds */
	{"gin_fuzzy_search_limit", "0", .number = &GinFuzzySearchLimit, .wanted = 0},

	/* what reaches the log: a custom plan has the parameters in it */
	{"plan_cache_mode", "force_generic_plan", .number = &plan_cache_mode, .wanted = PLAN_CACHE_MODE_FORCE_GENERIC_PLAN},
	{"debug_print_parse", "off", .flag = &Debug_print_parse, .wanted = false},
	{"debug_print_rewritten", "off", .flag = &Debug_print_rewritten, .wanted = false},
	{"debug_print_plan", "off", .flag = &Debug_print_plan, .wanted = false},
	{"log_min_error_statement", "panic", .number = &log_min_error_statement, .wanted = PANIC},
	{"plpgsql.print_strict_params", "off"},
	{"auto_explain.log_nested_statements", "off"},
};

static bool
is_pinned(const Pin *p)
{
	const char *value;

	if (p->flag)
		return *p->flag == (bool) p->wanted;
	if (p->number)
		return *p->number == p->wanted;
	value = GetConfigOption(p->name, true, false);
	return value == NULL || strcmp(value, p->value) == 0;
}

/*
 * pin_settings
 *
 * Sets them until the caller's nest level of settings ends
 * (NewGUCNestLevel(), AtEOXact_GUC()).
 */
void
pin_settings(void)
{
	for (int i = 0; i < lengthof(pin); i++)
		if (!is_pinned(&pin[i]))
			(void) set_config_option(pin[i].name, pin[i].value, PGC_SUSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
}

/* Sets them for good: for background workers, whose database may have others. */
void
pin_settings_of_session(void)
{
	for (int i = 0; i < lengthof(pin); i++)
		if (!is_pinned(&pin[i]))
			SetConfigOption(pin[i].name, pin[i].value, PGC_SUSET, PGC_S_SESSION);
}

/* wazo_auth.pinned_settings() returns text[]: as in pg_proc.proconfig */
Datum
wazo_auth_pinned_settings(PG_FUNCTION_ARGS)
{
	Datum		item[lengthof(pin)];

	for (int i = 0; i < lengthof(pin); i++)
		item[i] = CStringGetTextDatum(psprintf("%s=%s", pin[i].name, pin[i].value));
	PG_RETURN_ARRAYTYPE_P(construct_array(item, lengthof(pin), TEXTOID, -1, false, TYPALIGN_INT));
}
