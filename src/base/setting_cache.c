/*
 * setting_cache.c
 *	  Settings, and the names of what is registered, kept by each backend until
 *	  one of them changes.
 *
 * Either is one jsonb object: all settings, defaults included, by their names;
 * and an array of names by their kind.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/kept_value.h"

PG_FUNCTION_INFO_V1(wazo_auth_get_setting);
PG_FUNCTION_INFO_V1(wazo_auth_registered);

static KeptValue settings = {
	.query = "SELECT wazo_auth.effective_settings()",
	.tables = TABLE_BIT(T_SETTING),
};

static KeptValue registrations = {
	.query = "SELECT wazo_auth.registered_names()",
	.tables = TABLE_BIT(T_REGISTRATION),
};

/* A member of the object that is kept, or null. */
static Datum
kept_member(FunctionCallInfo fcinfo, KeptValue *kept)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	Jsonb	   *object = DatumGetJsonbP(kept_value(kept, JSONBOID));
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&object->root, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &value) == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&value));
}

/*
 * wazo_auth.get_setting(name text) returns jsonb
 *
 * The value of a setting, or null.  Reading the settings takes the rights of
 * effective_settings(), answering from those that are kept does not: only the
 * owner may execute it (sql/grants.sql).
 */
Datum
wazo_auth_get_setting(PG_FUNCTION_ARGS)
{
	return kept_member(fcinfo, &settings);
}

/*
 * wazo_auth.registered(kind text) returns jsonb
 *
 * The names of what others have registered of a kind, an array, or null.  Only
 * the owner may execute it, as get_setting().
 */
Datum
wazo_auth_registered(PG_FUNCTION_ARGS)
{
	return kept_member(fcinfo, &registrations);
}
