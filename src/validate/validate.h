/*
 * validate.h
 *	  Reading request bodies and query strings by declared shapes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_VALIDATE_H
#define WAZO_AUTH_VALIDATE_H

#include "utils/jsonb.h"

extern Jsonb *validate_object(const char *schema, Jsonb *input);
extern void validate_body_size(const char *schema, const char *body, size_t len);
extern void validate_form_size(const char *schema, size_t len);
extern Jsonb *validate_query(const char *schema, Jsonb *input);

#endif							/* WAZO_AUTH_VALIDATE_H */
