/* SPDX-License-Identifier: GPL-2.0 */
/* The context and the definition of a subcommand. */
#ifndef PORTMON_CTL_CTX_H
#define PORTMON_CTL_CTX_H

#include <stdbool.h>

#include "ctl/options.h"
#include "ctl/warn.h"
#include "lib/nl.h"
#include "lib/record.h"
#include "lib/services.h"

/* Returned by check: problems were found, or their absence is unknown. */
#define TROUBLE (-4097)
#define UNSURE (-4098)

enum exit_status {
	EXIT_DONE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_UNSURE,
};

#define COLUMNS_MAX 64

struct column;
struct layout;

/**
 * struct span - the time that the counters cover, if not since the last reset
 * @from: its begin, in seconds since the epoch
 * @to: its end, 0 for none
 * @ms: its length in thousandths of a second, 0 if not known so well
 */
struct span {
	uint64_t from;
	uint64_t to;
	uint64_t ms;
};

/**
 * struct ctx - one run of the tool
 * @opt: the command line's options
 * @services: names of ports, read at first use
 * @pm: connection to the module, NULL before ctx_connect()
 * @info: state of the namespace, valid after ctx_connect()
 * @span: the time that the counters cover
 * @netns: name of the current namespace, with --all-netns
 * @failure: exit status after an error at run time, 0 for the usual one
 * @peers: with owners the bytes of each connection are wanted
 * @tty: standard output is a terminal
 * @color: colours are wanted
 * @columns: columns to print, in order
 * @n_columns: how many
 * @warned_hidden: the warning about hidden owners was printed
 * @warned_unlisted: bit per transport with a warning about its sockets printed
 */
struct ctx {
	struct options opt;
	struct services services;
	struct pm *pm;
	struct info info;
	struct span span;
	const char *netns;
	int failure;
	bool peers;
	bool tty;
	bool color;
	const struct column *columns[COLUMNS_MAX];
	size_t n_columns;
	bool warned_hidden;
	unsigned int warned_unlisted;
};

/**
 * struct command - a subcommand
 * @name: its name
 * @args: what follows the name, or NULL if nothing may
 * @words: words that it can be, for completion, or NULL
 * @summary: one line for the list
 * @text: some more for "help NAME"
 * @options: bit per option it accepts, see options.h
 * @layout: its table, NULL if columns are not for choice
 * @run: returns 0, a negative errno (the error was printed), USAGE, or of
 *   check TROUBLE or UNSURE
 */
struct command {
	const char *name;
	const char *args;
	const char *words;
	const char *summary;
	const char *text;
	uint64_t options;
	const struct layout *layout;
	int (*run)(struct ctx *ctx, int argc, char **argv);
};

extern const struct command cmd_stats;
extern const struct command cmd_top;
extern const struct command cmd_show;
extern const struct command cmd_ranges;
extern const struct command cmd_buckets;
extern const struct command cmd_coverage;
extern const struct command cmd_check;
extern const struct command cmd_explain;
extern const struct command cmd_services;
extern const struct command cmd_drops;
extern const struct command cmd_closed;
extern const struct command cmd_monitor;
extern const struct command cmd_reset;
extern const struct command cmd_enable;
extern const struct command cmd_disable;
extern const struct command cmd_info;
extern const struct command cmd_snapshots;
extern const struct command cmd_export;
extern const struct command cmd_apply;

int warn_error(int err, const struct error *e);
int pm_complain(const struct pm *pm, const char *what, int err);
void ctx_init(struct ctx *ctx);
int ctx_enter(struct ctx *ctx);
int ctx_connect(struct ctx *ctx);
int ctx_counting(struct ctx *ctx);
unsigned int ctx_width(const struct ctx *ctx);
int ctx_no_args(int argc, char **argv);
void ctx_free(struct ctx *ctx);

#endif
