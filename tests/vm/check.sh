# SPDX-License-Identifier: GPL-2.0
#
# In the guest, sourced by init: every test, then the endgame, and only then the word "passed".
#
# What a test prints is indented by one space on the result channel, so that it cannot be taken for one of
# the lines that begin with "@", which are the harness's own.
exec > /dev/ttyS1 2>&1 < /dev/null

run_test() # NAME COMMAND...
{
	local name=$1 log=/run/log status left
	shift
	echo "@begin $name"
	: > $log
	# Root's snapshots, which a test has for itself.
	rm -rf /var/lib/portmon
	setsid -w timeout -k 5 "$TEST_TIMEOUT" "$@" > $log 2>&1 &
	# Not a pipe: a background process that outlives the test would hold it open.
	tail -n +1 -f -s 0.1 --pid=$! $log | sed -u 's/^/ /;$a\'
	wait $!
	status=$?
	left=$(ip netns list)
	[ -z "$left" ] || echo "@left network namespaces:" $left
	for ns in $left; do ip netns del "$ns" 2> /dev/null; done
	# One that was stopped half-way leaves its parameters: the next begins with the defaults.
	[ $status = 0 ] || { rmmod portmon; insmod "$PORTMON_KO"; } 2> /dev/null
	echo "@end $status $name"
}

