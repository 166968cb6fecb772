# SPDX-License-Identifier: GPL-2.0
#
# What a scrape of 100 ports costs: portmon-exporter, and node_exporter as it is by default.
# Both are dynamic and have their libraries with them.
SERVERS=$BENCH/servers

scrape() # NAME PORT PROGRAM [ARGUMENT...]
{
	local name=$1 port=$2 result
	shift 2
	result=$($BENCH/scrape bench-rx $port 20 $SERVERS/ld.so --library-path $SERVERS $SERVERS/"$@" 2> /run/scrape) ||
		die "$name: $(tail -n 3 /run/scrape)"
	echo "@scrape $name $result"
}

insmod /opt/portmon/portmon.ko || die "portmon does not load"
ctl enable --netns bench-rx
fill local 6 1 1 100 5
scrape portmon 9807 portmon-exporter
scrape node 9100 prometheus-node-exporter --web.listen-address=127.0.0.1:9100
rmmod portmon
