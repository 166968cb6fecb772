# SPDX-License-Identifier: GPL-2.0
#
# The same SYNs when nearly all of the remote ports have no record left.
RECORDS=max_records=1024
. $BENCH/syn.sh
