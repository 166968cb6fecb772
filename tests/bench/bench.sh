# SPDX-License-Identifier: GPL-2.0
#
# In the guest, sourced by init: the parts that the host asked for. Results go to the second serial port, one
# per line and each beginning with "@"; a word that is missing at the end, or "@fatal", is a failure.
exec > /dev/ttyS1 2>&1 < /dev/null
echo @booted
BENCH=/opt/portmon/bench

die() { echo "@fatal $*"; dmesg | tail -n 20 | sed 's/^/ /'; exit 1; }

# Namespaces and what connects them. Nothing may have to be resolved or discovered in a timed part.
setup_net()
{
	local ns
	for ns in bench-tx bench-rx bench-fwd; do namespace $ns; done
	pair 99 bench-tx tx0 bench-rx rx0
	# For what is forwarded by the receiver.
	ip -n bench-tx route add 10.98.0.0/24 via 10.99.0.2
	ip -n bench-rx link add behind type dummy
	ip -n bench-rx addr add 10.98.0.1/24 dev behind
	ip -n bench-rx link set behind up arp off
	ip netns exec bench-rx sysctl -qw net.ipv4.ip_forward=1
	# Where answers to spoofed addresses go, and a device that takes all and does nothing.
	ip -n bench-rx route add 10.90.0.0/16 via 10.98.0.9
	ip -n bench-tx link add nowhere up arp off type dummy
	# A bond at either end, whose only port needs no watching.
	modprobe bonding max_bonds=0
	for ns in tx rx; do ip -n bench-$ns link add bond0 type bond mode active-backup miimon 0; done
	veth bench-tx tx-bond bench-rx rx-bond
	for ns in tx rx; do ip -n bench-$ns link set $ns-bond down master bond0; done
	ends 97 bench-tx bond0 bench-rx bond0
	# Forwarded by a third.
	pair 96 bench-tx tx-fwd bench-fwd fwd0
	pair 95 bench-fwd fwd1 bench-rx rx-fwd
	ip netns exec bench-fwd sysctl -qw net.ipv4.ip_forward=1
	ip -n bench-tx route add 10.95.0.0/24 via 10.96.0.2
	ip -n bench-rx route add 10.96.0.0/24 via 10.95.0.1
}

namespace() # NAME
{
	ip netns add $1
	ip -n $1 link set lo up
	ip netns exec $1 sysctl -qw net.ipv6.conf.default.{accept_dad,router_solicitations,accept_ra}=0 \
		net.ipv6.conf.default.addr_gen_mode=1 net.ipv4.conf.{all,default}.rp_filter=0
}

# pair NET NETNS DEV NETNS DEV: a veth pair, with .1 and .2 of 10.NET.0.0/24 and fdNET::/64
pair() { veth "${@:2}"; ends "$@"; }
veth() { ip -n $1 link add $2 address 02:00:00:00:00:01 type veth peer name $4 address 02:00:00:00:00:02 netns $3; }
ends() { set_end $1 $2 $3 1 2; set_end $1 $4 $5 2 1; }

set_end() # NET NETNS DEV NUMBER PEER
{
	ip -n $2 link set $3 address 02:00:00:00:00:0$4 up
	ip -n $2 addr add 10.$1.0.$4/24 dev $3
	ip -n $2 addr add fd$1::$4/64 dev $3 nodad
	ip -n $2 neigh add 10.$1.0.$5 lladdr 02:00:00:00:00:0$5 dev $3 nud permanent
	ip -n $2 neigh add fd$1::$5 lladdr 02:00:00:00:00:0$5 dev $3 nud permanent
}

in_both() { local ns; for ns in bench-tx bench-rx; do ip netns exec $ns "$@" || die "$ns: $*"; done; }

possible() { local p; p=$(tr -dc "0-9-" < /sys/devices/system/cpu/possible); echo $((${p#*-} + 1)); }
ctl() { portmon-ctl "$@" > /dev/null || die "portmon-ctl $*"; }
fill() { $BENCH/inject "$@" || die "inject $*"; }

# count NAME COMMAND...: from fork to exit.
count()
{
	local name=$1 result
	shift
	# Warnings are part of the work, but not for here.
	result=$($BENCH/count bench-rx 2 "$@" 2> /run/count) || die "$name: $(cat /run/count)"
	echo "@dump $name $result"
}

# Enough packets to so many ports that there is no slot left to give; the worker needs a moment now and then.
busy() # SCOPE FIRST STEP
{
	local i
	for i in 0 1 2 3; do
		fill $1 17 $(($2 + 1100 * i * $3)) $3 1100 33
		sleep 0.1
	done
}

. $BENCH/loads.sh
$BENCH/seed || die "no seed"
setup_net
# What boot has left for later is not to be counted. Where instructions are the clock, idling takes no time.
[ $COUNTED = 0 ] || sleep 30
for part in $PARTS; do . $BENCH/$part.sh; done
echo @done
