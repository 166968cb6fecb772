// SPDX-License-Identifier: GPL-2.0
/* Why the module is not loaded, on hosts with other files and another modinfo. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/module.h"
#include "lib/util.h"
#include "test/ktap.h"

#define NOT_LOADED	"the portmon module is not loaded"
#define LOAD		NOT_LOADED "; load it with: modprobe portmon"
#define BUILT		"printf 'filename:  /x.ko\\nlicense: GPL\\n"
#define SIGNED		BUILT "signer:         DKMS module signing key\\nsig_key: 1\\n'"
#define SIG_ENFORCE	"/sys/module/module/parameters/sig_enforce"
#define LOCKDOWN	"/sys/kernel/security/lockdown"
#define DKMS_CONF	"/etc/dkms/framework.conf"

static char root[32];
static struct module_host host;

static void begin_host(const char *modinfo)
{
	snprintf(root, sizeof(root), "/tmp/portmon-unit-XXXXXX");
	check(mkdtemp(root));
	host = (struct module_host){
		.root = root, .modinfo = modinfo, .superuser = true,
	};
}

static void end_host(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	check(!system(command));
}

/* A file of the host, and the folders that it is in. */
static void write_file(const char *path, const char *text)
{
	char full[128], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = full + strlen(root) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "we");
	check(f && fputs(text, f) >= 0 && !fclose(f));
}

static void says(const char *begin, const char *part)
{
	struct error e;

	check(module_absent_on(&host, &e) == -ENOENT);
	e.text[ERROR_SIZE - 1] = '\0';
	check_text(strstr(e.text, part) ? part : e.text, part);
	e.text[strlen(begin)] = '\0';
	check_text(e.text, begin);
}

static void test_not_built(void)
{
	struct rlimit files, none;

	begin_host("exit 1");
	says(NOT_LOADED ": it is not built for this kernel, ",
	     "dkms autoinstall -k ");
	/* modinfo cannot be run. */
	check(!getrlimit(RLIMIT_NOFILE, &files));
	none = (struct rlimit){ 0, files.rlim_max };
	host.modinfo = SIGNED;
	check(!setrlimit(RLIMIT_NOFILE, &none));
	says(NOT_LOADED ": it is not built for this kernel, ", "");
	check(!setrlimit(RLIMIT_NOFILE, &files));
	end_host();
}

static void test_not_signed(void)
{
	static const struct {
		const char *path, *text;
		bool refuses;
	} cases[] = {
		{ "/unrelated", "Y\n", false },
		{ SIG_ENFORCE, "N\n", false },
		{ LOCKDOWN, "[none] integrity confidentiality\n", false },
		{ LOCKDOWN, "none [integrity] confidentiality\n", true },
		{ LOCKDOWN, "none integrity [confidentiality]\n", true },
		{ SIG_ENFORCE, "Y\n", true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_host(BUILT "'");
		write_file(cases[i].path, cases[i].text);
		if (cases[i].refuses)
			says(NOT_LOADED ": it is not signed, ",
			     "dkms install portmon/VERSION --force");
		else
			says(LOAD, "portmon");
		end_host();
	}
}

static void test_key(void)
{
	begin_host(SIGNED);
	write_file(SIG_ENFORCE, "Y\n");
	/* Another key, whose name begins in the same way. */
	write_file("/proc/keys",
		   "1 I------ 1 perm 1f0f0000 0 0 asymmetri Debian: DKMS module signing key 2: 1\n");
	says(NOT_LOADED ": this kernel loads only modules signed by a key that it knows",
	     "it does not know the key \"DKMS module signing key\"; to enroll it: mokutil --import /var/lib/dkms/mok.pub, ");
	/* The list of keys is not for everybody. */
	host.superuser = false;
	says(LOAD " (this kernel loads only modules signed",
	     "enroll the key \"DKMS module signing key\": mokutil --import /var/lib/dkms/mok.pub, ");
	host.superuser = true;
	write_file("/proc/keys",
		   "1 I------ 1 perm 1f0f0000 0 0 asymmetri Debian: 1\n2 I------ 1 perm 1f0f0000 0 0 asymmetri DKMS module signing key: 2\n");
	says(LOAD, "modprobe portmon");
	end_host();
}

static void test_certificate(void)
{
	begin_host(SIGNED);
	write_file(SIG_ENFORCE, "Y\n");
	write_file("/var/lib/shim-signed/mok/MOK.der", "");
	says(NOT_LOADED, "--import /var/lib/shim-signed/mok/MOK.der, ");
	write_file("/var/lib/dkms/mok.pub", "");
	says(NOT_LOADED, "--import /var/lib/dkms/mok.pub, ");
	write_file(DKMS_CONF, "# mok_certificate=/no.pub\nsign_tool=/x\n");
	says(NOT_LOADED, "--import /var/lib/dkms/mok.pub, ");
	/* One that is named, and not there yet. */
	write_file(DKMS_CONF, "mok_certificate=/root/own.pub\n");
	says(NOT_LOADED, "--import /var/lib/dkms/mok.pub, ");
	write_file("/root/own.pub", "");
	says(NOT_LOADED, "--import /root/own.pub, ");
	/* The last one counts, as for the shell. */
	write_file("/root/last.pub", "");
	write_file(DKMS_CONF,
		   "mok_certificate=/root/own.pub\n mok_certificate=\"/root/last.pub\" # mine\n");
	says(NOT_LOADED, "--import /root/last.pub, ");
	write_file(DKMS_CONF ".d/a.conf", "mok_certificate=/root/own.pub\n");
	write_file(DKMS_CONF ".d/b.conf", "sign_tool=/x\n");
	write_file(DKMS_CONF ".d/c.other", "mok_certificate=/no.pub\n");
	says(NOT_LOADED, "--import /root/own.pub, ");
	end_host();
}

const struct unit_test module_tests[] = {
	{ "not built for this kernel", test_not_built },
	{ "not signed", test_not_signed },
	{ "signed by a key that is not known", test_key },
	{ "certificate to enroll", test_certificate },
	{ 0 }
};
