/*
 * What cppcheck has to know of PostgreSQL's macros (tools/lint.sh): that an
 * error does not return, and that the rest expands to nothing odd.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
void		abort(void) __attribute__((noreturn));

#define ERROR 21
#define WARNING 19
#define LOG 15
#define DEBUG1 14
#define ereport(level, ...) do { if ((level) >= ERROR) abort(); } while (0)
#define elog(level, ...) do { if ((level) >= ERROR) abort(); } while (0)
#define PG_TRY() if (1)
#define PG_CATCH() else
#define PG_FINALLY() if (1)
#define PG_END_TRY()
#define PG_RE_THROW() abort()
#define pg_attribute_noreturn() __attribute__((noreturn))
#define PG_FUNCTION_INFO_V1(name)
#define PG_MODULE_MAGIC
#define likely(x) (x)
#define unlikely(x) (x)
#define Assert(x) ((void) 0)
