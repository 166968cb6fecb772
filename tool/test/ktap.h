/* SPDX-License-Identifier: GPL-2.0 */
/* Just enough KTAP for unit tests. */
#ifndef PORTMON_CTL_KTAP_H
#define PORTMON_CTL_KTAP_H

#include <stdbool.h>

/**
 * struct unit_test - a test
 * @name: its name
 * @run: does it, with check() for each thing that must be
 */
struct unit_test {
	const char *name;
	void (*run)(void);
};

void check_at(bool good, const char *what, const char *file, int line);
void check_text_at(const char *is, const char *must, const char *file,
		   int line);

#define check(cond) check_at(cond, #cond, __FILE__, __LINE__)
#define check_text(is, must) check_text_at(is, must, __FILE__, __LINE__)

/* A file read back from where stdio wrote it; end_capture() returns it. */
void begin_capture(void);
const char *end_capture(void);
/* The same of standard output; end_output() returns the text, to be freed. */
void begin_output(void);
char *end_output(void);

extern const struct unit_test events_tests[];
extern const struct unit_test format_tests[];
extern const struct unit_test golden_tests[];
extern const struct unit_test grid_tests[];
extern const struct unit_test histogram_tests[];
extern const struct unit_test json_tests[];
extern const struct unit_test nl_tests[];
extern const struct unit_test parse_tests[];
extern const struct unit_test rates_tests[];
extern const struct unit_test text_tests[];
extern const struct unit_test top_tests[];
extern const struct unit_test top_columns_tests[];
extern const struct unit_test summary_tests[];
extern const struct unit_test services_tests[];
extern const struct unit_test settings_tests[];
extern const struct unit_test view_tests[];
extern const struct unit_test options_tests[];
extern const struct unit_test columns_tests[];
extern const struct unit_test deltas_tests[];
extern const struct unit_test check_tests[];
extern const struct unit_test limits_tests[];
extern const struct unit_test snapfile_tests[];
extern const struct unit_test owners_tests[];
extern const struct unit_test module_tests[];

#endif
