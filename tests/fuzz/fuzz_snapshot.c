// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot that holds anything, as stats --delta reads it: an input is what
 * follows the first line of its file. What it says is compared with itself, as
 * the counters of now.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/snapshot.h"
#include "view/rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

void __wrap_warn(const char *format, ...)
{
	(void)format;
}

static int read_one(const uint8_t *data, size_t size, struct snapshot *s)
{
	const struct filter all = FILTER_ALL;
	/* What is not in the input is zero, whatever was here. */
	struct info info = { .has = UINT32_MAX };
	FILE *f = fmemopen((void *)data, size, "r");
	int err = snapshot_read(f, &info, &all, SNAP_OVERFLOW | SNAP_OTHER, s);

	fclose(f);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct filter all = FILTER_ALL;
	struct deltas delta = { 0 };
	struct snapshot before, now, out;

	if (!size || read_one(data, size, &before))
		return 0;
	/* It is read alike each time. */
	if (read_one(data, size, &now))
		abort();
	if (!deltas_add(&delta, &before, 0) && !deltas_add(&delta, &now, 1) &&
	    !deltas_get(&delta, &all, &out))
		snapshot_free(&out);
	deltas_free(&delta);
	return 0;
}
