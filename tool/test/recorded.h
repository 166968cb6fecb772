/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel that has counted once, and answers every request with that. */
#ifndef PORTMON_CTL_TEST_RECORDED_H
#define PORTMON_CTL_TEST_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "host/coverage.h"

extern bool recorded;

void recorded_request(const void *request, size_t n);
ssize_t recorded_reply(void *buf, size_t n);
void recorded_coverage(struct coverage *c);

#endif
