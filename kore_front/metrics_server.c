/*
 * metrics_server.c: the listener for /metrics: a port and a process of its own.
 *
 * What watches the service must be answered while the workers are busy, and whoever may reach the API must not reach
 * this. One request at a time, each with a short limit; what the front counts comes from shared memory, what the
 * database tells from wazo_auth.metrics(), over a connection that is kept.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "metrics_server.h"

#include <errno.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "kore_release.h"
#include "log.h"
#include "metrics.h"
#include "sandbox.h"

#define BACKLOG 16
#define REQUEST_MOST 8192		/* bytes */
#define SECONDS 5				/* for a client to send and to take */
#define PAUSE 1000				/* ms, from its end to the next start */

static int	listen_fd = -1;
static pid_t running;
static uint64_t next_start;		/* ms */

/* Makes the socket, as long as the program may still do so. Ends the program with status 1 when that fails. */
void
metrics_server_listen(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char		port[16];
	int			one = 1;
	int			r;

	if (front_config.metrics_port == 0)
		return;
	snprintf(port, sizeof(port), "%d", front_config.metrics_port);
	r = getaddrinfo(front_config.metrics_address, port, &hints, &found);
	if (r == 0)
		listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listen_fd == -1 || setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(listen_fd, found->ai_addr, found->ai_addrlen) != 0 || listen(listen_fd, BACKLOG) != 0)
	{
		fprintf(stderr, "wazo-auth: cannot listen on %s port %s for metrics: %s\n", front_config.metrics_address, port,
				r != 0 ? gai_strerror(r) : strerror(errno));
		exit(1);
	}
	freeaddrinfo(found);
}

/* ---- the process ---- */

static void
ignore_notice(void *arg, const PGresult *res)
{
	(void) arg;
	(void) res;
}

/* A connection that is kept from one call to the next; NULL while there is none. */
static PGconn *
connection(void)
{
	static const char *const keywords[] = {"gssencmode", "application_name", "connect_timeout", "dbname", "options",
	NULL};
	const char *values[] = {
		"disable", "wazo-auth metrics", "2", front_config.database, "-c statement_timeout=3000", NULL
	};
	static PGconn *pg;

	if (pg != NULL && PQstatus(pg) == CONNECTION_OK)
		return pg;
	PQfinish(pg);
	pg = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(pg) != CONNECTION_OK)
		return NULL;
	PQsetNoticeReceiver(pg, ignore_notice, NULL);
	return pg;
}

static void
add_database(Bytes *out)
{
	PGconn	   *pg = connection();
	PGresult   *res = pg != NULL ? PQexec(pg, "SELECT wazo_auth.metrics()") : NULL;
	bool		up = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1;

	BYTES_ADD(out, "# HELP wazo_auth_database_up Does the database answer?\n# TYPE wazo_auth_database_up gauge\n");
	if (up)
	{
		BYTES_ADD(out, "wazo_auth_database_up 1\n");
		bytes_add(out, PQgetvalue(res, 0, 0), (size_t) PQgetlength(res, 0, 0));
	}
	else
		BYTES_ADD(out, "wazo_auth_database_up 0\n");
	PQclear(res);
	if (!up && pg != NULL)
		PQreset(pg);			/* after a lost connection; the next call looks whether it is back */
}

/* Reads up to the end of the header. Returns whether it is a GET of /metrics; false is sent its own answer. */
static bool
wants_metrics(int fd, bool *readable)
{
	char		buf[REQUEST_MOST + 1];
	size_t		len = 0;

	*readable = false;
	while (len < REQUEST_MOST)
	{
		ssize_t		n = recv(fd, buf + len, REQUEST_MOST - len, 0);

		if (n <= 0)
			return false;
		len += (size_t) n;
		buf[len] = '\0';
		if (strstr(buf, "\r\n\r\n") != NULL)
		{
			*readable = true;
			return strncmp(buf, "GET /metrics", 12) == 0 && (buf[12] == ' ' || buf[12] == '?');
		}
	}
	return false;
}

static void
send_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t) n;
	}
}

static void
serve(int fd)
{
	struct timeval limit = {.tv_sec = SECONDS};
	Bytes		body = {0};
	char		head[256];
	bool		readable;
	bool		good;

	(void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	good = wants_metrics(fd, &readable);
	if (good)
	{
		metrics_write(&body);
		add_database(&body);
	}
	if (readable)
	{
		snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
				 "Content-Length: %zu\r\nConnection: close\r\n\r\n", good ? "200 OK" : "404 Not Found", body.len);
		send_all(fd, head, strlen(head));
		send_all(fd, body.data, body.len);
	}
	bytes_free(&body);
	close(fd);
}

static void
__attribute__((noreturn))
serve_all(void)
{
	for (;;)
	{
		int			fd = accept(listen_fd, NULL, NULL);

		if (fd != -1)
			serve(fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			(void) poll(NULL, 0, 1000); /* out of descriptors, say */
	}
}

/* ---- the parent ---- */

static void
__attribute__((noreturn))
be_the_process(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t	none;

	sigaction(SIGTERM, &plain, NULL);
	sigaction(SIGINT, &plain, NULL);
	sigaction(SIGQUIT, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	kore_platform_proctitle("[metrics]");
	log_start_child();
	sandbox_enter();
	serve_all();
}

/* Starts the process, if there is a port for it and it is due. Returns ms until it is, -1 for nothing to wait for. */
int64_t
metrics_server_turn(void)
{
	uint64_t	now = kore_time_ms();

	if (listen_fd == -1 || running != 0)
		return -1;
	if (now < next_start)
		return (int64_t) (next_start - now);
	running = fork();
	if (running == 0)
		be_the_process();
	if (running > 0)
		return -1;
	front_log(LOG_ERR, "cannot start the process for metrics: %s", strerror(errno));
	running = 0;
	next_start = now + PAUSE;
	return PAUSE;
}

/* The end of a child. Returns whether it was this one, which is started again after a pause. */
bool
metrics_server_ended(pid_t pid, int status)
{
	if (pid != running || running == 0)
		return false;
	running = 0;
	next_start = kore_time_ms() + PAUSE;
	if (WIFSIGNALED(status))
		front_log(LOG_ERR, "the process for metrics was ended by signal %d%s; starting another in %d ms", WTERMSIG(status),
				  WTERMSIG(status) == SIGSYS ? " (system call refused by the sandbox)" : "", PAUSE);
	else
		front_log(LOG_ERR, "the process for metrics ended with status %d; starting another in %d ms", WEXITSTATUS(status),
				  PAUSE);
	return true;
}

/* Ends it; for the end of the program. */
void
metrics_server_stop(void)
{
	if (running != 0)
		(void) kill(running, SIGKILL);
	running = 0;
	if (listen_fd != -1)
		(void) close(listen_fd);
	listen_fd = -1;
}
