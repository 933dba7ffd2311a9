/*
 * template_fuzz.c
 *	  libFuzzer target: mail templates.  Each else and endif has its if, and what
 *	  was read, written again, reads the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/template_reader.h"
#include "require.h"

static char *
write_piece(char *out, const TemplatePiece *piece)
{
	switch (piece->kind)
	{
		case TEMPLATE_TEXT:
			memcpy(out, piece->s, piece->len);
			return out + piece->len;
		case TEMPLATE_VARIABLE:
			return out + sprintf(out, "{{%.*s}}", (int) piece->len, piece->s);
		case TEMPLATE_IF:
			return out + sprintf(out, "{%%if %.*s%%}", (int) piece->len, piece->s);
		case TEMPLATE_IF_NOT:
			return out + sprintf(out, "{%%if not %.*s%%}", (int) piece->len, piece->s);
		case TEMPLATE_ELSE:
			return out + sprintf(out, "{%%else%%}");
		case TEMPLATE_ENDIF:
			return out + sprintf(out, "{%%endif%%}");
		case TEMPLATE_END:
		case TEMPLATE_BAD:
			break;
	}
	return out;
}

/*
 * Reads s, len and writes it, without comments, to out; returns how many bytes
 * that are, or -1 for what cannot be read.
 */
static long
rewrite(const char *s, size_t len, char *out)
{
	TemplateReader reader;
	TemplatePiece piece;
	char	   *end = out;
	bool		has_else[TEMPLATE_MAX_DEPTH];
	int			depth = 0;
	int			line = 1;

	template_reader_init(&reader, s, len);
	for (template_reader_next(&reader, &piece); piece.kind != TEMPLATE_END; template_reader_next(&reader, &piece))
	{
		require(piece.line >= line);
		line = piece.line;
		if (piece.kind == TEMPLATE_BAD)
		{
			require(strnlen(piece.why, sizeof(piece.why)) < sizeof(piece.why) && *piece.why);
			return -1;
		}
		require(piece.s == NULL || (piece.s >= s && piece.s + piece.len <= s + len));
		if (piece.kind == TEMPLATE_IF || piece.kind == TEMPLATE_IF_NOT)
		{
			require(depth < TEMPLATE_MAX_DEPTH);
			has_else[depth++] = false;
		}
		else if (piece.kind == TEMPLATE_ELSE)
		{
			require(depth > 0 && !has_else[depth - 1]);
			has_else[depth - 1] = true;
		}
		else if (piece.kind == TEMPLATE_ENDIF)
			require(depth-- > 0);
		end = write_piece(end, &piece);
	}
	require(depth == 0);
	/* the one that is dropped */
	*end++ = '\n';
	return end - out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* nothing gets longer but by that newline */
	char	   *once = malloc(size + 2);
	char	   *twice = malloc(size + 3);
	long		n = rewrite((const char *) data, size, once);

	if (n >= 0)
	{
		require((size_t) n <= size + 1);
		require(rewrite(once, (size_t) n, twice) == n && memcmp(once, twice, (size_t) n) == 0);
	}
	free(once);
	free(twice);
	return 0;
}
