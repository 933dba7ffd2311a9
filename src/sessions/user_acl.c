/*
 * user_acl.c
 *	  The accesses that a user has by its groups and policies.
 *
 * Every login puts them together; like the rest of it (see login.c) without
 * the executor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "acl/acl_bounded.h"
#include "base/catalog.h"
#include "base/row_by_key.h"
#include "crypto/secret.h"

PG_FUNCTION_INFO_V1(wazo_auth_granted_acl);

/* A policy that the user has. */
typedef struct Grant
{
	bool		own;			/* not by a group */
	const char *path;			/* group's slug/policy's slug, or policy's slug */
	size_t		path_len;
	pg_uuid_t	policy;
	struct varlena *acl;
} Grant;

typedef struct Grants
{
	Grant	   *grant;
	int			n;
	int			space;
	int64		entries;
} Grants;

/* group_slug: NULL for a policy of the user's own */
static void
add_policy(Grants *grants, const text *group_slug, const pg_uuid_t *policy)
{
	RowByKey	row;

	CHECK_FOR_INTERRUPTS();
	/* Not after having read what would not fit anyway. */
	if (grants->entries > ACL_MAX_JOINED)
		return;
	if (row_open(&row, T_POLICY, policy))
	{
		Grant	   *grant;
		text	   *slug = row_get_text(&row, POLICY_SLUG);
		StringInfoData path;
		bool		isnull;

		if (grants->n == grants->space)
		{
			grants->space *= 2;
			grants->grant = repalloc(grants->grant, grants->space * sizeof(Grant));
		}
		grant = &grants->grant[grants->n++];
		initStringInfo(&path);
		if (group_slug)
		{
			appendBinaryStringInfo(&path, VARDATA_ANY(group_slug), VARSIZE_ANY_EXHDR(group_slug));
			appendStringInfoChar(&path, '/');
		}
		appendBinaryStringInfo(&path, VARDATA_ANY(slug), VARSIZE_ANY_EXHDR(slug));
		grant->own = group_slug == NULL;
		grant->path = path.data;
		grant->path_len = path.len;
		grant->policy = *policy;
		grant->acl = (struct varlena *) PG_DETOAST_DATUM_COPY(row_get(&row, POLICY_ACL, &isnull));
		grants->entries += acl_packed_count(ACL_PACKED(grant->acl));
	}
	row_close(&row);
}

static void
add_policies_of_group(Grants *grants, const pg_uuid_t *group)
{
	RowByKey	row;
	text	   *slug = NULL;

	if (row_open(&row, T_GROUP, group))
		slug = row_get_text(&row, GROUP_SLUG);
	row_close(&row);
	if (slug == NULL)
		return;
	for (bool more = rows_open(&row, GROUP_POLICY_GROUP_UUID, group);
		 more; more = row_next(&row))
	{
		pg_uuid_t	policy = row_get_uuid(&row, GROUP_POLICY_POLICY_UUID);

		add_policy(grants, slug, &policy);
	}
	row_close(&row);
}

/* Those of groups before the user's own, by slug, in the collation "C". */
static int
compare_grants(const void *a, const void *b)
{
	const Grant *x = a;
	const Grant *y = b;
	int			order;

	if (x->own != y->own)
		return x->own ? 1 : -1;
	order = memcmp(x->path, y->path, Min(x->path_len, y->path_len));
	if (order == 0)
		order = (x->path_len > y->path_len) - (x->path_len < y->path_len);
	return order != 0 ? order : memcmp(&x->policy, &y->policy, sizeof(pg_uuid_t));
}

static void
log_left_out(const pg_uuid_t *user, struct varlena *joined)
{
	char		text[UUID_TEXT_LEN + 1];

	format_uuid(user, text);
	ereport(LOG,
			(errmsg("the policies of the user %s have more accesses than an ACL holds, of which it gets %u",
					text, acl_packed_count(ACL_PACKED(joined))),
			 errhint("Take policies from the user or its groups: SELECT * FROM wazo_auth.user_policy, wazo_auth.group_user."),
			 errhidestmt(true)));
}

/*
 * wazo_auth.granted_acl(user_uuid uuid, below wazo_auth.acl)
 *		returns wazo_auth.acl
 *
 * What is below, then the accesses of the policies of the user's groups, then
 * of its own, by slug; duplicates kept (contract: semantics.md section 1, step
 * 9) unless they are more than an ACL may have: then as acl_join_bounded()
 * does it, and with a word in the log, since a login must not fail for it.
 */
Datum
wazo_auth_granted_acl(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user;
	Grants		grants = {.space = 16};
	struct varlena **acl;
	struct varlena *joined;
	bool		complete;
	int			n = 0;
	RowByKey	row;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	user = PG_GETARG_UUID_P(0);
	grants.grant = palloc(grants.space * sizeof(Grant));
	for (bool more = rows_open(&row, GROUP_USER_USER_UUID, user);
		 more; more = row_next(&row))
	{
		pg_uuid_t	group = row_get_uuid(&row, GROUP_USER_GROUP_UUID);

		add_policies_of_group(&grants, &group);
	}
	row_close(&row);
	for (bool more = rows_open(&row, USER_POLICY_USER_UUID, user);
		 more; more = row_next(&row))
	{
		pg_uuid_t	policy = row_get_uuid(&row, USER_POLICY_POLICY_UUID);

		add_policy(&grants, NULL, &policy);
	}
	row_close(&row);

	qsort(grants.grant, grants.n, sizeof(Grant), compare_grants);
	acl = palloc((grants.n + 1) * sizeof(struct varlena *));
	if (!PG_ARGISNULL(1))
		acl[n++] = PG_GETARG_ACL_PP(1);
	for (int i = 0; i < grants.n; i++)
		acl[n++] = grants.grant[i].acl;
	joined = acl_join_bounded(acl, n, &complete);
	if (!complete)
		log_left_out(user, joined);
	PG_RETURN_POINTER(joined);
}
