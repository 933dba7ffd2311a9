/*
 * config.c: the front's settings: defaults, the YAML files, the command line (which wins).
 *
 * Names are those of the Python wazo-auth where it has them. Settings of the files that are not the front's are for
 * the database (configure.c).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "config_files.h"
#include "settings.h"

#ifndef WAZO_AUTH_VERSION
#error "front.mk defines the version, from the control file"
#endif

#define MAX_VALUE 4096			/* characters of a single value */
#define OPTION_CODE 256			/* of the first long option; smaller ones are letters */

FrontConfig front_config;

typedef struct Option Option;

/*
 * One setting. It is set from its default, then from the file, then from the command line, always as text and by the
 * same function.
 */
struct Option
{
	const char *name;			/* --name; NULL: not on the command line */
	char		letter;			/* -l; 0: none */
	const char *key;			/* path in the file; NULL: not there */
	void		(*set) (const Option *option, const char *value);
	size_t		offset;			/* of the field in FrontConfig */
	double		least;
	double		most;
	const char *fallback;		/* NULL: none */
	const char *argument;		/* what --help calls the value; NULL: takes none, and is "true" when given */
	const char *help;
};

/* Where the value comes from that is being set; NULL: from the command line. */
static const Tree *value_place;

/*
 * Ends the program for a wrong value: with status 2 for one of the command line, as every Unix tool does, and 1 for one
 * of a file, which is named with its line.
 */
static void
__attribute__((noreturn, format(printf, 1, 2)))
usage_error(const char *fmt,...)
{
	va_list		args;

	fputs("wazo-auth: ", stderr);
	if (value_place != NULL)
		fprintf(stderr, "error: %s, line %zu: ", value_place->file, value_place->line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (value_place != NULL)
	{
		fputc('\n', stderr);
		exit(1);
	}
	fputs("\nTry 'wazo-auth --help'.\n", stderr);
	exit(2);
}

static void *
field(const Option *option)
{
	return (char *) &front_config + option->offset;
}

static const char *
option_name(const Option *option)
{
	return value_place != NULL || option->name == NULL ? option->key : option->name;
}

static bool
is_true(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0;
}

/* Copies are made since Kore overwrites the argument vector with the process title. */
static void
set_string(char **to, const char *value)
{
	if (strlen(value) > MAX_VALUE)
		usage_error("a value is longer than %d characters", MAX_VALUE);
	free(*to);
	*to = strdup(value);
	if (*to == NULL)
		usage_error("out of memory");
}

/* libpq's own message about a connection string quotes it, with its password. */
static void
set_conninfo(const Option *option, const char *value)
{
	PQconninfoOption *parts = PQconninfoParse(value, NULL);

	if (parts == NULL)
		usage_error("%s is not a connection string or URI that libpq can read", option_name(option));
	PQconninfoFree(parts);
	set_string(field(option), value);
}

static void
set_text(const Option *option, const char *value)
{
	set_string(field(option), value);
}

static long
parse_integer(const Option *option, const char *value)
{
	char	   *end;
	long		n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < (long) option->least || n > (long) option->most)
		usage_error("%s must be a number from %.0f to %.0f", option_name(option), option->least, option->most);
	return n;
}

static void
set_int(const Option *option, const char *value)
{
	*(int *) field(option) = (int) parse_integer(option, value);
}

static void
set_size(const Option *option, const char *value)
{
	*(size_t *) field(option) = (size_t) parse_integer(option, value);
}

/* Seconds, fractions allowed, to milliseconds. */
static void
set_seconds(const Option *option, const char *value)
{
	char	   *end;
	double		n;

	errno = 0;
	n = strtod(value, &end);
	if (errno != 0 || end == value || *end != '\0' || !(n >= option->least && n <= option->most))
		usage_error("%s must be a number of seconds from %g to %g", option_name(option), option->least, option->most);
	*(uint64_t *) field(option) = (uint64_t) (n * 1000.0);
}

static void
set_bool(const Option *option, const char *value)
{
	*(bool *) field(option) = is_true(value);
}

static void
set_not(const Option *option, const char *value)
{
	*(bool *) field(option) = !is_true(value);
}

static void
set_log_level(const Option *option, const char *value)
{
	static const struct
	{
		const char *name;
		int			level;
	}			levels[] = {
		{"critical", LOG_CRIT}, {"error", LOG_ERR}, {"warning", LOG_WARNING},
		{"info", LOG_INFO}, {"debug", LOG_DEBUG}
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcasecmp(value, levels[i].name) == 0)
		{
			*(int *) field(option) = levels[i].level;
			return;
		}
	usage_error("log level must be critical, error, warning, info or debug");
}

