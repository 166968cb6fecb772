/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_NETNS_H
#define PORTMON_CTL_NETNS_H

#include <stddef.h>

int netns_enter(const char *name);
const char *netns_identify(char *buf, size_t size);

#endif
