/*
 * config.h: the front's settings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CONFIG_H
#define WAZO_AUTH_FRONT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tree.h"

#define CONFIG_MAX_CORS_HEADERS 64
#define CONFIG_MAX_DB_CONNECTIONS 16	/* per lane and worker */

typedef struct FrontConfig
{
	char	   *config_file;
	bool		check_config;
	bool		db_upgrade;		/* bring the extension to the installed version first */
	bool		configured;		/* there are configuration files */
	Tree	   *settings;		/* all that they say, for the database */
	char	   *user;
	char	   *listen_address;
	int			listen_port;
	char	   *database;		/* libpq connection string, may be empty */
	char	   *read_database;	/* the same for the fast lane, NULL: database */
	char	   *log_file;		/* NULL: standard error */
	bool		log_json;		/* a JSON object a line */
	char	   *metrics_address;
	int			metrics_port;	/* 0: none */
	uint64_t	slow_request;	/* ms, from when on a request is told of */
	int			log_level;		/* LOG_CRIT .. LOG_DEBUG */
	int			workers;
	int			num_proxies;
	bool		cors;
	char	   *cors_headers[CONFIG_MAX_CORS_HEADERS];
	int			n_cors_headers;
	size_t		max_body;		/* bytes */
	int			max_in_flight;	/* requests, per lane, over all workers */
	int			max_connections;	/* client connections per worker */
	int			max_peer_connections;	/* of one address per worker, 0: any */
	int			fast_connections;	/* database connections per worker */
	int			login_connections;
	int			slow_connections;
	/* milliseconds */
	uint64_t	header_timeout;
	uint64_t	body_timeout;
	uint64_t	keepalive_timeout;
	uint64_t	request_timeout;
	uint64_t	fast_timeout;
	uint64_t	queue_wait;
	uint64_t	reconnect_wait;
	uint64_t	drain_timeout;
} FrontConfig;

extern FrontConfig front_config;

extern void config_load(int argc, char **argv);

#endif
