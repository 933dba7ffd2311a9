/*
 * exchange.c
 *	  Asks a directory whether a login and a password are right.
 *
 * With a bind_dn and its password that account searches for the user, without
 * them the user's name is made of its login; then the user binds with the
 * password, on the same connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ldap/program/exchange.h"
#include "ldap/program/step_limit.h"
#include "plain/ldap_text.h"

/* bytes of a name or a filter */
#define TEXT_MAX_BYTES	65536

/* bytes of a reason */
#define REASON_MAX_BYTES	512

static const struct timeval step_time = {STEP_SECONDS, 0};

static bool
set_options(LDAP *ld, const Job *job)
{
	int			version = atoi(job->version);
	int			demand = LDAP_OPT_X_TLS_DEMAND;

	return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
		ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
		ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &step_time) == LDAP_OPT_SUCCESS &&
		ldap_set_option(ld, LDAP_OPT_TIMEOUT, &step_time) == LDAP_OPT_SUCCESS &&
		ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, job->ca_file) == LDAP_OPT_SUCCESS &&
		ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS;
}

/* A new TLS context with the options that were set; without it those of the library hold. */
static bool
new_tls_context(LDAP *ld)
{
	int			client = 0;

	return ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

/* A handle for the directory; connects to nothing yet. */
static LDAP *
open_directory(const Job *job)
{
	LDAPURLDesc url = {
		.lud_scheme = strcmp(job->security, "ldaps") == 0 ? "ldaps" : "ldap",
		.lud_host = (char *) job->host,
		.lud_port = atoi(job->port),
		.lud_scope = LDAP_SCOPE_DEFAULT,
	};
	char	   *text = ldap_url_desc2str(&url);
	LDAP	   *ld = NULL;

	if (text == NULL || ldap_initialize(&ld, text) != LDAP_SUCCESS)
		ld = NULL;
	free(text);
	return ld;
}

static int
bind_as(LDAP *ld, const char *dn, const char *password)
{
	struct berval credentials = {strlen(password), (char *) password};

	return ldap_sasl_bind_s(ld, dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
}

/* Did the step go wrong? Says why, and for lack of time as the signal would. */
static const char *
failure(LDAP *ld, int code)
{
	static char text[REASON_MAX_BYTES];
	char	   *details = NULL;

	if (code == LDAP_SUCCESS)
		return NULL;
	if (code == LDAP_TIMEOUT)
		step_late();
	if (ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &details) == LDAP_OPT_SUCCESS && details != NULL && details[0])
		snprintf(text, sizeof(text), "%s (%s)", ldap_err2string(code), details);
	else
		snprintf(text, sizeof(text), "%s", ldap_err2string(code));
	ldap_memfree(details);
	return text;
}

/* The first value of the address of an entry, if it has a usable one. */
static bool
read_email(LDAP *ld, LDAPMessage *entry, const Job *job, char email[EMAIL_MAX_BYTES])
{
	struct berval **values = ldap_get_values_len(ld, entry, job->email_attribute);
	bool		good = values != NULL && values[0] != NULL && values[0]->bv_len > 0 &&
	values[0]->bv_len < EMAIL_MAX_BYTES && memchr(values[0]->bv_val, '\0', values[0]->bv_len) == NULL;

	if (good)
	{
		memcpy(email, values[0]->bv_val, values[0]->bv_len);
		email[values[0]->bv_len] = '\0';
	}
	ldap_value_free_len(values);
	return good;
}

/* The one entry of a search, NULL when there are none or several. */
static LDAPMessage *
search_one(LDAP *ld, const Job *job, const char *base, int scope, const char *filter, LDAPMessage **result, int *code)
{
	char	   *attributes[] = {(char *) job->email_attribute, NULL};

	*code = ldap_search_ext_s(ld, base, scope, filter, attributes, 0, NULL, NULL, (struct timeval *) &step_time, 2,
							  result);
	if (*code != LDAP_SUCCESS || ldap_count_entries(ld, *result) != 1)
		return NULL;
	return ldap_first_entry(ld, *result);
}

/* Finds the user with the service's account: its name, and its address unless it has none. */
static const char *
find_user(LDAP *ld, const Job *job, char *dn, char email[EMAIL_MAX_BYTES])
{
	const char *template = job->filter[0] ? job->filter : "{user_login_attribute}={username}";
	LdapNames	names = {job->login, job->login_attribute, job->email_attribute};
	char		filter[TEXT_MAX_BYTES];
	LDAPMessage *result = NULL;
	LDAPMessage *entry;
	const char *reason;
	char	   *found;
	int			code;

	if (!ldap_filter(filter, sizeof(filter), template, &names))
		return "the search filter is none, or too long with this login";
	step_begin("binding as bind_dn");
	reason = failure(ld, bind_as(ld, job->bind_dn, job->bind_password));
	if (reason != NULL)
		return reason;
	step_begin("searching for the user");
	entry = search_one(ld, job, job->base_dn, LDAP_SCOPE_SUBTREE, filter, &result, &code);
	if (entry == NULL)
	{
		ldap_msgfree(result);
		reason = failure(ld, code);
		return reason != NULL ? reason : "not exactly one entry was found";
	}
	found = ldap_get_dn(ld, entry);
	if (found == NULL || found[0] == '\0' || strlen(found) >= TEXT_MAX_BYTES)
		reason = "the entry that was found has no usable name";
	else
		strcpy(dn, found);
	ldap_memfree(found);
	if (!read_email(ld, entry, job, email))
		email[0] = '\0';
	ldap_msgfree(result);
	return reason;
}

/* The address that the user itself may read. */
static const char *
ask_for_email(LDAP *ld, const Job *job, const char *dn, char email[EMAIL_MAX_BYTES])
{
	LDAPMessage *result = NULL;
	LDAPMessage *entry;
	const char *reason;
	int			code;

	step_begin("reading the user's entry");
	entry = search_one(ld, job, dn, LDAP_SCOPE_BASE, "(objectClass=*)", &result, &code);
	reason = failure(ld, code);
	if (reason == NULL && (entry == NULL || !read_email(ld, entry, job, email)))
		reason = "the user's entry has no e-mail address";
	ldap_msgfree(result);
	return reason;
}

static const char *
log_in(LDAP *ld, const Job *job, char email[EMAIL_MAX_BYTES])
{
	char		dn[TEXT_MAX_BYTES];
	const char *reason = NULL;

	email[0] = '\0';
	if (strcmp(job->security, "tls") == 0)
	{
		step_begin("starting TLS");
		reason = failure(ld, ldap_start_tls_s(ld, NULL, NULL));
	}
	if (reason == NULL && job->bind_dn[0] && job->bind_password[0])
		reason = find_user(ld, job, dn, email);
	else if (reason == NULL &&
			 !ldap_user_dn(dn, sizeof(dn), job->login_attribute, job->login, job->base_dn))
		reason = "the user's name is too long";
	if (reason != NULL)
		return reason;
	step_begin("binding as the user");
	reason = failure(ld, bind_as(ld, dn, job->password));
	if (reason == NULL && email[0] == '\0')
		reason = ask_for_email(ld, job, dn, email);
	return reason;
}

/*
 * Logs in. Returns NULL and the user's address, or why the login is refused.
 * Ends the program when a step takes too long.
 */
const char *
exchange_run(const Job *job, char email[EMAIL_MAX_BYTES])
{
	LDAP	   *ld;
	const char *reason;

	/* Without a name or a password a directory lets everybody in, as nobody. */
	if (job->login[0] == '\0' || job->password[0] == '\0')
		return "a login or a password is empty";
	if (!ldap_attribute_valid(job->login_attribute) || !ldap_attribute_valid(job->email_attribute))
		return "the name of an attribute is none";
	step_begin("connecting");
	ld = open_directory(job);
	if (ld == NULL)
		return "the host or the port is none";
	if (!set_options(ld, job) || (job->security[0] && !new_tls_context(ld)))
		reason = "the options cannot be set: is there a file of authorities?";
	else
		reason = log_in(ld, job, email);
	(void) ldap_unbind_ext_s(ld, NULL, NULL);
	return reason;
}
