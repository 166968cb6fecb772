// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "test/ktap.h"
#include "view/out_owners.h"
#include "view/out_peers.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_unit(void)
{
	static const struct {
		const char *path, *unit;
	} must[] = {
		{ "/", "" },
		{ "", "" },
		{ "/user.slice/user-0.slice", "" },
		{ "/system.slice/nginx.service", "nginx.service" },
		{ "/system.slice/system-getty.slice/getty@tty1.service",
		  "getty@tty1.service" },
		{ "/user.slice/user-1000.slice/session-3.scope",
		  "session-3.scope" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope",
		  "app-x.scope" },
		{ "/system.slice/x.service/payload", "x.service" },
		{ "/system.slice/docker-" ID ".scope", "docker:0123456789ab" },
		{ "/docker/" ID, "docker:0123456789ab" },
		{ "/docker/" ID "/system.slice/nginx.service",
		  "docker:0123456789ab" },
		{ "/machine.slice/libpod-" ID ".scope/container",
		  "podman:0123456789ab" },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		  "containerd:0123456789ab" },
		{ "/kubepods/burstable/pod1/" ID, "container:0123456789ab" },
		{ "/kubepods.slice/crio-" ID ".scope", "cri-o:0123456789ab" },
		{ "/lxc.payload.web/init.scope", "lxc:web" },
		{ "/machine.slice/machine-db.scope/payload", "machine:db" },
		{ "/system.slice/docker-proxy.service",
		  "docker-proxy.service" },
		{ "/system.slice/.service", "" },
	};
	char unit[PROC_UNIT_SIZE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(must); i++) {
		proc_unit(must[i].path, unit);
		check_text(unit, must[i].unit);
	}
}

static void test_text(void)
{
	static const struct proc procs[] = {
		{ 10, "nginx", "nginx.service" }, { 11, "nginx", "nginx.service" },
		{ 12, "nginx", "nginx.service" }, { 7, "nginx", "docker:1" },
		{ 9, "ssh", "" },
	};
	struct owner v[] = {
		{ &procs[0], 0, 1, 0 }, { &procs[1], 0, 1, 0 },
		{ &procs[2], 0, 1, 0 }, { &procs[3], 0, 1, 0 },
		{ &procs[4], 0, 0, 2 }, { NULL, OWNER_NOBODY, 0, 1 },
	};
	struct port_use use = { .v = v };
	char buf[OWNERS_SIZE];

	check_text(owners_text(buf, &use), "-");
	use.n = 3;
	check(owner_group(&use, 0) == 3);
	check(owner_group(&use, 2) == 1);
	check_text(owners_text(buf, &use), "nginx[10]+2 (nginx.service)");
	use.n = 4;
	check_text(owners_text(buf, &use),
		   "nginx[10]+2 (nginx.service), nginx[7] (docker:1)");
	use.n = 6;
	check_text(owners_text(buf, &use),
		   "nginx[10]+2 (nginx.service), nginx[7] (docker:1), 2 more");
	use.v = &v[5];
	use.n = 1;
	check_text(owners_text(buf, &use), "no process");
	v[5].uid = 4294967294;
	check_text(owners_text(buf, &use), "user 4294967294");
	/* Only who waits at the port is one with others who do. */
	v[1].listening = 0;
	use.v = v;
	use.n = 3;
	check(owner_group(&use, 0) == 1);
}

/* Who holds what, without a kernel: two ports, one of them shared. */
static void test_lookup(void)
{
	static struct sock socks[] = {
		{ .transport = 0, .kind = SOCK_LISTENS, .port = 22,
		  .inode = 5, .queue = 1, .queue_max = 8 },
		{ .transport = 0, .kind = SOCK_OPEN, .port = 22, .peer = 4000 },
		{ .transport = 0, .kind = SOCK_OPEN, .port = 22, .peer = 4001,
		  .inode = 6 },
		{ .transport = 0, .kind = SOCK_OPENING, .port = 22,
		  .peer = 4002 },
		{ .transport = 1, .kind = SOCK_LISTENS, .port = 22,
		  .inode = 7, .uid = 33 },
	};
	static const struct sock *peers[] = {
		&socks[1], &socks[2], &socks[3]
	};
	static struct proc procs[] = { { 100, "sshd", "" }, { 101, "sshd", "" } };
	static struct holder holders[] = { { 5, 0 }, { 6, 0 }, { 6, 1 } };
	struct owners o = {
		.socks = { socks, 5, 5, 0 }, .peers = peers, .n_peers = 3,
		.procs = { procs, 2, 2, holders, 3, 3, 1 },
	};
	struct port_use use;

	check(!owners_of(&o, SIDE_OWN, 0, 22, &use) && use.n == 2);
	check(use.listening == 1 && use.connections == 2 && use.opening == 1);
	check(use.queue == 1 && use.queue_max == 8);
	check(use.v[0].proc->pid == 100 && use.v[0].listening == 1 &&
	      use.v[0].connections == 1);
	check(use.v[1].proc->pid == 101 && use.v[1].connections == 1);
	port_use_free(&use);
	check(!owners_of(&o, SIDE_OWN, 1, 22, &use) && use.n == 1);
	check(!use.v[0].proc && use.v[0].uid == 33);
	port_use_free(&use);
	check(!owners_of(&o, SIDE_PEER, 0, 4001, &use) && use.n == 2);
	port_use_free(&use);
	check(!owners_of(&o, SIDE_OWN, 0, 23, &use) && !use.n);
	check(owners_hidden(&o));
	o.procs.denied = 0;
	check(!owners_hidden(&o));
	check(owners_next(&o, SIDE_OWN, 0, 0) == 22);
	check(owners_next(&o, SIDE_OWN, 0, 23) == -1);
	check(owners_next(&o, SIDE_PEER, 0, 4001) == 4001);
	check(owners_next(&o, SIDE_PEER, 0, 4003) == -1);
	check(owners_next(&o, SIDE_PEER, 1, 0) == -1);
}

