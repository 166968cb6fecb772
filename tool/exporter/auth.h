/* SPDX-License-Identifier: GPL-2.0 */
/* Passwords. */
#ifndef PORTMON_EXPORTER_AUTH_H
#define PORTMON_EXPORTER_AUTH_H

#include "exporter/webconfig.h"

/**
 * enum auth - may someone read?
 * @AUTH_YES: yes
 * @AUTH_NO: no
 * @AUTH_LATER: too many passwords were checked in this second
 */
enum auth {
	AUTH_YES,
	AUTH_NO,
	AUTH_LATER,
};

int auth_init(void);
void auth_forget(void);
enum auth auth_check(const struct web_config *config, const char *user,
		     const char *password);

#endif
