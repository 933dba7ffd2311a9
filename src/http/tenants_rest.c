/*
 * tenants_rest.c
 *	  The quick form of GET /tenants: a caller's own tree.
 *
 * Daemons ask for it with each request that they serve, so it has a C function
 * as the token's routes have.  It answers what is asked for most, the few
 * tenants that a caller sees, without a filter; whatever else comes is left to
 * the handler of the same name, which knows all of it (sql/tenants/rest.sql).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/json_text.h"
#include "base/row_by_key.h"
#include "crypto/secret.h"
#include "http/http_access.h"
#include "http/http_call.h"
#include "sessions/tenant_tree.h"

/* Most tenants of an answer: no more than others on the same lane can wait for. */
#define MOST_TENANTS	32

PG_FUNCTION_INFO_V1(wazo_auth_rest_tenants_get);

typedef struct Tenant
{
	pg_uuid_t	uuid;
	pg_uuid_t	parent;			/* of the top tenant itself */
	text	   *name;			/* or NULL */
	text	   *slug;
	text	   *phone;			/* or NULL */
	text	   *method;
} Tenant;

typedef struct Tenants
{
	int			n;
	Tenant		tenant[MOST_TENANTS];
} Tenants;

/* A text column, copied; NULL where it is null. */
static text *
text_or_null(const RowByKey *row, ColumnId column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static bool
add_tenant(const RowByKey *row, void *arg)
{
	Tenants    *tenants = arg;
	bool		isnull;
	ArrayType  *path;
	const pg_uuid_t *uuid;
	int			n;
	Tenant	   *tenant;

	if (tenants->n == MOST_TENANTS)
		return false;
	path = DatumGetArrayTypeP(row_get(row, TENANT_PATH, &isnull));
	uuid = (const pg_uuid_t *) ARR_DATA_PTR(path);
	n = ArrayGetNItems(ARR_NDIM(path), ARR_DIMS(path));
	tenant = &tenants->tenant[tenants->n++];
	tenant->uuid = uuid[n - 1];
	tenant->parent = uuid[n > 1 ? n - 2 : 0];
	tenant->name = text_or_null(row, TENANT_NAME);
	tenant->slug = text_or_null(row, TENANT_SLUG);
	tenant->phone = text_or_null(row, TENANT_PHONE);
	tenant->method = text_or_null(row, TENANT_DEFAULT_AUTHENTICATION_METHOD);
	return true;
}

/* As the collation "C" has it. */
static int
compare_texts(const text *a, const text *b)
{
	int			len = Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b));
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), len);

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

/* By their names, those without at the end, and by their uuids. */
static int
compare_tenants(const void *a, const void *b)
{
	const Tenant *x = a;
	const Tenant *y = b;
	int			order;

	if (x->name == NULL || y->name == NULL)
		order = (x->name == NULL) - (y->name == NULL);
	else
		order = compare_texts(x->name, y->name);
	return order != 0 ? order : memcmp(&x->uuid, &y->uuid, UUID_LEN);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return compare_texts(lfirst(a), lfirst(b));
}

