# SPDX-License-Identifier: GPL-2.0
# Sourced by run: the packages in a Debian 12 that has dkms and kernels, installed, upgraded and removed.

# in_root COMMAND...: there; nothing stays mounted, and nothing that it started stays.
in_root()
{
	unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i HOME=/root \
		PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive INITRD=No "$@"' \
		"$work/root" "$@" < /dev/null
}

unpack_root()
{
	kept=$("$here/root")
	mkdir "$work/root"
	tar -xf "$kept/root.tar" -C "$work/root"
	cp -r "$kept/debs" "$work/root/root/debs"
	cp "$here/began" "$here/guest" "$here/first-packet" "$work/root/root"
	cp "$here"/*.service "$work/root/etc/systemd/system"
	mkdir -p "$work/root"/etc/systemd/system/{multi-user,sysinit}.target.wants
	ln -s ../packages-test.service "$work/root/etc/systemd/system/multi-user.target.wants"
	ln -s ../first-packet.service "$work/root/etc/systemd/system/sysinit.target.wants"
	local console
	for console in serial-getty@ttyS0 getty@tty1; do ln -sf /dev/null "$work/root/etc/systemd/system/$console.service"; done
	echo 0123456789abcdef0123456789abcdef > "$work/root/etc/machine-id"
	# In a chroot the kernel that runs is none of those that are installed; then only the newest would be built for.
	echo 'autoinstall_all_kernels="yes"' >> "$work/root/etc/dkms/framework.conf"
	echo force-unsafe-io > "$work/root/etc/dpkg/dpkg.cfg.d/tests"
	k61=$(cat "$kept/6.1") k612=$(cat "$kept/6.12")
	local deb
	for deb in "$kept"/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -t; done |
		sed -E 's,/$,,; s,^\./(lib|bin|sbin)/,./usr/\1/,' | sort -u > "$work/update.list"
}

# Without what dpkg, logs, caches and depmod keep; dkms' own key stays, and so does the new kernel.
list_root()
{
	(cd "$work/root" && find . \( -path ./proc -o -path ./root -o -path ./tmp -o -path ./run -o -path ./var/lib/dpkg -o -path ./var/log \
		-o -path ./var/cache \) -prune -o -print) |
		grep -vF "$k612" | grep -vE '/modules\.|^\./var/lib/dkms/mok|^\./etc/ld.so.cache|/(vmlinuz|initrd\.img)(\.old)?$' | grep -vxFf "$work/update.list" | sort
}

installed() # VERSION KERNEL
{
	local ko
	ko=$(ls "$work/root/lib/modules/$2/updates/dkms/"portmon.ko*)
	[ "$(modinfo -F version "$ko")" = "$1" ] || { echo "module for $2 is version $(modinfo -F version "$ko")"; return 1; }
	[[ "$(modinfo -F vermagic "$ko")" = "$2 "* ]]
	[ -n "$(modinfo -F signer "$ko")" ] || { echo "the module is not signed"; return 1; }
}

install_old()
{
	in_root dpkg -i "/root/portmon-dkms_$old-1_all.deb" "/root/portmon-tools_$old-1_amd64.deb"
	installed "$old" "$k61"
	[ -L "$work/root/etc/systemd/system/sysinit.target.wants/portmon.service" ]
}

update_kernel()
{
	in_root sh -c 'dpkg -i /root/debs/*.deb'
	installed "$old" "$k612"
}

# What the kernel's packages run.
hooks()
{
	local hook kernel
	for kernel in "$k61" "$k612"; do
		for hook in postinst.d header_postinst.d; do
			in_root "/etc/kernel/$hook/dkms" "$kernel" || { echo "/etc/kernel/$hook/dkms $kernel: $?"; return 1; }
		done
	done
}

upgrade()
{
	in_root dpkg --force-confold -i "/root/${dkms_deb##*/}" "/root/${tools_deb##*/}"
	installed "$version" "$k61"
	installed "$version" "$k612"
	grep -q '^max_records = 54321$' "$work/root/etc/portmon/portmon.conf" || { echo "portmon.conf was overwritten"; return 1; }
	[ ! -e "$work/root/var/lib/dkms/portmon/$old" ] && [ ! -e "$work/root/usr/src/portmon-$old" ] || { echo "$old is left"; return 1; }
}

# postinst, without the build, where mokutil gives these answers: the real one is asked in check-boot.
postinst() # STATE ENROLLED
{
	local bin=$work/root/usr/local/sbin
	printf '#!/bin/sh\ncase $1 in --sb-state) echo "%s" ;; --test-key) echo "$2 is %s" ;; esac\n' "$1" "$2" > "$bin/mokutil"
	chmod 755 "$bin/mokutil"
	sed '/^# Automatically added by dh_dkms/,/^# End automatically added/d' "$work/root/var/lib/dpkg/info/portmon-dkms.postinst" > "$bin/postinst"
	in_root sh /usr/local/sbin/postinst configure
	rm "$bin/mokutil" "$bin/postinst"
}

