/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_MODULE_H
#define PORTMON_CTL_MODULE_H

#include <stdbool.h>

#include "lib/error.h"

/**
 * struct module_host - what is asked why the module is not loaded
 * @root: folder that the files of the host are in, "" for this host
 * @modinfo: shell command that prints what modinfo(8) says of the module
 * @superuser: it is root who asks
 */
struct module_host {
	const char *root;
	const char *modinfo;
	bool superuser;
};

int module_absent(struct error *e);
int module_absent_on(const struct module_host *h, struct error *e);

#endif
