// SPDX-License-Identifier: GPL-2.0
/*
 * bpf tcx|cgroup|netfilter OBJECT: load a program and attach it both ways, at
 * the devices of both namespaces, at the root of the cgroups, or in the hooks
 * LOCAL_IN and LOCAL_OUT of both namespaces.  Then, for each key on standard
 * input, print packets and bytes of its record; at the end detach.
 *
 * Debian 12 has no loader for two of the three; this one knows one map and
 * calls to the kernel's functions, and nothing else.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

/* Younger than the headers of Debian 12. */
#define PROG_NETFILTER	32
#define AT_NETFILTER	45
#define AT_TCX_INGRESS	46
#define AT_TCX_EGRESS	47

#define RELOC_MAP	1		/* R_BPF_64_64 */
#define RELOC_CALL	10		/* R_BPF_64_32 */

#define CGROUPS		"/run/cgroup"
#define RECORDS		65536

struct link_create {
	uint32_t prog_fd, target, type, flags;
	struct {
		uint32_t pf, hook;
		int32_t priority;
		uint32_t flags;
	} nf;
};

static char *read_file(const char *path, size_t *len)
{
	size_t room = 16 << 20;
	char *data = malloc(room);
	int fd = open(path, O_RDONLY);
	ssize_t got;

	for (*len = 0; (got = read(fd, data + *len, room - *len)) > 0; *len += got)
		;
	if (fd < 0 || got < 0)
		die(path);
	close(fd);
	return data;
}

static int bpf(int cmd, void *attr, size_t size, const char *what)
{
	int ret = syscall(SYS_bpf, cmd, attr, size);

	if (ret < 0)
		die(what);
	return ret;
}

/* What follows a type in BTF. */
static size_t btf_more(uint32_t info)
{
	unsigned int n = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* The number by which the kernel knows a function of its own. */
static int kernel_function(const char *name)
{
	static char *btf;
	const struct btf_header *head;
	const struct btf_type *type;
	const char *at, *strings;
	size_t len;
	int id;

	if (!btf)
		btf = read_file("/sys/kernel/btf/vmlinux", &len);
	head = (void *)btf;
	at = btf + head->hdr_len + head->type_off;
	strings = btf + head->hdr_len + head->str_off;
	for (id = 1; at < strings; id++) {
		type = (void *)at;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(strings + type->name_off, name))
			return id;
		at += sizeof(*type) + btf_more(type->info);
	}
	die(name);
	return -1;
}

static const Elf64_Shdr *section(const char *elf, const char *name)
{
	const Elf64_Ehdr *head = (void *)elf;
	const Elf64_Shdr *all = (void *)(elf + head->e_shoff);
	const char *names = elf + all[head->e_shstrndx].sh_offset;
	int i;

	for (i = 0; i < head->e_shnum; i++)
		if (!strcmp(names + all[i].sh_name, name))
			return &all[i];
	die(name);
	return NULL;
}

static void relocate(const char *elf, struct bpf_insn *code,
		     const char *name, int map)
{
	const Elf64_Shdr *rels = section(elf, name);
	const Elf64_Shdr *symbols = section(elf, ".symtab");
	const char *strings = elf + section(elf, ".strtab")->sh_offset;
	const Elf64_Rel *rel = (void *)(elf + rels->sh_offset);
	const Elf64_Sym *symbol;
	size_t i;

	for (i = 0; i < rels->sh_size / sizeof(*rel); i++) {
		struct bpf_insn *insn = code + rel[i].r_offset / sizeof(*insn);

		symbol = (void *)(elf + symbols->sh_offset);
		symbol += ELF64_R_SYM(rel[i].r_info);
		if (ELF64_R_TYPE(rel[i].r_info) == RELOC_MAP) {
			insn->src_reg = BPF_PSEUDO_MAP_FD;
			insn->imm = map;
		} else {
			insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
			insn->imm = kernel_function(strings + symbol->st_name);
		}
	}
}

