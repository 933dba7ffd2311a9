/*
 * metrics.c: what the workers count, and how it is shown, in the text format of Prometheus.
 *
 * Each worker counts in a part of its own of memory that all processes share, so that counting takes no lock, and the
 * process that shows it adds up. Labels have values from fixed lists: nobody can make their number grow, and nothing in
 * them is about a user.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "request.h"
#include "route.h"

#define N_BUCKETS 11			/* the last one has no end */

static const char *const lane_names[METRICS_LANES] = {"fast", "login", "slow"};

static const char *const methods[] = {"other", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

static const int statuses[] = {
	0, 200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 408, 409, 410, 413, 414, 415, 422, 429, 431, 500, 501, 502,
	503, 504
};

/* Upper ends in microseconds; of a token check and of a login with its hash alike. */
static const uint64_t buckets[N_BUCKETS - 1] = {
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 500000, 2500000
};

/*
 * Routes that a worker can tell apart. There are some 110, and those of plugins; requests of any beyond count as none.
 * Their names come from the database, not from clients.
 */
#define N_ROUTES 256
#define ROUTE_NAME_SIZE 96

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define N_METHODS LENGTH(methods)
#define N_STATUSES LENGTH(statuses)

typedef enum Outcome
{
	GRANTED,					/* a check that passes, a login that is let in */
	REFUSED,
	UNKNOWN,					/* no such token */
	LIMITED,					/* too many sessions, or too much at a time */
	INVALID,
	FAILED,
	N_OUTCOMES
} Outcome;

static const char *const outcome_names[N_OUTCOMES] = {"granted", "refused", "unknown", "limited", "invalid", "failed"};

/* What one worker counts. */
typedef struct Counters
{
	size_t		n_routes;		/* with a name; written last when there is a new one */
	char		route[N_ROUTES][ROUTE_NAME_SIZE];	/* the first one stands for none, and for those beyond */
	uint64_t	requests[N_ROUTES][N_METHODS][N_STATUSES];
	uint64_t	times[METRICS_LANES][N_BUCKETS];
	uint64_t	time[METRICS_LANES];	/* us, in all */
	uint64_t	checks[N_OUTCOMES];
	uint64_t	logins[N_OUTCOMES];
	LaneGauges	lanes[METRICS_LANES];
} Counters;

/* The first one is the parent's, for what is no worker's. */
static struct
{
	uint64_t	restarts;
	Counters	of[];
}		   *shared;
static int	n_workers;
static Counters *mine;

/* Makes room for so many workers; before they are started. Returns false when there is none. */
bool
metrics_init(int workers)
{
	size_t		size = sizeof(*shared) + (size_t) workers * sizeof(Counters);
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	shared = memory;
	n_workers = workers;
	return true;
}

/* From here on this process counts as that worker, from 0 on. One that follows another goes on with its counters. */
void
metrics_worker(int worker)
{
	if (shared == NULL || worker < 0 || worker >= n_workers)
		return;
	mine = &shared->of[worker];
	memset(mine->lanes, 0, sizeof(mine->lanes));
}

/* A worker has ended unexpectedly. */
void
metrics_restart(void)
{
	if (shared != NULL)
		shared->restarts++;
}

/* The place of a name in a list, 0 for none. */
static size_t
place(const char *const *names, size_t n, const char *name, size_t len)
{
	for (size_t i = 1; i < n; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return 0;
}

static size_t
status_place(int status)
{
	for (size_t i = 1; i < N_STATUSES; i++)
		if (statuses[i] == status)
			return i;
	return 0;
}

/* Whether a name can stand in a label as it is. */
static bool
name_is_plain(RouteName name)
{
	if (name.len == 0 || name.len >= ROUTE_NAME_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.s[i] <= ' ' || name.s[i] > '~' || name.s[i] == '"' || name.s[i] == '\\')
			return false;
	return true;
}

/* The place of a route among those that this worker has seen, 0 for none. */
static size_t
route_place(RouteName name)
{
	size_t		n = mine->n_routes;

	if (n == 0)
	{
		strcpy(mine->route[0], "other");
		__atomic_store_n(&mine->n_routes, n = 1, __ATOMIC_RELEASE);
	}
	if (!name_is_plain(name))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (strncmp(mine->route[i], name.s, name.len) == 0 && mine->route[i][name.len] == '\0')
			return i;
	if (n == N_ROUTES)
		return 0;
	memcpy(mine->route[n], name.s, name.len);
	mine->route[n][name.len] = '\0';
	__atomic_store_n(&mine->n_routes, n + 1, __ATOMIC_RELEASE);
	return n;
}

static Outcome
outcome_of(int status)
{
	if (status < 300)
		return GRANTED;
	switch (status)
	{
		case 401:
		case 403:
			return REFUSED;
		case 404:
			return UNKNOWN;
		case 429:
		case 503:
			return LIMITED;
		default:
			return status < 500 ? INVALID : FAILED;
	}
}

/*
 * Counts a request that is answered. lane: -1 for one that got to none. req: NULL or without a method when it could not
 * be read. route: what it counts as; none for what no route is for, and what was answered before one was looked for.
 */
void
metrics_request(int lane, const Request *req, const char *buf, const RouteName *route, int status,
				uint64_t microseconds)
{
	bool		read = req != NULL && req->method_len > 0;
	size_t		method = read ? place(methods, N_METHODS, buf + req->method, req->method_len) : 0;
	int			bucket = 0;

	if (mine == NULL)
		return;
	mine->requests[route_place(*route)][method][status_place(status)]++;
	if (lane < 0 || lane >= METRICS_LANES)
		return;
	while (bucket < N_BUCKETS - 1 && microseconds > buckets[bucket])
		bucket++;
	mine->times[lane][bucket]++;
	mine->time[lane] += microseconds;
	if (lane == 0)
		mine->checks[outcome_of(status)]++;
	else if (lane == 1 && route_name_is(*route, "/token"))
		mine->logins[outcome_of(status)]++;
}

/* Notes what a lane is at. */
void
metrics_lane(int lane, const LaneGauges *gauges)
{
	if (mine != NULL)
		mine->lanes[lane] = *gauges;
}

/* ---- showing it ---- */

static void
add(Bytes *out, const char *text)
{
	bytes_add(out, text, strlen(text));
}

static void
add_head(Bytes *out, const char *name, const char *type, const char *help)
{
	char		line[256];

	snprintf(line, sizeof(line), "# HELP wazo_auth_%s %s\n# TYPE wazo_auth_%s %s\n", name, help, name, type);
	add(out, line);
}

/* The sum over all workers of the number at an offset of their counters. */
static uint64_t
sum(size_t offset)
{
	uint64_t	total = 0;

	for (int i = 0; i < n_workers; i++)
		total += *(const volatile uint64_t *) (const void *) ((const char *) &shared->of[i] + offset);
	return total;
}

/* How many routes a worker has names of. */
static size_t
routes_of(const Counters *counters)
{
	return __atomic_load_n(&counters->n_routes, __ATOMIC_ACQUIRE);
}

/* Whether a worker before this one has the route, and has told of it for all. */
static bool
told_before(int worker, const char *route)
{
	for (int i = 0; i < worker; i++)
		for (size_t r = routes_of(&shared->of[i]); r-- > 0;)
			if (strcmp(shared->of[i].route[r], route) == 0)
				return true;
	return false;
}

/* Adds the requests of a route to the totals, if this worker has answered some. */
static void
sum_route(const Counters *counters, const char *route, uint64_t totals[N_METHODS][N_STATUSES])
{
	for (size_t r = routes_of(counters); r-- > 0;)
		if (strcmp(counters->route[r], route) == 0)
			for (size_t m = 0; m < N_METHODS; m++)
				for (size_t s = 0; s < N_STATUSES; s++)
					totals[m][s] += *(const volatile uint64_t *) &counters->requests[r][m][s];
}

/* Adds the samples of a route. No worker before this one has it. */
static void
add_route(Bytes *out, int worker, const char *route)
{
	uint64_t	totals[N_METHODS][N_STATUSES] = {{0}};
	char		line[256];

	for (; worker < n_workers; worker++)
		sum_route(&shared->of[worker], route, totals);
	for (size_t m = 0; m < N_METHODS; m++)
		for (size_t s = 0; s < N_STATUSES; s++)
		{
			if (totals[m][s] == 0)
				continue;
			snprintf(line, sizeof(line), "wazo_auth_requests_total{route=\"%s\",method=\"%s\",status=\"%d\"} %llu\n",
					 route, methods[m], statuses[s], (unsigned long long) totals[m][s]);
			add(out, line);
		}
}

static void
add_requests(Bytes *out)
{
	add_head(out, "requests_total", "counter", "Requests answered, by the template of their route.");
	for (int i = 0; i < n_workers; i++)
		for (size_t r = 0; r < routes_of(&shared->of[i]); r++)
			if (!told_before(i, shared->of[i].route[r]))
				add_route(out, i, shared->of[i].route[r]);
}

static void
add_times(Bytes *out)
{
	char		line[256];

	add_head(out, "request_seconds", "histogram", "Time from a complete request to its answer, by lane.");
	for (size_t lane = 0; lane < METRICS_LANES; lane++)
	{
		uint64_t	n = 0;

		for (size_t b = 0; b < N_BUCKETS; b++)
		{
			char		end[24] = "+Inf";

			n += sum(offsetof(Counters, times) + (lane * N_BUCKETS + b) * sizeof(uint64_t));
			if (b < N_BUCKETS - 1)
				snprintf(end, sizeof(end), "%g", (double) buckets[b] / 1e6);
			snprintf(line, sizeof(line), "wazo_auth_request_seconds_bucket{lane=\"%s\",le=\"%s\"} %llu\n",
					 lane_names[lane], end, (unsigned long long) n);
			add(out, line);
		}
		snprintf(line, sizeof(line), "wazo_auth_request_seconds_sum{lane=\"%s\"} %.6f\n"
				 "wazo_auth_request_seconds_count{lane=\"%s\"} %llu\n", lane_names[lane],
				 (double) sum(offsetof(Counters, time) + lane * sizeof(uint64_t)) / 1e6, lane_names[lane],
				 (unsigned long long) n);
		add(out, line);
	}
}

static void
add_outcomes(Bytes *out, const char *name, const char *help, size_t offset)
{
	char		line[256];

	add_head(out, name, "counter", help);
	for (size_t o = 0; o < N_OUTCOMES; o++)
	{
		snprintf(line, sizeof(line), "wazo_auth_%s{outcome=\"%s\"} %llu\n", name, outcome_names[o],
				 (unsigned long long) sum(offset + o * sizeof(uint64_t)));
		add(out, line);
	}
}

static void
add_gauge(Bytes *out, const char *name, const char *label, const char *help, size_t offset)
{
	char		line[256];

	if (help != NULL)
		add_head(out, name, "gauge", help);
	for (size_t lane = 0; lane < METRICS_LANES; lane++)
	{
		snprintf(line, sizeof(line), "wazo_auth_%s{lane=\"%s\"%s} %llu\n", name, lane_names[lane], label,
				 (unsigned long long) sum(offsetof(Counters, lanes) + lane * sizeof(LaneGauges) + offset));
		add(out, line);
	}
}

/* Adds everything that the front counts. */
void
metrics_write(Bytes *out)
{
	char		line[64];

	if (shared == NULL)
		return;
	add_requests(out);
	add_times(out);
	add_outcomes(out, "checks_total", "Token checks, by outcome.", offsetof(Counters, checks));
	add_outcomes(out, "logins_total", "Logins, by outcome.", offsetof(Counters, logins));
	add_gauge(out, "queued_requests", "", "Requests that wait for their turn, by lane.", offsetof(LaneGauges, queued));
	add_gauge(out, "database_requests", "", "Requests that the database works on, by lane.",
			  offsetof(LaneGauges, under_way));
	add_gauge(out, "database_connections", ",state=\"ready\"", "Connections to the database, by lane.",
			  offsetof(LaneGauges, ready));
	add_gauge(out, "database_connections", ",state=\"opening\"", NULL, offsetof(LaneGauges, opening));
	add_head(out, "worker_restarts_total", "counter", "Workers of the front that ended unexpectedly.");
	snprintf(line, sizeof(line), "wazo_auth_worker_restarts_total %llu\n", (unsigned long long) shared->restarts);
	add(out, line);
}
