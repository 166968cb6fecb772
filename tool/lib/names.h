/* SPDX-License-Identifier: GPL-2.0 */
/* The words of the family's enums. */
#ifndef PORTMON_CTL_NAMES_H
#define PORTMON_CTL_NAMES_H

#include <stddef.h>

/**
 * struct names - the words of one enum
 * @what: what they name ("scope")
 * @v: the words, by value
 * @n: how many there are
 */
struct names {
	const char *what;
	const char *const *v;
	unsigned int n;
};

extern const struct names scope_names;
extern const struct names transport_names;
extern const struct names range_names;
extern const struct names hook_names;
extern const struct names family_names;
extern const struct names bucket_names;
extern const struct names event_names;

/* By PORTMON_A_TCP_*, as JSON has them. */
extern const char *const tcp_keys[];

/* By bit of enum portmon_tracepoint. */
extern const struct names tracepoint_names;

/* A newer module may know more words than this tool. */
static inline const char *name_of(const struct names *names, unsigned int v)
{
	return v < names->n ? names->v[v] : "unknown";
}

int name_find(const struct names *names, const char *word, size_t len);
const char *protocol_name(unsigned int protocol);

#endif
