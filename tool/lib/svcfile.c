// SPDX-License-Identifier: GPL-2.0
/*
 * The format is described at the head of the file "catalogue". It takes any
 * services(5) file, so that one parser serves the catalogue, when it is
 * built in, the user's own files and the system's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/names.h"
#include "lib/svcfile.h"
#include "lib/util.h"

/**
 * struct parser - a file being read
 * @text: the file
 * @file: its name, for complaints
 * @warn: takes complaints, NULL for none
 * @line: number of the line
 * @v: entries so far
 * @n: how many
 * @cap: how many there is room for
 * @field: end of the text that an indented line continues, or NULL
 * @empty: there is nothing of that text yet
 */
struct parser {
	char *text;
	const char *file;
	svc_warn_fn warn;
	unsigned int line;
	struct service *v;
	unsigned int n;
	size_t cap;
	char *field;
	bool empty;
};

static void complain_line(const struct parser *p, const char *what)
{
	char text[512];

	if (!p->warn)
		return;
	snprintf(text, sizeof(text), "%s:%u: %s; line skipped", p->file,
		 p->line, what);
	p->warn(text);
}

static struct service *new_entry(struct parser *p)
{
	struct service *v = array_room(p->v, p->n, &p->cap, sizeof(*v));

	if (!v)
		return NULL;
	p->v = v;
	v += p->n;
	memset(v, 0, sizeof(*v));
	return v;
}

/* Cut the next word off, NULL at the end of the line. */
static char *next_word(char **s)
{
	char *word = *s + strspn(*s, " \t\r");
	char *end = word + strcspn(word, " \t\r");

	*s = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

/* tcp[,udp...]; a transport that has no counters is passed over. */
static void parse_transports(const char *s, struct service *e)
{
	while (*s) {
		size_t len = strcspn(s, ",");
		int transport = name_find(&transport_names, s, len);

		if (transport >= 0)
			e->transports |= 1 << transport;
		s += len + (s[len] == ',');
	}
}

static uint32_t offset(const struct parser *p, const char *s)
{
	return s && *s ? s - p->text : 0;
}

/* "range NAME FIRST-LAST" */
static int parse_range_line(struct parser *p, const char *name, char *rest)
{
	struct service *e = new_entry(p);
	const char *span = next_word(&rest);

	if (!e)
		return -ENOMEM;
	if (!span || !parse_ports(span, &e->port, &e->port_max, NULL)) {
		complain_line(p, "not a range");
		return 0;
	}
	e->name = offset(p, name);
	p->n++;
	return 0;
}

/* "NAME PORT/TRANSPORT [ALIAS...] [# FULL NAME]", cut at the '#'. */
static int parse_entry(struct parser *p, char *s, char *full)
{
	char *name = next_word(&s);
	char *ports = next_word(&s);
	struct service *e;
	const char *end;

	if (!name)
		return 0;
	if (!strcmp(name, "range"))
		return parse_range_line(p, ports, s);
	e = new_entry(p);
	if (!e)
		return -ENOMEM;
	if (!ports || !parse_ports(ports, &e->port, &e->port_max, &end) ||
	    *end != '/') {
		complain_line(p, "not NAME PORT/TRANSPORT");
		return 0;
	}
	parse_transports(end + 1, e);
	if (!e->transports)
		return 0;
	e->name = offset(p, name);
	e->aliases = offset(p, trim(s));
	e->full = full ? offset(p, trim(full)) : 0;
	p->n++;
	return 0;
}

static void parse_explanation(struct parser *p, char *s)
{
	struct service *e = p->n ? &p->v[p->n - 1] : NULL;
	uint32_t *field = NULL;
	size_t len;

	s = trim(s);
	if (!strncmp(s, "iana:", 5) && e)
		field = &e->iana;
	else if (!strncmp(s, "for:", 4) && e)
		field = &e->use;
	else if (!strncmp(s, "watch:", 6) && e)
		field = &e->watch;
	if (field) {
		s = trim(strchr(s, ':') + 1);
		*field = s - p->text;
		p->field = s + strlen(s);
		p->empty = !*s;
	} else if (p->field) {
		/* There is room: the line was indented. */
		len = strlen(s);
		if (!p->empty)
			*p->field++ = ' ';
		p->empty = false;
		memmove(p->field, s, len + 1);
		p->field += len;
	} else if (*s && *s != '#') {
		complain_line(p, "indented, but not iana:, for: or watch:");
	}
}

static int parse_service_line(struct parser *p, char *line)
{
	char *comment;

	if (*line == ' ' || *line == '\t') {
		if (line[strspn(line, " \t\r")])
			parse_explanation(p, line);
		return 0;
	}
	p->field = NULL;
	comment = strchr(line, '#');
	if (comment)
		*comment++ = '\0';
	return parse_entry(p, line, comment);
}

static int compare_services(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	int xk = !x->transports ? 2 : x->port != x->port_max;
	int yk = !y->transports ? 2 : y->port != y->port_max;

	if (xk != yk)
		return xk - yk;
	if (x->port != y->port)
		return x->port - y->port;
	/* Two names of a port keep the order of the file. */
	return (x->name > y->name) - (x->name < y->name);
}

static void count_kinds(struct svc_table *t, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!t->v[i].transports)
			t->ranges++;
		else if (t->v[i].port != t->v[i].port_max)
			t->spans++;
		else
			t->singles++;
	}
}

