/* SPDX-License-Identifier: GPL-2.0 */
/* A message of the kernel's, attribute by attribute. */
#ifndef PORTMON_CTL_TEST_MESSAGE_H
#define PORTMON_CTL_TEST_MESSAGE_H

#include <stdint.h>

#include "lib/nl.h"

/**
 * struct message - attributes, one behind the other
 * @data: as they come from the socket
 * @len: bytes of them
 */
struct message {
	unsigned char data[2048];
	int len;
};

extern struct message msg;

void put(unsigned int type, const void *data, int n);
void put_u8(unsigned int type, uint8_t v);
void put_u16(unsigned int type, uint16_t v);
void put_u32(unsigned int type, uint32_t v);
void put_u64(unsigned int type, uint64_t v);

int begin_nest(unsigned int type);
void end_nest(int at);

int parse_record(struct record *r, struct records *list);

#endif
