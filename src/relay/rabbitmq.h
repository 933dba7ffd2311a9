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
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

/* PostgreSQL has set up OpenSSL.  Later versions deprecate the call: with OpenSSL 1.1 there is nothing to set up. */
#if AMQP_VERSION < AMQP_VERSION_CODE(0, 13, 0, 0)
#define leave_openssl_alone()	((void) amqp_set_initialize_ssl_library(false))
#else
#define leave_openssl_alone()	((void) 0)
#endif

#endif							/* WAZO_AUTH_RABBITMQ_H */
