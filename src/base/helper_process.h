/*
 * helper_process.h
 *	  Runs a small program beside the backend and waits for its answer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HELPER_PROCESS_H
#define WAZO_AUTH_HELPER_PROCESS_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* how a run ended */
typedef enum HelperEnd
{
	HELPER_DONE,				/* it exited with status 0 */
	HELPER_FAILED,				/* it exited with another one, or a signal ended it */
	HELPER_LATE,				/* it was ended because its time was up */
	HELPER_TALKATIVE			/* it was ended because it wrote too much */
} HelperEnd;

extern HelperEnd helper_run(const char *name, const char *input, size_t input_len, StringInfo output, size_t output_max,
							int limit_ms);

#endif							/* WAZO_AUTH_HELPER_PROCESS_H */
