/*
 * job.c
 *	  Reads what the program is asked to do from its standard input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>
#include <unistd.h>

#include "ldap/program/job.h"

/* Everything up to the end of the input; false when it does not fit. */
static bool
read_all(char *room, size_t size, size_t *len)
{
	ssize_t		n;

	*len = 0;
	do
	{
		if (*len == size)
			return false;
		n = read(STDIN_FILENO, room + *len, size - *len);
		if (n > 0)
			*len += n;
	} while (n > 0);
	return n == 0;
}

/* Reads the job into room, which lives as long as it; false for what is none. */
bool
job_read(Job *job, char *room, size_t size)
{
	const char **members[] = {
		&job->host, &job->port, &job->version, &job->security, &job->ca_file, &job->bind_dn, &job->bind_password,
		&job->base_dn, &job->login_attribute, &job->email_attribute, &job->filter, &job->login, &job->password,
	};
	size_t		len;
	char	   *at = room;

	if (!read_all(room, size, &len))
		return false;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
	{
		char	   *end = memchr(at, '\0', room + len - at);

		if (end == NULL)
			return false;
		*members[i] = at;
		at = end + 1;
	}
	return at == room + len;
}
