/*
 * config.c: the front's settings: defaults, the YAML file, the command line (which wins).
 *
 * Names are those of the Python wazo-auth where it has them. Keys of the file that are not the front's are left to
 * the database, so an existing /etc/wazo-auth/config.yml can be used as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "front.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <yaml.h>

#ifndef WAZO_AUTH_VERSION
#error "front.mk defines the version, from the control file"
#endif

/* Larger configuration files are refused by libyaml's reader long before; this bounds a single value. */
#define MAX_VALUE 4096

FrontConfig front_config;

enum
{
	OPT_LOG_FILE = 256, OPT_LISTEN_PORT, OPT_LISTEN_ADDRESS, OPT_DATABASE, OPT_READ_DATABASE, OPT_WORKERS,
	OPT_NUM_PROXIES, OPT_NO_CORS, OPT_MAX_BODY, OPT_MAX_IN_FLIGHT, OPT_MAX_CONNECTIONS, OPT_FAST, OPT_SLOW,
	OPT_HEADER_TIMEOUT, OPT_BODY_TIMEOUT, OPT_KEEPALIVE_TIMEOUT, OPT_REQUEST_TIMEOUT, OPT_DRAIN_TIMEOUT,
	OPT_VERSION
};

static const struct option long_options[] = {
	{"config-file", required_argument, NULL, 'c'},
	{"user", required_argument, NULL, 'u'},
	{"debug", no_argument, NULL, 'd'},
	{"log-level", required_argument, NULL, 'l'},
	{"log-file", required_argument, NULL, OPT_LOG_FILE},
	{"listen-port", required_argument, NULL, OPT_LISTEN_PORT},
	{"listen-address", required_argument, NULL, OPT_LISTEN_ADDRESS},
	{"database", required_argument, NULL, OPT_DATABASE},
	{"read-database", required_argument, NULL, OPT_READ_DATABASE},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"num-proxies", required_argument, NULL, OPT_NUM_PROXIES},
	{"no-cors", no_argument, NULL, OPT_NO_CORS},
	{"max-body", required_argument, NULL, OPT_MAX_BODY},
	{"max-in-flight", required_argument, NULL, OPT_MAX_IN_FLIGHT},
	{"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
	{"fast-connections", required_argument, NULL, OPT_FAST},
	{"slow-connections", required_argument, NULL, OPT_SLOW},
	{"header-timeout", required_argument, NULL, OPT_HEADER_TIMEOUT},
	{"body-timeout", required_argument, NULL, OPT_BODY_TIMEOUT},
	{"keepalive-timeout", required_argument, NULL, OPT_KEEPALIVE_TIMEOUT},
	{"request-timeout", required_argument, NULL, OPT_REQUEST_TIMEOUT},
	{"drain-timeout", required_argument, NULL, OPT_DRAIN_TIMEOUT},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}
};

static const char usage_text[] =
	"Usage: wazo-auth [options]\n"
	"\n"
	"  -c, --config-file FILE       YAML file with settings (none by default)\n"
	"  -u, --user USER              user to run as, when started by root (wazo-auth)\n"
	"  -d, --debug                  log everything; same as --log-level debug\n"
	"  -l, --log-level LEVEL        critical, error, warning, info (default) or debug;\n"
	"                               the access log is at level info\n"
	"      --log-file FILE          log there and not on standard error; reopened on SIGHUP\n"
	"      --listen-address ADDR    default 127.0.0.1\n"
	"      --listen-port PORT       default 9497\n"
	"      --database CONNINFO      libpq connection string; default: libpq's environment\n"
	"      --read-database CONNINFO same, for token checks only (a standby)\n"
	"      --workers N              processes; default: number of processors\n"
	"      --num-proxies N          proxies trusted in X-Forwarded-For (default 1, 0: none)\n"
	"      --no-cors                no cross-origin headers\n"
	"      --max-body BYTES         longest request body (default 1048576)\n"
	"      --max-in-flight N        requests held at a time in each lane (default 1024)\n"
	"      --max-connections N      client connections per worker (default 4096)\n"
	"      --fast-connections N     database connections per worker for token checks (default 2)\n"
	"      --slow-connections N     most database connections per worker for the rest (default 4)\n"
	"      --header-timeout SECONDS    (default 10)\n"
	"      --body-timeout SECONDS      (default 30)\n"
	"      --keepalive-timeout SECONDS (default 65)\n"
	"      --request-timeout SECONDS   time a request may take in the database (default 30)\n"
	"      --drain-timeout SECONDS     time for open requests at shutdown (default 10)\n"
	"      --version\n"
	"  -h, --help\n";

