// SPDX-License-Identifier: GPL-2.0
/* From attributes to struct record and struct info. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <linux/netlink.h>

#include "lib/nl.h"
#include "lib/util.h"

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
	[PORTMON_A_RECORD_PORT_MAX] = R(port_max),
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
	[PORTMON_A_RECORD_EVENT] = R(event),
	[PORTMON_A_RECORD_MISSED] = R(missed),
};

#define T(attr) \
	[attr] = { (attr) * sizeof(uint64_t), sizeof(uint64_t) }

static const struct field tcp_fields[] = {
	T(PORTMON_A_TCP_SYN_RECEIVED),
	T(PORTMON_A_TCP_SYN_SENT),
	T(PORTMON_A_TCP_SYNACK_RECEIVED),
	T(PORTMON_A_TCP_SYNACK_SENT),
	T(PORTMON_A_TCP_ESTABLISHED),
	T(PORTMON_A_TCP_FAILED),
	T(PORTMON_A_TCP_FIN),
	T(PORTMON_A_TCP_RST_RECEIVED),
	T(PORTMON_A_TCP_RST_SENT),
	T(PORTMON_A_TCP_RETRANSMITTED),
	T(PORTMON_A_TCP_SYNACK_RETRANSMITTED),
	T(PORTMON_A_TCP_SYN_TRANSLATED),
};

static const struct field drop_fields[] = {
	[PORTMON_A_DROP_PACKETS] = FIELD(struct drop, packets),
	[PORTMON_A_DROP_FIRST_SEEN] = FIELD(struct drop, first_seen),
	[PORTMON_A_DROP_LAST_SEEN] = FIELD(struct drop, last_seen),
};

static const struct field info_fields[] = {
	[PORTMON_A_INFO_ENABLED] = I(enabled),
	[PORTMON_A_INFO_LIFECYCLE] = I(lifecycle),
	[PORTMON_A_INFO_DROPS] = I(counts_drops),
	[PORTMON_A_INFO_SINCE] = I(since),
	[PORTMON_A_INFO_GENERATION] = I(generation),
	[PORTMON_A_INFO_RECORDS] = I(records),
	[PORTMON_A_INFO_RECORDS_MAX] = I(records_max),
	[PORTMON_A_INFO_SLOTS] = I(slots),
	[PORTMON_A_INFO_SLOTS_MAX] = I(slots_max),
	[PORTMON_A_INFO_MEMORY] = I(memory),
	[PORTMON_A_INFO_EPHEMERAL_MIN] = I(ephemeral_min),
	[PORTMON_A_INFO_EPHEMERAL_MAX] = I(ephemeral_max),
	[PORTMON_A_INFO_MISSING] = I(missing),
	[PORTMON_A_INFO_EVENTS] = I(events),
	[PORTMON_A_INFO_EVENTS_MAX] = I(events_max),
	[PORTMON_A_INFO_HISTOGRAMS] = I(histograms),
	[PORTMON_A_INFO_HISTOGRAMS_MAX] = I(histograms_max),
	[PORTMON_A_INFO_RECORDS_REFUSED] = I(records_refused),
	[PORTMON_A_INFO_EVENTS_REFUSED] = I(events_refused),
	[PORTMON_A_INFO_HISTOGRAMS_REFUSED] = I(histograms_refused),
	[PORTMON_A_INFO_DROPS_UNPLACED] = I(drops_unplaced),
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
	default:
		*(uint64_t *)to = v;
		return true;
	}
}

/**
 * struct parser - how the attributes of a set are read
 * @fields: by attribute
 * @n: how many
 * @special: takes an attribute that is no number, or NULL; returns 0 or a
 *   negative errno
 */
struct parser {
	const struct field *fields;
	unsigned int n;
	int (*special)(const struct nlattr *a, unsigned int len, void *base,
		       void *arg);
};

/* Unknown attributes are skipped: a newer module sends more. */
static inline int parse_all(const struct parser *p, const struct nlattr *a,
			    int left, void *base, uint32_t *has, void *arg)
{
	int err;

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
			err = p->special(a, len, base, arg);
			if (err)
				return err;
		}
		step = NLA_ALIGN(a->nla_len);
		left -= step;
		a = (const void *)((const char *)a + step);
	}
	return 0;
}

