/*
 * hostile.h
 *	  What the hostile programs have in common: to take more than they may.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HOSTILE_H
#define WAZO_AUTH_HOSTILE_H

#include <stdlib.h>

/* Of the stack; it does not return. */
static inline int
overflow(volatile int n)
{
	volatile char room[4096];

	room[0] = (char) n;
	return overflow(n + 1) + room[0];
}

/* Of the memory. A byte of each is enough to have it, and takes no time that is limited, too. */
static inline void
take_memory(void)
{
	for (;;)
	{
		volatile char *p = malloc(1024 * 1024);

		if (p == NULL)
			abort();
		*p = 1;
	}
}

#endif							/* WAZO_AUTH_HOSTILE_H */
