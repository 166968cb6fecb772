// SPDX-License-Identifier: GPL-2.0
/* The headers Accept and Host of a request to portmon-exporter. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

void __wrap_warn(const char *format, ...)
{
	(void)format;
}

static bool has(const char *text, const char *word)
{
	return strcasestr(text, word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own size, so that whatever is read beyond it shows. */
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	*(char *)mempcpy(text, data, size) = '\0';
	if (accept_openmetrics(text) &&
	    !has(text, "application/openmetrics-text"))
		abort();
	if (host_is_local(text) && !has(text, "localhost") &&
	    strncmp(text, "127.", 4) && strncmp(text, "[::1]", 5))
		abort();
	free(text);
	return 0;
}
