// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util.h"
#include "test/ktap.h"

static const struct {
	const char *name;
	const struct unit_test *tests;
} suites[] = {
	{ "format", format_tests },
	{ "text", text_tests },
	{ "grid", grid_tests },
	{ "json", json_tests },
	{ "histogram", histogram_tests },
	{ "parse", parse_tests },
	{ "nl", nl_tests },
	{ "services", services_tests },
	{ "settings", settings_tests },
	{ "rates", rates_tests },
	{ "top", top_tests },
	{ "top_columns", top_columns_tests },
	{ "view", view_tests },
	{ "options", options_tests },
	{ "owners", owners_tests },
	{ "events", events_tests },
	{ "summary", summary_tests },
	{ "columns", columns_tests },
	{ "check", check_tests },
	{ "limits", limits_tests },
	{ "deltas", deltas_tests },
	{ "snapfile", snapfile_tests },
	{ "module", module_tests },
	{ "golden", golden_tests },
};

static unsigned int failures;
static int saved_stderr = -1;
static FILE *captured;
static int saved_stdout = -1;
static FILE *output;
static char text[4096];

/**
 * check_at() - a thing that must be
 * @good: it is
 * @what: what it is
 * @file: where it stands
 * @line: where it stands
 */
void check_at(bool good, const char *what, const char *file, int line)
{
	if (good)
		return;
	failures++;
	printf("# %s:%d: not so: %s\n", file, line, what);
}

/**
 * check_text_at() - a text that must be another
 * @is: what it is
 * @must: what it must be
 * @file: where it stands
 * @line: where it stands
 */
void check_text_at(const char *is, const char *must, const char *file,
		   int line)
{
	if (is && must ? !strcmp(is, must) : is == must)
		return;
	failures++;
	printf("# %s:%d: \"%s\" must be \"%s\"\n", file, line,
	       is ? is : "(null)", must ? must : "(null)");
}

/**
 * begin_capture() - keep what goes to standard error
 */
void begin_capture(void)
{
	fflush(stderr);
	captured = tmpfile();
	saved_stderr = dup(STDERR_FILENO);
	if (captured && saved_stderr >= 0)
		dup2(fileno(captured), STDERR_FILENO);
}

/**
 * end_capture() - let standard error be as it was
 *
 * Return: what went there, until the next call.
 */
const char *end_capture(void)
{
	size_t len = 0;

	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	if (captured) {
		rewind(captured);
		len = fread(text, 1, sizeof(text) - 1, captured);
		fclose(captured);
	}
	text[len] = '\0';
	return text;
}

/**
 * begin_output() - keep what goes to standard output
 */
void begin_output(void)
{
	fflush(stdout);
	output = tmpfile();
	saved_stdout = dup(STDOUT_FILENO);
	if (output && saved_stdout >= 0)
		dup2(fileno(output), STDOUT_FILENO);
}

/**
 * end_output() - let standard output be as it was
 *
 * Return: what went there, to be freed.
 */
char *end_output(void)
{
	char *all = NULL;
	size_t size = 0;

	fflush(stdout);
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	rewind(output);
	check(getdelim(&all, &size, '\0', output) >= 0);
	fclose(output);
	return all;
}

int main(void)
{
	unsigned int n = 0, failed = 0;
	const struct unit_test *t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (t = suites[i].tests; t->name; t++)
			n++;
	printf("KTAP version 1\n1..%u\n", n);
	n = 0;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (t = suites[i].tests; t->name; t++) {
			failures = 0;
			t->run();
			failed += failures > 0;
			printf("%sok %u %s.%s\n", failures ? "not " : "", ++n,
			       suites[i].name, t->name);
			fflush(stdout);
		}
	}
	printf("# Totals: pass:%u fail:%u skip:0\n", n - failed, failed);
	return failed > 0;
}
