// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/util.h"
#include "test/ktap.h"

enum {
	TCP = PORTMON_TRANSPORT_TCP,
	UDP = PORTMON_TRANSPORT_UDP,
};

static char said[2048];

static void keep_warning(const char *text)
{
	strcat(said, text);
	strcat(said, "\n");
}

/* A table of a text; the first line stays empty, as in a file. */
static char *parse_table(const char *text, svc_warn_fn warning,
			 struct svc_table *t)
{
	char *copy = NULL;

	if (asprintf(&copy, "\n%s", text) < 0)
		return NULL;
	check(!svc_parse(copy, "test", warning, t));
	return copy;
}

static void is_entry(const struct svc_table *t, unsigned int port,
		     unsigned int transport, const char *name)
{
	const struct service *e = svc_find_port(t, port, 1u << transport);

	check_text(e ? svc_text(t, e->name) : NULL, name);
}

static void test_format(void)
{
	struct svc_table t;
	const struct service *e;
	char *text;

	text = parse_table("# a comment\n"
			   "web 80/tcp www http  # The Web  \n"
			   "\tiana: http\n"
			   "\tfor: pages\n"
			   "\t     and more\n"
			   "\n"
			   "\twatch:\n\t\tpasswords\n"
			   "dns 53/tcp,udp\n"
			   "x11 6000-6063/tcp\n"
			   "range low 0-1023\n"
			   "\tfor: low ones\n"
			   "last 9/udp", keep_warning, &t);
	check(t.singles == 3 && t.spans == 1 && t.ranges == 1);
	is_entry(&t, 80, TCP, "web");
	is_entry(&t, 80, UDP, NULL);
	is_entry(&t, 53, UDP, "dns");
	is_entry(&t, 53, TCP, "dns");
	is_entry(&t, 5999, TCP, NULL);
	is_entry(&t, 6000, TCP, "x11");
	is_entry(&t, 6063, TCP, "x11");
	is_entry(&t, 6064, TCP, NULL);
	is_entry(&t, 9, UDP, "last");
	e = svc_find_port(&t, 80, 1 << TCP);
	check_text(svc_text(&t, e->aliases), "www http");
	check_text(svc_text(&t, e->full), "The Web");
	check_text(svc_iana(&t, e), "http");
	check_text(svc_iana(&t, svc_find_port(&t, 53, 1 << TCP)), NULL);
	check_text(svc_text(&t, e->use), "pages and more");
	check_text(svc_text(&t, e->watch), "passwords");
	free((void *)t.v);
	free(text);
}

static void test_wrong_lines(void)
{
	struct svc_table t;
	char *text;

	said[0] = '\0';
	text = parse_table("nothing\n"
			   "a 80\n"
			   "b 65536/tcp\n"
			   "c 9-8/tcp\n"
			   "d x/tcp\n"
			   "e 1/ddp\n"
			   "range\n"
			   "range x\n"
			   "  lost text\n"
			   "good 7/tcp", keep_warning, &t);
	check(t.singles == 1 && !t.spans && !t.ranges);
	is_entry(&t, 7, TCP, "good");
	check(strstr(said, "test:1: "));
	check(strstr(said, "test:4: "));
	check(!strstr(said, "test:6: "));	/* ddp is no error */
	check(!strstr(said, "test:10: "));
	free((void *)t.v);
	free(text);

	begin_capture();
	text = parse_table("nothing\n", NULL, &t);
	check_text(end_capture(), "");
	free((void *)t.v);
	free(text);

	text = parse_table("", keep_warning, &t);
	check(!t.singles);
	free((void *)t.v);
	free(text);
}

/* Two names for a port: the first in the file counts, as in services(5). */
static void test_order_in_file(void)
{
	struct svc_table t;
	char *text = parse_table("b 5/tcp\na 5/tcp\nc 4/tcp\n", keep_warning, &t);

	is_entry(&t, 5, TCP, "b");
	free((void *)t.v);
	free(text);
}

static void is_named(struct services *s, unsigned int port,
		     unsigned int transport, const char *name,
		     const char *iana)
{
	const char *found;

	check_text(services_name(s, port, transport, &found), name);
	check_text(found, iana);
}

