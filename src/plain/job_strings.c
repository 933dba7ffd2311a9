/*
 * job_strings.c
 *	  Jobs of programs that the backend starts: strings on standard input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>
#include <unistd.h>

#include "plain/job_strings.h"

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

/*
 * Reads n zero-terminated strings, which are all there is, into room and points
 * the members to them; false for what is no such job.
 */
bool
job_strings_read(char *room, size_t size, const char **members[], size_t n)
{
	size_t		len;
	char	   *at = room;

	if (!read_all(room, size, &len))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		char	   *end = memchr(at, '\0', room + len - at);

		if (end == NULL)
			return false;
		*members[i] = at;
		at = end + 1;
	}
	return at == room + len;
}
