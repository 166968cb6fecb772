# SPDX-License-Identifier: GPL-2.0
# Sourced by run: the packages themselves.

# A tree of the last commit whose version is another, packed as make dist does it.
other_version() # VERSION
{
	mkdir "$work/other"
	tar -xf "$out/dist/portmon-$version.tar.gz" -C "$work/other"
	mv "$work/other/portmon-$version" "$work/other/portmon-$1"
	sed -i "s/$version/$1/" "$work/other/portmon-$1/include/portmon_version.h" "$work/other/portmon-$1/.packaging/debian/changelog"
	tar -czf "$work/portmon-$1.tar.gz" -C "$work/other" "portmon-$1"
	rm -r "$work/other"
}

build_packages()
{
	commit=$(git -C "$top" rev-parse HEAD)
	make -s -C "$top" dist > /dev/null
	rm -rf "$out/dist"
	mkdir "$out/dist"
	mv "$top/build/dist/portmon-$version.tar.gz" "$out/dist"
	[ -n "${KEEP:-}" ] || is "build the packages" "$top/.packaging/build-deb" "$out/dist/portmon-$version.tar.gz" "$out/deb"
	dkms_deb=$(echo "$out"/deb/portmon-dkms_*.deb) tools_deb=$(echo "$out"/deb/portmon-tools_*.deb)
	[ -e "$dkms_deb" ] && [ -e "$tools_deb" ] || die "no packages to test"
	mkdir "$work/unpacked"
	dpkg-deb -x "$dkms_deb" "$work/unpacked"
	dpkg-deb -x "$tools_deb" "$work/unpacked"
}

same_dist()
{
	[ "$commit" = "$(git -C "$top" rev-parse HEAD)" ] || { echo "somebody committed meanwhile"; return 1; }
	make -s -C "$top" dist > /dev/null 2>&1
	cmp "$out/dist/portmon-$version.tar.gz" "$top/build/dist/portmon-$version.tar.gz"
	# Neither the clock nor an owner of this machine is in it.
	[ "$(tar -tvf "$out/dist/portmon-$version.tar.gz" | awk '{ print $2 }' | sort -u)" = root/root ]
	[ "$(tar --full-time -tvf "$out/dist/portmon-$version.tar.gz" | awk '{ print $4, $5 }' | sort -u | wc -l)" = 1 ]
}

# In another folder, another time zone, with another mask.
same_packages()
{
	local deb
	(umask 0027; DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" TZ=Asia/Tokyo HOME=/nonexistent "$top/.packaging/build-deb" "$out/dist/portmon-$version.tar.gz" "$work/again")
	for deb in "$out"/deb/*.deb; do cmp "$deb" "$work/again/${deb##*/}"; done
}

# Each place that states the version, in TREE, an unpacked source, and ROOT, where it is installed.
versions()
{
	local tree=$1 root=$2 page
	same() { [ "$2" = "$version" ] || { echo "$1 has '$2', portmon_version.h has '$version'"; return 1; }; }
	same "debian/changelog" "$(dpkg-parsechangelog -l "$tree/.packaging/debian/changelog" -S Version | sed 's/-[^-]*$//')"
	same "NEWS" "$(grep -m 1 -oE '^[0-9][0-9.]*' "$tree/Documentation/NEWS")"
	same "dkms.conf" "$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$root"/usr/src/portmon-*/dkms.conf)"
	same "/usr/src" "$(basename "$root"/usr/src/portmon-* | sed 's/^portmon-//')"
	same "portmon-ctl" "$("$root/usr/bin/portmon-ctl" --version | awk '{ print $2 }')"
	same "portmon-exporter" "$("$root/usr/sbin/portmon-exporter" --version | awk '{ print $2 }')"
	for page in "$root"/usr/share/man/man*/portmon*; do
		same "${page##*/}" "$(zcat -f "$page" | sed -n 's/^\.TH.*"portmon \(.*\)" ".*/\1/p')"
	done
	same "$3" "$(dpkg-deb -f "$3" Version | sed 's/-[^-]*$//')"
}

