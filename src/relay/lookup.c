/*
 * lookup.c
 *	  Looking up a host's addresses without waiting for the name server.
 *
 * getaddrinfo() can neither be interrupted nor limited in time, and does what
 * nsswitch.conf says, which no other resolver does.  So it runs in a thread,
 * which calls nothing of PostgreSQL, takes no signals, and tells its end by a
 * descriptor to wait for.  Who loses interest does not wait: the thread then
 * frees what it has found.  The SMTP library does the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/atomics.h"

#include "relay/lookup.h"

/* From malloc(), since it may outlive whoever asked. */
struct Lookup
{
	pg_atomic_uint32 users;		/* the thread and the one who asked; the last one frees */
	pg_atomic_uint32 done;
	int			event;			/* readable once it is done */
	int			result;			/* of getaddrinfo() */
	struct addrinfo *addresses;
	char		service[16];
	char		host[FLEXIBLE_ARRAY_MEMBER];
};

static void
drop(Lookup *lookup)
{
	if (pg_atomic_sub_fetch_u32(&lookup->users, 1) > 0)
		return;
	if (lookup->addresses)
		freeaddrinfo(lookup->addresses);
	close(lookup->event);
	free(lookup);
}

static void *
run(void *arg)
{
	Lookup	   *lookup = arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	uint64		one = 1;

	lookup->result = getaddrinfo(lookup->host, lookup->service, &hints, &lookup->addresses);
	if (lookup->result != 0)
		lookup->addresses = NULL;
	pg_memory_barrier();
	pg_atomic_write_u32(&lookup->done, 1);
	if (write(lookup->event, &one, sizeof(one)) < 0)
	{
		/* it cannot be full */
	}
	drop(lookup);
	return NULL;
}

static bool
start_thread(Lookup *lookup)
{
	pthread_attr_t attributes;
	pthread_t	thread;
	sigset_t	all;
	sigset_t	save;
	bool		ok;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* signals are for this process's handlers, which know no threads */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &save);
	ok = pthread_create(&thread, &attributes, run, lookup) == 0;
	sigprocmask(SIG_SETMASK, &save, NULL);
	(void) pthread_attr_destroy(&attributes);
	return ok;
}

/*
 * lookup_start
 *
 * Begins to look up the addresses of a host, a name or an address, for TCP.
 * Returns NULL when the system has no memory, thread or descriptor for it.
 */
Lookup *
lookup_start(const char *host, int port)
{
	Lookup	   *lookup = calloc(1, offsetof(Lookup, host) + strlen(host) + 1);

	if (lookup == NULL)
		return NULL;
	strcpy(lookup->host, host);
	snprintf(lookup->service, sizeof(lookup->service), "%d", port);
	pg_atomic_init_u32(&lookup->users, 2);
	pg_atomic_init_u32(&lookup->done, 0);
	lookup->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lookup->event >= 0 && start_thread(lookup))
		return lookup;
	if (lookup->event >= 0)
		close(lookup->event);
	free(lookup);
	return NULL;
}

/* What becomes readable when it is done. */
pgsocket
lookup_socket(const Lookup *lookup)
{
	return lookup->event;
}

bool
lookup_is_done(const Lookup *lookup)
{
	return pg_atomic_read_u32(&unconstify(Lookup *, lookup)->done) != 0;
}

/*
 * lookup_result
 *
 * Of a lookup that is done: 0, or getaddrinfo()'s code of the error.  The
 * addresses live as long as the lookup.
 */
int
lookup_result(const Lookup *lookup, struct addrinfo **addresses)
{
	Assert(lookup_is_done(lookup));
	pg_memory_barrier();
	*addresses = lookup->addresses;
	return lookup->result;
}

/* Forgets a lookup, done or not, without waiting for it. */
void
lookup_free(Lookup *lookup)
{
	drop(lookup);
}
