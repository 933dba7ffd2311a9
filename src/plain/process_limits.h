/*
 * process_limits.h
 *	  What a program beside the backend may take, for programs that talk to strangers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PROCESS_LIMITS_H
#define WAZO_AUTH_PROCESS_LIMITS_H

#include <stdbool.h>

typedef struct ProcessLimits
{
	long		memory;			/* bytes of address space */
	long		cpu_seconds;	/* 0: no limit */
	long		files;			/* 0: as many as whoever started it has */
} ProcessLimits;

/* Exit status of a program that could not limit itself. */
#define EXIT_NOT_LIMITED	3

extern bool process_limits_set(const ProcessLimits *limits);

#endif							/* WAZO_AUTH_PROCESS_LIMITS_H */