# Every program and file of settings has its page.
pages()
{
	local root=$1 file page
	for file in "$root"/usr/{bin,sbin}/* "$root"/etc/portmon/*.conf; do
		page=$(find "$root/usr/share/man" -name "${file##*/}.[58]*")
		[ -n "$page" ] || { echo "no manual page for ${file##*/}"; return 1; }
		zcat -f "$page" | mandoc -Tlint -W warning
	done
}

units()
{
	local root=$1 unit
	for unit in "$root"/lib/systemd/system/*; do
		# Programs are looked for in the system that checks.
		sed -Ei "s,=(/usr/s?bin/portmon),=$root\1," "$unit"
		empty systemd-analyze verify --man=no "$unit"
	done
}
exposed() { systemd-analyze security --offline=yes --threshold="$1" "$work/unpacked/lib/systemd/system/$2" > /dev/null; }

clean_lintian() { empty lintian --allow-root -E --pedantic --fail-on error,warning,pedantic "$out"/deb/*.changes; }
at_most() { [ "$(stat -c %s "$2")" -le "$1" ] || { echo "$2 has $(stat -c %s "$2") bytes"; return 1; }; }

rpm_packages()
{
	# Only the lists are looked at.
	CFLAGS='-O0 -w' "$top/.packaging/build-rpm" "$out/dist/portmon-$version.tar.gz" "$out/rpm"
	# Where the distributions' folders differ: documentation, units, completion; Debian compresses pages.
	local path
	for path in "$out"/rpm/*.rpm; do rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$path"; done | sed -n 's/^-[^ ]* //p' |
		grep -vE '^/usr/share/(doc|licenses)/' | sed 's,^/usr/lib/systemd,/lib/systemd,; s,/site-functions/,/vendor-completions/,; s,\.gz$,,' |
		sort > "$work/rpm.list"
	find "$work/unpacked" -type f -printf '/%P\n' | grep -vE '^/usr/share/(doc|lintian)/' | sed 's,\.gz$,,' | sort | diff - "$work/rpm.list"
}

install_lists()
{
	local kdir
	kdir=$("$top/tests/vm/fetch" kernel 6.12)/build
	find "$top" -path "$top/build" -prune -o -path "$top/.git" -prune -o -type f -print | sort > "$work/tree.before"
	# In parallel what install would build one after the other.
	make -s -j "$(nproc)" -C "$top" module KDIR="$kdir" CONFIG_DEBUG_INFO_BTF_MODULES= > /dev/null
	make -s -j "$(nproc)" -C "$top/tool" all exporter
	make -s -C "$top" install DESTDIR="$work/dest" PREFIX=/opt/here KDIR="$kdir" CONFIG_DEBUG_INFO_BTF_MODULES= > /dev/null
	find "$work/dest" -type f -printf '/%P\n' > "$work/dest.list"
	grep -q '^/lib/modules/.*/portmon.ko' "$work/dest.list"
	grep -q '^/opt/here/bin/portmon-ctl$' "$work/dest.list"
	grep -q '^/opt/here/lib/systemd/system/portmon.service$' "$work/dest.list"
	grep -q '^ExecStart=/opt/here/bin/portmon-ctl apply$' "$work/dest/opt/here/lib/systemd/system/portmon.service"
	[ -z "$(grep -vE '^/opt/here/|^/lib/modules/[^/]*/(updates|extra)/portmon' "$work/dest.list")" ] || { cat "$work/dest.list"; return 1; }
	make -s -C "$top" uninstall DESTDIR="$work/dest" PREFIX=/opt/here KDIR="$kdir"
	empty find "$work/dest" ! -type d
	find "$top" -path "$top/build" -prune -o -path "$top/.git" -prune -o -type f -print | sort | grep -v '/tool/portmon-' |
		diff <(grep -v '/tool/portmon-' "$work/tree.before") -
}

