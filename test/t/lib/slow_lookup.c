/*
 * slow_lookup.c
 *	  A name server that does not answer, for one name: getaddrinfo("slow.test")
 *	  does not return before the file that $SLOW_LOOKUP names is gone, and then
 *	  with this machine's address.  To be preloaded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
	int			(*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);
	const char *file = getenv("SLOW_LOOKUP");

	real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (host && file && strcmp(host, "slow.test") == 0)
	{
		while (access(file, F_OK) == 0)
			usleep(10000);
		host = "127.0.0.1";
	}
	return real(host, service, hints, list);
}
