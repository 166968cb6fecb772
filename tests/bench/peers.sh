# SPDX-License-Identifier: GPL-2.0
#
# The others, each alone, on the loads of packets.sh, and each in both directions in both namespaces. Names are what
# appears in the tables. After each, how much of a GSO buffer it has counted: portmon says ten packets.
# Fourteen services, two of them those of the loads: the last that of all but GSO buffers.
PORTS_14="$PORT_GSO 22 23 25 53 80 110 137 138 139 143 443 3389 10000"

nft_all() # RULES [MORE]: at input and at output of both, with MORE in the table
{
	local ns
	for ns in bench-tx bench-rx; do
		nsenter --net=/run/netns/$ns nft -f - <<< "table ip bench {
			set ports { type inet_service; size 65535; flags dynamic; counter; }
			${2:-}
			chain in { type filter hook input priority filter; $1
			}
			chain out { type filter hook output priority filter; $1
			}
		}" || die nft
	done
}

nft_end() { in_both nft flush ruleset; }

# nft_peer NAME RULES SEEN [MORE]: RULES has PROTO for the protocol, which is that of the load; SEEN are the arguments
# of nft_seen.
nft_peer()
{
	nft_all "${2//PROTO/udp}" "${4:-}"
	peer_udp $1
	exactly $1 nft_seen $3
	nft_end
	nft_all "${2//PROTO/tcp}" "${4:-}"
	peer_tcp $1
	nft_end
}

nft_seen() # KIND NAME BEFORE...: what is listed, and what is there before the counter
{
	nsenter --net=/run/netns/bench-rx nft list $1 ip bench $2 |
		sed -nE "s/.*${*:3}\s*packets ([0-9]+) bytes ([0-9]+).*/\1 \2/p;T;q"
}

nft_rules() # PROTOCOL
{
	local p
	for p in $PORTS_14; do printf '\n%s dport %d counter' $1 $p; done
}

# Counters by name, and a map from ports to them.
nft_map()
{
	local all
	all=$(echo $PORT_GSO; seq 10000 19999)
	nft_peer nft-map 'counter name PROTO dport map @named' "counter c$PORT_GSO" "$(
		printf 'counter c%d { }\n' $all
		echo 'map named { type inet_service : counter; elements = {'
		for p in $all; do echo "$p : \"c$p\","; done
		echo '} }')"
}

# The xtables kind (iptables-legacy). iptables-nft makes nft rules with a match each.
iptables_14()
{
	local variant=$1 protocol
	for protocol in udp tcp; do
		iptables_rules $variant $protocol
		if [ $protocol = udp ]; then
			peer_udp iptables-$variant-14-rules
			exactly iptables-$variant-14-rules iptables_seen $variant
		else
			peer_tcp iptables-$variant-14-rules
		fi
		in_both iptables-$variant -F
		if [ $variant = nft ]; then nft_end; fi
	done
	[ $variant = nft ] || rmmod iptable_filter
}

iptables_rules() # VARIANT PROTOCOL
{
	local ns chain p
	for ns in bench-tx bench-rx; do
		for chain in INPUT OUTPUT; do
			for p in $PORTS_14; do
				nsenter --net=/run/netns/$ns iptables-$1 -A $chain -p $2 --dport $p || die iptables
			done
		done
	done
}

iptables_seen() { nsenter --net=/run/netns/bench-rx iptables-$1 -nvxL INPUT | awk "/dpt:$PORT_GSO/ { print \$1, \$2 }"; }

conntrack()
{
	modprobe nf_conntrack enable_hooks=1 hashsize=262144 || die nf_conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=262144
	in_both sysctl -qw net.netfilter.nf_conntrack_acct=1
	peer conntrack
	exactly conntrack conntrack_seen
	rmmod nf_conntrack || die "nf_conntrack stays"
}

# Of the two directions of a line the first is the one that was sent.
conntrack_seen()
{
	nsenter --net=/run/netns/bench-rx grep -oE "dport=$PORT_GSO packets=[0-9]+ bytes=[0-9]+" /proc/net/nf_conntrack |
		sed -E 's/.*packets=(.*) bytes=/\1 /;q'
}

tc_ebpf()
{
	local kind end way
	mkdir -p /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
	for kind in array hash; do
		for end in tx rx; do
			# Not "tc -n": it mounts a /sys of its own, where the pinned map is not.
			nsenter --net=/run/netns/bench-$end tc qdisc add dev ${end}0 clsact
			for way in egress ingress; do
				nsenter --net=/run/netns/bench-$end tc filter add dev ${end}0 $way bpf da \
					obj $BENCH/$kind.bpf.o sec tc || die "tc bpf"
			done
		done
		peer ebpf-$kind
		for end in tx rx; do nsenter --net=/run/netns/bench-$end tc qdisc del dev ${end}0 clsact; done
		rm -f /sys/fs/bpf/{,tc/globals/}ports
	done
	umount /sys/fs/bpf
}

# ebpf NAME KIND OBJECT KEY: what bpf attaches; the same packet is in one map twice, when it is sent and when it arrives.
ebpf()
{
	local word
	# bash has only one coprocess, it says.
	{ coproc BPF { exec $BENCH/bpf $2 $BENCH/$3 2>&3; }; } 3>&2 2> /dev/null
	read -r word <&"${BPF[0]}" && [ "$word" = ready ] || die "$1 does not load"
	peer $1
	exactly $1 ebpf_seen $4
	exec {BPF[1]}>&-
	wait $BPF_PID
}

ebpf_seen()
{
	local packets bytes
	echo $1 >&"${BPF[1]}"
	read -r packets bytes <&"${BPF[0]}"
	echo $((packets / 2)) $((bytes / 2))
}

packet_reader()
{
	ask ring on
	peer af-packet
	exactly af-packet ring_read
	ask ring off
}

ring_read() { ask ring read; echo ${answer#* }; }

nft_peer nft-counter counter 'chain in counter'
# Its garbage collector runs once a second, a round takes a tenth: the minimum does not see it.
nft_peer nft-set 'add @ports { PROTO dport counter }' "set ports $PORT_GSO counter"
nft_map
nft_peer nft-14-rules "$(nft_rules PROTO)" "chain in $PORT_GSO counter"
nft_peer nft-28-rules "$(nft_rules tcp)$(nft_rules udp)" "chain in udp dport $PORT_GSO counter"
iptables_14 legacy
iptables_14 nft
conntrack
tc_ebpf
ebpf tcx tcx array.bpf.o $PORT_GSO
ebpf bpf-netfilter netfilter links.bpf.o $PORT_GSO
mkdir -p /run/cgroup
mount -t cgroup2 cgroup2 /run/cgroup || die cgroup2
ebpf cgroup-skb cgroup links.bpf.o 0
packet_reader
