/* SPDX-License-Identifier: GPL-2.0 */
/* Completion scripts for shells, from the tables of commands and options. */
#ifndef PORTMON_CTL_COMPLETION_H
#define PORTMON_CTL_COMPLETION_H

#include "ctl/ctx.h"

int completion_print(const char *shell, const struct command *const *commands,
		     size_t n);

#endif
