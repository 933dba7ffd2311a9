/*
 * planted.c
 *	  Faults for the suite `valgrind`, which must find each of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(planted_no_value);
PG_FUNCTION_INFO_V1(planted_given_back);
PG_FUNCTION_INFO_V1(planted_beyond);

#define SIZE	100

/* A piece that was used before: what it holds is of its last use. */
Datum
planted_no_value(PG_FUNCTION_ARGS)
{
	char	   *p = palloc(SIZE);

	memset(p, 1, SIZE);
	pfree(p);
	p = palloc(SIZE);
	PG_RETURN_BOOL(p[SIZE / 2] == 1 ? true : false);
}

Datum
planted_given_back(PG_FUNCTION_ARGS)
{
	char	   *p = palloc(SIZE);

	memset(p, 1, SIZE);
	pfree(p);
	PG_RETURN_BOOL(p[SIZE / 2] == 1 ? true : false);
}

/* Beyond memory of malloc(). */
Datum
planted_beyond(PG_FUNCTION_ARGS)
{
	char	   *volatile p = malloc(SIZE);

	p[SIZE] = 1;
	free(p);
	PG_RETURN_BOOL(true);
}
