/*
 * log_text.h
 *	  Text of strangers as it may stand in a line of a log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LOG_TEXT_H
#define WAZO_AUTH_LOG_TEXT_H

#include <stddef.h>

typedef enum LogQuote
{
	LOG_PLAIN,					/* no quotes: a whole message */
	LOG_WORD,					/* in quotes when it would not be one word */
	LOG_QUOTED					/* in quotes */
} LogQuote;

extern size_t log_text(char *out, size_t size, const char *s, size_t len, LogQuote quote);

#endif							/* WAZO_AUTH_LOG_TEXT_H */
