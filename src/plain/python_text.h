/*
 * python_text.h
 *	  Integers and booleans given as text, as upstream's Python reads them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PYTHON_TEXT_H
#define WAZO_AUTH_PYTHON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Python refuses integers of more digits */
#define PYTHON_INT_MAX_DIGITS 4300

typedef enum PythonInt
{
	PYTHON_INT_INVALID,			/* not an integer */
	PYTHON_INT_OK,
	PYTHON_INT_ABOVE,			/* beyond the largest int64 */
	PYTHON_INT_BELOW			/* beyond the smallest int64 */
} PythonInt;

extern PythonInt python_int(const char *s, size_t len, int64_t *value);
extern bool python_bool_word(const char *s, size_t len, bool *value);

#endif							/* WAZO_AUTH_PYTHON_TEXT_H */
