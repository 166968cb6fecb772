# SPDX-License-Identifier: GPL-2.0
#
# What a packet costs: one LOCAL_OUT in bench-tx plus one LOCAL_IN in bench-rx. The same process with the same
# sockets sends the load under each tool in turn.
N=10000

loads() { local load; for load in $LOADS; do [ $load = fwd ] || measure $1 $load; done; }
peer_udp() { local load; for load in udp4-10000 udp4-1 gso; do ! wanted $load || measure $1 $load; done; }
peer_tcp() { ! wanted bulk || measure $1 bulk; }
peer() { peer_udp $1; peer_tcp $1; }

# exactly TOOL COMMAND...: COMMAND prints packets and bytes that the receiver has counted to the port of GSO buffers.
PORT_GSO=8999
exactly()
{
	local tool=$1 before after
	shift
	before=$("$@")
	ask gso 1 $N 1
	after=$("$@")
	[ -n "$before" ] && [ "$before" != "$after" ] || die "$tool has counted nothing: $before, $after"
	echo "@exact $tool $N $((${after% *} - ${before% *})) $((${after#* } - ${before#* }))"
}

# Forwarding is what a host does that does nothing else.
forwarding() { ! wanted fwd || measure $1 fwd; }

portmon()
{
	insmod /opt/portmon/portmon.ko || die "portmon does not load"
	ctl enable --netns bench-fwd
	forwarding portmon
	ctl disable --netns bench-fwd
	[ $PARTIAL = 1 ] || portmon_off
	ctl enable --netns bench-tx
	ctl enable --netns bench-rx
	loads portmon
	[ $PARTIAL = 1 ] || portmon_more
	rmmod portmon
}

portmon_off()
{
	measure portmon-elsewhere udp4-1
	ctl disable
	for load in udp4-1 udp6 tcp; do measure portmon-off $load; done
}

portmon_more()
{
	measure portmon batch
	measure portmon dump
	# An established connection must not pay for what follows handshakes and drops.
	for ns in bench-tx bench-rx; do ctl disable lifecycle drops --netns $ns; done
	for load in tcp veth-tcp; do measure portmon-unfollowed $load; done
	for ns in bench-tx bench-rx; do ctl enable lifecycle drops --netns $ns; done
	for load in tcp veth-tcp; do measure portmon-followed $load; done
	if [ $PEERS = 1 ]; then
		exactly portmon portmon_seen
		for i in $(seq 16); do ip netns add idle$i; ctl enable --netns idle$i; done
		measure portmon-18-namespaces udp4-1
		for i in $(seq 16); do ip netns del idle$i; done
	fi
}

portmon_seen()
{
	portmon-ctl show --json --netns bench-rx $PORT_GSO |
		jq -r '.ports[] | select(.scope == "local" and .transport == "udp") | "\(.rx.packets) \(.rx.bytes)"'
}

floor()
{
	insmod $BENCH/floor.ko || die "floor does not load"
	peer empty
	measure empty tcp
	rmmod floor
	insmod $BENCH/floor.ko bare=1 || die "floor does not load"
	peer bare
	rmmod floor
}

start_load
# Until sockets, caches and the like have grown to what they stay at.
! wanted udp4-10000 || measure warm udp4-10000 6
for load in $LOADS; do measure warm $load 1; done
loads none
forwarding none
portmon
if [ $PEERS = 1 ]; then
	floor
	. $BENCH/peers.sh
	# Nothing may be left behind that makes the later ones look dear.
	peer none-again
fi
stop_load
