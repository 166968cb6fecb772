/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_VERSION_H
#define _PORTMON_VERSION_H

/* The one place that says it: module, tool and package go by this. */
#define PORTMON_VERSION "0.1.0"

#endif
