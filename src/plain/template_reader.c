/*
 * template_reader.c
 *	  The language of mail templates:
 *
 *		{{ name }}									the variable's value
 *		{% if name %} ... {% else %} ... {% endif %}	by whether it has one
 *		{% if not name %}							the other way round
 *		{# ... #}									nothing
 *
 * Everything else is text.  One final newline is dropped, as Jinja2 does, so
 * that subjects can be files that end with one.  There are no expressions,
 * loops or inclusions: a template can neither run for long nor reach anything.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/template_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* {% if not name %} has the most words */
#define MAX_WORDS	3

typedef struct Word
{
	const char *s;
	size_t		len;
} Word;

/*
 * template_reader_init
 *
 * s, len: the template, which the reader does not copy.
 */
void
template_reader_init(TemplateReader *reader, const char *s, size_t len)
{
	memset(reader, 0, sizeof(TemplateReader));
	if (len > 0 && s[len - 1] == '\n')
		len--;
	reader->pos = s;
	reader->end = s + len;
	reader->line = 1;
}

static void
__attribute__((format(printf, 2, 3)))
set_bad(TemplatePiece *piece, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(piece->why, sizeof(piece->why), format, args);
	va_end(args);
	piece->kind = TEMPLATE_BAD;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Splits the inside of a tag; returns how many words there are, at most one too many. */
static int
split_words(const char *s, const char *end, Word word[MAX_WORDS])
{
	int			n = 0;

	for (;;)
	{
		while (s < end && is_space(*s))
			s++;
		if (s == end)
			return n;
		if (n == MAX_WORDS)
			return n + 1;
		word[n].s = s;
		while (s < end && !is_space(*s))
			s++;
		word[n].len = (size_t) (s - word[n].s);
		n++;
	}
}

static bool
word_is(Word word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.s, text, word.len) == 0;
}

/* As much of a word as a message shows: whole characters of UTF-8. */
static int
shown_length(Word word)
{
	size_t		len = word.len;

	if (len > TEMPLATE_MAX_NAME)
	{
		len = TEMPLATE_MAX_NAME;
		while (len > 0 && ((unsigned char) word.s[len] & 0xC0) == 0x80)
			len--;
	}
	return (int) len;
}

static bool
is_name(Word word)
{
	for (size_t i = 0; i < word.len; i++)
	{
		char		c = word.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return word.len > 0 && word.len <= TEMPLATE_MAX_NAME;
}

static void
take_name(TemplatePiece *piece, TemplateKind kind, Word word)
{
	if (!is_name(word))
	{
		set_bad(piece, "\"%.*s\" is no name of a variable", shown_length(word), word.s);
		return;
	}
	piece->kind = kind;
	piece->s = word.s;
	piece->len = word.len;
}

/* {{ ... }} */
static void
read_variable(TemplatePiece *piece, const char *s, const char *end)
{
	Word		word[MAX_WORDS];

	if (split_words(s, end, word) == 1)
		take_name(piece, TEMPLATE_VARIABLE, word[0]);
	else
		set_bad(piece, "{{ }} takes the name of one variable");
}

static void
begin_condition(TemplateReader *reader, TemplatePiece *piece, TemplateKind kind, Word name)
{
	take_name(piece, kind, name);
	if (piece->kind == TEMPLATE_BAD)
		return;
	if (reader->depth == TEMPLATE_MAX_DEPTH)
	{
		set_bad(piece, "conditions are nested more than %d deep", TEMPLATE_MAX_DEPTH);
		return;
	}
	reader->has_else[reader->depth] = false;
	reader->if_line[reader->depth] = piece->line;
	reader->depth++;
}

/* {% ... %} */
static void
read_statement(TemplateReader *reader, TemplatePiece *piece, const char *s, const char *end)
{
	Word		word[MAX_WORDS];
	int			n = split_words(s, end, word);

	if (n == 2 && word_is(word[0], "if"))
		begin_condition(reader, piece, TEMPLATE_IF, word[1]);
	else if (n == 3 && word_is(word[0], "if") && word_is(word[1], "not"))
		begin_condition(reader, piece, TEMPLATE_IF_NOT, word[2]);
	else if (n == 1 && word_is(word[0], "else"))
	{
		if (reader->depth == 0 || reader->has_else[reader->depth - 1])
		{
			set_bad(piece, "{%% else %%} without {%% if %%}");
			return;
		}
		reader->has_else[reader->depth - 1] = true;
		piece->kind = TEMPLATE_ELSE;
	}
	else if (n == 1 && word_is(word[0], "endif"))
	{
		if (reader->depth == 0)
		{
			set_bad(piece, "{%% endif %%} without {%% if %%}");
			return;
		}
		reader->depth--;
		piece->kind = TEMPLATE_ENDIF;
	}
	else if (n > 0)
		set_bad(piece, "{%% %.*s %%} is not understood", shown_length(word[0]), word[0].s);
	else
		set_bad(piece, "{%%  %%} is not understood");
}

/* The next "{{", "{%" or "{#" that s, end has; end without one. */
static const char *
find_tag(const char *s, const char *end)
{
	for (; s + 1 < end; s++)
		if (s[0] == '{' && (s[1] == '{' || s[1] == '%' || s[1] == '#'))
			return s;
	return end;
}

/* Goes on behind s, lines counted. */
static void
advance(TemplateReader *reader, const char *s)
{
	for (; reader->pos < s; reader->pos++)
		reader->line += *reader->pos == '\n';
}

/* The tag at the reader's place; false for a comment, which is no piece. */
static bool
read_tag(TemplateReader *reader, TemplatePiece *piece)
{
	const char *tag = reader->pos;
	const char *inside = tag + 2;
	const char *close = inside;
	char		ending = tag[1] == '{' ? '}' : tag[1];

	piece->line = reader->line;
	while (close + 1 < reader->end && !(close[0] == ending && close[1] == '}'))
		close++;
	if (close + 1 >= reader->end)
	{
		set_bad(piece, "{%c is never closed", tag[1]);
		return true;
	}
	if (tag[1] == '{')
		read_variable(piece, inside, close);
	else if (tag[1] == '%')
		read_statement(reader, piece, inside, close);
	advance(reader, close + 2);
	return tag[1] != '#';
}

/*
 * template_reader_next
 *
 * Reads the next piece.  After TEMPLATE_END and TEMPLATE_BAD there is none; of
 * what comes before TEMPLATE_END each else has its if, and each if its endif.
 */
void
template_reader_next(TemplateReader *reader, TemplatePiece *piece)
{
	memset(piece, 0, sizeof(TemplatePiece));
	while (reader->pos < reader->end)
	{
		const char *tag = find_tag(reader->pos, reader->end);

		if (tag > reader->pos)
		{
			piece->kind = TEMPLATE_TEXT;
			piece->s = reader->pos;
			piece->len = (size_t) (tag - reader->pos);
			piece->line = reader->line;
			advance(reader, tag);
			return;
		}
		if (read_tag(reader, piece))
			return;
	}
	piece->line = reader->line;
	piece->kind = TEMPLATE_END;
	if (reader->depth > 0)
		set_bad(piece, "the {%% if %%} of line %d is never closed", reader->if_line[reader->depth - 1]);
}
