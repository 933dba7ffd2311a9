/*
 * sandboxed.h
 *	  How an act ends in a process of its own that has entered a sandbox.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SANDBOXED_H
#define WAZO_AUTH_SANDBOXED_H

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the program that includes this: enters the sandbox, or ends the process with 99. */
static void enter(void);

/* The status of a process that does this in the sandbox, as waitpid() tells it, or -1. */
static int
end_of(int (*act) (void))
{
	int			status;
	pid_t		pid = fork();

	if (pid == 0)
	{
		enter();
		_exit(act() != 0 ? 1 : 0);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Does the sandbox end who does this? */
static bool
is_ended(int (*act) (void))
{
	int			status = end_of(act);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* Does it return 0 there? */
static bool
works(int (*act) (void))
{
	int			status = end_of(act);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
run_program(void)
{
	char	   *const argv[] = {"/bin/true", NULL};

	return execv(argv[0], argv);
}

#endif							/* WAZO_AUTH_SANDBOXED_H */
