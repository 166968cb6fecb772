/* SPDX-License-Identifier: GPL-2.0 */
/* Which interfaces have a flowtable, past which forwarded packets go. */
#ifndef PORTMON_CTL_FLOWTABLE_H
#define PORTMON_CTL_FLOWTABLE_H

#include "host/links.h"

int flowtables_mark(struct links *list);

#endif
