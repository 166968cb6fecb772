// SPDX-License-Identifier: GPL-2.0
/* apply: load the module and bring the settings of portmon.conf into force. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "ctl/settings.h"
#include "host/netns.h"
#include "lib/util.h"

#define CONF		"/etc/portmon/portmon.conf"
#define PARAMETERS	"/sys/module/portmon/parameters"

static int read_conf(struct settings *s, const char *path)
{
	FILE *file = fopen(path ? path : CONF, "re");
	int err;

	memset(s, 0, sizeof(*s));
	if (!file) {
		/* Nothing has to be configured. */
		if (!path && errno == ENOENT)
			return 0;
		err = -errno;
		warn("cannot read %s: %s", path ? path : CONF, strerror(-err));
		return err;
	}
	err = settings_read(s, file, path ? path : CONF);
	fclose(file);
	if (err == -EINVAL)
		warn("nothing was changed");
	return err;
}

/*
 * modprobe knows where modules are, and what /etc/modprobe.d says of this one.
 * Whether it is loaded afterwards is seen where it is used.
 */
static void load_module(const struct settings *s)
{
	char text[SETTING_PARAMETERS][40];
	char *argv[SETTING_PARAMETERS + 3] = { "modprobe", "portmon" };
	unsigned int i, n = 2;
	int err;
	pid_t pid;

	for (i = 0; i < SETTING_PARAMETERS; i++) {
		if (!*s->value[i])
			continue;
		snprintf(text[i], sizeof(text[i]), "%s=%s", setting_names[i],
			 s->value[i]);
		argv[n++] = text[i];
	}
	err = posix_spawn(&pid, "/sbin/modprobe", NULL, NULL, argv, environ);
	if (err) {
		warn("cannot run modprobe: %s", strerror(err));
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What a parameter is now, as sysfs shows it. */
static int read_parameter(unsigned int which, char *value, size_t size)
{
	char path[80];
	FILE *file;
	bool done;

	snprintf(path, sizeof(path), PARAMETERS "/%s", setting_names[which]);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	done = fgets(value, size, file);
	fclose(file);
	if (!done)
		return -EIO;
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

static int write_parameter(unsigned int which, const char *value)
{
	char path[80];
	int fd, err = 0;

	snprintf(path, sizeof(path), PARAMETERS "/%s", setting_names[which]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int change_parameter(const struct settings *s, unsigned int which)
{
	const char *name = setting_names[which], *value = s->value[which];
	char now[16];
	int err = read_parameter(which, now, sizeof(now));

	if (err) {
		warn("cannot read the module's parameter %s: %s", name,
		     strerror(-err));
		return err;
	}
	if (!strcmp(now, value))
		return 0;
	if (which == SETTING_ALL_NETNS) {
		warn("all_netns cannot change while the module is loaded; to reload it and discard all counts: systemctl restart portmon");
		return 0;
	}
	err = write_parameter(which, value);
	if (err)
		warn("cannot set the module's parameter %s: %s%s", name,
		     strerror(-err), err == -EACCES ? "; run as root" : "");
	else
		printf("%s: %s, was %s\n", name, value, now);
	return err;
}

/* The parameters are for namespaces that are switched on later: not for one that is on. */
static int follow_settings(struct ctx *ctx, const struct settings *s)
{
	static const struct {
		unsigned int setting, attr;
	} parts[] = {
		{ SETTING_LIFECYCLE, PORTMON_A_INFO_LIFECYCLE },
		{ SETTING_DROPS, PORTMON_A_INFO_DROPS },
	};
	const char *value;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		value = s->value[parts[i].setting];
		if (!*value || !ctx->info.enabled)
			continue;
		err = pm_switch(ctx->pm, 1u << parts[i].attr, *value == 'Y',
				&ctx->info);
		if (err && err != -EALREADY)
			return pm_complain(ctx->pm, "apply the settings", err);
	}
	return 0;
}

static int enable(struct ctx *ctx, const struct settings *s, const char *name)
{
	struct error e;
	int err = netns_enter(name, &e);

	if (err)
		return warn_error(err, &e);
	pm_close(ctx->pm);
	ctx->pm = NULL;
	err = pm_open(&ctx->pm, &e);
	if (err)
		return warn_error(err, &e);
	err = pm_switch(ctx->pm, 1u << PORTMON_A_INFO_ENABLED, true,
			&ctx->info);
	if (!err) {
		printf("counting is on in network namespace %s\n", name);
		return 0;
	}
	if (err == -EALREADY)
		err = pm_info(ctx->pm, &ctx->info);
	if (err)
		return pm_complain(ctx->pm, "switch counting on", err);
	return follow_settings(ctx, s);
}

/* Many network namespaces are created after boot: one that is missing is no error. */
static int enable_all(struct ctx *ctx, const struct settings *s)
{
	char path[300];
	size_t i;
	int err = 0, failed;

	for (i = 0; i < s->n_netns; i++) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", s->netns[i]);
		if (!netns_is(AT_FDCWD, path)) {
			warn("there is no network namespace '%s' yet; once it is created: systemctl reload portmon",
			     s->netns[i]);
			continue;
		}
		failed = enable(ctx, s, s->netns[i]);
		if (failed)
			err = failed;
	}
	return err;
}

static int change_parameters(const struct settings *s)
{
	unsigned int i;
	int err, failed = 0;

	for (i = 0; i < SETTING_PARAMETERS; i++) {
		err = *s->value[i] ? change_parameter(s, i) : 0;
		if (err)
			failed = err;
	}
	return failed;
}

static int apply(struct ctx *ctx, const struct settings *s)
{
	int err, failed = 0;

	if (access(PARAMETERS, F_OK))
		load_module(s);
	/* If someone else has loaded it meanwhile, modprobe succeeds. */
	if (!access(PARAMETERS, F_OK))
		failed = change_parameters(s);
	err = ctx_connect(ctx);
	if (!err)
		err = follow_settings(ctx, s);
	if (!err)
		err = enable_all(ctx, s);
	return err ? err : failed;
}

static int run_apply(struct ctx *ctx, int argc, char **argv)
{
	struct settings s;
	int err;

	if (argc > 1)
		return ctx_no_args(argc - 1, argv + 1);
	err = read_conf(&s, argc ? argv[0] : NULL);
	if (!err)
		err = apply(ctx, &s);
	settings_free(&s);
	return err;
}

const struct command cmd_apply = {
	.name = "apply",
	.args = "[FILE]",
	.summary = "load the module and apply the settings of portmon.conf",
	.text = "Applies the settings of FILE (/etc/portmon/portmon.conf): loads the module if necessary, changes the settings that can change while it is loaded, and starts counting in the network namespaces that FILE lists. A wrong line changes nothing. portmon.service does this at boot and on reload. Needs root.",
	.run = run_apply,
};
