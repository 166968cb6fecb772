/* SPDX-License-Identifier: GPL-2.0 */
/* Bars of letters. */
#ifndef PORTMON_CTL_BARS_H
#define PORTMON_CTL_BARS_H

#include <stdbool.h>
#include <stdint.h>

#define BAR_WIDTH_MAX	200
#define BAR_SIZE	(3 * BAR_WIDTH_MAX + 1)

bool bar_blocks(void);
const char *bar_draw(char buf[static BAR_SIZE], uint64_t v, uint64_t largest,
		     unsigned int width, bool blocks);

#endif
