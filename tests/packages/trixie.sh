# SPDX-License-Identifier: GPL-2.0
# Sourced by run: the packages in a Debian 13, whose dkms builds for its own kernel and for the newest of its backports.

install_trixie() # RELEASE...
{
	local release
	in_root dpkg -i "/root/${dkms_deb##*/}" "/root/${tools_deb##*/}"
	for release; do installed "$version" "$release"; done
	in_root portmon-ctl --version
	in_root portmon-exporter --version
}

purge_trixie()
{
	in_root dpkg --purge portmon-tools portmon-dkms
	empty find "$work/root/usr/src" "$work/root/lib/modules/" "$work/root/var/lib/dkms/" -name 'portmon*'
}

trixie_tests()
{
	local kept releases
	kept=$("$here/root" trixie)
	rm -rf --one-file-system "$work/root"
	mkdir "$work/root"
	tar -xf "$kept/root.tar" -C "$work/root"
	echo 'autoinstall_all_kernels="yes"' >> "$work/root/etc/dkms/framework.conf"
	cp "$dkms_deb" "$tools_deb" "$work/root/root"
	releases=$(ls "$work/root/lib/modules")
	is "Debian 13 has headers of 6.12 and of a newer kernel" grep -qzP '^6\.12\..*\n[7-9]\.' <<< "$releases"
	# shellcheck disable=SC2086
	is "Debian 13: built and signed for ${releases//$'\n'/ and }" install_trixie $releases
	is "Debian 13: purge leaves nothing" purge_trixie
}
