# SPDX-License-Identifier: GPL-2.0
#
# What a packet costs: one LOCAL_OUT in bench-tx plus one LOCAL_IN in bench-rx. The same process with the same
# sockets sends the load under each tool in turn.
N=10000
ROUNDS=$((PEERS ? 4 : 3))

start_load()
{
	local word
	coproc LOAD { exec $BENCH/load; }
	read -r word <&"${LOAD[0]}" && [ "$word" = ready ] || die "the load generator does not start"
}

# ask COMMAND...: one command to the load generator; sets $answer.
ask()
{
	echo "$*" >&"${LOAD[1]}"
	read -r answer <&"${LOAD[0]}" || die "the load generator stopped at: $*"
}

# measure TOOL LOAD [ROUNDS]: ticks per packet of each round; the first is not a steady one.
measure()
{
	local command ports
	case $2 in
	udp4-*) command=udp4 ports=${2#udp4-} ;;
	*) command=$2 ports=1 ;;
	esac
	ask $command $ports $N ${3:-$ROUNDS}
	echo "@packet $1 $2 ${answer#* }"
}

# The many ports come first, while all of them are new to the tool.
loads() { local load; for load in udp4-10000 udp4-1 udp4-100 udp6 tcp veth-tcp gso; do measure $1 $load; done; }
peer() { measure $1 udp4-10000; measure $1 udp4-1; }

portmon()
{
	insmod /opt/portmon/portmon.ko || die "portmon does not load"
	measure portmon-elsewhere udp4-1
	ctl disable
	measure portmon-off udp4-1
	measure portmon-off udp6
	measure portmon-off tcp
	ctl enable --netns bench-tx
	ctl enable --netns bench-rx
	loads portmon
	measure portmon batch
	measure portmon dump
	# An established connection must not pay for what follows handshakes and drops.
	for ns in bench-tx bench-rx; do ctl disable lifecycle drops --netns $ns; done
	for load in tcp veth-tcp; do measure portmon-unfollowed $load; done
	for ns in bench-tx bench-rx; do ctl enable lifecycle drops --netns $ns; done
	for load in tcp veth-tcp; do measure portmon-followed $load; done
	if [ $PEERS = 1 ]; then
		for i in $(seq 16); do ip netns add idle$i; ctl enable --netns idle$i; done
		measure portmon-18-namespaces udp4-1
		for i in $(seq 16); do ip netns del idle$i; done
	fi
	rmmod portmon
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

modprobe -a dummy ip6_tables 2> /dev/null
start_load
# Until sockets, caches and the like have grown to what they stay at.
measure warm udp4-10000 6
for load in udp4-1 udp4-100 udp6 tcp veth-tcp gso; do measure warm $load 1; done
loads none
portmon
if [ $PEERS = 1 ]; then
	floor
	. $BENCH/peers.sh
	# Nothing may be left behind that makes the later ones look dear.
	peer none-again
fi
exec {LOAD[1]}>&-
wait $LOAD_PID
