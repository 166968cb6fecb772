// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "host/module.h"
#include "host/netns.h"
#include "portmon_version.h"

/**
 * warn_error() - print what failed, and why
 * @err: the negative errno that it ended with
 * @e: the error's details
 *
 * Return: @err.
 */
int warn_error(int err, const struct error *e)
{
	warn("%s%s", e->text,
	     e->denied ? "; run as root (sudo portmon-ctl ...)" : "");
	warned_of(err);
	return err;
}

/**
 * pm_complain() - print what the module did not do, and why
 * @pm: the connection
 * @what: the action that failed ("read the ports")
 * @err: the negative errno that it ended with
 *
 * Return: @err.
 */
int pm_complain(const struct pm *pm, const char *what, int err)
{
	struct error e;

	return warn_error(pm_error(pm, what, err, &e), &e);
}

static void warn_services(const char *text)
{
	warn("%s", text);
}

/**
 * ctx_init() - begin a run
 * @ctx: the run, to release with ctx_free()
 */
void ctx_init(struct ctx *ctx)
{
	*ctx = (struct ctx){
		.opt = OPTIONS_DEFAULT,
		.services.warn = warn_services,
	};
}

/**
 * ctx_enter() - enter the requested network namespace
 * @ctx: the run
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_enter(struct ctx *ctx)
{
	struct error e;
	int err;

	if (!ctx->opt.netns)
		return 0;
	err = netns_enter(ctx->opt.netns, &e);
	return err ? warn_error(err, &e) : 0;
}

/**
 * ctx_connect() - connect to the module and read @ctx->info
 * @ctx: the run
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_connect(struct ctx *ctx)
{
	struct error e;
	int err = ctx_enter(ctx);

	if (err)
		return err;
	err = pm_open(&ctx->pm, &e);
	if (err == -ENOENT)
		module_absent(&e);
	if (err)
		return warn_error(err, &e);
	err = pm_info(ctx->pm, &ctx->info);
	if (err)
		return pm_complain(ctx->pm, "ask the module", err);
	if (strcmp(ctx->info.version, PORTMON_VERSION))
		warn("warning: the loaded module is version %s and this tool is %s; load the matching module: modprobe -r portmon && modprobe portmon",
		     ctx->info.version, PORTMON_VERSION);
	return 0;
}

/**
 * ctx_counting() - connect, and insist on a namespace that is counted
 * @ctx: the run
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_counting(struct ctx *ctx)
{
	int err = ctx_connect(ctx);

	if (err || ctx->info.enabled)
		return err;
	if (ctx->opt.netns)
		warn("counting is off in network namespace %s; enable it with: portmon-ctl --netns %s enable",
		     ctx->opt.netns, ctx->opt.netns);
	else
		warn("counting is off in this network namespace; enable it with: portmon-ctl enable");
	return -ENOTCONN;
}

/**
 * ctx_width() - how wide a text may be
 * @ctx: the run
 *
 * Return: columns of the terminal, or 80.
 */
unsigned int ctx_width(const struct ctx *ctx)
{
	struct winsize size;

	if (ctx->tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) &&
	    size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

/**
 * ctx_no_args() - refuse arguments of a subcommand that has none
 * @argc: how many there are
 * @argv: the arguments
 *
 * Return: 0 or USAGE.
 */
int ctx_no_args(int argc, char **argv)
{
	if (!argc)
		return 0;
	warn("unexpected argument '%s'", argv[0]);
	return USAGE;
}

/**
 * ctx_free() - release what a run holds
 * @ctx: the run
 */
void ctx_free(struct ctx *ctx)
{
	pm_close(ctx->pm);
	services_free(&ctx->services);
}
