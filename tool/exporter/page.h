/* SPDX-License-Identifier: GPL-2.0 */
/* The page, one document without anything from elsewhere. */
#ifndef PORTMON_EXPORTER_PAGE_H
#define PORTMON_EXPORTER_PAGE_H

#include <stddef.h>

extern const char page[];
extern const size_t page_len;

/* What it may do: its own script and style, and read from where it came. */
extern const char page_csp[];

#endif
