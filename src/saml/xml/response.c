/*
 * response.c
 *	  The job verify_response.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "response.h"

#include "assertion.h"
#include "decrypt.h"
#include "document.h"
#include "message.h"
#include "signature.h"

static const char *const response_children[] = {
	NS_SAML, "Issuer", NS_DS, "Signature", NS_SAMLP, "Extensions", NS_SAMLP, "Status",
	NS_SAML, "Assertion", NS_SAML, "EncryptedAssertion", NULL
};

/*
 * The whole document has one assertion, a child of the response, and no signature
 * but theirs: there is nothing else to wrap or to be mistaken for it.
 */
static bool
shape_is_good(Work *w, const xmlNode *root)
{
	int			own = only_child(root, NS_DS, "Signature") != NULL;
	const xmlNode *assertion = only_child(root, NS_SAML, "Assertion");
	const xmlNode *encrypted = only_child(root, NS_SAML, "EncryptedAssertion");

	if (!is(root, NS_SAMLP, "Response"))
		return refuse(w, "not_a_response", (const char *) root->name);
	if (!children_are(w, root, response_children))
		return false;
	if (count_below(root, NS_SAML, "Assertion") + count_below(root, NS_SAML, "EncryptedAssertion") != 1 ||
		(assertion == NULL) == (encrypted == NULL))
		return refuse(w, "assertion_count", NULL);
	if (assertion != NULL && only_child(assertion, NS_DS, "Signature") != NULL)
		own++;
	if (count_below(root, NS_DS, "Signature") != own)
		return refuse(w, "signature_form", "a signature elsewhere");
	return true;
}

/* What was decrypted is held to what shape_is_good() asks. */
static bool
decrypted_shape_is_good(Work *w, const xmlNode *assertion)
{
	int			own = only_child(assertion, NS_DS, "Signature") != NULL;

	if (count_below(assertion, NS_SAML, "Assertion") + count_below(assertion, NS_SAML, "EncryptedAssertion") != 1)
		return refuse(w, "assertion_count", NULL);
	if (count_below(assertion, NS_DS, "Signature") != own)
		return refuse(w, "signature_form", "a signature elsewhere");
	return true;
}

bool
verify_response(Work *w, xmlNode *root)
{
	bool		is_signed = only_child(root, NS_DS, "Signature") != NULL;
	xmlNode    *assertion;
	xmlNode    *encrypted;

	if (!shape_is_good(w, root) || !signature_check(w, root, w->job->sign_response))
		return false;
	if (!message_head_is_good(w, root) || !status_is_success(w, root))
		return false;
	assertion = only_child(root, NS_SAML, "Assertion");
	encrypted = only_child(root, NS_SAML, "EncryptedAssertion");
	if (encrypted != NULL)
	{
		assertion = assertion_decrypt(w, encrypted, is_signed);
		if (assertion == NULL || !decrypted_shape_is_good(w, assertion))
			return false;
	}
	if (!signature_check(w, assertion, w->job->sign_assertion))
		return false;
	/* Of a response that nobody signed, anybody may have chosen the ID. */
	if (is_signed)
		found(w, "response_id", attribute(w, root, "ID"));
	return assertion_found(w, assertion);
}
