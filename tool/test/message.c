// SPDX-License-Identifier: GPL-2.0
/* A message of the kernel's, attribute by attribute. */
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "test/message.h"

/** @msg: what is being written; parse_record() empties it */
struct message msg;

/**
 * put() - add an attribute
 * @type: &enum of the set, with flags where wanted
 * @data: payload
 * @n: bytes of it
 */
void put(unsigned int type, const void *data, int n)
{
	struct nlattr a = { .nla_len = NLA_HDRLEN + n, .nla_type = type };

	memcpy(msg.data + msg.len, &a, sizeof(a));
	memcpy(msg.data + msg.len + NLA_HDRLEN, data, n);
	msg.len += NLA_ALIGN(a.nla_len);
}

/**
 * put_u8() - add an attribute of a byte
 * @type: as for put()
 * @v: value
 */
void put_u8(unsigned int type, uint8_t v)
{
	put(type, &v, sizeof(v));
}

/**
 * put_u16() - add an attribute of two bytes
 * @type: as for put()
 * @v: value
 */
void put_u16(unsigned int type, uint16_t v)
{
	put(type, &v, sizeof(v));
}

/**
 * put_u32() - add an attribute of four bytes
 * @type: as for put()
 * @v: value
 */
void put_u32(unsigned int type, uint32_t v)
{
	put(type, &v, sizeof(v));
}

/**
 * put_u64() - add an attribute of eight bytes
 * @type: as for put()
 * @v: value
 */
void put_u64(unsigned int type, uint64_t v)
{
	put(type, &v, sizeof(v));
}

/**
 * begin_nest() - begin an attribute that holds others
 * @type: as for put(), without the flag
 *
 * Return: what end_nest() wants.
 */
int begin_nest(unsigned int type)
{
	put(NLA_F_NESTED | type, "", 0);
	return msg.len - NLA_HDRLEN;
}

/**
 * end_nest() - end it
 * @at: from begin_nest()
 */
void end_nest(int at)
{
	((struct nlattr *)(msg.data + at))->nla_len = msg.len - at;
}

/**
 * parse_record() - have the message read as a record, and empty it
 * @r: set to what it says
 * @list: the list that @r is of
 *
 * In memory of just its size, so that reading beyond it is seen.
 *
 * Return: what pm_parse_record() does.
 */
int parse_record(struct record *r, struct records *list)
{
	void *copy = malloc(msg.len ? msg.len : 1);
	int err;

	memcpy(copy, msg.data, msg.len);
	err = pm_parse_record(copy, msg.len, r, list);
	free(copy);
	msg.len = 0;
	return err;
}
