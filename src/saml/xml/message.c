/*
 * message.c
 *	  What all SAML protocol messages have in common.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "message.h"

#include <string.h>

#include "document.h"
#include "moment.h"

#define ISSUED_MAX_AGE	86400

bool
not_yet(const Work *w, int64_t moment)
{
	return moment > w->job->now + w->job->skew;
}

bool
over(const Work *w, int64_t moment)
{
	return moment <= w->job->now - w->job->skew;
}

/* A moment that may be absent; false only for one that cannot be read. */
bool
optional_moment(Work *w, const xmlNode *node, const char *name, int64_t absent, int64_t *moment)
{
	const char *text = attribute(w, node, name);

	*moment = absent;
	return text == NULL || moment_read(text, moment);
}

bool
issuer_is(Work *w, const xmlNode *parent)
{
	const xmlNode *issuer = only_child(parent, NS_SAML, "Issuer");
	const char *format = issuer ? attribute(w, issuer, "Format") : NULL;

	if (issuer == NULL || !field_is(&w->job->issuer, uri_of(w, issuer)) ||
		(format != NULL && strcmp(format, FORMAT_ENTITY) != 0))
		return refuse(w, "issuer", (const char *) parent->name);
	return true;
}

bool
issued_lately(Work *w, const xmlNode *node)
{
	int64_t		moment;

	if (!moment_read(attribute(w, node, "IssueInstant"), &moment) ||
		not_yet(w, moment) || moment < w->job->now - ISSUED_MAX_AGE - w->job->skew)
		return refuse(w, "issue_instant", (const char *) node->name);
	return true;
}

static bool
version_is_2(Work *w, const xmlNode *node)
{
	const char *version = attribute(w, node, "Version");

	return (version != NULL && strcmp(version, "2.0") == 0) || refuse(w, "version", (const char *) node->name);
}

bool
message_head_is_good(Work *w, const xmlNode *root)
{
	const Job  *job = w->job;

	if (!version_is_2(w, root) || !issued_lately(w, root))
		return false;
	if (!field_is(&job->destination, attribute(w, root, "Destination")))
		return refuse(w, "destination", NULL);
	if (job->in_response_to.data != NULL && !field_is(&job->in_response_to, attribute(w, root, "InResponseTo")))
		return refuse(w, "in_response_to", (const char *) root->name);
	return issuer_is(w, root);
}

bool
status_is_success(Work *w, const xmlNode *root)
{
	const xmlNode *status = only_child(root, NS_SAMLP, "Status");
	const xmlNode *code = status ? only_child(status, NS_SAMLP, "StatusCode") : NULL;
	const char *value = code ? attribute(w, code, "Value") : NULL;

	return (value != NULL && strcmp(value, STATUS_SUCCESS) == 0) || refuse(w, "status", value);
}

/*
 * Are all children of the list "namespace", "name", "namespace", "name" ... NULL,
 * and none of them there twice?
 */
bool
children_are(Work *w, const xmlNode *parent, const char *const *allowed)
{
	for (const xmlNode *c = first_child(parent); c != NULL; c = next_element(c))
	{
		const char *const *a = allowed;

		while (*a != NULL && !is(c, a[0], a[1]))
			a += 2;
		if (*a == NULL || only_child(parent, a[0], a[1]) == NULL)
			return refuse(w, "unexpected_element", (const char *) c->name);
	}
	return true;
}

/* Reports the NameID of a Subject or of a LogoutRequest. */
bool
name_id_found(Work *w, const xmlNode *parent)
{
	const xmlNode *id = only_child(parent, NS_SAML, "NameID");
	const char *text = id ? text_of(w, id) : NULL;

	if (text == NULL || *text == '\0')
		return refuse(w, "name_id", NULL);
	found(w, "name_id", text);
	found(w, "name_id_format", attribute(w, id, "Format"));
	found(w, "name_id_name_qualifier", attribute(w, id, "NameQualifier"));
	found(w, "name_id_sp_name_qualifier", attribute(w, id, "SPNameQualifier"));
	return true;
}
