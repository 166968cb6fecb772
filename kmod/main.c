// SPDX-License-Identifier: GPL-2.0
/* portmon: what every port is doing.  Load, unload, parameters. */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "compat.h"	/* first, for its #error */
#include "../include/portmon_version.h"
#include "counters.h"
#include "devices.h"
#include "lifecycle.h"
#include "net.h"
#include "netlink.h"
#include "tables.h"
#include "upcalls.h"

module_param_named(max_records, portmon_max_records, uint, 0644);
MODULE_PARM_DESC(max_records,
		 "Most records (ports per scope and transport) of a namespace; the packets of others count as overflow (default: 262144)");
module_param_named(all_netns, portmon_all_netns, bool, 0444);
MODULE_PARM_DESC(all_netns,
		 "Count in every network namespace, not only the initial one (default: off)");
module_param_named(lifecycle, portmon_follow_default[PORTMON_FOLLOW_LIFECYCLE],
		   bool, 0644);
MODULE_PARM_DESC(lifecycle,
		 "Follow TCP's handshakes, ends and retransmissions where counting is switched on (default: on)");
module_param_named(drops, portmon_follow_default[PORTMON_FOLLOW_DROPS],
		   bool, 0644);
MODULE_PARM_DESC(drops,
		 "Count drops where counting is switched on (default: on)");
module_param_named(restrict_read, portmon_restrict_read, bool, 0644);
MODULE_PARM_DESC(restrict_read,
		 "Reading needs CAP_NET_ADMIN over the network namespace (default: off)");
module_param_named(userns_enable, portmon_userns_enable, bool, 0644);
MODULE_PARM_DESC(userns_enable,
		 "Let root of a user namespace switch counting on in its network namespaces (default: off)");

const struct portmon_upcalls portmon_upcalls = {
	.listening = portmon_notify_listening,
	.report = portmon_notify_event,
	.follow = portmon_follow_use,
};

static int __init portmon_init(void)
{
	int err;

	err = portmon_tables_init();
	if (err)
		return err;
	err = portmon_devices_init();
	if (err)
		goto err_tables;
	err = portmon_lifecycle_init();
	if (err)
		goto err_devices;
	err = portmon_net_init();
	if (err)
		goto err_lifecycle;
	portmon_lifecycle_start();
	err = portmon_netlink_init();
	if (err)
		goto err_net;
	return 0;

err_net:
	portmon_net_exit();
err_lifecycle:
	portmon_lifecycle_exit();
err_devices:
	portmon_devices_exit();
err_tables:
	rcu_barrier();
	portmon_tables_exit();
	return err;
}

static void __exit portmon_exit(void)
{
	portmon_netlink_exit();
	portmon_net_exit();
	portmon_lifecycle_exit();
	portmon_devices_exit();
	rcu_barrier();
	portmon_tables_exit();
}

module_init(portmon_init);
module_exit(portmon_exit);

MODULE_DESCRIPTION("What every port is doing: packets and bytes per port and transport");
MODULE_AUTHOR("The portmon authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(PORTMON_VERSION);
