/*
 * step_limit.c
 *	  A time limit for each step of the program, whatever code it is in.
 *
 * Name resolution, TLS handshakes and answers that come in byte by byte have
 * no limit, or none for the whole, in the libraries that do them.  A signal
 * has: its handler answers for the program and ends it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ldap/program/step_limit.h"

static const char *volatile current_step = "starting";

/* A word of the answer with its zero byte; for a signal handler. */
static void
write_word(const char *word)
{
	if (write(STDOUT_FILENO, word, strlen(word) + 1) < 0)
		_exit(1);
}

/* Answers that the step took too long, and ends the program. */
void
step_late(void)
{
	write_word("timeout");
	write_word(current_step);
	write_word("");
	_exit(0);
}

static void
time_is_up(int signal_number)
{
	(void) signal_number;
	step_late();
}

/* Once, at the start. */
void
step_limit_init(void)
{
	struct sigaction action = {.sa_handler = time_is_up};

	sigaction(SIGALRM, &action, NULL);
}

/* What the program does from now on, for STEP_SECONDS at most; a literal. */
void
step_begin(const char *step)
{
	current_step = step;
	(void) alarm(STEP_SECONDS);
}

/* The step that is going on. */
const char *
step_name(void)
{
	return current_step;
}
