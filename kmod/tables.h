/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of a namespace as a whole. */
#ifndef _PORTMON_TABLES_H
#define _PORTMON_TABLES_H

#include "types.h"

struct portmon_tables *portmon_tables_alloc(struct net *net);
void portmon_tables_free(struct portmon_tables *t);
size_t portmon_tables_memory(const struct portmon_tables *t);

int portmon_tables_init(void);
void portmon_tables_exit(void);

#endif
