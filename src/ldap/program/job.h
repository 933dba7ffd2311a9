/*
 * job.h
 *	  What the program is asked to do.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LDAP_JOB_H
#define WAZO_AUTH_LDAP_JOB_H

#include <stdbool.h>
#include <stddef.h>

/* zero-terminated strings in this order; the optional ones are empty when they are not there */
typedef struct Job
{
	const char *host;
	const char *port;
	const char *version;		/* 2 or 3 */
	const char *security;		/* ldaps, tls or nothing */
	const char *ca_file;		/* certificates of the authorities to trust */
	const char *bind_dn;
	const char *bind_password;
	const char *base_dn;
	const char *login_attribute;
	const char *email_attribute;
	const char *filter;
	const char *login;
	const char *password;
} Job;

extern bool job_read(Job *job, char *room, size_t size);

#endif							/* WAZO_AUTH_LDAP_JOB_H */
