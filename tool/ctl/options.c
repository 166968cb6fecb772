// SPDX-License-Identifier: GPL-2.0
/* One table gives getopt's tables, the help and what each option does. */
#include <assert.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "ctl/options.h"
#include "ctl/warn.h"
#include "lib/names.h"
#include "lib/snapshot.h"
#include "lib/util.h"

static void list_words(const struct names *names, char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < names->n && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s",
				i ? ", " : "", names->v[i]);
}

static int set_word(const struct names *names, const char *arg, int *v)
{
	char words[256];

	*v = name_find(names, arg, strlen(arg));
	if (*v >= 0)
		return 0;
	list_words(names, words, sizeof(words));
	warn("unknown %s '%s'; it is one of: %s", names->what, arg, words);
	return USAGE;
}

/* One word, or several with commas between them. */
static int set_scope(struct options *opt, const char *arg)
{
	struct filter *f = &opt->filter;
	char word[64];
	int v, err;

	f->scope = ANY;
	f->scopes = 0;
	for (;;) {
		const size_t len = strcspn(arg, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, arg);
		err = set_word(&scope_names, word, &v);
		if (err)
			return err;
		f->scopes |= 1u << v;
		if (!arg[len])
			break;
		arg += len + 1;
	}
	/* The kernel filters by a single one. */
	if (!(f->scopes & (f->scopes - 1))) {
		f->scope = v;
		f->scopes = 0;
	}
	return 0;
}

static int set_transport(struct options *opt, const char *arg)
{
	return set_word(&transport_names, arg, &opt->filter.transport);
}

static int set_range(struct options *opt, const char *arg)
{
	return set_word(&range_names, arg, &opt->filter.range);
}

/* Numbers can be wrong here already; names are looked up by ctx_ports(). */
static int set_port(struct options *opt, const char *arg)
{
	uint16_t port, port_max;
	const char *word = arg, *end;

	opt->ports = arg;
	while (word) {
		end = word;
		if (!*word || *word == ',' ||
		    (*word >= '0' && *word <= '9' &&
		     (!parse_ports(word, &port, &port_max, &end) ||
		      (*end && *end != ',' && *end != '/')))) {
			warn_ports(arg);
			return USAGE;
		}
		word = strchr(word, ',');
		if (word)
			word++;
	}
	return 0;
}

static const char *const sort_words[] = {
	[SORT_NONE] = "none", [SORT_BYTES] = "bytes",
	[SORT_PACKETS] = "packets", [SORT_RX] = "rx",
	[SORT_TX] = "tx", [SORT_RX_PACKETS] = "rx-packets",
	[SORT_TX_PACKETS] = "tx-packets",
	[SORT_LAST_SEEN] = "last-seen",
	[SORT_FIRST_SEEN] = "first-seen", [SORT_PORT] = "port",
	[SORT_SERVICE] = "service", [SORT_SCOPE] = "scope",
	[SORT_TRANSPORT] = "transport",
	[SORT_CONNECTIONS] = "connections",
	[SORT_RETRANSMITTED] = "retransmitted",
	[SORT_DROPS] = "drops",
	[SORT_UNANSWERED] = "unanswered",
};

const struct names sort_names = {
	"sort field", sort_words, ARRAY_SIZE(sort_words)
};

static int set_sort(struct options *opt, const char *arg)
{
	int v, err = set_word(&sort_names, arg, &v);

	if (!err)
		opt->sort = v;
	return err;
}

static const char *const color_words[] = {
	[WHEN_AUTO] = "auto", [WHEN_NEVER] = "never",
	[WHEN_ALWAYS] = "always",
};

static const struct names color_names = {
	"colour mode", color_words, ARRAY_SIZE(color_words)
};

static int set_color(struct options *opt, const char *arg)
{
	int v, err = set_word(&color_names, arg, &v);

	if (!err)
		opt->color = v;
	return err;
}

/*
 * An option with an argument describes it itself; the three kinds that
 * most arguments are of are kept by these.
 */
static int keep_text(const struct option_def *def, const char *arg, void *to)
{
	if (!*arg) {
		warn("--%s needs %s, not an empty word", def->name, def->arg);
		return USAGE;
	}
	*(const char **)to = arg;
	return 0;
}

static int keep_count(const struct option_def *def, const char *arg, void *to)
{
	unsigned long v;

	if (!parse_number(arg, UINT32_MAX, &v, NULL) || !v) {
		warn("--%s needs a number of at least 1, not '%s'", def->name,
		     arg);
		return USAGE;
	}
	*(unsigned int *)to = v;
	return 0;
}

