/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_DEVICES_H
#define _PORTMON_DEVICES_H

struct net_device;

const struct net_device *portmon_device(const struct net_device *dev);

int portmon_devices_init(void);
void portmon_devices_exit(void);

#endif
