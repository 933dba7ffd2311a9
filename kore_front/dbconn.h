/*
 * dbconn.h: one connection to PostgreSQL, in pipeline mode on Kore's event loop.
 *
 * Knows neither requests nor lanes: whoever owns the connection gives it a statement, parameters and jobs (pointers
 * that mean nothing here), and hears by DbEvents what becomes of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_DBCONN_H
#define WAZO_AUTH_FRONT_DBCONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kore_release.h"

#define DB_MAX_DEPTH 64			/* jobs in one pipeline */
#define DB_MAX_PARAMETERS 8

typedef struct DbConn DbConn;

/* A statement that a connection executes for a job. It returns one row with one column. */
typedef struct DbStatement
{
	const char *name;
	const char *sql;
	int			n_parameters;
	const Oid  *types;
} DbStatement;

/* All in binary format; a NULL value is NULL. */
typedef struct DbParameters
{
	const char *values[DB_MAX_PARAMETERS];
	int			lengths[DB_MAX_PARAMETERS];
} DbParameters;

/* What connections of one kind share. */
typedef struct DbKind
{
	const char *conninfo;		/* libpq connection string or URI, may be empty */
	const DbStatement *statement;
	const DbStatement *optional;	/* prepared too where the server has what it needs; NULL: none */
	uint64_t	statement_timeout;	/* ms, kept by the server */

	/* It can be used. */
	void		(*ready) (DbConn *conn);
	/* It is broken, could not be made or set up; what was under way is in its ring. To be closed by the owner. */
	void		(*lost) (DbConn *conn);
	/* The oldest job's answer: a row without an error, committed; or an error, rolled back. Gone after the call. */
	void		(*answer) (DbConn *conn, void *job, const PGresult *row, const char *sqlstate);
} DbKind;

typedef enum DbState
{
	DB_CLOSED,
	DB_CONNECTING,
	DB_SETUP,					/* connected, settings and statements under way */
	DB_READY
} DbState;

struct DbConn
{
	struct kore_event evt;		/* first: Kore's event loop casts */
	const DbKind *kind;
	DbState		state;
	PGconn	   *pg;
	int			fd;
	int			events;			/* what epoll watches */
	bool		dirty;			/* has output to flush */
	bool		has_required;	/* settings and kind->statement are there; said while READY or in SETUP */
	bool		has_optional;	/* kind->optional can be sent */
	uint64_t	since;			/* ms: entered the state; when READY: the oldest job became the oldest */
	uint64_t	born;			/* ms: became ready */
	uint64_t	used;			/* ms: last answer */
	void	   *ring[DB_MAX_DEPTH];
	uint32_t	head;
	uint32_t	count;
	PGresult   *row;			/* answer to the oldest job, kept until the sync says it is committed */
	char		sqlstate[6];	/* its error, "" if none */
};

extern void db_open(DbConn *conn);
extern bool db_send(DbConn *conn, const DbStatement *st, void *job, const DbParameters *p);
extern void db_flush(DbConn *conn);
extern void *db_take(DbConn *conn);
extern void db_close(DbConn *conn);

#endif
