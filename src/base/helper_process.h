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
	HELPER_REFUSED,				/* it exited with status 1: it did its work, and says no */
	HELPER_FAILED,				/* it exited with another one, or a signal ended it; the log says how */
	HELPER_NOT_STARTED,			/* it could not be started; the log says why */
	HELPER_LATE,				/* it was ended because its time was up */
	HELPER_TALKATIVE			/* it was ended because it wrote too much */
} HelperEnd;

extern HelperEnd helper_run(const char *name, const char *input, size_t input_len, StringInfo output, size_t output_max,
							int limit_ms);

/* A program that is looked after between other things. */
typedef struct HelperTalk HelperTalk;

extern HelperTalk *helper_talk_start(const char *name, int limit_ms);
extern void helper_talk_send(HelperTalk *talk, const char *data, size_t len);
extern void helper_talk_end_input(HelperTalk *talk);
extern bool helper_talk_turn(HelperTalk *talk, size_t output_max, HelperEnd *end);
extern StringInfo helper_talk_output(HelperTalk *talk);
extern pgsocket helper_talk_socket(const HelperTalk *talk);
extern uint32 helper_talk_events(const HelperTalk *talk);
extern void helper_talk_stop(HelperTalk *talk);

#endif							/* WAZO_AUTH_HELPER_PROCESS_H */
