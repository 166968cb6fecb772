/* SPDX-License-Identifier: GPL-2.0 */
/* Passwords. */
#ifndef PORTMON_EXPORTER_AUTH_H
#define PORTMON_EXPORTER_AUTH_H

#include <stdbool.h>

#include "exporter/webconfig.h"

int auth_init(void);
void auth_forget(void);
bool auth_check(const struct web_config *config, const char *user,
		const char *password);

#endif
