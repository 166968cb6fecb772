# SPDX-License-Identifier: GPL-2.0
#
# The others, each alone, on the load of packets.sh. Names are what appears in the tables.
# Fourteen services, one of them that of the load.
PORTS_14="21 22 23 25 53 80 110 137 138 139 143 443 3389 10000"

nft_both() # RULES: those of bench-tx at output, those of bench-rx at input
{
	local ns hook
	for hook in output input; do
		[ $hook = output ] && ns=bench-tx || ns=bench-rx
		nsenter --net=/run/netns/$ns nft -f - <<< "table ip bench {
			set ports { type inet_service; size 65535; flags dynamic; counter; }
			chain c { type filter hook $hook priority filter; $1
			}
		}" || die nft
	done
}

nft_end() { in_both nft flush ruleset; }

nft_rules() # PROTOCOL
{
	local p
	for p in $PORTS_14; do printf '\n%s dport %d counter' $1 $p; done
}

nft_counter() { nft_both counter; peer nft-counter; nft_end; }

# Its garbage collector runs once a second, a round takes a tenth: the minimum does not see it.
nft_set()
{
	nft_both 'add @ports { udp dport counter }'
	peer nft-set
	measure nft-set udp4-100
	[ "$(nft_seen bench-rx)" -ge $N ] || die "the nft set has counted nothing"
	nft_end
}

nft_seen() { nsenter --net=/run/netns/$1 nft -j list set ip bench ports | jq '[.. | .counter? // empty | .packets?] | max'; }

nft_14()
{
	nft_both "$(nft_rules udp)"
	peer nft-14-rules
	nft_end
	nft_both "$(nft_rules tcp)$(nft_rules udp)"
	peer nft-28-rules
	nft_end
}

# The xtables kind (iptables-legacy). iptables-nft makes nft rules with a match each.
iptables_14()
{
	local variant p
	for variant in legacy nft; do
		for p in $PORTS_14; do
			nsenter --net=/run/netns/bench-tx iptables-$variant -A OUTPUT -p udp --dport $p || die iptables
			nsenter --net=/run/netns/bench-rx iptables-$variant -A INPUT -p udp --dport $p || die iptables
		done
		peer iptables-$variant-14-rules
		nsenter --net=/run/netns/bench-rx iptables-$variant -nvxL INPUT | grep -q ' [1-9][0-9]* .*dpt:10000' ||
			die "iptables-$variant has counted nothing"
		in_both iptables-$variant -F
		if [ $variant = nft ]; then nft_end; else rmmod iptable_filter; fi
	done
}

conntrack()
{
	modprobe nf_conntrack enable_hooks=1 hashsize=262144 || die nf_conntrack
	sysctl -qw net.netfilter.nf_conntrack_max=262144
	in_both sysctl -qw net.netfilter.nf_conntrack_acct=1
	peer conntrack
	nsenter --net=/run/netns/bench-rx grep -q 'dport=10000 packets=[1-9]' /proc/net/nf_conntrack ||
		die "conntrack has counted nothing"
	rmmod nf_conntrack || die "nf_conntrack stays"
}

ebpf()
{
	local kind
	mkdir -p /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
	for kind in array hash; do
		# Not "tc -n": it mounts a /sys of its own, where the pinned map is not.
		nsenter --net=/run/netns/bench-tx tc qdisc add dev tx0 clsact
		nsenter --net=/run/netns/bench-rx tc qdisc add dev rx0 clsact
		nsenter --net=/run/netns/bench-tx tc filter add dev tx0 egress bpf da obj $BENCH/$kind.bpf.o sec tc ||
			die "tc bpf"
		nsenter --net=/run/netns/bench-rx tc filter add dev rx0 ingress bpf da obj $BENCH/$kind.bpf.o sec tc ||
			die "tc bpf"
		peer ebpf-$kind
		nsenter --net=/run/netns/bench-tx tc qdisc del dev tx0 clsact
		nsenter --net=/run/netns/bench-rx tc qdisc del dev rx0 clsact
		rm -f /sys/fs/bpf/{,tc/globals/}ports
	done
	umount /sys/fs/bpf
}

packet_reader()
{
	ask ring on
	peer af-packet
	ask ring off
	[ "${answer#* }" -ge $((2 * N * ROUNDS * 2)) ] || die "the AF_PACKET reader has lost packets: $answer"
}

nft_counter
nft_set
nft_14
iptables_14
conntrack
ebpf
packet_reader
