/*
 * log.c: the front's log: one line a request, and messages about itself.
 *
 * No token, password, header value or body is ever written. Access lines are gathered per worker and written at most
 * 50 ms later, in pieces of whole lines small enough that a pipe keeps those of several workers apart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "kore_release.h"
#include "mask.h"

#define PIECE 4096				/* PIPE_BUF of Linux: written in one go */
#define FLUSH_AFTER_MS 50
#define TARGET_SIZE 1024		/* of a target that is shown */

static int	log_fd = STDERR_FILENO;
static bool log_may_block;		/* a pipe, socket or terminal: never wait for its reader */
static volatile sig_atomic_t reopen_wanted;
static char pending[16 * PIECE];
static size_t pending_len;
static bool flush_planned;
static bool in_worker;
static unsigned long dropped;
static pid_t log_pid;

/* Microseconds of the monotonic clock. */
uint64_t
front_time_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

/* Opens the log (again). Returns 0, or -1 with errno; the old one then stays in use. */
int
log_open(void)
{
	struct stat st;

	if (front_config.log_file != NULL)
	{
		int			fd = open(front_config.log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

		if (fd == -1)
			return -1;
		if (log_fd != STDERR_FILENO)
			close(log_fd);
		log_fd = fd;
	}
	log_may_block = fstat(log_fd, &st) == 0 && !S_ISREG(st.st_mode);
	log_pid = getpid();
	return 0;
}

/* Signal handler of SIGHUP: the file is opened again before the next write. */
void
log_request_reopen(int sig)
{
	(void) sig;
	reopen_wanted = 1;
}

/* Writes whole lines; what a reader is too slow for is dropped and counted, a request must not wait for the log. */
static void
write_lines(const char *data, size_t len)
{
	if (reopen_wanted)
	{
		reopen_wanted = 0;
		(void) log_open();
	}
	while (len > 0)
	{
		size_t		piece = len;
		ssize_t		n;

		if (piece > PIECE)
		{
			piece = PIECE;
			while (piece > 0 && data[piece - 1] != '\n')
				piece--;
			if (piece == 0)
				piece = PIECE;
		}
		if (log_may_block)
		{
			struct pollfd p = {.fd = log_fd, .events = POLLOUT};

			if (poll(&p, 1, 0) != 1)
			{
				dropped++;
				return;
			}
		}
		n = write(log_fd, data, piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			dropped++;
			return;
		}
		data += n;
		len -= (size_t) n;
	}
	if (dropped > 0)
	{
		char		line[80];
		int			n = snprintf(line, sizeof(line), "[%d] warning: the log was too slow, %lu writes dropped\n",
								 (int) log_pid, dropped);

		dropped = 0;
		if (write(log_fd, line, (size_t) n) < 0)
			dropped++;
	}
}

/* Writes the gathered access lines. */
void
log_flush(void)
{
	if (pending_len > 0)
		write_lines(pending, pending_len);
	pending_len = 0;
}

static void
flush_timer(void *arg, u_int64_t now)
{
	(void) arg;
	(void) now;
	flush_planned = false;
	log_flush();
}

/* In another child of the parent: its lines bear its own process id. */
void
log_start_child(void)
{
	log_pid = getpid();
}

/* In a worker: from here on lines are gathered, the event loop runs the timer. */
void
log_worker_start(void)
{
	in_worker = true;
	log_pid = getpid();
}

/* UTC with milliseconds; the part up to the second is made once a second. */
static size_t
add_time(char *out, size_t size)
{
	static time_t last;
	static char text[32];
	struct timespec ts;
	int			n;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != last)
	{
		struct tm	tm;

		gmtime_r(&ts.tv_sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		last = ts.tv_sec;
	}
	n = snprintf(out, size, "%s.%03ldZ", text, ts.tv_nsec / 1000000);
	return (size_t) n;
}

/* Adds a text as a JSON string, cut where there is no more room. Bytes beyond ASCII are written as escapes. */
static size_t
add_json(char *out, size_t size, const char *text, size_t len)
{
	size_t		n = 0;

	out[n++] = '"';
	for (size_t i = 0; i < len && n + 8 < size; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
		{
			out[n++] = '\\';
			out[n++] = (char) c;
		}
		else if (c < 0x20 || c >= 0x7f)
			n += (size_t) snprintf(out + n, size - n, "\\u%04x", c);
		else
			out[n++] = (char) c;
	}
	out[n++] = '"';
	return n;
}

/* Begins an object with the time. */
static size_t
begin_json(char *out, size_t size)
{
	size_t		n = (size_t) snprintf(out, size, "{\"time\": \"");

	n += add_time(out + n, size - n);
	out[n++] = '"';
	return n;
}

/*
 * Writes a message about the front itself. level: of syslog.h. The caller sees to it that no secret is among the
 * arguments; control characters are replaced, so that nothing can forge a line.
 */
void
front_log(int level, const char *fmt,...)
{
	static const char *const names[] = {
		"critical", "critical", "critical", "error", "warning", "info", "info", "debug"
	};
	char		message[900];
	char		line[sizeof(message) * 6 + 128];
	size_t		n;
	int			len;
	va_list		args;

	if (level > front_config.log_level)
		return;
	va_start(args, fmt);
	len = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	while (len > 0 && len < (int) sizeof(message) && message[len - 1] == '\n')
		message[--len] = '\0';
	for (char *c = message; *c != '\0'; c++)
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (front_config.log_json)
	{
		n = begin_json(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"pid\": %d, \"level\": \"%s\", \"message\": ",
							   (int) log_pid, names[level & 7]);
		n += add_json(line + n, sizeof(line) - n - 2, message, strlen(message));
		line[n++] = '}';
	}
	else
	{
		n = add_time(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, " [%d] %s: %s", (int) log_pid, names[level & 7], message);
	}
	line[n++] = '\n';
	log_flush();
	write_lines(line, n);
}

/*
 * Adds the line of one request: time, peer, "METHOD target", status, bytes sent, milliseconds, trace id or "-".
 * req: NULL or with method_len 0 when the request could not be read.
 */
void
log_access(const char *peer, const Request *req, const char *buf, int status, uint64_t bytes, uint64_t microseconds)
{
	char		target[TARGET_SIZE];
	char		line[6 * TARGET_SIZE + 1024];
	size_t		method_len = 0;
	size_t		target_len = 0;
	size_t		n;
	const char *trace = NULL;

	if (front_config.log_level < LOG_INFO)
		return;
	if (req != NULL && req->method_len > 0)
	{
		method_len = req->method_len;
		target_len = log_mask_target(buf + req->target, req->target_len, target, sizeof(target));
		trace = log_trace_id(req, buf);
	}
	if (front_config.log_json)
	{
		n = begin_json(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"peer\": \"%s\", \"method\": ", peer);
		n += add_json(line + n, 256, method_len > 0 ? buf + req->method : "", method_len);
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"target\": ");
		n += add_json(line + n, sizeof(line) - n - 256, target, target_len);
		n += (size_t) snprintf(line + n, sizeof(line) - n,
							   ", \"status\": %d, \"bytes\": %llu, \"ms\": %llu.%03llu, \"trace\": \"%.*s\"}\n", status,
							   (unsigned long long) bytes, (unsigned long long) (microseconds / 1000),
							   (unsigned long long) (microseconds % 1000), trace != NULL ? 32 : 0,
							   trace != NULL ? trace : "");
	}
	else
	{
		n = add_time(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, " %s \"%.*s%s%.*s\" %d %llu %llu.%03llu %.*s\n", peer,
							   method_len > 0 ? (int) method_len : 1, method_len > 0 ? buf + req->method : "-",
							   method_len > 0 ? " " : "", (int) target_len, target, status, (unsigned long long) bytes,
							   (unsigned long long) (microseconds / 1000), (unsigned long long) (microseconds % 1000),
							   trace != NULL ? 32 : 1, trace != NULL ? trace : "-");
	}
	if (pending_len + n > sizeof(pending))
		log_flush();
	memcpy(pending + pending_len, line, n);
	pending_len += n;
	if (!flush_planned && in_worker)
	{
		flush_planned = true;
		(void) kore_timer_add(flush_timer, FLUSH_AFTER_MS, NULL, KORE_TIMER_ONESHOT);
	}
}

/*
 * Tells where the time of a request went that took long: what it waited for its turn, and what the database took.
 * took, waited: us.
 */
void
log_slow(const Request *req, const char *buf, int status, const char *lane, uint64_t took, uint64_t waited)
{
	char		target[512];
	size_t		len = log_mask_target(buf + req->target, req->target_len, target, sizeof(target));
	const char *trace = log_trace_id(req, buf);

	front_log(LOG_WARNING, "slow request: %.*s %.*s, %d after %llu ms: %llu ms in the queue of the %s lane, %llu ms in the "
			  "database%s%.*s", (int) req->method_len, buf + req->method, (int) len, target, status,
			  (unsigned long long) (took / 1000), (unsigned long long) (waited / 1000), lane,
			  (unsigned long long) ((took - waited) / 1000), trace != NULL ? ", trace " : "", trace != NULL ? 32 : 0,
			  trace != NULL ? trace : "");
}
