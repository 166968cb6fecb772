# SPDX-License-Identifier: GPL-2.0
#
# In the guest, sourced by init: the parts that the host asked for. Results go to the second serial port, one
# per line and each beginning with "@"; a word that is missing at the end, or "@fatal", is a failure.
exec > /dev/ttyS1 2>&1 < /dev/null
BENCH=/opt/portmon/bench

die() { echo "@fatal $*"; dmesg | tail -n 20 | sed 's/^/ /'; exit 1; }

# Two namespaces and a veth pair. Nothing may have to be resolved or discovered in a timed part.
setup_net()
{
	local ns
	for ns in bench-tx bench-rx; do
		ip netns add $ns
		ip -n $ns link set lo up
		ip netns exec $ns sysctl -qw net.ipv6.conf.default.{accept_dad,router_solicitations,accept_ra}=0 \
			net.ipv6.conf.default.addr_gen_mode=1
	done
	ip -n bench-tx link add tx0 address 02:00:00:00:00:01 type veth \
		peer name rx0 address 02:00:00:00:00:02 netns bench-rx
	set_end tx 1 rx 2
	set_end rx 2 tx 1
	# For what is forwarded.
	ip -n bench-tx route add 10.98.0.0/24 via 10.99.0.2
	ip -n bench-rx link add behind type dummy
	ip -n bench-rx addr add 10.98.0.1/24 dev behind
	ip -n bench-rx link set behind up arp off
	ip netns exec bench-rx sysctl -qw net.ipv4.ip_forward=1
}

set_end() # END NUMBER PEER NUMBER
{
	ip -n bench-$1 addr add 10.99.0.$2/24 dev ${1}0
	ip -n bench-$1 addr add fd99::$2/64 dev ${1}0 nodad
	ip -n bench-$1 link set ${1}0 up
	ip -n bench-$1 neigh add 10.99.0.$4 lladdr 02:00:00:00:00:0$4 dev ${1}0 nud permanent
	ip -n bench-$1 neigh add fd99::$4 lladdr 02:00:00:00:00:0$4 dev ${1}0 nud permanent
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

setup_net
for part in $PARTS; do . $BENCH/$part.sh; done
echo @done