static void
append_text(StringInfo out, const char *before, const text *value)
{
	appendStringInfoString(out, before);
	if (value != NULL)
		json_append_string(out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	else
		appendBinaryStringInfo(out, "null", 4);
}

static void
append_uuid(StringInfo out, const char *before, const pg_uuid_t *value)
{
	char		text[UUID_TEXT_LEN + 1];

	format_uuid(value, text);
	appendStringInfoString(out, before);
	appendStringInfoChar(out, '"');
	appendBinaryStringInfo(out, text, UUID_TEXT_LEN);
	appendStringInfoChar(out, '"');
}

static void
append_contact(StringInfo out, const pg_uuid_t *tenant)
{
	pg_uuid_t	contact;

	if (row_uuid_of(T_TENANT_CONTACT, tenant, TENANT_CONTACT_USER_UUID, &contact))
		append_uuid(out, ", \"contact\": ", &contact);
	else
		append_text(out, ", \"contact\": ", NULL);
}

static void
append_domain_names(StringInfo out, const pg_uuid_t *tenant)
{
	List	   *names = NIL;
	ListCell   *lc;
	RowByKey	row;

	for (bool found = rows_open(&row, TENANT_DOMAIN_TENANT_UUID, tenant); found; found = row_next(&row))
		names = lappend(names, row_get_text(&row, TENANT_DOMAIN_NAME));
	row_close(&row);
	list_sort(names, compare_names);
	appendStringInfoString(out, ", \"domain_names\": [");
	foreach(lc, names)
		append_text(out, lc == list_head(names) ? "" : ", ", lfirst(lc));
	appendStringInfoChar(out, ']');
}

static void
append_address(StringInfo out, const pg_uuid_t *tenant)
{
	static const char *const part[] = {"line_1", "line_2", "city", "state", "country", "zip_code"};
	RowByKey	row;
	bool		found = row_open(&row, T_TENANT_ADDRESS, tenant);
	bool		isnull = true;
	Datum		address = found ? row_get(&row, TENANT_ADDRESS_ADDRESS, &isnull) : (Datum) 0;
	HeapTupleHeader parts = isnull ? NULL : DatumGetHeapTupleHeader(address);

	appendStringInfoString(out, ", \"address\": ");
	for (int i = 0; i < lengthof(part); i++)
	{
		Datum		value = (Datum) 0;

		isnull = true;
		if (parts != NULL)
			value = GetAttributeByName(parts, part[i], &isnull);
		appendStringInfo(out, "%s\"%s\": ", i == 0 ? "{" : ", ", part[i]);
		append_text(out, "", isnull ? NULL : DatumGetTextPP(value));
	}
	appendStringInfoChar(out, '}');
	row_close(&row);
}

/* As wazo_auth.tenant_item() has it (contract: responses.md section 3). */
static void
append_tenant(StringInfo out, const Tenant *tenant)
{
	append_uuid(out, "{\"uuid\": ", &tenant->uuid);
	append_uuid(out, ", \"parent_uuid\": ", &tenant->parent);
	append_text(out, ", \"name\": ", tenant->name);
	append_text(out, ", \"slug\": ", tenant->slug);
	append_contact(out, &tenant->uuid);
	append_text(out, ", \"phone\": ", tenant->phone);
	append_text(out, ", \"default_authentication_method\": ", tenant->method);
	append_domain_names(out, &tenant->uuid);
	append_address(out, &tenant->uuid);
	appendStringInfoChar(out, '}');
}

static void
append_list(StringInfo out, Tenants *tenants)
{
	qsort(tenants->tenant, tenants->n, sizeof(Tenant), compare_tenants);
	appendStringInfo(out, "{\"filtered\": %d, \"total\": %d, \"items\": [", tenants->n, tenants->n);
	for (int i = 0; i < tenants->n; i++)
	{
		if (i > 0)
			appendBinaryStringInfo(out, ", ", 2);
		append_tenant(out, &tenants->tenant[i]);
	}
	appendStringInfoString(out, "]}\n");
}

/*
 * wazo_auth.rest_tenants_get(internal) returns boolean
 *
 * Whether it has answered: false, with no trace left in the reply, for whoever
 * is to be refused, for a query, and for more tenants than are quick to tell.
 */
Datum
wazo_auth_rest_tenants_get(PG_FUNCTION_ARGS)
{
	HttpCall   *call = (HttpCall *) PG_GETARG_POINTER(0);
	HttpSpan	asked;
	Tenants		tenants;

	if (call->target.nquery > 0 || http_find_access(call) != HTTP_GRANTED || !call->has_caller_tenant ||
		!http_find_tenant(call, &asked))
		PG_RETURN_BOOL(false);
	tenants.n = 0;
	if (!tenants_below(&call->tenant, add_tenant, &tenants))
		PG_RETURN_BOOL(false);
	append_list(&call->reply.body, &tenants);
	call->reply.status = 200;
	PG_RETURN_BOOL(true);
}