static struct sock connection(unsigned int family, const char *own,
			      const char *peer)
{
	struct sock s = { .family = family, .port = 40000, .peer = 80 };

	check(inet_pton(family, own, s.address) == 1);
	check(inet_pton(family, peer, s.peer_address) == 1);
	return s;
}

static void test_loopback(void)
{
	static const struct {
		unsigned int family;
		const char *own, *peer;
		bool loopback;
	} must[] = {
		{ AF_INET, "127.0.0.1", "127.0.0.1", true },
		{ AF_INET, "127.0.0.1", "127.0.0.2", true },
		{ AF_INET, "192.0.2.1", "192.0.2.1", true },
		{ AF_INET, "192.0.2.1", "192.0.2.2", false },
		{ AF_INET, "0.0.0.0", "0.0.0.0", false },
		{ AF_INET6, "::1", "::1", true },
		{ AF_INET6, "2001:db8::1", "2001:db8::1", true },
		{ AF_INET6, "2001:db8::1", "2001:db8::2", false },
		{ AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.2", true },
		{ AF_INET6, "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
		{ AF_INET6, "::", "::", false },
	};
	struct sock s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(must); i++) {
		s = connection(must[i].family, must[i].own, must[i].peer);
		check(sock_is_loopback(&s) == must[i].loopback);
		s.peer = 0;
		check(!sock_is_loopback(&s));
	}
}

/* Who uses a port of another host, and who one of this host. */
static void test_sides(void)
{
	struct sock socks[2] = {
		connection(AF_INET, "192.0.2.1", "192.0.2.1"),
		connection(AF_INET, "192.0.2.1", "192.0.2.2"),
	};
	const struct sock *peers[] = { &socks[0], &socks[1] };
	struct owners o = {
		.socks = { socks, 2, 2, 0 }, .peers = peers, .n_peers = 2,
	};
	struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT, .port = 80, .owners = &o,
		.scope = PORTMON_SCOPE_REMOTE,
	};
	struct port_use use;

	socks[0].kind = SOCK_OPEN;
	socks[1].kind = SOCK_OPEN;
	check(!owners_of(&o, SIDE_PEER, 0, 80, &use) && use.connections == 1);
	check(!owners_of(&o, SIDE_LOOPBACK, 0, 80, &use) &&
	      use.connections == 1);
	check(!owners_of_record(&r, &use) && use.connections == 1);
	r.scope = PORTMON_SCOPE_LOOPBACK;
	check(!owners_of_record(&r, &use) && !use.connections);
	check(owners_next(&o, SIDE_PEER, 0, 0) == 80);
	check(owners_next(&o, SIDE_LOOPBACK, 0, 0) == 80);
	socks[1].peer_address[0] = socks[1].address[0];
	check(owners_next(&o, SIDE_PEER, 0, 0) == -1);
	socks[1].inode = 5;
	check(!owners_of_sock(&o, &socks[1], &use) && use.n == 1);
	check(use.v[0].uid == OWNER_NOBODY && use.v[0].connections == 1);
	port_use_free(&use);
}

/* TCP is everywhere. */
static void test_absent(void)
{
	check(!socks_absent(PORTMON_TRANSPORT_TCP));
	check(!socks_absent(PORTMON_TRANSPORT_UDP));
}

/* The ten addresses with the most connections, and how many more there are. */
static void test_peers(void)
{
	struct ctx ctx = { .opt = OPTIONS_DEFAULT };
	const struct portspec spec = {
		.port = 80, .port_max = 80, .transports = ALL_TRANSPORTS,
	};
	struct sock socks[14];
	struct owners o = { .socks = { socks, ARRAY_SIZE(socks), 0, 0 } };
	char *text, *line;
	unsigned int i;

	/* The last two are of the address of the third. */
	for (i = 0; i < ARRAY_SIZE(socks); i++)
		socks[i] = (struct sock){
			.transport = PORTMON_TRANSPORT_TCP, .port = 80,
			.family = AF_INET, .kind = SOCK_OPEN, .peer = 1000 + i,
			.peer_address[0] = htonl(0xc0000200 + (i < 12 ? i : 2)),
			.bytes_received = 100 - i,
		};
	begin_output();
	check(!out_peers(&ctx, &o, &spec, 1));
	text = end_output();
	line = strchr(text, '\n');
	check(line && !strncmp(line + 1, "80/tcp", 6));
	line = line ? strstr(line, "192.0.2.") : NULL;
	check(line && !strncmp(line, "192.0.2.2 ", 10));
	check(strstr(text, "192.0.2.0 ") && !strstr(text, "192.0.2.11"));
	check(strstr(text, "\n... and 2 more\n"));
	free(text);
}

const struct unit_test owners_tests[] = {
	{ "peers", test_peers },
	{ "transports that are absent", test_absent },
	{ "loopback", test_loopback },
	{ "sides", test_sides },
	{ "unit", test_unit },
	{ "text", test_text },
	{ "lookup", test_lookup },
	{ 0 }
};