# What is broken has to be seen.
mutations()
{
	cp -a "$work/unpacked" "$work/broken"
	tar -xf "$out/dist/portmon-$version.tar.gz" -C "$work"
	local tree=$work/portmon-$version root=$work/broken
	versions "$tree" "$root" "$tools_deb"
	# As in is(): in a condition errexit would not hold.
	caught()
	{
		local status
		set +e
		(set -e; "${@:2}") > /dev/null 2>&1
		status=$?
		set -e
		[ $status != 0 ] || { echo "not noticed: $1"; return 1; }
	}

	sed -i "1s/$version/9.9.9/" "$tree/.packaging/debian/changelog"
	caught "another version in debian/changelog" versions "$tree" "$root" "$tools_deb"
	caught "the same, by make deb" refuses_version "$tree"
	tar -xf "$out/dist/portmon-$version.tar.gz" -C "$work"
	sed -i "s/$version/9.9.9/" "$root"/usr/src/portmon-*/dkms.conf
	caught "another version in dkms.conf" versions "$tree" "$root" "$tools_deb"
	cp "$work"/unpacked/usr/src/portmon-*/dkms.conf "$root"/usr/src/portmon-*/
	rm "$root"/usr/share/man/man8/portmon-ctl.8*
	caught "no page for portmon-ctl" pages "$root"
	sed -i 's/^ProtectHome=/ProtectHouse=/' "$root/lib/systemd/system/portmon.service"
	caught "a typo in a unit" units "$root"
	rm -rf "$root" "$tree"
}
refuses_version()
{
	tar -czf "$work/portmon-$version.tar.gz" -C "$work" "portmon-$version"
	"$top/.packaging/build-deb" "$work/portmon-$version.tar.gz" "$work/refused"
}

# In a clone, and without the hour that its checks take.
release_rules()
{
	local tree=$work/release made=$work/made
	mkdir "$work/bin"
	printf '#!/bin/sh\necho "$*" >> %s\n' "$made" > "$work/bin/make"
	chmod 755 "$work/bin/make"
	git clone -q "$top" "$tree"
	release() { : > "$made"; env -C "$tree" -u DRY_RUN PATH="$work/bin:$PATH" ${1:+"DRY_RUN=$1"} .packaging/release 2>&1; }
	as() { git -C "$tree" -c user.name=test -c user.email=test@example.org "$@"; }
	refuses()
	{
		local said
		if said=$(release) || ! grep -q "$1" <<< "$said"; then echo "not refused: $1: $said"; return 1; fi
		empty cat "$made"
	}
	sed -i "s/^$version (.*/$version (not released)/" "$tree/Documentation/NEWS"
	[ -z "$(as status --porcelain)" ] || as commit -qam "not released"
	refuses "does not begin an entry"
	sed -i "s/^$version (.*/$version (2026-12-01)/" "$tree/Documentation/NEWS"
	refuses "uncommitted changes"
	as commit -qam "a date"
	release | grep "everything holds for v$version"
	[ "$(tr '\n' ' ' < "$made")" = "check deb " ] || { cat "$made"; return 1; }
	empty as tag -l "v$version"
	sed -i "1s/$version/9.9.9/" "$tree/.packaging/debian/changelog"
	as commit -qam "another version"
	refuses "changelog does not begin with"
	as reset -q --hard HEAD^
	export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.org
	release no
	[ "$(as describe)" = "v$version" ]
	refuses "is there already"
}

static_tests()
{
	tar -xf "$out/dist/portmon-$version.tar.gz" -C "$work"
	is "make dist: the same bytes twice" same_dist
	is "one version everywhere" versions "$work/portmon-$version" "$work/unpacked" "$tools_deb"
	rm -r "$work/portmon-$version"
	is "a manual page for every program and file of settings" pages "$work/unpacked"
	is "portmon-dkms is at most 60 kB" at_most 60000 "$dkms_deb"
	is "portmon-tools is at most 250 kB" at_most 250000 "$tools_deb"
	is "lintian has nothing to say" clean_lintian
	is "systemd-analyze verify has nothing to say" units "$work/unpacked"
	is "portmon.service exposes at most 4.0" exposed 40 portmon.service
	is "portmon-exporter.service exposes at most 1.5" exposed 15 portmon-exporter.service
	is "packages built twice: the same bytes" same_packages
	is "RPM packages have the same files" rpm_packages
	is "install and uninstall" install_lists
	is "mistakes are noticed" mutations
	is "make release: what it refuses, and when the tag is set" release_rules
}
