/*
 * wait.c: wazo-auth-wait: until the server's port takes connections, at most a minute.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../kore_front/config_files.h"
#include "command.h"

#define SECONDS 60

static bool
takes_connections(const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found;
	bool		good = false;

	if (getaddrinfo("localhost", port, &hints, &found) != 0)
		return false;
	for (struct addrinfo *a = found; a != NULL && !good; a = a->ai_next)
	{
		int			fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		good = fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == 0;
		if (fd != -1)
			close(fd);
	}
	freeaddrinfo(found);
	return good;
}

/* Takes no arguments, as upstream's; a configuration file of another place is for tests. */
int
main(int argc, char **argv)
{
	const char *port;

	command_name = "wazo-auth-wait";
	port = tree_text(command_settings(argc == 3 && strcmp(argv[1], "-c") == 0 ? argv[2] : CONFIG_FILES_MAIN),
					 "rest_api.port");
	if (port == NULL)
		port = "9497";
	for (int i = 0; i < SECONDS; i++)
	{
		if (takes_connections(port))
			return 0;
		sleep(1);
	}
	command_fail("port %s takes no connections after %d seconds", port, SECONDS);
}
