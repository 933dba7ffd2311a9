/*
 * extension.c
 *	  Where the extension is, and whose.
 *
 * Both come from pg_extension and not from a schema of our name: somebody may
 * have made another one after ours was renamed, and the schema's owner need not
 * be the one whose functions these are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/extension.h"

#define EXTENSION_NAME "wazo_auth"

/* Finds the row of the extension; false when there is none. */
static bool
find_extension(FormData_pg_extension *found)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		memcpy(found, GETSTRUCT(tuple), offsetof(FormData_pg_extension, extrelocatable));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * extension_place
 *
 * The schema of the extension and the role that owns it.  Raises 42704
 * (undefined_object) when the database does not have it, 3F000
 * (invalid_schema_name) when its schema was renamed: the functions name it.
 */
void
extension_place(Oid *schema, Oid *owner)
{
	FormData_pg_extension extension;
	char	   *name;

	if (!find_extension(&extension))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the extension wazo_auth does not exist in this database"),
				 errhint("Run CREATE EXTENSION wazo_auth.")));
	name = get_namespace_name(extension.extnamespace);
	if (name == NULL || strcmp(name, EXTENSION_NAME) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("the schema of wazo_auth was renamed to \"%s\"", name ? name : "?"),
				 errdetail("The functions of the extension name it."),
				 errhint("Run ALTER SCHEMA %s RENAME TO wazo_auth.", quote_identifier(name ? name : "?"))));
	*schema = extension.extnamespace;
	*owner = extension.extowner;
}

/*
 * extension_usable
 *
 * The OID of the extension, or InvalidOid when it is not there or its schema
 * was renamed: another schema may have the name by now.
 */
Oid
extension_usable(void)
{
	FormData_pg_extension extension;
	char	   *name;

	if (!find_extension(&extension))
		return InvalidOid;
	name = get_namespace_name(extension.extnamespace);
	return name && strcmp(name, EXTENSION_NAME) == 0 ? extension.oid : InvalidOid;
}
