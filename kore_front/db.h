/*
 * db.h: between dbconn.c (one libpq connection) and lanes.c (who gets which connection, and when).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_DB_H
#define WAZO_AUTH_FRONT_DB_H

#include "front.h"

#include <libpq-fe.h>

#include "kore.h"

#define DB_MAX_DEPTH 64			/* requests in one pipeline */

typedef struct Lane Lane;
typedef struct DbConn DbConn;

typedef enum DbState
{
	DB_CLOSED,					/* waiting for the reconnect timer, or not wanted */
	DB_CONNECTING,
	DB_SETUP,					/* connected, settings and statement under way */
	DB_READY
} DbState;

struct DbConn
{
	struct kore_event evt;		/* first: Kore's event loop casts */
	Lane	   *lane;
	DbState		state;
	PGconn	   *pg;
	int			fd;
	int			events;			/* what epoll watches */
	bool		retiring;		/* takes no more requests, to be opened anew when its last one is answered */
	bool		dirty;			/* has output to flush */
	uint64_t	since;			/* ms: entered the state; when READY: the oldest request became the oldest */
	uint64_t	born;			/* ms: became ready */
	uint64_t	used;			/* ms: last answer */
	uint64_t	retired;		/* ms: last time it was retired */
	struct kore_timer *timer;
	Job		   *ring[DB_MAX_DEPTH];
	uint32_t	head;
	uint32_t	count;
	PGresult   *row;			/* answer to the oldest request, kept until the sync says it is committed */
	char		sqlstate[6];	/* its error, "" if none */
};

struct Job
{
	Client	   *client;			/* NULL: the client is gone */
	Lane	   *lane;
	DbConn	   *conn;			/* NULL: queued */
	uint64_t	deadline;		/* ms */
	bool		safe;			/* may be sent again */
	bool		resent;			/* it was, or is to be */
	uint64_t	lost;			/* ms: when; only a connection made since then will do */
	TAILQ_ENTRY(Job) list;
};

/* dbconn.c */
extern void db_open(DbConn *conn, const char *conninfo);
extern bool db_send(DbConn *conn, Job *job);
extern void db_flush(DbConn *conn);
extern void db_close(DbConn *conn);

/* lanes.c, called by dbconn.c */
extern void lane_ready(DbConn *conn);
extern void lane_lost(DbConn *conn);
extern void lane_answer(DbConn *conn, Job *job, const PGresult *row, const char *sqlstate);

#endif
