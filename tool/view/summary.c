// SPDX-License-Identifier: GPL-2.0
/* Unknown counters are left out, not shown as zero. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"
#include "lib/text.h"
#include "view/summary.h"

#define HEAD_WIDTH 16

/**
 * struct summary - a summary being printed
 * @out: where to
 * @ctx: the run
 * @r: the port
 * @now: what time it is
 * @text: the sentence being made
 * @line: its parts are written there
 * @size: length of @text
 */
struct summary {
	FILE *out;
	const struct ctx *ctx;
	const struct record *r;
	uint64_t now;
	char *text;
	FILE *line;
	size_t size;
};

static uint64_t event(const struct summary *s, unsigned int attr)
{
	return s->r->tcp[attr];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void no_memory(const struct summary *s)
{
	fprintf(s->out, "  out of memory\n");
}

static bool begin_sentence(struct summary *s)
{
	s->text = NULL;
	s->size = 0;
	s->line = open_memstream(&s->text, &s->size);
	if (!s->line)
		no_memory(s);
	return s->line;
}

static void end_sentence(struct summary *s, const char *head)
{
	const bool lost = ferror(s->line);

	/* Without memory fclose() leaves no text and reports no error. */
	if (fclose(s->line) || lost || !s->text) {
		no_memory(s);
	} else if (s->size) {
		fprintf(s->out, "  %-*s", HEAD_WIDTH - 2, head);
		print_wrapped(s->out, s->text, HEAD_WIDTH, ctx_width(s->ctx));
	}
	free(s->text);
}

/* One more part of a sentence: how many of what. */
static void part(struct summary *s, uint64_t n, const char *what)
{
	char buf[GROUPED_SIZE];

	fflush(s->line);
	fprintf(s->line, "%s%s %s", s->size ? ", " : "",
		format_grouped(buf, n), what);
	fflush(s->line);
}

static void part_if(struct summary *s, uint64_t n, const char *what)
{
	if (n)
		part(s, n, what);
}

/* A part that only a tracepoint reports. */
static void part_known(struct summary *s, unsigned int attr, const char *what)
{
	const enum unknown why = tcp_unknown(&s->ctx->info, s->r, attr);

	if (!why)
		part(s, event(s, attr), what);
	else
		fprintf(s->line, "%s%s: %s", s->size ? ", " : "", what,
			why == UNKNOWN_MISSING ?
			"not available (the kernel lacks the tracepoint)" :
			"not known (disabled)");
}

/* Connections that others begin to this port. */
static void print_accepted(struct summary *s)
{
	const uint64_t syn = event(s, PORTMON_A_TCP_SYN_RECEIVED);
	const uint64_t done = event(s, PORTMON_A_TCP_ESTABLISHED);
	const uint64_t synacks = record_synacks(s->r);
	const struct info *info = &s->ctx->info;

	if (!(syn || synacks || done) || !begin_sentence(s))
		return;
	part(s, syn, "SYN received");
	part(s, synacks, "SYN-ACK sent");
	part_known(s, PORTMON_A_TCP_ESTABLISHED, "established");
	if (!tcp_unknown(info, s->r, PORTMON_A_TCP_ESTABLISHED) &&
	    !tcp_unknown(info, s->r, PORTMON_A_TCP_SYNACK_RETRANSMITTED))
		part(s, sum_less(record_answered(s->r), done), "half-open or aborted");
	part(s, record_refused(s->r), "refused");
	part_if(s, event(s, PORTMON_A_TCP_FAILED), "failed");
	part_if(s, record_unanswered(s->r),
		"SYN unanswered or duplicate");
	part_if(s, event(s, PORTMON_A_TCP_SYNACK_RETRANSMITTED),
		"SYN-ACK retransmitted");
	end_sentence(s, "handshakes");
}

/* Connections that this host begins to the port of another. */
static void print_initiated(struct summary *s)
{
	const uint64_t syn = event(s, PORTMON_A_TCP_SYN_SENT);
	const uint64_t done = event(s, PORTMON_A_TCP_ESTABLISHED);
	const uint64_t failed = event(s, PORTMON_A_TCP_FAILED);
	const struct info *info = &s->ctx->info;

	if (!(syn || done || failed) || !begin_sentence(s))
		return;
	part(s, syn, "SYN sent");
	part(s, event(s, PORTMON_A_TCP_SYNACK_RECEIVED), "SYN-ACK received");
	part_known(s, PORTMON_A_TCP_ESTABLISHED, "established");
	if (!tcp_unknown(info, s->r, PORTMON_A_TCP_FAILED)) {
		const uint64_t refused =
			least(failed, event(s, PORTMON_A_TCP_RST_RECEIVED));

		part(s, refused, "refused");
		part_if(s, failed - refused, "timed out or aborted");
		part_if(s, sum_less(sum_less(syn, done), failed),
			"SYN pending or duplicate");
	}
	end_sentence(s, "handshakes");
}

/* The other end of a connection: a port that begins them. */
static void print_peer(struct summary *s, unsigned int syn,
			   unsigned int synack, const char *began,
			   const char *answered)
{
	if (!(event(s, syn) || event(s, synack)) || !begin_sentence(s))
		return;
	part(s, event(s, syn), began);
	part(s, event(s, synack), answered);
	end_sentence(s, "handshakes");
}

static void print_forwarded(struct summary *s)
{
	if (!begin_sentence(s))
		return;
	part_if(s, event(s, PORTMON_A_TCP_SYN_RECEIVED), "SYN sent to it");
	part_if(s, event(s, PORTMON_A_TCP_SYNACK_SENT), "SYN-ACK received from it");
	part_if(s, event(s, PORTMON_A_TCP_SYN_SENT), "SYN received from it");
	part_if(s, event(s, PORTMON_A_TCP_SYNACK_RECEIVED), "SYN-ACK sent to it");
	if (s->size)
		fprintf(s->line,
			"; a forwarding host cannot see which were established");
	end_sentence(s, "handshakes");
}

static void print_handshakes(struct summary *s)
{
	switch (s->r->scope) {
	case PORTMON_SCOPE_REMOTE:
		print_initiated(s);
		print_peer(s, PORTMON_A_TCP_SYN_RECEIVED,
			       PORTMON_A_TCP_SYNACK_SENT,
			       "SYN received from it", "SYN-ACK sent to it");
		break;
	case PORTMON_SCOPE_FORWARD:
		print_forwarded(s);
		break;
	default:
		print_accepted(s);
		print_peer(s, PORTMON_A_TCP_SYN_SENT,
			       PORTMON_A_TCP_SYNACK_RECEIVED,
			       "SYN sent from it", "SYN-ACK received");
		break;
	}
}

/* Segments and what the stack knows count at different ports then. */
static void print_translated(struct summary *s)
{
	if (!event(s, PORTMON_A_TCP_SYN_TRANSLATED) || !begin_sentence(s))
		return;
	part(s, event(s, PORTMON_A_TCP_SYN_TRANSLATED),
	     "SYNs sent were translated to another port by this host's NAT: segments count at the translated port, established and failed at the original port");
	end_sentence(s, "NAT");
}

static void print_ends(struct summary *s)
{
	const bool forward = s->r->scope == PORTMON_SCOPE_FORWARD;

	if (!begin_sentence(s))
		return;
	part_if(s, event(s, PORTMON_A_TCP_FIN), "FIN segments (rx + tx)");
	part_if(s, event(s, PORTMON_A_TCP_RST_RECEIVED),
		forward ? "RST sent to it" : "RST received");
	part_if(s, event(s, PORTMON_A_TCP_RST_SENT),
		forward ? "RST received from it" : "RST sent");
	end_sentence(s, "ends");
}

static void print_retransmitted(struct summary *s)
{
	const enum unknown why = tcp_unknown(&s->ctx->info, s->r,
					     PORTMON_A_TCP_RETRANSMITTED);
	const uint64_t again = record_retransmitted(s->r);
	const uint64_t sent = s->r->tx.packets;
	char a[GROUPED_SIZE], b[GROUPED_SIZE];

	if (why == UNKNOWN_FORWARD || (why == UNKNOWN_OFF && !again) ||
	    !begin_sentence(s))
		return;
	if (why == UNKNOWN_MISSING)
		fprintf(s->line,
			"not available: the kernel lacks the tracepoint tcp_retransmit_skb");
	else
		fprintf(s->line, "%s of %s segments sent",
			format_grouped(a, again), format_grouped(b, sent));
	if (again && sent)
		fprintf(s->line, " (%.2f%%)", 100.0 * again / sent);
	end_sentence(s, "retransmitted");
}

static void print_dropped(struct summary *s)
{
	const struct drop *drop;
	char age[AGE_SIZE];

	for (drop = s->r->drops; drop && begin_sentence(s); drop = drop->next) {
		const struct reason *reason = reason_find(drop->reason);

		part(s, drop->packets,
		     drop->packets == 1 ? "packet, " : "packets, ");
		fprintf(s->line, "%s, last %s", drop->reason,
			format_age(age, drop->last_seen, s->now));
		if (isdigit((unsigned char)age[0]))
			fprintf(s->line, " ago");
		fprintf(s->line, ": %s", reason ? reason->meaning :
			"unknown reason");
		end_sentence(s, "dropped");
	}
}

static bool has_no_events(const struct record *r)
{
	unsigned int i;

	for (i = 1; i <= PORTMON_A_TCP_MAX; i++)
		if (r->tcp[i])
			return false;
	return true;
}

static void title(FILE *out, const struct record *r)
{
	fprintf(out, "\n%u/%s", r->port,
		name_of(&transport_names, r->transport));
	if (r->service) {
		fputs(" (", out);
		text_print(out, r->service, strlen(r->service));
		putc(')', out);
	}
	fprintf(out, ", %s", name_of(&scope_names, r->scope));
	if (r->netns) {
		fputs(" in ", out);
		text_print(out, r->netns, strlen(r->netns));
	}
	putc('\n', out);
}

/**
 * summary_print() - print a port's counters as text
 * @out: where to
 * @ctx: the run
 * @r: the port
 * @now: what time it is
 */
void summary_print(FILE *out, const struct ctx *ctx, const struct record *r,
		 uint64_t now)
{
	struct summary s = { .out = out, .ctx = ctx, .r = r, .now = now };
	const bool is_tcp = r->transport == PORTMON_TRANSPORT_TCP;
	const bool quiet = has_no_events(r);
	const struct info *info = r->info ? r->info : &ctx->info;

	if (!r->drops && (!is_tcp || (quiet && !info->lifecycle)))
		return;
	title(out, r);
	if (is_tcp && quiet)
		fprintf(out, "  no handshake, end or retransmission\n");
	if (is_tcp && !quiet) {
		print_handshakes(&s);
		print_translated(&s);
		print_ends(&s);
		print_retransmitted(&s);
	}
	print_dropped(&s);
}
