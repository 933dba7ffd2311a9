/*
 * main.c
 *	  wazo-auth-xml: one job from standard input, one result to standard output.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "job.h"
#include "sandbox.h"
#include "saml_xml.h"

#define EXIT_NOT_STARTED	3

static char job_bytes[JOB_MAX_BYTES + 1];

static ssize_t
read_all(void)
{
	size_t		len = 0;

	while (len < sizeof(job_bytes))
	{
		ssize_t		n = read(STDIN_FILENO, job_bytes + len, sizeof(job_bytes) - len);

		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		len += (size_t) n;
	}
	return (ssize_t) len;
}

static int
write_all(const char *bytes, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = write(STDOUT_FILENO, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t) n;
	}
	return 0;
}

int
main(void)
{
	xmlBuffer  *out;
	ssize_t		len;
	Verdict		verdict;

	/* A pure function of its input: no variable of the caller steers a library. */
	clearenv();
	if (saml_xml_init() < 0 || sandbox_enter() < 0)
	{
		fputs("wazo-auth-xml: cannot start its libraries or its sandbox\n", stderr);
		return EXIT_NOT_STARTED;
	}
	out = xmlBufferCreate();
	len = read_all();
	if (out == NULL || len < 0)
		_exit(EXIT_NOT_STARTED);
	verdict = saml_xml_run(job_bytes, (size_t) len, out);
	OPENSSL_cleanse(job_bytes, (size_t) len);
	if (write_all((const char *) xmlBufferContent(out), (size_t) xmlBufferLength(out)) < 0)
		_exit(EXIT_NOT_STARTED);
	_exit(verdict);
}