static void write_user_file(const char *text)
{
	static char dir[] = "/tmp/portmon-unit-XXXXXX";
	char path[128];
	FILE *f;

	if (!mkdtemp(dir))
		return;
	setenv("XDG_CONFIG_HOME", dir, 1);
	snprintf(path, sizeof(path), "%s/portmon", dir);
	mkdir(path, 0700);
	strcat(path, "/services");
	f = fopen(path, "w");
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

static void remove_user_file(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/portmon/services",
		 getenv("XDG_CONFIG_HOME"));
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(getenv("XDG_CONFIG_HOME"));
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

static void test_order_of_sources(void)
{
	struct services s = { 0 };
	struct svc_match match[4];

	write_user_file("shop 443/tcp\nshop 8443/tcp\nssh 2222/tcp\n"
			"names 53/udp\n\tiana: mine\nnobody 5900/tcp\n"
			"own 59999/tcp\n");
	is_named(&s, 443, TCP, "shop", "https");
	is_named(&s, 443, UDP, "https", "https");
	is_named(&s, 22, TCP, "ssh", "ssh");
	is_named(&s, 5901, TCP, "vnc", NULL);
	is_named(&s, 60500, UDP, NULL, NULL);
	check(svc_find_port(&catalogue, 60500, 1 << UDP));
	/* Who renames a port still has IANA's name of it, unless he tells. */
	is_named(&s, 53, UDP, "names", "mine");
	is_named(&s, 5900, TCP, "nobody", "rfb");
	is_named(&s, 59999, TCP, "own", NULL);
	check(services_find_name(&s, "SHOP", match, 4) == 2);
	/* The first source that knows the name decides. */
	check(services_find_name(&s, "ssh", match, 4) == 1);
	check(match[0].e->port == 2222);
	services_free(&s);
	remove_user_file();

	is_named(&s, 443, TCP, "https", "https");
	check(services_find_name(&s, "dns", match, 4) == 1);
	check(match[0].e->port == 53);
	check(services_find_name(&s, "DOMAIN", match, 4) == 1);
	check(match[0].e->port == 53);
	check(services_find_name(&s, "dhcp", match, 4) == 2);
	check(services_find_name(&s, "no-such-thing", match, 4) == 0);
	services_free(&s);
}

/* Named on the first page of the project. */
static void test_catalogue(void)
{
	static const struct {
		unsigned int port, transport;
		const char *name;
	} must[] = {
		{ 21, TCP, "ftp" }, { 22, TCP, "ssh" }, { 23, TCP, "telnet" },
		{ 25, TCP, "smtp" }, { 53, UDP, "dns" },
		{ 53, TCP, "dns" }, { 80, TCP, "http" },
		{ 110, TCP, "pop3" }, { 137, UDP, "netbios-ns" },
		{ 138, UDP, "netbios-dgm" }, { 139, TCP, "netbios-ssn" },
		{ 143, TCP, "imap" }, { 427, UDP, "slp" },
		{ 427, TCP, "slp" }, { 443, TCP, "https" },
		{ 443, UDP, "https" }, { 445, TCP, "smb" },
		{ 548, TCP, "afp" }, { 3389, TCP, "rdp" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(must); i++)
		is_entry(&catalogue, must[i].port, must[i].transport,
			 must[i].name);
	check(catalogue.singles + catalogue.spans >= ARRAY_SIZE(must) + 150);
	for (i = 0; i < catalogue.singles + catalogue.spans; i++) {
		const struct service *e = &catalogue.v[i];

		check(e->full && e->use && e->watch);
		check(e->port <= e->port_max && e->transports);
	}
}

/* The short name is what people say; IANA's stands for the same port. */
static void test_iana(void)
{
	static const struct {
		const char *name, *iana;
		unsigned int port, transport;
	} must[] = {
		{ "dns", "domain", 53, UDP }, { "dns", "domain", 53, TCP },
		{ "slp", "svrloc", 427, UDP }, { "smb", "microsoft-ds", 445, TCP },
		{ "afp", "afpovertcp", 548, TCP },
		{ "rdp", "ms-wbt-server", 3389, TCP },
		{ "dhcp", "bootps", 67, UDP }, { "dhcp", "bootpc", 68, UDP },
		{ "ntp", "ntp", 123, UDP }, { "snmp", "snmp", 161, UDP },
		{ "netbios-ns", "netbios-ns", 137, UDP },
		{ "netbios-ssn", "netbios-ssn", 139, TCP },
		{ "ike", "isakmp", 500, UDP }, { "rsh", "shell", 514, TCP },
		{ "syslog", "syslog", 514, UDP }, { "vnc", "rfb", 5900, TCP },
		{ "mssql", "ms-sql-s", 1433, TCP }, { "ldap", "ldap", 389, TCP },
		{ "prometheus", "websm", 9090, TCP },
		{ "wireguard", NULL, 51820, UDP },
		{ "mongodb", NULL, 27018, TCP },
	};
	const struct svc_table *t = &catalogue;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(must); i++) {
		const struct service *e = svc_find_port(t, must[i].port,
							1u << must[i].transport);

		if (!e || !svc_is_called(t, e, must[i].name))
			check_text(NULL, must[i].name);
		else
			check_text(svc_iana(t, e), must[i].iana);
	}
	/* Each name once, and in small letters, as typed. */
	for (i = 0; i < t->singles + t->spans; i++) {
		const struct service *e = &t->v[i];
		const char *name = svc_text(t, e->name), *p;
		struct service rest = { .name = e->aliases, .aliases = e->aliases };

		for (p = name; *p; p++)
			check(*p < 'A' || *p > 'Z');
		if (e->iana)
			check(strcasecmp(name, svc_text(t, e->iana)));
		if (!e->aliases)
			continue;
		rest.iana = e->aliases;
		check(!svc_is_called(t, &rest, name));
		check(!svc_iana(t, e) || !svc_is_called(t, &rest, svc_iana(t, e)));
	}
}

static void test_ranges(void)
{
	static const unsigned int edges[] = {
		0, 1023, 1024, 49151, 49152, 65535
	};
	static const char *const names[] = {
		"well-known", "registered", "dynamic"
	};
	const struct service *e;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		e = services_range(edges[i]);
		check_text(e ? svc_text(&catalogue, e->name) : NULL,
			   names[i / 2]);
	}
	for (i = 0; i < 65536; i++)
		if (!services_range(i))
			break;
	check(i == 65536);
}

