/*
 * log.c: the front's log: where its lines go, and messages of the front about itself.
 *
 * Lines of requests (access_log.c) are gathered per worker and written at most 50 ms later, in pieces of whole lines
 * small enough that a pipe keeps those of several workers apart.
 *
 * Below everything else, so that whatever fails can say so: it knows neither the configuration nor requests.
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

#include "kore_release.h"

#define PIECE 4096				/* PIPE_BUF of Linux: written in one go */
#define FLUSH_AFTER_MS 50

static const char *log_file;	/* NULL: standard error */
static int	log_level = LOG_INFO;
static bool log_json;
static int	log_fd = STDERR_FILENO;
static bool log_may_block;		/* a pipe, socket or terminal: never wait for its reader */
static volatile sig_atomic_t reopen_wanted;
static char pending[16 * PIECE];
static size_t pending_len;
static bool flush_planned;
static bool in_worker;
static unsigned long dropped;
static pid_t log_pid;

/*
 * Says how to log. file: stays the caller's, NULL: standard error. level: of syslog.h, the last that is written.
 * json: an object a line.
 */
void
log_configure(const char *file, int level, bool json)
{
	log_file = file;
	log_level = level;
	log_json = json;
}

/* Whether messages of that level are written. */
bool
log_wants(int level)
{
	return level <= log_level;
}

/* Whether a line is a JSON object. */
bool
log_is_json(void)
{
	return log_json;
}

/* Opens the log (again). Returns 0, or -1 with errno; the old one then stays in use. */
int
log_open(void)
{
	struct stat st;

	if (log_file != NULL)
	{
		int			fd = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

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

/* Writes the gathered lines. */
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
size_t
log_add_time(char *out, size_t size)
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
size_t
log_add_json(char *out, size_t size, const char *text, size_t len)
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
size_t
log_begin_json(char *out, size_t size)
{
	size_t		n = (size_t) snprintf(out, size, "{\"time\": \"");

	n += log_add_time(out + n, size - n);
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

	if (!log_wants(level))
		return;
	va_start(args, fmt);
	len = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	while (len > 0 && len < (int) sizeof(message) && message[len - 1] == '\n')
		message[--len] = '\0';
	for (char *c = message; *c != '\0'; c++)
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (log_json)
	{
		n = log_begin_json(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"pid\": %d, \"level\": \"%s\", \"message\": ",
							   (int) log_pid, names[level & 7]);
		n += log_add_json(line + n, sizeof(line) - n - 2, message, strlen(message));
		line[n++] = '}';
	}
	else
	{
		n = log_add_time(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, " [%d] %s: %s", (int) log_pid, names[level & 7], message);
	}
	line[n++] = '\n';
	log_flush();
	write_lines(line, n);
}

/* Has a line of a request written, soon: together with others in a worker. */
void
log_gather(const char *line, size_t len)
{
	if (pending_len + len > sizeof(pending))
		log_flush();
	memcpy(pending + pending_len, line, len);
	pending_len += len;
	if (!flush_planned && in_worker)
	{
		flush_planned = true;
		(void) kore_timer_add(flush_timer, FLUSH_AFTER_MS, NULL, KORE_TIMER_ONESHOT);
	}
}
