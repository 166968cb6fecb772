/* SPDX-License-Identifier: GPL-2.0 */
/* Compare the counts of interfaces, IP and portmon over the same time. */
#ifndef PORTMON_CTL_COVERAGE_H
#define PORTMON_CTL_COVERAGE_H

#include "host/links.h"
#include "host/mib.h"
#include "lib/nl.h"
#include "lib/record.h"

#define HOOKS (PORTMON_HOOK_MAX + 1)

/**
 * struct sample - all counters at one time
 * @links: the interfaces
 * @mib: IP
 * @hook: what portmon counted at each hook
 * @twice: of it, packets at local-out that pass a VRF and are counted
 *   there again
 * @generation: of portmon's counters
 * @ms: time, in thousandths of a second
 */
struct sample {
	struct links links;
	struct mib mib;
	struct count hook[HOOKS];
	struct count twice;
	uint32_t generation;
	uint64_t ms;
};

/**
 * enum cause - why two counts differ
 * @CAUSE_LINK_HEADER: an interface counts the link layer's header
 * @CAUSE_BUFFERS: an interface counts buffers
 * @CAUSE_NOT_IP: received and not handed to IP
 * @CAUSE_OTHER_HOST: received, for another host
 * @CAUSE_NO_HANDLER: received by an interface in reserve
 * @CAUSE_DROPPED: received and dropped at once
 * @CAUSE_BAD: refused by IP
 * @CAUSE_NO_ROUTE: there was no way on
 * @CAUSE_FRAGMENTS: put together before portmon's hook
 * @CAUSE_BEFORE_HOOK: lost between IP and the hooks
 * @CAUSE_LOOPED: at a hook but not handed to IP
 * @CAUSE_TX_OTHER: sent without passing a hook
 * @CAUSE_TX_LESS: lost behind the hooks, or sent in buffers
 * @CAUSE_TX_DROPPED: dropped by the interface or its queue
 * @CAUSE_TX_NO_ROUTE: there was no way to send it
 * @CAUSE_TX_FRAGMENTS: taken apart behind the hook
 * @CAUSE_XDP: a program acts before the kernel
 * @CAUSE_TC: tc filters act before IP
 * @CAUSE_BRIDGE: a bridge shows its frames to the hooks
 * @CAUSE_FLOWTABLE: forwarded past the hooks
 * @CAUSE_FLOWTABLE_UNKNOWN: it is unknown whether there is one
 * @CAUSE_ELSEWHERE: the other end is in another namespace
 * @CAUSES: how many there are
 */
enum cause {
	CAUSE_LINK_HEADER,
	CAUSE_BUFFERS,
	CAUSE_NOT_IP,
	CAUSE_OTHER_HOST,
	CAUSE_NO_HANDLER,
	CAUSE_DROPPED,
	CAUSE_BAD,
	CAUSE_NO_ROUTE,
	CAUSE_FRAGMENTS,
	CAUSE_BEFORE_HOOK,
	CAUSE_LOOPED,
	CAUSE_TX_OTHER,
	CAUSE_TX_LESS,
	CAUSE_TX_DROPPED,
	CAUSE_TX_NO_ROUTE,
	CAUSE_TX_FRAGMENTS,
	CAUSE_XDP,
	CAUSE_TC,
	CAUSE_BRIDGE,
	CAUSE_FLOWTABLE,
	CAUSE_FLOWTABLE_UNKNOWN,
	CAUSE_ELSEWHERE,
	CAUSES
};

/**
 * struct cause_text - the description of a cause
 * @name: in JSON
 * @unit: the unit of its amount, NULL if it is not counted
 * @text: in plain words
 */
struct cause_text {
	const char *name;
	const char *unit;
	const char *text;
};

extern const struct cause_text cause_texts[CAUSES];

/**
 * struct coverage - the differences between two samples
 * @links: the interfaces, with what they counted meanwhile
 * @mib: what IP counted
 * @hook: what portmon counted at each hook
 * @rx: received: by the interfaces and by portmon
 * @tx: sent: the same
 * @found: which causes were found
 * @amount: how much of each, 0 for what cannot be counted
 * @ms: how long it took
 */
struct coverage {
	struct links links;
	struct mib mib;
	struct count hook[HOOKS];
	struct {
		struct count links;
		struct count portmon;
	} rx, tx;
	bool found[CAUSES];
	uint64_t amount[CAUSES];
	uint64_t ms;
};

int sample_read(struct pm *pm, struct info *info, struct sample *s,
		struct error *e);
void sample_free(struct sample *s);
bool link_counts(const struct links *links, const struct link *link);
bool link_has(const struct link *link, enum cause cause);
int coverage_between(struct coverage *c, const struct sample *before,
		     struct sample *after);

#endif
