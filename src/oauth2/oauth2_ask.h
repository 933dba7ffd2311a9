/*
 * oauth2_ask.h
 *	  Requests to providers of OAuth2 from a user's request.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OAUTH2_ASK_H
#define WAZO_AUTH_OAUTH2_ASK_H

extern void oauth2_ask_init(void);

#endif							/* WAZO_AUTH_OAUTH2_ASK_H */
