// SPDX-License-Identifier: GPL-2.0
/* monitor: what the module tells, a line each, as it comes. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/text.h"
#include "lib/util.h"
#include "view/out_json.h"

/* Returned by tell() when as many were told as were asked for. */
#define TOLD_ALL 1

/**
 * struct monitor - what is being told
 * @ctx: the run; its info is what the last switch left
 * @told: events so far
 * @lost: messages known to be lost so far
 */
struct monitor {
	struct ctx *ctx;
	unsigned int told;
	uint32_t lost;
};

static int written(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	return errno ? -errno : -EIO;
}

static void begin_text(const char *event)
{
	char now[TIME_SIZE];

	printf("%s  %-18s  ", format_time(now, time(NULL)), event);
}

static int begin_json(struct json *j, const char *event)
{
	int err = json_begin(j, stdout, false);

	if (err) {
		warn_memory();
		return err;
	}
	json_object(j, NULL);
	json_uint(j, "schema", OUT_JSON_SCHEMA);
	json_time(j, "time", time(NULL));
	json_word(j, "event", event);
	return 0;
}

static int end_json(struct json *j)
{
	int err = out_json_end(j);

	return err ? err : written();
}

static const char *service(struct ctx *ctx, const struct record *r,
			   const char **iana)
{
	*iana = NULL;
	if (given(&ctx->opt, OPT_NUMERIC))
		return NULL;
	return services_name(&ctx->services, r->port, r->transport, iana);
}

/* What is not there was not asked for: a reset of one scope, say. */
static void json_place(struct json *j, struct ctx *ctx, const struct record *r)
{
	const bool port = record_has(r, PORTMON_A_RECORD_PORT);
	const char *iana;

	if (record_has(r, PORTMON_A_RECORD_SCOPE))
		json_word(j, "scope", name_of(&scope_names, r->scope));
	if (record_has(r, PORTMON_A_RECORD_TRANSPORT))
		json_word(j, "transport",
			  name_of(&transport_names, r->transport));
	if (port)
		json_uint(j, "port", r->port);
	if (record_has(r, PORTMON_A_RECORD_PORT_MAX))
		json_uint(j, "port_max", r->port_max);
	if (record_has(r, PORTMON_A_RECORD_RANGE))
		json_word(j, "range", name_of(&range_names, r->range));
	if (port && record_has(r, PORTMON_A_RECORD_TRANSPORT)) {
		json_string(j, "service", service(ctx, r, &iana));
		json_string(j, "iana", iana);
	}
}

static void print_place(struct ctx *ctx, const struct record *r)
{
	const char *name = NULL, *iana;

	if (record_has(r, PORTMON_A_RECORD_SCOPE))
		printf(" %s", name_of(&scope_names, r->scope));
	if (!record_has(r, PORTMON_A_RECORD_PORT)) {
		if (record_has(r, PORTMON_A_RECORD_TRANSPORT))
			printf(" %s", name_of(&transport_names, r->transport));
	} else {
		printf(" %u", r->port);
		if (record_has(r, PORTMON_A_RECORD_PORT_MAX))
			printf("-%u", r->port_max);
		if (record_has(r, PORTMON_A_RECORD_TRANSPORT)) {
			name = service(ctx, r, &iana);
			printf("/%s", name_of(&transport_names, r->transport));
		}
	}
	if (name) {
		fputs(" (", stdout);
		text_print(stdout, name, strlen(name));
		putchar(')');
	}
	if (record_has(r, PORTMON_A_RECORD_RANGE) &&
	    !record_has(r, PORTMON_A_RECORD_PORT))
		printf(" %s", name_of(&range_names, r->range));
}

static int event_json(struct ctx *ctx, const struct record *r)
{
	struct json j;
	int err = begin_json(&j, name_of(&event_names, r->event));

	if (err)
		return err;
	json_place(&j, ctx, r);
	if (r->event == PORTMON_EVENT_HANDSHAKE_FAILURES)
		json_uint(&j, "failed", r->tcp[PORTMON_A_TCP_FAILED]);
	if (r->drops) {
		const struct reason *reason = reason_find(r->drops->reason);

		json_word(&j, "reason", r->drops->reason);
		json_uint(&j, "packets", r->drops->packets);
		json_string(&j, "meaning", reason ? reason->meaning : NULL);
	}
	json_uint(&j, "missed", r->missed);
	return end_json(&j);
}

static void event_words(const struct record *r)
{
	const struct reason *reason;

	switch (r->event) {
	case PORTMON_EVENT_NEW_PORT:
		printf(": its first traffic");
		break;
	case PORTMON_EVENT_HANDSHAKE_FAILURES:
		printf(": TCP handshakes fail, %" PRIu64 " so far",
		       r->tcp[PORTMON_A_TCP_FAILED]);
		break;
	case PORTMON_EVENT_DROP:
		if (!r->drops)
			break;
		reason = reason_find(r->drops->reason);
		printf(": first drop for %s%s%s", r->drops->reason,
		       reason ? ": " : "", reason ? reason->meaning : "");
		break;
	}
}

static int event_text(struct ctx *ctx, const struct record *r)
{
	if (r->missed) {
		begin_text("missed");
		printf(" %u event%s before the next %s not told: too many at once\n",
		       r->missed, plural(r->missed),
		       r->missed == 1 ? "was" : "were");
	}
	begin_text(name_of(&event_names, r->event));
	print_place(ctx, r);
	event_words(r);
	putchar('\n');
	return written();
}

