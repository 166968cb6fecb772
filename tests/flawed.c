// SPDX-License-Identifier: GPL-2.0
/* What valgrind has to find, for the test that valgrind does: flawed error, flawed leak, flawed (nothing). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *flaw = argc > 1 ? argv[1] : "";
	char *volatile memory = malloc(16);

	if (!memory)
		return 1;
	if (!strcmp(flaw, "error") && memory[3])
		puts("never written to, yet not zero");
	if (!strcmp(flaw, "leak"))
		memory = NULL;
	free(memory);
	return 0;
}
