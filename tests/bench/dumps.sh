# SPDX-License-Identifier: GPL-2.0
#
# What an answer costs: kernel and tool together, from fork to exit.
# What is injected is dropped, which is not what this is about.
insmod /opt/portmon/portmon.ko lifecycle=0 drops=0 || die "portmon does not load"
ctl enable --netns bench-rx
count portmon-0 portmon-ctl stats --json --all
fill local 6 443 1 1 1
count portmon-1 portmon-ctl stats --json --all
count portmon-show portmon-ctl show --json 443
[ $PEERS = 0 ] || {
	fill local 17 10000 1 994 1
	count portmon-1000 portmon-ctl stats --json --all
}
fill local 17 10000 1 9994 1
count portmon-10000 portmon-ctl stats --json --all
# The columns of a terminal of usual width: what is piped has more of them.
count portmon-table-10000 portmon-ctl stats --all -o SCOPE,PORT,SERVICE,RANGE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,LAST-SEEN
if [ $PEERS = 1 ]; then
	fill local 17 0 1 65536 1
	count portmon-65536 portmon-ctl stats --json --all
	for scope in both forward loopback; do fill $scope 17 0 1 65536 1; done
	count portmon-262144 portmon-ctl stats --json --all
	count portmon-show-262144 portmon-ctl show --json 443
fi
rmmod portmon

nft_list()
{
	nsenter --net=/run/netns/bench-rx nft -f - <<-E || die nft
		table ip bench {
			set ports { type inet_service; size 65535; flags dynamic; counter; }
			chain c { type filter hook input priority filter; add @ports { udp dport counter }; }
		}
	E
	fill local 17 10000 1 10000 1
	count nft-list-10000 nft -j list set ip bench ports
	nsenter --net=/run/netns/bench-rx nft flush ruleset
}

iptables_save()
{
	{
		echo '*filter'
		seq -f '-A INPUT -p udp --dport %.0f' 10000 19999
		echo COMMIT
	} | nsenter --net=/run/netns/bench-rx iptables-legacy-restore || die iptables-restore
	count iptables-save-10000 iptables-legacy-save -c
	nsenter --net=/run/netns/bench-rx iptables-legacy -F
}

# Five thousand connections of the host with itself.
sockets()
{
	start_load
	ask sockets 10000
	count ss-10000 ss -Hant
	stop_load
}

# Debian 12's has no JSON yet.
conntrack_list()
{
	modprobe nf_conntrack enable_hooks=1 hashsize=65536 || die nf_conntrack
	in_both sysctl -qw net.netfilter.nf_conntrack_checksum=0
	fill local 17 10000 1 10000 1
	[ "$(ip netns exec bench-rx conntrack -C)" -ge 10000 ] || die "conntrack has not seen all"
	count conntrack-list-10000 conntrack -L -o xml
	rmmod nf_conntrack_netlink nf_conntrack
}

if [ $PEERS = 1 ]; then
	nft_list
	iptables_save
	sockets
	conntrack_list
fi
