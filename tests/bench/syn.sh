# SPDX-License-Identifier: GPL-2.0
#
# What a SYN costs the host it comes to, which answers it: one LOCAL_IN and one LOCAL_OUT, counting is on only there.
# A request expires before the next round, which does not wait for it.
N=4000
# RECORDS: the module's parameter, where there are to be too few; each in a boot of its own.
RECORDS=${RECORDS:-}
ip netns exec bench-rx sysctl -qw net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=262144 \
	net.ipv4.tcp_synack_retries=0

cookies() { ip netns exec bench-rx sysctl -qw net.ipv4.tcp_syncookies=$1; }

# From new ports first, while they are; then all of them are known.
syns() # TOOL
{
	cookies 0
	measure $1 syn-new
	measure $1 syn
	[ $1 != portmon ] || ask syn-new 1 65536 1
	measure $1 syn-random
	measure $1 syn-full
	cookies 2
	measure $1 syn-random "$ROUNDS" syn-cookies
}

start_load
syns warm
measure none syn-sent
syns none
insmod /opt/portmon/portmon.ko $RECORDS || die "portmon does not load"
ctl disable
ctl enable --netns bench-rx
syns portmon${RECORDS:+-overflow}
counted bench-rx 8000 syn_received
counted bench-rx 8000 synack_sent
rmmod portmon
stop_load
