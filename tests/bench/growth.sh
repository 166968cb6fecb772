# SPDX-License-Identifier: GPL-2.0
#
# What possible CPUs add to an answer: a sum over all of them for each port that is busy.
insmod /opt/portmon/portmon.ko || die "portmon does not load"
ctl enable --netns bench-rx
fill local 17 10000 1 9996 1
busy local 10000 1
count portmon-busy-$(possible)-cpus portmon-ctl stats --json --all
rmmod portmon
