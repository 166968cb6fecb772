// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/settings.h"
#include "lib/util.h"
#include "test/ktap.h"

static int read_settings(const char *text, struct settings *s)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	int err = settings_read(s, file, "conf");

	fclose(file);
	return err;
}

static void test_values(void)
{
	struct settings s;

	check(!read_settings("# a comment\n\n"
			     "  max_records=65536  \n"
			     "lifecycle = Off\n"
			     "\tdrops = yes\r\n"
			     "restrict_read = 1\n"
			     "netns = blue\n"
			     "netns = red wine", &s));
	check_text(s.value[SETTING_MAX_RECORDS], "65536");
	check_text(s.value[SETTING_LIFECYCLE], "N");
	check_text(s.value[SETTING_DROPS], "Y");
	check_text(s.value[SETTING_RESTRICT_READ], "Y");
	check_text(s.value[SETTING_ALL_NETNS], "");
	check_text(s.value[SETTING_USERNS_ENABLE], "");
	check(s.n_netns == 2);
	check_text(s.netns[0], "blue");
	check_text(s.netns[1], "red wine");
	settings_free(&s);
}

/* Each bad line, with what is said of it. */
static void test_bad(void)
{
	static const char *const bad[][2] = {
		{ "\nmax_record = 1", "conf:2: unknown setting 'max_record'; see portmon.conf(5)" },
		{ "max_records 1", "conf:1: expected NAME = VALUE" },
		{ "max_records = 0", "conf:1: '0' is not a number from 1 to 4294967295" },
		{ "max_records = 4294967296", "conf:1: '4294967296' is not a number from 1 to 4294967295" },
		{ "max_records = many", "conf:1: 'many' is not a number from 1 to 4294967295" },
		{ "drops = maybe", "conf:1: 'maybe' is not yes or no" },
		{ "drops =", "conf:1: '' is not yes or no" },
		{ "drops = yes\ndrops = no", "conf:2: 'drops' was set in line 1 already" },
		{ "netns = ", "conf:1: '' is not the name of a network namespace; see: ip netns list" },
		{ "netns = ../x", "conf:1: '../x' is not the name of a network namespace; see: ip netns list" },
	};
	char sentence[200];
	struct settings s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		begin_capture();
		check(read_settings(bad[i][0], &s) == -EINVAL);
		snprintf(sentence, sizeof(sentence), "portmon-ctl: %s\n",
			 bad[i][1]);
		check_text(end_capture(), sentence);
		settings_free(&s);
	}
}

static void test_nul(void)
{
	static const char text[] = "drops = no\0thing\nlifecycle = no\n";
	FILE *file = fmemopen((void *)text, sizeof(text) - 1, "r");
	struct settings s;

	begin_capture();
	check(settings_read(&s, file, "conf") == -EINVAL);
	check_text(end_capture(), "portmon-ctl: conf:1: a NUL byte in the line\n");
	check_text(s.value[SETTING_DROPS], "");
	fclose(file);
	settings_free(&s);
}

static void test_folder(void)
{
	FILE *file = fopen("/", "re");
	struct settings s;

	begin_capture();
	check(settings_read(&s, file, "conf") == -EISDIR);
	check_text(end_capture(), "portmon-ctl: cannot read conf: Is a directory\n");
	fclose(file);
	settings_free(&s);
}

const struct unit_test settings_tests[] = {
	{ "settings: values", test_values },
	{ "settings: bad lines", test_bad },
	{ "settings: NUL bytes", test_nul },
	{ "settings: a folder", test_folder },
	{ NULL, NULL },
};
