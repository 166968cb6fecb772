# SPDX-License-Identifier: GPL-2.0
#
# In the guest, sourced by init or started from vm-shell: this machine serves HTTP, HTTPS, DNS, SSH, TELNET and FTP to a client in a network
# namespace, fetches a page from it, and then asks portmon-ctl what happened.
here=192.0.2.1 here6=2001:db8::1
there=192.0.2.2 there6=2001:db8::2
client() { ip netns exec client "$@"; }
wait_for() { for _ in {1..300}; do "$@" && return; sleep 0.1; done > /dev/null 2>&1; echo "in vain: $*"; return 1; }

network()
{
	ip netns add client
	ip link add veth0 type veth peer name veth0 netns client
	ip addr add $here/24 dev veth0
	ip addr add $here6/64 dev veth0 nodad
	ip link set veth0 up
	client ip -b - <<-END
		link set lo up
		addr add $there/24 dev veth0
		addr add $there6/64 dev veth0 nodad
		link set veth0 up
	END
}

listens() { ss -Hltn "sport = :$1" | grep -q .; }

servers()
{
	mkdir -p /srv/ftp /run/sshd /run/vsftpd/empty ~/.ssh
	head -c 20000 /dev/zero | tr '\0' a > /srv/index.html
	head -c 300000 /dev/zero > /srv/ftp/file

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=demo \
		-keyout /run/tls.pem -out /run/tls.crt
	cat /run/tls.crt >> /run/tls.pem
	cat > /run/lighttpd.conf <<-END
		server.modules = ("mod_openssl")
		server.document-root = "/srv"
		server.port = 80
		index-file.names = ("index.html")
		\$SERVER["socket"] == "[::]:80" { }
		\$SERVER["socket"] == "0.0.0.0:443" { ssl.engine = "enable" ssl.pemfile = "/run/tls.pem" }
	END
	lighttpd -f /run/lighttpd.conf
	client lighttpd -f /run/lighttpd.conf

	dnsmasq --conf-file=/dev/null --no-resolv --user=root --pid-file= --address=/example.org/$here

	ssh-keygen -q -t ed25519 -N '' -f /run/host_key
	ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
	cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys
	/usr/sbin/sshd -f /dev/null -h /run/host_key -o PidFile=none -o UsePAM=no -o PermitRootLogin=yes

	socat TCP-LISTEN:23,fork,reuseaddr EXEC:'/usr/sbin/telnetd -E /bin/bash',nofork &

	printf '%s\n' listen=YES anonymous_enable=YES anon_root=/srv/ftp secure_chroot_dir=/run/vsftpd/empty background=YES seccomp_sandbox=NO > /run/vsftpd.conf
	vsftpd /run/vsftpd.conf

	for port in 21 22 23 53 80 443; do wait_for listens $port; done
}

clients()
{
	client curl -sS -o /dev/null -H 'Connection: close' "http://$here/?page=[1-80]"
	client curl -sS -o /dev/null -H 'Connection: close' "http://[$here6]/?page=[1-20]"
	client curl -sS -o /dev/null -k "https://$here/?page=[1-10]"
	for name in {1..20}; do client drill @$here $name.example.org; done
	for name in {1..5}; do client drill -t @$here $name.example.org; done
	client ssh -o StrictHostKeyChecking=no root@$here uptime
	(sleep 2; echo uptime; echo exit; sleep 2) | client telnet $here
	client curl -sS -o /dev/null ftp://$here/file
	curl -sS -o /dev/null "http://$there/?page=[1-10]"
	client curl -sS -m 2 http://$here:3389/
}

ask() { echo "\$ $*"; "$@"; echo; }

exec 3> "${DEMO_TO:-/dev/ttyS1}"
[ -n "$DEMO_TO" ] || echo @booted >&3
[ -d /sys/module/portmon ] || insmod "$PORTMON_KO"
network && servers && clients
(
	ask portmon-ctl stats
	ask portmon-ctl ranges
	ask portmon-ctl show 80
	ask portmon-ctl explain 443
	[ -n "$DEMO_TO" ] || echo @passed
) >&3 2>&1