/* Ends the program for a wrong option; exit status 2 as every Unix tool does. */
static void __attribute__((noreturn, format(printf, 1, 2)))
usage_error(const char *fmt,...)
{
	va_list		args;

	fputs("wazo-auth: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("\nTry 'wazo-auth --help'.\n", stderr);
	exit(2);
}

/* Copies are made since Kore overwrites the argument vector with the process title. */
static void
set_string(char **field, const char *value)
{
	if (strlen(value) > MAX_VALUE)
		usage_error("a value is longer than %d characters", MAX_VALUE);
	free(*field);
	*field = strdup(value);
	if (*field == NULL)
		usage_error("out of memory");
}

static long
parse_integer(const char *name, const char *value, long min, long max)
{
	char	   *end;
	long		n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < min || n > max)
		usage_error("%s must be a number from %ld to %ld", name, min, max);
	return n;
}

/* Seconds, fractions allowed, to milliseconds. */
static uint64_t
parse_seconds(const char *name, const char *value)
{
	char	   *end;
	double		n;

	errno = 0;
	n = strtod(value, &end);
	if (errno != 0 || end == value || *end != '\0' || !(n >= 0.1 && n <= 86400.0))
		usage_error("%s must be a number of seconds from 0.1 to 86400", name);
	return (uint64_t) (n * 1000.0);
}

static int
parse_log_level(const char *value)
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
			return levels[i].level;
	usage_error("log level must be critical, error, warning, info or debug");
}

static void
set_defaults(void)
{
	static const char *const allowed[] = {
		"Content-Type", "Authorization", "X-Auth-Token", "Wazo-Tenant", "Wazo-Session-Type"
	};
	long		cpus = sysconf(_SC_NPROCESSORS_ONLN);

	memset(&front_config, 0, sizeof(front_config));
	set_string(&front_config.listen_address, "127.0.0.1");
	set_string(&front_config.database, "");
	front_config.listen_port = 9497;
	front_config.log_level = LOG_INFO;
	front_config.workers = cpus < 1 ? 1 : cpus > 64 ? 64 : (int) cpus;
	front_config.num_proxies = 1;
	front_config.cors = true;
	front_config.max_body = 1024 * 1024;
	front_config.max_in_flight = 1024;
	front_config.max_connections = 4096;
	front_config.fast_connections = 2;
	front_config.slow_connections = 4;
	front_config.header_timeout = 10000;
	front_config.body_timeout = 30000;
	front_config.keepalive_timeout = 65000;
	front_config.request_timeout = 30000;
	front_config.drain_timeout = 10000;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		set_string(&front_config.cors_headers[front_config.n_cors_headers++], allowed[i]);
}

/* Finds a key in a mapping; NULL when it is absent or the node is not a mapping. */
static yaml_node_t *
yaml_find(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++)
	{
		yaml_node_t *k = yaml_document_get_node(doc, pair->key);

		if (k != NULL && k->type == YAML_SCALAR_NODE &&
			strcmp((const char *) k->data.scalar.value, key) == 0)
			return yaml_document_get_node(doc, pair->value);
	}
	return NULL;
}

/* The text of a scalar; NULL for an absent key, another kind of node, and YAML's null. */
static const char *
yaml_text(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
	yaml_node_t *node = yaml_find(doc, map, key);
	const char *text;

	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *) node->data.scalar.value;
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(*text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0))
		return NULL;
	return text;
}

static bool
yaml_true(const char *text)
{
	return strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0;
}

static void
apply_cors(yaml_document_t *doc, yaml_node_t *cors)
{
	const char *text = yaml_text(doc, cors, "enabled");
	yaml_node_t *list = yaml_find(doc, cors, "allow_headers");

	if (text != NULL)
		front_config.cors = yaml_true(text);
	if (list == NULL || list->type != YAML_SEQUENCE_NODE)
		return;
	while (front_config.n_cors_headers > 0)
	{
		free(front_config.cors_headers[--front_config.n_cors_headers]);
		front_config.cors_headers[front_config.n_cors_headers] = NULL;
	}
	for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++)
	{
		yaml_node_t *node = yaml_document_get_node(doc, *item);

		if (node == NULL || node->type != YAML_SCALAR_NODE)
			continue;
		if (front_config.n_cors_headers == FRONT_MAX_CORS_HEADERS)
			usage_error("rest_api.cors.allow_headers has more than %d entries", FRONT_MAX_CORS_HEADERS);
		set_string(&front_config.cors_headers[front_config.n_cors_headers++],
				   (const char *) node->data.scalar.value);
	}
}

static void
apply_document(yaml_document_t *doc)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);
	yaml_node_t *rest = yaml_find(doc, root, "rest_api");
	const char *text;

	if ((text = yaml_text(doc, root, "user")) != NULL)
		set_string(&front_config.user, text);
	if ((text = yaml_text(doc, root, "log_level")) != NULL)
		front_config.log_level = parse_log_level(text);
	if ((text = yaml_text(doc, root, "debug")) != NULL && yaml_true(text))
		front_config.log_level = LOG_DEBUG;
	if ((text = yaml_text(doc, root, "log_filename")) != NULL)
		set_string(&front_config.log_file, text);
	if ((text = yaml_text(doc, root, "db_uri")) != NULL)
		set_string(&front_config.database, text);
	if ((text = yaml_text(doc, rest, "listen")) != NULL)
		set_string(&front_config.listen_address, text);
	if ((text = yaml_text(doc, rest, "port")) != NULL)
		front_config.listen_port = (int) parse_integer("rest_api.port", text, 1, 65535);
	if ((text = yaml_text(doc, rest, "num_proxies")) != NULL)
		front_config.num_proxies = (int) parse_integer("rest_api.num_proxies", text, 0, 100);
	apply_cors(doc, yaml_find(doc, rest, "cors"));
}

