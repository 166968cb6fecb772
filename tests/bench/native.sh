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

# There is no reboot command in here.
end() { echo "$*"; exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321fedc)'; }
must() { "$@" || end "@fatal $*"; }

measure()
{
	must insmod native.ko what=$1
	must rmmod native
}

for turn in 1 2 3 4 5 6 7 8; do
	measure none
	must insmod floor.ko
	measure empty
	rmmod floor
	must insmod portmon.ko
	measure portmon
	rmmod portmon
	must nft 'add table ip b; add chain ip b c { type filter hook input priority filter; }'
	measure nft-chain
	must nft 'add rule ip b c counter'
	measure nft-counter
	must nft 'flush ruleset'
done
dmesg | sed -n 's/.*native: /@native /p'
dmesg | grep -E 'WARNING|BUG|Oops' && end "@fatal the kernel complains"
end @done