/**
 * svc_parse() - make a table of a file's text
 * @text: the file, terminated, behind an empty line, since the first byte
 *   stands for "none"; it is cut up and must stay while the table is used
 * @file: name for complaints
 * @warn: is called for lines that cannot be understood, NULL for nothing
 * @t: the table; its text is @text, the rest is released with free(t->v)
 *
 * Return: 0 or -ENOMEM.
 */
int svc_parse(char *text, const char *file, svc_warn_fn warn,
	      struct svc_table *t)
{
	struct parser p = { .text = text, .file = file, .warn = warn };
	char *line = text, *next;
	int err = 0;

	for (; line && !err; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		err = parse_service_line(&p, line);
		p.line++;
	}
	if (err) {
		free(p.v);
		return err;
	}
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), compare_services);
	*t = (struct svc_table){ .text = text, .v = p.v, .source = file };
	count_kinds(t, p.n);
	return 0;
}

static char *read_services(const char *path, int *err)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;
	size_t len;

	*err = 0;
	if (!f || fstat(fileno(f), &st))
		goto failed;
	text = malloc(st.st_size + 2);
	if (!text)
		goto failed;
	/* svc_parse() wants an empty line before the file's first. */
	text[0] = '\n';
	len = fread(text + 1, 1, st.st_size, f);
	text[len + 1] = '\0';
	if (!ferror(f)) {
		fclose(f);
		return text;
	}
failed:
	*err = errno ? -errno : -EIO;
	free(text);
	if (f)
		fclose(f);
	return NULL;
}

/**
 * svc_load() - read a file of services
 * @path: the file
 * @warn: is called for lines that cannot be understood, NULL for nothing
 * @t: the table, empty if there is no such file; to release with svc_free()
 *
 * Return: 0, or a negative errno.
 */
int svc_load(const char *path, svc_warn_fn warn, struct svc_table *t)
{
	char *text;
	int err;

	*t = (struct svc_table){ .source = path };
	text = read_services(path, &err);
	if (!text)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	err = svc_parse(text, path, warn, t);
	if (err)
		free(text);
	return err;
}

/**
 * svc_free() - release a table made by svc_load()
 * @t: the table
 */
void svc_free(struct svc_table *t)
{
	free((char *)t->text);
	free((struct service *)t->v);
	*t = (struct svc_table){ 0 };
}
