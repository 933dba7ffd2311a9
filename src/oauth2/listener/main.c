/*
 * main.c
 *	  wazo-auth-oauth2-relay: waits at relays of OAuth2 for the relay worker.
 *
 * Reads from standard input, each with a zero byte at its end: the file of
 * authorities to trust; "yes" if relays may be at private addresses; and then
 * orders, "+key url" and "-key".  Writes "key message" when one has come, and
 * "! reason" when a relay cannot be reached.  Ends with its input.  The resolver,
 * the TLS library and the reader of WebSocket block and crash here, not in a
 * process of the server.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "oauth2/listener/relay_client.h"

#define MEMORY_BYTES	(1024L * 1024 * 1024)
#define FILES			2048
#define NAME_MAX_BYTES	4096

static void
limit(int resource, rlim_t value)
{
	struct rlimit both = {value, value};

	(void) setrlimit(resource, &both);
}

/* What a hostile relay can take, and what is left of the program when it crashes. */
static void
set_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_AS, MEMORY_BYTES);
	limit(RLIMIT_NOFILE, FILES);
	limit(RLIMIT_FSIZE, 0);
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
}

/* Reads a string of the input, byte by byte: what follows is for the event loop. */
static bool
read_string(char *room, size_t size)
{
	for (size_t i = 0; i < size; i++)
	{
		ssize_t		n;

		do
			n = read(STDIN_FILENO, room + i, 1);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			return false;
		if (room[i] == '\0')
			return true;
	}
	return false;
}

int
main(void)
{
	static char ca_file[NAME_MAX_BYTES];
	char		private_addresses[8];

	set_limits();
	if (!read_string(ca_file, sizeof(ca_file)) || !read_string(private_addresses, sizeof(private_addresses)))
		return 2;
	return relay_client_run(ca_file, *private_addresses != '\0');
}
