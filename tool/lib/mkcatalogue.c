// SPDX-License-Identifier: GPL-2.0
/*
 * Build step: turns the file "catalogue" into a constant table in C. It
 * reads with the tool's own parser, and any line that the parser would skip
 * fails the build.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/svcfile.h"
#include "lib/util.h"

static unsigned int at = 1;
static unsigned int skipped;

static void count_skipped(const char *text)
{
	fprintf(stderr, "%s\n", text);
	skipped++;
}

static void print_c_text(const char *s)
{
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else
			putchar(*s);
}

/* Offset that a text will have, 0 for none. */
static unsigned int offset_of(const char *s)
{
	unsigned int offset = at;

	if (!s)
		return 0;
	at += strlen(s) + 1;
	return offset;
}

static void print_entry(const struct svc_table *t, const struct service *e)
{
	printf("\t{ %u, ", offset_of(svc_text(t, e->name)));
	printf("%u, ", offset_of(svc_text(t, e->aliases)));
	printf("%u, ", offset_of(svc_text(t, e->iana)));
	printf("%u, ", offset_of(svc_text(t, e->full)));
	printf("%u, ", offset_of(svc_text(t, e->use)));
	printf("%u, ", offset_of(svc_text(t, e->watch)));
	printf("%u, %u, %u },\n", e->port, e->port_max, e->transports);
}

static void print_texts(const struct svc_table *t, const struct service *e)
{
	const uint32_t texts[] = {
		e->name, e->aliases, e->iana, e->full, e->use, e->watch,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!texts[i])
			continue;
		printf("\t\"");
		print_c_text(svc_text(t, texts[i]));
		printf("\\0\"\n");
	}
}

/* Of two names for one port and transport only one would be found. */
static int check_twice(const struct svc_table *t)
{
	unsigned int i, err = 0;

	for (i = 1; i < t->singles; i++) {
		const struct service *a = &t->v[i - 1], *b = &t->v[i];

		if (a->port == b->port && a->transports & b->transports) {
			fprintf(stderr, "catalogue: port %u has two names\n",
				a->port);
			err = 1;
		}
	}
	return err;
}

int main(int argc, char **argv)
{
	struct svc_table t;
	unsigned int i, n;
	int err;

	if (argc != 2)
		return 2;
	err = svc_load(argv[1], count_skipped, &t);
	n = t.singles + t.spans + t.ranges;
	if (err || !n || skipped || check_twice(&t)) {
		fprintf(stderr, "%s: cannot create a table\n", argv[1]);
		return 1;
	}
	printf("/* Made from the file \"catalogue\": do not edit. */\n");
	printf("#include \"lib/services.h\"\n\n");
	printf("static const struct service entries[] = {\n");
	for (i = 0; i < n; i++)
		print_entry(&t, &t.v[i]);
	printf("};\n\nstatic const char texts[] =\n\t\"\\0\"\n");
	for (i = 0; i < n; i++)
		print_texts(&t, &t.v[i]);
	printf("\t\"\";\n\nconst struct svc_table catalogue = {\n");
	printf("\ttexts, entries, %u, %u, %u,\n", t.singles, t.spans,
	       t.ranges);
	printf("\t\"built-in catalogue\", true\n};\n");
	svc_free(&t);
	return 0;
}