static int load(const char *path, const char *name, int type, int attach,
		int map)
{
	static char log[1 << 16];
	char rels[32];
	size_t len;
	char *elf = read_file(path, &len);
	const Elf64_Shdr *text = section(elf, name);
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = attach,
		.insns = (uintptr_t)elf + text->sh_offset,
		.insn_cnt = text->sh_size / sizeof(struct bpf_insn),
		.license = (uintptr_t)"GPL",
		.log_level = 1,
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
	};
	int fd;

	snprintf(rels, sizeof(rels), ".rel%s", name);
	relocate(elf, (void *)(elf + text->sh_offset), rels, map);
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0) {
		fputs(log, stderr);
		die("the program is refused");
	}
	free(elf);
	return fd;
}

static void attach(int prog, int type, int target)
{
	struct link_create link = { .prog_fd = prog, .target = target,
				    .type = type };

	bpf(BPF_LINK_CREATE, &link, sizeof(link), "attach");
}

static void attach_hook(int prog, int hook)
{
	/* The first and the last one are not for programs. */
	struct link_create link = {
		.prog_fd = prog, .type = AT_NETFILTER, .nf = {
			.pf = NFPROTO_IPV4, .hook = hook, .priority = -1000,
		},
	};

	bpf(BPF_LINK_CREATE, &link, sizeof(link), "attach");
}

static void attach_tcx(const char *object, int map)
{
	const char *where[][2] = { { NS_TX, DEV_TX }, { NS_RX, DEV_RX } };
	int i, type, prog;

	for (i = 0; i < 2; i++) {
		enter_netns(where[i][0]);
		for (type = AT_TCX_INGRESS; type <= AT_TCX_EGRESS; type++) {
			prog = load(object, "tc", BPF_PROG_TYPE_SCHED_CLS,
				    type, map);
			attach(prog, type, if_nametoindex(where[i][1]));
		}
	}
}

static void attach_cgroup(const char *object, int map)
{
	int root = open(CGROUPS, O_RDONLY | O_DIRECTORY), type;

	for (type = BPF_CGROUP_INET_INGRESS; type <= BPF_CGROUP_INET_EGRESS;
	     type++)
		attach(load(object, "cgroup", BPF_PROG_TYPE_CGROUP_SKB, type,
			    map), type, root);
}

static void attach_netfilter(const char *object, int map)
{
	const char *where[] = { NS_TX, NS_RX };
	int prog, i;

	prog = load(object, "netfilter", PROG_NETFILTER, AT_NETFILTER, map);
	for (i = 0; i < 2; i++) {
		enter_netns(where[i]);
		attach_hook(prog, NF_INET_LOCAL_IN);
		attach_hook(prog, NF_INET_LOCAL_OUT);
	}
}

int main(int argc, char **argv)
{
	/* systemd's is one array for all CPUs. */
	const int shared = argc == 3 && !strcmp(argv[1], "cgroup");
	union bpf_attr create = {
		.map_type = shared ? BPF_MAP_TYPE_ARRAY :
				     BPF_MAP_TYPE_PERCPU_ARRAY,
		.key_size = 4, .value_size = 16, .max_entries = RECORDS,
	}, lookup;
	uint64_t record[128][2];
	uint32_t key;
	int map;

	if (argc != 3)
		return 2;
	map = bpf(BPF_MAP_CREATE, &create, sizeof(create), "map");
	if (shared)
		attach_cgroup(argv[2], map);
	else if (!strcmp(argv[1], "tcx"))
		attach_tcx(argv[2], map);
	else
		attach_netfilter(argv[2], map);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (scanf("%u", &key) == 1) {
		memset(&lookup, 0, sizeof(lookup));
		lookup.map_fd = map;
		lookup.key = (uintptr_t)&key;
		lookup.value = (uintptr_t)record;
		bpf(BPF_MAP_LOOKUP_ELEM, &lookup, sizeof(lookup), "record");
		/* One CPU runs. */
		printf("%llu %llu\n", (unsigned long long)record[0][0],
		       (unsigned long long)record[0][1]);
	}
	return 0;
}
