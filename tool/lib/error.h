/* SPDX-License-Identifier: GPL-2.0 */
/* Error codes and messages. */
#ifndef PORTMON_CTL_ERROR_H
#define PORTMON_CTL_ERROR_H

#include <stdbool.h>

#define ERROR_SIZE 1024

/**
 * struct error - what a function reports beside a negative errno
 * @text: the sentence, without a newline; longer ones are cut
 * @denied: the kernel refused it without permission, so another user may
 *   succeed
 */
struct error {
	char text[ERROR_SIZE];
	bool denied;
};

int error_set(struct error *e, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
