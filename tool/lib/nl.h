/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only part of the tool that talks to the module. Functions return 0 or a
 * negative errno as the kernel gave it; pm_error() makes a sentence of it.
 */
#ifndef PORTMON_CTL_NL_H
#define PORTMON_CTL_NL_H

#include <stdio.h>

#include "lib/error.h"
#include "lib/record.h"

struct nlattr;
struct nlreply;
struct pm;

/**
 * struct notification - an event that the module reports
 * @cmd: PORTMON_CMD_EVENT_NTF, RESET_NTF or NETNS_NTF
 * @record: of an event or a reset
 * @info: of a switch
 */
struct notification {
	int cmd;
	struct record record;
	struct info info;
};

typedef int (*record_fn)(const struct record *r, void *arg);
typedef int (*notification_fn)(const struct notification *notification, void *arg);

int pm_open(struct pm **pmp, struct error *e);
int pm_find(struct pm *pm);
int pm_open_kept(struct pm **pmp, FILE *kept);
void pm_close(struct pm *pm);
void pm_keep(struct pm *pm, struct nlreply *reply);

int pm_info(struct pm *pm, struct info *info);
int pm_switch(struct pm *pm, unsigned int what, bool on, struct info *info);
int pm_ports(struct pm *pm, const struct filter *f, struct records *list);
int pm_ranges(struct pm *pm, const struct filter *f, struct records *list);
int pm_overflow(struct pm *pm, const struct filter *f, struct records *list);
int pm_buckets(struct pm *pm, struct records *list);
int pm_each(struct pm *pm, uint8_t cmd, const struct filter *f, record_fn fn,
	    void *arg);
int pm_reset(struct pm *pm, const struct filter *f, struct records *list);

int pm_subscribe(struct pm *pm);
int pm_fd(const struct pm *pm);
int pm_listen(struct pm *pm, notification_fn fn, void *arg);
uint32_t pm_lost(const struct pm *pm);

int pm_error(const struct pm *pm, const char *what, int err, struct error *e);

int pm_parse_record(const struct nlattr *attrs, int len, struct record *r,
		    struct records *list);
int pm_parse_info(const struct nlattr *attrs, int len, struct info *info);

#endif
