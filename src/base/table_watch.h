/*
 * table_watch.h
 *	  Has one of the extension's tables changed since a cache was filled?
 *
 * PostgreSQL has ten places in a process for who wants to hear of changed
 * relations, and ends the session when an eleventh asks.  So all caches of the
 * extension share one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TABLE_WATCH_H
#define WAZO_AUTH_TABLE_WATCH_H

#include "postgres.h"

/* The moment at which somebody began to read tables (bits by their number). */
typedef struct TableWatch
{
	uint64		tables;
	uint64		moment;			/* 0: nothing has been read */
} TableWatch;

extern void table_watch_init(void);
extern void table_watch_place(int table, Oid relid);
extern TableWatch table_watch_begin(uint64 tables);
extern bool table_watch_unchanged(TableWatch *watch);

#endif							/* WAZO_AUTH_TABLE_WATCH_H */
