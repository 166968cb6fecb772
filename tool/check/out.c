// SPDX-License-Identifier: GPL-2.0
/* What check says, for people and as JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "lib/names.h"
#include "lib/util.h"
#include "view/out_json.h"

#define INDENT	10

/* What is looked at, for the line that says that nothing is wrong. */
static const char looked_at[] =
	"unanswered SYNs, full queues, incomplete handshakes, refused and failed connections, port scans, drops, retransmissions, silent ports, overflow, coverage";

static const char *color_of(const struct ctx *ctx, enum level level)
{
	if (!ctx->color)
		return "";
	switch (level) {
	case LEVEL_CRITICAL:
		return "\033[1;31m";
	case LEVEL_WARNING:
		return "\033[1;33m";
	default:
		return "\033[1m";
	}
}

/* Whose it is: of the port, or of the end of a connection to it. */
static int find_users(const struct evidence *e, const struct finding *f,
		      struct port_use *use)
{
	*use = (struct port_use){ 0 };
	if (f->client)
		return owners_of_sock(e->owners, f->client, use);
	if (f->port == ANY || !check_own(f->scope))
		return 0;
	return owners_of(e->owners, SIDE_OWN, f->transport, f->port, use);
}

/* "443/tcp https, nginx[812]: ", as much of it as there is. */
static void print_port(FILE *out, const struct evidence *e,
		       const struct finding *f)
{
	char owner[OWNER_SIZE];
	struct port_use use;

	if (f->port == ANY)
		return;
	fprintf(out, "%d/%s", f->port, name_of(&transport_names, f->transport));
	if (f->service)
		fprintf(out, " %s", f->service);
	if (f->scope != PORTMON_SCOPE_LOCAL)
		fprintf(out, " (%s%s)", name_of(&scope_names, f->scope),
			f->client && check_own(f->scope) ? ", client" : "");
	if (!find_users(e, f, &use)) {
		if (use.n)
			fprintf(out, ", %s", owner_text(owner, &use, 0));
		if (use.n && use.v[0].proc && use.v[0].proc->unit[0])
			fprintf(out, " in %s", use.v[0].proc->unit);
		port_use_free(&use);
	}
	fputs(": ", out);
}

/* Per second, or per minute where that is below one. */
static void print_rate(FILE *out, const struct evidence *e,
		       const struct finding *f)
{
	const double rate = f->events / e->seconds;

	if (!f->events || f->kind == FOUND_SILENT)
		return;
	if (rate >= 1)
		fprintf(out, " (%.1f a second)", rate);
	else
		fprintf(out, " (%.1f a minute)", rate * 60);
}

static int print_finding(const struct ctx *ctx, const struct evidence *e,
			 const struct finding *f)
{
	const struct finding_text *text = &finding_texts[f->kind];
	const unsigned int width = ctx_width(ctx);
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return -ENOMEM;
	print_port(out, e, f);
	fputs(f->what, out);
	print_rate(out, e, f);
	if (fclose(out) || !line) {
		free(line);
		return -ENOMEM;
	}
	printf("\n%s%-*s%s", color_of(ctx, text->level), INDENT,
	       name_of(&level_names, text->level), ctx->color ? "\033[0m" : "");
	print_wrapped(stdout, line, INDENT, width);
	free(line);
	printf("%*s", INDENT, "");
	print_wrapped(stdout, f->meaning ? f->meaning : text->meaning, INDENT,
		      width);
	if (f->next[0])
		printf("%*snext: %s\n", INDENT, "", f->next);
	return 0;
}

static void print_span(const struct ctx *ctx, const struct evidence *e)
{
	char from[TIME_SIZE], age[AGE_SIZE];

	if (given(&ctx->opt, OPT_ALL_TIME))
		printf(" since counting began or was reset at %s\n",
		       format_time(from, ctx->span.from));
	else
		printf(" in the last %s, since %s\n",
		       format_age(age, e->now - (uint64_t)e->seconds, e->now),
		       format_time(from, ctx->span.from));
}

/**
 * out_check() - print what is wrong
 * @ctx: the run
 * @e: what was looked at
 * @found: what is wrong
 *
 * Return: 0 or -ENOMEM.
 */
int out_check(struct ctx *ctx, const struct evidence *e,
	      const struct findings *found)
{
	size_t i, wrong = 0, unknown = 0;
	int err = 0;

	for (i = 0; i < found->n; i++) {
		enum level level = finding_texts[found->v[i].kind].level;

		wrong += level <= LEVEL_WARNING;
		unknown += level == LEVEL_UNKNOWN;
	}
	if (wrong)
		printf("%zu trouble%s", wrong, plural(wrong));
	else
		printf("%s wrong at %zu port%s",
		       unknown ? "not all is known; nothing found" : "nothing",
		       found->ports, plural(found->ports));
	print_span(ctx, e);
	for (i = 0; i < found->n && !err; i++)
		err = print_finding(ctx, e, &found->v[i]);
	if (!wrong && !unknown) {
		printf("looked at: ");
		print_wrapped(stdout, looked_at, 11, ctx_width(ctx));
	}
	return err;
}

static void json_processes(struct json *j, const struct evidence *e,
			   const struct finding *f)
{
	struct port_use use;
	size_t i;

	json_array(j, "processes");
	find_users(e, f, &use);
	for (i = 0; i < use.n; i++) {
		const struct proc *proc = use.v[i].proc;

		if (!proc)
			continue;
		json_object(j, NULL);
		json_uint(j, "pid", proc->pid);
		json_string(j, "name", proc->name);
		json_string(j, "unit", proc->unit[0] ? proc->unit : NULL);
		json_object_end(j);
	}
	port_use_free(&use);
	json_array_end(j);
}

static void json_finding(struct json *j, const struct evidence *e,
			 const struct finding *f)
{
	const struct finding_text *text = &finding_texts[f->kind];
	const bool port = f->port != ANY;

	json_object(j, NULL);
	json_word(j, "finding", text->name);
	json_word(j, "level", name_of(&level_names, text->level));
	if (port) {
		json_word(j, "scope", name_of(&scope_names, f->scope));
		json_word(j, "transport",
			  name_of(&transport_names, f->transport));
		json_uint(j, "port", f->port);
	} else {
		json_null(j, "scope");
		json_null(j, "transport");
		json_null(j, "port");
	}
	json_string(j, "service", f->service);
	json_bool(j, "client", f->client);
	json_processes(j, e, f);
	json_uint(j, "events", f->events);
	json_string(j, "text", f->what);
	json_string(j, "meaning", f->meaning ? f->meaning : text->meaning);
	json_string(j, "next", f->next[0] ? f->next : NULL);
	json_object_end(j);
}

/**
 * out_json_check() - the document of check
 * @ctx: the run
 * @e: what was looked at
 * @found: what is wrong
 *
 * Return: 0 or a negative errno.
 */
int out_json_check(struct ctx *ctx, const struct evidence *e,
		   const struct findings *found)
{
	struct json j;
	int err = out_json_begin(&j, ctx);
	size_t i;

	if (err)
		return err;
	json_uint(&j, "ports_checked", found->ports);
	json_array(&j, "findings");
	for (i = 0; i < found->n && !j.err; i++)
		json_finding(&j, e, &found->v[i]);
	json_array_end(&j);
	return out_json_end(&j);
}
