# SPDX-License-Identifier: GPL-2.0
# Sourced by run: the chroot's system, booted.

qemu_options=(-machine q35)
booted=()
BEGAN='# init began'

# emulate LOG ARGUMENT...: one CPU, because QEMU of Debian 12 may run an instruction while another CPU changes it, and no
# cmpxchg16b, after which it may take garbage for the flags. A machine that does not reach init (see began) is booted once more.
emulate()
{
	local log=$1 again pid
	shift
	local machine=(timeout --kill-after 5 "${BOOT_LIMIT:-600}" qemu-system-x86_64 -accel tcg
		-cpu max,-cx16,-avx,-avx2,-erms,-fsrm -m 512 -nodefaults -no-user-config -display none -no-reboot
		-serial "file:$log.console" -serial "file:$log.results" "$@")
	# It does not outlive the tests.
	trap 'kill $pid 2> /dev/null; exit 1' TERM
	for again in "" "tried again: the boot, which had stopped before init began"; do
		: > "$log.results"
		"${machine[@]}" &
		pid=$!
		timeout "${INIT_LIMIT:-120}" grep -qa "$BEGAN" <(exec tail -n +1 -f --pid=$pid "$log.results") || kill $pid 2> /dev/null || true
		wait $pid || true
		! grep -qa "$BEGAN" "$log.results" || break
		[ -n "$again" ] || mv "$log.console" "$log.console.first"
	done
	[ -z "$again" ] || sed -i "1i $again: $(tail -n 1 "$log.console.first" | tr -d '\r\\')" "$log.results"
}

# boot NAME KERNEL PART [APPEND]: starts the system as it is now. What its guest (see guest) says is for boots_end: each
# takes about as long as a build by dkms, which runs beside it.
boot()
{
	local part=$3
	local log=$out/$part
	[[ ${BOOTS:-$part} == *$part* ]] || return 0
	mke2fs -q -F -t ext4 -d "$work/root" "$work/$part.img" 3000M > /dev/null
	emulate "$log" "${qemu_options[@]}" -kernel "${vmlinuz:-$work/root/boot/vmlinuz-$2}" \
		-drive "file=$work/$part.img,format=raw,if=none,id=disk" -device nvme,drive=disk,serial=portmon \
		-append "root=/dev/nvme0n1 rw init=/root/began console=ttyS0 panic=-1 quiet net.ifnames=0 portmon.part=$part ${4:-}" < /dev/null &
	booted+=("$! $(date +%s) $part $1")
}

# The results of each that was booted, as NAME: RESULT.
boots_end()
{
	local one pid began part name line end
	for one in "${booted[@]}"; do
		read -r pid began part name <<< "$one"
		wait "$pid" || true
		end=
		while read -r line; do
			case $line in
			"ok "*) ok "$name: ${line#ok }" ;;
			"not ok "*) not_ok "$name: ${line#not ok }" ;;
			"end of $part") end=1 ;;
			*"$BEGAN") ;;
			*) echo "$line" ;;
			esac
		# The firmware writes to every serial port.
		done < <(sed -E 's/\x1b\[[=0-9;]*[A-Za-z]//g; s/\r//g' "$out/$part.results")
		name+=": came to its end # $(($(stat -c %Y "$out/$part.results") - began)) s"
		if [ -n "$end" ]; then ok "$name"; else
			tail -n 40 "$out/$part.console" | sed 's/^/# /'
			not_ok "$name"
		fi
		rm "$work/$part.img"
	done
	booted=()
}

# The module as dkms built it, without its signature: for the guest to put in its place, where depmod would take minutes.
unsigned() # KERNEL
{
	local ko
	ko=$(ls "$work/root/lib/modules/$1/updates/dkms/"portmon.ko*)
	case $ko in *.xz) xz -dc "$ko" ;; *) cat "$ko" ;; esac > "$work/root/root/unsigned"
	strip --strip-debug "$work/root/root/unsigned"
	case $ko in *.xz)
		xz --check=crc32 "$work/root/root/unsigned"
		mv "$work/root/root/unsigned.xz" "$work/root/root/unsigned"
	esac
}

# The key that OVMF's variables for tests have in db.
with_enrolled_key()
{
	local ovmf=$1
	openssl pkey -in "$ovmf/PkKek-1-snakeoil.key" -passin pass:snakeoil -out "$work/root/root/mok.key"
	openssl x509 -in "$ovmf/PkKek-1-snakeoil.pem" -outform DER -out "$work/root/root/mok.pub"
	printf 'mok_signing_key=/root/mok.key\nmok_certificate=/root/mok.pub\n' >> "$work/root/etc/dkms/framework.conf"
	in_root dkms remove -m portmon -v "$version" -k "$k61"
	in_root dkms install -m portmon -v "$version" -k "$k61"
}

# UEFI for the next boot, with variables of its own.
firmware() # OVMF PART
{
	cp "$1/OVMF_VARS_4M.snakeoil.fd" "$work/$2.vars"
	qemu_options=(-machine q35,smm=on -global driver=cfi.pflash01,property=secure,value=on
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$1/OVMF_CODE_4M.secboot.fd"
		-drive "if=pflash,format=raw,unit=1,file=$work/$2.vars")
}

secure_boot_tests()
{
	local ovmf old=$version
	ovmf=$("$here/ovmf")
	unpack_root
	cp "$dkms_deb" "$tools_deb" "$work/root/root"
	is "install with kernel 6.1" install_old
	printf 'max_records = 54321\nuserns_enable = yes\n' > "$work/root/etc/portmon/portmon.conf"
	openssl pkey -in "$ovmf/PkKek-1-snakeoil.key" -passin pass:snakeoil -out "$work/db.key"
	sbsign --key "$work/db.key" --cert "$ovmf/PkKek-1-snakeoil.pem" --output "$work/vmlinuz" "$work/root/boot/vmlinuz-$k61" \
		> /dev/null 2>&1 || die "sbsign failed"
	vmlinuz=$work/vmlinuz
	firmware "$ovmf" secure
	unsigned "$k61"
	boot "Secure Boot" "$k61" secure
	is "sign with the key that is enrolled" with_enrolled_key "$ovmf"
	firmware "$ovmf" trusted
	boot "Secure Boot, key enrolled" "$k61" trusted
	boots_end
}