static void
set_debug(const Option *option, const char *value)
{
	if (is_true(value))
		*(int *) field(option) = LOG_DEBUG;
}

static void
set_log_format(const Option *option, const char *value)
{
	if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
		usage_error("%s must be text or json", option_name(option));
	*(bool *) field(option) = strcmp(value, "json") == 0;
}

#define F(name) offsetof(FrontConfig, name)
#define SECONDS 0.1, 86400

/* In the order of --help. Of the file a later row wins over an earlier one. */
static const Option options[] = {
	{"config-file", 'c', NULL, set_text, F(config_file), 0, 0, CONFIG_FILES_MAIN, "FILE",
	"YAML file with settings; empty: none"},
	{"check-config", 0, NULL, set_bool, F(check_config), 0, 0, NULL, NULL,
	"check the files, say what is wrong, and end"},
	{"user", 'u', "user", set_text, F(user), 0, 0, NULL, "USER",
	"user to run as, when started by root; without it: wazo-auth"},
	{"db-upgrade-on-startup", 0, "db_upgrade_on_startup", set_bool, F(db_upgrade), 0, 0, NULL, NULL,
	"bring the extension to the installed version first, if the role may"},
	{"log-level", 'l', "log_level", set_log_level, F(log_level), 0, 0, "info", "LEVEL",
	"critical, error, warning, info or debug; the access log is at level info"},
	{"debug", 'd', "debug", set_debug, F(log_level), 0, 0, NULL, NULL, "log everything; same as --log-level debug"},
	{"log-file", 0, "log_filename", set_text, F(log_file), 0, 0, NULL, "FILE",
	"log there and not on standard error; reopened on SIGHUP"},
	{"log-format", 0, "front.log_format", set_log_format, F(log_json), 0, 0, "text", "FORMAT",
	"text, or json: an object a line"},
	{"slow-request", 0, "front.slow_request", set_seconds, F(slow_request), SECONDS, "2", "SECONDS",
	"log where the time of a request went that takes longer"},
	{"metrics-address", 0, "front.metrics_address", set_text, F(metrics_address), 0, 0, "127.0.0.1", "ADDRESS",
	"listen there for /metrics"},
	{"metrics-port", 0, "front.metrics_port", set_int, F(metrics_port), 0, 65535, "0", "PORT",
	"on that port; 0: none"},
	{"listen-address", 0, "rest_api.listen", set_text, F(listen_address), 0, 0, "127.0.0.1", "ADDRESS", "listen there"},
	{"listen-port", 0, "rest_api.port", set_int, F(listen_port), 1, 65535, "9497", "PORT", "on that port"},
	{"database", 0, "db_uri", set_conninfo, F(database), 0, 0, "", "CONNINFO",
	"libpq connection string; without one: libpq's environment"},
	{"read-database", 0, "read_db_uri", set_conninfo, F(read_database), 0, 0, NULL, "CONNINFO",
	"same, for token checks only (a standby)"},
	{"workers", 0, "front.workers", set_int, F(workers), 1, 64, NULL, "N",
	"processes; without it: number of processors"},
	{"num-proxies", 0, "rest_api.num_proxies", set_int, F(num_proxies), 0, 100, "0", "N",
	"proxies before it whose X-Forwarded-For is believed"},
	{"no-cors", 0, NULL, set_not, F(cors), 0, 0, "false", NULL, "no cross-origin headers"},
	{NULL, 0, "rest_api.cors.enabled", set_bool, F(cors), 0, 0, NULL, NULL, NULL},
	{"max-body", 0, "front.max_body", set_size, F(max_body), 0, 256 * 1024 * 1024, "1048576", "BYTES",
	"longest request body"},
	{"max-in-flight", 0, "front.max_in_flight", set_int, F(max_in_flight), 1, 1000000, "1024", "N",
	"requests held at a time in each lane"},
	{"max-connections", 0, "front.max_connections", set_int, F(max_connections), 1, 100000, "4096", "N",
	"client connections per worker"},
	{"max-peer-connections", 0, "front.max_peer_connections", set_int, F(max_peer_connections), 0, 100000, "1024", "N",
	"of them from one address, but for this machine's and proxies; 0: any number"},
	{"fast-connections", 0, "front.fast_connections", set_int, F(fast_connections), 1, CONFIG_MAX_DB_CONNECTIONS, "2",
		"N",
	"database connections per worker for token checks; as many more while those are held up"},
	{"login-connections", 0, "front.login_connections", set_int, F(login_connections), 1, CONFIG_MAX_DB_CONNECTIONS, "4",
		"N",
	"most database connections per worker for logins"},
	{"slow-connections", 0, "front.slow_connections", set_int, F(slow_connections), 1, CONFIG_MAX_DB_CONNECTIONS, "4",
		"N",
	"most database connections per worker for the rest"},
	{"header-timeout", 0, "front.header_timeout", set_seconds, F(header_timeout), SECONDS, "10", "SECONDS",
	"time to send a header"},
	{"body-timeout", 0, "front.body_timeout", set_seconds, F(body_timeout), SECONDS, "30", "SECONDS",
	"time to send a body"},
	{"keepalive-timeout", 0, "front.keepalive_timeout", set_seconds, F(keepalive_timeout), SECONDS, "65", "SECONDS",
	"time between two requests of a connection"},
	{"request-timeout", 0, "front.request_timeout", set_seconds, F(request_timeout), SECONDS, "30", "SECONDS",
	"time a request may take"},
	{"fast-timeout", 0, "front.fast_timeout", set_seconds, F(fast_timeout), SECONDS, "5", "SECONDS",
	"time a token check may take"},
	{"queue-wait", 0, "front.queue_wait", set_seconds, F(queue_wait), SECONDS, "5", "SECONDS",
	"time a request may wait for its turn; what would wait longer is refused at once"},
	{"reconnect-wait", 0, "front.reconnect_wait", set_seconds, F(reconnect_wait), SECONDS, "2", "SECONDS",
	"time a request waits for a database that is away"},
	{"drain-timeout", 0, "front.drain_timeout", set_seconds, F(drain_timeout), SECONDS, "10", "SECONDS",
	"time for open requests at shutdown"}
};

