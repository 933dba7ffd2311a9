/*
 * palloc_memory.c
 *	  Preloaded into a server under valgrind: tells it which memory of
 *	  PostgreSQL's holds nothing yet, or nothing any more.
 *
 * A PostgreSQL that was built with USE_VALGRIND says so itself; that of a
 * distribution was not, and to valgrind a piece of palloc() that was used
 * before is full of good values.  Here each new piece and each one given back
 * is marked as without a value.
 *
 * valgrind calls these in the place of the server's functions of that name.
 * Those that fill what they return (palloc0() and the like) are not among them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stddef.h>

#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>

/* the server's: the size of a piece, with what stands before it and what it was rounded up by */
extern size_t GetMemoryChunkSpace(void *p) __attribute__((weak));

/* not less than what stands before a piece, in any release */
#define MOST_HEADER		16

/* MCXT_ALLOC_ZERO of PostgreSQL's utils/palloc.h */
#define ALLOC_ZERO		0x04

#define IN_SERVER(name)	I_WRAP_SONAME_FNNAME_ZU(NONE, name)

void	   *IN_SERVER(palloc) (size_t size);
void	   *IN_SERVER(palloc_extended) (size_t size, int flags);
void	   *IN_SERVER(MemoryContextAlloc) (void *context, size_t size);
void	   *IN_SERVER(MemoryContextAllocHuge) (void *context, size_t size);
void	   *IN_SERVER(MemoryContextAllocExtended) (void *context, size_t size, int flags);
void		IN_SERVER(pfree) (void *p);

static void *
empty(void *p, size_t size)
{
	if (p != NULL)
		(void) VALGRIND_MAKE_MEM_UNDEFINED(p, size);
	return p;
}

void *
IN_SERVER(palloc) (size_t size)
{
	OrigFn		server;
	void	   *p;

	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_W_W(p, server, size);
	return empty(p, size);
}

void *
IN_SERVER(palloc_extended) (size_t size, int flags)
{
	OrigFn		server;
	void	   *p;

	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_W_WW(p, server, size, flags);
	return (flags & ALLOC_ZERO) != 0 ? p : empty(p, size);
}

void *
IN_SERVER(MemoryContextAlloc) (void *context, size_t size)
{
	OrigFn		server;
	void	   *p;

	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_W_WW(p, server, context, size);
	return empty(p, size);
}

void *
IN_SERVER(MemoryContextAllocHuge) (void *context, size_t size)
{
	OrigFn		server;
	void	   *p;

	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_W_WW(p, server, context, size);
	return empty(p, size);
}

void *
IN_SERVER(MemoryContextAllocExtended) (void *context, size_t size, int flags)
{
	OrigFn		server;
	void	   *p;

	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_W_WWW(p, server, context, size, flags);
	return (flags & ALLOC_ZERO) != 0 ? p : empty(p, size);
}

void
IN_SERVER(pfree) (void *p)
{
	OrigFn		server;
	size_t		space = GetMemoryChunkSpace != NULL ? GetMemoryChunkSpace(p) : 0;

	if (space > MOST_HEADER)
		(void) VALGRIND_MAKE_MEM_UNDEFINED(p, space - MOST_HEADER);
	VALGRIND_GET_ORIG_FN(server);
	CALL_FN_v_W(server, p);
}
