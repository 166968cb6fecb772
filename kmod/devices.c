// SPDX-License-Identifier: GPL-2.0
/*
 * The network devices there are, of all namespaces: whether a pointer is to
 * one of them is answered without following it, and in the same time whatever
 * the number of namespaces.
 */
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "devices.h"

struct portmon_device {
	struct rhash_head node;
	const struct net_device *dev;
	struct rcu_head rcu;
};

static const struct rhashtable_params portmon_devices_params = {
	.key_len = sizeof_field(struct portmon_device, dev),
	.key_offset = offsetof(struct portmon_device, dev),
	.head_offset = offsetof(struct portmon_device, node),
	.automatic_shrinking = true,
};

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
	return rhashtable_lookup(&portmon_devices, &dev,
				 portmon_devices_params) ? dev : NULL;
}

static void portmon_device_add(const struct net_device *dev)
{
	struct portmon_device *device = kmalloc(sizeof(*device),
						GFP_KERNEL | __GFP_NOWARN);

	if (!device)
		return;
	device->dev = dev;
	if (rhashtable_lookup_insert_fast(&portmon_devices, &device->node,
					  portmon_devices_params))
		kfree(device);
}

static void portmon_device_remove(const struct net_device *dev)
{
	struct portmon_device *device;

	rcu_read_lock();
	device = rhashtable_lookup(&portmon_devices, &dev,
				   portmon_devices_params);
	if (device && !rhashtable_remove_fast(&portmon_devices, &device->node,
					      portmon_devices_params))
		kfree_rcu(device, rcu);
	rcu_read_unlock();
}

/* Also what moves to another namespace is unregistered and registered. */
static int portmon_device_event(struct notifier_block *nb, unsigned long event,
				void *info)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_REGISTER)
		portmon_device_add(dev);
	else if (event == NETDEV_UNREGISTER)
		portmon_device_remove(dev);
	return NOTIFY_DONE;
}

static struct notifier_block portmon_devices_notifier = {
	.notifier_call = portmon_device_event,
};

/**
 * portmon_devices_init() - note the devices there are, and those to come
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative error.
 */
int __init portmon_devices_init(void)
{
	int err = rhashtable_init(&portmon_devices, &portmon_devices_params);

	if (err)
		return err;
	/* Tells of each device that is there. */
	err = register_netdevice_notifier(&portmon_devices_notifier);
	if (err)
		rhashtable_destroy(&portmon_devices);
	return err;
}

/**
 * portmon_devices_exit() - undo portmon_devices_init(); nobody asks any more
 */
void portmon_devices_exit(void)
{
	/* Says of each device that it goes. */
	unregister_netdevice_notifier(&portmon_devices_notifier);
	rhashtable_destroy(&portmon_devices);
}
