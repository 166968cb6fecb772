#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# PID 1 in User Mode Linux: the hook at LOCAL_IN in real time, with each thing in turn; the turns are repeated.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /run/netns
cd /opt/portmon/bench
ip link add dummy0 type dummy
ip link set dummy0 up

measure()
{
	insmod native.ko what=$1 && rmmod native
}

nft_chain() { nft add table ip b && nft add chain ip b c '{ type filter hook input priority filter; }'; }

for turn in 1 2 3 4 5 6 7 8; do
	measure none
	insmod floor.ko
	measure empty
	rmmod floor
	insmod portmon.ko
	measure portmon
	rmmod portmon
	nft_chain
	measure nft-chain
	nft add rule ip b c counter
	measure nft-counter
	nft flush ruleset
done
dmesg | sed -n 's/.*native: /@native /p'
dmesg | grep -E 'WARNING|BUG|Oops' && echo "@fatal the kernel complains"
echo @done
sync
reboot -f -p