static unsigned int type_of(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static void copy_text(char *to, size_t size, const struct nlattr *a,
		      unsigned int len)
{
	const char *text = (const char *)a + NLA_HDRLEN;

	len = strnlen(text, len < size ? len : size - 1);
	memcpy(to, text, len);
	to[len] = '\0';
}

static int get_reason(const struct nlattr *a, unsigned int len, void *base,
		      void *arg)
{
	struct drop *drop = base;
	char *p;

	(void)arg;
	if (type_of(a) != PORTMON_A_DROP_REASON)
		return 0;
	copy_text(drop->reason, sizeof(drop->reason), a, len);
	/* It becomes a key. */
	for (p = drop->reason; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	return 0;
}

static int get_drop(const struct nlattr *attrs, unsigned int len,
		    struct record *r, struct records *list)
{
	static const struct parser parser = {
		drop_fields, ARRAY_SIZE(drop_fields), get_reason
	};
	struct drop *drop = records_drop(list, r);
	uint32_t has = 0;
	int err;

	if (!drop)
		return -ENOMEM;
	err = parse_all(&parser, attrs, len, drop, &has, NULL);
	r->dropped = sum_add(r->dropped, drop->packets);
	return err;
}

/* Buckets that a newer module may have more go into the last. */
static int get_histogram(const struct nlattr *a, unsigned int len, void *base,
			 void *arg)
{
	const char *data = (const char *)a + NLA_HDRLEN;
	const unsigned int type = type_of(a);
	struct histograms *h = base;
	unsigned int i, at;
	uint64_t n;

	(void)arg;
	if (!type || type > PORTMON_A_HISTOGRAMS_MAX)
		return 0;
	if (len % sizeof(n))
		return -EBADMSG;
	for (i = 0; i < len / sizeof(n); i++) {
		memcpy(&n, data + i * sizeof(n), sizeof(n));
		at = i < PORTMON_HISTOGRAM_BUCKETS ?
		     i : PORTMON_HISTOGRAM_BUCKETS - 1;
		h->of[type].bucket[at] = sum_add(h->of[type].bucket[at], n);
	}
	return 0;
}

static int get_histograms(const struct nlattr *attrs, unsigned int len,
			  struct record *r, struct records *list)
{
	static const struct parser parser = { NULL, 0, get_histogram };
	struct histograms *h = records_histograms(list, r);
	uint32_t has = 0;

	return h ? parse_all(&parser, attrs, len, h, &has, NULL) : -ENOMEM;
}

static int get_rest(const struct nlattr *a, unsigned int len, void *base,
		    void *arg)
{
	static const struct parser tcp = {
		tcp_fields, ARRAY_SIZE(tcp_fields), NULL
	};
	const struct nlattr *attrs = (const void *)((const char *)a +
						    NLA_HDRLEN);
	const unsigned int type = type_of(a);
	struct record *r = base;
	uint32_t has = 0;

	switch (type) {
	case PORTMON_A_RECORD_TCP:
		r->has |= 1u << type;
		return parse_all(&tcp, attrs, len, r->tcp, &has, NULL);
	case PORTMON_A_RECORD_DROPS:
		r->has |= 1u << type;
		return get_drop(attrs, len, r, arg);
	case PORTMON_A_RECORD_HISTOGRAMS:
		r->has |= 1u << type;
		return get_histograms(attrs, len, r, arg);
	case PORTMON_A_RECORD_NON_ZERO:
	case PORTMON_A_RECORD_DROPPED:
		r->has |= 1u << type;	/* flags, of a reset */
	}
	return 0;
}

/**
 * pm_parse_record() - make a record of its attributes
 * @attrs: first attribute
 * @len: length of all
 * @r: the record
 * @list: list that holds it, or at least its drops
 *
 * Return: 0, -EBADMSG for what no module of ours would send, or -ENOMEM.
 */
int pm_parse_record(const struct nlattr *attrs, int len, struct record *r,
		    struct records *list)
{
	static const struct parser parser = {
		record_fields, ARRAY_SIZE(record_fields), get_rest
	};

	memset(r, 0, sizeof(*r));
	return parse_all(&parser, attrs, len, r, &r->has, list);
}

static int get_version(const struct nlattr *a, unsigned int len, void *base,
		       void *arg)
{
	struct info *info = base;

	(void)arg;
	if (type_of(a) == PORTMON_A_INFO_VERSION)
		copy_text(info->version, sizeof(info->version), a, len);
	return 0;
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

	memset(info, 0, sizeof(*info));
	return parse_all(&parser, attrs, len, info, &info->has, NULL);
}
