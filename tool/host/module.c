// SPDX-License-Identifier: GPL-2.0
/* Why the module is not loaded, and what to do. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/module.h"

/* Where dkms has the certificate of the key that it signs with, unless its file names one: its own folder, and Ubuntu's. */
static const char *const certificates[] = {
	"/var/lib/dkms/mok.pub",
	"/var/lib/shim-signed/mok/MOK.der",
};

/* modinfo finds and unpacks it as modprobe does; PATH of the user does not matter. */
static const struct module_host this_host = {
	.root = "",
	.modinfo = "PATH=/usr/sbin:/sbin:/usr/bin:/bin modinfo portmon 2>/dev/null",
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

static void find_built(const struct module_host *h, struct built *b)
{
	static const char head[] = "signer:";
	char line[512], *value;
	FILE *pipe;

	memset(b, 0, sizeof(*b));
	pipe = popen(h->modinfo, "re");
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

static FILE *open_in(const struct module_host *h, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", h->root, path);
	return fopen(full, "re");
}

static bool file_is(const struct module_host *h, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", h->root, path);
	return !access(full, F_OK);
}

static bool file_has(const struct module_host *h, const char *path,
		     const char *text)
{
	char line[512];
	bool has = false;
	FILE *file = open_in(h, path);

	if (!file)
		return false;
	while (!has && fgets(line, sizeof(line), file))
		has = strstr(line, text);
	fclose(file);
	return has;
}

/* Secure Boot locks the kernel down; sig_enforce is the same for modules alone. */
static bool only_signed(const struct module_host *h)
{
	static const char lockdown[] = "/sys/kernel/security/lockdown";

	return file_has(h, "/sys/module/module/parameters/sig_enforce", "Y") ||
	       file_has(h, lockdown, "[integrity]") ||
	       file_has(h, lockdown, "[confidentiality]");
}

/* Keys are listed by the name of their owner; the kernel's own are shown to root only. */
static bool knows_key(const struct module_host *h, const char *signer)
{
	char text[160];

	snprintf(text, sizeof(text), " %s: ", signer);
	return file_has(h, "/proc/keys", text);
}

/* A line of a file that dkms has the shell read: mok_certificate=PATH, maybe quoted. */
static bool read_certificate(FILE *file, char *path, size_t size)
{
	static const char name[] = "mok_certificate=";
	char line[512], *value;
	bool found = false;

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
	return found;
}

/* dkms also reads a folder; the last file that names one decides. */
static bool configured(const struct module_host *h, char *path, size_t size)
{
	bool found = read_certificate(open_in(h, "/etc/dkms/framework.conf"),
				      path, size);
	char pattern[PATH_MAX];
	glob_t files = { 0 };
	size_t i;

	snprintf(pattern, sizeof(pattern),
		 "%s/etc/dkms/framework.conf.d/*.conf", h->root);
	if (!glob(pattern, 0, NULL, &files))
		for (i = 0; i < files.gl_pathc; i++)
			found |= read_certificate(fopen(files.gl_pathv[i], "re"),
						  path, size);
	globfree(&files);
	return found && file_is(h, path);
}

static const char *certificate(const struct module_host *h, char *path,
			       size_t size)
{
	if (configured(h, path, size))
		return path;
	return !file_is(h, certificates[0]) && file_is(h, certificates[1]) ?
	       certificates[1] : certificates[0];
}

/**
 * module_absent() - why the module is not loaded, and what to do
 * @e: gets the sentence
 *
 * Return: -ENOENT.
 */
int module_absent(struct error *e)
{
	struct module_host host = this_host;

	host.superuser = !geteuid();
	return module_absent_on(&host, e);
}

/**
 * module_absent_on() - why the module is not loaded on a host
 * @h: the host
 * @e: gets the sentence
 *
 * Three refusals look alike to who calls modprobe: no module for this kernel,
 * one that is not signed, and one signed by a key that the kernel does not
 * know.
 *
 * Return: -ENOENT.
 */
int module_absent_on(const struct module_host *h, struct error *e)
{
	struct utsname host;
	struct built b;
	char path[256];

	uname(&host);
	find_built(h, &b);
	if (!b.found)
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded: it is not built for this kernel, %s; install the headers of this kernel (Debian: linux-headers-%s), then: dkms autoinstall -k %s, and modprobe portmon",
				 host.release, host.release, host.release);
	if (!only_signed(h))
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon");
	if (!*b.signer)
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded: it is not signed, and this kernel loads only signed modules (Secure Boot, or module.sig_enforce); let DKMS, which signs, build it: dkms install portmon/VERSION --force (see: dkms status)");
	if (h->superuser && knows_key(h, b.signer))
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon");
	if (!h->superuser)
		return error_set(e, -ENOENT,
				 "the portmon module is not loaded; load it with: modprobe portmon (this kernel loads only modules signed by a key that it knows; if modprobe says \"Key was rejected by service\", enroll the key \"%s\": mokutil --import %s, choose a password, reboot, and enter it when MokManager asks)",
				 b.signer, certificate(h, path, sizeof(path)));
	return error_set(e, -ENOENT,
			 "the portmon module is not loaded: this kernel loads only modules signed by a key that it knows (Secure Boot, or module.sig_enforce), and it does not know the key \"%s\"; to enroll it: mokutil --import %s, choose a password, reboot, and enter it when MokManager asks",
			 b.signer, certificate(h, path, sizeof(path)));
}
