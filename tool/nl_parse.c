// SPDX-License-Identifier: GPL-2.0
/* From attributes to struct record and struct info. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netlink.h>

#include "nl.h"
#include "util.h"

/**
 * struct field - where the value of an attribute goes
 * @offset: offset in the struct
 * @size: bytes there, 0 for an attribute that is passed over
 */
struct field {
	uint16_t offset;
	uint16_t size;
};

#define FIELD(type, member) \
	{ offsetof(type, member), sizeof(((type *)0)->member) }
#define R(member) FIELD(struct record, member)
#define I(member) FIELD(struct info, member)

static const struct field record_fields[] = {
	[PORTMON_A_RECORD_SCOPE] = R(scope),
	[PORTMON_A_RECORD_TRANSPORT] = R(transport),
	[PORTMON_A_RECORD_PORT] = R(port),
	[PORTMON_A_RECORD_RANGE] = R(range),
	[PORTMON_A_RECORD_HOOK] = R(hook),
	[PORTMON_A_RECORD_FAMILY] = R(family),
	[PORTMON_A_RECORD_BUCKET] = R(bucket),
	[PORTMON_A_RECORD_PROTOCOL] = R(protocol),
	[PORTMON_A_RECORD_PORTS] = R(ports),
	[PORTMON_A_RECORD_RX_PACKETS] = R(rx.packets),
	[PORTMON_A_RECORD_RX_BYTES] = R(rx.bytes),
	[PORTMON_A_RECORD_TX_PACKETS] = R(tx.packets),
	[PORTMON_A_RECORD_TX_BYTES] = R(tx.bytes),
	[PORTMON_A_RECORD_PACKETS] = R(all.packets),
	[PORTMON_A_RECORD_BYTES] = R(all.bytes),
	[PORTMON_A_RECORD_FIRST_SEEN] = R(first_seen),
	[PORTMON_A_RECORD_LAST_SEEN] = R(last_seen),
};

static const struct field info_fields[] = {
	[PORTMON_A_INFO_ENABLED] = I(enabled),
	[PORTMON_A_INFO_SINCE] = I(since),
	[PORTMON_A_INFO_GENERATION] = I(generation),
	[PORTMON_A_INFO_RECORDS] = I(records),
	[PORTMON_A_INFO_RECORDS_MAX] = I(records_max),
	[PORTMON_A_INFO_SLOTS] = I(slots),
	[PORTMON_A_INFO_SLOTS_MAX] = I(slots_max),
	[PORTMON_A_INFO_MEMORY] = I(memory),
	[PORTMON_A_INFO_EPHEMERAL_MIN] = I(ephemeral_min),
	[PORTMON_A_INFO_EPHEMERAL_MAX] = I(ephemeral_max),
};

/*
 * Attributes are walked here and not with libnl's calls: a dump has ten in
 * each of its records. A YNL "uint" has 4 or 8 bytes; any number is taken in
 * any size that it fits in.
 */
static inline bool get_number(const struct nlattr *a, unsigned int len,
			      uint64_t *v)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} n;
	const void *data = (const char *)a + NLA_HDRLEN;

	switch (len) {
	case 1:
		memcpy(&n, data, 1);
		*v = n.u8;
		return true;
	case 2:
		memcpy(&n, data, 2);
		*v = n.u16;
		return true;
	case 4:
		memcpy(&n, data, 4);
		*v = n.u32;
		return true;
	case 8:
		memcpy(&n, data, 8);
		*v = n.u64;
		return true;
	}
	return false;
}

static inline bool set_field(void *base, const struct field *f, uint64_t v)
{
	void *to = (char *)base + f->offset;

	switch (f->size) {
	case 1:
		*(uint8_t *)to = v;
		return v <= UINT8_MAX;
	case 2:
		*(uint16_t *)to = v;
		return v <= UINT16_MAX;
	case 4:
		*(uint32_t *)to = v;
		return v <= UINT32_MAX;
	case 8:
		*(uint64_t *)to = v;
		return true;
	}
	return false;
}

/**
 * struct parser - how the attributes of a set are read
 * @fields: by attribute
 * @n: how many
 * @special: takes an attribute that is no number, or NULL
 */
struct parser {
	const struct field *fields;
	unsigned int n;
	void (*special)(const struct nlattr *a, unsigned int len, void *base);
};

/* What is not known is passed over: a newer module tells more. */
static inline int parse(const struct parser *p, const struct nlattr *a,
			int left, void *base, uint32_t *has)
{
	while (left > 0) {
		unsigned int type, len, step;
		uint64_t v;

		if (left < NLA_HDRLEN || a->nla_len < NLA_HDRLEN ||
		    a->nla_len > left)
			return -EBADMSG;
		len = a->nla_len - NLA_HDRLEN;
		type = a->nla_type & NLA_TYPE_MASK;
		if (type < p->n && p->fields[type].size) {
			if (!get_number(a, len, &v) ||
			    !set_field(base, &p->fields[type], v))
				return -EBADMSG;
			*has |= 1u << type;
		} else if (p->special) {
			p->special(a, len, base);
		}
		step = NLA_ALIGN(a->nla_len);
		left -= step;
		a = (const void *)((const char *)a + step);
	}
	return 0;
}

/**
 * pm_parse_record() - make a record of its attributes
 * @attrs: first attribute
 * @len: length of all
 * @r: the record
 *
 * Return: 0, or -EBADMSG for what no module of ours would send.
 */
int pm_parse_record(const struct nlattr *attrs, int len, struct record *r)
{
	static const struct parser parser = {
		record_fields, ARRAY_SIZE(record_fields), NULL
	};

	memset(r, 0, sizeof(*r));
	return parse(&parser, attrs, len, r, &r->has);
}

static void get_version(const struct nlattr *a, unsigned int len, void *base)
{
	struct info *info = base;

	if ((a->nla_type & NLA_TYPE_MASK) != PORTMON_A_INFO_VERSION)
		return;
	snprintf(info->version, sizeof(info->version), "%.*s", (int)len,
		 (const char *)a + NLA_HDRLEN);
}

/**
 * pm_parse_info() - make an info of its attributes
 * @attrs: first attribute
 * @len: length of all
 * @info: the info
 *
 * Return: 0, or -EBADMSG for what no module of ours would send.
 */
int pm_parse_info(const struct nlattr *attrs, int len, struct info *info)
{
	static const struct parser parser = {
		info_fields, ARRAY_SIZE(info_fields), get_version
	};
	uint32_t has = 0;

	memset(info, 0, sizeof(*info));
	return parse(&parser, attrs, len, info, &has);
}
