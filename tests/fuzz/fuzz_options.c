// SPDX-License-Identifier: GPL-2.0
/* A command line: its arguments are the lines of the input. */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctx.h"
#include "ctl/portspec.h"

#define ARGS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

void __wrap_warn(const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
}

static void check_options(const struct options *opt)
{
	const struct filter *f = &opt->filter;

	if (f->scope < ANY || f->scope > PORTMON_SCOPE_MAX ||
	    f->transport < ANY || f->transport > PORTMON_TRANSPORT_MAX ||
	    f->range < ANY || f->range > PORTMON_RANGE_MAX ||
	    f->port < ANY || f->port > f->port_max || f->port_max > 65535)
		abort();
	if (opt->given >> N_OPTIONS || opt->sort > SORT_DROPS)
		abort();
	options_check(opt, OPTS_FILTER, "fuzz");
}

static void check_spec(struct services *services, const char *arg)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n = portspec_parse(services, arg, spec);

	if (n > PORTSPEC_MAX || (n <= 0 && n != USAGE))
		abort();
	for (i = 0; i < n; i++)
		if (spec[i].port > spec[i].port_max || !spec[i].transports ||
		    spec[i].transports & ~ALL_TRANSPORTS)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The system's own file must not decide what is found. */
	static struct services services = { .loaded = 1u << SVC_SYSTEM };
	struct options opt = OPTIONS_DEFAULT;
	char *argv[ARGS_MAX + 2] = { "portmon-ctl" }, *text, *next;
	int argc = 1, first;

	text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (next = text; next && argc <= ARGS_MAX; argc++) {
		argv[argc] = strsep(&next, "\n");
	}
	first = options_command(argc, argv, size & 1 ? cmd_stats.options : cmd_info.options);
	if (first < 1 || first > argc)
		abort();
	/* What a letter means depends on what the command takes. */
	first = options_parse(&opt, size & 1 ? cmd_stats.options : cmd_info.options, argc, argv);
	if (first != USAGE && (first < 1 || first > argc))
		abort();
	check_options(&opt);
	for (; first > 0 && first < argc; first++)
		check_spec(&services, argv[first]);
	free(text);
	return 0;
}
