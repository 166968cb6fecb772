// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "test/ktap.h"

static char *buf;
static size_t len;
static FILE *out;
static struct json j;

static void begin_document(bool pretty)
{
	out = open_memstream(&buf, &len);
	check(!json_begin(&j, out, pretty));
}

static void end_document(const char *must)
{
	check(!json_end(&j));
	fclose(out);
	check_text(buf, must);
	free(buf);
}

static void test_nesting(void)
{
	begin_document(false);
	json_object(&j, NULL);
	json_array(&j, "empty");
	json_array_end(&j);
	json_array(&j, "list");
	json_object(&j, NULL);
	json_object_end(&j);
	json_uint(&j, NULL, 1);
	json_null(&j, NULL);
	json_array_end(&j);
	json_bool(&j, "yes", true);
	json_bool(&j, "no", false);
	json_null(&j, "nothing");
	json_object_end(&j);
	end_document("{\"empty\":[],\"list\":[{},1,null],\"yes\":true,\"no\":false,\"nothing\":null}\n");
}

static void test_pretty(void)
{
	begin_document(true);
	json_object(&j, NULL);
	json_uint(&j, "a", 1);
	json_array(&j, "b");
	json_uint(&j, NULL, 2);
	json_array_end(&j);
	json_array(&j, "c");
	json_array_end(&j);
	json_object_end(&j);
	end_document("{\n    \"a\": 1,\n    \"b\": [\n        2\n    ],\n    \"c\": []\n}\n");
}

static void test_numbers(void)
{
	begin_document(false);
	json_array(&j, NULL);
	json_uint(&j, NULL, 0);
	json_uint(&j, NULL, INT64_MAX);
	json_uint(&j, NULL, 1ULL << 63);
	json_uint(&j, NULL, UINT64_MAX);
	json_array_end(&j);
	end_document("[0,9223372036854775807,9223372036854775808,18446744073709551615]\n");
}

static void is_string(const char *s, const char *must)
{
	begin_document(false);
	json_string(&j, NULL, s);
	end_document(must);
}

static void test_strings(void)
{
	is_string("plain", "\"plain\"\n");
	is_string(NULL, "null\n");
	is_string("", "\"\"\n");
	is_string("a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n");
	is_string("\b\f\n\r\t\x01\x1f\x7f",
		  "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"\n");
	is_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7",
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\"\n");
}

/* What is not UTF-8 may not make the document invalid. */
static void test_not_utf8(void)
{
	is_string("a\xff" "b", "\"a\xef\xbf\xbd" "b\"\n");
	is_string("\xc3", "\"\xef\xbf\xbd\"\n");
	is_string("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n");
	is_string("\xed\xa0\x80",
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
	is_string("\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n");
	is_string("\xf4\x90\x80\x80",
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
}

static void test_times(void)
{
	begin_document(false);
	json_array(&j, NULL);
	json_time(&j, NULL, 0);
	json_time(&j, NULL, 1767225600);
	json_array_end(&j);
	end_document("[null,\"2026-01-01T00:00:00Z\"]\n");
}

/* Longer than the buffer, so that it is written in parts. */
static void test_long(void)
{
	size_t i;
	char *p;

	out = open_memstream(&buf, &len);
	json_begin(&j, out, false);
	json_array(&j, NULL);
	for (i = 0; i < 50000; i++)
		json_uint(&j, NULL, 1234567);
	json_array_end(&j);
	check(!json_end(&j));
	fclose(out);
	check(len == 50000 * 8 + 2);
	for (p = buf + 1; p < buf + len - 2; p += 8)
		if (strncmp(p, "1234567", 7))
			break;
	check(p == buf + len - 1);
	free(buf);
}

static void test_full_disk(void)
{
	int i;

	out = fopen("/dev/full", "w");
	if (!out)
		return;
	json_begin(&j, out, false);
	json_array(&j, NULL);
	for (i = 0; i < 50000; i++)
		json_uint(&j, NULL, i);
	json_array_end(&j);
	check(json_end(&j) == -ENOSPC);
	fclose(out);
}

const struct unit_test json_tests[] = {
	{ "nesting", test_nesting },
	{ "pretty", test_pretty },
	{ "numbers", test_numbers },
	{ "strings", test_strings },
	{ "not_utf8", test_not_utf8 },
	{ "times", test_times },
	{ "long", test_long },
	{ "full_disk", test_full_disk },
	{ 0 }
};
