/*
 * logout.c
 *	  The job verify_logout: a LogoutResponse when the job says what it must
 *	  answer (in_response_to), else a LogoutRequest; signed within the document.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "document.h"
#include "jobs.h"
#include "message.h"
#include "signature.h"

static const char *const response_children[] = {
	NS_SAML, "Issuer", NS_DS, "Signature", NS_SAMLP, "Extensions", NS_SAMLP, "Status", NULL
};

/* SessionIndex may repeat, the rest must not. */
static bool
request_child_is_known(const xmlNode *c)
{
	return is(c, NS_SAMLP, "SessionIndex") ||
		(is(c, NS_SAML, "Issuer") && only_child(c->parent, NS_SAML, "Issuer") != NULL) ||
		(is(c, NS_SAML, "NameID") && only_child(c->parent, NS_SAML, "NameID") != NULL) ||
		(is(c, NS_DS, "Signature") && only_child(c->parent, NS_DS, "Signature") != NULL) ||
		is(c, NS_SAMLP, "Extensions");
}

static bool
request_found(Work *w, const xmlNode *root)
{
	int64_t		until;

	if (!optional_moment(w, root, "NotOnOrAfter", INT64_MAX, &until) || over(w, until))
		return refuse(w, "expired", "LogoutRequest");
	found(w, "kind", "request");
	found(w, "id", attribute(w, root, "ID"));
	for (const xmlNode *c = first_child(root); c != NULL; c = next_element(c))
	{
		if (!request_child_is_known(c))
			return refuse(w, "unexpected_element", (const char *) c->name);
		if (is(c, NS_SAMLP, "SessionIndex"))
			found(w, "session_index", text_of(w, c));
	}
	return name_id_found(w, root);
}

static bool
response_found(Work *w, const xmlNode *root)
{
	if (!children_are(w, root, response_children) || !status_is_success(w, root))
		return false;
	found(w, "kind", "response");
	found(w, "id", attribute(w, root, "ID"));
	return true;
}

bool
verify_logout(Work *w, xmlNode *root)
{
	bool		answer = w->job->in_response_to.data != NULL;

	if (!is(root, NS_SAMLP, answer ? "LogoutResponse" : "LogoutRequest"))
		return refuse(w, "not_a_logout", (const char *) root->name);
	if (count_below(root, NS_DS, "Signature") > 1)
		return refuse(w, "signature_form", "several");
	if (!signature_check(w, root, true) || !message_head_is_good(w, root))
		return false;
	return answer ? response_found(w, root) : request_found(w, root);
}
