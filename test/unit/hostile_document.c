/*
 * hostile_document.c
 *	  What the program wazo-auth-xml would be if somebody had taken it over by a
 *	  document: linked in place of its parser (--wrap=document_parse), it does what
 *	  the document says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"
#include "saml/xml/document.h"

extern xmlNode *__real_document_parse(Work *w, int place, const char *bytes, size_t len);
extern xmlNode *__wrap_document_parse(Work *w, int place, const char *bytes, size_t len);

static void
crash(void)
{
	*(volatile int *) 8 = 1;
}

static void
overflow_stack(void)
{
	_exit(overflow(0));
}

/* Waits for what never comes, without using the processor. */
static void
hang(void)
{
	uint32_t	word = 0;

	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void
spin(void)
{
	for (volatile unsigned int i = 0;; i++)
		;
}

static void
open_file(void)
{
	_exit(open("/etc/passwd", O_RDONLY));
}

static void
say(const char *answer, size_t len, int status)
{
	while (len > 0)
	{
		ssize_t		n = write(STDOUT_FILENO, answer, len);

		if (n <= 0)
			break;
		answer += n;
		len -= (size_t) n;
	}
	_exit(status);
}

static void
say_without_end(void)
{
	static char much[1024 * 1024];

	memset(much, 'x', sizeof(much));
	for (;;)
	{
		if (write(STDOUT_FILENO, much, sizeof(much)) <= 0)
			_exit(0);
	}
}

/* Each does not return. The rest are answers: status, then bytes. */
static const struct
{
	const char *word;
	void		(*act) (void);
	int			status;
	const char *answer;
	size_t		len;
}			acts[] =
{
#define ANSWER(text) text, sizeof(text) - 1
	{"crash", crash, 0, ANSWER("")},
	{"overflow", overflow_stack, 0, ANSWER("")},
	{"hang", hang, 0, ANSWER("")},
	{"spin", spin, 0, ANSWER("")},
	{"memory", take_memory, 0, ANSWER("")},
	{"open", open_file, 0, ANSWER("")},
	{"endless", say_without_end, 0, ANSWER("")},
	{"nothing", NULL, 0, ANSWER("")},
	{"refused_as_result", NULL, 0, ANSWER("refused 1\nx\n")},
	{"result_as_refused", NULL, 1, ANSWER("result 8\nverified\nname_id 5\nadmin\n")},
	{"result_and_failed", NULL, 7, ANSWER("result 8\nverified\nname_id 5\nadmin\n")},
	{"other_result", NULL, 0, ANSWER("result 3\nyes\nname_id 5\nadmin\n")},
	{"no_result_first", NULL, 0, ANSWER("name_id 5\nadmin\nresult 8\nverified\n")},
	{"beyond_the_end", NULL, 0, ANSWER("result 8\nverified\nname_id 99\nadmin\n")},
	{"huge_length", NULL, 0, ANSWER("result 8\nverified\nname_id 99999999999999999999\nadmin\n")},
	{"negative_length", NULL, 0, ANSWER("result 8\nverified\nname_id -1\nadmin\n")},
	{"no_newline", NULL, 0, ANSWER("result 8\nverified\nname_id 5\nadmin")},
	{"long_name", NULL, 0, ANSWER("result 8\nverified\nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn 5\nadmin\n")},
	{"zero_byte", NULL, 0, ANSWER("result 8\nverified\nname_id 5\nad\0in\n")},
	{"not_utf8", NULL, 0, ANSWER("result 8\nverified\nname_id 5\nad\xC0\xAEn\n")},
	{"quotes", NULL, 0, ANSWER("result 8\nverified\nentity_id 9\n\",\"a\":\"b\\\n")},
};

xmlNode *
__wrap_document_parse(Work *w, int place, const char *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
	{
		if (len != strlen(acts[i].word) || memcmp(bytes, acts[i].word, len) != 0)
			continue;
		if (acts[i].act != NULL)
			acts[i].act();
		say(acts[i].answer, acts[i].len, acts[i].status);
	}
	return __real_document_parse(w, place, bytes, len);
}