static int reset_json(struct ctx *ctx, const struct record *r)
{
	struct json j;
	int err = begin_json(&j, "reset");

	if (err)
		return err;
	json_place(&j, ctx, r);
	if (record_has(r, PORTMON_A_RECORD_NON_ZERO))
		json_bool(&j, "non_zero", true);
	if (record_has(r, PORTMON_A_RECORD_DROPPED))
		json_bool(&j, "dropped", true);
	return end_json(&j);
}

static int reset_text(struct ctx *ctx, const struct record *r)
{
	begin_text("reset");
	if (r->has)
		print_place(ctx, r);
	else
		printf(" all counters");
	if (record_has(r, PORTMON_A_RECORD_DROPPED))
		printf(" ports with drops");
	else if (record_has(r, PORTMON_A_RECORD_NON_ZERO))
		printf(" ports with counts");
	printf(": set to zero\n");
	return written();
}

static int switch_json(const struct info *info)
{
	struct json j;
	int err = begin_json(&j, "switched");

	if (err)
		return err;
	json_bool(&j, "enabled", info->enabled);
	json_bool(&j, "lifecycle", info->lifecycle);
	json_bool(&j, "drops", info->counts_drops);
	return end_json(&j);
}

static int switch_text(const struct info *info)
{
	begin_text("switched");
	if (info->enabled)
		printf(" counting is on, TCP lifecycle %s, drops %s\n",
		       info->lifecycle ? "on" : "off",
		       info->counts_drops ? "on" : "off");
	else
		printf(" counting is off\n");
	return written();
}

static int tell(const struct news *news, void *arg)
{
	struct monitor *m = arg;
	struct ctx *ctx = m->ctx;
	const bool json = given(&ctx->opt, OPT_JSON);
	int err;

	if (news->cmd == PORTMON_CMD_EVENT_NTF)
		err = json ? event_json(ctx, &news->record) :
			     event_text(ctx, &news->record);
	else if (news->cmd == PORTMON_CMD_RESET_NTF)
		err = json ? reset_json(ctx, &news->record) :
			     reset_text(ctx, &news->record);
	else
		err = json ? switch_json(&news->info) :
			     switch_text(&news->info);
	if (err)
		return err;
	m->told++;
	return ctx->opt.count && m->told >= ctx->opt.count ? TOLD_ALL : 0;
}

/* What the kernel could not hand over is told, not passed over. */
static int tell_lost(struct monitor *m)
{
	const uint32_t n = pm_lost(m->ctx->pm) - m->lost;
	struct json j;
	int err;

	if (!n)
		return 0;
	m->lost += n;
	if (given(&m->ctx->opt, OPT_JSON)) {
		err = begin_json(&j, "lost");
		if (err)
			return err;
		json_uint(&j, "events", n);
		return end_json(&j);
	}
	begin_text("lost");
	printf(" %u event%s lost: this reader was too slow\n", n,
	       n == 1 ? " was" : "s were");
	return written();
}

/* Until a signal comes (@signals), enough was told, or something fails. */
static int listen_on(struct monitor *m, int signals)
{
	struct pollfd fds[] = {
		{ .fd = pm_fd(m->ctx->pm), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int err = 0, failed;

	while (!err) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			return -errno;
		if (fds[1].revents)
			return 0;
		err = pm_listen(m->ctx->pm, tell, m);
		if (err < 0)
			break;
		failed = tell_lost(m);
		err = failed ? failed : err;
	}
	return err == TOLD_ALL ? 0 : err;
}

/* Ctrl-C is how this command ends, and no line is cut by it. */
static int catch_signals(void)
{
	sigset_t held;
	int fd;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, NULL);
	fd = signalfd(-1, &held, SFD_CLOEXEC);
	if (fd >= 0)
		return fd;
	warn("cannot wait for signals: %s", strerror(errno));
	return -errno;
}

static int monitor(struct ctx *ctx, int signals)
{
	struct monitor m = { .ctx = ctx };
	int err = ctx_connect(ctx);

	if (err)
		return err;
	err = pm_subscribe(ctx->pm);
	if (err)
		return pm_complain(ctx->pm, "listen to events", err);
	if (!ctx->info.enabled)
		warn("warning: counting is off in this network namespace; switch it on with: portmon-ctl enable");
	err = listen_on(&m, signals);
	if (err && !ferror(stdout))
		pm_complain(ctx->pm, "listen to events", err);
	return err;
}

static int run_monitor(struct ctx *ctx, int argc, char **argv)
{
	const int signals = catch_signals();
	int err;

	(void)argc;
	(void)argv;
	if (signals < 0)
		return signals;
	err = monitor(ctx, signals);
	close(signals);
	return err;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.summary = "events as they come: new ports, failures, drops",
	.text = "Prints a line for each event of the network namespace until it is interrupted (Ctrl-C) or --count have been told: the first traffic of a local port, handshakes that fail one after another, the first drop of a port for a reason, counters set to zero, counting switched on or off. The kernel tells at most 32 a second and says how many more there were. With --json one object a line.",
	.options = OPT(JSON) | OPT(COUNT) | OPT(NUMERIC) | OPT(NETNS),
	.run = run_monitor,
};
