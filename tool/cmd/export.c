// SPDX-License-Identifier: GPL-2.0
/* export: the metrics of portmon-exporter, once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "lib/util.h"
#include "metrics/collector.h"
#include "metrics/portlist.h"

static int write_all(int fd, const struct text *t)
{
	size_t done = 0;
	ssize_t n;

	while (done < t->len) {
		n = write(fd, t->buf + done, t->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	return 0;
}

static int write_temporary(int fd, const struct text *t)
{
	int err = write_all(fd, t);

	/* node_exporter is another user. */
	if (!err && fchmod(fd, 0644))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* Whoever reads the file finds all of the text or all of the one before. */
static int replace_file(const char *path, const struct text *t)
{
	char *temporary;
	int fd, err;

	/* Not a name that the textfile collector takes for one of its files. */
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		warn("out of memory");
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	err = fd < 0 ? -errno : write_temporary(fd, t);
	if (!err && rename(temporary, path))
		err = -errno;
	if (err) {
		warn("cannot write %s: %s", path, strerror(-err));
		if (fd >= 0)
			unlink(temporary);
	}
	free(temporary);
	return err;
}

static int put_out(const struct ctx *ctx, const struct text *t)
{
	int err;

	if (given(&ctx->opt, OPT_FILE))
		return replace_file(ctx->opt.file, t);
	err = write_all(STDOUT_FILENO, t);
	if (err)
		warn("cannot write: %s", strerror(-err));
	return err;
}

static int export(struct ctx *ctx, struct collector *c,
		  const struct portlist *ports)
{
	struct text t = { 0 };
	unsigned int i;
	int err;

	for (i = 0; i < ports->n; i++)
		shown_list(&c->shown, ports->v[i].port, ports->v[i].port_max,
			   ports->v[i].transports);
	collector_read(c);
	text_begin(&t, false, 0);
	collector_write(c, &t);
	err = text_end(&t);
	if (err)
		warn("out of memory");
	else
		err = put_out(ctx, &t);
	text_free(&t);
	if (!err && !c->up) {
		warn("%s", c->error.text);
		err = -ENOTCONN;
	}
	return err;
}

static int run_export(struct ctx *ctx, int argc, char **argv)
{
	const struct shown_options shown = {
		.max_ports = SHOWN_PORTS,
		.max_series = SHOWN_SERIES,
	};
	struct portlist ports = { 0 };
	struct collector *c;
	struct error e;
	int err = ctx_no_args(argc, argv);

	if (err)
		return err;
	if (given(&ctx->opt, OPT_PORTS) &&
	    portlist_parse(&ports, ctx->opt.shown, &e)) {
		warn("%s", e.text);
		return USAGE;
	}
	err = ctx_enter(ctx);
	if (err)
		return err;
	c = malloc(sizeof(*c));
	err = c ? collector_init(c, &shown) : -ENOMEM;
	if (err) {
		warn("out of memory");
	} else {
		err = export(ctx, c, &ports);
		collector_free(c);
	}
	free(c);
	return err;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "print the metrics of portmon-exporter once",
	.text = "Prints the metrics that portmon-exporter serves, once, in Prometheus' text format. With --file, writes them to a file for the textfile collector of node_exporter; the file is replaced as a whole. Where the counters are not available, the metrics say so (portmon_up 0), and the exit status is 1.",
	.options = OPT(PORTS) | OPT(NETNS) | OPT(FILE),
	.run = run_export,
};
