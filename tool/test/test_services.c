// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctx.h"
#include "ktap.h"
#include "portspec.h"
#include "util.h"

enum {
	TCP = PORTMON_TRANSPORT_TCP,
	UDP = PORTMON_TRANSPORT_UDP,
};

/* A table of a text; the first line stays empty, as in a file. */
static char *parse_text(const char *text, bool quiet, struct svc_table *t)
{
	char *copy = NULL;

	if (asprintf(&copy, "\n%s", text) < 0)
		return NULL;
	check(!svc_parse(copy, "test", quiet, t));
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

	text = parse_text("# a comment\n"
			  "web 80/tcp www http  # The Web  \n"
			  "\tfor: pages\n"
			  "\t     and more\n"
			  "\n"
			  "\twatch:\n\t\tpasswords\n"
			  "dns 53/tcp,udp\n"
			  "x11 6000-6063/tcp\n"
			  "range low 0-1023\n"
			  "\tfor: low ones\n"
			  "last 9/udp", false, &t);
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
	check_text(svc_text(&t, e->use), "pages and more");
	check_text(svc_text(&t, e->watch), "passwords");
	free((void *)t.v);
	free(text);
}

static void test_wrong_lines(void)
{
	struct svc_table t;
	const char *said;
	char *text;

	begin_capture();
	text = parse_text("nothing\n"
			  "a 80\n"
			  "b 65536/tcp\n"
			  "c 9-8/tcp\n"
			  "d x/tcp\n"
			  "e 1/ddp\n"
			  "range\n"
			  "range x\n"
			  "  lost text\n"
			  "good 7/tcp", false, &t);
	said = end_capture();
	check(t.singles == 1 && !t.spans && !t.ranges);
	is_entry(&t, 7, TCP, "good");
	check(strstr(said, "portmon-ctl: test:1: "));
	check(strstr(said, "portmon-ctl: test:4: "));
	check(!strstr(said, "test:6: "));	/* ddp is no error */
	check(!strstr(said, "test:10: "));
	free((void *)t.v);
	free(text);

	begin_capture();
	text = parse_text("nothing\n", true, &t);
	check_text(end_capture(), "");
	free((void *)t.v);
	free(text);

	text = parse_text("", false, &t);
	check(!t.singles);
	free((void *)t.v);
	free(text);
}

/* Two names for a port: the first in the file counts, as in services(5). */
static void test_order_in_file(void)
{
	struct svc_table t;
	char *text = parse_text("b 5/tcp\na 5/tcp\nc 4/tcp\n", false, &t);

	is_entry(&t, 5, TCP, "b");
	free((void *)t.v);
	free(text);
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

	write_user_file("shop 443/tcp\nshop 8443/tcp\nssh 2222/tcp\n");
	check_text(services_name(&s, 443, TCP), "shop");
	check_text(services_name(&s, 443, UDP), "https");
	check_text(services_name(&s, 22, TCP), "ssh");
	check_text(services_name(&s, 5901, TCP), "vnc");
	check_text(services_name(&s, 60500, UDP), NULL);
	check(svc_find_port(&catalogue, 60500, 1 << UDP));
	check(services_find_name(&s, "SHOP", match, 4) == 2);
	/* The first source that knows the name decides. */
	check(services_find_name(&s, "ssh", match, 4) == 1);
	check(match[0].e->port == 2222);
	services_free(&s);
	remove_user_file();

	check_text(services_name(&s, 443, TCP), "https");
	check(services_find_name(&s, "dns", match, 4) == 1);
	check(match[0].e->port == 53);
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
		{ 25, TCP, "smtp" }, { 53, UDP, "domain" },
		{ 53, TCP, "domain" }, { 80, TCP, "http" },
		{ 110, TCP, "pop3" }, { 137, UDP, "netbios-ns" },
		{ 138, UDP, "netbios-dgm" }, { 139, TCP, "netbios-ssn" },
		{ 143, TCP, "imap" }, { 427, UDP, "svrloc" },
		{ 427, TCP, "svrloc" }, { 443, TCP, "https" },
		{ 443, UDP, "https" }, { 445, TCP, "microsoft-ds" },
		{ 548, TCP, "afpovertcp" }, { 3389, TCP, "rdp" },
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

static int parse(const char *arg, struct portspec *spec)
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
	check(parse("0", spec) == 1 && spec[0].port == 0);
	check(parse("65535", spec) == 1 && spec[0].port_max == 65535);
	check(spec[0].transports == ALL_TRANSPORTS);
	check(parse("443/tcp", spec) == 1 && spec[0].port == 443);
	check(spec[0].transports == 1 << TCP);
	check(parse("8000-8100/UDP", spec) == 1 && spec[0].port_max == 8100);
	check(spec[0].transports == 1 << UDP);
	check(parse("https", spec) == 2 && spec[1].port == 443);
	check(parse("HTTPS/udp", spec) == 1);
	check(spec[0].transports == 1 << UDP);
	check(parse("dns", spec) == 1);
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
		if (parse(wrong[i], spec) != USAGE)
			check_text(wrong[i], "refused");
}

const struct unit_test services_tests[] = {
	{ "format", test_format },
	{ "wrong_lines", test_wrong_lines },
	{ "order_in_file", test_order_in_file },
	{ "order_of_sources", test_order_of_sources },
	{ "catalogue", test_catalogue },
	{ "ranges", test_ranges },
	{ "portspec", test_portspec },
	{ "portspec_wrong", test_portspec_wrong },
	{ 0 }
};
