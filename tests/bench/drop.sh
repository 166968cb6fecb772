# SPDX-License-Identifier: GPL-2.0
#
# What a dropped packet costs, by what drops it and by how many other namespaces there are. The one it is dropped in is
# the youngest, as that of a container that has just started.
N=2000

drop_namespace()
{
	if ip netns del bench-drop 2> /dev/null; then
		while ip -n bench-tx link show drop0 > /dev/null 2>&1; do sleep 1; done
	fi
	namespace bench-drop
	veth bench-tx drop0 bench-drop drop1
	set_end 99 bench-drop drop1 2 1
	ip -n bench-tx link set drop0 up
	nsenter --net=/run/netns/bench-drop nft -f - <<-E || die nft
		table ip bench {
			chain c { type filter hook prerouting priority raw; udp dport 9 drop; }
		}
	E
	sleep 1
}

# To a port where nobody listens, and to one that the firewall closes before there is a route.
drops() # TOOL NAMESPACES
{
	local load
	for load in closed filtered; do measure $1 $load "$ROUNDS" $load-$2-$KERNEL; done
}

start_load
before=0
for count in 1 100 1000; do
	ask namespaces $((count - before))
	before=$count
	drop_namespace
	drops warm $count
	drops none $count
	insmod /opt/portmon/portmon.ko all_netns=1 || die "portmon does not load"
	drops portmon-all $count
	counted bench-drop 7 NO_SOCKET
	counted bench-drop 9 NETFILTER_DROP
	ctl disable --netns bench-drop
	drops portmon-elsewhere $count
	rmmod portmon
	insmod /opt/portmon/portmon.ko || die "portmon does not load"
	ctl disable
	ctl enable --netns bench-drop
	drops portmon-here $count
	ctl disable drops --netns bench-drop
	drops portmon-undropped $count
	rmmod portmon
done
stop_load
