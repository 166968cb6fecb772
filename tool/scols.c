// SPDX-License-Identifier: GPL-2.0
#include <dlfcn.h>
#include <stddef.h>

#include "scols.h"
#include "util.h"

#define LIBRARY "libsmartcols.so.1"

/**
 * scols_load() - load libsmartcols
 *
 * Return: its functions, NULL if it cannot be had (the person has been told).
 */
const struct scols *scols_load(void)
{
	static struct scols scols;
	static void *library;

	if (library)
		return &scols;
	library = dlopen(LIBRARY, RTLD_LAZY);
	if (!library)
		goto err;
#define X(name)								\
	scols.name = (typeof(scols.name))dlsym(library, "scols_" #name);	\
	if (!scols.name)						\
		goto err;
	SCOLS_FUNCTIONS(X)
#undef X
	return &scols;
err:
	warn("tables need libsmartcols: %s", dlerror());
	library = NULL;
	return NULL;
}
