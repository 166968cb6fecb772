/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_NETNS_H
#define PORTMON_CTL_NETNS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

#define NETNS_DIR "/run/netns"

bool netns_is(int dir, const char *path);
int netns_enter(const char *name, struct error *e);
int netns_identify(char *buf, size_t size);

#endif
