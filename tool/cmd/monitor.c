// SPDX-License-Identifier: GPL-2.0
/* monitor: print the module's events, one per line. */
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

/* Returned by report_event() when --count events were printed. */
#define TOLD_ALL 1

/**
 * struct monitor - state of the command
 * @ctx: the run; its info is what the last switch left
 * @reported: events so far
 * @lost: messages known to be lost so far
 */
struct monitor {
	struct ctx *ctx;
	unsigned int reported;
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

static const char *service_of(struct ctx *ctx, const struct record *r,
			      const char **iana)
{
	*iana = NULL;
	if (given(&ctx->opt, OPT_NUMERIC))
		return NULL;
	return services_name(&ctx->services, r->port, r->transport, iana);
}

/* An absent attribute was not requested, for example in a reset of one scope. */
static void json_place(struct json *j, struct ctx *ctx, const struct record *r)
{
	struct record named = *r;

	named.service = service_of(ctx, r, &named.iana);
	out_json_place(j, &named, PLACE_GIVEN);
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
			name = service_of(ctx, r, &iana);
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
		printf(": first traffic");
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
		printf(" %u event%s before the next one %s suppressed by the rate limit\n",
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

static int report_event(const struct notification *notification, void *arg)
{
	struct monitor *m = arg;
	struct ctx *ctx = m->ctx;
	const bool json = given(&ctx->opt, OPT_JSON);
	int err;

	if (notification->cmd == PORTMON_CMD_EVENT_NTF)
		err = json ? event_json(ctx, &notification->record) :
			     event_text(ctx, &notification->record);
	else if (notification->cmd == PORTMON_CMD_RESET_NTF)
		err = json ? reset_json(ctx, &notification->record) :
			     reset_text(ctx, &notification->record);
	else
		err = json ? switch_json(&notification->info) :
			     switch_text(&notification->info);
	if (err)
		return err;
	m->reported++;
	return ctx->opt.count && m->reported >= ctx->opt.count ? TOLD_ALL : 0;
}

/* Report how many events the kernel could not deliver. */
static int report_lost(struct monitor *m)
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

/* Until a signal arrives (@signals), --count is reached, or an error occurs. */
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
		err = pm_listen(m->ctx->pm, report_event, m);
		if (err < 0)
			break;
		failed = report_lost(m);
		err = failed ? failed : err;
	}
	return err == TOLD_ALL ? 0 : err;
}

/* Ctrl-C ends this command, and never within a line. */
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
		warn("warning: counting is off in this network namespace; enable it with: portmon-ctl enable");
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
	.summary = "print events as they occur: new ports, failures, drops",
	.text = "Prints events of the network namespace, one per line, until Ctrl-C or --count events. Events are the first traffic of a local port, a burst of failed handshakes, the first drop of a port for a reason, resets, and switching counting on or off. The kernel reports at most 32 per second, and the number of suppressed ones. With --json, each line is an object.",
	.options = OPT(JSON) | OPT(COUNT) | OPT(NUMERIC) | OPT(NETNS),
	.run = run_monitor,
};
