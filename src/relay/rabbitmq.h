/*
 * rabbitmq.h
 *	  The headers of librabbitmq, which moved into a folder in version 0.12.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_RABBITMQ_H
#define WAZO_AUTH_RABBITMQ_H

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

#endif							/* WAZO_AUTH_RABBITMQ_H */
