/*
 * metrics_test.c: what the front counts, and how it shows it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../kore_front/log.h"
#include "../../kore_front/metrics.h"
#include "../../kore_front/request.h"
#include "../../kore_front/route.h"
#include "../../kore_front/request.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

void
front_log(int level, const char *fmt,...)
{
	(void) level;
	(void) fmt;
}

static void
count(int lane, const char *method, const char *route, int status, uint64_t us)
{
	Request		req = {.method_len = (uint32_t) strlen(method)};

	metrics_request(lane, &req, method, &(RouteName) {route, strlen(route)}, status, us);
}

static char *
shown(void)
{
	Bytes		out = {0};

	metrics_write(&out);
	bytes_add(&out, "", 1);
	return out.data;
}

static void
has(const char *text, const char *line)
{
	char		whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	ok(strstr(text, whole) != NULL, "%s", line);
}

static void
test_counting(void)
{
	LaneGauges	gauges = {.queued = 3, .under_way = 2, .ready = 4, .opening = 1};
	char	   *text;

	metrics_worker(0);
	count(0, "HEAD", "/token/{token_uuid}", 204, 499);
	count(0, "HEAD", "/token/{token_uuid}", 404, 600);
	count(0, "GET", "/token/{token_uuid}", 403, 2500001);
	count(1, "POST", "/token", 200, 30000);
	count(1, "POST", "/token", 401, 30000);
	count(1, "POST", "/token", 429, 10);
	count(1, "POST", "/users/password/reset", 204, 10);
	metrics_lane(0, &gauges);
	metrics_worker(1);
	count(2, "GET", "/users/{user_uuid}", 200, 1500);
	count(0, "HEAD", "/token/{token_uuid}", 204, 499);
	count(2, "BREW", "", 404, 1500);
	count(-1, "GET", "/users/{user_uuid}", 418, 0);
	count(2, "GET", "/a\"} 1\nevil{", 200, 1500);
	metrics_request(-1, NULL, NULL, &(RouteName) {NULL, 0}, 400, 0);
	metrics_lane(0, &gauges);
	metrics_restart();
	text = shown();
	has(text, "wazo_auth_requests_total{route=\"/token/{token_uuid}\",method=\"HEAD\",status=\"204\"} 2");
	has(text, "wazo_auth_requests_total{route=\"/users/{user_uuid}\",method=\"GET\",status=\"200\"} 1");
	has(text, "wazo_auth_requests_total{route=\"/users/{user_uuid}\",method=\"GET\",status=\"0\"} 1");
	has(text, "wazo_auth_requests_total{route=\"other\",method=\"other\",status=\"404\"} 1");
	has(text, "wazo_auth_requests_total{route=\"other\",method=\"other\",status=\"400\"} 1");
	has(text, "wazo_auth_requests_total{route=\"other\",method=\"GET\",status=\"200\"} 1");
	has(text, "wazo_auth_request_seconds_bucket{lane=\"fast\",le=\"0.0005\"} 2");
	has(text, "wazo_auth_request_seconds_bucket{lane=\"fast\",le=\"0.001\"} 3");
	has(text, "wazo_auth_request_seconds_bucket{lane=\"fast\",le=\"2.5\"} 3");
	has(text, "wazo_auth_request_seconds_bucket{lane=\"fast\",le=\"+Inf\"} 4");
	has(text, "wazo_auth_request_seconds_count{lane=\"login\"} 4");
	has(text, "wazo_auth_request_seconds_sum{lane=\"slow\"} 0.004500");
	has(text, "wazo_auth_checks_total{outcome=\"granted\"} 2");
	has(text, "wazo_auth_checks_total{outcome=\"refused\"} 1");
	has(text, "wazo_auth_checks_total{outcome=\"unknown\"} 1");
	has(text, "wazo_auth_logins_total{outcome=\"granted\"} 1");
	has(text, "wazo_auth_logins_total{outcome=\"refused\"} 1");
	has(text, "wazo_auth_logins_total{outcome=\"limited\"} 1");
	has(text, "wazo_auth_queued_requests{lane=\"fast\"} 6");
	has(text, "wazo_auth_database_connections{lane=\"fast\",state=\"ready\"} 8");
	has(text, "wazo_auth_worker_restarts_total 1");
	ok(strstr(text, "evil") == NULL, "a name that cannot stand in a label");
	free(text);
	/* A worker that took another's place: its requests count on, what it is at begins anew. */
	metrics_worker(0);
	text = shown();
	has(text, "wazo_auth_queued_requests{lane=\"fast\"} 3");
	has(text, "wazo_auth_request_seconds_count{lane=\"fast\"} 4");
	free(text);
}

/* Each line is a comment or a sample, and each sample follows the TYPE of its family, which comes once. */
static void
test_format(void)
{
	char	   *text = shown();
	char		family[128] = "";
	bool		good = true;
	char	   *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
	{
		if (strncmp(line, "# TYPE ", 7) == 0)
			good = good && sscanf(line, "# TYPE %127s", family) == 1;
		else if (line[0] != '#')
			good = good && strncmp(line, family, strlen(family)) == 0 && strrchr(line, ' ') != NULL;
	}
	ok(good, "every sample follows its type");
	free(text);
}

/* There is room for the routes of the contract, and no number of others takes more. */
static void
test_routes(void)
{
	FILE	   *f = fopen("docs/contract/routes.tsv", "r");
	char		line[4096];
	char		path[256];
	char	   *text;
	int			n = 0;
	int			lines = 0;

	metrics_worker(0);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*s %255s", path) == 1 && strncmp(path, "/0.1/", 5) == 0)
		{
			count(2, "OPTIONS", path + 4, 502, 0);
			n++;
		}
	if (f != NULL)
		fclose(f);
	text = shown();
	ok(n > 100 && strstr(text, "{route=\"other\",method=\"OPTIONS\"") == NULL, "the routes of all %d", n);
	free(text);
	for (int i = 0; i < 10000; i++)
	{
		snprintf(path, sizeof(path), "/plugin/%d", i);
		count(2, "OPTIONS", path, 502, 0);
	}
	text = shown();
	for (const char *at = text; (at = strstr(at, "method=\"OPTIONS\"")) != NULL; at++)
		lines++;
	ok(lines > n / 2 && lines <= 256, "%d of 10000 more routes, and of those", lines);
	free(text);
}

int
main(void)
{
	char	   *text;

	count(0, "GET", "/users", 200, 1);
	text = shown();
	ok(text[0] == '\0', "without memory nothing is counted");
	free(text);
	ok(metrics_init(2), "memory for two workers");
	metrics_worker(7);
	count(0, "GET", "/users", 200, 1);
	test_counting();
	test_format();
	test_routes();
	return tap_end();
}
