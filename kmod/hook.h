/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_HOOK_H
#define _PORTMON_HOOK_H

#include <linux/netfilter.h>

#define PORTMON_HOOK_OPS	6

/* To be copied per namespace; priv is the namespace's struct portmon_tables. */
extern const struct nf_hook_ops portmon_hook_ops[PORTMON_HOOK_OPS];

#endif
