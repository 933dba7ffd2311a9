/*
 * job.c
 *	  Reads what the program is asked to do from its standard input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "ldap/program/job.h"
#include "plain/job_strings.h"

/* Reads the job into room, which lives as long as it; false for what is none. */
bool
job_read(Job *job, char *room, size_t size)
{
	const char **members[] = {
		&job->host, &job->port, &job->version, &job->security, &job->ca_file, &job->bind_dn, &job->bind_password,
		&job->base_dn, &job->login_attribute, &job->email_attribute, &job->filter, &job->login, &job->password,
	};

	return job_strings_read(room, size, members, sizeof(members) / sizeof(members[0]));
}
