/*
 * python_repr.h
 *	  Texts as Python's repr() shows them, in messages that clients know.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PYTHON_REPR_H
#define WAZO_AUTH_PYTHON_REPR_H

#include "postgres.h"

#include "lib/stringinfo.h"

extern void append_python_repr(StringInfo out, const char *s, size_t len);

#endif							/* WAZO_AUTH_PYTHON_REPR_H */