/* Thousandths of a second, at most a day. */
static int keep_seconds(const struct option_def *def, const char *arg,
			void *to)
{
	if (!parse_seconds(arg, DAY, to) || !*(unsigned int *)to) {
		warn("--%s needs seconds, from 0.001 to 86400, not '%s'",
		     def->name, arg);
		return USAGE;
	}
	return 0;
}

static int set_delta(struct options *opt, const char *arg)
{
	if (arg && !snapshot_is_name(arg)) {
		warn("'%s' is not a name for a snapshot: letters, digits, '_', '.' and '-', at most %d, not beginning with '.'",
		     arg, SNAPSHOT_NAME_MAX);
		return USAGE;
	}
	if (arg && !strcmp(arg, "check")) {
		warn("the snapshot 'check' is that of portmon-ctl check; choose another name");
		return USAGE;
	}
	opt->snapshot = arg;
	return 0;
}

static int set_exact(struct options *opt, const char *arg)
{
	(void)arg;
	opt->units = UNITS_EXACT;
	return 0;
}

static int set_iec(struct options *opt, const char *arg)
{
	(void)arg;
	opt->units = UNITS_IEC;
	return 0;
}

static int set_si(struct options *opt, const char *arg)
{
	(void)arg;
	opt->units = UNITS_SI;
	return 0;
}

#define NOTHING		.set = NULL
#define CALL(fn)	.set = fn
#define WORD(fn, names)	.set = fn, .words = &names
#define KEEP(fn, m)	.keep = fn, .at = offsetof(struct options, m)
#define TEXT(m)		KEEP(keep_text, m)
#define NUMBER(m)	KEEP(keep_count, m)
#define SECONDS(m)	KEEP(keep_seconds, m)
#define OPTION(id, _letter, _name, _arg, _set, _help)			\
	[OPT_##id] = {							\
		.letter = _letter, .name = _name, .arg = _arg, _set,	\
		.help = _help,						\
	},

static const struct option_def options[] = {
#include "ctl/options_table.h"
};

static_assert(N_OPTIONS <= 64, "a bit for each option");

/* getopt's values: the number of an option, beyond any letter. */
#define LONG_BASE 256

/**
 * struct tables - what getopt_long() wants to have
 * @letters: short options
 * @longs: long ones
 */
struct tables {
	char letters[2 * N_OPTIONS + 3];
	struct option longs[N_OPTIONS + 1];
};

/**
 * options_def() - an option's line of the table
 * @i: its number
 *
 * Return: the line.
 */
const struct option_def *options_def(unsigned int i)
{
	return &options[i];
}

/**
 * options_letter() - the option of a letter
 * @letter: the letter
 * @taken: bit per option that the command accepts
 *
 * Return: number of the last option with it that the command accepts, else of
 * the first, N_OPTIONS if there is none.
 */
unsigned int options_letter(int letter, uint64_t taken)
{
	unsigned int i, found = N_OPTIONS;

	for (i = 0; i < N_OPTIONS; i++)
		if (options[i].letter == letter &&
		    (found == N_OPTIONS || taken & UINT64_C(1) << i))
			found = i;
	return found;
}

static void fill_tables(struct tables *t, const char *mode, uint64_t taken)
{
	char *p = stpcpy(t->letters, mode);
	unsigned int i;

	*p++ = ':';
	for (i = 0; i < N_OPTIONS; i++) {
		const struct option_def *o = &options[i];

		t->longs[i] = (struct option){
			o->name, option_may_lack(o) ? optional_argument :
				 o->arg ? required_argument : no_argument,
			NULL, LONG_BASE + i
		};
		if (!o->letter || options_letter(o->letter, taken) != i)
			continue;
		*p++ = o->letter;
		if (o->arg)
			*p++ = ':';
	}
	*p = '\0';
	t->longs[N_OPTIONS] = (struct option){ 0 };
}

/**
 * options_command() - find the subcommand, which may follow options
 * @argc: arguments there are
 * @argv: the arguments
 * @taken: bit per option that it accepts, if it is the one that is thought of
 *
 * Return: its index, @argc if there is none.
 */
int options_command(int argc, char **argv, uint64_t taken)
{
	struct tables t;

	fill_tables(&t, "+", taken);
	opterr = 0;
	optind = 0;
	while (getopt_long(argc, argv, t.letters, t.longs, NULL) != -1)
		;
	return optind;
}

