// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd/completion.h"
#include "lib/util.h"
#include "view/layouts.h"

#define NETNS_DIR "/run/netns"

/**
 * struct table - what a script is made of
 * @commands: the commands
 * @n: how many there are
 */
struct table {
	const struct command *const *commands;
	size_t n;
};

static uint64_t taken_by(const struct command *c)
{
	return c->options | OPTS_ALWAYS;
}

/* The option behind a number, if the command takes it. */
static const struct option_def *option(const struct command *c,
				       unsigned int i)
{
	return taken_by(c) & UINT64_C(1) << i ? options_def(i) : NULL;
}

static bool is_netns(const struct option_def *o)
{
	return o == options_def(OPT_NETNS);
}

static bool takes_help(const struct command *c)
{
	return !strcmp(c->name, "help");
}

/* Text with a backslash before each of some letters. */
static void print_escaped(const char *text, const char *letters)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr(letters, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void print_columns(const struct columns *all)
{
	size_t i;
	const char *p;

	for (i = 0; i < all->n; i++) {
		fputs(i ? " " : "", stdout);
		for (p = all->v[i]->name; *p; p++)
			putchar(tolower((unsigned char)*p));
	}
}

/* Only what the command's table can be sorted by. */
static void print_sorts(const struct columns *all)
{
	unsigned int key;

	fputs(name_of(&sort_names, SORT_NONE), stdout);
	for (key = SORT_NONE + 1; key < sort_names.n; key++)
		if (columns_sorted_by(all, key))
			printf(" %s", name_of(&sort_names, key));
}

/* Does the command have its own words for the option? */
static bool is_of_table(const struct command *c, const struct option_def *o)
{
	return c->layout && (o == options_def(OPT_SORT) ||
			     o == options_def(OPT_OUTPUT));
}

static bool has_words(const struct command *c, const struct option_def *o)
{
	return o->words || is_of_table(c, o);
}

/* The words that an option's argument can be. */
static void print_words(const struct command *c, const struct option_def *o)
{
	unsigned int i;

	if (is_of_table(c, o)) {
		if (o == options_def(OPT_SORT))
			print_sorts(c->layout->columns);
		else
			print_columns(c->layout->columns);
		return;
	}
	for (i = 0; i < o->words->n; i++)
		printf("%s%s", i ? " " : "", o->words->v[i]);
}

static void print_commands(const struct table *t, const char *between)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		printf("%s%s", i ? between : "", t->commands[i]->name);
}

/* Without a command it is stats. */
static void bash_of_table(const struct table *t, unsigned int option_number)
{
	const struct option_def *o;
	size_t i;

	printf(" case $command in\n");
	for (i = 0; i < t->n; i++) {
		const struct command *c = t->commands[i];

		o = option(c, option_number);
		if (!o || !is_of_table(c, o))
			continue;
		printf("\t\t%s%s) words='", c->name, i ? "" : "|''");
		print_words(c, o);
		printf("' ;;\n");
	}
	o = options_def(option_number);
	if (o->words) {
		printf("\t\t*) words='");
		print_words(t->commands[t->n - 1], o);
		printf("' ;;\n");
	}
	printf("\t\tesac\n\t\tbefore=${cur%%\"${cur##*[,+]}\"}\n"
	       "\t\t# compgen expands its words.\n"
	       "\t\t[[ $before =~ ^[-A-Za-z,+]*$ ]] || before= ;;\n");
}

static void bash_option(const struct table *t, unsigned int i)
{
	const struct option_def *o = options_def(i);

	if (!o->arg || option_may_lack(o))
		return;
	if (i == OPT_OUTPUT)
		printf("\t-%c|", o->letter);
	else
		printf("\t");
	printf("--%s)", o->name);
	if (i == OPT_SORT || i == OPT_OUTPUT) {
		bash_of_table(t, i);
	} else if (o->words) {
		printf(" words='");
		print_words(t->commands[0], o);
		printf("' ;;\n");
	} else if (is_netns(o)) {
		printf(" words=$(cd " NETNS_DIR " 2> /dev/null && printf '%%q ' *) ;;\n");
	} else {
		printf(" return ;;\n");
	}
}

static void bash_command(const struct table *t, const struct command *c)
{
	const struct option_def *o;
	unsigned int i;

	printf("\t%s) words='", c->name);
	for (i = 0; i < N_OPTIONS; i++) {
		o = option(c, i);
		if (o)
			printf("--%s ", o->name);
	}
	if (takes_help(c))
		print_commands(t, " ");
	printf("%s' ;;\n", c->words ? c->words : "");
}

