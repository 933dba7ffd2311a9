/*
 * hostile_exchange.c
 *	  What the program wazo-auth-ldap would be if a directory had taken it over:
 *	  linked in place of its exchange (--wrap=exchange_run), it does what the login
 *	  says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>
#include <unistd.h>

#include "hostile.h"
#include "ldap/program/exchange.h"

extern const char *__real_exchange_run(const Job *job, char email[EMAIL_MAX_BYTES]);
extern const char *__wrap_exchange_run(const Job *job, char email[EMAIL_MAX_BYTES]);

static void
say(const char *answer, size_t len, int status)
{
	if (write(STDOUT_FILENO, answer, len) < 0)
		_exit(9);
	_exit(status);
}

static void
say_without_end(void)
{
	static char much[65536];

	while (write(STDOUT_FILENO, much, sizeof(much)) > 0)
		;
	_exit(0);
}

#define SAY(text, status) say(text, sizeof(text) - 1, status)

const char *
__wrap_exchange_run(const Job *job, char email[EMAIL_MAX_BYTES])
{
	const char *word = job->login;

	if (strcmp(word, "crash") == 0)
		*(volatile int *) 8 = 1;
	if (strcmp(word, "overflow") == 0)
		_exit(overflow(0));
	if (strcmp(word, "memory") == 0)
		take_memory();
	if (strcmp(word, "endless") == 0)
		say_without_end();
	if (strcmp(word, "nothing") == 0)
		SAY("", 0);
	if (strcmp(word, "half") == 0)
		SAY("ok\0\0bobafett@wazo-auth.com", 0);
	if (strcmp(word, "more") == 0)
		SAY("ok\0\0bobafett@wazo-auth.com\0x\0", 0);
	if (strcmp(word, "failed") == 0)
		SAY("ok\0\0bobafett@wazo-auth.com\0", 7);
	if (strcmp(word, "refused") == 0)
		SAY("no\0x\0bobafett@wazo-auth.com\0", 0);
	if (strcmp(word, "not_utf8") == 0)
		SAY("ok\0\0bob\xC0\xAE\0", 0);
	if (strcmp(word, "good") == 0)
		SAY("ok\0\0BobaFett@wazo-auth.com\0", 0);
	return __real_exchange_run(job, email);
}