secure_boot_is_explained()
{
	local said conf=$work/root/etc/dkms/framework.conf
	postinst "SecureBoot enabled" "not enrolled" | grep -q 'mokutil --import /var/lib/dkms/mok.pub '
	empty postinst "SecureBoot enabled" "already enrolled"
	empty postinst "SecureBoot disabled" "not enrolled"
	empty postinst "$(printf 'SecureBoot enabled\nSecureBoot validation is disabled in shim')" "not enrolled"
	cp "$conf" "$work/framework.conf"
	echo 'mok_certificate="/root/upgrade.deb"' >> "$conf"
	said=$(postinst "SecureBoot enabled" "not enrolled")
	cp "$work/framework.conf" "$conf"
	grep -q 'mokutil --import /root/upgrade.deb ' <<< "$said" || { echo "$said"; return 1; }
	mkdir -p "$conf.d"
	echo "mok_certificate='/root/debs'/none" > "$conf.d/a.conf"
	echo "mok_certificate='/root/guest'" > "$conf.d/b.conf"
	said=$(postinst "SecureBoot enabled" "not enrolled")
	rm "$conf.d"/[ab].conf
	grep -q 'mokutil --import /root/guest ' <<< "$said" || { echo "$said"; return 1; }
}

# A kernel that is there by name only.
fake_kernel() # RELEASE
{
	mkdir -p "$work/root/lib/modules/$1/build/include"
	printf '%%:\n\t@echo "error: something is gone" >&2; exit 1\n' > "$work/root/lib/modules/$1/build/Makefile"
}

# Kernels that dkms is asked to build for: to dkms 3.0.10 one that is excluded is a failure of that kernel's package.
bounds()
{
	local pattern release
	pattern=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"$/\1/p' "$work/unpacked/usr/src/portmon-$version/dkms.conf")
	for release in "$k61" "$k612" 6.1.0-57-{amd64,rt-amd64,686-pae,arm64} 6.12.117+deb12-{amd64,rt-amd64} 7.3.4+deb13-amd64 10.0.0; do
		[[ $release =~ $pattern ]] || { echo "$release is excluded"; return 1; }
	done
	for release in 3.16.0-4-amd64 4.19.0-27-amd64 5.10.0-38-amd64 6.0.0-6-amd64; do
		[[ ! $release =~ $pattern ]] || { echo "$release is not excluded"; return 1; }
	done
}

old_kernel()
{
	local said
	fake_kernel 5.10.0-99-amd64
	said=$(in_root dkms build -m portmon -v "$version" -k 5.10.0-99-amd64 2>&1) && { echo "it was built"; return 1; }
	grep -q 'should not be built' <<< "$said" || { echo "$said"; return 1; }
	rm -r "$work/root/lib/modules/5.10.0-99-amd64"
}

new_kernel()
{
	fake_kernel 9.9.0-1-amd64
	! in_root dkms build -m portmon -v "$version" -k 9.9.0-1-amd64 || return 1
	grep 'tested up to' "$work/root/var/lib/dkms/portmon/$version/build/make.log" || {
		cat "$work/root/var/lib/dkms/portmon/$version/build/make.log"
		return 1
	}
	rm -r "$work/root/lib/modules/9.9.0-1-amd64" "$work/root/var/lib/dkms/portmon/$version/build"
}

# The #error of compat.h, where dkms does not look at the release.
too_old()
{
	local said
	mkdir -p "$work/older/linux"
	printf '%s\n' '#define LINUX_VERSION_CODE ((6 << 16) + 255)' '#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))' \
		> "$work/older/linux/version.h"
	said=$(echo '#include "compat.h"' | gcc -E -I"$work/older" -I"$work/unpacked/usr/src/portmon-$version/kmod" - 2>&1) && return 1
	grep -q 'portmon needs Linux 6.1 or newer' <<< "$said" || { echo "$said"; return 1; }
}

remove()
{
	# As root's stats --delta leaves it.
	mkdir -p "$work/root/var/lib/portmon"
	touch "$work/root/var/lib/portmon/default"
	in_root dpkg --remove portmon-tools portmon-dkms
	[ -e "$work/root/var/lib/portmon/default" ] || { echo "removing took the snapshots"; return 1; }
	[ -e "$work/root/etc/portmon/portmon.conf" ] || { echo "removing took portmon.conf"; return 1; }
	empty find "$work/root/lib/modules" -name 'portmon*'
}

purge()
{
	in_root dpkg --purge portmon-tools portmon-dkms
	list_root | diff "$work/list.before" -
}

chroot_tests() # [boots]
{
	old=0.0.9
	[ -n "${KEEP:-}" ] || {
		other_version $old
		is "build the previous version" env DEB_BUILD_OPTIONS="nocheck noopt noautodbgsym parallel=$(nproc)" \
			"$top/.packaging/build-deb" "$work/portmon-$old.tar.gz" "$out/old"
	}
	unpack_root
	cp "$out"/old/*.deb "$dkms_deb" "$tools_deb" "$work/root/root"
	cp "$tools_deb" "$work/root/root/upgrade.deb"
	list_root > "$work/list.before"

	is "install with kernel 6.1: built, signed, service enabled" install_old
	printf 'max_records = 54321\nuserns_enable = yes\n' > "$work/root/etc/portmon/portmon.conf"
	is "kernel update to 6.12: built" update_kernel
	[ "$1" != boots ] || boot "6.12" "$k612" old
	is "dkms' hooks succeed for both kernels" hooks
	is "upgrade: built for both, the changed portmon.conf is kept" upgrade
	is "postinst explains Secure Boot where it is on" secure_boot_is_explained
	is "no kernel that is supported is excluded" bounds
	is "a kernel that is too old is skipped, with a sentence" old_kernel
	is "a kernel that is too old to compile: a sentence" too_old
	is "a kernel that breaks the build: make.log says which are supported" new_kernel
	boots_end
	[ "$1" != boots ] || {
		boot "6.1" "$k61" new
		unsigned "$k612"
		boot "only signed modules" "$k612" refused module.sig_enforce=1
	}
	is "remove leaves the settings" remove
	is "purge leaves nothing" purge
	boots_end
}