static int refuse_word(int c, const char *arg, uint64_t taken)
{
	unsigned int i = optopt - LONG_BASE;

	if (optopt && optopt < LONG_BASE)
		i = options_letter(optopt, taken);
	if (c == ':')
		warn("option --%s needs an argument: %s", options[i].name,
		     options[i].arg);
	else if (optopt >= LONG_BASE)
		warn("option --%s does not accept an argument", options[i].name);
	else if (optopt)
		warn("unknown option -%c", optopt);
	else
		warn("unknown or ambiguous option %s", arg);
	return USAGE;
}

static int take_argument(struct options *opt, int c, uint64_t taken)
{
	const unsigned int i = c < LONG_BASE ? options_letter(c, taken) :
					       (unsigned int)c - LONG_BASE;
	const struct option_def *o = &options[i];

	opt->given |= UINT64_C(1) << i;
	if (i == OPT_PRETTY)
		opt->given |= OPT(JSON);
	if (i == OPT_NO_HEADER)
		opt->given |= OPT(CSV);
	if (o->keep)
		return o->keep(o, optarg, (char *)opt + o->at);
	return o->set ? o->set(opt, optarg) : 0;
}

/**
 * options_parse() - take the options off the command line
 * @opt: what they ask for
 * @taken: bit per option that the command accepts
 * @argc: arguments there are
 * @argv: the arguments; what is no option is moved to their end
 *
 * Return: index of the first argument that is no option, or USAGE.
 */
int options_parse(struct options *opt, uint64_t taken, int argc, char **argv)
{
	struct tables t;
	int c, err;

	fill_tables(&t, "", taken);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return refuse_word(c, argv[optind - 1], taken);
		err = take_argument(opt, c, taken);
		if (err)
			return err;
	}
	return optind;
}

/* Options that cannot be combined. */
static const uint64_t exclusive[] = {
	OPT(JSON) | OPT(CSV),
	OPT(JSON) | OPT(BARS),
	OPT(JSON) | OPT(OUTPUT),
	OPT(CSV) | OPT(BARS),
	OPT(BARS) | OPT(DETAILS),
	OPT(NETNS) | OPT(ALL_NETNS),
	OPT(ALL_NETNS) | OPT(DELTA),
	OPT(ALL_NETNS) | OPT(INTERVAL),
	OPT(DELTA) | OPT(INTERVAL),
	OPT(BARS) | OPT(INTERVAL),
	OPT(DETAILS) | OPT(INTERVAL),
	OPT(WATCH) | OPT(ALL_TIME),
	OPT(JSON) | OPT(QUIET),
};

static const char *lowest(uint64_t bits)
{
	return options[__builtin_ctzll(bits)].name;
}

static int check_together(uint64_t all)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(exclusive); i++) {
		const uint64_t both = exclusive[i];

		if ((all & both) != both)
			continue;
		warn("--%s and --%s cannot be combined", lowest(both),
		     lowest(both & (both - 1)));
		return USAGE;
	}
	return 0;
}

/**
 * options_check() - refuse options that a subcommand does not accept
 * @opt: what was given
 * @taken: bit per option that it accepts
 * @command: its name
 *
 * Return: 0 or USAGE.
 */
int options_check(const struct options *opt, uint64_t taken,
		  const char *command)
{
	uint64_t wrong = opt->given & ~(taken | OPTS_ALWAYS);
	unsigned int i;

	for (i = 0; i < N_OPTIONS; i++) {
		if (wrong & UINT64_C(1) << i) {
			warn("%s does not accept --%s", command,
			     options[i].name);
			return USAGE;
		}
	}
	return check_together(opt->given);
}

/**
 * options_help() - print a line for each option
 * @out: where to
 * @taken: bit per option to print
 */
void options_help(FILE *out, uint64_t taken)
{
	unsigned int i;
	char word[40];

	for (i = 0; i < N_OPTIONS; i++) {
		const struct option_def *o = &options[i];

		if (!(taken & UINT64_C(1) << i))
			continue;
		snprintf(word, sizeof(word), "--%s%s%s", o->name,
			 o->arg && !option_may_lack(o) ? " " : "",
			 o->arg ? o->arg : "");
		if (o->letter && options_letter(o->letter, taken) == i)
			fprintf(out, "  -%c, %-23s ", o->letter, word);
		else
			fprintf(out, "      %-23s ", word);
		print_wrapped(out, o->help, 30, 80);
	}
}
