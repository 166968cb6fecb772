// SPDX-License-Identifier: GPL-2.0
/* One table gives getopt's tables, the help and what each option does. */
#include <getopt.h>
#include <string.h>

#include "ctx.h"
#include "names.h"
#include "util.h"

/**
 * struct option_def - an option
 * @letter: its short form or 0
 * @name: its long form
 * @arg: what it takes, NULL for nothing
 * @help: what it does
 * @set: keeps the argument; NULL if that it was given says all
 */
struct option_def {
	char letter;
	const char *name;
	const char *arg;
	const char *help;
	int (*set)(struct options *opt, const char *arg);
};

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

static int set_scope(struct options *opt, const char *arg)
{
	return set_word(&scope_names, arg, &opt->filter.scope);
}

static int set_transport(struct options *opt, const char *arg)
{
	return set_word(&transport_names, arg, &opt->filter.transport);
}

static int set_range(struct options *opt, const char *arg)
{
	return set_word(&range_names, arg, &opt->filter.range);
}

static int set_port(struct options *opt, const char *arg)
{
	uint16_t port, port_max;

	if (!parse_ports(arg, &port, &port_max, NULL)) {
		warn_ports(arg);
		return USAGE;
	}
	opt->filter.port = port;
	opt->filter.port_max = port_max;
	return 0;
}

static int set_sort(struct options *opt, const char *arg)
{
	static const char *const words[] = {
		[SORT_NONE] = "none", [SORT_BYTES] = "bytes",
		[SORT_PACKETS] = "packets", [SORT_RX] = "rx",
		[SORT_TX] = "tx", [SORT_RX_PACKETS] = "rx-packets",
		[SORT_TX_PACKETS] = "tx-packets",
		[SORT_LAST_SEEN] = "last-seen",
		[SORT_FIRST_SEEN] = "first-seen", [SORT_PORT] = "port",
		[SORT_SERVICE] = "service", [SORT_SCOPE] = "scope",
		[SORT_TRANSPORT] = "transport",
	};
	static const struct names names = {
		"sort field", words, ARRAY_SIZE(words)
	};
	int v, err = set_word(&names, arg, &v);

	if (!err)
		opt->sort = v;
	return err;
}

static int set_color(struct options *opt, const char *arg)
{
	static const char *const words[] = {
		[WHEN_AUTO] = "auto", [WHEN_NEVER] = "never",
		[WHEN_ALWAYS] = "always",
	};
	static const struct names names = {
		"time for colours", words, ARRAY_SIZE(words)
	};
	int v, err = set_word(&names, arg, &v);

	if (!err)
		opt->color = v;
	return err;
}

