/* SPDX-License-Identifier: GPL-2.0 */
/* Small helpers: growing arrays, numbers, files. */
#ifndef PORTMON_CTL_UTIL_H
#define PORTMON_CTL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *array_grow(void *v, size_t *cap, size_t size);
void *buffer_room(void *v, size_t *cap, size_t len, size_t more);

/**
 * array_room() - have room for one more element in an array that grows
 * @v: the array or NULL
 * @n: how many elements it has
 * @cap: how many there is room for
 * @size: of an element
 *
 * Return: the array, which may have moved, or NULL; then the old one stays.
 */
static inline void *array_room(void *v, size_t n, size_t *cap, size_t size)
{
	return n < *cap ? v : array_grow(v, cap, size);
}

/**
 * lower_bound() - find a place in what is in order
 * @n: how many elements there are
 * @is_before: is element @i before the place?
 * @arg: its first argument
 *
 * Return: the first element that is not before the place, @n for none.
 */
static inline size_t lower_bound(size_t n,
				 bool (*is_before)(const void *arg, size_t i),
				 const void *arg)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (is_before(arg, middle))
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

bool parse_number(const char *s, unsigned long max, unsigned long *v,
		  const char **end);
bool parse_ports(const char *s, uint16_t *port, uint16_t *port_max,
		 const char **end);
bool parse_seconds(const char *s, unsigned int max, unsigned int *ms);
char *trim(char *s);
char *config_path(const char *name, int *err);

#endif
