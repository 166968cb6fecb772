// SPDX-License-Identifier: GPL-2.0
/* The metrics that every exporter has of itself. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "exporter/process.h"

static const struct family family_cpu = {
	"process_cpu_seconds", "seconds",
	"CPU time of the exporter, user and system.", METRIC_COUNTER,
};

static const struct family family_resident = {
	"process_resident_memory_bytes", "bytes",
	"Resident memory of the exporter.", METRIC_GAUGE,
};

static const struct family family_virtual = {
	"process_virtual_memory_bytes", "bytes",
	"Virtual memory of the exporter.", METRIC_GAUGE,
};

static const struct family family_open_fds = {
	"process_open_fds", NULL, "Open file descriptors of the exporter.",
	METRIC_GAUGE,
};

static const struct family family_max_fds = {
	"process_max_fds", NULL, "Limit on open file descriptors.",
	METRIC_GAUGE,
};

static const struct family family_start = {
	"process_start_time_seconds", "seconds",
	"When the exporter was started, since the epoch.", METRIC_GAUGE,
};

/**
 * struct stat_line - what /proc/self/stat says
 * @start: when the process was started, in ticks after boot
 * @size: virtual memory in bytes
 * @pages: resident memory in pages
 */
struct stat_line {
	unsigned long long start;
	unsigned long long size;
	long pages;
};

static bool read_stat(struct stat_line *s)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char line[1024], *p = NULL;

	if (f && fgets(line, sizeof(line), f))
		p = strrchr(line, ')');
	if (f)
		fclose(f);
	return p && sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %llu %ld",
			   &s->start, &s->size, &s->pages) == 3;
}

/* Both clocks are read once, so that the answer is always the same. */
static uint64_t started(const struct stat_line *s)
{
	static uint64_t us;
	struct timespec boot, real;

	if (us)
		return us;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	us = (real.tv_sec - boot.tv_sec) * 1000000ULL +
	     real.tv_nsec / 1000 - boot.tv_nsec / 1000 +
	     s->start * 1000000 / sysconf(_SC_CLK_TCK);
	return us;
}

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;
	struct dirent *e;

	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n - 1;	/* the folder itself */
}

static void write_time(struct text *t, const struct family *family,
		       uint64_t us)
{
	text_family(t, family);
	text_sample(t);
	text_value_us(t, us);
}

/**
 * process_write() - write the metrics of this process
 * @t: the text
 */
void process_write(struct text *t)
{
	struct stat_line s;
	struct rlimit limit;
	struct rusage usage;

	/* The module's, not this process's: that is process_start_time_seconds. */
	t->created = 0;
	getrusage(RUSAGE_SELF, &usage);
	write_time(t, &family_cpu,
		   (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ULL +
		   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	if (read_stat(&s)) {
		text_single(t, &family_resident, s.pages * sysconf(_SC_PAGESIZE));
		text_single(t, &family_virtual, s.size);
		write_time(t, &family_start, started(&s));
	}
	text_single(t, &family_open_fds, open_fds());
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		text_single(t, &family_max_fds, limit.rlim_cur);
}
