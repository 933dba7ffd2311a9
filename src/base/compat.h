/*
 * compat.h
 *	  What differs between the versions of PostgreSQL that the sources build
 *	  with, 15 to 18: each difference is a macro with a name, and no other file
 *	  asks for a version.
 *
 * A file includes this one and, where it uses a macro, the server's header that
 * the macro speaks of; for VARDATA() and its kind this one is enough.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_COMPAT_H
#define WAZO_AUTH_COMPAT_H

#include "postgres.h"

/* The macros of variable-length values have a header of their own, which postgres.h does not include. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* common/jsonapi.h: what an action of the parser returns; its last statement is JSON_ACTION_DONE. */
#if PG_VERSION_NUM >= 160000
#define JsonActionResult	JsonParseErrorType
#define JSON_ACTION_DONE	return JSON_SUCCESS
#else
#define JsonActionResult	void
#define JSON_ACTION_DONE	return
#endif

/* common/jsonapi.h: a lexer of a text in UTF-8 that is not changed, with values unescaped. */
#if PG_VERSION_NUM >= 170000
#define json_lexer(json, len)	makeJsonLexContextCstringLen(NULL, (json), (len), PG_UTF8, true)
#else
#define json_lexer(json, len)	makeJsonLexContextCstringLen(unconstify(char *, (json)), (len), PG_UTF8, true)
#endif

/* Gives a lexer's memory back. */
#if PG_VERSION_NUM >= 160000
#define json_lexer_free(lex)	freeJsonLexContext(lex)
#else
#define json_lexer_free(lex) \
	(pfree((lex)->strval->data), pfree((lex)->strval), pfree(lex))
#endif

/* utils/regproc.h: a qualified name, with an ERROR for what is none. */
#if PG_VERSION_NUM >= 160000
#define qualified_name_list(name)	stringToQualifiedNameList((name), NULL)
#else
#define qualified_name_list(name)	stringToQualifiedNameList(name)
#endif

/* libpq/pqformat.h: a length, then that many bytes converted to the client's encoding. */
#if PG_VERSION_NUM >= 170000
#define send_counted_text(buf, s, len)	pq_sendcountedtext((buf), (s), (len))
#else
#define send_counted_text(buf, s, len)	pq_sendcountedtext((buf), (s), (len), false)
#endif

/* replication/message.h: a message to nobody, written out; gives its place in the log. */
#if PG_VERSION_NUM >= 170000
#define log_empty_message(prefix)	LogLogicalMessage((prefix), "", 0, false, false)
#else
#define log_empty_message(prefix)	LogLogicalMessage((prefix), "", 0, false)
#endif

/* pgstat.h: the rows of PgStat_StatTabEntry. */
#if PG_VERSION_NUM >= 160000
#define stat_live_rows(entry)	((entry)->live_tuples)
#define stat_dead_rows(entry)	((entry)->dead_tuples)
#else
#define stat_live_rows(entry)	((entry)->n_live_tuples)
#define stat_dead_rows(entry)	((entry)->n_dead_tuples)
#endif

/* commands/vacuum.h: how many values ANALYZE keeps of a column. */
#if PG_VERSION_NUM >= 170000
#define stats_target(stats)		((stats)->attstattarget)
#else
#define stats_target(stats)		((stats)->attr->attstattarget)
#endif

/*
 * commands/vacuum.h: vacuum() with parameters, in a memory context that outlives
 * the transactions it makes.  Before 16 it makes one below PortalContext itself.
 */
#if PG_VERSION_NUM >= 160000
#define vacuum_relations(relations, params, context)	vacuum((relations), &(params), NULL, (context), true)
#else
#define vacuum_relations(relations, params, context)	vacuum((relations), &(params), NULL, true)
#endif

/* commands/vacuum.h: that VACUUM is to vacuum the table itself has to be said from 16 on. */
#if PG_VERSION_NUM >= 160000
#define VACUUM_TABLE_ITSELF		VACOPT_PROCESS_MAIN
#else
#define VACUUM_TABLE_ITSELF		0
#endif

/* commands/vacuum.h: ANALYZE sleeps when it has cost enough. */
#if PG_VERSION_NUM >= 180000
#define analyze_delay_point()	vacuum_delay_point(true)
#else
#define analyze_delay_point()	vacuum_delay_point()
#endif

/* common/base64.h: bytes are of char before 18, of uint8 from there on; void fits both. */
#define base64_encode(bytes, len, text, size)	pg_b64_encode((const void *) (bytes), (len), (text), (size))
#define base64_decode(text, len, bytes, size)	pg_b64_decode((text), (len), (void *) (bytes), (size))

/*
 * storage/latch.h: a set for this many events.  Who does not come to free it
 * leaves that to the memory context; from 17 on, to the resource owner.
 */
#if PG_VERSION_NUM >= 170000
#define create_wait_set(context, nevents)	CreateWaitEventSet(CurrentResourceOwner, (nevents))
#else
#define create_wait_set(context, nevents)	CreateWaitEventSet((context), (nevents))
#endif

/* utils/acl.h, catalog/pg_database.h: does the role own the database? */
#if PG_VERSION_NUM >= 160000
#define owns_database(database, role)	object_ownercheck(DatabaseRelationId, (database), (role))
#else
#define owns_database(database, role)	pg_database_ownercheck((database), (role))
#endif

/* utils/acl.h, catalog/pg_proc.h: may the role execute the function? */
#if PG_VERSION_NUM >= 160000
#define may_execute(function, role) \
	(object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#else
#define may_execute(function, role)	(pg_proc_aclcheck((function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* access/genam.h: a scan of a table through an index, with this many keys. */
#if PG_VERSION_NUM >= 180000
#define begin_index_scan(rel, index, snapshot, nkeys)	index_beginscan((rel), (index), (snapshot), NULL, (nkeys), 0)
#else
#define begin_index_scan(rel, index, snapshot, nkeys)	index_beginscan((rel), (index), (snapshot), (nkeys), 0)
#endif

/* executor/executor.h: the entries of a new row in its table's indexes; gives the unique ones to look at later. */
#if PG_VERSION_NUM >= 160000
#define insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples((result), (slot), (estate), false, false, NULL, NIL, false)
#else
#define insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples((result), (slot), (estate), false, false, NULL, NIL)
#endif

/* c.h: before a declaration, of a function that does not return. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* WAZO_AUTH_COMPAT_H */
