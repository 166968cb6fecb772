// SPDX-License-Identifier: GPL-2.0
/* What check has found: a list, worst first. */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "lib/names.h"
#include "lib/util.h"

static const char *const level_words[] = {
	[LEVEL_CRITICAL] = "critical", [LEVEL_WARNING] = "warning",
	[LEVEL_UNKNOWN] = "unknown", [LEVEL_NOTE] = "note",
};

const struct names level_names = {
	"level", level_words, ARRAY_SIZE(level_words)
};

const struct finding_text finding_texts[FINDINGS] = {
	[FOUND_ACCEPT_QUEUE] = { "accept-queue-full", LEVEL_CRITICAL,
		"The program does not accept connections as fast as they arrive: it hangs or is overloaded. New clients wait, retry and time out." },
	[FOUND_RECEIVE_QUEUE] = { "receive-queue-full", LEVEL_CRITICAL,
		"The program does not read as fast as packets arrive; what does not fit into the receive buffer of its socket is lost." },
	[FOUND_FLOOD] = { "syn-flood", LEVEL_CRITICAL,
		"Handshakes are begun from many addresses and not completed: a SYN flood, most likely from forged addresses. See that net.ipv4.tcp_syncookies is 1." },
	[FOUND_UNANSWERED] = { "syns-unanswered", LEVEL_CRITICAL,
		"The kernel did not answer connection requests: the accept queue or the SYN queue was full, or a firewall of this host dropped them." },
	[FOUND_INCOMPLETE] = { "handshakes-incomplete", LEVEL_WARNING,
		"The SYN-ACK was sent and the client's ACK did not arrive: the path back to the client loses packets, or the addresses are forged." },
	[FOUND_REFUSED] = { "connections-refused", LEVEL_WARNING,
		"Clients try to connect and no program listens there: a service is not running, or listens on another address." },
	[FOUND_FAILED] = { "connections-failed", LEVEL_WARNING,
		"Connections that programs of this host begin are refused or time out: the service at the other end, or the way there, is not working." },
	[FOUND_DROPS] = { "drops", LEVEL_WARNING, "" },
	[FOUND_RETRANSMITTED] = { "retransmissions", LEVEL_WARNING,
		"Segments are lost on the path, or acknowledged too late: connections are slow." },
	[FOUND_SCAN] = { "port-scan", LEVEL_WARNING,
		"Somebody looks for services: many ports were tried on which no program listens." },
	[FOUND_OVERFLOW] = { "overflow", LEVEL_WARNING,
		"The table of port records is full: these packets are counted, but not by port." },
	[FOUND_SWITCHED_OFF] = { "not-counted", LEVEL_UNKNOWN,
		"Troubles of this kind cannot be seen while it is switched off." },
	[FOUND_NO_TRACEPOINT] = { "not-available", LEVEL_UNKNOWN,
		"This kernel lacks the tracepoint; troubles of this kind cannot be seen." },
	[FOUND_SILENT] = { "silent", LEVEL_NOTE,
		"A program listens, connections used to arrive, and none does any more: look at what is in front of it, a load balancer, DNS or a firewall." },
	[FOUND_GAP] = { "coverage-gap", LEVEL_NOTE,
		"These packets are counted for no port: dropped in prerouting, by the reverse path filter or IPsec, or forwarded by a flowtable." },
	[FOUND_BYPASS] = { "bypass", LEVEL_NOTE,
		"Packets that take this way are not counted by portmon." },
};

/**
 * findings_add() - one more thing that is wrong
 * @found: those so far
 * @kind: what
 * @r: record of the port, NULL for none
 * @events: how often
 *
 * Return: the finding, whose texts are to be filled in; never NULL.
 */
struct finding *findings_add(struct findings *found, enum finding_kind kind,
			     const struct record *r, uint64_t events)
{
	static struct finding nowhere;
	struct finding *f = array_room(found->v, found->n, &found->cap,
				       sizeof(*f));

	if (!f) {
		found->failed = true;
		return &nowhere;
	}
	found->v = f;
	f += found->n++;
	*f = (struct finding){
		.kind = kind, .scope = ANY, .transport = ANY, .port = ANY,
		.events = events,
	};
	if (!r)
		return f;
	f->scope = r->scope;
	f->transport = r->transport;
	f->port = r->port;
	f->service = r->service;
	snprintf(f->next, sizeof(f->next), "portmon-ctl show %u/%s", r->port,
		 name_of(&transport_names, r->transport));
	return f;
}

/**
 * findings_free() - release findings
 * @found: the findings
 */
void findings_free(struct findings *found)
{
	free(found->v);
	*found = (struct findings){ 0 };
}

/**
 * check_enough() - did something happen often enough to be trouble?
 * @e: what is known
 * @events: how often it happened
 * @least: threshold for that
 *
 * A rate decides: what happened twice a day is no trouble however many days
 * are looked at.
 *
 * Return: whether it did.
 */
bool check_enough(const struct evidence *e, uint64_t events, enum limit least)
{
	const struct limits *l = e->limits;

	return events && events >= l->v[least] &&
	       events * 60.0 >= l->v[LIMIT_PER_MINUTE] * e->seconds;
}

/**
 * check_listens() - does a program listen on a port of this host?
 * @e: what is known
 * @r: record of the port
 *
 * Return: whether one does.
 */
bool check_listens(const struct evidence *e, const struct record *r)
{
	return owners_listens(e->owners, r->transport, r->port);
}

/**
 * check_own() - is it a port of this host?
 * @scope: enum portmon_scope
 *
 * Return: whether it is; that of a loopback connection is one, too.
 */
bool check_own(int scope)
{
	return scope == PORTMON_SCOPE_LOCAL || scope == PORTMON_SCOPE_LOOPBACK;
}

/**
 * findings_at() - what was found already at a port
 * @found: what was found
 * @kind: what
 * @r: record of the port
 *
 * A port of this host is the same one in scope local and loopback. That of the
 * other end, or of forwarded traffic, has only the number in common with it.
 *
 * Return: the finding or NULL.
 */
struct finding *findings_at(const struct findings *found,
			    enum finding_kind kind, const struct record *r)
{
	size_t i;

	for (i = 0; i < found->n; i++) {
		struct finding *f = &found->v[i];

		if (f->kind != kind || f->port != r->port ||
		    f->transport != r->transport)
			continue;
		if (f->scope == r->scope && !check_own(f->scope))
			return f;
		/* Not that of a program which is connected to it. */
		if (check_own(f->scope) && check_own(r->scope) && !f->client)
			return f;
	}
	return NULL;
}
