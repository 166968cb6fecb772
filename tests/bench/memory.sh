# SPDX-License-Identifier: GPL-2.0
#
# What the counters of a namespace take: the kernel's figures, and portmon's own.
NAMESPACES=4

sample() # NAME
{
	sync
	# Twice: what the first round frees may hold the last of something else.
	echo 3 > /proc/sys/vm/drop_caches
	sleep 0.5
	echo 3 > /proc/sys/vm/drop_caches
	echo "@memory $1" $(awk '{ sub(":", ""); if ($1 ~ /^(MemAvailable|Slab|Percpu|VmallocUsed)$/) print $1 "=" $2 * 1024 }
		' /proc/meminfo) "own=$(own)" "records=$(awk '$1 == "portmon_record" { print $3 * $4 }' /proc/slabinfo)"
}

own() { portmon-ctl info --json --netns ${1:-bench-rx} | jq -r '[.. | .memory? // empty] | first // 0'; }

fresh()
{
	ctl disable --netns bench-rx
	ctl enable --netns bench-rx
}

echo "@possible $(possible)"
for i in $(seq $NAMESPACES); do ip netns add idle$i; done
# What is injected is dropped, and its flags are any: that is only for the worst cases.
insmod /opt/portmon/portmon.ko lifecycle=0 drops=0 || die "portmon does not load"
ctl disable
sample none
for i in $(seq $NAMESPACES); do ctl enable --netns idle$i; done
sample idle
echo "@idle $NAMESPACES $(own idle1)"
for i in $(seq $NAMESPACES); do ctl disable --netns idle$i; done

ctl enable --netns bench-rx
ctl disable --netns bench-rx
sample base
ctl enable --netns bench-rx
fill local 6 10000 1 10000 1
fill local 17 10000 1 10000 1
sample contiguous
busy local 10000 1
sample contiguous-busy
fresh
# 6.5536 apart would be even; 6 and then 7 leave no leaf unused.
fill local 6 0 13 5000 1; fill local 6 6 13 5000 1
fill local 17 0 13 5000 1; fill local 17 6 13 5000 1
sample scattered
busy local 0 13
sample scattered-busy
echo 1 > /sys/module/portmon/parameters/lifecycle
echo 1 > /sys/module/portmon/parameters/drops
fresh
fill both 6 0 1 65536 1
fill both 17 0 1 65536 1
busy both 0 1
sample worst
# One packet in each 256 ports of everything else that has ports, then of everything without.
for scope in both forward loopback; do
	for protocol in 6 17 33 132 136; do fill $scope $protocol 0 256 256 1; fill $scope $protocol 128 256 256 1; done
done
for protocol in $(seq 1 255); do fill both $protocol 0 1 1 1; fill forward $protocol 0 1 1 1; fill loopback $protocol 0 1 1 1; done
sample everything
ctl disable --netns bench-rx
sample after
rmmod portmon