static int set_netns(struct options *opt, const char *arg)
{
	if (!*arg) {
		warn("--netns needs the name of a network namespace");
		return USAGE;
	}
	opt->netns = arg;
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

static const struct option_def options[OPT_COUNT] = {
	[OPT_JSON] = {
		'j', "json", NULL, "one JSON document; numbers are exact", NULL
	},
	[OPT_PRETTY] = {
		'p', "pretty", NULL, "JSON in indented lines (implies --json)",
		NULL
	},
	[OPT_NUMERIC] = {
		'n', "numeric", NULL, "no names of services", NULL
	},
	[OPT_DETAILS] = {
		's', "details", NULL, "more columns: both directions together, first seen", NULL
	},
	[OPT_ALL] = {
		'a', "all", NULL, "every port, ephemeral ones not folded", NULL
	},
	[OPT_NETNS] = {
		0, "netns", "NAME", "in this network namespace (see: ip netns)",
		set_netns
	},
	[OPT_SCOPE] = {
		0, "scope", "SCOPE",
		"only local, remote, forward or loopback ports", set_scope
	},
	[OPT_TRANSPORT] = {
		0, "transport", "TRANSPORT",
		"only tcp, udp, udplite, sctp or dccp", set_transport
	},
	[OPT_PORT] = {
		0, "port", "A[-B]", "only this port or span of ports", set_port
	},
	[OPT_RANGE] = {
		0, "range", "RANGE", "only well-known, registered or dynamic",
		set_range
	},
	[OPT_SORT] = {
		0, "sort", "FIELD",
		"bytes, packets, rx, tx, rx-packets, tx-packets, last-seen, first-seen, port, service, scope, transport or none",
		set_sort
	},
	[OPT_REVERSE] = { 'r', "reverse", NULL, "sort the other way", NULL },
	[OPT_EXACT] = {
		0, "exact", NULL, "all digits of every number", set_exact
	},
	[OPT_IEC] = { 0, "iec", NULL, "powers of 1024: 1.18Mi", set_iec },
	[OPT_SI] = {
		0, "si", NULL, "powers of 1000: 1.23M (the default)", set_si
	},
	[OPT_COLOR] = {
		0, "color", "WHEN", "auto, never or always", set_color
	},
	[OPT_HELP] = { 'h', "help", NULL, "this help", NULL },
	[OPT_VERSION] = { 'V', "version", NULL, "version of the tool", NULL },
};

/* getopt's values: the number of an option, beyond any letter. */
#define LONG_BASE 256

static void fill_tables(char *letters, struct option *longs)
{
	unsigned int i;

	for (i = 0; i < OPT_COUNT; i++) {
		longs[i] = (struct option){
			options[i].name,
			options[i].arg ? required_argument : no_argument,
			NULL, LONG_BASE + i
		};
		if (options[i].letter)
			*letters++ = options[i].letter;
	}
	*letters = '\0';
	longs[OPT_COUNT] = (struct option){ 0 };
}

static int take(struct options *opt, int c)
{
	unsigned int i = c - LONG_BASE;

	if (c < LONG_BASE)
		for (i = 0; options[i].letter != c; i++)
			;
	opt->given |= 1u << i;
	if (i == OPT_PRETTY)
		opt->given |= OPT(JSON);
	return options[i].set ? options[i].set(opt, optarg) : 0;
}

/**
 * options_parse() - take the options off the command line
 * @opt: what they ask for
 * @argc: arguments there are
 * @argv: the arguments; what is no option is moved to their end
 *
 * Return: index of the first argument that is no option, or USAGE.
 */
int options_parse(struct options *opt, int argc, char **argv)
{
	struct option longs[OPT_COUNT + 1];
	char letters[OPT_COUNT + 1];
	int c, err;

	fill_tables(letters, longs);
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == '?') {
			const char *arg = argv[optind - 1];

			if (optopt >= LONG_BASE)
				warn("option --%s %s",
				     options[optopt - LONG_BASE].name,
				     options[optopt - LONG_BASE].arg ?
				     "needs an argument" : "takes no argument");
			else if (optopt)
				warn("unknown option -%c", optopt);
			else
				warn("unknown or ambiguous option %s", arg);
			return USAGE;
		}
		err = take(opt, c);
		if (err)
			return err;
	}
	return optind;
}

/**
 * options_check() - refuse options that a subcommand does not take
 * @opt: what was given
 * @taken: bit per option that it takes
 * @command: its name
 *
 * Return: 0 or USAGE.
 */
int options_check(const struct options *opt, unsigned int taken,
		  const char *command)
{
	unsigned int wrong = opt->given & ~(taken | OPTS_ALWAYS);
	unsigned int i;

	for (i = 0; i < OPT_COUNT; i++) {
		if (wrong & 1u << i) {
			warn("%s does not take --%s", command,
			     options[i].name);
			return USAGE;
		}
	}
	return 0;
}

/**
 * options_help() - print a line for each option
 * @out: where to
 * @taken: bit per option to print
 */
void options_help(FILE *out, unsigned int taken)
{
	unsigned int i;
	char word[40];

	for (i = 0; i < OPT_COUNT; i++) {
		const struct option_def *o = &options[i];

		if (!(taken & 1u << i))
			continue;
		snprintf(word, sizeof(word), "--%s%s%s", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		if (o->letter)
			fprintf(out, "  -%c, %-23s ", o->letter, word);
		else
			fprintf(out, "      %-23s ", word);
		print_wrapped(out, o->help, 30, 80);
	}
}
