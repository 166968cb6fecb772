// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "exporter/accept.h"

/* Weights are thousandths. */
#define WEIGHT_MAX	1000

/**
 * struct span - a part of a header
 * @s: where it begins
 * @len: its length
 */
struct span {
	const char *s;
	size_t len;
};

/* The next part up to a separator, without the blanks around it. */
static struct span next_part(const char **at, char separator)
{
	struct span part = { *at, strcspn(*at, (char[]){ separator, '\0' }) };

	*at += part.len + (part.s[part.len] == separator);
	while (part.len && isspace((unsigned char)*part.s)) {
		part.s++;
		part.len--;
	}
	while (part.len && isspace((unsigned char)part.s[part.len - 1]))
		part.len--;
	return part;
}

static bool is(const struct span *part, const char *word)
{
	return part->len == strlen(word) &&
	       !strncasecmp(part->s, word, part->len);
}

static bool begins(const struct span *part, const char *word)
{
	return part->len >= strlen(word) &&
	       !strncasecmp(part->s, word, strlen(word));
}

/* "0.5": what is no weight is none. */
static unsigned int weight(const struct span *part)
{
	unsigned int v = 0, unit = WEIGHT_MAX;
	size_t i;

	for (i = 2; i < part->len && unit; i++) {
		if (part->s[i] == '.' && i == 3)
			continue;
		if (!isdigit((unsigned char)part->s[i]))
			return 0;
		v += (part->s[i] - '0') * unit;
		unit /= 10;
	}
	return v > WEIGHT_MAX ? WEIGHT_MAX : v;
}

/**
 * struct range - a media range of the header Accept
 * @name: type and subtype
 * @weight: its weight
 * @other_version: a version other than 1.0.0 is requested
 */
struct range {
	struct span name;
	unsigned int weight;
	bool other_version;
};

static struct range parse_range(const char *range)
{
	struct range r = {
		.name = next_part(&range, ';'), .weight = WEIGHT_MAX,
	};

	while (*range) {
		struct span part = next_part(&range, ';');

		if (begins(&part, "q="))
			r.weight = weight(&part);
		else if (begins(&part, "version="))
			r.other_version = !is(&part, "version=1.0.0") &&
					  !is(&part, "version=\"1.0.0\"");
	}
	return r;
}

/**
 * accept_openmetrics() - does a client want OpenMetrics?
 * @accept: its header Accept, or NULL
 *
 * Return: true if it names OpenMetrics and likes nothing else better.
 */
bool accept_openmetrics(const char *accept)
{
	unsigned int open = 0, text = 0;
	char copy[256];

	while (accept && *accept) {
		struct span part = next_part(&accept, ',');
		struct range r;

		if (part.len >= sizeof(copy))
			continue;
		*(char *)mempcpy(copy, part.s, part.len) = '\0';
		r = parse_range(copy);
		if (is(&r.name, "application/openmetrics-text") &&
		    !r.other_version && r.weight > open)
			open = r.weight;
		if ((is(&r.name, "text/plain") || is(&r.name, "text/*")) &&
		    r.weight > text)
			text = r.weight;
	}
	return open && open >= text;
}

/**
 * host_is_local() - is a request meant for this host by a local name?
 * @host: its header Host, or NULL
 * @own: another name that is accepted, or NULL
 *
 * A page of another site can have its own name point to 127.0.0.1 and then
 * read what it finds there; the name it used is in this header.
 *
 * Return: true for localhost, addresses of the loopback network, and @own.
 */
bool host_is_local(const char *host, const char *own)
{
	struct in_addr in;
	char name[256];
	size_t len;

	if (!host)
		return true;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (len >= sizeof(name) || len > strlen(host))
		return false;
	*(char *)mempcpy(name, host, len) = '\0';
	host += len;
	if (*host && (*host != ':' ||
		      host[1 + strspn(host + 1, "0123456789")]))
		return false;
	if (!strcasecmp(name, "localhost") || !strcmp(name, "[::1]") ||
	    (own && !strcasecmp(name, own)))
		return true;
	return inet_pton(AF_INET, name, &in) == 1 &&
	       ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET;
}
