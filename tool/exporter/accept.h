/* SPDX-License-Identifier: GPL-2.0 */
/* The headers Accept and Host of a request. */
#ifndef PORTMON_EXPORTER_ACCEPT_H
#define PORTMON_EXPORTER_ACCEPT_H

#include <stdbool.h>

bool accept_openmetrics(const char *accept);
bool host_is_local(const char *host, const char *own);

#endif
