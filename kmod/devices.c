// SPDX-License-Identifier: GPL-2.0
/*
 * The network devices of all namespaces: tells in constant time, and without
 * following it, whether a pointer is to one of them.
 */
#include <linux/netdevice.h>

#include "devices.h"
#include "pointers.h"

static struct rhashtable portmon_devices;

/**
 * portmon_device() - a registered device
 * @dev: a pointer that may be to anything
 *
 * Context: Any, under rcu_read_lock(), which keeps the device.
 * Return: @dev, or NULL if it is not a device, or there was no memory to note
 * it.
 */
const struct net_device *portmon_device(const struct net_device *dev)
{
	return portmon_pointer_in(&portmon_devices, dev) ? dev : NULL;
}

/* A device that moves to another namespace is unregistered and registered. */
static int portmon_device_event(struct notifier_block *nb, unsigned long event,
				void *info)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_REGISTER)
		portmon_pointer_add(&portmon_devices, dev, INT_MAX, GFP_KERNEL);
	else if (event == NETDEV_UNREGISTER)
		portmon_pointer_remove(&portmon_devices, dev);
	return NOTIFY_DONE;
}

static struct notifier_block portmon_devices_notifier = {
	.notifier_call = portmon_device_event,
};

/**
 * portmon_devices_init() - note present and future devices
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative error.
 */
int __init portmon_devices_init(void)
{
	int err = portmon_pointers_init(&portmon_devices);

	if (err)
		return err;
	/* Reports each device that exists. */
	err = register_netdevice_notifier(&portmon_devices_notifier);
	if (err)
		portmon_pointers_free(&portmon_devices);
	return err;
}

/**
 * portmon_devices_exit() - undo portmon_devices_init(); there is no caller left
 */
void portmon_devices_exit(void)
{
	unregister_netdevice_notifier(&portmon_devices_notifier);
	portmon_pointers_free(&portmon_devices);
}
