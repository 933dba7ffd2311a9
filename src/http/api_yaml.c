/*
 * api_yaml.c
 *	  Keeps the description of the API, which takes long to make.
 *
 * Anybody may ask for it, so each backend makes it once and again only after a
 * change of the tables that it is made from; those have statement triggers that
 * say so.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/catalog.h"

PG_FUNCTION_INFO_V1(wazo_auth_cached_api_yaml);

static text *yaml = NULL;
static TableWatch yaml_watch;

static void
make_yaml(void)
{
	TableWatch	watch = catalog_watch(TABLE_BIT(T_ROUTE) | TABLE_BIT(T_REGISTRATION) | TABLE_BIT(T_SCHEMA) |
									  TABLE_BIT(T_SCHEMA_FIELD));
	text	   *made;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* Not the statement's snapshot: that may be older than the change we heard of. */
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute("SELECT wazo_auth.api_yaml()", true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "wazo_auth.api_yaml() failed");
	PopActiveSnapshot();
	made = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		elog(ERROR, "wazo_auth.api_yaml() returned null");
	yaml_watch = (TableWatch) {0};
	if (yaml)
		pfree(yaml);
	yaml = NULL;
	yaml = (text *) MemoryContextAlloc(TopMemoryContext, VARSIZE_ANY(made));
	memcpy(yaml, made, VARSIZE_ANY(made));
	yaml_watch = watch;
	SPI_finish();
}

/*
 * wazo_auth.cached_api_yaml() returns text
 *
 * The result of wazo_auth.api_yaml(), as of the last change of its sources that
 * this backend has heard of.
 */
Datum
wazo_auth_cached_api_yaml(PG_FUNCTION_ARGS)
{
	if (!table_watch_unchanged(&yaml_watch))
		make_yaml();
	PG_RETURN_TEXT_P(yaml);
}
