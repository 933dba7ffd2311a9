/*
 * template_reader.h
 *	  The language of mail templates, read piece by piece.
 *	  Free of PostgreSQL, so that it is fuzzed under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TEMPLATE_READER_H
#define WAZO_AUTH_TEMPLATE_READER_H

#include <stdbool.h>
#include <stddef.h>

/* How many conditions may stand in one another */
#define TEMPLATE_MAX_DEPTH	16
/* Bytes of a variable's name */
#define TEMPLATE_MAX_NAME	63

typedef enum TemplateKind
{
	TEMPLATE_TEXT,
	TEMPLATE_VARIABLE,			/* {{ name }} */
	TEMPLATE_IF,				/* {% if name %} */
	TEMPLATE_IF_NOT,			/* {% if not name %} */
	TEMPLATE_ELSE,
	TEMPLATE_ENDIF,
	TEMPLATE_END,				/* nothing is left */
	TEMPLATE_BAD				/* it cannot be read further */
} TemplateKind;

typedef struct TemplatePiece
{
	TemplateKind kind;
	const char *s;				/* a text, or a name; within the template */
	size_t		len;
	int			line;			/* where it begins, from 1 */
	char		why[128];		/* of a bad one, with a NUL */
} TemplatePiece;

typedef struct TemplateReader
{
	const char *pos;
	const char *end;
	int			line;			/* of pos */
	int			depth;
	bool		has_else[TEMPLATE_MAX_DEPTH];
	int			if_line[TEMPLATE_MAX_DEPTH];
} TemplateReader;

extern void template_reader_init(TemplateReader *reader, const char *s, size_t len);
extern void template_reader_next(TemplateReader *reader, TemplatePiece *piece);

#endif							/* WAZO_AUTH_TEMPLATE_READER_H */