#undef F
#undef SECONDS

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static void
print_help(void)
{
	fputs("Usage: wazo-auth [options]\n\n", stdout);
	for (size_t i = 0; i < N_OPTIONS; i++)
	{
		const Option *o = &options[i];
		char		left[64];
		char		letter[8] = "   ";

		if (o->name == NULL)
			continue;
		if (o->letter != 0)
			snprintf(letter, sizeof(letter), "-%c,", o->letter);
		snprintf(left, sizeof(left), "%s --%s %s", letter, o->name, o->argument != NULL ? o->argument : "");
		printf("  %-33s %s", left, o->help);
		if (o->argument != NULL && o->fallback != NULL && o->fallback[0] != '\0')
			printf(" (default %s)", o->fallback);
		putchar('\n');
	}
	fputs("      --version\n  -h, --help\n", stdout);
}

static void
set_defaults(void)
{
	static const char *const allowed[] = {
		"Content-Type", "Authorization", "X-Auth-Token", "Wazo-Tenant", "Wazo-Session-Type"
	};
	long		cpus = sysconf(_SC_NPROCESSORS_ONLN);

	memset(&front_config, 0, sizeof(front_config));
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].fallback != NULL)
			options[i].set(&options[i], options[i].fallback);
	front_config.workers = cpus < 1 ? 1 : cpus > 64 ? 64 : (int) cpus;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		set_string(&front_config.cors_headers[front_config.n_cors_headers++], allowed[i]);
}

/* ---- the files ---- */

static void
apply_cors_headers(const Tree *tree)
{
	const Tree *list = tree_find(tree, "rest_api.cors.allow_headers");

	if (list == NULL || list->kind != TREE_LIST)
		return;
	while (front_config.n_cors_headers > 0)
	{
		free(front_config.cors_headers[--front_config.n_cors_headers]);
		front_config.cors_headers[front_config.n_cors_headers] = NULL;
	}
	for (const Tree *item = list->first; item != NULL; item = item->next)
	{
		if (item->text == NULL)
			continue;
		value_place = item;
		if (front_config.n_cors_headers == CONFIG_MAX_CORS_HEADERS)
			usage_error("rest_api.cors.allow_headers has more than %d entries", CONFIG_MAX_CORS_HEADERS);
		set_string(&front_config.cors_headers[front_config.n_cors_headers++], item->text);
	}
}

static void
apply_files(const Tree *tree)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
	{
		const Tree *found = options[i].key != NULL ? tree_find(tree, options[i].key) : NULL;

		if (found == NULL || found->text == NULL)
			continue;
		value_place = found;
		options[i].set(&options[i], found->text);
	}
	apply_cors_headers(tree);
	value_place = NULL;
}

