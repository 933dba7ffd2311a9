/*
 * token.c
 *	  Sessions by their token, and what a token may do.
 *
 * This is the hot path: daemons ask it for every request they serve.  It goes
 * to the tables through their primary keys, without the executor, so nothing
 * is planned, written or locked against writers, and it works on a standby.
 * Table rights are not consulted: whoever may execute the functions of
 * token_sql.c or wazo_auth.http() may ask.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/array.h"

#include "base/compat.h"
#include "acl/acl_cache.h"
#include "acl/acl_type.h"
#include "base/catalog.h"
#include "base/row_by_key.h"
#include "crypto/secret.h"
#include "sessions/token.h"

/*
 * session_find
 *
 * Finds the live session of a token.  Returns false when there is none or it
 * has expired; that is judged at the start of the statement, so that a long
 * transaction sees tokens expire.  The strings live in the current memory
 * context.
 */
bool
session_find(const pg_uuid_t *token, SessionDetail detail, Session *session)
{
	pg_uuid_t	digest;
	RowByKey	row;
	Datum		value;
	bool		isnull;
	bool		found = false;

	token_digest(token, &digest);
	if (row_open(&row, T_SESSION, &digest))
	{
		session->expires_at = DatumGetTimestampTz(row_get(&row, SESSION_EXPIRES_AT, &isnull));
		found = session->expires_at > GetCurrentStatementStartTimestamp();
	}
	if (found)
	{
		session->uuid = row_get_uuid(&row, SESSION_UUID);
		session->tenant_uuid = row_get_uuid(&row, SESSION_TENANT_UUID);
		session->acl_digest = row_get_uuid(&row, SESSION_ACL_DIGEST);
		format_uuid(&session->uuid, session->uuid_text);
		value = row_get(&row, SESSION_USER_UUID, &isnull);
		session->has_user = !isnull;
		if (session->has_user)
		{
			session->user_uuid = *DatumGetUUIDP(value);
			format_uuid(&session->user_uuid, session->user_text);
			session->auth_id = session->user_text;
			session->auth_id_len = UUID_TEXT_LEN;
		}
		else
		{
			text	   *auth_id = DatumGetTextPCopy(row_get(&row, SESSION_AUTH_ID, &isnull));

			session->auth_id = VARDATA(auth_id);
			session->auth_id_len = VARSIZE(auth_id) - VARHDRSZ;
		}
		if (detail == SESSION_WITH_DETAILS)
		{
			session->mobile = DatumGetBool(row_get(&row, SESSION_MOBILE, &isnull));
			session->issued_at = DatumGetTimestampTz(row_get(&row, SESSION_ISSUED_AT, &isnull));
			session->metadata = DatumGetTextPCopy(row_get(&row, SESSION_METADATA, &isnull));
			session->user_agent = DatumGetTextPCopy(row_get(&row, SESSION_USER_AGENT, &isnull));
			session->remote_addr = DatumGetTextPCopy(row_get(&row, SESSION_REMOTE_ADDR, &isnull));
		}
	}
	row_close(&row);
	return found;
}

/*
 * session_find_text
 *
 * Same for a token as text, as in a header: only the canonical lower-case form
 * can be a token.  Never raises an error for what is no UUID, since its text
 * would end up in the log.
 */
bool
session_find_text(const char *token, size_t len, SessionDetail detail, Session *session)
{
	pg_uuid_t	uuid;
	bool		found;

	if (!parse_uuid_strict(token, len, false, &uuid))
		return false;
	found = session_find(&uuid, detail, session);
	secret_wipe(&uuid, sizeof(uuid));
	return found;
}

/*
 * session_live
 *
 * Is there still a session with this digest of a token, as the active snapshot
 * sees it?  Then *expires_at is its end.
 */
bool
session_live(const pg_uuid_t *digest, TimestampTz *expires_at)
{
	RowByKey	row;
	bool		isnull;
	bool		found = row_open(&row, T_SESSION, digest);

	if (found)
		*expires_at = DatumGetTimestampTz(row_get(&row, SESSION_EXPIRES_AT, &isnull));
	row_close(&row);
	return found;
}

/* Told once in a process: whoever lacks one set may lack them all. */
static void
tell_missing(const Session *session)
{
	static bool told = false;

	if (!told)
		ereport(LOG,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("the ACL of session %s is missing, so it grants nothing", session->uuid_text),
				 errdetail("wazo_auth.acl_set has not the row that wazo_auth.session names."),
				 errhint("Where wazo_auth.session is replicated, replicate wazo_auth.acl_set too.")));
	told = true;
}

