# SPDX-License-Identifier: GPL-2.0
#
# The process that sends, which answers commands, and its loads.
ROUNDS=3
# The many ports come first, while all of them are new to the tool.
LOADS=${LOADS:-udp4-10000 udp4-1 udp4-100 udp6 bond fwd behind gso tcp veth-tcp veth-tcp6 bulk bulk6}

start_load()
{
	local word
	coproc LOAD { exec $BENCH/load; }
	read -r word <&"${LOAD[0]}" && [ "$word" = ready ] || die "the load generator does not start"
}

stop_load() { exec {LOAD[1]}>&-; wait $LOAD_PID; }

# ask COMMAND...: one command to the load generator; sets $answer.
ask()
{
	echo "$*" >&"${LOAD[1]}"
	read -r answer <&"${LOAD[0]}" || die "the load generator stopped at: $*"
}

wanted() { [[ " $LOADS " = *" $1 "* ]]; }

# measure TOOL LOAD [ROUNDS [NAME]]: ticks per packet of each round; the first is not a steady one.
measure()
{
	local command ports
	case $2 in
	udp4-*) command=udp4 ports=${2#udp4-} ;;
	*) command=$2 ports=1 ;;
	esac
	ask $command $ports $N ${3:-$ROUNDS}
	echo "@packet $1 ${4:-$2} ${answer#* }"
}

# counted NETNS PORT FIELD: the largest number of this name in what portmon says, so that nobody measures nothing.
counted()
{
	local most
	most=$(portmon-ctl show --json --netns $1 $2 | jq "[.. | .$3? // empty] | max // 0")
	[ "$most" -ge $N ] || die "only $most $3 in $1"
}
