/*
 * token.h
 *	  Sessions by their token, and what a token may do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TOKEN_H
#define WAZO_AUTH_TOKEN_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "plain/uuid_text.h"

/* The order is that of TOKEN_STATUS_NAMES in catalog.h. */
typedef enum TokenStatus
{
	TOKEN_VALID,
	TOKEN_UNKNOWN,				/* or expired */
	TOKEN_ACCESS_DENIED,
	TOKEN_TENANT_DENIED
} TokenStatus;

/* A live session, as far as checks need it. */
typedef struct Session
{
	pg_uuid_t	uuid;
	pg_uuid_t	tenant_uuid;	/* the user's tenant at login */
	pg_uuid_t	acl_digest;
	pg_uuid_t	user_uuid;		/* if has_user */
	bool		has_user;
	bool		mobile;
	TimestampTz expires_at;
	TimestampTz issued_at;
	const char *auth_id;		/* not terminated by NUL */
	int			auth_id_len;
	char		uuid_text[UUID_TEXT_LEN + 1];
	char		user_text[UUID_TEXT_LEN + 1];
	/* Only after session_find() with details: */
	text	   *metadata;		/* JSON */
	text	   *user_agent;
	text	   *remote_addr;
} Session;

/* How much of a session is read. */
typedef enum SessionDetail
{
	SESSION_FOR_CHECK,
	SESSION_WITH_DETAILS
} SessionDetail;

extern bool session_find(const pg_uuid_t *token, SessionDetail detail, Session *session);
extern bool session_find_text(const char *token, size_t len, SessionDetail detail, Session *session);
extern bool session_live(const pg_uuid_t *digest, TimestampTz *expires_at);
extern bool session_grants(const Session *session, const char *access, size_t len);
extern bool session_reaches_tenant(const Session *session, const pg_uuid_t *tenant);
extern TokenStatus session_check(const Session *session, const text *access, const pg_uuid_t *tenant);
extern bool session_owner_tenant(const Session *session, pg_uuid_t *tenant);
extern Datum session_acl(const Session *session);
extern bool tenant_is_top(const pg_uuid_t *tenant);
extern bool tenant_contains(const pg_uuid_t *tenant, const pg_uuid_t *below);

#endif							/* WAZO_AUTH_TOKEN_H */
