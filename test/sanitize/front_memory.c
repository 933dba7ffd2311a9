/*
 * front_memory.c
 *	  Kore's memory for the front with sanitizers: each piece is one of
 *	  malloc(), which the sanitizers know, and not a part of a pool.
 *
 * Takes the place of Kore's mem.c and pool.c.  A pool hands the same piece out
 * again at once, so that who still uses it would go unnoticed.  A piece of
 * kore_malloc() begins behind a margin that nobody may touch: who gives it to
 * free(), or one of malloc() to kore_free(), is told, too.
 *
 * Also looks for memory that nobody points to any more when a worker ends: it
 * does so by _exit(), which the leak checker would miss.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

#include "kore.h"

#define MARGIN	16

void		__real__exit(int status) __attribute__((noreturn));
void		__wrap__exit(int status) __attribute__((noreturn));

void
__wrap__exit(int status)
{
	__lsan_do_leak_check();
	__real__exit(status);
}

void
kore_mem_init(void)
{
}

void
kore_mem_cleanup(void)
{
}

static void *
some(size_t len)
{
	void	   *p = malloc(len);

	if (p == NULL)
		abort();
	return p;
}

void *
kore_malloc(size_t len)
{
	char	   *p = some(MARGIN + len);

	__asan_poison_memory_region(p, MARGIN);
	return p + MARGIN;
}

void *
kore_calloc(size_t members, size_t len)
{
	size_t		total;
	void	   *p;

	if (__builtin_mul_overflow(members, len, &total))
		abort();
	p = kore_malloc(total);
	memset(p, 0, total);
	return p;
}

void *
kore_realloc(void *p, size_t len)
{
	char	   *old = p;
	void	   *new = kore_malloc(len);
	size_t		was;

	if (old == NULL)
		return new;
	was = malloc_usable_size(old - MARGIN) - MARGIN;
	memcpy(new, old, was < len ? was : len);
	kore_free(old);
	return new;
}

void
kore_free(void *p)
{
	if (p != NULL)
		free((char *) p - MARGIN);
}

char *
kore_strdup(const char *text)
{
	size_t		len = strlen(text) + 1;

	return memcpy(kore_malloc(len), text, len);
}

void
kore_pool_init(struct kore_pool *pool, const char *name, size_t len, size_t count)
{
	(void) name;
	(void) count;
	memset(pool, 0, sizeof(*pool));
	pool->elen = len;
}

void
kore_pool_cleanup(struct kore_pool *pool)
{
	(void) pool;
}

void *
kore_pool_get(struct kore_pool *pool)
{
	return some(pool->elen);
}

void
kore_pool_put(struct kore_pool *pool, void *p)
{
	(void) pool;
	free(p);
}
