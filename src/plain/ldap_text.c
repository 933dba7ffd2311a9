/*
 * ldap_text.c
 *	  Distinguished names and search filters of LDAP, made of what users typed.
 *
 * What a user types never gets a meaning in a name (RFC 4514) or a filter
 * (RFC 4515).  Every function writes into the caller's room and returns false
 * when the text does not fit or is not of its form.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "plain/ldap_text.h"

/* parentheses in each other, of a filter */
#define MAX_DEPTH	32

typedef struct Out
{
	char	   *at;
	char	   *end;			/* the place of the last zero byte */
	bool		full;
} Out;

static Out
out_begin(char *out, size_t size)
{
	return (Out) {out, out + size - 1, size == 0};
}

static void
put(Out *o, char c)
{
	if (o->full || o->at == o->end)
		o->full = true;
	else
		*o->at++ = c;
}

static void
put_text(Out *o, const char *s)
{
	for (; *s; s++)
		put(o, *s);
}

static void
put_hex(Out *o, unsigned char c)
{
	put(o, '\\');
	put(o, "0123456789abcdef"[c >> 4]);
	put(o, "0123456789abcdef"[c & 15]);
}

static bool
out_end(Out *o)
{
	if (!o->full)
		*o->at = '\0';
	return !o->full;
}

static void
put_dn_value(Out *o, const char *value)
{
	for (const char *s = value; *s; s++)
	{
		unsigned char c = (unsigned char) *s;
		bool		edge = s == value || s[1] == '\0';

		if (c < 0x20 || c == 0x7f)
			put_hex(o, c);
		else
		{
			if (strchr("\"+,;<>\\=", c) || (c == ' ' && edge) || (c == '#' && s == value))
				put(o, '\\');
			put(o, (char) c);
		}
	}
}

static void
put_filter_value(Out *o, const char *value)
{
	for (const char *s = value; *s; s++)
	{
		unsigned char c = (unsigned char) *s;

		if (c < 0x20 || c == 0x7f || strchr("*()\\", c))
			put_hex(o, c);
		else
			put(o, (char) c);
	}
}

/* The value of an attribute as it stands in a distinguished name. */
bool
ldap_escape_dn(char *out, size_t size, const char *value)
{
	Out			o = out_begin(out, size);

	put_dn_value(&o, value);
	return out_end(&o);
}

/* The value of an attribute as it stands in a filter. */
bool
ldap_escape_filter(char *out, size_t size, const char *value)
{
	Out			o = out_begin(out, size);

	put_filter_value(&o, value);
	return out_end(&o);
}

/* The name of the user with this login directly below base. */
bool
ldap_user_dn(char *out, size_t size, const char *attribute, const char *login, const char *base)
{
	Out			o = out_begin(out, size);

	put_text(&o, attribute);
	put(&o, '=');
	put_dn_value(&o, login);
	put(&o, ',');
	put_text(&o, base);
	return out_end(&o);
}

/* The name of a placeholder at s, which points behind its brace; gives the place behind it, NULL for none. */
static const char *
placeholder(const char *s, const LdapNames *names, const char **value)
{
	const struct
	{
		const char *name;
		const char *value;
	}			known[] = {
		{"username}", names->username},
		{"user_login_attribute}", names->login_attribute},
		{"user_email_attribute}", names->email_attribute},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(s, known[i].name, strlen(known[i].name)) == 0)
		{
			*value = known[i].value;
			return s + strlen(known[i].name);
		}
	return NULL;
}

/*
 * A filter with its placeholders filled in: {username}, {user_login_attribute}
 * and {user_email_attribute}, escaped; {{ and }} are braces.  False also for
 * another placeholder and for a brace alone.
 */
bool
ldap_filter(char *out, size_t size, const char *filter, const LdapNames *names)
{
	Out			o = out_begin(out, size);
	const char *s = filter;

	while (*s)
	{
		const char *value;

		if (*s != '{' && *s != '}')
			put(&o, *s++);
		else if (s[1] == *s)
		{
			put(&o, *s);
			s += 2;
		}
		else
		{
			s = *s == '{' ? placeholder(s + 1, names, &value) : NULL;
			if (s == NULL)
				return false;
			put_filter_value(&o, value);
		}
	}
	return out_end(&o);
}

/* The name of an attribute with its options, or an OID: nothing that could end it. */
bool
ldap_attribute_valid(const char *name)
{
	size_t		len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-;._");

	return len > 0 && name[len] == '\0';
}

/* Is this two hexadecimal digits? */
static bool
is_hex_pair(const char *s)
{
	return s[0] && s[1] && strchr("0123456789abcdefABCDEF", s[0]) && strchr("0123456789abcdefABCDEF", s[1]);
}

/* The end of "attribute operator value" at s, NULL when it is none. */
static const char *
skip_item(const char *s)
{
	size_t		name = strcspn(s, "=<>~()\\*!&|");

	/* an extensible match may begin with its colon */
	if (name == 0)
		return NULL;
	s += name;
	if (*s == '<' || *s == '>' || *s == '~')
		s++;
	if (*s++ != '=')
		return NULL;
	for (; *s && *s != '(' && *s != ')'; s++)
		if (*s == '\\')
		{
			if (!is_hex_pair(s + 1))
				return NULL;
			s += 2;
		}
	return *s == '(' ? NULL : s;
}

/*
 * One step: what may stand at s behind an open parenthesis.  An operator and
 * the parenthesis after it, or an item up to the closing one.
 */
static const char *
skip_inside(const char *s)
{
	if (*s != '&' && *s != '|' && *s != '!')
		return skip_item(s);
	s++;
	return *s == '(' ? s : NULL;
}

/* Is the filter, in its parentheses, one by the grammar of RFC 4515? */
static bool
well_formed_inside(const char *s)
{
	int			depth = 0;
	int			members[MAX_DEPTH + 1] = {0};
	bool		negated[MAX_DEPTH + 1] = {false};

	do
	{
		if (*s == '(')
		{
			if (depth == MAX_DEPTH || (negated[depth] && members[depth] > 0))
				return false;
			members[depth++]++;
			members[depth] = 0;
			negated[depth] = s[1] == '!';
			s = skip_inside(s + 1);
			if (s == NULL)
				return false;
		}
		else if (*s == ')' && depth > 0)
		{
			depth--;
			s++;
		}
		else
			return false;
	} while (depth > 0);
	return *s == '\0';
}

/* Is this a filter?  The parentheses around an item may be missing. */
bool
ldap_filter_well_formed(const char *filter)
{
	const char *end;

	if (*filter == '(')
		return well_formed_inside(filter);
	end = skip_item(filter);
	return end != NULL && *end == '\0';
}
