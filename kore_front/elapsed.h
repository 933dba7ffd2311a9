/*
 * elapsed.h: the time, and whether some of it has passed.
 *
 * A sweep works with the time at which its loop turn began, and what it looks at may have been noted later in the same
 * turn: a difference of the two would be below zero, which for unsigned numbers is a very long time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_ELAPSED_H
#define WAZO_AUTH_FRONT_ELAPSED_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Whether more than that length lies between since and now, in whatever unit all three are. */
static inline bool
elapsed(uint64_t since, uint64_t length, uint64_t now)
{
	return now > since && now - since > length;
}

/* Microseconds of the monotonic clock. */
static inline uint64_t
front_time_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

#endif
