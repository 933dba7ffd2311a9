/*
 * login_fold.h
 *	  Folds usernames and e-mail addresses for comparison.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LOGIN_FOLD_H
#define WAZO_AUTH_LOGIN_FOLD_H

#include "postgres.h"

extern text *normal_login(const text *login);

#endif							/* WAZO_AUTH_LOGIN_FOLD_H */