static int parse_portspec(const char *arg, struct portspec *spec)
{
	struct services s = { 0 };
	int n;

	begin_capture();
	n = portspec_parse(&s, arg, spec);
	check((n < 0) == !!*end_capture());
	services_free(&s);
	return n;
}

static void test_portspec(void)
{
	struct portspec spec[PORTSPEC_MAX];

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	check(parse_portspec("0", spec) == 1 && spec[0].port == 0);
	check(parse_portspec("65535", spec) == 1 && spec[0].port_max == 65535);
	check(spec[0].transports == ALL_TRANSPORTS);
	check(parse_portspec("443/tcp", spec) == 1 && spec[0].port == 443);
	check(spec[0].transports == 1 << TCP);
	check(parse_portspec("8000-8100/UDP", spec) == 1 && spec[0].port_max == 8100);
	check(spec[0].transports == 1 << UDP);
	check(parse_portspec("https", spec) == 2 && spec[1].port == 443);
	check(parse_portspec("HTTPS/udp", spec) == 1);
	check(spec[0].transports == 1 << UDP);
	check(parse_portspec("svrloc", spec) == 1 && spec[0].port == 427);
	check(parse_portspec("dns", spec) == 1);
	check(spec[0].transports == (1 << UDP | 1 << TCP));
}

static void test_portspec_wrong(void)
{
	static const char *const wrong[] = {
		"65536", "-1", "99999999999999999999", "9-8", "1-", "1-65536",
		"443/", "443/xyz", "", "/tcp", "no-such-service", "ssh/udp",
		"1-2-3", " 80", "80 ", "+80",
	};
	struct portspec spec[PORTSPEC_MAX];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		if (parse_portspec(wrong[i], spec) != USAGE)
			check_text(wrong[i], "refused");
}

static void test_portspec_many(void)
{
	struct ctx ctx = { .opt = OPTIONS_DEFAULT };
	char text[FILTER_SPANS * 6 + 8] = "";
	unsigned int i;

	for (i = 0; i < FILTER_SPANS; i++)
		sprintf(text + strlen(text), "%s%u", i ? "," : "", 100 + 2 * i);
	check(!ctx_ports(&ctx, text));
	check(ctx.opt.filter.n_spans == FILTER_SPANS);
	begin_capture();
	check(ctx_ports(&ctx, "9") == USAGE);
	check(strstr(end_capture(), "ports or spans of ports at once"));
}

const struct unit_test services_tests[] = {
	{ "format", test_format },
	{ "wrong_lines", test_wrong_lines },
	{ "order_in_file", test_order_in_file },
	{ "order_of_sources", test_order_of_sources },
	{ "catalogue", test_catalogue },
	{ "iana", test_iana },
	{ "ranges", test_ranges },
	{ "portspec", test_portspec },
	{ "portspec_wrong", test_portspec_wrong },
	{ "portspec: too many", test_portspec_many },
	{ 0 }
};
