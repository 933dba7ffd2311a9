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
#include <string.h>
#include <unistd.h>

#include "oauth2/listener/relay_client.h"
#include "plain/process_limits.h"

#define NAME_MAX_BYTES	4096

/* What a hostile relay can take. */
static const ProcessLimits limits = {.memory = 1024L * 1024 * 1024, .files = 2048};

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

	if (!process_limits_set(&limits))
		return EXIT_NOT_LIMITED;
	if (!read_string(ca_file, sizeof(ca_file)) || !read_string(private_addresses, sizeof(private_addresses)))
		return 2;
	return relay_client_run(ca_file, *private_addresses != '\0');
}
