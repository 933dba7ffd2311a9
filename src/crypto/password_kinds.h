/*
 * password_kinds.h
 *	  Which kinds of password hashes are stored.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PASSWORD_KINDS_H
#define WAZO_AUTH_PASSWORD_KINDS_H

#include "plain/phc.h"

/* Kinds beyond these do not count; an installation has one or two. */
#define PASSWORD_MAX_KINDS	8

extern int	password_kinds(PhcHash kind[PASSWORD_MAX_KINDS]);
extern bool password_same_kind(const PhcHash *a, const PhcHash *b);

#endif							/* WAZO_AUTH_PASSWORD_KINDS_H */
