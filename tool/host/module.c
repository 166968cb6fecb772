// SPDX-License-Identifier: GPL-2.0
/* Why the module is not loaded, and what to do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/module.h"

#define DKMS_CONF	"/etc/dkms/framework.conf"

/* Where dkms has the certificate of the key that it signs with, unless DKMS_CONF names one: its own folder, and Ubuntu's. */
static const char *const certificates[] = {
	"/var/lib/dkms/mok.pub",
	"/var/lib/shim-signed/mok/MOK.der",
};

/**
 * struct built - the module as modprobe would load it
 * @found: there is one for this kernel
 * @signer: who signed it, "" if nobody did
 */
struct built {
	bool found;
	char signer[128];
};

/* modinfo finds and unpacks it as modprobe does; PATH of the user does not matter. */
static void find_built(struct built *b)
{
	static const char head[] = "signer:";
	char line[512], *value;
	FILE *pipe;

	memset(b, 0, sizeof(*b));
	pipe = popen("PATH=/usr/sbin:/sbin:/usr/bin:/bin modinfo portmon 2>/dev/null",
		     "re");
	if (!pipe)
		return;
	while (fgets(line, sizeof(line), pipe)) {
		if (strncmp(line, head, strlen(head)))
			continue;
		value = line + strlen(head);
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(b->signer, sizeof(b->signer), "%s", value);
	}
	b->found = !pclose(pipe);
}

static bool file_has(const char *path, const char *text)
{
	char line[512];
	bool has = false;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	while (!has && fgets(line, sizeof(line), file))
		has = strstr(line, text);
	fclose(file);
	return has;
}

/* Secure Boot locks the kernel down; sig_enforce is the same for modules alone. */
static bool only_signed(void)
{
	static const char lockdown[] = "/sys/kernel/security/lockdown";

	return file_has("/sys/module/module/parameters/sig_enforce", "Y") ||
	       file_has(lockdown, "[integrity]") ||
	       file_has(lockdown, "[confidentiality]");
}

/* Keys are listed by the name of their owner; the kernel's own are shown to root only. */
static bool knows_key(const char *signer)
{
	char text[160];

	snprintf(text, sizeof(text), " %s: ", signer);
	return file_has("/proc/keys", text);
}

/* A line of DKMS_CONF, which the shell reads: mok_certificate=PATH, maybe quoted. */
static bool configured(char *path, size_t size)
{
	static const char name[] = "mok_certificate=";
	char line[512], *value;
	bool found = false;
	FILE *file = fopen(DKMS_CONF, "re");

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		value = line + strspn(line, " \t");
		if (strncmp(value, name, strlen(name)))
			continue;
		value += strlen(name);
		value += strspn(value, "\"'");
		value[strcspn(value, "\"' \t\n")] = '\0';
		snprintf(path, size, "%s", value);
		found = true;
	}
	fclose(file);
	return found && !access(path, F_OK);
}

static const char *certificate(char *path, size_t size)
{
	if (configured(path, size))
		return path;
	return access(certificates[0], F_OK) && !access(certificates[1], F_OK) ?
	       certificates[1] : certificates[0];
}

/**
 * module_absent() - why the module is not loaded, and what to do
 * @e: gets the sentence
 *
 * Three refusals look alike to who calls modprobe: no module for this kernel,
 * one that is not signed, and one signed by a key that the kernel does not
 * know.
 *
 * Return: -ENOENT.
 */
int module_absent(struct error *e)
{
	struct utsname host;
	struct built b;
	char path[256];

	if (uname(&host))
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon");
	find_built(&b);
	if (!b.found)
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded: it is not built for this kernel, %s; install the headers of this kernel (Debian: linux-headers-%s), then: dkms autoinstall -k %s, and modprobe portmon",
				 host.release, host.release, host.release);
	if (!only_signed())
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon");
	if (!*b.signer)
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded: it is not signed, and this kernel loads only signed modules (Secure Boot, or module.sig_enforce); let DKMS, which signs, build it: dkms install portmon/VERSION --force (see: dkms status)");
	if (!geteuid() && knows_key(b.signer))
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon");
	if (geteuid())
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon (this kernel loads only modules signed by a key that it knows; if modprobe says \"Key was rejected by service\", enroll the key \"%s\": mokutil --import %s, choose a password, reboot, and enter it when MokManager asks)",
				 b.signer, certificate(path, sizeof(path)));
	return error_set(e, -ENOENT,
			 "the portmon module is not loaded: this kernel loads only modules signed by a key that it knows (Secure Boot, or module.sig_enforce), and it does not know the key \"%s\"; to enroll it: mokutil --import %s, choose a password, reboot, and enter it when MokManager asks",
			 b.signer, certificate(path, sizeof(path)));
}
