// SPDX-License-Identifier: GPL-2.0
/* The file with TLS and passwords of portmon-exporter. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exporter/webconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

void __wrap_warn(const char *format, ...)
{
	(void)format;
}

static void check(const struct web_config *config)
{
	size_t i, k;

	if (!config->cert != !config->key || (config->ca && !config->cert))
		abort();
	if (config->client_auth >= CLIENT_AUTH_VERIFY && config->cert &&
	    !config->ca)
		abort();
	for (i = 0; i < config->n_users; i++) {
		const struct web_user *user = &config->users[i];

		if (!*user->name || strchr(user->name, ':') ||
		    strlen(user->hash) != 60)
			abort();
		for (k = 0; k < i; k++)
			if (!strcmp(user->name, config->users[k].name))
				abort();
	}
}

/* A file of its own each time: one that is open has an offset. */
static int put(const uint8_t *data, size_t size)
{
	int fd = memfd_create("web.yml", 0);

	if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
		return fd;
	close(fd);
	return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web_config config;
	struct error e = { 0 };
	char path[32];
	int fd, err;

	/* Nothing but small files: no device, no pipe. */
	if (memmem(data, size, "/dev", 4) || memmem(data, size, "/proc", 5))
		return 0;
	fd = put(data, size);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = webconfig_load(path, &config, &e);
	if (!err)
		check(&config);
	else if (!*e.text)	/* what is wrong is said */
		abort();
	webconfig_free(&config);
	close(fd);
	return 0;
}