endgame()
{
	local n=0 checks kcsan=/sys/kernel/debug/kcsan kmemleak=/sys/kernel/debug/kmemleak
	is() # DESCRIPTION COMMAND...: passes when the command prints nothing and succeeds
	{
		local what=$1 out status
		shift
		out=$("$@" 2>&1)
		status=$?
		n=$((n + 1))
		[ -z "$out" ] || sed 's/^/# /' <<< "$out"
		if [ $status = 0 ] && [ -z "$out" ]; then echo "ok $n $what"; else echo "not ok $n $what"; return 1; fi
	}
	traces() { grep -H portmon /proc/modules /proc/slabinfo /proc/vmallocinfo; ls -d /sys/module/portmon /sys/kernel/slab/*portmon*; } 2> /dev/null
	no_trace() { ! traces; }
	# But for data races, which are looked at apart.
	log() { if [ -e $kcsan ]; then dmesg "$@" | "$PORTMON_TESTS/lib/races.py" rest; else dmesg "$@"; fi; }
	complaints() { log | grep -E 'WARNING:|BUG|Oops|Call Trace|INFO: |general protection|refcount_t|UBSAN|suspicious|possible (recursive|circular)|unable to handle|memory leaks|leaked'; log -l emerg,alert,crit,err | grep -i portmon; }
	no_complaint() { ! complaints; }
	# 4096 out-of-tree and 8192 unsigned are what every such module sets.
	taint() { local t=$(($(cat /proc/sys/kernel/tainted) & ~(4096 | 8192))); [ $t = 0 ] || echo "tainted: $t"; }
	unloaded() { [ ! -d /sys/module/portmon ] || rmmod portmon; }

	# Of the kernels built for tests only; Debian's have neither.
	watching() { grep -q 'debug_locks: *1' /proc/lockdep_stats || echo "lockdep has turned itself off"; }
	# What is younger than five seconds is not looked at, and what a CPU still had in a register then is not lost.
	leaks()
	{
		local n
		sleep 6
		for n in 1 2; do echo scan > $kmemleak || return; done
		cat $kmemleak
	}
	no_race()
	{
		dmesg | "$PORTMON_TESTS/lib/races.py" portmon
		grep -q '^enabled: 1' $kcsan && grep -q '^setup_watchpoints: [1-9]' $kcsan || echo "KCSAN has not looked"
	}
	# Of an emulated machine it would take half the time.
	! grep -qw kmemleak=off /proc/cmdline || kmemleak=/none
	checks=7
	[ ! -e $kcsan ] || checks=$((checks + 1))
	[ ! -e /proc/lockdep_stats ] || checks=$((checks + 1))
	[ ! -e $kmemleak ] || checks=$((checks + 1))

	echo 1..$checks
	is "portmon unloads" unloaded &&
	is "portmon leaves no trace" no_trace &&
	is "portmon loads again" insmod "$PORTMON_KO" &&
	is "portmon unloads again" rmmod portmon &&
	is "portmon leaves no trace again" no_trace &&
	{ [ ! -e $kmemleak ] || is "no memory is lost" leaks; } &&
	{ [ ! -e $kcsan ] || is "no data race has to do with portmon" no_race; } &&
	{ [ ! -e /proc/lockdep_stats ] || is "lockdep was watching all the time" watching; } &&
	is "the kernel is not tainted" taint &&
	is "the kernel log has no complaint" no_complaint
}

# QEMU before 8.1 can miss what one CPU writes while another's translator reads that code, and go on with the breakpoint
# that the kernel patches code with when it is long gone ("Oops: int3", with nftables alone too). So what is patched when a
# hook, a classifier, the time stamps of packets or a tracepoint get their first user, or a tracepoint its second, has them
# all the time, from before the module is loaded. User Mode Linux has no such trouble: check-debug holds nothing.
if [ -n "$HELD" ]; then
	nft -f - <<< 'table inet hold {
		chain before { type filter hook prerouting priority 0; }
		chain in { type filter hook input priority 0; }
		chain forward { type filter hook forward priority 0; }
		chain out { type filter hook output priority 0; }
		chain after { type filter hook postrouting priority 0; }
	}'
	tc qdisc add dev lo clsact 2> /dev/null	# smp-* have none
	python3 -c 'import signal, socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, 29, 1)    # SO_TIMESTAMP
signal.pause()' &
	# So is what draws a secret for the first connection, and would be in use for its answer at the same time.
	python3 -c 'import contextlib, socket, time
for address in ("127.0.0.1", 9), ("::1", 9):
    with contextlib.suppress(OSError):
        socket.create_connection(address)
    time.sleep(0.2)'
	for user in one two; do
		mkdir /sys/kernel/tracing/instances/$user
		echo 4 > /sys/kernel/tracing/instances/$user/buffer_size_kb
		for event in $HELD; do
			echo 1 > /sys/kernel/tracing/instances/$user/events/$event/enable
		done
	done
fi

echo @booted
if ! insmod "$PORTMON_KO"; then
	echo "@fatal insmod $PORTMON_KO failed"
	dmesg | tail -n 20 | sed 's/^/ /'
	exit
fi

# A tool that counts its lines does so where it was built, whoever it is run by.
if [ -n "${COVERAGE:-}" ]; then
	umask 0
	mkdir -p "$COVERAGE/tool"
fi

# To the host; the kernel adds up what each loading of the module has counted.
save_coverage()
{
	local to=/run/host/$COVERAGE_GUEST

	if [ -n "${COVERAGE_PORT:-}" ]; then
		# The sizes of debugfs are all zero, and tar believes them.
		mkdir /run/counted && cp -r "$COVERAGE/tool" /sys/kernel/debug/gcov /run/counted &&
			stty -F "$COVERAGE_PORT" raw -echo && tar -C /run/counted -c . | cat > "$COVERAGE_PORT"
		return
	fi
	mkdir /run/host && mount -t hostfs -o "$COVERAGE" coverage /run/host && mkdir "$to" &&
		cp -r "$COVERAGE/tool" /sys/kernel/debug/gcov "$to"
}

cd "$PORTMON_TESTS"
for t in $TESTS; do
	run_test "$t" "./$t"
done
cd /

echo "@begin endgame"
endgame > /run/endgame
status=$?
sed 's/^/ /' /run/endgame
echo "@end $status endgame"
[ -z "${COVERAGE:-}" ] || save_coverage || status=1
# Linux has data races of its own, which are not for the verdict, but not to be kept quiet either.
if [ -e /sys/kernel/debug/kcsan ]; then
	dmesg | "$PORTMON_TESTS/lib/races.py" elsewhere | sed 's/^/@note data race elsewhere: /'
	dmesg | cat - /sys/kernel/debug/kcsan > /dev/ttyS0
fi
[ $status = 0 ] && echo @passed
