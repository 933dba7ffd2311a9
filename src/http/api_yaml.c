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
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "http/api_yaml.h"
#include "base/catalog.h"

PG_FUNCTION_INFO_V1(wazo_auth_cached_api_yaml);

static text *yaml = NULL;
static bool yaml_stale = true;
static Oid	source[3];			/* tables: route, schema, schema_field */

static void
invalidate(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == source[0] || relid == source[1] || relid == source[2])
		yaml_stale = true;
}

/* Registers the invalidation callback; called once per backend. */
void
api_yaml_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

static void
make_yaml(void)
{
	Oid			schema = wazo_catalog()->schema;
	text	   *made;
	bool		isnull;

	source[0] = get_relname_relid("route", schema);
	source[1] = get_relname_relid("schema", schema);
	source[2] = get_relname_relid("schema_field", schema);
	/* A change that arrives while we read makes the result stale again. */
	yaml_stale = false;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute("SELECT wazo_auth.api_yaml()", true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "wazo_auth.api_yaml() failed");
	made = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		elog(ERROR, "wazo_auth.api_yaml() returned null");
	if (yaml)
		pfree(yaml);
	yaml = NULL;
	yaml = (text *) MemoryContextAlloc(TopMemoryContext, VARSIZE_ANY(made));
	memcpy(yaml, made, VARSIZE_ANY(made));
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
	if (yaml_stale || yaml == NULL)
	{
		/* Until it is made, an error must not leave the old one in place. */
		PG_TRY();
		{
			make_yaml();
		}
		PG_CATCH();
		{
			yaml_stale = true;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	PG_RETURN_TEXT_P(yaml);
}