/* A missing file is told and ignored, as upstream does; a broken one ends the program. */
static void
load_file(const char *path)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	FILE	   *file = fopen(path, "re");

	if (file == NULL)
	{
		fprintf(stderr, "wazo-auth: cannot read \"%s\": %s; going on with defaults\n", path, strerror(errno));
		return;
	}
	if (!yaml_parser_initialize(&parser))
		usage_error("out of memory");
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &doc))
		usage_error("\"%s\", line %zu: %s", path, parser.problem_mark.line + 1,
					parser.problem != NULL ? parser.problem : "not valid YAML");
	apply_document(&doc);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	fclose(file);
}

static void
apply_option(int opt, const char *arg)
{
	FrontConfig *c = &front_config;

	switch (opt)
	{
		case 'c': set_string(&c->config_file, arg); break;
		case 'u': set_string(&c->user, arg); break;
		case 'd': c->log_level = LOG_DEBUG; break;
		case 'l': c->log_level = parse_log_level(arg); break;
		case OPT_LOG_FILE: set_string(&c->log_file, arg); break;
		case OPT_LISTEN_PORT: c->listen_port = (int) parse_integer("--listen-port", arg, 1, 65535); break;
		case OPT_LISTEN_ADDRESS: set_string(&c->listen_address, arg); break;
		case OPT_DATABASE: set_string(&c->database, arg); break;
		case OPT_READ_DATABASE: set_string(&c->read_database, arg); break;
		case OPT_WORKERS: c->workers = (int) parse_integer("--workers", arg, 1, 64); break;
		case OPT_NUM_PROXIES: c->num_proxies = (int) parse_integer("--num-proxies", arg, 0, 100); break;
		case OPT_NO_CORS: c->cors = false; break;
		case OPT_MAX_BODY: c->max_body = (size_t) parse_integer("--max-body", arg, 0, 256 * 1024 * 1024); break;
		case OPT_MAX_IN_FLIGHT: c->max_in_flight = (int) parse_integer("--max-in-flight", arg, 1, 1000000); break;
		case OPT_MAX_CONNECTIONS:
			c->max_connections = (int) parse_integer("--max-connections", arg, 1, 100000);
			break;
		case OPT_FAST:
			c->fast_connections = (int) parse_integer("--fast-connections", arg, 1, FRONT_MAX_CONNECTIONS);
			break;
		case OPT_SLOW:
			c->slow_connections = (int) parse_integer("--slow-connections", arg, 1, FRONT_MAX_CONNECTIONS);
			break;
		case OPT_HEADER_TIMEOUT: c->header_timeout = parse_seconds("--header-timeout", arg); break;
		case OPT_BODY_TIMEOUT: c->body_timeout = parse_seconds("--body-timeout", arg); break;
		case OPT_KEEPALIVE_TIMEOUT: c->keepalive_timeout = parse_seconds("--keepalive-timeout", arg); break;
		case OPT_REQUEST_TIMEOUT: c->request_timeout = parse_seconds("--request-timeout", arg); break;
		case OPT_DRAIN_TIMEOUT: c->drain_timeout = parse_seconds("--drain-timeout", arg); break;
		default: break;
	}
}

/*
 * Fills front_config from defaults, the file named by -c, and the command line, in that order.
 * argc, argv: as main() got them. Ends the program: status 0 after --help and --version, 2 for anything wrong.
 */
void
config_load(int argc, char **argv)
{
	static const char short_options[] = "c:u:dl:h";
	int			opt;

	set_defaults();
	/* Two rounds: the file must be known before the options that win over it are applied. */
	while ((opt = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
	{
		switch (opt)
		{
			case 'h':
				fputs(usage_text, stdout);
				exit(0);
			case OPT_VERSION:
				puts("wazo-auth " WAZO_AUTH_VERSION);
				exit(0);
			case '?':
				fputs("Try 'wazo-auth --help'.\n", stderr);
				exit(2);
			case 'c':
				set_string(&front_config.config_file, optarg);
				break;
			default:
				break;
		}
	}
	if (optind < argc)
		usage_error("unexpected argument \"%s\"", argv[optind]);
	if (front_config.config_file != NULL)
		load_file(front_config.config_file);
	optind = 1;
	while ((opt = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
		apply_option(opt, optarg);

	if (front_config.log_file != NULL && front_config.log_file[0] != '/')
		usage_error("the log file must be an absolute path");
}
