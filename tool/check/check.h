/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong, at which port: rules over the counters and the sockets. */
#ifndef PORTMON_CTL_CHECK_H
#define PORTMON_CTL_CHECK_H

#include "ctl/ctx.h"
#include "host/coverage.h"
#include "host/links.h"
#include "host/owners.h"
#include "lib/snapshot.h"

/**
 * enum limit - thresholds, see limits.c for what each means
 * @LIMITS: how many there are
 */
enum limit {
	LIMIT_PER_MINUTE,
	LIMIT_UNANSWERED,
	LIMIT_UNANSWERED_PERCENT,
	LIMIT_INCOMPLETE,
	LIMIT_INCOMPLETE_PERCENT,
	LIMIT_FAILED,
	LIMIT_FAILED_PERCENT,
	LIMIT_REFUSED,
	LIMIT_SCAN_PORTS,
	LIMIT_DROPS,
	LIMIT_DROPS_PERCENT,
	LIMIT_RETRANSMITTED_PERCENT,
	LIMIT_RETRANSMITTED_PACKETS,
	LIMIT_SILENT_GAPS,
	LIMIT_SILENT_SECONDS,
	LIMIT_COVERAGE_PACKETS,
	LIMIT_COVERAGE_PERCENT,
	LIMIT_SPAN,
	LIMITS
};

/**
 * struct limits - the thresholds in force
 * @v: by enum limit
 */
struct limits {
	double v[LIMITS];
};

/**
 * struct limit_def - a threshold
 * @name: in the file
 * @value: where no file sets it
 * @max: largest value allowed
 * @text: what it is compared with
 */
struct limit_def {
	const char *name;
	double value;
	double max;
	const char *text;
};

extern const struct limit_def limit_defs[LIMITS];

int limits_read(struct limits *limits);
int limits_parse(struct limits *limits, FILE *f, const char *path);

/**
 * enum finding_kind - what is wrong, the worst first
 * @FOUND_ACCEPT_QUEUE: connections wait and the program does not accept them
 * @FOUND_RECEIVE_QUEUE: packets wait and the program does not read them
 * @FOUND_FLOOD: handshakes are begun and not completed, from many addresses
 * @FOUND_UNANSWERED: SYNs are not answered
 * @FOUND_INCOMPLETE: handshakes are not completed
 * @FOUND_REFUSED: connections are refused
 * @FOUND_FAILED: connections that this host begins fail
 * @FOUND_DROPS: packets are dropped
 * @FOUND_RETRANSMITTED: many segments are retransmitted
 * @FOUND_SCAN: closed ports are probed
 * @FOUND_OVERFLOW: packets that have no record of their own
 * @FOUND_SWITCHED_OFF: a part of the answer is not counted
 * @FOUND_NO_TRACEPOINT: the kernel cannot tell a part of the answer
 * @FOUND_SILENT: nothing arrives at a port that was in use
 * @FOUND_GAP: packets passed portmon unseen
 * @FOUND_BYPASS: packets may pass portmon unseen
 * @FINDINGS: how many kinds there are
 */
enum finding_kind {
	FOUND_ACCEPT_QUEUE,
	FOUND_RECEIVE_QUEUE,
	FOUND_FLOOD,
	FOUND_UNANSWERED,
	FOUND_INCOMPLETE,
	FOUND_REFUSED,
	FOUND_FAILED,
	FOUND_DROPS,
	FOUND_RETRANSMITTED,
	FOUND_SCAN,
	FOUND_OVERFLOW,
	FOUND_SWITCHED_OFF,
	FOUND_NO_TRACEPOINT,
	FOUND_SILENT,
	FOUND_GAP,
	FOUND_BYPASS,
	FINDINGS
};

/**
 * enum level - how bad it is
 * @LEVEL_CRITICAL: a service is not working
 * @LEVEL_WARNING: something is wrong
 * @LEVEL_UNKNOWN: unknown whether something is wrong
 * @LEVEL_NOTE: worth a look; the exit status does not change
 */
enum level {
	LEVEL_CRITICAL,
	LEVEL_WARNING,
	LEVEL_UNKNOWN,
	LEVEL_NOTE,
};

/**
 * struct finding_text - what is said of a kind of finding
 * @name: in JSON
 * @level: how bad it is
 * @meaning: what it means
 */
struct finding_text {
	const char *name;
	enum level level;
	const char *meaning;
};

extern const struct finding_text finding_texts[FINDINGS];
extern const struct names level_names;

/**
 * struct finding - something that is wrong
 * @kind: what
 * @scope: enum portmon_scope, or ANY
 * @transport: enum portmon_transport, or ANY
 * @port: the port, or ANY
 * @service: its name or NULL
 * @events: how often
 * @client: socket of a program that is connected to the port, if the trouble
 *   is at that end of the connection, or NULL
 * @what: in a few words
 * @meaning: instead of that of the kind, or NULL
 * @next: the command to type next
 */
struct finding {
	enum finding_kind kind;
	int scope;
	int transport;
	int port;
	const char *service;
	uint64_t events;
	const struct sock *client;
	char what[192];
	const char *meaning;
	char next[80];
};

/**
 * struct findings - all of them
 * @v: the findings
 * @n: how many there are
 * @cap: how many there is room for
 * @ports: ports looked at
 * @failed: memory ran out
 */
struct findings {
	struct finding *v;
	size_t n;
	size_t cap;
	size_t ports;
	bool failed;
};

/**
 * struct evidence - what the rules look at
 * @info: state of the namespace
 * @limits: the thresholds
 * @s: what was counted in the time looked at
 * @total: what the ports have counted so far
 * @owners: the sockets of now
 * @earlier: the sockets a moment before, to tell a full queue from one that
 *   is being emptied; NULL where no queue was full then
 * @links: the interfaces
 * @coverage: what interfaces, IP and portmon counted in a short time, or NULL
 * @seconds: the time looked at
 * @now: seconds since the epoch
 */
struct evidence {
	const struct info *info;
	const struct limits *limits;
	const struct snapshot *s;
	const struct records *total;
	const struct owners *owners;
	const struct owners *earlier;
	const struct links *links;
	const struct coverage *coverage;
	double seconds;
	uint64_t now;
};

int check_rules(const struct evidence *e, struct findings *found);
void check_tcp(const struct evidence *e, struct findings *found);
void check_queues(const struct evidence *e, struct findings *found);
void check_drops(const struct evidence *e, struct findings *found);
void check_state(const struct evidence *e, struct findings *found);
bool queue_is_full(const struct sock *s);
bool queue_of_reader(const struct sock *s);

bool check_enough(const struct evidence *e, uint64_t events,
		  enum limit least);
bool check_listens(const struct evidence *e, const struct record *r);
bool check_own(int scope);
struct finding *findings_at(const struct findings *found,
			    enum finding_kind kind, const struct record *r);
struct finding *findings_add(struct findings *found, enum finding_kind kind,
			     const struct record *r, uint64_t events);
void findings_free(struct findings *found);

int out_check(struct ctx *ctx, const struct evidence *e,
	      const struct findings *found);
int out_json_check(struct ctx *ctx, const struct evidence *e,
		   const struct findings *found);

#endif
