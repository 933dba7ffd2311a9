/*
 * http_form.h
 *	  The body of a request as a form.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_FORM_H
#define WAZO_AUTH_HTTP_FORM_H

#include "http/http_call.h"

extern bool http_is_form(HttpCall *call);
extern Jsonb *http_form_jsonb(HttpCall *call);

#endif							/* WAZO_AUTH_HTTP_FORM_H */
