// SPDX-License-Identifier: GPL-2.0
/* What somebody else chose reaches no terminal as it is. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "lib/json.h"
#include "lib/text.h"
#include "ctl/warn.h"
#include "test/ktap.h"

static void safe(const char *text, const char *wanted)
{
	char buf[64], printed[64] = "";
	FILE *f = fmemopen(printed, sizeof(printed), "w");

	check_text(text_safe(buf, sizeof(buf), text), wanted);
	check(text_is_safe(text) == !strcmp(text, wanted));
	text_print(f, text, strlen(text));
	fclose(f);
	check_text(printed, wanted);
}

static void test_safe(void)
{
	safe("", "");
	safe("nginx", "nginx");
	safe("a b~", "a b~");
	safe("\303\274\342\202\254\360\237\220\247", "\303\274\342\202\254\360\237\220\247");
	/* C0, DEL, C1 */
	safe("a\033[31m\r\n\tb", "a?[31m???b");
	safe("\177", "?");
	safe("x\302\233" "31my\302\200\302\237\302\240", "x?31my??\302\240");
	/* what changes direction, and line ends of another kind */
	safe("\342\200\256gnp.exe", "?gnp.exe");
	safe("\330\234\342\200\216\342\200\217\342\200\250\342\201\246\342\201\251", "??????");
	/* not UTF-8: alone, overlong, surrogate, cut short, too large */
	safe("\233", "?");
	safe("\300\200", "??");
	safe("\355\240\200", "???");
	safe("\342\202", "??");
	safe("\364\220\200\200", "????");
}

static void test_cut(void)
{
	char buf[4];

	check_text(text_safe(buf, sizeof(buf), "abcdef"), "abc");
	check_text(text_safe(buf, sizeof(buf), "ab\303\274"), "ab");
	check_text(text_safe(buf, sizeof(buf), "a\303\274x"), "a\303\274");
}

static void test_json(void)
{
	static char text[256];
	FILE *f = fmemopen(text, sizeof(text), "w");
	struct json j;

	check(!json_begin(&j, f, false));
	json_string(&j, NULL, "\303\274\033\302\233\177\342\200\256\233\"");
	check(!json_end(&j));
	fclose(f);
	check_text(text, "\"\303\274\\u001b\\u009b\\u007f\\u202e\357\277\275\\\"\"\n");
}

static void test_warn(void)
{
	begin_capture();
	warn("no '%s'", "a\302\233m\nb");
	check_text(end_capture(), "portmon-ctl: no 'a?m?b'\n");
}

static void test_width(void)
{
	static char text[512];
	FILE *f = fmemopen(text, sizeof(text), "w");

	check(text_width("abc", 3) == 3);
	check(text_width("\303\274\303\266", 4) == 2);
	check(text_width("\233\233", 2) == 2);
	/* Columns are counted, not bytes. */
	print_wrapped(f, "\303\274\303\274\303\274\303\274 \303\274\303\274\303\274\303\274 b", 0, 9);
	fclose(f);
	check_text(text, "\303\274\303\274\303\274\303\274 \303\274\303\274\303\274\303\274\nb\n");
	setlocale(LC_CTYPE, "C.UTF-8");
	check(text_width("\344\270\255", 3) == 2);
	setlocale(LC_CTYPE, "C");
}

const struct unit_test text_tests[] = {
	{ "safe", test_safe },
	{ "cut", test_cut },
	{ "json", test_json },
	{ "warn", test_warn },
	{ "width", test_width },
	{ 0 }
};
