/*
 * slow.h: what is told of requests that took long.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_SLOW_H
#define WAZO_AUTH_FRONT_SLOW_H

#include "request.h"
#include "route.h"

/* A request that is answered, but may not be sent. */
typedef struct SlowNote SlowNote;

/* When a request was complete, went to the database, last, and was answered; us. */
typedef struct SlowTimes
{
	uint64_t	started;
	uint64_t	sent;			/* 0: never */
	uint64_t	answered;
} SlowTimes;

extern SlowNote *slow_note(const Request *req, const char *buf, RouteName route, int status, const char *lane,
						   const SlowTimes *times);
extern void slow_tell(SlowNote *note, bool whole);

#endif
