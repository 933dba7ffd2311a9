/*
 * work.c
 *	  Memory and result of one job.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Kept
{
	Kept	   *next;
	xmlChar    *text;
};

void
work_begin(Work *w, const Job *job)
{
	memset(w, 0, sizeof(*w));
	w->job = job;
	w->found = xmlBufferCreate();
	if (w->found == NULL)
		abort();
}

void
work_end(Work *w)
{
	while (w->kept != NULL)
	{
		Kept	   *next = w->kept->next;

		xmlFree(w->kept->text);
		free(w->kept);
		w->kept = next;
	}
	for (int i = 0; i < JOB_MAX_CERTIFICATES; i++)
	{
		if (w->keys[i] != NULL)
			xmlSecKeyDestroy(w->keys[i]);
	}
	for (int i = 0; i < 2; i++)
		xmlFreeDoc(w->documents[i]);
	xmlBufferFree(w->found);
}

/* Keeps a string of libxml2 until the job's end; NULL stays NULL. */
const char *
keep(Work *w, xmlChar *text)
{
	Kept	   *kept;

	if (text == NULL)
		return NULL;
	kept = malloc(sizeof(*kept));
	if (kept == NULL)
		abort();
	*kept = (Kept) {w->kept, text};
	w->kept = kept;
	return (const char *) text;
}

/* Notes why the document is refused, the first reason only; returns false. */
bool
refuse(Work *w, const char *name, const char *detail)
{
	if (w->refusal == NULL)
	{
		w->refusal = name;
		w->detail = detail;
	}
	return false;
}

void
write_field(xmlBuffer *out, const char *name, const char *value)
{
	char		head[64];

	snprintf(head, sizeof(head), "%s %zu\n", name, strlen(value));
	xmlBufferCCat(out, head);
	xmlBufferCCat(out, value);
	xmlBufferCCat(out, "\n");
}

/* Adds a field to the result; a value that is not there adds none. */
void
found(Work *w, const char *name, const char *value)
{
	if (value != NULL)
		write_field(w->found, name, value);
}

void
found_number(Work *w, const char *name, int64_t value)
{
	char		text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	found(w, name, text);
}
