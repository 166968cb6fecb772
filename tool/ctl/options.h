/* SPDX-License-Identifier: GPL-2.0 */
/* The options of all subcommands. */
#ifndef PORTMON_CTL_OPTIONS_H
#define PORTMON_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/format.h"
#include "lib/names.h"
#include "lib/record.h"

enum {
#define OPTION(id, ...) OPT_##id,
#include "ctl/options_table.h"
#undef OPTION
	N_OPTIONS
};

#define OPT(name)	(UINT64_C(1) << OPT_##name)
#define OPTS_ALWAYS	(OPT(HELP) | OPT(VERSION) | OPT(COLOR))
#define OPTS_JSON	(OPT(JSON) | OPT(PRETTY))
#define OPTS_UNITS	(OPT(EXACT) | OPT(IEC) | OPT(SI) | OPT(BITS))
#define OPTS_TABLE	(OPT(OUTPUT) | OPT(LIST_COLUMNS) | OPT(CSV) | OPT(NO_HEADER))
#define OPTS_TRIPLE	(OPT(SCOPE) | OPT(TRANSPORT) | OPT(RANGE))
#define OPTS_FILTER	(OPTS_TRIPLE | OPT(PORT))
#define OPTS_NETNS	(OPT(NETNS) | OPT(ALL_NETNS))
#define OPTS_SORT	(OPT(SORT) | OPT(REVERSE))

enum sort_key {
	SORT_NONE,
	SORT_BYTES,
	SORT_PACKETS,
	SORT_RX,
	SORT_TX,
	SORT_RX_PACKETS,
	SORT_TX_PACKETS,
	SORT_LAST_SEEN,
	SORT_FIRST_SEEN,
	SORT_PORT,
	SORT_SERVICE,
	SORT_SCOPE,
	SORT_TRANSPORT,
	SORT_CONNECTIONS,
	SORT_RETRANSMITTED,
	SORT_DROPS,
	SORT_UNANSWERED,
	SORT_KEYS
};

enum when {
	WHEN_AUTO,
	WHEN_NEVER,
	WHEN_ALWAYS,
};

/**
 * struct options - the command line's options
 * @given: bit per option given
 * @filter: which ports
 * @sort: in which order
 * @units: how large numbers are cut short
 * @color: when there are colours
 * @netns: name of the network namespace or NULL
 * @ports: ports to be looked up by ctx_ports(), or NULL
 * @process: a pattern for the name of an owner, or NULL
 * @unit: its unit, or NULL
 * @output: columns to print, with + beside the usual ones, or NULL
 * @file: file to write to, or NULL
 * @shown: local ports that are to be exported as well, or NULL
 * @snapshot: name of the snapshot of --delta, NULL for the usual
 * @completion: shell that wants to complete command lines, or NULL
 * @interval_ms: time between two readings, 0 for a single one
 * @count: how many intervals, 0 for no end
 * @limit: how many lines at most, 0 for the usual
 */
struct options {
	uint64_t given;
	struct filter filter;
	enum sort_key sort;
	enum units units;
	enum when color;
	const char *netns;
	const char *ports;
	const char *process;
	const char *unit;
	const char *output;
	const char *file;
	const char *shown;
	const char *snapshot;
	const char *completion;
	unsigned int interval_ms;
	unsigned int count;
	unsigned int limit;
};

#define OPTIONS_DEFAULT { .filter = FILTER_ALL }

static inline bool given(const struct options *opt, unsigned int which)
{
	return opt->given & UINT64_C(1) << which;
}

/**
 * struct option_def - an option
 * @letter: its short form or 0
 * @name: its long form
 * @arg: name of its argument, NULL for none; see option_may_lack()
 * @help: what it does
 * @words: words that its argument can be, NULL for any text
 * @set: stores the argument; NULL if the option has none
 * @keep: keeps an argument of a common kind in the place it is given
 * @at: that place, an offset in struct options
 */
struct option_def {
	char letter;
	const char *name;
	const char *arg;
	const char *help;
	const struct names *words;
	int (*set)(struct options *opt, const char *arg);
	int (*keep)(const struct option_def *def, const char *arg, void *to);
	size_t at;
};

/* "[=NAME]": an argument that can be left out. */
static inline bool option_may_lack(const struct option_def *o)
{
	return o->arg && *o->arg == '[';
}

extern const struct names sort_names;

const struct option_def *options_def(unsigned int i);
unsigned int options_letter(int letter, uint64_t taken);
int options_command(int argc, char **argv, uint64_t taken);
int options_parse(struct options *opt, uint64_t taken, int argc, char **argv);
int options_check(const struct options *opt, uint64_t taken,
		  const char *command);
void options_help(FILE *out, uint64_t taken);

#endif
