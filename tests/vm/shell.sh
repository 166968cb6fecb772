# SPDX-License-Identifier: GPL-2.0
#
# In the guest, sourced by init: a prompt on the console, with the module loaded.
console=${CONSOLE:-/dev/ttyS0}
export DEMO_TO=$console
insmod "$PORTMON_KO"
cd "$PORTMON_TESTS"
cat <<END

Linux $(uname -r), portmon loaded. Tests are here, \$YNL is the kernel's netlink client,
bash /opt/portmon/demo.sh makes traffic. Leave with exit or Ctrl-A X.

END
setsid -w -c bash -i < "$console" > "$console" 2>&1