/*
 * The session's ACL in the current context, or 0 when its set is missing: a
 * subscriber of logical replication may have the session's row alone.
 */
static Datum
find_acl(const Session *session)
{
	RowByKey	row;
	Datum		acl = (Datum) 0;
	bool		isnull;

	if (row_open(&row, T_ACL_SET, &session->acl_digest))
		acl = PointerGetDatum(PG_DETOAST_DATUM_COPY(row_get(&row, ACL_SET_ACL, &isnull)));
	row_close(&row);
	if (acl == (Datum) 0)
		tell_missing(session);
	return acl;
}

/*
 * session_acl
 *
 * Returns the session's ACL as stored (wazo_auth.acl), in the current context;
 * an empty one when it is missing.
 */
Datum
session_acl(const Session *session)
{
	Datum		acl = find_acl(session);

	return acl != (Datum) 0 ? acl : PointerGetDatum(acl_join(NULL, 0));
}

/*
 * session_grants
 *
 * Does the session's ACL grant this access?  (contract: acl.md section 1)  A
 * missing one grants nothing.
 */
bool
session_grants(const Session *session, const char *access, size_t len)
{
	AclContext	context = {
		.auth_id = session->auth_id,
		.auth_id_len = session->auth_id_len,
		.session_id = session->uuid_text,
		.session_id_len = UUID_TEXT_LEN,
	};
	const AclProgram *program = acl_cache_lookup(&session->acl_digest);

	if (program == NULL)
	{
		Datum		acl = find_acl(session);

		/* not kept: the set may come later */
		if (acl == (Datum) 0)
			return false;
		program = acl_cache_insert(&session->acl_digest, acl);
	}
	return acl_program_grants(program, access, len, &context);
}

/*
 * tenant_contains
 *
 * Is "below" the tenant itself or one below it?  False for an unknown one.
 */
bool
tenant_contains(const pg_uuid_t *tenant, const pg_uuid_t *below)
{
	RowByKey	row;
	bool		contains = false;

	if (row_open(&row, T_TENANT, below))
	{
		bool		isnull;
		ArrayType  *path = DatumGetArrayTypeP(row_get(&row, TENANT_PATH, &isnull));
		const pg_uuid_t *uuid = (const pg_uuid_t *) ARR_DATA_PTR(path);
		int			n = ArrayGetNItems(ARR_NDIM(path), ARR_DIMS(path));

		for (int i = 0; i < n && !contains; i++)
			contains = memcmp(&uuid[i], tenant, UUID_LEN) == 0;
	}
	row_close(&row);
	return contains;
}

/* tenant_is_top: is it the tenant above all others? */
bool
tenant_is_top(const pg_uuid_t *tenant)
{
	RowByKey	row;
	bool		top = false;

	if (row_open(&row, T_TENANT, tenant))
	{
		bool		isnull;
		ArrayType  *path = DatumGetArrayTypeP(row_get(&row, TENANT_PATH, &isnull));

		top = ArrayGetNItems(ARR_NDIM(path), ARR_DIMS(path)) == 1;
	}
	row_close(&row);
	return top;
}

/*
 * session_owner_tenant
 *
 * The tenant the session's user belongs to now; for a token that the service
 * made itself, the session's, which is that of the user who got it by mail.
 * False when the user is gone.
 */
bool
session_owner_tenant(const Session *session, pg_uuid_t *tenant)
{
	*tenant = session->tenant_uuid;
	return !session->has_user ||
		row_uuid_of(T_USER, &session->user_uuid, USER_TENANT_UUID, tenant);
}

/*
 * session_reaches_tenant
 *
 * Is the tenant the one of the session's owner, or below it?  No token reaches
 * all tenants because of what it is.
 */
bool
session_reaches_tenant(const Session *session, const pg_uuid_t *tenant)
{
	pg_uuid_t	owner;

	return session_owner_tenant(session, &owner) && tenant_contains(&owner, tenant);
}

/*
 * session_check
 *
 * What a live session's token is good for: this access, for this tenant.  A
 * NULL one is not checked.
 */
TokenStatus
session_check(const Session *session, const text *access, const pg_uuid_t *tenant)
{
	if (access && !session_grants(session, VARDATA_ANY(access), VARSIZE_ANY_EXHDR(access)))
		return TOKEN_ACCESS_DENIED;
	if (tenant && !session_reaches_tenant(session, tenant))
		return TOKEN_TENANT_DENIED;
	return TOKEN_VALID;
}
