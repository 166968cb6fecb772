/* SPDX-License-Identifier: GPL-2.0 */
/* A live view for tests. */
#ifndef PORTMON_CTL_TEST_TOP_H
#define PORTMON_CTL_TEST_TOP_H

#include "top/top.h"

extern struct top t;

/* A port for the next reading. */
void top_test_add(unsigned int scope, unsigned int transport, unsigned int port,
		  uint64_t bytes, const char *service);
/* The reading: at so many seconds, of the ports that were added. */
void top_test_read(double at);
void top_test_begin(void);
void top_test_end(void);
void top_test_press(int key);
/* The lines, by their ports. */
const char *top_test_lines(void);

#endif
