/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_NETLINK_H
#define _PORTMON_NETLINK_H

#include <linux/types.h>

int portmon_netlink_init(void);
void portmon_netlink_exit(void);

extern bool portmon_restrict_read;
extern bool portmon_userns_enable;

#endif