static void print_bash(const struct table *t)
{
	unsigned int i;
	size_t k;

	printf("_portmon_ctl()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal command= words= before= i\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	print_commands(t, "|");
	printf(") command=${COMP_WORDS[i]}; break ;;\n"
	       "\t\tesac\n\tdone\n"
	       "\tcase $prev in\n");
	for (i = 0; i < N_OPTIONS; i++)
		bash_option(t, i);
	printf("\tesac\n"
	       "\t[ -n \"$words\" ] || case $command in\n"
	       "\t'') words='");
	print_commands(t, " ");
	printf(" --help --version' ;;\n");
	for (k = 0; k < t->n; k++)
		bash_command(t, t->commands[k]);
	printf("\tesac\n"
	       "\twords=\" $words\"\n"
	       "\tCOMPREPLY=($(compgen -W \"${words// / $before}\" -- \"$cur\"))\n"
	       "}\ncomplete -F _portmon_ctl portmon-ctl\n");
}

static void zsh_argument(const struct command *c, const struct option_def *o)
{
	if (!o->arg)
		return;
	if (option_may_lack(o)) {
		fputs("::NAME:", stdout);
		return;
	}
	putchar(':');
	print_escaped(o->arg, ":[]\\");
	putchar(':');
	if (has_words(c, o)) {
		putchar('(');
		print_words(c, o);
		putchar(')');
	} else if (is_netns(o)) {
		fputs("_files -W " NETNS_DIR, stdout);
	}
}

static void zsh_option(const struct command *c, const struct option_def *o,
		       const char *dashes, const char *name,
		       const char *equals)
{
	printf(" \\\n\t\t'%s%s%s[", dashes, name, o->arg ? equals : "");
	print_escaped(o->help, ":[]\\");
	putchar(']');
	zsh_argument(c, o);
	putchar('\'');
}

static void zsh_command(const struct command *c)
{
	const struct option_def *o;
	unsigned int i;
	char letter[2] = "";

	printf("\t%s) _arguments", c->name);
	for (i = 0; i < N_OPTIONS; i++) {
		o = option(c, i);
		if (!o)
			continue;
		zsh_option(c, o, "--", o->name, "=");
		letter[0] = o->letter;
		/* A letter that two of its options share belongs to the first. */
		if (o->letter && options_letter(o->letter, taken_by(c)) == i)
			zsh_option(c, o, "-", letter, "+");
	}
	printf(" \\\n\t\t'1:command:' '*:argument:%s", takes_help(c) ?
	       "_portmon_ctl_commands" : "");
	if (c->words)
		printf("(%s)", c->words);
	printf("' ;;\n");
}

static void print_zsh(const struct table *t)
{
	size_t i;

	printf("#compdef portmon-ctl\n"
	       "_portmon_ctl_commands()\n{\n"
	       "\tlocal -a commands\n\tcommands=(\n");
	for (i = 0; i < t->n; i++) {
		printf("\t\t'%s:", t->commands[i]->name);
		print_escaped(t->commands[i]->summary, ":\\");
		printf("'\n");
	}
	printf("\t)\n\t_describe command commands\n}\n"
	       "_portmon_ctl()\n{\n"
	       "\tcase ${words[(r)(");
	print_commands(t, "|");
	printf(")]} in\n");
	for (i = 0; i < t->n; i++)
		zsh_command(t->commands[i]);
	printf("\t*) _portmon_ctl_commands ;;\n"
	       "\tesac\n}\n_portmon_ctl \"$@\"\n");
}

static void fish_text(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void fish_option(const struct command *c, const struct option_def *o,
			bool letter)
{
	printf("complete -c portmon-ctl -n '__fish_seen_subcommand_from %s' -l %s",
	       c->name, o->name);
	if (letter)
		printf(" -s %c", o->letter);
	if (o->arg && !option_may_lack(o))
		printf(" -x");
	if (has_words(c, o)) {
		printf(" -a '");
		print_words(c, o);
		putchar('\'');
	} else if (is_netns(o)) {
		printf(" -a '(ls " NETNS_DIR " 2> /dev/null)'");
	}
	printf(" -d ");
	fish_text(o->help);
	putchar('\n');
}

static void fish_command(const struct table *t, const struct command *c)
{
	const struct option_def *o;
	unsigned int i;

	printf("complete -c portmon-ctl -n __fish_use_subcommand -a %s -d ",
	       c->name);
	fish_text(c->summary);
	putchar('\n');
	for (i = 0; i < N_OPTIONS; i++) {
		o = option(c, i);
		if (o)
			fish_option(c, o, o->letter &&
				    options_letter(o->letter,
						   taken_by(c)) == i);
	}
	if (!takes_help(c) && !c->words)
		return;
	printf("complete -c portmon-ctl -n '__fish_seen_subcommand_from %s' -a '",
	       c->name);
	if (c->words)
		fputs(c->words, stdout);
	else
		print_commands(t, " ");
	printf("'\n");
}

static void print_fish(const struct table *t)
{
	size_t i;

	printf("complete -c portmon-ctl -f\n");
	for (i = 0; i < t->n; i++)
		fish_command(t, t->commands[i]);
}

/**
 * completion_print() - print a script that completes the command line
 * @shell: for which shell
 * @commands: all commands
 * @n: how many there are
 *
 * Return: 0 or USAGE.
 */
int completion_print(const char *shell, const struct command *const *commands,
		     size_t n)
{
	static const struct {
		const char *name;
		void (*print)(const struct table *t);
	} shells[] = {
		{ "bash", print_bash }, { "zsh", print_zsh },
		{ "fish", print_fish },
	};
	const struct table t = { commands, n };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(shells[i].name, shell))
			continue;
		shells[i].print(&t);
		return 0;
	}
	warn("unknown shell '%s'; it is one of: bash, zsh, fish", shell);
	return USAGE;
}
