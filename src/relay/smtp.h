/*
 * smtp.h
 *	  Sending mail by SMTP without ever waiting for the server.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SMTP_H
#define WAZO_AUTH_SMTP_H

#include "postgres.h"

#include "storage/latch.h"

/* transfers at a time, and sockets that they may need */
#define SMTP_MAX_TRANSFERS	4
#define SMTP_MAX_SOCKETS	(4 * SMTP_MAX_TRANSFERS)

/* Where to send; the strings end with NUL, NULL for none. */
typedef struct SmtpConfig
{
	const char *hostname;		/* a name, an IPv4 address or an IPv6 address */
	int			port;
	const char *tls;			/* "none", "starttls" or "tls" */
	bool		tls_verify;
	const char *ca_file;
	const char *username;
	const char *password;
} SmtpConfig;

typedef enum SmtpOutcome
{
	SMTP_RUNNING,
	SMTP_SENT,					/* the server has taken it */
	SMTP_REFUSED,				/* the server will not take this mail */
	SMTP_UNREACHABLE			/* no mail can be sent at present */
} SmtpOutcome;

typedef struct SmtpTransfer SmtpTransfer;

extern SmtpTransfer *smtp_start(const SmtpConfig *config, const char *sender, const char *recipient,
								const char *message, Size len);
extern void smtp_drive(void);
extern SmtpOutcome smtp_outcome(const SmtpTransfer *transfer, const char **error);
extern void smtp_free(SmtpTransfer *transfer);
extern long smtp_wait_limit(void);
extern void smtp_add_to_wait(WaitEventSet *set);

#endif							/* WAZO_AUTH_SMTP_H */
