/* SPDX-License-Identifier: GPL-2.0 */
/* Text that somebody else chose, and how wide it is. */
#ifndef PORTMON_CTL_TEXT_H
#define PORTMON_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

size_t text_letter(const char *s, uint32_t *c);
bool text_acts(uint32_t c);
bool text_is_safe(const char *s);
char *text_safe(char *buf, size_t size, const char *s);
void text_print(FILE *out, const char *s, size_t len);
unsigned int text_width(const char *s, size_t len);

#endif