static int	errors_found;

/* Errors and warnings at every start; that something has no effect only to who asks. */
static void
tell_finding(Finding finding, const char *sentence)
{
	static const char *const names[] = {"note", "warning", "error"};

	if (finding == FINDING_ERROR)
		errors_found++;
	if (finding != FINDING_NOTE || front_config.check_config)
		fprintf(stderr, "wazo-auth: %s: %s\n", names[finding], sentence);
}

/* What the platform's scripts say by the environment, unless a file does. */
static void
add_environment(Tree *tree)
{
	const char *uuid = getenv("XIVO_UUID");

	if (uuid != NULL && *uuid != '\0' && tree_find(tree, "uuid") == NULL)
		tree_add(tree, "uuid", tree_new(TREE_STRING, uuid));
}

/* A missing main file is told and ignored, as upstream does; anything wrong in a file ends the program. */
static void
load_files(void)
{
	char		error[TREE_ERROR_SIZE];
	bool		found;
	Tree	   *tree;

	if (front_config.config_file[0] == '\0')
		return;
	tree = config_files_read(front_config.config_file, &found, error);
	if (tree == NULL)
	{
		fprintf(stderr, "wazo-auth: error: %s\n", error);
		exit(1);
	}
	if (!found)
		fprintf(stderr, "wazo-auth: there is no \"%s\"; going on without it\n", front_config.config_file);
	front_config.configured = found || tree->first != NULL;
	settings_check(tree, tell_finding);
	if (errors_found > 0)
		exit(1);
	apply_files(tree);
	add_environment(tree);
	front_config.settings = tree;
}

/* ---- the command line ---- */

static struct option long_options[N_OPTIONS + 3];
static char short_options[2 * N_OPTIONS + 2];

/* What getopt_long() wants to know; the code of an option is OPTION_CODE and its place in the table. */
static void
make_getopt_tables(void)
{
	size_t		n = 0;
	size_t		s = 0;

	for (size_t i = 0; i < N_OPTIONS; i++)
	{
		const Option *o = &options[i];
		int			has_value = o->argument != NULL ? required_argument : no_argument;

		if (o->name == NULL)
			continue;
		long_options[n++] = (struct option) {o->name, has_value, NULL, OPTION_CODE + (int) i};
		if (o->letter != 0)
		{
			short_options[s++] = o->letter;
			if (has_value == required_argument)
				short_options[s++] = ':';
		}
	}
	long_options[n++] = (struct option) {"version", no_argument, NULL, 'V'};
	long_options[n] = (struct option) {"help", no_argument, NULL, 'h'};
	short_options[s] = 'h';
}

/* The option that getopt_long() has found; NULL for none of the table. */
static const Option *
found_option(int code)
{
	if (code >= OPTION_CODE)
		return &options[code - OPTION_CODE];
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].letter == code)
			return &options[i];
	return NULL;
}

/* Reads the command line. file_only: no more than which file to read, and what ends the program. */
static void
read_arguments(int argc, char **argv, bool file_only)
{
	int			code;

	optind = 1;
	while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
	{
		const Option *o;

		switch (code)
		{
			case 'h':
				print_help();
				exit(0);
			case 'V':
				puts("wazo-auth " WAZO_AUTH_VERSION);
				exit(0);
			case '?':
				fputs("Try 'wazo-auth --help'.\n", stderr);
				exit(2);
			default:
				o = found_option(code);
				if (o != NULL && (!file_only || o->offset == offsetof(FrontConfig, config_file) ||
								  o->offset == offsetof(FrontConfig, check_config)))
					o->set(o, optarg != NULL ? optarg : "true");
				break;
		}
	}
	if (optind < argc)
		usage_error("unexpected argument \"%s\"", argv[optind]);
}

/*
 * Fills front_config from defaults, the files, and the command line, in that order. argc, argv: as main() got them.
 * Ends the program: status 0 after --help, --version and --check-config, 2 for a wrong option, 1 for anything wrong in
 * a file.
 */
void
config_load(int argc, char **argv)
{
	set_defaults();
	make_getopt_tables();
	/* Two rounds: the file must be known before the options that win over it are applied. */
	read_arguments(argc, argv, true);
	load_files();
	read_arguments(argc, argv, false);

	if (front_config.log_file != NULL && front_config.log_file[0] != '/')
		usage_error("the log file must be an absolute path");
	if (front_config.check_config)
	{
		puts("the configuration is good");
		exit(0);
	}
}
