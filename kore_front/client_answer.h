/*
 * client_answer.h: answering a client.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CLIENT_ANSWER_H
#define WAZO_AUTH_FRONT_CLIENT_ANSWER_H

#include "client_state.h"

extern void client_send(Client *client, const char *data, size_t len);
extern void client_finish(Client *client);
extern void client_answer_row(Client *client, const char *row, size_t len);
extern void client_answer_failure(Client *client, JobFailure failure);
extern void client_answer_error(Client *client, int status);
extern void client_refuse(Client *client, int status);

#endif
